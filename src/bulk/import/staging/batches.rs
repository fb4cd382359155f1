//! What is staged, batch by batch. Each is committed with a digest of all rows until its end, and by these
//! an import that was interrupted finds how much of its input was staged before: as far as the same rows
//! come of it, whatever the files are called and wherever they come from.

use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    bulk::import::staging::{Place, Tables},
    telemetry::output,
};

/// How much is sent at a time.
const CHUNK: usize = 1 << 18;

pub type Digest = [u8; 32];

/// Rows for the staging tables: all rows of some records that follow each other.
pub struct Batch {
    /// For each of the tables, as COPY takes them.
    pub rows: Vec<Vec<u8>>,
    /// The place of the last record.
    pub last: Place,
    /// How many records there are until the end of the batch.
    pub records: u64,
    /// That of all rows until the end of the batch.
    pub digest: Digest,
}

/// The digest of a batch that follows another one.
pub fn digest(before: Digest, rows: &[Vec<u8>]) -> Digest {
    let mut digest = Sha256::new_with_prefix(before);
    for rows in rows {
        digest.update((rows.len() as u64).to_le_bytes());
        digest.update(rows);
    }
    digest.finalize().into()
}

/// The digest that the first batch follows: rows of other tables are other rows.
pub fn beginning(tables: &Tables) -> Digest {
    Sha256::digest(tables.create()).into()
}

/// What the names of the staging tables begin with: the schema that is theirs.
pub async fn schema(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("select quote_ident(own_name('importing')) || '.'").fetch_one(connection).await
}

/// Waits until nobody else imports into the base; the turn ends with the connection.
pub async fn take_turn(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let lock = |function: &str| {
        format!("select {function}(quote_ident(own_name('importing'))::regnamespace::oid::bigint)")
    };
    let ours = sqlx::query_scalar(AssertSqlSafe(lock("pg_try_advisory_lock")));
    if !ours.fetch_one(&mut *connection).await? {
        output::say("waiting for another import to finish");
        sqlx::query(AssertSqlSafe(lock("pg_advisory_lock"))).execute(connection).await?;
    }
    Ok(())
}

/// The digests of all that is staged.
pub async fn staged(connection: &mut PgConnection, tables: &Tables) -> Result<Vec<Digest>, sqlx::Error> {
    let sql = format!("select digest from {}batches order by records", tables.staged);
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(connection).await
}

/// Makes the staging tables anew, empty.
pub async fn begin(connection: &mut PgConnection, tables: &Tables) -> Result<(), sqlx::Error> {
    let sql = format!("call forget_import(); {}", tables.create());
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

/// Takes out what is staged behind a batch.
pub async fn cut(connection: &mut PgConnection, tables: &Tables, batch: &Batch) -> Result<(), sqlx::Error> {
    let mut change = connection.begin().await?;
    for table in &tables.all {
        let sql = format!("delete from {} where line > $1", table.name);
        sqlx::query(AssertSqlSafe(sql)).bind(batch.last).execute(&mut *change).await?;
    }
    let sql = format!("delete from {}batches where records > $1", tables.staged);
    sqlx::query(AssertSqlSafe(sql)).bind(batch.records.cast_signed()).execute(&mut *change).await?;
    change.commit().await
}

pub async fn add(connection: &mut PgConnection, tables: &Tables, batch: &Batch) -> Result<(), sqlx::Error> {
    let mut change = connection.begin().await?;
    for (table, rows) in tables.all.iter().zip(&batch.rows).filter(|(_, rows)| !rows.is_empty()) {
        let mut copy = change.copy_in_raw(&format!("copy {} from stdin", table.name)).await?;
        for chunk in rows.chunks(CHUNK) {
            copy.send(chunk).await?;
        }
        copy.finish().await?;
    }
    let sql = format!("insert into {}batches (records, digest) values ($1, $2)", tables.staged);
    sqlx::query(AssertSqlSafe(sql))
        .bind(batch.records.cast_signed())
        .bind(batch.digest)
        .execute(&mut *change)
        .await?;
    change.commit().await
}

/// Drops what is staged.
pub async fn forget(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("call forget_import()").execute(connection).await?;
    Ok(())
}
