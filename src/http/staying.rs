//! Those who stay connected: they are told when the server stops, and it waits until they have gone.

use std::convert::Infallible;

use tokio::sync::{mpsc, watch};

/// What each of them holds while it stays.
#[derive(Clone)]
pub(super) struct Staying {
    stop: watch::Receiver<bool>,
    _here: mpsc::Sender<Infallible>,
}

/// What the server holds.
pub(super) struct Host {
    stop: watch::Sender<bool>,
    gone: mpsc::Receiver<Infallible>,
}

pub(super) fn new() -> (Host, Staying) {
    let (stop, stopped) = watch::channel(false);
    let (here, gone) = mpsc::channel(1);
    (Host { stop, gone }, Staying { stop: stopped, _here: here })
}

impl Host {
    /// Something that asks everybody to go.
    pub fn bell(&self) -> watch::Sender<bool> {
        self.stop.clone()
    }

    /// Something that tells whether they were asked.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
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
        let _ = self.stop.wait_for(|stop| *stop).await;
    }
}
