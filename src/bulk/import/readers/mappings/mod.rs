//! Mappings of other formats to records.
//!
//! A record that a file gives is known by its dataset and the dataset's own key for it, never by a slug. Each dataset
//! also becomes a source, which its records cite.

mod countries;
mod dates;
pub mod ftm;
pub mod legislators;
pub mod mapped;
pub mod parlamint;
pub mod popolo;
mod spool;
pub mod wikidata;

use std::{
    fmt::Write,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::bulk::import::{
    readers::{File, ReadError, stem_and_extension},
    staging::{Giver, Position, ReceiverClosed, Stager, file_and_line, position},
    validation::{GLOBAL_SCHEMES, PERIOD_NUMBER},
};

/// Maximum number of relations of one line.
const MAX_RELATIONS: usize = 10_000;
/// Maximum number of records of one line.
const MAX_RECORDS: usize = 50_000;
/// Maximum length of a slug, with room for a digest.
const MAX_SLUG_BYTES: usize = 100;
/// Maximum length of a key.
const MAX_KEY_BYTES: usize = 500;
/// Maximum size of what a mapping holds in memory until the end of the file.
const MAX_HELD_BYTES: usize = 64 << 20;
/// The key of the dataset's own record, a source.
pub const SOURCE_KEY: &str = "dataset";

/// Stages the records that a file of a dataset gives.
pub struct Mapper<'a, 'b> {
    pub file: File<'a>,
    pub dataset: String,
    stager: &'a mut Stager<'b>,
    /// Position that errors name.
    position: Position,
    /// Records of the line so far.
    records: usize,
}

impl<'a, 'b> Mapper<'a, 'b> {
    /// Stages the source of the dataset first. `dataset`: what the document says of itself, if it does.
    fn new(
        file: File<'a>,
        stager: &'a mut Stager<'b>,
        dataset: Option<&str>,
        source: Value,
    ) -> Result<Self, ReadError> {
        let mut mapper = Self::resume(file, stager, dataset)?;
        let slug = mapper.source_slug();
        mapper.record("Source", SOURCE_KEY, &slug, source)?;
        Ok(mapper)
    }

    /// For a file whose source is already staged.
    fn resume(file: File<'a>, stager: &'a mut Stager<'b>, dataset: Option<&str>) -> Result<Self, ReadError> {
        let dataset = match file.dataset.or(dataset) {
            Some(dataset) => dataset.to_owned(),
            None if file.path == "-" => {
                return Err(ReadError::Invalid("standard input needs --dataset in this format".to_owned()));
            }
            None => default_dataset(file.path),
        };
        Ok(Mapper { file, dataset, stager, position: position(file.number, 1), records: 0 })
    }

    /// The slug of the dataset's own record.
    fn source_slug(&self) -> String {
        self.slug_of(&self.dataset, SOURCE_KEY)
    }

    /// Sets the line of the next records; in formats without lines, a running number.
    fn set_line(&mut self, line: u64) {
        self.position = position(self.file.number, line);
        self.records = 0;
    }

    /// For what comes after the last line.
    fn next_line(&mut self) {
        self.set_line(file_and_line(self.position).1.cast_unsigned() + 1);
    }

    /// A reference to the record with this key of the dataset.
    fn reference(&self, key: &str) -> Value {
        json!({"origin": {"dataset": self.dataset, "key": key}})
    }

    /// Stages a record: its key in the dataset, the slug that it gets if no other record has it, and its fields. A
    /// field that is null was not given by this edition; a field that is missing is not known to the format.
    fn record(&mut self, kind: &str, key: &str, slug: &str, fields: Value) -> Result<(), ReceiverClosed> {
        self.stage(kind, key, slug, fields, Giver::Dataset)
    }

    /// Stages an actor that the file only refers to. If it exists, or the file describes it, this adds nothing.
    fn fallback(&mut self, key: &str, name: &str, mut fields: Value) -> Result<(), ReceiverClosed> {
        fields["name"] = name.into();
        fields["citations"] = self.cite(key);
        self.stage("Actor", key, &self.slug_of(name, key), fields, Giver::Fallback)
    }

    /// Stages a relation between two actors. It is left out if one of them is not there.
    fn relation(
        &mut self,
        key: &str,
        locator: &str,
        [subject, object]: [&str; 2],
        mut fields: Value,
    ) -> Result<(), ReceiverClosed> {
        fields["subject"] = self.reference(subject);
        fields["object"] = self.reference(object);
        fields["citations"] = self.cite(locator);
        let key = bounded(key);
        self.stage("Relation", &key, &self.slug(&key), fields, Giver::Optional)
    }

    /// The same as `fallback` for a record of any type and dataset.
    fn fallback_record(
        &mut self,
        kind: &str,
        dataset: &str,
        key: &str,
        slug: &str,
        fields: Value,
    ) -> Result<(), ReceiverClosed> {
        self.stage_of(kind, [dataset, key], slug, fields, Giver::Fallback)
    }

    fn stage(
        &mut self,
        kind: &str,
        key: &str,
        slug: &str,
        fields: Value,
        giver: Giver,
    ) -> Result<(), ReceiverClosed> {
        let dataset = self.dataset.clone();
        self.stage_of(kind, [&dataset, key], slug, fields, giver)
    }

    fn stage_of(
        &mut self,
        kind: &str,
        [dataset, key]: [&str; 2],
        slug: &str,
        fields: Value,
        giver: Giver,
    ) -> Result<(), ReceiverClosed> {
        self.records += 1;
        if self.records > MAX_RECORDS {
            let reason = format!("left out, a line gives at most {MAX_RECORDS} records");
            self.file.tally.borrow_mut().change(kind, &reason);
            return Ok(());
        }
        let mut record = Map::from_iter([
            ("type".to_owned(), kind.into()),
            ("slug".to_owned(), slug.into()),
            ("origins".to_owned(), json!([{"dataset": dataset, "key": key}])),
        ]);
        if let Value::Object(fields) = fields {
            record.extend(fields);
        }
        let mut tally = self.file.tally.borrow_mut();
        self.stager.dataset_record(self.position, record, giver, &mut tally)
    }

    /// Whether there are records of this type.
    fn has(&self, kind: &str) -> bool {
        self.stager.has(kind)
    }

    fn reject(&mut self, field: &str, reason: &str) -> Result<(), ReceiverClosed> {
        self.stager.reject(self.position, "", vec![(field.to_owned(), reason.to_owned())])
    }

    /// A citation of the dataset.
    fn cite(&self, locator: &str) -> Value {
        json!([{"source": self.reference(SOURCE_KEY), "locator": locator}])
    }

    /// Stages an actor. Without a name it is named by its key.
    fn actor(&mut self, key: &str, name: Option<&str>, mut fields: Value) -> Result<(), ReceiverClosed> {
        let name = name.unwrap_or_else(|| {
            self.file.tally.borrow_mut().change("name", "missing, the key is used");
            key
        });
        let slug = self.slug_of(name, key);
        fields["name"] = name.into();
        if fields.get("citations").is_none() {
            fields["citations"] = self.cite(key);
        }
        self.record("Actor", key, &slug, fields)
    }

    /// An identifier. That of a register which is not unique everywhere gets the dataset before its scheme.
    fn identifier(&self, scheme: &str, value: &str) -> Value {
        let is_global = GLOBAL_SCHEMES.contains(&scheme);
        let scheme = if is_global { scheme.to_owned() } else { format!("{}:{scheme}", self.dataset) };
        json!({"scheme": scheme, "value": value})
    }

    /// A slug of the name, or of the key where the name can't be read.
    fn slug_of(&self, name: &str, key: &str) -> String {
        let readable = slug(name);
        if readable.is_empty() { self.slug(key) } else { readable }
    }

    /// A slug for a record without a name of its own.
    fn slug(&self, key: &str) -> String {
        let readable = slug(&format!("{}-{key}", self.dataset));
        if slug(key).is_empty() || readable.len() >= MAX_SLUG_BYTES {
            format!("{readable}-{}", digest(key, 6))
        } else {
            readable
        }
    }
}

/// The dataset of a file whose document doesn't name one: its whole name, and a digest of its folder, since files of one
/// name in two folders are different datasets.
fn default_dataset(path: &Path) -> String {
    let stem = stem_and_extension(path).0;
    let folder =
        path.canonicalize().ok().and_then(|path| path.parent().map(Path::to_owned)).unwrap_or_default();
    format!("{}-{}", slug(&stem), digest(&folder.to_string_lossy(), 6)).trim_start_matches('-').to_owned()
}

/// What a mapping holds in memory until the end of the file.
#[derive(Default)]
struct Held {
    bytes: usize,
}

impl Held {
    /// Whether there is room for another entry of this size.
    fn has_room(&mut self, bytes: usize) -> bool {
        const ENTRY_BYTES: usize = 200;
        self.bytes += bytes + ENTRY_BYTES;
        self.bytes <= MAX_HELD_BYTES
    }
}

/// A readable slug: the text in Latin letters. Empty where nothing can be read.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for letter in deunicode::deunicode(text).chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') && letter != '\'' {
            slug.push('-');
        }
    }
    slug.truncate(MAX_SLUG_BYTES);
    slug.trim_end_matches('-').to_owned()
}

/// The key of one of several relations that differ in their periods only, by its place among them. Those that the
/// dataset gave before keep their numbers: see `keep_period_numbers`.
fn numbered(content: &str, place: usize) -> String {
    let content = digest_if_longer(content, MAX_KEY_BYTES - PERIOD_NUMBER.len() - 21);
    if place == 0 { content } else { format!("{content}{PERIOD_NUMBER}{})", place + 1) }
}

/// A key that is not too long: itself, or its digest.
fn bounded(key: &str) -> String {
    digest_if_longer(key, MAX_KEY_BYTES)
}

fn digest_if_longer(key: &str, max: usize) -> String {
    if key.len() > max { digest(key, 32) } else { key.to_owned() }
}

fn digest(text: &str, digits: usize) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(text).iter().take(digits / 2) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// The address of a telephone number.
fn telephone(number: &str) -> String {
    let digits = number.chars().filter(|letter| letter.is_ascii_digit() || *letter == '+');
    format!("tel:{}", digits.collect::<String>())
}

fn hash(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
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
    fn slugs_are_readable_in_any_script() {
        let slugs = ["Aru Bekova", "Ару Бекова", "Órfhlaith O'Sample (MP)", "臺灣", "—"].map(slug);
        assert_eq!(slugs, ["aru-bekova", "aru-bekova", "orfhlaith-osample-mp", "tai-wan", ""]);
    }

    #[test]
    fn a_long_speech_is_summarized_by_its_first_sentences() {
        let speech = format!("First. {}. {}", "x".repeat(100), "y".repeat(100));
        assert_eq!(excerpt(&speech), format!("First. {}. …", "x".repeat(100)));
        assert_eq!(excerpt("Short\n words"), "Short words");
    }
}
