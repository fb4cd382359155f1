//! Revisions: every change of every record, in one sequence.

use crate::model::{
    object_type::{
        Enumeration, LookupInput, LookupKey, ObjectType, OwnedItem, OwnedList, Predicate, Scalar, SortKey,
        column, one_of, reference, term, text, values,
    },
    record_types,
    sql::rfc_3339,
};

pub static OPERATION: Enumeration = Enumeration {
    name: "RevisionOperation",
    sql: "revision_operation",
    description: "The operation on a record.",
    values: &[
        ("CREATE", "It was created."),
        ("UPDATE", "It was changed."),
        ("DELETE", "It was deleted."),
        ("MERGE", "It was merged with another."),
    ],
    deprecated: &[],
};

/// A column whose changes are recorded.
#[derive(Debug)]
pub struct Recorded {
    pub table: &'static str,
    pub column: &'static str,
    /// Its name for clients, if they can write it.
    pub name: Option<String>,
    /// The type of record that it refers to, if it is a reference.
    pub to: Option<&'static str>,
}

pub fn object_types(records: &[ObjectType], columns: &[Recorded]) -> Vec<ObjectType> {
    vec![revision(records), field_change(columns)]
}

fn revision(records: &[ObjectType]) -> ObjectType {
    ObjectType::new(
        "Revision",
        "revisions",
        "One change of one record: who made it, when, and what it changed.",
    )
    .listed("revisions")
    .looked_up("revision")
    .key(LookupKey {
        name: "number",
        description: "The revision's number.",
        input: LookupInput::RevisionNumber,
        sql: "{}.id = $?",
    })
    .since(
        "Only revisions after this number. A client that polls in order of numbers, after the last one that it received, misses none.",
    )
    .field(
        column("number", Scalar::RevisionNumber, "Its number; later changes have higher numbers.")
            .from_column("id")
            .filterable(),
    )
    .field(
        column(
            "change",
            Scalar::RevisionNumber,
            "The number of the change: the number of its first revision. Revisions that were made together share it.",
        )
        .filterable(),
    )
    .field(one_of("operation", &OPERATION, "The operation.").filterable())
    .field(term("requester", "The requester: the name of the key, token or command that made the change.").filterable())
    .field(
        column("recordedAt", Scalar::DateTime, "When it was made.")
            .from_sql(rfc_3339("{}.recorded_at")),
    )
    .field(
        term("part", "The table whose row changed: the record's own, or one that belongs to it.")
            .filterable(),
    )
    .field(
        reference(
            "record",
            "Record",
            record_types(records).map(|record| (record.name, record.history_column())).collect(),
            "The record as it is now, or as of `asOf`; null if it does not exist then.",
        )
        .nullable()
        .filterable(),
    )
    .field(values(
        "diff",
        OwnedList {
            of: OwnedItem::Shape("FieldChange"),
            table: "revision_changes",
            owner: "revision_id",
            order: "{}.field",
            appended: false,
        },
        "The changed columns of the row.",
    ))
    .condition("recorded", "It was made in this span of time.", Predicate::Instant { sql: "{}.recorded_at" })
    .order("NUMBER", "number", |_| SortKey::Id)
}

fn field_change(columns: &[Recorded]) -> ObjectType {
    let of_revision = |chosen: &dyn Fn(&Recorded) -> Option<String>, shown: &dyn Fn(&str) -> String| {
        let cases: String = columns
            .iter()
            .filter_map(|column| {
                Some(format!(" when '{}.{}' then '{}'", column.table, column.column, chosen(column)?))
            })
            .collect();
        let case = format!("case r.part || '.' || {{}}.field{cases} end");
        format!("(select {} from revisions r where r.id = {{}}.revision_id)", shown(&case))
    };
    let name = of_revision(&|column| column.name.clone(), &ToOwned::to_owned);
    // A global id: the type and the number in the alphabet of base64 that is safe in addresses.
    let id = |value: &str| {
        let opaque = |case: &str| {
            format!(
                "rtrim(translate(encode(convert_to({case} || ':' || {{}}.{value}, 'UTF8'), 'base64'), '+/', '-_'), '=')"
            )
        };
        of_revision(&|column| column.to.map(ToOwned::to_owned), &opaque)
    };
    ObjectType::new("FieldChange", "revision_changes", "The change of one column.")
        .field(text("field", "The column's name in the database."))
        .field(
            text(
                "name",
                "The field's name in this API: `speaker`, `names.language`; null if the API has no such field.",
            )
            .from_sql(name)
            .nullable(),
        )
        .field(text("before", "The value before; null if there was none.").nullable())
        .field(text("after", "The value after; null if there is none.").nullable())
        .field(
            column("beforeId", Scalar::Id(""), "The global id of the record that it referred to before the change.")
                .from_sql(id("before"))
                .nullable(),
        )
        .field(
            column("afterId", Scalar::Id(""), "The global id of the record that it refers to after the change.")
                .from_sql(id("after"))
                .nullable(),
        )
}
