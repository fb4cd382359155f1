//! Topics, and their sub-topics.

use crate::{
    domain::positions,
    model::object_type::{Join, ObjectType, Predicate, evidence, many, one, overviews::Searched, text},
};

pub fn object_types() -> Vec<ObjectType> {
    let [standings, disagreements] = positions::of_topic();
    vec![
        ObjectType::new("Topic", "topics", "A subject, which can have sub-topics.")
            .record("topics")
            .labelled("{}.name", "A short title for people: its name.")
            .field(text("name", "The name of the topic.").filterable().sortable("NAME"))
            .field(one("parent", "Topic", "parent_id", "The larger topic that it is part of.").nullable())
            .field(many("children", "Topic", Join::Column("parent_id"), "Topics that are part of it."))
            .field(many(
                "statements",
                "Statement",
                Join::Link("statement_topics", "topic_id", "statement_id"),
                "Statements on exactly this topic.",
            ))
            .field(many(
                "meetings",
                "Meeting",
                Join::Link("meeting_topics", "topic_id", "meeting_id"),
                "Meetings with this topic on the agenda.",
            ))
            .field(many(
                "motions",
                "Motion",
                Join::Link("motion_topics", "topic_id", "motion_id"),
                "Motions on exactly this topic.",
            ))
            .field(many("positions", "Position", Join::Column("topic_id"), "Actors' positions on it."))
            .field(many(
                "commentaries",
                "Commentary",
                Join::Link("commentary_targets", "topic_id", "commentary_id"),
                "Analysts' commentaries about it.",
            ))
            .field(standings)
            .field(disagreements)
            .field(evidence("topic_id"))
            .versioned()
            .condition(
                "within",
                "It is this topic, or a sub-topic of it at any depth.",
                Predicate::Within { parent: "parent_id" },
            )
            .searchable(Searched { description: "Topics, by name.", name: Some("name"), texts: &["name"] })
            .in_order_of_entry(),
    ]
}
