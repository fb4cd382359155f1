//! Merges two actors: all references to one are redirected to the other, and its id and slug find the other. The
//! references are read from the system catalog.

use std::collections::HashMap;

use async_graphql::Value as Input;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    engine::mutation::{
        rules::Rules,
        writer::{Done, Failure, Mutation, NAMED, lock_revision_numbers, undo::undo},
    },
    model::{Catalog, object_type::ObjectType, pagination},
};

pub const MERGE: &str = "Merges two records of the same actor. References to `merge` become references to `keep`. Names, identifiers and citations move to `keep`; the preferred name becomes an alias. Duplicates (a participation, an addressee, an alias, a relation that says the same) are removed. Fails if a record treats the two as different: a relation between them, a statement of one on behalf of the other, or votes of both in one division. The id and slug of `merge` then find `keep`. `unmergeActors` undoes it.";

pub const UNMERGE: &str = "Undoes a merge: restores the merged actor and everything that the merge changed. Other later changes stay. Changes nothing if something that the merge changed has been changed again since.";

/// The referenced table.
const ACTORS: &str = "actors";

const RELATIONS: &str = "relations";

/// The columns of a table that refer to another table. `$1` is the remaining actor, `$2` the merged one.
struct Reference<'a> {
    table: &'a str,
    columns: &'a [String],
}

pub async fn merge(mutation: &mut Mutation<'_>, connection: &mut PgConnection) -> Result<Done, Failure> {
    lock_revision_numbers(connection).await?;
    let keep = mutation.named(connection, "keep").await?;
    let merged = mutation.named(connection, "merge").await?;
    let (Some(keep), Some(merged)) = (keep, merged) else { return Err(mutation.end()) };
    if keep == merged {
        mutation.wrong("INVALID", &["merge"], "`keep` and `merge` are the same actor.");
        return Err(mutation.end());
    }
    // Locks both, so that nobody changes them or adds references meanwhile.
    let sql = "select id, slug::text from actors where id in ($1, $2) order by id for update";
    let found: HashMap<i64, String> =
        sqlx::query_as(sql).bind(keep).bind(merged).fetch_all(&mut *connection).await?.into_iter().collect();
    let (Some(_), Some(slug)) = (found.get(&keep), found.get(&merged)) else { return Err(Failure::Again) };
    mutation.expect_revision(connection, keep).await?;
    let merge = Merge { catalog: mutation.catalog, rules: mutation.rules, keep, merged };
    for message in merge.conflicts(connection).await? {
        mutation.wrong("INVALID", &["merge"], &message);
    }
    mutation.finish()?;
    if let Err(errors) = merge.write(connection, slug).await {
        for error in errors {
            mutation.refused(error, Some("merge"))?;
        }
        return Err(mutation.end());
    }
    let revision = mutation.revision(connection, keep).await?;
    Ok(Done { id: keep, revision })
}

/// A merge of two actors, in a transaction that locks the revision numbers.
pub struct Merge<'a> {
    pub catalog: &'static Catalog,
    pub rules: &'a Rules,
    /// The remaining actor, and the one that is merged into it.
    pub keep: i64,
    pub merged: i64,
}

impl Merge<'_> {
    /// Why the two can't be merged: records that would break a rule.
    pub async fn conflicts(&self, connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
        let mut conflicts = Vec::new();
        for reference in self.references(ACTORS) {
            conflicts.extend(self.conflicting_records(connection, &reference).await?);
        }
        Ok(conflicts)
    }

    fn references(&self, to: &'static str) -> Vec<Reference<'_>> {
        self.rules.references(to).map(|(table, columns)| Reference { table, columns }).collect()
    }

    /// Merges them, or says what the database has refused.
    pub async fn write(&self, connection: &mut PgConnection, slug: &str) -> Result<(), Vec<sqlx::Error>> {
        let Merge { rules, keep, merged, .. } = *self;
        let one = |error| vec![error];
        let named = "delete from actor_names n using actors k
                     where k.id = $1 and n.actor_id = $2 and n.name = k.name and n.language is null
                     and n.script is null and n.valid_during is null";
        sqlx::query(named).bind(keep).bind(merged).execute(&mut *connection).await.map_err(one)?;
        let mut refused = Vec::new();
        for reference in self.references(ACTORS) {
            // One at a time, so that one error does not hide the next.
            let mut part = connection.begin().await.map_err(one)?;
            match redirect(rules, &mut part, &reference, keep, merged).await {
                Ok(()) => part.commit().await.map_err(one)?,
                Err(error) => {
                    part.rollback().await.map_err(one)?;
                    refused.push(error);
                }
            }
        }
        if !refused.is_empty() {
            return Err(refused);
        }
        self.finish(connection, slug).await.map_err(one)
    }

    /// What follows when nothing refers to the merged actor.
    async fn finish(&self, connection: &mut PgConnection, slug: &str) -> Result<(), sqlx::Error> {
        let Merge { rules, keep, merged, .. } = *self;
        unite_relations(rules, connection, keep).await?;
        let alias = "insert into actor_names (actor_id, name, kind)
                     select k.id, m.name, 'ALIAS' from actors k, actors m
                     where k.id = $1 and m.id = $2 and k.name <> m.name
                     and not exists (select from actor_names n where n.actor_id = k.id and n.name = m.name)";
        sqlx::query(alias).bind(keep).bind(merged).execute(&mut *connection).await?;
        operation(connection, "MERGE").await?;
        for (sql, id) in [
            ("update actors set name = name where id = $1", keep),
            ("delete from actors where id = $1", merged),
        ] {
            sqlx::query(sql).bind(id).execute(&mut *connection).await?;
        }
        operation(connection, "").await?;
        let known = "insert into merged_actors (id, slug, kept_id) values ($1, $2, $3)";
        sqlx::query(known).bind(merged).bind(slug).bind(keep).execute(&mut *connection).await?;
        sqlx::query("set constraints all immediate").execute(connection).await?;
        Ok(())
    }

    /// Messages about the records that would violate a rule.
    async fn conflicting_records(
        &self,
        connection: &mut PgConnection,
        reference: &Reference<'_>,
    ) -> Result<Vec<String>, sqlx::Error> {
        let Reference { table, columns } = reference;
        let mut messages = Vec::new();
        // Only records have names for a message.
        let is_of_table = |object_type: &&ObjectType| object_type.is_record() && object_type.table == *table;
        let Some(object_type) = self.catalog.object_types.iter().find(is_of_table) else {
            return Ok(messages);
        };
        for (holds, message) in self.rules.checks_of(table, columns) {
            let values =
                columns.iter().map(|column| format!("'{column}', {}", redirected(&format!("t.{column}"))));
            let sql = format!(
                "select slug::text from (
                     select n.* from {table} t cross join lateral jsonb_populate_record(t, jsonb_build_object({})) n
                     where {}
                 ) n where ({holds}) is false order by slug limit $3",
                values.collect::<Vec<_>>().join(", "),
                reference.refers_to_merged(),
            );
            messages.extend(self.named(connection, object_type, sql, message).await?);
        }
        for (unique, message) in self.rules.unique_with(table, columns) {
            let of = |alias: &str| {
                let columns = unique.columns.iter().map(|column| redirected(&format!("{alias}.{column}")));
                columns.collect::<Vec<_>>().join(", ")
            };
            let sql = format!(
                "select t.slug::text from {table} t join {table} k on k.id <> t.id and ({}) = ({})
                 where {} order by t.slug limit $3",
                of("k"),
                of("t"),
                reference.refers_to_merged(),
            );
            messages.extend(self.named(connection, object_type, sql, message).await?);
        }
        Ok(messages)
    }

    /// A message with the records that a statement finds.
    async fn named(
        &self,
        connection: &mut PgConnection,
        object_type: &ObjectType,
        sql: String,
        message: &str,
    ) -> Result<Option<String>, sqlx::Error> {
        let query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(self.keep).bind(self.merged).bind(NAMED);
        let slugs: Vec<String> = query.fetch_all(&mut *connection).await?;
        let named = || format!("{message} See {} {}.", object_type.name, slugs.join(", "));
        Ok((!slugs.is_empty()).then(named))
    }
}

/// Sets the operation of the following revisions; empty: as the rows changed.
async fn operation(connection: &mut PgConnection, operation: &str) -> Result<(), sqlx::Error> {
    let sql = "select set_config('dossier.operation', $1, true)";
    sqlx::query(sql).bind(operation).execute(connection).await.map(|_| ())
}

/// Redirects the references of a table. Rows that would become duplicates are deleted.
async fn redirect(
    rules: &Rules,
    connection: &mut PgConnection,
    reference: &Reference<'_>,
    keep: i64,
    merged: i64,
) -> Result<(), sqlx::Error> {
    let Reference { table, columns } = reference;
    for column in *columns {
        for unique in rules.unique(table).iter().filter(|unique| unique.columns.contains(column)) {
            let equals = if unique.nulls_alike { "is not distinct from" } else { "=" };
            let others = unique.columns.iter().filter(|other| *other != column);
            let alike = others.map(|other| format!(" and k.{other} {equals} {table}.{other}"));
            let among = &unique.among;
            let sql = format!(
                "delete from {table} where {column} = $2 and {among} and exists (
                     select from {table} k where k.{column} = $1 and {among}{})",
                alike.collect::<String>()
            );
            sqlx::query(AssertSqlSafe(sql)).bind(keep).bind(merged).execute(&mut *connection).await?;
        }
    }
    let set = columns.iter().map(|column| format!("{column} = {}", redirected(&format!("t.{column}"))));
    let sql = format!(
        "update {table} t set {} where {}",
        set.collect::<Vec<_>>().join(", "),
        reference.refers_to_merged()
    );
    sqlx::query(AssertSqlSafe(sql)).bind(keep).bind(merged).execute(connection).await.map(|_| ())
}

/// Unites relations that say the same since the merge: the older one keeps the citations and origins of all.
async fn unite_relations(
    rules: &Rules,
    connection: &mut PgConnection,
    actor: i64,
) -> Result<(), sqlx::Error> {
    let said = rules.columns(RELATIONS).iter().map(|(column, _)| column.as_str());
    let said: Vec<&str> = said.filter(|column| !["id", "slug"].contains(column)).collect();
    let sql = format!(
        "select id, first from (
             select id, first_value(id) over (partition by {} order by id) as first
             from {RELATIONS} where subject_id = $1 or object_id = $1
         ) r where id > first order by id",
        said.join(", ")
    );
    let repeated: Vec<(i64, i64)> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(actor).fetch_all(&mut *connection).await?;
    let references: Vec<Reference<'_>> =
        rules.references(RELATIONS).map(|(table, columns)| Reference { table, columns }).collect();
    for (relation, first) in repeated {
        for reference in &references {
            redirect(rules, connection, reference, first, relation).await?;
        }
        let sql = format!("delete from {RELATIONS} where id = $1");
        sqlx::query(AssertSqlSafe(sql)).bind(relation).execute(&mut *connection).await?;
    }
    Ok(())
}

/// A column after the redirection.
fn redirected(column: &str) -> String {
    format!("case when {column} = $2 then $1 else {column} end")
}

impl Reference<'_> {
    fn refers_to_merged(&self) -> String {
        let refers = self.columns.iter().map(|column| format!("t.{column} = $2"));
        format!("({})", refers.collect::<Vec<_>>().join(" or "))
    }
}

/// Undoes the merge of an actor, found by the id or slug that it had.
pub async fn unmerge(mutation: &mut Mutation<'_>, connection: &mut PgConnection) -> Result<Done, Failure> {
    lock_revision_numbers(connection).await?;
    let by = |key| match mutation.input.get("merge") {
        Some(Input::Object(by)) => by.get(key),
        _ => None,
    };
    let text = |value: Option<&Input>| match value {
        Some(Input::String(text)) => Some(text.clone()),
        _ => None,
    };
    let id = text(by("id")).and_then(|id| pagination::parse_global_id(&id));
    let id = id.filter(|(object_type, _)| object_type == mutation.object_type.name).map(|(_, id)| id);
    // If several actors had this slug, the one that was merged last.
    let sql = "select m.id, r.change from revisions r
               join merged_actors m on m.id = (r.new_value ->> 'id')::bigint
               where r.part = 'merged_actors' and r.old_value is null and (m.id = $1 or m.slug = $2)
               order by r.id desc limit 1";
    let found: Option<(i64, i64)> =
        sqlx::query_as(sql).bind(id).bind(text(by("slug"))).fetch_optional(&mut *connection).await?;
    let Some((merged, change)) = found else {
        let message = "No merged actor had this id or slug.";
        mutation.wrong("NOT_FOUND", &["merge"], message);
        return Err(mutation.end());
    };
    let by_import: bool = sqlx::query_scalar("select exists (select from imports where change = $1)")
        .bind(change)
        .fetch_one(&mut *connection)
        .await?;
    if by_import {
        let message =
            "An import brought this merge, with other changes: `revertRevision` reverts the import.";
        mutation.wrong("CONFLICT", &["merge"], message);
        return Err(mutation.end());
    }
    undo(mutation, connection, change, "merge").await?;
    let revision = mutation.revision(connection, merged).await?;
    Ok(Done { id: merged, revision })
}
