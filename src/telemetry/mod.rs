//! Logs, metrics and traces: what the server tells about itself.
//!
//! | module | what it tells |
//! |---|---|
//! | [`request`] | one structured log line for each request, with what it took |
//! | [`statement`] | each SQL statement: how long it waited and ran, and whether it was slow |
//! | [`outage`] | a database that can't be reached: one warning for an outage, not one for each request |
//! | [`log`] | the log itself: a pipe that nobody reads loses lines and never stops the server |
//! | [`metrics`] | counters and histograms of the process, as Prometheus reads them |
//! | [`traces`] | OpenTelemetry spans, exported with OTLP where a collector is named |

pub mod log;
pub mod metrics;
pub mod outage;
pub mod output;
pub mod request;
pub mod statement;
pub mod traces;
