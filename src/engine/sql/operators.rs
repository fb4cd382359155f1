//! SQL of the operators that test a value, and of the values that it is compared with.

use std::fmt::Write;

use async_graphql::Value;

use crate::{
    database::statement::Bind,
    engine::sql::{Builder, Fields, big_of, own_id, text_of},
    error::ApiError,
    model::{
        Catalog, languages,
        object_type::Scalar,
        operator::{Operator, has_trigram},
    },
};

/// Maximum length of a search text in characters.
const LONGEST: usize = 1000;

/// A value that operators test.
pub struct Operand<'a> {
    pub sql: &'a str,
    /// The column with the same text without capital letters and accents, if there is one.
    pub plain: Option<String>,
    pub scalar: Scalar,
}

impl Builder {
    /// All operators given for a value.
    pub(super) fn operators(
        &mut self,
        catalog: &Catalog,
        operand: &Operand<'_>,
        operators: &Fields,
        path: &str,
    ) -> Result<(), ApiError> {
        self.sql.push_str("(true");
        for (operator, value) in operators.iter().filter(|(_, value)| **value != Value::Null) {
            self.sql.push_str(" and ");
            self.operator(catalog, operand, Operator::named(operator), value, &format!("{path}.{operator}"))?;
        }
        self.sql.push(')');
        Ok(())
    }

    fn operator(
        &mut self,
        catalog: &Catalog,
        operand: &Operand<'_>,
        operator: Operator,
        value: &Value,
        path: &str,
    ) -> Result<(), ApiError> {
        let Operand { sql, scalar, .. } = *operand;
        let values = if let Value::List(values) = value { values.as_slice() } else { &[] };
        match operator {
            Operator::IsNull => {
                let _ = write!(
                    self.sql,
                    "{sql} is{} null",
                    if *value == Value::Boolean(true) { "" } else { " not" }
                );
            }
            Operator::Contains => self.pattern(operand, "'%' || ", value, path)?,
            Operator::StartsWith => self.pattern(operand, "", value, path)?,
            Operator::Min => {
                let _ = write!(self.sql, "{sql} >= ");
                self.scalar(catalog, scalar, value, path)?;
            }
            Operator::Max => {
                let _ = write!(self.sql, "{sql} <= ");
                self.scalar(catalog, scalar, value, path)?;
            }
            Operator::In => {
                let _ = write!(self.sql, "{sql} = any(");
                self.scalars(catalog, scalar, values, path)?;
                self.sql.push(')');
            }
            Operator::NotIn => {
                // What is unknown is none of them.
                let _ = write!(self.sql, "({sql} <> all(");
                self.scalars(catalog, scalar, values, path)?;
                self.sql.push_str(")) is not false");
            }
            Operator::Equals => {
                let _ = write!(self.sql, "{sql} = ");
                self.scalar(catalog, scalar, value, path)?;
            }
        }
        Ok(())
    }

    /// The condition that the value has this text after `before`, ignoring case and accents.
    fn pattern(
        &mut self,
        operand: &Operand<'_>,
        before: &str,
        value: &Value,
        path: &str,
    ) -> Result<(), ApiError> {
        let text = text_of(value);
        check_length(&text, path)?;
        // Without a trigram to look for, Postgres would read the whole trigram index, which is several times as slow as
        // the table. Another collation keeps it from using that index.
        let collation = if before.is_empty() || has_trigram(&text) { "" } else { " collate \"C\"" };
        let _ = match &operand.plain {
            Some(plain) => write!(self.sql, "{plain}{collation} like {before}literally("),
            None => write!(self.sql, "plain({}){collation} like {before}literally(", operand.sql),
        };
        self.push(Bind::Text(text));
        self.sql.push_str(") || '%'");
        Ok(())
    }

    fn scalar(
        &mut self,
        catalog: &Catalog,
        scalar: Scalar,
        value: &Value,
        path: &str,
    ) -> Result<(), ApiError> {
        match scalar {
            Scalar::Id(object_type) => {
                self.binds.push(Bind::Id(own_id(object_type, value, path)?));
                let bind = self.binds.len();
                let _ = match catalog.named(object_type).merged {
                    Some(merged) => {
                        write!(
                            self.sql,
                            "coalesce((select kept_id from {merged} where id = ${bind}), ${bind})"
                        )
                    }
                    None => write!(self.sql, "${bind}"),
                };
            }
            Scalar::Int => self.push(Bind::Int(int_of(value))),
            Scalar::Float => self.push(Bind::Float(float_of(value))),
            Scalar::RevisionNumber => self.push(Bind::Id(big_of(value))),
            Scalar::Enumeration(of) => {
                self.push(Bind::Text(text_of(value)));
                let _ = write!(self.sql, "::{}", of.sql);
            }
            Scalar::Decimal => {
                self.push(Bind::Text(text_of(value)));
                self.sql.push_str("::numeric");
            }
            Scalar::Language => self.push(Bind::Text(tag(value, path)?)),
            Scalar::Text
            | Scalar::Term
            | Scalar::Prose
            | Scalar::PartialDate
            | Scalar::DateTime
            | Scalar::Url
            | Scalar::Cursor
            | Scalar::Content => self.push(Bind::Text(text_of(value))),
            Scalar::Boolean => unreachable!("no object type declares such a filter"),
        }
        Ok(())
    }

    fn scalars(
        &mut self,
        catalog: &Catalog,
        scalar: Scalar,
        values: &[Value],
        path: &str,
    ) -> Result<(), ApiError> {
        match scalar {
            Scalar::Id(object_type) => {
                let id = |(index, value)| own_id(object_type, value, &format!("{path}[{index}]"));
                let ids = values.iter().enumerate().map(id).collect::<Result<_, _>>()?;
                self.binds.push(Bind::Ids(ids));
                let bind = self.binds.len();
                let _ = match catalog.named(object_type).merged {
                    Some(merged) => write!(
                        self.sql,
                        "array(select coalesce((select kept_id from {merged} m where m.id = i), i) from unnest(${bind}::bigint[]) i)"
                    ),
                    None => write!(self.sql, "${bind}"),
                };
            }
            Scalar::Int => self.push(Bind::Ints(values.iter().map(int_of).collect())),
            Scalar::Float => self.push(Bind::Floats(values.iter().map(float_of).collect())),
            Scalar::RevisionNumber => self.push(Bind::Ids(values.iter().map(big_of).collect())),
            Scalar::Enumeration(of) => {
                self.push(Bind::Texts(values.iter().map(text_of).collect()));
                let _ = write!(self.sql, "::text[]::{}[]", of.sql);
            }
            Scalar::Decimal => {
                self.push(Bind::Texts(values.iter().map(text_of).collect()));
                self.sql.push_str("::text[]::numeric[]");
            }
            Scalar::Language => {
                let tag = |(index, value)| tag(value, &format!("{path}[{index}]"));
                let tags = values.iter().enumerate().map(tag).collect::<Result<_, _>>()?;
                self.push(Bind::Texts(tags));
            }
            _ => self.push(Bind::Texts(values.iter().map(text_of).collect())),
        }
        Ok(())
    }
}

/// The canonical form of a tag of a language.
fn tag(value: &Value, path: &str) -> Result<String, ApiError> {
    let tag = text_of(value);
    languages::canonical(&tag)
        .ok_or_else(|| ApiError::bad_input(path, format!("`{tag}` is no language. {}", languages::FORM)))
}

/// Refuses a search text that is too long: Postgres needs long to parse it.
pub fn check_length(text: &str, path: &str) -> Result<(), ApiError> {
    match text.chars().count() {
        length if length > LONGEST => {
            let message = format!("`{path}` has {length} characters; the maximum is {LONGEST}.");
            Err(ApiError::bad_input(path, message))
        }
        _ => Ok(()),
    }
}

fn float_of(value: &Value) -> f64 {
    match value {
        Value::Number(number) => number.as_f64().unwrap_or(f64::MAX),
        _ => unreachable!("coerced to a number"),
    }
}

fn int_of(value: &Value) -> i32 {
    i32::try_from(big_of(value)).unwrap_or(i32::MAX)
}
