//! The log, written to stderr by its own thread. If nobody reads it, lines are dropped and counted
//! (`dossier_log_lines_dropped_total`), and the server continues.

use std::{
    io::{self, BufWriter, IsTerminal},
    panic::PanicHookInfo,
    sync::{Mutex, mpsc},
    thread,
    time::Duration,
};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::{
    config::{Config, LogFormat},
    sync::lock,
    telemetry::{
        output::{Output, WRITER, output},
        request, statement, traces,
    },
};

/// Maximum number of queued lines.
const WAITING: usize = 8192;
/// How long the program may wait at its end for queued lines.
const FLUSH: Duration = Duration::from_secs(2);

/// Dropped at the end of the program.
static LOG: Mutex<Option<Log>> = Mutex::new(None);

/// The log and the trace exporter, which are flushed at the end of the program.
struct Log {
    guard: WorkerGuard,
    traces: Option<traces::Exporter>,
}

/// Starts the log with the configured filter and format.
pub fn begin(config: &Config) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| format!("RUST_LOG is invalid: {error}"))?;
    let traces = config.traces.as_deref().map(traces::Exporter::begin).transpose()?;
    let is_terminal = io::stderr().is_terminal();
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING)
        .thread_name("log")
        .finish(Output(BufWriter::new(output().map_err(|error| error.to_string())?)));
    let lines = fmt::layer().with_ansi(is_terminal).with_writer(writer.clone());
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match config.log_format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let spans = traces.as_ref().map(|exporter| {
        exporter.layer().with_filter(Targets::new().with_target(traces::TARGET, tracing::Level::TRACE))
    });
    // Separate filters, because spans are exported whatever the log filter is.
    let of_driver = Targets::new().with_target(statement::OF_DRIVER, tracing::Level::DEBUG);
    let counting = statement::Writes::slow_after(config.slow_statement).with_filter(of_driver);
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans).with(counting).init();
    let _ = WRITER.set(writer);
    std::panic::set_hook(Box::new(panicked));
    *lock(&LOG) = Some(Log { guard, traces });
    Ok(())
}

/// Flushes the queue within a time limit.
pub fn end() {
    let Some(Log { guard, traces }) = lock(&LOG).take() else { return };
    if let Some(traces) = traces {
        traces.end();
    }
    let (done, flushed) = mpsc::channel();
    // If nobody reads stderr, the flush does not finish before the program ends.
    thread::spawn(move || {
        drop(guard);
        let _ = done.send(());
    });
    let _ = flushed.recv_timeout(FLUSH);
}

/// Logs panics as internal errors. The default hook would block while nobody reads stderr.
fn panicked(panic: &PanicHookInfo<'_>) {
    let cause = panic.payload_as_str().unwrap_or("unknown");
    let place = panic.location().map(ToString::to_string);
    tracing::error!(request_id = request::current_id(), cause, place, "a panic");
}
