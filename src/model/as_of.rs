//! A moment in the history of the base, as a request names it.

use async_graphql::Value;

use crate::model::object_type::Scalar;

/// The argument that asks for the past, and its input type.
pub const ARGUMENT: &str = "asOf";
pub const INPUT: &str = "AsOf";
pub const DESCRIPTION: &str = "The moment as of which everything below is read; now where left out.";
pub const INPUT_DESCRIPTION: &str = "A moment in the history of the base, by exactly one of these. A change is there whole or not at all; \
     before the first there was nothing. What was never recorded as a change, as a generated base, was never there.";
/// What the input takes: each name with its type and description.
pub const FIELDS: [(&str, Scalar, &str); 2] = [
    (
        "revision",
        Scalar::RevisionNumber,
        "Once the change with this revision was made; one that was made already.",
    ),
    ("time", Scalar::DateTime, "At this time; one that is past."),
];

/// A moment as a request names it.
#[derive(Clone, Debug, PartialEq)]
pub enum AsOf {
    Revision(i64),
    Time(String),
}

impl AsOf {
    /// The moment that the argument gives; none where it was left out.
    pub fn of(argument: Option<&Value>) -> Option<Self> {
        let Some(Value::Object(given)) = argument else { return None };
        match given.first() {
            Some((_, Value::Number(number))) => Some(AsOf::Revision(number.as_i64().unwrap_or(i64::MAX))),
            Some((_, Value::String(time))) => Some(AsOf::Time(time.clone())),
            _ => None,
        }
    }
}
