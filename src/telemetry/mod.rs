//! Logs, metrics and traces.
//!
//! | module | content |
//! |---|---|
//! | [`request`] | one structured log line per request |
//! | [`statement`] | SQL statements: waiting and running time, slow statements |
//! | [`outage`] | outages of the database, logged once each |
//! | [`log`] | the log, which never blocks the server |
//! | [`metrics`] | Prometheus metrics |
//! | [`traces`] | OpenTelemetry spans, exported with OTLP |

pub mod log;
pub mod metrics;
pub mod outage;
pub mod output;
pub mod request;
pub mod statement;
pub mod traces;
