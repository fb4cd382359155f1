//! Facts about actors, relations and statements, as an analyst enters, finds and exports them.

use serde_json::{Value, json};

use crate::{
    bulk::Base,
    mutations::{change, errors, statement, wrong},
    support::{Client, editor},
};

async fn create_actor(editor: &Client, actor: Value) {
    let payload = change(editor, "createActor", actor, "actor { slug }").await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
}

/// A relation between two actors of the interview, cited to it.
fn relation(slug: &str, kind: &str, subject: &str, object: &str) -> Value {
    json!({
        "slug": slug, "kind": kind, "subject": {"slug": subject}, "object": {"slug": object},
        "citations": [{"source": {"slug": "musavat-interview-with-yury-bocharov"}, "locator": "L3"}],
    })
}

async fn create(editor: &Client, mutation: &str, input: Value) {
    let payload = change(editor, mutation, input, "revision").await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
}

fn with(mut input: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("no object") };
    input.as_object_mut().expect("an object").extend(changes);
    input
}

/// The slugs of the records of a list.
async fn found(client: &Client, list: &str, arguments: &str) -> Vec<String> {
    let data = client.query(&format!("{{ {list}({arguments}, first: 100) {{ nodes {{ slug }} }} }}")).await;
    let nodes = data[list]["nodes"].as_array().expect("nodes").iter();
    nodes.map(|node| node["slug"].as_str().expect("a slug").to_owned()).collect()
}

fn party() -> Value {
    json!({
        "slug": "green-union", "kind": "ORGANIZATION", "name": "Green Union", "organizationKind": "PARTY",
        "summary": "A party of vintners and beekeepers.", "foundedOn": "1991-03", "dissolvedOn": "2020",
        "names": [
            {"name": "League of Vintners", "kind": "FORMER", "language": "en", "validFrom": "1991-03", "validUntil": "1998"},
            {"name": "GU", "kind": "ABBREVIATION"},
        ],
        "links": [
            {"url": "https://green-union.example/", "kind": "WEBSITE"},
            {"url": "mailto:office@green-union.example", "kind": "CONTACT", "note": "Press office"},
        ],
    })
}

fn deputy() -> Value {
    json!({
        "slug": "ada-vine", "kind": "PERSON", "name": "Ada Vine", "gender": "FEMALE", "bornOn": "1953-05",
        "diedOn": "2021-01-02", "links": [{"url": "https://images.example/ada.jpg", "kind": "IMAGE"}],
    })
}

fn lake() -> Value {
    json!({
        "slug": "upper-lake", "kind": "PLACE", "name": "Upper Lake", "latitude": 51.166_666_666_666_664,
        "longitude": -0.1, "coordinatePrecision": 500,
    })
}

#[tokio::test]
async fn actors_are_found_by_what_is_known_of_them() {
    let editor = editor().await;
    for actor in [party(), deputy(), lake()] {
        create_actor(&editor, actor).await;
    }
    let read = "{
        party: actor(by: {slug: \"green-union\"}) {
            summary organizationKind foundedOn dissolvedOn bornOn gender
            names { name kind validFrom validUntil } links { url kind note } }
        lake: actor(by: {slug: \"upper-lake\"}) { latitude longitude coordinatePrecision } }";
    assert_eq!(
        editor.query(read).await,
        json!({
            "party": {
                "summary": "A party of vintners and beekeepers.", "organizationKind": "PARTY",
                "foundedOn": "1991-03", "dissolvedOn": "2020", "bornOn": null, "gender": null,
                "names": [
                    {"name": "League of Vintners", "kind": "FORMER", "validFrom": "1991-03", "validUntil": "1998"},
                    {"name": "GU", "kind": "ABBREVIATION", "validFrom": null, "validUntil": null},
                ],
                "links": [
                    {"url": "https://green-union.example/", "kind": "WEBSITE", "note": null},
                    {"url": "mailto:office@green-union.example", "kind": "CONTACT", "note": "Press office"},
                ],
            },
            "lake": {"latitude": 51.166_666_666_666_664, "longitude": -0.1, "coordinatePrecision": 500},
        })
    );
    for (filter, slugs) in [
        ("organizationKind: {in: [PARTY, PARLIAMENT]}", &["green-union"][..]),
        ("foundedOn: {until: \"1991-03-15\"}", &["green-union"]),
        ("foundedOn: {until: \"1991-02\"}", &[]),
        ("dissolvedOn: {from: \"2020-06\"}", &["green-union"]),
        ("gender: {equals: FEMALE}", &["ada-vine"]),
        ("bornOn: {from: \"1950\", until: \"1959\"}", &["ada-vine"]),
        ("diedOn: {isUnknown: false}", &["ada-vine"]),
        ("summary: {contains: \"Beekeeper\"}", &["green-union"]),
        ("search: \"vintner\"", &["green-union"]),
        ("links: {url: {equals: \"https://images.example/ada.jpg\"}}", &["ada-vine"]),
        ("links: {kind: {equals: CONTACT}}", &["green-union"]),
        ("latitude: {min: 51, max: 51.2}, longitude: {max: 0}", &["upper-lake"]),
        ("latitude: {equals: 51.166666666666664}", &["upper-lake"]),
        ("latitude: {in: [51.166666666666664, 3]}", &["upper-lake"]),
        ("coordinatePrecision: {max: 500}", &["upper-lake"]),
        // A name at a time, and one that may have been in use at any time.
        ("names: {name: {startsWith: \"League\"}, valid: {from: \"1998-12\"}}", &["green-union"]),
        ("names: {name: {startsWith: \"League\"}, valid: {from: \"1999\"}}", &[]),
        ("names: {name: {equals: \"GU\"}, valid: {from: \"1999\", until: \"1999\"}}", &["green-union"]),
        ("names: {name: {equals: \"GU\"}, valid: {from: \"1999\", isUnknown: false}}", &[]),
    ] {
        assert_eq!(found(&editor, "actors", &format!("filter: {{{filter}}}")).await, slugs, "{filter}");
    }
    let data = editor
        .query(
            "{ actors(filter: {kind: {in: [PERSON, ORGANIZATION]}, or: [{foundedOn: {isUnknown: false}}, {bornOn: {isUnknown: false}}]}) {
                   facets { organizationKind { value count } gender { value count } } }
               search(query: \"beekeepers\", types: [ACTOR]) {
                   nodes { ... on Actor { slug } } edges { highlights { field } } } }",
        )
        .await;
    assert_eq!(
        data["actors"]["facets"],
        json!({
            "organizationKind": [{"value": "PARTY", "count": 1}, {"value": null, "count": 1}],
            "gender": [{"value": "FEMALE", "count": 1}, {"value": null, "count": 1}],
        })
    );
    assert_eq!(
        data["search"],
        json!({"nodes": [{"slug": "green-union"}], "edges": [{"highlights": [{"field": "summary"}]}]})
    );
}

#[tokio::test]
async fn facts_that_do_not_fit_the_actor_are_refused_at_their_field() {
    let editor = editor().await;
    let person = json!({"slug": "somebody", "kind": "PERSON", "name": "Somebody"});
    let company = json!({"slug": "something", "kind": "ORGANIZATION", "name": "Something"});
    for (input, fields, message) in [
        (
            with(person.clone(), json!({"organizationKind": "PARTY"})),
            &["organizationKind"][..],
            "Only actors of kind ORG",
        ),
        (
            with(person.clone(), json!({"foundedOn": "1990", "dissolvedOn": "1991"})),
            &["foundedOn", "dissolvedOn"],
            "A person",
        ),
        (
            with(company.clone(), json!({"bornOn": "1990", "gender": "OTHER"})),
            &["bornOn", "gender"],
            "Only a person",
        ),
        (
            with(person.clone(), json!({"bornOn": "1990-05", "diedOn": "1990-04-30"})),
            &["diedOn"],
            "no earlier than they are born",
        ),
        (
            with(company.clone(), json!({"foundedOn": "1990", "dissolvedOn": "1989"})),
            &["dissolvedOn"],
            "no earlier than it is founded",
        ),
        (
            with(company.clone(), json!({"latitude": 90.000_001, "longitude": 0})),
            &["latitude"],
            "from -90 to 90",
        ),
        (
            with(company.clone(), json!({"latitude": 0, "longitude": 1e300})),
            &["longitude"],
            "from -180 to 180",
        ),
        (with(company.clone(), json!({"latitude": 1})), &["longitude"], "given together"),
        (
            with(company.clone(), json!({"coordinatePrecision": 10})),
            &["latitude"],
            "needs latitude and longitude",
        ),
        (
            with(company.clone(), json!({"links": [{"url": "ftp://x", "kind": "OTHER"}]})),
            &["links.0.url"],
            "https://, mailto: or tel:",
        ),
        (
            with(
                company.clone(),
                json!({"names": [{"name": "X", "kind": "FORMER", "validFrom": "1999", "validUntil": "1998"}]}),
            ),
            &["names.0.validUntil"],
            "falls out of use no earlier",
        ),
    ] {
        let payload = change(&editor, "createActor", input.clone(), "actor { slug }").await;
        let expected = fields.iter().map(|field| ("INVALID".to_owned(), format!("input.{field}"))).collect();
        assert_eq!(errors(&payload), expected, "{input}: {payload}");
        let reported = payload["userErrors"][0]["message"].as_str().expect("a message");
        assert!(reported.contains(message), "{input}: {reported}");
    }
    // A fact stays in the way of another kind.
    create_actor(&editor, deputy()).await;
    let input = json!({"actor": {"slug": "ada-vine"}, "kind": "GROUP"});
    let payload = change(&editor, "updateActor", input, "actor { slug }").await;
    assert_eq!(errors(&payload), wrong([("INVALID", "input.kind")]));
    let messages: Vec<&str> = payload["userErrors"]
        .as_array()
        .expect("errors")
        .iter()
        .filter_map(|error| error["message"].as_str())
        .collect();
    for field in ["bornOn", "diedOn", "gender"] {
        let told = format!("The record already has `{field}`.");
        assert!(messages.iter().any(|message| message.ends_with(&told)), "{payload}");
    }
}

#[tokio::test]
async fn numbers_keep_every_digit_through_changes_and_back() {
    let editor = editor().await;
    create_actor(&editor, lake()).await;
    let before = "{ revisions(last: 1) { nodes { number } } }";
    let before = editor.query(before).await["revisions"]["nodes"][0]["number"].clone();
    for latitude in
        ["0.1", "-89.99999999999999", "1e-7", "33.333333333333336", "5e-324", "12", "-0.30000000000000004"]
    {
        let update = format!(
            "mutation {{ updateActor(input: {{actor: {{slug: \"upper-lake\"}}, latitude: {latitude}}}) {{
                actor {{ latitude }} userErrors {{ message }} }} }}"
        );
        let payload = editor.query(&update).await["updateActor"].take();
        let expected: f64 = latitude.parse().expect("a number");
        assert_eq!(payload, json!({"actor": {"latitude": expected}, "userErrors": []}), "{latitude}");
    }
    let data = editor
        .query_with(
            "query($before: RevisionNumber!) {
                then: actor(by: {slug: \"upper-lake\"}, asOf: {revision: $before}) { latitude }
                revisions(last: 1) { nodes { number diff { name before after } } } }",
            json!({ "before": before }),
        )
        .await;
    assert_eq!(data["then"]["latitude"], json!(51.166_666_666_666_664));
    let last = &data["revisions"]["nodes"][0];
    assert_eq!(last["diff"], json!([{"name": "latitude", "before": "12", "after": "-0.30000000000000004"}]));
    let revert = json!({"revision": last["number"]});
    let payload =
        change(&editor, "revertRevision", revert, "records { record { ... on Actor { latitude } } }").await;
    assert_eq!(payload["records"][0]["record"]["latitude"], json!(12.0), "{payload}");
}

#[tokio::test]
async fn relations_hold_shares_seats_and_coalitions() {
    let editor = editor().await;
    let parliament =
        json!({"slug": "diet", "kind": "ORGANIZATION", "name": "Diet", "organizationKind": "PARLIAMENT"});
    let other = json!({"slug": "red-union", "kind": "ORGANIZATION", "name": "Red Union", "organizationKind": "PARTY"});
    for actor in [party(), deputy(), parliament, other] {
        create_actor(&editor, actor).await;
    }
    let seat = with(
        relation("seat", "MEMBERSHIP", "ada-vine", "diet"),
        json!({"area": "Upper Lake North", "term": "3rd Diet", "onBehalfOf": {"slug": "green-union"}, "validFrom": "1994"}),
    );
    let stake = with(
        relation("stake", "OWNERSHIP", "ada-vine", "red-union"),
        json!({"share": 33.333_333_333_333_336}),
    );
    let coalition = relation("coalition", "COALITION", "green-union", "red-union");
    for input in [seat, stake, coalition, relation("opposition", "OPPOSITION", "red-union", "diet")] {
        create(&editor, "createRelation", input).await;
    }
    let data = editor
        .query(
            "{ seat: relation(by: {slug: \"seat\"}) { area term share onBehalfOf { name } }
               stake: relation(by: {slug: \"stake\"}) { share area onBehalfOf { name } }
               coalition: relation(by: {slug: \"coalition\"}) { label }
               opposition: relation(by: {slug: \"opposition\"}) { label }
               party: actor(by: {slug: \"green-union\"}) { relationsOnBehalf { nodes { subject { name } area } } }
               relations(filter: {kind: {equals: MEMBERSHIP}}) {
                   facets { term { value count } area { value count } onBehalfOf { value { slug } count } } }
               network(actor: {slug: \"green-union\"}) { edges { relationKind } } }",
        )
        .await;
    assert_eq!(
        data,
        json!({
            "seat": {"area": "Upper Lake North", "term": "3rd Diet", "share": null, "onBehalfOf": {"name": "Green Union"}},
            "stake": {"share": 33.333_333_333_333_336, "area": null, "onBehalfOf": null},
            "coalition": {"label": "Coalition"},
            "opposition": {"label": "Opposition"},
            "party": {"relationsOnBehalf": {"nodes": [{"subject": {"name": "Ada Vine"}, "area": "Upper Lake North"}]}},
            "relations": {"facets": {
                "term": [{"value": "3rd Diet", "count": 1}],
                "area": [{"value": "Upper Lake North", "count": 1}],
                "onBehalfOf": [{"value": {"slug": "green-union"}, "count": 1}],
            }},
            "network": {"edges": [{"relationKind": "COALITION"}]},
        })
    );
    for (filter, slugs) in [
        ("share: {min: 33.3, max: 33.4}", &["stake"][..]),
        ("share: {isNull: true}, kind: {in: [COALITION, OWNERSHIP]}", &["coalition"]),
        ("area: {contains: \"lake north\"}", &["seat"]),
        ("term: {equals: \"3rd Diet\"}", &["seat"]),
        ("onBehalfOf: {organizationKind: {equals: PARTY}}", &["seat"]),
    ] {
        assert_eq!(found(&editor, "relations", &format!("filter: {{{filter}}}")).await, slugs, "{filter}");
    }
    for (changes, field) in [
        (json!({"share": 100.01}), "input.share"),
        (json!({"share": -1}), "input.share"),
        (json!({"onBehalfOf": {"slug": "ada-vine"}}), "input.onBehalfOf"),
        (json!({"area": " "}), "input.area"),
    ] {
        let input = with(json!({"relation": {"slug": "seat"}}), changes);
        let payload = change(&editor, "updateRelation", input, "relation { slug }").await;
        assert_eq!(errors(&payload), wrong([("INVALID", field)]), "{payload}");
    }
    let payload =
        change(&editor, "deleteActor", json!({"actor": {"slug": "green-union"}}), "deletedId").await;
    let reported = payload["userErrors"].to_string();
    assert!(reported.contains("refer to it as `onBehalfOf`: seat."), "{reported}");
}

#[tokio::test]
async fn relations_are_found_at_a_time_when_they_held_or_may_have() {
    let editor = editor().await;
    create_actor(&editor, party()).await;
    create_actor(&editor, deputy()).await;
    for (slug, from, until) in [
        ("undated", None, None),
        ("since-2010", Some("2010"), None),
        ("until-2012-06", None, Some("2012-06")),
        ("2011-to-2013", Some("2011"), Some("2013")),
    ] {
        let input = with(
            relation(slug, "MEMBERSHIP", "ada-vine", "green-union"),
            json!({"validFrom": from, "validUntil": until}),
        );
        create(&editor, "createRelation", input).await;
    }
    for (valid, slugs) in [
        ("from: \"2009\", until: \"2009\"", &["undated", "until-2012-06"][..]),
        ("from: \"2010-05\", until: \"2010-05\"", &["undated", "since-2010", "until-2012-06"]),
        (
            "from: \"2012-06-30\", until: \"2012-06-30\"",
            &["undated", "since-2010", "until-2012-06", "2011-to-2013"],
        ),
        ("from: \"2012-07\"", &["undated", "since-2010", "2011-to-2013"]),
        ("from: \"2014\"", &["undated", "since-2010"]),
        ("until: \"2009\"", &["undated", "until-2012-06"]),
        ("from: \"2014\", isUnknown: false", &["since-2010"]),
        ("isUnknown: true", &["undated"]),
        ("isUnknown: false", &["since-2010", "until-2012-06", "2011-to-2013"]),
        ("from: \"2014\", isUnknown: true", &["undated"]),
    ] {
        let arguments = format!(
            "orderBy: ENTERED_ASC, filter: {{subject: {{slug: {{equals: \"ada-vine\"}}}}, valid: {{{valid}}}}}"
        );
        assert_eq!(found(&editor, "relations", &arguments).await, slugs, "{valid}");
    }
}

#[tokio::test]
async fn statements_are_kept_where_nobody_knows_who_spoke() {
    let editor = editor().await;
    let mut heckle = statement("heckle");
    heckle.as_object_mut().expect("an object").remove("speaker");
    let heckle = with(
        heckle,
        json!({"summary": "A heckler objects to the veto.", "speakerRole": "A deputy",
               "addressees": [{"slug": "israel"}], "topics": [{"slug": "two-state-solution"}]}),
    );
    create(&editor, "createStatement", heckle).await;
    create(&editor, "createStatement", statement("known")).await;
    let position = json!({
        "slug": "heckler-on-two-states", "holder": {"slug": "israel"}, "topic": {"slug": "two-state-solution"},
        "stance": "NEUTRAL", "statement": {"slug": "heckle"},
        "citations": [{"source": {"slug": "musavat-interview-with-yury-bocharov"}, "locator": "L3"}],
    });
    create(&editor, "createPosition", position).await;
    assert_eq!(found(&editor, "statements", "filter: {not: {speaker: {}}}").await, ["heckle"]);
    let data = editor
        .query(
            "{ statement(by: {slug: \"heckle\"}) { label speaker { name } speakerRole onBehalfOf { name } }
               search(query: \"heckler veto\") { nodes { ... on Statement { slug speaker { slug } } } }
               timeline(actor: {slug: \"israel\"}, from: \"2026-03\", until: \"2026-03\") {
                   nodes { ... on Statement { slug speaker { slug } } } }
               positions(filter: {statement: {slug: {equals: \"heckle\"}}}) {
                   nodes { evidence { ... on Statement { speaker { slug } } } } }
               statements(filter: {said: {from: \"2026-03\", until: \"2026-03\"}}) { facets { speaker { value { slug } count } } }
               network(actor: {slug: \"israel\"}, kinds: [STATEMENT]) { edges { evidence { ... on Statement { slug } } } } }",
        )
        .await;
    let unknown = json!({"slug": "heckle", "speaker": null});
    assert_eq!(
        data["statement"],
        json!({"label": "A heckler objects to the veto.", "speaker": null, "speakerRole": "A deputy", "onBehalfOf": null})
    );
    assert_eq!(data["search"]["nodes"], json!([unknown]));
    assert_eq!(data["timeline"]["nodes"], json!([unknown]));
    assert_eq!(data["positions"]["nodes"], json!([{"evidence": {"speaker": null}}]));
    let by_speaker = data["statements"]["facets"]["speaker"].as_array().expect("counts");
    assert!(by_speaker.contains(&json!({"value": null, "count": 1})), "{by_speaker:?}");
    assert!(!data["network"].to_string().contains("heckle"), "nobody is tied by it: {}", data["network"]);

    // It becomes known, and is found to have been a mistake.
    for (speaker, slug) in
        [(json!({"slug": "donald-trump"}), json!({"slug": "donald-trump"})), (Value::Null, Value::Null)]
    {
        let input = json!({"statement": {"slug": "heckle"}, "speaker": speaker});
        let payload = change(&editor, "updateStatement", input, "statement { speaker { slug } }").await;
        assert_eq!(payload["statement"]["speaker"], slug, "{payload}");
    }
    let get = async |format: &str| {
        let response = editor.http().get(editor.address(&format!("/export.{format}"))).send().await;
        response.expect("an export").text().await.expect("text")
    };
    let gexf = get("gexf").await;
    assert!(!gexf.contains(r#"source="""#) && !gexf.contains("heckle"), "no edge begins nowhere");
    let json_ld: Value = serde_json::from_str(&get("jsonld").await).expect("JSON");
    let graph = json_ld["@graph"].as_array().expect("a graph");
    let node =
        graph.iter().find(|node| node["@id"] == "urn:dossier:statement/heckle").expect("the statement");
    assert!(node["author"].is_null() && node["abstract"] == "A heckler objects to the veto.", "{node}");
}

#[tokio::test]
async fn statements_of_a_meeting_stand_in_their_order_and_have_a_language() {
    let editor = editor().await;
    let meeting = json!({"slug": "sitting", "name": "Sitting", "mode": "OTHER", "status": "OCCURRED"});
    create(&editor, "createMeeting", meeting).await;
    for (slug, ordinal, language) in [
        ("third", json!(3), "kk"),
        ("aside", Value::Null, "en"),
        ("first", json!(1), "kk"),
        ("second", json!(2), "zh-Hans"),
    ] {
        let facts = json!({"meeting": {"slug": "sitting"}, "ordinal": ordinal, "language": language});
        create(&editor, "createStatement", with(statement(slug), facts)).await;
    }
    let query = "query($order: StatementOrder!, $after: Cursor) { meeting(by: {slug: \"sitting\"}) {
        statements(orderBy: $order, first: 3, after: $after) {
            nodes { slug ordinal language } pageInfo { endCursor hasNextPage }
            facets { language { value count } } } } }";
    let page = async |order: &str, after: Value| {
        let data = editor.query_with(query, json!({ "order": order, "after": after })).await;
        let page = data["meeting"]["statements"].clone();
        let slugs: Vec<String> = page["nodes"]
            .as_array()
            .expect("nodes")
            .iter()
            .map(|node| node["slug"].as_str().expect("a slug").to_owned())
            .collect();
        (slugs, page)
    };
    let (slugs, first) = page("ORDINAL_ASC", Value::Null).await;
    assert_eq!(slugs, ["first", "second", "third"]);
    assert_eq!(first["nodes"][1], json!({"slug": "second", "ordinal": 2, "language": "zh-Hans"}));
    let languages =
        json!([{"value": "kk", "count": 2}, {"value": "en", "count": 1}, {"value": "zh-Hans", "count": 1}]);
    assert_eq!(first["facets"]["language"], languages);
    assert_eq!(page("ORDINAL_ASC", first["pageInfo"]["endCursor"].clone()).await.0, ["aside"]);
    assert_eq!(page("ORDINAL_DESC", Value::Null).await.0, ["aside", "third", "second"]);
    assert_eq!(
        found(&editor, "statements", "filter: {ordinal: {equals: 1}, language: {equals: \"kk\"}}").await,
        ["first"]
    );
    for (changes, field) in [
        (json!({"ordinal": 0}), "input.ordinal"),
        (json!({"meeting": null}), "input.meeting"),
        (json!({"language": "Kazakh language"}), "input.language"),
    ] {
        let input = with(json!({"statement": {"slug": "first"}}), changes);
        let payload = change(&editor, "updateStatement", input, "statement { slug }").await;
        assert_eq!(errors(&payload), wrong([("INVALID", field)]), "{payload}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_are_exported_and_imported_byte_for_byte() {
    let (base, other) = (Base::new("facts").await, Base::empty("facts-other").await);
    let cited = json!([{"source": "musavat-interview-with-yury-bocharov", "locator": "L3"}]);
    let of_type = |record: Value, ty: &str| with(record, json!({ "type": ty }));
    let seat = json!({
        "slug": "seat", "kind": "OPPOSITION", "subject": "ada-vine", "object": "israel", "share": 0.1,
        "area": "North", "term": "3rd", "onBehalfOf": "green-union", "citations": cited,
    });
    let said = json!({
        "slug": "heckle", "medium": "SPEECH", "rendering": "PARAPHRASE", "summary": "Somebody heckles.",
        "eventType": "STATEMENT", "meeting": "inaugural-peace-council-meeting", "ordinal": 7, "language": "kk",
        "citations": cited,
    });
    let records = [
        of_type(party(), "Actor"),
        of_type(with(deputy(), json!({"latitude": 12, "longitude": -1e-7})), "Actor"),
        of_type(lake(), "Actor"),
        of_type(seat, "Relation"),
        of_type(said, "Statement"),
    ];
    let reported = base.import(&base.file("facts.jsonl", crate::bulk::lines(&records)));
    assert!(reported.starts_with("created 5, updated 0"), "{reported}");
    let export = base.export(&[]);
    for fact in [
        r#""latitude":51.166666666666664,"longitude":-0.1,"coordinatePrecision":500"#,
        r#""latitude":12.0,"longitude":-1e-7"#,
        r#""share":0.1,"area":"North","term":"3rd","onBehalfOf":"green-union""#,
        r#""speaker":null"#,
        r#""ordinal":7"#,
        r#""validFrom":"1991-03","validUntil":"1998""#,
    ] {
        assert!(export.contains(fact), "{fact} is not in {export}");
    }
    other.import(&other.file("export.jsonl", &export));
    assert_eq!(other.export(&[]), export);
    // The same as CSV changes nothing.
    for (ty, many) in [("Actor", "actors"), ("Relation", "relations"), ("Statement", "statements")] {
        let csv = base.export(&["--format", "csv", "--type", ty]);
        let reported = other.import(&other.file(&format!("{many}.csv"), csv));
        assert!(reported.starts_with("created 0, updated 0"), "{ty}: {reported}");
    }
    // What is wrong is reported by its line and field.
    let wrong = [
        json!({"type": "Actor", "slug": "upper-lake", "latitude": "north"}),
        json!({"type": "Actor", "slug": "ada-vine", "foundedOn": "1990"}),
        json!({"type": "Relation", "slug": "seat", "share": 200}),
        json!({"type": "Actor", "slug": "green-union", "links": [{"url": "nowhere", "kind": "OTHER"}]}),
    ];
    base.import_with(&base.file("wrong.jsonl", crate::bulk::lines(&wrong)), &[]);
    let reported: Vec<(u64, String)> =
        base.report().into_iter().map(|(line, field, _)| (line, field)).collect();
    let expected = [(1, "latitude"), (2, "foundedOn"), (3, "share"), (4, "links.0.url")];
    assert_eq!(reported, expected.map(|(line, field)| (line, field.to_owned())));
}
