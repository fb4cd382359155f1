//! Adds a version of a source's text.

use async_graphql::Value as Input;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    domain::texts::{VERSIONS, cut},
    engine::mutation::{
        texts,
        writer::{Done, Failure, Mutation},
    },
};

pub const ATTACH: &str = "Attaches a text to a source: its first, or a new version. A text that is the last version already changes nothing.";

/// The media type of a text without another one.
const PLAIN: &str = "text/plain";

pub async fn attach(mutation: &mut Mutation<'_>, connection: &mut PgConnection) -> Result<Done, Failure> {
    let mut row = mutation.row(connection).await?;
    let content = match mutation.input.get("content") {
        Some(Input::String(content)) => cut::normalized(content),
        _ => Err("A text is required.".to_owned()),
    };
    row.insert("sha256".to_owned(), Value::Null);
    if row.get("media_type").is_none_or(Value::is_null) {
        row.insert("media_type".to_owned(), PLAIN.into());
    }
    mutation.check(connection, VERSIONS, std::slice::from_ref(&row), None).await?;
    let content = content.unwrap_or_else(|reason| {
        mutation.wrong("INVALID", &["content"], &reason);
        String::new()
    });
    let (id, _) = mutation.lock(connection, mutation.task.field, "no key update").await?;
    mutation.finish()?;
    let language = row.get("language").and_then(Value::as_str);
    let sha256 = texts::store(connection, &content, language).await?;
    row.insert("sha256".to_owned(), sha256.into());
    let columns: Vec<&str> = row.keys().map(String::as_str).collect();
    let (names, values) =
        (columns.join(", "), columns.iter().map(|column| format!("n.{column}")).collect::<Vec<_>>());
    let sql = format!(
        "insert into {VERSIONS} (source_id, {names}) select $1, {} from jsonb_populate_record(null::{VERSIONS}, $2) n
         where n.sha256 is distinct from (
             select sha256 from {VERSIONS} t where t.source_id = $1 order by t.version desc limit 1
         )",
        values.join(", ")
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(id).bind(Value::Object(row));
    if let Err(error) = query.execute(&mut *connection).await {
        return Err(mutation.failed(error));
    }
    let revision = mutation.revision(connection, id).await?;
    Ok(Done { id, revision })
}
