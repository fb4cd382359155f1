//! The way to the database: statements run here and nowhere else in the query path.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

use sqlx::{
    AssertSqlSafe, Connection, Execute, PgConnection, Postgres, Row,
    postgres::{PgArguments, PgRow},
};
use tracing::Instrument;

pub use crate::database::statement::Days;
use crate::{
    database::{
        client::Client,
        connections::{Change, Connections, Share},
        error::AccessError,
        statement::Statement,
    },
    telemetry::{
        request,
        statement::{self, Statement as Observed},
    },
};

/// Runs statements, each on a connection of its own.
#[derive(Clone)]
pub struct Reader {
    readers: Connections,
    writers: Connections,
    /// For whom: the server itself, or a client's request.
    share: Share,
    /// The revision after which the base is read as it stood; none for today's.
    as_of: Option<i64>,
    slow: Slow,
}

/// When a statement is slow, and what is logged of it then.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slow {
    pub after: Option<Duration>,
    pub plan: bool,
}

impl Reader {
    pub fn new(readers: Connections, writers: Connections) -> Self {
        Reader { readers, writers, share: Share::OWN, as_of: None, slow: Slow::default() }
    }

    /// What reads for a request of a client, who shares the connections with others.
    #[must_use]
    pub fn of(&self, client: &Client, large: bool) -> Self {
        Reader { share: self.readers.share(client, large), ..self.clone() }
    }

    /// The same, which logs slow statements.
    #[must_use]
    pub fn telling(self, slow: Slow) -> Self {
        Reader { slow, ..self }
    }

    /// What reads the base as it stood after a revision.
    #[must_use]
    pub fn as_of(&self, revision: i64) -> Self {
        Reader { as_of: Some(revision), ..self.clone() }
    }

    /// What reads the base as it stands.
    #[must_use]
    pub fn today(&self) -> Self {
        Reader { as_of: None, ..self.clone() }
    }

    /// Begins a transaction that changes something.
    pub async fn begin(&self) -> Result<Change, sqlx::Error> {
        let asked = Instant::now();
        let change = self.writers.begin(&self.share).await?;
        statement::acquired(asked.elapsed());
        Ok(change)
    }

    /// Logs the plans of the statements of the request that were slow, where they changed something.
    pub fn explain_changes(&self) {
        if self.slow.plan {
            self.explain(&self.writers, request::slow_statements());
        }
    }

    /// The rows of a statement; `parents` stand where it asks for them. Names of records that were merged
    /// are only looked at where a record is missing.
    pub async fn run(&self, statement: &Statement, parents: &[i64]) -> Result<Vec<PgRow>, sqlx::Error> {
        let mut rows =
            self.ask(&statement.sql, statement.arguments(parents)?, statement.is_prepared()).await?;
        if rows.len() < parents.len().max(1)
            && let Some(merged) = statement.under_old_names()
        {
            rows.extend(self.rows(&merged.sql, merged.arguments(parents)?).await?);
        }
        Ok(rows)
    }

    /// The rows of a text that holds nothing of the request: every value of it is an argument.
    pub async fn rows(&self, sql: &str, arguments: PgArguments) -> Result<Vec<PgRow>, sqlx::Error> {
        self.ask(sql, arguments, true).await
    }

    /// The rows of a text that asks Postgres what it knows of the base: the log isn't told.
    pub async fn statistics(&self, sql: &str) -> Result<Vec<PgRow>, sqlx::Error> {
        let mut connection = self.readers.tries(&self.share).await.next().await?;
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *connection).await?;
        connection.give_back();
        Ok(rows)
    }

    /// The rows of a text, which stays prepared on the connection or doesn't.
    async fn ask(
        &self,
        sql: &str,
        arguments: PgArguments,
        prepared: bool,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        // A text of its own, for a connection keeps one plan for each.
        let text = self.as_of.map(|_| format!("/* as of */ {sql}"));
        let sql = text.as_deref().unwrap_or(sql);
        let mut observed = Observed::new(sql);
        let span = observed.span();
        let rows = self.try_rows(sql, arguments, prepared, &mut observed).instrument(span).await?;
        if observed.ended(rows.len(), self.slow.after) && self.slow.plan {
            self.explain(&self.readers, vec![sql.to_owned()]);
        }
        Ok(rows)
    }

    async fn try_rows(
        &self,
        sql: &str,
        arguments: PgArguments,
        prepared: bool,
        observed: &mut Observed<'_>,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        let mut tries = self.readers.tries(&self.share).await;
        loop {
            // Given up before the statement ends, it is cancelled.
            let mut connection = tries.next().await?;
            observed.begins();
            let asked = sqlx::query_with(AssertSqlSafe(sql), arguments.clone()).persistent(prepared);
            let asked = match self.as_of {
                None => asked.fetch_all(&mut *connection).await,
                Some(revision) => past(&mut connection, revision, asked).await,
            };
            match asked {
                Ok(rows) => {
                    connection.give_back();
                    return Ok(rows);
                }
                Err(error) => tries.failed(connection, error)?,
            }
        }
    }

    /// Logs the plans of slow statements, beside the request. Those of one request at a time are explained.
    fn explain(&self, pool: &Connections, slow: Vec<String>) {
        let Some(explaining) = Explaining::begin().filter(|_| !slow.is_empty()) else { return };
        let (reader, pool) = (self.clone(), pool.clone());
        tokio::spawn(request::carried(async move {
            let _explaining = explaining;
            for sql in slow {
                match reader.plan(&pool, &sql).await {
                    Ok(plan) => statement::log_plan(&sql, &plan),
                    Err(error) => tracing::debug!(%error, "can't explain a slow statement"),
                }
            }
        }));
    }

    /// The plan of a statement whatever its values, which are not told. It is not run.
    async fn plan(&self, pool: &Connections, sql: &str) -> Result<String, sqlx::Error> {
        let mut connection = pool.take().await?;
        let mut plan = connection.begin().await?;
        if let Some(revision) = self.as_of {
            sqlx::query(PAST).bind(revision).execute(&mut *plan).await?;
        }
        let prepare = format!("set local plan_cache_mode = force_generic_plan; prepare slow as {sql}");
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *plan).await?;
        let values = vec!["null"; parameters(sql)].join(", ");
        let values = if values.is_empty() { values } else { format!("({values})") };
        let explain = format!("explain execute slow{values}");
        let lines = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut *plan).await?;
        let lines = lines.iter().map(|line| line.try_get(0)).collect::<Result<Vec<String>, _>>()?;
        // Neither given back nor asked to forget: the connection is closed, and the prepared statement with it.
        Ok(lines.join("\n"))
    }

    /// The rows of a domain module's own text, whose values `bind` gives.
    pub async fn fetch(
        &self,
        sql: &str,
        bind: impl FnOnce(SqlQuery<'_>) -> SqlQuery<'_>,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        let mut question = bind(sqlx::query(AssertSqlSafe(sql)));
        let arguments = question.take_arguments().map_err(sqlx::Error::Encode)?.unwrap_or_default();
        self.rows(sql, arguments).await
    }

    /// How many rows the planner expects a count to count.
    pub async fn estimate(&self, statement: &Statement) -> Result<i64, sqlx::Error> {
        let sql = format!("explain (format json) {}", statement.sql);
        let rows = self.ask(&sql, statement.arguments(&[])?, statement.is_prepared()).await?;
        let plan: serde_json::Value = rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)?;
        let mut node = &plan[0]["Plan"];
        // The aggregate gives one row; what lies below it gives those that it counts.
        while node["Node Type"]
            .as_str()
            .is_some_and(|kind| kind.contains("Aggregate") || kind.contains("Gather"))
        {
            node = &node["Plans"][0];
        }
        Ok(node["Plan Rows"].as_i64().unwrap_or(0))
    }
}

/// Whether slow statements are being explained.
static EXPLAINING: AtomicBool = AtomicBool::new(false);

/// The turn to explain slow statements. Dropped, be it by a panic, it is somebody else's.
struct Explaining(());

impl Explaining {
    /// None while somebody else has it.
    fn begin() -> Option<Self> {
        (!EXPLAINING.swap(true, Relaxed)).then_some(Explaining(()))
    }
}

impl Drop for Explaining {
    fn drop(&mut self) {
        EXPLAINING.store(false, Relaxed);
    }
}

/// How many parameters a text has.
fn parameters(sql: &str) -> usize {
    let numbers = sql.split('$').skip(1).map(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        rest[..digits].parse().unwrap_or(0)
    });
    numbers.max().unwrap_or(0)
}

pub type SqlQuery<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

/// There, the names of all tables that have a history mean the tables as they stood.
const PAST: &str = "with past as (
    select oid, has_schema_privilege(oid, 'usage') as usable from pg_namespace
    where nspname = any(array[
        case current_schema() when 'public' then 'dossier' else current_schema() end || '_past', 'past'
    ]) order by nspname = 'past' limit 1
)
select usable, set_config('search_path', oid::regnamespace || ', ' || current_setting('search_path'), true),
       set_config('dossier.as_of', $1::text, true)
from past";

/// The rows of a question that is asked of the past: there, the names of all tables that have a history mean
/// the tables as they stood.
async fn past(
    connection: &mut PgConnection,
    revision: i64,
    asked: SqlQuery<'_>,
) -> Result<Vec<PgRow>, sqlx::Error> {
    let mut past = connection.begin().await?;
    let usable: bool = sqlx::query_scalar(PAST).bind(revision).fetch_one(&mut *past).await?;
    if !usable {
        // Postgres passes over it in silence, and would answer with today.
        return Err(AccessError::PastForbidden.into());
    }
    let rows = asked.fetch_all(&mut *past).await?;
    past.commit().await?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_the_turn_to_explain() {
        let panicked = std::panic::catch_unwind(|| {
            let _explaining = Explaining::begin().expect("nobody explains");
            assert!(Explaining::begin().is_none());
            panic!("in the middle of it");
        });
        assert!(panicked.is_err() && Explaining::begin().is_some());
    }
}
