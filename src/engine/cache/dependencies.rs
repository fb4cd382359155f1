//! The rows that a response depends on, including rows that do not exist yet.
//!
//! Rows are identified by a column that refers to a record: the statements of a meeting depend on the rows of
//! `statements` whose `meeting_id` is that meeting. Dependencies follow from the plan and the fetched rows. If they
//! can't be determined (computed fields, filters across references, `asOf`), the response depends on everything.

use std::{collections::BTreeSet, fmt};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use sha2::{Digest, Sha256};
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
        object_type::{Join, ObjectType, SortKey, ToMany},
        sql::Reads,
    },
};

/// Maximum number of tags; a response with more depends on everything, which is faster to check.
const MAX_TAGS: usize = 4096;
/// The log to which every change adds a row.
const REVISIONS: &str = "revisions";

/// A hash that identifies some rows, the same in every build and on every server. A collision only invalidates too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheTag(u64);

impl CacheTag {
    /// All rows of a table, present and future.
    pub fn table(table: &str) -> Self {
        CacheTag::of(table, "").with(0)
    }

    /// The rows of a table with this value in a column.
    pub fn rows(table: &str, column: &str, value: i64) -> Self {
        CacheTag::of(table, column).with(value)
    }

    fn of(table: &str, column: &str) -> Self {
        let digest = Sha256::new().chain_update(table).chain_update([0]).chain_update(column).finalize();
        let (first, _) = digest.split_first_chunk().expect("a digest is longer");
        CacheTag(u64::from_be_bytes(*first))
    }

    /// Mixes in the value, so that neighbouring values differ in all bits.
    fn with(self, value: i64) -> Self {
        let mixed = (self.0 ^ value.cast_unsigned()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        CacheTag(mixed ^ (mixed >> 32))
    }
}

impl fmt::Display for CacheTag {
    /// The first 36 bits as six letters, digits, `-` and `_`: short, so that a header holds many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.0.to_be_bytes())[..6])
    }
}

#[derive(Debug)]
pub enum Dependencies {
    Everything,
    Rows {
        tags: Box<[CacheTag]>,
        /// The tables of these rows.
        tables: Box<[CacheTag]>,
    },
}

impl Dependencies {
    /// The dependencies of the rows that a plan has fetched.
    pub fn of(plan: &Plan, request: &BoundPlan, rows: &Rows) -> Self {
        let mut collector = Collector { request, tags: Vec::new(), tables: BTreeSet::new() };
        if collector.steps(&plan.root, rows).is_err() {
            return Dependencies::Everything;
        }
        let Collector { mut tags, tables, .. } = collector;
        tags.sort_unstable();
        tags.dedup();
        if tags.len() > MAX_TAGS {
            return Dependencies::Everything;
        }
        let tables = tables.into_iter().map(CacheTag::table).collect();
        Dependencies::Rows { tags: tags.into(), tables }
    }

    /// At most so many tags: those of the rows, or of their tables where there are too many; none if any change
    /// concerns the response.
    pub fn tags(&self, most: usize) -> Option<&[CacheTag]> {
        match self {
            Dependencies::Rows { tags, .. } if tags.len() <= most => Some(tags),
            Dependencies::Rows { tables, .. } if tables.len() <= most => Some(tables),
            _ => None,
        }
    }

    /// The size in bytes.
    pub fn bytes(&self) -> usize {
        match self {
            Dependencies::Everything => 0,
            Dependencies::Rows { tags, tables } => size_of_val(&**tags) + size_of_val(&**tables),
        }
    }
}

/// Dependencies that can't be determined.
struct Everything;

impl From<sqlx::Error> for Everything {
    fn from(_: sqlx::Error) -> Self {
        Everything
    }
}

type Collected<T = ()> = Result<T, Everything>;

struct Collector<'a> {
    request: &'a BoundPlan,
    tags: Vec<CacheTag>,
    tables: BTreeSet<&'static str>,
}

impl Collector<'_> {
    fn steps(&mut self, level: &Level, rows: &Rows) -> Collected {
        level
            .steps
            .iter()
            .zip(&rows.steps)
            .try_for_each(|(step, fetched)| self.step(step, fetched, &rows.rows))
    }

    fn step(&mut self, step: &Step, fetched: &StepRows, parents: &[PgRow]) -> Collected {
        if self.request.as_of(step).is_some() {
            return Err(Everything);
        }
        match (&step.kind, fetched) {
            (StepKind::ToOne(references), StepRows::ToOne { kinds, .. }) => {
                for (reference, rows) in references.iter().zip(kinds) {
                    self.records(&reference.level, &ids(parents, reference.column)?, rows)?;
                }
                Ok(())
            }
            (StepKind::OwnedList { values, owner, level }, StepRows::OwnedList { rows, .. }) => {
                self.rows(values.table, values.owner, &ids(parents, *owner)?);
                self.columns(level, rows)?;
                self.steps(level, rows)
            }
            (StepKind::References { values, owner, to, .. }, StepRows::References { kinds, .. }) => {
                self.rows(values.table, values.owner, &ids(parents, *owner)?);
                // The referenced records exist: deleting one would touch these rows too.
                to.iter()
                    .zip(kinds)
                    .try_for_each(|(reference, rows)| self.records(&reference.level, &[], rows))
            }
            (StepKind::ToMany { many, owner, level, aggregates, .. }, StepRows::ToMany(pages)) => {
                let owners = owner.map(|column| ids(parents, column)).transpose()?;
                self.connection(step, many, level, &owners.unwrap_or_default(), pages)?;
                aggregates
                    .iter()
                    .zip(&pages.aggregates)
                    .try_for_each(|(aggregate, fetched)| self.aggregate(aggregate, fetched))
            }
            (StepKind::Lookup(level), StepRows::ToOne { kinds, .. }) => {
                let BoundStep::Lookup(statement) = self.request.bound(step) else { return Err(Everything) };
                kinds.iter().try_for_each(|rows| self.lookup(level, statement, rows))
            }
            (StepKind::Nodes(levels), StepRows::ToOne { kinds, .. }) => {
                let BoundStep::Nodes(requested) = self.request.bound(step) else { return Err(Everything) };
                for (kind, (level, rows)) in levels.iter().zip(kinds).enumerate() {
                    let ids = requested.iter().flatten().filter(|(of, _)| *of == kind).map(|(_, id)| *id);
                    self.records(level, &distinct(ids.collect()), rows)?;
                }
                Ok(())
            }
            _ => Err(Everything),
        }
    }

    /// Records by id, and the steps from them.
    fn records(&mut self, level: &Level, requested: &[i64], rows: &Rows) -> Collected {
        let found = own_ids(level, rows)?;
        let ObjectType { table, merged, .. } = *level.object_type;
        self.rows(table, "id", requested);
        self.rows(table, "id", &found);
        if let Some(names) = merged
            && requested.iter().any(|id| found.binary_search(id).is_err())
        {
            self.rows(names, "id", requested);
        }
        self.columns(level, rows)?;
        self.steps(level, rows)
    }

    /// A record by key.
    fn lookup(&mut self, level: &Level, statement: &Statement, rows: &Rows) -> Collected {
        let ObjectType { table, merged, .. } = *level.object_type;
        let found: Option<i64> = rows.rows.first().map(|row| row.try_get(0)).transpose()?;
        match (statement.key, statement.binds.as_slice()) {
            (Some(Key::Id), [Bind::Id(requested)]) => {
                self.rows(table, "id", &[*requested]);
                if let Some(names) = merged.filter(|_| found != Some(*requested)) {
                    self.rows(names, "id", &[*requested]);
                }
            }
            (Some(Key::Slug), _) => {
                // The row does not say which of its slugs matched.
                if let Some(names) = merged {
                    self.table(names);
                }
                if found.is_none() {
                    self.table(table);
                }
            }
            _ => return Err(Everything),
        }
        self.rows(table, "id", found.as_slice());
        self.read(level, found.as_slice(), &rows.rows)?;
        self.steps(level, rows)
    }

    /// The pages of a connection, one per owner.
    fn connection(
        &mut self,
        step: &Step,
        many: &ToMany,
        level: &Level,
        owners: &[i64],
        pages: &PageRows,
    ) -> Collected {
        let BoundStep::ToMany { rows: statement, aggregates, of_one, .. } = self.request.bound(step) else {
            return Err(Everything);
        };
        let mut statements = statement.iter().chain(aggregates.iter().map(|(statement, _)| statement));
        if statements.any(|statement| statement.subqueries > 0) {
            return Err(Everything);
        }
        let ObjectType { table, merged, .. } = *level.object_type;
        let is_filtered = step.arguments.get("filter").is_some();
        if is_filtered {
            // Filters resolve the ids of merged actors.
            if let Some(names) = merged {
                self.table(names);
            }
        }
        match many.via {
            Join::All => match of_one.filter(|of_one| depends_on_owner(level, pages, *of_one)) {
                Some((column, id)) => self.rows(table, column, &[id]),
                None => self.table(table),
            },
            Join::Column(column) => self.rows(table, column, owners),
            Join::Either(one, other) => {
                self.rows(table, one, owners);
                self.rows(table, other, owners);
            }
            Join::Link(between, from, _) => {
                self.rows(between, from, owners);
                // A change of a record beyond the page can move it onto the page.
                let is_cut = pages.page.after.is_some()
                    || pages.page.before.is_some()
                    || pages.sides.iter().flatten().any(|more| *more);
                let reads_all = is_filtered
                    || pages
                        .aggregates
                        .iter()
                        .any(|aggregate| matches!(aggregate, AggregateRows::Groups { .. }))
                    || is_cut && !matches!(pages.order.by, SortKey::Id);
                if reads_all {
                    self.table(table);
                } else if statement.is_some() {
                    self.rows(table, "id", &own_ids(level, &pages.rows)?);
                }
            }
        }
        self.columns(level, &pages.rows)?;
        self.steps(level, &pages.rows)
    }

    fn aggregate(&mut self, aggregate: &Aggregate, fetched: &AggregateRows) -> Collected {
        match (aggregate, fetched) {
            (Aggregate::Count(_), AggregateRows::Counts(_)) => Ok(()),
            (
                Aggregate::Facet { level, .. } | Aggregate::Groups { level, .. },
                AggregateRows::Groups { rows, .. },
            ) => self.steps(level, rows),
            _ => Err(Everything),
        }
    }

    /// What columns read besides their own row: the time of the last change, and referenced records.
    fn columns(&mut self, level: &Level, rows: &Rows) -> Collected {
        if level.columns.iter().any(|column| column.reads != Reads::Row) {
            self.read(level, &own_ids(level, rows)?, &rows.rows)?;
        }
        Ok(())
    }

    fn read(&mut self, level: &Level, ids: &[i64], rows: &[PgRow]) -> Collected {
        for column in &level.columns {
            match column.reads {
                Reads::Row => {}
                Reads::History(history) => self.rows(REVISIONS, history, ids),
                Reads::Records(records) => {
                    for (to, refers) in records {
                        let index = column_index(level, refers).ok_or(Everything)?;
                        self.rows(to, "id", &self::ids(rows, index)?);
                    }
                }
            }
        }
        Ok(())
    }

    fn table(&mut self, table: &'static str) {
        self.tables.insert(table);
        self.tags.push(CacheTag::table(table));
    }

    fn rows(&mut self, table: &'static str, column: &str, values: &[i64]) {
        if values.is_empty() {
            return;
        }
        self.tables.insert(table);
        let rows = CacheTag::of(table, column);
        self.tags.extend(values.iter().map(|value| rows.with(*value)));
    }
}

/// Whether a page depends only on the rows that refer to one record. It doesn't if that id was merged, and facets
/// read beyond the filter.
fn depends_on_owner(level: &Level, pages: &PageRows, (column, id): (&str, i64)) -> bool {
    let refers = |row: &PgRow, index| get::<Option<i64>>(row, index).is_ok_and(|found| found == Some(id));
    let index = column_index(level, column);
    index.is_some_and(|index| pages.rows.rows.first().is_some_and(|row| refers(row, index)))
        && pages.aggregates.iter().all(|aggregate| matches!(aggregate, AggregateRows::Counts(_)))
}

/// The index of a column of the level's own row.
fn column_index(level: &Level, column: &str) -> Option<usize> {
    level.columns.iter().position(|selected| selected.column.as_deref() == Some(column))
}

/// The distinct ids in a column.
fn ids(rows: &[PgRow], column: usize) -> Collected<Vec<i64>> {
    let ids = rows.iter().map(|row| get::<Option<i64>>(row, column)).collect::<Result<Vec<_>, _>>()?;
    Ok(distinct(ids.into_iter().flatten().collect()))
}

/// The ids of the fetched rows of a level.
fn own_ids(level: &Level, rows: &Rows) -> Collected<Vec<i64>> {
    if rows.rows.is_empty() {
        return Ok(Vec::new());
    }
    let column = column_index(level, "id").ok_or(Everything)?;
    ids(&rows.rows, column)
}

fn distinct(mut ids: Vec<i64>) -> Vec<i64> {
    ids.sort_unstable();
    ids.dedup();
    ids
}
