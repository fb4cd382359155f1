//! Refuses to delete records that others refer to.

use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};

use crate::{
    engine::mutation::{
        writable_fields::{self, RowColumn, RowKind, Rows, WritableKind},
        writer::{Failure, Mutation, NAMED},
    },
    model::Catalog,
};

impl Mutation<'_> {
    /// Errors for the records that refer to a deleted one.
    pub async fn refuse_while_referred_to(
        &mut self,
        connection: &mut PgConnection,
        to: &str,
        ids: &[i64],
        field: &str,
    ) -> Result<(), Failure> {
        for Referrer { object_type, field: reference, from } in referrers(self.catalog, to) {
            let sql = format!("select count(*) over (), r.slug::text from {from} order by r.slug limit $2");
            let rows =
                sqlx::query(AssertSqlSafe(sql)).bind(ids).bind(NAMED).fetch_all(&mut *connection).await?;
            let Some(first) = rows.first() else { continue };
            let count: i64 = first.try_get(0)?;
            let slugs = rows.iter().map(|row: &PgRow| row.try_get(1)).collect::<Result<Vec<String>, _>>()?;
            let more = if count > NAMED { ", …" } else { "" };
            let records = if count == 1 { "record" } else { "records" };
            let message = format!(
                "{count} {records} of type {object_type} refer to it as `{reference}`: {}{more}.",
                slugs.join(", ")
            );
            self.wrong("IN_USE", &[field], &message);
        }
        Ok(())
    }
}

/// A reference to an object type.
struct Referrer {
    object_type: &'static str,
    field: &'static str,
    /// The records `r` that refer to one of `$1`.
    from: String,
}

/// All references to an object type, except those of rows that are deleted with it. What replaces a deprecated field
/// refers to the same records.
fn referrers(catalog: &'static Catalog, to: &str) -> Vec<Referrer> {
    let mut referrers = Vec::new();
    for object_type in catalog.record_types() {
        let table = object_type.table;
        let writable_fields = writable_fields::of(object_type, &catalog.object_types);
        for field in writable_fields.iter().filter(|field| field.deprecation.is_none()) {
            let mut refer =
                |from| referrers.push(Referrer { object_type: object_type.name, field: field.name, from });
            match &field.kind {
                WritableKind::Reference { column, to: other } if *other == to => {
                    refer(format!("{table} r where r.{column} = any($1)"));
                }
                WritableKind::Rows(Rows { table: between, owner, columns, .. }) => {
                    let is_to =
                        |column: &&RowColumn| matches!(column.kind, RowKind::Reference(other) if other == to);
                    for RowColumn { column, .. } in columns.iter().filter(is_to) {
                        refer(format!(
                            "{between} l join {table} r on r.id = l.{owner} where l.{column} = any($1)"
                        ));
                    }
                }
                _ => {}
            }
        }
    }
    referrers
}
