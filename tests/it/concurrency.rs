//! Concurrent writers, and acknowledged changes after a kill.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use dossier::auth::{caller::Role, keys};
use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

use crate::{
    mutations::{change, errors, statement},
    support::{
        cluster::Cluster,
        editor,
        process::{Folder, Process, connect, postmaster},
    },
};

/// Rows that differ from the log or are not in it, and rows of the log that are not there.
async fn unrecorded(connection: &mut PgConnection) -> Vec<String> {
    let tables: Vec<(String, String, String)> = sqlx::query_as(
        "select t.relname::text,
                string_agg(format('%1$L, coalesce(new_value, old_value) -> %1$L', a.attname), ', '),
                string_agg(format('%1$L, to_jsonb(t) -> %1$L', a.attname), ', ')
         from pg_class t
         join pg_trigger h on h.tgrelid = t.oid and h.tgname = t.relname || '_entered'
         join pg_index i on i.indrelid = t.oid and i.indisprimary
         join pg_attribute a on a.attrelid = t.oid and a.attnum = any(i.indkey)
         group by 1",
    )
    .fetch_all(&mut *connection)
    .await
    .expect("tables");
    assert!(tables.len() > 15, "{tables:?}");
    let mut unrecorded = Vec::new();
    for (table, reported, there) in tables {
        let sql = format!(
            "with logged as (
                 select distinct on (key) key, new_value
                 from (select id, new_value, jsonb_build_object({reported}) as key from revisions where part = '{table}') r
                 order by key, id desc
             )
             select coalesce(to_jsonb(t), new_value)::text
             from logged full join {table} t on jsonb_build_object({there}) = logged.key
             where (to_jsonb(t) @> new_value) is distinct from true and num_nonnulls(to_jsonb(t), new_value) > 0"
        );
        let rows: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut *connection).await.expect("rows");
        unrecorded.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
    }
    unrecorded
}

/// Deadlocks that the database has found.
async fn deadlocks(pool: &PgPool) -> i64 {
    // A connection reports its counts once it has been idle for a second.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let sql = "select deadlocks from pg_stat_database where datname = current_database()";
    sqlx::query_scalar(sql).fetch_one(pool).await.expect("a count")
}

const WRITERS: usize = 16;
const ROUNDS: usize = 15;
const ACTORS: usize = 6;

/// The next mutation of one of many writers: its name, its input, and its selection.
fn next(writer: usize, round: usize, revision: i64, left: &[i64]) -> (&'static str, Value, &'static str) {
    let actor = |number: usize| json!({"slug": format!("contested-{}", number % ACTORS)});
    let turn = writer * 7 + round;
    let (one, other) = (actor(turn), actor(turn + 1 + writer % (ACTORS - 1)));
    match turn % 8 {
        0 | 1 => {
            let alias = json!([{"name": format!("writer {writer} round {round}"), "kind": "ALIAS"}]);
            let input = json!({"actor": one, "names": alias, "expectedRevision": revision});
            ("updateActor", input, "actor { slug }")
        }
        2 | 3 => {
            let mut said = statement(&format!("said-{writer}-{round}"));
            said["speaker"] = one;
            said["addressees"] = json!([other, {"slug": "israel"}]);
            ("createStatement", said, "statement { slug }")
        }
        4 => {
            let said = json!({"slug": format!("said-{writer}-{}", round.saturating_sub(1))});
            ("deleteStatement", json!({"statement": said}), "deletedId")
        }
        5 => ("mergeActors", json!({"keep": one, "merge": other}), "actor { slug }"),
        6 => ("unmergeActors", json!({"merge": one}), "actor { slug }"),
        _ if round.is_multiple_of(3) || left.is_empty() => {
            ("deleteActor", json!({"actor": one}), "deletedId")
        }
        _ => ("revertRevision", json!({"revision": left[round % left.len()]}), "records { id }"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_deletes_merges_and_reverts_get_in_each_others_way_and_nothing_is_lost() {
    let editor = editor().await;
    for number in 0..ACTORS {
        let actor = json!({"slug": format!("contested-{number}"), "kind": "GROUP", "name": format!("Contested {number}")});
        change(&editor, "createActor", actor, "actor { slug }").await;
        let mut said = statement(&format!("said-by-{number}"));
        said["speaker"] = json!({"slug": format!("contested-{number}")});
        change(&editor, "createStatement", said, "statement { slug }").await;
    }
    let pool = editor.pool();
    let before: i64 =
        sqlx::query_scalar("select max(id) from revisions").fetch_one(pool).await.expect("a number");
    let since = Instant::now();
    let writers = (0..WRITERS).map(|writer| {
        let editor = editor.clone();
        tokio::spawn(async move {
            let (mut left, mut refused) = (Vec::new(), Vec::new());
            for round in 0..ROUNDS {
                let slug = format!("contested-{}", (writer * 7 + round) % ACTORS);
                let read = "query($slug: String!) { actor(by: {slug: $slug}) { revision } }";
                let read = editor.query_with(read, json!({ "slug": slug })).await;
                let revision = read["actor"]["revision"].as_i64().unwrap_or(0);
                let (mutation, input, selection) = next(writer, round, revision, &left);
                let payload = change(&editor, mutation, input, selection).await;
                match payload["revision"].as_i64() {
                    Some(revision) => left.push(revision),
                    None => refused.push((mutation, payload)),
                }
            }
            (left, refused)
        })
    });
    let (mut left, mut refused, mut responses) = (Vec::new(), 0, BTreeMap::<String, u32>::new());
    for writer in writers.collect::<Vec<_>>() {
        let (own, conflicts) = writer.await.expect("a writer");
        left.extend(own);
        refused += conflicts.len();
        for (mutation, payload) in conflicts {
            for (code, _) in errors(&payload) {
                let expected = ["CONFLICT", "NOT_FOUND", "IN_USE"].contains(&code.as_str())
                    || mutation == "mergeActors" && code == "INVALID"
                    || mutation == "revertRevision" && code == "TAKEN";
                assert!(expected, "{mutation}: {payload}");
                *responses.entry(format!("{mutation} {code}")).or_default() += 1;
            }
            assert!(!payload.to_string().contains("kept changing"), "none had to give up: {payload}");
        }
    }
    eprintln!(
        "{WRITERS} writers, {:.1} s: {} accepted, {refused} refused {responses:?}",
        since.elapsed().as_secs_f64(),
        left.len()
    );
    assert_eq!(left.len() + refused, WRITERS * ROUNDS, "each was accepted or refused");
    assert!(left.len() > WRITERS && refused > 0, "they got in each other's way");
    let changes: i64 = sqlx::query_scalar(
        "select count(distinct change) from revisions where id > $1 and requester = 'editor'",
    )
    .bind(before)
    .fetch_one(pool)
    .await
    .expect("a count");
    assert_eq!(
        usize::try_from(changes),
        Ok(left.len()),
        "every accepted change is in the history, and no other"
    );
    let known: i64 = sqlx::query_scalar("select count(*) from revisions where id = any($1)")
        .bind(&left)
        .fetch_one(pool)
        .await
        .expect("a count");
    assert_eq!(usize::try_from(known), Ok(left.iter().collect::<BTreeSet<_>>().len()));
    let mut connection = pool.acquire().await.expect("a connection");
    assert_eq!(unrecorded(&mut connection).await, Vec::<String>::new());
    assert_eq!(deadlocks(pool).await, 0, "no two waited for each other");
}

/// What a client received of a statement.
#[derive(Clone)]
struct Acknowledged {
    slug: String,
    summary: String,
    revision: i64,
}

/// A client that creates and updates statements, each mutation with its own `clientMutationId`.
#[derive(Clone)]
struct Clerk {
    name: String,
    key: String,
    http: reqwest::Client,
    acknowledged: Vec<Acknowledged>,
    /// Its request without a response.
    pending: Option<(&'static str, Value)>,
    /// Codes of errors.
    errors: BTreeSet<String>,
    statements: usize,
}

impl Clerk {
    async fn new(connection: &mut PgConnection, number: usize) -> Clerk {
        let name = format!("clerk-{number}");
        let key = keys::create(&mut *connection, &name, Role::Editor, None).await.expect("a key");
        Clerk {
            name,
            key,
            http: reqwest::Client::new(),
            acknowledged: Vec::new(),
            pending: None,
            errors: BTreeSet::new(),
            statements: 0,
        }
    }

    /// The pending mutation, or the next one.
    fn next(&mut self) -> (&'static str, Value) {
        if let Some(pending) = &self.pending {
            return pending.clone();
        }
        let fresh = self.acknowledged.last().filter(|last| last.summary == "First.");
        let next = if let Some(last) = fresh {
            let input = json!({
                "statement": {"slug": last.slug}, "summary": "Second.", "expectedRevision": last.revision,
                "topics": [{"slug": "reconstruction-of-gaza"}], "clientMutationId": format!("{} again", last.slug),
            });
            ("updateStatement", input)
        } else {
            let slug = format!("{}-{}", self.name, self.statements);
            self.statements += 1;
            let mut input = statement(&slug);
            input["summary"] = json!("First.");
            input["addressees"] = json!([{"slug": "israel"}, {"slug": "donald-trump"}]);
            input["topics"] = json!([{"slug": "two-state-solution"}]);
            input["clientMutationId"] = json!(slug);
            ("createStatement", input)
        };
        self.pending = Some(next.clone());
        next
    }

    /// Sends it once, and returns whether it was acknowledged.
    async fn write(&mut self, address: &str) -> bool {
        let (mutation, input) = self.next();
        let ty = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!(
            "mutation($input: {ty}!) {{ {mutation}(input: $input) {{ revision userErrors {{ code message }} statement {{ slug summary }} }} }}"
        );
        let requested = self.http.post(format!("http://{address}/graphql")).bearer_auth(&self.key);
        let response = async {
            let requested = requested.json(&json!({"query": query, "variables": {"input": input}}));
            requested.send().await?.json::<Value>().await
        };
        let Ok(response) = response.await else { return false };
        if let Some(code) = response["errors"][0]["extensions"]["code"].as_str() {
            self.errors.insert(code.to_owned());
            return false;
        }
        let payload = &response["data"][mutation];
        assert_eq!(payload["userErrors"], json!([]), "{}: {mutation}", self.name);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        self.acknowledged.push(Acknowledged {
            slug: text(&payload["statement"]["slug"]),
            summary: text(&payload["statement"]["summary"]),
            revision: payload["revision"].as_i64().expect("a number"),
        });
        self.pending = None;
        true
    }
}

/// Clerks that write until they are stopped, or their server is gone.
fn write_on(
    clerks: Vec<Clerk>,
    address: &str,
    stop: &Arc<AtomicBool>,
    until_gone: bool,
) -> Vec<tokio::task::JoinHandle<Clerk>> {
    let run = |mut clerk: Clerk| {
        let (address, stop) = (address.to_owned(), stop.clone());
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) || clerk.pending.is_some() && !until_gone {
                if !clerk.write(&address).await {
                    if until_gone {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            clerk
        })
    };
    clerks.into_iter().map(run).collect()
}

async fn join(writing: Vec<tokio::task::JoinHandle<Clerk>>) -> Vec<Clerk> {
    let mut clerks = Vec::new();
    for clerk in writing {
        let clerk = tokio::time::timeout(Duration::from_mins(1), clerk).await.expect("it ended");
        clerks.push(clerk.expect("a clerk"));
    }
    clerks
}

/// Checks that everything acknowledged is there with its revision, and every statement is complete.
async fn check(connection: &mut PgConnection, clerks: &[Clerk]) {
    for clerk in clerks {
        for Acknowledged { slug, summary, revision } in &clerk.acknowledged {
            let found: Option<(String, bool, bool)> = sqlx::query_as(
                "select summary,
                        exists (select from revisions where id = $2 and statement_id = s.id and requester = $3),
                        exists (select from client_mutations where requester = $3 and record_id = s.id and revision = $2)
                 from statements s where slug = $1",
            )
            .bind(slug)
            .bind(revision)
            .bind(&clerk.name)
            .fetch_optional(&mut *connection)
            .await
            .expect("a row");
            let (found, reported, named) = found.unwrap_or_else(|| panic!("{slug} was lost"));
            assert!(reported && named, "{slug}: revision {revision} was lost");
            assert!(found == *summary || found == "Second.", "{slug}: {summary} was lost");
        }
    }
    let torn: Vec<String> = sqlx::query_scalar(
        "select slug::text from statements s where slug like 'clerk-%' and not (
             (select count(*) from citations where statement_id = s.id) = 1
             and (select count(*) from statement_addressees where statement_id = s.id) = 2
             and (select count(*) from statement_topics where statement_id = s.id) = 1
             and (select count(*) from client_mutations where record_id = s.id and revision is not null)
                 = case summary when 'First.' then 1 else 2 end)",
    )
    .fetch_all(&mut *connection)
    .await
    .expect("a row");
    assert_eq!(torn, Vec::<String>::new(), "what is there is there whole");
    assert_eq!(unrecorded(connection).await, Vec::<String>::new());
}

async fn statements(connection: &mut PgConnection) -> usize {
    let sql = "select count(*) from statements where slug like 'clerk-%'";
    let count: i64 = sqlx::query_scalar(sql).fetch_one(connection).await.expect("a count");
    usize::try_from(count).expect("a count")
}

const CLERKS: usize = 8;

/// Waits until each of them has had time for some statements.
async fn until_they_write(connection: &mut PgConnection) {
    let before = statements(connection).await;
    while statements(connection).await < before + 4 * CLERKS {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn new_clerks(connection: &mut PgConnection) -> Vec<Clerk> {
    let mut clerks = Vec::new();
    for number in 0..CLERKS {
        clerks.push(Clerk::new(connection, number).await);
    }
    clerks
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_changes_survive_a_kill_of_the_server_and_retries_complete_the_rest() {
    let folder = Folder::new("killed-while-writing");
    let mut server = Process::serve(folder.path()).await;
    let mut connection = connect(folder.path()).await;
    let clerks = new_clerks(&mut connection).await;
    let stop = Arc::new(AtomicBool::new(false));
    let since = Instant::now();
    let writing = write_on(clerks, server.address(), &stop, true);
    until_they_write(&mut connection).await;
    connection.close().await.expect("closed");
    server.send(Signal::SIGKILL);
    server.end();
    let clerks = join(writing).await;
    let seconds = since.elapsed().as_secs_f64();

    let server = Process::serve(folder.path()).await;
    server.count_topics().await;
    let mut connection = connect(folder.path()).await;
    check(&mut connection, &clerks).await;
    let acknowledged: usize = clerks.iter().map(|clerk| clerk.acknowledged.len()).sum();
    let there = statements(&mut connection).await;
    assert!(acknowledged > CLERKS);
    eprintln!(
        "server killed: {CLERKS} writers, {seconds:.1} s, {acknowledged} acknowledged, {there} statements, 0 lost"
    );

    // Retried with the same id, an unacknowledged mutation runs once.
    stop.store(true, Ordering::Relaxed);
    let clerks = join(write_on(clerks, server.address(), &stop, false)).await;
    check(&mut connection, &clerks).await;
    assert_eq!(statements(&mut connection).await, clerks.iter().map(|clerk| clerk.statements).sum::<usize>());
    assert!(server.stop().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_changes_survive_a_kill_of_postgres_and_clients_continue_by_retrying() {
    let folder = Folder::new("postgres-killed-while-writing");
    let server = Process::serve(folder.path()).await;
    let mut connection = connect(folder.path()).await;
    let clerks = new_clerks(&mut connection).await;
    let stop = Arc::new(AtomicBool::new(false));
    let since = Instant::now();
    let writing = write_on(clerks, server.address(), &stop, false);
    until_they_write(&mut connection).await;
    let killed = postmaster(folder.path());
    kill(killed, Signal::SIGKILL).expect("killed");
    server.count_topics().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.store(true, Ordering::Relaxed);
    let clerks = join(writing).await;
    let seconds = since.elapsed().as_secs_f64();
    assert_ne!(postmaster(folder.path()), killed);

    let mut connection = connect(folder.path()).await;
    check(&mut connection, &clerks).await;
    let acknowledged: usize = clerks.iter().map(|clerk| clerk.acknowledged.len()).sum();
    let there = statements(&mut connection).await;
    assert!(acknowledged > CLERKS);
    assert_eq!(there, clerks.iter().map(|clerk| clerk.statements).sum::<usize>(), "each once");
    let reported: BTreeSet<&str> =
        clerks.iter().flat_map(|clerk| &clerk.errors).map(String::as_str).collect();
    assert_eq!(reported, BTreeSet::from(["UNAVAILABLE"]), "meanwhile their errors say to retry");
    eprintln!(
        "Postgres killed: {CLERKS} writers, {seconds:.1} s, {acknowledged} acknowledged, {there} statements, 0 lost"
    );
    assert!(server.stop().success());
}

/// A client that reads until it is stopped: the number of its responses by code.
async fn read_on(address: String, stop: Arc<AtomicBool>) -> BTreeMap<String, usize> {
    let (http, mut responses) = (reqwest::Client::new(), BTreeMap::new());
    while !stop.load(Ordering::Relaxed) {
        let post = http.post(format!("http://{address}/graphql"));
        let post = post.json(&json!({ "query": "{ statements(first: 5) { nodes { summary } } }" }));
        let response: Value = post.send().await.expect("a response").json().await.expect("JSON");
        let code = response["errors"][0]["extensions"]["code"].as_str().unwrap_or("answered");
        *responses.entry(code.to_owned()).or_default() += 1;
    }
    responses
}

/// How long it takes until the server says whether it writes.
async fn until_writing(address: &str, writing: bool) -> Duration {
    let since = Instant::now();
    loop {
        let ready = reqwest::get(format!("http://{address}/health/ready")).await.expect("a response");
        let ready: Value = ready.json().await.expect("JSON");
        if ready["writing"] == writing {
            return since.elapsed();
        }
        assert!(since.elapsed() < Duration::from_secs(30), "{ready}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_changes_survive_a_failover_and_clients_continue_by_retrying() {
    let Some(mut cluster) = Cluster::with_standbys("failover", 1).await else { return };
    cluster.synchronous().await;
    let socket = cluster.standby().folder().display().to_string().replace('/', "%2F");
    let url = format!("{},{socket}", cluster.writer.url());
    let server = Process::start(&[("DATABASE_URL", &url), ("LOG_FORMAT", "json")]).await;
    let mut connection = PgConnection::connect(&cluster.writer.url()).await.expect("a connection");
    let clerks = new_clerks(&mut connection).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writing = write_on(clerks, server.address(), &stop, false);
    let readers: Vec<_> =
        (0..4).map(|_| tokio::spawn(read_on(server.address().to_owned(), stop.clone()))).collect();
    until_they_write(&mut connection).await;
    drop(connection);

    cluster.writer.kill();
    let killed = Instant::now();
    let noticed = until_writing(server.address(), false).await;
    cluster.standby().promote().await;
    let found = until_writing(server.address(), true).await;
    let away = killed.elapsed();
    let mut connection = PgConnection::connect(&cluster.standby().url()).await.expect("a connection");
    until_they_write(&mut connection).await;
    stop.store(true, Ordering::Relaxed);
    let clerks = join(writing).await;

    check(&mut connection, &clerks).await;
    let acknowledged: usize = clerks.iter().map(|clerk| clerk.acknowledged.len()).sum();
    let there = statements(&mut connection).await;
    assert_eq!(there, clerks.iter().map(|clerk| clerk.statements).sum::<usize>(), "each once");
    let refused: BTreeSet<&str> = clerks.iter().flat_map(|clerk| &clerk.errors).map(String::as_str).collect();
    assert_eq!(refused, BTreeSet::from(["UNAVAILABLE"]), "meanwhile their errors say to retry");
    let mut read = BTreeMap::new();
    for reader in readers {
        for (code, count) in reader.await.expect("it ended") {
            *read.entry(code).or_insert(0) += count;
        }
    }
    eprintln!(
        "writer killed: {CLERKS} writers, not ready to write after {noticed:.1?}, writing {found:.1?} after the promotion \
         ({away:.1?} in all); {acknowledged} acknowledged, {there} statements, 0 lost; reads {read:?}"
    );
    let codes: BTreeSet<&str> = read.keys().map(String::as_str).collect();
    assert!(codes.is_subset(&BTreeSet::from(["answered", "UNAVAILABLE"])), "{read:?}");
    assert!(server.stop().success());
}
