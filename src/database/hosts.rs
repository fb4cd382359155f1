//! The hosts of a database: which of them answers, and takes what is to be done there.

use std::{
    io::ErrorKind,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::time::timeout;

use crate::{
    config::address::{Address, Attributes, Host},
    database::error::AccessError,
    sync::lock,
};

/// How long one of several hosts may take to answer, where the address doesn't say.
const ANSWER: Duration = Duration::from_secs(5);
/// How long to wait before a database that is starting, or has no connection left, is tried again.
const PAUSE: Duration = Duration::from_millis(100);
/// After how long whoever starts Dossier is told of a silent database, and how much later it is given up.
const TOLD: Duration = Duration::from_secs(2);
const SILENT: Duration = Duration::from_secs(28);

impl Attributes {
    /// What is looked for first, and if none is like that.
    fn choices(self) -> &'static [Attributes] {
        match self {
            Attributes::PreferStandby => &[Attributes::Standby, Attributes::Any],
            Attributes::Any => &[Attributes::Any],
            Attributes::ReadWrite => &[Attributes::ReadWrite],
            Attributes::ReadOnly => &[Attributes::ReadOnly],
            Attributes::Primary => &[Attributes::Primary],
            Attributes::Standby => &[Attributes::Standby],
        }
    }

    fn fit(self, made: &Made) -> bool {
        match self {
            Attributes::Any | Attributes::PreferStandby => true,
            Attributes::ReadWrite => !made.read_only,
            Attributes::ReadOnly => made.read_only,
            Attributes::Primary => !made.in_recovery,
            Attributes::Standby => made.in_recovery,
        }
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wanted {
    Reading,
    Writing,
}

/// A connection that was made, and what it is connected to.
pub struct Made {
    pub connection: PgConnection,
    /// The process that serves it, by which it is cancelled.
    pub process: i32,
    pub host: usize,
    pub at: Instant,
    read_only: bool,
    in_recovery: bool,
}

#[derive(Debug)]
pub struct Hosts {
    all: Vec<Host>,
    attributes: Option<Attributes>,
    limit: Option<Duration>,
    /// The one that took changes last.
    writable: AtomicUsize,
}

impl Hosts {
    pub fn new(address: Address, prepare: impl Fn(PgConnectOptions) -> PgConnectOptions) -> Self {
        let Address { hosts, attributes, limit } = address;
        let all = hosts.into_iter().map(|Host { name, options }| Host { name, options: prepare(options) });
        Hosts { all: all.collect(), attributes, limit, writable: AtomicUsize::new(0) }
    }

    /// How to connect to the one that takes changes.
    pub fn writable(&self) -> (usize, &PgConnectOptions) {
        let host = self.writable.load(Ordering::Relaxed);
        (host, &self.all[host].options)
    }

    pub fn options(&self, host: usize) -> &PgConnectOptions {
        &self.all[host].options
    }

    pub fn several(&self) -> bool {
        self.all.len() > 1
    }

    fn names(&self) -> String {
        self.all.iter().map(|host| host.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Connects to the first host that is as wanted; one that is starting is waited for.
    pub async fn connect(&self, wanted: Wanted) -> Result<Made, sqlx::Error> {
        loop {
            match self.connect_now(wanted).await {
                Err(error) if may_be_starting(&error) => tokio::time::sleep(PAUSE).await,
                connected => return connected,
            }
        }
    }

    /// Connects as somebody does who starts Dossier: tells what is waited for, and ends.
    pub async fn connect_first(&self) -> Result<Made, sqlx::Error> {
        self.patiently(async || match self.connect_now(Wanted::Writing).await {
            Err(error) if AccessError::of(&error) == Some(AccessError::ReadOnly) => {
                self.connect_now(Wanted::Reading).await
            }
            connected => connected,
        })
        .await
    }

    /// What a command asks of the database: where it is silent, is starting, or has no connection left, the log
    /// says what is waited for, and after a limit it is given up.
    pub async fn patiently<T>(
        &self,
        mut ask: impl AsyncFnMut() -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let refused = Mutex::new(None);
        let asked = async {
            loop {
                match ask().await {
                    Err(error) if is_full(&error) || is_starting(&error) => *lock(&refused) = Some(error),
                    answered => return answered,
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        let mut asked = std::pin::pin!(asked);
        if let Ok(answered) = timeout(TOLD, &mut asked).await {
            return answered;
        }
        let what = match &*lock(&refused) {
            Some(error) if is_full(error) => "a free connection to ",
            _ => "",
        };
        tracing::warn!("waiting for {what}the database at {} (up to {} s)", self.names(), SILENT.as_secs());
        if let Ok(answered) = timeout(SILENT, asked).await {
            return answered;
        }
        Err(lock(&refused).take().unwrap_or_else(|| {
            let reason = format!("{} did not respond within {} s", self.names(), (TOLD + SILENT).as_secs());
            sqlx::Error::Io(std::io::Error::new(ErrorKind::TimedOut, reason))
        }))
    }

    async fn connect_now(&self, wanted: Wanted) -> Result<Made, sqlx::Error> {
        let attributes = match (wanted, self.attributes) {
            (Wanted::Writing, _) => Attributes::ReadWrite.choices(),
            (Wanted::Reading, Some(attributes)) => attributes.choices(),
            // What was written is read at once: not from a standby, unless there is nothing else.
            (Wanted::Reading, None) if self.several() => &[Attributes::ReadWrite, Attributes::Any],
            (Wanted::Reading, None) => Attributes::Any.choices(),
        };
        let first = self.writable.load(Ordering::Relaxed);
        let order = std::iter::once(first).chain((0..self.all.len()).filter(|host| *host != first));
        let (mut others, mut failed) = (Vec::new(), None);
        for host in order {
            match self.connect_to(host, wanted).await {
                Ok(made) if attributes[0].fit(&made) => return Ok(self.note(made)),
                Ok(made) => others.push(made),
                Err(error) => failed = Some(error),
            }
        }
        for choice in &attributes[1..] {
            if let Some(found) = others.iter().position(|made| choice.fit(made)) {
                return Ok(self.note(others.swap_remove(found)));
            }
        }
        match failed {
            Some(error) if others.is_empty() => Err(error),
            _ if attributes[0] == Attributes::ReadWrite => Err(AccessError::ReadOnly.into()),
            _ => Err(AccessError::Unfit.into()),
        }
    }

    fn note(&self, made: Made) -> Made {
        if !made.read_only {
            self.writable.store(made.host, Ordering::Relaxed);
        }
        made
    }

    /// Connects to one host, whatever it is.
    pub async fn connect_to(&self, host: usize, wanted: Wanted) -> Result<Made, sqlx::Error> {
        use sqlx::{ConnectOptions, Connection};
        let options = match wanted {
            // What reads logs its statements itself: `telemetry::statement`.
            Wanted::Reading => self.all[host].options.clone().disable_statement_logging(),
            Wanted::Writing => self.all[host].options.clone(),
        };
        let connect = async {
            let mut connection = PgConnection::connect_with(&options).await?;
            let about = "select pg_backend_pid(), current_setting('transaction_read_only')::boolean, pg_is_in_recovery()";
            let about = sqlx::query_as(about).persistent(false).fetch_one(&mut connection).await?;
            let (process, read_only, in_recovery): (i32, bool, bool) = about;
            Ok(Made { connection, process, host, at: Instant::now(), read_only, in_recovery })
        };
        let limit = self.limit.or(self.several().then_some(ANSWER));
        let Some(limit) = limit else { return connect.await };
        let silent = || sqlx::Error::Io(ErrorKind::TimedOut.into());
        timeout(limit, connect).await.unwrap_or_else(|_| Err(silent()))
    }
}

/// Whether it may be there in a moment: it starts, or stops to start again.
fn may_be_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => matches!(
            error.kind(),
            ErrorKind::ConnectionRefused
                // Of a socket, which is gone meanwhile.
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

/// Whether it answers, and will take connections in a moment.
fn is_starting(error: &sqlx::Error) -> bool {
    // cannot_connect_now
    error.as_database_error().is_some_and(|refused| refused.code().as_deref() == Some("57P03"))
}

/// Whether Postgres has no connection left for us.
pub fn is_full(error: &sqlx::Error) -> bool {
    // too_many_connections
    error.as_database_error().is_some_and(|refused| refused.code().as_deref() == Some("53300"))
}

/// Whether a connection is of no use any more, whatever was asked on it.
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
