//! The feed: changes told to their subscribers as they are made, at whatever server.
//!
//! ```text
//! commit ─ notification ─ one reader for the server ─ subscribers' places ─ what each asks
//!          `current`      revisions → changes, once    bounded
//! ```
//!
//! The database numbers revisions in the order of commits, so whoever has read up to a number has missed
//! nothing before it. Everything follows from that: a notification only says that there is something to
//! read; a server that heard nothing for a while, a client that comes back and one that fell behind all
//! read on from the last number they know.

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
    engine::cache::revision_watcher::{Coming, Position, RevisionWatcher},
    error::{ApiError, Code},
    model::Catalog,
    sync,
    telemetry::metrics::METRICS,
};

/// Changes that wait for one subscriber at most; whoever falls further behind reads on from the log.
const WAITING: usize = 256;
/// Revisions read at once.
const PAGE: i64 = 500;
/// Followers who come back from about the same revision read the same pages: a page begins at a multiple of this.
const ALIGNED: i64 = 250;
/// Pages kept for them.
const PAGES: NonZeroUsize = NonZeroUsize::new(8).unwrap();
/// How long to wait before the database is tried again.
const PAUSE: Duration = Duration::from_millis(250);

/// Tells the changes of the base.
pub struct ChangeFeed {
    current: Arc<RevisionWatcher>,
    log: Arc<Log>,
    places: Arc<Places>,
    /// Tells what comes, from the first subscriber on.
    telling: OnceCell<Telling>,
}

/// The revisions as changes.
struct Log {
    reader: Reader,
    catalog: &'static Catalog,
    statement: String,
    /// Pages that were read lately, by the history and the revision that they begin behind. One follower reads
    /// at a time; those who wait meanwhile take what was read.
    pages: AsyncMutex<Pages>,
}

type Pages = LruCache<(u64, i64), Vec<Arc<Change>>>;

struct Telling(JoinHandle<()>);

impl Drop for Telling {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Where subscribers wait.
#[derive(Default)]
struct Places(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    /// The last revision that was told, and the history that it is of.
    last: Position,
    subscribers: Vec<Registration>,
}

struct Registration {
    filter: Arc<Filter>,
    place: mpsc::Sender<Arc<Change>>,
}

impl Waiting {
    fn place(&mut self, filter: &Arc<Filter>) -> mpsc::Receiver<Arc<Change>> {
        let (place, changes) = mpsc::channel(WAITING);
        self.subscribers.push(Registration { filter: filter.clone(), place });
        changes
    }
}

impl Places {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        sync::lock(&self.0)
    }

    /// A place in which every change is told that comes behind a position, which is told with it.
    fn take(&self, filter: &Arc<Filter>) -> (mpsc::Receiver<Arc<Change>>, Position) {
        let mut waiting = self.lock();
        (waiting.place(filter), waiting.last)
    }

    /// A place for one who knows all until a position. Where more was told than that there is none, but the
    /// position until which it was.
    fn take_after(
        &self,
        filter: &Arc<Filter>,
        known: Position,
    ) -> Result<mpsc::Receiver<Arc<Change>>, Position> {
        let mut waiting = self.lock();
        let last = waiting.last;
        let knows_all = last.history == known.history && last.revision <= known.revision;
        if knows_all { Ok(waiting.place(filter)) } else { Err(last) }
    }

    fn last(&self) -> Position {
        self.lock().last
    }

    /// Begins at a revision of another history. Nobody who followed the old one goes on.
    fn begin_at(&self, position: Position) {
        *self.lock() = Waiting { last: position, subscribers: Vec::new() };
    }

    /// Tells changes to those who want them. Whose place is full or left loses it.
    fn tell(&self, changes: Vec<Change>) {
        let mut waiting = self.lock();
        for change in changes {
            waiting.last.revision = change.number;
            METRICS.feed_changes.inc();
            if let Some(lag) = change.lag() {
                METRICS.feed_lag.observe(lag);
            }
            let change = Arc::new(change);
            waiting.subscribers.retain(|subscriber| {
                !subscriber.filter.passes(&change) || subscriber.place.try_send(change.clone()).is_ok()
            });
        }
        waiting.subscribers.retain(|subscriber| !subscriber.place.is_closed());
    }
}

impl ChangeFeed {
    pub fn new(current: Arc<RevisionWatcher>, reader: Reader, catalog: &'static Catalog) -> Self {
        let (statement, pages) = (change::statement(catalog), AsyncMutex::new(LruCache::new(PAGES)));
        let log = Log { reader, catalog, statement, pages };
        ChangeFeed { current, log: Arc::new(log), places: Arc::default(), telling: OnceCell::new() }
    }

    /// Changes that pass a filter: those that come, or all behind a revision.
    pub async fn follow(
        self: &Arc<Self>,
        filter: Filter,
        since: Option<i64>,
    ) -> Result<Subscriber, ApiError> {
        self.telling.get_or_try_init(|| self.tell()).await?;
        let filter = Arc::new(filter);
        let (after, place) = match since {
            Some(since) => {
                self.check_since(since).await?;
                (Position { revision: since, ..self.places.last() }, None)
            }
            None => {
                let (place, last) = self.places.take(&filter);
                (last, Some(place))
            }
        };
        let (feed, from_log) = (self.clone(), VecDeque::new());
        Ok(Subscriber { feed, filter, after, from_log, place })
    }

    /// Refuses a revision that is yet to come.
    async fn check_since(&self, since: i64) -> Result<(), ApiError> {
        if since <= self.places.last().revision {
            return Ok(());
        }
        let last = self.log.last().await?;
        if since <= last {
            return Ok(());
        }
        let message = format!("Revision {since} does not exist yet; the current revision is {last}.");
        Err(ApiError::bad_input("since", message))
    }

    /// How many are told of changes as they come.
    pub fn subscribers(&self) -> usize {
        self.places.lock().subscribers.iter().filter(|subscriber| !subscriber.place.is_closed()).count()
    }

    /// Begins to tell: what is committed from now on comes to those who wait for it.
    async fn tell(&self) -> Result<Telling, ApiError> {
        let coming = self.current.follow();
        let last = Position { revision: self.log.last().await?, ..coming.now() };
        self.places.begin_at(last);
        Ok(Telling(tokio::spawn(tell(self.log.clone(), self.places.clone(), coming, last))))
    }
}

/// Reads revisions as they come and tells them.
async fn tell(log: Arc<Log>, places: Arc<Places>, mut coming: Coming, mut last: Position) {
    // Not every revision is told, so the last that there is may be later than the last that was told.
    let mut seen = last;
    loop {
        seen = coming.after(seen).await;
        if seen.history != last.history {
            last = seen;
            places.begin_at(last);
        }
        loop {
            let changes = log.read(last.revision).await;
            let Some(newest) = changes.last() else { break };
            last.revision = newest.number;
            places.tell(changes);
        }
    }
}

impl Log {
    /// The last revision.
    async fn last(&self) -> Result<i64, ApiError> {
        let rows = self.reader.fetch("select coalesce(max(id), 0) from revisions", |query| query).await?;
        Ok(rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)?)
    }

    /// Changes behind a revision, some at a time; while they can't be read, they are waited for.
    async fn read(&self, after: i64) -> Vec<Change> {
        loop {
            match self.try_read(after).await {
                Ok(changes) => return changes,
                // Its cause has been logged.
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// The changes behind a position, some at a time, from a page that is shared with others who read there.
    async fn read_shared(&self, after: Position) -> Vec<Arc<Change>> {
        let start = after.revision - after.revision % ALIGNED;
        let behind = |page: &Vec<Arc<Change>>| {
            page.iter().filter(|change| change.number > after.revision).cloned().collect::<Vec<_>>()
        };
        let mut pages = self.pages.lock().await;
        let known = pages.get(&(after.history, start)).map(behind);
        if let Some(known) = known.filter(|known| !known.is_empty()) {
            return known;
        }
        let page = self.read(start).await.into_iter().map(Arc::new).collect();
        let changes = behind(&page);
        pages.put((after.history, start), page);
        changes
    }

    async fn try_read(&self, after: i64) -> Result<Vec<Change>, ApiError> {
        let rows = self.reader.fetch(&self.statement, |query| query.bind(after).bind(PAGE)).await?;
        Ok(rows.iter().map(|row| change::read(self.catalog, row)).collect::<Result<_, _>>()?)
    }
}

/// One who follows the feed: each change that passes, once, in order.
pub struct Subscriber {
    feed: Arc<ChangeFeed>,
    filter: Arc<Filter>,
    /// The last revision that was told, or passed over.
    after: Position,
    from_log: VecDeque<Arc<Change>>,
    /// Where changes wait that come from now on; none while older ones are still to be read from the log.
    place: Option<mpsc::Receiver<Arc<Change>>>,
}

impl Subscriber {
    /// The next change; it is waited for as long as it takes. Where the history was replaced there is none.
    pub async fn next(&mut self) -> Result<Arc<Change>, ApiError> {
        loop {
            if let Some(change) = self.from_log.pop_front() {
                return Ok(change);
            }
            let Some(place) = &mut self.place else {
                self.read().await?;
                continue;
            };
            match place.recv().await {
                Some(change) if change.number > self.after.revision => {
                    self.after.revision = change.number;
                    return Ok(change);
                }
                Some(_) => {}
                // It fell behind and lost its place, or the history was replaced.
                None => self.place = None,
            }
        }
    }

    /// Takes a place where nothing older is left to be read, else reads on from the log.
    async fn read(&mut self) -> Result<(), ApiError> {
        let last = match self.feed.places.take_after(&self.filter, self.after) {
            Ok(place) => {
                self.place = Some(place);
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
        // Where there is none, nothing was told of the revisions until the last.
        self.after.revision = changes.last().map_or(last.revision, |newest| newest.number);
        self.from_log.extend(changes.into_iter().filter(|change| self.filter.passes(change)));
        Ok(())
    }
}
