//! Search over all record types, and suggestions that complete a name.

use std::collections::HashMap;

use sqlx::{Row, postgres::PgRow};

use crate::{
    domain::{languages::TRANSLATIONS, texts},
    error::ApiError,
    model::{
        Catalog, as_of, naming,
        object_type::{
            Cardinality, Enumeration, FieldDeclaration, ObjectType, Scalar, ValueType, column,
            computed::{
                Argument, ComputedValue, CostContext, CostEstimate, ResolveContext, argument, as_of,
                computed, connection, connection_of, cursor, number, page_arguments,
            },
            one_of,
            overviews::{FoundThrough, Searched},
            part, reference, references, text,
        },
        pagination::{Cursor, CursorKey, KeyKind, Page},
        record_types,
        web_search::{self, Search},
    },
};

/// The name of the order in which results come.
const ORDER: &str = "SEARCH";
/// Characters of a text in which highlights are looked for.
const SHOWN: usize = 10_000;
/// Up to how many hits of a type are counted in `counts`.
const MOST_COUNTED: i64 = 1000;
/// Passages of a text that are shown of a hit.
const PASSAGES: usize = 3;
/// How many of the best records bring others along, and how many each. These come after all other hits.
const BRINGING: usize = 5;
const BROUGHT: usize = 20;
const AFTER_OTHERS: f64 = 1e-6;
/// The marks of a match in a headline: private characters.
const MARKS: [char; 2] = ['\u{e000}', '\u{e001}'];

/// A record type, and how a search finds it.
type Kind<'a> = (&'a ObjectType, Searched);

/// The types that a search finds, in the order of the schema.
fn searched(object_types: &[ObjectType]) -> impl Iterator<Item = Kind<'_>> {
    record_types(object_types).filter_map(|object_type| Some((object_type, object_type.searched?)))
}

/// The queries of the search in every language and in English, which `$1` has.
const QUERY: &str = "($1::text[])[1]::tsquery";
const ENGLISH: &str = "($1::text[])[2]::tsquery";

/// Any word of `$5`, in the language of the text `t`. Highlights use only the words of the query: with its phrases or
/// repeated words, the time of `ts_headline` grows much faster than the text, and its memory without bound.
const ANY_WORD: &str = r"(
    select coalesce(string_agg('''' || replace(replace(word, '\', '\\'), '''', '''''') || '''', ' | '), '')::tsquery
    from unnest(tsvector_to_array(
        to_tsvector('dossier_english', $5) || to_tsvector('dossier_simple', $5)
        || coalesce(to_tsvector(dictionary_of(t.language), $5), '')
    )) word
)";

pub fn object_types(records: &[ObjectType]) -> Vec<ObjectType> {
    let record = |name, description| reference(name, "Searchable", choices(records), description);
    let about = "A page of search results, best match first.";
    let connection = connection_of("SearchConnection", "SearchEdge", ("Searchable", choices(records)), about)
        .field(part(
            "counts",
            "SearchCount",
            Cardinality::List,
            "How many results of each type there are, counted up to 1,000; in the order of the schema.",
        ));
    let count = ObjectType::new("SearchCount", "", "How many results of one type a search has.")
        .field(one_of("type", search_type(records), "The type of the records."))
        .field(column("count", Scalar::Int, "The number of results, at most 1,000."))
        .field(column("isExact", Scalar::Boolean, "False if there are more results than `count`."));
    let edge = ObjectType::new("SearchEdge", "", "A search result.")
        .field(record("node", "The record."))
        .field(cursor())
        .field(column("score", Scalar::Float, "The relevance from 0 to 1, comparable only within one search."))
        .field(part(
            "highlights",
            "Highlight",
            Cardinality::List,
            "Excerpts around the words that match the search, from the first 10,000 characters of each field. A name that is only similar to the search is a match as a whole.",
        ));
    let highlight =
        ObjectType::new("Highlight", "", "An excerpt of a field around the words that match the search.")
            .field(text(
                "field",
                "The field of the record: `summary`; `text` for a passage of a source's text.",
            ))
            .field(part(
                "parts",
                "HighlightPart",
                Cardinality::List,
                "The parts of the excerpt in order: matches and the text between them.",
            ))
            .field(references(
                "citations",
                "Citation",
                vec![("Citation", "")],
                "The citations that name this passage of a source's text, each with its record.",
            ));
    let highlight_part = ObjectType::new("HighlightPart", "", "A part of an excerpt.")
        .field(text("text", "The text."))
        .field(column("isMatch", Scalar::Boolean, "Whether it matches the search."));
    let suggestion = ObjectType::new("Suggestion", "", "A suggestion.")
        .field(text("text", "The name: the record's own, or an alias."))
        .field(record("record", "The record with that name."));
    vec![connection, edge, count, highlight, highlight_part, suggestion]
}

/// The object types that may be found.
fn choices(records: &[ObjectType]) -> Vec<(&'static str, &'static str)> {
    searched(records).map(|(object_type, _)| (object_type.name, "")).collect()
}

/// The types that a search finds, as a value.
fn search_type(records: &[ObjectType]) -> &'static Enumeration {
    let values =
        searched(records).map(|(object_type, by)| (naming::constant_case(object_type.name), by.description));
    Enumeration::of("SearchType", "A record type that can be searched.", values)
}

pub fn fields(records: &[ObjectType]) -> Vec<FieldDeclaration> {
    let types = Argument {
        of: Some(search_type(records)),
        ..argument("types", "[SearchType!]", "Record types to search. Default: all.")
    };
    let query = argument(
        "query",
        "String!",
        "Words in web-search syntax (`\"exact phrase\"`, `or`, `-without`). Finds misspelt names.",
    );
    vec![
        computed(
            "search",
            ValueType { of: "SearchConnection", form: Cardinality::One },
            [query, types.clone()]
                .into_iter()
                .chain(page_arguments(ORDER, KeyKind::Rank))
                .chain([as_of()])
                .collect(),
            |context| Box::pin(search(context)),
            "Full-text search over all record types, best match first. The five topics that match best bring the latest statements on them along, at most 20 each, after all other results.",
        )
        .with_cost(price_of_search),
        computed(
            "suggest",
            ValueType { of: "Suggestion", form: Cardinality::List },
            vec![
                argument("prefix", "String!", "The start of a name, or of a word in it."),
                types,
                number("first", 50, "Number of suggestions. Default: 10. Maximum: 50."),
            ],
            |context| Box::pin(suggest(context)),
            "Autocomplete: names of actors, meetings, events, topics, sources and motions that start with this text.",
        )
        .with_cost(price_of_suggest),
    ]
}

/// Usually at most a quarter of all records match, and each match is ranked.
fn price_of_search(context: &CostContext<'_>) -> CostEstimate {
    let (words, first) = (context.words("query"), context.number("first", 20, 100));
    let rows: f64 =
        searched(&context.catalog.object_types).map(|(object_type, _)| context.rows(object_type.table)).sum();
    let rows = rows + context.rows("text_passages") + context.rows(TRANSLATIONS);
    let names = names(context);
    let ranked = if is_only_negative(context.text("query")) {
        rows * 0.4
    } else {
        rows / 4.0 * (0.075 + 0.015 * words)
    };
    // Names similar to one or two letters are too many for an index.
    let letters = context.letters("query").0;
    let similar = names * (if letters < 4.0 * words { 0.12 } else { 0.02 } + 0.0002 * letters);
    let highlights = if context.wants("edges.highlights") { first * (5.0 + words) } else { 0.0 };
    // The past has no index on words.
    let times = if context.has(as_of::ARGUMENT) { 4.0 } else { 1.0 };
    CostEstimate { points: 100.0 + times * (ranked + similar) + highlights, records: first }
}

/// Whether a search only excludes words, so that it finds nearly everything.
fn is_only_negative(query: &str) -> bool {
    query.split_whitespace().all(|word| word.starts_with('-'))
}

/// How many names there are, aliases too.
fn names(context: &CostContext<'_>) -> f64 {
    let named = searched(&context.catalog.object_types).filter(|(_, by)| by.name.is_some());
    let tables = named.flat_map(|(object_type, _)| {
        [Some(object_type.table), object_type.searchable_names.map(|(table, _)| table)]
    });
    tables.flatten().map(|table| context.rows(table)).sum()
}

fn price_of_suggest(context: &CostContext<'_>) -> CostEstimate {
    // An index finds names by three letters at least.
    let each = if context.letters("prefix").0 < 3.0 { 0.1 } else { 0.01 };
    CostEstimate { points: 50.0 + names(context) * each, records: context.number("first", 10, 50) }
}

/// The requested types, with their numbers.
fn kinds(context: &ResolveContext<'_>) -> Vec<(usize, Kind<'static>)> {
    let names = context.texts("types");
    let wanted = |object_type: &ObjectType| {
        names.as_ref().is_none_or(|names| names.contains(&naming::constant_case(object_type.name)))
    };
    let all = searched(&context.catalog.object_types).enumerate();
    all.filter(|(_, (object_type, _))| wanted(object_type)).collect()
}

/// The object type of the kind with this number.
fn object_type(kinds: &[(usize, Kind<'static>)], number: usize) -> &'static str {
    kinds.iter().find(|(kind, _)| *kind == number).expect("a requested type").1.0.name
}

/// Records that those of another type bring along, and that don't match themselves. The last entered ones, as an index
/// finds them.
fn brought(catalog: &Catalog, object_type: &ObjectType, through: &FoundThrough) -> String {
    let FoundThrough { to, between, own, other, .. } = *through;
    let to = catalog.named(to);
    let bringing = to.searched.map(|by| Places::of(catalog, &(to, by)).direct_scored()).unwrap_or_default();
    let is_found = matching(object_type).into_iter().map(|(table, id)| {
        format!("not exists (select from {table} f where f.{id} = b.id and f.search @@ {QUERY})")
    });
    let is_new = is_found.collect::<Vec<_>>().join(" and ");
    format!(
        "select b.id, max(b.score) * {AFTER_OTHERS:e}::real from (
             select l.{own} as id, m.score from (
                 select id, score from ({bringing}) m order by score desc, id limit {BRINGING}
             ) m cross join lateral (
                 select {own} from {between} l where l.{other} = m.id order by l.{own} desc limit {BROUGHT}
             ) l
         ) b where {is_new} group by b.id"
    )
}

/// The tables in which full-text search finds a type, and the columns of its id.
fn matching(object_type: &ObjectType) -> Vec<(&'static str, &'static str)> {
    [(object_type.table, "id")].into_iter().chain(object_type.searched_in()).collect()
}

/// A table in which a search finds records of a type.
struct Place {
    table: &'static str,
    /// The column that has the record's id.
    id: &'static str,
    condition: String,
    score: String,
}

impl Place {
    /// By words.
    fn worded(table: &'static str, id: &'static str) -> Self {
        let score = format!("search_rank(search, {QUERY}, {ENGLISH})");
        Place { table, id, condition: format!("search @@ {QUERY}"), score }
    }

    /// By words, or by a name that is similar to `$2`, which is null if the query is no name.
    fn named(table: &'static str, id: &'static str, name: &str) -> Self {
        let Place { condition, score, .. } = Place::worded(table, id);
        let condition = format!("({condition} or {})", is_similar(name, "$2"));
        let score = format!(
            "greatest({score}, (word_similarity(plain($2), plain({name})) + similarity(plain($2), plain({name}))) / 2)"
        );
        Place { table, id, condition, score }
    }

    fn scored(&self) -> String {
        let Place { table, id, condition, score } = self;
        format!("select {id} as id, {score} as score from {table} where {id} is not null and {condition}")
    }

    fn found(&self) -> String {
        let Place { table, id, condition, .. } = self;
        format!("select {id} as id from {table} where {id} is not null and {condition}")
    }
}

/// SQL for whether a name is similar to a query.
fn is_similar(name: &str, query: &str) -> String {
    format!("plain({query}) <% plain({name}) or plain({query}) % plain({name})")
}

/// Where a search finds records of a type.
struct Places {
    own: Place,
    /// Other names, passages of texts.
    others: Vec<Place>,
    translated: Option<Place>,
    /// SQL for the records that those of another type bring along, with their scores.
    brought: Option<String>,
}

impl Places {
    fn of(catalog: &Catalog, (object_type, by): &Kind<'_>) -> Self {
        let table = object_type.table;
        let own = by.name.map_or_else(|| Place::worded(table, "id"), |name| Place::named(table, "id", name));
        let aliases = object_type.searchable_names.map(|(table, owner)| Place::named(table, owner, "name"));
        let passages = object_type.searchable_passages.map(|(table, owner)| Place::worded(table, owner));
        let translated = object_type.translations().map(|(table, owner)| Place::worded(table, owner));
        let brought = object_type.found_through.map(|through| brought(catalog, object_type, &through));
        Places { own, others: aliases.into_iter().chain(passages).collect(), translated, brought }
    }

    /// Those that match by a translation alone. They are few: grouping all would take longer than finding them.
    fn alone(&self, translated: &str) -> String {
        let Place { table, condition, .. } = &self.own;
        format!("({translated}) m where not exists (select from {table} o where o.id = m.id and {condition})")
    }

    /// The records that match or are brought along, with their scores.
    fn scored(&self) -> String {
        let direct = self.direct_scored();
        match &self.brought {
            Some(brought) => format!("{direct} union all {brought}"),
            None => direct,
        }
    }

    fn direct_scored(&self) -> String {
        let own = self.own.scored();
        let translated = self.translated.as_ref().map(Place::scored);
        match (self.others.is_empty(), translated) {
            (true, None) => own,
            (true, Some(translated)) => {
                let alone = self.alone(&translated);
                format!("{own} union all select id, max(score) from {alone} group by id")
            }
            (false, translated) => {
                let others: Vec<String> = self.others.iter().map(Place::scored).chain(translated).collect();
                format!(
                    "select id, max(score) as score from ({own} union all {}) m group by id",
                    others.join(" union all ")
                )
            }
        }
    }

    /// The records that match or are brought along, each once.
    fn found(&self) -> String {
        let direct = self.direct_found();
        match &self.brought {
            Some(brought) => format!("{direct} union all select id from ({brought}) b"),
            None => direct,
        }
    }

    fn direct_found(&self) -> String {
        let own = self.own.found();
        let translated = self.translated.as_ref().map(Place::found);
        match (self.others.is_empty(), translated) {
            (true, None) => own,
            (true, Some(translated)) => {
                format!("{own} union all select distinct id from {}", self.alone(&translated))
            }
            (false, translated) => {
                let others: Vec<String> = self.others.iter().map(Place::found).chain(translated).collect();
                format!("{own} union {}", others.join(" union "))
            }
        }
    }
}

/// The queries of a search in every language and in English: Postgres makes them of the words once.
async fn queries(context: &ResolveContext<'_>, search: &Search) -> Result<Vec<String>, ApiError> {
    let sql = format!("select array[{}::text, {}::text]", web_search::query(1), web_search::english(1));
    let rows = context.reader.fetch(&sql, |sql| sql.bind(search.pairs())).await?;
    Ok(rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)?)
}

/// The number by which results of one score are sorted: unique among all types.
fn place(kind: usize) -> String {
    format!("(({kind}::bigint << 56) + id)")
}

async fn search(context: ResolveContext<'_>) -> Result<Vec<ComputedValue>, ApiError> {
    let query = context.text("query").unwrap_or_default();
    let page = context.page(ORDER, KeyKind::Rank)?;
    let kinds = kinds(&context);
    let words = Search::read(query);
    let name = words.is_words.then_some(query);
    let search = &queries(&context, &words).await?[..];
    let counted = match (context.wants("totalCount"), context.wants("counts")) {
        (true, _) => Some(i64::MAX),
        (false, true) => Some(MOST_COUNTED + 1),
        (false, false) => None,
    };
    let (more, hits, counts) = match counted {
        _ if context.wants_page() => hits(&context, search, name, &kinds, &page, counted.is_some()).await?,
        Some(most) => (false, Vec::new(), counts(&context, search, name, &kinds, most).await?),
        None => (false, Vec::new(), Vec::new()),
    };
    let before =
        context.wants("pageInfo.hasPreviousPage") && precede(&context, search, name, &kinds, &page).await?;
    let mut highlights = highlights(&context, search, &words, name, &kinds, &hits).await?;
    let edges = hits.into_iter().map(|hit| {
        let found = highlights.remove(&(hit.kind, hit.id)).unwrap_or_default();
        let edge = vec![
            ("node", ComputedValue::Record(object_type(&kinds, hit.kind), hit.id)),
            ("score", ComputedValue::fraction(f64::from(hit.score))),
            ("highlights", ComputedValue::List(found)),
        ];
        (Cursor { key: Some(CursorKey::Rank(hit.score)), id: hit.place }, edge)
    });
    let total = counted.map(|_| counts.iter().sum());
    let of_type = |((_, (object_type, _)), count): (&(usize, Kind<'static>), &i64)| {
        ComputedValue::Object(vec![
            ("type", ComputedValue::Text(naming::constant_case(object_type.name))),
            ("count", ComputedValue::Int(*count.min(&MOST_COUNTED))),
            ("isExact", ComputedValue::Boolean(*count <= MOST_COUNTED)),
        ])
    };
    let of_types = ComputedValue::List(kinds.iter().zip(&counts).map(of_type).collect());
    let page = connection(ORDER, edges.collect(), [before, more], total);
    Ok(vec![page.with("counts", of_types)])
}

struct Hit {
    kind: usize,
    id: i64,
    place: i64,
    score: f32,
}

/// How many hits of each kind there are, counted up to `most`.
async fn counts(
    context: &ResolveContext<'_>,
    search: &[String],
    name: Option<&str>,
    kinds: &[(usize, Kind<'static>)],
    most: i64,
) -> Result<Vec<i64>, ApiError> {
    let counts = kinds.iter().map(|(_, kind)| {
        format!(
            "(select count(*) from (select from ({}) m limit $3) k)",
            Places::of(context.catalog, kind).found()
        )
    });
    let sql = format!("select array[{}]::bigint[]", counts.collect::<Vec<_>>().join(", "));
    let rows = context.reader.fetch_planned(&sql, |sql| sql.bind(search).bind(name).bind(most)).await?;
    Ok(rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)?)
}

/// A page of hits of all types, whether there are more, and how many of each type there are if they are `counted`. The
/// same statement ranks and counts.
async fn hits(
    context: &ResolveContext<'_>,
    search: &[String],
    name: Option<&str>,
    kinds: &[(usize, Kind<'static>)],
    page: &Page,
    counted: bool,
) -> Result<(bool, Vec<Hit>, Vec<i64>), ApiError> {
    if kinds.is_empty() {
        return Ok((false, Vec::new(), Vec::new()));
    }
    let beyond = if page.after.is_some() { "where score < $4 or (score = $4 and place > $5)" } else { "" };
    let of_kind = |(number, kind): &(usize, Kind<'static>)| {
        format!(
            "k{number} as (select {number} as kind, id, {place} as place, score::real as score from ({}) m)",
            Places::of(context.catalog, kind).scored(),
            place = place(*number),
        )
    };
    let of_kinds: Vec<String> = kinds.iter().map(of_kind).collect();
    let of_kinds = of_kinds.join(", ");
    let each = |form: fn(usize) -> String, between: &str| {
        kinds.iter().map(|(number, _)| form(*number)).collect::<Vec<_>>().join(between)
    };
    let counts = if counted {
        each(|number| format!("(select count(*) from k{number})"), ", ")
    } else {
        String::new()
    };
    let all = each(|number| format!("select * from k{number}"), " union all ");
    let sql = format!(
        "with {of_kinds} select counts, h.* from (select array[{counts}]::bigint[]) c (counts) left join (
             select * from ({all}) k {beyond} order by score desc, place limit $3
         ) h on true order by score desc, place"
    );
    let rows = context
        .reader
        .fetch(&sql, |sql| {
            let sql = sql.bind(search).bind(name).bind(page.size + 1);
            match &page.after {
                Some(Cursor { key: Some(CursorKey::Rank(score)), id }) => sql.bind(*score).bind(*id),
                _ => sql,
            }
        })
        .await?;
    let counts = rows.first().map(|row| row.try_get("counts")).transpose()?.unwrap_or_default();
    // Without a hit the counts have a row of their own.
    let is_hit = |row: &&PgRow| row.try_get::<Option<i64>, _>("id").is_ok_and(|id| id.is_some());
    let rows: Vec<&PgRow> = rows.iter().filter(is_hit).collect();
    let size = usize::try_from(page.size).unwrap_or(0);
    let hit = |row: &&PgRow| {
        let kind: i32 = row.try_get("kind")?;
        let kind = usize::try_from(kind).unwrap_or(0);
        Ok(Hit { kind, id: row.try_get("id")?, place: row.try_get("place")?, score: row.try_get("score")? })
    };
    let hits = rows.iter().take(size).map(hit).collect::<Result<_, sqlx::Error>>()?;
    Ok((rows.len() > size, hits, counts))
}

/// Whether there is a hit at the cursor of a page, or a better one.
async fn precede(
    context: &ResolveContext<'_>,
    search: &[String],
    name: Option<&str>,
    kinds: &[(usize, Kind<'static>)],
    page: &Page,
) -> Result<bool, ApiError> {
    let Some(Cursor { key: Some(CursorKey::Rank(score)), id }) = &page.after else { return Ok(false) };
    let of_kind = |(number, kind): &(usize, Kind<'static>)| {
        format!(
            "exists (select from (select {} as place, score::real as score from ({}) m) k
                     where score > $3 or (score = $3 and place <= $4))",
            place(*number),
            Places::of(context.catalog, kind).scored(),
        )
    };
    if kinds.is_empty() {
        return Ok(false);
    }
    let sql = format!("select {}", kinds.iter().map(of_kind).collect::<Vec<_>>().join(" or "));
    let rows =
        context.reader.fetch_planned(&sql, |sql| sql.bind(search).bind(name).bind(*score).bind(*id)).await?;
    Ok(rows.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(false))
}

/// Excerpts of each hit around the words of the query.
async fn highlights(
    context: &ResolveContext<'_>,
    search: &[String],
    words: &Search,
    name: Option<&str>,
    kinds: &[(usize, Kind<'static>)],
    hits: &[Hit],
) -> Result<HashMap<(usize, i64), Vec<ComputedValue>>, ApiError> {
    let mut found: HashMap<(usize, i64), Vec<ComputedValue>> = HashMap::new();
    if !context.wants("edges.highlights") || hits.is_empty() {
        return Ok(found);
    }
    let found_in = found_in(context.catalog, kinds, context.reads_texts);
    let sql = format!(
        "select t.kind, t.id, t.field, case when t.is_worded
                then ts_headline(coalesce(dictionary_of(t.language), 'dossier_english'), left(t.text, {SHOWN}), {ANY_WORD}, $4)
                else $7 || left(t.text, {SHOWN}) || $8 end as headline,
                array(
                    select c.id from citation_anchors a join citations c on c.id = a.citation_id and c.source_id = t.id
                    where a.sha256 = t.sha256 and t.number between a.first_passage and a.last_passage order by a.starts, c.id
                ) as citations
         from ({found_in}) t join unnest($2::bigint[], $3::integer[]) hit (id, kind) using (kind, id)
         where t.text is not null order by t.ordinal, t.text"
    );
    let [open, close] = MARKS;
    let options = format!("StartSel={open}, StopSel={close}, MaxFragments=2, MinWords=5, MaxWords=25");
    let ids: Vec<i64> = hits.iter().map(|hit| hit.id).collect();
    let numbers: Vec<i32> = hits.iter().map(|hit| i32::try_from(hit.kind).unwrap_or(0)).collect();
    let rows = context
        .reader
        .fetch(&sql, |sql| {
            let sql = sql.bind(search).bind(ids).bind(numbers).bind(options).bind(words.wanted());
            sql.bind(name).bind(open.to_string()).bind(close.to_string())
        })
        .await?;
    for row in &rows {
        let (kind, id): (i32, i64) = (row.try_get("kind")?, row.try_get("id")?);
        if let Some(highlight) = highlight(row)? {
            found.entry((usize::try_from(kind).unwrap_or(0), id)).or_default().push(highlight);
        }
    }
    Ok(found)
}

/// SQL for the texts in which the hits `$2` of the kinds `$3` may have words of the query, each with its language, and
/// for names that are similar to `$6`.
fn found_in(catalog: &Catalog, kinds: &[(usize, Kind<'static>)], reads_texts: bool) -> String {
    let text = |number: usize,
                ordinal: usize,
                [table, id, field, column]: [&str; 4],
                language: &str,
                is_name: bool| {
        let found = format!("search @@ {QUERY}");
        let found = if is_name { format!("({found} or {})", is_similar(column, "$6")) } else { found };
        format!(
            "select {number} as kind, {ordinal} as ordinal, {id} as id, {field} as field, {column} as text, {language}::text as language,
                    search @@ {QUERY} as is_worded, null as sha256, null::integer as number
             from {table} where {id} = any($2) and {number} = any($3) and {found}"
        )
    };
    let texts = kinds.iter().flat_map(|(number, (object_type, by))| {
        let own = by.texts.iter().enumerate().map(|(ordinal, column)| {
            let language = object_type.language_of(column).replace("{}", object_type.table);
            let place = [object_type.table, "id", &format!("'{column}'"), column];
            text(*number, ordinal, place, &language, by.name == Some(*column))
        });
        let others = by.texts.len();
        let aliases = object_type
            .searchable_names
            .map(|(table, owner)| text(*number, others, [table, owner, "'names'", "name"], "language", true));
        let translations = object_type.translations().map(|(table, owner)| {
            text(*number, others, [table, owner, "lower(field::text)", "value"], "language", false)
        });
        let through = object_type.found_through.into_iter().flat_map(move |through| {
            let FoundThrough { to, field, between, own, other } = through;
            let to = catalog.named(to);
            let column = to.searched.and_then(|by| by.name).unwrap_or("name");
            let language = to.language_of(column).replace("{}", "o");
            let named = [
                Some((to.table, "id", column, language)),
                to.searchable_names.map(|(table, owner)| (table, owner, "name", "o.language".to_owned())),
            ];
            named.into_iter().flatten().map(move |(table, id, column, language)| {
                let linked = format!(
                    "(select l.{own} as id, o.{column} as name, {language} as language, o.search
                      from {between} l join {table} o on o.{id} = l.{other}) l"
                );
                text(*number, 90, [&linked, "id", &format!("'{field}'"), "name"], "language", true)
            })
        });
        let passages =
            object_type.searchable_passages.map(|table| best_passages(*number, table, reads_texts));
        own.chain(aliases).chain(translations).chain(through).chain(passages)
    });
    texts.collect::<Vec<_>>().join(" union all ")
}

/// SQL for the best passages of each hit. Who may not read whole texts sees only what citations name.
fn best_passages(number: usize, (table, owner): (&str, &str), reads_texts: bool) -> String {
    let shown = if reads_texts {
        String::new()
    } else {
        format!(
            " and exists (
                 select from citation_anchors a join citations c on c.id = a.citation_id and c.source_id = h.id
                 where a.sha256 = n.sha256 and n.number between a.first_passage and a.last_passage and {}
             )",
            texts::is_shown("n.sha256", "n.number")
        )
    };
    format!(
        "select {number}, 100, h.id, 'text', p.text, p.language, true, p.sha256, p.number from unnest($2::bigint[]) h (id) cross join lateral (
                 select text, language::text, sha256, number from {table} n where {owner} = h.id and search @@ {QUERY}{shown}
                 order by search_rank(search, {QUERY}, {ENGLISH}) desc, number limit {PASSAGES}
             ) p where {number} = any($3)"
    )
}

/// An excerpt; none where no word of it matches.
fn highlight(row: &PgRow) -> Result<Option<ComputedValue>, sqlx::Error> {
    let parts = parts(row.try_get("headline")?);
    let is_match = |part: &ComputedValue| *part.field("isMatch") == ComputedValue::Boolean(true);
    if parts.len() < 2 && !parts.iter().any(is_match) {
        return Ok(None);
    }
    let citations: Vec<i64> = row.try_get("citations")?;
    let citations = citations.into_iter().map(|id| ComputedValue::Record("Citation", id));
    Ok(Some(ComputedValue::Object(vec![
        ("field", ComputedValue::Text(row.try_get("field")?)),
        ("parts", ComputedValue::List(parts)),
        ("citations", ComputedValue::List(citations.collect())),
    ])))
}

/// A headline cut at its marks.
fn parts(headline: &str) -> Vec<ComputedValue> {
    let mut parts = Vec::new();
    let mut is_match = false;
    for text in headline.split(MARKS) {
        if !text.is_empty() {
            parts.push(ComputedValue::Object(vec![
                ("text", ComputedValue::text(Some(text))),
                ("isMatch", ComputedValue::Boolean(is_match)),
            ]));
        }
        is_match = !is_match;
    }
    parts
}

/// The patterns of names in which a later word begins with the prefix `$1`: after a space or another sign. The trigram
/// index finds each of them, but no regular expression with a short prefix.
const WITHIN: &str = "any(array(
                  select '%' || sign || literally($1) || '%'
                  from unnest(array[' ', '(', '[', '{', '\"', '''', '<', ',', '-', '/', ':', '.']) sign
              ))";

/// Names that begin with the prefix, or have a word that does: beginnings of the name first, then shorter names.
async fn suggest(context: ResolveContext<'_>) -> Result<Vec<ComputedValue>, ApiError> {
    let prefix = context.text("prefix").unwrap_or_default().trim().to_owned();
    let first = context.number("first", 10);
    let kinds = kinds(&context);
    // A preferred name comes before an alias.
    let named = |number: usize, table: &str, id: &str, name: &str| {
        let alias = i32::from(id != "id");
        format!(
            "(select {number} as kind, {id} as id, {name} as name, 0 as inside, {alias} as alias from {table}
              where plain({name}) like literally($1) || '%' order by length({name}), {name}, {id} limit $2)
             union all
             (select {number}, {id}, {name}, 1, {alias} from {table}
              where plain({name}) like {WITHIN}
              order by length({name}), {name}, {id} limit $2)"
        )
    };
    let branches = kinds.iter().filter_map(|(number, (object_type, by))| {
        let own = named(*number, object_type.table, "id", by.name?);
        let aliases = object_type.searchable_names.map(|(table, owner)| named(*number, table, owner, "name"));
        Some(aliases.map_or_else(|| own.clone(), |aliases| format!("{own} union all {aliases}")))
    });
    let branches: Vec<String> = branches.collect();
    // Signs alone begin no name.
    if !prefix.chars().any(char::is_alphanumeric) || branches.is_empty() {
        return Ok(vec![ComputedValue::List(Vec::new())]);
    }
    let sql = format!(
        "select kind, id, name from (
             select distinct on (kind, id) * from ({}) n order by kind, id, inside, alias, length(name), name
         ) n order by inside, plain(name) <> plain($1), alias, length(name), name, kind, id limit $2",
        branches.join(" union all ")
    );
    let rows = context.reader.fetch(&sql, |sql| sql.bind(prefix).bind(first)).await?;
    let suggestion = |row: &PgRow| {
        let kind: i32 = row.try_get("kind")?;
        let object_type = object_type(&kinds, usize::try_from(kind).unwrap_or(0));
        Ok(ComputedValue::Object(vec![
            ("text", ComputedValue::Text(row.try_get("name")?)),
            ("record", ComputedValue::Record(object_type, row.try_get("id")?)),
        ]))
    };
    let suggestions = rows.iter().map(suggestion).collect::<Result<_, sqlx::Error>>()?;
    Ok(vec![ComputedValue::List(suggestions)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_headline_is_cut_at_its_marks() {
        let part = |text: &str, is_match| {
            ComputedValue::Object(vec![
                ("text", ComputedValue::text(Some(text))),
                ("isMatch", ComputedValue::Boolean(is_match)),
            ])
        };
        assert_eq!(
            parts("the \u{e000}Peace\u{e001} Council"),
            [part("the ", false), part("Peace", true), part(" Council", false)]
        );
        assert_eq!(parts("\u{e000}Gaza\u{e001}"), [part("Gaza", true)]);
    }
}
