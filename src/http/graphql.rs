//! GraphQL over HTTP, as the specification of the GraphQL foundation has it: POST with JSON, and
//! GET for queries.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::{ConnectInfo, RawQuery, State},
    http::{
        HeaderMap, Method, StatusCode,
        header::{ACCEPT, ALLOW, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{App, RequestId, authentication};
use crate::{
    caller::Caller,
    error::{Code, Refusal},
    limits::Allowance,
    query::{Answer, Question},
};

/// How an answer is labelled, and with it how refusals are told: the newer type tells them by the
/// status, the older always answers 200.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Media {
    GraphqlResponse,
    Json,
}

impl Media {
    fn content_type(self) -> &'static str {
        match self {
            Media::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Media::Json => "application/json; charset=utf-8",
        }
    }

    fn status_of_refusal(self) -> StatusCode {
        match self {
            Media::GraphqlResponse => StatusCode::BAD_REQUEST,
            Media::Json => StatusCode::OK,
        }
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

/// The parameters of a request, in a body.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<Map<String, Value>>,
    extensions: Option<Extensions>,
    document_id: Option<String>,
}

/// What we know of the extensions of a request: the protocol of automatic persisted queries.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extensions {
    persisted_query: Option<PersistedQuery>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersistedQuery {
    sha256_hash: String,
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
    method: Method,
    headers: HeaderMap,
    RawQuery(address): RawQuery,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response {
    let Some(media) = Media::negotiate(&headers) else {
        let refusal = Refusal::new(
            Code::BadUserInput,
            "Accept `application/graphql-response+json` or `application/json`.",
        );
        return refuse(StatusCode::NOT_ACCEPTABLE, Media::Json, &[refusal], &request_id);
    };
    let reply = Reply { media, request_id };
    let parameters = if method == Method::GET {
        from_address(&address.unwrap_or_default())
    } else if method == Method::POST {
        if !is_json(&headers) {
            let refusal =
                Refusal::new(Code::BadUserInput, "The content type must be `application/json`, in UTF-8.");
            return reply.refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, &[refusal]);
        }
        match body {
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
    let question = match parameters {
        Ok(question) => question,
        Err(refusal) => return reply.refused(StatusCode::BAD_REQUEST, &[refusal]),
    };
    let prepared = match app.engine.prepare(question).await {
        Ok(prepared) => prepared,
        Err(refusals) => {
            // Asked for without a document at all, it was no GraphQL request.
            let is_request = refusals.iter().all(|refusal| refusal.field.as_deref() != Some("query"));
            let status = if is_request { media.status_of_refusal() } else { StatusCode::BAD_REQUEST };
            return reply.refused(status, &refusals);
        }
    };
    if method == Method::GET && !prepared.is_query() {
        let refusal = Refusal::new(Code::BadUserInput, "Only queries can be asked with GET.");
        let mut response = reply.refused(StatusCode::METHOD_NOT_ALLOWED, &[refusal]);
        response.headers_mut().insert(ALLOW, "POST".parse().expect("a header value"));
        return response;
    }
    let identity = match authentication::identify(&app, &headers).await {
        Ok(identity) => identity,
        Err(refusal) => return reply.refused(StatusCode::UNAUTHORIZED, &[refusal]),
    };
    let bound = app.engine.bind(&prepared, identity.role).and_then(|bound| {
        let limit = app.rate_limit.as_ref();
        let budget = limit.map(|limit| limit.spend(client.ip(), bound.cost())).transpose()?;
        Ok((Allowance { cost: bound.cost(), budget }, bound))
    });
    let (allowance, bound) = match bound {
        Ok(bound) => bound,
        Err(refusal) => return reply.refused_for(&refusal),
    };
    let caller = Caller { identity, allowance };
    // On the heap, as everything around it is moved about until it is polled.
    let answer = Box::pin(app.engine.answer(bound, &caller));
    match tokio::time::timeout(app.request_timeout, answer).await {
        Ok(answer) => reply.answered(&answer),
        Err(_) => {
            let refusal = Refusal::new(Code::Timeout, "The answer took too long and was given up.");
            reply.refused(StatusCode::GATEWAY_TIMEOUT, &[refusal])
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.and_then(|value| value.parse::<mime::Mime>().ok()).is_some_and(|content_type| {
        content_type.essence_str() == "application/json"
            && content_type.get_param("charset").is_none_or(|charset| charset == "utf-8")
    })
}

fn from_body(body: &[u8]) -> Result<Question, Refusal> {
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(Refusal::new(Code::BadUserInput, "One request at a time: batches are not taken."));
    }
    let parameters: Parameters = serde_json::from_slice(body).map_err(|error| {
        Refusal::new(Code::BadUserInput, format!("The body is not a GraphQL request: {error}."))
    })?;
    Ok(parameters.question())
}

fn from_address(address: &str) -> Result<Question, Refusal> {
    let uri = format!("/?{address}").parse().map_err(|_| bad_parameter("query"))?;
    let parameters: axum::extract::Query<AddressParameters> =
        axum::extract::Query::try_from_uri(&uri).map_err(|_| bad_parameter("query"))?;
    let AddressParameters { query, operation_name, variables, extensions, document_id } = parameters.0;
    let (variables, extensions) = (json("variables", variables)?, json("extensions", extensions)?);
    Ok(Parameters { query, operation_name, variables, extensions, document_id }.question())
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

impl Parameters {
    fn question(self) -> Question {
        let hash =
            self.extensions.and_then(|extensions| extensions.persisted_query).map(|query| query.sha256_hash);
        Question {
            document: self.query.filter(|query| !query.is_empty()),
            document_id: self.document_id.or(hash),
            operation: self.operation_name.filter(|name| !name.is_empty()),
            variables: self.variables.unwrap_or_default(),
        }
    }
}

/// How a request is answered.
struct Reply {
    media: Media,
    request_id: String,
}

impl Reply {
    fn refused(&self, status: StatusCode, refusals: &[Refusal]) -> Response {
        refuse(status, self.media, refusals, &self.request_id)
    }

    /// A valid request refused for its values, its cost or its number.
    fn refused_for(&self, refusal: &Refusal) -> Response {
        let Some(wait) = refusal.retry_after else {
            return self.refused(self.media.status_of_refusal(), std::slice::from_ref(refusal));
        };
        let mut response = self.refused(StatusCode::TOO_MANY_REQUESTS, std::slice::from_ref(refusal));
        response.headers_mut().insert(RETRY_AFTER, (wait.as_secs() + 1).into());
        response
    }

    fn answered(&self, answer: &Answer) -> Response {
        let mut body = Vec::with_capacity(answer.data.len() + 16);
        body.push(b'{');
        if !answer.errors.is_empty() {
            let errors: Vec<Value> =
                answer.errors.iter().map(|refusal| refusal.to_json(&self.request_id)).collect();
            body.extend_from_slice(b"\"errors\":");
            let _ = serde_json::to_writer(&mut body, &errors);
            body.push(b',');
        }
        body.extend_from_slice(b"\"data\":");
        body.extend_from_slice(&answer.data);
        body.push(b'}');
        ([(CONTENT_TYPE, self.media.content_type())], Body::from(body)).into_response()
    }
}

pub(super) fn refuse(status: StatusCode, media: Media, refusals: &[Refusal], request_id: &str) -> Response {
    let errors: Vec<Value> = refusals.iter().map(|refusal| refusal.to_json(request_id)).collect();
    let body = json!({ "errors": errors }).to_string();
    (status, [(CONTENT_TYPE, media.content_type())], body).into_response()
}
