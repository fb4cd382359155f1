//! Who asks: what a request shows of its sender, by whatever way it came.

use std::{net::IpAddr, time::Duration};

use axum::http::{HeaderMap, header::AUTHORIZATION};
use tokio::time::timeout;

use crate::{
    auth::{caller::Identity, keys},
    database::connections::Share,
    error::{ApiError, Code},
    server::AppState,
    telemetry::request,
};

/// How long the database may take to say whose a key is.
const IDENTIFY: Duration = Duration::from_secs(5);

/// What somebody shows of who they are. Who stays connected is asked for it again and again.
pub(super) struct Credentials(Option<String>);

impl From<String> for Credentials {
    fn from(shown: String) -> Self {
        Credentials(Some(shown))
    }
}

impl Credentials {
    /// What a request's headers show.
    pub fn by(headers: &HeaderMap) -> Self {
        let mut shown =
            headers.get_all(AUTHORIZATION).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        match (shown.next(), shown.next()) {
            (first, None) => Credentials(first.map(Into::into)),
            // Which of them counts is not ours to guess.
            (_, Some(_)) => Credentials(Some(String::new())),
        }
    }

    pub async fn identify(&self, app: &AppState, client: IpAddr) -> Result<Identity, ApiError> {
        let identity = authenticate(app, self.0.as_deref(), client).await?;
        request::identity(identity.role.name(), identity.name.as_deref());
        Ok(identity)
    }

    /// Refuses what was valid once and is no more. While that can't be known, it stays valid.
    pub async fn still(&self, app: &AppState) -> Result<(), ApiError> {
        let Some(shown) = &self.0 else { return Ok(()) };
        match recognise(app, shown).await {
            Err(api_error) if api_error.code == Code::Unauthenticated => Err(api_error),
            _ => Ok(()),
        }
    }
}

/// Who shows this, the value of an `Authorization` header or what stands for it. Who shows what is not
/// valid is refused, and never taken for anonymous.
async fn authenticate(app: &AppState, shown: Option<&str>, client: IpAddr) -> Result<Identity, ApiError> {
    let Some(shown) = shown else {
        return if app.read_requires_key { Err(nothing_shown()) } else { Ok(Identity::ANONYMOUS) };
    };
    match recognise(app, shown).await {
        Err(api_error) if api_error.code == Code::Unauthenticated => {
            app.attempts.failed(client)?;
            tracing::info!(%client, "invalid key");
            Err(api_error)
        }
        known => known,
    }
}

fn nothing_shown() -> ApiError {
    ApiError::new(Code::Unauthenticated, "This server requires a key: send it as `Authorization: Bearer …`.")
}

async fn recognise(app: &AppState, shown: &str) -> Result<Identity, ApiError> {
    let (scheme, secret) = shown.trim_ascii().split_once(' ').unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::new(Code::Unauthenticated, "Send one key, as `Authorization: Bearer …`."));
    }
    let secret = secret.trim_ascii();
    match &app.tokens {
        Some(tokens) if !keys::is_one(secret) => tokens.holder(secret).await,
        _ => {
            let holder = timeout(IDENTIFY, holder(app, secret)).await;
            let holder = holder.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
            holder.ok_or_else(|| {
                let message = "Invalid key: it is unknown, was revoked, or has expired.";
                ApiError::new(Code::Unauthenticated, message)
            })
        }
    }
}

async fn holder(app: &AppState, secret: &str) -> Result<Option<Identity>, sqlx::Error> {
    let mut attempts = app.database.readers().attempts(&Share::OWN).await;
    loop {
        let mut connection = attempts.next().await?;
        match keys::holder(&mut connection, secret).await {
            Ok(holder) => {
                connection.release();
                return Ok(holder);
            }
            Err(error) => attempts.retry_or_fail(connection, error)?,
        }
    }
}
