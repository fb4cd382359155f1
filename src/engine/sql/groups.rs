//! SQL that groups the records of a connection.
//!
//! First, records are grouped by what they have: of a date its beginning, which is `2026-02` for a month, and `2026`
//! where the month is not known. Then a coarse beginning is spread over the months in which its records may lie. So
//! groups are spread, which are fewer than records; and only those that can be among the first that are asked for.
//!
//! In the order of numbers these are found by sums: a beginning with all coarser ones that hold it. The sum of a
//! group's longest beginning is all of the group, and no sum is more than the group of its first period. A coarse
//! beginning and a finer one may lead to one group, so there are a few sums for each group.
//!
//! By a record and something else there may be as many groups as rows. No group is larger than its record's total. So
//! the records with the greatest totals come first, and then only those whose total, and that of a year, is as great as
//! the last group found.

use std::fmt::Write;

use crate::{
    database::statement::{Bind, Statement},
    engine::sql::{Builder, PARENTS, Paged, SelectedColumn, listed},
    error::ApiError,
    model::object_type::grouping::{Dimension, Key, Origin, Unit},
};

/// How groups are sorted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GroupOrder {
    Count { descending: bool },
    Keys { descending: bool },
}

/// What is grouped by, in which order, and how many groups there are at most.
pub struct Grouping<'a> {
    pub by: Vec<&'a Dimension>,
    pub order: GroupOrder,
    pub first: i64,
}

/// What the parts of the statement say of the dimensions.
#[derive(Default)]
struct Parts {
    /// The keys of a record, and the tables that they need.
    keys: Vec<String>,
    links: String,
    /// The keys that are dates of which a coarse beginning is spread.
    dates: Vec<(usize, Unit)>,
    /// The first key that is one record, if it is the only key of its dimension.
    record: Option<usize>,
    /// The columns of the groups, and the rows that dates are spread over.
    columns: Vec<String>,
    spread: String,
    certain: Vec<String>,
}

impl Paged<'_> {
    /// The groups by some of all dimensions, for each parent: column 0 is its position in `$1`, or 1. The columns are
    /// over a row `t` with the keys, null for other dimensions, `count`, `certain` and `possible`.
    pub fn groups(
        &self,
        all: &[Dimension],
        grouping: &Grouping<'_>,
        columns: &[SelectedColumn],
    ) -> Result<Statement, ApiError> {
        let mut builder = self.aside();
        let mut parts = Parts::default();
        for dimension in &grouping.by {
            parts.add(&mut builder, self, dimension);
        }
        let rows = self.grouped_rows(&mut builder, &parts)?;
        let mut bind = |limit| {
            builder.binds.push(Bind::Id(limit));
            format!("${}", builder.binds.len())
        };
        let first = bind(grouping.first);
        let most =
            if parts.is_limited(grouping.order) { bind(parts.most(grouping.first)) } else { String::new() };
        let is_whole = !self.is_nested() && !self.of_past && self.since.is_none() && self.filter.is_none();
        let found = Found { parts: &parts, rows, is_whole, first: &first, most };
        let parents = if self.is_nested() { format!("{PARENTS} cross join lateral ") } else { String::new() };
        let place = if self.is_nested() { "p.place" } else { "1::bigint" };
        let _ = write!(
            builder.sql,
            "select {place}{} from {parents}({} limit {first}) t",
            listed(columns),
            found.groups(&parts.shown(all, &grouping.by, columns), grouping.order)
        );
        Ok(builder.finish())
    }

    /// The keys of each record, once for each record behind a link.
    fn grouped_rows(&self, builder: &mut Builder, parts: &Parts) -> Result<String, ApiError> {
        let keys: Vec<String> =
            parts.keys.iter().enumerate().map(|(key, sql)| format!("{sql} as k{key}")).collect();
        let _ = write!(builder.sql, "select {} from (select t.*", keys.join(", "));
        self.from(builder, None)?;
        let _ = write!(builder.sql, ") r{}", parts.links);
        Ok(std::mem::take(&mut builder.sql))
    }
}

impl Parts {
    fn add(&mut self, builder: &mut Builder, paged: &Paged<'_>, dimension: &Dimension) {
        let first = self.keys.len();
        match &dimension.key {
            Key::Value { sql, .. } => self.keys.push(sql.of("r")),
            Key::Record { choices, .. } => {
                self.keys.extend(choices.iter().map(|(_, column)| format!("r.{column}")));
            }
            Key::Linked { link: (between, from, other), .. } => {
                let link = builder.subquery();
                let _ = write!(self.links, " left join {between} {link} on {link}.{from} = r.id");
                self.keys.push(format!("{link}.{other}"));
            }
            Key::Above { to, from, parent } => {
                let (above, link) = (builder.subquery(), builder.subquery());
                let table = paged.catalog.named(to).table;
                let above_all = format!(
                    "(with recursive up (id, above) as (select id, id from {table} union \
                     select up.id, {table}.{parent} from up join {table} on {table}.id = up.above \
                     where {table}.{parent} is not null) select id, above from up) {above}"
                );
                let _ = match from {
                    Origin::Column(column) => {
                        write!(self.links, " left join {above_all} on {above}.id = r.{column}")
                    }
                    Origin::Link(between, from, other) => write!(
                        self.links,
                        " left join (select distinct {link}.{from} as id, {above}.above from {between} {link} \
                         join {above_all} on {above}.id = {link}.{other}) {above} on {above}.id = r.id"
                    ),
                };
                self.keys.push(format!("{above}.above"));
            }
            Key::Period { sql, unit } => {
                // Dates have digits alone, whose order is the same in all collations, and found soonest in this one.
                self.keys.push(format!("({}) collate \"C\"", unit.beginning(&sql.of("r"))));
            }
        }
        if !matches!(dimension.key, Key::Value { .. } | Key::Period { .. }) && self.keys.len() == first + 1 {
            self.record = self.record.or(Some(first));
        }
        for (key, (column, _)) in (first..).zip(dimension.columns()) {
            let of_unit = match &dimension.key {
                Key::Period { unit, .. } => unit.spread(&format!("g.k{key}")).map(|rows| (*unit, rows)),
                _ => None,
            };
            let Some((unit, rows)) = of_unit else {
                self.columns.push(format!("g.k{key} as {column}"));
                continue;
            };
            self.dates.push((key, unit));
            let _ = write!(self.spread, " cross join lateral {rows} s{key} (unit, is_certain)");
            self.columns.push(format!("s{key}.unit as {column}"));
            self.certain.push(format!("s{key}.is_certain"));
        }
    }

    /// The columns of a group: its keys, and null for other dimensions that are selected.
    fn shown(&self, all: &[Dimension], by: &[&Dimension], columns: &[SelectedColumn]) -> String {
        let others = all.iter().filter(|other| by.iter().all(|dimension| dimension.field != other.field));
        let is_selected =
            |name: &String| columns.iter().any(|column| column.sql.strip_prefix("t.") == Some(name));
        let others = others.flat_map(Dimension::columns).filter(|(column, _)| is_selected(column));
        let others = others.map(|(column, ty)| format!("null::{ty} as {column}"));
        self.columns.iter().cloned().chain(others).collect::<Vec<_>>().join(", ")
    }

    fn names(&self) -> Vec<String> {
        (0..self.keys.len()).map(|key| format!("k{key}")).collect()
    }

    /// The numbers of the columns that are keys.
    fn numbers(&self) -> Vec<String> {
        (1..=self.keys.len()).map(|number| number.to_string()).collect()
    }

    /// Whether only the beginnings that lead to the first groups are spread.
    fn is_limited(&self, order: GroupOrder) -> bool {
        match order {
            GroupOrder::Count { descending } => descending && self.dates.len() == 1,
            GroupOrder::Keys { .. } => !self.dates.is_empty(),
        }
    }

    /// How many beginnings lead to so many groups, and one more: those that come together may be in any order.
    fn most(&self, first: i64) -> i64 {
        let lengths = |(_, unit): &(usize, Unit)| unit.coarser().len() + 1;
        let lengths: usize = self.dates.iter().map(lengths).product();
        first.saturating_add(1).saturating_mul(i64::try_from(lengths).unwrap_or(i64::MAX))
    }

    /// The coarsest beginning of the date, if there are coarser ones than that of its unit.
    fn span(&self) -> Option<String> {
        let (key, unit) = self.dates.first()?;
        unit.coarser().first().map(|length| format!("left(k{key}, {length})"))
    }

    /// The keys, with the first or the last period of a coarse date.
    fn ends(&self, last: bool) -> Vec<String> {
        let mut ends = self.names();
        for (key, unit) in &self.dates {
            ends[*key] = unit.end_of(&ends[*key], last);
        }
        ends
    }

    /// The number of records of a beginning and of all coarser ones, over all rows `n` with the same other keys.
    fn sum(&self) -> String {
        let mut sum = "n".to_owned();
        for (key, unit) in &self.dates {
            let mut within = self.names();
            for length in unit.coarser() {
                within[*key] = format!("left(k{key}, {length})");
                let _ = write!(
                    sum,
                    " + case when octet_length(k{key}) > {length} then coalesce(sum(n) \
                     filter (where octet_length(k{key}) = {length}) over (partition by {}), 0) else 0 end",
                    within.join(", ")
                );
            }
        }
        format!("({sum})::bigint as sum")
    }
}

/// The keys in order, after the number of records.
fn sorted(order: GroupOrder, number: &str, keys: &[String]) -> String {
    let (by_number, direction) = match order {
        GroupOrder::Count { descending: true } => (Some(format!("{number} desc")), ""),
        GroupOrder::Count { descending: false } => (Some(number.to_owned()), ""),
        GroupOrder::Keys { descending } => (None, if descending { " desc" } else { "" }),
    };
    let by_keys = keys.iter().map(|key| format!("{key}{direction} nulls last"));
    by_number.into_iter().chain(by_keys).collect::<Vec<_>>().join(", ")
}

/// The statement that finds groups in rows of keys.
struct Found<'a> {
    parts: &'a Parts,
    /// The keys of each record.
    rows: String,
    /// Whether all records of a type are grouped, so that an index finds those of one record.
    is_whole: bool,
    /// The parameters for the number of groups, and of beginnings that lead to them.
    first: &'a str,
    most: String,
}

impl Found<'_> {
    /// The groups with these columns, in order.
    fn groups(&self, columns: &str, order: GroupOrder) -> String {
        let Parts { keys, dates, record, spread, certain, .. } = self.parts;
        let by_number = order == GroupOrder::Count { descending: true } && dates.len() < 2;
        let largest = record.filter(|_| by_number && keys.len() > 1);
        let with = largest.map(|record| self.largest(record)).unwrap_or_default();
        let all = match largest {
            Some(_) => "select * from largest".to_owned(),
            None => self.counted(&format!("({}) rows", self.rows)),
        };
        let numbers = self.parts.numbers();
        if dates.is_empty() {
            let counts = "n::integer as count, n::integer as certain, 0 as possible";
            let order = sorted(order, "count", &numbers);
            return format!("{with}select {columns}, {counts} from ({all}) g order by {order}");
        }
        let all = if by_number && largest.is_none() { self.summed(&all) } else { all };
        let ranked = |number, last| {
            let order = sorted(order, number, &self.parts.ends(last));
            format!("select * from ({all}) g order by {order} limit {}", self.most)
        };
        let (all, count, of) = match order {
            _ if by_number => (ranked("sum", false), "max(sum)", "max"),
            GroupOrder::Keys { descending } => (ranked("", descending), "sum(n)", "sum"),
            GroupOrder::Count { .. } => (all, "sum(n)", "sum"),
        };
        let certain = format!("coalesce({of}(n) filter (where {}), 0)", certain.join(" and "));
        format!(
            "{with}select {columns}, {count}::integer as count, {certain}::integer as certain, \
             ({count} - {certain})::integer as possible from ({all}) g{spread} group by {} order by {}",
            numbers.join(", "),
            sorted(order, "count", &numbers)
        )
    }

    /// The number `n` of these rows for each combination of keys.
    fn counted(&self, rows: &str) -> String {
        let (names, numbers) = (self.parts.names().join(", "), self.parts.numbers().join(", "));
        format!("select {names}, count(*)::integer as n from {rows} group by {numbers}")
    }

    fn summed(&self, counted: &str) -> String {
        format!("select *, {} from ({counted}) g", self.parts.sum())
    }

    /// The rows `largest`, which have all that can be among the first groups by number. Stages of records follow each
    /// other, the greatest totals first. The last group that is asked for, of those found so far, bounds the next
    /// stage: only records and coarse periods whose total reaches the bound are counted by group.
    fn largest(&self, record: usize) -> String {
        let Found { parts, rows, first, .. } = self;
        let is_indexed = self.is_whole && parts.links.is_empty();
        let of = |records: &str, condition: &str| {
            if is_indexed {
                let rows = format!("rows where k{record} = o.record{condition}");
                format!(
                    "select g.* from {records} o cross join lateral ({}) g",
                    self.summed(&self.counted(&rows))
                )
            } else {
                let rows = format!("rows join {records} o on k{record} = o.record{condition}");
                self.summed(&self.counted(&rows))
            }
        };
        let exact = |(key, unit): &(usize, Unit)| format!(" where {}", unit.is_exact(&format!("k{key}")));
        let exact = parts.dates.first().map(exact).unwrap_or_default();
        let mut with = format!(
            "with rows as {}materialized ({rows}), \
             totals as materialized (select k{record} as record, count(*) as n from rows where k{record} is not null group by 1), ",
            if is_indexed { "not " } else { "" },
        );
        let (mut found, mut others) = (Vec::new(), String::new());
        for (stage, limit) in [&format!("({first} + 9) / 10"), *first, "null"].into_iter().enumerate() {
            let (few, busy) = (format!("few{stage}"), format!("busy{stage}"));
            let mut bound = "0".to_owned();
            if stage > 0 {
                let _ = write!(
                    with,
                    "bound{stage} as (select coalesce((\
                     select min(sum) from (select sum from ({}) b{exact} order by sum desc limit {first}) b having count(*) = {first}\
                     ), 0) as sum), ",
                    found.join(" union all "),
                );
                bound = format!("(select sum from bound{stage})");
            }
            let _ = write!(
                with,
                "{few} as materialized (select record from totals where n >= {bound}{others} order by n desc limit {limit}), "
            );
            let rows = match parts.span().filter(|_| stage > 0) {
                Some(span) => {
                    let _ = write!(
                        with,
                        "spans{stage} as materialized ({}), ",
                        spans(is_indexed, &few, record, &span, &bound)
                    );
                    of(&format!("spans{stage}"), &format!(" and {span} is not distinct from o.span"))
                }
                None => of(&few, ""),
            };
            let _ = write!(with, "{busy} as materialized (select * from ({rows}) g where sum >= {bound}), ");
            found.push(format!("select * from {busy}"));
            let _ = write!(others, " and record not in (select record from {few})");
        }
        found.push(self.summed(&self.counted(&format!("rows where k{record} is null"))));
        format!("{with}largest as ({}) ", found.join(" union all "))
    }
}

/// The records with the coarse periods whose total reaches the bound.
fn spans(is_indexed: bool, records: &str, record: usize, span: &str, bound: &str) -> String {
    if is_indexed {
        return format!(
            "select o.record, g.span from {records} o cross join lateral (\
             select {span} as span from rows where k{record} = o.record group by 1 having count(*) >= {bound}) g"
        );
    }
    format!(
        "select o.record, {span} as span from rows join {records} o on k{record} = o.record group by 1, 2 having count(*) >= {bound}"
    )
}
