//! Records in and out by the many.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};

use crate::support::{
    database::{TestDatabase, database},
    process::{Folder, dossier, output},
};

/// A base and a folder of files for one test.
struct Base {
    database: TestDatabase,
    folder: Folder,
}

impl Base {
    /// A base with the interview, as every base begins.
    async fn new(name: &str) -> Base {
        let folder = Folder::new(name);
        fs::create_dir_all(folder.path()).expect("a folder");
        Base { database: database().await, folder }
    }

    /// A base without a record.
    async fn empty(name: &str) -> Base {
        let base = Base::new(name).await;
        let tables = [
            "citations", "positions", "relations", "commentaries", "statements", "meetings", "topics", "sources",
            "actors",
        ];
        let mut sql = "select set_config('dossier.requester', 'test', true)".to_owned();
        for table in tables {
            sql += &format!("; delete from {table}");
        }
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(base.pool()).await.expect("emptied");
        base
    }

    fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).expect("written");
        path
    }

    fn run(&self, arguments: &[&str]) -> Output {
        output(dossier(&[("DATABASE_URL", self.database.url())]).args(arguments))
    }

    /// Imports a file, and returns how it ended and what it told.
    fn import_with(&self, file: &Path, options: &[&str]) -> Output {
        let report = self.path("report.jsonl");
        let mut arguments = vec!["import", file.to_str().expect("text"), "--report", report.to_str().expect("text")];
        arguments.extend(options);
        self.run(&arguments)
    }

    /// Imports a file of which nothing is rejected; what was done.
    fn import(&self, file: &Path) -> String {
        let output = self.import_with(file, &[]);
        assert!(output.status.success(), "{}\n{:?}", String::from_utf8_lossy(&output.stderr), self.report());
        String::from_utf8(output.stdout).expect("text")
    }

    /// Imports lines, and returns line, field and reason of what was rejected.
    fn rejected(&self, lines: &[Value]) -> Vec<(u64, String, String)> {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let file = self.file("lines.jsonl", text);
        let output = self.import_with(&file, &[]);
        let report = self.report();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(i32::from(!report.is_empty())), "{told}");
        report
    }

    fn report(&self) -> Vec<(u64, String, String)> {
        let Ok(report) = fs::read_to_string(self.path("report.jsonl")) else { return Vec::new() };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let read = |line| {
            let told: Value = serde_json::from_str(line).expect("JSON");
            (told["line"].as_u64().expect("a line"), text(&told["field"]), text(&told["reason"]))
        };
        report.lines().map(read).collect()
    }

    fn export(&self, options: &[&str]) -> String {
        let output = self.run(&[&["export"], options].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    async fn count(&self, sql: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(self.pool()).await.expect("a count")
    }
}

fn actor(slug: &str) -> Value {
    json!({"type": "Actor", "slug": slug, "kind": "PERSON", "name": slug})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_imported_into_an_empty_base_is_exported_byte_for_byte() {
    let (base, other) = (Base::new("round-trip").await, Base::empty("round-trip-other").await);
    let generate = base.run(&["generate", "--statements", "300"]);
    assert!(generate.status.success());
    let export = base.export(&[]);
    assert!(export.lines().count() > 600);
    let told = other.import(&other.file("export.jsonl", &export));
    assert!(told.contains(&format!("created {}, updated 0", export.lines().count())), "{told}");
    assert_eq!(other.export(&[]), export);

    // Once more, it finds everything as it is to be.
    let revisions = other.count("select count(*) from revisions").await;
    let told = other.import(&other.path("export.jsonl"));
    assert!(told.contains("created 0, updated 0, unchanged"), "{told}");
    assert_eq!(other.count("select count(*) from revisions").await, revisions);
}
