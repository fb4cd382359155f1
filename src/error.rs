//! Errors of requests: the part that callers see.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// The closed set of `extensions.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document does not match the schema.
    GraphqlValidationFailed,
    /// An argument, a variable or a parameter has an invalid value.
    BadUserInput,
    /// The server does not know this hash yet: send the text too, once.
    PersistedQueryNotFound,
    /// The key is missing or invalid.
    Unauthenticated,
    /// Disabled, or not allowed for this caller.
    Forbidden,
    /// The path does not exist.
    NotFound,
    /// The request exceeds a limit.
    LimitExceeded,
    /// The client exceeded its rate limit; `Retry-After` says when to retry.
    RateLimited,
    /// The request took too long and was cancelled.
    Timeout,
    /// The database is unavailable.
    Unavailable,
    /// The server is too busy to start in time, or the client reads too slowly. The client may retry, or subscribe
    /// again with `since`.
    TooSlow,
    /// The database was restored and has a different history: subscribe again without `since`.
    HistoryReplaced,
    /// An internal error; the log has it under the request id.
    Internal,
}

impl Code {
    /// Whether the server failed, rather than the request.
    pub fn is_failure(self) -> bool {
        matches!(self, Code::Internal | Code::Unavailable | Code::Timeout)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Code::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Code::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Code::BadUserInput => "BAD_USER_INPUT",
            Code::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Code::Unauthenticated => "UNAUTHENTICATED",
            Code::Forbidden => "FORBIDDEN",
            Code::NotFound => "NOT_FOUND",
            Code::LimitExceeded => "LIMIT_EXCEEDED",
            Code::RateLimited => "RATE_LIMITED",
            Code::Timeout => "TIMEOUT",
            Code::Unavailable => "UNAVAILABLE",
            Code::TooSlow => "TOO_SLOW",
            Code::HistoryReplaced => "HISTORY_REPLACED",
            Code::Internal => "INTERNAL",
        }
    }
}

/// An error as the caller sees it.
#[derive(Clone, Debug)]
pub struct ApiError {
    pub code: Code,
    pub message: String,
    /// The path of the input that is wrong, from the argument or variable: `filter.speaker.id`.
    pub field: Option<String>,
    /// Response keys down to the field that failed.
    pub path: Vec<PathStep>,
    pub locations: Vec<(usize, usize)>,
    /// The limit that was exceeded, and the value.
    pub limit: Option<(u64, u64)>,
    /// How long to wait before retrying.
    pub retry_after: Option<Duration>,
}

#[derive(Clone, Debug)]
pub enum PathStep {
    Key(String),
    Index(usize),
}

pub const INTERNAL: &str = "Internal error: the server's log has the cause under this request id.";
/// The message about a record that was deleted between two reads of it.
pub const CHANGED: &str = "The record changed while it was read; retry.";

impl ApiError {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        ApiError {
            code,
            message: message.into(),
            field: None,
            path: Vec::new(),
            locations: Vec::new(),
            limit: None,
            retry_after: None,
        }
    }

    /// An invalid value of this input.
    pub fn bad_input(field: impl Into<String>, message: impl Into<String>) -> Self {
        ApiError { field: Some(field.into()), ..Self::new(Code::BadUserInput, message) }
    }

    /// An internal error: the caller gets no cause, only the request id.
    pub fn internal() -> Self {
        Self::new(Code::Internal, INTERNAL)
    }

    pub fn timeout() -> Self {
        Self::new(Code::Timeout, "The request took too long and was cancelled.")
    }

    /// A record changed between two reads; a retry helps.
    pub fn changed_meanwhile() -> Self {
        Self::new(Code::Unavailable, CHANGED)
    }

    /// The same error after a commit: only reading the result has failed.
    #[must_use]
    pub fn after_commit(self, revision: i64) -> Self {
        let message = format!(
            "The change was committed as revision {revision}, but its result could not be read: {}",
            self.message
        );
        ApiError { message, ..self }
    }

    /// A request beyond a limit.
    pub fn beyond(what: &str, limit: usize, value: usize) -> Self {
        ApiError {
            limit: Some((limit as u64, value as u64)),
            ..Self::new(Code::LimitExceeded, format!("The request has {value} {what}; the limit is {limit}."))
        }
    }

    /// The seconds to wait before retrying, as in `Retry-After` and `extensions.retryAfter`.
    pub fn retry_seconds(&self) -> Option<u64> {
        self.retry_after.map(|wait| (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1))
    }

    #[must_use]
    pub fn at(mut self, path: Vec<PathStep>) -> Self {
        self.path = path;
        self
    }

    /// The error as GraphQL writes it.
    pub fn to_json(&self, request_id: &str) -> Value {
        let mut error = Map::new();
        error.insert("message".into(), self.message.clone().into());
        if !self.locations.is_empty() {
            let locations =
                self.locations.iter().map(|(line, column)| json!({"line": line, "column": column}));
            error.insert("locations".into(), locations.collect());
        }
        if !self.path.is_empty() {
            let path = self.path.iter().map(|step| match step {
                PathStep::Key(key) => Value::from(key.as_str()),
                PathStep::Index(index) => Value::from(*index),
            });
            error.insert("path".into(), path.collect());
        }
        let mut extensions = Map::new();
        extensions.insert("code".into(), self.code.as_str().into());
        if let Some(field) = &self.field {
            extensions.insert("field".into(), field.as_str().into());
        }
        if let Some((limit, value)) = self.limit {
            extensions.insert("limit".into(), limit.into());
            extensions.insert("value".into(), value.into());
        }
        if let Some(seconds) = self.retry_seconds() {
            extensions.insert("retryAfter".into(), seconds.into());
        }
        if !request_id.is_empty() {
            extensions.insert("requestId".into(), request_id.into());
        }
        error.insert("extensions".into(), extensions.into());
        error.into()
    }
}

/// The `errors` of a response.
pub fn list_to_json(api_errors: &[ApiError], request_id: &str) -> Value {
    api_errors.iter().map(|api_error| api_error.to_json(request_id)).collect()
}

/// A response of errors alone.
pub fn without_data(api_errors: &[ApiError], request_id: &str) -> String {
    json!({ "errors": list_to_json(api_errors, request_id) }).to_string()
}
