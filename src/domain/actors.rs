//! Actors: who acts or is acted on.

use crate::{
    domain::{
        languages::{self, Text},
        positions,
    },
    model::{
        object_type::{
            Enumeration, FieldDeclaration, Join, LookupInput, LookupKey, ObjectType, OwnedItem, OwnedList,
            Predicate, Scalar, column, evidence, language, many, one_of, overviews::Searched, prose, term,
            text, values,
        },
        sql::Expression,
    },
};

static KIND: Enumeration = Enumeration {
    name: "ActorKind",
    sql: "actor_kind",
    description: "The kind of actor.",
    values: &[
        ("PERSON", "A human being."),
        ("COUNTRY", "A state."),
        ("TERRITORY", "An area that is not, or not generally recognised as, a state."),
        ("ORGANIZATION", "An institution, council, company or other body with a name of its own."),
        ("MEDIA", "A publication or broadcaster."),
        ("GROUP", "A group of people without an organization: a community, circles, representatives."),
        ("PLACE", "A city, building or other place where something happens."),
    ],
    deprecated: &[],
};

static NAME_KIND: Enumeration = Enumeration {
    name: "ActorNameKind",
    sql: "actor_name_kind",
    description: "How a further name relates to the preferred one.",
    values: &[
        ("ALIAS", "Another name in use, or a shorter form."),
        ("FORMER", "A name no longer in use."),
        ("TRANSLITERATION", "The name written in another script."),
        ("ABBREVIATION", "Initials or another shortening."),
        ("PATRONYMIC", "Given name and patronymic, as in polite address."),
    ],
    deprecated: &[],
};

static ORGANIZATION_KIND: Enumeration = Enumeration {
    name: "OrganizationKind",
    sql: "organization_kind",
    description: "The kind of an organization, medium or group.",
    values: &[
        ("PARTY", "A political party."),
        ("PARLIAMENT", "A parliament, or one of its chambers."),
        ("PARLIAMENTARY_GROUP", "Members of a parliament who sit together, as a rule those of a party."),
        ("COMMITTEE", "A committee, commission or working group of another body."),
        ("GOVERNMENT", "A government or cabinet."),
        ("MINISTRY", "A ministry or department of a government."),
        ("PUBLIC_BODY", "An agency, authority or other public body."),
        ("COURT", "A court or tribunal."),
        ("SECURITY_FORCE", "Armed forces, police or an intelligence service of a state."),
        ("ARMED_GROUP", "Rebels, a militia or another armed group that is not a state's."),
        ("INTERNATIONAL_BODY", "An organization or council of states."),
        ("COMPANY", "A company or bank."),
        ("ASSOCIATION", "An association, union, foundation or non-governmental organization."),
        ("UNIVERSITY", "A university, school or research institute."),
        ("OTHER", "Another kind."),
    ],
    deprecated: &[],
};

static GENDER: Enumeration = Enumeration {
    name: "Gender",
    sql: "gender",
    description: "The gender of a person, as a source states it.",
    values: &[("FEMALE", "Female."), ("MALE", "Male."), ("OTHER", "Another gender.")],
    deprecated: &[],
};

static LINK_KIND: Enumeration = Enumeration {
    name: "ActorLinkKind",
    sql: "actor_link_kind",
    description: "What a link leads to.",
    values: &[
        ("IMAGE", "A picture of the actor: a portrait, a logo, a flag."),
        ("WEBSITE", "The actor's own website."),
        ("PROFILE", "A page about the actor: at a parliament, in a social network, in an encyclopedia."),
        ("CONTACT", "A way to reach the actor: an e-mail address, a telephone number, a form."),
        ("OTHER", "Something else."),
    ],
    deprecated: &[],
};

static PARTICIPANT_ROLE: Enumeration = Enumeration {
    name: "ParticipantRole",
    sql: "participant_role",
    description: "The role in which an actor took part in a meeting.",
    values: &[
        ("HOST", "Received the others."),
        ("CHAIR", "Led the meeting."),
        ("SPEAKER", "Addressed the meeting."),
        ("GUEST", "Was invited, or was received."),
        ("ATTENDEE", "Took part; nothing more is known."),
        ("MEDIATOR", "Brought the others together."),
    ],
    deprecated: &[],
};

/// The role that an actor has in a meeting, an attribute of the edge between them on both sides.
pub fn role() -> FieldDeclaration {
    one_of("role", &PARTICIPANT_ROLE, "The role in which the actor took part.")
}

/// The table of actors that were merged into others.
const MERGED: &str = "merged_actors";

pub fn object_types() -> Vec<ObjectType> {
    vec![actor(), actor_name(), actor_identifier(), merged_actor(), actor_link(), participation()]
}

fn actor() -> ObjectType {
    ObjectType::new(
        "Actor",
        "actors",
        "An actor: a person, country, territory, organization, publication, group or place.",
    )
    .record("actors")
.labelled("{}.name", "A short title for people: its name.")
    .merged_by(MERGED)
    .key(LookupKey {
        name: "identifier",
        description: "The actor's identifier in an external register.",
        input: LookupInput::Texts(
            "ActorIdentifierInput",
            "An external identifier: the register's scheme and its value there.",
            &[
                ("scheme", "The register: `wikidata`, `iso3166-1-alpha3`, …"),
                ("value", "The actor's identifier in that register: `KAZ`."),
            ],
        ),
        sql: "{}.id = (select actor_id from actor_identifiers where scheme = $? and value = $?)",
    })
    .field(one_of("kind", &KIND, "The kind of actor.").filterable())
    .field(text("name", "The preferred name.").filterable().sortable("NAME"))
    .field(
        values(
            "names",
            OwnedList { of: OwnedItem::Shape("ActorName"), table: "actor_names", owner: "actor_id", order: "{}.id", appended: false },
            "Further names: aliases, former names, transliterations, abbreviations. Several actors may share a name.",
        )
        .filterable(),
    )
    .field(
        values(
            "identifiers",
            OwnedList {
                of: OwnedItem::Shape("ActorIdentifier"),
                table: "actor_identifiers",
                owner: "actor_id",
                order: "{}.scheme, {}.value",
                appended: false,
            },
            "Identifiers of the actor in external registers, such as Wikidata.",
        )
        .filterable(),
    )
    .field(merged_actors())
    .field(prose("summary", "Who or what the actor is, in the editors' words.").nullable().filterable())
    .field(
        one_of(
            "organizationKind",
            &ORGANIZATION_KIND,
            "The kind of organization: party, parliament, ministry, company, … Only for kind ORGANIZATION, MEDIA or GROUP.",
        )
        .nullable()
        .filterable(),
    )
    .field(date("bornOn", "When the person was born, as precisely as it is known. Only for kind PERSON."))
    .field(date("diedOn", "When the person died, as precisely as it is known. Only for kind PERSON."))
    .field(date("foundedOn", "When it was founded or came into being, as precisely as it is known. For all kinds but PERSON."))
    .field(date("dissolvedOn", "When it was dissolved or ceased to exist, as precisely as it is known. For all kinds but PERSON."))
    .field(
        one_of("gender", &GENDER, "The person's gender; null if no source states it. Only for kind PERSON.")
            .nullable()
            .filterable(),
    )
    .field(
        values(
            "links",
            OwnedList { of: OwnedItem::Shape("ActorLink"), table: "actor_links", owner: "actor_id", order: "{}.id", appended: false },
            "Images, websites, profiles and contacts.",
        )
        .filterable(),
    )
    .field(
        column("latitude", Scalar::Float, "Degrees north of the equator, from -90 to 90. Given together with `longitude`.")
            .nullable()
            .filterable(),
    )
    .field(
        column("longitude", Scalar::Float, "Degrees east of Greenwich, from -180 to 180. Given together with `latitude`.")
            .nullable()
            .filterable(),
    )
    .field(
        column(
            "coordinatePrecision",
            Scalar::Int,
            "How far the true place may be from the coordinates, in metres; null if that is not known.",
        )
        .nullable()
        .filterable(),
    )
    .field(many("statements", "Statement", Join::Column("speaker_id"), "What the actor said or wrote."))
    .field(many(
        "statementsOnBehalf",
        "Statement",
        Join::Column("on_behalf_of_id"),
        "What others said on behalf of the actor.",
    ))
    .field(many(
        "statementsAddressed",
        "Statement",
        Join::Link("statement_addressees", "actor_id", "statement_id"),
        "What was said to the actor.",
    ))
    .field(many(
        "statementsPublished",
        "Statement",
        Join::Column("publication_id"),
        "Statements that were made in this publication.",
    ))
    .field(
        many(
            "meetings",
            "Meeting",
            Join::Link("meeting_participants", "actor_id", "meeting_id"),
            "Meetings in which the actor took part, and in which role.",
        )
        .with_attribute("ActorMeeting", role()),
    )
    .field(many("meetingsHeld", "Meeting", Join::Column("venue_id"), "Meetings that were held at this place or organization."))
    .field(many(
        "events",
        "Event",
        Join::Link("event_actors", "actor_id", "event_id"),
        "Events in which the actor did something.",
    ))
    .field(many(
        "eventsTargeted",
        "Event",
        Join::Link("event_targets", "actor_id", "event_id"),
        "Events in which something was done to the actor.",
    ))
    .field(many("eventsHeld", "Event", Join::Column("place_id"), "Events that happened at this place, country or territory."))
    .field(many(
        "relations",
        "Relation",
        Join::Either("subject_id", "object_id"),
        "Relations from the actor to others, and from others to it.",
    ))
    .field(many(
        "relationsOnBehalf",
        "Relation",
        Join::Column("on_behalf_of_id"),
        "Relations that others hold on behalf of the actor: the seats of a party.",
    ))
    .field(many(
        "motionsProposed",
        "Motion",
        Join::Link("motion_proposers", "actor_id", "motion_id"),
        "Motions that the actor proposed.",
    ))
    .field(many("votes", "Vote", Join::Column("actor_id"), "How the actor voted in divisions."))
    .field(many("partyVotes", "Vote", Join::Column("party_id"), "How the members of this party or group voted."))
    .field(many("positions", "Position", Join::Column("holder_id"), "The actor's positions on topics."))
    .field(many(
        "commentaries",
        "Commentary",
        Join::Link("commentary_targets", "actor_id", "commentary_id"),
        "Analysts' commentaries about the actor.",
    ))
    .field(many("commentariesAuthored", "Commentary", Join::Column("author_id"), "Commentaries by the actor as an analyst."))
    .field(many(
        "sourcesAuthored",
        "Source",
        Join::Link("source_authors", "actor_id", "source_id"),
        "Documents that the actor wrote.",
    ))
    .field(many("sourcesPublished", "Source", Join::Column("publisher_id"), "Documents that the actor published."))
    .field(positions::of_actor())
    .field(evidence("actor_id"))
    .fields(languages::of(&[Text::of("actors", "actor_id", "name").in_names("actor_names"), Text::of("actors", "actor_id", "summary")]))
    .versioned()
    .condition(
        "participation",
        "Took part in a meeting in a role that matches.",
        Predicate::Some { to: "Participation", via: Join::Column("actor_id") },
    )
    .condition(
        "relatedTo",
        "Has a relation, in either direction, to an actor that matches.",
        Predicate::Some { to: "Actor", via: Join::Link("related_actors", "actor_id", "related_id") },
    )
    .condition(
        "anyName",
        "The preferred name or one of the further names matches.",
        Predicate::AnyText { among: &[("actors", "id", "name"), ("actor_names", "actor_id", "name")] },
    )
    .searchable(Searched {
        description: "Actors, by their names and aliases in any script, and by summary.",
        name: Some("name"),
        texts: &["name", "summary"],
    })
    .searchable_names("actor_names", "actor_id")
    .in_order_of_entry()
}

fn actor_name() -> ObjectType {
    ObjectType::new("ActorName", "actor_names", "A further name of an actor.")
        .field(text("name", "The name.").filterable())
        .field(one_of("kind", &NAME_KIND, "How it relates to the preferred name.").filterable())
        .field(language("language", "Its language as a BCP 47 tag: `en`, `kk`.").filterable())
        .field(term("script", "Its script as an ISO 15924 code: `Latn`, `Cyrl`.").nullable().filterable())
        .field(
            column("validFrom", Scalar::PartialDate, "When it came into use, as precisely as it is known.")
                .nullable(),
        )
        .field(
            column("validUntil", Scalar::PartialDate, "When it fell out of use, as precisely as it is known.")
                .nullable(),
        )
        .condition(
            "valid",
            "It was in use in this period, or may have been. A name without dates may have been in use at any time; `isUnknown: false` leaves it out.",
            Predicate::During { sql: "{}.valid_during".into(), any_time: true },
        )
}

fn actor_link() -> ObjectType {
    ObjectType::new(
        "ActorLink",
        "actor_links",
        "A link of an actor: an image, a website, a profile, a contact.",
    )
    .field(
        column(
            "url",
            Scalar::Url,
            "The address, which begins with `http://`, `https://`, `mailto:` or `tel:`.",
        )
        .filterable(),
    )
    .field(one_of("kind", &LINK_KIND, "What it leads to.").filterable())
    .field(text("note", "What it is, in words.").nullable())
}

/// A date of an actor's existence.
fn date(name: &'static str, description: &'static str) -> FieldDeclaration {
    column(name, Scalar::PartialDate, description).nullable().filterable()
}

fn actor_identifier() -> ObjectType {
    ObjectType::new(
        "ActorIdentifier",
        "actor_identifiers",
        "An identifier of an actor in an external register.",
    )
    .field(term("scheme", "The register: `wikidata`, `iso3166-1-alpha3`, …").filterable())
    .field(term("value", "The actor's identifier in that register.").filterable())
}

fn merged_actors() -> FieldDeclaration {
    let list = OwnedList {
        of: OwnedItem::Shape("MergedActor"),
        table: MERGED,
        owner: "kept_id",
        order: "{}.slug, {}.id",
        appended: true,
    };
    values(
        "mergedActors",
        list,
        "Actors that were merged into it: their slugs find it. `mergeActors` merges one.",
    )
}

fn merged_actor() -> ObjectType {
    ObjectType::new("MergedActor", MERGED, "An actor that was merged into another one.")
        .field(term("slug", "The slug that it had."))
}

/// Participation as a type of its own: for filters only, since edges have its attributes.
fn participation() -> ObjectType {
    ObjectType::new("Participation", "meeting_participants", "An actor's part in a meeting.")
        .condition("actor", "Who took part.", Predicate::ToOne { to: "Actor", column: "actor_id" })
        .condition("meeting", "The meeting.", Predicate::ToOne { to: "Meeting", column: "meeting_id" })
        .condition(
            "role",
            "The role.",
            Predicate::Value {
                sql: Expression::Column("role".into()),
                scalar: Scalar::Enumeration(&PARTICIPANT_ROLE),
            },
        )
}
