//! Texts of sources, in versions, and the passages that citations name.

pub mod cut;

use sqlx::Row;

use crate::{
    error::ApiError,
    model::object_type::{
        Cardinality, FieldDeclaration, ObjectType, OwnedItem, OwnedList, Scalar, ValueType, column,
        computed::{ComputedValue, CostContext, CostEstimate, ResolveContext, computed, number},
        prose, term, values,
    },
};

/// The table of the versions.
pub const VERSIONS: &str = "source_texts";

/// The last version of a text: a condition on the row `t`.
const LAST: &str = "not exists (
    select from source_texts later where later.source_id = t.source_id and later.version > t.version
)";

pub fn object_types() -> Vec<ObjectType> {
    let version = |sql: &'static str| {
        column("version", Scalar::Int, "The number of the version among those of the source, from 1.")
            .from_sql(sql)
    };
    vec![
        ObjectType::new(
            "SourceText",
            VERSIONS,
            "A version of a source's text. It never changes; a new text is a new version.",
        )
        .field(version("({}.version)"))
        .field(
            column("sha256", Scalar::Content, "The SHA-256 of the text in UTF-8, as a hexadecimal number.")
                .from_column("sha256"),
        )
        .field(term("mediaType", "The media type of the document that the text was taken from: `text/html`."))
        .field(term("language", "Its language as a BCP 47 tag: `en`.").nullable())
        .field(column("takenFrom", Scalar::Url, "The URL that it was taken from.").nullable())
        .field(
            column("takenOn", Scalar::PartialDate, "When it was taken, as precisely as it is known.")
                .nullable(),
        )
        .field(
            column("characters", Scalar::Int, "The number of its characters.")
                .from_sql("(select c.characters from text_contents c where c.sha256 = {}.sha256)"),
        ),
        ObjectType::new("WholeText", "", "A source's whole text.")
            .field(version("version"))
            .field(prose("content", "The text.")),
    ]
}

/// The fields of a source.
pub fn of_source() -> [FieldDeclaration; 2] {
    let versions = OwnedList {
        of: OwnedItem::Shape("SourceText"),
        table: VERSIONS,
        owner: "source_id",
        order: "{}.version",
        appended: true,
    };
    [
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
    ]
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
    let mut texts = vec![ComputedValue::Null; context.parents.len()];
    for row in rows {
        let source: i64 = row.try_get("source_id")?;
        let place = context.parents.iter().position(|id| *id == source).ok_or(sqlx::Error::RowNotFound)?;
        texts[place] = ComputedValue::Object(vec![
            ("version", ComputedValue::Int(i64::from(row.try_get::<i32, _>("version")?))),
            ("content", ComputedValue::Text(row.try_get("content")?)),
        ]);
    }
    Ok(texts)
}
