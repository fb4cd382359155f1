//! The domain modules merged into one GraphQL schema.

use std::sync::LazyLock;

use crate::{
    domain::{
        actors, citations, commentaries, corroboration, events, languages, meetings, network, origins,
        positions, reconciliation, relations, revisions, search, sources, statements, texts, timeline,
        topics, viewer, votes,
    },
    engine::{mutation, schema, subscriptions},
    model::{
        Catalog, Roots, Union,
        object_type::{ObjectType, ToOne},
    },
};

/// The record types of the knowledge base, in the order of the schema, with the values that they own. A domain module
/// that isn't here isn't in the schema; everything else follows from what it declares.
pub fn records() -> Vec<ObjectType> {
    let modules = [
        actors::object_types,
        meetings::object_types,
        statements::object_types,
        events::object_types,
        commentaries::object_types,
        topics::object_types,
        sources::object_types,
        relations::object_types,
        votes::object_types,
        positions::object_types,
    ];
    modules.iter().flat_map(|object_types| object_types()).collect()
}

/// The catalog of the knowledge base.
pub fn catalog() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(|| of(records()));
    &CATALOG
}

/// A catalog of these record types: with what is computed over all of them, their history and their mutations.
pub fn of(records: Vec<ObjectType>) -> Catalog {
    let overviews = [
        citations::object_types(&records),
        origins::object_types(),
        languages::object_types(),
        texts::object_types(),
        corroboration::object_types(),
        search::object_types(&records),
        reconciliation::object_types(),
        timeline::object_types(&records),
        network::object_types(&records),
        viewer::object_types(),
        subscriptions::object_types(&records),
    ];
    let query = [
        search::fields(&records),
        reconciliation::fields(),
        timeline::fields(),
        network::fields(),
        positions::fields(),
        viewer::fields(),
    ];
    let subscription = subscriptions::fields(&records);
    let object_types: Vec<ObjectType> = records.into_iter().chain(overviews.into_iter().flatten()).collect();
    let revisions = revisions::object_types(&object_types, &mutation::recorded(&object_types));
    let object_types: Vec<ObjectType> = object_types.into_iter().chain(revisions).collect();
    let mutations = mutation::of(&object_types);
    let roots =
        Roots { query: query.into_iter().flatten().collect(), mutation: mutations.fields, subscription };
    let object_types: Vec<ObjectType> = object_types.into_iter().chain(mutations.object_types).collect();
    let unions = unions(&object_types);
    Catalog::new(object_types, unions, mutations.inputs, roots)
}

/// The descriptions of the types that stand for several object types.
const UNIONS: [(&str, &str); 5] = [
    ("CommentaryTarget", "What a commentary is about."),
    ("Searchable", "What a search can find."),
    ("TimelineRecord", "A record in a timeline."),
    ("TieEvidence", "What shows that two actors are tied."),
    ("Evidence", "Evidence for or against a position: a statement, an analyst's commentary, or a vote."),
];

/// The types of references that lead to one of several object types.
fn unions(object_types: &[ObjectType]) -> Vec<Union> {
    let is_known =
        |name: &str| object_types.iter().any(|known| known.name == name || known.interfaces.contains(&name));
    let mut unions: Vec<Union> = Vec::new();
    for field in object_types.iter().flat_map(|object_type| &object_type.fields) {
        let Some(ToOne { type_name, choices, .. }) = field.kind.reference() else { continue };
        if is_known(type_name) || unions.iter().any(|union| union.name == *type_name) {
            continue;
        }
        let described = UNIONS.iter().find(|(name, _)| name == type_name);
        let (name, description) = described.unwrap_or_else(|| panic!("UNIONS doesn't describe {type_name}"));
        let members = choices.iter().map(|(member, _)| *member).collect();
        unions.push(Union { name, description, members });
    }
    unions
}

/// The schema in GraphQL's own language, as `schema.graphql` holds it.
pub fn sdl(catalog: &'static Catalog) -> String {
    let schema = schema::schema(catalog).finish().expect("the domain modules make a schema");
    let options =
        async_graphql::SDLExportOptions::new().include_specified_by().prefer_single_line_descriptions();
    schema.sdl_with_options(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_described_union_is_in_the_schema() {
        let unused = UNIONS.iter().filter(|(name, _)| catalog().union(name).is_none());
        assert_eq!(unused.map(|(name, _)| name).collect::<Vec<_>>(), Vec::<&&str>::new());
    }
}
