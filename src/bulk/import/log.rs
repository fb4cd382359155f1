//! The log of imports, which the metrics of a server count.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::bulk::import::{Error, Outcome, lock};

/// Logs how an import ended. An import is not undone because this fails.
pub async fn add(
    connection: &mut PgConnection,
    requester: &str,
    seconds: f64,
    ended: &Result<Outcome, Error>,
) -> Result<(), sqlx::Error> {
    let none = Outcome::default();
    let (outcome, result) = match ended {
        Err(_) => (&none, "FAILED"),
        Ok(outcome) if outcome.change.is_some() => (outcome, "WRITTEN"),
        Ok(outcome) => (outcome, "UNCHANGED"),
    };
    let removed = outcome.gone.map_or(0, |gone| gone.removed);
    let [created, updated, unchanged, rejected, removed] =
        [outcome.created, outcome.updated, outcome.unchanged, outcome.rejected, removed]
            .map(u64::cast_signed);
    sqlx::query(
        "insert into imports
             (seconds, requester, result, change, created, updated, unchanged, rejected, removed)
         values ($1, $2, $3::text::import_result, $4, $5, $6, $7, $8, $9)",
    )
    .bind(seconds)
    .bind(requester)
    .bind(result)
    .bind(outcome.change)
    .bind(created)
    .bind(updated)
    .bind(unchanged)
    .bind(rejected)
    .bind(removed)
    .execute(connection)
    .await?;
    Ok(())
}

/// The imports of a database, whichever process ran them.
#[derive(Debug)]
pub struct Totals {
    pub is_running: bool,
    pub seconds: f64,
    /// Imports by result.
    pub imports: [(&'static str, i64); 3],
    /// Records by what became of them.
    pub records: [(&'static str, i64); 5],
}

pub async fn totals(connection: &mut PgConnection) -> Result<Totals, sqlx::Error> {
    let sql = format!(
        "select {},
               coalesce(sum(seconds), 0),
               array[
                   count(*) filter (where result = 'WRITTEN'), count(*) filter (where result = 'UNCHANGED'),
                   count(*) filter (where result = 'FAILED')
               ],
               array[
                   coalesce(sum(created), 0), coalesce(sum(updated), 0), coalesce(sum(unchanged), 0),
                   coalesce(sum(rejected), 0), coalesce(sum(removed), 0)
               ]::bigint[]
        from imports",
        lock::is_held(),
    );
    let (is_running, seconds, imports, records): (bool, f64, [i64; 3], [i64; 5]) =
        sqlx::query_as(AssertSqlSafe(sql)).fetch_one(connection).await?;
    let [written, unchanged, failed] = imports;
    let imports = [("written", written), ("unchanged", unchanged), ("failed", failed)];
    let [created, updated, unchanged, rejected, removed] = records;
    let records = [
        ("created", created),
        ("updated", updated),
        ("unchanged", unchanged),
        ("rejected", rejected),
        ("removed", removed),
    ];
    Ok(Totals { is_running, seconds, imports, records })
}
