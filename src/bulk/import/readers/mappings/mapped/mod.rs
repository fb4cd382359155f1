//! Any table or JSON, by a column map in TOML: which records a row gives, what they are known by, and where
//! their fields come from.

mod check;
mod forms;
mod map;
mod row;
mod table;

use std::{
    collections::{BTreeSet, HashSet},
    hash::{BuildHasher, RandomState},
    io::BufRead,
};

use serde_json::{Map, Value, json};

pub use self::map::ColumnMap;
use self::{
    map::{Entry, FieldRule, Record, Reference, Rule},
    row::Row,
    table::table,
};
use crate::{
    bulk::{
        import::{
            readers::{
                File, ReadError, is_json,
                json::{Element, documents},
                mappings::{Mapper, slug},
            },
            source_file::Input,
            staging::{Giver, ReceiverClosed, Stager},
        },
        records::{RecordKind, RecordKinds},
    },
    engine::mutation::writable_fields::{RowKind, Rows, WritableKind},
};

pub fn read(
    file: File<'_>,
    map: &ColumnMap,
    mut input: Input,
    kinds: &RecordKinds,
    stager: &mut Stager<'_>,
) -> Result<String, ReadError> {
    let source = json!({"title": map.title, "url": map.url});
    let mapper = Mapper::new(file, stager, map.dataset.as_deref(), source)?;
    let mut reader = Mapped {
        mapper,
        map,
        kinds,
        seen: HashSet::new(),
        hasher: RandomState::new(),
        has_rows: false,
        has_records: false,
        asked: BTreeSet::new(),
    };
    if is_json(input.fill_buf()?) {
        let mut number = 0;
        documents(input, map.rows.as_deref().unwrap_or_default(), |element| {
            number += 1;
            let row = match element {
                Element::Member(Value::Object(row)) => row,
                Element::Rest(row) if map.rows.is_none() => row,
                Element::Rest(rest) => {
                    rest.iter().for_each(|(name, value)| file.tally.borrow_mut().ignore_all(name, value));
                    return Ok(());
                }
                Element::Member(_) => {
                    reader.mapper.set_line(number);
                    return Ok(reader.mapper.reject("", "The row isn't an object.")?);
                }
            };
            Ok(reader.row(number, row)?)
        })?;
    } else {
        let columns = table(map, input, |line, row| reader.row(line, row))?;
        reader.check_columns(&columns)?;
    }
    Ok(reader.mapper.dataset)
}

struct Mapped<'a, 'b, 'm> {
    mapper: Mapper<'a, 'b>,
    map: &'m ColumnMap,
    kinds: &'m RecordKinds,
    /// Digests of the actors that are staged, which many rows give alike.
    seen: HashSet<u64>,
    hasher: RandomState,
    has_rows: bool,
    /// Whether a row gave a record.
    has_records: bool,
    /// The columns that the map asked for.
    asked: BTreeSet<String>,
}

impl Mapped<'_, '_, '_> {
    fn row(&mut self, line: u64, values: Map<String, Value>) -> Result<(), ReceiverClosed> {
        self.mapper.set_line(line);
        let (map, kinds) = (self.map, self.kinds);
        let mut row = Row::new(values, &map.empty);
        for record in &map.records {
            let kind = kinds.known(&record.kind);
            for mut part in row.parts(record.each.as_ref()) {
                if part.fits(record) {
                    self.record(record, kind, &mut part)?;
                }
                row.taken.append(&mut part.taken);
                row.changed.append(&mut part.changed);
            }
        }
        self.has_rows = true;
        self.asked.extend(
            row.taken.iter().filter(|column| !self.asked.contains(*column)).cloned().collect::<Vec<_>>(),
        );
        let mut tally = self.mapper.file.tally.borrow_mut();
        for (column, reason) in &row.changed {
            tally.change(column, reason);
        }
        for (column, value) in &row.values {
            row.count(column, value, &mut tally);
        }
        Ok(())
    }

    /// Counts the columns of the map that the table doesn't have. If no row gives a record, the map isn't that of the
    /// table.
    fn check_columns(&self, columns: &[String]) -> Result<(), ReadError> {
        let missing: Vec<&String> = self.asked.iter().filter(|column| !columns.contains(column)).collect();
        if self.has_rows && !self.has_records {
            let named = |names: &mut dyn Iterator<Item = &String>| {
                names.take(10).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            };
            return Err(ReadError::Invalid(format!(
                "no row gives a record of the map; it asks for columns that the table doesn't have ({}); the table has {} (is the delimiter right?)",
                named(&mut missing.into_iter()),
                named(&mut columns.iter()),
            )));
        }
        for column in missing {
            self.mapper.file.tally.borrow_mut().change(column, "the table has no such column");
        }
        Ok(())
    }

    fn record(
        &mut self,
        record: &Record,
        kind: &RecordKind,
        row: &mut Row<'_>,
    ) -> Result<(), ReceiverClosed> {
        // A row without it has no such record.
        let Some(key) = row.key(&record.name, &record.key) else { return Ok(()) };
        let mut fields = Map::new();
        let mut named = None;
        for (field, rule) in &record.fields {
            if field == "slug" {
                if let FieldRule::One(rule) = rule {
                    named = row.texts(rule).into_iter().next();
                }
                continue;
            }
            let Some((_, known)) = kind.writable_field(field) else { continue };
            let value = match (&known.kind, rule) {
                (WritableKind::Value { scalar, .. }, FieldRule::One(rule)) => {
                    let text = row.texts(rule).into_iter().next();
                    text.map_or(Value::Null, |text| row.scalar(field, *scalar, &text))
                }
                (WritableKind::Reference { .. }, FieldRule::One(rule)) => {
                    self.references(rule, row).into_iter().next().unwrap_or_default()
                }
                (WritableKind::Rows(_), FieldRule::One(rule)) => self.references(rule, row).into(),
                (WritableKind::Rows(_), FieldRule::References(references)) => {
                    self.referred(references, row).into()
                }
                (WritableKind::Rows(rows), FieldRule::Many(entries)) => {
                    self.entries(rows, entries, row).into()
                }
                _ => Value::Null,
            };
            if known.needed && value.is_null() {
                row.changed.push((format!("{}.{field}", record.name), "empty, so there is no such record"));
                return Ok(());
            }
            fields.insert(field.clone(), value);
        }
        if kind.writable_field("citations").is_some() && !fields.contains_key("citations") {
            let locator = record.locator.as_ref().and_then(|rule| row.texts(rule).into_iter().next());
            fields.insert("citations".to_owned(), self.mapper.cite(locator.as_deref().unwrap_or(&key)));
        }
        if kind.name == "Actor"
            && !self.seen.insert(self.hasher.hash_one((&key, Value::from(fields.clone()).to_string())))
        {
            return Ok(());
        }
        let readable = ["name", "title"].iter().find_map(|field| fields.get(*field)?.as_str()).map(slug);
        let slug = named.map(|name| slug(&name)).or(readable).filter(|slug| !slug.is_empty());
        let slug = slug.unwrap_or_else(|| self.mapper.slug(&key));
        let giver = if kind.name == "Relation" { Giver::Optional } else { Giver::Dataset };
        self.has_records = true;
        self.mapper.stage(kind.name, &key, &slug, Value::Object(fields), giver)
    }

    fn references(&self, rule: &Rule, row: &mut Row<'_>) -> Vec<Value> {
        if let Rule::Full(full) = rule
            && let (Some(record), Some(key)) = (&full.record, &full.key)
        {
            let reference = Reference { record: record.clone(), key: key.clone(), each: full.each.clone() };
            return self.referred(&[reference], row);
        }
        // Slugs.
        row.texts(rule).into_iter().map(Value::from).collect()
    }

    fn referred(&self, references: &[Reference], row: &mut Row<'_>) -> Vec<Value> {
        let mut referred: Vec<Value> = Vec::new();
        for Reference { record, key, each } in references {
            for mut part in row.parts(each.as_ref()) {
                if let Some(key) = part.key(record, key) {
                    let reference = self.mapper.reference(&key);
                    if !referred.contains(&reference) {
                        referred.push(reference);
                    }
                }
                row.taken.append(&mut part.taken);
            }
        }
        referred
    }

    /// The entries of a list of objects. One without a value of its own is none.
    fn entries(&self, rows: &Rows, entries: &[Entry], row: &mut Row<'_>) -> Vec<Value> {
        let mut list: Vec<Value> = Vec::new();
        for Entry { each, fields: rules } in entries {
            for mut part in row.parts(each.as_ref()) {
                let (mut fields, mut has_value) = (Map::new(), false);
                for (name, rule) in rules {
                    let column = rows.columns.iter().find(|column| column.name == name.as_str());
                    let value = match column.map(|column| &column.kind) {
                        Some(RowKind::Reference(_)) => self.references(rule, &mut part).into_iter().next(),
                        Some(RowKind::Value(scalar)) => {
                            let text = part.texts(rule).into_iter().next();
                            text.map(|text| part.scalar(name, *scalar, &text))
                        }
                        Some(RowKind::Content) | None => part.texts(rule).into_iter().next().map(Value::from),
                    };
                    has_value |=
                        value.is_some() && !matches!(rule, Rule::Full(full) if full.constant.is_some());
                    fields.insert(name.clone(), value.unwrap_or_default());
                }
                row.taken.append(&mut part.taken);
                row.changed.append(&mut part.changed);
                let entry = Value::Object(fields);
                if has_value && !list.contains(&entry) {
                    list.push(entry);
                }
            }
        }
        list
    }
}
