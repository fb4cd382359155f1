//! Checks the form of values, and writes them for COPY.

use std::fmt::Write as _;

use serde_json::Value;

use crate::{
    bulk::records::RecordKind,
    engine::mutation::rules::{self, MAX_INDEXED_BYTES},
    model::{decimal::is_decimal, languages, object_type::Scalar},
};

/// Maximum size of a text in full-text search: Postgres limits a `tsvector` to 1 MB.
pub const MAX_PROSE_BYTES: usize = 200_000;

/// Checks the form of a value.
pub fn check_value(scalar: Scalar, value: &Value) -> Result<(), String> {
    write_value(scalar, value, &mut Vec::new())
}

pub(super) fn write_value(scalar: Scalar, value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
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
pub(super) fn write_key(to: &RecordKind, value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
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

pub(super) fn max_bytes(scalar: Scalar) -> usize {
    if scalar == Scalar::Prose { MAX_PROSE_BYTES } else { MAX_INDEXED_BYTES }
}

fn write_text(text: &str, out: &mut Vec<u8>) -> Result<(), String> {
    if text.contains('\0') {
        return Err("A text can't contain the NUL character.".to_owned());
    }
    escape(text, out);
    Ok(())
}

/// Escapes a text for COPY.
pub(super) fn escape(text: &str, out: &mut Vec<u8>) {
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
