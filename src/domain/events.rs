//! Events: what actors did, rather than said.

use crate::{
    domain::languages::{self, Text},
    model::{
        object_type::{
            Enumeration, FieldDeclaration, Join, ObjectType, Predicate, Scalar, column, many,
            needed_evidence, one, one_of,
            overviews::{Mention, Searched, Tie, TimelineEntry},
            prose, shortened, term, text,
        },
        sql::Expression,
    },
};

pub static EVENT_TYPE: Enumeration = Enumeration {
    name: "EventType",
    sql: "text",
    description: "What is done by an event or by making a statement: one of PLOVER's 16 event types, or STATEMENT (CAMEO 01) if none of them fits.",
    values: &[
        ("STATEMENT", "Says something that fits none of the other types."),
        ("AGREE", "Agrees to do something, or declares that one will."),
        ("CONSULT", "Meets, talks or exchanges views."),
        ("SUPPORT", "Supports, praises or defends an actor or a cause by diplomatic means."),
        ("CONCEDE", "Yields to a demand, or eases pressure."),
        ("COOPERATE", "Works with another in economic, military, judicial or other practical matters."),
        ("AID", "Provides help: economic, military, humanitarian."),
        ("RETREAT", "Withdraws, demobilises or releases."),
        ("REQUEST", "Asks, demands or proposes that something be done."),
        ("ACCUSE", "Disapproves, blames or accuses."),
        ("REJECT", "Refuses a demand or a proposal."),
        ("THREATEN", "Threatens to do harm."),
        ("PROTEST", "Takes part in public dissent."),
        ("SANCTION", "Reduces or breaks off relations, or imposes penalties."),
        ("MOBILIZE", "Raises or shows armed force."),
        ("COERCE", "Uses force or repression short of assault."),
        ("ASSAULT", "Uses violence."),
    ],
    deprecated: &[],
};

static REFERENCE_KIND: Enumeration = Enumeration {
    name: "EventReferenceKind",
    sql: "statement_event_kind",
    description: "How a statement relates to an event.",
    values: &[
        ("CALLS_FOR", "The speaker demands or proposes that it be done."),
        ("DENIES", "The speaker denies that it happened, or that it happened so."),
        ("REFERS_TO", "The speaker speaks of it."),
    ],
    deprecated: &[],
};

/// How a statement relates to an event, an attribute of the edge between them on both sides.
pub fn reference_kind() -> FieldDeclaration {
    one_of("kind", &REFERENCE_KIND, "How the statement relates to the event.")
}

const MODE: &str = "In which way it was done: a mode of PLOVER, which the event type must have. \
    CONSULT: `visit`, `host`, `multilateral`, `phone`, `third-party`. \
    RETREAT: `withdraw`, `release`, `return`, `disarm`, `ceasefire`, `access`, `resign`. \
    REQUEST and REJECT: `assist`, `change`, `yield`, `meet`. \
    ACCUSE: `disapprove`, `allege`, `investigate`. \
    THREATEN: `restrict`, `ban`, `arrest`, `relations`, `expel`, `territory`, `violence`. \
    PROTEST: `demo`, `riot`, `strike`, `hunger`, `boycott`, `obstruct`. \
    SANCTION: `convict`, `expel`, `withdraw`, `discontinue`. \
    MOBILIZE: `troops`, `weapons`, `police`, `militia`. \
    COERCE: `seize`, `restrict`, `ban`, `censor`, `curfew`, `martial-law`, `arrest`, `deport`, `withhold`, `misinformation`, `cyber`. \
    ASSAULT: `abduct`, `beat`, `torture`, `execute`, `sexual`, `assassinate`, `targeted`, `primitive`, `firearms`, `explosives`, `suicide-attack`, `heavy-weapons`, `aerial`, `drone`, `crowd-control`, `destroy`, `unconventional`.";

pub fn object_types() -> Vec<ObjectType> {
    vec![event(), event_reference()]
}

fn event() -> ObjectType {
    ObjectType::new(
        "Event",
        "events",
        "Something that actors did, rather than said: an attack, a protest, a grant of aid, a withdrawal.",
    )
    .record("events")
    .labelled(
        format!("coalesce({{}}.name, {})", shortened("{}.summary")),
        "A short title for people: its name, or the beginning of its summary.",
    )
    .during("occurred", "DATE", "It happened in this period, or may have.", "{}.occurred_during")
    .field(text("name", "The name of the event, if it has one.").nullable().filterable())
    .field(prose("summary", "What happened, in the editors' words.").filterable())
    .field(
        one_of("eventType", &EVENT_TYPE, "What was done: an attack, a protest, help, a withdrawal, …")
            .filterable(),
    )
    .field(term("mode", MODE).nullable().filterable().facetable())
    .field(
        many(
            "actors",
            "Actor",
            Join::Link("event_actors", "event_id", "actor_id"),
            "Who did it; empty if that is not known.",
        )
        .facetable()
        .writable(),
    )
    .field(
        many(
            "targets",
            "Actor",
            Join::Link("event_targets", "event_id", "actor_id"),
            "To whom it was done; empty if it had no particular target.",
        )
        .facetable()
        .writable(),
    )
    .field(
        one("place", "Actor", "place_id", "Where it happened: a place, a country or a territory.").nullable(),
    )
    .field(
        column("occurredOn", Scalar::PartialDate, "When it happened or began, as precisely as it is known.")
            .nullable()
            .filterable(),
    )
    .field(
        column("endedOn", Scalar::PartialDate, "When it ended, as precisely as it is known.")
            .nullable()
            .filterable(),
    )
    .field(
        column("killed", Scalar::Int, "How many people were killed; null if that is not known.")
            .nullable()
            .filterable(),
    )
    .field(
        column("injured", Scalar::Int, "How many people were injured; null if that is not known.")
            .nullable()
            .filterable(),
    )
    .field(
        column(
            "amount",
            Scalar::Decimal,
            "The sum of money: of aid, a contract, a fine, damage. Needs `currency`.",
        )
        .nullable()
        .filterable(),
    )
    .field(
        term("currency", "The currency of `amount`, as its code in ISO 4217: `USD`.")
            .nullable()
            .filterable()
            .facetable(),
    )
    .field(one("meeting", "Meeting", "meeting_id", "The meeting at which it happened.").nullable())
    .field(one("parent", "Event", "parent_id", "The larger event that it was part of.").nullable())
    .field(many("children", "Event", Join::Column("parent_id"), "Events that were part of it."))
    .field(
        many(
            "statements",
            "Statement",
            Join::Link("statement_events", "event_id", "statement_id"),
            "Statements that call for it, deny it or refer to it.",
        )
        .with_attribute("EventStatement", reference_kind()),
    )
    .condition(
        "eventReference",
        "A statement that matches calls for it, denies it or refers to it, as `kind` says.",
        Predicate::Some { to: "EventReference", via: Join::Column("event_id") },
    )
    .field(needed_evidence("event_id"))
    .fields(languages::of(&[
        Text::of("events", "event_id", "name"),
        Text::of("events", "event_id", "summary"),
    ]))
    .versioned()
    .ties_actors(Tie {
        kind: "EVENT",
        description: "One did something to the other. Weight: in how many events.",
        rank: 3,
        from: "select event_actors.actor_id as known, event_targets.actor_id as actor
               from event_actors join event_targets on event_targets.event_id = event_actors.event_id
               where event_actors.actor_id = any($1) and event_targets.actor_id <> event_actors.actor_id
               union all
               select event_targets.actor_id, event_actors.actor_id
               from event_targets join event_actors on event_actors.event_id = event_targets.event_id
               where event_targets.actor_id = any($1) and event_actors.actor_id <> event_targets.actor_id",
        among: "select event_actors.actor_id as source, event_targets.actor_id as target,
                       null::relation_kind as relation_kind, event_actors.event_id as id
                from event_actors join event_targets on event_targets.event_id = event_actors.event_id
                where event_actors.actor_id = any($1) and event_targets.actor_id = any($1)
                and event_targets.actor_id <> event_actors.actor_id",
        label: "coalesce(name, summary)",
        found_by: ("event_actors", "actor_id", 2.0),
    })
    .in_timeline(TimelineEntry {
        from: "events t",
        date: "coalesce(t.occurred_on, t.ended_on)",
        during: "t.occurred_during",
        actors: &[
            Mention { table: "event_actors", of: "event_id", to: "actor_id" },
            Mention { table: "event_targets", of: "event_id", to: "actor_id" },
            Mention { table: "events", of: "id", to: "place_id" },
        ],
        topics: &[],
    })
    .searchable(Searched {
        description: "Events, by name and summary.",
        name: Some("name"),
        texts: &["name", "summary"],
    })
    .in_order_of_entry()
}

/// How statements relate to events, as a type of its own: for filters only, since edges have its attributes.
fn event_reference() -> ObjectType {
    ObjectType::new("EventReference", "statement_events", "How a statement relates to an event.")
        .condition(
            "statement",
            "The statement.",
            Predicate::ToOne { to: "Statement", column: "statement_id" },
        )
        .condition("event", "The event.", Predicate::ToOne { to: "Event", column: "event_id" })
        .condition(
            "kind",
            "How the statement relates to the event.",
            Predicate::Value {
                sql: Expression::Column("kind".into()),
                scalar: Scalar::Enumeration(&REFERENCE_KIND),
            },
        )
}
