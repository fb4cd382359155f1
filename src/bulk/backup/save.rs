//! Writes a backup.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::Serialize;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    bulk::backup::{
        END_OF_ROWS, End, Error, FORMAT, Header, Sequence, Summary, read_table, settle_format, tables,
    },
    progress::{Progress, Step},
};

const COMPRESSION: i32 = 3;

/// Writes all rows of the current schema, as one snapshot has them. Others read and write meanwhile.
pub async fn save(
    connection: &mut PgConnection,
    out: impl Write,
    progress: &dyn Progress,
) -> Result<Summary, Error> {
    let before: Vec<String> = tables(connection).await?.into_iter().map(|table| table.name).collect();
    let mut snapshot = connection.begin_with("begin isolation level repeatable read read only").await?;
    // Before the snapshot is taken, so that no migration comes between.
    let lock = format!("lock table {} in access share mode", before.join(", "));
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut *snapshot).await?;
    settle_format(&mut snapshot).await?;
    let header = header(&mut snapshot).await?;
    let tables = tables(&mut snapshot).await?;
    let total = "select coalesce(sum(greatest(reltuples, 0)), 0)::bigint from pg_class
                 where relnamespace = current_schema()::regnamespace and relkind = 'r'";
    let total: i64 = sqlx::query_scalar(total).fetch_one(&mut *snapshot).await?;
    progress.begin(Step::BackingUp, u64::try_from(total).ok());

    let failed = |error: io::Error| Error::File(format!("can't write the backup: {error}"));
    let mut out = zstd::Encoder::new(out, COMPRESSION).map_err(failed)?;
    // Damage to a file is noticed when it is read.
    out.include_checksum(true).map_err(failed)?;
    write_line(&mut out, "backup", &header).map_err(failed)?;
    let mut sums = Vec::with_capacity(tables.len());
    for table in tables {
        progress.part(&table.name);
        write_line(&mut out, "table", &table).map_err(failed)?;
        let sum = read_table(&mut snapshot, &table, |row| {
            progress.advance(1);
            out.write_all(row).map_err(failed)
        });
        sums.push(sum.await?);
        out.write_all(END_OF_ROWS).map_err(failed)?;
    }
    let sequences = sequences(&mut snapshot).await?;
    let end = End { tables: sums, sequences };
    let summary = Summary::of(header, &end.tables);
    write_line(&mut out, "end", &end).map_err(failed)?;
    out.finish().and_then(|mut out| out.flush()).map_err(failed)?;
    progress.end();
    Ok(summary)
}

async fn header(snapshot: &mut PgConnection) -> Result<Header, sqlx::Error> {
    let sql = "select current_setting('server_version_num')::integer / 10000,
                   (select coalesce(max(id), 0) from revisions),
                   to_char(now(), 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
                   array(select version from _sqlx_migrations where success order by version)";
    let (postgres, revision, at, migrations) = sqlx::query_as(sql).fetch_one(snapshot).await?;
    let dossier = env!("CARGO_PKG_VERSION").to_owned();
    Ok(Header { format: FORMAT, dossier, postgres, revision, at, migrations })
}

/// Where the sequences are. They are not part of the snapshot, but never behind it.
async fn sequences(snapshot: &mut PgConnection) -> Result<Vec<Sequence>, sqlx::Error> {
    let names = "select quote_ident(relname) from pg_class
                 where relnamespace = current_schema()::regnamespace and relkind = 'S' order by relname collate \"C\"";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut *snapshot).await?;
    let mut sequences = Vec::with_capacity(names.len());
    for name in names {
        let state = AssertSqlSafe(format!("select last_value, is_called from {name}"));
        let (value, is_called) = sqlx::query_as(state).fetch_one(&mut *snapshot).await?;
        sequences.push(Sequence { name, value, is_called });
    }
    Ok(sequences)
}

/// Writes a line that `Line` reads.
fn write_line(out: &mut impl Write, kind: &str, content: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &BTreeMap::from([(kind, content)]))?;
    out.write_all(b"\n")
}
