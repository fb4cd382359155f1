//! Each SQL statement: the log of statements, slow ones, and what requests and metrics count of them.

use std::time::{Duration, Instant};

use tracing::{
    Event, Span, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

use crate::telemetry::{metrics::METRICS, outage, request, traces};

/// A statement that waits for a connection, and then runs. Dropped before it has ended, it was given up.
#[derive(Debug)]
pub struct Statement<'s> {
    sql: &'s str,
    span: Span,
    asked: Instant,
    began: Option<Instant>,
}

impl<'s> Statement<'s> {
    pub fn new(sql: &'s str) -> Self {
        tracing::debug!(target: "dossier::sql", sql, "statement");
        Statement { sql, span: traces::statement(sql), asked: Instant::now(), began: None }
    }

    /// One that runs at once, on a connection that is there.
    pub fn running(sql: &'s str) -> Self {
        let mut statement = Self::new(sql);
        statement.began = Some(statement.asked);
        statement
    }

    /// The span that it runs in.
    pub fn span(&self) -> Span {
        self.span.clone()
    }

    /// It has a connection, and is sent.
    pub fn begins(&mut self) {
        self.began = Some(Instant::now());
        acquired(self.asked.elapsed());
    }

    /// It ended with so many rows. Told where it took longer than a limit, if there is one.
    pub fn ended(mut self, rows: usize, slow: Option<Duration>) -> bool {
        let took = self.began.take().map_or(Duration::ZERO, |began| began.elapsed());
        self.span.record("db.response.returned_rows", i64::try_from(rows).unwrap_or(i64::MAX));
        count(took, rows);
        outage::UNREACHABLE.over();
        let is_slow = slow.is_some_and(|slow| took >= slow);
        if is_slow {
            METRICS.slow.inc();
            let (request_id, ms) = (request::current_id(), request::millis(took));
            tracing::warn!(target: "dossier::slow", request_id, ms, rows, sql = self.sql, "slow statement");
        }
        is_slow
    }
}

/// A connection was had, after so long.
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
        if let Some(began) = self.began {
            count(began.elapsed(), 0);
        }
    }
}

fn count(took: Duration, rows: usize) {
    request::statement(took, rows);
    METRICS.statements.observe(took.as_secs_f64());
    METRICS.rows.inc_by(rows as u64);
}

/// Where the driver tells of statements. What reads is told here instead, and switched off there.
pub(super) const OF_DRIVER: &str = "sqlx::query";

/// Counts the statements of what writes, and of exports, as the driver tells of them.
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
        let mut told = Told::default();
        event.record(&mut told);
        let took = Duration::from_secs_f64(told.seconds.max(0.0));
        request::statement(took, usize::try_from(told.rows).unwrap_or(0));
        if request::is_export() {
            METRICS.statements.observe(took.as_secs_f64());
            METRICS.rows.inc_by(told.rows);
        } else {
            METRICS.writes.observe(took.as_secs_f64());
        }
        if self.slow.is_some_and(|slow| took >= slow) {
            METRICS.slow.inc();
            // An event can't be made within another: the request logs it when it ends.
            request::slow(if told.sql.is_empty() { told.summary } else { told.sql }, took);
        }
    }
}

#[derive(Default)]
struct Told {
    summary: String,
    sql: String,
    rows: u64,
    seconds: f64,
}

impl Visit for Told {
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
