//! The page: GraphiQL with example queries, held by the server and needing nothing from elsewhere.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::Read,
};

use axum::{
    Router,
    body::Bytes,
    extract::Path,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{
            ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
            ETAG, IF_NONE_MATCH, VARY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use flate2::read::GzDecoder;

/// The files of the bundle, each compressed with gzip; none where it was built without npm.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// The page where it was built without npm: a browser loads its scripts from the network.
const FROM_THE_NETWORK: &str = include_str!("page.html");

/// What the page may load: its own files, and workers that its editor makes of them.
const POLICY: &str = "default-src 'self'; script-src 'self' blob:; worker-src 'self' blob:; \
                      style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Whether the page is the server's own, rather than one that a browser loads from the network.
pub fn is_bundled() -> bool {
    !FILES.is_empty()
}

/// The page at `/` and `/graphiql`, and its files.
pub fn router() -> Router {
    Router::new().route("/", get(page)).route("/graphiql", get(page)).route("/assets/{*path}", get(asset))
}

/// The way to the page, for whoever comes to the endpoint of the API with nothing to ask: a browser, or
/// somebody who typed a slash behind its address. Relative, as a proxy may have the server below a path.
pub(super) fn instead(path: &str, headers: &HeaderMap) -> Option<Response> {
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let is_browser = accepted.any(|accepted| accepted.contains("text/html"));
    let address = if path.ends_with('/') { "../graphiql" } else { "graphiql" };
    let response = || ([(VARY, HeaderValue::from_static("accept"))], Redirect::to(address)).into_response();
    (is_browser || path.ends_with('/')).then(response)
}

async fn page(headers: HeaderMap) -> Response {
    if is_bundled() {
        file("index.html", "no-cache", &headers)
    } else {
        Html(FROM_THE_NETWORK).into_response()
    }
}

/// A file whose name changes with its content.
async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    file(&format!("assets/{path}"), "public, max-age=31536000, immutable", &headers)
}

fn file(path: &str, caching: &'static str, headers: &HeaderMap) -> Response {
    let Some((_, compressed)) = FILES.iter().find(|(known, _)| *known == path) else {
        return crate::server::not_found("");
    };
    let mut hasher = DefaultHasher::new();
    compressed.hash(&mut hasher);
    let etag = format!("\"{:016x}\"", hasher.finish());
    let known = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else if takes_gzip(headers) {
        ([(CONTENT_ENCODING, "gzip")], Bytes::from_static(compressed)).into_response()
    } else {
        let mut plain = Vec::new();
        match GzDecoder::new(*compressed).read_to_end(&mut plain) {
            Ok(_) => plain.into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    };
    let told = response.headers_mut();
    told.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    told.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    told.insert(VARY, HeaderValue::from_static("accept-encoding"));
    told.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    told.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        told.insert(ETAG, etag);
    }
    response
}

/// Whether a client takes an answer compressed with gzip.
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
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
    fn the_page_from_the_network_asks_this_server_and_keeps_no_history() {
        assert!(FROM_THE_NETWORK.contains("new URL('/graphql', window.location.origin)"));
        assert!(FROM_THE_NETWORK.contains("plugins = [explorerPlugin()]"));
        assert!(!FROM_THE_NETWORK.contains("HISTORY_PLUGIN"));
    }
}
