//! Keys: who may do what. A key's secret is told once; only a digest of it is kept.
//!
//! A secret is looked up by its digest, so how long that takes tells nothing of secrets that are near it;
//! and as it is 256 random bits, a plain SHA-256 is as good as a slow one.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use sha2::{Digest, Sha256};
use sqlx::{
    Executor, Postgres, Row,
    postgres::{PgConnection, PgRow},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    auth::caller::{Identity, Role},
    database::error::in_words,
    telemetry::statement::Statement,
};

/// What every secret begins with, so that people and scanners know one when they see it.
const MARK: &str = "dossier_";
/// Letters of a secret by which people tell keys apart, its mark included.
const PREFIX: usize = MARK.len() + 6;

/// What is done to keys on the command line.
#[derive(clap::Subcommand)]
pub enum Verb {
    /// Make a key, and print its secret once.
    Create {
        /// Whose key it is: changes are recorded under this name.
        #[arg(long)]
        name: String,
        /// What its holder may do.
        #[arg(long, value_parser = grantable(), ignore_case = true)]
        role: Role,
        /// When it ends by itself: the last day (2027-01-31), or a moment (2027-01-31T12:00:00Z).
        #[arg(long, value_name = "WHEN", value_parser = moment)]
        expires: Option<OffsetDateTime>,
    },
    /// Print all keys, without their secrets.
    List,
    /// End a key, now and for good.
    Revoke {
        /// Its name, or the beginning of its secret as the list has it.
        #[arg(value_name = "NAME|PREFIX")]
        key: String,
    },
}

/// Why nothing was done to a key: one line for whoever asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is a key named `{0}` already; a name is given once, as changes are recorded under it")]
    Taken(String),
    #[error(
        "a key can't be named `{0}`: it takes 1 to 200 characters, no line breaks, no blank at either end, and not `{MARK}` at the beginning"
    )]
    Name(String),
    #[error("the key would expire before it is made")]
    Past,
    #[error("no key has the name or the beginning `{0}`; `dossier key list` has them all")]
    Unknown(String),
    #[error("{0}")]
    Random(std::io::Error),
    #[error("{}", in_words(.0))]
    Database(#[from] sqlx::Error),
}

impl Verb {
    /// What is wrong with it whatever the database holds: told before one is opened.
    pub fn check(&self) -> Result<(), Error> {
        let Verb::Create { name, expires, .. } = self else { return Ok(()) };
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
}

/// Does what the command line asks, and returns what to print. That of a new key is its secret alone, for scripts to
/// take.
pub async fn perform(database: impl Executor<'_, Database = Postgres>, verb: &Verb) -> Result<String, Error> {
    match verb {
        Verb::Create { name, role, expires } => {
            Ok(format!("{}\n", create(database, name, *role, *expires).await?))
        }
        Verb::List => Ok(list(database).await?),
        Verb::Revoke { key } => {
            let Revoked { name, prefix, when } = revoke(database, key).await?;
            Ok(format!("revoked: {name} ({prefix}…), {when} UTC\n"))
        }
    }
}

/// The roles that a key can have, as the command line writes them.
fn grantable() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(["reader", "editor", "admin"])
        .map(|name| Role::named(&name.to_uppercase()).expect("each is a role"))
}

/// A moment, or the last one of a day.
fn moment(text: &str) -> Result<OffsetDateTime, &'static str> {
    let last = format!("{text}T23:59:59Z");
    let moment = OffsetDateTime::parse(text, &Rfc3339).or_else(|_| OffsetDateTime::parse(&last, &Rfc3339));
    moment.map_err(|_| "it takes a day (2027-01-31) or a moment (2027-01-31T12:00:00Z)")
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

/// All keys as a table for people to read, in the order of their making.
async fn list(database: impl Executor<'_, Database = Postgres>) -> Result<String, sqlx::Error> {
    let sql = "select array[
                   name, role::text, prefix,
                   (created_at at time zone 'UTC')::timestamp(0)::text,
                   coalesce((expires_at at time zone 'UTC')::timestamp(0)::text, '-'),
                   coalesce((revoked_at at time zone 'UTC')::timestamp(0)::text, '-')
               ] from api_keys order by id";
    let mut rows = vec![
        ["NAME", "ROLE", "PREFIX", "CREATED (UTC)", "EXPIRES", "REVOKED"].map(ToOwned::to_owned).to_vec(),
    ];
    rows.extend(sqlx::query_scalar::<_, Vec<String>>(sql).fetch_all(database).await?);
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut table = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        let _ = writeln!(table, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    Ok(table)
}

/// A key that has ended.
struct Revoked {
    name: String,
    prefix: String,
    when: String,
}

/// Ends a key, by its name or the beginning of its secret. One that was revoked stays so since then.
async fn revoke(database: impl Executor<'_, Database = Postgres>, key: &str) -> Result<Revoked, Error> {
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
