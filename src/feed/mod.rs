//! The feed: changes told to their subscribers as they are made, at whatever server.
//!
//! ```text
//! commit ─ notification ─ one reader for the server ─ subscribers' places ─ what each asks
//!                         revisions → changes, once    bounded
//! ```
//!
//! The database numbers revisions in the order of commits, so whoever has read up to a number has missed
//! nothing before it. Everything follows from that: a notification only says that there is something to
//! read; a connection that was lost, a client that comes back and one that fell behind all read on from
//! the last number they know.

mod change;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use sqlx::{AssertSqlSafe, Row, postgres::PgListener};
use tokio::{
    sync::{OnceCell, mpsc},
    task::JoinHandle,
    time::timeout,
};

pub use self::change::{Change, Filter, fields, nouns};
use crate::{
    database::Database,
    error::{Code, Refusal},
    query::{
        catalog::Catalog,
        reader::{self, Reader},
    },
    sync,
};

/// Where the database says that revisions were made.
const CHANNEL: &str = "dossier_revisions";
/// Changes that wait for one subscriber at most; whoever falls further behind reads on from the log.
const WAITING: usize = 256;
/// Changes read at once.
const PAGE: i64 = 500;
/// How long to wait before the database is tried again.
const PAUSE: Duration = Duration::from_millis(250);
/// How long the listening connection may be silent before it is asked whether it is still there.
const SILENCE: Duration = Duration::from_mins(1);
/// How long it may take to say so.
const WELL: Duration = Duration::from_secs(10);

/// Tells the changes of the base.
pub struct Feed {
    database: Database,
    reader: Reader,
    catalog: &'static Catalog,
    /// The statement that reads changes.
    statement: Arc<str>,
    places: Arc<Places>,
    /// Reads what comes, from the first subscriber on.
    listening: OnceCell<Listening>,
}

struct Listening(JoinHandle<()>);

impl Drop for Listening {
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
    pub fn new(database: Database, reader: Reader, catalog: &'static Catalog) -> Self {
        let statement = change::statement(catalog).into();
        Feed { database, reader, catalog, statement, places: Arc::default(), listening: OnceCell::new() }
    }

    /// Changes that pass a filter: those that come, or all behind a revision.
    pub async fn follow(self: &Arc<Self>, filter: Filter, since: Option<i64>) -> Result<Follower, Refusal> {
        self.listening.get_or_try_init(|| self.listen()).await?;
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

    /// Begins to listen: what is committed from now on is told.
    async fn listen(&self) -> Result<Listening, Refusal> {
        let mut listener = self.database.listen(CHANNEL).await?;
        let last = sqlx::query("select coalesce(max(id), 0) from revisions").fetch_one(&mut listener).await?;
        let last = last.try_get(0)?;
        self.places.lock().last = last;
        let teller = Teller {
            database: self.database.clone(),
            catalog: self.catalog,
            statement: self.statement.clone(),
            places: self.places.clone(),
        };
        Ok(Listening(tokio::spawn(teller.run(listener, last))))
    }

    /// Changes behind a revision, some at a time.
    async fn read(&self, after: i64) -> Result<Vec<Change>, Refusal> {
        let rows = self.reader.fetch(&self.statement, |query| query.bind(after).bind(PAGE)).await?;
        Ok(rows.iter().map(|row| change::read(self.catalog, row)).collect::<Result<_, _>>()?)
    }
}

/// Reads revisions as they come and tells them, whatever becomes of its connection.
struct Teller {
    database: Database,
    catalog: &'static Catalog,
    statement: Arc<str>,
    places: Arc<Places>,
}

impl Teller {
    async fn run(self, mut listener: PgListener, mut last: i64) {
        loop {
            let Err(error) = self.tell_with(&mut listener, &mut last).await;
            tracing::warn!(%error, "the connection that listens for revisions was lost");
            listener = loop {
                tokio::time::sleep(PAUSE).await;
                match self.database.listen(CHANNEL).await {
                    Ok(listener) => break listener,
                    Err(error) => tracing::debug!(%error, "no connection to listen by"),
                }
            };
            tracing::info!("listening for revisions again, from {last} on");
        }
    }

    /// Tells what comes over one connection, beginning with what came before it.
    async fn tell_with(
        &self,
        listener: &mut PgListener,
        last: &mut i64,
    ) -> Result<std::convert::Infallible, sqlx::Error> {
        loop {
            self.tell_new(listener, last).await?;
            loop {
                match timeout(SILENCE, listener.try_recv()).await {
                    Ok(notified) => {
                        // Without a notification, the connection was lost and is there again.
                        let begins = notified?.and_then(|notified| notified.payload().parse::<i64>().ok());
                        if begins.is_none_or(|begins| begins > *last) {
                            break;
                        }
                    }
                    Err(_) => {
                        let asked = timeout(WELL, sqlx::query("select 1").execute(&mut *listener));
                        asked.await.map_err(|_| sqlx::Error::PoolTimedOut)??;
                    }
                }
            }
        }
    }

    async fn tell_new(&self, listener: &mut PgListener, last: &mut i64) -> Result<(), sqlx::Error> {
        loop {
            reader::log(&self.statement);
            let asked = sqlx::query(AssertSqlSafe(&*self.statement)).bind(*last).bind(PAGE);
            let rows = asked.fetch_all(&mut *listener).await?;
            let changes: Vec<Change> =
                rows.iter().map(|row| change::read(self.catalog, row)).collect::<Result<_, _>>()?;
            let Some(newest) = changes.last() else { return Ok(()) };
            *last = newest.number;
            self.places.tell(changes);
        }
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
        let changes = match self.feed.read(self.after).await {
            Ok(changes) => changes,
            Err(refusal) => {
                if refusal.code != Code::Unavailable {
                    tracing::error!("changes can't be read: {}", refusal.message);
                }
                return tokio::time::sleep(PAUSE).await;
            }
        };
        match changes.last() {
            Some(newest) => self.after = newest.number,
            None if self.place.is_some() => self.reading = false,
            None => self.place = Some(self.feed.places.take(&self.filter).0),
        }
        self.from_log.extend(changes.into_iter().filter(|change| self.filter.passes(change)));
    }
}
