//! Wikidata's JSON: entities in a document (`{"entities": {…}}`), in a list, or one after the other. People,
//! organizations, countries and places become actors, statements between them relations.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write,
    io::Read,
};

use serde_json::{Map, Value, json};

use crate::bulk::import::{
    readers::{
        File, ReadError,
        json::{Element, documents},
        mappings::{Held, Mapper, dates::PartialDate, telephone},
    },
    source_file::Input,
    staging::{ReceiverClosed, Stager},
    tally::{SourceObject, Tally},
};

const DATASET: &str = "wikidata";

/// Classes by which the kind of an actor is known, with the kind of organization.
const CLASSES: [(&str, &str, Option<&str>); 66] = [
    ("Q5", "PERSON", None),
    ("Q6256", "COUNTRY", None),
    ("Q3624078", "COUNTRY", None),
    ("Q7275", "COUNTRY", None),
    ("Q3024240", "COUNTRY", None),
    ("Q10711424", "TERRITORY", None),
    ("Q15239622", "TERRITORY", None),
    ("Q161243", "TERRITORY", None),
    ("Q46395", "TERRITORY", None),
    ("Q515", "PLACE", None),
    ("Q1549591", "PLACE", None),
    ("Q5119", "PLACE", None),
    ("Q3957", "PLACE", None),
    ("Q532", "PLACE", None),
    ("Q486972", "PLACE", None),
    ("Q15284", "PLACE", None),
    ("Q35657", "PLACE", None),
    ("Q10864048", "PLACE", None),
    ("Q82794", "PLACE", None),
    ("Q41176", "PLACE", None),
    ("Q16560", "PLACE", None),
    ("Q2221906", "PLACE", None),
    ("Q11032", "MEDIA", None),
    ("Q1153191", "MEDIA", None),
    ("Q41298", "MEDIA", None),
    ("Q192283", "MEDIA", None),
    ("Q1616075", "MEDIA", None),
    ("Q15265344", "MEDIA", None),
    ("Q41710", "GROUP", None),
    ("Q7278", "ORGANIZATION", Some("PARTY")),
    ("Q233591", "ORGANIZATION", Some("PARTY")),
    ("Q35749", "ORGANIZATION", Some("PARLIAMENT")),
    ("Q11204", "ORGANIZATION", Some("PARLIAMENT")),
    ("Q37002670", "ORGANIZATION", Some("PARLIAMENT")),
    ("Q189445", "ORGANIZATION", Some("PARLIAMENT")),
    ("Q637846", "ORGANIZATION", Some("PARLIAMENT")),
    ("Q375928", "ORGANIZATION", Some("PARLIAMENT")),
    ("Q848197", "ORGANIZATION", Some("PARLIAMENTARY_GROUP")),
    ("Q7188", "ORGANIZATION", Some("GOVERNMENT")),
    ("Q640506", "ORGANIZATION", Some("GOVERNMENT")),
    ("Q192350", "ORGANIZATION", Some("MINISTRY")),
    ("Q327333", "ORGANIZATION", Some("PUBLIC_BODY")),
    ("Q41487", "ORGANIZATION", Some("COURT")),
    ("Q190752", "ORGANIZATION", Some("COURT")),
    ("Q772547", "ORGANIZATION", Some("SECURITY_FORCE")),
    ("Q37726", "ORGANIZATION", Some("SECURITY_FORCE")),
    ("Q35535", "ORGANIZATION", Some("SECURITY_FORCE")),
    ("Q47913", "ORGANIZATION", Some("SECURITY_FORCE")),
    ("Q17127659", "ORGANIZATION", Some("ARMED_GROUP")),
    ("Q484652", "ORGANIZATION", Some("INTERNATIONAL_BODY")),
    ("Q245065", "ORGANIZATION", Some("INTERNATIONAL_BODY")),
    ("Q4830453", "ORGANIZATION", Some("COMPANY")),
    ("Q783794", "ORGANIZATION", Some("COMPANY")),
    ("Q6881511", "ORGANIZATION", Some("COMPANY")),
    ("Q891723", "ORGANIZATION", Some("COMPANY")),
    ("Q22687", "ORGANIZATION", Some("COMPANY")),
    ("Q163740", "ORGANIZATION", Some("ASSOCIATION")),
    ("Q79913", "ORGANIZATION", Some("ASSOCIATION")),
    ("Q48204", "ORGANIZATION", Some("ASSOCIATION")),
    ("Q157031", "ORGANIZATION", Some("ASSOCIATION")),
    ("Q178790", "ORGANIZATION", Some("ASSOCIATION")),
    ("Q3918", "ORGANIZATION", Some("UNIVERSITY")),
    ("Q31855", "ORGANIZATION", Some("UNIVERSITY")),
    ("Q155271", "ORGANIZATION", None),
    ("Q178706", "ORGANIZATION", None),
    ("Q43229", "ORGANIZATION", None),
];

/// Properties that only items of one kind have. They decide the kind where the class doesn't.
const PROPERTIES_OF_KINDS: [(&str, &str); 14] = [
    ("P569", "PERSON"),
    ("P570", "PERSON"),
    ("P21", "PERSON"),
    ("P27", "PERSON"),
    ("P39", "PERSON"),
    ("P106", "PERSON"),
    ("P112", "ORGANIZATION"),
    ("P159", "ORGANIZATION"),
    ("P452", "ORGANIZATION"),
    ("P488", "ORGANIZATION"),
    ("P749", "ORGANIZATION"),
    ("P1278", "ORGANIZATION"),
    ("P1454", "ORGANIZATION"),
    ("P625", "PLACE"),
];

/// Classes of offices, legislative terms and constituencies: what relations name.
const NAMED: [&str; 8] =
    ["Q4164871", "Q294414", "Q83307", "Q15238777", "Q192611", "Q2100496", "Q4175034", "Q12330004"];

/// Properties with identifiers of global registers.
const IDENTIFIERS: [(&str, &str); 10] = [
    ("P214", "viaf"),
    ("P213", "isni"),
    ("P227", "gnd"),
    ("P496", "orcid"),
    ("P1278", "lei"),
    ("P1157", "bioguide"),
    ("P10632", "opensanctions"),
    ("P297", "iso3166-1-alpha2"),
    ("P298", "iso3166-1-alpha3"),
    ("P458", "imo"),
];

/// Properties with names, and the kind of name.
const NAMES: [(&str, &str); 4] =
    [("P1448", "ALIAS"), ("P1559", "TRANSLITERATION"), ("P1477", "FORMER"), ("P1813", "ABBREVIATION")];

/// Properties of links, with their kind.
const LINKS: [(&str, &str); 6] = [
    ("P856", "WEBSITE"),
    ("P18", "IMAGE"),
    ("P154", "IMAGE"),
    ("P41", "IMAGE"),
    ("P968", "CONTACT"),
    ("P1329", "CONTACT"),
];

/// How a statement becomes a relation.
struct RelationRule {
    property: &'static str,
    kind: &'static str,
    label: Option<&'static str>,
    /// Kind of the item that it leads to, where that isn't in the file.
    of: &'static str,
    organization: Option<&'static str>,
    /// Whether the item that it leads to is the relation's subject.
    is_reversed: bool,
}

const fn rule(
    property: &'static str,
    kind: &'static str,
    label: Option<&'static str>,
    of: &'static str,
    organization: Option<&'static str>,
) -> RelationRule {
    RelationRule { property, kind, label, of, organization, is_reversed: false }
}

const RELATIONS: [RelationRule; 14] = [
    rule("P102", "MEMBERSHIP", None, "ORGANIZATION", Some("PARTY")),
    rule("P463", "MEMBERSHIP", None, "ORGANIZATION", None),
    rule("P108", "POSITION", Some("Employee"), "ORGANIZATION", None),
    rule("P27", "NATIONALITY", None, "COUNTRY", None),
    rule("P17", "NATIONALITY", Some("Country"), "COUNTRY", None),
    rule("P131", "LOCATION", None, "PLACE", None),
    rule("P159", "LOCATION", Some("Headquarters"), "PLACE", None),
    rule("P749", "HIERARCHY", None, "ORGANIZATION", None),
    RelationRule { is_reversed: true, ..rule("P127", "OWNERSHIP", None, "ORGANIZATION", None) },
    rule("P22", "FAMILY", Some("Child"), "PERSON", None),
    rule("P25", "FAMILY", Some("Child"), "PERSON", None),
    rule("P26", "FAMILY", Some("Spouse"), "PERSON", None),
    rule("P40", "FAMILY", Some("Parent"), "PERSON", None),
    rule("P3373", "FAMILY", Some("Sibling"), "PERSON", None),
];

struct Wikidata<'a, 'b> {
    mapper: Mapper<'a, 'b>,
    /// Labels of items that relations name.
    labels: HashMap<String, String>,
    /// Offices, and what they are offices of.
    offices: HashMap<String, String>,
    /// Offices that people held, until the labels of all items are known.
    held_offices: Vec<Office>,
    held: Held,
    /// Items that relations lead to, with their kind where they aren't in the file.
    referred: BTreeMap<String, (&'static str, Option<&'static str>)>,
}

/// An office, and who held it.
struct Office {
    id: String,
    holder: String,
    post: String,
    of: Option<String>,
    party: Option<String>,
    area: Option<String>,
    term: Option<String>,
    from: Option<String>,
    until: Option<String>,
}

/// A statement of an item about a property.
struct Claim {
    id: String,
    value: Value,
    qualifiers: Map<String, Value>,
}

pub fn read(file: File<'_>, input: Input, stager: &mut Stager<'_>) -> Result<String, ReadError> {
    let source = json!({"title": "[Wikidata]", "url": "https://www.wikidata.org/"});
    let mapper = Mapper::new(file, stager, Some(DATASET), source)?;
    let mut wikidata = Wikidata {
        mapper,
        labels: HashMap::new(),
        offices: HashMap::new(),
        held_offices: Vec::new(),
        held: Held::default(),
        referred: BTreeMap::new(),
    };
    let mut number = 0;
    entities(input, |entity| {
        number += 1;
        wikidata.mapper.set_line(number);
        Ok(wikidata.entity(entity)?)
    })?;
    wikidata.finish()?;
    Ok(wikidata.mapper.dataset)
}

fn entities(input: impl Read, mut each: impl FnMut(Value) -> Result<(), ReadError>) -> Result<(), ReadError> {
    documents(input, "entities", |element| match element {
        Element::Member(entity) => each(entity),
        Element::Rest(rest) if rest.contains_key("labels") || rest.contains_key("claims") => {
            each(Value::Object(rest))
        }
        Element::Rest(_) => Ok(()),
    })
}

impl Wikidata<'_, '_> {
    fn entity(&mut self, entity: Value) -> Result<(), ReceiverClosed> {
        let Value::Object(mut entity) = entity else {
            return self.mapper.reject("", "The entity isn't an object.");
        };
        let Some(id) = entity.get("id").and_then(Value::as_str).map(ToOwned::to_owned) else {
            return self.mapper.reject("id", "An entity needs an id.");
        };
        if entity.contains_key("missing") {
            let reason = "left out, Wikidata has no such entity";
            self.mapper.file.tally.borrow_mut().change("missing", reason);
            return Ok(());
        }
        let mut take = |field: &str| match entity.remove(field) {
            Some(Value::Object(object)) => object,
            _ => Map::new(),
        };
        let [labels, descriptions, aliases, claims] =
            ["labels", "descriptions", "aliases", "claims"].map(&mut take);
        let tally = self.mapper.file.tally;
        let mut top = SourceObject::new("", entity, tally);
        for known in ["id", "type"] {
            top.redundant(known);
        }
        let mut claims = self.claims(claims);
        let name = label(&labels);
        let (kind, is_named) = kind_of(&claims);
        let Some((kind, organization)) = kind else {
            if !is_named {
                self.change(
                    "P31",
                    "missing or of no class that is kept: the item only names what relations refer to",
                );
            }
            self.hold(id, name, &claims);
            self.ignore(claims);
            return Ok(());
        };
        self.actor(&id, kind, organization, name.as_deref(), (labels, descriptions, aliases), &mut claims)?;
        self.relations(&id, kind, &mut claims)?;
        self.ignore(claims);
        Ok(())
    }

    /// Keeps what relations name: an office, a term, a constituency, or something else.
    fn hold(&mut self, id: String, name: Option<String>, claims: &BTreeMap<String, Vec<Claim>>) {
        if let Some(name) = name {
            if self.held.has_room(id.len() + name.len()) {
                self.keep("labels (of what relations name)");
                self.labels.insert(id.clone(), name);
            } else {
                self.change("labels", "left out, the file has too many offices");
            }
        }
        let mut of = ["P2389", "P361", "P1001", "P17"].into_iter();
        let of = of.find_map(|property| claims.get(property)?.iter().find_map(|claim| item(&claim.value)));
        if let Some(of) = of {
            self.offices.insert(id, of);
        }
    }

    /// The statements by property, without deprecated ones, and those of the best rank first.
    fn claims(&self, claims: Map<String, Value>) -> BTreeMap<String, Vec<Claim>> {
        let mut tally = self.mapper.file.tally.borrow_mut();
        let mut known: BTreeMap<String, Vec<Claim>> = BTreeMap::new();
        for (property, statements) in claims {
            let Value::Array(mut statements) = statements else {
                tally.change(&format!("claims.{property}"), "left out, expected a list");
                continue;
            };
            statements.sort_by_key(|statement| statement["rank"] != "preferred");
            for mut statement in statements {
                if statement["rank"] == "deprecated" {
                    tally.ignore(&format!("claims.{property} (deprecated)"));
                    continue;
                }
                let value =
                    statement.pointer_mut("/mainsnak/datavalue/value").map(Value::take).unwrap_or_default();
                if value.is_null() {
                    tally.ignore(&format!("claims.{property} (no value)"));
                    continue;
                }
                let qualifiers = match statement.get_mut("qualifiers").map(Value::take) {
                    Some(Value::Object(qualifiers)) => qualifiers,
                    _ => Map::new(),
                };
                if let Value::Array(references) = &statement["references"] {
                    for _ in references {
                        tally.ignore("claims.references");
                    }
                }
                let id = statement["id"].as_str().unwrap_or_default().to_owned();
                known.entry(property.clone()).or_default().push(Claim { id, value, qualifiers });
            }
        }
        known
    }

    /// Counts the statements that the mapping didn't use as ignored.
    fn ignore(&self, claims: BTreeMap<String, Vec<Claim>>) {
        let mut tally = self.mapper.file.tally.borrow_mut();
        for (property, claims) in claims {
            for claim in claims {
                tally.ignore(&format!("claims.{property}"));
                ignore_qualifiers(&mut tally, &property, &claim.qualifiers);
            }
        }
    }

    fn keep(&self, field: &str) {
        self.mapper.file.tally.borrow_mut().keep(field);
    }

    fn change(&self, field: &str, reason: &str) {
        self.mapper.file.tally.borrow_mut().change(field, reason);
    }

    fn actor(
        &mut self,
        id: &str,
        kind: &str,
        organization: Option<&str>,
        name: Option<&str>,
        (labels, descriptions, aliases): (Map<String, Value>, Map<String, Value>, Map<String, Value>),
        claims: &mut BTreeMap<String, Vec<Claim>>,
    ) -> Result<(), ReceiverClosed> {
        let names = self.names(name, &labels, &aliases, claims);
        let description = label(&descriptions);
        if description.is_some() {
            self.keep("descriptions");
        }
        for _ in descriptions.iter().skip(1) {
            self.mapper.file.tally.borrow_mut().ignore("descriptions (other languages)");
        }
        if claims.remove("P31").is_some() {
            self.keep("claims.P31");
        }
        let identifiers = self.identifiers(id, claims);
        let mut fields = json!({
            "kind": kind, "names": names, "identifiers": identifiers, "links": self.links(claims),
            "summary": description, "citations": self.mapper.cite(id),
        });
        if kind == "PERSON" {
            fields["bornOn"] = self.first_date("P569", claims).into();
            fields["diedOn"] = self.first_date("P570", claims).into();
            fields["gender"] = self.gender(claims).into();
        } else {
            fields["foundedOn"] = self.first_date("P571", claims).into();
            fields["dissolvedOn"] = self.first_date("P576", claims).into();
        }
        if ["ORGANIZATION", "MEDIA", "GROUP"].contains(&kind) {
            fields["organizationKind"] = organization.into();
        }
        if kind != "PERSON" {
            self.coordinates(claims, &mut fields);
        }
        self.mapper.actor(id, name, fields)
    }

    /// The names besides the preferred one, each once.
    fn names(
        &self,
        name: Option<&str>,
        labels: &Map<String, Value>,
        aliases: &Map<String, Value>,
        claims: &mut BTreeMap<String, Vec<Claim>>,
    ) -> Vec<Value> {
        let mut names: Vec<Value> = Vec::new();
        let mut seen: BTreeSet<String> = name.into_iter().map(ToOwned::to_owned).collect();
        let mut name_of = |name: &str, kind: &str, language: Option<&str>, dates: [Option<String>; 2]| {
            if seen.insert(name.to_owned()) {
                let [from, until] = dates;
                let mut of = json!({"name": name, "kind": kind, "language": language});
                if from.is_some() || until.is_some() {
                    of["validFrom"] = from.into();
                    of["validUntil"] = until.into();
                }
                names.push(of);
            }
        };
        for (property, kind) in NAMES {
            for claim in claims.remove(property).unwrap_or_default() {
                let Some(text) = claim.value["text"].as_str() else { continue };
                self.keep(&format!("claims.{property}"));
                let dates = self.dates(property, claim.qualifiers);
                name_of(text, kind, language(claim.value["language"].as_str()), dates);
            }
        }
        for label in labels.values() {
            self.keep("labels");
            let text = label["value"].as_str().unwrap_or_default();
            name_of(text, "ALIAS", language(label["language"].as_str()), [None, None]);
        }
        for alias in aliases.values().filter_map(Value::as_array).flatten() {
            self.keep("aliases");
            let text = alias["value"].as_str().unwrap_or_default();
            name_of(text, "ALIAS", language(alias["language"].as_str()), [None, None]);
        }
        names
    }

    fn identifiers(&self, id: &str, claims: &mut BTreeMap<String, Vec<Claim>>) -> Vec<Value> {
        let mut identifiers = vec![self.mapper.identifier("wikidata", id)];
        for (property, scheme) in IDENTIFIERS {
            for claim in claims.remove(property).unwrap_or_default() {
                let value = claim.value.as_str().unwrap_or_default();
                let value = if scheme == "isni" { value.replace(' ', "") } else { value.to_owned() };
                self.keep(&format!("claims.{property}"));
                self.drop_qualifiers(property, &claim.qualifiers);
                identifiers.push(self.mapper.identifier(scheme, &value));
            }
        }
        identifiers
    }

    /// The first statement about a property; the others are ignored.
    fn first(&self, property: &str, claims: &mut BTreeMap<String, Vec<Claim>>) -> Option<Value> {
        let mut of = claims.remove(property)?.into_iter();
        let first = of.next()?;
        self.keep(&format!("claims.{property}"));
        self.drop_qualifiers(property, &first.qualifiers);
        for other in of {
            self.mapper.file.tally.borrow_mut().ignore(&format!("claims.{property} (further values)"));
            self.drop_qualifiers(property, &other.qualifiers);
        }
        Some(first.value)
    }

    fn first_date(&self, property: &str, claims: &mut BTreeMap<String, Vec<Claim>>) -> Option<String> {
        let value = self.first(property, claims)?;
        self.date(&format!("claims.{property}"), &value)
    }

    fn date(&self, field: &str, value: &Value) -> Option<String> {
        let date = date(value);
        if date.is_none() {
            self.change(field, "left out, not a year, month or day of our era");
        }
        date
    }

    /// Since when and until when a statement holds, by its qualifiers; others are ignored.
    fn dates(&self, property: &str, mut qualifiers: Map<String, Value>) -> [Option<String>; 2] {
        let dates = ["P580", "P582"].map(|of| self.qualifying_date(property, of, &mut qualifiers));
        self.drop_qualifiers(property, &qualifiers);
        dates
    }

    fn qualifying_date(
        &self,
        property: &str,
        of: &str,
        qualifiers: &mut Map<String, Value>,
    ) -> Option<String> {
        let value = self.qualifier(property, of, qualifiers)?;
        self.date(&format!("claims.{property}.{of}"), &value)
    }

    fn qualifier(&self, property: &str, of: &str, qualifiers: &mut Map<String, Value>) -> Option<Value> {
        let mut values = qualifiers.remove(of)?;
        let value = values.pointer_mut("/0/datavalue/value").map(Value::take).unwrap_or_default();
        if value.is_null() {
            self.mapper.file.tally.borrow_mut().ignore(&format!("claims.{property}.{of} (no value)"));
            return None;
        }
        self.keep(&format!("claims.{property}.{of}"));
        Some(value)
    }

    fn drop_qualifiers(&self, property: &str, qualifiers: &Map<String, Value>) {
        ignore_qualifiers(&mut self.mapper.file.tally.borrow_mut(), property, qualifiers);
    }

    fn gender(&self, claims: &mut BTreeMap<String, Vec<Claim>>) -> Option<&'static str> {
        let gender = self.first("P21", claims)?;
        match item(&gender).as_deref() {
            Some("Q6581072" | "Q1052281") => Some("FEMALE"),
            Some("Q6581097" | "Q2449503") => Some("MALE"),
            _ => Some("OTHER"),
        }
    }

    fn links(&self, claims: &mut BTreeMap<String, Vec<Claim>>) -> Vec<Value> {
        let mut links: Vec<Value> = Vec::new();
        for (property, kind) in LINKS {
            for claim in claims.remove(property).unwrap_or_default() {
                let value = claim.value.as_str().unwrap_or_default();
                let url = match (property, kind) {
                    (_, "IMAGE") => commons(value),
                    ("P1329", _) => telephone(value),
                    _ => value.to_owned(),
                };
                self.keep(&format!("claims.{property}"));
                self.drop_qualifiers(property, &claim.qualifiers);
                if links.iter().all(|known| known["url"] != url) {
                    links.push(json!({"url": url, "kind": kind}));
                }
            }
        }
        links
    }

    fn coordinates(&self, claims: &mut BTreeMap<String, Vec<Claim>>, fields: &mut Value) {
        const METRES_OF_A_DEGREE: f64 = 111_320.0;
        let Some(at) = self.first("P625", claims) else { return };
        if at["globe"].as_str().is_some_and(|globe| !globe.ends_with("/Q2")) {
            self.change("claims.P625", "left out, not on Earth");
            return;
        }
        fields["latitude"] = at["latitude"].clone();
        fields["longitude"] = at["longitude"].clone();
        let metres = at["precision"].as_f64().map(|degrees| (degrees * METRES_OF_A_DEGREE).ceil());
        #[allow(clippy::cast_possible_truncation, reason = "at most half the circumference of the Earth")]
        let metres = metres.filter(|metres| (1.0..20_100_000.0).contains(metres)).map(|metres| metres as i64);
        fields["coordinatePrecision"] = metres.into();
    }

    fn relations(
        &mut self,
        id: &str,
        kind: &str,
        claims: &mut BTreeMap<String, Vec<Claim>>,
    ) -> Result<(), ReceiverClosed> {
        for RelationRule { property, kind: relation, label, of, organization, is_reversed } in RELATIONS {
            let relation = if property == "P17" && kind == "PLACE" { "LOCATION" } else { relation };
            for claim in claims.remove(property).unwrap_or_default() {
                let Some(other) = item(&claim.value).filter(|other| other != id) else {
                    self.change(&format!("claims.{property}"), "left out, not another item");
                    continue;
                };
                self.keep(&format!("claims.{property}"));
                let mut qualifiers = claim.qualifiers;
                let share = (property == "P127")
                    .then(|| self.qualifier(property, "P1107", &mut qualifiers))
                    .flatten();
                let share = share
                    .and_then(|share| share["amount"].as_str()?.parse::<f64>().ok())
                    .map(|of| of * 100.0);
                let [from, until] = self.dates(property, qualifiers);
                self.refer(&other, of, organization);
                let (subject, object) = if is_reversed { (other.as_str(), id) } else { (id, other.as_str()) };
                let key = if claim.id.is_empty() { format!("{id} {property} {other}") } else { claim.id };
                let fields = json!({
                    "kind": relation, "label": label, "validFrom": from, "validUntil": until, "share": share,
                });
                self.mapper.relation(&key, id, [subject, object], fields)?;
            }
        }
        for claim in claims.remove("P39").unwrap_or_default() {
            let Some(office) = item(&claim.value) else {
                self.change("claims.P39", "left out, not an item");
                continue;
            };
            self.keep("claims.P39");
            let mut qualifiers = claim.qualifiers;
            let [from, until] = ["P580", "P582"].map(|of| self.qualifying_date("P39", of, &mut qualifiers));
            let mut named = |of: &[&str]| {
                let value = of.iter().find_map(|of| self.qualifier("P39", of, &mut qualifiers))?;
                item(&value)
            };
            let of = named(&["P2389", "P642", "P1001"]);
            let (party, area, term) = (named(&["P4100"]), named(&["P768"]), named(&["P2937"]));
            self.drop_qualifiers("P39", &qualifiers);
            let key = if claim.id.is_empty() { format!("{id} P39 {office}") } else { claim.id };
            let has_room = self.held.has_room(key.len() + id.len() + office.len());
            let office =
                Office { id: key, holder: id.to_owned(), post: office, of, party, area, term, from, until };
            if has_room {
                self.held_offices.push(office);
            } else {
                self.stage_office(office)?;
            }
        }
        Ok(())
    }

    /// Notes that a relation leads to an item, which may not be in the file.
    fn refer(&mut self, id: &str, kind: &'static str, organization: Option<&'static str>) {
        if !self.referred.contains_key(id) {
            self.referred.insert(id.to_owned(), (kind, organization));
        }
    }

    /// The label of an item, or its id.
    fn label_of(&self, id: String) -> String {
        self.labels.get(&id).cloned().unwrap_or(id)
    }

    fn stage_office(&mut self, held: Office) -> Result<(), ReceiverClosed> {
        let Office { id, holder, post: office, of, party, area, term, from, until } = held;
        let of = of.or_else(|| self.offices.get(&office).cloned()).filter(|of| *of != holder);
        // An office whose body is not known stands for itself.
        let (object, name) = match of {
            Some(of) => (of, self.labels.get(&office).cloned()),
            None => (office, None),
        };
        for known in [Some(&object), party.as_ref()].into_iter().flatten() {
            self.refer(known, "ORGANIZATION", None);
        }
        let fields = json!({
            "kind": "POSITION", "label": name, "validFrom": from, "validUntil": until,
            "area": area.map(|area| self.label_of(area)), "term": term.map(|term| self.label_of(term)),
            "onBehalfOf": party.map(|party| self.mapper.reference(&party)),
        });
        self.mapper.relation(&id, &holder, [&holder, &object], fields)
    }

    /// Stages the offices that people held, and what the file only refers to.
    fn finish(&mut self) -> Result<(), ReceiverClosed> {
        for held in std::mem::take(&mut self.held_offices) {
            self.mapper.next_line();
            self.stage_office(held)?;
        }
        for (id, (kind, organization)) in std::mem::take(&mut self.referred) {
            let mut fields = json!({"kind": kind, "identifiers": [self.mapper.identifier("wikidata", &id)]});
            if organization.is_some() {
                fields["organizationKind"] = organization.into();
            }
            let name = self.label_of(id.clone());
            self.mapper.next_line();
            self.mapper.fallback(&id, &name, fields)?;
        }
        Ok(())
    }
}

fn ignore_qualifiers(tally: &mut Tally, property: &str, qualifiers: &Map<String, Value>) {
    for (qualifier, values) in qualifiers {
        for _ in values.as_array().into_iter().flatten() {
            tally.ignore(&format!("claims.{property}.{qualifier}"));
        }
    }
}

/// The text in English, or else in any language.
fn label(labels: &Map<String, Value>) -> Option<String> {
    let text = |language: &str| labels.get(language)?.get("value")?.as_str().map(ToOwned::to_owned);
    ["en", "mul", "en-gb", "en-us"]
        .iter()
        .find_map(|language| text(language))
        .or_else(|| labels.keys().find_map(|language| text(language)))
}

/// The id of an item.
fn item(value: &Value) -> Option<String> {
    if let Some(id) = value["id"].as_str() {
        return Some(id.to_owned());
    }
    value["numeric-id"].as_u64().map(|number| format!("Q{number}"))
}

/// The language of a label, as a BCP 47 tag, where Wikidata's code is another.
fn language(code: Option<&str>) -> Option<&str> {
    match code? {
        "mul" => None,
        "simple" => Some("en"),
        "als" => Some("gsw"),
        "bat-smg" => Some("sgs"),
        "be-x-old" => Some("be-tarask"),
        "fiu-vro" => Some("vro"),
        "zh-classical" => Some("lzh"),
        "zh-min-nan" => Some("nan"),
        "zh-yue" => Some("yue"),
        "roa-rup" => Some("rup"),
        code => Some(code),
    }
}

fn commons(file: &str) -> String {
    let mut url = "https://commons.wikimedia.org/wiki/Special:FilePath/".to_owned();
    for byte in file.replace(' ', "_").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~()".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

/// A date as precise as Wikidata knows it: a day, month or year of our era.
fn date(value: &Value) -> Option<String> {
    const YEAR: u64 = 9;
    const MONTH: u64 = 10;
    let text = value["time"].as_str()?.strip_prefix('+')?;
    let mut parts = text.split('T').next()?.split('-');
    let mut part = || parts.next()?.parse::<i64>().ok();
    let (year, month, day) = (part()?, part()?, part()?);
    let is_julian = value["calendarmodel"].as_str().is_some_and(|calendar| calendar.ends_with("/Q1985786"));
    let (year, month, day) = match value["precision"].as_u64()? {
        ..YEAR => return None,
        YEAR => (year, 0, 0),
        MONTH => (year, month, 0),
        _ if is_julian => gregorian(year, month, day),
        _ => (year, month, day),
    };
    PartialDate::read(&format!("{year:04}-{month:02}-{day:02}"))?.text()
}

/// The day of the Julian calendar in the Gregorian one, by the number of the day in Julian days.
fn gregorian(year: i64, month: i64, day: i64) -> (i64, i64, i64) {
    let before = (14 - month) / 12;
    let (years, months) = (year + 4800 - before, month + 12 * before - 3);
    let number = day + (153 * months + 2) / 5 + 365 * years + years / 4 - 32083;
    let since = number + 32044;
    let century = (4 * since + 3) / 146_097;
    let rest = since - 146_097 * century / 4;
    let years = (4 * rest + 3) / 1461;
    let days = rest - 1461 * years / 4;
    let months = (5 * days + 2) / 153;
    (
        100 * century + years - 4800 + months / 10,
        months + 3 - 12 * (months / 10),
        days - (153 * months + 2) / 5 + 1,
    )
}

/// The kind of actor that an item is, with the kind of organization, and whether it is known to be only what relations
/// name.
fn kind_of(claims: &BTreeMap<String, Vec<Claim>>) -> (Option<(&'static str, Option<&'static str>)>, bool) {
    let classes: Vec<String> =
        claims.get("P31").into_iter().flatten().filter_map(|claim| item(&claim.value)).collect();
    let has = |of: &str| classes.iter().any(|class| class == of);
    let is_named = NAMED.iter().any(|class| has(class));
    let known = CLASSES.iter().find(|(class, ..)| has(class)).map(|(_, kind, of)| (*kind, *of));
    let by_property = || PROPERTIES_OF_KINDS.iter().find(|(property, _)| claims.contains_key(*property));
    let kind = known.or_else(|| by_property().filter(|_| !is_named).map(|(_, kind)| (*kind, None)));
    (kind, is_named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_as_precise_as_wikidata_knows_it() {
        let time = |time: &str, precision: u64, calendar: &str| {
            date(&json!({
                "time": time, "precision": precision,
                "calendarmodel": format!("http://www.wikidata.org/entity/{calendar}"),
            }))
        };
        let dates = [
            time("+1952-03-11T00:00:00Z", 11, "Q1985727"),
            time("+1952-03-00T00:00:00Z", 10, "Q1985727"),
            time("+1952-00-00T00:00:00Z", 9, "Q1985727"),
            time("+1950-00-00T00:00:00Z", 8, "Q1985727"),
            time("-0044-03-15T00:00:00Z", 11, "Q1985786"),
            // The October of the revolution in Russia.
            time("+1917-10-25T00:00:00Z", 11, "Q1985786"),
            time("+1582-10-05T00:00:00Z", 11, "Q1985786"),
        ];
        let dates: Vec<_> = dates.iter().map(|date| date.as_deref().unwrap_or("-")).collect();
        assert_eq!(dates, ["1952-03-11", "1952-03", "1952", "-", "-", "1917-11-07", "1582-10-15"]);
    }
}
