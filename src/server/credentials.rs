//! Authentication of requests by keys and tokens.

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

/// How long the lookup of a key may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// The `Authorization` of a client. Long-lived connections check it repeatedly.
pub(super) struct Credentials(Option<String>);

impl From<String> for Credentials {
    fn from(authorization: String) -> Self {
        Credentials(Some(authorization))
    }
}

impl Credentials {
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let mut authorization =
            headers.get_all(AUTHORIZATION).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        match (authorization.next(), authorization.next()) {
            (first, None) => Credentials(first.map(Into::into)),
            // Several headers are ambiguous, so they are refused.
            (_, Some(_)) => Credentials(Some(String::new())),
        }
    }

    pub async fn identify(&self, app: &AppState, client: IpAddr) -> Result<Identity, ApiError> {
        let identity = authenticate(app, self.0.as_deref(), client).await?;
        request::identity(identity.role.name(), identity.name.as_deref());
        Ok(identity)
    }

    /// Fails if the credentials have become invalid. They stay valid if that can't be checked.
    pub async fn check_again(&self, app: &AppState) -> Result<(), ApiError> {
        let Some(authorization) = &self.0 else { return Ok(()) };
        match identify_key(app, authorization).await {
            Err(api_error) if api_error.code == Code::Unauthenticated => Err(api_error),
            _ => Ok(()),
        }
    }
}

/// The identity of a client by its `Authorization`. Invalid credentials are an error; such a client is never
/// anonymous.
async fn authenticate(
    app: &AppState,
    authorization: Option<&str>,
    client: IpAddr,
) -> Result<Identity, ApiError> {
    let Some(authorization) = authorization else {
        return if app.read_requires_key { Err(missing_key()) } else { Ok(Identity::ANONYMOUS) };
    };
    match identify_key(app, authorization).await {
        Err(api_error) if api_error.code == Code::Unauthenticated => {
            app.failed_attempts.record_failure(client)?;
            tracing::info!(%client, "invalid key");
            Err(api_error)
        }
        known => known,
    }
}

fn missing_key() -> ApiError {
    ApiError::new(Code::Unauthenticated, "This server requires a key: send it as `Authorization: Bearer …`.")
}

async fn identify_key(app: &AppState, authorization: &str) -> Result<Identity, ApiError> {
    let (scheme, secret) = authorization.trim_ascii().split_once(' ').unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::new(Code::Unauthenticated, "Send one key, as `Authorization: Bearer …`."));
    }
    let secret = secret.trim_ascii();
    match &app.tokens {
        Some(tokens) if !keys::looks_like_key(secret) => tokens.identify(secret).await,
        _ => {
            let holder = timeout(LOOKUP_TIMEOUT, holder(app, secret)).await;
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
                connection.release().await;
                return Ok(holder);
            }
            Err(error) => attempts.retry_or_fail(connection, error)?,
        }
    }
}
