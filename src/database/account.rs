//! The user that runs Postgres, and where its files are. Postgres refuses to run as root, so root runs it as an
//! ordinary user.

use std::{
    env, fs, io,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use nix::unistd::{User, geteuid};

/// The user and group to switch to; `None` for the current user.
#[derive(Clone, Copy, Debug)]
pub struct Account(Option<(u32, u32)>);

impl Account {
    pub fn for_postgres() -> Self {
        if !geteuid().is_root() {
            return Account(None);
        }
        let known = ["postgres", "nobody"].iter().find_map(|name| User::from_name(name).ok().flatten());
        Account(Some(known.map_or((65534, 65534), |user| (user.uid.as_raw(), user.gid.as_raw()))))
    }

    /// A Postgres command for this user, without environment variables meant for other servers.
    pub fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir("/")
            .env_remove("PGDATA")
            .env_remove("PGPORT")
            .env("LC_ALL", "C")
            .env("TZ", "UTC");
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command
    }

    /// Creates a folder that only this user can access.
    pub fn own(self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        if let Some((user, group)) = self.0 {
            chown(folder, Some(user), Some(group))?;
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
    }

    /// Whether only this user can access the folder.
    pub fn owns(self, folder: &Path) -> io::Result<bool> {
        let found = fs::symlink_metadata(folder)?;
        let user = self.0.map_or(geteuid().as_raw(), |(user, _)| user);
        Ok(found.is_dir() && found.uid() == user && found.mode() & 0o077 == 0)
    }

    /// Checks that this user can reach a folder, which need not exist yet.
    pub fn reaches(self, folder: &Path) -> Result<(), String> {
        let Some((user, group)) = self.0 else { return Ok(()) };
        for above in folder.ancestors().skip(1) {
            let Ok(found) = fs::metadata(above) else { continue };
            let pass = if found.uid() == user {
                0o100
            } else if found.gid() == group {
                0o010
            } else {
                0o001
            };
            if found.mode() & pass == 0 {
                return Err(format!("the user that runs Postgres can't access {}", above.display()));
            }
        }
        Ok(())
    }
}

/// Default folder for data.
pub fn data_folder() -> PathBuf {
    user_folder("XDG_DATA_HOME", ".local/share", "Library/Application Support", "/var/lib")
}

/// Folder for downloads.
pub fn cache_folder() -> PathBuf {
    user_folder("XDG_CACHE_HOME", ".cache", "Library/Caches", "/var/cache")
}

/// Folder for state that must survive the loss of the data.
pub fn state_folder() -> PathBuf {
    let set = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    set.map_or_else(
        || {
            user_folder(
                "XDG_STATE_HOME",
                ".local/state",
                "Library/Application Support/state",
                "/var/lib/misc",
            )
        },
        |set| set.join("dossier"),
    )
}

/// The XDG folder of the user; for root one that the Postgres user can reach.
fn user_folder(variable: &str, linux: &str, macos: &str, of_root: &str) -> PathBuf {
    let set = |variable| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if geteuid().is_root() {
        Some(PathBuf::from(of_root))
    } else {
        set(variable).or_else(|| {
            set("HOME").map(|home| home.join(if cfg!(target_os = "macos") { macos } else { linux }))
        })
    };
    base.map_or_else(|| env::current_dir().unwrap_or_default().join("data"), |base| base.join("dossier"))
}
