//! A moment in the history of the base, as a request names it.

use async_graphql::Value;

/// The argument that reads the past, and its input type.
pub const ARGUMENT: &str = "asOf";
pub const INPUT: &str = "AsOf";
pub const DESCRIPTION: &str = "Read this field and everything below it as of this time. Default: now.";
pub const INPUT_DESCRIPTION: &str = "A point in the history of the knowledge base, by exactly one of these fields. A change is visible completely or not at all. Before the first change there are no records, and records without history are never visible.";
/// The fields of the input: name, type in GraphQL, and description.
pub const FIELDS: [(&str, &str, &str); 2] = [
    ("revision", "RevisionNumber", "The state after this revision, which must exist."),
    ("time", "DateTime", "The state at this time, which must be in the past."),
];

/// A moment as a request names it.
#[derive(Clone, Debug, PartialEq)]
pub enum AsOf {
    Revision(i64),
    Time(String),
}

impl AsOf {
    /// The moment that the argument gives; none if it is absent.
    pub fn of(argument: Option<&Value>) -> Option<Self> {
        let Some(Value::Object(given)) = argument else { return None };
        match given.first() {
            Some((_, Value::Number(number))) => Some(AsOf::Revision(number.as_i64().unwrap_or(i64::MAX))),
            Some((_, Value::String(time))) => Some(AsOf::Time(time.clone())),
            _ => None,
        }
    }
}
