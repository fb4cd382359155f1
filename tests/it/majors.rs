//! The supported major versions of Postgres whose binaries npm has.

use std::{fs, path::PathBuf, sync::Arc};

use dossier::database::{
    binaries::{self, NPM_VERSION},
    embedded::{Durability, Postgres},
    subprocess::Subprocess,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    golden::has_golden_responses,
    hosted::{run, works},
    support::{Client, database::TestDatabase, process::Folder, say},
};

/// Exact versions, so that every run has the same.
const VERSIONS: [(u32, &str); 3] = [(16, "16.14.0-beta.17"), (17, "17.10.0-beta.17"), (18, NPM_VERSION)];

/// The programs of a major version, fetched once; none, said loudly, where the tests go without npm.
pub fn programs(major: u32) -> Option<PathBuf> {
    let (_, version) = VERSIONS.into_iter().find(|(listed, _)| *listed == major).expect("a version");
    match binaries::fetch_version_with_npm(version, &Subprocess::default()) {
        Ok(programs) => Some(programs),
        Err(reason) => {
            let skips = std::env::var("SKIP_CONFORMANCE").is_ok_and(|value| value == "1");
            assert!(skips, "{reason}. Install npm, or set SKIP_CONFORMANCE=1 to skip this test.");
            say(&format!("NOT TRIED: Postgres {major}: {reason}"));
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_major_version_gives_the_same_responses() {
    for (major, _) in VERSIONS {
        let Some(programs) = programs(major) else { continue };
        let folder = Folder::new(&format!("postgres-{major}"));
        let root = folder.path().to_owned();
        let start = move || Postgres::start(&root, Some(&programs), Durability::Scratch);
        let postgres = tokio::task::spawn_blocking(start).await.expect("not cancelled").expect("it starts");
        let socket = postgres.socket_folder().display().to_string().replace('/', "%2F");
        let url = |name: &str| format!("postgres://postgres@localhost:5432/{name}?host={socket}");
        let mut connection = PgConnection::connect(&url("postgres")).await.expect("a connection");
        let found: i32 = sqlx::query_scalar("select current_setting('server_version_num')::integer / 10000")
            .fetch_one(&mut connection)
            .await
            .expect("a version");
        assert_eq!(u32::try_from(found), Ok(major));
        for name in ["golden", "changed", "copied"] {
            let create = format!("create database {name}");
            sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await.expect("created");
        }
        let golden = url("golden");
        run(&[("DATABASE_URL", &golden)], &["migrate"], 0).await;
        has_golden_responses(&Client::of(&Arc::new(TestDatabase::at(&golden))).await).await;

        let (changed, copied) = (url("changed"), url("copied"));
        works(&[("DATABASE_URL", &changed)]).await;
        let exported = export(&folder, &changed).await;
        let file = folder.path().join("exported.jsonl");
        fs::write(&file, &exported).expect("written");
        let settings = [("DATABASE_URL", copied.as_str()), ("SAMPLE", "false")];
        run(&settings, &["migrate"], 0).await;
        run(&settings, &["import", file.to_str().expect("text")], 0).await;
        assert_eq!(export(&folder, &copied).await, exported, "Postgres {major}");
        // A text index or a statistic that a restricted search path breaks fails here.
        let mut connection = PgConnection::connect(&changed).await.expect("a connection");
        for maintenance in ["analyze", "vacuum", "reindex database changed"] {
            sqlx::raw_sql(maintenance).execute(&mut connection).await.expect(maintenance);
        }
        connection.close().await.expect("closed");
        tokio::task::spawn_blocking(move || postgres.stop()).await.expect("stopped");
    }
}

async fn export(folder: &Folder, url: &str) -> String {
    let file = folder.path().join("export.jsonl");
    let _ = fs::remove_file(&file);
    run(&[("DATABASE_URL", url)], &["export", "--output", file.to_str().expect("text")], 0).await;
    fs::read_to_string(file).expect("an export")
}
