//! The viewer: who asks, and what they may still ask.

use crate::model::object_type::{
    Declared, Enumeration, Form, Noun, Part, Scalar, column,
    computed::{Asked, Tree, computed},
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
};

pub fn nouns() -> Vec<Noun> {
    vec![
        Noun::new("Viewer", "", "Whoever asks.")
            .field(one_of("role", &ROLE, "What they may do."))
            .field(
                term("name", "Under what name their changes are recorded; null for those who show no key.").maybe(),
            )
            .field(part(
                "rateLimit",
                "RateLimit",
                Form::One,
                "What this request costs, and what may still be spent.",
            )),
        Noun::new("RateLimit", "", "What a request costs, and what its client may still spend.")
            .field(column(
                "cost",
                Scalar::Int,
                "What this request costs in points: one for each record that it may read, and what its filters, \
                 counts, facets and computed fields may have to look at. It grows with the base.",
            ))
            .field(
                column("limit", Scalar::Int, "What may be spent within a minute; null for as much as one likes.")
                    .maybe(),
            )
            .field(column("remaining", Scalar::Int, "What is left of it; null for as much as one likes.").maybe())
            .field(
                column("resetAt", Scalar::DateTime, "When all of it is there again; null where nothing is counted.")
                    .maybe(),
            ),
    ]
}

pub fn fields() -> Vec<Declared> {
    vec![
        computed(
            "viewer",
            Part { of: "Viewer", form: Form::One },
            Vec::new(),
            |asked| {
                let identity = &asked.caller.identity;
                let viewer = Tree::Object(vec![
                    ("role", Tree::text(Some(identity.role.name()))),
                    ("name", Tree::text(identity.name.as_deref())),
                    ("rateLimit", rate_limit(&asked)),
                ]);
                Box::pin(async move { Ok(vec![viewer]) })
            },
            "Whoever asks.",
        )
        .free()
        .personal(),
        computed(
            "rateLimit",
            Part { of: "RateLimit", form: Form::One },
            Vec::new(),
            |asked| {
                let rate_limit = rate_limit(&asked);
                Box::pin(async move { Ok(vec![rate_limit]) })
            },
            "What this request costs, and what may still be spent.",
        )
        .free()
        .personal(),
    ]
}

fn rate_limit(asked: &Asked<'_>) -> Tree {
    let budget = asked.caller.allowance.budget.as_ref();
    let number = |number: u32| Tree::Int(i64::from(number));
    let reset_at = budget.map(|budget| {
        let moment = time::OffsetDateTime::from(budget.reset_at).truncate_to_microsecond();
        // Always a moment that the format has a text for.
        moment.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
    });
    Tree::Object(vec![
        ("cost", Tree::Int(i64::try_from(asked.caller.allowance.cost).unwrap_or(i64::MAX))),
        ("limit", budget.map_or(Tree::Null, |budget| number(budget.limit))),
        ("remaining", budget.map_or(Tree::Null, |budget| number(budget.remaining))),
        ("resetAt", Tree::text(reset_at)),
    ])
}
