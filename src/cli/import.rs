//! `dossier import`.

use std::{fmt::Write, path::PathBuf, sync::Arc, time::Instant};

use clap::Args;

use crate::{
    bulk::{
        import::{
            self, ImportOptions,
            readers::{self, mappings::mapped::ColumnMap},
            tally::FileReport,
        },
        records::RecordKinds,
    },
    cli::{Failure, configured, open_migrated, print, progress::Bars},
    engine::catalog,
    progress::Progress,
};

#[derive(Args)]
pub struct Arguments {
    /// Files to import, plain or compressed with gzip or zstd; `-` is standard input.
    #[arg(required = true, value_name = "FILE", num_args = 1..=import::staging::MAX_FILES)]
    pub files: Vec<PathBuf>,
    /// Input format; default: by the content, CSV by the file name.
    #[arg(long, value_enum)]
    pub format: Option<readers::Format>,
    /// Dataset that the records belong to, the same for each of its editions; default: what the document says of
    /// itself, or the name and folder of the file. Not for JSON Lines and CSV.
    #[arg(long, value_name = "NAME")]
    pub dataset: Option<String>,
    /// Map of the columns of the files, which are tables or JSON of any form: docs/import-export.md.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["format", "kind"])]
    pub map: Option<PathBuf>,
    /// The files have all records of their datasets: remove those that they no longer have.
    #[arg(long)]
    pub complete: bool,
    /// Import nothing if a value of a file would be ignored.
    #[arg(long)]
    pub strict: bool,
    /// Merge actors that the base of the file has merged (`mergedActors`), where this base has both. Look at them before:
    /// the same slugs may stand for others here.
    #[arg(long)]
    pub merge: bool,
    /// Record type of a CSV file: Actor, Statement, …; default: by the file name.
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// Validate the files, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Write nothing if a record is rejected.
    #[arg(long)]
    pub all_or_nothing: bool,
    /// Report, as JSON Lines: the rejected records with file, line, field and reason, and what was kept, ignored and
    /// changed of each file.
    #[arg(long, value_name = "FILE", default_value = "rejected.jsonl")]
    pub report: PathBuf,
    /// Name under which the change is recorded.
    #[arg(long, value_name = "NAME", default_value = "import")]
    pub requester: String,
}

pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let config = configured()?;
    let kinds = Arc::new(RecordKinds::of(&catalog::catalog().object_types));
    let map = match arguments.map {
        Some(path) => {
            let map = ColumnMap::load(&path, &kinds);
            Some(map.map_err(|reason| Failure::of_usage(format!("--map {}: {reason}", path.display())))?)
        }
        None => None,
    };
    let options = ImportOptions {
        files: arguments.files,
        format: arguments.format,
        dataset: arguments.dataset,
        map,
        complete: arguments.complete,
        strict: arguments.strict,
        merge: arguments.merge,
        kind: arguments.kind,
        requester: arguments.requester,
        dry_run: arguments.dry_run,
        all_or_nothing: arguments.all_or_nothing,
        report: arguments.report,
    };
    options.check(&kinds).map_err(|error| match error {
        import::Error::Options(reason) => Failure::of_usage(reason),
        other => other.into(),
    })?;
    let database = open_migrated(&config, true).await?;
    let imported = async {
        let since = Instant::now();
        let progress: Arc<dyn Progress> = Arc::new(Bars::default());
        let connection = database.connect_without_timeout().await?;
        let outcome = import::import(connection, kinds, &options, &progress).await?;
        let (seconds, report) = (since.elapsed().as_secs_f64(), options.report.display());
        let import::Outcome { created, updated, unchanged, rejected, merged, gone, files, change } = outcome;
        for file in &files {
            print(&summary(file))?;
        }
        let end = match change {
            Some(change) => format!("recorded as change {change}"),
            None if options.dry_run => "dry run: nothing was written".to_owned(),
            None => "nothing was written".to_owned(),
        };
        print(&format!(
            "created {created}, updated {updated}, unchanged {unchanged}, rejected {rejected}{}{}, in {seconds:.1} s\n{end}\n",
            if merged > 0 { format!(", merged {merged}") } else { String::new() },
            gone.map_or_else(String::new, |gone| {
                format!(", removed {}, no longer in the dataset but kept {}", gone.removed, gone.kept)
            })
        ))?;
        if rejected > 0 {
            let records = if rejected == 1 { "record was" } else { "records were" };
            Err(format!("{rejected} {records} rejected; see {report}").into())
        } else {
            Ok(())
        }
    };
    let imported = imported.await;
    database.close().await;
    imported
}

/// What became of the fields of a file.
fn summary(file: &FileReport) -> String {
    let FileReport { path, dataset, tally } = file;
    let mut text = String::new();
    if let Some(dataset) = dataset {
        let _ = writeln!(text, "{}: dataset {dataset}", path.display());
    }
    for (what, counts) in [("kept", &tally.kept), ("ignored", &tally.ignored), ("changed", &tally.changed)] {
        let counts: Vec<String> = counts.iter().map(|(field, count)| format!("{field}: {count}×")).collect();
        if !counts.is_empty() {
            let _ = writeln!(text, "  {what}: {}", counts.join(", "));
        }
    }
    text
}
