//! Outages of the database and of the cache in front of the server: logged once per outage, not once per request.

use std::{
    fmt::Display,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use crate::sync::lock;

/// The time between the first warnings; it doubles with each.
const FIRST: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_mins(30);

/// The database can't be reached or read.
pub static UNREACHABLE: Outage = Outage::new("the database is unavailable");
/// The database responds but accepts no changes.
pub static READ_ONLY: Outage = Outage::new("the database accepts no changes");
/// The database user lacks a privilege.
pub static FORBIDDEN: Outage = Outage::new("the database user lacks a privilege");

/// Nobody hears of new revisions.
pub static LISTENING: Outage = Outage::new("lost the connection that listens for revisions");

/// The cache in front of the server keeps stale responses.
pub static PURGING: Outage = Outage::new("can't purge the cache in front of the server");

#[derive(Debug)]
pub struct Outage {
    what: &'static str,
    /// Avoids the lock while there is no outage.
    lasts: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    since: Option<Instant>,
    /// The time of the last warning, and the pause after it. Both also hold for an outage that follows soon.
    warned: Option<Instant>,
    pause: Duration,
    failures: u64,
}

impl Outage {
    const fn new(what: &'static str) -> Self {
        let state = State { since: None, warned: None, pause: FIRST, failures: 0 };
        Outage { what, lasts: AtomicBool::new(false), state: Mutex::new(state) }
    }

    /// Records a failure.
    pub fn met(&self, cause: &dyn Display) {
        if let Some((seconds, failures)) = self.due_warning() {
            tracing::warn!(%cause, seconds, failures, "{}", self.what);
        }
    }

    /// The duration and the number of failures, if a warning is due.
    fn due_warning(&self) -> Option<(u64, u64)> {
        let mut state = lock(&self.state);
        let now = Instant::now();
        let since = *state.since.get_or_insert(now);
        state.failures += 1;
        self.lasts.store(true, Relaxed);
        match state.warned.map(|warned| warned.elapsed()) {
            Some(elapsed) if elapsed < state.pause => return None,
            Some(elapsed) if elapsed < 2 * LONGEST => state.pause = (state.pause * 2).min(LONGEST),
            _ => state.pause = FIRST,
        }
        state.warned = Some(now);
        Some((since.elapsed().as_secs(), state.failures))
    }

    /// Records that the outage is over.
    pub fn over(&self) {
        // This runs for every statement, so it only reads a flag if there is no outage.
        if !self.lasts.load(Relaxed) || !self.lasts.swap(false, Relaxed) {
            return;
        }
        let mut state = lock(&self.state);
        let Some(since) = state.since.take() else { return };
        let failures = std::mem::take(&mut state.failures);
        if state.warned.is_some_and(|warned| warned >= since) {
            tracing::info!(seconds = since.elapsed().as_secs(), failures, "over: {}", self.what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_logged_once_for_all_requests() {
        let outage = Outage::new("a test");
        assert_eq!(outage.due_warning(), Some((0, 1)));
        for _ in 0..1000 {
            assert_eq!(outage.due_warning(), None);
        }
        outage.over();
        assert_eq!(outage.due_warning(), None, "a short recovery does not add warnings");
        lock(&outage.state).warned = Instant::now().checked_sub(FIRST);
        assert!(outage.due_warning().is_some(), "a lasting outage is logged again");
    }
}
