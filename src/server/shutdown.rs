//! Those who stay connected: they are told when the server stops, and it waits until they have gone.

use std::convert::Infallible;

use tokio::sync::{mpsc, watch};

/// What a server does, in this order.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Phase {
    Serving,
    /// It still serves, and is no longer ready: whoever sends it requests is to send them elsewhere.
    Leaving,
    Stopping,
}

/// What each of them holds while it stays.
#[derive(Clone)]
pub(super) struct Staying {
    phase: watch::Receiver<Phase>,
    _here: mpsc::Sender<Infallible>,
}

/// What the server holds.
pub(super) struct Host {
    phase: watch::Sender<Phase>,
    gone: mpsc::Receiver<Infallible>,
}

pub(super) fn new() -> (Host, Staying) {
    let (phase, seen) = watch::channel(Phase::Serving);
    let (here, gone) = mpsc::channel(1);
    (Host { phase, gone }, Staying { phase: seen, _here: here })
}

impl Host {
    /// From now on the server is not ready.
    pub fn leave(&self) {
        self.phase.send_replace(Phase::Leaving);
    }

    /// Asks everybody to go.
    pub fn stop(&self) {
        self.phase.send_replace(Phase::Stopping);
    }

    /// Waits until everybody has gone.
    pub async fn closed(mut self) {
        self.gone.recv().await;
    }
}

impl Staying {
    /// Resolves when the server stops.
    pub async fn stopped(&mut self) {
        // Without a host there is nothing to stay at.
        let _ = self.phase.wait_for(|phase| *phase == Phase::Stopping).await;
    }

    /// Whether the server is about to stop.
    pub fn is_leaving(&self) -> bool {
        *self.phase.borrow() >= Phase::Leaving
    }
}
