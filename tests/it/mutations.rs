//! Mutations: create, update, delete, errors and retries.

use std::collections::{BTreeMap, BTreeSet};

use dossier::{
    engine::{
        catalog::catalog,
        mutation::{
            recorded,
            writable_fields::{self, RowColumn, RowKind, WritableField, WritableKind},
        },
    },
    model::{naming, object_type::Scalar, record_types},
};
use serde_json::{Map, Value, json};
use sqlx::AssertSqlSafe;

use crate::support::{Client, editor};

/// The payload of one mutation; its name is the first word of the query.
pub async fn change(client: &Client, mutation: &str, input: Value, selection: &str) -> Value {
    let input_type = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    let query = format!(
        "mutation($input: {input_type}!) {{ {mutation}(input: $input) {{
            revision clientMutationId userErrors {{ code field message }} {selection} }} }}"
    );
    client.query_with(&query, json!({ "input": input })).await[mutation].take()
}

/// The codes and fields of the errors.
pub fn errors(payload: &Value) -> BTreeSet<(String, String)> {
    let errors = payload["userErrors"].as_array().expect("errors").iter();
    let path = |error: &Value| {
        let steps = error["field"].as_array().expect("a path").iter().filter_map(Value::as_str);
        steps.collect::<Vec<_>>().join(".")
    };
    errors.map(|error| (error["code"].as_str().expect("a code").to_owned(), path(error))).collect()
}

pub fn wrong<const N: usize>(expected: [(&str, &str); N]) -> BTreeSet<(String, String)> {
    expected.map(|(code, field)| (code.to_owned(), field.to_owned())).into()
}

pub fn statement(slug: &str) -> Value {
    json!({
        "slug": slug, "speaker": {"slug": "kassym-jomart-tokayev"}, "medium": "SPEECH", "rendering": "PARAPHRASE",
        "summary": "Dialogue goes on.", "eventType": "CONSULT", "saidOn": "2026-03",
        "citations": [{"source": {"slug": "musavat-interview-with-yury-bocharov"}, "locator": "L3"}]
    })
}

#[tokio::test]
async fn a_record_is_entered_whole_with_its_links_and_citations() {
    let editor = editor().await;
    let mut input = statement("entered");
    input["addressees"] = json!([{"slug": "israel"}, {"slug": "donald-trump"}]);
    input["topics"] = json!([{"slug": "two-state-solution"}]);
    let selection = "statement { slug saidOn speaker { slug }
        addressees { edges { node { slug } } } topics { edges { node { slug } } } citations { edges { node { locator } } }
        revisions { edges { node { number operation requester part } } } }";
    let payload = change(&editor, "createStatement", input, selection).await;
    assert_eq!(payload["userErrors"], json!([]));
    let statement = &payload["statement"];
    assert_eq!(statement["saidOn"], "2026-03");
    assert_eq!(statement["addressees"]["edges"].as_array().map(Vec::len), Some(2));
    assert_eq!(statement["topics"]["edges"][0]["node"]["slug"], "two-state-solution");
    assert_eq!(statement["citations"]["edges"][0]["node"]["locator"], "L3");
    let revisions = statement["revisions"]["edges"].as_array().expect("revisions");
    assert_eq!(revisions[0]["node"]["operation"], "CREATE");
    let parts: BTreeSet<&str> = revisions.iter().filter_map(|edge| edge["node"]["part"].as_str()).collect();
    assert_eq!(
        parts,
        BTreeSet::from(["citations", "statement_addressees", "statement_topics", "statements"])
    );
    let last = revisions.iter().filter_map(|edge| edge["node"]["number"].as_i64()).max();
    assert_eq!(payload["revision"].as_i64(), last);
}

#[tokio::test]
async fn all_errors_are_reported_at_once_and_nothing_is_written() {
    let editor = editor().await;
    let count = "{ statements { totalCount } actors { totalCount } revisions { totalCount } }";
    let before = editor.query(count).await;
    let mut input = statement("Not A Slug");
    input["rendering"] = json!("VERBATIM");
    input["summary"] = json!(" ");
    input["speakerRole"] = json!("");
    input["citations"][0]["locator"] = json!("");
    input["topics"] = json!([{"slug": "two-state-solution"}, {"slug": "two-state-solution"}]);
    let payload = change(&editor, "createStatement", input, "statement { slug }").await;
    assert_eq!(
        errors(&payload),
        wrong([
            ("INVALID", "input.slug"),
            ("INVALID", "input.quote"),
            ("INVALID", "input.summary"),
            ("INVALID", "input.speakerRole"),
            ("INVALID", "input.citations.0.locator"),
            ("INVALID", "input.topics.1"),
        ])
    );
    let mut input = statement("Uncited");
    input["citations"] = json!([]);
    let payload = change(&editor, "createStatement", input, "statement { slug }").await;
    assert_eq!(errors(&payload), wrong([("INVALID", "input.slug"), ("INVALID", "input.citations")]));
    let mut input = statement("unknown");
    input["speaker"] = json!({"slug": "nobody"});
    input["meeting"] = json!({"slug": "none"});
    input["topics"] = json!([{"slug": "two-state-solution"}, {"slug": "none"}]);
    input["citations"][0]["source"] = json!({"slug": "none"});
    let payload = change(&editor, "createStatement", input, "statement { slug }").await;
    assert_eq!(
        errors(&payload),
        wrong([
            ("NOT_FOUND", "input.speaker"),
            ("NOT_FOUND", "input.meeting"),
            ("NOT_FOUND", "input.topics.1"),
            ("NOT_FOUND", "input.citations.0.source"),
        ])
    );
    let actor = json!({
        "slug": "israel", "kind": "COUNTRY", "name": "Israel again",
        "names": [{"name": "Good", "kind": "ALIAS"}, {"name": "Bad", "kind": "ALIAS", "language": "!", "script": "latin"}],
    });
    let payload = change(&editor, "createActor", actor, "actor { slug }").await;
    assert_eq!(
        errors(&payload),
        wrong([
            ("TAKEN", "input.slug"),
            ("INVALID", "input.names.1.language"),
            ("INVALID", "input.names.1.script"),
        ])
    );
    assert_eq!(editor.query(count).await, before);
}

#[tokio::test]
async fn the_databases_own_rules_name_the_field_that_breaks_them() {
    let editor = editor().await;
    let with = |changes: Value| {
        let mut input = statement("broken");
        for (name, value) in changes.as_object().expect("an object") {
            input[name] = value.clone();
        }
        input
    };
    for (input, field) in [
        (with(json!({"speaker": {"slug": "gaza-strip"}})), "input.speaker"),
        (with(json!({"onBehalfOf": {"slug": "kassym-jomart-tokayev"}})), "input.onBehalfOf"),
        (
            with(
                json!({"meeting": {"slug": "inaugural-peace-council-meeting"}, "publication": {"slug": "the-national-interest"}}),
            ),
            "input.publication",
        ),
        (with(json!({"citations": []})), "input.citations"),
    ] {
        let payload = change(&editor, "createStatement", input, "statement { slug }").await;
        assert_eq!(errors(&payload), wrong([("INVALID", field)]), "{payload}");
        assert!(payload["userErrors"][0]["message"].as_str().is_some_and(|message| message.ends_with('.')));
    }
    let meeting = json!({"slug": "late", "name": "Late", "mode": "CALL", "status": "OCCURRED", "startsOn": "2026-03-02",
                         "endsOn": "2026-03-01", "venue": {"slug": "donald-trump"}});
    let payload = change(&editor, "createMeeting", meeting, "meeting { slug }").await;
    assert_eq!(errors(&payload), wrong([("INVALID", "input.endsOn")]));
    let topic = json!({"topic": {"slug": "two-state-solution"}, "parent": {"slug": "two-state-solution"}});
    let payload = change(&editor, "updateTopic", topic, "topic { slug }").await;
    assert_eq!(errors(&payload), wrong([("INVALID", "input.parent")]));
}

#[tokio::test]
async fn what_is_left_out_stays_null_clears_and_a_list_is_replaced() {
    let editor = editor().await;
    let mut input = statement("changing");
    input["speakerRole"] = json!("President");
    input["topics"] = json!([{"slug": "two-state-solution"}, {"slug": "reconstruction-of-gaza"}]);
    let selection = "statement { summary speakerRole topics { edges { node { slug } } } }";
    change(&editor, "createStatement", input, selection).await;
    let input = json!({"statement": {"slug": "changing"}, "speakerRole": null, "topics": [{"slug": "reconstruction-of-gaza"}]});
    let payload = change(&editor, "updateStatement", input, selection).await;
    assert_eq!(
        payload["statement"],
        json!({"summary": "Dialogue goes on.", "speakerRole": null,
               "topics": {"edges": [{"node": {"slug": "reconstruction-of-gaza"}}]}})
    );
    let revision = payload["revision"].clone();
    let same = json!({"statement": {"slug": "changing"}, "topics": [{"slug": "reconstruction-of-gaza"}]});
    let payload = change(&editor, "updateStatement", same, selection).await;
    assert_eq!(payload["revision"], revision, "no change leaves no revision");
    let input = json!({"statement": {"slug": "changing"}, "summary": null});
    let payload = change(&editor, "updateStatement", input, selection).await;
    assert_eq!(errors(&payload), wrong([("REQUIRED", "input.summary")]));
}

#[tokio::test]
async fn the_records_of_a_list_are_named_by_slug_by_id_or_as_before_a_merge() {
    let editor = editor().await;
    let israel = editor.query("{ actor(by: {slug: \"israel\"}) { id } }").await["actor"]["id"].take();
    let guest = json!({"slug": "guest", "kind": "PERSON", "name": "A guest"});
    change(&editor, "createActor", guest, "actor { slug }").await;
    let merge = json!({"keep": {"slug": "donald-trump"}, "merge": {"slug": "guest"}});
    change(&editor, "mergeActors", merge, "actor { slug }").await;
    let mut input = statement("addressed");
    input["addressees"] = json!([{"slug": "kazakhstan"}, {"id": israel}, {"slug": "guest"}]);
    let selection = "statement { addressees(orderBy: NAME_ASC) { edges { node { slug } } } }";
    let payload = change(&editor, "createStatement", input, selection).await;
    assert_eq!(
        payload["statement"]["addressees"]["edges"],
        json!([{"node": {"slug": "donald-trump"}}, {"node": {"slug": "israel"}}, {"node": {"slug": "kazakhstan"}}])
    );
    let twice = json!({
        "statement": {"slug": "addressed"},
        "addressees": [{"slug": "israel"}, {"slug": "none"}, {"id": israel}],
    });
    let payload = change(&editor, "updateStatement", twice, selection).await;
    assert_eq!(
        errors(&payload),
        wrong([("NOT_FOUND", "input.addressees.1"), ("INVALID", "input.addressees.2")])
    );
}

#[tokio::test]
async fn a_change_of_what_has_changed_meanwhile_is_refused() {
    let editor = editor().await;
    let selection = "actor { name }";
    let actor = json!({"slug": "somebody", "kind": "GROUP", "name": "Somebody"});
    let read = change(&editor, "createActor", actor, selection).await["revision"].clone();
    let rename = |name: &str| json!({"actor": {"slug": "somebody"}, "expectedRevision": read, "name": name});
    let first = change(&editor, "updateActor", rename("First"), selection).await;
    assert_eq!(first["actor"]["name"], "First");
    let second = change(&editor, "updateActor", rename("Second"), selection).await;
    assert_eq!(errors(&second), wrong([("CONFLICT", "input.expectedRevision")]));
    let remove = json!({"actor": {"slug": "somebody"}, "expectedRevision": read});
    let removed = change(&editor, "deleteActor", remove, "deletedId").await;
    assert_eq!(errors(&removed), wrong([("CONFLICT", "input.expectedRevision")]));
    let stays = editor.query("{ actor(by: {slug: \"somebody\"}) { name } }").await;
    assert_eq!(stays["actor"]["name"], "First");
}

#[tokio::test]
async fn what_others_refer_to_is_not_removed_and_they_are_named() {
    let editor = editor().await;
    let remove = json!({"topic": {"slug": "two-state-solution"}});
    let payload = change(&editor, "deleteTopic", remove, "deletedId").await;
    assert_eq!(errors(&payload), wrong([("IN_USE", "input.topic")]));
    let message = payload["userErrors"].to_string();
    assert!(
        message.contains("Position") && message.contains("israel-on-the-two-state-solution"),
        "{message}"
    );
    change(&editor, "createStatement", statement("passing"), "statement { slug }").await;
    let id = editor.query("{ statement(by: {slug: \"passing\"}) { id } }").await["statement"]["id"].clone();
    let payload = change(&editor, "deleteStatement", json!({"statement": {"id": id}}), "deletedId").await;
    assert_eq!((&payload["deletedId"], &payload["userErrors"]), (&id, &json!([])));
    let gone = editor.query_with("query($id: ID!) { node(id: $id) { id } revisions(filter: {operation: {equals: DELETE}}) { totalCount } }", json!({ "id": id })).await;
    assert_eq!(gone, json!({"node": null, "revisions": {"totalCount": 1}}));
}

#[tokio::test]
async fn a_retry_with_the_same_client_mutation_id_gives_the_first_response() {
    let editor = editor().await;
    let mut input = statement("once");
    input["clientMutationId"] = json!("7d2f");
    let first = change(&editor, "createStatement", input.clone(), "statement { id }").await;
    assert_eq!(first["clientMutationId"], "7d2f");
    let again = change(&editor, "createStatement", input.clone(), "statement { id }").await;
    assert_eq!(first, again);
    input["summary"] = json!("Something else.");
    let other = change(&editor, "createStatement", input, "statement { id }").await;
    assert_eq!(errors(&other), wrong([("CONFLICT", "input.clientMutationId")]));
    let mut refused = statement("refused");
    refused["clientMutationId"] = json!("8e3a");
    refused["summary"] = json!(" ");
    change(&editor, "createStatement", refused.clone(), "statement { id }").await;
    refused["summary"] = json!("Right now.");
    let right = change(&editor, "createStatement", refused, "statement { id }").await;
    assert_eq!(right["userErrors"], json!([]), "an error is not stored");
}

#[tokio::test]
async fn client_mutation_ids_are_deleted_after_a_week() {
    let editor = editor().await;
    for (slug, age) in [("old", "8 days"), ("recent", "6 days")] {
        let mut input = statement(slug);
        input["clientMutationId"] = json!(slug);
        change(&editor, "createStatement", input, "statement { id }").await;
        let sql = "update client_mutations set recorded_at = now() - $2::text::interval where client_mutation_id = $1";
        sqlx::query(sql).bind(slug).bind(age).execute(editor.pool()).await.expect("aged");
    }
    let mut input = statement("new");
    input["clientMutationId"] = json!("new");
    change(&editor, "createStatement", input, "statement { id }").await;
    let sql = "select client_mutation_id from client_mutations order by recorded_at";
    let left: Vec<String> = sqlx::query_scalar(sql).fetch_all(editor.pool()).await.expect("names");
    assert_eq!(left, ["recent", "new"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_mutations_with_the_same_id_run_once_and_respond_alike() {
    let editor = editor().await;
    let mut input = statement("once");
    input["clientMutationId"] = json!("at-once");
    let requested = (0..8).map(|_| {
        let (editor, input) = (editor.clone(), input.clone());
        tokio::spawn(async move { change(&editor, "createStatement", input, "statement { id }").await })
    });
    let mut responses = Vec::new();
    for requested in requested.collect::<Vec<_>>() {
        responses.push(requested.await.expect("a response"));
    }
    assert_eq!(responses[0]["userErrors"], json!([]));
    assert!(responses.iter().all(|response| *response == responses[0]), "{responses:?}");
    let left = editor.query("{ statement(by: {slug: \"once\"}) { revision revisions(filter: {part: {equals: \"statements\"}}) { totalCount } } }").await;
    assert_eq!(
        left["statement"],
        json!({"revision": responses[0]["revision"], "revisions": {"totalCount": 1}})
    );
    // The response stays the same though the record was deleted.
    change(&editor, "deleteStatement", json!({"statement": {"slug": "once"}}), "deletedId").await;
    let again = change(&editor, "createStatement", input, "statement { id }").await;
    assert_eq!((&again["revision"], &again["statement"]), (&responses[0]["revision"], &Value::Null));
}

#[tokio::test]
async fn invalid_and_too_long_texts_are_errors_of_their_field() {
    let editor = editor().await;
    let long = (0..2000).map(|number| (number * 7_919).to_string()).collect::<Vec<_>>().join(" ");
    let actor = |slug: &str, name: &str| json!({"slug": slug, "kind": "GROUP", "name": name});
    let payload = change(&editor, "createActor", actor("long", &long), "actor { id }").await;
    assert_eq!(errors(&payload), wrong([("INVALID", "input.name")]));
    let mut input = actor("long", "Long");
    input["identifiers"] = json!([{"scheme": "register", "value": long}]);
    let payload = change(&editor, "createActor", input, "actor { id }").await;
    assert_eq!(errors(&payload), wrong([("INVALID", "input.identifiers.0.value")]));
    let mut input = actor("long", "Long");
    input["clientMutationId"] = json!(long);
    let payload = change(&editor, "createActor", input, "actor { id }").await;
    assert_eq!(errors(&payload), wrong([("INVALID", "input.clientMutationId")]));
    let mutation = "mutation($input: CreateActorInput!) { createActor(input: $input) { revision } }";
    let api_error = editor.api_error(mutation, json!({"input": actor("zero", "a\u{0}b")})).await;
    assert_eq!(api_error, ("BAD_USER_INPUT".to_owned(), Some("$input.name".to_owned())));
}

#[tokio::test]
async fn mutations_of_a_request_run_in_order_and_each_fails_alone() {
    let editor = editor().await;
    let data = editor
        .query(
            "mutation {
                a: createTopic(input: {slug: \"first\", name: \"First\"}) { topic { slug } }
                b: createTopic(input: {slug: \"second\", name: \"Second\", parent: {slug: \"first\"}}) { topic { parent { slug } } }
                c: createTopic(input: {slug: \"first\", name: \"Again\"}) { topic { slug } userErrors { code } }
                d: deleteTopic(input: {topic: {slug: \"second\"}}) { userErrors { code } }
                e: deleteTopic(input: {topic: {slug: \"first\"}}) { userErrors { code } }
            }",
        )
        .await;
    assert_eq!(
        data,
        json!({
            "a": {"topic": {"slug": "first"}},
            "b": {"topic": {"parent": {"slug": "first"}}},
            "c": {"topic": null, "userErrors": [{"code": "TAKEN"}]},
            "d": {"userErrors": []},
            "e": {"userErrors": []},
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_of_the_same_records_lose_nothing() {
    let editor = editor().await;
    let records: Vec<String> = (0..4).map(|number| format!("contested-{number}")).collect();
    for slug in &records {
        let actor = json!({"slug": slug, "kind": "GROUP", "name": "0"});
        change(&editor, "createActor", actor, "actor { slug }").await;
    }
    let names = "{ actors(filter: {slug: {in: [\"contested-0\", \"contested-1\", \"contested-2\", \"contested-3\"]}}) {
        edges { node { slug name revisions(last: 1) { edges { node { number } } } } } } }";
    let writers = (0..16).map(|writer| {
        let (editor, records) = (editor.clone(), records.clone());
        tokio::spawn(async move {
            let (mut accepted, mut conflicts) = (BTreeMap::<String, u32>::new(), 0);
            for round in 0..10 {
                let slug = &records[(writer + round) % records.len()];
                let query = "query($slug: String!) { actor(by: {slug: $slug}) { name revision } }";
                let read = editor.query_with(query, json!({ "slug": slug })).await;
                let number: u32 = read["actor"]["name"].as_str().expect("a name").parse().expect("a number");
                let input = json!({
                    "actor": {"slug": slug}, "name": (number + 1).to_string(),
                    "names": [{"name": format!("writer {writer} round {round}"), "kind": "ALIAS"}],
                    "expectedRevision": read["actor"]["revision"],
                });
                let payload = change(&editor, "updateActor", input, "actor { slug }").await;
                match payload["userErrors"].as_array().expect("errors").as_slice() {
                    [] => *accepted.entry(slug.clone()).or_default() += 1,
                    [error] if error["code"] == "CONFLICT" => conflicts += 1,
                    errors => panic!("{errors:?}"),
                }
            }
            (accepted, conflicts)
        })
    });
    let mut accepted = BTreeMap::<String, u32>::new();
    let mut conflicts = 0;
    for writer in writers.collect::<Vec<_>>() {
        let (own, refused) = writer.await.expect("a writer");
        for (slug, count) in own {
            *accepted.entry(slug).or_default() += count;
        }
        conflicts += refused;
    }
    assert_eq!(accepted.values().sum::<u32>() + conflicts, 160, "each was accepted or refused");
    assert!(conflicts > 0, "they got in each other's way");
    let data = editor.query(names).await;
    for edge in data["actors"]["edges"].as_array().expect("edges") {
        let (slug, name) = (edge["node"]["slug"].as_str().expect("a slug"), edge["node"]["name"].as_str());
        assert_eq!(name, Some(accepted[slug].to_string().as_str()), "{slug}: no change was lost");
    }
    let kept: i64 = sqlx::query_scalar(
        "select count(*) from revisions join actors on actors.id = actor_id
         where part = 'actors' and operation = 'UPDATE' and slug like 'contested-%'",
    )
    .fetch_one(editor.pool())
    .await
    .expect("a count");
    assert_eq!(kept, i64::from(accepted.values().sum::<u32>()), "every accepted change is in the history");
}

/// The numbers of the base's records and revisions.
const COUNTS: &str = "{ topics { totalCount } statements { totalCount } revisions { totalCount } }";

#[tokio::test]
async fn nothing_is_changed_if_the_payload_cannot_be_read() {
    let editor = editor().await;
    let ids = editor
        .query("{ actor(by: {slug: \"israel\"}) { id } topics(first: 1) { pageInfo { endCursor } } }")
        .await;
    let (actor, cursor) = (&ids["actor"]["id"], &ids["topics"]["pageInfo"]["endCursor"]);
    let before = editor.query(COUNTS).await;
    let create = |selection: &str| {
        format!(
            "mutation {{ createTopic(input: {{slug: \"new\", name: \"New\"}}) {{ topic {{ {selection} }} }} }}"
        )
    };
    let second = |mutation: &str| {
        format!(
            "mutation {{ createTopic(input: {{slug: \"new\", name: \"New\"}}) {{ revision }}
             {mutation} {{ revision }} }}"
        )
    };
    for (query, field) in [
        (create("standings(first: 0) { stance }"), "first"),
        (create("standings(first: 1001) { stance }"), "first"),
        (create("disagreements(first: -1) { distance }"), "first"),
        (create("statements(first: 101) { totalCount }"), "first"),
        (create("statements(first: 1, last: 1) { totalCount }"), "last"),
        (create(&format!("statements(after: {cursor}) {{ edges {{ cursor }} }}")), "after"),
        (create("statements(filter: {said: {from: \"2026\", until: \"2025\"}}) { totalCount }"), "filter.said.until"),
        (create("statements(filter: {id: {equals: \"x\"}}) { totalCount }"), "filter.id.equals"),
        (create("revisions(since: 1000000) { totalCount }"), "since"),
        (create("children(first: 1) { edges { node { positions(first: 1) { edges { node { holder {
            stanceHistory(topic: {id: \"x\"}) { __typename } } } } } } } }"), "topic.id"),
        (create("children(first: 1) { edges { node { positions(first: 1) { edges { node { holder {
            stanceHistory(topic: {slug: \"nothing\"}) { __typename } } } } } } } }"), "topic"),
        (second(&format!("deleteTopic(input: {{topic: {{id: {actor}}}}})")), "input.topic.id"),
        (second("updateTopic(input: {topic: {slug: \"new\"}, parent: {id: \"x\"}})"), "input.parent.id"),
        (
            second(
                "createStatement(input: {slug: \"s\", speaker: {slug: \"israel\"}, medium: SPEECH, rendering: PARAPHRASE,
                 summary: \"s\", eventType: CONSULT, citations: [{source: {id: \"x\"}, locator: \"L1\"}]})",
            ),
            "input.citations[0].source.id",
        ),
        (second("revertRevision(input: {revision: -1})"), "input.revision"),
    ] {
        let response = editor.response(&query, Value::Null).await;
        let extensions = &response["errors"][0]["extensions"];
        assert_eq!(extensions["code"], "BAD_USER_INPUT", "{query}: {response}");
        assert_eq!(extensions["field"], field, "{query}: {response}");
        assert_eq!(response.get("data"), None, "{query}: {response}");
        assert_eq!(editor.query(COUNTS).await, before, "{query}");
    }
}

#[tokio::test]
async fn what_a_request_enters_may_be_named_in_its_payload() {
    let editor = editor().await;
    let topic = "createTopic(input: {slug: \"new\", name: \"New\"}) { userErrors { message } }";
    let actor = "createActor(input: {slug: \"newcomer\", name: \"Newcomer\", kind: PERSON}) {
        actor { stanceHistory(topic: {slug: \"new\"}) { changes { stance } } } userErrors { message } }";
    let data = editor.query(&format!("mutation {{ {topic} {actor} }}")).await;
    assert_eq!(data["createActor"], json!({"actor": {"stanceHistory": []}, "userErrors": []}));
}

#[tokio::test]
async fn a_committed_change_is_reported_even_if_it_cannot_be_read() {
    let editor = editor().await;
    let rename = "alter table positions rename to positions_elsewhere";
    sqlx::raw_sql(rename).execute(editor.pool()).await.expect("what is read has gone");
    let mutation = "mutation {
        one: createTopic(input: {slug: \"one\", name: \"One\"}) {
            revision userErrors { message } topic { slug standings { stance } } }
        two: createTopic(input: {slug: \"two\", name: \"Two\"}) { revision topic { slug } userErrors { message } }
    }";
    let response = editor.response(mutation, Value::Null).await;
    let one = &response["data"]["one"];
    let revision = one["revision"].as_i64().unwrap_or_else(|| panic!("a revision: {response}"));
    assert_eq!(one, &json!({"revision": revision, "userErrors": [], "topic": null}));
    assert_eq!(response["data"]["two"]["topic"]["slug"], "two", "{response}");
    let [error] = response["errors"].as_array().expect("errors").as_slice() else {
        panic!("one error: {response}")
    };
    assert_eq!(error["path"], json!(["one", "topic"]));
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains(&format!("committed as revision {revision}")), "{message}");
    let found = editor
        .query("{ one: topic(by: {slug: \"one\"}) { revision } two: topic(by: {slug: \"two\"}) { slug } }")
        .await;
    assert_eq!(found, json!({"one": {"revision": revision}, "two": {"slug": "two"}}));
}

#[tokio::test]
async fn a_mutation_that_fails_hides_none_that_was_done() {
    let editor = editor().await;
    let rename = "alter table meetings rename to meetings_elsewhere";
    sqlx::raw_sql(rename).execute(editor.pool()).await.expect("what is written has gone");
    let mutation = "mutation {
        one: createTopic(input: {slug: \"one\", name: \"One\"}) { revision topic { slug } }
        two: createMeeting(input: {slug: \"two\", name: \"Two\", mode: CALL, status: OCCURRED}) {
            userErrors { message } revision meeting { slug } }
        three: createTopic(input: {slug: \"three\", name: \"Three\"}) { revision userErrors { message } }
    }";
    let response = editor.response(mutation, Value::Null).await;
    assert_eq!(response["data"]["one"]["topic"]["slug"], "one", "{response}");
    assert_eq!(response["data"]["two"], json!({"userErrors": [], "revision": null, "meeting": null}));
    assert_eq!(response["data"]["three"], json!({"revision": null, "userErrors": []}));
    let paths: Vec<&Value> =
        response["errors"].as_array().expect("errors").iter().map(|error| &error["path"]).collect();
    assert_eq!(paths, [&json!(["two", "meeting"]), &json!(["three", "revision"])]);
    let found = editor.query("{ three: topic(by: {slug: \"three\"}) { slug } }").await;
    assert_eq!(found, json!({"three": null}));
}

#[tokio::test]
async fn a_mutation_is_cancelled_before_its_commit_or_reported_after_it() {
    let editor =
        Client::with(&[("REQUEST_TIMEOUT", "1")]).await.as_role(dossier::auth::caller::Role::Editor).await;
    let mutation = |slug: &str| {
        format!(
            "mutation {{ createTopic(input: {{slug: \"{slug}\", name: \"New\"}}) {{
                revision topic {{ slug standings {{ stance }} }} }} }}"
        )
    };
    let mut other = editor.pool().begin().await.expect("a transaction");
    sqlx::query("select lock_revision_numbers()")
        .execute(&mut *other)
        .await
        .expect("another transaction holds the lock");
    let (code, _) = editor.api_error(&mutation("never"), Value::Null).await;
    assert_eq!(code, "TIMEOUT");
    other.rollback().await.expect("over");
    let mut other = editor.pool().begin().await.expect("a transaction");
    sqlx::query("lock table positions").execute(&mut *other).await.expect("no one else can read it");
    let response = editor.response(&mutation("there"), Value::Null).await;
    other.rollback().await.expect("over");
    assert_eq!(response["errors"][0]["extensions"]["code"], "TIMEOUT", "{response}");
    assert!(response["data"]["createTopic"]["revision"].is_i64(), "{response}");
    let found = editor
        .query(
            "{ never: topic(by: {slug: \"never\"}) { slug } there: topic(by: {slug: \"there\"}) { slug } }",
        )
        .await;
    assert_eq!(found, json!({"never": null, "there": {"slug": "there"}}));
}

#[tokio::test]
async fn a_record_has_the_times_of_its_creation_and_last_change() {
    let editor = editor().await;
    let selection =
        "statement { createdAt updatedAt revisions(orderBy: NUMBER_ASC) { nodes { recordedAt } } }";
    let entered = change(&editor, "createStatement", statement("dated"), selection).await["statement"].take();
    let recorded = |statement: &Value, last: bool| {
        let nodes = statement["revisions"]["nodes"].as_array().expect("nodes").clone();
        let node = if last { nodes.last() } else { nodes.first() };
        node.expect("a revision")["recordedAt"].clone()
    };
    assert_eq!(
        (&entered["createdAt"], &entered["updatedAt"]),
        (&recorded(&entered, false), &recorded(&entered, true))
    );
    // Changes of its owned rows count.
    let input = json!({"statement": {"slug": "dated"}, "topics": [{"slug": "two-state-solution"}]});
    let changed = change(&editor, "updateStatement", input, selection).await["statement"].take();
    assert_eq!(changed["createdAt"], entered["createdAt"]);
    assert_eq!(changed["updatedAt"], recorded(&changed, true));
    assert_ne!(changed["updatedAt"], entered["updatedAt"]);
    let unknown = "insert into topics (slug, name) values ('unrecorded', 'Unrecorded')";
    let mut quiet = editor.pool().begin().await.expect("a transaction");
    for sql in ["set local session_replication_role = replica", unknown] {
        sqlx::raw_sql(sql).execute(&mut *quiet).await.expect("run");
    }
    quiet.commit().await.expect("committed");
    let topic = editor.query("{ topic(by: {slug: \"unrecorded\"}) { label createdAt updatedAt } }").await;
    assert_eq!(topic["topic"], json!({"label": "Unrecorded", "createdAt": null, "updatedAt": null}));
}

#[tokio::test]
async fn a_diff_names_fields_and_records_as_clients_do() {
    let editor = editor().await;
    change(&editor, "createStatement", statement("reported"), "revision").await;
    let input = json!({
        "statement": {"slug": "reported"}, "speaker": {"slug": "israel"}, "saidOn": "2026-04-02",
        "topics": [{"slug": "two-state-solution"}], "addressees": [{"slug": "kazakhstan"}],
    });
    change(&editor, "updateStatement", input, "revision").await;
    let query = r#"{
        statement(by: {slug: "reported"}) { id revisions(filter: {operation: {equals: UPDATE}}) { edges { node {
            diff { field name before after beforeId afterId } } } } }
        israel: actor(by: {slug: "israel"}) { id }
        kazakhstan: actor(by: {slug: "kazakhstan"}) { id }
        tokayev: actor(by: {slug: "kassym-jomart-tokayev"}) { id } }"#;
    let data = editor.query(query).await;
    let edges = data["statement"]["revisions"]["edges"].as_array().expect("revisions").iter();
    let diffs: Vec<&Value> =
        edges.flat_map(|edge| edge["node"]["diff"].as_array().expect("changes")).collect();
    for (field, name, before, after) in [
        ("speaker_id", json!("speaker"), &data["tokayev"]["id"], &data["israel"]["id"]),
        ("said_on", json!("saidOn"), &Value::Null, &Value::Null),
        ("actor_id", json!("addressees"), &Value::Null, &data["kazakhstan"]["id"]),
        ("statement_id", Value::Null, &Value::Null, &data["statement"]["id"]),
    ] {
        let reported =
            diffs.iter().find(|reported| reported["field"] == field).unwrap_or_else(|| panic!("{data}"));
        assert_eq!(
            (&reported["name"], &reported["beforeId"], &reported["afterId"]),
            (&name, before, after),
            "{reported}"
        );
    }
}

#[tokio::test]
async fn every_column_that_is_recorded_has_a_name_or_a_reason() {
    let client = editor().await;
    let sql = "select part || '.' || name from history_columns";
    let columns: Vec<String> = sqlx::query_scalar(sql).fetch_all(client.pool()).await.expect("columns");
    let known: BTreeSet<String> = recorded(&catalog().object_types)
        .into_iter()
        .map(|recorded| format!("{}.{}", recorded.table, recorded.column))
        .collect();
    let unknown: Vec<&String> = columns
        .iter()
        .filter(|column| !known.contains(*column))
        .filter(|column| {
            let name = column.split_once('.').map_or("", |(_, name)| name);
            // Ids of owned rows, positions in lists, versions, slugs of merged actors, and
            // generated columns, which no revision has.
            let is_made = name == "search" || name.ends_with("_during") || name.starts_with("plain_");
            let is_told =
                ["merged_actors.slug", "source_texts.version", "citations.words"].contains(&column.as_str());
            !(is_made || is_told || name == "ordinal" || name == "id")
        })
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[tokio::test]
async fn every_kind_of_record_has_a_label() {
    let editor = editor().await;
    let mut long = statement("long");
    long["summary"] = json!(format!("{}end.", "Dialogue goes on and on, ".repeat(20)));
    let label = "statement { label }";
    let payload = change(&editor, "createStatement", long, label).await;
    let shortened = payload["statement"]["label"].as_str().expect("a label");
    assert!(shortened.ends_with("Dialogue goes on…"), "it ends with a word: {shortened}");
    assert!((100..=120).contains(&shortened.chars().count()), "{shortened}");
    let relation = json!({"slug": "unnamed", "kind": "PARTNERSHIP", "subject": {"slug": "israel"}, "object": {"slug": "kazakhstan"},
        "citations": [{"source": {"slug": "musavat-interview-with-yury-bocharov"}, "locator": "L3"}]});
    let payload = change(&editor, "createRelation", relation, "relation { label }").await;
    assert_eq!(payload["relation"]["label"], "Partnership", "{payload}");
    let unnamed = "{ relations(filter: {label: {isNull: true}}) { nodes { slug } } }";
    let unnamed = editor.query(unnamed).await["relations"]["nodes"].clone();
    assert!(
        unnamed.as_array().expect("nodes").contains(&json!({"slug": "unnamed"})),
        "nobody gave it one: {unnamed}"
    );
    let positions = editor
        .query("{ positions(first: 100) { nodes { label holder { name } topic { name } stance } } }")
        .await;
    let positions = positions["positions"]["nodes"].as_array().expect("positions").clone();
    assert!(!positions.is_empty());
    for position in positions {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let (holder, topic) = (text(&position["holder"]["name"]), text(&position["topic"]["name"]));
        let stance = match position["stance"].as_str() {
            Some("NEUTRAL") => "is neutral on".to_owned(),
            stance => stance.expect("a stance").to_lowercase().replace('_', " "),
        };
        assert_eq!(position["label"], format!("{holder} {stance} {topic}"));
    }
}

/// A value for a writable field, so that it has one before it is cleared.
fn some_value(field: &WritableField, seeded: &Value) -> Option<Value> {
    let record = |to: &str| Some(json!({"slug": seeded[to]["nodes"][0]["slug"].as_str()?}));
    let of = |scalar: Scalar| match scalar {
        Scalar::Int => json!(1),
        Scalar::Float => json!(0.5),
        Scalar::Decimal => json!("1.5"),
        Scalar::Boolean => json!(true),
        Scalar::Enumeration(of) => json!(of.values[0].0),
        Scalar::PartialDate => json!("2026"),
        Scalar::Url => json!("https://news.example/"),
        Scalar::Language => json!("en"),
        _ => json!("something"),
    };
    let of_column = |column: &RowColumn| match column.kind {
        RowKind::Value(scalar) => Some(of(scalar)),
        RowKind::Reference(to) => record(to),
        RowKind::Content => None,
    };
    match &field.kind {
        WritableKind::Value { scalar, .. } => Some(of(*scalar)),
        WritableKind::Reference { to, .. } => record(to),
        WritableKind::Rows(rows) if rows.is_reference() => Some(json!([of_column(&rows.columns[0])?])),
        WritableKind::Rows(rows) => {
            let is_given = |column: &&RowColumn| column.needed || column.name == "locator";
            let columns: Vec<&RowColumn> = if rows.one_of {
                rows.columns.iter().take(1).collect()
            } else {
                rows.columns.iter().filter(is_given).collect()
            };
            let value = |column: &&RowColumn| Some((column.name.to_owned(), of_column(column)?));
            Some(json!([columns.iter().map(value).collect::<Option<Map<String, Value>>>()?]))
        }
    }
}

#[tokio::test]
async fn null_clears_a_field_or_is_refused_by_its_name() {
    let editor = editor().await;
    let seeded = "{
        Actor: actors(first: 1, filter: {kind: {equals: PERSON}}) { nodes { slug } } Meeting: meetings(first: 1) { nodes { slug } }
        Statement: statements(first: 1) { nodes { slug } } Topic: topics(first: 1) { nodes { slug } }
        Source: sources(first: 1) { nodes { slug } } Commentary: commentaries(first: 1) { nodes { slug } }
        Relation: relations(first: 1) { nodes { slug } } Position: positions(first: 1) { nodes { slug } } }";
    let seeded = editor.query(seeded).await;
    let (mut cleared, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for object_type in record_types(&catalog().object_types) {
        let Some(slug) = seeded[object_type.name]["nodes"][0]["slug"].as_str() else { continue };
        let (mutation, key) = (format!("update{}", object_type.name), naming::camel_case(object_type.name));
        let update = |name: &'static str, value: Value| {
            let input = json!({ key.clone(): {"slug": slug}, name: value });
            let (editor, mutation) = (editor.clone(), mutation.clone());
            async move { change(&editor, &mutation, input, "").await }
        };
        for field in writable_fields::of(object_type, &catalog().object_types) {
            if !field.is_given_whole() || field.needed {
                continue;
            }
            let Some(value) = some_value(&field, &seeded) else { continue };
            update(field.name, value).await;
            let test = match &field.kind {
                WritableKind::Value { column, .. } | WritableKind::Reference { column, .. } => {
                    format!("t.{column} is null")
                }
                WritableKind::Rows(rows) => {
                    format!("not exists (select from {} r where r.{} = t.id)", rows.table, rows.owner)
                }
            };
            let sql = format!("select {test} from {} t where slug = '{slug}'", object_type.table);
            let is_empty = || async {
                let sql = AssertSqlSafe(sql.clone());
                sqlx::query_scalar::<_, bool>(sql)
                    .fetch_one(editor.pool())
                    .await
                    .expect("the record is there")
            };
            if is_empty().await {
                // Rules of the record forbid the value.
                continue;
            }
            let payload = update(field.name, Value::Null).await;
            let name = format!("{}.{}", object_type.name, field.name);
            if errors(&payload).is_empty() {
                assert!(is_empty().await, "{name}: null was ignored");
                cleared.insert(name);
            } else {
                let path = format!("input.{}", field.name);
                assert!(errors(&payload).iter().any(|(_, field)| *field == path), "{name}: {payload}");
                refused.insert(name);
            }
        }
    }
    assert!(cleared.len() > 60, "{} cleared: {cleared:?}; refused: {refused:?}", cleared.len());
    assert!(refused.contains("Position.evidenceItems"), "{refused:?}");
}
