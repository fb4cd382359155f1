//! Wikidata's JSON: what becomes of its items.

use serde_json::{Value, json};

use crate::{
    bulk::{Base, lines},
    mappings_ftm::{by_key, records},
};

fn item(id: &str) -> Value {
    json!({"value": {"id": id, "entity-type": "item"}, "type": "wikibase-entityid"})
}

fn time(time: &str, precision: u64) -> Value {
    let calendar = "http://www.wikidata.org/entity/Q1985727";
    json!({"value": {"time": time, "precision": precision, "calendarmodel": calendar}, "type": "time"})
}

fn text(text: &str) -> Value {
    json!({"value": text, "type": "string"})
}

fn claim(id: &str, value: impl Into<Value>, qualifiers: impl Into<Value>) -> Value {
    let (value, qualifiers): (Value, Value) = (value.into(), qualifiers.into());
    json!({
        "id": id, "rank": "normal", "type": "statement",
        "mainsnak": {"snaktype": "value", "datavalue": value}, "qualifiers": qualifiers,
    })
}

fn qualifiers(of: &[(&str, Value)]) -> Value {
    of.iter().map(|(property, value)| ((*property).to_owned(), json!([{"datavalue": value}]))).collect()
}

fn labels(of: &[(&str, &str)]) -> Value {
    of.iter()
        .map(|(language, text)| ((*language).to_owned(), json!({"language": language, "value": text})))
        .collect()
}

/// A minister and what is about her, with invented ids.
fn entities() -> Vec<Value> {
    let none = || json!({});
    let mut former = claim("Q900000001$3", item("Q900000009"), none());
    former["rank"] = "deprecated".into();
    vec![
        json!({
            "type": "item", "id": "Q900000001",
            "labels": labels(&[("en", "Aru Bekova"), ("kk", "Ару Бекова"), ("mul", "Aru Bekova")]),
            "aliases": {"en": [{"language": "en", "value": "A. Bekova"}]},
            "descriptions": labels(&[("en", "politician of Examplia")]),
            "sitelinks": {"enwiki": {"title": "Aru Bekova"}},
            "claims": {
                "P31": [claim("Q900000001$0", item("Q5"), none())],
                "P569": [claim("Q900000001$1", time("+1971-05-03T00:00:00Z", 11), none())],
                "P21": [claim("Q900000001$g", item("Q6581072"), none())],
                "P102": [
                    claim("Q900000001$2", item("Q900000002"), qualifiers(&[("P580", time("+1999-00-00T00:00:00Z", 9))])),
                    former,
                ],
                "P39": [claim("Q900000001$4", item("Q900000003"), qualifiers(&[
                    ("P580", time("+2019-06-00T00:00:00Z", 10)), ("P582", time("+2022-01-31T00:00:00Z", 11)),
                    ("P2937", item("Q900000004")), ("P768", item("Q900000005")), ("P1365", item("Q900000006")),
                ]))],
                "P27": [claim("Q900000001$5", item("Q900000007"), none())],
                "P214": [claim("Q900000001$6", text("990000001"), none())],
                "P18": [claim("Q900000001$7", text("Aru Bekova (2019).jpg"), none())],
                "P999": [claim("Q900000001$8", text("x"), none())],
            },
        }),
        json!({
            "type": "item", "id": "Q900000003", "labels": labels(&[("en", "Minister of Water")]),
            "claims": {
                "P31": [claim("a", item("Q4164871"), none())],
                "P2389": [claim("b", item("Q900000008"), none())],
            },
        }),
        json!({
            "type": "item", "id": "Q900000004", "labels": labels(&[("en", "7th Assembly")]),
            "claims": {"P31": [claim("c", item("Q15238777"), none())]},
        }),
        json!({
            "type": "item", "id": "Q900000008", "labels": labels(&[("de", "Wasserministerium")]),
            "claims": {
                "P31": [claim("d", item("Q192350"), none())],
                "P571": [claim("e", time("+1950-00-00T00:00:00Z", 8), none())],
            },
        }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn items_become_actors_and_statements_relations() {
    let base = Base::empty("wikidata").await;
    let by_id: Value = entities()
        .into_iter()
        .map(|entity| (entity["id"].as_str().unwrap_or_default().to_owned(), entity))
        .collect();
    let file = base.file("entities.json", json!({"entities": by_id, "success": 1}).to_string());
    let reported = base.import(&file);
    for part in [
        "claims.P999: 1×",
        "sitelinks.enwiki.title: 1×",
        "claims.P102 (deprecated): 1×",
        "claims.P39.P1365: 1×",
    ] {
        assert!(reported.contains(part), "{part}: {reported}");
    }
    let all = records(&base);
    let aru = by_key(&all, "Actor", "Q900000001");
    assert_eq!([&aru["slug"], &aru["name"], &aru["kind"]], ["aru-bekova", "Aru Bekova", "PERSON"]);
    let names: Vec<_> = aru["names"]
        .as_array()
        .expect("names")
        .iter()
        .map(|name| (&name["name"], &name["language"]))
        .collect();
    assert_eq!(json!(names), json!([["Ару Бекова", "kk"], ["A. Bekova", "en"]]));
    let identifiers = [("wikidata", "Q900000001"), ("viaf", "990000001")];
    let identifiers = identifiers.map(|(scheme, value)| json!({"scheme": scheme, "value": value}));
    assert_eq!(aru["identifiers"], json!(identifiers));

    let reported = ["bornOn", "gender", "summary"].map(|field| aru[field].clone());
    assert_eq!(json!(reported), json!(["1971-05-03", "FEMALE", "politician of Examplia"]));
    assert_eq!(
        aru["links"][0]["url"],
        "https://commons.wikimedia.org/wiki/Special:FilePath/Aru_Bekova_(2019).jpg"
    );
    let office = by_key(&all, "Relation", "Q900000001$4");
    let reported = ["area", "term"].map(|field| office[field].clone());
    assert_eq!(json!(reported), json!(["Q900000005", "7th Assembly"]));
    assert_eq!(by_key(&all, "Actor", "Q900000008")["organizationKind"], "MINISTRY");

    let relation = |key: &str| {
        let of = by_key(&all, "Relation", key);
        ["kind", "subject", "object", "label", "validFrom", "validUntil"]
            .map(|field| of[field].as_str().unwrap_or("-").to_owned())
    };
    let minister =
        ["POSITION", "aru-bekova", "wasserministerium", "Minister of Water", "2019-06", "2022-01-31"];
    assert_eq!(relation("Q900000001$4"), minister);
    // What the file only refers to stands there by its id.
    assert_eq!(relation("Q900000001$2"), ["MEMBERSHIP", "aru-bekova", "q900000002", "-", "1999", "-"]);
    assert_eq!(by_key(&all, "Actor", "Q900000007")["kind"], "COUNTRY");
    assert!(base.import(&file).contains("nothing was written"));

    // Lines of a dump, and a list, are the same.
    let list = format!("[\n{}\n]", entities().iter().map(Value::to_string).collect::<Vec<_>>().join(",\n"));
    for (name, content) in [("dump.jsonl", lines(&entities())), ("dump.json", list)] {
        assert!(base.import(&base.file(name, content)).contains("nothing was written"), "{name}");
    }
    let other = Base::empty("wikidata-other").await;
    let export = base.export(&[]);
    other.import(&other.file("export.jsonl", &export));
    assert_eq!(other.export(&[]), export);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_only_refers_to_keeps_what_is_known_of_it() {
    let base = Base::empty("wikidata-references").await;
    let person = |id: &str, name: &str| {
        json!({
            "type": "item", "id": id, "labels": labels(&[("en", name)]),
            "claims": {
                "P31": [claim(&format!("{id}$1"), item("Q5"), json!({}))],
                "P102": [claim(&format!("{id}$2"), item("Q900000002"), json!({}))],
            },
        })
    };
    let party = json!({
        "type": "item", "id": "Q900000002", "labels": labels(&[("en", "Water Party")]),
        "claims": {"P31": [claim("p", item("Q7278"), json!({}))]},
    });
    base.import(&base.file("one.json", lines(&[person("Q900000011", "Ada")])));
    assert_eq!(by_key(&records(&base), "Actor", "Q900000002")["name"], "Q900000002");
    base.import(&base.file("party.json", lines(&[party])));
    assert_eq!(by_key(&records(&base), "Actor", "Q900000002")["name"], "Water Party");
    base.import(&base.file("two.json", lines(&[person("Q900000012", "Bea")])));
    let all = records(&base);
    assert_eq!(by_key(&all, "Actor", "Q900000002")["name"], "Water Party");
    assert_eq!(
        by_key(&all, "Relation", "Q900000012$2")["object"],
        by_key(&all, "Actor", "Q900000002")["slug"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entity_that_wikidata_does_not_have_is_counted() {
    let base = Base::empty("wikidata-missing").await;
    let known = json!({"id": "Q900000011", "labels": labels(&[("en", "Ada")]), "claims": {"P31": [claim("a", item("Q5"), json!({}))]},
                       "count": 1e300});
    let document =
        json!({"entities": {"Q900000011": known, "Q900000012": {"id": "Q900000012", "missing": ""}}});
    let reported = base.import(&base.file("entities.json", document.to_string()));
    assert!(reported.contains("missing: left out, Wikidata has no such entity: 1×"), "{reported}");
    assert_eq!(by_key(&records(&base), "Actor", "Q900000011")["name"], "Ada");
}
