//! Keys: who may do what. A key's secret is told once; only a digest of it is kept.
//!
//! A secret is looked up by its digest, so how long that takes tells nothing of secrets that are near it;
//! and as it is 256 random bits, a plain SHA-256 is as good as a slow one.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use sha2::{Digest, Sha256};
use sqlx::{
    Executor, Postgres, Row,
    postgres::{PgConnection, PgRow},
};
use time::OffsetDateTime;

use crate::{
    auth::caller::{Identity, Role},
    database::error::in_words,
    telemetry::statement::Statement,
};

/// What every secret begins with, so that people and scanners know one when they see it.
const MARK: &str = "dossier_";
/// Letters of a secret by which people tell keys apart, its mark included.
const PREFIX: usize = MARK.len() + 6;

/// Why nothing was done to a key: one line for whoever asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("a key named `{0}` already exists; names are unique because changes are recorded under them")]
    Taken(String),
    #[error(
        "invalid key name `{0}`: a name has 1 to 200 characters, no line breaks, no blank at either end, and does not start with `{MARK}`"
    )]
    Name(String),
    #[error("the expiry date is in the past")]
    Past,
    #[error("no key has the name or prefix `{0}`; list all keys with `dossier key list`")]
    Unknown(String),
    #[error("{0}")]
    Random(std::io::Error),
    #[error("{}", in_words(.0))]
    Database(#[from] sqlx::Error),
}

/// Refuses a key that can't be, whatever the database holds.
pub fn check(name: &str, expires: Option<OffsetDateTime>) -> Result<(), Error> {
    let fits = (1..=200).contains(&name.chars().count())
        && name.trim() == name
        && !name.chars().any(char::is_control)
        && !is_one(name);
    if !fits {
        return Err(Error::Name(name.escape_debug().to_string()));
    }
    if expires.is_some_and(|end| end <= OffsetDateTime::now_utc()) {
        return Err(Error::Past);
    }
    Ok(())
}

/// A fresh secret of 256 random bits.
fn secret() -> std::io::Result<String> {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits)?;
    Ok(format!("{MARK}{}", BASE64.encode(bits)))
}

/// Whether a text is meant to be the secret of a key.
pub fn is_one(secret: &str) -> bool {
    secret.starts_with(MARK)
}

fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}

/// Makes a key and tells its secret, which nobody will be told again.
pub async fn create(
    database: impl Executor<'_, Database = Postgres>,
    name: &str,
    role: Role,
    expires: Option<OffsetDateTime>,
) -> Result<String, Error> {
    let secret = secret().map_err(Error::Random)?;
    let sql = "insert into api_keys (name, role, prefix, digest, expires_at)
               values ($1, $2::key_role, $3, $4, to_timestamp($5::bigint))";
    let created = sqlx::query(sql)
        .bind(name)
        .bind(role.name())
        .bind(&secret[..PREFIX])
        .bind(digest(&secret))
        .bind(expires.map(OffsetDateTime::unix_timestamp))
        .execute(database)
        .await;
    let constraint = |error: &sqlx::Error| {
        error.as_database_error().and_then(|error| error.constraint()).map(ToOwned::to_owned)
    };
    match created {
        Ok(_) => Ok(secret),
        Err(error) => Err(match constraint(&error).as_deref() {
            Some("api_keys_name_taken") => Error::Taken(name.to_owned()),
            Some("api_keys_name_form" | "filled_text_not_blank") => {
                Error::Name(name.escape_debug().to_string())
            }
            Some("api_keys_expires_later") => Error::Past,
            _ => error.into(),
        }),
    }
}

/// All keys in the order of their making: name, role, prefix, and when they were made, expire and were revoked.
pub async fn list(database: impl Executor<'_, Database = Postgres>) -> Result<Vec<Vec<String>>, sqlx::Error> {
    let sql = "select array[
                   name, role::text, prefix,
                   (created_at at time zone 'UTC')::timestamp(0)::text,
                   coalesce((expires_at at time zone 'UTC')::timestamp(0)::text, '-'),
                   coalesce((revoked_at at time zone 'UTC')::timestamp(0)::text, '-')
               ] from api_keys order by id";
    sqlx::query_scalar(sql).fetch_all(database).await
}

/// A key that has ended.
pub struct Revoked {
    pub name: String,
    pub prefix: String,
    pub when: String,
}

/// Ends a key, by its name or the beginning of its secret. One that was revoked stays so since then.
pub async fn revoke(database: impl Executor<'_, Database = Postgres>, key: &str) -> Result<Revoked, Error> {
    let sql = "update api_keys set revoked_at = coalesce(revoked_at, now()) where name = $1 or prefix = $1
               returning name, prefix, (revoked_at at time zone 'UTC')::timestamp(0)::text as moment";
    let row = sqlx::query(sql).bind(key).fetch_optional(database).await?;
    let row = row.ok_or_else(|| Error::Unknown(key.to_owned()))?;
    Ok(Revoked { name: row.try_get("name")?, prefix: row.try_get("prefix")?, when: row.try_get("moment")? })
}

/// Who holds the key of this secret, if it is one that is valid now.
pub async fn holder(database: &mut PgConnection, secret: &str) -> Result<Option<Identity>, sqlx::Error> {
    if !is_one(secret) {
        return Ok(None);
    }
    let sql = "select name, role::text from api_keys
               where digest = $1 and revoked_at is null and (expires_at is null or expires_at > now())";
    let observed = Statement::running(sql);
    let key = sqlx::query(sql).bind(digest(secret)).fetch_optional(database).await?;
    observed.ended(usize::from(key.is_some()), None);
    let holder = |row: PgRow| {
        let role: String = row.try_get("role")?;
        let role = Role::named(&role).ok_or_else(|| sqlx::Error::Decode("a role".into()))?;
        Ok(Identity { role, name: Some(row.try_get("name")?) })
    };
    key.map(holder).transpose()
}
