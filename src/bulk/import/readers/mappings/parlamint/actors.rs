//! Persons, organizations, and the relations between them.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::bulk::import::{
    readers::{
        mappings::{
            MAX_KEY_BYTES, MAX_RELATIONS, digest,
            parlamint::{Corpus, MAX_REMEMBERED, date, target, targets},
        },
        xml::Part,
    },
    staging::ReceiverClosed,
    validation::GLOBAL_SCHEMES,
};

/// A legislative term, or a cabinet.
pub struct Term {
    label: String,
    from: Option<String>,
    until: Option<String>,
}

/// A name, with when it is in use.
struct Name {
    text: String,
    language: Option<String>,
    is_short: bool,
    from: Option<String>,
    until: Option<String>,
}

/// What an actor is known by elsewhere.
#[derive(Default)]
struct Elsewhere {
    identifiers: Vec<Value>,
    links: Vec<Value>,
}

/// A relation before it has a key.
struct Tie {
    subject: String,
    object: String,
    kind: &'static str,
    label: Option<String>,
    from: Option<String>,
    until: Option<String>,
    term: Option<String>,
    /// The ids of the terms.
    terms: String,
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
            let (from, until) = period(&mut name);
            let language = name.uncounted("xml:lang").or_else(|| language.clone());
            let (name, also) = person_name(&mut name);
            aliases.extend(
                also.into_iter().map(|also| json!({"name": also, "kind": "ALIAS", "language": language})),
            );
            names.extend(name.map(|text| Name { text, language, is_short: false, from, until }));
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
        let mut day = |element: &str| {
            person.parts(element).iter_mut().find_map(|event| date(&event.attribute("when")?))
        };
        let (born, died) = (day("birth"), day("death"));
        let Elsewhere { identifiers, links } = self.elsewhere(&mut person);
        self.next();
        let fields = json!({
            "kind": "PERSON", "names": others, "identifiers": identifiers, "links": links, "gender": gender,
            "bornOn": born, "diedOn": died,
        });
        self.mapper.actor(&id, name.as_deref(), fields)?;
        let mut ties = Vec::new();
        for affiliation in person.parts("affiliation") {
            self.affiliation(&id, affiliation, &mut ties);
        }
        self.stage(ties, &id)
    }

    fn affiliation(&self, person: &str, mut affiliation: Part<'a>, ties: &mut Vec<Tie>) {
        let Some(to) = affiliation.attribute("ref") else {
            affiliation.change("@ref", "missing, the affiliation is left out");
            return;
        };
        let role = affiliation.attribute("role").unwrap_or_else(|| "member".to_owned());
        let (mut from, mut until) = period(&mut affiliation);
        let is_member = role == "member" || role == "MP";
        let label = preferred(affiliation.parts("roleName"));
        let label = label.or_else(|| (role != "member").then(|| role.clone()));
        let area = affiliation.parts("placeName").iter_mut().find_map(Part::text);
        let terms = self.terms(&mut affiliation);
        // A seat without dates is held for its term.
        let (ids, term) = in_term(&terms, &mut from, &mut until);
        let kind = if is_member { "MEMBERSHIP" } else { "POSITION" };
        ties.extend(targets(&to).map(|object| Tie {
            subject: person.to_owned(),
            object,
            kind,
            label: label.clone(),
            from: from.clone(),
            until: until.clone(),
            term: term.clone(),
            terms: ids.clone(),
            area: area.clone(),
        }));
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
            let (from, until) = period(&mut name);
            let is_short = matches!(name.attribute("full").as_deref(), Some("abb" | "init" | "no"));
            let language = name.uncounted("xml:lang").or_else(|| language.clone().filter(|_| !is_short));
            names.extend(name.text().map(|text| Name { text, language, is_short, from, until }));
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
        let (mut founded, mut dissolved) = (None, None);
        for mut event in part.parts("event") {
            if event.parts("label").iter_mut().filter_map(Part::text).any(|label| label == "existence") {
                (founded, dissolved) = period(&mut event);
            }
        }
        for mut list in part.parts("listEvent") {
            for mut event in list.parts("event") {
                let label = preferred(event.parts("label"));
                let (from, until) = period(&mut event);
                if let Some(id) = event.attribute("xml:id")
                    && self.terms.len() < MAX_REMEMBERED
                {
                    let label = label.unwrap_or_else(|| id.clone()).chars().take(200).collect();
                    self.terms.insert(target(&id), Term { label, from, until });
                }
            }
        }
        let summary = preferred(part.parts("desc"));
        let Elsewhere { identifiers, links } = self.elsewhere(&mut part);
        self.next();
        let fields = json!({
            "kind": "ORGANIZATION", "names": others, "identifiers": identifiers, "links": links,
            "organizationKind": kind, "foundedOn": founded, "dissolvedOn": dissolved, "summary": summary,
        });
        self.mapper.actor(&id, name.as_deref(), fields)?;
        if let Some(parent) = parent {
            let tie = Tie {
                subject: id.clone(),
                object: parent.to_owned(),
                kind: "HIERARCHY",
                label: None,
                from: None,
                until: None,
                term: None,
                terms: String::new(),
                area: None,
            };
            self.stage(vec![tie], &id)?;
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
        let mut ties = Vec::new();
        for inner in list.parts("listRelation") {
            self.relations(inner)?;
        }
        for mut relation in list.parts("relation") {
            let name = relation.attribute("name").or_else(|| relation.attribute("type"));
            let name = name.unwrap_or_else(|| "relation".to_owned());
            let kind = match name.as_str() {
                "coalition" => "COALITION",
                "opposition" => "OPPOSITION",
                _ => "OTHER",
            };
            let mut all = |attribute: &str| -> Vec<String> {
                targets(&relation.attribute(attribute).unwrap_or_default()).collect()
            };
            let (mutual, active, passive) = (all("mutual"), all("active"), all("passive"));
            let (mut from, mut until) = period(&mut relation);
            let terms = self.terms(&mut relation);
            let (ids, term) = in_term(&terms, &mut from, &mut until);
            let each = mutual.iter().enumerate();
            let pairs =
                each.flat_map(|(place, one)| mutual[place + 1..].iter().map(move |other| (one, other)));
            let pairs =
                pairs.chain(active.iter().flat_map(|one| passive.iter().map(move |other| (one, other))));
            let pairs: Vec<_> = pairs.filter(|(one, other)| one != other).take(MAX_RELATIONS).collect();
            if pairs.is_empty() {
                relation.change("", "left out: it does not relate two");
            }
            ties.extend(pairs.into_iter().map(|(subject, object)| Tie {
                subject: subject.clone(),
                object: object.clone(),
                kind,
                label: (kind == "OTHER").then(|| name.clone()),
                from: from.clone(),
                until: until.clone(),
                term: term.clone(),
                terms: ids.clone(),
                area: None,
            }));
            if ties.len() > MAX_RELATIONS {
                self.stage(std::mem::take(&mut ties), &name)?;
            }
        }
        self.stage(ties, "listRelation")
    }

    /// Stages relations. One is known by its content without its period; of several of one content, by its place
    /// among them in the order of time.
    fn stage(&mut self, mut ties: Vec<Tie>, locator: &str) -> Result<(), ReceiverClosed> {
        ties.sort_by(|one, other| one.from.cmp(&other.from));
        let mut numbers: HashMap<String, u32> = HashMap::new();
        for tie in ties {
            // The label of a membership is a wording, that of a position tells it from others.
            let label = tie.label.as_deref().filter(|_| tie.kind != "MEMBERSHIP").unwrap_or_default();
            let content = format!("{} {} {} {label} {}", tie.subject, tie.kind, tie.object, tie.terms);
            let content = content.split_whitespace().collect::<Vec<_>>().join(" ");
            let number = numbers.entry(content.clone()).or_insert(0);
            *number += 1;
            let key = if *number == 1 { content } else { format!("{content} #{number}") };
            let key = if key.len() > MAX_KEY_BYTES { digest(&key, 32) } else { key };
            let subject = self.referred(
                if tie.kind == "MEMBERSHIP" || tie.kind == "POSITION" { "PERSON" } else { "ORGANIZATION" },
                &tie.subject,
            )?;
            let object = self.referred("ORGANIZATION", &tie.object)?;
            self.next();
            let fields = json!({
                "subject": subject, "object": object, "kind": tie.kind, "label": tie.label,
                "validFrom": tie.from, "validUntil": tie.until, "term": tie.term, "area": tie.area,
                "citations": self.mapper.cite(locator),
            });
            self.mapper.record("Relation", &key, &self.mapper.slug(&key), fields)?;
        }
        Ok(())
    }

    /// Identifiers and links.
    fn elsewhere(&self, part: &mut Part<'a>) -> Elsewhere {
        let mut elsewhere = Elsewhere::default();
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
                Some(identifier) => (&mut elsewhere.identifiers, identifier),
                None => {
                    let note = match language {
                        Some(language) => format!("{register} ({language})"),
                        None => register,
                    };
                    let note = Some(note).filter(|note| !note.is_empty());
                    (&mut elsewhere.links, json!({"url": value, "kind": "PROFILE", "note": note}))
                }
            };
            if !list.contains(&entry) {
                list.push(entry);
            }
        }
        for mut figure in part.parts("figure") {
            for mut graphic in figure.parts("graphic") {
                if let Some(url) = graphic.attribute("url").filter(|url| is_address(url)) {
                    elsewhere.links.push(json!({"url": url, "kind": "IMAGE"}));
                }
            }
        }
        elsewhere
    }
}

/// The preferred name, and the others: a name in use, in English, else in Latin letters, else the first.
fn preferred_name(names: Vec<Name>) -> (Option<String>, Vec<Value>) {
    let last = names.iter().filter_map(|name| name.until.clone()).max();
    let is_open = names.iter().any(|name| name.until.is_none() && !name.is_short);
    let is_in_use = |name: &Name| name.until.is_none() || !is_open && name.until == last;
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
            "name": name.text, "kind": kind, "language": name.language, "validFrom": name.from,
            "validUntil": name.until,
        });
        if !others.contains(&other) {
            others.push(other);
        }
    }
    (Some(best), others)
}

/// The ids and the names of terms. What has no dates of its own holds for its term.
fn in_term(
    terms: &[(String, Option<&Term>)],
    from: &mut Option<String>,
    until: &mut Option<String>,
) -> (String, Option<String>) {
    if let [(_, Some(term))] = terms
        && from.is_none()
        && until.is_none()
    {
        (*from, *until) = (term.from.clone(), term.until.clone());
    }
    let ids = terms.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(" ");
    let names = terms.iter().map(|(id, term)| term.map_or(id.as_str(), |term| &term.label));
    let names = names.collect::<Vec<_>>().join(", ");
    (ids, Some(names).filter(|names| !names.is_empty()))
}

fn is_address(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// Since when and until when something holds, without times.
fn period(part: &mut Part<'_>) -> (Option<String>, Option<String>) {
    let mut day = |name: &str| date(&part.attribute(name)?);
    let when = day("when");
    (
        day("from").or_else(|| day("notBefore")).or_else(|| when.clone()),
        day("to").or_else(|| day("notAfter")).or(when),
    )
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
