//! Cached responses: sent again until something changes, and never after.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use ::dossier::auth::caller::Role;
use reqwest::{
    StatusCode,
    header::{
        ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, ETAG, HeaderMap, IF_NONE_MATCH, VARY,
    },
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};

use crate::support::{
    Client, anonymous,
    process::{dossier, output},
    socket::Socket,
};

const CACHED: [(&str, &str); 1] = [("CACHE_BYTES", "1000000")];
/// Timeout on a busy machine for what usually takes a second.
const PATIENCE: Duration = Duration::from_secs(20);
const NAME: &str = "query($slug: String!) { topic(by: {slug: $slug}) { name } }";

/// The name of a topic, and what the response says of the cache.
async fn name(client: &Client) -> (Value, Value) {
    let body = json!({
        "query": NAME, "variables": {"slug": "two-state-solution"}, "extensions": {"cache": true},
    });
    let post = client.http().post(client.address("/graphql")).json(&body);
    let mut response: Value = post.send().await.expect("a response").json().await.expect("JSON");
    assert_eq!(response.get("errors"), None, "{response}");
    (response["data"]["topic"]["name"].take(), response["extensions"]["cache"].take())
}

/// Sends queries until the server knows the revision and has cached the response.
async fn warm(client: &Client) -> Value {
    let since = Instant::now();
    loop {
        let (_, cache) = name(client).await;
        if cache["hit"] == true {
            return cache["revision"].clone();
        }
        assert!(since.elapsed() < PATIENCE, "nothing is cached: {cache}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub async fn rename(editor: &Client, name: &str) -> i64 {
    let query = "mutation($name: String) {
        updateTopic(input: {topic: {slug: \"two-state-solution\"}, name: $name}) { revision userErrors { message } } }";
    let data = editor.query_with(query, json!({ "name": name })).await;
    data["updateTopic"]["revision"].as_i64().unwrap_or_else(|| panic!("{data}"))
}

/// Sends a query by GET, with these headers.
async fn get(client: &Client, headers: HeaderMap) -> reqwest::Response {
    let path = "/graphql?query={actors(first:50){edges{node{id%20slug%20name%20kind}}}}";
    client.http().get(client.address(path)).headers(headers).send().await.expect("a response")
}

#[tokio::test]
async fn an_acknowledged_change_is_in_the_next_response() {
    let client = Client::with(&CACHED).await;
    let editor = client.as_role(Role::Editor).await;
    let mut revision = warm(&client).await;
    for round in 0..20 {
        let written = format!("Two states {round}");
        let number = rename(&editor, &written).await;
        let (name, cache) = self::name(&client).await;
        assert_eq!((name, &cache["hit"]), (json!(written), &json!(false)));
        assert_eq!(cache["revision"], number, "{cache}");
        assert_ne!(cache["revision"], revision);
        revision = cache["revision"].clone();
        let (name, cache) = self::name(&client).await;
        assert_eq!((name, cache), (json!(written), json!({"hit": true, "revision": revision})));
    }
}

#[tokio::test]
async fn a_change_at_one_server_is_soon_known_at_the_others() {
    let one = Client::with(&CACHED).await;
    let other = one.at_another_server(&CACHED).await;
    let editor = one.as_role(Role::Editor).await;
    warm(&other).await;
    for round in 0..10 {
        let written = format!("Two states {round}");
        rename(&editor, &written).await;
        let since = Instant::now();
        while name(&other).await.0 != written.as_str() {
            assert!(since.elapsed() < PATIENCE, "{round}");
        }
    }
}

#[tokio::test]
async fn a_server_that_hears_nothing_from_the_database_gives_nothing_from_the_cache() {
    let client = Client::with(&CACHED).await;
    warm(&client).await;
    // Open connections stay; the listening one is closed, and no new one is accepted.
    let database: String =
        sqlx::query_scalar("select current_database()").fetch_one(client.pool()).await.expect("a name");
    let forbid =
        |allowed: bool| AssertSqlSafe(format!("alter database {database} allow_connections {allowed}"));
    let elsewhere =
        PgConnectOptions::from_str(client.database_url()).expect("an address").database("postgres");
    let mut elsewhere = PgConnection::connect_with(&elsewhere).await.expect("connected");
    let mut own = client.pool().acquire().await.expect("a connection");
    sqlx::raw_sql(forbid(false)).execute(&mut elsewhere).await.expect("forbidden");
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity
               where datname = current_database() and application_name = 'dossier listening'";
    sqlx::raw_sql(cut).execute(&mut *own).await.expect("cut");
    let since = Instant::now();
    while name(&client).await.1["hit"] == true {
        assert!(since.elapsed() < PATIENCE, "it goes on as if it knew");
    }
    let mut change = own.begin().await.expect("a transaction");
    sqlx::raw_sql("select set_config('dossier.requester', 'somebody', true); update topics set name = 'Unheard' where slug = 'two-state-solution'")
        .execute(&mut *change)
        .await
        .expect("changed");
    change.commit().await.expect("committed");
    assert_eq!(name(&client).await, (json!("Unheard"), json!({"hit": false, "revision": null})));
    sqlx::raw_sql(forbid(true)).execute(&mut elsewhere).await.expect("allowed");
    warm(&client).await;
    assert_eq!(name(&client).await.0, "Unheard");
}

#[tokio::test]
async fn an_unchanged_response_is_not_sent_again() {
    let client = Client::with(&[CACHED[0], ("CACHE_CONTROL", "public, max-age=5")]).await;
    let editor = client.as_role(Role::Editor).await;
    warm(&client).await;
    let plain = get(&client, HeaderMap::new()).await;
    assert_eq!(plain.headers()[CACHE_CONTROL], "public, max-age=5");
    assert_eq!(plain.headers()[VARY], "accept, accept-encoding, authorization, dossier-revision");
    let tag = plain.headers()[ETAG].clone();
    let body = plain.bytes().await.expect("a body");

    let known = HeaderMap::from_iter([(IF_NONE_MATCH, tag.clone())]);
    let same = get(&client, known.clone()).await;
    assert_eq!((same.status(), &same.headers()[ETAG]), (StatusCode::NOT_MODIFIED, &tag));
    assert!(same.bytes().await.expect("a body").is_empty());

    let gzip = HeaderMap::from_iter([(ACCEPT_ENCODING, "gzip".parse().expect("a value"))]);
    let compressed = get(&client, gzip).await;
    assert_eq!(compressed.headers()[CONTENT_ENCODING], "gzip");
    assert_ne!(compressed.headers()[ETAG], tag, "another form has another tag");
    let compressed = compressed.bytes().await.expect("a body");
    assert!(compressed.len() < body.len());
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&compressed[..]), &mut plain).expect("gzip");
    assert_eq!(plain, body);

    // What it doesn't depend on may change.
    rename(&editor, "Two states").await;
    assert_eq!(get(&client, known.clone()).await.status(), StatusCode::NOT_MODIFIED);
    let update = "mutation { updateActor(input: {actor: {slug: \"israel\"}, name: \"The State of Israel\"}) { revision } }";
    editor.query(update).await;
    let changed = get(&client, known).await;
    assert_eq!(changed.status(), StatusCode::OK);
    assert_ne!(changed.headers()[ETAG], tag);
    let post = client.http().post(client.address("/graphql")).json(&json!({"query": "{ __typename }"}));
    assert!(!post.send().await.expect("a response").headers().contains_key(ETAG));
}

#[tokio::test]
async fn personal_responses_are_not_shared() {
    let client = Client::with(&[CACHED[0], ("RATE_LIMIT", "100000")]).await;
    warm(&client).await;
    let query = "{ ...V } fragment V on Query { rateLimit { resetAt } }";
    let reset_at = async || client.query(query).await["rateLimit"]["resetAt"].take();
    assert_ne!(reset_at().await, reset_at().await, "each response is computed");
    let editor = client.as_role(Role::Editor).await;
    let requested =
        json!({ "query": NAME, "variables": {"slug": "two-state-solution"}, "extensions": {"cache": true} });
    let shown = client
        .http()
        .post(client.address("/graphql"))
        .header(AUTHORIZATION, editor.authorization().expect("a key"));
    let response: Value =
        shown.json(&requested).send().await.expect("a response").json().await.expect("JSON");
    assert_eq!(response["extensions"]["cache"]["hit"], false, "roles don't share responses");
}

#[tokio::test]
async fn metrics_report_the_size_of_the_cache() {
    let client = Client::with(&CACHED).await;
    warm(&client).await;
    let metrics = client.get("/metrics").await.text().await.expect("text");
    let value = |name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} is not in {metrics}")).parse::<i64>().expect("a number")
    };
    assert!(value("dossier_cache_hits_total") >= 1);
    assert!(value("dossier_cache_misses_total") >= 1);
    assert_eq!(value("dossier_cache_responses"), 1);
    assert!((1..1_000_000).contains(&value("dossier_cache_bytes")));
    assert!(value("dossier_revision") > 0);
    let without = anonymous().await.get("/metrics").await.text().await.expect("text");
    assert!(!without.contains("dossier_cache"), "without a cache there are no metrics of it");
}

#[tokio::test]
async fn a_change_of_one_record_invalidates_no_response_about_others() {
    let client = Client::with(&CACHED).await;
    let editor = client.as_role(Role::Editor).await;
    warm(&client).await;
    let rename = async |slug: &str, name: &str| {
        let query = "mutation($slug: String!, $name: String) {
            updateActor(input: {actor: {slug: $slug}, name: $name}) { userErrors { message } } }";
        editor.query_with(query, json!({"slug": slug, "name": name})).await
    };
    let said = "query($slug: String!) { actor(by: {slug: $slug}) { name statements(first: 50, orderBy: ENTERED_ASC) {
        edges { node { summary meeting { name } addressees(orderBy: ENTERED_ASC) { edges { node { name } } } } } } } }";
    let hit = async |query: &str, slug: &str| {
        let body = json!({ "query": query, "variables": {"slug": slug}, "extensions": {"cache": true} });
        let post = client.http().post(client.address("/graphql")).json(&body);
        let response: Value = post.send().await.expect("a response").json().await.expect("JSON");
        response["extensions"]["cache"]["hit"].clone()
    };
    let (one, other) = ("yury-bocharov", "donald-trump");
    assert_eq!((hit(said, one).await, hit(said, other).await), (json!(false), json!(false)));
    assert_eq!((hit(said, one).await, hit(said, other).await), (json!(true), json!(true)));
    rename(one, "Somebody").await;
    assert_eq!((hit(said, one).await, hit(said, other).await), (json!(false), json!(true)));
    rename("israel", "Another").await;
    assert_eq!(hit(NAME, "two-state-solution").await, true, "a topic depends on no actor");
}

#[tokio::test]
async fn a_list_of_what_refers_to_one_record_depends_on_nothing_else() {
    let client = Client::with(&CACHED).await;
    let editor = client.as_role(Role::Editor).await;
    warm(&client).await;
    let speakers = client.query("{ trump: actor(by: {slug: \"donald-trump\"}) { id } tokayev: actor(by: {slug: \"kassym-jomart-tokayev\"}) { id } }").await;
    let (trump, tokayev) = (&speakers["trump"]["id"], &speakers["tokayev"]["id"]);
    let query = "query($id: ID!) { statements(first: 50, filter: {speaker: {id: {equals: $id}}}) {
        totalCount edges { node { slug speaker { slug } } } } }";
    let send_query = async |id: &Value| {
        let body = json!({ "query": query, "variables": {"id": id}, "extensions": {"cache": true} });
        let post = client.http().post(client.address("/graphql")).json(&body);
        let response: Value = post.send().await.expect("a response").json().await.expect("JSON");
        (response["extensions"]["cache"]["hit"].clone(), response["data"]["statements"]["totalCount"].clone())
    };
    let change = async |change: Value| {
        let query = "mutation($input: UpdateStatementInput!) { updateStatement(input: $input) { userErrors { message } } }";
        let changed = editor.query_with(query, json!({ "input": change })).await;
        assert_eq!(changed["updateStatement"]["userErrors"], json!([]));
    };
    let statement = json!({"slug": "trump-gratitude"});
    let answered = |hit: bool, count: u32| (json!(hit), json!(count));
    assert_eq!(
        (send_query(trump).await, send_query(tokayev).await),
        (answered(false, 2), answered(false, 5))
    );
    change(json!({"statement": statement, "speakerRole": "As somebody else"})).await;
    assert_eq!((send_query(trump).await, send_query(tokayev).await), (answered(false, 2), answered(true, 5)));
    change(json!({"statement": statement, "speaker": {"id": tokayev}})).await;
    assert_eq!(
        (send_query(trump).await, send_query(tokayev).await),
        (answered(false, 1), answered(false, 6))
    );
}

#[tokio::test]
async fn a_label_depends_on_the_records_that_it_names() {
    let client = Client::with(&CACHED).await;
    let editor = client.as_role(Role::Editor).await;
    warm(&client).await;
    let requested = async || {
        let query = "{ topic(by: {slug: \"two-state-solution\"}) { positions(orderBy: ENTERED_ASC) { nodes { label updatedAt } } } }";
        let body = json!({ "query": query, "extensions": {"cache": true} });
        let post = client.http().post(client.address("/graphql")).json(&body);
        let response: Value = post.send().await.expect("a response").json().await.expect("JSON");
        let nodes = &response["data"]["topic"]["positions"]["nodes"];
        let labels = nodes.as_array().expect("nodes").iter().map(|node| node["label"].to_string());
        (response["extensions"]["cache"]["hit"] == true, labels.collect::<Vec<_>>().join(", "))
    };
    let rename_actor = async |slug: &str| {
        let query = "mutation($slug: String!) { updateActor(input: {actor: {slug: $slug}, name: \"Renamed\"}) { revision } }";
        editor.query_with(query, json!({ "slug": slug })).await;
    };
    let (_, labels) = requested().await;
    assert!(labels.contains("Israel is neutral on Two-state solution"), "{labels}");
    assert_eq!(requested().await, (true, labels.clone()));
    rename_actor("donald-trump").await;
    assert_eq!(requested().await, (true, labels.clone()), "he holds no position on it");
    rename_actor("israel").await;
    let renamed = labels.replace("Israel", "Renamed");
    assert_eq!(requested().await, (false, renamed.clone()));
    rename(&editor, "Two states").await;
    assert_eq!(requested().await, (false, renamed.replace("Two-state solution", "Two states")));
}

#[tokio::test]
async fn a_base_that_is_generated_has_no_history_and_yet_is_heard_of() {
    let client = Client::with(&CACHED).await;
    warm(&client).await;
    let count = async || client.query("{ actors { totalCount } }").await["actors"]["totalCount"].take();
    let before = count().await;
    assert_eq!(count().await, before);
    let mut generate = dossier(&[("DATABASE_URL", client.database_url())]);
    let generated =
        tokio::task::spawn_blocking(move || output(generate.args(["generate", "--statements", "50"])));
    assert!(generated.await.expect("not cancelled").status.success());
    let since = Instant::now();
    while count().await == before {
        assert!(since.elapsed() < PATIENCE, "it responds as if nothing had been generated");
    }
}

/// Changes the base as a restore does: without a revision and without rules.
async fn restore(client: &Client, sql: &'static str) {
    let mut restoring = client.pool().begin().await.expect("begun");
    sqlx::raw_sql("set local session_replication_role = replica")
        .execute(&mut *restoring)
        .await
        .expect("set");
    sqlx::raw_sql(sql).execute(&mut *restoring).await.expect("restored");
    restoring.commit().await.expect("committed");
}

#[tokio::test]
async fn thousands_of_revisions_at_once_are_heard_of_without_another_change() {
    let client = Client::with(&CACHED).await;
    warm(&client).await;
    let mut socket = Socket::of(&client).await;
    socket.subscribe("1", "subscription { changes { record { slug } } }", json!({})).await;
    assert!(socket.silent().await, "it follows from now on");
    let mut import = client.pool().begin().await.expect("begun");
    for sql in [
        "select set_config('dossier.requester', 'import', true)",
        "insert into topics (slug, name) select 'topic-' || n, 'Topic' from generate_series(1, 4800) n",
        "update topics set name = 'Two states' where slug = 'two-state-solution'",
    ] {
        sqlx::query(sql).execute(&mut *import).await.expect("written");
    }
    import.commit().await.expect("committed");
    let since = Instant::now();
    while name(&client).await.0 != "Two states" {
        assert!(since.elapsed() < PATIENCE, "the cache has not heard of it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    warm(&client).await;
    for number in 1..=4800 {
        let slug = format!("topic-{number}");
        assert_eq!(socket.next_result().await["changes"]["record"]["slug"], slug);
    }
    assert_eq!(socket.next_result().await["changes"]["record"]["slug"], "two-state-solution");
}

#[tokio::test]
async fn a_base_that_was_restored_is_noticed_by_cache_and_subscribers() {
    let client = Client::with(&CACHED).await;
    let editor = client.as_role(Role::Editor).await;
    let before = warm(&client).await;
    let lost = rename(&editor, "Lost").await;
    warm(&client).await;
    let mut socket = Socket::of(&client).await;
    let query = "subscription($since: RevisionNumber) { changes(since: $since) { revision } }";
    socket.subscribe("1", query, json!({ "since": lost })).await;
    assert!(socket.silent().await);

    restore(
        &client,
        "delete from revisions where id = (select max(id) from revisions);
         update topics set name = 'Kept' where slug = 'two-state-solution';
         select setval('revisions_id_seq', (select max(id) from revisions));
         notify dossier_revisions",
    )
    .await;
    let since = Instant::now();
    while name(&client).await.0 != "Kept" {
        assert!(since.elapsed() < PATIENCE, "what was lost is still in the response");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(warm(&client).await, before);
    let reported = socket.receive().await;
    assert_eq!(
        (&reported["type"], &reported["payload"][0]["extensions"]["code"]),
        (&json!("error"), &json!("HISTORY_REPLACED"))
    );
    socket.subscribe("2", query, json!({ "since": lost })).await;
    let reported = socket.receive().await;
    assert_eq!(reported["payload"][0]["extensions"]["field"], "since", "it is yet to come: {reported}");

    // The lost number is used again for another change.
    socket.subscribe("3", "subscription { changes { revision } }", json!({})).await;
    assert!(socket.silent().await);
    let again = rename(&editor, "Again").await;
    assert_eq!(again, lost);
    assert_eq!(socket.next_result().await["changes"]["revision"], lost);
    assert_eq!(name(&client).await.0, "Again");
}
