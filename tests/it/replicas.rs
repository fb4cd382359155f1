//! Replicas: what is read from them, how new it is, and what happens when they lag, stop or are promoted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use dossier::auth::caller::Role;
use fastrand::Rng;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use crate::{
    exactness::{KEEPING, LIMITS, Pair, change_something, given},
    mutations::{change, statement},
    support::{
        Client,
        cluster::{Cluster, Node},
        process::{Process, dossier, output},
        socket::{Events, Socket},
    },
};

const HEADER: &str = "dossier-revision";
const TOPIC: &str = "{ topic(by: {slug: \"two-state-solution\"}) { name } }";

/// A server of the writer with these standbys.
async fn with_replicas(writer: &Client, standbys: &[Node], settings: &[(&str, &str)]) -> Client {
    let urls: Vec<String> = standbys.iter().map(Node::url).collect();
    let urls = urls.join(" ");
    let settings = [&[("DATABASE_REPLICA_URLS", urls.as_str())], settings].concat();
    let client = writer.at_another_server(&settings).await;
    until_available(&client, standbys.len()).await;
    client
}

/// A server without a writer.
async fn alone(writer: &Client, standby: &Node, settings: &[(&str, &str)]) -> Client {
    let url = standby.url();
    let settings = [&[("DATABASE_URL", url.as_str()), ("READ_ONLY", "true")], settings].concat();
    let client = writer.at_another_server(&settings).await;
    until_available(&client, 1).await;
    client
}

async fn post(client: &Client, query: &str, named: Option<&str>) -> Response {
    let post = client.http().post(client.address("/graphql")).json(&json!({ "query": query }));
    let post = post.header("accept", "application/graphql-response+json");
    let post = if let Some(key) = client.authorization() { post.header("authorization", key) } else { post };
    let post = if let Some(named) = named { post.header(HEADER, named) } else { post };
    post.send().await.expect("a response")
}

/// The status, the revision of the header and the body.
async fn ask(client: &Client, query: &str, named: Option<&str>) -> (StatusCode, Option<i64>, Value) {
    let response = post(client, query, named).await;
    let revision = response.headers().get(HEADER).map(|value| {
        value.to_str().ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value:?}"))
    });
    (response.status(), revision, response.json().await.expect("JSON"))
}

async fn topic(client: &Client, named: Option<i64>) -> Value {
    let named = named.map(|named| named.to_string());
    let (_, _, mut body) = ask(client, TOPIC, named.as_deref()).await;
    assert_eq!(body.get("errors"), None, "{body}");
    body["data"]["topic"]["name"].take()
}

/// Renames the topic, and returns the revision.
async fn rename(editor: &Client, name: &str) -> i64 {
    let input = json!({"topic": {"slug": "two-state-solution"}, "name": name});
    let payload = change(editor, "updateTopic", input, "").await;
    payload["revision"].as_i64().unwrap_or_else(|| panic!("{payload}"))
}

/// The sum of a metric over its labels that contain a text.
async fn metric(client: &Client, name: &str, label: &str) -> u64 {
    let metrics = client.get("/metrics").await.text().await.expect("text");
    let lines = metrics
        .lines()
        .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
    lines
        .filter(|line| line.contains(label))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

async fn reads(client: &Client, role: &str) -> u64 {
    metric(client, "dossier_replica_requests_total", &format!("role=\"{role}\"")).await
}

async fn until_available(client: &Client, number: usize) {
    let since = Instant::now();
    while metric(client, "dossier_replica_available", "").await < number as u64 {
        assert!(since.elapsed() < Duration::from_secs(20), "no replica is available");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn until_left_out(client: &Client) {
    let since = Instant::now();
    while metric(client, "dossier_replica_available", "").await > 0 {
        assert!(since.elapsed() < Duration::from_secs(20), "it is not left out");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn readiness(client: &Client) -> (StatusCode, Value) {
    let response = client.get("/health/ready").await;
    (response.status(), response.json().await.expect("JSON"))
}

#[tokio::test]
async fn a_server_of_a_standby_reads_and_refuses_changes() {
    let Some(cluster) = Cluster::with_standbys("replica-alone", 1).await else { return };
    let editor = Client::of(&cluster.database).await.as_role(Role::Editor).await;
    cluster.caught_up(cluster.standby()).await;
    let url = cluster.standby().url();

    // The program itself: it migrates nothing and starts.
    let process = Process::start(&[("DATABASE_URL", &url)]).await;
    assert!(process.count_topics().await > 0);
    let key = editor.authorization().expect("a key");
    let key = key.trim_start_matches("Bearer ");
    assert_eq!(process.viewer(key).await["data"]["viewer"]["role"], "EDITOR", "keys work");
    let refused = process.create_topic(key, "refused").await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{refused}");
    let ready = reqwest::get(format!("http://{}/health/ready", process.address())).await.expect("a response");
    assert_eq!(ready.status(), 200);
    let ready: Value = ready.json().await.expect("JSON");
    assert_eq!(ready["writing"], false);
    assert_eq!(ready["reason"], "this server only reads: its database is a standby");
    let log = process.log();
    assert!(log.contains("After a promotion, restart it to write"), "{log}");

    let reader = alone(&editor, cluster.standby(), &[]).await;
    let (status, revision, refused) = ask(
        &reader,
        "mutation { updateTopic(input: {topic: {slug: \"two-state-solution\"}, name: \"No\"}) { revision } }",
        None,
    )
    .await;
    assert_eq!((status, revision), (StatusCode::FORBIDDEN, None));
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused}");
    let (status, ready) = readiness(&reader).await;
    assert_eq!((status, &ready["reading"], &ready["writing"]), (StatusCode::OK, &json!(true), &json!(false)));
    assert_eq!(ready["reason"], "this server only reads: READ_ONLY is set");

    // Changes reach its subscribers, and the past can be read.
    let mut socket = Socket::of(&reader).await;
    socket.subscribe("1", "subscription { changes { revision } }", json!({})).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = topic(&reader, None).await;
    let last = rename(&editor, "Two states").await;
    assert_eq!(socket.next_result().await["changes"]["revision"], last);
    assert_eq!(topic(&reader, Some(last)).await, "Two states");
    let past = format!(
        "{{ topic(by: {{slug: \"two-state-solution\"}}, asOf: {{revision: {}}}) {{ name }} }}",
        last - 1
    );
    assert_eq!(reader.query(&past).await["topic"]["name"], before);

    // Standbys alone, by the setting of replicas.
    let settings = [("DATABASE_REPLICA_URLS", url.as_str()), ("READ_ONLY", "true")];
    let process = Process::start(&settings).await;
    assert!(process.count_topics().await > 0);
    assert!(process.stop().success());
    let missing = output(&mut dossier(&settings[..1]));
    let text = String::from_utf8_lossy(&missing.stderr);
    assert_eq!(missing.status.code(), Some(1), "{text}");
    assert!(text.contains("DATABASE_URL, or READ_ONLY=true, is required"), "{text}");
}

#[tokio::test]
async fn an_export_from_a_standby_equals_that_of_the_writer() {
    let Some(cluster) = Cluster::with_standbys("replica-export", 1).await else { return };
    let writer = Client::of(&cluster.database).await;
    let editor = writer.as_role(Role::Editor).await;
    let mut dated = statement("dated");
    dated["saidOn"] = "2026-02-10".into();
    assert_eq!(change(&editor, "createStatement", dated, "").await["userErrors"], json!([]));
    let reader = alone(&writer, cluster.standby(), &[]).await;
    cluster.caught_up(cluster.standby()).await;
    let text = async |client: &Client, path: &str| {
        let response = client.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.expect("text")
    };
    for path in [
        "/export.jsonl",
        "/export.jsonl?topic=two-state-solution",
        "/export.jsonl?actor=israel",
        "/export.jsonl?from=2026-02&until=2026-03",
        "/export.csv?type=Actor&topic=two-state-solution",
        "/export.gexf?actor=israel",
    ] {
        let of_writer = text(&writer, path).await;
        assert!(of_writer.len() > 100, "{path}: {of_writer}");
        assert_eq!(text(&reader, path).await, of_writer, "{path}");
    }
    let url = cluster.standby().url();
    let run = |url: &str| {
        let exported =
            output(dossier(&[("DATABASE_URL", url)]).args(["export", "--topic", "two-state-solution"]));
        assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
        String::from_utf8(exported.stdout).expect("text")
    };
    assert_eq!(run(&url), run(cluster.database.url()));

    // A server that has both exports from its replica.
    let both = with_replicas(&writer, &cluster.standbys, &[]).await;
    let before = reads(&both, "replica").await;
    text(&both, "/export.jsonl?actor=israel").await;
    assert_eq!(reads(&both, "replica").await, before + 1);
}

#[tokio::test]
async fn queries_read_from_the_replica_what_was_written_before() {
    let Some(cluster) = Cluster::with_standbys("replica-reads", 2).await else { return };
    let writer = Client::of(&cluster.database).await;
    for settings in [&[("CACHE_BYTES", "1000000")][..], &[]] {
        let client = with_replicas(&writer, &cluster.standbys, settings).await;
        let key = format!("editor-{}", settings.len());
        let key = dossier::auth::keys::create(client.pool(), &key, Role::Editor, None).await.expect("a key");
        let editor = client.with_key(&key);
        for round in 0..30 {
            let name = format!("Name {} {round}", settings.len());
            let revision = rename(&editor, &name).await;
            let (status, header, body) = ask(&client, TOPIC, None).await;
            assert_eq!(status, 200);
            assert_eq!(body["data"]["topic"]["name"], name, "each reads what was written before");
            assert!(header >= Some(revision), "{header:?} is not {revision}");
        }
        // Alone, and with the time that replay takes: all reads are the replicas'.
        for standby in &cluster.standbys {
            cluster.caught_up(standby).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let (replica, of_writer) = (reads(&client, "replica").await, reads(&client, "writer").await);
        for number in 0..20 {
            client.query(&format!("{{ topics(first: {}) {{ totalCount }} }}", number + 1)).await;
        }
        assert_eq!(reads(&client, "replica").await, replica + 20);
        assert_eq!(reads(&client, "writer").await, of_writer);
        assert!(replica > 15, "also right after changes, most wait for a replica: {replica} of 30");
    }
}

#[tokio::test]
async fn a_response_is_as_new_as_the_revision_that_the_request_names() {
    let Some(cluster) = Cluster::with_standbys("replica-named", 1).await else { return };
    let writer = Client::of(&cluster.database).await;
    let one = with_replicas(&writer, &cluster.standbys, &[("CACHE_BYTES", "1000000")]).await;
    let editor = one.as_role(Role::Editor).await;
    let other = with_replicas(&writer, &cluster.standbys, &[("CACHE_BYTES", "1000000")]).await;
    let reader = alone(&writer, cluster.standby(), &[("CACHE_BYTES", "1000000")]).await;
    let known = rename(&editor, "Before").await;
    for client in [&one, &other, &reader] {
        assert_eq!(topic(client, Some(known)).await, "Before");
        assert_eq!(topic(client, Some(known)).await, "Before", "from the cache");
    }
    cluster.standby().pause().await;
    let mutation = "mutation { updateTopic(input: {topic: {slug: \"two-state-solution\"}, name: \"After\"}) { revision } }";
    let (_, header, body) = ask(&editor, mutation, None).await;
    let named = body["data"]["updateTopic"]["revision"].as_i64().expect("a number");
    assert_eq!(header, Some(named), "the header has the revision of the change");

    assert_eq!(topic(&one, None).await, "After", "this server knows of it");
    assert_eq!(topic(&other, Some(named)).await, "After", "the writer has it");
    let response = post(&reader, TOPIC, Some(&named.to_string())).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    let refused: Value = response.json().await.expect("JSON");
    assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{refused}");
    let (_, header, body) = ask(&reader, TOPIC, None).await;
    assert_eq!(
        (&body["data"]["topic"]["name"], header),
        (&json!("Before"), Some(known)),
        "what its standby has"
    );

    // A connection, and an export.
    let mut socket =
        Socket::open(reader.socket_address(), Some("graphql-transport-ws"), &[]).await.expect("open");
    socket.send(json!({"type": "connection_init", "payload": {"Dossier-Revision": named}})).await;
    assert_eq!(socket.receive().await["type"], "connection_ack");
    socket.subscribe("1", TOPIC, json!({})).await;
    assert_eq!(socket.receive().await["payload"]["errors"][0]["extensions"]["code"], "UNAVAILABLE");
    let exported = |client: &Client| {
        let get = client.http().get(client.address("/export.csv?type=Topic"));
        get.header(HEADER, named.to_string()).send()
    };
    assert_eq!(exported(&reader).await.expect("a response").status(), StatusCode::SERVICE_UNAVAILABLE);
    let text = exported(&other).await.expect("a response").text().await.expect("text");
    assert!(text.contains("After"), "{text}");

    // A request that waits is answered once the replica has it.
    let resumed = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        cluster.standby().resume().await;
    };
    assert_eq!(tokio::join!(topic(&reader, Some(named)), resumed).0, "After");

    let before = reads(&other, "writer").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    other.query("{ topics { totalCount } }").await;
    assert_eq!(reads(&other, "writer").await, before, "it reads from the replica again");

    for wrong in ["", "-1", "1.5", "01", "latest", "9999999999999999999999"] {
        let (status, _, body) = ask(&one, TOPIC, Some(wrong)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
        let extensions = &body["errors"][0]["extensions"];
        assert_eq!(
            (&extensions["code"], &extensions["field"]),
            (&json!("BAD_USER_INPUT"), &json!("Dossier-Revision"))
        );
    }
    let (_, _, body) = ask(&one, TOPIC, Some("999999999")).await;
    let message = format!("Revision 999999999 does not exist yet; the current revision is {named}.");
    assert_eq!(body["errors"][0]["message"], message);
    let mut socket =
        Socket::open(one.socket_address(), Some("graphql-transport-ws"), &[]).await.expect("open");
    socket.send(json!({"type": "connection_init", "payload": {"dossier-revision": "soon"}})).await;
    assert_eq!(socket.end().await, (4400, "`Dossier-Revision` must be the number of a revision.".to_owned()));
}

#[tokio::test]
async fn several_standbys_without_a_writer_share_requests_and_the_newest_is_read_from() {
    let Some(mut cluster) = Cluster::with_standbys("replicas-alone", 2).await else { return };
    let writer = Client::of(&cluster.database).await;
    let editor = writer.as_role(Role::Editor).await;
    let urls = cluster.standbys.iter().map(Node::url).collect::<Vec<_>>().join(", ");
    let settings = [("DATABASE_URL", ""), ("DATABASE_REPLICA_URLS", &urls), ("READ_ONLY", "true")];
    let reader = writer.at_another_server(&[&settings[..], &[("CACHE_BYTES", "1000000")]].concat()).await;
    until_available(&reader, 2).await;
    let before = rename(&editor, "Before").await;
    assert_eq!(topic(&reader, Some(before)).await, "Before");
    cluster.standbys[0].pause().await;
    let after = rename(&editor, "After").await;
    cluster.caught_up(&cluster.standbys[1]).await;
    for first in 1..10 {
        assert_eq!(topic(&reader, Some(after)).await, "After");
        reader.query(&format!("{{ topics(first: {first}) {{ totalCount }} }}")).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    for _ in 0..10 {
        assert_eq!(topic(&reader, None).await, "After", "the newest");
    }
    cluster.standbys[1].stop();
    let since = Instant::now();
    loop {
        // Not from the cache: the current revision is unknown.
        let (status, header, body) =
            ask(&reader, "{ topic(by: {slug: \"two-state-solution\"}) { name slug } }", None).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        if body["data"]["topic"]["name"] == "Before" {
            assert_eq!(header, Some(before), "what the other one has, and it says so");
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(10), "{body}");
    }
    let uncached = "{ topic(by: {slug: \"two-state-solution\"}) { slug } }";
    let refused = post(&reader, uncached, Some(&after.to_string())).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    cluster.standbys[0].resume().await;
    assert_eq!(topic(&reader, Some(after)).await, "After");
}

#[tokio::test]
async fn the_header_works_without_replicas_and_across_origins() {
    let client = Client::with(&[("CACHE_BYTES", "1000000"), ("CORS_ORIGINS", "https://desk.example")]).await;
    let editor = client.as_role(Role::Editor).await;
    let other = client.at_another_server(&[]).await;
    let named = rename(&editor, "Named").await;
    for client in [&client, &other] {
        assert_eq!(topic(client, Some(named)).await, "Named");
        let (_, _, body) = ask(client, TOPIC, Some(&(named + 1).to_string())).await;
        assert_eq!(body["errors"][0]["extensions"]["field"], "Dossier-Revision", "{body}");
    }
    let response = client.http().get(client.address("/graphql")).query(&[("query", TOPIC)]);
    let response = response.header("origin", "https://desk.example").send().await.expect("a response");
    assert_eq!(response.headers()[HEADER], named.to_string().as_str());
    let exposed = response.headers()["access-control-expose-headers"].to_str().expect("text");
    assert!(exposed.contains(HEADER), "{exposed}");
    let preflight = client.http().request(reqwest::Method::OPTIONS, client.address("/graphql"));
    let preflight =
        preflight.header("origin", "https://desk.example").header("access-control-request-method", "POST");
    let preflight =
        preflight.header("access-control-request-headers", HEADER).send().await.expect("a response");
    assert_eq!(preflight.headers()["access-control-allow-headers"], HEADER);
    let events = client.http().post(client.address("/graphql")).json(&json!({ "query": TOPIC }));
    let events = events.header("accept", "text/event-stream").header(HEADER, named.to_string());
    let (_, result) = {
        let response = events.send().await.expect("a response");
        assert_eq!(response.headers()[HEADER], named.to_string().as_str());
        let event = Events::read(response).next().await.expect("an event");
        (event.id, event.data)
    };
    assert!(result.contains("Named"), "{result}");
}

/// Random changes and queries while the replay of the standby pauses and goes on.
#[tokio::test]
async fn a_replica_that_lags_makes_no_response_older() {
    let mut rng = Rng::with_seed(given("EXACTNESS_SEED", 1));
    let Some(cluster) = Cluster::with_standbys("replica-exactness", 1).await else { return };
    let writer = Client::of(&cluster.database).await;
    let cached = with_replicas(&writer, &cluster.standbys, &KEEPING).await;
    let uncached = writer.at_another_server(&LIMITS).await;
    let elsewhere = with_replicas(&writer, &cluster.standbys, &KEEPING).await;
    let reader = alone(&writer, cluster.standby(), &KEEPING).await;
    let editor = cached.as_role(Role::Editor).await;
    let pair = Pair::of(cached.clone(), uncached.clone(), &mut rng).await;
    let last = "select coalesce(max(id), 0) from revisions";
    let (mut paused, mut refused, mut answered) = (false, 0, 0);
    for round in 0..given("EXACTNESS_ROUNDS", 60) {
        if rng.bool() {
            paused = !paused;
            if paused { cluster.standby().pause().await } else { cluster.standby().resume().await }
        }
        change_something(&editor, &mut rng, round).await;
        let named = cluster.writer.number(last).await.to_string();
        for _ in 0..8 {
            let (query, variables) = pair.some(&mut rng);
            let expected = text(uncached.response(query, variables.clone()).await);
            assert_eq!(text(cached.response(query, variables.clone()).await), expected, "here: {query}");
            let body = json!({ "query": query, "variables": variables });
            // The other servers did not make the change, so the request names it. Without a writer it may be refused.
            for (server, may_refuse) in [(&elsewhere, false), (&reader, paused)] {
                let post = server.http().post(server.address("/graphql")).json(&body).header(HEADER, &named);
                if may_refuse && !rng.u8(..8).is_multiple_of(8) {
                    continue;
                }
                let response = post.send().await.expect("a response").json::<Value>().await.expect("JSON");
                let message = response["errors"][0]["message"].as_str().unwrap_or_default();
                if may_refuse && message.contains("have not replayed the requested revision") {
                    refused += 1;
                    continue;
                }
                answered += 1;
                assert_eq!(text(response), expected, "elsewhere: {query}");
            }
        }
    }
    let of = async |client: &Client| (reads(client, "replica").await, reads(client, "writer").await);
    let (here, there) = (of(&cached).await, of(&elsewhere).await);
    println!(
        "{answered} named and answered, {refused} refused; reads (replica, writer) here {here:?}, elsewhere {there:?}"
    );
    assert!(here.0 > 10 && there.0 > 10, "replicas were read from: {here:?} {there:?}");
    assert!(here.1 > 10, "the writer was asked while they lagged: {here:?}");
}

/// A response without its request ids.
fn text(mut response: Value) -> String {
    for error in response["errors"].as_array_mut().into_iter().flatten() {
        error["extensions"]["requestId"].take();
    }
    response.to_string()
}

/// Reads and writes until it is stopped; counts the responses, and panics at an error or an old one.
async fn load(client: Client, editor: Client, stop: Arc<AtomicBool>, count: Arc<AtomicU64>) {
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let name = format!("Load {number}");
        let named = rename(&editor, &name).await;
        for first in 1..6 {
            let query = format!(
                "{{ topic(by: {{slug: \"two-state-solution\"}}) {{ name }} topics(first: {first}) {{ totalCount }} }}"
            );
            let (status, header, body) = ask(&client, &query, None).await;
            assert_eq!((status, body.get("errors")), (StatusCode::OK, None), "{body}");
            assert_eq!(body["data"]["topic"]["name"], name);
            assert!(header >= Some(named));
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_stops_lags_or_is_promoted_fails_no_request() {
    let Some(mut cluster) = Cluster::with_standbys("replica-stops", 2).await else { return };
    let writer = Client::of(&cluster.database).await;
    let client = with_replicas(&writer, &cluster.standbys, &[]).await;
    let editor = client.as_role(Role::Editor).await;
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let loading = tokio::spawn(load(client.clone(), editor, stop.clone(), count.clone()));
    let served = async |at_least: u64| {
        let (before, since) = (count.load(Ordering::Relaxed), Instant::now());
        while count.load(Ordering::Relaxed) < before + at_least && !loading.is_finished() {
            assert!(since.elapsed() < Duration::from_secs(30), "requests are no longer served");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    served(50).await;
    // Crashed, one and then both, and started again.
    for _ in 0..3 {
        cluster.standbys[0].stop();
        served(30).await;
        cluster.standbys[1].stop();
        served(30).await;
        until_left_out(&client).await;
        cluster.standbys[0].start().await;
        cluster.standbys[1].start().await;
        until_available(&client, 2).await;
        let before = reads(&client, "replica").await;
        served(50).await;
        assert!(reads(&client, "replica").await > before, "they are read from again");
    }
    // One stands still.
    cluster.standbys[0].pause().await;
    served(50).await;
    cluster.standbys[0].resume().await;
    // One hangs.
    #[cfg(target_os = "linux")]
    {
        use nix::sys::signal::Signal;
        cluster.standbys[0].signal(Signal::SIGSTOP);
        let since = Instant::now();
        while metric(&client, "dossier_replica_available", "").await != 1 {
            assert!(since.elapsed() < Duration::from_secs(20), "it does not respond");
            served(1).await;
        }
        served(30).await;
        cluster.standbys[0].signal(Signal::SIGCONT);
        until_available(&client, 2).await;
        served(20).await;
    }
    // One becomes a writer of its own, which must not be read from.
    cluster.standbys[0].promote().await;
    let pool = cluster.standbys[0].pool();
    let other = "begin; select set_config('dossier.requester', 'other', true);
                 update topics set name = 'Other history' where slug = 'two-state-solution'; commit";
    tokio::time::sleep(Duration::from_millis(300)).await;
    sqlx::raw_sql(other).execute(&pool).await.expect("it accepts changes");
    served(50).await;
    assert_eq!(metric(&client, "dossier_replica_available", "").await, 1, "it is left out");
    // A copy of the promoted one is a standby, but of another history.
    cluster.standbys[1].stop();
    let (promoted, copy) = cluster.standbys.split_at_mut(1);
    copy[0].copy(&promoted[0]);
    copy[0].start().await;
    served(50).await;
    assert_eq!(metric(&client, "dossier_replica_available", "").await, 0, "it has another history");
    // Made again from the writer, it comes back.
    copy[0].stop();
    copy[0].copy(&cluster.writer);
    copy[0].start().await;
    until_available(&client, 1).await;
    served(20).await;
    stop.store(true, Ordering::Relaxed);
    loading.await.expect("no request failed and none was old");
    println!("{} requests", count.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_query_that_the_recovery_of_a_standby_cancels_is_repeated_elsewhere() {
    let Some(cluster) = Cluster::with_standbys("replica-conflict", 1).await else { return };
    let writer = Client::of(&cluster.database).await;
    let client = with_replicas(&writer, &cluster.standbys, &[]).await;
    let held = "begin; lock table topics in access exclusive mode";
    let mut holder = PgConnection::connect(cluster.database.url()).await.expect("a connection");
    sqlx::raw_sql(held).execute(&mut holder).await.expect("locked");
    let until = async |node: &Node, sql: &'static str| {
        let since = Instant::now();
        while node.number(sql).await == 0 {
            assert!(since.elapsed() < Duration::from_secs(20), "{sql}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // The standby has the lock too, once the log is written out; a query waits for it that has read from statements.
    sqlx::raw_sql("select pg_switch_wal()").execute(cluster.database.pool()).await.expect("written out");
    let standby = cluster.standby();
    until(standby, "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and granted").await;
    let query = "{ statements(filter: {topic: {slug: {equals: \"two-state-solution\"}}}) { totalCount } }";
    let asked = client.clone();
    let asked = tokio::spawn(async move { ask(&asked, query, None).await });
    until(standby, "select count(*) from pg_locks where not granted").await;
    let lock = "begin; lock table statements in access exclusive mode; commit";
    sqlx::raw_sql(lock).execute(cluster.database.pool()).await.expect("locked");
    until(standby, "select confl_lock from pg_stat_database_conflicts where datname = 'postgres'").await;
    // At the writer it waits for the first lock.
    until(&cluster.writer, "select count(*) from pg_locks where not granted").await;
    sqlx::raw_sql("commit").execute(&mut holder).await.expect("unlocked");
    let (status, _, body) = asked.await.expect("a response");
    assert_eq!((status, body.get("errors")), (StatusCode::OK, None), "{body}");
    assert!(body["data"]["statements"]["totalCount"].is_u64());
    assert_eq!(reads(&client, "writer").await, 1);
}

#[tokio::test]
async fn queries_are_answered_while_the_writer_is_away() {
    let Some(mut cluster) = Cluster::with_standbys("replica-no-writer", 1).await else { return };
    let writer = Client::of(&cluster.database).await;
    let client = with_replicas(&writer, &cluster.standbys, &[]).await;
    let editor = client.as_role(Role::Editor).await;
    let named = rename(&editor, "Last").await;
    cluster.caught_up(cluster.standby()).await;
    cluster.writer.stop();
    let since = Instant::now();
    loop {
        let (status, _, body) = ask(&client, TOPIC, Some(&named.to_string())).await;
        if status == StatusCode::OK {
            assert_eq!(body["data"]["topic"]["name"], "Last");
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{body}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (status, ready) = readiness(&client).await;
    assert_eq!((status, &ready["writing"]), (StatusCode::OK, &json!(false)), "{ready}");
    cluster.writer.start().await;
    let since = Instant::now();
    while readiness(&client).await.1["writing"] != true {
        assert!(since.elapsed() < Duration::from_secs(20), "it does not write again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let named = rename(&editor, "Again").await;
    assert_eq!(topic(&client, Some(named)).await, "Again");
}
