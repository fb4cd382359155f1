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

mod change;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use sqlx::Row;
use tokio::{
    sync::{OnceCell, mpsc},
    task::JoinHandle,
};

pub use self::change::{Change, Filter, fields, nouns};
use crate::{
    current::{Coming, Current},
    error::{Code, Refusal},
    query::{catalog::Catalog, reader::Reader},
    sync,
};

/// Changes that wait for one subscriber at most; whoever falls further behind reads on from the log.
const WAITING: usize = 256;
/// Changes read at once.
const PAGE: i64 = 500;
/// How long to wait before the database is tried again.
const PAUSE: Duration = Duration::from_millis(250);

/// Tells the changes of the base.
pub struct Feed {
    current: Arc<Current>,
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
}

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
    /// The last revision that was told.
    last: i64,
    subscribers: Vec<Subscriber>,
}

struct Subscriber {
    filter: Arc<Filter>,
    place: mpsc::Sender<Arc<Change>>,
}

impl Places {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        sync::lock(&self.0)
    }

    /// A place in which every change is told that comes behind a revision, which is told with it.
    fn take(&self, filter: &Arc<Filter>) -> (mpsc::Receiver<Arc<Change>>, i64) {
        let (place, changes) = mpsc::channel(WAITING);
        let mut waiting = self.lock();
        waiting.subscribers.push(Subscriber { filter: filter.clone(), place });
        (changes, waiting.last)
    }

    /// Tells changes to those who want them. Whose place is full or left loses it.
    fn tell(&self, changes: Vec<Change>) {
        let mut waiting = self.lock();
        for change in changes {
            waiting.last = change.number;
            let change = Arc::new(change);
            waiting.subscribers.retain(|subscriber| {
                !subscriber.filter.passes(&change) || subscriber.place.try_send(change.clone()).is_ok()
            });
        }
        waiting.subscribers.retain(|subscriber| !subscriber.place.is_closed());
    }
}

impl Feed {
    pub fn new(current: Arc<Current>, reader: Reader, catalog: &'static Catalog) -> Self {
        let log = Log { reader, catalog, statement: change::statement(catalog) };
        Feed { current, log: Arc::new(log), places: Arc::default(), telling: OnceCell::new() }
    }

    /// Changes that pass a filter: those that come, or all behind a revision.
    pub async fn follow(self: &Arc<Self>, filter: Filter, since: Option<i64>) -> Result<Follower, Refusal> {
        self.telling.get_or_try_init(|| self.tell()).await?;
        let filter = Arc::new(filter);
        let (after, place) = match since {
            Some(since) => (since, None),
            None => {
                let (place, last) = self.places.take(&filter);
                (last, Some(place))
            }
        };
        Ok(Follower {
            feed: self.clone(),
            filter,
            after,
            from_log: VecDeque::new(),
            reading: since.is_some(),
            place,
        })
    }

    /// Begins to tell: what is committed from now on comes to those who wait for it.
    async fn tell(&self) -> Result<Telling, Refusal> {
        let coming = self.current.follow();
        let last = self.log.last().await?;
        self.places.lock().last = last;
        Ok(Telling(tokio::spawn(tell(self.log.clone(), self.places.clone(), coming, last))))
    }
}

/// Reads revisions as they come and tells them.
async fn tell(log: Arc<Log>, places: Arc<Places>, mut coming: Coming, mut last: i64) {
    // Not every revision is told, so the last that there is may be later than the last that was told.
    let mut seen = last;
    loop {
        seen = coming.after(seen).await;
        loop {
            let changes = log.read(last).await;
            let Some(newest) = changes.last() else { break };
            last = newest.number;
            places.tell(changes);
        }
    }
}

impl Log {
    /// The last revision.
    async fn last(&self) -> Result<i64, Refusal> {
        let rows = self.reader.fetch("select coalesce(max(id), 0) from revisions", |query| query).await?;
        Ok(rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)?)
    }

    /// Changes behind a revision, some at a time; while they can't be read, they are waited for.
    async fn read(&self, after: i64) -> Vec<Change> {
        loop {
            match self.try_read(after).await {
                Ok(changes) => return changes,
                Err(refusal) => {
                    if refusal.code != Code::Unavailable {
                        tracing::error!("changes can't be read: {}", refusal.message);
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn try_read(&self, after: i64) -> Result<Vec<Change>, Refusal> {
        let rows = self.reader.fetch(&self.statement, |query| query.bind(after).bind(PAGE)).await?;
        Ok(rows.iter().map(|row| change::read(self.catalog, row)).collect::<Result<_, _>>()?)
    }
}

/// One who follows the feed: each change that passes, once, in order.
pub struct Follower {
    feed: Arc<Feed>,
    filter: Arc<Filter>,
    /// The last revision that was told, or passed over.
    after: i64,
    from_log: VecDeque<Change>,
    /// Whether changes are still to be read from the log.
    reading: bool,
    /// Where those wait that come meanwhile.
    place: Option<mpsc::Receiver<Arc<Change>>>,
}

impl Follower {
    /// The next change; it is waited for as long as it takes.
    pub async fn next(&mut self) -> Arc<Change> {
        loop {
            if let Some(change) = self.from_log.pop_front() {
                return Arc::new(change);
            }
            match &mut self.place {
                _ if self.reading => self.read().await,
                Some(place) => match place.recv().await {
                    Some(change) if change.number > self.after => {
                        self.after = change.number;
                        return change;
                    }
                    Some(_) => {}
                    // It fell behind and lost its place.
                    None => {
                        self.place = None;
                        self.reading = true;
                    }
                },
                None => self.reading = true,
            }
        }
    }

    /// Reads on from the log. At its end a place is taken, and then what was left in between is read.
    async fn read(&mut self) {
        let changes = self.feed.log.read(self.after).await;
        match changes.last() {
            Some(newest) => self.after = newest.number,
            None if self.place.is_some() => self.reading = false,
            None => self.place = Some(self.feed.places.take(&self.filter).0),
        }
        self.from_log.extend(changes.into_iter().filter(|change| self.filter.passes(change)));
    }
}
