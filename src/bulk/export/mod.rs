//! Records out: chosen, then read by the thousand, each with what it owns.

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

/// How many records are read at a time.
const CHUNK: i64 = 5_000;

/// Which records are wanted: those to which everything given applies, and whatever they refer to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// The slug of a topic that they are on, or on a part of it.
    pub topic: Option<String>,
    /// The slug of an actor that they refer to.
    pub actor: Option<String>,
    /// Partial dates: they happened in this period, or may have.
    pub from: Option<String>,
    pub until: Option<String>,
}

/// Why an export came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for is wrong: the part, and why.
    #[error("--{0}: {1}")]
    Selection(&'static str, String),
    #[error("{}", in_words(.0))]
    Database(#[from] sqlx::Error),
}

impl Selection {
    fn is_all(&self) -> bool {
        *self == Selection::default()
    }

    /// Refuses what is no date, and a period that ends before it begins.
    pub fn check_dates(&self) -> Result<(), Error> {
        for (name, date) in [("from", &self.from), ("until", &self.until)] {
            if date.as_ref().is_some_and(|date| !is_partial_date(date)) {
                let takes = "Expected a date such as 2026, 2026-02 or 2026-02-19.";
                return Err(Error::Selection(name, takes.to_owned()));
            }
        }
        if let (Some(from), Some(until)) = (&self.from, &self.until)
            && ends_before(from, until)
        {
            return Err(Error::Selection("until", "The date must not be before `from`.".to_owned()));
        }
        Ok(())
    }

    /// How many filters it has.
    pub fn filters(&self) -> usize {
        [&self.topic, &self.actor, &self.from, &self.until].into_iter().flatten().count()
    }
}

/// One look at the base: whatever others change meanwhile, it stays as it was.
pub struct Export<'a> {
    kinds: &'a RecordKinds,
    /// Ended by its own end: nothing of it is kept.
    look: Transaction<'a, Postgres>,
    chosen: bool,
}

/// How far an export is written.
pub struct Written {
    writer: Box<dyn Writer>,
    /// The kind of record being written, and how it is read once that has begun.
    kind: usize,
    reading: Option<Reading>,
    ended: bool,
    /// How many records are written.
    pub count: u64,
}

impl Written {
    pub fn by(writer: Box<dyn Writer>) -> Self {
        Written { writer, kind: 0, reading: None, ended: false, count: 0 }
    }
}

/// A record as it was read.
pub struct Record<'a> {
    pub kind: &'a RecordKind,
    pub fields: Map<String, Value>,
}

impl<'a> Export<'a> {
    pub async fn begin(
        connection: &'a mut PgConnection,
        kinds: &'a RecordKinds,
        selection: &Selection,
    ) -> Result<Self, Error> {
        let look = connection.begin_with("begin isolation level repeatable read").await?;
        let mut export = Export { kinds, look, chosen: !selection.is_all() };
        if export.chosen {
            export.choose(selection).await?;
        }
        Ok(export)
    }

    /// How many records of it `writer` takes.
    pub async fn count(&mut self, writer: &dyn Writer) -> Result<u64, Error> {
        let taken = self.kinds.0.iter().filter(|kind| writer.takes(kind));
        let count = |kind: &RecordKind| {
            let chosen = format!("(select count(*) from chosen where kind = '{}')", kind.name);
            if self.chosen { chosen } else { format!("(select count(*) from {})", kind.table) }
        };
        let sql = format!("select {}", joined(taken.map(count), " + "));
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *self.look).await?;
        Ok(count.cast_unsigned())
    }

    /// Writes the next records to `out`; false where there were no more.
    pub async fn next(&mut self, written: &mut Written, out: &mut Vec<u8>) -> Result<bool, Error> {
        if written.reading.is_none() && written.kind == 0 {
            written.writer.begin(self.kinds, out);
        }
        let Some(kind) = self.kinds.0.get(written.kind) else {
            if !std::mem::replace(&mut written.ended, true) {
                written.writer.end(out);
                return Ok(true);
            }
            return Ok(false);
        };
        if !written.writer.takes(kind) {
            (written.kind, written.reading) = (written.kind + 1, Some(Reading::default()));
            return Ok(true);
        }
        let reading = match written.reading.take() {
            Some(reading) if reading.kind == kind.name => reading,
            _ => Reading::of(kind, self.kinds, self.chosen),
        };
        let (records, last) = self.chunk(kind, &reading).await?;
        for record in &records {
            written.writer.record(record, out);
        }
        written.count += records.len() as u64;
        written.kind += usize::from(last.is_none());
        written.reading = Some(Reading { after: last.unwrap_or(0), ..reading });
        Ok(true)
    }

    /// The next records of a kind, and the number of the last one; none where there are no more.
    async fn chunk<'k>(
        &mut self,
        kind: &'k RecordKind,
        read: &Reading,
    ) -> Result<(Vec<Record<'k>>, Option<i64>), Error> {
        let asked = sqlx::query(AssertSqlSafe(read.records.clone())).bind(read.after).bind(CHUNK);
        let rows = asked.fetch_all(&mut *self.look).await?;
        let ids = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
        let mut lists: HashMap<(usize, i64), Vec<Value>> = HashMap::new();
        for (place, sql) in &read.lists {
            let WritableKind::Rows(rows) = &kind.writable_fields[*place].kind else {
                unreachable!("only rows are listed")
            };
            let asked = sqlx::query(AssertSqlSafe(sql.clone())).bind(&ids);
            for row in asked.fetch_all(&mut *self.look).await? {
                lists.entry((*place, row.try_get(0)?)).or_default().push(item(rows, &row)?);
            }
        }
        let mut records = Vec::with_capacity(rows.len());
        for (id, row) in ids.iter().zip(&rows) {
            let mut fields = Map::with_capacity(kind.writable_fields.len());
            let mut column = 1;
            for (place, writable_field) in kind.writable_fields.iter().enumerate() {
                let field = match &writable_field.kind {
                    WritableKind::Rows(_) => Value::Array(lists.remove(&(place, *id)).unwrap_or_default()),
                    WritableKind::Value { scalar, .. } => next(row, &mut column, Some(*scalar))?,
                    WritableKind::Reference { .. } => next(row, &mut column, None)?,
                };
                fields.insert(writable_field.name.to_owned(), field);
            }
            records.push(Record { kind, fields });
        }
        let more = i64::try_from(ids.len()).is_ok_and(|read| read == CHUNK);
        Ok((records, ids.last().copied().filter(|_| more)))
    }

    /// Fills `chosen` with what the selection asks for, and with all that this refers to.
    async fn choose(&mut self, selection: &Selection) -> Result<(), Error> {
        let create = "create temp table chosen (kind text, id bigint, primary key (kind, id)) on commit drop";
        self.execute(create.to_owned()).await?;
        let create = "create temp table topics_asked on commit drop as
            with recursive below as (
                select id from topics where slug = $1
                union select topics.id from topics join below on topics.parent_id = below.id
            ) select id from below";
        let topics = sqlx::query(create).bind(&selection.topic).execute(&mut *self.look).await?;
        if topics.rows_affected() == 0 && selection.topic.is_some() {
            return Err(Error::Selection("topic", "Topic not found.".to_owned()));
        }
        let actor: Option<i64> = sqlx::query_scalar("select id from actors where slug = $1")
            .bind(&selection.actor)
            .fetch_optional(&mut *self.look)
            .await?;
        if actor.is_none() && selection.actor.is_some() {
            return Err(Error::Selection("actor", "Actor not found.".to_owned()));
        }
        selection.check_dates()?;
        for kind in &self.kinds.0 {
            let mut tests = Vec::new();
            if selection.topic.is_some() {
                tests.push(refers(kind, "Topic", "in (select id from topics_asked)"));
            }
            if selection.actor.is_some() {
                tests.push(refers(kind, "Actor", "= $1"));
            }
            if selection.from.is_some() || selection.until.is_some() {
                let period = self.kinds.period(kind, "t").unwrap_or_else(|| "null::daterange".to_owned());
                tests.push(format!("({period}) && period($2, $3)"));
            }
            let sql = format!(
                "insert into chosen select '{}', t.id from {} t
                 where {} and ($1::bigint, $2::text, $3::text) is not distinct from ($1, $2, $3)",
                kind.name,
                kind.table,
                tests.join(" and ")
            );
            let asked =
                sqlx::query(AssertSqlSafe(sql)).bind(actor).bind(&selection.from).bind(&selection.until);
            asked.execute(&mut *self.look).await?;
        }
        self.execute("analyze chosen".to_owned()).await?;
        loop {
            let mut added = 0;
            for kind in &self.kinds.0 {
                for (table, owner, column, to) in kind.all_references() {
                    added += self
                        .execute(format!(
                            "insert into chosen select distinct '{to}', t.{column} from {table} t
                             join chosen c on c.kind = '{}' and c.id = t.{owner}
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
        let done = sqlx::query(AssertSqlSafe(sql)).persistent(false).execute(&mut *self.look).await?;
        Ok(done.rows_affected())
    }
}

/// Whether a record `t` refers to a record of another kind for which `test` holds, or is one.
fn refers(kind: &RecordKind, to: &str, test: &str) -> String {
    let mut ways = Vec::new();
    if kind.name == to {
        ways.push(format!("t.id {test}"));
    }
    for (table, owner, column, _) in
        kind.all_references().into_iter().filter(|(.., object_type)| *object_type == to)
    {
        ways.push(if table == kind.table {
            format!("t.{column} {test}")
        } else {
            format!("t.id in (select l.{owner} from {table} l where l.{column} {test})")
        });
    }
    if ways.is_empty() { "false".to_owned() } else { format!("({})", ways.join(" or ")) }
}

/// How the records of a kind are read: one statement for the next of them, and one for each list.
#[derive(Default)]
struct Reading {
    kind: &'static str,
    /// The number of the last one that was read.
    after: i64,
    /// Those after the number `$1`, `$2` of them.
    records: String,
    /// The place of the writable field, and the rows of the records `$1`.
    lists: Vec<(usize, String)>,
}

impl Reading {
    fn of(kind: &RecordKind, kinds: &RecordKinds, chosen: bool) -> Self {
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
                WritableKind::Rows(rows) => lists.push((place, list(rows, kinds))),
            }
        }
        if chosen {
            let _ = write!(joins, " join chosen c on c.kind = '{}' and c.id = t.id", kind.name);
        }
        let records =
            format!("select {columns} from {} t{joins} where t.id > $1 order by t.id limit $2", kind.table);
        Reading { kind: kind.name, after: 0, records, lists }
    }
}

/// The rows of the records `$1`: in the order that is kept of them, else by what they refer to.
fn list(rows: &Rows, kinds: &RecordKinds) -> String {
    let (mut columns, mut joins) = (format!("t.{}", rows.owner), String::new());
    let mut order = match rows.ordinal {
        Some(ordinal) => vec![format!("t.{ordinal}")],
        None if rows.numbered => vec!["t.id".to_owned()],
        None => Vec::new(),
    };
    let by_slug = order.is_empty();
    for (place, column) in rows.columns.iter().enumerate() {
        match column.kind {
            RowKind::Value(_) => {
                let _ = write!(columns, ", t.{}::text", column.column);
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

/// One row of a list: a slug alone, or an object.
fn item(rows: &Rows, row: &PgRow) -> Result<Value, sqlx::Error> {
    let mut column = 1;
    if rows.is_reference() {
        return next(row, &mut column, None);
    }
    let mut object = Map::with_capacity(rows.columns.len());
    for known in &rows.columns {
        let scalar = match known.kind {
            RowKind::Value(scalar) => Some(scalar),
            RowKind::Reference(_) => None,
        };
        let value = next(row, &mut column, scalar)?;
        // Of several references one is set.
        if !(rows.one_of && value.is_null()) {
            object.insert(known.name.to_owned(), value);
        }
    }
    Ok(Value::Object(object))
}

/// The next column of a row, all of which come as texts.
fn next(row: &PgRow, column: &mut usize, scalar: Option<Scalar>) -> Result<Value, sqlx::Error> {
    let text: Option<&str> = row.try_get(*column)?;
    *column += 1;
    Ok(match (text, scalar) {
        (None, _) => Value::Null,
        (Some(text), Some(Scalar::Int)) => text.parse::<i64>().map_or(Value::Null, Value::from),
        (Some(text), _) => text.into(),
    })
}
