//! The header `Dossier-Revision`: of a response the revision that it is at least as new as, of a request the one that
//! its response must be at least as new as. With it a client carries what it knows from one server to another.

use axum::{
    http::{HeaderMap, HeaderName},
    response::Response,
};

use crate::error::ApiError;

pub(super) const DOSSIER_REVISION: HeaderName = HeaderName::from_static("dossier-revision");
/// Its name in messages, and in the parameters of a connection.
pub(super) const NAME: &str = "Dossier-Revision";

/// The revision that a request names.
pub(super) fn named(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let mut values = headers.get_all(DOSSIER_REVISION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => parse(value.to_str().unwrap_or_default(), NAME).map(Some),
        (Some(_), Some(_)) => Err(ApiError::bad_input(NAME, format!("Send one `{NAME}`."))),
    }
}

/// The number of a revision in a header of this name.
pub(super) fn parse(text: &str, name: &str) -> Result<i64, ApiError> {
    let number = text.parse::<i64>().ok().filter(|number| *number >= 0 && number.to_string() == text);
    number.ok_or_else(|| ApiError::bad_input(name, format!("`{name}` must be the number of a revision.")))
}

/// A revision that the writer does not have.
pub(super) fn not_yet(named: i64, current: i64) -> ApiError {
    let message = format!("Revision {named} does not exist yet; the current revision is {current}.");
    ApiError::bad_input(NAME, message)
}

pub(super) fn set(response: &mut Response, revision: Option<i64>) {
    if let Some(revision) = revision {
        response.headers_mut().insert(DOSSIER_REVISION, revision.into());
    }
}
