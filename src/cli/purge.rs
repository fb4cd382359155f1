//! `dossier purge`.

use std::sync::Arc;

use clap::Args;

use crate::{
    cli::{Failure, configured, print, say_what_is_used},
    database::{Database, embedded::Create},
    engine::cache::{invalidation_log::InvalidationLog, tags},
    server::purge::Purge,
};

#[derive(Args)]
pub struct Arguments {
    /// Purge only responses that changes after this revision made stale.
    #[arg(long, value_name = "REVISION")]
    pub since: Option<i64>,
}

pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = configured()?;
    let Some(settings) = config.purge.clone() else {
        return Err(Failure::of_usage("PURGE_URL is not set: there is no cache to purge"));
    };
    let changed = match arguments.since {
        Some(revision) => {
            let database = Database::open_with(&config, Create::Never).await?;
            say_what_is_used(&database, &config);
            let mut connection = database.connect_without_timeout().await?;
            let changed = InvalidationLog::read_since(&mut connection, revision).await;
            database.close().await;
            changed?
        }
        None => None,
    };
    let tags = tags::stale(changed);
    let what = match &tags[..] {
        [] => "nothing has changed".to_owned(),
        [all] if all == tags::ALL => "purged all responses".to_owned(),
        tags => format!("purged the responses with {} tags", tags.len()),
    };
    Arc::new(Purge::new(settings)).send(&tags).await?;
    print(&format!("{what}\n"))
}
