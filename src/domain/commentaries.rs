//! Commentaries: what an analyst makes of actors, meetings, statements and topics.

use crate::{
    domain::languages::{self, Text},
    model::{
        object_type::{
            Enumeration, Join, ObjectType, OwnedItem, OwnedList, Predicate, Scalar, SortKey, ToOne, column,
            many, needed_evidence, one, one_of,
            overviews::{Mention, Searched, TimelineEntry},
            prose, shortened, values,
        },
        pagination::KeyKind,
    },
};

static LIKELIHOOD: Enumeration = Enumeration {
    name: "Likelihood",
    sql: "likelihood",
    description: "How probable it is according to the analyst, on the scale of ICD 203.",
    values: &[
        ("ALMOST_NO_CHANCE", "1 to 5 per cent."),
        ("VERY_UNLIKELY", "5 to 20 per cent."),
        ("UNLIKELY", "20 to 45 per cent."),
        ("ROUGHLY_EVEN", "45 to 55 per cent."),
        ("LIKELY", "55 to 80 per cent."),
        ("VERY_LIKELY", "80 to 95 per cent."),
        ("ALMOST_CERTAIN", "95 to 99 per cent."),
    ],
    deprecated: &[],
};

pub static CONFIDENCE: Enumeration = Enumeration {
    name: "Confidence",
    sql: "confidence",
    description: "How well founded a judgement is (ICD 203). It does not say how probable its content is.",
    values: &[
        ("LOW", "Scant, doubtful or fragmentary evidence."),
        ("MODERATE", "Credible and plausible evidence, open to other readings."),
        ("HIGH", "Good evidence from several sources."),
    ],
    deprecated: &[],
};

pub fn object_types() -> Vec<ObjectType> {
    vec![
        ObjectType::new(
            "Commentary",
            "commentaries",
            "An analyst's answer to one question, and the records that it is about.",
        )
        .record("commentaries")
        .labelled(shortened("{}.question"), "A short title for people: the beginning of its question.")
        .field(one("author", "Actor", "author_id", "The analyst."))
        .field(one("source", "Source", "source_id", "The source that contains it."))
        .field(
            column("ordinal", Scalar::Int, "Its position among the commentaries of its source, from 1.")
                .filterable(),
        )
        .field(prose("question", "The question asked, paraphrased.").filterable())
        .field(prose("summary", "The answer, in the editors' words.").filterable())
        .field(
            one_of(
                "likelihood",
                &LIKELIHOOD,
                "How probable it is according to the analyst; null if not stated.",
            )
            .nullable()
            .filterable(),
        )
        .field(
            one_of(
                "confidence",
                &CONFIDENCE,
                "How confident the analyst is in the judgement; null if not stated.",
            )
            .nullable()
            .filterable(),
        )
        .field(values(
            "targets",
            OwnedList {
                of: OwnedItem::Reference(ToOne {
                    type_name: "CommentaryTarget",
                    choices: vec![
                        ("Actor", "actor_id"),
                        ("Meeting", "meeting_id"),
                        ("Statement", "statement_id"),
                        ("Topic", "topic_id"),
                    ],
                    nullable: false,
                }),
                table: "commentary_targets",
                owner: "commentary_id",
                order: "{}.id",
                appended: false,
            },
            "The records that it is about.",
        ))
        .field(many(
            "positions",
            "Position",
            Join::Link("position_evidence", "commentary_id", "position_id"),
            "Positions that it is evidence for or against.",
        ))
        .field(needed_evidence("commentary_id"))
        .fields(languages::of(&[
            Text::of("commentaries", "commentary_id", "question"),
            Text::of("commentaries", "commentary_id", "summary"),
        ]))
        .versioned()
        .condition(
            "aboutActor",
            "It is about at least one actor that matches.",
            Predicate::Some {
                to: "Actor",
                via: Join::Link("commentary_targets", "commentary_id", "actor_id"),
            },
        )
        .condition(
            "aboutMeeting",
            "It is about at least one meeting that matches.",
            Predicate::Some {
                to: "Meeting",
                via: Join::Link("commentary_targets", "commentary_id", "meeting_id"),
            },
        )
        .condition(
            "aboutStatement",
            "It is about at least one statement that matches.",
            Predicate::Some {
                to: "Statement",
                via: Join::Link("commentary_targets", "commentary_id", "statement_id"),
            },
        )
        .condition(
            "aboutTopic",
            "It is about at least one topic that matches.",
            Predicate::Some {
                to: "Topic",
                via: Join::Link("commentary_targets", "commentary_id", "topic_id"),
            },
        )
        .order("ORDINAL", "position in the source", |_| SortKey::Key("{}.ordinal".into(), KeyKind::Int))
        .in_timeline(TimelineEntry {
            from: "commentaries t join sources on sources.id = t.source_id",
            date: "sources.published_on",
            during: "sources.published_during",
            actors: &[
                Mention { table: "commentaries", of: "id", to: "author_id" },
                Mention { table: "commentary_targets", of: "commentary_id", to: "actor_id" },
            ],
            topics: &[Mention { table: "commentary_targets", of: "commentary_id", to: "topic_id" }],
        })
        .searchable(Searched {
            description: "Commentaries, by question and summary.",
            name: None,
            texts: &["question", "summary"],
        })
        .in_order_of_entry(),
    ]
}
