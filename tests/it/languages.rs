//! Languages: tags, translations, the pick of a language, and search in several languages.

use serde_json::{Value, json};

use crate::{
    bulk::{Base, lines},
    mutations::{change, errors, statement, wrong},
    support::{Client, editor},
};

async fn write(editor: &Client, mutation: &str, input: Value) {
    let payload = change(editor, mutation, input, "").await;
    assert_eq!(payload["userErrors"], json!([]), "{mutation}");
}

/// An input with other values.
fn with(mut input: Value, others: Value) -> Value {
    let Value::Object(others) = others else { panic!("no object") };
    input.as_object_mut().expect("an object").extend(others);
    input
}

#[tokio::test]
async fn tags_are_checked_and_kept_in_their_canonical_form() {
    let editor = editor().await;
    let actor = json!({
        "slug": "ada", "kind": "PERSON", "name": "Ada",
        "names": [{"name": "Ада", "kind": "TRANSLITERATION", "language": "KK-cyrl"}],
    });
    write(&editor, "createActor", actor).await;
    write(&editor, "createStatement", with(statement("said"), json!({"language": "ZH-hans-cn"}))).await;
    write(&editor, "createSource", json!({"slug": "paper", "title": "Paper", "language": "EN-us"})).await;
    let text = json!({"source": {"slug": "paper"}, "content": "Words.", "language": "en-gb-X-Own"});
    write(&editor, "attachSourceText", text).await;
    let data = editor
        .query(
            "{ actor(by: {slug: \"ada\"}) { names { language } }
               statement(by: {slug: \"said\"}) { language }
               source(by: {slug: \"paper\"}) { language texts { language } }
               found: statements(filter: {language: {equals: \"zh-HANS-cn\"}}) { nodes { slug } }
               sources(filter: {language: {in: [\"de\", \"en-US\"]}}) { nodes { slug } }
               actors(filter: {names: {language: {equals: \"kk-Cyrl\"}}}) { nodes { slug } } }",
        )
        .await;
    assert_eq!(
        data,
        json!({
            "actor": {"names": [{"language": "kk-Cyrl"}]},
            "statement": {"language": "zh-Hans-CN"},
            "source": {"language": "en-US", "texts": [{"language": "en-GB-x-own"}]},
            "found": {"nodes": [{"slug": "said"}]},
            "sources": {"nodes": [{"slug": "paper"}]},
            "actors": {"nodes": [{"slug": "ada"}]},
        })
    );
    let bad = with(statement("bad"), json!({"language": "english"}));
    assert_eq!(
        errors(&change(&editor, "createStatement", bad, "").await),
        wrong([("INVALID", "input.language")])
    );
    let names =
        json!({"actor": {"slug": "ada"}, "names": [{"name": "A", "kind": "ALIAS", "language": "en_US"}]});
    assert_eq!(
        errors(&change(&editor, "updateActor", names, "").await),
        wrong([("INVALID", "input.names.0.language")])
    );
    for (filter, field) in
        [("equals: \"english\"", "filter.language.equals"), ("in: [\"en\", \"?\"]", "filter.language.in[1]")]
    {
        let query = format!("{{ statements(filter: {{language: {{{filter}}}}}) {{ totalCount }} }}");
        let refused = editor.api_error(&query, json!({})).await;
        assert_eq!(refused, ("BAD_USER_INPUT".to_owned(), Some(field.to_owned())), "{filter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_tag_costs_a_dataset_only_the_language() {
    let base = Base::empty("bad-tags").await;
    let article = json!({"id": "n1", "schema": "Article", "properties": {
        "title": ["Water sold"], "language": ["klingonese"], "bodyText": ["The water was sold."],
    }});
    let report = base.import(&base.file("articles.ftm.json", lines(&[article])));
    for told in ["Source.language: left out: It takes a BCP 47 tag", "Source.texts.language: left out"] {
        assert!(report.contains(told), "{told}: {report}");
    }
    let sources = base.export(&[]);
    assert!(sources.contains("Water sold") && !sources.contains("klingonese"), "{sources}");
}
