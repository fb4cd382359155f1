//! Connections to read by. They are taken and given back without a word to Postgres: asked each time whether
//! it still is well, a connection would take two round trips for a question that needs one.

use std::{
    io::ErrorKind,
    ops::{Deref, DerefMut},
    time::Duration,
};

use deadpool::{
    Runtime,
    managed::{Manager, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult},
};
use sqlx::{
    Connection,
    postgres::{PgConnectOptions, PgConnection},
};

use super::ACQUIRE;

/// How long a connection is used: what its session gathers at Postgres ends with it.
const LIFETIME: Duration = Duration::from_mins(30);
/// How long to wait before a database that isn't there is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// A pool of connections that nothing is left open on: no transaction, and no statement that was given up.
#[derive(Clone, Debug)]
pub struct Readers(Pool<Connecting>);

/// A connection taken from it. Unless it is given back it is closed, and Postgres gives up what still runs
/// on it.
pub struct Reading(Option<Object<Connecting>>);

#[derive(Debug)]
struct Connecting(PgConnectOptions);

impl Readers {
    pub fn new(options: PgConnectOptions, size: u32) -> Self {
        let pool = Pool::builder(Connecting(options))
            .max_size(size as usize)
            // The one that was used last has the most at hand, here and at Postgres.
            .queue_mode(QueueMode::Lifo)
            .wait_timeout(Some(ACQUIRE))
            .create_timeout(Some(ACQUIRE))
            .runtime(Runtime::Tokio1);
        Readers(pool.build().expect("its timeouts have a runtime"))
    }

    pub async fn take(&self) -> Result<Reading, sqlx::Error> {
        match self.0.get().await {
            Ok(connection) => Ok(Reading(Some(connection))),
            Err(PoolError::Backend(error)) => Err(error),
            Err(PoolError::Closed) => Err(sqlx::Error::PoolClosed),
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// How many connections there are, and how many of them wait.
    pub fn count(&self) -> (usize, usize) {
        let status = self.0.status();
        (status.size, status.available)
    }

    pub fn close(&self) {
        self.0.close();
    }
}

impl Reading {
    /// Gives it back, once what was asked has been answered.
    pub fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Deref for Reading {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.0.as_ref().expect("it was not given back")
    }
}

impl DerefMut for Reading {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.0.as_mut().expect("it was not given back")
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}

impl Manager for Connecting {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<PgConnection, sqlx::Error> {
        loop {
            match PgConnection::connect_with(&self.0).await {
                Err(error) if may_be_starting(&error) => tokio::time::sleep(PAUSE).await,
                connected => return connected,
            }
        }
    }

    async fn recycle(&self, _: &mut PgConnection, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if metrics.age() < LIFETIME {
            Ok(())
        } else {
            Err(RecycleError::message("it was used for long enough"))
        }
    }
}

fn may_be_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == ErrorKind::ConnectionRefused,
        // cannot_connect_now
        sqlx::Error::Database(refused) => refused.code().as_deref() == Some("57P03"),
        _ => false,
    }
}
