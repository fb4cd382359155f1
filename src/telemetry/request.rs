//! One structured log line per request: target `dossier::request`.
//!
//! A [`Record`] is task-local to the code that handles a request. SQL statements are counted there, and the
//! operation, the caller and the cost are added when they are known. The line is written when the [`Observed`]
//! request is dropped: after the response, at the end of its stream, or when the client has disconnected.

use std::{
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, StatusCode},
    response::Response,
};

use tracing::{Instrument, Span};

use crate::{
    error::{ApiError, Code},
    sync::lock,
    telemetry::{metrics::METRICS, traces},
};

/// Maximum length of an operation name, a method or a path in logs and traces.
const LONGEST_NAME: usize = 100;

/// Maximum length of a reason, which may contain input of the client.
const LONGEST_REASON: usize = 300;

/// Maximum number of slow statements that are logged per mutation.
const SLOW: usize = 10;

tokio::task_local! {
    static CURRENT: Arc<Record>;
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Transport {
    Http,
    WebSocket,
    Sse,
    Export,
}

impl Transport {
    fn name(self) -> &'static str {
        match self {
            Transport::Http => "http",
            Transport::WebSocket => "websocket",
            Transport::Sse => "sse",
            Transport::Export => "export",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CacheOutcome {
    Hit,
    Miss,
    Uncacheable,
}

impl CacheOutcome {
    fn name(self) -> &'static str {
        match self {
            CacheOutcome::Hit => "hit",
            CacheOutcome::Miss => "miss",
            CacheOutcome::Uncacheable => "uncacheable",
        }
    }
}

#[derive(Debug)]
pub struct Record {
    id: String,
    started_at: Instant,
    /// The exported span, which ends with the record.
    span: Span,
    /// Requests of monitoring are logged at `debug`.
    quiet: bool,
    facts: Mutex<Facts>,
    statements: AtomicU64,
    sql_nanos: AtomicU64,
    rows: AtomicU64,
    bytes: AtomicU64,
    events: AtomicU64,
}

#[derive(Debug)]
struct Facts {
    transport: Transport,
    client: Option<IpAddr>,
    method: String,
    path: String,
    operation: Option<String>,
    kind: Option<&'static str>,
    /// The role, and the name of the key.
    identity: Option<(&'static str, Option<String>)>,
    cost: Option<usize>,
    cache: Option<CacheOutcome>,
    status: Option<u16>,
    code: Option<Code>,
    /// Why it was refused before GraphQL.
    reason: Option<String>,
    /// The cause of the first internal error, for the log only.
    fault: Option<String>,
    /// Slow statements of a mutation.
    slow: Vec<(String, Duration)>,
}

/// Updates the record of the current request, if there is one.
fn note(change: impl FnOnce(&mut Facts)) {
    let _ = CURRENT.try_with(|record| change(&mut lock(&record.facts)));
}

/// Records the operation: its name if it has one, and `query`, `mutation`, `subscription` or `export`.
pub fn operation(name: Option<&str>, kind: &'static str) {
    let name = name.map(shortened);
    note(|facts| {
        facts.operation = name.map(ToOwned::to_owned);
        facts.kind = Some(kind);
    });
    let _ = CURRENT.try_with(|record| {
        record.span.record("graphql.operation.type", kind);
        record.span.record("graphql.operation.name", name);
    });
}

fn shortened(name: &str) -> &str {
    &name[..name.floor_char_boundary(LONGEST_NAME)]
}

/// Records the role, and the name of the key.
pub fn identity(role: &'static str, requester: Option<&str>) {
    note(|facts| facts.identity = Some((role, requester.map(ToOwned::to_owned))));
}

pub fn transport(transport: Transport) {
    note(|facts| facts.transport = transport);
}

pub fn cost(cost: usize) {
    note(|facts| facts.cost = Some(cost));
}

pub fn cached(outcome: CacheOutcome) {
    note(|facts| facts.cache = Some(outcome));
}

/// Records errors; the first one gives the code.
pub fn refused<'r>(api_errors: impl IntoIterator<Item = &'r ApiError>) {
    if let Some(first) = api_errors.into_iter().next() {
        note(|facts| {
            facts.code.get_or_insert(first.code);
        });
    }
}

/// Records the cause of an internal error, or logs it now if there is no request.
pub fn fault(cause: &dyn std::fmt::Display) {
    let noted = CURRENT.try_with(|record| {
        lock(&record.facts).fault.get_or_insert_with(|| cause.to_string());
    });
    if noted.is_err() {
        tracing::error!(%cause, "a statement failed");
    }
}

/// Records an event of a subscription.
pub fn event() {
    let _ = CURRENT.try_with(|record| record.events.fetch_add(1, Relaxed));
}

/// Records bytes of a result that is not an HTTP response, as on a WebSocket.
pub fn sent(bytes: usize) {
    let _ = CURRENT.try_with(|record| record.bytes.fetch_add(bytes as u64, Relaxed));
}

/// Whether the request is an export, whose statements only read.
pub(super) fn is_export() -> bool {
    CURRENT.try_with(|record| lock(&record.facts).transport == Transport::Export).unwrap_or(false)
}

/// Records a finished statement and its rows.
pub(super) fn statement(duration: Duration, rows: usize) {
    let _ = CURRENT.try_with(|record| {
        record.statements.fetch_add(1, Relaxed);
        record.sql_nanos.fetch_add(nanos(duration), Relaxed);
        record.rows.fetch_add(rows as u64, Relaxed);
    });
}

/// Records a slow statement.
pub(super) fn slow(sql: String, duration: Duration) {
    note(|facts| {
        if facts.slow.len() < SLOW {
            facts.slow.push((sql, duration));
        }
    });
}

/// Takes the slow statements that changed something.
pub fn slow_statements() -> Vec<String> {
    let slow =
        CURRENT.try_with(|record| lock(&record.facts).slow.iter().map(|(sql, _)| sql.clone()).collect());
    slow.unwrap_or_default()
}

/// Records why the request was refused before GraphQL.
pub fn reason(reason: &str) {
    let reason = &reason[..reason.floor_char_boundary(LONGEST_REASON)];
    note(|facts| facts.reason = Some(reason.to_owned()));
}

/// The id of the current request.
pub fn current_id() -> Option<String> {
    CURRENT.try_with(|record| record.id.clone()).ok()
}

/// Runs a spawned task as part of the current request.
pub fn carried<F: Future>(task: F) -> impl Future<Output = F::Output> {
    let record = CURRENT.try_with(Arc::clone).ok();
    async move {
        match record {
            Some(record) => {
                let span = record.span.clone();
                CURRENT.scope(record, task.instrument(span)).await
            }
            None => task.await,
        }
    }
}

/// A request in progress, which is logged on drop.
#[derive(Debug)]
pub struct Observed(Arc<Record>);

impl Observed {
    pub fn new(
        id: String,
        transport: Transport,
        client: Option<IpAddr>,
        method: &str,
        path: &str,
        headers: Option<&HeaderMap>,
    ) -> Self {
        let facts = Facts {
            transport,
            client,
            method: shortened(method).to_owned(),
            path: shortened(path).to_owned(),
            operation: None,
            kind: None,
            identity: None,
            cost: None,
            cache: None,
            status: None,
            code: None,
            reason: None,
            fault: None,
            slow: Vec::new(),
        };
        let span = traces::request(&id, &facts.method, &facts.path, headers);
        Observed(Arc::new(Record {
            id,
            span,
            started_at: Instant::now(),
            quiet: path == "/metrics" || path.starts_with("/health"),
            facts: Mutex::new(facts),
            statements: AtomicU64::new(0),
            sql_nanos: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            events: AtomicU64::new(0),
        }))
    }

    /// The caller, if known before the operation starts.
    pub fn set_caller(&self, role: &'static str, requester: Option<&str>) {
        lock(&self.0.facts).identity = Some((role, requester.map(ToOwned::to_owned)));
    }

    /// Runs a future as part of this request.
    pub async fn scope<F: Future>(&self, response: F) -> F::Output {
        CURRENT.scope(self.0.clone(), response.instrument(self.0.span.clone())).await
    }

    /// Ends with a response: at once if it is complete, otherwise at the end of its stream.
    pub fn finish(self, response: Response) -> Response {
        lock(&self.0.facts).status = Some(response.status().as_u16());
        if let Some(bytes) = response.body().size_hint().exact() {
            self.0.bytes.store(bytes, Relaxed);
            return response;
        }
        response.map(|body| Body::new(Streamed { body, observed: self }))
    }

    /// Ends without a response, as an operation on a WebSocket does.
    pub fn ended(self) {
        lock(&self.0.facts).status = Some(StatusCode::OK.as_u16());
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        self.0.log();
    }
}

impl Record {
    fn log(&self) {
        let duration = self.started_at.elapsed();
        let mut facts = lock(&self.facts);
        let code = match (facts.code, facts.status) {
            (Some(code), _) => code.as_str(),
            // The client disconnected before the response.
            (None, None) => "CANCELLED",
            (None, Some(status)) if status >= 500 => Code::Internal.as_str(),
            (None, Some(status)) if status >= 400 => "REFUSED",
            (None, Some(_)) => "OK",
        };
        self.span.record("http.response.status_code", facts.status.map(i64::from));
        if facts.status.is_none_or(|status| status >= 500) {
            self.span.record("otel.status_code", "ERROR");
        }
        if code != "OK" {
            self.span.record("error.type", code);
        }
        let cache = facts.cache.map(CacheOutcome::name);
        if let Some(kind) = facts.kind.or_else(|| (facts.path == "/graphql").then_some("unknown")) {
            let labels = [kind, code, cache.unwrap_or("none")];
            METRICS.requests.with_label_values(&labels).observe(duration.as_secs_f64());
            METRICS
                .response_bytes
                .with_label_values(&[facts.transport.name()])
                .inc_by(self.bytes.load(Relaxed));
        }
        if let Some(cause) = facts.fault.take().filter(|_| code == Code::Internal.as_str()) {
            tracing::error!(request_id = self.id, cause, "a request failed because of an internal error");
        }
        for (sql, duration) in facts.slow.drain(..) {
            tracing::warn!(target: "dossier::slow", request_id = self.id, ms = millis(duration), sql, "slow statement");
        }
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(
                    target: "dossier::request",
                    $level,
                    request_id = self.id,
                    transport = facts.transport.name(),
                    method = facts.method,
                    path = facts.path,
                    operation = facts.operation,
                    kind = facts.kind,
                    role = facts.identity.as_ref().map(|(role, _)| *role),
                    requester = facts.identity.as_ref().and_then(|(_, requester)| requester.as_deref()),
                    client = facts.client.map(tracing::field::display),
                    cost = facts.cost,
                    cache,
                    rows = self.rows.load(Relaxed),
                    statements = self.statements.load(Relaxed),
                    sql_ms = millis(Duration::from_nanos(self.sql_nanos.load(Relaxed))),
                    status = facts.status,
                    code,
                    reason = facts.reason,
                    bytes = self.bytes.load(Relaxed),
                    events = Some(self.events.load(Relaxed)).filter(|events| *events > 0),
                    duration_ms = millis(duration),
                    "request"
                )
            };
        }
        if self.quiet {
            line!(tracing::Level::DEBUG);
        } else {
            line!(tracing::Level::INFO);
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Milliseconds, rounded to microseconds.
pub(super) fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

/// A streamed body.
struct Streamed {
    body: Body,
    observed: Observed,
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let record = &self.observed.0;
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                record.bytes.fetch_add(bytes as u64, Relaxed);
            }
            Poll::Ready(Some(Err(_))) => {
                lock(&record.facts).code.get_or_insert(Code::Internal);
            }
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
