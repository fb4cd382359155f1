//! The limit: for each query a handler with SQL written for that query alone, its rows assembled in Rust. Limits are
//! bound values, which Postgres plans better. It knows no GraphQL: it reads the variables of the same requests, and uses
//! the same connection pool.

// The shape of a response is in the handler that writes it.
#![allow(clippy::items_after_statements)]

use std::collections::HashMap;

use axum::{
    Router, body::Bytes, extract::State, http::header::CONTENT_TYPE, response::IntoResponse, routing::post,
    serve::ListenerExt,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use dossier::{
    database::{connections::Connections, reader::SqlQuery},
    model::pagination::{global_id, parse_global_id},
};
use serde::{Deserialize, Serialize};
use sqlx::{
    Row,
    postgres::{PgConnectOptions, PgRow},
};
use tokio::net::TcpListener;

#[derive(Deserialize)]
struct Request {
    variables: Variables,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Variables {
    id: String,
    after: String,
    search: String,
}

impl Variables {
    fn id(&self) -> i64 {
        parse_global_id(&self.id).expect("an id").1
    }

    fn after(&self) -> i64 {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(&self.after).expect("base64")).expect("text");
        text.split('|').nth(1).expect("an id").parse().expect("a number")
    }
}

#[derive(Serialize)]
struct Edges<T> {
    edges: Vec<Node<T>>,
}

impl<T> Edges<T> {
    fn new() -> Self {
        Edges { edges: Vec::new() }
    }
}

#[derive(Serialize)]
struct Node<T> {
    node: T,
}

#[derive(Serialize)]
struct Name<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Participant<'a> {
    name: &'a str,
    kind: &'a str,
}

#[derive(Serialize)]
struct MeetingWithParticipants<'a> {
    name: &'a str,
    participants: Edges<Participant<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InMeeting<'a> {
    summary: &'a str,
    said_on: Option<&'a str>,
    speaker: Name<'a>,
    topics: Edges<Name<'a>>,
}

#[derive(Serialize)]
struct MeetingWithStatements<'a> {
    name: &'a str,
    statements: Edges<InMeeting<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SaidBy<'a> {
    summary: &'a str,
    said_on: Option<&'a str>,
    speaker: Name<'a>,
}

#[derive(Serialize)]
struct SaidByEdge<'a> {
    cursor: String,
    node: SaidBy<'a>,
}

#[derive(Serialize)]
struct Summary<'a> {
    summary: &'a str,
}

fn reply(data: impl Serialize) -> axum::response::Response {
    let body = serde_json::to_vec(&Data { data }).expect("JSON");
    ([(CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}

#[derive(Serialize)]
struct Data<T> {
    data: T,
}

fn variables(body: &Bytes) -> Variables {
    serde_json::from_slice::<Request>(body).expect("a request").variables
}

async fn rows(readers: &Connections, query: SqlQuery<'_>) -> Vec<PgRow> {
    let mut connection = readers.take().await.expect("a connection");
    let rows = query.fetch_all(&mut *connection).await.expect("rows");
    connection.release().await;
    rows
}

/// The index of the parent: its position in the first column, counted from 1.
fn index(row: &PgRow) -> usize {
    usize::try_from(row.get::<i64, _>(0) - 1).expect("a position")
}

async fn q1(State(readers): State<Connections>, body: Bytes) -> axum::response::Response {
    let query = sqlx::query("select id, slug, kind::text, name from actors where id = $1");
    let row = rows(&readers, query.bind(variables(&body).id())).await.remove(0);
    #[derive(Serialize)]
    struct Actor<'a> {
        __typename: &'static str,
        id: String,
        slug: &'a str,
        kind: &'a str,
        name: &'a str,
    }
    #[derive(Serialize)]
    struct Root<'a> {
        actor: Actor<'a>,
    }
    let id = global_id("Actor", row.get(0));
    let actor = Actor {
        __typename: "Actor",
        id,
        slug: row.get_unchecked(1),
        kind: row.get(2),
        name: row.get_unchecked(3),
    };
    reply(Root { actor })
}

async fn q2(State(readers): State<Connections>, body: Bytes) -> axum::response::Response {
    let query = sqlx::query(
        "select m.id, m.name::text, p.name::text, p.kind::text
         from (select id, name from meetings where id > $1 order by id limit 20) m
         left join lateral (
             select a.name, a.kind, a.id from meeting_participants mp join actors a on a.id = mp.actor_id
             where mp.meeting_id = m.id order by a.id limit $2
         ) p on true order by m.id, p.id",
    )
    .bind(variables(&body).after())
    .bind(10_i64);
    let rows = rows(&readers, query).await;
    let mut meetings = Edges::new();
    let mut last = None;
    for row in &rows {
        let id: i64 = row.get(0);
        if last.replace(id) != Some(id) {
            let node = MeetingWithParticipants { name: row.get(1), participants: Edges::new() };
            meetings.edges.push(Node { node });
        }
        if let Some(name) = row.get(2) {
            let meeting: &mut Node<MeetingWithParticipants> = meetings.edges.last_mut().expect("a meeting");
            meeting.node.participants.edges.push(Node { node: Participant { name, kind: row.get(3) } });
        }
    }
    #[derive(Serialize)]
    struct Root<'a> {
        meetings: Edges<MeetingWithParticipants<'a>>,
    }
    reply(Root { meetings })
}

async fn q3(State(readers): State<Connections>, body: Bytes) -> axum::response::Response {
    let query = sqlx::query("select id, name from meetings where id > $1 order by id limit 20");
    let meetings = rows(&readers, query.bind(variables(&body).after())).await;
    let ids: Vec<i64> = meetings.iter().map(|row| row.get(0)).collect();
    let query = sqlx::query(
        "select p.place, s.id, s.summary, s.said_on, s.speaker_id from unnest($1::bigint[]) with ordinality p (id, place)
         cross join lateral (
             select id, summary, said_on, speaker_id from statements where meeting_id = p.id
             order by coalesce(lower(said_during), 'infinity'::date), id limit $2
         ) s",
    )
    .bind(&ids)
    .bind(10_i64);
    let statements = rows(&readers, query).await;
    let ids: Vec<i64> = statements.iter().map(|row| row.get(1)).collect();
    let mut speakers: Vec<i64> = statements.iter().map(|row| row.get(4)).collect();
    speakers.sort_unstable();
    speakers.dedup();
    let speakers = sqlx::query("select id, name from actors where id = any($1)").bind(&speakers);
    let topics = sqlx::query(
        "select p.place, t.name from unnest($1::bigint[]) with ordinality p (id, place)
         cross join lateral (
             select t.id, t.name from statement_topics st join topics t on t.id = st.topic_id
             where st.statement_id = p.id order by t.id limit $2
         ) t",
    )
    .bind(&ids)
    .bind(3_i64);
    let (speakers, topics) = tokio::join!(rows(&readers, speakers), rows(&readers, topics));
    let speakers: HashMap<i64, &str> =
        speakers.iter().map(|row| (row.get(0), row.get_unchecked(1))).collect();
    let mut topics_of: Vec<Vec<Node<Name>>> = ids.iter().map(|_| Vec::new()).collect();
    for row in &topics {
        topics_of[index(row)].push(Node { node: Name { name: row.get_unchecked(1) } });
    }
    let mut result = Edges::new();
    for row in &meetings {
        let node = MeetingWithStatements { name: row.get_unchecked(1), statements: Edges::new() };
        result.edges.push(Node { node });
    }
    for (row, topics) in statements.iter().zip(topics_of) {
        let node = InMeeting {
            summary: row.get_unchecked(2),
            said_on: row.get_unchecked(3),
            speaker: Name { name: speakers[&row.get::<i64, _>(4)] },
            topics: Edges { edges: topics },
        };
        result.edges[index(row)].node.statements.edges.push(Node { node });
    }
    #[derive(Serialize)]
    struct Root<'a> {
        meetings: Edges<MeetingWithStatements<'a>>,
    }
    reply(Root { meetings: result })
}

async fn q4(State(readers): State<Connections>, body: Bytes) -> axum::response::Response {
    let speaker = variables(&body).id();
    let statements = sqlx::query(
        "select id, summary, said_on,
                case when said_during is null then 2147483647 else lower(said_during) - '2000-01-01'::date end
         from statements where speaker_id = $1
         order by coalesce(lower(said_during), 'infinity'::date), id limit $2",
    )
    .bind(speaker)
    .bind(51_i64);
    let name = sqlx::query("select name::text from actors where id = $1").bind(speaker);
    let (rows, name) = tokio::join!(rows(&readers, statements), rows(&readers, name));
    let name: &str = name[0].get(0);
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct PageInfo {
        has_next_page: bool,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Statements<'a> {
        page_info: PageInfo,
        edges: Vec<SaidByEdge<'a>>,
    }
    #[derive(Serialize)]
    struct Root<'a> {
        statements: Statements<'a>,
    }
    let edges = rows.iter().take(50).map(|row| SaidByEdge {
        cursor: URL_SAFE_NO_PAD.encode(format!("DATE_ASC|{}|{}", row.get::<i64, _>(0), row.get::<i32, _>(3))),
        node: SaidBy { summary: row.get_unchecked(1), said_on: row.get_unchecked(2), speaker: Name { name } },
    });
    let edges = edges.collect();
    reply(Root { statements: Statements { page_info: PageInfo { has_next_page: rows.len() > 50 }, edges } })
}

async fn q5(State(readers): State<Connections>, body: Bytes) -> axum::response::Response {
    let query = sqlx::query(
        "with q as (select websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1) as query)
         select summary::text from statements, q where search @@ q.query
         order by ts_rank(search, q.query) desc, id desc limit 20",
    )
    .bind(variables(&body).search);
    let rows = rows(&readers, query).await;
    #[derive(Serialize)]
    struct Root<'a> {
        statements: Edges<Summary<'a>>,
    }
    let edges = rows.iter().map(|row| Node { node: Summary { summary: row.get(0) } }).collect();
    reply(Root { statements: Edges { edges } })
}

/// Serves the limit at `/q1` … `/q5`, and at `/static` a response of the size in the path.
pub fn serve(url: &str, port: u16) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let options: PgConnectOptions = url.parse().expect("an address");
        let readers = Connections::to(options, 8);
        let router = Router::new()
            .route("/q1", post(q1))
            .route("/q2", post(q2))
            .route("/q3", post(q3))
            .route("/q4", post(q4))
            .route("/q5", post(q5))
            .route("/static/{size}", post(fixed_response))
            .with_state(readers);
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port");
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("nodelay"));
        axum::serve(listener, router).await.expect("served");
    });
}

/// A response of this many bytes that needs no computation.
async fn fixed_response(
    axum::extract::Path(size): axum::extract::Path<usize>,
    _: Bytes,
) -> axum::response::Response {
    static BYTES: [u8; 1 << 18] = [b'x'; 1 << 18];
    let body = Bytes::from_static(&BYTES[..size.min(BYTES.len())]);
    ([(CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}
