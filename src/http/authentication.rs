//! Who asks: what a request shows of its sender.

use axum::http::{HeaderMap, header::AUTHORIZATION};

use super::App;
use crate::{
    caller::Identity,
    error::{Code, Refusal},
    keys,
};

/// The sender of a request. Who shows a key that is not valid is refused, and never taken for anonymous.
pub(super) async fn identify(app: &App, headers: &HeaderMap) -> Result<Identity, Refusal> {
    let Some(shown) = headers.get(AUTHORIZATION) else { return Ok(Identity::ANONYMOUS) };
    let unknown = || {
        let message = "The key that was shown is not valid: it is unknown, was revoked, or has expired.";
        Refusal::new(Code::Unauthenticated, message)
    };
    let (scheme, secret) =
        shown.to_str().ok().and_then(|text| text.trim().split_once(' ')).ok_or_else(unknown)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::new(Code::Unauthenticated, "Show a key as `Authorization: Bearer …`."));
    }
    keys::holder(app.database.pool(), secret.trim()).await?.ok_or_else(unknown)
}
