//! Stages records: checks the form of their values, and writes them as rows of the staging tables, in batches.

pub mod batches;

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    bulk::{
        import::{
            staging::batches::{Batch, Digest},
            tally::Tally,
        },
        records::{RecordKind, RecordKinds, joined},
    },
    domain::texts::cut::{self, Passage},
    engine::mutation::{
        rules::{self, ENTRY_REQUIRED, MAX_INDEXED_BYTES, REQUIRED, Rules},
        writable_fields::{RowColumn, RowKind, Rows, WritableKind},
    },
    model::{decimal::is_decimal, languages, naming, object_type::Scalar},
};

/// Size of a batch: large enough that commits are cheap, small enough to hold two in memory.
const BATCH_BYTES: usize = 2 << 20;
/// Maximum size of a text in full-text search: Postgres limits a `tsvector` to 1 MB.
pub const MAX_PROSE_BYTES: usize = 200_000;

/// Position of a record: file number, line number, and number of the record within the line, since other formats
/// make several records of one line.
pub type Position = i64;

const BITS_OF_RECORD: u32 = 16;
const BITS_OF_LINE: u32 = 37;
/// Number of files that fit into the remaining bits.
pub const MAX_FILES: usize = 1 << 10;

pub fn position(file: usize, line: u64) -> Position {
    i64::try_from((file as u64) << (BITS_OF_LINE + BITS_OF_RECORD) | line << BITS_OF_RECORD)
        .unwrap_or(i64::MAX)
}

pub fn file_and_line(place: Position) -> (usize, i64) {
    let file = usize::try_from(place >> (BITS_OF_LINE + BITS_OF_RECORD)).unwrap_or(0);
    (file, (place >> BITS_OF_RECORD) & ((1 << BITS_OF_LINE) - 1))
}

/// SQL for the file number, from 1, and the line number of a position.
pub fn file_and_line_sql(place: &str) -> (String, String) {
    let file = format!("({place} >> {}) + 1", BITS_OF_LINE + BITS_OF_RECORD);
    (file, format!("({place} >> {BITS_OF_RECORD}) & {}", (1_i64 << BITS_OF_LINE) - 1))
}

/// Bits of `given_fields`: of a record that a dataset only refers to, and of one that is left out where what it refers
/// to is not there.
pub const FALLBACK: i64 = 1 << 62;
pub const OPTIONAL: i64 = 1 << 61;

/// Prefix of the tables whose rows are validated.
pub const READY_PREFIX: &str = "ready_";

/// A staging table: of a type's records, or of one of their lists.
pub struct Table {
    pub kind: usize,
    pub writable_field: Option<usize>,
    pub name: String,
    create: String,
}

/// The staging tables; the last ones are that of the passages of texts and that of the rejected records.
pub struct Tables {
    pub all: Vec<Table>,
    /// Prefix of their names: their schema.
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
            let create = format!(
                "{name} (line bigint, given_fields bigint, by_dataset boolean{})",
                joined(columns, "")
            );
            tables.push(Table { kind: number, writable_field: None, name, create });
            for (place, writable_field) in kind.writable_fields.iter().enumerate() {
                let WritableKind::Rows(rows) = &writable_field.kind else { continue };
                let columns = rows.columns.iter().map(|column| match column.kind {
                    RowKind::Value(_) | RowKind::Content => {
                        format!(", {} {}", column.column, type_of(rows.table, column.column))
                    }
                    RowKind::Reference(_) => format!(", {} text", column.column),
                });
                let name = list_name(&staged, kind, writable_field.name);
                let create = format!("{name} (line bigint, list_index integer{})", joined(columns, ""));
                tables.push(Table { kind: number, writable_field: Some(place), name, create });
            }
        }
        let name = format!("{staged}texts");
        let create = format!(
            "{name} (line bigint, sha256 text, number integer, starts integer, ends integer, at_line integer, page integer,
             section text, seconds integer, text text)"
        );
        tables.push(Table { kind: 0, writable_field: None, name, create });
        let name = format!("{staged}rejected");
        let create = format!("{name} (line bigint, kind text, field text, reason text)");
        tables.push(Table { kind: 0, writable_field: None, name, create });
        Tables { all: tables, staged }
    }

    /// SQL that creates the tables. Autovacuum is off because they are short-lived.
    pub fn create(&self) -> String {
        let create = |table: &Table| {
            format!("create unlogged table {} with (autovacuum_enabled = false)", table.create)
        };
        joined(self.all.iter().map(create), "; ")
    }
}

pub fn list_name(stem: &str, kind: &RecordKind, writable_field: &str) -> String {
    format!("{stem}{}_{}", kind.table, naming::snake_case(writable_field))
}

/// Turns records into rows, and sends them in batches. The same records always make the same batches.
pub struct Stager<'a> {
    kinds: Arc<RecordKinds>,
    /// Per type, the table of its records, and by index of the field the tables of its lists.
    tables_of_kind: Vec<(usize, HashMap<usize, usize>)>,
    /// Rows of the current batch, per table.
    rows: Vec<Vec<u8>>,
    /// Digest of the previous batch.
    digest: Digest,
    send: &'a mut dyn FnMut(Batch) -> Result<(), ReceiverClosed>,
    /// Position of the last record.
    last: Position,
    /// Number of records so far.
    pub records: u64,
}

/// The receiver of the batches has stopped.
#[derive(Debug)]
pub struct ReceiverClosed;

/// A field and what is wrong with it.
type FieldError = (String, String);

impl<'a> Stager<'a> {
    pub fn new(
        kinds: &Arc<RecordKinds>,
        tables: &Tables,
        send: &'a mut dyn FnMut(Batch) -> Result<(), ReceiverClosed>,
    ) -> Self {
        let mut tables_of_kind: Vec<(usize, HashMap<usize, usize>)> = Vec::new();
        for (number, table) in tables.all.iter().enumerate().take(tables.all.len() - 2) {
            match table.writable_field {
                None => tables_of_kind.push((number, HashMap::new())),
                Some(writable_field) => {
                    tables_of_kind[table.kind].1.insert(writable_field, number);
                }
            }
        }
        let (rows, digest) = (vec![Vec::new(); tables.all.len()], batches::initial_digest(tables));
        Stager { kinds: kinds.clone(), tables_of_kind, rows, digest, send, last: -1, records: 0 }
    }

    /// The position of the next record of a line. Positions are unique and ascending.
    fn next_position(&mut self, line: Position) -> Result<Position, ReceiverClosed> {
        if self.rows.iter().map(Vec::len).sum::<usize>() >= BATCH_BYTES {
            self.flush()?;
        }
        self.records += 1;
        self.last = if file_and_line(self.last) == file_and_line(line) { self.last + 1 } else { line };
        Ok(self.last)
    }

    fn flush(&mut self) -> Result<(), ReceiverClosed> {
        let rows: Vec<_> = self.rows.iter_mut().map(std::mem::take).collect();
        self.digest = batches::next_digest(self.digest, &rows);
        (self.send)(Batch { rows, last: self.last, records: self.records, digest: self.digest })
    }

    /// Stages a record: its fields and its `type`.
    pub fn record(&mut self, line: Position, fields: &Map<String, Value>) -> Result<(), ReceiverClosed> {
        let line = self.next_position(line)?;
        let kinds = self.kinds.clone();
        let named = fields.get("type").and_then(Value::as_str);
        let Some((number, kind)) = named.and_then(|name| kinds.named(name)) else {
            let message = match named {
                Some(name) => format!("Unknown record type `{name}`; expected one of {}.", kinds.names()),
                None => format!("The record type is missing; expected one of {}.", kinds.names()),
            };
            self.write_rejection(line, "", vec![("type".to_owned(), message)]);
            return Ok(());
        };
        match rows_of(&kinds, kind, line, fields, Giver::Record) {
            Ok(rows) => self.write(number, rows),
            Err(errors) => self.write_rejection(line, kind.name, errors),
        }
        Ok(())
    }

    /// Whether there is a record type of this name.
    pub fn has(&self, kind: &str) -> bool {
        self.kinds.named(kind).is_some()
    }

    /// Stages a record that a dataset gives. A value that is not valid costs only this value, and is counted.
    pub fn dataset_record(
        &mut self,
        line: Position,
        mut fields: Map<String, Value>,
        giver: Giver,
        tally: &mut Tally,
    ) -> Result<(), ReceiverClosed> {
        let line = self.next_position(line)?;
        let kinds = self.kinds.clone();
        let named = fields.get("type").and_then(Value::as_str);
        let (number, kind) = named.and_then(|name| kinds.named(name)).expect("a type that a mapping names");
        loop {
            let errors = match rows_of(&kinds, kind, line, &fields, giver) {
                Ok(rows) => {
                    self.write(number, rows);
                    return Ok(());
                }
                Err(errors) => errors,
            };
            let mut mended = false;
            // From the last entry of a list to the first, so that their numbers stay true.
            for (field, reason) in errors.iter().rev() {
                if drop_value(kind, &mut fields, field) {
                    let field = field.split('.').filter(|part| part.parse::<usize>().is_err());
                    let field = field.collect::<Vec<_>>().join(".");
                    tally.change(&format!("{}.{field}", kind.name), &format!("left out: {reason}"));
                    mended = true;
                } else if fit_text(kind, &mut fields, field) {
                    tally.change(&format!("{}.{field}", kind.name), &format!("shortened: {reason}"));
                    mended = true;
                }
            }
            if !mended {
                self.write_rejection(line, kind.name, errors);
                return Ok(());
            }
        }
    }

    fn write(&mut self, kind: usize, rows: StagedRows) {
        let (table, lists) = &self.tables_of_kind[kind];
        self.rows[*table].extend_from_slice(&rows.own);
        for (place, list) in rows.lists {
            self.rows[lists[&place]].extend_from_slice(&list);
        }
        let texts = self.rows.len() - 2;
        self.rows[texts].extend_from_slice(&rows.texts);
    }

    /// Rejects a record, with an error per field.
    pub fn reject(
        &mut self,
        line: Position,
        kind: &str,
        errors: Vec<FieldError>,
    ) -> Result<(), ReceiverClosed> {
        let line = self.next_position(line)?;
        self.write_rejection(line, kind, errors);
        Ok(())
    }

    fn write_rejection(&mut self, line: Position, kind: &str, errors: Vec<FieldError>) {
        let Some(rejected) = self.rows.last_mut() else { return };
        for (field, reason) in errors {
            rejected.extend_from_slice(format!("{line}\t").as_bytes());
            for (place, text) in [kind, &field, &reason].into_iter().enumerate() {
                if place > 0 {
                    rejected.push(b'\t');
                }
                // Field names come from the file and may contain NUL, which Postgres can't store.
                escape(&text.replace('\0', "\u{fffd}"), rejected);
            }
            rejected.push(b'\n');
        }
    }

    /// Rejects a line that isn't a record.
    pub fn reject_line(&mut self, line: Position, reason: impl Into<String>) -> Result<(), ReceiverClosed> {
        self.reject(line, "", vec![(String::new(), reason.into())])
    }

    /// Sends the last batch.
    pub fn finish(mut self) -> Result<(), ReceiverClosed> {
        if self.rows.iter().any(|rows| !rows.is_empty()) { self.flush() } else { Ok(()) }
    }
}

/// Who gives a record.
#[derive(Clone, Copy, PartialEq)]
pub enum Giver {
    /// A file in one of Dossier's own formats.
    Record,
    Dataset,
    /// A dataset that only refers to it.
    Fallback,
    /// A dataset; where what the record refers to is not there, it is left out.
    Optional,
}

impl Giver {
    fn flag(self) -> i64 {
        match self {
            Giver::Record | Giver::Dataset => 0,
            Giver::Fallback => FALLBACK,
            Giver::Optional => OPTIONAL,
        }
    }
}

/// A record's own row, and by index of the field the rows of its lists.
struct StagedRows {
    own: Vec<u8>,
    lists: Vec<(usize, Vec<u8>)>,
    /// Passages of its texts.
    texts: Vec<u8>,
}

/// The rows of a record, or its errors.
fn rows_of(
    kinds: &RecordKinds,
    kind: &RecordKind,
    line: Position,
    fields: &Map<String, Value>,
    giver: Giver,
) -> Result<StagedRows, Vec<FieldError>> {
    let mut errors: Vec<FieldError> = Vec::new();
    for name in fields.keys().filter(|name| *name != "type" && kind.writable_field(name).is_none()) {
        errors.push((name.clone(), format!("Unknown field; {} has {}.", kind.name, kind.field_names())));
    }
    let (mut row, mut given_fields) = (Vec::new(), giver.flag());
    let (mut lists, mut texts): (Vec<(usize, Vec<u8>)>, _) = (Vec::new(), Vec::new());
    for (place, writable_field) in kind.writable_fields.iter().enumerate() {
        let value = fields.get(writable_field.name);
        if let Some(value) = value {
            given_fields |= 1 << place;
            let missing = match value {
                Value::Null => Some(REQUIRED),
                Value::Array(items) if items.is_empty() => Some(ENTRY_REQUIRED),
                _ => None,
            };
            if let Some(message) = missing.filter(|_| writable_field.needed) {
                errors.push((writable_field.name.to_owned(), message.to_owned()));
                continue;
            }
        }
        let value = value.unwrap_or(&Value::Null);
        let written = match &writable_field.kind {
            WritableKind::Value { scalar, .. } => {
                row.push(b'\t');
                write_value(*scalar, value, &mut row)
                    .map_err(|message| vec![(writable_field.name.to_owned(), message)])
            }
            WritableKind::Reference { to, .. } => {
                row.push(b'\t');
                let to = kinds.known(to);
                write_key(to, value, &mut row)
                    .map_err(|message| vec![(writable_field.name.to_owned(), message)])
            }
            WritableKind::Rows(list) => write_list(kinds, list, line, writable_field.name, value, &mut texts)
                .map(|list| lists.push((place, list))),
        };
        errors.extend(written.err().into_iter().flatten());
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut own =
        format!("{line}\t{given_fields}\t{}", if giver == Giver::Record { 'f' } else { 't' }).into_bytes();
    own.extend_from_slice(&row);
    own.push(b'\n');
    Ok(StagedRows { own, lists, texts })
}

/// Drops a value that a record can do without: a field (`url`), or an entry of a list (`names.0`, `names.0.kind`).
/// Says whether there was one.
fn drop_value(kind: &RecordKind, fields: &mut Map<String, Value>, path: &str) -> bool {
    let mut parts = path.split('.');
    let (field, entry) = (parts.next().unwrap_or_default(), parts.next());
    let Some((_, writable_field)) = kind.writable_field(field) else { return fields.remove(field).is_some() };
    match (fields.get_mut(field), entry.and_then(|entry| entry.parse::<usize>().ok())) {
        (Some(Value::Array(entries)), Some(entry)) if entry < entries.len() => {
            // What is optional within the entry goes alone.
            let attribute = parts.next();
            let optional = attribute.filter(|name| match &writable_field.kind {
                WritableKind::Rows(rows) => rows.columns.iter().any(|of| of.name == *name && !of.needed),
                _ => false,
            });
            match (optional, &mut entries[entry]) {
                (Some(name), Value::Object(of)) if of.contains_key(name) => {
                    of.remove(name);
                }
                _ => {
                    entries.remove(entry);
                }
            }
            true
        }
        (Some(value), None) if !writable_field.needed && !value.is_null() => {
            *value = Value::Null;
            true
        }
        _ => false,
    }
}

/// Shortens a text that a record needs and that can't be stored as it is. Says whether that changed anything.
fn fit_text(kind: &RecordKind, fields: &mut Map<String, Value>, field: &str) -> bool {
    let Some((_, writable_field)) = kind.writable_field(field) else { return false };
    let WritableKind::Value { scalar, .. } = writable_field.kind else { return false };
    let Some(Value::String(text)) = fields.get_mut(field) else { return false };
    let before = text.len();
    text.retain(|letter| letter != '\0');
    let max = max_bytes(scalar);
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max - '…'.len_utf8()));
        text.push('…');
    }
    text.len() < before && !text.trim().is_empty()
}

fn max_bytes(scalar: Scalar) -> usize {
    if scalar == Scalar::Prose { MAX_PROSE_BYTES } else { MAX_INDEXED_BYTES }
}

/// The rows of a list, or its errors.
fn write_list(
    kinds: &RecordKinds,
    rows: &Rows,
    line: Position,
    name: &str,
    value: &Value,
    texts: &mut Vec<u8>,
) -> Result<Vec<u8>, Vec<FieldError>> {
    let mut out = Vec::new();
    let items = match value {
        Value::Null => return Ok(out),
        Value::Array(items) => items,
        _ => return Err(vec![(name.to_owned(), "Expected a list.".to_owned())]),
    };
    let mut errors = Vec::new();
    for (place, item) in items.iter().enumerate() {
        out.extend_from_slice(format!("{line}\t{place}").as_bytes());
        let path = format!("{name}.{place}");
        let fields = if rows.is_reference() { None } else { item.as_object() };
        if !rows.is_reference() {
            let known = |field: &&String| rows.columns.iter().all(|column| column.name != field.as_str());
            match fields {
                None => errors.push((path.clone(), "Expected an object.".to_owned())),
                Some(fields) => errors.extend(fields.keys().find(known).map(|field| {
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
            if let Err(message) = write_column(kinds, column, line, value, [&mut out, texts]) {
                errors.push((path, message));
            }
        }
        out.push(b'\n');
    }
    if errors.is_empty() { Ok(out) } else { Err(errors) }
}

fn write_column(
    kinds: &RecordKinds,
    column: &RowColumn,
    line: Position,
    value: &Value,
    [out, texts]: [&mut Vec<u8>; 2],
) -> Result<(), String> {
    if column.needed && value.is_null() {
        return Err("This field is required.".to_owned());
    }
    match column.kind {
        RowKind::Value(scalar) => write_value(scalar, value, out),
        RowKind::Reference(to) => write_key(kinds.known(to), value, out),
        RowKind::Content => {
            let Value::String(content) = value else { return Err("Expected a text.".to_owned()) };
            write_content(line, &cut::normalized(content)?, [out, texts]);
            Ok(())
        }
    }
}

/// Writes the SHA-256 of a text to its column, and the passages to a table of their own.
fn write_content(line: Position, content: &str, [out, texts]: [&mut Vec<u8>; 2]) {
    let sha256 = cut::digest(content);
    out.extend_from_slice(sha256.as_bytes());
    let number = |number: Option<usize>| number.map_or_else(|| "\\N".to_owned(), |number| number.to_string());
    for (index, passage) in cut::passages(content).into_iter().enumerate() {
        let Passage { starts, ends, line: at_line, page, section, seconds, text } = passage;
        let place =
            format!("{line}\t{sha256}\t{}\t{starts}\t{ends}\t{at_line}\t{}\t", index + 1, number(page));
        texts.extend_from_slice(place.as_bytes());
        match section {
            Some(section) => escape(&section, texts),
            None => texts.extend_from_slice(b"\\N"),
        }
        let seconds = number(seconds.map(|seconds| seconds as usize));
        texts.extend_from_slice(format!("\t{seconds}\t").as_bytes());
        escape(&text, texts);
        texts.push(b'\n');
    }
}

/// Checks the form of a value.
pub fn check_value(scalar: Scalar, value: &Value) -> Result<(), String> {
    write_value(scalar, value, &mut Vec::new())
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
        (Scalar::Float, Value::Number(number)) => out.extend_from_slice(number.to_string().as_bytes()),
        (Scalar::Float, _) => return Err("Expected a number.".to_owned()),
        (Scalar::Decimal, Value::String(text)) if is_decimal(text) => out.extend_from_slice(text.as_bytes()),
        (Scalar::Decimal, Value::Number(number)) if is_decimal(&number.to_string()) => {
            out.extend_from_slice(number.to_string().as_bytes());
        }
        (Scalar::Decimal, _) => return Err("Expected a decimal number such as \"1500000.50\".".to_owned()),
        (Scalar::Boolean, Value::Bool(value)) => out.push(if *value { b't' } else { b'f' }),
        (Scalar::Enumeration(of), Value::String(text)) => {
            if of.values.iter().all(|(name, _)| name != text) {
                let names = of.values.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
                return Err(format!("Unknown value `{}`; expected one of {names}.", truncated(text)));
            }
            out.extend_from_slice(text.as_bytes());
        }
        (Scalar::Language, Value::String(text)) => {
            let tag = languages::canonical(text).ok_or_else(|| languages::FORM.to_owned())?;
            out.extend_from_slice(tag.as_bytes());
        }
        (_, Value::String(text)) => {
            let max = max_bytes(scalar);
            if text.len() > max {
                return Err(rules::too_long(max));
            }
            write_text(text, out)?;
        }
        _ => return Err("Expected a text.".to_owned()),
    }
    Ok(())
}

/// Writes a reference: a slug; scheme and value of an identifier, with a newline between; or dataset and key of an
/// origin, each after a newline. Slugs have none.
fn write_key(to: &RecordKind, value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    let expected = || {
        let identifier = r#", {"identifier": {"scheme": …, "value": …}}"#;
        let identifier = if to.identifiers.is_some() { identifier } else { "" };
        format!(r#"Expected a slug{identifier} or {{"origin": {{"dataset": …, "key": …}}}}."#)
    };
    match value {
        Value::Null => out.extend_from_slice(b"\\N"),
        Value::String(slug) if slug.len() <= MAX_INDEXED_BYTES => write_text(slug, out)?,
        Value::Object(by) if by.len() == 1 => {
            let texts = |by: &Value, names: [&str; 2]| match names.map(|name| by.get(name)) {
                [Some(Value::String(one)), Some(Value::String(other))] => Some((one.clone(), other.clone())),
                _ => None,
            };
            let key = match (by.get("slug"), by.get("identifier"), by.get("origin")) {
                (Some(Value::String(slug)), ..) if slug.len() <= MAX_INDEXED_BYTES => Some(slug.clone()),
                (_, Some(identifier), _) if to.identifiers.is_some() => {
                    texts(identifier, ["scheme", "value"]).map(|(scheme, value)| format!("{scheme}\n{value}"))
                }
                (.., Some(origin)) => {
                    texts(origin, ["dataset", "key"]).map(|(dataset, key)| format!("\n{dataset}\n{key}"))
                }
                _ => None,
            };
            write_text(&key.ok_or_else(expected)?, out)?;
        }
        _ => return Err(expected()),
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

/// Escapes a text for COPY.
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

/// Shortens a text for a message.
pub fn truncated(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        let _ = short.write_char('…');
    }
    short
}
