//! Events: what actors did, how statements relate to it, and where it shows.

use serde_json::{Value, json};

use crate::{
    bulk::Base,
    mutations::{change, errors, statement, wrong},
    support::{Client, anonymous, editor},
};

fn cited() -> Value {
    json!([{"source": {"slug": "musavat-interview-with-yury-bocharov"}, "locator": "L3"}])
}

fn event(slug: &str) -> Value {
    json!({
        "slug": slug, "summary": "Aid was sent to Gaza.", "eventType": "AID", "citations": cited(),
        "actors": [{"slug": "kazakhstan"}], "targets": [{"slug": "israel"}],
    })
}

async fn enter(editor: &Client, kind: &str, input: Value) {
    let payload = change(editor, &format!("create{kind}"), input, "").await;
    assert_eq!(payload["userErrors"], json!([]));
}

/// A convoy of aid, with a delivery that was part of it, and statements about both.
async fn convoy(editor: &Client) {
    let mut convoy = event("convoy");
    for (field, value) in [
        ("name", json!("The convoy")),
        ("actors", json!([{"slug": "kazakhstan"}, {"slug": "united-states"}])),
        ("place", json!({"slug": "israel"})),
        ("occurredOn", json!("2026-02")),
        ("endedOn", json!("2026-03-02")),
        ("amount", json!("1500000.50")),
        ("currency", json!("USD")),
        ("killed", json!(0)),
        ("injured", json!(2)),
        ("meeting", json!({"slug": "tokayev-visit-to-the-united-states"})),
    ] {
        convoy[field] = value;
    }
    enter(editor, "Event", convoy).await;
    let mut delivery = event("delivery");
    delivery["parent"] = json!({"slug": "convoy"});
    (delivery["eventType"], delivery["mode"]) = (json!("RETREAT"), json!("access"));
    enter(editor, "Event", delivery).await;
    for (slug, kind) in [("demanded", "CALLS_FOR"), ("denied", "DENIES")] {
        let mut said = statement(slug);
        said["events"] = json!([{"event": {"slug": "convoy"}, "kind": kind}]);
        enter(editor, "Statement", said).await;
    }
}

#[tokio::test]
async fn an_event_is_read_from_all_of_its_sides() {
    let editor = editor().await;
    convoy(&editor).await;
    let data = editor
        .query(
            "{
                event(by: {slug: \"convoy\"}) {
                    label eventType mode occurredOn endedOn killed injured amount currency
                    place { slug } meeting { slug events { nodes { slug } } }
                    actors { nodes { slug } } targets { nodes { slug } }
                    children { nodes { slug mode parent { slug } } }
                    statements { edges { kind node { slug events { edges { kind node { slug } } } } } }
                    revisions { totalCount } citations { totalCount }
                }
                kazakhstan: actor(by: {slug: \"kazakhstan\"}) { events { nodes { slug } } eventsTargeted { totalCount } }
                israel: actor(by: {slug: \"israel\"}) { eventsTargeted { nodes { slug } } eventsHeld { nodes { slug } } }
            }",
        )
        .await;
    let event = &data["event"];
    let reported =
        ["label", "eventType", "mode", "occurredOn", "endedOn", "killed", "injured", "amount", "currency"];
    let reported: Vec<&Value> = reported.iter().map(|field| &event[field]).collect();
    let expected = json!(["The convoy", "AID", null, "2026-02", "2026-03-02", 0, 2, "1500000.50", "USD"]);
    assert_eq!(json!(reported), expected);
    assert_eq!(event["place"], json!({"slug": "israel"}));
    assert_eq!(event["meeting"]["events"]["nodes"], json!([{"slug": "convoy"}]));
    assert_eq!(event["actors"]["nodes"].as_array().map(Vec::len), Some(2));
    assert_eq!(event["targets"]["nodes"], json!([{"slug": "israel"}]));
    let delivery = json!({"slug": "delivery", "mode": "access", "parent": {"slug": "convoy"}});
    assert_eq!(event["children"]["nodes"], json!([delivery]));
    let back = |kind: &str| json!({"edges": [{"kind": kind, "node": {"slug": "convoy"}}]});
    let statements = json!([
        {"kind": "CALLS_FOR", "node": {"slug": "demanded", "events": back("CALLS_FOR")}},
        {"kind": "DENIES", "node": {"slug": "denied", "events": back("DENIES")}},
    ]);
    let mut edges = event["statements"]["edges"].as_array().expect("edges").clone();
    edges.sort_by_key(|edge| edge["kind"].to_string());
    assert_eq!(json!(edges), statements);
    assert_eq!(data["kazakhstan"]["events"]["nodes"].as_array().map(Vec::len), Some(2));
    assert_eq!(data["kazakhstan"]["eventsTargeted"]["totalCount"], 0);
    assert_eq!(data["israel"]["eventsTargeted"]["nodes"].as_array().map(Vec::len), Some(2));
    assert_eq!(data["israel"]["eventsHeld"]["nodes"], json!([{"slug": "convoy"}]));
}

#[tokio::test]
async fn events_are_filtered_counted_and_sorted() {
    let editor = editor().await;
    convoy(&editor).await;
    let slugs = async |filter: &str| -> Vec<String> {
        let data = editor.query(&format!("{{ events(filter: {{{filter}}}) {{ nodes {{ slug }} }} }}")).await;
        let nodes = data["events"]["nodes"].as_array().expect("nodes").iter();
        nodes.map(|node| node["slug"].as_str().expect("a slug").to_owned()).collect()
    };
    for (filter, expected) in [
        ("amount: {min: \"1500000.5\"}", &["convoy"][..]),
        ("amount: {min: 1500000.51}", &[]),
        ("amount: {equals: \"1500000.500\"}", &["convoy"]),
        ("amount: {in: [\"1\", 1500000.5]}", &["convoy"]),
        ("amount: {isNull: true}", &["delivery"]),
        ("killed: {max: 0}, injured: {min: 1}", &["convoy"]),
        ("currency: {equals: \"USD\"}", &["convoy"]),
        ("mode: {equals: \"access\"}", &["delivery"]),
        ("eventType: {in: [AID, RETREAT]}", &["convoy", "delivery"]),
        ("occurred: {from: \"2026-03\"}", &["convoy"]),
        ("occurred: {isUnknown: true}", &["delivery"]),
        ("endedOn: {until: \"2026-02\"}", &[]),
        ("actors: {slug: {equals: \"united-states\"}}", &["convoy"]),
        ("place: {kind: {equals: COUNTRY}}", &["convoy"]),
        ("parent: {slug: {equals: \"convoy\"}}", &["delivery"]),
        ("meeting: {mode: {equals: VISIT}}", &["convoy"]),
        ("search: \"convoy or gaza\"", &["convoy", "delivery"]),
        ("summary: {contains: \"aid\"}, name: {isNull: true}", &["delivery"]),
        ("eventReference: {kind: {equals: DENIES}}", &["convoy"]),
        ("eventReference: {kind: {equals: REFERS_TO}}", &[]),
        ("statements: {slug: {equals: \"demanded\"}}", &["convoy"]),
    ] {
        assert_eq!(slugs(filter).await, expected, "{filter}");
    }
    let data = editor
        .query(
            "{
                events(orderBy: DATE_ASC) { nodes { slug } facets {
                    eventType { value count } mode { value count } currency { value count } year { value count }
                    actors { value { slug } count } targets { value { slug } count } place { value { slug } count }
                } }
                statements(filter: {eventReference: {kind: {equals: CALLS_FOR}, event: {eventType: {equals: AID}}}}) {
                    nodes { slug } facets { events { value { slug } count } }
                }
            }",
        )
        .await;
    assert_eq!(data["events"]["nodes"], json!([{"slug": "convoy"}, {"slug": "delivery"}]));
    let facets = &data["events"]["facets"];
    let count = |value: Value| json!({"value": value, "count": 1});
    assert_eq!(facets["mode"], json!([count(json!("access")), count(json!(null))]));
    assert_eq!(facets["currency"], json!([count(json!("USD")), count(json!(null))]));
    assert_eq!(facets["year"], json!([count(json!(2026)), count(json!(null))]));
    assert_eq!(facets["targets"], json!([{"value": {"slug": "israel"}, "count": 2}]));
    assert_eq!(facets["actors"][0], json!({"value": {"slug": "kazakhstan"}, "count": 2}));
    assert_eq!(data["statements"]["nodes"], json!([{"slug": "demanded"}]));
    assert_eq!(data["statements"]["facets"]["events"], json!([{"value": {"slug": "convoy"}, "count": 1}]));
}

#[tokio::test]
async fn events_are_in_timelines_searches_and_networks() {
    let editor = editor().await;
    convoy(&editor).await;
    let data = editor
        .query(
            "{
                timeline(actor: {slug: \"israel\"}, from: \"2026-03-01\", until: \"2026-03-01\") {
                    edges { date latest node { ... on Event { slug } } }
                }
                search(query: \"convoy\", types: [EVENT]) {
                    nodes { ... on Event { slug } } edges { highlights { field } }
                }
                suggest(prefix: \"the con\", types: [EVENT]) { text record { ... on Event { slug } } }
                network(actor: {slug: \"israel\"}, kinds: [EVENT]) {
                    edges { source { slug } target { slug } kind weight evidence { ... on Event { slug } } }
                }
                path(from: {slug: \"united-states\"}, to: {slug: \"israel\"}, kinds: [EVENT]) {
                    steps { label evidence { ... on Event { slug } } }
                }
            }",
        )
        .await;
    let entry = json!({"date": "2026-02", "latest": "2026-03-02", "node": {"slug": "convoy"}});
    assert_eq!(data["timeline"]["edges"], json!([entry]));
    assert_eq!(data["search"]["nodes"], json!([{"slug": "convoy"}]));
    assert_eq!(data["search"]["edges"][0]["highlights"][0]["field"], "name");
    assert_eq!(data["suggest"], json!([{"text": "The convoy", "record": {"slug": "convoy"}}]));
    let from = |source: &str, weight: i64, evidence: &str| {
        json!({
            "source": {"slug": source}, "target": {"slug": "israel"}, "kind": "EVENT", "weight": weight,
            "evidence": {"slug": evidence},
        })
    };
    assert_eq!(
        data["network"]["edges"],
        json!([from("kazakhstan", 2, "delivery"), from("united-states", 1, "convoy")])
    );
    let step = json!({"label": "The convoy", "evidence": {"slug": "convoy"}});
    assert_eq!(data["path"], json!([{"steps": [step]}]));
}

#[tokio::test]
async fn what_is_wrong_with_an_event_is_told_at_its_field() {
    let editor = editor().await;
    let changed = async |changes: Value| {
        let mut input = event("wrong");
        input.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        change(&editor, "createEvent", input, "").await
    };
    let several = json!({
        "mode": "firearms", "killed": -1, "injured": -1, "amount": "-5", "currency": "dollars",
        "occurredOn": "2026", "endedOn": "2025",
    });
    let payload = changed(several).await;
    let fields = ["mode", "killed", "injured", "amount", "currency", "endedOn"];
    let expected = fields.map(|field| ("INVALID".to_owned(), format!("input.{field}"))).into();
    assert_eq!(errors(&payload), expected);
    for (changes, code, field, message) in [
        (json!({"mode": "firearms"}), "INVALID", "input.mode", "The mode is not one of this event type."),
        (json!({"amount": "5"}), "INVALID", "input.currency", "An amount needs a currency"),
        (json!({"currency": "USD"}), "INVALID", "input.amount", "An amount needs a currency"),
        (
            json!({"place": {"slug": "donald-trump"}}),
            "INVALID",
            "input.place",
            "The place of an event must be",
        ),
        (json!({"parent": {"slug": "none"}}), "NOT_FOUND", "input.parent", "No such record of type Event"),
        (json!({"citations": []}), "INVALID", "input.citations", "At least one entry is required."),
        (
            json!({"actors": [{"slug": "israel"}, {"slug": "israel"}]}),
            "INVALID",
            "input.actors.1",
            "Duplicate",
        ),
    ] {
        let payload = changed(changes.clone()).await;
        assert_eq!(errors(&payload), wrong([(code, field)]), "{changes}");
        let reported = payload["userErrors"][0]["message"].as_str().expect("a message");
        assert!(reported.starts_with(message), "{changes}: {reported}");
    }
    let query = "mutation($input: CreateEventInput!) { createEvent(input: $input) { revision } }";
    let mut input = event("wrong");
    input["amount"] = json!("1e6");
    let answer = editor.response(query, json!({ "input": input })).await;
    let message = answer["errors"][0]["message"].as_str().expect("an error");
    assert!(message.contains("must be a decimal number"), "{answer}");
    convoy(&editor).await;
    let circle = json!({"event": {"slug": "convoy"}, "parent": {"slug": "delivery"}});
    assert_eq!(
        errors(&change(&editor, "updateEvent", circle, "").await),
        wrong([("INVALID", "input.parent")])
    );
    let person = json!({"actor": {"slug": "israel"}, "kind": "PERSON"});
    assert_eq!(errors(&change(&editor, "updateActor", person, "").await), wrong([("INVALID", "input.kind")]));
    let referred = json!({"event": {"slug": "convoy"}});
    assert_eq!(
        errors(&change(&editor, "deleteEvent", referred, "").await),
        wrong([("IN_USE", "input.event")])
    );
}

#[tokio::test]
async fn the_schema_lists_every_mode_of_every_event_type() {
    let anonymous = anonymous().await;
    let data = anonymous.query("{ __type(name: \"Event\") { fields { name description } } }").await;
    let fields = data["__type"]["fields"].as_array().expect("fields");
    let mode = fields.iter().find(|field| field["name"] == "mode").expect("the mode");
    let description = mode["description"].as_str().expect("a description");
    let mut listed: Vec<(String, String)> = Vec::new();
    for sentence in description.split(". ").filter(|sentence| sentence.contains(": `")) {
        let (types, modes) = sentence.split_once(": ").expect("types and modes");
        for event_type in types.split(" and ") {
            let mode = |mode: &str| (event_type.to_owned(), mode.trim_matches(['`', '.']).to_owned());
            listed.extend(modes.split(", ").map(mode));
        }
    }
    let known = "select event_type, code from event_modes order by 1, 2";
    let known: Vec<(String, String)> =
        sqlx::query_as(known).fetch_all(anonymous.pool()).await.expect("modes");
    listed.sort();
    assert_eq!(listed, known);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_leave_and_come_back_as_they_were() {
    let base = Base::new("events-out").await;
    let record = json!({
        "type": "Event", "slug": "convoy", "summary": "Aid was sent.", "eventType": "AID", "actors": ["kazakhstan"],
        "targets": ["israel", "united-states"], "occurredOn": "2026-02", "amount": "1500000.50", "currency": "USD",
        "citations": [{"source": "musavat-interview-with-yury-bocharov", "locator": "L3"}],
    });
    let said = json!({
        "type": "Statement", "slug": "demanded", "speaker": "kassym-jomart-tokayev", "medium": "SPEECH",
        "rendering": "PARAPHRASE", "summary": "Asks for aid.", "eventType": "REQUEST",
        "events": [{"event": "convoy", "kind": "CALLS_FOR"}], "citations": record["citations"],
    });
    let reported = base.import(&base.file("events.jsonl", format!("{said}\n{record}\n")));
    assert!(reported.starts_with("created 2"), "{reported}");
    let export = base.export(&[]);
    for line in [r#""amount":"1500000.50""#, r#""events":[{"event":"convoy","kind":"CALLS_FOR"}]"#] {
        assert!(export.contains(line), "{line}");
    }
    let other = Base::empty("events-in").await;
    other.import(&other.file("base.jsonl", &export));
    assert_eq!(other.export(&[]), export);

    let gexf = base.export(&["--format", "gexf"]);
    for target in ["israel", "united-states"] {
        let edge = format!(r#"id="Event convoy kazakhstan {target}" source="kazakhstan" target="{target}""#);
        assert!(gexf.contains(&edge), "{edge}");
    }
    let json_ld: Value = serde_json::from_str(&base.export(&["--format", "jsonld"])).expect("JSON");
    let graph = json_ld["@graph"].as_array().expect("a graph");
    let node = graph.iter().find(|node| node["@id"] == "urn:dossier:event/convoy").expect("the event");
    assert_eq!(node["@type"], json!(["Event", "dossier:Event"]));
    assert_eq!((&node["startDate"], &node["dossier:amount"]), (&json!("2026-02"), &json!("1500000.50")));
    assert_eq!(
        node["dossier:targets"],
        json!([{"@id": "urn:dossier:actor/israel"}, {"@id": "urn:dossier:actor/united-states"}])
    );
}
