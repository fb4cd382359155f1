//! Imports that are interrupted and resumed.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Output, Stdio},
    time::{Duration, Instant},
};

use dossier::auth::caller::Role;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use crate::{
    bulk::{Base, actor, lines, source, statement, with},
    merge::{everything, revert, same},
    mutations::errors,
    support::{
        Client,
        process::{Folder, dossier, output, postmaster},
    },
};

/// Statements with long quotes, so that few of them fill a batch, and without words for full-text search; some records are rejected.
fn speeches(count: usize) -> Vec<Value> {
    let mut records = vec![
        source("speeches"),
        actor("ada"),
        with(actor("odd"), json!({"kind": "GHOST"})),
        statement("nobody", "nobody"),
    ];
    let quote = "-".repeat(105_000);
    records.extend((0..count).map(|number| {
        with(statement(&format!("said-{number}"), "ada"), json!({"rendering": "VERBATIM", "quote": quote}))
    }));
    records
}

const REJECTED: usize = 2;

/// The staged batches: the number of records up to the end of each, and who wrote it.
type Batches = Vec<(i64, String)>;

const BATCHES: &str = "select records, xmin::text from dossier_importing.batches order by records";

async fn batches(base: &Base) -> Batches {
    sqlx::query_as(BATCHES).fetch_all(base.pool()).await.expect("batches")
}

/// Waits until there are this many.
async fn until_staged(base: &Base, count: usize) -> Batches {
    let since = Instant::now();
    loop {
        let batches = batches(base).await;
        if batches.len() == count {
            return batches;
        }
        assert!(since.elapsed() < Duration::from_mins(1), "{batches:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether nothing of an import is left.
async fn forgotten(base: &Base) -> bool {
    let tables = "select count(*) from pg_tables where schemaname = 'dossier_importing'";
    base.count(tables).await == 1 && batches(base).await.is_empty()
}

/// An import that waits for more input. The input stays open as long as the second value lives.
fn begin(base: &Base, records: &[Value]) -> (Child, ChildStdin) {
    spawn(&mut base.importing(Path::new("-")), records)
}

fn spawn(import: &mut Command, records: &[Value]) -> (Child, ChildStdin) {
    import.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = import.spawn().expect("dossier runs");
    let mut input = child.stdin.take().expect("piped");
    input.write_all(lines(records).as_bytes()).expect("read");
    (child, input)
}

fn end(child: Child, signal: Signal) -> Output {
    kill(Pid::from_raw(child.id().cast_signed()), signal).expect("sent");
    child.wait_with_output().expect("it ended")
}

/// An import that is killed when it has staged two batches of these records, and waits for more input.
async fn kill_after_two_batches(base: &Base, records: &[Value]) -> Batches {
    let (child, input) = begin(base, records);
    let staged = until_staged(base, 2).await;
    end(child, Signal::SIGKILL);
    drop(input);
    staged
}

fn reported(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

fn goes_on(after: i64) -> String {
    format!("resuming after {after} records that were already read\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_as_it_reads_goes_on_and_is_one_change() {
    let base = Base::new("killed-reading").await;
    let editor = Client::of(&base.database).await.as_role(Role::Editor).await;
    let before = everything(&editor).await;
    let records = speeches(80);

    let first = kill_after_two_batches(&base, &records[..50]).await;
    // A mistyped name is not another input.
    assert_eq!(base.import_with(&base.path("speaches.jsonl"), &[]).status.code(), Some(1));
    assert_eq!(batches(&base).await, first);
    // An input that stays open doesn't keep the import from ending.
    let (child, input) = begin(&base, &records[..70]);
    let second = until_staged(&base, 3).await;
    let ended = end(child, Signal::SIGINT);
    drop(input);
    let (_, stderr) = reported(&ended);
    assert_eq!(ended.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains(&goes_on(first[1].0)), "{stderr}");
    assert_eq!(second[..2], first, "what was staged before was not staged anew");
    assert_eq!(base.count("select count(*) from revisions where requester = 'import'").await, 0);

    let output = base.import_with(&base.file("speeches.jsonl", lines(&records)), &[]);
    let (stdout, stderr) = reported(&output);
    assert!(stderr.contains(&goes_on(second[2].0)), "{stderr}");
    assert_eq!(output.status.code(), Some(1));
    let outcome =
        format!("created {}, updated 0, unchanged 0, rejected {REJECTED}", records.len() - REJECTED);
    assert!(stdout.starts_with(&outcome), "{stdout}");
    let rejected: Vec<(u64, String)> =
        base.report().into_iter().map(|(line, field, _)| (line, field)).collect();
    assert_eq!(rejected, [(3, "kind".to_owned()), (4, "speaker".to_owned())]);
    assert_eq!(base.count("select count(*) from statements where slug like 'said-%'").await, 80);
    assert!(forgotten(&base).await);

    let changes = "select count(distinct change) from revisions where requester = 'import'";
    assert_eq!(base.count(changes).await, 1);
    let last = base.count("select max(id) from revisions where requester = 'import'").await;
    let reverted = revert(&editor, &json!(last)).await;
    assert!(errors(&reverted).is_empty(), "{reverted}");
    same(&everything(&editor).await, &before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_as_it_writes_has_written_nothing_and_writes_all_of_it_again() {
    let base = Base::new("killed").await;
    let mut records: Vec<Value> = (0..50).map(|number| actor(&format!("actor-{number}"))).collect();
    records.push(json!({"type": "Topic", "slug": "last", "name": "Last"}));
    let file = base.file("records.jsonl", lines(&records));
    let count = "select count(*) from actors where slug like 'actor-%'";
    for signal in [Signal::SIGKILL, Signal::SIGINT] {
        // Actors are written before topics, whose table this test locks.
        let mut lock = base.pool().begin().await.expect("a transaction");
        sqlx::raw_sql("lock table topics in exclusive mode").execute(&mut *lock).await.expect("locked");
        let child = base.importing(&file).spawn().expect("dossier runs");
        let waits = "select count(*) from pg_stat_activity where datname = current_database()
                     and wait_event_type = 'Lock' and query like 'update topics%'";
        let since = Instant::now();
        while base.count(waits).await == 0 {
            assert!(since.elapsed() < Duration::from_secs(30), "it does not come to topics");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let output = end(child, signal);
        let (_, stderr) = reported(&output);
        assert_eq!(stderr.contains(&goes_on(51)), signal == Signal::SIGINT, "{stderr}");
        if signal == Signal::SIGINT {
            let last = "dossier: interrupted: nothing was imported; run it again to continue\n";
            assert!(stderr.ends_with(last), "{stderr}");
            assert_eq!(output.status.code(), Some(130));
        }
        lock.rollback().await.expect("released");
        assert_eq!(base.count(count).await, 0);
    }
    let (stdout, stderr) = reported(&base.import_with(&file, &[]));
    assert!(stdout.starts_with("created 51, updated 0, unchanged 0, rejected 0"), "{stdout}");
    assert!(stderr.contains(&goes_on(51)), "{stderr}");
    let (stdout, stderr) = reported(&base.import_with(&file, &[]));
    assert!(stdout.starts_with("created 0, updated 0, unchanged 51, rejected 0"), "{stdout}");
    assert!(!stderr.contains("resuming"), "{stderr}");
    assert_eq!(base.count(count).await, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_on_as_far_as_its_input_is_the_same() {
    let base = Base::new("other-input").await;
    let records = speeches(50);
    let other = |place: usize| {
        let mut records = records.clone();
        records[place] = with(records[place].clone(), json!({"summary": "Says something else."}));
        records
    };
    let cases = [
        // Another file; one that differs at the beginning; and one that differs after the first batch.
        (vec![actor("grace")], None),
        (other(5), None),
        (other(25), Some(0)),
        // A shorter one, and a longer one.
        (records[..30].to_vec(), Some(0)),
        (speeches(60), Some(1)),
    ];
    let file = base.path("speeches.jsonl");
    for (records_now, same) in cases {
        let staged = kill_after_two_batches(&base, &records).await;
        base.file("speeches.jsonl", lines(&records_now));
        let (stdout, stderr) = reported(&base.import_with(&file, &["--dry-run"]));
        match same {
            Some(batch) => assert!(stderr.contains(&goes_on(staged[batch].0)), "{stderr}"),
            None => assert!(!stderr.contains("resuming"), "{stderr}"),
        }
        let rejected = if records_now.len() > 1 { REJECTED } else { 0 };
        let outcome =
            format!("created {}, updated 0, unchanged 0, rejected {rejected}", records_now.len() - rejected);
        assert!(stdout.starts_with(&outcome), "{stdout}");
        assert!(forgotten(&base).await);
    }

    kill_after_two_batches(&base, &records).await;
    base.file("speeches.jsonl", lines(&other(25)));
    assert!(reported(&base.import_with(&file, &[])).1.contains("resuming"));
    let changed = "select count(*) from statements where summary = 'Says something else.'";
    assert_eq!(base.count(changed).await, 1);
    assert_eq!(base.count("select count(*) from statements where slug like 'said-%'").await, 50);

    // Batches staged for tables with other columns are not used.
    kill_after_two_batches(&base, &records).await;
    let other_shape = "drop schema dossier_past cascade; alter table commentaries alter ordinal type bigint";
    sqlx::raw_sql(other_shape).execute(base.pool()).await.expect("changed");
    let (stdout, stderr) = reported(&base.import_with(&file, &["--dry-run"]));
    assert!(stdout.starts_with("created 0, updated 0, unchanged 52"), "{stdout}");
    assert!(!stderr.contains("resuming"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_comes_to_an_end_leaves_nothing_staged() {
    let base = Base::new("forgotten").await;
    let records = speeches(30);
    let file = base.file("speeches.jsonl", lines(&records));
    let whole = zstd::encode_all(lines(&records).as_bytes(), 1).expect("compressed");
    let half = base.file("half.jsonl.zst", &whole[..whole.len() / 2]);
    for (file, options) in
        [(&half, &[][..]), (&file, &["--dry-run"]), (&file, &["--all-or-nothing"]), (&file, &[])]
    {
        assert_eq!(base.import_with(file, options).status.code(), Some(1));
        assert!(forgotten(&base).await, "{file:?} {options:?}");
    }
    assert_eq!(base.count("select count(*) from statements where slug like 'said-%'").await, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_import_waits_for_the_end_of_the_first() {
    let base = Base::new("two-imports").await;
    let (first, input) = begin(&base, &speeches(50));
    let staged = until_staged(&base, 2).await;
    let file = base.file("second.jsonl", lines(&[actor("grace")]));
    let mut second = base.importing(&file).spawn().expect("dossier runs");
    let mut stderr = BufReader::new(second.stderr.take().expect("piped"));
    let mut reported = String::new();
    while !reported.ends_with("waiting for another import to finish\n") {
        assert_ne!(stderr.read_line(&mut reported).expect("a line"), 0, "{reported}");
    }
    assert_eq!(batches(&base).await, staged);
    drop(input);
    assert_eq!(first.wait_with_output().expect("it ended").status.code(), Some(1));
    assert!(second.wait_with_output().expect("it ended").status.success());
    let both = "select count(*) from statements, actors where statements.slug like 'said-%' and actors.slug = 'grace'";
    assert_eq!(base.count(both).await, 50);
}

/// How many batches the embedded Postgres in a folder holds, once it responds.
async fn until_embedded_holds(folder: &Path, count: i64) {
    let options = PgConnectOptions::new_without_pgpass().socket(folder.join("socket"));
    let options = options.username("postgres").database("dossier");
    let since = Instant::now();
    loop {
        if let Ok(mut connection) = PgConnection::connect_with(&options).await {
            let batches = sqlx::query_scalar("select count(*) from dossier_importing.batches");
            if batches.fetch_one(&mut connection).await.is_ok_and(|batches: i64| batches == count) {
                return;
            }
        }
        assert!(since.elapsed() < Duration::from_mins(1), "it does not come to {count} batches");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_outlives_the_program_and_its_postgres_but_no_crash_of_postgres() {
    let folder = Folder::new("embedded-import");
    let settings = [("DATA_DIR", folder.path().to_str().expect("text"))];
    assert!(output(dossier(&settings).arg("migrate")).status.success());
    let records = speeches(70);
    let import = |records: &[Value]| {
        let mut command = dossier(&settings);
        command.args(["import", "-", "--report", "/dev/null"]);
        spawn(&mut command, records)
    };
    let (child, input) = import(&records[..50]);
    until_embedded_holds(folder.path(), 2).await;
    end(child, Signal::SIGKILL);
    drop(input);

    let (child, input) = import(&records);
    until_embedded_holds(folder.path(), 3).await;
    kill(postmaster(folder.path()), Signal::SIGKILL).expect("killed");
    drop(input);
    let output = child.wait_with_output().expect("it ended");
    let (_, stderr) = reported(&output);
    assert!(stderr.contains("resuming after"), "{stderr}");
    assert!(output.status.code() == Some(1) && stderr.contains("nothing was imported"), "{stderr}");

    let (child, input) = import(&records);
    drop(input);
    let (stdout, stderr) = reported(&child.wait_with_output().expect("it ended"));
    assert!(stdout.starts_with(&format!("created {}", records.len() - REJECTED)), "{stdout}");
    assert!(!stderr.contains("resuming"), "{stderr}");
}
