//! Mappings of other formats to records.
//!
//! Each file also becomes a source, which its records cite. Slugs are made from the ids in the file, so a second
//! import matches the same records.

pub mod ftm;
pub mod legislators;
pub mod parlamint;
pub mod popolo;

use std::fmt::Write;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::bulk::import::{
    readers::{File, stem_and_extension},
    staging::{Position, ReceiverClosed, Stager, position},
};

/// Maximum number of relations of one line.
const MAX_RELATIONS: usize = 10_000;
/// Maximum length of a slug, with room for a digest.
const MAX_SLUG_BYTES: usize = 150;

/// Stages the records of a file.
struct Mapper<'a, 'b> {
    file: File<'a>,
    stager: &'a mut Stager<'b>,
    /// Prefix of the slugs of this format.
    prefix: String,
    source: String,
    /// Position that errors name.
    position: Position,
}

impl<'a, 'b> Mapper<'a, 'b> {
    /// Stages the source first.
    fn new(
        file: File<'a>,
        stager: &'a mut Stager<'b>,
        prefix: &str,
        source: Value,
    ) -> Result<Self, ReceiverClosed> {
        let mut mapper = Self::resume(file, stager, prefix);
        let slug = mapper.source.clone();
        mapper.record("Source", &slug, source)?;
        Ok(mapper)
    }

    /// For a file whose source is already staged.
    fn resume(file: File<'a>, stager: &'a mut Stager<'b>, prefix: &str) -> Self {
        let source = slug(&format!("{prefix}-{}", stem_and_extension(file.path).0.to_lowercase()));
        Mapper { file, stager, prefix: prefix.to_owned(), source, position: position(file.number, 1) }
    }

    /// Sets the line of the next records; in formats without lines, a running number.
    fn set_line(&mut self, line: u64) {
        self.position = position(self.file.number, line);
    }

    /// The slug for an id of the format.
    fn slug(&self, id: &str) -> String {
        slug(&format!("{}-{id}", self.prefix))
    }

    /// Stages a record. Null fields are left out, so that an existing record keeps its values.
    fn record(&mut self, kind: &str, slug: &str, fields: Value) -> Result<(), ReceiverClosed> {
        let mut record = Map::from_iter([("type".to_owned(), kind.into()), ("slug".to_owned(), slug.into())]);
        if let Value::Object(fields) = fields {
            record.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
        }
        self.stager.record(self.position, &record)
    }

    fn reject(&mut self, field: &str, reason: &str) -> Result<(), ReceiverClosed> {
        self.stager.reject(self.position, "", vec![(field.to_owned(), reason.to_owned())])
    }

    fn cite(&self, locator: &str) -> Value {
        json!([{"source": self.source, "locator": locator}])
    }

    /// Stages a relation. Its slug is a digest of its content.
    fn relation(&mut self, relation: Relation<'_>, locator: &str) -> Result<(), ReceiverClosed> {
        let Relation { subject, object, kind, label, from, until } = relation;
        let known = [subject, object, kind, label.unwrap_or(""), from.unwrap_or(""), until.unwrap_or("")];
        let slug = format!("{}-{}", self.prefix, digest(&known.join("\n"), 16));
        let fields = json!({
            "subject": subject, "object": object, "kind": kind, "label": label,
            "validFrom": from, "validUntil": until, "citations": self.cite(locator),
        });
        self.record("Relation", &slug, fields)
    }
}

#[derive(Clone, Copy)]
struct Relation<'a> {
    subject: &'a str,
    object: &'a str,
    kind: &'a str,
    label: Option<&'a str>,
    from: Option<&'a str>,
    until: Option<&'a str>,
}

/// A unique slug for a text: with a digest, where characters had to be replaced.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for letter in text.to_lowercase().chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(MAX_SLUG_BYTES);
    let trimmed = slug.trim_end_matches('-');
    if trimmed == text { trimmed.to_owned() } else { format!("{trimmed}-{}", digest(text, 8)) }
}

fn digest(text: &str, digits: usize) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(text).iter().take(digits / 2) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// The date of a timestamp.
fn day(date: Option<&str>) -> Option<&str> {
    date.map(|date| date.split(['T', ' ']).next().unwrap_or(date)).filter(|date| !date.is_empty())
}

/// The beginning of a text, up to the end of a sentence or word.
fn excerpt(text: &str) -> String {
    const LONG: usize = 200;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= LONG {
        return text;
    }
    let start: String = text.chars().take(LONG).collect();
    let cut = start.rfind(['.', '!', '?']).map(|end| end + 1).or_else(|| start.rfind(' '));
    format!("{} …", start[..cut.unwrap_or(start.len())].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_ids_have_different_slugs_and_plain_ones_are_kept() {
        assert_eq!(slug("ftm-q76"), "ftm-q76");
        let [upper, dotted, dashed, foreign] = ["ftm-Q76", "a.b", "a--b", "Қазақстан"].map(slug);
        assert!(upper.starts_with("ftm-q76-") && dotted.starts_with("a-b-") && dashed.starts_with("a-b-"));
        assert!(dotted != dashed && foreign.len() == 9, "{foreign}");
    }

    #[test]
    fn a_long_speech_is_told_by_its_first_sentences() {
        let speech = format!("First. {}. {}", "x".repeat(100), "y".repeat(100));
        assert_eq!(excerpt(&speech), format!("First. {}. …", "x".repeat(100)));
        assert_eq!(excerpt("Short\n words"), "Short words");
    }
}
