//! The SQL that the server sends, read from its log.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex, Once},
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    subscriber::DefaultGuard,
};
use tracing_subscriber::{Layer, layer::Context, layer::SubscriberExt};

/// Records the statements of this thread; a test's server runs on the test's thread.
pub struct SqlLog {
    statements: Arc<Mutex<Vec<String>>>,
    _guard: DefaultGuard,
}

impl SqlLog {
    pub fn listen() -> Self {
        // The first use decides for all threads whether statements are logged, so it is enabled on every thread.
        static EVERYWHERE: Once = Once::new();
        EVERYWHERE.call_once(|| {
            let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
        });
        let statements = Arc::<Mutex<Vec<String>>>::default();
        let subscriber = tracing_subscriber::registry().with(Recorder(statements.clone()));
        SqlLog { statements, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// The statements since the last time; in an order that doesn't depend on which level was faster.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.statements.lock().expect("no thread panicked"))
    }
}

struct Recorder(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Recorder {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "dossier::sql" {
            event.record(&mut SqlField(&self.0));
        }
    }
}

struct SqlField<'a>(&'a Mutex<Vec<String>>);

impl Visit for SqlField<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "sql" {
            self.0.lock().expect("no thread panicked").push(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

#[test]
fn a_statement_is_logged_on_every_thread() {
    let log = SqlLog::listen();
    let write = |sql: &str| tracing::debug!(target: "dossier::sql", sql);
    std::thread::scope(|threads| threads.spawn(|| write("theirs")).join().expect("logged"));
    write("ours");
    assert_eq!(log.take(), ["ours"]);
}
