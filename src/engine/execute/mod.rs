//! Fetches the levels of a plan: one statement per level, whatever the number of parents, and independent levels
//! concurrently.

pub mod as_of;
mod parents;

use async_graphql::Value;
use foldhash::{HashMap, HashMapExt};
use futures_util::{
    FutureExt,
    future::{BoxFuture, join_all, try_join_all, try_join3},
};
use sqlx::{Row, postgres::PgRow};
use tokio::time::{Instant, timeout_at};

use self::parents::{Parents, place_of};
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

/// The rows of a level, and those of its steps. Column 0 of a row identifies its parent; the level's columns follow.
#[derive(Debug, Default)]
pub struct Rows {
    pub rows: Vec<PgRow>,
    pub steps: Vec<StepRows>,
}

/// The rows that a step fetched for the rows of its level.
#[derive(Debug)]
pub enum StepRows {
    /// For each parent the type of record and its row, if there is one.
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
    /// For each parent its value, and for each record path the records in the values.
    Computed {
        of: Vec<ComputedValue>,
        records: Vec<Vec<Records>>,
        /// Errors of a committed mutation whose records could not be read.
        failed: Option<ApiError>,
    },
    /// The step failed, and so does its field.
    Failed(ApiError),
}

/// Pages of one step, one per parent.
#[derive(Debug)]
pub struct PageRows {
    pub rows: Rows,
    pub of: Vec<Vec<usize>>,
    /// Whether there are records before and after the page, per parent.
    pub sides: [Vec<bool>; 2],
    pub aggregates: Vec<AggregateRows>,
    /// The column of the id.
    pub id: usize,
    pub page: Page,
    pub order: &'static Order,
}

/// Aggregates of a connection, per parent.
#[derive(Debug)]
pub enum AggregateRows {
    Counts(Vec<(i64, Precision)>),
    /// The values of a facet, or groups.
    Groups {
        rows: Rows,
        of: Vec<Vec<usize>>,
    },
}

/// Records of one object type, with the row of each.
pub type Records = (Rows, HashMap<i64, usize>);

/// A column of a row, by its index in the level.
pub fn get<'r, T>(row: &'r PgRow, column: usize) -> Result<T, sqlx::Error>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(column + 1)
}

/// A column of text, of an enum, or of another type that is read as text.
pub fn text(row: &PgRow, column: usize) -> Result<Option<&str>, sqlx::Error> {
    row.try_get_unchecked(column + 1)
}

/// The sort key, which follows the columns of a page's row.
pub fn sort_key(row: &PgRow, kind: KeyKind) -> Result<CursorKey, sqlx::Error> {
    let last = row.len() - 1;
    Ok(match kind {
        KeyKind::Text => CursorKey::Text(row.try_get(last)?),
        KeyKind::Int => CursorKey::Int(row.try_get(last)?),
        KeyKind::Date => CursorKey::Date(row.try_get_unchecked(last)?),
        KeyKind::Rank => CursorKey::Rank(row.try_get(last)?),
    })
}

/// Fetches the steps of the root, which fail independently.
pub async fn root(fetch: &Executor<'_>, level: &Level) -> Rows {
    let root = Rows::default();
    let step = async |step| fetch.step(step, &root).await.unwrap_or_else(StepRows::Failed);
    let steps = if let [only] = level.steps.as_slice() {
        vec![step(only).await]
    } else {
        join_all(level.steps.iter().map(step)).await
    };
    Rows { rows: Vec::new(), steps }
}

/// Runs mutations in order until one fails. Earlier ones are reported in any case.
pub async fn mutations(fetch: &Executor<'_>, level: &Level) -> Result<Rows> {
    // Everything that would make the response impossible is checked before the first change.
    fetch.check_ahead(level).await?;
    let root = Rows::default();
    let (mut done, mut failed) = (false, None);
    let mut steps = Vec::with_capacity(level.steps.len());
    for step in &level.steps {
        let fetched = match failed {
            None => fetch.step(step, &root).await,
            Some(before) => Err(ApiError::new(before, "Not executed, because an earlier mutation failed.")),
        };
        failed = fetched.as_ref().err().map(|api_error| api_error.code);
        if !done && failed == Some(Code::Timeout) {
            return Err(ApiError::timeout());
        }
        steps.push(match (fetched, step.nothing()) {
            (Err(api_error), Some(nothing)) if done => {
                StepRows::Computed { of: vec![nothing.clone()], records: Vec::new(), failed: Some(api_error) }
            }
            (fetched, _) => fetched.unwrap_or_else(StepRows::Failed),
        });
        done |= steps.last().is_some_and(|fetched| fetched.revision().is_some());
    }
    Ok(Rows { rows: Vec::new(), steps })
}

impl Rows {
    /// The last revision of mutations; none if they changed nothing.
    pub fn revision(&self) -> Option<i64> {
        self.steps.iter().filter_map(StepRows::revision).max()
    }
}

impl StepRows {
    /// The revision of a mutation; none if it changed nothing.
    fn revision(&self) -> Option<i64> {
        match self {
            StepRows::Computed { of, .. } => of.first().and_then(revision_of),
            _ => None,
        }
    }
}

/// The revision of a mutation's payload.
fn revision_of(value: &ComputedValue) -> Option<i64> {
    match value.field(REVISION) {
        ComputedValue::Int(revision) => Some(*revision),
        _ => None,
    }
}

#[derive(Clone, Copy)]
pub struct Executor<'a> {
    pub reader: &'a Reader,
    pub catalog: &'static Catalog,
    pub request: &'a BoundPlan,
    pub caller: &'a Caller,
    /// The event of a subscription.
    pub event: Option<&'a ComputedValue>,
    /// When a mutation must not change anything any more.
    pub deadline: Option<Instant>,
}

type Result<T, E = ApiError> = std::result::Result<T, E>;

impl Executor<'_> {
    async fn run(&self, statement: &Statement, parents: &[i64]) -> Result<Vec<PgRow>> {
        Ok(self.reader.run(statement, parents).await?)
    }

    /// The steps from rows that are fetched already.
    async fn level(&self, level: &Level, rows: Vec<PgRow>) -> Result<Rows> {
        let mut fetched = Rows { rows, steps: Vec::new() };
        fetched.steps = match level.steps.as_slice() {
            // Without rows no step is needed.
            _ if fetched.rows.is_empty() => Vec::new(),
            [] => Vec::new(),
            [only] => vec![self.boxed(only, &fetched).await?],
            steps => try_join_all(steps.iter().map(|step| self.boxed(step, &fetched))).await?,
        };
        Ok(fetched)
    }

    fn boxed<'a>(&'a self, step: &'a Step, parents: &'a Rows) -> BoxFuture<'a, Result<StepRows>> {
        self.step(step, parents).boxed()
    }

    /// Refuses, at any depth, what could not be read after a change: `since` of a revision that does not exist
    /// yet, and computed fields of records that do not exist.
    async fn check_ahead(&self, level: &Level) -> Result<()> {
        for (since, path) in &self.request.since {
            as_of::check_since(self.reader, *since).await.map_err(|api_error| api_error.at(path.clone()))?;
        }
        // The request may name records that it creates itself.
        let entered: Vec<&Value> = level.steps.iter().filter_map(|step| self.entered(step)).collect();
        let mut steps = Vec::new();
        below(level, &mut steps);
        for step in steps {
            let StepKind::Computed { computed, .. } = &step.kind else { continue };
            let BoundStep::Computed(arguments) = self.request.bound(step) else { continue };
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
                    named.map_err(|api_error| api_error.at(step.path.clone()))?;
                }
            }
        }
        Ok(())
    }

    /// The slug that a mutation gives a record.
    fn entered(&self, step: &Step) -> Option<&Value> {
        let StepKind::Computed { .. } = &step.kind else { return None };
        let BoundStep::Computed(arguments) = self.request.bound(step) else { return None };
        match arguments.get("input") {
            Some(Value::Object(input)) => input.get("slug"),
            _ => None,
        }
    }

    async fn step(&self, step: &Step, parents: &Rows) -> Result<StepRows> {
        if let StepKind::ToMany { .. } = step.kind
            && let BoundStep::ToMany { since: Some(since), .. } = self.request.bound(step)
        {
            as_of::check_since(&self.reader.today(), *since).await?;
        }
        let Some(moment) = self.request.as_of(step) else { return self.fetch(step, parents).await };
        let reader = as_of::reader(moment, self.reader).await?;
        Executor { reader: &reader, ..*self }.fetch(step, parents).await
    }

    async fn fetch(&self, step: &Step, parents: &Rows) -> Result<StepRows> {
        match &step.kind {
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
            StepKind::ToMany { .. } => self.connection(step, parents).await,
            StepKind::Computed { .. } => self.computed(step, parents).await,
            StepKind::Lookup(level) => {
                let BoundStep::Lookup(statement) = self.request.bound(step) else {
                    unreachable!("a lookup is bound as one")
                };
                let rows = self.run(statement, &[]).await?;
                let found = (!rows.is_empty()).then_some((0, 0));
                Ok(StepRows::ToOne { kinds: vec![self.level(level, rows).await?], found: vec![found] })
            }
            StepKind::Nodes(levels) => {
                let BoundStep::Nodes(requested) = self.request.bound(step) else {
                    unreachable!("nodes are bound as such")
                };
                let (kinds, found) = self.nodes(levels, requested).await?;
                Ok(StepRows::ToOne { kinds, found })
            }
        }
    }

    /// The pages of a connection, with what is asked about all of it.
    async fn connection(&self, step: &Step, parents: &Rows) -> Result<StepRows> {
        let (
            StepKind::ToMany { owner, level, wants, aggregates: requested, .. },
            BoundStep::ToMany { rows, sides, aggregates, page, order, .. },
        ) = (&step.kind, self.request.bound(step))
        else {
            unreachable!("a connection is bound as one")
        };
        let owners = Parents::of_step(&parents.rows, *owner)?;
        let aggregates = requested.iter().zip(aggregates);
        let aggregates = aggregates.map(|(aggregate, (statement, precision))| {
            self.aggregate(aggregate, statement, *precision, &owners).boxed()
        });
        let pages = self.pages(rows.as_ref(), level, page, &owners);
        let sides = try_join_all(sides.iter().map(|side| self.side(side.as_ref(), &owners)));
        let (pages, sides, aggregates) = try_join3(pages, sides, try_join_all(aggregates)).await?;
        let (rows, of, more) = pages;
        let [mut before, mut behind] = <[Vec<bool>; 2]>::try_from(sides).unwrap_or_default();
        let seen = if page.backward { &mut before } else { &mut behind };
        seen.iter_mut().zip(more).for_each(|(side, more)| *side |= more);
        let sides = [before, behind];
        Ok(StepRows::ToMany(PageRows {
            rows,
            of,
            sides,
            aggregates,
            id: wants.id,
            page: page.clone(),
            order,
        }))
    }

    async fn computed(&self, step: &Step, parents: &Rows) -> Result<StepRows> {
        let (StepKind::Computed { computed, owner, fields, places }, BoundStep::Computed(arguments)) =
            (&step.kind, self.request.bound(step))
        else {
            unreachable!("what is computed is bound as such")
        };
        let owners = Parents::of_step(&parents.rows, *owner)?;
        let requested = ResolveContext {
            reader: self.reader,
            catalog: self.catalog,
            lookup: sql::lookup_id,
            parents: &owners.distinct,
            arguments,
            fields,
            caller: self.caller,
            reads_texts: self.request.reads_texts,
            event: self.event,
            deadline: self.deadline,
        };
        let trees = (computed.compute)(requested).await?;
        let records = try_join_all(places.iter().map(|place| self.place(place, &trees)));
        let (records, failed) = match trees.first().and_then(revision_of).filter(|_| step.nothing().is_some())
        {
            None => (records.await?, None),
            Some(revision) => match self.in_time(records).await {
                Ok(records) => (records, None),
                Err(api_error) => (Vec::new(), Some(api_error.after_commit(revision))),
            },
        };
        let of =
            owners.places.iter().map(|place| place.map_or(ComputedValue::Null, |place| trees[place].clone()));
        Ok(StepRows::Computed { of: of.collect(), records, failed })
    }

    /// Stops reading at the deadline.
    async fn in_time<T>(&self, read: impl Future<Output = Result<T>>) -> Result<T> {
        match self.deadline {
            Some(deadline) => timeout_at(deadline, read).await.unwrap_or_else(|_| Err(ApiError::timeout())),
            None => read.await,
        }
    }

    /// The records that columns refer to; each row refers to at most one.
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

    /// Records of several types, by type and id.
    async fn nodes(
        &self,
        levels: &[Level],
        requested: &[Option<(usize, i64)>],
    ) -> Result<(Vec<Rows>, Vec<Option<(usize, usize)>>)> {
        let ids = |kind| -> Vec<i64> {
            let of_kind =
                requested.iter().flatten().filter(|(requested, _)| *requested == kind).map(|(_, id)| *id);
            Parents::of(of_kind.map(Some)).distinct
        };
        let ids: Vec<Vec<i64>> = (0..levels.len()).map(ids).collect();
        let kinds =
            try_join_all(levels.iter().zip(&ids).map(|(level, ids)| self.records(level, ids))).await?;
        let (kinds, places): (Vec<Rows>, Vec<HashMap<i64, usize>>) = kinds.into_iter().unzip();
        let found = requested
            .iter()
            .map(|requested| requested.and_then(|(kind, id)| Some((kind, *places[kind].get(&id)?))));
        let found = found.collect();
        Ok((kinds, found))
    }

    /// The records with these ids, with the row of each.
    async fn records(&self, level: &Level, ids: &[i64]) -> Result<Records> {
        if ids.is_empty() {
            return Ok((Rows::default(), HashMap::new()));
        }
        let rows = self.run(&sql::by_ids(level.object_type, &level.columns), ids).await?;
        let places = rows.iter().enumerate().map(|(row, record)| Ok((record.try_get(0)?, row)));
        let places = places.collect::<Result<_>>()?;
        Ok((self.level(level, rows).await?, places))
    }

    /// The records in computed values at one record path, by type.
    async fn place(&self, place: &RecordPath, trees: &[ComputedValue]) -> Result<Vec<Records>> {
        let mut named = Vec::new();
        for tree in trees {
            tree.named(&place.fields, &mut named);
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

    /// Whether there are records on one side of a page, per parent.
    async fn side(&self, statement: Option<&Statement>, parents: &Parents) -> Result<Vec<bool>> {
        let mut found = vec![false; parents.distinct.len()];
        if let Some(statement) = statement {
            for row in self.run_for(statement, parents).await? {
                found[place_of(&row)?] = row.try_get(1)?;
            }
        }
        Ok(parents.places.iter().map(|place| place.is_some_and(|place| found[place])).collect())
    }

    async fn aggregate(
        &self,
        aggregate: &Aggregate,
        statement: &Statement,
        precision: Precision,
        parents: &Parents,
    ) -> Result<AggregateRows> {
        match aggregate {
            Aggregate::Facet { level, .. } | Aggregate::Groups { level, .. } => {
                let rows = self.run_for(statement, parents).await?;
                let of = parents.groups_by_place(&rows)?;
                Ok(AggregateRows::Groups { rows: self.level(level, rows).await?, of })
            }
            Aggregate::Count(_) if precision == Precision::Estimate => {
                let estimate = self.reader.estimate(statement).await?;
                if estimate > CAP {
                    return Ok(AggregateRows::Counts(vec![(estimate, precision)]));
                }
                // Few records are counted as fast as estimated.
                Box::pin(self.aggregate(aggregate, statement, Precision::Exact, parents)).await
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

    /// The rows of a statement about parents, if there are any parents.
    async fn run_for(&self, statement: &Statement, parents: &Parents) -> Result<Vec<PgRow>> {
        if parents.distinct.is_empty() {
            return Ok(Vec::new());
        }
        self.run(statement, &parents.distinct).await
    }
}

/// The steps of a level, and those below.
fn below<'l>(level: &'l Level, steps: &mut Vec<&'l Step>) {
    for step in &level.steps {
        steps.push(step);
        step.kind.levels().into_iter().for_each(|level| below(level, steps));
    }
}
