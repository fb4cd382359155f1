//! Checks the quotes and positions of citations against the texts of their sources.

use std::{collections::HashMap, ops::Range};

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};

use crate::{
    domain::texts::{CITATIONS, NO_VERSION, VERSIONS, anchors::Selectors},
    engine::mutation::{
        rules::is_set,
        texts::StoredText,
        writable_fields::{Rows, WritableKind},
        writer::{Failure, Mutation, UserError, error, within},
    },
};

/// Reports quotes and positions that the text of their source does not have, and places of it that are cited twice.
/// Citations that the record `id` has already stay as they are.
pub async fn check(
    mutation: &mut Mutation<'_>,
    connection: &mut PgConnection,
    lists: &[(usize, Vec<Map<String, Value>>)],
    id: Option<i64>,
) -> Result<(), Failure> {
    for (place, list) in lists {
        let field = &mutation.task.writable_fields[*place];
        match &field.kind {
            WritableKind::Rows(rows) if rows.table == CITATIONS => {
                check_list(mutation, connection, field.name, rows, list, id).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// A citation in the list, and what the database has for it.
struct Cited<'a> {
    index: usize,
    row: &'a Map<String, Value>,
    /// The version of the source's text that it is of.
    sha256: Option<String>,
    /// Whether the record has it already.
    is_known: bool,
}

impl<'a> Cited<'a> {
    fn text(&self, column: &str) -> Option<&'a str> {
        self.row.get(column).and_then(Value::as_str)
    }

    fn number(&self, column: &str) -> Option<i32> {
        self.row.get(column).and_then(Value::as_i64).and_then(|number| i32::try_from(number).ok())
    }

    fn source(&self) -> Option<i64> {
        self.row.get("source_id").and_then(Value::as_i64)
    }

    fn is_of_a_version(&self) -> bool {
        self.number("version").is_some_and(|version| version > 0)
    }

    /// Whether it says what the text must have.
    fn is_checked(&self) -> bool {
        let has_own = is_set(self.row, "quote") || is_set(self.row, "starts");
        !self.is_known && (has_own || self.is_of_a_version())
    }

    fn selectors(&self) -> Selectors<'a> {
        Selectors {
            locator: self.text("locator").unwrap_or_default(),
            quote: self.text("quote"),
            prefix: self.text("prefix"),
            suffix: self.text("suffix"),
            position: self.number("starts").zip(self.number("ends")).map(|(start, end)| [start, end]),
        }
    }
}

async fn check_list(
    mutation: &mut Mutation<'_>,
    connection: &mut PgConnection,
    field: &'static str,
    rows: &Rows,
    list: &[Map<String, Value>],
    id: Option<i64>,
) -> Result<(), Failure> {
    let path = |index: usize| within(&[field.to_owned(), index.to_string()]);
    let is_wrong = |index| mutation.errors.iter().any(|error| error.path.starts_with(&path(index)));
    let list = list.iter().enumerate().filter(|(index, _)| !is_wrong(*index)).collect();
    let cited = cited(connection, rows, list, id).await?;
    // Of sources that are cited anew, and how often.
    let mut sources: HashMap<Option<i64>, (bool, usize)> = HashMap::new();
    for citation in &cited {
        let (is_changed, count) = sources.entry(citation.source()).or_default();
        *is_changed |= !citation.is_known;
        *count += 1;
    }
    let mut stored: HashMap<&str, StoredText> = HashMap::new();
    let mut places: HashMap<(&str, Range<usize>), &Cited<'_>> = HashMap::new();
    for citation in &cited {
        let is_checked = citation.is_checked();
        let is_compared = sources[&citation.source()].0 && sources[&citation.source()].1 > 1;
        if !is_checked && !is_compared {
            continue;
        }
        let mut wrong = |column: Option<&str>, message: &str| {
            let path = path(citation.index).into_iter().chain(column.map(ToOwned::to_owned)).collect();
            mutation.errors.push(UserError { path, ..error("INVALID", &[], message) });
        };
        let Some(sha256) = citation.sha256.as_deref() else {
            if is_checked && citation.is_of_a_version() {
                wrong(Some("version"), NO_VERSION);
            }
            continue;
        };
        if !stored.contains_key(sha256) {
            stored.insert(sha256, StoredText::load(connection, sha256).await?);
        }
        let (text, selectors) = (&stored[sha256], citation.selectors());
        let place = if is_checked {
            text.checked_place(&selectors)
        } else {
            Ok(text.place(&selectors).unwrap_or_default())
        };
        match place {
            Err(unplaced) => wrong(Some(unplaced.selector()), &unplaced.message()),
            Ok(None) => {}
            Ok(Some(place)) => {
                let first = *places.entry((sha256, place)).or_insert(citation);
                if first.index != citation.index && !(first.is_known && citation.is_known) {
                    wrong(None, &format!("It is the same place of the source as `{field}.{}`.", first.index));
                }
            }
        }
    }
    Ok(())
}

async fn cited<'a>(
    connection: &mut PgConnection,
    rows: &Rows,
    list: Vec<(usize, &'a Map<String, Value>)>,
    id: Option<i64>,
) -> Result<Vec<Cited<'a>>, sqlx::Error> {
    let sql = format!(
        "select t.sha256, exists (
             select from {CITATIONS} t where t.{} = $2 and {}
         ) as is_known
         from jsonb_populate_recordset(null::{CITATIONS}, $1) with ordinality n
         cross join lateral (
             select min(version) as first, max(version) as last from {VERSIONS} t where t.source_id = n.source_id
         ) l
         left join {VERSIONS} t on t.source_id = n.source_id
         and t.version = case n.version when 0 then l.first else coalesce(n.version, l.last) end
         order by n.ordinality",
        rows.owner,
        rows.same(),
    );
    let given = Value::Array(list.iter().map(|(_, row)| Value::Object((*row).clone())).collect());
    let found = sqlx::query(AssertSqlSafe(sql)).bind(given).bind(id).fetch_all(connection).await?;
    let cited = |((index, row), found): ((usize, &'a Map<String, Value>), &PgRow)| {
        Ok(Cited { index, row, sha256: found.try_get("sha256")?, is_known: found.try_get("is_known")? })
    };
    list.into_iter().zip(&found).map(cited).collect()
}
