//! The slices merged into one GraphQL schema.

use std::sync::LazyLock;

use crate::{
    actors, citations, commentaries, meetings, positions,
    query::{
        catalog::{Catalog, Union},
        types,
    },
    relations, revisions, sources, statements, topics,
};

/// All nouns of the knowledge base. A slice that isn't here isn't in the schema.
pub fn catalog() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
        Catalog::new(
            [
                actors::nouns(),
                meetings::nouns(),
                statements::nouns(),
                commentaries::nouns(),
                topics::nouns(),
                sources::nouns(),
                relations::nouns(),
                positions::nouns(),
                citations::nouns(),
                revisions::nouns(),
            ]
            .into_iter()
            .flatten()
            .collect(),
            vec![
                Union {
                    name: "CommentaryTarget",
                    description: "What a commentary is about.",
                    members: &["Actor", "Meeting", "Statement", "Topic"],
                },
                Union {
                    name: "Evidence",
                    description: "What shows that an actor holds a position: what somebody said, or what an analyst reports.",
                    members: &["Statement", "Commentary"],
                },
            ],
            Vec::new(),
        )
    });
    &CATALOG
}

/// The schema in GraphQL's own language, as `schema.graphql` holds it.
pub fn sdl() -> String {
    let schema = types::schema(catalog()).finish().expect("the slices make a schema");
    let options =
        async_graphql::SDLExportOptions::new().include_specified_by().prefer_single_line_descriptions();
    schema.sdl_with_options(options)
}
