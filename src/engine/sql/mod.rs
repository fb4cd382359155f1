//! SQL for one level of a plan. The text depends on the shape of the request alone, and on whether an index finds a
//! part of a text; every value is bound, so that the database plans a text once.

mod groups;

use std::{borrow::Cow, fmt::Write};

use async_graphql::{Name, Value};
use indexmap::IndexMap;

use crate::{
    database::statement::{ANY_PARENT, Bind, Key, Merged, SELECT_ID, Statement},
    error::ApiError,
    model::{
        Catalog, dates, languages,
        object_type::{
            Facet, FacetBy, FilterField, Join, LookupInput, LookupKey, ObjectType, Order, OwnedList,
            Predicate, Scalar, SortKey, ToMany,
        },
        operator::{Operator, has_trigram},
        pagination::{self, Cursor, CursorKey, KeyKind, MAX_PAGE, Page},
        sql::Reads,
        web_search::{self, Search},
    },
};

/// The parents by their ids, each with its position. The inner select hides the number of ids from the planner, which
/// would otherwise plan anew for each number.
const PARENTS: &str = "unnest((select $1::bigint[])) with ordinality p (id, place)";
/// Maximum number of matches of a search that are sorted directly.
const FEW: u32 = 1000;

/// Maximum number of joins for references: the time to plan joins grows much faster than their number.
const JOINED: usize = 6;

/// Maximum length of a search text in characters.
const LONGEST: usize = 1000;

pub use self::groups::GroupOrder;

type Fields = IndexMap<Name, Value>;

/// A column of a level's rows, and what its SQL reads.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectedColumn {
    pub sql: String,
    /// The column of the level's own row, if it is only that.
    pub column: Option<Cow<'static, str>>,
    pub reads: Reads,
}

/// The records with these ids: column 0 is the id.
pub fn by_ids(object_type: &ObjectType, columns: &[SelectedColumn]) -> Statement {
    let columns = listed(columns);
    let table = object_type.table;
    let sql = format!("{SELECT_ID}{columns} from {table} t where t.id = {ANY_PARENT}");
    let merged = object_type.merged.map(|names| Merged { names, table, columns: columns.into() });
    Statement { merged, ..Statement::of_parents(sql) }
}

/// The owned values of these owners: column 0 is the owner's id.
pub fn values(values: &OwnedList, columns: &[SelectedColumn]) -> Statement {
    let owner = values.owner;
    let mut sql = format!("select t.{owner}{}", listed(columns));
    let order = values.order.replace("{}", "t");
    let _ = write!(sql, " from {} t where t.{owner} = {ANY_PARENT} order by {order}", values.table);
    Statement::of_parents(sql)
}

/// The record that a key names: column 0 is the id.
pub fn lookup(
    object_type: &ObjectType,
    columns: &[SelectedColumn],
    by: &Fields,
    argument: &str,
) -> Result<Statement, ApiError> {
    let mut builder = Builder::default();
    let (columns, table) = (listed(columns), object_type.table);
    let _ = write!(builder.sql, "{SELECT_ID}{columns} from {table} t where ");
    builder.key(object_type, by, "t", argument)?;
    let numbered = object_type.root.iter().flat_map(|root| &root.keys);
    let mut numbered = numbered.filter(|key| matches!(key.input, LookupInput::RevisionNumber));
    let key = match () {
        () if by.contains_key("id") || numbered.any(|key| by.contains_key(key.name)) => Some(Key::Id),
        () if by.contains_key("slug") => Some(Key::Slug),
        () => None,
    };
    let merged = object_type.merged.filter(|_| key.is_some());
    let merged = merged.map(|names| Merged { names, table, columns: columns.into() });
    Ok(Statement { key, merged, ..builder.finish() })
}

/// The statement that finds the id of the record that a key names.
pub fn lookup_id(object_type: &ObjectType, by: &Fields, argument: &str) -> Result<Statement, ApiError> {
    lookup(object_type, &[], by, argument)
}

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

    fn aside(&self) -> Builder {
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
    fn from(&self, builder: &mut Builder, without: Option<&str>) -> Result<(), ApiError> {
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
            SortKey::Relevance => match &builder.searched {
                Some(place) => Ok(Some((rank(self.object_type(), *place), KeyKind::Rank))),
                None => Err(ApiError::bad_input("orderBy", "`RELEVANCE` needs `filter.search`.")),
            },
        }
    }
}

/// The operators of a filter by id alone.
fn only_which(filter: &Fields) -> Option<&Fields> {
    let Some(Value::Object(operators)) = filter.get("id").filter(|_| filter.len() == 1) else { return None };
    let names_ids = |(operator, value): (&Name, &Value)| {
        matches!(Operator::named(operator), Operator::Equals | Operator::In) && *value != Value::Null
    };
    // Without an operator it only requires that there is one.
    (!operators.is_empty() && operators.iter().all(names_ids)).then_some(operators)
}

/// Whether a filter matches at most the records that it names.
fn names_few(filter: &Fields) -> bool {
    ["id", "slug"].iter().any(|key| match filter.get(*key) {
        Some(Value::Object(operators)) => [Operator::Equals, Operator::In]
            .iter()
            .any(|operator| operators.get(operator.name()).is_some_and(|value| *value != Value::Null)),
        _ => false,
    })
}

/// The column and id, if a filter matches only rows that refer to one record.
pub fn of_one(object_type: &ObjectType, filter: &Fields) -> Option<(&'static str, i64)> {
    filter.iter().find_map(|(name, value)| {
        let condition = object_type.conditions.iter().find(|condition| condition.name == name.as_str())?;
        let (Predicate::ToOne { to, column }, Value::Object(filter)) = (&condition.test, value) else {
            return None;
        };
        let id = only_which(filter)?.get(Operator::Equals.name())?;
        Some((*column, own_id(to, id, name).ok()?))
    })
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

/// Columns with a comma before each.
fn listed(columns: &[SelectedColumn]) -> String {
    let mut sql = String::new();
    for column in columns {
        sql.push_str(", ");
        sql.push_str(&column.sql);
    }
    sql
}

/// A value that operators test.
struct Operand<'a> {
    sql: &'a str,
    /// The column with the same text without capital letters and accents, if there is one.
    plain: Option<String>,
    scalar: Scalar,
}

#[derive(Default)]
struct Builder {
    sql: String,
    /// Whether the predicate is below `or` or `not` within its query.
    optional: bool,
    /// References that are written as joins.
    joined: usize,
    /// References around what is written.
    depth: usize,
    binds: Vec<Bind>,
    /// Number of aliases of tables in subqueries.
    aliases: usize,
    subqueries: usize,
    /// Whether it has a full-text query, which takes Postgres a while to make of words.
    planned: bool,
    /// The place of the words of the outermost `search`, which an order by relevance ranks by.
    searched: Option<usize>,
    /// The condition that records have the words of the outermost filter.
    words: Option<String>,
}

impl Builder {
    fn finish(self) -> Statement {
        let Builder { sql, binds, subqueries, planned, .. } = self;
        Statement { sql, binds, subqueries, planned, key: None, merged: None }
    }

    fn parents(&mut self) {
        self.binds.push(Bind::Parents);
    }

    /// Binds a value and writes its parameter.
    fn push(&mut self, bind: Bind) {
        self.binds.push(bind);
        let _ = write!(self.sql, "${}", self.binds.len());
    }

    /// An alias for the table that a subquery reads.
    fn subquery(&mut self) -> String {
        self.subqueries += 1;
        self.alias("t")
    }

    fn alias(&mut self, stem: &str) -> String {
        self.aliases += 1;
        format!("{stem}{}", self.aliases)
    }

    /// The tables on the other side of an edge, with the condition that they belong to `owner`.
    fn other_side(&mut self, object_type: &ObjectType, via: Join, owner: &str, alias: &str, link: &str) {
        let table = object_type.table;
        let _ = match via {
            Join::All => write!(self.sql, "{table} {alias} where true"),
            Join::Column(column) => write!(self.sql, "{table} {alias} where {alias}.{column} = {owner}"),
            Join::Either(one, other) => write!(
                self.sql,
                "{table} {alias} where ({alias}.{one} = {owner} or {alias}.{other} = {owner})"
            ),
            Join::Link(between, from, to) => write!(
                self.sql,
                "{between} {link} join {table} {alias} on {alias}.id = {link}.{to} where {link}.{from} = {owner}"
            ),
        };
    }

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

    /// The record that one key of `by` names.
    fn key(
        &mut self,
        object_type: &ObjectType,
        by: &Fields,
        alias: &str,
        path: &str,
    ) -> Result<(), ApiError> {
        let (name, value) = by.first().expect("exactly one key was given");
        if name == "id" {
            let _ = write!(self.sql, "{alias}.id = ");
            self.push(Bind::Id(key_id(object_type, value, path)?));
            return Ok(());
        }
        let key: &LookupKey = object_type.key_named(name).expect("validated");
        let values: Vec<&Value> = match (&key.input, value) {
            (LookupInput::Texts(_, _, names), Value::Object(fields)) => {
                names.iter().filter_map(|(name, _)| fields.get(*name)).collect()
            }
            _ => vec![value],
        };
        let sql = key.sql.replace("{}", alias);
        let mut parts = sql.split("$?");
        self.sql.push_str(parts.next().unwrap_or_default());
        for (part, value) in parts.zip(values) {
            self.push(match key.input {
                LookupInput::RevisionNumber => Bind::Id(big_of(value)),
                LookupInput::Text | LookupInput::Texts(..) => Bind::Text(text_of(value)),
            });
            self.sql.push_str(part);
        }
        Ok(())
    }

    /// An object type's filter as one predicate; fields that are null count as left out.
    fn filter(
        &mut self,
        catalog: &Catalog,
        object_type: &ObjectType,
        filter: &Fields,
        alias: &str,
        path: &str,
    ) -> Result<(), ApiError> {
        self.sql.push('(');
        let mut first = true;
        for (name, value) in filter.iter().filter(|(_, value)| **value != Value::Null) {
            if !std::mem::take(&mut first) {
                self.sql.push_str(" and ");
            }
            let path = format!("{path}.{name}");
            match (name.as_str(), value) {
                ("and", Value::List(all)) => {
                    self.junction(catalog, object_type, all, " and ", alias, &path)?;
                }
                ("or", Value::List(any)) => {
                    let within = std::mem::replace(&mut self.optional, true);
                    self.junction(catalog, object_type, any, " or ", alias, &path)?;
                    self.optional = within;
                }
                ("not", Value::Object(inner)) => {
                    let within = std::mem::replace(&mut self.optional, true);
                    // `not` is of records that pass, so what is unknown doesn't pass.
                    self.sql.push_str("not coalesce(");
                    self.filter(catalog, object_type, inner, alias, &path)?;
                    self.sql.push_str(", false)");
                    self.optional = within;
                }
                (name, value) => {
                    let condition = object_type.conditions.iter().find(|condition| condition.name == name);
                    self.condition(catalog, object_type, condition.expect("validated"), value, alias, &path)?;
                }
            }
        }
        self.sql.push_str(if first { "true)" } else { ")" });
        Ok(())
    }

    fn junction(
        &mut self,
        catalog: &Catalog,
        object_type: &ObjectType,
        filters: &[Value],
        word: &str,
        alias: &str,
        path: &str,
    ) -> Result<(), ApiError> {
        self.sql.push_str(if word == " or " { "(false" } else { "(true" });
        for (index, filter) in filters.iter().enumerate() {
            if let Value::Object(filter) = filter {
                self.sql.push_str(word);
                self.filter(catalog, object_type, filter, alias, &format!("{path}[{index}]"))?;
            }
        }
        self.sql.push(')');
        Ok(())
    }

    fn condition(
        &mut self,
        catalog: &Catalog,
        object_type: &ObjectType,
        condition: &FilterField,
        value: &Value,
        alias: &str,
        path: &str,
    ) -> Result<(), ApiError> {
        match (&condition.test, value) {
            (Predicate::Value { sql, scalar }, Value::Object(operators)) => {
                // Long texts have a plain column for this.
                let plain = sql.column().filter(|_| *scalar == Scalar::Prose);
                let plain = plain.map(|column| format!("{alias}.plain_{column}"));
                let operand = Operand { sql: &sql.of(alias), plain, scalar: *scalar };
                self.operators(catalog, &operand, operators, path)?;
            }
            (Predicate::AnyText { among }, Value::Object(operators)) => {
                let _ = write!(self.sql, "{alias}.id in (");
                for (index, (table, id, text)) in among.iter().enumerate() {
                    let union = if index == 0 { "" } else { " union all " };
                    let inner = self.subquery();
                    let _ = write!(self.sql, "{union}select {inner}.{id} from {table} {inner} where ");
                    let operand =
                        Operand { sql: &format!("{inner}.{text}"), plain: None, scalar: Scalar::Text };
                    self.operators(catalog, &operand, operators, path)?;
                }
                self.sql.push(')');
            }
            (Predicate::During { sql, any_time }, Value::Object(period)) => {
                let sql = sql.replace("{}", alias);
                self.sql.push_str("(true");
                if let Some(Value::Boolean(unknown)) = period.get("isUnknown") {
                    let _ = write!(self.sql, " and {sql} is{} null", if *unknown { "" } else { " not" });
                }
                let ends = ["from", "until"].map(|end| maybe_text(period.get(end)));
                if let [Some(from), Some(until)] = &ends {
                    dates::check_period(from, until, &format!("{path}.until"))?;
                }
                if ends.iter().any(Option::is_some) {
                    let [from, until] = ends;
                    let days = if *any_time { format!("coalesce({sql}, '(,)'::daterange)") } else { sql };
                    // Not `period(…)`: Postgres would inline it and evaluate both dates twice per row.
                    let _ = write!(self.sql, " and {days} && daterange(lower(partial_date_range(");
                    self.push(Bind::MaybeText(from));
                    self.sql.push_str(")), upper(partial_date_range(");
                    self.push(Bind::MaybeText(until));
                    self.sql.push_str(")))");
                }
                self.sql.push(')');
            }
            (Predicate::Instant { sql }, Value::Object(span)) => {
                self.sql.push_str("(true");
                let ends = ["from", "until"].map(|end| maybe_text(span.get(end)));
                if let [Some(from), Some(until)] = &ends {
                    dates::check_span(from, until, &format!("{path}.until"))?;
                }
                for (instant, comparison) in ends.into_iter().zip([">=", "<"]) {
                    if let Some(instant) = instant {
                        let _ = write!(self.sql, " and {} {comparison} ", sql.replace("{}", alias));
                        self.push(Bind::Text(instant));
                        self.sql.push_str("::timestamptz");
                    }
                }
                self.sql.push(')');
            }
            (Predicate::ToOne { to, column }, Value::Object(filter)) => {
                // The reference itself says which record it is.
                if let Some(operators) = only_which(filter) {
                    let operand =
                        Operand { sql: &format!("{alias}.{column}"), plain: None, scalar: Scalar::Id(to) };
                    return self.operators(catalog, &operand, operators, &format!("{path}.id"));
                }
                self.one(catalog, catalog.named(to), &format!("{alias}.{column}"), filter, path)?;
            }
            (Predicate::Some { to, via }, Value::Object(filter)) => {
                self.some(catalog, catalog.named(to), *via, &format!("{alias}.id"), filter, path)?;
            }
            (Predicate::Search, Value::String(text)) => {
                check_length(text, path)?;
                let search = Search::read(text);
                self.binds.push(search.value());
                let place = self.binds.len();
                self.planned = true;
                let words = self.search(object_type, &web_search::query(place), alias);
                self.sql.push_str(&words);
                if alias == "t" {
                    self.searched = Some(place);
                }
                if alias == "t" && !self.optional {
                    self.words = Some(words);
                }
            }
            (Predicate::Within { parent }, Value::Object(by)) => {
                let (inner, below) = (self.subquery(), self.subquery());
                let table = object_type.table;
                let _ = write!(
                    self.sql,
                    "{alias}.id in (with recursive {below} as (select {inner}.id from {table} {inner} where "
                );
                self.key(object_type, by, &inner, path)?;
                let _ = write!(
                    self.sql,
                    " union select {inner}.id from {table} {inner} join {below} on {inner}.{parent} = {below}.id) \
                     select {below}.id from {below})"
                );
            }
            (test, value) => unreachable!("{test:?} was given {value}"),
        }
        Ok(())
    }

    /// The record at `column` matches a filter.
    ///
    /// A condition that all records must match is an `exists`, which Postgres plans as a join. Under `or` or `not` it
    /// can't, and would plan an `exists` in two ways, which doubles with each level of nesting. So there it is
    /// `in (select …)`, computed once for the whole statement. So is a join too many to plan; `is true` keeps
    /// Postgres from making it a join.
    ///
    /// Postgres would plan references within references as nested loops, because a page of rows looks cheap, and
    /// run them for each row before the page. So those of the second level are computed first, and an index
    /// finds the rows that refer to them.
    fn one(
        &mut self,
        catalog: &Catalog,
        to: &ObjectType,
        column: &str,
        filter: &Fields,
        path: &str,
    ) -> Result<(), ApiError> {
        let (inner, table) = (self.subquery(), to.table);
        let (start, end) = if self.joins() {
            (format!("exists (select from {table} {inner} where {inner}.id = {column} and "), ")")
        } else if names_few(filter) || self.leads() {
            // Ids that are known before the statement runs are found by the column's index.
            (format!("{column} = any(array(select {inner}.id from {table} {inner} where "), "))")
        } else {
            (format!("({column} in (select {inner}.id from {table} {inner} where "), ")) is true")
        };
        self.sql.push_str(&start);
        self.required(catalog, to, filter, &inner, path)?;
        self.sql.push_str(end);
        Ok(())
    }

    /// A record on the other side of an edge matches a filter; written as in `one`.
    fn some(
        &mut self,
        catalog: &Catalog,
        to: &ObjectType,
        via: Join,
        owner: &str,
        filter: &Fields,
        path: &str,
    ) -> Result<(), ApiError> {
        let (inner, link, table) = (self.subquery(), self.alias("l"), to.table);
        if self.joins() {
            self.sql.push_str("exists (select from ");
            self.other_side(to, via, owner, &inner, &link);
            self.sql.push_str(" and ");
            self.required(catalog, to, filter, &inner, path)?;
            self.sql.push(')');
            return Ok(());
        }
        let owners = match via {
            Join::All => unreachable!("the root is no record's other side"),
            Join::Column(column) => {
                format!("{inner}.{column} from {table} {inner} where {inner}.{column} is not null and ")
            }
            Join::Either(one, other) => {
                format!("unnest(array[{inner}.{one}, {inner}.{other}]) from {table} {inner} where ")
            }
            Join::Link(between, from, to) => {
                format!(
                    "{link}.{from} from {between} {link} join {table} {inner} on {inner}.id = {link}.{to} where "
                )
            }
        };
        let (start, end) = if self.leads() {
            (format!("{owner} = any(array(select "), "))")
        } else {
            (format!("({owner} in (select "), ")) is true")
        };
        self.sql.push_str(&start);
        self.sql.push_str(&owners);
        self.required(catalog, to, filter, &inner, path)?;
        self.sql.push_str(end);
        Ok(())
    }

    /// Whether a reference is written as a join.
    fn joins(&mut self) -> bool {
        let joins = !self.optional && self.depth == 0 && self.joined < JOINED;
        self.joined += usize::from(joins);
        joins
    }

    /// Whether the records that a reference leads to are computed before the rows that refer to them.
    fn leads(&self) -> bool {
        self.depth == 1 && !self.optional
    }

    /// A filter that all rows of a subquery must match.
    fn required(
        &mut self,
        catalog: &Catalog,
        object_type: &ObjectType,
        filter: &Fields,
        alias: &str,
        path: &str,
    ) -> Result<(), ApiError> {
        let within = std::mem::take(&mut self.optional);
        self.depth += 1;
        self.filter(catalog, object_type, filter, alias, path)?;
        self.depth -= 1;
        self.optional = within;
        Ok(())
    }

    /// The condition that a full-text query matches the record, another name, a passage of its text or a translation.
    fn search(&mut self, object_type: &ObjectType, query: &str, alias: &str) -> String {
        let own = format!("{alias}.search @@ {query}");
        let others = object_type.searched_in().map(|(table, owner)| {
            let inner = self.subquery();
            format!(
                " or {alias}.id = any(array(select {inner}.{owner} from {table} {inner} where {inner}.search @@ {query}))"
            )
        });
        let others: String = others.collect();
        if others.is_empty() { own } else { format!("({own}{others})") }
    }

    /// All operators given for a value.
    fn operators(
        &mut self,
        catalog: &Catalog,
        operand: &Operand<'_>,
        operators: &Fields,
        path: &str,
    ) -> Result<(), ApiError> {
        self.sql.push_str("(true");
        for (operator, value) in operators.iter().filter(|(_, value)| **value != Value::Null) {
            self.sql.push_str(" and ");
            self.operator(catalog, operand, Operator::named(operator), value, &format!("{path}.{operator}"))?;
        }
        self.sql.push(')');
        Ok(())
    }

    fn operator(
        &mut self,
        catalog: &Catalog,
        operand: &Operand<'_>,
        operator: Operator,
        value: &Value,
        path: &str,
    ) -> Result<(), ApiError> {
        let Operand { sql, scalar, .. } = *operand;
        let values = if let Value::List(values) = value { values.as_slice() } else { &[] };
        match operator {
            Operator::IsNull => {
                let _ = write!(
                    self.sql,
                    "{sql} is{} null",
                    if *value == Value::Boolean(true) { "" } else { " not" }
                );
            }
            Operator::Contains => self.pattern(operand, "'%' || ", value, path)?,
            Operator::StartsWith => self.pattern(operand, "", value, path)?,
            Operator::Min => {
                let _ = write!(self.sql, "{sql} >= ");
                self.scalar(catalog, scalar, value, path)?;
            }
            Operator::Max => {
                let _ = write!(self.sql, "{sql} <= ");
                self.scalar(catalog, scalar, value, path)?;
            }
            Operator::In => {
                let _ = write!(self.sql, "{sql} = any(");
                self.scalars(catalog, scalar, values, path)?;
                self.sql.push(')');
            }
            Operator::NotIn => {
                // What is unknown is none of them.
                let _ = write!(self.sql, "({sql} <> all(");
                self.scalars(catalog, scalar, values, path)?;
                self.sql.push_str(")) is not false");
            }
            Operator::Equals => {
                let _ = write!(self.sql, "{sql} = ");
                self.scalar(catalog, scalar, value, path)?;
            }
        }
        Ok(())
    }

    /// The condition that the value has this text after `before`, ignoring case and accents.
    fn pattern(
        &mut self,
        operand: &Operand<'_>,
        before: &str,
        value: &Value,
        path: &str,
    ) -> Result<(), ApiError> {
        let text = text_of(value);
        check_length(&text, path)?;
        // Without a trigram to look for, Postgres would read the whole trigram index, which is several times as slow as
        // the table. Another collation keeps it from using that index.
        let collation = if before.is_empty() || has_trigram(&text) { "" } else { " collate \"C\"" };
        let _ = match &operand.plain {
            Some(plain) => write!(self.sql, "{plain}{collation} like {before}literally("),
            None => write!(self.sql, "plain({}){collation} like {before}literally(", operand.sql),
        };
        self.push(Bind::Text(text));
        self.sql.push_str(") || '%'");
        Ok(())
    }

    fn scalar(
        &mut self,
        catalog: &Catalog,
        scalar: Scalar,
        value: &Value,
        path: &str,
    ) -> Result<(), ApiError> {
        match scalar {
            Scalar::Id(object_type) => {
                self.binds.push(Bind::Id(own_id(object_type, value, path)?));
                let bind = self.binds.len();
                let _ = match catalog.named(object_type).merged {
                    Some(merged) => {
                        write!(
                            self.sql,
                            "coalesce((select kept_id from {merged} where id = ${bind}), ${bind})"
                        )
                    }
                    None => write!(self.sql, "${bind}"),
                };
            }
            Scalar::Int => self.push(Bind::Int(int_of(value))),
            Scalar::Float => self.push(Bind::Float(float_of(value))),
            Scalar::RevisionNumber => self.push(Bind::Id(big_of(value))),
            Scalar::Enumeration(of) => {
                self.push(Bind::Text(text_of(value)));
                let _ = write!(self.sql, "::{}", of.sql);
            }
            Scalar::Decimal => {
                self.push(Bind::Text(text_of(value)));
                self.sql.push_str("::numeric");
            }
            Scalar::Language => self.push(Bind::Text(tag(value, path)?)),
            Scalar::Text
            | Scalar::Term
            | Scalar::Prose
            | Scalar::PartialDate
            | Scalar::DateTime
            | Scalar::Url
            | Scalar::Cursor
            | Scalar::Content => self.push(Bind::Text(text_of(value))),
            Scalar::Boolean => unreachable!("no object type declares such a filter"),
        }
        Ok(())
    }

    fn scalars(
        &mut self,
        catalog: &Catalog,
        scalar: Scalar,
        values: &[Value],
        path: &str,
    ) -> Result<(), ApiError> {
        match scalar {
            Scalar::Id(object_type) => {
                let id = |(index, value)| own_id(object_type, value, &format!("{path}[{index}]"));
                let ids = values.iter().enumerate().map(id).collect::<Result<_, _>>()?;
                self.binds.push(Bind::Ids(ids));
                let bind = self.binds.len();
                let _ = match catalog.named(object_type).merged {
                    Some(merged) => write!(
                        self.sql,
                        "array(select coalesce((select kept_id from {merged} m where m.id = i), i) from unnest(${bind}::bigint[]) i)"
                    ),
                    None => write!(self.sql, "${bind}"),
                };
            }
            Scalar::Int => self.push(Bind::Ints(values.iter().map(int_of).collect())),
            Scalar::Float => self.push(Bind::Floats(values.iter().map(float_of).collect())),
            Scalar::RevisionNumber => self.push(Bind::Ids(values.iter().map(big_of).collect())),
            Scalar::Enumeration(of) => {
                self.push(Bind::Texts(values.iter().map(text_of).collect()));
                let _ = write!(self.sql, "::text[]::{}[]", of.sql);
            }
            Scalar::Decimal => {
                self.push(Bind::Texts(values.iter().map(text_of).collect()));
                self.sql.push_str("::text[]::numeric[]");
            }
            Scalar::Language => {
                let tag = |(index, value)| tag(value, &format!("{path}[{index}]"));
                let tags = values.iter().enumerate().map(tag).collect::<Result<_, _>>()?;
                self.push(Bind::Texts(tags));
            }
            _ => self.push(Bind::Texts(values.iter().map(text_of).collect())),
        }
        Ok(())
    }
}

/// Refuses a key whose id is of another object type.
pub fn check_key(object_type: &ObjectType, by: &Fields, path: &str) -> Result<(), ApiError> {
    by.get("id").map_or(Ok(()), |value| key_id(object_type, value, path).map(|_| ()))
}

fn key_id(object_type: &ObjectType, value: &Value, path: &str) -> Result<i64, ApiError> {
    own_id(object_type.name, value, &format!("{path}.id"))
}

/// The row's number in the global id of an object type.
fn own_id(object_type: &str, value: &Value, path: &str) -> Result<i64, ApiError> {
    match pagination::parse_global_id(&text_of(value)) {
        Some((name, id)) if name == object_type => Ok(id),
        _ => Err(ApiError::bad_input(
            path,
            format!("`{path}` is not the id of a record of type {object_type}."),
        )),
    }
}

/// The canonical form of a tag of a language.
fn tag(value: &Value, path: &str) -> Result<String, ApiError> {
    let tag = text_of(value);
    languages::canonical(&tag)
        .ok_or_else(|| ApiError::bad_input(path, format!("`{tag}` is no language. {}", languages::FORM)))
}

/// Refuses a search text that is too long: Postgres needs long to parse it.
pub fn check_length(text: &str, path: &str) -> Result<(), ApiError> {
    match text.chars().count() {
        length if length > LONGEST => {
            let message = format!("`{path}` has {length} characters; the maximum is {LONGEST}.");
            Err(ApiError::bad_input(path, message))
        }
        _ => Ok(()),
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Enum(name) => name.to_string(),
        other => other.to_string(),
    }
}

fn maybe_text(value: Option<&Value>) -> Option<String> {
    value.filter(|value| **value != Value::Null).map(text_of)
}

fn big_of(value: &Value) -> i64 {
    match value {
        Value::Number(number) => number.as_i64().unwrap_or(i64::MAX),
        _ => unreachable!("coerced to a number"),
    }
}

fn float_of(value: &Value) -> f64 {
    match value {
        Value::Number(number) => number.as_f64().unwrap_or(f64::MAX),
        _ => unreachable!("coerced to a number"),
    }
}

fn int_of(value: &Value) -> i32 {
    i32::try_from(big_of(value)).unwrap_or(i32::MAX)
}
