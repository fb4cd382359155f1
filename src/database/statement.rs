//! A statement: its text, and the values that stand in it.

use sqlx::{
    Postgres,
    encode::{Encode, IsNull},
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo, types::Oid},
};

/// Bytes of a statement that stays prepared.
pub const LONGEST_PREPARED: usize = 4096;

/// One of the parents.
pub const ANY_PARENT: &str = "any((select $1::bigint[])::bigint[])";

/// A statement with its values. Where it answers for several parents, their ids are `$1`.
#[derive(Clone, Debug)]
pub struct Statement {
    pub sql: String,
    pub binds: Vec<Bind>,
    /// Queries within it.
    pub subqueries: usize,
    /// By which key one record is looked up, where it is the id or the slug.
    pub key: Option<Key>,
    /// How a record that is missing among the rows is found under the name it had before it was merged.
    pub merged: Option<Merged>,
}

/// What names one record of a type.
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

/// Where old names of merged records are stored, and what is selected of the record.
#[derive(Clone, Debug)]
pub struct Merged {
    /// The table of old ids and slugs.
    pub names: &'static str,
    /// The table of the records.
    pub table: &'static str,
    /// What is selected behind the id, with a comma before each column.
    pub columns: Box<str>,
}

/// What the text of a statement begins with that finds records by their ids or a key.
pub const SELECT_ID: &str = "select t.id";

/// A value in the place of `$n`.
#[derive(Clone, Debug)]
pub enum Bind {
    /// The ids of the parents, known once they were fetched.
    Parents,
    Id(i64),
    Ids(Vec<i64>),
    Int(i32),
    Ints(Vec<i32>),
    Text(String),
    MaybeText(Option<String>),
    Texts(Vec<String>),
    Date(i32),
    Rank(f32),
}

/// A `date` as Postgres sends it: days since 2000-01-01, its infinities included.
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
    /// A text whose only value are the ids of the parents.
    pub fn of_parents(sql: String) -> Self {
        Statement { sql, binds: vec![Bind::Parents], subqueries: 0, key: None, merged: None }
    }

    /// Whether it stays prepared: what is longer is seldom asked twice, and takes megabytes of each connection.
    pub fn is_prepared(&self) -> bool {
        self.sql.len() <= LONGEST_PREPARED
    }

    /// The statement that looks for what is missing under old names; made only where something is.
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
        Some(Statement {
            sql,
            binds: self.binds.clone(),
            subqueries: self.subqueries,
            key: self.key,
            merged: None,
        })
    }

    /// The values as the driver takes them.
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
        assert!(of(LONGEST_PREPARED).is_prepared());
        assert!(!of(LONGEST_PREPARED + 1).is_prepared());
    }
}
