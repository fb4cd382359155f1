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
    engine::prepare::coerce::Variables,
    error::{Code, PathStep, Refusal},
    model::{
        Catalog, facet_of,
        object_type::{
            Column, Facet, Field, Form, Kind, Many, Noun, One, Owned, Part, Scalar, Values, Via,
            computed::{Computed, Tree},
        },
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

/// Rows of one noun, fetched by one statement for all their parents.
#[derive(Debug)]
pub struct Level {
    pub noun: &'static Noun,
    /// SQL over the row's alias `t`, or over its link's alias `l`.
    pub columns: Vec<String>,
    pub edges: Vec<Edge>,
}

/// A way from the rows of a level to the rows of others.
#[derive(Debug)]
pub struct Edge {
    /// Its number among all edges of the plan.
    pub number: usize,
    /// Response keys from the root, for errors.
    pub path: Vec<PathStep>,
    pub arguments: Arguments,
    pub way: Way,
}

impl Edge {
    /// What stands in the place of a mutation that came to nothing; none where it is no mutation.
    pub fn nothing(&self) -> Option<&'static Tree> {
        match self.way {
            Way::Computed { computed, .. } => computed.nothing.as_ref(),
            _ => None,
        }
    }
}

#[derive(Debug)]
pub enum Way {
    One(Vec<Reference>),
    Values {
        values: &'static Values,
        owner: usize,
        level: Level,
    },
    References {
        values: &'static Values,
        owner: usize,
        level: Level,
        to: Vec<Reference>,
    },
    Many {
        many: &'static Many,
        owner: Option<usize>,
        level: Level,
        wants: Wants,
        asides: Vec<Aside>,
    },
    Lookup(Level),
    Nodes(Vec<Level>),
    Computed {
        computed: &'static Computed,
        owner: Option<usize>,
        /// Names of the fields asked of it and within it.
        fields: Vec<String>,
        places: Vec<Place>,
    },
}

impl Way {
    /// All levels that it leads to.
    pub fn levels(&self) -> Vec<&Level> {
        match self {
            Way::One(references) => references.iter().map(|reference| &reference.level).collect(),
            Way::References { level, to, .. } => {
                to.iter().map(|reference| &reference.level).chain([level]).collect()
            }
            Way::Values { level, .. } | Way::Lookup(level) => vec![level],
            Way::Many { level, asides, .. } => {
                let facets = asides.iter().filter_map(|aside| match aside {
                    Aside::Facet { level, .. } => Some(level),
                    Aside::Count(_) => None,
                });
                [level].into_iter().chain(facets).collect()
            }
            Way::Nodes(levels) => levels.iter().collect(),
            Way::Computed { places, .. } => places.iter().flat_map(|place| &place.kinds).collect(),
        }
    }
}

/// Where a computed value names records: the way there from field to field, and the kinds that they
/// may be of.
#[derive(Debug)]
pub struct Place {
    pub way: Vec<&'static str>,
    pub kinds: Vec<Level>,
}

/// What a connection is asked for besides its records.
#[derive(Debug)]
pub enum Aside {
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
pub struct Wants {
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
    pub out: Out,
}

#[derive(Debug)]
pub enum Out {
    Typename(&'static str),
    Column {
        index: usize,
        scalar: Scalar,
        nullable: bool,
    },
    /// The one record that an edge leads to, written by the kind of record it is.
    One {
        edge: usize,
        answers: Vec<Object>,
        nullable: bool,
    },
    /// All values of an edge.
    Values {
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
        out: TreeOut,
        form: Form,
    },
    Introspection,
}

/// How a computed value is written.
#[derive(Debug)]
pub enum TreeOut {
    Typename(&'static str),
    Scalar,
    Object(Vec<TreeEntry>),
    /// A record: its place among the edge's places for records, and how each kind is written.
    Record {
        place: usize,
        answers: Vec<(&'static str, Object)>,
    },
}

impl TreeOut {
    /// The names of all fields within, each with the way to it: `edges.node.score`.
    fn names(&self, within: &str, names: &mut Vec<String>) {
        let TreeOut::Object(entries) = self else { return };
        for entry in entries {
            let name = format!("{within}{}", entry.name);
            entry.out.names(&format!("{name}."), names);
            names.push(name);
        }
    }
}

impl TreeOut {
    /// The key of the first field that may be null: of a record, if there is one.
    pub fn first_nullable(&self) -> Option<&str> {
        let TreeOut::Object(entries) = self else { return None };
        let nullable = || entries.iter().filter(|entry| entry.nullable);
        let record = nullable().find(|entry| matches!(entry.out, TreeOut::Record { .. }));
        record.or_else(|| nullable().next()).map(|entry| entry.key.as_str())
    }
}

#[derive(Debug)]
pub struct TreeEntry {
    pub key: String,
    pub label: String,
    /// The field of the value.
    pub name: &'static str,
    pub nullable: bool,
    pub out: TreeOut,
}

#[derive(Debug)]
pub struct ConnectionEntry {
    pub label: String,
    pub out: ConnectionOut,
}

#[derive(Debug)]
pub enum ConnectionOut {
    Typename(String),
    /// The count at this place among the asides.
    TotalCount(usize),
    Count(usize, Vec<(String, CountOut)>),
    Facets(Vec<(String, FacetOut)>),
    PageInfo(Vec<(String, PageInfo)>),
    Edges(Vec<(String, EdgeOut)>),
    Nodes(Object),
}

#[derive(Clone, Copy, Debug)]
pub enum CountOut {
    Typename,
    Value,
    Precision,
}

#[derive(Debug)]
pub enum FacetOut {
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
pub enum EdgeOut {
    Typename(String),
    Cursor,
    Node(Object),
    Attribute { index: usize, scalar: Scalar, nullable: bool },
}

impl Level {
    fn new(noun: &'static Noun) -> Self {
        Level { noun, columns: Vec::new(), edges: Vec::new() }
    }

    /// The place of a column in the level's rows.
    fn column(&mut self, sql: &str, alias: &str) -> usize {
        let sql = sql.replace("{}", alias);
        self.columns.iter().position(|known| *known == sql).unwrap_or_else(|| {
            self.columns.push(sql);
            self.columns.len() - 1
        })
    }

    fn id(&mut self) -> usize {
        self.column("{}.id", "t")
    }
}

/// Makes the plan of an operation. `variables` decide `@skip` and `@include`, and nothing else.
pub fn make<'a>(
    catalog: &'static Catalog,
    ast: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    introspection: bool,
) -> Result<Plan, Refusal> {
    let planner = Planner { catalog, ast, variables, edges: Cell::new(0) };
    let mut root = Level::new(catalog.root(operation.ty));
    let sets = [&operation.selection_set.node];
    let answer = planner.object(root.noun, &sets, &mut root, &[]);
    let asks_about_schema = answer.0.iter().any(|entry| matches!(entry.out, Out::Introspection));
    if asks_about_schema && !introspection {
        return Err(Refusal::new(Code::Forbidden, "Introspection is turned off on this server."));
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

    /// Plans an object of a noun, adding what it needs to its level.
    fn object(
        &self,
        noun: &'static Noun,
        sets: &[&'a SelectionSet],
        level: &mut Level,
        path: &[PathStep],
    ) -> Object {
        let entries = self.collect(noun.name, sets).into_iter().map(|(key, collected)| {
            let path = [path, &[PathStep::Key(key.to_owned())]].concat();
            let name = collected.field.name.node.as_str();
            let out = match name {
                "__typename" => Out::Typename(noun.name),
                "__schema" | "__type" => Out::Introspection,
                name => {
                    let field = noun.fields.iter().find(|field| field.name == name);
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
    ) -> Out {
        let (way, out) = match &field.kind {
            Kind::Column(column) => return column_out(column, level, "t"),
            Kind::One(one) => {
                let (references, answers) = self.references(one, collected, level, &path);
                let edge = level.edges.len();
                (Way::One(references), Out::One { edge, answers, nullable: one.nullable })
            }
            Kind::Values(values) => self.values(values, collected, level, &path),
            Kind::Many(many) => self.connection(many, collected, level, &path),
            Kind::Computed(computed) => self.computed(computed, collected, level, &path),
            Kind::Part(_) | Kind::Scalars(_) | Kind::Records(_) => {
                unreachable!("these stand within what is computed")
            }
            Kind::Lookup(noun) => {
                let mut inner = Level::new(self.catalog.named(noun));
                let answer = self.object(inner.noun, &collected.sets, &mut inner, &path);
                let edge = level.edges.len();
                (Way::Lookup(inner), Out::One { edge, answers: vec![answer], nullable: true })
            }
            Kind::Node | Kind::Nodes => {
                let (levels, answers) =
                    self.catalog.records().map(|noun| self.level(noun, collected, &path)).unzip();
                let edge = level.edges.len();
                let out = if matches!(field.kind, Kind::Node) {
                    Out::One { edge, answers, nullable: true }
                } else {
                    Out::Nodes { edge, answers }
                };
                (Way::Nodes(levels), out)
            }
        };
        let arguments = Arguments::of(collected.field);
        let number = self.edges.replace(self.edges.get() + 1);
        level.edges.push(Edge { number, path, arguments, way });
        out
    }

    /// A level of a noun of its own, with its answer.
    fn level(&self, noun: &'static Noun, collected: &Collected<'a>, path: &[PathStep]) -> (Level, Object) {
        let mut level = Level::new(noun);
        level.id();
        let answer = self.object(noun, &collected.sets, &mut level, path);
        (level, answer)
    }

    fn references(
        &self,
        one: &One,
        collected: &Collected<'a>,
        level: &mut Level,
        path: &[PathStep],
    ) -> (Vec<Reference>, Vec<Object>) {
        let choice = |(noun, column): &(&'static str, &'static str)| {
            let column = level.column(&format!("{{}}.{column}"), "t");
            let (level, answer) = self.level(self.catalog.named(noun), collected, path);
            (Reference { column, level }, answer)
        };
        one.choices.iter().map(choice).unzip()
    }

    fn values(
        &self,
        values: &'static Values,
        collected: &Collected<'a>,
        level: &mut Level,
        path: &[PathStep],
    ) -> (Way, Out) {
        let owner = level.id();
        let edge = level.edges.len();
        match &values.of {
            Owned::Shape(shape) => {
                let mut inner = Level::new(self.catalog.named(shape));
                let answer = self.object(inner.noun, &collected.sets, &mut inner, path);
                (Way::Values { values, owner, level: inner }, Out::Values { edge, answer })
            }
            Owned::Reference(one) => {
                let mut inner = Level::new(self.catalog.root(OperationType::Query));
                let (to, answers) = self.references(one, collected, &mut inner, path);
                (Way::References { values, owner, level: inner, to }, Out::References { edge, answers })
            }
        }
    }

    fn connection(
        &self,
        many: &'static Many,
        collected: &Collected<'a>,
        level: &mut Level,
        path: &[PathStep],
    ) -> (Way, Out) {
        let mut inner = Level::new(self.catalog.named(many.to));
        let (mut wants, mut asides) = (Wants::default(), Vec::new());
        let name = format!("{}Connection", many.stem);
        let entries = self.collect(&name, &collected.sets).into_iter().map(|(key, field)| {
            let out = match field.field.name.node.as_str() {
                "__typename" => ConnectionOut::Typename(name.clone()),
                "totalCount" => {
                    asides.push(Aside::Count(Arguments::default()));
                    ConnectionOut::TotalCount(asides.len() - 1)
                }
                "count" => {
                    asides.push(Aside::Count(Arguments::of(field.field)));
                    ConnectionOut::Count(asides.len() - 1, self.count(&field.sets))
                }
                "facets" => {
                    let path = [path, &[PathStep::Key(key.to_owned())]].concat();
                    ConnectionOut::Facets(self.facets(inner.noun, &field.sets, &mut asides, &path))
                }
                "pageInfo" => {
                    wants.rows = true;
                    ConnectionOut::PageInfo(self.page_info(&field.sets, &mut wants))
                }
                "nodes" => {
                    wants.rows = true;
                    let path = [path, &[PathStep::Key(key.to_owned())]].concat();
                    ConnectionOut::Nodes(self.object(inner.noun, &field.sets, &mut inner, &path))
                }
                _ => {
                    wants.rows = true;
                    let path = [path, &[PathStep::Key(key.to_owned())]].concat();
                    ConnectionOut::Edges(self.edges(many, &field.sets, &mut inner, &mut wants, &path))
                }
            };
            ConnectionEntry { label: label(key), out }
        });
        let entries = entries.collect();
        if wants.cursors {
            wants.id = inner.id();
        }
        if wants.rows && matches!(many.via, Via::Link(..)) {
            // What stands on the page is not told by its owner alone.
            inner.id();
        }
        let owner = (!level.noun.is_root()).then(|| level.id());
        let edge = level.edges.len();
        (Way::Many { many, owner, level: inner, wants, asides }, Out::Connection { edge, entries })
    }

    fn count(&self, sets: &[&'a SelectionSet]) -> Vec<(String, CountOut)> {
        let entries = self.collect("Count", sets).into_iter().map(|(key, field)| {
            let out = match field.field.name.node.as_str() {
                "value" => CountOut::Value,
                "precision" => CountOut::Precision,
                _ => CountOut::Typename,
            };
            (label(key), out)
        });
        entries.collect()
    }

    fn facets(
        &self,
        noun: &'static Noun,
        sets: &[&'a SelectionSet],
        asides: &mut Vec<Aside>,
        path: &[PathStep],
    ) -> Vec<(String, FacetOut)> {
        let name = format!("{}Facets", noun.name);
        let entries = self.collect(&name, sets).into_iter().map(|(key, field)| {
            let asked = field.field.name.node.as_str();
            let out = match noun.facets.iter().find(|facet| facet.name == asked) {
                None => FacetOut::Typename(name.clone()),
                Some(facet) => {
                    let mut level = Level::new(self.catalog.named(&facet_of(facet)));
                    let path = [path, &[PathStep::Key(key.to_owned())]].concat();
                    let answer = self.object(level.noun, &field.sets, &mut level, &path);
                    asides.push(Aside::Facet { facet, arguments: Arguments::of(field.field), level });
                    FacetOut::Counts(asides.len() - 1, answer)
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
    ) -> (Way, Out) {
        let owner = (!level.noun.is_root()).then(|| level.id());
        let mut places = Vec::new();
        let out = self.tree(computed.part, &collected.sets, &mut places, &[], path);
        let mut fields = Vec::new();
        out.names("", &mut fields);
        let edge = level.edges.len();
        (
            Way::Computed { computed, owner, fields, places },
            Out::Computed { edge, out, form: computed.part.form },
        )
    }

    /// A computed value with fields of its own.
    fn tree(
        &self,
        part: Part,
        sets: &[&'a SelectionSet],
        places: &mut Vec<Place>,
        way: &[&'static str],
        path: &[PathStep],
    ) -> TreeOut {
        let noun = self.catalog.named(part.of);
        let entries = self.collect(noun.name, sets).into_iter().map(|(key, collected)| {
            let path = [path, &[PathStep::Key(key.to_owned())]].concat();
            let field = noun.fields.iter().find(|field| field.name == collected.field.name.node.as_str());
            let (name, nullable, out) = match field {
                None => ("__typename", false, TreeOut::Typename(noun.name)),
                Some(Field { name, kind, .. }) => match kind {
                    Kind::Column(column) => (*name, column.nullable, TreeOut::Scalar),
                    Kind::Scalars(_) => (*name, false, TreeOut::Scalar),
                    Kind::Part(part) => {
                        let out = self.tree(*part, &collected.sets, places, &[way, &[*name]].concat(), &path);
                        (*name, part.form == Form::Maybe, out)
                    }
                    Kind::One(one) | Kind::Records(one) => {
                        let kind = |(noun, _): &(&'static str, _)| {
                            let (level, answer) = self.level(self.catalog.named(noun), &collected, &path);
                            (level, (*noun, answer))
                        };
                        let (kinds, answers) = one.choices.iter().map(kind).unzip();
                        places.push(Place { way: [way, &[*name]].concat(), kinds });
                        (*name, one.nullable, TreeOut::Record { place: places.len() - 1, answers })
                    }
                    kind => unreachable!("nothing computed has {kind:?}"),
                },
            };
            TreeEntry { key: key.to_owned(), label: label(key), name, nullable, out }
        });
        TreeOut::Object(entries.collect())
    }

    fn page_info(&self, sets: &[&'a SelectionSet], wants: &mut Wants) -> Vec<(String, PageInfo)> {
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
        many: &'static Many,
        sets: &[&'a SelectionSet],
        level: &mut Level,
        wants: &mut Wants,
        path: &[PathStep],
    ) -> Vec<(String, EdgeOut)> {
        let name = format!("{}Edge", many.stem);
        let entries = self.collect(&name, sets).into_iter().map(|(key, field)| {
            let out = match field.field.name.node.as_str() {
                "__typename" => EdgeOut::Typename(name.clone()),
                "cursor" => {
                    wants.cursors = true;
                    EdgeOut::Cursor
                }
                "node" => {
                    let path = [path, &[PathStep::Key(key.to_owned())]].concat();
                    EdgeOut::Node(self.object(level.noun, &field.sets, level, &path))
                }
                attribute => {
                    let declared = many.attributes.iter().find(|field| field.name == attribute);
                    let Kind::Column(column) = &declared.expect("validated").kind else {
                        unreachable!("an edge tells values only")
                    };
                    let index = level.column(&column.sql, "l");
                    EdgeOut::Attribute { index, scalar: column.scalar, nullable: column.nullable }
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

fn column_out(column: &Column, level: &mut Level, alias: &str) -> Out {
    // What belongs to a revision stays as it is; what belongs to a record has no such columns.
    if column.sql.contains("select") && level.noun.root.is_some() {
        // What the answer rests on is told by these.
        level.id();
        for (_, refers) in column.reads {
            level.column(&format!("{{}}.{refers}"), alias);
        }
    }
    let index = level.column(&column.shown(), alias);
    Out::Column { index, scalar: column.scalar, nullable: column.may_be_null() }
}

fn unplaced<T>(node: T) -> Positioned<T> {
    Positioned::new(node, Pos::default())
}

fn label(key: &str) -> String {
    // A response key is a GraphQL name: it needs no escapes.
    format!("\"{key}\":")
}
