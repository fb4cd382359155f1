//! Statements: what an actor said or wrote.

use crate::{
    domain::{
        corroboration, events,
        languages::{self, Text},
    },
    model::{
        object_type::{
            Enumeration, Join, ObjectType, Predicate, Scalar, SortKey, column, language, many,
            needed_evidence, one, one_of,
            overviews::{FoundThrough, Mention, Searched, Tie, TimelineEntry},
            prose, shortened, text,
        },
        pagination::KeyKind,
    },
};

static MEDIUM: Enumeration = Enumeration {
    name: "StatementMedium",
    sql: "statement_medium",
    description: "How a statement was made.",
    values: &[
        ("SPEECH", "In a speech."),
        ("INTERVIEW", "In an interview."),
        ("ARTICLE", "In an article that the speaker signed."),
        ("WRITTEN", "In another written form: a letter, a post, a communiqué."),
        ("CONVERSATION", "In conversation with others."),
        ("UNSPECIFIED", "The source does not say how."),
    ],
    deprecated: &[],
};

static RENDERING: Enumeration = Enumeration {
    name: "StatementRendering",
    sql: "statement_rendering",
    description: "Whether the source quotes or reports the speaker's words.",
    values: &[
        ("VERBATIM", "The source quotes the speaker; the words are in `quote`."),
        ("PARAPHRASE", "The source reports what was said in other words."),
    ],
    deprecated: &[],
};

pub fn object_types() -> Vec<ObjectType> {
    vec![
        ObjectType::new(
            "Statement",
            "statements",
            "Something that an actor said or wrote: where, to whom, and on which topics.",
        )
        .record("statements")
        .labelled(shortened("{}.summary"), "A short title for people: the beginning of its summary.")
        .field(
            one(
                "speaker",
                "Actor",
                "speaker_id",
                "The speaker; never a place or a territory. Null if it is not known who spoke.",
            )
            .nullable(),
        )
        .field(text("speakerRole", "The speaker's office or role when it was said.").nullable().filterable())
        .field(
            one(
                "onBehalfOf",
                "Actor",
                "on_behalf_of_id",
                "On whose behalf the speaker spoke, if not their own.",
            )
            .nullable(),
        )
        .field(
            many(
                "addressees",
                "Actor",
                Join::Link("statement_addressees", "statement_id", "actor_id"),
                "To whom it was said.",
            )
            .facetable()
            .writable(),
        )
        .field(one("meeting", "Meeting", "meeting_id", "The meeting at which it was said.").nullable())
        .field(
            column("ordinal", Scalar::Int, "Its position among the statements of its meeting, from 1.")
                .nullable()
                .filterable(),
        )
        .field(
            one("publication", "Actor", "publication_id", "The publication in which it appeared.").nullable(),
        )
        .field(one_of("medium", &MEDIUM, "How it was made.").filterable())
        .field(
            one_of("rendering", &RENDERING, "Whether the source quotes or reports the speaker's words.")
                .filterable(),
        )
        .field(
            one_of(
                "eventType",
                &events::EVENT_TYPE,
                "What the statement does: agrees, demands, refuses, threatens, …",
            )
            .filterable(),
        )
        .field(prose("summary", "What was said, in the editors' words.").filterable())
        .field(
            prose("quote", "The speaker's own words; required if `rendering` is VERBATIM, otherwise null.")
                .nullable()
                .filterable(),
        )
        .field(
            language("language", "The language in which it was made, as a BCP 47 tag: `en`, `kk`.")
                .filterable()
                .facetable(),
        )
        .field(
            column("saidOn", Scalar::PartialDate, "When it was said, as precisely as it is known.")
                .nullable(),
        )
        .field(
            many(
                "topics",
                "Topic",
                Join::Link("statement_topics", "statement_id", "topic_id"),
                "Its topics.",
            )
            .filterable_as("topic", "Has at least one topic that matches; `within` includes sub-topics.")
            .facetable()
            .writable(),
        )
        .field(
            many(
                "events",
                "Event",
                Join::Link("statement_events", "statement_id", "event_id"),
                "Events that it calls for, denies or refers to.",
            )
            .with_attribute("StatementEvent", events::reference_kind())
            .facetable()
            .writable(),
        )
        .condition(
            "eventReference",
            "It calls for, denies or refers to an event that matches, as `kind` says.",
            Predicate::Some { to: "EventReference", via: Join::Column("statement_id") },
        )
        .field(
            many(
                "repliesTo",
                "Statement",
                Join::Link("statement_replies", "statement_id", "replied_to_id"),
                "Statements that it answers.",
            )
            .facetable()
            .writable(),
        )
        .field(many(
            "replies",
            "Statement",
            Join::Link("statement_replies", "replied_to_id", "statement_id"),
            "Statements that answer it.",
        ))
        .field(
            many(
                "repeats",
                "Statement",
                Join::Link("statement_repeats", "statement_id", "repeated_id"),
                "Statements that it repeats, as a newspaper repeats an agency.",
            )
            .facetable()
            .writable(),
        )
        .field(many(
            "repeatedBy",
            "Statement",
            Join::Link("statement_repeats", "repeated_id", "statement_id"),
            "Statements that repeat it.",
        ))
        .field(
            many(
                "contradicts",
                "Statement",
                Join::Link("statement_contradictions", "statement_id", "contradicted_id"),
                "Statements that it contradicts.",
            )
            .facetable()
            .writable(),
        )
        .field(many(
            "contradictedBy",
            "Statement",
            Join::Link("statement_contradictions", "contradicted_id", "statement_id"),
            "Statements that contradict it.",
        ))
        .field(many(
            "commentaries",
            "Commentary",
            Join::Link("commentary_targets", "statement_id", "commentary_id"),
            "Analysts' commentaries about it.",
        ))
        .field(many(
            "positions",
            "Position",
            Join::Link("position_evidence", "statement_id", "position_id"),
            "Positions that it is evidence for or against.",
        ))
        .field(corroboration::of_statement())
        .field(needed_evidence("statement_id"))
        .fields(languages::of(&[
            Text::of("statements", "statement_id", "summary"),
            Text::of("statements", "statement_id", "quote").or_else("{}.language"),
        ]))
        .versioned()
        .during("said", "DATE", "It was said in this period, or may have been.", "{}.said_during")
        .order("ORDINAL", "position in the meeting (a statement without one counts as last)", |_| {
            SortKey::Key(format!("coalesce({{}}.ordinal, {})", i32::MAX).into(), KeyKind::Int)
        })
        .ties_actors(tie())
        .in_timeline(TimelineEntry {
            from: "statements t",
            date: "t.said_on",
            during: "t.said_during",
            actors: &[
                Mention { table: "statements", of: "id", to: "speaker_id" },
                Mention { table: "statements", of: "id", to: "on_behalf_of_id" },
                Mention { table: "statement_addressees", of: "statement_id", to: "actor_id" },
            ],
            topics: &[Mention { table: "statement_topics", of: "statement_id", to: "topic_id" }],
        })
        .searchable(Searched {
            description: "Statements, by summary and quote, and after them the latest on the topics that are found.",
            name: None,
            texts: &["summary", "quote"],
        })
        .found_through(FoundThrough {
            to: "Topic",
            field: "topics",
            between: "statement_topics",
            own: "statement_id",
            other: "topic_id",
        })
        .in_order_of_entry(),
    ]
}

/// Whoever addresses a statement to another is tied to them.
fn tie() -> Tie {
    Tie {
            kind: "STATEMENT",
            description: "One addressed a statement to the other. Weight: how many.",
            rank: 2,
            from: "select statements.speaker_id as known, statement_addressees.actor_id as actor
                   from statements join statement_addressees on statement_addressees.statement_id = statements.id
                   where statements.speaker_id = any($1) and statement_addressees.actor_id <> statements.speaker_id
                   union all
                   select statement_addressees.actor_id, statements.speaker_id
                   from statement_addressees join statements on statements.id = statement_addressees.statement_id
                   where statement_addressees.actor_id = any($1) and statement_addressees.actor_id <> statements.speaker_id",
            among: "select statements.speaker_id as source, statement_addressees.actor_id as target,
                           null::relation_kind as relation_kind, statements.id
                    from statements join statement_addressees on statement_addressees.statement_id = statements.id
                    where statements.speaker_id = any($1) and statement_addressees.actor_id = any($1)
                    and statement_addressees.actor_id <> statements.speaker_id",
            label: "summary",
            found_by: ("statement_addressees", "actor_id", 2.0),
        }
}
