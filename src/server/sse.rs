//! GraphQL over server-sent events: `graphql-sse` in distinct connections mode. One stream per operation, `next` for
//! each result, and `complete` at the end.
//!
//! The `id` of an event is its revision. A client that reconnects with it as `Last-Event-ID` gets all later changes,
//! each once. When the server stops, streams end without `complete`, so that clients reconnect.

use std::{convert::Infallible, sync::Arc};

use axum::{
    body::{Body, Bytes},
    http::{
        HeaderMap, HeaderName, HeaderValue,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use futures_util::stream;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    error::{self, ApiError, Code},
    server::{
        AppState, PING_INTERVAL, TOO_SLOW, credentials::Credentials, operation::Subscription, revision,
        shutdown::Shutdown,
    },
    telemetry::request,
};

pub(super) const MEDIA_TYPE: &str = "text/event-stream";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const NEXT: &[u8] = b"event: next\ndata: ";
const COMPLETE: &[u8] = b"event: complete\ndata:\n\n";
/// Maximum number of events that wait for a client.
const QUEUE: usize = 8;

/// The last revision that a reconnecting client has received.
pub(super) fn resumed(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let Some(last) = headers.get(LAST_EVENT_ID).filter(|last| !last.is_empty()) else { return Ok(None) };
    revision::parse(last.to_str().unwrap_or_default(), "Last-Event-ID").map(Some)
}

pub(super) fn once(result: &[u8]) -> Response {
    respond(Body::from([NEXT, result, b"\n\n", COMPLETE].concat()))
}

pub(super) fn refused(api_errors: &[ApiError], request_id: &str) -> Response {
    once(error::without_data(api_errors, request_id).as_bytes())
}

/// A stream of a subscription's events.
pub(super) fn stream_events(
    app: Arc<AppState>,
    subscription: Subscription,
    credentials: Credentials,
    request_id: String,
) -> Response {
    let (events, queued) = mpsc::channel(QUEUE);
    let shutdown = app.shutdown.clone();
    let ended = tokio::spawn(request::carried(async move {
        let end = send_events(app, subscription, credentials, shutdown, events).await;
        request::refused(&end);
        end
    }));
    // The error that ends the stream, if there is one, sent after all queued events.
    let last = async move {
        let api_error = ended.await.unwrap_or_else(|_| Some(ApiError::internal()))?;
        let error = error::without_data(&[api_error], &request_id);
        Some(Bytes::from([NEXT, error.as_bytes(), b"\n\n", COMPLETE].concat()))
    };
    let body = stream::unfold((queued, Some(last)), async |(mut queued, last)| {
        if let Some(event) = queued.recv().await {
            return Some((Ok::<_, Infallible>(event), (queued, last)));
        }
        let last = last?.await?;
        Some((Ok(last), (queued, None)))
    });
    respond(Body::from_stream(body))
}

/// Sends events until the client disconnects or the server stops, or returns the error that ends the stream.
async fn send_events(
    app: Arc<AppState>,
    mut subscription: Subscription,
    credentials: Credentials,
    shutdown: Shutdown,
    events: mpsc::Sender<Bytes>,
) -> Option<ApiError> {
    let mut ping = interval(PING_INTERVAL);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let event = tokio::select! {
            () = shutdown.stopped() => return None,
            () = events.closed() => return None,
            _ = ping.tick() => {
                if let Err(api_error) = credentials.check_again(&app).await {
                    return Some(api_error);
                }
                // A comment as keep-alive. Not axum's: it has a blank line, which some clients take for the end of an
                // event.
                Bytes::from_static(b":\n")
            }
            change = subscription.next() => {
                let change = match change {
                    Ok(change) => change,
                    Err(api_error) => return Some(api_error),
                };
                let response = subscription.response(&change).await;
                request::event();
                format!("id: {}\nevent: next\ndata: {response}\n\n", change.number).into()
            }
        };
        match timeout(app.request_timeout, events.send(event)).await {
            Ok(sent) => sent.ok()?,
            Err(_) => return Some(ApiError::new(Code::TooSlow, TOO_SLOW)),
        }
    }
}

fn respond(body: Body) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Asks proxies not to buffer the stream.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, body).into_response()
}
