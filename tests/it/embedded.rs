//! The embedded Postgres: starts, crashes and shutdown.

use std::{
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    time::{Duration, Instant},
};

use nix::sys::signal::{Signal, kill};

use crate::support::process::{
    Folder, Process, can, connect, dossier, enter_topic, output, postmaster, through,
};

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
    // Its backends end too, as when the machine fails.
    kill(killed, Signal::SIGKILL).expect("killed");
    let acknowledged = writer.await.expect("not cancelled");
    assert!(acknowledged > 0);

    let after = server.count_topics().await - before;
    // The last one may have been committed without a response.
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
    // The suspended server can't reap its Postgres, which stays in the process table for a while.
    server.send(Signal::SIGSTOP);
    kill(postmaster(folder.path()), Signal::SIGKILL).expect("killed");
    server.send(Signal::SIGKILL);
    server.end();

    let server = Process::serve(folder.path()).await;
    assert_eq!(server.count_topics().await, before + 1);
    assert!(server.stop().success());
}

#[tokio::test]
async fn however_often_postgres_is_killed_it_is_started_again() {
    let folder = Folder::new("killed-often");
    let server = Process::serve(folder.path()).await;
    let before = server.count_topics().await;
    for _ in 0..7 {
        let killed = postmaster(folder.path());
        kill(killed, Signal::SIGKILL).expect("killed");
        until(|| {
            (folder.path().join("data/postmaster.pid").exists() && postmaster(folder.path()) != killed)
                .then_some(())
        })
        .await;
        assert_eq!(server.count_topics().await, before);
    }
    let log = server.log();
    assert!(log.contains("Postgres exited unexpectedly: signal: 9 (SIGKILL)"), "{log}");
}

#[tokio::test]
async fn a_failing_restart_of_postgres_is_retried_and_its_reason_logged() {
    let folder = Folder::new("broken");
    let server = Process::serve(folder.path()).await;
    let before = server.count_topics().await;
    // As with a disk that is full: it can't start.
    let (control, hidden) = (folder.path().join("data/global/pg_control"), folder.path().join("hidden"));
    std::fs::rename(&control, &hidden).expect("hidden");
    kill(postmaster(folder.path()), Signal::SIGKILL).expect("killed");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((server.health("live").await, server.health("ready").await), (200, 503));
    std::fs::rename(&hidden, &control).expect("found");
    assert_eq!(server.count_topics().await, before);
    let log = server.log();
    assert!(log.contains("can't restart Postgres") && log.contains("pg_control"), "{log}");
    assert!(log.contains("Postgres is running again"), "{log}");
}

#[tokio::test]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let folder = Folder::new("full-disk");
    std::fs::create_dir_all(folder.path()).expect("a folder");
    let apart = ["unshare", "--mount", "--"];
    if !can(&apart) {
        return;
    }
    // A disk of its own, which only the server sees.
    let disk = r#"mount -t tmpfs -o size=160m,mode=755 disk "$DATA_DIR" && exec "$0""#;
    let data = ("DATA_DIR", folder.path().to_str().expect("text"));
    let server = Process::of(through(&[&apart[..], &["sh", "-c", disk]].concat(), &[data])).await;
    let seen = PathBuf::from(format!("/proc/{}/root{}", server.id(), folder.path().display()));
    let before = server.count_topics().await;
    let inside = ["nsenter", "--mount", "--target", &server.id().to_string(), "--"];
    let key =
        output(through(&inside, &[data]).args(["key", "create", "--name", "editor", "--role", "editor"]));
    let key = String::from_utf8(key.stdout).expect("text");
    let filler = seen.join("filler");
    let full = std::fs::write(&filler, vec![1; 160 << 20]).expect_err("the disk is smaller");
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let mut acknowledged = 0;
    let refused = loop {
        let response =
            server.create_topic(key.trim(), &format!("topic-{acknowledged}-{}", "x".repeat(60))).await;
        if response["errors"].is_array() {
            break response;
        }
        acknowledged += 1;
        assert!(acknowledged < 10_000, "the disk never was full");
    };
    assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{refused}");
    assert!(!refused.to_string().contains("pg_wal") && !refused.to_string().contains("base/"), "{refused}");
    // Without room for its log, Postgres itself ends.
    let mut connection = connect(&seen).await;
    while sqlx::query("select pg_switch_wal()").execute(&mut connection).await.is_ok() {
        let _ = enter_topic(&mut connection, "refused").await;
    }
    assert_eq!(server.health("live").await, 200);

    std::fs::remove_file(filler).expect("room again");
    assert_eq!(server.count_topics().await, before + acknowledged);
    // Postgres may still be starting again.
    let since = Instant::now();
    let response = loop {
        let response = server.create_topic(key.trim(), "there-is-room").await;
        let code = &response["errors"][0]["extensions"]["code"];
        if code != "UNAVAILABLE" || since.elapsed() > Duration::from_mins(1) {
            break response;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(response["data"]["createTopic"]["topic"]["slug"], "there-is-room", "{response}");
    let log = server.log();
    assert!(log.contains("No space left on device"), "{log}");
}

#[tokio::test]
async fn a_suspended_postgres_is_reported_and_can_be_stopped() {
    let folder = Folder::new("suspended");
    let server = Process::serve(folder.path()).await;
    server.count_topics().await;
    let postgres = postmaster(folder.path());
    kill(postgres, Signal::SIGSTOP).expect("suspended");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let log = server.log();
    assert!(log.contains("Postgres is suspended (SIGSTOP)"), "{log}");
    assert!(kill(postgres, None).is_err(), "it ended with the server");
}

#[tokio::test]
async fn a_folder_whose_data_are_gone_is_not_initialized_again() {
    let folder = Folder::new("unmounted");
    let server = Process::serve(folder.path()).await;
    enter_topic(&mut connect(folder.path()).await, "acknowledged").await.expect("acknowledged");
    let topics = server.count_topics().await;
    assert!(server.stop().success());
    // As if a disk was not mounted: an empty folder.
    let disk = folder.path().with_extension("disk");
    std::fs::rename(folder.path(), &disk).expect("unmounted");
    std::fs::create_dir(folder.path()).expect("the place of the mount");
    let data_dir = folder.path().to_str().expect("text");
    let name = folder.path().file_name().expect("a name").to_str().expect("text");
    let (slash, around) = (format!("{data_dir}/"), format!("{data_dir}/../{name}"));
    let otherwise = [(&*slash, &["migrate"][..]), (&around, &["migrate"])];
    for (named, command) in
        [&[][..], &["migrate"], &["export"]].map(|verb| (data_dir, verb)).into_iter().chain(otherwise)
    {
        let output = output(dossier(&[("DATA_DIR", named)]).args(command));
        let reported = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(1) && reported.contains("is empty, but it held the database"),
            "{reported}"
        );
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is made");
    }
    let mut command = dossier(&[("DATA_DIR", data_dir)]);
    command.args(["serve", "--new"]);
    let new = Process::of(command).await;
    assert_eq!(new.count_topics().await, topics - 1);
    assert!(new.stop().success());
    std::fs::remove_dir_all(folder.path()).expect("removed");
    std::fs::rename(&disk, folder.path()).expect("mounted");
    let server = Process::serve(folder.path()).await;
    assert_eq!(server.count_topics().await, topics);
    assert!(server.stop().success());
}

#[tokio::test]
async fn a_first_start_that_is_interrupted_leaves_nothing_half_made() {
    for (number, (signal, status)) in
        [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)].into_iter().cycle().take(8).enumerate()
    {
        let folder = Folder::new(&format!("interrupted-start-{number}"));
        let data_dir = folder.path().to_str().expect("text").to_owned();
        let child = dossier(&[("DATA_DIR", &data_dir)])
            .arg("migrate")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("dossier runs");
        tokio::time::sleep(Duration::from_millis(50 + 250 * number as u64)).await;
        kill(nix::unistd::Pid::from_raw(child.id().cast_signed()), signal).expect("sent");
        let since = Instant::now();
        let output = child.wait_with_output().expect("it ended");
        let (ended, reported) = (output.status, String::from_utf8_lossy(&output.stderr));
        // Before it handles signals, the default action ends it.
        let at_once = ended.signal() == Some(signal as i32);
        assert!(ended.success() || ended.code() == Some(status) || at_once, "{ended}: {reported}");
        assert!(since.elapsed() < Duration::from_secs(25), "{:?}", since.elapsed());
        for left in ["data.unfinished", "data/postmaster.pid"] {
            assert!(!folder.path().join(left).exists(), "{left} after {number}");
        }
        // The next start succeeds.
        let server = Process::serve(folder.path()).await;
        assert!(server.count_topics().await > 0);
        assert!(server.stop().success());
    }
}

/// Runs as process 1 of a container.
#[tokio::test]
async fn as_process_1_it_reaps_orphans_and_handles_signals() {
    let folder = Folder::new("first-process");
    let apart = ["unshare", "--pid", "--fork", "--mount-proc", "--"];
    if !can(&apart) {
        return;
    }
    let command = through(&apart, &[("DATA_DIR", folder.path().to_str().expect("text"))]);
    let mut server = Process::of(command).await;
    let before = server.count_topics().await;
    let first = children(server.id());
    let [first] = first.as_slice() else { panic!("unshare has one child: {first:?}") };
    for _ in 0..2 {
        let postgres = until(|| {
            children(*first)
                .into_iter()
                .find(|child| name(*child).as_deref() == Some("postgres") && !children(*child).is_empty())
        })
        .await;
        // Process 1 adopts its children.
        kill(nix::unistd::Pid::from_raw(postgres), Signal::SIGKILL).expect("killed");
        until(|| children(*first).iter().all(|child| *child != postgres).then_some(())).await;
        assert_eq!(server.count_topics().await, before);
    }
    until(|| (!children(*first).iter().any(|child| state(*child) == Some('Z'))).then_some(())).await;
    kill(nix::unistd::Pid::from_raw(*first), Signal::SIGTERM).expect("sent");
    assert!(server.end().success(), "it stopped in order");
}

fn stat(process: i32) -> Option<String> {
    std::fs::read_to_string(format!("/proc/{process}/stat")).ok()
}

fn name(process: i32) -> Option<String> {
    let stat = stat(process)?;
    Some(stat.split_once('(')?.1.rsplit_once(')')?.0.to_owned())
}

fn state(process: i32) -> Option<char> {
    stat(process)?.rsplit_once(") ")?.1.chars().next()
}

/// The processes whose parent a process is.
fn children(of: i32) -> Vec<i32> {
    let processes = std::fs::read_dir("/proc").expect("processes").flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let parent = |process| stat(process)?.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<i32>().ok();
    ids.filter(|process| parent(*process) == Some(of)).collect()
}

/// Waits until `look` returns something.
async fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(since.elapsed() < Duration::from_mins(1), "it never came to be");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn two_first_starts_at_once_share_one_postgres_and_either_may_end_first() {
    let folder = Folder::new("shared");
    let (one, other) = tokio::join!(Process::serve(folder.path()), Process::serve(folder.path()));
    let topics = one.count_topics().await;
    assert_eq!(other.count_topics().await, topics);
    // One of the two supervises Postgres; the other takes over if that one ends.
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
async fn a_running_request_completes_before_the_server_stops() {
    let folder = Folder::new("drained");
    let mut server = Process::serve(folder.path()).await;
    let mut connection = connect(folder.path()).await;
    sqlx::raw_sql("begin; lock table topics in access exclusive mode")
        .execute(&mut connection)
        .await
        .expect("locked");
    let (response, ()) = tokio::join!(server.response("{ topics { totalCount } }"), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.send(Signal::SIGINT);
        tokio::time::sleep(Duration::from_millis(300)).await;
        sqlx::raw_sql("rollback").execute(&mut connection).await.expect("unlocked");
    });
    assert!(response.expect("a response")["data"]["topics"]["totalCount"].is_u64());
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
    let (response, since) = tokio::join!(server.response("{ topics { totalCount } }"), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.send(Signal::SIGTERM);
        Instant::now()
    });
    assert!(
        response.is_err() || response.is_ok_and(|response| response["data"].is_null()),
        "it was given up"
    );
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
fn an_unusable_folder_is_reported_in_one_line() {
    let folder = Folder::new("unusable");
    std::fs::write(folder.path(), "a file").expect("written");
    let below = folder.path().join("data");
    refuses(&[("DATA_DIR", below.to_str().expect("text"))], "data");
    std::fs::remove_file(folder.path()).expect("removed");
}

#[test]
fn data_of_another_version_is_reported_with_its_version() {
    let folder = Folder::new("version");
    std::fs::create_dir_all(folder.path().join("data")).expect("made");
    std::fs::write(folder.path().join("data/PG_VERSION"), "9\n").expect("written");
    let data_dir = folder.path().to_str().expect("text");
    // Without the folder of the tests' own settings.
    refuses(&[("DATA_DIR", data_dir), ("PG_BIN", "")], "Postgres 9 (the version of the data) was not found");
    refuses(&[("DATA_DIR", data_dir), ("PG_BIN", "/nowhere")], "PG_BIN /nowhere: `postgres` is missing");
}

fn refuses(settings: &[(&str, &str)], reason: &str) {
    let output = output(&mut dossier(settings));
    let reported = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{reported}");
    assert!(
        reported.lines().any(|line| line.starts_with("dossier: ") && line.contains(reason)),
        "{reported}"
    );
}
