//! What was changed lately: for the rows that answers rest on, the last revision that touched them.

use std::{collections::HashMap, sync::Mutex};

use sqlx::{Executor, Postgres, Row, postgres::PgRow};

use crate::{
    engine::cache::dependencies::{CacheTag, Dependencies},
    sync::lock,
};

/// Revisions gone through at most; where there are more, everything counts as changed.
pub const GONE_THROUGH: i64 = 5000;
/// Revisions read at once: few enough to be read in time on a busy machine.
const PAGE: i64 = 500;
/// Rows remembered at most, twice: those touched of late, and those before them.
const REMEMBERED: usize = 1 << 16;

/// The first row is the last revision, the last one of the page, and the time of the known revision `$1`. The
/// others are the rows that the revisions of the page touched, by every column that refers to a record. A
/// revision is a row too, of the record that it tells of.
const TOUCHED: &str = "
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

/// A place in the history of the base. A base that was restored from a backup, or replaced by a standby that had
/// not heard of everything, has another history from then on: the same numbers may stand for other revisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// How many times the history was replaced since the server started.
    pub history: u64,
    pub revision: i64,
}

/// The revisions that touched rows last.
#[derive(Debug, Default)]
pub struct InvalidationLog(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    /// The last revision that was gone through; none before the first look.
    known: Option<Known>,
    history: u64,
    /// Of this revision and those before it nothing is known.
    forgotten: i64,
    recent: HashMap<CacheTag, i64>,
    older: HashMap<CacheTag, i64>,
    /// The last revision of the older ones.
    older_until: i64,
}

/// A revision, and by when it was recorded: together they tell whether the history is still the same.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Known {
    revision: i64,
    recorded: Option<i64>,
}

/// What one look found.
struct Found {
    last: Known,
    /// The end of the revisions that were read; none where there was none to read.
    page_end: Option<Known>,
    /// When the revision that was known before was recorded, in the base as it is now.
    known_recorded: Option<i64>,
    touched: Vec<[(CacheTag, i64); 2]>,
}

impl Found {
    fn read(rows: &[PgRow]) -> Result<Self, sqlx::Error> {
        let (head, rows) = rows.split_first().ok_or(sqlx::Error::RowNotFound)?;
        let revision: Option<i64> = head.try_get("id")?;
        let last = Known { revision: revision.unwrap_or(0), recorded: head.try_get("last_recorded")? };
        let page_end: Option<i64> = head.try_get("page_end")?;
        let recorded = head.try_get("page_recorded")?;
        Ok(Found {
            last,
            page_end: page_end.map(|revision| Known { revision, recorded }),
            known_recorded: head.try_get("known_recorded")?,
            touched: rows.iter().map(touched).collect::<Result<_, _>>()?,
        })
    }
}

impl InvalidationLog {
    /// Goes through the next page of revisions that it doesn't know yet. Tells how far it got, and whether that
    /// was the last revision.
    pub async fn look(
        &self,
        database: impl Executor<'_, Database = Postgres>,
    ) -> Result<(Position, bool), sqlx::Error> {
        let (known, history) = {
            let memory = lock(&self.0);
            (memory.known, memory.history)
        };
        // Nothing is known before the first look, and there is nothing to go through then.
        let after = known.map_or(i64::MAX, |known| known.revision);
        let rows = sqlx::query(TOUCHED).bind(after).bind(GONE_THROUGH).bind(PAGE).fetch_all(database).await?;
        let found = Found::read(&rows)?;
        let mut memory = lock(&self.0);
        // Somebody else who looked meanwhile found another history: what was found here may be of the old one.
        let is_last = memory.history == history && memory.learn(known, found);
        Ok((
            Position { history: memory.history, revision: memory.known.unwrap_or_default().revision },
            is_last,
        ))
    }

    /// Whether nothing was touched behind a revision that something rests on.
    pub fn leaves(&self, dependencies: &Dependencies, since: i64) -> bool {
        let Dependencies::Rows(marks) = dependencies else { return false };
        let memory = lock(&self.0);
        since >= memory.forgotten && marks.iter().all(|mark| memory.last(*mark) <= since)
    }
}

/// A revision, and all that a row of it stands for.
fn touched(row: &PgRow) -> Result<[(CacheTag, i64); 2], sqlx::Error> {
    let (revision, part): (i64, &str) = (row.try_get("id")?, row.try_get("part")?);
    let rows = CacheTag::rows(part, row.try_get("field")?, row.try_get("value")?);
    Ok([(rows, revision), (CacheTag::table(part), revision)])
}

impl Memory {
    /// Learns what a look found that began at `known`; whether nothing was left to go through.
    fn learn(&mut self, known: Option<Known>, found: Found) -> bool {
        let Found { last, page_end, known_recorded, touched } = found;
        match known {
            Some(known) if known_recorded == known.recorded => {
                if last.revision - known.revision > GONE_THROUGH {
                    self.begin_at(last);
                    return true;
                }
                let until = page_end.unwrap_or(known);
                self.note(touched.into_iter().flatten(), until);
                until.revision >= last.revision
            }
            Some(_) => {
                self.history += 1;
                self.known = None;
                self.begin_at(last);
                tracing::warn!(
                    revision = last.revision,
                    "the database has a different history, as after a restore or failover: clearing the cache and ending subscriptions"
                );
                true
            }
            None => {
                self.begin_at(last);
                true
            }
        }
    }

    /// Begins anew: of everything until this revision nothing is known.
    fn begin_at(&mut self, last: Known) {
        let until = self.known.filter(|known| known.revision > last.revision).unwrap_or(last);
        let (known, history) = (Some(until), self.history);
        let (forgotten, older_until) = (until.revision, until.revision);
        *self = Memory { known, history, forgotten, older_until, ..Memory::default() };
    }

    fn note(&mut self, touched: impl Iterator<Item = (CacheTag, i64)>, until: Known) {
        for (mark, revision) in touched {
            let known = self.recent.entry(mark).or_insert(revision);
            *known = revision.max(*known);
        }
        if self.known.is_none_or(|known| known.revision < until.revision) {
            self.known = Some(until);
        }
        if self.recent.len() > REMEMBERED {
            self.forgotten = self.older_until;
            self.older = std::mem::take(&mut self.recent);
            self.older_until = self.known.unwrap_or_default().revision;
        }
    }

    /// The last revision that touched something; none that is known is one long ago.
    fn last(&self, mark: CacheTag) -> i64 {
        *self.recent.get(&mark).or_else(|| self.older.get(&mark)).unwrap_or(&i64::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(marks: &[CacheTag]) -> Dependencies {
        Dependencies::Rows(marks.into())
    }

    /// A revision that was recorded at a time of its own.
    fn at(revision: i64) -> Known {
        Known { revision, recorded: (revision > 0).then_some(1000 + revision) }
    }

    fn found(last: Known, page_end: Option<Known>, known_recorded: Option<i64>) -> Found {
        Found { last, page_end, known_recorded, touched: Vec::new() }
    }

    #[test]
    fn revisions_are_gone_through_page_by_page() {
        let mut memory = Memory::default();
        assert!(memory.learn(None, found(at(900), None, None)), "it begins at the last revision");
        let known = memory.known;
        assert_eq!(known, Some(at(900)));
        assert!(!memory.learn(known, found(at(2000), Some(at(1400)), at(900).recorded)));
        assert_eq!(memory.known, Some(at(1400)), "what was gone through isn't gone through again");
        assert!(memory.learn(memory.known, found(at(1400), None, at(1400).recorded)));
        assert!(memory.learn(memory.known, found(at(9000), None, at(1400).recorded)));
        assert_eq!(
            (memory.known, memory.forgotten),
            (Some(at(9000)), 9000),
            "too many: all counts as changed"
        );
        assert_eq!(memory.history, 0);
    }

    #[test]
    fn another_history_is_noticed_by_the_revision_that_was_known() {
        for (last, known_recorded) in [(at(90), None), (at(120), Some(5))] {
            let mut memory = Memory::default();
            memory.learn(None, found(at(100), None, None));
            assert!(memory.learn(memory.known, found(last, None, known_recorded)));
            assert_eq!((memory.history, memory.known, memory.forgotten), (1, Some(last), last.revision));
        }
    }

    #[test]
    fn only_what_was_touched_later_is_changed() {
        let changed = InvalidationLog::default();
        let (one, other) = (CacheTag::rows("actors", "id", 1), CacheTag::rows("actors", "id", 2));
        lock(&changed.0).note([(one, 7)].into_iter(), at(8));
        assert!(changed.leaves(&on(&[other]), 5));
        assert!(!changed.leaves(&on(&[other, one]), 6));
        assert!(changed.leaves(&on(&[other, one]), 7));
        assert!(!changed.leaves(&Dependencies::Everything, 8));
        lock(&changed.0).note([(one, 6)].into_iter(), at(6));
        assert!(!changed.leaves(&on(&[one]), 6), "who comes late takes nothing back");
    }

    #[test]
    fn what_is_forgotten_counts_as_changed() {
        let changed = InvalidationLog::default();
        let (row, many) =
            (|number| CacheTag::rows("actors", "id", number), i64::try_from(REMEMBERED).unwrap());
        let untouched = on(&[CacheTag::table("topics")]);
        for turn in 0..2 {
            assert!(changed.leaves(&untouched, 0));
            let rows = (1..=many + 1).map(|number| (row(number), turn * many + number));
            lock(&changed.0).note(rows, at((turn + 1) * many + 1));
            assert!(!changed.leaves(&on(&[row(9)]), turn * many + 8));
            assert!(changed.leaves(&on(&[row(9)]), turn * many + 9));
        }
        assert!(changed.leaves(&untouched, many + 1));
        assert!(!changed.leaves(&untouched, many));
    }

    #[test]
    fn marks_of_neighbours_differ() {
        let mut marks: Vec<CacheTag> = (0..100_000).map(|id| CacheTag::rows("actors", "id", id)).collect();
        marks.extend((0..100_000).map(|id| CacheTag::rows("statements", "id", id)));
        marks.push(CacheTag::table("actors"));
        marks.sort_unstable();
        marks.dedup();
        assert_eq!(marks.len(), 200_001);
    }
}
