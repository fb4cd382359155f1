//! A statement: SQL with its bound values.

use sqlx::{
    Postgres,
    encode::{Encode, IsNull},
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo, types::Oid},
};

/// Longer statements are not prepared.
pub const MAX_PREPARED_BYTES: usize = 4096;

pub const ANY_PARENT: &str = "any((select $1::bigint[])::bigint[])";

/// SQL with its values. A statement for several parents has their ids as `$1`.
#[derive(Clone, Debug)]
pub struct Statement {
    pub sql: String,
    pub binds: Vec<Bind>,
    /// Number of subqueries.
    pub subqueries: usize,
    /// Whether Postgres plans it each time, so that what follows from its values alone is computed once.
    pub planned: bool,
    /// The key of a lookup of one record.
    pub key: Option<Key>,
    /// How to find a missing record by the id or slug that it had before a merge.
    pub merged: Option<Merged>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Id,
    Slug,
}

impl Key {
    pub fn column(self) -> &'static str {
        match self {
            Key::Id => "id",
            Key::Slug => "slug",
        }
    }
}

/// Lookup of merged records by old ids and slugs.
#[derive(Clone, Debug)]
pub struct Merged {
    pub names: &'static str,
    pub table: &'static str,
    /// Columns after the id, each with a leading comma.
    pub columns: Box<str>,
}

/// Start of a statement that finds records by id or key.
pub const SELECT_ID: &str = "select t.id";

/// The value of a parameter.
#[derive(Clone, Debug)]
pub enum Bind {
    /// The ids of the parents, known when the statement runs.
    Parents,
    Id(i64),
    Ids(Vec<i64>),
    Int(i32),
    Ints(Vec<i32>),
    Float(f64),
    Floats(Vec<f64>),
    Text(String),
    MaybeText(Option<String>),
    Texts(Vec<String>),
    Date(i32),
    Rank(f32),
}

/// A `date` in the binary format of Postgres: days since 2000-01-01, or an infinity.
pub struct Days(pub i32);

impl sqlx::Type<Postgres> for Days {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1082))
    }
}

impl Encode<'_, Postgres> for Days {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode_by_ref(&self.0, buffer)
    }
}

impl Statement {
    pub fn of_parents(sql: String) -> Self {
        Statement { sql, binds: vec![Bind::Parents], subqueries: 0, planned: false, key: None, merged: None }
    }

    /// Long statements rarely repeat, and a prepared one takes megabytes of every connection.
    pub fn is_prepared(&self) -> bool {
        !self.planned && self.sql.len() <= MAX_PREPARED_BYTES
    }

    /// The lookup by old ids or slugs.
    pub fn under_old_names(&self) -> Option<Statement> {
        let Merged { names, table, columns } = self.merged.as_ref()?;
        let sql = match self.key {
            None => {
                format!(
                    "select m.id{columns} from {names} m join {table} t on t.id = m.kept_id where m.id = {ANY_PARENT}"
                )
            }
            Some(key) => format!(
                "{SELECT_ID}{columns} from {table} t where t.id = (select kept_id from {names} where {} = $1 limit 1)",
                key.column()
            ),
        };
        Some(Statement { sql, merged: None, ..self.clone() })
    }

    pub fn arguments(&self, parents: &[i64]) -> Result<PgArguments, sqlx::Error> {
        use sqlx::Arguments;
        let mut arguments = PgArguments::default();
        for bind in &self.binds {
            match bind {
                Bind::Parents => arguments.add(parents),
                Bind::Id(id) => arguments.add(id),
                Bind::Ids(ids) => arguments.add(ids),
                Bind::Int(number) => arguments.add(number),
                Bind::Ints(numbers) => arguments.add(numbers),
                Bind::Float(number) => arguments.add(number),
                Bind::Floats(numbers) => arguments.add(numbers),
                Bind::Text(text) => arguments.add(text),
                Bind::MaybeText(text) => arguments.add(text),
                Bind::Texts(texts) => arguments.add(texts),
                Bind::Date(days) => arguments.add(Days(*days)),
                Bind::Rank(rank) => arguments.add(rank),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_statements_stay_prepared() {
        let of = |length| Statement::of_parents("x".repeat(length));
        assert!(of(MAX_PREPARED_BYTES).is_prepared());
        assert!(!of(MAX_PREPARED_BYTES + 1).is_prepared());
    }
}
