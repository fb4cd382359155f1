//! GraphQL over server-sent events, as `graphql-sse` has it in its distinct connections mode: one stream
//! for each operation, `next` for each result, and `complete` at the end.
//!
//! The `id` of an event is the revision that it tells. A client that comes back with it as
//! `Last-Event-ID` is told what came since, none twice and none left out. When the server stops, a stream
//! ends without `complete`, so that its client comes back.

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
    server::{AppState, BEAT, operation::Subscription, shutdown::Staying},
    telemetry::request,
};

pub(super) const MEDIA_TYPE: &str = "text/event-stream";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Events that wait for a client at most.
const WAITING: usize = 8;

/// The revision that a client was told last, where it comes back.
pub(super) fn resumed(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let Some(last) = headers.get(LAST_EVENT_ID).filter(|last| !last.is_empty()) else { return Ok(None) };
    let number = last.to_str().ok().and_then(|last| {
        let number: i64 = last.parse().ok()?;
        (number >= 0 && number.to_string() == last).then_some(number)
    });
    let wrong = || ApiError::bad_input("Last-Event-ID", "`Last-Event-ID` must be the number of a revision.");
    number.ok_or_else(wrong).map(Some)
}

/// A stream of one result.
pub(super) fn once(result: &[u8]) -> Response {
    let mut events = b"event: next\ndata: ".to_vec();
    events.extend_from_slice(result);
    events.extend_from_slice(b"\n\n");
    events.extend_from_slice(COMPLETE);
    respond(Body::from(events))
}

/// A stream of one result: what was refused.
pub(super) fn refused(api_errors: &[ApiError], request_id: &str) -> Response {
    once(error::without_data(api_errors, request_id).as_bytes())
}

/// A stream of what a subscription is told. `key` is what its client showed.
pub(super) fn told(
    app: Arc<AppState>,
    subscription: Subscription,
    shows: crate::server::credentials::Credentials,
    request_id: String,
) -> Response {
    let (events, waiting) = mpsc::channel(WAITING);
    let staying = app.staying.clone();
    let ended = tokio::spawn(request::carried(async move {
        let end = tell(app, subscription, shows, staying, events).await;
        request::refused(&end);
        end
    }));
    // What is told last, once all that waited was sent: why the stream ends, if there is a reason.
    let last = async move {
        let api_error = ended.await.unwrap_or_else(|_| Some(ApiError::internal()))?;
        let told = format!("event: next\ndata: {}\n\n", error::without_data(&[api_error], &request_id));
        Some(Bytes::from([told.as_bytes(), COMPLETE].concat()))
    };
    let body = stream::unfold((waiting, Some(last)), async |(mut waiting, last)| {
        if let Some(event) = waiting.recv().await {
            return Some((Ok::<_, Infallible>(event), (waiting, last)));
        }
        let last = last?.await?;
        Some((Ok(last), (waiting, None)))
    });
    respond(Body::from_stream(body))
}

const COMPLETE: &[u8] = b"event: complete\ndata:\n\n";

/// Tells until the client goes or the server stops, or for the reason that is given.
async fn tell(
    app: Arc<AppState>,
    mut subscription: Subscription,
    shows: crate::server::credentials::Credentials,
    mut staying: Staying,
    events: mpsc::Sender<Bytes>,
) -> Option<ApiError> {
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let event = tokio::select! {
            () = staying.stopped() => return None,
            () = events.closed() => return None,
            _ = beat.tick() => {
                if let Err(api_error) = shows.still(&app).await {
                    return Some(api_error);
                }
                // A comment: without a blank line, which some clients take for the end of an event.
                Bytes::from_static(b":\n")
            }
            change = subscription.next() => {
                let change = match change {
                    Ok(change) => change,
                    Err(api_error) => return Some(api_error),
                };
                let told = subscription.tell(&change).await;
                request::event();
                format!("id: {}\nevent: next\ndata: {told}\n\n", change.number).into()
            }
        };
        match timeout(app.request_timeout, events.send(event)).await {
            Ok(sent) => sent.ok()?,
            Err(_) => return Some(ApiError::new(Code::TooSlow, crate::server::TOO_SLOW)),
        }
    }
}

fn respond(body: Body) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Proxies that keep answers until they are whole are asked not to.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, body).into_response()
}
