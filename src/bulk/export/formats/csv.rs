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
    fn has_texts(&self) -> bool {
        true
    }

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
        Value::String(text) => guarded(text),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

/// A text that a spreadsheet would take as a formula gets an apostrophe; the import removes it.
fn guarded(text: &str) -> String {
    if is_formula(text) { format!("'{text}") } else { text.to_owned() }
}

/// The text of a cell that may have an apostrophe as a guard.
pub fn without_guard(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|text| is_formula(text)).unwrap_or(cell)
}

/// Whether it is a formula, apart from apostrophes before it.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn row(out: &mut Vec<u8>, cells: impl Iterator<Item = String>) {
    let mut writer = csv::Writer::from_writer(out);
    // Writing to memory doesn't fail.
    let _ = writer.write_record(cells);
    let _ = writer.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_keeps_formulas_from_running_and_goes_at_the_import() {
        for text in ["=1+1", "-2", "@a", "+b", "\tc", "'=1", "''=1", "plain", "'quoted'", "", "'"] {
            let cell = guarded(text);
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
            assert_eq!(without_guard(&cell), text);
        }
    }
}
