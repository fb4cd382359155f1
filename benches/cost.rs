//! Which requests take longest of those that the default limits allow: `cargo bench --bench cost`.
//!
//! Requests are generated at random from the schema (filters, orders, facets, edges, computed fields, `asOf`), and slow
//! ones are varied further. Each is repeated in one request as often as its cost allows. The ten worst are printed with
//! their time, cost, and time per point: alone, and with eight of each at once while another client looks up an actor. A
//! base of `STATEMENTS` statements (default: 50,000) is generated the first time; `BENCH_DATABASE_URL` names another.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Parser;
use fastrand::Rng;
use serde_json::{Map, Value, json};

use self::support::{Program, Server, base};

mod support;

/// The maximum time of a request alone, and the maximum p99 of another client meanwhile.
const GOAL_ALONE: Duration = Duration::from_secs(2);
const GOAL_MEANWHILE: Duration = Duration::from_millis(250);
/// How many are printed.
const WORST: usize = 10;
/// Aliases and points that a request may have by default.
const ALIASES: u64 = 90;
const POINTS: u64 = 50_000;

#[derive(Parser)]
struct Arguments {
    /// Number of requests to try.
    #[arg(long, default_value_t = 600)]
    tries: usize,
    /// Seed of the random requests.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    program: Program,
}

/// A client of the server.
#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    address: String,
}

impl Client {
    /// A client with its own loopback address.
    fn at(server: &Server, last: u8) -> Client {
        let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
        let http = reqwest::Client::builder().local_address(from).build().expect("a client");
        Client { http, address: format!("http://{}/graphql", server.address) }
    }

    async fn send(&self, body: &Value) -> (Duration, Value) {
        let since = Instant::now();
        // The server does not read a body that is too large to its end.
        let response = match self.http.post(&self.address).json(body).send().await {
            Ok(response) => response.json().await.expect("JSON"),
            Err(error) if error.is_request() => json!({"errors": [{"extensions": {"code": "NOT_SENT"}}]}),
            Err(error) => panic!("{error}"),
        };
        (since.elapsed(), response)
    }
}

/// A root field with its variables.
#[derive(Clone, Debug)]
struct RootField {
    field: String,
    variables: Vec<(String, Value)>,
}

impl RootField {
    /// A request that selects it so many times.
    fn request(&self, times: u64) -> Value {
        let declared: Vec<String> =
            self.variables.iter().enumerate().map(|(number, (ty, _))| format!("$v{number}: {ty}")).collect();
        let declared = if declared.is_empty() { String::new() } else { format!("({})", declared.join(", ")) };
        let fields: Vec<String> = (0..times).map(|number| format!("a{number}: {}", self.field)).collect();
        let variables: Map<String, Value> = self
            .variables
            .iter()
            .enumerate()
            .map(|(number, (_, value))| (format!("v{number}"), value.clone()))
            .collect();
        json!({
            "query": format!("query{declared} {{ rateLimit {{ cost }} {} }}", fields.join(" ")),
            "variables": variables,
        })
    }
}

/// The schema, and words that the base has.
struct Schema {
    types: HashMap<String, Value>,
    words: Vec<String>,
    actors: Vec<String>,
    topics: Vec<String>,
}

const INTROSPECTION: &str = "{ __schema { types { name kind isOneOf
    fields { name type { ...T } args { name type { ...T } } }
    inputFields { name type { ...T } } enumValues { name } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

const BASE: &str = "{
    statements(first: 100) { edges { node { summary } } facets {
        speaker(first: 50) { value { slug } } topic(first: 50) { value { slug } } } } }";

impl Schema {
    async fn of(client: &Client) -> Schema {
        let (_, introspected) = client.send(&json!({ "query": INTROSPECTION })).await;
        let types = introspected["data"]["__schema"]["types"].as_array().expect("types").clone();
        let types = types.into_iter().map(|ty| (ty["name"].as_str().expect("a name").to_owned(), ty));
        let (_, base) = client.send(&json!({ "query": BASE })).await;
        let statements = &base["data"]["statements"];
        let texts = |values: &Value, path: &str| -> Vec<String> {
            let values = values.as_array().expect("a list").iter();
            values.filter_map(|value| value.pointer(path)?.as_str().map(ToOwned::to_owned)).collect()
        };
        let summaries = texts(&statements["edges"], "/node/summary").join(" ");
        Schema {
            types: types.collect(),
            words: summaries.split_whitespace().map(ToOwned::to_owned).collect(),
            actors: texts(&statements["facets"]["speaker"], "/value/slug"),
            topics: texts(&statements["facets"]["topic"], "/value/slug"),
        }
    }

    fn parts(&self, ty: &str, of: &str) -> &[Value] {
        self.types[ty][of].as_array().map_or(&[], Vec::as_slice)
    }

    /// A type as GraphQL writes it, and its innermost name.
    fn written(ty: &Value) -> (String, &str) {
        match ty["kind"].as_str() {
            Some("NON_NULL") => {
                let (inner, name) = Self::written(&ty["ofType"]);
                (format!("{inner}!"), name)
            }
            Some("LIST") => {
                let (inner, name) = Self::written(&ty["ofType"]);
                (format!("[{inner}]"), name)
            }
            _ => {
                let name = ty["name"].as_str().expect("a name");
                (name.to_owned(), name)
            }
        }
    }

    fn text(&self, rng: &mut Rng) -> String {
        let letter = |rng: &mut Rng| rng.lowercase();
        match rng.u8(0..6) {
            0 => format!("{}{}", letter(rng), letter(rng)),
            1 => letter(rng).to_string(),
            2 => format!("qz{}", letter(rng)),
            3 => {
                let many = rng.usize(2..80);
                let words: Vec<&str> = (0..many).map(|_| self.word(rng)).collect();
                words.join(if rng.bool() { " or " } else { " " }).chars().take(990).collect()
            }
            _ => self.word(rng).to_owned(),
        }
    }

    fn word(&self, rng: &mut Rng) -> &str {
        rng.choice(&self.words).map_or("a", String::as_str)
    }

    /// A value of a type; none where there is none to guess.
    fn value(&self, ty: &Value, rng: &mut Rng, depth: usize) -> Option<Value> {
        match ty["kind"].as_str()? {
            "NON_NULL" => self.value(&ty["ofType"], rng, depth),
            "LIST" => {
                let many = *rng.choice(&[1, 2, 5, 20, 80])?;
                Some((0..many).filter_map(|_| self.value(&ty["ofType"], rng, depth)).collect())
            }
            "ENUM" => {
                let values = self.parts(ty["name"].as_str()?, "enumValues");
                Some(rng.choice(values)?["name"].clone())
            }
            "INPUT_OBJECT" => self.input(ty["name"].as_str()?, rng, depth),
            _ => Some(match ty["name"].as_str()? {
                "String" => self.text(rng).into(),
                "Int" => (*rng.choice(&[1, 3, 6, 20, 50, 100, 200])?).into(),
                "Float" => rng.f64().into(),
                "Boolean" => rng.bool().into(),
                "PartialDate" => rng.i32(1990..2027).to_string().into(),
                "DateTime" => "2026-02-19T12:00:00Z".into(),
                "RevisionNumber" => 1.into(),
                _ => return None,
            }),
        }
    }

    fn input(&self, name: &str, rng: &mut Rng, depth: usize) -> Option<Value> {
        let slugs = match name {
            "ActorBy" => Some(&self.actors),
            "TopicBy" => Some(&self.topics),
            _ => None,
        };
        if let Some(slugs) = slugs {
            return Some(json!({ "slug": rng.choice(slugs)? }));
        }
        let fields = self.parts(name, "inputFields");
        let is_one_of = self.types[name]["isOneOf"] == true;
        let many = if is_one_of || depth == 0 { 1 } else { rng.usize(1..4) };
        let mut object = Map::new();
        for _ in 0..many {
            let field = rng.choice(fields)?;
            let (_, ty) = Self::written(&field["type"]);
            // Other filters lie within, and these lie deep enough.
            if depth == 0
                && ty.ends_with("Filter")
                && self.parts(ty, "inputFields").iter().any(|f| f["name"] == "not")
            {
                continue;
            }
            if let Some(value) = self.value(&field["type"], rng, depth.saturating_sub(1)) {
                object.insert(field["name"].as_str()?.to_owned(), value);
            }
        }
        (!is_one_of || object.len() == 1).then_some(Value::Object(object))
    }

    /// A field with its arguments, and some of what it has.
    fn field(
        &self,
        field: &Value,
        rng: &mut Rng,
        variables: &mut Vec<(String, Value)>,
        depth: usize,
    ) -> Option<String> {
        let mut arguments = Vec::new();
        for argument in field["args"].as_array()? {
            let name = argument["name"].as_str()?;
            let (ty, _) = Self::written(&argument["type"]);
            let value = match name {
                "after" | "before" | "last" | "since" => continue,
                "first" => Some(100.into()),
                "asOf" if rng.u8(0..6) > 0 => continue,
                _ if !ty.ends_with('!') && name != "filter" && rng.bool() => continue,
                _ => self.value(&argument["type"], rng, 4),
            };
            match value {
                Some(value) => {
                    arguments.push(format!("{name}: $v{}", variables.len()));
                    variables.push((ty, value));
                }
                None if ty.ends_with('!') => return None,
                None => {}
            }
        }
        let arguments =
            if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
        let (_, ty) = Self::written(&field["type"]);
        Some(format!("{}{arguments} {}", field["name"].as_str()?, self.selection(ty, rng, variables, depth)))
    }

    fn selection(
        &self,
        ty: &str,
        rng: &mut Rng,
        variables: &mut Vec<(String, Value)>,
        depth: usize,
    ) -> String {
        match self.types[ty]["kind"].as_str() {
            Some("UNION" | "INTERFACE") => return "{ __typename }".to_owned(),
            Some("OBJECT") => {}
            _ => return String::new(),
        }
        let mut selected = vec!["__typename".to_owned()];
        for field in self.parts(ty, "fields") {
            let (_, inner) = Self::written(&field["type"]);
            let is_object = self.types[inner]["kind"] == "OBJECT";
            let takes_arguments = field["args"].as_array().is_some_and(|arguments| !arguments.is_empty());
            let wanted = match (is_object, takes_arguments) {
                (false, _) => rng.u8(0..3) == 0,
                // The parts of a connection or a computed value.
                (true, false) => depth > 0 && rng.u8(0..4) > 0,
                (true, true) => depth > 0 && rng.u8(0..if ty.ends_with("Facets") { 2 } else { 12 }) == 0,
            };
            if wanted && let Some(field) = self.field(field, rng, variables, depth.saturating_sub(1)) {
                selected.push(field);
            }
        }
        format!("{{ {} }}", selected.join(" "))
    }

    /// A root field that reads records.
    fn root_field(&self, rng: &mut Rng) -> Option<RootField> {
        let fields = self.parts("Query", "fields");
        let field = rng.choice(fields)?;
        if ["viewer", "rateLimit", "node", "nodes"].iter().any(|name| field["name"] == *name) {
            return None;
        }
        let mut variables = Vec::new();
        let depth = rng.usize(2..6);
        let field = self.field(field, rng, &mut variables, depth)?;
        Some(RootField { field, variables })
    }

    /// The same field with another value.
    fn changed(&self, root_field: &RootField, rng: &mut Rng) -> RootField {
        let mut root_field = root_field.clone();
        if root_field.variables.is_empty() {
            return root_field;
        }
        let number = rng.usize(0..root_field.variables.len());
        let (ty, value) = &mut root_field.variables[number];
        let name = ty.trim_end_matches('!').to_owned();
        if self.types.get(&name).is_some_and(|ty| ty["kind"] == "INPUT_OBJECT")
            && let Some(other) = self.input(&name, rng, 4)
        {
            let is_filter = self.parts(&name, "inputFields").iter().any(|field| field["name"] == "not");
            *value = match rng.u8(0..4) {
                _ if !is_filter => other,
                0 => json!({"or": [value.clone(), other]}),
                1 => json!({"and": [value.clone(), other]}),
                2 => json!({ "not": value.clone() }),
                _ => other,
            };
        }
        root_field
    }
}

/// The result of a request.
#[derive(Clone, Debug)]
struct Run {
    root_field: RootField,
    times: u64,
    took: Duration,
    cost: u64,
    /// Whether it ended in an error of the server.
    failed: bool,
}

impl Run {
    /// Its time if it were repeated as often as its cost allows.
    fn full(&self) -> Duration {
        let times = (POINTS / self.cost.max(1)).clamp(1, ALIASES);
        self.took * u32::try_from(times).expect("few") / u32::try_from(self.times).expect("few")
    }

    fn summary(&self) -> String {
        let ms = self.took.as_secs_f64() * 1000.0;
        #[allow(clippy::cast_precision_loss)]
        let per_point = ms / self.cost as f64;
        format!("{ms:>8.0} ms  cost {:>6}  {per_point:.4} ms/point", self.cost)
    }
}

/// Sends a request; an error code if it is refused.
async fn run(client: &Client, root_field: &RootField, times: u64) -> Result<Run, String> {
    let (took, response) = client.send(&root_field.request(times)).await;
    let code = response["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
    match (code, response["data"]["rateLimit"]["cost"].as_u64()) {
        ("", Some(cost)) => Ok(Run { root_field: root_field.clone(), times, took, cost, failed: false }),
        ("TIMEOUT" | "TOO_SLOW" | "UNAVAILABLE" | "INTERNAL", _) => {
            println!("{code}: {}", root_field.request(times));
            Ok(Run { root_field: root_field.clone(), times, took, cost: POINTS, failed: true })
        }
        (code, _) => Err(code.to_owned()),
    }
}

/// Eight at once, and how long another client waits for an actor meanwhile.
async fn eight(server: &Server, client: &Client, worst: &Run, actor: &str) -> (Duration, Duration, usize) {
    let over = Arc::new(AtomicBool::new(false));
    let other = Client::at(server, 2);
    let lookup = json!({ "query": format!("{{ actor(by: {{slug: \"{actor}\"}}) {{ name }} }}") });
    let meanwhile = tokio::spawn({
        let over = over.clone();
        async move {
            let (mut waits, mut failed) = (Vec::new(), 0);
            while !over.load(Ordering::Relaxed) {
                let (took, response) = other.send(&lookup).await;
                waits.push(took);
                failed += usize::from(response["data"]["actor"]["name"].is_null());
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            waits.sort();
            (waits[(waits.len() * 99 / 100).min(waits.len() - 1)], failed)
        }
    });
    let request = worst.root_field.request(worst.times);
    let since = Instant::now();
    futures_util::future::join_all((0..8).map(|_| client.send(&request))).await;
    let took = since.elapsed();
    over.store(true, Ordering::Relaxed);
    let (p99, failed) = meanwhile.await.expect("it ends");
    (took, p99, failed)
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let statements = std::env::var("STATEMENTS").unwrap_or_else(|_| "50000".to_owned());
    let (url, _postgres) = base(&arguments.program.server, &["--statements", &statements]);
    let server = Server::start(&arguments.program.server, &url, &[("CACHE_BYTES", "0")]);
    let client = Client::at(&server, 1);
    let schema = Schema::of(&client).await;
    let mut rng = Rng::with_seed(arguments.seed);
    // The server reads the table sizes after its first request.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (mut runs, mut refused): (Vec<Run>, HashMap<String, usize>) = (Vec::new(), HashMap::new());
    for number in 0..arguments.tries {
        let root_field = match runs.get(rng.usize(0..20)) {
            Some(run) if number > 100 && rng.bool() => Some(schema.changed(&run.root_field, &mut rng)),
            _ => schema.root_field(&mut rng),
        };
        let Some(root_field) = root_field else { continue };
        match run(&client, &root_field, 1).await {
            Ok(run) => runs.push(run),
            Err(code) => *refused.entry(code).or_default() += 1,
        }
        runs.sort_by_key(|run| std::cmp::Reverse(run.full()));
    }
    println!("{} requests got a response; refused: {refused:?}", runs.len());
    let mut worst = Vec::new();
    // One per field: requests that differ only in their values take as long.
    let mut seen = HashSet::new();
    let different = runs.iter().filter(|run| seen.insert(run.root_field.field.clone()));
    for candidate in different.take(2 * WORST) {
        let mut times = (POINTS / candidate.cost.max(1)).clamp(1, ALIASES);
        // As often as the limits allow.
        while times > 0 {
            match run(&client, &candidate.root_field, times).await {
                Ok(run) => {
                    worst.push(run);
                    break;
                }
                Err(_) => times = times * 3 / 4,
            }
        }
    }
    worst.sort_by_key(|run| std::cmp::Reverse(run.took));
    worst.truncate(WORST);
    let mut good = !runs.iter().chain(&worst).any(|run| run.failed);
    for run in &worst {
        let (all, p99, failed) = eight(&server, &client, run, &schema.actors[0]).await;
        good &= run.took < GOAL_ALONE && p99 < GOAL_MEANWHILE && failed == 0;
        println!(
            "{}  eight at once {:.1} s, actor(by:) meanwhile {} ms, {failed} failed\n    {:.300}",
            run.summary(),
            all.as_secs_f64(),
            p99.as_millis(),
            run.root_field.request(1).to_string()
        );
    }
    println!("{}", if good { "all within the goals" } else { "NOT within the goals" });
}
