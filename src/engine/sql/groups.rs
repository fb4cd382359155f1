//! SQL that groups the records of a connection.
//!
//! The inner statement groups by what rows have: of a date its beginning, which is `2026-02` for a month, and `2026`
//! where the month is not known. The outer statement spreads such a group over the months in which its records may
//! lie. So groups are spread, which are fewer than records.

use std::fmt::Write;

use crate::{
    database::statement::{Bind, Statement},
    engine::sql::{Builder, PARENTS, Paged, SelectedColumn, listed},
    error::ApiError,
    model::object_type::grouping::{Dimension, Key, Origin},
};

/// How groups are sorted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GroupOrder {
    Count { descending: bool },
    Keys { descending: bool },
}

/// What the parts of both statements say of the dimensions.
#[derive(Default)]
struct Parts {
    /// The keys of the inner groups, and the tables that they need.
    keys: Vec<String>,
    links: String,
    /// The columns of the outer groups, and the rows that dates are spread over.
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
        by: &[&Dimension],
        columns: &[SelectedColumn],
        order: GroupOrder,
        first: i64,
    ) -> Result<Statement, ApiError> {
        let mut builder = self.aside();
        let nested = self.is_nested();
        let mut parts = Parts::default();
        for dimension in by {
            self.dimension(&mut builder, dimension, &mut parts);
        }
        let Parts { keys, links, columns: named, spread, certain } = parts;
        let others = all.iter().filter(|other| by.iter().all(|dimension| dimension.field != other.field));
        let is_selected =
            |name: &String| columns.iter().any(|column| column.sql.strip_prefix("t.") == Some(name));
        let others = others.flat_map(Dimension::columns).filter(|(column, _)| is_selected(column));
        let others = others.map(|(column, ty)| format!("null::{ty} as {column}"));
        let shown: Vec<String> = named.iter().cloned().chain(others).collect();
        let counts = if certain.is_empty() {
            "n::integer as count, n::integer as certain, 0 as possible".to_owned()
        } else {
            let certain = certain.join(" and ");
            format!(
                "sum(n)::integer as count, coalesce(sum(n) filter (where {certain}), 0)::integer as certain, \
                 coalesce(sum(n) filter (where not ({certain})), 0)::integer as possible"
            )
        };
        let parents = if nested { format!("{PARENTS} cross join lateral ") } else { String::new() };
        let place = if nested { "p.place" } else { "1::bigint" };
        let _ = write!(
            builder.sql,
            "select {place}{} from {parents}(select {}, {counts} from (select {}, count(*) as n from (select t.*",
            listed(columns),
            shown.join(", "),
            keys.join(", "),
        );
        self.from(&mut builder, None)?;
        let numbers: Vec<String> = (1..=keys.len()).map(|number| number.to_string()).collect();
        let _ = write!(builder.sql, ") r{links} group by {}) g{spread}", numbers.join(", "));
        if !certain.is_empty() {
            let _ = write!(builder.sql, " group by {}", numbers.join(", "));
        }
        let (by_count, direction) = match order {
            GroupOrder::Count { descending } => (Some(descending), ""),
            GroupOrder::Keys { descending } => (None, if descending { " desc" } else { "" }),
        };
        let by_count = by_count.map(|descending| if descending { "count desc" } else { "count" }.to_owned());
        let by_keys = numbers.iter().map(|number| format!("{number}{direction} nulls last"));
        let order: Vec<String> = by_count.into_iter().chain(by_keys).collect();
        let _ = write!(builder.sql, " order by {} limit ", order.join(", "));
        builder.push(Bind::Id(first));
        builder.sql.push_str(") t");
        Ok(builder.finish())
    }

    fn dimension(&self, builder: &mut Builder, dimension: &Dimension, parts: &mut Parts) {
        let Parts { keys, links, columns, spread, certain } = parts;
        let first = keys.len();
        match &dimension.key {
            Key::Value { sql, .. } => keys.push(sql.of("r")),
            Key::Record { choices, .. } => {
                keys.extend(choices.iter().map(|(_, column)| format!("r.{column}")));
            }
            Key::Linked { link: (between, from, other), .. } => {
                let link = builder.subquery();
                let _ = write!(links, " left join {between} {link} on {link}.{from} = r.id");
                keys.push(format!("{link}.{other}"));
            }
            Key::Above { to, from, parent } => {
                let (above, link) = (builder.subquery(), builder.subquery());
                let table = self.catalog.named(to).table;
                let above_all = format!(
                    "(with recursive up (id, above) as (select id, id from {table} union \
                     select up.id, {table}.{parent} from up join {table} on {table}.id = up.above \
                     where {table}.{parent} is not null) select id, above from up) {above}"
                );
                let _ = match from {
                    Origin::Column(column) => {
                        write!(links, " left join {above_all} on {above}.id = r.{column}")
                    }
                    Origin::Link(between, from, other) => write!(
                        links,
                        " left join (select distinct {link}.{from} as id, {above}.above from {between} {link} \
                         join {above_all} on {above}.id = {link}.{other}) {above} on {above}.id = r.id"
                    ),
                };
                keys.push(format!("{above}.above"));
            }
            Key::Period { sql, unit } => keys.push(unit.beginning(&sql.of("r"))),
        }
        for (key, (column, _)) in (first..).zip(dimension.columns()) {
            let beginning = format!("g.k{key}");
            keys[key] = format!("{} as k{key}", keys[key]);
            let units = match &dimension.key {
                Key::Period { unit, .. } => unit.spread(&beginning),
                _ => None,
            };
            let Some(units) = units else {
                columns.push(format!("{beginning} as {column}"));
                continue;
            };
            let _ = write!(spread, " cross join lateral {units} s{key} (unit, is_certain)");
            columns.push(format!("s{key}.unit as {column}"));
            certain.push(format!("s{key}.is_certain"));
        }
    }
}
