//! `dossier upgrade`.

use std::{fs, sync::Arc, time::Instant};

use clap::Args;
use sqlx::Connection;

use crate::{
    bulk::backup::{read::Reader, restore, save},
    cli::{
        Failure, configured,
        output::{Output, PRIVATE},
        print,
        progress::Bars,
    },
    database::{
        account,
        embedded::Postgres,
        upgrade::{self, Upgrade},
    },
};

#[derive(Args)]
pub struct Arguments {
    /// Delete the data that an earlier upgrade kept.
    #[arg(long)]
    pub delete_old: bool,
}

pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = configured()?;
    if config.database_url.is_some() {
        return Err(Failure::of_usage(
            "DATABASE_URL is set, but `dossier upgrade` is for the embedded Postgres; upgrade your own Postgres with \
             its tools, or with dossier backup and dossier restore",
        ));
    }
    let root = config.data_dir.clone().unwrap_or_else(account::data_folder);
    if arguments.delete_old {
        let deleted = upgrade::delete_old(&root)?;
        if deleted.is_empty() {
            print("nothing to delete\n")?;
        }
        for folder in deleted {
            print(&format!("deleted: {}\n", folder.display()))?;
        }
        return Ok(());
    }
    let since = Instant::now();
    let Some(upgrade) = Upgrade::begin(&root, config.pg_bin.as_deref())? else {
        return print("nothing to upgrade: there is no newer Postgres than that of the data\n");
    };
    let (old, new) = (upgrade.start_old().await?, upgrade.start_new().await?);
    copy(&upgrade, &old, &new).await?;
    let (from, to) = upgrade.versions();
    let kept = tokio::task::spawn_blocking(move || {
        old.stop();
        new.stop();
        upgrade.finish()
    });
    let kept = kept.await.map_err(|error| error.to_string())??;
    print(&format!(
        "upgraded from Postgres {from} to {to} in {:.1} s\nthe old data are in {}; delete them with: \
         dossier upgrade --delete-old\n",
        since.elapsed().as_secs_f64(),
        kept.display()
    ))
}

/// Copies every Dossier of the old Postgres into the new one, through a file.
async fn copy(upgrade: &Upgrade, old: &Postgres, new: &Postgres) -> Result<(), Failure> {
    let progress = Arc::new(Bars::default());
    let mut first = upgrade::connect(old, "public").await?;
    let schemas = upgrade::schemas(&mut first).await?;
    for left in upgrade::left_behind(&mut first).await? {
        tracing::warn!("not carried over: {left}; it stays in the old data");
    }
    first.close().await?;
    let file = upgrade.work().join("backup");
    for schema in schemas {
        let mut out = Output::to(&file, PRIVATE)?;
        let mut connection = upgrade::connect(old, &schema).await?;
        save::save(&mut connection, &mut out, &*progress).await?;
        connection.close().await?;
        out.finish()?;
        let mut connection = upgrade::connect(new, &schema).await?;
        let backup = Reader::open(&file, progress.clone())?;
        restore::restore(&mut connection, Some(&schema), backup, &*progress).await?;
        connection.close().await?;
        fs::remove_file(&file)?;
    }
    Ok(())
}
