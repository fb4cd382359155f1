//! A selection made into a plan: for each level the columns to fetch, and how the answer is
//! written from them. Made once for a document, it holds nothing of a request.

pub mod bind;
pub mod cost;

use std::{cell::Cell, sync::atomic::AtomicUsize};

use async_graphql::{
    Pos, Positioned,
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, Field as Selected, OperationDefinition,
        OperationType, Selection, SelectionSet,
    },
};
use async_graphql_value::{Name, Value as Literal};
use indexmap::IndexMap;

use crate::{
    engine::{prepare::coerce::Variables, sql::SelectedColumn},
    error::{ApiError, Code, PathStep},
    model::{
        Catalog, facet_of,
        object_type::{
            Cardinality, Column, Facet, Field, FieldKind, Join, ObjectType, OwnedItem, OwnedList, Scalar,
            ToMany, ToOne, ValueType,
            computed::{Computed, ComputedValue},
        },
        sql::{Expression, Reads},
    },
};

/// What an operation fetches and writes.
#[derive(Debug)]
pub struct Plan {
    /// The root, as a level of one row without columns.
    pub root: Level,
    pub answer: Object,
    /// Whether the edges of the root run one after the other: those of a mutation.
    pub in_order: bool,
    /// How many edges all levels have together.
    pub edges: usize,
    /// The operation without its data, where it asks about the schema.
    pub introspection: Option<ExecutableDocument>,
    /// How long the last answer was: the next will be about as long.
    pub length: AtomicUsize,
}

/// Rows of one object type, fetched by one statement for all their parents.
#[derive(Debug)]
pub struct Level {
    pub object_type: &'static ObjectType,
    /// SQL over the row's alias `t`, or over its link's alias `l`.
    pub columns: Vec<SelectedColumn>,
    pub edges: Vec<Step>,
}

/// A way from the rows of a level to the rows of others.
#[derive(Debug)]
pub struct Step {
    /// Its number among all edges of the plan.
    pub number: usize,
    /// Response keys from the root, for errors.
    pub path: Vec<PathStep>,
    pub arguments: Arguments,
    pub way: StepKind,
}

impl Step {
    /// What stands in the place of a mutation that came to nothing; none where it is no mutation.
    pub fn nothing(&self) -> Option<&'static ComputedValue> {
        match self.way {
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
        asides: Vec<Aggregate>,
    },
    Lookup(Level),
    Nodes(Vec<Level>),
    Computed {
        computed: &'static Computed,
        owner: Option<usize>,
        /// Names of the fields asked of it and within it.
        fields: Vec<String>,
        places: Vec<RecordPath>,
    },
}

impl StepKind {
    /// All levels that it leads to.
    pub fn levels(&self) -> Vec<&Level> {
        match self {
            StepKind::ToOne(references) => references.iter().map(|reference| &reference.level).collect(),
            StepKind::References { level, to, .. } => {
                to.iter().map(|reference| &reference.level).chain([level]).collect()
            }
            StepKind::OwnedList { level, .. } | StepKind::Lookup(level) => vec![level],
            StepKind::ToMany { level, asides, .. } => {
                let facets = asides.iter().filter_map(|aside| match aside {
                    Aggregate::Facet { level, .. } => Some(level),
                    Aggregate::Count(_) => None,
                });
                [level].into_iter().chain(facets).collect()
            }
            StepKind::Nodes(levels) => levels.iter().collect(),
            StepKind::Computed { places, .. } => places.iter().flat_map(|place| &place.kinds).collect(),
        }
    }
}

/// Where a computed value names records: the way there from field to field, and the kinds that they
/// may be of.
#[derive(Debug)]
pub struct RecordPath {
    pub way: Vec<&'static str>,
    pub kinds: Vec<Level>,
}

/// What a connection is asked for besides its records.
#[derive(Debug)]
pub enum Aggregate {
    /// How many there are, as exactly as the argument says.
    Count(Arguments),
    /// How many there are of each value; the level has the columns `value` and `count`.
    Facet { facet: &'static Facet, arguments: Arguments, level: Level },
}

/// One kind of record that a reference may lead to: the parent's column, and what is read there.
#[derive(Debug)]
pub struct Reference {
    pub column: usize,
    pub level: Level,
}

/// What a connection is asked for besides its arguments.
#[derive(Debug, Default)]
pub struct ConnectionSelection {
    pub rows: bool,
    pub cursors: bool,
    /// Whether it is asked if there are records before or behind the page.
    pub sides: bool,
    /// The column of the id, where cursors are wanted.
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

/// What is written for one object, in order.
#[derive(Debug, Default)]
pub struct Object(pub Vec<Entry>);

#[derive(Debug)]
pub struct Entry {
    pub key: String,
    /// The key as JSON, with its colon.
    pub label: String,
    pub out: Output,
}

#[derive(Debug)]
pub enum Output {
    Typename(&'static str),
    Column {
        index: usize,
        scalar: Scalar,
        nullable: bool,
    },
    /// The one record that an edge leads to, written by the kind of record it is.
    ToOne {
        edge: usize,
        answers: Vec<Object>,
        nullable: bool,
    },
    /// All values of an edge.
    OwnedList {
        edge: usize,
        answer: Object,
    },
    /// All records of an edge.
    References {
        edge: usize,
        answers: Vec<Object>,
    },
    Connection {
        edge: usize,
        entries: Vec<ConnectionEntry>,
    },
    Nodes {
        edge: usize,
        answers: Vec<Object>,
    },
    Computed {
        edge: usize,
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
    Object(Vec<ComputedEntry>),
    /// A record: its place among the edge's places for records, and how each kind is written.
    Record {
        place: usize,
        answers: Vec<(&'static str, Object)>,
    },
}

impl ComputedOutput {
    /// The names of all fields within, each with the way to it: `edges.node.score`.
    fn names(&self, within: &str, names: &mut Vec<String>) {
        let ComputedOutput::Object(entries) = self else { return };
        for entry in entries {
            let name = format!("{within}{}", entry.name);
            entry.out.names(&format!("{name}."), names);
            names.push(name);
        }
    }
}

impl ComputedOutput {
    /// The key of the first field that may be null: of a record, if there is one.
    pub fn first_nullable(&self) -> Option<&str> {
        let ComputedOutput::Object(entries) = self else { return None };
        let nullable = || entries.iter().filter(|entry| entry.nullable);
        let record = nullable().find(|entry| matches!(entry.out, ComputedOutput::Record { .. }));
        record.or_else(|| nullable().next()).map(|entry| entry.key.as_str())
    }
}

#[derive(Debug)]
pub struct ComputedEntry {
    pub key: String,
    pub label: String,
    /// The field of the value.
    pub name: &'static str,
    pub nullable: bool,
    pub out: ComputedOutput,
}

#[derive(Debug)]
pub struct ConnectionEntry {
    pub label: String,
    pub out: ConnectionOutput,
}

#[derive(Debug)]
pub enum ConnectionOutput {
    Typename(String),
    /// The count at this place among the asides.
    TotalCount(usize),
    Count(usize, Vec<(String, CountOutput)>),
    Facets(Vec<(String, FacetOutput)>),
    PageInfo(Vec<(String, PageInfo)>),
    Edges(Vec<(String, EdgeOutput)>),
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
    /// The counts at this place among the asides, each written like this.
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

impl Level {
    fn new(object_type: &'static ObjectType) -> Self {
        Level { object_type, columns: Vec::new(), edges: Vec::new() }
    }

    /// The place of a value in the level's rows.
    fn select(&mut self, expression: &Expression, alias: &str, reads: Reads) -> usize {
        let sql = expression.of(alias);
        self.columns.iter().position(|known| known.sql == sql).unwrap_or_else(|| {
            let own = expression.column().filter(|_| alias == "t");
            let column = own.map(|column| column.to_owned().into());
            self.columns.push(SelectedColumn { sql, column, reads });
            self.columns.len() - 1
        })
    }

    /// The place of one of the columns of its own row.
    fn column(&mut self, column: &'static str) -> usize {
        self.select(&Expression::Column(column.into()), "t", Reads::Row)
    }

    fn id(&mut self) -> usize {
        self.column("id")
    }
}

/// Makes the plan of an operation. `variables` decide `@skip` and `@include`, and nothing else.
pub fn make<'a>(
    catalog: &'static Catalog,
    ast: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    introspection: bool,
) -> Result<Plan, ApiError> {
    let planner = Planner { catalog, ast, variables, edges: Cell::new(0) };
    let mut root = Level::new(catalog.root(operation.ty));
    let sets = [&operation.selection_set.node];
    let answer = planner.object(root.object_type, &sets, &mut root, &[]);
    let asks_about_schema = answer.0.iter().any(|entry| matches!(entry.out, Output::Introspection));
    if asks_about_schema && !introspection {
        return Err(ApiError::new(Code::Forbidden, "Introspection is disabled on this server."));
    }
    let introspection = asks_about_schema.then(|| planner.introspection(operation));
    let in_order = operation.ty == OperationType::Mutation;
    Ok(Plan {
        root,
        answer,
        in_order,
        edges: planner.edges.get(),
        introspection,
        length: AtomicUsize::new(4096),
    })
}

struct Planner<'a> {
    catalog: &'static Catalog,
    ast: &'a ExecutableDocument,
    variables: &'a Variables,
    /// Edges planned so far.
    edges: Cell<usize>,
}

/// A response key with every selection that was made under it.
struct Collected<'a> {
    field: &'a Selected,
    sets: Vec<&'a SelectionSet>,
}

impl<'a> Planner<'a> {
    /// The fields that a selection asks of one concrete type, in order of their first mention.
    fn collect(&self, concrete: &str, sets: &[&'a SelectionSet]) -> IndexMap<&'a str, Collected<'a>> {
        let mut collected = IndexMap::new();
        for set in sets {
            self.collect_into(concrete, set, &mut collected);
        }
        collected
    }

    fn collect_into(
        &self,
        concrete: &str,
        set: &'a SelectionSet,
        collected: &mut IndexMap<&'a str, Collected<'a>>,
    ) {
        for selection in &set.items {
            if self.is_skipped(selection.node.directives().iter().map(|directive| &directive.node)) {
                continue;
            }
            let (condition, inner) = match &selection.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let entry = collected
                        .entry(field.response_key().node.as_str())
                        .or_insert_with(|| Collected { field, sets: Vec::new() });
                    entry.sets.push(&field.selection_set.node);
                    continue;
                }
                Selection::InlineFragment(inline) => {
                    (inline.node.type_condition.as_ref(), &inline.node.selection_set)
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = &self.ast.fragments[&spread.node.fragment_name.node].node;
                    (Some(&fragment.type_condition), &fragment.selection_set)
                }
            };
            if condition.is_none_or(|condition| self.catalog.is(concrete, &condition.node.on.node)) {
                self.collect_into(concrete, &inner.node, collected);
            }
        }
    }

    fn is_skipped<'d>(&self, directives: impl Iterator<Item = &'d Directive>) -> bool {
        directives.into_iter().any(|directive| {
            let skips = directive.name.node == "skip";
            (skips || directive.name.node == "include")
                && directive
                    .get_argument("if")
                    .is_some_and(|condition| self.is_true(&condition.node) == skips)
        })
    }

    fn is_true(&self, condition: &Literal) -> bool {
        let value = match condition {
            Literal::Variable(name) => self.variables.get(name).cloned().map(Literal::from),
            literal => Some(literal.clone()),
        };
        value == Some(Literal::Boolean(true))
    }

    /// Plans an object of an object type, adding what it needs to its level.
    fn object(
        &self,
        object_type: &'static ObjectType,
        sets: &[&'a SelectionSet],
        level: &mut Level,
        path: &[PathStep],
    ) -> Object {
        let entries = self.collect(object_type.name, sets).into_iter().map(|(key, collected)| {
            let path = [path, &[PathStep::Key(key.to_owned())]].concat();
            let name = collected.field.name.node.as_str();
            let out = match name {
                "__typename" => Output::Typename(object_type.name),
                "__schema" | "__type" => Output::Introspection,
                name => {
                    let field = object_type.fields.iter().find(|field| field.name == name);
                    self.field(field.expect("validated"), &collected, level, path)
                }
            };
            Entry { key: key.to_owned(), label: label(key), out }
        });
        Object(entries.collect())
    }

    fn field(
        &self,
        field: &'static Field,
        collected: &Collected<'a>,
        level: &mut Level,
        path: Vec<PathStep>,
    ) -> Output {
        let (way, out) = match &field.kind {
            FieldKind::Column(column) => return column_out(column, level, "t"),
            FieldKind::ToOne(one) => {
                let (references, answers) = self.references(one, collected, level, &path);
                let edge = level.edges.len();
                (StepKind::ToOne(references), Output::ToOne { edge, answers, nullable: one.nullable })
            }
            FieldKind::OwnedList(values) => self.values(values, collected, level, &path),
            FieldKind::ToMany(many) => self.connection(many, collected, level, &path),
            FieldKind::Computed(computed) => self.computed(computed, collected, level, &path),
            FieldKind::ValueType(_) | FieldKind::Scalars(_) | FieldKind::Records(_) => {
                unreachable!("these stand within what is computed")
            }
            FieldKind::Lookup(object_type) => {
                let mut inner = Level::new(self.catalog.named(object_type));
                let answer = self.object(inner.object_type, &collected.sets, &mut inner, &path);
                let edge = level.edges.len();
                (StepKind::Lookup(inner), Output::ToOne { edge, answers: vec![answer], nullable: true })
            }
            FieldKind::Node | FieldKind::Nodes => {
                let (levels, answers) = self
                    .catalog
                    .records()
                    .map(|object_type| self.level(object_type, collected, &path))
                    .unzip();
                let edge = level.edges.len();
                let out = if matches!(field.kind, FieldKind::Node) {
                    Output::ToOne { edge, answers, nullable: true }
                } else {
                    Output::Nodes { edge, answers }
                };
                (StepKind::Nodes(levels), out)
            }
        };
        let arguments = Arguments::of(collected.field);
        let number = self.edges.replace(self.edges.get() + 1);
        level.edges.push(Step { number, path, arguments, way });
        out
    }

    /// A level of an object type of its own, with its answer.
    fn level(
        &self,
        object_type: &'static ObjectType,
        collected: &Collected<'a>,
        path: &[PathStep],
    ) -> (Level, Object) {
        let mut level = Level::new(object_type);
        level.id();
        let answer = self.object(object_type, &collected.sets, &mut level, path);
        (level, answer)
    }

    fn references(
        &self,
        one: &ToOne,
        collected: &Collected<'a>,
        level: &mut Level,
        path: &[PathStep],
    ) -> (Vec<Reference>, Vec<Object>) {
        let choice = |(object_type, column): &(&'static str, &'static str)| {
            let column = level.column(column);
            let (level, answer) = self.level(self.catalog.named(object_type), collected, path);
            (Reference { column, level }, answer)
        };
        one.choices.iter().map(choice).unzip()
    }

    fn values(
        &self,
        values: &'static OwnedList,
        collected: &Collected<'a>,
        level: &mut Level,
        path: &[PathStep],
    ) -> (StepKind, Output) {
        let owner = level.id();
        let edge = level.edges.len();
        match &values.of {
            OwnedItem::Shape(shape) => {
                let mut inner = Level::new(self.catalog.named(shape));
                let answer = self.object(inner.object_type, &collected.sets, &mut inner, path);
                (StepKind::OwnedList { values, owner, level: inner }, Output::OwnedList { edge, answer })
            }
            OwnedItem::Reference(one) => {
                let mut inner = Level::new(self.catalog.root(OperationType::Query));
                let (to, answers) = self.references(one, collected, &mut inner, path);
                (
                    StepKind::References { values, owner, level: inner, to },
                    Output::References { edge, answers },
                )
            }
        }
    }

    fn connection(
        &self,
        many: &'static ToMany,
        collected: &Collected<'a>,
        level: &mut Level,
        path: &[PathStep],
    ) -> (StepKind, Output) {
        let mut inner = Level::new(self.catalog.named(many.to));
        let (mut wants, mut asides) = (ConnectionSelection::default(), Vec::new());
        let name = format!("{}Connection", many.stem);
        let entries = self.collect(&name, &collected.sets).into_iter().map(|(key, field)| {
            let out = match field.field.name.node.as_str() {
                "__typename" => ConnectionOutput::Typename(name.clone()),
                "totalCount" => {
                    asides.push(Aggregate::Count(Arguments::default()));
                    ConnectionOutput::TotalCount(asides.len() - 1)
                }
                "count" => {
                    asides.push(Aggregate::Count(Arguments::of(field.field)));
                    ConnectionOutput::Count(asides.len() - 1, self.count(&field.sets))
                }
                "facets" => {
                    let path = [path, &[PathStep::Key(key.to_owned())]].concat();
                    ConnectionOutput::Facets(self.facets(inner.object_type, &field.sets, &mut asides, &path))
                }
                "pageInfo" => {
                    wants.rows = true;
                    ConnectionOutput::PageInfo(self.page_info(&field.sets, &mut wants))
                }
                "nodes" => {
                    wants.rows = true;
                    let path = [path, &[PathStep::Key(key.to_owned())]].concat();
                    ConnectionOutput::Nodes(self.object(inner.object_type, &field.sets, &mut inner, &path))
                }
                _ => {
                    wants.rows = true;
                    let path = [path, &[PathStep::Key(key.to_owned())]].concat();
                    ConnectionOutput::Edges(self.edges(many, &field.sets, &mut inner, &mut wants, &path))
                }
            };
            ConnectionEntry { label: label(key), out }
        });
        let entries = entries.collect();
        if wants.cursors {
            wants.id = inner.id();
        }
        if wants.rows && matches!(many.via, Join::Link(..)) {
            // What stands on the page is not told by its owner alone.
            inner.id();
        }
        let owner = (!level.object_type.is_root()).then(|| level.id());
        let edge = level.edges.len();
        (StepKind::ToMany { many, owner, level: inner, wants, asides }, Output::Connection { edge, entries })
    }

    fn count(&self, sets: &[&'a SelectionSet]) -> Vec<(String, CountOutput)> {
        let entries = self.collect("Count", sets).into_iter().map(|(key, field)| {
            let out = match field.field.name.node.as_str() {
                "value" => CountOutput::Value,
                "precision" => CountOutput::Precision,
                _ => CountOutput::Typename,
            };
            (label(key), out)
        });
        entries.collect()
    }

    fn facets(
        &self,
        object_type: &'static ObjectType,
        sets: &[&'a SelectionSet],
        asides: &mut Vec<Aggregate>,
        path: &[PathStep],
    ) -> Vec<(String, FacetOutput)> {
        let name = format!("{}Facets", object_type.name);
        let entries = self.collect(&name, sets).into_iter().map(|(key, field)| {
            let asked = field.field.name.node.as_str();
            let out = match object_type.facets.iter().find(|facet| facet.name == asked) {
                None => FacetOutput::Typename(name.clone()),
                Some(facet) => {
                    let mut level = Level::new(self.catalog.named(&facet_of(facet)));
                    let path = [path, &[PathStep::Key(key.to_owned())]].concat();
                    let answer = self.object(level.object_type, &field.sets, &mut level, &path);
                    asides.push(Aggregate::Facet { facet, arguments: Arguments::of(field.field), level });
                    FacetOutput::Counts(asides.len() - 1, answer)
                }
            };
            (label(key), out)
        });
        entries.collect()
    }

    fn computed(
        &self,
        computed: &'static Computed,
        collected: &Collected<'a>,
        level: &mut Level,
        path: &[PathStep],
    ) -> (StepKind, Output) {
        let owner = (!level.object_type.is_root()).then(|| level.id());
        let mut places = Vec::new();
        let out = self.tree(computed.part, &collected.sets, &mut places, &[], path);
        let mut fields = Vec::new();
        out.names("", &mut fields);
        let edge = level.edges.len();
        (
            StepKind::Computed { computed, owner, fields, places },
            Output::Computed { edge, out, form: computed.part.form },
        )
    }

    /// A computed value with fields of its own.
    fn tree(
        &self,
        part: ValueType,
        sets: &[&'a SelectionSet],
        places: &mut Vec<RecordPath>,
        way: &[&'static str],
        path: &[PathStep],
    ) -> ComputedOutput {
        let object_type = self.catalog.named(part.of);
        let entries = self.collect(object_type.name, sets).into_iter().map(|(key, collected)| {
            let path = [path, &[PathStep::Key(key.to_owned())]].concat();
            let field =
                object_type.fields.iter().find(|field| field.name == collected.field.name.node.as_str());
            let (name, nullable, out) = match field {
                None => ("__typename", false, ComputedOutput::Typename(object_type.name)),
                Some(Field { name, kind, .. }) => match kind {
                    FieldKind::Column(column) => (*name, column.nullable, ComputedOutput::Scalar),
                    FieldKind::Scalars(_) => (*name, false, ComputedOutput::Scalar),
                    FieldKind::ValueType(part) => {
                        let out = self.tree(*part, &collected.sets, places, &[way, &[*name]].concat(), &path);
                        (*name, part.form == Cardinality::Maybe, out)
                    }
                    FieldKind::ToOne(one) | FieldKind::Records(one) => {
                        let kind = |(object_type, _): &(&'static str, _)| {
                            let (level, answer) =
                                self.level(self.catalog.named(object_type), &collected, &path);
                            (level, (*object_type, answer))
                        };
                        let (kinds, answers) = one.choices.iter().map(kind).unzip();
                        places.push(RecordPath { way: [way, &[*name]].concat(), kinds });
                        (*name, one.nullable, ComputedOutput::Record { place: places.len() - 1, answers })
                    }
                    kind => unreachable!("nothing computed has {kind:?}"),
                },
            };
            ComputedEntry { key: key.to_owned(), label: label(key), name, nullable, out }
        });
        ComputedOutput::Object(entries.collect())
    }

    fn page_info(
        &self,
        sets: &[&'a SelectionSet],
        wants: &mut ConnectionSelection,
    ) -> Vec<(String, PageInfo)> {
        let entries = self.collect("PageInfo", sets).into_iter().map(|(key, field)| {
            let out = match field.field.name.node.as_str() {
                "hasNextPage" => PageInfo::HasNextPage,
                "hasPreviousPage" => PageInfo::HasPreviousPage,
                "startCursor" => PageInfo::StartCursor,
                "endCursor" => PageInfo::EndCursor,
                _ => PageInfo::Typename,
            };
            wants.cursors |= matches!(out, PageInfo::StartCursor | PageInfo::EndCursor);
            wants.sides |= matches!(out, PageInfo::HasNextPage | PageInfo::HasPreviousPage);
            (label(key), out)
        });
        entries.collect()
    }

    fn edges(
        &self,
        many: &'static ToMany,
        sets: &[&'a SelectionSet],
        level: &mut Level,
        wants: &mut ConnectionSelection,
        path: &[PathStep],
    ) -> Vec<(String, EdgeOutput)> {
        let name = format!("{}Edge", many.stem);
        let entries = self.collect(&name, sets).into_iter().map(|(key, field)| {
            let out = match field.field.name.node.as_str() {
                "__typename" => EdgeOutput::Typename(name.clone()),
                "cursor" => {
                    wants.cursors = true;
                    EdgeOutput::Cursor
                }
                "node" => {
                    let path = [path, &[PathStep::Key(key.to_owned())]].concat();
                    EdgeOutput::Node(self.object(level.object_type, &field.sets, level, &path))
                }
                attribute => {
                    let declared = many.attributes.iter().find(|field| field.name == attribute);
                    let FieldKind::Column(column) = &declared.expect("validated").kind else {
                        unreachable!("an edge tells values only")
                    };
                    let index = level.select(&column.sql, "l", column.reads);
                    EdgeOutput::Attribute { index, scalar: column.scalar, nullable: column.nullable }
                }
            };
            (label(key), out)
        });
        entries.collect()
    }

    /// The operation reduced to what it asks about the schema.
    fn introspection(&self, operation: &'a OperationDefinition) -> ExecutableDocument {
        let asked = self
            .collect(self.catalog.root(operation.ty).name, &[&operation.selection_set.node])
            .into_values();
        let about_schema =
            asked.filter(|collected| collected.field.name.node.starts_with("__")).map(|collected| {
                let mut field = collected.field.clone();
                field.selection_set.node.items =
                    collected.sets.iter().flat_map(|set| set.items.iter().cloned()).collect();
                unplaced(Selection::Field(unplaced(field)))
            });
        let mut operation = operation.clone();
        operation.selection_set.node.items = about_schema.collect();
        ExecutableDocument {
            operations: DocumentOperations::Single(unplaced(operation)),
            fragments: self.ast.fragments.clone(),
        }
    }
}

fn column_out(column: &Column, level: &mut Level, alias: &str) -> Output {
    // By these the dependencies of the response are known.
    if column.reads != Reads::Row {
        level.id();
    }
    if let Reads::Records(records) = column.reads {
        for (_, refers) in records {
            level.column(refers);
        }
    }
    let index = level.select(&column.shown(), alias, column.reads);
    Output::Column { index, scalar: column.scalar, nullable: column.may_be_null() }
}

fn unplaced<T>(node: T) -> Positioned<T> {
    Positioned::new(node, Pos::default())
}

fn label(key: &str) -> String {
    // A response key is a GraphQL name: it needs no escapes.
    format!("\"{key}\":")
}
