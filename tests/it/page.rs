//! The explorer and GraphiQL.

use dossier::server::page;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};

use crate::support::{Client, anonymous};

#[tokio::test]
async fn the_page_stands_at_all_its_addresses() {
    let anonymous = anonymous().await;
    for path in ["/", "/graphiql", "/search?q=peace", "/actors/kazakhstan", "/sources/talks/read"] {
        let response = anonymous.get(path).await;
        assert_eq!(response.status(), 200);
        assert!(response.headers()[CONTENT_TYPE].to_str().expect("text").starts_with("text/html"));
        assert!(response.text().await.expect("text").contains("Dossier"));
    }
}

#[tokio::test]
async fn every_address_of_the_explorer_finds_its_files_below_any_path() {
    let anonymous = anonymous().await;
    if !page::is_bundled() {
        return;
    }
    for (path, root) in [
        ("/", "./"),
        ("/search", "./"),
        ("/positions", "./"),
        ("/motions/ceasefire", "../"),
        ("/sources/talks/read", "../../"),
    ] {
        let response = anonymous.get(path).await;
        let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().expect("text").to_owned();
        assert!(policy.starts_with("default-src 'self'; ") && !policy.contains("unsafe"), "{policy}");
        let html = response.text().await.expect("text");
        assert!(html.contains(&format!(r#"<base href="{root}" />"#)), "{path}: {html}");
    }
    for path in ["/nothing", "/actor/kazakhstan", "/revisions/1"] {
        assert_eq!(anonymous.get(path).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn the_documents_of_the_explorer_are_trusted() {
    let only = Client::with(&[("TRUSTED_DOCUMENTS_ONLY", "true")]).await;
    for (hash, _) in page::documents() {
        let answer = only.get(&format!("/graphql?documentId={hash}")).await;
        let answer: serde_json::Value = answer.json().await.expect("JSON");
        let code = &answer["errors"][0]["extensions"]["code"];
        // Without variables, some are refused later.
        assert!(code != "FORBIDDEN" && code != "PERSISTED_QUERY_NOT_FOUND", "{answer}");
    }
}

#[tokio::test]
async fn a_bundled_page_names_nothing_outside_and_its_files_are_there() {
    let anonymous = anonymous().await;
    let html = anonymous.get("/").await.text().await.expect("text");
    if !page::is_bundled() {
        assert!(html.contains("/graphql"), "the page from the network queries this server");
        return;
    }
    assert!(!html.contains("://"), "{html}");
    let mut files: Vec<&str> = html.split('"').filter(|part| part.starts_with("./assets/")).collect();
    files.dedup();
    assert!(files.len() >= 3, "script, style, icon: {files:?}");
    for file in files {
        let path = file.trim_start_matches('.');
        let plain = anonymous.get(path).await;
        assert_eq!(plain.status(), 200, "{path}");
        assert_eq!(plain.headers().get(CONTENT_ENCODING), None, "it was not requested");
        let etag = plain.headers()[ETAG].clone();
        let requested = || anonymous.http().get(anonymous.address(path));
        let compressed = requested().header(ACCEPT_ENCODING, "br, gzip").send().await.expect("a response");
        assert_eq!(compressed.headers()[CONTENT_ENCODING], "gzip");
        let unchanged = requested().header(IF_NONE_MATCH, etag).send().await.expect("a response");
        assert_eq!(unchanged.status(), 304);
    }
    assert_eq!(anonymous.get("/assets/none.js").await.status(), 404);
}

/// The `accept` header of a browser.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn browse(client: &Client, path: &str) -> reqwest::Response {
    let requested = client.http().get(client.address(path)).header(ACCEPT, BROWSER);
    requested.send().await.expect("a response")
}

#[tokio::test]
async fn a_browser_at_the_endpoint_of_the_api_is_led_to_the_page() {
    let anonymous = anonymous().await;
    for path in ["/graphql", "/graphql/", "/graphql?"] {
        let response = browse(&anonymous, path).await;
        assert_eq!((response.status().as_u16(), response.url().path()), (200, "/graphiql"), "{path}");
    }
    assert_eq!(anonymous.get("/graphql/").await.url().path(), "/graphiql", "whatever it takes");
    let requested = browse(&anonymous, "/graphql?query={__typename}").await;
    assert_eq!(requested.text().await.expect("text"), r#"{"data":{"__typename":"Query"}}"#);
    assert_eq!(anonymous.get("/graphql").await.status(), 400, "a client that forgot its query gets an error");
    let slashed = anonymous.http().post(anonymous.address("/graphql/"));
    let slashed = slashed.json(&serde_json::json!({"query": "{ __typename }"})).send().await;
    assert_eq!(slashed.expect("a response").status(), 200);
}

#[tokio::test]
async fn the_page_can_be_turned_off() {
    let closed = Client::with(&[("GRAPHIQL", "false")]).await;
    assert_eq!(browse(&closed, "/graphql").await.status(), 400);
    assert_eq!(browse(&closed, "/graphql/").await.status(), 400);
    assert_eq!(closed.get("/graphiql").await.status(), 404);
    assert_eq!(closed.get("/").await.status(), 404);
}
