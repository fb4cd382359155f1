//! Connections to the database: fair shares, broken connections, and errors when the database fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use dossier::auth::{caller::Role, keys};
use futures_util::future::join_all;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

use crate::{
    mutations::change,
    support::{
        Client, anonymous, editor,
        process::{Folder, Process, connect, dossier, output, postmaster},
    },
};

const TOPICS: &str = "{ topics { totalCount } }";
const ACTOR: &str = r#"{ actor(by: {slug: "israel"}) { name } }"#;

/// A transaction that blocks reads of topics until it is rolled back.
pub async fn hold_topics(url: &str) -> PgConnection {
    let mut connection = PgConnection::connect(url).await.expect("a connection");
    let lock = "begin; lock table topics in access exclusive mode";
    sqlx::raw_sql(lock).execute(&mut connection).await.expect("locked");
    connection
}

/// How many statements of servers run in a database.
async fn running(pool: &PgPool) -> i64 {
    let sql = "select count(*) from pg_stat_activity
               where datname = current_database() and application_name = 'dossier' and state <> 'idle'";
    sqlx::query_scalar(sql).fetch_one(pool).await.expect("a count")
}

pub async fn until_running(pool: &PgPool, count: i64) {
    let since = Instant::now();
    while running(pool).await != count {
        assert!(since.elapsed() < Duration::from_secs(8), "{} run, not {count}", running(pool).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Requests that one client sends at once without waiting.
pub fn send(client: &Client, query: &'static str, many: usize) -> Vec<tokio::task::JoinHandle<Value>> {
    let one = || {
        let client = client.clone();
        tokio::spawn(async move { client.response(query, json!({})).await })
    };
    (0..many).map(|_| one()).collect()
}

pub fn code(response: &Value) -> &str {
    response["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_client_with_many_slow_requests_delays_no_other() {
    let greedy = anonymous().await;
    let modest = greedy.as_role(Role::Reader).await;
    let mut lock = hold_topics(greedy.database_url()).await;
    let waiting = send(&greedy, TOPICS, 12);
    until_running(greedy.pool(), 4).await;
    for _ in 0..5 {
        assert_eq!(modest.query(ACTOR).await["actor"]["name"], "Israel");
    }
    assert_eq!(running(greedy.pool()).await, 4, "they still wait");
    sqlx::raw_sql("rollback").execute(&mut lock).await.expect("unlocked");
    for response in join_all(waiting).await {
        assert!(response.expect("a response")["data"]["topics"]["totalCount"].is_u64());
    }
}

#[tokio::test]
async fn a_client_that_uses_all_its_connections_gets_an_error_with_retry_after() {
    let greedy = Client::with(&[("REQUEST_TIMEOUT", "4.5")]).await;
    let modest = greedy.as_role(Role::Reader).await;
    let _lock = hold_topics(greedy.database_url()).await;
    let _waiting = send(&greedy, TOPICS, 4);
    until_running(greedy.pool(), 4).await;
    let post = greedy.http().post(greedy.address("/graphql")).json(&json!({"query": ACTOR}));
    let refused = post.send().await.expect("a response");
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    let refused: Value = refused.json().await.expect("JSON");
    assert_eq!(code(&refused), "RATE_LIMITED");
    assert!(refused["errors"][0]["extensions"]["retryAfter"].is_u64(), "{refused}");
    assert_eq!(modest.query(ACTOR).await["actor"]["name"], "Israel");
}

#[tokio::test]
async fn an_abandoned_request_ends_in_postgres_within_a_second() {
    let client = editor().await;
    let mut lock = hold_topics(client.database_url()).await;
    let waiting = send(&client, TOPICS, 3);
    until_running(client.pool(), 3).await;
    let since = Instant::now();
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
    until_running(client.pool(), 0).await;
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());

    // A mutation too; none of it is committed later.
    let create = r#"mutation { createTopic(input: {slug: "of-somebody-gone", name: "Gone"}) { revision } }"#;
    let waiting = send(&client, create, 1);
    until_running(client.pool(), 1).await;
    waiting[0].abort();
    until_running(client.pool(), 0).await;
    sqlx::raw_sql("rollback").execute(&mut lock).await.expect("unlocked");
    assert_eq!(
        client.query(r#"{ topic(by: {slug: "of-somebody-gone"}) { id } }"#).await["topic"],
        Value::Null
    );
}

#[tokio::test]
async fn what_takes_too_long_ends_in_postgres_too() {
    let client = Client::with(&[("REQUEST_TIMEOUT", "0.5")]).await;
    let _lock = hold_topics(client.database_url()).await;
    let responses = join_all(send(&client, TOPICS, 3)).await;
    for response in responses {
        assert_eq!(code(&response.expect("a response")), "TIMEOUT");
    }
    until_running(client.pool(), 0).await;
}

/// Ends all connections of servers to a database, as a restart of Postgres does.
async fn end_connections(pool: &PgPool) {
    let sql = "select count(pg_terminate_backend(pid)) from pg_stat_activity
               where datname = current_database() and application_name like 'dossier%'";
    let ended: i64 = sqlx::query_scalar(sql).fetch_one(pool).await.expect("ended");
    assert!(ended > 0);
}

#[tokio::test]
async fn broken_connections_are_found_before_a_request_uses_them() {
    let editor = editor().await;
    for round in 0..3 {
        let mut lock = hold_topics(editor.database_url()).await;
        let waiting = send(&editor, TOPICS, 4);
        until_running(editor.pool(), 4).await;
        sqlx::raw_sql("rollback").execute(&mut lock).await.expect("unlocked");
        join_all(waiting).await;
        let topic = json!({"slug": format!("before-{round}"), "name": "Before"});
        change(&editor, "createTopic", topic, "topic { slug }").await;
        end_connections(editor.pool()).await;
        for response in join_all(send(&editor, ACTOR, 12)).await {
            assert_eq!(response.expect("a response")["data"]["actor"]["name"], "Israel");
        }
        end_connections(editor.pool()).await;
        let topic = json!({"slug": format!("after-{round}"), "name": "After"});
        change(&editor, "createTopic", topic, "topic { slug }").await;
    }
}

#[tokio::test]
async fn what_runs_while_its_connection_dies_is_read_again() {
    let client = anonymous().await;
    let mut lock = hold_topics(client.database_url()).await;
    let waiting = send(&client, TOPICS, 3);
    until_running(client.pool(), 3).await;
    end_connections(client.pool()).await;
    until_running(client.pool(), 3).await;
    sqlx::raw_sql("rollback").execute(&mut lock).await.expect("unlocked");
    for response in join_all(waiting).await {
        assert!(response.expect("a response")["data"]["topics"]["totalCount"].is_u64());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_read_fails_while_postgres_starts_again() {
    let folder = Folder::new("read-through-a-restart");
    let server = Process::serve(folder.path()).await;
    let started = postmaster(folder.path());
    let address = format!("http://{}/graphql", server.address());
    let stop = Arc::new(AtomicBool::new(false));
    let read = |_| {
        let (address, stop) = (address.clone(), stop.clone());
        tokio::spawn(async move {
            let (http, mut requested) = (reqwest::Client::new(), 0);
            while !stop.load(Ordering::Relaxed) {
                let post = http.post(&address).json(&json!({"query": ACTOR}));
                let response: Value = post.send().await.expect("a response").json().await.expect("JSON");
                assert_eq!(response["data"]["actor"]["name"], "Israel", "{response}");
                requested += 1;
            }
            requested
        })
    };
    let readers: Vec<_> = (0..8).map(read).collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    kill(started, Signal::SIGINT).expect("stopped");
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.count_topics().await;
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        assert!(reader.await.expect("no read failed") > 0);
    }
    assert_ne!(postmaster(folder.path()), started);
    assert!(server.stop().success());
}

async fn readiness(client: &Client) -> (u16, Value) {
    let response = client.get("/health/ready").await;
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

#[tokio::test]
async fn full_pools_and_those_who_write_for_long_leave_a_server_ready() {
    let editor = editor().await;
    let reader = editor.as_role(Role::Reader).await;
    let _lock = hold_topics(editor.database_url()).await;
    let create = r#"mutation { createTopic(input: {slug: "waiting", name: "Waiting"}) { revision } }"#;
    let _writing = send(&editor, create, 12);
    let _reading = send(&editor, TOPICS, 12);
    until_running(editor.pool(), 4 + 4).await;
    let _more = send(&reader, TOPICS, 12);
    until_running(editor.pool(), 4 + 4 + 2).await;
    let ready = json!({"status": "ready", "reading": true, "writing": true});
    assert_eq!(readiness(&editor).await, (200, ready));
}

#[tokio::test]
async fn a_read_only_primary_is_reported_until_it_accepts_changes_again() {
    let folder = Folder::new("read-only");
    let server = Process::serve(folder.path()).await;
    let mut connection = connect(folder.path()).await;
    let key = keys::create(&mut connection, "editor", Role::Editor, None).await.expect("a key");
    let set = async |connection: &mut PgConnection, value: &str| {
        for sql in [
            "set session characteristics as transaction read write",
            &format!("alter system set default_transaction_read_only = {value}"),
            "select pg_reload_conf()",
            "select pg_sleep(0.3)",
        ] {
            sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *connection).await.expect("set");
        }
    };
    let create = async |slug: &str| create_topic(&server, &key, slug).await;
    let ready = async || ready_state(&server).await;
    assert_eq!(create("before").await["data"]["createTopic"]["topic"]["slug"], "before");
    set(&mut connection, "on").await;
    let refused = create("meanwhile").await;
    assert_eq!(code(&refused), "UNAVAILABLE", "{refused}");
    assert!(server.count_topics().await > 0);
    let reported = ready().await;
    assert_eq!((&reported["reading"], &reported["writing"]), (&json!(true), &json!(false)));
    assert!(reported["reason"].as_str().expect("a reason").contains("read-only"));
    set(&mut connection, "off").await;
    assert_eq!(create("after").await["data"]["createTopic"]["topic"]["slug"], "after");
    assert_eq!(ready().await, json!({"status": "ready", "reading": true, "writing": true}));
    let log = server.log();
    assert!(!log.contains("ERROR"), "it is no fault of ours: {log}");
}

/// A role that may read and write records, and nothing else.
async fn may_write_only(pool: &PgPool, url: &str, connections: i32) -> String {
    let name: String = sqlx::query_scalar("select current_database()").fetch_one(pool).await.expect("a name");
    let role = format!("{name}_writes");
    let sql = format!(
        "create role {role} login password 'secret' connection limit {connections};
         grant select, insert, update, delete on all tables in schema public to {role};
         grant usage, select on all sequences in schema public to {role};
         grant usage on schema dossier_past to {role};
         grant select on all tables in schema dossier_past to {role};"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.expect("a role");
    let (scheme, rest) = url.split_once("://").expect("an address");
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    format!("{scheme}://{role}:secret@{rest}")
}

async fn forget(pool: &PgPool) {
    let name: String = sqlx::query_scalar("select current_database()").fetch_one(pool).await.expect("a name");
    let sql = format!("drop owned by {name}_writes; drop role {name}_writes");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.expect("dropped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_write_privilege_is_reported_by_readiness_and_logged_once() {
    let there = anonymous().await;
    let url = may_write_only(there.pool(), there.database_url(), -1).await;
    let key = keys::create(there.pool(), "editor", Role::Editor, None).await.expect("a key");
    let server = Process::start(&[("DATABASE_URL", &url)]).await;
    let role: String = sqlx::query_scalar("select current_database() || '_writes'")
        .fetch_one(there.pool())
        .await
        .expect("a name");
    let execute = async |sql: String| {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(there.pool()).await.expect("done");
    };
    let ready = async || ready_state(&server).await;
    let all = json!({"status": "ready", "reading": true, "writing": true});
    let create = async |slug: &str| create_topic(&server, &key, slug).await;
    assert_eq!(ready().await, all);
    for (number, right) in [
        "insert, update, delete on all tables in schema public",
        "insert on topics",
        "insert on revisions",
        "select on sequence revisions_id_seq",
    ]
    .into_iter()
    .enumerate()
    {
        execute(format!("revoke {right} from {role}")).await;
        let reported = ready().await;
        assert_eq!(
            (&reported["reading"], &reported["writing"]),
            (&json!(true), &json!(false)),
            "{right}: {reported}"
        );
        assert_eq!(reported["reason"], "the database user lacks a privilege on the tables", "{right}");
        let refused = create(&format!("without-{number}")).await;
        assert_eq!(code(&refused), "UNAVAILABLE", "{right}: {refused}");
        let message = refused["errors"][0]["message"].as_str().expect("a message");
        assert!(message.contains("ask the operator") && !message.contains("revisions"), "{message}");
        assert!(server.count_topics().await > 0);
        execute(format!("grant {right} to {role}")).await;
        assert_eq!(ready().await, all, "{right}");
        let slug = format!("with-{number}");
        assert_eq!(create(&slug).await["data"]["createTopic"]["topic"]["slug"], slug.as_str(), "{right}");
    }
    let log = server.log();
    let reported = log.lines().filter(|line| line.contains(" WARN ") && line.contains("lacks a privilege"));
    assert_eq!(reported.count(), 1, "{log}");
    assert!(!log.contains("ERROR") && log.contains("topics"), "the log has the tables: {log}");
    forget(there.pool()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_waits_for_a_connection_where_postgres_has_none_left() {
    let there = anonymous().await;
    let url = may_write_only(there.pool(), there.database_url(), 1).await;
    let only = PgConnection::connect(&url).await.expect("the only connection");
    let command = {
        let url = url.clone();
        tokio::task::spawn_blocking(move || output(dossier(&[("DATABASE_URL", &url)]).args(["key", "list"])))
    };
    tokio::time::sleep(Duration::from_secs(3)).await;
    only.close().await.expect("closed");
    let reported = command.await.expect("not cancelled");
    let text = String::from_utf8_lossy(&reported.stderr);
    assert!(reported.status.success(), "{text}");
    assert!(text.contains("waiting for a free connection to the database"), "{text}");
    forget(there.pool()).await;
}

#[tokio::test]
async fn few_connections_are_enough_for_reading_and_writing() {
    let there = anonymous().await;
    let url = may_write_only(there.pool(), there.database_url(), 4).await;
    let client = there.at_another_server(&[("DATABASE_URL", &url)]).await;
    let editor = client.as_role(Role::Editor).await;
    for round in 0..3 {
        let reads = join_all(send(&client, "{ topics { totalCount } actors { totalCount } }", 16));
        let create = async |number: usize| {
            let topic = json!({"slug": format!("of-few-{round}-{number}"), "name": "Few"});
            change(&editor, "createTopic", topic, "topic { slug }").await
        };
        let (responses, _) = tokio::join!(reads, join_all((0..4).map(create)));
        for response in responses {
            let response = response.expect("a response");
            assert_eq!(response.get("errors"), None, "{response}");
        }
    }
    let (status, reported) = readiness(&client).await;
    assert_eq!(status, 200, "{reported}");
    end_connections(there.pool()).await;
    forget(there.pool()).await;
}

#[tokio::test]
async fn a_host_that_is_gone_is_passed_over() {
    let there = anonymous().await;
    let url = there.database_url();
    let url = match url.split_once("?host=") {
        Some((before, host)) => format!("{before}?host=127.0.0.1,{host}&port=1,5432"),
        None => url.replacen('@', "@127.0.0.1:1,", 1),
    };
    let client = there.at_another_server(&[("DATABASE_URL", &url)]).await;
    let editor = client.as_role(Role::Editor).await;
    change(&editor, "createTopic", json!({"slug": "at-the-second", "name": "Second"}), "topic { slug }")
        .await;
    assert_eq!(client.query(ACTOR).await["actor"]["name"], "Israel");
    // No host is a standby.
    let url = format!("{url}{}target_session_attrs=standby", if url.contains('?') { '&' } else { '?' });
    let client = there.at_another_server(&[("DATABASE_URL", &url)]).await;
    assert_eq!(code(&client.response(ACTOR, json!({})).await), "UNAVAILABLE");
}

#[tokio::test]
async fn a_database_that_never_responds_times_out_and_is_reported() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let url = format!("postgres://me:secret@{address}/base?connect_timeout=3");
    let reported = tokio::task::spawn_blocking(move || {
        let since = Instant::now();
        let reported = output(dossier(&[("DATABASE_URL", &url)]).arg("migrate"));
        assert!(since.elapsed() < Duration::from_secs(10));
        reported
    })
    .await
    .expect("notified");
    let text = String::from_utf8_lossy(&reported.stderr);
    assert_eq!(reported.status.code(), Some(1), "{text}");
    assert!(text.contains(&format!("waiting for the database at {address}")), "{text}");
    assert!(text.lines().any(|line| line.starts_with("dossier: can't connect to the database")), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

/// The postmaster of a folder, and its children.
fn processes(folder: &Folder) -> Vec<Pid> {
    let postmaster = postmaster(folder.path());
    let children = std::fs::read_dir("/proc").expect("processes").flatten().filter_map(|process| {
        let stat = std::fs::read_to_string(process.path().join("stat")).ok()?;
        let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
        let process: i32 = process.file_name().to_str()?.parse().ok()?;
        (Pid::from_raw(parent) == postmaster).then_some(Pid::from_raw(process))
    });
    children.chain([postmaster]).collect()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_was_refused_while_postgres_stood_still_is_not_done_once_it_goes_on() {
    let folder = Folder::new("stands-still");
    let server = Process::serve(folder.path()).await;
    let mut connection = connect(folder.path()).await;
    let key = keys::create(&mut connection, "editor", Role::Editor, None).await.expect("a key");
    let create = async |slug: &str| create_topic(&server, &key, slug).await;
    assert_eq!(create("before").await["data"]["createTopic"]["topic"]["slug"], "before");
    let stopped = processes(&folder);
    for process in &stopped {
        let _ = kill(*process, Signal::SIGSTOP);
    }
    let since = Instant::now();
    let refused = create("meanwhile").await;
    let after = since.elapsed();
    let ready = reqwest::get(format!("http://{}/health/ready", server.address())).await.expect("a response");
    for process in &stopped {
        let _ = kill(*process, Signal::SIGCONT);
    }
    assert_eq!(code(&refused), "UNAVAILABLE", "{refused}");
    assert!(after < Duration::from_secs(8), "{after:?}");
    assert_eq!(ready.status(), 503);
    assert_eq!(create("after").await["data"]["createTopic"]["topic"]["slug"], "after");
    let slugs =
        server.response("{ topics(first: 100) { edges { node { slug } } } }").await.expect("a response");
    assert!(!slugs.to_string().contains("meanwhile"), "{slugs}");
    assert!(slugs.to_string().contains("\"after\""), "{slugs}");
    assert!(server.stop().success());
}

async fn create_topic(server: &Process, key: &str, slug: &str) -> Value {
    let query =
        format!("mutation {{ createTopic(input: {{slug: {slug:?}, name: \"A\"}}) {{ topic {{ slug }} }} }}");
    let post = reqwest::Client::new().post(format!("http://{}/graphql", server.address())).bearer_auth(key);
    post.json(&json!({ "query": query })).send().await.expect("a response").json().await.expect("JSON")
}

async fn ready_state(server: &Process) -> Value {
    let response =
        reqwest::get(format!("http://{}/health/ready", server.address())).await.expect("a response");
    assert_eq!(response.status(), 200, "it can be read from");
    response.json().await.expect("JSON")
}
