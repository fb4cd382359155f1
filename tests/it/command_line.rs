//! Output and exit status of the commands.

use std::{
    net::TcpListener,
    process::Stdio,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::support::{
    anonymous,
    database::{TestDatabase, database, empty_database},
    process::{Folder, Process, dossier, output},
};

/// Runs a command that must fail, and returns the one line that it prints.
fn failure(settings: &[(&str, &str)], arguments: &[&str]) -> String {
    ending(1, settings, arguments)
}

fn ending(status: i32, settings: &[(&str, &str)], arguments: &[&str]) -> String {
    let output = output(dossier(settings).args(arguments));
    let reported = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {reported}");
    let line = reported
        .lines()
        .find_map(|line| line.strip_prefix("dossier: "))
        .unwrap_or_else(|| panic!("{reported}"));
    line.to_owned()
}

fn success(settings: &[(&str, &str)], arguments: &[&str]) -> String {
    let output = output(dossier(settings).args(arguments));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn execute<'a>(database: &'a TestDatabase, sql: &str) -> impl Future<Output = ()> + use<'a> {
    let sql = AssertSqlSafe(sql.to_owned());
    async move {
        sqlx::raw_sql(sql).execute(database.pool()).await.expect("done");
    }
}

#[test]
fn help_has_examples_and_a_wrong_word_is_a_usage_error() {
    assert!(success(&[], &["--help"]).contains("Examples:"));
    assert_eq!(output(dossier(&[]).arg("conquer")).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_asks_the_server_at_the_bind_address() {
    let anonymous = anonymous().await;
    let address = anonymous.address("").replace("http://", "");
    let settings = [("BIND_ADDRESS", address.trim_end_matches('/'))];
    let ready = success(&settings, &["health"]);
    assert_eq!(ready, "{\"status\":\"ready\",\"reading\":true,\"writing\":true}\n");
    assert_eq!(success(&settings, &["health", "--live"]), "{\"status\":\"live\"}\n");
    drop(anonymous);
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address").to_string();
    drop(free);
    assert!(
        failure(&[("BIND_ADDRESS", &address)], &["health"]).starts_with("no answer from http://127.0.0.1:")
    );
}

#[test]
fn schema_prints_the_schema() {
    assert_eq!(success(&[], &["schema"]), dossier::engine::catalog::sdl(dossier::engine::catalog::catalog()));
    let here = output(dossier(&[]).args(["schema", "--check"]).current_dir(env!("CARGO_MANIFEST_DIR")));
    assert!(here.status.success());
    assert!(
        failure(&[], &["schema", "--check"]).contains("schema.graphql"),
        "there is none in the root folder"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_read_enough_is_no_failure() {
    let database = database().await;
    for arguments in [&["schema"][..], &["key", "list"], &["migrate"], &["export"]] {
        let mut printing = dossier(&[("DATABASE_URL", database.url())]);
        let printing = printing.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut printing = printing.spawn().expect("dossier runs");
        drop(printing.stdout.take());
        let ended = printing.wait_with_output().expect("it ended");
        assert!(ended.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_secret_cannot_be_printed_is_not_created() {
    let database = database().await;
    let settings = [("DATABASE_URL", database.url())];
    let mut command = dossier(&settings);
    command.args(["key", "create", "--name", "alice", "--role", "reader"]);
    let mut making = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("dossier runs");
    drop(making.stdout.take());
    let ended = making.wait_with_output().expect("it ended");
    let reported = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.code() == Some(1) && reported.contains("no key was created"), "{reported}");
    assert!(!success(&settings, &["key", "list"]).contains("alice"));
    success(&settings, &["key", "create", "--name", "alice", "--role", "reader"]);
    assert!(success(&settings, &["key", "list"]).contains("alice"));
}

#[test]
fn an_invalid_setting_is_reported_by_name() {
    assert_eq!(
        failure(&[("MAX_DEPTH", "deep")], &[]),
        "invalid MAX_DEPTH `deep`: it must be a number from 1 to 100"
    );
    assert!(failure(&[("RUST_LOG", "dossier=loud")], &[]).starts_with("RUST_LOG "));
    assert!(failure(&[("DATABASE_SCHEMA", "eu_past")], &[]).starts_with("invalid DATABASE_SCHEMA `eu_past`"));
    assert!(failure(&[("CACHE_CONTROL", "max-age")], &[]).starts_with("invalid CACHE_CONTROL `max-age`"));
    let reported = failure(&[("DATABASE_URL", "postgres://me:secret@one:port/base")], &["migrate"]);
    assert!(reported.starts_with("invalid DATABASE_URL: a port is not a number"), "{reported}");
    assert!(!reported.contains("secret"), "{reported}");
}

#[test]
fn data_dir_takes_a_folder() {
    let folder = Folder::new("data-dir");
    std::fs::create_dir_all(folder.path()).expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    for path in [file.clone(), file.join("below")] {
        let path = path.to_str().expect("text");
        let reported = failure(&[("DATA_DIR", path)], &["migrate"]);
        let reason = format!("DATA_DIR is {path}, but {} is a file", file.display());
        assert!(reported.contains(&reason), "{reported}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_json_has_no_other_lines() {
    let database = database().await;
    let settings = |more| [("DATABASE_URL", database.url()), ("LOG_FORMAT", "json"), more];
    let is_json = |reported: &str, has: &str| {
        assert!(reported.contains(has), "{reported}");
        for line in reported.lines() {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            let parts = [&line["timestamp"], &line["level"], &line["fields"]["message"], &line["target"]];
            assert!(parts.iter().all(|part| part.is_string()), "{line}");
        }
    };
    let server = Process::start(&settings(("RUST_LOG", "info"))).await;
    server.count_topics().await;
    is_json(&server.log(), "Dossier is listening on http://");
    for (more, arguments, has) in [
        (("RUST_LOG", "info"), &["key", "list"][..], "using database"),
        (("RUST_LOG", "info"), &["key", "revoke", "nobody"], "no key has the name"),
        (("MAX_DEPTH", "deep"), &["serve"], "invalid MAX_DEPTH `deep`"),
    ] {
        let output = output(dossier(&settings(more)).args(arguments));
        is_json(&String::from_utf8_lossy(&output.stderr), has);
    }
    // The output of an import that waits.
    let mut holding = database.pool().begin().await.expect("begun");
    let turn = "select pg_advisory_xact_lock(quote_ident(own_name('importing'))::regnamespace::oid::bigint)";
    sqlx::query(turn).execute(&mut *holding).await.expect("taken");
    let mut import = dossier(&settings(("RUST_LOG", "info")));
    import.args(["import", "-", "--report", "/dev/null"]).stdin(Stdio::null());
    let waiting = tokio::task::spawn_blocking(move || output(&mut import));
    tokio::time::sleep(Duration::from_secs(2)).await;
    holding.rollback().await.expect("given back");
    let reported = waiting.await.expect("not cancelled").stderr;
    is_json(&String::from_utf8_lossy(&reported), "waiting for another import to finish");
}

#[tokio::test(flavor = "multi_thread")]
async fn database_errors_are_reported_in_words() {
    let database = database().await;
    let role = format!("looks_{}", std::process::id());
    execute(&database, &format!("create role {role} login; grant usage on schema public to {role}")).await;
    execute(&database, &format!("grant select on _sqlx_migrations to {role}")).await;
    let url = database.url().replacen("postgres@", &format!("{role}@"), 1);
    let settings = [("DATABASE_URL", url.as_str())];
    for arguments in [&["key", "list"][..], &["export"], &["generate", "--statements", "1"]] {
        let reported = failure(&settings, arguments);
        assert!(
            reported.contains("the database user lacks a required privilege"),
            "{arguments:?}: {reported}"
        );
        assert!(!reported.contains("error returned from database"), "{reported}");
    }
    execute(&database, &format!("drop owned by {role}; drop role {role}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_reported() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let reported = failure(&[("BIND_ADDRESS", &address), ("DATABASE_URL", database().await.url())], &[]);
    assert!(reported.contains("BIND_ADDRESS") && reported.contains(&address), "{reported}");
}

#[test]
fn an_address_that_cannot_be_bound_is_explained() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    for (address, reason) in [
        (taken.as_str(), "the port is in use"),
        ("192.0.2.1:8000", "this machine does not have that address"),
        ("[2001:db8::1]:8000", "this machine does not have that address"),
        ("::1:8000", "it must be an address and a port: 127.0.0.1:8000, or [::1]:8000"),
        ("localhost:8000", "it must be an address and a port"),
        ("127.0.0.1:70000", "it must be an address and a port"),
    ] {
        let reported = failure(&[("BIND_ADDRESS", address)], &[]);
        assert!(
            reported.contains("BIND_ADDRESS") && reported.contains(address) && reported.contains(reason),
            "{reported}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_ipv6_or_on_all_addresses_says_where_it_is_found() {
    let database = database().await;
    for (address, found) in [("[::1]:0", "[::1]:"), ("0.0.0.0:0", "127.0.0.1:")] {
        let settings = [("DATABASE_URL", database.url()), ("BIND_ADDRESS", address)];
        let server = Process::start(&settings).await;
        assert!(server.address().starts_with(found), "{}", server.address());
        assert!(server.count_topics().await > 0);
    }
}

#[test]
fn invalid_arguments_are_reported_before_a_connection() {
    let folder = Folder::new("mistyped");
    std::fs::create_dir_all(folder.path()).expect("a folder");
    let file = folder.path().join("records.jsonl");
    std::fs::write(&file, "").expect("written");
    let (file, folder) = (file.to_str().expect("text"), folder.path().to_str().expect("text"));
    // No one listens on this port.
    let settings = [("DATABASE_URL", "postgres://127.0.0.1:1/base")];
    for (status, arguments, reported) in [
        (1, &["import", "/nowhere.jsonl"][..], "can't import /nowhere.jsonl"),
        (1, &["import", folder], "it is a directory"),
        (2, &["import", file, "--type", "Ghost"], "unknown record type `Ghost`"),
        (
            1,
            &["import", file, "--report", "/nowhere/report.jsonl"],
            "can't write the report /nowhere/report.jsonl",
        ),
        (2, &["import", file, "--requester", " "], "--requester must not be empty"),
        (2, &["export", "--from", "2026-02-30"], "--from: Expected a date"),
        (
            2,
            &["export", "--from", "2026-03", "--until", "2026-02-28"],
            "--until: The date must not be before `from`",
        ),
        (1, &["export", "-o", "/nowhere/records.jsonl"], "can't write /nowhere/records.jsonl"),
        (1, &["export", "-o", folder], "it is a directory"),
        (2, &["export", "--format", "csv"], "set --type, or a directory with --output"),
        (2, &["export", "--format", "csv", "--type", "Ghost"], "unknown record type `Ghost`"),
        (2, &["export", "--type", "Actor"], "--type works only with --format csv"),
        (2, &["key", "create", "--name", " ", "--role", "reader"], "invalid key name"),
        (
            2,
            &["key", "create", "--name", "me", "--role", "reader", "--expires", "2020-01-01"],
            "expiry date is in the past",
        ),
        (1, &["serve", "--documents", "/nowhere.json"], "can't read /nowhere.json"),
    ] {
        let reason = ending(status, &settings, arguments);
        assert!(reason.contains(reported), "{arguments:?}: {reason}");
    }
    for arguments in [&["import", file, "--format", "xls"][..], &["export", "--format", "xls"]] {
        let output = output(dossier(&settings).args(arguments));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    assert_eq!(std::fs::read_dir(folder).expect("a folder").count(), 1, "no report, no output");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_says_what_it_uses_and_which_file_said_so() {
    let database = database().await;
    let folder = Folder::new("settings");
    std::fs::create_dir_all(folder.path().join("below")).expect("folders");
    let file = folder.path().join(".env");
    let url = database.url().replacen("postgres@", "postgres:secret@", 1);
    std::fs::write(&file, format!("DATABASE_URL={url}\n")).expect("written");
    let name = url.rsplit('/').next().expect("a name").split('?').next().expect("a name");
    for arguments in [&["migrate"][..], &["key", "list"], &["export"]] {
        let mut command = dossier(&[]);
        command.args(arguments).current_dir(folder.path().join("below"));
        let output = tokio::task::spawn_blocking(move || output(&mut command)).await.expect("not cancelled");
        let reported = String::from_utf8_lossy(&output.stderr);
        let line =
            reported.lines().find(|line| line.starts_with("using ")).unwrap_or_else(|| panic!("{reported}"));
        assert!(line.contains(&format!("database `{name}`")) && line.contains("schema `public`"), "{line}");
        assert!(line.contains(file.to_str().expect("text")), "{line}");
        assert!(!reported.contains("secret"), "{reported}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_no_file_is_not_removed_where_there_is_nothing_to_report() {
    let database = database().await;
    let folder = Folder::new("report");
    std::fs::create_dir_all(folder.path()).expect("a folder");
    let [file, report] = ["records.jsonl", "report"].map(|name| folder.path().join(name));
    std::fs::write(&file, "").expect("written");
    let _listening = std::os::unix::net::UnixListener::bind(&report).expect("a socket");
    let import = ["import", file.to_str().expect("text"), "--report", report.to_str().expect("text")];
    success(&[("DATABASE_URL", database.url())], &import);
    assert!(report.exists(), "as /dev/null would be");
}

/// Starts a command, and interrupts it after some time.
async fn interrupted(settings: &[(&str, &str)], arguments: &[&str], signal: Signal) -> (Option<i32>, String) {
    let mut command = dossier(settings);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("dossier runs");
    let _stays_open = child.stdin.take();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(child.try_wait().expect("its state").is_none(), "{arguments:?} ended before it was interrupted");
    kill(Pid::from_raw(child.id().cast_signed()), signal).expect("sent");
    let since = Instant::now();
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output()).await.expect("not cancelled");
    let ended = ended.expect("it ended");
    assert!(since.elapsed() < Duration::from_secs(10), "{arguments:?}: {:?}", since.elapsed());
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_is_interrupted_at_every_moment_and_leaves_nothing_half_made() {
    // A server that accepts connections and never responds.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = format!("postgres://127.0.0.1:{}/base", silent.local_addr().expect("an address").port());
    let database = database().await;
    let mut holding = database.pool().begin().await.expect("begun");
    let lock = "lock table _sqlx_migrations, actors in access exclusive mode";
    sqlx::raw_sql(lock).execute(&mut *holding).await.expect("locked");
    let folder = Folder::new("interrupted");
    std::fs::create_dir_all(folder.path()).expect("a folder");
    let out = folder.path().join("records.jsonl");
    let export: &[&str] = &["export", "-o", out.to_str().expect("text")];
    let report = folder.path().join("report.jsonl");
    let import: &[&str] = &["import", "-", "--report", report.to_str().expect("text")];
    for url in [silent.as_str(), database.url()] {
        for arguments in [&["serve"][..], &["migrate"], &["key", "list"], export, import] {
            for (signal, status) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
                let (code, reported) = interrupted(&[("DATABASE_URL", url)], arguments, signal).await;
                assert_eq!(code, Some(status), "{arguments:?}: {reported}");
                assert!(reported.contains("dossier: interrupted: "), "{arguments:?}: {reported}");
            }
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_replaces_a_file_once_it_is_whole() {
    let database = database().await;
    let folder = Folder::new("replaced");
    std::fs::create_dir_all(folder.path()).expect("a folder");
    let file = folder.path().join("records.jsonl");
    std::fs::write(&file, "as it was").expect("written");
    let path = file.to_str().expect("text");
    let settings = [("DATABASE_URL", database.url())];
    assert!(failure(&settings, &["export", "-o", path, "--topic", "nothing"]).contains("Topic not found"));
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), "as it was");
    success(&settings, &["export", "-o", path]);
    assert!(std::fs::read_to_string(&file).expect("a file").starts_with("{\"type\":\"Actor\""));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_database_is_reported_without_its_password() {
    let reported = failure(&[("DATABASE_URL", "postgres://me:secret@127.0.0.1:1/base")], &["migrate"]);
    assert!(reported.contains("host and port in DATABASE_URL") && !reported.contains("secret"), "{reported}");
    let wrong = database().await.url().replacen("dossier_test", "no_such_base", 1);
    let reported = failure(&[("DATABASE_URL", &wrong)], &["migrate"]);
    assert!(reported.contains("does not exist") && reported.contains("DATABASE_URL"), "{reported}");
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_are_listed_applied_and_applied_once() {
    let empty = empty_database().await;
    let settings = [("DATABASE_URL", empty.url())];
    let listed = success(&settings, &["migrate", "--dry-run"]);
    assert!(listed.starts_with("to apply: 0001 vocabulary\n"), "{listed}");
    assert_eq!(success(&settings, &["migrate"]), listed.replace("to apply", "applied"));
    assert_eq!(success(&settings, &["migrate"]), "nothing to apply\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_migrate_at_once_apply_each_migration_once() {
    let empty = empty_database().await;
    let settings = [("DATABASE_URL", empty.url())];
    let (one, other) = tokio::join!(Process::start(&settings), Process::start(&settings));
    assert_eq!(one.count_topics().await, other.count_topics().await);
    let twice =
        "select count(*) from (select from _sqlx_migrations group by version having count(*) > 1) twice";
    let twice: i64 = sqlx::query_scalar(twice).fetch_one(empty.pool()).await.expect("a count");
    assert_eq!(twice, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_partial_and_unknown_migrations_are_reported() {
    for (change, reason) in [
        ("update _sqlx_migrations set checksum = '\\x00' where version = 3", "migration 0003 was changed"),
        (
            "update _sqlx_migrations set success = false where version = 5",
            "migration 0005 was only partly applied",
        ),
        (
            "update _sqlx_migrations set version = 9999 where version = 7",
            "migration 9999, which is newer than this version of Dossier",
        ),
    ] {
        let database = database().await;
        execute(&database, change).await;
        let reported = failure(&[("DATABASE_URL", database.url())], &["migrate"]);
        assert!(reported.contains(reason), "{reported}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_manifest_is_reported() {
    let database = database().await;
    let settings = [("DATABASE_URL", database.url())];
    let reported = failure(&settings, &["serve", "--documents", "/nowhere.json"]);
    assert!(reported.starts_with("can't read /nowhere.json"), "{reported}");
    let file = std::env::temp_dir().join(format!("dossier-manifest-{}.json", std::process::id()));
    std::fs::write(&file, r#"{"broken": "{ nothing }"}"#).expect("written");
    let reported = failure(&settings, &["serve", "--documents", file.to_str().expect("text")]);
    std::fs::remove_file(file).expect("removed");
    assert!(reported.contains("broken: `Query` has no field `nothing`"), "{reported}");
    let trusting = [("TRUSTED_DOCUMENTS_ONLY", "true"), ("DATABASE_URL", database.url())];
    let reported = ending(2, &trusting, &["serve"]);
    assert!(reported.ends_with("no document is trusted; use --documents FILE"), "{reported}");
}
