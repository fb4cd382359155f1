//! How long it takes to refuse documents designed to take long: `cargo bench --bench guard`. Each must be refused within
//! 20 ms; no request reaches a database.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use dossier::{
    auth::caller::Role,
    config::Config,
    database::{connections::Connections, reader::Reader},
    engine::{Engine, OperationRequest, Settings, catalog, prepare::limits::Limits},
};
use sqlx::postgres::PgConnectOptions;

const WITHIN: Duration = Duration::from_millis(20);
const ROUNDS: usize = 21;

/// Documents that would hang a server without limits; the last ones are within the limit of tokens.
fn hostile() -> Vec<(&'static str, String)> {
    let repeated = |part: &str, times: usize| part.repeat(times);
    let fragments = |many: u32| {
        (0..many).fold(format!("{{ ...F0 }} fragment F{many} on Query {{ __typename }}"), |text, level| {
            let next = level + 1;
            format!("{text} fragment F{level} on Query {{ ...F{next} ...F{next} }}")
        })
    };
    let aliases: Vec<String> = (0..20_000).map(|number| format!("a{number}: __typename")).collect();
    let nested = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    vec![
        ("20,000 aliases", format!("{{ {} }}", aliases.join(" "))),
        ("20,000 fields", format!("{{ {} }}", repeated("__typename ", 20_000))),
        ("20,000 levels", nested("{a", "", "}", 20_000)),
        ("a fragment bomb of 2^28", fragments(28)),
        ("a fragment bomb of 2^200", fragments(200)),
        ("20,000 open braces", "{".repeat(20_000)),
        (
            "list of list, 20,000 times, in a variable's type",
            format!("query($v: {}) {{ __typename }}", nested("[", "Int", "]", 20_000)),
        ),
        (
            "list of list, 20,000 times, in a value",
            format!("{{ actors(first: {}) {{ totalCount }} }}", nested("[", "1", "]", 20_000)),
        ),
        ("600 levels", nested("{a", "", "}", 600)),
        (
            "list of list, 900 times, in a variable's type",
            format!("query($v: {}) {{ __typename }}", nested("[", "Int", "]", 900)),
        ),
        (
            "list of list, 900 times, in a value",
            format!("{{ actors(first: {}) {{ totalCount }} }}", nested("[", "1", "]", 900)),
        ),
    ]
}

#[tokio::main]
async fn main() -> ExitCode {
    let config = Config::from_lookup(|_| None).expect("the defaults are right");
    let settings = Settings {
        limits: Limits { tokens: config.max_tokens, depth: config.max_depth, aliases: config.max_aliases },
        cost: config.max_cost,
        introspection: config.introspection,
        suggestions: config.suggestions,
        whole_texts: Role::Anonymous,
    };
    let nowhere = PgConnectOptions::new();
    let nowhere = Reader::new(Connections::to(nowhere.clone(), 1), Connections::to(nowhere, 1));
    let engine = Engine::new(catalog::catalog(), nowhere, settings);
    let mut slow = false;
    for (name, document) in hostile() {
        let mut times = Vec::new();
        let mut message = String::new();
        for _ in 0..ROUNDS {
            let request =
                OperationRequest { document: Some(document.clone()), ..OperationRequest::default() };
            let since = Instant::now();
            let refused = match engine.prepare(request) {
                Ok(prepared) => engine.bind(&prepared, Role::Anonymous).err(),
                Err(api_errors) => api_errors.into_iter().next(),
            };
            times.push(since.elapsed());
            message = refused.map_or_else(|| "ACCEPTED".to_owned(), |api_error| api_error.message);
        }
        times.sort();
        let (median, most) = (times[ROUNDS / 2], times[ROUNDS - 1]);
        slow |= most > WITHIN || message == "ACCEPTED";
        println!(
            "{name:50} {:>6} bytes  {median:>10.1?}  at most {most:>10.1?}  {message:.70}",
            document.len()
        );
    }
    if slow { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
