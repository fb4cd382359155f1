//! Citations: which passage of which source supports which record.

use crate::model::object_type::{Noun, one, reference, term};

pub fn nouns() -> Vec<Noun> {
    vec![
        Noun::new("Citation", "citations", "A passage of a source that supports a record.")
            .listed("citations")
            .field(one("source", "Source", "source_id", "The document."))
            .field(term("locator", "Where in the document: `L12` is its twelfth line.").filtered())
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
                        ("Relation", "relation_id"),
                        ("Position", "position_id"),
                    ],
                    "What the passage supports.",
                )
                .filtered(),
            )
            .in_order_of_entry(),
    ]
}
