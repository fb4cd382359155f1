//! Tables and JSON of any form, by a map of their columns.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    bulk::Base,
    mappings_ftm::{by_key, records},
};

const MAP: &str = r#"
dataset = "sayings"
title = "Sayings of Examplia"
url = "https://example.org/sayings"
delimiter = ";"

[[record]]
name = "actor"
type = "Actor"
key = "Who"
each = {column = "Who", split = "|"}
[record.fields]
name = "Who"
kind = {column = "Sort", values = {p = "PERSON", "x*" = "PERSON"}}
names = [{name = "Short", kind = {constant = "ABBREVIATION"}}]

[[record]]
name = "party"
type = "Actor"
key = "Party"
[record.fields]
name = "Party"
kind = {constant = "ORGANIZATION"}

[[record]]
name = "membership"
type = "Relation"
key = ["Who", "Party"]
when = {Sort = "p"}
[record.fields]
kind = {constant = "MEMBERSHIP"}
subject = {record = "actor", key = "Who"}
object = {record = "party", key = "Party"}
validFrom = {column = "Since", date = "%d %b %Y", precision = {column = "Exact", values = {1 = "day", 2 = "month"}}}

[[record]]
name = "statement"
type = "Statement"
key = "Id"
locator = {template = "row {Id}"}
[record.fields]
speaker = {record = "actor", key = "Who"}
addressees = {record = "actor", key = "To", each = {column = "To", split = "|"}}
medium = {constant = "SPEECH"}
rendering = {constant = "PARAPHRASE"}
eventType = {column = "Code", values = {"13*" = "THREATEN", "02" = "REQUEST"}, default = "STATEMENT"}
summary = {template = "{Who} speaks[ to {To}]."}
"#;

const TABLE: &str = "Id;Who;Sort;Short;Party;Since;Exact;Code;To;Mood\n\
    1;Ada;p;A.;Water Party;03 May 2019;2;131;Bea|Cyd;glad\n\
    2;Bea;p;;Water Party;soon;1;02;;\n\
    3;Cyd;x;;;;;05;Ada;\n";

fn import(base: &Base, file: &Path, map: &Path) -> String {
    let output = base.import_with(file, &["--map", map.to_str().expect("a path")]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told} {:?}", base.report());
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_gives_the_records_that_its_map_says() {
    let base = Base::empty("mapped").await;
    let map = base.file("map.toml", MAP);
    let table = base.file("table.csv", TABLE);
    let told = import(&base, &table, &map);
    for part in ["dataset sayings", "Mood: 1×", "Since: left out, not a date: 1×", "Who: 3×"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let all = records(&base);
    let ada = by_key(&all, "Actor", "actor Ada");
    assert_eq!([&ada["slug"], &ada["kind"], &ada["names"][0]["name"]], ["ada", "PERSON", "A."]);
    let membership = by_key(&all, "Relation", "membership Ada Water Party");
    let told = ["subject", "object", "validFrom"].map(|field| membership[field].clone());
    assert_eq!(json!(told), json!(["ada", "water-party", "2019-05"]));
    let said = by_key(&all, "Statement", "statement 1");
    let told = ["speaker", "eventType", "summary"].map(|field| said[field].clone());
    assert_eq!(json!(told), json!(["ada", "THREATEN", "Ada speaks to Bea|Cyd."]));
    assert_eq!(said["addressees"], json!(["bea", "cyd"]));
    assert_eq!(said["citations"], json!([{"source": "sayings", "locator": "row 1"}]));
    assert_eq!(by_key(&all, "Statement", "statement 2")["summary"], "Bea speaks.");
    assert_eq!(by_key(&all, "Statement", "statement 3")["eventType"], "STATEMENT");
    assert!(import(&base, &table, &map).contains("nothing was written"));
}

#[tokio::test(flavor = "multi_thread")]
async fn json_gives_records_by_paths() {
    let base = Base::empty("mapped-json").await;
    let map = base.file(
        "map.toml",
        r#"
        title = "Talks"
        [[record]]
        name = "actor"
        type = "Actor"
        each = "source"
        key = ["source.text", "source.code"]
        fields = {name = "source.text", kind = {column = "source.code", values = {GOV = "ORGANIZATION"}, default = "GROUP"}}
        [[record]]
        name = "meeting"
        type = "Meeting"
        key = "id"
        unless = {event = ["DOCUMENT"]}
        [record.fields]
        name = "text"
        mode = {constant = "OTHER"}
        status = {constant = "OCCURRED"}
        startsOn = "date"
        participants = [{each = "source", actor = {record = "actor", key = ["source.text", "source.code"]}, role = {constant = "ATTENDEE"}}]
        "#,
    );
    let rows = json!([
        {"id": "0", "event": "DOCUMENT", "license": "free"},
        {"id": "1", "event": "CONSULT", "text": "They talk", "date": "2000-01",
         "source": [{"text": "Ministers", "code": "GOV"}, {"text": "Farmers", "code": "CVL", "size": 3}]},
    ]);
    let told = import(&base, &base.file("rows.txt", rows.to_string()), &map);
    assert!(told.contains("license: 1×") && told.contains("source.size: 1×"), "{told}");
    let all = records(&base);
    assert_eq!(by_key(&all, "Actor", "actor Ministers GOV")["kind"], "ORGANIZATION");
    let meeting = by_key(&all, "Meeting", "meeting 1");
    let part: Vec<&Value> =
        meeting["participants"].as_array().expect("participants").iter().map(|of| &of["actor"]).collect();
    assert_eq!(json!([meeting["startsOn"], part]), json!(["2000-01", ["farmers", "ministers"]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_map_with_a_mistake_is_refused_by_name() {
    let base = Base::new("mapped-mistakes").await;
    let table = base.file("table.csv", "a\n1\n");
    let of = |kind: &str, fields: &str| {
        format!(
            "title = \"T\"\n[[record]]\nname = \"r\"\ntype = \"{kind}\"\nkey = \"a\"\nfields = {fields}\n"
        )
    };
    for (map, reason) in [
        (of("Ghost", "{}"), "unknown record type `Ghost`"),
        (of("Actor", "{height = 'a'}"), "unknown field `height`; Actor has"),
        (of("Actor", "{names = 'a'}"), "`names` takes a list of tables"),
        (of("Actor", "{name = [{a = 'b'}]}"), "`name` takes a value"),
        (
            of("Relation", "{subject = {record = 'x', key = 'a'}}"),
            "the record `x`, which the map doesn't have",
        ),
        ("title = 3".to_owned(), "invalid type"),
    ] {
        let map = base.file("map.toml", map);
        let output = base.import_with(&table, &["--map", map.to_str().expect("a path")]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && told.contains(reason), "{reason}: {told}");
    }
}
