//! HTTP responses: media type, status, and headers of errors.

use axum::{
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};

use crate::{
    error::{self, ApiError, Code},
    server::sse,
    telemetry::request,
};

/// The media type of a response. With the newer one the status reports errors; with the older one it is always 200.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Media {
    GraphqlResponse,
    Json,
    /// Server-sent events, one per result.
    Events,
}

impl Media {
    pub fn content_type(self) -> &'static str {
        match self {
            Media::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            // An operation that is refused before it is valid has no events.
            Media::Json | Media::Events => "application/json; charset=utf-8",
        }
    }

    /// The status of a refused request. 401, 429 and 503 are used with either type.
    pub fn status_of(self, api_error: &ApiError) -> StatusCode {
        match (api_error.code, self) {
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

    /// Whether a client accepts events, even if it prefers another type.
    pub fn accepts_events(headers: &HeaderMap) -> bool {
        let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        accepted.any(|accepted| accepted.contains(sse::MEDIA_TYPE))
    }

    /// The type that a client prefers; none if it accepts none of them.
    pub fn negotiate(headers: &HeaderMap) -> Option<Media> {
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

/// An error with headers that say how to retry or authenticate.
pub fn refuse_for(status: StatusCode, media: Media, api_error: &ApiError, request_id: &str) -> Response {
    let mut response = refuse(status, media, std::slice::from_ref(api_error), request_id);
    advise(&mut response, api_error);
    response
}

pub fn advise(response: &mut Response, api_error: &ApiError) {
    let unauthorized = response.status() == StatusCode::UNAUTHORIZED;
    let headers = response.headers_mut();
    if unauthorized {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = api_error.retry_seconds() {
        headers.insert(RETRY_AFTER, seconds.into());
    }
}

pub fn refuse(status: StatusCode, media: Media, api_errors: &[ApiError], request_id: &str) -> Response {
    request::refused(api_errors);
    if media == Media::Events && status == StatusCode::OK {
        return sse::refused(api_errors, request_id);
    }
    let body = error::without_data(api_errors, request_id);
    (status, [(CONTENT_TYPE, media.content_type())], body).into_response()
}
