//! Kinds of records as files hold them, made from what the slices declare: a new field needs no second
//! place.

use std::fmt::Write;

use crate::{
    engine::mutation::writable_fields::{self, Kind, RowKind, Slot},
    model::object_type::{Field, KeyInput, Noun, Test},
};

/// A kind of record, and what of it stands in a file.
pub struct RecordKind {
    /// Its name in a file: `Actor`.
    pub name: &'static str,
    /// What many of it are called: `actors`.
    pub many: &'static str,
    pub table: &'static str,
    /// What files say of it. The first is its slug.
    pub slots: Vec<Slot>,
    /// The place of the slot whose rows name a record in other registers too.
    pub identifiers: Option<usize>,
    /// The table of records that were merged: their slugs lead to others, and nobody else takes them.
    pub merged: Option<&'static str>,
    /// The days that it is about, over `{}`; none where it has no date of its own.
    period: Option<String>,
}

/// All kinds, each after those that its columns refer to.
pub struct RecordKinds(pub Vec<RecordKind>);

impl RecordKinds {
    pub fn of(nouns: &[Noun]) -> Self {
        let mut left: Vec<RecordKind> = nouns
            .iter()
            .filter(|noun| noun.interfaces.contains(&"Record"))
            .map(|noun| RecordKind::of(noun, nouns))
            .collect();
        let mut kinds: Vec<RecordKind> = Vec::new();
        while !left.is_empty() {
            let ready = left.iter().position(|kind| {
                kind.references().all(|(_, to)| to == kind.name || kinds.iter().any(|known| known.name == to))
            });
            kinds.push(left.remove(ready.expect("kinds do not refer to each other in a circle")));
        }
        RecordKinds(kinds)
    }

    /// The kind that a file names, by its name or what many of it are called.
    pub fn named(&self, name: &str) -> Option<(usize, &RecordKind)> {
        self.0.iter().enumerate().find(|(_, kind)| kind.name == name || kind.many == name)
    }

    /// A kind that a slice names.
    pub fn known(&self, name: &str) -> &RecordKind {
        self.named(name).expect("a noun that a slice names").1
    }

    pub fn names(&self) -> String {
        self.0.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ")
    }

    /// The days that the row `alias` is about: its own, or those of what it refers to.
    pub fn period(&self, kind: &RecordKind, alias: &str) -> Option<String> {
        if let Some(period) = &kind.period {
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
    fn of(noun: &Noun, nouns: &[Noun]) -> Self {
        let slots = writable_fields::of(noun, nouns);
        let root = noun.root.as_ref().expect("records are listed at the root");
        let identifiers = root.keys.iter().find_map(|key| {
            let KeyInput::Texts(_, _, names) = key.input else { return None };
            slots.iter().position(|slot| match &slot.kind {
                Kind::Rows(rows) => {
                    rows.columns.iter().map(|column| column.name).eq(names.iter().map(|(name, _)| *name))
                }
                _ => false,
            })
        });
        let period = noun.conditions.iter().find_map(|condition| match &condition.test {
            // Fields that hold a date are asked for in the same way; the period is no field.
            Test::During { sql } if noun.fields.iter().all(|Field { name, .. }| *name != condition.name) => {
                Some(sql.to_string())
            }
            _ => None,
        });
        let (name, table, merged) = (noun.name, noun.table, noun.merged);
        RecordKind { name, many: root.many, table, slots, identifiers, merged, period }
    }

    /// Its columns that refer to records, and to which.
    pub fn references(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.slots.iter().filter_map(|slot| match slot.kind {
            Kind::Reference { column, to } => Some((column, to)),
            _ => None,
        })
    }

    /// All ways in which it refers to records: a table with the column of the record and the column that
    /// refers, and to which kind.
    pub fn all_references(&self) -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
        let mut all: Vec<_> = self.references().map(|(column, to)| (self.table, "id", column, to)).collect();
        for slot in &self.slots {
            let Kind::Rows(rows) = &slot.kind else { continue };
            all.extend(rows.columns.iter().filter_map(|column| match column.kind {
                RowKind::Reference(to) => Some((rows.table, rows.owner, column.column, to)),
                RowKind::Value(_) => None,
            }));
        }
        all
    }

    /// Its column that refers to another record of the same kind, which is a larger one.
    pub fn parent(&self) -> Option<&'static str> {
        self.references().find(|(_, to)| *to == self.name).map(|(column, _)| column)
    }

    pub fn slot(&self, name: &str) -> Option<(usize, &Slot)> {
        self.slots.iter().enumerate().find(|(_, slot)| slot.name == name)
    }
}

/// Parts of SQL with something between them.
pub fn joined(parts: impl IntoIterator<Item = String>, between: &str) -> String {
    let mut joined = String::new();
    for part in parts {
        let _ = write!(joined, "{}{part}", if joined.is_empty() { "" } else { between });
    }
    joined
}
