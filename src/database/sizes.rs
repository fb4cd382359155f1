//! How large the tables are, from what the planner of Postgres knows of them: so a request is priced by the
//! rows that it may read.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, RwLock},
    time::{Duration, Instant},
};

use sqlx::Row;

use crate::{database::reader::Reader, sync::lock};

/// How long what was learnt is used before it is asked for again.
const FRESH: Duration = Duration::from_mins(1);
/// Rows of a table at least: it may have grown since.
const LEAST_ROWS: f64 = 1000.0;

/// Tables and views with their rows; a view has those of the tables that it reads, once for each side of a union.
/// None of it waits for a lock.
const ROWS: &str = "
    select relname::text as name, greatest(reltuples, pg_stat_get_live_tuples(oid))::float8 as rows
    from pg_class where relnamespace = current_schema()::regnamespace and relkind = 'r'
    union all
    select viewname, sum(2 * greatest(reltuples, 0))::float8
    from (
        select distinct seen.relname::text as viewname, read.oid, read.reltuples
        from pg_class seen
        join pg_rewrite on ev_class = seen.oid
        join pg_depend on objid = pg_rewrite.oid and classid = 'pg_rewrite'::regclass and refclassid = 'pg_class'::regclass
        join pg_class read on read.oid = refobjid and read.relkind = 'r'
        where seen.relnamespace = current_schema()::regnamespace and seen.relkind = 'v'
    ) view
    group by viewname";

/// How many rows have the commonest value of a column, as a share of all; and how many values there are, as
/// Postgres counts them: negative as a share of the rows.
const SHARES: &str = "
    select tablename::text as part, attname::text as name, (most_common_freqs)[1]::float8 as commonest, n_distinct::float8 as values
    from pg_stats where schemaname = current_schema()";

/// What is known of the tables.
#[derive(Debug, Default)]
pub struct Sizes {
    tables: HashMap<String, Table>,
}

#[derive(Debug, Default)]
struct Table {
    rows: f64,
    /// By column.
    shares: HashMap<String, f64>,
}

impl Sizes {
    /// Rows of a table or a view.
    pub fn rows(&self, table: &str) -> f64 {
        self.tables.get(table).map_or(LEAST_ROWS, |table| table.rows.max(LEAST_ROWS))
    }

    /// Which share of a table's rows has the same value in a column, at most.
    pub fn share(&self, table: &str, column: &str) -> f64 {
        if matches!(column, "id" | "slug") {
            return 1.0 / self.rows(table);
        }
        let known = self.tables.get(table).and_then(|table| table.shares.get(column));
        known.copied().unwrap_or(1.0).clamp(1.0 / self.rows(table), 1.0)
    }

    async fn read(reader: &Reader) -> Result<Self, sqlx::Error> {
        let mut tables = HashMap::<String, Table>::new();
        for row in reader.statistics(ROWS).await? {
            tables.insert(row.try_get("name")?, Table { rows: row.try_get("rows")?, shares: HashMap::new() });
        }
        for row in reader.statistics(SHARES).await? {
            let Some(table) = tables.get_mut(row.try_get::<&str, _>("part")?) else { continue };
            let values: f64 = row.try_get("values")?;
            let values = if values < 0.0 { -values * table.rows } else { values };
            let commonest = row.try_get::<Option<f64>, _>("commonest")?;
            // Without any value, all rows have none.
            let even = if values > 0.0 { 1.0 / values } else { 0.0 };
            table.shares.insert(row.try_get("name")?, commonest.unwrap_or(even));
        }
        Ok(Sizes { tables })
    }
}

/// What is known now; asked for again from time to time.
#[derive(Debug, Default)]
pub struct Known {
    sizes: RwLock<Arc<Sizes>>,
    asked: Mutex<Option<Instant>>,
}

impl Known {
    pub fn now(&self) -> Arc<Sizes> {
        self.sizes.read().map(|sizes| sizes.clone()).unwrap_or_default()
    }

    /// Has the sizes asked for again where they are old. Nobody waits for that.
    pub fn refresh(self: &Arc<Self>, reader: &Reader) {
        let mut asked = lock(&self.asked);
        if asked.is_some_and(|asked| asked.elapsed() < FRESH) {
            return;
        }
        *asked = Some(Instant::now());
        let (known, reader) = (self.clone(), reader.clone());
        tokio::spawn(async move { known.learn(&reader).await });
    }

    /// Asks for the sizes. Where they can't be read the last ones are used, and the next request asks again.
    pub async fn learn(&self, reader: &Reader) {
        let learnt = Sizes::read(reader).await;
        *lock(&self.asked) = learnt.is_ok().then(Instant::now);
        match learnt {
            Ok(sizes) => *self.sizes.write().expect("nothing panics while it is written") = Arc::new(sizes),
            Err(error) => {
                tracing::debug!(%error, "can't read the table sizes; using the previous ones");
            }
        }
    }
}
