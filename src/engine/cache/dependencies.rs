//! What an answer rests on: the rows that it was made of, and those that would be in it if they were there.
//! As long as nothing touches them, the answer stays as it is.
//!
//! Rows are told by a column that refers to a record: a page of what was said at a meeting rests on the
//! statements whose `meeting_id` is that meeting. This is read off the plan and the rows that were fetched by
//! it. Whatever isn't sure to rest on less rests on everything: what domain modules compute, filters through
//! references, the past.

use std::hash::{DefaultHasher, Hash, Hasher};

use sqlx::{Row, postgres::PgRow};

use crate::{
    database::statement::{Bind, Key, Statement},
    engine::{
        execute::{AggregateRows, PageRows, Rows, StepRows, get},
        plan::{
            Aggregate, Level, Plan, Step, StepKind,
            bind::{BoundPlan, BoundStep},
        },
    },
    model::{
        object_type::{FacetBy, Join, ObjectType, SortKey, ToMany},
        sql::Reads,
    },
};

/// Marks of one answer at most; with more it rests on everything, which is sooner looked at.
const MOST: usize = 4096;
/// The table of all changes, to which each adds a row.
const REVISIONS: &str = "revisions";

/// Some rows, by a number that others have only by accident. Whoever confuses them is merely too careful.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheTag(u64);

impl CacheTag {
    /// All rows of a table, be they there or yet to come.
    pub fn table(table: &str) -> Self {
        CacheTag::of(table, "").with(0)
    }

    /// The rows of a table in which a column has this value.
    pub fn rows(table: &str, column: &str, value: i64) -> Self {
        CacheTag::of(table, column).with(value)
    }

    fn of(table: &str, column: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        (table, column).hash(&mut hasher);
        CacheTag(hasher.finish())
    }

    /// Spreads the value over all bits, so that neighbours don't meet.
    fn with(self, value: i64) -> Self {
        let mixed = (self.0 ^ value.cast_unsigned()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        CacheTag(mixed ^ (mixed >> 32))
    }
}

/// What has to stay as it is.
#[derive(Debug)]
pub enum Dependencies {
    Everything,
    Rows(Box<[CacheTag]>),
}

impl Dependencies {
    /// What the rows rest on that were fetched by a plan.
    pub fn of(plan: &Plan, request: &BoundPlan, rows: &Rows) -> Self {
        let mut walk = Walk { request, marks: Vec::new() };
        if walk.edges(&plan.root, rows).is_err() {
            return Dependencies::Everything;
        }
        let mut marks = walk.marks;
        marks.sort_unstable();
        marks.dedup();
        if marks.len() > MOST { Dependencies::Everything } else { Dependencies::Rows(marks.into()) }
    }

    /// What it takes to keep it.
    pub fn bytes(&self) -> usize {
        match self {
            Dependencies::Everything => 0,
            Dependencies::Rows(marks) => size_of_val(&**marks),
        }
    }
}

/// Why a walk ended: less than everything would not be sure.
struct Everything;

impl From<sqlx::Error> for Everything {
    fn from(_: sqlx::Error) -> Self {
        Everything
    }
}

type Walked<T = ()> = Result<T, Everything>;

struct Walk<'a> {
    request: &'a BoundPlan,
    marks: Vec<CacheTag>,
}

impl Walk<'_> {
    fn edges(&mut self, level: &Level, rows: &Rows) -> Walked {
        level
            .edges
            .iter()
            .zip(&rows.edges)
            .try_for_each(|(edge, fetched)| self.edge(edge, fetched, &rows.rows))
    }

    fn edge(&mut self, edge: &Step, fetched: &StepRows, parents: &[PgRow]) -> Walked {
        if self.request.as_of(edge).is_some() {
            return Err(Everything);
        }
        match (&edge.way, fetched) {
            (StepKind::ToOne(references), StepRows::ToOne { kinds, .. }) => {
                for (reference, rows) in references.iter().zip(kinds) {
                    self.records(&reference.level, &ids(parents, reference.column)?, rows)?;
                }
                Ok(())
            }
            (StepKind::OwnedList { values, owner, level }, StepRows::OwnedList { rows, .. }) => {
                self.rows(values.table, values.owner, &ids(parents, *owner)?);
                self.columns(level, rows)?;
                self.edges(level, rows)
            }
            (StepKind::References { values, owner, to, .. }, StepRows::References { kinds, .. }) => {
                self.rows(values.table, values.owner, &ids(parents, *owner)?);
                // What these refer to is there: they would have been touched with it.
                to.iter()
                    .zip(kinds)
                    .try_for_each(|(reference, rows)| self.records(&reference.level, &[], rows))
            }
            (StepKind::ToMany { many, owner, level, asides, .. }, StepRows::ToMany(pages)) => {
                let owners = owner.map(|column| ids(parents, column)).transpose()?;
                self.connection(edge, many, level, &owners.unwrap_or_default(), pages)?;
                asides.iter().zip(&pages.asides).try_for_each(|(aside, fetched)| self.aside(aside, fetched))
            }
            (StepKind::Lookup(level), StepRows::ToOne { kinds, .. }) => {
                let BoundStep::Lookup(statement) = self.request.bound(edge) else { return Err(Everything) };
                kinds.iter().try_for_each(|rows| self.lookup(level, statement, rows))
            }
            (StepKind::Nodes(levels), StepRows::ToOne { kinds, .. }) => {
                let BoundStep::Nodes(asked) = self.request.bound(edge) else { return Err(Everything) };
                for (kind, (level, rows)) in levels.iter().zip(kinds).enumerate() {
                    let ids = asked.iter().flatten().filter(|(of, _)| *of == kind).map(|(_, id)| *id);
                    self.records(level, &distinct(ids.collect()), rows)?;
                }
                Ok(())
            }
            _ => Err(Everything),
        }
    }

    /// Records by their ids, and what they lead to.
    fn records(&mut self, level: &Level, asked: &[i64], rows: &Rows) -> Walked {
        let found = own_ids(level, rows)?;
        let ObjectType { table, merged, .. } = *level.object_type;
        self.rows(table, "id", asked);
        self.rows(table, "id", &found);
        if let Some(names) = merged
            && asked.iter().any(|id| found.binary_search(id).is_err())
        {
            self.rows(names, "id", asked);
        }
        self.columns(level, rows)?;
        self.edges(level, rows)
    }

    /// The record that a key names, if there is one.
    fn lookup(&mut self, level: &Level, statement: &Statement, rows: &Rows) -> Walked {
        let ObjectType { table, merged, .. } = *level.object_type;
        let found: Option<i64> = rows.rows.first().map(|row| row.try_get(0)).transpose()?;
        match (statement.key, statement.binds.as_slice()) {
            (Some(Key::Id), [Bind::Id(asked)]) => {
                self.rows(table, "id", &[*asked]);
                if let Some(names) = merged.filter(|_| found != Some(*asked)) {
                    self.rows(names, "id", &[*asked]);
                }
            }
            (Some(Key::Slug), _) => {
                // Under which of its slugs it was found is not told.
                self.marks.extend(merged.map(CacheTag::table));
                if found.is_none() {
                    self.marks.push(CacheTag::table(table));
                }
            }
            _ => return Err(Everything),
        }
        self.rows(table, "id", found.as_slice());
        self.read(level, found.as_slice(), &rows.rows)?;
        self.edges(level, rows)
    }

    /// The pages of a connection, one for each owner.
    fn connection(
        &mut self,
        edge: &Step,
        many: &ToMany,
        level: &Level,
        owners: &[i64],
        pages: &PageRows,
    ) -> Walked {
        let BoundStep::ToMany { rows: statement, asides, of_one, .. } = self.request.bound(edge) else {
            return Err(Everything);
        };
        let mut statements = statement.iter().chain(asides.iter().map(|(statement, _)| statement));
        if statements.any(|statement| statement.subqueries > 0) {
            return Err(Everything);
        }
        let ObjectType { table, merged, .. } = *level.object_type;
        let is_filtered = edge.arguments.get("filter").is_some();
        if is_filtered {
            // Ids are compared with those that they now mean.
            self.marks.extend(merged.map(CacheTag::table));
        }
        match many.via {
            Join::All => match of_one.filter(|of_one| is_told_by(level, pages, *of_one)) {
                Some((column, id)) => self.rows(table, column, &[id]),
                None => self.marks.push(CacheTag::table(table)),
            },
            Join::Column(column) => self.rows(table, column, owners),
            Join::Either(one, other) => {
                self.rows(table, one, owners);
                self.rows(table, other, owners);
            }
            Join::Link(between, from, _) => {
                self.rows(between, from, owners);
                // Records beyond the page may come to stand before those on it.
                let is_cut = pages.page.after.is_some()
                    || pages.page.before.is_some()
                    || pages.sides.iter().flatten().any(|more| *more);
                let reads_all = is_filtered
                    || pages.asides.iter().any(|aside| matches!(aside, AggregateRows::Facet { .. }))
                    || is_cut && !matches!(pages.order.by, SortKey::Id);
                if reads_all {
                    self.marks.push(CacheTag::table(table));
                } else if statement.is_some() {
                    self.rows(table, "id", &own_ids(level, &pages.rows)?);
                }
            }
        }
        self.columns(level, &pages.rows)?;
        self.edges(level, &pages.rows)
    }

    fn aside(&mut self, aside: &Aggregate, fetched: &AggregateRows) -> Walked {
        match (aside, fetched) {
            (Aggregate::Count(_), AggregateRows::Counts(_)) => Ok(()),
            (Aggregate::Facet { facet, level, .. }, AggregateRows::Facet { rows, .. })
                if !matches!(facet.by, FacetBy::Link { .. }) =>
            {
                self.edges(level, rows)
            }
            _ => Err(Everything),
        }
    }

    /// What the columns of records read besides their own rows: when they were changed, and records that they
    /// refer to.
    fn columns(&mut self, level: &Level, rows: &Rows) -> Walked {
        if level.columns.iter().any(|column| column.reads != Reads::Row) {
            self.read(level, &own_ids(level, rows)?, &rows.rows)?;
        }
        Ok(())
    }

    fn read(&mut self, level: &Level, ids: &[i64], rows: &[PgRow]) -> Walked {
        for column in &level.columns {
            match column.reads {
                Reads::Row => {}
                Reads::History(history) => self.rows(REVISIONS, history, ids),
                Reads::Records(records) => {
                    for (to, refers) in records {
                        let place = place_of(level, refers).ok_or(Everything)?;
                        self.rows(to, "id", &self::ids(rows, place)?);
                    }
                }
            }
        }
        Ok(())
    }

    fn rows(&mut self, table: &str, column: &str, values: &[i64]) {
        let rows = CacheTag::of(table, column);
        self.marks.extend(values.iter().map(|value| rows.with(*value)));
    }
}

/// Whether a page rests on nothing but the rows that refer to one record. An id may mean another since it was
/// merged, which the rows tell; and facets look beyond the filter.
fn is_told_by(level: &Level, pages: &PageRows, (column, id): (&str, i64)) -> bool {
    let refers = |row: &PgRow, place| get::<Option<i64>>(row, place).is_ok_and(|found| found == Some(id));
    let place = place_of(level, column);
    place.is_some_and(|place| pages.rows.rows.first().is_some_and(|row| refers(row, place)))
        && pages.asides.iter().all(|aside| matches!(aside, AggregateRows::Counts(_)))
}

/// The place of a column of the level's own row.
fn place_of(level: &Level, column: &str) -> Option<usize> {
    level.columns.iter().position(|selected| selected.column.as_deref() == Some(column))
}

/// The ids in a column of rows, each once.
fn ids(rows: &[PgRow], column: usize) -> Walked<Vec<i64>> {
    let ids = rows.iter().map(|row| get::<Option<i64>>(row, column)).collect::<Result<Vec<_>, _>>()?;
    Ok(distinct(ids.into_iter().flatten().collect()))
}

/// The ids of the rows of a level, where they were fetched.
fn own_ids(level: &Level, rows: &Rows) -> Walked<Vec<i64>> {
    if rows.rows.is_empty() {
        return Ok(Vec::new());
    }
    let column = place_of(level, "id").ok_or(Everything)?;
    ids(&rows.rows, column)
}

fn distinct(mut ids: Vec<i64>) -> Vec<i64> {
    ids.sort_unstable();
    ids.dedup();
    ids
}
