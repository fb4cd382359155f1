//! Any table or JSON, by a column map in TOML: which records a row gives, what they are known by, and where
//! their fields come from.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet, HashSet},
    fs,
    hash::{BuildHasher, RandomState},
    io::{self, BufRead, Read},
    path::Path,
    rc::Rc,
};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    bulk::{
        import::{
            readers::{
                File, ReadError, is_json,
                json::{Element, LimitedReader, documents},
                mappings::{
                    Mapper, countries,
                    dates::{NOT_A_DATE, PartialDate},
                    slug,
                },
            },
            source_file::{Input, MAX_LINE_BYTES},
            staging::{Giver, ReceiverClosed, Stager, check_value},
            tally::Tally,
        },
        records::{RecordKind, RecordKinds},
    },
    engine::mutation::writable_fields::{RowKind, Rows, WritableKind},
    model::{dates::is_partial_date, object_type::Scalar},
};

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// A column map, as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnMap {
    dataset: Option<String>,
    title: String,
    url: Option<String>,
    /// What separates the cells of a table; default: a comma.
    delimiter: Option<char>,
    /// The names of the columns of a table without a header.
    columns: Option<Vec<String>>,
    /// The field of a JSON document that has the rows.
    rows: Option<String>,
    /// Values that stand for none: `None`, `N/A`.
    #[serde(default)]
    empty: Vec<String>,
    #[serde(rename = "record")]
    records: Vec<Record>,
}

/// A record that a row gives.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    /// What references call it.
    name: String,
    #[serde(rename = "type")]
    kind: String,
    /// The columns that it is known by.
    key: OneOrMany,
    each: Option<Each>,
    /// Conditions: a column, and the values that it has.
    #[serde(default)]
    when: BTreeMap<String, OneOrMany>,
    #[serde(default)]
    unless: BTreeMap<String, OneOrMany>,
    /// Where in the source it is; default: its key.
    locator: Option<Rule>,
    fields: BTreeMap<String, FieldRule>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a column, or a list of columns, in quotes")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// A column with several values, each of which gives a record or an entry of a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a column in quotes, or a table with `column` and `split`")]
enum Each {
    Column(String),
    Split { column: String, split: String },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a column in quotes, a table of a rule (column, constant, template …), or a list of tables"
)]
enum FieldRule {
    /// References from several columns.
    References(Vec<Reference>),
    /// Entries of a list of objects.
    Many(Vec<Entry>),
    One(Rule),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    record: String,
    key: OneOrMany,
    each: Option<Each>,
}

#[derive(Clone, Debug, Deserialize)]
struct Entry {
    each: Option<Each>,
    #[serde(flatten)]
    fields: BTreeMap<String, Rule>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text, a number, true or false")]
enum Constant {
    Text(String),
    Whole(i64),
    Decimal(f64),
    Truth(bool),
}

/// Where a value comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a column in quotes, or a table of a rule: column, constant, template, values, default, split, date, precision, country, times, record, key, each"
)]
enum Rule {
    Column(String),
    Full(Box<FullRule>),
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FullRule {
    /// One column, or several of which the first with a value counts.
    column: Option<OneOrMany>,
    constant: Option<Constant>,
    /// A text with columns in braces. Parts in brackets are left out where a column in them is empty.
    template: Option<String>,
    /// What values become; a `*` at the end stands for any rest.
    values: Option<BTreeMap<String, String>>,
    /// What a value becomes that is not in `values`, or an empty one.
    default: Option<String>,
    /// What separates several values.
    split: Option<String>,
    /// Forms of a date: `%d %B %Y`.
    date: Option<OneOrMany>,
    /// How precise a date is: `day`, `month` or `year`.
    precision: Option<Rule>,
    /// A country's `name` or code: `alpha2` or `alpha3`.
    country: Option<String>,
    /// What a number is multiplied by.
    times: Option<f64>,
    /// A record of the map, known by `key`.
    record: Option<String>,
    key: Option<OneOrMany>,
    each: Option<Each>,
}

impl OneOrMany {
    fn all(&self) -> &[String] {
        match self {
            OneOrMany::One(one) => std::slice::from_ref(one),
            OneOrMany::Many(many) => many,
        }
    }
}

impl Constant {
    fn text(&self) -> String {
        match self {
            Constant::Text(text) => text.clone(),
            Constant::Whole(number) => number.to_string(),
            Constant::Decimal(number) => number.to_string(),
            Constant::Truth(value) => value.to_string(),
        }
    }
}

impl ColumnMap {
    pub fn load(path: &Path, kinds: &RecordKinds) -> Result<ColumnMap, String> {
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        let mut map: ColumnMap =
            toml::from_str(&text).map_err(|error| error.to_string().trim_end().to_owned())?;
        for record in &mut map.records {
            let Some((_, kind)) = kinds.named(&record.kind) else {
                return Err(format!(
                    "[{}]: unknown record type `{}`; expected one of {}",
                    record.name,
                    record.kind,
                    kinds.names()
                ));
            };
            kind.name.clone_into(&mut record.kind);
        }
        for record in &map.records {
            let kind = kinds.known(&record.kind);
            if let Some(rule) = &record.locator {
                check_rule(rule, Some(Scalar::Text))
                    .map_err(|reason| format!("[{}.locator]: {reason}", record.name))?;
            }
            for (field, rule) in &record.fields {
                map.check(kind, field, rule)
                    .map_err(|(within, reason)| format!("[{}.{field}{within}]: {reason}", record.name))?;
            }
        }
        Ok(map)
    }

    /// Checks what a field is made of. An error says where in the field it is, and what is wrong.
    fn check(&self, kind: &RecordKind, field: &str, rule: &FieldRule) -> Result<(), (String, String)> {
        let here = |reason: String| (String::new(), reason);
        if field == "slug" {
            let FieldRule::One(rule) = rule else { return Err(here("takes a text".to_owned())) };
            return check_rule(rule, None).map_err(here);
        }
        let Some((_, known)) = kind.writable_field(field) else {
            return Err(here(format!("unknown field `{field}`; {} has {}", kind.name, kind.field_names())));
        };
        match (&known.kind, rule) {
            (WritableKind::Value { scalar, .. }, FieldRule::One(rule)) => {
                check_rule(rule, Some(*scalar)).map_err(here)
            }
            (WritableKind::Reference { to, .. }, FieldRule::One(rule)) => {
                self.check_reference(rule, to).map_err(here)
            }
            (WritableKind::Rows(rows), FieldRule::One(rule)) if rows.is_reference() => {
                types(rows).try_for_each(|to| self.check_reference(rule, to)).map_err(here)
            }
            (WritableKind::Rows(rows), FieldRule::References(references)) if rows.is_reference() => {
                let mut named = references.iter().flat_map(|of| types(rows).map(move |to| (&of.record, to)));
                named.try_for_each(|(record, to)| self.check_record(record, to)).map_err(here)
            }
            (WritableKind::Rows(rows), FieldRule::Many(entries)) if !rows.is_reference() => {
                for (name, rule) in entries.iter().flat_map(|entry| &entry.fields) {
                    let within = |reason| (format!(".{name}"), reason);
                    let Some(column) = rows.columns.iter().find(|column| column.name == name) else {
                        let names = rows.columns.iter().map(|column| column.name).collect::<Vec<_>>();
                        return Err(within(format!("unknown field; expected one of {}", names.join(", "))));
                    };
                    match column.kind {
                        RowKind::Reference(to) => self.check_reference(rule, to),
                        RowKind::Value(scalar) => check_rule(rule, Some(scalar)),
                        RowKind::Content => check_rule(rule, Some(Scalar::Text)),
                    }
                    .map_err(within)?;
                }
                Ok(())
            }
            (WritableKind::Rows(rows), _) if !rows.is_reference() => {
                Err(here("takes a list of tables with the fields of its entries".to_owned()))
            }
            _ => Err(here("takes a value, not a list of tables".to_owned())),
        }
    }

    /// Checks a reference: to a record of the map, or by slugs.
    fn check_reference(&self, rule: &Rule, to: &str) -> Result<(), String> {
        match rule {
            Rule::Full(full) if full.record.is_some() || full.key.is_some() => {
                match (&full.record, &full.key) {
                    (Some(record), Some(_)) => self.check_record(record, to),
                    _ => Err("a reference needs both `record` and `key`".to_owned()),
                }
            }
            rule => check_rule(rule, None),
        }
    }

    fn check_record(&self, name: &str, to: &str) -> Result<(), String> {
        let mut named = self.records.iter().filter(|record| record.name == name).peekable();
        if named.peek().is_none() {
            return Err(format!("refers to the record `{name}`, which the map doesn't have"));
        }
        match named.find(|record| record.kind != to) {
            Some(record) => {
                Err(format!("refers to the record `{name}` of type {}; expected {to}", record.kind))
            }
            None => Ok(()),
        }
    }
}

/// Checks what is known of the values of a rule before there is a row. Without a scalar they are slugs.
fn check_rule(rule: &Rule, scalar: Option<Scalar>) -> Result<(), String> {
    let Rule::Full(full) = rule else { return Ok(()) };
    let forms = full.date.as_ref().map(OneOrMany::all).unwrap_or_default();
    if let Some(form) = forms.iter().find(|form| !is_date_form(form)) {
        return Err(format!(
            "has the date form `{form}`; a form has %Y or %y, and may have %m, %b, %B, %d and %*"
        ));
    }
    if full.record.is_some() || full.key.is_some() {
        return Err("takes a value, not a reference".to_owned());
    }
    if full.column.is_none() && full.constant.is_none() && full.template.is_none() && full.default.is_none() {
        return Err("needs `column`, `constant` or `template`".to_owned());
    }
    if full.template.as_ref().is_some_and(|template| !is_template(template)) {
        return Err("the template has a brace or a bracket that is not closed".to_owned());
    }
    if let Some(code) = full.country.as_deref().filter(|code| !["name", "alpha2", "alpha3"].contains(code)) {
        return Err(format!("`country` is `{code}`; expected name, alpha2 or alpha3"));
    }
    if let Some(precision) = &full.precision {
        check_rule(precision, Some(Scalar::Text))?;
        let Rule::Full(precision) = precision else { return Ok(()) };
        let known = ["day", "month", "year"];
        if let Some(other) = precision.known_texts()?.iter().find(|text| !known.contains(&text.as_str())) {
            return Err(format!("`precision` is `{other}`; expected day, month or year"));
        }
    }
    for text in full.known_texts()? {
        match scalar {
            Some(scalar) => check_text(scalar, &text)?,
            None if slug(&text) != text => {
                return Err(format!("`{text}` is no slug: small letters, digits and hyphens"));
            }
            None => {}
        }
    }
    Ok(())
}

/// The types that a list of references refers to.
fn types(rows: &Rows) -> impl Iterator<Item = &'static str> {
    rows.columns.iter().filter_map(|column| match column.kind {
        RowKind::Reference(to) => Some(to),
        RowKind::Value(_) | RowKind::Content => None,
    })
}

/// Checks a value that a map has.
fn check_text(scalar: Scalar, text: &str) -> Result<(), String> {
    let mut row = Row::new(Map::new(), &[]);
    let value = row.scalar("", scalar, text);
    if value.is_null() {
        return Err(format!("`{text}` is not a number, true or false"));
    }
    if scalar == Scalar::PartialDate && !is_partial_date(text) {
        return Err(format!("`{text}` is not a date: 2026, 2026-02 or 2026-02-03"));
    }
    check_value(scalar, &value).map_err(|reason| reason.trim_end_matches('.').to_owned())
}

impl FullRule {
    /// The values that the rule gives whatever a row has: its constant, and what values become.
    fn known_texts(&self) -> Result<Vec<String>, String> {
        let given: Vec<Constant> = match &self.values {
            Some(values) => {
                values.values().filter(|to| !to.is_empty()).cloned().map(Constant::Text).collect()
            }
            None => self.constant.clone().into_iter().collect(),
        };
        let mut texts: Vec<String> =
            self.default.clone().filter(|text| !text.is_empty()).into_iter().collect();
        for constant in given {
            let rule = FullRule {
                constant: Some(constant.clone()),
                date: self.date.clone(),
                country: self.country.clone(),
                times: self.times,
                split: if self.values.is_none() { self.split.clone() } else { None },
                ..FullRule::default()
            };
            let mut row = Row::new(Map::new(), &[]);
            texts.extend(row.texts(&Rule::Full(Box::new(rule))));
            if let Some((_, reason)) = row.changed.first() {
                let reason = reason.trim_start_matches("left out, ");
                return Err(format!("`{}`: {reason}", constant.text()));
            }
        }
        Ok(texts)
    }
}

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

/// Reads a table, and returns its columns. An empty cell is no value.
fn table(
    map: &ColumnMap,
    input: impl Read,
    mut each: impl FnMut(u64, Map<String, Value>) -> Result<(), ReceiverClosed>,
) -> Result<Vec<String>, ReadError> {
    let quotes = Rc::new(Cell::new(0));
    let input = QuoteCounter { reader: input, quotes: quotes.clone() };
    let (limited, left) = LimitedReader::new(input, "a row (is a quote not closed?)");
    let delimiter = map.delimiter.map_or(Ok(b','), u8::try_from);
    let delimiter =
        delimiter.map_err(|_| ReadError::Invalid("the map's delimiter isn't ASCII".to_owned()))?;
    // With the default terminator, the reader counts `\r\n` as two lines. What is left of it is cut with blanks.
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .delimiter(delimiter)
        .terminator(csv::Terminator::Any(b'\n'))
        // Tables with tabs have no quotes, as a rule.
        .quoting(delimiter != b'\t')
        .has_headers(map.columns.is_none())
        .from_reader(limited);
    let failed = |error: csv::Error| {
        let reason = error.to_string();
        match error.into_kind() {
            csv::ErrorKind::Io(error) => ReadError::from(error),
            _ => ReadError::Invalid(format!("the file is no table: {reason}")),
        }
    };
    let columns: Vec<String> = match &map.columns {
        Some(columns) => columns.clone(),
        None => {
            let header = reader.byte_headers().map_err(failed)?;
            let names = header.iter().map(|name| text(name, 1)).collect::<Result<Vec<_>, _>>()?;
            let is_again = |(place, name): (usize, &String)| names[..place].contains(name);
            let again = names.iter().enumerate().filter(|column| is_again(*column)).map(|(_, name)| name);
            if let Some(name) = again.filter(|name| !name.is_empty()).min() {
                return Err(ReadError::Invalid(format!("the table has two columns `{name}`")));
            }
            names
        }
    };
    let mut cells = csv::ByteRecord::new();
    // Where the last row begins that spans several lines, and is the last one.
    let mut open = None;
    while reader.read_byte_record(&mut cells).map_err(failed)? {
        left.set(MAX_LINE_BYTES);
        let line = cells.position().map_or(0, csv::Position::line);
        open = cells.iter().any(|cell| cell.contains(&b'\n')).then_some(line);
        let mut row = Map::new();
        for (place, cell) in cells.iter().enumerate() {
            let cell = text(cell, line)?;
            if !cell.is_empty() {
                let name = columns.get(place).cloned();
                row.insert(name.unwrap_or_else(|| format!("column {}", place + 1)), cell.into());
            }
        }
        each(line, row)?;
    }
    match open {
        Some(line) if delimiter != b'\t' && quotes.get() % 2 == 1 => {
            Err(ReadError::Invalid(format!("a quote in the row of line {line} is not closed")))
        }
        _ => Ok(columns),
    }
}

/// The text of a cell.
fn text(cell: &[u8], line: u64) -> Result<String, ReadError> {
    let text = std::str::from_utf8(cell).map(|text| text.trim().to_owned());
    text.map_err(|_| ReadError::Invalid(format!("line {line} is not UTF-8; save the file as UTF-8")))
}

/// Counts the quotation marks of a table.
struct QuoteCounter<R> {
    reader: R,
    quotes: Rc<Cell<usize>>,
}

impl<R: Read> Read for QuoteCounter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let is_quote = |byte: &u8| usize::from(*byte == b'"');
        self.quotes.set(self.quotes.get() + buffer[..read].iter().map(is_quote).sum::<usize>());
        Ok(read)
    }
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

/// What a row has, and what was taken of it.
#[derive(Clone)]
struct Row<'m> {
    values: Map<String, Value>,
    /// The map's values that stand for none.
    empty: &'m [String],
    taken: BTreeSet<String>,
    changed: Vec<(String, &'static str)>,
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

impl<'m> Row<'m> {
    fn new(values: Map<String, Value>, empty: &'m [String]) -> Row<'m> {
        Row { values, empty, taken: BTreeSet::new(), changed: Vec::new() }
    }

    /// Whether a text stands for none.
    fn is_none(&self, text: &str) -> bool {
        let text = text.trim();
        text.is_empty() || self.empty.iter().any(|empty| empty.eq_ignore_ascii_case(text))
    }

    /// The row once, or for each of the values of a column.
    fn parts(&self, each: Option<&Each>) -> Vec<Row<'m>> {
        let row = |values| Row::new(values, self.empty);
        let (column, split) = match each {
            None => return vec![row(self.values.clone())],
            Some(Each::Column(column)) => (column, None),
            Some(Each::Split { column, split }) => (column, Some(split)),
        };
        let values = match (self.values.get(column), split) {
            (Some(Value::Array(values)), _) => values.clone(),
            (Some(Value::String(text)), Some(split)) => parts_of(text, split).map(Value::from).collect(),
            (Some(value), _) => vec![value.clone()],
            (None, _) => Vec::new(),
        };
        let with = |value| {
            let mut values = self.values.clone();
            values.insert(column.clone(), value);
            row(values)
        };
        values
            .into_iter()
            .filter(|value| !value.as_str().is_some_and(|text| self.is_none(text)))
            .map(with)
            .collect()
    }

    /// The texts in a column, which may be a path: `source.name`.
    fn column(&mut self, column: &str) -> Vec<String> {
        let mut texts = Vec::new();
        if let Some(value) = self.values.get(column) {
            texts_of(value, &mut texts);
        } else {
            let mut parts = column.split('.');
            let mut values: Vec<&Value> =
                self.values.get(parts.next().unwrap_or_default()).into_iter().collect();
            for part in parts {
                let items = values.iter().flat_map(|value| match value {
                    Value::Array(items) => items.iter().collect(),
                    value => vec![*value],
                });
                values = items.filter_map(|value| value.get(part)).collect();
            }
            for value in values {
                texts_of(value, &mut texts);
            }
        }
        texts.retain(|text| !self.is_none(text));
        self.taken.insert(column.to_owned());
        texts
    }

    fn fits(&mut self, record: &Record) -> bool {
        let mut has = |(column, values): (&String, &OneOrMany)| {
            let texts = self.column(column);
            texts.iter().any(|text| values.all().iter().any(|value| matches_pattern(value, text)))
        };
        record.when.iter().all(&mut has) && !record.unless.iter().any(&mut has)
    }

    /// The key of a record of the map: its name and the values of its columns.
    fn key(&mut self, name: &str, columns: &OneOrMany) -> Option<String> {
        let values: Vec<String> =
            columns.all().iter().filter_map(|column| self.column(column).into_iter().next()).collect();
        (!values.is_empty()).then(|| format!("{name} {}", values.join(" ")))
    }

    /// The texts that a rule gives.
    fn texts(&mut self, rule: &Rule) -> Vec<String> {
        let full = match rule {
            Rule::Column(column) => return self.column(column),
            Rule::Full(full) => full,
        };
        let columns = full.column.as_ref().map(OneOrMany::all).unwrap_or_default();
        let mut texts: Vec<String> = match (&full.constant, &full.template) {
            (Some(constant), _) => vec![constant.text()],
            (None, Some(template)) => self.fill(template).into_iter().collect(),
            (None, None) => {
                let found = columns.iter().map(|column| self.column(column)).find(|texts| !texts.is_empty());
                found.unwrap_or_default()
            }
        };
        if let Some(split) = &full.split {
            let parts = texts.iter().flat_map(|text| parts_of(text, split));
            texts = parts.filter(|part| !self.is_none(part)).map(ToOwned::to_owned).collect();
        }
        let column = columns.first().or(full.template.as_ref()).map_or("", String::as_str);
        let is_empty = texts.is_empty();
        if let Some(values) = &full.values {
            texts.retain_mut(|text| {
                let exact = values.get(text.as_str());
                let found = exact.or_else(|| {
                    let fits = values.iter().filter(|(value, _)| matches_pattern(value, text));
                    fits.max_by_key(|(value, _)| value.len()).map(|(_, to)| to)
                });
                match found.or(full.default.as_ref()) {
                    Some(to) => text.clone_from(to),
                    None => self.changed.push((column.to_owned(), "left out, not in the map's values")),
                }
                found.or(full.default.as_ref()).is_some()
            });
            texts.retain(|text| !text.is_empty());
        }
        if let Some(forms) = &full.date {
            texts = self.converted(column, texts, NOT_A_DATE, |text| {
                forms.all().iter().find_map(|form| date(text, form))
            });
        }
        if let Some(precision) = &full.precision {
            let precision = self.texts(precision).into_iter().next();
            let long = match precision.as_deref() {
                Some("year") => 4,
                Some("month") => 7,
                _ => 10,
            };
            for text in &mut texts {
                *text = text.chars().take(long).collect();
            }
        }
        if let Some(code) = &full.country {
            texts = self.converted(column, texts, "left out, not a country", |text| {
                let countries::Country { codes, name, .. } = countries::named(text)?;
                let of = match code.as_str() {
                    "name" => name,
                    "alpha2" => codes?[0],
                    _ => codes?[1],
                };
                Some(of.to_owned())
            });
        }
        if let Some(times) = full.times {
            texts = self.converted(column, texts, "left out, not a number", |text| {
                Some((text.replace(',', "").parse::<f64>().ok()? * times).to_string())
            });
        }
        if is_empty {
            texts.extend(full.default.clone().filter(|text| !text.is_empty()));
        }
        texts
    }

    fn converted(
        &mut self,
        column: &str,
        texts: Vec<String>,
        reason: &'static str,
        convert: impl Fn(&str) -> Option<String>,
    ) -> Vec<String> {
        let mut converted = Vec::new();
        for text in texts {
            match convert(&text) {
                Some(text) => converted.push(text),
                None => self.changed.push((column.to_owned(), reason)),
            }
        }
        converted
    }

    /// Fills a template. A part in brackets is left out if a column in it is empty.
    fn fill(&mut self, template: &str) -> Option<String> {
        let (mut text, mut rest) = (String::new(), template);
        while let Some(start) = rest.find('[') {
            let Some(end) = rest[start..].find(']').map(|end| start + end) else { break };
            text += &self.fill_columns(&rest[..start])?;
            text += &self.fill_columns(&rest[start + 1..end]).unwrap_or_default();
            rest = &rest[end + 1..];
        }
        text += &self.fill_columns(rest)?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn fill_columns(&mut self, template: &str) -> Option<String> {
        let (mut text, mut rest) = (String::new(), template);
        while let Some((before, after)) = rest.split_once('{') {
            let (column, after) = after.split_once('}')?;
            let values = self.column(column);
            if values.is_empty() {
                return None;
            }
            text += before;
            text += &values.join(", ");
            rest = after;
        }
        Some(text + rest)
    }

    fn scalar(&mut self, field: &str, scalar: Scalar, text: &str) -> Value {
        let plain = || text.replace([',', ' '], "");
        let number = match scalar {
            Scalar::Int => plain().parse::<i64>().ok().map(Value::from),
            Scalar::Float => plain().parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from),
            Scalar::Boolean => text.to_lowercase().parse::<bool>().ok().map(Value::from),
            _ => return text.into(),
        };
        number.unwrap_or_else(|| {
            self.changed.push((field.to_owned(), "left out, not a number"));
            Value::Null
        })
    }

    /// Counts what was taken of a value, and what was not.
    fn count(&self, path: &str, value: &Value, tally: &mut Tally) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.count(path, item, tally)),
            Value::Object(fields) if !self.taken.contains(path) => {
                fields.iter().for_each(|(name, value)| self.count(&format!("{path}.{name}"), value, tally));
            }
            Value::Null => {}
            Value::String(text) if self.is_none(text) => {}
            _ if self.taken.contains(path) => tally.keep(path),
            _ => tally.ignore(path),
        }
    }
}

fn texts_of(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| texts_of(item, texts)),
        Value::String(text) if !text.trim().is_empty() => texts.push(text.trim().to_owned()),
        Value::Number(number) => texts.push(number.to_string()),
        Value::Bool(value) => texts.push(value.to_string()),
        _ => {}
    }
}

fn parts_of<'a>(text: &'a str, split: &'a str) -> impl Iterator<Item = &'a str> {
    let split = if split.is_empty() { "\n" } else { split };
    text.split(split).map(str::trim).filter(|part| !part.is_empty())
}

/// Whether a text is that of a pattern, whatever its case. A `*` at its end stands for any rest.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => text == pattern,
    }
}

/// Whether each brace and bracket of a template is closed.
fn is_template(template: &str) -> bool {
    let mut open: Option<char> = None;
    let mut in_brackets = false;
    for letter in template.chars() {
        match (letter, open) {
            ('{', None) => open = Some('}'),
            ('}', Some('}')) => open = None,
            ('[', None) if !in_brackets => in_brackets = true,
            (']', None) => in_brackets = false,
            _ => {}
        }
    }
    open.is_none() && !in_brackets
}

/// Whether dates can be read in a form.
fn is_date_form(form: &str) -> bool {
    let letters = form.split('%').skip(1).map(|part| part.chars().next());
    let mut has_year = false;
    for letter in letters {
        has_year |= matches!(letter, Some('Y' | 'y'));
        if !matches!(letter, Some('Y' | 'y' | 'm' | 'd' | 'B' | 'b' | '*')) {
            return false;
        }
    }
    has_year
}

/// Reads a date in a form like `%d %B %Y`; as precise as the form is.
fn date(text: &str, form: &str) -> Option<String> {
    let (mut year, mut month, mut day) = (None, None, None);
    let (mut text, mut form) = (text, form.chars());
    let number = |text: &mut &str, most: usize| {
        let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let number = text[..count].parse::<u32>().ok();
        *text = &text[count..];
        number
    };
    while let Some(letter) = form.next() {
        if letter != '%' {
            text = text.strip_prefix(letter)?;
            continue;
        }
        match form.next()? {
            'Y' => year = Some(number(&mut text, 4)?),
            'y' => {
                let short = number(&mut text, 2)?;
                year = Some(if short < 70 { 2000 + short } else { 1900 + short });
            }
            'm' => month = Some(number(&mut text, 2)?),
            'd' => day = Some(number(&mut text, 2)?),
            'B' | 'b' => {
                let count = text.chars().take_while(char::is_ascii_alphabetic).count();
                let name = text[..count].to_lowercase();
                let place = MONTHS.iter().position(|month| name.len() >= 3 && month.starts_with(&name))?;
                month = Some(u32::try_from(place + 1).ok()?);
                text = &text[count..];
            }
            // Whatever follows.
            '*' => text = "",
            _ => return None,
        }
    }
    let year = year.filter(|_| text.trim().is_empty())?;
    let (month, day) = (month.unwrap_or(0), day.unwrap_or(0));
    PartialDate::read(&format!("{year:04}-{month:02}-{day:02}"))?.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: Value) -> Row<'static> {
        let Value::Object(values) = values else { unreachable!() };
        Row::new(values, &[])
    }

    fn rule(text: &str) -> Rule {
        #[derive(Deserialize)]
        struct Of {
            rule: Rule,
        }
        toml::from_str::<Of>(&format!("rule = {text}")).unwrap().rule
    }

    #[test]
    fn dates_are_as_precise_as_their_form() {
        assert_eq!(date("08 March 2023", "%d %B %Y").as_deref(), Some("2023-03-08"));
        assert_eq!(date("3/8/23", "%m/%d/%y").as_deref(), Some("2023-03-08"));
        assert_eq!(date("Mar-2023", "%b-%Y").as_deref(), Some("2023-03"));
        assert_eq!(date("2023-03-08T10:00", "%Y-%m-%d%*").as_deref(), Some("2023-03-08"));
        assert_eq!(date("8 Marts", "%d %B %Y"), None);
        assert_eq!(date("ä", "%Y"), None);
    }

    #[test]
    fn a_rule_takes_a_column_splits_it_and_looks_values_up() {
        let mut row =
            row(json!({"a": "x; y;", "b": "190", "source": [{"name": "one"}, {"name": "two"}], "n": 3}));
        assert_eq!(row.texts(&rule("'a'")), ["x; y;"]);
        assert_eq!(row.texts(&rule("{column = 'a', split = ';'}")), ["x", "y"]);
        assert_eq!(
            row.texts(&rule("{column = 'b', values = {'19*' = 'ASSAULT', '1*' = 'AGREE'}}")),
            ["ASSAULT"]
        );
        assert_eq!(row.texts(&rule("'source.name'")), ["one", "two"]);
        assert_eq!(row.texts(&rule("{column = ['none', 'n']}")), ["3"]);
        assert_eq!(row.texts(&rule("{template = '{n} of {b}[ and {none}][ or {n}]'}")), ["3 of 190 or 3"]);
        assert_eq!(row.texts(&rule("{column = 'none', default = 'D'}")), ["D"]);
        assert_eq!(row.texts(&rule("{column = 'none', values = {x = 'X'}, default = 'D'}")), ["D"]);
        row.values.insert("land".to_owned(), "Russian Federation".into());
        assert_eq!(row.texts(&rule("{column = 'land', country = 'alpha3'}")), ["RUS"]);
        assert!(row.changed.is_empty());
        assert!(row.texts(&rule("{column = 'n', values = {4 = 'F'}}")).is_empty());
        assert_eq!(row.changed, [("n".to_owned(), "left out, not in the map's values")]);
    }

    #[test]
    fn values_that_stand_for_none_are_left_out_alone_and_among_others() {
        let empty = ["None".to_owned()];
        let mut row = row(json!({"Who": "NONE; Ada", "To": "none", "Where": {"name": "None"}}));
        row.empty = &empty;
        let each = Each::Split { column: "Who".to_owned(), split: ";".to_owned() };
        let parts = row.parts(Some(&each));
        assert_eq!(parts.iter().map(|part| &part.values["Who"]).collect::<Vec<_>>(), ["Ada"]);
        assert_eq!(row.texts(&rule("{column = 'Who', split = ';'}")), ["Ada"]);
        assert_eq!(row.texts(&rule("{column = 'To', default = 'all'}")), ["all"]);
        assert_eq!(row.texts(&rule("{template = '{Who}[ in {Where.name}]'}")), ["NONE; Ada"]);
        assert_eq!(row.key("actor", &OneOrMany::One("To".to_owned())), None);
    }
}
