//! GraphQL over HTTP: methods, media types, statuses.

use reqwest::{
    Method,
    header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde_json::{Value, json};

use crate::support::{Client, anonymous};

const NEW: &str = "application/graphql-response+json";

fn headers(accept: &'static str, content_type: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers
}

fn body(query: &str) -> String {
    json!({ "query": query }).to_string()
}

#[tokio::test]
async fn a_response_has_the_requested_media_type() {
    let anonymous = anonymous().await;
    for (accept, expected) in [
        (NEW, NEW),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("application/json;q=0.5, application/graphql-response+json", NEW),
        ("text/html, application/*;q=0.1", "application/json"),
    ] {
        let response = anonymous.post(headers(accept, "application/json"), body("{ __typename }")).await;
        assert_eq!(response.status(), 200, "{accept}");
        let found = response.headers()[CONTENT_TYPE].to_str().expect("text").to_owned();
        assert!(found.starts_with(expected), "{accept}: {found}");
        assert_eq!(response.text().await.expect("text"), r#"{"data":{"__typename":"Query"}}"#);
    }
}

#[tokio::test]
async fn the_status_reports_errors_if_the_media_type_requires_it() {
    let anonymous = anonymous().await;
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ actors(first: 1000) { totalCount } }", "BAD_USER_INPUT"),
        ("mutation { nothing }", "GRAPHQL_VALIDATION_FAILED"),
    ] {
        for (accept, status) in [(NEW, 400), ("application/json", 200)] {
            let response = anonymous.post(headers(accept, "application/json"), body(query)).await;
            assert_eq!(response.status(), status, "{query}");
            let body: Value = response.json().await.expect("JSON");
            assert_eq!(body["errors"][0]["extensions"]["code"], code, "{body}");
            assert_eq!(body.get("data"), None, "nothing was run");
        }
    }
}

#[tokio::test]
async fn what_is_not_a_request_is_refused_with_a_code() {
    let anonymous = anonymous().await;
    let json = "application/json";
    for (accept, content_type, body, status) in [
        ("text/html", json, body("{ __typename }"), 406),
        (json, "text/plain", body("{ __typename }"), 415),
        (json, "application/x-www-form-urlencoded", "query={__typename}".to_owned(), 415),
        (json, "application/json; charset=utf-16", body("{ __typename }"), 415),
        (json, json, "not json".to_owned(), 400),
        (json, json, "{}".to_owned(), 400),
        (json, json, json!({"query": 1}).to_string(), 400),
        (json, json, json!({"query": "{ __typename }", "variables": []}).to_string(), 400),
        (json, json, format!("[{}]", body("{ __typename }")), 400),
    ] {
        let response = anonymous.post(headers(accept, content_type), body.clone()).await;
        assert_eq!(response.status(), status, "{accept} {content_type} {body}");
        let body: Value = response.json().await.expect("JSON");
        assert_eq!(body["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{body}");
    }
}

#[tokio::test]
async fn a_parameter_of_another_type_is_named() {
    let anonymous = anonymous().await;
    for (body, field) in [
        (json!({"query": 1}), "query"),
        (json!({"query": "{ __typename }", "operationName": {}}), "operationName"),
        (json!({"query": "{ __typename }", "variables": "x"}), "variables"),
        (json!({"query": "{ __typename }", "extensions": {"cache": "yes"}}), "extensions.cache"),
    ] {
        let post = anonymous.http().post(anonymous.address("/graphql"));
        let response = post.json(&body).send().await.expect("a response");
        assert_eq!(response.status(), 400, "{body}");
        let body: Value = response.json().await.expect("JSON");
        assert_eq!(body["errors"][0]["extensions"]["field"], field, "{body}");
    }
}

#[tokio::test]
async fn a_compressed_body_is_refused_as_such() {
    let anonymous = anonymous().await;
    let mut compressed = headers("application/json", "application/json");
    compressed.insert("content-encoding", "gzip".parse().expect("a value"));
    assert_eq!(anonymous.post(compressed, "nonsense").await.status(), 415);
}

#[tokio::test]
async fn get_runs_queries_only() {
    let anonymous = anonymous().await;
    let response = anonymous.get("/graphql?query=query%20A($n:Int){actors(first:$n){__typename}}%20query%20B{__typename}&operationName=A&variables=%7B%22n%22:1%7D").await;
    assert_eq!(response.status(), 200);
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["data"]["actors"]["__typename"], "ActorConnection");
    assert_eq!(anonymous.get("/graphql").await.status(), 400);
    assert_eq!(anonymous.get("/graphql?query={__typename}&variables=nonsense").await.status(), 400);
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let requested = anonymous.http().request(method, anonymous.address("/graphql"));
        let refused = requested.send().await.expect("a response");
        assert_eq!(refused.status(), 405);
        assert_eq!(refused.headers()[ALLOW], "GET, HEAD, POST, OPTIONS");
    }
}

#[tokio::test]
async fn an_operation_is_chosen_by_its_name() {
    let anonymous = anonymous().await;
    let document = "query A { a: __typename } query B { b: __typename }";
    for (name, code) in
        [(json!("A"), None), (json!("C"), Some("BAD_USER_INPUT")), (Value::Null, Some("BAD_USER_INPUT"))]
    {
        let body = json!({"query": document, "operationName": name}).to_string();
        let response: Value =
            anonymous.post(headers(NEW, "application/json"), body).await.json().await.expect("JSON");
        assert_eq!(response["errors"][0]["extensions"]["code"].as_str(), code, "{response}");
    }
}

#[tokio::test]
async fn variables_are_what_the_operation_declares() {
    let anonymous = anonymous().await;
    let query = "query($n: Int!, $kinds: [ActorKind!], $by: ActorBy) {
        actors(first: $n, filter: {kind: {in: $kinds}}) { totalCount }
        actor(by: {slug: \"none\"}) { name }
        other: actors(filter: {slug: {equals: \"x\"}}) { __typename }
        by: actor(by: $by) { name } }"
        .replace("$by: ActorBy)", "$by: ActorBy! = {slug: \"israel\"})");
    let good = anonymous.query_with(&query, json!({"n": 1, "kinds": "COUNTRY"})).await;
    assert_eq!(good["by"]["name"], "Israel", "a default, and one value where a list is taken");
    for (variables, field) in [
        (json!({}), "$n"),
        (json!({"n": null}), "$n"),
        (json!({"n": "1"}), "$n"),
        (json!({"n": 1.5}), "$n"),
        (json!({"n": 3_000_000_000_u32}), "$n"),
        (json!({"n": 1, "kinds": ["PERSON", "KING"]}), "$kinds[1]"),
        (json!({"n": 1, "kinds": [null]}), "$kinds[0]"),
        (json!({"n": 1, "by": {"slug": "a", "id": "b"}}), "$by"),
        (json!({"n": 1, "by": {"slug": null}}), "$by"),
        (json!({"n": 1, "by": {"name": "a"}}), "$by.name"),
        (json!({"n": 1, "by": "a"}), "$by"),
    ] {
        let api_error = anonymous.api_error(&query, variables.clone()).await;
        assert_eq!(api_error, ("BAD_USER_INPUT".into(), Some(field.into())), "{variables}");
    }
}

#[tokio::test]
async fn variables_stand_only_where_their_type_fits() {
    let anonymous = anonymous().await;
    for (query, variables, code) in [
        ("query($v: String) { actors(first: $v) { __typename } }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
        ("query($v: ID) { node(id: $v) { id } }", json!({"v": "a"}), "GRAPHQL_VALIDATION_FAILED"),
        (
            "query($v: [ActorKind]!) { ...F } fragment F on Query { actors(filter: {kind: {in: $v}}) { __typename } }",
            json!({"v": []}),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("query($v: ID = \"a\") { node(id: $v) { id } }", json!({"v": null}), "BAD_USER_INPUT"),
        (
            "query($v: Boolean = true) { actors @skip(if: $v) { __typename } }",
            json!({"v": null}),
            "BAD_USER_INPUT",
        ),
    ] {
        assert_eq!(anonymous.api_error(query, variables).await.0, code, "{query}");
    }
    let one_as_a_list = "query($v: [ID!] = 5) { nodes(ids: $v) { id } }";
    assert_eq!(anonymous.query(one_as_a_list).await, json!({"nodes": [null]}), "a default is coerced too");
}

#[tokio::test]
async fn skip_and_include_follow_their_variables() {
    let anonymous = anonymous().await;
    let query = "query($yes: Boolean!) { __typename @skip(if: $yes) ...F @include(if: $yes) }
                 fragment F on Query { actors(first: 0) { __typename } }";
    for (yes, expected) in [
        (true, json!({"actors": {"__typename": "ActorConnection"}})),
        (false, json!({"__typename": "Query"})),
        (true, json!({"actors": {"__typename": "ActorConnection"}})),
    ] {
        assert_eq!(anonymous.query_with(query, json!({"yes": yes})).await, expected);
    }
}

#[tokio::test]
async fn a_document_that_costs_too_much_is_refused_before_it_is_read() {
    let anonymous =
        Client::with(&[("MAX_TOKENS", "100"), ("MAX_DEPTH", "5"), ("MAX_BODY_BYTES", "4096")]).await;
    let deep = "{ actors { edges { node { statements { edges { cursor } } } } } }";
    assert_eq!(anonymous.api_error(deep, json!({})).await.0, "LIMIT_EXCEEDED");
    let long = format!("{{ {} }}", "__typename ".repeat(101));
    assert_eq!(anonymous.api_error(&long, json!({})).await.0, "LIMIT_EXCEEDED");
    let large = anonymous.post(headers("application/json", "application/json"), " ".repeat(5000)).await;
    assert_eq!(large.status(), 413);
    let response: Value = large.json().await.expect("JSON");
    assert_eq!(response["errors"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
}

#[tokio::test]
async fn health_reports_whether_the_database_responds() {
    let anonymous = anonymous().await;
    assert_eq!(anonymous.get("/health/live").await.status(), 200);
    assert_eq!(anonymous.get("/health/ready").await.status(), 200);
}

#[tokio::test]
async fn a_request_keeps_the_name_its_client_gave_it() {
    let anonymous = anonymous().await;
    let mut named = headers("application/json", "application/json");
    named.insert("x-request-id", HeaderValue::from_static("frontend-7"));
    let response = anonymous.post(named, body("{ nothing }")).await;
    assert_eq!(response.headers()["x-request-id"], "frontend-7");
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["errors"][0]["extensions"]["requestId"], "frontend-7");
}

#[tokio::test]
async fn introspection_can_be_turned_off() {
    let closed = Client::with(&[("INTROSPECTION", "false")]).await;
    let api_error = closed.api_error("{ __schema { queryType { name } } }", json!({})).await;
    assert_eq!(api_error.0, "FORBIDDEN");
    assert_eq!(closed.query("{ __typename }").await, json!({"__typename": "Query"}));
    let schema = closed.get("/schema.graphql").await;
    assert_eq!(schema.status(), 403);
    let refused: Value = schema.json().await.expect("JSON");
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn a_document_that_is_not_graphql_is_refused_in_words() {
    let anonymous = anonymous().await;
    let response = anonymous.response("{\n  actors(first: 3 {\n    totalCount\n  }\n}", json!({})).await;
    let error = &response["errors"][0];
    assert_eq!(error["message"], "Syntax error: expected the name of an argument or `)`, found `{`.");
    assert_eq!(error["locations"], json!([{"line": 2, "column": 19}]));
    assert_eq!(error["extensions"]["code"], "GRAPHQL_PARSE_FAILED");
}

#[tokio::test]
async fn descriptions_and_all_of_unicode_stand_in_documents() {
    let anonymous = anonymous().await;
    let query = r#""Who it is." query One("Its slug." $slug: String!, "Whether its name is wanted." $named: Boolean!) {
        actor(by: {slug: $slug}) { ...F }
        found: suggest(prefix: "\u{1F600}\uD83D\uDE00") { text }
      }
      """ What is told of it. """
      fragment F on Actor { kind ... @include(if: $named) { name } }"#;
    let response = anonymous.query_with(query, json!({"slug": "israel", "named": true})).await;
    assert_eq!(response, json!({"actor": {"kind": "COUNTRY", "name": "Israel"}, "found": []}));
    let wrong = anonymous.response("\"Over\n lines\" { nothing }", json!({})).await;
    assert_eq!(wrong["errors"][0]["locations"], json!([{"line": 1, "column": 6}]));
    let wrong = anonymous.response("\"\"\"Over\nlines\"\"\" query { nothing }", json!({})).await;
    assert_eq!(wrong["errors"][0]["locations"], json!([{"line": 2, "column": 18}]));
}
