//! A database that can't be reached, told once: every request meets the same outage.

use std::{
    sync::Mutex,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

use crate::sync::lock;

/// How long the first warning holds; each further one of the same outage holds twice as long.
const FIRST: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_mins(30);

#[derive(Debug)]
struct Outage {
    since: Instant,
    told: Instant,
    holds: Duration,
    failures: u64,
}

static IS_OUT: AtomicBool = AtomicBool::new(false);
static OUTAGE: Mutex<Option<Outage>> = Mutex::new(None);

/// Something failed as the database can't be reached.
pub fn met(cause: &dyn std::fmt::Display) {
    let mut current = lock(&OUTAGE);
    let now = Instant::now();
    IS_OUT.store(true, Relaxed);
    match current.as_mut() {
        None => {
            *current = Some(Outage { since: now, told: now, holds: FIRST, failures: 1 });
            tracing::warn!(%cause, "the database can't be reached");
        }
        Some(outage) => {
            outage.failures += 1;
            if outage.told.elapsed() >= outage.holds {
                outage.told = now;
                outage.holds = (outage.holds * 2).min(LONGEST);
                let (seconds, failures) = (outage.since.elapsed().as_secs(), outage.failures);
                tracing::warn!(%cause, seconds, failures, "the database still can't be reached");
            }
        }
    }
}

/// The database answered.
pub fn over() {
    if !IS_OUT.load(Relaxed) {
        return;
    }
    IS_OUT.store(false, Relaxed);
    if let Some(Outage { since, failures, .. }) = lock(&OUTAGE).take() {
        tracing::info!(seconds = since.elapsed().as_secs(), failures, "the database answers again");
    }
}
