//! What can go wrong with a request: what the caller sees, and what only the log sees.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// Why a request was refused or failed: the closed set of `extensions.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document asks for what the schema doesn't have.
    GraphqlValidationFailed,
    /// A value has the right place and the wrong content.
    BadUserInput,
    /// No document of this hash is known here: send its text along, once.
    PersistedQueryNotFound,
    /// The caller shows no key, or one that is not valid.
    Unauthenticated,
    /// What was asked for is turned off, or not for this caller.
    Forbidden,
    /// Nothing has this address.
    NotFound,
    /// The request is larger than the server takes.
    LimitExceeded,
    /// The client asked too much in a while; the answer's `Retry-After` says when to ask again.
    RateLimited,
    /// The request took too long and was cancelled.
    Timeout,
    /// The database can't be reached now.
    Unavailable,
    /// The server is too busy to begin in time, or the client doesn't read what it is told; it may come back, to
    /// a subscription with `since`.
    TooSlow,
    /// The database was restored to another history; a subscription begins again without `since`.
    HistoryReplaced,
    /// A fault of ours; the log has it under the request's id.
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

/// The public face of an error.
#[derive(Clone, Debug)]
pub struct ApiError {
    pub code: Code,
    pub message: String,
    /// The input that is wrong, from the argument or variable inwards: `filter.speaker.id`.
    pub field: Option<String>,
    /// Response keys down to the field that failed.
    pub path: Vec<PathStep>,
    pub locations: Vec<(usize, usize)>,
    /// The limit that was passed, and the value that passed it.
    pub limit: Option<(u64, u64)>,
    /// How long to wait before asking again.
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

    /// A wrong value, naming the input that holds it.
    pub fn bad_input(field: impl Into<String>, message: impl Into<String>) -> Self {
        ApiError { field: Some(field.into()), ..Self::new(Code::BadUserInput, message) }
    }

    /// A failure of the server. The caller gets no cause, only the id of the request to look it up by.
    pub fn internal() -> Self {
        Self::new(Code::Internal, INTERNAL)
    }

    /// What took longer than anybody waits.
    pub fn timeout() -> Self {
        Self::new(Code::Timeout, "The request took too long and was cancelled.")
    }

    /// What was read between two changes, and can be read again.
    pub fn changed_meanwhile() -> Self {
        Self::new(Code::Unavailable, CHANGED)
    }

    /// The same of an answer to a mutation that is committed: only reading what it left has failed.
    #[must_use]
    pub fn after_commit(self, revision: i64) -> Self {
        let message = format!(
            "The change was committed as revision {revision}, but its result could not be read: {}",
            self.message
        );
        ApiError { message, ..self }
    }

    /// A request larger than a limit.
    pub fn beyond(what: &str, limit: usize, value: usize) -> Self {
        ApiError {
            limit: Some((limit as u64, value as u64)),
            ..Self::new(Code::LimitExceeded, format!("The request has {value} {what}; the limit is {limit}."))
        }
    }

    /// The whole seconds to wait before asking again, as `Retry-After` and `extensions.retryAfter` have them.
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
