//! Other formats of the field as records of ours. Each is a small file that says what becomes of what.
//!
//! A file becomes a source too, which every record made of it cites. Slugs are made of the ids that the
//! format gives, so that a file imported again finds its own records.

pub mod ftm;
pub mod legislators;
pub mod parlamint;
pub mod popolo;

use std::fmt::Write;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::bulk::import::{
    readers::{File, stem_and_extension},
    staging::{Place, Stage, Stopped, place},
};

/// How many ties one line may tell.
const MOST_TIES: usize = 10_000;
/// How long a slug may be, with room for what tells it from others.
const LONGEST_SLUG: usize = 150;

/// Makes records of what a file holds.
struct Mapper<'a, 'b> {
    file: File<'a>,
    stage: &'a mut Stage<'b>,
    /// What the slugs of this format begin with.
    prefix: String,
    source: String,
    /// The place that records are told by.
    at: Place,
}

impl<'a, 'b> Mapper<'a, 'b> {
    /// Begins with the source that the file is.
    fn new(file: File<'a>, stage: &'a mut Stage<'b>, prefix: &str, source: Value) -> Result<Self, Stopped> {
        let mut mapper = Self::after_its_source(file, stage, prefix);
        let slug = mapper.source.clone();
        mapper.enter("Source", &slug, source)?;
        Ok(mapper)
    }

    /// Goes on where the source has been entered.
    fn after_its_source(file: File<'a>, stage: &'a mut Stage<'b>, prefix: &str) -> Self {
        let source = slug(&format!("{prefix}-{}", stem_and_extension(file.path).0.to_lowercase()));
        Mapper { file, stage, prefix: prefix.to_owned(), source, at: place(file.number, 1) }
    }

    /// What follows is told by this line or, in files without lines, by this number of a record.
    fn at(&mut self, line: u64) {
        self.at = place(self.file.number, line);
    }

    /// The slug of what the format knows by an id.
    fn slug(&self, id: &str) -> String {
        slug(&format!("{}-{id}", self.prefix))
    }

    /// Takes a record; what is null is left out, so that it stays as it is where it is known already.
    fn enter(&mut self, kind: &str, slug: &str, fields: Value) -> Result<(), Stopped> {
        let mut record = Map::from_iter([("type".to_owned(), kind.into()), ("slug".to_owned(), slug.into())]);
        if let Value::Object(fields) = fields {
            record.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
        }
        self.stage.record(self.at, &record)
    }

    fn reject(&mut self, field: &str, reason: &str) -> Result<(), Stopped> {
        self.stage.reject(self.at, "", vec![(field.to_owned(), reason.to_owned())])
    }

    /// The passage of the source that supports a record.
    fn cite(&self, locator: &str) -> Value {
        json!([{"source": self.source, "locator": locator}])
    }

    /// A tie between two actors, known by all that it says.
    fn relate(&mut self, tie: Tie<'_>, locator: &str) -> Result<(), Stopped> {
        let Tie { subject, object, kind, label, from, until } = tie;
        let known = [subject, object, kind, label.unwrap_or(""), from.unwrap_or(""), until.unwrap_or("")];
        let slug = format!("{}-{}", self.prefix, digest(&known.join("\n"), 16));
        let fields = json!({
            "subject": subject, "object": object, "kind": kind, "label": label,
            "validFrom": from, "validUntil": until, "citations": self.cite(locator),
        });
        self.enter("Relation", &slug, fields)
    }
}

#[derive(Clone, Copy)]
struct Tie<'a> {
    subject: &'a str,
    object: &'a str,
    kind: &'a str,
    label: Option<&'a str>,
    from: Option<&'a str>,
    until: Option<&'a str>,
}

/// A slug that stands for a text and for no other: with a digest, where letters of it can't be kept.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for letter in text.to_lowercase().chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(LONGEST_SLUG);
    let kept = slug.trim_end_matches('-');
    if kept == text { kept.to_owned() } else { format!("{kept}-{}", digest(text, 8)) }
}

/// The first digits of a text's digest.
fn digest(text: &str, digits: usize) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(text).iter().take(digits / 2) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// The day of a time, which formats write behind it.
fn day(date: Option<&str>) -> Option<&str> {
    date.map(|date| date.split(['T', ' ']).next().unwrap_or(date)).filter(|date| !date.is_empty())
}

/// The beginning of what was said, up to the end of a sentence or word.
fn beginning(text: &str) -> String {
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
        assert_eq!(beginning(&speech), format!("First. {}. …", "x".repeat(100)));
        assert_eq!(beginning("Short\n words"), "Short words");
    }
}
