//! Sources as bibliographies: CSL-JSON, BibTeX and RIS.

use std::{collections::HashMap, fmt::Write as _};

use serde_json::{Value, json};

use crate::bulk::{
    export::{
        Record,
        formats::{Writer, text},
    },
    records::{RecordKind, RecordKinds},
};

#[derive(Clone, Copy, PartialEq)]
pub enum Style {
    CslJson,
    Bibtex,
    Ris,
}

/// Writes sources. Actors come before them and are remembered by slug, for the names of authors and publishers.
pub struct Bibliography {
    style: Style,
    actors: HashMap<Box<str>, Name>,
    begun: bool,
}

struct Name {
    is_person: bool,
    name: Box<str>,
}

/// What a bibliography says of a source.
struct Entry<'a> {
    key: &'a str,
    title: &'a str,
    authors: Vec<&'a Name>,
    publisher: Option<&'a str>,
    language: Option<&'a str>,
    url: Option<&'a str>,
    /// Year, month and day, as far as they are known.
    published: Vec<&'a str>,
}

impl Bibliography {
    pub fn of(style: Style) -> Self {
        Bibliography { style, actors: HashMap::new(), begun: false }
    }

    fn entry<'a>(&'a self, record: &'a Record<'_>) -> Entry<'a> {
        let authors = record.fields.get("authors").and_then(Value::as_array).map(Vec::as_slice);
        let known = |slug: &Value| self.actors.get(slug.as_str()?);
        Entry {
            key: text(record, "slug").unwrap_or_default(),
            title: text(record, "title").unwrap_or_default(),
            authors: authors.unwrap_or_default().iter().filter_map(known).collect(),
            publisher: text(record, "publisher")
                .and_then(|slug| self.actors.get(slug))
                .map(|actor| &*actor.name),
            language: text(record, "language"),
            url: text(record, "url"),
            published: text(record, "publishedOn").map(|date| date.split('-').collect()).unwrap_or_default(),
        }
    }
}

impl Writer for Bibliography {
    fn accepts(&self, kind: &RecordKind) -> bool {
        ["Actor", "Source"].contains(&kind.name)
    }

    fn begin(&mut self, _: &RecordKinds, out: &mut Vec<u8>) {
        if self.style == Style::CslJson {
            out.push(b'[');
        }
    }

    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        if record.kind.name == "Actor" {
            let of = |field| text(record, field).unwrap_or_default();
            let name = Name { is_person: of("kind") == "PERSON", name: of("name").into() };
            self.actors.insert(of("slug").into(), name);
            return;
        }
        let first = !std::mem::replace(&mut self.begun, true);
        let entry = self.entry(record);
        let written = match self.style {
            Style::CslJson => format!("{}\n{}", if first { "" } else { "," }, entry.csl()),
            Style::Bibtex => entry.bibtex(),
            Style::Ris => entry.ris(),
        };
        out.extend_from_slice(written.as_bytes());
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.style == Style::CslJson {
            out.extend_from_slice(b"\n]\n");
        }
    }
}

impl Entry<'_> {
    fn csl(&self) -> Value {
        let author = |name: &&Name| {
            // The order of given and family names isn't known, so that a name stands as it is written.
            json!({"literal": name.name})
        };
        let date: Vec<u32> = self.published.iter().filter_map(|part| part.parse().ok()).collect();
        let mut entry = json!({
            "id": self.key, "type": if self.url.is_some() { "webpage" } else { "document" }, "title": self.title,
            "author": self.authors.iter().map(author).collect::<Value>(), "publisher": self.publisher,
            "language": self.language, "URL": self.url,
            "issued": if date.is_empty() { Value::Null } else { json!({"date-parts": [date]}) },
        });
        if let Value::Object(fields) = &mut entry {
            fields.retain(|_, value| !value.is_null() && value != &json!([]));
        }
        entry
    }

    fn bibtex(&self) -> String {
        let mut entry = format!("@misc{{{},\n", self.key);
        let mut field = |name: &str, value: &str| {
            let _ = writeln!(entry, "  {name} = {{{value}}},");
        };
        field("title", &format!("{{{}}}", tex(self.title)));
        let authors: Vec<String> = self
            .authors
            .iter()
            .map(|author| {
                let name = tex(&author.name);
                // Braces keep a name whole: of an organization, or of a person with `and` or a comma in it.
                let is_plain = author.is_person && !name.contains(',') && !name.contains(" and ");
                if is_plain { name } else { format!("{{{name}}}") }
            })
            .collect();
        if !authors.is_empty() {
            field("author", &authors.join(" and "));
        }
        for (name, value) in [("publisher", self.publisher), ("language", self.language)] {
            if let Some(value) = value {
                field(name, &tex(value));
            }
        }
        if let Some(url) = self.url {
            field("url", &url.replace(['{', '}', '\\'], ""));
        }
        if !self.published.is_empty() {
            field("date", &self.published.join("-"));
            field("year", self.published[0]);
        }
        entry.push_str("}\n\n");
        entry
    }

    fn ris(&self) -> String {
        let mut entry = String::new();
        let mut line = |tag: &str, value: &str| {
            let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
            let _ = write!(entry, "{tag}  - {value}\r\n");
        };
        line("TY", if self.url.is_some() { "ELEC" } else { "GEN" });
        line("ID", self.key);
        line("TI", self.title);
        for author in &self.authors {
            line("AU", &author.name);
        }
        for (tag, value) in [("PB", self.publisher), ("LA", self.language), ("UR", self.url)] {
            if let Some(value) = value {
                line(tag, value);
            }
        }
        if let Some(year) = self.published.first() {
            line("PY", year);
            let parts = |place: usize| self.published.get(place).copied().unwrap_or_default();
            line("DA", &format!("{}/{}/{}/", parts(0), parts(1), parts(2)));
        }
        entry.push_str("ER  - \r\n\r\n");
        entry
    }
}

/// Escapes a text for TeX.
fn tex(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_cited_in_each_style() {
        let person = Name { is_person: true, name: "Ada Sample".into() };
        let body = Name { is_person: false, name: "Research & Co, Ltd".into() };
        let entry = Entry {
            key: "water-report",
            title: "Water: 50 % of {it}",
            authors: vec![&person, &body],
            publisher: Some("Daily"),
            language: Some("en"),
            url: Some("https://example.org/a_b"),
            published: vec!["2024", "02"],
        };
        assert_eq!(
            entry.csl(),
            json!({
                "id": "water-report", "type": "webpage", "title": "Water: 50 % of {it}",
                "author": [{"literal": "Ada Sample"}, {"literal": "Research & Co, Ltd"}], "publisher": "Daily",
                "language": "en", "URL": "https://example.org/a_b", "issued": {"date-parts": [[2024, 2]]},
            })
        );
        assert_eq!(
            entry.bibtex(),
            "@misc{water-report,\n  title = {{Water: 50 \\% of \\{it\\}}},\n  author = {Ada Sample and {Research \\& Co, Ltd}},\n  \
             publisher = {Daily},\n  language = {en},\n  url = {https://example.org/a_b},\n  date = {2024-02},\n  year = {2024},\n}\n\n"
        );
        assert_eq!(
            entry.ris(),
            "TY  - ELEC\r\nID  - water-report\r\nTI  - Water: 50 % of {it}\r\nAU  - Ada Sample\r\nAU  - Research & Co, Ltd\r\n\
             PB  - Daily\r\nLA  - en\r\nUR  - https://example.org/a_b\r\nPY  - 2024\r\nDA  - 2024/02//\r\nER  - \r\n\r\n"
        );
    }
}
