//! What was changed lately: for the rows that answers rest on, the last revision that touched them.

use std::{collections::HashMap, sync::Mutex};

use sqlx::{Executor, Postgres, Row, postgres::PgRow};

use crate::{
    query::{Mark, RestsOn},
    sync::lock,
};

/// Revisions gone through at once; where there are more, everything counts as changed.
pub const GONE_THROUGH: i64 = 5000;
/// Rows remembered at most, twice: those touched of late, and those before them.
const REMEMBERED: usize = 1 << 16;

/// The last revision; and for each behind `$1` the rows that it touched, by every column that refers to a
/// record. A revision is a row too, of the record that it tells of.
const TOUCHED: &str = "
    with last as (select coalesce(max(id), 0) as id from revisions)
    select id, null::text as part, null::text as field, null::bigint as value from last
    union all
    select revisions.id, row.part, field.key, field.value::bigint
    from last, revisions
    cross join lateral (values
        (part::text, old_value),
        (part::text, new_value),
        ('revisions', to_jsonb(revisions) - '{old_value, new_value}'::text[])
    ) as row (part, value)
    cross join lateral jsonb_each(row.value) as field (key, value)
    where revisions.id > $1 and last.id - $1 <= $2
      and (field.key = 'id' or field.key like '%\\_id') and jsonb_typeof(field.value) = 'number'";

/// The revisions that touched rows last.
#[derive(Debug, Default)]
pub struct Changed(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    /// The last revision that was gone through.
    until: i64,
    /// Of this revision and those before it nothing is known.
    forgotten: i64,
    recent: HashMap<Mark, i64>,
    older: HashMap<Mark, i64>,
    /// The last revision of the older ones.
    older_until: i64,
}

impl Changed {
    /// Goes through the revisions that it doesn't know yet; the last of them.
    pub async fn look(&self, database: impl Executor<'_, Database = Postgres>) -> Result<i64, sqlx::Error> {
        let known = lock(&self.0).until;
        let rows = sqlx::query(TOUCHED).bind(known).bind(GONE_THROUGH).fetch_all(database).await?;
        let (last, rows) = rows.split_first().ok_or(sqlx::Error::RowNotFound)?;
        let last: i64 = last.try_get("id")?;
        let touched = rows.iter().map(touched).collect::<Result<Vec<_>, _>>()?;
        let mut memory = lock(&self.0);
        if last - known > GONE_THROUGH {
            let until = last.max(memory.until);
            *memory = Memory { until, forgotten: until, older_until: until, ..Memory::default() };
        } else {
            memory.note(touched.into_iter().flatten(), last);
        }
        Ok(last)
    }

    /// Whether nothing was touched behind a revision that something rests on.
    pub fn leaves(&self, rests_on: &RestsOn, since: i64) -> bool {
        let RestsOn::Rows(marks) = rests_on else { return false };
        let memory = lock(&self.0);
        since >= memory.forgotten && marks.iter().all(|mark| memory.last(*mark) <= since)
    }
}

/// A revision, and all that a row of it stands for.
fn touched(row: &PgRow) -> Result<[(Mark, i64); 2], sqlx::Error> {
    let (revision, part): (i64, &str) = (row.try_get("id")?, row.try_get("part")?);
    let rows = Mark::rows(part, row.try_get("field")?, row.try_get("value")?);
    Ok([(rows, revision), (Mark::table(part), revision)])
}

impl Memory {
    fn note(&mut self, touched: impl Iterator<Item = (Mark, i64)>, last: i64) {
        for (mark, revision) in touched {
            let known = self.recent.entry(mark).or_insert(revision);
            *known = revision.max(*known);
        }
        self.until = last.max(self.until);
        if self.recent.len() > REMEMBERED {
            self.forgotten = self.older_until;
            self.older = std::mem::take(&mut self.recent);
            self.older_until = self.until;
        }
    }

    /// The last revision that touched something; none that is known is one long ago.
    fn last(&self, mark: Mark) -> i64 {
        *self.recent.get(&mark).or_else(|| self.older.get(&mark)).unwrap_or(&i64::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(marks: &[Mark]) -> RestsOn {
        RestsOn::Rows(marks.into())
    }

    #[test]
    fn only_what_was_touched_later_is_changed() {
        let changed = Changed::default();
        let (one, other) = (Mark::rows("actors", "id", 1), Mark::rows("actors", "id", 2));
        lock(&changed.0).note([(one, 7)].into_iter(), 8);
        assert!(changed.leaves(&on(&[other]), 5));
        assert!(!changed.leaves(&on(&[other, one]), 6));
        assert!(changed.leaves(&on(&[other, one]), 7));
        assert!(!changed.leaves(&RestsOn::Everything, 8));
        lock(&changed.0).note([(one, 6)].into_iter(), 6);
        assert!(!changed.leaves(&on(&[one]), 6), "who comes late takes nothing back");
    }

    #[test]
    fn what_is_forgotten_counts_as_changed() {
        let changed = Changed::default();
        let (row, many) = (|number| Mark::rows("actors", "id", number), i64::try_from(REMEMBERED).unwrap());
        let untouched = on(&[Mark::table("topics")]);
        for turn in 0..2 {
            assert!(changed.leaves(&untouched, 0));
            let rows = (1..=many + 1).map(|number| (row(number), turn * many + number));
            lock(&changed.0).note(rows, (turn + 1) * many + 1);
            assert!(!changed.leaves(&on(&[row(9)]), turn * many + 8));
            assert!(changed.leaves(&on(&[row(9)]), turn * many + 9));
        }
        assert!(changed.leaves(&untouched, many + 1));
        assert!(!changed.leaves(&untouched, many));
    }

    #[test]
    fn marks_of_neighbours_differ() {
        let mut marks: Vec<Mark> = (0..100_000).map(|id| Mark::rows("actors", "id", id)).collect();
        marks.extend((0..100_000).map(|id| Mark::rows("statements", "id", id)));
        marks.push(Mark::table("actors"));
        marks.sort_unstable();
        marks.dedup();
        assert_eq!(marks.len(), 200_001);
    }
}
