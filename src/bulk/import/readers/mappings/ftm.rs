//! `FollowTheMoney`: one entity per line. People and organizations become actors, links between them relations,
//! sanctions events, documents sources.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    io::BufRead,
};

use serde_json::{Map, Value, json};

use crate::bulk::import::{
    readers::{
        self, File, ReadError,
        json::elements,
        mappings::{
            Held, MAX_RELATIONS, Mapper, countries,
            dates::{NOT_A_DATE, PartialDate},
            excerpt, telephone,
        },
        stem_and_extension,
    },
    source_file::Input,
    staging::{Giver, ReceiverClosed, Stager, file_and_line},
    tally::SourceObject,
};

/// Schemata of actors, with the actor's kind and the kind of organization.
const ACTORS: [(&str, &str, Option<&str>); 6] = [
    ("Person", "PERSON", None),
    ("Organization", "ORGANIZATION", None),
    ("PublicBody", "ORGANIZATION", Some("PUBLIC_BODY")),
    ("Company", "ORGANIZATION", Some("COMPANY")),
    ("LegalEntity", "ORGANIZATION", None),
    ("Address", "PLACE", None),
];

/// Schema, property of the subject, property of the object, kind, property of the label, and the label of one that has
/// none.
type Link = (&'static str, &'static str, &'static str, &'static str, &'static str, Option<&'static str>);

/// Schemata of relations.
const RELATIONS: [Link; 9] = [
    ("Directorship", "director", "organization", "POSITION", "role", Some("Director")),
    ("Employment", "employee", "employer", "POSITION", "role", Some("Employee")),
    ("Membership", "member", "organization", "MEMBERSHIP", "role", None),
    ("Ownership", "owner", "asset", "OWNERSHIP", "role", None),
    ("Family", "person", "relative", "FAMILY", "relationship", None),
    ("Associate", "person", "associate", "OTHER", "relationship", Some("Associate")),
    ("Representation", "agent", "client", "OTHER", "role", Some("Representative")),
    ("Succession", "predecessor", "successor", "OTHER", "role", Some("Predecessor")),
    ("UnknownLink", "subject", "object", "OTHER", "role", Some("Link")),
];

const DOCUMENTS: [&str; 11] = [
    "Article",
    "Document",
    "Pages",
    "PlainText",
    "HyperText",
    "Email",
    "Image",
    "Audio",
    "Video",
    "Table",
    "Workbook",
];

/// Properties that are used where there is no name, in the order of `FollowTheMoney`'s captions.
const CAPTIONS: [&str; 4] = ["lastName", "email", "phone", "registrationNumber"];

/// Properties of further names, with the kind of name.
const NAMES: [(&str, &str); 4] = [
    ("previousName", "FORMER"),
    ("abbreviation", "ABBREVIATION"),
    ("alias", "ALIAS"),
    ("weakAlias", "ALIAS"),
];

/// Properties with identifiers of global registers.
const GLOBAL_IDENTIFIERS: [(&str, &str); 3] =
    [("wikidataId", "wikidata"), ("leiCode", "lei"), ("imoNumber", "imo")];

/// Properties with other registers' numbers, which are also the schemes.
const IDENTIFIERS: [&str; 41] = [
    "amlId",
    "bikCode",
    "brightQueryId",
    "brightQueryOrgId",
    "bvdId",
    "cageCode",
    "cikCode",
    "dunsCode",
    "fnsCode",
    "fssCode",
    "giiNumber",
    "ibcRuc",
    "icijId",
    "idNumber",
    "innCode",
    "ipoCode",
    "irsCode",
    "isin",
    "isinCode",
    "jibCode",
    "kppCode",
    "mbsCode",
    "mmsi",
    "npiCode",
    "ogrnCode",
    "okpoCode",
    "opencorporatesUrl",
    "passportNumber",
    "permId",
    "pfrNumber",
    "registrationNumber",
    "ricCode",
    "sayariId",
    "socialSecurityNumber",
    "swiftBic",
    "taxNumber",
    "ticker",
    "unscId",
    "uniqueEntityId",
    "uscCode",
    "vatCode",
];

/// Properties with the code of a country, with the label of the relation to it.
const COUNTRIES: [(&str, Option<&str>); 6] = [
    ("nationality", None),
    ("citizenship", None),
    ("jurisdiction", Some("Jurisdiction")),
    ("mainCountry", Some("Country of origin")),
    ("country", Some("Country")),
    ("birthCountry", Some("Country of birth")),
];

/// Properties that become lines of the summary, with their names there.
const SUMMARIZED: [(&str, &str); 16] = [
    ("title", "Title"),
    ("position", "Position"),
    ("topics", "Topics"),
    ("status", "Status"),
    ("legalForm", "Legal form"),
    ("sector", "Sector"),
    ("classification", "Classification"),
    ("political", "Political association"),
    ("education", "Education"),
    ("religion", "Religion"),
    ("ethnicity", "Ethnicity"),
    ("spokenLanguage", "Languages"),
    ("birthPlace", "Place of birth"),
    ("address", "Address"),
    ("program", "Programme"),
    ("keywords", "Keywords"),
];

/// Topics by the beginning of their codes, with the kind of organization that they stand for.
const TOPICS_OF_ORGANIZATIONS: [(&str, &str); 10] = [
    ("pol.party", "PARTY"),
    ("pol.union", "ASSOCIATION"),
    ("gov.igo", "INTERNATIONAL_BODY"),
    ("gov.judicial", "COURT"),
    ("gov.legislative", "PARLIAMENT"),
    ("gov.security", "SECURITY_FORCE"),
    ("gov.executive", "GOVERNMENT"),
    ("gov", "PUBLIC_BODY"),
    ("mil", "SECURITY_FORCE"),
    ("fin", "COMPANY"),
];

/// Codes of languages with three letters, which have shorter ones.
const LANGUAGES: [(&str, &str); 24] = [
    ("ara", "ar"),
    ("aze", "az"),
    ("bel", "be"),
    ("bul", "bg"),
    ("ces", "cs"),
    ("deu", "de"),
    ("ell", "el"),
    ("eng", "en"),
    ("fra", "fr"),
    ("heb", "he"),
    ("hun", "hu"),
    ("hye", "hy"),
    ("ita", "it"),
    ("jpn", "ja"),
    ("kat", "ka"),
    ("kaz", "kk"),
    ("nld", "nl"),
    ("pol", "pl"),
    ("por", "pt"),
    ("ron", "ro"),
    ("rus", "ru"),
    ("spa", "es"),
    ("tur", "tr"),
    ("ukr", "uk"),
];

/// Maximum number of names that are compared to find the most usual.
const MAX_COMPARED_NAMES: usize = 40;

struct Ftm<'a, 'b> {
    mapper: Mapper<'a, 'b>,
    /// Offices, which the relations of those who held them name.
    positions: HashMap<String, Position>,
    occupancies: Vec<Occupancy>,
    held: Held,
    /// Ids of actors without a name; another fragment may have it.
    nameless: BTreeSet<String>,
    /// Keys of what is staged once only: countries, authorities, publishers, authors.
    staged: BTreeSet<String>,
    /// Entities of the line.
    entities: usize,
}

struct Position {
    name: String,
    /// The key of the organization or country whose office it is.
    of: Option<String>,
    is_held: bool,
}

struct Occupancy {
    id: String,
    holder: String,
    post: String,
    from: Option<String>,
    until: Option<String>,
}

pub fn read(file: File<'_>, mut input: Input, stager: &mut Stager<'_>) -> Result<String, ReadError> {
    let stem = stem_and_extension(file.path).0;
    let stem = stem.trim_end_matches(".ftm").trim_end_matches(".entities");
    let source = json!({"title": format!("[FollowTheMoney: {stem}]")});
    let mapper = Mapper::new(file, stager, None, source)?;
    let mut ftm = Ftm {
        mapper,
        positions: HashMap::new(),
        occupancies: Vec::new(),
        held: Held::default(),
        nameless: BTreeSet::new(),
        staged: BTreeSet::new(),
        entities: 0,
    };
    let is_list = input.fill_buf()?.trim_ascii_start().first() == Some(&b'[');
    if is_list {
        let mut number = 0;
        elements(input, |_, value| {
            number += 1;
            let object = match value {
                Value::Object(object) => Ok(object),
                _ => Err("The entity isn't an object.".to_owned()),
            };
            Ok(ftm.line(number, object)?)
        })?;
    } else {
        readers::objects(file, input, |at, object| ftm.line(file_and_line(at).1.cast_unsigned(), object))?;
    }
    ftm.finish()?;
    Ok(ftm.mapper.dataset)
}

impl<'a> Ftm<'a, '_> {
    fn line(&mut self, line: u64, object: Result<Map<String, Value>, String>) -> Result<(), ReceiverClosed> {
        self.mapper.set_line(line);
        self.entities = 0;
        match object {
            Ok(object) => self.entity(object),
            Err(reason) => self.mapper.reject("", &reason),
        }
    }

    fn entity(&mut self, mut object: Map<String, Value>) -> Result<(), ReceiverClosed> {
        self.entities += 1;
        if self.entities > MAX_RELATIONS {
            return self
                .mapper
                .reject("properties", &format!("The line has more than {MAX_RELATIONS} entities."));
        }
        let text = |value: Option<&Value>| match value {
            Some(Value::String(text)) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let Some(id) = text(object.get("id")) else {
            return self.mapper.reject("id", "An entity needs an id.");
        };
        let Some(schema) = text(object.get("schema")) else {
            return self.mapper.reject("schema", "An entity needs a schema.");
        };
        let mut properties = match object.remove("properties") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(properties)) => properties,
            Some(_) => return self.mapper.reject("properties", "The properties aren't an object."),
        };
        for values in properties.values_mut() {
            self.take_nested(values)?;
        }
        let tally = self.mapper.file.tally;
        let mut entity = SourceObject::new(&schema, object, tally);
        let properties = SourceObject::new(&schema, properties, tally);
        if let Some((_, kind, organization)) = ACTORS.iter().find(|(known, ..)| *known == schema) {
            entity.redundant("id");
            entity.redundant("schema");
            return self.actor(&id, &schema, kind, *organization, entity, properties);
        }
        let relation = RELATIONS.iter().find(|(known, ..)| *known == schema);
        let is_mapped = relation.is_some()
            || DOCUMENTS.contains(&schema.as_str())
            || ["Position", "Occupancy", "Event"].contains(&schema.as_str())
            || schema == "Sanction" && self.mapper.has("Event");
        if !is_mapped {
            return Ok(());
        }
        entity.redundant("id");
        entity.redundant("schema");
        match schema.as_str() {
            "Position" => self.position(id, entity, properties),
            "Occupancy" => self.occupancy(id, properties),
            "Sanction" => self.sanction(&id, properties),
            "Event" => self.event(&id, entity, properties),
            _ => match relation {
                Some(relation) => self.relation(&id, relation, properties),
                None => self.document(&id, &schema, entity, properties),
            },
        }
    }

    /// Stages entities that stand within a property, and leaves their ids there.
    fn take_nested(&mut self, values: &mut Value) -> Result<(), ReceiverClosed> {
        if let Value::Array(values) = values {
            for value in values {
                self.take_nested(value)?;
            }
            return Ok(());
        }
        let id = match values {
            Value::Object(object) if object.contains_key("schema") => object.get("id").cloned(),
            _ => None,
        };
        if let Some(id) = id
            && let Value::Object(object) = std::mem::replace(values, id)
        {
            self.entity(object)?;
        }
        Ok(())
    }

    fn actor(
        &mut self,
        id: &str,
        schema: &str,
        kind: &str,
        organization: Option<&str>,
        mut entity: SourceObject<'a>,
        mut properties: SourceObject<'a>,
    ) -> Result<(), ReceiverClosed> {
        let mut given = properties.texts(if schema == "Address" { "full" } else { "name" });
        let caption = caption(&mut entity, schema, given.is_empty());
        let name =
            caption.or_else(|| most_usual(&given)).or_else(|| substitute_name(schema, &mut properties));
        let mut names = Vec::new();
        let mut seen: BTreeSet<String> = name.iter().cloned().collect();
        given.retain(|other| seen.insert(other.clone()));
        names.extend(given.into_iter().map(|name| json!({"name": name, "kind": "ALIAS"})));
        for (property, kind) in NAMES {
            let others = properties.texts(property).into_iter().filter(|other| seen.insert(other.clone()));
            names.extend(others.map(|name| json!({"name": name, "kind": kind})));
        }
        let topics = properties.texts("topics");
        let of_topics = TOPICS_OF_ORGANIZATIONS
            .iter()
            .find(|(prefix, _)| topics.iter().any(|topic| is_below(topic, prefix)))
            .map(|(_, kind)| *kind);
        let mut fields = json!({
            "kind": kind, "names": names, "identifiers": self.identifiers(id, &entity, &mut properties), "links": links(&mut properties),
            "summary": summary(&mut properties, &topics), "citations": self.mapper.cite(id),
        });
        match kind {
            "PERSON" => {
                fields["bornOn"] = date(&mut properties, "birthDate").into();
                fields["diedOn"] = date(&mut properties, "deathDate").into();
                fields["gender"] = gender(&mut properties).into();
            }
            "PLACE" => {
                fields["latitude"] = number(&mut properties, "latitude");
                fields["longitude"] = number(&mut properties, "longitude");
            }
            _ => {
                fields["organizationKind"] = of_topics.or(organization).into();
                fields["foundedOn"] = date(&mut properties, "incorporationDate").into();
                fields["dissolvedOn"] = date(&mut properties, "dissolutionDate").into();
            }
        }
        match &name {
            Some(name) => self.mapper.actor(id, Some(name), fields)?,
            None => {
                self.nameless.insert(id.to_owned());
                self.mapper.record("Actor", id, &self.mapper.slug(id), fields)?;
            }
        }
        self.countries(id, kind, &mut properties)?;
        for (property, kind, is_subject) in [
            ("parent", "HIERARCHY", true),
            ("subsidiaries", "HIERARCHY", false),
            ("addressEntity", "LOCATION", true),
        ] {
            for other in properties.texts(property).iter().filter(|other| *other != id) {
                let [subject, object] = if is_subject { [id, other] } else { [other, id] };
                let key = format!("{subject} {kind} {object}");
                self.mapper.relation(&key, id, [subject, object], json!({"kind": kind}))?;
            }
        }
        Ok(())
    }

    fn identifiers(
        &self,
        id: &str,
        entity: &SourceObject<'_>,
        properties: &mut SourceObject<'_>,
    ) -> Vec<Value> {
        let mut identifiers = Vec::new();
        let registers = GLOBAL_IDENTIFIERS
            .iter()
            .copied()
            .chain(IDENTIFIERS.iter().map(|property| (*property, *property)));
        for (property, scheme) in registers {
            identifiers
                .extend(properties.texts(property).iter().map(|value| self.mapper.identifier(scheme, value)));
        }
        // OpenSanctions says which of its ids were merged into this one.
        if entity.names().iter().any(|name| name == "referents") {
            identifiers.push(self.mapper.identifier("opensanctions", id));
        }
        let mut distinct: Vec<Value> = Vec::new();
        for identifier in identifiers {
            if !distinct.contains(&identifier) {
                distinct.push(identifier);
            }
        }
        distinct
    }

    fn countries(
        &mut self,
        id: &str,
        kind: &str,
        properties: &mut SourceObject<'_>,
    ) -> Result<(), ReceiverClosed> {
        let mut seen = BTreeSet::new();
        for (property, label) in COUNTRIES {
            for code in properties.texts(property) {
                let Some(country) = self.country(&code)? else {
                    properties.change(property, "left out, the country is not known");
                    continue;
                };
                let is_birth = property == "birthCountry";
                if !is_birth && !seen.insert(country.clone()) {
                    continue;
                }
                let relation = match kind {
                    "PLACE" => "LOCATION",
                    _ if is_birth => "OTHER",
                    _ => "NATIONALITY",
                };
                let label = if kind == "PLACE" { None } else { label };
                let key = format!("{id} {} {code}", if is_birth { "birthCountry" } else { relation });
                let fields = json!({"kind": relation, "label": label});
                self.mapper.relation(&key, id, [id, &country], fields)?;
            }
        }
        Ok(())
    }

    /// The key of a country, which is staged in case it doesn't exist yet.
    fn country(&mut self, code: &str) -> Result<Option<String>, ReceiverClosed> {
        let Some(countries::Country { codes, kind, name }) = countries::by_code(code) else {
            return Ok(None);
        };
        let key = format!("country {}", codes.map_or(name, |[alpha2, _]| alpha2));
        if self.staged.insert(key.clone()) {
            let identifiers: Vec<Value> = codes
                .iter()
                .flat_map(|codes| ["iso3166-1-alpha2", "iso3166-1-alpha3"].into_iter().zip(codes))
                .map(|(scheme, code)| self.mapper.identifier(scheme, code))
                .collect();
            let fields = json!({"kind": kind, "name": name, "identifiers": identifiers});
            self.mapper.fallback(&key, name, fields)?;
        }
        Ok(Some(key))
    }

    /// The key of an actor that is only named.
    fn named(&mut self, what: &str, name: &str, fields: Value) -> Result<String, ReceiverClosed> {
        let key = format!("{what} {name}");
        if self.staged.insert(key.clone()) {
            self.mapper.actor(&key, Some(name), fields)?;
        }
        Ok(key)
    }

    fn relation(
        &mut self,
        id: &str,
        (schema, from, to, kind, label, default): &Link,
        mut properties: SourceObject<'a>,
    ) -> Result<(), ReceiverClosed> {
        let (subjects, objects) = (properties.texts(from), properties.texts(to));
        if subjects.is_empty() && objects.is_empty() {
            return self
                .mapper
                .reject("properties", &format!("A {schema} needs the properties `{from}` and `{to}`."));
        }
        if subjects.len().saturating_mul(objects.len()) > MAX_RELATIONS {
            return self
                .mapper
                .reject("properties", &format!("The entity makes more than {MAX_RELATIONS} relations."));
        }
        let mut labels = properties.texts(label);
        labels.dedup();
        let label = if labels.is_empty() { default.map(ToOwned::to_owned) } else { Some(labels.join("; ")) };
        let fields = json!({
            "kind": kind, "label": label, "validFrom": date(&mut properties, "startDate"), "validUntil": date(&mut properties, "endDate"),
            "share": if *schema == "Ownership" { number(&mut properties, "percentage") } else { Value::Null },
        });
        // A fragment may have one end only; another one has the other.
        let [subjects, objects] = [subjects, objects]
            .map(|ends| if ends.is_empty() { vec![None] } else { ends.into_iter().map(Some).collect() });
        let pairs = subjects.iter().flat_map(|subject| objects.iter().map(move |object| (subject, object)));
        for (place, (subject, object)) in pairs.enumerate() {
            if subject.is_some() && subject == object {
                self.mapper.file.tally.borrow_mut().change(schema, "left out, it ties an entity to itself");
                continue;
            }
            let ends = [subject, object].map(|end| end.as_deref().unwrap_or_default());
            let key = if place == 0 { id.to_owned() } else { format!("{id} {}", ends.join(" ")) };
            let mut fields = fields.clone();
            for (end, key) in [("subject", subject), ("object", object)] {
                if let Some(key) = key {
                    fields[end] = self.mapper.reference(key);
                }
            }
            fields["citations"] = self.mapper.cite(id);
            self.mapper.stage("Relation", &key, &self.mapper.slug(&key), fields, Giver::Optional)?;
        }
        Ok(())
    }

    fn position(
        &mut self,
        id: String,
        mut entity: SourceObject<'a>,
        mut properties: SourceObject<'a>,
    ) -> Result<(), ReceiverClosed> {
        let names = properties.texts("name");
        let Some(name) = caption(&mut entity, "Position", names.is_empty()).or_else(|| most_usual(&names))
        else {
            return self.mapper.reject("properties", "A Position needs a name.");
        };
        let mut at = properties.texts("organization").into_iter().next();
        for code in properties.texts("country") {
            match self.country(&code)? {
                None => properties.change("country", "left out, the country is not known"),
                country => at = at.or(country),
            }
        }
        if self.held.has_room(id.len() + name.len()) {
            self.positions.insert(id, Position { name, of: at, is_held: false });
        } else {
            properties.change("name", "left out, the file has too many offices");
        }
        Ok(())
    }

    fn occupancy(&mut self, id: String, mut properties: SourceObject<'a>) -> Result<(), ReceiverClosed> {
        let (Some(holder), Some(post)) = (properties.text("holder"), properties.text("post")) else {
            return self
                .mapper
                .reject("properties", "An Occupancy needs the properties `holder` and `post`.");
        };
        let (from, until) = (date(&mut properties, "startDate"), date(&mut properties, "endDate"));
        let has_room = self.held.has_room(id.len() + holder.len() + post.len());
        let occupancy = Occupancy { id, holder, post, from, until };
        if has_room {
            self.occupancies.push(occupancy);
            return Ok(());
        }
        self.stage_occupancy(occupancy)
    }

    /// An office is the label of a relation to the organization or country whose office it is.
    fn stage_occupancy(&mut self, occupancy: Occupancy) -> Result<(), ReceiverClosed> {
        let Occupancy { id, holder, post, from, until } = occupancy;
        let position = self.positions.get_mut(&post).map(|position| {
            position.is_held = true;
            (position.name.clone(), position.of.clone())
        });
        let (object, label) = match position {
            Some((name, Some(of))) => (of, Some(name)),
            // Where it is not known whose office it is, it stands for itself.
            other => {
                let name = other.map_or_else(|| post.clone(), |(name, _)| name);
                self.mapper.fallback(&post, &name, json!({"kind": "ORGANIZATION"}))?;
                (post, None)
            }
        };
        let fields = json!({"kind": "POSITION", "label": label, "validFrom": from, "validUntil": until});
        self.mapper.relation(&id, &id, [&holder, &object], fields)
    }

    fn stage_unheld(&mut self) {
        let mut tally = self.mapper.file.tally.borrow_mut();
        for _ in self.positions.drain().filter(|(_, position)| !position.is_held) {
            tally.change("Position", "left out, the file has no holder of it");
        }
    }

    fn sanction(&mut self, id: &str, mut properties: SourceObject<'a>) -> Result<(), ReceiverClosed> {
        let targets = properties.texts("entity");
        let authorities = properties.texts("authority");
        let mut actors = Vec::new();
        for authority in &authorities {
            let fields = json!({"kind": "ORGANIZATION", "organizationKind": "PUBLIC_BODY"});
            actors.push(self.named("authority", authority, fields)?);
        }
        for code in properties.texts("country") {
            let Some(country) = self.country(&code)? else {
                properties.change("country", "left out, the country is not known");
                continue;
            };
            match actors.as_slice() {
                [] => actors.push(country),
                [authority] if !authorities.is_empty() => {
                    let key = format!("{authority} NATIONALITY {country}");
                    if self.staged.insert(key.clone()) {
                        let ends = [authority.as_str(), country.as_str()];
                        self.mapper.relation(&key, id, ends, json!({"kind": "NATIONALITY"}))?;
                    }
                }
                _ => properties.change("country", "left out, the sanction has several authorities"),
            }
        }
        let mut lines = vec![match authorities.as_slice() {
            [] => "Sanctions.".to_owned(),
            names => format!("Sanctions by {}.", names.join(", ")),
        }];
        lines.extend(properties.texts("summary"));
        for (property, name) in [
            ("program", "Programme"),
            ("programId", "Programme's id"),
            ("programUrl", "Programme's page"),
            ("reason", "Reason"),
            ("provisions", "Provisions"),
            ("authorityId", "Authority's id"),
            ("unscId", "UN Security Council's id"),
            ("recordId", "Record"),
            ("listingDate", "Listed on"),
            ("duration", "Duration"),
            ("status", "Status"),
            ("description", "Description"),
            ("sourceUrl", "Source"),
        ] {
            lines.extend(line_of(name, &properties.peek_texts(property)));
            if property != "listingDate" {
                properties.texts(property);
            }
        }
        let from = date(&mut properties, "startDate").or_else(|| date(&mut properties, "listingDate"));
        properties.texts("listingDate");
        let references =
            |keys: &[String]| keys.iter().map(|key| self.mapper.reference(key)).collect::<Vec<_>>();
        let fields = json!({
            "summary": lines.join("\n"), "eventType": "SANCTION", "actors": references(&actors),
            "targets": references(&targets), "occurredOn": from, "endedOn": date(&mut properties, "endDate"),
            "citations": self.mapper.cite(id),
        });
        self.mapper.record("Event", id, &self.mapper.slug(id), fields)
    }

    /// What `FollowTheMoney` calls an event is an occasion at which those involved met.
    fn event(
        &mut self,
        id: &str,
        mut entity: SourceObject<'a>,
        mut properties: SourceObject<'a>,
    ) -> Result<(), ReceiverClosed> {
        let names = properties.texts("name");
        let mut lines = properties.texts("summary");
        lines.extend(properties.texts("description"));
        let name = caption(&mut entity, "Event", names.is_empty())
            .or_else(|| most_usual(&names))
            .or_else(|| lines.first().map(|text| excerpt(text)))
            .unwrap_or_else(|| id.to_owned());
        for (property, what) in [
            ("location", "Location"),
            ("address", "Address"),
            ("country", "Country"),
            ("keywords", "Keywords"),
        ] {
            lines.extend(line_of(what, &properties.texts(property)));
        }
        let hosts = properties.texts("organizer");
        let others: Vec<String> =
            properties.texts("involved").into_iter().filter(|other| !hosts.contains(other)).collect();
        let participants: Vec<Value> = [("HOST", hosts), ("ATTENDEE", others)]
            .into_iter()
            .flat_map(|(role, actors)| actors.into_iter().map(move |actor| (role, actor)))
            .map(|(role, actor)| json!({"actor": self.mapper.reference(&actor), "role": role}))
            .collect();
        let from = date(&mut properties, "startDate").or_else(|| date(&mut properties, "date"));
        let fields = json!({
            "name": name, "summary": (!lines.is_empty()).then(|| lines.join("\n")), "mode": "OTHER", "status": "OCCURRED",
            "startsOn": from, "endsOn": date(&mut properties, "endDate"), "participants": participants,
            "citations": self.mapper.cite(id),
        });
        self.mapper.record("Meeting", id, &self.mapper.slug(id), fields)
    }

    fn document(
        &mut self,
        id: &str,
        schema: &str,
        mut entity: SourceObject<'a>,
        mut properties: SourceObject<'a>,
    ) -> Result<(), ReceiverClosed> {
        let mut title = caption(&mut entity, schema, false);
        for property in ["title", "subject", "name", "fileName"] {
            title = title.or_else(|| properties.text(property));
        }
        let title = title.unwrap_or_else(|| {
            properties.change("title", "missing, the id is used");
            id.to_owned()
        });
        let kind = if schema == "Article" { "MEDIA" } else { "ORGANIZATION" };
        let publisher = match properties.text("publisher") {
            Some(name) => Some(self.named("publisher", &name, json!({"kind": kind}))?),
            None => None,
        };
        let mut authors = Vec::new();
        for name in properties.texts("author") {
            authors.push(self.named("author", &name, json!({"kind": "PERSON"}))?);
        }
        let language = properties.text("language");
        let language = language.map(|language| {
            let short = LANGUAGES.iter().find(|(long, _)| *long == language);
            short.map_or(language.clone(), |(_, short)| (*short).to_owned())
        });
        let on =
            ["publishedAt", "date", "authoredAt"].iter().find_map(|property| date(&mut properties, property));
        let content = properties.texts("bodyText").join("\n\n");
        let text = json!([{"content": content, "mediaType": "text/plain", "language": language}]);
        let fields = json!({
            "title": title, "url": properties.text("sourceUrl"), "language": language, "publishedOn": on,
            "texts": (!content.is_empty()).then_some(text),
            "publisher": publisher.map(|key| self.mapper.reference(&key)),
            "authors": authors.iter().map(|key| self.mapper.reference(key)).collect::<Vec<_>>(),
        });
        let slug = super::slug(&title);
        let slug = if slug.is_empty() { self.mapper.slug(id) } else { slug };
        self.mapper.record("Source", id, &slug, fields)
    }

    /// What waited for the end of the file.
    fn finish(&mut self) -> Result<(), ReceiverClosed> {
        for occupancy in std::mem::take(&mut self.occupancies) {
            self.mapper.next_line();
            self.stage_occupancy(occupancy)?;
        }
        self.stage_unheld();
        for id in std::mem::take(&mut self.nameless) {
            self.mapper.next_line();
            self.mapper.record("Actor", &id, &self.mapper.slug(&id), json!({"name": id}))?;
        }
        Ok(())
    }
}

/// The caption, unless it is only the schema, as `FollowTheMoney` writes for an entity without a name.
fn caption(entity: &mut SourceObject<'_>, schema: &str, is_nameless: bool) -> Option<String> {
    let caption = entity.text("caption")?;
    let same = |letter: &char| letter.is_alphanumeric();
    let is_schema = caption.to_lowercase().chars().filter(same).eq(schema.to_lowercase().chars());
    (!(is_schema && is_nameless)).then_some(caption)
}

/// The name that is most like all others, as `FollowTheMoney` chooses a caption: each form of a name, and its spelling in
/// Latin letters, weighs as much as the names that have it, those in Latin letters twice. A single Latin name is taken
/// whatever the others are.
fn most_usual(names: &[String]) -> Option<String> {
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let latin: Vec<&str> = names.iter().copied().filter(|name| latin_share(name) > 0.85).collect();
    if let [only] = latin[..] {
        return Some(only.to_owned());
    }
    let mut forms: BTreeMap<String, (f64, Vec<&str>)> = BTreeMap::new();
    for name in names.into_iter().take(MAX_COMPARED_NAMES) {
        let form = name.trim().to_lowercase();
        for form in [deunicode::deunicode(&form).to_lowercase(), form] {
            let (weight, of) = forms.entry(form).or_default();
            *weight += 1.0 + latin_share(name);
            of.push(name);
        }
    }
    let score = |form: &str, weight: f64| {
        let others = forms.iter().filter(|(other, _)| *other != form);
        let likeness = |(other, (weight, _)): (&String, &(f64, Vec<&str>))| {
            strsim::normalized_levenshtein(form, other).max(0.1) * weight
        };
        weight * others.map(likeness).sum::<f64>()
    };
    let mut scored: Vec<(f64, &Vec<&str>)> =
        forms.iter().map(|(form, (weight, of))| (score(form, *weight), of)).collect();
    scored.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let best = scored.into_iter().find_map(|(_, of)| {
        let fits = of.iter().filter(|name| latin.is_empty() || latin.contains(name));
        // In capitals only where words begin.
        fits.min_by_key(|name| {
            let capitals = name.chars().filter(|letter| letter.is_uppercase()).count();
            (capitals.abs_diff(name.split_whitespace().count()), **name)
        })
    });
    best.map(|name| (*name).to_owned())
}

/// How many of the letters of a text are Latin: 0 to 1.
fn latin_share(text: &str) -> f64 {
    let letters = || text.chars().filter(|letter| letter.is_alphabetic());
    let latin = letters().filter(|letter| *letter < '\u{250}').count();
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    count(latin) / count(letters().count().max(1))
}

fn substitute_name(schema: &str, properties: &mut SourceObject<'_>) -> Option<String> {
    if schema == "Address" {
        let parts = ["postOfficeBox", "street", "postalCode", "city", "region", "state"];
        let parts: Vec<String> = parts.iter().filter_map(|part| properties.text(part)).collect();
        return (!parts.is_empty()).then(|| parts.join(", "));
    }
    let first = |property: &str| properties.peek_texts(property).into_iter().next();
    if schema == "Person"
        && let (Some(given), Some(family)) = (first("firstName"), first("lastName"))
    {
        return Some(format!("{given} {family}"));
    }
    CAPTIONS.iter().find_map(|property| first(property))
}

fn summary(properties: &mut SourceObject<'_>, topics: &[String]) -> Option<String> {
    let mut lines: Vec<String> = Vec::new();
    for property in ["summary", "description", "notes"] {
        for text in properties.texts(property) {
            if !lines.contains(&text) {
                lines.push(text);
            }
        }
    }
    let topics: Vec<String> = topics.iter().map(|topic| topic_in_words(topic)).collect();
    for (property, name) in SUMMARIZED {
        let values = if property == "topics" { topics.clone() } else { properties.texts(property) };
        lines.extend(line_of(name, &values));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn line_of(name: &str, values: &[String]) -> Option<String> {
    let mut distinct: Vec<&str> = Vec::new();
    for value in values {
        if !distinct.contains(&value.as_str()) {
            distinct.push(value);
        }
    }
    (!distinct.is_empty()).then(|| format!("{name}: {}", distinct.join("; ")))
}

fn is_below(topic: &str, prefix: &str) -> bool {
    topic.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn topic_in_words(topic: &str) -> String {
    const WORDS: [(&str, &str); 25] = [
        ("role.pep", "politically exposed person"),
        ("role.pol", "politician"),
        ("role.rca", "close associate or relative"),
        ("role.judge", "judge"),
        ("role.civil", "civil servant"),
        ("role.diplo", "diplomat"),
        ("role.lawyer", "lawyer"),
        ("role.spy", "intelligence officer"),
        ("role.oligarch", "oligarch"),
        ("role.journo", "journalist"),
        ("role.act", "activist"),
        ("sanction", "sanctioned"),
        ("sanction.linked", "linked to the sanctioned"),
        ("sanction.counter", "counter-sanctioned"),
        ("debarment", "debarred"),
        ("poi", "person of interest"),
        ("wanted", "wanted"),
        ("crime", "crime"),
        ("crime.terror", "terrorism"),
        ("crime.war", "war crimes"),
        ("corp.offshore", "offshore company"),
        ("corp.disqual", "disqualified director"),
        ("gov.soe", "state-owned company"),
        ("pol.party", "political party"),
        ("fin.bank", "bank"),
    ];
    let words = WORDS.iter().find(|(code, _)| *code == topic);
    words.map_or_else(|| topic.to_owned(), |(_, words)| (*words).to_owned())
}

fn links(properties: &mut SourceObject<'_>) -> Vec<Value> {
    let mut links = Vec::new();
    for (property, kind, note) in [
        ("website", "WEBSITE", None),
        ("wikipediaUrl", "PROFILE", Some("Wikipedia")),
        ("sourceUrl", "PROFILE", Some("Source")),
        ("alephUrl", "PROFILE", Some("Aleph")),
        ("email", "CONTACT", None),
        ("phone", "CONTACT", None),
    ] {
        for value in properties.texts(property) {
            let url = match property {
                "email" => format!("mailto:{}", value.trim_start_matches("mailto:")),
                "phone" => telephone(&value),
                _ if value.contains("://") => value.clone(),
                _ => {
                    properties.change(property, "http:// was added");
                    format!("http://{value}")
                }
            };
            let note = if property == "phone" { Some(value.as_str()) } else { note };
            let link = json!({"url": url, "kind": kind, "note": note});
            if links.iter().all(|known: &Value| known["url"] != link["url"]) {
                links.push(link);
            }
        }
    }
    links
}

fn gender(properties: &mut SourceObject<'_>) -> Option<&'static str> {
    let gender = properties.text("gender")?;
    match gender.to_lowercase().as_str() {
        "female" | "f" | "w" => Some("FEMALE"),
        "male" | "m" => Some("MALE"),
        "other" | "divers" | "x" => Some("OTHER"),
        _ => {
            properties.change("gender", "left out, not female, male or other");
            None
        }
    }
}

fn number(properties: &mut SourceObject<'_>, property: &str) -> Value {
    let Some(text) = properties.text(property) else { return Value::Null };
    let number = text.trim_end_matches('%').trim().replace(',', ".").parse::<f64>();
    number.ok().filter(|number| number.is_finite()).map_or_else(
        || {
            properties.change(property, "left out, not a number");
            Value::Null
        },
        Value::from,
    )
}

/// Of several dates the one that most others agree with, as precise as one of them is.
fn date(properties: &mut SourceObject<'_>, property: &str) -> Option<String> {
    let mut dates: Vec<String> = Vec::new();
    for text in properties.texts(property) {
        match PartialDate::read(&text).and_then(PartialDate::text) {
            Some(date) => dates.push(date),
            None => properties.change(property, NOT_A_DATE),
        }
    }
    let agree = |one: &str, other: &str| one.starts_with(other) || other.starts_with(one);
    let agreeing = |date: &str| dates.iter().filter(|other| agree(date, other)).count();
    let best = dates.iter().max_by_key(|date| (agreeing(date), date.len(), Reverse(*date)))?;
    for _ in dates.iter().filter(|other| !agree(best, other)) {
        properties.change(property, "left out, another date contradicts it");
    }
    Some(best.clone())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn the_caption_is_the_name_that_is_most_like_the_others() {
        for (names, caption) in [
            (&["Lee Ho", "LEE Ho"][..], "Lee Ho"),
            (&["SAMPLE, Ada", "Ada Sample", "Ада Сампле"], "Ada Sample"),
            (
                &["Mill LLC", "ООО Мельница", "Mill Limited Liability Company"],
                "Mill Limited Liability Company",
            ),
            (&["Ада", "Ada"], "Ada"),
            (&["ACME", "Acme Inc", "ACME INC."], "Acme Inc"),
            (&["Müller", "Mueller"], "Mueller"),
            (&["B", "A"], "A"),
            (&["Ада Сампле"], "Ада Сампле"),
        ] {
            let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(most_usual(&names).as_deref(), Some(caption));
            names.reverse();
            assert_eq!(most_usual(&names).as_deref(), Some(caption), "in any order");
        }
        assert_eq!(most_usual(&[]), None);
    }

    #[test]
    fn of_several_dates_the_most_precise_that_others_agree_with_is_taken() {
        let tally = RefCell::default();
        let properties =
            json!({"a": ["2014-05-03T00:00:00", "2014", "1999"], "b": ["2020-01-01", "2021"], "c": ["soon"]});
        let Value::Object(properties) = properties else { unreachable!() };
        let mut properties = SourceObject::new("X", properties, &tally);
        assert_eq!(date(&mut properties, "a").as_deref(), Some("2014-05-03"));
        assert_eq!(date(&mut properties, "b").as_deref(), Some("2020-01-01"));
        assert_eq!(date(&mut properties, "c"), None);
        drop(properties);
        let changed: Vec<_> = tally.into_inner().changed.into_keys().collect();
        let contradicts = "left out, another date contradicts it";
        assert_eq!(
            changed,
            [format!("X.a: {contradicts}"), format!("X.b: {contradicts}"), format!("X.c: {NOT_A_DATE}")]
        );
    }

    #[test]
    fn the_most_usual_name_is_in_latin_letters_and_not_shouted() {
        let names =
            ["АРУ БЕКОВА", "BEKOVA, Aru", "ARU BEKOVA", "Aru Bekova", "Aru Bekovа"].map(ToOwned::to_owned);
        assert_eq!(most_usual(&names).as_deref(), Some("Aru Bekova"));
        assert_eq!(most_usual(&names[..1]).as_deref(), Some("АРУ БЕКОВА"));
        assert_eq!(most_usual(&[]), None);
    }
}
