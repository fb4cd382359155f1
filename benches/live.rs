//! `cargo bench --bench live`: two servers on one database, a thousand subscribers, writers at both.
//!
//! Every subscriber must get every change once and in order. The benchmark prints the time from the moment that a change
//! is recorded to its delivery, and the memory of the servers. Each subscriber is an open file here and one at a server:
//! raise `ulimit -n` if necessary.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

use clap::Parser;
use dossier::{
    auth::{caller::Role, keys},
    database::embedded::{Durability, Postgres},
};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use sqlx::PgPool;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::{net::TcpStream, task::JoinSet};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest, http::HeaderValue};

use self::support::{Program, Server};

mod support;

#[derive(Parser)]
struct Arguments {
    /// Subscribers, half of them at each server.
    #[arg(long, default_value_t = 1000)]
    subscribers: usize,
    /// Changes in each round.
    #[arg(long, default_value_t = 500)]
    changes: usize,
    /// Writers, half of them at each server.
    #[arg(long, default_value_t = 4)]
    writers: usize,
    /// Changes per second in the first round; the second has no pause.
    #[arg(long, default_value_t = 20)]
    pace: u32,
    #[command(flatten)]
    program: Program,
}

/// The memory of the process in MB: now, and its peak.
fn memory_of(server: &Server) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
    };
    (field("VmRSS:"), field("VmHWM:"))
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("live");
    let _ = fs::remove_dir_all(&root);
    let postgres = Postgres::start(&root, None, Durability::Durable).expect("a Postgres");
    let socket = postgres.socket_folder().display().to_string().replace('/', "%2F");
    let url = format!("postgres://postgres@localhost:5432/postgres?host={socket}");
    let servers = [(); 2].map(|()| Server::start(&arguments.program.server, &url, &[]));
    let pool = PgPool::connect(&url).await.expect("the database");
    let key = keys::create(&pool, "bench", Role::Editor, None).await.expect("a key");
    let memory = |when: &str| {
        let usage = servers.each_ref().map(|server| {
            let (now, most) = memory_of(server);
            format!("{now} MB (at most {most})")
        });
        println!("memory {when}: {}", usage.join(", "));
    };
    memory("without subscribers");
    let rounds = [("paced", Some(arguments.pace)), ("as fast as they can", None)];
    let expected = arguments.changes * rounds.len();
    let last: i64 =
        sqlx::query_scalar("select max(id) from revisions").fetch_one(&pool).await.expect("a number");
    let mut subscribers = JoinSet::new();
    let begun = std::sync::Arc::new(tokio::sync::Barrier::new(arguments.subscribers + 1));
    for number in 0..arguments.subscribers {
        let address = servers[number % 2].address.clone();
        subscribers.spawn(follow(address, last, expected, begun.clone()));
        if number % 50 == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    begun.wait().await;
    memory("with subscribers");
    let mut ends = Vec::new();
    for (round, (name, pace)) in rounds.iter().enumerate() {
        let since = Instant::now();
        let mut writers = JoinSet::new();
        for writer in 0..arguments.writers {
            let (address, key) = (servers[writer % 2].address.clone(), key.clone());
            let each = arguments.changes / arguments.writers;
            let pause = pace
                .map(|pace| Duration::from_secs(1) * u32::try_from(arguments.writers).unwrap_or(1) / pace);
            writers.spawn(write(address, key, format!("topic-{round}-{writer}"), each, pause));
        }
        writers.join_all().await;
        println!("{name}: {} changes written in {:.1} s", arguments.changes, since.elapsed().as_secs_f64());
        ends.push(arguments.changes * (round + 1));
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let made = "select id from revisions where id > $1 order by id";
    let made: Vec<i64> = sqlx::query_scalar(made).bind(last).fetch_all(&pool).await.expect("revisions");
    assert_eq!(made.len(), expected, "one revision for each change");
    let mut latencies = vec![Vec::new(); rounds.len()];
    let mut exact = 0;
    while let Some(received) = subscribers.join_next().await {
        let received = received.expect("a subscriber");
        exact += usize::from(received.iter().map(|(number, _)| *number).eq(made.iter().copied()));
        for (place, (_, latency)) in received.into_iter().enumerate() {
            latencies[place / arguments.changes].push(latency);
        }
    }
    memory("at the end");
    println!("{exact} of {} subscribers got all {expected} changes once and in order", arguments.subscribers);
    for ((name, _), latencies) in rounds.iter().zip(&mut latencies) {
        latencies.sort_unstable();
        let at = |share: usize| latencies[(latencies.len() - 1) * share / 1000].as_secs_f64() * 1000.0;
        println!(
            "{name}: from recorded to delivered: median {:.1} ms, 99 of 100 within {:.1} ms, all within {:.1} ms",
            at(500),
            at(990),
            at(1000)
        );
    }
    assert_eq!(exact, arguments.subscribers);
    drop(servers);
    drop(pool);
    postgres.stop();
}

/// The revisions that a subscriber gets, each with its latency.
async fn follow(
    address: String,
    since: i64,
    expected: usize,
    begun: std::sync::Arc<tokio::sync::Barrier>,
) -> Vec<(i64, Duration)> {
    let stream = TcpStream::connect(&address).await.expect("a connection");
    let mut request = format!("ws://{address}/graphql").into_client_request().expect("a request");
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.expect("open");
    let query = "subscription($since: RevisionNumber) { changes(since: $since) {
        operation revision requester recordedAt recordId record { __typename slug revision } } }";
    let payload = json!({ "query": query, "variables": { "since": since } });
    for message in [
        json!({ "type": "connection_init" }),
        json!({ "type": "subscribe", "id": "1", "payload": payload }),
        json!({ "type": "ping" }),
    ] {
        socket.send(Message::text(message.to_string())).await.expect("sent");
    }
    let mut received = Vec::with_capacity(expected);
    let mut waiting = Some(begun);
    while received.len() < expected {
        let message = match socket.next().await.expect("more").expect("a message") {
            Message::Text(text) => serde_json::from_str::<Value>(&text).expect("JSON"),
            Message::Close(frame) => panic!("closed: {frame:?}"),
            _ => continue,
        };
        match message["type"].as_str() {
            Some("next") => {
                let change = &message["payload"]["data"]["changes"];
                let recorded = change["recordedAt"].as_str().expect("a moment");
                let recorded: SystemTime =
                    OffsetDateTime::parse(recorded, &Rfc3339).expect("a moment").into();
                let latency = SystemTime::now().duration_since(recorded).unwrap_or_default();
                received.push((change["revision"].as_i64().expect("a number"), latency));
            }
            Some("pong") => {
                if let Some(begun) = waiting.take() {
                    begun.wait().await;
                }
            }
            Some("connection_ack") => {}
            _ => panic!("{message}"),
        }
    }
    received
}

async fn write(address: String, key: String, name: String, changes: usize, pause: Option<Duration>) {
    let client = reqwest::Client::new();
    let query = "mutation($slug: String!) { createTopic(input: {slug: $slug, name: $slug}) { userErrors { message } } }";
    for change in 0..changes {
        let next = pause.map(|pause| tokio::time::Instant::now() + pause);
        let body = json!({ "query": query, "variables": { "slug": format!("{name}-{change}") } });
        let post = client.post(format!("http://{address}/graphql")).bearer_auth(&key).json(&body);
        let response: Value = post.send().await.expect("a response").json().await.expect("JSON");
        assert_eq!(response["data"]["createTopic"]["userErrors"], json!([]), "{response}");
        if let Some(next) = next {
            tokio::time::sleep_until(next).await;
        }
    }
}
