//! Backups and restored bases, with the program itself.

use std::{
    fs,
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Output, Stdio},
    sync::Arc,
    time::Duration,
};

use dossier::auth::{caller::Role, keys};
use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::{
    majors::programs,
    merge::{everything, revert, same},
    mutations::{change, statement},
    support::{
        Client,
        database::{TestDatabase, database, empty_database, empty_database_with},
        process::{Folder, Process, dossier, output},
    },
};

/// Definitions of all that migrations make: what a restored base must have too.
const DEFINITIONS: &str = "
    select format('%s.%s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
           || coalesce(obj_description(oid, 'pg_constraint'), '')
    from pg_constraint where connamespace = 'public'::regnamespace
    union all select pg_get_indexdef(indexrelid) from pg_index join pg_class on pg_class.oid = indexrelid
    where relnamespace = 'public'::regnamespace
    union all select pg_get_triggerdef(oid) || tgenabled::text from pg_trigger where not tgisinternal
    union all select format('%s.%s %s %s', attrelid::regclass, attname, atttypid::regtype, attgenerated)
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace in ('public'::regnamespace, 'dossier_past'::regnamespace) and relkind in ('r', 'v')
    and attnum > 0 and not attisdropped
    union all select format('_sqlx_migrations %s', version) from _sqlx_migrations
    union all select format('%s %s', sequencename, coalesce(last_value, 0)) from pg_sequences
    where schemaname = 'public'
    order by 1";

async fn definitions(database: &TestDatabase) -> Vec<String> {
    sqlx::query_scalar(DEFINITIONS).fetch_all(database.pool()).await.expect("definitions")
}

fn run(database: &TestDatabase, arguments: &[&str]) -> Output {
    output(dossier(&[("DATABASE_URL", database.url())]).args(arguments))
}

/// Runs a command that must succeed, and returns what it prints.
fn done(database: &TestDatabase, arguments: &[&str]) -> String {
    let output = run(database, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Runs a command that must fail, and returns its reason.
fn refused(database: &TestDatabase, arguments: &[&str]) -> String {
    let output = run(database, arguments);
    let reported = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{reported}");
    reported.lines().last().expect("a reason").to_owned()
}

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    fs::create_dir_all(folder.path()).expect("a folder");
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// Number of tables, of any schema.
async fn tables(database: &TestDatabase) -> i64 {
    let sql = "select count(*) from pg_class join pg_namespace n on n.oid = relnamespace
               where relkind in ('r', 'v') and nspname !~ '^(pg_|information_schema$)'";
    sqlx::query_scalar(sql).fetch_one(database.pool()).await.expect("a count")
}

/// A base with a history, merged actors, a text, a key and a dataset; with the key, the last revision before the last
/// change, and that change.
async fn lived_in(folder: &Path) -> (Client, String, i64, Value) {
    let database = Arc::new(database().await);
    let anonymous = Client::of(&database).await;
    let key = keys::create(anonymous.pool(), "ann", Role::Editor, None).await.expect("a key");
    let editor = anonymous.with_key(&key);
    for slug in ["ann-a", "ann-b"] {
        let input = json!({"slug": slug, "kind": "PERSON", "name": slug});
        change(&editor, "createActor", input, "actor { id }").await;
    }
    let input = json!({"keep": {"slug": "ann-a"}, "merge": {"slug": "ann-b"}});
    assert_eq!(change(&editor, "mergeActors", input, "actor { slug }").await["userErrors"], json!([]));
    let created = change(&editor, "createStatement", statement("gone"), "statement { id }").await;
    assert_eq!(created["userErrors"], json!([]), "{created}");
    change(&editor, "deleteStatement", json!({"statement": {"slug": "gone"}}), "deletedId").await;
    let words = folder.join("words.txt");
    fs::write(&words, "Words\twith \\. and \\N,\n\\.\nand ünïcödé.\n").expect("written");
    let source = "musavat-interview-with-yury-bocharov";
    done(&database, &["source", "attach", source, text(&words)]);
    let file = folder.join("people.json");
    let people = r#"{"persons": [{"id": "p1", "name": "Pat One"}], "organizations": [], "memberships": []}"#;
    fs::write(&file, people).expect("written");
    let report = folder.join("report.jsonl");
    done(&database, &["import", text(&file), "--dataset", "people", "--report", text(&report)]);
    let before = sqlx::query_scalar("select max(id) from revisions").fetch_one(anonymous.pool()).await;
    let input = json!({"actor": {"slug": "ann-a"}, "name": "Ann"});
    let updated = change(&editor, "updateActor", input, "revision").await;
    assert_eq!(updated["userErrors"], json!([]), "{updated}");
    let revision = updated["revision"].clone();
    (anonymous, key, before.expect("a number"), revision)
}

#[tokio::test]
async fn a_restored_base_equals_the_old_one_in_export_history_and_merges() {
    let folder = folder("backup");
    let (old, key, before, updated) = lived_in(folder.path()).await;
    let old_base = TestDatabase::at(old.database_url());
    let file = folder.path().join("base.backup");
    done(&old_base, &["backup", "--verify", text(&file)]);
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    let verified = done(&old_base, &["restore", "--verify", text(&file)]);
    assert!(verified.starts_with("the backup is complete: "), "{verified}");

    let new_base = Arc::new(empty_database().await);
    done(&new_base, &["restore", text(&file)]);
    assert_eq!(definitions(&new_base).await, definitions(&old_base).await);
    assert_eq!(done(&new_base, &["export"]), done(&old_base, &["export"]));
    let new = Client::of(&new_base).await.with_key(&key);
    let old = old.with_key(&key);
    same(&everything(&new).await, &everything(&old).await);
    for query in [
        "{ revisions(last: 100) { nodes {
            number change operation recordedAt requester part diff { field before after }
        } } }"
            .to_owned(),
        format!(r#"{{ actor(by: {{slug: "ann-b"}}, asOf: {{revision: {before}}}) {{ id slug name }} }}"#),
        "{ actors(last: 100) { edges { cursor node { id slug name } } } }".to_owned(),
        r#"{ source(by: {slug: "musavat-interview-with-yury-bocharov"}) { text { content } } }"#.to_owned(),
    ] {
        let (expected, found) = (old.query(&query).await, new.query(&query).await);
        assert_eq!(found, expected, "{query}");
    }
    // It goes on where the old one was: numbers, keys, undo, merges.
    let reverted = revert(&new, &updated).await;
    assert_eq!(reverted["userErrors"], json!([]), "{reverted}");
    let unmerged = change(&new, "unmergeActors", json!({"merge": {"slug": "ann-b"}}), "actor { slug }").await;
    assert_eq!(unmerged["actor"]["slug"], "ann-b", "{unmerged}");
    let last = "select max(id) from revisions";
    let number = async |base: &TestDatabase| -> i64 {
        sqlx::query_scalar(last).fetch_one(base.pool()).await.expect("a number")
    };
    assert!(number(&new_base).await > number(&old_base).await);

    let reason = refused(&new_base, &["restore", text(&file)]);
    assert_eq!(reason, "dossier: the database already has Dossier tables; restore into an empty database");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_while_others_write_is_one_moment() {
    let folder = folder("backup-writes");
    let database = Arc::new(database().await);
    let editor = Client::of(&database).await.as_role(Role::Editor).await;
    let writing = tokio::spawn(async move {
        for number in 0.. {
            let slug = format!("topic-{number}");
            change(&editor, "createTopic", json!({"slug": slug, "name": slug}), "topic { id }").await;
        }
    });
    let written = "select count(*) from topics where slug like 'topic-%'";
    while sqlx::query_scalar::<_, i64>(written).fetch_one(database.pool()).await.expect("a count") == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for number in 0..3 {
        let file = folder.path().join(format!("{number}.backup"));
        let url = database.url().to_owned();
        let mut backup = dossier(&[("DATABASE_URL", &url)]);
        backup.arg("backup").arg(&file);
        let backed_up =
            tokio::task::spawn_blocking(move || output(&mut backup)).await.expect("not cancelled");
        assert!(backed_up.status.success(), "{}", String::from_utf8_lossy(&backed_up.stderr));
        let restored = empty_database().await;
        done(&restored, &["restore", text(&file)]);
        // A topic without its revision, or a revision without its topic, would be two moments.
        let sql = "select count(*) filter (where slug like 'topic-%'),
                          (select count(*) from revisions where new_value->>'slug' like 'topic-%'
                           and part = 'topics')
                   from topics";
        let (topics, revisions): (i64, i64) =
            sqlx::query_as(sql).fetch_one(restored.pool()).await.expect("counts");
        assert_eq!(topics, revisions);
        assert!(topics > 0, "nothing was written before the backup");
    }
    writing.abort();
}

#[tokio::test]
async fn a_file_that_is_cut_damaged_newer_or_no_backup_restores_nothing() {
    let folder = folder("backup-damaged");
    let whole = folder.path().join("whole");
    let old = database().await;
    done(&old, &["backup", text(&whole)]);
    let bytes = fs::read(&whole).expect("read");
    let mut plain = String::new();
    zstd::Decoder::new(&*bytes).expect("zstd").read_to_string(&mut plain).expect("text");
    let mut flipped = bytes.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let compressed = |text: &str| zstd::encode_all(text.as_bytes(), 1).expect("compressed");
    let cut_at_a_table = &plain[..plain.find("{\"table\":{\"name\":\"statements\"").expect("a table")];
    let cases: [(&str, Vec<u8>, &str); 9] = [
        ("without-its-last-byte", bytes[..bytes.len() - 1].to_vec(), "is incomplete"),
        ("two-files", [&*bytes, &*bytes].concat(), "something follows its end"),
        ("cut", bytes[..middle].to_vec(), "is incomplete"),
        ("cut-at-a-table", compressed(cut_at_a_table), "is incomplete"),
        ("flipped", flipped, "damaged"),
        ("changed", compressed(&plain.replace("Bocharov", "Botcharov")), "the count or the digest of `"),
        (
            "newer-format",
            compressed(&plain.replacen("\"format\":1", "\"format\":2", 1)),
            "newer than this version",
        ),
        (
            "newer",
            compressed(&plain.replacen("\"migrations\":[", "\"migrations\":[9999,", 1)),
            "it has migration 9999",
        ),
        ("export", b"{\"type\":\"Actor\"}\n".to_vec(), "is not a backup"),
    ];
    let empty = empty_database().await;
    for (name, content, expected) in cases {
        let file = folder.path().join(name);
        fs::write(&file, content).expect("written");
        for options in [&["restore"][..], &["restore", "--verify"]] {
            let reason = refused(&empty, &[options, &[text(&file)]].concat());
            assert!(reason.contains(expected), "{name}: {reason}");
        }
        assert_eq!(tables(&empty).await, 0, "{name}");
    }
    let reason = refused(&empty, &["backup", text(&folder.path().join("none"))]);
    assert!(reason.contains("has no Dossier tables"), "{reason}");
    assert!(!folder.path().join("none").exists());
    sqlx::query("create table others (id bigint)").execute(empty.pool()).await.expect("a table");
    let reason = refused(&empty, &["restore", text(&whole)]);
    assert!(reason.contains("holds tables of another program (public.others)"), "{reason}");
}

#[tokio::test]
async fn a_restore_that_is_killed_leaves_nothing_and_the_next_one_restores_all() {
    let folder = folder("restore-killed");
    let file = folder.path().join("base");
    done(&database().await, &["backup", text(&file)]);
    let empty = empty_database().await;
    for number in 1..4 {
        let mut restoring = dossier(&[("DATABASE_URL", empty.url())]);
        let mut restoring =
            restoring.args(["restore", text(&file)]).stderr(Stdio::null()).spawn().expect("runs");
        tokio::time::sleep(Duration::from_millis(300 * number)).await;
        kill(nix::unistd::Pid::from_raw(restoring.id().cast_signed()), Signal::SIGKILL).expect("killed");
        restoring.wait().expect("it ended");
        // The session ends a moment later.
        let gone = "select count(*) from pg_stat_activity
                    where datname = current_database() and pid <> pg_backend_pid() and application_name = 'dossier'";
        while sqlx::query_scalar::<_, i64>(gone).fetch_one(empty.pool()).await.expect("a count") > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(tables(&empty).await, 0, "killed after {} ms", 300 * number);
    }
    done(&empty, &["restore", text(&file)]);
}

#[tokio::test]
async fn the_owner_of_a_database_restores_into_it_and_into_a_schema_through_pipes() {
    let folder = folder("restore-owner");
    let old = database().await;
    let file = folder.path().join("base");
    done(&old, &["backup", text(&file)]);
    let piped = run(&old, &["backup", "-"]);
    assert!(piped.status.success() && piped.stdout.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]));
    let owner = format!("restorer_{}", std::process::id());
    let create = AssertSqlSafe(format!("create role {owner} login password '{owner}'"));
    sqlx::raw_sql(create).execute(old.pool()).await.expect("a role");
    let new = empty_database_with(&format!("owner {owner}")).await;
    let (_, after) = new.url().split_once('@').expect("an address with a user");
    let url = format!("postgres://{owner}:{owner}@{after}");
    let mut restore = dossier(&[("DATABASE_URL", &url), ("DATABASE_SCHEMA", "eu")]);
    restore.args(["restore", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut restoring = restore.spawn().expect("dossier runs");
    restoring.stdin.take().expect("piped").write_all(&piped.stdout).expect("written");
    let restored = restoring.wait_with_output().expect("it ended");
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    let exported = output(dossier(&[("DATABASE_URL", &url), ("DATABASE_SCHEMA", "eu")]).arg("export"));
    assert_eq!(String::from_utf8_lossy(&exported.stdout), done(&old, &["export"]));
    let remove = AssertSqlSafe(format!("reassign owned by {owner} to current_user; drop role {owner}"));
    sqlx::raw_sql(remove).execute(new.pool()).await.expect("removed");
}

#[tokio::test]
async fn an_upgrade_carries_the_data_to_a_newer_postgres_also_after_it_was_killed() {
    let (Some(older), Some(newer)) = (programs(17), programs(18)) else { return };
    let folder = Folder::new("upgrade");
    let data_dir = text(folder.path());
    let settings = |pg_bin: &Path| dossier(&[("DATA_DIR", data_dir), ("PG_BIN", text(pg_bin))]);
    let export = |pg_bin: &Path| {
        let exported = output(settings(pg_bin).arg("export"));
        assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
        exported.stdout
    };
    assert!(output(settings(&older).arg("migrate")).status.success());
    let before = export(&older);
    let refused = output(settings(&newer).arg("export"));
    let reported = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(reported.contains("dossier upgrade carries them over"), "{reported}");

    let server = Process::of(settings(&older)).await;
    let refused = output(settings(&newer).arg("upgrade"));
    let reported = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(reported.contains("another Dossier uses"), "{reported}");
    assert!(server.stop().success());

    for number in 1..5 {
        let mut upgrading = settings(&newer).arg("upgrade").stderr(Stdio::null()).spawn().expect("runs");
        tokio::time::sleep(Duration::from_millis(700 * number)).await;
        let _ = upgrading.kill();
        upgrading.wait().expect("it ended");
        let is_old = fs::read_to_string(folder.path().join("data/PG_VERSION"))
            .is_ok_and(|version| version.trim() == "17");
        if !is_old {
            break;
        }
        assert_eq!(export(&older), before, "killed after {} ms", 700 * number);
    }
    let upgraded = output(settings(&newer).arg("upgrade"));
    assert!(upgraded.status.success(), "{}", String::from_utf8_lossy(&upgraded.stderr));
    assert_eq!(export(&newer), before);
    let kept = folder.path().join("data.17");
    assert!(kept.join("PG_VERSION").exists());
    // Killed between the two renames: the new data are in place at the next start.
    fs::rename(folder.path().join("data"), folder.path().join("data.upgraded")).expect("renamed");
    assert_eq!(export(&newer), before);
    assert!(output(settings(&newer).args(["upgrade", "--delete-old"])).status.success());
    assert!(!kept.exists());
}

#[tokio::test]
async fn a_change_of_the_collation_is_noticed_and_indexes_are_rebuilt_on_demand() {
    let base = empty_database_with("locale_provider icu icu_locale 'en' template template0").await;
    let migrated = run(&base, &["migrate"]);
    assert!(migrated.status.success() && !String::from_utf8_lossy(&migrated.stderr).contains("collation"));
    let age = "update pg_database set datcollversion = '1' where datname = current_database()";
    sqlx::query(age).execute(base.pool()).await.expect("a superuser");
    let warned = String::from_utf8(run(&base, &["migrate"]).stderr).expect("text");
    assert!(
        warned.contains("collation version 1") && warned.contains("dossier migrate --reindex"),
        "{warned}"
    );
    let file = "select pg_relation_filenode('topics_slug_key')::bigint";
    let before: i64 = sqlx::query_scalar(file).fetch_one(base.pool()).await.expect("a number");
    let rebuilt = done(&base, &["migrate", "--reindex"]);
    assert!(rebuilt.contains("rebuilt ") && !rebuilt.contains("rebuilt 0"), "{rebuilt}");
    assert_ne!(sqlx::query_scalar::<_, i64>(file).fetch_one(base.pool()).await.expect("a number"), before);
    let warned = String::from_utf8(run(&base, &["migrate"]).stderr).expect("text");
    assert!(!warned.contains("collation"), "{warned}");
}
