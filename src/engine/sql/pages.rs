//! SQL of connections: pages of records, whether there are others beside a page, counts and facets.

use std::{borrow::Cow, fmt::Write};

use crate::{
    database::statement::{Bind, Statement},
    engine::sql::{Builder, Fields, PARENTS, SelectedColumn, listed},
    error::ApiError,
    model::{
        Catalog,
        object_type::{Facet, FacetBy, Join, ObjectType, Order, SortKey, ToMany},
        pagination::{Cursor, CursorKey, KeyKind, MAX_PAGE, Page},
        web_search,
    },
};

/// Maximum number of matches of a search that are sorted directly.
const FEW: u32 = 1000;

/// Records that are not on a page: before the cursor `after`, or after the cursor `before`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Side {
    Before,
    Behind,
}

/// A page of records for each parent, or for the root: column 0 is the parent's position in `$1`, or 1.
pub struct Paged<'a> {
    pub catalog: &'a Catalog,
    pub many: &'a ToMany,
    pub filter: Option<&'a Fields>,
    /// Only records that were entered after this one.
    pub since: Option<i64>,
    /// Whether records of the past are read, for which there are no indexes but those of the log.
    pub of_past: bool,
    pub order: &'a Order,
}

impl Paged<'_> {
    /// The rows of a page, and one more if there is one. With `cursors`, the sort key comes last.
    pub fn rows(
        &self,
        columns: &[SelectedColumn],
        page: &Page,
        cursors: bool,
    ) -> Result<Statement, ApiError> {
        let nested = self.is_nested();
        // Without a filter, one plan is right for all values. Postgres keeps it only if it knows how few rows there
        // will be, which it doesn't know of a bound limit.
        let bounded = !nested && self.filter.is_none();
        let mut builder = self.aside();
        self.from(&mut builder, None)?;
        let key = self.key(&mut builder)?;
        let words = builder.words.take().filter(|_| !nested && !matches!(self.order.by, SortKey::Relevance));
        let mut columns: Vec<&str> = columns.iter().map(|column| column.sql.as_str()).collect();
        if words.is_some() {
            columns.push("t.id");
        }
        let width = columns.len() + 1;
        columns.extend(key.as_ref().filter(|_| cursors || words.is_some()).map(|(sql, _)| sql.as_str()));
        let columns = columns.join(", ");
        // The selection comes last: a rank needs the value that the filter binds.
        let select = if nested {
            format!("select p.place, r.* from {PARENTS} cross join lateral (select {columns}")
        } else if bounded {
            format!("select 1::bigint, r.* from (select {columns}")
        } else {
            format!("select 1::bigint, {columns}").trim_end_matches(", ").to_owned()
        };
        builder.sql.insert_str(0, &select);
        for (cursor, side) in [(&page.after, Side::Before), (&page.before, Side::Behind)] {
            if let Some(cursor) = cursor {
                let comparison = if self.order.descending == (side == Side::Before) { "<" } else { ">" };
                builder.keyset(key.as_ref(), cursor, comparison);
            }
        }
        let direction = if self.order.descending == page.backward { "" } else { " desc" };
        let mut order = String::from(" order by ");
        if let Some((sql, _)) = &key {
            let _ = write!(order, "{sql}{direction}, ");
        }
        let _ = write!(order, "t.id{direction} limit ");
        if let Some(words) = words {
            // The id is the last column before the key.
            let of_both = match &key {
                Some(_) => format!("{}{direction}, {width}{direction}", width + 1),
                None => format!("{width}{direction}"),
            };
            builder.by_words(self.object_type().table, &words, [&order, &of_both], page.size + 1);
            return Ok(builder.finish());
        }
        builder.sql.push_str(&order);
        if bounded {
            let _ = write!(builder.sql, "{}) r limit ", MAX_PAGE + 1);
        }
        builder.push(Bind::Id(page.size + 1));
        if nested {
            builder.sql.push_str(") r");
        }
        Ok(builder.finish())
    }

    /// Whether there is a record where a cursor stands or on its far side, for each parent: its position in
    /// `$1`, or 1, and whether there is one. The record of the cursor may have been deleted.
    pub fn beyond(&self, cursor: &Cursor, side: Side) -> Result<Statement, ApiError> {
        let mut builder = self.aside();
        let nested = self.is_nested();
        let place = if nested { "p.place" } else { "1::bigint" };
        let _ = write!(builder.sql, "select {place}, (select true");
        self.from(&mut builder, None)?;
        let key = self.key(&mut builder)?;
        let descends = self.order.descending == (side == Side::Before);
        builder.keyset(key.as_ref(), cursor, if descends { ">=" } else { "<=" });
        // Starts at the cursor, so that an index finds the first row at once.
        let direction = if descends { "" } else { " desc" };
        builder.sql.push_str(" order by ");
        if let Some((sql, _)) = &key {
            let _ = write!(builder.sql, "{sql}{direction}, ");
        }
        let _ = write!(builder.sql, "t.id{direction} limit 1) is not null");
        if nested {
            let _ = write!(builder.sql, " from {PARENTS}");
        }
        Ok(builder.finish())
    }

    /// How many records there are for each parent: its position in `$1`, or 1, and the number. With `cap` counting stops
    /// there.
    pub fn count(&self, cap: Option<i64>) -> Result<Statement, ApiError> {
        let mut builder = self.aside();
        let nested = self.is_nested();
        builder.sql.push_str(if nested {
            "select p.place, (select count(*)"
        } else {
            "select 1::bigint, count(*)"
        });
        if let Some(cap) = cap {
            builder.sql.push_str(" from (select");
            self.from(&mut builder, None)?;
            builder.sql.push_str(" limit ");
            builder.push(Bind::Id(cap));
            builder.sql.push_str(") c");
        } else {
            self.from(&mut builder, None)?;
        }
        if nested {
            let _ = write!(builder.sql, ") from {PARENTS}");
        }
        Ok(builder.finish())
    }

    /// The most frequent values for each parent: column 0 is its position in `$1`, or 1.
    /// The columns are over a row `t` with a `value` and its `count`.
    pub fn facet(
        &self,
        facet: &Facet,
        columns: &[SelectedColumn],
        first: i64,
    ) -> Result<Statement, ApiError> {
        let mut builder = self.aside();
        let nested = self.is_nested();
        let place = if nested { "select p.place" } else { "select 1::bigint" };
        builder.sql.push_str(place);
        builder.sql.push_str(&listed(columns));
        let (value, link) = match &facet.by {
            FacetBy::Value { sql, .. } => (sql.of("r"), String::new()),
            FacetBy::ToOne { column, .. } => (format!("r.{column}"), String::new()),
            FacetBy::Link { between, from, other, .. } => {
                builder.subqueries += 1;
                // Records without a value are counted together.
                (format!("f.{other}"), format!(" left join {between} f on f.{from} = r.id"))
            }
        };
        let parents = if nested { format!("{PARENTS} cross join lateral ") } else { String::new() };
        let _ = write!(
            builder.sql,
            " from {parents}(select {value} as value, count(*)::integer as count from (select t.*"
        );
        self.from(&mut builder, Some(&facet.without))?;
        let _ = write!(builder.sql, ") r{link} group by 1 order by 2 desc, 1 limit ");
        builder.push(Bind::Id(first));
        builder.sql.push_str(") t");
        Ok(builder.finish())
    }

    pub fn is_nested(&self) -> bool {
        !matches!(self.many.via, Join::All)
    }

    pub(super) fn aside(&self) -> Builder {
        let mut builder = Builder::default();
        if self.is_nested() {
            builder.parents();
        }
        builder
    }

    fn object_type(&self) -> &ObjectType {
        self.catalog.named(self.many.to)
    }

    /// The records that match the filter, or the filter `without` one of its conditions.
    pub(super) fn from(&self, builder: &mut Builder, without: Option<&str>) -> Result<(), ApiError> {
        let object_type = self.object_type();
        builder.sql.push_str(" from ");
        builder.other_side(object_type, self.many.via, "p.id", "t", "l");
        if let Some(filter) = self.filter {
            builder.sql.push_str(" and ");
            let mut filter = Cow::Borrowed(filter);
            if let Some(without) = without {
                filter.to_mut().shift_remove(without);
            }
            builder.filter(self.catalog, object_type, &filter, "t", "filter")?;
        }
        if let Some(since) = self.since {
            builder.sql.push_str(" and t.id > ");
            builder.push(Bind::Id(since));
        }
        Ok(())
    }

    fn key(&self, builder: &mut Builder) -> Result<Option<(String, KeyKind)>, ApiError> {
        match &self.order.by {
            SortKey::Id => Ok(None),
            SortKey::Key(sql, kind) => Ok(Some((sql.replace("{}", "t"), *kind))),
            SortKey::Foreign(sql, kind) => {
                let other = builder.subquery();
                Ok(Some((sql.replace("{other}", &other).replace("{}", "t"), *kind)))
            }
            SortKey::Relevance => match &builder.searched {
                Some(place) => Ok(Some((rank(self.object_type(), *place), KeyKind::Rank))),
                None => Err(ApiError::bad_input("orderBy", "`RELEVANCE` needs `filter.search`.")),
            },
        }
    }
}

/// How well the record `t` matches the words at `$place`.
fn rank(object_type: &ObjectType, place: usize) -> String {
    let rank = |alias| {
        format!("search_rank({alias}.search, {}, {})", web_search::query(place), web_search::english(place))
    };
    let others = object_type
        .searched_in()
        .map(|(table, owner)| format!(", (select max({}) from {table} n where n.{owner} = t.id)", rank("n")));
    let others: String = others.collect();
    let own = rank("t");
    if others.is_empty() { own } else { format!("greatest({own}{others})") }
}

impl Builder {
    /// Makes a statement without an order fast for rare words and for frequent ones. Postgres' statistics don't
    /// distinguish them: for a rare word it would read all records in their order. So a few matches are looked up by
    /// the full-text index first. If these are all, they are sorted; otherwise a page is soon found among the records
    /// in their order. Only one of the two branches runs.
    fn by_words(&mut self, table: &str, words: &str, [order, order_of_both]: [&str; 2], limit: i64) {
        self.binds.push(Bind::Id(limit));
        let (limit, unordered) = (self.binds.len(), std::mem::take(&mut self.sql));
        let count = "(select count(*) from found)";
        let few = format!("{count} <= {FEW} and t.id = any(array(select id from found))");
        let _ = write!(
            self.sql,
            "with found as materialized (select t.id from {table} t where {words} limit {most}) \
             select * from (({unordered} and {few}{order}${limit}) \
             union all ({unordered} and {count} > {FEW}{order}${limit})) r \
             order by {order_of_both} limit ${limit}",
            most = FEW + 1,
        );
    }

    /// Rows beyond a cursor.
    fn keyset(&mut self, key: Option<&(String, KeyKind)>, cursor: &Cursor, comparison: &str) {
        match (key, &cursor.key) {
            (Some((sql, _)), Some(value)) => {
                let _ = write!(self.sql, " and ({sql}, t.id) {comparison} (");
                self.push(match value {
                    CursorKey::Text(text) => Bind::Text(text.clone()),
                    CursorKey::Int(number) => Bind::Int(*number),
                    CursorKey::Date(days) => Bind::Date(*days),
                    CursorKey::Rank(rank) => Bind::Rank(*rank),
                });
                self.sql.push_str(", ");
                self.push(Bind::Id(cursor.id));
                self.sql.push(')');
            }
            _ => {
                let _ = write!(self.sql, " and t.id {comparison} ");
                self.push(Bind::Id(cursor.id));
            }
        }
    }
}
