//! Plans a selection: what each level fetches, and how the response is written from it.

use std::{cell::Cell, sync::atomic::AtomicUsize};

use async_graphql::{
    Pos, Positioned,
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, Field as Selected, OperationDefinition,
        OperationType, Selection, SelectionSet,
    },
};
use async_graphql_value::Value as Literal;
use indexmap::IndexMap;

use crate::{
    engine::{
        plan::{
            Aggregate, Arguments, ComputedField, ComputedOutput, ConnectionOutput, ConnectionSelection,
            CountOutput, EdgeOutput, Entry, FacetOutput, Level, Object, Output, PageInfo, Plan, RecordPath,
            Reference, Step, StepKind,
        },
        prepare::coerce::Variables,
        sql::SelectedColumn,
    },
    error::{ApiError, Code, PathStep},
    model::{
        Catalog, facet_of,
        object_type::{
            Cardinality, Column, Field, FieldKind, Join, ObjectType, OwnedItem, OwnedList, ToMany, ToOne,
            ValueType, computed::Computed, grouping::group_of,
        },
        sql::{Expression, Reads},
    },
};

/// Plans an operation. Of the variables, only those of `@skip` and `@include` are used.
pub fn make<'a>(
    catalog: &'static Catalog,
    ast: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    introspection: bool,
) -> Result<Plan, ApiError> {
    let planner = Planner { catalog, ast, variables, steps: Cell::new(0) };
    let mut root = Level::new(catalog.root(operation.ty));
    let sets = [&operation.selection_set.node];
    let object = planner.object(root.object_type, &sets, &mut root, &[]);
    let has_introspection = object.0.iter().any(|entry| matches!(entry.out, Output::Introspection));
    if has_introspection && !introspection {
        return Err(ApiError::new(Code::Forbidden, "Introspection is disabled on this server."));
    }
    let introspection = has_introspection.then(|| planner.introspection(operation));
    let in_order = operation.ty == OperationType::Mutation;
    Ok(Plan {
        root,
        object,
        in_order,
        steps: planner.steps.get(),
        introspection,
        length: AtomicUsize::new(4096),
    })
}

impl Level {
    fn new(object_type: &'static ObjectType) -> Self {
        Level { object_type, columns: Vec::new(), steps: Vec::new() }
    }

    /// The index of a value in the level's rows.
    fn select(&mut self, expression: &Expression, alias: &str, reads: Reads) -> usize {
        let sql = expression.of(alias);
        self.columns.iter().position(|known| known.sql == sql).unwrap_or_else(|| {
            let own = expression.column().filter(|_| alias == "t");
            let column = own.map(|column| column.to_owned().into());
            self.columns.push(SelectedColumn { sql, column, reads });
            self.columns.len() - 1
        })
    }

    /// The index of a column of its own row.
    fn column(&mut self, column: &'static str) -> usize {
        self.select(&Expression::Column(column.into()), "t", Reads::Row)
    }

    fn id(&mut self) -> usize {
        self.column("id")
    }
}

struct Planner<'a> {
    catalog: &'static Catalog,
    ast: &'a ExecutableDocument,
    variables: &'a Variables,
    /// The number of steps so far.
    steps: Cell<usize>,
}

/// A response key with all selections under it.
struct Collected<'a> {
    field: &'a Selected,
    sets: Vec<&'a SelectionSet>,
}

impl<'a> Planner<'a> {
    /// The fields that a selection has for one concrete type, in order.
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

    /// Plans an object, and adds what it needs to its level.
    fn object(
        &self,
        object_type: &'static ObjectType,
        sets: &[&'a SelectionSet],
        level: &mut Level,
        path: &[PathStep],
    ) -> Object {
        let entries = self.collect(object_type.name, sets).into_iter().map(|(key, collected)| {
            let path = below(path, key);
            let name = collected.field.name.node.as_str();
            let out = match name {
                "__typename" => Output::Typename(object_type.name),
                "__schema" | "__type" => Output::Introspection,
                name => {
                    let field = object_type.fields.iter().find(|field| field.name == name);
                    self.field(field.expect("validated"), &collected, level, path)
                }
            };
            Entry::new(key, out)
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
        let (kind, out) = match &field.kind {
            FieldKind::Column(column) => return column_out(column, level, "t"),
            FieldKind::ToOne(one) => {
                let (references, objects) = self.references(one, collected, level, &path);
                let step = level.steps.len();
                (StepKind::ToOne(references), Output::ToOne { step, objects, nullable: one.nullable })
            }
            FieldKind::OwnedList(values) => self.values(values, collected, level, &path),
            FieldKind::ToMany(many) => self.connection(many, collected, level, &path),
            FieldKind::Computed(computed) => self.computed(computed, collected, level, &path),
            FieldKind::ValueType(_) | FieldKind::Scalars(_) | FieldKind::Records(_) => {
                unreachable!("these stand within what is computed")
            }
            FieldKind::Lookup(object_type) => {
                let mut inner = Level::new(self.catalog.named(object_type));
                let object = self.object(inner.object_type, &collected.sets, &mut inner, &path);
                let step = level.steps.len();
                (StepKind::Lookup(inner), Output::ToOne { step, objects: vec![object], nullable: true })
            }
            FieldKind::Node | FieldKind::Nodes => {
                let (levels, objects) = self
                    .catalog
                    .node_types()
                    .map(|object_type| self.level(object_type, collected, &path))
                    .unzip();
                let step = level.steps.len();
                let out = if matches!(field.kind, FieldKind::Node) {
                    Output::ToOne { step, objects, nullable: true }
                } else {
                    Output::Nodes { step, objects }
                };
                (StepKind::Nodes(levels), out)
            }
        };
        let arguments = Arguments::of(collected.field);
        let number = self.steps.replace(self.steps.get() + 1);
        level.steps.push(Step { number, path, arguments, kind });
        out
    }

    /// Plans a level of its own for an object type.
    fn level(
        &self,
        object_type: &'static ObjectType,
        collected: &Collected<'a>,
        path: &[PathStep],
    ) -> (Level, Object) {
        let mut level = Level::new(object_type);
        level.id();
        let object = self.object(object_type, &collected.sets, &mut level, path);
        (level, object)
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
            let (level, object) = self.level(self.catalog.named(object_type), collected, path);
            (Reference { column, level }, object)
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
        let step = level.steps.len();
        match &values.of {
            OwnedItem::Shape(shape) => {
                let mut inner = Level::new(self.catalog.named(shape));
                let object = self.object(inner.object_type, &collected.sets, &mut inner, path);
                (StepKind::OwnedList { values, owner, level: inner }, Output::OwnedList { step, object })
            }
            OwnedItem::Reference(one) => {
                let mut inner = Level::new(self.catalog.root(OperationType::Query));
                let (to, objects) = self.references(one, collected, &mut inner, path);
                (
                    StepKind::References { values, owner, level: inner, to },
                    Output::References { step, objects },
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
        let (mut wants, mut aggregates) = (ConnectionSelection::default(), Vec::new());
        let name = format!("{}Connection", many.stem);
        let entries = self.collect(&name, &collected.sets).into_iter().map(|(key, selected)| {
            let path = below(path, key);
            let out = self.connection_field(many, &selected, &mut inner, &mut wants, &mut aggregates, &path);
            Entry::new(key, out)
        });
        let entries = entries.collect();
        if wants.cursors {
            wants.id = inner.id();
        }
        if wants.rows && matches!(many.via, Join::Link(..)) {
            // The owner alone does not determine the page.
            inner.id();
        }
        let owner = (!level.object_type.is_root()).then(|| level.id());
        let step = level.steps.len();
        (
            StepKind::ToMany { many, owner, level: inner, wants, aggregates },
            Output::Connection { step, entries },
        )
    }

    fn connection_field(
        &self,
        many: &'static ToMany,
        selected: &Collected<'a>,
        inner: &mut Level,
        wants: &mut ConnectionSelection,
        aggregates: &mut Vec<Aggregate>,
        path: &[PathStep],
    ) -> ConnectionOutput {
        match selected.field.name.node.as_str() {
            "__typename" => ConnectionOutput::Typename(format!("{}Connection", many.stem)),
            "totalCount" => {
                aggregates.push(Aggregate::Count(Arguments::default()));
                ConnectionOutput::TotalCount(aggregates.len() - 1)
            }
            "count" => {
                aggregates.push(Aggregate::Count(Arguments::of(selected.field)));
                ConnectionOutput::Count(aggregates.len() - 1, self.count(&selected.sets))
            }
            "facets" => {
                ConnectionOutput::Facets(self.facets(inner.object_type, &selected.sets, aggregates, path))
            }
            "groups" => {
                let mut level = Level::new(self.catalog.named(&group_of(inner.object_type)));
                let object = self.object(level.object_type, &selected.sets, &mut level, path);
                aggregates.push(Aggregate::Groups { arguments: Arguments::of(selected.field), level });
                ConnectionOutput::Groups(aggregates.len() - 1, object)
            }
            "pageInfo" => {
                wants.rows = true;
                ConnectionOutput::PageInfo(self.page_info(&selected.sets, wants))
            }
            "nodes" => {
                wants.rows = true;
                ConnectionOutput::Nodes(self.object(inner.object_type, &selected.sets, inner, path))
            }
            _ => {
                wants.rows = true;
                ConnectionOutput::Edges(self.connection_edges(many, &selected.sets, inner, wants, path))
            }
        }
    }

    fn count(&self, sets: &[&'a SelectionSet]) -> Vec<Entry<CountOutput>> {
        let entries = self.collect("Count", sets).into_iter().map(|(key, field)| {
            let out = match field.field.name.node.as_str() {
                "value" => CountOutput::Value,
                "precision" => CountOutput::Precision,
                _ => CountOutput::Typename,
            };
            Entry::new(key, out)
        });
        entries.collect()
    }

    fn facets(
        &self,
        object_type: &'static ObjectType,
        sets: &[&'a SelectionSet],
        aggregates: &mut Vec<Aggregate>,
        path: &[PathStep],
    ) -> Vec<Entry<FacetOutput>> {
        let name = format!("{}Facets", object_type.name);
        let entries = self.collect(&name, sets).into_iter().map(|(key, field)| {
            let selected = field.field.name.node.as_str();
            let out = match object_type.facets.iter().find(|facet| facet.name == selected) {
                None => FacetOutput::Typename(name.clone()),
                Some(facet) => {
                    let mut level = Level::new(self.catalog.named(&facet_of(facet)));
                    let path = below(path, key);
                    let object = self.object(level.object_type, &field.sets, &mut level, &path);
                    aggregates.push(Aggregate::Facet { facet, arguments: Arguments::of(field.field), level });
                    FacetOutput::Counts(aggregates.len() - 1, object)
                }
            };
            Entry::new(key, out)
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
        let step = level.steps.len();
        (
            StepKind::Computed { computed, owner, fields, places },
            Output::Computed { step, out, form: computed.part.form },
        )
    }

    /// A computed value with fields.
    fn tree(
        &self,
        part: ValueType,
        sets: &[&'a SelectionSet],
        places: &mut Vec<RecordPath>,
        fields: &[&'static str],
        path: &[PathStep],
    ) -> ComputedOutput {
        let object_type = self.catalog.named(part.of);
        let entries = self.collect(object_type.name, sets).into_iter().map(|(key, collected)| {
            let path = below(path, key);
            let field =
                object_type.fields.iter().find(|field| field.name == collected.field.name.node.as_str());
            let (name, nullable, out) = match field {
                None => ("__typename", false, ComputedOutput::Typename(object_type.name)),
                Some(Field { name, kind, .. }) => match kind {
                    FieldKind::Column(column) => (*name, column.nullable, ComputedOutput::Scalar),
                    FieldKind::Scalars(_) => (*name, false, ComputedOutput::Scalar),
                    FieldKind::ValueType(part) => {
                        let out =
                            self.tree(*part, &collected.sets, places, &[fields, &[*name]].concat(), &path);
                        (*name, part.form == Cardinality::Maybe, out)
                    }
                    FieldKind::ToOne(one) | FieldKind::Records(one) => {
                        let kind = |(object_type, _): &(&'static str, _)| {
                            let (level, object) =
                                self.level(self.catalog.named(object_type), &collected, &path);
                            (level, (*object_type, object))
                        };
                        let (kinds, objects) = one.choices.iter().map(kind).unzip();
                        places.push(RecordPath { fields: [fields, &[*name]].concat(), kinds });
                        (*name, one.nullable, ComputedOutput::Record { place: places.len() - 1, objects })
                    }
                    kind => unreachable!("nothing computed has {kind:?}"),
                },
            };
            Entry::new(key, ComputedField { name, nullable, out })
        });
        ComputedOutput::Object(entries.collect())
    }

    fn page_info(&self, sets: &[&'a SelectionSet], wants: &mut ConnectionSelection) -> Vec<Entry<PageInfo>> {
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
            Entry::new(key, out)
        });
        entries.collect()
    }

    fn connection_edges(
        &self,
        many: &'static ToMany,
        sets: &[&'a SelectionSet],
        level: &mut Level,
        wants: &mut ConnectionSelection,
        path: &[PathStep],
    ) -> Vec<Entry<EdgeOutput>> {
        let name = format!("{}Edge", many.stem);
        let entries = self.collect(&name, sets).into_iter().map(|(key, field)| {
            let out = match field.field.name.node.as_str() {
                "__typename" => EdgeOutput::Typename(name.clone()),
                "cursor" => {
                    wants.cursors = true;
                    EdgeOutput::Cursor
                }
                "node" => {
                    let path = below(path, key);
                    EdgeOutput::Node(self.object(level.object_type, &field.sets, level, &path))
                }
                attribute => {
                    let declared = many.attributes.iter().find(|field| field.name == attribute);
                    let FieldKind::Column(column) = &declared.expect("validated").kind else {
                        unreachable!("attributes of edges are columns")
                    };
                    let index = level.select(&column.sql, "l", column.reads);
                    EdgeOutput::Attribute { index, scalar: column.scalar, nullable: column.nullable }
                }
            };
            Entry::new(key, out)
        });
        entries.collect()
    }

    /// The introspection part of an operation.
    fn introspection(&self, operation: &'a OperationDefinition) -> ExecutableDocument {
        let selected = self
            .collect(self.catalog.root(operation.ty).name, &[&operation.selection_set.node])
            .into_values();
        let about_schema =
            selected.filter(|collected| collected.field.name.node.starts_with("__")).map(|collected| {
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
    // The dependencies of the response are determined by these.
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

/// The path of a field within a path.
fn below(path: &[PathStep], key: &str) -> Vec<PathStep> {
    [path, &[PathStep::Key(key.to_owned())]].concat()
}
