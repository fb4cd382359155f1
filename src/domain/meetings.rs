//! Meetings: occasions at which actors met.

use crate::{
    domain::{
        actors,
        languages::{self, Text},
    },
    model::object_type::{
        Enumeration, Join, ObjectType, Predicate, Scalar, column, evidence, many, one, one_of,
        overviews::{Mention, Searched, Tie, TimelineEntry},
        prose, text,
    },
};

static MODE: Enumeration = Enumeration {
    name: "MeetingMode",
    sql: "meeting_mode",
    description: "The form of a meeting; based on PLOVER's modes of CONSULT.",
    values: &[
        ("VISIT", "One actor travelled to another."),
        ("MULTILATERAL", "More than two parties met."),
        ("BILATERAL", "Two parties met."),
        ("CALL", "They spoke remotely."),
        ("CONFERENCE", "A public or expert gathering."),
        ("INTERVIEW", "An interview for publication."),
        ("OTHER", "Another form, or one that is not known."),
    ],
    deprecated: &[],
};

static STATUS: Enumeration = Enumeration {
    name: "MeetingStatus",
    sql: "meeting_status",
    description: "Whether the meeting took place; based on schema.org's EventStatusType.",
    values: &[
        ("OCCURRED", "It took place."),
        ("SCHEDULED", "It is planned."),
        ("POSTPONED", "It was postponed."),
        ("CANCELLED", "It was cancelled."),
        ("HYPOTHETICAL", "It is only talked about."),
    ],
    deprecated: &[],
};

pub fn object_types() -> Vec<ObjectType> {
    vec![
        ObjectType::new(
            "Meeting",
            "meetings",
            "A meeting of actors: a visit, a council, a call, an interview.",
        )
        .record("meetings")
        .labelled("{}.name", "A short title for people: its name.")
        .during("held", "DATE", "The meeting was held in this period, or may have been.", "{}.held_during")
        .field(text("name", "The name of the meeting.").filterable().sortable("NAME"))
        .field(prose("summary", "A summary in the editors' words.").nullable().filterable())
        .field(one_of("mode", &MODE, "The form of the meeting.").filterable())
        .field(one_of("status", &STATUS, "Whether it took place.").filterable())
        .field(
            column("startsOn", Scalar::PartialDate, "When it began, as precisely as it is known.")
                .nullable()
                .filterable(),
        )
        .field(
            column("endsOn", Scalar::PartialDate, "When it ended, as precisely as it is known.")
                .nullable()
                .filterable(),
        )
        .field(one("venue", "Actor", "venue_id", "Where it was held: a place or an organization.").nullable())
        .field(one("parent", "Meeting", "parent_id", "The larger event that it was part of.").nullable())
        .field(many("children", "Meeting", Join::Column("parent_id"), "Meetings that were part of it."))
        .field(
            many(
                "participants",
                "Actor",
                Join::Link("meeting_participants", "meeting_id", "actor_id"),
                "Who took part, and in which role.",
            )
            .with_attribute("MeetingParticipant", actors::role())
            .facetable()
            .writable(),
        )
        .field(
            many("agenda", "Topic", Join::Link("meeting_topics", "meeting_id", "topic_id"), "Its topics.")
                .facetable()
                .writable(),
        )
        .condition(
            "participation",
            "An actor that matches took part, in a role that matches.",
            Predicate::Some { to: "Participation", via: Join::Column("meeting_id") },
        )
        .field(many("statements", "Statement", Join::Column("meeting_id"), "Statements made at the meeting."))
        .field(many("events", "Event", Join::Column("meeting_id"), "Events that happened at the meeting."))
        .field(many("motions", "Motion", Join::Column("meeting_id"), "Motions proposed at the meeting."))
        .field(many("divisions", "Division", Join::Column("meeting_id"), "Divisions held at the meeting."))
        .field(many(
            "commentaries",
            "Commentary",
            Join::Link("commentary_targets", "meeting_id", "commentary_id"),
            "Analysts' commentaries about it.",
        ))
        .field(evidence("meeting_id"))
        .fields(languages::of(&[Text::of("meetings", "meeting_id", "name"), Text::of("meetings", "meeting_id", "summary")]))
        .versioned()
        .ties_actors(Tie {
            kind: "CO_PARTICIPATION",
            description: "Both took part in a meeting. Weight: in how many.",
            rank: 1,
            from: "select one.actor_id as known, other.actor_id as actor
                   from meeting_participants one
                   join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id <> one.actor_id
                   where one.actor_id = any($1)",
            among: "select one.actor_id as source, other.actor_id as target, null::relation_kind as relation_kind,
                           one.meeting_id as id
                    from meeting_participants one
                    join meeting_participants other on other.meeting_id = one.meeting_id and other.actor_id > one.actor_id
                    where one.actor_id = any($1) and other.actor_id = any($1)",
            label: "name",
            found_by: ("meeting_participants", "actor_id", 6.0),
        })
        .in_timeline(TimelineEntry {
            from: "meetings t",
            date: "coalesce(t.starts_on, t.ends_on)",
            during: "t.held_during",
            actors: &[
                Mention { table: "meeting_participants", of: "meeting_id", to: "actor_id" },
                Mention { table: "meetings", of: "id", to: "venue_id" },
            ],
            topics: &[Mention { table: "meeting_topics", of: "meeting_id", to: "topic_id" }],
        })
        .searchable(Searched {
            description: "Meetings, by name and summary.",
            name: Some("name"),
            texts: &["name", "summary"],
        })
        .in_order_of_entry(),
    ]
}
