//! Connections to Postgres, migrations, and the embedded Postgres.

pub mod account;
pub mod binaries;
pub mod client;
pub mod connections;
pub mod control;
pub mod data_directories;
pub mod embedded;
pub mod error;
pub mod hosts;
pub mod migrations;
pub mod preflight;
pub mod reader;
pub mod replicas;
pub mod sizes;
pub mod statement;
pub mod subprocess;
pub mod upgrade;

use std::{collections::BTreeMap, io, path::Path, sync::Arc, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgPool, SqlSafeStr,
    postgres::{PgConnectOptions, PgConnection, PgListener, PgPoolOptions},
};

use crate::{
    config::{
        Config,
        address::{Address, Host},
    },
    database::{
        connections::Connections,
        control::{Control, Health},
        embedded::Create,
        error::in_words,
        hosts::{Hosts, Purpose},
        migrations::{Migration, Status},
        replicas::Replicas,
    },
};

const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// If a statement succeeded this recently, the database counts as readable.
const RECENTLY: Duration = Duration::from_secs(5);
const PING_TIMEOUT: Duration = Duration::from_millis(500);
/// How often Postgres checks whether the client of a running statement is still there.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Why the database can't be used, in one line for the operator.
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
    #[error("the database already has Dossier tables; restore into an empty database")]
    NotEmpty,
    #[error("{0} migrations are pending; apply them with: dossier migrate")]
    Behind(usize),
    #[error(
        "the database has migration {0:04}, which is newer than this version of Dossier; run a newer version"
    )]
    Ahead(i64),
    #[error(
        "DATABASE_URL leads to a connection pooler that drops the settings of sessions: set DATABASE_LISTEN_URL to the \
         address of Postgres itself"
    )]
    Pooler,
    #[error(
        "DATABASE_URL and DATABASE_LISTEN_URL lead to different databases; the second must be the way around the pooler"
    )]
    Elsewhere,
    #[error("the database doesn't respond")]
    Silent,
    #[error("the connection pooler of DATABASE_URL doesn't respond")]
    PoolerSilent,
    #[error("the database is read-only")]
    ReadOnly,
    #[error("this server only reads: READ_ONLY is set")]
    OnlyReads,
    #[error("this server only reads: its database is a standby")]
    Standby,
    /// The tables and sequences, for the log only.
    #[error("the database user lacks a privilege on the tables")]
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

/// Whether requests can read and write now.
#[derive(Debug)]
pub struct Readiness {
    pub reading: bool,
    pub writing: bool,
    /// The reason if either is false.
    pub reason: Option<Error>,
}

/// The connection pools, and the embedded Postgres if there is one.
#[derive(Clone)]
pub struct Database {
    pool: PgPool,
    readers: Connections,
    writers: Connections,
    control: Control,
    hosts: Arc<Hosts>,
    /// The pooler of `DATABASE_URL`, if `DATABASE_LISTEN_URL` is the way around it.
    pooler: Option<Arc<Hosts>>,
    replicas: Replicas,
    /// `READ_ONLY`
    read_only: bool,
    options: PgConnectOptions,
    embedded: Option<Arc<embedded::Postgres>>,
    /// `DATABASE_SCHEMA`
    schema: Option<String>,
    /// The schema in use, or the one to create.
    current_schema: String,
    /// `SAMPLE`
    sample: bool,
}

impl Database {
    /// Connects to `DATABASE_URL`; without one, starts the embedded Postgres.
    pub async fn open(config: &Config) -> Result<Self, Error> {
        Self::open_with(config, Create::IfNew).await
    }

    pub async fn open_with(config: &Config, create: Create) -> Result<Self, Error> {
        let replicas = config.database_replica_urls.iter().map(|url| parse("DATABASE_REPLICA_URLS", url));
        let replicas = replicas.collect::<Result<Vec<_>, _>>()?.into_iter().flat_map(hosts_of);
        let mut replicas: Vec<(Host, Option<Duration>)> = replicas.collect();
        let (address, embedded) = match &config.database_url {
            Some(url) => (parse("DATABASE_URL", url)?, None),
            None if !replicas.is_empty() => {
                let hosts = std::mem::take(&mut replicas).into_iter().map(|(host, _)| host).collect();
                (Address { hosts, attributes: None, limit: None }, None)
            }
            None => {
                let root = config.data_dir.clone().unwrap_or_else(account::data_folder);
                let postgres = embedded::Postgres::open(&root, config.pg_bin.as_deref(), create).await?;
                let options = postgres.connect_options("dossier");
                create_database(&postgres, "dossier").await?;
                (Address::of(options), Some(Arc::new(postgres)))
            }
        };
        let (address, pooler) = match &config.database_listen_url {
            Some(url) => (parse("DATABASE_LISTEN_URL", url)?, Some(address)),
            None => (address, None),
        };
        let schema = config.database_schema.clone();
        let readable = hosts_of(address.clone());
        let mut settings = session_settings(config);
        let connect = async |settings: &Settings| {
            let hosts = Hosts::new(address.clone(), |options| connect_options(options, settings));
            match (hosts.connect_at_startup().await, &pooler) {
                (Ok(first), _) => Ok((hosts, first)),
                (Err(error), None) => Err(connect_error(&error)),
                (Err(error), Some(_)) => {
                    Err(Error::Connect(in_words(&error).replace("DATABASE_URL", "DATABASE_LISTEN_URL")))
                }
            }
        };
        let (mut hosts, mut first) = connect(&settings).await?;
        if let Some(path) = preflight::path_to_extensions(&mut first.connection).await? {
            settings.insert("search_path", path);
            (hosts, first) = connect(&settings).await?;
        }
        let found = preflight::check(&mut first.connection, config).await?;
        let hosts = Arc::new(hosts);
        let pooler = pooler.map(|address| {
            let begin = AssertSqlSafe(begin_pooled(&settings)).into_sql_str();
            Arc::new(Hosts::pooler(address, pooled_options, begin))
        });
        if let Some(pooler) = &pooler {
            preflight::check_pooler(pooler, &mut first.connection).await?;
        }
        let current_schema = schema.clone().or(found).unwrap_or_else(|| "public".to_owned());
        let options = hosts.options(first.host).clone();
        let alone = config.read_only || first.is_standby();
        let _ = first.connection.close().await;
        let pool = PgPoolOptions::new()
            .max_connections(config.database_pool_size)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .before_acquire(|connection, _| Box::pin(is_alive(connection)))
            .connect_lazy_with(options.clone());
        let control = Control::new(hosts.clone());
        let size = config.database_pool_size;
        // Shorter than the request timeout, so that the client learns why it waited.
        let acquire_timeout = config.request_timeout * 2 / 3;
        let of_requests = pooler.as_ref().unwrap_or(&hosts);
        let cancels = pooler.is_none().then_some(&control);
        let new_pool =
            |purpose| Connections::new(of_requests.clone(), purpose, size, acquire_timeout, cancels.cloned());
        let (readers, writers) = (new_pool(Purpose::Reading), new_pool(Purpose::Writing));
        let sample = config.sample;
        readers.set_sibling(&writers);
        if alone {
            replicas.extend(readable);
        }
        let prepare = |options| connect_options(options, &settings);
        let replicas = Replicas::new(replicas, alone, prepare, size, acquire_timeout);
        Ok(Database {
            pool,
            readers,
            writers,
            control,
            hosts,
            pooler,
            replicas,
            read_only: config.read_only,
            options,
            embedded,
            schema,
            current_schema,
            sample,
        })
    }

    /// Describes the database in one line, for users of the command line.
    pub fn describe(&self, config: &Config) -> String {
        preflight::describe(config, &self.options, &self.current_schema)
    }

    /// `DATABASE_SCHEMA`
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// A small pool for rare queries.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub fn readers(&self) -> &Connections {
        &self.readers
    }

    pub fn writers(&self) -> &Connections {
        &self.writers
    }

    pub fn replicas(&self) -> &Replicas {
        &self.replicas
    }

    /// Whether the operator has refused changes.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Applies the pending migrations, and returns them. Several processes may call it at the same time.
    pub async fn migrate(&self) -> Result<Vec<Migration>, Error> {
        self.migrate_shared(false).await
    }

    /// Like `migrate`, but `shared` allows tables of another program in the database.
    pub async fn migrate_shared(&self, shared: bool) -> Result<Vec<Migration>, Error> {
        let mut connection = self.connect_without_timeout().await?;
        let applied = migrations::apply(&mut connection, self.schema.as_deref(), shared, self.sample).await?;
        let _ = connection.close().await;
        Ok(applied)
    }

    /// What `migrate_shared` would apply, or its error.
    pub async fn pending_migrations(&self, shared: bool) -> Result<Vec<Migration>, Error> {
        let mut connection = self.connect_without_timeout().await?;
        let plan = migrations::plan(&mut connection, self.schema.as_deref(), shared).await?;
        let _ = connection.close().await;
        Ok(plan.pending)
    }

    /// Rebuilds the indexes of texts, after their order has changed with the system; returns their number.
    pub async fn reindex(&self) -> Result<usize, Error> {
        let mut connection = self.connect_without_timeout().await?;
        let rebuilt = preflight::reindex(&mut connection).await.map_err(|error| connect_error(&error))?;
        let _ = connection.close().await;
        Ok(rebuilt)
    }

    pub async fn status(&self) -> Result<Status, Error> {
        let mut connection = self.connect_without_timeout().await?;
        let status = migrations::status(&mut connection, self.schema.as_deref()).await?;
        let _ = connection.close().await;
        Ok(status)
    }

    /// Fails if migrations are pending; a command that writes to tables directly also fails if unknown ones are
    /// applied.
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

    /// A connection without statement timeout, for commands.
    pub async fn connect_without_timeout(&self) -> Result<PgConnection, Error> {
        let options = self.options.clone().options([("statement_timeout", "0")]);
        let connecting = self.hosts.with_retry(async || PgConnection::connect_with(&options).await);
        connecting.await.map_err(|error| connect_error(&error))
    }

    /// A connection whose statements metrics don't count.
    pub async fn connect_uncounted(&self) -> Result<PgConnection, sqlx::Error> {
        PgConnection::connect_with(&self.uncounted_options()).await
    }

    /// How to connect where statements are not logged, as metrics would count them as a client's.
    fn uncounted_options(&self) -> PgConnectOptions {
        self.hosts.writable().1.clone().disable_statement_logging()
    }

    /// Listens on a notification channel of this schema, on its own connection.
    pub async fn listen(&self, channel: &str) -> Result<PgListener, sqlx::Error> {
        if self.hosts.is_multi_host() {
            // Notifications come only from the writable host.
            let found = self.hosts.connect(Purpose::Writing).await?;
            self.pool.set_connect_options(self.hosts.options(found.host).clone());
        }
        let own = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let options = self.uncounted_options().application_name("dossier listening");
        let own = own.acquire_timeout(ACQUIRE_TIMEOUT).connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&own).await?;
        let schema = if self.current_schema == "public" { "dossier" } else { &self.current_schema };
        listener.listen(&format!("{schema}_{channel}")).await?;
        Ok(listener)
    }

    /// Health check, on the control connection: busy pools don't matter.
    pub async fn ready(&self) -> Readiness {
        let unavailable = |reason| Readiness { reading: false, writing: false, reason: Some(reason) };
        match self.control.health().await {
            Ok(Health { unreadable: Some(tables), .. }) => unavailable(Error::Forbidden(tables)),
            // With `--no-migrate`, the operator chose to serve with pending migrations.
            Ok(health) if health.pending > 0 => Readiness {
                reading: true,
                writing: !self.read_only && !health.read_only && health.forbidden.is_none(),
                reason: Some(Error::Pending(health.pending)),
            },
            Ok(_) if self.read_only => {
                Readiness { reading: true, writing: false, reason: Some(Error::OnlyReads) }
            }
            Ok(health) if health.read_only => {
                self.writers.close_idle();
                let reason = if self.replicas.are_alone() { Error::Standby } else { Error::ReadOnly };
                Readiness { reading: true, writing: false, reason: Some(reason) }
            }
            Ok(Health { forbidden: Some(tables), .. }) => {
                Readiness { reading: true, writing: false, reason: Some(Error::Forbidden(tables)) }
            }
            Ok(_) if !self.pooler_responds().await => unavailable(Error::PoolerSilent),
            Ok(_) => Readiness { reading: true, writing: true, reason: None },
            // Postgres has too many connections for a check, but existing ones may work.
            Err(error) if hosts::is_full(&error) => {
                let (reading, writing) =
                    (self.readers.succeeded_within(RECENTLY), self.writers.count().0 > 0);
                Readiness {
                    reading: reading || writing,
                    writing,
                    reason: (!reading || !writing).then_some(Error::Full),
                }
            }
            Err(_) if self.replicas.reports().any(|report| report.available) => {
                Readiness { reading: true, writing: false, reason: Some(Error::Silent) }
            }
            Err(_) => unavailable(Error::Silent),
        }
    }

    /// Whether the pooler, if there is one, accepts connections; which ones are free doesn't matter.
    async fn pooler_responds(&self) -> bool {
        let Some(pooler) = &self.pooler else { return true };
        if self.readers.succeeded_within(RECENTLY) || self.writers.succeeded_within(RECENTLY) {
            return true;
        }
        let (_, options) = pooler.writable();
        let connect = tokio::time::timeout(CLOSE_TIMEOUT, PgConnection::connect_with(options)).await;
        matches!(connect, Ok(Ok(_)))
    }

    /// Whether Postgres is external, or its supervisor is running.
    pub fn is_supervised(&self) -> bool {
        self.embedded.as_ref().is_none_or(|postgres| postgres.is_supervised())
    }

    /// Closes all connections, and stops an embedded Postgres.
    pub async fn close(self) {
        // The requests behind these have been abandoned.
        let busy = [self.readers.close(), self.writers.close()].concat();
        if !busy.is_empty() {
            self.control.cancel_all(busy).await;
        }
        self.replicas.close().await;
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, self.pool.close()).await;
        if let Some(postgres) = self.embedded {
            let _ = tokio::task::spawn_blocking(move || postgres.stop()).await;
        }
    }
}

fn parse(name: &str, url: &str) -> Result<Address, Error> {
    Address::parse(url).map_err(|wrong| Error::Connect(format!("{name} is invalid: {wrong}")))
}

/// The hosts of an address, each with the timeout for connecting to it.
fn hosts_of(Address { hosts, limit, .. }: Address) -> impl Iterator<Item = (Host, Option<Duration>)> {
    hosts.into_iter().map(move |host| (host, limit))
}

/// Connection options for Postgres itself.
fn connect_options(options: PgConnectOptions, settings: &Settings) -> PgConnectOptions {
    options.application_name("dossier").statement_cache_capacity(512).options(settings).options([
        // Keep idle connections alive through firewalls, and notice lost ones.
        ("tcp_keepalives_idle", "30"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
        ("tcp_user_timeout", "30s"),
    ])
}

/// The same through a pooler in transaction mode: statements are prepared for their transaction.
fn pooled_options(options: PgConnectOptions) -> PgConnectOptions {
    options.application_name("dossier").statement_cache_capacity(0).extra_float_digits(None)
}

/// Begins a transaction through a pooler in transaction mode, where others have used the session before: drops what
/// they prepared, as the driver numbers its statements by connection.
fn begin_pooled(settings: &Settings) -> Arc<str> {
    let set = |(name, value): (&&str, &String)| {
        format!("set_config('{name}', '{}', true)", value.replace('\'', "''"))
    };
    let set = settings.iter().map(set).collect::<Vec<_>>().join(", ");
    format!("begin; deallocate all; select {set}").into()
}

/// Settings of a session, by name.
type Settings = BTreeMap<&'static str, String>;

fn session_settings(config: &Config) -> Settings {
    let timeout = config.request_timeout.as_millis().to_string();
    let check = format!("{}s", CHECK_INTERVAL.as_secs());
    let mut settings = Settings::from([
        ("statement_timeout", timeout),
        // Stop a statement whose client has disconnected.
        ("client_connection_check_interval", check),
        // JIT compilation takes longer than most queries, and ignores timeouts.
        ("jit", "off".to_owned()),
        // Subqueries under `or` and `not` become hash tables; if they don't fit, Postgres scans them once per row.
        ("hash_mem_multiplier", "32".to_owned()),
        // How similar parts of names must be: Tokaev matches Tokayev.
        ("pg_trgm.word_similarity_threshold", "0.5".to_owned()),
    ]);
    if let Some(schema) = &config.database_schema {
        settings.insert("search_path", format!("{schema},public"));
    }
    settings
}

/// Pings a connection of the small pool before use.
async fn is_alive(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    Ok(matches!(tokio::time::timeout(PING_TIMEOUT, connection.ping()).await, Ok(Ok(()))))
}

/// Creates a database if it doesn't exist; another process may do so at the same time.
async fn create_database(postgres: &embedded::Postgres, name: &str) -> Result<(), Error> {
    let options = postgres.connect_options("postgres");
    let mut connection = PgConnection::connect_with(&options).await.map_err(|error| connect_error(&error))?;
    let is_there =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1)").bind(name);
    let is_there: bool = is_there.fetch_one(&mut connection).await.map_err(|error| connect_error(&error))?;
    if !is_there {
        let create = sqlx::AssertSqlSafe(format!("create database \"{name}\""));
        match sqlx::query(create).execute(&mut connection).await {
            // duplicate_database, or a unique violation in the catalog
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

/// The error with what to check; never with the address, which holds the password.
fn connect_error(error: &sqlx::Error) -> Error {
    Error::Connect(in_words(error))
}
