//! A pgbouncer in transaction mode in front of the Postgres of a test.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Stdio},
    str::FromStr,
    time::{Duration, Instant},
};

use dossier::database::{account::Account, subprocess::Subprocess};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use super::{database::TestDatabase, process::Folder, say};

/// A pooler that keeps this many connections to Postgres, and is stopped with the test.
pub struct Pooler {
    program: &'static str,
    folder: Folder,
    port: u16,
    options: PgConnectOptions,
    running: Option<Child>,
}

impl Pooler {
    /// `None`, said loudly, where the program is missing. `settings` are further lines of its configuration.
    pub async fn start(name: &str, database: &TestDatabase, size: u32, settings: &str) -> Option<Pooler> {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"];
        let Some(program) = program.into_iter().find(|program| Path::new(program).exists()) else {
            say("NOT TRIED: there is no pgbouncer, so nothing goes through a pooler");
            return None;
        };
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let options = PgConnectOptions::from_str(database.url()).expect("an address");
        let host =
            options.get_socket().map_or(options.get_host().to_owned(), |socket| socket.display().to_string());
        let (account, folder) = (Account::for_postgres(), Folder::new(name));
        account.own(folder.path()).expect("a folder");
        // A password only the container of the tests has.
        let password = if database.url().contains(":postgres@") { " password=postgres" } else { "" };
        let configuration = format!(
            "[databases]\n* = host={host} port={} user={}{password}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             admin_users = postgres\npool_mode = transaction\ndefault_pool_size = {size}\nmax_client_conn = 500\n\
             server_login_retry = 1\n{settings}\n",
            options.get_port(),
            options.get_username(),
        );
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, configuration).expect("written");
        let mut pooler = Pooler { program, folder, port, options, running: None };
        pooler.run().await;
        Some(pooler)
    }

    async fn run(&mut self) {
        let mut command = Account::for_postgres().command(Path::new(self.program));
        let log = fs::File::create(self.folder.path().join("log")).expect("a log");
        command.arg("-q").arg(self.folder.path().join("pgbouncer.ini"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.running = Some(Subprocess::default().spawn(&mut command).expect("it starts"));
        let since = Instant::now();
        while self.connections().await.is_none() {
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(since.elapsed() < Duration::from_secs(10), "it does not start: {}", log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Kills it, and starts it again.
    pub async fn restart(&mut self) {
        self.stop();
        self.run().await;
    }

    pub fn stop(&mut self) {
        if let Some(mut child) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The address of the database through it.
    pub fn url(&self) -> String {
        let database = self.options.get_database().unwrap_or("postgres");
        format!("postgres://{}@127.0.0.1:{}/{database}", self.options.get_username(), self.port)
    }

    /// How many connections to Postgres it has, if it runs.
    pub async fn connections(&self) -> Option<usize> {
        let options =
            PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(self.port).username("postgres");
        let options = options.database("pgbouncer").extra_float_digits(None);
        let mut console = PgConnection::connect_with(&options).await.ok()?;
        let servers = sqlx::raw_sql("show servers").fetch_all(&mut console).await.expect("its console");
        Some(servers.len())
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.stop();
    }
}
