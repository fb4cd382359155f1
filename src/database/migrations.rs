//! The migrations: which there are, which were applied, and what is wrong with them.

use std::fmt;

use sqlx::{
    PgConnection,
    migrate::{Migrate, MigrateError, Migrator},
};

use super::{Error, public_cause};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// A migration, by its number and what it does.
#[derive(Clone, Debug, PartialEq)]
pub struct Migration {
    pub version: i64,
    pub description: String,
}

impl fmt::Display for Migration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04} {}", self.version, self.description)
    }
}

/// Has all other migrators wait until the connection is closed.
pub async fn lock(connection: &mut PgConnection) -> Result<(), Error> {
    connection.lock().await.map_err(|error| migration_error(&error))
}

pub async fn apply(connection: &mut PgConnection) -> Result<(), Error> {
    MIGRATIONS.run(connection).await.map_err(|error| migration_error(&error))
}

/// How many there are after the one applied last.
pub fn newer_than(applied: Option<i64>) -> usize {
    MIGRATIONS.iter().filter(|migration| Some(migration.version) > applied).count()
}

/// What is still to be applied; what was applied must be what we would have applied.
pub async fn pending(connection: &mut PgConnection) -> Result<Vec<Migration>, Error> {
    let table = &MIGRATIONS.table_name;
    let failed = |error: MigrateError| migration_error(&error);
    connection.ensure_migrations_table(table).await.map_err(failed)?;
    if let Some(version) = connection.dirty_version(table).await.map_err(failed)? {
        return Err(migration_error(&MigrateError::Dirty(version)));
    }
    let applied = connection.list_applied_migrations(table).await.map_err(failed)?;
    for applied in &applied {
        match MIGRATIONS.iter().find(|migration| migration.version == applied.version) {
            None => return Err(migration_error(&MigrateError::VersionMissing(applied.version))),
            Some(migration) if migration.checksum != applied.checksum => {
                return Err(migration_error(&MigrateError::VersionMismatch(applied.version)));
            }
            Some(_) => {}
        }
    }
    let pending = MIGRATIONS
        .iter()
        .filter(|migration| applied.iter().all(|applied| applied.version != migration.version));
    Ok(pending
        .map(|migration| Migration {
            version: migration.version,
            description: migration.description.to_string(),
        })
        .collect())
}

fn migration_error(error: &MigrateError) -> Error {
    Error::Migration(match error {
        MigrateError::VersionMismatch(version) => format!(
            "migration {version:04} was changed after it had been applied; run the Dossier that applied it, or start with an empty database"
        ),
        MigrateError::VersionMissing(version) => format!(
            "the database has migration {version:04}, which this Dossier doesn't know; run a newer one"
        ),
        MigrateError::Dirty(version) => format!(
            "migration {version:04} was applied in part; restore the database from before it, and start again"
        ),
        MigrateError::ExecuteMigration(cause, version) => {
            format!("migration {version:04} can't be applied: {}", public_cause(cause))
        }
        other => format!("the migrations can't be applied: {other}"),
    })
}
