//! Checks the quotes and positions of citations against the texts of their sources.

use std::collections::HashMap;

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::{
    domain::texts::{CITATIONS, NO_VERSION, VERSIONS, anchors::Selectors},
    engine::mutation::{
        texts::StoredText,
        writable_fields::WritableKind,
        writer::{Failure, Mutation, UserError, error, within},
    },
};

/// Reports quotes and positions that the text of their source does not have. Citations that the record `id` has already stay as they
/// are.
pub async fn check(
    mutation: &mut Mutation<'_>,
    connection: &mut PgConnection,
    lists: &[(usize, Vec<Map<String, Value>>)],
    id: Option<i64>,
) -> Result<(), Failure> {
    let mut stored: HashMap<String, StoredText> = HashMap::new();
    for (place, list) in lists {
        let field = &mutation.task.writable_fields[*place];
        let WritableKind::Rows(rows) = &field.kind else { continue };
        if rows.table != CITATIONS {
            continue;
        }
        let sql = format!(
            "select l.is_there, t.sha256, exists (
                 select from {CITATIONS} t, jsonb_populate_record(null::{CITATIONS}, $1) n where t.{} = $2 and {}
             ) as is_known
             from jsonb_populate_record(null::{CITATIONS}, $1) n
             cross join lateral (
                 select min(version) as first, max(version) as last, count(*) > 0 as is_there from {VERSIONS} t
                 where t.source_id = n.source_id
             ) l
             left join {VERSIONS} t on t.source_id = n.source_id
             and t.version = case n.version when 0 then l.first else coalesce(n.version, l.last) end",
            rows.owner,
            rows.same(),
        );
        for (index, row) in list.iter().enumerate() {
            let entry = within(&[field.name.to_owned(), index.to_string()]);
            if mutation.errors.iter().any(|error| error.path.starts_with(&entry)) {
                continue;
            }
            let text = |column| row.get(column).and_then(Value::as_str);
            let is_of_a_version =
                row.get("version").and_then(Value::as_i64).is_some_and(|version| version > 0);
            let place =
                |column| row.get(column).and_then(Value::as_i64).and_then(|at| i32::try_from(at).ok());
            let position = place("starts").zip(place("ends")).map(|(start, end)| [start, end]);
            if text("quote").is_none() && position.is_none() && !is_of_a_version {
                continue;
            }
            let query = sqlx::query(AssertSqlSafe(sql.clone())).bind(Value::Object(row.clone())).bind(id);
            let found = query.fetch_one(&mut *connection).await?;
            let mut wrong = |name: &str, message: &str| {
                let path = [field.name.to_owned(), index.to_string(), name.to_owned()];
                mutation.errors.push(UserError { path: within(&path), ..error("INVALID", &[], message) });
            };
            match (found.try_get("is_there")?, found.try_get::<Option<String>, _>("sha256")?) {
                _ if found.try_get("is_known")? => {}
                (_, None) if is_of_a_version => wrong("version", NO_VERSION),
                (true, Some(sha256)) => {
                    if !stored.contains_key(&sha256) {
                        stored.insert(sha256.clone(), StoredText::load(connection, &sha256).await?);
                    }
                    let selectors = Selectors {
                        locator: text("locator").unwrap_or_default(),
                        quote: text("quote"),
                        prefix: text("prefix"),
                        suffix: text("suffix"),
                        position,
                    };
                    if let Err(unplaced) = stored[&sha256].place(&selectors) {
                        wrong(unplaced.selector(), &unplaced.message());
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}
