//! The current revision of the base, as far as this server can know it.
//!
//! One connection listens for revisions. It is asked again and again whether it still is one: a server
//! that has not heard from the database lately doesn't know what others may have changed, and says so.

use std::time::{Duration, Instant};

use sqlx::{Row, postgres::PgListener};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use crate::database::Database;

/// Where the database says that revisions were made.
const CHANNEL: &str = "dossier_revisions";
/// How long what was heard holds.
const HOLDS: Duration = Duration::from_secs(1);
/// How long the connection may be silent before it is asked, and how long it may take to answer.
const SILENCE: Duration = Duration::from_millis(300);
const WELL: Duration = Duration::from_millis(500);
/// How long to wait before the database is tried again.
const PAUSE: Duration = Duration::from_millis(250);

/// What the base's last revision is.
pub struct Current {
    database: Database,
    known: watch::Sender<Known>,
    listening: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    revision: i64,
    /// When it was sure that no later one was there; none while it can't be.
    at: Option<Instant>,
}

impl Drop for Current {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Current {
    /// Begins to listen.
    pub fn follow(database: Database) -> Self {
        let known = watch::Sender::new(Known { revision: 0, at: None });
        let listening = tokio::spawn(listen(database.clone(), known.clone()));
        Current { database, known, listening }
    }

    /// The last revision; none while it can't be known.
    pub fn revision(&self) -> Option<i64> {
        let known = *self.known.borrow();
        known.at.is_some_and(|at| at.elapsed() < HOLDS).then_some(known.revision)
    }

    /// Looks at the base itself: what was changed here must be known before it is acknowledged.
    pub async fn look(&self) {
        let last = sqlx::query_scalar("select coalesce(max(id), 0) from revisions");
        match last.fetch_one(self.database.pool()).await {
            Ok(revision) => tell(&self.known, revision, None),
            Err(_) => self.known.send_modify(|known| known.at = None),
        }
    }
}

async fn listen(database: Database, known: watch::Sender<Known>) {
    loop {
        if let Ok(Ok(mut listener)) = timeout(WELL * 4, database.listen(CHANNEL)).await {
            let Err(error) = hear(&mut listener, &known).await;
            tracing::warn!(%error, "the connection that listens for revisions was lost");
        }
        known.send_modify(|known| known.at = None);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Asks for the last revision whenever there is one to hear of, and when there was none for a while.
async fn hear(
    listener: &mut PgListener,
    known: &watch::Sender<Known>,
) -> Result<std::convert::Infallible, sqlx::Error> {
    loop {
        let asked_at = Instant::now();
        let last = sqlx::query("select coalesce(max(id), 0) from revisions").fetch_one(&mut *listener);
        let last = timeout(WELL, last).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
        tell(known, last.try_get(0)?, Some(asked_at));
        // What was heard before the answer is in it.
        while listener.next_buffered().is_some() {}
        match timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(_))) | Err(_) => {}
            Ok(Ok(None)) => return Err(sqlx::Error::PoolClosed),
            Ok(Err(error)) => return Err(error),
        }
    }
}

/// Revisions only grow, in whatever order one hears of them.
fn tell(known: &watch::Sender<Known>, revision: i64, at: Option<Instant>) {
    known.send_modify(|known| {
        known.revision = known.revision.max(revision);
        known.at = at.or(known.at);
    });
}
