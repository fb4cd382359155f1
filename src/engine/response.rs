//! Rows written as JSON, without a tree of values in between.

use std::{io::Write, sync::atomic::Ordering::Relaxed};

use sqlx::postgres::PgRow;

use crate::{
    engine::{
        execute::{self, Fetched, FetchedAside, Pages, Records, Rows},
        plan::{
            ConnectionEntry, ConnectionOut, CountOut, EdgeOut, FacetOut, Object, Out, PageInfo, Plan,
            TreeEntry, TreeOut, bind::Precision,
        },
    },
    error::{CHANGED, Code, PathStep, Refusal},
    model::{
        object_type::{By, Form, Scalar, computed::Tree},
        pagination::{self, Cursor, KeyKind},
    },
};

/// What an operation answers: JSON, and what failed on the way.
#[derive(Debug)]
pub struct Answer {
    /// The answer with its data, which is `null` where a field failed that can't be null.
    json: Vec<u8>,
    pub errors: Vec<Refusal>,
}

const BEFORE: &[u8] = br#"{"data":"#;

impl Answer {
    /// Whether a record changed while it was read: read again, it is whole.
    pub fn is_torn(&self) -> bool {
        self.errors.iter().any(|refusal| refusal.message == CHANGED)
    }

    /// An answer with data that was written elsewhere.
    pub fn new(data: &[u8], errors: Vec<Refusal>) -> Self {
        Answer { json: [BEFORE, data, b"}"].concat(), errors }
    }

    /// Why there is no data at all, where that is a failure of the server.
    pub fn failure(&self) -> Option<&Refusal> {
        let without_data = self.json == br#"{"data":null}"#;
        self.errors.iter().find(|error| without_data && error.code.is_failure())
    }

    /// The answer as GraphQL writes it: what failed is told first.
    pub fn into_json(self, request_id: &str) -> Vec<u8> {
        if self.errors.is_empty() {
            return self.json;
        }
        let errors: Vec<serde_json::Value> =
            self.errors.iter().map(|refusal| refusal.to_json(request_id)).collect();
        let mut json = br#"{"errors":"#.to_vec();
        let _ = serde_json::to_writer(&mut json, &errors);
        json.push(b',');
        json.extend_from_slice(&self.json[1..]);
        json
    }
}

/// Writes the answer of a plan. `introspection` holds what was asked about the schema.
pub fn write(plan: &Plan, root: &Rows, introspection: Option<&async_graphql::Value>) -> Answer {
    let mut out = Vec::with_capacity(plan.length.load(Relaxed));
    out.extend_from_slice(BEFORE);
    let mut writer = Writer { out, errors: Vec::new(), path: Vec::new(), introspection };
    if writer.object(&plan.answer, root, 0).is_err() {
        writer.out.truncate(BEFORE.len());
        writer.text("null");
    }
    writer.out.push(b'}');
    plan.length.store(writer.out.len(), Relaxed);
    Answer { json: writer.out, errors: writer.errors }
}

/// A field failed that can't be null: the nearest one around it that can be becomes so.
struct Null;

struct Writer<'a> {
    out: Vec<u8>,
    errors: Vec<Refusal>,
    path: Vec<Step<'a>>,
    introspection: Option<&'a async_graphql::Value>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> Writer<'a> {
    fn object(&mut self, object: &'a Object, rows: &'a Rows, row: usize) -> Result<(), Null> {
        self.out.push(b'{');
        for (index, entry) in object.0.iter().enumerate() {
            self.comma(index);
            self.text(&entry.label);
            self.within(Step::Key(&entry.key), |writer| writer.field(&entry.out, &entry.key, rows, row))?;
        }
        self.out.push(b'}');
        Ok(())
    }

    fn field(&mut self, out: &'a Out, key: &str, rows: &'a Rows, row: usize) -> Result<(), Null> {
        match out {
            Out::Typename(name) => self.quoted(name),
            Out::Introspection => {
                let value = match self.introspection {
                    Some(async_graphql::Value::Object(fields)) => fields.get(key),
                    _ => None,
                };
                let _ = serde_json::to_writer(&mut self.out, &value);
            }
            Out::Column { index, scalar, nullable } => {
                return self.column(&rows.rows[row], *index, *scalar, *nullable);
            }
            Out::One { edge, answers, nullable } => {
                let nullable = *nullable;
                self.or_null(nullable, |writer| match &rows.edges[*edge] {
                    Fetched::One { kinds, found } => writer.one(answers, kinds, found[row], nullable),
                    fetched => writer.failed(fetched),
                })?;
            }
            Out::Values { edge, answer } => match &rows.edges[*edge] {
                Fetched::Values { rows, of } => {
                    self.list(&of[row], |writer, row| writer.object(answer, rows, *row))?;
                }
                fetched => return self.failed(fetched),
            },
            Out::References { edge, answers } => match &rows.edges[*edge] {
                Fetched::References { kinds, of } => self.list(&of[row], |writer, (kind, row)| {
                    writer.object(&answers[*kind], &kinds[*kind], *row)
                })?,
                fetched => return self.failed(fetched),
            },
            Out::Nodes { edge, answers } => match &rows.edges[*edge] {
                Fetched::One { kinds, found } => {
                    self.list(found, |writer, found| {
                        writer.or_null(true, |writer| writer.one(answers, kinds, *found, true))
                    })?;
                }
                fetched => return self.failed(fetched),
            },
            Out::Connection { edge, entries } => match &rows.edges[*edge] {
                Fetched::Many(pages) => self.connection(entries, pages, row)?,
                fetched => return self.failed(fetched),
            },
            Out::Computed { edge, out, form } => {
                let nullable = *form == Form::Maybe;
                self.or_null(nullable, |writer| match &rows.edges[*edge] {
                    Fetched::Computed { of, records, failed } => {
                        if let Some(refusal) = failed {
                            // Told of what is null for it, where that was asked for.
                            let at = out.first_nullable().map(Step::Key);
                            writer.path.extend(at);
                            let _ = writer.fail(refusal.clone());
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

    /// Writes what `write` does, or null where that fails and may.
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

    /// A computed value, its lists included.
    fn tree(&mut self, out: &'a TreeOut, tree: &'a Tree, records: &'a [Vec<Records>]) -> Result<(), Null> {
        match (out, tree) {
            (_, Tree::List(items)) => self.list(items, |writer, item| writer.tree(out, item, records))?,
            (TreeOut::Typename(name), _) => self.quoted(name),
            (TreeOut::Object(entries), tree @ Tree::Object(_)) => {
                self.out.push(b'{');
                for (index, TreeEntry { key, label, name, nullable, out }) in entries.iter().enumerate() {
                    self.comma(index);
                    self.text(label);
                    self.within(Step::Key(key), |writer| {
                        writer.or_null(*nullable, |writer| {
                            writer.tree_or_fail(out, tree.field(name), *nullable, records)
                        })
                    })?;
                }
                self.out.push(b'}');
            }
            (
                TreeOut::Record { place, answers },
                record @ (Tree::Record(noun, id) | Tree::MaybeRecord(noun, id)),
            ) => {
                let mut kinds = records.get(*place).into_iter().flatten().zip(answers);
                let found = kinds.find_map(|((rows, places), (kind, answer))| {
                    places.get(id).filter(|_| kind == noun).map(|row| (rows, *row, answer))
                });
                match found {
                    Some((rows, row, answer)) => self.object(answer, rows, row)?,
                    None if matches!(record, Tree::MaybeRecord(..)) => self.text("null"),
                    None => return self.vanished(),
                }
            }
            (_, Tree::Boolean(value)) => self.boolean(*value),
            (_, Tree::Int(number)) => self.number(*number),
            (_, Tree::Float(number)) => {
                let _ = serde_json::to_writer(&mut self.out, number);
            }
            (_, Tree::Text(text)) => {
                let _ = serde_json::to_writer(&mut self.out, text);
            }
            (_, Tree::Null) => self.text("null"),
            (out, tree) => unreachable!("{tree:?} where {out:?} was declared"),
        }
        Ok(())
    }

    fn tree_or_fail(
        &mut self,
        out: &'a TreeOut,
        tree: &'a Tree,
        nullable: bool,
        records: &'a [Vec<Records>],
    ) -> Result<(), Null> {
        if *tree == Tree::Null && !nullable && !matches!(out, TreeOut::Typename(_)) {
            return self.fail(missing());
        }
        self.tree(out, tree, records)
    }

    fn one(
        &mut self,
        answers: &'a [Object],
        kinds: &'a [Rows],
        found: Option<(usize, usize)>,
        nullable: bool,
    ) -> Result<(), Null> {
        match found {
            Some((kind, row)) => self.object(&answers[kind], &kinds[kind], row),
            None if nullable => {
                self.text("null");
                Ok(())
            }
            None => self.vanished(),
        }
    }

    /// Between one level and the next, somebody deleted it.
    fn vanished(&mut self) -> Result<(), Null> {
        self.fail(Refusal::changed_meanwhile())
    }

    fn connection(
        &mut self,
        entries: &'a [ConnectionEntry],
        pages: &'a Pages,
        place: usize,
    ) -> Result<(), Null> {
        let rows = pages.of.get(place).map_or(&[][..], Vec::as_slice);
        self.out.push(b'{');
        for (index, entry) in entries.iter().enumerate() {
            self.comma(index);
            self.text(&entry.label);
            match &entry.out {
                ConnectionOut::Typename(name) => self.quoted(name),
                ConnectionOut::TotalCount(aside) => self.number(count(pages, *aside, place).0),
                ConnectionOut::Count(aside, fields) => self.count(fields, count(pages, *aside, place)),
                ConnectionOut::Facets(fields) => {
                    let key = &entry.label[1..entry.label.len() - 2];
                    self.within(Step::Key(key), |writer| writer.facets(fields, pages, place))?;
                }
                ConnectionOut::PageInfo(fields) => self.page_info(fields, pages, rows, place)?,
                ConnectionOut::Edges(fields) => {
                    let key = &entry.label[1..entry.label.len() - 2];
                    self.within(Step::Key(key), |writer| {
                        writer.list(rows, |writer, row| writer.edge(fields, pages, *row))
                    })?;
                }
                ConnectionOut::Nodes(object) => {
                    let key = &entry.label[1..entry.label.len() - 2];
                    self.within(Step::Key(key), |writer| {
                        writer.list(rows, |writer, row| writer.object(object, &pages.rows, *row))
                    })?;
                }
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    fn count(&mut self, fields: &[(String, CountOut)], (value, precision): (i64, Precision)) {
        self.out.push(b'{');
        for (index, (label, field)) in fields.iter().enumerate() {
            self.comma(index);
            self.text(label);
            match field {
                CountOut::Typename => self.quoted("Count"),
                CountOut::Value => self.number(value),
                CountOut::Precision => self.quoted(precision.name()),
            }
        }
        self.out.push(b'}');
    }

    fn facets(
        &mut self,
        fields: &'a [(String, FacetOut)],
        pages: &'a Pages,
        place: usize,
    ) -> Result<(), Null> {
        self.out.push(b'{');
        for (index, (label, field)) in fields.iter().enumerate() {
            self.comma(index);
            self.text(label);
            match field {
                FacetOut::Typename(name) => self.quoted(name),
                FacetOut::Counts(aside, answer) => {
                    let FetchedAside::Facet { rows, of } = &pages.asides[*aside] else {
                        unreachable!("a facet was planned there")
                    };
                    let key = &label[1..label.len() - 2];
                    self.within(Step::Key(key), |writer| {
                        writer.list(&of[place], |writer, row| writer.object(answer, rows, *row))
                    })?;
                }
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    fn page_info(
        &mut self,
        fields: &'a [(String, PageInfo)],
        pages: &Pages,
        rows: &[usize],
        place: usize,
    ) -> Result<(), Null> {
        let [before, behind] = pages.sides.each_ref().map(|side| side[place]);
        self.out.push(b'{');
        for (index, (label, field)) in fields.iter().enumerate() {
            self.comma(index);
            self.text(label);
            match field {
                PageInfo::Typename => self.quoted("PageInfo"),
                PageInfo::HasNextPage => self.boolean(behind),
                PageInfo::HasPreviousPage => self.boolean(before),
                PageInfo::StartCursor => self.cursor_or_null(rows.first(), pages)?,
                PageInfo::EndCursor => self.cursor_or_null(rows.last(), pages)?,
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    fn cursor_or_null(&mut self, row: Option<&usize>, pages: &Pages) -> Result<(), Null> {
        match row {
            Some(row) => self.cursor(pages, *row),
            None => {
                self.text("null");
                Ok(())
            }
        }
    }

    fn edge(&mut self, fields: &'a [(String, EdgeOut)], pages: &'a Pages, row: usize) -> Result<(), Null> {
        self.out.push(b'{');
        for (index, (label, field)) in fields.iter().enumerate() {
            self.comma(index);
            self.text(label);
            match field {
                EdgeOut::Typename(name) => self.quoted(name),
                EdgeOut::Cursor => self.cursor(pages, row)?,
                EdgeOut::Node(object) => {
                    let key = &label[1..label.len() - 2];
                    self.within(Step::Key(key), |writer| writer.object(object, &pages.rows, row))?;
                }
                EdgeOut::Attribute { index, scalar, nullable } => {
                    self.column(&pages.rows.rows[row], *index, *scalar, *nullable)?;
                }
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    fn cursor(&mut self, pages: &Pages, row: usize) -> Result<(), Null> {
        let row = &pages.rows.rows[row];
        let key = match &pages.order.by {
            By::Id => Ok(None),
            By::Key(_, kind) => execute::sort_key(row, *kind).map(Some),
            By::Relevance => execute::sort_key(row, KeyKind::Rank).map(Some),
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

    /// Writes a value; false where it is null.
    fn scalar(&mut self, row: &PgRow, index: usize, scalar: Scalar) -> Result<bool, sqlx::Error> {
        match scalar {
            // Without a type it is a global id already, of records of several types.
            Scalar::Enumeration(_) | Scalar::Id("") => match execute::text(row, index)? {
                Some(name) => self.quoted(name),
                None => return Ok(false),
            },
            Scalar::Id(noun) => match execute::get(row, index)? {
                Some(id) => self.quoted(&pagination::global_id(noun, id)),
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
            | Scalar::PartialDate
            | Scalar::DateTime
            | Scalar::Url
            | Scalar::Cursor => match execute::text(row, index)? {
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

    fn failed(&mut self, fetched: &Fetched) -> Result<(), Null> {
        match fetched {
            Fetched::Failed(refusal) => self.fail(refusal.clone()),
            _ => unreachable!("an edge leads to what its plan says"),
        }
    }

    fn fail(&mut self, refusal: Refusal) -> Result<(), Null> {
        let path = self.path.iter().map(|step| match step {
            Step::Key(key) => PathStep::Key((*key).to_owned()),
            Step::Index(index) => PathStep::Index(*index),
        });
        self.errors.push(refusal.at(path.collect()));
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

    /// A text that needs no escapes: a name or an encoded id.
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

/// A count of the connection's records, for one parent.
fn count(pages: &Pages, aside: usize, place: usize) -> (i64, Precision) {
    match &pages.asides[aside] {
        FetchedAside::Counts(counts) => counts[place],
        FetchedAside::Facet { .. } => unreachable!("a count was planned there"),
    }
}

fn missing() -> Refusal {
    Refusal::new(Code::Internal, "A value that is always there is missing.")
}
