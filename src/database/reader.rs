//! Runs the statements of queries.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
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
        error::{AccessError, may_succeed_elsewhere},
        replicas::{Freshness, Replica, Replicas},
        statement::Statement,
    },
    telemetry::{
        request,
        statement::{self, Statement as Observed},
    },
};

/// Runs each statement on a connection of the pool.
#[derive(Clone)]
pub struct Reader {
    readers: Connections,
    writers: Connections,
    replicas: Option<Replicas>,
    /// The replica that all statements of a request run on; `None` for the writer.
    on: Option<Arc<OnReplica>>,
    /// The server itself, or a client's request.
    share: Share,
    /// Read the data as of this revision; `None` for the current data.
    as_of: Option<i64>,
    slow: Slow,
}

struct OnReplica {
    replica: Replica,
    /// Whether a statement failed that may succeed on another host.
    failed: AtomicBool,
}

/// When to log a slow statement, and whether with its plan.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slow {
    pub after: Option<Duration>,
    pub plan: bool,
}

impl Reader {
    pub fn new(readers: Connections, writers: Connections) -> Self {
        let (replicas, on, share) = (None, None, Share::OWN);
        Reader { readers, writers, replicas, on, share, as_of: None, slow: Slow::default() }
    }

    /// Lets queries read from replicas.
    #[must_use]
    pub fn with_replicas(self, replicas: &Replicas) -> Self {
        Reader { replicas: Some(replicas.clone()).filter(|replicas| !replicas.is_empty()), ..self }
    }

    /// A reader for a query that needs data of this freshness. It reads from one replica, or from the writer. After
    /// a failure, `avoided` is the reader that failed.
    pub async fn fresh(&self, freshness: Freshness, avoided: Option<&Reader>) -> Result<Self, sqlx::Error> {
        let Some(replicas) = &self.replicas else { return Ok(self.clone()) };
        let avoided = avoided.and_then(|reader| reader.on.as_ref()).map(|on| &on.replica);
        let Some(replica) = replicas.choose(freshness, avoided).await? else { return Ok(self.clone()) };
        let readers = replica.connections().clone();
        let on = Some(Arc::new(OnReplica { replica, failed: AtomicBool::new(false) }));
        Ok(Reader { readers, on, ..self.clone() })
    }

    /// A revision that the replica had replayed before; `None` on the writer.
    pub fn replayed(&self) -> Option<i64> {
        self.on.as_ref().map(|on| on.replica.revision)
    }

    /// Runs all statements of a request. An error: they failed on a replica, or it was left out meanwhile, so that
    /// another host may succeed.
    pub async fn run_all<T>(&self, statements: impl Future<Output = T>) -> Result<T, Option<T>> {
        let Some(on) = &self.on else { return Ok(statements.await) };
        let done = tokio::select! {
            done = statements => done,
            () = on.replica.left_out() => return Err(None),
        };
        if on.failed.load(Relaxed) {
            on.replica.suspect();
            return Err(Some(done));
        }
        if on.replica.was_left_out() { Err(Some(done)) } else { Ok(done) }
    }

    /// A reader for a request, within the client's share of the connections.
    #[must_use]
    pub fn of(&self, client: &Client, large: bool) -> Self {
        Reader { share: self.readers.share(client, large), ..self.clone() }
    }

    /// Logs slow statements.
    #[must_use]
    pub fn with_slow_log(self, slow: Slow) -> Self {
        Reader { slow, ..self }
    }

    /// Reads the data as of a revision.
    #[must_use]
    pub fn as_of(&self, revision: i64) -> Self {
        Reader { as_of: Some(revision), ..self.clone() }
    }

    /// Reads the current data.
    #[must_use]
    pub fn today(&self) -> Self {
        Reader { as_of: None, ..self.clone() }
    }

    pub async fn begin(&self) -> Result<Change, sqlx::Error> {
        let query = Instant::now();
        let change = self.writers.begin(&self.share).await?;
        statement::acquired(query.elapsed());
        Ok(change)
    }

    /// Logs the plans of the request's slow writes.
    pub fn explain_changes(&self) {
        if self.slow.plan {
            self.explain(&self.writers, request::slow_statements());
        }
    }

    /// Runs a statement with the ids of the parents. Old ids and slugs of merged records are looked up only if rows
    /// are missing.
    pub async fn run(&self, statement: &Statement, parents: &[i64]) -> Result<Vec<PgRow>, sqlx::Error> {
        let mut rows =
            self.run_sql(&statement.sql, statement.arguments(parents)?, statement.is_prepared()).await?;
        if rows.len() < parents.len().max(1)
            && let Some(merged) = statement.under_old_names()
        {
            rows.extend(self.rows(&merged.sql, merged.arguments(parents)?).await?);
        }
        Ok(rows)
    }

    /// Runs constant SQL with bound values.
    pub async fn rows(&self, sql: &str, arguments: PgArguments) -> Result<Vec<PgRow>, sqlx::Error> {
        self.run_sql(sql, arguments, true).await
    }

    /// Runs a query of planner statistics; not logged.
    pub async fn statistics(&self, sql: &str) -> Result<Vec<PgRow>, sqlx::Error> {
        let mut connection = self.readers.attempts(&self.share).await.next().await?;
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *connection).await?;
        connection.release().await;
        Ok(rows)
    }

    async fn run_sql(
        &self,
        sql: &str,
        arguments: PgArguments,
        prepared: bool,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        // Different text, since Postgres caches one plan per text.
        let text = self.as_of.map(|_| format!("/* as of */ {sql}"));
        let sql = text.as_deref().unwrap_or(sql);
        let mut observed = Observed::new(sql);
        let span = observed.span();
        let rows = self.try_rows(sql, arguments, prepared, &mut observed).instrument(span).await;
        let rows = rows.map_err(|error| self.failed(error))?;
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
        let mut attempts = self.readers.attempts(&self.share).await;
        loop {
            // Dropping the connection cancels the statement.
            let mut connection = attempts.next().await?;
            // Through a pooler, statements are dropped with the transaction, and an error would end it.
            let prepared = prepared || connection.is_in_transaction();
            observed.begins();
            let mut rows = self.attempt(&mut connection, sql, &arguments, prepared).await;
            // The first time that a connection meets a type it reads about it, which drops a statement that is not
            // kept. Then it knows the type.
            if !prepared && rows.as_ref().is_err_and(statement_is_gone) {
                rows = self.attempt(&mut connection, sql, &arguments, prepared).await;
            }
            match rows {
                Ok(rows) => {
                    connection.release().await;
                    return Ok(rows);
                }
                Err(error) => attempts.retry_or_fail(connection, error)?,
            }
        }
    }

    /// Remembers an error of the replica. Where there is a writer to ask, it is no outage.
    fn failed(&self, error: sqlx::Error) -> sqlx::Error {
        let Some(on) = self.on.as_ref().filter(|_| may_succeed_elsewhere(&error)) else { return error };
        on.failed.store(true, Relaxed);
        if self.replicas.as_ref().is_some_and(Replicas::are_alone) {
            return error;
        }
        tracing::debug!(%error, "a statement failed on a replica; the request is repeated elsewhere");
        AccessError::Restarted.into()
    }

    async fn attempt(
        &self,
        connection: &mut PgConnection,
        sql: &str,
        arguments: &PgArguments,
        prepared: bool,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        let query = sqlx::query_with(AssertSqlSafe(sql), arguments.clone()).persistent(prepared);
        match self.as_of {
            None => query.fetch_all(connection).await,
            Some(revision) => rows_as_of(connection, revision, query).await,
        }
    }

    /// Explains slow statements in the background, for one request at a time.
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

    /// The generic plan of a statement, without its values. The statement is not run.
    async fn plan(&self, pool: &Connections, sql: &str) -> Result<String, sqlx::Error> {
        let mut connection = pool.take().await?;
        let mut plan = connection.begin().await?;
        if let Some(revision) = self.as_of {
            sqlx::query(SET_AS_OF).bind(revision).execute(&mut *plan).await?;
        }
        let prepare = format!("set local plan_cache_mode = force_generic_plan; prepare slow as {sql}");
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *plan).await?;
        let values = vec!["null"; parameters(sql)].join(", ");
        let values = if values.is_empty() { values } else { format!("({values})") };
        let explain = format!("explain execute slow{values}");
        let lines = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut *plan).await?;
        let lines = lines.iter().map(|line| line.try_get(0)).collect::<Result<Vec<String>, _>>()?;
        // Dropping the connection closes it, and with it the prepared statement.
        Ok(lines.join("\n"))
    }

    /// Runs SQL of a domain module, with values bound by `bind`.
    pub async fn fetch(
        &self,
        sql: &str,
        bind: impl FnOnce(SqlQuery<'_>) -> SqlQuery<'_>,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        self.run_sql(sql, arguments(sql, bind)?, true).await
    }

    /// The same for SQL whose best plan depends on its values: Postgres plans it each time.
    pub async fn fetch_planned(
        &self,
        sql: &str,
        bind: impl FnOnce(SqlQuery<'_>) -> SqlQuery<'_>,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        self.run_sql(sql, arguments(sql, bind)?, false).await
    }

    /// The planner's estimate of a count.
    pub async fn estimate(&self, statement: &Statement) -> Result<i64, sqlx::Error> {
        let sql = format!("explain (format json) {}", statement.sql);
        let rows = self.run_sql(&sql, statement.arguments(&[])?, statement.is_prepared()).await?;
        let plan: serde_json::Value = rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)?;
        let mut node = &plan[0]["Plan"];
        // Skip the aggregate nodes, which return one row.
        while node["Node Type"]
            .as_str()
            .is_some_and(|kind| kind.contains("Aggregate") || kind.contains("Gather"))
        {
            node = &node["Plans"][0];
        }
        Ok(node["Plan Rows"].as_i64().unwrap_or(0))
    }
}

static EXPLAINING: AtomicBool = AtomicBool::new(false);

/// Lets one request explain at a time; dropping it, even in a panic, lets the next.
struct Explaining(());

impl Explaining {
    /// `None` while another request explains.
    fn begin() -> Option<Self> {
        (!EXPLAINING.swap(true, Relaxed)).then_some(Explaining(()))
    }
}

impl Drop for Explaining {
    fn drop(&mut self) {
        EXPLAINING.store(false, Relaxed);
    }
}

/// Number of parameters in the text.
fn parameters(sql: &str) -> usize {
    let numbers = sql.split('$').skip(1).map(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        rest[..digits].parse().unwrap_or(0)
    });
    numbers.max().unwrap_or(0)
}

pub type SqlQuery<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

/// Puts the history views before the tables in the search path.
const SET_AS_OF: &str = "with past as (
    select oid, has_schema_privilege(oid, 'usage') as usable from pg_namespace
    where nspname = any(array[
        case current_schema() when 'public' then 'dossier' else current_schema() end || '_past', 'past'
    ]) order by nspname = 'past' limit 1
)
select usable, set_config('search_path', oid::regnamespace || ', ' || current_setting('search_path'), true),
       set_config('dossier.as_of', $1::text, true)
from past";

/// The values that `bind` binds.
fn arguments(sql: &str, bind: impl FnOnce(SqlQuery<'_>) -> SqlQuery<'_>) -> Result<PgArguments, sqlx::Error> {
    let mut query = bind(sqlx::query(AssertSqlSafe(sql)));
    Ok(query.take_arguments().map_err(sqlx::Error::Encode)?.unwrap_or_default())
}

/// Whether the statement that was to run is not there any more.
fn statement_is_gone(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "26000")
}

/// Runs a query on the history views.
async fn rows_as_of(
    connection: &mut PgConnection,
    revision: i64,
    query: SqlQuery<'_>,
) -> Result<Vec<PgRow>, sqlx::Error> {
    let mut past = connection.begin().await?;
    let usable: bool = sqlx::query_scalar(SET_AS_OF).bind(revision).fetch_one(&mut *past).await?;
    if !usable {
        // Postgres skips a schema without usage privilege, and would return current data.
        return Err(AccessError::PastForbidden.into());
    }
    let rows = query.fetch_all(&mut *past).await?;
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
