//! Positions: where an actor stands on a topic, and what shows it.

use crate::query::noun::{Enumeration, Noun, evidence, history, one, one_of, reference};

static STANCE: Enumeration = Enumeration {
    name: "Stance",
    sql: "stance",
    description: "Where an actor stands on a topic; after STIX's opinion.",
    values: &[
        ("STRONGLY_OPPOSES", "Is firmly against it."),
        ("OPPOSES", "Is against it."),
        ("NEUTRAL", "Is neither for nor against it, or is reserved."),
        ("SUPPORTS", "Is for it."),
        ("STRONGLY_SUPPORTS", "Is firmly for it."),
    ],
};

pub fn nouns() -> Vec<Noun> {
    vec![
        Noun::new(
            "Position",
            "positions",
            "An actor's stance on a topic. The holder need not have spoken: an analyst may report it.",
        )
        .record("position", "positions")
        .field(one("holder", "Actor", "holder_id", "Who holds it."))
        .field(one("topic", "Topic", "topic_id", "On what."))
        .field(one_of("stance", &STANCE, "For or against, and how firmly.").filtered())
        .field(
            reference(
                "evidence",
                "Evidence",
                vec![("Statement", "statement_id"), ("Commentary", "commentary_id")],
                "What shows it: on whose word it is known.",
            )
            .filtered(),
        )
        .field(evidence("position_id"))
        .field(history("position_id"))
        .in_order_of_entry(),
    ]
}
