//! SQL of values as data: what it reads is known without reading its text.

use std::borrow::Cow;

/// The SQL of a value in a row. The row stands as `{}` in a template, as it has another alias in every statement.
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

    /// The column, where it is nothing else.
    pub fn column(&self) -> Option<&str> {
        match self {
            Expression::Column(column) => Some(column),
            Expression::Template(_) => None,
        }
    }

    /// The SQL over a row that is still to be named.
    pub fn template(&self) -> String {
        self.of("{}")
    }
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
