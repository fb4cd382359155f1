//! The writable fields of an object type, and their inputs.

use crate::model::{
    Input, InputField, naming,
    object_type::{
        Column, Deprecation, Derived, Field, FieldKind, Join, ObjectType, OwnedItem, OwnedList, Scalar,
        ToMany, ToOne, Writability,
    },
    sql::Expression,
};

pub struct WritableField {
    /// Its name in the input, and in the record unless there are several references.
    pub name: &'static str,
    pub description: &'static str,
    /// Whether it is required.
    pub needed: bool,
    pub kind: WritableKind,
    pub deprecation: Option<Deprecation>,
}

pub enum WritableKind {
    /// A value in a column of the record's table.
    Value { column: &'static str, scalar: Scalar },
    /// A reference in a column of the record's table.
    Reference { column: &'static str, to: &'static str },
    /// Rows of another table that belong to the record.
    Rows(Rows),
}

/// The order of rows that stay in the order in which they were entered.
const ENTERED: &str = "{}.id";

pub struct Rows {
    pub table: &'static str,
    /// The column that refers to the record.
    pub owner: &'static str,
    pub columns: Vec<RowColumn>,
    /// The column of the position, if the order is stored.
    pub ordinal: Option<&'static str>,
    /// Whether each row has an id, which preserves the order of creation.
    pub numbered: bool,
    /// SQL of the order of numbered rows, with `{}` for the row.
    pub order: &'static str,
    /// The input type of a row; none if it is only a reference.
    input: Option<String>,
    /// Whether exactly one of the columns is set.
    pub one_of: bool,
    /// Whether rows are only added, by a mutation of their own and by imports.
    pub appended: bool,
}

pub struct RowColumn {
    pub name: &'static str,
    pub column: &'static str,
    pub kind: RowKind,
    pub needed: bool,
    /// Whether the database sets it where an input lacks it.
    pub settled: bool,
    /// Its value where an input lacks it, if it follows from the others.
    pub derived: Option<Derived>,
    description: &'static str,
    deprecation: Option<Deprecation>,
}

impl RowColumn {
    /// The columns of a field of an owned value or an edge: none if it is computed, several if it is one of several
    /// references.
    fn of(field: &Field) -> Vec<Self> {
        let of_column = |name, column, kind, needed, description| RowColumn {
            name,
            column,
            kind,
            needed,
            settled: matches!(&field.kind, FieldKind::Column(Column { fallback: Some(_), .. })),
            derived: if let FieldKind::Column(Column { derived, .. }) = field.kind { derived } else { None },
            description,
            deprecation: field.deprecation,
        };
        match &field.kind {
            FieldKind::Column(Column { sql, scalar, nullable, derived, .. }) => {
                let (name, kind, description) = match scalar {
                    Scalar::Content => {
                        ("content", RowKind::Content, "The whole text, as it is kept: markup stays in it.")
                    }
                    scalar => (field.name, RowKind::Value(*scalar), field.description),
                };
                let needed = !nullable && derived.is_none();
                let column = plain(sql).map(|sql| of_column(name, sql, kind, needed, description));
                column.into_iter().collect()
            }
            FieldKind::ToOne(one) => references(field.name, one)
                .map(|(name, to, column, needed)| {
                    of_column(name, column, RowKind::Reference(to), needed, field.description)
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}

#[derive(Clone, Copy)]
pub enum RowKind {
    Value(Scalar),
    Reference(&'static str),
    /// A text that is kept apart: the column has its SHA-256.
    Content,
}

/// The writable fields of an object type: columns, references, owned lists and links.
pub fn of(object_type: &ObjectType, object_types: &[ObjectType]) -> Vec<WritableField> {
    let named = |name: &str| {
        object_types
            .iter()
            .find(|object_type| object_type.name == name)
            .expect("an object type that a domain module names")
    };
    let mut writable_fields = Vec::new();
    for field in &object_type.fields {
        let mut writable_field = |name, needed, kind| {
            let Field { description, deprecation, .. } = *field;
            writable_fields.push(WritableField { name, description, needed, kind, deprecation });
        };
        match &field.kind {
            FieldKind::Column(Column { scalar: Scalar::Id(_), .. }) => {}
            FieldKind::Column(Column { sql, scalar, nullable, .. }) => {
                if let Some(column) = plain(sql) {
                    writable_field(field.name, !nullable, WritableKind::Value { column, scalar: *scalar });
                }
            }
            FieldKind::ToOne(one) => {
                for (name, to, column, needed) in references(field.name, one) {
                    writable_field(name, needed, WritableKind::Reference { column, to });
                }
            }
            FieldKind::OwnedList(values) => {
                writable_field(field.name, false, WritableKind::Rows(owned(values, named)));
            }
            FieldKind::ToMany(many) => {
                if let Some((rows, needed)) = linked(many, named) {
                    writable_field(field.name, needed, WritableKind::Rows(rows));
                }
            }
            _ => {}
        }
    }
    writable_fields
}

/// The values of a row that is added to a list of an object type, as fields of an input.
pub fn of_added_row(list: &ObjectType) -> Vec<WritableField> {
    // Only files say which number a version has.
    let columns = list.fields.iter().flat_map(RowColumn::of).filter(|column| column.name != "version");
    let field = |RowColumn { name, column, kind, needed, description, deprecation, .. }| {
        let scalar = if let RowKind::Value(scalar) = kind { scalar } else { Scalar::Content };
        WritableField { name, description, needed, kind: WritableKind::Value { column, scalar }, deprecation }
    };
    columns.map(field).collect()
}

/// The references of a field: the name of each, its object type and column, and whether it is required.
fn references<'a>(
    field: &'static str,
    one: &'a ToOne,
) -> impl Iterator<Item = (&'static str, &'static str, &'static str, bool)> + use<'a> {
    let several = one.choices.len() > 1;
    one.choices.iter().map(move |(to, column)| {
        let name = if several { naming::camel_case(to).leak() } else { field };
        (name, *to, *column, !one.nullable && !several)
    })
}

/// The column of a field that is only a column.
fn plain(sql: &Expression) -> Option<&'static str> {
    Some(sql.column()?.to_owned().leak())
}

fn owned<'a>(values: &OwnedList, named: impl Fn(&str) -> &'a ObjectType) -> Rows {
    let (input, columns, one_of) = match &values.of {
        OwnedItem::Shape(shape) => {
            let columns = named(shape).fields.iter().flat_map(RowColumn::of);
            (format!("{shape}Input"), columns.collect(), false)
        }
        OwnedItem::Reference(one) => {
            let columns = one.choices.iter().map(|(to, column)| RowColumn {
                name: naming::camel_case(to).leak(),
                column,
                kind: RowKind::Reference(to),
                needed: false,
                settled: false,
                derived: None,
                description: "This record.",
                deprecation: None,
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
        order: values.order,
        input: Some(input),
        one_of,
        appended: values.appended,
    }
}

fn linked<'a>(many: &ToMany, named: impl Fn(&str) -> &'a ObjectType) -> Option<(Rows, bool)> {
    match (many.written, many.via) {
        (Writability::Link(ordinal), Join::Link(table, owner, other)) => {
            let reference = RowColumn {
                name: naming::camel_case(many.to).leak(),
                column: other,
                kind: RowKind::Reference(many.to),
                needed: true,
                settled: false,
                derived: None,
                description: "The record on the other side.",
                deprecation: None,
            };
            let attributes = many.attributes.iter().flat_map(RowColumn::of);
            let input = (!many.attributes.is_empty()).then(|| format!("{}Input", many.stem));
            let columns = [reference].into_iter().chain(attributes).collect();
            let (numbered, order, one_of, appended) = (false, ENTERED, false, false);
            Some((Rows { table, owner, columns, ordinal, numbered, order, input, one_of, appended }, false))
        }
        (Writability::Rows { of, needed }, Join::Column(owner)) => {
            let to = named(many.to);
            let columns = of.iter().flat_map(|name| RowColumn::of(to.field_named(name))).collect();
            let (table, input) = (to.table, Some(format!("{}Input", many.to)));
            let (ordinal, numbered, order, one_of, appended) = (None, true, ENTERED, false, false);
            Some((Rows { table, owner, columns, ordinal, numbered, order, input, one_of, appended }, needed))
        }
        _ => None,
    }
}

impl WritableField {
    /// Whether it is a list of whole texts.
    pub fn has_texts(&self) -> bool {
        matches!(&self.kind, WritableKind::Rows(rows) if rows.has_texts())
    }

    /// Whether create and update write it.
    pub fn is_given_whole(&self) -> bool {
        !matches!(&self.kind, WritableKind::Rows(rows) if rows.appended)
    }

    /// Its input type, without `!`.
    pub fn type_name(&self) -> String {
        match &self.kind {
            WritableKind::Value { scalar, .. } => scalar.type_name().to_owned(),
            WritableKind::Reference { to, .. } => format!("{to}By"),
            WritableKind::Rows(rows) => match &rows.input {
                Some(input) => format!("[{input}!]"),
                None => format!("[{}!]", rows.columns[0].type_name()),
            },
        }
    }

    /// The input type of a row, if it has one.
    pub fn input(&self) -> Option<Input> {
        let WritableKind::Rows(rows) = &self.kind else { return None };
        let field = |column: &RowColumn| InputField {
            name: column.name.to_owned(),
            ty: column.type_name() + if column.needed { "!" } else { "" },
            description: column.description.to_owned(),
            // A required field can't be deprecated.
            deprecation: column.deprecation.filter(|_| !column.needed),
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
    /// SQL that holds if the row `n` of an input is the row `t`.
    pub fn same(&self) -> String {
        let given = self
            .columns
            .iter()
            .map(RowColumn::given)
            .chain(self.ordinal.map(|ordinal| format!("n.{ordinal}")));
        let there = self
            .columns
            .iter()
            .map(|column| column.column)
            .chain(self.ordinal)
            .map(|column| format!("t.{column}"));
        let [given, there] = [given.collect::<Vec<_>>(), there.collect()].map(|columns| columns.join(", "));
        format!("({given}) is not distinct from ({there})")
    }

    /// The columns that an input sets.
    pub fn given(&self) -> impl Iterator<Item = &RowColumn> {
        self.columns.iter().filter(|column| !column.settled)
    }

    /// Whether an input gives the order of the rows, by their ids.
    pub fn is_in_order(&self) -> bool {
        self.is_in_order_in_files() && self.order == ENTERED
    }

    /// The same of files, which have rows in the order of their ids also where the API sorts them.
    pub fn is_in_order_in_files(&self) -> bool {
        self.numbered && !self.appended
    }

    /// Whether the rows have whole texts.
    pub fn has_texts(&self) -> bool {
        self.columns.iter().any(|column| matches!(column.kind, RowKind::Content))
    }

    /// Whether a row is only a reference.
    pub fn is_reference(&self) -> bool {
        self.input.is_none()
    }
}

impl RowColumn {
    /// SQL of the value of the row `n` of an input, or of the row `t` where the database has set it.
    fn given(&self) -> String {
        let column = self.column;
        if self.settled { format!("coalesce(n.{column}, t.{column})") } else { format!("n.{column}") }
    }

    fn type_name(&self) -> String {
        match self.kind {
            RowKind::Value(scalar) => scalar.type_name().to_owned(),
            RowKind::Reference(to) => format!("{to}By"),
            RowKind::Content => Scalar::Content.type_name().to_owned(),
        }
    }
}
