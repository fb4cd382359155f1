//! Relations: what ties one actor to another.

use crate::model::object_type::{
    Enumeration, ObjectType, Scalar, column, needed_evidence, one, one_of, overviews::Tie, text,
};

pub static KIND: Enumeration = Enumeration {
    name: "RelationKind",
    sql: "relation_kind",
    description: "The kind of relation; based on LittleSis and Popolo.",
    values: &[
        ("POSITION", "The subject holds an office or post in the object."),
        ("NATIONALITY", "The subject belongs to the object, a country."),
        ("MEMBERSHIP", "The subject is a member of the object."),
        ("PARTICIPATION", "The subject takes part in what the object does."),
        ("PARTNERSHIP", "The two work together."),
        ("OWNERSHIP", "The subject owns the object, or a part of it."),
        ("HIERARCHY", "The subject is subordinate to the object."),
        ("FAMILY", "The two are related."),
        ("LOCATION", "The subject lies in the object."),
        ("COALITION", "The two, parties or groups, govern or vote together by agreement."),
        ("OPPOSITION", "The subject, a party or group, is in opposition to the object, which governs."),
        ("OTHER", "Another relation; `label` names it."),
    ],
    deprecated: &[],
};

pub fn object_types() -> Vec<ObjectType> {
    vec![
        ObjectType::new(
            "Relation",
            "relations",
            "A relation from one actor to another, and the period in which it holds.",
        )
        .record("relations")
        .field(one_of("kind", &KIND, "The kind of relation.").filterable())
        .field(one("subject", "Actor", "subject_id", "The actor that the relation starts from."))
        .field(one("object", "Actor", "object_id", "The actor that the relation leads to."))
        .field(
            text("label", "The name of the relation: `President`. Default: its kind, `Partnership`.")
                .nullable()
                .filterable()
                .or_else("initcap({}.kind::text)"),
        )
        .field(
            column("validFrom", Scalar::PartialDate, "When the relation began, as precisely as it is known.")
                .nullable()
                .filterable(),
        )
        .field(
            column(
                "validUntil",
                Scalar::PartialDate,
                "When the relation ended, as precisely as it is known.",
            )
            .nullable()
            .filterable(),
        )
        .field(
            column(
                "share",
                Scalar::Float,
                "How much of the object the subject holds, in percent: 51.2; null if that is not known.",
            )
            .nullable()
            .filterable(),
        )
        .field(
            text("area", "The constituency or area that it is for: `FL-19`, `Bavaria`.")
                .nullable()
                .filterable()
                .facetable(),
        )
        .field(
            text("term", "The legislative term in which it holds, as the source names it: `20th Bundestag`.")
                .nullable()
                .filterable()
                .facetable(),
        )
        .field(
            one(
                "onBehalfOf",
                "Actor",
                "on_behalf_of_id",
                "For whom the subject holds it: the party that a seat in a parliament is held for.",
            )
            .nullable(),
        )
        .field(needed_evidence("relation_id"))
        .versioned()
        .ties_actors(Tie {
            kind: "RELATION",
            description: "A relation of one to the other. Weight: how many there are.",
            rank: 0,
            from: "select subject_id as known, object_id as actor from relations where subject_id = any($1)
                   union all
                   select object_id, subject_id from relations where object_id = any($1)",
            among: "select subject_id as source, object_id as target, kind as relation_kind, id
                    from relations where subject_id = any($1) and object_id = any($1)",
            label: "label",
            found_by: ("relations", "subject_id", 2.0),
        })
        .in_order_of_entry()
        .during(
            "valid",
            "DATE",
            "It held in this period, or may have. A relation without dates may have held at any time; `isUnknown: false` leaves it out.",
            "{}.valid_during",
        )
        .undated_at_any_time("valid"),
    ]
}
