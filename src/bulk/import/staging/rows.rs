//! The rows of a record in the staging tables.

use serde_json::{Map, Value};

use crate::{
    bulk::{
        import::staging::{
            FieldError, Giver, Position,
            values::{escape, max_bytes, write_key, write_value},
        },
        records::{RecordKind, RecordKinds},
    },
    domain::texts::cut::{self, Passage},
    engine::mutation::{
        rules::{ENTRY_REQUIRED, REQUIRED},
        writable_fields::{RowColumn, RowKind, Rows, WritableKind},
    },
};

/// A record's own row, and by index of the field the rows of its lists.
pub(super) struct StagedRows {
    pub(super) own: Vec<u8>,
    pub(super) lists: Vec<(usize, Vec<u8>)>,
    /// Passages of its texts.
    pub(super) texts: Vec<u8>,
}

/// The rows of a record, or its errors.
pub(super) fn rows_of(
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
pub(super) fn drop_value(kind: &RecordKind, fields: &mut Map<String, Value>, path: &str) -> bool {
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
pub(super) fn fit_text(kind: &RecordKind, fields: &mut Map<String, Value>, field: &str) -> bool {
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
            let derived = column.derived.filter(|_| value.is_null()).map(|derived| {
                derived(&|name| fields.and_then(|fields| fields.get(name)).cloned().unwrap_or_default())
                    .map_or(Value::Null, Value::String)
            });
            let value = derived.as_ref().unwrap_or(value);
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
    if (column.needed || column.derived.is_some()) && value.is_null() {
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
