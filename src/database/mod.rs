//! The database: found or started, migrated, and reached through one pool.

mod account;
mod binaries;
pub mod embedded;
mod migrations;
mod readers;

use std::{io, path::Path, str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    Connection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgConnection, PgListener, PgPoolOptions},
};

pub use self::{migrations::Migration, readers::Readers};
use crate::config::Config;

/// How long a connection may be waited for.
const ACQUIRE: Duration = Duration::from_secs(10);
/// How long the database may take to say that it is well.
const WELL: Duration = Duration::from_secs(2);

/// Why the database can't be used: one line for whoever runs Dossier.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the embedded Postgres: {0}")]
    Embedded(String),
    #[error("{0}")]
    Binaries(String),
    #[error("{}", no_binaries(*wanted, passed_over))]
    NoBinaries { wanted: Option<u32>, passed_over: Vec<String> },
    #[error("can't connect to the database: {0}")]
    Connect(String),
    #[error("Postgres {0} is too old: Dossier needs {oldest} or newer", oldest = binaries::OLDEST)]
    TooOld(u32),
    #[error("{0}")]
    Migration(String),
    #[error("the database doesn't answer")]
    Silent,
    #[error("{0} migrations are still to be applied")]
    Pending(usize),
}

impl Error {
    fn folder(path: &Path, error: &io::Error) -> Self {
        Error::Embedded(format!("{}: {error}", path.display()))
    }
}

fn no_binaries(wanted: Option<u32>, passed_over: &[String]) -> String {
    let version =
        wanted.map_or("15 or newer".to_owned(), |major| format!("{major}, the version of the data"));
    let mut text = format!(
        "no Postgres {version} was found, and none could be fetched. Install one with its contrib extensions \
         (Debian: apt install postgresql), or set PG_BIN to its folder, or set DATABASE_URL to a server that runs, \
         such as: docker run -e POSTGRES_PASSWORD=dossier -p 5432:5432 postgres:18"
    );
    for reason in passed_over {
        text.push_str("\n  passed over: ");
        text.push_str(reason);
    }
    text
}

/// The connections, and the Postgres behind them where it is ours.
#[derive(Clone, Debug)]
pub struct Database {
    pool: PgPool,
    readers: Readers,
    options: PgConnectOptions,
    embedded: Option<Arc<embedded::Postgres>>,
}

impl Database {
    /// Connects to `DATABASE_URL`; without one, starts the embedded Postgres first.
    pub async fn open(config: &Config) -> Result<Self, Error> {
        let (options, embedded) = match &config.database_url {
            Some(url) => (PgConnectOptions::from_str(url).map_err(|error| connect_error(&error))?, None),
            None => {
                let root = config.data_dir.clone().unwrap_or_else(account::data_folder);
                let pg_bin = config.pg_bin.clone();
                let start = move || {
                    embedded::Postgres::start(&root, pg_bin.as_deref(), embedded::Durability::Durable)
                };
                let postgres = tokio::task::spawn_blocking(start).await;
                let postgres = postgres.map_err(|error| Error::Embedded(error.to_string()))??;
                let options = postgres.connect_options("dossier");
                create_database(&postgres, "dossier").await?;
                (options, Some(Arc::new(postgres)))
            }
        };
        let timeout = config.request_timeout.as_millis().to_string();
        let options = options.application_name("dossier").statement_cache_capacity(512).options([
            ("statement_timeout", timeout.as_str()),
            // Whose client has gone is given up: by a timeout of ours, or by the client's own end.
            ("client_connection_check_interval", "1s"),
            // Compiling a plan takes seconds where running it takes milliseconds, and heeds no timeout meanwhile.
            ("jit", "off"),
            // How like a part of a name must be to what is searched for: Tokaev and Tokayev.
            ("pg_trgm.word_similarity_threshold", "0.5"),
        ]);
        let mut first = PgConnection::connect_with(&options).await.map_err(|error| connect_error(&error))?;
        check_version(&mut first).await?;
        let _ = first.close().await;
        let pool = PgPoolOptions::new()
            .max_connections(config.database_pool_size)
            .acquire_timeout(ACQUIRE)
            .connect_lazy_with(options.clone());
        let readers = Readers::new(options.clone(), config.database_pool_size);
        Ok(Database { pool, readers, options, embedded })
    }

    /// Connections for what writes, and for what is seldom asked.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Connections for what only reads.
    pub fn readers(&self) -> &Readers {
        &self.readers
    }

    /// Applies what is still to be applied, and tells it. Safe from several processes at once.
    pub async fn migrate(&self) -> Result<Vec<Migration>, Error> {
        let mut connection = self.connect_for_migrations().await?;
        let pending = migrations::pending(&mut connection).await?;
        migrations::apply(&mut connection).await?;
        let _ = connection.close().await;
        if !pending.is_empty() {
            tracing::info!("applied {} migrations", pending.len());
        }
        Ok(pending)
    }

    /// What is still to be applied.
    pub async fn pending(&self) -> Result<Vec<Migration>, Error> {
        let mut connection = self.connect_for_migrations().await?;
        // Looking changes nothing: the list of migrations, where there is none yet, is taken back.
        let mut look = connection.begin().await.map_err(|error| connect_error(&error))?;
        let pending = migrations::pending(&mut look).await?;
        look.rollback().await.map_err(|error| connect_error(&error))?;
        let _ = connection.close().await;
        Ok(pending)
    }

    /// A connection that may take its time, and that nobody else migrates beside.
    async fn connect_for_migrations(&self) -> Result<PgConnection, Error> {
        let options = self.options.clone().options([("statement_timeout", "0")]);
        let mut connection =
            PgConnection::connect_with(&options).await.map_err(|error| connect_error(&error))?;
        migrations::lock(&mut connection).await?;
        Ok(connection)
    }

    /// Begins a change that `requester` asks for. Without one the database refuses changes.
    pub async fn write(&self, requester: &str) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let mut change = self.pool.begin().await?;
        sqlx::query("select set_config('dossier.requester', $1, true)")
            .bind(requester)
            .execute(&mut *change)
            .await?;
        Ok(change)
    }

    /// Listens on a channel of notifications, by a connection of its own.
    pub async fn listen(&self, channel: &str) -> Result<PgListener, sqlx::Error> {
        let own = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let options = self.options.clone().application_name("dossier listening");
        let own = own.acquire_timeout(ACQUIRE).connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&own).await?;
        listener.listen(channel).await?;
        Ok(listener)
    }

    /// Whether questions can be answered now.
    pub async fn ready(&self) -> Result<(), Error> {
        let asked =
            sqlx::query_scalar::<_, Option<i64>>("select max(version) from _sqlx_migrations where success")
                .fetch_one(&self.pool);
        match tokio::time::timeout(WELL, asked).await {
            Ok(Ok(applied)) => match migrations::newer_than(applied) {
                0 => Ok(()),
                missing => Err(Error::Pending(missing)),
            },
            Ok(Err(_)) | Err(_) => Err(Error::Silent),
        }
    }

    /// Closes the connections, and stops Postgres if it is ours.
    pub async fn close(self) {
        self.readers.close();
        // Statements that were given up may hold their connections yet.
        let _ = tokio::time::timeout(WELL, self.pool.close()).await;
        if let Some(postgres) = self.embedded {
            let _ = tokio::task::spawn_blocking(move || postgres.stop()).await;
        }
    }
}

/// Creates a database that isn't there; two of us at once are as good as one.
async fn create_database(postgres: &embedded::Postgres, name: &str) -> Result<(), Error> {
    let options = postgres.connect_options("postgres");
    let mut connection = PgConnection::connect_with(&options).await.map_err(|error| connect_error(&error))?;
    let is_there =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1)").bind(name);
    let is_there: bool = is_there.fetch_one(&mut connection).await.map_err(|error| connect_error(&error))?;
    if !is_there {
        let create = sqlx::AssertSqlSafe(format!("create database \"{name}\""));
        match sqlx::query(create).execute(&mut connection).await {
            // duplicate_database, or the same met while both were writing
            Err(sqlx::Error::Database(error))
                if matches!(error.code().as_deref(), Some("42P04" | "23505")) => {}
            created => {
                created.map_err(|error| connect_error(&error))?;
            }
        }
    }
    let _ = connection.close().await;
    Ok(())
}

async fn check_version(connection: &mut PgConnection) -> Result<(), Error> {
    let number = sqlx::query_scalar("select current_setting('server_version_num')::integer");
    let number: i32 = number.fetch_one(connection).await.map_err(|error| connect_error(&error))?;
    let major = u32::try_from(number / 10_000).unwrap_or(0);
    if major < binaries::OLDEST { Err(Error::TooOld(major)) } else { Ok(()) }
}

/// What a connection failed of, and what to look at; never the address with its password.
fn connect_error(error: &sqlx::Error) -> Error {
    Error::Connect(public_cause(error))
}

fn public_cause(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(refused) => match refused.code().as_deref() {
            Some("28P01" | "28000") => {
                format!("{} (look at the user and password of DATABASE_URL)", refused.message())
            }
            Some("3D000") => format!("{} (create it, or name another in DATABASE_URL)", refused.message()),
            Some("42501") => {
                format!("{} (the database's user needs the right to create in it)", refused.message())
            }
            _ => refused.message().to_owned(),
        },
        sqlx::Error::Io(error) => {
            format!("{error} (look at the host and port of DATABASE_URL, and whether it runs)")
        }
        sqlx::Error::Tls(error) => format!("{error} (look at the sslmode of DATABASE_URL)"),
        sqlx::Error::PoolTimedOut => "no connection was free in time".to_owned(),
        other => other.to_string(),
    }
}
