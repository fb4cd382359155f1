//! What became of the fields of a file: kept, ignored, or changed to fit.

use std::{cell::RefCell, collections::BTreeMap, path::PathBuf};

use serde_json::{Map, Value};

/// Maximum number of different fields that are counted by name; the rest is counted together.
const MAX_FIELDS: usize = 2_000;
const MAX_NAME_CHARS: usize = 120;

type Counts = BTreeMap<String, u64>;

/// Counts of values by field of the source: `persons.gender`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    pub kept: Counts,
    /// Values that the knowledge base has no place for.
    pub ignored: Counts,
    /// Values that were changed or left out because they are not valid, with the reason.
    pub changed: Counts,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileReport {
    pub path: PathBuf,
    /// The dataset that its records belong to; none for Dossier's own formats.
    pub dataset: Option<String>,
    pub tally: Tally,
}

impl Tally {
    pub fn keep(&mut self, field: &str) {
        add(&mut self.kept, field, 1);
    }

    pub fn ignore(&mut self, field: &str) {
        add(&mut self.ignored, field, 1);
    }

    pub fn change(&mut self, field: &str, reason: &str) {
        self.change_times(field, reason, 1);
    }

    pub fn change_times(&mut self, field: &str, reason: &str, times: u64) {
        add(&mut self.changed, &format!("{field}: {reason}"), times);
    }

    /// Counts each value within a value as ignored.
    pub fn ignore_all(&mut self, field: &str, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.ignore_all(field, item)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.ignore_all(&format!("{field}.{name}"), value);
                }
            }
            value if is_empty(value) => {}
            _ => self.ignore(field),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.ignored.is_empty() && self.changed.is_empty()
    }
}

fn add(counts: &mut Counts, field: &str, by: u64) {
    let name: String = field.chars().take(MAX_NAME_CHARS).collect();
    if let Some(count) = counts.get_mut(&name) {
        *count += by;
    } else {
        let name = if counts.len() < MAX_FIELDS { name } else { "(other fields)".to_owned() };
        *counts.entry(name).or_default() += by;
    }
}

/// Whether nothing is lost where a value is left out.
fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// An object of a source document. What a mapping takes of it is counted as kept, and the rest as ignored when the
/// mapping is done with it.
pub struct SourceObject<'a> {
    /// `persons`, `persons.other_names`.
    path: String,
    fields: Map<String, Value>,
    tally: &'a RefCell<Tally>,
}

impl<'a> SourceObject<'a> {
    pub fn new(path: &str, fields: Map<String, Value>, tally: &'a RefCell<Tally>) -> Self {
        SourceObject { path: path.to_owned(), fields, tally }
    }

    fn name(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    /// The value of a field, if it isn't null or empty.
    pub fn value(&mut self, field: &str) -> Option<Value> {
        let value = self.fields.remove(field).filter(|value| !is_empty(value))?;
        self.tally.borrow_mut().keep(&self.name(field));
        Some(value)
    }

    /// A text. A number is read as one; anything else is left out and counted as changed.
    pub fn text(&mut self, field: &str) -> Option<String> {
        match self.fields.remove(field)? {
            value if is_empty(&value) => None,
            Value::Array(values) => {
                let mut values = values.into_iter();
                let first = values.next();
                self.fields.extend(first.map(|first| (field.to_owned(), first)));
                let text = self.text(field);
                values.for_each(|value| self.tally.borrow_mut().ignore_all(&self.name(field), &value));
                text
            }
            value => self.as_text(field, value),
        }
    }

    /// The texts of a list, or of a single value.
    pub fn texts(&mut self, field: &str) -> Vec<String> {
        match self.fields.remove(field) {
            None => Vec::new(),
            Some(Value::Array(values)) => {
                values.into_iter().filter_map(|value| self.as_text(field, value)).collect()
            }
            Some(value) => self.as_text(field, value).into_iter().collect(),
        }
    }

    fn as_text(&self, field: &str, value: Value) -> Option<String> {
        let name = self.name(field);
        let mut tally = self.tally.borrow_mut();
        match value {
            value if is_empty(&value) => None,
            Value::String(text) => {
                tally.keep(&name);
                Some(text.trim().to_owned())
            }
            Value::Number(number) => {
                tally.keep(&name);
                Some(number.to_string())
            }
            Value::Bool(value) => {
                tally.keep(&name);
                Some(value.to_string())
            }
            _ => {
                tally.change(&name, "left out, expected a text");
                None
            }
        }
    }

    /// The objects of a list, or a single object.
    pub fn objects(&mut self, field: &str) -> Vec<SourceObject<'a>> {
        let values = match self.fields.remove(field) {
            None => Vec::new(),
            Some(Value::Array(values)) => values,
            Some(value) => vec![value],
        };
        let path = self.name(field);
        let object = |value| match value {
            Value::Object(fields) => Some(SourceObject::new(&path, fields, self.tally)),
            value if is_empty(&value) => None,
            _ => {
                self.tally.borrow_mut().change(&path, "left out, expected an object");
                None
            }
        };
        values.into_iter().filter_map(object).collect()
    }

    /// The object in a field. Anything else stays.
    pub fn object(&mut self, field: &str) -> Option<SourceObject<'a>> {
        self.fields.get(field)?.as_object()?;
        self.objects(field).pop()
    }

    /// The value of a field, which stays.
    pub fn peek(&self, field: &str) -> Option<&Value> {
        self.fields.get(field).filter(|value| !is_empty(value))
    }

    /// The value of a field of which the mapping says itself what became of it.
    pub fn uncounted(&mut self, field: &str) -> Option<Value> {
        self.fields.remove(field)
    }

    /// Counts a field as kept that says only what other fields say too.
    pub fn redundant(&mut self, field: &str) {
        self.value(field);
    }

    /// Records that a value was changed to fit, or left out.
    pub fn change(&self, field: &str, reason: &str) {
        self.tally.borrow_mut().change(&self.name(field), reason);
    }

    /// The texts of a field, which stay.
    pub fn peek_texts(&self, field: &str) -> Vec<String> {
        let text = |value: &Value| value.as_str().map(|text| text.trim().to_owned());
        let texts: Vec<String> = match self.fields.get(field) {
            Some(Value::Array(values)) => values.iter().filter_map(text).collect(),
            Some(value) => text(value).into_iter().collect(),
            None => Vec::new(),
        };
        texts.into_iter().filter(|text| !text.is_empty()).collect()
    }

    pub fn names(&self) -> Vec<String> {
        self.fields.keys().cloned().collect()
    }
}

impl Drop for SourceObject<'_> {
    fn drop(&mut self) {
        let mut tally = self.tally.borrow_mut();
        for (name, value) in &self.fields {
            let path = if self.path.is_empty() { name.clone() } else { format!("{}.{name}", self.path) };
            tally.ignore_all(&path, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_mapping_does_not_take_is_counted_as_ignored() {
        let tally = RefCell::default();
        let person = json!({
            "name": " Ada ", "gender": "female", "born": 1815, "note": "", "links": [{"url": "a"}, {"url": "b"}, 3],
            "other_names": [{"name": "A.", "note": "short"}], "image": {"url": "c"},
        });
        let Value::Object(fields) = person else { unreachable!() };
        let mut object = SourceObject::new("persons", fields, &tally);
        assert_eq!(object.text("name").as_deref(), Some("Ada"));
        assert_eq!(object.text("born").as_deref(), Some("1815"));
        assert_eq!(object.text("note"), None);
        let urls: Vec<_> = object.objects("links").iter_mut().map(|link| link.text("url").unwrap()).collect();
        assert_eq!(urls, ["a", "b"]);
        for mut other in object.objects("other_names") {
            assert_eq!(other.text("name").as_deref(), Some("A."));
        }
        drop(object);
        let Tally { kept, ignored, changed } = tally.into_inner();
        let counts = |counts: Counts| counts.into_iter().collect::<Vec<_>>();
        let of = |name: &str, count| (name.to_owned(), count);
        assert_eq!(
            counts(kept),
            [
                of("persons.born", 1),
                of("persons.links.url", 2),
                of("persons.name", 1),
                of("persons.other_names.name", 1)
            ]
        );
        assert_eq!(
            counts(ignored),
            [of("persons.gender", 1), of("persons.image.url", 1), of("persons.other_names.note", 1)]
        );
        assert_eq!(counts(changed), [of("persons.links: left out, expected an object", 1)]);
    }
}
