//! The current revision, as far as the server can know it.
//!
//! One connection listens for notifications, and is checked at intervals: a server that has not heard from the
//! database recently does not know of all changes, so the revision is unknown. A server without a writer asks its
//! replicas, because standbys send no notifications.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use sqlx::postgres::PgListener;
use tokio::{
    sync::{Mutex, watch},
    task::JoinHandle,
    time::timeout,
};

pub use crate::engine::cache::invalidation_log::Position;
use crate::{
    database::{
        Database,
        connections::{Connections, Share},
        replicas::{Freshness, Replicas},
    },
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
/// How often replicas are asked for changes where there is no writer.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// How long no replica may have the last known revision before their history counts as another one.
const MISSING_FOR: Duration = Duration::from_mins(1);

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
    /// Requests that name a later revision wait for one that reads.
    catching_up: Mutex<()>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Current {
    position: Position,
    /// When it was last certain to be current; none while unknown.
    checked_at: Option<Instant>,
    /// Whether the database could not be reached the last time.
    lost: bool,
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
        RevisionWatcher {
            database,
            watch,
            current,
            log: Arc::default(),
            listening: OnceLock::new(),
            catching_up: Mutex::default(),
        }
    }

    /// Starts to listen, if it does not yet.
    pub fn follow(&self) -> Revisions {
        self.listening.get_or_init(|| {
            let (database, current, log) = (self.database.clone(), self.current.clone(), self.log.clone());
            let watch = self.watch;
            tokio::spawn(async move {
                if database.replicas().are_alone() {
                    poll(database.replicas(), &current, &log).await;
                } else {
                    listen(database, current, log, watch).await;
                }
            })
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

    /// How new a query's data must be that names no revision, where this is the current position: as new as every
    /// change that this server knows of.
    pub fn freshness(&self, position: Option<Position>) -> Freshness {
        if let Some(Position { history, revision }) = position {
            return Freshness::AtLeast { history, revision, named: false };
        }
        let Current { position: Position { revision, .. }, lost, .. } = *self.current.borrow();
        if self.database.replicas().are_alone() {
            // What there is, even if the newest replica is gone.
            Freshness::Newest { revision: 0 }
        } else if lost {
            Freshness::Newest { revision }
        } else {
            Freshness::Current { revision }
        }
    }

    /// The last known position, which may not be current.
    pub fn last(&self) -> Position {
        self.current.borrow().position
    }

    /// Reads the revisions now: the server must know its own changes before it acknowledges them. Returns whether it
    /// could.
    pub async fn refresh(&self) -> bool {
        let is_read = matches!(timeout(REFRESH_TIMEOUT, self.read_all()).await, Ok(Ok(())));
        if !is_read {
            self.current.send_modify(|current| current.checked_at = None);
        }
        is_read
    }

    /// Reads the revisions, unless another request that waited has read so far. Returns whether it could; a failure
    /// says nothing of what the server knows otherwise.
    pub async fn catch_up(&self, revision: i64) -> bool {
        let read = async {
            let _turn = self.catching_up.lock().await;
            if self.last().revision >= revision { Ok(()) } else { self.read_all().await }
        };
        matches!(timeout(REFRESH_TIMEOUT, read).await, Ok(Ok(())))
    }

    async fn read_all(&self) -> Result<(), sqlx::Error> {
        loop {
            let (position, is_last) = self.read_next().await?;
            publish(&self.current, position, None);
            expect(&self.log, self.database.replicas());
            if is_last {
                return Ok(());
            }
        }
    }

    /// Reads the next page of revisions from the writer, or where there is none from the newest replica.
    async fn read_next(&self) -> Result<(Position, bool), sqlx::Error> {
        let replicas = self.database.replicas();
        if !replicas.are_alone() {
            return read_next(&self.log, self.database.writers()).await;
        }
        let known = self.log.mark().map_or(0, |mark| mark.revision);
        let newest = replicas.newest(known, None).ok_or(sqlx::Error::PoolTimedOut)?;
        read_next(&self.log, newest.connections()).await
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
            let replicas = database.replicas();
            let Err(error) = watch_notifications(&mut listener, &current, &log, replicas, watch).await;
            outage::LISTENING.met(&error);
            current.send_modify(|current| current.checked_at = None);
        } else {
            current.send_modify(|current| (current.checked_at, current.lost) = (None, true));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Reads revisions at intervals from the newest replica.
async fn poll(replicas: &Replicas, current: &watch::Sender<Current>, log: &InvalidationLog) {
    let mut seen_at = Instant::now();
    loop {
        let known = log.mark().map_or(0, |mark| mark.revision);
        // A standby that lacks the last known revision lags, unless all of them go on lacking it.
        let needed = if seen_at.elapsed() < MISSING_FOR { known } else { 0 };
        let started_at = Instant::now();
        let mut is_last = true;
        if let Some(newest) = replicas.newest(needed, None)
            && let Ok(Ok((position, last))) =
                timeout(LISTEN_TIMEOUT, read_next(log, newest.connections())).await
        {
            (seen_at, is_last) = (started_at, last);
            publish(current, position, last.then_some(started_at));
            expect(log, replicas);
        }
        if is_last {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

async fn read_next(log: &InvalidationLog, from: &Connections) -> Result<(Position, bool), sqlx::Error> {
    let mut attempts = from.attempts(&Share::OWN).await;
    loop {
        let mut connection = attempts.next().await?;
        match log.read_next(&mut *connection).await {
            Ok(seen) => {
                connection.release().await;
                return Ok(seen);
            }
            Err(error) => attempts.retry_or_fail(connection, error)?,
        }
    }
}

/// Tells the replicas of the last revision.
fn expect(log: &InvalidationLog, replicas: &Replicas) {
    if let Some(mark) = log.mark().filter(|_| !replicas.is_empty()) {
        replicas.expect(mark);
    }
}

/// Reads revisions after each notification, and after a silence.
async fn watch_notifications(
    listener: &mut PgListener,
    current: &watch::Sender<Current>,
    log: &InvalidationLog,
    replicas: &Replicas,
    watch: Watch,
) -> Result<std::convert::Infallible, sqlx::Error> {
    loop {
        let started_at = Instant::now();
        let read = timeout(watch.check_timeout, log.read_next(&mut *listener)).await;
        let (position, is_last) = read.map_err(|_| sqlx::Error::PoolTimedOut)??;
        outage::LISTENING.over();
        publish(current, position, is_last.then_some(started_at));
        expect(log, replicas);
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
            *current = Current { position, checked_at: None, lost: false };
        }
        current.lost = false;
        current.position.revision = current.position.revision.max(position.revision);
        current.checked_at = checked_at.or(current.checked_at);
    });
}
