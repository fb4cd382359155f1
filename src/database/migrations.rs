//! Migrations: the embedded files, what is applied, and what is pending.

use std::{
    fmt,
    sync::LazyLock,
    time::{Duration, Instant},
};

use sqlx::{
    AssertSqlSafe, PgConnection, SqlSafeStr,
    migrate::{Migrate, MigrateError, MigrationType, Migrator},
};

use crate::database::{Error, connect_error, error::in_words};

static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let files: &[(i64, &'static str, &'static str)] = &include!(concat!(env!("OUT_DIR"), "/migrations.rs"));
    let read = |(version, description, sql): &(i64, &'static str, &'static str)| {
        let (description, sql) = ((*description).into(), sql.into_sql_str());
        let alone = sql.as_str().starts_with("-- no-transaction");
        sqlx::migrate::Migration::new(*version, description, MigrationType::Simple, sql, alone)
    };
    Migrator::with_migrations(files.iter().map(read).collect())
});

/// Deletes the records of a new database, as one change.
const DELETE_RECORDS: &str = "
    do $$
    declare
        of_table name;
    begin
        perform set_config('dossier.requester', 'migration', true);
        set constraints all deferred;
        for of_table in
            select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'slug'
            where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace
        loop
            execute format('delete from %I', of_table);
        end loop;
    end
    $$";

/// Checks deferred constraints, as the commit of a migration does: its successor can't alter a table with pending
/// checks.
const CHECK_DEFERRED: &str = "
    set constraints all immediate;
    do $$
    declare
        of_constraint name;
    begin
        for of_constraint in
            select conname from pg_constraint
            where condeferred and connamespace = current_schema()::regnamespace
        loop
            execute format('set constraints %I deferred', of_constraint);
        end loop;
    end
    $$";

/// Name of the table that lists the applied migrations.
const TABLE: &str = "_sqlx_migrations";

/// After how long waiting for another migrator is logged.
const LOG_AFTER: Duration = Duration::from_secs(1);
const LOCK_PAUSE: Duration = Duration::from_millis(100);
/// How long a migration lets others run before it tries again to lock its tables, and how long it tries.
const PAUSE: Duration = Duration::from_secs(1);
const GIVE_UP_AFTER: Duration = Duration::from_mins(10);

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

/// The embedded migrations compared to the applied ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    pub pending: Vec<Migration>,
    /// Applied by a newer version of Dossier.
    pub unknown: Vec<i64>,
    /// Whether none was applied.
    pub is_empty: bool,
}

/// Locks out other migrators until the connection closes. It waits in short turns: an index that another one builds
/// concurrently waits for statements that run, and would wait for this one.
pub async fn lock(connection: &mut PgConnection) -> Result<(), Error> {
    set(connection, "set lock_timeout = '500ms'").await?;
    let (since, mut is_logged) = (Instant::now(), false);
    loop {
        match connection.lock().await {
            Err(MigrateError::Execute(error)) if is_locked_out(&error) => {
                if !is_logged && since.elapsed() > LOG_AFTER {
                    tracing::info!("waiting for another Dossier to finish migrating this database");
                    is_logged = true;
                }
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            Err(error) => return Err(migration_error(&error)),
            Ok(()) => return set(connection, "reset lock_timeout").await,
        }
    }
}

async fn set(connection: &mut PgConnection, sql: &'static str) -> Result<(), Error> {
    sqlx::raw_sql(sql).execute(connection).await.map_err(|error| connect_error(&error))?;
    Ok(())
}

/// Applies the pending migrations, and returns them. Fails on a database with tables of another program, unless
/// `shared`. A new database without the `sample` loses the records that migrations enter.
pub async fn apply(
    connection: &mut PgConnection,
    schema: Option<&str>,
    shared: bool,
    sample: bool,
) -> Result<Vec<Migration>, Error> {
    lock(connection).await?;
    let status = plan(connection, schema, shared).await?;
    if status.pending.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(schema) = schema {
        create_schema(connection, schema).await?;
    }
    let prefix = prefix(connection, None).await?;
    let named = |migration: &sqlx::migrate::Migration| with_own_names(migration, &prefix);
    let migrations = Migrator::with_migrations(MIGRATIONS.iter().map(named).collect());
    run(&migrations, connection).await?;
    if status.is_empty && !sample {
        sqlx::raw_sql(DELETE_RECORDS).execute(connection).await.map_err(|error| connect_error(&error))?;
    }
    tracing::info!("applied {} migrations", status.pending.len());
    Ok(status.pending)
}

/// Applies these migrations to an empty database, in the transaction of the caller, who has the lock, and no others.
pub async fn recreate(
    change: &mut PgConnection,
    schema: Option<&str>,
    versions: &[i64],
) -> Result<(), Error> {
    if !plan(change, schema, false).await?.is_empty {
        return Err(Error::NotEmpty);
    }
    if let Some(schema) = schema {
        create_schema(change, schema).await?;
    }
    let prefix = prefix(change, None).await?;
    change.ensure_migrations_table(TABLE).await.map_err(|error| migration_error(&error))?;
    for migration in MIGRATIONS.iter().filter(|migration| versions.contains(&migration.version)) {
        let migration = in_transaction(with_own_names(migration, &prefix));
        change.apply(TABLE, &migration).await.map_err(|error| migration_error(&error))?;
        sqlx::raw_sql(CHECK_DEFERRED).execute(&mut *change).await.map_err(|error| connect_error(&error))?;
    }
    Ok(())
}

/// A migration as it is on tables that nobody else uses: without what only a migration outside a transaction can do.
fn in_transaction(mut migration: sqlx::migrate::Migration) -> sqlx::migrate::Migration {
    if migration.no_tx {
        let sql = migration.sql.as_str().replace(" concurrently", "").replace("commit;", "");
        migration.sql = AssertSqlSafe(sql).into_sql_str();
        migration.no_tx = false;
    }
    migration
}

/// The first of these migrations that this version of Dossier doesn't have.
pub fn unknown(versions: &[i64]) -> Option<i64> {
    let is_known = |version| MIGRATIONS.iter().any(|migration| migration.version == version);
    versions.iter().copied().find(|version| !is_known(*version))
}

/// Runs what is pending. A migration with a `lock_timeout` is tried again while others hold the locks that it needs, and
/// between the tries those run who would wait behind it.
pub async fn run(migrations: &Migrator, connection: &mut PgConnection) -> Result<(), Error> {
    lock(connection).await?;
    let mut waiting = (0, Instant::now());
    loop {
        match migrations.run(&mut *connection).await {
            Err(MigrateError::ExecuteMigration(cause, version))
                if is_locked_out(&cause) && (version != waiting.0 || waiting.1.elapsed() < GIVE_UP_AFTER) =>
            {
                if version != waiting.0 {
                    waiting = (version, Instant::now());
                }
                tracing::info!("migration {version:04} waits for tables that requests or other programs use");
                tokio::time::sleep(PAUSE).await;
            }
            done => return done.map_err(|error| migration_error(&error)),
        }
    }
}

fn is_locked_out(error: &sqlx::Error) -> bool {
    // lock_not_available
    error.as_database_error().is_some_and(|refused| refused.code().as_deref() == Some("55P03"))
}

/// The pending migrations; fails where `apply` would. Only reads.
pub async fn plan(
    connection: &mut PgConnection,
    schema: Option<&str>,
    shared: bool,
) -> Result<Status, Error> {
    let status = status(connection, schema).await?;
    if let Some(version) = status.unknown.first() {
        return Err(migration_error(&MigrateError::VersionMissing(*version)));
    }
    if status.pending.is_empty() {
        return Ok(status);
    }
    if status.is_empty && !shared {
        check_foreign_tables(connection, schema).await?;
    }
    let prefix = prefix(connection, schema).await?;
    check_foreign_schemas(connection, &prefix, status.is_empty).await?;
    Ok(status)
}

/// Number of pending migrations, if the user may read the list.
pub async fn pending(connection: &mut PgConnection) -> Result<usize, sqlx::Error> {
    let is_readable = "select coalesce(has_table_privilege(to_regclass('_sqlx_migrations'), 'select'), true)";
    if !sqlx::query_scalar(is_readable).fetch_one(&mut *connection).await? {
        return Ok(0);
    }
    let last = "select max(version) from _sqlx_migrations where success";
    let last: Option<i64> = sqlx::query_scalar(last).fetch_one(connection).await?;
    Ok(MIGRATIONS.iter().filter(|migration| Some(migration.version) > last).count())
}

/// Compares applied and embedded migrations. Only reads, and needs no privilege to write.
pub async fn status(connection: &mut PgConnection, schema: Option<&str>) -> Result<Status, Error> {
    let failed = |error: MigrateError| migration_error(&error);
    // In the current schema only, not further down the search path.
    let table = "select format('%I._sqlx_migrations', nspname), has_table_privilege(pg_class.oid, 'select') \
                 from pg_namespace \
                 join pg_class on relnamespace = pg_namespace.oid and relname = '_sqlx_migrations' \
                 where nspname = coalesce($1, current_schema())";
    let table: Option<(String, bool)> = sqlx::query_as(table)
        .bind(schema)
        .fetch_optional(&mut *connection)
        .await
        .map_err(|error| connect_error(&error))?;
    if let Some((_, false)) = table {
        // Without the privilege to read the list, assume that all are applied.
        return Ok(Status::default());
    }
    let mut applied = Vec::new();
    if let Some((table, _)) = table {
        if let Some(version) = connection.dirty_version(&table).await.map_err(failed)? {
            return Err(migration_error(&MigrateError::Dirty(version)));
        }
        applied = connection.list_applied_migrations(&table).await.map_err(failed)?;
    }
    let ours = |version| MIGRATIONS.iter().find(|migration| migration.version == version);
    let is_same = |applied: &sqlx::migrate::AppliedMigration| {
        ours(applied.version).is_some_and(|migration| migration.checksum == applied.checksum)
    };
    if !applied.is_empty() && !applied.iter().any(is_same) {
        return Err(Error::Migration(
            "this schema has migrations of another program; use another database, or set DATABASE_SCHEMA"
                .to_owned(),
        ));
    }
    let mut status = Status { is_empty: applied.is_empty(), ..Status::default() };
    for applied in &applied {
        match ours(applied.version) {
            None => status.unknown.push(applied.version),
            Some(_) if is_same(applied) => {}
            Some(_) => return Err(migration_error(&MigrateError::VersionMismatch(applied.version))),
        }
    }
    let pending = MIGRATIONS
        .iter()
        .filter(|migration| applied.iter().all(|applied| applied.version != migration.version));
    status.pending = pending
        .map(|migration| Migration {
            version: migration.version,
            description: migration.description.to_string(),
        })
        .collect();
    Ok(status)
}

/// Fails if the database has tables of another program.
async fn check_foreign_tables(connection: &mut PgConnection, schema: Option<&str>) -> Result<(), Error> {
    // Except those of extensions, and of other Dossiers with their schemas.
    let sql = "with dossiers as (
            select pronamespace as schema from pg_proc where proname = 'begin_change'
            union select n.oid from pg_namespace n
            where obj_description(n.oid, 'pg_namespace') = any($2)
        )
        select format('%I.%I', nspname, relname) from pg_class c
        join pg_namespace n on n.oid = relnamespace
        where relkind in ('r', 'p', 'v', 'm', 'f') and nspname !~ '^(pg_|information_schema$)'
        and relname <> '_sqlx_migrations' and n.oid not in (select schema from dossiers)
        and ($1::text is null or nspname = $1)
        and not exists (
            select from pg_depend where classid = 'pg_class'::regclass and objid = c.oid and deptype = 'e'
        )
        order by 1 limit 4";
    let held: Vec<String> = sqlx::query_scalar(sql)
        .bind(schema)
        .bind(OWN_SCHEMAS.map(|(_, mark)| mark))
        .fetch_all(connection)
        .await
        .map_err(|error| connect_error(&error))?;
    match held.as_slice() {
        [] => Ok(()),
        held => {
            let more = if held.len() > 3 { ", …" } else { "" };
            Err(Error::Foreign(format!("{}{more}", held[..held.len().min(3)].join(", "))))
        }
    }
}

/// Creates the schema for the tables. Extensions go to `public`, where other Dossiers of this database find them.
async fn create_schema(connection: &mut PgConnection, schema: &str) -> Result<(), Error> {
    let sql = format!(
        "do $$ begin
            if to_regnamespace('\"{schema}\"') is null then
                create schema \"{schema}\";
            end if;
            if to_regnamespace('public') is not null and '{schema}' <> 'public' then
                create extension if not exists unaccent schema public;
                create extension if not exists pg_trgm schema public;
            end if;
        end $$"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map_err(|error| connect_error(&error))?;
    Ok(())
}

/// Further schemas: the suffix of their names, and the comment that marks them as ours.
const OWN_SCHEMAS: [(&str, &str); 2] = [
    ("past", "The tables as they stood after the revision that the setting dossier.as_of names."),
    (
        "importing",
        "What an import has read: tables that are made when it begins, and dropped when it has come to an end.",
    ),
];

/// Prefix of names that are unique per database, like the SQL function `own_name()`.
async fn prefix(connection: &mut PgConnection, schema: Option<&str>) -> Result<String, Error> {
    let prefix = "select case coalesce($1, current_schema()) when 'public' then 'dossier' \
                  else coalesce($1, current_schema()) end";
    let prefix = sqlx::query_scalar(prefix).bind(schema);
    let prefix: Option<String> = prefix.fetch_one(connection).await.map_err(|error| connect_error(&error))?;
    let is_plain = |name: &String| name.chars().all(|next| matches!(next, 'a'..='z' | '0'..='9' | '_'));
    prefix.filter(is_plain).ok_or_else(|| {
        let reason = "the search_path has no schema with a plain name for the tables; set DATABASE_SCHEMA";
        Error::Migration(reason.to_owned())
    })
}

/// Never touches a schema of another program that has one of our names. Before the first migration, even a marked
/// schema belongs to another Dossier: `dossier_past` belongs to the tables in `public`, and would belong to those
/// in a schema `dossier`.
async fn check_foreign_schemas(
    connection: &mut PgConnection,
    prefix: &str,
    is_new: bool,
) -> Result<(), Error> {
    for (name, mark) in OWN_SCHEMAS {
        let name = format!("{prefix}_{name}");
        let foreign = "select obj_description(oid, 'pg_namespace') is distinct from $2 or $3 \
                       and exists (select from pg_class where relnamespace = n.oid) \
                       from pg_namespace n where nspname = $1";
        let foreign = sqlx::query_scalar(foreign).bind(&name).bind(mark).bind(is_new);
        let foreign = foreign.fetch_optional(&mut *connection).await;
        if foreign.map_err(|error| connect_error(&error))? == Some(true) {
            let reason = format!(
                "the schema `{name}` already exists and is not ours, but Dossier needs a schema of this name; \
                 rename it, or set DATABASE_SCHEMA"
            );
            return Err(Error::Migration(reason));
        }
    }
    Ok(())
}

/// Old migrations created these schemas as `past` and `importing`, names that other programs may use. Applied
/// migrations are frozen, so pending ones are rewritten here; elsewhere `0017_own_names.sql` renames the schemas.
fn with_own_names(migration: &sqlx::migrate::Migration, prefix: &str) -> sqlx::migrate::Migration {
    let mut migration = migration.clone();
    if matches!(migration.version, 14 | 16) {
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let mut sql = String::new();
        let mut rest = migration.sql.as_str();
        while let Some(begins) = rest.find(is_word) {
            let (before, word) = rest.split_at(begins);
            let (word, after) = word.split_at(word.find(|letter| !is_word(letter)).unwrap_or(word.len()));
            sql.push_str(before);
            if matches!(word, "past" | "importing") {
                sql.push_str(prefix);
                sql.push('_');
            }
            sql.push_str(word);
            rest = after;
        }
        sql.push_str(rest);
        migration.sql = AssertSqlSafe(sql).into_sql_str();
    }
    migration
}

fn migration_error(error: &MigrateError) -> Error {
    Error::Migration(match error {
        MigrateError::VersionMismatch(version) => format!(
            "migration {version:04} was changed after it was applied; run the version of Dossier that applied it, or start with an empty database"
        ),
        MigrateError::VersionMissing(version) => format!(
            "the database has migration {version:04}, which is newer than this version of Dossier; run a newer version"
        ),
        MigrateError::Dirty(version) => format!(
            "migration {version:04} was only partly applied; restore a backup from before it, and try again"
        ),
        MigrateError::ExecuteMigration(cause, version) => {
            format!("migration {version:04} failed: {}", in_words(cause))
        }
        other => format!("the migrations failed: {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frozen_migrations_make_schemas_under_names_of_ours() {
        for migration in MIGRATIONS.iter() {
            let named = with_own_names(migration, "eu");
            assert_eq!(named.checksum, migration.checksum, "it counts as the same");
            let sql = named.sql.as_str();
            for foreign in [" past", "'past", " importing.", "'importing", "schema importing"] {
                let code = sql.lines().filter(|line| !line.trim_start().starts_with("--"));
                if matches!(migration.version, 14 | 16) {
                    assert_eq!(code.filter(|line| line.contains(foreign)).count(), 0, "{foreign} in {sql}");
                }
            }
        }
    }
}
