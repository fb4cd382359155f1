//! Exports: select records, and stream them in chunks with their lists.

pub mod formats;

use std::{collections::HashMap, fmt::Write};

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
    /// Never committed.
    transaction: Transaction<'a, Postgres>,
    selected: bool,
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
    pub async fn begin(
        connection: &'a mut PgConnection,
        kinds: &'a RecordKinds,
        selection: &Selection,
        texts: bool,
    ) -> Result<Self, Error> {
        let transaction = connection.begin_with("begin isolation level repeatable read").await?;
        let mut export = Export { kinds, transaction, selected: !selection.is_all(), texts };
        if export.selected {
            export.select(selection).await?;
        }
        Ok(export)
    }

    /// Number of records that `writer` accepts.
    pub async fn count(&mut self, writer: &dyn Writer) -> Result<u64, Error> {
        let accepted = self.kinds.0.iter().filter(|kind| writer.accepts(kind));
        let count = |kind: &RecordKind| {
            let selected = format!("(select count(*) from selected where kind = '{}')", kind.name);
            if self.selected { selected } else { format!("(select count(*) from {})", kind.table) }
        };
        let sql = format!("select {}", joined(accepted.map(count), " + "));
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *self.transaction).await?;
        Ok(count.cast_unsigned())
    }

    /// Number of whole texts of the records that `writer` accepts, if they are left out.
    pub async fn texts_left_out(&mut self, writer: &dyn Writer) -> Result<u64, Error> {
        let mut count = 0;
        if self.texts && writer.has_texts() {
            return Ok(count);
        }
        for kind in self.kinds.0.iter().filter(|kind| writer.accepts(kind)) {
            for writable_field in kind.writable_fields.iter().filter(|field| field.has_texts()) {
                let WritableKind::Rows(rows) = &writable_field.kind else { continue };
                let selected =
                    format!("join selected c on c.kind = '{}' and c.id = t.{}", kind.name, rows.owner);
                let selected = if self.selected { selected.as_str() } else { "" };
                let sql = format!("select count(*) from {} t {selected}", rows.table);
                let texts: i64 =
                    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *self.transaction).await?;
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
            _ => Queries::of(kind, self.kinds, self.selected, self.texts && state.writer.has_texts()),
        };
        let (records, last) = self.chunk(kind, &queries).await?;
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
        queries: &Queries,
    ) -> Result<(Vec<Record<'k>>, Option<i64>), Error> {
        let query =
            sqlx::query(AssertSqlSafe(queries.records.clone())).bind(queries.after).bind(queries.size);
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

    /// Fills the table `selected` with the matching records and all records that they refer to.
    async fn select(&mut self, selection: &Selection) -> Result<(), Error> {
        let create =
            "create temp table selected (kind text, id bigint, primary key (kind, id)) on commit drop";
        self.execute(create.to_owned()).await?;
        let create = "create temp table selected_topics on commit drop as
            with recursive below as (
                select id from topics where slug = $1
                union select topics.id from topics join below on topics.parent_id = below.id
            ) select id from below";
        let topics = sqlx::query(create)
            .bind(selection.topic.as_deref().filter(is_storable))
            .execute(&mut *self.transaction)
            .await?;
        if topics.rows_affected() == 0 && selection.topic.is_some() {
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
        for kind in &self.kinds.0 {
            let mut tests = Vec::new();
            if selection.topic.is_some() {
                tests.push(refers(kind, "Topic", "in (select id from selected_topics)"));
            }
            if selection.actor.is_some() {
                tests.push(refers(kind, "Actor", "= $1"));
            }
            if selection.from.is_some() || selection.until.is_some() {
                let period = self.kinds.period(kind, "t").unwrap_or_else(|| "null::daterange".to_owned());
                tests.push(format!("({period}) && period($2, $3)"));
            }
            let sql = format!(
                "insert into selected select '{}', t.id from {} t
                 where {} and ($1::bigint, $2::text, $3::text) is not distinct from ($1, $2, $3)",
                kind.name,
                kind.table,
                tests.join(" and ")
            );
            let query =
                sqlx::query(AssertSqlSafe(sql)).bind(actor).bind(&selection.from).bind(&selection.until);
            query.execute(&mut *self.transaction).await?;
        }
        self.execute("analyze selected".to_owned()).await?;
        loop {
            let mut added = 0;
            for kind in &self.kinds.0 {
                for (table, owner, column, to) in kind.all_references() {
                    added += self
                        .execute(format!(
                            "insert into selected select distinct '{to}', t.{column} from {table} t
                             join selected c on c.kind = '{}' and c.id = t.{owner}
                             where t.{column} is not null on conflict do nothing",
                            kind.name
                        ))
                        .await?;
                }
            }
            if added == 0 {
                return Ok(());
            }
        }
    }

    async fn execute(&mut self, sql: String) -> Result<u64, Error> {
        let done = sqlx::query(AssertSqlSafe(sql)).persistent(false).execute(&mut *self.transaction).await?;
        Ok(done.rows_affected())
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
    /// The `$2` records after the id `$1`.
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
        if selected {
            let _ = write!(joins, " join selected c on c.kind = '{}' and c.id = t.id", kind.name);
        }
        let records =
            format!("select {columns} from {} t{joins} where t.id > $1 order by t.id limit $2", kind.table);
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
