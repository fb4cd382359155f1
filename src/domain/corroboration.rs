//! Corroboration: how many independent sources support something, how the best passage of them is graded, and whether
//! anything contradicts it.

use std::collections::HashMap;

use async_graphql::Value;
use sqlx::Row;

use crate::{
    database::reader::SqlQuery,
    error::ApiError,
    model::object_type::{
        Cardinality, FieldDeclaration, ObjectType, Scalar, ValueType, column,
        computed::{
            Argument, ComputedValue, CostContext, CostEstimate, ResolveContext, argument, computed, number,
        },
        term,
    },
};

const MIN_SOURCES: &str = "minIndependentSources";
const DISPUTED: &str = "disputed";
/// Points for the corroboration of a position or statement, and for each piece of evidence or passage of it.
const EACH: f64 = 5.0;
const READ: f64 = 0.1;
/// Points for a position whose corroboration is a condition: it is computed for all at once.
const REQUIRED: f64 = 0.3;

/// The evidence of positions.
const OF_POSITIONS: &str = "
    select e.position_id, e.statement_id, e.commentary_id, e.vote_id, e.role
    from position_evidence e join positions on positions.id = e.position_id where ";
/// A statement is its own evidence.
const OF_STATEMENTS: &str = "
    select id, id, null::bigint, null::bigint, 'SUPPORTS'::evidence_role from unnest($1::bigint[]) id";

pub fn object_types() -> Vec<ObjectType> {
    vec![
        ObjectType::new(
            "Corroboration",
            "",
            "How well something is supported: by how many independent sources, and whether anything contradicts it.",
        )
        .field(column(
            "independentSources",
            Scalar::Int,
            "The number of independent sources that support it. Documents of one publisher count once. A statement that repeats others counts as what it repeats, so two newspapers that repeat one agency count once.",
        ))
        .field(
            term(
                "best",
                "The best grade of their passages in the Admiralty code, by reliability, then by credibility: `A2` comes before `B1`. Null if nothing supports it.",
            )
            .nullable(),
        )
        .field(column(
            "disputed",
            Scalar::Boolean,
            "Whether there is evidence against it, or a statement that supports it contradicts another, or is contradicted by one.",
        )),
    ]
}

/// The corroboration of a position.
pub fn of_position() -> FieldDeclaration {
    let sql = of(&format!("{OF_POSITIONS} positions.id = any($1)"));
    field(sql, "How well the evidence for the position is corroborated, and whether there is any against it.")
        .with_cost(|context| of_one(context.rows_of_one("position_evidence", "position_id")))
}

/// The corroboration of a statement.
pub fn of_statement() -> FieldDeclaration {
    field(
        of(OF_STATEMENTS),
        "How well it is corroborated that this was said, and whether another statement contradicts it.",
    )
    .with_cost(|context| of_one(context.rows_of_one("citations", "statement_id")))
}

fn of_one(read: f64) -> CostEstimate {
    CostEstimate { points: EACH + read * READ, records: 0.0 }
}

fn field(sql: String, description: &'static str) -> FieldDeclaration {
    let sql: &str = sql.leak();
    let value = ValueType { of: "Corroboration", form: Cardinality::One };
    computed(
        "corroboration",
        value,
        Vec::new(),
        |context| Box::pin(corroborations(context, sql)),
        description,
    )
}

async fn corroborations(context: ResolveContext<'_>, sql: &str) -> Result<Vec<ComputedValue>, ApiError> {
    let rows = context.reader.fetch(sql, |sql| sql.bind(context.parents)).await?;
    let mut values = HashMap::new();
    for row in &rows {
        let found =
            value(row.try_get("independent_sources")?, row.try_get("best")?, row.try_get("disputed")?);
        values.insert(row.try_get::<i64, _>("subject")?, found);
    }
    Ok(context.by_parent(values, &value(0, None, false)))
}

fn value(sources: i64, best: Option<String>, disputed: bool) -> ComputedValue {
    ComputedValue::Object(vec![
        ("independentSources", ComputedValue::Int(sources)),
        ("best", ComputedValue::text(best)),
        ("disputed", ComputedValue::Boolean(disputed)),
    ])
}

/// SQL for the corroboration of what has this evidence: rows of the subject's id, a statement, commentary or vote, and
/// its role.
///
/// A statement that repeats others counts as those at the end of the chain. Where statements repeat each other in a
/// circle, the first of them counts. A vote is cited with its division.
fn of(evidence: &str) -> String {
    format!(
        "with recursive evidence (subject, statement_id, commentary_id, vote_id, role) as materialized ({evidence}),
         repeated (statement_id, original_id) as (
             select distinct statement_id, statement_id from evidence where role = 'SUPPORTS' and statement_id is not null
             union
             select repeated.statement_id, r.repeated_id from repeated join statement_repeats r on r.statement_id = repeated.original_id
         ),
         originals (statement_id, original_id) as (
             select statement_id, unnest(coalesce(array_agg(original_id) filter (where not repeats), array[min(original_id)]))
             from (
                 -- Not an `exists`, for which Postgres would read the whole table.
                 select repeated.*, (
                     select true from statement_repeats r where r.statement_id = repeated.original_id limit 1
                 ) is not null as repeats
                 from repeated
             ) r group by statement_id
         ),
         cited (subject, source_id, credibility) as (
             select subject, source_id, credibility from evidence e
             join originals o on o.statement_id = e.statement_id
             join citations c on c.statement_id = o.original_id where role = 'SUPPORTS'
             union all
             select subject, source_id, credibility from evidence e
             join citations c on c.commentary_id = e.commentary_id where role = 'SUPPORTS'
             union all
             select subject, source_id, credibility from evidence e
             join citations c on c.vote_id = e.vote_id where role = 'SUPPORTS'
             union all
             select subject, source_id, credibility from evidence e
             join votes v on v.id = e.vote_id
             join citations c on c.division_id = v.division_id where role = 'SUPPORTS'
         ),
         graded as (
             select subject, count(distinct coalesce(s.publisher_id, -s.id)) as independent_sources,
                    min(admiralty_grade(s.reliability, cited.credibility) collate \"C\") as best
             from cited join sources s on s.id = cited.source_id group by subject
         ),
         contradicted (subject) as (
             select subject from evidence where role = 'CONTRADICTS'
             union
             select subject from evidence e join statement_contradictions c using (statement_id) where role = 'SUPPORTS'
             union
             select subject from evidence e
             join statement_contradictions c on c.contradicted_id = e.statement_id where role = 'SUPPORTS'
         )
         select subject, coalesce(independent_sources, 0) as independent_sources, best,
                subject in (select subject from contradicted) as disputed
         from (select distinct subject from evidence) e left join graded using (subject)"
    )
}

/// The condition that the arguments of a field set for positions.
pub struct Required {
    sources: Option<i64>,
    disputed: Option<bool>,
}

/// The arguments by which positions are left out.
pub fn arguments() -> [Argument; 2] {
    [
        number(MIN_SOURCES, 1000, "Only positions that so many independent sources support at least."),
        argument(DISPUTED, "Boolean", "Whether only disputed positions count, or only undisputed ones."),
    ]
}

/// What the arguments cost for so many positions.
pub fn points(context: &CostContext<'_>, positions: f64) -> f64 {
    if context.has(MIN_SOURCES) || context.has(DISPUTED) { positions * REQUIRED } else { 0.0 }
}

impl Required {
    pub fn of(context: &ResolveContext<'_>) -> Self {
        let sources = context.number(MIN_SOURCES, 0);
        let disputed = match context.arguments.get(DISPUTED) {
            Some(Value::Boolean(disputed)) => Some(*disputed),
            _ => None,
        };
        Required { sources: (sources > 0).then_some(sources), disputed }
    }

    /// SQL for the condition on `positions`, of which `scope` selects those that are read. Its values are bound after
    /// `bound` others.
    pub fn sql(&self, scope: &str, bound: usize) -> String {
        if self.requires_nothing() {
            return String::new();
        }
        format!(
            " and positions.id in (select subject from ({}) k
               where independent_sources >= ${} and (${next}::boolean is null or disputed = ${next}))",
            of(&format!("{OF_POSITIONS}{scope}")),
            bound + 1,
            next = bound + 2,
        )
    }

    pub fn bind<'a>(&self, sql: SqlQuery<'a>) -> SqlQuery<'a> {
        if self.requires_nothing() {
            sql
        } else {
            sql.bind(self.sources.unwrap_or_default()).bind(self.disputed)
        }
    }

    fn requires_nothing(&self) -> bool {
        self.sources.is_none() && self.disputed.is_none()
    }
}
