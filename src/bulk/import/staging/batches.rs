//! Staged batches. Each is committed with a running digest of all rows so far. An import resumes after the last
//! batch whose digest matches, whatever the names of the files.

use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::bulk::import::staging::{Position, Tables};

const COPY_CHUNK_BYTES: usize = 1 << 18;

pub type Digest = [u8; 32];

/// Rows of consecutive records for the staging tables.
pub struct Batch {
    /// Per table, in COPY format.
    pub rows: Vec<Vec<u8>>,
    /// Position of the last record.
    pub last: Position,
    /// Number of records up to the end of this batch.
    pub records: u64,
    /// Digest of all rows up to the end of this batch.
    pub digest: Digest,
}

pub fn next_digest(before: Digest, rows: &[Vec<u8>]) -> Digest {
    let mut digest = Sha256::new_with_prefix(before);
    for rows in rows {
        digest.update((rows.len() as u64).to_le_bytes());
        digest.update(rows);
    }
    digest.finalize().into()
}

/// Depends on the table definitions: batches of an older schema never match.
pub fn initial_digest(tables: &Tables) -> Digest {
    Sha256::digest(tables.create()).into()
}

/// The schema of the staging tables, as a prefix for their names.
pub async fn staging_schema(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("select quote_ident(own_name('importing')) || '.'").fetch_one(connection).await
}

pub async fn committed_digests(
    connection: &mut PgConnection,
    tables: &Tables,
) -> Result<Vec<Digest>, sqlx::Error> {
    let sql = format!("select digest from {}batches order by records", tables.staged);
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(connection).await
}

/// Drops and creates the staging tables.
pub async fn create_tables(connection: &mut PgConnection, tables: &Tables) -> Result<(), sqlx::Error> {
    let sql = format!("call forget_import(); {}", tables.create());
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

/// Deletes all rows after a batch.
pub async fn delete_after(
    connection: &mut PgConnection,
    tables: &Tables,
    batch: &Batch,
) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    for table in &tables.all {
        let sql = format!("delete from {} where line > $1", table.name);
        sqlx::query(AssertSqlSafe(sql)).bind(batch.last).execute(&mut *transaction).await?;
    }
    let sql = format!("delete from {}batches where records > $1", tables.staged);
    sqlx::query(AssertSqlSafe(sql)).bind(batch.records.cast_signed()).execute(&mut *transaction).await?;
    transaction.commit().await
}

pub async fn append(
    connection: &mut PgConnection,
    tables: &Tables,
    batch: &Batch,
) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    for (table, rows) in tables.all.iter().zip(&batch.rows).filter(|(_, rows)| !rows.is_empty()) {
        let mut copy = transaction.copy_in_raw(&format!("copy {} from stdin", table.name)).await?;
        for chunk in rows.chunks(COPY_CHUNK_BYTES) {
            copy.send(chunk).await?;
        }
        copy.finish().await?;
    }
    let sql = format!("insert into {}batches (records, digest) values ($1, $2)", tables.staged);
    sqlx::query(AssertSqlSafe(sql))
        .bind(batch.records.cast_signed())
        .bind(batch.digest)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

pub async fn drop_tables(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("call forget_import()").execute(connection).await?;
    Ok(())
}
