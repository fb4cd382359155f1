//! The five queries, as each server gets them.

use dossier::model::pagination::global_id;
use fastrand::Rng;
use serde_json::{Value, json};
use sqlx::PgPool;

/// How many different values each query is sent with.
pub const VARIANTS: usize = 500;

pub struct Query {
    pub name: &'static str,
    pub what: &'static str,
    /// In Dossier's schema, which the hand-written limit serves too.
    pub dossier: &'static str,
    pub postgraphile: &'static str,
    /// In the schema that is written by hand for the other peers.
    pub by_hand: &'static str,
}

pub const QUERIES: [Query; 5] = [
    Query {
        name: "Q1",
        what: "an actor by id, five fields",
        dossier: "query($id: ID!) { actor(by: {id: $id}) { __typename id slug kind name } }",
        postgraphile: "query($id: BigInt!) { actorById(id: $id) { __typename slug kind name } }",
        by_hand: "query($id: Int!) { actor(id: $id) { __typename slug kind name } }",
    },
    Query {
        name: "Q2",
        what: "20 meetings, the actors of their first 10 participants",
        dossier: "query($after: Cursor) { meetings(first: 20, after: $after, orderBy: ENTERED_ASC) { edges { node { name \
               participants(first: 10, orderBy: ENTERED_ASC) { edges { node { name kind } } } } } } }",
        postgraphile: "query($after: Cursor) { allMeetings(first: 20, after: $after, orderBy: PRIMARY_KEY_ASC) { nodes { name \
               meetingParticipantsByMeetingId(first: 10, orderBy: PRIMARY_KEY_ASC) { nodes { actorByActorId { name kind } } } } } }",
        by_hand: "query($after: Int) { meetings(first: 20, after: $after) { name participants(first: 10) { name kind } } }",
    },
    Query {
        name: "Q3",
        what: "20 meetings, their first 10 statements by date, speakers and topics",
        dossier: "query($after: Cursor) { meetings(first: 20, after: $after, orderBy: ENTERED_ASC) { edges { node { name \
               statements(first: 10, orderBy: DATE_ASC) { edges { node { summary saidOn speaker { name } \
               topics(first: 3, orderBy: ENTERED_ASC) { edges { node { name } } } } } } } } } }",
        postgraphile: "query($after: Cursor) { allMeetings(first: 20, after: $after, orderBy: PRIMARY_KEY_ASC) { nodes { name \
               statementsByMeetingId(first: 10, orderBy: [SAID_FROM_ASC, ID_ASC]) { nodes { summary saidOn actorBySpeakerId { name } \
               statementTopicsByStatementId(first: 3, orderBy: PRIMARY_KEY_ASC) { nodes { topicByTopicId { name } } } } } } } }",
        by_hand: "query($after: Int) { meetings(first: 20, after: $after) { name statements(first: 10) { summary saidOn \
               speaker { name } topics(first: 3) { name } } } }",
    },
    Query {
        name: "Q4",
        what: "50 statements of a speaker by date, with cursors and the speaker",
        dossier: "query($id: ID!) { statements(first: 50, filter: {speaker: {id: {equals: $id}}}, orderBy: DATE_ASC) { \
               pageInfo { hasNextPage } edges { cursor node { summary saidOn speaker { name } } } } }",
        postgraphile: "query($id: BigInt!) { allStatements(first: 50, condition: {speakerId: $id}, orderBy: [SAID_FROM_ASC, ID_ASC]) { \
               pageInfo { hasNextPage } edges { cursor node { summary saidOn actorBySpeakerId { name } } } } }",
        by_hand: "query($id: Int!) { statementsOf(speaker: $id, first: 50) { hasNextPage \
               edges { cursor node { summary saidOn speaker { name } } } } }",
    },
    Query {
        name: "Q5",
        what: "the 20 best statements for a word, by full text",
        dossier: "query($search: String!) { statements(first: 20, filter: {search: $search}, orderBy: RELEVANCE) { edges { node { summary } } } }",
        postgraphile: "query($search: String!) { benchSearch(search: $search, first: 20) { nodes { summary } } }",
        by_hand: "query($search: String!) { search(search: $search, first: 20) { summary } }",
    },
];

/// What the pinned `postgraphile` calls the order of meetings by their primary key in its cursors.
const POSTGRAPHILE_ORDER: &str = "b2536c23bd";

/// The values of one variant of a query.
#[derive(Clone, Debug)]
pub struct Variant {
    pub id: i64,
    pub word: String,
}

impl Variant {
    /// Values for each query: actors, meetings, speakers, words that are neither rare nor everywhere.
    pub fn all(query: usize, ids: &[Vec<i64>; 5], words: &[String]) -> Vec<Variant> {
        let mut rng = Rng::with_seed(7);
        let variant = |_| Variant {
            id: ids[query].get(rng.usize(..ids[query].len().max(1))).copied().unwrap_or(0),
            word: words[rng.usize(..words.len())].clone(),
        };
        (0..VARIANTS).map(variant).collect()
    }

    pub fn dossier(&self, query: usize) -> Value {
        match query {
            0 | 3 => json!({"id": global_id("Actor", self.id)}),
            1 | 2 => json!({"after": base64(&format!("ENTERED_ASC|{}|", self.id))}),
            _ => json!({"search": self.word}),
        }
    }

    pub fn postgraphile(&self, query: usize) -> Value {
        match query {
            0 | 3 => json!({"id": self.id.to_string()}),
            1 | 2 => {
                json!({"after": base64_standard(&format!("[\"{POSTGRAPHILE_ORDER}\",\"{}\"]", self.id))})
            }
            _ => json!({"search": self.word}),
        }
    }

    pub fn by_hand(&self, query: usize) -> Value {
        match query {
            0 | 3 => json!({"id": self.id}),
            1 | 2 => json!({"after": self.id}),
            _ => json!({"search": self.word}),
        }
    }
}

fn base64(text: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(text)
}

fn base64_standard(text: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(text)
}

/// The values of a response, without its shape and without what only one schema has.
pub fn leaves(response: &Value) -> Vec<String> {
    fn collect(value: &Value, leaves: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if !matches!(name.as_str(), "id" | "cursor") {
                        collect(value, leaves);
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, leaves)),
            leaf => leaves.push(leaf.to_string()),
        }
    }
    let mut leaves = Vec::new();
    collect(response, &mut leaves);
    leaves
}

/// Ids for each query, and words for the search.
pub async fn values(pool: &PgPool) -> ([Vec<i64>; 5], Vec<String>) {
    let ids = |sql: &'static str| async move {
        sqlx::query_scalar::<_, i64>(sql).fetch_all(pool).await.expect("ids")
    };
    let actors = ids("select id from actors order by id").await;
    let meetings = ids("select id from meetings order by id desc offset 20").await;
    let speakers = ids(
        "select speaker_id from statements where slug like 'generated-%' group by 1 having count(*) > 60",
    )
    .await;
    let words = "select word from ts_stat('select to_tsvector(''simple'', summary) from statements where id % 50 = 0')
                 where ndoc between 15 and 40 order by word";
    let words = sqlx::query_scalar(words).fetch_all(pool).await.expect("words");
    ([actors, meetings.clone(), meetings, speakers, Vec::new()], words)
}

/// The cumulative share of the first variants in all requests: the second is sent half as often as the first, the
/// third a third as often.
pub fn popularity(variants: usize) -> Vec<f64> {
    let mut sum = 0.0;
    let sums = (1..=variants).map(|rank| {
        sum += 1.0 / f64::from(u32::try_from(rank).expect("few"));
        sum
    });
    let sums: Vec<f64> = sums.collect();
    sums.iter().map(|upto| upto / sum).collect()
}
