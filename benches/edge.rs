//! How many responses a cache in front gives while the base changes: `cargo bench --bench edge`, which needs Varnish with
//! xkey (Debian: `varnish varnish-modules`).
//!
//! Readers ask Varnish for Q1 to Q4 of the benchmark of reads, some variants far more often than others, and for each 100
//! requests an editor changes a record: a random statement, or the name of a random actor, which many pages show. Then
//! every response that Varnish has kept is compared with the server's. A base of 500,000 statements is generated the first
//! time; `BENCH_DATABASE_URL` names another, which is changed.

#[path = "read/queries.rs"]
#[allow(dead_code, reason = "the queries of other servers are not asked")]
mod queries;
mod support;
#[path = "../tests/it/support/varnish.rs"]
mod varnish;

use std::{net::TcpListener, path::Path, process::Command, time::Duration};

use clap::Parser;
use dossier::model::pagination::global_id;
use fastrand::Rng;
use queries::{QUERIES, Variant, popularity, values};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use support::{Program, Server, base};
use varnish::Varnish;

const REQUESTS_TO_A_CHANGE: usize = 100;
/// Longer than a purge takes.
const PURGED: Duration = Duration::from_secs(1);
/// After this time the start of a server has purged everything twice.
const STARTED: Duration = Duration::from_secs(5);

/// What is changed, and how.
const CHANGES: [(&str, &str); 2] = [
    (
        "Statement",
        "mutation($id: ID!, $text: String!) { updateStatement(input: {statement: {id: $id}, summary: $text}) \
         { userErrors { message } } }",
    ),
    (
        "Actor",
        "mutation($id: ID!, $text: String!) { updateActor(input: {actor: {id: $id}, name: $text}) \
         { userErrors { message } } }",
    ),
];

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    program: Program,
    /// Requests for each query.
    #[arg(long, default_value_t = 10_000)]
    requests: usize,
}

async fn sent(request: RequestBuilder) -> Response {
    let response = request.send().await.expect("a response");
    assert_eq!(response.status(), 200);
    response
}

#[tokio::main]
async fn main() {
    let Arguments { program, requests } = Arguments::parse();
    let program = program.server;
    let (url, postgres) = base(&program, &["--statements", "500000"]);
    let pool = PgPoolOptions::new().connect(&url).await.expect("a pool");
    let (ids, words) = values(&pool).await;
    let statements: Vec<i64> =
        sqlx::query_scalar("select id from statements order by id").fetch_all(&pool).await.expect("ids");
    let name = format!("edge-{}", std::process::id());
    let mut key = Command::new(&program);
    key.env("DATABASE_URL", &url).args(["key", "create", "--role", "editor", "--name", &name]);
    let key = String::from_utf8(key.output().expect("dossier runs").stdout).expect("text").trim().to_owned();

    let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let [port, purge] = ports.map(|free| free.local_addr().expect("an address").port());
    let settings = [
        ("CACHE_TAGS", "Surrogate-Key"),
        ("CACHE_CONTROL", "public, max-age=0, s-maxage=86400"),
        ("PURGE_URL", &format!("http://127.0.0.1:{purge}/")),
    ];
    let server = Server::start(&program, &url, &settings);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("varnish");
    let _ = std::fs::remove_dir_all(&folder);
    let (_, server_port) = server.address.rsplit_once(':').expect("a port");
    let varnish = Varnish::start(&folder, server_port.parse().expect("a number"), [port, purge]);
    tokio::time::sleep(STARTED).await;
    let http = reqwest::Client::new();
    let get = |address: &str, query: &str, variables: &Value| {
        let parameters = [("query", query), ("variables", &variables.to_string())];
        http.get(format!("http://{address}/graphql")).query(&parameters)
    };
    let front = format!("127.0.0.1:{port}");

    println!("| changed | query | requests | changes | hits | stale of {} |", queries::VARIANTS);
    println!("|---|---|---|---|---|---|");
    let mut rng = Rng::new();
    for (changed, mutation) in CHANGES {
        for (number, query) in QUERIES.iter().enumerate().take(4) {
            let variables: Vec<Value> =
                Variant::all(number, &ids, &words).iter().map(|variant| variant.dossier(number)).collect();
            for variables in &variables {
                sent(get(&front, query.dossier, variables)).await;
            }
            let popularity = popularity(variables.len());
            let (mut hits, mut changes) = (0, 0);
            for request in 1..=requests {
                if request % REQUESTS_TO_A_CHANGE == 0 {
                    let ids = if changed == "Actor" { &ids[0] } else { &statements };
                    let id = global_id(changed, ids[rng.usize(..ids.len())]);
                    let text = format!("Changed {}", rng.u64(..));
                    let body = json!({ "query": mutation, "variables": { "id": id, "text": text } });
                    let change = http.post(format!("http://{}/graphql", server.address)).bearer_auth(&key);
                    let response = sent(change.json(&body)).await.text().await.expect("text");
                    assert!(response.contains("\"userErrors\":[]"), "{response}");
                    changes += 1;
                }
                let at = rng.f64();
                let variant = popularity.partition_point(|upto| *upto <= at);
                let response = sent(get(&front, query.dossier, &variables[variant])).await;
                hits += usize::from(response.headers()["x-cache"] == "HIT");
                response.bytes().await.expect("a body");
            }
            tokio::time::sleep(PURGED).await;
            let mut stale = 0;
            for variables in &variables {
                let kept = sent(get(&front, query.dossier, variables)).await.bytes().await.expect("a body");
                let current = sent(get(&server.address, query.dossier, variables)).await;
                stale += usize::from(kept != current.bytes().await.expect("a body"));
            }
            #[allow(clippy::cast_precision_loss, reason = "they are few")]
            let hits = hits as f64 * 100.0 / requests as f64;
            println!("| {changed} | {} | {requests} | {changes} | {hits:.2} % | {stale} |", query.name);
        }
    }
    drop((varnish, server));
    if let Some(postgres) = postgres {
        postgres.stop();
    }
}
