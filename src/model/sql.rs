//! SQL of values as data: what it reads is known without reading its text.

use std::borrow::Cow;

/// The SQL of a value in a row. In a template `{}` is the row, which has another alias in each statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A column of the row.
    Column(Cow<'static, str>),
    Template(Cow<'static, str>),
}

impl Expression {
    /// The SQL over a row of this alias.
    pub fn of(&self, alias: &str) -> String {
        match self {
            Expression::Column(column) => format!("{alias}.{column}"),
            Expression::Template(template) => template.replace("{}", alias),
        }
    }

    /// The column, if it is only that.
    pub fn column(&self) -> Option<&str> {
        match self {
            Expression::Column(column) => Some(column),
            Expression::Template(_) => None,
        }
    }

    /// The SQL with `{}` for the row.
    pub fn template(&self) -> String {
        self.of("{}")
    }
}

/// SQL that writes a `timestamptz` as RFC 3339 in UTC.
pub fn rfc_3339(instant: &str) -> String {
    format!(r#"to_char({instant} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#)
}

/// What the SQL of a value reads besides its own row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reads {
    Row,
    /// The log, by the column that keeps the history of the record.
    History(&'static str),
    /// Records that the row refers to: their tables, and the columns that refer to them.
    Records(&'static [(&'static str, &'static str)]),
}
