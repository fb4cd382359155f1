//! Timelines: meetings, statements and commentaries in order of date.

use std::fmt::Write;

use sqlx::Row;

use crate::{
    database::statement::Days,
    error::ApiError,
    model::{
        object_type::{
            Cardinality, FieldDeclaration, ObjectType, Scalar, ValueType, column,
            computed::{
                ArgumentRule, ComputedValue, CostContext, CostEstimate, ResolveContext, argument, as_of,
                computed, connection, connection_of, cursor, page_arguments,
            },
            overviews::{Mention, TimelineEntry},
            reference,
        },
        pagination::{Cursor, CursorKey, KeyKind},
        record_types,
    },
};

/// The name of the order in which entries come.
const ORDER: &str = "TIMELINE";

/// The types whose records are entries, in the order of the schema, which is also their order on one day.
fn sorts(object_types: &[ObjectType]) -> Vec<(&ObjectType, TimelineEntry)> {
    record_types(object_types).filter_map(|object_type| Some((object_type, object_type.timeline?))).collect()
}

/// The ids of entries that refer to what `is_wanted` says of the column.
fn mentioned(mentions: &[Mention], is_wanted: &str) -> String {
    let each = mentions
        .iter()
        .map(|Mention { table, of, to }| format!("select {of} from {table} where {to} {is_wanted}"));
    let all = each.collect::<Vec<_>>().join(" union ");
    if all.is_empty() { "select null::bigint where false".to_owned() } else { all }
}

pub fn object_types(records: &[ObjectType]) -> Vec<ObjectType> {
    let choices = || sorts(records).iter().map(|(object_type, _)| (object_type.name, "")).collect();
    let edge = ObjectType::new("TimelineEdge", "", "A meeting, a statement, an event, a commentary, a motion or a division in a timeline.")
        .field(reference(
            "node",
            "TimelineRecord",
            choices(),
            "The record.",
        ))
        .field(cursor())
        .field(
            column(
                "date",
                Scalar::PartialDate,
                "When a meeting or an event began, a statement was made, a commentary was published, a motion was proposed or a division was held, as precisely as it is known.",
            )
            .nullable(),
        )
        .field(
            column("earliest", Scalar::PartialDate, "The first possible day of the date. The timeline is sorted by it.").nullable(),
        )
        .field(column("latest", Scalar::PartialDate, "The last possible day of the date.").nullable());
    let about = "A page of a timeline, earliest first; unknown dates last.";
    vec![connection_of("TimelineConnection", "TimelineEdge", ("TimelineRecord", choices()), about), edge]
}

pub fn fields() -> Vec<FieldDeclaration> {
    let own = [
        argument(
            "actor",
            "ActorBy",
            "Only entries in which this actor took part, spoke, was addressed, acted, voted, wrote or was the subject.",
        ),
        argument("topic", "TopicBy", "Only entries on this topic or a sub-topic."),
        argument("from", "PartialDate", "Not before this date; excludes unknown dates."),
        argument("until", "PartialDate", "Not after this date; excludes unknown dates.")
            .taking(ArgumentRule::NotBefore("from")),
    ];
    vec![
        computed(
            "timeline",
            ValueType { of: "TimelineConnection", form: Cardinality::One },
            own.into_iter().chain(page_arguments(ORDER, KeyKind::Date)).chain([as_of()]).collect(),
            |context| Box::pin(timeline(context)),
            "Meetings, statements, events, published commentaries, motions and divisions by date. A partial date sorts as its first day.",
        )
        .with_cost(price),
    ]
}

/// All entries by date come from an index in order; those of an actor or a topic are collected and sorted.
fn price(context: &CostContext<'_>) -> CostEstimate {
    let sorts = sorts(&context.catalog.object_types);
    let rows_of_one = |mentions: fn(&TimelineEntry) -> &'static [Mention]| -> f64 {
        let all = sorts.iter().flat_map(|(_, sort)| mentions(sort));
        all.map(|Mention { table, to, .. }| context.rows_of_one(table, to)).sum()
    };
    let (of_actor, on_topic) = (rows_of_one(|sort| sort.actors), rows_of_one(|sort| sort.topics));
    let all: f64 = sorts.iter().map(|(object_type, _)| context.rows(object_type.table)).sum();
    let gathered = match (context.has("actor"), context.has("topic")) {
        (true, _) => of_actor * 0.15,
        (false, true) => on_topic * 0.12,
        (false, false) => 0.0,
    };
    let times = if context.wants("totalCount") { 2.0 } else { 1.0 };
    let bounded = context.has("from") || context.has("until");
    let counted = match context.wants("totalCount") {
        true if bounded => all * 0.015,
        true => all * 0.003,
        false => 0.0,
    };
    // Entries that are still going on at `from` are read too.
    let going_on = if context.has("from") && gathered == 0.0 { all * 0.004 } else { 0.0 };
    CostEstimate {
        points: 100.0 + times * gathered + going_on + counted,
        records: context.number("first", 20, 100),
    }
}

/// The first number of a type's entries within one day: an entry's number is unique among all types.
fn place(sort: usize) -> i64 {
    i64::try_from(sort).unwrap_or(0) << 56
}

async fn timeline(context: ResolveContext<'_>) -> Result<Vec<ComputedValue>, ApiError> {
    let sorts = sorts(&context.catalog.object_types);
    let page = context.page(ORDER, KeyKind::Date)?;
    let (actor, topic) = (context.record("Actor", "actor").await?, context.record("Topic", "topic").await?);
    let (from, until) = (context.text("from"), context.text("until"));
    let day = |sort: &TimelineEntry| format!("coalesce(lower({}), 'infinity'::date)", sort.during);
    // The selected sets of rows of a type, with the order of each. Without an actor or a topic, an index on days finds
    // them: those that begin in the period, and those that are still going on when it begins.
    let wanted = |sort: &TimelineEntry| {
        let (day, during) = (day(sort), sort.during);
        let mut rows = format!(" from {} where true", sort.from);
        if actor.is_some() {
            let _ = write!(rows, " and t.id in ({})", mentioned(sort.actors, "= $2"));
        }
        if topic.is_some() {
            let _ = write!(rows, " and t.id in ({})", mentioned(sort.topics, "in (select id from below)"));
        }
        let first = "(select lower(partial_date_range($4)))";
        let end = "(select coalesce(upper(partial_date_range($5)), 'infinity'))";
        match (actor.or(topic), from, until) {
            (_, None, None) => vec![(rows, day)],
            (Some(_), ..) => vec![(format!("{rows} and {during} && (select period($4, $5))"), day)],
            (None, None, Some(_)) => vec![(format!("{rows} and {day} < {end}"), day)],
            (None, Some(_), _) => vec![
                (format!("{rows} and {day} >= {first} and {day} < {end}"), day.clone()),
                // Usually few, so they are sorted instead of found among all earlier days.
                (format!("{rows} and {day} < {first} and {during} @> {first}"), format!("{day} + 0")),
            ],
        }
    };
    let below = "with recursive below as (
        select id from topics where id = $3 union select topics.id from topics join below on topics.parent_id = below.id
    )";
    let (mut before, mut behind, mut edges) = (false, false, Vec::new());
    // Rows of a type on one side of the cursor, in a form that uses an index on day and id.
    let beside = |number: usize, sort: &TimelineEntry, comparison: &str| {
        let (day, place) = (day(sort), place(number));
        let max = (1_i64 << 56) - 1;
        format!(" and ({day}, t.id) {comparison} ($6, greatest(least($7 - {place}, {max}), 0))")
    };
    if let Some(Cursor { key: Some(CursorKey::Date(days)), id }) = &page.after
        && context.wants("pageInfo.hasPreviousPage")
    {
        let earlier = sorts.iter().enumerate().flat_map(|(number, (_, sort))| {
            let side = beside(number, sort, "<=");
            wanted(sort).into_iter().map(move |(rows, day)| {
                format!("(select true{rows}{side} order by {day} desc, t.id desc limit 1) is not null")
            })
        });
        let sql = format!("{below} select {}", earlier.collect::<Vec<_>>().join(" or "));
        let rows = context.reader.fetch(&sql, |sql| {
            sql.bind(1_i64).bind(actor).bind(topic).bind(from).bind(until).bind(Days(*days)).bind(*id)
        });
        before = rows.await?.first().is_some_and(|row| row.try_get(0).unwrap_or(false));
    }
    if context.wants_page() {
        let branches = sorts.iter().enumerate().flat_map(|(number, (_, sort))| {
            let place = place(number);
            let beyond = if page.after.is_some() { beside(number, sort, ">") } else { String::new() };
            wanted(sort).into_iter().map(move |(rows, day)| {
                format!(
                    "(select {number} as sort, t.id, {place} + t.id as place, {day} as day, {date} as date, {during} as during
                  {rows}{beyond} order by {day}, t.id limit $1)",
                    date = sort.date,
                    during = sort.during,
                )
            })
        });
        let sql = format!(
            "{below} select sort, id, place, day, date, lower(during)::text as earliest, (upper(during) - 1)::text as latest
             from ({}) e order by day, place limit $1",
            branches.collect::<Vec<_>>().join(" union all ")
        );
        let rows = context
            .reader
            .fetch(&sql, |sql| {
                let sql = sql.bind(page.size + 1).bind(actor).bind(topic).bind(from).bind(until);
                match &page.after {
                    Some(Cursor { key: Some(CursorKey::Date(days)), id }) => sql.bind(Days(*days)).bind(*id),
                    _ => sql,
                }
            })
            .await?;
        let size = usize::try_from(page.size).unwrap_or(0);
        behind = rows.len() > size;
        for row in rows.iter().take(size) {
            let sort: i32 = row.try_get("sort")?;
            let (object_type, _) = sorts[usize::try_from(sort).unwrap_or(0)];
            let edge = vec![
                ("node", ComputedValue::Record(object_type.name, row.try_get("id")?)),
                ("date", ComputedValue::text(row.try_get_unchecked::<Option<String>, _>("date")?)),
                ("earliest", ComputedValue::text(row.try_get::<Option<String>, _>("earliest")?)),
                ("latest", ComputedValue::text(row.try_get::<Option<String>, _>("latest")?)),
            ];
            let days = row.try_get_unchecked("day")?;
            edges.push((Cursor { key: Some(CursorKey::Date(days)), id: row.try_get("place")? }, edge));
        }
    }
    let total = if context.wants("totalCount") {
        let counts: Vec<String> = sorts
            .iter()
            .flat_map(|(_, sort)| wanted(sort))
            .map(|(rows, _)| format!("(select count(*){rows})"))
            .collect();
        let sql = format!("{below} select {}", counts.join(" + "));
        let rows = context
            .reader
            .fetch(&sql, |sql| sql.bind(page.size).bind(actor).bind(topic).bind(from).bind(until))
            .await?;
        rows.first().map(|row| row.try_get(0)).transpose()?
    } else {
        Some(0)
    };
    Ok(vec![connection(ORDER, edges, [before, behind], total)])
}
