//! JSON-LD with schema.org terms where a type has them, and terms of our own for the rest.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::{
    bulk::{
        export::{
            Record,
            formats::{Writer, text},
        },
        records::{RecordKind, RecordKinds},
    },
    engine::mutation::writable_fields::{RowColumn, RowKind, Rows, WritableKind},
    model::naming,
};

/// One document. Ids are absolute: `https://dossier.example/actor/kazakhstan`, or `urn:dossier:actor/kazakhstan` where
/// `BASE_URL` is unset.
pub struct JsonLd {
    ids: Ids,
    begun: bool,
}

impl JsonLd {
    pub fn at(base_url: Option<&str>) -> Self {
        let base = base_url.map_or_else(|| "urn:dossier:".to_owned(), |url| format!("{url}/"));
        JsonLd { ids: Ids { base, places: HashSet::new() }, begun: false }
    }
}

impl Writer for JsonLd {
    fn begin(&mut self, _: &RecordKinds, out: &mut Vec<u8>) {
        let context = json!({
            "@vocab": "https://schema.org/", "dossier": "urn:dossier:", "oa": "http://www.w3.org/ns/oa#",
        });
        out.extend_from_slice(format!("{{\"@context\":{context},\"@graph\":[\n").as_bytes());
    }

    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            out.extend_from_slice(b",\n");
        }
        if is_place(record) {
            self.ids.places.extend(text(record, "slug").map(ToOwned::to_owned));
        }
        // Writing to memory doesn't fail.
        let _ = serde_json::to_writer(&mut *out, &node(&self.ids, record));
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\n]}\n");
    }
}

struct Ids {
    /// Their common beginning.
    base: String,
    /// Slugs of the places so far: actors come before what takes place there.
    places: HashSet<String>,
}

impl Ids {
    fn id(&self, kind: &str, slug: &str) -> String {
        format!("{}{}/{slug}", self.base, naming::camel_case(kind))
    }

    fn one(&self, kind: &str, slug: &Value) -> Value {
        slug.as_str().map_or(Value::Null, |slug| json!({"@id": self.id(kind, slug)}))
    }

    fn each(&self, kind: &str, slugs: &Value) -> Value {
        each(slugs, |slug| self.one(kind, slug))
    }
}

fn node(ids: &Ids, record: &Record<'_>) -> Value {
    let mut node = Map::new();
    node.insert("@id".to_owned(), ids.id(record.kind.name, text(record, "slug").unwrap_or_default()).into());
    node.insert("@type".to_owned(), types(record));
    for (name, value) in &record.fields {
        for (term, value) in properties(ids, record, name, value) {
            let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            if !empty {
                node.insert(term, value);
            }
        }
    }
    Value::Object(node)
}

/// The schema.org type; also our own type if that is only similar.
fn types(record: &Record<'_>) -> Value {
    match (record.kind.name, text(record, "kind").unwrap_or_default()) {
        ("Actor", "PERSON") => "Person".into(),
        ("Actor", "COUNTRY") => "Country".into(),
        ("Actor", "TERRITORY") => "AdministrativeArea".into(),
        ("Actor", "MEDIA") => "NewsMediaOrganization".into(),
        ("Actor", "PLACE") => "Place".into(),
        ("Actor", "GROUP") => json!(["Organization", "dossier:Group"]),
        ("Actor", _) => "Organization".into(),
        ("Meeting", _) => "Event".into(),
        ("Event", _) => json!(["Event", "dossier:Event"]),
        ("Topic", _) => "DefinedTerm".into(),
        ("Source", _) => "CreativeWork".into(),
        ("Statement", _) if text(record, "quote").is_some() => {
            json!(["Claim", "Quotation", "dossier:Statement"])
        }
        ("Statement", _) => json!(["Claim", "dossier:Statement"]),
        ("Commentary", _) if is_review(record) => json!(["Answer", "ClaimReview", "dossier:Commentary"]),
        ("Commentary", _) => json!(["Answer", "dossier:Commentary"]),
        ("Relation", _) => json!(["Role", "dossier:Relation"]),
        (kind, _) => format!("dossier:{kind}").into(),
    }
}

fn is_place(record: &Record<'_>) -> bool {
    let kind = text(record, "kind").unwrap_or_default();
    record.kind.name == "Actor" && ["PLACE", "COUNTRY", "TERRITORY"].contains(&kind)
}

/// Whether an analyst comments on statements, which are claims.
fn is_review(record: &Record<'_>) -> bool {
    record.kind.name == "Commentary" && statements(record).next().is_some()
}

fn statements<'a>(record: &'a Record<'_>) -> impl Iterator<Item = &'a Value> {
    let targets = record.fields.get("targets").and_then(Value::as_array);
    targets.into_iter().flatten().filter_map(|target| target.get("statement"))
}

/// A field as properties: by terms of schema.org that the type of the record has, else by a term of our own.
fn properties(ids: &Ids, record: &Record<'_>, name: &str, value: &Value) -> Vec<(String, Value)> {
    let kind = record.kind.name;
    let is_place = is_place(record);
    let (term, value) = match (kind, name) {
        // A text is nothing that others link to, and may be long.
        ("Actor", "kind") | ("Source", "texts") => return Vec::new(),
        ("Actor", "names") => {
            let other = each(value, |name| match name["language"].as_str() {
                Some(language) => json!({"@value": name["name"], "@language": language}),
                None => name["name"].clone(),
            });
            ("alternateName", other)
        }
        ("Actor", "identifiers") => {
            let identifiers = each(
                value,
                |identifier| json!({"@type": "PropertyValue", "propertyID": identifier["scheme"], "value": identifier["value"]}),
            );
            // Only an address can be the same as something.
            return vec![("identifier".to_owned(), identifiers), ("sameAs".to_owned(), same_as(value))];
        }
        ("Actor", "links") => {
            let links = |term: &str, is_wanted: &dyn Fn(&str) -> bool| {
                let links = value.as_array().into_iter().flatten();
                let wanted = links.filter(|link| is_wanted(link["kind"].as_str().unwrap_or_default()));
                (term.to_owned(), wanted.map(|link| json!({"@id": link["url"]})).collect())
            };
            return vec![
                links("image", &|kind| kind == "IMAGE"),
                links("url", &|kind| kind == "WEBSITE"),
                links("dossier:link", &|kind| !["IMAGE", "WEBSITE"].contains(&kind)),
            ];
        }
        ("Actor", "bornOn") => ("birthDate", value.clone()),
        ("Actor", "diedOn") => ("deathDate", value.clone()),
        ("Actor", "gender") => ("gender", value.clone()),
        ("Actor", "foundedOn") if !is_place => ("foundingDate", value.clone()),
        ("Actor", "dissolvedOn") if !is_place => ("dissolutionDate", value.clone()),
        ("Actor", "latitude" | "longitude") if is_place => (name, value.clone()),
        ("Actor" | "Meeting" | "Event" | "Topic", "summary") => ("description", value.clone()),
        ("Topic" | "Actor" | "Meeting" | "Motion" | "Division" | "Event", "name") | ("Source", "url") => {
            (name, value.clone())
        }
        ("Source", "title") => ("name", value.clone()),
        ("Relation", "label") => ("roleName", value.clone()),
        ("Meeting", "status") => {
            let status = event_status(value.as_str().unwrap_or_default());
            return vec![("eventStatus".to_owned(), status), ("dossier:status".to_owned(), value.clone())];
        }
        ("Meeting", "startsOn") | ("Event", "occurredOn") | ("Relation", "validFrom") => {
            ("startDate", value.clone())
        }
        ("Meeting", "endsOn") | ("Event", "endedOn") | ("Relation", "validUntil") => {
            ("endDate", value.clone())
        }
        ("Meeting", "venue") | ("Event", "place") => {
            // `location` takes no organization.
            let is_known = value.as_str().is_some_and(|slug| ids.places.contains(slug));
            (if is_known { "location" } else { "dossier:location" }, ids.one("Actor", value))
        }
        ("Meeting" | "Event", "parent") => ("superEvent", ids.one(kind, value)),
        ("Meeting", "agenda") | ("Statement", "topics") => ("about", ids.each("Topic", value)),
        ("Meeting", "participants") => {
            let participant = |participant: &Value| {
                let actor = ids.one("Actor", &participant["actor"]);
                json!({"@type": "Role", "roleName": participant["role"], "attendee": actor})
            };
            ("attendee", each(value, participant))
        }
        ("Source", "publisher") | ("Statement", "publication") => ("publisher", ids.one("Actor", value)),
        ("Source", "authors") => ("author", ids.each("Actor", value)),
        ("Source" | "Statement", "language") => ("inLanguage", value.clone()),
        ("Source", "publishedOn") | ("Statement", "saidOn") => ("datePublished", value.clone()),
        ("Statement", "speaker") | ("Commentary", "author") => ("author", ids.one("Actor", value)),
        ("Statement", "meeting") => ("recordedAt", ids.one("Meeting", value)),
        // `audience` takes no person.
        ("Statement", "addressees") => ("dossier:addressees", ids.each("Actor", value)),
        ("Statement", "quote") => ("text", value.clone()),
        ("Statement" | "Commentary", "summary") => ("abstract", value.clone()),
        ("Commentary", "question") => ("parentItem", json!({"@type": "Question", "text": value})),
        ("Commentary", "source") => ("isPartOf", ids.one("Source", value)),
        ("Commentary" | "Statement", "ordinal") => ("position", value.clone()),
        ("Commentary", "targets") => {
            let target = |target: &Value| {
                let named = target.as_object().and_then(|target| target.iter().next());
                named.map_or(Value::Null, |(kind, slug)| ids.one(&naming::pascal_case(kind), slug))
            };
            let claims = statements(record).map(|slug| ids.one("Statement", slug)).collect();
            return vec![("about".to_owned(), each(value, target)), ("itemReviewed".to_owned(), claims)];
        }
        ("Commentary", "likelihood") if is_review(record) && !value.is_null() => {
            let rating = json!({"@type": "Rating", "alternateName": value});
            return vec![
                ("reviewRating".to_owned(), rating),
                ("dossier:likelihood".to_owned(), value.clone()),
            ];
        }
        (_, "citations") => {
            let cited = each(value, |citation| {
                let source = ids.one("Source", &citation["source"]);
                let mut work =
                    json!({"@type": "CreativeWork", "isPartOf": source, "position": citation["locator"]});
                if !citation["quote"].is_null() {
                    (work["@type"], work["text"]) = ("Quotation".into(), citation["quote"].clone());
                }
                if !citation["credibility"].is_null() {
                    work["dossier:credibility"] = citation["credibility"].clone();
                }
                let selectors = selectors(citation);
                if !selectors.is_empty() {
                    work["oa:hasSource"] = work["isPartOf"].clone();
                    work["oa:hasSelector"] = selectors.into();
                }
                work
            });
            // Only works cite; other things of schema.org are what works are about.
            let term = match kind {
                "Statement" | "Commentary" => "citation",
                _ if types(record).as_str().is_some_and(|own| own.starts_with("dossier:")) => {
                    "dossier:citations"
                }
                _ => "subjectOf",
            };
            (term, cited)
        }
        _ => return vec![(format!("dossier:{name}"), linked(ids, record.kind, name, value))],
    };
    vec![(term.to_owned(), value)]
}

/// The place of a citation in the text of its source, in the terms of the W3C's Web Annotations.
fn selectors(citation: &Value) -> Vec<Value> {
    let selector = |name: &str, terms: &[(&str, &str)]| {
        let mut selector = Map::from_iter([("@type".to_owned(), Value::from(name))]);
        for (term, field) in terms {
            let value = &citation[*field];
            selector.extend((!value.is_null()).then(|| ((*term).to_owned(), value.clone())));
        }
        (selector.len() > 1).then(|| Value::Object(selector))
    };
    let quote = [("oa:exact", "quote"), ("oa:prefix", "prefix"), ("oa:suffix", "suffix")];
    let position = [("oa:start", "start"), ("oa:end", "end")];
    [selector("oa:TextQuoteSelector", &quote), selector("oa:TextPositionSelector", &position)]
        .into_iter()
        .flatten()
        .collect()
}

/// A value whose slugs are links, as the declaration of its field says.
fn linked(ids: &Ids, kind: &RecordKind, name: &str, value: &Value) -> Value {
    let Some((_, field)) = kind.writable_field(name) else { return value.clone() };
    match &field.kind {
        WritableKind::Reference { to, .. } => ids.one(to, value),
        WritableKind::Rows(rows) => each(value, |item| linked_item(ids, rows, item)),
        WritableKind::Value { .. } => value.clone(),
    }
}

/// An entry of a list whose slugs are links.
fn linked_item(ids: &Ids, rows: &Rows, item: &Value) -> Value {
    let link = |column: Option<&RowColumn>, value: &Value| match column.map(|column| column.kind) {
        Some(RowKind::Reference(to)) => ids.one(to, value),
        _ => value.clone(),
    };
    match item {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                (name.clone(), link(rows.columns.iter().find(|column| column.name == name), value))
            })
            .collect(),
        slug => link(rows.columns.first(), slug),
    }
}

fn each(list: &Value, make: impl Fn(&Value) -> Value) -> Value {
    list.as_array().map(Vec::as_slice).unwrap_or_default().iter().map(make).collect()
}

/// The addresses of an actor in registers that have one for each.
fn same_as(identifiers: &Value) -> Value {
    let address = |identifier: &Value| {
        let stem = match identifier["scheme"].as_str()? {
            "wikidata" => "http://www.wikidata.org/entity/",
            "viaf" => "http://viaf.org/viaf/",
            "isni" => "https://isni.org/isni/",
            "orcid" => "https://orcid.org/",
            _ => return None,
        };
        Some(format!("{stem}{}", identifier["value"].as_str()?.replace(' ', "")))
    };
    identifiers.as_array().into_iter().flatten().filter_map(address).collect()
}

/// The status of an event; null where schema.org has no term for it.
fn event_status(status: &str) -> Value {
    let term = match status {
        "SCHEDULED" => "EventScheduled",
        "POSTPONED" => "EventPostponed",
        "CANCELLED" => "EventCancelled",
        _ => return Value::Null,
    };
    json!({"@id": format!("https://schema.org/{term}")})
}
