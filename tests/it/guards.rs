//! Limits: a request that exceeds one is refused with the limit and its value.

use std::{sync::Arc, time::Duration};

use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};

use crate::support::{
    Client, anonymous,
    database::database,
    process::{dossier, output},
    sql_log::SqlLog,
};

/// The code, the limit and the value of an error.
async fn beyond(client: &Client, query: &str, variables: Value) -> (String, u64, u64) {
    let response = client.response(query, variables).await;
    assert_eq!(response.get("data"), None, "nothing was run");
    let extensions = &response["errors"][0]["extensions"];
    let number = |name: &str| extensions[name].as_u64().unwrap_or_else(|| panic!("{response}"));
    (extensions["code"].as_str().expect("a code").to_owned(), number("limit"), number("value"))
}

#[tokio::test]
async fn each_limit_is_reported_with_the_value_that_exceeded_it() {
    let limits = [
        ("MAX_TOKENS", "1000"),
        ("MAX_DEPTH", "5"),
        ("MAX_ALIASES", "3"),
        ("MAX_COST", "50"),
        ("MAX_BODY_BYTES", "20000"),
    ];
    let anonymous = Client::with(&limits).await;
    let repeated = |part: &str, times: usize| format!("{{ {} }}", part.repeat(times));
    let bomb = (0..20).fold("{ ...F0 } fragment F20 on Query { __typename }".to_owned(), |text, level| {
        let next = level + 1;
        format!("{text} fragment F{level} on Query {{ ...F{next} ...F{next} }}")
    });
    for (query, limit, value) in [
        (repeated("__typename ", 1001), 1000, 1003),
        (repeated("__typename ", 101), 100, 101),
        ("{ a: __typename b: __typename c: __typename d: __typename }".to_owned(), 3, 4),
        ("{ actors { edges { node { statements { edges { cursor } } } } } }".to_owned(), 5, 6),
        (repeated("__typename @skip(if: true) ", 101), 100, 101),
        (bomb, 4000, 1 << 20),
        ("{ actors(first: 100) { edges { cursor } } }".to_owned(), 50, 101),
    ] {
        let refused = beyond(&anonymous, &query, json!({})).await;
        assert_eq!(refused, ("LIMIT_EXCEEDED".to_owned(), limit, value), "{query:.80}");
    }
    let large = json!({ "query": format!("{{ __typename }} #{}", " ".repeat(20_000)) }).to_string();
    let length = large.len();
    let response = anonymous
        .http()
        .post(anonymous.address("/graphql"))
        .header("content-type", "application/json")
        .body(large)
        .send();
    let response = response.await.expect("a response");
    assert_eq!(response.status(), 413);
    let body: Value = response.json().await.expect("JSON");
    let extensions = &body["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "LIMIT_EXCEEDED");
    assert_eq!((&extensions["limit"], &extensions["value"]), (&json!(20_000), &json!(length)));
}

#[tokio::test]
async fn a_filter_goes_through_so_many_references_at_most() {
    let anonymous = anonymous().await;
    let beside = format!("{{and: [{}]}}", "{speaker: {kind: {equals: PERSON}}}, ".repeat(31));
    let within = format!("{}{{}}{}", "{meeting: {statements: ".repeat(16), "}}".repeat(16));
    for (filter, value) in [(beside, 31), (within, 32)] {
        for requested in ["totalCount", "edges { cursor }", "facets { kind: medium { count } }"] {
            let query = format!("{{ statements(filter: {filter}) {{ {requested} }} }}");
            let refused = beyond(&anonymous, &query, json!({})).await;
            assert_eq!(refused, ("LIMIT_EXCEEDED".to_owned(), 30, value), "{query:.80}");
        }
    }
}

#[tokio::test]
async fn a_search_text_has_a_maximum_length() {
    let anonymous = anonymous().await;
    let book = "gaza ".repeat(18_000);
    for (query, field) in [
        ("query($text: String!) { search(query: $text) { totalCount } }", "query"),
        ("query($text: String!) { suggest(prefix: $text) { text } }", "prefix"),
        ("query($text: String!) { matchActors(names: [\"Israel\", $text]) { name } }", "names[1]"),
        ("query($text: String!) { statements(filter: {search: $text}) { totalCount } }", "filter.search"),
    ] {
        let refused = anonymous.api_error(query, json!({ "text": book })).await;
        assert_eq!(refused, ("BAD_USER_INPUT".to_owned(), Some(field.to_owned())));
    }
}

#[tokio::test]
async fn values_in_variables_cost_what_they_cost_in_the_document() {
    let anonymous = anonymous().await;
    let inline = "{ rateLimit { cost }
        meetings(first: 7, filter: {venue: {name: {contains: \"institute\"}}}) { totalCount
            edges { node { participants(last: 3) { edges { node { name } } } } } } }";
    let variables = "query($first: Int, $last: Int, $filter: MeetingFilter) { rateLimit { cost }
        meetings(first: $first, filter: $filter) { totalCount
            edges { node { participants(last: $last) { edges { node { name } } } } } } }";
    let given = json!({"first": 7, "last": 3, "filter": {"venue": {"name": {"contains": "institute"}}}});
    let (inline, variables) = (anonymous.query(inline).await, anonymous.query_with(variables, given).await);
    assert_eq!(inline, variables);
    let without = anonymous.query(&inline_without_filter()).await;
    assert!(
        inline["rateLimit"]["cost"].as_u64() > without["rateLimit"]["cost"].as_u64(),
        "{inline}, {without}"
    );
}

fn inline_without_filter() -> String {
    "{ rateLimit { cost }
        meetings(first: 7) { totalCount edges { node { participants(last: 3) { edges { node { name } } } } } } }"
        .to_owned()
}

/// The cost of a request.
async fn cost(client: &Client, query: &str) -> u64 {
    let data = client.query(&format!("{{ rateLimit {{ cost }} {query} }}")).await;
    data["rateLimit"]["cost"].as_u64().expect("a cost")
}

#[tokio::test]
async fn what_reads_more_costs_more() {
    let anonymous = anonymous().await;
    let listed = |filter: &str| format!("statements(filter: {{{filter}}}) {{ edges {{ cursor }} }}");
    let searched = |order: &str| {
        format!("statements(filter: {{search: \"peace\"}}, orderBy: {order}) {{ edges {{ cursor }} }}")
    };
    let network =
        |depth: u32| format!("network(actor: {{slug: \"israel\"}}, depth: {depth}) {{ edges {{ weight }} }}");
    let ladder = [
        ("one by its key", "a part of a text", listed("slug: {equals: \"x\"}"), listed("summary: {contains: \"gaza\"}")),
        (
            "a part that its index finds",
            "one too short for it",
            listed("summary: {contains: \"gaza\"}"),
            listed("summary: {contains: \"ga\"}"),
        ),
        (
            "a part of a text",
            "a part of that of another record",
            listed("summary: {contains: \"ga\"}"),
            listed("not: {speaker: {name: {contains: \"ga\"}}}"),
        ),
        ("by date", "by relevance", searched("DATE_ASC"), searched("RELEVANCE")),
        (
            "a list",
            "its facets",
            listed("summary: {contains: \"ga\"}"),
            "statements(filter: {summary: {contains: \"ga\"}}) { edges { cursor } facets { year { count } topic { count } } }"
                .to_owned(),
        ),
        (
            "those that pass",
            "the first of them in order",
            "statements(filter: {summary: {contains: \"ga\"}}) { totalCount }".to_owned(),
            listed("summary: {contains: \"ga\"}, said: {until: \"1900\"}"),
        ),
        (
            "a facet by a column",
            "one by records behind a link",
            "statements { facets { speaker { count } } }".to_owned(),
            "statements { facets { topic { count } } }".to_owned(),
        ),
        ("near", "far", network(1), network(3)),
        (
            "a word",
            "a letter, which all names are compared with",
            "search(query: \"kazakhstan\") { edges { cursor } }".to_owned(),
            "search(query: \"k\") { edges { cursor } }".to_owned(),
        ),
        (
            "one name",
            "two",
            "matchActors(names: [\"Israel\"]) { name }".to_owned(),
            "matchActors(names: [\"Israel\", \"Kazakhstan\"]) { name }".to_owned(),
        ),
        (
            "now",
            "then",
            "topics(filter: {name: {contains: \"a\"}}) { totalCount }".to_owned(),
            "topics(filter: {name: {contains: \"a\"}}, asOf: {revision: 1}) { totalCount }".to_owned(),
        ),
    ];
    for (little, much, cheap, dear) in ladder {
        let (cheap, dear) = (cost(&anonymous, &cheap).await, cost(&anonymous, &dear).await);
        assert!(cheap < dear, "{little} costs {cheap}, {much} costs {dear}");
    }
}

#[tokio::test]
async fn a_filter_has_limits_of_its_own() {
    let anonymous = anonymous().await;
    let query = "query($filter: StatementFilter) { statements(filter: $filter) { totalCount } }";
    let slugs = |many: usize| json!({ "or": vec![json!({"slug": {"equals": "x"}}); many] });
    let deep = (0..13).fold(slugs(1), |within, level| {
        if level % 2 == 0 { json!({ "speaker": within }) } else { json!({ "statements": within }) }
    });
    let long = "x".repeat(1000);
    for (filter, what, limit, value) in [
        (slugs(201), "predicates", 200, 201),
        (deep, "levels of references", 12, 13),
        (json!({"slug": {"in": vec!["x"; 10_001]}}), "parameters", 10_000, 10_001),
        (json!({"slug": {"in": vec![long; 140]}}), "bytes of text", 131_072, 140_000),
    ] {
        let response = anonymous.response(query, json!({ "filter": filter })).await;
        let error = &response["errors"][0];
        assert!(error["message"].as_str().is_some_and(|message| message.contains(what)), "{error}");
        let extensions = &error["extensions"];
        assert_eq!(
            (&extensions["code"], &extensions["field"], &extensions["limit"], &extensions["value"]),
            (&json!("LIMIT_EXCEEDED"), &json!("filter"), &json!(limit), &json!(value))
        );
    }
    anonymous.query_with(query, json!({ "filter": slugs(200) })).await;
}

#[tokio::test]
async fn a_long_statement_reads_types_that_its_connection_does_not_know_yet() {
    let anonymous = Client::with(&[("DATABASE_POOL_SIZE", "1"), ("MAX_COST", "1000000")]).await;
    let any: Vec<Value> =
        (0..90).map(|number| json!({"name": {"contains": format!("peace {number}")}})).collect();
    let any = [any, vec![json!({"mode": {"isNull": false}})]].concat();
    let filter = json!({"or": any});
    let query = "query($filter: MeetingFilter) { meetings(filter: $filter) { nodes { slug mode status } } }";
    let response = anonymous.response(query, json!({"filter": filter})).await;
    assert_eq!(response.get("errors"), None, "{response}");
}

#[tokio::test]
async fn a_response_has_a_size_at_most_and_a_deep_filter_costs_more() {
    let anonymous =
        Client::with(&[("MAX_COST", "1000000"), ("MAX_ALIASES", "2000"), ("MAX_TOKENS", "20000")]).await;
    // 55 statements of the interview, each field under 600 names.
    let names = (0..600).map(|number| format!("a{number}: summary")).collect::<Vec<_>>().join(" ");
    let page = |number: usize| format!("p{number}: statements(first: 100) {{ nodes {{ ...F }} }}");
    let pages = (0..20).map(page).collect::<Vec<_>>().join(" ");
    let query = format!("{{ {pages} }} fragment F on Statement {{ {names} }}");
    let response = anonymous.response(&query, json!({})).await;
    assert_eq!(
        response["errors"][0]["extensions"]["code"],
        "LIMIT_EXCEEDED",
        "{:.300}",
        response.to_string()
    );
    assert_eq!(response["data"], Value::Null);
    let deep = |depth: u32| {
        let mut filter = "{quote: {contains: \"the\"}}".to_owned();
        for level in 0..depth {
            filter = if level.is_multiple_of(2) {
                format!("{{statements: {filter}}}")
            } else {
                format!("{{speaker: {filter}}}")
            };
        }
        let field = if depth.is_multiple_of(2) { "statements" } else { "actors" };
        format!("{field}(filter: {filter}, first: 1) {{ nodes {{ slug }} }}")
    };
    let [third, sixth] = [cost(&anonymous, &deep(3)).await, cost(&anonymous, &deep(6)).await];
    assert!(sixth > third + 10, "{third} {sixth}");
}

#[tokio::test]
async fn a_variable_used_many_times_is_measured_before_it_is_put_in() {
    let anonymous = Client::with(&[("MAX_TOKENS", "100000"), ("MAX_ALIASES", "1000")]).await;
    let leaves = |many: usize| {
        let leaf = |number| json!({"summary": {"contains": format!("q{number}")}});
        json!({ "f": {"or": (0..many).map(leaf).collect::<Vec<_>>()} })
    };
    for (leaf_count, uses) in [(700, 100), (5000, 900)] {
        let within = format!(
            "query($f: StatementFilter!) {{ statements(filter: {{or: [{}]}}) {{ totalCount }} }}",
            "$f, ".repeat(uses)
        );
        let (code, limit, value) = beyond(&anonymous, &within, leaves(leaf_count)).await;
        assert_eq!((code.as_str(), limit), ("LIMIT_EXCEEDED", 50_000));
        // Each leaf is three values; the filter and its lists are some more.
        assert_eq!(value, (uses * (leaf_count * 3 + 2) + 2) as u64);
    }
    let aliases: Vec<String> =
        (0..90).map(|number| format!("a{number}: statements(filter: $f) {{ totalCount }}")).collect();
    let aliases = aliases.join(" ");
    let beside = format!("query($f: StatementFilter!) {{ {aliases} }}");
    assert_eq!(beyond(&anonymous, &beside, leaves(5000)).await.1, 50_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_request_of_a_server_is_priced_by_the_size_of_its_base() {
    let large = Arc::new(database().await);
    let generated = output(dossier(&[("DATABASE_URL", large.url())]).args([
        "generate",
        "--statements",
        "3000",
        "--seed",
        "1",
    ]));
    assert!(generated.status.success(), "{}", String::from_utf8_lossy(&generated.stderr));
    let counted = "statements(filter: {summary: {contains: \"e\"}}) { totalCount }";
    let (first, of_the_seed) =
        (cost(&Client::of(&large).await, counted).await, cost(&anonymous().await, counted).await);
    assert!(first > of_the_seed, "{first} and {of_the_seed}");
}

#[tokio::test]
async fn introspection_costs_what_its_nested_lists_multiply() {
    let anonymous = anonymous().await;
    let nested = |list: &str, levels: usize| {
        let inner = (0..levels).fold("name".to_owned(), |within, _| list.replace("...", &within));
        format!("{{ __schema {{ types {{ {inner} }} }} rateLimit {{ cost }} }}")
    };
    let points =
        async |query: &str| anonymous.query(query).await["rateLimit"]["cost"].as_u64().expect("a cost");
    let inputs = "inputFields { type { name ... ofType { ... } } }";
    for (list, levels) in [
        (inputs, 4),
        ("possibleTypes { interfaces { ... } }", 4),
        ("fields { type { ofType { ... } } }", 4),
        ("fields { type { possibleTypes { ... } } }", 4),
    ] {
        let (code, limit, value) = beyond(&anonymous, &nested(list, levels), json!({})).await;
        assert_eq!((code.as_str(), limit), ("LIMIT_EXCEEDED", 50_000), "{list}");
        assert!(value > limit);
    }
    // The introspection of tools costs a small part of the limit.
    let everything = "{ __schema { types { kind name description specifiedByURL isOneOf
        fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...Input } type { ...Type } }
        inputFields(includeDeprecated: true) { ...Input } interfaces { ...Type } possibleTypes { ...Type }
        enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } } }
        rateLimit { cost } }
        fragment Input on __InputValue { name description type { ...Type } defaultValue }
        fragment Type on __Type { kind name ofType { kind name ofType { kind name ofType { kind name
            ofType { kind name ofType { kind name } } } } } }";
    let whole = points(everything).await;
    assert!((500..10_000).contains(&whole), "{whole}");
    assert!(points(&nested(inputs, 1)).await < whole);
    assert!(points("{ __type(name: \"Actor\") { name } rateLimit { cost } }").await < 5);
}

#[tokio::test]
async fn nested_references_are_planned_once_each() {
    let anonymous = anonymous().await;
    let log = SqlLog::listen();
    let nested = |levels: usize, level: &dyn Fn(String) -> String| {
        (0..levels).fold("{name: {contains: \"qz\"}}".to_owned(), |within, _| level(within))
    };
    let either = |within: String| format!("{{or: [{{relatedTo: {within}}}, {{kind: {{equals: PLACE}}}}]}}");
    let neither = |within: String| format!("{{not: {{relatedTo: {within}}}}}");
    for filter in [nested(10, &either), nested(10, &neither)] {
        anonymous.query(&format!("{{ actors(filter: {filter}) {{ totalCount }} }}")).await;
        let statements = log.take();
        let [statement] = statements.as_slice() else { panic!("{statements:?}") };
        // Postgres plans an `exists` that it can't join twice, with everything in it.
        assert_eq!((statement.matches("exists").count(), statement.matches("in (select").count()), (0, 10));
    }
    // Only some of many references are joined, because planning joins takes longer with each.
    let beside = "{relatedTo: {name: {contains: \"a\"}}}, ".repeat(20);
    anonymous.query(&format!("{{ actors(filter: {{and: [{beside}]}}) {{ totalCount }} }}")).await;
    let statements = log.take();
    let [statement] = statements.as_slice() else { panic!("{statements:?}") };
    assert_eq!((statement.matches("exists").count(), statement.matches("is true").count()), (6, 14));
}

#[tokio::test]
async fn a_client_that_spent_its_budget_waits() {
    let anonymous = Client::with(&[("RATE_LIMIT", "200")]).await;
    let query =
        "{ viewer { rateLimit { cost limit remaining resetAt } } actors(first: 100) { edges { cursor } } }";
    let data = anonymous.query(query).await;
    let rate_limit = &data["viewer"]["rateLimit"];
    assert_eq!(
        (&rate_limit["cost"], &rate_limit["limit"], &rate_limit["remaining"]),
        (&json!(101), &json!(200), &json!(99))
    );
    let in_microseconds = |moment: &str| moment.ends_with('Z') && moment.len() <= 27;
    assert!(rate_limit["resetAt"].as_str().is_some_and(in_microseconds), "{rate_limit}");
    let post = anonymous.http().post(anonymous.address("/graphql"));
    let response = post.json(&json!({ "query": query })).send().await.expect("a response");
    assert_eq!(response.status(), 429);
    let wait: u64 = response.headers()[RETRY_AFTER].to_str().expect("text").parse().expect("seconds");
    assert!((1..=2).contains(&wait), "{wait}: two points are there within a second");
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    // A cheap request still gets a response.
    anonymous.query("{ __typename }").await;
    let never = anonymous
        .response(
            "{ a: actors(first: 100) { edges { cursor } } b: actors(first: 100) { edges { cursor } } }",
            json!({}),
        )
        .await;
    let error = &never["errors"][0];
    assert_eq!(error["extensions"]["code"], "LIMIT_EXCEEDED", "no wait would help");
    assert_eq!(error["message"], "The request costs 201 points; the limit is 200 points per minute.");
}

/// Running statements of Dossier on the client's database.
async fn running(client: &Client) -> i64 {
    let sql = "select count(*) from pg_stat_activity
               where datname = current_database() and application_name = 'dossier' and state = 'active'";
    sqlx::query_scalar(sql).fetch_one(client.pool()).await.expect("a count")
}

async fn until_running(client: &Client, expected: i64) {
    for _ in 0..100 {
        if running(client).await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} statements run instead of {expected}", running(client).await);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up_with_its_sql() {
    let anonymous = Client::with(&[("REQUEST_TIMEOUT", "0.5")]).await;
    let mut lock = anonymous.pool().begin().await.expect("a transaction");
    sqlx::query("lock table topics in access exclusive mode").execute(&mut *lock).await.expect("locked");
    let api_error = anonymous.api_error("{ topics { edges { node { name } } } }", json!({})).await;
    assert_eq!(api_error.0, "TIMEOUT");
    until_running(&anonymous, 0).await;
    drop(lock);
    anonymous.query("{ topics { edges { node { name } } } }").await;
}

#[tokio::test]
async fn a_client_that_goes_takes_its_sql_along() {
    let anonymous = anonymous().await;
    let mut lock = anonymous.pool().begin().await.expect("a transaction");
    sqlx::query("lock table topics in access exclusive mode").execute(&mut *lock).await.expect("locked");
    let requested = anonymous.http().post(anonymous.address("/graphql"));
    let requested = requested.json(&json!({ "query": "{ topics { edges { node { name } } } }" })).send();
    let impatient = tokio::spawn(requested);
    until_running(&anonymous, 1).await;
    impatient.abort();
    until_running(&anonymous, 0).await;
}

#[tokio::test]
async fn a_refusal_suggests_names_unless_that_is_turned_off() {
    for (suggestions, suggests) in [("true", true), ("false", false)] {
        let client = Client::with(&[("SUGGESTIONS", suggestions)]).await;
        for (wrong, meant) in [
            ("{ actorz { totalCount } }", "`actors`"),
            ("{ actors(fist: 1) { totalCount } }", "`first`"),
            ("{ actors(filter: {nam: {contains: \"a\"}}) { totalCount } }", "`name`"),
            ("{ actors(orderBy: NAME_AZC) { totalCount } }", "`NAME_ASC`"),
            ("{ actors { totalCount @skp(if: true) } }", "`skip`"),
            ("{ ...A } fragment A on Qery { __typename }", "`Query`"),
            ("{ search(query: \"a\") { nodes { title } } }", "`... on Source { title }`"),
        ] {
            let response = client.response(wrong, json!({})).await;
            let message = response["errors"][0]["message"].as_str().expect("a message");
            let meant =
                message.split_once("Did you mean").is_some_and(|(_, proposed)| proposed.contains(meant));
            assert_eq!(meant, suggests, "{message}");
            assert_eq!(message.contains("Did you mean"), suggests, "{message}");
        }
        let query = "query($filter: ActorFilter) { actors(filter: $filter) { totalCount } }";
        for (wrong, meant) in [
            (json!({"nam": {"contains": "a"}}), "`name`"),
            (json!({"kind": {"in": ["PERSON", "COUNTY"]}}), "`COUNTRY`"),
        ] {
            let response = client.response(query, json!({ "filter": wrong })).await;
            let message = response["errors"][0]["message"].as_str().expect("a message");
            let meant =
                message.split_once("Did you mean").is_some_and(|(_, proposed)| proposed.contains(meant));
            assert_eq!(meant, suggests, "{message}");
        }
    }
}
