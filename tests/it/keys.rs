//! API keys: creating, using and revoking them, and invalid ones.

use std::{process::Output, time::Duration};

use dossier::auth::{caller::Role, keys};
use reqwest::{
    Response,
    header::{ACCEPT, AUTHORIZATION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde_json::{Value, json};

use crate::support::{
    Client, anonymous,
    database::database,
    process::{Folder, Process, dossier, output},
};

const VIEWER: &str = "{ viewer { role name } }";

/// Queries the viewer, with these `Authorization` headers.
async fn show(client: &Client, shown: &[HeaderValue], accept: &'static str) -> Response {
    let post = client.http().post(client.address("/graphql")).header(ACCEPT, accept);
    let post = shown.iter().fold(post, |post, shown| post.header(AUTHORIZATION, shown));
    post.json(&json!({ "query": VIEWER })).send().await.expect("a response")
}

fn shown(text: &str) -> [HeaderValue; 1] {
    [HeaderValue::from_bytes(text.as_bytes()).expect("a header's value")]
}

/// Refused as unauthenticated, never treated as anonymous.
async fn assert_unauthenticated(response: Response, what: &str) {
    assert_eq!(response.status(), 401, "{what}");
    assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer", "{what}");
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{what}: {body}");
    assert_eq!(body.get("data"), None, "{what}");
}

async fn create(client: &Client, name: &str, role: Role) -> String {
    keys::create(client.pool(), name, role, None).await.expect("a key")
}

#[tokio::test]
async fn a_key_authenticates_the_client_that_sends_it() {
    let anonymous = anonymous().await;
    let nobody = json!({"viewer": {"role": "ANONYMOUS", "name": null}});
    assert_eq!(anonymous.query(VIEWER).await, nobody);
    for (name, role) in
        [("reader", Role::Reader), ("Zoë Œuvre, Айгүль 🗝", Role::Editor), ("root", Role::Admin)]
    {
        let key = create(&anonymous, name, role).await;
        let who = anonymous.with_key(&key).query(VIEWER).await;
        assert_eq!(who, json!({"viewer": {"role": role.name(), "name": name}}));
    }
}

#[tokio::test]
async fn changes_are_recorded_under_the_name_of_the_key() {
    let anonymous = anonymous().await;
    let editor = anonymous.with_key(&create(&anonymous, "Айгүль", Role::Editor).await);
    let change = "mutation { createTopic(input: {slug: \"grain\", name: \"Grain\"}) {
        userErrors { message } topic { revisions { edges { node { requester } } } } } }";
    let data = editor.query(change).await;
    let requester = &data["createTopic"]["topic"]["revisions"]["edges"][0]["node"]["requester"];
    assert_eq!(*requester, "Айгүль", "{data}");
}

#[tokio::test]
async fn the_scheme_is_written_in_any_case() {
    let anonymous = anonymous().await;
    let key = create(&anonymous, "me", Role::Reader).await;
    for scheme in ["Bearer", "bearer", "BEARER", " Bearer "] {
        let response = show(&anonymous, &shown(&format!("{scheme} {key}")), "application/json").await;
        let body: Value = response.json().await.expect("JSON");
        assert_eq!(body["data"]["viewer"]["name"], "me", "{scheme:?}");
    }
}

#[tokio::test]
async fn what_is_no_valid_key_is_refused_and_never_taken_for_anonymous() {
    for accept in ["application/json", "application/graphql-response+json"] {
        let anonymous = anonymous().await;
        let key = create(&anonymous, "me", Role::Admin).await;
        let wrong = format!("{}{}", &key[..key.len() - 1], if key.ends_with('A') { "E" } else { "A" });
        for text in [
            String::new(),
            "Bearer".to_owned(),
            key.clone(),
            format!("Basic {key}"),
            format!("Bearer {wrong}"),
            format!("Bearer {key} {key}"),
            format!("Bearer \u{a0}{key}"),
            format!("Bearer dossier_{}", "A".repeat(50_000)),
            "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.".to_owned(),
        ] {
            assert_unauthenticated(show(&anonymous, &shown(&text), accept).await, &text).await;
        }
        let twice = [shown(&format!("Bearer {key}")), shown(&format!("Bearer {key}"))].concat();
        assert_unauthenticated(show(&anonymous, &twice, accept).await, "two headers").await;
    }
}

#[tokio::test]
async fn a_key_shown_with_get_is_looked_at_too() {
    let anonymous = anonymous().await;
    let get = |key: &str| {
        let get = anonymous.http().get(anonymous.address("/graphql?query={viewer{name}}"));
        get.bearer_auth(key).send()
    };
    let key = create(&anonymous, "me", Role::Reader).await;
    let response: Value = get(&key).await.expect("a response").json().await.expect("JSON");
    assert_eq!(response["data"]["viewer"]["name"], "me");
    assert_unauthenticated(get("dossier_wrong").await.expect("a response"), "GET").await;
}

#[tokio::test]
async fn a_mutation_without_a_key_or_role_is_refused_with_the_reason() {
    let anonymous = anonymous().await;
    let reader = create(&anonymous, "reader", Role::Reader).await;
    let mutation = "mutation { deleteTopic(input: {topic: {slug: \"a\"}}) { deletedId } }";
    for (accept, forbidden) in [("application/json", 200), ("application/graphql-response+json", 403)] {
        let post = || {
            let post = anonymous.http().post(anonymous.address("/graphql")).header(ACCEPT, accept);
            post.json(&json!({ "query": mutation }))
        };
        assert_unauthenticated(post().send().await.expect("a response"), accept).await;
        let refused = post().bearer_auth(&reader).send().await.expect("a response");
        assert_eq!(refused.status(), forbidden, "{accept}");
        let response: Value = refused.json().await.expect("JSON");
        assert_eq!(response["errors"][0]["extensions"]["code"], "FORBIDDEN", "{response}");
    }
}

#[tokio::test]
async fn a_key_that_ends_while_a_request_runs_is_good_for_that_one_and_no_more() {
    for end in ["revoked_at = now()", "expires_at = clock_timestamp()"] {
        let anonymous = anonymous().await;
        let key = create(&anonymous, "me", Role::Reader).await;
        let reader = anonymous.with_key(&key);
        let mut lock = anonymous.pool().begin().await.expect("a transaction");
        sqlx::query("lock table topics in access exclusive mode").execute(&mut *lock).await.expect("locked");
        let runs = tokio::spawn(async move { reader.query("{ topics { totalCount } }").await });
        tokio::time::sleep(Duration::from_millis(300)).await;
        let end = sqlx::AssertSqlSafe(format!("update api_keys set {end}"));
        sqlx::raw_sql(end).execute(anonymous.pool()).await.expect("ended");
        lock.rollback().await.expect("unlocked");
        assert!(runs.await.expect("a response")["topics"]["totalCount"].is_u64());
        let bearer = shown(&format!("Bearer {key}"));
        assert_unauthenticated(show(&anonymous, &bearer, "application/json").await, "the next one").await;
    }
}

#[tokio::test]
async fn if_keys_cannot_be_looked_up_requests_are_refused() {
    let anonymous = anonymous().await;
    let key = create(&anonymous, "me", Role::Admin).await;
    sqlx::raw_sql("alter table api_keys rename to gone").execute(anonymous.pool()).await.expect("renamed");
    let response = show(&anonymous, &shown(&format!("Bearer {key}")), "application/json").await;
    assert_eq!(response.status(), 503);
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["errors"][0]["extensions"]["code"], "UNAVAILABLE");
    assert!(!body.to_string().contains("api_keys"), "{body}");
}

#[tokio::test]
async fn reading_may_need_a_key() {
    let anonymous = Client::with(&[("READ_REQUIRES_KEY", "true")]).await;
    let post = |body: Value| anonymous.http().post(anonymous.address("/graphql")).json(&body).send();
    let introspection = "{ __schema { queryType { name } } }";
    let mutation = "mutation { deleteTopic(input: {topic: {slug: \"a\"}}) { __typename } }";
    for query in
        ["{ __typename }", VIEWER, introspection, mutation, "{ actors { totalCount } }", "{ nothing }", "{"]
    {
        let refused = post(json!({ "query": query })).await.expect("a response");
        assert_unauthenticated(refused, query).await;
    }
    let persisted = json!({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0"}}});
    assert_unauthenticated(post(persisted).await.expect("a response"), "a hash").await;
    assert_unauthenticated(anonymous.get("/graphql?query={__typename}").await, "GET").await;
    for open in ["/", "/schema.graphql", "/health/live", "/health/ready"] {
        assert_eq!(anonymous.get(open).await.status(), 200, "{open}");
    }
    let reader = anonymous.as_role(Role::Reader).await;
    assert_eq!(reader.query(VIEWER).await["viewer"]["role"], "READER");
}

#[tokio::test]
async fn an_address_that_shows_wrong_keys_is_slowed_down_and_its_neighbours_are_not() {
    let anonymous = anonymous().await;
    let key = create(&anonymous, "me", Role::Reader).await;
    let wrong = shown("Bearer dossier_wrong");
    for attempt in 0..10 {
        let refused = show(&anonymous, &wrong, "application/json").await;
        assert_unauthenticated(refused, &format!("attempt {attempt}")).await;
    }
    let response = show(&anonymous, &wrong, "application/json").await;
    assert_eq!(response.status(), 429);
    let wait: u64 = response.headers()[RETRY_AFTER].to_str().expect("text").parse().expect("seconds");
    assert!((1..=7).contains(&wait), "{wait}: ten in a minute are one in six seconds");
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    assert_eq!(anonymous.with_key(&key).query(VIEWER).await["viewer"]["name"], "me");
    assert_eq!(anonymous.query(VIEWER).await["viewer"]["role"], "ANONYMOUS");
}

#[tokio::test]
async fn each_name_has_a_budget_of_its_own() {
    let anonymous = Client::with(&[("RATE_LIMIT", "200")]).await;
    let query = "{ viewer { rateLimit { remaining } } actors(first: 100) { edges { cursor } } }";
    let (one, other) = (anonymous.as_role(Role::Reader).await, anonymous.as_role(Role::Editor).await);
    for client in [&anonymous, &one, &other] {
        assert_eq!(client.query(query).await["viewer"]["rateLimit"]["remaining"], 99);
    }
    for client in [&anonymous, &one, &other] {
        assert_eq!(client.api_error(query, json!({})).await.0, "RATE_LIMITED");
    }
}

#[tokio::test]
async fn only_the_digest_of_a_secret_is_stored() {
    let anonymous = anonymous().await;
    let (one, other) =
        (create(&anonymous, "one", Role::Reader).await, create(&anonymous, "other", Role::Reader).await);
    assert_ne!(one, other);
    assert_eq!(one.len(), "dossier_".len() + 43, "256 bits in base64");
    let stored: String = sqlx::query_scalar("select string_agg(api_keys::text, '') from api_keys")
        .fetch_one(anonymous.pool())
        .await
        .expect("the table");
    assert!(
        stored.contains(&one[..14]) && !stored.contains(&one[..15]),
        "the beginning and no more: {stored}"
    );
    let found: bool =
        sqlx::query_scalar("select exists (select from api_keys where digest = sha256($1::bytea))")
            .bind(one.as_bytes())
            .fetch_one(anonymous.pool())
            .await
            .expect("a response");
    assert!(found);
}

/// Runs `dossier key …` on this database.
async fn key(settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = dossier(settings);
    command.arg("key").args(arguments);
    tokio::task::spawn_blocking(move || output(&mut command)).await.expect("not cancelled")
}

fn text(reported: &[u8]) -> String {
    String::from_utf8(reported.to_vec()).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_listed_and_revoked_while_a_server_runs_on_the_same_folder() {
    let folder = Folder::new("keys");
    let server = Process::serve(folder.path()).await;
    let settings = [("DATA_DIR", folder.path().to_str().expect("text"))];
    let made = key(&settings, &["create", "--name", "Айгүль", "--role", "EDITOR"]).await;
    assert!(made.status.success(), "{}", text(&made.stderr));
    let secret = text(&made.stdout);
    let secret = secret.strip_suffix('\n').expect("a line");
    assert!(secret.starts_with("dossier_") && !secret.contains(char::is_whitespace), "the secret alone");
    assert!(text(&made.stderr).contains("EDITOR") && !text(&made.stderr).contains(secret));
    assert_eq!(server.viewer(secret).await["data"]["viewer"]["name"], "Айгүль");

    let brief =
        key(&settings, &["create", "--name", "brief", "--role", "reader", "--expires", "2999-12-31"]).await;
    let brief = text(&brief.stdout);
    let listed = text(&key(&settings, &["list"]).await.stdout);
    let lines: Vec<Vec<&str>> = listed
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    assert_eq!(lines[0], ["NAME", "ROLE", "PREFIX", "CREATED (UTC)", "EXPIRES", "REVOKED"]);
    assert_eq!(lines[1][..3], ["Айгүль", "EDITOR", &secret[..14]]);
    assert_eq!(lines[1][4..], ["-", "-"]);
    assert_eq!(lines[2][4..], ["2999-12-31 23:59:59", "-"]);
    assert!(!listed.contains(secret), "{listed}");

    for (key_or_name, secret) in [("Айгүль", secret), (&brief[..14], brief.trim())] {
        assert!(server.viewer(secret).await["data"]["viewer"]["name"].is_string());
        let revoked = key(&settings, &["revoke", key_or_name]).await;
        assert!(revoked.status.success() && text(&revoked.stdout).starts_with("revoked: "));
        assert_eq!(server.viewer(secret).await["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        let again = key(&settings, &["revoke", key_or_name]).await;
        assert_eq!(again.stdout, revoked.stdout, "it stays revoked since then");
    }
    assert!(server.stop().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_created_or_found_is_reported_in_one_line() {
    let database = database().await;
    let settings = [("DATABASE_URL", database.url())];
    let create = async |name: &str, expires: &str| {
        key(&settings, &["create", "--name", name, "--role", "reader", "--expires", expires]).await
    };
    assert!(create("me", "2999-01-01T12:00:00+05:00").await.status.success());
    for (failed, reported) in [
        (
            create("me", "2999-01-01").await,
            "dossier: a key named `me` already exists; names are unique because changes are recorded under them",
        ),
        (create("you", "2020-01-31").await, "dossier: the expiry date is in the past"),
        (
            create(" ", "2999-01-01").await,
            "dossier: invalid key name ` `: a name has 1 to 200 characters, no line breaks, no blank at either end, and does not start with `dossier_`",
        ),
        (create("a\nb", "2999-01-01").await, "dossier: invalid key name `a\\nb`: a name has"),
        (
            create("dossier_abcdef", "2999-01-01").await,
            "dossier: invalid key name `dossier_abcdef`: a name has",
        ),
        (
            key(&settings, &["revoke", "nobody"]).await,
            "dossier: no key has the name or prefix `nobody`; list all keys with `dossier key list`",
        ),
    ] {
        let stderr = text(&failed.stderr);
        let is_mistyped = ["invalid key name", "expiry date"].iter().any(|reason| reported.contains(reason));
        assert_eq!(failed.status.code(), Some(if is_mistyped { 2 } else { 1 }), "{stderr}");
        let lines: Vec<&str> = stderr.lines().filter(|line| !line.starts_with("using ")).collect();
        assert!(lines.len() == 1 && lines[0].starts_with(reported), "{stderr}");
        assert_eq!(text(&failed.stdout), "", "no secret of no key");
    }
    for (wrong, reported) in [
        (
            key(&settings, &["create", "--name", "you", "--role", "king"]).await,
            "[possible values: reader, editor, admin]",
        ),
        (
            key(&settings, &["create", "--name", "you", "--role", "anonymous"]).await,
            "[possible values: reader, editor, admin]",
        ),
        (create("you", "tomorrow").await, "use a date (2027-01-31)"),
        (create("you", "2027-02-30").await, "use a date (2027-01-31)"),
        (key(&settings, &["create", "--role", "reader"]).await, "--name"),
        (key(&settings, &[]).await, "create"),
    ] {
        assert_eq!(wrong.status.code(), Some(2));
        assert!(text(&wrong.stderr).contains(reported), "{}", text(&wrong.stderr));
    }
}

#[test]
fn invalid_keys_are_reported_before_a_database_is_created() {
    let folder = Folder::new("keyless");
    let data = folder.path().to_str().expect("text");
    let refused = |status, arguments: &[&str]| {
        let output = output(dossier(&[("DATA_DIR", data)]).args(["key", "create"]).args(arguments));
        assert_eq!(output.status.code(), Some(status));
        assert!(!folder.path().exists(), "nothing was made");
        text(&output.stderr)
    };
    let past = refused(2, &["--name", "me", "--role", "EDITOR", "--expires", "2020-01-31"]);
    assert_eq!(past, "dossier: the expiry date is in the past\n");
    assert!(refused(2, &["--name", " ", "--role", "Reader"]).contains("invalid key name"));
    // Only `serve` and `migrate` create a database.
    assert!(refused(1, &["--name", "me", "--role", "Editor"]).contains("create them with: dossier migrate"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_reaches_the_log_however_much_is_logged() {
    let database = database().await;
    let settings = [("DATABASE_URL", database.url()), ("RUST_LOG", "trace")];
    let made = key(&settings, &["create", "--name", "me", "--role", "editor"]).await;
    let (secret, mut log) = (text(&made.stdout).trim().to_owned(), text(&made.stderr));
    let server = Process::start(&settings).await;
    assert_eq!(server.viewer(&secret).await["data"]["viewer"]["name"], "me");
    let wrong = format!("{secret}wrong");
    assert_eq!(server.viewer(&wrong).await["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    log.push_str(&server.log());
    assert!(log.contains("digest = $1"), "the statement is there, without its values");
    assert!(log.contains("invalid key"));
    assert!(
        !log.contains(&secret[..20]),
        "{}",
        log.lines().find(|line| line.contains(&secret[..20])).unwrap_or_default()
    );
}
