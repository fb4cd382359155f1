//! Positions: where an actor stands on a topic, and what shows it.

use std::collections::{HashMap, HashSet};

use sqlx::{Row, postgres::PgRow};

use crate::{
    domain::{
        commentaries::CONFIDENCE,
        corroboration::{self, Required},
    },
    error::ApiError,
    model::{
        object_type::{
            Cardinality, Enumeration, FieldDeclaration, ObjectType, OwnedItem, OwnedList, Predicate, Scalar,
            SortKey, ValueType, column,
            computed::{
                ArgumentRule, ComputedValue, CostContext, CostEstimate, ResolveContext, argument, as_of,
                computed, float, number,
            },
            needed_evidence, one, one_of, part, reference, references, values,
        },
        pagination::KeyKind,
    },
};

static STANCE: Enumeration = Enumeration {
    name: "Stance",
    sql: "stance",
    description: "An actor's stance on a topic; based on STIX's opinion scale.",
    values: &[
        ("STRONGLY_OPPOSES", "Is firmly against it."),
        ("OPPOSES", "Is against it."),
        ("NEUTRAL", "Is neither for nor against it, or is reserved."),
        ("SUPPORTS", "Is for it."),
        ("STRONGLY_SUPPORTS", "Is firmly for it."),
    ],
    deprecated: &[],
};

static EVIDENCE_ROLE: Enumeration = Enumeration {
    name: "EvidenceRole",
    sql: "evidence_role",
    description: "Whether a piece of evidence speaks for a position or against it.",
    values: &[
        ("SUPPORTS", "It shows that the holder has this stance."),
        ("CONTRADICTS", "It speaks against the holder having this stance."),
    ],
    deprecated: &[],
};

/// How many positions a history names at most, as its cost assumes.
const POSITIONS_OF_A_HISTORY: f64 = 100.0;

/// Positions that something supports, with the date since when they are known: the beginning of their period, else when
/// the first supporting evidence was said or voted, or when the commentary was published.
const DATED: &str = "
    select positions.id, positions.holder_id, positions.topic_id, positions.stance,
           coalesce(positions.held_from, shown.date) as date,
           coalesce(lower(positions.held_during), shown.day) as day
    from positions
    cross join lateral (
        select coalesce(statements.said_on, sources.published_on, divisions.held_on) as date,
               lower(coalesce(statements.said_during, sources.published_during, divisions.held_during)) as day
        from position_evidence e
        left join statements on statements.id = e.statement_id
        left join commentaries on commentaries.id = e.commentary_id
        left join sources on sources.id = commentaries.source_id
        left join votes on votes.id = e.vote_id
        left join divisions on divisions.id = votes.division_id
        where e.position_id = positions.id and e.role = 'SUPPORTS'
        order by day nulls last, e.id limit 1
    ) shown";

pub fn object_types() -> Vec<ObjectType> {
    let record =
        |name, object_type, description| reference(name, object_type, vec![(object_type, "")], description);
    let date = || {
        column(
            "date",
            Scalar::PartialDate,
            "Since when it is held; where that is not known, when the first evidence that supports it was said, published or voted.",
        )
        .nullable()
    };
    vec![
        ObjectType::new("StanceHistory", "", "The history of an actor's stance on a topic.")
            .field(record("topic", "Topic", "The topic."))
            .field(part(
                "changes",
                "StanceChange",
                Cardinality::List,
                "The changes in order of time; unknown dates last.",
            )),
        ObjectType::new("StanceChange", "", "A change of an actor's stance.")
            .field(one_of("stance", &STANCE, "The stance after the change."))
            .field(
                one_of("previous", &STANCE, "The stance before the change; null for the first known one.")
                    .nullable(),
            )
            .field(date())
            .field(record("position", "Position", "The position, with its evidence.")),
        ObjectType::new("Standing", "", "An actor's latest known stance on a topic.")
            .field(record("holder", "Actor", "Who holds it."))
            .field(one_of("stance", &STANCE, "For or against, and how firmly."))
            .field(date())
            .field(record("position", "Position", "The position, with its evidence.")),
        ObjectType::new("StanceMatrix", "", "Who stands where on some topics.")
            .field(references("topics", "Topic", vec![("Topic", "")], "The topics, in the order in which they were given."))
            .field(references(
                "holders",
                "Actor",
                vec![("Actor", "")],
                "The actors: in the given order, or those with stances on most of the topics first.",
            ))
            .field(part("cells", "StanceCell", Cardinality::List, "The stances that are known.")),
        ObjectType::new("StanceCell", "", "An actor's latest known stance on a topic.")
            .field(record("holder", "Actor", "Who holds it."))
            .field(record("topic", "Topic", "The topic."))
            .field(one_of("stance", &STANCE, "For or against, and how firmly."))
            .field(date())
            .field(record("position", "Position", "The position, with its evidence.")),
        ObjectType::new(
            "Disagreement",
            "",
            "Two actors with opposed stances on a topic, by their latest known positions.",
        )
        .field(record("one", "Position", "The position of the actor that is more against it."))
        .field(record("other", "Position", "The position of the actor that is more in favour of it."))
        .field(column(
            "distance",
            Scalar::Int,
            "The distance between their stances on the scale: 1 to 4.",
        )),
        ObjectType::new(
            "Position",
            "positions",
            "An actor's stance on a topic, as the actor stated it or voted, or as an analyst reports it.",
        )
        .record("positions")
        .labelled_by(
            "select h.name || case {}.stance when 'NEUTRAL' then ' is neutral on '
                    else ' ' || lower(replace({}.stance::text, '_', ' ')) || ' ' end || o.name
             from actors h, topics o where h.id = {}.holder_id and o.id = {}.topic_id",
            &[("actors", "holder_id"), ("topics", "topic_id")],
            "A short title for people: `Kazakhstan supports Two-state solution`.",
        )
        .field(one("holder", "Actor", "holder_id", "Who holds it."))
        .field(one("topic", "Topic", "topic_id", "The topic."))
        .field(one_of("stance", &STANCE, "For or against, and how firmly.").filterable())
        .field(
            one_of(
                "confidence",
                &CONFIDENCE,
                "How well founded it is that the holder has this stance; null if nobody has judged it.",
            )
            .nullable()
            .filterable(),
        )
        .field(
            column("heldFrom", Scalar::PartialDate, "Since when it is held, as precisely as it is known.")
                .nullable(),
        )
        .field(
            column("heldUntil", Scalar::PartialDate, "Until when it was held, as precisely as it is known.")
                .nullable(),
        )
        .field(
            values(
                "evidenceItems",
                OwnedList {
                    of: OwnedItem::Shape("EvidenceItem"),
                    table: "position_evidence",
                    owner: "position_id",
                    order: "{}.id",
                    appended: false,
                },
                "The evidence for and against it. A position has at least one piece of evidence.",
            )
            .filterable(),
        )
        .field(
            shown_by("evidence", "One of its pieces of evidence: a statement, commentary or vote.")
                .deprecated("Use `evidenceItems`, which has all pieces of evidence.", "2027-11-26"),
        )
        .field(corroboration::of_position())
        .field(needed_evidence("position_id"))
        .versioned()
        .condition(
            "held",
            "It was held in this period, or may have been. A position without dates may have been held at any time; `isUnknown: false` leaves it out.",
            Predicate::During { sql: "{}.held_during".into(), any_time: true },
        )
        .in_order_of_entry()
        .order("HELD", "the beginning of the period in which it was held, unknown dates last", |descending| {
            let unknown = if descending { "-infinity" } else { "infinity" };
            SortKey::Key(format!("coalesce(lower({{}}.held_during), '{unknown}'::date)").into(), KeyKind::Date)
        }),
        ObjectType::new("EvidenceItem", "position_evidence", "A piece of evidence for or against a position.")
            .field(shown_by("evidence", "The statement, commentary or vote."))
            .field(
                one_of("role", &EVIDENCE_ROLE, "Whether it speaks for the position or against it.").filterable(),
            ),
    ]
}

/// What shows a position.
fn shown_by(name: &'static str, description: &'static str) -> FieldDeclaration {
    let choices = vec![("Statement", "statement_id"), ("Commentary", "commentary_id"), ("Vote", "vote_id")];
    reference(name, "Evidence", choices, description).filterable()
}

/// Computed fields of an actor.
pub fn of_actor() -> FieldDeclaration {
    computed(
        "stanceHistory",
        ValueType { of: "StanceHistory", form: Cardinality::List },
        [argument("topic", "TopicBy", "Only this topic and its sub-topics.")]
            .into_iter()
            .chain(corroboration::arguments())
            .collect(),
        |context| Box::pin(stance_history(context)),
        "The history of the actor's stances, topic by topic, with the evidence of each change. Positions that no evidence supports are left out.",
    )
    .with_cost(|context| {
        let positions = context.rows_of_one("positions", "holder_id");
        CostEstimate {
            points: 10.0 + positions * 0.2 + corroboration::points(context, positions),
            records: positions.min(POSITIONS_OF_A_HISTORY),
        }
    })
}

/// Maximum number of topics of a matrix, and of holders.
const MOST_TOPICS: usize = 50;
const MOST_HOLDERS: usize = 100;

/// Computed fields of the root.
pub fn fields() -> Vec<FieldDeclaration> {
    let own = [
        argument("topics", "[TopicBy!]!", "The topics, exactly these. At most 50.")
            .taking(ArgumentRule::AtMost(MOST_TOPICS)),
        argument(
            "holders",
            "[ActorBy!]",
            "The actors. At most 100. Default: the actors with stances on most of the topics.",
        )
        .taking(ArgumentRule::AtMost(MOST_HOLDERS)),
    ];
    vec![
        computed(
            "stanceMatrix",
            ValueType { of: "StanceMatrix", form: Cardinality::One },
            own.into_iter().chain(corroboration::arguments()).chain([as_of()]).collect(),
            |context| Box::pin(stance_matrix(context)),
            "Who stands where: the latest stance of each actor on each topic. Positions that no evidence supports are left out.",
        )
        .with_cost(|context| CostEstimate {
            points: 50.0 + context.length("topics", MOST_TOPICS) * on_topic(context, 0.2),
            records: float(MOST_TOPICS * MOST_HOLDERS).min(context.rows("positions")),
        }),
    ]
}

/// Computed fields of a topic.
pub fn of_topic() -> [FieldDeclaration; 2] {
    [
        computed(
            "standings",
            ValueType { of: "Standing", form: Cardinality::List },
            [number("first", 1000, "Number of actors. Default: 100. Maximum: 1000.")]
                .into_iter()
                .chain(corroboration::arguments())
                .collect(),
            |context| Box::pin(standings(context)),
            "Each actor's latest stance on exactly this topic, opponents first. Positions that no evidence supports are left out.",
        )
        .with_cost(|context| CostEstimate {
            points: 10.0 + on_topic(context, 0.2),
            records: context.number("first", 100, 1000),
        }),
        computed(
            "disagreements",
            ValueType { of: "Disagreement", form: Cardinality::List },
            [number("first", 100, "Number of pairs. Default: 20. Maximum: 100.")]
                .into_iter()
                .chain(corroboration::arguments())
                .collect(),
            |context| Box::pin(disagreements(context)),
            "Pairs of actors with opposed latest stances on exactly this topic, the furthest apart first. Positions that no evidence supports are left out.",
        )
        .with_cost(|context| CostEstimate {
            points: 20.0 + on_topic(context, 0.3),
            records: context.number("first", 20, 100),
        }),
    ]
}

/// Points to read the positions on a topic.
fn on_topic(context: &CostContext<'_>, each: f64) -> f64 {
    let positions = context.rows_of_one("positions", "topic_id");
    positions * each + corroboration::points(context, positions)
}

/// The values of each parent, by the column `parent` of their rows, as lists.
fn lists(
    context: &ResolveContext<'_>,
    rows: &[PgRow],
    value: impl Fn(&PgRow) -> Result<ComputedValue, sqlx::Error>,
) -> Result<Vec<ComputedValue>, ApiError> {
    let mut lists: HashMap<i64, Vec<ComputedValue>> = HashMap::new();
    for row in rows {
        lists.entry(row.try_get("parent")?).or_default().push(value(row)?);
    }
    let lists = lists.into_iter().map(|(parent, values)| (parent, ComputedValue::List(values))).collect();
    Ok(context.by_parent(lists, &ComputedValue::List(Vec::new())))
}

async fn stance_history(context: ResolveContext<'_>) -> Result<Vec<ComputedValue>, ApiError> {
    let topic = context.record("Topic", "topic").await?;
    let required = Required::of(&context);
    let corroborated = required.sql("positions.holder_id = any($1)", 2);
    let sql = format!(
        "with recursive below as (
             select id from topics where id = $2 union select topics.id from topics join below on topics.parent_id = below.id
         )
         select holder_id as parent, topic_id, id, stance, previous, date from (
             select d.*, lag(stance) over (partition by holder_id, topic_id order by day nulls last, id) as previous
             from ({DATED} where positions.holder_id = any($1)
                   and ($2 is null or positions.topic_id in (select id from below)){corroborated}) d
         ) d where previous is distinct from stance
         order by holder_id, topic_id, day nulls last, id"
    );
    let rows = context.reader.fetch(&sql, |sql| required.bind(sql.bind(context.parents).bind(topic))).await?;
    let change = |row: &PgRow| {
        Ok(ComputedValue::Object(vec![
            ("stance", ComputedValue::text_in(row, "stance")?),
            ("previous", ComputedValue::text_in(row, "previous")?),
            ("date", ComputedValue::text_in(row, "date")?),
            ("position", ComputedValue::Record("Position", row.try_get("id")?)),
        ]))
    };
    let holder_and_topic = |row: &PgRow| (row.get::<i64, _>("parent"), row.get::<i64, _>("topic_id"));
    let mut histories: HashMap<i64, Vec<ComputedValue>> = HashMap::new();
    for rows in rows.chunk_by(|one, other| holder_and_topic(one) == holder_and_topic(other)) {
        let (holder, topic) = holder_and_topic(&rows[0]);
        let changes = rows.iter().map(change).collect::<Result<_, sqlx::Error>>()?;
        histories.entry(holder).or_default().push(ComputedValue::Object(vec![
            ("topic", ComputedValue::Record("Topic", topic)),
            ("changes", ComputedValue::List(changes)),
        ]));
    }
    let histories = histories.into_iter().map(|(holder, topics)| (holder, ComputedValue::List(topics)));
    Ok(context.by_parent(histories.collect(), &ComputedValue::List(Vec::new())))
}

/// Each holder's latest position on the topics `$1`; an unknown date is no later than a known one. Two values are bound
/// before those of `required`.
fn latest(required: &Required) -> String {
    let corroborated = required.sql("positions.topic_id = any($1)", 2);
    format!(
        "select distinct on (topic_id, holder_id) * from ({DATED} where positions.topic_id = any($1){corroborated}) d
         order by topic_id, holder_id, day desc nulls last, id desc"
    )
}

async fn stance_matrix(context: ResolveContext<'_>) -> Result<Vec<ComputedValue>, ApiError> {
    let required = Required::of(&context);
    let topics = distinct(context.records("Topic", "topics").await?.unwrap_or_default());
    let holders = context.records("Actor", "holders").await?.map(distinct);
    let sql = format!(
        "with latest as ({}), holders as (
             select holder_id, count(*) as stances from latest where $2 is null or holder_id = any($2)
             group by 1 order by 2 desc, 1 limit {MOST_HOLDERS}
         )
         select latest.topic_id, holder_id, id, stance, date from latest join holders using (holder_id)
         order by stances desc, holder_id, topic_id",
        latest(&required)
    );
    let rows = context
        .reader
        .fetch(&sql, |sql| required.bind(sql.bind(topics.clone()).bind(holders.clone())))
        .await?;
    let cell = |row: &PgRow| {
        Ok(ComputedValue::Object(vec![
            ("holder", ComputedValue::Record("Actor", row.try_get("holder_id")?)),
            ("topic", ComputedValue::Record("Topic", row.try_get("topic_id")?)),
            ("stance", ComputedValue::text_in(row, "stance")?),
            ("date", ComputedValue::text_in(row, "date")?),
            ("position", ComputedValue::Record("Position", row.try_get("id")?)),
        ]))
    };
    let found = rows.iter().map(|row| row.try_get("holder_id")).collect::<Result<Vec<i64>, _>>()?;
    let holders = holders.unwrap_or_else(|| distinct(found));
    let list = |object_type, ids: Vec<i64>| {
        ComputedValue::List(ids.into_iter().map(|id| ComputedValue::Record(object_type, id)).collect())
    };
    Ok(vec![ComputedValue::Object(vec![
        ("topics", list("Topic", topics)),
        ("holders", list("Actor", holders)),
        ("cells", ComputedValue::List(rows.iter().map(cell).collect::<Result<_, sqlx::Error>>()?)),
    ])])
}

/// Ids without repetitions, in their order.
fn distinct(ids: Vec<i64>) -> Vec<i64> {
    let mut known = HashSet::new();
    ids.into_iter().filter(|id| known.insert(*id)).collect()
}

async fn standings(context: ResolveContext<'_>) -> Result<Vec<ComputedValue>, ApiError> {
    let (first, required) = (context.number("first", 100), Required::of(&context));
    let sql = format!(
        "select topic_id as parent, holder_id, id, stance, date from (
             select l.*, row_number() over (partition by topic_id order by stance, holder_id) as number from ({}) l
         ) l where number <= $2 order by topic_id, number",
        latest(&required)
    );
    let rows = context.reader.fetch(&sql, |sql| required.bind(sql.bind(context.parents).bind(first))).await?;
    lists(&context, &rows, |row| {
        Ok(ComputedValue::Object(vec![
            ("holder", ComputedValue::Record("Actor", row.try_get("holder_id")?)),
            ("stance", ComputedValue::text_in(row, "stance")?),
            ("date", ComputedValue::text_in(row, "date")?),
            ("position", ComputedValue::Record("Position", row.try_get("id")?)),
        ]))
    })
}

async fn disagreements(context: ResolveContext<'_>) -> Result<Vec<ComputedValue>, ApiError> {
    let (first, required) = (context.number("first", 20), Required::of(&context));
    // A pair with the nth holder of a stance comes after n - 1 pairs that are as far apart. So only the first holders of
    // each stance are paired, instead of each actor with each.
    let sql = format!(
        "with scale as (select stance, ordinality as step from unnest(enum_range(null::stance)) with ordinality s (stance)),
              latest as materialized (
                  select l.*, step, row_number() over (partition by topic_id, step order by id) as nth
                  from ({}) l join scale using (stance)
              ),
              first as materialized (select * from latest where nth <= $2)
         select parent, one, other, distance from (
             select one.topic_id as parent, one.id as one, other.id as other, other.step - one.step as distance,
                    row_number() over (partition by one.topic_id order by other.step - one.step desc, one.id, other.id) as number
             from first one join first other on other.topic_id = one.topic_id and other.step > one.step
         ) p where number <= $2 order by parent, number",
        latest(&required)
    );
    let rows = context.reader.fetch(&sql, |sql| required.bind(sql.bind(context.parents).bind(first))).await?;
    lists(&context, &rows, |row| {
        Ok(ComputedValue::Object(vec![
            ("one", ComputedValue::Record("Position", row.try_get("one")?)),
            ("other", ComputedValue::Record("Position", row.try_get("other")?)),
            ("distance", ComputedValue::Int(row.try_get("distance")?)),
        ]))
    })
}
