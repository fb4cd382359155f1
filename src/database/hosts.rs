//! The hosts of the database, and which of them to connect to.

use std::{
    io::ErrorKind,
    sync::{
        Mutex,
        atomic::{AtomicI32, AtomicI64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{
    SqlStr,
    postgres::{PgConnectOptions, PgConnection, PgTransactionManager},
};
use sqlx_core::transaction::TransactionManager;
use tokio::time::timeout;

use crate::{
    config::address::{Address, Attributes, Host},
    database::error::AccessError,
    sync::lock,
};

/// Timeout for one of several hosts, unless `connect_timeout` is set.
const HOST_TIMEOUT: Duration = Duration::from_secs(5);
/// The same for a replica: another host can be asked instead.
const REPLICA_TIMEOUT: Duration = Duration::from_secs(2);
const RETRY_DELAY: Duration = Duration::from_millis(100);
/// After how long waiting for the database at startup is logged, and how much longer it lasts.
const LOG_AFTER: Duration = Duration::from_secs(2);
const GIVE_UP_AFTER: Duration = Duration::from_secs(28);

/// The next number of a connection through a pooler; no process has one below 0.
static POOLED: AtomicI32 = AtomicI32::new(-1);

impl Attributes {
    /// Accepted attributes, in order of preference.
    fn preferences(self) -> &'static [Attributes] {
        match self {
            Attributes::PreferStandby => &[Attributes::Standby, Attributes::Any],
            Attributes::Any => &[Attributes::Any],
            Attributes::ReadWrite => &[Attributes::ReadWrite],
            Attributes::ReadOnly => &[Attributes::ReadOnly],
            Attributes::Primary => &[Attributes::Primary],
            Attributes::Standby => &[Attributes::Standby],
        }
    }

    fn matches(self, conn: &HostConnection) -> bool {
        match self {
            Attributes::Any | Attributes::PreferStandby => true,
            Attributes::ReadWrite => !conn.read_only,
            Attributes::ReadOnly => conn.read_only,
            Attributes::Primary => !conn.in_recovery,
            Attributes::Standby => conn.in_recovery,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Purpose {
    Reading,
    Writing,
}

/// A new connection and the state of its host.
pub struct HostConnection {
    pub connection: PgConnection,
    /// Backend process id, for cancelling; through a pooler only a number of its own.
    pub process: i32,
    pub host: usize,
    pub at: Instant,
    read_only: bool,
    in_recovery: bool,
}

impl HostConnection {
    pub fn is_standby(&self) -> bool {
        self.in_recovery
    }
}

#[derive(Debug)]
pub struct Hosts {
    all: Vec<Host>,
    attributes: Option<Attributes>,
    limit: Option<Duration>,
    /// The last known writable host.
    writable: AtomicUsize,
    /// Of a replica: what a new connection must find.
    expected: Option<Expected>,
    /// If they are a pooler in transaction mode: the statements that begin a transaction there.
    pooled: Option<SqlStr>,
}

/// What is known of a replica. After a restart it may be at an older state for a while, or another one in its place.
#[derive(Debug, Default)]
pub struct Expected {
    /// When it was started, in microseconds.
    pub started: AtomicI64,
    /// A revision that it has replayed.
    pub replayed: AtomicI64,
}

impl Expected {
    async fn check(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let sql = "select (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint,
                          (select coalesce(max(id), 0) from revisions)";
        let found = sqlx::query_as(sql).persistent(false).fetch_one(connection).await?;
        let (started, replayed): (i64, i64) = found;
        let is_expected = started == self.started.load(Ordering::Relaxed)
            && replayed >= self.replayed.load(Ordering::Relaxed);
        if is_expected { Ok(()) } else { Err(AccessError::Restarted.into()) }
    }
}

impl Hosts {
    pub fn new(address: Address, prepare: impl Fn(PgConnectOptions) -> PgConnectOptions) -> Self {
        let Address { hosts, attributes, limit } = address;
        let all = hosts.into_iter().map(|Host { name, options }| Host { name, options: prepare(options) });
        let (writable, expected, pooled) = (AtomicUsize::new(0), None, None);
        Hosts { all: all.collect(), attributes, limit, writable, expected, pooled }
    }

    /// A pooler in transaction mode. A session lasts as long as a transaction there, so each one begins with the
    /// settings.
    pub fn pooler(
        address: Address,
        prepare: impl Fn(PgConnectOptions) -> PgConnectOptions,
        begin: SqlStr,
    ) -> Self {
        Hosts { pooled: Some(begin), ..Self::new(address, prepare) }
    }

    /// If they are a pooler in transaction mode: the statements that begin a transaction there.
    pub fn pooled(&self) -> Option<&SqlStr> {
        self.pooled.as_ref()
    }

    /// A replica, which is never waited for: another host can be asked instead.
    pub fn replica(host: Host, limit: Option<Duration>) -> Self {
        let limit = limit.or(Some(REPLICA_TIMEOUT));
        let (all, expected) = (vec![host], Some(Expected::default()));
        Hosts { all, attributes: None, limit, writable: AtomicUsize::new(0), expected, pooled: None }
    }

    /// Of a replica: what a new connection must find.
    pub fn expected(&self) -> Option<&Expected> {
        self.expected.as_ref()
    }

    /// The writable host.
    pub fn writable(&self) -> (usize, &PgConnectOptions) {
        let host = self.writable.load(Ordering::Relaxed);
        (host, &self.all[host].options)
    }

    pub fn options(&self, host: usize) -> &PgConnectOptions {
        &self.all[host].options
    }

    pub fn is_multi_host(&self) -> bool {
        self.all.len() > 1
    }

    fn names(&self) -> String {
        self.all.iter().map(|host| host.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Connects to the first suitable host; waits for one that is starting.
    pub async fn connect(&self, purpose: Purpose) -> Result<HostConnection, sqlx::Error> {
        loop {
            match self.connect_now(purpose).await {
                Err(error) if may_be_starting(&error) && self.expected.is_none() => {
                    tokio::time::sleep(RETRY_DELAY).await;
                }
                connected => return connected,
            }
        }
    }

    /// Connects at startup: logs what it waits for, and times out.
    pub async fn connect_at_startup(&self) -> Result<HostConnection, sqlx::Error> {
        self.with_retry(async || match self.connect_now(Purpose::Writing).await {
            Err(error) if AccessError::of(&error) == Some(AccessError::ReadOnly) => {
                self.connect_now(Purpose::Reading).await
            }
            connected => connected,
        })
        .await
    }

    /// Retries while the database is starting or has too many connections. Logs what it waits for, and times out.
    pub async fn with_retry<T>(
        &self,
        mut connect: impl AsyncFnMut() -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let refused = Mutex::new(None);
        let attempt = async {
            loop {
                match connect().await {
                    Err(error) if is_full(&error) || is_starting(&error) => *lock(&refused) = Some(error),
                    result => return result,
                }
                tokio::time::sleep(RETRY_DELAY).await;
            }
        };
        let mut attempt = std::pin::pin!(attempt);
        if let Ok(result) = timeout(LOG_AFTER, &mut attempt).await {
            return result;
        }
        let what = match &*lock(&refused) {
            Some(error) if is_full(error) => "a free connection to ",
            _ => "",
        };
        tracing::warn!(
            "waiting for {what}the database at {} (up to {} s)",
            self.names(),
            GIVE_UP_AFTER.as_secs()
        );
        if let Ok(result) = timeout(GIVE_UP_AFTER, attempt).await {
            return result;
        }
        Err(lock(&refused).take().unwrap_or_else(|| {
            let reason = format!(
                "{} did not respond within {} s",
                self.names(),
                (LOG_AFTER + GIVE_UP_AFTER).as_secs()
            );
            sqlx::Error::Io(std::io::Error::new(ErrorKind::TimedOut, reason))
        }))
    }

    async fn connect_now(&self, purpose: Purpose) -> Result<HostConnection, sqlx::Error> {
        let attributes = match (purpose, self.attributes) {
            (Purpose::Writing, _) => Attributes::ReadWrite.preferences(),
            (Purpose::Reading, Some(attributes)) => attributes.preferences(),
            // Read your writes: a standby only if nothing else responds.
            (Purpose::Reading, None) if self.is_multi_host() => &[Attributes::ReadWrite, Attributes::Any],
            (Purpose::Reading, None) => Attributes::Any.preferences(),
        };
        let first = self.writable.load(Ordering::Relaxed);
        let order = std::iter::once(first).chain((0..self.all.len()).filter(|host| *host != first));
        let (mut others, mut failed) = (Vec::new(), None);
        for host in order {
            match self.connect_to(host, purpose).await {
                Ok(conn) if attributes[0].matches(&conn) => return Ok(self.record_writable(conn)),
                Ok(conn) => others.push(conn),
                Err(error) => failed = Some(error),
            }
        }
        for preference in &attributes[1..] {
            if let Some(found) = others.iter().position(|conn| preference.matches(conn)) {
                return Ok(self.record_writable(others.swap_remove(found)));
            }
        }
        match failed {
            Some(error) if others.is_empty() => Err(error),
            _ if attributes[0] == Attributes::ReadWrite => Err(AccessError::ReadOnly.into()),
            _ => Err(AccessError::Unfit.into()),
        }
    }

    fn record_writable(&self, conn: HostConnection) -> HostConnection {
        if !conn.read_only {
            self.writable.store(conn.host, Ordering::Relaxed);
        }
        conn
    }

    pub async fn connect_to(&self, host: usize, purpose: Purpose) -> Result<HostConnection, sqlx::Error> {
        use sqlx::{ConnectOptions, Connection};
        let options = match purpose {
            // `telemetry::statement` logs the statements of readers.
            Purpose::Reading => self.all[host].options.clone().disable_statement_logging(),
            Purpose::Writing => self.all[host].options.clone(),
        };
        let connect = async {
            let mut connection = PgConnection::connect_with(&options).await?;
            if let Some(begin) = &self.pooled {
                PgTransactionManager::begin(&mut connection, Some(begin.clone())).await?;
            }
            let about = "select pg_backend_pid(), current_setting('transaction_read_only')::boolean, pg_is_in_recovery()";
            let about = sqlx::query_as(about).persistent(false).fetch_one(&mut connection).await?;
            let (mut process, read_only, in_recovery): (i32, bool, bool) = about;
            if self.pooled.is_some() {
                PgTransactionManager::commit(&mut connection).await?;
                // The next transaction may run in another process.
                process = POOLED.fetch_sub(1, Ordering::Relaxed);
            }
            if let Some(expected) = &self.expected {
                expected.check(&mut connection).await?;
            }
            Ok(HostConnection { connection, process, host, at: Instant::now(), read_only, in_recovery })
        };
        let limit = self.limit.or(self.is_multi_host().then_some(HOST_TIMEOUT));
        let Some(limit) = limit else { return connect.await };
        let silent = || sqlx::Error::Io(ErrorKind::TimedOut.into());
        timeout(limit, connect).await.unwrap_or_else(|_| Err(silent()))
    }
}

/// Whether the host may be starting or restarting.
fn may_be_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => matches!(
            error.kind(),
            ErrorKind::ConnectionRefused
                // The Unix socket is missing during a restart.
                | ErrorKind::NotFound
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
                | ErrorKind::UnexpectedEof
        ),
        // admin_shutdown, crash_shutdown, cannot_connect_now
        sqlx::Error::Database(refused) => {
            matches!(refused.code().as_deref(), Some("57P01" | "57P02" | "57P03"))
        }
        _ => false,
    }
}

fn is_starting(error: &sqlx::Error) -> bool {
    // cannot_connect_now
    error.as_database_error().is_some_and(|refused| refused.code().as_deref() == Some("57P03"))
}

/// Whether Postgres has too many connections.
pub fn is_full(error: &sqlx::Error) -> bool {
    // too_many_connections
    error.as_database_error().is_some_and(|refused| refused.code().as_deref() == Some("53300"))
}

/// Whether the connection can't be used any more.
pub fn is_broken(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        // admin_shutdown, crash_shutdown, cannot_connect_now, idle_session_timeout, connection exceptions
        sqlx::Error::Database(refused) => refused.code().is_some_and(|code| {
            matches!(&*code, "57P01" | "57P02" | "57P03" | "57P05") || code.starts_with("08")
        }),
        _ => false,
    }
}
