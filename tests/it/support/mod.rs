//! What every test needs: a database of its own, a server on it, and clients.

pub mod client;
pub mod database;
pub mod process;
pub mod socket;
pub mod sql_log;

pub use client::{Client, anonymous, editor};
