//! Topics, and their sub-topics.

use crate::{
    domain::{
        languages::{self, Text},
        positions,
    },
    model::object_type::{
        Enumeration, Join, LookupInput, LookupKey, ObjectType, OwnedItem, OwnedList, Predicate, evidence,
        language, many, one, one_of, overviews::Searched, term, text, values,
    },
};

static NAME_KIND: Enumeration = Enumeration {
    name: "TopicNameKind",
    sql: "topic_name_kind",
    description: "How a further name relates to the preferred one.",
    values: &[
        ("ALIAS", "Another name in use, or the name in another language."),
        ("FORMER", "A name no longer in use."),
        ("ABBREVIATION", "Initials or another shortening."),
    ],
    deprecated: &[],
};

pub fn object_types() -> Vec<ObjectType> {
    vec![
        ObjectType::new("Topic", "topics", "A subject, which can have sub-topics.")
            .record("topics")
            .labelled("{}.name", "A short title for people: its name.")
            .key(LookupKey {
                name: "identifier",
                description: "The topic's identifier in an external register.",
                input: LookupInput::Texts(
                    "TopicIdentifierInput",
                    "An external identifier: the register's scheme and its value there.",
                    &[
                        ("scheme", "The register: `cap`, `eurovoc`, `wikidata`, …"),
                        ("value", "The topic's identifier in that register: `19`."),
                    ],
                ),
                sql: "{}.id = (select topic_id from topic_identifiers where scheme = $? and value = $?)",
            })
            .field(text("name", "The preferred name.").filterable().sortable("NAME"))
            .field(
                values(
                    "names",
                    OwnedList { of: OwnedItem::Shape("TopicName"), table: "topic_names", owner: "topic_id", order: "{}.id", appended: false },
                    "Further names: in other languages, aliases, former names, abbreviations. Several topics may share a name.",
                )
                .filterable(),
            )
            .field(
                values(
                    "identifiers",
                    OwnedList {
                        of: OwnedItem::Shape("TopicIdentifier"),
                        table: "topic_identifiers",
                        owner: "topic_id",
                        order: "{}.scheme, {}.value",
                        appended: false,
                    },
                    "Identifiers of the topic in external registers, such as CAP, EuroVoc or Wikidata.",
                )
                .filterable(),
            )
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
            .fields(positions::of_topic())
            .field(evidence("topic_id"))
            .fields(languages::of(&[Text::of("topics", "topic_id", "name").in_names("topic_names")]))
            .versioned()
            .condition(
                "within",
                "It is this topic, or a sub-topic of it at any depth.",
                Predicate::Within { parent: "parent_id" },
            )
            .condition(
                "anyName",
                "The preferred name or one of the further names matches.",
                Predicate::AnyText { among: &[("topics", "id", "name"), ("topic_names", "topic_id", "name")] },
            )
            .searchable(Searched {
                description: "Topics, by their names in any language.",
                name: Some("name"),
                texts: &["name"],
            })
            .searchable_names("topic_names", "topic_id")
            .in_order_of_entry(),
        ObjectType::new("TopicName", "topic_names", "A further name of a topic.")
            .field(text("name", "The name.").filterable())
            .field(one_of("kind", &NAME_KIND, "How it relates to the preferred name.").filterable())
            .field(language("language", "Its language as a BCP 47 tag: `en`, `kk`.").filterable())
            .field(term("script", "Its script as an ISO 15924 code: `Latn`, `Cyrl`.").nullable().filterable()),
        ObjectType::new("TopicIdentifier", "topic_identifiers", "An identifier of a topic in an external register.")
            .field(term("scheme", "The register: `cap`, `eurovoc`, `wikidata`, …").filterable())
            .field(term("value", "The topic's identifier in that register.").filterable()),
    ]
}
