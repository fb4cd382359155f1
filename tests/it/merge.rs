//! Merging actors, and reverting changes.

use std::collections::BTreeMap;

use dossier::{auth::caller::Role, model::naming};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::{
    bulk::{Base, with},
    mutations::{change, errors, statement, wrong},
    support::{Client, anonymous, editor},
};

/// Every row of every table as text, without logs.
pub async fn everything(client: &Client) -> BTreeMap<String, Vec<String>> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
         and relname not in ('revisions', 'client_mutations', 'imports', '_sqlx_migrations')",
    )
    .fetch_all(client.pool())
    .await
    .expect("tables");
    assert!(tables.len() > 15, "{tables:?}");
    let mut everything = BTreeMap::new();
    for table in tables {
        let sql = format!("select t::text from {table} t order by t::text collate \"C\"");
        let rows = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(client.pool()).await.expect("rows");
        everything.insert(table, rows);
    }
    everything
}

/// Fails with the rows that differ.
pub fn same(found: &BTreeMap<String, Vec<String>>, expected: &BTreeMap<String, Vec<String>>) {
    for (table, rows) in expected {
        assert_eq!(&found[table], rows, "{table}");
    }
    assert_eq!(found.len(), expected.len());
}

/// Enters a record that must be accepted, and returns its id.
async fn enter(editor: &Client, object_type: &str, input: Value) -> String {
    let field = naming::camel_case(object_type);
    let payload = change(editor, &format!("create{object_type}"), input, &format!("{field} {{ id }}")).await;
    assert_eq!(payload["userErrors"], json!([]));
    payload[&field]["id"].as_str().expect("an id").to_owned()
}

async fn enter_actor(editor: &Client, slug: &str, kind: &str) -> String {
    enter(editor, "Actor", json!({"slug": slug, "kind": kind, "name": slug})).await
}

async fn merge(editor: &Client, keep: &str, merged: &str) -> Value {
    let input = json!({"keep": {"slug": keep}, "merge": {"slug": merged}});
    change(editor, "mergeActors", input, "actor { id slug }").await
}

async fn unmerge(editor: &Client, merged: &str) -> Value {
    change(editor, "unmergeActors", json!({"merge": {"slug": merged}}), "actor { id slug }").await
}

pub async fn revert(editor: &Client, revision: &Value) -> Value {
    change(editor, "revertRevision", json!({"revision": revision}), "records { id record { id slug } }").await
}

#[tokio::test]
async fn relations_that_say_the_same_after_a_merge_are_one_with_the_evidence_of_both() {
    let editor = editor().await;
    for (slug, kind) in [("ann-a", "PERSON"), ("ann-b", "PERSON"), ("party-x", "ORGANIZATION")] {
        enter_actor(&editor, slug, kind).await;
    }
    for (slug, subject, from, locator) in
        [("r-a", "ann-a", "2010", "L1"), ("r-b", "ann-b", "2010", "L2"), ("r-c", "ann-b", "2015-03", "L3")]
    {
        let source = json!({"slug": "musavat-interview-with-yury-bocharov"});
        let input = json!({
            "slug": slug, "kind": "MEMBERSHIP", "subject": {"slug": subject}, "object": {"slug": "party-x"},
            "validFrom": from, "citations": [{"source": source, "locator": locator}],
        });
        enter(&editor, "Relation", input).await;
    }
    let before = everything(&editor).await;
    assert_eq!(merge(&editor, "ann-a", "ann-b").await["userErrors"], json!([]));
    let query = "{ actor(by: {slug: \"ann-a\"}) { relations(orderBy: ENTERED_ASC) { nodes { slug validFrom citations { nodes { locator } } } } } }";
    let relations = editor.query(query).await["actor"]["relations"]["nodes"].clone();
    assert_eq!(
        relations,
        json!([
            {"slug": "r-a", "validFrom": "2010", "citations": {"nodes": [{"locator": "L1"}, {"locator": "L2"}]}},
            {"slug": "r-c", "validFrom": "2015-03", "citations": {"nodes": [{"locator": "L3"}]}},
        ])
    );
    assert_eq!(unmerge(&editor, "ann-b").await["userErrors"], json!([]));
    same(&everything(&editor).await, &before);
}

const ACCEPTED: [(&str, &str); 0] = [];

/// Kazakhstan entered a second time, with everything that may refer to an actor.
async fn kazakhstan_again(editor: &Client) -> String {
    let source = json!({"slug": "musavat-interview-with-yury-bocharov"});
    let citations = json!([{"source": source, "locator": "L99"}, {"source": source, "locator": "L3"}]);
    let own = json!({"slug": "qazaqstan"});
    let first = json!({"slug": "kazakhstan"});
    let id = enter(
        editor,
        "Actor",
        json!({
            "slug": "qazaqstan", "kind": "COUNTRY", "name": "Qazaqstan",
            "names": [{"name": "QZ", "kind": "ABBREVIATION"}, {"name": "Казахстан", "kind": "ALIAS", "language": "ru"}],
            "identifiers": [{"scheme": "parliaments", "value": "QZ"}], "citations": citations,
        }),
    )
    .await;
    let names = json!({"actor": first, "names": [{"name": "Казахстан", "kind": "ALIAS", "language": "ru"}], "citations": citations});
    assert_eq!(errors(&change(editor, "updateActor", names, "actor { id }").await), wrong(ACCEPTED));
    let mut said = statement("said-again");
    said["speaker"] = own.clone();
    said["addressees"] = json!([{"slug": "israel"}]);
    enter(editor, "Statement", said).await;
    let mut heard = statement("heard-twice");
    heard["onBehalfOf"] = own.clone();
    heard["addressees"] = json!([own, first]);
    enter(editor, "Statement", heard).await;
    let actors = json!([{"actor": own, "role": "GUEST"}, {"actor": first, "role": "HOST"}]);
    let both = json!({"slug": "both-there", "name": "Both", "mode": "OTHER", "status": "OCCURRED", "participants": actors});
    enter(editor, "Meeting", both).await;
    let alone = json!({"slug": "alone-there", "name": "Alone", "mode": "OTHER", "status": "OCCURRED", "participants": [actors[0]]});
    enter(editor, "Meeting", alone).await;
    let written = json!({"slug": "written", "title": "Written", "publisher": own, "authors": [own, first, {"slug": "israel"}]});
    enter(editor, "Source", written).await;
    let judged = json!({
        "slug": "judged", "author": own, "source": source, "ordinal": 77, "question": "What?", "summary": "That.",
        "targets": [{"actor": own}, {"actor": first}, {"topic": {"slug": "two-state-solution"}}], "citations": citations,
    });
    enter(editor, "Commentary", judged).await;
    for (slug, subject, object) in
        [("one-way", &own, "israel"), ("other-way", &json!({"slug": "israel"}), "qazaqstan")]
    {
        let relation = json!({"slug": slug, "subject": subject, "object": {"slug": object}, "kind": "PARTNERSHIP", "citations": citations});
        enter(editor, "Relation", relation).await;
    }
    let held = json!({
        "slug": "held", "holder": own, "topic": {"slug": "two-state-solution"}, "stance": "SUPPORTS",
        "statement": {"slug": "said-again"}, "citations": citations,
    });
    enter(editor, "Position", held).await;
    id
}

#[tokio::test]
async fn two_actors_that_are_one_are_merged_and_what_was_merged_is_exactly_undone() {
    let editor = editor().await;
    let old = kazakhstan_again(&editor).await;
    let before = everything(&editor).await;
    let payload = merge(&editor, "kazakhstan", "qazaqstan").await;
    assert_eq!((errors(&payload), &payload["actor"]["slug"]), (wrong(ACCEPTED), &json!("kazakhstan")));
    let actor = "{ actor(by: {slug: \"kazakhstan\"}) {
        revision
        names { name kind } identifiers { value }
        statements { edges { node { slug } } } statementsOnBehalf { edges { node { slug } } }
        meetings(filter: {slug: {in: [\"both-there\", \"alone-there\"]}}) { edges { role node { slug } } }
        relations(filter: {slug: {in: [\"one-way\", \"other-way\"]}}) { edges { node { slug } } }
        positions(filter: {slug: {equals: \"held\"}}) { totalCount }
        sourcesPublished { edges { node { slug authors { edges { node { slug } } } } } }
        commentariesAuthored { edges { node { slug } } }
        citations(filter: {locator: {in: [\"L3\", \"L99\"]}}) { totalCount }
    } }";
    let reported = editor.query(actor).await["actor"].take();
    assert_eq!(reported["revision"], payload["revision"]);
    let slugs = |edge: &str| -> Vec<String> {
        let edges = reported[edge]["edges"].as_array().expect("edges").iter();
        edges.map(|edge| edge["node"]["slug"].as_str().expect("a slug").to_owned()).collect()
    };
    let names = reported["names"].as_array().expect("names");
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.contains(&json!({"name": "Qazaqstan", "kind": "ALIAS"})), "{names:?}");
    let identifiers = reported["identifiers"].as_array().expect("identifiers");
    assert!(identifiers.contains(&json!({"value": "QZ"})), "{identifiers:?}");
    assert!(slugs("statements").contains(&"said-again".to_owned()));
    assert!(slugs("statementsOnBehalf").contains(&"heard-twice".to_owned()));
    assert_eq!(
        reported["meetings"]["edges"],
        json!([{"role": "HOST", "node": {"slug": "both-there"}}, {"role": "GUEST", "node": {"slug": "alone-there"}}])
    );
    assert_eq!(slugs("relations"), ["one-way", "other-way"]);
    assert_eq!(reported["positions"]["totalCount"], 1);
    assert_eq!(
        reported["sourcesPublished"]["edges"][0]["node"]["authors"]["edges"],
        json!([{"node": {"slug": "israel"}}, {"node": {"slug": "kazakhstan"}}])
    );
    assert_eq!(slugs("commentariesAuthored"), ["judged"]);
    assert_eq!(reported["citations"]["totalCount"], 2);

    let log = editor.query_with("query($id: ID!) { kept: actor(by: {slug: \"kazakhstan\"}) { ...Merges } gone: node(id: $id) { id }
        revisions(filter: {operation: {equals: MERGE}}) { edges { node { part record { slug } diff { field } } } } }
        fragment Merges on Actor { revisions(filter: {operation: {equals: MERGE}}) { totalCount } }", json!({"id": old}))
        .await;
    assert_eq!(log["kept"]["revisions"]["totalCount"], 1);
    let merges = log["revisions"]["edges"].as_array().expect("edges");
    assert_eq!(merges.len(), 2, "both actors have the revision of the merge: {merges:?}");
    assert!(
        merges
            .iter()
            .all(|edge| edge["node"]["part"] == "actors" && edge["node"]["record"]["slug"] == "kazakhstan")
    );

    let payload = unmerge(&editor, "qazaqstan").await;
    assert_eq!(
        (errors(&payload), &payload["actor"]),
        (wrong(ACCEPTED), &json!({"id": old, "slug": "qazaqstan"}))
    );
    same(&everything(&editor).await, &before);
    // A revert can be reverted, and that again.
    let redone = revert(&editor, &payload["revision"]).await;
    assert_eq!(errors(&redone), wrong(ACCEPTED));
    let found = editor.query("{ actor(by: {slug: \"qazaqstan\"}) { slug } }").await;
    assert_eq!(found["actor"]["slug"], "kazakhstan");
    assert_eq!(errors(&unmerge(&editor, "qazaqstan").await), wrong(ACCEPTED));
    same(&everything(&editor).await, &before);
}

#[tokio::test]
async fn references_from_undeclared_tables_are_redirected_too() {
    let editor = editor().await;
    sqlx::raw_sql(
        "create table gifts (
             id bigint generated always as identity primary key,
             giver_id bigint not null references actors, taker_id bigint not null references actors,
             day date not null, unique (giver_id, day)
         );
         call keep_history('gifts', 'actor_id', 'giver_id', 'id', false);",
    )
    .execute(editor.pool())
    .await
    .expect("made");
    kazakhstan_again(&editor).await;
    sqlx::raw_sql(
        "begin;
         set local dossier.requester = 'test';
         insert into gifts (giver_id, taker_id, day)
         select giver.id, taker.id, day::date from actors giver, actors taker, unnest(array['2026-01-01', '2026-01-02']) day
         where giver.slug = 'qazaqstan' and taker.slug = 'qazaqstan'
            or giver.slug = 'kazakhstan' and taker.slug = 'israel' and day = '2026-01-01';
         commit;",
    )
    .execute(editor.pool())
    .await
    .expect("given");
    let before = everything(&editor).await;
    assert_eq!(before["gifts"].len(), 3);
    assert_eq!(errors(&merge(&editor, "kazakhstan", "qazaqstan").await), wrong(ACCEPTED));
    let gifts: Vec<(String, String, String)> = sqlx::query_as(
        "select giver.slug::text, taker.slug::text, day::text from gifts
         join actors giver on giver.id = giver_id join actors taker on taker.id = taker_id order by day",
    )
    .fetch_all(editor.pool())
    .await
    .expect("gifts");
    let gift = |taker: &str, day: &str| ("kazakhstan".to_owned(), taker.to_owned(), day.to_owned());
    assert_eq!(gifts, [gift("israel", "2026-01-01"), gift("kazakhstan", "2026-01-02")]);
    assert_eq!(errors(&unmerge(&editor, "qazaqstan").await), wrong(ACCEPTED));
    same(&everything(&editor).await, &before);
}

#[tokio::test]
async fn old_ids_and_slugs_find_the_remaining_actor() {
    let editor = editor().await;
    let first = enter_actor(&editor, "first", "GROUP").await;
    let second = enter_actor(&editor, "second", "GROUP").await;
    let third = enter_actor(&editor, "third", "GROUP").await;
    let identifiers =
        json!({"actor": {"slug": "first"}, "identifiers": [{"scheme": "register", "value": "1"}]});
    change(&editor, "updateActor", identifiers, "actor { id }").await;
    let before = everything(&editor).await;
    assert_eq!(errors(&merge(&editor, "second", "first").await), wrong(ACCEPTED));
    let between = everything(&editor).await;
    assert_eq!(errors(&merge(&editor, "third", "second").await), wrong(ACCEPTED));

    let found = editor
        .query_with(
            "query($first: ID!, $second: ID!, $third: ID!) {
                id: actor(by: {id: $first}) { ...Actor }
                slug: actor(by: {slug: \"first\"}) { ...Actor }
                identifier: actor(by: {identifier: {scheme: \"register\", value: \"1\"}}) { ...Actor }
                node(id: $first) { ...Actor }
                nodes(ids: [$second, $third, $first, \"QWN0b3I6OTk5OTk5\"]) { ...Actor }
                equals: actors(filter: {id: {equals: $first}}) { edges { node { ...Actor } } }
                in: actors(filter: {id: {in: [$first, $second]}}) { edges { node { ...Actor } } }
                path(from: {slug: \"first\"}, to: {slug: \"second\"}) { __typename }
            } fragment Actor on Actor { id slug }",
            json!({"first": first, "second": second, "third": third}),
        )
        .await;
    let kept = json!({"id": third, "slug": "third"});
    for name in ["id", "slug", "identifier", "node"] {
        assert_eq!(found[name], kept, "{name}");
    }
    assert_eq!(found["nodes"], json!([kept, kept, kept, null]));
    for name in ["equals", "in"] {
        assert_eq!(found[name]["edges"], json!([{"node": kept}]), "{name}");
    }
    let mut said = statement("said-by-the-first");
    said["speaker"] = json!({"slug": "first"});
    said["addressees"] = json!([{"id": second}]);
    let payload = change(
        &editor,
        "createStatement",
        said,
        "statement { id speaker { slug } addressees { edges { node { slug } } } }",
    )
    .await;
    assert_eq!(payload["statement"]["speaker"]["slug"], "third");
    assert_eq!(payload["statement"]["addressees"]["edges"][0]["node"]["slug"], "third");
    change(&editor, "deleteStatement", json!({"statement": {"slug": "said-by-the-first"}}), "deletedId")
        .await;
    let renamed = change(
        &editor,
        "updateActor",
        json!({"actor": {"slug": "first"}, "name": "All three"}),
        "actor { slug }",
    )
    .await;
    assert_eq!(renamed["actor"]["slug"], "third");

    let taken = json!({"slug": "first", "kind": "GROUP", "name": "Another"});
    assert_eq!(
        errors(&change(&editor, "createActor", taken, "actor { id }").await),
        wrong([("TAKEN", "input.slug")])
    );
    let taken = json!({"actor": {"slug": "israel"}, "slug": "second"});
    assert_eq!(
        errors(&change(&editor, "updateActor", taken, "actor { id }").await),
        wrong([("TAKEN", "input.slug")])
    );
    let own = json!({"actor": {"slug": "third"}, "slug": "first"});
    assert_eq!(
        errors(&change(&editor, "updateActor", own, "actor { id }").await),
        wrong(ACCEPTED),
        "it leads there anyway"
    );
    assert_eq!(errors(&unmerge(&editor, "first").await), wrong([("CONFLICT", "input.merge")]));
    let back = json!({"actor": {"id": third}, "slug": "third", "name": "third"});
    change(&editor, "updateActor", back, "actor { id }").await;

    // Merges are undone from the last to the first.
    let payload = unmerge(&editor, "first").await;
    assert_eq!(errors(&payload), wrong([("CONFLICT", "input.merge")]));
    assert_eq!(errors(&unmerge(&editor, "second").await), wrong(ACCEPTED));
    same(&everything(&editor).await, &between);
    assert_eq!(errors(&unmerge(&editor, "first").await), wrong(ACCEPTED));
    same(&everything(&editor).await, &before);
    assert_eq!(errors(&unmerge(&editor, "first").await), wrong([("NOT_FOUND", "input.merge")]));
}

#[tokio::test]
async fn actors_that_records_treat_as_different_are_not_merged() {
    let editor = editor().await;
    kazakhstan_again(&editor).await;
    let citations = json!([{"source": {"slug": "musavat-interview-with-yury-bocharov"}, "locator": "L3"}]);
    let tie = json!({"slug": "two-of-them", "subject": {"slug": "qazaqstan"}, "object": {"slug": "kazakhstan"}, "kind": "OTHER", "citations": citations});
    enter(&editor, "Relation", tie).await;
    let mut said = statement("for-the-other");
    said["speaker"] = json!({"slug": "kazakhstan"});
    said["onBehalfOf"] = json!({"slug": "qazaqstan"});
    enter(&editor, "Statement", said).await;
    let before = everything(&editor).await;
    let payload = merge(&editor, "kazakhstan", "qazaqstan").await;
    assert_eq!(errors(&payload), wrong([("INVALID", "input.merge")]));
    let reported = payload["userErrors"].to_string();
    assert!(
        reported.contains("two-of-them") && reported.contains("for-the-other"),
        "both at once: {reported}"
    );
    // A place can't be a speaker, nor can what is merged into one.
    let payload = merge(&editor, "washington", "qazaqstan").await;
    assert_eq!(errors(&payload), wrong([("INVALID", "input.merge")]));
    let itself = merge(&editor, "kazakhstan", "kazakhstan").await;
    assert_eq!(errors(&itself), wrong([("INVALID", "input.merge")]));
    let nobody = merge(&editor, "nobody", "no-one").await;
    assert_eq!(errors(&nobody), wrong([("NOT_FOUND", "input.keep"), ("NOT_FOUND", "input.merge")]));
    let stale = json!({"keep": {"slug": "israel"}, "merge": {"slug": "qazaqstan"}, "expectedRevision": 1});
    let payload = change(&editor, "mergeActors", stale, "actor { id }").await;
    assert_eq!(errors(&payload), wrong([("CONFLICT", "input.expectedRevision")]));
    same(&everything(&editor).await, &before);
}

#[tokio::test]
async fn what_was_changed_elsewhere_outlives_an_unmerge_and_what_the_merge_changed_keeps_it_from_happening() {
    let editor = editor().await;
    kazakhstan_again(&editor).await;
    merge(&editor, "kazakhstan", "qazaqstan").await;
    let rename = json!({"actor": {"slug": "kazakhstan"}, "name": "The Republic of Kazakhstan"});
    change(&editor, "updateActor", rename, "actor { id }").await;
    let reword = json!({"statement": {"slug": "said-again"}, "summary": "Said in other words."});
    change(&editor, "updateStatement", reword, "statement { id }").await;
    let mut said = statement("said-since");
    said["speaker"] = json!({"slug": "qazaqstan"});
    enter(&editor, "Statement", said).await;
    assert_eq!(errors(&unmerge(&editor, "qazaqstan").await), wrong(ACCEPTED));
    let reported = editor
        .query(
            "{ actor(by: {slug: \"kazakhstan\"}) { name }
               again: statement(by: {slug: \"said-again\"}) { summary speaker { slug } }
               since: statement(by: {slug: \"said-since\"}) { speaker { slug } } }",
        )
        .await;
    assert_eq!(
        reported,
        json!({
            "actor": {"name": "The Republic of Kazakhstan"},
            "again": {"summary": "Said in other words.", "speaker": {"slug": "qazaqstan"}},
            "since": {"speaker": {"slug": "kazakhstan"}},
        })
    );

    merge(&editor, "kazakhstan", "qazaqstan").await;
    let retold = json!({"statement": {"slug": "said-again"}, "speaker": {"slug": "israel"}});
    let retold = change(&editor, "updateStatement", retold, "statement { id }").await;
    let left = json!({"meeting": {"slug": "alone-there"}});
    let left = change(&editor, "deleteMeeting", left, "deletedId").await;
    let before = everything(&editor).await;
    let payload = unmerge(&editor, "qazaqstan").await;
    assert_eq!(errors(&payload), wrong([("CONFLICT", "input.merge")]));
    let message = payload["userErrors"][0]["message"].as_str().expect("a message");
    assert!(message.contains(&format!("revision {} by editor", retold["revision"])), "{message} {retold}");
    assert!(message.contains(" by editor, revision "), "all of them are named: {message} {left}");
    same(&everything(&editor).await, &before);
}

#[tokio::test]
async fn a_change_is_taken_back_whole_and_the_taking_back_too() {
    let editor = editor().await;
    let empty = everything(&editor).await;
    let mut input = statement("passing");
    input["topics"] = json!([{"slug": "two-state-solution"}]);
    input["addressees"] = json!([{"slug": "israel"}]);
    let entered = change(&editor, "createStatement", input, "statement { id }").await;
    let (id, full) = (entered["statement"]["id"].clone(), everything(&editor).await);
    // Any revision of a change identifies the change.
    let payload = revert(&editor, &entered["revision"]).await;
    assert_eq!(
        (errors(&payload), &payload["records"]),
        (wrong(ACCEPTED), &json!([{"id": id, "record": null}]))
    );
    same(&everything(&editor).await, &empty);
    let again = revert(&editor, &payload["revision"]).await;
    assert_eq!(again["records"], json!([{"id": id, "record": {"id": id, "slug": "passing"}}]));
    same(&everything(&editor).await, &full);

    let removed =
        change(&editor, "deleteStatement", json!({"statement": {"slug": "passing"}}), "deletedId").await;
    assert_eq!(errors(&revert(&editor, &removed["revision"]).await), wrong(ACCEPTED));
    same(&everything(&editor).await, &full);
    let twice = revert(&editor, &removed["revision"]).await;
    assert_eq!(errors(&twice), wrong([("CONFLICT", "input.revision")]));

    let update = json!({"statement": {"slug": "passing"}, "summary": "Other words.", "topics": [],
        "citations": [{"source": {"slug": "musavat-interview-with-yury-bocharov"}, "locator": "L4"}]});
    let updated = change(&editor, "updateStatement", update, "statement { id }").await;
    // A change of another column is no conflict.
    let role = json!({"statement": {"slug": "passing"}, "speakerRole": "President"});
    let role = change(&editor, "updateStatement", role, "statement { id }").await;
    assert_eq!(errors(&revert(&editor, &updated["revision"]).await), wrong(ACCEPTED));
    assert_eq!(errors(&revert(&editor, &role["revision"]).await), wrong(ACCEPTED));
    same(&everything(&editor).await, &full);
    let unknown = revert(&editor, &json!(999_999)).await;
    assert_eq!(errors(&unknown), wrong([("NOT_FOUND", "input.revision")]));
}

#[tokio::test]
async fn later_changes_prevent_a_revert_and_are_named() {
    let editor = editor().await;
    let other = editor.as_role(Role::Admin).await;
    let actor = json!({"slug": "somebody", "kind": "GROUP", "name": "First"});
    let entered = change(&editor, "createActor", actor, "actor { id }").await;
    let rename = |name: &str| json!({"actor": {"slug": "somebody"}, "name": name});
    let second = change(&editor, "updateActor", rename("Second"), "actor { id }").await;
    let third = change(&other, "updateActor", rename("Third"), "actor { id }").await;
    let payload = revert(&editor, &second["revision"]).await;
    assert_eq!(errors(&payload), wrong([("CONFLICT", "input.revision")]));
    assert_eq!((&payload["records"], &payload["revision"]), (&json!([]), &Value::Null));
    let message = payload["userErrors"][0]["message"].clone();
    assert_eq!(message, format!("It was changed again since: revision {} by admin.", third["revision"]));
    for revision in [&third["revision"], &second["revision"]] {
        assert_eq!(errors(&revert(&editor, revision).await), wrong(ACCEPTED));
    }

    // Rows that were added later prevent deleting their record.
    let named = json!({"actor": {"slug": "somebody"}, "names": [{"name": "Alias", "kind": "ALIAS"}]});
    let named = change(&other, "updateActor", named, "actor { id }").await;
    let payload = revert(&editor, &entered["revision"]).await;
    assert_eq!(errors(&payload), wrong([("CONFLICT", "input.revision")]));
    let message = payload["userErrors"][0]["message"].clone();
    assert_eq!(message, format!("It was changed again since: revision {} by admin.", named["revision"]));
    revert(&editor, &named["revision"]).await;

    // So do references of others.
    let mut said = statement("said-by-somebody");
    said["speaker"] = json!({"slug": "somebody"});
    let said = change(&editor, "createStatement", said, "statement { id }").await;
    let payload = revert(&editor, &entered["revision"]).await;
    assert_eq!(errors(&payload), wrong([("IN_USE", "input.revision")]));
    assert!(payload["userErrors"].to_string().contains("said-by-somebody"), "{payload}");
    revert(&editor, &said["revision"]).await;
    assert_eq!(errors(&revert(&editor, &entered["revision"]).await), wrong(ACCEPTED));
    // A unique value that another record has taken prevents the revert.
    let removed = json!({"topic": {"slug": "fleeting"}});
    enter(&editor, "Topic", json!({"slug": "fleeting", "name": "Fleeting"})).await;
    let removed = change(&editor, "deleteTopic", removed, "deletedId").await;
    enter(&editor, "Topic", json!({"slug": "fleeting", "name": "Another"})).await;
    let payload = revert(&editor, &removed["revision"]).await;
    assert_eq!(errors(&payload), wrong([("TAKEN", "input.revision")]));
    // A record can't be restored before the record that it refers to.
    let payload = revert(&editor, &said["revision"]).await;
    assert_eq!(errors(&payload), wrong([("CONFLICT", "input.revision")]));
}

#[tokio::test]
async fn what_came_by_many_at_once_is_taken_back_at_once() {
    let editor = editor().await;
    let before = everything(&editor).await;
    let mut import = editor.pool().begin().await.expect("a transaction");
    sqlx::raw_sql(
        "select set_config('dossier.requester', 'import', true);
         insert into topics (id, slug, name, parent_id) overriding system value values
             (9002, 'below', 'Below', 9001), (9001, 'above', 'Above', null);
         update topics set name = name || ' and more';
         update topics set name = name || ' again' where slug in ('above', 'two-state-solution');
         insert into source_authors (source_id, actor_id, ordinal) select sources.id, actors.id, 1
         from sources, actors where sources.slug = 'musavat-interview-with-yury-bocharov' and actors.slug = 'israel';
         update source_authors set actor_id = (select id from actors where slug = 'kazakhstan');",
    )
    .execute(&mut *import)
    .await
    .expect("imported");
    import.commit().await.expect("committed");
    let last: i64 =
        sqlx::query_scalar("select max(id) from revisions").fetch_one(editor.pool()).await.expect("a number");
    assert_ne!(everything(&editor).await, before);
    assert_eq!(errors(&revert(&editor, &json!(last)).await), wrong(ACCEPTED));
    same(&everything(&editor).await, &before);
}

#[tokio::test]
async fn merges_and_reverts_are_for_editors_and_safe_to_retry() {
    let anonymous = anonymous().await;
    let reader = anonymous.as_role(Role::Reader).await;
    for mutation in [
        "mergeActors(input: {keep: {slug: \"israel\"}, merge: {slug: \"kazakhstan\"}}) { revision }",
        "unmergeActors(input: {merge: {slug: \"kazakhstan\"}}) { revision }",
        "revertRevision(input: {revision: 1}) { revision }",
    ] {
        let mutation = format!("mutation {{ {mutation} }}");
        assert_eq!(anonymous.api_error(&mutation, json!({})).await.0, "UNAUTHENTICATED");
        assert_eq!(reader.api_error(&mutation, json!({})).await.0, "FORBIDDEN");
    }
    let editor = anonymous.as_role(Role::Editor).await;
    enter_actor(&editor, "one", "GROUP").await;
    enter_actor(&editor, "same", "GROUP").await;
    let count = "{ revisions { totalCount } }";
    for (mutation, input, selection) in [
        ("mergeActors", json!({"keep": {"slug": "one"}, "merge": {"slug": "same"}}), "actor { slug }"),
        ("unmergeActors", json!({"merge": {"slug": "same"}}), "actor { slug }"),
    ] {
        let mut input = input;
        input["clientMutationId"] = json!(mutation);
        let first = change(&editor, mutation, input.clone(), selection).await;
        assert_eq!(errors(&first), wrong(ACCEPTED), "{mutation}");
        let then = editor.query(count).await;
        assert_eq!(change(&editor, mutation, input, selection).await, first);
        assert_eq!(editor.query(count).await, then);
        let back = json!({"revision": first["revision"], "clientMutationId": format!("{mutation} back")});
        let selection = "records { id record { slug } }";
        let reverted = change(&editor, "revertRevision", back.clone(), selection).await;
        assert_eq!(errors(&reverted), wrong(ACCEPTED), "{mutation}");
        assert_eq!(change(&editor, "revertRevision", back, selection).await, reverted);
        if mutation == "mergeActors" {
            assert_eq!(errors(&revert(&editor, &reverted["revision"]).await), wrong(ACCEPTED));
        }
    }
}

/// The slugs or texts of the entries of a list that a query gives at this path.
fn at<'a>(data: &'a Value, path: &str) -> Vec<&'a Value> {
    data.pointer(path).and_then(Value::as_array).into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_brings_merges_and_the_order_of_lists_to_every_base() {
    let base = Base::new("merges-out").await;
    let editor = Client::of(&base.database).await.as_role(Role::Editor).await;
    assert_eq!(merge(&editor, "muslim-world", "jewish-world").await["userErrors"], json!([]));
    assert_eq!(merge(&editor, "musavat", "the-national-interest").await["userErrors"], json!([]));
    let query = "{ commentary(by: {slug: \"bocharov-on-the-practical-approach\"}) {
            targets { __typename ... on Record { slug } } } }";
    let data = editor.query(query).await;
    let mut targets: Vec<Value> = at(&data, "/commentary/targets")
        .into_iter()
        .map(|target| {
            let kind = naming::camel_case(target["__typename"].as_str().expect("a type"));
            json!({kind: {"slug": target["slug"]}})
        })
        .collect();
    assert!(targets.len() > 1, "{data}");
    targets.reverse();
    let citation = |locator: &str| json!({"source": {"slug": "musavat-interview-with-yury-bocharov"}, "locator": locator});
    let input = |citations: &[&str]| {
        let citations: Vec<Value> = citations.iter().map(|locator| citation(locator)).collect();
        json!({"commentary": {"slug": "bocharov-on-the-practical-approach"}, "citations": citations, "targets": targets})
    };
    let selection = "commentary { citations { nodes { locator } } }";
    let first = change(&editor, "updateCommentary", input(&["L5", "L3", "L4"]), selection).await;
    let locators = |payload: &Value| -> Vec<Value> {
        at(payload, "/commentary/citations/nodes").into_iter().map(|node| node["locator"].clone()).collect()
    };
    assert_eq!(locators(&first), ["L5", "L3", "L4"], "{first}");
    let same = change(&editor, "updateCommentary", input(&["L5", "L3", "L4"]), selection).await;
    assert_eq!(same["revision"], first["revision"], "nothing changes");
    let reordered = change(&editor, "updateCommentary", input(&["L4", "L5", "L9", "L3"]), selection).await;
    assert_eq!(locators(&reordered), ["L4", "L5", "L9", "L3"], "{reordered}");
    assert_eq!(revert(&editor, &reordered["revision"]).await["userErrors"], json!([]));
    let names = ["Second", "First", "Third"].map(|name| json!({"name": name, "kind": "ALIAS"}));
    let first_order = json!({"actor": {"slug": "kazakhstan"}, "names": names});
    change(&editor, "updateActor", first_order, "actor { slug }").await;
    let turned = json!({"actor": {"slug": "kazakhstan"}, "names": [names[2], names[0], names[1]]});
    let turned = change(&editor, "updateActor", turned, "actor { names { name } }").await;
    let found: Vec<&Value> = at(&turned, "/actor/names").into_iter().map(|name| &name["name"]).collect();
    assert_eq!(found, ["Third", "Second", "First"]);

    let exported = base.export(&[]);
    let again = base.import(&base.file("again.jsonl", &exported));
    assert!(again.contains("nothing was written"), "{again}");
    for (other, merged) in [(Base::new("merges-in").await, 2), (Base::empty("merges-empty").await, 0)] {
        let file = other.file("exported.jsonl", &exported);
        let import = |options: &[&str]| {
            let ended = other.import_with(&file, options);
            assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
            String::from_utf8(ended.stdout).expect("text")
        };
        let asked = import(&["--dry-run"]);
        assert_eq!(
            asked.contains("the actor is there itself; --merge merges two that are there"),
            merged > 0,
            "{asked}"
        );
        assert!(!asked.contains("merged "), "nobody is merged without a question: {asked}");
        let summary = import(&["--merge"]);
        if merged > 0 {
            assert!(summary.contains(&format!(", merged {merged}")), "{summary}");
        } else {
            assert!(!summary.contains(", merged"), "{summary}");
        }
        assert_eq!(other.export(&[]), exported);
        let again = other.import(&other.file("again.jsonl", &exported));
        assert!(again.contains("nothing was written"), "{again}");
        let there = Client::of(&other.database).await.as_role(Role::Editor).await;
        let old = "{ actor(by: {slug: \"jewish-world\"}) { slug mergedActors { slug } } }";
        let kept = json!({"slug": "muslim-world", "mergedActors": [{"slug": "jewish-world"}]});
        assert_eq!(there.query(old).await["actor"], kept);
        let refused = unmerge(&there, "jewish-world").await;
        assert_eq!(
            errors(&refused),
            wrong([("CONFLICT", "input.merge")]),
            "an import is not undone by accident"
        );
    }
    // What can't be merged is left out and counted.
    let third = Base::new("merges-left-out").await;
    let told =
        |slug: &str, merged: &str| json!({"type": "Actor", "slug": slug, "mergedActors": [{"slug": merged}]});
    let own = with(told("new-one", "israel"), json!({"kind": "COUNTRY", "name": "New one"}));
    for (record, left_out) in [
        (
            told("kassym-jomart-tokayev", "kazakhstan"),
            "the two actors can't be merged here, as a record treats them as different",
        ),
        (own, "the actor is there itself; --merge merges two that are there"),
    ] {
        let before = third.export(&[]).lines().filter(|line| !line.contains("new-one")).count();
        let ended = third.import_with(&third.file("left-out.jsonl", record.to_string()), &["--merge"]);
        let summary = String::from_utf8(ended.stdout).expect("text");
        assert!(summary.contains(&format!("Actor.mergedActors: left out: {left_out}: 1")), "{summary}");
        assert_eq!(third.export(&[]).lines().filter(|line| !line.contains("new-one")).count(), before);
    }
}
