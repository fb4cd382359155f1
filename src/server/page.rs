//! The explorer, and GraphiQL with example queries, bundled so that they need no other host.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    io::Read,
};

use axum::{
    Router,
    body::Bytes,
    http::{
        HeaderMap, HeaderValue, StatusCode, Uri,
        header::{
            ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
            ETAG, IF_NONE_MATCH, VARY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use flate2::read::GzDecoder;

use crate::{
    engine::prepare::trusted_documents,
    model::Catalog,
    server::{RequestId, not_found},
};

/// The files of the bundle, compressed with gzip; none if built without npm.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// The page if built without npm: browsers load its scripts from the network.
const FROM_THE_NETWORK: &str = include_str!("page.html");

/// The explorer runs and loads only what the server bundles.
const EXPLORER: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; \
                        form-action 'none'; frame-ancestors 'none'";

/// GraphiQL may also create workers and styles for its editor.
const GRAPHIQL: &str = "default-src 'self'; script-src 'self' blob:; worker-src 'self' blob:; \
                        style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; \
                        base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The first words of the explorer's addresses, besides the root fields of lists: `/search`, `/actors/SLUG`.
const VIEWS: [&str; 7] = ["changes", "network", "new", "numbers", "search", "sign-in", "timeline"];

/// Where the explorer's HTML says what its addresses are relative to.
const BASE: &str = r#"<base href="./" />"#;

const REVALIDATED: &str = "no-cache";
const FOREVER: &str = "public, max-age=31536000, immutable";

/// Whether the page is bundled, rather than loaded from the network.
pub fn is_bundled() -> bool {
    !FILES.is_empty()
}

/// The documents that the explorer requests by their hashes.
pub fn documents() -> Vec<(String, String)> {
    let manifest = text("documents.json");
    manifest.map(|text| trusted_documents::parse(&text).expect("a manifest")).unwrap_or_default()
}

pub fn router(catalog: &Catalog) -> Router {
    let records = catalog.object_types.iter().filter(|object_type| object_type.is_record());
    let lists = records.filter_map(|object_type| object_type.root.as_ref()).map(|root| root.many);
    let first: BTreeSet<&str> = VIEWS.into_iter().chain(lists).collect();
    let mut router = Router::new().route("/", get(explorer));
    for first in first {
        let below = format!("/{first}/{{*rest}}");
        router = router.route(&format!("/{first}"), get(explorer)).route(&below, get(explorer));
    }
    router.route("/graphiql", get(graphiql)).route("/assets/{*path}", get(asset))
}

/// A redirect to the page for browsers that open the endpoint without a query. Relative, because a proxy may serve it
/// below a path.
pub(super) fn instead(path: &str, headers: &HeaderMap) -> Option<Response> {
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let is_browser = accepted.any(|accepted| accepted.contains("text/html"));
    let address = if path.ends_with('/') { "../graphiql" } else { "graphiql" };
    let response = || ([(VARY, HeaderValue::from_static("accept"))], Redirect::to(address)).into_response();
    (is_browser || path.ends_with('/')).then(response)
}

/// The explorer, at any of its addresses. They are relative to the root of the server, because a proxy may serve it
/// below a path.
async fn explorer(uri: Uri, headers: HeaderMap) -> Response {
    let Some(html) = text("index.html") else { return from_the_network() };
    let depth = uri.path().matches('/').count() - 1;
    let root = if depth == 0 { "./".to_owned() } else { "../".repeat(depth) };
    let html = html.replacen(BASE, &BASE.replace("./", &root), 1);
    let known = unchanged(html.as_bytes(), &headers);
    let (etag, response) = known.unwrap_or_else(|etag| (etag, html.into_response()));
    described(response, "index.html", &etag, EXPLORER, REVALIDATED)
}

async fn graphiql(headers: HeaderMap) -> Response {
    file("graphiql.html", GRAPHIQL, REVALIDATED, &headers).unwrap_or_else(from_the_network)
}

fn from_the_network() -> Response {
    Html(FROM_THE_NETWORK).into_response()
}

async fn asset(RequestId(id): RequestId, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    // The policy of an asset is that of the workers which it starts.
    file(path, GRAPHIQL, FOREVER, &headers).unwrap_or_else(|| not_found(&id))
}

/// The compressed file of the bundle at a path.
fn compressed(path: &str) -> Option<&'static [u8]> {
    FILES.iter().find(|(known, _)| *known == path).map(|(_, compressed)| *compressed)
}

/// The text of a file of the bundle.
fn text(path: &str) -> Option<String> {
    let mut text = String::new();
    GzDecoder::new(compressed(path)?).read_to_string(&mut text).ok().map(|_| text)
}

/// A response with a file of the bundle.
fn file(path: &str, policy: &'static str, caching: &'static str, headers: &HeaderMap) -> Option<Response> {
    let compressed = compressed(path)?;
    let (etag, response) = unchanged(compressed, headers).unwrap_or_else(|etag| {
        let response = if accepts_gzip(headers) {
            ([(CONTENT_ENCODING, "gzip")], Bytes::from_static(compressed)).into_response()
        } else {
            let mut plain = Vec::new();
            match GzDecoder::new(compressed).read_to_end(&mut plain) {
                Ok(_) => plain.into_response(),
                Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }
        };
        (etag, response)
    });
    Some(described(response, path, &etag, policy, caching))
}

/// The response to a browser that has this content already; else the content's entity tag.
fn unchanged(content: &[u8], headers: &HeaderMap) -> Result<(String, Response), String> {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    let etag = format!("\"{:016x}\"", hasher.finish());
    let is_known = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    if is_known { Ok((etag, StatusCode::NOT_MODIFIED.into_response())) } else { Err(etag) }
}

/// A response with the headers of a file of the bundle.
fn described(
    mut response: Response,
    path: &str,
    etag: &str,
    policy: &'static str,
    caching: &'static str,
) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    if let Ok(etag) = HeaderValue::from_str(etag) {
        headers.insert(ETAG, etag);
    }
    response
}

pub(super) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim() == "gzip" && !matches!(quality.trim(), "q=0" | "q=0.0")
    })
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("ttf") => "font/ttf",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_from_the_network_queries_this_server_and_stores_no_history() {
        assert!(FROM_THE_NETWORK.contains("new URL('/graphql', window.location.origin)"));
        assert!(FROM_THE_NETWORK.contains("plugins = [explorerPlugin()]"));
        assert!(!FROM_THE_NETWORK.contains("HISTORY_PLUGIN"));
    }
}
