//! What of a noun is written, and how an input says it.

use crate::model::{
    Input, InputField,
    object_type::{Column, Kind as FieldKind, Many, Noun, One, Owned, Scalar, Values, Via, Written},
};

/// A part of a record that an input writes.
pub struct Slot {
    /// Its name in the input and, but for one of several references, in the record.
    pub name: &'static str,
    pub description: &'static str,
    /// Whether every record has it.
    pub needed: bool,
    pub kind: Kind,
}

pub enum Kind {
    /// A value in a column of the record's table.
    Value { column: &'static str, scalar: Scalar },
    /// A reference in a column of the record's table.
    Reference { column: &'static str, to: &'static str },
    /// Rows of another table that belong to the record.
    Rows(Rows),
}

pub struct Rows {
    pub table: &'static str,
    /// The column that refers to the record.
    pub owner: &'static str,
    pub columns: Vec<RowColumn>,
    /// The column that keeps their order, where it is kept.
    pub ordinal: Option<&'static str>,
    /// Whether each has a number of its own, which keeps the order in which they were entered.
    pub numbered: bool,
    /// The name of the input for one row; none where it is a reference alone.
    input: Option<String>,
    /// Whether a row has exactly one of the columns.
    pub one_of: bool,
}

pub struct RowColumn {
    pub name: &'static str,
    pub column: &'static str,
    pub kind: RowKind,
    pub needed: bool,
    description: &'static str,
}

#[derive(Clone, Copy)]
pub enum RowKind {
    Value(Scalar),
    Reference(&'static str),
}

/// What is written of a noun: its columns, its references, what it owns, and its links.
pub fn of(noun: &Noun, nouns: &[Noun]) -> Vec<Slot> {
    let named = |name: &str| nouns.iter().find(|noun| noun.name == name).expect("a noun that a slice names");
    let mut slots = Vec::new();
    for field in &noun.fields {
        let mut slot =
            |name, needed, kind| slots.push(Slot { name, description: field.description, needed, kind });
        match &field.kind {
            FieldKind::Column(Column { scalar: Scalar::Id(_), .. }) => {}
            FieldKind::Column(Column { sql, scalar, nullable, .. }) => {
                if let Some(column) = plain(sql) {
                    slot(field.name, !nullable, Kind::Value { column, scalar: *scalar });
                }
            }
            FieldKind::One(One { choices, nullable, .. }) => {
                let several = choices.len() > 1;
                for (to, column) in choices {
                    let name = if several { to.to_lowercase().leak() } else { field.name };
                    slot(name, !nullable && !several, Kind::Reference { column, to });
                }
            }
            FieldKind::Values(values) => slot(field.name, false, Kind::Rows(owned(values, named))),
            FieldKind::Many(many) => {
                if let Some((rows, needed)) = linked(many, named) {
                    slot(field.name, needed, Kind::Rows(rows));
                }
            }
            _ => {}
        }
    }
    slots
}

/// The column behind a field that is nothing but a column.
fn plain(sql: &str) -> Option<&'static str> {
    let column = sql.strip_prefix("{}.")?;
    Some(column.to_owned().leak())
}

fn owned<'a>(values: &Values, named: impl Fn(&str) -> &'a Noun) -> Rows {
    let (input, columns, one_of) = match &values.of {
        Owned::Shape(shape) => {
            let columns = named(shape).fields.iter().filter_map(|field| match &field.kind {
                FieldKind::Column(Column { sql, scalar, nullable, .. }) => Some(RowColumn {
                    name: field.name,
                    column: plain(sql)?,
                    kind: RowKind::Value(*scalar),
                    needed: !nullable,
                    description: field.description,
                }),
                _ => None,
            });
            (format!("{shape}Input"), columns.collect(), false)
        }
        Owned::Reference(one) => {
            let columns = one.choices.iter().map(|(to, column)| RowColumn {
                name: to.to_lowercase().leak(),
                column,
                kind: RowKind::Reference(to),
                needed: false,
                description: "This record.",
            });
            (format!("{}Input", one.type_name), columns.collect(), true)
        }
    };
    Rows {
        table: values.table,
        owner: values.owner,
        columns,
        ordinal: None,
        numbered: true,
        input: Some(input),
        one_of,
    }
}

fn linked<'a>(many: &Many, named: impl Fn(&str) -> &'a Noun) -> Option<(Rows, bool)> {
    match (many.written, many.via) {
        (Written::Link(ordinal), Via::Link(table, owner, other)) => {
            let reference = RowColumn {
                name: many.to.to_lowercase().leak(),
                column: other,
                kind: RowKind::Reference(many.to),
                needed: true,
                description: "The record on the other side.",
            };
            let attributes = many.attributes.iter().filter_map(|field| match &field.kind {
                FieldKind::Column(Column { sql, scalar, nullable, .. }) => Some(RowColumn {
                    name: field.name,
                    column: plain(sql)?,
                    kind: RowKind::Value(*scalar),
                    needed: !nullable,
                    description: field.description,
                }),
                _ => None,
            });
            let input = (!many.attributes.is_empty()).then(|| format!("{}Input", many.stem));
            let columns = [reference].into_iter().chain(attributes).collect();
            Some((Rows { table, owner, columns, ordinal, numbered: false, input, one_of: false }, false))
        }
        (Written::Rows { of, needed }, Via::Column(owner)) => {
            let column =
                |(name, column, to): &(&'static str, &'static str, Option<&'static str>)| RowColumn {
                    name,
                    column,
                    kind: to.map_or(RowKind::Value(Scalar::Term), RowKind::Reference),
                    needed: true,
                    description: if to.is_some() {
                        "The document."
                    } else {
                        "Where in the document: `L12` is its twelfth line."
                    },
                };
            let input = Some(format!("{}Input", many.to));
            let table = named(many.to).table;
            let columns = of.iter().map(column).collect();
            Some((
                Rows { table, owner, columns, ordinal: None, numbered: true, input, one_of: false },
                needed,
            ))
        }
        _ => None,
    }
}

impl Slot {
    /// Its type in an input, without the mark of what is needed.
    pub fn type_name(&self) -> String {
        match &self.kind {
            Kind::Value { scalar, .. } => scalar.type_name().to_owned(),
            Kind::Reference { to, .. } => format!("{to}By"),
            Kind::Rows(rows) => match &rows.input {
                Some(input) => format!("[{input}!]"),
                None => format!("[{}!]", rows.columns[0].type_name()),
            },
        }
    }

    /// The input of one row, where it has one of its own.
    pub fn input(&self) -> Option<Input> {
        let Kind::Rows(rows) = &self.kind else { return None };
        let field = |column: &RowColumn| InputField {
            name: column.name.to_owned(),
            ty: column.type_name() + if column.needed { "!" } else { "" },
            description: column.description.to_owned(),
        };
        Some(Input {
            name: rows.input.clone()?,
            description: self.description.to_owned(),
            one_of: rows.one_of,
            fields: rows.columns.iter().map(field).collect(),
        })
    }
}

impl Rows {
    /// Whether a row of the input is a reference and nothing else.
    pub fn is_reference(&self) -> bool {
        self.input.is_none()
    }
}

impl RowColumn {
    fn type_name(&self) -> String {
        match self.kind {
            RowKind::Value(scalar) => scalar.type_name().to_owned(),
            RowKind::Reference(to) => format!("{to}By"),
        }
    }
}
