//! Stores texts of sources, each once, under its SHA-256, as its passages; and anchors citations in them.

use std::{collections::HashMap, ops::Range};

use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};

use crate::{
    domain::texts::{
        CITATIONS, VERSIONS,
        anchors::{Selectors, Text, Unplaced},
        cut::{self, Passage},
    },
    sync::heavy,
};

/// The transaction's own change, if it has made one.
pub const CURRENT_CHANGE: &str = "nullif(current_setting('dossier.change', true), '')::bigint";

/// Stores a text in a language, and returns its SHA-256.
pub async fn store(
    connection: &mut PgConnection,
    text: &str,
    language: Option<&str>,
) -> Result<String, sqlx::Error> {
    let sha256 = cut::digest(text);
    let length = text.chars().count();
    let sql = "insert into text_contents (sha256, characters) values ($1, $2) on conflict do nothing";
    let stored = sqlx::query(sql).bind(&sha256).bind(number(length)).execute(&mut *connection).await?;
    if stored.rows_affected() == 0 {
        return Ok(sha256);
    }
    let passages = cut::passages(text);
    let numbers =
        |of: fn(&Passage) -> usize| passages.iter().map(|passage| number(of(passage))).collect::<Vec<_>>();
    let sql = "insert into text_passages (sha256, number, starts, ends, line, page, section, seconds, text, language)
               select $1, number, starts, ends, line, page, section, seconds, text, $9
               from unnest($2::integer[], $3::integer[], $4::integer[], $5::integer[], $6::text[], $7::integer[], $8::text[])
                    with ordinality p (starts, ends, line, page, section, seconds, text, number)";
    sqlx::query(sql)
        .bind(&sha256)
        .bind(numbers(|passage| passage.starts))
        .bind(numbers(|passage| passage.ends))
        .bind(numbers(|passage| passage.line))
        .bind(passages.iter().map(|passage| passage.page.map(number)).collect::<Vec<_>>())
        .bind(passages.iter().map(|passage| passage.section.as_deref()).collect::<Vec<_>>())
        .bind(passages.iter().map(|passage| passage.seconds.map(u32::cast_signed)).collect::<Vec<_>>())
        .bind(passages.iter().map(|passage| passage.text.as_str()).collect::<Vec<_>>())
        .bind(language)
        .execute(connection)
        .await?;
    Ok(sha256)
}

/// A stored text, and where its passages start.
pub struct StoredText {
    text: Text,
    starts: Vec<usize>,
}

impl StoredText {
    pub async fn load(connection: &mut PgConnection, sha256: &str) -> Result<Self, sqlx::Error> {
        let sql = "select starts, text from text_passages where sha256 = $1 order by number";
        let rows: Vec<(i32, String)> = sqlx::query_as(sql).bind(sha256).fetch_all(connection).await?;
        let starts = rows.iter().map(|(start, _)| usize::try_from(*start).unwrap_or(0)).collect();
        let content: String = rows.into_iter().map(|(_, text)| text).collect();
        Ok(StoredText { text: heavy(true, || Text::new(&content)), starts })
    }

    /// Where a citation stands in it; an error if its quote doesn't.
    pub fn place(&self, selectors: &Selectors<'_>) -> Result<Option<Range<usize>>, Unplaced> {
        self.text.place(selectors)
    }

    /// The same; an error also if its locator leads nowhere beside a quote or a position.
    pub fn checked_place(&self, selectors: &Selectors<'_>) -> Result<Option<Range<usize>>, Unplaced> {
        self.text.checked_place(selectors)
    }

    /// The numbers of the first and the last passage of a place.
    fn passages(&self, place: &Range<usize>) -> [usize; 2] {
        [
            self.starts.partition_point(|start| *start <= place.start),
            self.starts.partition_point(|start| *start < place.end),
        ]
    }
}

/// Citations of sources that the transaction has changed, or whose text it has, and that are not anchored in the last
/// version of the text: with the text that they are of, and the last place that they had.
fn unanchored() -> String {
    format!(
        "with touched as (
             select distinct (coalesce(new_value, old_value) ->> 'source_id')::bigint as source_id from revisions
             where change = {CURRENT_CHANGE} and part in ('{CITATIONS}', '{VERSIONS}')
         ), last as (
             select distinct on (source_id) source_id, sha256 from {VERSIONS} join touched using (source_id)
             order by source_id, version desc
         )
         select c.id, c.locator, c.quote, c.prefix, c.suffix, c.starts as own_start, c.ends as own_end, last.sha256 as last, before.sha256 as before,
                before.starts, before.ends, (
                    select t.sha256 from {VERSIONS} t
                    where t.source_id = c.source_id and (t.version = c.version or c.version = 0)
                    order by t.version limit 1
                ) as own
         from last join citations c using (source_id)
         left join lateral (
             select a.sha256, a.starts, a.ends from {VERSIONS} t
             join citation_anchors a on a.citation_id = c.id and a.sha256 = t.sha256 and a.starts is not null
             where t.source_id = c.source_id order by t.version desc limit 1
         ) before on true
         where not exists (select from citation_anchors a where a.citation_id = c.id and a.sha256 = last.sha256)
         order by last.source_id, c.id"
    )
}

/// An anchor of a citation in a text.
struct Anchor<'a> {
    citation: i64,
    sha256: &'a str,
    state: &'static str,
    place: Option<(Range<usize>, [usize; 2])>,
}

/// Anchors the citations that the transaction has changed, and those of sources whose text it has changed.
pub async fn anchor(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    // Most changes touch no citation. Apart from the next statement, which waits for whoever locks the citations.
    let touches = format!(
        "select exists (select from {VERSIONS})
         and exists (select from revisions where change = {CURRENT_CHANGE} and part in ('{CITATIONS}', '{VERSIONS}'))"
    );
    if !sqlx::query_scalar(AssertSqlSafe(touches)).fetch_one(&mut *connection).await? {
        return Ok(());
    }
    let sql = AssertSqlSafe(unanchored());
    let rows = sqlx::query(sql).fetch_all(&mut *connection).await?;
    let mut stored: HashMap<String, StoredText> = HashMap::new();
    let mut last = String::new();
    let mut found = Vec::new();
    for row in &rows {
        let texts = ["last", "own", "before"].map(|column| row.try_get::<Option<String>, _>(column));
        for (place, sha256) in texts.into_iter().enumerate() {
            let Some(sha256) = sha256? else { continue };
            if place == 0 && sha256 != last {
                // The citations of one source come together.
                stored.clear();
                last.clone_from(&sha256);
            }
            if !stored.contains_key(&sha256) {
                stored.insert(sha256.clone(), StoredText::load(connection, &sha256).await?);
            }
        }
        found.extend(heavy(true, || anchors(row, &stored))?);
    }
    write(connection, &found).await
}

/// The anchors of a citation: in the last version of the text, and in the one that it is of.
fn anchors<'a>(row: &'a PgRow, stored: &HashMap<String, StoredText>) -> Result<Vec<Anchor<'a>>, sqlx::Error> {
    let (citation, last, own): (i64, &str, Option<&str>) =
        (row.try_get("id")?, row.try_get("last")?, row.try_get("own")?);
    let anchor = |sha256: &'a str, place: Option<Range<usize>>, [found, missing]: [&'static str; 2]| {
        let state = if place.is_some() { found } else { missing };
        let place = place.map(|place| {
            let passages = stored[sha256].passages(&place);
            (place, passages)
        });
        Anchor { citation, sha256, state, place }
    };
    let mut anchors = Vec::new();
    let before = match (row.try_get::<Option<&str>, _>("before")?, own) {
        (Some(before), _) => {
            let [starts, ends] = ["starts", "ends"].map(|column| row.try_get::<i32, _>(column));
            let place = |number: i32| usize::try_from(number).unwrap_or(0);
            Some((before, place(starts?)..place(ends?)))
        }
        // It is of a version that is not there.
        (None, None) => None,
        (None, Some(own)) => {
            let (locator, quote): (&str, Option<&str>) = (row.try_get("locator")?, row.try_get("quote")?);
            let [start, end] = ["own_start", "own_end"].map(|column| row.try_get::<Option<i32>, _>(column));
            let selectors = Selectors {
                locator,
                quote,
                prefix: row.try_get("prefix")?,
                suffix: row.try_get("suffix")?,
                position: start?.zip(end?).map(|(start, end)| [start, end]),
            };
            let place = stored[own].place(&selectors).unwrap_or_default();
            let found = if quote.is_some() { "ANCHORED" } else { "RESOLVED" };
            anchors.push(anchor(own, place.clone(), [found, "UNRESOLVED"]));
            place.map(|place| (own, place))
        }
    };
    if anchors.is_empty() || own != Some(last) {
        let moved =
            before.as_ref().and_then(|(text, place)| stored[*text].text.moved(place, &stored[last].text));
        let missing = if before.is_some() || own.is_none() { "ORPHANED" } else { "UNRESOLVED" };
        anchors.push(anchor(last, moved, ["ANCHORED", missing]));
    }
    Ok(anchors)
}

async fn write(connection: &mut PgConnection, anchors: &[Anchor<'_>]) -> Result<(), sqlx::Error> {
    let places = |of: fn(&(Range<usize>, [usize; 2])) -> usize| {
        let place = |anchor: &Anchor<'_>| anchor.place.as_ref().map(|place| number(of(place)));
        anchors.iter().map(place).collect::<Vec<Option<i32>>>()
    };
    let sql = "insert into citation_anchors (citation_id, sha256, state, starts, ends, first_passage, last_passage)
               select citation, sha256, state::anchor_state, starts, ends, first, last
               from unnest($1::bigint[], $2::text[], $3::text[], $4::integer[], $5::integer[], $6::integer[], $7::integer[])
                    a (citation, sha256, state, starts, ends, first, last)
               on conflict do nothing";
    sqlx::query(sql)
        .bind(anchors.iter().map(|anchor| anchor.citation).collect::<Vec<_>>())
        .bind(anchors.iter().map(|anchor| anchor.sha256).collect::<Vec<_>>())
        .bind(anchors.iter().map(|anchor| anchor.state).collect::<Vec<_>>())
        .bind(places(|(place, _)| place.start))
        .bind(places(|(place, _)| place.end))
        .bind(places(|(_, [first, _])| *first))
        .bind(places(|(_, [_, last])| *last))
        .execute(connection)
        .await?;
    Ok(())
}

fn number(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
