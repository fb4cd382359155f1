//! `dossier restore`.

use std::{path::PathBuf, sync::Arc, time::Instant};

use clap::Args;
use sqlx::Connection;

use crate::{
    bulk::backup::{Summary, read::Reader, restore},
    cli::{Failure, configured, print, progress::Bars, say_what_is_used},
    database::{Database, embedded::Create},
    progress::Progress,
};

#[derive(Args)]
pub struct Arguments {
    /// Backup to restore; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Restore nothing: read the file to its end, and compare its rows with its counts and digests.
    #[arg(long)]
    pub verify: bool,
}

pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = configured()?;
    let (since, progress) = (Instant::now(), Arc::new(Bars::default()));
    let backup = Reader::open(&arguments.file, progress.clone())?;
    if arguments.verify {
        let summary = backup.verify()?;
        progress.end();
        let Summary { header, .. } = &summary;
        return print(&format!(
            "the backup is complete: {}, of {} by Dossier {} from Postgres {}\n",
            contents(&summary),
            header.at,
            header.dossier,
            header.postgres
        ));
    }
    let database = Database::open_with(&config, Create::Always).await?;
    say_what_is_used(&database, &config);
    let restored = async {
        let mut connection = database.connect_without_timeout().await?;
        let summary = restore::restore(&mut connection, database.schema(), backup, &*progress).await?;
        // Until then it locks out other migrators.
        let _ = connection.close().await;
        print(&format!("restored {}, in {:.1} s\n", contents(&summary), since.elapsed().as_secs_f64()))?;
        for migration in database.migrate().await? {
            print(&format!("applied: {migration}\n"))?;
        }
        Ok(())
    };
    let restored = restored.await;
    database.close().await;
    restored
}

fn contents(summary: &Summary) -> String {
    let Summary { header, tables, rows } = summary;
    format!("{rows} rows of {tables} tables, up to revision {}", header.revision)
}
