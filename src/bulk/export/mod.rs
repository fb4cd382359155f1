//! Exports: select records, and stream them in chunks with their lists.

pub mod formats;

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write,
};

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, Row, Transaction, postgres::PgRow};

use crate::{
    bulk::{
        export::formats::Writer,
        records::{RecordKind, RecordKinds, joined},
    },
    database::error::in_words,
    engine::mutation::writable_fields::{RowKind, Rows, WritableKind},
    model::{
        dates::{ends_before, is_partial_date},
        object_type::Scalar,
    },
};

/// Records per statement, and of a type that has whole texts.
const RECORDS_PER_STATEMENT: i64 = 5_000;
const TEXTS_PER_STATEMENT: i64 = 100;
/// Selected records whose references are followed with one statement.
const IDS_PER_STATEMENT: usize = 50_000;

/// Which records to export: those that match every filter, and all records that they refer to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// Slug of a topic; includes its sub-topics.
    pub topic: Option<String>,
    /// Slug of an actor that the records refer to.
    pub actor: Option<String>,
    /// Partial dates; records whose date may be in this period match.
    pub from: Option<String>,
    pub until: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A wrong filter: its name, and the reason.
    #[error("--{0}: {1}")]
    Selection(&'static str, String),
    #[error("the selection has more than {0} records")]
    TooMany(usize),
    #[error("{}", in_words(.0))]
    Database(#[from] sqlx::Error),
}

impl Selection {
    fn is_all(&self) -> bool {
        *self == Selection::default()
    }

    /// Fails on an invalid date, and on a period that ends before it begins.
    pub fn check_dates(&self) -> Result<(), Error> {
        for (name, date) in [("from", &self.from), ("until", &self.until)] {
            if date.as_ref().is_some_and(|date| !is_partial_date(date)) {
                let message = "Expected a date such as 2026, 2026-02 or 2026-02-19.";
                return Err(Error::Selection(name, message.to_owned()));
            }
        }
        if let (Some(from), Some(until)) = (&self.from, &self.until)
            && ends_before(from, until)
        {
            return Err(Error::Selection("until", "The date must not be before `from`.".to_owned()));
        }
        Ok(())
    }

    /// Number of filters.
    pub fn filters(&self) -> usize {
        [&self.topic, &self.actor, &self.from, &self.until].into_iter().flatten().count()
    }
}

/// An export from one snapshot of the database.
pub struct Export<'a> {
    kinds: &'a RecordKinds,
    /// Only reads, so that an export from a hot standby works too.
    transaction: Transaction<'a, Postgres>,
    /// The ids of the selected records per type, in order; `None`: all records.
    selected: Option<Vec<Vec<i64>>>,
    /// Whether whole texts of sources are exported.
    texts: bool,
}

/// State of a running export.
pub struct ExportState {
    writer: Box<dyn Writer>,
    /// Index of the current record type, and its queries once it has begun.
    kind: usize,
    queries: Option<Queries>,
    ended: bool,
    /// Number of records written so far, and of their texts.
    pub count: u64,
    pub texts: u64,
}

impl ExportState {
    pub fn new(writer: Box<dyn Writer>) -> Self {
        ExportState { writer, kind: 0, queries: None, ended: false, count: 0, texts: 0 }
    }
}

pub struct Record<'a> {
    pub kind: &'a RecordKind,
    pub fields: Map<String, Value>,
}

impl Record<'_> {
    /// Number of its whole texts.
    fn texts(&self) -> u64 {
        let lists = self.kind.writable_fields.iter().filter(|field| field.has_texts());
        let texts = lists.filter_map(|field| self.fields.get(field.name)?.as_array());
        texts.map(|texts| texts.len() as u64).sum()
    }
}

impl<'a> Export<'a> {
    /// Begins an export. A selection of more than `most` records is refused.
    pub async fn begin(
        connection: &'a mut PgConnection,
        kinds: &'a RecordKinds,
        selection: &Selection,
        texts: bool,
        most: usize,
    ) -> Result<Self, Error> {
        let transaction = connection.begin_with("begin isolation level repeatable read read only").await?;
        let mut export = Export { kinds, transaction, selected: None, texts };
        if !selection.is_all() {
            export.selected = Some(export.select(selection, most).await?);
        }
        Ok(export)
    }

    /// Number of records that `writer` accepts.
    pub async fn count(&mut self, writer: &dyn Writer) -> Result<u64, Error> {
        let kinds = self.kinds.0.iter().enumerate().filter(|(_, kind)| writer.accepts(kind));
        if let Some(selected) = &self.selected {
            return Ok(kinds.map(|(number, _)| selected[number].len() as u64).sum());
        }
        let count = |(_, kind): (usize, &RecordKind)| format!("(select count(*) from {})", kind.table);
        let sql = format!("select {}", joined(kinds.map(count), " + "));
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *self.transaction).await?;
        Ok(count.cast_unsigned())
    }

    /// Number of whole texts of the records that `writer` accepts, if they are left out.
    pub async fn texts_left_out(&mut self, writer: &dyn Writer) -> Result<u64, Error> {
        let mut count = 0;
        if self.texts && writer.has_texts() {
            return Ok(count);
        }
        for (number, kind) in self.kinds.0.iter().enumerate().filter(|(_, kind)| writer.accepts(kind)) {
            for writable_field in kind.writable_fields.iter().filter(|field| field.has_texts()) {
                let WritableKind::Rows(rows) = &writable_field.kind else { continue };
                let ids = self.selected.as_ref().map(|selected| &selected[number]);
                let sql = format!(
                    "select count(*) from {} t where $1::bigint[] is null or t.{} = any($1)",
                    rows.table, rows.owner
                );
                let texts: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
                    .bind(ids)
                    .fetch_one(&mut *self.transaction)
                    .await?;
                count += texts.cast_unsigned();
            }
        }
        Ok(count)
    }

    /// Writes the next records to `out`; false at the end.
    pub async fn next(&mut self, state: &mut ExportState, out: &mut Vec<u8>) -> Result<bool, Error> {
        if state.queries.is_none() && state.kind == 0 {
            state.writer.begin(self.kinds, out);
        }
        let Some(kind) = self.kinds.0.get(state.kind) else {
            if !std::mem::replace(&mut state.ended, true) {
                state.writer.end(out);
                return Ok(true);
            }
            return Ok(false);
        };
        if !state.writer.accepts(kind) {
            (state.kind, state.queries) = (state.kind + 1, Some(Queries::default()));
            return Ok(true);
        }
        let queries = match state.queries.take() {
            Some(queries) if queries.kind == kind.name => queries,
            _ => {
                Queries::of(kind, self.kinds, self.selected.is_some(), self.texts && state.writer.has_texts())
            }
        };
        let (records, last) = self.chunk(kind, state.kind, &queries).await?;
        for record in &records {
            state.writer.record(record, out);
        }
        state.count += records.len() as u64;
        state.texts += records.iter().map(Record::texts).sum::<u64>();
        state.kind += usize::from(last.is_none());
        state.queries = Some(Queries { after: last.unwrap_or(0), ..queries });
        Ok(true)
    }

    /// The next records of a type, and the id of the last one; `None` at the end.
    async fn chunk<'k>(
        &mut self,
        kind: &'k RecordKind,
        number: usize,
        queries: &Queries,
    ) -> Result<(Vec<Record<'k>>, Option<i64>), Error> {
        let query = sqlx::query(AssertSqlSafe(queries.records.clone()));
        let query = match &self.selected {
            None => query.bind(queries.after).bind(queries.size),
            Some(selected) => {
                let left = &selected[number][selected[number].partition_point(|id| *id <= queries.after)..];
                let size = usize::try_from(queries.size).unwrap_or(usize::MAX);
                query.bind(&left[..left.len().min(size)])
            }
        };
        let rows = query.fetch_all(&mut *self.transaction).await?;
        let ids = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
        let mut lists: HashMap<(usize, i64), Vec<Value>> = HashMap::new();
        for (place, sql) in &queries.lists {
            let WritableKind::Rows(rows) = &kind.writable_fields[*place].kind else {
                unreachable!("only rows are listed")
            };
            let query = sqlx::query(AssertSqlSafe(sql.clone())).bind(&ids);
            for row in query.fetch_all(&mut *self.transaction).await? {
                lists.entry((*place, row.try_get(0)?)).or_default().push(list_item(rows, &row)?);
            }
        }
        let mut records = Vec::with_capacity(rows.len());
        for (id, row) in ids.iter().zip(&rows) {
            let mut fields = Map::with_capacity(kind.writable_fields.len());
            let mut column = 1;
            for (place, writable_field) in kind.writable_fields.iter().enumerate() {
                let field = match &writable_field.kind {
                    WritableKind::Rows(_) => Value::Array(lists.remove(&(place, *id)).unwrap_or_default()),
                    WritableKind::Value { scalar, .. } => next_value(row, &mut column, Some(*scalar))?,
                    WritableKind::Reference { .. } => next_value(row, &mut column, None)?,
                };
                fields.insert(writable_field.name.to_owned(), field);
            }
            records.push(Record { kind, fields });
        }
        let more = i64::try_from(ids.len()).is_ok_and(|read| read == queries.size);
        Ok((records, ids.last().copied().filter(|_| more)))
    }

    /// The ids of the matching records and of all records that they refer to, per type and in order.
    async fn select(&mut self, selection: &Selection, most: usize) -> Result<Vec<Vec<i64>>, Error> {
        let topics = "with recursive below as (
                select id from topics where slug = $1
                union select topics.id from topics join below on topics.parent_id = below.id
            ) select id from below";
        let topics = sqlx::query_scalar(topics).bind(selection.topic.as_deref().filter(is_storable));
        let topics: Vec<i64> = topics.fetch_all(&mut *self.transaction).await?;
        if topics.is_empty() && selection.topic.is_some() {
            return Err(Error::Selection("topic", "Topic not found.".to_owned()));
        }
        let actor: Option<i64> = sqlx::query_scalar("select id from actors where slug = $1")
            .bind(selection.actor.as_deref().filter(is_storable))
            .fetch_optional(&mut *self.transaction)
            .await?;
        if actor.is_none() && selection.actor.is_some() {
            return Err(Error::Selection("actor", "Actor not found.".to_owned()));
        }
        selection.check_dates()?;
        let mut selected = Selected::new(self.kinds.0.len(), most);
        for (number, kind) in self.kinds.0.iter().enumerate() {
            let mut tests = Vec::new();
            if selection.topic.is_some() {
                tests.push(refers(kind, "Topic", "= any($4)"));
            }
            if selection.actor.is_some() {
                tests.push(refers(kind, "Actor", "= $1"));
            }
            if selection.from.is_some() || selection.until.is_some() {
                let period = self.kinds.period(kind, "t").unwrap_or_else(|| "null::daterange".to_owned());
                tests.push(format!("({period}) && period($2, $3)"));
            }
            let sql = format!(
                "select t.id from {} t
                 where {} and ($1::bigint, $2::text, $3::text, $4::bigint[]) is not distinct from ($1, $2, $3, $4)
                 limit $5",
                kind.table,
                tests.join(" and ")
            );
            let matching = sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(actor)
                .bind(&selection.from)
                .bind(&selection.until)
                .bind(&topics)
                .bind(i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1));
            selected.add(number, matching.fetch_all(&mut *self.transaction).await?)?;
        }
        // Each record is followed once.
        while let Some((number, ids)) = selected.next_to_follow() {
            for (table, owner, column, to) in self.kinds.0[number].all_references() {
                let sql = format!(
                    "select distinct t.{column} from {table} t where t.{owner} = any($1) and t.{column} is not null"
                );
                let referred = sqlx::query_scalar(AssertSqlSafe(sql)).bind(&ids);
                let referred = referred.fetch_all(&mut *self.transaction).await?;
                let to = self.kinds.named(to).expect("an object type that a domain module names").0;
                selected.add(to, referred)?;
            }
        }
        Ok(selected.ids.into_iter().map(|ids| ids.into_iter().collect()).collect())
    }
}

/// Records that are selected so far.
struct Selected {
    /// Per type.
    ids: Vec<BTreeSet<i64>>,
    /// Those whose references were not followed yet.
    to_follow: Vec<Vec<i64>>,
    most: usize,
    count: usize,
}

impl Selected {
    fn new(kinds: usize, most: usize) -> Self {
        Selected { ids: vec![BTreeSet::new(); kinds], to_follow: vec![Vec::new(); kinds], most, count: 0 }
    }

    fn add(&mut self, kind: usize, ids: Vec<i64>) -> Result<(), Error> {
        for id in ids {
            if self.ids[kind].insert(id) {
                self.to_follow[kind].push(id);
                self.count += 1;
            }
        }
        if self.count > self.most { Err(Error::TooMany(self.most)) } else { Ok(()) }
    }

    /// Some records of one type.
    fn next_to_follow(&mut self) -> Option<(usize, Vec<i64>)> {
        let kind = self.to_follow.iter().position(|ids| !ids.is_empty())?;
        let ids = &mut self.to_follow[kind];
        Some((kind, ids.split_off(ids.len().saturating_sub(IDS_PER_STATEMENT))))
    }
}

/// Whether a record may have this slug. Postgres refuses NUL, even in a comparison.
fn is_storable(slug: &&str) -> bool {
    !slug.contains('\0')
}

/// SQL: whether the record `t` refers to a record of type `to` for which `test` holds, or is one.
fn refers(kind: &RecordKind, to: &str, test: &str) -> String {
    let mut conditions = Vec::new();
    if kind.name == to {
        conditions.push(format!("t.id {test}"));
    }
    for (table, owner, column, _) in
        kind.all_references().into_iter().filter(|(.., object_type)| *object_type == to)
    {
        conditions.push(if table == kind.table {
            format!("t.{column} {test}")
        } else {
            format!("t.id in (select l.{owner} from {table} l where l.{column} {test})")
        });
    }
    if conditions.is_empty() { "false".to_owned() } else { format!("({})", conditions.join(" or ")) }
}

/// The queries for a record type: one for the records, and one per list.
#[derive(Default)]
struct Queries {
    kind: &'static str,
    /// Id of the last record read.
    after: i64,
    /// Records per statement.
    size: i64,
    /// The `$2` records after the id `$1`, or the records with the ids `$1`.
    records: String,
    /// Index of the field, and the query for the rows of the records `$1`.
    lists: Vec<(usize, String)>,
}

impl Queries {
    fn of(kind: &RecordKind, kinds: &RecordKinds, selected: bool, texts: bool) -> Self {
        let mut size = RECORDS_PER_STATEMENT;
        let (mut columns, mut joins, mut lists) = ("t.id".to_owned(), String::new(), Vec::new());
        for (place, writable_field) in kind.writable_fields.iter().enumerate() {
            match &writable_field.kind {
                WritableKind::Value { column, .. } => {
                    let _ = write!(columns, ", t.{column}::text");
                }
                WritableKind::Reference { column, to } => {
                    let _ = write!(columns, ", r{place}.slug::text");
                    let _ = write!(
                        joins,
                        " left join {} r{place} on r{place}.id = t.{column}",
                        kinds.known(to).table
                    );
                }
                WritableKind::Rows(rows) if rows.has_texts() => {
                    if texts {
                        size = TEXTS_PER_STATEMENT;
                        lists.push((place, list_query(rows, kinds)));
                    }
                }
                WritableKind::Rows(rows) => lists.push((place, list_query(rows, kinds))),
            }
        }
        let (test, limit) = if selected { ("= any($1)", "") } else { ("> $1", " limit $2") };
        let records =
            format!("select {columns} from {} t{joins} where t.id {test} order by t.id{limit}", kind.table);
        Queries { kind: kind.name, after: 0, size, records, lists }
    }
}

/// The query for a list: in its own order if it has one, else by the slugs of its references.
fn list_query(rows: &Rows, kinds: &RecordKinds) -> String {
    let (mut columns, mut joins) = (format!("t.{}", rows.owner), String::new());
    let mut order = match rows.ordinal {
        Some(ordinal) => vec![format!("t.{ordinal}")],
        None if rows.appended => vec![rows.order.replace("{}", "t")],
        None if rows.numbered => vec!["t.id".to_owned()],
        None => Vec::new(),
    };
    let by_slug = order.is_empty();
    for (place, column) in rows.columns.iter().enumerate() {
        match column.kind {
            RowKind::Value(_) => {
                let _ = write!(columns, ", t.{}::text", column.column);
            }
            RowKind::Content => {
                let _ = write!(
                    columns,
                    ", (select string_agg(p.text, '' order by p.number) from text_passages p where p.sha256 = t.{})",
                    column.column
                );
            }
            RowKind::Reference(to) => {
                let _ = write!(columns, ", r{place}.slug::text");
                let _ = write!(
                    joins,
                    " left join {} r{place} on r{place}.id = t.{}",
                    kinds.known(to).table,
                    column.column
                );
                if by_slug {
                    order.push(format!("r{place}.slug::text collate \"C\""));
                }
            }
        }
    }
    format!(
        "select {columns} from {} t{joins} where t.{owner} = any($1) order by t.{owner}, {}",
        rows.table,
        order.join(", "),
        owner = rows.owner
    )
}

/// A list entry: a slug, or an object.
fn list_item(rows: &Rows, row: &PgRow) -> Result<Value, sqlx::Error> {
    let mut column = 1;
    if rows.is_reference() {
        return next_value(row, &mut column, None);
    }
    let mut object = Map::with_capacity(rows.columns.len());
    for known in &rows.columns {
        let scalar = match known.kind {
            RowKind::Value(scalar) => Some(scalar),
            RowKind::Reference(_) | RowKind::Content => None,
        };
        let value = next_value(row, &mut column, scalar)?;
        // Of several references, one is set.
        if !(value.is_null() && matches!(known.kind, RowKind::Reference(_))) {
            object.insert(known.name.to_owned(), value);
        }
    }
    Ok(Value::Object(object))
}

/// The next column of a row; all are texts.
fn next_value(row: &PgRow, column: &mut usize, scalar: Option<Scalar>) -> Result<Value, sqlx::Error> {
    let text: Option<&str> = row.try_get(*column)?;
    *column += 1;
    Ok(match (text, scalar) {
        (None, _) => Value::Null,
        (Some(text), Some(Scalar::Int)) => text.parse::<i64>().map_or(Value::Null, Value::from),
        (Some(text), Some(Scalar::Float)) => text.parse::<f64>().map_or(Value::Null, Value::from),
        (Some(text), _) => text.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_selected_record_is_followed_once_and_too_many_are_refused() {
        let mut selected = Selected::new(2, 4);
        selected.add(0, vec![3, 1]).unwrap();
        selected.add(1, vec![3]).unwrap();
        assert_eq!(selected.next_to_follow(), Some((0, vec![3, 1])));
        selected.add(0, vec![1, 2, 3]).unwrap();
        assert_eq!(selected.next_to_follow(), Some((0, vec![2])));
        assert_eq!(selected.next_to_follow(), Some((1, vec![3])));
        assert_eq!(selected.next_to_follow(), None);
        assert!(matches!(selected.add(1, vec![4]), Err(Error::TooMany(4))));
    }
}
