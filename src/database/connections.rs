//! A connection pool that its clients share fairly.
//!
//! Taking and returning a connection costs no round trip: only connections that were idle for a while are pinged,
//! before use and in the background.
//!
//! Who gets a connection:
//! - A client gets another connection while more are free than it holds: alone it holds at most half of them, and
//!   the next client finds some.
//! - A large request leaves a quarter of the pool to small ones.
//! - One connection is reserved for the server, which authenticates clients with it.
//!
//! Others wait in a bounded queue. The client with the fewest connections is served first.
//!
//! Through a pooler in transaction mode, a connection that is taken is in a transaction until it is released.

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
    Connection as _, SqlStr,
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
        ACQUIRE_TIMEOUT, CHECK_INTERVAL,
        client::Client,
        control::Control,
        error::AccessError,
        hosts::{HostConnection, Hosts, Purpose, is_broken, is_full},
    },
    sync::lock,
};

/// Maximum age of a connection, which bounds the memory of its Postgres session.
const MAX_LIFETIME: Duration = Duration::from_mins(30);
/// How long an unused connection stays open.
const IDLE_TIMEOUT: Duration = Duration::from_mins(10);
/// A connection that was idle for this long is pinged before use.
const PING_AFTER: Duration = Duration::from_secs(5);
const PING_TIMEOUT: Duration = Duration::from_millis(500);
/// How often idle connections are pinged, as a keep-alive and to find dead ones.
const PING_INTERVAL: Duration = Duration::from_secs(10);
const BEGIN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the rollback of a dropped transaction may take before its statement is cancelled.
const ROLLBACK_TIMEOUT: Duration = Duration::from_millis(200);
/// Delay before connecting again while Postgres has too many connections, and how long the pool stays smaller.
const RETRY_DELAY: Duration = Duration::from_millis(50);
const REDUCED_FOR: Duration = Duration::from_secs(5);
/// Retries after a broken connection: during a shutdown of Postgres a new one may break too.
const MAX_RETRIES: u32 = 2;
/// Length of the queue, in total and per client.
const MAX_WAITING: usize = 1024;
const MAX_WAITING_PER_CLIENT: usize = 256;

/// The client's request that a connection is for; `None` for the server itself.
#[derive(Clone, Debug, Default)]
pub struct Share(Option<Arc<ClientRequest>>);

#[derive(Debug)]
struct ClientRequest {
    client: Client,
    large: bool,
    /// Limits the connections that the request uses at the same time.
    at_once: Semaphore,
}

impl Share {
    /// The server itself, which has priority.
    pub const OWN: Share = Share(None);
}

/// A pool whose idle connections have no open transaction and no running statement.
#[derive(Clone)]
pub struct Connections(Arc<Shared>);

struct Shared {
    hosts: Arc<Hosts>,
    purpose: Purpose,
    size: usize,
    /// How long a request waits in the queue.
    acquire_timeout: Duration,
    /// Cancels abandoned statements; none through a pooler, which doesn't say where they run.
    control: Option<Control>,
    /// The other pool on the same Postgres.
    sibling: OnceLock<Weak<Shared>>,
    state: Mutex<State>,
    counts: Counts,
}

/// Counters for metrics.
#[derive(Debug, Default)]
pub struct Counts {
    /// Requests that timed out in the queue, or found it full.
    pub refused: AtomicU64,
    /// Connections opened.
    pub opened: AtomicU64,
}

struct State {
    /// Current size: smaller than configured while Postgres has too many connections.
    capacity: usize,
    reduced_at: Option<Instant>,
    /// Connections in use or being opened.
    used: usize,
    used_by: HashMap<Client, usize>,
    /// Hosts and process ids of connections in use.
    busy: Vec<(usize, i32)>,
    /// Last in, first out: the most recent connection has the warmest caches.
    idle: Vec<Idle>,
    queue: VecDeque<Waiter>,
    /// Whether the next returned connection is closed in favour of the other pool.
    close_next: bool,
    /// Time of the last successful statement.
    last_success: Option<Instant>,
    closed: bool,
}

struct Idle {
    conn: HostConnection,
    used: Instant,
    pinged: Instant,
}

struct Waiter {
    share: Share,
    turn: oneshot::Sender<Permit>,
}

/// The right to use a connection.
struct Permit {
    shared: Arc<Shared>,
    share: Share,
}

/// A connection of the pool. If it is dropped instead of released, it is closed and its statement cancelled.
pub struct Connection {
    // Dropped in this order.
    conn: Option<HostConnection>,
    permit: Option<Permit>,
}

impl State {
    fn capacity(&self, size: usize) -> usize {
        if self.reduced_at.is_some_and(|at| at.elapsed() < REDUCED_FOR) { self.capacity } else { size }
    }

    fn has(&self, client: &Client) -> usize {
        self.used_by.get(client).copied().unwrap_or(0)
    }

    /// Whether the request may have a connection now.
    fn is_allowed(&self, share: &Share, size: usize) -> bool {
        let capacity = self.capacity(size);
        let free = capacity.saturating_sub(self.used);
        let Share(Some(request)) = share else { return free > 0 };
        let free = free.saturating_sub(usize::from(capacity >= 4));
        let reserved = if request.large { capacity / 4 } else { 0 };
        free > reserved && self.has(&request.client) < free
    }

    fn acquire(&mut self, share: &Share) {
        self.used += 1;
        if let Share(Some(request)) = share {
            *self.used_by.entry(request.client.clone()).or_default() += 1;
        }
    }

    fn release(&mut self, share: &Share) {
        self.used -= 1;
        let Share(Some(request)) = share else { return };
        if let Some(used) = self.used_by.get_mut(&request.client) {
            *used -= 1;
            if *used == 0 {
                self.used_by.remove(&request.client);
            }
        }
    }

    /// The next request to serve.
    fn next_waiter(&mut self, size: usize) -> Option<Waiter> {
        if self.queue.is_empty() {
            return None;
        }
        self.queue.retain(|waiting| !waiting.turn.is_closed());
        let allowed =
            self.queue.iter().enumerate().filter(|(_, waiting)| self.is_allowed(&waiting.share, size));
        let next = allowed.min_by_key(|(place, Waiter { share: Share(share), .. })| {
            (share.as_ref().map(|request| self.has(&request.client)), *place)
        });
        let place = next?.0;
        self.queue.remove(place)
    }
}

impl Shared {
    /// Serves waiting requests while connections are free.
    fn serve_queue(self: &Arc<Self>) {
        let mut missed = Vec::new();
        let mut state = lock(&self.state);
        while let Some(Waiter { share, turn }) = state.next_waiter(self.size) {
            state.acquire(&share);
            // The receiver gave up; its permit is dropped after the lock is released.
            missed.extend(turn.send(Permit { shared: self.clone(), share }).err());
        }
        drop(state);
    }

    /// Closes a connection for the other pool, now or when one is returned.
    fn close_one(&self) {
        let mut state = lock(&self.state);
        let given = state.idle.pop();
        state.close_next = given.is_none() && state.used > 0;
        drop(state);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        lock(&self.shared.state).release(&self.share);
        self.shared.serve_queue();
    }
}

impl Connections {
    pub(super) fn new(
        hosts: Arc<Hosts>,
        purpose: Purpose,
        size: u32,
        acquire_timeout: Duration,
        control: Option<Control>,
    ) -> Self {
        let size = size as usize;
        let state = State {
            capacity: size,
            reduced_at: None,
            used: 0,
            used_by: HashMap::new(),
            busy: Vec::new(),
            idle: Vec::new(),
            queue: VecDeque::new(),
            close_next: false,
            last_success: None,
            closed: false,
        };
        let shared = Shared {
            hosts,
            purpose,
            size,
            acquire_timeout,
            control,
            sibling: OnceLock::new(),
            state: Mutex::new(state),
            counts: Counts::default(),
        };
        let shared = Arc::new(shared);
        tokio::spawn(ping_idle(Arc::downgrade(&shared)));
        Connections(shared)
    }

    /// A pool for one host, for reading.
    pub fn to(options: PgConnectOptions, size: u32) -> Self {
        let hosts = Arc::new(Hosts::new(Address::of(options), |options| options));
        let control = Some(Control::new(hosts.clone()));
        Self::new(hosts, Purpose::Reading, size, ACQUIRE_TIMEOUT, control)
    }

    /// Lets the two pools close connections for each other when Postgres has too many.
    pub(super) fn set_sibling(&self, others: &Connections) {
        let _ = self.0.sibling.set(Arc::downgrade(&others.0));
        let _ = others.0.sibling.set(Arc::downgrade(&self.0));
    }

    /// The share of a client's request, which may use a third of the pool at the same time.
    pub fn share(&self, client: &Client, large: bool) -> Share {
        let at_once = Semaphore::new((self.0.size / 3).max(1));
        Share(Some(Arc::new(ClientRequest { client: client.clone(), large, at_once })))
    }

    /// Takes a connection for the server itself.
    pub async fn take(&self) -> Result<Connection, sqlx::Error> {
        self.take_for(&Share::OWN).await
    }

    /// Takes a connection, in a transaction if it leads through a pooler.
    async fn take_for(&self, share: &Share) -> Result<Connection, sqlx::Error> {
        let deadline = Deadline::now() + self.0.acquire_timeout;
        loop {
            let permit = self.acquire(share, deadline).await?;
            let conn = match self.take_idle().await {
                Some(conn) => Some(conn),
                None => timeout(ACQUIRE_TIMEOUT, self.connect())
                    .await
                    .unwrap_or(Err(sqlx::Error::PoolTimedOut))?,
            };
            // `None` if Postgres has too many connections: wait for one of ours.
            let Some(conn) = conn else { continue };
            lock(&self.0.state).busy.push((conn.host, conn.process));
            let mut connection = Connection { conn: Some(conn), permit: Some(permit) };
            if let Some(begin) = self.0.hosts.pooled()
                && let Err(error) = begin_now(&mut connection, Some(begin.clone())).await
            {
                connection.discard(&error);
                return Err(error);
            }
            return Ok(connection);
        }
    }

    async fn acquire(&self, share: &Share, deadline: Deadline) -> Result<Permit, sqlx::Error> {
        let turn = {
            let mut state = lock(&self.0.state);
            if state.closed {
                return Err(sqlx::Error::PoolClosed);
            }
            if state.is_allowed(share, self.0.size) {
                state.acquire(share);
                return Ok(Permit { shared: self.0.clone(), share: share.clone() });
            }
            self.check_queue(&mut state, share)?;
            let (send, turn) = oneshot::channel();
            state.queue.push_back(Waiter { share: share.clone(), turn: send });
            turn
        };
        match timeout_at(deadline, turn).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(sqlx::Error::PoolClosed),
            Err(_) => Err(self.refusal(&lock(&self.0.state), share)),
        }
    }

    fn check_queue(&self, state: &mut State, share: &Share) -> Result<(), sqlx::Error> {
        let Share(Some(request)) = share else { return Ok(()) };
        let of_one = |waiting: &&Waiter| matches!(&waiting.share, Share(Some(other)) if other.client == request.client);
        let is_full = |state: &State| {
            state.queue.len() >= MAX_WAITING
                || state.queue.iter().filter(of_one).count() >= MAX_WAITING_PER_CLIENT
        };
        if state.queue.len() < MAX_WAITING_PER_CLIENT {
            return Ok(());
        }
        state.queue.retain(|waiting| !waiting.turn.is_closed());
        if is_full(state) { Err(self.refusal(state, share)) } else { Ok(()) }
    }

    /// The error for a request that can't have a connection.
    fn refusal(&self, state: &State, Share(share): &Share) -> sqlx::Error {
        self.0.counts.refused.fetch_add(1, Relaxed);
        let own = share.as_ref().is_some_and(|request| state.has(&request.client) > 0);
        if own { AccessError::OwnShare.into() } else { AccessError::Busy.into() }
    }

    /// An idle connection that works. If one is dead, the others probably are too, so all are closed.
    async fn take_idle(&self) -> Option<HostConnection> {
        loop {
            let Idle { mut conn, pinged, .. } = lock(&self.0.state).idle.pop()?;
            if conn.at.elapsed() > MAX_LIFETIME {
                continue;
            }
            if pinged.elapsed() < PING_AFTER || is_alive(&mut conn).await {
                return Some(conn);
            }
            self.close_idle();
        }
    }

    /// Opens a connection; `None` if Postgres has too many and the pool has others.
    async fn connect(&self) -> Result<Option<HostConnection>, sqlx::Error> {
        loop {
            match self.0.hosts.connect(self.0.purpose).await {
                Ok(conn) => {
                    self.0.counts.opened.fetch_add(1, Relaxed);
                    return Ok(Some(conn));
                }
                Err(error) if is_full(&error) => {
                    if self.reduce_capacity() {
                        tokio::time::sleep(RETRY_DELAY).await;
                        return Ok(None);
                    }
                    // Another host can be asked instead of a replica.
                    if self.0.hosts.expected().is_some() {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
            if let Some(others) = self.0.sibling.get().and_then(Weak::upgrade) {
                others.close_one();
            }
            tokio::time::sleep(RETRY_DELAY).await;
        }
    }

    /// Reduces the pool to fewer connections than it has, if it has any: one is left for commands.
    fn reduce_capacity(&self) -> bool {
        let mut state = lock(&self.0.state);
        let there = state.busy.len() + state.idle.len();
        if there > 0 {
            state.capacity = (there - 1).max(1);
            state.reduced_at = Some(Instant::now());
        }
        there > 0
    }

    /// Attempts at a statement that is safe to retry if its connection breaks: one that only reads, or begins a
    /// transaction.
    pub async fn attempts<'a>(&'a self, share: &'a Share) -> Attempts<'a> {
        let part = match share {
            Share(Some(request)) => request.at_once.acquire().await.ok(),
            Share(None) => None,
        };
        Attempts { pool: self, share, retries_left: MAX_RETRIES, _part: part }
    }

    pub async fn begin(&self, share: &Share) -> Result<Change, sqlx::Error> {
        let mut attempts = self.attempts(share).await;
        loop {
            let mut connection = attempts.next().await?;
            if connection.is_in_transaction() {
                return Ok(Change(Some(connection)));
            }
            match begin_now(&mut connection, None).await {
                Ok(()) => return Ok(Change(Some(connection))),
                Err(error) => attempts.retry_or_fail(connection, error)?,
            }
        }
    }

    /// Closes idle connections, because they are dead or belong to the wrong host.
    pub fn close_idle(&self) {
        let idle = std::mem::take(&mut lock(&self.0.state).idle);
        drop(idle);
    }

    /// Open connections, and idle ones among them.
    pub fn count(&self) -> (usize, usize) {
        let state = lock(&self.0.state);
        (state.busy.len() + state.idle.len(), state.idle.len())
    }

    /// Connections in use.
    pub(super) fn used(&self) -> usize {
        lock(&self.0.state).used
    }

    /// Requests in the queue.
    pub fn waiting(&self) -> usize {
        lock(&self.0.state).queue.iter().filter(|waiting| !waiting.turn.is_closed()).count()
    }

    pub fn counts(&self) -> &Counts {
        &self.0.counts
    }

    pub(super) fn succeeded_within(&self, time: Duration) -> bool {
        lock(&self.0.state).last_success.is_some_and(|at| at.elapsed() < time)
    }

    /// Closes idle connections and refuses new requests; returns those whose statements are to be cancelled.
    pub(super) fn close(&self) -> Vec<(usize, i32)> {
        let mut state = lock(&self.0.state);
        state.closed = true;
        let waiting = std::mem::take(&mut state.queue);
        let idle = std::mem::take(&mut state.idle);
        let busy = state.busy.clone();
        drop(state);
        drop((waiting, idle));
        if self.0.control.is_some() { busy } else { Vec::new() }
    }
}

/// Begins a transaction. If that takes too long, the connection must be closed, so that it can't begin later.
async fn begin_now(connection: &mut PgConnection, statements: Option<SqlStr>) -> Result<(), sqlx::Error> {
    let begin = timeout(BEGIN_TIMEOUT, PgTransactionManager::begin(connection, statements));
    begin.await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

async fn is_alive(conn: &mut HostConnection) -> bool {
    matches!(timeout(PING_TIMEOUT, conn.connection.ping()).await, Ok(Ok(())))
}

/// Pings idle connections and closes those that are no longer needed.
async fn ping_idle(pool: Weak<Shared>) {
    loop {
        tokio::time::sleep(PING_INTERVAL).await;
        let Some(shared) = pool.upgrade() else { return };
        if lock(&shared.state).closed {
            return;
        }
        let pool = Connections(shared);
        let idle_long = {
            let mut state = lock(&pool.0.state);
            let idle = std::mem::take(&mut state.idle);
            let (idle_long, recent): (Vec<_>, Vec<_>) =
                idle.into_iter().partition(|idle| idle.pinged.elapsed() > PING_AFTER);
            state.idle = recent;
            idle_long
        };
        let needed = idle_long
            .into_iter()
            .filter(|idle| idle.used.elapsed() < IDLE_TIMEOUT && idle.conn.at.elapsed() < MAX_LIFETIME);
        for mut idle in needed.collect::<Vec<_>>().into_iter().rev() {
            if !is_alive(&mut idle.conn).await {
                pool.close_idle();
                break;
            }
            idle.pinged = Instant::now();
            // The least recently used are first.
            lock(&pool.0.state).idle.insert(0, idle);
        }
        // The pool may have grown again.
        pool.0.serve_queue();
    }
}

pub struct Attempts<'a> {
    pool: &'a Connections,
    share: &'a Share,
    /// Retries left.
    retries_left: u32,
    /// Held while the attempts last.
    _part: Option<SemaphorePermit<'a>>,
}

impl Attempts<'_> {
    pub async fn next(&mut self) -> Result<Connection, sqlx::Error> {
        loop {
            match self.pool.take_for(self.share).await {
                // The transaction through a pooler didn't begin.
                Err(error) if self.pool.0.hosts.pooled().is_some() => self.retry_or(error)?,
                taken => return taken,
            }
        }
    }

    /// Closes a connection after an error. Returns the error unless the statement should be retried.
    pub fn retry_or_fail(&mut self, connection: Connection, error: sqlx::Error) -> Result<(), sqlx::Error> {
        connection.discard(&error);
        self.retry_or(error)
    }

    fn retry_or(&mut self, error: sqlx::Error) -> Result<(), sqlx::Error> {
        if !is_broken(&error) || self.retries_left == 0 {
            return Err(error);
        }
        self.retries_left -= 1;
        Ok(())
    }
}

impl Connection {
    pub fn is_in_transaction(&self) -> bool {
        PgTransactionManager::get_transaction_depth(self) > 0
    }

    /// Returns the connection to the pool.
    pub async fn release(mut self) {
        if self.is_in_transaction()
            && let Err(error) = PgTransactionManager::commit(&mut self).await
        {
            self.discard(&error);
            return;
        }
        let (Some(conn), Some(permit)) = (self.conn.take(), self.permit.take()) else {
            return;
        };
        let mut state = lock(&permit.shared.state);
        state.busy.retain(|busy| *busy != (conn.host, conn.process));
        let now = Instant::now();
        state.last_success = Some(now);
        // Others may have been opened while idle connections were being pinged.
        let beyond = state.busy.len() + state.idle.len() >= state.capacity(permit.shared.size);
        let closed = if state.closed || beyond || std::mem::take(&mut state.close_next) {
            Some(conn)
        } else {
            state.idle.push(Idle { conn, used: now, pinged: now });
            None
        };
        drop(state);
        drop((closed, permit));
    }

    /// Closes the connection after an error. If it was broken, idle ones are closed too.
    pub fn discard(mut self, error: &sqlx::Error) {
        if let (Some(conn), Some(permit)) = (self.conn.take(), self.permit.take()) {
            lock(&permit.shared.state).busy.retain(|busy| *busy != (conn.host, conn.process));
            drop(conn);
            if is_broken(error) {
                Connections(permit.shared.clone()).close_idle();
            }
        }
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.conn.as_ref().expect("not released").connection
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.conn.as_mut().expect("not released").connection
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let (Some(conn), Some(permit)) = (self.conn.take(), self.permit.take()) else {
            return;
        };
        lock(&permit.shared.state).busy.retain(|busy| *busy != (conn.host, conn.process));
        // It counts as used until its statement is cancelled.
        match permit.shared.control.clone() {
            Some(control) => control.cancel(conn, Box::new(permit)),
            None => close_through_pooler(conn, permit),
        }
    }
}

/// Closes a connection through a pooler in the middle of a transaction. The pooler then closes the one to Postgres,
/// which ends the statement once it has noticed.
fn close_through_pooler(conn: HostConnection, permit: Permit) {
    drop(conn);
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move {
            tokio::time::sleep(CHECK_INTERVAL).await;
            drop(permit);
        });
    }
}

/// A transaction; dropping it rolls it back.
pub struct Change(Option<Connection>);

impl Change {
    pub async fn commit(mut self) -> Result<(), sqlx::Error> {
        let Some(mut connection) = self.0.take() else { return Ok(()) };
        match PgTransactionManager::commit(&mut connection).await {
            Ok(()) => connection.release().await,
            Err(error) => {
                connection.discard(&error);
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Deref for Change {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.0.as_ref().expect("not committed")
    }
}

impl DerefMut for Change {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.0.as_mut().expect("not committed")
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(roll_back(connection));
        }
    }
}

/// Rolls back. If a statement is still running and doesn't end soon, it is cancelled. Also finds out whether the
/// server has become read-only.
async fn roll_back(mut connection: Connection) {
    let is_read_only = async {
        PgTransactionManager::rollback(&mut connection).await?;
        let pooled = connection.permit.as_ref().and_then(|permit| permit.shared.hosts.pooled().cloned());
        if pooled.is_some() {
            PgTransactionManager::begin(&mut connection, pooled).await?;
        }
        let query = sqlx::query_scalar("select current_setting('transaction_read_only')::boolean");
        query.fetch_one(&mut *connection).await
    };
    match timeout(ROLLBACK_TIMEOUT, is_read_only).await {
        Ok(Ok(false)) => connection.release().await,
        Ok(Ok(true)) => {
            let pool = connection.permit.as_ref().map(|permit| Connections(permit.shared.clone()));
            connection.discard(&AccessError::ReadOnly.into());
            if let Some(pool) = pool {
                pool.close_idle();
            }
        }
        Ok(Err(error)) => {
            connection.discard(&error);
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

    async fn take_all(pool: &Connections, name: &str, large: bool) -> Vec<Permit> {
        let share = pool.share(&client(name), large);
        let mut permits = Vec::new();
        while let Ok(permit) = pool.acquire(&share, Deadline::now()).await {
            permits.push(permit);
        }
        permits
    }

    #[tokio::test]
    async fn the_next_client_finds_a_free_connection() {
        let pool = pool();
        let mut taken = Vec::new();
        let mut counts = Vec::new();
        for name in ["first", "second", "third", "fourth"] {
            let permits = take_all(&pool, name, false).await;
            counts.push(permits.len());
            taken.push(permits);
        }
        assert_eq!(counts, [4, 2, 1, 0]);
        let own = pool.acquire(&Share::OWN, Deadline::now()).await;
        assert!(own.is_ok(), "one is left for the server itself");
        drop(taken.remove(0));
        assert_eq!(take_all(&pool, "fourth", false).await.len(), 2);
        drop((own, taken));
        let state = lock(&pool.0.state);
        assert_eq!((state.used, state.used_by.len()), (0, 0), "all were released");
    }

    #[tokio::test]
    async fn large_requests_leave_connections_for_small_ones() {
        let pool = pool();
        let mut taken = Vec::new();
        for number in 0..9 {
            taken.push(take_all(&pool, &format!("large-{number}"), true).await);
        }
        assert_eq!(taken.iter().map(Vec::len).sum::<usize>(), 5);
        assert_eq!(take_all(&pool, "small", false).await.len(), 1);
    }

    #[tokio::test]
    async fn the_next_connection_is_for_the_client_with_the_fewest() {
        let pool = pool();
        let own: Vec<Permit> = futures_util::future::join_all(
            (0..8).map(|_| async { pool.acquire(&Share::OWN, Deadline::now()).await.ok() }),
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
                let permit = pool.acquire(&share, Deadline::now() + ACQUIRE_TIMEOUT).await.ok();
                lock(&order).push(name);
                permit
            }));
            tokio::task::yield_now().await;
        }
        let mut held = Vec::new();
        for permit in own {
            drop(permit);
            tokio::task::yield_now().await;
        }
        for waiting in waiting {
            held.push(waiting.await.unwrap());
        }
        assert_eq!(*lock(&order), ["greedy", "modest", "greedy", "greedy"]);
    }

    #[tokio::test]
    async fn a_timed_out_request_reports_whose_requests_it_waited_for() {
        let pool = pool();
        let taken = take_all(&pool, "greedy", false).await;
        let refused =
            pool.acquire(&pool.share(&client("greedy"), false), Deadline::now()).await.err().unwrap();
        assert_eq!(AccessError::of(&refused), Some(AccessError::OwnShare));
        let others = [take_all(&pool, "second", false).await, take_all(&pool, "third", false).await];
        let refused = pool.acquire(&pool.share(&client("late"), false), Deadline::now()).await.err().unwrap();
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
                pool.acquire(&share, Deadline::now() + ACQUIRE_TIMEOUT).await.map(drop)
            })
        };
        let waiting: Vec<_> = (0..MAX_WAITING_PER_CLIENT).map(|_| wait("greedy")).collect();
        while pool.waiting() < MAX_WAITING_PER_CLIENT {
            tokio::task::yield_now().await;
        }
        let refused = wait("greedy").await.unwrap().unwrap_err();
        assert_eq!(AccessError::of(&refused), Some(AccessError::OwnShare));
        assert!(wait("modest").await.unwrap().is_ok());
        waiting.iter().for_each(tokio::task::JoinHandle::abort);
    }
}
