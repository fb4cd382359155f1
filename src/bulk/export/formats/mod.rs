//! How an export writes records.

pub mod csv;
pub mod gexf;
pub mod json_ld;

use std::str::FromStr;

use serde_json::Value;

use crate::bulk::{
    export::Record,
    records::{RecordKind, RecordKinds},
};

pub use crate::bulk::export::formats::csv::Csv;
pub use crate::bulk::export::formats::gexf::Gexf;
pub use crate::bulk::export::formats::json_ld::JsonLd;

/// Writes records one after the other, as they are read.
pub trait Writer: Send + Sync {
    /// Whether anything is written of this kind of record.
    fn takes(&self, _: &RecordKind) -> bool {
        true
    }
    fn begin(&mut self, _: &RecordKinds, _: &mut Vec<u8>) {}
    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>);
    fn end(&mut self, _: &mut Vec<u8>) {}
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Jsonl,
    Csv,
    Gexf,
    Jsonld,
}

impl Format {
    pub const ALL: [Format; 4] = [Format::Jsonl, Format::Csv, Format::Gexf, Format::Jsonld];

    pub fn name(self) -> &'static str {
        match self {
            Format::Jsonl => "jsonl",
            Format::Csv => "csv",
            Format::Gexf => "gexf",
            Format::Jsonld => "jsonld",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Format::Jsonl => "application/jsonl; charset=utf-8",
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Gexf => "application/gexf+xml; charset=utf-8",
            Format::Jsonld => "application/ld+json; charset=utf-8",
        }
    }

    /// What writes it; CSV holds records of one kind.
    pub fn writer(self, kind: &'static str) -> Box<dyn Writer> {
        match self {
            Format::Jsonl => Box::new(Jsonl),
            Format::Csv => Box::new(Csv::of(kind)),
            Format::Gexf => Box::new(Gexf::default()),
            Format::Jsonld => Box::new(JsonLd::default()),
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

/// One record a line: its type, then all of its fields, those that are null or empty too.
pub struct Jsonl;

impl Writer for Jsonl {
    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"type\":\"");
        out.extend_from_slice(record.kind.name.as_bytes());
        out.push(b'"');
        for (name, value) in &record.fields {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            // Writing to memory doesn't fail.
            let _ = serde_json::to_writer(&mut *out, value);
        }
        out.extend_from_slice(b"}\n");
    }
}

/// The text of a field; none where it is null.
fn text<'a>(record: &'a Record<'_>, field: &str) -> Option<&'a str> {
    record.fields.get(field).and_then(Value::as_str)
}
