//! The SQL that a question makes the server send, read from its log.

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

/// Listens on this thread from its making to its end; a test's server runs on the test's thread.
pub struct SqlLog {
    statements: Arc<Mutex<Vec<String>>>,
    _guard: DefaultGuard,
}

impl SqlLog {
    pub fn listen() -> Self {
        // Where it is first come by decides for all threads whether a statement is told: so it is on every one.
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
        std::mem::take(&mut *self.statements.lock().expect("nobody panicked"))
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
            self.0.lock().expect("nobody panicked").push(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

#[test]
fn a_statement_is_heard_where_another_thread_made_the_first_of_its_kind() {
    let log = SqlLog::listen();
    let tell = |sql: &str| tracing::debug!(target: "dossier::sql", sql);
    std::thread::scope(|threads| threads.spawn(|| tell("theirs")).join().expect("told"));
    tell("ours");
    assert_eq!(log.take(), ["ours"]);
}
