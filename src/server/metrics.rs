//! What monitoring asks, as Prometheus reads it.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use axum::{extract::State, http::header::CONTENT_TYPE, response::IntoResponse};

use crate::{
    server::AppState,
    telemetry::metrics::{METRICS, counter, gauge},
};

pub(super) async fn tell(State(app): State<Arc<AppState>>) -> impl IntoResponse {
    let mut own = Vec::new();
    let mut now = |name: &str, help: &str, value: usize| {
        own.extend(gauge(&format!("dossier_{name}"), help, i64::try_from(value).unwrap_or(i64::MAX)));
    };
    let (database, pool) = (&app.database, app.database.pool());
    let (mut connections, mut idle) = (pool.size() as usize, pool.num_idle());
    let (mut waiting, mut refused, mut made) = (0, 0, 0);
    for pool in [database.readers(), database.writers()] {
        let (there, resting) = pool.count();
        connections += there;
        idle += resting;
        waiting += pool.waiting();
        refused += pool.counts().refused.load(Relaxed);
        made += pool.counts().made.load(Relaxed);
    }
    now("database_connections", "Connections to the database.", connections);
    now("database_connections_idle", "Of these, those that wait.", idle);
    now("database_waiting", "Requests that wait for a connection.", waiting);
    now("subscribers", "Subscriptions that are told of changes.", app.feed.subscribers());
    if let Some(keeping) = &app.keeping {
        let (answers, bytes) = keeping.cache.size();
        now("cache_answers", "Answers kept.", answers);
        now("cache_bytes", "Bytes that they take.", bytes);
        let revision = keeping.current.revision().unwrap_or(-1);
        own.extend(gauge("dossier_revision", "The current revision; -1 while it can't be known.", revision));
        let mut count = |name: &str, help: &str, value: u64| {
            own.extend(counter(&format!("dossier_{name}_total"), help, value));
        };
        let counts = &keeping.cache.counts;
        count("cache_hits", "Questions answered from the cache.", counts.hits.load(Relaxed));
        count(
            "cache_misses",
            "Questions whose answer was not kept, or was no longer right.",
            counts.misses.load(Relaxed),
        );
        count("cache_evictions", "Answers that made room for others.", counts.evictions.load(Relaxed));
    }
    let mut count = |name: &str, help: &str, value: u64| {
        own.extend(counter(&format!("dossier_database_{name}_total"), help, value));
    };
    count("refused", "Requests that waited in vain for a connection, or were too many to wait.", refused);
    count("connections_made", "Connections made.", made);
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], METRICS.encode(own))
}
