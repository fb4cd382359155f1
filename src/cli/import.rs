//! `dossier import`.

use std::{path::PathBuf, sync::Arc, time::Instant};

use clap::Args;

use crate::{
    bulk::{
        import::{self, Order, readers},
        records::RecordKinds,
    },
    cli::{Failure, configured, open_migrated, print, progress::Bars},
    engine::catalog,
    progress::Progress,
};

#[derive(Args)]
pub struct Arguments {
    /// Files, compressed by gzip or zstd or not at all; `-` is the standard input.
    #[arg(required = true, value_name = "FILE", num_args = 1..=import::staging::MOST_FILES)]
    pub files: Vec<PathBuf>,
    /// jsonl, csv, popolo, legislators, ftm or parlamint; where left out, each file's name tells it.
    #[arg(long)]
    pub format: Option<readers::Format>,
    /// The type of record in a CSV whose name doesn't tell it: Actor, Statement, …
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// Check everything, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Write nothing if anything is rejected.
    #[arg(long)]
    pub all_or_nothing: bool,
    /// Where each rejected record is told, with its line, its field and the reason.
    #[arg(long, value_name = "FILE", default_value = "rejected.jsonl")]
    pub report: PathBuf,
    /// Under whose name the change is recorded.
    #[arg(long, value_name = "NAME", default_value = "import")]
    pub requester: String,
}

pub async fn run(asked: Arguments) -> Result<(), Failure> {
    let config = configured()?;
    let Arguments { files, format, kind, dry_run, all_or_nothing, report, requester } = asked;
    let order = Order { files, format, kind, requester, dry_run, all_or_nothing, report };
    let kinds = Arc::new(RecordKinds::of(&catalog::catalog().object_types));
    order.check(&kinds).map_err(|error| match error {
        import::Error::Order(reason) => Failure::of_usage(reason),
        other => other.into(),
    })?;
    let database = open_migrated(&config, true).await?;
    let imported = async {
        let since = Instant::now();
        let progress: Arc<dyn Progress> = Arc::new(Bars::default());
        let connection = database.connect_for_long().await?;
        let outcome = import::import(connection, kinds, &order, &progress).await?;
        let (seconds, report) = (since.elapsed().as_secs_f64(), order.report.display());
        let import::Outcome { created, updated, unchanged, rejected, change } = outcome;
        let end = match change {
            Some(change) => format!("recorded as change {change}"),
            None if dry_run => "a dry run: nothing was written".to_owned(),
            None => "nothing was written".to_owned(),
        };
        print(&format!(
            "created {created}, updated {updated}, unchanged {unchanged}, rejected {rejected}, in {seconds:.1} s\n{end}\n"
        ))?;
        if rejected > 0 {
            let records = if rejected == 1 { "record was" } else { "records were" };
            Err(format!("{rejected} {records} rejected; {report} tells why").into())
        } else {
            Ok(())
        }
    };
    let imported = imported.await;
    database.close().await;
    imported
}
