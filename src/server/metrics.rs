//! `/metrics` in Prometheus' text format.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use axum::{extract::State, http::header::CONTENT_TYPE, response::IntoResponse};
use prometheus::proto::MetricFamily;
use sqlx::Connection;

use crate::{
    bulk::import::log::{self, Totals},
    database::replicas::{Replicas, Report},
    server::AppState,
    telemetry::metrics::{METRICS, counter, counters, gauge, gauges, seconds},
};

/// A scrape doesn't wait longer for the database.
const IMPORTS_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) async fn handle(State(app): State<Arc<AppState>>) -> impl IntoResponse {
    let mut own = Vec::new();
    let mut now = |name: &str, help: &str, value: usize| {
        own.extend(gauge(&format!("dossier_{name}"), help, i64::try_from(value).unwrap_or(i64::MAX)));
    };
    let (database, pool) = (&app.database, app.database.pool());
    let (mut connections, mut idle) = (pool.size() as usize, pool.num_idle());
    let (mut waiting, mut refused, mut made) = (0, 0, 0);
    let own_pools = [database.readers(), database.writers()];
    for pool in own_pools.into_iter().chain(database.replicas().pools()) {
        let (open, idle_there) = pool.count();
        connections += open;
        idle += idle_there;
        waiting += pool.waiting();
        refused += pool.counts().refused.load(Relaxed);
        made += pool.counts().opened.load(Relaxed);
    }
    now("database_connections", "Connections to the database that are open.", connections);
    now("database_connections_idle", "Open connections to the database that are idle.", idle);
    now("database_waiting", "Requests that wait for a connection to the database.", waiting);
    now("subscribers", "Active subscriptions.", app.feed.subscribers());
    if let Some(cache) = &app.response_cache {
        let (count, bytes) = cache.size();
        now("cache_responses", "Responses in the cache.", count);
        now("cache_bytes", "Bytes that the responses in the cache take.", bytes);
        let mut count = |name: &str, help: &str, value: u64| {
            own.extend(counter(&format!("dossier_{name}_total"), help, value));
        };
        let counts = &cache.counts;
        count("cache_hits", "Queries with a cached response (hits).", counts.hits.load(Relaxed));
        count(
            "cache_misses",
            "Queries whose response was not cached or was invalidated (misses).",
            counts.misses.load(Relaxed),
        );
        count(
            "cache_evictions",
            "Responses that were evicted from the cache to free memory.",
            counts.evictions.load(Relaxed),
        );
    }
    if let Some(purged) = &app.purged {
        let revision = purged.revision.load(Relaxed);
        let help = "The cache in front of the server has no response that is older than this revision; -1 before the first purge.";
        own.extend(gauge("dossier_purged_revision", help, revision));
        let requests = [("sent", purged.requests.load(Relaxed)), ("failed", purged.failures.load(Relaxed))]
            .map(|(result, count)| (result, i64::try_from(count).unwrap_or(i64::MAX)));
        let help = "Requests that purge the cache in front of the server, by result.";
        own.extend(counters("dossier_purge_requests_total", help, "result", &requests));
    }
    if app.knows_revision() {
        let revision = app.revisions.revision().unwrap_or(-1);
        own.extend(gauge("dossier_revision", "The current revision; -1 while it is unknown.", revision));
    }
    own.extend(replicas(database.replicas()));
    let mut count = |name: &str, help: &str, value: u64| {
        own.extend(counter(&format!("dossier_database_{name}_total"), help, value));
    };
    count(
        "refused",
        "Requests that failed because no database connection became free in time, or too many requests were waiting for one.",
        refused,
    );
    count("connections_made", "Connections to the database that were opened.", made);
    let read = async || {
        let mut connection = database.connect_uncounted().await?;
        let totals = log::totals(&mut connection).await?;
        let _ = connection.close().await;
        Ok::<_, sqlx::Error>(totals)
    };
    if let Ok(Ok(totals)) = tokio::time::timeout(IMPORTS_TIMEOUT, read()).await {
        own.extend(imports(&totals));
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], METRICS.encode(own))
}

/// The replicas, each by its host, and who is read from.
// A float holds every number of a revision up to 2^53.
#[allow(clippy::cast_precision_loss)]
fn replicas(replicas: &Replicas) -> Vec<MetricFamily> {
    let reports: Vec<Report<'_>> = replicas.reports().collect();
    if reports.is_empty() {
        return Vec::new();
    }
    let gauge = |name: &str, help: &str, value: fn(&Report<'_>) -> f64| {
        let values = reports.iter().map(|report| (report.name, value(report)));
        gauges(&format!("dossier_replica_{name}"), help, "replica", values)
    };
    let is_available = |report: &Report<'_>| f64::from(u8::from(report.available));
    let mut families = gauge("available", "Whether queries may read from the replica.", is_available);
    families.extend(gauge(
        "lag_seconds",
        "How long the writer has had a revision that the replica lacks; 0 if it lacks none.",
        |report| report.lag.as_secs_f64(),
    ));
    families.extend(gauge("revision", "The last revision that the replica has replayed.", |report| {
        report.replayed as f64
    }));
    let (of_replicas, of_writer) =
        (reports.iter().map(|report| report.requests).sum(), replicas.writer_requests());
    let requests: [(&str, u64); 2] = [("replica", of_replicas), ("writer", of_writer)];
    let requests = requests.map(|(role, requests)| (role, requests.cast_signed()));
    families.extend(counters(
        "dossier_replica_requests_total",
        "Queries that the cache did not answer, by the role of the host that they read from.",
        "role",
        &requests,
    ));
    families
}

/// The imports of the database: commands run them, so they are left out while the database does not respond.
fn imports(totals: &Totals) -> Vec<MetricFamily> {
    let mut families =
        gauge("dossier_import_running", "Whether an import is running.", totals.is_running.into());
    families.extend(counters(
        "dossier_imports_total",
        "Imports that ended, by result.",
        "result",
        &totals.imports,
    ));
    families.extend(counters(
        "dossier_import_records_total",
        "Records of imports that ended, by what became of them.",
        "result",
        &totals.records,
    ));
    families.extend(seconds(
        "dossier_import_seconds_total",
        "Duration of all imports together.",
        totals.seconds,
    ));
    families
}
