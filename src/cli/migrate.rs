//! `dossier migrate`.

use clap::Args;

use crate::{
    cli::{Failure, configured, print, say_what_is_used},
    database::{Database, embedded::Create},
};

#[derive(Args)]
pub struct Arguments {
    /// Print the pending migrations without applying them.
    #[arg(long)]
    pub dry_run: bool,
    /// Migrate even if the database contains tables of another program.
    #[arg(long)]
    pub yes: bool,
    /// Afterwards rebuild the indexes of texts, whose order may have changed with the operating system. Servers go on.
    #[arg(long, conflicts_with = "dry_run")]
    pub reindex: bool,
}

pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { dry_run, yes, reindex } = *arguments;
    let config = configured()?;
    let create = if dry_run { Create::Never } else { Create::IfNew };
    let database = Database::open_with(&config, create).await?;
    say_what_is_used(&database, &config);
    let migrated = async {
        let (verb, migrations) = if dry_run {
            ("to apply", database.pending_migrations(yes).await?)
        } else {
            ("applied", database.migrate_shared(yes).await?)
        };
        let mut lines: Vec<String> =
            migrations.iter().map(|migration| format!("{verb}: {migration}")).collect();
        if lines.is_empty() {
            lines.push("nothing to apply".to_owned());
        }
        if reindex {
            lines.push(format!("rebuilt {} indexes", database.reindex().await?));
        }
        print(&format!("{}\n", lines.join("\n")))
    };
    let migrated = migrated.await;
    database.close().await;
    migrated
}
