//! The program itself.

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use nix::{sys::signal::Signal, unistd::Pid};
use serde_json::{Value, json};
use sqlx::{PgConnection, postgres::PgConnectOptions};

/// A folder that is deleted with the test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("dossier-run-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// `dossier` with these settings and no others.
pub fn dossier(settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dossier"));
    // A folder without a `.env`.
    command.current_dir("/").env_remove("DATABASE_URL").env("BIND_ADDRESS", "127.0.0.1:0");
    // Where it remembers which folders held data.
    let state = std::env::temp_dir().join(format!("dossier-run-{}-state", std::process::id()));
    command.env("XDG_STATE_HOME", state);
    command.env("CACHE_BYTES", "0").envs(settings.iter().copied());
    command
}

/// `dossier` with these settings, started by a wrapper that takes the program as its last argument.
pub fn through(wrapper: &[&str], settings: &[(&str, &str)]) -> Command {
    let plain = dossier(settings);
    let mut command = Command::new(wrapper[0]);
    command.args(&wrapper[1..]).arg(plain.get_program()).current_dir("/").env_remove("DATABASE_URL");
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// Whether this machine runs a command with this wrapper; says so if not.
pub fn can(wrapper: &[&str]) -> bool {
    let tried = Command::new(wrapper[0]).args(&wrapper[1..]).arg("true").stderr(Stdio::null()).status();
    let can = tried.is_ok_and(|status| status.success());
    if !can {
        eprintln!("NOT TRIED: this machine refuses `{}`", wrapper.join(" "));
    }
    can
}

pub fn output(command: &mut Command) -> Output {
    command.output().expect("dossier runs")
}

/// Runs a command while the test goes on with others.
pub async fn run(settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = dossier(settings);
    command.args(arguments);
    tokio::task::spawn_blocking(move || output(&mut command)).await.expect("not cancelled")
}

/// A server that runs in a process of its own.
pub struct Process {
    child: Child,
    address: String,
    log: Option<JoinHandle<String>>,
}

impl Process {
    /// A server on an embedded Postgres in this folder.
    pub async fn serve(folder: &Path) -> Process {
        Self::start(&[("DATA_DIR", folder.to_str().expect("text"))]).await
    }

    pub async fn start(settings: &[(&str, &str)]) -> Process {
        Self::of(dossier(settings)).await
    }

    /// A server with this limit of open files.
    pub async fn with_files(files: u32, settings: &[(&str, &str)]) -> Process {
        Self::of(through(&["sh", "-c", &format!("ulimit -n {files} && exec \"$0\"")], settings)).await
    }

    /// A server that this command starts.
    pub async fn of(mut command: Command) -> Process {
        tokio::task::spawn_blocking(move || {
            let child = command.stderr(Stdio::piped()).spawn().expect("dossier runs");
            // From here on it ends with the test.
            let mut process = Process { child, address: String::new(), log: None };
            let mut lines = BufReader::new(process.child.stderr.take().expect("piped"));
            let mut reported = String::new();
            loop {
                let mut line = String::new();
                assert_ne!(
                    lines.read_line(&mut line).expect("a line"),
                    0,
                    "it ended before it answered: {reported}"
                );
                if let Some((_, rest)) = line.split_once("listening on http://") {
                    rest.split('/').next().expect("an address").clone_into(&mut process.address);
                    reported.push_str(&line);
                    // Keep reading, so that the pipe does not fill.
                    process.log = Some(std::thread::spawn(move || {
                        let _ = lines.read_to_string(&mut reported);
                        reported
                    }));
                    return process;
                }
                reported.push_str(&line);
            }
        })
        .await
        .expect("not cancelled")
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn id(&self) -> i32 {
        self.child.id().cast_signed()
    }

    pub fn send(&self, signal: Signal) {
        nix::sys::signal::kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("sent");
    }

    /// Waits until the process has ended.
    pub fn end(&mut self) -> ExitStatus {
        self.child.wait().expect("it ended")
    }

    pub fn stop(mut self) -> ExitStatus {
        self.send(Signal::SIGTERM);
        self.end()
    }

    /// Stops it, and returns all that it logged.
    pub fn log(mut self) -> String {
        self.send(Signal::SIGTERM);
        assert!(self.end().success());
        self.log.take().expect("it started").join().expect("text")
    }

    /// The caller's role and name with this key.
    pub async fn viewer(&self, key: &str) -> Value {
        let response = self.request(Some(key), json!({ "query": "{ viewer { role name } }" })).await;
        response.expect("a response")
    }

    /// Creates a topic, or responds with the reason why not.
    pub async fn create_topic(&self, key: &str, slug: &str) -> Value {
        let query = "mutation($slug: String!) {
            createTopic(input: { slug: $slug, name: $slug }) { topic { slug } userErrors { message } }
        }";
        let request = json!({ "query": query, "variables": { "slug": slug } });
        self.request(Some(key), request).await.expect("a response")
    }

    pub async fn response(&self, query: &str) -> Result<Value, reqwest::Error> {
        self.request(None, json!({ "query": query })).await
    }

    async fn request(&self, key: Option<&str>, request: Value) -> Result<Value, reqwest::Error> {
        let mut post = reqwest::Client::new().post(format!("http://{}/graphql", self.address));
        if let Some(key) = key {
            post = post.bearer_auth(key);
        }
        post.json(&request).send().await?.json().await
    }

    /// The status of `/health/live` or `/health/ready`.
    pub async fn health(&self, which: &str) -> u16 {
        let response = reqwest::get(format!("http://{}/health/{which}", self.address)).await;
        response.expect("a response").status().as_u16()
    }

    /// The number of topics, once the server responds without an error.
    pub async fn count_topics(&self) -> u64 {
        let since = Instant::now();
        loop {
            let response = self.response("{ topics { totalCount } }").await;
            if let Some(count) =
                response.as_ref().ok().and_then(|response| response["data"]["topics"]["totalCount"].as_u64())
            {
                return count;
            }
            assert!(since.elapsed() < Duration::from_secs(30), "it does not respond: {response:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection to the embedded Postgres in a folder.
pub async fn connect(folder: &Path) -> PgConnection {
    use sqlx::Connection;
    let options = PgConnectOptions::new_without_pgpass()
        .socket(folder.join("socket"))
        .username("postgres")
        .database("dossier");
    PgConnection::connect_with(&options).await.expect("a connection")
}

/// Enters a topic and returns once that is acknowledged.
pub async fn enter_topic(connection: &mut PgConnection, slug: &str) -> Result<(), sqlx::Error> {
    use sqlx::Connection;
    let mut change = connection.begin().await?;
    sqlx::query("select set_config('dossier.requester', 'test', true)").execute(&mut *change).await?;
    sqlx::query("insert into topics (slug, name) values ($1, $1)").bind(slug).execute(&mut *change).await?;
    change.commit().await
}

/// The process id of the postmaster in a folder.
pub fn postmaster(folder: &Path) -> Pid {
    let path = folder.join("data/postmaster.pid");
    // Postgres creates the file before it writes to it.
    for _ in 0..100 {
        let file = std::fs::read_to_string(&path).unwrap_or_default();
        if let Some(pid) = file.lines().next().and_then(|line| line.parse().ok()) {
            return Pid::from_raw(pid);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("no postmaster.pid in {}", folder.display());
}
