//! What a type declares. The schema, the plan, the SQL and the response follow from these declarations.

pub mod as_of;
pub mod dates;
pub mod decimal;
pub mod grade;
pub mod languages;
pub mod naming;
pub mod object_type;
pub mod operator;
pub mod pagination;
pub mod sql;
pub mod web_search;

use std::collections::HashMap;

use async_graphql::parser::types::OperationType;

use crate::model::object_type::{
    Deprecation, Facet, FacetBy, Field, FieldDeclaration, FieldKind, Join, LookupKey, ObjectType, Scalar,
    ToMany, Writability, column,
    computed::{Argument, ArgumentRule, page_info},
    grouping::{dimensions, group},
    reference,
};

/// The names of the root types.
pub const ROOTS: [&str; 3] = ["Query", "Mutation", "Subscription"];

/// What the roots have besides the object types.
#[derive(Default)]
pub struct Roots {
    pub query: Vec<FieldDeclaration>,
    pub mutation: Vec<FieldDeclaration>,
    pub subscription: Vec<FieldDeclaration>,
}

/// An input object.
#[derive(Debug)]
pub struct Input {
    pub name: String,
    pub description: String,
    /// Whether exactly one of the values is given.
    pub one_of: bool,
    pub fields: Vec<InputField>,
}

#[derive(Debug)]
pub struct InputField {
    pub name: String,
    /// Its type in GraphQL: `[ID!]!`.
    pub ty: String,
    pub description: String,
    pub deprecation: Option<Deprecation>,
}

/// A union of object types.
#[derive(Debug)]
pub struct Union {
    pub name: &'static str,
    pub description: &'static str,
    pub members: Vec<&'static str>,
}

/// The types of records, with a slug and a history, among object types.
pub fn record_types(object_types: &[ObjectType]) -> impl Iterator<Item = &ObjectType> {
    object_types.iter().filter(|object_type| object_type.is_record())
}

#[derive(Debug)]
pub struct Catalog {
    /// Record types, types of their values, and last the roots.
    pub object_types: Vec<ObjectType>,
    pub unions: Vec<Union>,
    pub inputs: Vec<Input>,
    by_name: HashMap<&'static str, usize>,
}

impl Catalog {
    /// The object types of all domain modules, the types that stand for several of them, and what else the root has.
    pub fn new(
        mut object_types: Vec<ObjectType>,
        unions: Vec<Union>,
        inputs: Vec<Input>,
        roots: Roots,
    ) -> Self {
        object_types.push(page_info());
        object_types.extend(counted(&object_types));
        for index in 0..object_types.len() {
            object_types[index].dimensions = dimensions(&object_types[index], &object_types);
        }
        let groups: Vec<ObjectType> = object_types.iter().filter_map(group).collect();
        object_types.extend(groups);
        object_types.push(query(&object_types, roots.query));
        let root = |name, description, fields: Vec<FieldDeclaration>| {
            fields.into_iter().fold(ObjectType::new(name, "", description), ObjectType::field)
        };
        object_types.push(root(ROOTS[1], "All mutations.", roots.mutation));
        object_types.push(root(ROOTS[2], "All subscriptions.", roots.subscription));
        let by_name =
            object_types.iter().enumerate().map(|(index, object_type)| (object_type.name, index)).collect();
        Catalog { object_types, unions, inputs, by_name }
    }

    pub fn object_type(&self, name: &str) -> Option<&ObjectType> {
        self.by_name.get(name).map(|index| &self.object_types[*index])
    }

    /// An object type that a domain module names; an unknown name is a fault of the domain module.
    pub fn named(&self, name: &str) -> &ObjectType {
        self.object_type(name).unwrap_or_else(|| panic!("no object type is named {name}"))
    }

    /// The root of an operation.
    pub fn root(&self, ty: OperationType) -> &ObjectType {
        self.named(match ty {
            OperationType::Query => ROOTS[0],
            OperationType::Mutation => ROOTS[1],
            OperationType::Subscription => ROOTS[2],
        })
    }

    /// Names of fields whose values depend on the caller.
    pub fn per_caller(&self) -> impl Iterator<Item = &'static str> {
        self.object_types.iter().flat_map(|object_type| &object_type.fields).filter_map(|field| match &field
            .kind
        {
            FieldKind::Computed(computed) if computed.per_caller => Some(field.name),
            _ => None,
        })
    }

    /// Names of fields whose values depend on the languages that a client accepts, and of their arguments that say others.
    pub fn per_language(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.object_types.iter().flat_map(|object_type| &object_type.fields).filter_map(|field| {
            let FieldKind::Computed(computed) = &field.kind else { return None };
            let takes = |argument: &&Argument| matches!(argument.takes, ArgumentRule::Languages);
            Some((field.name, computed.arguments.iter().find(takes)?.name))
        })
    }

    pub fn union(&self, name: &str) -> Option<&Union> {
        self.unions.iter().find(|union| union.name == name)
    }

    /// Whether a record of this type is one of what `condition` names.
    pub fn is(&self, concrete: &str, condition: &str) -> bool {
        concrete == condition
            || self
                .object_type(concrete)
                .is_some_and(|object_type| object_type.interfaces.contains(&condition))
            || self.union(condition).is_some_and(|union| union.members.contains(&concrete))
    }

    /// The types of records, in the order of the schema.
    pub fn record_types(&self) -> impl Iterator<Item = &ObjectType> {
        record_types(&self.object_types)
    }

    /// The object types that have a global id.
    pub fn node_types(&self) -> impl Iterator<Item = &ObjectType> {
        self.object_types.iter().filter(|object_type| object_type.interfaces.contains(&"Node"))
    }
}

/// The root: a lookup and a list for every object type that has them, and any record by its global id.
fn query(object_types: &[ObjectType], computed: Vec<FieldDeclaration>) -> ObjectType {
    let mut fields = Vec::new();
    for object_type in object_types {
        let Some(root) = &object_type.root else { continue };
        if let Some(one) = root.one {
            let description = "The record that `by` identifies; null if there is none.";
            fields.push(Field::new(one, description, FieldKind::Lookup(object_type.name)));
        }
        let kind = FieldKind::ToMany(ToMany {
            to: object_type.name,
            via: Join::All,
            stem: object_type.name,
            attributes: Vec::new(),
            written: Writability::No,
        });
        fields.push(Field::new(root.many, object_type.description, kind));
    }
    fields.push(Field::new(
        "node",
        "The record with this global id; null if there is none.",
        FieldKind::Node,
    ));
    fields.push(Field::new(
        "nodes",
        "The records with these global ids, in the given order; null for each that does not exist.",
        FieldKind::Nodes,
    ));
    let root = ObjectType { fields, ..ObjectType::new(ROOTS[0], "", "All queries.") };
    computed.into_iter().fold(root, ObjectType::field)
}

/// The type of a facet's counts: `ActorFacet` for counts by actor.
pub fn facet_of(facet: &Facet) -> String {
    match &facet.by {
        FacetBy::Value { scalar, .. } => format!("{}Facet", scalar.type_name()),
        FacetBy::ToOne { to, .. } | FacetBy::Link { to, .. } => format!("{to}Facet"),
    }
}

/// A type for the counts of every facet, each once. Types without lists, such as an actor's names, have none.
fn counted(object_types: &[ObjectType]) -> Vec<ObjectType> {
    let mut made: Vec<ObjectType> = Vec::new();
    let listed = object_types.iter().filter(|object_type| !object_type.orders.is_empty());
    for facet in listed.flat_map(|object_type| &object_type.facets) {
        let name = facet_of(facet);
        if made.iter().any(|object_type| object_type.name == name) {
            continue;
        }
        let what = "The value; null for records without one.";
        let value = match &facet.by {
            FacetBy::Value { scalar, .. } => column("value", *scalar, what),
            FacetBy::ToOne { to, .. } | FacetBy::Link { to, .. } => {
                reference("value", to, vec![(to, "value")], what)
            }
        };
        // Leaked once per process, like the names in the domain modules.
        let object_type =
            ObjectType::new(name.leak(), "", "A value, and the number of records that have it.")
                .field(value.nullable())
                .field(column("count", Scalar::Int, "The number of records that have it."));
        made.push(object_type);
    }
    made
}

impl ObjectType {
    pub fn is_root(&self) -> bool {
        ROOTS.contains(&self.name)
    }

    pub fn key_named(&self, name: &str) -> Option<&LookupKey> {
        self.root.as_ref()?.keys.iter().find(|key| key.name == name)
    }

    pub fn has_filter(&self) -> bool {
        !self.conditions.is_empty()
    }
}
