//! A database that can't be reached, told once: every request meets the same outage.

use std::{
    fmt::Display,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use crate::sync::lock;

/// How long a warning holds at first; each further one holds twice as long.
const FIRST: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_mins(30);

/// The database can't be reached, or not be read.
pub static UNREACHABLE: Outage = Outage::new("the database is unavailable");
/// The database answers, and takes no changes.
pub static READ_ONLY: Outage = Outage::new("the database accepts no changes");
/// The database's user lacks a right to what is asked.
pub static FORBIDDEN: Outage = Outage::new("the database user lacks a privilege");

/// Something that fails for everybody, and is told once in a while.
#[derive(Debug)]
pub struct Outage {
    what: &'static str,
    /// So that nobody waits for the lock while all is well.
    lasts: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    since: Option<Instant>,
    /// When the last warning was, and how long it holds: also for the next outage, if one follows soon.
    told: Option<Instant>,
    holds: Duration,
    failures: u64,
}

impl Outage {
    const fn new(what: &'static str) -> Self {
        let state = State { since: None, told: None, holds: FIRST, failures: 0 };
        Outage { what, lasts: AtomicBool::new(false), state: Mutex::new(state) }
    }

    /// Something failed for it.
    pub fn met(&self, cause: &dyn Display) {
        if let Some((seconds, failures)) = self.is_news() {
            tracing::warn!(%cause, seconds, failures, "{}", self.what);
        }
    }

    /// How long it lasts and how often it was met, where that is to be told.
    fn is_news(&self) -> Option<(u64, u64)> {
        let mut state = lock(&self.state);
        let now = Instant::now();
        let since = *state.since.get_or_insert(now);
        state.failures += 1;
        self.lasts.store(true, Relaxed);
        match state.told.map(|told| told.elapsed()) {
            Some(elapsed) if elapsed < state.holds => return None,
            Some(elapsed) if elapsed < 2 * LONGEST => state.holds = (state.holds * 2).min(LONGEST),
            _ => state.holds = FIRST,
        }
        state.told = Some(now);
        Some((since.elapsed().as_secs(), state.failures))
    }

    /// It is over.
    pub fn over(&self) {
        // Every statement comes here: it only reads while all is well.
        if !self.lasts.load(Relaxed) || !self.lasts.swap(false, Relaxed) {
            return;
        }
        let mut state = lock(&self.state);
        let Some(since) = state.since.take() else { return };
        let failures = std::mem::take(&mut state.failures);
        if state.told.is_some_and(|told| told >= since) {
            tracing::info!(seconds = since.elapsed().as_secs(), failures, "over: {}", self.what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_once_whoever_meets_it() {
        let outage = Outage::new("a test");
        assert_eq!(outage.is_news(), Some((0, 1)));
        for _ in 0..1000 {
            assert_eq!(outage.is_news(), None);
        }
        outage.over();
        assert_eq!(outage.is_news(), None, "what comes and goes is told no more often");
        lock(&outage.state).told = Instant::now().checked_sub(FIRST);
        assert!(outage.is_news().is_some(), "while it lasts, it is told again");
    }
}
