//! Persons, organizations, and the relations between them.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::bulk::import::{
    readers::{
        mappings::{
            MAX_RELATIONS,
            dates::{PartialDate, Period},
            numbered,
            parlamint::{Corpus, MAX_REMEMBERED, target, targets},
        },
        xml::Part,
    },
    staging::ReceiverClosed,
    validation::GLOBAL_SCHEMES,
};

/// A legislative term, or a cabinet.
pub struct Term {
    label: String,
    period: Period,
}

/// A name, with when it is in use.
struct Name {
    text: String,
    language: Option<String>,
    is_short: bool,
    period: Period,
}

/// A relation before it has a key.
#[derive(Clone, Default)]
struct Relation {
    subject: String,
    object: String,
    kind: &'static str,
    label: Option<String>,
    period: Period,
    /// The names of its terms, and their ids.
    term: Option<String>,
    term_ids: String,
    area: Option<String>,
}

impl<'a> Corpus<'a, '_> {
    pub fn person(&mut self, mut person: Part<'a>) -> Result<(), ReceiverClosed> {
        let Some(id) = person.attribute("xml:id").map(|id| target(&id)) else {
            person.change("@xml:id", "missing, the person is left out");
            return Ok(());
        };
        let language = person.uncounted("xml:lang").or_else(|| self.language());
        let mut names = Vec::new();
        let mut aliases = Vec::new();
        for mut name in person.parts("persName") {
            let period = period(&mut name);
            let language = name.uncounted("xml:lang").or_else(|| language.clone());
            let (name, also) = person_name(&mut name);
            aliases.extend(
                also.into_iter().map(|also| json!({"name": also, "kind": "ALIAS", "language": language})),
            );
            names.extend(name.map(|text| Name { text, language, is_short: false, period }));
        }
        let (name, mut others) = preferred_name(names);
        others.extend(aliases.into_iter().filter(|alias| !others.contains(alias)).collect::<Vec<_>>());
        let gender = person.parts("sex").iter_mut().find_map(|sex| {
            let value = sex.uncounted("value")?;
            let gender = match value.to_uppercase().as_str() {
                "F" => "FEMALE",
                "M" => "MALE",
                "U" | "" => {
                    sex.ignore("@value");
                    return None;
                }
                _ => "OTHER",
            };
            sex.keep("@value");
            Some(gender)
        });
        let mut date_of = |element: &str| {
            let dates = person.parts(element).into_iter();
            dates.fold(PartialDate::default(), |date, mut event| {
                date.or(|| PartialDate::take(&mut event, "when"))
            })
        };
        let (born, died) = (date_of("birth").text(), date_of("death").text());
        let (identifiers, links) = self.identifiers_and_links(&mut person);
        self.next();
        let fields = json!({
            "kind": "PERSON", "names": others, "identifiers": identifiers, "links": links, "gender": gender,
            "bornOn": born, "diedOn": died,
        });
        self.mapper.actor(&id, name.as_deref(), fields)?;
        let mut relations = Vec::new();
        for affiliation in person.parts("affiliation") {
            self.affiliation(&id, affiliation, &mut relations);
        }
        self.stage_relations(relations, &id)
    }

    fn affiliation(&self, person: &str, mut affiliation: Part<'a>, relations: &mut Vec<Relation>) {
        let Some(to) = affiliation.attribute("ref") else {
            affiliation.change("@ref", "missing, the affiliation is left out");
            return;
        };
        let role = affiliation.attribute("role").unwrap_or_else(|| "member".to_owned());
        let own_period = period(&mut affiliation);
        let is_member = role == "member" || role == "MP";
        let label = preferred(affiliation.parts("roleName"));
        let label = label.or_else(|| (role != "member").then(|| role.clone()));
        let area = affiliation.parts("placeName").iter_mut().find_map(Part::text);
        let terms = self.terms(&mut affiliation);
        let relation = Relation {
            subject: person.to_owned(),
            kind: if is_member { "MEMBERSHIP" } else { "POSITION" },
            label,
            area,
            ..in_terms(&terms, own_period)
        };
        relations.extend(targets(&to).map(|object| Relation { object, ..relation.clone() }));
    }

    /// The terms that an element names in `ana`.
    fn terms(&self, part: &mut Part<'_>) -> Vec<(String, Option<&Term>)> {
        let ana = part.uncounted("ana").unwrap_or_default();
        let mut terms = Vec::new();
        for id in targets(&ana) {
            let term = self.terms.get(&id);
            if term.is_none() && id.starts_with("parla.") {
                part.ignore("@ana");
                continue;
            }
            part.keep("@ana");
            terms.push((id, term));
        }
        terms
    }

    pub fn organization(&mut self, mut part: Part<'a>, parent: Option<&str>) -> Result<(), ReceiverClosed> {
        let Some(id) = part.attribute("xml:id").map(|id| target(&id)) else {
            part.change("@xml:id", "missing, the organization is left out");
            return Ok(());
        };
        let language = part.uncounted("xml:lang").or_else(|| self.language());
        let mut names = Vec::new();
        for mut name in part.parts("orgName") {
            let period = period(&mut name);
            let is_short = matches!(name.attribute("full").as_deref(), Some("abb" | "init" | "no"));
            let language = name.uncounted("xml:lang").or_else(|| language.clone().filter(|_| !is_short));
            names.extend(name.text().map(|text| Name { text, language, is_short, period }));
        }
        let (name, others) = preferred_name(names);
        let kind = part.uncounted("role").and_then(|role| {
            let kind = organization_kind(&role);
            if kind.is_some() {
                part.keep("@role");
            } else {
                part.ignore("@role");
            }
            kind
        });
        let mut existence = Period::default();
        for mut event in part.parts("event") {
            if event.parts("label").iter_mut().filter_map(Part::text).any(|label| label == "existence") {
                existence = period(&mut event);
            }
        }
        for mut list in part.parts("listEvent") {
            for mut event in list.parts("event") {
                let label = preferred(event.parts("label"));
                let period = period(&mut event);
                if let Some(id) = event.attribute("xml:id")
                    && self.terms.len() < MAX_REMEMBERED
                {
                    let label = label.unwrap_or_else(|| id.clone()).chars().take(200).collect();
                    self.terms.insert(target(&id), Term { label, period });
                }
            }
        }
        let summary = preferred(part.parts("desc"));
        let (identifiers, links) = self.identifiers_and_links(&mut part);
        self.next();
        let fields = json!({
            "kind": "ORGANIZATION", "names": others, "identifiers": identifiers, "links": links,
            "organizationKind": kind, "foundedOn": existence.from.text(), "dissolvedOn": existence.until.text(),
            "summary": summary,
        });
        self.mapper.actor(&id, name.as_deref(), fields)?;
        if let Some(parent) = parent {
            let (subject, object) = (id.clone(), parent.to_owned());
            let relation = Relation { subject, object, kind: "HIERARCHY", ..Relation::default() };
            self.stage_relations(vec![relation], &id)?;
        }
        let mut within = part.parts("org");
        for mut list in part.parts("listOrg") {
            within.extend(list.parts("org"));
        }
        for organization in within {
            self.organization(organization, Some(&id))?;
        }
        Ok(())
    }

    /// Relations between organizations: coalitions, oppositions, successors.
    pub fn relations(&mut self, mut list: Part<'a>) -> Result<(), ReceiverClosed> {
        let mut relations = Vec::new();
        for inner in list.parts("listRelation") {
            self.relations(inner)?;
        }
        for mut part in list.parts("relation") {
            let name = part.attribute("name").or_else(|| part.attribute("type"));
            let name = name.unwrap_or_else(|| "relation".to_owned());
            let kind = match name.as_str() {
                "coalition" => "COALITION",
                "opposition" => "OPPOSITION",
                _ => "OTHER",
            };
            let mut all = |attribute: &str| -> Vec<String> {
                targets(&part.attribute(attribute).unwrap_or_default()).collect()
            };
            let (mutual, active, passive) = (all("mutual"), all("active"), all("passive"));
            let own_period = period(&mut part);
            let terms = self.terms(&mut part);
            let each = mutual.iter().enumerate();
            let pairs =
                each.flat_map(|(place, one)| mutual[place + 1..].iter().map(move |other| (one, other)));
            let pairs =
                pairs.chain(active.iter().flat_map(|one| passive.iter().map(move |other| (one, other))));
            let pairs: Vec<_> = pairs.filter(|(one, other)| one != other).take(MAX_RELATIONS).collect();
            if pairs.is_empty() {
                part.change("", "left out: it does not relate two");
            }
            let label = (kind == "OTHER").then(|| name.clone());
            let relation = Relation { kind, label, ..in_terms(&terms, own_period) };
            relations.extend(pairs.into_iter().map(|(subject, object)| Relation {
                subject: subject.clone(),
                object: object.clone(),
                ..relation.clone()
            }));
            if relations.len() > MAX_RELATIONS {
                self.stage_relations(std::mem::take(&mut relations), &name)?;
            }
        }
        self.stage_relations(relations, "listRelation")
    }

    /// Stages relations. One is known by its content without its period; of several of one content, by its place
    /// among them in the order of time.
    fn stage_relations(&mut self, mut relations: Vec<Relation>, locator: &str) -> Result<(), ReceiverClosed> {
        relations.sort_by_key(|relation| relation.period.from);
        let mut counts: HashMap<String, usize> = HashMap::new();
        for Relation { subject, object, kind, label, period, term, term_ids, area } in relations {
            // The label of a membership may be worded anew; the label of a position distinguishes it from others.
            let fixed_label = label.as_deref().filter(|_| kind != "MEMBERSHIP").unwrap_or_default();
            let content = format!("{subject} {kind} {object} {fixed_label} {term_ids}");
            let content = content.split_whitespace().collect::<Vec<_>>().join(" ");
            let count = counts.entry(content.clone()).or_insert(0);
            let key = numbered(&content, *count);
            *count += 1;
            let is_of_person = kind == "MEMBERSHIP" || kind == "POSITION";
            self.actor_reference(if is_of_person { "PERSON" } else { "ORGANIZATION" }, &subject)?;
            self.actor_reference("ORGANIZATION", &object)?;
            self.next();
            let fields = json!({
                "kind": kind, "label": label, "validFrom": period.from.text(), "validUntil": period.until.text(),
                "term": term, "area": area,
            });
            self.mapper.relation(&key, locator, [&subject, &object], fields)?;
        }
        Ok(())
    }

    fn identifiers_and_links(&self, part: &mut Part<'a>) -> (Vec<Value>, Vec<Value>) {
        let (mut identifiers, mut links) = (Vec::new(), Vec::new());
        for mut id in part.parts("idno") {
            let (kind, subtype) = (id.attribute("type"), id.attribute("subtype"));
            let register = subtype.or(kind).unwrap_or_default().to_lowercase();
            let language = id.uncounted("xml:lang");
            let Some(value) = id.text() else { continue };
            let identifier = match global_identifier(&value) {
                Some((scheme, value)) => Some(self.mapper.identifier(scheme, value)),
                None if is_address(&value) => None,
                None if register.is_empty() => {
                    id.change("", "left out: it does not name its register");
                    continue;
                }
                None => Some(self.mapper.identifier(&register, &value)),
            };
            let (list, entry) = match identifier {
                Some(identifier) => (&mut identifiers, identifier),
                None => {
                    let note = match language {
                        Some(language) => format!("{register} ({language})"),
                        None => register,
                    };
                    let note = Some(note).filter(|note| !note.is_empty());
                    (&mut links, json!({"url": value, "kind": "PROFILE", "note": note}))
                }
            };
            if !list.contains(&entry) {
                list.push(entry);
            }
        }
        for mut figure in part.parts("figure") {
            for mut graphic in figure.parts("graphic") {
                if let Some(url) = graphic.attribute("url").filter(|url| is_address(url)) {
                    links.push(json!({"url": url, "kind": "IMAGE"}));
                }
            }
        }
        (identifiers, links)
    }
}

/// The preferred name, and the others: a name in use, in English, else in Latin letters, else the first.
fn preferred_name(names: Vec<Name>) -> (Option<String>, Vec<Value>) {
    let last = names.iter().map(|name| name.period.until).max().unwrap_or_default();
    let is_open = names.iter().any(|name| !name.period.until.is_known() && !name.is_short);
    let is_in_use = |name: &Name| {
        let until = name.period.until;
        !until.is_known() || !is_open && until == last
    };
    let rank = |name: &Name| match name.language.as_deref() {
        Some("en") => 0,
        Some(language) if language.ends_with("-Latn") => 1,
        _ => 2,
    };
    let best = names.iter().min_by_key(|name| (!is_in_use(name), name.is_short, rank(name)));
    let Some(best) = best.map(|name| name.text.clone()) else { return (None, Vec::new()) };
    let mut others: Vec<Value> = Vec::new();
    for name in names {
        let kind = if !is_in_use(&name) {
            "FORMER"
        } else if name.is_short {
            "ABBREVIATION"
        } else {
            "ALIAS"
        };
        if name.text == best && kind != "FORMER" {
            continue;
        }
        let other = json!({
            "name": name.text, "kind": kind, "language": name.language,
            "validFrom": name.period.from.text(), "validUntil": name.period.until.text(),
        });
        if !others.contains(&other) {
            others.push(other);
        }
    }
    (Some(best), others)
}

/// A relation in these terms. One without dates of its own holds for its term.
fn in_terms(terms: &[(String, Option<&Term>)], own_period: Period) -> Relation {
    let period = match terms {
        [(_, Some(term))] if !own_period.is_known() => term.period,
        _ => own_period,
    };
    let term_ids = terms.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(" ");
    let names = terms.iter().map(|(id, term)| term.map_or(id.as_str(), |term| &term.label));
    let names = names.collect::<Vec<_>>().join(", ");
    let term = Some(names).filter(|names| !names.is_empty());
    Relation { period, term, term_ids, ..Relation::default() }
}

fn is_address(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// Since when and until when something holds.
pub fn period(part: &mut Part<'_>) -> Period {
    let when = PartialDate::take(part, "when");
    let from = PartialDate::take(part, "from").or(|| PartialDate::take(part, "notBefore")).or(|| when);
    let until = PartialDate::take(part, "to").or(|| PartialDate::take(part, "notAfter")).or(|| when);
    Period { from, until }.checked(part, "to")
}

/// The text in English, else the first one.
fn preferred(parts: Vec<Part<'_>>) -> Option<String> {
    let mut parts: Vec<(bool, Part<'_>)> = parts
        .into_iter()
        .map(|mut part| (part.uncounted("xml:lang").is_none_or(|language| language != "en"), part))
        .collect();
    parts.sort_by_key(|(is_foreign, _)| *is_foreign);
    parts.first_mut().and_then(|(_, part)| part.text())
}

/// A person's name in the order in which it is spoken, and further names in it.
fn person_name(part: &mut Part<'_>) -> (Option<String>, Vec<String>) {
    let also: Vec<String> = part.parts("addName").iter_mut().filter_map(Part::text).collect();
    let mut of =
        |element: &str| -> Vec<String> { part.parts(element).iter_mut().filter_map(Part::text).collect() };
    let (given, suffixes, links) = (of("forename"), of("genName"), of("nameLink"));
    let (patronyms, surnames): (Vec<_>, Vec<_>) = part
        .parts("surname")
        .into_iter()
        .filter_map(|mut surname| {
            let kind = surname.attribute("type").unwrap_or_default();
            Some((kind.starts_with("patronym"), surname.text()?))
        })
        .partition(|(is_patronym, _)| *is_patronym);
    let words = given.into_iter().chain(patronyms.into_iter().map(|(_, name)| name));
    let words = words.chain(links).chain(surnames.into_iter().map(|(_, name)| name)).chain(suffixes);
    let name = words.collect::<Vec<_>>().join(" ");
    if !name.is_empty() {
        return (Some(name), also);
    }
    // A name that is not taken apart; titles before it are.
    let titles = part.parts("roleName");
    for title in titles {
        title.ignore("");
    }
    (part.text(), also)
}

fn organization_kind(role: &str) -> Option<&'static str> {
    Some(match role {
        "politicalParty" => "PARTY",
        "parliament" | "chamber" | "senate" => "PARLIAMENT",
        "parliamentaryGroup" | "politicalGroup" => "PARLIAMENTARY_GROUP",
        "government" => "GOVERNMENT",
        "ministry" => "MINISTRY",
        "committee" => "COMMITTEE",
        "court" => "COURT",
        "institution" | "publicAdministration" => "PUBLIC_BODY",
        "internationalOrganization" => "INTERNATIONAL_BODY",
        "company" => "COMPANY",
        "association" | "organization" | "union" => "ASSOCIATION",
        "university" => "UNIVERSITY",
        _ => return None,
    })
}

/// The register and the identifier in it that an address leads to.
fn global_identifier(address: &str) -> Option<(&'static str, &str)> {
    const ADDRESSES: [(&str, &str); 6] = [
        ("wikidata.org/entity/", "wikidata"),
        ("wikidata.org/wiki/", "wikidata"),
        ("viaf.org/viaf/", "viaf"),
        ("d-nb.info/gnd/", "gnd"),
        ("orcid.org/", "orcid"),
        ("isni.org/isni/", "isni"),
    ];
    let (start, scheme) = ADDRESSES.iter().find(|(start, _)| address.contains(start))?;
    debug_assert!(GLOBAL_SCHEMES.contains(scheme));
    let (_, rest) = address.split_once(start)?;
    let value = rest.split(['/', '?', '#']).next()?.trim();
    let is_sound = !value.is_empty() && (*scheme != "wikidata" || value.starts_with('Q'));
    is_sound.then_some((*scheme, value))
}
