//! History: revisions in order, and `asOf`.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Row};

use crate::{
    everything::{Schema, roomy},
    golden::golden_queries,
    mutations::change,
    support::{Client, anonymous, editor, sql_log::SqlLog},
};

/// The response, byte by byte.
async fn bytes(client: &Client, query: &str, variables: &Value) -> String {
    let body = json!({ "query": query, "variables": variables });
    let response = client.http().post(client.address("/graphql")).json(&body).send().await;
    let text = response.expect("a response").text().await.expect("text");
    // Errors come after the data.
    let (_, behind) = text.split_at(text.len().saturating_sub(300));
    assert!(!behind.contains("\"errors\""), "{}: {behind}", &query[..100]);
    text
}

/// The number of the last revision.
async fn last(client: &Client) -> i64 {
    let query = "{ revisions(last: 1) { edges { node { number } } } }";
    let number = &client.query(query).await["revisions"]["edges"][0]["node"]["number"];
    number.as_i64().expect("a number")
}

/// A root list as a query, with further arguments and the moment as a variable.
fn list(name: &str, arguments: &str, selection: &str) -> String {
    format!("query($asOf: AsOf) {{ {name}({arguments} asOf: $asOf) {{ {selection} }} }}")
}

/// Every root list with all fields of its last records, and of the records that they lead to, to a depth.
fn everything(schema: &Schema, records: u32, depth: usize) -> Vec<String> {
    let of = |(name, object_type, _): (&str, String, _)| {
        let node = schema.selection(&object_type, depth);
        list(name, &format!("last: {records},"), &format!("totalCount edges {{ cursor node {node} }}"))
    };
    schema.lists().into_iter().map(of).collect()
}

#[tokio::test]
async fn as_of_the_last_revision_the_base_is_todays() {
    let anonymous = roomy().await;
    let schema = Schema::of(&anonymous).await;
    let mut queries = everything(&schema, 100, 1);
    for (name, _, arguments) in schema.lists() {
        let argument = |name: &str| arguments.iter().find(|argument| argument.name == name);
        for order in argument("orderBy").map_or_else(Vec::new, |order| schema.values(order.ty)) {
            let search = if order == "RELEVANCE" { "filter: {search: \"kazakhstan or peace\"}," } else { "" };
            let arguments = format!("first: 7, {search} orderBy: {order},");
            queries.push(list(name, &arguments, "edges { cursor node { id } } pageInfo { endCursor }"));
        }
        let filters = argument("filter").map_or_else(Vec::new, |filter| schema.literals(filter, 1));
        for filters in filters.chunks(50) {
            let one = |(number, filter): (usize, &String)| {
                format!("f{number}: {name}(filter: {filter}, asOf: $asOf) {{ edges {{ node {{ id }} }} }}")
            };
            let all: Vec<String> = filters.iter().enumerate().map(one).collect();
            queries.push(format!("query($asOf: AsOf) {{ {} }}", all.join("\n")));
        }
    }
    assert!(queries.len() > 80, "{}", queries.len());
    let moment = json!({ "asOf": { "revision": last(&anonymous).await } });
    let mut reported = 0;
    for query in queries {
        let today = bytes(&anonymous, &query, &json!({})).await;
        reported += today.len();
        assert!(bytes(&anonymous, &query, &moment).await == today, "{}", &query[..100]);
    }
    assert!(reported > 500_000, "there was something to read: {reported}");
}

#[tokio::test]
async fn every_golden_query_as_of_the_last_revision_responds_as_today() {
    let anonymous = roomy().await;
    let schema = Schema::of(&anonymous).await;
    let moment = format!("asOf: {{revision: {}}}", last(&anonymous).await);
    let fields = schema.parts("Query", "fields");
    let reported =
        fields.iter().filter(|field| field.arguments().iter().any(|argument| argument.name == "asOf"));
    let reported: Vec<&str> = reported.map(|field| field.name).collect();
    let mut requested = BTreeSet::new();
    for path in golden_queries() {
        let query = std::fs::read_to_string(&path).expect("a query");
        let golden = path.file_name().expect("a name");
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(golden);
        let variables = std::fs::read_to_string(golden.with_extension("variables.json"));
        let variables = variables.map_or(Value::Null, |text| serde_json::from_str(&text).expect("variables"));
        let past = query.lines().map(|line| {
            // Root fields are indented by two spaces.
            let line_of_root = line.strip_prefix("  ").filter(|rest| rest.starts_with(char::is_alphabetic));
            let head = line_of_root.unwrap_or_default().split(['(', '{']).next().unwrap_or_default().trim();
            let field = head.rsplit(' ').next().unwrap_or_default();
            let Some(field) = reported.iter().find(|reported| **reported == field) else {
                return line.to_owned();
            };
            requested.insert(*field);
            let (before, behind) = line.split_at(2 + head.len());
            match behind.strip_prefix('(') {
                _ if line.contains("asOf") => line.to_owned(),
                Some(arguments) => format!("{before}({moment}, {arguments}"),
                None => format!("{before}({moment}){behind}"),
            }
        });
        let past = past.collect::<Vec<_>>().join("\n");
        // The cost differs, and is compared elsewhere.
        if !query.contains("cost") {
            let today = anonymous.response(&query, variables.clone()).await;
            let past = anonymous.response(&past, variables).await;
            assert_eq!(past, today, "{}", path.display());
        }
    }
    let needed =
        ["actor", "actors", "network", "nodes", "path", "revisions", "search", "statements", "timeline"];
    assert!(needed.iter().all(|field| requested.contains(field)), "{requested:?}");
}

/// The contents of the base, and the revision after which it had them.
struct Moment {
    revision: i64,
    responses: Vec<String>,
}

async fn remember(client: &Client, queries: &[String]) -> Moment {
    let mut responses = Vec::new();
    for query in queries {
        responses.push(bytes(client, query, &json!({})).await);
    }
    Moment { revision: last(client).await, responses }
}

#[tokio::test]
async fn every_earlier_state_can_be_read() {
    let anonymous = roomy().await;
    let editor = anonymous.as_role(dossier::auth::caller::Role::Editor).await;
    let schema = Schema::of(&anonymous).await;
    let queries = everything(&schema, 100, 1);
    let source = json!({"slug": "musavat-interview-with-yury-bocharov"});
    let cited = json!([{"source": source, "locator": "L3"}]);
    let actor = json!({
        "slug": "a-delegate", "kind": "PERSON", "name": "A delegate",
        "names": [{"name": "Delegate", "kind": "ALIAS"}],
        "identifiers": [{"scheme": "wikidata", "value": "Q0"}],
    });
    let statement = json!({
        "slug": "passing", "speaker": {"slug": "a-delegate"}, "medium": "SPEECH", "rendering": "PARAPHRASE",
        "summary": "Dialogue goes on.", "eventType": "CONSULT", "saidOn": "2026-03", "citations": cited,
        "addressees": [{"slug": "israel"}, {"slug": "donald-trump"}], "topics": [{"slug": "two-state-solution"}],
    });
    let position = json!({
        "slug": "passing-on-two-states", "holder": {"slug": "a-delegate"}, "topic": {"slug": "two-state-solution"},
        "stance": "OPPOSES", "statement": {"slug": "passing"}, "citations": cited,
    });
    let by = |object_type: &str, slug: &str, more: Value| {
        let mut input = more;
        input[object_type] = json!({ "slug": slug });
        input
    };
    let changes = [
        ("createActor", actor),
        ("createStatement", statement),
        ("createPosition", position),
        (
            "updateActor",
            by("actor", "a-delegate", json!({"name": "The delegate", "names": [], "identifiers": []})),
        ),
        ("updateActor", by("actor", "israel", json!({"slug": "the-state-of-israel", "kind": "GROUP"}))),
        (
            "updateStatement",
            by(
                "statement",
                "passing",
                json!({"saidOn": null, "addressees": [{"slug": "donald-trump"}],
                "topics": [{"slug": "reconstruction-of-gaza"}]}),
            ),
        ),
        (
            "updateMeeting",
            by("meeting", "inaugural-peace-council-meeting", json!({"startsOn": "2026-02-19"})),
        ),
        (
            "updateTopic",
            by("topic", "two-state-solution", json!({"parent": {"slug": "reconstruction-of-gaza"}})),
        ),
        ("deletePosition", by("position", "passing-on-two-states", json!({}))),
        ("deleteStatement", by("statement", "passing", json!({}))),
        ("deleteActor", by("actor", "a-delegate", json!({}))),
    ];
    let mut moments = vec![remember(&anonymous, &queries).await];
    for (mutation, input) in changes {
        let payload = change(&editor, mutation, input, "").await;
        assert_eq!(payload["userErrors"], json!([]), "{mutation}");
        moments.push(remember(&anonymous, &queries).await);
    }
    // A row that moves from one record to another, as in a merge.
    let mut moved = anonymous.pool().begin().await.expect("a transaction");
    for sql in [
        "select set_config('dossier.requester', 'test', true)",
        "update actor_names set actor_id = (select id from actors where slug = 'kazakhstan')
         where actor_id = (select id from actors where slug = 'donald-trump')",
        "update citations set statement_id = (select max(statement_id) from citations)
         where id = (select min(id) from citations where statement_id is not null)",
    ] {
        sqlx::query(sql).execute(&mut *moved).await.expect("moved");
    }
    moved.commit().await.expect("committed");
    moments.push(remember(&anonymous, &queries).await);

    let distinct: BTreeSet<&Vec<String>> = moments.iter().map(|moment| &moment.responses).collect();
    assert_eq!(distinct.len(), moments.len(), "each change made a difference");
    for moment in &moments {
        let recorded = "query($number: RevisionNumber!) { revision(by: {number: $number}) { recordedAt } }";
        let recorded = anonymous.query_with(recorded, json!({ "number": moment.revision })).await;
        let at = json!({ "time": recorded["revision"]["recordedAt"] });
        let after = json!({ "revision": moment.revision });
        for (query, response) in queries.iter().zip(&moment.responses) {
            let reported = bytes(&anonymous, query, &json!({ "asOf": after })).await;
            assert!(reported == *response, "{after}: {}", &query[..100]);
            // A time becomes a revision, so one list is enough.
            if query.contains("{ revisions(") {
                assert!(bytes(&anonymous, query, &json!({ "asOf": at })).await == reported, "{at}");
            }
        }
    }
}

#[tokio::test]
async fn lookups_find_what_was_there_by_the_names_it_had() {
    let editor = editor().await;
    let before = last(&editor).await;
    let rename =
        json!({"actor": {"slug": "israel"}, "slug": "the-state-of-israel", "name": "State of Israel"});
    let payload = change(&editor, "updateActor", rename, "actor { id }").await;
    let id = &payload["actor"]["id"];
    let data = editor
        .query_with(
            "query($id: ID!, $before: AsOf) {
                now: actor(by: {slug: \"israel\"}) { name }
                then: actor(by: {slug: \"israel\"}, asOf: $before) { name revision revisions(last: 1) { edges { node { number } } } }
                renamed: actor(by: {slug: \"the-state-of-israel\"}, asOf: $before) { name }
                nodes(ids: [$id], asOf: $before) { ... on Actor { slug } }
                actors(filter: {slug: {equals: \"israel\"}}, asOf: $before) { totalCount }
                search: actors(filter: {search: \"state of israel\"}, asOf: $before) { totalCount }
            }",
            json!({"id": id, "before": {"revision": before}}),
        )
        .await;
    assert_eq!(data["now"], Value::Null);
    assert_eq!(data["then"]["name"], "Israel");
    assert_eq!(data["then"]["revision"], data["then"]["revisions"]["edges"][0]["node"]["number"]);
    assert!(data["then"]["revision"].as_i64() <= Some(before));
    assert_eq!(data["renamed"], Value::Null);
    assert_eq!(data["nodes"], json!([{"slug": "israel"}]));
    assert_eq!((&data["actors"]["totalCount"], &data["search"]["totalCount"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn what_is_computed_is_computed_of_the_past() {
    let editor = editor().await;
    let before = last(&editor).await;
    let update =
        json!({"position": {"slug": "israel-on-the-two-state-solution"}, "stance": "STRONGLY_SUPPORTS"});
    change(&editor, "updatePosition", update, "").await;
    let standings = "query($asOf: AsOf) { topic(by: {slug: \"two-state-solution\"}, asOf: $asOf) {
        standings { holder { slug } stance } } }";
    let stance = async |as_of: Value| {
        let data = editor.query_with(standings, json!({ "asOf": as_of })).await;
        let standings = data["topic"]["standings"].as_array().expect("standings").clone();
        let israel = standings.into_iter().find(|standing| standing["holder"]["slug"] == "israel");
        israel.expect("Israel's")["stance"].clone()
    };
    assert_eq!(stance(Value::Null).await, "STRONGLY_SUPPORTS");
    assert_eq!(stance(json!({ "revision": before })).await, "NEUTRAL");
}

#[tokio::test]
async fn there_is_no_moment_before_the_first_change_nor_after_the_last() {
    let editor = editor().await;
    let query = "query($asOf: AsOf) { actors(asOf: $asOf) { totalCount edges { node { id } } } }";
    let empty = json!({"actors": {"totalCount": 0, "edges": []}});
    for before in [json!({"revision": 0}), json!({"time": "1990-01-01T00:00:00Z"})] {
        assert_eq!(editor.query_with(query, json!({ "asOf": before })).await, empty, "{before}");
    }
    for (later, field) in [
        (json!({"revision": last(&editor).await + 1}), "asOf.revision"),
        (json!({"time": "2999-01-01T00:00:00+02:00"}), "asOf.time"),
        (json!({"time": "yesterday"}), "$asOf.time"),
        (json!({"revision": 1, "time": "2026-01-01T00:00:00Z"}), "$asOf"),
        (json!({}), "$asOf"),
    ] {
        let api_error = editor.api_error(query, json!({ "asOf": later })).await;
        assert_eq!(api_error, ("BAD_USER_INPUT".to_owned(), Some(field.to_owned())), "{later}");
    }
}

#[tokio::test]
async fn a_change_is_there_whole_or_not_at_all() {
    let editor = editor().await;
    let before = last(&editor).await;
    let statement = json!({
        "slug": "whole", "speaker": {"slug": "kassym-jomart-tokayev"}, "medium": "SPEECH", "rendering": "PARAPHRASE",
        "summary": "Dialogue goes on.", "eventType": "CONSULT", "topics": [{"slug": "two-state-solution"}],
        "citations": [{"source": {"slug": "musavat-interview-with-yury-bocharov"}, "locator": "L3"}],
    });
    let after =
        change(&editor, "createStatement", statement, "").await["revision"].as_i64().expect("a number");
    assert!(after > before + 2, "the statement, its topic and its citation");
    let query = "query($asOf: AsOf) { statement(by: {slug: \"whole\"}, asOf: $asOf) {
        revision topics { totalCount } citations { totalCount } } }";
    let whole = json!({"revision": after, "topics": {"totalCount": 1}, "citations": {"totalCount": 1}});
    assert_eq!(editor.query(&query.replace("$asOf: AsOf", "$asOf: AsOf = null")).await["statement"], whole);
    for number in before + 1..=after {
        let data = editor.query_with(query, json!({"asOf": {"revision": number}})).await;
        assert_eq!(data["statement"], whole, "{number}");
    }
    let first: String = sqlx::query_scalar("select to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from revisions where id = $1")
        .bind(before + 1)
        .fetch_one(editor.pool())
        .await
        .expect("a time");
    let data = editor.query_with(query, json!({"asOf": {"time": first}})).await;
    assert_eq!(data["statement"], Value::Null, "not all of it was recorded yet");
}

#[tokio::test]
async fn the_past_costs_more() {
    let anonymous = anonymous().await;
    let cost = async |arguments: &str| {
        let query = format!(
            "{{ rateLimit {{ cost }} actors{arguments} {{ edges {{ node {{ names {{ name }} }} }} }} }}"
        );
        anonymous.query(&query).await["rateLimit"]["cost"].as_u64().expect("a cost")
    };
    let today = cost("(first: 20)").await - cost("(first: 0)").await;
    let past = cost("(first: 20, asOf: {revision: 1})").await - cost("(first: 0, asOf: {revision: 1})").await;
    assert_eq!(past, today * 5);
}

#[tokio::test]
async fn a_revision_has_its_changes_and_those_made_with_it() {
    let editor = editor().await;
    let input = json!({"actor": {"slug": "israel"}, "name": "State of Israel", "names": [{"name": "Israel", "kind": "ALIAS"}]});
    let number = change(&editor, "updateActor", input, "").await["revision"].clone();
    let fields = "number change part operation requester diff { field before after } record { slug }";
    let query = format!(
        "query($number: RevisionNumber!, $change: RevisionNumber!) {{
            revision(by: {{number: $number}}) {{ id {fields} }}
            revisions(filter: {{change: {{equals: $change}}}}) {{ edges {{ node {{ {fields} }} }} }} }}"
    );
    let change_of = "query($number: RevisionNumber!) { revision(by: {number: $number}) { change } }";
    let change = &editor.query_with(change_of, json!({ "number": number })).await["revision"]["change"];
    let data = editor.query_with(&query, json!({"number": number, "change": change})).await;
    let together = data["revisions"]["edges"].as_array().expect("edges");
    let renamed = together.iter().map(|edge| &edge["node"]).find(|node| node["part"] == "actors");
    let renamed = renamed.expect("the actor's own row");
    assert_eq!(renamed["diff"], json!([{"field": "name", "before": "Israel", "after": "State of Israel"}]));
    assert_eq!(renamed["record"], json!({"slug": "israel"}));
    assert_eq!(renamed["requester"], "editor");
    assert!(together.iter().any(|edge| edge["node"]["part"] == "actor_names"));
    assert!(together.iter().all(|edge| edge["node"]["change"] == *change));
    let by_id = editor
        .query_with(
            "query($id: ID!, $number: RevisionNumber!) { revision(by: {id: $id}) { number }
                none: revision(by: {number: $number}) { id } }",
            json!({"id": data["revision"]["id"], "number": last(&editor).await + 1}),
        )
        .await;
    assert_eq!(by_id, json!({"revision": {"number": number}, "none": null}));
}

#[tokio::test(flavor = "multi_thread")]
async fn polling_with_since_sees_each_revision_once_and_in_order() {
    let editor = editor().await;
    let start = last(&editor).await;
    let writers = (0..8).map(|writer| {
        let editor = editor.clone();
        tokio::spawn(async move {
            for round in 0..12 {
                let slug = format!("by-{writer}-{round}");
                let names: Vec<Value> = (0..round % 4)
                    .map(|name| json!({"name": format!("{writer} {round} {name}"), "kind": "ALIAS"}))
                    .collect();
                let input = json!({"slug": slug, "kind": "GROUP", "name": slug, "names": names});
                change(&editor, "createActor", input, "").await;
                if round % 3 == 0 {
                    change(&editor, "deleteActor", json!({"actor": {"slug": slug}}), "").await;
                }
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let poll = "query($since: RevisionNumber) { revisions(since: $since, first: 7) {
        edges { node { number } } pageInfo { hasNextPage } } }";
    let (mut seen, mut since) = (Vec::new(), start);
    loop {
        let done = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let page = editor.query_with(poll, json!({ "since": since })).await["revisions"].take();
        let numbers = page["edges"].as_array().expect("edges").iter();
        let numbers: Vec<i64> = numbers.filter_map(|edge| edge["node"]["number"].as_i64()).collect();
        since = numbers.last().copied().unwrap_or(since);
        seen.extend(numbers);
        if done && page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    for writer in writers {
        writer.await.expect("a writer");
    }
    let all: Vec<i64> = sqlx::query_scalar("select id from revisions where id > $1 order by id")
        .bind(start)
        .fetch_all(editor.pool())
        .await
        .expect("numbers");
    assert!(all.len() > 96 + 32, "{}", all.len());
    assert_eq!(seen, all);
    let of_one = "query($since: RevisionNumber) { actor(by: {slug: \"israel\"}) { revisions(since: $since) { totalCount } } }";
    let none = editor.query_with(of_one, json!({ "since": start })).await;
    assert_eq!(none["actor"]["revisions"]["totalCount"], 0);
}

#[tokio::test]
async fn all_that_has_a_history_has_a_past() {
    let anonymous = anonymous().await;
    let columns = "select format('%s.%s', table_name, string_agg(column_name, ',' order by ordinal_position))
                   from information_schema.columns where table_schema = $1 group by table_name";
    let columns = async |schema: &str| -> BTreeSet<String> {
        let rows = sqlx::query_scalar(columns).bind(schema).fetch_all(anonymous.pool()).await;
        rows.expect("columns").into_iter().collect()
    };
    let (today, past) = (columns("public").await, columns("dossier_past").await);
    assert!(past.is_subset(&today), "{:?}", past.difference(&today));
    let without = today.difference(&past).map(|table| table.split('.').next().expect("a name"));
    assert_eq!(
        without.collect::<Vec<_>>(),
        [
            "_sqlx_migrations",
            "api_keys",
            "citation_anchors",
            "client_mutations",
            "event_modes",
            "event_types",
            "history_columns",
            "imports",
            "origin_digests",
            "text_contents",
            "text_passages"
        ],
        "what has no history: after a change of tables, a migration calls rebuild_history_views()"
    );
}

#[tokio::test]
async fn the_past_is_found_by_indexes() {
    let client = roomy().await;
    let log = SqlLog::listen();
    let mut connection = client.pool().acquire().await.expect("a connection");
    for sql in [
        "set dossier.requester = 'test'",
        "insert into actors (slug, kind, name) select 'many-' || n, 'GROUP', 'Many ' || n from generate_series(1, 2000) n",
        "insert into actor_names (actor_id, name, kind) select id, name || ' too', 'ALIAS' from actors",
        "insert into meetings (slug, name, mode, status) select 'many-' || n, 'Many ' || n, 'CALL', 'OCCURRED' from generate_series(1, 2000) n",
        "insert into meeting_participants select m.id, a.id, 'GUEST' from meetings m join actors a using (slug)",
        "insert into meeting_topics select m.id, 1 + m.id % 20 from meetings m where slug like 'many-%'",
        "insert into citations (source_id, locator, meeting_id) select 1, slug, id from meetings where slug like 'many-%'",
        "update actors set name = name || '!'",
        "analyze",
    ] {
        sqlx::query(sql).execute(&mut *connection).await.expect("done");
    }
    log.take();
    client
        .query(
            "{ actor(by: {slug: \"many-7\"}, asOf: {revision: 14000}) {
                revision names { name } relations(first: 9) { edges { node { label } } }
                meetings(first: 9) { totalCount edges { role node {
                    name venue { name }
                    citations(first: 9) { edges { node { locator source { title } } } }
                    agenda(first: 9) { edges { node { name parent { name } positions(first: 9) { edges { node { stance } } } } } }
                    statements(first: 9) { edges { node { summary topics { edges { node { name } } } } } }
                } } }
            } }",
        )
        .await;
    let requested: Vec<String> =
        log.take().into_iter().filter(|sql| sql.starts_with("/* as of */")).collect();
    assert!(requested.len() >= 10, "{requested:#?}");
    let settings =
        "set search_path = dossier_past, public; set dossier.as_of = '14000'; set enable_seqscan = off;
                    set plan_cache_mode = force_generic_plan";
    sqlx::raw_sql(settings).execute(&mut *connection).await.expect("set");
    for sql in requested {
        let values = (1..).take_while(|number| sql.contains(&format!("${number}"))).map(|_| "null");
        let values = format!("({})", values.collect::<Vec<_>>().join(", "));
        let prepare = format!("deallocate all; prepare requested as {sql}");
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *connection).await.expect("prepared");
        let plan = sqlx::raw_sql(AssertSqlSafe(format!("explain execute requested{values}")));
        let plan = plan.fetch_all(&mut *connection).await.expect("a plan");
        let plan: Vec<String> = plan.iter().map(|line| line.get(0)).collect();
        let plan = plan.join("\n");
        // Filters without an index, and lists of a whole table.
        for whole in ["Seq Scan", "revisions_pkey", "revisions_by_part"] {
            assert!(!plan.contains(whole), "{sql}\n{plan}");
        }
    }
}

#[tokio::test]
async fn since_an_unknown_revision_is_refused() {
    let anonymous = Client::with(&[]).await;
    let now = last(&anonymous).await;
    let at = |since: i64| format!("{{ revisions(since: {since}) {{ totalCount }} }}");
    assert_eq!(anonymous.query(&at(now)).await["revisions"]["totalCount"], 0);
    let response = anonymous.response(&at(now + 1), Value::Null).await;
    let error = &response["errors"][0];
    assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{response}");
    assert_eq!(error["extensions"]["field"], "since");
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains(&format!("the current revision is {now}")), "{message}");
    let nested = format!(
        "{{ topics(first: 1) {{ edges {{ node {{ revisions(since: {}) {{ totalCount }} }} }} }} }}",
        now + 1
    );
    assert_eq!(
        anonymous.api_error(&nested, Value::Null).await,
        ("BAD_USER_INPUT".into(), Some("since".into()))
    );
    // `since` with `asOf`: nothing came after that moment.
    let past = format!("{{ revisions(since: {now}, asOf: {{revision: 1}}) {{ totalCount }} }}");
    assert_eq!(anonymous.query(&past).await["revisions"]["totalCount"], 0);
}
