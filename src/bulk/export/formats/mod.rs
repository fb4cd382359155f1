//! Export formats.

pub mod bibliography;
pub mod csv;
pub mod gexf;
pub mod json_ld;

use serde_json::Value;

use crate::bulk::{
    export::Record,
    records::{RecordKind, RecordKinds},
};

pub use crate::bulk::export::formats::bibliography::{Bibliography, Style};
pub use crate::bulk::export::formats::csv::{Csv, without_guard};
pub use crate::bulk::export::formats::gexf::Gexf;
pub use crate::bulk::export::formats::json_ld::JsonLd;

/// Writes a stream of records.
pub trait Writer: Send + Sync {
    /// Whether the format contains records of this type.
    fn accepts(&self, _: &RecordKind) -> bool {
        true
    }
    /// Whether the format contains texts of sources.
    fn has_texts(&self) -> bool {
        false
    }
    fn begin(&mut self, _: &RecordKinds, _: &mut Vec<u8>) {}
    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>);
    fn end(&mut self, _: &mut Vec<u8>) {}
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Jsonl,
    Csv,
    Gexf,
    Jsonld,
    /// Sources as CSL-JSON.
    #[value(name = "csl.json")]
    CslJson,
    /// Sources as BibTeX.
    #[value(name = "bib")]
    Bibtex,
    /// Sources as RIS.
    Ris,
}

impl Format {
    pub const ALL: [Format; 7] = [
        Format::Jsonl,
        Format::Csv,
        Format::Gexf,
        Format::Jsonld,
        Format::CslJson,
        Format::Bibtex,
        Format::Ris,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Format::Jsonl => "jsonl",
            Format::Csv => "csv",
            Format::Gexf => "gexf",
            Format::Jsonld => "jsonld",
            Format::CslJson => "csl.json",
            Format::Bibtex => "bib",
            Format::Ris => "ris",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Format::Jsonl => "application/jsonl; charset=utf-8",
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Gexf => "application/gexf+xml; charset=utf-8",
            Format::Jsonld => "application/ld+json; charset=utf-8",
            Format::CslJson => "application/vnd.citationstyles.csl+json; charset=utf-8",
            Format::Bibtex => "application/x-bibtex; charset=utf-8",
            Format::Ris => "application/x-research-info-systems; charset=utf-8",
        }
    }

    /// The writer of a format; CSV needs the record type, JSON-LD the address that ids begin with.
    pub fn writer(self, kind: &'static str, base_url: Option<&str>) -> Box<dyn Writer> {
        match self {
            Format::Jsonl => Box::new(Jsonl),
            Format::Csv => Box::new(Csv::of(kind)),
            Format::Gexf => Box::new(Gexf::default()),
            Format::Jsonld => Box::new(JsonLd::at(base_url)),
            Format::CslJson => Box::new(Bibliography::of(Style::CslJson)),
            Format::Bibtex => Box::new(Bibliography::of(Style::Bibtex)),
            Format::Ris => Box::new(Bibliography::of(Style::Ris)),
        }
    }
}

/// One record per line: its type, then all fields, including null and empty ones.
pub struct Jsonl;

impl Writer for Jsonl {
    fn has_texts(&self) -> bool {
        true
    }

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

/// The text of a field; `None` if it is null.
fn text<'a>(record: &'a Record<'_>, field: &str) -> Option<&'a str> {
    record.fields.get(field).and_then(Value::as_str)
}
