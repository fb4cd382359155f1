//! Reverts a change: its revisions are undone from last to first. If something was changed again since, nothing is
//! undone.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::Value as Input;
use sqlx::{
    AssertSqlSafe, PgConnection, Row,
    postgres::{PgDatabaseError, PgRow},
};

use crate::{
    engine::mutation::{
        texts::CURRENT_CHANGE as CURRENT,
        writer::{Done, Failure, Mutation, constraint_of, lock_revision_numbers},
    },
    error::ApiError,
    model::{
        Catalog,
        object_type::{ObjectType, computed::ComputedValue},
        pagination,
    },
};

pub const REVERT: &str = "Reverts the change that a revision belongs to: everything that the same mutation, merge or import changed. Changes nothing if something of it has been changed again since. The revert is a change with revisions of its own, and can be reverted too.";

/// Maximum number of revisions and records named in an error.
const MAX_NAMED: i64 = 100;

/// Reverts the change of a revision.
pub async fn revert(mutation: &mut Mutation<'_>, connection: &mut PgConnection) -> Result<Done, Failure> {
    lock_revision_numbers(connection).await?;
    let Some(Input::Number(revision)) = mutation.input.get("revision") else {
        return Err(ApiError::bad_input("input.revision", "This field is required.").into());
    };
    let revision = revision.as_i64();
    let change = sqlx::query_scalar("select change from revisions where id = $1")
        .bind(revision)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(change) = change else {
        mutation.wrong("NOT_FOUND", &["revision"], "No such revision exists.");
        return Err(mutation.end());
    };
    undo(mutation, connection, change, "revision").await?;
    let sql = format!("select coalesce(max(id), $1) from revisions where change = {CURRENT}");
    let last = sqlx::query_scalar(AssertSqlSafe(sql)).bind(revision).fetch_one(connection).await?;
    Ok(Done { id: change, revision: last })
}

/// The records that a change affected, which the revert affects too.
pub async fn records(
    catalog: &'static Catalog,
    connection: &mut PgConnection,
    change: i64,
) -> Result<ComputedValue, sqlx::Error> {
    let object_types: Vec<&ObjectType> = catalog.record_types().collect();
    let columns: Vec<&str> = object_types.iter().map(|object_type| object_type.history_column()).collect();
    let columns = columns.join(", ");
    let sql = format!(
        "select {columns} from revisions where change = $1 group by {columns} order by min(id) limit $2"
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(change).bind(MAX_NAMED).fetch_all(connection).await?;
    let mut records = Vec::new();
    for row in rows {
        for (place, object_type) in object_types.iter().enumerate() {
            let Some(id) = row.try_get(place)? else { continue };
            records.push(ComputedValue::Object(vec![
                ("id", ComputedValue::Text(pagination::global_id(object_type.name, id))),
                ("record", ComputedValue::MaybeRecord(object_type.name, id)),
            ]));
        }
    }
    Ok(ComputedValue::List(records))
}

/// Revisions of one table and kind, which one statement undoes.
#[derive(Debug)]
struct Step {
    table: String,
    kind: Kind,
    revisions: Vec<i64>,
}

#[derive(Debug, PartialEq)]
enum Kind {
    /// Rows were inserted: delete them.
    Entered,
    /// Rows were deleted: insert them again.
    Removed,
    /// These columns were updated: restore the old values.
    Changed(Vec<String>),
}

impl Step {
    /// Errors for the records that refer to those of this step.
    async fn refuse_while_referred_to(
        &self,
        mutation: &mut Mutation<'_>,
        connection: &mut PgConnection,
        field: &str,
    ) -> Result<(), Failure> {
        let mut records = mutation.catalog.record_types();
        let Some(object_type) = records.find(|object_type| object_type.table == self.table) else {
            return Ok(());
        };
        let sql = "select (new_value ->> 'id')::bigint from revisions where id = any($1)";
        let ids: Vec<i64> = sqlx::query_scalar(sql).bind(&self.revisions).fetch_all(&mut *connection).await?;
        mutation.refuse_while_referred_to(connection, object_type.name, &ids, field).await
    }
}

/// Reverts a change, or reports at an input field why it can't.
pub async fn undo(
    mutation: &mut Mutation<'_>,
    connection: &mut PgConnection,
    change: i64,
    field: &'static str,
) -> Result<(), Failure> {
    let mut conflicts = BTreeMap::new();
    let (mut undone, mut whole, mut removed) = (0, true, Vec::new());
    for step in steps(connection, change).await? {
        let statements = Statements::new(mutation, &step)?;
        undone += step.revisions.len();
        let done = match statements.run(connection, &step).await {
            Ok(done) => done,
            // The error may be a consequence of rows that were skipped before.
            Err(error) if constraint_of(&error).is_some() && !whole => break,
            Err(error) => return Err(refused(mutation, error, field)),
        };
        let missing: Vec<i64> = step.revisions.iter().copied().filter(|id| !done.contains(id)).collect();
        if !missing.is_empty() {
            whole = false;
            conflicts.extend(statements.later(connection, &step, &missing).await?);
        }
        if step.kind == Kind::Entered {
            removed.push(step);
        }
    }
    if whole && count(connection).await? != undone {
        (whole, conflicts) = taken_along(connection, change).await?;
    }
    if !whole {
        let named = conflicts.iter().map(|(id, requester)| format!("revision {id} by {requester}"));
        let message = match named.collect::<Vec<_>>().join(", ") {
            named if named.is_empty() => {
                "It was changed again since by what has no revision, such as an upgrade of the database."
                    .to_owned()
            }
            named => format!("It was changed again since: {named}."),
        };
        mutation.wrong("CONFLICT", &[field], &message);
        return Err(mutation.end());
    }
    for step in &removed {
        step.refuse_while_referred_to(mutation, connection, field).await?;
    }
    mutation.finish()?;
    let settled = sqlx::query("set constraints all immediate").execute(&mut *connection).await;
    settled.map(|_| ()).map_err(|error| refused(mutation, error, field))
}

/// A database error of a revert.
fn refused(mutation: &mut Mutation<'_>, error: sqlx::Error, field: &'static str) -> Failure {
    let constraint = |refused: &PgDatabaseError| {
        let columns = refused.constraint().and_then(|name| mutation.rules.constraint(name));
        (refused.code().to_owned(), columns.map(|known| known.columns.join(", ")).unwrap_or_default())
    };
    match constraint_of(&error).map(constraint) {
        Some((code, _)) if code == "23503" => {
            mutation.wrong("CONFLICT", &[field], "A record that it refers to was deleted or merged since.");
        }
        Some((code, columns)) if code == "23505" => {
            let message = format!("Another record has since taken its unique value: {columns}.");
            mutation.wrong("TAKEN", &[field], &message);
        }
        _ => {
            if let Err(failure) = mutation.refused(error, Some(field)) {
                return failure;
            }
        }
    }
    mutation.end()
}

/// The steps of a change from last to first. Rows that were changed together are undone together.
async fn steps(connection: &mut PgConnection, change: i64) -> Result<Vec<Step>, sqlx::Error> {
    sqlx::query("set constraints all deferred").execute(&mut *connection).await?;
    let sql = "
        select r.id, r.part::text, r.old_value is null as entered, r.new_value is null as removed,
               array(select n.key from jsonb_each(r.new_value) n
                     where n.value is distinct from r.old_value -> n.key order by n.key) as changed,
               array(select coalesce(r.new_value, r.old_value) ->> a.attname from pg_attribute a
                     where a.attrelid = i.indrelid and a.attnum = any(i.indkey) order by a.attnum) as key
        from revisions r
        join pg_class t on t.relname = r.part and t.relnamespace = current_schema()::regnamespace
        join pg_index i on i.indrelid = t.oid and i.indisprimary
        where r.change = $1 order by r.id desc";
    let mut steps: Vec<Step> = Vec::new();
    // The rows of the last step: a row that was changed twice is restored in two steps.
    let mut keys: BTreeSet<Vec<String>> = BTreeSet::new();
    for row in sqlx::query(sql).bind(change).fetch_all(connection).await? {
        let kind = match (row.try_get("entered")?, row.try_get("removed")?) {
            (true, _) => Kind::Entered,
            (_, true) => Kind::Removed,
            _ => Kind::Changed(row.try_get("changed")?),
        };
        // Merged records have a revision even if their rows did not change.
        if kind == Kind::Changed(Vec::new()) {
            continue;
        }
        let (table, key): (String, _) = (row.try_get("part")?, row.try_get("key")?);
        let id = row.try_get("id")?;
        match steps.last_mut() {
            Some(last) if last.table == table && last.kind == kind && keys.insert(Vec::clone(&key)) => {
                last.revisions.push(id);
            }
            _ => {
                keys = BTreeSet::from([key]);
                steps.push(Step { table, kind, revisions: vec![id] });
            }
        }
    }
    Ok(steps)
}

/// The SQL of a step; its only value is the revisions.
struct Statements {
    /// Returns the revisions that it undid.
    undo: String,
    /// A condition: `l` is a later revision of the row of `r`, and conflicts with undoing it.
    same_row: String,
}

impl Statements {
    fn new(mutation: &Mutation<'_>, step: &Step) -> Result<Self, Failure> {
        let Step { table, kind, .. } = step;
        let key = mutation.rules.key(table).ok_or_else(|| {
            tracing::error!(table, "a revision is of a table that has no key");
            ApiError::internal()
        })?;
        let (undo, touching) = match kind {
            Kind::Entered => (delete_again(table, key), String::new()),
            Kind::Removed => {
                let columns = mutation.rules.columns(table).iter().map(|(name, _)| name.as_str());
                (insert_again(table, key, &columns.collect::<Vec<_>>()), String::new())
            }
            Kind::Changed(columns) => (restore(table, key, columns), changes_one_of(columns)),
        };
        let same = key.iter().map(|column| {
            format!(
                " and coalesce(l.new_value, l.old_value) -> '{column}' = coalesce(r.new_value, r.old_value) -> '{column}'"
            )
        });
        Ok(Statements { undo, same_row: same.collect::<String>() + &touching })
    }

    /// Undoes a step, and returns the revisions that were undone.
    async fn run(&self, connection: &mut PgConnection, step: &Step) -> Result<BTreeSet<i64>, sqlx::Error> {
        let query = sqlx::query_scalar(AssertSqlSafe(self.undo.as_str())).bind(&step.revisions);
        Ok(query.fetch_all(connection).await?.into_iter().collect())
    }

    /// The later revisions that conflict with these, and their requesters.
    async fn later(
        &self,
        connection: &mut PgConnection,
        step: &Step,
        revisions: &[i64],
    ) -> Result<BTreeMap<i64, String>, sqlx::Error> {
        let sql = format!(
            "select distinct l.id, l.requester::text from revisions r
             join revisions l on l.part = $2 and l.id > r.id and l.change <> r.change {}
             where r.id = any($1) and l.change is distinct from {CURRENT}
             order by l.id limit $3",
            self.same_row
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(revisions).bind(&step.table).bind(MAX_NAMED);
        query.fetch_all(connection).await?.iter().map(number_and_requester).collect()
    }
}

/// Columns of a row as one value.
fn row_of(row: &str, columns: &[String]) -> String {
    let columns = columns.iter().map(|column| format!("{row}.{column}"));
    format!("({})", columns.collect::<Vec<_>>().join(", "))
}

/// The revisions `r` with their old rows `o` and their new ones `n`.
fn revisions_of(table: &str) -> String {
    format!(
        "revisions r
         cross join lateral jsonb_populate_record(null::{table}, r.old_value) o
         cross join lateral jsonb_populate_record(null::{table}, r.new_value) n"
    )
}

fn delete_again(table: &str, key: &[String]) -> String {
    format!(
        "delete from {table} t using {}
         where r.id = any($1) and {} = {} and to_jsonb(t) @> r.new_value returning r.id",
        revisions_of(table),
        row_of("t", key),
        row_of("n", key)
    )
}

fn insert_again(table: &str, key: &[String], columns: &[&str]) -> String {
    let values = columns.iter().map(|column| format!("b.{column}")).collect::<Vec<_>>().join(", ");
    format!(
        "with back as materialized (
             select r.id as revision, o.* from {} where r.id = any($1)
             and not exists (select from {table} t where {} = {})
         ), entered as (
             insert into {table} ({}) overriding system value select {values} from back b
         )
         select revision from back",
        revisions_of(table),
        row_of("t", key),
        row_of("o", key),
        columns.join(", ")
    )
}

fn restore(table: &str, key: &[String], columns: &[String]) -> String {
    let set = columns.iter().map(|column| format!("{column} = o.{column}"));
    format!(
        "update {table} t set {} from {}
         where r.id = any($1) and {} = {} and {} is not distinct from {} returning r.id",
        set.collect::<Vec<_>>().join(", "),
        revisions_of(table),
        row_of("t", key),
        row_of("n", key),
        row_of("t", columns),
        row_of("n", columns)
    )
}

/// The condition that a later revision `l` deletes the row or changes one of the columns.
fn changes_one_of(columns: &[String]) -> String {
    let columns = columns.iter().map(|column| format!("'{column}'")).collect::<Vec<_>>().join(", ");
    format!(
        " and (l.new_value is null or exists (
             select from unnest(array[{columns}]) c
             where l.new_value -> c is distinct from l.old_value -> c))"
    )
}

/// The requester of rows that a migration makes from others.
const MIGRATION: &str = "migration";

/// The number of revisions in this transaction.
async fn count(connection: &mut PgConnection) -> Result<usize, sqlx::Error> {
    let sql = format!("select count(*) from revisions where change = {CURRENT}");
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(connection).await?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Revisions of rows that were deleted with their records. They are later than the change, and must not be lost, unless
/// all of them are rows that a migration made from the record. Returns whether they are, and the others.
async fn taken_along(
    connection: &mut PgConnection,
    change: i64,
) -> Result<(bool, BTreeMap<i64, String>), sqlx::Error> {
    let sql = format!(
        "select distinct l.id, l.requester::text from revisions r
         left join lateral (
             select id, requester from revisions l
             where l.part = r.part and l.new_value = r.old_value and l.id < r.id order by id desc limit 1
         ) l on true
         where r.change = {CURRENT} and r.new_value is null and l.requester is distinct from '{MIGRATION}' and not exists (
             select from revisions o where o.change = $1 and o.part = r.part and o.new_value = r.old_value
         )
         order by l.id limit $2"
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(change).bind(MAX_NAMED).fetch_all(connection).await?;
    // Rows whose history was not recorded have no revision to name.
    let named = rows.iter().filter(|row| row.try_get::<Option<i64>, _>(0).is_ok_and(|id| id.is_some()));
    Ok((rows.is_empty(), named.map(number_and_requester).collect::<Result<_, _>>()?))
}

fn number_and_requester(row: &PgRow) -> Result<(i64, String), sqlx::Error> {
    Ok((row.try_get(0)?, row.try_get(1)?))
}
