//! The parents that a statement is run for, and the groups of its rows by parent.

use foldhash::{HashMap, HashMapExt};
use sqlx::{Row, postgres::PgRow};

use crate::engine::execute::{Result, get};

/// The distinct ids of rows, and for each row the index of its id.
pub struct Parents {
    pub distinct: Vec<i64>,
    pub places: Vec<Option<usize>>,
}

impl Parents {
    /// The root: one parent, whose id is not used.
    pub fn root() -> Self {
        Parents { distinct: vec![0], places: vec![Some(0)] }
    }

    pub fn of(ids: impl Iterator<Item = Option<i64>>) -> Self {
        let mut distinct = Vec::new();
        let mut known = HashMap::new();
        let places = ids.map(|id| {
            let id = id?;
            Some(*known.entry(id).or_insert_with(|| {
                distinct.push(id);
                distinct.len() - 1
            }))
        });
        let places = places.collect();
        Parents { distinct, places }
    }

    pub fn by_column(rows: &[PgRow], column: usize) -> Result<Self> {
        let ids = rows.iter().map(|row| get(row, column)).collect::<Result<Vec<Option<i64>>, _>>()?;
        Ok(Self::of(ids.into_iter()))
    }

    /// The rows of each parent, where column 0 is the parent's id.
    pub fn groups_by_id(&self, rows: &[PgRow]) -> Result<Vec<Vec<usize>>> {
        let place: HashMap<i64, usize> =
            self.distinct.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        self.groups(rows, |row| Ok(place[&row.try_get::<i64, _>(0)?]))
    }

    /// The rows of each parent, where column 0 is the parent's index, from 1.
    pub fn groups_by_place(&self, rows: &[PgRow]) -> Result<Vec<Vec<usize>>> {
        self.groups(rows, place_of)
    }

    /// The step's parents: the records in a column of the rows, or the root.
    pub fn of_step(rows: &[PgRow], owner: Option<usize>) -> Result<Self> {
        owner.map_or_else(|| Ok(Self::root()), |column| Self::by_column(rows, column))
    }

    fn groups(&self, rows: &[PgRow], place: impl Fn(&PgRow) -> Result<usize>) -> Result<Vec<Vec<usize>>> {
        let mut groups = vec![Vec::new(); self.distinct.len()];
        for (index, row) in rows.iter().enumerate() {
            groups[place(row)?].push(index);
        }
        Ok(self
            .places
            .iter()
            .map(|place| place.map_or_else(Vec::new, |place| groups[place].clone()))
            .collect())
    }
}

pub fn place_of(row: &PgRow) -> Result<usize> {
    let place: i64 = row.try_get(0)?;
    Ok(usize::try_from(place - 1).unwrap_or(0))
}
