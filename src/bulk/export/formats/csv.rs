//! CSV: a table for each kind of record, with a column for each field.

use serde_json::Value;

use crate::bulk::{
    export::{Record, formats::Writer},
    records::{RecordKind, RecordKinds},
};

/// One kind of record. A list of references is their slugs with spaces between them; any other list is
/// JSON.
pub struct Csv {
    kind: &'static str,
}

impl Csv {
    pub fn of(kind: &'static str) -> Self {
        Csv { kind }
    }
}

impl Writer for Csv {
    fn takes(&self, kind: &RecordKind) -> bool {
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
