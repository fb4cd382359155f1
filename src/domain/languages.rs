//! Languages of names, titles and texts: translations side by side with the original, and the pick of the best one.

use std::collections::HashMap;

use sqlx::{Row, postgres::PgRow};

use crate::{
    error::ApiError,
    model::{
        languages, naming,
        object_type::{
            Cardinality, Enumeration, FieldDeclaration, ObjectType, OwnedItem, OwnedList, Scalar, ValueType,
            column,
            computed::{
                ArgumentRule, ComputedValue, CostContext, CostEstimate, ResolveContext, argument, computed,
            },
            language, one_of, prose, text, values,
        },
    },
};

/// The table of translations.
pub const TRANSLATIONS: &str = "translations";

static FIELD: Enumeration = Enumeration {
    name: "TranslatedField",
    sql: "translated_field",
    description: "The field that a translation is of.",
    values: &[
        ("NAME", "The name of a meeting, an event, a motion or a division."),
        ("TITLE", "The title of a source."),
        ("QUESTION", "The question of a commentary."),
        ("SUMMARY", "The summary."),
        ("QUOTE", "The quote of a statement."),
    ],
    deprecated: &[],
};

static KIND: Enumeration = Enumeration {
    name: "TranslationKind",
    sql: "translation_kind",
    description: "How a translation was made.",
    values: &[
        ("HUMAN", "A person translated it."),
        ("MACHINE", "A program translated it."),
        ("EDITED_MACHINE", "A program translated it, and a person corrected it."),
    ],
    deprecated: &[],
};

/// A text of a record type that may be in several languages.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    table: &'static str,
    /// The column of translations and names that refers to the record.
    owner: &'static str,
    field: &'static str,
    /// SQL of its language where it has none of its own.
    fallback: Option<&'static str>,
    /// The table of the names in other languages, if they are there.
    names: Option<&'static str>,
}

impl Text {
    pub const fn of(table: &'static str, owner: &'static str, field: &'static str) -> Self {
        Text { table, owner, field, fallback: None, names: None }
    }

    /// Its language, where none is given, is that of another field.
    #[must_use]
    pub const fn or_else(self, fallback: &'static str) -> Self {
        Text { fallback: Some(fallback), ..self }
    }

    /// The further names of the record have it in other languages.
    #[must_use]
    pub const fn in_names(self, names: &'static str) -> Self {
        Text { names: Some(names), ..self }
    }

    /// The fields of its language, and of its best version.
    fn fields(self) -> [FieldDeclaration; 2] {
        let Text { field, fallback, .. } = self;
        let name = format!("{field}Language").leak();
        let default = if fallback.is_some() { " Default: `language`." } else { "" };
        let own =
            language(name, format!("The language of `{field}` as a BCP 47 tag: `en`, `kk`.{default}").leak());
        let own = match fallback {
            Some(fallback) => own.or_maybe(fallback),
            None => own,
        };
        let of = ValueType { of: "LocalizedText", form: Cardinality::Maybe };
        let best = format!(
            "`{field}` in the best language that there is for the reader: the original, or a version in another language. The original if there is none of the languages."
        );
        let languages = argument(
            "languages",
            "[String!]",
            "Languages as BCP 47 tags, best first. Default: those of the header `Accept-Language`.",
        );
        let name = format!("localized{}", naming::pascal_case(field)).leak();
        let best = computed(
            name,
            of,
            vec![languages.taking(ArgumentRule::Languages)],
            move |context| Box::pin(pick(context, self)),
            best.leak(),
        );
        [own, best.with_cost(price)]
    }

    /// All versions of the records `$1`: the original, then the others in order.
    fn sql(self) -> String {
        let Text { table, owner, field, fallback, names } = self;
        let own = match fallback {
            Some(fallback) => format!("coalesce(t.{field}_language, {})", fallback.replace("{}", "t")),
            None => format!("t.{field}_language"),
        };
        let others = match names {
            // A name in another script says so by its tag.
            Some(names) => format!(
                "select {owner}, name, case when script is null or language like '%-%' then language else language || '-' || script end,
                        null, null, id
                 from {names} where {owner} = any($1) and language is not null and kind::text in ('ALIAS', 'TRANSLITERATION')"
            ),
            None => format!(
                "select {owner}, value, language, translator, kind::text, row_number() over (order by language)
                 from {TRANSLATIONS} where {owner} = any($1) and field = '{}'",
                field.to_uppercase()
            ),
        };
        format!(
            "select t.id, t.{field}::text as value, {own}::text as language, null as translator, null as kind, 0::bigint as number
             from {table} t where t.id = any($1) and t.{field} is not null
             union all {others} order by id, number"
        )
    }
}

/// The languages of the texts of a record type, the best version of each, and their translations.
pub fn of(texts: &[Text]) -> Vec<FieldDeclaration> {
    let mut fields: Vec<FieldDeclaration> = texts.iter().flat_map(|text| text.fields()).collect();
    if let Some(Text { owner, .. }) = texts.iter().find(|text| text.names.is_none()) {
        let translated = texts.iter().filter(|text| text.names.is_none());
        let translated: Vec<String> = translated.map(|text| format!("`{}`", text.field)).collect();
        let list = OwnedList {
            of: OwnedItem::Shape("Translation"),
            table: TRANSLATIONS,
            owner,
            order: "{}.field, {}.language",
            appended: false,
        };
        let description = format!("Translations of {}.", translated.join(" and "));
        fields.push(values("translations", list, description.leak()));
    }
    fields
}

pub fn object_types() -> Vec<ObjectType> {
    let translator =
        || text("translator", "Who or what translated it: a person, an agency, a program.").nullable();
    let kind = || one_of("kind", &KIND, "How it was translated; null if that is not known.").nullable();
    vec![
        ObjectType::new("Translation", TRANSLATIONS, "A text of a record in another language.")
            .field(one_of("field", &FIELD, "The field that it is of."))
            .field(column("language", Scalar::Language, "Its language as a BCP 47 tag: `en`, `kk`."))
            .field(prose("value", "The text in this language."))
            .field(translator())
            .field(kind()),
        ObjectType::new("LocalizedText", "", "A text in the best language that there is for the reader.")
            .field(prose("value", "The text."))
            .field(language("language", "Its language as a BCP 47 tag; null if that is not known."))
            .field(column(
                "isOriginal",
                Scalar::Boolean,
                "Whether it is the field itself, rather than a version in another language.",
            ))
            .field(translator())
            .field(kind()),
    ]
}

fn price(_: &CostContext<'_>) -> CostEstimate {
    CostEstimate { points: 2.0, records: 0.0 }
}

async fn pick(context: ResolveContext<'_>, text: Text) -> Result<Vec<ComputedValue>, ApiError> {
    let preferred = context.texts("languages").unwrap_or_default();
    let rows = context.reader.fetch(&text.sql(), |sql| sql.bind(context.parents)).await?;
    let mut best: HashMap<i64, ComputedValue> = HashMap::new();
    for versions in rows.chunk_by(|one, other| one.get::<i64, _>("id") == other.get::<i64, _>("id")) {
        let tags = versions.iter().map(|row| row.try_get::<Option<&str>, _>("language"));
        let tags: Vec<&str> = tags.map(|tag| tag.map(Option::unwrap_or_default)).collect::<Result<_, _>>()?;
        let place = languages::pick(&preferred, &tags).unwrap_or(0);
        best.insert(versions[place].try_get("id")?, localized(&versions[place])?);
    }
    Ok(context.by_parent(best, &ComputedValue::Null))
}

fn localized(row: &PgRow) -> Result<ComputedValue, sqlx::Error> {
    let text = |column| ComputedValue::text_in(row, column);
    Ok(ComputedValue::Object(vec![
        ("value", text("value")?),
        ("language", text("language")?),
        ("isOriginal", ComputedValue::Boolean(row.try_get::<i64, _>("number")? == 0)),
        ("translator", text("translator")?),
        ("kind", text("kind")?),
    ]))
}
