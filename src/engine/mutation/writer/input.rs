//! Reads the input of a mutation as rows: references are looked up, and the rows are checked against the rules.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write,
};

use async_graphql::{Name, Value as Input};
use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::{
    engine::{
        mutation::{
            rules::{DUPLICATE, ENTRY_REQUIRED, REQUIRED, TAKEN, is_set},
            writable_fields::{RowColumn, RowKind, Rows, WritableField, WritableKind},
            writer::{Failure, Fields, Mutation, UserError, error, text, within},
        },
        sql::lookup_id,
    },
    model::{languages, object_type::Scalar, pagination},
};

/// Records by the type and the key that name them.
type Known = HashMap<(&'static str, &'static str, String), i64>;

impl Mutation<'_> {
    /// The columns in the input, with references resolved.
    pub(super) async fn row(&mut self, connection: &mut PgConnection) -> Result<Map<String, Value>, Failure> {
        let mut row = Map::new();
        let task = self.task;
        for writable_field in &task.writable_fields {
            let Some(value) = self.input.get(writable_field.name) else { continue };
            match &writable_field.kind {
                WritableKind::Value { column, scalar } => {
                    let value = self.value(*scalar, value, &[writable_field.name.to_owned()]);
                    row.insert((*column).to_owned(), value);
                }
                WritableKind::Reference { column, to } => {
                    let id = self.reference(connection, to, value, &[writable_field.name.to_owned()]).await?;
                    row.insert((*column).to_owned(), id);
                }
                WritableKind::Rows(_) => {}
            }
        }
        Ok(row)
    }

    /// The lists in the input, as rows.
    pub(super) async fn lists(
        &mut self,
        connection: &mut PgConnection,
    ) -> Result<Vec<(usize, Vec<Map<String, Value>>)>, Failure> {
        let mut lists = Vec::new();
        let task = self.task;
        for (place, writable_field) in task.writable_fields.iter().enumerate() {
            let WritableKind::Rows(rows) = &writable_field.kind else { continue };
            let items = match self.input.get(writable_field.name) {
                Some(Input::List(items)) => items.as_slice(),
                Some(Input::Null) => &[],
                _ => continue,
            };
            if writable_field.needed
                && items.is_empty()
                && self.input.get(writable_field.name) != Some(&Input::Null)
            {
                self.wrong("INVALID", &[writable_field.name], ENTRY_REQUIRED);
            }
            let mut list = self.list_rows(connection, writable_field, rows, items).await?;
            if let Some(ordinal) = rows.ordinal {
                for (index, row) in list.iter_mut().enumerate() {
                    row.insert(ordinal.to_owned(), (index + 1).into());
                }
            }
            self.check(connection, rows.table, &list, Some((writable_field.name, rows))).await?;
            lists.push((place, list));
        }
        Ok(lists)
    }

    async fn list_rows(
        &mut self,
        connection: &mut PgConnection,
        writable_field: &WritableField,
        rows: &Rows,
        items: &[Input],
    ) -> Result<Vec<Map<String, Value>>, Failure> {
        let known = self.known(connection, rows, items).await?;
        let (mut list, mut seen) = (Vec::with_capacity(items.len()), HashSet::new());
        for (index, item) in items.iter().enumerate() {
            let path = [writable_field.name.to_owned(), index.to_string()];
            let row = self.list_row(connection, rows, item, &path, &known).await?;
            let is_wrong = self.errors.iter().any(|error| error.path.starts_with(&within(&path)));
            if !is_wrong && !seen.insert(row.clone()) {
                self.errors.push(UserError { path: within(&path), ..error("INVALID", &[], DUPLICATE) });
            }
            list.push(row);
        }
        Ok(list)
    }

    /// The records that the references in a list name by id or slug, by one statement for each type. A name that is
    /// not among them is looked up on its own, also among old names.
    async fn known(
        &self,
        connection: &mut PgConnection,
        rows: &Rows,
        items: &[Input],
    ) -> Result<Known, sqlx::Error> {
        let mut known = Known::new();
        if items.len() < 2 {
            return Ok(known);
        }
        for column in &rows.columns {
            let RowKind::Reference(to) = column.kind else { continue };
            let named = |key| {
                let value = move |item| match given(rows, column, item)? {
                    Input::Object(by) => by.get(key),
                    _ => None,
                };
                items.iter().filter_map(move |item| text(value(item)))
            };
            let slugs: Vec<String> = named("slug").collect();
            let ids = named("id").filter_map(|id| pagination::parse_global_id(&id));
            let ids: Vec<i64> = ids.filter(|(object_type, _)| object_type == to).map(|(_, id)| id).collect();
            if slugs.is_empty() && ids.is_empty() {
                continue;
            }
            let table = self.catalog.named(to).table;
            let sql = format!("select id, slug::text from {table} where id = any($1) or slug = any($2)");
            let query = sqlx::query_as(AssertSqlSafe(sql)).bind(ids).bind(slugs);
            let found: Vec<(i64, String)> = query.fetch_all(&mut *connection).await?;
            for (id, slug) in found {
                known.insert((to, "id", pagination::global_id(to, id)), id);
                known.insert((to, "slug", slug), id);
            }
        }
        Ok(known)
    }

    async fn list_row(
        &mut self,
        connection: &mut PgConnection,
        rows: &Rows,
        item: &Input,
        path: &[String],
        known: &Known,
    ) -> Result<Map<String, Value>, Failure> {
        let mut row = Map::new();
        for column in &rows.columns {
            let mut path = path.to_vec();
            if !rows.is_reference() {
                path.push(column.name.to_owned());
            }
            let value = match (column.kind, given(rows, column, item)) {
                (_, None | Some(Input::Null)) => {
                    let derived = column.derived.map(|derive| derive(&|name| value_of(item, name)));
                    if derived == Some(None) {
                        self.errors
                            .push(UserError { path: within(&path), ..error("REQUIRED", &[], REQUIRED) });
                    }
                    derived.flatten().map_or(Value::Null, Value::String)
                }
                (RowKind::Value(scalar), Some(value)) => self.value(scalar, value, &path),
                (RowKind::Content, Some(value)) => json(value),
                (RowKind::Reference(to), Some(value)) => match known_record(known, to, value) {
                    Some(id) => id.into(),
                    None => self.reference(connection, to, value, &path).await?,
                },
            };
            row.insert(column.column.to_owned(), value);
        }
        Ok(row)
    }

    /// A value in the input; an error if it is a language that is none.
    fn value(&mut self, scalar: Scalar, value: &Input, path: &[String]) -> Value {
        let (Scalar::Language, Input::String(tag)) = (scalar, value) else { return json(value) };
        let tag = languages::canonical(tag);
        if tag.is_none() {
            self.errors.push(UserError { path: within(path), ..error("INVALID", &[], languages::FORM) });
        }
        tag.map_or(Value::Null, Value::String)
    }

    /// The id of a record in the input; an error if there is none.
    async fn reference(
        &mut self,
        connection: &mut PgConnection,
        to: &str,
        value: &Input,
        path: &[String],
    ) -> Result<Value, Failure> {
        let Input::Object(by) = value else { return Ok(Value::Null) };
        let found = self.find(connection, to, by, &format!("input.{}", path.join("."))).await?;
        if found.is_none() {
            let message = format!("No such record of type {to} exists.");
            self.errors.push(UserError { path: within(path), ..error("NOT_FOUND", &[], &message) });
        }
        Ok(found.map_or(Value::Null, Value::from))
    }

    pub(super) async fn find(
        &self,
        connection: &mut PgConnection,
        object_type: &str,
        by: &Fields,
        path: &str,
    ) -> Result<Option<i64>, Failure> {
        let statement = lookup_id(self.catalog.named(object_type), by, path)?;
        let arguments = statement.arguments(&[]).map_err(Failure::from)?;
        let sql = AssertSqlSafe(statement.sql.as_str());
        let mut found = sqlx::query_with(sql, arguments).fetch_optional(&mut *connection).await?;
        if found.is_none()
            && let Some(merged) = statement.under_old_names()
        {
            let arguments = merged.arguments(&[]).map_err(Failure::from)?;
            let sql = AssertSqlSafe(merged.sql);
            found = sqlx::query_with(sql, arguments).fetch_optional(connection).await?;
        }
        Ok(found.map(|row| row.try_get(0)).transpose()?)
    }

    /// Checks rows: the record's own, or those of a list.
    pub(super) async fn check(
        &mut self,
        connection: &mut PgConnection,
        table: &str,
        rows: &[Map<String, Value>],
        list: Option<(&str, &Rows)>,
    ) -> Result<(), Failure> {
        // A missing reference is reported already; rules that count references would report it again.
        if !self.errors.is_empty()
            && list.is_none()
            && self.errors.iter().any(|error| error.code == "NOT_FOUND")
        {
            return Ok(());
        }
        for broken in self.rules.broken(connection, table, rows).await? {
            let (mut path, row) = (Vec::new(), &rows[broken.row]);
            let mut message = broken.message.clone();
            match list {
                Some((name, rows)) => {
                    path.extend([name.to_owned(), broken.row.to_string()]);
                    let entry = within(&path);
                    if self
                        .errors
                        .iter()
                        .any(|error| error.code == "NOT_FOUND" && error.path.starts_with(&entry))
                    {
                        continue;
                    }
                    let of = |name: &str| rows.columns.iter().find(|column| column.column == name);
                    // The owner is known when the row is written.
                    let named = broken.named(row, |column| of(column).is_some(), |_| true);
                    let Some(column) = named.and_then(of) else { continue };
                    if !rows.is_reference() {
                        path.push(column.name.to_owned());
                    }
                }
                None => {
                    let is_given = |column: &str| {
                        self.field_of(column).is_some_and(|field| self.input.contains_key(field))
                    };
                    let named = broken.named(row, |column| self.field_of(column).is_some(), is_given);
                    path.extend(named.and_then(|column| self.field_of(column)).map(ToOwned::to_owned));
                    let others = broken.columns.iter().filter(|column| {
                        Some(column.as_str()) != named && is_set(row, column) && !is_given(column)
                    });
                    let others: Vec<&str> = others.filter_map(|column| self.field_of(column)).collect();
                    if !others.is_empty() {
                        let _ = write!(message, " The record already has `{}`.", others.join("`, `"));
                    }
                }
            }
            self.errors.push(UserError { path: within(&path), ..error("INVALID", &[], &message) });
        }
        Ok(())
    }

    /// Whether the slug is taken. The constraint alone could not report it together with the other errors.
    pub(super) async fn check_slug(
        &mut self,
        connection: &mut PgConnection,
        row: &Map<String, Value>,
        own: Option<i64>,
    ) -> Result<(), Failure> {
        let Some(Value::String(slug)) = row.get("slug") else { return Ok(()) };
        let by = Fields::from_iter([(Name::new("slug"), Input::from(slug.as_str()))]);
        let found = self.find(connection, self.object_type.name, &by, "input.slug").await?;
        if found.is_some_and(|id| Some(id) != own) {
            self.wrong("TAKEN", &["slug"], TAKEN);
        }
        Ok(())
    }
}

/// What an entry of a list has for a column.
fn given<'i>(rows: &Rows, column: &RowColumn, item: &'i Input) -> Option<&'i Input> {
    match item {
        item if rows.is_reference() => Some(item),
        Input::Object(fields) => fields.get(column.name),
        _ => None,
    }
}

fn known_record(known: &Known, to: &'static str, value: &Input) -> Option<i64> {
    let Input::Object(by) = value else { return None };
    let mut keys = ["id", "slug"].into_iter();
    keys.find_map(|key| known.get(&(to, key, text(by.get(key))?)).copied())
}

/// A value as text for a column.
fn json(value: &Input) -> Value {
    match value {
        Input::Null => Value::Null,
        Input::Boolean(value) => (*value).into(),
        Input::Number(number) => Value::Number(number.clone()),
        Input::String(text) => text.as_str().into(),
        Input::Enum(name) => name.as_str().into(),
        other => other.to_string().into(),
    }
}

/// A field of an entry of a list; null if it has none.
fn value_of(item: &Input, name: &str) -> Value {
    match item {
        Input::Object(fields) => fields.get(name).map_or(Value::Null, json),
        _ => Value::Null,
    }
}
