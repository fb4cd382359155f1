//! API keys. A key's secret is shown once; only its digest is stored.
//!
//! Secrets are looked up by their digest, so the time of a lookup reveals nothing about similar secrets. A plain
//! SHA-256 is enough for 256 random bits.

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

/// The prefix of every secret, so that people and scanners recognise one.
const SECRET_PREFIX: &str = "dossier_";
/// Characters of the prefix by which people distinguish keys, including `SECRET_PREFIX`.
const PREFIX_LENGTH: usize = SECRET_PREFIX.len() + 6;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("a key named `{0}` already exists; names are unique because changes are recorded under them")]
    Taken(String),
    #[error(
        "invalid key name `{0}`: a name has 1 to 200 characters, no line breaks, no blank at either end, and does not start with `{SECRET_PREFIX}`"
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

/// Checks a key's name and expiry without the database.
pub fn check(name: &str, expires: Option<OffsetDateTime>) -> Result<(), Error> {
    let is_valid = (1..=200).contains(&name.chars().count())
        && name.trim() == name
        && !name.chars().any(char::is_control)
        && !looks_like_key(name);
    if !is_valid {
        return Err(Error::Name(name.escape_debug().to_string()));
    }
    if expires.is_some_and(|end| end <= OffsetDateTime::now_utc()) {
        return Err(Error::Past);
    }
    Ok(())
}

/// A new secret of 256 random bits.
fn secret() -> std::io::Result<String> {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits)?;
    Ok(format!("{SECRET_PREFIX}{}", BASE64.encode(bits)))
}

/// Whether a text looks like the secret of a key.
pub fn looks_like_key(secret: &str) -> bool {
    secret.starts_with(SECRET_PREFIX)
}

fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}

/// Creates a key, and returns its secret, which is not stored.
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
        .bind(&secret[..PREFIX_LENGTH])
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

/// All keys in order of creation: name, role, prefix, and the times of creation, expiry and revocation.
pub async fn list(database: impl Executor<'_, Database = Postgres>) -> Result<Vec<Vec<String>>, sqlx::Error> {
    let sql = "select array[
                   name, role::text, prefix,
                   (created_at at time zone 'UTC')::timestamp(0)::text,
                   coalesce((expires_at at time zone 'UTC')::timestamp(0)::text, '-'),
                   coalesce((revoked_at at time zone 'UTC')::timestamp(0)::text, '-')
               ] from api_keys order by id";
    sqlx::query_scalar(sql).fetch_all(database).await
}

/// A revoked key.
pub struct Revoked {
    pub name: String,
    pub prefix: String,
    pub when: String,
}

/// Revokes a key by its name or prefix. A key that was revoked before keeps that time.
pub async fn revoke(database: impl Executor<'_, Database = Postgres>, key: &str) -> Result<Revoked, Error> {
    let sql = "update api_keys set revoked_at = coalesce(revoked_at, now()) where name = $1 or prefix = $1
               returning name, prefix, (revoked_at at time zone 'UTC')::timestamp(0)::text as moment";
    let row = sqlx::query(sql).bind(key).fetch_optional(database).await?;
    let row = row.ok_or_else(|| Error::Unknown(key.to_owned()))?;
    Ok(Revoked { name: row.try_get("name")?, prefix: row.try_get("prefix")?, when: row.try_get("moment")? })
}

/// The identity of the key with this secret, if it is valid.
pub async fn holder(database: &mut PgConnection, secret: &str) -> Result<Option<Identity>, sqlx::Error> {
    if !looks_like_key(secret) {
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
