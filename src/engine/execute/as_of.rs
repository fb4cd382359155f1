//! Reads the database as of an earlier time.

use crate::{
    database::{
        reader::Reader,
        statement::{Bind, Statement},
    },
    error::ApiError,
    model::as_of::AsOf,
};

/// Refuses a `since` that does not exist yet: its client would miss the revisions before it.
pub async fn check_since(today: &Reader, since: i64) -> Result<(), ApiError> {
    let rows = today.fetch("select coalesce(max(id), 0) from revisions", |sql| sql).await?;
    let current: i64 = sqlx::Row::try_get(rows.first().ok_or(sqlx::Error::RowNotFound)?, 0)?;
    if since > current { Err(not_yet(since, current, "since")) } else { Ok(()) }
}

fn not_yet(revision: i64, current: i64, argument: &str) -> ApiError {
    let message = format!("Revision {revision} does not exist yet; the current revision is {current}.");
    ApiError::bad_input(argument, message)
}

/// A reader of the database as of then. The revisions of a change became visible together, so a moment is always
/// between changes.
pub async fn reader(moment: &AsOf, today: &Reader) -> Result<Reader, ApiError> {
    let (sql, bind) = match moment {
        AsOf::Revision(number) => (
            "select (select coalesce(max(id), 0) from revisions), \
                        (select max(id) from revisions where change = \
                            (select change from revisions where id <= $1 order by id desc limit 1))",
            Bind::Id(*number),
        ),
        AsOf::Time(time) => (
            "select ($1::timestamptz <= clock_timestamp())::integer::bigint, \
                        (select case when exists (select from revisions where change = last.change and id > last.id) \
                                     then last.change - 1 else last.id end \
                         from (select id, change from revisions where recorded_at <= $1::timestamptz \
                               order by recorded_at desc, id desc limit 1) last)",
            Bind::Text(time.clone()),
        ),
    };
    let statement = Statement {
        sql: sql.to_owned(),
        binds: vec![bind],
        subqueries: 0,
        planned: false,
        key: None,
        merged: None,
    };
    let rows = today.run(&statement, &[]).await?;
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let (known, revision): (i64, Option<i64>) = (sqlx::Row::try_get(row, 0)?, sqlx::Row::try_get(row, 1)?);
    match moment {
        AsOf::Revision(number) if *number > known => Err(not_yet(*number, known, "asOf.revision")),
        AsOf::Time(time) if known == 0 => {
            Err(ApiError::bad_input("asOf.time", format!("{time} is in the future.")))
        }
        _ => Ok(today.as_of(revision.unwrap_or(0))),
    }
}
