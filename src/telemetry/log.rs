//! The log, written to the standard error output by a thread of its own. Whoever reads it may stop reading, or
//! go: then lines are lost, which `dossier_log_lines_dropped_total` counts, and the server answers on.

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

/// Lines that wait to be written at most.
const WAITING: usize = 8192;
/// How long the end of the program may wait for those that still wait.
const FLUSH: Duration = Duration::from_secs(2);

/// Ends with the program.
static LOG: Mutex<Option<Log>> = Mutex::new(None);

/// The log, and the traces where they are exported; both are flushed when the program ends.
struct Log {
    guard: WorkerGuard,
    traces: Option<traces::Exporter>,
}

/// Begins to log as the settings have it.
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
    // Each has a filter of its own: spans are exported that no line of the log is about.
    let of_driver = Targets::new().with_target(statement::OF_DRIVER, tracing::Level::DEBUG);
    let counting = statement::Writes::slow_after(config.slow_statement).with_filter(of_driver);
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans).with(counting).init();
    let _ = WRITER.set(writer);
    std::panic::set_hook(Box::new(panicked));
    *lock(&LOG) = Some(Log { guard, traces });
    Ok(())
}

/// Writes what still waits, before the program ends; not longer than that may take.
pub fn end() {
    let Some(Log { guard, traces }) = lock(&LOG).take() else { return };
    if let Some(traces) = traces {
        traces.end();
    }
    let (done, flushed) = mpsc::channel();
    // Where nobody reads, the flush doesn't end: the program does.
    thread::spawn(move || {
        drop(guard);
        let _ = done.send(());
    });
    let _ = flushed.recv_timeout(FLUSH);
}

/// A panic is a fault of ours. The usual report would wait for whoever reads the standard error output.
fn panicked(panic: &PanicHookInfo<'_>) {
    let cause = panic.payload_as_str().unwrap_or("unknown");
    let place = panic.location().map(ToString::to_string);
    tracing::error!(request_id = request::current_id(), cause, place, "a panic");
}
