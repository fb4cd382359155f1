//! Database errors: the cause is logged, the client gets a code.

use std::{io::ErrorKind, time::Duration};

use sqlx::{
    error::DatabaseError,
    postgres::{PgDatabaseError, PgSeverity},
};

use crate::{
    error::{self, ApiError, Code},
    telemetry::{outage, request},
};

/// Errors of access that don't come from Postgres.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// The client's own requests use all its connections.
    #[error("the client's other requests use all connections that one client may have")]
    OwnShare,
    /// Other requests use all connections.
    #[error("all connections to the database are in use")]
    Busy,
    #[error("the database is read-only")]
    ReadOnly,
    /// The schema of the history views: Postgres skips a schema in the search path without usage privilege.
    #[error("the database user lacks usage on the history schema; run: grant usage on schema … to …")]
    PastForbidden,
    /// Hosts respond, but none matches `target_session_attrs`.
    #[error("no host of DATABASE_URL matches target_session_attrs")]
    Unfit,
    /// A replica is not the one, or not as new, as it was before.
    #[error("the replica was restarted")]
    Restarted,
    #[error("no replica responds")]
    NoReplica,
    /// No replica has replayed the revision in time, and the server has no writer to ask.
    #[error("no replica has replayed the revision that is needed")]
    Behind,
}

impl AccessError {
    /// The access error inside a driver error.
    pub fn of(error: &sqlx::Error) -> Option<AccessError> {
        match error {
            sqlx::Error::AnyDriverError(cause) => cause.downcast_ref().copied(),
            _ => None,
        }
    }

    fn api_error(self) -> ApiError {
        let (code, what) = match self {
            AccessError::OwnShare => {
                (Code::RateLimited, "Your other requests use all your database connections")
            }
            AccessError::Busy => (Code::TooSlow, "The server is busy"),
            AccessError::ReadOnly => (Code::Unavailable, "The database is read-only"),
            AccessError::Unfit | AccessError::NoReplica | AccessError::Restarted => {
                (Code::Unavailable, "The database is unavailable")
            }
            AccessError::Behind => (
                Code::Unavailable,
                "The replicas that this server reads from have not replayed the requested revision yet",
            ),
            AccessError::PastForbidden => return ApiError::new(Code::Unavailable, FORBIDDEN),
        };
        let again = RETRY_AFTER.as_secs();
        ApiError {
            retry_after: Some(RETRY_AFTER),
            ..ApiError::new(code, format!("{what}; retry in {again} s."))
        }
    }
}

impl From<AccessError> for sqlx::Error {
    fn from(access_error: AccessError) -> Self {
        sqlx::Error::AnyDriverError(access_error.into())
    }
}

/// For clients, when the database user lacks a privilege; the log names it.
const FORBIDDEN: &str =
    "The server lacks a database privilege for this request; ask the operator to grant it.";

/// Suggested delay before a retry.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Logs the cause, and returns the code and message for the client.
impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        if let Some(access_error) = AccessError::of(&error) {
            match access_error {
                AccessError::ReadOnly => outage::READ_ONLY.met(&access_error),
                AccessError::PastForbidden => outage::FORBIDDEN.met(&access_error),
                AccessError::Unfit | AccessError::NoReplica => outage::UNREACHABLE.met(&access_error),
                AccessError::OwnShare | AccessError::Busy => {
                    tracing::debug!(reason = %access_error, "no connection to the database is free");
                }
                // The log of replicas has it.
                AccessError::Restarted | AccessError::Behind => {}
            }
            return access_error.api_error();
        }
        if is_conflict(&error) {
            tracing::debug!(%error, "serialization conflict");
            let message = "Other requests changed the same records at the same time; retry.";
            return ApiError { retry_after: Some(RETRY_AFTER), ..ApiError::new(Code::Unavailable, message) };
        }
        if is_forbidden(&error) {
            outage::FORBIDDEN.met(&error);
            return ApiError::new(Code::Unavailable, FORBIDDEN);
        }
        let code = code_of(&error);
        match code {
            Code::Internal => request::fault(&error),
            Code::Unavailable => outage::UNREACHABLE.met(&error),
            // Not a fault of the server; the text may contain a value of the client.
            _ => tracing::debug!(code = code.as_str(), %error, "the database rejected a statement"),
        }
        let message = match code {
            Code::Timeout => return ApiError::timeout(),
            Code::Unavailable => "The database is unavailable; retry.",
            Code::BadUserInput => "A value of the request is invalid.",
            _ => error::INTERNAL,
        };
        ApiError {
            retry_after: (code == Code::Unavailable).then_some(RETRY_AFTER),
            ..ApiError::new(code, message)
        }
    }
}

/// Whether another host may answer a statement that failed on a replica: all but the limits of the request itself.
pub fn may_succeed_elsewhere(error: &sqlx::Error) -> bool {
    if matches!(AccessError::of(error), Some(AccessError::OwnShare | AccessError::Busy)) {
        return false;
    }
    // A conflict with recovery is a serialization failure; tables may be missing until a migration is replayed.
    code_of(error) != Code::Timeout
}

/// `insufficient_privilege`
fn is_forbidden(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|refused| refused.code().as_deref() == Some("42501"))
}

/// `serialization_failure`, `deadlock_detected`, `lock_not_available`
fn is_conflict(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    matches!(code.as_deref(), Some("40001" | "40P01" | "55P03"))
}

/// The error code for a driver error; transient errors are `UNAVAILABLE`.
fn code_of(error: &sqlx::Error) -> Code {
    let refused = match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::BeginFailed
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => return Code::Unavailable,
        // The session ended.
        sqlx::Error::Database(refused) if is_fatal(refused.as_ref()) => return Code::Unavailable,
        sqlx::Error::Database(refused) => refused.code().unwrap_or_default(),
        _ => return Code::Internal,
    };
    match &*refused {
        // query_canceled: statement timeout
        "57014" => Code::Timeout,
        // read_only_sql_transaction, transaction timeouts, io_error
        "25006" | "25P03" | "25P04" | "58030"
        // undefined table, function or schema: the database is being restored, or is another one
        | "42P01" | "42883" | "3F000" => Code::Unavailable,
        // connection exceptions, insufficient resources, operator intervention (shutdown, crash, startup), and a
        // changed password or certificate
        code if ["08", "53", "57", "28"].iter().any(|class| code.starts_with(class)) => Code::Unavailable,
        // data exceptions: an invalid value that validation didn't catch
        code if code.starts_with("22") => Code::BadUserInput,
        _ => Code::Internal,
    }
}

fn is_fatal(refused: &dyn DatabaseError) -> bool {
    let severity = refused.try_downcast_ref::<PgDatabaseError>().map(PgDatabaseError::severity);
    matches!(severity, Some(PgSeverity::Fatal | PgSeverity::Panic))
}

/// The error as a sentence for users of the command line, with what to check.
pub fn in_words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(refused) => refused_in_words(refused.as_ref()),
        // The driver reports a failed TLS handshake as invalid data.
        sqlx::Error::Io(error) if error.kind() == ErrorKind::InvalidData => {
            format!("{error} (check sslmode and sslrootcert in DATABASE_URL, and the server certificate)")
        }
        sqlx::Error::Io(error) if error.kind() == ErrorKind::TimedOut => {
            format!("{error} (check the host and port in DATABASE_URL, and that Postgres is listening there)")
        }
        sqlx::Error::Io(error) => {
            format!("{error} (check the host and port in DATABASE_URL, and that Postgres is running)")
        }
        sqlx::Error::Tls(error) => format!("{error} (check sslmode in DATABASE_URL)"),
        sqlx::Error::PoolTimedOut => {
            "timed out waiting for a connection; check max_connections of Postgres".to_owned()
        }
        other => match AccessError::of(other) {
            Some(access_error) => access_error.to_string(),
            None => other.to_string(),
        },
    }
}

fn refused_in_words(refused: &dyn DatabaseError) -> String {
    let (code, said) = (refused.code().unwrap_or_default(), refused.message());
    if said.contains("unsupported startup parameter") {
        return "DATABASE_URL leads to a connection pooler: set DATABASE_LISTEN_URL to the address of Postgres itself"
            .to_owned();
    }
    let words = match &*code {
        "28P01" => "Postgres rejected the user and password in DATABASE_URL",
        "28000" => {
            "Postgres rejected the connection; check the user and sslmode in DATABASE_URL, and pg_hba.conf"
        }
        "3D000" => "the database in DATABASE_URL does not exist; create it, or change DATABASE_URL",
        "42501" => return format!("the database user lacks a required privilege ({said})"),
        "42P01" | "42703" | "42883" | "3F000" => {
            return format!(
                "the tables differ from the ones that Dossier created ({said}); check DATABASE_SCHEMA"
            );
        }
        "53300" => "Postgres has too many connections; check max_connections",
        "53100" => "the disk of the Postgres server is full",
        "53200" => "Postgres is out of memory",
        "25006" => "the database is read-only",
        "40001" | "40P01" => "other transactions changed the same records at the same time; try again",
        "55P03" => "other transactions hold locks on the same records; try again",
        "57014" => "a statement timed out; check statement_timeout of Postgres",
        "57P01" | "57P02" => "Postgres is shutting down; start it, and try again",
        "57P03" => "Postgres is starting up or shutting down; try again",
        _ => return format!("Postgres rejected a statement: {said} (SQLSTATE {code})"),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transient_errors_say_when_to_retry() {
        for error in [sqlx::Error::PoolTimedOut, AccessError::ReadOnly.into(), AccessError::Unfit.into()] {
            let api_error = ApiError::from(error);
            assert_eq!(api_error.code, Code::Unavailable);
            assert!(api_error.retry_after.is_some());
        }
        assert_eq!(ApiError::from(sqlx::Error::from(AccessError::OwnShare)).code, Code::RateLimited);
        assert_eq!(ApiError::from(sqlx::Error::from(AccessError::Busy)).code, Code::TooSlow);
        assert_eq!(ApiError::from(sqlx::Error::RowNotFound).code, Code::Internal);
        let forbidden = ApiError::from(sqlx::Error::from(AccessError::PastForbidden));
        assert_eq!(
            (forbidden.code, forbidden.retry_after),
            (Code::Unavailable, None),
            "no time changes that"
        );
    }
}
