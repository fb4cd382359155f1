//! Sources: the documents that records cite.

use crate::{
    domain::{
        languages::{self, Text},
        texts,
    },
    model::object_type::{
        Enumeration, Join, ObjectType, Scalar, Writability, column, language, many, one, one_of,
        overviews::Searched, text,
    },
};

static RELIABILITY: Enumeration = Enumeration {
    name: "SourceReliability",
    sql: "source_reliability",
    description: "The reliability of a source: the letter of its rating in the Admiralty code.",
    values: &[
        ("A", "Completely reliable."),
        ("B", "Usually reliable."),
        ("C", "Fairly reliable."),
        ("D", "Not usually reliable."),
        ("E", "Unreliable."),
        ("F", "Its reliability cannot be judged."),
    ],
    deprecated: &[],
};

pub fn object_types() -> Vec<ObjectType> {
    vec![
        ObjectType::new("Source", "sources", "A document: an article, an interview, a transcript.")
            .record("sources")
            .labelled("{}.title", "A short title for people: its title.")
            .during(
                "published",
                "DATE",
                "It was published in this period, or may have been.",
                "{}.published_during",
            )
            .field(
                text("title", "Its title. A title that the editors gave it is in square brackets.")
                    .filterable()
                    .sortable("TITLE"),
            )
            .field(one("publisher", "Actor", "publisher_id", "Who published it.").nullable())
            .field(
                many(
                    "authors",
                    "Actor",
                    Join::Link("source_authors", "source_id", "actor_id"),
                    "Who wrote it.",
                )
                .writable_as(Writability::Link(Some("ordinal"))),
            )
            .field(column("url", Scalar::Url, "The URL of the document.").nullable().filterable())
            .field(language("language", "Its language as a BCP 47 tag: `en`.").filterable())
            .field(
                column(
                    "publishedOn",
                    Scalar::PartialDate,
                    "When it was published, as precisely as it is known.",
                )
                .nullable(),
            )
            .field(
                one_of("reliability", &RELIABILITY, "How reliable it is; null if it was not rated.")
                    .nullable()
                    .filterable(),
            )
            .fields(texts::of_source())
            .field(many(
                "citations",
                "Citation",
                Join::Column("source_id"),
                "Passages of the source that support records.",
            ))
            .field(many(
                "commentaries",
                "Commentary",
                Join::Column("source_id"),
                "Analysts' commentaries in the source.",
            ))
            .fields(languages::of(&[Text::of("sources", "source_id", "title")]))
            .versioned()
            .searchable(Searched {
                description: "Sources, by title and text.",
                name: Some("title"),
                texts: &["title"],
            })
            .searchable_passages("source_passages", "source_id")
            .in_order_of_entry(),
    ]
}
