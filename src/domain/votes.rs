//! Votes: motions, their divisions, and how each actor voted.

use crate::{
    domain::languages::{self, Text},
    model::object_type::{
        Enumeration, Join, ObjectType, Scalar, column, evidence, many, needed_evidence, one, one_of,
        overviews::{Mention, Searched, TimelineEntry},
        prose, text,
    },
};

static RESULT: Enumeration = Enumeration {
    name: "DivisionResult",
    sql: "division_result",
    description: "What a division decided.",
    values: &[
        ("PASSED", "The motion was carried."),
        ("REJECTED", "The motion was lost."),
        ("TIED", "As many voted for the motion as against it."),
    ],
    deprecated: &[],
};

static CHOICE: Enumeration = Enumeration {
    name: "VoteChoice",
    sql: "vote_choice",
    description: "How an actor voted.",
    values: &[
        ("FOR", "For the motion: aye, yea, yes."),
        ("AGAINST", "Against the motion: no, nay."),
        ("ABSTAIN", "Was there, and voted neither for nor against it."),
        ("ABSENT", "Could have voted, and was not there."),
        ("PAIRED", "Stayed away by agreement with an actor who would have voted the other way."),
    ],
    deprecated: &[],
};

pub fn object_types() -> Vec<ObjectType> {
    vec![motion(), division(), vote()]
}

fn motion() -> ObjectType {
    ObjectType::new(
        "Motion",
        "motions",
        "A proposal that is voted on: a bill, an amendment, a resolution, a vote of confidence.",
    )
    .record("motions")
    .labelled("{}.name", "A short title for people: its name.")
    .during("proposed", "DATE", "It was proposed in this period, or may have been.", "{}.proposed_during")
    .field(text("name", "The name of the motion.").filterable().sortable("NAME"))
    .field(prose("summary", "What it would do, in the editors' words.").nullable().filterable())
    .field(
        many(
            "proposers",
            "Actor",
            Join::Link("motion_proposers", "motion_id", "actor_id"),
            "Who proposed it.",
        )
        .facetable()
        .writable(),
    )
    .field(
        many("topics", "Topic", Join::Link("motion_topics", "motion_id", "topic_id"), "Its topics.")
            .filterable_as("topic", "Has at least one topic that matches; `within` includes sub-topics.")
            .facetable()
            .writable(),
    )
    .field(one("meeting", "Meeting", "meeting_id", "The meeting at which it was proposed.").nullable())
    .field(
        column("proposedOn", Scalar::PartialDate, "When it was proposed, as precisely as it is known.")
            .nullable(),
    )
    .field(many("divisions", "Division", Join::Column("motion_id"), "The divisions on it."))
    .field(needed_evidence("motion_id"))
    .fields(languages::of(&[
        Text::of("motions", "motion_id", "name"),
        Text::of("motions", "motion_id", "summary"),
    ]))
    .versioned()
    .in_timeline(TimelineEntry {
        from: "motions t",
        date: "t.proposed_on",
        during: "t.proposed_during",
        actors: &[Mention { table: "motion_proposers", of: "motion_id", to: "actor_id" }],
        topics: &[Mention { table: "motion_topics", of: "motion_id", to: "topic_id" }],
    })
    .searchable(Searched {
        description: "Motions, by name and summary.",
        name: Some("name"),
        texts: &["name", "summary"],
    })
    .in_order_of_entry()
}

fn division() -> ObjectType {
    ObjectType::new(
        "Division",
        "divisions",
        "A single vote on a motion, with the votes of all who could vote. The facet `choice` of `votes` counts them.",
    )
    .record("divisions")
    .labelled("{}.name", "A short title for people: its name.")
    .during("held", "DATE", "It was held in this period, or may have been.", "{}.held_during")
    .field(one("motion", "Motion", "motion_id", "The motion that was voted on."))
    .field(
        text("name", "The name of the division: `Peace plan, second reading`.").filterable().sortable("NAME"),
    )
    .field(one("meeting", "Meeting", "meeting_id", "The meeting at which it was held.").nullable())
    .field(
        column("heldOn", Scalar::PartialDate, "When it was held, as precisely as it is known.").nullable(),
    )
    .field(
        one_of("result", &RESULT, "What it decided; null if that is not known.").nullable().filterable(),
    )
    .field(many("votes", "Vote", Join::Column("division_id"), "How each actor voted."))
    .field(needed_evidence("division_id"))
    .fields(languages::of(&[Text::of("divisions", "division_id", "name")]))
    .versioned()
    .in_timeline(TimelineEntry {
        from: "divisions t",
        date: "t.held_on",
        during: "t.held_during",
        actors: &[Mention { table: "votes", of: "division_id", to: "actor_id" }],
        topics: &[Mention { table: "division_topics", of: "division_id", to: "topic_id" }],
    })
    .in_order_of_entry()
}

fn vote() -> ObjectType {
    ObjectType::new("Vote", "votes", "How one actor voted in a division.")
        .record("votes")
        .labelled_by(
            "select a.name || case {}.choice when 'FOR' then ' voted for ' when 'AGAINST' then ' voted against '
                    when 'ABSTAIN' then ' abstained on ' when 'ABSENT' then ' was absent from the vote on '
                    else ' was paired on ' end || d.name
             from actors a, divisions d where a.id = {}.actor_id and d.id = {}.division_id",
            &[("actors", "actor_id"), ("divisions", "division_id")],
            "A short title for people: `Israel voted against Peace plan, second reading`.",
        )
        .field(one("division", "Division", "division_id", "The division."))
        .field(one("actor", "Actor", "actor_id", "Who voted."))
        .field(one_of("choice", &CHOICE, "How the actor voted.").filterable())
        .field(
            one("party", "Actor", "party_id", "The party or group that the actor belonged to then.").nullable(),
        )
        .field(many(
            "positions",
            "Position",
            Join::Link("position_evidence", "vote_id", "position_id"),
            "Positions that it is evidence for or against.",
        ))
        .field(evidence("vote_id"))
        .versioned()
        .in_order_of_entry()
}
