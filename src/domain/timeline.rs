//! Timelines: meetings, statements and commentaries in order of date.

use std::fmt::Write;

use sqlx::{Row, postgres::PgRow};

use crate::{
    database::{reader::SqlQuery, statement::Days},
    error::ApiError,
    model::{
        naming,
        object_type::{
            Cardinality, Enumeration, FieldDeclaration, ObjectType, Scalar, ValueType, column,
            computed::{
                Argument, ArgumentRule, ComputedValue, CostContext, CostEstimate, ResolveContext, argument,
                as_of, computed, connection, connection_of, cursor, number, page_arguments,
            },
            grouping::Unit,
            one_of,
            overviews::{Mention, TimelineEntry},
            reference, term,
        },
        pagination::{Cursor, CursorKey, KeyKind},
        record_types,
    },
};

/// The name of the order in which entries come.
const ORDER: &str = "TIMELINE";
/// Maximum number of values of a density.
const MOST_PERIODS: i64 = 5000;
/// The topic `$3` and its sub-topics.
const BELOW: &str = "with recursive below as (
    select id from topics where id = $3 union select topics.id from topics join below on topics.parent_id = below.id
)";

/// The types whose records are entries, in the order of the schema, which is also their order on one day.
fn sorts(object_types: &[ObjectType]) -> Vec<(&ObjectType, TimelineEntry)> {
    record_types(object_types).filter_map(|object_type| Some((object_type, object_type.timeline?))).collect()
}

/// The types of entries that `types` asks for, each with its number among all.
fn wanted_sorts(context: &ResolveContext<'_>) -> Vec<(usize, &'static ObjectType, TimelineEntry)> {
    let names = context.texts("types");
    let all = sorts(&context.catalog.object_types).into_iter().enumerate();
    all.map(|(number, (object_type, sort))| (number, object_type, sort))
        .filter(|(_, object_type, _)| {
            names.as_ref().is_none_or(|names| names.contains(&naming::constant_case(object_type.name)))
        })
        .collect()
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
    let density =
        ObjectType::new("TimelineDensity", "", "How many entries of one type a timeline has in a period.")
            .field(
                term(
                    "period",
                    "The period: `2026`, `2026-Q1`, `2026-02` or `2026-02-19`. Null for unknown dates.",
                )
                .nullable(),
            )
            .field(one_of("type", entry_type(records), "The type of the entries."))
            .field(column("certain", Scalar::Int, "The number of entries that certainly began in it."))
            .field(column(
                "possible",
                Scalar::Int,
                "The number of entries that may have begun in it, as their dates are known less exactly.",
            ));
    vec![
        connection_of("TimelineConnection", "TimelineEdge", ("TimelineRecord", choices()), about),
        edge,
        density,
    ]
}

/// The enumeration of entries' types.
fn entry_type(records: &[ObjectType]) -> &'static Enumeration {
    let values = sorts(records)
        .into_iter()
        .map(|(object_type, _)| (naming::constant_case(object_type.name), object_type.description));
    Enumeration::of("TimelineType", "A type of records that timelines have.", values)
}

pub fn fields() -> Vec<FieldDeclaration> {
    let own = || {
        [
            argument(
                "actor",
                "ActorBy",
                "Only entries in which this actor took part, spoke, was addressed, acted, voted, wrote or was the subject.",
            ),
            argument("topic", "TopicBy", "Only entries on this topic or a sub-topic."),
            argument("types", "[TimelineType!]", "Only entries of these types. Default: all."),
            argument("from", "PartialDate", "Not before this date; excludes unknown dates."),
            argument("until", "PartialDate", "Not after this date; excludes unknown dates.")
                .taking(ArgumentRule::NotBefore("from")),
        ]
    };
    let units = Unit::ALL.map(|unit| (naming::constant_case(unit.name()), unit.description()));
    let unit = Argument {
        of: Some(Enumeration::of("CalendarUnit", "A part of the calendar.", units)),
        ..argument("by", "CalendarUnit!", "The length of the periods.")
    };
    vec![
        computed(
            "timelineDensity",
            ValueType { of: "TimelineDensity", form: Cardinality::List },
            own().into_iter().chain([unit, number("first", MOST_PERIODS, "Number of values. Default and maximum: 5,000."), as_of()]).collect(),
            |context| Box::pin(density(context)),
            "How many entries a timeline has in each period, by type, earliest first; entries with unknown dates come last. It takes the arguments of `timeline`.",
        )
        .with_cost(price_of_density),
        computed(
            "timeline",
            ValueType { of: "TimelineConnection", form: Cardinality::One },
            own().into_iter().chain(page_arguments(ORDER, KeyKind::Date)).chain([as_of()]).collect(),
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

/// All entries are read, and their dates spread over the periods.
fn price_of_density(context: &CostContext<'_>) -> CostEstimate {
    let read = price(context).points;
    let all: f64 = sorts(&context.catalog.object_types).iter().map(|(of, _)| context.rows(of.table)).sum();
    CostEstimate { points: read + all * 0.02, records: 0.0 }
}

async fn density(context: ResolveContext<'_>) -> Result<Vec<ComputedValue>, ApiError> {
    let sorts = wanted_sorts(&context);
    let wanted = Wanted::of(&context).await?;
    if sorts.is_empty() {
        return Ok(vec![ComputedValue::List(Vec::new())]);
    }
    let unit = Unit::named(context.text("by").unwrap_or_default());
    let parts = sorts.iter().flat_map(|(number, _, sort)| {
        let date = unit.beginning(sort.date);
        let rows = wanted.rows(sort).into_iter();
        rows.map(move |(rows, _)| {
            format!("select {number} as sort, {date} as k, count(*) as n{rows} group by 2")
        })
    });
    let parts = parts.collect::<Vec<_>>().join(" union all ");
    let spread = unit.spread("g.k").unwrap_or_else(|| "(select g.k, true)".to_owned());
    let sql = format!(
        "{BELOW} select sort, period, coalesce(sum(n) filter (where certain), 0)::bigint as certain,
                coalesce(sum(n) filter (where not certain), 0)::bigint as possible
         from ({parts}) g cross join lateral {spread} s (period, certain)
         group by 1, 2 order by period nulls last, sort limit $1"
    );
    let first = context.number("first", MOST_PERIODS);
    let rows = context.reader.fetch(&sql, |sql| wanted.bind(sql.bind(first))).await?;
    let value = |row: &PgRow| {
        Ok(ComputedValue::Object(vec![
            ("period", ComputedValue::text(row.try_get::<Option<String>, _>("period")?)),
            ("type", ComputedValue::Text(naming::constant_case(type_of(&sorts, row)?))),
            ("certain", ComputedValue::Int(row.try_get("certain")?)),
            ("possible", ComputedValue::Int(row.try_get("possible")?)),
        ]))
    };
    Ok(vec![ComputedValue::List(rows.iter().map(value).collect::<Result<_, sqlx::Error>>()?)])
}

/// The name of the type of an entry in a row.
fn type_of(
    sorts: &[(usize, &'static ObjectType, TimelineEntry)],
    row: &PgRow,
) -> Result<&'static str, sqlx::Error> {
    let number: i32 = row.try_get("sort")?;
    let found = sorts.iter().find(|(sort, ..)| i32::try_from(*sort) == Ok(number));
    found.map(|(_, object_type, _)| object_type.name).ok_or(sqlx::Error::RowNotFound)
}

/// What the arguments of a timeline select: `$2` to `$5`.
struct Wanted<'a> {
    actor: Option<i64>,
    topic: Option<i64>,
    from: Option<&'a str>,
    until: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    async fn of(context: &'a ResolveContext<'_>) -> Result<Wanted<'a>, ApiError> {
        Ok(Wanted {
            actor: context.record("Actor", "actor").await?,
            topic: context.record("Topic", "topic").await?,
            from: context.text("from"),
            until: context.text("until"),
        })
    }

    fn bind<'q>(&self, sql: SqlQuery<'q>) -> SqlQuery<'q> {
        sql.bind(self.actor).bind(self.topic).bind(self.from).bind(self.until)
    }

    /// The selected sets of rows of a type, with the order of each. Without an actor or a topic, an index on days finds
    /// them: those that begin in the period, and those that are still going on when it begins.
    fn rows(&self, sort: &TimelineEntry) -> Vec<(String, String)> {
        let (day, during) = (day(sort), sort.during);
        let mut rows = format!(" from {} where true", sort.from);
        if self.actor.is_some() {
            let _ = write!(rows, " and t.id in ({})", mentioned(sort.actors, "= $2"));
        }
        if self.topic.is_some() {
            let _ = write!(rows, " and t.id in ({})", mentioned(sort.topics, "in (select id from below)"));
        }
        let first = "(select lower(partial_date_range($4)))";
        let end = "(select coalesce(upper(partial_date_range($5)), 'infinity'))";
        match (self.actor.or(self.topic), self.from, self.until) {
            (_, None, None) => vec![(rows, day)],
            (Some(_), ..) => vec![(format!("{rows} and {during} && (select period($4, $5))"), day)],
            (None, None, Some(_)) => vec![(format!("{rows} and {day} < {end}"), day)],
            (None, Some(_), _) => vec![
                (format!("{rows} and {day} >= {first} and {day} < {end}"), day.clone()),
                // Usually few, so they are sorted instead of found among all earlier days.
                (format!("{rows} and {day} < {first} and {during} @> {first}"), format!("{day} + 0")),
            ],
        }
    }
}

/// The first possible day of an entry, by which it is sorted.
fn day(sort: &TimelineEntry) -> String {
    format!("coalesce(lower({}), 'infinity'::date)", sort.during)
}

async fn timeline(context: ResolveContext<'_>) -> Result<Vec<ComputedValue>, ApiError> {
    let sorts = wanted_sorts(&context);
    let page = context.page(ORDER, KeyKind::Date)?;
    let wanted = Wanted::of(&context).await?;
    if sorts.is_empty() {
        return Ok(vec![connection(ORDER, Vec::new(), [false, false], Some(0))]);
    }
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
        let earlier = sorts.iter().flat_map(|(number, _, sort)| {
            let side = beside(*number, sort, "<=");
            wanted.rows(sort).into_iter().map(move |(rows, day)| {
                format!("(select true{rows}{side} order by {day} desc, t.id desc limit 1) is not null")
            })
        });
        let sql = format!("{BELOW} select {}", earlier.collect::<Vec<_>>().join(" or "));
        let rows = context.reader.fetch(&sql, |sql| wanted.bind(sql.bind(1_i64)).bind(Days(*days)).bind(*id));
        before = rows.await?.first().is_some_and(|row| row.try_get(0).unwrap_or(false));
    }
    if context.wants_page() {
        let branches = sorts.iter().flat_map(|(number, _, sort)| {
            let place = place(*number);
            let beyond = if page.after.is_some() { beside(*number, sort, ">") } else { String::new() };
            wanted.rows(sort).into_iter().map(move |(rows, day)| {
                format!(
                    "(select {number} as sort, t.id, {place} + t.id as place, {day} as day, {date} as date, {during} as during
                  {rows}{beyond} order by {day}, t.id limit $1)",
                    date = sort.date,
                    during = sort.during,
                )
            })
        });
        let sql = format!(
            "{BELOW} select sort, id, place, day, date, lower(during)::text as earliest, (upper(during) - 1)::text as latest
             from ({}) e order by day, place limit $1",
            branches.collect::<Vec<_>>().join(" union all ")
        );
        let rows = context
            .reader
            .fetch(&sql, |sql| {
                let sql = wanted.bind(sql.bind(page.size + 1));
                match &page.after {
                    Some(Cursor { key: Some(CursorKey::Date(days)), id }) => sql.bind(Days(*days)).bind(*id),
                    _ => sql,
                }
            })
            .await?;
        let size = usize::try_from(page.size).unwrap_or(0);
        behind = rows.len() > size;
        for row in rows.iter().take(size) {
            let edge = vec![
                ("node", ComputedValue::Record(type_of(&sorts, row)?, row.try_get("id")?)),
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
            .flat_map(|(.., sort)| wanted.rows(sort))
            .map(|(rows, _)| format!("(select count(*){rows})"))
            .collect();
        let sql = format!("{BELOW} select {}", counts.join(" + "));
        let rows = context.reader.fetch(&sql, |sql| wanted.bind(sql.bind(page.size))).await?;
        rows.first().map(|row| row.try_get(0)).transpose()?
    } else {
        Some(0)
    };
    Ok(vec![connection(ORDER, edges, [before, behind], total)])
}
