//! Merges of actors that a file tells of: see `Actor.mergedActors`.

use sqlx::{AssertSqlSafe, Connection};

use crate::{
    bulk::{
        import::{
            staging::list_name,
            validation::{Validator, list_fields, quoted},
        },
        records::RecordKind,
    },
    engine::{catalog::catalog, mutation::writer::merge::Merge},
};

/// Maximum number of merges of an import: each reads and writes all references, and other writers wait.
const MAX_MERGES: usize = 1000;

impl Validator<'_> {
    /// Where the base has both a record of the file and one that was merged into it, merges them too if that is wanted,
    /// before lines are matched with records. What is not merged is left out and counted. Returns how many were merged.
    pub(super) async fn merge_actors(&mut self) -> Result<u64, sqlx::Error> {
        let mut merged = 0;
        for kind in &self.kinds.0 {
            let Some(table) = kind.merged else { continue };
            for (field, _) in list_fields(kind).filter(|(_, rows)| rows.table == table) {
                let list = list_name(self.staged, kind, field.name);
                if self.merge {
                    merged += self.merge_known(kind, field.name, &list).await?;
                }
                let (own, staged) = (kind.table, self.staged);
                for (reason, test) in [
                    (
                        "left out: the actor is there itself; --merge merges two that are there",
                        format!(
                            "exists (select from {own} t where t.slug = l.slug)
                             or exists (select from {staged}{own} o where o.slug = l.slug and not o.by_dataset)"
                        ),
                    ),
                    (
                        "left out: the actor was merged into another one",
                        format!(
                            "exists (
                                 select from {table} m join {own} t on t.id = m.kept_id
                                 join {staged}{own} o on o.line = l.line where m.slug = l.slug and t.slug <> o.slug
                             )"
                        ),
                    ),
                ] {
                    self.leave_out_merge(kind, field.name, &list, reason, &test).await?;
                }
            }
        }
        Ok(merged)
    }

    async fn leave_out_merge(
        &mut self,
        kind: &RecordKind,
        field: &str,
        list: &str,
        reason: &str,
        test: &str,
    ) -> Result<(), sqlx::Error> {
        let (name, reason) = (kind.name, quoted(reason));
        self.run(format!(
            "with dropped as (delete from {list} l where {test} returning l.line)
             insert into changed_values select line, '{name}', '{field}', {reason} from dropped"
        ))
        .await?;
        Ok(())
    }

    /// Merges the records that the base has both of.
    async fn merge_known(&mut self, kind: &RecordKind, field: &str, list: &str) -> Result<u64, sqlx::Error> {
        let (own, staged) = (kind.table, self.staged);
        let sql = format!(
            "select l.line, l.list_index, k.id, m.id, m.slug::text from {list} l
             join {staged}{own} s on s.line = l.line and not s.by_dataset
             join {own} k on k.slug = s.slug join {own} m on m.slug = l.slug and m.id <> k.id
             where not exists (select from {staged}{own} o where o.slug = l.slug and not o.by_dataset)
             order by l.line, l.list_index limit {MAX_MERGES}"
        );
        let pairs: Vec<(i64, i32, i64, i64, String)> =
            sqlx::query_as(AssertSqlSafe(sql)).persistent(false).fetch_all(&mut *self.connection).await?;
        let mut merged = 0;
        for (line, index, keep, other, slug) in pairs {
            let merge = Merge { catalog: catalog(), rules: self.rules, keep, merged: other };
            let mut part = self.connection.begin().await?;
            let conflicts = merge.conflicts(&mut part).await?;
            let refused = if conflicts.is_empty() { merge.write(&mut part, &slug).await.err() } else { None };
            if conflicts.is_empty() && refused.is_none() {
                part.commit().await?;
                merged += 1;
                continue;
            }
            part.rollback().await?;
            let is_rule = |error: &sqlx::Error| {
                error
                    .as_database_error()
                    .and_then(sqlx::error::DatabaseError::code)
                    .is_some_and(|code| code.starts_with("23"))
            };
            if let Some(failed) = refused.into_iter().flatten().find(|error| !is_rule(error)) {
                return Err(failed);
            }
            let test = format!("l.line = {line} and l.list_index = {index}");
            let reason =
                "left out: the two actors can't be merged here, as a record treats them as different";
            self.leave_out_merge(kind, field, list, reason, &test).await?;
        }
        Ok(merged)
    }
}
