//! Elements of a JSON document, one at a time: those of a list, or of the lists of an object.

use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
};

use serde_json::{Map, Value};
use struson::reader::{JsonReader, JsonStreamReader, ReaderError, ReaderSettings, ValueType};

use crate::bulk::import::{readers::ReadError, source_file::MAX_LINE_BYTES};

/// Limits the bytes between two elements, and with them the memory that an element takes.
pub struct LimitedReader<R> {
    reader: R,
    left: Rc<Cell<usize>>,
    what: &'static str,
}

impl<R> LimitedReader<R> {
    /// A reader, and the bytes that are left of its limit.
    pub fn new(reader: R, what: &'static str) -> (Self, Rc<Cell<usize>>) {
        let left = Rc::new(Cell::new(MAX_LINE_BYTES));
        (LimitedReader { reader, left: left.clone(), what }, left)
    }
}

impl<R: Read> Read for LimitedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            let message = format!("{} is longer than {} MiB", self.what, MAX_LINE_BYTES >> 20);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let read = self.reader.read(buffer)?;
        self.left.set(self.left.get().saturating_sub(read));
        Ok(read)
    }
}

/// Calls `each` with the name of the list (empty in a document that is a list) and each of its elements; a field that
/// is not a list is one element.
pub fn elements(
    input: impl Read,
    mut each: impl FnMut(&str, Value) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let (input, left) = LimitedReader::new(input, "an element of the document");
    let mut json = JsonStreamReader::new_custom(input, settings());
    let mut next = |json: &mut JsonStreamReader<_>, name: &str| {
        left.set(MAX_LINE_BYTES);
        each(name, value(json)?)
    };
    match json.peek()? {
        ValueType::Array => {
            json.begin_array()?;
            while json.has_next()? {
                next(&mut json, "")?;
            }
            json.end_array()?;
        }
        ValueType::Object => {
            json.begin_object()?;
            while json.has_next()? {
                let name = json.next_name_owned()?;
                if json.peek()? == ValueType::Array {
                    json.begin_array()?;
                    while json.has_next()? {
                        next(&mut json, &name)?;
                    }
                    json.end_array()?;
                } else {
                    next(&mut json, &name)?;
                }
            }
            json.end_object()?;
        }
        _ => return Err(ReadError::Invalid("the document is neither a JSON object nor a list".to_owned())),
    }
    Ok(json.consume_trailing_whitespace()?)
}

/// What a document has.
pub enum Element {
    /// An element of the list that it is, or of its field with the elements.
    Member(Value),
    /// An object's other fields.
    Rest(Map<String, Value>),
}

type EachElement<'a> = dyn FnMut(Element) -> Result<(), ReadError> + 'a;

/// Calls `each` with what is in one or several documents, one after the other: lists, and objects that have their
/// elements in a field, a list or an object.
pub fn documents(
    input: impl Read,
    field: &str,
    mut each: impl FnMut(Element) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let (input, left) = LimitedReader::new(input, "an element of the document");
    let settings = ReaderSettings { allow_multiple_top_level: true, ..settings() };
    let mut json = JsonStreamReader::new_custom(input, settings);
    let members = |json: &mut JsonStreamReader<_>, each: &mut EachElement<'_>| -> Result<(), ReadError> {
        let is_list = json.peek()? == ValueType::Array;
        let begun = if is_list { json.begin_array() } else { json.begin_object() };
        begun?;
        while json.has_next()? {
            left.set(MAX_LINE_BYTES);
            if !is_list {
                json.next_name_owned()?;
            }
            each(Element::Member(value(json)?))?;
        }
        left.set(MAX_LINE_BYTES);
        let ended = if is_list { json.end_array() } else { json.end_object() };
        Ok(ended?)
    };
    let mut is_first = true;
    while std::mem::take(&mut is_first) || json.has_next()? {
        match json.peek()? {
            ValueType::Array => members(&mut json, &mut each)?,
            ValueType::Object => {
                json.begin_object()?;
                let mut rest = Map::new();
                while json.has_next()? {
                    let name = json.next_name_owned()?;
                    let has_members = matches!(json.peek()?, ValueType::Array | ValueType::Object);
                    if name == field && has_members {
                        members(&mut json, &mut each)?;
                    } else {
                        rest.insert(name, value(&mut json)?);
                    }
                }
                json.end_object()?;
                each(Element::Rest(rest))?;
                left.set(MAX_LINE_BYTES);
            }
            _ => {
                return Err(ReadError::Invalid(
                    "the document is neither a JSON object nor a list".to_owned(),
                ));
            }
        }
    }
    Ok(json.consume_trailing_whitespace()?)
}

/// The value of a text that is JSON.
pub fn parse(text: &str) -> Result<Value, ReaderError> {
    let mut json = JsonStreamReader::new_custom(text.as_bytes(), settings());
    let value = value(&mut json)?;
    json.consume_trailing_whitespace()?;
    Ok(value)
}

/// The next value. A number that a double can't hold becomes a text, so that it costs its field and nothing else.
fn value<R: Read>(json: &mut JsonStreamReader<R>) -> Result<Value, ReaderError> {
    Ok(match json.peek()? {
        ValueType::Array => {
            json.begin_array()?;
            let mut items = Vec::new();
            while json.has_next()? {
                items.push(value(json)?);
            }
            json.end_array()?;
            items.into()
        }
        ValueType::Object => {
            json.begin_object()?;
            let mut fields = Map::new();
            while json.has_next()? {
                let name = json.next_name_owned()?;
                fields.insert(name, value(json)?);
            }
            json.end_object()?;
            fields.into()
        }
        ValueType::String => json.next_string()?.into(),
        ValueType::Number => {
            let text = json.next_number_as_str()?;
            serde_json::from_str(text).unwrap_or_else(|_| text.into())
        }
        ValueType::Boolean => json.next_bool()?.into(),
        ValueType::Null => {
            json.next_null()?;
            Value::Null
        }
    })
}

/// Numbers of any size are read.
fn settings() -> ReaderSettings {
    ReaderSettings {
        max_nesting_depth: Some(128),
        restrict_number_values: false,
        ..ReaderSettings::default()
    }
}

impl From<ReaderError> for ReadError {
    fn from(error: ReaderError) -> Self {
        ReadError::Invalid(format!("invalid JSON: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_one_at_a_time_and_none_is_larger_than_the_limit() {
        let mut read = Vec::new();
        let document = r#"{"persons": [{"id": "1"}, 2], "meta": {"a": []}, "none": 1e300}"#;
        elements(document.as_bytes(), |name, value| {
            read.push(format!("{name} {value}"));
            Ok(())
        })
        .unwrap();
        assert_eq!(read, [r#"persons {"id":"1"}"#, "persons 2", r#"meta {"a":[]}"#, "none 1e+300"]);

        let long = format!(r#"[1, "{}"]"#, "x".repeat(MAX_LINE_BYTES + (1 << 17)));
        let mut read = 0;
        let reason = elements(long.as_bytes(), |_, _| {
            read += 1;
            Ok(())
        });
        let Err(ReadError::Invalid(reason)) = reason else { panic!("read") };
        assert!(read == 1 && reason.contains("longer than 8 MiB"), "{reason}");
    }

    #[test]
    fn a_number_that_a_double_cannot_hold_is_a_text() {
        let digits = "9".repeat(400);
        let read = parse(&format!(r#"{{"a": [1e999, -2], "b": {digits}, "c": {{"d": [null, true, "x"]}}}}"#))
            .unwrap();
        let expected = serde_json::json!({"a": ["1e999", -2], "b": digits, "c": {"d": [null, true, "x"]}});
        assert_eq!(read, expected);
        assert!(parse("{} 1").is_err() && parse("[01]").is_err());
    }

    #[test]
    fn documents_may_be_several_and_have_their_elements_in_a_field() {
        let mut read = Vec::new();
        let text = "[1, 2]\n{\"a\": 3, \"in\": {\"x\": 4, \"y\": 5}}\n{\"in\": [6]} {\"in\": 7}\n";
        documents(text.as_bytes(), "in", |element| {
            read.push(match element {
                Element::Member(value) => value.to_string(),
                Element::Rest(rest) => Value::Object(rest).to_string(),
            });
            Ok(())
        })
        .unwrap();
        assert_eq!(read, ["1", "2", "4", "5", "{\"a\":3}", "6", "{}", "{\"in\":7}"]);
    }
}
