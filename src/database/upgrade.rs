//! Carries the data of the embedded Postgres to a newer major version.
//!
//! The new data are made in a folder beside the old ones, and take their place by renaming. Whenever that is
//! interrupted, either the old data or the new ones are there, whole.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use crate::database::{
    Error,
    binaries::Binaries,
    connect_error, create_database,
    data_directories::{self, COMPLETE},
    embedded::{Create, Postgres},
    subprocess::Subprocess,
};

/// The database of the embedded Postgres.
const DATABASE: &str = "dossier";

/// An upgrade that has begun. Until it is dropped, no other Dossier uses the folder.
pub struct Upgrade {
    root: PathBuf,
    lock: File,
    old: Binaries,
    new: Binaries,
}

impl Upgrade {
    /// `None` if the data are of the newest version that is here.
    pub fn begin(root: &Path, pg_bin: Option<&Path>) -> Result<Option<Self>, Error> {
        let root = std::path::absolute(root).map_err(|error| Error::folder(root, &error))?;
        if !root.is_dir() {
            return Err(Error::Empty);
        }
        let lock = lock(&root)?;
        data_directories::complete_upgrade(&root).map_err(|error| Error::folder(&root, &error))?;
        let Some(from) = data_directories::version_of(&root) else { return Err(Error::Empty) };
        let subprocess = Subprocess::default();
        let Some(new) = Binaries::newer_than(from, pg_bin, &subprocess)? else { return Ok(None) };
        let old = Binaries::find(None, Some(from), &subprocess)
            .or_else(|error| Binaries::find(pg_bin, Some(from), &subprocess).map_err(|_| error))?;
        let kept = root.join(format!("data.{from}"));
        if kept.exists() {
            return Err(Error::Embedded(format!(
                "{} is there from an earlier upgrade; delete it with: dossier upgrade --delete-old",
                kept.display()
            )));
        }
        let upgrade = Upgrade { root, lock, old, new };
        // Of an upgrade that was interrupted.
        let left = upgrade.work();
        if left.exists() {
            fs::remove_dir_all(&left).map_err(|error| Error::folder(&left, &error))?;
        }
        Ok(Some(upgrade))
    }

    pub fn versions(&self) -> (u32, u32) {
        (self.old.major, self.new.major)
    }

    /// The folder for the new data, and for files that are deleted at the end.
    pub fn work(&self) -> PathBuf {
        self.root.join("upgrade")
    }

    pub async fn start_old(&self) -> Result<Postgres, Error> {
        let lock = self.lock.try_clone().map_err(|error| Error::folder(&self.root, &error))?;
        Postgres::open_locked(&self.root, &self.old.folder, lock).await
    }

    pub async fn start_new(&self) -> Result<Postgres, Error> {
        let postgres = Postgres::open(&self.work(), Some(&self.new.folder), Create::Always).await?;
        create_database(&postgres, DATABASE).await?;
        Ok(postgres)
    }

    /// Puts the new data in the place of the old ones, and returns where these are. Both Postgres must have stopped.
    pub fn finish(self) -> Result<PathBuf, Error> {
        let kept = self.root.join(format!("data.{}", self.old.major));
        let swap = || {
            fs::rename(self.work().join("data"), self.root.join(COMPLETE))?;
            // Before the old data go, the new ones must be there.
            data_directories::sync(&self.work())?;
            data_directories::sync(&self.root)?;
            fs::rename(self.root.join("data"), &kept)?;
            data_directories::complete_upgrade(&self.root)?;
            fs::remove_dir_all(self.work())
        };
        swap().map_err(|error| Error::folder(&self.root, &error))?;
        Ok(kept)
    }
}

/// Deletes the data that upgrades have kept, and returns their folders.
pub fn delete_old(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |error: std::io::Error| Error::folder(root, &error);
    let _lock = lock(root)?;
    data_directories::complete_upgrade(root).map_err(failed)?;
    let mut deleted = Vec::new();
    for entry in fs::read_dir(root).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.strip_prefix("data.").is_some_and(|version| version.parse::<u32>().is_ok()) {
            fs::remove_dir_all(&path).map_err(failed)?;
            deleted.push(path);
        }
    }
    Ok(deleted)
}

fn lock(root: &Path) -> Result<File, Error> {
    let path = root.join("lock");
    let lock = File::create(&path).map_err(|error| Error::folder(&path, &error))?;
    lock.try_lock().map_err(|_| {
        Error::Embedded(format!("another Dossier uses {}; stop it before the upgrade", root.display()))
    })?;
    Ok(lock)
}

/// Connects to the database of an embedded Postgres, in a schema.
pub async fn connect(postgres: &Postgres, schema: &str) -> Result<PgConnection, Error> {
    let options: PgConnectOptions = postgres.connect_options(DATABASE);
    let options =
        options.options([("search_path", format!("\"{schema}\",public")), ("jit", "off".to_owned())]);
    PgConnection::connect_with(&options).await.map_err(|error| connect_error(&error))
}

/// The schemas with tables of Dossier.
pub async fn schemas(connection: &mut PgConnection) -> Result<Vec<String>, Error> {
    let sql = "select nspname::text from pg_namespace n join pg_class on relnamespace = n.oid
               where relname = '_sqlx_migrations' order by 1";
    sqlx::query_scalar(sql).fetch_all(connection).await.map_err(|error| connect_error(&error))
}

/// What an upgrade does not carry over: other databases, tables of other programs, roles, and settings.
pub async fn left_behind(connection: &mut PgConnection) -> Result<Vec<String>, Error> {
    let sql = "
        with dossiers as (
            select distinct nspname from pg_namespace n join pg_class on relnamespace = n.oid
            where relname = '_sqlx_migrations'
        )
        select format('database %s', datname) from pg_database
        where datname not in ('postgres', 'template0', 'template1', current_database())
        union all
        select format('table %s.%s', nspname, relname) from pg_class join pg_namespace n on n.oid = relnamespace
        where relkind in ('r', 'p', 'm', 'f') and nspname !~ '^(pg_|information_schema$)'
        and nspname not in (
            select unnest(array[
                nspname::text, replace(nspname, 'public', 'dossier') || '_past',
                replace(nspname, 'public', 'dossier') || '_importing'
            ]) from dossiers
        )
        union all
        select format('role %s', rolname) from pg_roles where rolname !~ '^pg_' and rolname <> 'postgres'
        union all
        select format('setting %s', name) from pg_settings
        where sourcefile like '%postgresql.auto.conf'
        order by 1";
    sqlx::query_scalar(sql).fetch_all(connection).await.map_err(|error| connect_error(&error))
}
