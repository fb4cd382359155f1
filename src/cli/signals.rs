//! Ctrl-C and SIGTERM, and reaping orphans as process 1.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::{cli::Failure, database::subprocess};

#[derive(Clone, Copy, Debug)]
pub enum Signal {
    Interrupt,
    Terminate,
}

impl Signal {
    pub fn status(self) -> u8 {
        match self {
            Signal::Interrupt => 130,
            Signal::Terminate => 143,
        }
    }
}

/// Ctrl-C and SIGTERM from the start of the program. A second signal exits at once.
#[derive(Clone)]
pub struct Stop {
    signal: watch::Receiver<Option<Signal>>,
    /// Whether the command shuts down gracefully.
    is_graceful: Arc<AtomicBool>,
}

impl Stop {
    pub fn listen() -> Result<Self, Failure> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let (first, signal) = watch::channel(None);
        tokio::spawn(async move {
            let mut next = async || {
                tokio::select! {
                    _ = interrupt.recv() => Signal::Interrupt,
                    _ = terminate.recv() => Signal::Terminate,
                }
            };
            first.send_replace(Some(next().await));
            std::process::exit(next().await.status().into());
        });
        Ok(Stop { signal, is_graceful: Arc::default() })
    }

    pub async fn signalled(mut self) -> Signal {
        match self.signal.wait_for(Option::is_some).await.map(|signal| *signal) {
            Ok(Some(signal)) => signal,
            _ => std::future::pending().await,
        }
    }

    /// A signal that no graceful shutdown handles.
    pub async fn interrupted(&self) -> Signal {
        let signal = self.clone().signalled().await;
        if self.is_graceful.load(Ordering::Relaxed) { std::future::pending().await } else { signal }
    }

    /// Resolves on a signal; from now on the caller shuts down gracefully.
    pub fn graceful_shutdown(self) -> impl Future<Output = ()> + Send + 'static {
        self.is_graceful.store(true, Ordering::Relaxed);
        async move {
            self.signalled().await;
            tracing::info!("stopping");
        }
    }
}

/// Process 1 of a container must reap orphans.
pub fn reap_orphans() -> Result<(), Failure> {
    if std::process::id() == 1 {
        let mut ended = signal(SignalKind::child())?;
        tokio::spawn(async move {
            while ended.recv().await.is_some() {
                let _ = tokio::task::spawn_blocking(subprocess::reap_orphans).await;
            }
        });
    }
    Ok(())
}
