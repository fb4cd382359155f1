//! Revisions: every change of every record, in one sequence.

use crate::model::object_type::{
    By, Enumeration, Key, KeyInput, Noun, Owned, Scalar, Test, Values, column, one_of, reference, term, text,
    values,
};

pub static OPERATION: Enumeration = Enumeration {
    name: "RevisionOperation",
    sql: "revision_operation",
    description: "What was done to a record.",
    values: &[
        ("CREATE", "It was entered."),
        ("UPDATE", "It was changed."),
        ("DELETE", "It was removed."),
        ("MERGE", "It was merged with another."),
    ],
};

pub fn nouns() -> Vec<Noun> {
    vec![revision(), field_change()]
}

fn revision() -> Noun {
    Noun::new("Revision", "revisions", "One change of one record: who made it, when, and what it changed.")
        .listed("revisions")
        .looked_up("revision")
        .key(Key {
            name: "number",
            description: "The revision's number.",
            input: KeyInput::RevisionNumber,
            sql: "{}.id = $?",
        })
        .since(
            "Only revisions after this number: who asks again since the last one seen, in the order of numbers, \
             misses none and sees none twice.",
        )
        .field(
            column("number", Scalar::RevisionNumber, "Its number; later changes have greater ones.")
                .from_sql("{}.id")
                .filtered(),
        )
        .field(
            column(
                "change",
                Scalar::RevisionNumber,
                "The change that it is part of, by the number of its first revision: what was changed together \
                 has the same.",
            )
            .filtered(),
        )
        .field(one_of("operation", &OPERATION, "What was done.").filtered())
        .field(term("requester", "Who asked for the change.").filtered())
        .field(
            column("recordedAt", Scalar::DateTime, "When it was made.")
                .from_sql("to_char({}.recorded_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"),
        )
        .field(
            term("part", "The table whose row changed: the record's own, or one that belongs to it.")
                .filtered(),
        )
        .field(
            reference(
                "record",
                "Record",
                vec![
                    ("Actor", "actor_id"),
                    ("Meeting", "meeting_id"),
                    ("Statement", "statement_id"),
                    ("Commentary", "commentary_id"),
                    ("Topic", "topic_id"),
                    ("Source", "source_id"),
                    ("Relation", "relation_id"),
                    ("Position", "position_id"),
                ],
                "The record as it is when this is read, now or `asOf` a moment; null where it is not there then.",
            )
            .maybe()
            .filtered(),
        )
        .field(values(
            "diff",
            Values {
                of: Owned::Shape("FieldChange"),
                table: "revision_changes",
                owner: "revision_id",
                order: "{}.field",
            },
            "What the change made of the row, column by column.",
        ))
        .condition("recorded", "It was made in this span of time.", Test::Instant { sql: "{}.recorded_at" })
        .order("NUMBER", "number", |_| By::Id)
}

fn field_change() -> Noun {
    Noun::new("FieldChange", "revision_changes", "What a change made of one column.")
        .field(text("field", "The column."))
        .field(text("before", "Its value before; null where there was none.").maybe())
        .field(text("after", "Its value after; null where there is none.").maybe())
}
