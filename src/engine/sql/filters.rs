//! SQL of filters: conditions on a record, and on the records that it refers to or that refer to it.

use std::fmt::Write;

use async_graphql::{Name, Value};

use crate::{
    database::statement::Bind,
    engine::sql::{
        Builder, Fields,
        operators::{Operand, check_length},
        own_id, text_of,
    },
    error::ApiError,
    model::{
        Catalog, dates,
        grade::{self, Grade},
        object_type::{FilterField, Join, ObjectType, Predicate, Scalar},
        operator::{AT_LEAST, Operator},
        web_search::{self, Search},
    },
};

/// Maximum number of joins for references: the time to plan joins grows much faster than their number.
const JOINED: usize = 6;

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

/// Whether a filter matches all records, so that a reference need only lead to one.
pub fn matches_all(filter: &Fields) -> bool {
    filter.values().all(|value| *value == Value::Null)
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

impl Builder {
    /// An object type's filter as one predicate; fields that are null count as left out.
    pub(super) fn filter(
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
                self.any_text(catalog, among, operators, alias, path)?;
            }
            (Predicate::During { sql, any_time }, Value::Object(period)) => {
                self.during(&sql.replace("{}", alias), *any_time, period, path)?;
            }
            (Predicate::Instant { sql }, Value::Object(span)) => {
                self.instant(&sql.replace("{}", alias), span, path)?;
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
            (Predicate::Grade { number, one_of }, Value::Object(operators)) => {
                let grades = grades(operators, path)?;
                let _ = write!(self.sql, "({} = any(", number.replace("{}", alias));
                let mut numbers: Vec<i32> = grades.iter().map(|grade| grade.number()).collect();
                numbers.sort_unstable();
                numbers.dedup();
                self.push(Bind::Ints(numbers));
                self.binds.push(Bind::Texts(grades.into_iter().map(Grade::text).collect()));
                let is_one = one_of.replace("{other}", &self.subquery()).replace("{}", alias);
                let _ = write!(
                    self.sql,
                    ") and {})",
                    is_one.replace("{grades}", &format!("${}", self.binds.len()))
                );
            }
            (Predicate::Search, Value::String(text)) => {
                self.words(object_type, text, alias, path)?;
            }
            (Predicate::Within { parent }, Value::Object(by)) => {
                self.within(object_type, parent, by, alias, path)?;
            }
            (test, value) => unreachable!("{test:?} was given {value}"),
        }
        Ok(())
    }

    /// One of the texts that the record has in these tables passes the operators.
    fn any_text(
        &mut self,
        catalog: &Catalog,
        among: &[(&str, &str, &str)],
        operators: &Fields,
        alias: &str,
        path: &str,
    ) -> Result<(), ApiError> {
        let _ = write!(self.sql, "{alias}.id in (");
        for (index, (table, id, text)) in among.iter().enumerate() {
            let union = if index == 0 { "" } else { " union all " };
            let inner = self.subquery();
            let _ = write!(self.sql, "{union}select {inner}.{id} from {table} {inner} where ");
            let operand = Operand { sql: &format!("{inner}.{text}"), plain: None, scalar: Scalar::Text };
            self.operators(catalog, &operand, operators, path)?;
        }
        self.sql.push(')');
        Ok(())
    }

    /// The daterange overlaps a period.
    fn during(&mut self, days: &str, any_time: bool, period: &Fields, path: &str) -> Result<(), ApiError> {
        self.sql.push_str("(true");
        if let Some(Value::Boolean(unknown)) = period.get("isUnknown") {
            let _ = write!(self.sql, " and {days} is{} null", if *unknown { "" } else { " not" });
        }
        let ends = ["from", "until"].map(|end| maybe_text(period.get(end)));
        if let [Some(from), Some(until)] = &ends {
            dates::check_period(from, until, &format!("{path}.until"))?;
        }
        if ends.iter().any(Option::is_some) {
            let [from, until] = ends;
            let days = if any_time { format!("coalesce({days}, '(,)'::daterange)") } else { days.to_owned() };
            // Not `period(…)`: Postgres would inline it and evaluate both dates twice per row.
            let _ = write!(self.sql, " and {days} && daterange(lower(partial_date_range(");
            self.push(Bind::MaybeText(from));
            self.sql.push_str(")), upper(partial_date_range(");
            self.push(Bind::MaybeText(until));
            self.sql.push_str(")))");
        }
        self.sql.push(')');
        Ok(())
    }

    /// The timestamp lies in a span.
    fn instant(&mut self, instant: &str, span: &Fields, path: &str) -> Result<(), ApiError> {
        self.sql.push_str("(true");
        let ends = ["from", "until"].map(|end| maybe_text(span.get(end)));
        if let [Some(from), Some(until)] = &ends {
            dates::check_span(from, until, &format!("{path}.until"))?;
        }
        for (end, comparison) in ends.into_iter().zip([">=", "<"]) {
            if let Some(end) = end {
                let _ = write!(self.sql, " and {instant} {comparison} ");
                self.push(Bind::Text(end));
                self.sql.push_str("::timestamptz");
            }
        }
        self.sql.push(')');
        Ok(())
    }

    /// The record has the words of a search text.
    fn words(
        &mut self,
        object_type: &ObjectType,
        text: &str,
        alias: &str,
        path: &str,
    ) -> Result<(), ApiError> {
        check_length(text, path)?;
        self.binds.push(Search::read(text).value());
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
        Ok(())
    }

    /// The record is the one that a key names, or one below it.
    fn within(
        &mut self,
        object_type: &ObjectType,
        parent: &str,
        by: &Fields,
        alias: &str,
        path: &str,
    ) -> Result<(), ApiError> {
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
        if matches_all(filter) {
            let _ = write!(self.sql, "{column} is not null");
            return Ok(());
        }
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
}

/// The grades that pass all operators.
fn grades(operators: &Fields, path: &str) -> Result<Vec<Grade>, ApiError> {
    let mut grades: Vec<Grade> = Grade::all().collect();
    let read = |value: &Value, path: &str| {
        Grade::of(&text_of(value)).ok_or_else(|| ApiError::bad_input(path, grade::FORM))
    };
    for (operator, value) in operators.iter().filter(|(_, value)| **value != Value::Null) {
        let path = format!("{path}.{operator}");
        if let Value::List(values) = value {
            let given =
                values.iter().enumerate().map(|(index, value)| read(value, &format!("{path}[{index}]")));
            let given = given.collect::<Result<Vec<_>, _>>()?;
            grades.retain(|grade| given.contains(grade));
        } else {
            let given = read(value, &path)?;
            let is_least = operator == AT_LEAST;
            grades.retain(|grade| if is_least { grade.is_at_least(given) } else { *grade == given });
        }
    }
    Ok(grades)
}

fn maybe_text(value: Option<&Value>) -> Option<String> {
    value.filter(|value| **value != Value::Null).map(text_of)
}
