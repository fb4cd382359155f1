//! Citations: which passage of which source supports which record.

use crate::model::{
    object_type::{ObjectType, one, reference, term},
    record_types,
};

pub fn object_types(records: &[ObjectType]) -> Vec<ObjectType> {
    vec![
        ObjectType::new("Citation", "citations", "A passage of a source that supports a record.")
            .listed("citations")
            .field(one("source", "Source", "source_id", "The document."))
            .field(term("locator", "The place in the document: `L12` is line 12.").filterable())
            .field(
                reference(
                    "record",
                    "Record",
                    record_types(records)
                        .filter_map(|record| Some((record.name, record.cited_by()?)))
                        .collect(),
                    "The record that the passage supports.",
                )
                .filterable(),
            )
            .in_order_of_entry(),
    ]
}
