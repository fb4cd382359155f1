//! Computed fields: search, timelines, networks, stances.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::{Client, anonymous};

/// Runs SQL in one transaction.
async fn enter(client: &Client, sql: &str) {
    let mut change = client.pool().begin().await.expect("a transaction");
    let sql = format!("select set_config('dossier.requester', 'tests', true); {sql}");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *change).await.expect("entered");
    change.commit().await.expect("committed");
}

const SPEAKER: &str = "insert into actors (slug, kind, name) values ('speaker', 'PERSON', 'A Speaker'),
    ('listener', 'PERSON', 'A Listener'), ('far-away', 'PERSON', 'Somebody Far Away');";

/// A statement of the speaker's with this number and date.
fn statement(number: u32, said_on: &str) -> String {
    format!(
        "with entered as (
             insert into statements (slug, speaker_id, medium, rendering, summary, event_type, said_on)
             select 'said-{number}', id, 'SPEECH', 'PARAPHRASE', 'Word {number}', 'STATEMENT', {said_on}
             from actors where slug = 'speaker' returning id
         )
         insert into citations (source_id, locator, statement_id)
         select (select min(id) from sources), 'L1', id from entered;"
    )
}

fn slugs(edges: &Value) -> Vec<String> {
    let edges = edges.as_array().expect("edges").iter();
    edges.map(|edge| edge["node"]["slug"].as_str().expect("a slug").to_owned()).collect()
}

const TIMELINE: &str = "query($from: PartialDate, $until: PartialDate, $types: [TimelineType!], $first: Int, $after: Cursor) {
    timeline(actor: {slug: \"speaker\"}, types: $types, from: $from, until: $until, first: $first, after: $after) {
        totalCount pageInfo { endCursor hasNextPage }
        edges { date earliest latest node { __typename ... on Record { slug } } } } }";

#[tokio::test]
async fn a_timeline_places_partial_dates_at_their_first_day_and_unknown_ones_last() {
    let anonymous = anonymous().await;
    let dates = ["null", "'2025'", "'2025-03-10'", "'2024-12-31'", "'2025-03'", "'2025-03-01'"];
    let statements: String = (1..).zip(dates).map(|(number, date)| statement(number, date)).collect();
    let meeting = "insert into meetings (slug, name, mode, status, starts_on) values ('held', 'Held', 'OTHER', 'OCCURRED', '2025-03-10');
        insert into meeting_participants (meeting_id, actor_id, role)
        select meetings.id, actors.id, 'HOST' from meetings, actors where meetings.slug = 'held' and actors.slug = 'speaker';";
    enter(&anonymous, &format!("{SPEAKER} {statements} {meeting}")).await;

    let all = anonymous.query(TIMELINE).await;
    let entries = &all["timeline"]["edges"];
    assert_eq!(slugs(entries), ["said-4", "said-2", "said-5", "said-6", "held", "said-3", "said-1"]);
    assert_eq!(all["timeline"]["totalCount"], 7);
    assert_eq!(
        entries[1],
        json!({"date": "2025", "earliest": "2025-01-01", "latest": "2025-12-31",
               "node": {"__typename": "Statement", "slug": "said-2"}})
    );

    let spring = anonymous.query_with(TIMELINE, json!({"from": "2025-03-05", "until": "2025-04"})).await;
    assert_eq!(
        slugs(&spring["timeline"]["edges"]),
        ["said-2", "said-5", "held", "said-3"],
        "what may lie in it"
    );

    for (types, found) in [
        (json!(["MEETING"]), json!(["held"])),
        (json!(["MEETING", "STATEMENT"]), json!(slugs(entries))),
        (json!([]), json!([])),
    ] {
        let of_types = anonymous.query_with(TIMELINE, json!({ "types": types })).await;
        assert_eq!(json!(slugs(&of_types["timeline"]["edges"])), found);
        assert_eq!(json!(found.as_array().map(Vec::len)), of_types["timeline"]["totalCount"]);
    }

    let (mut after, mut paged) = (Value::Null, Vec::new());
    loop {
        let page = anonymous.query_with(TIMELINE, json!({"first": 2, "after": after})).await;
        paged.extend(slugs(&page["timeline"]["edges"]));
        after = page["timeline"]["pageInfo"]["endCursor"].clone();
        if page["timeline"]["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(paged, slugs(entries));
}

#[tokio::test]
async fn a_search_finds_names_in_any_script_misspelt_and_without_accents() {
    let anonymous = anonymous().await;
    enter(
        &anonymous,
        "insert into actors (slug, kind, name) values ('sao-tome', 'COUNTRY', 'São Tomé and Príncipe');
         insert into actor_names (actor_id, name, language, script, kind)
         select id, 'Қазақстан', 'kk', 'Cyrl', 'TRANSLITERATION' from actors where slug = 'kazakhstan';",
    )
    .await;
    let query = "query($q: String!) { search(query: $q, types: [ACTOR], first: 1) { edges { node { ... on Actor { slug } } } } }";
    for (requested, found) in [
        ("Қазақстан", "kazakhstan"),
        ("Kazakstan", "kazakhstan"),
        ("sao tome", "sao-tome"),
        ("São Tomé", "sao-tome"),
        ("Principe", "sao-tome"),
        ("Tokaev", "kassym-jomart-tokayev"),
        ("\"peace council\"", "peace-council"),
    ] {
        let data = anonymous.query_with(query, json!({ "q": requested })).await;
        assert_eq!(slugs(&data["search"]["edges"]), [found], "{requested}");
    }
    for nothing in ["", "  ", "\"", "-", "zzzzqqqq", "%", "'"] {
        let data = anonymous.query_with(query, json!({ "q": nothing })).await;
        assert_eq!(data["search"]["edges"], json!([]), "{nothing}");
    }
}

#[tokio::test]
async fn a_search_pages_through_everything_it_counts() {
    let anonymous = anonymous().await;
    let query =
        "query($after: Cursor) { search(query: \"kazakhstan or israel or peace\", first: 7, after: $after) {
        totalCount pageInfo { hasNextPage endCursor } edges { score node { ... on Node { id } } } } }";
    let (mut after, mut seen, mut scores) = (Value::Null, Vec::new(), Vec::new());
    let total = loop {
        let page = anonymous.query_with(query, json!({ "after": after })).await["search"].take();
        for edge in page["edges"].as_array().expect("edges") {
            seen.push(edge["node"]["id"].as_str().expect("an id").to_owned());
            scores.push(edge["score"].as_f64().expect("a score"));
        }
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break page["totalCount"].as_u64().expect("a count");
        }
    };
    assert!(total > 14, "more than two pages: {total}");
    assert_eq!(seen.len() as u64, total);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len() as u64, total, "each once");
    assert!(scores.is_sorted_by(|one, other| one >= other), "best first");
}

#[tokio::test]
async fn a_search_counts_the_results_of_each_type_up_to_a_thousand() {
    let anonymous = anonymous().await;
    enter(
        &anonymous,
        "insert into topics (slug, name) select 'many-' || n, 'Zukunft ' || n from generate_series(1, 1200) n;
         insert into topic_names (topic_id, name, language, kind) select id, 'Zukunft', 'de', 'ALIAS' from topics limit 10;",
    )
    .await;
    for query in ["zukunft", "kazakhstan or israel or peace", "tokaev", "zzzzqqqq", ""] {
        let data = anonymous
            .query_with(
                "query($q: String!) {
                    alone: search(query: $q) { counts { type count isExact } }
                    page: search(query: $q, first: 1) { totalCount counts { type count isExact } edges { score } }
                    topics: search(query: $q, types: [TOPIC]) { totalCount counts { type count isExact } } }",
                json!({ "q": query }),
            )
            .await;
        assert_eq!(data["alone"]["counts"], data["page"]["counts"], "{query}");
        let counts = data["page"]["counts"].as_array().expect("counts");
        assert_eq!(counts.len(), 8, "each type: {counts:?}");
        let [of_topics] = &data["topics"]["counts"].as_array().expect("counts")[..] else {
            panic!("one type")
        };
        assert!(counts.contains(of_topics), "{query}");
        let total = data["topics"]["totalCount"].as_i64().expect("a number");
        assert_eq!(
            *of_topics,
            json!({ "type": "TOPIC", "count": total.min(1000), "isExact": total <= 1000 }),
            "{query}"
        );
        if counts.iter().all(|count| count["isExact"] == true) {
            let counted: i64 = counts.iter().filter_map(|count| count["count"].as_i64()).sum();
            assert_eq!(data["page"]["totalCount"], counted, "{query}");
        } else {
            assert_eq!(query, "zukunft");
        }
    }
}

#[tokio::test]
async fn highlights_are_shown_whatever_a_text_and_a_query_repeat() {
    let anonymous = anonymous().await;
    let said = statement(1, "null").replace("'Word 1'", "repeat('tick tock ', 400) || 'and then silence'");
    enter(&anonymous, &format!("{SPEAKER} {said}")).await;
    let query = "query($q: String!) { search(query: $q, types: [STATEMENT]) {
        edges { node { ... on Record { slug } } highlights { field parts { text isMatch } } } } }";
    let many = |words: &str| words.repeat(50);
    for words in [
        "silence".to_owned(),
        many("tick "),
        many("tick or tock or ") + "tick",
        format!("\"{}\"", many("tick tock ").trim_end()),
        "tick -thunder -\"tock tock\"".to_owned(),
    ] {
        let data = anonymous.query_with(query, json!({ "q": words })).await;
        let edges = &data["search"]["edges"];
        assert_eq!(slugs(edges), ["said-1"], "{words}");
        let parts = edges[0]["highlights"][0]["parts"].as_array().expect("parts").iter();
        let matches: BTreeSet<&str> =
            parts.filter(|part| part["isMatch"] == true).filter_map(|part| part["text"].as_str()).collect();
        assert!(!matches.is_empty(), "{words}: {edges}");
        assert!(matches.iter().all(|word| words.contains(word)), "{words}: {matches:?}");
    }
}

#[tokio::test]
async fn a_suggestion_finds_words_after_signs() {
    let editor = anonymous().await.as_role(dossier::auth::caller::Role::Editor).await;
    for (slug, title) in [
        ("talk", "[Interview with a quizmaster]"),
        ("quoted", "The «Quizshow»"),
        ("dashed", "All-quizzes (draft)"),
        ("inside", "Misquiz"),
    ] {
        let payload =
            crate::mutations::change(&editor, "createSource", json!({"slug": slug, "title": title}), "")
                .await;
        assert_eq!(payload["userErrors"], json!([]));
    }
    for (prefix, expected) in [
        ("quiz", vec!["The «Quizshow»", "All-quizzes (draft)", "[Interview with a quizmaster]"]),
        ("interview with a qu", vec!["[Interview with a quizmaster]"]),
        ("draft)", vec!["All-quizzes (draft)"]),
        ("dr.ft", vec![]),
    ] {
        let query = "query($p: String!) { suggest(prefix: $p, types: [SOURCE]) { text } }";
        let data = editor.query_with(query, json!({"p": prefix})).await;
        let found: Vec<&Value> = data["suggest"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|suggestion| &suggestion["text"])
            .collect();
        assert_eq!(found, expected, "{prefix}");
    }
}

#[tokio::test]
async fn a_suggestion_takes_its_prefix_literally() {
    let anonymous = anonymous().await;
    let query = "query($p: String!) { suggest(prefix: $p, first: 50) { text } }";
    for (prefix, some) in
        [("isr", true), ("ISR", true), ("%", false), ("_", false), ("\\", false), ("", false)]
    {
        let data = anonymous.query_with(query, json!({ "p": prefix })).await;
        assert_eq!(!data["suggest"].as_array().expect("a list").is_empty(), some, "{prefix}: {data}");
    }
}

#[tokio::test]
async fn a_network_grows_with_its_depth_and_keeps_to_its_limit() {
    let anonymous = anonymous().await;
    let query = "query($depth: Int, $limit: Int, $kinds: [TieKind!]) {
        network(actor: {slug: \"israel\"}, depth: $depth, limit: $limit, kinds: $kinds) {
            nodes { distance actor { slug } } edges { source { slug } target { slug } kind } } }";
    let mut sizes = Vec::new();
    for depth in 1..=3 {
        let data = anonymous.query_with(query, json!({ "depth": depth })).await;
        let nodes = data["network"]["nodes"].as_array().expect("nodes");
        assert!(nodes.iter().all(|node| node["distance"].as_i64() <= Some(depth)));
        let known: BTreeSet<&str> = nodes.iter().filter_map(|node| node["actor"]["slug"].as_str()).collect();
        assert_eq!(known.len(), nodes.len(), "each actor once");
        for edge in data["network"]["edges"].as_array().expect("edges") {
            for end in ["source", "target"] {
                assert!(known.contains(edge[end]["slug"].as_str().expect("a slug")), "{edge}");
            }
        }
        sizes.push(nodes.len());
    }
    assert!(sizes.is_sorted() && sizes[0] < sizes[2], "{sizes:?}");
    let few = anonymous.query_with(query, json!({"depth": 3, "limit": 3})).await;
    assert_eq!(few["network"]["nodes"].as_array().map(Vec::len), Some(3));
    let related = anonymous.query_with(query, json!({"depth": 3, "kinds": ["RELATION"]})).await;
    let edges = related["network"]["edges"].as_array().expect("edges");
    assert!(!edges.is_empty() && edges.iter().all(|edge| edge["kind"] == "RELATION"), "{edges:?}");
    for (variables, field) in
        [(json!({"depth": 4}), "depth"), (json!({"limit": 0}), "limit"), (json!({"limit": 2001}), "limit")]
    {
        let api_error = anonymous.api_error(query, variables).await;
        assert_eq!(api_error, ("BAD_USER_INPUT".to_owned(), Some(field.to_owned())));
    }
}

#[tokio::test]
async fn those_tied_to_each_of_several_actors_take_turns() {
    let anonymous = anonymous().await;
    // The busy one meets three others twice, the quiet one meets a single other once.
    let meet = |number: usize, actors: [&str; 2]| {
        format!(
            "insert into meetings (slug, name, mode, status) values ('meeting-{number}', 'A meeting', 'OTHER', 'OCCURRED');
             insert into meeting_participants (meeting_id, actor_id, role)
             select meetings.id, actors.id, 'HOST' from meetings, actors
             where meetings.slug = 'meeting-{number}' and actors.slug in ('{}', '{}');",
            actors[0], actors[1]
        )
    };
    let names = ["busy", "quiet", "first", "second", "third", "lonely"];
    let actors = names.map(|name| format!("('{name}', 'GROUP', '{name}')")).join(", ");
    let pairs = ["first", "second", "third"].map(|other| ["busy", other]);
    let meetings = pairs.iter().chain(&pairs).chain(&[["quiet", "lonely"]]).zip(1..);
    let meetings: String = meetings.map(|(actors, number)| meet(number, *actors)).collect();
    enter(&anonymous, &format!("insert into actors (slug, kind, name) values {actors}; {meetings}")).await;
    let query = "query($limit: Int, $also: [ActorBy!]) {
        network(actor: {slug: \"busy\"}, alsoAround: $also, limit: $limit) {
            totalCount hasMore nodes { distance actor { slug } } edges { weight source { slug } target { slug } } } }";
    let around = async |also: &[&str], limit: usize| {
        let also: Vec<Value> = also.iter().map(|slug| json!({ "slug": slug })).collect();
        let network =
            anonymous.query_with(query, json!({ "limit": limit, "also": also })).await["network"].clone();
        let nodes = network["nodes"].as_array().expect("nodes").clone();
        let slugs = nodes.iter().map(|node| node["actor"]["slug"].as_str().expect("a slug").to_owned());
        (slugs.collect::<Vec<_>>(), network)
    };
    let (both, network) = around(&["quiet", "busy"], 4).await;
    assert_eq!(both, ["busy", "quiet", "first", "lonely"]);
    assert_eq!((&network["totalCount"], &network["hasMore"]), (&json!(6), &json!(true)));
    assert_eq!(network["nodes"][1]["distance"], 0);
    assert_eq!(network["edges"].as_array().map(Vec::len), Some(2));
    assert_eq!(around(&["quiet"], 50).await.0, ["busy", "quiet", "first", "lonely", "second", "third"]);
    assert_eq!(around(&[], 50).await.0, ["busy", "first", "second", "third"]);
    let many: Vec<Value> = (0..21).map(|_| json!({ "slug": "quiet" })).collect();
    let refused = anonymous.api_error(query, json!({ "also": many })).await;
    assert_eq!(refused, ("BAD_USER_INPUT".to_owned(), Some("alsoAround".to_owned())));
}

#[tokio::test]
async fn all_shortest_paths_are_found() {
    let anonymous = anonymous().await;
    // Two paths of two steps from the speaker to the listener, and none to the distant actor.
    enter(
        &anonymous,
        &format!(
            "{SPEAKER} insert into actors (slug, kind, name) values ('left', 'GROUP', 'Left'), ('right', 'GROUP', 'Right');
             with tied as (
                 insert into relations (slug, subject_id, object_id, kind, label)
                 select one.slug || '-' || other.slug, one.id, other.id, 'OTHER', 'tie' from actors one, actors other
                 where one.slug in ('speaker', 'listener') and other.slug in ('left', 'right') returning id
             )
             insert into citations (source_id, locator, relation_id) select (select min(id) from sources), 'L1', id from tied;"
        ),
    )
    .await;
    let query = "query($to: String!, $most: Int) { path(from: {slug: \"speaker\"}, to: {slug: $to}, maxLength: $most) {
        length steps { from { slug } to { slug } kind evidence { ... on Relation { slug } } } } }";
    let ways = anonymous.query_with(query, json!({"to": "listener"})).await;
    let ways = ways["path"].as_array().expect("ways");
    assert_eq!(ways.len(), 2, "{ways:?}");
    for (way, between) in ways.iter().zip(["left", "right"]) {
        assert_eq!(way["length"], 2);
        assert_eq!(way["steps"][0]["to"]["slug"], between);
        assert_eq!(way["steps"][1]["evidence"]["slug"], format!("listener-{between}"));
    }
    for (to, most) in [("far-away", 6), ("listener", 1), ("speaker", 3)] {
        let none = anonymous.query_with(query, json!({"to": to, "most": most})).await;
        assert_eq!(none["path"], json!([]), "{to}");
    }
    let nobody = anonymous.api_error(query, json!({"to": "nobody"})).await;
    assert_eq!(nobody, ("BAD_USER_INPUT".to_owned(), Some("to".to_owned())));
}

#[tokio::test]
async fn a_stance_history_has_changes_only_and_disagreement_uses_the_latest() {
    let anonymous = anonymous().await;
    let said: String = [(1, "'2024'"), (2, "'2025-01'"), (3, "'2025-06'"), (4, "'2025-07'")]
        .map(|(number, date)| statement(number, date))
        .concat();
    enter(
        &anonymous,
        &format!(
            "{SPEAKER} {said} insert into topics (slug, name) values ('matter', 'A matter');
             with held as (
                 insert into positions (slug, holder_id, topic_id, stance, statement_id)
                 select 'held-' || n, a.id, t.id, stance, s.id
                 from (values (1, 'speaker', 'OPPOSES'::stance), (2, 'speaker', 'OPPOSES'), (3, 'speaker', 'SUPPORTS'),
                              (4, 'listener', 'STRONGLY_OPPOSES')) p (n, holder, stance)
                 join actors a on a.slug = holder join topics t on t.slug = 'matter' join statements s on s.slug = 'said-' || n
                 returning id
             )
             insert into citations (source_id, locator, position_id) select (select min(id) from sources), 'L1', id from held;"
        ),
    )
    .await;
    let data = anonymous
        .query(
            "{ actor(by: {slug: \"speaker\"}) { stanceHistory { topic { slug } changes { stance previous date position { slug } } } }
               topic(by: {slug: \"matter\"}) {
                   standings { holder { slug } stance date }
                   disagreements { distance one { holder { slug } } other { holder { slug } } } } }",
        )
        .await;
    assert_eq!(
        data["actor"]["stanceHistory"],
        json!([{"topic": {"slug": "matter"}, "changes": [
            {"stance": "OPPOSES", "previous": null, "date": "2024", "position": {"slug": "held-1"}},
            {"stance": "SUPPORTS", "previous": "OPPOSES", "date": "2025-06", "position": {"slug": "held-3"}},
        ]}])
    );
    assert_eq!(
        data["topic"],
        json!({
            "standings": [
                {"holder": {"slug": "listener"}, "stance": "STRONGLY_OPPOSES", "date": "2025-07"},
                {"holder": {"slug": "speaker"}, "stance": "SUPPORTS", "date": "2025-06"},
            ],
            "disagreements": [
                {"distance": 3, "one": {"holder": {"slug": "listener"}}, "other": {"holder": {"slug": "speaker"}}},
            ],
        })
    );
}

#[tokio::test]
async fn a_facet_leaves_its_own_condition_out_and_no_other() {
    let anonymous = anonymous().await;
    let data = anonymous
        .query(
            "{ narrowed: statements(filter: {speaker: {slug: {equals: \"donald-trump\"}}, eventType: {equals: SUPPORT}}) {
                 totalCount facets { speaker { count value { slug } } eventType { count value } } }
               bySpeaker: statements(filter: {eventType: {equals: SUPPORT}}) { totalCount }
               byType: statements(filter: {speaker: {slug: {equals: \"donald-trump\"}}}) { totalCount } }",
        )
        .await;
    let sum = |facet: &str| -> u64 {
        let counts = data["narrowed"]["facets"][facet].as_array().expect("counts").iter();
        counts.map(|count| count["count"].as_u64().expect("a count")).sum()
    };
    assert_eq!(json!(sum("speaker")), data["bySpeaker"]["totalCount"]);
    assert_eq!(json!(sum("eventType")), data["byType"]["totalCount"]);
}

#[tokio::test]
async fn what_is_unknown_is_none_of_some_values() {
    let anonymous = anonymous().await;
    let data = anonymous
        .query(
            "{ none: sources(filter: {reliability: {notIn: [A]}}) { totalCount }
               not: sources(filter: {not: {reliability: {in: [A]}}}) { totalCount } }",
        )
        .await;
    assert_eq!(data, json!({"none": {"totalCount": 1}, "not": {"totalCount": 1}}));
}

#[tokio::test]
async fn a_count_is_as_exact_as_it_says() {
    let anonymous = anonymous().await;
    enter(
        &anonymous,
        "insert into topics (slug, name) select 'many-' || n, 'Many' from generate_series(1, 5000) n;",
    )
    .await;
    sqlx::query("analyze topics").execute(anonymous.pool()).await.expect("analyzed");
    let data = anonymous
        .query(
            "{ topics { totalCount exact: count { value precision } capped: count(mode: CAPPED) { value precision }
                        estimate: count(mode: ESTIMATE) { value precision } }
               few: topics(filter: {name: {equals: \"Two-state solution\"}}) {
                        capped: count(mode: CAPPED) { value precision } estimate: count(mode: ESTIMATE) { value precision } } }",
        )
        .await;
    let topics = &data["topics"];
    assert_eq!(topics["exact"], json!({"value": topics["totalCount"], "precision": "EXACT"}));
    assert_eq!(topics["capped"], json!({"value": 1000, "precision": "AT_LEAST"}));
    assert_eq!(topics["estimate"]["precision"], "ESTIMATE");
    assert!(
        topics["estimate"]["value"].as_i64().is_some_and(|value| (4900..5200).contains(&value)),
        "{topics}"
    );
    for mode in ["capped", "estimate"] {
        assert_eq!(data["few"][mode], json!({"value": 1, "precision": "EXACT"}), "few are counted: {mode}");
    }
}

#[tokio::test]
async fn what_a_search_excludes_is_there_in_no_form() {
    let anonymous = anonymous().await;
    let statements: String = [
        (1, "Ties in technology grow."),
        (2, "Ties of technologies grow."),
        (3, "Old ties hold."),
        (4, "Artificial intelligence ties them."),
        (5, "Nothing of it."),
    ]
    .map(|(number, summary)| statement(number, "null").replace(&format!("Word {number}"), summary))
    .concat();
    enter(&anonymous, &format!("{SPEAKER} {statements}")).await;
    let found = async |search: &str| {
        let query = "query($search: String!) {
            statements(filter: {search: $search, speaker: {slug: {equals: \"speaker\"}}}, orderBy: ENTERED_ASC) { edges { node { slug } } }
            search(query: $search, types: [STATEMENT], first: 100) { edges { node { ... on Statement { slug speaker { slug } } } } } }";
        let data = anonymous.query_with(query, json!({ "search": search })).await;
        let filtered = slugs(&data["statements"]["edges"]);
        let searched = data["search"]["edges"].as_array().expect("edges").iter();
        let searched = searched.filter(|edge| edge["node"]["speaker"]["slug"] == "speaker");
        let mut searched: Vec<&str> = searched.filter_map(|edge| edge["node"]["slug"].as_str()).collect();
        searched.sort_unstable();
        assert_eq!(searched, filtered, "{search}");
        filtered
    };
    for (search, expected) in [
        ("ties", &["said-1", "said-2", "said-3", "said-4"][..]),
        ("ties -technologies", &["said-3", "said-4"]),
        ("ties -technology", &["said-3", "said-4"]),
        ("ties -TECHNOLOGIES -\"artificial intelligence\"", &["said-3"]),
        ("-ties", &["said-5"]),
        ("old -technology or nothing", &["said-3", "said-5"]),
        ("ties - technology", &["said-1", "said-2"]),
        ("ties ---------------------------------", &["said-1", "said-2", "said-3", "said-4"]),
        ("\"artificial intelligence\" or \"old ties\"", &["said-3", "said-4"]),
        ("---------------------------------", &[]),
    ] {
        assert_eq!(found(search).await, expected, "{search}");
    }
}

#[tokio::test]
async fn a_filter_by_search_knows_actors_by_their_aliases() {
    let anonymous = anonymous().await;
    let alias = "insert into actor_names (actor_id, name, kind)
                 select id, 'Zebulon', 'ALIAS' from actors where slug in ('speaker', 'far-away');
                 insert into actors (slug, kind, name) values ('namesake', 'PERSON', 'Zebulon Pike');";
    enter(&anonymous, &format!("{SPEAKER} {alias}")).await;
    let query = "{ actors(filter: {search: \"zebulon\"}, orderBy: RELEVANCE) { totalCount edges { cursor node { slug } } }
                   search(query: \"zebulon\", types: [ACTOR]) { totalCount } }";
    let data = anonymous.query(query).await;
    let mut found = slugs(&data["actors"]["edges"]);
    found.sort();
    assert_eq!(found, ["far-away", "namesake", "speaker"]);
    assert_eq!([&data["actors"]["totalCount"], &data["search"]["totalCount"]], [3, 3]);
    let query = "query($after: Cursor) {
        actors(filter: {search: \"zebulon\"}, orderBy: RELEVANCE, first: 1, after: $after) { edges { cursor node { slug } } } }";
    let (mut after, mut paged) = (Value::Null, Vec::new());
    for _ in 0..3 {
        let page = anonymous.query_with(query, json!({ "after": after })).await;
        paged.extend(slugs(&page["actors"]["edges"]));
        after = page["actors"]["edges"][0]["cursor"].clone();
    }
    assert_eq!(paged, slugs(&data["actors"]["edges"]), "each once, by the page");
}

#[tokio::test]
async fn counts_across_a_link_include_records_without_one() {
    let anonymous = anonymous().await;
    let addressed = "insert into statement_addressees (statement_id, actor_id)
        select statements.id, actors.id from statements, actors
        where (statements.slug, actors.slug) in (('said-1', 'listener'), ('said-2', 'listener'), ('said-2', 'far-away'));";
    let statements: String = (1..=5).map(|number| statement(number, "null")).collect();
    enter(&anonymous, &format!("{SPEAKER} {statements} {addressed}")).await;
    let query = "{ statements(filter: {speaker: {slug: {equals: \"speaker\"}}}) {
        totalCount facets { addressees { count value { slug } } } } }";
    let data = anonymous.query(query).await;
    assert_eq!(
        data["statements"]["facets"]["addressees"],
        json!([
            {"count": 3, "value": null},
            {"count": 2, "value": {"slug": "listener"}},
            {"count": 1, "value": {"slug": "far-away"}},
        ])
    );
}

#[tokio::test]
async fn a_period_that_ends_before_it_begins_is_an_error_of_its_field() {
    let anonymous = anonymous().await;
    for (query, field) in [
        ("{ timeline(from: \"2026-03\", until: \"2026-02\") { totalCount } }", "until"),
        (
            "{ meetings(filter: {held: {from: \"2026\", until: \"2025-12-31\"}}) { totalCount } }",
            "filter.held.until",
        ),
        (
            "{ statements(filter: {or: [{}, {not: {said: {from: \"2026\", until: \"2025\"}}}]}) { totalCount } }",
            "filter.or[1].not.said.until",
        ),
        (
            "{ meetings(filter: {statements: {said: {from: \"2026\", until: \"2025\"}}}) { totalCount } }",
            "filter.statements.said.until",
        ),
        (
            "{ revisions(filter: {recorded: {from: \"2026-01-01T00:00:00Z\", until: \"2026-01-01T00:00:00+01:00\"}}) { totalCount } }",
            "filter.recorded.until",
        ),
    ] {
        assert_eq!(
            anonymous.api_error(query, Value::Null).await,
            ("BAD_USER_INPUT".into(), Some(field.into())),
            "{query}"
        );
    }
    for query in [
        "{ timeline(from: \"2026-02-03\", until: \"2026\") { totalCount } }",
        "{ timeline(from: \"2026\", until: \"2026-01-01\") { totalCount } }",
        "{ meetings(filter: {held: {from: \"2026-02\", until: \"2026-02\"}}) { totalCount } }",
    ] {
        anonymous.query(query).await;
    }
}
