//! The limit: for each question a handler with SQL written for that question alone, its rows
//! assembled in Rust. It knows no GraphQL; it reads the variables of the same requests.

use axum::{Router, body::Bytes, extract::State, http::header::CONTENT_TYPE, response::IntoResponse, routing::post};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use dossier::relay::{global_id, parse_global_id};
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, Row, postgres::PgPoolOptions};
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
struct Name {
    name: String,
}

#[derive(Serialize)]
struct Participant {
    name: String,
    kind: String,
}

#[derive(Serialize)]
struct MeetingWithParticipants {
    name: String,
    participants: Edges<Participant>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    summary: String,
    said_on: Option<String>,
    speaker: Name,
    topics: Edges<Name>,
}

#[derive(Serialize)]
struct MeetingWithStatements {
    name: String,
    statements: Edges<Said>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SaidBy {
    summary: String,
    said_on: Option<String>,
    speaker: Name,
}

#[derive(Serialize)]
struct SaidByEdge {
    cursor: String,
    node: SaidBy,
}

#[derive(Serialize)]
struct Summary {
    summary: String,
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

async fn q1(State(pool): State<PgPool>, body: Bytes) -> axum::response::Response {
    let row = sqlx::query("select id, slug, kind::text, name from actors where id = $1")
        .bind(variables(&body).id())
        .fetch_one(&pool)
        .await
        .expect("an actor");
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

async fn q2(State(pool): State<PgPool>, body: Bytes) -> axum::response::Response {
    let rows = sqlx::query(
        "select m.id, m.name::text, p.name::text, p.kind::text
         from (select id, name from meetings where id > $1 order by id limit 20) m
         left join lateral (
             select a.name, a.kind, a.id from meeting_participants mp join actors a on a.id = mp.actor_id
             where mp.meeting_id = m.id order by a.id limit 10
         ) p on true order by m.id, p.id",
    )
    .bind(variables(&body).after())
    .fetch_all(&pool)
    .await
    .expect("rows");
    let mut meetings = Edges::new();
    let mut last = None;
    for row in rows {
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
    struct Root {
        meetings: Edges<MeetingWithParticipants>,
    }
    reply(Root { meetings })
}

async fn q3(State(pool): State<PgPool>, body: Bytes) -> axum::response::Response {
    let rows = sqlx::query(
        "select m.id, m.name::text, s.id, s.summary::text, s.said_on::text, a.name::text
         from (select id, name from meetings where id > $1 order by id limit 20) m
         left join lateral (
             select id, summary, said_on, speaker_id from statements where meeting_id = m.id
             order by coalesce(lower(said_during), 'infinity'::date), id limit 10
         ) s on true
         left join actors a on a.id = s.speaker_id",
    )
    .bind(variables(&body).after())
    .fetch_all(&pool)
    .await
    .expect("rows");
    let ids: Vec<i64> = rows.iter().filter_map(|row| row.get(2)).collect();
    let topics = sqlx::query(
        "select p.place, t.name::text from unnest($1::bigint[]) with ordinality p (id, place)
         cross join lateral (
             select t.id, t.name from statement_topics st join topics t on t.id = st.topic_id
             where st.statement_id = p.id order by t.id limit 3
         ) t",
    )
    .bind(&ids)
    .fetch_all(&pool)
    .await
    .expect("rows");
    let mut topics_of: Vec<Vec<Node<Name>>> = ids.iter().map(|_| Vec::new()).collect();
    for row in topics {
        let place: i64 = row.get(0);
        topics_of[usize::try_from(place - 1).expect("a place")].push(Node { node: Name { name: row.get(1) } });
    }
    let mut topics_of = topics_of.into_iter();
    let mut meetings = Edges::new();
    let mut last = None;
    for row in rows {
        let id: i64 = row.get(0);
        if last.replace(id) != Some(id) {
            let node = MeetingWithStatements { name: row.get(1), statements: Edges::new() };
            meetings.edges.push(Node { node });
        }
        if row.get::<Option<i64>, _>(2).is_some() {
            let node = Said {
                summary: row.get(3),
                said_on: row.get(4),
                speaker: Name { name: row.get(5) },
                topics: Edges { edges: topics_of.next().expect("its topics") },
            };
            let meeting: &mut Node<MeetingWithStatements> = meetings.edges.last_mut().expect("a meeting");
            meeting.node.statements.edges.push(Node { node });
        }
    }
    #[derive(Serialize)]
    struct Root {
        meetings: Edges<MeetingWithStatements>,
    }
    reply(Root { meetings })
}

async fn q4(State(pool): State<PgPool>, body: Bytes) -> axum::response::Response {
    let rows = sqlx::query(
        "select s.id, s.summary::text, s.said_on::text, a.name::text,
                case when said_during is null then 2147483647 else lower(said_during) - '2000-01-01'::date end
         from statements s join actors a on a.id = s.speaker_id where speaker_id = $1
         order by coalesce(lower(said_during), 'infinity'::date), s.id limit 51",
    )
    .bind(variables(&body).id())
    .fetch_all(&pool)
    .await
    .expect("rows");
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct PageInfo {
        has_next_page: bool,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Statements {
        page_info: PageInfo,
        edges: Vec<SaidByEdge>,
    }
    #[derive(Serialize)]
    struct Root {
        statements: Statements,
    }
    let edges = rows.iter().take(50).map(|row| SaidByEdge {
        cursor: URL_SAFE_NO_PAD.encode(format!("DATE_ASC|{}|{}", row.get::<i64, _>(0), row.get::<i32, _>(4))),
        node: SaidBy { summary: row.get(1), said_on: row.get(2), speaker: Name { name: row.get(3) } },
    });
    let edges = edges.collect();
    reply(Root { statements: Statements { page_info: PageInfo { has_next_page: rows.len() > 50 }, edges } })
}

async fn q5(State(pool): State<PgPool>, body: Bytes) -> axum::response::Response {
    let rows = sqlx::query(
        "with q as (select websearch_to_tsquery('dossier_english', $1) || websearch_to_tsquery('dossier_simple', $1) as query)
         select summary::text from statements, q where search @@ q.query
         order by ts_rank(search, q.query) desc, id desc limit 20",
    )
    .bind(variables(&body).search)
    .fetch_all(&pool)
    .await
    .expect("rows");
    #[derive(Serialize)]
    struct Root {
        statements: Edges<Summary>,
    }
    let edges = rows.iter().map(|row| Node { node: Summary { summary: row.get(0) } }).collect();
    reply(Root { statements: Edges { edges } })
}

/// Serves the limit at `/q1` … `/q5`, and at `/static` an answer of the size in the path.
pub fn serve(url: &str, port: u16) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let pool = PgPoolOptions::new().max_connections(8).test_before_acquire(false).connect(url).await.expect("a pool");
        let router = Router::new()
            .route("/q1", post(q1))
            .route("/q2", post(q2))
            .route("/q3", post(q3))
            .route("/q4", post(q4))
            .route("/q5", post(q5))
            .route("/static/{size}", post(fixed_answer))
            .with_state(pool);
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port");
        use axum::serve::ListenerExt;
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("nodelay"));
        axum::serve(listener, router).await.expect("served");
    });
}

/// An answer of this many bytes that nobody has to compute.
async fn fixed_answer(axum::extract::Path(size): axum::extract::Path<usize>, _: Bytes) -> axum::response::Response {
    static BYTES: [u8; 1 << 18] = [b'x'; 1 << 18];
    let body = Bytes::from_static(&BYTES[..size.min(BYTES.len())]);
    ([(CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}
