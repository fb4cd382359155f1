//! Sources: the documents that everything rests on.

use crate::model::object_type::{
    Enumeration, Noun, Scalar, Via, Written, column, many, one, one_of, term, text,
};

static RELIABILITY: Enumeration = Enumeration {
    name: "SourceReliability",
    sql: "source_reliability",
    description: "How far a source can be relied on: the letter of the Admiralty code.",
    values: &[
        ("A", "Completely reliable."),
        ("B", "Usually reliable."),
        ("C", "Fairly reliable."),
        ("D", "Not usually reliable."),
        ("E", "Unreliable."),
        ("F", "Its reliability cannot be judged."),
    ],
};

pub fn nouns() -> Vec<Noun> {
    vec![
        Noun::new("Source", "sources", "A document: an article, an interview, a transcript.")
            .record("source", "sources")
            .labelled("{}.title", "What a reader would call it: its title.")
            .during(
                "published",
                "DATE",
                "It was published in this period, or may have been.",
                "{}.published_during",
            )
            .field(
                text("title", "Its title; one that the editors devised stands in square brackets.")
                    .filtered()
                    .sorted("TITLE"),
            )
            .field(one("publisher", "Actor", "publisher_id", "Who published it.").maybe())
            .field(
                many(
                    "authors",
                    "Actor",
                    Via::Link("source_authors", "source_id", "actor_id"),
                    "Who wrote it.",
                )
                .written_as(Written::Link(Some("ordinal"))),
            )
            .field(column("url", Scalar::Url, "Where it can be read.").maybe().filtered())
            .field(term("language", "Its language as a BCP 47 tag: `en`.").maybe().filtered())
            .field(
                column("publishedOn", Scalar::PartialDate, "When it was published, as exactly as is known.")
                    .maybe(),
            )
            .field(
                one_of("reliability", &RELIABILITY, "How far it can be relied on; null where nobody judged.")
                    .maybe()
                    .filtered(),
            )
            .field(many(
                "citations",
                "Citation",
                Via::Column("source_id"),
                "Its passages that support records.",
            ))
            .field(many(
                "commentaries",
                "Commentary",
                Via::Column("source_id"),
                "Analysts' commentaries that it holds.",
            ))
            .remembered("source_id")
            .searched()
            .in_order_of_entry(),
    ]
}
