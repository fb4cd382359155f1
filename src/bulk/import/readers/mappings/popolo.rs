//! Popolo: people, organizations, memberships, posts, events and speeches, in one JSON document.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::bulk::import::{
    readers::{
        File, ReadError,
        mappings::{Mapper, Relation, day, excerpt},
        stem_and_extension,
    },
    source_file::Input,
    staging::{ReceiverClosed, Stager},
};

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Document {
    persons: Vec<Actor>,
    organizations: Vec<Organization>,
    memberships: Vec<Membership>,
    posts: Vec<Post>,
    events: Vec<Event>,
    speeches: Vec<Speech>,
}

/// What people and organizations have in common.
#[derive(Deserialize)]
struct Actor {
    id: String,
    name: String,
    #[serde(default)]
    other_names: Vec<OtherName>,
    #[serde(default)]
    identifiers: Vec<Identifier>,
    #[serde(default)]
    memberships: Vec<Membership>,
}

#[derive(Deserialize)]
struct Organization {
    #[serde(flatten)]
    actor: Actor,
    #[serde(default)]
    posts: Vec<Post>,
    parent_id: Option<String>,
}

#[derive(Deserialize)]
struct OtherName {
    name: String,
    end_date: Option<String>,
    #[serde(alias = "lang")]
    language: Option<String>,
}

#[derive(Deserialize)]
struct Identifier {
    identifier: String,
    scheme: Option<String>,
}

#[derive(Deserialize)]
struct Post {
    id: String,
    label: Option<String>,
    role: Option<String>,
    organization_id: Option<String>,
}

#[derive(Deserialize)]
struct Membership {
    id: Option<String>,
    person_id: Option<String>,
    member_id: Option<String>,
    organization_id: Option<String>,
    on_behalf_of_id: Option<String>,
    post_id: Option<String>,
    role: Option<String>,
    label: Option<String>,
    start_date: Option<String>,
    end_date: Option<String>,
}

#[derive(Deserialize)]
struct Event {
    id: String,
    name: String,
    description: Option<String>,
    status: Option<String>,
    start_date: Option<String>,
    end_date: Option<String>,
    organization_id: Option<String>,
    parent_id: Option<String>,
    #[serde(default)]
    attendees: Vec<Attendee>,
}

#[derive(Deserialize)]
struct Attendee {
    id: String,
}

#[derive(Deserialize)]
struct Speech {
    id: Option<String>,
    creator_id: Option<String>,
    audience_id: Option<String>,
    role: Option<String>,
    text: Option<String>,
    title: Option<String>,
    date: Option<String>,
    event_id: Option<String>,
}

/// Reads the whole document. Errors name a running number of records, as lines mean nothing here.
pub fn read(file: File<'_>, input: Input, stager: &mut Stager<'_>) -> Result<String, ReadError> {
    let document: Document = serde_json::from_reader(input)
        .map_err(|error| ReadError::Invalid(format!("the file isn't a Popolo document: {error}")))?;
    let stem = stem_and_extension(file.path).0;
    let source = json!({"title": format!("[Popolo: {stem}]")});
    let mapper = Mapper::new(file, stager, None, source)?;
    let mut popolo = Popolo { mapper, number: 0, posts: HashMap::new() };
    popolo.all(document)?;
    Ok(popolo.mapper.dataset)
}

struct Popolo<'a, 'b> {
    mapper: Mapper<'a, 'b>,
    number: u64,
    posts: HashMap<String, Post>,
}

impl Popolo<'_, '_> {
    fn all(&mut self, document: Document) -> Result<(), ReceiverClosed> {
        let Document { persons, organizations, memberships, posts, events, speeches } = document;
        self.posts.extend(posts.into_iter().map(|post| (post.id.clone(), post)));
        for organization in organizations {
            self.organization(organization)?;
        }
        for person in persons {
            self.actor("PERSON", &person)?;
            for membership in person.memberships {
                self.membership(&Membership { person_id: Some(person.id.clone()), ..membership })?;
            }
        }
        for membership in memberships {
            self.membership(&membership)?;
        }
        for event in events {
            self.event(&event)?;
        }
        for speech in speeches {
            self.speech(&speech)?;
        }
        Ok(())
    }

    fn next(&mut self) {
        self.number += 1;
        self.mapper.set_line(self.number);
    }

    fn reference(&self, id: Option<&String>) -> Option<Value> {
        id.map(|id| self.mapper.reference(id))
    }

    fn actor(&mut self, kind: &str, actor: &Actor) -> Result<(), ReceiverClosed> {
        let Actor { id, name, other_names, identifiers, .. } = actor;
        self.next();
        let names = other_names.iter().map(|other| {
            let kind = if other.end_date.is_some() { "FORMER" } else { "ALIAS" };
            json!({"name": other.name, "kind": kind, "language": other.language})
        });
        let schemes = identifiers
            .iter()
            .filter_map(|of| Some(self.mapper.identifier(of.scheme.as_ref()?, &of.identifier)));
        let fields = json!({
            "kind": kind, "names": names.collect::<Value>(), "identifiers": schemes.collect::<Value>(),
            "citations": self.mapper.cite(id),
        });
        self.mapper.actor(id, Some(name), fields)
    }

    fn organization(&mut self, of: Organization) -> Result<(), ReceiverClosed> {
        let Organization { actor, posts, parent_id } = of;
        self.actor("ORGANIZATION", &actor)?;
        let Actor { id, memberships, .. } = actor;
        if let Some(parent) = parent_id {
            let relation = Relation {
                subject: &id,
                object: &parent,
                kind: "HIERARCHY",
                label: None,
                from: None,
                until: None,
            };
            self.mapper.relation(relation, None, &id)?;
        }
        for post in posts {
            let post = Post { organization_id: Some(id.clone()), ..post };
            self.posts.insert(post.id.clone(), post);
        }
        for membership in memberships {
            self.membership(&Membership { organization_id: Some(id.clone()), ..membership })?;
        }
        Ok(())
    }

    /// A post, or a role other than member, is a position.
    fn membership(&mut self, of: &Membership) -> Result<(), ReceiverClosed> {
        self.next();
        let post = of.post_id.as_ref().and_then(|id| self.posts.get(id));
        let role = of.role.as_deref().filter(|role| !role.eq_ignore_ascii_case("member"));
        let label = of
            .label
            .as_deref()
            .or(role)
            .or_else(|| post.and_then(|post| post.label.as_deref().or(post.role.as_deref())))
            .map(ToOwned::to_owned);
        let at_post = post.and_then(|post| post.organization_id.clone());
        let kind = if of.post_id.is_some() || role.is_some() { "POSITION" } else { "MEMBERSHIP" };
        let subject = of.person_id.as_ref().or(of.member_id.as_ref());
        let object = of.organization_id.as_ref().or(at_post.as_ref());
        let (Some(subject), Some(object)) = (subject, object) else {
            return self.mapper.reject("", "A membership needs a person and an organization.");
        };
        let locator = of.person_id.as_ref().or(of.member_id.as_ref()).cloned().unwrap_or_default();
        let (from, until) = (day(of.start_date.as_deref()), day(of.end_date.as_deref()));
        let relation = Relation { subject, object, kind, label: label.as_deref(), from, until };
        self.mapper.relation(relation, of.id.as_deref(), &locator)?;
        // For example the party of a member of parliament.
        if let Some(party) = &of.on_behalf_of_id {
            let relation = Relation { subject, object: party, kind: "MEMBERSHIP", label: None, from, until };
            self.mapper.relation(relation, None, &locator)?;
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Result<(), ReceiverClosed> {
        self.next();
        let status = match event.status.as_deref() {
            Some("cancelled") => "CANCELLED",
            Some("tentative") => "SCHEDULED",
            _ => "OCCURRED",
        };
        let host = event
            .organization_id
            .iter()
            .map(|id| json!({"actor": self.mapper.reference(id), "role": "HOST"}));
        let attendees = event
            .attendees
            .iter()
            .filter(|attendee| Some(&attendee.id) != event.organization_id.as_ref())
            .map(|attendee| json!({"actor": self.mapper.reference(&attendee.id), "role": "ATTENDEE"}));
        let fields = json!({
            "name": event.name, "summary": event.description, "mode": "OTHER", "status": status,
            "startsOn": day(event.start_date.as_deref()), "endsOn": day(event.end_date.as_deref()),
            "parent": self.reference(event.parent_id.as_ref()), "participants": host.chain(attendees).collect::<Value>(),
            "citations": self.mapper.cite(&event.id),
        });
        self.mapper.record("Meeting", &event.id, &self.mapper.slug(&event.id), fields)
    }

    fn speech(&mut self, speech: &Speech) -> Result<(), ReceiverClosed> {
        self.next();
        let Some(speaker) = self.reference(speech.creator_id.as_ref()) else {
            return self.mapper.reject("creator_id", "A speech needs a speaker.");
        };
        let Some(text) = &speech.text else { return self.mapper.reject("text", "A speech needs a text.") };
        let id = speech.id.clone().unwrap_or_else(|| format!("speech-{}", self.number));
        let fields = json!({
            "speaker": speaker, "speakerRole": speech.role, "meeting": self.reference(speech.event_id.as_ref()),
            "addressees": self.reference(speech.audience_id.as_ref()).into_iter().collect::<Vec<_>>(),
            "medium": "SPEECH", "rendering": "VERBATIM", "eventType": "STATEMENT",
            "summary": speech.title.clone().unwrap_or_else(|| excerpt(text)), "quote": text,
            "saidOn": day(speech.date.as_deref()), "citations": self.mapper.cite(&id),
        });
        self.mapper.record("Statement", &id, &self.mapper.slug(&id), fields)
    }
}
