//! A writer with hot standbys: Postgres servers of one test.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

use dossier::{
    config::Config,
    database::{Database, account::Account, binaries::Binaries, subprocess::Subprocess},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{database::TestDatabase, process::Folder};

/// Settings of servers that lose everything with the machine, and see at once that a connection is gone.
const SETTINGS: &str = "listen_addresses = ''\nfsync = off\nsynchronous_commit = off\nmax_connections = 100\n\
    wal_receiver_status_interval = 1s\nwal_retrieve_retry_interval = 100ms\nhot_standby_feedback = on\n\
    max_standby_streaming_delay = 0\n\
    wal_writer_delay = 10ms\nshared_buffers = 32MB\n";

/// A Postgres server in a folder, which is stopped with the test.
pub struct Node {
    folder: PathBuf,
    programs: PathBuf,
    account: Account,
    port: u16,
    running: Option<Child>,
}

/// A writer and its standbys.
pub struct Cluster {
    pub writer: Node,
    pub standbys: Vec<Node>,
    pub database: Arc<TestDatabase>,
    // Deleted after the servers have stopped.
    _folder: Folder,
}

impl Cluster {
    /// `None`, said loudly, where the programs are missing.
    pub async fn with_standbys(name: &str, number: usize) -> Option<Cluster> {
        let programs = std::env::var_os("PG_BIN").map(PathBuf::from);
        let found = Binaries::find(programs.as_deref(), None, &Subprocess::default());
        let programs = found.map_err(|error| error.to_string()).and_then(|found| {
            // It may be a folder of links to some of the programs.
            let postgres =
                fs::canonicalize(found.folder.join("postgres")).map_err(|error| error.to_string())?;
            let program = postgres.with_file_name("pg_basebackup");
            if program.exists() { Ok(program) } else { Err(format!("there is no {}", program.display())) }
        });
        let programs = match programs {
            Ok(program) => program.with_file_name(""),
            Err(reason) => {
                eprintln!("NOT TRIED: no standby can be made: {reason}");
                return None;
            }
        };
        let (folder, account) = (Folder::new(name), Account::for_postgres());
        account.own(folder.path()).expect("a folder");
        let node = |name: &str| Node {
            folder: folder.path().join(name),
            programs: programs.clone(),
            account,
            port: 5432,
            running: None,
        };
        let mut writer = node("writer");
        account.own(&writer.folder).expect("a folder");
        writer.run(
            "initdb",
            &["-D", writer.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
        );
        fs::write(writer.folder.join("data/postgresql.auto.conf"), SETTINGS).expect("written");
        writer.start().await;
        let database = Arc::new(TestDatabase::at(&writer.url()));
        let config = Config::from_lookup(|name| (name == "DATABASE_URL").then(|| writer.url()));
        let opened = Database::open(&config.expect("a config")).await.expect("the writer");
        opened.migrate().await.expect("the migrations");
        opened.close().await;
        let mut standbys = Vec::new();
        for number in 0..number {
            let mut standby = node(&format!("standby-{number}"));
            account.own(&standby.folder).expect("a folder");
            standby.copy(&writer);
            standby.start().await;
            standbys.push(standby);
        }
        Some(Cluster { writer, standbys, database, _folder: folder })
    }

    pub fn standby(&self) -> &Node {
        &self.standbys[0]
    }

    /// From now on a commit waits until a standby has it.
    pub async fn synchronous(&self) {
        let pool = self.database.pool();
        for sql in [
            "alter system set synchronous_standby_names = '*'",
            "alter system set synchronous_commit = 'on'",
            "select pg_reload_conf()",
        ] {
            sqlx::raw_sql(sql).execute(pool).await.expect("set");
        }
        let since = Instant::now();
        while self.writer.number("select count(*) from pg_stat_replication where sync_state = 'sync'").await
            == 0
        {
            assert!(since.elapsed() < Duration::from_secs(20), "no standby is synchronous");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a standby has all that the writer has.
    pub async fn caught_up(&self, standby: &Node) {
        let last = "select coalesce(max(id), 0) from revisions";
        let expected: i64 = sqlx::query_scalar(last).fetch_one(self.database.pool()).await.expect("a number");
        let since = Instant::now();
        while standby.number(last).await != expected {
            assert!(since.elapsed() < Duration::from_secs(20), "it has not replayed {expected}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Node {
    /// Its address, at a Unix socket.
    pub fn url(&self) -> String {
        let socket = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@localhost:{}/postgres?host={socket}", self.port)
    }

    fn data(&self) -> &'static str {
        let data = self.folder.join("data").display().to_string();
        Box::leak(data.into_boxed_str())
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = self.account.command(&self.programs.join(program));
        command.args(arguments).stdin(Stdio::null());
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let output = self.command(program, arguments).output().expect("it runs");
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Becomes a standby with the data of a running server. A server that is there already is replaced.
    pub fn copy(&self, other: &Node) {
        let _ = fs::remove_dir_all(self.folder.join("data"));
        let socket = other.folder.display().to_string();
        let port = other.port.to_string();
        let arguments =
            ["-D", self.data(), "-h", &socket, "-p", &port, "-U", "postgres", "-R", "-N", "-c", "fast"];
        self.run("pg_basebackup", &arguments);
    }

    pub async fn start(&mut self) {
        let log = fs::File::create(self.folder.join("log")).expect("a log");
        let socket = self.folder.display().to_string();
        let port = self.port.to_string();
        let mut command = self.command("postgres", &["-D", self.data(), "-k", &socket, "-p", &port]);
        let child =
            Subprocess::default().spawn(command.stdout(Stdio::null()).stderr(log)).expect("it starts");
        self.running = Some(child);
        let since = Instant::now();
        while self.try_number("select 1").await.is_none() {
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(since.elapsed() < Duration::from_secs(30), "it does not start: {}", log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts it again with TLS, on a free port of the loopback addresses; returns the port. The files belong to its
    /// folder. Clients there need a password.
    pub async fn listen_with_tls(&mut self, certificate: &str, key: &str) -> u16 {
        self.stop();
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port");
        self.port = free.port();
        let (data, folder) = (self.folder.join("data"), self.folder.display());
        let settings = format!(
            "{SETTINGS}listen_addresses = '127.0.0.1, ::1'\nssl = on\n\
             ssl_cert_file = '{folder}/{certificate}'\nssl_key_file = '{folder}/{key}'\n"
        );
        fs::write(data.join("postgresql.auto.conf"), settings).expect("written");
        let access =
            "local all postgres trust\nlocal all all scram-sha-256\nhostssl all all all scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), access).expect("written");
        self.start().await;
        self.port
    }

    /// Kills all its processes.
    #[cfg(target_os = "linux")]
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        let _ = self.running.take().expect("it runs").wait();
    }

    /// Stops it at once, as a crash does.
    pub fn stop(&mut self) {
        #[cfg(target_os = "linux")]
        if self.running.is_some() {
            // Stopped processes would not end.
            self.signal(Signal::SIGCONT);
        }
        if let Some(mut child) = self.running.take() {
            let _ = kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGQUIT);
            let _ = child.wait();
        }
    }

    /// Sends a signal to all its processes: SIGSTOP makes it hang.
    #[cfg(target_os = "linux")]
    pub fn signal(&self, signal: Signal) {
        let postmaster = self.running.as_ref().expect("it runs").id();
        let children = fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children"));
        let children = children.unwrap_or_default();
        let children = children.split_whitespace().filter_map(|child| child.parse().ok());
        for process in children.chain([postmaster.cast_signed()]) {
            let _ = kill(Pid::from_raw(process), signal);
        }
    }

    pub async fn pause(&self) {
        self.number("select 1 from (select pg_wal_replay_pause()) paused").await;
        let since = Instant::now();
        while self.number("select (pg_get_wal_replay_pause_state() = 'paused')::integer").await == 0 {
            assert!(since.elapsed() < Duration::from_secs(10), "it goes on replaying");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn resume(&self) {
        self.number("select 1 from (select pg_wal_replay_resume()) resumed").await;
    }

    pub async fn promote(&self) {
        assert_eq!(self.number("select pg_promote()::integer").await, 1);
    }

    pub fn pool(&self) -> PgPool {
        let options = PgConnectOptions::from_str(&self.url()).expect("an address");
        PgPoolOptions::new().max_connections(1).connect_lazy_with(options)
    }

    pub async fn number(&self, sql: &'static str) -> i64 {
        self.try_number(sql).await.expect("a number")
    }

    async fn try_number(&self, sql: &'static str) -> Option<i64> {
        use sqlx::Connection;
        let options = PgConnectOptions::from_str(&self.url()).expect("an address");
        let mut connection = sqlx::PgConnection::connect_with(&options).await.ok()?;
        let sql = sqlx::AssertSqlSafe(format!("select ({sql})::bigint"));
        sqlx::query_scalar(sql).fetch_one(&mut connection).await.ok()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop();
    }
}
