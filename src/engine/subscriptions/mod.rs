//! The change feed: sends changes to subscribers as they are committed, on any server.
//!
//! ```text
//! commit ─ notification ─ one reader per server ─ subscribers' queues ─ responses
//!                         revisions → changes     bounded
//! ```
//!
//! Revision numbers are in commit order, so a reader that has read up to a number has missed nothing before it. So a
//! notification only says that there is something to read. A server after a silence, a client that reconnects and a
//! subscriber that falls behind all continue from the last number they know.

pub mod audience;
pub mod change;

use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use lru::LruCache;
use sqlx::Row;
use tokio::{
    sync::{Mutex as AsyncMutex, OnceCell, mpsc},
    task::JoinHandle,
};

pub use crate::engine::subscriptions::change::Change;
pub use crate::engine::subscriptions::change::Filter;
pub use crate::engine::subscriptions::change::fields;
pub use crate::engine::subscriptions::change::object_types;
use crate::{
    database::reader::Reader,
    engine::cache::revision_watcher::{Position, RevisionWatcher, Revisions},
    error::{ApiError, Code},
    model::Catalog,
    sync,
    telemetry::metrics::METRICS,
};

/// The size of a subscriber's queue. A subscriber that falls further behind continues from the log.
const QUEUE: usize = 256;
/// Revisions per statement.
const PAGE: i64 = 500;
/// Pages begin at multiples of this, so that subscribers which reconnect at similar revisions share them.
const PAGE_ALIGNMENT: i64 = 250;
/// Number of cached pages.
const CACHED_PAGES: NonZeroUsize = NonZeroUsize::new(8).unwrap();
/// The pause before the database is tried again.
const PAUSE: Duration = Duration::from_millis(250);

pub struct ChangeFeed {
    revisions: Arc<RevisionWatcher>,
    log: Arc<Log>,
    queues: Arc<Queues>,
    /// Publishes new changes; started by the first subscriber.
    publisher: OnceCell<Publisher>,
}

/// The revision log, read as changes.
struct Log {
    reader: Reader,
    catalog: &'static Catalog,
    statement: String,
    /// Recently read pages, by the history and the revision after which they begin. One subscriber reads at a time,
    /// so that those waiting find the page.
    pages: AsyncMutex<Pages>,
}

type Pages = LruCache<(u64, i64), Vec<Arc<Change>>>;

struct Publisher(JoinHandle<()>);

impl Drop for Publisher {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The subscribers' queues.
#[derive(Default)]
struct Queues(Mutex<Subscribers>);

#[derive(Default)]
struct Subscribers {
    /// The position of the last published change.
    last: Position,
    subscribers: Vec<Registration>,
}

struct Registration {
    filter: Arc<Filter>,
    queue: mpsc::Sender<Arc<Change>>,
}

impl Subscribers {
    fn queue(&mut self, filter: &Arc<Filter>) -> mpsc::Receiver<Arc<Change>> {
        let (queue, changes) = mpsc::channel(QUEUE);
        self.subscribers.push(Registration { filter: filter.clone(), queue });
        changes
    }
}

impl Queues {
    fn lock(&self) -> MutexGuard<'_, Subscribers> {
        sync::lock(&self.0)
    }

    /// A queue of all changes after a position, which is returned too.
    fn subscribe(&self, filter: &Arc<Filter>) -> (mpsc::Receiver<Arc<Change>>, Position) {
        let mut waiting = self.lock();
        (waiting.queue(filter), waiting.last)
    }

    /// A queue for a subscriber that has everything up to a position. If later changes were published, returns the
    /// position of the last one instead.
    fn subscribe_after(
        &self,
        filter: &Arc<Filter>,
        known: Position,
    ) -> Result<mpsc::Receiver<Arc<Change>>, Position> {
        let mut waiting = self.lock();
        let last = waiting.last;
        let is_current = last.history == known.history && last.revision <= known.revision;
        if is_current { Ok(waiting.queue(filter)) } else { Err(last) }
    }

    fn last(&self) -> Position {
        self.lock().last
    }

    /// Restarts at a position of another history. All subscriptions end.
    fn restart_at(&self, position: Position) {
        *self.lock() = Subscribers { last: position, subscribers: Vec::new() };
    }

    /// Publishes changes to the subscribers whose filters match. A full or closed queue is removed.
    fn publish(&self, changes: Vec<Change>) {
        let mut waiting = self.lock();
        for change in changes {
            waiting.last.revision = change.number;
            METRICS.feed_changes.inc();
            if let Some(lag) = change.lag() {
                METRICS.feed_lag.observe(lag);
            }
            let change = Arc::new(change);
            waiting.subscribers.retain(|subscriber| {
                !subscriber.filter.passes(&change) || subscriber.queue.try_send(change.clone()).is_ok()
            });
        }
        waiting.subscribers.retain(|subscriber| !subscriber.queue.is_closed());
    }
}

impl ChangeFeed {
    pub fn new(revisions: Arc<RevisionWatcher>, reader: Reader, catalog: &'static Catalog) -> Self {
        let (statement, pages) = (change::statement(catalog), AsyncMutex::new(LruCache::new(CACHED_PAGES)));
        let log = Log { reader, catalog, statement, pages };
        ChangeFeed { revisions, log: Arc::new(log), queues: Arc::default(), publisher: OnceCell::new() }
    }

    /// Subscribes to new changes that match a filter, or to all after a revision.
    pub async fn subscribe(
        self: &Arc<Self>,
        filter: Filter,
        since: Option<i64>,
    ) -> Result<Subscriber, ApiError> {
        self.publisher.get_or_try_init(|| self.publish()).await?;
        let filter = Arc::new(filter);
        let (after, queue) = match since {
            Some(since) => {
                self.check_since(since).await?;
                (Position { revision: since, ..self.queues.last() }, None)
            }
            None => {
                let (queue, last) = self.queues.subscribe(&filter);
                (last, Some(queue))
            }
        };
        let (feed, from_log) = (self.clone(), VecDeque::new());
        Ok(Subscriber { feed, filter, after, from_log, queue })
    }

    /// Refuses revisions that do not exist yet.
    async fn check_since(&self, since: i64) -> Result<(), ApiError> {
        if since <= self.queues.last().revision {
            return Ok(());
        }
        let last = self.log.last().await?;
        if since <= last {
            return Ok(());
        }
        let message = format!("Revision {since} does not exist yet; the current revision is {last}.");
        Err(ApiError::bad_input("since", message))
    }

    /// The number of subscribers.
    pub fn subscribers(&self) -> usize {
        self.queues.lock().subscribers.iter().filter(|subscriber| !subscriber.queue.is_closed()).count()
    }

    /// Starts to publish changes that are committed from now on.
    async fn publish(&self) -> Result<Publisher, ApiError> {
        let coming = self.revisions.follow();
        let last = Position { revision: self.log.last().await?, ..coming.now() };
        self.queues.restart_at(last);
        Ok(Publisher(tokio::spawn(publish(self.log.clone(), self.queues.clone(), coming, last))))
    }
}

/// Publishes changes as revisions are committed.
async fn publish(log: Arc<Log>, queues: Arc<Queues>, mut coming: Revisions, mut last: Position) {
    // Some revisions belong to no change, so the current one may be later than the last published one.
    let mut seen = last;
    loop {
        seen = coming.after(seen).await;
        if seen.history != last.history {
            last = seen;
            queues.restart_at(last);
        }
        loop {
            let changes = log.read(last.revision).await;
            let Some(newest) = changes.last() else { break };
            last.revision = newest.number;
            queues.publish(changes);
        }
    }
}

impl Log {
    async fn last(&self) -> Result<i64, ApiError> {
        let rows = self.reader.fetch("select coalesce(max(id), 0) from revisions", |query| query).await?;
        Ok(rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)?)
    }

    /// The next changes after a revision. Retries while they can't be read.
    async fn read(&self, after: i64) -> Vec<Change> {
        loop {
            match self.try_read(after).await {
                Ok(changes) => return changes,
                // The database layer has logged the cause.
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// The next changes after a position, from a page that subscribers share.
    async fn read_shared(&self, after: Position) -> Vec<Arc<Change>> {
        let start = after.revision - after.revision % PAGE_ALIGNMENT;
        let after_position = |page: &Vec<Arc<Change>>| {
            page.iter().filter(|change| change.number > after.revision).cloned().collect::<Vec<_>>()
        };
        let mut pages = self.pages.lock().await;
        let known = pages.get(&(after.history, start)).map(after_position);
        if let Some(known) = known.filter(|known| !known.is_empty()) {
            return known;
        }
        let page = self.read(start).await.into_iter().map(Arc::new).collect();
        let changes = after_position(&page);
        pages.put((after.history, start), page);
        changes
    }

    async fn try_read(&self, after: i64) -> Result<Vec<Change>, ApiError> {
        let rows = self.reader.fetch(&self.statement, |query| query.bind(after).bind(PAGE)).await?;
        Ok(rows.iter().map(|row| change::read(self.catalog, row)).collect::<Result<_, _>>()?)
    }
}

/// Yields each change that matches the filter once, in order.
pub struct Subscriber {
    feed: Arc<ChangeFeed>,
    filter: Arc<Filter>,
    /// The last revision that was yielded or skipped.
    after: Position,
    from_log: VecDeque<Arc<Change>>,
    /// The queue of new changes; none while older ones are read from the log.
    queue: Option<mpsc::Receiver<Arc<Change>>>,
}

impl Subscriber {
    /// Waits for the next change. Fails if the history was replaced.
    pub async fn next(&mut self) -> Result<Arc<Change>, ApiError> {
        loop {
            if let Some(change) = self.from_log.pop_front() {
                return Ok(change);
            }
            let Some(queue) = &mut self.queue else {
                self.read().await?;
                continue;
            };
            match queue.recv().await {
                Some(change) if change.number > self.after.revision => {
                    self.after.revision = change.number;
                    return Ok(change);
                }
                Some(_) => {}
                // The subscriber fell behind, or the history was replaced.
                None => self.queue = None,
            }
        }
    }

    /// Gets a queue if nothing older is left to read, otherwise reads on from the log.
    async fn read(&mut self) -> Result<(), ApiError> {
        let last = match self.feed.queues.subscribe_after(&self.filter, self.after) {
            Ok(queue) => {
                self.queue = Some(queue);
                return Ok(());
            }
            Err(last) => last,
        };
        if last.history != self.after.history {
            let message =
                "The database was restored and has a different history: subscribe again without `since`.";
            return Err(ApiError::new(Code::HistoryReplaced, message));
        }
        let changes = self.feed.log.read_shared(self.after).await;
        // If there are none, the revisions up to the last one belong to no change.
        self.after.revision = changes.last().map_or(last.revision, |newest| newest.number);
        self.from_log.extend(changes.into_iter().filter(|change| self.filter.passes(change)));
        Ok(())
    }
}
