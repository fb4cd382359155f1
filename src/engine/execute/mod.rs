//! A plan's levels fetched: one statement for each, whatever the number of parents; levels that
//! don't depend on each other at the same time.

pub mod as_of;

use async_graphql::Value;
use foldhash::{HashMap, HashMapExt};
use futures_util::{
    FutureExt,
    future::{BoxFuture, join_all, try_join_all, try_join3},
};
use sqlx::{Row, postgres::PgRow};
use tokio::time::{Instant, timeout_at};

use crate::{
    auth::caller::Caller,
    database::{reader::Reader, statement::Statement},
    engine::{
        plan::{
            Aggregate, Level, RecordPath, Reference, Step, StepKind,
            bind::{BoundPlan, BoundStep, CAP, Precision},
        },
        sql,
    },
    error::{ApiError, Code},
    model::{
        Catalog,
        object_type::{
            Order,
            computed::{self, ComputedValue, REVISION, ResolveContext},
        },
        pagination::{CursorKey, KeyKind, Page},
    },
};

/// The rows of a level and what their edges lead to. Column 0 of a row is what ties it to its
/// parent; the level's columns follow.
#[derive(Debug, Default)]
pub struct Rows {
    pub rows: Vec<PgRow>,
    pub edges: Vec<StepRows>,
}

/// What an edge leads to, for each row of its level.
#[derive(Debug)]
pub enum StepRows {
    /// For each parent the kind of record and its row, where there is one.
    ToOne {
        kinds: Vec<Rows>,
        found: Vec<Option<(usize, usize)>>,
    },
    /// For each parent its rows, in order.
    OwnedList {
        rows: Rows,
        of: Vec<Vec<usize>>,
    },
    /// For each parent its references, in order.
    References {
        kinds: Vec<Rows>,
        of: Vec<Vec<(usize, usize)>>,
    },
    ToMany(PageRows),
    /// For each parent its value, and for each place of records those that the values name.
    Computed {
        of: Vec<ComputedValue>,
        records: Vec<Vec<Records>>,
        /// What failed of a mutation that is answered all the same: the records of its value are not there.
        failed: Option<ApiError>,
    },
    /// The edge failed, and so does its field.
    Failed(ApiError),
}

/// Pages of one edge, for each parent.
#[derive(Debug)]
pub struct PageRows {
    pub rows: Rows,
    pub of: Vec<Vec<usize>>,
    /// Whether there are records before the page, and behind it, for each parent.
    pub sides: [Vec<bool>; 2],
    pub asides: Vec<AggregateRows>,
    /// The column of the id.
    pub id: usize,
    pub page: Page,
    pub order: &'static Order,
}

/// What a connection was asked for besides its records, for each parent.
#[derive(Debug)]
pub enum AggregateRows {
    Counts(Vec<(i64, Precision)>),
    Facet { rows: Rows, of: Vec<Vec<usize>> },
}

/// Records of one object type, and the row of each.
pub type Records = (Rows, HashMap<i64, usize>);

/// A column of a row, counted as the level counts.
pub fn get<'r, T>(row: &'r PgRow, column: usize) -> Result<T, sqlx::Error>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(column + 1)
}

/// A column that holds text in any of its guises: a name of a vocabulary, a partial date.
pub fn text(row: &PgRow, column: usize) -> Result<Option<&str>, sqlx::Error> {
    row.try_get_unchecked(column + 1)
}

/// The sort key that stands behind the columns of a page's row.
pub fn sort_key(row: &PgRow, kind: KeyKind) -> Result<CursorKey, sqlx::Error> {
    let last = row.len() - 1;
    Ok(match kind {
        KeyKind::Text => CursorKey::Text(row.try_get(last)?),
        KeyKind::Int => CursorKey::Int(row.try_get(last)?),
        KeyKind::Date => CursorKey::Date(row.try_get_unchecked(last)?),
        KeyKind::Rank => CursorKey::Rank(row.try_get(last)?),
    })
}

/// Fetches what the root leads to: each of its edges fails on its own.
pub async fn root(fetch: &Executor<'_>, level: &Level) -> Rows {
    let root = Rows::default();
    let edge = async |edge| fetch.edge(edge, &root).await.unwrap_or_else(StepRows::Failed);
    let edges = if let [only] = level.edges.as_slice() {
        vec![edge(only).await]
    } else {
        join_all(level.edges.iter().map(edge)).await
    };
    Rows { rows: Vec::new(), edges }
}

/// Runs mutations one after the other, until one fails. What was done before is told whatever comes behind it.
pub async fn mutations(fetch: &Executor<'_>, level: &Level) -> Result<Rows> {
    // Whatever an answer can't be given of is known before anything is changed.
    fetch.foresee(level).await?;
    let root = Rows::default();
    let (mut done, mut failed) = (false, None);
    let mut edges = Vec::with_capacity(level.edges.len());
    for edge in &level.edges {
        let fetched = match failed {
            None => fetch.edge(edge, &root).await,
            Some(before) => Err(ApiError::new(before, "Not executed, because an earlier mutation failed.")),
        };
        failed = fetched.as_ref().err().map(|api_error| api_error.code);
        if !done && failed == Some(Code::Timeout) {
            return Err(ApiError::timeout());
        }
        edges.push(match (fetched, edge.nothing()) {
            (Err(api_error), Some(nothing)) if done => {
                StepRows::Computed { of: vec![nothing.clone()], records: Vec::new(), failed: Some(api_error) }
            }
            (fetched, _) => fetched.unwrap_or_else(StepRows::Failed),
        });
        done |= edges.last().is_some_and(|fetched| fetched.revision().is_some());
    }
    Ok(Rows { rows: Vec::new(), edges })
}

impl StepRows {
    /// The revision that a mutation left; none where it changed nothing.
    fn revision(&self) -> Option<i64> {
        match self {
            StepRows::Computed { of, .. } => of.first().and_then(left),
            _ => None,
        }
    }
}

/// The revision that a mutation of this value left.
fn left(value: &ComputedValue) -> Option<i64> {
    match value.field(REVISION) {
        ComputedValue::Int(revision) => Some(*revision),
        _ => None,
    }
}

/// What a request reads with.
#[derive(Clone, Copy)]
pub struct Executor<'a> {
    pub reader: &'a Reader,
    pub catalog: &'static Catalog,
    pub request: &'a BoundPlan,
    pub caller: &'a Caller,
    /// What happened, where a subscription is told of it.
    pub event: Option<&'a ComputedValue>,
    /// When nobody waits for the answer to a mutation any more.
    pub deadline: Option<Instant>,
}

type Result<T, E = ApiError> = std::result::Result<T, E>;

impl Executor<'_> {
    async fn run(&self, statement: &Statement, parents: &[i64]) -> Result<Vec<PgRow>> {
        Ok(self.reader.run(statement, parents).await?)
    }

    /// The rest of a level whose rows are there.
    async fn level(&self, level: &Level, rows: Vec<PgRow>) -> Result<Rows> {
        let mut fetched = Rows { rows, edges: Vec::new() };
        fetched.edges = match level.edges.as_slice() {
            // No rows lead nowhere: nobody will look behind them.
            _ if fetched.rows.is_empty() => Vec::new(),
            [] => Vec::new(),
            [only] => vec![self.boxed(only, &fetched).await?],
            edges => try_join_all(edges.iter().map(|edge| self.boxed(edge, &fetched))).await?,
        };
        Ok(fetched)
    }

    fn boxed<'a>(&'a self, edge: &'a Step, parents: &'a Rows) -> BoxFuture<'a, Result<StepRows>> {
        self.edge(edge, parents).boxed()
    }

    /// Refuses at whatever depth what could not be answered after a change: lists that begin behind a revision which
    /// is not there yet, and what is computed for records that are not there.
    async fn foresee(&self, level: &Level) -> Result<()> {
        for (since, path) in &self.request.since {
            as_of::check_since(self.reader, *since).await.map_err(|api_error| api_error.at(path.clone()))?;
        }
        // What the request itself is about to enter may be named in it.
        let entered: Vec<&Value> = level.edges.iter().filter_map(|edge| self.entered(edge)).collect();
        let mut edges = Vec::new();
        below(level, &mut edges);
        for edge in edges {
            let StepKind::Computed { computed, .. } = &edge.way else { continue };
            let BoundStep::Computed(arguments) = self.request.bound(edge) else { continue };
            for declared in &computed.arguments {
                let object_type = declared.ty.trim_end_matches('!').strip_suffix("By");
                let Some(object_type) =
                    object_type.and_then(|object_type| self.catalog.object_type(object_type))
                else {
                    continue;
                };
                let slug = match arguments.get(declared.name) {
                    Some(Value::Object(by)) => by.get("slug"),
                    _ => None,
                };
                if slug.is_none_or(|slug| !entered.contains(&slug)) {
                    let named =
                        computed::record(self.reader, sql::lookup_id, object_type, arguments, declared.name)
                            .await;
                    named.map_err(|api_error| api_error.at(edge.path.clone()))?;
                }
            }
        }
        Ok(())
    }

    /// The slug that a mutation gives a record.
    fn entered(&self, edge: &Step) -> Option<&Value> {
        let StepKind::Computed { .. } = &edge.way else { return None };
        let BoundStep::Computed(arguments) = self.request.bound(edge) else { return None };
        match arguments.get("input") {
            Some(Value::Object(input)) => input.get("slug"),
            _ => None,
        }
    }

    async fn edge(&self, edge: &Step, parents: &Rows) -> Result<StepRows> {
        if let StepKind::ToMany { .. } = edge.way
            && let BoundStep::ToMany { since: Some(since), .. } = self.request.bound(edge)
        {
            as_of::check_since(&self.reader.today(), *since).await?;
        }
        let Some(moment) = self.request.as_of(edge) else { return self.way(edge, parents).await };
        let reader = as_of::reader(moment, self.reader).await?;
        Executor { reader: &reader, ..*self }.way(edge, parents).await
    }

    async fn way(&self, edge: &Step, parents: &Rows) -> Result<StepRows> {
        match &edge.way {
            StepKind::ToOne(references) => {
                let (kinds, found) = self.references(references, &parents.rows).await?;
                Ok(StepRows::ToOne { kinds, found })
            }
            StepKind::OwnedList { values, owner, level } => {
                let owners = Parents::by_column(&parents.rows, *owner)?;
                let rows = self.run(&sql::values(values, &level.columns), &owners.distinct).await?;
                let of = owners.groups_by_id(&rows)?;
                Ok(StepRows::OwnedList { rows: self.level(level, rows).await?, of })
            }
            StepKind::References { values, owner, level, to } => {
                let owners = Parents::by_column(&parents.rows, *owner)?;
                let rows = self.run(&sql::values(values, &level.columns), &owners.distinct).await?;
                let of = owners.groups_by_id(&rows)?;
                let (kinds, found) = self.references(to, &rows).await?;
                let of = of.into_iter().map(|group| group.into_iter().filter_map(|row| found[row]).collect());
                Ok(StepRows::References { kinds, of: of.collect() })
            }
            StepKind::ToMany { owner, level, wants, asides: asked, .. } => {
                let BoundStep::ToMany { rows, sides, asides, page, order, .. } = self.request.bound(edge)
                else {
                    unreachable!("a connection is bound as one")
                };
                let owners = match owner {
                    Some(column) => Parents::by_column(&parents.rows, *column)?,
                    None => Parents::root(),
                };
                let asides = asked.iter().zip(asides);
                let asides = asides.map(|(aside, (statement, precision))| {
                    self.aside(aside, statement, *precision, &owners).boxed()
                });
                let pages = self.pages(rows.as_ref(), level, page, &owners);
                let sides = try_join_all(sides.iter().map(|side| self.side(side.as_ref(), &owners)));
                let (pages, sides, asides) = try_join3(pages, sides, try_join_all(asides)).await?;
                let (rows, of, more) = pages;
                let [mut before, mut behind] = <[Vec<bool>; 2]>::try_from(sides).unwrap_or_default();
                let seen = if page.backward { &mut before } else { &mut behind };
                seen.iter_mut().zip(more).for_each(|(side, more)| *side |= more);
                let sides = [before, behind];
                Ok(StepRows::ToMany(PageRows {
                    rows,
                    of,
                    sides,
                    asides,
                    id: wants.id,
                    page: page.clone(),
                    order,
                }))
            }
            StepKind::Computed { computed, owner, fields, places } => {
                let BoundStep::Computed(arguments) = self.request.bound(edge) else {
                    unreachable!("what is computed is bound as such")
                };
                let owners = match owner {
                    Some(column) => Parents::by_column(&parents.rows, *column)?,
                    None => Parents::root(),
                };
                let asked = ResolveContext {
                    reader: self.reader,
                    catalog: self.catalog,
                    lookup: sql::lookup_id,
                    parents: &owners.distinct,
                    arguments,
                    fields,
                    caller: self.caller,
                    event: self.event,
                    deadline: self.deadline,
                };
                let trees = (computed.compute)(asked).await?;
                let records = try_join_all(places.iter().map(|place| self.place(place, &trees)));
                let (records, failed) =
                    match trees.first().and_then(left).filter(|_| edge.nothing().is_some()) {
                        None => (records.await?, None),
                        Some(revision) => match self.in_time(records).await {
                            Ok(records) => (records, None),
                            Err(api_error) => (Vec::new(), Some(api_error.after_commit(revision))),
                        },
                    };
                let of = owners
                    .places
                    .iter()
                    .map(|place| place.map_or(ComputedValue::Null, |place| trees[place].clone()));
                Ok(StepRows::Computed { of: of.collect(), records, failed })
            }
            StepKind::Lookup(level) => {
                let BoundStep::Lookup(statement) = self.request.bound(edge) else {
                    unreachable!("a lookup is bound as one")
                };
                let rows = self.run(statement, &[]).await?;
                let found = (!rows.is_empty()).then_some((0, 0));
                Ok(StepRows::ToOne { kinds: vec![self.level(level, rows).await?], found: vec![found] })
            }
            StepKind::Nodes(levels) => {
                let BoundStep::Nodes(asked) = self.request.bound(edge) else {
                    unreachable!("nodes are bound as such")
                };
                let (kinds, found) = self.nodes(levels, asked).await?;
                Ok(StepRows::ToOne { kinds, found })
            }
        }
    }

    /// What is read for as long as somebody waits for it.
    async fn in_time<T>(&self, read: impl Future<Output = Result<T>>) -> Result<T> {
        match self.deadline {
            Some(deadline) => timeout_at(deadline, read).await.unwrap_or_else(|_| Err(ApiError::timeout())),
            None => read.await,
        }
    }

    /// The records that the columns of rows refer to; a row refers to one of them at most.
    async fn references(
        &self,
        references: &[Reference],
        rows: &[PgRow],
    ) -> Result<(Vec<Rows>, Vec<Option<(usize, usize)>>)> {
        let mut parents = Vec::with_capacity(references.len());
        for reference in references {
            parents.push(Parents::by_column(rows, reference.column)?);
        }
        let levels = references.iter().map(|reference| &reference.level);
        let kinds =
            try_join_all(levels.zip(&parents).map(|(level, parents)| self.records(level, &parents.distinct)))
                .await?;
        let mut found = vec![None; rows.len()];
        let mut fetched = Vec::with_capacity(kinds.len());
        for (kind, ((records, places), parents)) in kinds.into_iter().zip(&parents).enumerate() {
            for (row, place) in parents.places.iter().enumerate() {
                if let Some(record) = place.and_then(|place| places.get(&parents.distinct[place])) {
                    found[row] = Some((kind, *record));
                }
            }
            fetched.push(records);
        }
        Ok((fetched, found))
    }

    /// Records of any kind by the kind and the id of each.
    async fn nodes(
        &self,
        levels: &[Level],
        asked: &[Option<(usize, i64)>],
    ) -> Result<(Vec<Rows>, Vec<Option<(usize, usize)>>)> {
        let ids = |kind| -> Vec<i64> {
            let of_kind = asked.iter().flatten().filter(|(asked, _)| *asked == kind).map(|(_, id)| *id);
            Parents::of(of_kind.map(Some)).distinct
        };
        let ids: Vec<Vec<i64>> = (0..levels.len()).map(ids).collect();
        let kinds =
            try_join_all(levels.iter().zip(&ids).map(|(level, ids)| self.records(level, ids))).await?;
        let (kinds, places): (Vec<Rows>, Vec<HashMap<i64, usize>>) = kinds.into_iter().unzip();
        let found =
            asked.iter().map(|asked| asked.and_then(|(kind, id)| Some((kind, *places[kind].get(&id)?))));
        let found = found.collect();
        Ok((kinds, found))
    }

    /// The records with these ids, and the row of each.
    async fn records(&self, level: &Level, ids: &[i64]) -> Result<Records> {
        if ids.is_empty() {
            return Ok((Rows::default(), HashMap::new()));
        }
        let rows = self.run(&sql::by_ids(level.object_type, &level.columns), ids).await?;
        let places = rows.iter().enumerate().map(|(row, record)| Ok((record.try_get(0)?, row)));
        let places = places.collect::<Result<_>>()?;
        Ok((self.level(level, rows).await?, places))
    }

    /// The records that computed values name at one place, by their kind.
    async fn place(&self, place: &RecordPath, trees: &[ComputedValue]) -> Result<Vec<Records>> {
        let mut named = Vec::new();
        for tree in trees {
            tree.named(&place.way, &mut named);
        }
        let kinds = place.kinds.iter().map(|level| {
            let ids = named
                .iter()
                .filter(|(object_type, _)| *object_type == level.object_type.name)
                .map(|(_, id)| Some(*id));
            let ids = Parents::of(ids).distinct;
            async move { self.records(level, &ids).await }.boxed()
        });
        try_join_all(kinds).await
    }

    async fn pages(
        &self,
        statement: Option<&Statement>,
        level: &Level,
        page: &Page,
        parents: &Parents,
    ) -> Result<(Rows, Vec<Vec<usize>>, Vec<bool>)> {
        let Some(statement) = statement.filter(|_| !parents.distinct.is_empty()) else {
            return Ok((
                Rows::default(),
                vec![Vec::new(); parents.places.len()],
                vec![false; parents.places.len()],
            ));
        };
        let rows = self.run(statement, &parents.distinct).await?;
        let mut of = parents.groups_by_place(&rows)?;
        let size = usize::try_from(page.size).unwrap_or(0);
        let mut more = Vec::with_capacity(of.len());
        for group in &mut of {
            more.push(group.len() > size);
            group.truncate(size);
            if page.backward {
                group.reverse();
            }
        }
        Ok((self.level(level, rows).await?, of, more))
    }

    /// Whether a statement finds something on one side of a page, for each parent.
    async fn side(&self, statement: Option<&Statement>, parents: &Parents) -> Result<Vec<bool>> {
        let mut found = vec![false; parents.distinct.len()];
        if let Some(statement) = statement {
            for row in self.run_for(statement, parents).await? {
                found[place_of(&row)?] = row.try_get(1)?;
            }
        }
        Ok(parents.places.iter().map(|place| place.is_some_and(|place| found[place])).collect())
    }

    async fn aside(
        &self,
        aside: &Aggregate,
        statement: &Statement,
        precision: Precision,
        parents: &Parents,
    ) -> Result<AggregateRows> {
        match aside {
            Aggregate::Facet { level, .. } => {
                let rows = self.run_for(statement, parents).await?;
                let of = parents.groups_by_place(&rows)?;
                Ok(AggregateRows::Facet { rows: self.level(level, rows).await?, of })
            }
            Aggregate::Count(_) if precision == Precision::Estimate => {
                let estimate = self.reader.estimate(statement).await?;
                if estimate > CAP {
                    return Ok(AggregateRows::Counts(vec![(estimate, precision)]));
                }
                // So few are counted as soon as guessed.
                Box::pin(self.aside(aside, statement, Precision::Exact, parents)).await
            }
            Aggregate::Count(_) => {
                let mut counts = vec![0; parents.distinct.len()];
                for row in self.run_for(statement, parents).await? {
                    counts[place_of(&row)?] = row.try_get(1)?;
                }
                let count = |place: &Option<usize>| match place.map_or(0, |place| counts[place]) {
                    beyond if precision == Precision::Capped && beyond > CAP => (CAP, Precision::Capped),
                    exact => (exact, Precision::Exact),
                };
                Ok(AggregateRows::Counts(parents.places.iter().map(count).collect()))
            }
        }
    }

    /// The rows of a statement that asks about parents, if there are any.
    async fn run_for(&self, statement: &Statement, parents: &Parents) -> Result<Vec<PgRow>> {
        if parents.distinct.is_empty() {
            return Ok(Vec::new());
        }
        self.run(statement, &parents.distinct).await
    }
}

/// The edges of a level, and those that they lead to.
fn below<'l>(level: &'l Level, edges: &mut Vec<&'l Step>) {
    for edge in &level.edges {
        edges.push(edge);
        edge.way.levels().into_iter().for_each(|level| below(level, edges));
    }
}

/// The ids that rows lead on with: each once, and for each row where its id is among them.
struct Parents {
    distinct: Vec<i64>,
    places: Vec<Option<usize>>,
}

impl Parents {
    /// The root: one parent, whose id nobody asks for.
    fn root() -> Self {
        Parents { distinct: vec![0], places: vec![Some(0)] }
    }

    fn of(ids: impl Iterator<Item = Option<i64>>) -> Self {
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

    fn by_column(rows: &[PgRow], column: usize) -> Result<Self> {
        let ids = rows.iter().map(|row| get(row, column)).collect::<Result<Vec<Option<i64>>, _>>()?;
        Ok(Self::of(ids.into_iter()))
    }

    /// The rows of each parent, where column 0 is the parent's id.
    fn groups_by_id(&self, rows: &[PgRow]) -> Result<Vec<Vec<usize>>> {
        let place: HashMap<i64, usize> =
            self.distinct.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        self.groups(rows, |row| Ok(place[&row.try_get::<i64, _>(0)?]))
    }

    /// The rows of each parent, where column 0 is the parent's place, counted from 1.
    fn groups_by_place(&self, rows: &[PgRow]) -> Result<Vec<Vec<usize>>> {
        self.groups(rows, place_of)
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

fn place_of(row: &PgRow) -> Result<usize> {
    let place: i64 = row.try_get(0)?;
    Ok(usize::try_from(place - 1).unwrap_or(0))
}
