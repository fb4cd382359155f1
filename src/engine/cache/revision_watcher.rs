//! The current revision of the base, as far as this server can know it.
//!
//! One connection listens for revisions, for all who want to know. It is asked again and again whether it
//! still is one: a server that has not heard from the database lately doesn't know what others may have
//! changed, and says so.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use sqlx::postgres::PgListener;
use tokio::{sync::watch, task::JoinHandle, time::timeout};

pub use crate::engine::cache::invalidation_log::Position;
use crate::{
    database::{Database, connections::Share},
    engine::cache::{dependencies::Dependencies, invalidation_log::InvalidationLog},
};

/// Where the database says that revisions were made.
const CHANNEL: &str = "revisions";
/// How long what was heard holds.
const HOLDS: Duration = Duration::from_secs(1);
/// How long it may take to begin to listen.
const BEGIN: Duration = Duration::from_secs(2);
/// How long an answer to a mutation may wait for a look at what it changed.
const LOOK: Duration = Duration::from_secs(5);
/// How long to wait before the database is tried again.
const PAUSE: Duration = Duration::from_millis(250);

/// How closely the connection is watched: how long it may be silent before it is asked whether it is still
/// there, and how long it may take to say so.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    silence: Duration,
    well: Duration,
}

impl Watch {
    /// What is known of the revision holds without a gap.
    pub const CLOSE: Watch = Watch { silence: Duration::from_millis(300), well: Duration::from_millis(500) };
    /// What happens is heard of in the end.
    pub const CALM: Watch = Watch { silence: Duration::from_mins(1), well: Duration::from_secs(10) };
}

/// What the base's last revision is.
pub struct RevisionWatcher {
    database: Database,
    watch: Watch,
    known: watch::Sender<Known>,
    changed: Arc<InvalidationLog>,
    /// Begun by the first who wants to know.
    listening: OnceLock<JoinHandle<()>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    position: Position,
    /// When it was sure that no later one was there; none while it can't be.
    at: Option<Instant>,
}

impl Drop for RevisionWatcher {
    fn drop(&mut self) {
        if let Some(listening) = self.listening.get() {
            listening.abort();
        }
    }
}

impl RevisionWatcher {
    pub fn new(database: Database, watch: Watch) -> Self {
        let known = watch::Sender::new(Known::default());
        RevisionWatcher { database, watch, known, changed: Arc::default(), listening: OnceLock::new() }
    }

    /// Begins to listen, unless it does already; what it gives waits for revisions.
    pub fn follow(&self) -> Coming {
        self.listening.get_or_init(|| {
            let (database, known, changed) =
                (self.database.clone(), self.known.clone(), self.changed.clone());
            tokio::spawn(listen(database, known, changed, self.watch))
        });
        Coming(self.known.subscribe())
    }

    /// The last revision; none while it can't be known.
    pub fn position(&self) -> Option<Position> {
        let known = *self.known.borrow();
        known.at.is_some_and(|at| at.elapsed() < HOLDS).then_some(known.position)
    }

    /// The number of the last revision; none while it can't be known.
    pub fn revision(&self) -> Option<i64> {
        self.position().map(|position| position.revision)
    }

    /// Looks at the base itself: what was changed here must be known before it is acknowledged.
    pub async fn look(&self) {
        if !matches!(timeout(LOOK, self.look_to_the_end()).await, Ok(Ok(()))) {
            self.known.send_modify(|known| known.at = None);
        }
    }

    async fn look_to_the_end(&self) -> Result<(), sqlx::Error> {
        loop {
            let (position, is_last) = self.look_on().await?;
            tell(&self.known, position, None);
            if is_last {
                return Ok(());
            }
        }
    }

    /// Goes through the next page of revisions, where changes are made.
    async fn look_on(&self) -> Result<(Position, bool), sqlx::Error> {
        let mut attempts = self.database.writers().attempts(&Share::OWN).await;
        loop {
            let mut connection = attempts.next().await?;
            match self.changed.look(&mut *connection).await {
                Ok(seen) => {
                    connection.release();
                    return Ok(seen);
                }
                Err(error) => attempts.retry_or_fail(connection, error)?,
            }
        }
    }

    /// Whether what something rests on was left as it was since a revision, up to the last that is known.
    pub fn leaves(&self, dependencies: &Dependencies, since: i64) -> bool {
        self.changed.leaves(dependencies, since)
    }
}

/// Waits for revisions.
pub struct Coming(watch::Receiver<Known>);

impl Coming {
    /// The last position that is known.
    pub fn now(&self) -> Position {
        self.0.borrow().position
    }

    /// The last position, once it is a later one than this, or one of another history.
    pub async fn after(&mut self, seen: Position) -> Position {
        let is_news = |known: &Known| {
            let Known { position, .. } = known;
            position.history != seen.history || position.revision > seen.revision
        };
        let later = self.0.wait_for(is_news).await.map(|known| known.position);
        match later {
            Ok(later) => later,
            // The server ends, and there is nobody left to wait for.
            Err(_) => std::future::pending().await,
        }
    }
}

async fn listen(
    database: Database,
    known: watch::Sender<Known>,
    changed: Arc<InvalidationLog>,
    watch: Watch,
) {
    loop {
        if let Ok(Ok(mut listener)) = timeout(BEGIN, database.listen(CHANNEL)).await {
            let Err(error) = hear(&mut listener, &known, &changed, watch).await;
            tracing::warn!(%error, "lost the connection that listens for revisions");
        }
        known.send_modify(|known| known.at = None);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Looks whenever there is a revision to hear of, and when there was none for a while.
async fn hear(
    listener: &mut PgListener,
    known: &watch::Sender<Known>,
    changed: &InvalidationLog,
    watch: Watch,
) -> Result<std::convert::Infallible, sqlx::Error> {
    loop {
        let asked_at = Instant::now();
        let look = timeout(watch.well, changed.look(&mut *listener)).await;
        let (position, is_last) = look.map_err(|_| sqlx::Error::PoolTimedOut)??;
        tell(known, position, is_last.then_some(asked_at));
        if !is_last {
            continue;
        }
        // What was heard before the answer is in it.
        while listener.next_buffered().is_some() {}
        match timeout(watch.silence, listener.try_recv()).await {
            Ok(Ok(Some(_))) | Err(_) => {}
            Ok(Ok(None)) => return Err(sqlx::Error::PoolClosed),
            Ok(Err(error)) => return Err(error),
        }
    }
}

/// Within a history revisions only grow, in whatever order one hears of them.
fn tell(known: &watch::Sender<Known>, position: Position, at: Option<Instant>) {
    known.send_modify(|known| {
        if position.history < known.position.history {
            return;
        }
        if position.history > known.position.history {
            *known = Known { position, at: None };
        }
        known.position.revision = known.position.revision.max(position.revision);
        known.at = at.or(known.at);
    });
}
