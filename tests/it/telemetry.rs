//! The request log, metrics and traces; and that the server goes on if nobody reads its log.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, ChildStderr, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, routing::post};
use dossier::auth::{caller::Role, keys};
use nix::{sys::signal::Signal, unistd::Pid};
use opentelemetry_proto::tonic::{collector::trace::v1::ExportTraceServiceRequest, trace::v1::Span};
use prost::Message;
use reqwest::header::ACCEPT;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::bulk::Base;
use super::support::{
    Client, anonymous,
    database::database,
    editor,
    process::{Process, dossier},
    socket::{Events, Socket},
};

const SECRET: &str = "kept-to-themselves";

/// The lines of a log in JSON that have this target.
fn lines(log: &str, target: &str) -> Vec<Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["target"] == target).map(|mut line| line["fields"].take()).collect()
}

/// The line of the request with this id.
fn line<'l>(lines: &'l [Value], id: &str) -> &'l Value {
    let mut found = lines.iter().filter(|line| line["request_id"] == id);
    let line = found.next().unwrap_or_else(|| panic!("{id} is not in {lines:#?}"));
    assert_eq!(found.next(), None, "it is logged once");
    line
}

async fn send_query(server: &Process, id: &str, body: Value, key: Option<&str>) -> Value {
    let post = reqwest::Client::new().post(format!("http://{}/graphql", server.address()));
    let post = post.header("x-request-id", id).json(&body);
    let post = if let Some(key) = key { post.bearer_auth(key) } else { post };
    post.send().await.expect("a response").json().await.expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_has_one_line_with_what_it_was_and_what_it_took() {
    let database = database().await;
    let key = keys::create(database.pool(), "alice", Role::Editor, None).await.expect("a key");
    let settings = [("DATABASE_URL", database.url()), ("LOG_FORMAT", "json"), ("CACHE_BYTES", "1000000")];
    let server = Process::start(&settings).await;
    let query = "query Topics($search: String) { topics(first: 3, filter: {search: $search}) { nodes: edges { node { name } } } }";
    let body = json!({ "query": query, "variables": { "search": SECRET } });
    send_query(&server, "first", body.clone(), None).await;
    // Until the server knows the current revision nothing is cached.
    let mut requested = body.clone();
    requested["extensions"] = json!({ "cache": true });
    let since = Instant::now();
    while send_query(&server, "warm", requested.clone(), None).await["extensions"]["cache"]["hit"] != true {
        assert!(since.elapsed() < Duration::from_secs(30), "it is never cached");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    send_query(&server, "again", body, None).await;
    send_query(&server, "unread", json!({ "query": "{ topics {" }), None).await;
    send_query(&server, "unasked", json!({ "query": "{ nothing }" }), None).await;
    send_query(&server, "unknown", json!({ "query": "{ viewer { role } }" }), Some("dossier_wrong")).await;
    let mutation =
        "mutation Enter { createTopic(input: {slug: \"a-new-one\", name: \"A new one\"}) { revision } }";
    send_query(&server, "enter", json!({ "query": mutation }), Some(&key)).await;
    let http = reqwest::Client::new();
    let export =
        http.get(format!("http://{}/export.jsonl", server.address())).header("x-request-id", "export");
    let exported = export.send().await.expect("a response").bytes().await.expect("records");
    let log = server.log();
    assert!(!log.contains(SECRET), "no value of a request reaches the log");
    assert!(!log.contains(&key));
    assert!(lines(&log, "dossier::request").iter().all(|line| line.get("query").is_none()));
    let requests = lines(&log, "dossier::request");

    let first = line(&requests, "first");
    for (field, value) in [
        ("transport", json!("http")),
        ("operation", json!("Topics")),
        ("kind", json!("query")),
        ("role", json!("ANONYMOUS")),
        ("client", json!("127.0.0.1")),
        ("status", json!(200)),
        ("code", json!("OK")),
    ] {
        assert_eq!(first[field], value, "{field} of {first}");
    }
    for field in ["cost", "statements", "bytes"] {
        assert!(first[field].as_u64().is_some_and(|value| value > 0), "{field} of {first}");
    }
    assert!(
        first["sql_ms"].as_f64() > Some(0.0) && first["duration_ms"].as_f64() >= first["sql_ms"].as_f64()
    );
    let again = line(&requests, "again");
    assert!(again["cache"] == "hit" && again["statements"] == 0 && again["cost"] == first["cost"], "{again}");
    for (id, code) in [
        ("unread", "GRAPHQL_PARSE_FAILED"),
        ("unasked", "GRAPHQL_VALIDATION_FAILED"),
        ("unknown", "UNAUTHENTICATED"),
    ] {
        assert_eq!(line(&requests, id)["code"], code);
    }
    assert_eq!(line(&requests, "unknown")["status"], 401);
    let enter = line(&requests, "enter");
    for (field, value) in [
        ("kind", "mutation"),
        ("operation", "Enter"),
        ("role", "EDITOR"),
        ("requester", "alice"),
        ("code", "OK"),
    ] {
        assert_eq!(enter[field], value, "{field} of {enter}");
    }
    assert!(enter["statements"].as_u64() > Some(2), "what writes is counted too: {enter}");
    let export = line(&requests, "export");
    assert_eq!((&export["transport"], &export["kind"]), (&json!("export"), &json!("export")));
    assert_eq!(export["bytes"], exported.len());
    let records = String::from_utf8_lossy(&exported).lines().count() as u64;
    assert!(export["rows"].as_u64() >= Some(records), "{export}");
    assert!(export["statements"].as_u64() > Some(2) && export["sql_ms"].as_f64() > Some(0.0), "{export}");
    assert!(!log.contains("\"ERROR\""), "what a client does wrong is no error of the server: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_logged_at_its_end() {
    let database = Arc::new(database().await);
    let settings = [("DATABASE_URL", database.url()), ("LOG_FORMAT", "json")];
    let server = Process::start(&settings).await;
    let address: SocketAddr = server.address().parse().expect("an address");
    let key = keys::create(database.pool(), "alice", Role::Editor, None).await.expect("a key");
    let mut socket = Socket::open(address, Some("graphql-transport-ws"), &[]).await.expect("open");
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.receive().await["type"], "connection_ack");
    socket.subscribe("1", "query Asked { viewer { role } }", json!({})).await;
    assert_eq!(socket.next_result().await["viewer"]["role"], "ANONYMOUS");
    assert_eq!(socket.receive().await["type"], "complete");
    let follow = "subscription Follow { changes { revision } }";
    socket.subscribe("2", follow, json!({})).await;
    let http = reqwest::Client::new();
    let post = http.post(format!("http://{}/graphql", server.address())).header(ACCEPT, "text/event-stream");
    let post = post.header("x-request-id", "events").json(&json!({ "query": follow }));
    let mut events = Events::read(post.send().await.expect("a response"));
    let mutation = "mutation { createTopic(input: {slug: \"a-new-one\", name: \"A new one\"}) { revision } }";
    // Both are subscribed by the time that a change arrives.
    tokio::time::sleep(Duration::from_secs(2)).await;
    send_query(&server, "enter", json!({ "query": mutation }), Some(&key)).await;
    socket.next_result().await;
    events.next_result().await;
    socket.send(json!({ "id": "2", "type": "complete" })).await;
    drop(events);
    // The end of a stream is seen when it is next written to, or when the server stops.
    let log = server.log();
    let requests = lines(&log, "dossier::request");
    let reported = line(&requests, "events");
    assert!(
        reported["transport"] == "sse" && reported["kind"] == "subscription" && reported["events"] == 1,
        "{reported}"
    );
    assert!(reported["bytes"].as_u64() > Some(0), "{reported}");
    let of_socket = |operation: &str| {
        let mut found =
            requests.iter().filter(|line| line["operation"] == operation && line["transport"] == "websocket");
        found.next().unwrap_or_else(|| panic!("{operation} is not in {requests:#?}")).clone()
    };
    let requested = of_socket("Asked");
    assert!(
        requested["kind"] == "query" && requested["code"] == "OK" && requested["role"] == "ANONYMOUS",
        "{requested}"
    );
    let followed = of_socket("Follow");
    assert!(followed["events"] == 1 && followed["bytes"].as_u64() > Some(0), "{followed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_statement_is_logged_with_its_plan_and_without_its_values() {
    let database = database().await;
    let settings = [
        ("DATABASE_URL", database.url()),
        ("LOG_FORMAT", "json"),
        ("SLOW_STATEMENT", "400"),
        ("SLOW_STATEMENT_PLAN", "true"),
    ];
    let server = Process::start(&settings).await;
    let query = json!({ "query": format!("{{ topic(by: {{slug: \"{SECRET}\"}}) {{ name }} }}") });
    send_query(&server, "fast", query.clone(), None).await;
    let mut holding = database.pool().begin().await.expect("a transaction");
    sqlx::query("lock table topics in access exclusive mode").execute(&mut *holding).await.expect("locked");
    let release = async {
        tokio::time::sleep(Duration::from_millis(900)).await;
        holding.rollback().await.expect("released");
    };
    tokio::join!(send_query(&server, "slow", query, None), release);
    let key = keys::create(database.pool(), "alice", Role::Editor, None).await.expect("a key");
    let mut holding = database.pool().begin().await.expect("a transaction");
    sqlx::query("lock table topics in share mode").execute(&mut *holding).await.expect("locked");
    let release = async {
        tokio::time::sleep(Duration::from_millis(900)).await;
        holding.rollback().await.expect("released");
    };
    let create =
        format!("mutation {{ createTopic(input: {{slug: \"slow\", name: \"{SECRET}\"}}) {{ revision }} }}");
    tokio::join!(send_query(&server, "slow-change", json!({ "query": create }), Some(&key)), release);
    // The plan is read beside the request.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let log = server.log();
    let slow = lines(&log, "dossier::slow");
    let mut of_request = slow.iter().filter(|line| line["request_id"] == "slow");
    let reported = of_request.next().unwrap_or_else(|| panic!("{log}"));
    assert!(
        reported["sql"].as_str().is_some_and(|sql| sql.contains("$1"))
            && reported["ms"].as_f64() > Some(50.0),
        "{reported}"
    );
    assert!(
        slow.iter().any(|line| line["plan"].as_str().is_some_and(|plan| plan.contains("topics"))),
        "{slow:#?}"
    );
    let of_change = |field: &str, text: &str| {
        let of_change = slow.iter().filter(|line| line["request_id"] == "slow-change");
        of_change.filter(|line| line[field].as_str().is_some_and(|found| found.contains(text))).count()
    };
    assert_eq!(of_change("message", "slow statement"), 2, "the statement and its plan: {slow:#?}");
    assert_eq!(of_change("plan", "Insert on topics"), 1, "{slow:#?}");
    let known = |line: &&Value| line["request_id"] == "slow" || line["request_id"] == "slow-change";
    assert!(slow.iter().filter(known).count() == slow.len() && !log.contains(SECRET), "{log}");
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server whose standard error output is a pipe that is not read.
fn unread(url: &str) -> (Running, BufReader<ChildStderr>, String) {
    let settings = [("DATABASE_URL", url), ("RUST_LOG", "trace"), ("LOG_FORMAT", "json")];
    let mut command: Command = dossier(&settings);
    let mut child = Running(command.stderr(Stdio::piped()).spawn().expect("dossier runs"));
    let mut stderr = BufReader::new(child.0.stderr.take().expect("piped"));
    loop {
        let mut line = String::new();
        assert_ne!(stderr.read_line(&mut line).expect("a line"), 0, "it ended before it started");
        if let Some((_, rest)) = line.split_once("listening on http://") {
            let address = rest.split('/').next().expect("an address").to_owned();
            return (child, stderr, address);
        }
    }
}

async fn metric(address: &str, name: &str) -> f64 {
    let response = reqwest::get(format!("http://{address}/metrics")).await.expect("a response");
    let text = response.text().await.expect("text");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not in {text}")).parse().expect("a number")
}

/// Sends requests until lines are dropped, and then stops the server.
async fn answers_while_lines_are_lost(mut child: Running, address: &str) {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().expect("a client");
    let since = Instant::now();
    while metric(address, "dossier_log_lines_dropped_total").await < 1.0 {
        let requested =
            http.post(format!("http://{address}/graphql")).json(&json!({ "query": "{ viewer { role } }" }));
        assert_eq!(requested.send().await.expect("a response").status(), 200);
        assert!(since.elapsed() < Duration::from_mins(2), "no line was lost");
    }
    nix::sys::signal::kill(Pid::from_raw(child.0.id().cast_signed()), Signal::SIGTERM).expect("sent");
    let ended = tokio::task::spawn_blocking(move || {
        let since = Instant::now();
        loop {
            match child.0.try_wait().expect("a child of ours") {
                Some(status) => return Some(status),
                None if since.elapsed() > Duration::from_secs(30) => return None,
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    });
    let status = ended.await.expect("not cancelled").expect("SIGTERM ends it");
    assert!(status.success(), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_not_read_stops_nothing() {
    let database = database().await;
    let url = database.url().to_owned();
    let (child, _full, address) =
        tokio::task::spawn_blocking(move || unread(&url)).await.expect("it responds");
    answers_while_lines_are_lost(child, &address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_whose_reader_has_gone_stops_nothing() {
    let database = database().await;
    let url = database.url().to_owned();
    let (child, gone, address) =
        tokio::task::spawn_blocking(move || unread(&url)).await.expect("it responds");
    drop(gone);
    answers_while_lines_are_lost(child, &address).await;
}

/// The names of metrics in rules or panels.
fn named(text: &str) -> Vec<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split(|letter| !is_part(letter));
    let ours = words.filter(|word| word.starts_with("dossier_") || word.starts_with("process_"));
    ours.map(ToOwned::to_owned).collect()
}

/// Runs promtool on this input. Passes with a message if it is not installed.
fn promtool(arguments: &[&str], input: &str) {
    use std::io::Write;
    let child = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("NOT CHECKED: promtool is not installed (Debian: apt install prometheus)");
        return;
    };
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ended");
    let reported = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&reported));
}

#[tokio::test]
async fn metrics_are_valid_and_include_all_of_the_dashboard_and_the_alerts() {
    let editor = editor().await.at_another_server(&[("CACHE_BYTES", "1000000")]).await;
    let mut socket = Socket::of(&editor).await;
    socket.subscribe("1", "subscription { changes { revision } }", json!({})).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    editor
        .query("mutation { createTopic(input: {slug: \"a-new-one\", name: \"A new one\"}) { revision } }")
        .await;
    socket.next_result().await;
    editor.query("{ topics { totalCount } }").await;
    // Some metrics are of servers that only read, or that have a cache in front.
    let settings = [
        ("READ_ONLY", "true"),
        ("CACHE_BYTES", "1000000"),
        ("CACHE_TAGS", "Surrogate-Key"),
        ("PURGE_URL", "http://127.0.0.1:1/"),
    ];
    let reader = editor.at_another_server(&settings).await;
    let mut text = String::new();
    for client in [&editor, &reader] {
        let metrics = client.get("/metrics").await.text().await.expect("text");
        promtool(&["check", "metrics"], &metrics);
        text += &metrics;
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/observability");
    let alerts = format!("{folder}/alerts.yml");
    promtool(&["check", "rules", &alerts], "");
    let there: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    for file in [alerts, format!("{folder}/dashboard.json")] {
        let requested = std::fs::read_to_string(&file).expect("a file");
        let requested = named(&requested);
        assert!(requested.len() > 5, "{file} has metrics");
        for name in requested {
            // Metrics that only Linux has.
            let is_there = there.contains(&name.as_str())
                || (name.starts_with("process_") && !cfg!(target_os = "linux"));
            assert!(is_there, "{file} has {name}, which is not in {text}");
        }
    }
    let dashboard = std::fs::read_to_string(format!("{folder}/dashboard.json")).expect("a file");
    let dashboard: Value = serde_json::from_str(&dashboard).expect("JSON");
    assert!(dashboard["panels"].as_array().is_some_and(|panels| panels.len() > 5));
}

#[tokio::test]
async fn requests_are_counted_by_kind_code_and_what_the_cache_did() {
    let client = anonymous().await;
    client.api_error("{ topics(first: 1000) { totalCount } }", json!({})).await;
    client.query("{ topics { totalCount } }").await;
    let text = client.get("/metrics").await.text().await.expect("text");
    for labels in [
        "cache=\"none\",code=\"BAD_USER_INPUT\",kind=\"query\"",
        "cache=\"uncacheable\",code=\"OK\",kind=\"query\"",
    ] {
        let name = format!("dossier_request_duration_seconds_count{{{labels}}}");
        assert!(text.contains(&name), "{name} is not in {text}");
    }
}

#[tokio::test]
async fn imports_are_counted_by_result_and_records() {
    let base = Base::new("metrics").await;
    let client = Client::of(&base.database).await;
    let file =
        base.file("topics.jsonl", "{\"type\": \"Topic\", \"slug\": \"water\", \"name\": \"Water\"}\n{}\n");
    base.import_with(&file, &[]);
    base.import_with(&file, &[]);
    base.import_with(&file, &["--dry-run"]);
    base.import_with(&base.file("other.json", "{\"neither\": \"nor\"}"), &[]);
    let text = client.get("/metrics").await.text().await.expect("text");
    for line in [
        "dossier_import_running 0",
        "dossier_imports_total{result=\"written\"} 1",
        "dossier_imports_total{result=\"unchanged\"} 1",
        "dossier_imports_total{result=\"failed\"} 1",
        "dossier_import_records_total{result=\"created\"} 1",
        "dossier_import_records_total{result=\"unchanged\"} 1",
        "dossier_import_records_total{result=\"rejected\"} 2",
    ] {
        assert!(text.lines().any(|there| there == line), "{line} is not in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_refused_is_logged_with_its_code() {
    let database = database().await;
    let settings = [("DATABASE_URL", database.url()), ("LOG_FORMAT", "json"), ("INTROSPECTION", "false")];
    let server = Process::start(&settings).await;
    let api_errors = [("/schema.graphql", 403, "FORBIDDEN"), ("/nowhere", 404, "NOT_FOUND")];
    for (path, status, code) in api_errors {
        let get = reqwest::Client::new().get(format!("http://{}{path}", server.address()));
        let refused = get.header("x-request-id", code).send().await.expect("a response");
        assert_eq!(refused.status(), status, "{path}");
    }
    let log = server.log();
    let requests = lines(&log, "dossier::request");
    for (path, _, code) in api_errors {
        assert_eq!(line(&requests, code)["code"], code, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_mutations_counts_no_writes() {
    let database = database().await;
    let settings = [("DATABASE_URL", database.url()), ("CACHE_BYTES", "1000000")];
    let server = Process::start(&settings).await;
    let writes = async || metric(server.address(), "dossier_sql_write_duration_seconds_count").await;
    // Meanwhile it polls for revisions of others several times.
    let since = Instant::now();
    while metric(server.address(), "dossier_revision").await < 0.0 {
        assert!(since.elapsed() < Duration::from_secs(30), "it never knows the revision");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let before = writes().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(writes().await <= before, "its own looks are none");
    let export = reqwest::get(format!("http://{}/export.jsonl", server.address())).await.expect("a response");
    assert!(!export.bytes().await.expect("records").is_empty());
    assert!(writes().await <= before, "exports write nothing");
}

/// A collector that stores what it gets.
async fn collector() -> (String, Arc<Mutex<Vec<Span>>>) {
    let spans = Arc::<Mutex<Vec<Span>>>::default();
    let stored = spans.clone();
    let take = post(move |body: Bytes| async move {
        let request = ExportTraceServiceRequest::decode(body).expect("OTLP in protobuf");
        let resources = request.resource_spans.into_iter();
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        stored.lock().expect("no thread panicked").extend(scopes.flat_map(|scope| scope.spans));
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/v1/traces", take)).await });
    (address, spans)
}

fn hex(id: &[u8]) -> String {
    use std::fmt::Write;
    id.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_traced_as_part_of_its_clients_trace() {
    let (collector, spans) = collector().await;
    let database = database().await;
    let settings = [
        ("DATABASE_URL", database.url()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.as_str()),
        ("OTEL_SERVICE_NAME", "dossier-test"),
    ];
    let server = Process::start(&settings).await;
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let post = reqwest::Client::new().post(format!("http://{}/graphql", server.address()));
    let post = post.header("traceparent", format!("00-{trace}-{parent}-01"));
    let query =
        "query Levels { topics(first: 3) { edges { node { name statements(first: 1) { totalCount } } } } }";
    let response = post.json(&json!({ "query": query })).send().await.expect("a response");
    assert_eq!(response.status(), 200);
    // Remaining spans are sent before the program ends.
    server.log();
    let spans = spans.lock().expect("no thread panicked").clone();
    let ours: Vec<&Span> = spans.iter().filter(|span| hex(&span.trace_id) == trace).collect();
    let named =
        |name: &str| -> Vec<&Span> { ours.iter().filter(|span| span.name == name).copied().collect() };
    let request = named("request");
    assert_eq!(request.len(), 1, "{spans:#?}");
    assert_eq!(hex(&request[0].parent_span_id), parent);
    let attribute = |span: &Span, key: &str| {
        let found = span.attributes.iter().find(|attribute| attribute.key == key);
        format!("{:?}", found.and_then(|attribute| attribute.value.clone()))
    };
    assert!(attribute(request[0], "graphql.operation.name").contains("Levels"));
    for name in ["prepare", "bind", "sql", "respond"] {
        let children = named(name);
        assert!(!children.is_empty(), "{name} is not in {spans:#?}");
        assert!(children.iter().all(|span| span.parent_span_id == request[0].span_id), "{spans:#?}");
    }
    assert!(named("sql").len() >= 2, "one for each level: {spans:#?}");
    assert!(attribute(named("sql")[0], "db.query.text").contains("select"));
    assert!(attribute(named("sql")[0], "db.system.name").contains("postgresql"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_collector_stops_nothing_and_is_logged_once() {
    let database = database().await;
    let settings = [
        ("DATABASE_URL", database.url()),
        // No one listens on this port.
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ];
    let server = Process::start(&settings).await;
    for _ in 0..5 {
        let response = server.response("{ viewer { role } }").await.expect("a response");
        assert_eq!(response["data"]["viewer"]["role"], "ANONYMOUS");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let since = Instant::now();
    let log = server.log();
    assert!(since.elapsed() < Duration::from_secs(15), "its end is bounded");
    assert_eq!(log.matches("trace collector can't be reached").count(), 1, "{log}");
    assert!(!log.contains("ERROR"), "{log}");
}
