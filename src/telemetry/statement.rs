//! SQL statements in logs and metrics, and slow statements.

use std::time::{Duration, Instant};

use tracing::{
    Event, Span, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

use crate::telemetry::{metrics::METRICS, outage, request, traces};

/// A statement that waits for a connection and then runs. It was cancelled if it is dropped before it ended.
#[derive(Debug)]
pub struct Statement<'s> {
    sql: &'s str,
    span: Span,
    requested_at: Instant,
    started_at: Option<Instant>,
}

impl<'s> Statement<'s> {
    pub fn new(sql: &'s str) -> Self {
        tracing::debug!(target: "dossier::sql", sql, "statement");
        Statement { sql, span: traces::statement(sql), requested_at: Instant::now(), started_at: None }
    }

    /// A statement on a connection that is available.
    pub fn running(sql: &'s str) -> Self {
        let mut statement = Self::new(sql);
        statement.started_at = Some(statement.requested_at);
        statement
    }

    /// The span of the statement.
    pub fn span(&self) -> Span {
        self.span.clone()
    }

    /// It has a connection and is sent.
    pub fn begins(&mut self) {
        self.started_at = Some(Instant::now());
        acquired(self.requested_at.elapsed());
    }

    /// It ended with this number of rows. It is logged if it took longer than the limit.
    pub fn ended(mut self, rows: usize, slow: Option<Duration>) -> bool {
        let duration = self.started_at.take().map_or(Duration::ZERO, |started_at| started_at.elapsed());
        self.span.record("db.response.returned_rows", i64::try_from(rows).unwrap_or(i64::MAX));
        count(duration, rows);
        outage::UNREACHABLE.over();
        let is_slow = slow.is_some_and(|slow| duration >= slow);
        if is_slow {
            METRICS.slow.inc();
            let (request_id, ms) = (request::current_id(), request::millis(duration));
            tracing::warn!(target: "dossier::slow", request_id, ms, rows, sql = self.sql, "slow statement");
        }
        is_slow
    }
}

/// Records the time that a connection was waited for.
pub fn acquired(after: Duration) {
    METRICS.acquire.observe(after.as_secs_f64());
}

/// Logs the plan of a slow statement.
pub fn log_plan(sql: &str, plan: &str) {
    let request_id = request::current_id();
    tracing::warn!(target: "dossier::slow", request_id, sql, plan, "plan of a slow statement");
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        if let Some(started_at) = self.started_at {
            count(started_at.elapsed(), 0);
        }
    }
}

fn count(duration: Duration, rows: usize) {
    request::statement(duration, rows);
    METRICS.statements.observe(duration.as_secs_f64());
    METRICS.rows.inc_by(rows as u64);
}

/// The driver's log of statements. It is off for reads, which are logged here.
pub(super) const OF_DRIVER: &str = "sqlx::query";

/// Counts the statements of changes and exports, from the driver's log.
pub(super) struct Writes {
    slow: Option<Duration>,
}

impl Writes {
    pub fn slow_after(slow: Option<Duration>) -> Self {
        Writes { slow }
    }
}

impl<S: Subscriber> Layer<S> for Writes {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = StatementFields::default();
        event.record(&mut fields);
        let duration = Duration::from_secs_f64(fields.seconds.max(0.0));
        request::statement(duration, usize::try_from(fields.rows).unwrap_or(0));
        if request::is_export() {
            METRICS.statements.observe(duration.as_secs_f64());
            METRICS.rows.inc_by(fields.rows);
        } else {
            METRICS.writes.observe(duration.as_secs_f64());
        }
        if self.slow.is_some_and(|slow| duration >= slow) {
            METRICS.slow.inc();
            // An event can't be emitted within another, so the request logs it when it ends.
            request::slow(if fields.sql.is_empty() { fields.summary } else { fields.sql }, duration);
        }
    }
}

#[derive(Default)]
struct StatementFields {
    summary: String,
    sql: String,
    rows: u64,
    seconds: f64,
}

impl Visit for StatementFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.trim().clone_into(&mut self.sql),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "rows_returned" {
            self.rows = value;
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.seconds = value;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
