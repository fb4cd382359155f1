//! `FollowTheMoney`: one entity per line. People and organizations become actors, links between them become
//! relations.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::bulk::import::{
    readers::{
        self, File, ReadError,
        mappings::{MAX_RELATIONS, Mapper, Relation, day},
        stem_and_extension,
    },
    source_file::Input,
    staging::{ReceiverClosed, Stager, file_and_line},
};

#[derive(Deserialize)]
struct Entity {
    id: String,
    schema: String,
    #[serde(default)]
    properties: BTreeMap<String, Vec<Value>>,
}

/// Schemas of actors, with the actor's kind.
const ACTORS: [(&str, &str); 5] = [
    ("Person", "PERSON"),
    ("Organization", "ORGANIZATION"),
    ("PublicBody", "ORGANIZATION"),
    ("Company", "ORGANIZATION"),
    ("LegalEntity", "ORGANIZATION"),
];

/// Schemas of relations: property of the subject, property of the object, kind, and property of the label.
const RELATIONS: [(&str, &str, &str, &str, &str); 9] = [
    ("Directorship", "director", "organization", "POSITION", "role"),
    ("Employment", "employee", "employer", "POSITION", "role"),
    ("Membership", "member", "organization", "MEMBERSHIP", "role"),
    ("Ownership", "owner", "asset", "OWNERSHIP", "role"),
    ("Family", "person", "relative", "FAMILY", "relationship"),
    ("Associate", "person", "associate", "OTHER", "relationship"),
    ("Representation", "agent", "client", "OTHER", "role"),
    ("Succession", "predecessor", "successor", "OTHER", "role"),
    ("UnknownLink", "subject", "object", "OTHER", "role"),
];

/// Properties of further names, with the kind of name.
const NAMES: [(&str, &str); 4] = [
    ("alias", "ALIAS"),
    ("weakAlias", "ALIAS"),
    ("previousName", "FORMER"),
    ("abbreviation", "ABBREVIATION"),
];

/// Properties of identifiers, with the scheme.
const IDENTIFIERS: [(&str, &str); 3] =
    [("wikidataId", "wikidata"), ("leiCode", "lei"), ("opencorporatesUrl", "opencorporates")];

pub fn read(file: File<'_>, input: Input, stager: &mut Stager<'_>) -> Result<String, ReadError> {
    let title = format!("[FollowTheMoney: {}]", stem_and_extension(file.path).0);
    let dataset = Mapper::new(file, stager, None, json!({"title": title}))?.dataset;
    readers::json_lines(file, input, stager, |object, stager, at| {
        let mut mapper = Mapper::resume(file, stager, None);
        mapper.set_line(file_and_line(at).1.cast_unsigned());
        match serde_json::from_value(Value::Object(object)) {
            Ok(entity) => stage_entity(&mut mapper, &entity),
            Err(error) => mapper.reject("", &format!("Invalid entity: {error}.")),
        }
    })?;
    Ok(dataset)
}

fn stage_entity(mapper: &mut Mapper<'_, '_>, entity: &Entity) -> Result<(), ReceiverClosed> {
    let Entity { id, schema, .. } = entity;
    if let Some((_, kind)) = ACTORS.iter().find(|(known, _)| known == schema) {
        return actor(mapper, entity, kind);
    }
    let Some((_, from, to, kind, label)) = RELATIONS.iter().find(|(known, ..)| known == schema) else {
        return mapper.reject("schema", &format!("The schema `{schema}` is not supported."));
    };
    let (subjects, objects) = (entity.texts(from), entity.texts(to));
    if subjects.is_empty() || objects.is_empty() {
        return mapper.reject("properties", &format!("A {schema} needs the properties `{from}` and `{to}`."));
    }
    if subjects.len().saturating_mul(objects.len()) > MAX_RELATIONS {
        return mapper
            .reject("properties", &format!("The entity makes more than {MAX_RELATIONS} relations."));
    }
    for subject in &subjects {
        for object in &objects {
            let relation = Relation {
                subject,
                object,
                kind,
                label: entity.first(label),
                from: day(entity.first("startDate")),
                until: day(entity.first("endDate")),
            };
            let key = (subjects.len() * objects.len() == 1).then_some(id.as_str());
            mapper.relation(relation, key, id)?;
        }
    }
    Ok(())
}

fn actor(mapper: &mut Mapper<'_, '_>, entity: &Entity, kind: &str) -> Result<(), ReceiverClosed> {
    let mut known = entity.texts("name");
    let mut names: Vec<Value> = Vec::new();
    for other in known.split_off(known.len().min(1)) {
        names.push(json!({"name": other, "kind": "ALIAS"}));
    }
    for (property, kind) in NAMES {
        names.extend(entity.texts(property).into_iter().map(|name| json!({"name": name, "kind": kind})));
    }
    let mut distinct: Vec<Value> = Vec::new();
    for name in names {
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    let identifiers = IDENTIFIERS
        .iter()
        .flat_map(|(property, scheme)| entity.texts(property).into_iter().map(move |value| (scheme, value)));
    let fields = json!({
        "kind": kind, "names": distinct,
        "identifiers": identifiers.map(|(scheme, value)| mapper.identifier(scheme, value)).collect::<Value>(),
        "citations": mapper.cite(&entity.id),
    });
    mapper.actor(&entity.id, known.first().copied(), fields)
}

impl Entity {
    /// The values of a property; the id of an entity that is embedded.
    fn texts(&self, property: &str) -> Vec<&str> {
        let values = self.properties.get(property).map(Vec::as_slice).unwrap_or_default();
        values.iter().filter_map(|value| value.as_str().or_else(|| value["id"].as_str())).collect()
    }

    fn first(&self, property: &str) -> Option<&str> {
        self.texts(property).first().copied()
    }
}
