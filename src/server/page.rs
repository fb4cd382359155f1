//! GraphiQL with example queries, bundled so that it needs no other host.

use std::{
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

use crate::server::{RequestId, not_found};

/// The files of the bundle, compressed with gzip; none if built without npm.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// The page if built without npm: browsers load its scripts from the network.
const FROM_THE_NETWORK: &str = include_str!("page.html");

/// The page may load its own files, and workers that its editor creates.
const POLICY: &str = "default-src 'self'; script-src 'self' blob:; worker-src 'self' blob:; \
                      style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Whether the page is bundled, rather than loaded from the network.
pub fn is_bundled() -> bool {
    !FILES.is_empty()
}

pub fn router() -> Router {
    Router::new().route("/", get(page)).route("/graphiql", get(page)).route("/assets/{*path}", get(asset))
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

async fn page(headers: HeaderMap) -> Response {
    file("index.html", "no-cache", &headers).unwrap_or_else(|| Html(FROM_THE_NETWORK).into_response())
}

async fn asset(RequestId(id): RequestId, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    file(path, "public, max-age=31536000, immutable", &headers).unwrap_or_else(|| not_found(&id))
}

/// A file of the bundle, if it has one of this path.
fn file(path: &str, caching: &'static str, headers: &HeaderMap) -> Option<Response> {
    let (_, compressed) = FILES.iter().find(|(known, _)| *known == path)?;
    let mut hasher = DefaultHasher::new();
    compressed.hash(&mut hasher);
    let etag = format!("\"{:016x}\"", hasher.finish());
    let known = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else if accepts_gzip(headers) {
        ([(CONTENT_ENCODING, "gzip")], Bytes::from_static(compressed)).into_response()
    } else {
        let mut plain = Vec::new();
        match GzDecoder::new(*compressed).read_to_end(&mut plain) {
            Ok(_) => plain.into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    };
    let response_headers = response.headers_mut();
    response_headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    response_headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    response_headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    response_headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response_headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response_headers.insert(ETAG, etag);
    }
    Some(response)
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
