//! Writes rows as JSON without a tree of values in between.

use std::{io::Write, sync::atomic::Ordering::Relaxed};

use sqlx::postgres::PgRow;

use crate::{
    engine::{
        execute::{self, AggregateRows, PageRows, Records, Rows, StepRows},
        plan::{
            ComputedField, ComputedOutput, ConnectionOutput, CountOutput, EdgeOutput, Entry, FacetOutput,
            Object, Output, PageInfo, Plan, bind::Precision,
        },
    },
    error::{self, ApiError, CHANGED, Code, PathStep},
    model::{
        object_type::{Cardinality, Scalar, SortKey, computed::ComputedValue},
        pagination::{self, Cursor, KeyKind},
    },
};

/// A response: JSON, and the errors of fields.
#[derive(Debug)]
pub struct GraphqlResponse {
    /// The response with its data only, which is `null` if a non-null field of the root failed.
    json: Vec<u8>,
    pub errors: Vec<ApiError>,
    /// The revision that the data is at least as new as, if known; of mutations their own.
    pub revision: Option<i64>,
}

const BEFORE: &[u8] = br#"{"data":"#;
/// Maximum size of the response of a query. What a mutation changed is returned whatever its size.
const MAX_RESPONSE_BYTES: usize = 16 << 20;

impl GraphqlResponse {
    /// Whether a record was deleted between two reads, so that a retry helps.
    pub fn needs_retry(&self) -> bool {
        self.errors.iter().any(|api_error| api_error.message == CHANGED)
    }

    /// A response with data that was written elsewhere.
    pub fn new(data: &[u8], errors: Vec<ApiError>) -> Self {
        GraphqlResponse { json: [BEFORE, data, b"}"].concat(), errors, revision: None }
    }

    /// The error, if the server failed and there is no data.
    pub fn failure(&self) -> Option<&ApiError> {
        let without_data = self.json == br#"{"data":null}"#;
        self.errors.iter().find(|error| without_data && error.code.is_failure())
    }

    /// The response with its errors, which come first.
    pub fn into_json(self, request_id: &str) -> Vec<u8> {
        if self.errors.is_empty() {
            return self.json;
        }
        let errors = error::list_to_json(&self.errors, request_id);
        let mut json = br#"{"errors":"#.to_vec();
        let _ = serde_json::to_writer(&mut json, &errors);
        json.push(b',');
        json.extend_from_slice(&self.json[1..]);
        json
    }
}

/// Writes the response of a plan. `introspection` is the result of introspection.
pub fn write(plan: &Plan, root: &Rows, introspection: Option<&async_graphql::Value>) -> GraphqlResponse {
    let mut out = Vec::with_capacity(plan.length.load(Relaxed));
    out.extend_from_slice(BEFORE);
    let max_bytes = if plan.in_order { usize::MAX } else { MAX_RESPONSE_BYTES };
    let mut writer = Writer { out, errors: Vec::new(), path: Vec::new(), introspection, max_bytes };
    let written = writer.object(&plan.object, root, 0);
    if writer.out.len() > max_bytes {
        let message = format!(
            "The response is larger than {} MiB: ask for fewer records or fields.",
            MAX_RESPONSE_BYTES >> 20
        );
        writer.errors = vec![ApiError::new(Code::LimitExceeded, message)];
    }
    if written.is_err() || writer.out.len() > max_bytes {
        writer.out.truncate(BEFORE.len());
        writer.text("null");
    }
    writer.out.push(b'}');
    plan.length.store(writer.out.len(), Relaxed);
    GraphqlResponse { json: writer.out, errors: writer.errors, revision: None }
}

/// A non-null field failed: the nearest nullable parent becomes null.
struct Null;

struct Writer<'a> {
    out: Vec<u8>,
    errors: Vec<ApiError>,
    path: Vec<Step<'a>>,
    introspection: Option<&'a async_graphql::Value>,
    max_bytes: usize,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> Writer<'a> {
    fn object(&mut self, object: &'a Object, rows: &'a Rows, row: usize) -> Result<(), Null> {
        self.entries(&object.0, |writer, entry| writer.field(&entry.out, &entry.key, rows, row))
    }

    /// An object of these fields. `write` writes the value of a field.
    fn entries<T>(
        &mut self,
        entries: &'a [Entry<T>],
        mut write: impl FnMut(&mut Self, &'a Entry<T>) -> Result<(), Null>,
    ) -> Result<(), Null> {
        self.out.push(b'{');
        for (index, entry) in entries.iter().enumerate() {
            if self.out.len() > self.max_bytes {
                return Err(Null);
            }
            self.comma(index);
            self.text(&entry.label);
            self.within(Step::Key(&entry.key), |writer| write(writer, entry))?;
        }
        self.out.push(b'}');
        Ok(())
    }

    fn field(&mut self, out: &'a Output, key: &str, rows: &'a Rows, row: usize) -> Result<(), Null> {
        match out {
            Output::Typename(name) => self.quoted(name),
            Output::Introspection => {
                let value = match self.introspection {
                    Some(async_graphql::Value::Object(fields)) => fields.get(key),
                    _ => None,
                };
                let _ = serde_json::to_writer(&mut self.out, &value);
            }
            Output::Column { index, scalar, nullable } => {
                return self.column(&rows.rows[row], *index, *scalar, *nullable);
            }
            Output::ToOne { step, objects, nullable } => {
                let nullable = *nullable;
                self.or_null(nullable, |writer| match &rows.steps[*step] {
                    StepRows::ToOne { kinds, found } => writer.one(objects, kinds, found[row], nullable),
                    fetched => writer.failed(fetched),
                })?;
            }
            Output::OwnedList { step, object } => match &rows.steps[*step] {
                StepRows::OwnedList { rows, of } => {
                    self.list(&of[row], |writer, row| writer.object(object, rows, *row))?;
                }
                fetched => return self.failed(fetched),
            },
            Output::References { step, objects } => match &rows.steps[*step] {
                StepRows::References { kinds, of } => self.list(&of[row], |writer, (kind, row)| {
                    writer.object(&objects[*kind], &kinds[*kind], *row)
                })?,
                fetched => return self.failed(fetched),
            },
            Output::Nodes { step, objects } => match &rows.steps[*step] {
                StepRows::ToOne { kinds, found } => {
                    self.list(found, |writer, found| {
                        writer.or_null(true, |writer| writer.one(objects, kinds, *found, true))
                    })?;
                }
                fetched => return self.failed(fetched),
            },
            Output::Connection { step, entries } => match &rows.steps[*step] {
                StepRows::ToMany(pages) => self.connection(entries, pages, row)?,
                fetched => return self.failed(fetched),
            },
            Output::Computed { step, out, form } => {
                let nullable = *form == Cardinality::Maybe;
                self.or_null(nullable, |writer| match &rows.steps[*step] {
                    StepRows::Computed { of, records, failed } => {
                        if let Some(api_error) = failed {
                            // The error's path goes to the field that is null.
                            let at = out.first_nullable().map(Step::Key);
                            writer.path.extend(at);
                            let _ = writer.fail(api_error.clone());
                            writer.path.truncate(writer.path.len() - usize::from(at.is_some()));
                        }
                        writer.tree_or_fail(out, &of[row], nullable, records)
                    }
                    fetched => writer.failed(fetched),
                })?;
            }
        }
        Ok(())
    }

    /// Writes what `write` writes, or null if that fails and the field is nullable.
    fn or_null(
        &mut self,
        nullable: bool,
        write: impl FnOnce(&mut Self) -> Result<(), Null>,
    ) -> Result<(), Null> {
        let start = self.out.len();
        let written = write(self);
        if written.is_err() && nullable {
            self.out.truncate(start);
            self.text("null");
            return Ok(());
        }
        written
    }

    /// A computed value, including its lists.
    fn tree(
        &mut self,
        out: &'a ComputedOutput,
        tree: &'a ComputedValue,
        records: &'a [Vec<Records>],
    ) -> Result<(), Null> {
        match (out, tree) {
            (_, ComputedValue::List(items)) => {
                self.list(items, |writer, item| writer.tree(out, item, records))?;
            }
            (ComputedOutput::Typename(name), _) => self.quoted(name),
            (ComputedOutput::Object(entries), tree @ ComputedValue::Object(_)) => {
                self.entries(entries, |writer, Entry { out: ComputedField { name, nullable, out }, .. }| {
                    writer.or_null(*nullable, |writer| {
                        writer.tree_or_fail(out, tree.field(name), *nullable, records)
                    })
                })?;
            }
            (
                ComputedOutput::Record { place, objects },
                record @ (ComputedValue::Record(object_type, id)
                | ComputedValue::MaybeRecord(object_type, id)),
            ) => {
                let mut kinds = records.get(*place).into_iter().flatten().zip(objects);
                let found = kinds.find_map(|((rows, places), (kind, object))| {
                    places.get(id).filter(|_| kind == object_type).map(|row| (rows, *row, object))
                });
                match found {
                    Some((rows, row, object)) => self.object(object, rows, row)?,
                    None if matches!(record, ComputedValue::MaybeRecord(..)) => self.text("null"),
                    None => return self.vanished(),
                }
            }
            (_, ComputedValue::Boolean(value)) => self.boolean(*value),
            (_, ComputedValue::Int(number)) => self.number(*number),
            (_, ComputedValue::Float(number)) => {
                let _ = serde_json::to_writer(&mut self.out, number);
            }
            (_, ComputedValue::Text(text)) => {
                let _ = serde_json::to_writer(&mut self.out, text);
            }
            (_, ComputedValue::Null) => self.text("null"),
            (out, tree) => unreachable!("{tree:?} where {out:?} was declared"),
        }
        Ok(())
    }

    fn tree_or_fail(
        &mut self,
        out: &'a ComputedOutput,
        tree: &'a ComputedValue,
        nullable: bool,
        records: &'a [Vec<Records>],
    ) -> Result<(), Null> {
        if *tree == ComputedValue::Null && !nullable && !matches!(out, ComputedOutput::Typename(_)) {
            return self.fail(missing());
        }
        self.tree(out, tree, records)
    }

    fn one(
        &mut self,
        objects: &'a [Object],
        kinds: &'a [Rows],
        found: Option<(usize, usize)>,
        nullable: bool,
    ) -> Result<(), Null> {
        match found {
            Some((kind, row)) => self.object(&objects[kind], &kinds[kind], row),
            None if nullable => {
                self.text("null");
                Ok(())
            }
            None => self.vanished(),
        }
    }

    /// The record was deleted between the statements of two levels.
    fn vanished(&mut self) -> Result<(), Null> {
        self.fail(ApiError::changed_meanwhile())
    }

    fn connection(
        &mut self,
        entries: &'a [Entry<ConnectionOutput>],
        pages: &'a PageRows,
        place: usize,
    ) -> Result<(), Null> {
        let rows = pages.of.get(place).map_or(&[][..], Vec::as_slice);
        self.entries(entries, |writer, entry| match &entry.out {
            ConnectionOutput::Typename(name) => {
                writer.quoted(name);
                Ok(())
            }
            ConnectionOutput::TotalCount(aggregate) => {
                writer.number(count(pages, *aggregate, place).0);
                Ok(())
            }
            ConnectionOutput::Count(aggregate, fields) => {
                writer.count(fields, count(pages, *aggregate, place))
            }
            ConnectionOutput::Facets(fields) => writer.facets(fields, pages, place),
            ConnectionOutput::Groups(aggregate, object) => writer.groups(object, pages, *aggregate, place),
            ConnectionOutput::PageInfo(fields) => writer.page_info(fields, pages, rows, place),
            ConnectionOutput::Edges(fields) => {
                writer.list(rows, |writer, row| writer.edge(fields, pages, *row))
            }
            ConnectionOutput::Nodes(object) => {
                writer.list(rows, |writer, row| writer.object(object, &pages.rows, *row))
            }
        })
    }

    fn count(
        &mut self,
        fields: &'a [Entry<CountOutput>],
        (value, precision): (i64, Precision),
    ) -> Result<(), Null> {
        self.entries(fields, |writer, field| {
            match field.out {
                CountOutput::Typename => writer.quoted("Count"),
                CountOutput::Value => writer.number(value),
                CountOutput::Precision => writer.quoted(precision.name()),
            }
            Ok(())
        })
    }

    fn facets(
        &mut self,
        fields: &'a [Entry<FacetOutput>],
        pages: &'a PageRows,
        place: usize,
    ) -> Result<(), Null> {
        self.entries(fields, |writer, field| match &field.out {
            FacetOutput::Typename(name) => {
                writer.quoted(name);
                Ok(())
            }
            FacetOutput::Counts(aggregate, object) => writer.groups(object, pages, *aggregate, place),
        })
    }

    /// The values of a facet, or the groups.
    fn groups(
        &mut self,
        object: &'a Object,
        pages: &'a PageRows,
        aggregate: usize,
        place: usize,
    ) -> Result<(), Null> {
        let AggregateRows::Groups { rows, of } = &pages.aggregates[aggregate] else {
            unreachable!("groups were planned there")
        };
        self.list(&of[place], |writer, row| writer.object(object, rows, *row))
    }

    fn page_info(
        &mut self,
        fields: &'a [Entry<PageInfo>],
        pages: &PageRows,
        rows: &[usize],
        place: usize,
    ) -> Result<(), Null> {
        let [before, behind] = pages.sides.each_ref().map(|side| side[place]);
        self.entries(fields, |writer, field| {
            match field.out {
                PageInfo::Typename => writer.quoted("PageInfo"),
                PageInfo::HasNextPage => writer.boolean(behind),
                PageInfo::HasPreviousPage => writer.boolean(before),
                PageInfo::StartCursor => writer.cursor_or_null(rows.first(), pages)?,
                PageInfo::EndCursor => writer.cursor_or_null(rows.last(), pages)?,
            }
            Ok(())
        })
    }

    fn cursor_or_null(&mut self, row: Option<&usize>, pages: &PageRows) -> Result<(), Null> {
        match row {
            Some(row) => self.cursor(pages, *row),
            None => {
                self.text("null");
                Ok(())
            }
        }
    }

    fn edge(&mut self, fields: &'a [Entry<EdgeOutput>], pages: &'a PageRows, row: usize) -> Result<(), Null> {
        self.entries(fields, |writer, field| match &field.out {
            EdgeOutput::Typename(name) => {
                writer.quoted(name);
                Ok(())
            }
            EdgeOutput::Cursor => writer.cursor(pages, row),
            EdgeOutput::Node(object) => writer.object(object, &pages.rows, row),
            EdgeOutput::Attribute { index, scalar, nullable } => {
                writer.column(&pages.rows.rows[row], *index, *scalar, *nullable)
            }
        })
    }

    fn cursor(&mut self, pages: &PageRows, row: usize) -> Result<(), Null> {
        let row = &pages.rows.rows[row];
        let key = match &pages.order.by {
            SortKey::Id => Ok(None),
            SortKey::Key(_, kind) | SortKey::Foreign(_, kind) => execute::sort_key(row, *kind).map(Some),
            SortKey::Relevance => execute::sort_key(row, KeyKind::Rank).map(Some),
        };
        match key.and_then(|key| Ok(Cursor { key, id: execute::get(row, pages.id)? })) {
            Ok(cursor) => {
                self.quoted(&cursor.encode(&pages.order.name));
                Ok(())
            }
            Err(error) => self.fail(error.into()),
        }
    }

    fn column(&mut self, row: &PgRow, index: usize, scalar: Scalar, nullable: bool) -> Result<(), Null> {
        match self.scalar(row, index, scalar) {
            Ok(true) => Ok(()),
            Ok(false) if nullable => {
                self.text("null");
                Ok(())
            }
            Ok(false) => self.fail(missing()),
            Err(error) => self.fail(error.into()),
        }
    }

    /// Writes a value; false if it is null.
    fn scalar(&mut self, row: &PgRow, index: usize, scalar: Scalar) -> Result<bool, sqlx::Error> {
        match scalar {
            // Without a type it is a global id already.
            Scalar::Enumeration(_) | Scalar::Id("") => match execute::text(row, index)? {
                Some(name) => self.quoted(name),
                None => return Ok(false),
            },
            Scalar::Id(object_type) => match execute::get(row, index)? {
                Some(id) => self.quoted(&pagination::global_id(object_type, id)),
                None => return Ok(false),
            },
            Scalar::Int => match execute::get::<Option<i32>>(row, index)? {
                Some(number) => self.number(i64::from(number)),
                None => return Ok(false),
            },
            Scalar::RevisionNumber => match execute::get::<Option<i64>>(row, index)? {
                Some(number) => self.number(number),
                None => return Ok(false),
            },
            Scalar::Boolean => match execute::get::<Option<bool>>(row, index)? {
                Some(value) => self.boolean(value),
                None => return Ok(false),
            },
            Scalar::Float => match execute::get::<Option<f64>>(row, index)? {
                Some(number) => {
                    let _ = serde_json::to_writer(&mut self.out, &number);
                }
                None => return Ok(false),
            },
            Scalar::Text
            | Scalar::Term
            | Scalar::Prose
            | Scalar::Decimal
            | Scalar::PartialDate
            | Scalar::DateTime
            | Scalar::Url
            | Scalar::Language
            | Scalar::Cursor
            | Scalar::Content => match execute::text(row, index)? {
                Some(text) => {
                    let _ = serde_json::to_writer(&mut self.out, text);
                }
                None => return Ok(false),
            },
        }
        Ok(true)
    }

    fn list<T>(
        &mut self,
        items: &'a [T],
        mut write: impl FnMut(&mut Self, &'a T) -> Result<(), Null>,
    ) -> Result<(), Null> {
        self.out.push(b'[');
        for (index, item) in items.iter().enumerate() {
            self.comma(index);
            self.within(Step::Index(index), |writer| write(writer, item))?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn within(
        &mut self,
        step: Step<'a>,
        write: impl FnOnce(&mut Self) -> Result<(), Null>,
    ) -> Result<(), Null> {
        self.path.push(step);
        let written = write(self);
        self.path.pop();
        written
    }

    fn failed(&mut self, fetched: &StepRows) -> Result<(), Null> {
        match fetched {
            StepRows::Failed(api_error) => self.fail(api_error.clone()),
            _ => unreachable!("an edge leads to what its plan says"),
        }
    }

    fn fail(&mut self, api_error: ApiError) -> Result<(), Null> {
        let path = self.path.iter().map(|step| match step {
            Step::Key(key) => PathStep::Key((*key).to_owned()),
            Step::Index(index) => PathStep::Index(*index),
        });
        self.errors.push(api_error.at(path.collect()));
        Err(Null)
    }

    fn comma(&mut self, index: usize) {
        if index > 0 {
            self.out.push(b',');
        }
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Text that needs no escapes: a name or an encoded id.
    fn quoted(&mut self, text: &str) {
        self.out.push(b'"');
        self.text(text);
        self.out.push(b'"');
    }

    fn number(&mut self, number: i64) {
        let _ = write!(self.out, "{number}");
    }

    fn boolean(&mut self, value: bool) {
        self.text(if value { "true" } else { "false" });
    }
}

/// The count of a connection's records for one parent.
fn count(pages: &PageRows, aggregate: usize, place: usize) -> (i64, Precision) {
    match &pages.aggregates[aggregate] {
        AggregateRows::Counts(counts) => counts[place],
        AggregateRows::Groups { .. } => unreachable!("a count was planned there"),
    }
}

fn missing() -> ApiError {
    ApiError::new(Code::Internal, "Cannot return null for a field that is never null.")
}
