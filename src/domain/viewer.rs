//! The viewer: the caller, and their rate limit.

use crate::model::object_type::{
    Cardinality, Enumeration, FieldDeclaration, ObjectType, Scalar, ValueType, column,
    computed::{ComputedValue, ResolveContext, computed},
    one_of, part, term,
};

static ROLE: Enumeration = Enumeration {
    name: "Role",
    sql: "",
    description: "What a caller may do. Each role includes those before it.",
    values: &[
        ("ANONYMOUS", "No key: reads, if the server allows anonymous reading."),
        ("READER", "Reads."),
        ("EDITOR", "Creates, updates and deletes records."),
        ("ADMIN", "Does everything."),
    ],
    deprecated: &[],
};

pub fn object_types() -> Vec<ObjectType> {
    vec![
        ObjectType::new("Viewer", "", "The caller.")
            .field(one_of("role", &ROLE, "The role of the caller."))
            .field(
                term("name", "The name under which changes are recorded; null without a key.").nullable(),
            )
            .field(part(
                "rateLimit",
                "RateLimit",
                Cardinality::One,
                "The cost of this request, and the caller's remaining budget.",
            )),
        ObjectType::new("RateLimit", "", "The cost of a request, and the client's remaining budget.")
            .field(column(
                "cost",
                Scalar::Int,
                "The cost of this request in points: one for each record that it may read, plus what its filters, counts, facets and computed fields may have to look at. It grows with the knowledge base.",
            ))
            .field(
                column("limit", Scalar::Int, "Points per minute; null if there is no limit.")
                    .nullable(),
            )
            .field(column("remaining", Scalar::Int, "Points left; null if there is no limit.").nullable())
            .field(
                column("resetAt", Scalar::DateTime, "When the full budget is available again; null if there is no limit.")
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
            |context| {
                let identity = &context.caller.identity;
                let viewer = ComputedValue::Object(vec![
                    ("role", ComputedValue::text(Some(identity.role.name()))),
                    ("name", ComputedValue::text(identity.name.as_deref())),
                    ("rateLimit", rate_limit(&context)),
                ]);
                Box::pin(async move { Ok(vec![viewer]) })
            },
            "The caller.",
        )
        .free()
        .per_caller(),
        computed(
            "rateLimit",
            ValueType { of: "RateLimit", form: Cardinality::One },
            Vec::new(),
            |context| {
                let rate_limit = rate_limit(&context);
                Box::pin(async move { Ok(vec![rate_limit]) })
            },
            "The cost of this request, and the caller's remaining budget.",
        )
        .free()
        .per_caller(),
    ]
}

fn rate_limit(context: &ResolveContext<'_>) -> ComputedValue {
    let budget = context.caller.allowance.budget.as_ref();
    let number = |number: u32| ComputedValue::Int(i64::from(number));
    let reset_at = budget.map(|budget| {
        let moment = time::OffsetDateTime::from(budget.reset_at).truncate_to_microsecond();
        // Always a moment that the format has a text for.
        moment.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
    });
    ComputedValue::Object(vec![
        ("cost", ComputedValue::Int(i64::try_from(context.caller.allowance.cost).unwrap_or(i64::MAX))),
        ("limit", budget.map_or(ComputedValue::Null, |budget| number(budget.limit))),
        ("remaining", budget.map_or(ComputedValue::Null, |budget| number(budget.remaining))),
        ("resetAt", ComputedValue::text(reset_at)),
    ])
}
