//! The maximum cost of a request: the rows that it may read, weighted by the work on each. It is computed from the
//! variables before any SQL is built; so are the limits of filters.
//!
//! A point is about 0.04 ms of Postgres at most; `cargo bench --bench cost` looks for requests that take longer.

use std::collections::HashMap;

use async_graphql::{
    Name, Value,
    parser::types::{ExecutableDocument, Selection, SelectionSet},
    registry::Registry,
};
use async_graphql_value::Value as Literal;
use indexmap::IndexMap;

use crate::{
    database::sizes::Sizes,
    engine::{
        plan::{self, Aggregate, ConnectionSelection, Level, Plan, Reference, Step, StepKind},
        prepare::coerce::{self, Variables},
        sql::{self, GroupOrder, Grouping},
    },
    error::ApiError,
    model::{
        Catalog, as_of,
        object_type::{
            Facet, FacetBy, FilterField, Join, ObjectType, Order, Predicate, Scalar, SortKey, ToMany,
            computed::{self, CostContext, CostEstimate, float, words},
            grouping::{Key, Origin, Unit},
        },
        operator::{Operator, has_trigram},
        pagination::{MAX_PAGE, page_size},
    },
};

/// Maximum number of values of all arguments together, with variables expanded.
const VALUES: usize = 50_000;
/// Limits of one filter.
const PREDICATES: usize = 200;
const REFERENCES: usize = 30;
const DEPTH: usize = 12;
const PARAMETERS: usize = 10_000;
const BYTES: usize = 128 * 1024;

/// Points per row: to scan it, to fetch it by an index, and to count it in an index.
const ROW: f64 = 0.01;
const ROW_BY_INDEX: f64 = 0.04;
const ROW_COUNTED: f64 = 0.002;
/// To read rows in the order of an index until a page of them matches a filter.
const ROW_IN_ORDER: f64 = 0.03;
/// To group a row by its own value, and by each record behind a link.
const GROUPED: f64 = 0.006;
const GROUPED_BY_LINK: f64 = 0.02;
/// Records above one, itself too, usually at most.
const ABOVE: f64 = 3.0;
/// To spread dates that are known less exactly, or to find those to spread.
const SPREAD_OVER_MONTHS: f64 = 0.05;
const SPREAD_OVER_DAYS: f64 = 2.5;
/// How many dates there are, usually at most.
const DATES: f64 = 15_000.0;
/// To compare a value of it.
const COMPARED: f64 = 0.0025;
/// To search a part of a text, in a stored plain column or without one.
const MATCHED_PLAIN: f64 = 0.01;
const MATCHED: f64 = 0.04;
/// To read the search vector of a row, to look there for a word, and to rank the row by it.
const SEARCHED: f64 = 0.01;
const SEARCHED_WORD: f64 = 0.003;
const RANKED: f64 = 0.02;
const RANKED_WORD: f64 = 0.005;
/// The share of the rows that an index on words or on parts of texts returns, usually at most.
const FOUND: f64 = 0.5;
/// To look into the record that a row refers to, and to sort by what is found there.
const LOOKED_UP: f64 = 0.02;
const SORTED_BY_OTHER: f64 = 0.05;
/// To test whether a row is among those of a reference: all at once, or for the rows of each parent.
const PROBED: f64 = 0.005;
const PROBED_FOR_PARENT: f64 = 0.05;
/// Levels of references that Postgres reads once each. Further levels may be read for each row of those before.
const LEVELS_READ_ONCE: usize = 3;
const PROBED_BY_LEVEL: f64 = 0.05;
/// Planning, per statement: a predicate, and a reference.
const PLANNED: f64 = 1.0;
const PLANNED_REFERENCE: f64 = 10.0;
/// A count or a facet, besides the rows that it reads.
const COUNTED: f64 = 20.0;
/// How many times as much `asOf` costs: every row is read from the log.
const PAST: f64 = 5.0;
/// A root list with `asOf`, besides its rows: the whole log of its table is read.
const PAST_LIST: f64 = 100.0;
/// Owned values of one field of a record, names or targets, usually at most.
const OWNED: f64 = 5.0;
/// Records that one field of a computed value names, usually at most.
const NAMED: f64 = 20.0;
/// Values of introspection for a point.
const INTROSPECTED: f64 = 50.0;

type Fields = IndexMap<Name, Value>;

/// The points that a plan may cost with these variables.
pub fn of(
    catalog: &'static Catalog,
    registry: &Registry,
    plan: &Plan,
    variables: &Variables,
    sizes: &Sizes,
) -> Result<usize, ApiError> {
    let values = variables.iter().map(|(name, value)| (name.as_str(), values_of(value))).collect();
    measure(&plan.root, &values, &mut 0)?;
    let mut pricing = Pricing { catalog, registry, variables, sizes, points: 1.0, times: 1.0 };
    pricing.level(&plan.root, 1.0)?;
    if let Some(document) = &plan.introspection {
        let sets = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
        pricing.points += sets.map(|set| introspected(document, set)).sum::<f64>() / INTROSPECTED;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Ok(pricing.points.ceil() as usize)
}

/// How many values a selection of the schema returns. The lists of a schema refer to each other without end, so each
/// nested level multiplies them.
fn introspected(document: &ExecutableDocument, set: &SelectionSet) -> f64 {
    let each = set.items.iter().map(|selection| match &selection.node {
        Selection::Field(field) => {
            let entries = match field.node.name.node.as_str() {
                "types" => 300.0,
                "fields" | "inputFields" | "enumValues" | "interfaces" | "possibleTypes" => 10.0,
                "args" => 3.0,
                _ => 1.0,
            };
            entries * (1.0 + introspected(document, &field.node.selection_set.node))
        }
        Selection::InlineFragment(inline) => introspected(document, &inline.node.selection_set.node),
        Selection::FragmentSpread(spread) => {
            let fragment = document.fragments.get(&spread.node.fragment_name.node);
            fragment.map_or(0.0, |fragment| introspected(document, &fragment.node.selection_set.node))
        }
    });
    each.sum()
}

/// How many values there are in one.
fn values_of(value: &Value) -> usize {
    1 + match value {
        Value::List(items) => items.iter().map(values_of).sum(),
        Value::Object(fields) => fields.values().map(values_of).sum(),
        _ => 0,
    }
}

/// How many values a literal has with variables expanded, each of which was counted once.
fn values_in(literal: &Literal, variables: &HashMap<&str, usize>) -> usize {
    let inner = match literal {
        Literal::Variable(name) => return variables.get(name.as_str()).copied().unwrap_or(0),
        Literal::List(items) => {
            items.iter().fold(0, |sum: usize, item| sum.saturating_add(values_in(item, variables)))
        }
        Literal::Object(fields) => {
            fields.values().fold(0, |sum: usize, value| sum.saturating_add(values_in(value, variables)))
        }
        _ => 0,
    };
    inner.saturating_add(1)
}

/// Adds the values of all arguments of a level, and refuses what would become too large.
fn measure(level: &Level, variables: &HashMap<&str, usize>, total: &mut usize) -> Result<(), ApiError> {
    for step in &level.steps {
        let at = |api_error: ApiError| api_error.at(step.path.clone());
        let mut count = |arguments: &plan::Arguments| {
            for (name, literal) in arguments.iter() {
                *total = total.saturating_add(values_in(literal, variables));
                if *total > VALUES {
                    let api_error = ApiError::beyond("values once its variables are put in", VALUES, *total);
                    return Err(ApiError { field: Some(name.to_owned()), ..api_error });
                }
            }
            Ok(())
        };
        count(&step.arguments).map_err(at)?;
        if let StepKind::ToMany { aggregates, .. } = &step.kind {
            for aggregate in aggregates {
                count(aggregate.arguments()).map_err(at)?;
            }
        }
        for level in step.kind.levels() {
            measure(level, variables, total)?;
        }
    }
    Ok(())
}

struct Pricing<'a> {
    catalog: &'static Catalog,
    registry: &'a Registry,
    variables: &'a Variables,
    sizes: &'a Sizes,
    points: f64,
    /// The factor of everything that is priced now.
    times: f64,
}

impl Pricing<'_> {
    fn spend(&mut self, points: f64) {
        self.points += points * self.times;
    }

    /// Prices the edges of a level with at most this many records.
    fn level(&mut self, level: &Level, records: f64) -> Result<(), ApiError> {
        for step in &level.steps {
            let at = |api_error: ApiError| api_error.at(step.path.clone());
            let moment = self.given(&step.arguments, as_of::ARGUMENT, as_of::INPUT).map_err(at)?;
            let times = self.times;
            if moment.is_some_and(|moment| moment != Value::Null) {
                self.times *= PAST;
                if matches!(step.kind, StepKind::ToMany { .. }) {
                    self.spend(PAST_LIST);
                }
            }
            self.step(step, records)?;
            self.times = times;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step, records: f64) -> Result<(), ApiError> {
        let at = |api_error: ApiError| api_error.at(step.path.clone());
        match &step.kind {
            StepKind::ToMany { many, level, wants, aggregates, .. } => {
                let on_page = self.many(step, many, wants, aggregates, records).map_err(at)?;
                self.level(level, on_page)?;
                for aggregate in aggregates {
                    match aggregate {
                        Aggregate::Count(_) => {}
                        Aggregate::Facet { level, .. } => self.level(level, records * NAMED)?,
                        Aggregate::Groups { level, arguments } => {
                            let object_type = self.catalog.named(many.to);
                            let Grouping { first, .. } = self.grouping(object_type, arguments).map_err(at)?;
                            let groups = records * float(usize::try_from(first).unwrap_or(0));
                            self.spend(groups);
                            self.level(level, groups)?;
                        }
                    }
                }
                Ok(())
            }
            StepKind::ToOne(references) => self.references(references, records),
            StepKind::References { to, .. } => self.references(to, records * OWNED),
            StepKind::OwnedList { level, .. } => {
                self.spend(records * OWNED);
                self.level(level, records * OWNED)
            }
            StepKind::Lookup(level) => {
                self.spend(1.0);
                self.level(level, 1.0)
            }
            StepKind::Nodes(levels) => {
                let ids = match self.given(&step.arguments, "ids", "[ID!]").map_err(at)? {
                    Some(Value::List(ids)) => float(ids.len()),
                    _ => 1.0,
                };
                self.spend(ids);
                levels.iter().try_for_each(|level| self.level(level, ids))
            }
            StepKind::Computed { computed, fields, places, .. } => {
                let estimate = match computed.price {
                    None => CostEstimate { points: float(computed.cost), records: NAMED },
                    Some(price) => {
                        let arguments = self.arguments(step, &computed.arguments).map_err(at)?;
                        price(&CostContext {
                            catalog: self.catalog,
                            arguments: &arguments,
                            fields,
                            sizes: self.sizes,
                        })
                    }
                };
                self.spend(estimate.points * records);
                for level in places.iter().flat_map(|place| &place.kinds) {
                    self.level(level, records * estimate.records)?;
                }
                Ok(())
            }
        }
    }

    fn references(&mut self, references: &[Reference], records: f64) -> Result<(), ApiError> {
        self.spend(records);
        references.iter().try_for_each(|reference| self.level(&reference.level, records))
    }

    /// Prices the statements of a connection, and returns how many records are on its pages.
    fn many(
        &mut self,
        step: &Step,
        many: &ToMany,
        wants: &ConnectionSelection,
        aggregates: &[Aggregate],
        parents: f64,
    ) -> Result<f64, ApiError> {
        let object_type = self.catalog.named(many.to);
        let filter = if object_type.has_filter() {
            self.given(&step.arguments, "filter", &format!("{}Filter", object_type.name))?
        } else {
            None
        };
        let filter = match &filter {
            Some(Value::Object(filter)) => Some(filter),
            _ => None,
        };
        let probed = if matches!(many.via, Join::All) { PROBED } else { PROBED_FOR_PARENT };
        let mut weighing = Weighing { probed, ..Weighing::new(self.catalog, self.sizes) };
        let weight = filter.map(|filter| weighing.filter(object_type, filter, 0));
        weighing.shape.check()?;
        let read = self.beside(object_type, many.via, parents);
        let beyond = float(weighing.shape.depth.saturating_sub(LEVELS_READ_ONCE));
        let statements = float(aggregates.len() + usize::from(wants.rows));
        self.spend(statements * read * PROBED_BY_LEVEL * beyond * beyond);
        let mut on_page = 0.0;
        if wants.rows {
            on_page = parents * self.page_size(step)?;
            self.spend(on_page);
            self.spend(match &weight {
                Some(weight) => weight.points_in_order(read),
                None => sorted(many.via, read),
            });
            let order = self.given(&step.arguments, "orderBy", &format!("{}Order", object_type.name))?;
            let share = weight.as_ref().map_or(1.0, |weight| weight.share);
            match sort_key(object_type, order.as_ref()) {
                Some(SortKey::Relevance) if weight.is_some() => {
                    self.spend(read * share * (RANKED + RANKED_WORD * float(weighing.shape.words)));
                }
                Some(SortKey::Foreign(..)) => self.spend(read * share * SORTED_BY_OTHER),
                _ => {}
            }
        }
        for aggregate in aggregates {
            self.spend(COUNTED + parents);
            match (aggregate, filter) {
                (Aggregate::Facet { facet, .. }, _) => self.facet(object_type, facet, filter, read),
                (Aggregate::Groups { arguments, .. }, _) => {
                    let share = weight.as_ref().map_or(1.0, |weight| weight.share);
                    self.spend(weight.as_ref().map_or(read * ROW, |weight| weight.points(read)));
                    self.groups(object_type, arguments, read * share)?;
                }
                (Aggregate::Count(_), Some(_)) => {
                    self.spend(weight.as_ref().map_or(0.0, |weight| weight.points(read)));
                }
                (Aggregate::Count(_), None) => self.spend(read * ROW_COUNTED),
            }
        }
        Ok(on_page)
    }

    /// A facet groups all records that match the filter without one of its conditions.
    fn facet(&mut self, object_type: &ObjectType, facet: &Facet, filter: Option<&Fields>, read: f64) {
        let mut filter = filter.cloned().unwrap_or_default();
        filter.shift_remove(facet.without.as_ref());
        let weight = Weighing::new(self.catalog, self.sizes).filter(object_type, &filter, 0);
        let grouped = match facet.by {
            FacetBy::Link { between, .. } => {
                let links = (self.sizes.rows(between) / self.sizes.rows(object_type.table)).max(1.0);
                read * links * GROUPED_BY_LINK
            }
            _ => read * GROUPED,
        };
        // All records grouped by a column are read from its index.
        let found = match facet.by {
            FacetBy::ToOne { .. } if filter.is_empty() => read * ROW_COUNTED,
            _ => weight.points(read),
        };
        self.spend(found + grouped * weight.share);
    }

    /// Groups are of all records that match the filter, for each dimension of each record behind a link.
    fn groups(
        &mut self,
        object_type: &ObjectType,
        arguments: &plan::Arguments,
        records: f64,
    ) -> Result<(), ApiError> {
        let Grouping { by, order, .. } = self.grouping(object_type, arguments)?;
        let (mut each, mut rows, mut dates) = (0.0, records, Vec::new());
        for dimension in &by {
            let links = |table| (self.sizes.rows(table) / self.sizes.rows(object_type.table)).max(1.0);
            each += match dimension.key {
                Key::Value { .. } | Key::Record { .. } => GROUPED,
                Key::Linked { link: (table, ..), .. } => {
                    rows *= links(table);
                    GROUPED_BY_LINK
                }
                Key::Above { from: Origin::Column(_), .. } => {
                    rows *= ABOVE;
                    GROUPED_BY_LINK
                }
                Key::Above { from: Origin::Link(table, ..), .. } => {
                    rows *= ABOVE * links(table);
                    2.0 * GROUPED_BY_LINK
                }
                Key::Period { unit, .. } => {
                    dates.push(unit);
                    GROUPED
                }
            };
        }
        let spread: f64 = dates.iter().map(|unit| spread(*unit, order, dates.len())).sum();
        // Dates are spread after they are grouped.
        let groups = if by.len() == 1 { rows.min(DATES) } else { rows };
        self.spend(rows * each + groups * spread);
        Ok(())
    }

    fn grouping<'a>(
        &self,
        object_type: &'a ObjectType,
        arguments: &plan::Arguments,
    ) -> Result<Grouping<'a>, ApiError> {
        Grouping::read(object_type, self.registry, arguments, self.variables)
    }

    /// Rows on the other side of an edge, for all parents together.
    fn beside(&self, object_type: &ObjectType, via: Join, parents: f64) -> f64 {
        let of = |table: &str, column: &str| {
            let rows = self.sizes.rows(table);
            (parents * rows * self.sizes.share(table, column)).min(rows)
        };
        match via {
            Join::All => self.sizes.rows(object_type.table),
            Join::Column(column) => of(object_type.table, column),
            Join::Either(one, other) => of(object_type.table, one) + of(object_type.table, other),
            Join::Link(between, from, _) => of(between, from),
        }
    }

    fn page_size(&self, step: &Step) -> Result<f64, ApiError> {
        let size = |name| -> Result<Option<i64>, ApiError> {
            match self.given(&step.arguments, name, "Int")? {
                Some(Value::Number(number)) => Ok(Some(number.as_i64().unwrap_or(MAX_PAGE))),
                _ => Ok(None),
            }
        };
        // A size that is out of range is refused where it is bound.
        let size = page_size(size("first")?, size("last")?).clamp(0, MAX_PAGE);
        Ok(float(usize::try_from(size).unwrap_or(0)))
    }

    fn arguments(
        &self,
        step: &Step,
        declared: &[computed::Argument],
    ) -> Result<computed::Arguments, ApiError> {
        let mut given = computed::Arguments::new();
        for declared in declared {
            if let Some(value) = self.given(&step.arguments, declared.name, declared.ty)? {
                given.insert(Name::new(declared.name), value);
            }
        }
        Ok(given)
    }

    fn given(&self, arguments: &plan::Arguments, name: &str, ty: &str) -> Result<Option<Value>, ApiError> {
        coerce::argument(self.registry, ty, name, arguments.get(name), self.variables)
    }
}

/// The points to spread a date, of so many, over the periods in which it may lie: all dates, or those that lead to the
/// first groups.
fn spread(unit: Unit, order: GroupOrder, dates: usize) -> f64 {
    let is_whole = match order {
        GroupOrder::Count { descending } => !descending || dates > 1,
        GroupOrder::Keys { .. } => false,
    };
    match unit {
        Unit::Year => 0.0,
        Unit::Day if is_whole => SPREAD_OVER_DAYS,
        Unit::Quarter | Unit::Month | Unit::Day => SPREAD_OVER_MONTHS,
    }
}

/// The cost of a page of all rows in order: almost nothing with an index of that order.
fn sorted(via: Join, read: f64) -> f64 {
    match via {
        Join::All | Join::Column(_) => 0.0,
        Join::Either(..) | Join::Link(..) => read * ROW,
    }
}

/// The key of an order in the arguments.
fn sort_key<'a>(object_type: &'a ObjectType, order: Option<&Value>) -> Option<&'a SortKey> {
    let Some(Value::Enum(name)) = order else { return None };
    let order = object_type.orders.iter().find(|Order { name: known, .. }| known.as_ref() == name.as_str());
    order.map(|order| &order.by)
}

/// The work to find the rows of a table that match a filter.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Weight {
    /// The maximum share of the rows that is read: what no index excludes.
    share: f64,
    /// Points for each of them.
    each: f64,
    /// Points for what is done once for all of them.
    once: f64,
}

impl Weight {
    const ALL: Weight = Weight { share: 1.0, each: 0.0, once: 0.0 };

    fn each(points: f64) -> Self {
        Weight { each: points, ..Weight::ALL }
    }

    /// Rows that match both.
    fn and(self, other: Weight) -> Self {
        Weight {
            share: self.share.min(other.share),
            each: self.each + other.each,
            once: self.once + other.once,
        }
    }

    /// Rows that match one of them.
    fn or(self, other: Weight) -> Self {
        Weight { share: (self.share + other.share).min(1.0), ..self.and(other) }
    }

    /// For a page in order: if no index excludes rows, those before the page are read in the order of an index.
    fn points_in_order(&self, rows: f64) -> f64 {
        let in_order = if self.share > FOUND { rows * self.share * (ROW_IN_ORDER - ROW) } else { 0.0 };
        self.points(rows) + in_order
    }

    fn points(&self, rows: f64) -> f64 {
        let row = if self.share < FOUND { ROW_BY_INDEX } else { ROW };
        // Reading rows one by one never costs more than reading all.
        (rows * self.share * (row + self.each)).min(rows * (ROW + self.each)) + self.once
    }
}

/// How large a filter is.
#[derive(Debug, Default, PartialEq)]
struct Shape {
    predicates: usize,
    references: usize,
    depth: usize,
    /// Values that it compares with: each entry of a list is one.
    parameters: usize,
    /// Bytes of its texts.
    bytes: usize,
    /// Words that it searches for.
    words: usize,
}

impl Shape {
    fn check(&self) -> Result<(), ApiError> {
        for (what, limit, value) in [
            ("predicates in one filter", PREDICATES, self.predicates),
            ("references in one filter", REFERENCES, self.references),
            ("levels of references in one filter", DEPTH, self.depth),
            ("parameters in one filter", PARAMETERS, self.parameters),
            ("bytes of text in one filter", BYTES, self.bytes),
        ] {
            if value > limit {
                let api_error = ApiError::beyond(what, limit, value);
                return Err(ApiError { field: Some("filter".to_owned()), ..api_error });
            }
        }
        Ok(())
    }
}

/// The work of a filter, computed in one pass.
struct Weighing<'a> {
    catalog: &'a Catalog,
    sizes: &'a Sizes,
    shape: Shape,
    /// Points to test whether a row is among those of a reference.
    probed: f64,
}

impl<'a> Weighing<'a> {
    fn new(catalog: &'a Catalog, sizes: &'a Sizes) -> Self {
        Weighing { catalog, sizes, shape: Shape::default(), probed: PROBED }
    }

    fn filter(&mut self, object_type: &ObjectType, filter: &Fields, depth: usize) -> Weight {
        let mut weight = Weight::ALL;
        for (name, value) in filter.iter().filter(|(_, value)| **value != Value::Null) {
            let one = match (name.as_str(), value) {
                ("and", Value::List(all)) => {
                    self.all(object_type, all, depth).into_iter().fold(Weight::ALL, Weight::and)
                }
                ("or", Value::List(any)) => {
                    let none = Weight { share: 0.0, ..Weight::ALL };
                    self.all(object_type, any, depth).into_iter().fold(none, Weight::or)
                }
                ("not", Value::Object(inner)) => {
                    Weight { share: 1.0, ..self.filter(object_type, inner, depth) }
                }
                (name, value) => {
                    let condition = object_type.conditions.iter().find(|condition| condition.name == name);
                    self.condition(object_type, condition.expect("validated"), value, depth)
                }
            };
            weight = weight.and(one);
        }
        weight
    }

    fn all(&mut self, object_type: &ObjectType, filters: &[Value], depth: usize) -> Vec<Weight> {
        let filters = filters.iter().filter_map(|filter| match filter {
            Value::Object(filter) => Some(filter),
            _ => None,
        });
        filters.map(|filter| self.filter(object_type, filter, depth)).collect()
    }

    fn condition(
        &mut self,
        object_type: &ObjectType,
        condition: &FilterField,
        value: &Value,
        depth: usize,
    ) -> Weight {
        match (&condition.test, value) {
            (Predicate::Value { sql, scalar }, Value::Object(operators)) => {
                let column = sql.column().unwrap_or_default();
                self.operators(self.sizes.share(object_type.table, column), *scalar, operators)
            }
            (Predicate::AnyText { among }, Value::Object(operators)) => {
                let mut once = 0.0;
                for (table, ..) in *among {
                    self.reference(depth);
                    let weight = self.operators(1.0, Scalar::Text, operators);
                    once += weight.points(self.sizes.rows(table)) + PLANNED_REFERENCE;
                }
                Weight { once, ..Weight::each(PROBED) }
            }
            (Predicate::During { .. } | Predicate::Instant { .. }, Value::Object(period)) => {
                period.values().for_each(|value| self.value(value));
                self.predicate(Weight::each(COMPARED))
            }
            (Predicate::ToOne { .. }, Value::Object(filter)) if sql::matches_all(filter) => {
                self.predicate(Weight::each(COMPARED))
            }
            (Predicate::ToOne { to, column }, Value::Object(filter)) => {
                let (found, once) = self.inner(to, filter, depth);
                // Where the column is never set, a page in order looks for a first row among all.
                let share = if self.sizes.is_unused(object_type.table, column) {
                    1.0
                } else {
                    (found * self.sizes.share(object_type.table, column)).min(1.0)
                };
                Weight { share, each: self.probed, once }
            }
            (Predicate::Some { to, via }, Value::Object(filter)) => {
                let (found, mut once) = self.inner(to, filter, depth);
                let found = match via {
                    Join::All | Join::Column(_) => found,
                    Join::Either(..) => 2.0 * found,
                    Join::Link(between, _, other) => {
                        let links = self.sizes.rows(between);
                        let links = (found * links * self.sizes.share(between, other)).min(links);
                        once += links * (ROW + PROBED);
                        links
                    }
                };
                let share = (found / self.sizes.rows(object_type.table)).min(1.0);
                Weight { share, each: self.probed, once }
            }
            (Predicate::Grade { .. }, value) => {
                self.value(value);
                self.predicate(Weight::each(LOOKED_UP))
            }
            (Predicate::Search, Value::String(text)) => {
                self.value(value);
                let words = words(text);
                self.shape.words += words;
                let each = SEARCHED + SEARCHED_WORD * float(words);
                self.predicate(Weight { share: FOUND, ..Weight::each(each) })
            }
            (Predicate::Within { .. }, value) => {
                self.value(value);
                self.reference(depth);
                let once = self.sizes.rows(object_type.table) * 2.0 * ROW + PLANNED_REFERENCE;
                self.predicate(Weight { once, ..Weight::each(PROBED) })
            }
            (test, value) => unreachable!("{test:?} was given {value}"),
        }
    }

    /// The records of a reference: how many are found, and the cost of finding them.
    fn inner(&mut self, to: &str, filter: &Fields, depth: usize) -> (f64, f64) {
        let to = self.catalog.named(to);
        self.reference(depth);
        let rows = self.sizes.rows(to.table);
        let weight = self.filter(to, filter, depth + 1);
        (rows * weight.share, weight.points(rows) + PLANNED_REFERENCE)
    }

    /// All operators of a value; `share` is the maximum share of rows with one value.
    fn operators(&mut self, share: f64, scalar: Scalar, operators: &Fields) -> Weight {
        let mut weight = Weight::ALL;
        for (operator, value) in operators.iter().filter(|(_, value)| **value != Value::Null) {
            self.value(value);
            let one = match (Operator::named(operator), value) {
                (Operator::Equals, _) => Weight { share, ..Weight::each(COMPARED) },
                (Operator::In, Value::List(values)) => {
                    Weight { share: (share * float(values.len())).min(1.0), ..Weight::each(2.0 * COMPARED) }
                }
                (Operator::Contains | Operator::StartsWith, text) => {
                    let each = if scalar == Scalar::Prose { MATCHED_PLAIN } else { MATCHED };
                    Weight { share: if is_indexed(scalar, text) { FOUND } else { 1.0 }, ..Weight::each(each) }
                }
                (Operator::In | Operator::NotIn | Operator::Min | Operator::Max | Operator::IsNull, _) => {
                    Weight::each(2.0 * COMPARED)
                }
            };
            weight = weight.and(self.predicate(one));
        }
        weight
    }

    fn predicate(&mut self, weight: Weight) -> Weight {
        self.shape.predicates += 1;
        Weight { once: weight.once + PLANNED, ..weight }
    }

    fn reference(&mut self, depth: usize) {
        self.shape.references += 1;
        self.shape.depth = self.shape.depth.max(depth + 1);
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::List(items) => items.iter().for_each(|item| self.value(item)),
            Value::Object(fields) => fields.values().for_each(|value| self.value(value)),
            value => {
                self.shape.parameters += 1;
                if let Value::String(text) = value {
                    self.shape.bytes += text.len();
                }
            }
        }
    }
}

/// Whether an index finds the texts with this part.
fn is_indexed(scalar: Scalar, part: &Value) -> bool {
    let Value::String(part) = part else { return false };
    matches!(scalar, Scalar::Prose | Scalar::Text) && has_trigram(part)
}
