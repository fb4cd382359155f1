//! The way to the database: statements run here and nowhere else in the query path.

use sqlx::{
    AssertSqlSafe, Execute, PgPool, Postgres, Row,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
};

pub use super::statement::Days;
use super::statement::Statement;

/// Runs statements on connections of the pool.
#[derive(Clone, Debug)]
pub struct Reader {
    pool: PgPool,
}

impl Reader {
    pub fn new(pool: PgPool) -> Self {
        Reader { pool }
    }

    /// The connections, for what writes.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The rows of a statement; `parents` stand where it asks for them.
    pub async fn run(&self, statement: &Statement, parents: &[i64]) -> Result<Vec<PgRow>, sqlx::Error> {
        self.rows(&statement.sql, statement.arguments(parents)?).await
    }

    /// The rows of a text that holds nothing of the request: every value of it is an argument.
    pub async fn rows(&self, sql: &str, arguments: PgArguments) -> Result<Vec<PgRow>, sqlx::Error> {
        log(sql);
        let mut running = Running(Some(self.pool.acquire().await?));
        let Running(Some(connection)) = &mut running else { unreachable!("it was just filled") };
        let rows = sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_all(&mut **connection).await;
        drop(running.0.take());
        rows
    }

    /// The rows of a slice's own text, whose values `bind` gives.
    pub async fn fetch(
        &self,
        sql: &str,
        bind: impl FnOnce(Question<'_>) -> Question<'_>,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        let mut question = bind(sqlx::query(AssertSqlSafe(sql)));
        let arguments = question.take_arguments().map_err(sqlx::Error::Encode)?.unwrap_or_default();
        self.rows(sql, arguments).await
    }

    /// How many rows the planner expects a count to count.
    pub async fn estimate(&self, statement: &Statement) -> Result<i64, sqlx::Error> {
        let sql = format!("explain (format json) {}", statement.sql);
        let rows = self.rows(&sql, statement.arguments(&[])?).await?;
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

/// Tells the log of a statement that runs.
pub fn log(sql: &str) {
    tracing::debug!(target: "dossier::sql", sql, "statement");
}

pub type Question<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

/// A connection while a statement runs on it. Given up before the statement ends, it is closed, and
/// Postgres gives the statement up too.
struct Running(Option<PoolConnection<Postgres>>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}
