//! What the commands print, and how they end.

use std::{net::TcpListener, process::Stdio};

use sqlx::AssertSqlSafe;

use crate::support::{
    database::{TestDatabase, database, empty_database},
    process::{Process, dossier, output},
};

/// Runs a command that must fail, and returns the one line that it tells.
fn failure(settings: &[(&str, &str)], arguments: &[&str]) -> String {
    let output = output(dossier(settings).args(arguments));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    let line =
        told.lines().find_map(|line| line.strip_prefix("dossier: ")).unwrap_or_else(|| panic!("{told}"));
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

#[test]
fn schema_prints_the_schema() {
    assert_eq!(success(&[], &["schema"]), dossier::schema::sdl());
    let here = output(dossier(&[]).args(["schema", "--check"]).current_dir(env!("CARGO_MANIFEST_DIR")));
    assert!(here.status.success());
    assert!(
        failure(&[], &["schema", "--check"]).contains("schema.graphql"),
        "there is none in the root folder"
    );
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let mut printing = dossier(&[]).arg("schema").stdout(Stdio::piped()).spawn().expect("dossier runs");
    drop(printing.stdout.take());
    assert!(printing.wait().expect("it ended").success());
}

#[test]
fn a_bad_setting_is_told_by_its_name() {
    assert_eq!(
        failure(&[("MAX_DEPTH", "deep")], &[]),
        "MAX_DEPTH is `deep`; it takes a number from 1 to 100"
    );
    assert!(failure(&[("RUST_LOG", "dossier=loud")], &[]).starts_with("RUST_LOG "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let told = failure(&[("BIND_ADDRESS", &address), ("DATABASE_URL", database().await.url())], &[]);
    assert!(told.contains("BIND_ADDRESS") && told.contains(&address), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_database_is_told_without_its_password() {
    let told = failure(&[("DATABASE_URL", "postgres://me:secret@127.0.0.1:1/base")], &["migrate"]);
    assert!(told.contains("host and port of DATABASE_URL") && !told.contains("secret"), "{told}");
    let wrong = database().await.url().replacen("dossier_test", "no_such_base", 1);
    let told = failure(&[("DATABASE_URL", &wrong)], &["migrate"]);
    assert!(told.contains("does not exist") && told.contains("DATABASE_URL"), "{told}");
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
async fn a_changed_a_half_applied_and_an_unknown_migration_are_told() {
    for (change, reason) in [
        ("update _sqlx_migrations set checksum = '\\x00' where version = 3", "migration 0003 was changed"),
        (
            "update _sqlx_migrations set success = false where version = 5",
            "migration 0005 was applied in part",
        ),
        (
            "update _sqlx_migrations set version = 9999 where version = 7",
            "migration 9999, which this Dossier doesn't know",
        ),
    ] {
        let database = database().await;
        execute(&database, change).await;
        let told = failure(&[("DATABASE_URL", database.url())], &["migrate"]);
        assert!(told.contains(reason), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_cannot_be_used_is_told() {
    let database = database().await;
    let settings = [("DATABASE_URL", database.url())];
    let told = failure(&settings, &["serve", "--documents", "/nowhere.json"]);
    assert!(told.starts_with("/nowhere.json can't be read"), "{told}");
    let file = std::env::temp_dir().join(format!("dossier-manifest-{}.json", std::process::id()));
    std::fs::write(&file, r#"{"broken": "{ nothing }"}"#).expect("written");
    let told = failure(&settings, &["serve", "--documents", file.to_str().expect("text")]);
    std::fs::remove_file(file).expect("removed");
    assert!(told.contains("broken: Unknown field \"nothing\""), "{told}");
}
