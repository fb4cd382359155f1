//! After any change, a server with a cache gives the same response to every query as a server without one.
//! `EXACTNESS_ROUNDS=1000 EXACTNESS_SEED=2` tests longer.

use std::{
    collections::BTreeSet,
    fs,
    time::{Duration, Instant},
};

use dossier::{
    auth::caller::Role,
    engine::catalog,
    model::object_type::{FacetBy, FieldKind, Join, Predicate, SortKey},
};
use fastrand::Rng;
use serde_json::{Value, json};

use crate::{
    everything::Schema,
    golden::golden_queries,
    mutations::{change, statement},
    support::Client,
};

pub const LIMITS: [(&str, &str); 4] =
    [("MAX_TOKENS", "100000"), ("MAX_DEPTH", "50"), ("MAX_COST", "10000000"), ("MAX_BODY_BYTES", "1000000")];
pub const KEEPING: [(&str, &str); 5] =
    [LIMITS[0], LIMITS[1], LIMITS[2], LIMITS[3], ("CACHE_BYTES", "100000000")];
/// Records in queries and changes; some are created and deleted by the changes.
const ACTORS: [&str; 7] =
    ["kassym-jomart-tokayev", "kazakhstan", "israel", "yury-bocharov", "somebody", "anybody", "nobody"];
const MEETINGS: [&str; 2] = ["board-of-peace-first-summit", "gathering"];
const STATEMENTS: [&str; 4] = ["trump-gratitude", "said-one", "said-other", "said-last"];
const TOPICS: [&str; 3] = ["two-state-solution", "this-topic", "that-topic"];

/// Queries of one run, chosen among many more: each is sent repeatedly.
const QUERIES: usize = 200;

/// A server with a cache, one without, and the queries that both get.
pub struct Pair {
    cached: Client,
    uncached: Client,
    queries: Vec<(String, Value)>,
}

/// The statements of one speaker, which depend on no statement of another.
const SAID_BY: &str = "query($id: ID!) { statements(first: 3, filter: {speaker: {id: {equals: $id}}}) {
    totalCount edges { node { slug summary speaker { name } } } } }";

impl Pair {
    async fn new(rng: &mut Rng) -> Self {
        let cached = Client::with(&KEEPING).await;
        let uncached = cached.at_another_server(&LIMITS).await;
        Self::of(cached, uncached, rng).await
    }

    pub async fn of(cached: Client, uncached: Client, rng: &mut Rng) -> Self {
        let schema = Schema::of(&uncached).await;
        let mut queries = golden();
        queries.extend(of_records(&schema).map(|query| (query, Value::Null)));
        queries.extend(of_lists(&schema).map(|query| (query, Value::Null)));
        rng.shuffle(&mut queries);
        queries.truncate(QUERIES);
        for slug in ACTORS {
            let actor = uncached.query(&format!("{{ actor(by: {{slug: \"{slug}\"}}) {{ id }} }}")).await;
            queries.push((SAID_BY.to_owned(), json!({"id": actor["actor"]["id"]})));
        }
        Pair { cached, uncached, queries }
    }

    pub fn some(&self, rng: &mut Rng) -> &(String, Value) {
        &self.queries[rng.usize(..self.queries.len())]
    }

    /// Sends some queries to both, and compares the responses.
    async fn compare_some(&self, rng: &mut Rng, number: usize) {
        for _ in 0..number {
            let (query, variables) = self.some(rng);
            let from_cache = self.cached.response(query, variables.clone()).await;
            let uncached = self.uncached.response(query, variables.clone()).await;
            let text = |response: &Value| {
                let mut response = response.clone();
                // Each request has its own id.
                for error in response["errors"].as_array_mut().into_iter().flatten() {
                    error["extensions"]["requestId"].take();
                }
                response.to_string()
            };
            assert_eq!(text(&from_cache), text(&uncached), "{query}");
        }
    }

    async fn metric(&self, name: &str) -> f64 {
        let metrics = self.cached.get("/metrics").await.text().await.expect("text");
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} is not in {metrics}"))
    }
}

/// The golden queries without those that differ per client.
fn golden() -> Vec<(String, Value)> {
    let golden = golden_queries().into_iter().map(|path| {
        let variables = fs::read_to_string(path.with_extension("variables.json"));
        let variables = variables.map_or(Value::Null, |text| serde_json::from_str(&text).expect("variables"));
        (fs::read_to_string(path).expect("a query"), variables)
    });
    golden.collect()
}

/// Every field of some records, one per query.
fn of_records(schema: &Schema) -> impl Iterator<Item = String> {
    let records = [
        ("actor", "Actor", &ACTORS[..]),
        ("meeting", "Meeting", &MEETINGS),
        ("statement", "Statement", &STATEMENTS),
        ("topic", "Topic", &TOPICS),
        ("source", "Source", &["musavat-interview-with-yury-bocharov"]),
    ];
    records.into_iter().flat_map(move |(one, object_type, slugs)| {
        let fields = schema.parts(object_type, "fields");
        let queries = fields.iter().flat_map(|field| {
            let pages: &[&str] =
                if field.ty.ends_with("Connection") { &["(first: 2)", "(first: 50)"] } else { &[""] };
            let selection = schema.selection(field.ty, 1);
            let field = field.name;
            slugs.iter().flat_map(move |slug| {
                let selection = selection.clone();
                pages.iter().map(move |page| {
                    format!("{{ {one}(by: {{slug: \"{slug}\"}}) {{ {field}{page} {selection} }} }}")
                })
            })
        });
        queries.collect::<Vec<_>>()
    })
}

/// Every root list, with some orders and filters.
fn of_lists(schema: &Schema) -> impl Iterator<Item = String> {
    let mut rng = Rng::with_seed(3);
    let mut queries = Vec::new();
    for (list, object_type, arguments) in schema.lists() {
        let selection = schema.selection(&object_type, 1);
        let ty = |name: &str| arguments.iter().find(|argument| argument.name == name);
        for order in schema.values(ty("orderBy").expect("an order").ty) {
            if order != "RELEVANCE" {
                queries.push(format!(
                    "{{ {list}(first: 3, orderBy: {order}) {{ totalCount edges {{ node {selection} }} }} }}"
                ));
            }
        }
        let filters = ty("filter").map(|filter| schema.literals(filter, 1)).unwrap_or_default();
        for _ in 0..filters.len().min(6) {
            let filter = &filters[rng.usize(..filters.len())];
            queries.push(format!(
                "{{ {list}(first: 3, filter: {filter}) {{ totalCount edges {{ node {{ id }} }} }} }}"
            ));
        }
    }
    queries.into_iter()
}

/// Makes a random change, which may be refused: names, statements, addressees, participants, merges.
pub async fn change_something(editor: &Client, rng: &mut Rng, round: u64) {
    let one = |of: &[&'static str], rng: &mut Rng| of[rng.usize(..of.len())];
    let by = |slug: &str| json!({ "slug": slug });
    let some = |of: &[&'static str], rng: &mut Rng| -> Vec<Value> {
        let chosen: BTreeSet<&str> = (0..rng.usize(..4)).map(|_| of[rng.usize(..of.len())]).collect();
        chosen.into_iter().map(by).collect()
    };
    let text = format!("changed {round}");
    let cited = json!([{"source": by("musavat-interview-with-yury-bocharov"), "locator": "L1"}]);
    let (actor, topic) = (one(&ACTORS, rng), one(&TOPICS, rng));
    // A change may be refused: the slug is taken, or a referenced record is gone.
    let (mutation, input) = match rng.usize(..21) {
        0 => ("updateActor", json!({"actor": by(actor), "name": text})),
        1 => ("updateActor", json!({"actor": by(actor), "names": [{"name": text, "kind": "ALIAS"}]})),
        2 => ("createActor", json!({"slug": one(&ACTORS[4..], rng), "kind": "PERSON", "name": text})),
        3 => ("deleteActor", json!({"actor": by(one(&ACTORS[4..], rng))})),
        4 => ("mergeActors", json!({"keep": by(actor), "merge": by(one(&ACTORS[4..], rng))})),
        5 => ("unmergeActors", json!({"merge": by(one(&ACTORS[4..], rng))})),
        6 => ("createTopic", json!({"slug": one(&TOPICS[1..], rng), "name": text, "parent": by(TOPICS[0])})),
        7 => ("updateTopic", json!({"topic": by(topic), "name": text})),
        8 => {
            let participants: Vec<Value> = some(&ACTORS, rng)
                .into_iter()
                .map(|actor| json!({"actor": actor, "role": if round.is_multiple_of(2) { "GUEST" } else { "HOST" }}))
                .collect();
            ("updateMeeting", json!({"meeting": by(one(&MEETINGS, rng)), "participants": participants}))
        }
        9 => (
            "createMeeting",
            json!({"slug": MEETINGS[1], "name": text, "mode": "VISIT", "status": "OCCURRED", "parent": by(MEETINGS[0])}),
        ),
        10 => {
            let mut input = statement(one(&STATEMENTS[1..], rng));
            input["speaker"] = by(actor);
            input["meeting"] = by(one(&MEETINGS, rng));
            ("createStatement", input)
        }
        11 => ("deleteStatement", json!({"statement": by(one(&STATEMENTS[1..], rng))})),
        12 => (
            "updateStatement",
            json!({"statement": by(one(&STATEMENTS, rng)), "topics": some(&TOPICS, rng), "addressees": some(&ACTORS, rng)}),
        ),
        13 => (
            "updateStatement",
            json!({"statement": by(one(&STATEMENTS, rng)), "speaker": by(actor), "summary": text, "saidOn": "2026-04"}),
        ),
        14 => ("updateActor", json!({"actor": by(one(&ACTORS[4..], rng)), "slug": one(&ACTORS[4..], rng)})),
        15 => (
            "createEvent",
            json!({
                "slug": "event", "summary": text, "eventType": "AID", "actors": some(&ACTORS, rng),
                "targets": some(&ACTORS, rng), "citations": cited,
            }),
        ),
        16 => (
            "updateStatement",
            json!({"statement": by(one(&STATEMENTS, rng)), "events": [{"event": by("event"), "kind": "DENIES"}]}),
        ),
        17 => (
            "createMotion",
            json!({"slug": "motion", "name": text, "topics": some(&TOPICS, rng), "citations": cited}),
        ),
        18 => (
            "createDivision",
            json!({"slug": "division", "motion": by("motion"), "name": text, "heldOn": "2026", "citations": cited}),
        ),
        19 => (
            "createVote",
            json!({"slug": actor, "division": by("division"), "actor": by(actor), "choice": "FOR"}),
        ),
        _ => {
            let last: i64 = sqlx::query_scalar("select max(id) from revisions")
                .fetch_one(editor.pool())
                .await
                .expect("a number");
            ("revertRevision", json!({"revision": last - rng.i64(..20)}))
        }
    };
    change(editor, mutation, input, "").await;
}

/// A number from the environment, for longer runs.
pub fn given(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |number| number.parse().expect("a number"))
}

#[tokio::test]
async fn after_any_change_a_cached_response_equals_an_uncached_one() {
    let mut rng = Rng::with_seed(given("EXACTNESS_SEED", 1));
    let pair = Pair::new(&mut rng).await;
    let editor = pair.cached.as_role(Role::Editor).await;
    for round in 0..given("EXACTNESS_ROUNDS", 80) {
        change_something(&editor, &mut rng, round).await;
        pair.compare_some(&mut rng, 12).await;
    }
    let (hits, misses) =
        (pair.metric("dossier_cache_hits_total").await, pair.metric("dossier_cache_misses_total").await);
    println!("{hits} hits, {misses} misses");
    assert!(hits * 4.0 > misses, "something came from the cache: {hits} hits, {misses} misses");
}

#[tokio::test]
async fn a_change_at_another_server_is_soon_in_every_response() {
    let mut rng = Rng::with_seed(given("EXACTNESS_SEED", 1));
    let pair = Pair::new(&mut rng).await;
    let editor = pair.uncached.as_role(Role::Editor).await;
    for round in 0..given("EXACTNESS_ROUNDS", 30) {
        change_something(&editor, &mut rng, round).await;
        let last: f64 = sqlx::query_scalar("select max(id)::float8 from revisions")
            .fetch_one(editor.pool())
            .await
            .expect("a number");
        let since = Instant::now();
        while pair.metric("dossier_revision").await < last {
            assert!(since.elapsed() < Duration::from_secs(20), "it has not heard of {last}");
        }
        pair.compare_some(&mut rng, 12).await;
    }
    assert!(pair.metric("dossier_cache_hits_total").await > 10.0);
}

/// Changes that add something where nothing was, or nothing that the response had.
#[tokio::test]
async fn a_new_record_is_in_the_responses_that_lacked_it() {
    let pair = Pair::new(&mut Rng::with_seed(1)).await;
    let editor = pair.cached.as_role(Role::Editor).await;
    let by = |slug: &str| json!({ "slug": slug });
    let accept = async |mutation: &str, input: Value| {
        let payload = change(&editor, mutation, input, "").await;
        assert_eq!(payload["userErrors"], json!([]), "{mutation}");
        payload["revision"].as_i64().expect("a number")
    };
    let mut last = 0;
    let mut ids = Vec::new();
    for slug in ["first", "second", "third", "fourth"] {
        last = accept("createActor", json!({"slug": slug, "kind": "PERSON", "name": slug})).await;
        let actor = format!("{{ actor(by: {{slug: \"{slug}\"}}) {{ id }} }}");
        ids.push(editor.query(&actor).await["actor"]["id"].as_str().expect("an id").to_owned());
    }
    let participants: Vec<Value> =
        ["first", "second", "third", "fourth"].map(|slug| json!({"actor": by(slug), "role": "GUEST"})).into();
    let meeting = json!({"slug": "met", "name": "Met", "mode": "VISIT", "status": "OCCURRED", "participants": participants});
    last = last.max(accept("createMeeting", meeting).await);
    let participants = |page: &str| {
        format!(
            "{{ meeting(by: {{slug: \"met\"}}) {{ participants({page}) {{ edges {{ node {{ slug name }} }} }} }} }}"
        )
    };
    let merge = json!({"keep": by("first"), "merge": by("second")});
    let relation = json!({
        "slug": "tied", "kind": "OTHER", "subject": by("israel"), "object": by("first"), "label": "tied",
        "citations": [{"source": by("musavat-interview-with-yury-bocharov"), "locator": "L1"}],
    });
    let relations = |slug: &str| {
        format!("{{ actor(by: {{slug: \"{slug}\"}}) {{ relations(first: 5) {{ totalCount }} }} }}")
    };
    let cases = [
        (
            "a name beyond the page comes to stand on it",
            participants("first: 1, orderBy: NAME_ASC"),
            "updateActor",
            json!({"actor": by("third"), "name": "a third"}),
        ),
        (
            "a record is entered under a slug that was free",
            "{ actor(by: {slug: \"free\"}) { name } }".to_owned(),
            "createActor",
            json!({"slug": "free", "kind": "PERSON", "name": "free"}),
        ),
        (
            "a revision has the next number",
            format!("{{ revision(by: {{number: {}}}) {{ part }} }}", last + 3),
            "updateActor",
            json!({"actor": by("fourth"), "name": "renamed"}),
        ),
        ("a tie leads to an actor", relations("first"), "createRelation", relation),
        (
            "an actor that is another now",
            format!("{{ node(id: \"{}\") {{ ... on Actor {{ slug name }} }} }}", ids[1]),
            "mergeActors",
            merge,
        ),
        (
            "a slug leads back to its own actor",
            "{ actor(by: {slug: \"second\"}) { name } }".to_owned(),
            "unmergeActors",
            json!({"merge": by("second")}),
        ),
        (
            "an id in a filter means another",
            format!(
                "{{ actors(filter: {{id: {{equals: \"{}\"}}}}) {{ edges {{ node {{ slug }} }} }} }}",
                ids[2]
            ),
            "mergeActors",
            json!({"keep": by("first"), "merge": by("third")}),
        ),
    ];
    for (what, query, mutation, input) in cases {
        let before = pair.cached.response(&query, Value::Null).await;
        assert_eq!(before, pair.cached.response(&query, Value::Null).await, "{what}");
        accept(mutation, input).await;
        let after = pair.uncached.response(&query, Value::Null).await;
        assert_ne!(before, after, "{what}");
        assert_eq!(pair.cached.response(&query, Value::Null).await, after, "{what}");
    }
}

/// Responses depend on rows of these tables by these columns: the history records when one changes.
#[tokio::test]
async fn every_dependency_of_a_response_has_a_history_by_that_column() {
    let client = Client::with(&[]).await;
    let reported = "select part || '.' || name from history_columns where name = 'id' or name like '%\\_id'
                union select 'revisions.' || column_name from information_schema.columns
                where table_name = 'revisions' and column_name like '%\\_id'
                -- What a revision changed is as it was ever after.
                union select 'revision_changes.revision_id'";
    let reported: BTreeSet<String> =
        sqlx::query_scalar(reported).fetch_all(client.pool()).await.expect("columns").into_iter().collect();
    let catalog = catalog::catalog();
    let mut dependencies = BTreeSet::new();
    for object_type in &catalog.object_types {
        dependencies.extend(object_type.history.map(|column| format!("revisions.{column}")));
        dependencies.extend(object_type.merged.map(|table| format!("{table}.id")));
        for field in &object_type.fields {
            match &field.kind {
                FieldKind::OwnedList(values) => {
                    dependencies.extend([format!("{}.{}", values.table, values.owner)]);
                }
                FieldKind::ToMany(many) => {
                    let table = catalog.named(many.to).table;
                    match many.via {
                        Join::All => {}
                        Join::Column(column) => dependencies.extend([format!("{table}.{column}")]),
                        Join::Either(one, other) => {
                            dependencies.extend([one, other].map(|column| format!("{table}.{column}")));
                        }
                        Join::Link(between, from, _) => dependencies.extend([format!("{between}.{from}")]),
                    }
                }
                _ => {}
            }
        }
        let conditions = object_type.conditions.iter().filter_map(|condition| match &condition.test {
            Predicate::Value { sql, .. } => Some(sql.template()),
            Predicate::During { sql, .. } => Some(sql.to_string()),
            Predicate::Instant { sql } => Some((*sql).to_owned()),
            _ => None,
        });
        let orders = object_type.orders.iter().filter_map(|order| match &order.by {
            SortKey::Key(sql, _) => Some(sql.to_string()),
            _ => None,
        });
        let facets = object_type.facets.iter().filter_map(|facet| match &facet.by {
            FacetBy::Value { sql, .. } => Some(sql.template()),
            _ => None,
        });
        for sql in conditions.chain(orders).chain(facets) {
            assert!(!sql.contains("select"), "{}: `{sql}` reads more than its own row", object_type.name);
        }
    }
    assert!(dependencies.len() > 30, "{dependencies:?}");
    let unknown: Vec<&String> = dependencies.difference(&reported).collect();
    assert!(unknown.is_empty(), "no revision records when these change: {unknown:?}");
}
