//! GraphQL over HTTP, as the specification of the GraphQL foundation has it: POST with JSON, and
//! GET for queries.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    body::{Body, Bytes},
    extract::{
        ConnectInfo, DefaultBodyLimit, FromRequest, FromRequestParts, Request, State,
        rejection::BytesRejection, ws::WebSocketUpgrade,
    },
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{
            ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
            IF_NONE_MATCH, RETRY_AFTER, UPGRADE, VARY, WWW_AUTHENTICATE,
        },
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    App, RequestId,
    authentication::Shows,
    operation::{Parameters, Place, Subscription},
    page::takes_gzip,
    sse, websocket,
};
use crate::{
    cache::{Given, Kept},
    caller::Identity,
    error::{Code, Refusal},
    query::Prepared,
};

/// How an answer is labelled, and with it how refusals are told: the newer type tells them by the
/// status, the older always answers 200.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Media {
    GraphqlResponse,
    Json,
    /// Events of which each holds a result.
    Events,
}

impl Media {
    fn content_type(self) -> &'static str {
        match self {
            Media::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            // Refused before it was a request of GraphQL, an operation has no events.
            Media::Json | Media::Events => "application/json; charset=utf-8",
        }
    }

    /// The status of a refused request; who must show another key, or try again, is told so in either type.
    pub(super) fn status_of(self, refusal: &Refusal) -> StatusCode {
        match (refusal.code, self) {
            (Code::Unauthenticated, _) => StatusCode::UNAUTHORIZED,
            (Code::RateLimited, _) => StatusCode::TOO_MANY_REQUESTS,
            (Code::Internal, _) => StatusCode::INTERNAL_SERVER_ERROR,
            (Code::Unavailable | Code::TooSlow, _) => StatusCode::SERVICE_UNAVAILABLE,
            (Code::Timeout, _) => StatusCode::GATEWAY_TIMEOUT,
            (Code::Forbidden, Media::GraphqlResponse) => StatusCode::FORBIDDEN,
            (_, Media::GraphqlResponse) => StatusCode::BAD_REQUEST,
            (_, Media::Json | Media::Events) => StatusCode::OK,
        }
    }

    /// Whether a client takes events, be it that it prefers another type.
    fn accepts_events(headers: &HeaderMap) -> bool {
        let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        accepted.any(|accepted| accepted.contains(sse::MEDIA_TYPE))
    }

    /// The type that a client prefers of those there are; none if it takes neither.
    fn negotiate(headers: &HeaderMap) -> Option<Media> {
        let accepted: Vec<&str> = headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        if accepted.is_empty() {
            return Some(Media::Json);
        }
        let mut best: Option<(f32, Media)> = None;
        for range in accepted {
            let Ok(range) = range.trim().parse::<mime::Mime>() else { continue };
            let media = match range.essence_str() {
                "application/graphql-response+json" => Media::GraphqlResponse,
                "application/json" | "application/*" | "*/*" => Media::Json,
                sse::MEDIA_TYPE => Media::Events,
                _ => continue,
            };
            let quality =
                range.get_param("q").map_or(Some(1.0), |quality| quality.as_str().parse::<f32>().ok());
            let utf8 = range.get_param("charset").is_none_or(|charset| charset == "utf-8");
            if let Some(quality) = quality.filter(|quality| utf8 && *quality > 0.0)
                && best.is_none_or(|(best, _)| quality > best)
            {
                best = Some((quality, media));
            }
        }
        best.map(|(_, media)| media)
    }
}

/// The parameters of a request, in an address: what is JSON there is text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AddressParameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
    document_id: Option<String>,
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    RequestId(request_id): RequestId,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let shows = Shows::by(&parts.headers);
    if parts.headers.contains_key(UPGRADE)
        && let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut parts, &()).await
    {
        if !websocket::may_connect(&app, &parts.headers) {
            let refusal = Refusal::new(Code::Forbidden, "Pages of this origin may not ask here.");
            return refuse(StatusCode::FORBIDDEN, Media::Json, &[refusal], &request_id);
        }
        return websocket::open(app, upgrade, shows, client.ip());
    }
    let Parts { method, headers, uri, .. } = parts;
    let Some(media) = Media::negotiate(&headers) else {
        let refusal = Refusal::new(
            Code::BadUserInput,
            "Accept `application/graphql-response+json`, `application/json` or `text/event-stream`.",
        );
        return refuse(StatusCode::NOT_ACCEPTABLE, Media::Json, &[refusal], &request_id);
    };
    let mut reply = Reply { media, request_id, tells_cache: false };
    let parameters = if method == Method::GET {
        from_address(uri.query().unwrap_or_default())
    } else if method == Method::POST {
        if !is_json(&headers) {
            let refusal = Refusal::new(
                Code::BadUserInput,
                "The content type must be `application/json`, in UTF-8 and not compressed.",
            );
            return reply.refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, &[refusal]);
        }
        match read(body, app.max_body_bytes).await {
            Ok(body) => from_body(&body),
            Err(rejection) => {
                let refusal = if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                    let length =
                        headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
                    // Sent in pieces, it was read to the limit and no further.
                    Refusal::beyond("bytes", app.max_body_bytes, length.unwrap_or(app.max_body_bytes + 1))
                } else {
                    Refusal::new(Code::BadUserInput, "The body can't be read.")
                };
                return reply.refused(rejection.status(), &[refusal]);
            }
        }
    } else {
        let refusal = Refusal::new(Code::BadUserInput, "Ask with GET or POST.");
        let mut response = reply.refused(StatusCode::METHOD_NOT_ALLOWED, &[refusal]);
        response.headers_mut().insert(ALLOW, "GET, POST".parse().expect("a header value"));
        return response;
    };
    let parameters = match parameters {
        Ok(parameters) => parameters,
        Err(refusal) => return reply.refused(StatusCode::BAD_REQUEST, &[refusal]),
    };
    reply.tells_cache = parameters.asks_for_cache();
    let identity = match shows.identify(&app, client.ip()).await {
        Ok(identity) => identity,
        Err(refusal) => return reply.refused_for(&refusal),
    };
    let prepared = match app.engine.prepare(parameters.question()).await {
        Ok(prepared) => prepared,
        Err(refusals) => {
            // Asked for without a document at all, it was no GraphQL request.
            let is_request = refusals.iter().all(|refusal| refusal.field.as_deref() != Some("query"));
            let status = if is_request { media.status_of(&refusals[0]) } else { StatusCode::BAD_REQUEST };
            return reply.refused(status, &refusals);
        }
    };
    if prepared.is_subscription() {
        if !Media::accepts_events(&headers) {
            let message = "Subscriptions are told as `text/event-stream`, or over a WebSocket.";
            return reply.refused(StatusCode::NOT_ACCEPTABLE, &[Refusal::new(Code::BadUserInput, message)]);
        }
        reply.media = Media::Events;
        return match subscribe(&app, &prepared, identity, client.ip(), &headers).await {
            Ok(subscription) => sse::told(app, subscription, shows, reply.request_id),
            Err(refusal) => reply.refused_for(&refusal),
        };
    }
    if method == Method::GET && !prepared.is_query() {
        let refusal = Refusal::new(Code::BadUserInput, "Mutations can't be asked with GET.");
        let mut response = reply.refused(StatusCode::METHOD_NOT_ALLOWED, &[refusal]);
        response.headers_mut().insert(ALLOW, "POST".parse().expect("a header value"));
        return response;
    }
    let place = app.place(&prepared, &identity);
    let kept = place.as_ref().and_then(Place::kept);
    let caching = (method == Method::GET).then(|| Caching { control: app.cache_control.clone() });
    if let (Some(kept), Some(caching)) = (&kept, &caching)
        && let Some(unchanged) = caching.unchanged(kept, &headers, media)
    {
        return unchanged;
    }
    match app.ask(&prepared, &identity, client.ip(), place.as_ref(), kept).await {
        Ok(given) => reply.given(given, place.map(|place| place.revision), caching, &headers),
        Err(refusal) => reply.refused_for(&refusal),
    }
}

async fn subscribe(
    app: &Arc<App>,
    prepared: &Prepared,
    identity: Identity,
    client: IpAddr,
    headers: &HeaderMap,
) -> Result<Subscription, Refusal> {
    let (bound, caller) = app.admit(prepared, identity, client)?;
    app.subscribe(bound, caller, sse::resumed(headers)?).await
}

/// What clients and intermediaries may do with the answer to a GET.
struct Caching {
    control: HeaderValue,
}

impl Caching {
    /// The entity tag of one form of an answer.
    fn tag(kept: &Kept, media: Media, compressed: bool) -> HeaderValue {
        let media = if media == Media::GraphqlResponse { "-r" } else { "" };
        let encoding = if compressed { "-gzip" } else { "" };
        HeaderValue::try_from(format!("\"{}{media}{encoding}\"", kept.tag())).expect("a header value")
    }

    /// What a client is told that has the answer already.
    fn unchanged(&self, kept: &Kept, headers: &HeaderMap, media: Media) -> Option<Response> {
        let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let known: Vec<&str> =
            known.flat_map(|value| value.split(',')).map(|tag| tag.trim().trim_start_matches("W/")).collect();
        if known.is_empty() {
            return None;
        }
        let forms = [false, true].map(|compressed| Self::tag(kept, media, compressed));
        let tag = forms.into_iter().find(|tag| known.iter().any(|known| *known == "*" || *known == tag))?;
        Some((StatusCode::NOT_MODIFIED, self.headers(tag)).into_response())
    }

    fn headers(&self, tag: HeaderValue) -> [(HeaderName, HeaderValue); 3] {
        let varies = HeaderValue::from_static("accept, accept-encoding, authorization");
        [(ETAG, tag), (CACHE_CONTROL, self.control.clone()), (VARY, varies)]
    }
}

/// The bytes of a body, so many at most.
async fn read(body: Body, most: usize) -> Result<Bytes, BytesRejection> {
    let mut request = Request::new(body);
    DefaultBodyLimit::max(most).apply(&mut request);
    Bytes::from_request(request, &()).await
}

/// JSON as it is: what was compressed on the way is not taken.
fn is_json(headers: &HeaderMap) -> bool {
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return false;
    }
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.and_then(|value| value.parse::<mime::Mime>().ok()).is_some_and(|content_type| {
        content_type.essence_str() == "application/json"
            && content_type.get_param("charset").is_none_or(|charset| charset == "utf-8")
    })
}

fn from_body(body: &[u8]) -> Result<Parameters, Refusal> {
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(Refusal::new(Code::BadUserInput, "One request at a time: batches are not taken."));
    }
    serde_json::from_slice(body).map_err(|error| {
        Refusal::new(Code::BadUserInput, format!("The body is not a GraphQL request: {error}."))
    })
}

fn from_address(address: &str) -> Result<Parameters, Refusal> {
    let uri = format!("/?{address}").parse().map_err(|_| bad_parameter("query"))?;
    let parameters: axum::extract::Query<AddressParameters> =
        axum::extract::Query::try_from_uri(&uri).map_err(|_| bad_parameter("query"))?;
    let AddressParameters { query, operation_name, variables, extensions, document_id } = parameters.0;
    let (variables, extensions) = (json("variables", variables)?, json("extensions", extensions)?);
    Ok(Parameters { query, operation_name, variables, extensions, document_id })
}

/// A parameter of an address that holds JSON.
fn json<T: DeserializeOwned>(name: &str, text: Option<String>) -> Result<Option<T>, Refusal> {
    let text = text.filter(|text| !text.is_empty());
    let parsed = text.map(|text| serde_json::from_str::<Option<T>>(&text)).transpose();
    parsed.map(Option::flatten).map_err(|_| bad_parameter(name))
}

fn bad_parameter(name: &str) -> Refusal {
    Refusal::bad_input(name, format!("The parameter `{name}` can't be read."))
}

/// How a request is answered.
struct Reply {
    media: Media,
    request_id: String,
    /// Whether it tells if the answer was kept.
    tells_cache: bool,
}

impl Reply {
    fn refused(&self, status: StatusCode, refusals: &[Refusal]) -> Response {
        refuse(status, self.media, refusals, &self.request_id)
    }

    /// A request refused for its sender, its values, its cost or its number.
    fn refused_for(&self, refusal: &Refusal) -> Response {
        refuse_for(self.media.status_of(refusal), self.media, refusal, &self.request_id)
    }

    /// An answer, kept or not. `revision` is that of the base, where it is known.
    fn given(
        &self,
        given: Given,
        revision: Option<i64>,
        caching: Option<Caching>,
        headers: &HeaderMap,
    ) -> Response {
        let hit = matches!(given, Given::Kept(_));
        let (body, kept) = match given {
            Given::Own(answer) => (answer.into_json(&self.request_id).into(), None),
            Given::Made(kept) | Given::Kept(kept) => (kept.body.clone(), Some(kept)),
        };
        if self.media == Media::Events {
            return sse::once(&body);
        }
        if self.tells_cache {
            let told = json!({"cache": {"hit": hit, "revision": revision}});
            // Behind the brace that every answer begins with.
            let told = format!("{{\"extensions\":{told},");
            return self.sent([told.as_bytes(), &body[1..]].concat().into());
        }
        // Only what is given again is worth to be compressed.
        let compressed =
            kept.as_ref().filter(|_| hit && takes_gzip(headers)).and_then(|kept| kept.compressed());
        let is_compressed = compressed.is_some();
        if let (Some(caching), Some(kept)) = (&caching, &kept)
            && let Some(unchanged) = caching.unchanged(kept, headers, self.media)
        {
            return unchanged;
        }
        let mut response = self.sent(compressed.unwrap_or(body));
        let answered = response.headers_mut();
        if is_compressed {
            answered.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let (Some(caching), Some(kept)) = (caching, &kept) {
            answered.extend(caching.headers(Caching::tag(kept, self.media, is_compressed)));
        }
        response
    }

    fn sent(&self, body: Bytes) -> Response {
        ([(CONTENT_TYPE, self.media.content_type())], body).into_response()
    }
}

/// A refusal with what its client is to do: show another key, or wait.
pub(super) fn refuse_for(status: StatusCode, media: Media, refusal: &Refusal, request_id: &str) -> Response {
    let mut response = refuse(status, media, std::slice::from_ref(refusal), request_id);
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(wait) = refusal.retry_after {
        headers.insert(RETRY_AFTER, (wait.as_secs() + 1).into());
    }
    response
}

fn refuse(status: StatusCode, media: Media, refusals: &[Refusal], request_id: &str) -> Response {
    if media == Media::Events && status == StatusCode::OK {
        return sse::refused(refusals, request_id);
    }
    let errors: Vec<Value> = refusals.iter().map(|refusal| refusal.to_json(request_id)).collect();
    let body = json!({ "errors": errors }).to_string();
    (status, [(CONTENT_TYPE, media.content_type())], body).into_response()
}
