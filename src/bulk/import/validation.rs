//! What the staged records break, found for all of them at once: each record that can't be kept is told
//! with its line, its field and the reason, and so is each that refers to one.

use std::{fmt::Write, iter};

use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    bulk::{
        import::staging::{READY, file_and_line_sql, list_name},
        records::{RecordKind, RecordKinds, joined},
    },
    engine::mutation::{
        rules::{Rules, Unique},
        writable_fields::{RowKind, Rows, WritableField, WritableKind},
    },
};

/// Rules that triggers keep, as no constraint can: what kinds of actors a column must not refer to; what
/// the record is told, and the actor that would become of such a kind.
const KINDS: [(&str, &str, &str, &str, &str); 3] = [
    (
        "statements",
        "speaker_id",
        "in ('PLACE', 'TERRITORY')",
        "A place or a territory can't be a speaker.",
        "The actor is the speaker of statements, so it can't be a place or a territory.",
    ),
    (
        "statements",
        "publication_id",
        "<> 'MEDIA'",
        "A publication must be an actor of kind MEDIA.",
        "The actor is the publication of statements, so its kind must be MEDIA.",
    ),
    (
        "meetings",
        "venue_id",
        "not in ('PLACE', 'ORGANIZATION')",
        "A venue must be a place or an organization.",
        "The actor is the venue of meetings, so it must be a place or an organization.",
    ),
];

/// Rows of a kind for one table: the records themselves, or one of their lists.
struct Part<'a> {
    kind: &'a RecordKind,
    list: Option<(&'a WritableField, &'a Rows)>,
}

fn parts(kind: &RecordKind) -> impl Iterator<Item = Part<'_>> {
    let lists = lists(kind).map(move |list| Part { kind, list: Some(list) });
    iter::once(Part { kind, list: None }).chain(lists)
}

impl<'a> Part<'a> {
    fn table(&self) -> &'a str {
        self.list.map_or(self.kind.table, |(_, rows)| rows.table)
    }

    /// The table that has them on their way there.
    fn name(&self, stem: &str) -> String {
        match self.list {
            None => format!("{stem}{}", self.kind.table),
            Some((writable_field, _)) => list_name(stem, self.kind, writable_field.name),
        }
    }

    /// The column of the record that they are or belong to.
    fn owner(&self) -> &'static str {
        self.list.map_or("id", |(_, rows)| rows.owner)
    }

    fn columns(&self) -> Vec<&'static str> {
        let mut columns = vec![self.owner()];
        match self.list {
            None => columns.extend(self.kind.writable_fields.iter().filter_map(column_of)),
            Some((_, rows)) => {
                columns.extend(rows.columns.iter().map(|column| column.column).chain(rows.ordinal));
            }
        }
        columns
    }

    /// The columns that refer to records, and to which kind.
    fn references(&self) -> Vec<(&'static str, &'static str)> {
        let Some((_, rows)) = self.list else { return self.kind.references().collect() };
        let references = rows.columns.iter().filter_map(|column| match column.kind {
            RowKind::Reference(to) => Some((column.column, to)),
            RowKind::Value(_) => None,
        });
        references.collect()
    }

    /// The field that a column of the row `t` is, as SQL.
    fn field(&self, column: &str) -> String {
        let Some((writable_field, rows)) = self.list else { return field(self.kind, column) };
        match rows.columns.iter().find(|known| known.column == column && !rows.is_reference()) {
            Some(known) => format!("{} || '.{}'", item(writable_field), known.name),
            None => item(writable_field),
        }
    }

    /// The field that several columns of the row `t` are told by, as SQL.
    fn field_of(&self, columns: &[String]) -> String {
        match (self.list, columns.last()) {
            (Some((writable_field, _)), _) => item(writable_field),
            (None, last) => self.field(last.map_or("", String::as_str)),
        }
    }

    /// What orders the rows `t`, as SQL.
    fn order(&self) -> &'static str {
        if self.list.is_some() { "t.line, t.place" } else { "t.line" }
    }
}

/// The field that a column of the record's own row is, as SQL.
fn field(kind: &RecordKind, column: &str) -> String {
    let writable_field =
        kind.writable_fields.iter().find(|writable_field| column_of(writable_field) == Some(column));
    quoted(writable_field.map_or("", |writable_field| writable_field.name))
}

/// The row `t` of a list as a field, as SQL.
fn item(writable_field: &WritableField) -> String {
    format!("'{}.' || t.place", writable_field.name)
}

pub struct Check<'a> {
    pub kinds: &'a RecordKinds,
    pub rules: &'a Rules,
    /// How many files are imported together.
    pub files: usize,
    /// What the names of the staging tables begin with.
    pub staged: &'a str,
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
        self.put_out(self.staged).await?;
        for kind in &self.kinds.0 {
            self.make_ready(kind).await?;
        }
        for kind in &self.kinds.0 {
            for part in parts(kind) {
                self.break_rules(&part).await?;
                self.repeat(&part).await?;
            }
        }
        loop {
            self.put_out(READY).await?;
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
        let (name, staged) = (kind.name, self.staged);
        self.run(format!("insert into {staged}rejected select w.line, '{name}', w.field, w.reason from ({lines}) w (line, field, reason)"))
            .await
    }

    /// Takes what was rejected out of tables; how many lines there are of it that were not known.
    async fn put_out(&mut self, stem: &str) -> Result<u64, sqlx::Error> {
        let new = self
            .run(format!(
                "insert into out select distinct line from {}rejected on conflict do nothing",
                self.staged
            ))
            .await?;
        if new > 0 {
            for part in self.kinds.0.iter().flat_map(parts) {
                let table = part.name(stem);
                self.run(format!("delete from {table} t using out where out.line = t.line")).await?;
            }
        }
        Ok(new)
    }

    /// Finds which records the lines are: those that have the slug or an identifier, or new ones.
    async fn identify(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let (table, staged) = (kind.table, self.staged);
        let (mut id, mut join) = ("t.id", String::new());
        if let Some((writable_field, rows)) = identifiers(kind) {
            let list = list_name(self.staged, kind, writable_field.name);
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
             from (select s.line, s.slug, {id} as id from {staged}{table} s
                   left join {table} t on t.slug = s.slug{join} order by s.line) s"
        ))
        .await?;
        if let Some(merged) = kind.merged {
            let taken = format!(
                "select i.line, 'slug', 'This slug belonged to a record that was merged into another.'
                 from ids_{table} i join {merged} m on m.slug = i.slug where i.fresh"
            );
            self.reject(kind, &taken).await?;
            self.run(format!("delete from ids_{table} i using {staged}rejected r where r.line = i.line"))
                .await?;
        }
        for (by, what) in [("slug", "slug"), ("id", "record")] {
            let repeated = format!(
                "select line, 'slug', {} from (
                     select line, {by} as it, first_value(line) over (partition by {by} order by line) as first from ids_{table}
                 ) i where line > first and it is not null",
                self.line_of("first", &format!("Duplicate {what}: already used by ")),
            );
            self.reject(kind, &repeated).await?;
            self.run(format!("delete from ids_{table} i using {staged}rejected r where r.line = i.line"))
                .await?;
        }
        self.run(format!("analyze ids_{table}")).await?;
        Ok(())
    }

    /// Finds the records of a kind that lines refer to.
    async fn find_references(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let table = kind.table;
        let mut keys = Vec::new();
        for part in self.kinds.0.iter().flat_map(parts) {
            for (column, _) in part.references().into_iter().filter(|(_, to)| *to == kind.name) {
                keys.push(format!("select {column} from {}", part.name(self.staged)));
            }
        }
        if keys.is_empty() {
            keys.push("select null::text where false".to_owned());
        }
        let (mut id, mut join) = ("s.id, t.id".to_owned(), String::new());
        if let Some((writable_field, rows)) = identifiers(kind) {
            let list = list_name(self.staged, kind, writable_field.name);
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
        let (table, staged) = (kind.table, self.staged);
        let needed: Vec<String> = kind
            .writable_fields
            .iter()
            .enumerate()
            .filter(|(_, writable_field)| writable_field.needed)
            .map(|(place, writable_field)| format!("({}::bigint, '{}')", 1_i64 << place, writable_field.name))
            .collect();
        let missing = format!(
            "select s.line, n.field, 'This field must not be null.' from {staged}{table} s
             join ids_{table} i on i.line = s.line and i.fresh
             join (values {}) n (bit, field) on s.given & n.bit = 0",
            needed.join(", ")
        );
        self.reject(kind, &missing).await?;
        for part in parts(kind) {
            for (column, to) in part.references() {
                let to = self.kinds.known(to);
                let dangling = format!(
                    r"select t.line, {}, '{} not found: ' || replace(left(t.{column}, 200), E'\n', ' ') || '.'
                      from {} t join keys_{} k on k.key = t.{column} where k.id is null",
                    part.field(column),
                    to.name,
                    part.name(self.staged),
                    to.table
                );
                self.reject(kind, &dangling).await?;
            }
        }
        Ok(())
    }

    /// The rows as they are to be: what a line doesn't give is as it was.
    async fn make_ready(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let (table, staged) = (kind.table, self.staged);
        let (mut columns, mut joins) = (String::new(), String::new());
        for (place, writable_field) in kind.writable_fields.iter().enumerate() {
            let (column, value) = match &writable_field.kind {
                WritableKind::Value { column, .. } => (column, format!("s.{column}")),
                WritableKind::Reference { column, to } => {
                    let to = self.kinds.known(to).table;
                    let _ = write!(joins, " left join keys_{to} k{place} on k{place}.key = s.{column}");
                    (column, format!("k{place}.id"))
                }
                WritableKind::Rows(_) => continue,
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
             select s.line, i.id, i.fresh, s.given{columns} from {staged}{table} s join ids_{table} i on i.line = s.line
             left join {table} t on not i.fresh and t.id = i.id{joins}"
        ))
        .await?;
        self.run(format!("create index on ready_{table} (id)")).await?;
        self.run(format!("analyze ready_{table}")).await?;
        for (writable_field, rows) in lists(kind) {
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
            let (from, list) = (
                list_name(self.staged, kind, writable_field.name),
                list_name(READY, kind, writable_field.name),
            );
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

    /// Asks the checks of a table.
    async fn break_rules(&mut self, part: &Part<'_>) -> Result<(), sqlx::Error> {
        let checks = self.rules.checks(part.table()).map(|(column, holds, told)| {
            format!("({}, {}, ({holds}) is false)", part.field(column), quoted(told))
        });
        let checks = joined(checks, ", ");
        if checks.is_empty() {
            return Ok(());
        }
        let own = part.columns();
        let others = self.rules.columns(part.table()).iter();
        let others = others.filter(|(column, _)| !own.contains(&column.as_str()));
        let others = joined(others.map(|(column, ty)| format!(", null::{ty} as {column}")), "");
        let broken = format!(
            "select t.line, c.field, c.told from (select r.*{others} from {} r) t
             cross join lateral (values {checks}) c (field, told, broken) where c.broken",
            part.name(READY)
        );
        self.reject(part.kind, &broken).await?;
        Ok(())
    }

    /// Tells values that only one row may have and that several have, or another one already.
    async fn repeat(&mut self, part: &Part<'_>) -> Result<(), sqlx::Error> {
        let (own, owner, ready) = (part.columns(), part.owner(), part.name(READY));
        for Unique { columns, nulls_alike, .. } in self.rules.unique(part.table()) {
            let given = columns.iter().all(|column| own.contains(&column.as_str()));
            // Those were asked when the records were identified.
            if !given || columns == &["id"] || columns == &["slug"] {
                continue;
            }
            let (field, order) = (part.field_of(columns), part.order());
            let list = joined(columns.iter().map(|column| format!("t.{column}")), ", ");
            let set = if *nulls_alike { "true".to_owned() } else { format!("num_nulls({list}) = 0") };
            let repeated = format!(
                "select t.line, t.field, case when t.first = t.line then 'Duplicate entry.' else {} end from (
                     select t.line, {field} as field, first_value(t.line) over w as first, row_number() over w as number
                     from {ready} t where {set} window w as (partition by {list} order by {order})
                 ) t where number > 1",
                self.line_of("t.first", "This value must be unique; it is also used by "),
            );
            self.reject(part.kind, &repeated).await?;
            // Rows of the same record are replaced.
            if columns.iter().all(|column| column != owner) {
                let same = joined(columns.iter().map(|column| format!("o.{column} = t.{column}")), " and ");
                let taken = format!(
                    "select t.line, {field}, 'Another record already has this value, which must be unique.' from {ready} t
                     join {} o on {same} where o.{owner} <> t.{owner}",
                    part.table()
                );
                self.reject(part.kind, &taken).await?;
            }
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
        for part in self.kinds.0.iter().flat_map(parts) {
            for (column, to) in part.references() {
                let lost = format!(
                    "select t.line, {}, {} from {} t
                     join ids_{} i on i.id = t.{column} and i.fresh join out on out.line = i.line",
                    part.field(column),
                    self.line_of("i.line", "The referenced record is rejected: "),
                    part.name(READY),
                    self.kinds.known(to).table
                );
                found += self.reject(part.kind, &lost).await?;
            }
        }
        Ok(found)
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
        let wrong = format!(
            "select r.line, {}, {} from ready_{table} r
             left join ready_actors n on n.id = r.{column} left join actors t on t.id = r.{column}
             where coalesce(n.kind, t.kind) {kinds}",
            field(kind, column),
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
        let circles = format!(
            "with recursive above as (
                 select id, {parent} as above from ready_{table} where {parent} is not null
                 union
                 select above.id, case when r.id is null then t.{parent} else r.{parent} end from above
                 left join ready_{table} r on r.id = above.above left join {table} t on t.id = above.above
                 where above.above <> above.id and above.above is not null
             )
             select r.line, {}, 'The record would be its own ancestor.' from above join ready_{table} r on r.id = above.id
             where above.above = above.id",
            field(kind, parent)
        );
        self.reject(kind, &circles).await
    }

    /// Notes which records are there already and would change.
    async fn touch(&mut self) -> Result<(), sqlx::Error> {
        self.run("create temp table touched (kind text, id bigint, primary key (kind, id)) on commit drop")
            .await?;
        for kind in &self.kinds.0 {
            let (name, table) = (kind.name, kind.table);
            let columns: Vec<&str> = kind.writable_fields.iter().filter_map(column_of).collect();
            let list = |alias: &str| joined(columns.iter().map(|column| format!("{alias}.{column}")), ", ");
            let mut changed = vec![format!(
                "select r.id from ready_{table} r join {table} t on t.id = r.id
                 where not r.fresh and ({}) is distinct from ({})",
                list("r"),
                list("t")
            )];
            for (writable_field, rows) in lists(kind) {
                let place = kind.writable_field(writable_field.name).map_or(0, |(place, _)| place);
                changed.push(format!(
                    "select id from ({}) g",
                    gone(kind, writable_field, rows, place, "t.{owner} as id")
                ));
                changed.push(format!(
                    "select id from ({}) e",
                    entered(kind, writable_field, rows, "n.{owner} as id")
                ));
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
pub fn gone(
    kind: &RecordKind,
    writable_field: &WritableField,
    rows: &Rows,
    place: usize,
    select: &str,
) -> String {
    let (owner, list) = (rows.owner, list_name(READY, kind, writable_field.name));
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
pub fn entered(kind: &RecordKind, writable_field: &WritableField, rows: &Rows, select: &str) -> String {
    let (owner, list) = (rows.owner, list_name(READY, kind, writable_field.name));
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

pub fn lists(kind: &RecordKind) -> impl Iterator<Item = (&WritableField, &Rows)> {
    kind.writable_fields.iter().filter_map(|writable_field| match &writable_field.kind {
        WritableKind::Rows(rows) => Some((writable_field, rows)),
        _ => None,
    })
}

/// The column of the record's own row that a writable field is.
pub fn column_of(writable_field: &WritableField) -> Option<&'static str> {
    match writable_field.kind {
        WritableKind::Value { column, .. } | WritableKind::Reference { column, .. } => Some(column),
        WritableKind::Rows(_) => None,
    }
}

fn identifiers(kind: &RecordKind) -> Option<(&WritableField, &Rows)> {
    let writable_field = &kind.writable_fields[kind.identifiers?];
    match &writable_field.kind {
        WritableKind::Rows(rows) => Some((writable_field, rows)),
        _ => None,
    }
}

fn column_names(rows: &Rows, alias: &str) -> String {
    joined(rows.columns.iter().map(|column| format!("{alias}.{}", column.column)), ", ")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
