//! CSV: a file per record type, with a column per field.

use serde_json::Value;

use crate::bulk::{
    export::{Record, formats::Writer},
    records::{RecordKind, RecordKinds},
};

/// A list of references is slugs separated by spaces; other lists are JSON.
pub struct Csv {
    kind: &'static str,
}

impl Csv {
    pub fn of(kind: &'static str) -> Self {
        Csv { kind }
    }
}

impl Writer for Csv {
    fn accepts(&self, kind: &RecordKind) -> bool {
        kind.name == self.kind
    }

    fn begin(&mut self, kinds: &RecordKinds, out: &mut Vec<u8>) {
        row(
            out,
            kinds
                .known(self.kind)
                .writable_fields
                .iter()
                .map(|writable_field| writable_field.name.to_owned()),
        );
    }

    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        row(out, record.fields.values().map(cell));
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

fn row(out: &mut Vec<u8>, cells: impl Iterator<Item = String>) {
    let mut writer = csv::Writer::from_writer(out);
    // Writing to memory doesn't fail.
    let _ = writer.write_record(cells);
    let _ = writer.flush();
}
