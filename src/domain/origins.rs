//! Origins: which dataset gave a record, and what the dataset itself calls it.

use crate::model::object_type::{ObjectType, term};

pub fn object_types() -> Vec<ObjectType> {
    vec![
        ObjectType::new("Origin", "origins", "A dataset that gives a record, and the record's key in it.")
            .field(
                term(
                    "dataset",
                    "The dataset, as it was named when it was imported: `everypolitician-kazakhstan`.",
                )
                .filterable(),
            )
            .field(term("key", "What the dataset itself calls the record.").filterable()),
    ]
}
