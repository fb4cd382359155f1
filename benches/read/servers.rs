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
    peers::{node, peers},
    queries::{QUERIES, Variant},
};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum System {
    /// Dossier without a cache.
    Uncached,
    /// Dossier with its defaults.
    Cached,
    /// The same, by GET with the hash of a persisted query.
    Get,
    /// The same, by clients that have the response already (304).
    NotModified,
    /// The same, with requests that never repeat.
    Miss,
    /// The same, with popular requests more often than others, and one change per hundred requests.
    Mixed,
    Limit,
    Static,
    Postgraphile,
    Mercurius,
    Apollo,
}

impl System {
    pub const ALL: [System; 11] = [
        System::Uncached,
        System::Cached,
        System::Get,
        System::NotModified,
        System::Miss,
        System::Mixed,
        System::Limit,
        System::Static,
        System::Postgraphile,
        System::Mercurius,
        System::Apollo,
    ];

    pub fn name(self) -> &'static str {
        match self {
            System::Uncached => "uncached",
            System::Cached => "cached",
            System::Get => "get",
            System::NotModified => "not-modified",
            System::Miss => "miss",
            System::Mixed => "mixed",
            System::Limit => "limit",
            System::Static => "static",
            System::Postgraphile => "postgraphile",
            System::Mercurius => "mercurius",
            System::Apollo => "apollo",
        }
    }

    /// Whether it is Dossier with its cache.
    fn caches(self) -> bool {
        matches!(self, System::Cached | System::Get | System::NotModified | System::Miss | System::Mixed)
    }

    /// Whether its load changes the base, which all share.
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
            dossier if dossier == System::Uncached || dossier.caches() => {
                let mut dossier = Command::new(env!("CARGO_BIN_EXE_dossier"));
                dossier.env("BIND_ADDRESS", format!("127.0.0.1:{port}"));
                if system == System::Uncached {
                    dossier.env("CACHE_BYTES", "0");
                }
                dossier
            }
            System::Limit | System::Static => {
                let mut limit = Command::new(std::env::current_exe().expect("this program"));
                limit.arg("--serve-limit").arg(port.to_string());
                limit
            }
            _ => {
                let folder = peers();
                let mut peer = node(&folder, &format!("{}.mjs", system.name()));
                peer.arg(port.to_string());
                peer.env("PGHOST", socket).env("PGUSER", "postgres").env("PGDATABASE", "postgres");
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
            assert!(since.elapsed() < Duration::from_mins(1), "{} does not respond", system.name());
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

    /// The request for a variant of a query; `size` is that of the static response.
    pub fn request(&self, number: usize, size: usize, variant: &Variant) -> Request {
        let query = &QUERIES[number];
        let (path, document, variables) = match self.system {
            System::Limit => (format!("/q{}", number + 1), query.dossier, variant.dossier(number)),
            System::Static => (format!("/static/{size}"), query.dossier, variant.dossier(number)),
            System::Postgraphile => ("/graphql".to_owned(), query.postgraphile, variant.postgraphile(number)),
            System::Mercurius | System::Apollo => {
                ("/graphql".to_owned(), query.by_hand, variant.by_hand(number))
            }
            _ => ("/graphql".to_owned(), query.dossier, variant.dossier(number)),
        };
        let mut body = json!({ "query": document, "variables": variables });
        match self.system {
            System::Get | System::NotModified => {
                let parameters = [("variables", variables), ("extensions", persisted(number))];
                let parameters = parameters.map(|(name, value)| (name, value.to_string()));
                let address =
                    reqwest::Url::parse_with_params(&self.address(&path), parameters).expect("an address");
                return Request::get(format!("{path}?{}", address.query().expect("parameters")));
            }
            System::Miss => body["variables"]["unused"] = ANOTHER.into(),
            _ => {}
        }
        Request::post(path, &body)
    }

    /// Sends the text of a query that is requested by its hash.
    pub async fn persist(&self, number: usize, variant: &Variant) {
        if matches!(self.system, System::Get | System::NotModified) {
            let body = json!({
                "query": QUERIES[number].dossier, "variables": variant.dossier(number), "extensions": persisted(number),
            });
            let response = Request::post("/graphql".to_owned(), &body).send(self).await;
            let response: Value = response.json().await.expect("JSON");
            assert_eq!(response.get("errors"), None, "{response}");
        }
    }

    /// How many queries were cache hits, and how many misses.
    pub async fn hits_and_misses(&self) -> (f64, f64) {
        if !self.system.caches() {
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
