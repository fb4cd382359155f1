//! Citations: which passage of which source supports which record.

use crate::{
    domain::texts,
    model::{
        object_type::{
            Enumeration, ObjectType, Predicate, Scalar, SortKey, column, one, one_of, prose, reference, term,
            text,
        },
        pagination::KeyKind,
        record_types,
    },
};

static CREDIBILITY: Enumeration = Enumeration {
    name: "Credibility",
    sql: "credibility",
    description: "How credible it is what a passage says: the number of its rating in the Admiralty code.",
    values: &[
        ("CONFIRMED", "1: confirmed by other sources."),
        ("PROBABLY_TRUE", "2: probably true."),
        ("POSSIBLY_TRUE", "3: possibly true."),
        ("DOUBTFUL", "4: doubtful."),
        ("IMPROBABLE", "5: improbable."),
        ("CANNOT_BE_JUDGED", "6: its truth cannot be judged."),
    ],
    deprecated: &[],
};

pub fn object_types(records: &[ObjectType]) -> Vec<ObjectType> {
    vec![
        ObjectType::new("Citation", "citations", "A passage of a source that supports a record.")
            .listed("citations")
            .field(one("source", "Source", "source_id", "The document."))
            .field(term("locator", "The place in the document: `L12` is line 12, `L4-L9` are lines, `p. 3` is a page, `§ 2` a section, `t=00:12:31` a time of a recording, `char=120,180` are characters. Default: the position, or the beginning of the quote.").filterable().or_derived(texts::locator))
            .field(
                one_of(
                    "credibility",
                    &CREDIBILITY,
                    "How credible it is what the passage says; null if it was not rated.",
                )
                .nullable()
                .filterable(),
            )
            .field(
                term(
                    "grade",
                    "The grade of the passage in the Admiralty code, `B2`: the letter of the source's reliability and the number of the credibility. A source that was not rated is F, a passage that was not rated is 6.",
                )
                .from_sql(
                    "(select admiralty_grade(s.reliability, {}.credibility) from sources s where s.id = {}.source_id)",
                )
                .reading(&[("sources", "source_id")]),
            )
            .condition(
                "grade",
                "The grade of the passage in the Admiralty code: `{atLeast: \"B2\"}`.",
                Predicate::Grade {
                    number: "credibility_number({}.credibility)",
                    one_of: "exists (select from sources {other} where {other}.id = {}.source_id and admiralty_grade({other}.reliability, {}.credibility) = any({grades}))",
                },
            )
            .field(
                prose("quote", "The words of the passage, exactly as the source has them, apart from white space.").nullable(),
            )
            .field(text("prefix", "The words before the quote, if the source has the quote several times.").nullable())
            .field(text("suffix", "The words after the quote, if the source has the quote several times.").nullable())
            .field(column("start", Scalar::Int, "The number of characters (Unicode code points) of the text before the passage, where the citation says so: `passage.start` is that in the last version of the text.").nullable().from_column("starts"))
            .field(column("end", Scalar::Int, "The number of characters (Unicode code points) of the text up to the end of the passage, where the citation says so.").nullable().from_column("ends"))
            .field(
                column(
                    "version",
                    Scalar::Int,
                    "The version of the source's text that the locator, the quote and the position are of. Default: the last one. 0: the source had no text yet; then they are of the first.",
                )
                .nullable()
                .or_else("0"),
            )
            .field(texts::of_citation())
            .field(
                reference(
                    "record",
                    "Record",
                    record_types(records)
                        .filter_map(|record| Some((record.name, record.cited_by()?)))
                        .collect(),
                    "The record that the passage supports.",
                )
                .filterable(),
            )
            .in_order_of_entry()
            .order("CREDIBILITY", "credibility (not rated counts as not to be judged)", |_| {
                SortKey::Key("credibility_number({}.credibility)".into(), KeyKind::Int)
            })
            .order("GRADE", "grade (the letter, then the number)", |_| {
                SortKey::Foreign(
                    "(select 10 * ascii(coalesce({other}.reliability::text, 'F')) + credibility_number({}.credibility) from sources {other} where {other}.id = {}.source_id)",
                    KeyKind::Int,
                )
            }),
    ]
}
