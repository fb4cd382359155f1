//! Table sizes from planner statistics, for cost estimates.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, RwLock},
    time::{Duration, Instant},
};

use sqlx::Row;

use crate::{database::reader::Reader, sync::lock};

/// How long sizes are used before they are read again.
const MAX_AGE: Duration = Duration::from_mins(1);
/// Minimum row count of a table, which may have grown since.
const MIN_ROWS: f64 = 1000.0;

/// Rows of tables and views; a view counts the tables that it reads. Takes no locks.
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

/// Per column, the share of rows with the most common value, and `n_distinct` as Postgres has it: negative as a
/// share of the rows.
const SHARES: &str = "
    select tablename::text as part, attname::text as name, (most_common_freqs)[1]::float8 as commonest, n_distinct::float8 as values
    from pg_stats where schemaname = current_schema()";

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
    /// Row count of a table or a view.
    pub fn rows(&self, table: &str) -> f64 {
        self.tables.get(table).map_or(MIN_ROWS, |table| table.rows.max(MIN_ROWS))
    }

    /// Maximum share of the rows with the same value in a column.
    pub fn share(&self, table: &str, column: &str) -> f64 {
        if matches!(column, "id" | "slug") {
            return 1.0 / self.rows(table);
        }
        let known = self.tables.get(table).and_then(|table| table.shares.get(column));
        known.copied().unwrap_or(1.0).clamp(1.0 / self.rows(table), 1.0)
    }

    /// Whether a column is null in all rows.
    pub fn is_unused(&self, table: &str, column: &str) -> bool {
        self.tables.get(table).and_then(|table| table.shares.get(column)) == Some(&0.0)
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
            // A column without values is null in all rows.
            let even = if values > 0.0 { 1.0 / values } else { 0.0 };
            table.shares.insert(row.try_get("name")?, commonest.unwrap_or(even));
        }
        Ok(Sizes { tables })
    }
}

/// Cached sizes, refreshed in the background.
#[derive(Debug, Default)]
pub struct Known {
    sizes: RwLock<Arc<Sizes>>,
    read_at: Mutex<Option<Instant>>,
}

impl Known {
    pub fn now(&self) -> Arc<Sizes> {
        self.sizes.read().map(|sizes| sizes.clone()).unwrap_or_default()
    }

    /// Starts a refresh if the sizes are old.
    pub fn refresh(self: &Arc<Self>, reader: &Reader) {
        let mut read_at = lock(&self.read_at);
        if read_at.is_some_and(|read_at| read_at.elapsed() < MAX_AGE) {
            return;
        }
        *read_at = Some(Instant::now());
        let (known, reader) = (self.clone(), reader.clone());
        tokio::spawn(async move { known.reload(&reader).await });
    }

    /// Reads the sizes. After an error the old ones are used, and the next request tries again.
    pub async fn reload(&self, reader: &Reader) {
        let sizes = Sizes::read(reader).await;
        *lock(&self.read_at) = sizes.is_ok().then(Instant::now);
        match sizes {
            Ok(sizes) => *self.sizes.write().expect("nothing panics while it is written") = Arc::new(sizes),
            Err(error) => {
                tracing::debug!(%error, "can't read the table sizes; using the previous ones");
            }
        }
    }
}
