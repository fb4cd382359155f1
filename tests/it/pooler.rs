//! Through pgbouncer in transaction mode: every kind of request, limits and cancellation, and what is refused.

use std::{
    collections::BTreeMap,
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use dossier::auth::{caller::Role, keys};
use futures_util::future::join_all;
use serde_json::json;
use sqlx::Connection;

use crate::{
    connections::{code, hold_topics, send, until_running},
    golden::has_golden_responses,
    mutations::{change, statement},
    support::{
        Client,
        database::{TestDatabase, database, empty_database},
        pooler::Pooler,
        process,
        socket::Socket,
    },
};

const TOPICS: &str = "{ topics { totalCount } }";

/// A client of a server that reaches its database through a pooler with this many connections.
async fn pooled(name: &str, size: u32, settings: &[(&str, &str)]) -> Option<(Client, Pooler)> {
    let database = Arc::new(database().await);
    let pooler = Pooler::start(name, &database, size, "").await?;
    let url = pooler.url();
    let ways = [("DATABASE_URL", url.as_str()), ("DATABASE_LISTEN_URL", database.url())];
    let client = Client::of(&database).await.at_another_server(&[&ways, settings].concat()).await;
    Some((client, pooler))
}

/// What a command prints.
async fn run(ways: [(&str, String); 2], arguments: &[&str]) -> (Option<i32>, String) {
    let settings: Vec<(&str, &str)> = ways.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let output = process::run(&settings, arguments).await;
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    (output.status.code(), text)
}

fn ways(pooler: &Pooler, database: &TestDatabase) -> [(&'static str, String); 2] {
    [("DATABASE_URL", pooler.url()), ("DATABASE_LISTEN_URL", database.url().to_owned())]
}

#[tokio::test]
async fn golden_queries_have_the_same_responses_through_a_pooler() {
    let Some((client, _pooler)) = pooled("pooler-golden", 2, &[]).await else { return };
    // Twice, so that each query meets what the others have left in the sessions.
    has_golden_responses(&client).await;
    has_golden_responses(&client).await;
}

#[tokio::test]
async fn changes_keys_subscriptions_and_the_past_work_through_a_pooler() {
    let Some((client, _pooler)) = pooled("pooler-changes", 2, &[]).await else { return };
    let editor = client.as_role(Role::Editor).await;
    assert_eq!(editor.query("{ viewer { role } }").await["viewer"]["role"], "EDITOR");
    let mut socket = Socket::of(&client).await;
    let changes = "subscription { changes { operation record { slug } } }";
    socket.subscribe("changes", changes, json!({})).await;
    let before = client.query(TOPICS).await;
    let grain = json!({"slug": "grain", "name": "Grain"});
    let created = change(&editor, "createTopic", grain, "topic { name }").await;
    assert_eq!((&created["topic"]["name"], &created["userErrors"]), (&json!("Grain"), &json!([])));
    assert_eq!(socket.next_result().await["changes"]["record"]["slug"], "grain");
    let past = format!(
        "{{ topics(asOf: {{revision: {}}}) {{ totalCount }} }}",
        created["revision"].as_i64().expect("a revision") - 1
    );
    assert_eq!(client.query(&past).await, before);

    // A list with a conflict is written in a savepoint.
    let said = change(&editor, "createStatement", statement("said"), "statement { slug }").await;
    assert_eq!(said["userErrors"], json!([]), "{said}");
    let again = change(&editor, "createStatement", statement("said"), "statement { slug }").await;
    assert_eq!(again["userErrors"][0]["code"], "TAKEN", "{again}");
    let named = json!({"topic": {"slug": "grain"}, "name": "Wheat", "clientMutationId": "once"});
    let first = change(&editor, "updateTopic", named.clone(), "topic { name }").await;
    assert_eq!(change(&editor, "updateTopic", named, "topic { name }").await, first, "the same response");
    let twin = json!({"slug": "twin", "kind": "COUNTRY", "name": "Israel"});
    change(&editor, "createActor", twin, "actor { slug }").await;
    let merged = json!({"keep": {"slug": "israel"}, "merge": {"slug": "twin"}});
    let merged = change(&editor, "mergeActors", merged, "actor { slug }").await;
    assert_eq!(merged["actor"]["slug"], "israel", "{merged}");
    let reverted = json!({"revision": merged["revision"]});
    let reverted = change(&editor, "revertRevision", reverted, "").await;
    assert_eq!(reverted["userErrors"], json!([]), "{reverted}");
    keys::revoke(client.pool(), "editor").await.expect("revoked");
    assert_eq!(editor.api_error(TOPICS, json!({})).await.0, "UNAUTHENTICATED");
}

#[tokio::test]
async fn commands_go_the_direct_way() {
    let database = empty_database().await;
    let Some(pooler) = Pooler::start("pooler-commands", &database, 2, "").await else { return };
    let (status, text) = run(ways(&pooler, &database), &["migrate"]).await;
    assert_eq!(status, Some(0), "{text}");
    let file = std::env::temp_dir().join(format!("dossier-run-{}-pooled.jsonl", std::process::id()));
    fs::write(&file, json!({"type": "Topic", "slug": "rails", "name": "Rails"}).to_string())
        .expect("written");
    let (status, text) = run(ways(&pooler, &database), &["import", file.to_str().expect("text")]).await;
    assert!(status == Some(0) && text.contains("created 1"), "{text}");
    fs::remove_file(&file).expect("removed");
    let (_, text) = run(ways(&pooler, &database), &["export"]).await;
    assert!(text.contains("\"rails\""), "{text}");
    let (_, text) =
        run(ways(&pooler, &database), &["key", "create", "--name", "me", "--role", "editor"]).await;
    assert!(text.contains("dossier_"), "{text}");
}

#[tokio::test]
async fn limits_and_cancellation_hold_through_a_pooler() {
    let Some((client, _pooler)) = pooled("pooler-limits", 4, &[("REQUEST_TIMEOUT", "0.5")]).await else {
        return;
    };
    let mut lock = hold_topics(client.database_url()).await;
    for response in join_all(send(&client, TOPICS, 3)).await {
        assert_eq!(code(&response.expect("a response")), "TIMEOUT");
    }
    until_running(client.pool(), 0).await;
    lock.close().await.expect("unlocked");

    // The limit of Postgres itself, which holds where the server has died.
    let Some((client, _pooler)) = pooled("pooler-gone", 4, &[]).await else { return };
    lock = hold_topics(client.database_url()).await;
    let waiting = send(&client, TOPICS, 3);
    until_running(client.pool(), 3).await;
    let since = Instant::now();
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
    until_running(client.pool(), 0).await;
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    lock.close().await.expect("unlocked");
    assert!(client.query(TOPICS).await["topics"]["totalCount"].is_u64());
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_clients_share_five_connections_to_postgres() {
    let Some((client, pooler)) = pooled("pooler-fifty", 5, &[("DATABASE_POOL_SIZE", "50")]).await else {
        return;
    };
    let since = Instant::now();
    let one = async |number: usize| {
        let key = keys::create(client.pool(), &format!("client-{number}"), Role::Editor, None).await;
        let client = client.with_key(&key.expect("a key"));
        let mut codes = Vec::new();
        for round in 0..6 {
            let topic = json!({"slug": format!("topic-{number}-{round}"), "name": "A"});
            let query =
                "mutation($input: CreateTopicInput!) { createTopic(input: $input) { userErrors { code } } }";
            codes.push(code(&client.response(query, json!({ "input": topic })).await).to_owned());
            codes.push(code(&client.response(TOPICS, json!({})).await).to_owned());
        }
        codes
    };
    let codes = join_all((0..50).map(one)).await.concat();
    let mut counts = BTreeMap::new();
    for code in &codes {
        *counts.entry(code.as_str()).or_insert(0) += 1;
    }
    eprintln!("50 clients through 5 connections: {:.1} s, by code {counts:?}", since.elapsed().as_secs_f64());
    assert_eq!(counts, BTreeMap::from([("", 600)]));
    let topics = "select count(*) from topics where slug like 'topic-%'";
    let topics: i64 = sqlx::query_scalar(topics).fetch_one(client.pool()).await.expect("a count");
    assert_eq!(topics, 300);
    let connections = pooler.connections().await.expect("it runs");
    assert!(connections <= 5, "{connections}");
}

#[tokio::test]
async fn a_pooler_that_is_gone_is_reported_until_it_is_back() {
    let Some((client, mut pooler)) = pooled("pooler-back", 3, &[]).await else { return };
    let editor = client.as_role(Role::Editor).await;
    assert!(editor.query(TOPICS).await["topics"]["totalCount"].is_u64());
    pooler.stop();
    assert_eq!(editor.api_error(TOPICS, json!({})).await.0, "UNAVAILABLE");
    let since = Instant::now();
    let ready = loop {
        let ready = client.get("/health/ready").await;
        if ready.status() == 503 {
            break ready.text().await.expect("text");
        }
        // It counts as there for some seconds after the last statement.
        assert!(since.elapsed() < Duration::from_secs(10), "it counts as ready");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(ready.contains("pooler"), "{ready}");
    pooler.restart().await;
    assert!(editor.query(TOPICS).await["topics"]["totalCount"].is_u64());
    let topic =
        change(&editor, "createTopic", json!({"slug": "back", "name": "Back"}), "topic { slug }").await;
    assert_eq!(topic["topic"]["slug"], "back");
    assert_eq!(client.get("/health/ready").await.status(), 200);
}

#[tokio::test]
async fn a_pooler_without_the_direct_way_and_a_wrong_one_are_reported() {
    let (database, other) = (database().await, empty_database().await);
    let Some(pooler) = Pooler::start("pooler-alone", &database, 2, "").await else { return };
    let alone = [("DATABASE_URL", pooler.url()), ("DATABASE_SCHEMA", String::new())];
    let refused = |text: &str, sentence: &str| assert!(text.contains(sentence), "{text}");
    let sentence = "set DATABASE_LISTEN_URL to the address of Postgres itself";
    let (status, text) = run(alone, &["migrate"]).await;
    assert_eq!(status, Some(1), "{text}");
    refused(&text, sentence);
    let lenient = "ignore_startup_parameters = extra_float_digits, options";
    let Some(lenient) = Pooler::start("pooler-lenient", &database, 2, lenient).await else { return };
    let alone = [("DATABASE_URL", lenient.url()), ("DATABASE_SCHEMA", String::new())];
    refused(&run(alone, &["migrate"]).await.1, sentence);
    refused(&run(ways(&pooler, &other), &["migrate"]).await.1, "lead to different databases");
    let nowhere = [
        ("DATABASE_URL", pooler.url()),
        ("DATABASE_LISTEN_URL", "postgres://me@127.0.0.1:1/base".to_owned()),
    ];
    refused(&run(nowhere, &["migrate"]).await.1, "check the host and port in DATABASE_LISTEN_URL");
}
