//! Citations: which passage of which source supports which record.

use crate::model::object_type::{ObjectType, one, reference, term};

pub fn object_types() -> Vec<ObjectType> {
    vec![
        ObjectType::new("Citation", "citations", "A passage of a source that supports a record.")
            .listed("citations")
            .field(one("source", "Source", "source_id", "The document."))
            .field(term("locator", "The place in the document: `L12` is line 12.").filterable())
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
                    "The record that the passage supports.",
                )
                .filterable(),
            )
            .in_order_of_entry(),
    ]
}
