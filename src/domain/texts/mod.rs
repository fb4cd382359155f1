//! Texts of sources, in versions, and the passages that citations name.

pub mod anchors;
pub mod cut;

use std::collections::HashMap;

use serde_json::Value;
use sqlx::{Row, postgres::PgRow};

use crate::{
    error::ApiError,
    model::{
        object_type::{
            Cardinality, Enumeration, FieldDeclaration, ObjectType, OwnedItem, OwnedList, Scalar, ValueType,
            column,
            computed::{
                Argument, ArgumentRule, ComputedValue, CostContext, CostEstimate, ResolveContext, computed,
                number,
            },
            language, one_of, prose, references, term, text, values,
        },
        pagination::MAX_PAGE,
    },
};

/// The table of the versions.
pub const VERSIONS: &str = "source_texts";

/// The table of citations.
pub const CITATIONS: &str = "citations";

pub const NO_VERSION: &str = "The text of the source has no such version.";

/// How much of a quote stands for a locator.
const BEGINNING: usize = 60;
/// Maximum length of a cited passage, and of what is shown before and after it, in characters.
const LONGEST: usize = 5000;
const AROUND: usize = 200;
/// Maximum number of passages of a text that are read for a cited passage.
const PASSAGES: i32 = 20;

static STATE: Enumeration = Enumeration {
    name: "AnchorState",
    sql: "anchor_state",
    description: "How a citation is tied to a passage of its source's text.",
    values: &[
        ("ANCHORED", "Its words are in the text, here."),
        ("RESOLVED", "Its locator or its position leads here."),
        (
            "ORPHANED",
            "It was anchored in an earlier version; its words, with those around them, are not in this one.",
        ),
        ("UNRESOLVED", "Its quote, locator or position leads nowhere in the text."),
    ],
    deprecated: &[],
};

/// The last version of a text: a condition on the row `t`.
const LAST: &str = "not exists (
    select from source_texts later where later.source_id = t.source_id and later.version > t.version
)";

pub fn object_types() -> Vec<ObjectType> {
    let version =
        || column("version", Scalar::Int, "The number of the version among those of the source, from 1.");
    vec![
        ObjectType::new(
            "SourceText",
            VERSIONS,
            "A version of a source's text. It never changes; a new text is a new version.",
        )
        .field(
            column("version", Scalar::Int, "The number of the version among those of the source, from 1. Default: the next one.")
                .nullable()
                .or_else("0"),
        )
        .field(
            column("sha256", Scalar::Content, "The SHA-256 of the text in UTF-8, as a hexadecimal number.")
                .from_column("sha256"),
        )
        .field(
            term(
                "mediaType",
                "The media type of the document that the text was taken from: `text/html`. Default: `text/plain`.",
            )
            .nullable()
            .or_else("'text/plain'"),
        )
        .field(language("language", "Its language as a BCP 47 tag: `en`."))
        .field(column("takenFrom", Scalar::Url, "The URL that it was taken from.").nullable())
        .field(
            column("takenOn", Scalar::PartialDate, "When it was taken, as precisely as it is known.")
                .nullable(),
        )
        .field(
            column("characters", Scalar::Int, "The number of its characters.")
                .from_sql("(select c.characters from text_contents c where c.sha256 = {}.sha256)"),
        ),
        ObjectType::new(
            "CitedPassage",
            "",
            "The passage of a source's text that a citation names, in the last version of the text.",
        )
        .field(one_of("state", &STATE, "How the citation is tied to the text."))
        .field(version())
        .field(
            prose("text", "The words of the passage, at most 5,000 characters; null if the citation has no place in the text.")
                .nullable(),
        )
        .field(prose("before", "Up to 200 characters before it.").nullable())
        .field(prose("after", "Up to 200 characters after it.").nullable())
        .field(column("isTruncated", Scalar::Boolean, "Whether the passage is longer than its first 5,000 characters, which `text` has."))
        .field(column("start", Scalar::Int, "The number of characters of the text before it.").nullable())
        .field(column("end", Scalar::Int, "The number of characters of the text up to its end.").nullable())
        .field(column("line", Scalar::Int, "The line on which it starts, from 1.").nullable())
        .field(column("page", Scalar::Int, "The page on which it starts, from 1, if the text has pages.").nullable()),
        ObjectType::new("SourcePassage", "", "A passage of a source's text: a paragraph, or a part of a long one.")
            .field(column("number", Scalar::Int, "Its position in the text, from 1."))
            .field(prose("text", "Its words."))
            .field(column("start", Scalar::Int, "The number of characters of the text before it."))
            .field(column("end", Scalar::Int, "The number of characters of the text up to its end."))
            .field(column("line", Scalar::Int, "The line on which it starts, from 1."))
            .field(column("page", Scalar::Int, "The page on which it starts, from 1, if the text has pages.").nullable())
            .field(text("section", "The section that it is in, if the text has sections.").nullable())
            .field(column("seconds", Scalar::Int, "The time of a recording at which it starts, if the text has times.").nullable())
            .field(references("citations", "Citation", vec![("Citation", "")], "The citations that name it, each with its record.")),
        ObjectType::new("SourceCoverage", "", "How much of a source's text supports records.")
            .field(column("passages", Scalar::Int, "The number of passages of the text."))
            .field(column("cited", Scalar::Int, "The number of passages that citations name.")),
        ObjectType::new("WholeText", "", "A source's whole text.")
            .field(version())
            .field(prose("content", "The text.")),
    ]
}

/// The fields of a source.
pub fn of_source() -> Vec<FieldDeclaration> {
    let versions = OwnedList {
        of: OwnedItem::Shape("SourceText"),
        table: VERSIONS,
        owner: "source_id",
        order: "{}.version",
        appended: true,
    };
    vec![
        values("texts", versions, "The versions of its text, if it has one. `attachSourceText` adds one."),
        computed(
            "text",
            ValueType { of: "WholeText", form: Cardinality::Maybe },
            vec![number("version", i64::from(i32::MAX), "The number of the version. Default: the last one.")],
            |context| Box::pin(whole(context)),
            "Its whole text; null if it has none. The setting `SOURCE_TEXTS` says who may read it: by default only callers with a key.",
        )
        .with_cost(price_of_whole)
        .whole_text(),
        computed(
            "passages",
            ValueType { of: "SourcePassage", form: Cardinality::List },
            page_of_passages(),
            |context| Box::pin(passages(context, CITED)),
            "Passages of its text that citations name, in order of position, with these citations. Of a longer place than 5,000 characters, callers who may not read whole texts see the beginning.",
        )
        .with_cost(price_of_passages),
        computed(
            "uncitedPassages",
            ValueType { of: "SourcePassage", form: Cardinality::List },
            page_of_passages(),
            |context| Box::pin(passages(context, UNCITED)),
            "Passages of its text that support no record yet, in order of position. The setting `SOURCE_TEXTS` says who may read them.",
        )
        .with_cost(price_of_passages)
        .whole_text(),
        computed(
            "coverage",
            ValueType { of: "SourceCoverage", form: Cardinality::Maybe },
            Vec::new(),
            |context| Box::pin(coverage(context)),
            "How much of its text supports records; null if it has no text.",
        )
        .with_cost(|context| CostEstimate { points: 10.0 + anchors_of_one(context) * 0.1, records: 0.0 }),
    ]
}

/// The citations of the passages of the text `t`, each passage once for each of its citations.
const NAMED: &str = "
    citation_anchors a
    join citations c on c.id = a.citation_id and c.source_id = t.source_id
    cross join lateral generate_series(a.first_passage, a.last_passage) n (number)
    where a.sha256 = t.sha256";

/// What a caller who may not read whole texts sees of a cited place of the text `{text}`: its passage `{number}`, if it
/// is near the beginning of the anchor `a`.
pub fn is_shown(text: &str, number: &str) -> String {
    format!(
        "exists (
             select from text_passages s
             where s.sha256 = {text} and s.number = {number} and s.starts < a.starts + {LONGEST}
         )"
    )
}

/// The numbers and citations of a page of passages of the text `t`: those after `$2`, at most `$3`.
const CITED: &str = "
    select n.number, array_agg(a.citation_id order by a.starts, a.citation_id) as citations from {named}
    and a.last_passage > $2 and n.number > $2 and {shown} group by n.number order by n.number limit $3";
const UNCITED: &str = "
    select p.number, null::bigint[] as citations from text_passages p
    where p.sha256 = t.sha256 and p.number > $2 and p.number not in (select n.number from {named})
    order by p.number limit $3";

fn page_of_passages() -> Vec<Argument> {
    vec![
        number("first", MAX_PAGE, "Number of passages. Default: 20. Maximum: 100."),
        number("after", i64::from(i32::MAX), "Only passages after the one with this number.")
            .taking(ArgumentRule::Within(0..=i64::from(i32::MAX))),
    ]
}

/// Anchors of a text, on average.
fn anchors_of_one(context: &CostContext<'_>) -> f64 {
    context.rows("citation_anchors") / context.rows(VERSIONS).max(1.0)
}

fn price_of_passages(context: &CostContext<'_>) -> CostEstimate {
    let first = context.number("first", 20, 100);
    let found = anchors_of_one(context) + passages_of_one(context) * 0.1;
    CostEstimate { points: 10.0 + first + found * 0.1, records: first }
}

async fn passages(context: ResolveContext<'_>, page: &str) -> Result<Vec<ComputedValue>, ApiError> {
    let (first, after) = (context.number("first", 20), context.number("after", 0));
    let shown = if context.reads_texts { "true".to_owned() } else { is_shown("a.sha256", "n.number") };
    let sql = format!(
        "select t.source_id, p.*, n.citations from {VERSIONS} t
         cross join lateral ({}) n join text_passages p on p.sha256 = t.sha256 and p.number = n.number
         where t.source_id = any($1) and {LAST} order by t.source_id, p.number",
        page.replace("{named}", NAMED).replace("{shown}", &shown)
    );
    let rows = context.reader.fetch(&sql, |sql| sql.bind(context.parents).bind(after).bind(first)).await?;
    let mut pages: HashMap<i64, Vec<ComputedValue>> = HashMap::new();
    for row in &rows {
        pages.entry(row.try_get("source_id")?).or_default().push(passage(row)?);
    }
    let pages = pages.into_iter().map(|(id, page)| (id, ComputedValue::List(page))).collect();
    Ok(context.by_parent(pages, &ComputedValue::List(Vec::new())))
}

fn passage(row: &PgRow) -> Result<ComputedValue, sqlx::Error> {
    let int = |column| -> Result<ComputedValue, sqlx::Error> {
        let number: Option<i32> = row.try_get(column)?;
        Ok(number.map_or(ComputedValue::Null, |number| ComputedValue::Int(number.into())))
    };
    let citations: Option<Vec<i64>> = row.try_get("citations")?;
    let citations = citations.unwrap_or_default().into_iter().map(|id| ComputedValue::Record("Citation", id));
    Ok(ComputedValue::Object(vec![
        ("number", int("number")?),
        ("text", ComputedValue::Text(row.try_get::<&str, _>("text")?.trim().to_owned())),
        ("start", int("starts")?),
        ("end", int("ends")?),
        ("line", int("line")?),
        ("page", int("page")?),
        ("section", ComputedValue::text_in(row, "section")?),
        ("seconds", int("seconds")?),
        ("citations", ComputedValue::List(citations.collect())),
    ]))
}

async fn coverage(context: ResolveContext<'_>) -> Result<Vec<ComputedValue>, ApiError> {
    let sql = format!(
        "select t.source_id, (select max(p.number) from text_passages p where p.sha256 = t.sha256) as passages,
                (select count(distinct n.number) from {NAMED}) as cited
         from {VERSIONS} t where t.source_id = any($1) and {LAST}"
    );
    let rows = context.reader.fetch(&sql, |sql| sql.bind(context.parents)).await?;
    let mut found = HashMap::new();
    for row in rows {
        let passages: i32 = row.try_get("passages")?;
        let covered = ComputedValue::Object(vec![
            ("passages", ComputedValue::Int(passages.into())),
            ("cited", ComputedValue::Int(row.try_get("cited")?)),
        ]);
        found.insert(row.try_get::<i64, _>("source_id")?, covered);
    }
    Ok(context.by_parent(found, &ComputedValue::Null))
}

/// The locator of a citation that has none: its position, or the beginning of its quote. Of half a position an error
/// tells the other half, not the locator.
pub fn locator(value: &dyn Fn(&str) -> Value) -> Option<String> {
    let place = |name| match value(name) {
        Value::Number(place) => Some(place.to_string()),
        _ => None,
    };
    let position = [place("start"), place("end")];
    if position.iter().any(Option::is_some) {
        return Some(format!("char={}", position.map(Option::unwrap_or_default).join(",")));
    }
    let Value::String(quote) = value("quote") else { return None };
    let quote = quote.split_whitespace().collect::<Vec<_>>().join(" ");
    let beginning: String = quote.chars().take(BEGINNING).collect();
    let rest = if beginning.len() < quote.len() { "…" } else { "" };
    Some(format!("“{}{rest}”", beginning.trim_end())).filter(|_| !quote.is_empty())
}

/// The passage of a citation.
pub fn of_citation() -> FieldDeclaration {
    computed(
        "passage",
        ValueType { of: "CitedPassage", form: Cardinality::Maybe },
        Vec::new(),
        |context| Box::pin(cited(context)),
        "The passage of the source's text that it names, in words; null if the source has no text.",
    )
    .with_cost(|_| CostEstimate { points: 3.0, records: 0.0 })
}

async fn cited(context: ResolveContext<'_>) -> Result<Vec<ComputedValue>, ApiError> {
    let sql = format!(
        "select c.id, t.version, coalesce(a.state::text, 'UNRESOLVED') as state, a.starts, a.ends, a.first_passage,
                p.number, p.starts as at, p.line, p.page, p.text
         from {CITATIONS} c join {VERSIONS} t on t.source_id = c.source_id and {LAST}
         left join citation_anchors a on a.citation_id = c.id and a.sha256 = t.sha256
         left join text_passages p on p.sha256 = a.sha256
         and p.number between a.first_passage - 1 and least(a.last_passage, a.first_passage + $2) + 1
         where c.id = any($1) order by c.id, p.number"
    );
    let rows = context.reader.fetch(&sql, |sql| sql.bind(context.parents).bind(PASSAGES)).await?;
    let mut passages: HashMap<i64, ComputedValue> = HashMap::new();
    for rows in rows.chunk_by(|one, other| one.get::<i64, _>("id") == other.get::<i64, _>("id")) {
        passages.insert(rows[0].try_get("id")?, cited_passage(rows)?);
    }
    Ok(context.by_parent(passages, &ComputedValue::Null))
}

/// The passage of a citation, from the passages of the text that it is in and those around them.
fn cited_passage(rows: &[PgRow]) -> Result<ComputedValue, sqlx::Error> {
    let number = |row: &PgRow, column: &str| -> Result<Option<usize>, sqlx::Error> {
        Ok(row.try_get::<Option<i32>, _>(column)?.and_then(|number| usize::try_from(number).ok()))
    };
    let int = |number: Option<usize>| {
        number.map_or(ComputedValue::Null, |number| {
            ComputedValue::Int(i64::try_from(number).unwrap_or(i64::MAX))
        })
    };
    let row = &rows[0];
    let length = number(row, "ends")?.unwrap_or(0) - number(row, "starts")?.unwrap_or(0);
    let mut fields = vec![
        ("state", ComputedValue::Text(row.try_get("state")?)),
        ("isTruncated", ComputedValue::Boolean(length > LONGEST)),
        ("version", int(number(row, "version")?)),
        ("start", int(number(row, "starts")?)),
        ("end", int(number(row, "ends")?)),
    ];
    if let (Some(starts), Some(ends), Some(at)) =
        (number(row, "starts")?, number(row, "ends")?, number(row, "at")?)
    {
        let texts = rows.iter().map(|row| row.try_get::<&str, _>("text")).collect::<Result<Vec<_>, _>>()?;
        let characters: Vec<char> = texts.iter().flat_map(|text| text.chars()).collect();
        let end = characters.len().min(ends - at);
        let [before, text, after] =
            [&characters[..starts - at], &characters[starts - at..end], &characters[end..]]
                .map(|part| part.iter().collect::<String>());
        let is_first = |row: &&PgRow| {
            number(row, "number")
                .is_ok_and(|own| number(row, "first_passage").is_ok_and(|first| own == first))
        };
        let first = rows.iter().find(is_first).unwrap_or(row);
        let first_at = number(first, "at")?.unwrap_or(at);
        let lines_before =
            characters[first_at - at..starts - at].iter().filter(|next| **next == '\n').count();
        fields.extend([
            ("text", ComputedValue::Text(text.chars().take(LONGEST).collect())),
            ("before", ComputedValue::Text(last_words(&before).to_owned())),
            ("after", ComputedValue::Text(first_words(&after).to_owned())),
            ("line", int(number(first, "line")?.map(|line| line + lines_before))),
            ("page", int(number(first, "page")?)),
        ]);
    }
    Ok(ComputedValue::Object(fields))
}

/// The words at the beginning of a text.
fn first_words(text: &str) -> &str {
    let Some((end, _)) = text.char_indices().nth(AROUND) else { return text.trim_end() };
    let words = &text[..end];
    words.rfind(char::is_whitespace).map_or(words, |space| &words[..space]).trim_end()
}

/// The words at the end of a text.
fn last_words(text: &str) -> &str {
    let Some((start, _)) = text.char_indices().rev().nth(AROUND - 1) else { return text.trim_start() };
    if start == 0 {
        return text.trim_start();
    }
    let words = &text[start..];
    words.find(char::is_whitespace).map_or(words, |space| &words[space..]).trim_start()
}

/// Passages of a text, on average.
fn passages_of_one(context: &CostContext<'_>) -> f64 {
    context.rows("text_passages") / context.rows(VERSIONS).max(1.0)
}

fn price_of_whole(context: &CostContext<'_>) -> CostEstimate {
    CostEstimate { points: 10.0 + passages_of_one(context) * 0.1, records: 0.0 }
}

async fn whole(context: ResolveContext<'_>) -> Result<Vec<ComputedValue>, ApiError> {
    let version = context.given_number("version");
    let sql = format!(
        "select t.source_id, t.version, (
             select string_agg(p.text, '' order by p.number) from text_passages p where p.sha256 = t.sha256
         ) as content
         from {VERSIONS} t where t.source_id = any($1) and case when $2 is null then {LAST} else t.version = $2 end"
    );
    let rows = context.reader.fetch(&sql, |sql| sql.bind(context.parents).bind(version)).await?;
    let mut texts = HashMap::new();
    for row in rows {
        let text = ComputedValue::Object(vec![
            ("version", ComputedValue::Int(i64::from(row.try_get::<i32, _>("version")?))),
            ("content", ComputedValue::Text(row.try_get("content")?)),
        ]);
        texts.insert(row.try_get::<i64, _>("source_id")?, text);
    }
    Ok(context.by_parent(texts, &ComputedValue::Null))
}
