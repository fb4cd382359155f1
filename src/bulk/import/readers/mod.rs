//! Files read as records: JSON Lines and CSV here, other formats of the field in `mapping`.

pub mod mappings;

use std::{
    io::{self, Read},
    path::Path,
    str::FromStr,
};

use serde_json::{Map, Value};

use crate::{
    bulk::{
        import::{
            source_file::{Input, LONGEST, Line},
            staging::{Stage, Stopped, place},
        },
        records::{RecordKind, RecordKinds},
    },
    engine::mutation::writable_fields::{WritableField, WritableKind},
    model::object_type::Scalar,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Jsonl,
    Csv,
    Popolo,
    Legislators,
    Ftm,
    Parlamint,
}

impl Format {
    pub const ALL: [Format; 6] =
        [Format::Jsonl, Format::Csv, Format::Popolo, Format::Legislators, Format::Ftm, Format::Parlamint];

    pub fn name(self) -> &'static str {
        match self {
            Format::Jsonl => "jsonl",
            Format::Csv => "csv",
            Format::Popolo => "popolo",
            Format::Legislators => "legislators",
            Format::Ftm => "ftm",
            Format::Parlamint => "parlamint",
        }
    }

    /// The format that a file's name tells; JSON Lines where it tells none.
    pub fn of(path: &Path) -> Format {
        match stem_and_extension(path).1.as_str() {
            "csv" => Format::Csv,
            "json" => Format::Popolo,
            "yaml" | "yml" => Format::Legislators,
            "ftm" => Format::Ftm,
            "xml" => Format::Parlamint,
            _ => Format::Jsonl,
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Format::ALL.into_iter().find(|format| format.name() == name);
        known.ok_or_else(|| format!("expected one of {}", Format::ALL.map(Format::name).join(", ")))
    }
}

/// The name of a file without its extensions, and the last of these, those of compression aside.
pub fn stem_and_extension(path: &Path) -> (String, String) {
    let mut path = path.to_owned();
    if path.extension().is_some_and(|extension| extension == "gz" || extension == "zst") {
        path = path.with_extension("");
    }
    let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    (text(path.file_stem()), text(path.extension()).to_lowercase())
}

/// Why a file can't be read to its end.
#[derive(Debug)]
pub enum Broken {
    /// It is not what it should be.
    File(String),
    Stopped,
}

impl From<Stopped> for Broken {
    fn from(_: Stopped) -> Self {
        Broken::Stopped
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Broken::File(match error.kind() {
            io::ErrorKind::UnexpectedEof => "unexpected end of file; is the file complete?".to_owned(),
            _ => error.to_string(),
        })
    }
}

/// A file of the import: its number among them, and its name.
#[derive(Clone, Copy)]
pub struct File<'a> {
    pub number: usize,
    pub path: &'a Path,
    pub format: Format,
    /// The kind of record that a CSV holds, where its name doesn't tell it.
    pub kind: Option<&'a str>,
}

/// Reads a file to its end.
pub fn read(file: File<'_>, input: Input, kinds: &RecordKinds, stage: &mut Stage<'_>) -> Result<(), Broken> {
    match file.format {
        Format::Jsonl => lines(file, input, stage, |object, stage, line| stage.record(line, &object)),
        Format::Csv => csv(file, input, kinds, stage),
        Format::Popolo => mappings::popolo::read(file, input, stage),
        Format::Legislators => mappings::legislators::read(file, input, stage),
        Format::Ftm => mappings::ftm::read(file, input, stage),
        Format::Parlamint => mappings::parlamint::read(file, input, stage),
    }
}

/// Reads one JSON object from each line.
pub fn lines(
    file: File<'_>,
    mut input: Input,
    stage: &mut Stage<'_>,
    mut take: impl FnMut(Map<String, Value>, &mut Stage<'_>, i64) -> Result<(), Stopped>,
) -> Result<(), Broken> {
    let (mut line, mut number) = (Vec::new(), 0);
    loop {
        number += 1;
        let at = place(file.number, number);
        match input.line(&mut line)? {
            Line::End => return Ok(()),
            Line::TooLong => {
                stage.unreadable(at, format!("The line is longer than {} MiB.", LONGEST >> 20))?;
                continue;
            }
            Line::Whole => {}
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        match object(&line) {
            Ok(object) => take(object, stage, at)?,
            Err(reason) => stage.unreadable(at, reason)?,
        }
    }
}

fn object(line: &[u8]) -> Result<Map<String, Value>, String> {
    let text = std::str::from_utf8(line)
        .map_err(|error| format!("Invalid UTF-8 at byte {}.", error.valid_up_to() + 1))?;
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("The line isn't a JSON object.".to_owned()),
        Err(error) => {
            let told = error.to_string();
            let reason = told.split(" at line ").next().unwrap_or_default();
            Err(format!("Invalid JSON: {reason} at column {}.", error.column()))
        }
    }
}

/// How many bytes may still be read before the next row ends.
struct Bounded<R> {
    reader: R,
    left: std::rc::Rc<std::cell::Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            let told = format!("a row is longer than {} MiB; is a quote not closed?", LONGEST >> 20);
            return Err(io::Error::new(io::ErrorKind::InvalidData, told));
        }
        let read = self.reader.read(buffer)?;
        self.left.set(self.left.get().saturating_sub(read));
        Ok(read)
    }
}

/// Reads the records of one kind: a column for each field, named in the first row. A cell that is empty is
/// null; columns that are left out say nothing.
fn csv(file: File<'_>, input: Input, kinds: &RecordKinds, stage: &mut Stage<'_>) -> Result<(), Broken> {
    let stem = stem_and_extension(file.path).0;
    let name = file.kind.unwrap_or(&stem);
    let (_, kind) = kinds.named(name).ok_or_else(|| {
        let many = kinds.0.iter().map(|kind| kind.many).collect::<Vec<_>>().join(", ");
        Broken::File(format!(
            "unknown record type `{name}`; name the file after one of {many}, or set --type"
        ))
    })?;
    let left = std::rc::Rc::new(std::cell::Cell::new(LONGEST));
    let bounded = Bounded { reader: input, left: left.clone() };
    // Lines end in `\n` for the reader, or it counts those that end in `\r\n` wrongly.
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).terminator(csv::Terminator::Any(b'\n')).from_reader(bounded);
    let failed = |error: csv::Error| {
        let reason = error.to_string();
        match error.into_kind() {
            csv::ErrorKind::Io(error) => Broken::from(error),
            _ => Broken::File(format!("the file isn't CSV: {reason}")),
        }
    };
    let mut headers = reader.byte_headers().map_err(failed)?.clone();
    let returns = headers.iter().next_back().is_some_and(|last| last.ends_with(b"\r"));
    if returns {
        headers = without_return(&headers);
    }
    let mut fields: Vec<(String, &WritableField)> = Vec::new();
    for header in &headers {
        let name = String::from_utf8_lossy(header).trim().to_owned();
        let (_, writable_field) = kind.writable_field(&name).ok_or_else(|| {
            let known = kind
                .writable_fields
                .iter()
                .map(|writable_field| writable_field.name)
                .collect::<Vec<_>>()
                .join(", ");
            Broken::File(format!("unknown column `{name}`; {} has {known}", kind.name))
        })?;
        if fields.iter().any(|(known, _)| *known == name) {
            return Err(Broken::File(format!("the column `{name}` appears twice")));
        }
        fields.push((name, writable_field));
    }
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(failed)? {
        left.set(LONGEST);
        let at = place(file.number, record.position().map_or(0, csv::Position::line));
        if returns {
            record = without_return(&record);
        }
        if record.len() == 1 && record[0].is_empty() {
            continue;
        }
        match row(kind, &fields, &record) {
            Ok(object) => stage.record(at, &object)?,
            Err(wrong) => stage.reject(at, kind.name, wrong)?,
        }
    }
    Ok(())
}

/// A row without the `\r` that ends its last cell.
fn without_return(row: &csv::ByteRecord) -> csv::ByteRecord {
    let last = row.len().saturating_sub(1);
    let cells = row.iter().enumerate();
    cells
        .map(|(place, cell)| if place == last { cell.strip_suffix(b"\r").unwrap_or(cell) } else { cell })
        .collect()
}

fn row(
    kind: &RecordKind,
    fields: &[(String, &WritableField)],
    record: &csv::ByteRecord,
) -> Result<Map<String, Value>, Vec<(String, String)>> {
    if record.len() != fields.len() {
        let told = format!("The row has {} cells; the header has {}.", record.len(), fields.len());
        return Err(vec![(String::new(), told)]);
    }
    let mut object = Map::from_iter([("type".to_owned(), kind.name.into())]);
    let mut wrong = Vec::new();
    for ((name, writable_field), cell) in fields.iter().zip(record) {
        match std::str::from_utf8(cell)
            .map_err(|_| "Invalid UTF-8.".to_owned())
            .and_then(|cell| value(writable_field, cell))
        {
            Ok(value) => {
                object.insert(name.clone(), value);
            }
            Err(told) => wrong.push((name.clone(), told)),
        }
    }
    if wrong.is_empty() { Ok(object) } else { Err(wrong) }
}

fn value(writable_field: &WritableField, cell: &str) -> Result<Value, String> {
    let list = matches!(writable_field.kind, WritableKind::Rows(_));
    Ok(match &writable_field.kind {
        _ if cell.is_empty() => {
            if list {
                Value::Array(Vec::new())
            } else {
                Value::Null
            }
        }
        WritableKind::Value { scalar: Scalar::Int, .. } => {
            cell.trim().parse::<i64>().map_or(cell.into(), Value::from)
        }
        WritableKind::Rows(rows) if rows.is_reference() => cell.split_whitespace().map(Value::from).collect(),
        WritableKind::Rows(_) => {
            serde_json::from_str(cell).map_err(|_| "Expected a JSON list.".to_owned())?
        }
        _ => cell.into(),
    })
}
