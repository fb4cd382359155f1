//! `dossier backup`.

use std::{
    io::{IsTerminal, stdout},
    path::PathBuf,
    sync::Arc,
    time::Instant,
};

use clap::Args;

use crate::{
    bulk::backup::{read::Reader, save},
    cli::{
        Failure, configured,
        output::{Output, PRIVATE},
        progress::Bars,
        say_what_is_used,
    },
    database::{Database, Error, embedded::Create},
    telemetry::output,
};

#[derive(Args)]
pub struct Arguments {
    /// File to write; `-` is standard output.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Read the written file again, and compare its rows with its counts and digests.
    #[arg(long)]
    pub verify: bool,
}

pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = configured()?;
    if arguments.verify && arguments.file.as_os_str() == "-" {
        return Err(Failure::of_usage("--verify needs a file; of a copy: dossier restore --verify"));
    }
    let mut to = if arguments.file.as_os_str() != "-" {
        Output::to(&arguments.file, PRIVATE)?
    } else if stdout().is_terminal() {
        return Err(Failure::of_usage(
            "a backup is not text for a terminal: name a file, or redirect the output",
        ));
    } else {
        Output::Standard(stdout())
    };
    let database = Database::open_with(&config, Create::Never).await?;
    say_what_is_used(&database, &config);
    let saved = async {
        let since = Instant::now();
        // Pending migrations don't matter: a backup is made before they are applied.
        if database.status().await?.is_empty {
            return Err(Error::Empty.into());
        }
        let mut connection = database.connect_without_timeout().await?;
        let summary = save::save(&mut connection, &mut to, &Bars::default()).await?;
        if arguments.verify {
            let file = to.unfinished().ok_or("--verify needs a file that can be read again")?;
            Reader::open(file, Arc::new(Bars::default()))?.verify()?;
        }
        to.finish()?;
        output::say(&format!(
            "backed up {} rows of {} tables, up to revision {}, in {:.1} s",
            summary.rows,
            summary.tables,
            summary.header.revision,
            since.elapsed().as_secs_f64()
        ));
        if arguments.verify {
            output::say("the backup is complete");
        }
        Ok(())
    };
    let saved = saved.await;
    database.close().await;
    saved
}
