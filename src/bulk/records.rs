//! Record types as files contain them, derived from the declarations of the domain modules.

use std::fmt::Write;

use crate::{
    engine::mutation::writable_fields::{self, RowKind, WritableField, WritableKind},
    model::{
        naming,
        object_type::{LookupInput, ObjectType},
        record_types,
    },
};

/// A record type and its fields in files.
pub struct RecordKind {
    /// Its name in files: `Actor`.
    pub name: &'static str,
    /// Its plural: `actors`.
    pub many: &'static str,
    pub table: &'static str,
    /// Its fields; the first is the slug.
    pub writable_fields: Vec<WritableField>,
    /// Index of the field with identifiers in other registers.
    pub identifiers: Option<usize>,
    /// The column of `origins` that refers to it.
    pub origin_column: String,
    /// Table of merged records, whose slugs stay reserved.
    pub merged: Option<&'static str>,
    /// SQL for its period, with `{}` for the row; `None` if it has no date of its own.
    period: Option<&'static str>,
}

/// All record types, each after those that its columns refer to.
pub struct RecordKinds(pub Vec<RecordKind>);

impl RecordKinds {
    pub fn of(object_types: &[ObjectType]) -> Self {
        let mut left: Vec<RecordKind> =
            record_types(object_types).map(|object_type| RecordKind::of(object_type, object_types)).collect();
        let mut kinds: Vec<RecordKind> = Vec::new();
        while !left.is_empty() {
            let ready = left.iter().position(|kind| {
                kind.references().all(|(_, to)| to == kind.name || kinds.iter().any(|known| known.name == to))
            });
            kinds.push(left.remove(ready.expect("kinds do not refer to each other in a circle")));
        }
        RecordKinds(kinds)
    }

    /// The record type of this name, singular or plural.
    pub fn named(&self, name: &str) -> Option<(usize, &RecordKind)> {
        self.0.iter().enumerate().find(|(_, kind)| kind.name == name || kind.many == name)
    }

    /// A record type that a domain module names.
    pub fn known(&self, name: &str) -> &RecordKind {
        self.named(name).expect("an object type that a domain module names").1
    }

    pub fn names(&self) -> String {
        self.0.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ")
    }

    /// The tables of all records, then those of their lists: each after the tables that it refers to.
    pub fn tables(&self) -> Vec<&'static str> {
        let mut tables: Vec<_> = self.0.iter().map(|kind| kind.table).collect();
        for writable_field in self.0.iter().flat_map(|kind| &kind.writable_fields) {
            if let WritableKind::Rows(rows) = &writable_field.kind
                && !tables.contains(&rows.table)
            {
                tables.push(rows.table);
            }
        }
        tables
    }

    /// SQL for the period of the row `alias`: its own, or that of the records that it refers to.
    pub fn period(&self, kind: &RecordKind, alias: &str) -> Option<String> {
        if let Some(period) = kind.period {
            return Some(period.replace("{}", alias));
        }
        let referred = kind.references().filter(|(_, to)| *to != kind.name).filter_map(|(column, to)| {
            let (to, inner) = (self.known(to), format!("{alias}_{column}"));
            let period = self.period(to, &inner)?;
            Some(format!("(select {period} from {} {inner} where {inner}.id = {alias}.{column})", to.table))
        });
        let referred: Vec<String> = referred.collect();
        (!referred.is_empty()).then(|| format!("coalesce({})", referred.join(", ")))
    }
}

impl RecordKind {
    fn of(object_type: &ObjectType, object_types: &[ObjectType]) -> Self {
        let writable_fields = writable_fields::of(object_type, object_types);
        let root = object_type.root.as_ref().expect("records are listed at the root");
        let identifiers = root.keys.iter().find_map(|key| {
            let LookupInput::Texts(_, _, names) = key.input else { return None };
            writable_fields.iter().position(|writable_field| match &writable_field.kind {
                WritableKind::Rows(rows) => {
                    rows.columns.iter().map(|column| column.name).eq(names.iter().map(|(name, _)| *name))
                }
                _ => false,
            })
        });
        let ObjectType { name, table, merged, period, .. } = *object_type;
        let origin_column = naming::id_column(name);
        RecordKind {
            name,
            many: root.many,
            table,
            writable_fields,
            identifiers,
            origin_column,
            merged,
            period,
        }
    }

    /// The columns that refer to records, with the type.
    pub fn references(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.writable_fields.iter().filter_map(|writable_field| match writable_field.kind {
            WritableKind::Reference { column, to } => Some((column, to)),
            _ => None,
        })
    }

    /// All references, with those of lists: table, column of the record, referring column, and type.
    pub fn all_references(&self) -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
        let mut all: Vec<_> = self.references().map(|(column, to)| (self.table, "id", column, to)).collect();
        for writable_field in &self.writable_fields {
            let WritableKind::Rows(rows) = &writable_field.kind else { continue };
            all.extend(rows.columns.iter().filter_map(|column| match column.kind {
                RowKind::Reference(to) => Some((rows.table, rows.owner, column.column, to)),
                RowKind::Value(_) | RowKind::Content => None,
            }));
        }
        all
    }

    /// The column that refers to the parent record of the same type.
    pub fn parent(&self) -> Option<&'static str> {
        self.references().find(|(_, to)| *to == self.name).map(|(column, _)| column)
    }

    /// The names of its fields, for messages.
    pub fn field_names(&self) -> String {
        self.writable_fields.iter().map(|field| field.name).collect::<Vec<_>>().join(", ")
    }

    pub fn writable_field(&self, name: &str) -> Option<(usize, &WritableField)> {
        self.writable_fields.iter().enumerate().find(|(_, writable_field)| writable_field.name == name)
    }
}

/// Joins parts of SQL.
pub fn joined(parts: impl IntoIterator<Item = String>, between: &str) -> String {
    let mut joined = String::new();
    for part in parts {
        let _ = write!(joined, "{}{part}", if joined.is_empty() { "" } else { between });
    }
    joined
}
