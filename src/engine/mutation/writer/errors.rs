//! Why a mutation changed nothing.

use sqlx::postgres::PgDatabaseError;

use crate::{error::ApiError, model::object_type::computed::ComputedValue};

/// `program_limit_exceeded`: the value is too long for an index.
pub const TOO_LONG: &str = "54000";

/// Maximum number of records named in an error.
pub const NAMED: i64 = 5;

/// An error of a part of the input.
#[derive(Clone, Debug, PartialEq)]
pub struct UserError {
    pub code: &'static str,
    pub path: Vec<String>,
    pub message: String,
}

impl UserError {
    pub fn tree(self) -> ComputedValue {
        let field = self.path.into_iter().map(ComputedValue::Text).collect();
        ComputedValue::Object(vec![
            ("code", ComputedValue::text(Some(self.code))),
            ("field", ComputedValue::List(field)),
            ("message", ComputedValue::Text(self.message)),
        ])
    }
}

pub fn error(code: &'static str, path: &[&str], message: &str) -> UserError {
    let path: Vec<String> = path.iter().map(|step| (*step).to_owned()).collect();
    UserError { code, path: within(&path), message: message.to_owned() }
}

/// A path in the input, from its root.
pub fn within(path: &[String]) -> Vec<String> {
    [&["input".to_owned()], path].concat()
}

/// Why a try failed.
pub enum Failure {
    User(Vec<UserError>),
    /// A conflict with another transaction: a retry can succeed.
    Again,
    Refused(ApiError),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        match code.as_deref() {
            // serialization_failure, deadlock_detected, and read_only_sql_transaction, where another host may accept
            // it
            Some("40001" | "40P01" | "25006") => Failure::Again,
            _ => Failure::Refused(error.into()),
        }
    }
}

impl From<ApiError> for Failure {
    fn from(api_error: ApiError) -> Self {
        Failure::Refused(api_error)
    }
}

pub fn constraint_of(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    let refused = error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?;
    (refused.code().starts_with("23") || refused.code() == TOO_LONG).then_some(refused)
}
