//! What the staged records break, found for all of them at once: each record that can't be kept is told
//! with its line, its field and the reason, and so is each that refers to one.

use std::fmt::Write;

use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::{
    records::{RecordKind, RecordKinds, joined},
    stage::{file_and_line_sql, list_name},
};
use crate::mutation::{
    rules::Rules,
    slots::{Kind, RowKind, Rows, Slot},
};

/// Rules that triggers keep, as no constraint can: what kinds of actors a column must not refer to; what
/// the record is told, and the actor that would become of such a kind.
const KINDS: [(&str, &str, &str, &str, &str); 3] = [
    (
        "statements",
        "speaker_id",
        "in ('PLACE', 'TERRITORY')",
        "A place or a territory does not speak.",
        "It has spoken: it is no place or territory.",
    ),
    (
        "statements",
        "publication_id",
        "<> 'MEDIA'",
        "A publication is an actor of kind MEDIA.",
        "Statements appeared in it: it is a publication.",
    ),
    (
        "meetings",
        "venue_id",
        "not in ('PLACE', 'ORGANIZATION')",
        "A venue is a place or an organization.",
        "Meetings were held there: it is a place or an organization.",
    ),
];

/// Where a unique index has its columns, and whether nulls are alike.
struct Unique {
    table: String,
    columns: Vec<String>,
    nulls_alike: bool,
}

pub struct Check<'a> {
    pub kinds: &'a RecordKinds,
    pub rules: &'a Rules,
    /// How many files are imported together.
    pub files: usize,
    pub connection: &'a mut PgConnection,
}

impl Check<'_> {
    /// Makes of the staging tables those that are `ready` to be written, and tells what is not.
    pub async fn all(&mut self) -> Result<(), sqlx::Error> {
        self.run("create temp table out (line bigint primary key) on commit drop").await?;
        for kind in &self.kinds.0 {
            self.identify(kind).await?;
        }
        for kind in &self.kinds.0 {
            self.find_references(kind).await?;
        }
        for kind in &self.kinds.0 {
            self.tell_missing(kind).await?;
        }
        self.put_out("import").await?;
        for kind in &self.kinds.0 {
            self.make_ready(kind).await?;
        }
        let uniques = self.uniques().await?;
        for kind in &self.kinds.0 {
            self.break_rules(kind).await?;
            self.repeat(kind, &uniques).await?;
        }
        loop {
            self.put_out("ready").await?;
            let mut found = self.lose().await?;
            for (table, column, kinds, told, told_actor) in KINDS {
                found += self.refer_to_wrong_kind(table, column, kinds, told, told_actor).await?;
            }
            for kind in &self.kinds.0 {
                found += self.close_circles(kind).await?;
            }
            if found == 0 {
                break;
            }
        }
        self.touch().await
    }

    async fn run(&mut self, sql: impl Into<String>) -> Result<u64, sqlx::Error> {
        let sql: String = sql.into();
        tracing::debug!(target: "dossier::sql", sql, "statement");
        let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
        Ok(query.execute(&mut *self.connection).await?.rows_affected())
    }

    /// Tells lines that a query finds: their number, the field, and the reason.
    async fn reject(&mut self, kind: &RecordKind, lines: &str) -> Result<u64, sqlx::Error> {
        let name = kind.name;
        self.run(format!("insert into rejected select w.line, '{name}', w.field, w.reason from ({lines}) w (line, field, reason)"))
            .await
    }

    /// Takes what was rejected out of tables; how many lines there are of it that were not known.
    async fn put_out(&mut self, stem: &str) -> Result<u64, sqlx::Error> {
        let new =
            self.run("insert into out select distinct line from rejected on conflict do nothing").await?;
        if new > 0 {
            for kind in &self.kinds.0 {
                let table = format!("{stem}_{}", kind.table);
                let lists = lists(kind).map(|(slot, _)| list_name(stem, kind, slot.name));
                for table in [table].into_iter().chain(lists.collect::<Vec<_>>()) {
                    self.run(format!("delete from {table} t using out where out.line = t.line")).await?;
                }
            }
        }
        Ok(new)
    }

    /// Finds which records the lines are: those that have the slug or an identifier, or new ones.
    async fn identify(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let table = kind.table;
        let (mut id, mut join) = ("t.id", String::new());
        if let Some((slot, rows)) = identifiers(kind) {
            let list = list_name("import", kind, slot.name);
            let (own, columns) = (rows.table, column_names(rows, "l"));
            let _ = write!(
                join,
                " left join (select distinct on (l.line) l.line, o.{owner} as id from {list} l
                    join {own} o on ({columns}) = ({others}) order by l.line, l.place) i on i.line = s.line",
                owner = rows.owner,
                others = column_names(rows, "o"),
            );
            id = "coalesce(t.id, i.id)";
        }
        self.run(format!(
            "create temp table ids_{table} on commit drop as
             select line, slug, coalesce(id, nextval(pg_get_serial_sequence('{table}', 'id'))) as id, id is null as fresh
             from (select s.line, s.slug, {id} as id from import_{table} s
                   left join {table} t on t.slug = s.slug{join} order by s.line) s"
        ))
        .await?;
        for (by, what) in [("slug", "slug"), ("id", "record")] {
            let repeated = format!(
                "select line, 'slug', {} from (
                     select line, {by} as it, first_value(line) over (partition by {by} order by line) as first from ids_{table}
                 ) i where line > first and it is not null",
                self.line_of("first", &format!("It is the {what} of ")),
            );
            self.reject(kind, &repeated).await?;
            self.run(format!("delete from ids_{table} i using rejected r where r.line = i.line")).await?;
        }
        self.run(format!("analyze ids_{table}")).await?;
        Ok(())
    }

    /// Finds the records of a kind that lines refer to.
    async fn find_references(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let table = kind.table;
        let mut keys = Vec::new();
        for from in &self.kinds.0 {
            for (column, _) in from.references().filter(|(_, to)| *to == kind.name) {
                keys.push(format!("select {column} from import_{}", from.table));
            }
            for (slot, rows) in lists(from) {
                for (_, column, _) in references(rows).filter(|(_, _, to)| *to == kind.name) {
                    keys.push(format!("select {column} from {}", list_name("import", from, slot.name)));
                }
            }
        }
        if keys.is_empty() {
            keys.push("select null::text where false".to_owned());
        }
        let (mut id, mut join) = ("s.id, t.id".to_owned(), String::new());
        if let Some((slot, rows)) = identifiers(kind) {
            let list = list_name("import", kind, slot.name);
            let key = |alias| {
                joined(
                    rows.columns.iter().map(|column| format!("{alias}.{}", column.column)),
                    r" || E'\n' || ",
                )
            };
            let _ = write!(
                join,
                " left join (select distinct on (1) {} as key, i.id from {list} l join ids_{table} i on i.line = l.line
                             order by 1, l.line) si on si.key = k.key
                 left join (select {} as key, o.{} as id from {} o) ti on ti.key = k.key",
                key("l"),
                key("o"),
                rows.owner,
                rows.table
            );
            id += ", si.id, ti.id";
        }
        self.run(format!(
            "create temp table keys_{table} on commit drop as
             select k.key, coalesce({id}) as id from (select distinct key from ({}) k (key)) k
             left join ids_{table} s on s.slug = k.key left join {table} t on t.slug = k.key{join}
             where k.key is not null",
            keys.join(" union all ")
        ))
        .await?;
        self.run(format!("analyze keys_{table}")).await?;
        Ok(())
    }

    /// Tells what lines lack, and references that lead nowhere.
    async fn tell_missing(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let table = kind.table;
        let needed: Vec<String> = kind
            .slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.needed)
            .map(|(place, slot)| format!("({}::bigint, '{}')", 1_i64 << place, slot.name))
            .collect();
        let missing = format!(
            "select s.line, n.field, 'Every such record has it.' from import_{table} s
             join ids_{table} i on i.line = s.line and i.fresh
             join (values {}) n (bit, field) on s.given & n.bit = 0",
            needed.join(", ")
        );
        self.reject(kind, &missing).await?;
        for slot in &kind.slots {
            match &slot.kind {
                Kind::Reference { column, to } => {
                    let dangling = dangling(
                        &format!("import_{table}"),
                        column,
                        self.kinds.known(to),
                        &format!("'{}'", slot.name),
                    );
                    self.reject(kind, &dangling).await?;
                }
                Kind::Rows(rows) => {
                    let list = list_name("import", kind, slot.name);
                    for (name, column, to) in references(rows) {
                        let field = field_of_row(slot, rows, name);
                        self.reject(kind, &dangling(&list, column, self.kinds.known(to), &field)).await?;
                    }
                }
                Kind::Value { .. } => {}
            }
        }
        Ok(())
    }

    /// The rows as they are to be: what a line doesn't give is as it was.
    async fn make_ready(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let table = kind.table;
        let (mut columns, mut joins) = (String::new(), String::new());
        for (place, slot) in kind.slots.iter().enumerate() {
            let (column, value) = match &slot.kind {
                Kind::Value { column, .. } => (column, format!("s.{column}")),
                Kind::Reference { column, to } => {
                    let to = self.kinds.known(to).table;
                    let _ = write!(joins, " left join keys_{to} k{place} on k{place}.key = s.{column}");
                    (column, format!("k{place}.id"))
                }
                Kind::Rows(_) => continue,
            };
            // A record that was found by an identifier keeps its slug.
            let given = if place == 0 {
                "i.fresh".to_owned()
            } else {
                format!("i.fresh or s.given & {} <> 0", 1_i64 << place)
            };
            let _ = write!(columns, ", case when {given} then {value} else t.{column} end as {column}");
        }
        self.run(format!(
            "create temp table ready_{table} on commit drop as
             select s.line, i.id, i.fresh, s.given{columns} from import_{table} s join ids_{table} i on i.line = s.line
             left join {table} t on not i.fresh and t.id = i.id{joins}"
        ))
        .await?;
        self.run(format!("create index on ready_{table} (id)")).await?;
        self.run(format!("analyze ready_{table}")).await?;
        for (slot, rows) in lists(kind) {
            let (mut columns, mut joins) = (String::new(), String::new());
            for (place, column) in rows.columns.iter().enumerate() {
                let name = column.column;
                match column.kind {
                    RowKind::Value(_) => {
                        let _ = write!(columns, ", l.{name}");
                    }
                    RowKind::Reference(to) => {
                        let to = self.kinds.known(to).table;
                        let _ = write!(joins, " left join keys_{to} k{place} on k{place}.key = l.{name}");
                        let _ = write!(columns, ", k{place}.id as {name}");
                    }
                }
            }
            if let Some(ordinal) = rows.ordinal {
                let _ = write!(columns, ", l.place + 1 as {ordinal}");
            }
            let (from, list) = (list_name("import", kind, slot.name), list_name("ready", kind, slot.name));
            self.run(format!(
                "create temp table {list} on commit drop as
                 select l.line, l.place, i.id as {owner}, i.fresh{columns} from {from} l
                 join ids_{table} i on i.line = l.line{joins}",
                owner = rows.owner
            ))
            .await?;
            self.run(format!("create index on {list} ({})", rows.owner)).await?;
            self.run(format!("analyze {list}")).await?;
        }
        Ok(())
    }

    /// Asks the checks of the tables.
    async fn break_rules(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let own: Vec<&str> = kind.slots.iter().filter_map(column_of).chain(["id"]).collect();
        let broken = self.broken(kind.table, &format!("ready_{}", kind.table), &own, |column| {
            let slot = kind.slots.iter().find(|slot| column_of(slot) == Some(column));
            Some(format!("'{}'", slot.map_or("", |slot| slot.name)))
        });
        if let Some(broken) = broken {
            self.reject(kind, &broken).await?;
        }
        for (slot, rows) in lists(kind) {
            let own: Vec<&str> = rows
                .columns
                .iter()
                .map(|column| column.column)
                .chain(rows.ordinal)
                .chain([rows.owner])
                .collect();
            let list = list_name("ready", kind, slot.name);
            let broken = self.broken(rows.table, &list, &own, |column| {
                let name = rows.columns.iter().find(|known| known.column == column).map(|column| column.name);
                Some(name.map_or_else(
                    || format!("'{}.' || t.place", slot.name),
                    |name| field_of_row(slot, rows, name),
                ))
            });
            if let Some(broken) = broken {
                self.reject(kind, &broken).await?;
            }
        }
        Ok(())
    }

    /// The lines of `ready` that break a check of the table; none where it has no checks.
    fn broken(
        &self,
        table: &str,
        ready: &str,
        own: &[&str],
        field: impl Fn(&str) -> Option<String>,
    ) -> Option<String> {
        let checks: Vec<String> = self
            .rules
            .checks(table)
            .filter_map(|(column, holds, told)| {
                Some(format!("({}, {}, ({holds}) is false)", field(column)?, quoted(told)))
            })
            .collect();
        let others = self.rules.columns(table).iter().filter(|(column, _)| !own.contains(&column.as_str()));
        let others = joined(others.map(|(column, ty)| format!(", null::{ty} as {column}")), "");
        (!checks.is_empty()).then(|| {
            format!(
                "select t.line, c.field, c.told from (select r.*{others} from {ready} r) t
                 cross join lateral (values {}) c (field, told, broken) where c.broken",
                checks.join(", ")
            )
        })
    }

    /// The unique indexes, but for those by number and slug alone.
    async fn uniques(&mut self) -> Result<Vec<Unique>, sqlx::Error> {
        let sql = "
            select t.relname::text as table, i.indnullsnotdistinct as nulls_alike,
                   array(select a.attname::text from unnest(i.indkey::int2[]) with ordinality k (number, place)
                         join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number order by k.place) as columns
            from pg_index i join pg_class t on t.oid = i.indrelid
            where i.indisunique and i.indexprs is null and t.relnamespace = current_schema()::regnamespace
            order by 1, i.indexrelid";
        let rows = sqlx::query(sql).fetch_all(&mut *self.connection).await?;
        let mut uniques = Vec::new();
        for row in rows {
            let columns: Vec<String> = row.try_get("columns")?;
            if columns != ["id"] && columns != ["slug"] {
                uniques.push(Unique {
                    table: row.try_get("table")?,
                    columns,
                    nulls_alike: row.try_get("nulls_alike")?,
                });
            }
        }
        Ok(uniques)
    }

    /// Tells values that only one row may have and that several have, or another one already.
    async fn repeat(&mut self, kind: &RecordKind, uniques: &[Unique]) -> Result<(), sqlx::Error> {
        let own: Vec<&str> = kind.slots.iter().filter_map(column_of).collect();
        for unique in uniques.iter().filter(|unique| unique.table == kind.table) {
            let known = |column: &String| own.contains(&column.as_str());
            let Some(last) = unique.columns.last().filter(|_| unique.columns.iter().all(known)) else {
                continue;
            };
            let slot = kind.slots.iter().find(|slot| column_of(slot) == Some(last.as_str()));
            let field = format!("'{}'", slot.map_or("", |slot| slot.name));
            self.repeat_in(kind, unique, &format!("ready_{}", kind.table), "id", &field, "line").await?;
        }
        for (slot, rows) in lists(kind) {
            let own: Vec<&str> = rows
                .columns
                .iter()
                .map(|column| column.column)
                .chain(rows.ordinal)
                .chain([rows.owner])
                .collect();
            for unique in uniques.iter().filter(|unique| unique.table == rows.table) {
                if unique.columns.iter().all(|column| own.contains(&column.as_str())) {
                    let list = list_name("ready", kind, slot.name);
                    let field = format!("'{}.' || t.place", slot.name);
                    self.repeat_in(kind, unique, &list, rows.owner, &field, "line, t.place").await?;
                }
            }
        }
        Ok(())
    }

    async fn repeat_in(
        &mut self,
        kind: &RecordKind,
        unique: &Unique,
        ready: &str,
        owner: &str,
        field: &str,
        order: &str,
    ) -> Result<(), sqlx::Error> {
        let list =
            |alias: &str| joined(unique.columns.iter().map(|column| format!("{alias}.{column}")), ", ");
        let set =
            if unique.nulls_alike { "true".to_owned() } else { format!("num_nulls({}) = 0", list("t")) };
        let repeated = format!(
            "select t.line, t.field, case when t.first = t.line then 'It is there twice.' else {} end from (
                 select t.line, {field} as field, first_value(t.line) over w as first, row_number() over w as number
                 from {ready} t where {set} window w as (partition by {} order by t.{order})
             ) t where number > 1",
            self.line_of("t.first", "Only one may have it, and so does "),
            list("t")
        );
        self.reject(kind, &repeated).await?;
        // Rows of the same record are replaced.
        if !unique.columns.iter().any(|column| column == owner) {
            let same =
                joined(unique.columns.iter().map(|column| format!("o.{column} = t.{column}")), " and ");
            let taken = format!(
                "select t.line, {field}, 'Another record has it, and only one may.' from {ready} t
                 join {} o on {same} where o.{owner} <> t.{owner}",
                unique.table
            );
            self.reject(kind, &taken).await?;
        }
        Ok(())
    }

    /// Tells what refers to new records that are not to be.
    async fn lose(&mut self) -> Result<u64, sqlx::Error> {
        let mut found = 0;
        let any: bool =
            sqlx::query_scalar("select exists (select from out)").fetch_one(&mut *self.connection).await?;
        if !any {
            return Ok(found);
        }
        for kind in &self.kinds.0 {
            for slot in &kind.slots {
                match &slot.kind {
                    Kind::Reference { column, to } => {
                        let ready = format!("ready_{}", kind.table);
                        let lines = self.lost(&ready, column, to, &format!("'{}'", slot.name));
                        found += self.reject(kind, &lines).await?;
                    }
                    Kind::Rows(rows) => {
                        let list = list_name("ready", kind, slot.name);
                        for (name, column, to) in references(rows) {
                            let lines = self.lost(&list, column, to, &field_of_row(slot, rows, name));
                            found += self.reject(kind, &lines).await?;
                        }
                    }
                    Kind::Value { .. } => {}
                }
            }
        }
        Ok(found)
    }

    /// References of the rows `t` to new records that were rejected.
    fn lost(&self, table: &str, column: &str, to: &str, field: &str) -> String {
        format!(
            "select t.line, {field}, {} from {table} t
             join ids_{} i on i.id = t.{column} and i.fresh join out on out.line = i.line",
            self.line_of("i.line", "It refers to a record that is rejected, that of "),
            self.kinds.known(to).table
        )
    }

    /// A line told in a reason, as SQL; with its file where there are several.
    fn line_of(&self, place: &str, told: &str) -> String {
        let (file, line) = file_and_line_sql(place);
        let file = if self.files > 1 { format!(" || ' of file ' || ({file})") } else { String::new() };
        format!("{} || 'line ' || ({line}){file} || '.'", quoted(told))
    }

    async fn refer_to_wrong_kind(
        &mut self,
        table: &str,
        column: &str,
        kinds: &str,
        told: &str,
        told_actor: &str,
    ) -> Result<u64, sqlx::Error> {
        let Some(kind) = self.kinds.0.iter().find(|kind| kind.table == table) else { return Ok(0) };
        let slot = kind.slots.iter().find(|slot| column_of(slot) == Some(column));
        let field = slot.map_or("", |slot| slot.name);
        let wrong = format!(
            "select r.line, '{field}', {} from ready_{table} r
             left join ready_actors n on n.id = r.{column} left join actors t on t.id = r.{column}
             where coalesce(n.kind, t.kind) {kinds}",
            quoted(told)
        );
        let found = self.reject(kind, &wrong).await?;
        let wrong = format!(
            "select r.line, 'kind', {} from ready_actors r where not r.fresh and r.kind {kinds}
             and exists (select from {table} t where t.{column} = r.id)",
            quoted(told_actor)
        );
        Ok(found + self.reject(self.kinds.known("Actor"), &wrong).await?)
    }

    /// Tells records that would be part of themselves.
    async fn close_circles(&mut self, kind: &RecordKind) -> Result<u64, sqlx::Error> {
        let (Some(parent), table) = (kind.parent(), kind.table) else { return Ok(0) };
        let slot = kind.slots.iter().find(|slot| column_of(slot) == Some(parent));
        let circles = format!(
            "with recursive above as (
                 select id, {parent} as above from ready_{table} where {parent} is not null
                 union
                 select above.id, case when r.id is null then t.{parent} else r.{parent} end from above
                 left join ready_{table} r on r.id = above.above left join {table} t on t.id = above.above
                 where above.above <> above.id and above.above is not null
             )
             select r.line, '{}', 'It would be part of itself.' from above join ready_{table} r on r.id = above.id
             where above.above = above.id",
            slot.map_or("", |slot| slot.name)
        );
        self.reject(kind, &circles).await
    }

    /// Notes which records are there already and would change.
    async fn touch(&mut self) -> Result<(), sqlx::Error> {
        self.run("create temp table touched (kind text, id bigint, primary key (kind, id)) on commit drop")
            .await?;
        for kind in &self.kinds.0 {
            let (name, table) = (kind.name, kind.table);
            let columns: Vec<&str> = kind.slots.iter().filter_map(column_of).collect();
            let list = |alias: &str| joined(columns.iter().map(|column| format!("{alias}.{column}")), ", ");
            let mut changed = vec![format!(
                "select r.id from ready_{table} r join {table} t on t.id = r.id
                 where not r.fresh and ({}) is distinct from ({})",
                list("r"),
                list("t")
            )];
            for (slot, rows) in lists(kind) {
                let place = kind.slot(slot.name).map_or(0, |(place, _)| place);
                changed
                    .push(format!("select id from ({}) g", gone(kind, slot, rows, place, "t.{owner} as id")));
                changed.push(format!("select id from ({}) e", entered(kind, slot, rows, "n.{owner} as id")));
            }
            let sql =
                format!("insert into touched select '{name}', c.id from ({}) c", changed.join(" union "));
            self.run(sql).await?;
        }
        self.run("analyze touched").await?;
        Ok(())
    }
}

/// Rows of a list that are there and not given; `{owner}` stands for the column of the record.
pub fn gone(kind: &RecordKind, slot: &Slot, rows: &Rows, place: usize, select: &str) -> String {
    let (owner, list) = (rows.owner, list_name("ready", kind, slot.name));
    format!(
        "select {} from ready_{} r join {} t on t.{owner} = r.id
         where not r.fresh and r.given & {} <> 0
         and not exists (select from {list} n where n.{owner} = t.{owner} and {})",
        select.replace("{owner}", owner),
        kind.table,
        rows.table,
        1_i64 << place,
        same(rows)
    )
}

/// Rows of a list that are given and not there, of records that are.
pub fn entered(kind: &RecordKind, slot: &Slot, rows: &Rows, select: &str) -> String {
    let (owner, list) = (rows.owner, list_name("ready", kind, slot.name));
    format!(
        "select {} from {list} n where not n.fresh
         and not exists (select from {} t where t.{owner} = n.{owner} and {})",
        select.replace("{owner}", owner),
        rows.table,
        same(rows)
    )
}

/// Whether the rows `n` and `t` are alike.
fn same(rows: &Rows) -> String {
    let columns: Vec<&str> = rows.columns.iter().map(|column| column.column).chain(rows.ordinal).collect();
    let list = |alias: &str| joined(columns.iter().map(|column| format!("{alias}.{column}")), ", ");
    format!("({}) is not distinct from ({})", list("n"), list("t"))
}

pub fn lists(kind: &RecordKind) -> impl Iterator<Item = (&Slot, &Rows)> {
    kind.slots.iter().filter_map(|slot| match &slot.kind {
        Kind::Rows(rows) => Some((slot, rows)),
        _ => None,
    })
}

/// The column of the record's own row that a slot is.
pub fn column_of(slot: &Slot) -> Option<&'static str> {
    match slot.kind {
        Kind::Value { column, .. } | Kind::Reference { column, .. } => Some(column),
        Kind::Rows(_) => None,
    }
}

fn identifiers(kind: &RecordKind) -> Option<(&Slot, &Rows)> {
    let slot = &kind.slots[kind.identifiers?];
    match &slot.kind {
        Kind::Rows(rows) => Some((slot, rows)),
        _ => None,
    }
}

/// The columns of a list that refer to records: their names in a file and in the table, and to which kind.
fn references(rows: &Rows) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    rows.columns.iter().filter_map(|column| match column.kind {
        RowKind::Reference(to) => Some((column.name, column.column, to)),
        RowKind::Value(_) => None,
    })
}

fn column_names(rows: &Rows, alias: &str) -> String {
    joined(rows.columns.iter().map(|column| format!("{alias}.{}", column.column)), ", ")
}

/// A field of a row `t` of a list, as SQL.
fn field_of_row(slot: &Slot, rows: &Rows, name: &str) -> String {
    if rows.is_reference() {
        format!("'{}.' || t.place", slot.name)
    } else {
        format!("'{}.' || t.place || '.{name}'", slot.name)
    }
}

/// References of the rows `t` that lead nowhere.
fn dangling(table: &str, column: &str, to: &RecordKind, field: &str) -> String {
    format!(
        r"select t.line, {field}, 'There is no {} ' || replace(left(t.{column}, 200), E'\n', ' ') || '.'
          from {table} t join keys_{} k on k.key = t.{column} where k.id is null",
        to.name, to.table
    )
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
