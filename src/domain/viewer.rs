//! The viewer: who asks, and what they may still ask.

use crate::model::object_type::{
    Cardinality, Enumeration, FieldDeclaration, ObjectType, Scalar, ValueType, column,
    computed::{ComputedValue, ResolveContext, computed},
    one_of, part, term,
};

static ROLE: Enumeration = Enumeration {
    name: "Role",
    sql: "",
    description: "What somebody may do. Each role may do what those before it may.",
    values: &[
        ("ANONYMOUS", "Somebody who shows no key: reads, where the server lets everybody read."),
        ("READER", "Reads."),
        ("EDITOR", "Enters, changes and removes records."),
        ("ADMIN", "Does all that can be done."),
    ],
    deprecated: &[],
};

pub fn object_types() -> Vec<ObjectType> {
    vec![
        ObjectType::new("Viewer", "", "Whoever asks.")
            .field(one_of("role", &ROLE, "What they may do."))
            .field(
                term("name", "Under what name their changes are recorded; null for those who show no key.").nullable(),
            )
            .field(part(
                "rateLimit",
                "RateLimit",
                Cardinality::One,
                "What this request costs, and what may still be spent.",
            )),
        ObjectType::new("RateLimit", "", "What a request costs, and what its client may still spend.")
            .field(column(
                "cost",
                Scalar::Int,
                "What this request costs in points: one for each record that it may read, and what its filters, \
                 counts, facets and computed fields may have to look at. It grows with the base.",
            ))
            .field(
                column("limit", Scalar::Int, "What may be spent within a minute; null for as much as one likes.")
                    .nullable(),
            )
            .field(column("remaining", Scalar::Int, "What is left of it; null for as much as one likes.").nullable())
            .field(
                column("resetAt", Scalar::DateTime, "When all of it is there again; null where nothing is counted.")
                    .nullable(),
            ),
    ]
}

pub fn fields() -> Vec<FieldDeclaration> {
    vec![
        computed(
            "viewer",
            ValueType { of: "Viewer", form: Cardinality::One },
            Vec::new(),
            |asked| {
                let identity = &asked.caller.identity;
                let viewer = ComputedValue::Object(vec![
                    ("role", ComputedValue::text(Some(identity.role.name()))),
                    ("name", ComputedValue::text(identity.name.as_deref())),
                    ("rateLimit", rate_limit(&asked)),
                ]);
                Box::pin(async move { Ok(vec![viewer]) })
            },
            "Whoever asks.",
        )
        .free()
        .per_caller(),
        computed(
            "rateLimit",
            ValueType { of: "RateLimit", form: Cardinality::One },
            Vec::new(),
            |asked| {
                let rate_limit = rate_limit(&asked);
                Box::pin(async move { Ok(vec![rate_limit]) })
            },
            "What this request costs, and what may still be spent.",
        )
        .free()
        .per_caller(),
    ]
}

fn rate_limit(asked: &ResolveContext<'_>) -> ComputedValue {
    let budget = asked.caller.allowance.budget.as_ref();
    let number = |number: u32| ComputedValue::Int(i64::from(number));
    let reset_at = budget.map(|budget| {
        let moment = time::OffsetDateTime::from(budget.reset_at).truncate_to_microsecond();
        // Always a moment that the format has a text for.
        moment.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
    });
    ComputedValue::Object(vec![
        ("cost", ComputedValue::Int(i64::try_from(asked.caller.allowance.cost).unwrap_or(i64::MAX))),
        ("limit", budget.map_or(ComputedValue::Null, |budget| number(budget.limit))),
        ("remaining", budget.map_or(ComputedValue::Null, |budget| number(budget.remaining))),
        ("resetAt", ComputedValue::text(reset_at)),
    ])
}
