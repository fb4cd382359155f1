//! What a type declares. The schema, the plan, the SQL and the response follow from these declarations.

pub mod as_of;
pub mod dates;
pub mod object_type;
pub mod pagination;
pub mod web_search;

use std::collections::HashMap;

use async_graphql::parser::types::OperationType;

use crate::model::object_type::{
    Declared, Facet, FacetBy, Field, Key, Kind, Many, Noun, Scalar, Via, Written, column,
    computed::page_info, reference,
};

/// The names of the root types: what is read, what is changed, what is told as it happens.
pub const ROOTS: [&str; 3] = ["Query", "Mutation", "Subscription"];

/// What the roots have besides the nouns.
#[derive(Default)]
pub struct Roots {
    pub query: Vec<Declared>,
    pub mutation: Vec<Declared>,
    pub subscription: Vec<Declared>,
}

/// Values that a field takes together.
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
    /// Its type as GraphQL writes it: `[ID!]!`.
    pub ty: String,
    pub description: String,
}

/// A type that stands for one of several nouns.
#[derive(Debug)]
pub struct Union {
    pub name: &'static str,
    pub description: &'static str,
    pub members: &'static [&'static str],
}

#[derive(Debug)]
pub struct Catalog {
    /// Nouns, shapes of owned values, and last the roots.
    pub nouns: Vec<Noun>,
    pub unions: Vec<Union>,
    pub inputs: Vec<Input>,
    by_name: HashMap<&'static str, usize>,
}

impl Catalog {
    /// The nouns of all slices, the types that stand for several of them, and what else the root has.
    pub fn new(mut nouns: Vec<Noun>, unions: Vec<Union>, inputs: Vec<Input>, roots: Roots) -> Self {
        nouns.push(page_info());
        nouns.extend(counted(&nouns));
        nouns.push(query(&nouns, roots.query));
        let root = |name, description, fields: Vec<Declared>| {
            fields.into_iter().fold(Noun::new(name, "", description), Noun::field)
        };
        nouns.push(root(ROOTS[1], "Everything that can be changed.", roots.mutation));
        nouns.push(root(ROOTS[2], "Everything that is told as it happens.", roots.subscription));
        let by_name = nouns.iter().enumerate().map(|(index, noun)| (noun.name, index)).collect();
        Catalog { nouns, unions, inputs, by_name }
    }

    pub fn noun(&self, name: &str) -> Option<&Noun> {
        self.by_name.get(name).map(|index| &self.nouns[*index])
    }

    /// A noun that a slice names; a name that isn't there is a fault in the slice.
    pub fn named(&self, name: &str) -> &Noun {
        self.noun(name).unwrap_or_else(|| panic!("no noun is named {name}"))
    }

    /// The root of an operation.
    pub fn root(&self, ty: OperationType) -> &Noun {
        self.named(match ty {
            OperationType::Query => ROOTS[0],
            OperationType::Mutation => ROOTS[1],
            OperationType::Subscription => ROOTS[2],
        })
    }

    /// Names of fields that are another for everybody who asks.
    pub fn personal(&self) -> impl Iterator<Item = &'static str> {
        self.nouns.iter().flat_map(|noun| &noun.fields).filter_map(|field| match &field.kind {
            Kind::Computed(computed) if computed.personal => Some(field.name),
            _ => None,
        })
    }

    pub fn union(&self, name: &str) -> Option<&Union> {
        self.unions.iter().find(|union| union.name == name)
    }

    /// Whether a record of this type is one of what `condition` names.
    pub fn is(&self, concrete: &str, condition: &str) -> bool {
        concrete == condition
            || self.noun(concrete).is_some_and(|noun| noun.interfaces.contains(&condition))
            || self.union(condition).is_some_and(|union| union.members.contains(&concrete))
    }

    /// The nouns that have a global id.
    pub fn records(&self) -> impl Iterator<Item = &Noun> {
        self.nouns.iter().filter(|noun| noun.interfaces.contains(&"Node"))
    }
}

/// The root: a lookup and a list for every noun that has them, and any record by its global id.
fn query(nouns: &[Noun], computed: Vec<Declared>) -> Noun {
    let mut fields = Vec::new();
    for noun in nouns {
        let Some(root) = &noun.root else { continue };
        if let Some(one) = root.one {
            let description = "The record that `by` names; null where there is none.";
            fields.push(Field { name: one, description, kind: Kind::Lookup(noun.name) });
        }
        let kind = Kind::Many(Many {
            to: noun.name,
            via: Via::All,
            stem: noun.name,
            attributes: Vec::new(),
            written: Written::No,
        });
        fields.push(Field { name: root.many, description: noun.description, kind });
    }
    fields.push(Field {
        name: "node",
        description: "The record with this global id; null where there is none.",
        kind: Kind::Node,
    });
    fields.push(Field {
        name: "nodes",
        description: "The records with these global ids, in the order asked for; null for each that isn't there.",
        kind: Kind::Nodes,
    });
    let root = Noun { fields, ..Noun::new(ROOTS[0], "", "Everything that can be read.") };
    computed.into_iter().fold(root, Noun::field)
}

/// The type of a facet's counts: `ActorFacet` for counts by actor.
pub fn facet_of(facet: &Facet) -> String {
    match &facet.by {
        FacetBy::Value { scalar, .. } => format!("{}Facet", scalar.type_name()),
        FacetBy::One { to, .. } | FacetBy::Link { to, .. } => format!("{to}Facet"),
    }
}

/// A type for the counts of every facet, each once. What is never listed, as an actor's names, has none.
fn counted(nouns: &[Noun]) -> Vec<Noun> {
    let mut made: Vec<Noun> = Vec::new();
    let listed = nouns.iter().filter(|noun| !noun.orders.is_empty());
    for facet in listed.flat_map(|noun| &noun.facets) {
        let name = facet_of(facet);
        if made.iter().any(|noun| noun.name == name) {
            continue;
        }
        let what = "What the records share; null for those that have none.";
        let value = match &facet.by {
            FacetBy::Value { scalar, .. } => column("value", *scalar, what),
            FacetBy::One { to, .. } | FacetBy::Link { to, .. } => {
                reference("value", to, vec![(to, "value")], what)
            }
        };
        // Made once, for as long as the program runs, like the names that the slices write.
        let noun = Noun::new(name.leak(), "", "How many records share a value.")
            .field(value.maybe())
            .field(column("count", Scalar::Int, "How many records share it."));
        made.push(noun);
    }
    made
}

impl Noun {
    pub fn is_root(&self) -> bool {
        ROOTS.contains(&self.name)
    }

    pub fn key_named(&self, name: &str) -> Option<&Key> {
        self.root.as_ref()?.keys.iter().find(|key| key.name == name)
    }

    pub fn has_filter(&self) -> bool {
        !self.conditions.is_empty()
    }
}
