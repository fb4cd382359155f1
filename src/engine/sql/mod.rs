//! SQL for one level of a plan. The text depends on the shape of the request alone, and on whether an index finds a
//! part of a text; every value is bound, so that the database plans a text once.

mod filters;
mod groups;
mod operators;
mod pages;

use std::{borrow::Cow, fmt::Write};

use async_graphql::{Name, Value};
use indexmap::IndexMap;

pub use self::{
    filters::{matches_all, of_one},
    groups::{GroupOrder, Grouping},
    operators::check_length,
    pages::{Paged, Side},
};
use crate::{
    database::statement::{ANY_PARENT, Bind, Key, Merged, SELECT_ID, Statement},
    error::ApiError,
    model::{
        object_type::{Join, LookupInput, LookupKey, ObjectType, OwnedList},
        pagination,
        sql::Reads,
    },
};

/// The parents by their ids, each with its position. The inner select hides the number of ids from the planner, which
/// would otherwise plan anew for each number.
const PARENTS: &str = "unnest((select $1::bigint[])) with ordinality p (id, place)";

type Fields = IndexMap<Name, Value>;

/// A column of a level's rows, and what its SQL reads.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectedColumn {
    pub sql: String,
    /// The column of the level's own row, if it is only that.
    pub column: Option<Cow<'static, str>>,
    pub reads: Reads,
}

/// The records with these ids: column 0 is the id.
pub fn by_ids(object_type: &ObjectType, columns: &[SelectedColumn]) -> Statement {
    let columns = listed(columns);
    let table = object_type.table;
    let sql = format!("{SELECT_ID}{columns} from {table} t where t.id = {ANY_PARENT}");
    let merged = object_type.merged.map(|names| Merged { names, table, columns: columns.into() });
    Statement { merged, ..Statement::of_parents(sql) }
}

/// The owned values of these owners: column 0 is the owner's id.
pub fn values(values: &OwnedList, columns: &[SelectedColumn]) -> Statement {
    let owner = values.owner;
    let mut sql = format!("select t.{owner}{}", listed(columns));
    let order = values.order.replace("{}", "t");
    let _ = write!(sql, " from {} t where t.{owner} = {ANY_PARENT} order by {order}", values.table);
    Statement::of_parents(sql)
}

/// The record that a key names: column 0 is the id.
pub fn lookup(
    object_type: &ObjectType,
    columns: &[SelectedColumn],
    by: &Fields,
    argument: &str,
) -> Result<Statement, ApiError> {
    let mut builder = Builder::default();
    let (columns, table) = (listed(columns), object_type.table);
    let _ = write!(builder.sql, "{SELECT_ID}{columns} from {table} t where ");
    builder.key(object_type, by, "t", argument)?;
    let numbered = object_type.root.iter().flat_map(|root| &root.keys);
    let mut numbered = numbered.filter(|key| matches!(key.input, LookupInput::RevisionNumber));
    let key = match () {
        () if by.contains_key("id") || numbered.any(|key| by.contains_key(key.name)) => Some(Key::Id),
        () if by.contains_key("slug") => Some(Key::Slug),
        () => None,
    };
    let merged = object_type.merged.filter(|_| key.is_some());
    let merged = merged.map(|names| Merged { names, table, columns: columns.into() });
    Ok(Statement { key, merged, ..builder.finish() })
}

/// The statement that finds the id of the record that a key names.
pub fn lookup_id(object_type: &ObjectType, by: &Fields, argument: &str) -> Result<Statement, ApiError> {
    lookup(object_type, &[], by, argument)
}

/// Columns with a comma before each.
fn listed(columns: &[SelectedColumn]) -> String {
    let mut sql = String::new();
    for column in columns {
        sql.push_str(", ");
        sql.push_str(&column.sql);
    }
    sql
}

#[derive(Default)]
struct Builder {
    sql: String,
    /// Whether the predicate is below `or` or `not` within its query.
    optional: bool,
    /// References that are written as joins.
    joined: usize,
    /// References around what is written.
    depth: usize,
    binds: Vec<Bind>,
    /// Number of aliases of tables in subqueries.
    aliases: usize,
    subqueries: usize,
    /// Whether it has a full-text query, which takes Postgres a while to make of words.
    planned: bool,
    /// The place of the words of the outermost `search`, which an order by relevance ranks by.
    searched: Option<usize>,
    /// The condition that records have the words of the outermost filter.
    words: Option<String>,
}

impl Builder {
    fn finish(self) -> Statement {
        let Builder { sql, binds, subqueries, planned, .. } = self;
        Statement { sql, binds, subqueries, planned, key: None, merged: None }
    }

    fn parents(&mut self) {
        self.binds.push(Bind::Parents);
    }

    /// Binds a value and writes its parameter.
    fn push(&mut self, bind: Bind) {
        self.binds.push(bind);
        let _ = write!(self.sql, "${}", self.binds.len());
    }

    /// An alias for the table that a subquery reads.
    fn subquery(&mut self) -> String {
        self.subqueries += 1;
        self.alias("t")
    }

    fn alias(&mut self, stem: &str) -> String {
        self.aliases += 1;
        format!("{stem}{}", self.aliases)
    }

    /// The tables on the other side of an edge, with the condition that they belong to `owner`.
    fn other_side(&mut self, object_type: &ObjectType, via: Join, owner: &str, alias: &str, link: &str) {
        let table = object_type.table;
        let _ = match via {
            Join::All => write!(self.sql, "{table} {alias} where true"),
            Join::Column(column) => write!(self.sql, "{table} {alias} where {alias}.{column} = {owner}"),
            Join::Either(one, other) => write!(
                self.sql,
                "{table} {alias} where ({alias}.{one} = {owner} or {alias}.{other} = {owner})"
            ),
            Join::Link(between, from, to) => write!(
                self.sql,
                "{between} {link} join {table} {alias} on {alias}.id = {link}.{to} where {link}.{from} = {owner}"
            ),
        };
    }

    /// The record that one key of `by` names.
    fn key(
        &mut self,
        object_type: &ObjectType,
        by: &Fields,
        alias: &str,
        path: &str,
    ) -> Result<(), ApiError> {
        let (name, value) = by.first().expect("exactly one key was given");
        if name == "id" {
            let _ = write!(self.sql, "{alias}.id = ");
            self.push(Bind::Id(key_id(object_type, value, path)?));
            return Ok(());
        }
        let key: &LookupKey = object_type.key_named(name).expect("validated");
        let values: Vec<&Value> = match (&key.input, value) {
            (LookupInput::Texts(_, _, names), Value::Object(fields)) => {
                names.iter().filter_map(|(name, _)| fields.get(*name)).collect()
            }
            _ => vec![value],
        };
        let sql = key.sql.replace("{}", alias);
        let mut parts = sql.split("$?");
        self.sql.push_str(parts.next().unwrap_or_default());
        for (part, value) in parts.zip(values) {
            self.push(match key.input {
                LookupInput::RevisionNumber => Bind::Id(big_of(value)),
                LookupInput::Text | LookupInput::Texts(..) => Bind::Text(text_of(value)),
            });
            self.sql.push_str(part);
        }
        Ok(())
    }
}

/// Refuses a key whose id is of another object type.
pub fn check_key(object_type: &ObjectType, by: &Fields, path: &str) -> Result<(), ApiError> {
    by.get("id").map_or(Ok(()), |value| key_id(object_type, value, path).map(|_| ()))
}

fn key_id(object_type: &ObjectType, value: &Value, path: &str) -> Result<i64, ApiError> {
    own_id(object_type.name, value, &format!("{path}.id"))
}

/// The row's number in the global id of an object type.
fn own_id(object_type: &str, value: &Value, path: &str) -> Result<i64, ApiError> {
    match pagination::parse_global_id(&text_of(value)) {
        Some((name, id)) if name == object_type => Ok(id),
        _ => Err(ApiError::bad_input(
            path,
            format!("`{path}` is not the id of a record of type {object_type}."),
        )),
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Enum(name) => name.to_string(),
        other => other.to_string(),
    }
}

fn big_of(value: &Value) -> i64 {
    match value {
        Value::Number(number) => number.as_i64().unwrap_or(i64::MAX),
        _ => unreachable!("coerced to a number"),
    }
}
