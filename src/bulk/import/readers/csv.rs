//! CSV: a file per record type.

use serde_json::{Map, Value};

use crate::{
    bulk::{
        export::formats::without_guard,
        import::{
            readers::{File, ReadError, json::LimitedReader, stem_and_extension},
            source_file::{Input, MAX_LINE_BYTES},
            staging::{Stager, position},
        },
        records::{RecordKind, RecordKinds},
    },
    engine::mutation::writable_fields::{WritableField, WritableKind},
    model::object_type::Scalar,
};

/// Reads records of one type. The header names the fields. An empty cell is null; a field without a column stays
/// unchanged.
pub fn read(
    file: File<'_>,
    input: Input,
    kinds: &RecordKinds,
    stager: &mut Stager<'_>,
) -> Result<(), ReadError> {
    let stem = stem_and_extension(file.path).0;
    let name = file.kind.unwrap_or(&stem);
    let (_, kind) = kinds.named(name).ok_or_else(|| {
        let many = kinds.0.iter().map(|kind| kind.many).collect::<Vec<_>>().join(", ");
        ReadError::Invalid(format!(
            "unknown record type `{name}`; name the file after one of {many}, or set --type"
        ))
    })?;
    let (limited, left) = LimitedReader::new(input, "a row (is a quote not closed?)");
    // With the default terminator, the reader counts `\r\n` as two lines.
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).terminator(csv::Terminator::Any(b'\n')).from_reader(limited);
    let failed = |error: csv::Error| {
        let reason = error.to_string();
        match error.into_kind() {
            csv::ErrorKind::Io(error) => ReadError::from(error),
            _ => ReadError::Invalid(format!("the file isn't CSV: {reason}")),
        }
    };
    let mut headers = reader.byte_headers().map_err(failed)?.clone();
    let has_cr = headers.iter().next_back().is_some_and(|last| last.ends_with(b"\r"));
    if has_cr {
        headers = without_cr(&headers);
    }
    let mut fields: Vec<(String, &WritableField)> = Vec::new();
    for header in &headers {
        let name = String::from_utf8_lossy(header).trim().to_owned();
        let (_, writable_field) = kind.writable_field(&name).ok_or_else(|| {
            ReadError::Invalid(format!("unknown column `{name}`; {} has {}", kind.name, kind.field_names()))
        })?;
        if fields.iter().any(|(known, _)| *known == name) {
            return Err(ReadError::Invalid(format!("the column `{name}` appears twice")));
        }
        fields.push((name, writable_field));
    }
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(failed)? {
        left.set(MAX_LINE_BYTES);
        let position = position(file.number, record.position().map_or(0, csv::Position::line));
        if has_cr {
            record = without_cr(&record);
        }
        if record.len() == 1 && record[0].is_empty() {
            continue;
        }
        match row(kind, &fields, &record) {
            Ok(object) => stager.record(position, &object)?,
            Err(errors) => stager.reject(position, kind.name, errors)?,
        }
    }
    Ok(())
}

fn without_cr(row: &csv::ByteRecord) -> csv::ByteRecord {
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
        let message = format!("The row has {} cells; the header has {}.", record.len(), fields.len());
        return Err(vec![(String::new(), message)]);
    }
    let mut object = Map::from_iter([("type".to_owned(), kind.name.into())]);
    let mut errors = Vec::new();
    for ((name, writable_field), cell) in fields.iter().zip(record) {
        match std::str::from_utf8(cell)
            .map_err(|_| "Invalid UTF-8.".to_owned())
            .and_then(|cell| value(writable_field, cell))
        {
            Ok(value) => {
                object.insert(name.clone(), value);
            }
            Err(message) => errors.push((name.clone(), message)),
        }
    }
    if errors.is_empty() { Ok(object) } else { Err(errors) }
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
        WritableKind::Value { scalar: Scalar::Float, .. } => {
            let number = cell.trim().parse::<f64>().ok().filter(|number| number.is_finite());
            number.map_or_else(|| cell.into(), Value::from)
        }
        WritableKind::Rows(rows) if rows.is_reference() => cell.split_whitespace().map(Value::from).collect(),
        WritableKind::Rows(_) => {
            serde_json::from_str(cell).map_err(|_| "Expected a JSON list.".to_owned())?
        }
        _ => without_guard(cell).into(),
    })
}
