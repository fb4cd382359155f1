//! A real Postgres for the tests, and a database for each of them.
//!
//! It is `TEST_DATABASE_URL` if that is set, else an embedded Postgres, else a container. Without any the tests fail.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
    str::FromStr,
    sync::atomic::{AtomicU32, Ordering},
};

use dossier::{
    config::Config,
    database::{Database, embedded},
};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use testcontainers_modules::{
    postgres::Postgres as Container,
    testcontainers::{ContainerAsync, ImageExt, runners::AsyncRunner},
};
use tokio::sync::OnceCell;

/// A migrated database of one test. It is dropped with the server that uses it, or when the next run begins.
pub struct TestDatabase {
    pool: PgPool,
    url: String,
}

impl TestDatabase {
    /// A database that is there already.
    pub fn at(url: &str) -> Self {
        let pool =
            PgPoolOptions::new().max_connections(2).connect_lazy(url).expect("an address of a database");
        TestDatabase { pool, url: url.to_owned() }
    }

    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

/// A fresh copy of the migrated template.
pub async fn database() -> TestDatabase {
    let server = server().await;
    let name = format!("{}_{}", server.template, next());
    server.execute(&format!("create database {name} template {} strategy file_copy", server.template)).await;
    let url = server.url(&name);
    let options = PgConnectOptions::from_str(&url).expect("an address of a database");
    let pool = PgPoolOptions::new().max_connections(2).connect_lazy_with(options);
    TestDatabase { pool, url }
}

/// An empty database without migrations.
pub async fn empty_database() -> TestDatabase {
    empty_database_with("").await
}

/// The same, created with these options.
pub async fn empty_database_with(options: &str) -> TestDatabase {
    let server = server().await;
    let name = format!("{}_empty_{}", server.template, next());
    server.execute(&format!("create database {name} {options}")).await;
    let url = server.url(&name);
    let pool = PgPoolOptions::new().connect_lazy(&url).expect("an address of a database");
    TestDatabase { pool, url }
}

fn next() -> u32 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// The server that all tests of this process share.
struct Server {
    /// An address with `{}` for the name of the database.
    address: String,
    template: String,
    /// Ends with the process.
    _container: Option<ContainerAsync<Container>>,
}

impl Server {
    fn url(&self, database: &str) -> String {
        self.address.replace("{}", database)
    }

    async fn execute(&self, sql: &str) {
        let mut connection =
            PgConnection::connect(&self.url("postgres")).await.expect("the server of the tests");
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        connection.close().await.expect("closed");
    }
}

async fn server() -> &'static Server {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    SERVER
        .get_or_init(|| async {
            let (address, container) = find().await;
            let template = format!("dossier_test_{}_{:x}", std::process::id(), hash_of_migrations());
            let server = Server { address, template, _container: container };
            server.drop_leftovers().await;
            server.execute(&format!("create database {}", server.template)).await;
            let config =
                Config::from_lookup(|name| (name == "DATABASE_URL").then(|| server.url(&server.template)));
            let database = Database::open(&config.expect("a config")).await.expect("the template");
            database.migrate().await.expect("the migrations");
            database.close().await;
            server
        })
        .await
}

impl Server {
    /// Databases of processes that are gone.
    async fn drop_leftovers(&self) {
        let mut connection =
            PgConnection::connect(&self.url("postgres")).await.expect("the server of the tests");
        let names: Vec<String> =
            sqlx::query_scalar("select datname from pg_database where datname like 'dossier_test_%'")
                .fetch_all(&mut connection)
                .await
                .expect("their names");
        for name in names {
            let owner = name.split('_').nth(2).and_then(|pid| pid.parse().ok());
            if !owner.is_some_and(lives) {
                let drop = format!("drop database if exists {name} with (force)");
                let _ = sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut connection).await;
            }
        }
    }
}

async fn find() -> (String, Option<ContainerAsync<Container>>) {
    if let Ok(url) = std::env::var("TEST_DATABASE_URL") {
        return (with_any_database(&url), None);
    }
    let embedded = tokio::task::spawn_blocking(start_embedded).await.expect("not cancelled");
    let why_not_embedded = match embedded {
        Ok(address) => return (address, None),
        Err(reason) => reason,
    };
    match Container::default().with_tag("18").start().await {
        Ok(container) => {
            let port = container.get_host_port_ipv4(5432).await.expect("the container's port");
            (format!("postgres://postgres:postgres@127.0.0.1:{port}/{{}}"), Some(container))
        }
        Err(why_no_container) => panic!(
            "the tests need a Postgres. Set TEST_DATABASE_URL to one, or install one, or start Docker.\n\
             embedded: {why_not_embedded}\ncontainer: {why_no_container}"
        ),
    }
}

fn with_any_database(url: &str) -> String {
    let (before, after) = url.split_once("://").expect("TEST_DATABASE_URL is postgres://…");
    let (host, rest) = after.split_once('/').unwrap_or((after, ""));
    let parameters = rest.find('?').map_or("", |at| &rest[at..]);
    format!("{before}://{host}/{{}}{parameters}")
}

/// An embedded Postgres of this process, in a folder that the next run deletes.
fn start_embedded() -> Result<String, String> {
    let folders = std::env::temp_dir();
    for folder in fs::read_dir(&folders).into_iter().flatten().flatten() {
        let owner =
            folder.file_name().to_str().and_then(|name| name.strip_prefix("dossier-test-")?.parse().ok());
        if owner.is_some_and(|pid| !lives(pid)) {
            let _ = fs::remove_dir_all(folder.path());
        }
    }
    let root = folders.join(format!("dossier-test-{}", std::process::id()));
    let pg_bin = std::env::var_os("PG_BIN").map(PathBuf::from);
    let postgres = embedded::Postgres::start(&root, pg_bin.as_deref(), embedded::Durability::Scratch);
    // Never dropped: it ends with the process.
    let postgres = Box::leak(Box::new(postgres.map_err(|error| error.to_string())?));
    let socket = postgres.socket_folder().display().to_string().replace('/', "%2F");
    Ok(format!("postgres://postgres@localhost:5432/{{}}?host={socket}"))
}

/// Whether a process exists.
fn lives(pid: i32) -> bool {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None) != Err(nix::errno::Errno::ESRCH)
}

fn hash_of_migrations() -> u64 {
    let mut hasher = DefaultHasher::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("migrations").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    for file in files {
        fs::read(file).expect("a migration").hash(&mut hasher);
    }
    hasher.finish()
}
