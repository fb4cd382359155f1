//! The format of a file, by its content.

use std::path::Path;

use crate::bulk::import::{
    readers::{
        Format, ReadError,
        mappings::{legislators, popolo},
        stem_and_extension,
    },
    source_file::Input,
};

/// Bytes of a file that its format is known by.
const BYTES_READ: u64 = 1 << 16;

impl Format {
    /// The format by content; only CSV is known by its name, because any text may be CSV.
    pub fn detect(path: &Path, input: &mut Input) -> Result<Format, ReadError> {
        let extension = stem_and_extension(path).1;
        let first = input.peek(BYTES_READ)?;
        if extension == "csv" {
            return Ok(Format::Csv);
        }
        let text = String::from_utf8_lossy(&first);
        let text = text.trim_start();
        Ok(match text.chars().next() {
            Some('<') => Format::Parlamint,
            Some('{') => object(text, extension == "json")?,
            Some('[') => list(text)?,
            Some('-' | '#') => Format::Legislators,
            _ if text.lines().next().and_then(legislators::list_name).is_some() => Format::Legislators,
            _ => Format::Jsonl,
        })
    }
}

fn object(text: &str, is_document: bool) -> Result<Format, ReadError> {
    let names = names(text);
    let has = |name: &str| names.iter().any(|known| known == name);
    // A record may have such a list too, as a statement has `events`.
    if !has("type") && !has("id") && popolo::LISTS.iter().any(|name| has(name)) {
        Ok(Format::Popolo)
    } else if has("entities") || has("labels") && has("id") {
        Ok(Format::Wikidata)
    } else if has("schema") && has("properties") {
        Ok(Format::Ftm)
    } else if !names.is_empty() && names.iter().all(|name| legislators::is_committee_code(name)) {
        Ok(Format::Legislators)
    } else if has("type") || has("slug") || !is_document {
        // A line with a mistake is reported with its number.
        Ok(Format::Jsonl)
    } else {
        let found = names.iter().take(5).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let found = if found.is_empty() { "no field".to_owned() } else { found };
        Err(ReadError::Invalid(format!(
            "the JSON is neither Popolo, FollowTheMoney, Wikidata's nor Dossier's own; it has {found}"
        )))
    }
}

fn list(text: &str) -> Result<Format, ReadError> {
    let rest = text[1..].trim_start();
    let names = names(rest);
    let has = |name: &str| names.iter().any(|known| known == name);
    if has("labels") && has("id") {
        Ok(Format::Wikidata)
    } else if has("terms")
        || has("thomas_id")
        || rest.contains("\"bioguide\"")
        || rest.contains("\"govtrack\"")
    {
        Ok(Format::Legislators)
    } else if has("schema") {
        Ok(Format::Ftm)
    } else {
        let known = "a JSON list is known only of congress-legislators, FollowTheMoney and Wikidata";
        Err(ReadError::Invalid(known.to_owned()))
    }
}

/// The names of the fields of an object that may be cut off.
fn names(text: &str) -> Vec<String> {
    let (mut names, mut depth, mut string, mut escaped) = (Vec::new(), 0_usize, None, false);
    let mut last: Option<&str> = None;
    for (place, letter) in text.char_indices() {
        if let Some(start) = string {
            match letter {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    last = Some(&text[start..place]);
                    string = None;
                }
                _ => {}
            }
            continue;
        }
        match letter {
            '"' => string = Some(place + 1),
            '{' | '[' => depth += 1,
            '}' | ']' if depth <= 1 => break,
            '}' | ']' => depth -= 1,
            ':' if depth == 1 => names.extend(last.take().map(ToOwned::to_owned)),
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn detected(name: &str, content: &'static str) -> Result<Format, String> {
        let mut input = Input::of(Box::new(content.as_bytes())).unwrap();
        let found = Format::detect(Path::new(name), &mut input).map_err(|error| match error {
            ReadError::Invalid(reason) => reason,
            ReadError::ReceiverClosed => unreachable!(),
        });
        let mut rest = String::new();
        io::Read::read_to_string(&mut input, &mut rest).unwrap();
        assert_eq!(rest, content, "all is still there to be read");
        found
    }

    #[test]
    fn a_file_is_known_by_its_content_and_not_by_its_name() {
        for (content, format) in [
            ("{\"persons\": [\n{\"id\": \"1\"}]}", Format::Popolo),
            ("{\"type\":\"Topic\",\"slug\":\"x\",\"name\":\"X\"}\n", Format::Jsonl),
            ("{\"type\":\"Statement\",\"slug\":\"x\",\"events\":[]}\n", Format::Jsonl),
            ("{\"id\":\"a\",\"schema\":\"Person\",\"properties\":{}}\n", Format::Ftm),
            ("[{\"id\":\"a\",\"schema\":\"Person\",\"properties\":{}}]", Format::Ftm),
            ("{\"type\":\"item\",\"id\":\"Q1\",\"labels\":{}}\n", Format::Wikidata),
            ("[\n{\"type\":\"item\",\"id\":\"Q1\",\"labels\":{}}\n]", Format::Wikidata),
            ("{\"entities\":{\"Q1\":{}}}", Format::Wikidata),
            ("<?xml version=\"1.0\"?><TEI/>", Format::Parlamint),
            ("  - id: {bioguide: X}\n", Format::Legislators),
            ("[{\"id\":{\"bioguide\":\"X\"},\"terms\":[]}]", Format::Legislators),
            ("HSXX:\n- {bioguide: X}\n", Format::Legislators),
            ("{\"HSXX01\": [{\"bioguide\": \"X\"}]}", Format::Legislators),
            ("", Format::Jsonl),
        ] {
            for name in ["a.json", "a.ijson", "a.jsonl.gz", "a.yaml", "a.ftm.json", "a"] {
                assert_eq!(detected(name, content), Ok(format), "{name} {content}");
            }
        }
        assert_eq!(detected("actors.csv", "slug,name\n"), Ok(Format::Csv));
        let reason = detected("a.json", "{\"rows\": [{\"persons\": 1}],\n \"meta\": {}}").unwrap_err();
        assert!(reason.contains("neither Popolo") && reason.contains("`rows`, `meta`"), "{reason}");
        assert!(detected("a.json", "[1, 2]").is_err());
    }
}
