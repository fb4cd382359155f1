//! Popolo: people, organizations, memberships, posts, areas, events, speeches, motions and votes, in one JSON document.
//!
//! Lists are read one element at a time. Memberships wait for the end of the document in a temporary file: what they
//! refer to (posts, areas, legislative periods) may come after them.

mod votes;

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    bulk::import::{
        readers::{
            File, ReadError, json,
            mappings::{
                Held, MAX_HELD_BYTES, Mapper, SOURCE_KEY,
                dates::{PartialDate, Period, joined},
                digest, excerpt, hash, numbered,
                spool::Spool,
            },
            stem_and_extension,
        },
        source_file::Input,
        staging::{ReceiverClosed, Stager},
        tally::SourceObject,
    },
    model::languages,
};

/// The lists of a document, of which it has one at least.
pub const LISTS: [&str; 10] = [
    "persons",
    "organizations",
    "memberships",
    "posts",
    "areas",
    "events",
    "speeches",
    "motions",
    "vote_events",
    "votes",
];
const MEMBERSHIP: &str = "MEMBERSHIP";

/// Words in the classification of an organization, with its kind. The first that fits counts.
const ORGANIZATION_KINDS: [(&str, &[&str]); 13] = [
    (
        "PARLIAMENTARY_GROUP",
        &["parliamentary group", "political group", "faction", "caucus", "fraktion", "parliamentary_group"],
    ),
    ("COMMITTEE", &["committee", "commission", "working group", "delegation"]),
    ("PARTY", &["party"]),
    ("MINISTRY", &["ministry", "department"]),
    ("COURT", &["court", "tribunal"]),
    ("INTERNATIONAL_BODY", &["international", "intergovernmental"]),
    ("UNIVERSITY", &["university", "school", "institute"]),
    ("COMPANY", &["company", "corporation", "bank", "business"]),
    ("ASSOCIATION", &["association", "union", "foundation", "ngo", "non-governmental", "charity"]),
    ("SECURITY_FORCE", &["military", "army", "police", "intelligence"]),
    ("PARLIAMENT", &["legislature", "parliament", "chamber", "house", "senate", "assembly", "congress"]),
    ("GOVERNMENT", &["government", "cabinet", "executive"]),
    ("PUBLIC_BODY", &["agency", "authority", "public"]),
];
/// Words in the note of a further name, with its kind.
const NAME_KINDS: [(&str, &[&str]); 3] = [
    ("FORMER", &["former", "previous", "maiden", "birth"]),
    ("TRANSLITERATION", &["translit", "romani", "latin", "cyrillic"]),
    ("ABBREVIATION", &["abbrev", "acronym", "initial"]),
];
const PROFILES: [&str; 9] =
    ["wikipedia", "wikidata", "twitter", "facebook", "instagram", "youtube", "linkedin", "flickr", "profile"];
const WEBSITES: [&str; 4] = ["website", "homepage", "home page", "blog"];

pub fn read(file: File<'_>, input: Input, stager: &mut Stager<'_>) -> Result<String, ReadError> {
    let name = file.dataset.map_or_else(|| stem_and_extension(file.path).0, ToOwned::to_owned);
    let mapper = Mapper::new(file, stager, None, json!({"title": format!("[Popolo: {name}]")}))?;
    let mut popolo = Popolo {
        mapper,
        number: 0,
        has_list: false,
        held: Held::default(),
        posts: HashMap::new(),
        areas: HashMap::new(),
        days: HashMap::new(),
        terms: HashMap::new(),
        actors: HashSet::new(),
        staged: HashSet::new(),
        nameless: HashMap::new(),
        voters: BTreeSet::new(),
        memberships: Spool::new()?,
        speeches: Spool::new()?,
    };
    json::elements(input, |list, value| popolo.element(list, value))?;
    if !popolo.has_list {
        return Err(ReadError::Invalid(
            "the JSON has no list of a Popolo document, such as `persons`".to_owned(),
        ));
    }
    popolo.finish()
}

/// A post, as far as memberships of it need it.
#[derive(Default)]
struct Post {
    label: Option<String>,
    organization: Option<String>,
    area: Option<String>,
}

/// A legislative period.
struct Term {
    name: String,
    organization: Option<String>,
    period: Period,
}

/// A membership or a speech as it is in the document.
#[derive(Serialize, Deserialize)]
struct RawEntry {
    /// Where it is: `memberships`, `persons.memberships`.
    path: String,
    number: u64,
    fields: Map<String, Value>,
}

/// A membership with what it refers to: a relation of kind MEMBERSHIP or POSITION.
#[derive(Serialize, Deserialize)]
struct Membership {
    id: Option<String>,
    subject: String,
    object: String,
    kind: String,
    label: Option<String>,
    area: Option<String>,
    term: Option<String>,
    party: Option<String>,
    period: Period,
}

impl Membership {
    /// What it is known by without an id: all but its period.
    fn content(&self) -> String {
        let Membership { subject, object, kind, label, area, term, party, .. } = self;
        let mut content = format!("{subject} {kind} {object}");
        for (name, part) in [("as", label), ("for", area), ("in", term), ("party", party)] {
            content.extend(part.iter().flat_map(|part| [" ", name, " ", part.as_str()]));
        }
        content
    }
}

struct Popolo<'a, 'b> {
    mapper: Mapper<'a, 'b>,
    number: u64,
    /// Whether one of Popolo's lists was found.
    has_list: bool,
    /// Who voted and for which party, looked up at the end of the document.
    voters: BTreeSet<(String, &'static str)>,
    held: Held,
    posts: HashMap<String, Post>,
    /// Names of areas.
    areas: HashMap<String, String>,
    /// The dates of events of one day.
    days: HashMap<String, String>,
    terms: HashMap<String, Term>,
    /// Hashes of the keys of actors that are staged.
    actors: HashSet<u64>,
    /// Hashes of keys of sources that are staged.
    staged: HashSet<u64>,
    /// How many records without an id have a name, by the name's hash.
    nameless: HashMap<u64, u32>,
    memberships: Spool<RawEntry>,
    /// Speeches without a date whose event may come after them.
    speeches: Spool<RawEntry>,
}

impl<'a> Popolo<'a, '_> {
    /// The next record; errors name its number, since lines mean nothing here.
    fn next(&mut self) {
        self.number += 1;
        self.mapper.set_line(self.number);
    }

    fn reference(&self, key: Option<&String>) -> Value {
        key.map_or(Value::Null, |key| self.mapper.reference(key))
    }

    /// Counts the texts of a post, an area or a legislative period, which are held in memory.
    fn hold(&mut self, texts: &[Option<&String>]) -> Result<(), ReadError> {
        if self.held.has_room(texts.iter().flatten().map(|text| text.len()).sum()) {
            return Ok(());
        }
        let most = MAX_HELD_BYTES >> 20;
        let reason = format!("the posts, areas and legislative periods have more than {most} MiB");
        Err(ReadError::Invalid(reason))
    }

    fn element(&mut self, list: &str, value: Value) -> Result<(), ReadError> {
        let tally = self.mapper.file.tally;
        let was_there = self.has_list;
        self.has_list |= LISTS.contains(&list);
        let fields = match value {
            Value::Object(fields) => fields,
            Value::Null => return Ok(()),
            value => {
                let mut tally = tally.borrow_mut();
                if LISTS.contains(&list) {
                    self.has_list = was_there;
                    tally.change(list, "left out, expected an object");
                } else {
                    tally.ignore_all(list, &value);
                }
                return Ok(());
            }
        };
        if list == "memberships" {
            return self.found_membership(list, fields);
        }
        if list == "speeches" && self.waits(&fields) {
            self.number += 1;
            let waiting = RawEntry { path: list.to_owned(), number: self.number, fields };
            return Ok(self.speeches.push(&waiting)?);
        }
        let entry = SourceObject::new(list, fields, tally);
        self.next();
        match list {
            "persons" => self.actor("PERSON", entry).map(drop),
            "organizations" => self.actor("ORGANIZATION", entry).map(drop),
            "areas" => self.area(entry).map(drop),
            "posts" => self.post(entry, None).map(drop),
            "events" => self.event(entry, None),
            "speeches" => Ok(self.speech(entry)?),
            "motions" => self.motion(entry).map(drop),
            "vote_events" => self.division(entry, None),
            "votes" => self.vote(entry, None),
            "meta" => Ok(self.meta(entry)?),
            _ => Ok(()),
        }
    }

    /// What the document says of itself.
    fn meta(&mut self, mut meta: SourceObject<'_>) -> Result<(), ReceiverClosed> {
        let Some(url) = meta.text("sources") else { return Ok(()) };
        let slug = self.mapper.source_slug();
        self.mapper.record("Source", SOURCE_KEY, &slug, json!({"url": url}))
    }

    /// The key of a record: its id, or else its name.
    fn key(&mut self, entry: &mut SourceObject<'_>, name: Option<&str>) -> Option<String> {
        if let Some(id) = entry.text("id") {
            return Some(id);
        }
        let name = name?;
        entry.change("id", "missing, the name is used");
        let count = self.nameless.entry(hash(name)).or_insert(0);
        *count += 1;
        Some(if *count == 1 { format!("name/{name}") } else { format!("name/{name} #{count}") })
    }

    /// Reads a person, an organization or an area, and returns its key.
    fn actor(
        &mut self,
        kind: &'static str,
        mut entry: SourceObject<'a>,
    ) -> Result<Option<String>, ReadError> {
        let (name, names) = names(&mut entry);
        let Some(key) = self.key(&mut entry, name.as_deref()) else {
            self.mapper.reject("id", "The record needs an id or a name.")?;
            return Ok(None);
        };
        let identifiers = self.identifiers(&mut entry);
        let citations = self.citations(&mut entry, &key)?;
        let mut fields = json!({
            "kind": kind, "names": names, "identifiers": identifiers, "links": links(&mut entry), "citations": citations,
            "summary": summary(&mut entry),
        });
        let mut relations = Vec::new();
        let memberships = match entry.uncounted("memberships") {
            Some(Value::Array(memberships)) => memberships,
            None | Some(Value::Null) => Vec::new(),
            Some(other) => vec![other],
        };
        let (path, end) = match kind {
            "PERSON" => {
                fields["bornOn"] = PartialDate::take(&mut entry, "birth_date").text().into();
                fields["diedOn"] = PartialDate::take(&mut entry, "death_date").text().into();
                fields["gender"] = gender(&mut entry).into();
                ("persons.memberships", "person_id")
            }
            "ORGANIZATION" => {
                fields["foundedOn"] = PartialDate::take(&mut entry, "founding_date").text().into();
                fields["dissolvedOn"] = PartialDate::take(&mut entry, "dissolution_date").text().into();
                fields["organizationKind"] = organization_kind(&mut entry).into();
                let parent = self.actor_of(&mut entry, "parent", "ORGANIZATION")?;
                relations.extend(parent.map(|parent| ("HIERARCHY", parent)));
                relations.extend(self.area_of(&mut entry)?.map(|(area, _)| ("LOCATION", area)));
                for post in entry.objects("posts") {
                    self.post(post, Some(&key))?;
                }
                ("organizations.memberships", "organization_id")
            }
            _ => {
                let point = entry.peek("geometry").filter(|geometry| geometry["type"] == "Point");
                let point = point.and_then(|point| {
                    Some((point["coordinates"][1].as_f64()?, point["coordinates"][0].as_f64()?))
                });
                if let Some((latitude, longitude)) = point {
                    entry.redundant("geometry");
                    fields["latitude"] = latitude.into();
                    fields["longitude"] = longitude.into();
                }
                relations.extend(self.area_parent(&mut entry)?.map(|parent| ("LOCATION", parent)));
                ("areas.memberships", "area_id")
            }
        };
        self.actors.insert(hash(&key));
        self.mapper.actor(&key, name.as_deref(), fields)?;
        for (kind, object) in &relations {
            let own_key = format!("{key} {kind} {object}");
            self.mapper.relation(&own_key, &key, [&key, object], json!({"kind": kind}))?;
        }
        for membership in memberships {
            match membership {
                Value::Object(mut fields) => {
                    fields.insert(end.to_owned(), key.clone().into());
                    self.found_membership(path, fields)?;
                }
                _ => entry.change("memberships", "left out, expected an object"),
            }
        }
        Ok(Some(key))
    }

    fn identifiers(&self, entry: &mut SourceObject<'_>) -> Vec<Value> {
        let mut identifiers = Vec::new();
        for mut identifier in entry.objects("identifiers") {
            let Some(value) = identifier.text("identifier") else { continue };
            let scheme = identifier
                .text("scheme")
                .map_or_else(|| "identifier".to_owned(), |scheme| scheme.to_lowercase());
            // Some give the address of the item.
            let value =
                if scheme == "wikidata" { value.rsplit('/').next().unwrap_or_default() } else { &value };
            identifiers.push(self.mapper.identifier(&scheme, value));
        }
        identifiers
            .extend(entry.text("identifier").map(|value| self.mapper.identifier("identifier", &value)));
        identifiers
    }

    /// The dataset, and the pages that a record names as its sources.
    fn citations(&mut self, entry: &mut SourceObject<'_>, locator: &str) -> Result<Value, ReceiverClosed> {
        let mut citations = self.mapper.cite(locator);
        for mut source in entry.objects("sources") {
            let Some(url) = source.text("url") else { continue };
            let title = source.text("note");
            let key = format!("source/{url}");
            if self.staged.insert(hash(&key)) {
                let fields = json!({"title": title.unwrap_or_else(|| format!("[{url}]")), "url": url});
                self.mapper.record("Source", &key, &self.mapper.slug(&key), fields)?;
            }
            if let Value::Array(citations) = &mut citations {
                citations.push(json!({"source": self.mapper.reference(&key), "locator": locator}));
            }
        }
        Ok(citations)
    }

    /// The key of the record that an entry refers to: `person_id`, or a `person` that is embedded.
    fn actor_of(
        &mut self,
        entry: &mut SourceObject<'a>,
        name: &str,
        kind: &'static str,
    ) -> Result<Option<String>, ReadError> {
        let embedded = entry.object(name);
        let id = entry.text(&format!("{name}_id"));
        match embedded {
            Some(embedded) => {
                let found = self.actor(kind, embedded)?;
                Ok(id.or(found))
            }
            None => Ok(id),
        }
    }

    /// The key and the name of the area of a record, if the document has it.
    fn area_of(
        &mut self,
        entry: &mut SourceObject<'a>,
    ) -> Result<Option<(String, Option<String>)>, ReadError> {
        let embedded = entry.object("area");
        let id = entry.text("area_id");
        let found = match embedded {
            Some(embedded) => self.area(embedded)?,
            None => None,
        };
        Ok(id.or(found).map(|key| {
            let name = self.areas.get(&key).cloned();
            (key, name)
        }))
    }

    fn area_parent(&mut self, entry: &mut SourceObject<'a>) -> Result<Option<String>, ReadError> {
        let embedded = entry.object("parent");
        let id = entry.text("parent_id");
        match embedded {
            Some(embedded) => Ok(self.area(embedded)?.or(id)),
            None => Ok(id),
        }
    }

    fn area(&mut self, entry: SourceObject<'a>) -> Result<Option<String>, ReadError> {
        let name = entry.peek("name").and_then(Value::as_str).map(ToOwned::to_owned);
        let key = self.actor("PLACE", entry)?;
        if let (Some(key), Some(name)) = (&key, name) {
            self.hold(&[Some(key), Some(&name)])?;
            self.areas.insert(key.clone(), name);
        }
        Ok(key)
    }

    fn post(
        &mut self,
        mut entry: SourceObject<'a>,
        organization: Option<&str>,
    ) -> Result<Option<String>, ReadError> {
        let Some(id) = entry.text("id") else {
            entry.change("id", "missing, the post is left out");
            return Ok(None);
        };
        let label = entry.text("label");
        // What the label says in other words.
        let label = match label {
            Some(label) => Some(label),
            None => entry.text("role"),
        };
        let own = self.actor_of(&mut entry, "organization", "ORGANIZATION")?;
        let organization = own.or_else(|| organization.map(ToOwned::to_owned));
        let area = self.area_of(&mut entry)?.map(|(key, name)| name.unwrap_or(key));
        if let Some(Value::Array(memberships)) = entry.uncounted("memberships") {
            for membership in memberships {
                if let Value::Object(mut fields) = membership {
                    fields.insert("post_id".to_owned(), id.clone().into());
                    self.found_membership("posts.memberships", fields)?;
                }
            }
        }
        self.hold(&[Some(&id), label.as_ref(), organization.as_ref(), area.as_ref()])?;
        self.posts.insert(id.clone(), Post { label, organization, area });
        Ok(Some(id))
    }

    /// A legislative period, or a meeting, which may be part of another one.
    fn event(&mut self, mut entry: SourceObject<'a>, parent: Option<&str>) -> Result<(), ReadError> {
        let classification = entry.peek("classification").and_then(Value::as_str).map(str::to_lowercase);
        if classification
            .is_some_and(|text| ["legislative period", "legislative term", "term"].contains(&text.as_str()))
        {
            return self.term(entry);
        }
        let name = entry.text("name").or_else(|| entry.text("classification"));
        let Some(key) = self.key(&mut entry, name.as_deref()) else {
            return Ok(self.mapper.reject("id", "An event needs an id or a name.")?);
        };
        let status = match entry.text("status").as_deref() {
            Some("cancelled") => "CANCELLED",
            Some("tentative") => "SCHEDULED",
            _ => "OCCURRED",
        };
        let period = Period::take(&mut entry, "start_date", "end_date");
        let host = self.actor_of(&mut entry, "organization", "ORGANIZATION")?;
        let mut participants: Vec<Value> = Vec::new();
        participants
            .extend(host.iter().map(|id| json!({"actor": self.mapper.reference(id), "role": "HOST"})));
        for mut attendee in entry.objects("attendees") {
            let id = attendee.text("id").filter(|id| Some(id) != host.as_ref());
            let participant = id.map(|id| json!({"actor": self.mapper.reference(&id), "role": "ATTENDEE"}));
            participants.extend(participant.filter(|participant| !participants.contains(participant)));
        }
        if let Some(day) =
            period.from.text().filter(|_| !period.until.is_known() || period.until == period.from)
        {
            self.hold(&[Some(&key), Some(&day)])?;
            self.days.insert(key.clone(), day);
        }
        let venue = self.area_of(&mut entry)?.map(|(key, _)| key);
        let parent = entry.text("parent_id").or_else(|| parent.map(ToOwned::to_owned));
        let fields = json!({
            "name": name.unwrap_or_else(|| key.clone()), "summary": entry.text("description"), "mode": "OTHER", "status": status,
            "startsOn": period.from.text(), "endsOn": period.until.text(), "venue": self.reference(venue.as_ref()),
            "parent": self.reference(parent.as_ref()), "participants": participants,
            "citations": self.citations(&mut entry, &key)?,
        });
        self.mapper.record("Meeting", &key, &self.mapper.slug(&key), fields)?;
        for child in entry.objects("children") {
            self.next();
            self.event(child, Some(&key))?;
        }
        Ok(())
    }

    fn term(&mut self, mut entry: SourceObject<'_>) -> Result<(), ReadError> {
        entry.redundant("classification");
        let name = entry.text("name");
        let Some(id) = entry.text("id").or_else(|| name.clone()) else {
            entry.change("id", "missing, the period is left out");
            return Ok(());
        };
        let (period, organization) =
            (Period::take(&mut entry, "start_date", "end_date"), entry.text("organization_id"));
        let name = name.unwrap_or_else(|| id.clone());
        self.hold(&[Some(&id), Some(&name), organization.as_ref()])?;
        self.terms.insert(id, Term { name, organization, period });
        Ok(())
    }

    /// A legislative period whose end isn't known ends, at the latest, when the next one of its chamber begins.
    fn end_terms(&mut self) {
        let mut starts: Vec<(Option<String>, PartialDate)> =
            self.terms.values().map(|term| (term.organization.clone(), term.period.from)).collect();
        starts.sort();
        for Term { organization, period, .. } in self.terms.values_mut() {
            let next = starts.iter().find(|(of, from)| of == organization && *from > period.from);
            if let Some((_, next)) = next.filter(|_| period.from.is_known() && !period.until.is_known()) {
                let mut tally = self.mapper.file.tally.borrow_mut();
                tally.change("events.end_date", "missing, the next legislative period begins then");
                period.until = *next;
            }
        }
    }

    /// Whether a speech has no date but the day of an event that was not read yet.
    fn waits(&self, speech: &Map<String, Value>) -> bool {
        let has = |field: &str| speech.get(field).is_some_and(|value| !value.is_null());
        let event = speech.get("event_id").and_then(Value::as_str);
        has("text")
            && !["date", "start_date"].into_iter().any(has)
            && event.is_some_and(|event| !self.days.contains_key(event))
    }

    fn speech(&mut self, mut entry: SourceObject<'_>) -> Result<(), ReceiverClosed> {
        // Stage directions are not speech.
        if entry.peek("type").is_some_and(|kind| ["scene", "narrative"].iter().any(|known| kind == known)) {
            return Ok(());
        }
        let Some(text) = entry.text("text") else {
            return self.mapper.reject("text", "A speech needs a text.");
        };
        let (speaker, meeting) = (entry.text("creator_id"), entry.text("event_id"));
        let [date, start] = ["date", "start_date"].map(|field| PartialDate::take(&mut entry, field).text());
        let date = date.or(start).or_else(|| self.days.get(meeting.as_ref()?).cloned());
        let id = entry
            .text("id")
            .unwrap_or_else(|| digest(&format!("{speaker:?} {meeting:?} {date:?} {text}"), 32));
        let role = entry.text("role").or_else(|| entry.text("attribution_text"));
        let addressees: Vec<Value> =
            entry.text("audience_id").iter().map(|id| self.mapper.reference(id)).collect();
        let ordinal = entry.peek("position").and_then(Value::as_i64).filter(|_| meeting.is_some());
        if ordinal.is_some() {
            entry.redundant("position");
        }
        let fields = json!({
            "speaker": self.reference(speaker.as_ref()), "speakerRole": role, "meeting": self.reference(meeting.as_ref()),
            "addressees": addressees, "medium": "SPEECH", "rendering": "VERBATIM", "eventType": "STATEMENT",
            "summary": entry.text("title").unwrap_or_else(|| excerpt(&text)), "quote": text, "saidOn": date,
            "ordinal": ordinal, "language": language(&mut entry, "language"), "citations": self.citations(&mut entry, &id)?,
        });
        self.mapper.record("Statement", &id, &self.mapper.slug(&id), fields)
    }

    fn found_membership(&mut self, path: &str, fields: Map<String, Value>) -> Result<(), ReadError> {
        self.number += 1;
        Ok(self.memberships.push(&RawEntry { path: path.to_owned(), number: self.number, fields })?)
    }

    /// Stages the memberships, once all that they refer to is known.
    fn finish(mut self) -> Result<String, ReadError> {
        self.end_terms();
        let speeches = std::mem::replace(&mut self.speeches, Spool::new()?);
        for speech in speeches.entries()? {
            let RawEntry { path, fields, .. } = speech?;
            self.next();
            self.speech(SourceObject::new(&path, fields, self.mapper.file.tally))?;
        }
        let raw = std::mem::replace(&mut self.memberships, Spool::new()?);
        let mut memberships = Spool::new()?;
        // Hashes of what memberships without an id are known by, with their periods.
        let (mut unnamed, mut parties, mut explicit) = (Vec::new(), Vec::new(), HashSet::new());
        for raw in raw.entries()? {
            let Some(membership) = self.resolve(raw?)? else { continue };
            let Membership { id, subject, object, kind, party, period, .. } = &membership;
            if id.is_none() {
                unnamed.push((hash(membership.content()), *period));
            }
            if let Some(party) = party {
                parties.push((hash((subject, party)), *period));
            }
            if kind == MEMBERSHIP {
                explicit.insert(hash((subject, object)));
            }
            memberships.push(&membership)?;
        }
        for (voter, kind) in std::mem::take(&mut self.voters) {
            self.next();
            self.stage_if_undescribed("votes", &voter, kind)?;
        }
        unnamed.sort_unstable();
        unnamed.dedup();
        let mut of_parties = party_periods(parties);
        for membership in memberships.entries()? {
            let membership = membership?;
            self.next();
            self.stage_undescribed(&membership)?;
            self.stage_membership(&membership, &unnamed)?;
            let Membership { subject, party: Some(party), .. } = membership else { continue };
            let ends = hash((&subject, &party));
            if !explicit.contains(&ends) {
                self.stage_in_party(&subject, &party, of_parties.remove(&ends).unwrap_or_default())?;
            }
        }
        Ok(self.mapper.dataset)
    }

    /// Looks up what a membership refers to. A post, or a role other than member, makes it a position.
    fn resolve(&mut self, raw: RawEntry) -> Result<Option<Membership>, ReadError> {
        let RawEntry { path, number, fields } = raw;
        let mut entry = SourceObject::new(&path, fields, self.mapper.file.tally);
        self.next();
        let person = self.actor_of(&mut entry, "person", "PERSON")?;
        let member = self.actor_of(&mut entry, "member", "PERSON")?;
        let own = self.actor_of(&mut entry, "organization", "ORGANIZATION")?;
        let party = self.actor_of(&mut entry, "on_behalf_of", "ORGANIZATION")?;
        let post_id = match entry.object("post") {
            Some(post) => self.post(post, None)?,
            None => None,
        };
        let post_id = entry.text("post_id").or(post_id);
        let area = self.area_of(&mut entry)?.map(|(key, name)| name.unwrap_or(key));
        let term_id = entry.text("legislative_period_id");
        let post = post_id.as_ref().and_then(|id| self.posts.get(id));
        let term = term_id.as_ref().and_then(|id| self.terms.get(id));
        let subject = person.or(member);
        let object = own
            .or_else(|| post.and_then(|post| post.organization.clone()))
            .or_else(|| term.and_then(|term| term.organization.clone()));
        let (Some(subject), Some(object)) = (subject, object) else {
            let field = format!("{path} (record {number})");
            self.mapper.reject(&field, "A membership needs a person and an organization.")?;
            return Ok(None);
        };
        let role = entry.text("role").filter(|role| !role.eq_ignore_ascii_case("member"));
        let kind = if post_id.is_none() && role.is_none() { MEMBERSHIP } else { "POSITION" };
        let label = entry.text("label").or(role).or_else(|| post.and_then(|post| post.label.clone()));
        let mut period = Period::take(&mut entry, "start_date", "end_date");
        if let Some(term) = term {
            period = period.within(term.period);
        }
        Ok(Some(Membership {
            id: entry.text("id"),
            party: party.filter(|party| *party != object && *party != subject),
            subject,
            object,
            kind: kind.to_owned(),
            label,
            area: area.or_else(|| post.and_then(|post| post.area.clone())),
            term: term.map(|term| term.name.clone()).or(term_id),
            period,
        }))
    }

    /// Stages the actors that a membership refers to and the document lacks, named by their ids.
    fn stage_undescribed(&mut self, membership: &Membership) -> Result<(), ReceiverClosed> {
        let Membership { subject, object, party, .. } = membership;
        let organizations = party.iter().chain([object]).map(|key| (key, "ORGANIZATION"));
        for (key, kind) in organizations.chain([(subject, "PERSON")]) {
            self.stage_if_undescribed("memberships", key, kind)?;
        }
        Ok(())
    }

    fn stage_if_undescribed(&mut self, from: &str, key: &str, kind: &str) -> Result<(), ReceiverClosed> {
        if self.actors.insert(hash(key)) {
            let reason = "not in the document, named by its id";
            self.mapper.file.tally.borrow_mut().change(&format!("{from}: {kind}"), reason);
            self.mapper.fallback(key, key, json!({"kind": kind}))?;
        }
        Ok(())
    }

    /// `unnamed`: hashes and periods of the memberships without an id, in order.
    fn stage_membership(
        &mut self,
        membership: &Membership,
        unnamed: &[(u64, Period)],
    ) -> Result<(), ReceiverClosed> {
        let Membership { subject, object, kind, label, area, term, party, period, .. } = membership;
        let key = membership.id.clone().unwrap_or_else(|| {
            let content = membership.content();
            let hash = hash(&content);
            let place = |period| unnamed.partition_point(|known| *known < (hash, period));
            numbered(&content, place(*period) - place(Period::default()))
        });
        let fields = json!({
            "kind": kind, "label": label, "validFrom": period.from.text(), "validUntil": period.until.text(),
            "area": area, "term": term, "onBehalfOf": self.reference(party.as_ref()),
        });
        self.mapper.relation(&key, subject, [subject, object], fields)
    }

    /// Who sits for a party is its member then.
    fn stage_in_party(
        &mut self,
        person: &str,
        party: &str,
        periods: Vec<Period>,
    ) -> Result<(), ReceiverClosed> {
        for (place, period) in periods.into_iter().enumerate() {
            let key = numbered(&format!("{person} for {party}"), place);
            let fields = json!({
                "kind": MEMBERSHIP, "validFrom": period.from.text(), "validUntil": period.until.text(),
            });
            self.mapper.relation(&key, person, [person, party], fields)?;
        }
        Ok(())
    }
}

/// For the hash of each person and party, the periods of the membership in it.
fn party_periods(parties: Vec<(u64, Period)>) -> HashMap<u64, Vec<Period>> {
    let mut memberships: HashMap<u64, Vec<Period>> = HashMap::new();
    for (ends, period) in parties {
        memberships.entry(ends).or_default().push(period);
    }
    memberships.into_iter().map(|(ends, periods)| (ends, joined(periods))).collect()
}

/// The preferred name of a record, and the further ones.
fn names(entry: &mut SourceObject<'_>) -> (Option<String>, Vec<Value>) {
    let mut names: Vec<Value> = Vec::new();
    let mut name = entry.text("name");
    if name.is_none() {
        let parts: Vec<String> =
            ["given_name", "family_name"].into_iter().filter_map(|part| entry.text(part)).collect();
        name = (!parts.is_empty()).then(|| parts.join(" "));
    }
    for mut other in entry.objects("other_names") {
        let Some(text) = other.text("name") else { continue };
        let period = Period::take(&mut other, "start_date", "end_date");
        let note = other.peek("note").and_then(Value::as_str).map(str::to_lowercase);
        let kind_by_note = NAME_KINDS.iter().find(|(_, words)| {
            note.as_ref().is_some_and(|note| words.iter().any(|word| note.contains(word)))
        });
        // It says no more than the language, or than the kind of the name.
        if kind_by_note.is_some()
            || note.is_some_and(|note| ["multilingual", "alternate", "alternative"].contains(&note.as_str()))
        {
            other.redundant("note");
        }
        let kind = match kind_by_note {
            _ if period.until.is_known() => "FORMER",
            Some((kind, _)) => *kind,
            None => "ALIAS",
        };
        let field = if other.peek("lang").is_some() { "lang" } else { "language" };
        let other_name = json!({
            "name": text, "kind": kind, "language": language(&mut other, field),
            "validFrom": period.from.text(), "validUntil": period.until.text(),
        });
        if names.contains(&other_name) {
            other.change("name", "left out: given twice");
        } else {
            names.push(other_name);
        }
    }
    if name.is_none() && !names.is_empty() {
        entry.change("name", "missing, another name is used");
        name = names.remove(0)["name"].as_str().map(ToOwned::to_owned);
    }
    let sort_name = entry.text("sort_name").filter(|sort_name| Some(sort_name) != name.as_ref());
    names.extend(sort_name.map(|name| json!({"name": name, "kind": "ALIAS"})));
    (name, names)
}

/// The tag of a language, if it is one: `simple` is the English of a Wikipedia.
fn language(entry: &mut SourceObject<'_>, field: &str) -> Option<String> {
    let tag = languages::canonical(&entry.text(field)?.replace('_', "-"));
    if tag.is_none() {
        entry.change(field, "left out, expected the tag of a language");
    }
    tag
}

fn gender(entry: &mut SourceObject<'_>) -> Option<&'static str> {
    match entry.text("gender")?.to_lowercase().as_str() {
        "female" | "f" | "woman" => Some("FEMALE"),
        "male" | "m" | "man" => Some("MALE"),
        "other" | "non-binary" | "nonbinary" => Some("OTHER"),
        _ => {
            entry.change("gender", "left out, not female, male or other");
            None
        }
    }
}

fn organization_kind(entry: &mut SourceObject<'_>) -> Option<&'static str> {
    let text = entry.text("classification")?.to_lowercase();
    let known = ORGANIZATION_KINDS.iter().find(|(_, words)| words.iter().any(|word| text.contains(word)));
    if known.is_none() {
        entry.change("classification", "has no kind of organization of its own, kept as OTHER");
    }
    Some(known.map_or("OTHER", |(kind, _)| *kind))
}

/// The accounts of a person or organization, the short one first.
fn summary(entry: &mut SourceObject<'_>) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    for field in ["summary", "abstract", "biography", "description"] {
        parts.extend(entry.text(field).filter(|text| !parts.contains(text)));
    }
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

/// Images, links and contacts.
fn links(entry: &mut SourceObject<'_>) -> Vec<Value> {
    let mut links: Vec<(String, &str, Option<String>)> = Vec::new();
    links.extend(entry.text("image").map(|url| (url, "IMAGE", None)));
    for mut image in entry.objects("images") {
        let note = image.text("note");
        links.extend(image.text("url").map(|url| (url, "IMAGE", note)));
    }
    for mut link in entry.objects("links") {
        let note = link.text("note");
        links.extend(link.text("url").map(|url| {
            let kind = link_kind(&url, note.as_deref());
            (url, kind, note)
        }));
    }
    links.extend(entry.text("email").map(|address| (format!("mailto:{address}"), "CONTACT", None)));
    for mut contact in entry.objects("contact_details") {
        let kind = contact.peek("type").and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let value = contact.peek("value").and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let link = match kind.as_str() {
            _ if value.is_empty() => None,
            _ if value.starts_with("http://") || value.starts_with("https://") => {
                let kind = link_kind(&value, Some(&kind));
                Some((value, kind))
            }
            "email" => Some((format!("mailto:{}", value.trim_start_matches("mailto:")), "CONTACT")),
            "phone" | "voice" | "cell" | "mobile" | "fax" | "telephone" | "tel" => {
                Some((telephone(&value), "CONTACT"))
            }
            "twitter" => Some((format!("https://twitter.com/{}", value.trim_start_matches('@')), "PROFILE")),
            "facebook" => Some((format!("https://www.facebook.com/{value}"), "PROFILE")),
            // For example a postal address.
            _ => None,
        };
        let Some((url, of_kind)) = link else { continue };
        contact.redundant("type");
        contact.redundant("value");
        let words = [contact.text("label"), contact.text("note")];
        let words: Vec<String> =
            words.into_iter().flatten().filter(|word| !word.eq_ignore_ascii_case(&kind)).collect();
        let note = if words.is_empty() { kind } else { format!("{kind}, {}", words.join(", ")) };
        links.push((url, of_kind, Some(note)));
    }
    let mut distinct: Vec<(String, &str, Option<String>)> = Vec::new();
    for link in links {
        // The portrait is among the images too.
        let (url, kind, note) = link;
        let url = url.trim().replace(' ', "%20");
        if distinct.iter().all(|(known, of, _)| *known != url || *of != kind) {
            distinct.push((url, kind, note));
        }
    }
    distinct.into_iter().map(|(url, kind, note)| json!({"url": url, "kind": kind, "note": note})).collect()
}

fn link_kind(url: &str, note: Option<&str>) -> &'static str {
    let note = note.unwrap_or_default().to_lowercase();
    let host = url.split('/').nth(2).unwrap_or_default().to_lowercase();
    let has = |words: &[&str], text: &str| words.iter().any(|word| text.contains(word));
    if has(&PROFILES, &note) || has(&PROFILES, &host) {
        "PROFILE"
    } else if has(&WEBSITES, &note) {
        "WEBSITE"
    } else {
        "OTHER"
    }
}

fn telephone(number: &str) -> String {
    let number = number.trim_start_matches("tel:");
    let letters = number.chars().map(|letter| if letter.is_whitespace() { '-' } else { letter });
    format!(
        "tel:{}",
        letters
            .filter(|letter| letter.is_ascii_alphanumeric() || "+-.();=".contains(*letter))
            .collect::<String>()
    )
}
