//! How long the passages of a text take that thousands of citations quote, a new version of it, and how much room texts
//! take: `cargo bench --bench evidence`. Each query is sent uncached, one at a time.

#[path = "support/client.rs"]
mod client;
mod support;

use std::{
    process::Command,
    time::{Duration, Instant},
};

use clap::Parser;
use client::Client;
use sqlx::{Connection, PgConnection};
use support::{Program, Server, base};

const ROUNDS: usize = 21;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    program: Program,
    /// Measure the size of a base with so many texts of about 6,000 characters instead.
    #[arg(long)]
    size: Option<String>,
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The sizes of the base and of its passages.
async fn size(program: &Program, texts: &str) {
    let (url, _postgres) = base(&program.server, &["--statements", "10000", "--texts", texts]);
    let mut connection = PgConnection::connect(&url).await.expect("a connection");
    let sizes = "select pg_database_size(current_database()) >> 20, pg_total_relation_size('text_passages') >> 20,
                        pg_relation_size('text_passages_search') >> 20, pg_total_relation_size('citation_anchors') >> 20";
    let (base, passages, index, anchors): (i64, i64, i64, i64) =
        sqlx::query_as(sizes).fetch_one(&mut connection).await.expect("sizes");
    println!("| | MiB |\n|---|---|\n| base | {base} |\n| passages | {passages} |");
    println!("| of which the index for full text | {index} |\n| anchors | {anchors} |");
}

#[tokio::main]
async fn main() {
    let Arguments { program, size: texts } = Arguments::parse();
    if let Some(texts) = texts {
        return size(&program, &texts).await;
    }
    let sizes = ["--statements", "2800", "--texts", "1", "--text-length", "1000000"];
    let (url, _postgres) = base(&program.server, &sizes);
    let settings = [("CACHE_BYTES", "0"), ("RATE_LIMIT", "0"), ("SOURCE_TEXTS", "everyone")];
    let server = Server::start(&program.server, &url, &settings);
    let client = Client::of(&server);
    let with_text =
        "{ sources(first: 100) { nodes { slug texts { characters } coverage { passages cited } } } }";
    let found = client.data(with_text).await;
    let sources = found["sources"]["nodes"].as_array().expect("sources");
    let source = sources.iter().find(|source| !source["coverage"].is_null()).expect("a source with a text");
    let slug = source["slug"].as_str().expect("a slug");
    let of = |selection: &str| format!("{{ source(by: {{ slug: \"{slug}\" }}) {{ {selection} }} }}");
    let cited = client.data(&of("citations { totalCount } text { content }")).await["source"].take();
    println!("{source}, {} citations\n", cited["citations"]["totalCount"]);
    println!("| | median ms | longest ms | first ms |\n|---|---|---|---|");
    for selection in [
        "passages(first: 100) { number text citations { locator record { slug } } }",
        "passages(first: 100, after: 2000) { number text citations { locator } }",
        "citations(first: 100) { nodes { locator passage { state text } } }",
        "uncitedPassages(first: 100) { number text }",
        "coverage { passages cited }",
        "text { content }",
    ] {
        let [median, longest, first] = client.measure(&of(selection), ROUNDS).await.map(milliseconds);
        println!("| `{selection}` | {median:.1} | {longest:.1} | {first:.1} |");
    }
    // Every citation finds its words anew in another version.
    let content = cited["text"]["content"].as_str().expect("a text");
    let file = std::env::temp_dir().join(format!("dossier-text-{}.txt", std::process::id()));
    std::fs::write(&file, format!("Corrected at {:?}.\n{content}", std::time::SystemTime::now()))
        .expect("written");
    let since = Instant::now();
    let mut attach = Command::new(&program.server);
    attach.args(["source", "attach", slug]).arg(&file).env("DATABASE_URL", &url);
    assert!(attach.status().expect("dossier runs").success());
    println!("\na new version with all its anchors: {:.1} s", since.elapsed().as_secs_f64());
    std::fs::remove_file(&file).expect("removed");
    let anchored = of("citations(first: 100) { nodes { passage { state version } } }");
    let anchored = client.data(&anchored).await;
    let states = anchored["source"]["citations"]["nodes"].as_array().expect("citations").iter();
    let moved = states.filter(|citation| citation["passage"]["state"] == "ANCHORED").count();
    println!("of the first 100 citations, {moved} have their words in it");
}
