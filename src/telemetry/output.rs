//! Writes to stderr without blocking: lines that nobody reads are dropped and counted.

use std::{
    io::{self, BufWriter, Write},
    os::fd::AsFd,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use serde_json::json;
use tracing::Level;
use tracing_appender::non_blocking::NonBlocking;
use tracing_subscriber::fmt::{
    format::Writer,
    time::{FormatTime, SystemTime},
};

use crate::config::{self, LogFormat};

pub static WRITER: OnceLock<NonBlocking> = OnceLock::new();
static UNWRITTEN: AtomicU64 = AtomicU64::new(0);

/// Prints a line for the user, in order with the log and in its format, whatever `RUST_LOG` is.
pub fn say(line: &str) {
    say_as(Level::INFO, line);
}

/// Prints why the program ends.
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

/// A line in the log's JSON format.
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

/// The number of dropped lines.
pub fn dropped() -> u64 {
    let waited_in_vain = WRITER.get().map_or(0, |writer| writer.error_counter().dropped_lines());
    waited_in_vain as u64 + UNWRITTEN.load(Relaxed)
}

/// A separate descriptor of stderr, so that a blocking write holds no lock that others wait for.
pub fn output() -> io::Result<std::fs::File> {
    io::stderr().as_fd().try_clone_to_owned().map(Into::into)
}

/// Counts lines that can't be written.
pub struct Output(pub BufWriter<std::fs::File>);

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
    /// Drops and counts queued lines, to make room.
    fn lost(&mut self) {
        let lines = String::from_utf8_lossy(self.0.buffer()).lines().count().max(1);
        UNWRITTEN.fetch_add(lines as u64, Relaxed);
        if let Ok(output) = output() {
            let (_, _) = std::mem::replace(&mut self.0, BufWriter::new(output)).into_parts();
        }
    }
}
