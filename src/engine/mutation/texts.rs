//! Keeps texts of sources, each once, under its SHA-256, as its passages.

use sqlx::PgConnection;

use crate::domain::texts::cut::{self, Passage};

/// Keeps a text, and returns its SHA-256.
pub async fn keep(connection: &mut PgConnection, text: &str) -> Result<String, sqlx::Error> {
    let sha256 = cut::digest(text);
    let length = text.chars().count();
    let sql = "insert into text_contents (sha256, characters) values ($1, $2) on conflict do nothing";
    let kept = sqlx::query(sql).bind(&sha256).bind(number(length)).execute(&mut *connection).await?;
    if kept.rows_affected() == 0 {
        return Ok(sha256);
    }
    let passages = cut::passages(text);
    let numbers =
        |of: fn(&Passage) -> usize| passages.iter().map(|passage| number(of(passage))).collect::<Vec<_>>();
    let sql = "insert into text_passages (sha256, number, starts, ends, line, page, section, seconds, text)
               select $1, number, starts, ends, line, page, section, seconds, text
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
        .execute(connection)
        .await?;
    Ok(sha256)
}

fn number(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
