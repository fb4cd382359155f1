//! `ParlaMint`, a TEI format of parliamentary debates: sittings with their speeches
//! (`ParlaMint-GB_2022-07-21.xml`), speakers (`…-listPerson.xml`) and parties (`…-listOrg.xml`). Import files that
//! refer to each other together.

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use serde_json::{Value, json};

use crate::bulk::import::{
    readers::{
        File, ReadError,
        mappings::{Mapper, Relation, excerpt, slug},
        stem_and_extension,
    },
    source_file::{Input, MAX_LINE_BYTES},
    staging::{ReceiverClosed, Stager},
};

#[derive(Default)]
struct Sitting {
    id: String,
    title: String,
    date: Option<String>,
    source_title: String,
    source_date: Option<String>,
    source_url: Option<String>,
    is_staged: bool,
}

#[derive(Default)]
struct Speech {
    id: String,
    who: String,
    role: Option<String>,
    text: String,
}

#[derive(Default)]
struct Person {
    id: String,
    names: Vec<String>,
    identifiers: Vec<(String, String)>,
    affiliations: Vec<Affiliation>,
}

#[derive(Default)]
struct Affiliation {
    to: String,
    role: String,
    from: Option<String>,
    until: Option<String>,
}

#[derive(Default)]
struct Organization {
    id: String,
    names: Vec<(String, String, String)>,
}

/// Reads elements as a stream. Errors name a running number of records, as lines mean nothing here.
pub fn read(file: File<'_>, input: Input, stager: &mut Stager<'_>) -> Result<String, ReadError> {
    let stem = stem_and_extension(file.path).0;
    let mut reader = Reader::from_reader(input);
    let mut parla = ParlaMint::new(file, stager, &stem);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer).map_err(|error| match error {
            quick_xml::Error::Io(error) => ReadError::Invalid(error.to_string()),
            other => ReadError::Invalid(format!("invalid XML: {other}")),
        })?;
        match event {
            Event::Start(tag) => parla.begin(&tag)?,
            Event::Empty(tag) => {
                parla.begin(&tag)?;
                parla.end()?;
            }
            Event::End(_) => parla.end()?,
            Event::Text(text) => parla.text(&text)?,
            Event::GeneralRef(name) => {
                let written = format!("&{};", &*name);
                let text = quick_xml::escape::unescape(&written)
                    .map_err(|_| ReadError::Invalid(format!("unknown XML entity {written}")))?;
                parla.text(&text)?;
            }
            Event::Eof if parla.path.is_empty() => return Ok(parla.mapper()?.dataset),
            Event::Eof => {
                return Err(ReadError::Invalid("unexpected end of file; is the file complete?".to_owned()));
            }
            _ => {}
        }
    }
}

struct ParlaMint<'a, 'b> {
    file: File<'a>,
    stager: &'a mut Stager<'b>,
    stem: String,
    /// Prefix of the slugs: the parliament.
    prefix: String,
    number: u64,
    /// The open elements with their attributes.
    path: Vec<(String, Vec<(String, String)>)>,
    text: String,
    sitting: Sitting,
    heading: String,
    speech: Option<Speech>,
    person: Option<Person>,
    organization: Option<Organization>,
    begun: bool,
}

impl<'a, 'b> ParlaMint<'a, 'b> {
    fn new(file: File<'a>, stager: &'a mut Stager<'b>, stem: &str) -> Self {
        ParlaMint {
            file,
            stager,
            stem: stem.to_owned(),
            prefix: String::new(),
            number: 0,
            path: Vec::new(),
            text: String::new(),
            sitting: Sitting::default(),
            heading: String::new(),
            speech: None,
            person: None,
            organization: None,
            begun: false,
        }
    }

    fn mapper(&mut self) -> Result<Mapper<'_, 'b>, ReceiverClosed> {
        self.number += 1;
        let mut mapper = if std::mem::replace(&mut self.begun, true) {
            Mapper::resume(self.file, self.stager, Some(&self.prefix))
        } else {
            let title = Some(self.sitting.source_title.trim()).filter(|title| !title.is_empty());
            let source = json!({
                "title": title.map_or_else(|| format!("[ParlaMint: {}]", self.stem), ToOwned::to_owned),
                "publishedOn": self.sitting.source_date, "url": self.sitting.source_url,
            });
            Mapper::new(self.file, self.stager, Some(&self.prefix), source)?
        };
        mapper.set_line(self.number);
        Ok(mapper)
    }

    fn is_in(&self, name: &str) -> bool {
        self.path.iter().any(|(element, _)| element == name)
    }

    fn begin(&mut self, tag: &BytesStart<'_>) -> Result<(), ReadError> {
        let name = tag.local_name().as_ref().to_owned();
        let mut attributes = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|error| ReadError::Invalid(format!("invalid XML: {error}")))?;
            let value = quick_xml::escape::unescape(&attribute.value)
                .map_err(|error| ReadError::Invalid(format!("invalid XML: {error}")))?;
            attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        let of = |key: &str| {
            attributes
                .iter()
                .find(|(known, _)| known == key)
                .map(|(_, value)| value.clone())
                .filter(|value| !value.is_empty())
        };
        let id = of("xml:id").unwrap_or_default();
        if self.path.is_empty() {
            if !["TEI", "teiCorpus", "listPerson", "listOrg"].contains(&name.as_str()) {
                return Err(ReadError::Invalid(format!(
                    "the root element `{name}` isn't a ParlaMint element"
                )));
            }
            self.prefix = prefix(&id);
            self.sitting.id.clone_from(&id);
        }
        match name.as_str() {
            "w" if self.speech.is_some() => {
                return Err(ReadError::Invalid(
                    "the file is the annotated version (.ana); import the plain version".to_owned(),
                ));
            }
            "u" => {
                let role = of("ana").and_then(|ana| ana.split_whitespace().find_map(role));
                self.speech =
                    Some(Speech { id, who: of("who").unwrap_or_default(), role, text: String::new() });
            }
            "person" => self.person = Some(Person { id, ..Person::default() }),
            "org" => self.organization = Some(Organization { id, ..Organization::default() }),
            "affiliation" => {
                if let (Some(person), Some(to)) = (&mut self.person, of("ref")) {
                    let role = of("role").unwrap_or_else(|| "member".to_owned());
                    let (from, until) = (of("from").or_else(|| of("when")), of("to").or_else(|| of("when")));
                    person.affiliations.push(Affiliation { to, role, from, until });
                }
            }
            "date" if self.is_in("setting") => {
                self.sitting.date = of("when").or_else(|| self.sitting.date.take());
            }
            "date" if self.is_in("bibl") => self.sitting.source_date = of("when").or_else(|| of("from")),
            _ => {}
        }
        self.path.push((name, attributes));
        self.text.clear();
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), ReadError> {
        // Stage directions within a speech are not the speaker's words.
        let spoken = self.is_in("seg")
            && !["note", "gap", "vocal", "kinesic", "incident"].iter().any(|name| self.is_in(name));
        let to = match &mut self.speech {
            Some(speech) if spoken => &mut speech.text,
            _ => &mut self.text,
        };
        if to.len() + text.len() > MAX_LINE_BYTES {
            return Err(ReadError::Invalid("a text is too long".to_owned()));
        }
        to.push_str(text);
        Ok(())
    }

    fn end(&mut self) -> Result<(), ReadError> {
        let Some((name, attributes)) = self.path.pop() else { return Ok(()) };
        let of = |key: &str| {
            attributes.iter().find(|(known, _)| known == key).map_or("", |(_, value)| value.as_str())
        };
        let text = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        match name.as_str() {
            "title" if self.is_in("titleStmt") && (self.sitting.title.is_empty() || of("type") == "sub") => {
                self.sitting.title = text;
            }
            "title" if self.is_in("bibl") && self.sitting.source_title.is_empty() => {
                self.sitting.source_title = text;
            }
            "idno" if self.is_in("bibl") && text.starts_with("http") => self.sitting.source_url = Some(text),
            "head" => self.heading = text,
            "seg" => {
                if let Some(speech) = &mut self.speech {
                    speech.text.push('\n');
                }
            }
            "u" => self.speech()?,
            "forename" | "surname" => {
                if let Some(person) = &mut self.person
                    && !text.is_empty()
                {
                    person.names.push(text);
                }
            }
            "idno" => {
                if let Some(person) = &mut self.person {
                    let scheme = if of("subtype").is_empty() { of("type") } else { of("subtype") };
                    let identifier = (scheme.to_lowercase(), text);
                    if !identifier.0.is_empty()
                        && !identifier.1.is_empty()
                        && !person.identifiers.contains(&identifier)
                    {
                        person.identifiers.push(identifier);
                    }
                }
            }
            "orgName" => {
                if let Some(organization) = &mut self.organization {
                    organization.names.push((text, of("full").to_owned(), of("xml:lang").to_owned()));
                }
            }
            "person" => self.person()?,
            "org" => self.organization()?,
            _ => {}
        }
        self.text.clear();
        Ok(())
    }

    /// The key of the sitting's meeting, which is staged with its first speech.
    fn sitting(&mut self) -> Result<String, ReceiverClosed> {
        if !std::mem::replace(&mut self.sitting.is_staged, true) {
            let (title, date, id) =
                (self.sitting.title.clone(), self.sitting.date.clone(), self.sitting.id.clone());
            let mut mapper = self.mapper()?;
            let fields = json!({
                "name": title, "mode": "OTHER", "status": "OCCURRED", "startsOn": date, "endsOn": date,
                "citations": mapper.cite(&id),
            });
            mapper.record("Meeting", &id, &slug(&id), fields)?;
        }
        Ok(self.sitting.id.clone())
    }

    fn speech(&mut self) -> Result<(), ReceiverClosed> {
        let Some(speech) = self.speech.take() else { return Ok(()) };
        let meeting = self.sitting()?;
        let (date, heading) = (self.sitting.date.clone(), self.heading.clone());
        let text =
            speech.text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
        let mut mapper = self.mapper()?;
        if speech.who.is_empty() {
            return mapper.reject("who", "A speech needs a speaker.");
        }
        if text.is_empty() {
            return mapper.reject("seg", "A speech needs a text.");
        }
        let speaker = mapper.reference(speech.who.trim_start_matches('#'));
        // There is no summary in the file; the heading and an excerpt stand in for it.
        let summary =
            if heading.is_empty() { excerpt(&text) } else { format!("[{heading}] {}", excerpt(&text)) };
        let fields = json!({
            "speaker": speaker, "speakerRole": speech.role, "meeting": mapper.reference(&meeting), "medium": "SPEECH",
            "rendering": "VERBATIM", "eventType": "STATEMENT", "summary": summary, "quote": text, "saidOn": date,
            "citations": mapper.cite(&speech.id),
        });
        mapper.record("Statement", &speech.id, &slug(&speech.id), fields)
    }

    fn person(&mut self) -> Result<(), ReceiverClosed> {
        let Some(Person { id, names, identifiers, affiliations }) = self.person.take() else { return Ok(()) };
        let mut mapper = self.mapper()?;
        let identifiers = identifiers.iter().map(|(scheme, value)| mapper.identifier(scheme, value));
        let fields = json!({
            "kind": "PERSON", "identifiers": identifiers.collect::<Value>(),
        });
        let name = names.join(" ");
        mapper.actor(&id, Some(name.as_str()).filter(|name| !name.is_empty()), fields)?;
        for Affiliation { to, role, from, until } in &affiliations {
            let mut mapper = self.mapper()?;
            let member = role == "member";
            let relation = Relation {
                subject: &id,
                object: to.trim_start_matches('#'),
                kind: if member { "MEMBERSHIP" } else { "POSITION" },
                label: Some(role.as_str()).filter(|_| !member),
                from: from.as_deref(),
                until: until.as_deref(),
            };
            mapper.relation(relation, None, &id)?;
        }
        Ok(())
    }

    fn organization(&mut self) -> Result<(), ReceiverClosed> {
        let Some(Organization { id, mut names }) = self.organization.take() else { return Ok(()) };
        let mut mapper = self.mapper()?;
        // Prefer English, and the full name.
        names.sort_by_key(|(_, full, language)| (full == "abb", language != "en"));
        let mut names = names.into_iter();
        let Some((name, ..)) = names.next() else {
            return mapper.reject("orgName", "An organization needs a name.");
        };
        let mut others: Vec<Value> = Vec::new();
        for (other, full, language) in names {
            let kind = if full == "abb" { "ABBREVIATION" } else { "ALIAS" };
            let language = Some(language).filter(|language| !language.is_empty());
            let other = json!({"name": other, "kind": kind, "language": language});
            if !others.contains(&other) {
                others.push(other);
            }
        }
        let fields = json!({"kind": "ORGANIZATION", "names": others});
        mapper.actor(&id, Some(&name), fields)
    }
}

/// The parliament, from the id of the root element: `parlamint-gb`.
fn prefix(id: &str) -> String {
    let corpus = id.split('_').next().unwrap_or_default();
    let ends = ["-listPerson", "-listOrg", ".ana", "-en"];
    let corpus = ends.iter().fold(corpus, |corpus, end| corpus.strip_suffix(end).unwrap_or(corpus));
    if corpus.is_empty() { "parlamint".to_owned() } else { slug(&corpus.to_lowercase()) }
}

fn role(ana: &str) -> Option<String> {
    match ana {
        "#chair" => Some("Chairperson".to_owned()),
        "#guest" => Some("Guest".to_owned()),
        _ => None,
    }
}
