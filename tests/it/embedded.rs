//! The Postgres that Dossier starts for itself, and what it outlives.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use crate::support::process::{Folder, Process, connect, dossier, enter_topic, output, postmaster};

#[tokio::test]
async fn what_was_acknowledged_outlives_a_kill_of_the_server() {
    let folder = Folder::new("killed-server");
    let mut server = Process::serve(folder.path()).await;
    let before = server.count_topics().await;
    let mut connection = connect(folder.path()).await;
    for number in 0..10 {
        enter_topic(&mut connection, &format!("acknowledged-{number}")).await.expect("acknowledged");
    }
    server.send(Signal::SIGKILL);
    server.end();

    let server = Process::serve(folder.path()).await;
    assert_eq!(server.count_topics().await, before + 10);
    assert!(server.stop().success());
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_kill_of_postgres_and_the_server_goes_on() {
    let folder = Folder::new("killed-postgres");
    let server = Process::serve(folder.path()).await;
    let before = server.count_topics().await;
    let mut connection = connect(folder.path()).await;
    let killed = postmaster(folder.path());
    let writer = tokio::spawn(async move {
        let mut acknowledged = 0;
        while enter_topic(&mut connection, &format!("acknowledged-{acknowledged}")).await.is_ok() {
            acknowledged += 1;
        }
        acknowledged
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    // Its backends go with it, as when the machine fails.
    kill(killed, Signal::SIGKILL).expect("killed");
    let acknowledged = writer.await.expect("not cancelled");
    assert!(acknowledged > 0);

    let after = server.count_topics().await - before;
    // The last one may have been committed without anybody being told.
    assert!(
        (acknowledged..=acknowledged + 1).contains(&after),
        "{acknowledged} were acknowledged, {after} are there"
    );
    assert_ne!(postmaster(folder.path()), killed);
    assert!(server.stop().success());
}

#[tokio::test]
async fn a_start_right_after_both_were_killed_finds_everything_there() {
    let folder = Folder::new("killed-both");
    let mut server = Process::serve(folder.path()).await;
    let before = server.count_topics().await;
    enter_topic(&mut connect(folder.path()).await, "acknowledged").await.expect("acknowledged");
    // Stopped, the server can't bury its Postgres, which is in the list of processes for a while.
    server.send(Signal::SIGSTOP);
    kill(postmaster(folder.path()), Signal::SIGKILL).expect("killed");
    server.send(Signal::SIGKILL);
    server.end();

    let server = Process::serve(folder.path()).await;
    assert_eq!(server.count_topics().await, before + 1);
    assert!(server.stop().success());
}

#[tokio::test]
async fn two_first_starts_at_once_share_one_postgres_and_either_may_end_first() {
    let folder = Folder::new("shared");
    let (one, other) = tokio::join!(Process::serve(folder.path()), Process::serve(folder.path()));
    let topics = one.count_topics().await;
    assert_eq!(other.count_topics().await, topics);
    // One of the two holds Postgres; the one that remains goes on, whichever that was.
    assert!(one.stop().success());
    assert_eq!(other.count_topics().await, topics);
    let third = Process::serve(folder.path()).await;
    assert!(other.stop().success());
    assert_eq!(third.count_topics().await, topics);
    assert!(third.stop().success());
}

#[tokio::test]
async fn a_stop_leaves_no_process_behind() {
    let folder = Folder::new("stopped");
    let server = Process::serve(folder.path()).await;
    server.count_topics().await;
    let postgres = postmaster(folder.path());
    assert!(server.stop().success());
    assert!(kill(postgres, None).is_err(), "Postgres ended with it");
    assert!(!folder.path().join("data/postmaster.pid").exists(), "in order");
}

#[tokio::test]
async fn a_request_that_runs_is_answered_before_the_server_stops() {
    let folder = Folder::new("drained");
    let mut server = Process::serve(folder.path()).await;
    let mut connection = connect(folder.path()).await;
    sqlx::raw_sql("begin; lock table topics in access exclusive mode")
        .execute(&mut connection)
        .await
        .expect("locked");
    let (answer, ()) = tokio::join!(server.answer("{ topics { totalCount } }"), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.send(Signal::SIGINT);
        tokio::time::sleep(Duration::from_millis(300)).await;
        sqlx::raw_sql("rollback").execute(&mut connection).await.expect("unlocked");
    });
    assert!(answer.expect("an answer")["data"]["topics"]["totalCount"].is_u64());
    assert!(server.end().success());
}

#[tokio::test]
async fn a_request_that_never_ends_keeps_no_server_from_stopping() {
    let folder = Folder::new("given-up");
    let mut server = Process::serve(folder.path()).await;
    let mut connection = connect(folder.path()).await;
    sqlx::raw_sql("begin; lock table topics in access exclusive mode")
        .execute(&mut connection)
        .await
        .expect("locked");
    let (answer, since) = tokio::join!(server.answer("{ topics { totalCount } }"), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.send(Signal::SIGTERM);
        Instant::now()
    });
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer["data"].is_null()), "it was given up");
    assert!(server.end().success());
    assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());
}

#[tokio::test]
async fn a_long_path_is_no_hindrance() {
    let folder = Folder::new(&"long-".repeat(30));
    let server = Process::serve(folder.path()).await;
    assert!(server.count_topics().await > 0);
    assert!(server.stop().success());
}

#[test]
fn a_folder_that_cannot_be_used_is_told_in_one_line() {
    let folder = Folder::new("unusable");
    std::fs::write(folder.path(), "a file").expect("written");
    let below = folder.path().join("data");
    refuses(&[("DATA_DIR", below.to_str().expect("text"))], "data");
    std::fs::remove_file(folder.path()).expect("removed");
}

#[test]
fn data_of_another_version_are_told_by_their_version() {
    let folder = Folder::new("version");
    std::fs::create_dir_all(folder.path().join("data")).expect("made");
    std::fs::write(folder.path().join("data/PG_VERSION"), "9\n").expect("written");
    let data_dir = folder.path().to_str().expect("text");
    // Without a folder that the tests may have been told to use.
    refuses(&[("DATA_DIR", data_dir), ("PG_BIN", "")], "no Postgres 9, the version of the data");
    refuses(&[("DATA_DIR", data_dir), ("PG_BIN", "/nowhere")], "PG_BIN /nowhere: there is no `postgres`");
}

fn refuses(settings: &[(&str, &str)], reason: &str) {
    let output = output(&mut dossier(settings));
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.lines().any(|line| line.starts_with("dossier: ") && line.contains(reason)), "{told}");
}
