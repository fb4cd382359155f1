//! The plan of a selection: the levels to fetch, the steps between them, and how the response is written from their
//! rows. It is made once per document and contains no values of a request.

pub mod bind;
pub mod cost;
mod grouping;
mod planner;

use std::sync::atomic::AtomicUsize;

use async_graphql::{
    Positioned,
    parser::types::{ExecutableDocument, Field as Selected},
};
use async_graphql_value::{Name, Value as Literal};

pub use self::planner::make;
use crate::{
    engine::sql::SelectedColumn,
    error::PathStep,
    model::object_type::{
        Cardinality, Facet, ObjectType, OwnedList, Scalar, ToMany,
        computed::{Computed, ComputedValue},
    },
};

#[derive(Debug)]
pub struct Plan {
    /// The root: a level of one row without columns.
    pub root: Level,
    pub object: Object,
    /// Whether the steps of the root run in order, as in a mutation.
    pub in_order: bool,
    /// The number of steps on all levels.
    pub steps: usize,
    /// The introspection part of the operation.
    pub introspection: Option<ExecutableDocument>,
    /// The length of the last response, as an estimate for the next.
    pub length: AtomicUsize,
}

/// Rows of one object type, fetched by one statement for all parents.
#[derive(Debug)]
pub struct Level {
    pub object_type: &'static ObjectType,
    /// SQL over the row's alias `t`, or its link's alias `l`.
    pub columns: Vec<SelectedColumn>,
    pub steps: Vec<Step>,
}

/// A step from the rows of one level to those of others.
#[derive(Debug)]
pub struct Step {
    /// Its number among all steps of the plan.
    pub number: usize,
    /// Response keys from the root, for errors.
    pub path: Vec<PathStep>,
    pub arguments: Arguments,
    pub kind: StepKind,
}

impl Step {
    /// The field of a mutation's record, which is null if the mutation failed.
    pub fn nothing(&self) -> Option<&'static ComputedValue> {
        match self.kind {
            StepKind::Computed { computed, .. } => computed.nothing.as_ref(),
            _ => None,
        }
    }
}

#[derive(Debug)]
pub enum StepKind {
    ToOne(Vec<Reference>),
    OwnedList {
        values: &'static OwnedList,
        owner: usize,
        level: Level,
    },
    References {
        values: &'static OwnedList,
        owner: usize,
        level: Level,
        to: Vec<Reference>,
    },
    ToMany {
        many: &'static ToMany,
        owner: Option<usize>,
        level: Level,
        wants: ConnectionSelection,
        aggregates: Vec<Aggregate>,
    },
    Lookup(Level),
    Nodes(Vec<Level>),
    Computed {
        computed: &'static Computed,
        owner: Option<usize>,
        /// The names of the selected fields at any depth.
        fields: Vec<String>,
        places: Vec<RecordPath>,
    },
}

impl StepKind {
    /// All levels that it fetches.
    pub fn levels(&self) -> Vec<&Level> {
        match self {
            StepKind::ToOne(references) => references.iter().map(|reference| &reference.level).collect(),
            StepKind::References { level, to, .. } => {
                to.iter().map(|reference| &reference.level).chain([level]).collect()
            }
            StepKind::OwnedList { level, .. } | StepKind::Lookup(level) => vec![level],
            StepKind::ToMany { level, aggregates, .. } => {
                let aggregated = aggregates.iter().filter_map(Aggregate::level);
                [level].into_iter().chain(aggregated).collect()
            }
            StepKind::Nodes(levels) => levels.iter().collect(),
            StepKind::Computed { places, .. } => places.iter().flat_map(|place| &place.kinds).collect(),
        }
    }
}

/// Where a computed value contains records: the path of fields, and the possible types.
#[derive(Debug)]
pub struct RecordPath {
    pub fields: Vec<&'static str>,
    pub kinds: Vec<Level>,
}

/// An aggregate of a connection.
#[derive(Debug)]
pub enum Aggregate {
    /// The number of records, as exact as the argument says.
    Count(Arguments),
    /// The number of records per value; the level has the columns `value` and `count`.
    Facet { facet: &'static Facet, arguments: Arguments, level: Level },
    /// The number of records per group; the level has a column for each key, and the counts.
    Groups { arguments: Arguments, level: Level },
}

impl Aggregate {
    pub fn arguments(&self) -> &Arguments {
        match self {
            Aggregate::Count(arguments)
            | Aggregate::Facet { arguments, .. }
            | Aggregate::Groups { arguments, .. } => arguments,
        }
    }

    /// The rows of it, if it has rows.
    pub fn level(&self) -> Option<&Level> {
        match self {
            Aggregate::Count(_) => None,
            Aggregate::Facet { level, .. } | Aggregate::Groups { level, .. } => Some(level),
        }
    }
}

/// A possible type of a reference: the parent's column, and the level to read.
#[derive(Debug)]
pub struct Reference {
    pub column: usize,
    pub level: Level,
}

/// The selection of a connection, apart from its arguments.
#[derive(Debug, Default)]
pub struct ConnectionSelection {
    pub rows: bool,
    pub cursors: bool,
    /// Whether `pageInfo` selects if there are more records.
    pub sides: bool,
    /// The column of the id, if cursors are selected.
    pub id: usize,
}

#[derive(Debug, Default)]
pub struct Arguments(Vec<(String, Literal)>);

impl Arguments {
    fn of(field: &Selected) -> Self {
        let argument = |(name, value): &(Positioned<Name>, Positioned<Literal>)| {
            (name.node.to_string(), value.node.clone())
        };
        Arguments(field.arguments.iter().map(argument).collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Literal)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub fn get(&self, name: &str) -> Option<&Literal> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value)
    }
}

/// The fields of a record, in order.
#[derive(Debug, Default)]
pub struct Object(pub Vec<Entry<Output>>);

/// A field of the response.
#[derive(Debug)]
pub struct Entry<T> {
    pub key: String,
    /// The key as JSON, with its colon.
    pub label: String,
    pub out: T,
}

impl<T> Entry<T> {
    fn new(key: &str, out: T) -> Self {
        // A response key is a GraphQL name, which needs no escapes.
        Entry { key: key.to_owned(), label: format!("\"{key}\":"), out }
    }
}

#[derive(Debug)]
pub enum Output {
    Typename(&'static str),
    Column {
        index: usize,
        scalar: Scalar,
        nullable: bool,
    },
    /// The one record of a step, written as its type.
    ToOne {
        step: usize,
        objects: Vec<Object>,
        nullable: bool,
    },
    /// All values of a step.
    OwnedList {
        step: usize,
        object: Object,
    },
    /// All records of a step.
    References {
        step: usize,
        objects: Vec<Object>,
    },
    Connection {
        step: usize,
        entries: Vec<Entry<ConnectionOutput>>,
    },
    Nodes {
        step: usize,
        objects: Vec<Object>,
    },
    Computed {
        step: usize,
        out: ComputedOutput,
        form: Cardinality,
    },
    Introspection,
}

/// How a computed value is written.
#[derive(Debug)]
pub enum ComputedOutput {
    Typename(&'static str),
    Scalar,
    Object(Vec<Entry<ComputedField>>),
    /// A record: the index of its record path, and how each type is written.
    Record {
        place: usize,
        objects: Vec<(&'static str, Object)>,
    },
}

impl ComputedOutput {
    /// The names of all fields, each with its path: `edges.node.score`.
    fn names(&self, within: &str, names: &mut Vec<String>) {
        let ComputedOutput::Object(entries) = self else { return };
        for Entry { out: field, .. } in entries {
            let name = format!("{within}{}", field.name);
            field.out.names(&format!("{name}."), names);
            names.push(name);
        }
    }

    /// The key of the first nullable field, preferably a record.
    pub fn first_nullable(&self) -> Option<&str> {
        let ComputedOutput::Object(entries) = self else { return None };
        let nullable = || entries.iter().filter(|entry| entry.out.nullable);
        let record = nullable().find(|entry| matches!(entry.out.out, ComputedOutput::Record { .. }));
        record.or_else(|| nullable().next()).map(|entry| entry.key.as_str())
    }
}

#[derive(Debug)]
pub struct ComputedField {
    pub name: &'static str,
    pub nullable: bool,
    pub out: ComputedOutput,
}

#[derive(Debug)]
pub enum ConnectionOutput {
    Typename(String),
    /// The count at this index of the aggregates.
    TotalCount(usize),
    Count(usize, Vec<Entry<CountOutput>>),
    Facets(Vec<Entry<FacetOutput>>),
    /// The groups at this index of the aggregates.
    Groups(usize, Object),
    PageInfo(Vec<Entry<PageInfo>>),
    Edges(Vec<Entry<EdgeOutput>>),
    Nodes(Object),
}

#[derive(Clone, Copy, Debug)]
pub enum CountOutput {
    Typename,
    Value,
    Precision,
}

#[derive(Debug)]
pub enum FacetOutput {
    Typename(String),
    /// The facet at this index of the aggregates.
    Counts(usize, Object),
}

#[derive(Clone, Copy, Debug)]
pub enum PageInfo {
    Typename,
    HasNextPage,
    HasPreviousPage,
    StartCursor,
    EndCursor,
}

#[derive(Debug)]
pub enum EdgeOutput {
    Typename(String),
    Cursor,
    Node(Object),
    Attribute { index: usize, scalar: Scalar, nullable: bool },
}
