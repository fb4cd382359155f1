//! How long groups of statements take: `cargo bench --bench groups`, which needs Node.js with npm for PostGraphile.
//! One request at a time: anew, from the cache by POST and by GET, beside SQL written by hand and PostGraphile's
//! aggregates. All give the same numbers. `STATEMENTS` sets the size of the base (default 500,000).

#[path = "support/client.rs"]
mod client;
#[path = "support/peers.rs"]
mod peers;
mod support;

use std::{
    collections::HashMap,
    net::{TcpListener, TcpStream},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use clap::Parser;
use client::Client;
use dossier::model::pagination::parse_global_id;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, PgPool, Row, postgres::PgPoolOptions};
use support::{Program, Server, base};

const ROUNDS: usize = 11;
const CACHED_ROUNDS: usize = 201;
/// Groups that are asked for.
const FIRST: usize = 100;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    program: Program,
    /// Without PostGraphile.
    #[arg(long)]
    alone: bool,
}

/// A group: its keys as texts, empty where they are unknown, and how many records it has.
type Group = (Vec<String>, i64);

struct Question {
    by: &'static str,
    /// The keys in Dossier.
    selected: &'static [&'static str],
    /// The groups by hand.
    sql: String,
    /// The list in PostGraphile, what it groups by, and what it counts.
    postgraphile: (&'static str, &'static str, &'static str),
    /// Whether the last key is a date, whose months the client must find.
    by_month: bool,
}

fn questions() -> Vec<Question> {
    let sql = |keys: &str, from: &str, order: &str| {
        format!(
            "select {keys}, count(*) from {from} group by {order} order by count(*) desc, {order} limit {FIRST}"
        )
    };
    let by_month = "statements cross join lateral (
        select left(said_on, 7) as month where said_on is null or length(said_on) >= 7
        union all
        select said_on || '-' || lpad(m::text, 2, '0') from generate_series(1, 12) m where length(said_on) = 4) m";
    vec![
        Question {
            by: "SPEAKER",
            selected: &["speaker"],
            sql: sql("speaker_id::text", "statements", "speaker_id"),
            postgraphile: ("allStatements", "SPEAKER_ID", "id"),
            by_month: false,
        },
        Question {
            by: "SAID_ON_MONTH",
            selected: &["saidOnMonth"],
            sql: sql("month", by_month, "month"),
            postgraphile: ("allStatements", "SAID_ON", "id"),
            by_month: true,
        },
        Question {
            by: "TOPIC",
            selected: &["topic"],
            sql: sql(
                "topic_id::text",
                "statements left join statement_topics on statement_id = statements.id",
                "topic_id",
            ),
            postgraphile: ("allStatementTopics", "TOPIC_ID", "statementId"),
            by_month: false,
        },
        Question {
            by: "SPEAKER, SAID_ON_MONTH",
            selected: &["speaker", "saidOnMonth"],
            sql: sql("speaker_id::text, month", by_month, "speaker_id, month"),
            postgraphile: ("allStatements", "SPEAKER_ID, SAID_ON", "id"),
            by_month: true,
        },
    ]
}

impl Question {
    fn dossier(&self) -> String {
        let selected = self.selected.iter().map(|key| match *key {
            "saidOnMonth" => (*key).to_owned(),
            key => format!("{key} {{ id name }}"),
        });
        let selected = selected.collect::<Vec<_>>().join(" ");
        format!(
            "{{ statements {{ groups(by: [{}], first: {FIRST}) {{ {selected} count certain possible }} }} }}",
            self.by
        )
    }

    fn of_dossier(&self, data: &Value) -> Vec<Group> {
        let groups = data["statements"]["groups"].as_array().expect("groups").iter();
        let key = |value: &Value| match value["id"].as_str() {
            Some(id) => parse_global_id(id).expect("an id").1.to_string(),
            None => value.as_str().unwrap_or_default().to_owned(),
        };
        let group = |group: &Value| {
            let keys = self.selected.iter().map(|name| key(&group[name])).collect();
            (keys, group["count"].as_i64().expect("a number"))
        };
        groups.map(group).collect()
    }

    fn postgraphile(&self) -> String {
        let (list, by, counted) = self.postgraphile;
        format!(
            "{{ {list} {{ groupedAggregates(groupBy: [{by}]) {{ keys distinctCount {{ {counted} }} }} }} }}"
        )
    }

    /// What a client makes of all groups that PostGraphile gives: those by month, and of them the first.
    fn of_postgraphile(&self, data: &Value) -> Vec<Group> {
        let (list, _, counted) = self.postgraphile;
        let mut groups: HashMap<Vec<String>, i64> = HashMap::new();
        for group in data[list]["groupedAggregates"].as_array().expect("groups") {
            let keys = group["keys"].as_array().expect("keys").iter();
            let mut keys: Vec<String> = keys.map(|key| key.as_str().unwrap_or_default().to_owned()).collect();
            let count = group["distinctCount"][counted].as_str().and_then(|count| count.parse().ok());
            let count: i64 = count.expect("a number");
            let day = if self.by_month { keys.pop().expect("a date") } else { String::new() };
            let months: Vec<String> = match (self.by_month, day.len()) {
                (false, _) => vec![String::new()],
                (true, 4) => (1..=12).map(|month| format!("{day}-{month:02}")).collect(),
                (true, length) => vec![day[..length.min(7)].to_owned()],
            };
            for month in months {
                let mut keys = keys.clone();
                keys.extend(self.by_month.then_some(month));
                *groups.entry(keys).or_default() += count;
            }
        }
        let mut groups: Vec<Group> = groups.into_iter().collect();
        // Ids are sorted as numbers; what is unknown comes last.
        let place = |key: &String| (key.is_empty(), key.parse::<i64>().unwrap_or(0), key.clone());
        groups.sort_by_key(|(keys, count)| (-count, keys.iter().map(place).collect::<Vec<_>>()));
        groups.truncate(FIRST);
        groups
    }
}

impl Client {
    /// Sends a query in full, as often as its time is taken.
    async fn post(&self, query: &str, rounds: usize) -> Duration {
        let body = json!({ "query": query });
        median(rounds, async || {
            let sent = self.http.post(&self.url).json(&body).send().await.expect("a response");
            sent.bytes().await.expect("bytes");
        })
        .await
    }

    /// Sends a query by its hash.
    async fn get(&self, query: &str, rounds: usize) -> Duration {
        let hash = format!("{:x}", Sha256::digest(query));
        let persisted = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
        self.answer(&json!({ "query": query, "extensions": persisted })).await;
        let url = reqwest::Url::parse_with_params(&self.url, [("extensions", persisted.to_string())]);
        let url = url.expect("an address");
        median(rounds, async || {
            let sent = self.http.get(url.clone()).send().await.expect("a response");
            assert!(sent.status().is_success());
            sent.bytes().await.expect("bytes");
        })
        .await
    }
}

async fn median(rounds: usize, run: impl AsyncFn()) -> Duration {
    let mut times = Vec::new();
    // The first is to warm up.
    for round in 0..=rounds {
        let since = Instant::now();
        run().await;
        if round > 0 {
            times.push(since.elapsed());
        }
    }
    times.sort();
    times[rounds / 2]
}

async fn by_hand(pool: &PgPool, sql: &str) -> Vec<Group> {
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(pool).await.expect("rows");
    let group = |row: &sqlx::postgres::PgRow| {
        let keys = (0..row.len() - 1)
            .map(|key| row.get_unchecked::<Option<String>, _>(key).unwrap_or_default())
            .collect();
        (keys, row.get(row.len() - 1))
    };
    rows.iter().map(group).collect()
}

/// PostGraphile with its plugin for aggregates.
struct Postgraphile(Child, Client);

impl Postgraphile {
    fn start(url: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr());
        let port = port.expect("a port").port();
        let mut node = peers::node(&peers::peers(), "postgraphile.mjs");
        node.arg(port.to_string()).env("DATABASE_URL", url).env("AGGREGATES", "1");
        let child = node.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("it starts");
        let since = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(since.elapsed() < Duration::from_mins(1), "PostGraphile does not respond");
            std::thread::sleep(Duration::from_millis(50));
        }
        let url = format!("http://127.0.0.1:{port}/graphql");
        Postgraphile(child, Client { http: reqwest::Client::new(), url })
    }
}

impl Drop for Postgraphile {
    fn drop(&mut self) {
        let _ = std::process::Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

fn ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 10.0 { format!("{ms:.2}") } else { format!("{ms:.0}") }
}

#[tokio::main]
async fn main() {
    let Arguments { program, alone } = Arguments::parse();
    let statements = std::env::var("STATEMENTS").unwrap_or_else(|_| "500000".to_owned());
    let (url, _postgres) = base(&program.server, &["--statements", &statements]);
    let settings = ["client_connection_check_interval=0", "jit=off", "hash_mem_multiplier=32"];
    let options: sqlx::postgres::PgConnectOptions = url.parse().expect("an address");
    let options = options.options(settings.map(|setting| setting.split_once('=').expect("a value")));
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.expect("a pool");
    // As after autovacuum.
    sqlx::raw_sql("vacuum analyze statements, statement_topics").execute(&pool).await.expect("done");
    let anew = Server::start(&program.server, &url, &[("CACHE_BYTES", "0"), ("RATE_LIMIT", "0")]);
    let caching = Server::start(&program.server, &url, &[("RATE_LIMIT", "0")]);
    let (anew, cached) = (Client::of(&anew), Client::of(&caching));
    let peer = (!alone).then(|| Postgraphile::start(&url));
    println!("{statements} statements, one request at a time, medians in ms\n");
    println!(
        "| by | anew | cached, POST | cached, GET | SQL by hand | PostGraphile |\n|---|---|---|---|---|---|"
    );
    for question in questions() {
        let query = question.dossier();
        let groups = question.of_dossier(&anew.data(&query).await);
        assert_eq!(groups.len(), FIRST);
        assert_eq!(groups, by_hand(&pool, &question.sql).await, "{}: by hand", question.by);
        let of_peer = match &peer {
            Some(Postgraphile(_, client)) => {
                let query = question.postgraphile();
                let all = question.of_postgraphile(&client.data(&query).await);
                // It groups links, so records without one are not among them.
                let known = |groups: Vec<Group>| -> Vec<Group> {
                    groups
                        .into_iter()
                        .filter(|(keys, _)| !keys.contains(&String::new()))
                        .take(FIRST - 1)
                        .collect()
                };
                assert_eq!(known(groups), known(all), "{}: PostGraphile", question.by);
                ms(client.post(&query, 3).await)
            }
            None => String::new(),
        };
        println!(
            "| `{}` | {} | {} | {} | {} | {of_peer} |",
            question.by,
            ms(anew.post(&query, ROUNDS).await),
            ms(cached.post(&query, CACHED_ROUNDS).await),
            ms(cached.get(&query, CACHED_ROUNDS).await),
            ms(median(ROUNDS, async || drop(by_hand(&pool, &question.sql).await)).await),
        );
    }
}
