//! Writes the lists of a record.

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::engine::mutation::{
    rules::DUPLICATE,
    writable_fields::{Rows, WritableKind},
    writer::{Done, Failure, Mutation, constraint_of},
};

impl Mutation<'_> {
    /// Replaces the lists, and checks deferred constraints.
    pub(super) async fn write_lists(
        &mut self,
        connection: &mut PgConnection,
        id: i64,
        lists: Vec<(usize, Vec<Map<String, Value>>)>,
    ) -> Result<Done, Failure> {
        for (place, list) in lists {
            let writable_field = &self.task.writable_fields[place];
            let WritableKind::Rows(rows) = &writable_field.kind else { unreachable!("lists are of rows") };
            // One at a time, so that one error does not hide the next.
            let mut part = connection.begin().await?;
            match replace(&mut part, rows, id, list).await {
                Ok(()) => part.commit().await?,
                Err(error) => {
                    part.rollback().await?;
                    let name = writable_field.name;
                    let columns = constraint_of(&error)
                        .filter(|refused| refused.code() == "23505")
                        .and_then(|refused| self.rules.constraint(refused.constraint()?))
                        .map(|unique| &unique.columns);
                    if columns.is_some_and(|columns| columns.iter().any(|column| column == rows.owner)) {
                        self.wrong("INVALID", &[name], DUPLICATE);
                    } else {
                        self.refused(error, Some(name))?;
                    }
                }
            }
        }
        self.finish()?;
        if let Err(error) = sqlx::query("set constraints all immediate").execute(&mut *connection).await {
            return Err(self.failed(error));
        }
        let revision = self.revision(connection, id).await?;
        Ok(Done { id, revision })
    }
}

/// Replaces the rows of a list. Unchanged rows stay, so they get no revision.
async fn replace(
    connection: &mut PgConnection,
    rows: &Rows,
    owner: i64,
    list: Vec<Map<String, Value>>,
) -> Result<(), sqlx::Error> {
    let Rows { table, owner: owner_column, .. } = rows;
    let columns: Vec<&str> = rows.columns.iter().map(|column| column.column).chain(rows.ordinal).collect();
    let given = columns.iter().map(|column| format!("n.{column}")).collect::<Vec<_>>().join(", ");
    let same = rows.same();
    let names = columns.join(", ");
    let list = Value::Array(list.into_iter().map(Value::Object).collect());
    let removed = format!(
        "delete from {table} t where t.{owner_column} = $1 and not exists (
             select from jsonb_populate_recordset(null::{table}, $2) n where {same}
         )"
    );
    let entered = format!(
        "insert into {table} ({owner_column}, {names}) select $1, {given}
         from jsonb_populate_recordset(null::{table}, $2) with ordinality n
         where not exists (
             select from {table} t where t.{owner_column} = $1 and {same}
         )
         order by n.ordinality"
    );
    for sql in [removed, entered] {
        sqlx::query(AssertSqlSafe(sql)).bind(owner).bind(&list).execute(&mut *connection).await?;
    }
    Ok(())
}
