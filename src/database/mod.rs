//! The database: found or started, migrated, and reached through one pool.

pub mod account;
pub mod binaries;
pub mod children;
pub mod client;
pub mod connections;
pub mod control;
pub mod embedded;
pub mod error;
pub mod hosts;
pub mod migrations;
pub mod preflight;
pub mod reader;
pub mod remembered;
pub mod sizes;
pub mod statement;

use std::{io, path::Path, sync::Arc, time::Duration};

use sqlx::{
    ConnectOptions, Connection, PgPool,
    postgres::{PgConnectOptions, PgConnection, PgListener, PgPoolOptions},
};

use crate::{
    config::{Config, address::Address},
    database::{
        connections::Connections,
        control::{Control, Seen},
        embedded::Create,
        error::in_words,
        hosts::{Hosts, Wanted},
        migrations::{Migration, Status},
    },
};

/// How long a connection may take to be made.
const ACQUIRE: Duration = Duration::from_secs(10);
/// How long connections may take to be closed.
const CLOSE: Duration = Duration::from_secs(2);
/// A pool that answered so lately is as good as an answer to whether the database can be read.
const LATELY: Duration = Duration::from_secs(5);
/// How long a connection may take to say that it is well.
const WELL: Duration = Duration::from_millis(500);

/// Why the database can't be used: one line for whoever runs Dossier.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("embedded Postgres: {0}")]
    Embedded(String),
    #[error("{0}")]
    Binaries(String),
    #[error("{}", no_binaries(*wanted, passed_over))]
    NoBinaries { wanted: Option<u32>, passed_over: Vec<String> },
    #[error("can't connect to the database: {0}")]
    Connect(String),
    #[error("Postgres {0} is too old; Dossier needs Postgres {oldest} or newer", oldest = binaries::OLDEST)]
    TooOld(u32),
    #[error(
        "the database has the encoding {0}, but Dossier needs UTF8; create one with: \
         create database … encoding 'UTF8' template template0"
    )]
    Encoding(String),
    #[error("{0}")]
    Migration(String),
    #[error(
        "the database holds tables of another program ({0}); to use it anyway, run once: \
         dossier migrate --yes. To keep the tables apart, set DATABASE_SCHEMA"
    )]
    Foreign(String),
    #[error("the database has no Dossier tables yet; create them with: dossier migrate")]
    Empty,
    #[error("{0} migrations are pending; apply them with: dossier migrate")]
    Behind(usize),
    #[error(
        "the database has migration {0:04}, which is newer than this version of Dossier; run a newer version"
    )]
    Ahead(i64),
    #[error("the database doesn't respond")]
    Silent,
    #[error("the database is read-only")]
    ReadOnly,
    /// The tables and sequences, for the log alone.
    #[error("the database user lacks a privilege that writes need")]
    Forbidden(String),
    #[error("Postgres has too many connections; check max_connections")]
    Full,
    #[error("{0} migrations are pending")]
    Pending(usize),
}

impl Error {
    fn folder(path: &Path, error: &io::Error) -> Self {
        Error::Embedded(format!("{}: {error}", path.display()))
    }

    fn stopped() -> Self {
        Error::Embedded("stopped during startup".to_owned())
    }
}

fn no_binaries(wanted: Option<u32>, passed_over: &[String]) -> String {
    let version =
        wanted.map_or("15 or newer".to_owned(), |major| format!("{major} (the version of the data)"));
    let mut text = format!(
        "Postgres {version} was not found and could not be downloaded. Install it with its contrib extensions \
         (Debian: apt install postgresql), or set PG_BIN to its directory, or set DATABASE_URL to a running server, \
         such as: docker run -e POSTGRES_PASSWORD=dossier -p 5432:5432 postgres:18"
    );
    for reason in passed_over {
        text.push_str("\n  not usable: ");
        text.push_str(reason);
    }
    text
}

/// What can be done with the database now.
#[derive(Debug)]
pub struct Readiness {
    pub reading: bool,
    pub writing: bool,
    /// Why not both.
    pub reason: Option<Error>,
}

/// The connections, and the Postgres behind them where it is ours.
#[derive(Clone)]
pub struct Database {
    pool: PgPool,
    readers: Connections,
    writers: Connections,
    control: Control,
    hosts: Arc<Hosts>,
    options: PgConnectOptions,
    embedded: Option<Arc<embedded::Postgres>>,
    /// The schema that `DATABASE_SCHEMA` names.
    schema: Option<String>,
    /// The schema in use, or to be used.
    current_schema: String,
}

impl Database {
    /// Connects to `DATABASE_URL`; without one, starts the embedded Postgres first, and makes its data where
    /// there are none.
    pub async fn open(config: &Config) -> Result<Self, Error> {
        Self::open_or(config, Create::IfNew).await
    }

    pub async fn open_or(config: &Config, create: Create) -> Result<Self, Error> {
        let (address, embedded) = match &config.database_url {
            Some(url) => (
                Address::parse(url)
                    .map_err(|wrong| Error::Connect(format!("DATABASE_URL is invalid: {wrong}")))?,
                None,
            ),
            None => {
                let root = config.data_dir.clone().unwrap_or_else(account::data_folder);
                let postgres = embedded::Postgres::open(&root, config.pg_bin.as_deref(), create).await?;
                let options = postgres.connect_options("dossier");
                create_database(&postgres, "dossier").await?;
                (Address::of(options), Some(Arc::new(postgres)))
            }
        };
        let schema = config.database_schema.clone();
        let hosts = Hosts::new(address, |options| prepared(options, config));
        let hosts = Arc::new(hosts);
        let mut first = hosts.connect_first().await.map_err(|error| connect_error(&error))?;
        let found = preflight::check(&mut first.connection).await?;
        let current_schema = schema.clone().or(found).unwrap_or_else(|| "public".to_owned());
        let options = hosts.options(first.host).clone();
        let _ = first.connection.close().await;
        let pool = PgPoolOptions::new()
            .max_connections(config.database_pool_size)
            .acquire_timeout(ACQUIRE)
            .before_acquire(|connection, _| Box::pin(is_well(connection)))
            .connect_lazy_with(options.clone());
        let control = Control::new(hosts.clone());
        let size = config.database_pool_size;
        // Who waits for a connection is told so before they are told that it took too long.
        let patience = config.request_timeout * 2 / 3;
        let pool_of = |wanted| Connections::new(hosts.clone(), wanted, size, patience, control.clone());
        let (readers, writers) = (pool_of(Wanted::Reading), pool_of(Wanted::Writing));
        readers.share_with(&writers);
        Ok(Database { pool, readers, writers, control, hosts, options, embedded, schema, current_schema })
    }

    /// What is used, in a line for whoever typed a command.
    pub fn describe(&self, config: &Config) -> String {
        preflight::describe(config, &self.options, &self.current_schema)
    }

    /// Connections for what is seldom asked.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Connections for what only reads.
    pub fn readers(&self) -> &Connections {
        &self.readers
    }

    /// Connections for what writes.
    pub fn writers(&self) -> &Connections {
        &self.writers
    }

    /// Applies what is still to be applied, and tells it. Safe from several processes at once.
    pub async fn migrate(&self) -> Result<Vec<Migration>, Error> {
        self.migrate_beside(false).await
    }

    /// The same, where others' tables are in the database and that is `meant`.
    pub async fn migrate_beside(&self, meant: bool) -> Result<Vec<Migration>, Error> {
        let mut connection = self.connect_for_long().await?;
        let applied = migrations::apply(&mut connection, self.schema.as_deref(), meant).await?;
        let _ = connection.close().await;
        Ok(applied)
    }

    /// What `migrate_beside` would apply, or why it would refuse.
    pub async fn foresee(&self, meant: bool) -> Result<Vec<Migration>, Error> {
        let mut connection = self.connect_for_long().await?;
        let foreseen = migrations::foresee(&mut connection, self.schema.as_deref(), meant).await?;
        let _ = connection.close().await;
        Ok(foreseen.pending)
    }

    /// What is still to be applied, and what a newer Dossier did.
    pub async fn status(&self) -> Result<Status, Error> {
        let mut connection = self.connect_for_long().await?;
        let status = migrations::status(&mut connection, self.schema.as_deref()).await?;
        let _ = connection.close().await;
        Ok(status)
    }

    /// Refuses a database whose tables are older than this program, and for what `writes` past its API a newer
    /// one too.
    pub async fn require_current(&self, writes: bool) -> Result<(), Error> {
        let status = self.status().await?;
        match (status.pending.len(), status.unknown.first()) {
            _ if status.is_empty => Err(Error::Empty),
            (0, None) => Ok(()),
            (0, Some(unknown)) if writes => Err(Error::Ahead(*unknown)),
            (0, Some(unknown)) => {
                tracing::warn!(
                    "the database has migration {unknown:04}, which is newer than this version of Dossier"
                );
                Ok(())
            }
            (pending, _) => Err(Error::Behind(pending)),
        }
    }

    /// A connection whose statements may take their time.
    pub async fn connect_for_long(&self) -> Result<PgConnection, Error> {
        let options = self.options.clone().options([("statement_timeout", "0")]);
        let connecting = self.hosts.patiently(async || PgConnection::connect_with(&options).await);
        connecting.await.map_err(|error| connect_error(&error))
    }

    /// Listens on a channel of notifications, by a connection of its own. Each schema has its own channels.
    pub async fn listen(&self, channel: &str) -> Result<PgListener, sqlx::Error> {
        if self.hosts.several() {
            // Only the host that takes changes tells of them.
            let found = self.hosts.connect(Wanted::Writing).await?;
            self.pool.set_connect_options(self.hosts.options(found.host).clone());
        }
        let own = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        // Its looks are no writes of a client, as which the metrics would count them.
        let options = self.hosts.writable().1.clone().disable_statement_logging();
        let options = options.application_name("dossier listening");
        let own = own.acquire_timeout(ACQUIRE).connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&own).await?;
        let schema = if self.current_schema == "public" { "dossier" } else { &self.current_schema };
        listener.listen(&format!("{schema}_{channel}")).await?;
        Ok(listener)
    }

    /// Whether questions can be answered now, and whether changes can be made. It is asked on a connection of its
    /// own: neither full pools nor those who write for long have anything to do with it.
    pub async fn ready(&self) -> Readiness {
        let not = |reason| Readiness { reading: false, writing: false, reason: Some(reason) };
        match self.control.look().await {
            // Whoever serves it all the same was told to.
            Ok(seen) if seen.pending > 0 => Readiness {
                reading: true,
                writing: !seen.read_only && seen.forbidden.is_none(),
                reason: Some(Error::Pending(seen.pending)),
            },
            Ok(seen) if seen.read_only => {
                self.writers.forget();
                Readiness { reading: true, writing: false, reason: Some(Error::ReadOnly) }
            }
            Ok(Seen { forbidden: Some(tables), .. }) => {
                Readiness { reading: true, writing: false, reason: Some(Error::Forbidden(tables)) }
            }
            Ok(_) => Readiness { reading: true, writing: true, reason: None },
            // Postgres may have no connection left for this, while those that there are answer.
            Err(error) if hosts::is_full(&error) => {
                let (reading, writing) = (self.readers.answered_within(LATELY), self.writers.count().0 > 0);
                Readiness {
                    reading: reading || writing,
                    writing,
                    reason: (!reading || !writing).then_some(Error::Full),
                }
            }
            Err(_) => not(Error::Silent),
        }
    }

    /// Whether somebody still sees to it that Postgres runs, where that is ours to do.
    pub fn is_kept(&self) -> bool {
        self.embedded.as_ref().is_none_or(|postgres| postgres.is_kept())
    }

    /// Closes the connections, and stops Postgres if it is ours.
    pub async fn close(self) {
        // What still runs was given up.
        let busy = [self.readers.close(), self.writers.close()].concat();
        if !busy.is_empty() {
            self.control.cancel_all(busy).await;
        }
        let _ = tokio::time::timeout(CLOSE, self.pool.close()).await;
        if let Some(postgres) = self.embedded {
            let _ = tokio::task::spawn_blocking(move || postgres.stop()).await;
        }
    }
}

/// How every connection is set up.
fn prepared(options: PgConnectOptions, config: &Config) -> PgConnectOptions {
    let timeout = config.request_timeout.as_millis().to_string();
    let options = match &config.database_schema {
        Some(schema) => options.options([("search_path", format!("{schema},public"))]),
        None => options,
    };
    options.application_name("dossier").statement_cache_capacity(512).options([
        ("statement_timeout", timeout.as_str()),
        // Whose client has gone is given up: by a timeout of ours, or by the client's own end.
        ("client_connection_check_interval", "1s"),
        // A way that drops what is silent is kept open, and one that is gone is noticed, whoever is waiting.
        ("tcp_keepalives_idle", "30"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
        ("tcp_user_timeout", "30s"),
        // Compiling a plan takes seconds where running it takes milliseconds, and heeds no timeout meanwhile.
        ("jit", "off"),
        // Filters under `or` and `not` gather the ids that pass in a hash table: without room for it Postgres
        // would search them one by one for each row.
        ("hash_mem_multiplier", "32"),
        // How like a part of a name must be to what is searched for: Tokaev and Tokayev.
        ("pg_trgm.word_similarity_threshold", "0.5"),
    ])
}

/// Whether a connection of the pool can be used. One that is not is closed.
async fn is_well(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    Ok(matches!(tokio::time::timeout(WELL, connection.ping()).await, Ok(Ok(()))))
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

/// What a connection failed of, and what to look at; never the address with its password.
fn connect_error(error: &sqlx::Error) -> Error {
    Error::Connect(in_words(error))
}
