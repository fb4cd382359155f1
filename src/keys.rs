//! Keys: who may do what. A key's secret is told once; only a digest of it is kept.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use sha2::{Digest, Sha256};
use sqlx::{Executor, Postgres, Row};

use crate::caller::{Identity, Role};

/// What every secret begins with, so that people and scanners know one when they see it.
const MARK: &str = "dossier_";
/// Letters of a secret by which people tell keys apart, its mark included.
const PREFIX: usize = MARK.len() + 6;

/// A fresh secret of 256 random bits.
fn secret() -> std::io::Result<String> {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits)?;
    Ok(format!("{MARK}{}", BASE64.encode(bits)))
}

fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}

/// Makes a key and tells its secret, which nobody will be told again.
pub async fn create(
    database: impl Executor<'_, Database = Postgres>,
    name: &str,
    role: Role,
) -> Result<String, sqlx::Error> {
    let secret = secret().map_err(sqlx::Error::Io)?;
    sqlx::query("insert into api_keys (name, role, prefix, digest) values ($1, $2::key_role, $3, $4)")
        .bind(name)
        .bind(role.name())
        .bind(&secret[..PREFIX])
        .bind(digest(&secret))
        .execute(database)
        .await?;
    Ok(secret)
}

/// Who holds the key of this secret, if it is one that is valid now.
pub async fn holder(
    database: impl Executor<'_, Database = Postgres>,
    secret: &str,
) -> Result<Option<Identity>, sqlx::Error> {
    let sql = "select name, role::text from api_keys
               where digest = $1 and revoked_at is null and (expires_at is null or expires_at > now())";
    let key = sqlx::query(sql).bind(digest(secret)).fetch_optional(database).await?;
    let holder = |row: sqlx::postgres::PgRow| {
        let role: String = row.try_get("role")?;
        let role = Role::named(&role).ok_or_else(|| sqlx::Error::Decode("a role".into()))?;
        Ok(Identity { role, name: Some(row.try_get("name")?) })
    };
    key.map(holder).transpose()
}
