//! What monitoring asks, as Prometheus reads it.

use std::{
    fmt::Write,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use axum::{extract::State, http::header::CONTENT_TYPE, response::IntoResponse};

use super::App;

pub(super) async fn tell(State(app): State<Arc<App>>) -> impl IntoResponse {
    let mut text = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, value: u64| {
        let _ = writeln!(
            text,
            "# HELP dossier_{name} {help}\n# TYPE dossier_{name} {kind}\ndossier_{name} {value}"
        );
    };
    let (pool, (readers, waiting)) = (app.database.pool(), app.database.readers().count());
    let (connections, idle) = (readers as u64 + u64::from(pool.size()), (waiting + pool.num_idle()) as u64);
    metric("database_connections", "gauge", "Connections to the database.", connections);
    metric("database_connections_idle", "gauge", "Of these, those that wait.", idle);
    if let Some(keeping) = &app.keeping {
        let counts = &keeping.cache.counts;
        let (answers, bytes) = keeping.cache.size();
        metric(
            "cache_hits_total",
            "counter",
            "Questions answered from the cache.",
            counts.hits.load(Relaxed),
        );
        metric(
            "cache_misses_total",
            "counter",
            "Questions whose answer was not kept, or was no longer right.",
            counts.misses.load(Relaxed),
        );
        metric(
            "cache_evictions_total",
            "counter",
            "Answers that made room for others.",
            counts.evictions.load(Relaxed),
        );
        metric("cache_answers", "gauge", "Answers kept.", answers as u64);
        metric("cache_bytes", "gauge", "Bytes that they take.", bytes as u64);
        let revision = keeping.current.revision().unwrap_or(-1);
        let _ = writeln!(
            text,
            "# HELP dossier_revision The current revision; -1 while it can't be known.\n# TYPE dossier_revision gauge\ndossier_revision {revision}"
        );
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}
