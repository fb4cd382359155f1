//! Records in: files become rows of staging tables, and these one change of the base.
//!
//! What is staged is committed batch by batch and outlives an interruption; all that is kept is written in
//! one transaction. So an import that is interrupted has written nothing; started again, it goes on behind
//! what it has staged, and done a second time, it finds every record as it is to be and writes nothing.

pub mod readers;
pub mod source_file;
pub mod staging;
pub mod validation;

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::TryStreamExt;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, postgres::PgDatabaseError};
use tokio::sync::mpsc;

use crate::{
    bulk::{
        import::{
            readers::{Broken, Format},
            source_file::Input,
            staging::{
                READY, Stage, Stopped, Tables,
                batches::{self, Batch},
                file_and_line, list_name,
            },
            validation::Check,
        },
        records::{RecordKind, RecordKinds, joined},
    },
    database::error::in_words,
    engine::mutation::{rules::Rules, writable_fields::Rows},
    progress::{Progress, Step},
};

/// How many records are written by one statement.
const CHUNK: i64 = 20_000;
/// How often an import is tried that others got in the way of.
const TRIES: usize = 5;

/// What is to be imported, and how.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// `-` is the standard input.
    pub files: Vec<PathBuf>,
    /// The format of all files; none where each tells its own.
    pub format: Option<Format>,
    /// The kind of record of a CSV whose name doesn't tell it.
    pub kind: Option<String>,
    /// Under whose name the change is recorded.
    pub requester: String,
    /// Check everything, and write nothing.
    pub dry_run: bool,
    /// Write nothing where anything is rejected.
    pub all_or_nothing: bool,
    /// The file that tells what was rejected, and why.
    pub report: PathBuf,
}

impl Order {
    /// Refuses what can't be done whatever the database holds.
    pub fn check(&self, kinds: &RecordKinds) -> Result<(), Error> {
        for path in self.files.iter().filter(|path| *path != "-") {
            let failed = |reason: String| Error::File(path.clone(), reason);
            let file = File::open(path).map_err(|error| failed(error.to_string()))?;
            if file.metadata().is_ok_and(|found| found.is_dir()) {
                return Err(failed("it is a directory".to_owned()));
            }
        }
        if let Some(kind) = self.kind.as_ref().filter(|kind| kinds.named(kind).is_none()) {
            return Err(Error::Order(format!(
                "unknown record type `{kind}`; expected one of {}",
                kinds.names()
            )));
        }
        if self.requester.trim().is_empty() {
            return Err(Error::Order("--requester must not be empty".to_owned()));
        }
        let failed = |error| Error::Report(self.report.clone(), error);
        match fs::metadata(&self.report) {
            Ok(found) if found.is_dir() => return Err(failed(std::io::ErrorKind::IsADirectory.into())),
            Ok(found) if found.is_file() => {
                drop(File::options().append(true).open(&self.report).map_err(failed)?);
            }
            // A pipe or a device.
            Ok(_) => {}
            Err(_) => {
                File::create_new(&self.report).map_err(failed)?;
                // There is a report only where something was rejected.
                fs::remove_file(&self.report).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// What an import did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub rejected: u64,
    /// The change that it is in the history; none where nothing was written.
    pub change: Option<i64>,
}

/// Why an import came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("can't import {file}: {reason}; nothing was imported", file = .0.display(), reason = .1)]
    File(PathBuf, String),
    #[error("{0}; nothing was imported")]
    Order(String),
    #[error("can't write the report {file}: {reason}", file = .0.display(), reason = .1)]
    Report(PathBuf, std::io::Error),
    #[error("{}; nothing was imported", in_words(.0))]
    Database(#[from] sqlx::Error),
    #[error("other transactions changed the same records; nothing was imported, try again")]
    Again,
    /// A rule that was not foreseen, in the database's own words and with its place.
    #[error("the database rejected the import: {0}; nothing was imported")]
    Refused(String),
}

/// Imports on a connection whose statements may take their time.
pub async fn import(
    mut connection: PgConnection,
    kinds: Arc<RecordKinds>,
    order: &Order,
    progress: &Arc<dyn Progress>,
) -> Result<Outcome, Error> {
    execute(&mut connection, "set temp_buffers = '64MB'").await?;
    batches::take_turn(&mut connection).await?;
    let done = stage_and_write(&mut connection, &kinds, order, progress).await;
    if done.as_ref().is_ok_and(|outcome| outcome.change.is_some()) {
        // Until Postgres does so by itself, it would plan queries as for a base without these records.
        let _ = execute(&mut connection, &analyze(&kinds)).await;
    }
    // All else goes on when it is started again.
    if matches!(done, Ok(_) | Err(Error::File(..) | Error::Refused(_))) {
        // Where it fails, what is done remains done, and the next import begins with it.
        let _ = batches::forget(&mut connection).await;
    }
    let _ = connection.close().await;
    done
}

/// Gathers the planner's statistics of all tables that an import writes.
fn analyze(kinds: &RecordKinds) -> String {
    let lists = kinds.0.iter().flat_map(validation::lists).map(|(_, rows)| rows.table);
    let mut tables: Vec<&str> =
        kinds.0.iter().map(|kind| kind.table).chain(lists).chain(["revisions"]).collect();
    tables.sort_unstable();
    tables.dedup();
    format!("analyze {}", tables.join(", "))
}

async fn stage_and_write(
    connection: &mut PgConnection,
    kinds: &Arc<RecordKinds>,
    order: &Order,
    progress: &Arc<dyn Progress>,
) -> Result<Outcome, Error> {
    let rules = Rules::load(connection).await?;
    let staged = batches::schema(connection).await?;
    let tables = Arc::new(Tables::of(kinds, &rules, staged));
    stage(connection, kinds, &tables, order, progress).await?;
    for table in &tables.all {
        execute(connection, &format!("analyze {}", table.name)).await?;
    }
    let mut tries = 1..=TRIES;
    loop {
        let last = tries.next() == Some(TRIES);
        match change(connection, kinds, &rules, &tables, order, progress.as_ref()).await {
            Err(Error::Database(error)) => match code(&error).as_deref() {
                Some("40001" | "40P01") if last => return Err(Error::Again),
                // serialization_failure, deadlock_detected; unique and foreign keys that held before
                Some("40001" | "40P01" | "23505" | "23503") if !last => {}
                Some(code) if code.starts_with("23") => return Err(Error::Refused(told(&error))),
                _ => return Err(error.into()),
            },
            done => return done,
        }
    }
}

fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(Into::into)
}

/// What the database refused, and where.
fn told(error: &sqlx::Error) -> String {
    let refused = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    refused.map_or_else(
        || error.to_string(),
        |refused| {
            let place = [refused.table(), refused.column().or(refused.constraint())];
            format!("{} ({})", refused.message(), place.into_iter().flatten().collect::<Vec<_>>().join(", "))
        },
    )
}

async fn execute(connection: &mut PgConnection, sql: &str) -> Result<u64, sqlx::Error> {
    tracing::debug!(target: "dossier::sql", sql, "statement");
    Ok(sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?.rows_affected())
}

/// Reads the files into the staging tables: one thread reads, and this task copies what it gives, but for
/// what is there from an import of the same that was interrupted.
async fn stage(
    connection: &mut PgConnection,
    kinds: &Arc<RecordKinds>,
    tables: &Arc<Tables>,
    order: &Order,
    progress: &Arc<dyn Progress>,
) -> Result<(), Error> {
    let staged = batches::staged(connection, tables).await?;
    let (sender, mut batches) = mpsc::channel::<Batch>(1);
    // How much comes from the standard input is not known.
    progress.begin(Step::Reading, order.files.iter().map(|file| size(file)).sum());
    // Not one of the runtime's threads, for which the program would wait at its end: this one may wait for
    // the standard input.
    let reading = std::thread::spawn({
        let (kinds, tables, order, progress) =
            (kinds.clone(), tables.clone(), order.clone(), progress.clone());
        move || read_all(&kinds, &tables, &order, &progress, &sender)
    });
    let (mut next, mut same) = (batches.recv().await, None);
    for digest in &staged {
        let Some(batch) = next.take_if(|batch| batch.digest == *digest) else { break };
        same = Some(batch);
        next = batches.recv().await;
    }
    match &same {
        None => batches::begin(connection, tables).await?,
        Some(batch) => {
            if staged.last() != Some(&batch.digest) {
                batches::cut(connection, tables, batch).await?;
            }
            progress.note(&format!("resuming after {} records that were already read", batch.records));
        }
    }
    while let Some(batch) = next {
        batches::add(connection, tables, &batch).await?;
        next = batches.recv().await;
    }
    let read = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    progress.end();
    read
}

fn read_all(
    kinds: &Arc<RecordKinds>,
    tables: &Tables,
    order: &Order,
    progress: &Arc<dyn Progress>,
    sender: &mpsc::Sender<Batch>,
) -> Result<(), Error> {
    let mut send = |batch| sender.blocking_send(batch).map_err(|_| Stopped);
    let mut stage = Stage::new(kinds, tables, &mut send);
    for (number, path) in order.files.iter().enumerate() {
        let file = readers::File {
            number,
            path,
            format: order.format.unwrap_or_else(|| Format::of(path)),
            kind: order.kind.as_deref(),
        };
        let read = Input::open(path, progress.clone())
            .map_err(Broken::from)
            .and_then(|input| readers::read(file, input, kinds, &mut stage));
        match read {
            Ok(()) => {}
            // Whoever took the rows tells why it stopped.
            Err(Broken::Stopped) => return Ok(()),
            Err(Broken::File(reason)) => return Err(Error::File(path.clone(), reason)),
        }
        progress.part(&format!("{} records", stage.taken));
    }
    let _ = stage.end();
    Ok(())
}

/// Checks what was staged, and writes what can be kept.
async fn change(
    connection: &mut PgConnection,
    kinds: &RecordKinds,
    rules: &Rules,
    tables: &Tables,
    order: &Order,
    progress: &dyn Progress,
) -> Result<Outcome, Error> {
    progress.begin(Step::Checking, None);
    let mut change = connection.begin().await?;
    // More memory of the database's, as it works for us alone: sorts, and what full-text indexes gather.
    execute(&mut change, "set local work_mem = '128MB'; set local gin_pending_list_limit = '64MB'").await?;
    sqlx::query("select set_config('dossier.requester', $1, true)")
        .bind(&order.requester)
        .execute(&mut *change)
        .await?;
    // From here on nobody else changes records, so what was checked stays true.
    execute(&mut change, "select take_turn()").await?;
    let (files, staged) = (order.files.len(), tables.staged.as_str());
    let mut check = Check { kinds, rules, files, staged, connection: &mut change };
    check.all().await?;
    let mut outcome = report(&mut change, staged, order).await?;
    for kind in &kinds.0 {
        let sql = format!(
            "select count(*) filter (where fresh), count(*) filter (where not fresh),
                    (select count(*) from touched where kind = '{}') from ready_{}",
            kind.name, kind.table
        );
        let row = sqlx::query(AssertSqlSafe(sql)).persistent(false).fetch_one(&mut *change).await?;
        let [created, known, updated] = [0, 1, 2].map(|place| row.try_get::<i64, _>(place));
        outcome.created += created?.cast_unsigned();
        outcome.unchanged +=
            known?.cast_unsigned() - updated.as_ref().map_or(0, |count| count.cast_unsigned());
        outcome.updated += updated?.cast_unsigned();
    }
    progress.end();
    let refused = order.all_or_nothing && outcome.rejected > 0;
    if refused || outcome.created + outcome.updated == 0 {
        change.rollback().await?;
        return Ok(outcome);
    }
    // A record that is there may come to refer to one that is new.
    execute(&mut change, "set constraints all deferred").await?;
    // First the records, which refer to those of kinds before them, then what they own, which may refer to
    // any.
    let lists: i64 = {
        let count = |(kind, writable_field): (&RecordKind, &str)| {
            format!("(select count(*) from {})", list_name(READY, kind, writable_field))
        };
        let lists = kinds.0.iter().flat_map(|kind| {
            validation::lists(kind).map(move |(writable_field, _)| (kind, writable_field.name))
        });
        let sql = format!("select {}", joined(lists.map(count), " + "));
        sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false).fetch_one(&mut *change).await?
    };
    progress.begin(Step::Writing, Some(outcome.created + lists.cast_unsigned()));
    for kind in &kinds.0 {
        progress.part(kind.many);
        update(&mut change, kind).await?;
        insert(&mut change, kind, progress).await?;
    }
    for kind in &kinds.0 {
        progress.part(&format!("of {}", kind.many));
        replace(&mut change, kind).await?;
        own(&mut change, kind, progress).await?;
    }
    // The triggers have the last word, whether it is meant or a trial.
    execute(&mut change, "set constraints all immediate").await?;
    if order.dry_run {
        change.rollback().await?;
        progress.end();
        return Ok(outcome);
    }
    progress.part("commit");
    outcome.change = sqlx::query_scalar("select nullif(current_setting('dossier.change', true), '')::bigint")
        .fetch_one(&mut *change)
        .await?;
    change.commit().await?;
    progress.end();
    Ok(outcome)
}

/// Writes what was rejected to the report, and counts it by its lines. Where nothing was, there is no
/// report.
async fn report(connection: &mut PgConnection, staged: &str, order: &Order) -> Result<Outcome, Error> {
    let failed = |error| Error::Report(order.report.clone(), error);
    let count = format!("select count(distinct line) from {staged}rejected");
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut *connection).await?;
    if count == 0 {
        // One of an earlier try would be mistaken for ours.
        // What is no file, as /dev/null, stays.
        if fs::symlink_metadata(&order.report).is_ok_and(|found| found.is_file()) {
            fs::remove_file(&order.report).map_err(failed)?;
        }
        return Ok(Outcome::default());
    }
    let mut file = BufWriter::new(File::create(&order.report).map_err(failed)?);
    let sql = format!(
        "select distinct line, kind, field, reason from {staged}rejected order by line, field, reason"
    );
    let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let (number, line) = file_and_line(row.try_get("line")?);
        let text = |column| row.try_get::<Option<String>, _>(column);
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let name = order.files.get(number).map(|file| file.display().to_string());
        let told = json!({
            "file": name,
            "line": line,
            "type": filled(text("kind")?),
            "field": filled(text("field")?),
            "reason": text("reason")?,
        });
        writeln!(file, "{told}").map_err(failed)?;
    }
    file.flush().map_err(failed)?;
    Ok(Outcome { rejected: count.cast_unsigned(), ..Outcome::default() })
}

/// Changes the records that are there: only what differs is written.
async fn update(connection: &mut PgConnection, kind: &RecordKind) -> Result<(), sqlx::Error> {
    let table = kind.table;
    let columns: Vec<&str> = kind.writable_fields.iter().filter_map(validation::column_of).collect();
    let list = |alias: &str| joined(columns.iter().map(|column| format!("{alias}.{column}")), ", ");
    let set = joined(columns.iter().map(|column| format!("{column} = r.{column}")), ", ");
    let sql = format!(
        "update {table} t set {set} from ready_{table} r, touched c
         where t.id = r.id and c.kind = '{}' and c.id = t.id and ({}) is distinct from ({})",
        kind.name,
        list("r"),
        list("t")
    );
    execute(connection, &sql).await?;
    Ok(())
}

/// Makes the lists of records that are there those given: what stays the same is not written.
async fn replace(connection: &mut PgConnection, kind: &RecordKind) -> Result<(), sqlx::Error> {
    for (writable_field, rows) in validation::lists(kind) {
        let place = kind.writable_field(writable_field.name).map_or(0, |(place, _)| place);
        let gone = validation::gone(kind, writable_field, rows, place, "t.ctid");
        execute(connection, &format!("delete from {} where ctid in ({gone})", rows.table)).await?;
        let columns = columns_of_rows(rows);
        let given = joined(columns.iter().map(|column| format!("n.{column}")), ", ");
        let entered = validation::entered(kind, writable_field, rows, &given);
        let sql =
            format!("insert into {} ({}) {entered} order by n.line, n.place", rows.table, columns.join(", "));
        execute(connection, &sql).await?;
    }
    Ok(())
}

/// Enters the new records of a kind, in the order of their lines. Records that may be parts of each other
/// come all at once, as each needs the others.
async fn insert(
    connection: &mut PgConnection,
    kind: &RecordKind,
    progress: &dyn Progress,
) -> Result<(), sqlx::Error> {
    let table = kind.table;
    let columns =
        kind.writable_fields.iter().filter_map(validation::column_of).collect::<Vec<_>>().join(", ");
    let step = if kind.parent().is_some() { i64::MAX } else { CHUNK };
    for (from, until) in chunks(connection, kind, step).await? {
        let sql = format!(
            "insert into {table} (id, {columns}) overriding system value select id, {columns} from ready_{table}
             where fresh and id between {from} and {until} order by id"
        );
        progress.advance(execute(connection, &sql).await?);
    }
    Ok(())
}

/// Enters what the new records of a kind own, in the order in which it is given.
async fn own(
    connection: &mut PgConnection,
    kind: &RecordKind,
    progress: &dyn Progress,
) -> Result<(), sqlx::Error> {
    for (writable_field, rows) in validation::lists(kind) {
        let (list, columns) = (list_name(READY, kind, writable_field.name), columns_of_rows(rows).join(", "));
        for (from, until) in chunks(connection, kind, CHUNK).await? {
            let sql = format!(
                "insert into {} ({columns}) select {columns} from {list}
                 where fresh and {owner} between {from} and {until} order by {owner}, place",
                rows.table,
                owner = rows.owner
            );
            progress.advance(execute(connection, &sql).await?);
        }
    }
    Ok(())
}

/// The numbers of a kind's new records, in spans.
async fn chunks(
    connection: &mut PgConnection,
    kind: &RecordKind,
    step: i64,
) -> Result<Vec<(i64, i64)>, sqlx::Error> {
    let sql = format!("select min(id), max(id) from ready_{} where fresh", kind.table);
    let row = sqlx::query(AssertSqlSafe(sql)).persistent(false).fetch_one(connection).await?;
    let (Some(first), Some(last)) = (row.try_get::<Option<i64>, _>(0)?, row.try_get::<Option<i64>, _>(1)?)
    else {
        return Ok(Vec::new());
    };
    let (mut spans, mut from) = (Vec::new(), first);
    while from <= last {
        let until = from.saturating_add(step - 1).min(last);
        spans.push((from, until));
        from = until + 1;
    }
    Ok(spans)
}

fn columns_of_rows(rows: &Rows) -> Vec<&'static str> {
    let columns = rows.columns.iter().map(|column| column.column);
    [rows.owner].into_iter().chain(columns).chain(rows.ordinal).collect()
}

fn size(file: &Path) -> Option<u64> {
    if file == "-" { None } else { fs::metadata(file).ok().map(|file| file.len()) }
}
