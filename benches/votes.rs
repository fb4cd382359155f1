//! How long questions about votes take on a parliament of 650 members and 1,000 divisions: `cargo bench --bench votes`.
//! Each is sent uncached, one at a time.

#[path = "support/client.rs"]
mod client;
mod support;

use clap::Parser;
use client::Client;
use serde_json::Value;
use support::{Program, Server, base};

const ROUNDS: usize = 21;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    program: Program,
}

/// The questions, about a division and what belongs to it.
fn questions(division: &Value) -> Vec<(&'static str, String)> {
    let text = |pointer: &str| division.pointer(pointer).and_then(Value::as_str).expect("a slug").to_owned();
    let (slug, motion) = (text("/slug"), text("/motion/slug"));
    let (actor, party) = (text("/votes/nodes/0/actor/slug"), text("/votes/nodes/0/party/slug"));
    let topic = text("/motion/topics/nodes/0/slug");
    let is = |slug: &str| format!("{{ slug: {{ equals: \"{slug}\" }} }}");
    let counts = "facets { choice { value count } party { value { slug } count } }";
    let votes = "totalCount nodes { choice actor { name } party { name } } facets { choice { value count } }";
    vec![
        (
            "the votes of a division, with counts",
            format!("{{ division(by: {{ slug: \"{slug}\" }}) {{ votes(first: 100) {{ {votes} }} }} }}"),
        ),
        (
            "20 divisions, each with counts",
            "{ divisions(first: 20, orderBy: DATE_DESC) { nodes { name votes(first: 1) { facets { choice { value count } } } } } }"
                .to_owned(),
        ),
        (
            "how an actor voted",
            format!(
                "{{ actor(by: {{ slug: \"{actor}\" }}) {{ votes(first: 50) {{ totalCount nodes {{ choice division {{ name heldOn motion {{ name }} }} }} }} }} }}"
            ),
        ),
        (
            "the votes on a motion, with counts",
            format!("{{ votes(filter: {{ division: {{ motion: {} }} }}, first: 100) {{ {votes} }} }}", is(&motion)),
        ),
        (
            "how a party voted",
            format!("{{ votes(filter: {{ party: {} }}, first: 1) {{ totalCount {counts} }} }}", is(&party)),
        ),
        ("all votes by choice and party", format!("{{ votes(first: 1) {{ totalCount {counts} }} }}")),
        (
            "said for, voted against",
            format!(
                "{{ actors(filter: {{ positions: {{ topic: {0}, stance: {{ in: [SUPPORTS, STRONGLY_SUPPORTS] }} }}, votes: {{ choice: {{ equals: AGAINST }}, division: {{ motion: {{ topic: {0} }} }} }} }}) {{ totalCount nodes {{ slug }} }} }}",
                is(&topic)
            ),
        ),
    ]
}

#[tokio::main]
async fn main() {
    let Arguments { program } = Arguments::parse();
    let size = ["--statements", "50000", "--divisions", "1000", "--voters", "650"];
    let (url, _postgres) = base(&program.server, &size);
    let server = Server::start(&program.server, &url, &[("CACHE_BYTES", "0"), ("RATE_LIMIT", "0")]);
    let client = Client::of(&server);
    let of_a_division = "slug motion { slug topics { nodes { slug } } } votes(first: 1) { nodes { actor { slug } party { slug } } }";
    let found = client.data(&format!("{{ divisions(first: 1) {{ nodes {{ {of_a_division} }} }} }}")).await;
    println!("| | median ms | longest ms |\n|---|---|---|");
    for (question, query) in questions(&found["divisions"]["nodes"][0]) {
        let [median, longest, _] = client.measure(&query, ROUNDS).await;
        println!("| {question} | {:.1} | {:.1} |", median.as_secs_f64() * 1e3, longest.as_secs_f64() * 1e3);
    }
}
