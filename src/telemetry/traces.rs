//! OpenTelemetry spans of requests: prepare, bind, each SQL statement, write and respond. They are exported with OTLP
//! if `OTEL_EXPORTER_OTLP_ENDPOINT` is set. Otherwise no span is created: a disabled span costs one check of a flag.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use async_graphql::async_trait::async_trait;
use axum::http::HeaderMap;
use opentelemetry::{propagation::TextMapPropagator, trace::TracerProvider};
use opentelemetry_http::{Bytes, HeaderExtractor, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{SdkTracerProvider, Tracer},
};
use tracing::{Span, Subscriber, field::Empty, trace_span};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};
use tracing_subscriber::registry::LookupSpan;
use ureq::{Agent, tls::TlsConfig};

use crate::tls::roots;

/// The target of exported spans.
pub const TARGET: &str = "dossier::trace";
/// Timeout of a request to the collector.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the program may wait at its end for the last spans.
const FLUSH: Duration = Duration::from_secs(2);
/// Maximum bytes to read of the collector's response.
const LARGEST: u64 = 1 << 16;

/// Exports spans from its own thread.
#[derive(Debug)]
pub struct Exporter(SdkTracerProvider);

impl Exporter {
    /// Starts to export as OTLP's variables say.
    pub fn begin(service: &str) -> Result<Self, String> {
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new())
            .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
            .build()
            .map_err(|error| format!("traces can't be exported: {error}"))?;
        let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name(service.to_owned()).with_attribute(version);
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build());
        Ok(Exporter(provider.build()))
    }

    pub fn layer<S: Subscriber + for<'span> LookupSpan<'span>>(&self) -> OpenTelemetryLayer<S, Tracer> {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("dossier"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
    }

    /// Exports the remaining spans within a time limit.
    pub fn end(self) {
        let (done, ended) = mpsc::channel();
        thread::spawn(move || {
            let _ = self.0.shutdown_with_timeout(FLUSH);
            let _ = done.send(());
        });
        let _ = ended.recv_timeout(FLUSH);
    }
}

/// The exporter's HTTP client, which blocks only the exporter's thread.
#[derive(Clone, Debug)]
struct Client {
    agent: Agent,
    /// Whether the last export failed, so that an outage is logged once.
    failing: Arc<AtomicBool>,
}

impl Client {
    fn new() -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .http_status_as_error(false)
            .tls_config(TlsConfig::builder().root_certs(roots()).build())
            .build();
        Client { agent: agent.into(), failing: Arc::default() }
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = self.agent.run(request.map(Vec::from))?.into_parts();
        let body = body.into_with_config().limit(LARGEST).read_to_vec()?;
        Ok(Response::from_parts(parts, body.into()))
    }

    fn note(&self, failure: Option<String>) {
        let before = self.failing.swap(failure.is_some(), Relaxed);
        match failure {
            Some(cause) if !before => {
                tracing::warn!(cause, "the trace collector can't be reached: spans are dropped");
            }
            None if before => tracing::info!("the trace collector can be reached again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.send(request);
        self.note(match &sent {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("it responds with {}", response.status())),
            Err(error) => Some(error.to_string()),
        });
        sent
    }
}

/// The span of a request; it continues the trace in the headers (W3C Trace Context).
pub fn request(id: &str, method: &str, path: &str, headers: Option<&HeaderMap>) -> Span {
    let span = trace_span!(
        target: TARGET,
        "request",
        otel.kind = "server",
        otel.status_code = Empty,
        request_id = id,
        http.request.method = method,
        http.response.status_code = Empty,
        url.path = path,
        graphql.operation.name = Empty,
        graphql.operation.type = Empty,
        error.type = Empty,
    );
    if let Some(headers) = headers.filter(|_| !span.is_disabled()) {
        let _ = span.set_parent(TraceContextPropagator::new().extract(&HeaderExtractor(headers)));
    }
    span
}

/// Parsing and validation, or a lookup in the document cache.
pub fn prepare() -> Span {
    trace_span!(target: TARGET, "prepare")
}

/// Binding of arguments.
pub fn bind() -> Span {
    trace_span!(target: TARGET, "bind")
}

/// A statement, including the wait for a connection. Its text is constant and contains no value.
pub fn statement(sql: &str) -> Span {
    trace_span!(
        target: TARGET,
        "sql",
        otel.kind = "client",
        db.system.name = "postgresql",
        db.query.text = sql,
        db.response.returned_rows = Empty,
    )
}

/// The transaction of a mutation.
pub fn write(field: &str) -> Span {
    trace_span!(target: TARGET, "write", graphql.field.name = field, db.system.name = "postgresql")
}

/// Writing the response from rows.
pub fn respond() -> Span {
    trace_span!(target: TARGET, "respond")
}
