//! Legislators of the United States, in the YAML of the congress-legislators project: `legislators-current.yaml`,
//! `legislators-historical.yaml` and `executive.yaml`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::bulk::import::{
    readers::{
        File, ReadError,
        mappings::{MAX_RELATIONS, Mapper, Relation},
        stem_and_extension,
    },
    source_file::{Input, Line, MAX_LINE_BYTES},
    staging::{ReceiverClosed, Stager},
};

#[derive(Deserialize)]
struct Legislator {
    id: BTreeMap<String, Value>,
    name: Name,
    #[serde(default)]
    terms: Vec<Term>,
}

#[derive(Deserialize)]
struct Name {
    first: String,
    last: String,
    suffix: Option<String>,
    nickname: Option<String>,
    official_full: Option<String>,
}

#[derive(Deserialize)]
struct Term {
    #[serde(rename = "type")]
    kind: String,
    start: String,
    end: String,
    state: Option<String>,
    district: Option<i64>,
    party: Option<String>,
}

/// Institutions: slug, name, Wikidata id.
const BODIES: [(&str, &str, &str); 3] = [
    ("united-states-senate", "United States Senate", "Q66096"),
    ("united-states-house-of-representatives", "United States House of Representatives", "Q11701"),
    ("federal-government-of-the-united-states", "Federal government of the United States", "Q48525"),
];

/// Reads one person at a time, to use constant memory: each starts with a dash at the start of a line.
pub fn read(file: File<'_>, mut input: Input, stager: &mut Stager<'_>) -> Result<String, ReadError> {
    let stem = stem_and_extension(file.path).0;
    let title = format!("[congress-legislators: {stem}]");
    let mut mapper = Mapper::new(file, stager, Some("congress-legislators"), json!({"title": title}))?;
    let mut parties = Vec::new();
    for (slug, name, wikidata) in BODIES {
        let identifiers = json!([{"scheme": "wikidata", "value": wikidata}]);
        mapper.actor(slug, Some(name), json!({"kind": "ORGANIZATION", "identifiers": identifiers}))?;
    }
    let (mut item, mut begun) = (Vec::new(), 1);
    let (mut line, mut number) = (Vec::new(), 0);
    loop {
        number += 1;
        let read = input.read_line(&mut line)?;
        let ends = read == Line::End || line.starts_with(b"- ");
        if ends && !item.is_empty() {
            mapper.set_line(begun);
            // They are numbered for each person.
            mapper.relations.clear();
            person(&mut mapper, &item, &mut parties)?;
            item.clear();
        }
        if read == Line::End {
            return Ok(mapper.dataset);
        }
        if line.starts_with(b"- ") {
            begun = number;
        }
        if read == Line::TooLong || item.len() + line.len() > MAX_LINE_BYTES {
            return Err(ReadError::Invalid("the file isn't a YAML list of legislators".to_owned()));
        }
        if !line.starts_with(b"#") && !line.starts_with(b"---") {
            item.extend_from_slice(&line);
            item.push(b'\n');
        }
    }
}

fn person(mapper: &mut Mapper<'_, '_>, item: &[u8], parties: &mut Vec<String>) -> Result<(), ReceiverClosed> {
    let Ok(text) = std::str::from_utf8(item) else { return mapper.reject("", "Invalid UTF-8.") };
    if text.trim().is_empty() {
        return Ok(());
    }
    let read: Result<Vec<Legislator>, _> = serde_saphyr::from_str(text);
    let legislator = match read.map(|mut all| all.pop()) {
        Ok(Some(legislator)) => legislator,
        Ok(None) => return mapper.reject("", "Invalid legislator."),
        Err(error) => {
            let text = error.to_string();
            let reason = text.lines().next().unwrap_or_default().to_owned();
            return mapper.reject("", &format!("Invalid legislator: {reason}"));
        }
    };
    let Legislator { id, name, terms } = legislator;
    let Some(bioguide) = id.get("bioguide").and_then(Value::as_str) else {
        return mapper.reject("id.bioguide", "This field is required.");
    };
    if terms.len() > MAX_RELATIONS {
        return mapper.reject("terms", &format!("The legislator has more than {MAX_RELATIONS} terms."));
    }
    let full = name.official_full.unwrap_or_else(|| {
        [Some(name.first), Some(name.last), name.suffix].into_iter().flatten().collect::<Vec<_>>().join(" ")
    });
    let nickname = name.nickname.map(|nickname| json!({"name": nickname, "kind": "ALIAS", "language": "en"}));
    let identifiers = id.iter().flat_map(|(scheme, value)| {
        let values = match value {
            Value::Array(values) => values.clone(),
            Value::String(_) | Value::Number(_) => vec![value.clone()],
            _ => Vec::new(),
        };
        values.into_iter().map(move |value| {
            let value = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            (scheme, value)
        })
    });
    let fields = json!({
        "kind": "PERSON", "names": nickname.into_iter().collect::<Value>(),
        "identifiers": identifiers.map(|(scheme, value)| mapper.identifier(scheme, &value)).collect::<Value>(),
        "citations": mapper.cite(bioguide),
    });
    mapper.actor(bioguide, Some(&full), fields)?;
    for term in &terms {
        let (body, title) = match term.kind.as_str() {
            "sen" => (BODIES[0].0, "Senator"),
            "rep" => (BODIES[1].0, "Representative"),
            "prez" => (BODIES[2].0, "President"),
            "viceprez" => (BODIES[2].0, "Vice President"),
            _ => {
                mapper
                    .reject("terms.type", "Unknown term type; expected one of sen, rep, prez, viceprez.")?;
                continue;
            }
        };
        let label = match (&term.state, term.district) {
            (Some(state), Some(district)) if district > 0 => format!("{title} for {state}-{district}"),
            (Some(state), _) => format!("{title} for {state}"),
            _ => title.to_owned(),
        };
        let relation = Relation {
            subject: bioguide,
            object: body,
            kind: "POSITION",
            label: Some(&label),
            from: Some(&term.start),
            until: Some(&term.end),
        };
        mapper.relation(relation, None, bioguide)?;
    }
    // Consecutive terms for one party are one membership.
    for run in terms.chunk_by(|one, next| one.party == next.party) {
        let (first, last) = (&run[0], &run[run.len() - 1]);
        let Some(party) = &first.party else { continue };
        let object = format!("party/{party}");
        if !parties.contains(&object) {
            mapper.actor(&object, Some(party), json!({"kind": "ORGANIZATION"}))?;
            parties.push(object.clone());
        }
        let relation = Relation {
            subject: bioguide,
            object: &object,
            kind: "MEMBERSHIP",
            label: None,
            from: Some(&first.start),
            until: Some(&last.end),
        };
        mapper.relation(relation, None, bioguide)?;
    }
    Ok(())
}
