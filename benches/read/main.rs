//! How fast queries are read: Dossier, its peers, and the limit that hand-written SQL sets, on the
//! same data and in interleaved rounds.
//!
//! `cargo bench --bench read` needs `wrk`, and for the peers Node.js with npm. See `-- --help`.

mod limit;
mod load;
#[path = "../support/peers.rs"]
mod peers;
mod queries;
mod servers;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use clap::Parser;
use dossier::{
    database::embedded::{Durability, Postgres},
    model::pagination::global_id,
};
use fastrand::Rng;
use load::{Load, Round, Writes, measure};
use queries::{QUERIES, Variant, leaves, values};
use serde_json::Value;
use servers::{Server, System};
use sqlx::{PgPool, postgres::PgPoolOptions};

/// The limit allocates as Dossier does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Statements that the mixed load changes.
const WRITTEN: usize = 500;

#[derive(Parser)]
struct Arguments {
    /// Statements of the generated base; the other records are in proportion.
    #[arg(long, default_value_t = 500_000)]
    statements: u64,
    /// Rounds; the median is printed.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of one round.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Concurrent connections.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Only these systems: uncached, cached, get, not-modified, miss, mixed, limit, static, postgraphile, mercurius, apollo.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only these queries: Q1 … Q5.
    #[arg(long, value_delimiter = ',')]
    queries: Vec<String>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
    /// Serve the limit on this port, for the address in `DATABASE_URL`.
    #[arg(long, hide = true)]
    serve_limit: Option<u16>,
}

fn main() {
    let arguments = Arguments::parse();
    if let Some(port) = arguments.serve_limit {
        limit::serve(&std::env::var("DATABASE_URL").expect("DATABASE_URL"), port);
        return;
    }
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("read-{}", arguments.statements));
    let postgres = Postgres::start(&root, None, Durability::Scratch).expect("a Postgres");
    let socket = postgres.socket_folder().display().to_string().replace('/', "%2F");
    let url = format!("postgres://postgres@localhost:5432/postgres?host={socket}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let pool = runtime.block_on(prepare(&url, arguments.statements));
    let (ids, words) = runtime.block_on(values(&pool));
    let writes = runtime.block_on(writes(&pool, &root, &url));
    let chosen = |name: &str| arguments.only.is_empty() || arguments.only.iter().any(|only| only == name);
    let systems: Vec<System> = System::ALL.into_iter().filter(|system| chosen(system.name())).collect();
    let folder = root.join("requests");
    fs::create_dir_all(&folder).expect("a folder");
    let servers: Vec<Server> =
        systems.iter().map(|system| Server::start(*system, &url, postgres.socket_folder())).collect();

    println!(
        "{} statements, {} connections, medians of {} rounds of {} s (least … most)\n",
        arguments.statements, arguments.connections, arguments.rounds, arguments.seconds
    );
    for (number, query) in QUERIES.iter().enumerate() {
        if !arguments.queries.is_empty() && !arguments.queries.iter().any(|name| name == query.name) {
            continue;
        }
        let variants = Variant::all(number, &ids, &words);
        let size = runtime.block_on(check(&servers, number, &variants));
        let script = |server: &Server| {
            let load = runtime.block_on(Load::of(server, number, size, &variants, &writes));
            load.script(folder.join(format!("{}-{}.lua", server.system.name(), query.name)))
        };
        let mut rounds: BTreeMap<&str, Vec<Round>> = BTreeMap::new();
        // The load that changes the base comes last.
        for changes in [false, true] {
            let servers = servers.iter().filter(|server| server.system.changes() == changes);
            let loads: Vec<(&Server, PathBuf)> = servers.map(|server| (server, script(server))).collect();
            // The first round warms up and is not printed.
            for round in 0..=arguments.rounds {
                let seconds = if round == 0 { 1 } else { arguments.seconds };
                for (server, script) in &loads {
                    let measured =
                        measure(server, postgres_pid(&root), script, seconds, arguments.connections);
                    let measured = runtime.block_on(measured);
                    if round > 0 {
                        rounds.entry(server.system.name()).or_default().push(measured);
                    }
                }
            }
        }
        println!("{}: {} ({size} bytes)", query.name, query.what);
        println!("| | requests/s | | p50 ms | p99 ms | server µs | Postgres µs | hits % |");
        println!("|---|---|---|---|---|---|---|---|");
        for server in &servers {
            let rounds = &rounds[server.system.name()];
            let median = |of: fn(&Round) -> f64| {
                let mut all: Vec<f64> = rounds.iter().map(of).collect();
                all.sort_by(f64::total_cmp);
                (all[all.len() / 2], all[0], all[all.len() - 1])
            };
            let (per_second, least, most) = median(|round| round.per_second);
            let hits = median(|round| round.hits).0;
            println!(
                "| {} | {per_second:.0} | {least:.0} … {most:.0} | {:.2} | {:.2} | {:.0} | {:.0} | {} |",
                server.system.name(),
                median(|round| round.p50).0,
                median(|round| round.p99).0,
                median(|round| round.server).0,
                median(|round| round.postgres).0,
                if hits.is_nan() { String::new() } else { format!("{hits:.1}") },
            );
        }
        println!();
    }
}

/// A base of this size, generated the first time, with what the peers need to sort and search as Dossier does.
async fn prepare(url: &str, statements: u64) -> PgPool {
    let pool = PgPoolOptions::new().max_connections(2).connect(url).await.expect("a pool");
    let there: Result<i64, _> = sqlx::query_scalar("select count(*) from statements").fetch_one(&pool).await;
    if there.is_err() {
        dossier(url, &["migrate"]);
        dossier(url, &["generate", "--statements", &statements.to_string()]);
    }
    let prepared: Result<bool, _> =
        sqlx::query_scalar("select to_regproc('bench_search') is not null").fetch_one(&pool).await;
    if !prepared.expect("a row") {
        sqlx::raw_sql(include_str!("peers/prepare.sql")).execute(&pool).await.expect("prepared");
    }
    pool
}

/// Runs a command of Dossier on the base.
fn dossier(url: &str, arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dossier"));
    let output = command.env("DATABASE_URL", url).args(arguments).output().expect("dossier runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The changes of the mixed load: random statements, with a key that is created the first time.
async fn writes(pool: &PgPool, root: &Path, url: &str) -> Writes {
    let file = root.join("editor.key");
    if !file.exists() {
        let made = dossier(url, &["key", "create", "--name", "bench", "--role", "editor"]);
        fs::write(&file, made).expect("written");
    }
    let generated = "select id from statements where slug like 'generated-%' order by id";
    let ids: Vec<i64> = sqlx::query_scalar(generated).fetch_all(pool).await.expect("ids");
    let mut rng = Rng::with_seed(7);
    let statements = (0..WRITTEN).map(|_| global_id("Statement", ids[rng.usize(..ids.len())])).collect();
    Writes { statements, key: fs::read_to_string(file).expect("a key").trim().to_owned() }
}

/// Sends some variants to every system and compares the values of the responses; returns the size of Dossier's.
async fn check(servers: &[Server], query: usize, variants: &[Variant]) -> usize {
    let mut size = 0;
    for server in servers {
        server.persist(query, &variants[0]).await;
    }
    for variant in variants.iter().step_by(25) {
        let mut first: Option<(&str, Vec<String>)> = None;
        for server in servers.iter().filter(|server| server.system != System::Static) {
            let response = server.request(query, 0, variant).send(server).await;
            let text = response.text().await.expect("text");
            let response: Value =
                serde_json::from_str(&text).unwrap_or_else(|_| panic!("{}: {text}", server.system.name()));
            assert_eq!(response.get("errors"), None, "{}: {text}", server.system.name());
            let leaves = leaves(&response["data"]);
            assert!(!leaves.is_empty(), "{}: {text}", server.system.name());
            if server.system == System::Uncached {
                size = size.max(text.len());
            }
            match &first {
                Some((name, expected)) => {
                    assert_eq!(
                        expected,
                        &leaves,
                        "{} and {name} differ at {}",
                        server.system.name(),
                        QUERIES[query].name
                    );
                }
                None => first = Some((server.system.name(), leaves)),
            }
        }
    }
    size
}

fn postgres_pid(root: &std::path::Path) -> u32 {
    let file = fs::read_to_string(root.join("data/postmaster.pid")).expect("it runs");
    file.lines().next().expect("a line").parse().expect("a number")
}
