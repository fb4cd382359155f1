//! The current revision, as far as the server can know it.
//!
//! One connection listens for notifications, and is checked at intervals: a server that has not heard from the
//! database recently does not know of all changes, so the revision is unknown.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use sqlx::postgres::PgListener;
use tokio::{sync::watch, task::JoinHandle, time::timeout};

pub use crate::engine::cache::invalidation_log::Position;
use crate::{
    database::{Database, connections::Share},
    engine::cache::{
        dependencies::{CacheTag, Dependencies},
        invalidation_log::InvalidationLog,
    },
    telemetry::outage,
};

/// The channel of the database's notifications.
const CHANNEL: &str = "revisions";
/// How long the current revision is known after a check.
const VALID_FOR: Duration = Duration::from_secs(1);
/// Timeout for starting to listen.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a mutation may wait until the server knows its own revision.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause before the database is tried again.
const PAUSE: Duration = Duration::from_millis(250);

/// How often the connection is checked while it is silent, and the timeout of a check.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    check_interval: Duration,
    check_timeout: Duration,
}

impl Watch {
    /// For the cache: the current revision is known without gaps.
    pub const FOR_CACHE: Watch =
        Watch { check_interval: Duration::from_millis(300), check_timeout: Duration::from_millis(500) };
    /// For subscriptions alone: changes are noticed eventually.
    pub const FOR_SUBSCRIPTIONS: Watch =
        Watch { check_interval: Duration::from_mins(1), check_timeout: Duration::from_secs(10) };
}

pub struct RevisionWatcher {
    database: Database,
    watch: Watch,
    current: watch::Sender<Current>,
    log: Arc<InvalidationLog>,
    /// Started by the first user.
    listening: OnceLock<JoinHandle<()>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Current {
    position: Position,
    /// When it was last certain to be current; none while unknown.
    checked_at: Option<Instant>,
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
        let current = watch::Sender::new(Current::default());
        RevisionWatcher { database, watch, current, log: Arc::default(), listening: OnceLock::new() }
    }

    /// Starts to listen, if it does not yet.
    pub fn follow(&self) -> Revisions {
        self.listening.get_or_init(|| {
            let (database, current, log) = (self.database.clone(), self.current.clone(), self.log.clone());
            tokio::spawn(listen(database, current, log, self.watch))
        });
        Revisions(self.current.subscribe())
    }

    /// The current position; none while unknown.
    pub fn position(&self) -> Option<Position> {
        let current = *self.current.borrow();
        current
            .checked_at
            .is_some_and(|checked_at| checked_at.elapsed() < VALID_FOR)
            .then_some(current.position)
    }

    /// The current revision; none while unknown.
    pub fn revision(&self) -> Option<i64> {
        self.position().map(|position| position.revision)
    }

    /// Reads the revisions now: the server must know its own changes before it acknowledges them.
    pub async fn refresh(&self) {
        if !matches!(timeout(REFRESH_TIMEOUT, self.read_all()).await, Ok(Ok(()))) {
            self.current.send_modify(|current| current.checked_at = None);
        }
    }

    async fn read_all(&self) -> Result<(), sqlx::Error> {
        loop {
            let (position, is_last) = self.read_next().await?;
            publish(&self.current, position, None);
            if is_last {
                return Ok(());
            }
        }
    }

    /// Reads the next page of revisions from the primary.
    async fn read_next(&self) -> Result<(Position, bool), sqlx::Error> {
        let mut attempts = self.database.writers().attempts(&Share::OWN).await;
        loop {
            let mut connection = attempts.next().await?;
            match self.log.read_next(&mut *connection).await {
                Ok(seen) => {
                    connection.release();
                    return Ok(seen);
                }
                Err(error) => attempts.retry_or_fail(connection, error)?,
            }
        }
    }

    /// Whether dependencies are unchanged since a revision, up to the last one that is known.
    pub fn is_unchanged(&self, dependencies: &Dependencies, since: i64) -> bool {
        self.log.is_unchanged(dependencies, since)
    }

    /// The tags of all rows that changed after a position; none if that is not known.
    pub fn changed_since(&self, position: Position) -> Option<Vec<CacheTag>> {
        self.log.changed_since(position)
    }
}

pub struct Revisions(watch::Receiver<Current>);

impl Revisions {
    /// The last known position.
    pub fn now(&self) -> Position {
        self.0.borrow().position
    }

    /// Waits for a later position, or one of another history.
    pub async fn after(&mut self, seen: Position) -> Position {
        let is_later = |current: &Current| {
            let Current { position, .. } = current;
            position.history != seen.history || position.revision > seen.revision
        };
        let later = self.0.wait_for(is_later).await.map(|current| current.position);
        match later {
            Ok(later) => later,
            // The watcher is gone: the server is shutting down.
            Err(_) => std::future::pending().await,
        }
    }
}

async fn listen(
    database: Database,
    current: watch::Sender<Current>,
    log: Arc<InvalidationLog>,
    watch: Watch,
) {
    loop {
        if let Ok(Ok(mut listener)) = timeout(LISTEN_TIMEOUT, database.listen(CHANNEL)).await {
            let Err(error) = watch_notifications(&mut listener, &current, &log, watch).await;
            outage::LISTENING.met(&error);
        }
        current.send_modify(|current| current.checked_at = None);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Reads revisions after each notification, and after a silence.
async fn watch_notifications(
    listener: &mut PgListener,
    current: &watch::Sender<Current>,
    log: &InvalidationLog,
    watch: Watch,
) -> Result<std::convert::Infallible, sqlx::Error> {
    loop {
        let started_at = Instant::now();
        let read = timeout(watch.check_timeout, log.read_next(&mut *listener)).await;
        let (position, is_last) = read.map_err(|_| sqlx::Error::PoolTimedOut)??;
        outage::LISTENING.over();
        publish(current, position, is_last.then_some(started_at));
        if !is_last {
            continue;
        }
        // Earlier notifications are included in what was just read.
        while listener.next_buffered().is_some() {}
        match timeout(watch.check_interval, listener.try_recv()).await {
            Ok(Ok(Some(_))) | Err(_) => {}
            Ok(Ok(None)) => return Err(sqlx::Error::PoolClosed),
            Ok(Err(error)) => return Err(error),
        }
    }
}

/// Revisions of a history only grow, in whatever order they are reported.
fn publish(current: &watch::Sender<Current>, position: Position, checked_at: Option<Instant>) {
    current.send_modify(|current| {
        if position.history < current.position.history {
            return;
        }
        if position.history > current.position.history {
            *current = Current { position, checked_at: None };
        }
        current.position.revision = current.position.revision.max(position.revision);
        current.checked_at = checked_at.or(current.checked_at);
    });
}
