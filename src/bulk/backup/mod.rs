//! Backups: all rows of a database in one file, from which any Postgres and any later Dossier makes the same database.
//!
//! A file is text, compressed with zstd: a line of JSON about the backup; per table a line with its name and columns,
//! its rows as COPY writes them, and a line `\.`; at last a line with the counts and digests of all tables. Tables,
//! rules, indexes and views are not in it: the migrations that it names make them.

pub mod read;
pub mod restore;
pub mod save;

use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use crate::database::{self, error::in_words};

/// Version of the format.
const FORMAT: u32 = 1;
const END_OF_ROWS: &[u8] = b"\\.\n";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    File(String),
    #[error(transparent)]
    Prepare(#[from] database::Error),
    #[error("{}", in_words(.0))]
    Database(#[from] sqlx::Error),
    #[error("{0}")]
    Differs(String),
}

/// A line of JSON in the file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    Backup(Header),
    Table(Table),
    End(End),
}

/// What was backed up, and when.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    format: u32,
    /// Version of Dossier.
    pub dossier: String,
    /// Major version of Postgres.
    pub postgres: i32,
    /// The last revision.
    pub revision: i64,
    /// The time of the snapshot.
    pub at: String,
    /// The migrations that were applied.
    pub migrations: Vec<i64>,
}

/// A table, with names as SQL quotes them.
#[derive(Deserialize, Serialize)]
struct Table {
    name: String,
    columns: Vec<String>,
    /// SQL of an order that is the same in every database.
    #[serde(skip)]
    order: String,
}

#[derive(Deserialize, Serialize)]
struct End {
    tables: Vec<Sum>,
    sequences: Vec<Sequence>,
}

/// Number and digest of the rows of a table.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub struct Sum {
    pub table: String,
    pub rows: u64,
    sha256: String,
}

#[derive(Deserialize, Serialize)]
struct Sequence {
    name: String,
    value: i64,
    is_called: bool,
}

/// The totals of a backup.
pub struct Summary {
    pub header: Header,
    pub tables: usize,
    pub rows: u64,
}

impl Summary {
    fn of(header: Header, sums: &[Sum]) -> Self {
        Summary { header, tables: sums.len(), rows: sums.iter().map(|sum| sum.rows).sum() }
    }
}

/// Counts and digests rows.
#[derive(Default)]
struct Tally {
    rows: u64,
    digest: Sha256,
}

impl Tally {
    fn add(&mut self, rows: &[u8]) {
        self.rows += rows.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        self.digest.update(rows);
    }

    fn sum(self, table: &str) -> Sum {
        let sha256 = format!("{:x}", self.digest.finalize());
        Sum { table: table.to_owned(), rows: self.rows, sha256 }
    }
}

/// The tables of the current schema. Generated columns are left out, as Postgres computes them.
async fn tables(connection: &mut PgConnection) -> Result<Vec<Table>, sqlx::Error> {
    let sql = r#"
        select quote_ident(relname),
               array(
                   select quote_ident(attname) from pg_attribute
                   where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = ''
                   order by attnum
               ),
               coalesce(
                   (
                       select string_agg(
                           quote_ident(attname) || case when attcollation = 0 then '' else ' collate "C"' end, ', '
                           order by place
                       )
                       from pg_index, unnest(indkey::smallint[]) with ordinality key (attnum, place)
                       join pg_attribute a using (attnum)
                       where indrelid = c.oid and indisprimary and attrelid = c.oid
                   ),
                   quote_ident(relname) || '::text collate "C"'
               )
        from pg_class c
        where relnamespace = current_schema()::regnamespace and relkind = 'r' and relname <> '_sqlx_migrations'
        order by relname collate "C""#;
    let tables: Vec<(String, Vec<String>, String)> = sqlx::query_as(sql).fetch_all(connection).await?;
    Ok(tables.into_iter().map(|(name, columns, order)| Table { name, columns, order }).collect())
}

/// Reads all rows of a table in order, and returns their sum.
async fn read_table(
    connection: &mut PgConnection,
    table: &Table,
    mut each: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<Sum, Error> {
    let Table { name, columns, order } = table;
    let sql = format!("copy (select {} from {name} order by {order}) to stdout", columns.join(", "));
    let mut rows = connection.copy_out_raw(&sql).await?;
    let mut tally = Tally::default();
    while let Some(row) = rows.try_next().await? {
        tally.add(&row);
        each(&row)?;
    }
    Ok(tally.sum(name))
}

/// Makes values read the same whatever the settings of the user and the database are.
async fn settle_format(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let sql = "set local timezone = 'UTC'; set local datestyle = 'ISO'; set local intervalstyle = 'postgres';
               set local bytea_output = 'hex'; set local extra_float_digits = 1";
    sqlx::raw_sql(sql).execute(connection).await.map(drop)
}
