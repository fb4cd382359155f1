//! Checks rows against the database's constraints before they are written, so that a mutation reports all violations
//! at once. The constraints are read from the database, which alone defines them.

use std::{collections::HashMap, fmt::Write};

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgConnection, Row};

/// Maximum size of an indexed text in bytes: an index entry of two texts has at most 2704.
pub const MAX_INDEXED_BYTES: usize = 1300;

// Messages of mutations and imports alike.
pub const REQUIRED: &str = "This field must not be null.";
pub const ENTRY_REQUIRED: &str = "At least one entry is required.";
pub const DUPLICATE: &str = "Duplicate entry.";
pub const TAKEN: &str = "Another record already has this value, which must be unique.";

pub fn too_long(max: usize) -> String {
    format!("The value is too long: the maximum is {max} bytes of UTF-8.")
}

/// The constraints of all tables.
#[derive(Debug, Default)]
pub struct Rules {
    tables: HashMap<String, Table>,
    constraints: HashMap<String, Constraint>,
    /// The columns of each table that refer to each other table.
    references: Vec<(String, String, Vec<String>)>,
}

/// A table's columns with their types, and a statement that evaluates all checks for many rows.
#[derive(Debug, Default)]
struct Table {
    columns: Vec<(String, String)>,
    /// The columns that identify a row, the primary key first.
    unique: Vec<Unique>,
    indexed: Vec<String>,
    /// Generated columns with their types and expressions.
    generated: Vec<(String, String, String)>,
    /// The constraint's name, its column, and its expression.
    checks: Vec<(String, String, String)>,
}

/// The columns of a unique index.
#[derive(Debug)]
pub struct Unique {
    name: String,
    pub columns: Vec<String>,
    /// Whether two nulls are equal.
    pub nulls_alike: bool,
    /// The condition of a partial index.
    pub among: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    pub columns: Vec<String>,
    /// The error message: the constraint's comment.
    pub message: Option<String>,
}

/// A check of a table.
pub struct Check<'a> {
    /// The columns that it reads, the last one of the table first: see `Broken::named`.
    pub columns: Vec<&'a str>,
    /// The expression.
    pub holds: &'a str,
    pub message: &'a str,
}

/// A check that a row violates.
#[derive(Debug, PartialEq)]
pub struct Broken {
    /// The index of the row.
    pub row: usize,
    /// The columns that the check reads; errors name one of them.
    pub columns: Vec<String>,
    pub message: String,
}

impl Broken {
    /// The column that an error names, if it is one of those that are `known`: of several values that don't go together
    /// the last that was given, of values that need another one the one that is missing.
    pub fn named(
        &self,
        row: &Map<String, Value>,
        is_known: impl Fn(&str) -> bool,
        is_given: impl Fn(&str) -> bool,
    ) -> Option<&str> {
        let known = self.columns.iter().map(String::as_str).filter(|column| is_known(column));
        let (set, missing): (Vec<&str>, Vec<&str>) = known.partition(|column| is_set(row, column));
        let given = set.iter().find(|column| is_given(column));
        match (set.len(), missing.first()) {
            (0 | 1, Some(missing)) => Some(missing),
            _ => given.or(set.first()).copied(),
        }
    }
}

/// Whether a row has a value in a column.
pub fn is_set(row: &Map<String, Value>, column: &str) -> bool {
    row.get(column).is_some_and(|value| !value.is_null())
}

const COLUMNS: &str = "
    select t.relname::text as table, a.attname::text as column,
           format_type(case when y.typtype = 'd' then y.typbasetype else a.atttypid end, null) as type
    from pg_class t
    join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    join pg_type y on y.oid = a.atttypid
    where t.relkind = 'r' and t.relnamespace = current_schema()::regnamespace
    order by t.relname, a.attnum";

/// Generated columns that tell rows apart.
const GENERATED: &str = "
    select distinct t.relname::text as table, a.attname::text as column, format_type(a.atttypid, null) as type,
           pg_get_expr(d.adbin, d.adrelid) as expression
    from pg_class t
    join pg_attribute a on a.attrelid = t.oid and a.attgenerated <> ''
    join pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum
    join pg_index i on i.indrelid = t.oid and i.indisunique and a.attnum = any(i.indkey::int2[])
    where t.relkind = 'r' and t.relnamespace = current_schema()::regnamespace
    order by 1, 2";

/// Checks of tables, by the last of their columns, of the columns' domains, and references to vocabularies: to tables
/// that have no numbered rows, except what may be written after the rows that refer to it.
const CHECKS: &str = r"
    select t.relname::text as table, c.conname::text as name, a.attname::text as column,
           pg_get_expr(c.conbin, c.conrelid) as expression
    from pg_constraint c
    join pg_class t on t.oid = c.conrelid
    join pg_attribute a on a.attrelid = t.oid and a.attnum = (select max(number) from unnest(c.conkey) number)
    where c.contype = 'c' and t.relnamespace = current_schema()::regnamespace
    union all
    select t.relname, c.conname, a.attname, regexp_replace(pg_get_expr(c.conbin, 0), '\mVALUE\M', quote_ident(a.attname), 'g')
    from pg_attribute a
    join pg_class t on t.oid = a.attrelid and t.relkind = 'r' and t.relnamespace = current_schema()::regnamespace
    join pg_constraint c on c.contypid = a.atttypid and c.contype = 'c'
    where a.attnum > 0 and not a.attisdropped
    union all
    select t.relname, c.conname, (array_agg(a.attname order by a.attnum desc))[1],
           format('num_nulls(%1$s) > 0 or (%1$s) in (select %2$s from %3$I v)',
                  string_agg(quote_ident(a.attname), ', ' order by k.place),
                  string_agg('v.' || quote_ident(b.attname), ', ' order by k.place), f.relname)
    from pg_constraint c
    join pg_class t on t.oid = c.conrelid and t.relnamespace = current_schema()::regnamespace
    join pg_class f on f.oid = c.confrelid
    cross join unnest(c.conkey, c.confkey) with ordinality k (own, other, place)
    join pg_attribute a on a.attrelid = t.oid and a.attnum = k.own
    join pg_attribute b on b.attrelid = f.oid and b.attnum = k.other
    where c.contype = 'f' and not c.condeferred
    group by t.relname, c.conname, f.relname
    having bool_and(b.atttypid <> 'bigint'::regtype)
    order by 1, 2, 3";

/// All named constraints, including unique indexes.
const CONSTRAINTS: &str = "
    select c.conname::text as name, obj_description(c.oid, 'pg_constraint') as message,
           array(select a.attname::text from unnest(c.conkey) with ordinality k (number, place)
                 join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.number order by k.place) as columns
    from pg_constraint c where c.connamespace = current_schema()::regnamespace
    union all
    select t.relname::text, null,
           array(select a.attname::text from unnest(i.indkey::int2[]) with ordinality k (number, place)
                 join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number order by k.place)
    from pg_index i join pg_class t on t.oid = i.indexrelid
    where i.indisunique and t.relnamespace = current_schema()::regnamespace
      and not exists (select from pg_constraint where conindid = i.indexrelid)";

/// Texts that are indexed as a whole.
const INDEXED: &str = "
    select distinct t.relname::text as table, a.attname::text as column
    from pg_index i
    join pg_class t on t.oid = i.indrelid and t.relnamespace = current_schema()::regnamespace
    join pg_class x on x.oid = i.indexrelid
    join pg_am m on m.oid = x.relam and m.amname = 'btree'
    join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = x.oid
                    and d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid
    join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
    join pg_type y on y.oid = a.atttypid and y.typcategory = 'S'";

/// Unique indexes, the primary key first.
const UNIQUE: &str = "
    select t.relname::text as table, x.relname::text as name, i.indnullsnotdistinct as nulls_alike,
           coalesce(pg_get_expr(i.indpred, i.indrelid), 'true') as among,
           array(select a.attname::text from unnest(i.indkey::int2[]) with ordinality k (number, place)
                 join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number order by k.place) as columns
    from pg_index i join pg_class t on t.oid = i.indrelid join pg_class x on x.oid = i.indexrelid
    where i.indisunique and i.indexprs is null and t.relnamespace = current_schema()::regnamespace
    order by t.relname, i.indisprimary desc, i.indexrelid";

const REFERENCES: &str = "
    select t.relname::text as table, f.relname::text as to, array_agg(a.attname::text order by a.attnum) as columns
    from pg_constraint c
    join pg_class t on t.oid = c.conrelid
    join pg_class f on f.oid = c.confrelid
    join pg_attribute a on a.attrelid = c.conrelid and a.attnum = any(c.conkey)
    where c.contype = 'f' and c.connamespace = current_schema()::regnamespace
    group by 1, 2 order by 1, 2";

impl Rules {
    /// Reads the constraints from the system catalog.
    pub async fn load(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let mut rules = Rules::default();
        for row in sqlx::query(COLUMNS).fetch_all(&mut *connection).await? {
            let table = rules.tables.entry(row.try_get("table")?).or_default();
            table.columns.push((row.try_get("column")?, row.try_get("type")?));
        }
        for row in sqlx::query(CHECKS).fetch_all(&mut *connection).await? {
            let table = rules.tables.entry(row.try_get("table")?).or_default();
            table.checks.push((row.try_get("name")?, row.try_get("column")?, row.try_get("expression")?));
        }
        for row in sqlx::query(INDEXED).fetch_all(&mut *connection).await? {
            let table = rules.tables.entry(row.try_get("table")?).or_default();
            table.indexed.push(row.try_get("column")?);
        }
        for row in sqlx::query(GENERATED).fetch_all(&mut *connection).await? {
            let column = (row.try_get("column")?, row.try_get("type")?, row.try_get("expression")?);
            rules.tables.entry(row.try_get("table")?).or_default().generated.push(column);
        }
        for row in sqlx::query(UNIQUE).fetch_all(&mut *connection).await? {
            rules.tables.entry(row.try_get("table")?).or_default().unique.push(Unique {
                name: row.try_get("name")?,
                columns: row.try_get("columns")?,
                nulls_alike: row.try_get("nulls_alike")?,
                among: row.try_get("among")?,
            });
        }
        for row in sqlx::query(REFERENCES).fetch_all(&mut *connection).await? {
            let reference = (row.try_get("table")?, row.try_get("to")?, row.try_get("columns")?);
            rules.references.push(reference);
        }
        for row in sqlx::query(CONSTRAINTS).fetch_all(&mut *connection).await? {
            let constraint =
                Constraint { columns: row.try_get("columns")?, message: row.try_get("message")? };
            rules.constraints.insert(row.try_get("name")?, constraint);
        }
        Ok(rules)
    }

    pub fn constraint(&self, name: &str) -> Option<&Constraint> {
        self.constraints.get(name)
    }

    /// The columns that identify a row of a table; none if there is no such table.
    pub fn key(&self, table: &str) -> Option<&[String]> {
        self.tables.get(table)?.unique.first().map(|key| key.columns.as_slice())
    }

    pub fn unique(&self, table: &str) -> &[Unique] {
        self.tables.get(table).map_or(&[], |table| &table.unique)
    }

    /// The unique indexes of a table that have one of these columns, with their messages.
    pub fn unique_with<'a>(
        &'a self,
        table: &str,
        columns: &'a [String],
    ) -> impl Iterator<Item = (&'a Unique, &'a str)> {
        let concerned = move |unique: &&Unique| unique.columns.iter().any(|column| columns.contains(column));
        let unique = self.tables.get(table).map_or(&[][..], |table| &table.unique).iter().filter(concerned);
        unique.map(move |unique| (unique, self.message(&unique.name)))
    }

    /// The checks of these columns of a table, with their expressions and messages.
    pub fn checks_of<'a>(
        &'a self,
        table: &str,
        columns: &'a [String],
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let checks = self.tables.get(table).map_or(&[][..], |table| &table.checks);
        let concerned = |name: &str| {
            let constraint = self.constraint(name);
            constraint.is_some_and(|of| of.columns.iter().any(|column| columns.contains(column)))
        };
        let concerned = checks.iter().filter(move |(name, _, _)| concerned(name));
        concerned.map(|(name, _, holds)| (holds.as_str(), self.message(name)))
    }

    /// The tables and columns that refer to a table.
    pub fn references<'a>(&'a self, to: &'a str) -> impl Iterator<Item = (&'a str, &'a [String])> {
        let of = self.references.iter().filter(move |(_, of, _)| of == to);
        of.map(|(table, _, columns)| (table.as_str(), columns.as_slice()))
    }

    fn message(&self, constraint: &str) -> &str {
        let message = self.constraint(constraint).and_then(|constraint| constraint.message.as_deref());
        message.unwrap_or("This value breaks a rule.")
    }

    /// The type of a column, or the base type of its domain.
    pub fn type_of(&self, table: &str, column: &str) -> Option<&str> {
        self.columns(table).iter().find(|(name, _)| name == column).map(|(_, ty)| ty.as_str())
    }

    /// The columns of a table with their types, except generated ones.
    pub fn columns(&self, table: &str) -> &[(String, String)] {
        self.tables.get(table).map(|table| table.columns.as_slice()).unwrap_or_default()
    }

    /// The generated columns of a table that tell its rows apart, each with its type and expression.
    pub fn generated(&self, table: &str) -> &[(String, String, String)] {
        self.tables.get(table).map(|table| table.generated.as_slice()).unwrap_or_default()
    }

    /// The checks of a table.
    pub fn checks(&self, table: &str) -> impl Iterator<Item = Check<'_>> {
        let checks = self.tables.get(table).map(|table| table.checks.as_slice()).unwrap_or_default();
        checks.iter().map(|(name, column, holds)| {
            let columns = self.columns_of(name, column).collect();
            Check { columns, holds, message: self.message(name) }
        })
    }

    /// The columns of a check, of which this is the last one of the table.
    fn columns_of<'a>(&'a self, check: &str, last: &'a str) -> impl Iterator<Item = &'a str> {
        let columns = self.constraint(check).map(|constraint| constraint.columns.as_slice());
        let columns = columns.unwrap_or_default().iter().rev().map(String::as_str);
        std::iter::once(last).chain(columns.filter(move |column| *column != last))
    }

    /// The checks that these rows violate.
    pub async fn broken(
        &self,
        connection: &mut PgConnection,
        table: &str,
        rows: &[Map<String, Value>],
    ) -> Result<Vec<Broken>, sqlx::Error> {
        let Some(Table { columns, checks, indexed, .. }) = self.tables.get(table) else {
            return Ok(Vec::new());
        };
        let mut broken = too_long_texts(indexed, rows);
        if rows.is_empty() || checks.is_empty() {
            return Ok(broken);
        }
        let mut sql = String::from("select ordinality - 1");
        for (_, _, holds) in checks {
            let _ = write!(sql, ", ({holds}) is false");
        }
        let columns: Vec<String> = columns.iter().map(|(name, ty)| format!("{name} {ty}")).collect();
        let _ = write!(
            sql,
            " from rows from (jsonb_to_recordset($1) as ({})) with ordinality",
            columns.join(", ")
        );
        let rows = Value::Array(rows.iter().cloned().map(Value::Object).collect());
        let found = sqlx::query(AssertSqlSafe(sql)).bind(rows).fetch_all(connection).await?;
        for row in found {
            let place: i64 = row.try_get(0)?;
            for (number, (name, column, _)) in checks.iter().enumerate() {
                if row.try_get(number + 1)? {
                    broken.push(Broken {
                        row: usize::try_from(place).unwrap_or(0),
                        columns: self.columns_of(name, column).map(ToOwned::to_owned).collect(),
                        message: self.message(name).to_owned(),
                    });
                }
            }
        }
        Ok(broken)
    }
}

/// Texts that are too long for their index.
fn too_long_texts(indexed: &[String], rows: &[Map<String, Value>]) -> Vec<Broken> {
    let is_long = |row: &Map<String, Value>, column: &String| {
        row.get(column).and_then(Value::as_str).is_some_and(|text| text.len() > MAX_INDEXED_BYTES)
    };
    let of_row = |(place, row)| {
        indexed.iter().filter(move |column| is_long(row, column)).map(move |column| Broken {
            row: place,
            columns: vec![column.clone()],
            message: too_long(MAX_INDEXED_BYTES),
        })
    };
    rows.iter().enumerate().flat_map(of_row).collect()
}
