//! `FollowTheMoney`: what becomes of its entities.

use serde_json::{Value, json};

use crate::bulk::{Base, lines};

const EXAMPLIA: &str = r#"
{"id":"q1","schema":"Person","caption":"Aru Bekova","properties":{"name":["BEKOVA, Aru","Aru Bekova"],"wikidataId":["Q999999001"],"country":["kz"],"nationality":["kz"],"birthDate":["1971","1971-05-03T00:00:00"],"gender":["female"],"topics":["role.pep"],"position":["Minister"],"email":["aru@example.org"],"height":["170"]},"datasets":["peps"]}
{"id":"occ-1","schema":"Occupancy","properties":{"holder":["q1"],"post":["pos-1"],"startDate":["2019-06"],"endDate":["2022"]}}
{"id":"pos-1","schema":"Position","properties":{"name":["Minister of Water of Examplia"],"country":["kz"]}}
{"id":"c1","schema":"Company","properties":{"name":["АО Пример Су","Examplia Water JSC"],"jurisdiction":["kz"],"registrationNumber":["970240000123"],"innCode":["12345"],"incorporationDate":["1997-02-24"],"addressEntity":["a1"]}}
{"id":"a1","schema":"Address","properties":{"full":["1 Canal Street, Exampleville"],"country":["kz"]}}
{"id":"o1","schema":"Ownership","properties":{"owner":["q1"],"asset":["c1"],"percentage":["51.2%"],"startDate":["2014-05-03","2014"],"endDate":["2020-01-01","2021"]}}
{"id":"q1","schema":"Person","properties":{"name":["Ару Бекова"],"alias":["Aru Bekova"]}}
{"id":"d1","schema":"Directorship","properties":{"director":["q1"],"organization":["c1"],"role":["Chair","CEO"],"startDate":["2014-05-03T00:00:00"]}}
{"id":"e1","schema":"Employment","properties":{"employee":["q1"],"employer":[{"id":"b1","schema":"PublicBody","properties":{"name":["Water Board"],"topics":["gov.judicial"]}}]}}
{"id":"f1","schema":"Family","properties":{"person":["q1"],"relative":["q2"],"relationship":["sister"]}}
{"id":"q2","schema":"Person","properties":{"lastName":["Bekov"],"firstName":["Dan"]}}
{"id":"q3","schema":"Person","properties":{"birthDate":["1980"]}}
{"id":"v1","schema":"Vessel","properties":{"name":["MV Example"],"imoNumber":["1234567"]}}
{"id":"n1","schema":"Article","properties":{"title":["Water sold"],"publisher":["Examplia Times"],"author":["Eve Penn"],"publishedAt":["2020-02-03T10:00:00"],"sourceUrl":["https://example.org/water"],"language":["eng"]}}
{"id":"m1","schema":"Event","properties":{"name":["Water summit"],"date":["2018-04"],"organizer":["b1"],"involved":["q1"]}}
"#;

pub fn records(base: &Base) -> Vec<Value> {
    base.export(&[]).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

pub fn find<'a>(records: &'a [Value], kind: &str, slug: &str) -> &'a Value {
    let is_it = |record: &&Value| record["type"] == kind && record["slug"] == slug;
    records.iter().find(is_it).unwrap_or_else(|| panic!("no {kind} {slug}"))
}

/// The record that a dataset knows by a key.
pub fn by_key<'a>(records: &'a [Value], kind: &str, key: &str) -> &'a Value {
    let has = |record: &&Value| {
        let origins = record["origins"].as_array().map(Vec::as_slice).unwrap_or_default();
        record["type"] == kind && origins.iter().any(|origin| origin["key"] == key)
    };
    records.iter().find(has).unwrap_or_else(|| panic!("no {kind} {key}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_become_actors_relations_sources_and_meetings() {
    let base = Base::empty("ftm").await;
    let file = base.file("examplia.entities.ftm.json", EXAMPLIA);
    let reported = base.import(&file);
    assert!(
        reported.contains("Person.height: 1×") && reported.contains("Vessel.imoNumber: 1×"),
        "{reported}"
    );
    let all = records(&base);

    let aru = by_key(&all, "Actor", "q1");
    assert_eq!([&aru["name"], &aru["kind"]], ["Aru Bekova", "PERSON"]);
    let names: Vec<&str> =
        aru["names"].as_array().expect("names").iter().filter_map(|name| name["name"].as_str()).collect();
    assert_eq!(names, ["BEKOVA, Aru", "Ару Бекова"]);
    assert_eq!(aru["identifiers"], json!([{"scheme": "wikidata", "value": "Q999999001"}]));
    let reported = ["bornOn", "gender", "summary", "links"].map(|field| aru[field].clone());
    let links = json!([{"url": "mailto:aru@example.org", "kind": "CONTACT", "note": null}]);
    let summary = "Position: Minister\nTopics: politically exposed person";
    assert_eq!(json!(reported), json!(["1971-05-03", "FEMALE", summary, links]));
    assert_eq!(by_key(&all, "Actor", "q2")["name"], "Dan Bekov");
    assert_eq!(by_key(&all, "Actor", "q3")["name"], "q3");

    let water = by_key(&all, "Actor", "c1");
    assert_eq!([&water["slug"], &water["name"]], ["examplia-water-jsc", "Examplia Water JSC"]);
    let schemes: Vec<&str> = water["identifiers"]
        .as_array()
        .expect("identifiers")
        .iter()
        .filter_map(|identifier| identifier["scheme"].as_str())
        .map(|scheme| scheme.rsplit(':').next().unwrap_or(scheme))
        .collect();
    assert_eq!(schemes, ["innCode", "registrationNumber"]);
    let reported = ["organizationKind", "foundedOn"].map(|field| water[field].clone());
    assert_eq!(json!(reported), json!(["COMPANY", "1997-02-24"]));
    assert_eq!(by_key(&all, "Actor", "b1")["organizationKind"], "COURT");
    assert_eq!(by_key(&all, "Relation", "o1")["share"], 51.2);
    assert_eq!(by_key(&all, "Actor", "a1")["kind"], "PLACE");
    assert_eq!(by_key(&all, "Actor", "b1")["name"], "Water Board");

    let relation = |key: &str| {
        let of = by_key(&all, "Relation", key);
        ["kind", "subject", "object", "label", "validFrom", "validUntil"]
            .map(|field| of[field].as_str().unwrap_or("-").to_owned())
    };
    let minister = "Minister of Water of Examplia";
    assert_eq!(relation("occ-1"), ["POSITION", "aru-bekova", "kazakhstan", minister, "2019-06", "2022"]);
    let owned = ["OWNERSHIP", "aru-bekova", "examplia-water-jsc", "-", "2014-05-03", "2020-01-01"];
    assert_eq!(relation("o1"), owned);
    let chaired = ["POSITION", "aru-bekova", "examplia-water-jsc", "Chair; CEO", "2014-05-03", "-"];
    assert_eq!(relation("d1"), chaired);
    assert_eq!(relation("e1"), ["POSITION", "aru-bekova", "water-board", "Employee", "-", "-"]);
    assert_eq!(relation("f1"), ["FAMILY", "aru-bekova", "dan-bekov", "sister", "-", "-"]);
    assert_eq!(relation("q1 NATIONALITY kz"), ["NATIONALITY", "aru-bekova", "kazakhstan", "-", "-", "-"]);
    let lies = ["LOCATION", "examplia-water-jsc", "1-canal-street-exampleville", "-", "-", "-"];
    assert_eq!(relation("c1 LOCATION a1"), lies);

    let article = by_key(&all, "Source", "n1");
    let reported =
        ["title", "publisher", "url", "language", "publishedOn"].map(|field| article[field].clone());
    assert_eq!(
        json!(reported),
        json!(["Water sold", "examplia-times", "https://example.org/water", "en", "2020-02-03"])
    );
    assert_eq!(article["authors"], json!(["eve-penn"]));
    let summit = by_key(&all, "Meeting", "m1");
    assert_eq!([&summit["name"], &summit["startsOn"]], ["Water summit", "2018-04"]);
    let part = json!([{"actor": "aru-bekova", "role": "ATTENDEE"}, {"actor": "water-board", "role": "HOST"}]);
    assert_eq!(summit["participants"], part);

    assert!(base.import(&file).contains("nothing was written"));
    let other = Base::empty("ftm-other").await;
    let export = base.export(&[]);
    other.import(&other.file("export.jsonl", &export));
    assert_eq!(other.export(&[]), export);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_country_that_is_there_is_not_entered_again() {
    let base = Base::empty("ftm-countries").await;
    let kazakhstan = json!({
        "type": "Actor", "slug": "qazaqstan", "kind": "COUNTRY", "name": "Qazaqstan",
        "identifiers": [{"scheme": "iso3166-1-alpha3", "value": "KAZ"}],
    });
    let gaza = json!({
        "type": "Actor", "slug": "palestine-here", "kind": "COUNTRY", "name": "Palestine",
        "identifiers": [{"scheme": "iso3166-1-alpha2", "value": "PS"}],
    });
    base.import(&base.file("base.jsonl", lines(&[kazakhstan, gaza])));
    let entity = json!({"id": "p", "schema": "Person", "properties": {"name": ["Ada"], "nationality": ["kz", "PSE", "nowhere"]}});
    let reported = base.import(&base.file("one.ftm", lines(&[entity])));
    assert!(reported.contains("Person.nationality: left out, the country is not known: 1×"), "{reported}");
    let all = records(&base);
    let of = find(&all, "Actor", "qazaqstan");
    assert_eq!((&of["name"], &of["names"], &of["origins"]), (&json!("Qazaqstan"), &json!([]), &json!([])));
    let objects: Vec<&str> = all
        .iter()
        .filter(|record| record["type"] == "Relation")
        .filter_map(|of| of["object"].as_str())
        .collect();
    assert_eq!(objects, ["qazaqstan", "palestine-here"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn countries_of_datasets_are_those_of_the_seed() {
    let base = Base::new("ftm-seed").await;
    let entity =
        json!({"id": "p", "schema": "Person", "properties": {"name": ["Ada"], "nationality": ["kz", "us"]}});
    base.import(&base.file("one.ftm", lines(&[entity])));
    let area = json!({
        "id": "1", "name": "Republic of Kazakhstan", "classification": "country",
        "identifiers": [{"scheme": "wikidata", "identifier": "Q232"}],
    });
    let popolo = json!({"areas": [area], "memberships": [], "persons": []});
    base.import(&base.file("states.json", popolo.to_string()));
    let all = records(&base);
    let countries: Vec<&str> = all
        .iter()
        .filter(|record| record["type"] == "Relation" && record["kind"] == "NATIONALITY")
        .filter(|relation| relation["subject"] == "ada")
        .filter_map(|relation| relation["object"].as_str())
        .collect();
    assert_eq!(countries, ["kazakhstan", "united-states"]);
    let kazakhstan = by_key(&all, "Actor", "1");
    assert_eq!(json!([kazakhstan["slug"], kazakhstan["kind"]]), json!(["kazakhstan", "COUNTRY"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_edition_changes_the_fact_with_the_same_id() {
    let base = Base::empty("ftm-editions").await;
    let people = |until: Value| {
        let entity = |id: &str, schema: &str, properties: Value| json!({"id": id, "schema": schema, "properties": properties});
        [
            entity("p", "Person", json!({"name": ["Ada"]})),
            entity("c", "Company", json!({"name": ["Sample"]})),
            entity(
                "o",
                "Ownership",
                json!({"owner": ["p"], "asset": ["c"], "startDate": ["2019"], "endDate": until}),
            ),
            // A fragment may have one end of a link only.
            entity("m", "Membership", json!({"member": ["p"]})),
            entity("m", "Membership", json!({"organization": ["c"]})),
        ]
    };
    base.import(&base.file("own.ftm", lines(&people(json!([])))));
    let reported = base.import(&base.file("own.ftm", lines(&people(json!(["2024"])))));
    assert!(reported.contains("created 0, updated 1"), "{reported}");
    let all = records(&base);
    assert_eq!(by_key(&all, "Relation", "o")["validUntil"], "2024");
    assert_eq!(by_key(&all, "Relation", "m")["object"], "sample");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_what_the_file_lacks_is_left_out_and_counted() {
    let base = Base::empty("ftm-dangling").await;
    let entities = [
        json!({"id": "p", "schema": "Person", "properties": {"name": ["Ada"], "addressEntity": ["nowhere"]}}),
        json!({"id": "o", "schema": "Ownership", "properties": {"owner": ["p"], "asset": ["v"]}}),
        json!({"id": "v", "schema": "Vessel", "properties": {"name": ["MV Example"]}}),
        // Nobody says whose office it is, or what it is called.
        json!({"id": "h", "schema": "Occupancy", "properties": {"holder": ["p"], "post": ["office-1"]}}),
    ];
    let file = base.file("some.ftm", lines(&entities));
    let reported = base.import(&file);
    let lost = "Relation.object: the record is left out: what it refers to is not there: 2×";
    assert!(reported.contains(lost) && reported.contains("rejected 0"), "{reported}");
    assert_eq!(by_key(&records(&base), "Relation", "h")["object"], "office-1");
    assert!(base.import(&file).contains("nothing was written"));
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_in_a_list_are_read_and_what_is_none_is_rejected_by_its_line() {
    let base = Base::empty("ftm-lists").await;
    let list = r#"[{"id": "p", "schema": "Person", "properties": {"name": ["Ada"]}}]"#;
    assert!(base.import(&base.file("list.json", list)).contains("created 2"));
    let address = r#"{"id": "a1", "schema": "Address", "properties": {"city": ["Exampleville"], "street": ["1 Canal Street"]}}"#;
    base.import(&base.file("address.ftm", address));
    assert_eq!(by_key(&records(&base), "Actor", "a1")["name"], "1 Canal Street, Exampleville");
    let odd = "{\"id\":\"a\",\"schema\":\"Person\",\"properties\":{\"name\":[\"Bea\"]}}\n{\"schema\":\"Person\"}\n{\"id\":\"b\"}\n";
    let output = base.import_with(&base.file("odd.ftm", odd), &[]);
    assert_eq!(output.status.code(), Some(1));
    let reported = base.report();
    let reasons: Vec<_> = reported.iter().map(|(line, _, reason)| (*line, reason.as_str())).collect();
    assert_eq!(reasons, [(2, "An entity needs an id."), (3, "An entity needs a schema.")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sanction_is_an_event_by_its_authority() {
    let base = Base::empty("ftm-sanctions").await;
    let entities = [
        json!({"id": "p", "schema": "Person", "properties": {"name": ["Ada"]}}),
        json!({"id": "s", "schema": "Sanction", "properties": {
            "entity": ["p"], "authority": ["Examplia Treasury"], "country": ["kz"], "program": ["WATER-1"],
            "reason": ["Sold water."], "startDate": ["2023-02-24"], "listingDate": ["2023-03-01"],
        }}),
    ];
    let file = base.file("sanctions.ftm", lines(&entities));
    base.import(&file);
    let all = records(&base);
    let event = by_key(&all, "Event", "s");
    let reported =
        ["eventType", "actors", "targets", "occurredOn", "summary"].map(|field| event[field].clone());
    let summary =
        "Sanctions by Examplia Treasury.\nProgramme: WATER-1\nReason: Sold water.\nListed on: 2023-03-01";
    assert_eq!(json!(reported), json!(["SANCTION", ["examplia-treasury"], ["ada"], "2023-02-24", summary]));
    let of = by_key(&all, "Relation", "authority Examplia Treasury NATIONALITY country KZ");
    assert_eq!(of["object"], "kazakhstan");
    assert!(base.import(&file).contains("nothing was written"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_article_brings_its_text() {
    let base = Base::empty("ftm-text").await;
    let article = json!({"id": "n1", "schema": "Article", "properties": {
        "title": ["Water sold"], "language": ["eng"], "bodyText": ["The water was sold.", "Nobody was asked."],
    }});
    let file = base.file("articles.ftm.json", lines(&[article]));
    base.import(&file);
    let text = json!([{
        "version": 1, "content": "The water was sold.\n\nNobody was asked.", "mediaType": "text/plain", "language": "en",
        "takenFrom": null, "takenOn": null,
    }]);
    assert_eq!(by_key(&records(&base), "Source", "n1")["texts"], text);
    assert!(base.import(&file).contains("nothing was written"));
}
