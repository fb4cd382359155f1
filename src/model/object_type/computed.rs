//! Fields whose values need more than one statement: search, paths between actors, who agrees with whom.
//!
//! A domain module declares the type of the value, the arguments, and a function that computes it. The function names
//! records by their ids; what a query selects of them is read as a level like any other.

use std::{collections::HashMap, fmt, ops::RangeInclusive, sync::Arc};

use async_graphql::{Name, Value};
use futures_util::future::{BoxFuture, try_join_all};
use indexmap::IndexMap;
use sqlx::{Row, postgres::PgRow};
use tokio::time::Instant;

use crate::{
    auth::caller::{Caller, Role},
    database::{reader::Reader, sizes::Sizes, statement::Statement},
    error::ApiError,
    model::{
        Catalog, as_of, dates, languages,
        object_type::{
            Cardinality, Deprecation, Enumeration, Field, FieldDeclaration, FieldKind, ObjectType, Scalar,
            ValueType, column, part, references,
        },
        pagination::{Cursor, KeyKind, MAX_PAGE, Page},
    },
};

/// A field that a domain module computes.
#[derive(Clone)]
pub struct Computed {
    pub part: ValueType,
    pub arguments: Vec<Argument>,
    /// What it adds to the cost of a request, for each record.
    pub cost: usize,
    /// The same, where that depends on its arguments.
    pub price: Option<CostFunction>,
    /// Who may select it.
    pub role: Role,
    /// Whether it is a source's whole text, which a setting protects.
    pub whole_text: bool,
    /// Whether its value depends on the caller.
    pub per_caller: bool,
    /// For a mutation: its value if it failed after another mutation of the request was committed.
    pub nothing: Option<ComputedValue>,
    pub compute: Resolver,
}

/// The field of a mutation's payload that holds its last revision.
pub const REVISION: &str = "revision";

/// Computes the values for all parents, in their order.
pub type Resolver = Arc<dyn for<'a> Fn(ResolveContext<'a>) -> Resolving<'a> + Send + Sync>;

/// The pending values.
pub type Resolving<'a> = BoxFuture<'a, Result<Vec<ComputedValue>, ApiError>>;

#[derive(Clone, Debug)]
pub struct Argument {
    pub name: &'static str,
    /// Its type in GraphQL: `[String!]!`.
    pub ty: &'static str,
    pub description: &'static str,
    /// An enumeration that no field has: the argument adds it to the schema.
    pub of: Option<&'static Enumeration>,
    /// Its rule, besides its type.
    pub takes: ArgumentRule,
    pub deprecation: Option<Deprecation>,
}

/// A rule for an argument. A request that breaks it is refused before anything runs.
#[derive(Clone, Debug)]
pub enum ArgumentRule {
    /// Any value of its type.
    Anything,
    /// A number in this range.
    Within(RangeInclusive<i64>),
    /// A list with at most this many values.
    AtMost(usize),
    /// A cursor of the order of this name, with this kind of key.
    Cursor(&'static str, KeyKind),
    /// A partial date that ends no earlier than the one in this argument begins.
    NotBefore(&'static str),
    /// Tags of languages. Without one, it has the languages that the client accepts.
    Languages,
}

fn check_length(name: &str, values: &[Value], most: usize) -> Result<(), ApiError> {
    if values.len() <= most {
        return Ok(());
    }
    let message = format!("`{name}` has {} entries; the maximum is {most}.", values.len());
    Err(ApiError::bad_input(name, message))
}

impl Argument {
    #[must_use]
    pub fn taking(self, takes: ArgumentRule) -> Self {
        Argument { takes, ..self }
    }

    /// Clients use something else; it is there until a date (`2027-06-01`).
    #[must_use]
    pub fn deprecated(self, reason: &'static str, until: &'static str) -> Self {
        Argument { deprecation: Some(Deprecation { reason, until }), ..self }
    }

    /// Refuses a value that breaks the rule. Values have its type already.
    pub fn check(&self, given: &Arguments) -> Result<(), ApiError> {
        let Some(value) = given.get(self.name) else { return Ok(()) };
        let name = self.name;
        match (&self.takes, value) {
            (ArgumentRule::Within(range), Value::Number(number)) => {
                let number = number.as_i64().unwrap_or(i64::MAX);
                if range.contains(&number) {
                    return Ok(());
                }
                let (least, most) = (range.start(), range.end());
                let message = format!("`{name}` is {number}; it must be from {least} to {most}.");
                Err(ApiError::bad_input(name, message))
            }
            (ArgumentRule::AtMost(most), Value::List(values)) => check_length(name, values, *most),
            (ArgumentRule::Languages, Value::List(tags)) => {
                check_length(name, tags, languages::MOST)?;
                tags.iter().enumerate().try_for_each(|(index, tag)| match tag {
                    Value::String(tag) if languages::canonical(tag).is_none() => {
                        let message = format!("`{tag}` is no language. {}", languages::FORM);
                        Err(ApiError::bad_input(format!("{name}[{index}]"), message))
                    }
                    _ => Ok(()),
                })
            }
            (ArgumentRule::Cursor(order, kind), Value::String(text)) => {
                Cursor::decode(text, order, Some(*kind), name).map(|_| ())
            }
            (ArgumentRule::NotBefore(first), Value::String(until)) => match given.get(*first) {
                Some(Value::String(from)) => dates::check_period(from, until, name),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

pub type Arguments = IndexMap<Name, Value>;

/// Computes the cost of a field per record.
pub type CostFunction = fn(&CostContext<'_>) -> CostEstimate;

/// The maximum cost of a computed value in points, and how many records one of its fields may name.
#[derive(Clone, Copy, Debug)]
pub struct CostEstimate {
    pub points: f64,
    pub records: f64,
}

/// The arguments and selection of a computed field, from which its cost follows.
pub struct CostContext<'a> {
    pub catalog: &'a Catalog,
    pub arguments: &'a Arguments,
    pub fields: &'a [String],
    pub sizes: &'a Sizes,
}

impl CostContext<'_> {
    /// A number from 1 to `max`; any other is refused where it is read.
    pub fn number(&self, argument: &str, default: u32, max: u32) -> f64 {
        let given = match self.arguments.get(argument) {
            Some(Value::Number(number)) => number.as_i64().and_then(|number| u32::try_from(number).ok()),
            _ => Some(default),
        };
        f64::from(given.unwrap_or(max).clamp(1, max))
    }

    /// The length of a list, at most `max`; that where it is absent.
    pub fn length(&self, argument: &str, max: usize) -> f64 {
        match self.arguments.get(argument) {
            Some(Value::List(values)) => float(values.len().min(max)),
            _ => float(max),
        }
    }

    /// Words of all texts that an argument has.
    pub fn words(&self, argument: &str) -> f64 {
        match self.arguments.get(argument) {
            Some(Value::String(text)) => float(words(text)),
            Some(Value::List(texts)) => {
                let words = texts.iter().map(|text| match text {
                    Value::String(text) => words(text),
                    _ => 0,
                });
                float(words.sum())
            }
            _ => 0.0,
        }
    }

    /// The text of an argument; empty where it was not given.
    pub fn text(&self, argument: &str) -> &str {
        match self.arguments.get(argument) {
            Some(Value::String(text)) => text,
            _ => "",
        }
    }

    /// Whether a field of the value is selected.
    pub fn wants(&self, field: &str) -> bool {
        self.fields.iter().any(|selected| selected == field)
    }

    /// Letters of all texts that an argument has, and how many texts there are.
    pub fn letters(&self, argument: &str) -> (f64, f64) {
        let length = |text: &Value| if let Value::String(text) = text { text.len().min(4000) } else { 0 };
        match self.arguments.get(argument) {
            Some(Value::List(texts)) => (float(texts.iter().map(length).sum()), float(texts.len())),
            Some(text) => (float(length(text)), 1.0),
            None => (0.0, 0.0),
        }
    }

    /// Whether an argument was given.
    pub fn has(&self, argument: &str) -> bool {
        self.arguments.get(argument).is_some_and(|value| *value != Value::Null)
    }

    /// Rows of a table.
    pub fn rows(&self, table: &str) -> f64 {
        self.sizes.rows(table)
    }

    /// Rows of a table that have one value in a column, at most.
    pub fn rows_of_one(&self, table: &str, column: &str) -> f64 {
        self.sizes.rows(table) * self.sizes.share(table, column)
    }
}

/// Makes the statement that finds the record of a type that a key names; the text names the argument.
pub type Lookup = fn(&ObjectType, &Arguments, &str) -> Result<Statement, ApiError>;

/// The arguments and selection of a computed field, and what it reads from.
pub struct ResolveContext<'a> {
    pub reader: &'a Reader,
    pub catalog: &'static Catalog,
    /// Makes the statement that finds a record by one of its keys.
    pub lookup: Lookup,
    /// Ids of the records that it is a field of; a single one at the root.
    pub parents: &'a [i64],
    pub arguments: &'a Arguments,
    /// Selected fields, nested ones as `edges.node.score`, so that costly values are computed only where they are selected.
    pub fields: &'a [String],
    pub caller: &'a Caller,
    /// Whether the caller may read whole texts of sources.
    pub reads_texts: bool,
    /// The event, in a subscription.
    pub event: Option<&'a ComputedValue>,
    /// The deadline: nothing is changed after it.
    pub deadline: Option<Instant>,
}

/// A computed value.
#[derive(Clone, Debug, PartialEq)]
pub enum ComputedValue {
    Null,
    Boolean(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<ComputedValue>),
    Object(Vec<(&'static str, ComputedValue)>),
    /// The record of this object type with this id.
    Record(&'static str, i64),
    /// The record of this object type with this id, or null if it was deleted.
    MaybeRecord(&'static str, i64),
}

impl fmt::Debug for Computed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Computed").field("part", &self.part).finish_non_exhaustive()
    }
}

impl ComputedValue {
    pub fn text(value: Option<impl Into<String>>) -> ComputedValue {
        value.map_or(ComputedValue::Null, |text| ComputedValue::Text(text.into()))
    }

    /// A column of text, or of a type that is read as text.
    pub fn text_in(row: &PgRow, column: &str) -> Result<ComputedValue, sqlx::Error> {
        row.try_get_unchecked(column).map(|text: Option<String>| ComputedValue::text(text))
    }

    /// A score from 0 to 1, to a thousandth.
    pub fn fraction(score: f64) -> ComputedValue {
        ComputedValue::Float((score.clamp(0.0, 1.0) * 1000.0).round() / 1000.0)
    }

    /// Adds the records that it names at the end of a path of fields.
    pub fn named(&self, way: &[&str], found: &mut Vec<(&'static str, i64)>) {
        match (self, way) {
            (ComputedValue::List(items), _) => items.iter().for_each(|item| item.named(way, found)),
            (ComputedValue::Record(object_type, id) | ComputedValue::MaybeRecord(object_type, id), []) => {
                found.push((object_type, *id));
            }
            (tree, [first, rest @ ..]) => tree.field(first).named(rest, found),
            _ => {}
        }
    }

    /// The object with one more field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: ComputedValue) -> Self {
        if let ComputedValue::Object(fields) = &mut self {
            fields.push((name, value));
        }
        self
    }

    pub fn field(&self, name: &str) -> &ComputedValue {
        match self {
            ComputedValue::Object(fields) => fields
                .iter()
                .find(|(field, _)| *field == name)
                .map_or(&ComputedValue::Null, |(_, value)| value),
            _ => &ComputedValue::Null,
        }
    }
}

/// The id of the record that an argument of type `…By` names; none if it is absent.
pub async fn record(
    reader: &Reader,
    lookup: Lookup,
    object_type: &ObjectType,
    arguments: &Arguments,
    argument: &str,
) -> Result<Option<i64>, ApiError> {
    let Some(Value::Object(by)) = arguments.get(argument) else { return Ok(None) };
    let rows = reader.run(&lookup(object_type, by, argument)?, &[]).await?;
    let id = rows.first().map(|row| row.try_get(0)).transpose()?;
    let missing = || {
        ApiError::bad_input(
            argument,
            format!("`{argument}` does not identify a record of type {}.", object_type.name),
        )
    };
    id.ok_or_else(missing).map(Some)
}

impl ResolveContext<'_> {
    /// The value of each parent, in their order; `missing` for those without one.
    pub fn by_parent(
        &self,
        mut values: HashMap<i64, ComputedValue>,
        missing: &ComputedValue,
    ) -> Vec<ComputedValue> {
        self.parents.iter().map(|id| values.remove(id).unwrap_or_else(|| missing.clone())).collect()
    }

    /// The id of the record that an argument of type `…By` names; none if it is absent.
    pub async fn record(&self, object_type: &str, argument: &str) -> Result<Option<i64>, ApiError> {
        record(self.reader, self.lookup, self.catalog.named(object_type), self.arguments, argument).await
    }

    /// The ids of the records that a list of type `[…By!]` names; none if it is absent.
    pub async fn records(&self, object_type: &str, argument: &str) -> Result<Option<Vec<i64>>, ApiError> {
        let Some(Value::List(list)) = self.arguments.get(argument) else { return Ok(None) };
        let object_type = self.catalog.named(object_type);
        let ids = list.iter().enumerate().map(|(index, by)| async move {
            let path = format!("{argument}[{index}]");
            let given = Arguments::from_iter([(Name::new(&path), by.clone())]);
            let id = record(self.reader, self.lookup, object_type, &given, &path).await?;
            Ok(id.expect("an item of a list is given"))
        });
        try_join_all(ids).await.map(Some)
    }

    pub fn text(&self, argument: &str) -> Option<&str> {
        match self.arguments.get(argument) {
            Some(Value::String(text)) => Some(text),
            Some(Value::Enum(name)) => Some(name),
            _ => None,
        }
    }

    /// The texts or names of a list; none if it is absent.
    pub fn texts(&self, argument: &str) -> Option<Vec<String>> {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Enum(name) => name.to_string(),
            other => other.to_string(),
        };
        match self.arguments.get(argument) {
            Some(Value::List(values)) => Some(values.iter().map(text).collect()),
            _ => None,
        }
    }

    /// The number in an argument; none if it is absent.
    pub fn given_number(&self, argument: &str) -> Option<i64> {
        match self.arguments.get(argument) {
            Some(Value::Number(number)) => number.as_i64(),
            _ => None,
        }
    }

    /// The number in an argument, whose range was checked already.
    pub fn number(&self, argument: &str, default: i64) -> i64 {
        self.given_number(argument).unwrap_or(default)
    }

    /// The page that `first` and `after` select, in an order of this name and key.
    pub fn page(&self, order: &str, key: KeyKind) -> Result<Page, ApiError> {
        let size = self.given_number("first");
        let after = self.text("after").map(|text| Cursor::decode(text, order, Some(key), "after"));
        Page::new(size, None, after.transpose()?, None)
    }

    /// Whether records or page information are selected.
    pub fn wants_page(&self) -> bool {
        ["edges", "nodes", "pageInfo"].iter().any(|field| self.wants(field))
    }

    pub fn wants(&self, field: &str) -> bool {
        self.fields.iter().any(|selected| selected == field)
    }
}

/// A connection as a value: its edges with their cursors, whether there are others before and after them, and
/// the total if it is selected.
pub fn connection(
    order: &str,
    edges: Vec<(Cursor, Vec<(&'static str, ComputedValue)>)>,
    [before, behind]: [bool; 2],
    total: Option<i64>,
) -> ComputedValue {
    let cursors: Vec<String> = edges.iter().map(|(cursor, _)| cursor.encode(order)).collect();
    let page_info = ComputedValue::Object(vec![
        ("hasNextPage", ComputedValue::Boolean(behind)),
        ("hasPreviousPage", ComputedValue::Boolean(before)),
        ("startCursor", ComputedValue::text(cursors.first().cloned())),
        ("endCursor", ComputedValue::text(cursors.last().cloned())),
    ]);
    let edges = edges.into_iter().zip(cursors).map(|((_, mut edge), cursor)| {
        edge.push(("cursor", ComputedValue::Text(cursor)));
        ComputedValue::Object(edge)
    });
    let edges: Vec<ComputedValue> = edges.collect();
    let nodes = edges.iter().map(|edge| edge.field("node").clone()).collect();
    ComputedValue::Object(vec![
        ("edges", ComputedValue::List(edges)),
        ("nodes", ComputedValue::List(nodes)),
        ("pageInfo", page_info),
        ("totalCount", total.map_or(ComputedValue::Null, ComputedValue::Int)),
    ])
}

/// The type of a connection that a domain module computes, of records that are one of several kinds.
pub fn connection_of(
    name: &'static str,
    edge: &'static str,
    (type_name, choices): (&'static str, Vec<(&'static str, &'static str)>),
    description: &'static str,
) -> ObjectType {
    ObjectType::new(name, "", description)
        .field(part("edges", edge, Cardinality::List, "The records of the page, in order."))
        .field(references("nodes", type_name, choices, NODES))
        .field(part(
            "pageInfo",
            "PageInfo",
            Cardinality::One,
            "Cursors of the page, and whether there are more records.",
        ))
        .field(column(
            "totalCount",
            Scalar::Int,
            "The number of records on all pages; counted only when selected.",
        ))
}

/// The description of `nodes`.
pub const NODES: &str = "The records of the page in order, without edges and their cursors.";

/// The cursor of an edge in such a connection.
pub fn cursor() -> FieldDeclaration {
    column("cursor", Scalar::Cursor, "The record's cursor.")
}

/// Where a page lies among all pages of its connection.
pub fn page_info() -> ObjectType {
    ObjectType::new(
        "PageInfo",
        "",
        "Cursors of a page, and whether there are more records before and after it.",
    )
    .field(column("hasNextPage", Scalar::Boolean, "Whether there are records after this page."))
    .field(column("hasPreviousPage", Scalar::Boolean, "Whether there are records before this page."))
    .field(
        column("startCursor", Scalar::Cursor, "Cursor of the first record; null on an empty page.")
            .nullable(),
    )
    .field(
        column("endCursor", Scalar::Cursor, "Cursor of the last record; null on an empty page.").nullable(),
    )
}

/// A field that a domain module computes, with a part of this object type as its value.
pub fn computed(
    name: &'static str,
    part: ValueType,
    arguments: Vec<Argument>,
    compute: impl for<'a> Fn(ResolveContext<'a>) -> Resolving<'a> + Send + Sync + 'static,
    description: &'static str,
) -> FieldDeclaration {
    let compute = Arc::new(compute);
    let computed = Computed {
        part,
        arguments,
        cost: 100,
        price: None,
        role: Role::Anonymous,
        whole_text: false,
        per_caller: false,
        nothing: None,
        compute,
    };
    Field::new(name, description, FieldKind::Computed(computed)).into()
}

impl FieldDeclaration {
    fn computed(&mut self) -> &mut Computed {
        match &mut self.field.kind {
            FieldKind::Computed(computed) => computed,
            _ => unreachable!("only computed fields are declared this way"),
        }
    }

    /// Only callers of this role, or a higher one, may select it.
    #[must_use]
    pub fn requires_role(mut self, role: Role) -> Self {
        self.computed().role = role;
        self
    }

    /// It is a source's whole text: a setting says who may select it.
    #[must_use]
    pub fn whole_text(mut self) -> Self {
        self.computed().whole_text = true;
        self
    }

    /// It costs nothing to compute.
    #[must_use]
    pub fn free(mut self) -> Self {
        self.computed().cost = 0;
        self
    }

    /// Its cost depends on its arguments.
    #[must_use]
    pub fn with_cost(mut self, price: CostFunction) -> Self {
        self.computed().price = Some(price);
        self
    }

    /// Computing it changes the base; `nothing` stands in its place where it came to nothing, though something
    /// else of the request was done.
    #[must_use]
    pub fn mutating(mut self, nothing: ComputedValue) -> Self {
        self.computed().nothing = Some(nothing);
        self
    }

    /// Its value depends on the caller, so responses are not shared between callers.
    #[must_use]
    pub fn per_caller(mut self) -> Self {
        self.computed().per_caller = true;
        self
    }
}

pub fn argument(name: &'static str, ty: &'static str, description: &'static str) -> Argument {
    Argument { name, ty, description, of: None, takes: ArgumentRule::Anything, deprecation: None }
}

/// An argument that takes a number from 1 to `most`.
pub fn number(name: &'static str, most: i64, description: &'static str) -> Argument {
    argument(name, "Int", description).taking(ArgumentRule::Within(1..=most))
}

/// The `asOf` argument of a root field. The engine applies it: the field itself reads as for today.
pub fn as_of() -> Argument {
    argument(as_of::ARGUMENT, as_of::INPUT, as_of::DESCRIPTION)
}

/// The arguments of a page that only goes forward, in an order of this name and key.
pub fn page_arguments(order: &'static str, key: KeyKind) -> [Argument; 2] {
    let first = argument("first", "Int", "Page size. Default: 20. Maximum: 100.");
    let after = argument("after", "Cursor", "Only entries after this cursor.");
    [first.taking(ArgumentRule::Within(0..=MAX_PAGE)), after.taking(ArgumentRule::Cursor(order, key))]
}

/// Maximum number of words that are counted; longer texts are refused.
pub const WORDS: usize = 500;

/// The number of words of a search text.
pub fn words(text: &str) -> usize {
    text.split_whitespace().count().clamp(1, WORDS)
}

/// A number as costs are computed with it.
#[allow(clippy::cast_precision_loss)]
pub fn float(number: usize) -> f64 {
    number as f64
}
