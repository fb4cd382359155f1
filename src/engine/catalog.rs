//! The domain modules merged into one GraphQL schema.

use std::sync::LazyLock;

use crate::{
    domain::{
        actors, citations, commentaries, meetings, network, positions, reconciliation, relations, revisions,
        search, sources, statements, timeline, topics, viewer,
    },
    engine::{mutation, schema, subscriptions},
    model::{Catalog, Roots, Union, object_type::ObjectType},
};

/// All object types of the knowledge base. A domain module that isn't here isn't in the schema.
pub fn catalog() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
        let object_types: Vec<ObjectType> = [
            actors::object_types(),
            meetings::object_types(),
            statements::object_types(),
            commentaries::object_types(),
            topics::object_types(),
            sources::object_types(),
            relations::object_types(),
            positions::object_types(),
            citations::object_types(),
            search::object_types(),
            reconciliation::object_types(),
            timeline::object_types(),
            network::object_types(),
            viewer::object_types(),
            subscriptions::object_types(),
        ]
        .into_iter()
        .flatten()
        .collect();
        let revisions = revisions::object_types(&mutation::recorded(&object_types));
        let object_types: Vec<ObjectType> = object_types.into_iter().chain(revisions).collect();
        let mutations = mutation::of(&object_types);
        Catalog::new(
            object_types.into_iter().chain(mutations.object_types).collect(),
            vec![
                Union {
                    name: "CommentaryTarget",
                    description: "What a commentary is about.",
                    members: &["Actor", "Meeting", "Statement", "Topic"],
                },
                Union {
                    name: "Searchable",
                    description: "What a search can find.",
                    members: &["Actor", "Meeting", "Statement", "Commentary", "Topic", "Source"],
                },
                Union {
                    name: "TimelineRecord",
                    description: "A record in a timeline.",
                    members: &["Meeting", "Statement", "Commentary"],
                },
                Union {
                    name: "TieEvidence",
                    description: "What shows that two actors are tied.",
                    members: &["Relation", "Meeting", "Statement"],
                },
                Union {
                    name: "Evidence",
                    description: "Evidence for a position: a statement, or an analyst's commentary.",
                    members: &["Statement", "Commentary"],
                },
            ],
            mutations.inputs,
            Roots {
                query: [
                    search::fields(),
                    reconciliation::fields(),
                    timeline::fields(),
                    network::fields(),
                    viewer::fields(),
                ]
                .into_iter()
                .flatten()
                .collect(),
                mutation: mutations.fields,
                subscription: subscriptions::fields(),
            },
        )
    });
    &CATALOG
}

/// The schema in GraphQL's own language, as `schema.graphql` holds it.
pub fn sdl() -> String {
    let schema = schema::schema(catalog()).finish().expect("the domain modules make a schema");
    let options =
        async_graphql::SDLExportOptions::new().include_specified_by().prefer_single_line_descriptions();
    schema.sdl_with_options(options)
}
