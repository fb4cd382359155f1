//! Stages records: checks the form of their values, and writes them as rows of the staging tables, in batches.

pub mod batches;
mod rows;
mod values;

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value};

pub use self::values::{MAX_PROSE_BYTES, check_value, truncated};
use self::{
    batches::{Batch, Digest},
    rows::{StagedRows, drop_value, fit_text, rows_of},
    values::escape,
};
use crate::{
    bulk::{
        import::tally::Tally,
        records::{RecordKind, RecordKinds, joined},
    },
    engine::mutation::{
        rules::Rules,
        writable_fields::{RowKind, WritableKind},
    },
    model::naming,
};

/// Size of a batch: large enough that commits are cheap, small enough to hold two in memory.
const BATCH_BYTES: usize = 2 << 20;

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
