//! Connections to the database: a pool that its clients share fairly.
//!
//! They are taken and given back without a word to Postgres: asked each time whether it still is well, a connection
//! would take two round trips for a question that needs one. Those that rested are asked before they are used, and
//! while they rest.
//!
//! Who may take one:
//! - A client has another connection while more are free than it has: alone it has half of them, and whoever comes
//!   next finds some.
//! - A large request leaves a quarter to small ones.
//! - One is left to the server itself, which finds out by it who asks.
//!
//! Whoever may not waits; of those who wait the one whose client has the fewest is next. The queue is bounded.

use std::{
    collections::VecDeque,
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex, OnceLock, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use foldhash::{HashMap, HashMapExt};
use sqlx::{
    Connection as _,
    postgres::{PgConnectOptions, PgConnection, PgTransactionManager},
};
use sqlx_core::transaction::TransactionManager;
use tokio::{
    sync::{Semaphore, SemaphorePermit, oneshot},
    time::{Instant as Deadline, timeout, timeout_at},
};

use crate::{
    config::address::Address,
    database::{
        ACQUIRE,
        client::Client,
        control::Control,
        error::AccessError,
        hosts::{Hosts, Made, Wanted, is_broken, is_full},
    },
    sync::lock,
};

/// How long a connection is used: what its session gathers at Postgres ends with it.
const LIFETIME: Duration = Duration::from_mins(30);
/// How long one that nobody needs is kept.
const KEPT: Duration = Duration::from_mins(10);
/// One that rested for so long is asked whether it is well before it is used, and how long it may take to say so.
const RESTED: Duration = Duration::from_secs(5);
const WELL: Duration = Duration::from_millis(500);
/// How often those that rest are asked: what lies between keeps the way open, and a dead one is found.
const ROUND: Duration = Duration::from_secs(10);
/// How long it may take to begin a transaction.
const BEGIN: Duration = Duration::from_secs(5);
/// How long a transaction that nobody ends may take to be taken back, before what it does is cancelled.
const TAKE_BACK: Duration = Duration::from_millis(200);
/// How long to wait before a Postgres that has no more connections is asked for one again, by those who have none
/// at all, and by those who have some.
const PAUSE: Duration = Duration::from_millis(50);
const LOWERED: Duration = Duration::from_secs(5);
/// How often something is tried again whose connection broke: while Postgres stops, a new one may break too.
const AGAIN: u32 = 2;
/// How many may wait, of all clients and of one.
const WAITING: usize = 1024;
const WAITING_OF_ONE: usize = 256;

/// For whom a connection is taken.
#[derive(Clone, Debug, Default)]
pub struct Share(Option<Arc<Asking>>);

/// A client's request.
#[derive(Debug)]
struct Asking {
    client: Client,
    large: bool,
    /// What of its parts may run at the same time.
    at_once: Semaphore,
}

impl Share {
    /// What the server needs itself, which comes before every client.
    pub const OWN: Share = Share(None);
}

/// A pool of connections that nothing is left open on: no transaction, and no statement that was given up.
#[derive(Clone)]
pub struct Connections(Arc<Shared>);

struct Shared {
    hosts: Arc<Hosts>,
    wanted: Wanted,
    size: usize,
    /// How long a turn is waited for.
    patience: Duration,
    control: Control,
    /// Those that connect to the same Postgres.
    others: OnceLock<Weak<Shared>>,
    state: Mutex<State>,
    counts: Counts,
}

/// What became of those who took connections, since the server was started.
#[derive(Debug, Default)]
pub struct Counts {
    /// Those who waited in vain, or were too many to wait.
    pub refused: AtomicU64,
    /// Connections made.
    pub made: AtomicU64,
}

struct State {
    /// How many there may be: fewer than wanted while Postgres has no more.
    capacity: usize,
    lowered: Option<Instant>,
    /// How many are used, or on their way.
    used: usize,
    used_by: HashMap<Client, usize>,
    /// The processes of those that are used, and their hosts.
    busy: Vec<(usize, i32)>,
    /// The one that was used last has the most at hand, here and at Postgres.
    idle: Vec<Idle>,
    queue: VecDeque<Waiting>,
    /// Whether the next one that is given back is for the others.
    owed: bool,
    /// When one answered last.
    answered: Option<Instant>,
    closed: bool,
}

struct Idle {
    made: Made,
    used: Instant,
    asked: Instant,
}

struct Waiting {
    share: Share,
    turn: oneshot::Sender<Slot>,
}

/// The right to have a connection.
struct Slot {
    shared: Arc<Shared>,
    share: Share,
}

/// A connection taken from the pool. Unless it is given back it is closed, and what still runs on it is cancelled.
pub struct Connection {
    // In the order in which they end.
    made: Option<Made>,
    writable_field: Option<Slot>,
}

impl State {
    fn capacity(&self, size: usize) -> usize {
        if self.lowered.is_some_and(|at| at.elapsed() < LOWERED) { self.capacity } else { size }
    }

    fn has(&self, client: &Client) -> usize {
        self.used_by.get(client).copied().unwrap_or(0)
    }

    /// Whether there is one for a request.
    fn may(&self, share: &Share, size: usize) -> bool {
        let capacity = self.capacity(size);
        let free = capacity.saturating_sub(self.used);
        let Share(Some(asking)) = share else { return free > 0 };
        let free = free.saturating_sub(usize::from(capacity >= 4));
        let kept = if asking.large { capacity / 4 } else { 0 };
        free > kept && self.has(&asking.client) < free
    }

    fn enter(&mut self, share: &Share) {
        self.used += 1;
        if let Share(Some(asking)) = share {
            *self.used_by.entry(asking.client.clone()).or_default() += 1;
        }
    }

    fn leave(&mut self, share: &Share) {
        self.used -= 1;
        let Share(Some(asking)) = share else { return };
        if let Some(used) = self.used_by.get_mut(&asking.client) {
            *used -= 1;
            if *used == 0 {
                self.used_by.remove(&asking.client);
            }
        }
    }

    /// Whose turn it is of those who wait.
    fn next(&mut self, size: usize) -> Option<Waiting> {
        if self.queue.is_empty() {
            return None;
        }
        self.queue.retain(|waiting| !waiting.turn.is_closed());
        let may = self.queue.iter().enumerate().filter(|(_, waiting)| self.may(&waiting.share, size));
        let next = may.min_by_key(|(place, Waiting { share: Share(share), .. })| {
            (share.as_ref().map(|asking| self.has(&asking.client)), *place)
        });
        let place = next?.0;
        self.queue.remove(place)
    }
}

impl Shared {
    /// Has those enter whose turn it is.
    fn admit(self: &Arc<Self>) {
        let mut missed = Vec::new();
        let mut state = lock(&self.state);
        while let Some(Waiting { share, turn }) = state.next(self.size) {
            state.enter(&share);
            // Who has given up meanwhile gives it back below, where the lock is free.
            missed.extend(turn.send(Slot { shared: self.clone(), share }).err());
        }
        drop(state);
    }

    /// Gives up one connection to others, now or when it is given back.
    fn yield_one(&self) {
        let mut state = lock(&self.state);
        let given = state.idle.pop();
        state.owed = given.is_none() && state.used > 0;
        drop(state);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        lock(&self.shared.state).leave(&self.share);
        self.shared.admit();
    }
}

impl Connections {
    pub(super) fn new(
        hosts: Arc<Hosts>,
        wanted: Wanted,
        size: u32,
        patience: Duration,
        control: Control,
    ) -> Self {
        let size = size as usize;
        let state = State {
            capacity: size,
            lowered: None,
            used: 0,
            used_by: HashMap::new(),
            busy: Vec::new(),
            idle: Vec::new(),
            queue: VecDeque::new(),
            owed: false,
            answered: None,
            closed: false,
        };
        let shared = Shared {
            hosts,
            wanted,
            size,
            patience,
            control,
            others: OnceLock::new(),
            state: Mutex::new(state),
            counts: Counts::default(),
        };
        let shared = Arc::new(shared);
        tokio::spawn(go_round(Arc::downgrade(&shared)));
        Connections(shared)
    }

    /// A pool of connections to one host, to read by.
    pub fn to(options: PgConnectOptions, size: u32) -> Self {
        let hosts = Arc::new(Hosts::new(Address::of(options), |options| options));
        Self::new(hosts.clone(), Wanted::Reading, size, ACQUIRE, Control::new(hosts))
    }

    /// Has each of the two give up connections to the other where Postgres has no more.
    pub(super) fn share_with(&self, others: &Connections) {
        let _ = self.0.others.set(Arc::downgrade(&others.0));
        let _ = others.0.others.set(Arc::downgrade(&self.0));
    }

    /// The share of a client's request. A part of its connections is for it at the same time.
    pub fn share(&self, client: &Client, large: bool) -> Share {
        let at_once = Semaphore::new((self.0.size / 3).max(1));
        Share(Some(Arc::new(Asking { client: client.clone(), large, at_once })))
    }

    /// Takes one for what the server needs itself.
    pub async fn take(&self) -> Result<Connection, sqlx::Error> {
        self.take_for(&Share::OWN).await
    }

    async fn take_for(&self, share: &Share) -> Result<Connection, sqlx::Error> {
        let deadline = Deadline::now() + self.0.patience;
        loop {
            let writable_field = self.turn(share, deadline).await?;
            let made = match self.rested().await {
                Some(made) => Some(made),
                None => timeout(ACQUIRE, self.connect()).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))?,
            };
            // None where Postgres has no more of them: those that there are will be given back.
            let Some(made) = made else { continue };
            lock(&self.0.state).busy.push((made.host, made.process));
            return Ok(Connection { made: Some(made), writable_field: Some(writable_field) });
        }
    }

    /// Waits for its turn.
    async fn turn(&self, share: &Share, deadline: Deadline) -> Result<Slot, sqlx::Error> {
        let turn = {
            let mut state = lock(&self.0.state);
            if state.closed {
                return Err(sqlx::Error::PoolClosed);
            }
            if state.may(share, self.0.size) {
                state.enter(share);
                return Ok(Slot { shared: self.0.clone(), share: share.clone() });
            }
            self.may_wait(&mut state, share)?;
            let (send, turn) = oneshot::channel();
            state.queue.push_back(Waiting { share: share.clone(), turn: send });
            turn
        };
        match timeout_at(deadline, turn).await {
            Ok(Ok(writable_field)) => Ok(writable_field),
            Ok(Err(_)) => Err(sqlx::Error::PoolClosed),
            Err(_) => Err(self.busy(&lock(&self.0.state), share)),
        }
    }

    fn may_wait(&self, state: &mut State, share: &Share) -> Result<(), sqlx::Error> {
        let Share(Some(asking)) = share else { return Ok(()) };
        let of_one = |waiting: &&Waiting| matches!(&waiting.share, Share(Some(other)) if other.client == asking.client);
        let is_full = |state: &State| {
            state.queue.len() >= WAITING || state.queue.iter().filter(of_one).count() >= WAITING_OF_ONE
        };
        if state.queue.len() < WAITING_OF_ONE {
            return Ok(());
        }
        state.queue.retain(|waiting| !waiting.turn.is_closed());
        if is_full(state) { Err(self.busy(state, share)) } else { Ok(()) }
    }

    /// Why somebody waits in vain: for their own requests, or for those of others.
    fn busy(&self, state: &State, Share(share): &Share) -> sqlx::Error {
        self.0.counts.refused.fetch_add(1, Relaxed);
        let own = share.as_ref().is_some_and(|asking| state.has(&asking.client) > 0);
        if own { AccessError::OwnShare.into() } else { AccessError::Busy.into() }
    }

    /// One that rests and is well. Where one is dead, so are all that rest: whatever became of Postgres, or of the
    /// way to it, became of all.
    async fn rested(&self) -> Option<Made> {
        loop {
            let Idle { mut made, asked, .. } = lock(&self.0.state).idle.pop()?;
            if made.at.elapsed() > LIFETIME {
                continue;
            }
            if asked.elapsed() < RESTED || is_well(&mut made).await {
                return Some(made);
            }
            self.forget();
        }
    }

    /// A new one; none where Postgres has no more, and others of ours are there.
    async fn connect(&self) -> Result<Option<Made>, sqlx::Error> {
        loop {
            match self.0.hosts.connect(self.0.wanted).await {
                Ok(made) => {
                    self.0.counts.made.fetch_add(1, Relaxed);
                    return Ok(Some(made));
                }
                Err(error) if is_full(&error) => {}
                Err(error) => return Err(error),
            }
            if self.make_do() {
                tokio::time::sleep(PAUSE).await;
                return Ok(None);
            }
            if let Some(others) = self.0.others.get().and_then(Weak::upgrade) {
                others.yield_one();
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Has the pool make do with the connections that it has, if there are any.
    fn make_do(&self) -> bool {
        let mut state = lock(&self.0.state);
        let there = state.busy.len() + state.idle.len();
        if there > 0 {
            state.capacity = there;
            state.lowered = Some(Instant::now());
        }
        there > 0
    }

    /// Connections to ask something by that changes nothing, or has not begun to: where one breaks it is asked
    /// again.
    pub async fn tries<'a>(&'a self, share: &'a Share) -> Tries<'a> {
        let part = match share {
            Share(Some(asking)) => asking.at_once.acquire().await.ok(),
            Share(None) => None,
        };
        Tries { pool: self, share, left: AGAIN, _part: part }
    }

    /// Begins a transaction.
    pub async fn begin(&self, share: &Share) -> Result<Change, sqlx::Error> {
        let mut tries = self.tries(share).await;
        loop {
            let mut connection = tries.next().await?;
            match timeout(BEGIN, PgTransactionManager::begin(&mut connection, None)).await {
                Ok(Ok(())) => return Ok(Change(Some(connection))),
                Ok(Err(error)) => tries.failed(connection, error)?,
                // Given up, it is closed, and nothing will begin.
                Err(_) => return Err(sqlx::Error::PoolTimedOut),
            }
        }
    }

    /// Closes those that rest: they aren't what they are needed for, or not any more.
    pub fn forget(&self) {
        let idle = std::mem::take(&mut lock(&self.0.state).idle);
        drop(idle);
    }

    /// How many connections there are, and how many of them rest.
    pub fn count(&self) -> (usize, usize) {
        let state = lock(&self.0.state);
        (state.busy.len() + state.idle.len(), state.idle.len())
    }

    /// How many requests wait for one.
    pub fn waiting(&self) -> usize {
        lock(&self.0.state).queue.iter().filter(|waiting| !waiting.turn.is_closed()).count()
    }

    pub fn counts(&self) -> &Counts {
        &self.0.counts
    }

    /// Whether one of them answered lately.
    pub(super) fn answered_within(&self, time: Duration) -> bool {
        lock(&self.0.state).answered.is_some_and(|at| at.elapsed() < time)
    }

    /// Closes those that rest, and refuses new ones; tells which are still used.
    pub(super) fn close(&self) -> Vec<(usize, i32)> {
        let mut state = lock(&self.0.state);
        state.closed = true;
        let waiting = std::mem::take(&mut state.queue);
        let idle = std::mem::take(&mut state.idle);
        let busy = state.busy.clone();
        drop(state);
        drop((waiting, idle));
        busy
    }
}

async fn is_well(made: &mut Made) -> bool {
    matches!(timeout(WELL, made.connection.ping()).await, Ok(Ok(())))
}

/// Asks those that rest whether they are well, and lets those go that nobody needs.
async fn go_round(pool: Weak<Shared>) {
    loop {
        tokio::time::sleep(ROUND).await;
        let Some(shared) = pool.upgrade() else { return };
        if lock(&shared.state).closed {
            return;
        }
        let pool = Connections(shared);
        let rested = {
            let mut state = lock(&pool.0.state);
            let idle = std::mem::take(&mut state.idle);
            let (rested, lively): (Vec<_>, Vec<_>) =
                idle.into_iter().partition(|idle| idle.asked.elapsed() > RESTED);
            state.idle = lively;
            rested
        };
        let needed =
            rested.into_iter().filter(|idle| idle.used.elapsed() < KEPT && idle.made.at.elapsed() < LIFETIME);
        for mut idle in needed.collect::<Vec<_>>().into_iter().rev() {
            if !is_well(&mut idle.made).await {
                pool.forget();
                break;
            }
            idle.asked = Instant::now();
            // Where the least used are.
            lock(&pool.0.state).idle.insert(0, idle);
        }
        // There may be room again.
        pool.0.admit();
    }
}

/// Connections taken for one thing that is asked.
pub struct Tries<'a> {
    pool: &'a Connections,
    share: &'a Share,
    /// How often it may be tried again.
    left: u32,
    /// Its place among the parts of a request that run at the same time.
    _part: Option<SemaphorePermit<'a>>,
}

impl Tries<'_> {
    pub async fn next(&self) -> Result<Connection, sqlx::Error> {
        self.pool.take_for(self.share).await
    }

    /// Closes a connection on which something failed. The error, unless it is worth another try.
    pub fn failed(&mut self, connection: Connection, error: sqlx::Error) -> Result<(), sqlx::Error> {
        let broke = connection.fail(&error);
        if !broke || self.left == 0 {
            return Err(error);
        }
        self.left -= 1;
        Ok(())
    }
}

impl Connection {
    /// Gives it back, once what was asked has been answered.
    pub fn give_back(mut self) {
        let (Some(made), Some(writable_field)) = (self.made.take(), self.writable_field.take()) else {
            return;
        };
        let mut state = lock(&writable_field.shared.state);
        state.busy.retain(|busy| *busy != (made.host, made.process));
        let now = Instant::now();
        state.answered = Some(now);
        // While those that rest are asked, others may have been made in their place.
        let beyond = state.busy.len() + state.idle.len() >= writable_field.shared.size;
        let closed = if state.closed || beyond || std::mem::take(&mut state.owed) {
            Some(made)
        } else {
            state.idle.push(Idle { made, used: now, asked: now });
            None
        };
        drop(state);
        drop((closed, writable_field));
    }

    /// Closes it after an error, and tells whether it was broken. Those that rest are then taken for broken too.
    pub fn fail(mut self, error: &sqlx::Error) -> bool {
        let broke = is_broken(error);
        if let (Some(made), Some(writable_field)) = (self.made.take(), self.writable_field.take()) {
            lock(&writable_field.shared.state).busy.retain(|busy| *busy != (made.host, made.process));
            drop(made);
            if broke {
                Connections(writable_field.shared.clone()).forget();
            }
        }
        broke
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.made.as_ref().expect("it was not given back").connection
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.made.as_mut().expect("it was not given back").connection
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let (Some(made), Some(writable_field)) = (self.made.take(), self.writable_field.take()) else {
            return;
        };
        lock(&writable_field.shared.state).busy.retain(|busy| *busy != (made.host, made.process));
        let control = writable_field.shared.control.clone();
        // Until it is cancelled there, it counts as used.
        control.cancel(made, Box::new(writable_field));
    }
}

/// A transaction. Unless it is committed it is taken back.
pub struct Change(Option<Connection>);

impl Change {
    pub async fn commit(mut self) -> Result<(), sqlx::Error> {
        let Some(mut connection) = self.0.take() else { return Ok(()) };
        match PgTransactionManager::commit(&mut connection).await {
            Ok(()) => connection.give_back(),
            Err(error) => {
                connection.fail(&error);
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Deref for Change {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.0.as_ref().expect("it was not ended")
    }
}

impl DerefMut for Change {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.0.as_mut().expect("it was not ended")
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(take_back(connection));
        }
    }
}

/// Takes a transaction back. One that was given up in the middle of a statement is cancelled where it doesn't end
/// soon, and one that was refused its changes tells that its server takes none.
async fn take_back(mut connection: Connection) {
    let is_read_only = async {
        PgTransactionManager::rollback(&mut connection).await?;
        let asked = sqlx::query_scalar("select current_setting('transaction_read_only')::boolean");
        asked.fetch_one(&mut *connection).await
    };
    match timeout(TAKE_BACK, is_read_only).await {
        Ok(Ok(false)) => connection.give_back(),
        Ok(Ok(true)) => {
            let pool = connection
                .writable_field
                .as_ref()
                .map(|writable_field| Connections(writable_field.shared.clone()));
            connection.fail(&AccessError::ReadOnly.into());
            if let Some(pool) = pool {
                pool.forget();
            }
        }
        Ok(Err(error)) => {
            connection.fail(&error);
        }
        Err(_) => drop(connection),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> Connections {
        Connections::to(PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(1), 8)
    }

    fn client(name: &str) -> Client {
        Client::Named(name.into())
    }

    /// Turns that somebody is given at once.
    async fn take_all(pool: &Connections, name: &str, large: bool) -> Vec<Slot> {
        let share = pool.share(&client(name), large);
        let mut writable_fields = Vec::new();
        while let Ok(writable_field) = pool.turn(&share, Deadline::now()).await {
            writable_fields.push(writable_field);
        }
        writable_fields
    }

    #[tokio::test]
    async fn whoever_comes_next_finds_some() {
        let pool = pool();
        let mut taken = Vec::new();
        let mut counts = Vec::new();
        for name in ["first", "second", "third", "fourth"] {
            let writable_fields = take_all(&pool, name, false).await;
            counts.push(writable_fields.len());
            taken.push(writable_fields);
        }
        assert_eq!(counts, [4, 2, 1, 0]);
        let own = pool.turn(&Share::OWN, Deadline::now()).await;
        assert!(own.is_ok(), "one is left to the server itself");
        drop(taken.remove(0));
        assert_eq!(take_all(&pool, "fourth", false).await.len(), 2);
        drop((own, taken));
        let state = lock(&pool.0.state);
        assert_eq!((state.used, state.used_by.len()), (0, 0), "all were given back");
    }

    #[tokio::test]
    async fn large_requests_of_whomever_leave_some_to_small_ones() {
        let pool = pool();
        let mut taken = Vec::new();
        for number in 0..9 {
            taken.push(take_all(&pool, &format!("large-{number}"), true).await);
        }
        assert_eq!(taken.iter().map(Vec::len).sum::<usize>(), 5);
        assert_eq!(take_all(&pool, "small", false).await.len(), 1);
    }

    #[tokio::test]
    async fn the_next_one_is_for_who_has_the_fewest_and_comes_first_of_those() {
        let pool = pool();
        let own: Vec<Slot> = futures_util::future::join_all(
            (0..8).map(|_| async { pool.turn(&Share::OWN, Deadline::now()).await.ok() }),
        )
        .await
        .into_iter()
        .flatten()
        .collect();
        assert_eq!(own.len(), 8);
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for name in ["greedy", "greedy", "greedy", "modest"] {
            let (pool, order) = (pool.clone(), order.clone());
            waiting.push(tokio::spawn(async move {
                let share = pool.share(&client(name), false);
                let writable_field = pool.turn(&share, Deadline::now() + ACQUIRE).await.ok();
                lock(&order).push(name);
                writable_field
            }));
            tokio::task::yield_now().await;
        }
        let mut held = Vec::new();
        for writable_field in own {
            drop(writable_field);
            tokio::task::yield_now().await;
        }
        for waiting in waiting {
            held.push(waiting.await.unwrap());
        }
        assert_eq!(*lock(&order), ["greedy", "modest", "greedy", "greedy"]);
    }

    #[tokio::test]
    async fn who_waits_in_vain_is_told_for_whom() {
        let pool = pool();
        let taken = take_all(&pool, "greedy", false).await;
        let refused = pool.turn(&pool.share(&client("greedy"), false), Deadline::now()).await.err().unwrap();
        assert_eq!(AccessError::of(&refused), Some(AccessError::OwnShare));
        let others = [take_all(&pool, "second", false).await, take_all(&pool, "third", false).await];
        let refused = pool.turn(&pool.share(&client("late"), false), Deadline::now()).await.err().unwrap();
        assert_eq!(AccessError::of(&refused), Some(AccessError::Busy));
        drop((taken, others));
    }

    #[tokio::test]
    async fn a_queue_of_one_client_ends_and_others_may_still_wait() {
        let pool = pool();
        let _taken = take_all(&pool, "greedy", false).await;
        let wait = |name: &'static str| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let share = pool.share(&client(name), false);
                pool.turn(&share, Deadline::now() + ACQUIRE).await.map(drop)
            })
        };
        let waiting: Vec<_> = (0..WAITING_OF_ONE).map(|_| wait("greedy")).collect();
        while pool.waiting() < WAITING_OF_ONE {
            tokio::task::yield_now().await;
        }
        let refused = wait("greedy").await.unwrap().unwrap_err();
        assert_eq!(AccessError::of(&refused), Some(AccessError::OwnShare));
        assert!(wait("modest").await.unwrap().is_ok());
        waiting.iter().for_each(tokio::task::JoinHandle::abort);
    }
}
