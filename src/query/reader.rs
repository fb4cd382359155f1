//! The way to the database: statements run here and nowhere else in the query path.

use sqlx::{
    AssertSqlSafe, Connection, Execute, PgConnection, Postgres, Row,
    postgres::{PgArguments, PgRow},
};

pub use super::statement::Days;
use super::statement::Statement;
use crate::{
    database::{Change, Connections, Share},
    limits::Client,
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
}

impl Reader {
    pub fn new(readers: Connections, writers: Connections) -> Self {
        Reader { readers, writers, share: Share::OWN, as_of: None }
    }

    /// What reads for a request of a client, who shares the connections with others.
    #[must_use]
    pub fn of(&self, client: &Client, large: bool) -> Self {
        Reader { share: self.readers.share(client, large), ..self.clone() }
    }

    /// What reads the base as it stood after a revision.
    #[must_use]
    pub fn as_of(&self, revision: i64) -> Self {
        Reader { as_of: Some(revision), ..self.clone() }
    }

    /// Begins a transaction that changes something.
    pub async fn begin(&self) -> Result<Change, sqlx::Error> {
        self.writers.begin(&self.share).await
    }

    /// The rows of a statement; `parents` stand where it asks for them. Names of records that were merged
    /// are only looked at where a record is missing.
    pub async fn run(&self, statement: &Statement, parents: &[i64]) -> Result<Vec<PgRow>, sqlx::Error> {
        let mut rows = self.rows(&statement.sql, statement.arguments(parents)?).await?;
        if rows.len() < parents.len().max(1)
            && let Some(merged) = statement.under_old_names()
        {
            rows.extend(self.rows(&merged.sql, merged.arguments(parents)?).await?);
        }
        Ok(rows)
    }

    /// The rows of a text that holds nothing of the request: every value of it is an argument.
    pub async fn rows(&self, sql: &str, arguments: PgArguments) -> Result<Vec<PgRow>, sqlx::Error> {
        // A text of its own, for a connection keeps one plan for each.
        let text = self.as_of.map(|_| format!("/* as of */ {sql}"));
        let sql = text.as_deref().unwrap_or(sql);
        log(sql);
        let mut tries = self.readers.tries(&self.share).await;
        loop {
            // Given up before the statement ends, it is cancelled.
            let mut connection = tries.next().await?;
            let asked = sqlx::query_with(AssertSqlSafe(sql), arguments.clone());
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

/// The rows of a question that is asked of the past: there, the names of all tables that have a history mean
/// the tables as they stood.
async fn past(
    connection: &mut PgConnection,
    revision: i64,
    asked: Question<'_>,
) -> Result<Vec<PgRow>, sqlx::Error> {
    let mut past = connection.begin().await?;
    let path = "select set_config('search_path', 'past, ' || current_setting('search_path'), true), \
                       set_config('dossier.as_of', $1::text, true)";
    sqlx::query(path).bind(revision).execute(&mut *past).await?;
    let rows = asked.fetch_all(&mut *past).await?;
    past.commit().await?;
    Ok(rows)
}
