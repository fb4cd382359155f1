//! Writes the lists of a record.

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

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
    if rows.is_in_order() {
        return replace_in_order(connection, rows, owner, list).await;
    }
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

/// The same, where the ids of the rows are their order: those from the first on that is not in its place are entered
/// again.
async fn replace_in_order(
    connection: &mut PgConnection,
    rows: &Rows,
    owner: i64,
    list: Vec<Map<String, Value>>,
) -> Result<(), sqlx::Error> {
    let Rows { table, owner: owner_column, .. } = rows;
    let columns: Vec<&str> = rows.columns.iter().map(|column| column.column).collect();
    let [names, given] = ["", "n."]
        .map(|alias| columns.iter().map(|column| format!("{alias}{column}")).collect::<Vec<_>>().join(", "));
    // What the database has set stays with a row that is entered again.
    let settled = rows.columns.iter().filter(|column| column.settled).map(|column| column.column);
    let settled = settled.map(|column| format!("'{column}', coalesce(n.{column}, t.{column})"));
    let settled = settled.collect::<Vec<_>>().join(", ");
    let placed = format!(
        "select coalesce(array_agg(id) filter (where stays), '{{}}') as kept,
                coalesce(jsonb_agg(item order by place) filter (where not stays), '[]') as entered
         from (
             select id, place, item, bool_and(id is not null and id > before) over (order by place) as stays from (
                 select t.id, n.ordinality as place, to_jsonb(n) || jsonb_build_object({settled}) as item,
                        coalesce(max(t.id) over (
                            order by n.ordinality rows between unbounded preceding and 1 preceding
                        ), 0) as before
                 from jsonb_populate_recordset(null::{table}, $2) with ordinality n
                 left join lateral (
                     select t.* from {table} t where t.{owner_column} = $1 and {} order by t.id limit 1
                 ) t on true
             ) n
         ) n",
        rows.same(),
    );
    let list = Value::Array(list.into_iter().map(Value::Object).collect());
    let placed =
        sqlx::query(AssertSqlSafe(placed)).bind(owner).bind(list).fetch_one(&mut *connection).await?;
    let (kept, entered): (Vec<i64>, Value) = (placed.try_get("kept")?, placed.try_get("entered")?);
    let removed = format!("delete from {table} t where t.{owner_column} = $1 and t.id <> all($2)");
    sqlx::query(AssertSqlSafe(removed)).bind(owner).bind(kept).execute(&mut *connection).await?;
    let added = format!(
        "insert into {table} ({owner_column}, {names}) select $1, {given}
         from jsonb_populate_recordset(null::{table}, $2) with ordinality n order by n.ordinality"
    );
    sqlx::query(AssertSqlSafe(added)).bind(owner).bind(entered).execute(&mut *connection).await?;
    Ok(())
}
