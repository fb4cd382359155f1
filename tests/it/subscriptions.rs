//! Changes over WebSocket and as server-sent events: at every server, each once and in order.

use std::time::{Duration, Instant};

use dossier::auth::{caller::Role, keys};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{
    Client, anonymous, editor,
    process::Process,
    socket::{Events, Socket},
    sql_log::SqlLog,
};

const CHANGES: &str = "subscription($since: RevisionNumber) { changes(since: $since) {
    operation revision requester recordId record { slug } } }";

async fn create_topic(client: &Client, slug: &str) -> Value {
    let query = "mutation($slug: String!) { createTopic(input: {slug: $slug, name: $slug}) {
        topic { id } revision userErrors { message } } }";
    let payload = client.query_with(query, json!({ "slug": slug })).await["createTopic"].take();
    assert_eq!(payload["userErrors"], json!([]));
    payload
}

async fn rename_topic(client: &Client, slug: &str, name: &str) -> Value {
    let query =
        "mutation($slug: String!, $name: String!) { updateTopic(input: {topic: {slug: $slug}, name: $name}) {
        revision userErrors { message } } }";
    let payload = client.query_with(query, json!({ "slug": slug, "name": name })).await["updateTopic"].take();
    assert_eq!(payload["userErrors"], json!([]));
    payload["revision"].clone()
}

async fn last_revision(client: &Client) -> i64 {
    let data = client.query("{ revisions(last: 1) { edges { node { number } } } }").await;
    data["revisions"]["edges"][0]["node"]["number"].as_i64().expect("a number")
}

fn statement(slug: &str) -> Value {
    json!({
        "slug": slug, "speaker": {"slug": "kassym-jomart-tokayev"}, "medium": "SPEECH", "rendering": "PARAPHRASE",
        "summary": "Dialogue goes on.", "eventType": "CONSULT", "topics": [{"slug": "two-state-solution"}],
        "citations": [{"source": {"slug": "musavat-interview-with-yury-bocharov"}, "locator": "L3"}]
    })
}

async fn mutate(client: &Client, mutation: &str, input: Value) {
    let query = format!(
        "mutation($input: {}{}Input!) {{ {mutation}(input: $input) {{ userErrors {{ field message }} }} }}",
        mutation[..1].to_uppercase(),
        &mutation[1..]
    );
    let data = client.query_with(&query, json!({ "input": input })).await;
    assert_eq!(data[mutation]["userErrors"], json!([]));
}

/// A socket that gets all changes from now on.
async fn following(client: &Client) -> Socket {
    let since = last_revision(client).await;
    let mut socket = Socket::of(client).await;
    socket.subscribe("changes", CHANGES, json!({ "since": since })).await;
    socket
}

/// What a subscription with these arguments gets since a revision, as operations and slugs, up to the
/// creation of a topic that marks the end.
async fn received(client: &Client, arguments: &str, since: i64) -> Vec<(String, String)> {
    let query =
        format!("subscription {{ changes(since: {since}, {arguments}) {{ operation record {{ slug }} }} }}");
    let mut socket = Socket::of(client).await;
    socket.subscribe("changes", &query, json!({})).await;
    let end = "subscription($since: RevisionNumber) { changes(since: $since) { revision } }";
    let last = last_revision(client).await;
    socket.subscribe("all", end, json!({ "since": since })).await;
    let (mut reported, mut seen) = (Vec::new(), 0);
    while seen < last || !socket.silent().await {
        let mut message = socket.receive().await;
        assert_eq!(message["type"], "next", "{message}");
        let change = message["payload"]["data"]["changes"].take();
        if message["id"] == "all" {
            seen = change["revision"].as_i64().expect("a number");
        } else {
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            reported.push((text(&change["operation"]), text(&change["record"]["slug"])));
        }
    }
    reported
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(operation, slug)| (operation.to_owned(), slug.to_owned())).into()
}

#[tokio::test]
async fn create_update_and_delete_are_distinguished_with_record_and_requester() {
    let editor = editor().await;
    let mut socket = following(&editor).await;
    let created = create_topic(&editor, "trade").await;
    let id = &created["topic"]["id"];
    assert_eq!(
        socket.next_result().await["changes"],
        json!({ "operation": "CREATE", "revision": created["revision"], "requester": "editor", "recordId": id,
                "record": { "slug": "trade" } })
    );
    let renamed = rename_topic(&editor, "trade", "Commerce").await;
    let change = socket.next_result().await["changes"].take();
    assert_eq!((&change["operation"], &change["revision"]), (&json!("UPDATE"), &renamed));
    mutate(&editor, "deleteTopic", json!({ "topic": {"slug": "trade"} })).await;
    let change = socket.next_result().await["changes"].take();
    assert_eq!((&change["operation"], &change["record"]), (&json!("DELETE"), &Value::Null));
    assert_eq!(&change["recordId"], id);
    assert!(socket.silent().await);
}

#[tokio::test]
async fn one_transaction_is_one_change_of_a_record_with_all_its_revisions() {
    let editor = editor().await;
    let since = last_revision(&editor).await;
    mutate(&editor, "createStatement", statement("entered")).await;
    let query = "subscription($since: RevisionNumber) { changes(since: $since) {
        operation number revision recordedAt
        record { revision ... on Statement { summary } }
        revisions { number operation part diff { field before after } } } }";
    let mut socket = Socket::of(&editor).await;
    socket.subscribe("1", query, json!({ "since": since })).await;
    let change = socket.next_result().await["changes"].take();
    assert_eq!(change["operation"], "CREATE");
    assert_eq!(change["record"], json!({ "revision": change["revision"], "summary": "Dialogue goes on." }));
    let revisions = change["revisions"].as_array().expect("revisions");
    let parts: Vec<&Value> = revisions.iter().map(|revision| &revision["part"]).collect();
    assert_eq!(parts, ["statements", "statement_topics", "citations"]);
    assert_eq!(revisions[0]["number"], change["number"]);
    assert_eq!(revisions[2]["number"], change["revision"]);
    let summary = json!({ "field": "summary", "before": null, "after": "Dialogue goes on." });
    assert!(revisions[0]["diff"].as_array().expect("changes").contains(&summary), "{change}");
    assert!(socket.silent().await);
}

#[tokio::test]
async fn a_merge_is_a_change_of_both_actors() {
    let editor = editor().await;
    let again = json!({ "slug": "israel-again", "kind": "COUNTRY", "name": "State of Israel" });
    mutate(&editor, "createActor", again).await;
    let id = editor.query("{ actor(by: {slug: \"israel-again\"}) { id } }").await["actor"]["id"].take();
    let mut socket = following(&editor).await;
    let admin = editor.as_role(Role::Admin).await;
    let merge = json!({ "keep": {"slug": "israel"}, "merge": {"slug": "israel-again"} });
    mutate(&admin, "mergeActors", merge).await;
    let mut reported = Vec::new();
    while !socket.silent().await {
        reported.push(socket.next_result().await["changes"].take());
    }
    assert!(reported.iter().all(|change| change["operation"] == "MERGE"), "{reported:?}");
    assert_eq!(reported.iter().filter(|change| change["recordId"] == id).count(), 1, "{reported:?}");
    assert!(
        reported.len() > 1 && reported.iter().all(|change| change["record"]["slug"] == "israel"),
        "{reported:?}"
    );
}

#[tokio::test]
async fn changes_are_chosen_by_type_id_topic_and_actor() {
    let editor = editor().await;
    create_topic(&editor, "statehood").await;
    let parent = json!({ "topic": {"slug": "two-state-solution"}, "parent": {"slug": "statehood"} });
    mutate(&editor, "updateTopic", parent).await;
    let since = last_revision(&editor).await;
    mutate(&editor, "createStatement", statement("on-two-states")).await;
    create_topic(&editor, "aside").await;
    let id =
        editor.query("{ statement(by: {slug: \"on-two-states\"}) { id } }").await["statement"]["id"].take();
    // The statement gets an addressee and loses its topic, then its addressee too.
    let by = |slug: &str| json!({ "statement": {"slug": slug} });
    let change = async |changes: Value| {
        let mut input = by("on-two-states");
        input.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        mutate(&editor, "updateStatement", input).await;
    };
    change(json!({ "addressees": [{"slug": "israel"}] })).await;
    change(json!({ "topics": [] })).await;
    change(json!({ "summary": "Dialogue went on." })).await;
    change(json!({ "addressees": [] })).await;
    change(json!({ "summary": "Dialogue will go on." })).await;
    rename_topic(&editor, "two-state-solution", "Two states").await;
    let statement = |operation| (operation, "on-two-states");
    let [create, update] = ["CREATE", "UPDATE"].map(statement);
    let topic = ("UPDATE", "two-state-solution");
    assert_eq!(received(&editor, "types: [TOPIC]", since).await, pairs([("CREATE", "aside"), topic]));
    assert_eq!(
        received(&editor, &format!("ids: [{id}]"), since).await,
        pairs([create, update, update, update, update, update])
    );
    let by_topic = "topic: {slug: \"two-state-solution\"}";
    assert_eq!(
        received(&editor, by_topic, since).await,
        pairs([create, update, update, topic]),
        "until it lost its topic"
    );
    let by_actor = "actor: {slug: \"israel\"}";
    assert_eq!(
        received(&editor, by_actor, since).await,
        pairs([update, update, update, update]),
        "while it was addressed"
    );
    let both = format!("{by_topic}, {by_actor}");
    assert_eq!(received(&editor, &both, since).await, pairs([update, update]));
    let by_parent = "topic: {slug: \"statehood\"}";
    assert_eq!(
        received(&editor, by_parent, since).await,
        pairs([create, update, update, topic]),
        "sub-topics count"
    );
    assert_eq!(received(&editor, &format!("{by_actor}, types: [RELATION]"), since).await, pairs([]));
    mutate(&editor, "deleteStatement", by("on-two-states")).await;
    let speaker = "actor: {slug: \"kassym-jomart-tokayev\"}, types: [STATEMENT]";
    let gone = |operation| (operation, "-");
    assert_eq!(
        received(&editor, speaker, since).await,
        pairs([
            gone("CREATE"),
            gone("UPDATE"),
            gone("UPDATE"),
            gone("UPDATE"),
            gone("UPDATE"),
            gone("UPDATE"),
            gone("DELETE")
        ]),
        "a record that is gone is still known by whom it was tied to"
    );
}

#[tokio::test]
async fn live_subscribers_and_late_ones_get_the_same_changes() {
    let editor = editor().await;
    let since = last_revision(&editor).await;
    let query =
        |arguments: &str| format!("subscription {{ changes(since: {since}, {arguments}) {{ revision }} }}");
    let chosen =
        ["topic: {slug: \"two-state-solution\"}", "actor: {slug: \"israel\"}", "types: [ACTOR, STATEMENT]"];
    let mut live = Socket::of(&editor).await;
    for (id, arguments) in chosen.iter().enumerate() {
        live.subscribe(&id.to_string(), &query(arguments), json!({})).await;
    }
    for round in 0..10 {
        let slug = format!("round-{round}");
        mutate(&editor, "createStatement", statement(&slug)).await;
        let addressees = json!([{"slug": if round % 2 == 0 { "israel" } else { "donald-trump" }}]);
        let change = json!({ "statement": {"slug": slug}, "addressees": addressees, "topics": [] });
        mutate(&editor, "updateStatement", change).await;
        mutate(
            &editor,
            "updateActor",
            json!({ "actor": {"slug": "israel"}, "name": format!("Israel {round}") }),
        )
        .await;
    }
    let collect = async |socket: &mut Socket| {
        let mut reported = vec![Vec::new(); chosen.len()];
        while !socket.silent().await {
            let message = socket.receive().await;
            let id: usize = message["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
            reported[id].push(message["payload"]["data"]["changes"]["revision"].as_i64().expect("a number"));
        }
        reported
    };
    let told_live = collect(&mut live).await;
    let mut later = Socket::of(&editor).await;
    for (id, arguments) in chosen.iter().enumerate() {
        later.subscribe(&id.to_string(), &query(arguments), json!({})).await;
    }
    assert_eq!(told_live, collect(&mut later).await);
    let counts: Vec<usize> = told_live.iter().map(Vec::len).collect();
    assert_eq!(
        counts,
        [20, 15, 30],
        "creations and the loss of the topic; half the changes and all names; all"
    );
}

#[tokio::test]
async fn two_servers_send_each_subscriber_every_change_once_in_order() {
    const CLIENTS: usize = 50;
    const WRITERS: usize = 4;
    const CHANGES_EACH: usize = 15;
    let here = editor().await;
    let there = here.at_another_server(&[]).await;
    let since = last_revision(&here).await;
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let client = if number % 2 == 0 { here.clone() } else { there.clone() };
        let mut socket = Socket::of(&client).await;
        socket.subscribe("1", CHANGES, json!({ "since": since })).await;
        clients.spawn(async move {
            let mut reported = Vec::new();
            for _ in 0..WRITERS * CHANGES_EACH {
                reported.push(socket.next_result().await["changes"]["revision"].as_i64().expect("a number"));
            }
            assert!(socket.silent().await, "nothing more");
            reported
        });
    }
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let client = if writer % 2 == 0 { here.clone() } else { there.clone() };
        writers.spawn(async move {
            for change in 0..CHANGES_EACH {
                create_topic(&client, &format!("topic-{writer}-{change}")).await;
            }
        });
    }
    // Meanwhile both servers repeatedly lose their listening connections.
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity
               where datname = current_database() and application_name = 'dossier listening'";
    let mut cuts = 0;
    while !writers.is_empty() {
        let cut: i64 = sqlx::query_scalar(cut).fetch_one(here.pool()).await.expect("cut");
        cuts += cut;
        let pause = tokio::time::timeout(Duration::from_millis(200), writers.join_next());
        if let Ok(Some(written)) = pause.await {
            written.expect("written");
        }
    }
    assert!(cuts >= 2, "both were cut: {cuts}");
    let made = "select id from revisions where id > $1 order by id";
    let made: Vec<i64> =
        sqlx::query_scalar(made).bind(since).fetch_all(here.pool()).await.expect("revisions");
    assert_eq!(made.len(), WRITERS * CHANGES_EACH);
    while let Some(reported) = clients.join_next().await {
        assert_eq!(reported.expect("a client"), made);
    }
}

#[tokio::test]
async fn a_server_listens_on_one_connection_and_only_if_needed() {
    let keeping = Client::with(&[("CACHE_BYTES", "1000000")]).await;
    for (client, before) in [(anonymous().await, 0), (keeping, 1)] {
        let listening = async || -> i64 {
            let count = "select count(*) from pg_stat_activity
                         where datname = current_database() and application_name = 'dossier listening'";
            sqlx::query_scalar(count).fetch_one(client.pool()).await.expect("a count")
        };
        let since = std::time::Instant::now();
        while listening().await < before {
            assert!(since.elapsed() < Duration::from_secs(20), "a server with a cache listens for changes");
        }
        assert_eq!(listening().await, before);
        let editor = client.as_role(Role::Editor).await;
        let mut socket = following(&client).await;
        create_topic(&editor, "heard").await;
        assert_eq!(socket.next_result().await["changes"]["record"]["slug"], "heard");
        assert_eq!(listening().await, 1);
    }
}

#[tokio::test]
async fn equal_subscriptions_share_one_read() {
    let editor = editor().await;
    let mut sockets = Vec::new();
    for _ in 0..10 {
        sockets.push(following(&editor).await);
    }
    // All of them are subscribed once they have received something.
    create_topic(&editor, "first").await;
    for socket in &mut sockets {
        socket.next_result().await;
    }
    // The log is read until there is no more; that read is not for later changes.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let log = SqlLog::listen();
    create_topic(&editor, "second").await;
    let mut reported = Vec::new();
    for socket in &mut sockets {
        reported.push(socket.next_result().await);
    }
    reported.dedup();
    assert_eq!(reported.len(), 1);
    let statements = log.take();
    let count = |what: &str| statements.iter().filter(|statement| statement.contains(what)).count();
    assert_eq!(
        count("t.slug from topics t where t.id = any((select $1::bigint[])::bigint[])"),
        1,
        "{statements:#?}"
    );
    assert!((1..=2).contains(&count("with recursive page")), "changes are read once: {statements:#?}");
}

#[tokio::test]
async fn a_subscriber_without_a_connection_delays_no_equal_subscription() {
    let editor = editor().await;
    let greedy = editor.as_role(Role::Reader).await;
    let key = keys::create(editor.pool(), "modest", Role::Reader, None).await.expect("a key");
    let modest = editor.with_key(&key);
    // The first of the equal subscribers has used up its share of the connections.
    let [mut first, mut second] = [following(&greedy).await, following(&modest).await];
    create_topic(&editor, "before").await;
    first.next_result().await;
    second.next_result().await;
    let mut lock = PgConnection::connect(editor.database_url()).await.expect("a connection");
    let locked = "begin; lock table citations in access exclusive mode";
    sqlx::raw_sql(locked).execute(&mut lock).await.expect("locked");
    let mut waiting = JoinSet::new();
    for _ in 0..12 {
        let greedy = greedy.clone();
        waiting.spawn(async move { greedy.response("{ citations { totalCount } }", json!({})).await });
    }
    let held = "select count(*) from pg_stat_activity where datname = current_database()
                and application_name = 'dossier' and state = 'active' and wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(held).fetch_one(editor.pool()).await.expect("a count") < 4 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let since = Instant::now();
    create_topic(&editor, "meanwhile").await;
    for subscriber in [&mut first, &mut second] {
        assert_eq!(subscriber.next_result().await["changes"]["record"]["slug"], "meanwhile");
    }
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    sqlx::raw_sql("rollback").execute(&mut lock).await.expect("unlocked");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_fails_names_the_request_under_which_the_log_has_why() {
    let database = anonymous().await;
    let key = keys::create(database.pool(), "alice", Role::Editor, None).await.expect("a key");
    let editor = database.with_key(&key);
    let settings = [("DATABASE_URL", database.database_url()), ("LOG_FORMAT", "json")];
    let server = Process::start(&settings).await;
    let address = server.address().parse().expect("an address");
    let mut socket = Socket::open(address, Some("graphql-transport-ws"), &[]).await.expect("open");
    socket.initialize(&database).await;
    let since = last_revision(&editor).await;
    create_topic(&editor, "unread").await;
    // Its selection can't be read.
    sqlx::raw_sql("alter table citations rename locator to place")
        .execute(database.pool())
        .await
        .expect("renamed");
    let query = "subscription($since: RevisionNumber!) { changes(since: $since) {
        record { ... on Topic { statements(filter: {citations: {locator: {equals: \"L1\"}}}) { totalCount } } } } }";
    socket.subscribe("1", query, json!({ "since": since })).await;
    let reported = socket.receive().await;
    let extensions = &reported["payload"]["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "INTERNAL", "{reported}");
    let id = extensions["requestId"].as_str().unwrap_or_else(|| panic!("{reported}"));
    drop(socket);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let log = server.log();
    let cause = log.lines().find(|line| line.contains("ERROR") && line.contains(id));
    assert!(cause.is_some_and(|line| line.contains("locator")), "{id}: {log}");
}

#[tokio::test]
async fn a_reconnecting_client_gets_the_changes_that_it_missed() {
    let editor = editor().await;
    let since = last_revision(&editor).await;
    let mut events = Events::of(&editor, CHANGES, json!({ "since": since }), None).await;
    create_topic(&editor, "first").await;
    let (id, data) = events.next_result().await;
    assert_eq!(
        (data["changes"]["record"]["slug"].as_str(), data["changes"]["revision"].to_string()),
        (Some("first"), id.clone())
    );
    drop(events);
    create_topic(&editor, "second").await;
    let mut events = Events::of(&editor, CHANGES, json!({ "since": since }), Some(&id)).await;
    let (_, data) = events.next_result().await;
    assert_eq!(data["changes"]["record"]["slug"], "second");
    create_topic(&editor, "third").await;
    let (_, data) = events.next_result().await;
    assert_eq!(data["changes"]["record"]["slug"], "third");
    let mut events = Events::of(&editor, CHANGES, json!({}), Some("yesterday")).await;
    let refused = events.next().await.expect("an event");
    assert!(refused.data.contains("Last-Event-ID") && refused.data.contains("BAD_USER_INPUT"), "{refused:?}");
    assert_eq!(events.next().await.expect("an event").name, "complete");
}

#[tokio::test]
async fn without_since_only_new_changes_are_sent() {
    let editor = editor().await;
    create_topic(&editor, "before").await;
    let mut socket = Socket::of(&editor).await;
    socket.subscribe("1", CHANGES, json!({})).await;
    // The protocol doesn't say when a subscription has begun: make changes until one arrives.
    let mut made = 0;
    while made == 0 || socket.silent().await {
        assert!(made < 100, "nothing arrives");
        create_topic(&editor, &format!("after-{made}")).await;
        made += 1;
    }
    create_topic(&editor, "after-all").await;
    let mut slug = String::new();
    while slug != "after-all" {
        socket.next_result().await["changes"]["record"]["slug"]
            .as_str()
            .expect("a slug")
            .clone_into(&mut slug);
        assert!(slug.starts_with("after-"), "{slug}");
    }
}

#[tokio::test]
async fn a_subscriber_that_does_not_read_is_disconnected_and_can_resume() {
    let editor = editor().await;
    let hasty = editor.at_another_server(&[("REQUEST_TIMEOUT", "1")]).await;
    let since = last_revision(&editor).await;
    mutate(&editor, "createStatement", statement("long")).await;
    let long = "long ".repeat(4_000);
    for number in 0..40 {
        let summary = format!("{number} {long}");
        mutate(&editor, "updateStatement", json!({ "statement": {"slug": "long"}, "summary": summary }))
            .await;
    }
    // A response of a megabyte: more than the buffers between the two hold.
    let summaries: Vec<String> = (0..50).map(|number| format!("s{number}: summary")).collect();
    let query = format!(
        "subscription($since: RevisionNumber) {{ changes(since: $since) {{ record {{ ... on Statement {{ {} }} }} }} }}",
        summaries.join(" ")
    );
    let mut socket = Socket::of(&hasty).await;
    socket.subscribe("1", &query, json!({ "since": since })).await;
    let mut events = Events::of(&hasty, &query, json!({ "since": since }), None).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut reported: Vec<i64> = Vec::new();
    let (code, reason) = socket.end().await;
    assert_eq!((code, reason.contains("since")), (4410, true), "{reason}");
    let last = loop {
        let event = events.next().await.expect("an event");
        match event.id {
            Some(id) => reported.push(id.parse().expect("a number")),
            None => break event,
        }
    };
    assert!(last.data.contains("TOO_SLOW"), "{}", last.data);
    assert_eq!(events.next().await.expect("an event").name, "complete");
    assert!(!reported.is_empty() && reported.len() < 41, "{}", reported.len());
    let id = reported.last().expect("a number").to_string();
    let mut events = Events::of(&editor, CHANGES, json!({ "since": since }), Some(&id)).await;
    while reported.len() < 41 {
        reported.push(events.next_result().await.0.parse().expect("a number"));
    }
    let made = "select max(id) from revisions where id > $1 group by change order by 1";
    let made: Vec<i64> =
        sqlx::query_scalar(made).bind(since).fetch_all(editor.pool()).await.expect("revisions");
    assert_eq!(reported, made);
}

#[tokio::test]
async fn a_socket_that_breaks_the_protocol_is_closed_with_its_code() {
    let editor = editor().await;
    let address = editor.socket_address();
    let open = async || Socket::open(address, Some("graphql-transport-ws"), &[]).await.expect("open");
    let init = json!({ "type": "connection_init" });
    let subscribe = json!({ "id": "1", "type": "subscribe", "payload": { "query": CHANGES } });
    let too_long = json!({ "type": "ping", "payload": { "long": "x".repeat(300_000) } });
    let named =
        |id: String| json!({ "id": id, "type": "subscribe", "payload": { "query": CHANGES } }).to_string();
    let longest = format!("Subscriber for {} already exists", "x".repeat(90));
    for (messages, expected) in [
        (vec![Message::text("{")], (4400, "Invalid message received")),
        (vec![Message::text(r#"{"type":"start"}"#)], (4400, "Invalid message received")),
        (vec![Message::text(r#"{"type":"subscribe"}"#)], (4400, "Invalid message received")),
        (vec![Message::binary(vec![1, 2])], (4400, "Only text messages are supported")),
        (vec![Message::text(subscribe.to_string())], (4401, "Unauthorized")),
        (vec![], (4408, "Connection initialisation timeout")),
        (
            vec![init.to_string().into(), subscribe.to_string().into(), subscribe.to_string().into()],
            (4409, "Subscriber for 1 already exists"),
        ),
        (
            vec![init.to_string().into(), named("x".repeat(90)).into(), named("x".repeat(90)).into()],
            (4409, longest.as_str()),
        ),
        (
            vec![init.to_string().into(), named("x".repeat(91)).into()],
            (4400, "The maximum size of an id is 90 bytes"),
        ),
        (vec![init.to_string().into(), init.to_string().into()], (4429, "Too many initialisation requests")),
        (vec![too_long.to_string().into()], (1009, "The maximum size of a message is 262144 bytes")),
    ] {
        let mut socket = open().await;
        for message in messages {
            socket.send_raw(message).await;
        }
        let (code, reason) = socket.end().await;
        assert_eq!((code, reason.as_str()), expected);
    }
    for shown in [json!("Bearer wrong"), json!("Basic abc"), json!(7)] {
        let mut socket = open().await;
        socket.send(json!({ "type": "connection_init", "payload": { "authorization": shown } })).await;
        let (code, reason) = socket.end().await;
        assert_eq!(code, 4403, "{reason}");
    }
    let mut other = Socket::open(address, None, &[]).await.expect("open");
    assert_eq!(other.end().await.0, 4406);
}

#[tokio::test]
async fn queries_and_mutations_run_over_a_socket_beside_subscriptions() {
    let editor = editor().await;
    let mut socket = following(&editor).await;
    let mutation =
        "mutation { createTopic(input: {slug: \"by-socket\", name: \"By socket\"}) { topic { slug } } }";
    socket.subscribe("change", mutation, json!({})).await;
    let (mut reported, mut answered, mut completed) = (false, false, false);
    while !(reported && answered && completed) {
        let message = socket.receive().await;
        match (message["id"].as_str(), message["type"].as_str()) {
            (Some("changes"), Some("next")) => reported = true,
            (Some("change"), Some("next")) => {
                assert_eq!(message["payload"]["data"]["createTopic"]["topic"]["slug"], "by-socket");
                answered = true;
            }
            (Some("change"), Some("complete")) => completed = answered,
            _ => panic!("{message}"),
        }
    }
    socket.send(json!({ "id": "changes", "type": "complete" })).await;
    socket.subscribe("changes", "{ topics { nothing } }", json!({})).await;
    let error = socket.receive().await;
    assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("changes")));
    assert_eq!(error["payload"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    create_topic(&editor, "unheard").await;
    assert!(socket.silent().await, "a completed subscription gets nothing more");
    socket.send(json!({ "type": "ping", "payload": { "a": 1 } })).await;
    assert_eq!(socket.receive().await, json!({ "type": "pong", "payload": { "a": 1 } }));
}

#[tokio::test]
async fn limits_over_a_socket_are_those_of_http() {
    let strict = Client::with(&[("RATE_LIMIT", "5"), ("MAX_DEPTH", "4"), ("MAX_COST", "5000")]).await;
    let mut socket = Socket::of(&strict).await;
    let mut api_error = async |query: &str| {
        socket.subscribe("1", query, json!({})).await;
        let error = socket.receive().await;
        assert_eq!(error["type"], "error", "{error}");
        error["payload"][0]["extensions"]["code"].as_str().expect("a code").to_owned()
    };
    let deep = "subscription { changes { record { revisions { edges { node { diff { field } } } } } } }";
    assert_eq!(api_error(deep).await, "LIMIT_EXCEEDED");
    let dear = "subscription { changes { revisions { record { revisions(first: 100) { totalCount } } } } }";
    assert_eq!(api_error(dear).await, "LIMIT_EXCEEDED");
    let write = "mutation { createTopic(input: {slug: \"a\", name: \"A\"}) { revision } }";
    assert_eq!(api_error(write).await, "UNAUTHENTICATED");
    assert_eq!(api_error("subscription { changes(ids: [\"x\"]) { revision } }").await, "BAD_USER_INPUT");
    assert_eq!(
        api_error("subscription { changes(actor: {slug: \"nobody\"}) { revision } }").await,
        "BAD_USER_INPUT"
    );
    assert_eq!(
        api_error("subscription { changes(topic: {slug: \"none\"}) { revision } }").await,
        "BAD_USER_INPUT"
    );
    assert_eq!(api_error("subscription { changes { revision } }").await, "RATE_LIMITED");
    let mut crowded = Socket::of(&anonymous().await).await;
    for number in 0..101 {
        crowded.subscribe(&number.to_string(), CHANGES, json!({})).await;
    }
    let error = crowded.receive().await;
    assert_eq!((&error["id"], &error["payload"][0]["extensions"]["limit"]), (&json!("100"), &json!(100)));
}

#[tokio::test]
async fn a_server_that_requires_a_key_requires_it_of_sockets_and_streams() {
    let closed = Client::with(&[("READ_REQUIRES_KEY", "true")]).await;
    let mut socket =
        Socket::open(closed.socket_address(), Some("graphql-transport-ws"), &[]).await.expect("open");
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.end().await.0, 4403);
    let body = json!({ "query": CHANGES });
    let post =
        closed.http().post(closed.address("/graphql")).header("accept", "text/event-stream").json(&body);
    assert_eq!(post.send().await.expect("a response").status(), 401);
    let reader = closed.as_role(Role::Reader).await;
    Socket::of(&reader).await;
    // By a header too.
    let shown = reader.authorization().expect("a key");
    let headers = [("authorization", shown.as_str())];
    let open = Socket::open(closed.socket_address(), Some("graphql-transport-ws"), &headers).await;
    open.expect("open").initialize(&closed).await;
}

#[tokio::test]
async fn a_revoked_key_ends_its_operations() {
    let anonymous = anonymous().await;
    let key = keys::create(anonymous.pool(), "brief", Role::Editor, None).await.expect("a key");
    let mut socket =
        Socket::open(anonymous.socket_address(), Some("graphql-transport-ws"), &[]).await.expect("open");
    let payload = json!({ "Authorization": format!("Bearer {key}") });
    socket.send(json!({ "type": "connection_init", "payload": payload })).await;
    assert_eq!(socket.receive().await["type"], "connection_ack");
    let revoke = "update api_keys set revoked_at = now() where name = 'brief'";
    sqlx::query(revoke).execute(anonymous.pool()).await.expect("revoked");
    socket.subscribe("1", "{ topics { totalCount } }", json!({})).await;
    assert_eq!(socket.end().await.0, 4403);
}

#[tokio::test]
async fn pages_of_other_origins_do_not_connect_unless_they_may() {
    let server = Client::with(&[("CORS_ORIGINS", "https://desk.example")]).await;
    let address = server.socket_address();
    let own = format!("http://{address}");
    for origin in [own.as_str(), "https://desk.example"] {
        let open = Socket::open(address, Some("graphql-transport-ws"), &[("origin", origin)]).await;
        open.expect("open").initialize(&server).await;
    }
    let refused =
        Socket::open(address, Some("graphql-transport-ws"), &[("origin", "https://other.example")]).await;
    assert_eq!(refused.err().expect("refused").status(), 403);
}

#[tokio::test]
async fn the_page_shows_how_to_create_a_statement_and_subscribe_to_it() {
    let editor = editor().await;
    let mut socket = Socket::of(&editor).await;
    socket.subscribe("1", include_str!("../../web/examples/9-follow-changes.graphql"), json!({})).await;
    // The protocol doesn't say when a subscription has begun: enter the statement until it arrives.
    let enter = include_str!("../../web/examples/8-enter-a-statement.graphql");
    let remove = json!({ "statement": {"slug": "tokayev-on-dialogue"} });
    let mut reported = None;
    for _ in 0..10 {
        let entered = editor.query(enter).await;
        assert_eq!(entered["createStatement"]["userErrors"], json!([]));
        while reported.is_none() && !socket.silent().await {
            let change = socket.next_result().await["changes"].take();
            // It may have begun between an entry and its removal.
            reported = Some(change).filter(|change| change["operation"] == "CREATE");
        }
        if reported.is_some() {
            break;
        }
        mutate(&editor, "deleteStatement", remove.clone()).await;
    }
    let reported = reported.expect("a change");
    assert_eq!(reported["record"]["summary"], "He hopes that the dialogue goes on.");
}

#[tokio::test]
async fn a_subscription_has_exactly_one_field() {
    let anonymous = anonymous().await;
    for query in [
        "subscription { a: changes { revision } b: changes { revision } }",
        "subscription { __typename }",
        "subscription { ...F } fragment F on Subscription { a: changes { revision } ... { b: changes { revision } } }",
        "subscription($a: Boolean!) { changes @include(if: $a) { revision } }",
    ] {
        let mut events = Events::of(&anonymous, query, json!({ "a": true }), None).await;
        let refused = events.next().await.expect("an event");
        assert!(refused.data.contains("GRAPHQL_VALIDATION_FAILED"), "{query}: {refused:?}");
        assert_eq!(events.next().await.expect("an event").name, "complete");
    }
    let api_error = anonymous.api_error("subscription { changes { revision } }", json!({})).await;
    assert_eq!(api_error, ("BAD_USER_INPUT".to_owned(), None), "it has no single response");
}

#[tokio::test]
async fn queries_are_answered_as_events_too_and_subscriptions_by_get() {
    let editor = editor().await;
    let mut events = Events::of(&editor, "{ topics { totalCount } }", json!({}), None).await;
    let event = events.next().await.expect("an event");
    assert_eq!(event.name, "next");
    assert!(event.data.contains("totalCount"), "{event:?}");
    assert_eq!(events.next().await.expect("an event").name, "complete");
    assert_eq!(events.next().await, None);
    let query = format!("subscription {{ changes(since: {}) {{ revision }} }}", last_revision(&editor).await);
    let address =
        reqwest::Url::parse_with_params(&editor.address("/graphql"), [("query", query)]).expect("an address");
    let response = editor.http().get(address).header("accept", "text/event-stream").send().await;
    let mut events = Events::read(response.expect("a response"));
    let made = create_topic(&editor, "got").await;
    assert_eq!(events.next_result().await.1["changes"]["revision"], made["revision"]);
}

#[tokio::test]
async fn a_server_that_stops_closes_sockets_and_streams_at_once() {
    let editor = editor().await;
    let mut process = Process::start(&[("DATABASE_URL", editor.database_url())]).await;
    let address = process.address().parse().expect("an address");
    let mut socket = Socket::open(address, Some("graphql-transport-ws"), &[]).await.expect("open");
    socket.send(json!({ "type": "connection_init" })).await;
    socket.receive().await;
    socket.subscribe("1", CHANGES, json!({})).await;
    let post = reqwest::Client::new()
        .post(format!("http://{address}/graphql"))
        .header("accept", "text/event-stream");
    let events = post.json(&json!({ "query": CHANGES })).send().await.expect("a response");
    let mut events = Events::read(events);
    process.send(Signal::SIGTERM);
    assert_eq!(socket.end().await.0, 1001);
    drop(socket);
    assert_eq!(events.next().await, None, "not completed: its client comes back");
    let since = std::time::Instant::now();
    assert!(process.end().success());
    assert!(since.elapsed() < Duration::from_secs(9), "{:?}", since.elapsed());
}

#[tokio::test]
async fn those_who_come_back_read_the_log_together() {
    let editor = editor().await;
    let since = last_revision(&editor).await;
    for number in 0..5 {
        create_topic(&editor, &format!("topic-{number}")).await;
    }
    let anew = editor.at_another_server(&[]).await;
    let log = SqlLog::listen();
    let mut sockets = Vec::new();
    for back in 0..10 {
        let mut socket = Socket::of(&anew).await;
        socket.subscribe("1", CHANGES, json!({ "since": since + back % 3 })).await;
        sockets.push(socket);
    }
    for (back, socket) in sockets.iter_mut().enumerate() {
        for number in back % 3..5 {
            assert_eq!(socket.next_result().await["changes"]["record"]["slug"], format!("topic-{number}"));
        }
    }
    let reads = log.take().iter().filter(|sql| sql.contains("reported as materialized")).count();
    assert_eq!(reads, 1, "one page of the log for all of them");
}
