//! Imports files: reads them into staging tables, validates them, and upserts the valid records in one transaction.
//!
//! Staging commits in batches, which survive an interruption; records are written only in the final transaction. An
//! interrupted import has therefore written nothing, and a new run resumes after the staged batches. Imports are
//! idempotent: a second run finds no differences and writes nothing.

pub mod editions;
mod lock;
pub mod log;
pub mod readers;
mod report;
pub mod source_file;
pub mod staging;
pub mod tally;
mod upsert;
pub mod validation;

use std::{
    cell::RefCell,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgDatabaseError};
use tokio::sync::mpsc;

use crate::{
    bulk::{
        import::{
            editions::Gone,
            readers::{Format, ReadError, mappings::mapped::ColumnMap},
            source_file::Input,
            staging::{
                ReceiverClosed, Stager, Tables,
                batches::{self, Batch},
            },
            tally::{FileReport, Tally},
            validation::Validator,
        },
        records::RecordKinds,
    },
    database::error::in_words,
    engine::mutation::{rules::Rules, texts},
    progress::{Progress, Step},
};

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
    /// Merge actors that the base of the file has merged.
    pub merge: bool,
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
    /// Actors of the base that it merged, as the base of the file had.
    pub merged: u64,
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
    lock::take(&mut connection, progress.as_ref()).await?;
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
    let mut validator =
        Validator { kinds, rules, files: number, staged, merge: options.merge, connection: &mut transaction };
    let merged = validator.validate().await?;
    let files_with_changes = report::with_changes(&mut transaction, files).await?;
    let mut outcome = Outcome { files: files_with_changes, merged, ..Outcome::default() };
    outcome.rejected = report::write(&mut transaction, staged, &outcome.files, options).await?;
    if options.complete {
        check_complete(&mut transaction, kinds, files, outcome.rejected).await?;
    }
    upsert::count(&mut transaction, kinds, &mut outcome).await?;
    progress.end();
    if options.all_or_nothing && outcome.rejected > 0 {
        transaction.rollback().await?;
        return Ok(outcome);
    }
    execute(&mut transaction, "savepoint before_writing").await?;
    upsert::write(&mut transaction, kinds, outcome.created, progress).await?;
    if options.complete {
        let datasets: Vec<String> = files.iter().filter_map(|file| file.dataset.clone()).collect();
        outcome.gone = Some(editions::remove_gone(&mut transaction, kinds, &datasets).await?);
    }
    texts::anchor(&mut transaction).await?;
    // Run the constraint triggers, in a dry run too.
    execute(&mut transaction, "set constraints all immediate").await?;
    let removed = outcome.gone.map_or(0, |gone| gone.removed + gone.kept);
    let is_unchanged = outcome.created + outcome.updated + outcome.merged + removed == 0;
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

/// Refuses an import from which it can't be known what the datasets no longer have.
async fn check_complete(
    connection: &mut PgConnection,
    kinds: &RecordKinds,
    files: &[FileReport],
    rejected: u64,
) -> Result<(), Error> {
    if rejected > 0 {
        return Err(Error::Incomplete(rejected));
    }
    for file in files {
        let Some(dataset) = &file.dataset else { return Err(Error::NoDataset(file.path.clone())) };
        if !editions::gives_records(connection, kinds, dataset).await? {
            return Err(Error::Empty(file.path.clone(), dataset.clone()));
        }
    }
    Ok(())
}

fn file_size(file: &Path) -> Option<u64> {
    if file == "-" { None } else { fs::metadata(file).ok().map(|file| file.len()) }
}
