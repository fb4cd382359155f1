//! Migrations: which databases are migrated, other programs' tables, and limited privileges.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::Path,
    process::Output,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use dossier::{
    auth::{caller::Role, keys},
    database::migrations,
};
use futures_util::future::join_all;
use serde_json::json;
use sha2::{Digest, Sha384};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, error::DatabaseError, migrate::Migrator};

use crate::support::{
    database::{TestDatabase, database, empty_database, empty_database_with},
    process::{Folder, Process, dossier, run},
};

async fn execute(pool: &PgPool, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(pool)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn value<T>(pool: &PgPool, sql: &str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
        .fetch_one(pool)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

fn reported(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn succeeds(settings: &[(&str, &str)], arguments: &[&str]) -> String {
    let output = run(settings, arguments).await;
    assert!(output.status.success(), "{arguments:?}: {}", reported(&output));
    String::from_utf8(output.stdout).expect("text")
}

async fn fails(settings: &[(&str, &str)], arguments: &[&str]) -> String {
    let output = run(settings, arguments).await;
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", reported(&output));
    let stderr = reported(&output);
    stderr
        .lines()
        .find_map(|line| line.strip_prefix("dossier: "))
        .unwrap_or_else(|| panic!("{stderr}"))
        .to_owned()
}

/// A database of an old version, with the schemas `past` and `importing`.
async fn old_database() -> TestDatabase {
    database_up_to(16).await
}

async fn database_up_to(version: i64) -> TestDatabase {
    let old = empty_database().await;
    let migrations = Migrator::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).await;
    migrations.expect("the migrations").run_to(version, old.pool()).await.expect("migrated");
    old
}

#[test]
fn migrations_are_frozen_once_they_were_applied_somewhere() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let list = folder.join("checksums");
    let listed = fs::read_to_string(&list).expect("the list");
    let mut listed: BTreeMap<String, String> = listed
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, file)| (file.into(), sum.into()))
        .collect();
    let files = fs::read_dir(&folder).expect("migrations").map(|entry| entry.expect("a file").path());
    let sums: BTreeMap<String, String> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "sql"))
        .map(|file| {
            let sum = Sha384::digest(fs::read(&file).expect("a migration"));
            let sum = sum.iter().fold(String::new(), |mut sum, byte| {
                let _ = write!(sum, "{byte:02x}");
                sum
            });
            (file.file_name().expect("a name").to_string_lossy().into_owned(), sum)
        })
        .collect();
    for (file, sum) in &listed {
        assert_eq!(
            sums.get(file),
            Some(sum),
            "{file} was applied to databases: add a migration instead of changing it"
        );
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        listed.extend(sums.clone());
        let text = listed.iter().fold(String::new(), |mut text, (file, sum)| {
            let _ = writeln!(text, "{sum}  {file}");
            text
        });
        fs::write(&list, text).expect("written");
    }
    assert_eq!(listed, sums, "freeze the new ones: UPDATE_GOLDEN=1 cargo test frozen");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_serve_and_migrate_migrate() {
    let empty = empty_database().await;
    let settings = [("DATABASE_URL", empty.url())];
    let import: &[&str] = &["import", "-", "--dry-run"];
    let others: [&[&str]; 4] = [&["export"], &["key", "list"], import, &["generate", "--statements", "1"]];
    for arguments in others {
        let reported = fails(&settings, arguments).await;
        assert!(reported.ends_with("create them with: dossier migrate"), "{reported}");
    }
    assert_eq!(
        value::<i64>(empty.pool(), "select count(*) from pg_tables where schemaname = 'public'").await,
        0
    );

    let old = old_database().await;
    let settings = [("DATABASE_URL", old.url())];
    for arguments in others {
        let reported = fails(&settings, arguments).await;
        assert!(reported.contains("migrations are pending; apply them with: dossier migrate"), "{reported}");
    }
    assert_eq!(value::<i64>(old.pool(), "select max(version) from _sqlx_migrations").await, 16);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_to_migrate_serves_what_is_there() {
    let old = old_database().await;
    let settings = [("DATABASE_URL", old.url())];
    let mut command = dossier(&settings);
    command.args(["serve", "--no-migrate"]);
    let canary = Process::of(command).await;
    let response =
        canary.response("{ topics { totalCount } past: topics(asOf: {revision: 0}) { totalCount } }").await;
    let data = &response.expect("a response")["data"];
    assert!(data["topics"]["totalCount"].as_u64() > Some(0), "{data}");
    assert_eq!(data["past"]["totalCount"], 0);
    assert_eq!(value::<i64>(old.pool(), "select max(version) from _sqlx_migrations").await, 16);
    let ready = reqwest::get(format!("http://{}/health/ready", canary.address())).await.expect("a response");
    assert_eq!(ready.status(), 200);
    let ready: serde_json::Value = ready.json().await.expect("JSON");
    let reason = ready["reason"].as_str().expect("a reason");
    assert!(reason.contains("migrations are pending") && ready["writing"] == true, "{ready}");
    let log = canary.log();
    assert!(!log.contains("takes no changes"), "pending migrations are no outage: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_serves_beside_a_newer_one_and_changes_none_of_its_tables() {
    let newer = database().await;
    let settings = [("DATABASE_URL", newer.url())];
    execute(
        newer.pool(),
        "insert into _sqlx_migrations values (9999, 'of tomorrow', now(), true, '\\x00', 0)",
    )
    .await;
    let server = Process::start(&settings).await;
    assert!(server.count_topics().await > 0);
    assert!(server.log().contains("migration 9999, which is newer than this version of Dossier"));
    assert!(succeeds(&settings, &["export"]).await.contains("\"Actor\""));
    assert!(fails(&settings, &["migrate"]).await.contains("run a newer version"));
    assert!(fails(&settings, &["import", "-"]).await.contains("run a newer version"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_others_is_not_touched() {
    let shared = empty_database().await;
    let settings = [("DATABASE_URL", shared.url())];
    execute(shared.pool(), "create schema past create table kept (n int); insert into past.kept values (1)")
        .await;
    execute(shared.pool(), "create schema importing create table kept (n int)").await;
    for command in [&["migrate"][..], &["migrate", "--dry-run"], &["serve"]] {
        let reported = fails(&settings, command).await;
        assert!(
            reported.contains("tables of another program (importing.kept, past.kept)")
                && reported.contains("migrate --yes"),
            "{reported}"
        );
    }
    let foreseen = succeeds(&settings, &["migrate", "--dry-run", "--yes"]).await;
    assert!(foreseen.starts_with("to apply: 0001 vocabulary\n"), "{foreseen}");
    assert!(succeeds(&settings, &["migrate", "--yes"]).await.starts_with("applied: 0001 vocabulary\n"));
    assert_eq!(value::<i32>(shared.pool(), "select n from past.kept").await, 1);
    assert_eq!(value::<i64>(shared.pool(), "select count(*) from importing.kept").await, 0);
    // It is reported once.
    let server = Process::start(&settings).await;
    assert!(server.count_topics().await > 0);

    let taken = empty_database().await;
    execute(taken.pool(), "create schema dossier_past create table kept (n int)").await;
    for arguments in [&["migrate", "--yes"][..], &["migrate", "--yes", "--dry-run"]] {
        let reported = fails(&[("DATABASE_URL", taken.url())], arguments).await;
        assert!(reported.contains("the schema `dossier_past` already exists"), "{reported}");
    }
    assert_eq!(value::<i64>(taken.pool(), "select count(*) from dossier_past.kept").await, 0);

    let others = empty_database().await;
    execute(
        others.pool(),
        "create table _sqlx_migrations (version bigint primary key, description text not null, installed_on timestamptz
         not null default now(), success boolean not null, checksum bytea not null, execution_time bigint not null);
         insert into _sqlx_migrations values (1, 'users', now(), true, '\\x01', 0)",
    )
    .await;
    let reported = fails(&[("DATABASE_URL", others.url())], &["migrate", "--yes"]).await;
    assert!(reported.starts_with("this schema has migrations of another program"), "{reported}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_of_before_keeps_its_past_and_what_an_import_read() {
    let old = old_database().await;
    execute(old.pool(), "insert into importing.batches values (7, '\\x00')").await;
    let before: i64 = value(old.pool(), "select count(*) from topics").await;
    assert!(succeeds(&[("DATABASE_URL", old.url())], &["migrate"]).await.contains("applied: 0017 own names"));
    assert_eq!(value::<i64>(old.pool(), "select records from dossier_importing.batches").await, 7);
    assert_eq!(
        value::<i64>(old.pool(), "select count(*) from pg_namespace where nspname = 'importing'").await,
        0
    );
    // Servers of the old version still read it at its old name.
    for past in ["past", "dossier_past"] {
        let sql = format!("set search_path = {past}, public; set dossier.as_of = '100000'");
        let mut connection = old.pool().acquire().await.expect("a connection");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await.expect("set");
        let topics: i64 = sqlx::query_scalar("select count(*) from topics")
            .fetch_one(&mut *connection)
            .await
            .expect("topics");
        assert_eq!(topics, before, "{past}");
        sqlx::raw_sql("reset all").execute(&mut *connection).await.expect("reset");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn actors_of_the_seed_get_identifiers_unless_somebody_changed_them() {
    let old = empty_database().await;
    let migrations = Migrator::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).await;
    migrations.expect("the migrations").run_to(37, old.pool()).await.expect("migrated");
    execute(
        old.pool(),
        "select set_config('dossier.requester', 'analyst', true);
         update actors set name = 'Qazaqstan' where slug = 'kazakhstan';
         update actors set slug = 'azerbaijan-of-before' where slug = 'azerbaijan';
         insert into actors (slug, kind, name) values ('azerbaijan', 'COUNTRY', 'Azerbaijan'), ('the-us', 'COUNTRY', 'US');
         insert into actor_identifiers (actor_id, scheme, value)
         select id, 'iso3166-1-alpha3', 'USA' from actors where slug = 'the-us'",
    )
    .await;
    succeeds(&[("DATABASE_URL", old.url())], &["migrate"]).await;
    let identified = "select array_agg(distinct slug order by slug) from actors
                      join actor_identifiers on actor_id = actors.id";
    let identified: Vec<String> = value(old.pool(), identified).await;
    assert_eq!(identified, ["donald-trump", "gaza-strip", "israel", "the-us", "washington"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_schemas_of_one_database_hold_two_bases() {
    let shared = empty_database().await;
    // One of them is a keyword.
    let [eu, us] = ["eu", "user"].map(|schema| [("DATABASE_URL", shared.url()), ("DATABASE_SCHEMA", schema)]);
    assert!(fails(&eu, &["key", "list"]).await.contains("dossier migrate"));
    let migrated = run(&eu, &["migrate"]).await;
    assert!(migrated.status.success(), "{}", reported(&migrated));
    assert!(reported(&migrated).contains("schema `eu`"), "{}", reported(&migrated));
    // A user who sees only their own tables finds a database that others use.
    succeeds(&us, &["migrate"]).await;
    let home = [("DATABASE_URL", shared.url())];
    succeeds(&home, &["migrate"]).await;
    let schemas = "select string_agg(nspname, ' ' order by nspname) from pg_namespace
                   where nspname !~ '^pg_' and nspname <> 'information_schema'";
    assert_eq!(
        value::<String>(shared.pool(), schemas).await,
        "dossier_importing dossier_past eu eu_importing eu_past public user user_importing user_past"
    );
    // A name that another instance uses is refused.
    let named = [("DATABASE_URL", shared.url()), ("DATABASE_SCHEMA", "dossier")];
    let reported = fails(&named, &["migrate"]).await;
    assert!(reported.contains("the schema `dossier_past` already exists"), "{reported}");

    let key = succeeds(&eu, &["key", "create", "--name", "me", "--role", "editor"]).await;
    let (one, other) = tokio::join!(Process::start(&eu), Process::start(&us));
    let before = other.count_topics().await;
    assert_eq!(one.count_topics().await, before);
    let post =
        reqwest::Client::new().post(format!("http://{}/graphql", one.address())).bearer_auth(key.trim());
    let create = "mutation { createTopic(input: {slug: \"grain\", name: \"Grain\"}) { revision userErrors { message } } }";
    let response: serde_json::Value =
        post.json(&json!({ "query": create })).send().await.expect("a response").json().await.expect("JSON");
    let revision =
        response["data"]["createTopic"]["revision"].as_i64().unwrap_or_else(|| panic!("{response}"));
    assert_eq!(one.count_topics().await, before + 1);
    assert_eq!(other.count_topics().await, before);
    let then = format!("{{ topics(asOf: {{revision: {}}}) {{ totalCount }} }}", revision - 1);
    assert_eq!(one.response(&then).await.expect("a response")["data"]["topics"]["totalCount"], before);

    // Each runs its own import at the same time.
    let record = json!({"type": "Topic", "slug": "rails", "name": "Rails"}).to_string();
    let file = std::env::temp_dir().join(format!("dossier-run-{}-rails.jsonl", std::process::id()));
    fs::write(&file, record).expect("written");
    let import = |report| ["import", file.to_str().expect("text"), "--report", report];
    let reports = ["eu", "us"].map(|schema| format!("{}.{schema}", file.display()));
    let imports = [import(&reports[0]), import(&reports[1])];
    let (first, second) = tokio::join!(succeeds(&eu, &imports[0]), succeeds(&us, &imports[1]));
    assert!(first.contains("created 1") && second.contains("created 1"), "{first}{second}");
    fs::remove_file(&file).expect("removed");
    assert_eq!((one.count_topics().await, other.count_topics().await), (before + 2, before + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_may_only_read_and_write_rows_serves_exports_and_lists_keys() {
    let database = database().await;
    let role = format!("clerk_{}", std::process::id());
    execute(database.pool(), &format!("drop role if exists {role}; create role {role} login")).await;
    let granted = format!(
        "revoke create on schema public from public;
         grant usage on schema public, dossier_past to {role};
         grant select, insert, update, delete on all tables in schema public to {role};
         grant select on all tables in schema dossier_past to {role};
         grant select on all sequences in schema public to {role}"
    );
    execute(database.pool(), &granted).await;
    let (before, after) = database.url().split_once("postgres@").expect("an address with a user");
    let url = format!("{before}{role}@{after}");
    let settings = [("DATABASE_URL", url.as_str())];
    for serve in [&["serve"][..], &["serve", "--no-migrate"]] {
        let mut command = dossier(&settings);
        command.args(serve);
        let server = Process::of(command).await;
        let topics = server.count_topics().await;
        let then =
            server.response("{ topics(asOf: {revision: 0}) { totalCount } }").await.expect("a response");
        assert_eq!((topics > 0, &then["data"]["topics"]["totalCount"]), (true, &json!(0)), "{then}");
        let ready =
            reqwest::get(format!("http://{}/health/ready", server.address())).await.expect("a response");
        assert_eq!(ready.status(), 200);
        let ready: serde_json::Value = ready.json().await.expect("JSON");
        assert_eq!(ready, json!({"status": "ready", "reading": true, "writing": true}));
        assert!(server.stop().success());
    }
    let key = succeeds(&settings, &["key", "create", "--name", "me", "--role", "editor"]).await;
    assert!(succeeds(&settings, &["key", "list"]).await.contains("EDITOR"));
    assert!(succeeds(&settings, &["export"]).await.contains("\"Actor\""));
    assert!(succeeds(&settings, &["export", "--topic", "two-state-solution"]).await.contains("\"Actor\""));
    let server = Process::start(&settings).await;
    let create = "mutation { createTopic(input: {slug: \"grain\", name: \"Grain\"}) { revision userErrors { message } } }";
    let post =
        reqwest::Client::new().post(format!("http://{}/graphql", server.address())).bearer_auth(key.trim());
    let response: serde_json::Value =
        post.json(&json!({ "query": create })).send().await.expect("a response").json().await.expect("JSON");
    assert!(response["data"]["createTopic"]["revision"].is_i64(), "{response}");
    // Without the privilege to read the past there is an error rather than today's data.
    execute(database.pool(), &format!("revoke usage on schema dossier_past from {role}")).await;
    let then = server.response("{ topics(asOf: {revision: 0}) { totalCount } }").await.expect("a response");
    assert!(then["data"].is_null(), "{then}");
    assert_eq!(then["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{then}");
    assert!(server.stop().success());
    execute(database.pool(), &format!("drop owned by {role}; drop role {role}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsuitable_encoding_or_locale_is_reported() {
    let ascii = empty_database_with("encoding 'SQL_ASCII' locale 'C' template template0").await;
    let refused = fails(&[("DATABASE_URL", ascii.url())], &["migrate"]).await;
    assert!(refused.contains("encoding SQL_ASCII") && refused.contains("encoding 'UTF8'"), "{refused}");

    let plain = empty_database_with("encoding 'UTF8' locale 'C' template template0").await;
    let migrated = run(&[("DATABASE_URL", plain.url())], &["migrate"]).await;
    assert!(migrated.status.success());
    assert!(reported(&migrated).contains("handles only ASCII letters"), "{}", reported(&migrated));

    let by_icu: i64 = value(plain.pool(), "select count(*) from pg_collation where collprovider = 'i'").await;
    if by_icu == 0 {
        eprintln!("NOT TRIED: this Postgres sorts by no collation that has a version");
        return;
    }
    let icu = "encoding 'UTF8' locale_provider icu icu_locale 'und' locale 'C' template template0";
    let sorted = empty_database_with(icu).await;
    let older = "update pg_database set datcollversion = '1.0' where datname = current_database()";
    execute(sorted.pool(), older).await;
    let migrated = run(&[("DATABASE_URL", sorted.url())], &["migrate"]).await;
    assert!(migrated.status.success());
    assert!(reported(&migrated).contains("dossier migrate --reindex"), "{}", reported(&migrated));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_database_is_without_the_sample_if_the_setting_says_so() {
    let database = empty_database().await;
    let settings = [("DATABASE_URL", database.url()), ("SAMPLE", "false")];
    succeeds(&settings, &["migrate"]).await;
    assert_eq!(succeeds(&settings, &["export"]).await, "");
    let left: i64 = value(database.pool(), "select count(*) from citations").await;
    assert_eq!(left, 0);
    let changes: Vec<String> = sqlx::query_scalar(
        "select distinct requester::text from revisions where operation = 'DELETE' and actor_id is not null",
    )
    .fetch_all(database.pool())
    .await
    .expect("the change");
    assert_eq!(changes, ["migration"]);
    // Later the setting has no effect.
    let actor = "select set_config('dossier.requester', 'test', true);
                 insert into actors (slug, kind, name) values ('new', 'PERSON', 'New')";
    execute(database.pool(), actor).await;
    succeeds(&settings, &["migrate"]).await;
    assert_eq!(value::<i64>(database.pool(), "select count(*) from actors").await, 1);
}

/// A client that reads and changes until it is stopped; the number of its requests and the slowest one.
async fn use_on(server: &Process, key: &str, number: usize, stop: &AtomicBool) -> (usize, Duration) {
    let (mut count, mut slowest) = (0, Duration::ZERO);
    while !stop.load(Ordering::Relaxed) {
        let since = Instant::now();
        let read = "{ topics { totalCount } statements(first: 3) { nodes { summary speaker { name } } } }";
        let response = server.response(read).await.expect("a response");
        assert_eq!(response.get("errors"), None, "{response}");
        let created = server.create_topic(key, &format!("by-{number}-{count}")).await;
        assert_eq!(created["data"]["createTopic"]["userErrors"], json!([]), "{created}");
        slowest = slowest.max(since.elapsed());
        count += 1;
    }
    (count, slowest)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_goes_on_while_the_migrations_since_the_version_before_are_applied() {
    let old = database_up_to(49).await;
    let settings = [("DATABASE_URL", old.url())];
    let key = keys::create(old.pool(), "me", Role::Editor, None).await.expect("a key");
    let mut command = dossier(&settings);
    command.args(["serve", "--no-migrate"]);
    let server = Process::of(command).await;
    let stop = AtomicBool::new(false);
    let migrate = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        succeeds(&settings, &["migrate"]).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.store(true, Ordering::Relaxed);
    };
    let clients = join_all((0..4).map(|number| use_on(&server, &key, number, &stop)));
    let (used, ()) = tokio::join!(clients, migrate);
    let count: usize = used.iter().map(|(count, _)| count).sum();
    let slowest = used.iter().map(|(_, slowest)| *slowest).max().expect("some");
    eprintln!(
        "migrated from 0049 under load: {count} reads and changes, the slowest pair took {slowest:.1?}, none failed"
    );
    assert!(count > 20, "{count}");
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_waits_for_a_lock_lets_others_run_meanwhile() {
    let database = database().await;
    let server = Process::start(&[("DATABASE_URL", database.url())]).await;
    let folder = Folder::new("migrations-with-locks");
    fs::create_dir_all(folder.path()).expect("a folder");
    for (file, sql) in [
        (
            "9001_column.sql",
            "set local lock_timeout = '500ms';\nalter table topics add column tomorrow text;\n",
        ),
        (
            "9002_index.sql",
            "-- no-transaction\ncreate index concurrently topics_tomorrow on topics (tomorrow);\n",
        ),
    ] {
        fs::write(folder.path().join(file), sql).expect("written");
    }
    let mut of_tomorrow = Migrator::new(folder.path()).await.expect("migrations");
    of_tomorrow.set_ignore_missing(true);
    let mut holder = PgConnection::connect(database.url()).await.expect("a connection");
    let hold = "begin; lock table topics in access share mode";
    sqlx::raw_sql(hold).execute(&mut holder).await.expect("locked");
    let connection = PgConnection::connect(database.url()).await.expect("a connection");
    let migrated = AtomicBool::new(false);
    let other = PgConnection::connect(database.url()).await.expect("a connection");
    let migrate = async {
        // The index waits for statements that run; the second migrator must not wait in one.
        let one = async |mut connection: PgConnection| {
            migrations::run(&of_tomorrow, &mut connection).await.expect("migrated");
            connection.close().await.expect("closed");
        };
        tokio::join!(one(connection), one(other));
        migrated.store(true, Ordering::Relaxed);
    };
    let ask = async {
        let (since, mut slowest) = (Instant::now(), Duration::ZERO);
        while since.elapsed() < Duration::from_secs(3) {
            let asked = Instant::now();
            assert!(server.count_topics().await > 0);
            slowest = slowest.max(asked.elapsed());
        }
        assert!(!migrated.load(Ordering::Relaxed), "others hold the lock");
        sqlx::raw_sql("commit").execute(&mut holder).await.expect("unlocked");
        slowest
    };
    let (slowest, ()) = tokio::join!(ask, migrate);
    eprintln!("a migration waited 3 s for a lock; the slowest read meanwhile took {slowest:.1?}");
    assert!(slowest < Duration::from_millis(1500), "{slowest:?}");
    let valid = "select indisvalid from pg_index where indexrelid = 'topics_tomorrow'::regclass";
    assert!(value::<bool>(database.pool(), valid).await);
    // This server is now the one of the version before.
    assert!(server.count_topics().await > 0);
    let key = keys::create(database.pool(), "me", Role::Editor, None).await.expect("a key");
    let created = server.create_topic(&key, "of-before").await;
    assert_eq!(created["data"]["createTopic"]["userErrors"], json!([]), "{created}");
    let past = server.response("{ topics(asOf: {revision: 0}) { totalCount } }").await.expect("a response");
    assert_eq!(past["data"]["topics"]["totalCount"], 0, "{past}");
}

#[tokio::test]
async fn statements_of_the_last_release_are_valid_on_a_migrated_database() {
    let database = database().await;
    let released = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/released.sql"));
    let released = released.expect("the statements");
    let mut connection = database.pool().acquire().await.expect("a connection");
    let (mut count, mut untyped) = (0, 0);
    for statement in released.split(";\n").filter(|statement| !statement.trim().is_empty()) {
        count += 1;
        let prepare = format!("prepare released_{count} as {statement}");
        let prepared = sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *connection).await;
        let Err(error) = prepared else { continue };
        let code = error.as_database_error().and_then(DatabaseError::code);
        // indeterminate_datatype, ambiguous_parameter: Postgres can't tell the type, which a client gives.
        assert!(matches!(code.as_deref(), Some("42P18" | "42P08")), "{statement}: {error}");
        untyped += 1;
    }
    assert!(count > 100 && untyped < count / 20, "{untyped} of {count} have parameters without a type");
}

/// The statements of a migration; those in functions and blocks belong to the one around them.
fn statements(sql: &str) -> Vec<String> {
    let code = sql.lines().filter(|line| !line.trim_start().starts_with("--"));
    let code = code.collect::<Vec<_>>().join(" ");
    let (mut statements, mut one) = (Vec::new(), String::new());
    for (number, part) in code.split("$$").enumerate() {
        if number % 2 == 1 {
            one.push_str("$$ … $$");
            continue;
        }
        let mut pieces = part.split(';');
        one.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            statements.push(std::mem::replace(&mut one, piece.to_owned()));
        }
    }
    statements.push(one);
    let words = |text: String| text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    statements.into_iter().map(words).filter(|statement| !statement.is_empty()).collect()
}

/// How a migration would halt a server of the version before.
fn halts(sql: &str) -> Vec<&'static str> {
    let reason = sql.lines().find_map(|line| line.strip_prefix("-- Halts: "));
    if reason.is_some_and(|reason| !reason.trim().is_empty()) {
        return Vec::new();
    }
    let statements = statements(sql);
    let table = |statement: &str, before: &str| {
        let name =
            statement.split_once(before)?.1.trim_start_matches("if exists ").trim_start_matches("only ");
        name.trim_start_matches("if not exists ").split([' ', '(']).next().map(ToOwned::to_owned)
    };
    let created: Vec<String> = statements
        .iter()
        .filter(|statement| statement.starts_with("create table "))
        .filter_map(|statement| table(statement, "create table "))
        .collect();
    let is_old = |name: Option<String>| name.is_some_and(|name| !created.contains(&name));
    let (alone, mut found) = (sql.starts_with("-- no-transaction"), Vec::new());
    let mut locks = false;
    for statement in &statements {
        let has = |words: &str| statement.contains(words);
        if (statement.starts_with("create index") || statement.starts_with("create unique index"))
            && !has(" concurrently")
            && is_old(table(statement, " on "))
        {
            found.push("create the index concurrently, in a migration of its own with `-- no-transaction`");
        }
        if statement.starts_with("alter table ") && is_old(table(statement, "alter table ")) {
            locks = true;
            if has(" add constraint ") && !has(" not valid") && !has(" using index") {
                found.push("add the constraint `not valid`, and validate it in another migration");
            }
            if has(" type ") && has(" alter ") {
                found.push("changing a type rewrites the table: add a column");
            }
            if has(" set not null") || has(" add column ") && has(" not null") && !has(" default ") {
                found.push("validate a constraint `check (… is not null)` first");
            }
            if has(" generated always as ") && has(" stored") {
                found.push("a stored column rewrites the table");
            }
            if has(" drop column ") || has(" rename ") {
                found.push("the version before uses the column: remove it in the next release");
            }
        }
        if (statement.starts_with("drop table ") || statement.starts_with("drop view ")) && !alone {
            found.push("the version before uses the table: remove it in the next release");
        }
        if (statement.starts_with("update ") && is_old(table(statement, "update ")))
            || (statement.starts_with("delete from ") && is_old(table(statement, "delete from ")))
        {
            found.push("change rows in batches, each with a `commit`, in a block with `-- no-transaction`");
        }
        locks |= statement.starts_with("create trigger ") && is_old(table(statement, " on "));
    }
    if alone && statements.len() != 1 {
        found.push("a migration without a transaction is one statement");
    }
    if locks && !alone && !statements.iter().any(|statement| statement.starts_with("set local lock_timeout"))
    {
        found.push("begin with `set local lock_timeout = '1s'`");
    }
    found
}

#[test]
fn new_migrations_do_not_halt_a_server_of_the_version_before() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for entry in fs::read_dir(folder).expect("migrations") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.extension().is_some_and(|extension| extension == "sql") && name.as_str() >= "0052" {
            let halts = halts(&fs::read_to_string(&path).expect("a migration"));
            assert_eq!(
                halts,
                Vec::<&str>::new(),
                "{name}: or say why, in a line `-- Halts: …` (docs/how-to.md)"
            );
        }
    }
}

#[test]
fn a_migration_that_would_halt_a_server_is_known() {
    for (sql, halt) in [
        ("create index names on actors (name);", "concurrently"),
        ("set local lock_timeout = '1s'; alter table actors add constraint a check (b > 0);", "not valid"),
        ("set local lock_timeout = '1s'; alter table actors alter column name type text;", "rewrites"),
        ("set local lock_timeout = '1s'; alter table actors add column a text not null;", "is not null"),
        ("set local lock_timeout = '1s'; alter table actors alter a set not null;", "is not null"),
        (
            "set local lock_timeout = '1s'; alter table actors add a text generated always as (b) stored;",
            "stored",
        ),
        ("set local lock_timeout = '1s'; alter table actors drop column name;", "next release"),
        ("drop table actors;", "next release"),
        ("update actors set name = upper(name);", "batches"),
        ("alter table actors add column a text;", "lock_timeout"),
        ("create trigger a after insert on actors for each row execute function b();", "lock_timeout"),
        (
            "-- no-transaction\ncreate index concurrently a on actors (b); create index concurrently c on actors (d);",
            "one",
        ),
    ] {
        let found = halts(sql);
        assert!(found.len() == 1 && found[0].contains(halt), "{sql}: {found:?}");
    }
    for sql in [
        "create table plants (id bigint); create index on plants (id); alter table plants add constraint a check (id > 0);",
        "-- no-transaction\ncreate index concurrently names on actors (name);",
        "set local lock_timeout = '1s'; alter table actors add column a text; comment on column actors.a is 'A; B';",
        "set local lock_timeout = '1s'; alter table actors add constraint a check (b > 0) not valid;",
        "-- no-transaction\ndo $$ begin update actors set a = b; commit; end $$;",
        "-- Halts: for a second, since the table has ten rows.\nupdate event_types set name = 'a';",
        "create function a() returns text language sql as $$ update actors set a = 'b'; $$;",
    ] {
        assert_eq!(halts(sql), Vec::<&str>::new(), "{sql}");
    }
}
