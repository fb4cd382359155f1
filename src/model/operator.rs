//! The operators of a filter's values.

use crate::model::object_type::Scalar;

/// A test of a value. Schema, cost and SQL match on it, so one that is declared is implemented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equals,
    In,
    NotIn,
    Contains,
    StartsWith,
    Min,
    Max,
    IsNull,
}

/// The operator of grades that are not worse.
pub const AT_LEAST: &str = "atLeast";

impl Operator {
    const ALL: [Operator; 8] = [
        Operator::Equals,
        Operator::In,
        Operator::NotIn,
        Operator::Contains,
        Operator::StartsWith,
        Operator::Min,
        Operator::Max,
        Operator::IsNull,
    ];

    /// Its name in the schema.
    pub fn name(self) -> &'static str {
        match self {
            Operator::Equals => "equals",
            Operator::In => "in",
            Operator::NotIn => "notIn",
            Operator::Contains => "contains",
            Operator::StartsWith => "startsWith",
            Operator::Min => "min",
            Operator::Max => "max",
            Operator::IsNull => "isNull",
        }
    }

    /// The operator of this name, as a validated filter has it.
    pub fn named(name: &str) -> Operator {
        Self::ALL.into_iter().find(|operator| operator.name() == name).expect("validated")
    }

    pub fn description(self) -> &'static str {
        match self {
            Operator::Equals => "Equals this value.",
            Operator::In => "Equals one of these values.",
            Operator::NotIn => "Equals none of these values, or is null.",
            Operator::Contains => "Contains this text, ignoring case and accents.",
            Operator::StartsWith => "Starts with this text, ignoring case and accents.",
            Operator::Min => "Is greater than or equal to this value.",
            Operator::Max => "Is less than or equal to this value.",
            Operator::IsNull => "True: is null. False: is not null.",
        }
    }

    /// The operators that values of a scalar have, in the order of the schema.
    pub fn of(scalar: Scalar) -> Vec<Operator> {
        let mut operators = match scalar {
            Scalar::Prose => Vec::new(),
            _ => vec![Operator::Equals, Operator::In],
        };
        match scalar {
            Scalar::Text | Scalar::Prose => operators.extend([Operator::Contains, Operator::StartsWith]),
            Scalar::Int | Scalar::Float | Scalar::Decimal | Scalar::RevisionNumber => {
                operators.extend([Operator::Min, Operator::Max]);
            }
            Scalar::Enumeration(_) => operators.push(Operator::NotIn),
            _ => {}
        }
        if !matches!(scalar, Scalar::Id(_) | Scalar::Prose) {
            operators.push(Operator::IsNull);
        }
        operators
    }
}

/// The number of letters of a trigram.
const TRIGRAM: usize = 3;

/// Whether a trigram index finds the texts with this part: it has a trigram within a word.
pub fn has_trigram(part: &str) -> bool {
    part.split(|letter: char| !letter.is_alphanumeric()).any(|word| word.chars().count() >= TRIGRAM)
}
