//! The load that wrk sends to a server, and what it measures.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use fastrand::Rng;
use serde_json::{Value, json};

use crate::{
    queries::{QUERIES, Variant, popularity},
    servers::{Server, System, processor_time},
};

/// A placeholder in a request: each time it is sent, a new number of as many digits replaces it.
pub const ANOTHER: &str = "################";

/// Requests of the mixed load before it repeats, and how many requests there are to one change.
const MIXED: usize = 20_000;
const REQUESTS_TO_A_WRITE: usize = 100;

const WRITE: &str = "mutation($id: ID!, $role: String) { updateStatement(input: {statement: {id: $id}, speakerRole: $role}) \
                     { userErrors { message } } }";

/// One request, as wrk and the check send it.
#[derive(Clone)]
pub struct Request {
    pub method: &'static str,
    /// Its path with its parameters.
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Request {
    pub fn post(path: String, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Request { method: "POST", path, headers, body: body.to_string() }
    }

    pub fn get(path: String) -> Self {
        Request { method: "GET", path, headers: Vec::new(), body: String::new() }
    }

    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// What wrk's `format` takes.
    fn to_lua(&self) -> String {
        let Request { method, path, headers, body } = self;
        let headers: Vec<String> =
            headers.iter().map(|(name, value)| format!("[{name:?}] = {value:?}")).collect();
        let body = if body.is_empty() { "nil".to_owned() } else { format!("{body:?}") };
        format!("{{{method:?}, {path:?}, {{{}}}, {body}}}", headers.join(", "))
    }

    pub async fn send(&self, server: &Server) -> reqwest::Response {
        let method = self.method.parse().expect("a method");
        let mut request = server.http().request(method, server.address(&self.path));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(self.body.clone()).send().await.expect("a response")
    }
}

/// The extensions of a request that names a query by its hash.
pub fn persisted(query: usize) -> Value {
    use sha2::{Digest, Sha256};
    let hash = format!("{:x}", Sha256::digest(QUERIES[query].dossier));
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

/// Requests, and the order in which they are sent repeatedly.
pub struct Load {
    requests: Vec<Request>,
    order: Vec<usize>,
    /// The expected status.
    status: u16,
}

impl Load {
    /// The load for a server: the variants one after the other, unless it is the mixed load.
    pub async fn of(
        server: &Server,
        query: usize,
        size: usize,
        variants: &[Variant],
        writes: &Writes,
    ) -> Self {
        let mut requests: Vec<Request> =
            variants.iter().map(|variant| server.request(query, size, variant)).collect();
        let mut status = 200;
        if server.system == System::NotModified {
            for request in &mut requests {
                let response = request.send(server).await;
                let tag = response.headers()["etag"].to_str().expect("text").to_owned();
                *request = request.clone().with("if-none-match", tag);
            }
            status = 304;
        }
        let mut order = (0..requests.len()).collect();
        if server.system.changes() {
            let (mut rng, popularity) = (Rng::with_seed(7), popularity(requests.len()));
            let any = |_| {
                if rng.usize(..REQUESTS_TO_A_WRITE) == 0 {
                    return popularity.len() + rng.usize(..writes.statements.len());
                }
                let at = rng.f64();
                popularity.partition_point(|upto| *upto <= at)
            };
            order = (0..MIXED).map(any).collect();
            requests.extend(writes.requests());
            let response = requests[requests.len() - 1].send(server).await.text().await.expect("text");
            assert!(response.contains("\"userErrors\":[]"), "{response}");
        }
        Load { requests, order, status }
    }

    /// Writes the script that wrk is run with.
    pub fn script(&self, path: PathBuf) -> PathBuf {
        let requests: Vec<String> = self.requests.iter().map(Request::to_lua).collect();
        let order: Vec<String> = self.order.iter().map(|place| (place + 1).to_string()).collect();
        let script = format!(
            "local requests = {{\n{}\n}}\nlocal order = {{{}}}\nlocal status = {}\nlocal another = {ANOTHER:?}\n{}",
            requests.join(",\n"),
            order.join(","),
            self.status,
            include_str!("load.lua")
        );
        fs::write(&path, script).expect("written");
        path
    }
}

/// Changes of statements, each of a field that no comparison of responses reads.
pub struct Writes {
    pub statements: Vec<String>,
    pub key: String,
}

impl Writes {
    pub fn requests(&self) -> impl Iterator<Item = Request> {
        self.statements.iter().map(|id| {
            let variables = json!({ "id": id, "role": format!("in office {ANOTHER}") });
            let body = json!({ "query": WRITE, "variables": variables });
            Request::post("/graphql".to_owned(), &body).with("authorization", format!("Bearer {}", self.key))
        })
    }
}

/// The result of one round of one system with one query.
pub struct Round {
    pub per_second: f64,
    /// Microseconds of processor time for a request: the server's, and Postgres'.
    pub server: f64,
    pub postgres: f64,
    pub p50: f64,
    pub p99: f64,
    /// Cache hits in per cent of queries.
    pub hits: f64,
}

pub async fn measure(
    server: &Server,
    postmaster: u32,
    script: &Path,
    seconds: u64,
    connections: usize,
) -> Round {
    let (hits, misses) = server.hits_and_misses().await;
    let before = (processor_time(server.pid()), processor_time(postmaster));
    let output = Command::new("wrk")
        .args(["-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), "-s"])
        .arg(script)
        .arg(server.address(""))
        .output()
        .expect("wrk is installed");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let result =
        text.lines().find_map(|line| line.strip_prefix("RESULT ")).unwrap_or_else(|| panic!("{text}"));
    let numbers: Vec<f64> =
        result.split_whitespace().map(|number| number.parse().expect("a number")).collect();
    let [requests, microseconds, p50, p99] = numbers[..] else { panic!("{text}") };
    let spent = |now: Duration, before: Duration| now.saturating_sub(before).as_secs_f64() * 1e6 / requests;
    let spent = (spent(processor_time(server.pid()), before.0), spent(processor_time(postmaster), before.1));
    let now = server.hits_and_misses().await;
    let (hits, misses) = (now.0 - hits, now.1 - misses);
    Round {
        per_second: requests / (microseconds / 1e6),
        server: spent.0,
        postgres: spent.1,
        p50,
        p99,
        hits: hits * 100.0 / (hits + misses),
    }
}
