//! What every test needs: a database of its own, a server on it, and clients.

pub mod client;
pub mod cluster;
pub mod database;
pub mod pooler;
pub mod process;
pub mod socket;
pub mod sql_log;
pub mod varnish;

pub use client::{Client, anonymous, editor};

/// Prints a sentence; not with a macro, because the output of a passing test is captured.
pub fn say(sentence: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("\n{sentence}.\n").as_bytes());
}
