//! Import and export.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
};

use dossier::{auth::caller::Role, bulk::records::RecordKinds, engine::catalog::catalog};
use flate2::{Compression, write::GzEncoder};
use quick_xml::XmlVersion;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};

use crate::support::{
    Client, anonymous,
    database::{TestDatabase, database},
    process::{Folder, dossier, output},
};

/// A base and a folder of files for one test.
pub struct Base {
    pub database: Arc<TestDatabase>,
    folder: Folder,
}

impl Base {
    /// A base with the seed.
    pub async fn new(name: &str) -> Base {
        let folder = Folder::new(name);
        fs::create_dir_all(folder.path()).expect("a folder");
        Base { database: Arc::new(database().await), folder }
    }

    /// A base without records.
    pub async fn empty(name: &str) -> Base {
        let base = Base::new(name).await;
        let mut sql = "select set_config('dossier.requester', 'test', true)".to_owned();
        let kinds = RecordKinds::of(&catalog().object_types);
        for table in kinds.tables().iter().rev() {
            sql.extend(["; delete from ", table]);
        }
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(base.pool()).await.expect("emptied");
        base
    }

    pub fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).expect("written");
        path
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        output(dossier(&[("DATABASE_URL", self.database.url())]).args(arguments))
    }

    fn run_with(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
        let settings = [&[("DATABASE_URL", self.database.url())], settings].concat();
        output(dossier(&settings).args(arguments))
    }

    /// An import, with its output.
    pub fn importing(&self, file: &Path) -> Command {
        let mut command = dossier(&[("DATABASE_URL", self.database.url())]);
        command.arg("import").arg(file).arg("--report").arg(self.path("report.jsonl"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Imports a file, and returns its exit status and output.
    pub fn import_with(&self, file: &Path, options: &[&str]) -> Output {
        output(self.importing(file).args(options))
    }

    /// Imports a file without rejected records, and returns the summary.
    pub fn import(&self, file: &Path) -> String {
        let output = self.import_with(file, &[]);
        assert!(output.status.success(), "{}\n{:?}", String::from_utf8_lossy(&output.stderr), self.report());
        String::from_utf8(output.stdout).expect("text")
    }

    /// Imports lines, and returns line, field and reason of what was rejected.
    fn rejected(&self, records: &[Value]) -> Vec<(u64, String, String)> {
        let file = self.file("lines.jsonl", lines(records));
        let output = self.import_with(&file, &[]);
        let report = self.report();
        let reported = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(i32::from(!report.is_empty())), "{reported}");
        report
    }

    pub fn report(&self) -> Vec<(u64, String, String)> {
        let Ok(report) = fs::read_to_string(self.path("report.jsonl")) else { return Vec::new() };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let read = |line| {
            let reported: Value = serde_json::from_str(line).expect("JSON");
            Some((reported["line"].as_u64()?, text(&reported["field"]), text(&reported["reason"])))
        };
        report.lines().filter_map(read).collect()
    }

    pub fn export(&self, options: &[&str]) -> String {
        let output = self.run(&[&["export"], options].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// What an export says of itself.
    pub fn export_summary(&self, options: &[&str]) -> String {
        let output = self.run(&[&["export"], options].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stderr).expect("text")
    }

    /// Merges two actors as an editor does.
    pub async fn merge(&self, keep: &str, merged: &str) {
        let editor = Client::of(&self.database).await.as_role(Role::Editor).await;
        let input = json!({"keep": {"slug": keep}, "merge": {"slug": merged}});
        let payload = crate::mutations::change(&editor, "mergeActors", input, "actor { slug }").await;
        assert_eq!(payload["userErrors"], json!([]));
    }

    pub async fn count(&self, sql: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(self.pool()).await.expect("a count")
    }
}

pub fn actor(slug: &str) -> Value {
    json!({"type": "Actor", "slug": slug, "kind": "PERSON", "name": slug})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_imported_into_an_empty_base_is_exported_byte_for_byte() {
    let (base, other) = (Base::new("round-trip").await, Base::empty("round-trip-other").await);
    let generate = base.run(&["generate", "--statements", "300"]);
    assert!(generate.status.success());
    let export = base.export(&[]);
    assert!(export.lines().count() > 600);
    let reported = other.import(&other.file("export.jsonl", &export));
    assert!(reported.contains(&format!("created {}, updated 0", export.lines().count())), "{reported}");
    assert_eq!(other.export(&[]), export);

    // Importing it again changes nothing.
    let revisions = other.count("select count(*) from revisions").await;
    let reported = other.import(&other.path("export.jsonl"));
    assert!(reported.contains("created 0, updated 0, unchanged"), "{reported}");
    assert_eq!(other.count("select count(*) from revisions").await, revisions);
}

pub fn statement(slug: &str, speaker: &str) -> Value {
    json!({
        "type": "Statement", "slug": slug, "speaker": speaker, "medium": "SPEECH", "rendering": "PARAPHRASE",
        "summary": "Says something.", "eventType": "STATEMENT",
        "citations": [{"source": "speeches", "locator": "p1"}],
    })
}

pub fn source(slug: &str) -> Value {
    json!({"type": "Source", "slug": slug, "title": "Speeches"})
}

/// A record with some of its fields changed.
pub fn with(mut record: Value, changed: Value) -> Value {
    let (Value::Object(fields), Value::Object(changed)) = (&mut record, changed) else {
        panic!("no objects")
    };
    fields.extend(changed);
    record
}

pub fn lines(records: &[Value]) -> String {
    records.iter().flat_map(|record| [record.to_string(), "\n".to_owned()]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_come_in_any_order_and_refer_to_each_other_by_slug_or_identifier() {
    let base = Base::new("any-order").await;
    let by = json!({"identifier": {"scheme": "wikidata", "value": "Q1"}});
    let records = [
        with(statement("first", "ada"), json!({"onBehalfOf": by, "addressees": ["kazakhstan", by]})),
        json!({"type": "Topic", "slug": "part", "name": "Part", "parent": "whole"}),
        json!({"type": "Topic", "slug": "whole", "name": "Whole", "parent": {"slug": "two-state-solution"}}),
        source("speeches"),
        actor("ada"),
        with(actor("grace"), json!({"identifiers": [{"scheme": "wikidata", "value": "Q1"}]})),
    ];
    let reported = base.import(&base.file("records.jsonl", lines(&records)));
    assert!(reported.starts_with("created 6, updated 0, unchanged 0, rejected 0"), "{reported}");
    let behalf = "select count(*) from statements join actors on actors.id = on_behalf_of_id
                  join statement_addressees on statement_id = statements.id
                  where actors.slug = 'grace' and statements.slug = 'first'";
    assert_eq!(base.count(behalf).await, 2);

    // One change of one requester.
    let changes = "select count(distinct change) from revisions where requester = 'import'";
    assert_eq!(base.count(changes).await, 1);
    let change: i64 = reported.split("change ").nth(1).expect("a change").trim().parse().expect("a number");
    let first = "select min(id) from revisions where requester = 'import'";
    assert_eq!(base.count(first).await, change);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_changed_where_it_differs_and_nowhere_else() {
    let base = Base::new("upsert").await;
    let ada = with(
        actor("ada"),
        json!({
            "names": [{"name": "Countess", "kind": "ALIAS"}, {"name": "A. L.", "kind": "ABBREVIATION"}],
            "identifiers": [{"scheme": "wikidata", "value": "Q7259"}],
        }),
    );
    base.import(
        &base
            .file("first.jsonl", lines(&[ada, actor("grace"), source("speeches"), statement("said", "ada")])),
    );
    let last = "select max(id) from revisions";
    let before = base.count(last).await;

    // By an identifier; absent fields stay, null clears, a list replaces the old one.
    let changed = [
        json!({
            "type": "Actor", "identifiers": [{"scheme": "wikidata", "value": "Q7259"}],
            "names": [{"name": "Countess", "kind": "ALIAS"}, {"name": "Byron", "kind": "FORMER"}],
        }),
        json!({"type": "Statement", "slug": "said", "saidOn": "1843", "speakerRole": "Translator"}),
        actor("grace"),
    ];
    let reported = base.import(&base.file("second.jsonl", lines(&changed)));
    assert!(reported.starts_with("created 0, updated 2, unchanged 1, rejected 0"), "{reported}");
    let revisions = format!("select count(*) from revisions where id > {before}");
    assert_eq!(base.count(&revisions).await, 3, "a name removed, a name entered, a statement changed");
    let reported = base.import(
        &base.file("third.jsonl", lines(&[json!({"type": "Statement", "slug": "said", "saidOn": null})])),
    );
    assert!(reported.starts_with("created 0, updated 1"), "{reported}");
    let export = base.export(&[]);
    let said = export.lines().find(|line| line.contains(r#""slug":"said""#)).expect("the statement");
    let said: Value = serde_json::from_str(said).expect("JSON");
    assert_eq!(
        [&said["saidOn"], &said["speakerRole"], &said["speaker"]],
        [&Value::Null, &json!("Translator"), &json!("ada")]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_rejected_record_is_reported_with_line_field_and_reason() {
    let base = Base::new("rejected").await;
    let cases: Vec<(Value, &str, &str)> = vec![
        (source("speeches"), "", ""),
        (actor("ada"), "", ""),
        (
            json!({"type": "Actor", "slug": "no-kind", "name": "No kind"}),
            "kind",
            "This field must not be null.",
        ),
        (
            with(actor("odd"), json!({"kind": "GHOST"})),
            "kind",
            "Unknown value `GHOST`; expected one of PERSON",
        ),
        (with(actor("Not A Slug"), json!({})), "slug", "lower-case words"),
        (with(actor("blank"), json!({"name": " "})), "name", "must not be blank"),
        (with(actor("more"), json!({"height": 3})), "height", "Unknown field"),
        (with(actor("number"), json!({"name": 3})), "name", "Expected a text"),
        (with(actor("nul"), json!({"name": "a\u{0}b"})), "name", "NUL"),
        (with(actor("long"), json!({"name": "x".repeat(2000)})), "name", "the maximum is 1300 bytes"),
        (
            with(
                actor("names"),
                json!({"names": [{"name": "A", "kind": "ALIAS"}, {"name": "A", "kind": "ALIAS"}]}),
            ),
            "names.1",
            "Duplicate entry",
        ),
        (
            with(actor("language"), json!({"names": [{"name": "A", "kind": "ALIAS", "language": "?"}]})),
            "names.0.language",
            "BCP 47",
        ),
        (with(actor("list"), json!({"names": "A"})), "names", "Expected a list"),
        (with(actor("ada"), json!({})), "slug", "Duplicate slug: already used by line 2."),
        (json!({"type": "Ghost", "slug": "x"}), "type", "Unknown record type `Ghost`"),
        (json!({"slug": "x"}), "type", "record type is missing"),
        (statement("nobody", "nobody"), "speaker", "Actor not found: nobody."),
        (statement("of-odd", "odd"), "speaker", "Actor not found: odd."),
        (statement("place", "washington"), "speaker", "can't be a speaker"),
        (
            with(statement("cited", "ada"), json!({"citations": []})),
            "citations",
            "At least one entry is required.",
        ),
        (
            with(statement("quote", "ada"), json!({"quote": "Words."})),
            "quote",
            "exactly where the rendering is VERBATIM",
        ),
        (with(statement("impossible", "ada"), json!({"saidOn": "2025-02-30"})), "saidOn", "takes a date"),
        (
            with(statement("uncited", "ada"), json!({"citations": null})),
            "citations",
            "This field must not be null.",
        ),
        (
            with(statement("published", "ada"), json!({"publication": "ada"})),
            "publication",
            "actor of kind MEDIA",
        ),
        (
            with(statement("topic", "ada"), json!({"topics": ["two-state-solution", "nothing"]})),
            "topics.1",
            "Topic not found: nothing.",
        ),
        (
            json!({"type": "Topic", "slug": "one", "name": "One", "parent": "other"}),
            "parent",
            "its own ancestor",
        ),
        (
            json!({"type": "Topic", "slug": "other", "name": "Other", "parent": "one"}),
            "parent",
            "its own ancestor",
        ),
        (
            json!({"type": "Topic", "slug": "below", "name": "Below", "parent": "one"}),
            "parent",
            "rejected: line 26.",
        ),
        (
            json!({"type": "Topic", "slug": "far-below", "name": "Far below", "parent": "below"}),
            "parent",
            "rejected: line 28.",
        ),
        (with(actor("washington"), json!({"kind": "PERSON"})), "kind", "venue of meetings"),
        (with(actor("first"), json!({"identifiers": [{"scheme": "s", "value": "1"}]})), "", ""),
        (
            with(actor("second"), json!({"identifiers": [{"scheme": "s", "value": "1"}]})),
            "identifiers.0",
            "also used by line 31.",
        ),
    ];
    let records: Vec<Value> = cases.iter().map(|(record, ..)| record.clone()).collect();
    let reported = base.rejected(&records);
    let mut expected = 0;
    for (number, (record, field, reason)) in (1..).zip(&cases) {
        let reported: Vec<_> = reported.iter().filter(|(line, ..)| *line == number).collect();
        if field.is_empty() {
            assert!(reported.is_empty(), "{record}: {reported:?}");
            continue;
        }
        expected += 1;
        let is_reported = reported.iter().any(|(_, of, because)| of == field && because.contains(reason));
        assert!(is_reported, "{record}: {reported:?}");
    }
    let mut refused: Vec<u64> = reported.iter().map(|(line, ..)| *line).collect();
    refused.dedup();
    assert_eq!(refused.len(), expected);
    // The others were imported.
    assert_eq!(base.count("select count(*) from actors where slug in ('ada', 'first')").await, 2);
    assert_eq!(base.count("select count(*) from statements where slug = 'place'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_or_nothing_and_a_dry_run_write_nothing() {
    let base = Base::new("dry-run").await;
    let file = base.file("records.jsonl", lines(&[actor("ada"), actor("Ada")]));
    let before = base.count("select max(id) from revisions").await;
    for option in ["--all-or-nothing", "--dry-run"] {
        let output = base.import_with(&file, &[option]);
        assert_eq!(output.status.code(), Some(1));
        let reported = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(reported.contains("created 1, updated 0, unchanged 0, rejected 1"), "{reported}");
        assert_eq!(base.report().len(), 1);
        assert_eq!(base.count("select max(id) from revisions").await, before);
    }
    let good = base.file("good.jsonl", lines(&[actor("ada")]));
    assert!(base.import_with(&good, &["--dry-run"]).status.success());
    assert_eq!(base.count("select max(id) from revisions").await, before);
    assert!(base.import_with(&good, &["--all-or-nothing", "--requester", "ada"]).status.success());
    assert_eq!(base.count("select count(*) from revisions where requester = 'ada'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_records_are_rejected_by_line() {
    let base = Base::new("bytes").await;
    let mut bytes = "\u{feff}".as_bytes().to_vec();
    bytes.extend(format!("{}\r\n\r\n", actor("after-a-bom")).bytes());
    bytes.extend(b"{\"type\": \"Actor\", \"slug\": \"\xff\"}\n");
    bytes.extend(b"{\"type\": \n[1]\n{\"a\0b\": 1}\n{\"a\\u0000b\": 1, \"type\": \"Actor\"}\n");
    bytes.extend(format!("{{\"slug\": \"{}\"}}\n", "x".repeat(9 << 20)).bytes());
    bytes.extend(actor("without-an-end-of-line").to_string().bytes());
    let output = base.import_with(&base.file("bytes.jsonl", bytes), &[]);
    assert_eq!(output.status.code(), Some(1));
    let reported = base.report();
    let reasons = [
        "Invalid UTF-8 at byte 28",
        "Invalid JSON",
        "isn't a JSON object",
        "Invalid JSON",
        "Unknown field",
        "longer than 8 MiB",
    ];
    assert_eq!(reported.len(), reasons.len(), "{reported:?}");
    for ((line, (number, _, reported)), reason) in (3..).zip(&reported).zip(reasons) {
        assert!(*number == line && reported.contains(reason), "{number}: {reported}");
    }
    assert_eq!(
        base.count("select count(*) from actors where slug in ('after-a-bom', 'without-an-end-of-line')")
            .await,
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn gzip_and_zstd_are_read_also_from_the_standard_input_and_half_a_file_is_refused() {
    let base = Base::new("compressed").await;
    let many: Vec<Value> = (0..5000).map(|number| actor(&format!("actor-{number}"))).collect();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(lines(&many).as_bytes()).expect("compressed");
    let gzip = gzip.finish().expect("compressed");
    let zstd = zstd::encode_all(lines(&many).as_bytes(), 1).expect("compressed");
    for half in
        [base.file("half.jsonl.gz", &gzip[..gzip.len() / 2]), base.file("half.zst", &zstd[..zstd.len() / 2])]
    {
        let output = base.import_with(&half, &[]);
        let reported = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            reported.contains("unexpected end of file") && reported.contains("nothing was imported"),
            "{reported}"
        );
        assert_eq!(base.count("select count(*) from actors where slug like 'actor-%'").await, 0);
    }
    let reported = base.import(&base.file("whole.jsonl.gz", &gzip));
    assert!(reported.starts_with("created 5000"), "{reported}");
    let mut child = base.importing(Path::new("-")).spawn().expect("dossier runs");
    child.stdin.take().expect("piped").write_all(&zstd).expect("read");
    let output = child.wait_with_output().expect("it ended");
    let reported = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(reported.starts_with("created 0, updated 0, unchanged 5000"), "{reported}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_file_is_an_error() {
    let base = Base::new("missing").await;
    let output = base.import_with(Path::new("/nowhere.jsonl"), &[]);
    let reported = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(1) && reported.starts_with("dossier: can't import /nowhere.jsonl"),
        "{reported}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_has_a_table_for_each_kind_and_brings_all_of_it_back() {
    let (base, other) = (Base::new("csv").await, Base::empty("csv-other").await);
    let folder = base.path("tables");
    base.export(&["--format", "csv", "-o", folder.to_str().expect("text")]);
    let actors = fs::read_to_string(folder.join("actors.csv")).expect("a table");
    assert!(actors.starts_with("slug,kind,name,names,identifiers,mergedActors,summary,organizationKind,bornOn,diedOn,foundedOn,dissolvedOn,gender,links,latitude,longitude,coordinatePrecision,citations,nameLanguage,summaryLanguage,translations,origins\n"), "{actors}");
    let files: Vec<PathBuf> =
        fs::read_dir(&folder).expect("files").map(|file| file.expect("a file").path()).collect();
    assert_eq!(files.len(), 12);
    let report = other.path("report.jsonl");
    let mut arguments = vec!["import", "--report", report.to_str().expect("text")];
    arguments.extend(files.iter().map(|file| file.to_str().expect("text")));
    let output = other.run(&arguments);
    assert!(output.status.success(), "{:?}", other.report());
    assert_eq!(other.export(&[]), base.export(&[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_as_spreadsheets_write_it_is_read() {
    let base = Base::new("spreadsheet").await;
    let text = "\u{feff}slug,name,kind\r\nada,\"Ada, \"\"the\"\" countess\r\nof Lovelace\",PERSON\r\nodd,Odd\r\ngrace,,PERSON\r\n";
    let output = base.import_with(&base.file("actors.csv", text), &[]);
    assert_eq!(output.status.code(), Some(1));
    let reported = base.report();
    assert_eq!(reported[0], (4, String::new(), "The row has 2 cells; the header has 3.".to_owned()));
    assert_eq!(reported[1], (5, "name".to_owned(), "This field must not be null.".to_owned()));
    assert_eq!(
        base.count("select count(*) from actors where name = E'Ada, \"the\" countess\\r\\nof Lovelace'")
            .await,
        1
    );

    for (name, text, options, reported) in [
        ("unknown.csv", "slug\nada\n", &[][..], "unknown record type `unknown`"),
        ("list.csv", "slug,height\nada,3\n", &["--type", "Actor"], "unknown column `height`; Actor has slug"),
        ("twice.csv", "slug,slug\nada,ada\n", &["--type", "Actor"], "the column `slug` appears twice"),
        (
            "open.csv",
            &format!("slug,name\nada,\"{}", "x".repeat(20 << 20)),
            &["--type", "Actor"],
            "is a quote not closed?",
        ),
    ] {
        let output = base.import_with(&base.file(name, text), options);
        let failure = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(failure.contains(reported) && failure.contains("nothing was imported"), "{failure}");
    }
    let bytes = base.file("bytes.csv", b"slug,name,kind\nnul,a\0b,PERSON\nlatin,\xe9,PERSON\n");
    base.import_with(&bytes, &["--type", "Actor"]);
    let reported: Vec<String> =
        base.report().into_iter().map(|(line, field, reason)| format!("{line} {field} {reason}")).collect();
    assert_eq!(reported, ["2 name A text can't contain the NUL character.", "3 name Invalid UTF-8."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selection_holds_what_it_is_about_and_all_that_this_refers_to() {
    let (base, other) = (Base::new("selection").await, Base::empty("selection-other").await);
    let all = base.export(&[]);
    let part = base.export(&["--topic", "two-state-solution", "--actor", "kazakhstan"]);
    let slugs = |export: &str, kind: &str| -> Vec<String> {
        let records = export.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let of_kind = records.filter(|record| record["type"] == kind);
        of_kind.map(|record| record["slug"].as_str().expect("a slug").to_owned()).collect()
    };
    let positions = slugs(&part, "Position");
    assert!(!positions.is_empty() && positions.len() < slugs(&all, "Position").len());
    assert!(slugs(&part, "Actor").contains(&"kazakhstan".to_owned()));
    // It is complete: nothing that it refers to is missing.
    other.import(&other.file("part.jsonl", &part));
    assert_eq!(other.export(&[]), part);

    let dated = with(statement("dated", "kazakhstan"), json!({"saidOn": "2021-05"}));
    base.import(&base.file("dated.jsonl", lines(&[source("speeches"), dated])));
    assert_eq!(slugs(&base.export(&["--from", "2021-05-31", "--until", "2022"]), "Statement"), ["dated"]);
    assert!(base.export(&["--until", "2021-04-30"]).is_empty());
    for (options, status, reported) in [
        (["--topic", "nothing"], 1, "--topic: Topic not found."),
        (["--actor", "nobody"], 1, "--actor: Actor not found."),
        (["--from", "2021-02-30"], 2, "--from: Expected a date"),
    ] {
        let output = base.run(&[&["export"][..], &options].concat());
        let failure = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(status) && failure.contains(reported), "{failure}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gephi_gets_actors_with_what_ties_them() {
    let base = Base::new("gexf").await;
    let reported =
        with(statement("reported", "kazakhstan"), json!({"addressees": ["israel"], "saidOn": "2021-02"}));
    base.import(&base.file(
        "reported.jsonl",
        lines(&[source("speeches"), reported, with(actor("quoted"), json!({"name": "A & \"B\" <C>"}))]),
    ));
    let gexf = base.export(&["--format", "gexf"]);
    let mut reader = quick_xml::Reader::from_str(&gexf);
    let (mut nodes, mut ends) = (Vec::new(), Vec::new());
    loop {
        match reader.read_event().expect("XML") {
            quick_xml::events::Event::Start(tag) => {
                let of = |name: &str| {
                    let found = tag.try_get_attribute(name).expect("attributes");
                    found
                        .map(|value| {
                            value.normalized_value(XmlVersion::Implicit1_0).expect("text").into_owned()
                        })
                        .unwrap_or_default()
                };
                match tag.name().as_ref() {
                    "node" => nodes.push((of("id"), of("label"))),
                    "edge" => ends.push([of("source"), of("target"), of("start"), of("end")]),
                    _ => {}
                }
            }
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(i64::try_from(nodes.len()).expect("few"), base.count("select count(*) from actors").await);
    assert!(nodes.contains(&("quoted".to_owned(), "A & \"B\" <C>".to_owned())));
    assert!(
        ends.contains(&["kazakhstan", "israel", "2021-02-01", "2021-02-28"].map(ToOwned::to_owned)),
        "{ends:?}"
    );
    let edges = "select (select count(*) from relations) + (select count(*) from statement_addressees)";
    assert_eq!(i64::try_from(ends.len()).expect("few"), base.count(edges).await);
    assert!(
        ends.iter().all(|[from, to, ..]| [from, to].iter().all(|end| nodes.iter().any(|(id, _)| id == *end)))
    );
}

/// All ids that a node names.
fn named<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("@id").and_then(Value::as_str));
            fields.values().for_each(|value| named(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| named(item, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_ld_speaks_of_the_records_in_the_terms_of_schema_org() {
    let base = Base::new("json-ld").await;
    let document: Value = serde_json::from_str(&base.export(&["--format", "jsonld"])).expect("JSON");
    assert_eq!(document["@context"]["@vocab"], "https://schema.org/");
    let graph = document["@graph"].as_array().expect("a graph");
    let node = |id: &str| graph.iter().find(|node| node["@id"] == id).unwrap_or_else(|| panic!("no {id}"));
    assert_eq!(graph.len(), base.export(&[]).lines().count());
    let tokayev = node("urn:dossier:actor/kassym-jomart-tokayev");
    assert_eq!([&tokayev["@type"], &tokayev["name"]], ["Person", "Kassym-Jomart Tokayev"]);
    assert_eq!(tokayev["alternateName"][0], json!({"@value": "Tokayev", "@language": "en"}));
    let meeting = node("urn:dossier:meeting/inaugural-peace-council-meeting");
    assert_eq!(meeting["@type"], "Event");
    assert_eq!(meeting["attendee"][0]["@type"], "Role");
    // An organization is no location.
    let institute = json!({"@id": "urn:dossier:actor/donald-trump-institute-of-peace"});
    assert_eq!((&meeting["location"], &meeting["dossier:location"]), (&Value::Null, &institute));
    let visit = node("urn:dossier:meeting/tokayev-visit-to-the-united-states");
    assert_eq!(visit["location"], json!({"@id": "urn:dossier:actor/washington"}));
    // Every named id is there, except terms of schema.org.
    let ids: Vec<&str> = graph.iter().map(|node| node["@id"].as_str().expect("an id")).collect();
    let mut found = Vec::new();
    for node in graph {
        named(node, &mut found);
    }
    found.retain(|id| !id.starts_with("https://schema.org/"));
    assert!(found.iter().all(|id| ids.contains(id)) && found.len() > ids.len());

    let at = base.run_with(&["export", "--format", "jsonld"], &[("BASE_URL", "https://dossier.example")]);
    let document: Value = serde_json::from_slice(&at.stdout).expect("JSON");
    assert_eq!(document["@graph"][0]["@id"], "https://dossier.example/actor/kassym-jomart-tokayev");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_register_with_addresses_is_the_same_as_and_a_commentary_on_a_statement_is_a_review() {
    let base = Base::new("json-ld-terms").await;
    let records = [
        source("speeches"),
        with(
            actor("ada"),
            json!({"identifiers": [{"scheme": "wikidata", "value": "Q7"}, {"scheme": "lobby", "value": "9"}]}),
        ),
        statement("said", "ada"),
        json!({
            "type": "Commentary", "slug": "doubt", "author": "ada", "source": "speeches", "ordinal": 1, "question": "Is it so?",
            "summary": "Doubtful.", "targets": [{"statement": "said"}], "likelihood": "UNLIKELY",
            "citations": [{"source": "speeches", "locator": "p2"}],
        }),
    ];
    base.import(&base.file("records.jsonl", lines(&records)));
    let document: Value = serde_json::from_str(&base.export(&["--format", "jsonld"])).expect("JSON");
    let graph = document["@graph"].as_array().expect("a graph");
    let node =
        |id: &str| graph.iter().find(|node| node["@id"] == format!("urn:dossier:{id}")).expect("a node");
    let ada = node("actor/ada");
    assert_eq!(ada["sameAs"], json!(["http://www.wikidata.org/entity/Q7"]));
    assert_eq!(ada["identifier"][1], json!({"@type": "PropertyValue", "propertyID": "lobby", "value": "9"}));
    let doubt = node("commentary/doubt");
    assert_eq!(doubt["@type"], json!(["Answer", "ClaimReview", "dossier:Commentary"]));
    assert_eq!(doubt["itemReviewed"], json!([{"@id": "urn:dossier:statement/said"}]));
    assert_eq!(doubt["reviewRating"]["alternateName"], "UNLIKELY");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bibliography_names_authors_and_publishers() {
    let base = Base::new("bibliography").await;
    let report = with(
        source("water-report"),
        json!({"title": "Water & power", "authors": ["ada"], "publisher": "musavat", "publishedOn": "2024-02"}),
    );
    base.import(&base.file("records.jsonl", lines(&[actor("ada"), report])));
    let csl: Value = serde_json::from_str(&base.export(&["--format", "csl.json"])).expect("JSON");
    let entry = csl.as_array().expect("a list").iter().find(|entry| entry["id"] == "water-report");
    assert_eq!(
        entry,
        Some(&json!({
            "id": "water-report", "type": "document", "title": "Water & power", "author": [{"literal": "ada"}],
            "publisher": "musavat.com", "issued": {"date-parts": [[2024, 2]]},
        }))
    );
    let bibtex = base.export(&["--format", "bib"]);
    assert!(
        bibtex.contains("@misc{water-report,\n  title = {{Water \\& power}},\n  author = {ada},"),
        "{bibtex}"
    );
    let ris = base.export(&["--format", "ris"]);
    assert!(ris.contains("TI  - Water & power\r\nAU  - ada\r\nPB  - musavat.com\r\n"), "{ris}");
}

#[tokio::test(flavor = "multi_thread")]
async fn formulas_in_a_csv_are_guarded_and_come_back_as_they_were() {
    let (base, other) = (Base::new("formulas").await, Base::new("formulas-other").await);
    let names = ["=1+1", "-2 is a name", "@somebody", "'=quoted", "plain"];
    let records: Vec<Value> = names
        .iter()
        .enumerate()
        .map(|(number, name)| with(actor(&format!("n{number}")), json!({"name": name})))
        .collect();
    base.import(&base.file("records.jsonl", lines(&records)));
    let csv = base.export(&["--format", "csv", "--type", "Actor", "--bom"]);
    assert!(csv.starts_with("\u{feff}slug,kind,name"), "{csv}");
    assert!(csv.contains(",'=1+1,") && csv.contains(",''=quoted,") && csv.contains(",plain,"), "{csv}");
    other.import(&other.file("actors.csv", &csv));
    let found: Vec<String> =
        sqlx::query_scalar("select name::text from actors where slug ~ '^n[0-9]$' order by slug")
            .fetch_all(other.pool())
            .await
            .expect("names");
    assert_eq!(found, names);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_is_well_formed_whatever_its_names_are_and_parallel_edges_are_told_apart() {
    let base = Base::new("gexf-odd").await;
    let odd = "A\u{fffe}B\u{ffff}C\u{1f600}<&\"\u{1}";
    let tie = |slug: &str, label: &str| {
        json!({
            "type": "Relation", "slug": slug, "kind": "POSITION", "subject": "ada", "object": "grace", "label": label,
            "citations": [{"source": "speeches", "locator": "1"}],
        })
    };
    let records = [
        source("speeches"),
        with(actor("ada"), json!({"name": odd})),
        actor("grace"),
        tie("t1", "x"),
        tie("t2", "y"),
    ];
    base.import(&base.file("records.jsonl", lines(&records)));
    let network = base.export(&["--format", "gexf"]);
    assert!(network.contains("label=\"ABC\u{1f600}&lt;&amp;&quot;\""), "{network}");
    let kinds: Vec<&str> = network
        .lines()
        .filter(|line| line.contains("source=\"ada\""))
        .filter_map(|line| line.split("kind=\"").nth(1)?.split('"').next())
        .collect();
    assert_eq!(kinds, ["POSITION", "POSITION 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn popolo_becomes_actors_relations_meetings_and_statements() {
    let base = Base::new("popolo").await;
    let document = json!({
        "persons": [{
            "id": "ada", "name": "Ada", "other_names": [{"name": "Countess", "end_date": "1840"}],
            "identifiers": [{"scheme": "wikidata", "identifier": "Q7259"}],
            "memberships": [{"organization_id": "society", "role": "Member", "start_date": "1833"}],
        }],
        "organizations": [
            {"id": "society", "name": "Society", "parent_id": "union", "posts": [{"id": "chair", "label": "Chair"}]},
            {"id": "union", "name": "Union"},
        ],
        "memberships": [
            {"person_id": "ada", "post_id": "chair", "organization_id": "society", "on_behalf_of_id": "union",
             "start_date": "1842-01-01T00:00:00Z", "end_date": "1843"},
            {"person_id": "ada"},
        ],
        "events": [{"id": "sitting", "name": "Sitting", "start_date": "1842-10", "organization_id": "society", "attendees": [{"id": "ada"}]}],
        "speeches": [
            {"id": "s1", "creator_id": "ada", "role": "speaker", "text": "Words.", "date": "1842-10-05", "event_id": "sitting"},
            {"attribution_text": "Somebody", "text": "Noise."},
        ],
    });
    let file = base.file("house.json", document.to_string());
    let output = base.import_with(&file, &[]);
    let reported: Vec<String> =
        base.report().into_iter().map(|(line, field, reason)| format!("{line} {field} {reason}")).collect();
    assert_eq!(reported, ["12 memberships (record 6) A membership needs a person and an organization."]);
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    // A source, three actors, four relations, a meeting and two statements, of which one has no known speaker.
    assert!(stdout.contains("created 11, updated 0, unchanged 0, rejected 1"), "{stdout}");
    let found = "select count(*) from relations
        join actors s on s.id = subject_id join actors o on o.id = object_id
        where (s.name, o.name, relations.kind::text, label, valid_from, valid_until) in
              (('Ada', 'Society', 'POSITION', 'Chair', '1842-01-01', '1843'))
           or (s.name, o.name, relations.kind::text) in (('Ada', 'Union', 'MEMBERSHIP'), ('Society', 'Union', 'HIERARCHY'))
           or (s.name, o.name, relations.kind::text, valid_from) in (('Ada', 'Society', 'MEMBERSHIP', '1833'))";
    assert_eq!(base.count(found).await, 4);
    let said = "select count(*) from statements join meetings on meetings.id = meeting_id
                join meeting_participants p on p.meeting_id = meetings.id and p.actor_id = speaker_id
                where quote = 'Words.' and said_on = '1842-10-05' and meetings.name = 'Sitting'";
    assert_eq!(base.count(said).await, 1);
    base.import_with(&file, &[]);
    assert_eq!(
        base.count("select count(distinct change) from revisions where requester = 'import'").await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn legislators_come_with_their_terms_and_parties() {
    let base = Base::new("legislators").await;
    let yaml = "\
# A comment.
- id:
    bioguide: Q000001
    fec:
    - H1XX00001
    - S1XX00001
    govtrack: 456789
    wikidata: Q1
  name:
    first: Jane
    last: Roe
    suffix: Jr.
    nickname: Janie
  terms:
  - type: rep
    start: '2015-01-03'
    end: '2017-01-03'
    state: FL
    district: 19
    party: Independent
  - type: sen
    start: '2017-01-03'
    end: '2023-01-03'
    state: FL
    party: Independent
- id:
    govtrack: 1
  name: {first: No, last: Bioguide}
- id: [broken
- id: {bioguide: Q000002}
  name: {first: John, last: Doe, official_full: John Q. Doe}
  terms:
  - {type: prez, start: '2021-01-20', end: '2025-01-20', party: Independent}
";
    base.import_with(&base.file("legislators-current.yaml", yaml), &[]);
    let reported = base.report();
    assert!(
        reported.len() == 1 && reported[0].0 == 29 && reported[0].2.starts_with("Invalid entry"),
        "{reported:?}"
    );
    let terms: Vec<(String, String, String)> = sqlx::query_as(
        "select s.name::text, concat(o.name, ': ', label), concat(valid_from, ' ', valid_until) from relations
         join actors s on s.id = subject_id join actors o on o.id = object_id
         where s.kind = 'PERSON' and relations.slug like 'congress-legislators-%' order by 1, 3, 2",
    )
    .fetch_all(base.pool())
    .await
    .expect("relations");
    let term = |name: &str, what: &str, when: &str| (name.to_owned(), what.to_owned(), when.to_owned());
    assert_eq!(
        terms,
        [
            term(
                "Jane Roe Jr.",
                "United States House of Representatives: Representative for FL-19",
                "2015-01-03 2017-01-03"
            ),
            term("Jane Roe Jr.", "Independent: ", "2015-01-03 2023-01-03"),
            term("Jane Roe Jr.", "United States Senate: Senator for FL", "2017-01-03 2023-01-03"),
            term(
                "John Q. Doe",
                "Federal government of the United States: President",
                "2021-01-20 2025-01-20"
            ),
            term("John Q. Doe", "Independent: ", "2021-01-20 2025-01-20"),
        ]
    );
    assert_eq!(base.count("select count(*) from actor_identifiers where (scheme like 'congress-legislators%:fec' or scheme like 'congress-legislators%:govtrack' or scheme = 'wikidata') and value <> 'Q66096' and value <> 'Q11701' and value <> 'Q48525' and actor_id in (select actor_id from origins)").await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn follow_the_money_becomes_actors_and_relations() {
    let base = Base::new("ftm").await;
    let entities = [
        json!({"id": "d1", "schema": "Directorship", "properties": {"director": ["Q1"], "organization": ["c1"], "role": ["CFO"], "startDate": ["2015-08-22"]}}),
        json!({"id": "Q1", "schema": "Person", "caption": "Ana Silva", "properties": {"name": ["Ana Silva", "A. Silva"], "alias": ["A. Silva", "Ana"], "wikidataId": ["Q1"]}}),
        json!({"id": "c1", "schema": "Company", "properties": {"name": ["Clinic"], "previousName": ["Old clinic"]}}),
        json!({"id": "a1", "schema": "Address", "properties": {"full": ["Somewhere"]}}),
        json!({"id": "o1", "schema": "Ownership", "properties": {"owner": ["Q1"], "asset": ["missing"]}}),
        json!({"id": "p1", "schema": "Person"}),
        json!([1]),
    ];
    let output = base.import_with(&base.file("entities.ftm", lines(&entities)), &[]);
    assert_eq!(base.report(), [(7, String::new(), "The line isn't a JSON object.".to_owned())]);
    let reported = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        reported.contains("Relation.object: the record is left out: what it refers to is not there: 1×"),
        "{reported}"
    );
    let tie =
        "select count(*) from relations join actors s on s.id = subject_id join actors o on o.id = object_id
               join citations on relation_id = relations.id
               where (s.name, o.name, relations.kind::text, label, valid_from, locator) =
                     ('Ana Silva', 'Clinic', 'POSITION', 'CFO', '2015-08-22', 'd1')";
    assert_eq!(base.count(tie).await, 1);
    assert_eq!(
        base.count("select count(*) from actor_names where name in ('A. Silva', 'Ana', 'Old clinic')").await,
        3
    );
}

#[tokio::test]
async fn an_export_over_http_has_the_limits_of_a_query() {
    let client = anonymous().await;
    let response = client.get("/export.jsonl").await;
    assert_eq!(response.headers()["content-type"], "application/jsonl; charset=utf-8");
    let lines = response.text().await.expect("text");
    assert!(lines.starts_with(r#"{"type":"Actor","slug":"kassym-jomart-tokayev""#), "{lines}");
    let some = client
        .get("/export.jsonl?topic=two-state-solution&actor=kazakhstan")
        .await
        .text()
        .await
        .expect("text");
    assert!(some.lines().count() > 5 && some.lines().count() < lines.lines().count());
    let table = client.get("/export.csv?type=Topic").await.text().await.expect("text");
    assert!(table.starts_with("slug,name,names,identifiers,parent,citations,nameLanguage,origins\n"));
    for path in ["/export.gexf", "/export.jsonld"] {
        let response = client.get(path).await;
        assert_eq!(response.status(), 200);
        // Read to its end, it no longer counts as a running export.
        assert!(!response.text().await.expect("text").is_empty(), "{path}");
    }
    for (path, field) in [
        ("/export.csv", Some("type")),
        ("/export.csv?type=Ghost", Some("type")),
        ("/export.jsonl?type=Topic", Some("type")),
        ("/export.jsonl?topic=nothing", Some("topic")),
        ("/export.jsonl?topic=%00", Some("topic")),
        ("/export.jsonl?actor=%00", Some("actor")),
        ("/export.jsonl?from=yesterday", Some("from")),
        ("/export.jsonl?until=2020&from=2021", Some("until")),
        ("/export.jsonl?sort=slug", None),
    ] {
        let response = client.get(path).await;
        assert_eq!(response.status(), 400, "{path}");
        let refused: Value = response.json().await.expect("JSON");
        let extensions = &refused["errors"][0]["extensions"];
        assert_eq!(
            (extensions["code"].as_str(), extensions["field"].as_str()),
            (Some("BAD_USER_INPUT"), field),
            "{path}"
        );
    }
    let wrong = client
        .http()
        .get(client.address("/export.jsonl"))
        .bearer_auth("unknown")
        .send()
        .await
        .expect("a response");
    assert_eq!(wrong.status(), 401);
    assert_eq!(client.get("/export.xml").await.status(), 404);

    let limited = Client::with(&[("MAX_COST", "20")]).await;
    let refused: Value = limited.get("/export.jsonl").await.json().await.expect("JSON");
    assert_eq!(refused["errors"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
    assert_eq!(refused["errors"][0]["extensions"]["limit"], 20);
    let limited = Client::with(&[("RATE_LIMIT", "150")]).await;
    assert_eq!(limited.get("/export.jsonl").await.status(), 200);
    let refused = limited.get("/export.jsonl").await;
    assert!(refused.status() == 429 && refused.headers().contains_key("retry-after"));
    let trusting = Client::with(&[("TRUSTED_DOCUMENTS_ONLY", "true")]).await;
    assert_eq!(trusting.get("/export.jsonl").await.status(), 404);
}

/// Imports that break a rule of the database each, and the reported field; empty if nothing is wrong.
fn breaches() -> Vec<(Vec<Value>, &'static str)> {
    let cited = |slug: &str, changes: Value| with(statement(slug, "ada"), changes);
    let relation = |changes: Value| {
        let relation = json!({
            "type": "Relation", "slug": "tie", "subject": "ada", "object": "grace", "kind": "OTHER",
            "citations": [{"source": "speeches", "locator": "L1"}],
        });
        with(relation, changes)
    };
    let commentary = |slug: &str, changes: Value| {
        let commentary = json!({
            "type": "Commentary", "slug": slug, "author": "ada", "source": "speeches", "ordinal": 1, "question": "Why?",
            "summary": "So.", "targets": [{"actor": "grace"}], "citations": [{"source": "speeches", "locator": "L1"}],
        });
        with(commentary, changes)
    };
    let position = |changes: Value| {
        let position = json!({
            "type": "Position", "slug": "stance", "holder": "ada", "topic": "two-state-solution", "stance": "NEUTRAL",
            "statement": "said", "citations": [{"source": "speeches", "locator": "L1"}],
        });
        with(position, changes)
    };
    let meeting = |changes: Value| {
        let meeting =
            json!({"type": "Meeting", "slug": "met", "name": "Met", "mode": "CALL", "status": "OCCURRED"});
        with(meeting, changes)
    };
    let event = |slug: &str, changes: Value| {
        let event = json!({
            "type": "Event", "slug": slug, "summary": "Shots were fired.", "eventType": "ASSAULT",
            "citations": [{"source": "speeches", "locator": "L1"}],
        });
        with(event, changes)
    };
    let vote = |slug: &str, changes: Value| {
        let vote =
            json!({"type": "Vote", "slug": slug, "division": "division", "actor": "ada", "choice": "FOR"});
        with(vote, changes)
    };
    let topic =
        |slug: &str, parent: &str| json!({"type": "Topic", "slug": slug, "name": slug, "parent": parent});
    vec![
        // Rules on single values.
        (vec![actor("Not A Slug")], "slug"),
        (vec![with(actor("blank"), json!({"name": " "}))], "name"),
        (
            vec![with(actor("x"), json!({"names": [{"name": "A", "kind": "ALIAS", "script": "latin"}]}))],
            "names.0.script",
        ),
        (vec![with(source("x"), json!({"url": "ftp://x"}))], "url"),
        (vec![with(source("x"), json!({"language": "?"}))], "language"),
        (vec![with(source("x"), json!({"publishedOn": "2025-13"}))], "publishedOn"),
        (vec![commentary("x", json!({"ordinal": 0}))], "ordinal"),
        (vec![event("x", json!({"killed": -1}))], "killed"),
        (vec![event("x", json!({"injured": -1}))], "injured"),
        (vec![event("x", json!({"amount": "-1.5", "currency": "USD"}))], "amount"),
        (vec![event("x", json!({"amount": "a lot", "currency": "USD"}))], "amount"),
        (vec![event("x", json!({"amount": 5, "currency": "dollars"}))], "currency"),
        // Rules on several values.
        (vec![event("x", json!({"amount": "5"}))], "currency"),
        (vec![event("x", json!({"mode": "strike"}))], "mode"),
        (vec![event("x", json!({"occurredOn": "2025", "endedOn": "2024"}))], "endedOn"),
        (vec![meeting(json!({"startsOn": "2025", "endsOn": "2024"}))], "endsOn"),
        (vec![relation(json!({"validFrom": "2025", "validUntil": "2024"}))], "validUntil"),
        (vec![relation(json!({"object": "ada"}))], "object"),
        (vec![cited("x", json!({"rendering": "VERBATIM"}))], "quote"),
        (vec![cited("x", json!({"onBehalfOf": "ada"}))], "onBehalfOf"),
        (
            vec![
                cited("x", json!({"meeting": "met", "publication": "paper"})),
                meeting(json!({})),
                with(actor("paper"), json!({"kind": "MEDIA"})),
            ],
            "publication",
        ),
        (vec![position(json!({"statement": null}))], "evidenceItems"),
        (vec![position(json!({"vote": "voted"}))], "vote"),
        (vec![vote("x", json!({"party": "ada"}))], "party"),
        (
            vec![commentary("x", json!({"targets": [{"actor": "grace", "topic": "two-state-solution"}]}))],
            "targets.0.topic",
        ),
        // Rules on several records.
        (vec![commentary("x", json!({})), commentary("y", json!({}))], "ordinal"),
        (vec![vote("x", json!({})), vote("y", json!({}))], "actor"),
        (vec![vote("x", json!({"actor": "grace"}))], "actor"),
        (vec![topic("x", "y"), topic("y", "x")], "parent"),
        (vec![event("x", json!({"parent": "y"})), event("y", json!({"parent": "x"}))], "parent"),
        (vec![topic("two-state-solution", "new"), topic("new", "two-state-solution")], "parent"),
        (
            vec![
                with(actor("x"), json!({"identifiers": [{"scheme": "s", "value": "1"}]})),
                with(actor("y"), json!({"identifiers": [{"scheme": "s", "value": "1"}]})),
            ],
            "identifiers.0",
        ),
        (vec![cited("x", json!({"topics": ["two-state-solution", "two-state-solution"]}))], "topics.1"),
        (
            vec![cited(
                "x",
                json!({"citations": [{"source": "speeches", "locator": "L1"}, {"source": "speeches", "locator": "L1"}]}),
            )],
            "citations.1",
        ),
        // Rules of triggers.
        (vec![cited("x", json!({"speaker": "washington"}))], "speaker"),
        (vec![cited("x", json!({"publication": "grace"}))], "publication"),
        (vec![meeting(json!({"venue": "grace"}))], "venue"),
        (vec![event("x", json!({"place": "grace"}))], "place"),
        (vec![event("x", json!({"citations": []}))], "citations"),
        (vec![with(actor("ada"), json!({"kind": "PLACE"}))], "kind"),
        (vec![with(actor("washington"), json!({"kind": "PERSON"}))], "kind"),
        (vec![cited("said", json!({"citations": []}))], "citations"),
        (vec![cited("x", json!({"citations": []}))], "citations"),
        (vec![json!({"type": "Actor", "slug": "once", "kind": "PERSON", "name": "grace"})], ""),
        // Valid: existing records refer to new ones, and values move from one record to another.
        (
            vec![topic("two-state-solution", "new"), json!({"type": "Topic", "slug": "new", "name": "New"})],
            "",
        ),
        (
            vec![
                json!({"type": "Meeting", "slug": "held", "parent": "series"}),
                with(meeting(json!({})), json!({"slug": "series"})),
            ],
            "",
        ),
        (
            vec![
                with(actor("ada"), json!({"kind": "MEDIA"})),
                cited("x", json!({"speaker": "grace", "publication": "ada"})),
            ],
            "",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_reports_every_rule_of_the_database() {
    let base = Base::new("foresees").await;
    let cited = json!([{"source": "speeches", "locator": "L1"}]);
    let there = [
        actor("ada"),
        actor("grace"),
        actor("once"),
        source("speeches"),
        statement("said", "ada"),
        json!({"type": "Meeting", "slug": "held", "name": "Held", "mode": "CALL", "status": "OCCURRED"}),
        json!({"type": "Motion", "slug": "motion", "name": "Motion", "citations": cited}),
        json!({"type": "Division", "slug": "division", "motion": "motion", "name": "Motion", "citations": cited}),
        json!({"type": "Vote", "slug": "voted", "division": "division", "actor": "grace", "choice": "AGAINST"}),
    ];
    base.import(&base.file("there.jsonl", lines(&there)));
    let merged = "select set_config('dossier.requester', 'test', true);
        insert into merged_actors (id, slug, kept_id) select old.id, old.slug, kept.id from actors old, actors kept
        where old.slug = 'once' and kept.slug = 'grace'; delete from actors where slug = 'once'";
    sqlx::raw_sql(merged).execute(base.pool()).await.expect("two actors that are one");
    let mut messages = BTreeSet::new();
    for (number, (records, field)) in breaches().into_iter().enumerate() {
        let file = base.file("breach.jsonl", lines(&records));
        let before = base.count("select max(id) from revisions").await;
        let trial = base.import_with(&file, &["--dry-run"]);
        let foreseen = (trial.status.code(), base.report());
        assert_eq!(base.count("select max(id) from revisions").await, before, "{records:?}");
        // All or nothing, so that the next ones find the same base.
        let meant = base.import_with(&file, if field.is_empty() { &[] } else { &["--all-or-nothing"] });
        assert_eq!(foreseen, (meant.status.code(), base.report()), "{number}: {records:?}");
        let reported = String::from_utf8_lossy(&trial.stderr);
        let (status, report) = foreseen;
        assert_eq!(status, Some(i32::from(!field.is_empty())), "{number}: {records:?}\n{reported}");
        messages.extend(report.iter().map(|(_, _, message)| message.clone()));
        let fields: Vec<&str> = report.iter().map(|(_, field, _)| field.as_str()).collect();
        assert!(
            field.is_empty() == report.is_empty() && (field.is_empty() || fields.contains(&field)),
            "{number}: {records:?}: {report:?}\n{reported}"
        );
    }

    // The triggers of the database say it in the same words.
    let id = |table: &str, slug: &str| format!("(select id from {table} where slug = '{slug}')");
    for change in [
        format!("update statements set speaker_id = {} where slug = 'said'", id("actors", "washington")),
        format!("update statements set publication_id = {} where slug = 'said'", id("actors", "grace")),
        format!("update meetings set venue_id = {} where slug = 'held'", id("actors", "grace")),
        "update actors set kind = 'PLACE' where slug = 'grace'".to_owned(),
        "update actors set kind = 'PERSON' where slug = 'washington'".to_owned(),
        "update topics set parent_id = id where slug = 'two-state-solution'".to_owned(),
        format!("delete from citations where statement_id = {}", id("statements", "said")),
    ] {
        let sql = format!(
            "begin; select set_config('dossier.requester', 'test', true); {change}; set constraints all immediate"
        );
        let mut connection = base.pool().acquire().await.expect("a connection");
        let refused = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await.expect_err(&change);
        let message = refused.as_database_error().expect("a rule").message();
        assert!(messages.contains(message), "{change}: {message} is not in {messages:#?}");
        sqlx::query("rollback").execute(&mut *connection).await.expect("rolled back");
    }
}
