//! Tells a cache in front of the server which responses a change made stale.
//!
//! Each change is purged twice: at once, and again when no server gives an older response any more. A response that was
//! on its way to the cache at the first time is gone after the second. What changed while no server was running is not
//! known, so a start purges everything; so does the end, as another version may give other responses.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::http::{Request, header::CONTENT_TYPE};
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};
use ureq::{Agent, tls::TlsConfig};

use crate::{
    config,
    engine::cache::{
        revision_watcher::{Position, RevisionWatcher},
        tags,
    },
    telemetry::outage,
    tls::roots,
};

/// Longer than a server may take to notice a change, and a response to reach the cache.
const REPEAT_AFTER: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(5);
/// Tags per request, as few as any cache accepts.
const BATCH: usize = 100;
/// The pause before a failed request is retried; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The cache in front of the server.
pub struct Purge {
    settings: config::Purge,
    agent: Agent,
}

/// Counters for metrics.
#[derive(Debug)]
pub struct Progress {
    pub requests: AtomicU64,
    pub failures: AtomicU64,
    /// Responses older than this revision are gone from the cache; -1 before the first purge.
    pub revision: AtomicI64,
    /// Whether the cache can't be purged now: it must not get responses to keep.
    pub is_failing: AtomicBool,
}

impl Default for Progress {
    fn default() -> Self {
        Progress { requests: 0.into(), failures: 0.into(), revision: (-1).into(), is_failing: false.into() }
    }
}

impl Purge {
    pub fn new(settings: config::Purge) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .tls_config(TlsConfig::builder().root_certs(roots()).build())
            .build();
        Purge { settings, agent: agent.into() }
    }

    /// Purges the responses with these tags; the error says what the cache answered.
    pub async fn send(self: &Arc<Self>, tags: &[String]) -> Result<(), String> {
        for batch in tags.chunks(BATCH) {
            self.send_batch(batch).await?;
        }
        Ok(())
    }

    async fn send_batch(self: &Arc<Self>, batch: &[String]) -> Result<(), String> {
        let (purge, batch) = (self.clone(), batch.to_vec());
        let sent = tokio::task::spawn_blocking(move || purge.send_now(&batch)).await;
        sent.map_err(|error| error.to_string())?
    }

    fn send_now(&self, tags: &[String]) -> Result<(), String> {
        let config::Purge { url, method, tags: name, header } = &self.settings;
        let mut request = Request::builder().method(method).uri(url);
        request = request.header(name, tags.join(self.settings.separator()));
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let is_post = method == "POST";
        let sent = if is_post {
            let body =
                request.header(CONTENT_TYPE, "application/json").body(json!({ "tags": tags }).to_string());
            self.agent.run(body.map_err(|error| error.to_string())?)
        } else {
            self.agent.run(request.body(()).map_err(|error| error.to_string())?)
        };
        let status = sent.map_err(|error| error.to_string())?.status();
        // A redirect is no success.
        if status.is_success() { Ok(()) } else { Err(format!("the cache answers {status}")) }
    }

    /// Retries each batch until it succeeds.
    async fn send_surely(self: &Arc<Self>, tags: &[String], progress: &Progress) {
        for batch in tags.chunks(BATCH) {
            let mut pause = FIRST_PAUSE;
            while let Err(error) = self.send_batch(batch).await {
                progress.failures.fetch_add(1, Relaxed);
                progress.is_failing.store(true, Relaxed);
                outage::PURGING.met(&error);
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            progress.is_failing.store(false, Relaxed);
            outage::PURGING.over();
            progress.requests.fetch_add(1, Relaxed);
        }
    }

    /// Purges everything when the server ends: another version may give other responses.
    pub async fn end(self: &Arc<Self>) {
        if let Err(error) = self.send(&tags::stale(None)).await {
            outage::PURGING.met(&error);
        }
    }

    /// Purges what each change made stale.
    pub async fn follow(self: Arc<Self>, revisions: Arc<RevisionWatcher>, progress: Arc<Progress>) {
        let mut changes = revisions.follow();
        let mut first = changes.after(Position::default()).await;
        let stale =
            |since: Option<Position>| tags::stale(since.and_then(|since| revisions.changed_since(since)));
        self.send_surely(&stale(None), &progress).await;
        let (mut second, mut repeat) = (None, Some((Instant::now() + REPEAT_AFTER, first)));
        loop {
            let due = repeat.map_or_else(Instant::now, |(due, _)| due);
            tokio::select! {
                position = changes.after(first) => {
                    self.send_surely(&stale(Some(first)), &progress).await;
                    first = position;
                    repeat.get_or_insert((Instant::now() + REPEAT_AFTER, position));
                }
                () = sleep_until(due), if repeat.is_some() => {
                    let Some((_, position)) = repeat.take() else { continue };
                    self.send_surely(&stale(second), &progress).await;
                    second = Some(position);
                    progress.revision.store(position.revision, Relaxed);
                    if position != first {
                        repeat = Some((Instant::now() + REPEAT_AFTER, first));
                    }
                }
            }
        }
    }
}
