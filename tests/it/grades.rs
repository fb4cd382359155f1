//! Grades of evidence: how reliable a source is, and how credible what it says.

use serde_json::{Value, json};

use crate::{
    bulk::{Base, lines},
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
    assert_eq!(data["statements"]["nodes"], json!([{"slug": "one"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn grades_leave_and_come_back_as_they_were() {
    let base = Base::new("grades-out").await;
    let topic = |credibility: &str| {
        lines(&[json!({"type": "Topic", "slug": "wells", "name": "Wells", "citations": [
            {"source": "musavat-interview-with-yury-bocharov", "locator": "L3", "credibility": credibility}]})])
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
}
