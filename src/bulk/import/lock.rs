//! The advisory lock of imports: one runs at a time.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::progress::Progress;

/// SQL for the number of the lock: the schema of the staging tables.
const NUMBER: &str = "to_regnamespace(quote_ident(own_name('importing')))::oid";

/// Takes the lock, which ends with the connection.
pub async fn take(connection: &mut PgConnection, progress: &dyn Progress) -> Result<(), sqlx::Error> {
    let call = |function: &str| AssertSqlSafe(format!("select {function}({NUMBER}::bigint)"));
    if !sqlx::query_scalar(call("pg_try_advisory_lock")).fetch_one(&mut *connection).await? {
        progress.note("waiting for another import to finish");
        sqlx::query(call("pg_advisory_lock")).execute(connection).await?;
    }
    Ok(())
}

/// SQL for whether an import holds the lock.
pub fn is_held() -> String {
    format!(
        "exists (
             select from pg_locks where locktype = 'advisory' and granted and objsubid = 1
             and database = (select oid from pg_database where datname = current_database())
             and objid = {NUMBER}
         )"
    )
}
