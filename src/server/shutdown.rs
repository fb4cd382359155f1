//! Graceful shutdown: the server drains, then stops, then waits for its connections.

use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

#[derive(Clone, Default)]
pub(super) struct Shutdown {
    draining: CancellationToken,
    stopping: CancellationToken,
    running: TaskTracker,
}

impl Shutdown {
    /// The server still accepts requests, but reports that it is not ready.
    pub fn drain(&self) {
        self.draining.cancel();
    }

    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Asks all connections to close.
    pub fn stop(&self) {
        self.stopping.cancel();
        self.running.close();
    }

    /// Resolves when connections must close.
    pub async fn stopped(&self) {
        self.stopping.cancelled().await;
    }

    /// Runs a task of the server until it stops.
    pub async fn until_stopped(self, task: impl Future<Output = ()>) {
        tokio::select! {
            () = task => {}
            () = self.stopped() => {}
        }
    }

    /// The server does not end while this is held.
    pub fn guard(&self) -> TaskTrackerToken {
        self.running.token()
    }

    /// Resolves when no guard is held any more.
    pub async fn finished(&self) {
        self.running.wait().await;
    }
}
