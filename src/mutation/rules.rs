//! The rules that the database keeps by named constraints, asked of rows before they are written: the
//! database stays the only place that has them, and a mutation hears of all that it breaks at once.

use std::{collections::HashMap, fmt::Write};

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgConnection, Row};

/// What the constraints say of each table.
#[derive(Debug, Default)]
pub struct Rules {
    tables: HashMap<String, Table>,
    constraints: HashMap<String, Constraint>,
}

/// A table's columns with their types, and one statement that asks all its checks of many rows.
#[derive(Debug, Default)]
struct Table {
    columns: Vec<(String, String)>,
    /// Name of the constraint, its column, and the expression that holds.
    checks: Vec<(String, String, String)>,
}

/// A constraint by its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    pub columns: Vec<String>,
    /// What people are told who break it.
    pub message: Option<String>,
}

/// A check that a row would break.
#[derive(Debug, PartialEq)]
pub struct Broken {
    /// The place of the row among those asked about.
    pub row: usize,
    pub column: String,
    pub message: String,
}

const COLUMNS: &str = "
    select t.relname::text as table, a.attname::text as column,
           format_type(case when y.typtype = 'd' then y.typbasetype else a.atttypid end, null) as type
    from pg_class t
    join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    join pg_type y on y.oid = a.atttypid
    where t.relkind = 'r' and t.relnamespace = current_schema()::regnamespace
    order by t.relname, a.attnum";

/// Checks of tables, by the last of their columns, and of the domains that columns are of.
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
    order by 1, 2, 3";

/// All that can be broken by name, unique indexes included.
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

impl Rules {
    /// Reads the rules from the database's own catalog.
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

    /// The type of a table's column, as the base of its domain where it is of one.
    pub fn type_of(&self, table: &str, column: &str) -> Option<&str> {
        self.columns(table).iter().find(|(name, _)| name == column).map(|(_, ty)| ty.as_str())
    }

    /// The columns of a table with their types, but for those that are made of others.
    pub fn columns(&self, table: &str) -> &[(String, String)] {
        self.tables.get(table).map(|table| table.columns.as_slice()).unwrap_or_default()
    }

    /// The checks of a table: the column that each is about, the expression that holds, and what people
    /// are told who break it.
    pub fn checks(&self, table: &str) -> impl Iterator<Item = (&str, &str, &str)> {
        let checks = self.tables.get(table).map(|table| table.checks.as_slice()).unwrap_or_default();
        checks.iter().map(|(name, column, holds)| {
            let told = self.constraint(name).and_then(|constraint| constraint.message.as_deref());
            (column.as_str(), holds.as_str(), told.unwrap_or("It breaks a rule."))
        })
    }

    /// What these rows of a table would break.
    pub async fn broken(
        &self,
        connection: &mut PgConnection,
        table: &str,
        rows: &[Map<String, Value>],
    ) -> Result<Vec<Broken>, sqlx::Error> {
        let Some(Table { columns, checks }) = self.tables.get(table).filter(|table| !table.checks.is_empty())
        else {
            return Ok(Vec::new());
        };
        if rows.is_empty() {
            return Ok(Vec::new());
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
        let asked = sqlx::query(AssertSqlSafe(sql)).bind(rows).fetch_all(connection).await?;
        let mut broken = Vec::new();
        for row in asked {
            let place: i64 = row.try_get(0)?;
            for (number, (name, column, _)) in checks.iter().enumerate() {
                if row.try_get(number + 1)? {
                    let message = self.constraint(name).and_then(|constraint| constraint.message.clone());
                    broken.push(Broken {
                        row: usize::try_from(place).unwrap_or(0),
                        column: column.clone(),
                        message: message.unwrap_or_else(|| "It breaks a rule.".to_owned()),
                    });
                }
            }
        }
        Ok(broken)
    }
}
