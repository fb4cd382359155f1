//! Imports files: reads them into staging tables, validates them, and upserts the valid records in one transaction.
//!
//! Staging commits in batches, which survive an interruption; records are written only in the final transaction. An
//! interrupted import has therefore written nothing, and a new run resumes after the staged batches. Imports are
//! idempotent: a second run finds no differences and writes nothing.

pub mod editions;
pub mod log;
pub mod readers;
pub mod source_file;
pub mod staging;
pub mod tally;
pub mod validation;

use std::{
    cell::RefCell,
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use futures_util::TryStreamExt;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, postgres::PgDatabaseError};
use tokio::sync::mpsc;

use crate::{
    bulk::{
        import::{
            editions::Gone,
            readers::{Format, ReadError, mappings::mapped::ColumnMap},
            source_file::Input,
            staging::{
                READY_PREFIX, ReceiverClosed, Stager, Tables,
                batches::{self, Batch},
                file_and_line, file_and_line_sql, list_name,
            },
            tally::{FileReport, Tally},
            validation::Validator,
        },
        records::{RecordKind, RecordKinds, joined},
    },
    database::error::in_words,
    engine::mutation::{rules::Rules, texts, writable_fields::Rows},
    progress::{Progress, Step},
};

const ROWS_PER_STATEMENT: i64 = 20_000;
const MAX_DATASET_BYTES: usize = 100;
/// After this many serialization failures the import gives up.
const MAX_ATTEMPTS: usize = 5;

#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// `-` is standard input.
    pub files: Vec<PathBuf>,
    /// Format of all files; default: by each file's content.
    pub format: Option<Format>,
    /// Dataset of the files in other formats than Dossier's own; default: by each document, or its name and folder.
    pub dataset: Option<String>,
    /// The map of the files' columns, for tables and JSON of any form.
    pub map: Option<ColumnMap>,
    /// The files have all records of their datasets: what they no longer have is removed.
    pub complete: bool,
    /// Import nothing if a value of a file is ignored.
    pub strict: bool,
    /// Record type of CSV files; default: by each file's name.
    pub kind: Option<String>,
    /// Name under which the change is recorded.
    pub requester: String,
    /// Validate only; roll back at the end.
    pub dry_run: bool,
    /// Write nothing if a record is rejected.
    pub all_or_nothing: bool,
    /// File for the rejected records and their errors.
    pub report: PathBuf,
}

impl ImportOptions {
    /// Fails on options that are wrong whatever the database holds.
    pub fn check(&self, kinds: &RecordKinds) -> Result<(), Error> {
        for path in self.files.iter().filter(|path| *path != "-") {
            let failed = |reason: String| Error::File(path.clone(), reason);
            let file = File::open(path).map_err(|error| failed(error.to_string()))?;
            if file.metadata().is_ok_and(|found| found.is_dir()) {
                return Err(failed("it is a directory".to_owned()));
            }
        }
        if let Some(kind) = self.kind.as_ref().filter(|kind| kinds.named(kind).is_none()) {
            return Err(Error::Options(format!(
                "unknown record type `{kind}`; expected one of {}",
                kinds.names()
            )));
        }
        if let Some(dataset) = &self.dataset
            && (dataset.trim() != dataset
                || dataset.is_empty()
                || dataset.len() > MAX_DATASET_BYTES
                || dataset.contains(char::is_control))
        {
            let reason = format!(
                "--dataset takes a name of 1 to {MAX_DATASET_BYTES} bytes without line breaks or blanks around it"
            );
            return Err(Error::Options(reason));
        }
        if self.requester.trim().is_empty() {
            return Err(Error::Options("--requester must not be empty".to_owned()));
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
                fs::remove_file(&self.report).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// What an import wrote, or would write in a dry run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub rejected: u64,
    /// What the datasets no longer have, if the import is complete.
    pub gone: Option<Gone>,
    /// What became of the files.
    pub files: Vec<FileReport>,
    /// Id of the change; `None` if nothing was written.
    pub change: Option<i64>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("can't import {file}: {reason}; nothing was imported", file = .0.display(), reason = .1)]
    File(PathBuf, String),
    #[error("{0}; nothing was imported")]
    Options(String),
    #[error("can't write the report {file}: {reason}", file = .0.display(), reason = .1)]
    Report(PathBuf, std::io::Error),
    #[error("{}; nothing was imported", in_words(.0))]
    Database(#[from] sqlx::Error),
    #[error("--strict: {ignored} values of {file} would be ignored ({fields}); nothing was imported", file = .0.display(), ignored = .1, fields = .2)]
    Ignored(PathBuf, u64, String),
    #[error(
        "--complete: {0} records are rejected, so what the datasets no longer have is not known; nothing was imported"
    )]
    Incomplete(u64),
    #[error("--complete: {file} has no dataset: it is in Dossier's own format; nothing was imported", file = .0.display())]
    NoDataset(PathBuf),
    #[error("--complete: {file} has no records of the dataset `{dataset}`; nothing was imported", file = .0.display(), dataset = .1)]
    Empty(PathBuf, String),
    #[error("other transactions changed the same records; nothing was imported, try again")]
    Conflict,
    /// A constraint that validation didn't cover: the message of Postgres with table and column.
    #[error("the database rejected the import: {0}; nothing was imported")]
    Rejected(String),
}

/// Runs an import. The connection must have no statement timeout.
pub async fn import(
    mut connection: PgConnection,
    kinds: Arc<RecordKinds>,
    options: &ImportOptions,
    progress: &Arc<dyn Progress>,
) -> Result<Outcome, Error> {
    execute(&mut connection, "set temp_buffers = '64MB'").await?;
    batches::lock(&mut connection).await?;
    let since = Instant::now();
    let done = stage_and_upsert(&mut connection, &kinds, options, progress).await;
    if done.as_ref().is_ok_and(|outcome| outcome.change.is_some()) {
        // Without statistics, Postgres would plan queries as for empty tables until autovacuum runs.
        let _ = execute(&mut connection, &analyze(&kinds)).await;
    }
    // After any other error, the next run resumes from the staged batches.
    if !matches!(done, Err(Error::Database(_) | Error::Conflict | Error::Report(..))) {
        // If this fails, the next import drops the tables.
        let _ = batches::drop_tables(&mut connection).await;
    }
    if !options.dry_run {
        // Only metrics would miss it.
        let _ = log::add(&mut connection, &options.requester, since.elapsed().as_secs_f64(), &done).await;
    }
    let _ = connection.close().await;
    done
}

/// Updates the planner statistics of all tables that an import writes.
fn analyze(kinds: &RecordKinds) -> String {
    format!("analyze {}, revisions", kinds.tables().join(", "))
}

async fn stage_and_upsert(
    connection: &mut PgConnection,
    kinds: &Arc<RecordKinds>,
    options: &ImportOptions,
    progress: &Arc<dyn Progress>,
) -> Result<Outcome, Error> {
    let rules = Rules::load(connection).await?;
    let staged = batches::staging_schema(connection).await?;
    let tables = Arc::new(Tables::of(kinds, &rules, staged));
    let files = stage(connection, kinds, &tables, options, progress).await?;
    if options.strict
        && let Some(file) = files.iter().find(|file| !file.tally.ignored.is_empty())
    {
        let fields = file.tally.ignored.keys().take(5).cloned().collect::<Vec<_>>().join(", ");
        return Err(Error::Ignored(file.path.clone(), file.tally.ignored.values().sum(), fields));
    }
    for table in &tables.all {
        execute(connection, &format!("analyze {}", table.name)).await?;
    }
    let mut tries = 1..=MAX_ATTEMPTS;
    loop {
        let last = tries.next() == Some(MAX_ATTEMPTS);
        match validate_and_upsert(connection, kinds, &rules, &tables, &files, options, progress.as_ref())
            .await
        {
            Err(Error::Database(error)) => match sqlstate(&error).as_deref() {
                Some("40001" | "40P01") if last => return Err(Error::Conflict),
                // serialization_failure, deadlock_detected; unique and foreign keys that validation found intact
                Some("40001" | "40P01" | "23505" | "23503") if !last => {}
                Some(code) if code.starts_with("23") => {
                    return Err(Error::Rejected(database_message(&error)));
                }
                _ => return Err(error.into()),
            },
            done => return done,
        }
    }
}

fn sqlstate(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(Into::into)
}

/// The message of Postgres, with table and column.
fn database_message(error: &sqlx::Error) -> String {
    let rejected = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    rejected.map_or_else(
        || error.to_string(),
        |rejected| {
            let place = [rejected.table(), rejected.column().or(rejected.constraint())];
            format!("{} ({})", rejected.message(), place.into_iter().flatten().collect::<Vec<_>>().join(", "))
        },
    )
}

async fn execute(connection: &mut PgConnection, sql: &str) -> Result<u64, sqlx::Error> {
    tracing::debug!(target: "dossier::sql", sql, "statement");
    Ok(sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?.rows_affected())
}

/// Reads the files into the staging tables, except for batches that an interrupted import has already staged. A
/// thread reads; this task copies its batches to Postgres.
async fn stage(
    connection: &mut PgConnection,
    kinds: &Arc<RecordKinds>,
    tables: &Arc<Tables>,
    options: &ImportOptions,
    progress: &Arc<dyn Progress>,
) -> Result<Vec<FileReport>, Error> {
    let staged = batches::committed_digests(connection, tables).await?;
    let (sender, mut batches) = mpsc::channel::<Batch>(1);
    // The size of standard input is unknown.
    progress.begin(Step::Reading, options.files.iter().map(|file| file_size(file)).sum());
    // A thread outside the runtime, because a blocking read of standard input would delay the runtime's shutdown.
    let reading = std::thread::spawn({
        let (kinds, tables, options, progress) =
            (kinds.clone(), tables.clone(), options.clone(), progress.clone());
        move || read_files(&kinds, &tables, &options, &progress, &sender)
    });
    let (mut next, mut same) = (batches.recv().await, None);
    for digest in &staged {
        let Some(batch) = next.take_if(|batch| batch.digest == *digest) else { break };
        same = Some(batch);
        next = batches.recv().await;
    }
    match &same {
        None => batches::create_tables(connection, tables).await?,
        Some(batch) => {
            if staged.last() != Some(&batch.digest) {
                batches::delete_after(connection, tables, batch).await?;
            }
            progress.note(&format!("resuming after {} records that were already read", batch.records));
        }
    }
    while let Some(batch) = next {
        batches::append(connection, tables, &batch).await?;
        next = batches.recv().await;
    }
    let read = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    progress.end();
    read
}

fn read_files(
    kinds: &Arc<RecordKinds>,
    tables: &Tables,
    options: &ImportOptions,
    progress: &Arc<dyn Progress>,
    sender: &mpsc::Sender<Batch>,
) -> Result<Vec<FileReport>, Error> {
    let mut send = |batch| sender.blocking_send(batch).map_err(|_| ReceiverClosed);
    let mut stager = Stager::new(kinds, tables, &mut send);
    let mut reports = Vec::new();
    for (number, path) in options.files.iter().enumerate() {
        let tally = RefCell::new(Tally::default());
        let read = Input::open(path, progress.clone()).map_err(ReadError::from).and_then(|mut input| {
            let format = match options.format {
                Some(format) => format,
                None if options.map.is_some() => Format::Csv,
                None => Format::detect(path, &mut input)?,
            };
            let (kind, dataset) = (options.kind.as_deref(), options.dataset.as_deref());
            let map = options.map.as_ref();
            let file = readers::File { number, path, format, kind, dataset, map, tally: &tally };
            readers::read(file, input, kinds, &mut stager)
        });
        match read {
            Ok(dataset) => {
                reports.push(FileReport { path: path.clone(), dataset, tally: tally.into_inner() });
            }
            // The receiver reports why it stopped.
            Err(ReadError::ReceiverClosed) => return Ok(reports),
            Err(ReadError::Invalid(reason)) => return Err(Error::File(path.clone(), reason)),
        }
        progress.part(&format!("{} records", stager.records));
    }
    let _ = stager.finish();
    Ok(reports)
}

/// Validates the staged records, writes the report, and upserts the valid records.
async fn validate_and_upsert(
    connection: &mut PgConnection,
    kinds: &RecordKinds,
    rules: &Rules,
    tables: &Tables,
    files: &[FileReport],
    options: &ImportOptions,
    progress: &dyn Progress,
) -> Result<Outcome, Error> {
    progress.begin(Step::Checking, None);
    let mut transaction = connection.begin().await?;
    // For large sorts, and for batches of full-text index entries.
    execute(&mut transaction, "set local work_mem = '128MB'; set local gin_pending_list_limit = '64MB'")
        .await?;
    sqlx::query("select set_config('dossier.requester', $1, true)")
        .bind(&options.requester)
        .execute(&mut *transaction)
        .await?;
    // From here on no other transaction writes records, so validation stays true.
    execute(&mut transaction, "select lock_revision_numbers()").await?;
    let (number, staged) = (options.files.len(), tables.staged.as_str());
    let mut validator = Validator { kinds, rules, files: number, staged, connection: &mut transaction };
    validator.validate().await?;
    let mut outcome = Outcome { files: with_changes(&mut transaction, files).await?, ..Outcome::default() };
    outcome.rejected = write_report(&mut transaction, staged, &outcome.files, options).await?;
    if options.complete {
        if outcome.rejected > 0 {
            return Err(Error::Incomplete(outcome.rejected));
        }
        for file in files {
            let Some(dataset) = &file.dataset else { return Err(Error::NoDataset(file.path.clone())) };
            if !editions::gives_records(&mut transaction, kinds, dataset).await? {
                return Err(Error::Empty(file.path.clone(), dataset.clone()));
            }
        }
    }
    for kind in &kinds.0 {
        let sql = format!(
            "select count(*) filter (where is_new), count(*) filter (where not is_new),
                    (select count(*) from updates where kind = '{}') from ready_{}",
            kind.name, kind.table
        );
        let row = sqlx::query(AssertSqlSafe(sql)).persistent(false).fetch_one(&mut *transaction).await?;
        let [created, known, updated] = [0, 1, 2].map(|place| row.try_get::<i64, _>(place));
        outcome.created += created?.cast_unsigned();
        outcome.unchanged +=
            known?.cast_unsigned() - updated.as_ref().map_or(0, |count| count.cast_unsigned());
        outcome.updated += updated?.cast_unsigned();
    }
    progress.end();
    if options.all_or_nothing && outcome.rejected > 0 {
        transaction.rollback().await?;
        return Ok(outcome);
    }
    execute(&mut transaction, "savepoint before_writing").await?;
    // An existing record may refer to a new one.
    execute(&mut transaction, "set constraints all deferred").await?;
    // First the records, which refer only to types before them; then their lists, which refer to any type.
    let lists: i64 = {
        let count = |(kind, writable_field): (&RecordKind, &str)| {
            format!("(select count(*) from {})", list_name(READY_PREFIX, kind, writable_field))
        };
        let lists = kinds.0.iter().flat_map(|kind| {
            validation::list_fields(kind).map(move |(writable_field, _)| (kind, writable_field.name))
        });
        let sql = format!("select {}", joined(lists.map(count), " + "));
        sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false).fetch_one(&mut *transaction).await?
    };
    progress.begin(Step::Writing, Some(outcome.created + lists.cast_unsigned()));
    for kind in &kinds.0 {
        progress.part(kind.many);
        update_records(&mut transaction, kind).await?;
        insert_records(&mut transaction, kind, progress).await?;
    }
    // Texts first: a citation is of the last one.
    let mut of_lists: Vec<&RecordKind> = kinds.0.iter().collect();
    of_lists.sort_by_key(|kind| validation::list_fields(kind).all(|(_, rows)| !rows.appended));
    for kind in of_lists {
        progress.part(&format!("of {}", kind.many));
        update_lists(&mut transaction, kind).await?;
        insert_lists(&mut transaction, kind, progress).await?;
    }
    if options.complete {
        let datasets: Vec<String> = files.iter().filter_map(|file| file.dataset.clone()).collect();
        outcome.gone = Some(editions::remove_gone(&mut transaction, kinds, &datasets).await?);
    }
    texts::anchor(&mut transaction).await?;
    // Run the constraint triggers, in a dry run too.
    execute(&mut transaction, "set constraints all immediate").await?;
    let removed = outcome.gone.map_or(0, |gone| gone.removed + gone.kept);
    let is_unchanged = outcome.created + outcome.updated + removed == 0;
    if is_unchanged {
        // Statements without rows have begun a change.
        execute(&mut transaction, "rollback to savepoint before_writing").await?;
    }
    editions::keep_digests(&mut transaction, kinds).await?;
    if options.dry_run {
        transaction.rollback().await?;
        progress.end();
        return Ok(outcome);
    }
    progress.part("commit");
    outcome.change = sqlx::query_scalar("select nullif(current_setting('dossier.change', true), '')::bigint")
        .fetch_one(&mut *transaction)
        .await?;
    transaction.commit().await?;
    progress.end();
    Ok(outcome)
}

/// The reports of the files, with the values that the validation changed to fit.
async fn with_changes(
    connection: &mut PgConnection,
    files: &[FileReport],
) -> Result<Vec<FileReport>, sqlx::Error> {
    let mut files = files.to_vec();
    let (file, _) = file_and_line_sql("line");
    let sql = format!(
        "select ({file})::bigint, kind || '.' || field, reason, count(*) from changed_values group by 1, 2, 3"
    );
    let changes: Vec<(i64, String, String, i64)> =
        sqlx::query_as(AssertSqlSafe(sql)).persistent(false).fetch_all(connection).await?;
    for (file, field, reason, count) in changes {
        let number = usize::try_from(file - 1).unwrap_or(0);
        if let Some(report) = files.get_mut(number) {
            *report.tally.changed.entry(format!("{field}: {reason}")).or_default() += count.cast_unsigned();
        }
    }
    Ok(files)
}

/// Writes the rejected records to the report, counts them, and adds what became of the fields of each file. Without
/// either there is no report.
async fn write_report(
    connection: &mut PgConnection,
    staged: &str,
    files: &[FileReport],
    options: &ImportOptions,
) -> Result<u64, Error> {
    let failed = |error| Error::Report(options.report.clone(), error);
    let count = format!("select count(distinct line) from {staged}rejected");
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut *connection).await?;
    let files: Vec<&FileReport> = files.iter().filter(|file| !file.tally.is_empty()).collect();
    if count == 0 && files.is_empty() {
        // A report of an earlier import would be misleading. Devices such as /dev/null stay.
        if fs::symlink_metadata(&options.report).is_ok_and(|found| found.is_file()) {
            fs::remove_file(&options.report).map_err(failed)?;
        }
        return Ok(0);
    }
    let mut file = BufWriter::new(File::create(&options.report).map_err(failed)?);
    let sql = format!(
        "select distinct line, kind, field, reason from {staged}rejected order by line, field, reason"
    );
    let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let (number, line) = file_and_line(row.try_get("line")?);
        let text = |column| row.try_get::<Option<String>, _>(column);
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let name = options.files.get(number).map(|file| file.display().to_string());
        let rejection = json!({
            "file": name,
            "line": line,
            "type": filled(text("kind")?),
            "field": filled(text("field")?),
            "reason": text("reason")?,
        });
        writeln!(file, "{rejection}").map_err(failed)?;
    }
    for FileReport { path, dataset, tally } in files {
        let Tally { kept, ignored, changed } = tally;
        let fields = json!({
            "file": path.display().to_string(), "dataset": dataset, "kept": kept, "ignored": ignored, "changed": changed,
        });
        writeln!(file, "{fields}").map_err(failed)?;
    }
    file.flush().map_err(failed)?;
    Ok(count.cast_unsigned())
}

/// Updates existing records where a column differs.
async fn update_records(connection: &mut PgConnection, kind: &RecordKind) -> Result<(), sqlx::Error> {
    let table = kind.table;
    let columns: Vec<&str> = kind.writable_fields.iter().filter_map(validation::column_of).collect();
    let list = |alias: &str| joined(columns.iter().map(|column| format!("{alias}.{column}")), ", ");
    let set = joined(columns.iter().map(|column| format!("{column} = r.{column}")), ", ");
    let sql = format!(
        "update {table} t set {set} from ready_{table} r, updates c
         where t.id = r.id and c.kind = '{}' and c.id = t.id and ({}) is distinct from ({})",
        kind.name,
        list("r"),
        list("t")
    );
    execute(connection, &sql).await?;
    Ok(())
}

/// Updates the lists of existing records: deletes removed rows and inserts added ones.
async fn update_lists(connection: &mut PgConnection, kind: &RecordKind) -> Result<(), sqlx::Error> {
    for (writable_field, rows) in validation::list_fields(kind) {
        let place = kind.writable_field(writable_field.name).map_or(0, |(place, _)| place);
        if !rows.appended {
            let removed = validation::removed_rows(kind, writable_field, rows, place, "t.ctid");
            execute(connection, &format!("delete from {} where ctid in ({removed})", rows.table)).await?;
        }
        let columns = columns_of_rows(rows);
        let given = joined(columns.iter().map(|column| format!("n.{column}")), ", ");
        let added = validation::added_rows(kind, writable_field, rows, &given);
        let sql = format!(
            "insert into {} ({}) {added} order by n.line, n.list_index",
            rows.table,
            columns.join(", ")
        );
        execute(connection, &sql).await?;
    }
    Ok(())
}

/// Inserts the new records of a type in file order. A type whose records refer to each other is inserted by one
/// statement, which checks its foreign key at the end.
async fn insert_records(
    connection: &mut PgConnection,
    kind: &RecordKind,
    progress: &dyn Progress,
) -> Result<(), sqlx::Error> {
    let table = kind.table;
    let columns =
        kind.writable_fields.iter().filter_map(validation::column_of).collect::<Vec<_>>().join(", ");
    let step = if kind.parent().is_some() { i64::MAX } else { ROWS_PER_STATEMENT };
    for (from, until) in id_ranges(connection, kind, step).await? {
        let sql = format!(
            "insert into {table} (id, {columns}) overriding system value select id, {columns} from ready_{table}
             where is_new and id between {from} and {until} order by id"
        );
        progress.advance(execute(connection, &sql).await?);
    }
    Ok(())
}

/// Inserts the lists of the new records in file order.
async fn insert_lists(
    connection: &mut PgConnection,
    kind: &RecordKind,
    progress: &dyn Progress,
) -> Result<(), sqlx::Error> {
    for (writable_field, rows) in validation::list_fields(kind) {
        let (list, columns) =
            (list_name(READY_PREFIX, kind, writable_field.name), columns_of_rows(rows).join(", "));
        for (from, until) in id_ranges(connection, kind, ROWS_PER_STATEMENT).await? {
            let sql = format!(
                "insert into {} ({columns}) select {columns} from {list}
                 where is_new and {owner} between {from} and {until} order by {owner}, list_index",
                rows.table,
                owner = rows.owner
            );
            progress.advance(execute(connection, &sql).await?);
        }
    }
    Ok(())
}

/// Id ranges of the new records of a type, for statements of bounded size.
async fn id_ranges(
    connection: &mut PgConnection,
    kind: &RecordKind,
    size: i64,
) -> Result<Vec<(i64, i64)>, sqlx::Error> {
    let sql = format!("select min(id), max(id) from ready_{} where is_new", kind.table);
    let row = sqlx::query(AssertSqlSafe(sql)).persistent(false).fetch_one(connection).await?;
    let (Some(first), Some(last)) = (row.try_get::<Option<i64>, _>(0)?, row.try_get::<Option<i64>, _>(1)?)
    else {
        return Ok(Vec::new());
    };
    let (mut ranges, mut from) = (Vec::new(), first);
    while from <= last {
        let until = from.saturating_add(size - 1).min(last);
        ranges.push((from, until));
        from = until + 1;
    }
    Ok(ranges)
}

fn columns_of_rows(rows: &Rows) -> Vec<&'static str> {
    let columns = rows.columns.iter().map(|column| column.column);
    [rows.owner].into_iter().chain(columns).chain(rows.ordinal).collect()
}

fn file_size(file: &Path) -> Option<u64> {
    if file == "-" { None } else { fs::metadata(file).ok().map(|file| file.len()) }
}
