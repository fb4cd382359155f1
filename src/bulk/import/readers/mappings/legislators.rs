//! The congress-legislators project: members of the Congress of the United States, presidents and vice presidents,
//! committees and their members, as YAML or JSON. What a file has is known by its content.

use std::{
    collections::{BTreeMap, HashSet},
    mem,
};

use serde_json::{Map, Value, json};

use crate::bulk::import::{
    readers::{
        File, ReadError, is_json, json,
        mappings::{
            MAX_RELATIONS, Mapper,
            dates::{PartialDate, Period, joined},
            numbered,
        },
    },
    source_file::{Input, Line, MAX_LINE_BYTES},
    staging::{ReceiverClosed, Stager},
    tally::SourceObject,
};

const LEGISLATORS: &str = "congress-legislators";
/// Apart, because a person in both would have the names and identifiers of the file that was read last.
const EXECUTIVES: &str = "congress-legislators-executive";

/// A body: key, name, Wikidata id, kind.
type Body = (&'static str, &'static str, &'static str, &'static str);

const SENATE: Body = ("united-states-senate", "United States Senate", "Q66096", "PARLIAMENT");
const HOUSE: Body = (
    "united-states-house-of-representatives",
    "United States House of Representatives",
    "Q11701",
    "PARLIAMENT",
);
const CONGRESS: Body = ("united-states-congress", "United States Congress", "Q11268", "PARLIAMENT");
const GOVERNMENT: Body = (
    "federal-government-of-the-united-states",
    "Federal government of the United States",
    "Q48525",
    "GOVERNMENT",
);

/// Parties whose names in the files are not their own: name in the files, name, Wikidata id.
const PARTIES: [(&str, &str, &str); 2] =
    [("Democrat", "Democratic Party", "Q29552"), ("Republican", "Republican Party", "Q29468")];
/// What the files have instead of a party for those who have none.
const NO_PARTY: [&str; 4] = ["no party", "none", "nonpartisan", "unknown"];

pub fn read(file: File<'_>, mut input: Input, stager: &mut Stager<'_>) -> Result<String, ReadError> {
    let source = json!({
        "title": "[congress-legislators: members of the United States Congress]",
        "url": "https://github.com/unitedstates/congress-legislators",
    });
    let first = input.peek(1 << 12)?;
    let is_json = is_json(&first);
    let first = String::from_utf8_lossy(&first);
    let has_executives =
        ["type: prez", "type: viceprez", "\"prez\"", "\"viceprez\""].iter().any(|text| first.contains(text));
    let dataset = if has_executives { EXECUTIVES } else { LEGISLATORS };
    let mapper = Mapper::new(file, stager, Some(dataset), source)?;
    let mut legislators = Legislators { mapper, staged: HashSet::new() };
    if is_json {
        let mut number = 0;
        json::elements(input, |list, value| {
            number += 1;
            legislators.mapper.set_line(number);
            Ok(legislators.entry(list, value)?)
        })?;
    } else {
        yaml_entries(input, |line, list, entry| {
            legislators.mapper.set_line(line);
            match entry {
                Ok(entry) => legislators.entry(list, entry),
                Err(reason) => legislators.mapper.reject("", &format!("Invalid entry: {reason}")),
            }
        })?;
    }
    Ok(legislators.mapper.dataset)
}

/// The committee whose members a line of YAML begins: `HSXX:`.
pub fn list_name(line: &str) -> Option<&str> {
    // A committee without members is an empty list.
    let line = line.trim_end().trim_end_matches("[]").trim_end();
    let name = line.strip_suffix(':')?.trim_matches(['"', '\'']);
    is_committee_code(name).then_some(name)
}

/// Whether it is the code of a committee, `HSXX`, or of a subcommittee, `HSXX01`.
pub fn is_committee_code(name: &str) -> bool {
    let letters = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
    letters.len() == 4
        && letters.starts_with(['H', 'S', 'J'])
        && letters.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Reads YAML one entry at a time, to use constant memory: the entries of a list, or of the lists of a mapping. Calls
/// `each` with the line, the name of the list (empty in a document that is a list), and the entry.
fn yaml_entries(
    mut input: Input,
    mut each: impl FnMut(u64, &str, Result<Value, String>) -> Result<(), ReceiverClosed>,
) -> Result<(), ReadError> {
    let unreadable =
        || ReadError::Invalid("the file isn't a YAML list of legislators or committees".to_owned());
    let (mut line, mut number) = (Vec::new(), 0);
    // The current entry, the line that it begins at, and the indentation of its dash.
    let (mut entry, mut begun, mut dash) = (Vec::new(), 1, None);
    let mut list = String::new();
    loop {
        number += 1;
        let read = input.read_line(&mut line)?;
        if read == Line::TooLong || entry.len() + line.len() > MAX_LINE_BYTES {
            return Err(unreadable());
        }
        let indent = line.iter().take_while(|byte| **byte == b' ').count();
        let rest = line[indent..].trim_ascii_end();
        let is_marker = [b"---".as_slice(), b"...", b"%"].iter().any(|marker| line.starts_with(marker));
        let is_entry = (rest == b"-" || rest.starts_with(b"- ")) && dash.is_none_or(|dash| indent <= dash);
        let is_blank = rest.is_empty() || rest[0] == b'#';
        let is_name = !is_blank && !is_entry && dash.is_none_or(|dash| indent <= dash);
        if (read == Line::End || is_marker || is_entry || is_name) && !entry.is_empty() {
            for value in entries(&mem::take(&mut entry)) {
                each(begun, &list, value)?;
            }
        }
        if read == Line::End {
            return Ok(());
        }
        if is_marker {
            (dash, list) = (None, String::new());
            let after = rest.get(3..).unwrap_or_default().trim_ascii();
            if rest[0] != b'%' && !after.is_empty() && after[0] != b'#' {
                return Err(unreadable());
            }
            continue;
        }
        if is_name {
            let name = std::str::from_utf8(rest).ok().and_then(list_name);
            (dash, list) = (None, name.ok_or_else(unreadable)?.to_owned());
            continue;
        }
        if is_entry {
            (dash, begun) = (Some(indent), number);
        }
        if is_entry || !entry.is_empty() {
            entry.extend_from_slice(&line);
            entry.push(b'\n');
        }
    }
}

fn entries(text: &[u8]) -> Vec<Result<Value, String>> {
    let Ok(text) = std::str::from_utf8(text) else { return vec![Err("invalid UTF-8".to_owned())] };
    // `No` is a name, and `NO` a state.
    match serde_saphyr::from_str_with_options::<Vec<Value>>(
        text,
        serde_saphyr::options! { strict_booleans: true },
    ) {
        Ok(values) => values.into_iter().map(Ok).collect(),
        Err(error) => {
            let text = error.to_string();
            let reason = text.lines().next().unwrap_or_default();
            vec![Err(match reason {
                _ if reason.contains("unknown anchor") => {
                    "it has an alias of another entry; write out what it stands for".to_owned()
                }
                _ if reason.contains("budget breached") => {
                    "it is too large with all that its aliases stand for".to_owned()
                }
                reason => reason.to_owned(),
            })]
        }
    }
}

struct Legislators<'a, 'b> {
    mapper: Mapper<'a, 'b>,
    /// Keys of bodies, parties and relatives that are staged.
    staged: HashSet<String>,
}

/// A relation of a person, before it has its number among those of the same content.
struct Relation {
    content: String,
    object: String,
    period: Period,
    fields: Value,
}

impl Legislators<'_, '_> {
    /// An entry of the document, or of the list of a committee's members.
    fn entry(&mut self, list: &str, value: Value) -> Result<(), ReceiverClosed> {
        let tally = self.mapper.file.tally;
        match value {
            Value::Null => Ok(()),
            Value::Object(fields) if !list.is_empty() => {
                self.committee_member(list, SourceObject::new("members", fields, tally))
            }
            Value::Object(fields) if fields.contains_key("thomas_id") => {
                self.committee(SourceObject::new("committees", fields, tally), None)
            }
            Value::Object(fields) if fields.contains_key("name") || fields.contains_key("terms") => {
                self.person(fields)
            }
            // For example addresses of offices and accounts of social media.
            Value::Object(fields) => {
                drop(SourceObject::new("", fields, tally));
                Ok(())
            }
            _ => self.mapper.reject("", "Invalid entry: expected a legislator or a committee."),
        }
    }

    fn body(&mut self, (key, name, wikidata, kind): Body) -> Result<String, ReceiverClosed> {
        if self.staged.insert(key.to_owned()) {
            let identifiers = json!([{"scheme": "wikidata", "value": wikidata}]);
            let fields =
                json!({"kind": "ORGANIZATION", "organizationKind": kind, "identifiers": identifiers});
            self.mapper.actor(key, Some(name), fields)?;
        }
        Ok(key.to_owned())
    }

    /// The key of the party of this name; `None` for those without a party.
    fn party(&mut self, name: &str) -> Result<Option<String>, ReceiverClosed> {
        if NO_PARTY.iter().any(|none| name.eq_ignore_ascii_case(none)) {
            return Ok(None);
        }
        let key = format!("party/{name}");
        if self.staged.insert(key.clone()) {
            let fields = match PARTIES.iter().find(|(known, ..)| *known == name) {
                Some((_, _, wikidata)) => json!({
                    "kind": "ORGANIZATION", "organizationKind": "PARTY", "names": [{"name": name, "kind": "ALIAS", "language": "en"}],
                    "identifiers": [{"scheme": "wikidata", "value": wikidata}],
                }),
                None if name.starts_with("Independent") => json!({"kind": "GROUP"}),
                None => json!({"kind": "ORGANIZATION", "organizationKind": "PARTY"}),
            };
            let own = PARTIES.iter().find(|(known, ..)| *known == name).map_or(name, |(_, own, _)| own);
            self.mapper.actor(&key, Some(own), fields)?;
        }
        Ok(Some(key))
    }

    fn person(&mut self, fields: Map<String, Value>) -> Result<(), ReceiverClosed> {
        let mut person = SourceObject::new("", fields, self.mapper.file.tally);
        let mut ids: Vec<(String, String)> = Vec::new();
        for mut id in person.objects("id") {
            for scheme in id.names() {
                ids.extend(id.texts(&scheme).into_iter().map(|value| (scheme.clone(), value)));
            }
        }
        // Presidents who were never in Congress have no id in its register.
        let of_scheme = |scheme: &str| ids.iter().find(|(known, _)| known == scheme);
        let key = match (of_scheme("bioguide"), of_scheme("govtrack").or(ids.first())) {
            (Some((_, value)), _) => value.clone(),
            (None, Some((scheme, value))) => format!("{scheme}/{value}"),
            (None, None) => return self.mapper.reject("id", "A legislator needs an id."),
        };
        let (name, names) = names(&mut person);
        let (mut born, mut gender) = (None, None);
        for mut bio in person.objects("bio") {
            born = PartialDate::take(&mut bio, "birthday").text();
            gender = bio.text("gender").and_then(|text| {
                let known = match text.as_str() {
                    "M" => Some("MALE"),
                    "F" => Some("FEMALE"),
                    _ => None,
                };
                if known.is_none() {
                    bio.change("gender", "left out, expected M or F");
                }
                known
            });
        }
        let mut relations = Vec::new();
        self.family(&mut person, &key, &mut relations)?;
        self.leadership(&mut person, &key, &mut relations)?;
        let links = self.terms(&mut person, &key, &mut relations)?;
        if relations.len() > MAX_RELATIONS {
            return self
                .mapper
                .reject("terms", &format!("The legislator has more than {MAX_RELATIONS} terms."));
        }
        let identifiers: Value =
            ids.iter().map(|(scheme, value)| self.mapper.identifier(scheme, value)).collect();
        let fields = json!({
            "kind": "PERSON", "names": names, "identifiers": identifiers, "bornOn": born, "gender": gender, "links": links,
        });
        self.mapper.actor(&key, name.as_deref(), fields)?;
        self.stage_relations(&key, relations)
    }

    /// Those of one content are numbered in the order of their periods, whatever the order of the file.
    fn stage_relations(&mut self, person: &str, mut relations: Vec<Relation>) -> Result<(), ReceiverClosed> {
        relations.sort_by(|one, other| (&one.content, one.period).cmp(&(&other.content, other.period)));
        for same in relations.chunk_by_mut(|one, other| one.content == other.content) {
            for (place, Relation { content, object, period, fields }) in same.iter_mut().enumerate() {
                let mut fields = mem::take(fields);
                fields["validFrom"] = period.from.text().into();
                fields["validUntil"] = period.until.text().into();
                self.mapper.relation(&numbered(content, place), person, [person, object], fields)?;
            }
        }
        Ok(())
    }

    /// Relatives who were in Congress too. They are known by name only.
    fn family(
        &mut self,
        person: &mut SourceObject<'_>,
        key: &str,
        relations: &mut Vec<Relation>,
    ) -> Result<(), ReceiverClosed> {
        for mut relative in person.objects("family") {
            let Some(name) = relative.text("name") else { continue };
            let object = format!("family/{name}");
            if self.staged.insert(object.clone()) {
                self.mapper.actor(&object, Some(&name), json!({"kind": "PERSON"}))?;
            }
            relations.push(Relation {
                content: format!("{key} FAMILY {object}"),
                object,
                period: Period::default(),
                fields: json!({"kind": "FAMILY", "label": relative.text("relation")}),
            });
        }
        Ok(())
    }

    fn leadership(
        &mut self,
        person: &mut SourceObject<'_>,
        key: &str,
        relations: &mut Vec<Relation>,
    ) -> Result<(), ReceiverClosed> {
        for mut role in person.objects("leadership_roles") {
            let Some(title) = role.text("title") else {
                role.change("title", "missing, the role is left out");
                continue;
            };
            let object = match role.text("chamber").as_deref() {
                Some("senate") => self.body(SENATE)?,
                Some("house") => self.body(HOUSE)?,
                _ => self.body(CONGRESS)?,
            };
            relations.push(Relation {
                content: format!("{key} POSITION {object} {title}"),
                object,
                period: Period::take(&mut role, "start", "end"),
                fields: json!({"kind": "POSITION", "label": title}),
            });
        }
        Ok(())
    }

    /// Terms of office, and with them parties. Returns the links of the person.
    fn terms(
        &mut self,
        person: &mut SourceObject<'_>,
        key: &str,
        relations: &mut Vec<Relation>,
    ) -> Result<Vec<Value>, ReceiverClosed> {
        let mut links = Links::default();
        // Terms that follow on each other for one party are one membership. Files of Congress and of presidents don't
        // know each other's terms.
        let mut parties: BTreeMap<Party, Vec<Period>> = BTreeMap::new();
        for mut term in person.objects("terms") {
            let (body, title, is_executive) = match term.text("type").as_deref() {
                Some("sen") => (SENATE, "Senator", false),
                Some("rep") => (HOUSE, "Representative", false),
                Some("prez") => (GOVERNMENT, "President", true),
                Some("viceprez") => (GOVERNMENT, "Vice President", true),
                _ => {
                    term.change("type", "the term is left out, expected one of sen, rep, prez, viceprez");
                    continue;
                }
            };
            let object = self.body(body)?;
            let (label, area) = label_of_seat(&mut term, title);
            let content = format!("{key} POSITION {object} {label}");
            let label = label + manner_of_entry(&mut term);
            let period = Period::take(&mut term, "start", "end");
            let (affiliations, only_party) = affiliations(&mut term, period);
            let mut on_behalf_of = Value::Null;
            for Affiliation { party, period, is_member } in affiliations {
                let Some(object) = self.party(&party)? else { continue };
                if only_party.as_ref() == Some(&party) {
                    on_behalf_of = self.mapper.reference(&object);
                }
                let kind = if is_member { "MEMBERSHIP" } else { "PARTICIPATION" };
                let mut content = format!("{key} {kind} {object}");
                content += if is_executive { " (executive)" } else { "" };
                parties.entry(Party { content, object, is_member }).or_default().push(period);
            }
            links.of_term(&mut term, title, period.until);
            let fields =
                json!({"kind": "POSITION", "label": label, "area": area, "onBehalfOf": on_behalf_of});
            relations.push(Relation { content, object, period, fields });
        }
        relations.extend(parties.into_iter().flat_map(|(party, periods)| memberships(party, periods)));
        Ok(links.finish())
    }

    /// A committee, or a subcommittee of the one with the code `of`.
    fn committee(&mut self, mut committee: SourceObject<'_>, of: Option<&str>) -> Result<(), ReceiverClosed> {
        let Some(code) = committee.text("thomas_id") else {
            return self.mapper.reject("committees.thomas_id", "A committee needs a code.");
        };
        let code = format!("{}{code}", of.unwrap_or_default());
        let key = committee_key(&code);
        let chamber = match committee.text("type").as_deref() {
            _ if of.is_some() => None,
            Some("senate") => Some(SENATE),
            Some("house") => Some(HOUSE),
            _ => Some(CONGRESS),
        };
        let parent = match (of, chamber) {
            (Some(of), _) => Some(committee_key(of)),
            (None, Some(chamber)) => Some(self.body(chamber)?),
            (None, None) => None,
        };
        let name = committee.text("name");
        let mut identifiers = vec![self.mapper.identifier("thomas", &code)];
        for scheme in ["senate_committee_id", "house_committee_id"] {
            identifiers.extend(committee.text(scheme).map(|value| self.mapper.identifier(scheme, &value)));
        }
        let mut links = Links::default();
        for (field, kind, note) in [
            ("url", "WEBSITE", None),
            ("minority_url", "WEBSITE", Some("minority")),
            ("rss_url", "OTHER", Some("news feed")),
            ("minority_rss_url", "OTHER", Some("news feed of the minority")),
        ] {
            links.add(committee.text(field), kind, note, PartialDate::default());
        }
        links.add(
            committee.text("phone").map(|number| phone(&number)),
            "CONTACT",
            None,
            PartialDate::default(),
        );
        links.add(
            committee.text("wikipedia").map(|title| wikipedia(&title)),
            "PROFILE",
            None,
            PartialDate::default(),
        );
        let fields = json!({
            "kind": "ORGANIZATION", "organizationKind": "COMMITTEE", "names": former_names(&mut committee, name.as_deref()),
            "identifiers": identifiers, "links": links.finish(), "summary": committee.text("jurisdiction"),
        });
        // What a file of former committees has of one that exists is of earlier Congresses.
        let is_former = committee.uncounted("congresses").is_some();
        if is_former {
            committee.change("congresses", "a former committee, used only if the committee is not known");
            self.mapper.fallback(&key, name.as_deref().unwrap_or(&key), fields)?;
        } else {
            self.mapper.actor(&key, name.as_deref(), fields)?;
        }
        if let Some(parent) = &parent {
            let own_key = format!("{key} HIERARCHY");
            self.mapper.relation(&own_key, &key, [&key, parent], json!({"kind": "HIERARCHY"}))?;
        }
        for subcommittee in committee.objects("subcommittees") {
            self.committee(subcommittee, Some(&code))?;
        }
        Ok(())
    }

    fn committee_member(&mut self, code: &str, mut member: SourceObject<'_>) -> Result<(), ReceiverClosed> {
        let Some(person) = member.text("bioguide") else {
            return self.mapper.reject("members.bioguide", "A member of a committee needs a Bioguide id.");
        };
        if let Some(name) = member.text("name") {
            let identifiers = json!([self.mapper.identifier("bioguide", &person)]);
            self.mapper.fallback(&person, &name, json!({"kind": "PERSON", "identifiers": identifiers}))?;
        }
        let object = committee_key(code);
        if !self.staged.contains(&object) {
            self.staged.insert(object.clone());
            self.mapper.fallback(&object, code, json!({"kind": "ORGANIZATION"}))?;
        }
        let title = member.text("title");
        let side = match (&title, member.peek("party").and_then(Value::as_str)) {
            (None, Some("majority")) => Some("Majority member"),
            (None, Some("minority")) => Some("Minority member"),
            _ => None,
        };
        if side.is_some() {
            member.redundant("party");
        }
        let period = Period::take(&mut member, "start_date", "end_date");
        let kind = if title.is_some() { "POSITION" } else { "MEMBERSHIP" };
        let fields = json!({
            "kind": kind, "label": title.as_deref().or(side),
            "validFrom": period.from.text(), "validUntil": period.until.text(),
        });
        self.mapper.relation(&format!("{person} in {object}"), &person, [&person, &object], fields)
    }
}

/// A party that a person is a member of or caucuses with; what the relation to it says.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Party {
    content: String,
    object: String,
    is_member: bool,
}

/// A party of a term, and when the person was with it.
struct Affiliation {
    party: String,
    period: Period,
    is_member: bool,
}

/// What a seat is called, and its state or district.
fn label_of_seat(term: &mut SourceObject<'_>, title: &str) -> (String, Option<String>) {
    let (state, district) = (term.text("state"), term.text("district"));
    // The whole of a state is district 0.
    let district = district.filter(|district| !["0", "-1"].contains(&district.as_str()));
    let area = state.map(|state| match district {
        Some(district) => format!("{state}-{district}"),
        None => state,
    });
    let mut label = title.to_owned();
    label.extend(area.iter().flat_map(|area| [" for ", area.as_str()]));
    label.extend(term.text("class").map(|class| format!(" (class {class})")));
    (label, area)
}

fn manner_of_entry(term: &mut SourceObject<'_>) -> &'static str {
    match term.text("how").as_deref() {
        Some("appointment") => ", appointed",
        Some("special-election") => ", by special election",
        Some("succession") => ", by succession",
        _ => "",
    }
}

/// The parties of a term, and the party of all of it, if there is one.
fn affiliations(term: &mut SourceObject<'_>, whole: Period) -> (Vec<Affiliation>, Option<String>) {
    let party = term.text("party");
    let mut caucus = term.text("caucus").map(|caucus| (caucus, whole));
    let mut parties = Vec::new();
    for mut affiliation in term.objects("party_affiliations") {
        let period = Period::take(&mut affiliation, "start", "end");
        parties.extend(affiliation.text("party").map(|party| (party, period)));
        caucus = affiliation.text("caucus").map(|caucus| (caucus, period)).or(caucus);
    }
    let only = party.filter(|_| parties.is_empty());
    parties.extend(only.clone().map(|party| (party, whole)));
    let parties = parties.into_iter().map(|party| (party, true)).chain(caucus.map(|party| (party, false)));
    let all = parties.map(|((party, period), is_member)| Affiliation { party, period, is_member });
    (all.collect(), only)
}

fn memberships(party: Party, periods: Vec<Period>) -> impl Iterator<Item = Relation> {
    let Party { content, object, is_member } = party;
    let kind = if is_member { "MEMBERSHIP" } else { "PARTICIPATION" };
    let label = (!is_member).then_some("Caucuses with the party");
    let fields = json!({"kind": kind, "label": label});
    joined(periods).into_iter().map(move |period| Relation {
        content: content.clone(),
        object: object.clone(),
        period,
        fields: fields.clone(),
    })
}

fn committee_key(code: &str) -> String {
    format!("committee/{code}")
}

/// The preferred name of a person, and the further ones.
fn names(person: &mut SourceObject<'_>) -> (Option<String>, Vec<Value>) {
    const PARTS: [&str; 4] = ["first", "middle", "last", "suffix"];
    type Parts = [Option<String>; 4];
    let full = |[first, middle, last, suffix]: &Parts| {
        let parts: Vec<&str> =
            [first, middle, last, suffix].into_iter().flatten().map(String::as_str).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    };
    let (mut current, mut preferred, mut names) = (Parts::default(), None, Vec::new());
    for mut name in person.objects("name") {
        current = PARTS.map(|part| name.text(part));
        let whole = full(&current);
        preferred = name.text("official_full").or_else(|| whole.clone());
        let nickname = name.text("nickname").map(|nickname| {
            full(&[Some(nickname), None, current[2].clone(), current[3].clone()]).unwrap_or_default()
        });
        names.extend(
            whole
                .into_iter()
                .chain(nickname)
                .map(|name| json!({"name": name, "kind": "ALIAS", "language": "en"})),
        );
    }
    // They have the parts that differ from the current name.
    for mut other in person.objects("other_names") {
        let own = PARTS.map(|part| other.text(part));
        let mut parts = current.clone();
        for (part, own) in parts.iter_mut().zip(own) {
            *part = own.or(part.take());
        }
        let period = Period::take(&mut other, "start", "end");
        let kind = if period.until.is_known() { "FORMER" } else { "ALIAS" };
        names.extend(full(&parts).map(|name| {
            json!({"name": name, "kind": kind, "language": "en", "validFrom": period.from.text(), "validUntil": period.until.text()})
        }));
    }
    let mut distinct: Vec<Value> = Vec::new();
    for name in names {
        if name["name"].as_str() != preferred.as_deref()
            && distinct.iter().all(|known| known["name"] != name["name"])
        {
            distinct.push(name);
        }
    }
    (preferred, distinct)
}

/// Names that a committee had in earlier Congresses, each of which has two years.
fn former_names(committee: &mut SourceObject<'_>, name: Option<&str>) -> Vec<Value> {
    let mut years: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for mut of in committee.objects("names") {
        for congress in of.names() {
            let (Some(former), Ok(number)) = (of.text(&congress), congress.parse::<u32>()) else { continue };
            if Some(former.as_str()) != name {
                let year = 1787 + 2 * number.min(1_000);
                let known = years.entry(former).or_insert((year, year + 2));
                *known = (known.0.min(year), known.1.max(year + 2));
            }
        }
    }
    let former = years.into_iter().map(|(name, (from, until))| {
        json!({"name": name, "kind": "FORMER", "language": "en", "validFrom": from.to_string(), "validUntil": until.to_string()})
    });
    former.collect()
}

/// Links of a person or a committee, each once, with the last day that a term gives it.
#[derive(Default)]
struct Links {
    found: Vec<(String, &'static str, Option<String>, PartialDate)>,
    last: PartialDate,
}

impl Links {
    fn add(&mut self, url: Option<String>, kind: &'static str, note: Option<&str>, until: PartialDate) {
        let Some(url) = url else { return };
        self.last = self.last.max(until);
        match self.found.iter_mut().find(|(known, of, ..)| *known == url && *of == kind) {
            Some((_, _, _, last)) => *last = (*last).max(until),
            None => self.found.push((url, kind, note.map(ToOwned::to_owned), until)),
        }
    }

    fn of_term(&mut self, term: &mut SourceObject<'_>, title: &str, until: PartialDate) {
        self.last = self.last.max(until);
        self.add(term.text("url"), "WEBSITE", Some(title), until);
        self.add(term.text("contact_form"), "CONTACT", Some("contact form"), until);
        self.add(term.text("phone").map(|number| phone(&number)), "CONTACT", Some("telephone"), until);
        self.add(term.text("fax").map(|number| phone(&number)), "CONTACT", Some("fax"), until);
        self.add(term.text("rss_url"), "OTHER", Some("news feed"), until);
    }

    /// The links; those of earlier terms say until when they were given.
    fn finish(self) -> Vec<Value> {
        let links = self.found.into_iter().map(|(url, kind, note, until)| {
            let ended = until.text().filter(|_| until < self.last).map(|until| format!("until {until}"));
            let note: Vec<String> = note.into_iter().chain(ended).collect();
            let note = (!note.is_empty()).then(|| note.join(", "));
            json!({"url": url, "kind": kind, "note": note})
        });
        links.collect()
    }
}

/// The address of a telephone number of the United States.
fn phone(number: &str) -> String {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    match digits.len() {
        10 => format!("tel:+1-{}-{}-{}", &digits[..3], &digits[3..6], &digits[6..]),
        _ => format!("tel:{digits}"),
    }
}

fn wikipedia(title: &str) -> String {
    format!("https://en.wikipedia.org/wiki/{}", title.replace(' ', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_read_within_an_entry_and_never_grow_without_bound() {
        let read = |text: &str| {
            let mut read = Vec::new();
            let input = Input::of(Box::new(std::io::Cursor::new(text.to_owned()))).unwrap();
            let done = yaml_entries(input, |_, _, entry| {
                read.push(entry.map(|value| value.to_string()));
                Ok(())
            });
            assert!(done.is_ok());
            read
        };
        let [one, other, last] = read("- a: &x {b: 1}\n  c: *x\n- d: *x\n- e: 2\n").try_into().unwrap();
        assert_eq!([one.as_deref(), last.as_deref()], [Ok(r#"{"a":{"b":1},"c":{"b":1}}"#), Ok(r#"{"e":2}"#)]);
        assert!(other.unwrap_err().contains("alias of another entry"));
        let mut laughs = "- a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n".to_owned();
        for level in 1..20 {
            let before = format!("*a{}, ", level - 1).repeat(9);
            laughs.extend([format!("  a{level}: &a{level} [{before}]\n")]);
        }
        let [all] = read(&laughs).try_into().unwrap();
        assert!(all.unwrap_err().contains("too large with all that its aliases"));
    }

    #[test]
    fn entries_of_yaml_come_one_at_a_time_at_any_indentation() {
        let yaml = "\
%YAML 1.2
--- # a comment
  - id: {bioguide: X1}
    text: |
      - no entry

      # no comment
  -
    id: {bioguide: X2}
...
---
HSXX:
- {rank: 1}
- rank: 2
'HSXX01':
    - rank: 3
- broken: [
";
        let mut found = Vec::new();
        let input = Input::of(Box::new(yaml.as_bytes())).unwrap();
        yaml_entries(input, |line, list, entry| {
            found.push((line, list.to_owned(), entry.map(|entry| entry.to_string()).unwrap_or_default()));
            Ok(())
        })
        .unwrap();
        let expected = [
            (3, "", r#"{"id":{"bioguide":"X1"},"text":"- no entry\n\n# no comment\n"}"#),
            (8, "", r#"{"id":{"bioguide":"X2"}}"#),
            (13, "HSXX", r#"{"rank":1}"#),
            (14, "HSXX", r#"{"rank":2}"#),
            (16, "HSXX01", r#"{"rank":3}"#),
            (17, "HSXX01", ""),
        ];
        assert_eq!(found, expected.map(|(line, list, entry)| (line, list.to_owned(), entry.to_owned())));
        let input = Input::of(Box::new("version: 2\n- a\n".as_bytes())).unwrap();
        assert!(yaml_entries(input, |_, _, _| Ok(())).is_err());
    }
}
