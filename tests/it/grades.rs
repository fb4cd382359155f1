//! Grades of evidence: how reliable a source is, and how credible what it says.

use serde_json::{Value, json};

use crate::{
    bulk::{Base, lines, with},
    mutations::{change, errors, statement, wrong},
    support::{Client, editor},
};

async fn create(editor: &Client, kind: &str, input: Value) {
    let payload = change(editor, &format!("create{kind}"), input, "").await;
    assert_eq!(payload["userErrors"], json!([]), "{kind}");
}

/// A source of this publisher and reliability.
fn source(slug: &str, publisher: &str, reliability: Option<&str>) -> Value {
    json!({"slug": slug, "title": slug, "publisher": {"slug": publisher}, "reliability": reliability})
}

/// A statement that cites these sources, each with its credibility.
fn said(slug: &str, cited: &[(&str, Option<&str>)]) -> Value {
    let mut said = statement(slug);
    said["citations"] = cited
        .iter()
        .map(|(source, credibility)| {
            json!({"source": {"slug": source}, "locator": "p. 1", "credibility": credibility})
        })
        .collect();
    said
}

#[tokio::test]
async fn a_passage_has_the_grade_of_its_source_and_of_what_it_says() {
    let editor = editor().await;
    for (slug, reliability) in [("rated-b", Some("B")), ("unrated", None)] {
        create(&editor, "Source", source(slug, "musavat", reliability)).await;
    }
    let cited = [("rated-b", Some("PROBABLY_TRUE")), ("unrated", Some("CONFIRMED"))];
    create(&editor, "Statement", said("graded", &cited)).await;
    create(&editor, "Statement", said("ungraded", &[("rated-b", None), ("unrated", None)])).await;
    let grades = "{
        graded: statement(by: {slug: \"graded\"}) { citations { nodes { credibility grade } } }
        ungraded: statement(by: {slug: \"ungraded\"}) { citations { nodes { credibility grade } } } }";
    let data = editor.query(grades).await;
    assert_eq!(
        data["graded"]["citations"]["nodes"],
        json!([{"credibility": "PROBABLY_TRUE", "grade": "B2"}, {"credibility": "CONFIRMED", "grade": "F1"}])
    );
    assert_eq!(
        data["ungraded"]["citations"]["nodes"],
        json!([{"credibility": null, "grade": "B6"}, {"credibility": null, "grade": "F6"}])
    );

    // A new rating of the source is seen at once, a new rating of the passage is a revision.
    let before = last_revision(&editor).await;
    let better = json!({"source": {"slug": "rated-b"}, "reliability": "A"});
    assert_eq!(errors(&change(&editor, "updateSource", better, "").await), wrong([]));
    let doubted = json!({
        "statement": {"slug": "graded"},
        "citations": [{"source": {"slug": "rated-b"}, "locator": "p. 1", "credibility": "DOUBTFUL"}],
    });
    let doubted = change(&editor, "updateStatement", doubted, "").await;
    assert_eq!(errors(&doubted), wrong([]));
    let past = format!(
        "{{ now: statement(by: {{slug: \"graded\"}}) {{ citations {{ nodes {{ grade }} }} }}
            then: statement(by: {{slug: \"graded\"}}, asOf: {{revision: {before}}}) {{ citations {{ nodes {{ grade }} }} }}
            statement(by: {{slug: \"graded\"}}) {{ revisions(first: 1, orderBy: NUMBER_DESC) {{ nodes {{ diff {{ name after }} }} }} }} }}"
    );
    let data = editor.query(&past).await;
    assert_eq!(data["now"]["citations"]["nodes"], json!([{"grade": "A4"}]));
    assert_eq!(data["then"]["citations"]["nodes"], json!([{"grade": "B2"}, {"grade": "F1"}]));
    let diff = data["statement"]["revisions"]["nodes"][0]["diff"].as_array().expect("a diff");
    assert!(diff.contains(&json!({"name": "citations.credibility", "after": "DOUBTFUL"})), "{diff:?}");
}

/// The number of the last revision.
async fn last_revision(client: &Client) -> i64 {
    let data = client.query("{ revisions(first: 1, orderBy: NUMBER_DESC) { nodes { number } } }").await;
    data["revisions"]["nodes"][0]["number"].as_i64().expect("a number")
}

#[tokio::test]
async fn citations_are_filtered_counted_and_sorted_by_credibility() {
    let editor = editor().await;
    create(&editor, "Source", source("paper", "musavat", Some("C"))).await;
    for (slug, credibility) in [
        ("one", Some("IMPROBABLE")),
        ("two", None),
        ("three", Some("CONFIRMED")),
        ("four", Some("CONFIRMED")),
    ] {
        create(&editor, "Statement", said(slug, &[("paper", credibility)])).await;
    }
    let data = editor
        .query(
            "{ source(by: {slug: \"paper\"}) {
                citations(orderBy: CREDIBILITY_ASC) {
                    nodes { grade record { slug } } facets { credibility { value count } } }
                rated: citations(filter: {credibility: {in: [CONFIRMED, PROBABLY_TRUE]}}) { totalCount }
               }
               statements(filter: {citations: {source: {reliability: {equals: C}}, credibility: {equals: IMPROBABLE}}}) {
                nodes { slug } } }",
        )
        .await;
    let citations = &data["source"]["citations"];
    let cited = |(grade, slug): (&str, &str)| json!({"grade": grade, "record": {"slug": slug}});
    let sorted = [("C1", "three"), ("C1", "four"), ("C5", "one"), ("C6", "two")].map(cited);
    assert_eq!(citations["nodes"], json!(sorted));
    assert_eq!(
        citations["facets"]["credibility"],
        json!([{"value": "CONFIRMED", "count": 2}, {"value": "IMPROBABLE", "count": 1}, {"value": null, "count": 1}])
    );
    assert_eq!(data["source"]["rated"], json!({"totalCount": 2}));
    create(&editor, "Source", source("agency", "musavat", Some("A"))).await;
    create(&editor, "Statement", said("five", &[("agency", Some("DOUBTFUL")), ("paper", Some("DOUBTFUL"))]))
        .await;
    let graded = editor
        .query(
            "{ some: citations(filter: {grade: {in: [\"C1\", \"A4\"]}}) { totalCount }
               one: statements(filter: {citations: {grade: {equals: \"A4\"}}}) { nodes { slug } }
               best: statements(filter: {citations: {grade: {atLeast: \"C2\"}}}, orderBy: ENTERED_ASC) { nodes { slug } }
               not: citations(filter: {not: {grade: {atLeast: \"F6\"}}}) { totalCount }
               statement(by: {slug: \"five\"}) { citations(orderBy: GRADE_DESC) { nodes { grade } } }
               ordered: citations(filter: {source: {slug: {in: [\"paper\", \"agency\"]}}}, orderBy: GRADE_ASC, first: 3) {
                nodes { grade } pageInfo { endCursor } } }",
        )
        .await;
    assert_eq!([&graded["some"]["totalCount"], &graded["not"]["totalCount"]], [3, 0]);
    assert_eq!(graded["one"]["nodes"], json!([{"slug": "five"}]));
    assert_eq!(graded["best"]["nodes"], json!([{"slug": "three"}, {"slug": "four"}]));
    assert_eq!(graded["statement"]["citations"]["nodes"], json!([{"grade": "C4"}, {"grade": "A4"}]));
    let listed =
        |page: &Value| page["nodes"].as_array().map(|of| of.iter().map(|of| of["grade"].clone()).collect());
    assert_eq!(listed(&graded["ordered"]), Some(vec![json!("A4"), json!("C1"), json!("C1")]));
    let next = format!(
        "{{ citations(filter: {{source: {{slug: {{in: [\"paper\", \"agency\"]}}}}}}, orderBy: GRADE_ASC, after: {}) {{ nodes {{ grade }} }} }}",
        graded["ordered"]["pageInfo"]["endCursor"]
    );
    let next = editor.query(&next).await;
    assert_eq!(listed(&next["citations"]), Some(vec![json!("C4"), json!("C5"), json!("C6")]));
    let wrong = "{ citations(filter: {grade: {in: [\"B2\", \"good\"]}}) { totalCount } }";
    let (code, field) = editor.api_error(wrong, json!({})).await;
    assert_eq!((code.as_str(), field.as_deref()), ("BAD_USER_INPUT", Some("filter.grade.in[1]")));
    // A better source is seen at once, also in what is cached.
    let ordered = "{ citations(filter: {grade: {atLeast: \"B4\"}}) { totalCount } }";
    assert_eq!(editor.query(ordered).await["citations"]["totalCount"], 1);
    let better = json!({"source": {"slug": "paper"}, "reliability": "B"});
    assert_eq!(errors(&change(&editor, "updateSource", better, "").await), crate::mutations::wrong([]));
    assert_eq!(editor.query(ordered).await["citations"]["totalCount"], 4);
    let worse = json!({"source": {"slug": "paper"}, "reliability": "C"});
    assert_eq!(errors(&change(&editor, "updateSource", worse, "").await), crate::mutations::wrong([]));
    assert_eq!(data["statements"]["nodes"], json!([{"slug": "one"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn grades_leave_and_come_back_as_they_were() {
    let base = Base::new("grades-out").await;
    let topic = |credibility: &str| {
        lines(&[json!({"type": "Topic", "slug": "wells", "name": "Wells", "citations": [
            {"source": "musavat-interview-with-yury-bocharov", "locator": "L3", "credibility": credibility, "quote": "the wells"}]})])
    };
    base.import_with(&base.file("odd.jsonl", topic("PERHAPS")), &[]);
    assert_eq!(base.report()[0].1, "citations.0.credibility");
    base.import(&base.file("topics.jsonl", topic("POSSIBLY_TRUE")));
    let export = base.export(&[]);
    assert!(export.contains(r#""credibility":"POSSIBLY_TRUE""#));
    let other = Base::empty("grades-in").await;
    other.import(&other.file("base.jsonl", &export));
    assert_eq!(other.export(&[]), export);
    let json_ld: Value = serde_json::from_str(&base.export(&["--format", "jsonld"])).expect("JSON");
    let graph = json_ld["@graph"].as_array().expect("a graph");
    let wells = graph.iter().find(|node| node["@id"] == "urn:dossier:topic/wells").expect("a node");
    assert_eq!(wells["subjectOf"][0]["dossier:credibility"], "POSSIBLY_TRUE");
    let quotation = &wells["subjectOf"][0];
    assert_eq!([&quotation["@type"], &quotation["text"]], ["Quotation", "the wells"]);
}

/// A position of Tokayev on the two-state solution with this evidence.
fn position(slug: &str, evidence: &Value) -> Value {
    let mut position = json!({
        "slug": slug, "holder": {"slug": "kassym-jomart-tokayev"}, "topic": {"slug": "two-state-solution"},
        "stance": "OPPOSES",
        "citations": [{"source": {"slug": "musavat-interview-with-yury-bocharov"}, "locator": "L3"}],
    });
    position.as_object_mut().expect("an object").extend(evidence.as_object().expect("an object").clone());
    position
}

/// A statement as a piece of evidence.
fn item(slug: &str, role: &str) -> Value {
    json!({"statement": {"slug": slug}, "role": role})
}

/// The evidence of a position: the slug in `evidence`, and slugs with roles in `evidenceItems`.
async fn evidence_of(client: &Client, position: &str, arguments: &str) -> (String, Vec<(String, String)>) {
    let data = client
        .query(&format!(
            "{{ position(by: {{slug: \"{position}\"}}{arguments}) {{ evidence {{ ...slug }}
                evidenceItems {{ role evidence {{ ...slug }} }} }} }}
             fragment slug on Evidence {{ ... on Record {{ slug }} }}"
        ))
        .await;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let items = data["position"]["evidenceItems"].as_array().expect("evidence");
    let items = items.iter().map(|item| (text(&item["evidence"]["slug"]), text(&item["role"])));
    (text(&data["position"]["evidence"]["slug"]), items.collect())
}

fn told(one: &str, items: &[(&str, &str)]) -> (String, Vec<(String, String)>) {
    let owned = |(slug, role): &(&str, &str)| ((*slug).to_owned(), (*role).to_owned());
    (one.to_owned(), items.iter().map(owned).collect())
}

#[tokio::test]
async fn a_position_has_evidence_for_and_against_it() {
    let editor = editor().await;
    for slug in ["first", "second", "third"] {
        create(&editor, "Statement", statement(slug)).await;
    }
    let mut held = position(
        "held",
        &json!({"evidenceItems": [item("second", "CONTRADICTS"), item("first", "SUPPORTS")]}),
    );
    (held["heldFrom"], held["heldUntil"], held["confidence"]) =
        (json!("2024-03"), json!("2025"), json!("MODERATE"));
    create(&editor, "Position", held).await;
    let both = [("second", "CONTRADICTS"), ("first", "SUPPORTS")];
    assert_eq!(evidence_of(&editor, "held", "").await, told("first", &both));
    let before = last_revision(&editor).await;

    // The old field adds a piece of evidence, or replaces the one that it had.
    let update = |changes: Value| {
        let mut input = json!({"position": {"slug": "held"}});
        input.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        input
    };
    let third = update(json!({"statement": {"slug": "third"}}));
    assert_eq!(errors(&change(&editor, "updatePosition", third, "").await), wrong([]));
    let replaced = [("second", "CONTRADICTS"), ("third", "SUPPORTS")];
    assert_eq!(evidence_of(&editor, "held", "").await, told("third", &replaced));
    let listed = update(json!({"evidenceItems": [item("first", "SUPPORTS"), item("second", "SUPPORTS")]}));
    let payload = change(&editor, "updatePosition", listed, "").await;
    assert_eq!(errors(&payload), wrong([]));
    assert_eq!(evidence_of(&editor, "held", "").await.0, "first");
    let past = format!(", asOf: {{revision: {before}}}");
    assert_eq!(evidence_of(&editor, "held", &past).await, told("first", &both));
    let reverted = json!({"revision": payload["revision"]});
    let reverted = change(&editor, "revertRevision", reverted, "").await;
    assert_eq!(errors(&reverted), wrong([]), "{reverted}");
    assert_eq!(evidence_of(&editor, "held", "").await.0, "third");

    let data = editor
        .query(
            "{ position(by: {slug: \"held\"}) { heldFrom heldUntil confidence }
               found: positions(filter: {evidenceItems: {role: {equals: CONTRADICTS}, statement: {slug: {equals: \"second\"}}}}) { nodes { slug } }
               then: positions(filter: {held: {from: \"2025-06\", isUnknown: false}}) { nodes { slug } facets { confidence { value count } } }
               later: positions(filter: {held: {from: \"2026\", isUnknown: false}}) { totalCount }
               first: positions(orderBy: HELD_ASC, first: 1) { nodes { slug } }
               statement(by: {slug: \"second\"}) { positions { nodes { slug } } } }",
        )
        .await;
    assert_eq!(
        data["position"],
        json!({"heldFrom": "2024-03", "heldUntil": "2025", "confidence": "MODERATE"})
    );
    let held = json!([{"slug": "held"}]);
    assert_eq!(data["found"]["nodes"], held);
    assert_eq!(data["then"]["nodes"], held);
    assert_eq!(data["then"]["facets"]["confidence"], json!([{"value": "MODERATE", "count": 1}]));
    assert_eq!(data["later"]["totalCount"], 0);
    assert_eq!(data["first"]["nodes"], held);
    assert_eq!(data["statement"]["positions"]["nodes"], held);
}

#[tokio::test]
async fn what_is_wrong_with_evidence_is_told_at_its_field() {
    let editor = editor().await;
    create(&editor, "Statement", statement("first")).await;
    create(&editor, "Position", position("held", &json!({"evidenceItems": [item("first", "SUPPORTS")]})))
        .await;
    let commentary = json!({"slug": "bocharov-on-two-state-solution"});
    let two = json!({"statement": {"slug": "first"}, "commentary": commentary, "role": "SUPPORTS"});
    for (evidence, expected) in [
        (json!({}), ("INVALID", "input.evidenceItems")),
        (json!({"evidenceItems": []}), ("INVALID", "input.evidenceItems")),
        (json!({"evidenceItems": [{"role": "SUPPORTS"}]}), ("INVALID", "input.evidenceItems.0.vote")),
        (
            json!({"evidenceItems": [item("nothing", "SUPPORTS")]}),
            ("NOT_FOUND", "input.evidenceItems.0.statement"),
        ),
        (
            json!({"evidenceItems": [item("first", "SUPPORTS"), item("first", "CONTRADICTS")]}),
            ("INVALID", "input.evidenceItems"),
        ),
        (
            json!({"evidenceItems": [item("first", "SUPPORTS")], "heldFrom": "2025", "heldUntil": "2024"}),
            ("INVALID", "input.heldUntil"),
        ),
    ] {
        let payload = change(&editor, "createPosition", position("x", &evidence), "").await;
        assert_eq!(errors(&payload), wrong([expected]), "{evidence}");
    }
    let slug = editor.query("{ commentaries(first: 1) { nodes { slug } } }").await;
    let slug = slug["commentaries"]["nodes"][0]["slug"].clone();
    let mut two = two;
    two["commentary"]["slug"] = slug;
    let payload =
        change(&editor, "createPosition", position("x", &json!({"evidenceItems": [two]})), "").await;
    assert_eq!(errors(&payload), wrong([("INVALID", "input.evidenceItems.0.commentary")]));

    // A position keeps one piece of evidence at least.
    for (field, value) in
        [("evidenceItems", json!([])), ("evidenceItems", Value::Null), ("statement", Value::Null)]
    {
        let emptied = json!({"position": {"slug": "held"}, field: value});
        let path = format!("input.{field}");
        assert_eq!(
            errors(&change(&editor, "updatePosition", emptied, "").await),
            wrong([("INVALID", &path)])
        );
    }
    let both = json!({"position": {"slug": "held"}, "statement": null, "evidenceItems": [item("first", "SUPPORTS")]});
    assert_eq!(errors(&change(&editor, "updatePosition", both, "").await), wrong([]));
    assert_eq!(evidence_of(&editor, "held", "").await, told("first", &[("first", "SUPPORTS")]));

    // What the deprecated fields can't do is refused at the field, with what is there.
    create(&editor, "Statement", statement("other")).await;
    let items = json!([{"commentary": two["commentary"], "role": "SUPPORTS"}, item("first", "SUPPORTS")]);
    let listed = json!({"position": {"slug": "held"}, "evidenceItems": items});
    assert_eq!(errors(&change(&editor, "updatePosition", listed, "").await), wrong([]));
    for emptied in [json!({"statement": null}), json!({"statement": null, "confidence": "LOW"})] {
        let emptied = with(json!({"position": {"slug": "held"}}), emptied);
        let payload = change(&editor, "updatePosition", emptied, "").await;
        assert_eq!(errors(&payload), wrong([("INVALID", "input.statement")]), "{payload}");
    }
    let nothing = json!({"position": {"slug": "held"}, "vote": null});
    assert_eq!(errors(&change(&editor, "updatePosition", nothing, "").await), wrong([]));
    let only = json!({"position": {"slug": "held"}, "evidenceItems": [items[0]]});
    assert_eq!(errors(&change(&editor, "updatePosition", only, "").await), wrong([]));
    let added = json!({"position": {"slug": "held"}, "statement": {"slug": "other"}});
    let payload = change(&editor, "updatePosition", added, "").await;
    assert_eq!(errors(&payload), wrong([("INVALID", "input.statement")]), "{payload}");
    let message = payload["userErrors"][0]["message"].as_str().unwrap_or_default();
    assert!(message.ends_with("The record already has `commentary`."), "{message}");
    let back = json!({"position": {"slug": "held"}, "evidenceItems": [item("first", "SUPPORTS")]});
    assert_eq!(errors(&change(&editor, "updatePosition", back, "").await), wrong([]));
    for (period, field, other) in [
        (json!({"heldFrom": "2026"}), "heldFrom", "heldUntil"),
        (json!({"heldUntil": "2020"}), "heldUntil", "heldFrom"),
    ] {
        let stored = json!({"position": {"slug": "held"}, "heldFrom": "2024", "heldUntil": "2025"});
        assert_eq!(errors(&change(&editor, "updatePosition", stored, "").await), wrong([]));
        let payload =
            change(&editor, "updatePosition", with(json!({"position": {"slug": "held"}}), period), "").await;
        assert_eq!(errors(&payload), wrong([("INVALID", &format!("input.{field}"))]), "{payload}");
        let message = payload["userErrors"][0]["message"].as_str().unwrap_or_default();
        assert!(message.contains(&format!("already has `{other}`")), "{message}");
    }

    let deleted = change(&editor, "deleteStatement", json!({"statement": {"slug": "first"}}), "").await;
    assert_eq!(errors(&deleted), wrong([("IN_USE", "input.statement")]));
    let message = "1 record of type Position refer to it as `evidenceItems`: held.";
    assert_eq!(deleted["userErrors"][0]["message"], message);
}

#[tokio::test]
async fn a_server_of_the_version_before_keeps_its_one_piece_of_evidence() {
    let editor = editor().await;
    for slug in ["first", "second"] {
        create(&editor, "Statement", statement(slug)).await;
    }
    let old = |sql: &str| {
        let sql = format!(
            "begin; select set_config('dossier.requester', 'old server', true); {}; commit",
            sql.replace('[', "(select id from statements where slug = '").replace(']', "')")
        );
        let pool = editor.pool().clone();
        async move { sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&pool).await.map(|_| ()) }
    };
    old("with entered as (
             insert into positions (slug, holder_id, topic_id, stance, statement_id)
             select 'old', speaker_id, (select min(id) from topics), 'NEUTRAL', id from statements where slug = 'first' returning id
         )
         insert into citations (source_id, locator, position_id) select (select min(id) from sources), 'L1', id from entered")
        .await
        .expect("entered");
    assert_eq!(evidence_of(&editor, "old", "").await, told("first", &[("first", "SUPPORTS")]));
    old("update positions set statement_id = [second] where slug = 'old'").await.expect("updated");
    assert_eq!(evidence_of(&editor, "old", "").await, told("second", &[("second", "SUPPORTS")]));
    old("update positions set stance = 'SUPPORTS' where slug = 'old'").await.expect("updated");
    let none = old("delete from position_evidence; update positions set statement_id = null, commentary_id = null, vote_id = null").await;
    assert!(none.is_err(), "a position without evidence");
    old("delete from citations where position_id = (select id from positions where slug = 'old');
         delete from positions where slug = 'old'")
    .await
    .expect("deleted");
}

/// Positions of the seed had one piece of evidence before they had a list.
#[tokio::test]
async fn the_evidence_that_positions_had_is_the_first_of_their_list_also_in_the_past() {
    let editor = editor().await;
    let all = |arguments: &str| {
        format!(
            "{{ positions(first: 100{arguments}) {{ nodes {{ slug evidence {{ ... on Record {{ id }} }}
                evidenceItems {{ role evidence {{ ... on Record {{ id }} }} }} }} }} }}"
        )
    };
    let first = editor
        .query("{ revisions(filter: {part: {equals: \"position_evidence\"}}, first: 1) { nodes { number requester } } }")
        .await;
    let first = &first["revisions"]["nodes"][0];
    assert_eq!(first["requester"], "migration");
    let before = first["number"].as_i64().expect("a number") - 1;
    for arguments in [String::new(), format!(", asOf: {{revision: {before}}}")] {
        let data = editor.query(&all(&arguments)).await;
        let positions = data["positions"]["nodes"].as_array().expect("positions");
        assert!(!positions.is_empty());
        for position in positions {
            let item = json!([{"role": "SUPPORTS", "evidence": position["evidence"]}]);
            assert_eq!(position["evidenceItems"], item, "{arguments}");
        }
    }
}

#[tokio::test]
async fn what_entered_a_position_before_it_had_a_list_can_be_reverted() {
    let editor = editor().await;
    for slug in ["first", "second"] {
        create(&editor, "Statement", statement(slug)).await;
    }
    let before = [
        ("old server", "alter table positions disable trigger positions_evidence_entered; with entered as (
             insert into positions (slug, holder_id, topic_id, stance, statement_id)
             select 'old', speaker_id, (select min(id) from topics), 'NEUTRAL', id from statements where slug = 'first' returning id
         )
         insert into citations (source_id, locator, position_id) select (select min(id) from sources), 'L1', id from entered;
         set constraints all immediate; alter table positions enable trigger positions_evidence_entered"),
        ("migration", "insert into position_evidence (position_id, statement_id, role)
         select id, statement_id, 'SUPPORTS' from positions where slug = 'old'"),
    ];
    for (requester, sql) in before {
        let sql =
            format!("begin; select set_config('dossier.requester', '{requester}', true); {sql}; commit");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(editor.pool()).await.expect("entered");
    }
    let entered = "select id from revisions where requester = 'old server' order by id limit 1";
    let entered: i64 = sqlx::query_scalar(entered).fetch_one(editor.pool()).await.expect("a revision");
    let revert =
        async |revision: Value| change(&editor, "revertRevision", json!({"revision": revision}), "").await;
    let reverted = revert(json!(entered)).await;
    assert_eq!(errors(&reverted), wrong([]), "{reverted}");
    assert_eq!(editor.query("{ position(by: {slug: \"old\"}) { slug } }").await["position"], Value::Null);
    assert_eq!(errors(&revert(reverted["revision"].clone()).await), wrong([]));
    assert_eq!(evidence_of(&editor, "old", "").await, told("first", &[("first", "SUPPORTS")]));
    // What somebody has entered since is not lost.
    let more = json!({"position": {"slug": "old"}, "evidenceItems": [item("first", "SUPPORTS"), item("second", "SUPPORTS")]});
    assert_eq!(errors(&change(&editor, "updatePosition", more, "").await), wrong([]));
    assert_eq!(errors(&revert(json!(entered)).await), wrong([("CONFLICT", "input.revision")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_leaves_and_comes_back_as_it_was() {
    let base = Base::new("evidence-out").await;
    let cited = json!([{"source": "musavat-interview-with-yury-bocharov", "locator": "L3"}]);
    let said = |slug: &str| {
        json!({"type": "Statement", "slug": slug, "speaker": "israel", "medium": "SPEECH", "rendering": "PARAPHRASE",
               "summary": "So it is.", "eventType": "STATEMENT", "citations": cited})
    };
    let position = |slug: &str, evidence: Value| {
        let mut position = json!({"type": "Position", "slug": slug, "holder": "israel", "topic": "two-state-solution",
                                  "stance": "OPPOSES", "citations": cited});
        position.as_object_mut().expect("an object").extend(evidence.as_object().expect("an object").clone());
        position
    };
    let mut agency = said("agency");
    agency["contradicts"] = json!(["paper"]);
    let mut paper = said("paper");
    (paper["repeats"], paper["repliesTo"]) = (json!(["agency"]), json!(["agency"]));
    let records = [
        position(
            "listed",
            json!({"confidence": "LOW", "heldFrom": "2020", "evidenceItems": [
            {"statement": "paper", "role": "SUPPORTS"}, {"statement": "agency", "role": "CONTRADICTS"}]}),
        ),
        position("single", json!({"statement": "agency"})),
        paper,
        agency,
    ];
    let told = base.import(&base.file("records.jsonl", lines(&records)));
    assert!(told.starts_with("created 4"), "{told}");
    let unshown = base.file("bare.jsonl", lines(&[position("bare", json!({}))]));
    base.import_with(&unshown, &[]);
    let (_, field, reason) = base.report()[0].clone();
    assert_eq!((field.as_str(), reason.as_str()), ("evidenceItems", "At least one entry is required."));
    let export = base.export(&[]);
    for part in [
        r#""evidenceItems":[{"statement":"paper","role":"SUPPORTS"},{"statement":"agency","role":"CONTRADICTS"}]"#,
        r#""evidenceItems":[{"statement":"agency","role":"SUPPORTS"}]"#,
        r#""repliesTo":["agency"]"#,
    ] {
        assert!(export.contains(part), "{part}");
    }
    let other = Base::empty("evidence-in").await;
    other.import(&other.file("base.jsonl", &export));
    assert_eq!(other.export(&[]), export);
    let json_ld: Value = serde_json::from_str(&base.export(&["--format", "jsonld"])).expect("JSON");
    let graph = json_ld["@graph"].as_array().expect("a graph");
    let node = |id: &str| graph.iter().find(|node| node["@id"] == id).expect("a node");
    let link = |slug: &str| json!({"@id": format!("urn:dossier:statement/{slug}")});
    let items = &node("urn:dossier:position/listed")["dossier:evidenceItems"];
    assert_eq!(items[0], json!({"statement": link("paper"), "role": "SUPPORTS"}));
    assert_eq!(node("urn:dossier:statement/paper")["dossier:repeats"], json!([link("agency")]));
}

#[tokio::test]
async fn statements_answer_repeat_and_contradict_others() {
    let editor = editor().await;
    create(&editor, "Statement", statement("agency")).await;
    for (slug, field) in [("answer", "repliesTo"), ("paper", "repeats"), ("denial", "contradicts")] {
        let mut said = statement(slug);
        said[field] = json!([{"slug": "agency"}]);
        create(&editor, "Statement", said).await;
    }
    let data = editor
        .query(
            "{ agency: statement(by: {slug: \"agency\"}) {
                   replies { nodes { slug } } repeatedBy { nodes { slug } } contradictedBy { nodes { slug } } }
               paper: statement(by: {slug: \"paper\"}) { repeats { nodes { slug } } }
               found: statements(filter: {contradicts: {slug: {equals: \"agency\"}}}) { nodes { slug } }
               facets: statements(filter: {repeats: {}}) { facets { repeats { value { slug } count } } } }",
        )
        .await;
    let one = |slug: &str| json!({"nodes": [{"slug": slug}]});
    assert_eq!(
        data["agency"],
        json!({"replies": one("answer"), "repeatedBy": one("paper"), "contradictedBy": one("denial")})
    );
    assert_eq!(data["paper"]["repeats"], one("agency"));
    assert_eq!(data["found"], one("denial"));
    let facet = data["facets"]["facets"]["repeats"].as_array().expect("a facet");
    assert!(facet.contains(&json!({"value": {"slug": "agency"}, "count": 1})), "{facet:?}");
    let itself = json!({"statement": {"slug": "paper"}, "repeats": [{"slug": "paper"}]});
    let payload = change(&editor, "updateStatement", itself, "").await;
    assert_eq!(errors(&payload), wrong([("INVALID", "input.repeats")]));
    let deleted = change(&editor, "deleteStatement", json!({"statement": {"slug": "agency"}}), "").await;
    let messages = deleted["userErrors"].as_array().expect("errors").iter();
    let fields = ["repliesTo", "repeats", "contradicts"].map(|field| format!("as `{field}`"));
    let messages: Vec<&str> = messages.filter_map(|error| error["message"].as_str()).collect();
    assert!(
        fields.iter().all(|field| messages.iter().any(|message| message.contains(field))),
        "{messages:?}"
    );
}

async fn corroboration(client: &Client, record: &str, slug: &str) -> Value {
    let query = format!(
        "{{ {record}(by: {{slug: \"{slug}\"}}) {{ corroboration {{ independentSources best disputed }} }} }}"
    );
    client.query(&query).await[record]["corroboration"].clone()
}

fn known(sources: i64, best: &str, disputed: bool) -> Value {
    json!({"independentSources": sources, "best": best, "disputed": disputed})
}

/// Three publishers, of which one has two documents, and a document without a publisher.
async fn publishers(editor: &Client) {
    for (slug, publisher, reliability) in [
        ("wire", "the-national-interest", Some("B")),
        ("wire-archive", "the-national-interest", Some("C")),
        ("paper", "musavat", Some("D")),
    ] {
        create(editor, "Source", source(slug, publisher, reliability)).await;
    }
    create(editor, "Source", json!({"slug": "leaflet", "title": "A leaflet"})).await;
}

#[tokio::test]
async fn what_repeats_an_agency_counts_as_the_agency() {
    let editor = editor().await;
    publishers(&editor).await;
    create(&editor, "Statement", said("agency", &[("wire", Some("PROBABLY_TRUE")), ("wire-archive", None)]))
        .await;
    for (slug, source) in [("in-paper", "paper"), ("in-leaflet", "leaflet")] {
        let mut repeated = said(slug, &[(source, Some("CONFIRMED"))]);
        repeated["repeats"] = json!([{"slug": "agency"}]);
        create(&editor, "Statement", repeated).await;
    }
    let mut of_it = said("of-leaflet", &[("paper", None)]);
    of_it["repeats"] = json!([{"slug": "in-leaflet"}]);
    create(&editor, "Statement", of_it).await;
    create(&editor, "Statement", said("own-report", &[("leaflet", None), ("paper", None)])).await;
    for (slug, expected) in [
        ("agency", known(1, "B2", false)),
        ("in-paper", known(1, "B2", false)),
        ("of-leaflet", known(1, "B2", false)),
        ("own-report", known(2, "D6", false)),
    ] {
        assert_eq!(corroboration(&editor, "statement", slug).await, expected, "{slug}");
    }
    let items = |slugs: &[&str]| json!({"evidenceItems": slugs.iter().map(|slug| item(slug, "SUPPORTS")).collect::<Value>()});
    create(&editor, "Position", position("repeated", &items(&["in-paper", "in-leaflet", "of-leaflet"])))
        .await;
    create(&editor, "Position", position("reported", &items(&["in-paper", "own-report"]))).await;
    assert_eq!(corroboration(&editor, "position", "repeated").await, known(1, "B2", false));
    assert_eq!(corroboration(&editor, "position", "reported").await, known(3, "B2", false));

    // Two that repeat each other are one.
    let circle = json!({"statement": {"slug": "agency"}, "repeats": [{"slug": "of-leaflet"}]});
    assert_eq!(errors(&change(&editor, "updateStatement", circle, "").await), wrong([]));
    assert_eq!(corroboration(&editor, "position", "repeated").await["independentSources"], 1);
}

#[tokio::test]
async fn stances_are_read_from_positions_that_are_corroborated_enough() {
    let editor = editor().await;
    publishers(&editor).await;
    for (slug, on, source) in [
        ("early", "2020", "wire"),
        ("also-early", "2020-02", "paper"),
        ("late", "2026-05", "leaflet"),
        ("later", "2026-06", "paper"),
    ] {
        let mut dated = said(slug, &[(source, None)]);
        dated["saidOn"] = json!(on);
        create(&editor, "Statement", dated).await;
    }
    let of = |slug: &str, stance: &str, items: Value| {
        let mut position = position(slug, &json!({ "evidenceItems": items }));
        (position["stance"], position["topic"]) = (json!(stance), json!({"slug": "wells"}));
        position
    };
    create(&editor, "Topic", json!({"slug": "wells", "name": "Wells"})).await;
    let early = json!([item("also-early", "SUPPORTS"), item("early", "SUPPORTS")]);
    create(&editor, "Position", of("early-on", "OPPOSES", early)).await;
    create(&editor, "Position", of("lately", "SUPPORTS", json!([item("late", "SUPPORTS")]))).await;
    create(&editor, "Position", of("unshown", "NEUTRAL", json!([item("later", "CONTRADICTS")]))).await;
    let mut israel =
        of("of-israel", "STRONGLY_SUPPORTS", json!([item("late", "SUPPORTS"), item("later", "CONTRADICTS")]));
    israel["holder"] = json!({"slug": "israel"});
    create(&editor, "Position", israel).await;
    let data = editor
        .query(
            "{ topic(by: {slug: \"wells\"}) {
                   standings { date position { slug } }
                   strong: standings(minIndependentSources: 2) { date position { slug } }
                   calm: standings(disputed: false) { position { slug } }
                   disputed: standings(disputed: true) { position { slug } }
                   disagreements { distance }
                   some: disagreements(minIndependentSources: 2, disputed: false) { distance } }
               actor(by: {slug: \"kassym-jomart-tokayev\"}) {
                   stanceHistory(topic: {slug: \"wells\"}) { changes { stance date } }
                   strong: stanceHistory(topic: {slug: \"wells\"}, minIndependentSources: 2) { changes { stance } } } }",
        )
        .await;
    let topic = &data["topic"];
    let at = |date: &str, slug: &str| json!({"date": date, "position": {"slug": slug}});
    assert_eq!(topic["standings"], json!([at("2026-05", "lately"), at("2026-05", "of-israel")]));
    assert_eq!(topic["strong"], json!([at("2020", "early-on")]));
    assert_eq!(topic["calm"], json!([{"position": {"slug": "lately"}}]));
    assert_eq!(topic["disputed"], json!([{"position": {"slug": "of-israel"}}]));
    assert_eq!(topic["disagreements"], json!([{"distance": 1}]));
    assert_eq!(topic["some"], json!([]));
    let changes = json!([{"stance": "OPPOSES", "date": "2020"}, {"stance": "SUPPORTS", "date": "2026-05"}]);
    assert_eq!(data["actor"]["stanceHistory"][0]["changes"], changes);
    assert_eq!(data["actor"]["strong"], json!([{"changes": [{"stance": "OPPOSES"}]}]));

    // A denial disputes what it contradicts, and as of a moment before, nothing is disputed.
    let before = last_revision(&editor).await;
    let mut denial = said("denial", &[("paper", None)]);
    denial["contradicts"] = json!([{"slug": "early"}]);
    create(&editor, "Statement", denial).await;
    assert_eq!(corroboration(&editor, "statement", "early").await, known(1, "B6", true));
    assert_eq!(corroboration(&editor, "position", "early-on").await, known(2, "B6", true));
    let past = format!(
        "{{ position(by: {{slug: \"early-on\"}}, asOf: {{revision: {before}}}) {{ corroboration {{ independentSources disputed }} }} }}"
    );
    let then = editor.query(&past).await["position"]["corroboration"].clone();
    assert_eq!(then, json!({"independentSources": 2, "disputed": false}));
}
