//! Checks before first use: version, encoding, character classification and collation.

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, postgres::PgConnectOptions};

use crate::{
    config::Config,
    database::{Error, binaries, connect_error, hosts::Hosts},
};

/// Fails on an unusable database, warns of wrong results, and returns the current schema.
pub async fn check(connection: &mut PgConnection, config: &Config) -> Result<Option<String>, Error> {
    let sql = "select current_setting('server_version_num')::integer / 10000 as major,
                   current_setting('server_encoding') as encoding,
                   datcollversion as sorted_by,
                   pg_database_collation_actual_version(oid) as sorts_by,
                   datname::text as name,
                   (select setting from pg_settings where name = 'statement_timeout') as timeout,
                   current_schema()::text as schema
               from pg_database where datname = current_database()";
    let failed = |error: sqlx::Error| connect_error(&error);
    let version = sqlx::query_scalar("select current_setting('server_version_num')::integer / 10000");
    let major: i32 = version.fetch_one(&mut *connection).await.map_err(failed)?;
    let major = u32::try_from(major).unwrap_or(0);
    if major < binaries::OLDEST {
        return Err(Error::TooOld(major));
    }
    let row = sqlx::query(sql).fetch_one(&mut *connection).await.map_err(failed)?;
    let name: String = row.try_get("name").map_err(failed)?;
    let timeout: String = row.try_get("timeout").map_err(failed)?;
    if timeout != config.request_timeout.as_millis().to_string() {
        return Err(Error::Pooler);
    }
    let encoding: String = row.try_get("encoding").map_err(failed)?;
    if encoding != "UTF8" {
        return Err(Error::Encoding(encoding));
    }
    let folds: bool =
        sqlx::query_scalar("select lower('Ж') = 'ж'").fetch_one(&mut *connection).await.map_err(failed)?;
    if !folds {
        tracing::warn!(
            "the LC_CTYPE of the database `{name}` handles only ASCII letters: search and filters are case-sensitive in \
             other scripts. Create a database with another locale (create database … locale 'C.UTF-8' \
             template template0), and move the records there (dossier export, dossier import)"
        );
    }
    let sorted_by: Option<String> = row.try_get("sorted_by").map_err(failed)?;
    let sorts_by: Option<String> = row.try_get("sorts_by").map_err(failed)?;
    if let (Some(was), Some(is)) = (sorted_by, sorts_by)
        && was != is
    {
        tracing::warn!(
            "the database `{name}` was created with collation version {was}, but the system has {is}: text indexes may \
             be out of order. Rebuild them with: dossier migrate --reindex"
        );
    }
    row.try_get("schema").map_err(failed)
}

/// Rebuilds the indexes of all schemas that are in the order of a collation while others read and write, and returns their
/// number. Then the database counts as of the collation version that the system has.
pub async fn reindex(connection: &mut PgConnection) -> Result<usize, sqlx::Error> {
    // Only the collations C and POSIX have no versions.
    let sql = "select indexrelid::regclass::text from pg_index join pg_class on pg_class.oid = indexrelid
               where relnamespace::regnamespace::text !~ '^pg_' and exists (
                   select from unnest(indcollation::oid[]) of_column (collation_id)
                   join pg_collation c on c.oid = collation_id where collname not in ('C', 'POSIX')
               )
               order by 1";
    let indexes: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut *connection).await?;
    for index in &indexes {
        let rebuild = AssertSqlSafe(format!("reindex index concurrently {index}"));
        sqlx::raw_sql(rebuild).execute(&mut *connection).await?;
    }
    let name: String =
        sqlx::query_scalar("select quote_ident(current_database())").fetch_one(&mut *connection).await?;
    let refresh = AssertSqlSafe(format!("alter database {name} refresh collation version"));
    sqlx::raw_sql(refresh).execute(connection).await?;
    Ok(indexes.len())
}

/// The search path with the schemas of the extensions, if it lacks one: hosted services keep them in their own.
pub async fn path_to_extensions(connection: &mut PgConnection) -> Result<Option<String>, Error> {
    let sql =
        "select current_setting('search_path') || ', ' || string_agg(distinct quote_ident(nspname), ', ')
               from pg_extension join pg_namespace n on n.oid = extnamespace
               where extname in ('unaccent', 'pg_trgm') and nspname <> all(current_schemas(true))
               having count(*) > 0";
    let path = sqlx::query_scalar(sql).fetch_optional(connection).await;
    path.map_err(|error| connect_error(&error))
}

/// Fails if the pooler leads to another database than the direct way.
pub async fn check_pooler(pooler: &Hosts, direct: &mut PgConnection) -> Result<(), Error> {
    let failed = |error: sqlx::Error| connect_error(&error);
    let mut first = pooler.connect_at_startup().await.map_err(failed)?;
    let place = "select format('%s %s %s', pg_postmaster_start_time(), current_database(), current_schema())";
    let direct: String = sqlx::query_scalar(place).fetch_one(direct).await.map_err(failed)?;
    let begin = pooler.pooled().cloned().expect("a pooler");
    let mut transaction = first.connection.begin_with(begin).await.map_err(failed)?;
    let found: String = sqlx::query_scalar(place).fetch_one(&mut *transaction).await.map_err(failed)?;
    if found == direct { Ok(()) } else { Err(Error::Elsewhere) }
}

/// Database, schema, and settings file, in one line without the password.
pub fn describe(config: &Config, options: &PgConnectOptions, schema: &str) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    let at = match options.get_socket() {
        Some(socket) if config.database_url.is_none() => {
            format!("the embedded Postgres in {}", socket.display())
        }
        Some(socket) => format!("{}", socket.display()),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let file = config.env_file.as_ref().map(|file| format!(" (settings: {})", file.display()));
    format!("database `{database}` at {at}, schema `{schema}`{}", file.unwrap_or_default())
}
