//! Prometheus metrics of the process.

use std::sync::LazyLock;

use prometheus::{
    Counter, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts,
    Registry, TextEncoder, core::Collector, proto::MetricFamily,
};

use crate::telemetry::output;

pub static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// Buckets for requests: from a cache hit to the request timeout.
const OF_REQUESTS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Buckets for statements, waits for connections and the delay of changes.
const OF_STATEMENTS: &[f64] =
    &[0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

pub struct Metrics {
    registry: Registry,
    pub requests: HistogramVec,
    pub response_bytes: IntCounterVec,
    pub statements: Histogram,
    pub writes: Histogram,
    pub rows: IntCounter,
    pub slow: IntCounter,
    pub acquire: Histogram,
    pub feed_lag: Histogram,
    pub feed_changes: IntCounter,
}

impl Metrics {
    fn new() -> Self {
        let registry = Registry::new();
        #[cfg(target_os = "linux")]
        registry
            .register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))
            .expect("each metric has a name of its own");
        let build = Opts::new("dossier_build_info", "The version of the program; always 1.")
            .const_label("version", env!("CARGO_PKG_VERSION"));
        register(&registry, IntGauge::with_opts(build).expect("a valid metric")).set(1);
        let histogram = |name: &str, help: &str| {
            let options = HistogramOpts::new(name, help).buckets(OF_STATEMENTS.to_vec());
            register(&registry, Histogram::with_opts(options).expect("a valid metric"))
        };
        let counter = |name: &str, help: &str| {
            register(&registry, IntCounter::new(name, help).expect("a valid metric"))
        };
        let requests = HistogramOpts::new(
            "dossier_request_duration_seconds",
            "Duration of requests, by operation type, error code (OK if there was none) and cache result.",
        );
        let requests = HistogramVec::new(requests.buckets(OF_REQUESTS.to_vec()), &["kind", "code", "cache"]);
        let bytes = Opts::new("dossier_response_bytes_total", "Bytes of response bodies, by transport.");
        Metrics {
            requests: register(&registry, requests.expect("a valid metric")),
            response_bytes: register(
                &registry,
                IntCounterVec::new(bytes, &["transport"]).expect("a valid metric"),
            ),
            statements: histogram(
                "dossier_sql_statement_duration_seconds",
                "Duration of SQL statements of reads.",
            ),
            writes: histogram("dossier_sql_write_duration_seconds", "Duration of SQL statements of changes."),
            rows: counter("dossier_sql_rows_total", "Rows read."),
            slow: counter(
                "dossier_sql_slow_statements_total",
                "Statements that took longer than SLOW_STATEMENT.",
            ),
            acquire: histogram(
                "dossier_database_acquire_seconds",
                "Time that requests waited for a connection of the pool.",
            ),
            feed_lag: histogram(
                "dossier_feed_lag_seconds",
                "Time from when a change was recorded until it was sent to subscribers.",
            ),
            feed_changes: counter("dossier_feed_changes_total", "Changes sent to subscribers."),
            registry,
        }
    }

    /// These metrics and a server's own, in Prometheus' text format.
    pub fn encode(&self, own: Vec<MetricFamily>) -> String {
        let mut families = self.registry.gather();
        families.extend(own);
        families.extend(counter(
            "dossier_log_lines_dropped_total",
            "Log lines that were dropped because the output was too slow.",
            output::dropped(),
        ));
        TextEncoder::new().encode_to_string(&families).unwrap_or_default()
    }
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> C {
    registry.register(Box::new(metric.clone())).expect("each metric has a name of its own");
    metric
}

pub fn gauge(name: &str, help: &str, value: i64) -> Vec<MetricFamily> {
    let gauge = IntGauge::new(name, help).expect("a valid metric");
    gauge.set(value);
    gauge.collect()
}

/// A gauge with one label.
pub fn gauges<'v>(
    name: &str,
    help: &str,
    label: &str,
    values: impl Iterator<Item = (&'v str, f64)>,
) -> Vec<MetricFamily> {
    let gauges = GaugeVec::new(Opts::new(name, help), &[label]).expect("a valid metric");
    values.for_each(|(value_of_label, value)| gauges.with_label_values(&[value_of_label]).set(value));
    gauges.collect()
}

pub fn counter(name: &str, help: &str, value: u64) -> Vec<MetricFamily> {
    let counter = IntCounter::new(name, help).expect("a valid metric");
    counter.inc_by(value);
    counter.collect()
}

/// A counter with one label.
pub fn counters(name: &str, help: &str, label: &str, values: &[(&str, i64)]) -> Vec<MetricFamily> {
    let counters = IntCounterVec::new(Opts::new(name, help), &[label]).expect("a valid metric");
    for (value_of_label, value) in values {
        counters.with_label_values(&[value_of_label]).inc_by(u64::try_from(*value).unwrap_or(0));
    }
    counters.collect()
}

/// A counter of time.
pub fn seconds(name: &str, help: &str, value: f64) -> Vec<MetricFamily> {
    let counter = Counter::new(name, help).expect("a valid metric");
    counter.inc_by(value);
    counter.collect()
}
