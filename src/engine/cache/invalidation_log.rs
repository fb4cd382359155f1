//! The last revision that changed each row, for recent changes.

use std::{collections::HashMap, sync::Mutex};

use sqlx::{Executor, PgConnection, Postgres, Row, postgres::PgRow};

use crate::{
    database::replicas::Mark,
    engine::cache::dependencies::{CacheTag, Dependencies},
    sync::lock,
};

/// Maximum number of revisions to read; beyond it everything counts as changed.
pub const MAX_REVISIONS: i64 = 5000;
/// Revisions per statement: few enough to be read in time on a busy machine.
const PAGE: i64 = 500;
/// Maximum number of rows in each of the two generations.
const MAX_ROWS: usize = 1 << 16;

/// The first row has the last revision, the last one of the page, and the time of the known revision `$1`. The other
/// rows are those that the revisions of the page changed, by every column that refers to a record. A revision is
/// itself a row of its record.
const CHANGED_ROWS: &str = "
    with stamped as not materialized (
        select id, (extract(epoch from recorded_at) * 1000000)::bigint as recorded from revisions
    ),
    page as materialized (
        select * from revisions
        where id > $1 and (select max(id) from revisions) - $1 <= $2
        order by id limit $3
    )
    select last.id, null::text as part, null::text as field, null::bigint as value,
           last.recorded as last_recorded, page_end.id as page_end, page_end.recorded as page_recorded,
           known.recorded as known_recorded
    from (values (true)) as one
    left join (select * from stamped order by id desc limit 1) as last on true
    left join stamped as page_end on page_end.id = (select max(id) from page)
    left join stamped as known on known.id = $1
    union all
    select page.id, row.part, field.key, field.value::bigint, null, null, null, null
    from page
    cross join lateral (values
        (part::text, old_value),
        (part::text, new_value),
        ('revisions', to_jsonb(page) - '{old_value, new_value}'::text[])
    ) as row (part, value)
    cross join lateral jsonb_each(row.value) as field (key, value)
    where (field.key = 'id' or field.key like '%\\_id') and jsonb_typeof(field.value) = 'number'";

/// A position in the history of the database. A database that was restored from a backup, or replaced by a standby
/// that lagged behind, has a different history: the same numbers may identify other revisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// How often the history was replaced since the server started.
    pub history: u64,
    pub revision: i64,
}

#[derive(Debug, Default)]
pub struct InvalidationLog(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The last revision that was read; none before the first read.
    known: Option<Known>,
    history: u64,
    /// Revisions up to this one are not known any more.
    unknown_until: i64,
    recent: HashMap<CacheTag, i64>,
    older: HashMap<CacheTag, i64>,
    /// The last revision of `older`.
    older_until: i64,
}

/// A revision and its time, which together identify the history.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Known {
    revision: i64,
    recorded: Option<i64>,
}

/// The result of one read.
struct ReadResult {
    last: Known,
    /// The last revision of the page; none if the page is empty.
    page_end: Option<Known>,
    /// When the revision that was known before was recorded, according to the database now.
    known_recorded: Option<i64>,
    changed: Vec<[(CacheTag, i64); 2]>,
}

impl ReadResult {
    fn read(rows: &[PgRow]) -> Result<Self, sqlx::Error> {
        let (head, rows) = rows.split_first().ok_or(sqlx::Error::RowNotFound)?;
        let revision: Option<i64> = head.try_get("id")?;
        let last = Known { revision: revision.unwrap_or(0), recorded: head.try_get("last_recorded")? };
        let page_end: Option<i64> = head.try_get("page_end")?;
        let recorded = head.try_get("page_recorded")?;
        Ok(ReadResult {
            last,
            page_end: page_end.map(|revision| Known { revision, recorded }),
            known_recorded: head.try_get("known_recorded")?,
            changed: rows.iter().map(changed).collect::<Result<_, _>>()?,
        })
    }
}

impl InvalidationLog {
    /// Reads the next page of revisions. Returns the last one that was read, and whether it is the current revision.
    pub async fn read_next(
        &self,
        database: impl Executor<'_, Database = Postgres>,
    ) -> Result<(Position, bool), sqlx::Error> {
        let (known, history) = {
            let state = lock(&self.0);
            (state.known, state.history)
        };
        // Before the first read there is nothing to catch up with.
        let after = known.map_or(i64::MAX, |known| known.revision);
        let rows =
            sqlx::query(CHANGED_ROWS).bind(after).bind(MAX_REVISIONS).bind(PAGE).fetch_all(database).await?;
        let result = ReadResult::read(&rows)?;
        let mut state = lock(&self.0);
        // A concurrent read found a new history, so this page may be of the old one.
        let is_last = state.history == history && state.apply(known, result);
        Ok((Position { history: state.history, revision: state.known.unwrap_or_default().revision }, is_last))
    }

    /// The tags of all rows that changed after a revision; none if there is no such revision, or are too many since.
    pub async fn read_since(
        database: &mut PgConnection,
        revision: i64,
    ) -> Result<Option<Vec<CacheTag>>, sqlx::Error> {
        let recorded =
            "select (extract(epoch from recorded_at) * 1000000)::bigint from revisions where id = $1";
        let recorded = sqlx::query_scalar(recorded).bind(revision).fetch_optional(&mut *database).await?;
        if recorded.is_none() {
            return Ok(None);
        }
        let known = Some(Known { revision, recorded });
        let log = InvalidationLog(Mutex::new(State { known, ..State::default() }));
        while !log.read_next(&mut *database).await?.1 {}
        Ok(log.changed_since(Position { history: 0, revision }))
    }

    /// The last revision that was read; none before the first read.
    pub fn mark(&self) -> Option<Mark> {
        let state = lock(&self.0);
        let Known { revision, recorded } = state.known?;
        Some(Mark { history: state.history, revision, recorded })
    }

    /// Whether dependencies are unchanged since a revision.
    pub fn is_unchanged(&self, dependencies: &Dependencies, since: i64) -> bool {
        let Dependencies::Rows { tags, .. } = dependencies else { return false };
        let state = lock(&self.0);
        since >= state.unknown_until && tags.iter().all(|tag| state.last(*tag) <= since)
    }

    /// The tags of all rows that changed after a position; none if that is not known any more.
    pub fn changed_since(&self, position: Position) -> Option<Vec<CacheTag>> {
        let state = lock(&self.0);
        if position.history != state.history || position.revision < state.unknown_until {
            return None;
        }
        let older = state.older.iter().filter(|(tag, _)| !state.recent.contains_key(tag));
        let changed = older.chain(&state.recent).filter(|(_, last)| **last > position.revision);
        Some(changed.map(|(tag, _)| *tag).collect())
    }
}

/// The tags of a row, with the revision that changed it.
fn changed(row: &PgRow) -> Result<[(CacheTag, i64); 2], sqlx::Error> {
    let (revision, part): (i64, &str) = (row.try_get("id")?, row.try_get("part")?);
    let rows = CacheTag::rows(part, row.try_get("field")?, row.try_get("value")?);
    Ok([(rows, revision), (CacheTag::table(part), revision)])
}

impl State {
    /// Adds the result of a read that began at `known`. Returns whether that was the last page.
    fn apply(&mut self, known: Option<Known>, result: ReadResult) -> bool {
        let ReadResult { last, page_end, known_recorded, changed } = result;
        match known {
            Some(known) if known_recorded == known.recorded => {
                if last.revision - known.revision > MAX_REVISIONS {
                    self.restart_at(last);
                    return true;
                }
                let until = page_end.unwrap_or(known);
                self.record(changed.into_iter().flatten(), until);
                until.revision >= last.revision
            }
            Some(_) => {
                self.history += 1;
                self.known = None;
                self.restart_at(last);
                tracing::warn!(
                    revision = last.revision,
                    "the database has a different history, as after a restore or failover: clearing the cache and ending subscriptions"
                );
                true
            }
            None => {
                self.restart_at(last);
                true
            }
        }
    }

    /// Starts again at a revision: changes up to it are unknown.
    fn restart_at(&mut self, last: Known) {
        let until = self.known.filter(|known| known.revision > last.revision).unwrap_or(last);
        let (known, history) = (Some(until), self.history);
        let (unknown_until, older_until) = (until.revision, until.revision);
        *self = State { known, history, unknown_until, older_until, ..State::default() };
    }

    fn record(&mut self, changed: impl Iterator<Item = (CacheTag, i64)>, until: Known) {
        for (tag, revision) in changed {
            let known = self.recent.entry(tag).or_insert(revision);
            *known = revision.max(*known);
        }
        if self.known.is_none_or(|known| known.revision < until.revision) {
            self.known = Some(until);
        }
        if self.recent.len() > MAX_ROWS {
            self.unknown_until = self.older_until;
            self.older = std::mem::take(&mut self.recent);
            self.older_until = self.known.unwrap_or_default().revision;
        }
    }

    /// The last revision that changed something, if it is recent.
    fn last(&self, tag: CacheTag) -> i64 {
        *self.recent.get(&tag).or_else(|| self.older.get(&tag)).unwrap_or(&i64::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(tags: &[CacheTag]) -> Dependencies {
        Dependencies::Rows { tags: tags.into(), tables: Box::default() }
    }

    /// A revision with a time of its own.
    fn at(revision: i64) -> Known {
        Known { revision, recorded: (revision > 0).then_some(1000 + revision) }
    }

    fn result(last: Known, page_end: Option<Known>, known_recorded: Option<i64>) -> ReadResult {
        ReadResult { last, page_end, known_recorded, changed: Vec::new() }
    }

    #[test]
    fn revisions_are_gone_through_page_by_page() {
        let mut state = State::default();
        assert!(state.apply(None, result(at(900), None, None)), "it begins at the last revision");
        let known = state.known;
        assert_eq!(known, Some(at(900)));
        assert!(!state.apply(known, result(at(2000), Some(at(1400)), at(900).recorded)));
        assert_eq!(state.known, Some(at(1400)), "what was gone through isn't gone through again");
        assert!(state.apply(state.known, result(at(1400), None, at(1400).recorded)));
        assert!(state.apply(state.known, result(at(9000), None, at(1400).recorded)));
        assert_eq!(
            (state.known, state.unknown_until),
            (Some(at(9000)), 9000),
            "too many: all counts as changed"
        );
        assert_eq!(state.history, 0);
    }

    #[test]
    fn another_history_is_noticed_by_the_revision_that_was_known() {
        for (last, known_recorded) in [(at(90), None), (at(120), Some(5))] {
            let mut state = State::default();
            state.apply(None, result(at(100), None, None));
            assert!(state.apply(state.known, result(last, None, known_recorded)));
            assert_eq!((state.history, state.known, state.unknown_until), (1, Some(last), last.revision));
        }
    }

    #[test]
    fn only_what_was_touched_later_is_changed() {
        let changed = InvalidationLog::default();
        let (one, other) = (CacheTag::rows("actors", "id", 1), CacheTag::rows("actors", "id", 2));
        lock(&changed.0).record([(one, 7)].into_iter(), at(8));
        assert!(changed.is_unchanged(&on(&[other]), 5));
        assert!(!changed.is_unchanged(&on(&[other, one]), 6));
        assert!(changed.is_unchanged(&on(&[other, one]), 7));
        assert!(!changed.is_unchanged(&Dependencies::Everything, 8));
        lock(&changed.0).record([(one, 6)].into_iter(), at(6));
        assert!(!changed.is_unchanged(&on(&[one]), 6), "who comes late takes nothing back");
    }

    #[test]
    fn what_changed_since_a_position_is_known_until_it_is_forgotten() {
        let log = InvalidationLog::default();
        let (one, other) = (CacheTag::rows("actors", "id", 1), CacheTag::rows("actors", "id", 2));
        lock(&log.0).record([(one, 7), (other, 9)].into_iter(), at(9));
        let since = |history, revision| log.changed_since(Position { history, revision });
        assert_eq!(since(0, 7), Some(vec![other]));
        assert_eq!(since(0, 9), Some(vec![]));
        assert_eq!(since(1, 9), None, "that was another history");
        lock(&log.0).restart_at(at(20));
        assert_eq!((since(0, 19), since(0, 20)), (None, Some(vec![])));
    }

    #[test]
    fn tags_are_the_same_in_every_build() {
        let tags = [CacheTag::rows("actors", "id", 1), CacheTag::table("statements")];
        assert_eq!(tags.map(|tag| tag.to_string()), ["YFJUgG", "U1smeR"]);
    }

    #[test]
    fn what_is_forgotten_counts_as_changed() {
        let changed = InvalidationLog::default();
        let (row, many) = (|number| CacheTag::rows("actors", "id", number), i64::try_from(MAX_ROWS).unwrap());
        let untouched = on(&[CacheTag::table("topics")]);
        for turn in 0..2 {
            assert!(changed.is_unchanged(&untouched, 0));
            let rows = (1..=many + 1).map(|number| (row(number), turn * many + number));
            lock(&changed.0).record(rows, at((turn + 1) * many + 1));
            assert!(!changed.is_unchanged(&on(&[row(9)]), turn * many + 8));
            assert!(changed.is_unchanged(&on(&[row(9)]), turn * many + 9));
        }
        assert!(changed.is_unchanged(&untouched, many + 1));
        assert!(!changed.is_unchanged(&untouched, many));
    }

    #[test]
    fn marks_of_neighbours_differ() {
        let mut tags: Vec<CacheTag> = (0..100_000).map(|id| CacheTag::rows("actors", "id", id)).collect();
        tags.extend((0..100_000).map(|id| CacheTag::rows("statements", "id", id)));
        tags.push(CacheTag::table("actors"));
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), 200_001);
    }
}
