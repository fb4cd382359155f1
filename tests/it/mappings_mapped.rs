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
    let reported = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{reported} {:?}", base.report());
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_gives_the_records_that_its_map_says() {
    let base = Base::empty("mapped").await;
    let map = base.file("map.toml", MAP);
    let table = base.file("table.csv", TABLE);
    let reported = import(&base, &table, &map);
    for part in ["dataset sayings", "Mood: 1×", "Since: left out, expected a date: 1×", "Who: 3×"] {
        assert!(reported.contains(part), "{part}: {reported}");
    }
    let all = records(&base);
    let ada = by_key(&all, "Actor", "actor Ada");
    assert_eq!([&ada["slug"], &ada["kind"], &ada["names"][0]["name"]], ["ada", "PERSON", "A."]);
    let membership = by_key(&all, "Relation", "membership Ada Water Party");
    let reported = ["subject", "object", "validFrom"].map(|field| membership[field].clone());
    assert_eq!(json!(reported), json!(["ada", "water-party", "2019-05"]));
    let said = by_key(&all, "Statement", "statement 1");
    let reported = ["speaker", "eventType", "summary"].map(|field| said[field].clone());
    assert_eq!(json!(reported), json!(["ada", "THREATEN", "Ada speaks to Bea|Cyd."]));
    assert_eq!(said["addressees"], json!(["bea", "cyd"]));
    let cited = &said["citations"][0];
    assert_eq!((&cited["source"], &cited["locator"]), (&json!("sayings"), &json!("row 1")));
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
    let reported = import(&base, &base.file("rows.txt", rows.to_string()), &map);
    assert!(reported.contains("license: 1×") && reported.contains("source.size: 1×"), "{reported}");
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
    let other = "[[record]]\nname = \"t\"\ntype = \"Topic\"\nkey = \"a\"\nfields = {name = 'a'}\n";
    let event = |fields: &str| of("Event", fields) + other;
    for (map, reason) in [
        (of("Ghost", "{}"), "[r]: unknown record type `Ghost`"),
        (of("Actor", "{height = 'a'}"), "[r.height]: unknown field `height`; Actor has"),
        (of("Actor", "{names = 'a'}"), "[r.names]: takes a list of tables"),
        (of("Actor", "{names = [{nam = 'a'}]}"), "[r.names.nam]: unknown field; expected one of name"),
        (of("Actor", "{name = [{a = 'b'}]}"), "[r.name]: takes a value"),
        (of("Actor", "{kind = {constant = 'PRSON'}}"), "[r.kind]: Unknown value `PRSON`; expected one of"),
        (
            of("Actor", "{kind = {column = 'a', values = {x = 'GHOST', y = ''}}}"),
            "[r.kind]: Unknown value `GHOST`",
        ),
        (of("Actor", "{kind = {column = 'a', default = 'Q'}}"), "[r.kind]: Unknown value `Q`"),
        (
            of("Actor", "{names = [{name = 'a', kind = {constant = 'NICK'}}]}"),
            "[r.names.kind]: Unknown value `NICK`",
        ),
        (of("Actor", "{bornOn = {constant = '3.5.2019'}}"), "[r.bornOn]: `3.5.2019` is not a date"),
        (
            of("Actor", "{bornOn = {constant = '2019-05-03', date = '%d.%m.%Y'}}"),
            "[r.bornOn]: `2019-05-03`: expected a date",
        ),
        (of("Actor", "{bornOn = {column = 'a', default = '0'}}"), "[r.bornOn]: `0` is not a date"),
        (
            of("Actor", "{bornOn = {column = 'a', precision = {column = 'b', values = {1 = 'dya'}}}}"),
            "[r.bornOn]: `precision` is `dya`",
        ),
        (of("Actor", "{latitude = {constant = 'north'}}"), "[r.latitude]: `north` is not a number"),
        (of("Actor", "{name = {column = 'a', country = 'iso'}}"), "[r.name]: `country` is `iso`"),
        (
            of("Actor", "{name = {constant = 'Nowhere', country = 'name'}}"),
            "[r.name]: `Nowhere`: not a country",
        ),
        (of("Actor", "{name = {template = '{a'}}"), "[r.name]: the template has a brace"),
        (of("Actor", "{name = {split = ';'}}"), "[r.name]: needs `column`, `constant` or `template`"),
        (of("Actor", "{slug = {constant = 'Ada B'}}"), "[r.slug]: `Ada B` is no slug"),
        (event("{targets = {constant = 'War and Peace'}}"), "[r.targets]: `War and Peace` is no slug"),
        (event("{targets = {record = 't'}}"), "[r.targets]: a reference needs both"),
        (event("{place = {record = 't', key = 'a'}}"), "[r.place]: refers to the record `t` of type Topic"),
        (event("{summary = {record = 't', key = 'a'}}"), "[r.summary]: takes a value, not a reference"),
        (
            of("Relation", "{subject = {record = 'x', key = 'a'}}"),
            "[r.subject]: refers to the record `x`, which the map doesn't have",
        ),
        (
            of("Actor", "{bornOn = {column = 'a', date = '%d.%M.%Y'}}"),
            "[r.bornOn]: has the date form `%d.%M.%Y`",
        ),
        (of("Actor", "{name = {colum = 'a'}}"), "expected a column in quotes, a table of a rule"),
        ("title = 3".to_owned(), "invalid type"),
    ] {
        let map = base.file("map.toml", map);
        let output = base.import_with(&table, &["--map", map.to_str().expect("a path")]);
        let reported = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && reported.contains(reason), "{reason}: {reported}");
    }
}

/// Rows that are invented, in the form that each of the maps in the documentation is for.
const EXAMPLES: [(&str, &str, &str); 4] = [
    (
        "acled.toml",
        "event_id_cnty,event_date,time_precision,event_type,sub_event_type,actor1,assoc_actor_1,inter1,actor2,inter2,country,admin1,location,latitude,longitude,geo_precision,notes,fatalities\n\
         KAZ1,08 March 2023,2,Battles,Air/drone strike,Forces of Examplia,Air Force; Water Party,State Forces,Rebels of Examplia,Rebel Groups,Kazakhstan,North,Exampleville,43.25,76.95,1,A strike.,1\n",
        r#"{"eventType": "ASSAULT", "mode": "aerial", "occurredOn": "2023-03", "killed": 1, "actors": ["air-force", "forces-of-examplia", "water-party"], "targets": ["rebels-of-examplia"], "place": "exampleville"}"#,
    ),
    (
        "icews.toml",
        "Event ID\tEvent Date\tSource Name\tSource Sectors\tSource Country\tEvent Text\tCAMEO Code\tIntensity\tTarget Name\tTarget Country\tStory ID\tSentence Number\tCity\tCountry\tLatitude\tLongitude\n\
         7\t2001-02-03\tArmed \"Rebels\"\tInsurgents\tKazakhstan\tMake a visit\t042\t1.9\tCitizen (Examplia)\tRussian Federation\t11\t2\tAlmaty\tKazakhstan\t43.25\t76.95\n",
        r#"{"eventType": "CONSULT", "mode": null, "occurredOn": "2001-02-03", "killed": null, "actors": ["armed-rebels"], "targets": ["citizen-examplia"], "place": "almaty"}"#,
    ),
    (
        "polecat.toml",
        "Event ID\tEvent Date\tEvent Type\tEvent Mode\tContexts\tActor Name\tActor Country\tPrimary Actor Sector\tRecipient Name\tGeoNames ID\tPlacename\tCountry\tLatitude\tLongitude\n\
         PC1\t2023-04-05\tPROTEST\tdemo\tlabor\tFarmers; Miners\tKAZ\tCVL\tWater Board\t1526384\tAlmaty\tKAZ\t43.25\t76.95\n",
        r#"{"eventType": "PROTEST", "mode": "demo", "occurredOn": "2023-04-05", "killed": null, "actors": ["farmers", "miners"], "targets": ["water-board"], "place": "almaty"}"#,
    ),
    (
        "plover-gsr.toml",
        r#"[{"id": "0", "event": "DOCUMENT", "license": "free"},
            {"id": "1", "event": "FIGHT", "mode": "firearms", "date": "2000-01-01", "text": "Rebels shoot at police.", "eventText": "shoot",
             "source": [{"actorText": "Rebels", "code": "KAZ", "sector": "REB"}], "dead": "2",
             "target": [{"actorText": "Police", "code": "KAZ", "sector": "COP"}], "eventLoc": {"name": "Almaty"}}]"#,
        r#"{"eventType": "ASSAULT", "mode": "firearms", "occurredOn": null, "killed": 2, "actors": ["rebels"], "targets": ["police"], "place": "almaty"}"#,
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_maps_of_the_documentation_read_what_they_are_for() {
    for (name, rows, expected) in EXAMPLES {
        let base = Base::empty(&format!("maps-{name}")).await;
        let map = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/maps").join(name);
        let file = base.file("rows.txt", rows);
        let reported = import(&base, &file, &map);
        let all = records(&base);
        let event = all
            .iter()
            .find(|record| record["type"] == "Event")
            .unwrap_or_else(|| panic!("{name}: {reported}"));
        let expected: Value = serde_json::from_str(expected).expect("JSON");
        for (field, value) in expected.as_object().expect("fields") {
            let mut found = event[field].clone();
            if let Value::Array(list) = &mut found {
                list.sort_by_key(Value::to_string);
            }
            assert_eq!(found, *value, "{name} {field}: {reported}");
        }
        let kazakhstan = all.iter().find(|record| record["name"] == "Kazakhstan");
        let codes = kazakhstan.map(|record| record["identifiers"].clone());
        assert_eq!(
            codes,
            Some(json!([{"scheme": "iso3166-1-alpha3", "value": "KAZ"}])),
            "{name}: {reported}"
        );
        assert!(import(&base, &file, &map).contains("nothing was written"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_not_the_map_s_is_refused() {
    let base = Base::new("wrong-tables").await;
    let map = base.file(
        "people.toml",
        "title = \"People\"\ndataset = \"people\"\ndelimiter = \";\"\n[[record]]\nname = \"person\"\ntype = \"Actor\"\nkey = \"Id\"\n\
         [record.fields]\nname = \"Name\"\nkind = {constant = \"PERSON\"}\nsummary = \"About\"\n",
    );
    let map = map.to_str().expect("text");
    let right = base.file("people.csv", "Id;Name;About\n1;Ada;\n2;\"Ben; the other\";\"two\nlines\"\n");
    assert!(base.import_with(&right, &["--map", map]).status.success());
    for (content, reason) in [
        (&b"Id,Name\n1,Ada\n"[..], "asks for columns that the table doesn't have (`Id`"),
        (b"Id;Nme\n1;Ada\n", "asks for columns that the table doesn't have (`Name`)"),
        (b"Id;Name;Name\n1;Ada;Bo\n", "two columns `Name`"),
        (b"Id;Name\n1;\xc4nne\n", "line 2 is not UTF-8"),
        (b"\xff\xfeI\0d", "isn't in the encoding UTF-16LE"),
        (b"Id;Name\n1;\"Ada\n2;Ben\n", "a quote in the row of line 2 is not closed"),
        (b"Id;Name\n", "has no records of the dataset `people`"),
    ] {
        let file = base.file("other.csv", content);
        let output = base.import_with(&file, &["--map", map, "--complete"]);
        let reported = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && reported.contains(reason), "{reason}: {reported}");
    }
    assert_eq!(
        base.count("select count(*) from origins where dataset = 'people' and key <> 'dataset'").await,
        2
    );
    // A row is known by its line, whatever ends the lines.
    let sorted = base.file(
        "sorted.toml",
        "title = \"People\"\n[[record]]\nname = \"person\"\ntype = \"Actor\"\nkey = \"Id\"\nfields = {name = \"Name\", kind = \"Sort\"}\n",
    );
    let rows =
        base.file("sorted.csv", "\u{feff}Id,Name,Sort\r\n1,\"A,\r\nda\",PERSON\r\n2,\"Ben\",GHOST\r\n");
    base.import_with(&rows, &["--map", sorted.to_str().expect("text")]);
    let report = base.report();
    assert_eq!((report.len(), report[0].0, report[0].1.as_str()), (1, 4, "kind"), "{report:?}");
    // A column that a record can do without is counted.
    let file = base.file("fewer.csv", "Id;Name\n1;Ada\n");
    let output = base.import_with(&file, &["--map", map]);
    let reported = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(reported.contains("the table has no such column"), "{reported}");
}
