//! The log, written to the standard error output by a thread of its own. Whoever reads it may stop reading, or
//! go: then lines are lost, which `dossier_log_lines_dropped_total` counts, and the server answers on.

use std::{
    io::{self, BufWriter, IsTerminal, Write},
    os::fd::AsFd,
    panic::PanicHookInfo,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use serde_json::json;
use tracing::Level;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::Targets,
    fmt,
    fmt::{
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{
    config::{self, Config, LogFormat},
    sync::lock,
    telemetry::{request, statement, traces},
};

/// Lines that wait to be written at most.
const WAITING: usize = 8192;
/// How long the end of the program may wait for those that still wait.
const FLUSH: Duration = Duration::from_secs(2);

/// Ends with the program.
static LOG: Mutex<Option<Log>> = Mutex::new(None);
static WRITER: OnceLock<NonBlocking> = OnceLock::new();
/// Lines that were taken to be written, and couldn't be.
static UNWRITTEN: AtomicU64 = AtomicU64::new(0);

/// The log, and the traces where they are exported; both are flushed when the program ends.
struct Log {
    guard: WorkerGuard,
    traces: Option<traces::Exporter>,
}

/// Begins to log as the settings have it.
pub fn begin(config: &Config) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.log)
        .map_err(|error| format!("RUST_LOG is not a list of log filters: {error}"))?;
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

/// Says a line to whoever started the program, in order with the log and in its format, whatever RUST_LOG leaves out.
pub fn say(line: &str) {
    say_as(Level::INFO, line);
}

/// Says why the program ends.
pub fn say_failure(line: &str) {
    say_as(Level::ERROR, line);
}

fn say_as(level: Level, line: &str) {
    let line = match config::log_format() {
        LogFormat::Text => format!("{line}\n"),
        LogFormat::Json => json_line(level, line),
    };
    let _ = match WRITER.get() {
        Some(writer) => writer.clone().write_all(line.as_bytes()),
        None => io::stderr().write_all(line.as_bytes()),
    };
}

/// A line as the log writes it as JSON.
fn json_line(level: Level, message: &str) -> String {
    let mut timestamp = String::new();
    let _ = SystemTime.format_time(&mut Writer::new(&mut timestamp));
    let line = json!({
        "timestamp": timestamp,
        "level": level.as_str(),
        "fields": { "message": message },
        "target": "dossier",
    });
    format!("{line}\n")
}

/// Lines that were lost, as nobody read them.
pub fn dropped() -> u64 {
    let waited_in_vain = WRITER.get().map_or(0, |writer| writer.error_counter().dropped_lines());
    waited_in_vain as u64 + UNWRITTEN.load(Relaxed)
}

/// A descriptor of the standard error output apart from the program's own: a write that blocks holds no lock
/// that somebody else waits for.
fn output() -> io::Result<std::fs::File> {
    io::stderr().as_fd().try_clone_to_owned().map(Into::into)
}

/// Counts what can't be written, and goes on.
struct Output(BufWriter<std::fs::File>);

impl Write for Output {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.write_all(line).is_err() {
            self.lost();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.0.flush().is_err() {
            self.lost();
        }
        Ok(())
    }
}

impl Output {
    /// What waits can't be written: it is counted, and there is room again.
    fn lost(&mut self) {
        let lines = String::from_utf8_lossy(self.0.buffer()).lines().count().max(1);
        UNWRITTEN.fetch_add(lines as u64, Relaxed);
        if let Ok(output) = output() {
            let (_, _) = std::mem::replace(&mut self.0, BufWriter::new(output)).into_parts();
        }
    }
}

/// A panic is a fault of ours. The usual report would wait for whoever reads the standard error output.
fn panicked(panic: &PanicHookInfo<'_>) {
    let cause = panic.payload_as_str().unwrap_or("unknown");
    let place = panic.location().map(ToString::to_string);
    tracing::error!(request_id = request::current_id(), cause, place, "a panic");
}
