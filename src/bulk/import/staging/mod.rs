//! Records checked for their form, and written as rows of the staging tables, batch by batch.

pub mod batches;

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    bulk::{
        import::staging::batches::{Batch, Digest},
        records::{RecordKind, RecordKinds, joined},
    },
    engine::mutation::{
        rules::Rules,
        writable_fields::{RowColumn, RowKind, Rows, WritableKind},
    },
    model::object_type::Scalar,
};

/// How many bytes of rows make a batch: so many that a commit costs little beside them, and so few that those
/// on their way need little memory.
const BATCH: usize = 2 << 20;
/// How many bytes a text may have that an index holds: no more fit, with what stands beside it.
const LONGEST_TEXT: usize = 1_500;
const LONGEST_TERM: usize = 1_000;
/// How many bytes full-text search can take of a text, twice, with another one beside it.
const LONGEST_PROSE: usize = 200_000;

/// A record's place in the files: the number of the file, that of the line, and which record of the line it
/// is, as other formats make several of one.
pub type Place = i64;

const BITS_OF_RECORD: u32 = 16;
const BITS_OF_LINE: u32 = 37;
/// How many files fit beside them.
pub const MOST_FILES: usize = 1 << 10;

pub fn place(file: usize, line: u64) -> Place {
    i64::try_from((file as u64) << (BITS_OF_LINE + BITS_OF_RECORD) | line << BITS_OF_RECORD)
        .unwrap_or(i64::MAX)
}

pub fn file_and_line(place: Place) -> (usize, i64) {
    let file = usize::try_from(place >> (BITS_OF_LINE + BITS_OF_RECORD)).unwrap_or(0);
    (file, (place >> BITS_OF_RECORD) & ((1 << BITS_OF_LINE) - 1))
}

/// The number of a place's file, from 1, and that of its line, as SQL.
pub fn file_and_line_sql(place: &str) -> (String, String) {
    let file = format!("({place} >> {}) + 1", BITS_OF_LINE + BITS_OF_RECORD);
    (file, format!("({place} >> {BITS_OF_RECORD}) & {}", (1_i64 << BITS_OF_LINE) - 1))
}

/// What the names of tables begin with whose rows are ready to be written.
pub const READY: &str = "ready_";

/// A staging table: of a kind's records, or of one of their lists.
pub struct Table {
    pub kind: usize,
    pub writable_field: Option<usize>,
    pub name: String,
    create: String,
}

/// The staging tables of all kinds; last, that of what is rejected.
pub struct Tables {
    pub all: Vec<Table>,
    /// What their names begin with: a schema of their own.
    pub staged: String,
}

impl Tables {
    pub fn of(kinds: &RecordKinds, rules: &Rules, staged: String) -> Self {
        let type_of = |table: &str, column: &str| {
            rules.type_of(table, column).expect("a column that a domain module names").to_owned()
        };
        let mut tables = Vec::new();
        for (number, kind) in kinds.0.iter().enumerate() {
            let columns =
                kind.writable_fields.iter().filter_map(|writable_field| match &writable_field.kind {
                    WritableKind::Value { column, .. } => {
                        Some(format!(", {column} {}", type_of(kind.table, column)))
                    }
                    WritableKind::Reference { column, .. } => Some(format!(", {column} text")),
                    WritableKind::Rows(_) => None,
                });
            let name = format!("{staged}{}", kind.table);
            let create = format!("{name} (line bigint, given bigint{})", joined(columns, ""));
            tables.push(Table { kind: number, writable_field: None, name, create });
            for (place, writable_field) in kind.writable_fields.iter().enumerate() {
                let WritableKind::Rows(rows) = &writable_field.kind else { continue };
                let columns = rows.columns.iter().map(|column| match column.kind {
                    RowKind::Value(_) => {
                        format!(", {} {}", column.column, type_of(rows.table, column.column))
                    }
                    RowKind::Reference(_) => format!(", {} text", column.column),
                });
                let name = list_name(&staged, kind, writable_field.name);
                let create = format!("{name} (line bigint, place integer{})", joined(columns, ""));
                tables.push(Table { kind: number, writable_field: Some(place), name, create });
            }
        }
        let name = format!("{staged}rejected");
        let create = format!("{name} (line bigint, kind text, field text, reason text)");
        tables.push(Table { kind: 0, writable_field: None, name, create });
        Tables { all: tables, staged }
    }

    /// The statements that make them. Nobody needs to look after what is soon gone.
    pub fn create(&self) -> String {
        let create = |table: &Table| {
            format!("create unlogged table {} with (autovacuum_enabled = false)", table.create)
        };
        joined(self.all.iter().map(create), "; ")
    }
}

/// The name of a table for a list of a kind.
pub fn list_name(stem: &str, kind: &RecordKind, writable_field: &str) -> String {
    format!("{stem}{}_{}", kind.table, writable_field.to_lowercase())
}

/// Takes records, and gives their rows to `send` batch by batch. The same records make the same batches.
pub struct Stage<'a> {
    kinds: Arc<RecordKinds>,
    /// The table of each kind's records, and of its lists by the place of the writable field.
    of_kind: Vec<(usize, HashMap<usize, usize>)>,
    /// The rows of the batch that is being made, for each table.
    rows: Vec<Vec<u8>>,
    /// The digest of the batch before it.
    digest: Digest,
    send: &'a mut dyn FnMut(Batch) -> Result<(), Stopped>,
    /// The place of the last record.
    last: Place,
    /// How many records were taken so far.
    pub taken: u64,
}

/// Whoever takes the rows has gone.
#[derive(Debug)]
pub struct Stopped;

/// What is wrong with a field.
type Wrong = (String, String);

impl<'a> Stage<'a> {
    pub fn new(
        kinds: &Arc<RecordKinds>,
        tables: &Tables,
        send: &'a mut dyn FnMut(Batch) -> Result<(), Stopped>,
    ) -> Self {
        let mut of_kind: Vec<(usize, HashMap<usize, usize>)> = Vec::new();
        for (number, table) in tables.all.iter().enumerate().take(tables.all.len() - 1) {
            match table.writable_field {
                None => of_kind.push((number, HashMap::new())),
                Some(writable_field) => {
                    of_kind[table.kind].1.insert(writable_field, number);
                }
            }
        }
        let (rows, digest) = (vec![Vec::new(); tables.all.len()], batches::beginning(tables));
        Stage { kinds: kinds.clone(), of_kind, rows, digest, send, last: -1, taken: 0 }
    }

    /// The place of the next record of a line: no other has it, and those before it have lower ones.
    fn take(&mut self, line: Place) -> Result<Place, Stopped> {
        if self.rows.iter().map(Vec::len).sum::<usize>() >= BATCH {
            self.give()?;
        }
        self.taken += 1;
        self.last = if file_and_line(self.last) == file_and_line(line) { self.last + 1 } else { line };
        Ok(self.last)
    }

    fn give(&mut self) -> Result<(), Stopped> {
        let rows: Vec<_> = self.rows.iter_mut().map(std::mem::take).collect();
        self.digest = batches::digest(self.digest, &rows);
        (self.send)(Batch { rows, last: self.last, records: self.taken, digest: self.digest })
    }

    /// Takes a record with its fields, its type among them.
    pub fn record(&mut self, line: Place, fields: &Map<String, Value>) -> Result<(), Stopped> {
        let line = self.take(line)?;
        let kinds = self.kinds.clone();
        let named = fields.get("type").and_then(Value::as_str);
        let Some((number, kind)) = named.and_then(|name| kinds.named(name)) else {
            let told = match named {
                Some(name) => format!("Unknown record type `{name}`; expected one of {}.", kinds.names()),
                None => format!("The record type is missing; expected one of {}.", kinds.names()),
            };
            self.refuse(line, "", vec![("type".to_owned(), told)]);
            return Ok(());
        };
        let mut wrong: Vec<Wrong> = Vec::new();
        for name in fields.keys().filter(|name| *name != "type" && kind.writable_field(name).is_none()) {
            let known = kind
                .writable_fields
                .iter()
                .map(|writable_field| writable_field.name)
                .collect::<Vec<_>>()
                .join(", ");
            wrong.push((name.clone(), format!("Unknown field; {} has {known}.", kind.name)));
        }
        let (table, lists) = &self.of_kind[number];
        let (mut row, mut given) = (Vec::new(), 0_i64);
        let mut rows: Vec<(usize, Vec<u8>)> = Vec::new();
        for (place, writable_field) in kind.writable_fields.iter().enumerate() {
            let value = fields.get(writable_field.name);
            if let Some(value) = value {
                given |= 1 << place;
                let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
                if writable_field.needed && empty {
                    wrong.push((writable_field.name.to_owned(), "This field must not be null.".to_owned()));
                    continue;
                }
            }
            let value = value.unwrap_or(&Value::Null);
            let written = match &writable_field.kind {
                WritableKind::Value { scalar, .. } => {
                    row.push(b'\t');
                    write_value(*scalar, value, &mut row)
                        .map_err(|told| vec![(writable_field.name.to_owned(), told)])
                }
                WritableKind::Reference { to, .. } => {
                    row.push(b'\t');
                    let to = kinds.known(to);
                    write_key(to, value, &mut row)
                        .map_err(|told| vec![(writable_field.name.to_owned(), told)])
                }
                WritableKind::Rows(list) => write_list(&kinds, list, line, writable_field.name, value)
                    .map(|list| rows.push((lists[&place], list))),
            };
            wrong.extend(written.err().into_iter().flatten());
        }
        if !wrong.is_empty() {
            self.refuse(line, kind.name, wrong);
            return Ok(());
        }
        let own = &mut self.rows[*table];
        own.extend_from_slice(format!("{line}\t{given}").as_bytes());
        own.extend_from_slice(&row);
        own.push(b'\n');
        for (table, list) in rows {
            self.rows[table].extend_from_slice(&list);
        }
        Ok(())
    }

    /// Refuses what stands in a line: each field with its reason.
    pub fn reject(&mut self, line: Place, kind: &str, wrong: Vec<Wrong>) -> Result<(), Stopped> {
        let line = self.take(line)?;
        self.refuse(line, kind, wrong);
        Ok(())
    }

    fn refuse(&mut self, line: Place, kind: &str, wrong: Vec<Wrong>) {
        let Some(rejected) = self.rows.last_mut() else { return };
        for (field, reason) in wrong {
            rejected.extend_from_slice(format!("{line}\t").as_bytes());
            for (place, text) in [kind, &field, &reason].into_iter().enumerate() {
                if place > 0 {
                    rejected.push(b'\t');
                }
                // A field's name comes from the file, and may hold what the database can't.
                escape(&text.replace('\0', "\u{fffd}"), rejected);
            }
            rejected.push(b'\n');
        }
    }

    /// Refuses a line that is no record at all.
    pub fn unreadable(&mut self, line: Place, reason: impl Into<String>) -> Result<(), Stopped> {
        self.reject(line, "", vec![(String::new(), reason.into())])
    }

    /// Gives what is left.
    pub fn end(mut self) -> Result<(), Stopped> {
        if self.rows.iter().any(|rows| !rows.is_empty()) { self.give() } else { Ok(()) }
    }
}

/// The rows of a list, or all that is wrong with it.
fn write_list(
    kinds: &RecordKinds,
    rows: &Rows,
    line: Place,
    name: &str,
    value: &Value,
) -> Result<Vec<u8>, Vec<Wrong>> {
    let mut out = Vec::new();
    let items = match value {
        Value::Null => return Ok(out),
        Value::Array(items) => items,
        _ => return Err(vec![(name.to_owned(), "Expected a list.".to_owned())]),
    };
    let mut wrong = Vec::new();
    for (place, item) in items.iter().enumerate() {
        out.extend_from_slice(format!("{line}\t{place}").as_bytes());
        let path = format!("{name}.{place}");
        let fields = if rows.is_reference() { None } else { item.as_object() };
        if !rows.is_reference() {
            let known = |field: &&String| rows.columns.iter().all(|column| column.name != field.as_str());
            match fields {
                None => wrong.push((path.clone(), "Expected an object.".to_owned())),
                Some(fields) => wrong.extend(fields.keys().find(known).map(|field| {
                    let names = rows.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
                    (format!("{path}.{field}"), format!("Unknown field; expected one of {names}."))
                })),
            }
        }
        for column in &rows.columns {
            let (path, value) = match fields {
                None => (path.clone(), if rows.is_reference() { item } else { &Value::Null }),
                Some(fields) => {
                    (format!("{path}.{}", column.name), fields.get(column.name).unwrap_or(&Value::Null))
                }
            };
            out.push(b'\t');
            if let Err(told) = write_column(kinds, column, value, &mut out) {
                wrong.push((path, told));
            }
        }
        out.push(b'\n');
    }
    if wrong.is_empty() { Ok(out) } else { Err(wrong) }
}

fn write_column(
    kinds: &RecordKinds,
    column: &RowColumn,
    value: &Value,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    if column.needed && value.is_null() {
        return Err("This field is required.".to_owned());
    }
    match column.kind {
        RowKind::Value(scalar) => write_value(scalar, value, out),
        RowKind::Reference(to) => write_key(kinds.known(to), value, out),
    }
}

fn write_value(scalar: Scalar, value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    match (scalar, value) {
        (_, Value::Null) => out.extend_from_slice(b"\\N"),
        (Scalar::Int, Value::Number(number)) => {
            let whole = number.as_i64().and_then(|number| i32::try_from(number).ok());
            let whole = whole.ok_or_else(|| "Expected a whole number of at most 32 bits.".to_owned())?;
            out.extend_from_slice(whole.to_string().as_bytes());
        }
        (Scalar::Int, _) => return Err("Expected a whole number.".to_owned()),
        (Scalar::Boolean, Value::Bool(value)) => out.push(if *value { b't' } else { b'f' }),
        (Scalar::Enumeration(of), Value::String(text)) => {
            if of.values.iter().all(|(name, _)| name != text) {
                let names = of.values.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
                return Err(format!("Unknown value `{}`; expected one of {names}.", shortened(text)));
            }
            out.extend_from_slice(text.as_bytes());
        }
        (_, Value::String(text)) => {
            let longest = match scalar {
                Scalar::Prose => LONGEST_PROSE,
                Scalar::Text => LONGEST_TEXT,
                _ => LONGEST_TERM,
            };
            if text.len() > longest {
                return Err(format!("The text has {} bytes; the limit is {longest}.", text.len()));
            }
            write_text(text, out)?;
        }
        _ => return Err("Expected a text.".to_owned()),
    }
    Ok(())
}

/// What names a record: its slug, or an identifier as its two parts in two lines, which no slug has.
fn write_key(to: &RecordKind, value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    let takes = || {
        let identifier = r#" or {"identifier": {"scheme": …, "value": …}}"#;
        format!("Expected a slug{}.", if to.identifiers.is_some() { identifier } else { "" })
    };
    match value {
        Value::Null => out.extend_from_slice(b"\\N"),
        Value::String(slug) if slug.len() <= LONGEST_TERM => write_text(slug, out)?,
        Value::Object(by) if by.len() == 1 => match (by.get("slug"), by.get("identifier")) {
            (Some(Value::String(slug)), _) if slug.len() <= LONGEST_TERM => write_text(slug, out)?,
            (_, Some(Value::Object(identifier))) if to.identifiers.is_some() => {
                match (identifier.get("scheme"), identifier.get("value")) {
                    (Some(Value::String(scheme)), Some(Value::String(value))) => {
                        write_text(&format!("{scheme}\n{value}"), out)?;
                    }
                    _ => return Err(takes()),
                }
            }
            _ => return Err(takes()),
        },
        _ => return Err(takes()),
    }
    Ok(())
}

fn write_text(text: &str, out: &mut Vec<u8>) -> Result<(), String> {
    if text.contains('\0') {
        return Err("A text can't contain the NUL character.".to_owned());
    }
    escape(text, out);
    Ok(())
}

/// A text as COPY takes it.
fn escape(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            _ => out.push(byte),
        }
    }
}

/// The beginning of a text, for a message.
pub fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        let _ = short.write_char('…');
    }
    short
}
