//! GraphQL over HTTP, as in the GraphQL Foundation's specification: POST with JSON, and GET for queries.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{
        DefaultBodyLimit, FromRequest, FromRequestParts, Request, State, rejection::BytesRejection,
        ws::WebSocketUpgrade,
    },
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{
            ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
            IF_NONE_MATCH, UPGRADE, VARY,
        },
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::timeout;

use crate::{
    auth::{caller::Role, limits::Budget},
    config::Config,
    engine::{OperationRequest, cache::CachedResponse},
    error::{ApiError, Code},
    server::{
        AppState, RATE_LIMIT, RATE_LIMIT_POLICY, RequestId, Sender, accepted_languages,
        credentials::Credentials,
        operation::{DocumentNames, OperationResponse, Parameters, Requester},
        page::{self, accepts_gzip},
        response::{Media, advise, refuse, refuse_for},
        revision, sse, websocket,
    },
    sync::{LARGE, heavy},
    telemetry::request::{self, Transport},
};

/// How long the body of a request may take to arrive, if the request timeout is longer.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");

/// The parameters in a URL: JSON is text there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UrlParameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
    #[serde(flatten)]
    named: DocumentNames,
}

pub(super) async fn handle(
    State(app): State<Arc<AppState>>,
    RequestId(request_id): RequestId,
    sender: Sender,
    request: Request,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let (client, credentials) = (sender.client, Credentials::from_headers(&parts.headers));
    if parts.headers.contains_key(UPGRADE)
        && let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut parts, &()).await
    {
        request::transport(Transport::WebSocket);
        return websocket::open(app, upgrade, credentials, sender, &parts).unwrap_or_else(|api_error| {
            refuse_for(Media::GraphqlResponse.status_of(&api_error), Media::Json, &api_error, &request_id)
        });
    }
    let Parts { method, headers, uri, .. } = &parts;
    if app.graphiql
        && method == Method::GET
        && uri.query().unwrap_or_default().is_empty()
        && let Some(page) = page::instead(uri.path(), headers)
    {
        return page;
    }
    let Some(media) = Media::negotiate(headers) else {
        let api_error = ApiError::new(
            Code::BadUserInput,
            "Accept `application/graphql-response+json`, `application/json` or `text/event-stream`.",
        );
        return refuse(StatusCode::NOT_ACCEPTABLE, Media::Json, &[api_error], &request_id);
    };
    let mut reply = Reply { media, request_id, reports_cache: false };
    let parameters = match parameters_of(&app, &parts, body, &reply).await {
        Ok(parameters) => parameters,
        Err(response) => return response,
    };
    reply.reports_cache = parameters.reports_cache();
    let requester = match credentials.identify(&app, client).await {
        Ok(identity) => Requester::new(identity, client),
        Err(api_error) => return reply.refused_for(&api_error),
    };
    let operation_request = match parameters.into_request(accepted_languages(headers)) {
        Ok(operation_request) => operation_request,
        Err(api_error) => return reply.refused(StatusCode::BAD_REQUEST, &[api_error]),
    };
    let is_get = method == Method::GET || method == Method::HEAD;
    let mut response = respond(app, reply, operation_request, &requester, credentials, headers, is_get).await;
    if let Some(budget) = requester.budget() {
        set_rate_limit_headers(response.headers_mut(), budget);
    }
    response
}

/// The parameters of a request, or the response to one that has none.
async fn parameters_of(
    app: &AppState,
    Parts { method, headers, uri, .. }: &Parts,
    body: Body,
    reply: &Reply,
) -> Result<Parameters, Response> {
    let parameters = match *method {
        Method::GET | Method::HEAD => from_url(uri.query().unwrap_or_default()),
        Method::POST => {
            let body = read_json(app, headers, body, reply).await?;
            heavy(body.len() > LARGE, || from_body(&body))
        }
        Method::OPTIONS => return Err((StatusCode::NO_CONTENT, [(ALLOW, METHODS)]).into_response()),
        _ => {
            let api_error = ApiError::new(Code::BadUserInput, "Use GET or POST.");
            let mut response = reply.refused(StatusCode::METHOD_NOT_ALLOWED, &[api_error]);
            response.headers_mut().insert(ALLOW, METHODS);
            return Err(response);
        }
    };
    parameters.map_err(|api_error| reply.refused(StatusCode::BAD_REQUEST, &[api_error]))
}

/// The body of a request, or the response that refuses it.
async fn read_json(
    app: &AppState,
    headers: &HeaderMap,
    body: Body,
    reply: &Reply,
) -> Result<Bytes, Response> {
    if !is_json(headers) {
        let api_error = ApiError::new(
            Code::BadUserInput,
            "The content type must be `application/json`, in UTF-8 and not compressed.",
        );
        return Err(reply.refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, &[api_error]));
    }
    let Ok(read) = timeout(app.request_timeout.min(BODY_TIMEOUT), read(body, app.max_body_bytes)).await
    else {
        let api_error = ApiError::new(Code::Timeout, "The request body took too long to arrive.");
        let mut response = reply.refused(StatusCode::REQUEST_TIMEOUT, &[api_error]);
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        return Err(response);
    };
    read.map_err(|rejection| {
        let api_error = if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
            // A chunked body is read up to the limit only, so its size is unknown.
            ApiError::beyond("bytes", app.max_body_bytes, length.unwrap_or(app.max_body_bytes + 1))
        } else {
            ApiError::new(Code::BadUserInput, "The request body can't be read.")
        };
        reply.refused(rejection.status(), &[api_error])
    })
}

/// The response to an authenticated request.
async fn respond(
    app: Arc<AppState>,
    mut reply: Reply,
    operation_request: OperationRequest,
    requester: &Requester,
    credentials: Credentials,
    headers: &HeaderMap,
    is_get: bool,
) -> Response {
    let prepared = match app.prepare(operation_request, requester) {
        Ok(prepared) => prepared,
        Err(api_errors) => {
            // Without a document it is not a GraphQL request.
            let is_request = api_errors.iter().all(|api_error| api_error.field.as_deref() != Some("query"));
            return match &api_errors[..] {
                _ if !is_request => reply.refused(StatusCode::BAD_REQUEST, &api_errors),
                [api_error] => reply.refused_for(api_error),
                _ => reply.refused(reply.media.status_of(&api_errors[0]), &api_errors),
            };
        }
    };
    if prepared.is_subscription() {
        if !Media::accepts_events(headers) {
            let message = "Subscriptions need `Accept: text/event-stream`, or a WebSocket.";
            return reply.refused(StatusCode::NOT_ACCEPTABLE, &[ApiError::new(Code::BadUserInput, message)]);
        }
        reply.media = Media::Events;
        request::transport(Transport::Sse);
        let subscribed = match sse::resumed(headers) {
            Ok(resumed) => app.subscribe(&prepared, requester, resumed).await,
            Err(api_error) => Err(api_error),
        };
        return match subscribed {
            Ok(subscription) => sse::stream_events(app, subscription, credentials, reply.request_id),
            Err(api_error) => reply.refused_for(&api_error),
        };
    }
    if is_get && !prepared.is_query() {
        let api_error = ApiError::new(Code::BadUserInput, "Mutations need POST.");
        let mut response = reply.refused(StatusCode::METHOD_NOT_ALLOWED, &[api_error]);
        response.headers_mut().insert(ALLOW, "POST".parse().expect("a header value"));
        return response;
    }
    let named = match revision::named(headers) {
        Ok(named) => named,
        Err(api_error) => return reply.refused_for(&api_error),
    };
    let is_anonymous = requester.identity.role == Role::Anonymous;
    match app.execute(&prepared, requester, named).await {
        Ok(response) => {
            let caching = is_get.then(|| CacheHeaders {
                caching: &app.caching,
                is_localized: prepared.is_localized(),
                is_shared: is_anonymous && named.is_none() && app.is_current(&response),
            });
            let revision = response.revision;
            let mut response = reply.respond(response, caching, headers);
            revision::set(&mut response, revision);
            response
        }
        Err(api_error) => reply.refused_for(&api_error),
    }
}

/// The client's remaining budget in the IETF draft's rate limit headers.
pub(super) fn set_rate_limit_headers(headers: &mut HeaderMap, budget: &Budget) {
    let Budget { limit, remaining, refill, .. } = budget;
    let seconds = refill.as_secs_f64().ceil();
    let values = [
        (RATE_LIMIT_POLICY, format!("\"cost\";q={limit};w=60")),
        (RATE_LIMIT, format!("\"cost\";r={remaining};t={seconds}")),
    ];
    for (name, value) in values {
        headers.insert(name, HeaderValue::try_from(value).expect("a header value"));
    }
}

/// How clients and caches in front of the server may cache responses to GET.
pub(super) struct Caching {
    /// `Cache-Control`
    control: HeaderValue,
    /// The same for requests with a key or a token: never for others.
    private: HeaderValue,
    /// The header of tags, and what separates them.
    tags: Option<(HeaderName, &'static str)>,
}

impl Caching {
    pub fn of(config: &Config) -> Self {
        let control = config.cache_control.clone();
        let text = control.to_str().unwrap_or_default().to_ascii_lowercase();
        let is_shared =
            ["public", "s-maxage", "must-revalidate"].iter().any(|directive| text.contains(directive));
        let private = if is_shared { HeaderValue::from_static("private, no-cache") } else { control.clone() };
        let tags = config.purge.as_ref().map(|purge| (purge.tags.clone(), purge.separator()));
        Caching { control, private, tags }
    }
}

/// The headers by which a response to GET is cached.
struct CacheHeaders<'a> {
    caching: &'a Caching,
    /// Whether the response depends on the languages that the client accepts.
    is_localized: bool,
    /// Whether caches may give it to others: it is for anybody, of no revision that the client named, and current.
    is_shared: bool,
}

impl CacheHeaders<'_> {
    /// The entity tag of a representation.
    fn tag(cached: &CachedResponse, media: Media, compressed: bool) -> HeaderValue {
        let media = if media == Media::GraphqlResponse { "-r" } else { "" };
        let encoding = if compressed { "-gzip" } else { "" };
        HeaderValue::try_from(format!("\"{}{media}{encoding}\"", cached.tag())).expect("a header value")
    }

    /// The response to a client that has the current representation.
    fn not_modified(&self, cached: &CachedResponse, headers: &HeaderMap, media: Media) -> Option<Response> {
        let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let known: Vec<&str> =
            known.flat_map(|value| value.split(',')).map(|tag| tag.trim().trim_start_matches("W/")).collect();
        if known.is_empty() {
            return None;
        }
        let forms = [false, true].map(|compressed| Self::tag(cached, media, compressed));
        let tag = forms.into_iter().find(|tag| known.iter().any(|known| *known == "*" || *known == tag))?;
        Some((StatusCode::NOT_MODIFIED, self.headers(cached, tag)).into_response())
    }

    fn headers(&self, cached: &CachedResponse, tag: HeaderValue) -> HeaderMap {
        let varies = HeaderValue::from_static(if self.is_localized {
            "accept, accept-encoding, accept-language, authorization, dossier-revision"
        } else {
            "accept, accept-encoding, authorization, dossier-revision"
        });
        let Caching { control, private, tags } = self.caching;
        let control = if self.is_shared { control } else { private };
        let mut headers =
            HeaderMap::from_iter([(ETAG, tag), (CACHE_CONTROL, control.clone()), (VARY, varies)]);
        if let Some((name, separator)) = tags.clone().filter(|_| self.is_shared) {
            let tags = cached.dependency_tags().join(separator);
            headers.insert(name, HeaderValue::try_from(tags).expect("a header value"));
        }
        headers
    }
}

/// Reads a body up to a maximum size.
async fn read(body: Body, most: usize) -> Result<Bytes, BytesRejection> {
    let mut request = Request::new(body);
    DefaultBodyLimit::max(most).apply(&mut request);
    Bytes::from_request(request, &()).await
}

/// Whether the body is uncompressed JSON.
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

fn from_body(body: &[u8]) -> Result<Parameters, ApiError> {
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(ApiError::new(
            Code::BadUserInput,
            "Batches are not supported: send one request at a time.",
        ));
    }
    serde_json::from_slice(body).map_err(|error| {
        let message = format!("The body is not a GraphQL request: {error}.");
        ApiError { field: wrong_parameter(body), ..ApiError::new(Code::BadUserInput, message) }
    })
}

/// The parameter that can't be parsed. Only invalid requests are parsed twice.
fn wrong_parameter(body: &[u8]) -> Option<String> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let error = serde_path_to_error::deserialize::<_, Parameters>(&mut json).err()?;
    let path = error.path();
    path.iter().next().is_some().then(|| path.to_string())
}

fn from_url(query_string: &str) -> Result<Parameters, ApiError> {
    let uri = format!("/?{query_string}").parse().map_err(|_| bad_parameter("query"))?;
    let parameters: axum::extract::Query<UrlParameters> =
        axum::extract::Query::try_from_uri(&uri).map_err(|_| bad_parameter("query"))?;
    let UrlParameters { query, operation_name, variables, extensions, named } = parameters.0;
    let (variables, extensions) = (json("variables", variables)?, json("extensions", extensions)?);
    Ok(Parameters { query, operation_name, variables, extensions, named })
}

/// Parses a parameter of a URL that contains JSON.
fn json<T: DeserializeOwned>(name: &str, text: Option<String>) -> Result<Option<T>, ApiError> {
    let text = text.filter(|text| !text.is_empty());
    let parsed = text.map(|text| serde_json::from_str::<Option<T>>(&text)).transpose();
    parsed.map(Option::flatten).map_err(|_| bad_parameter(name))
}

fn bad_parameter(name: &str) -> ApiError {
    ApiError::bad_input(name, format!("The parameter `{name}` can't be parsed."))
}

/// The form of a response.
struct Reply {
    media: Media,
    request_id: String,
    /// Whether `extensions.cache` says if the response was cached.
    reports_cache: bool,
}

impl Reply {
    fn refused(&self, status: StatusCode, api_errors: &[ApiError]) -> Response {
        refuse(status, self.media, api_errors, &self.request_id)
    }

    fn refused_for(&self, api_error: &ApiError) -> Response {
        refuse_for(self.media.status_of(api_error), self.media, api_error, &self.request_id)
    }

    fn respond(
        &self,
        response: OperationResponse,
        caching: Option<CacheHeaders<'_>>,
        headers: &HeaderMap,
    ) -> Response {
        let (hit, cached, failure) = (response.is_hit(), response.cached(), response.failure().cloned());
        let body = response.into_json(&self.request_id, self.reports_cache);
        if self.media == Media::Events {
            return sse::once(&body);
        }
        if let Some(failure) = failure {
            let mut response = self.sent(body);
            *response.status_mut() = self.media.status_of(&failure);
            advise(&mut response, &failure);
            return response;
        }
        let Some(cached) = cached.filter(|_| !self.reports_cache) else {
            return self.sent(body);
        };
        if let Some(caching) = &caching
            && let Some(not_modified) = caching.not_modified(&cached, headers, self.media)
        {
            return not_modified;
        }
        // Compression pays off only for responses that are sent again.
        let compress = || heavy(cached.body.len() > LARGE, || cached.compressed());
        let compressed = if hit && accepts_gzip(headers) { compress() } else { None };
        let is_compressed = compressed.is_some();
        let mut response = self.sent(compressed.unwrap_or(body));
        let response_headers = response.headers_mut();
        if is_compressed {
            response_headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Some(caching) = caching {
            let tag = CacheHeaders::tag(&cached, self.media, is_compressed);
            response_headers.extend(caching.headers(&cached, tag));
        }
        response
    }

    fn sent(&self, body: Bytes) -> Response {
        ([(CONTENT_TYPE, self.media.content_type())], body).into_response()
    }
}
