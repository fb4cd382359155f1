//! JSON-LD with schema.org terms, and terms of our own where it has none.

use serde_json::{Map, Value, json};

use crate::{
    bulk::{
        export::{
            Record,
            formats::{Writer, text},
        },
        records::{RecordKind, RecordKinds},
    },
    engine::mutation::writable_fields::{RowKind, WritableKind},
    model::naming,
};

/// One document; references are `#Type/slug`.
#[derive(Default)]
pub struct JsonLd {
    begun: bool,
}

impl Writer for JsonLd {
    fn begin(&mut self, _: &RecordKinds, out: &mut Vec<u8>) {
        let context = json!({ "@vocab": "https://schema.org/", "dossier": "urn:dossier:" });
        out.extend_from_slice(format!("{{\"@context\":{context},\"@graph\":[\n").as_bytes());
    }

    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            out.extend_from_slice(b",\n");
        }
        // Writing to memory doesn't fail.
        let _ = serde_json::to_writer(&mut *out, &node(record));
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\n]}\n");
    }
}

fn node(record: &Record<'_>) -> Value {
    let slug = text(record, "slug").unwrap_or_default();
    let mut node = Node(Map::new());
    node.set("@id", id(record.kind.name, slug));
    node.set("@type", types(record));
    node.set("identifier", slug);
    for (name, value) in &record.fields {
        node.field(record.kind, name, value);
    }
    // Sources have no citations.
    if let Some(Value::Array(citations)) = record.fields.get("citations") {
        let cited = citations.iter().map(|citation| {
            let source = citation["source"].as_str().unwrap_or_default();
            json!({"@type": "CreativeWork", "isPartOf": {"@id": id("Source", source)}, "position": citation["locator"]})
        });
        node.set("citation", cited.collect::<Value>());
    }
    Value::Object(node.0)
}

fn id(kind: &str, slug: &str) -> String {
    format!("#{kind}/{slug}")
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
        ("Topic", _) => "DefinedTerm".into(),
        ("Source", _) => "CreativeWork".into(),
        ("Statement", _) if text(record, "quote").is_some() => json!(["Quotation", "dossier:Statement"]),
        ("Statement", _) => json!(["Claim", "dossier:Statement"]),
        ("Commentary", _) => json!(["Answer", "dossier:Commentary"]),
        ("Relation", _) => json!(["Role", "dossier:Relation"]),
        (kind, _) => format!("dossier:{kind}").into(),
    }
}

struct Node(Map<String, Value>);

impl Node {
    fn set(&mut self, term: &str, value: impl Into<Value>) {
        let value = value.into();
        let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if !empty {
            self.0.insert(term.to_owned(), value);
        }
    }

    /// Writes a field as a property: the schema.org term if there is one.
    fn field(&mut self, kind: &RecordKind, name: &str, value: &Value) {
        match (kind.name, name) {
            (_, "slug" | "citations") | ("Actor", "kind") => {}
            ("Actor", "names") => {
                self.set(
                    "alternateName",
                    each(value, |name| match name["language"].as_str() {
                        Some(language) => json!({"@value": name["name"], "@language": language}),
                        None => name["name"].clone(),
                    }),
                );
            }
            ("Actor", "identifiers") => {
                self.set("sameAs", each(value, |identifier| {
                    json!({"@type": "PropertyValue", "propertyID": identifier["scheme"], "value": identifier["value"]})
                }));
            }
            (_, "name" | "url") => self.set(name, value.clone()),
            (_, "title" | "label") => self.set("name", value.clone()),
            ("Meeting", "status") => self.set("eventStatus", status(value.as_str().unwrap_or_default())),
            ("Meeting", "startsOn") | ("Relation", "validFrom") => self.set("startDate", value.clone()),
            ("Meeting", "endsOn") | ("Relation", "validUntil") => self.set("endDate", value.clone()),
            ("Meeting", "summary") => self.set("description", value.clone()),
            ("Meeting", "venue") => self.set("location", one("Actor", value)),
            ("Meeting", "parent") => self.set("superEvent", one("Meeting", value)),
            ("Meeting", "agenda") | (_, "topics") => {
                self.set("about", each(value, |topic| one("Topic", topic)));
            }
            ("Meeting", "participants") => {
                self.set("attendee", each(value, |participant| {
                    json!({"@type": "Role", "roleName": participant["role"], "attendee": one("Actor", &participant["actor"])})
                }));
            }
            ("Topic", "parent") => self.set("dossier:partOf", one("Topic", value)),
            ("Source", "publisher") | ("Statement", "publication") => {
                self.set("publisher", one("Actor", value));
            }
            ("Source", "authors") => self.set("author", each(value, |author| one("Actor", author))),
            ("Source", "language") => self.set("inLanguage", value.clone()),
            ("Source", "publishedOn") | ("Statement", "saidOn") => self.set("datePublished", value.clone()),
            ("Statement", "speaker") | ("Commentary", "author") => self.set("author", one("Actor", value)),
            ("Statement", "onBehalfOf") => self.set("dossier:onBehalfOf", one("Actor", value)),
            ("Statement", "meeting") => self.set("recordedAt", one("Meeting", value)),
            ("Statement", "addressees") => self.set("audience", each(value, |actor| one("Actor", actor))),
            ("Statement", "quote") => self.set("text", value.clone()),
            ("Statement" | "Commentary", "summary") => self.set("abstract", value.clone()),
            ("Commentary", "question") => {
                self.set("parentItem", json!({"@type": "Question", "text": value}));
            }
            ("Commentary", "source") => self.set("isPartOf", one("Source", value)),
            ("Commentary", "ordinal") => self.set("position", value.clone()),
            ("Commentary", "targets") => {
                self.set(
                    "about",
                    each(value, |target| {
                        let named = target.as_object().and_then(|target| target.iter().next());
                        named.map_or(Value::Null, |(kind, slug)| one(&naming::pascal_case(kind), slug))
                    }),
                );
            }
            ("Relation", "subject" | "object") | ("Position", "holder") => {
                self.set(&format!("dossier:{name}"), one("Actor", value));
            }
            ("Position", "topic") => self.set("about", one("Topic", value)),
            ("Position", "statement" | "commentary") => {
                self.set("dossier:evidence", one(&naming::pascal_case(name), value));
            }
            // Terms of our own for what schema.org has no term for.
            _ => self.set(&format!("dossier:{name}"), linked(kind, name, value)),
        }
    }
}

/// A value whose slugs are links, as the declaration of its field says.
fn linked(kind: &RecordKind, name: &str, value: &Value) -> Value {
    let Some((_, field)) = kind.writable_field(name) else { return value.clone() };
    match &field.kind {
        WritableKind::Reference { to, .. } => one(to, value),
        WritableKind::Rows(rows) if rows.is_reference() => match rows.columns[0].kind {
            RowKind::Reference(to) => each(value, |slug| one(to, slug)),
            RowKind::Value(_) => value.clone(),
        },
        _ => value.clone(),
    }
}

fn one(kind: &str, slug: &Value) -> Value {
    slug.as_str().map_or(Value::Null, |slug| json!({"@id": id(kind, slug)}))
}

fn each(list: &Value, make: impl Fn(&Value) -> Value) -> Value {
    list.as_array().map(Vec::as_slice).unwrap_or_default().iter().map(make).collect()
}

fn status(status: &str) -> String {
    match status {
        "SCHEDULED" => "EventScheduled".to_owned(),
        "POSTPONED" => "EventPostponed".to_owned(),
        "CANCELLED" => "EventCancelled".to_owned(),
        // schema.org has no status for these.
        other => format!("dossier:{other}"),
    }
}
