//! Validation of the staged records, by one statement per rule for all records. Each invalid record is reported
//! with line, field and reason, and so is each record that refers to it.

use std::{fmt::Write, iter};

use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    bulk::{
        import::staging::{READY_PREFIX, file_and_line_sql, list_name},
        records::{RecordKind, RecordKinds, joined},
    },
    engine::mutation::{
        rules::{Rules, Unique},
        writable_fields::{RowKind, Rows, WritableField, WritableKind},
    },
};

/// Rules that triggers enforce, because constraints can't: table, column, the kinds of actors that the column must
/// not refer to, the message for the record, and the message for an actor that changes to such a kind.
const ACTOR_KIND_RULES: [(&str, &str, &str, &str, &str); 3] = [
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

/// Rows of a type for one table: the records themselves, or one of their lists.
struct RowSet<'a> {
    kind: &'a RecordKind,
    list: Option<(&'a WritableField, &'a Rows)>,
}

fn row_sets(kind: &RecordKind) -> impl Iterator<Item = RowSet<'_>> {
    let lists = list_fields(kind).map(move |list| RowSet { kind, list: Some(list) });
    iter::once(RowSet { kind, list: None }).chain(lists)
}

impl<'a> RowSet<'a> {
    fn table(&self) -> &'a str {
        self.list.map_or(self.kind.table, |(_, rows)| rows.table)
    }

    /// The staging or ready table of these rows.
    fn name(&self, stem: &str) -> String {
        match self.list {
            None => format!("{stem}{}", self.kind.table),
            Some((writable_field, _)) => list_name(stem, self.kind, writable_field.name),
        }
    }

    /// The column with the record's id.
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

    /// The columns that refer to records, with the type.
    fn references(&self) -> Vec<(&'static str, &'static str)> {
        let Some((_, rows)) = self.list else { return self.kind.references().collect() };
        let references = rows.columns.iter().filter_map(|column| match column.kind {
            RowKind::Reference(to) => Some((column.column, to)),
            RowKind::Value(_) => None,
        });
        references.collect()
    }

    /// SQL for the field of a column of the row `t`.
    fn field(&self, column: &str) -> String {
        let Some((writable_field, rows)) = self.list else { return field(self.kind, column) };
        match rows.columns.iter().find(|known| known.column == column && !rows.is_reference()) {
            Some(known) => format!("{} || '.{}'", item(writable_field), known.name),
            None => item(writable_field),
        }
    }

    /// SQL for the field that an error about several columns names.
    fn field_of_columns(&self, columns: &[String]) -> String {
        match (self.list, columns.last()) {
            (Some((writable_field, _)), _) => item(writable_field),
            (None, last) => self.field(last.map_or("", String::as_str)),
        }
    }

    /// Whether a row is valid without the column, or a record without the row.
    fn is_optional(&self, column: &str) -> bool {
        let is_of = |writable_field: &&WritableField| column_of(writable_field) == Some(column);
        self.list.is_some() || self.kind.writable_fields.iter().find(is_of).is_some_and(|field| !field.needed)
    }

    /// The name of the field of a column, without the place in its list.
    fn column_name(&self, column: &str) -> String {
        let name = match self.list {
            None => self
                .kind
                .writable_fields
                .iter()
                .find(|field| column_of(field) == Some(column))
                .map(|field| field.name),
            Some((writable_field, _)) => Some(writable_field.name),
        };
        name.unwrap_or_default().to_owned()
    }

    /// SQL for the order of the rows `t`.
    fn order(&self) -> &'static str {
        if self.list.is_some() { "t.line, t.list_index" } else { "t.line" }
    }
}

/// SQL for the field of a column of the record's own row.
fn field(kind: &RecordKind, column: &str) -> String {
    let writable_field =
        kind.writable_fields.iter().find(|writable_field| column_of(writable_field) == Some(column));
    quoted(writable_field.map_or("", |writable_field| writable_field.name))
}

/// SQL for the field of the list entry `t`: `names.0`.
fn item(writable_field: &WritableField) -> String {
    format!("'{}.' || t.list_index", writable_field.name)
}

/// Registers whose identifiers are unique everywhere. Only by these does a record of a dataset match one that another
/// dataset or an analyst entered.
pub const GLOBAL_SCHEMES: [&str; 11] = [
    "wikidata",
    "viaf",
    "isni",
    "gnd",
    "orcid",
    "lei",
    "bioguide",
    "opensanctions",
    "iso3166-1-alpha2",
    "iso3166-1-alpha3",
    "imo",
];

pub struct Validator<'a> {
    pub kinds: &'a RecordKinds,
    pub rules: &'a Rules,
    /// Number of files of the import.
    pub files: usize,
    /// Prefix of the staging tables.
    pub staged: &'a str,
    pub connection: &'a mut PgConnection,
}

impl Validator<'_> {
    /// Builds the `ready_` tables from the staging tables, and rejects invalid records.
    pub async fn validate(&mut self) -> Result<(), sqlx::Error> {
        self.run("create temp table rejected_lines (line bigint primary key) on commit drop").await?;
        self.run("create temp table changed_values (line bigint, kind text, field text, reason text) on commit drop")
            .await?;
        for kind in &self.kinds.0 {
            self.join_fragments(kind).await?;
            self.match_records(kind).await?;
        }
        for kind in &self.kinds.0 {
            self.resolve_references(kind).await?;
        }
        for kind in &self.kinds.0 {
            self.drop_dangling(kind).await?;
        }
        for kind in &self.kinds.0 {
            self.check_required(kind).await?;
        }
        self.delete_rejected(self.staged).await?;
        for kind in &self.kinds.0 {
            self.create_ready_tables(kind).await?;
            self.add_other_givers(kind).await?;
        }
        for kind in &self.kinds.0 {
            for rows in row_sets(kind) {
                self.fit(&rows).await?;
            }
        }
        for kind in &self.kinds.0 {
            for rows in row_sets(kind) {
                self.check_constraints(&rows).await?;
                self.check_unique(&rows).await?;
            }
        }
        loop {
            self.delete_rejected(READY_PREFIX).await?;
            let mut found = self.reject_dependents().await?;
            for (table, column, kinds, message, actor_message) in ACTOR_KIND_RULES {
                found += self.check_actor_kind(table, column, kinds, message, actor_message).await?;
            }
            for kind in &self.kinds.0 {
                found += self.check_cycles(kind).await?;
            }
            if found == 0 {
                break;
            }
        }
        for kind in &self.kinds.0 {
            self.take_digests(kind).await?;
        }
        self.find_updates().await
    }

    async fn run(&mut self, sql: impl Into<String>) -> Result<u64, sqlx::Error> {
        let sql: String = sql.into();
        tracing::debug!(target: "dossier::sql", sql, "statement");
        let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
        Ok(query.execute(&mut *self.connection).await?.rows_affected())
    }

    /// Rejects the lines that a query returns, with field and reason.
    async fn reject(&mut self, kind: &RecordKind, lines: &str) -> Result<u64, sqlx::Error> {
        let (name, staged) = (kind.name, self.staged);
        self.run(format!("insert into {staged}rejected select w.line, '{name}', w.field, w.reason from ({lines}) w (line, field, reason)"))
            .await
    }

    /// Deletes the rejected records from the tables with this prefix; returns how many lines are newly rejected.
    async fn delete_rejected(&mut self, stem: &str) -> Result<u64, sqlx::Error> {
        let new = self
            .run(format!(
                "insert into rejected_lines select distinct line from {}rejected on conflict do nothing",
                self.staged
            ))
            .await?;
        if new > 0 {
            for rows in self.kinds.0.iter().flat_map(row_sets) {
                let table = rows.name(stem);
                self.run(format!("delete from {table} t using rejected_lines o where o.line = t.line"))
                    .await?;
            }
        }
        Ok(new)
    }

    /// Matches each line to the existing record with its slug, origin or identifier, or gives it a new id. A record of
    /// a dataset is never matched by its slug, and of identifiers only by those of global registers.
    async fn match_records(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let (table, staged, owner) = (kind.table, self.staged, kind.origin_column.as_str());
        let origins = list_name(staged, kind, "origins");
        let (mut join, mut merged, mut identified) = (String::new(), "null::bigint", "null::bigint");
        if let Some(merged_records) = kind.merged {
            let _ = write!(
                join,
                " left join lateral (select kept_id from {merged_records} where slug = s.slug limit 1) m on not s.by_dataset"
            );
            merged = "m.kept_id";
        }
        if let Some((writable_field, rows)) = identifiers(kind) {
            let list = list_name(staged, kind, writable_field.name);
            let (own, columns) = (rows.table, column_names(rows, "l"));
            let _ = write!(
                join,
                " left join (
                    select distinct on (l.line) l.line, i.{owner} as id from {list} l join {staged}{table} s on s.line = l.line
                    join {own} i on ({columns}) = ({others}) join {table} t on t.id = i.{owner}
                    where not s.by_dataset or l.scheme in ({schemes}) and t.kind = s.kind and not exists (
                        select from {origins} o join origins known on known.dataset = o.dataset and known.key <> o.key
                        where o.line = l.line and known.{owner} = t.id
                    )
                    order by l.line, l.list_index
                  ) i on i.line = s.line",
                others = column_names(rows, "i"),
                schemes = global_schemes(),
            );
            identified = "i.id";
        }
        self.run(format!(
            "create temp table ids_{table} on commit drop as
             select s.line, s.slug::text as slug, s.by_dataset, o.dataset, o.key, known.id as origin_id, s.given_fields,
                    coalesce(t.id, {merged}, known.{owner}, {identified}) as id, false as is_new, true as is_first
             from {staged}{table} s left join {table} t on t.slug = s.slug and not s.by_dataset
             left join {origins} o on o.line = s.line and o.list_index = 0
             left join origins known on known.dataset = o.dataset and known.key = o.key and known.{owner} is not null{join}
             order by s.line"
        ))
        .await?;
        self.run(format!("create index on ids_{table} (line)")).await?;
        self.run(format!("analyze ids_{table}")).await?;
        if let Some((writable_field, _)) = identifiers(kind) {
            self.match_datasets(kind, writable_field).await?;
        }
        self.run(format!(
            "update ids_{table} i set id = n.id, is_new = true from (
                 select line, nextval(pg_get_serial_sequence('{table}', 'id')) as id
                 from (select line from ids_{table} where id is null order by line) l
             ) n where n.line = i.line"
        ))
        .await?;
        if kind.identifiers.is_some() {
            self.run(format!(
                "update ids_{table} i set id = first.id, is_new = first.is_new from same_{table} s join ids_{table} first on first.line = s.first
                 where s.line = i.line"
            ))
            .await?;
        }
        // Of the lines of one record, the first one gives its values, the others what it lacks.
        self.run(format!(
            "update ids_{table} i set is_first = false from (
                 select line, row_number() over (partition by id order by by_dataset, line) as number from ids_{table}
             ) n where n.line = i.line and n.number > 1 and i.by_dataset"
        ))
        .await?;
        self.name_records(kind).await?;
        for (by, what) in [("slug", "slug"), ("id", "record")] {
            let repeated = format!(
                "select line, 'slug', {} from (
                     select line, by_dataset, {by} as it, first_value(line) over (partition by {by} order by line) as first from ids_{table}
                     where is_first and ('{by}' = 'id' or is_new or not by_dataset)
                 ) i where line > first and it is not null",
                self.line_reference("first", &format!("Duplicate {what}: already used by ")),
            );
            self.reject(kind, &repeated).await?;
            self.run(format!("delete from ids_{table} i using {staged}rejected r where r.line = i.line"))
                .await?;
        }
        self.run(format!("analyze ids_{table}")).await?;
        Ok(())
    }

    /// Finds lines of different datasets that are one record by an identifier of a global register: the later ones
    /// follow the first. A dataset has a record only once.
    async fn match_datasets(
        &mut self,
        kind: &RecordKind,
        identifiers: &WritableField,
    ) -> Result<(), sqlx::Error> {
        let (table, staged) = (kind.table, self.staged);
        let list = list_name(staged, kind, identifiers.name);
        self.run(format!(
            "create temp table same_{table} on commit drop as
             with given as (
                 select i.line, i.id, i.dataset, s.kind, l.scheme, l.value from ids_{table} i
                 join {staged}{table} s on s.line = i.line and s.by_dataset join {list} l on l.line = i.line
                 where l.scheme in ({})
             )
             select distinct on (first, dataset) line, first, dataset from (
                 select later.line, min(given.line) as first, later.dataset from given
                 join given later using (scheme, value)
                 where later.id is null and later.line > given.line and later.kind = given.kind and later.dataset <> given.dataset
                 group by later.line, later.dataset
             ) f order by first, dataset, line",
            global_schemes()
        ))
        .await?;
        while self
            .run(format!(
                "update same_{table} s set first = before.first from same_{table} before where before.line = s.first
                 and not exists (
                     select from same_{table} other where other.first = before.first and other.dataset = s.dataset
                 )"
            ))
            .await?
            > 0
        {}
        self.run(format!("delete from same_{table} s using same_{table} before where before.line = s.first"))
            .await?;
        self.run(format!(
            "delete from same_{table} s using ids_{table} first, ids_{table} one
             where first.line = s.first and one.line = s.line and first.dataset = one.dataset"
        ))
        .await?;
        Ok(())
    }

    /// Gives new records of datasets a slug that nobody has. One that is taken gets a digest of the record's origin.
    async fn name_records(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let table = kind.table;
        let merged = kind.merged.map_or_else(String::new, |merged| {
            format!(" or exists (select from {merged} m where m.slug = i.slug)")
        });
        self.run(format!(
            "update ids_{table} i set slug = i.slug || '-' || left(md5(i.dataset || E'\\n' || i.key), 6)
             where i.by_dataset and i.is_new and i.is_first and (
                 exists (select from {table} t where t.slug = i.slug){merged}
                 or exists (
                     select from ids_{table} o where o.slug = i.slug and o.line <> i.line and o.is_first
                     and (not o.by_dataset or o.is_new and o.line < i.line)
                 )
             )"
        ))
        .await?;
        Ok(())
    }

    /// Joins the fragments of a record of a dataset: lines with one key become the first of them, with the values and
    /// the entries of all.
    async fn join_fragments(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let (table, staged) = (kind.table, self.staged);
        let origins = list_name(staged, kind, "origins");
        let repeated = self
            .run(format!(
                "create temp table fragments_{table} on commit drop as
                 select line, first from (
                     select o.line, first_value(o.line) over (partition by o.dataset, o.key order by o.line) as first
                     from {origins} o join {staged}{table} s on s.line = o.line and s.by_dataset
                 ) o where line > first"
            ))
            .await?;
        if repeated == 0 {
            return Ok(());
        }
        let columns: Vec<&str> = kind.writable_fields.iter().filter_map(column_of).collect();
        let first = |column: &&str| {
            format!(
                "(array_agg(s.{column} order by s.line) filter (where s.{column} is not null))[1] as {column}"
            )
        };
        self.run(format!(
            "update {staged}{table} t set given_fields = j.given_fields, {} from (
                 select coalesce(f.first, s.line) as line, bit_or(s.given_fields) as given_fields, {}
                 from {staged}{table} s left join fragments_{table} f on f.line = s.line
                 where f.line is not null or s.line in (select first from fragments_{table})
                 group by 1
             ) j where j.line = t.line",
            joined(columns.iter().map(|column| format!("{column} = j.{column}")), ", "),
            joined(columns.iter().map(first), ", ")
        ))
        .await?;
        for (writable_field, rows) in list_fields(kind) {
            let list = list_name(staged, kind, writable_field.name);
            let columns = joined(rows.columns.iter().map(|column| format!("l.{}", column.column)), ", ");
            self.run(format!(
                "delete from {list} t using (
                     select l.ctid as place, row_number() over (partition by coalesce(f.first, l.line), {columns} order by l.line, l.list_index) as number
                     from {list} l left join fragments_{table} f on f.line = l.line
                     where f.line is not null or l.line in (select first from fragments_{table})
                 ) d where d.place = t.ctid and d.number > 1"
            ))
            .await?;
            self.run(format!(
                "update {list} l set line = f.first, list_index = l.list_index + ((f.line - f.first) & 1048575)::integer
                 from fragments_{table} f where f.line = l.line"
            ))
            .await?;
        }
        self.run(format!("delete from {staged}{table} s using fragments_{table} f where f.line = s.line"))
            .await?;
        Ok(())
    }

    /// Resolves the slugs and identifiers that refer to records of this type.
    async fn resolve_references(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let table = kind.table;
        let mut keys = Vec::new();
        for rows in self.kinds.0.iter().flat_map(row_sets) {
            for (column, _) in rows.references().into_iter().filter(|(_, to)| *to == kind.name) {
                keys.push(format!("select {column} from {}", rows.name(self.staged)));
            }
        }
        if keys.is_empty() {
            keys.push("select null::text where false".to_owned());
        }
        let owner = &kind.origin_column;
        let origin = |alias: &str| format!(r"E'\n' || {alias}.dataset || E'\n' || {alias}.key");
        let mut id = "s.id, t.id, so.id, o.id".to_owned();
        let mut join = format!(
            " left join (select {} as key, i.id from ids_{table} i where i.by_dataset) so on so.key = k.key
              left join (select {} as key, o.{owner} as id from origins o where o.{owner} is not null) o on o.key = k.key",
            origin("i"),
            origin("o"),
        );
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
        if let Some(merged) = kind.merged {
            let _ = write!(
                join,
                " left join (select distinct on (slug) slug, kept_id as id from {merged}) m on m.slug = k.key"
            );
            id += ", m.id";
        }
        self.run(format!(
            "create temp table keys_{table} on commit drop as
             select distinct on (k.key) k.key, coalesce({id}) as id from (select distinct key from ({}) k (key)) k
             left join ids_{table} s on s.slug = k.key and not s.by_dataset left join {table} t on t.slug = k.key{join}
             where k.key is not null",
            keys.join(" union all ")
        ))
        .await?;
        self.run(format!("analyze keys_{table}")).await?;
        Ok(())
    }

    /// Leaves out references of datasets to records that don't exist, where the record can do without.
    async fn drop_dangling(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let (table, staged) = (kind.table, self.staged);
        for rows in row_sets(kind) {
            for (column, to) in rows.references().into_iter().filter(|(column, _)| rows.is_optional(column)) {
                let (own, keys) = (rows.name(staged), self.kinds.known(to).table);
                let dangling = format!(
                    "{own} t join keys_{keys} k on k.key = t.{column} and k.id is null
                     join ids_{table} i on i.line = t.line and i.by_dataset"
                );
                let what = rows.column_name(column);
                self.run(format!(
                    "insert into changed_values select t.line, '{}', '{what}', 'left out: the record that it refers to is not there' from {dangling}",
                    kind.name
                ))
                .await?;
                let drop = if rows.list.is_some() {
                    format!("delete from {own} d using {dangling} where d.ctid = t.ctid")
                } else {
                    format!("update {own} d set {column} = null from {dangling} where d.ctid = t.ctid")
                };
                self.run(drop).await?;
            }
        }
        Ok(())
    }

    /// Rejects new records without their required fields, and references to unknown records.
    async fn check_required(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
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
             join ids_{table} i on i.line = s.line and i.is_new
             join (values {}) n (bit, field) on s.given_fields & n.bit = 0",
            needed.join(", ")
        );
        self.reject(kind, &missing).await?;
        for rows in row_sets(kind) {
            for (column, to) in rows.references() {
                let to = self.kinds.known(to);
                let dangling = format!(
                    r"select t.line, {}, '{} not found: ' || replace(left(regexp_replace(t.{column}, '^\n.*\n', ''), 200), E'\n', ' ') || '.'
                      from {} t join keys_{} k on k.key = t.{column} where k.id is null",
                    rows.field(column),
                    to.name,
                    rows.name(self.staged),
                    to.table
                );
                self.reject(kind, &dangling).await?;
            }
        }
        Ok(())
    }

    /// Builds the rows to write. Fields that a line doesn't have keep their value, and so do those that somebody has
    /// changed since a dataset gave them.
    async fn create_ready_tables(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let (table, staged) = (kind.table, self.staged);
        let (mut columns, mut joins) = (String::new(), String::new());
        for (place, writable_field) in kind.writable_fields.iter().enumerate() {
            let Some((column, value, join)) = self.staged_value(place, writable_field) else { continue };
            joins += &join;
            let value = match place {
                // A record keeps its slug.
                0 => format!("case when i.is_new then i.slug else t.{column} end"),
                _ => written_value(place, writable_field.name, column, &value),
            };
            let _ = write!(columns, ", {value} as {column}");
        }
        self.run(format!(
            "create temp table ready_{table} on commit drop as
             select s.line, i.id, i.is_new, s.given_fields, s.by_dataset{columns} from {staged}{table} s
             join ids_{table} i on i.line = s.line and i.is_first
             left join {table} t on not i.is_new and t.id = i.id
             left join origin_digests d on d.origin_id = i.origin_id{joins}"
        ))
        .await?;
        self.run(format!("create index on ready_{table} (id)")).await?;
        self.run(format!("analyze ready_{table}")).await?;
        for (writable_field, rows) in list_fields(kind) {
            let (mut columns, mut joins, mut values) = (String::new(), String::new(), Vec::new());
            for (place, column) in rows.columns.iter().enumerate() {
                let name = column.column;
                let value = match column.kind {
                    RowKind::Value(_) => format!("l.{name}"),
                    RowKind::Reference(to) => {
                        let to = self.kinds.known(to).table;
                        let _ = write!(joins, " left join keys_{to} k{place} on k{place}.key = l.{name}");
                        format!("k{place}.id")
                    }
                };
                let _ = write!(columns, ", {value} as {name}");
                values.push(value);
            }
            if let Some(ordinal) = rows.ordinal {
                let _ = write!(columns, ", l.list_index + 1 as {ordinal}");
            }
            let (from, list) = (
                list_name(self.staged, kind, writable_field.name),
                list_name(READY_PREFIX, kind, writable_field.name),
            );
            self.run(format!(
                "create temp table {list} on commit drop as
                 select l.line, l.list_index, i.id as {owner}, i.is_new, i.by_dataset, {given} as was_given{columns} from {from} l
                 join ids_{table} i on i.line = l.line left join origin_digests d on d.origin_id = i.origin_id{joins}",
                owner = rows.owner,
                given = was_given(writable_field.name, &row_digest(&values)),
            ))
            .await?;
            self.run(format!("create index on {list} ({})", rows.owner)).await?;
            self.run(format!("analyze {list}")).await?;
        }
        Ok(())
    }

    /// The column of a field that is not a list, with SQL for its staged value and the join that this needs.
    fn staged_value(
        &self,
        place: usize,
        writable_field: &WritableField,
    ) -> Option<(&'static str, String, String)> {
        match &writable_field.kind {
            WritableKind::Value { column, .. } => Some((column, format!("s.{column}"), String::new())),
            WritableKind::Reference { column, to } => {
                let to = self.kinds.known(to).table;
                let join = format!(" left join keys_{to} k{place} on k{place}.key = s.{column}");
                Some((column, format!("k{place}.id"), join))
            }
            WritableKind::Rows(_) => None,
        }
    }

    /// Where several lines give one record: what the first one lacks, and names that differ from the preferred one.
    async fn add_other_givers(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let (table, staged) = (kind.table, self.staged);
        let (mut columns, mut joins, mut set) = (Vec::new(), String::new(), Vec::new());
        for (place, writable_field) in kind.writable_fields.iter().enumerate().skip(1) {
            let Some((column, value, join)) = self.staged_value(place, writable_field) else { continue };
            if writable_field.needed {
                continue;
            }
            columns.push(format!(
                "(array_agg({value} order by s.line) filter (where {value} is not null))[1] as {column}"
            ));
            joins += &join;
            set.push(format!("{column} = coalesce(r.{column}, x.{column})"));
        }
        if !columns.is_empty() {
            self.run(format!(
                "update ready_{table} r set {} from (
                     select i.id, {} from {staged}{table} s join ids_{table} i on i.line = s.line and not i.is_first{joins}
                     where i.origin_id is null group by i.id
                 ) x where x.id = r.id",
                set.join(", "),
                columns.join(", ")
            ))
            .await?;
        }
        let Some((_, names)) = list_fields(kind).find(|(field, _)| field.name == "names") else {
            return Ok(());
        };
        let type_of = |column: &str| self.rules.type_of(names.table, column).unwrap_or("text");
        let values: Vec<String> = names
            .columns
            .iter()
            .map(|column| match column.name {
                "name" => "s.name".to_owned(),
                "kind" => format!("'ALIAS'::{}", type_of(column.column)),
                _ => format!("null::{}", type_of(column.column)),
            })
            .collect();
        let (list, owner) = (list_name(READY_PREFIX, kind, "names"), names.owner);
        let own = joined(names.columns.iter().map(|column| column.column.to_owned()), ", ");
        self.run(format!(
            "insert into {list} (line, list_index, {owner}, is_new, by_dataset, was_given, {own})
             select s.line, 10000, i.id, i.is_new, true, {given}, {values} from {staged}{table} s
             join ids_{table} i on i.line = s.line and i.by_dataset join ready_{table} r on r.id = i.id and r.name <> s.name
             left join origin_digests d on d.origin_id = i.origin_id
             where (not i.is_new or not i.is_first)
             and (i.origin_id is null or {given} or d.digests ->> 'name' is distinct from {digest})
             and not exists (select from {list} n where n.{owner} = i.id and n.name = s.name)",
            given = was_given("names", &row_digest(&values)),
            values = values.join(", "),
            digest = digest("s.name"),
        ))
        .await?;
        Ok(())
    }

    /// Leaves out what is not valid of the rows that datasets give, where the record can do without.
    async fn fit(&mut self, rows: &RowSet<'_>) -> Result<(), sqlx::Error> {
        let (ready, owner, name) = (rows.name(READY_PREFIX), rows.owner(), rows.kind.name);
        if let Some((writable_field, list)) = rows.list {
            let columns = joined(list.columns.iter().map(|column| column.column.to_owned()), ", ");
            self.run(format!(
                "delete from {ready} t using (
                     select ctid as place, row_number() over (partition by {owner}, {columns} order by line, list_index) as number
                     from {ready} where by_dataset
                 ) d where d.place = t.ctid and d.number > 1"
            ))
            .await?;
            for Unique { columns, .. } in self.rules.unique(rows.table()) {
                let own = rows.columns();
                if !columns.iter().all(|column| own.contains(&column.as_str())) || columns == &["id"] {
                    continue;
                }
                let others: Vec<&String> = columns.iter().filter(|column| *column != owner).collect();
                let is_global = others.len() == columns.len();
                let equals = |one: &str, other: &str| {
                    joined(others.iter().map(|column| format!("{one}.{column} = {other}.{column}")), " and ")
                };
                let taken = if is_global {
                    format!(
                        "exists (select from {} o where {} and o.{owner} <> t.{owner})
                         or exists (select from {ready} o where {} and o.{owner} <> t.{owner} and (o.line, o.list_index) < (t.line, t.list_index))",
                        rows.table(),
                        equals("o", "t"),
                        equals("o", "t"),
                    )
                } else {
                    format!(
                        "exists (select from {ready} o where {} and o.{owner} = t.{owner} and (o.line, o.list_index) < (t.line, t.list_index))",
                        equals("o", "t"),
                    )
                };
                let reason = if is_global {
                    "left out: another record has it"
                } else {
                    "left out: another entry stands for it"
                };
                self.run(format!(
                    "with taken as (delete from {ready} t where by_dataset and ({taken}) returning line)
                     insert into changed_values select line, '{name}', '{}', '{reason}' from taken",
                    writable_field.name
                ))
                .await?;
            }
        }
        let checks: Vec<_> =
            self.rules.checks(rows.table()).filter(|(column, ..)| rows.is_optional(column)).collect();
        if checks.is_empty() {
            return Ok(());
        }
        let values = joined(
            checks.iter().map(|(column, holds, message)| {
                format!(
                    "('{column}', '{}', {}, ({holds}) is false)",
                    rows.column_name(column),
                    quoted(message)
                )
            }),
            ", ",
        );
        let own = rows.columns();
        let others = self.rules.columns(rows.table()).iter();
        let others = others.filter(|(column, _)| !own.contains(&column.as_str()));
        let others = joined(others.map(|(column, ty)| format!(", null::{ty} as {column}")), "");
        let mut columns: Vec<&str> = checks.iter().map(|(column, ..)| *column).collect();
        columns.dedup();
        loop {
            let found = self
                .run(format!(
                    "create temp table unfit on commit drop as
                     select t.place, t.line, c.* from (select r.ctid as place, r.*{others} from {ready} r where r.by_dataset) t
                     cross join lateral (values {values}) c (of_column, field, message, broken) where c.broken"
                ))
                .await?;
            if found > 0 {
                self.run(format!(
                    "insert into changed_values select distinct line, '{name}', field, 'left out: ' || message from unfit"
                ))
                .await?;
                if rows.list.is_some() {
                    self.run(format!("delete from {ready} t using unfit where unfit.place = t.ctid")).await?;
                } else {
                    for column in &columns {
                        self.run(format!(
                            "update {ready} t set {column} = null from unfit where unfit.place = t.ctid and of_column = '{column}'"
                        ))
                        .await?;
                    }
                }
            }
            self.run("drop table unfit").await?;
            if found == 0 || rows.list.is_some() {
                return Ok(());
            }
        }
    }

    /// Evaluates the check constraints of the table.
    async fn check_constraints(&mut self, rows: &RowSet<'_>) -> Result<(), sqlx::Error> {
        let checks = self.rules.checks(rows.table()).map(|(column, holds, message)| {
            format!("({}, {}, ({holds}) is false)", rows.field(column), quoted(message))
        });
        let checks = joined(checks, ", ");
        if checks.is_empty() {
            return Ok(());
        }
        let own = rows.columns();
        let others = self.rules.columns(rows.table()).iter();
        let others = others.filter(|(column, _)| !own.contains(&column.as_str()));
        let others = joined(others.map(|(column, ty)| format!(", null::{ty} as {column}")), "");
        let broken = format!(
            "select t.line, c.field, c.message from (select r.*{others} from {} r) t
             cross join lateral (values {checks}) c (field, message, broken) where c.broken",
            rows.name(READY_PREFIX)
        );
        self.reject(rows.kind, &broken).await?;
        Ok(())
    }

    /// Rejects duplicates of unique columns, within the import and in the database.
    async fn check_unique(&mut self, rows: &RowSet<'_>) -> Result<(), sqlx::Error> {
        let (own, owner, ready) = (rows.columns(), rows.owner(), rows.name(READY_PREFIX));
        for Unique { columns, nulls_alike, .. } in self.rules.unique(rows.table()) {
            let given = columns.iter().all(|column| own.contains(&column.as_str()));
            // `match_records` has checked these.
            if !given || columns == &["id"] || columns == &["slug"] {
                continue;
            }
            let (field, order) = (rows.field_of_columns(columns), rows.order());
            let list = joined(columns.iter().map(|column| format!("t.{column}")), ", ");
            let set = if *nulls_alike { "true".to_owned() } else { format!("num_nulls({list}) = 0") };
            let repeated = format!(
                "select t.line, t.field, case when t.first = t.line then 'Duplicate entry.' else {} end from (
                     select t.line, {field} as field, first_value(t.line) over w as first, row_number() over w as number
                     from {ready} t where {set} window w as (partition by {list} order by {order})
                 ) t where number > 1",
                self.line_reference("t.first", "This value must be unique; it is also used by "),
            );
            self.reject(rows.kind, &repeated).await?;
            // Rows of the same record are replaced.
            if columns.iter().all(|column| column != owner) {
                let same = joined(columns.iter().map(|column| format!("o.{column} = t.{column}")), " and ");
                let taken = format!(
                    "select t.line, {field}, 'Another record already has this value, which must be unique.' from {ready} t
                     join {} o on {same} where o.{owner} <> t.{owner}",
                    rows.table()
                );
                self.reject(rows.kind, &taken).await?;
            }
        }
        Ok(())
    }

    /// Rejects records that refer to rejected new records.
    async fn reject_dependents(&mut self) -> Result<u64, sqlx::Error> {
        let mut found = 0;
        let any: bool = sqlx::query_scalar("select exists (select from rejected_lines)")
            .fetch_one(&mut *self.connection)
            .await?;
        if !any {
            return Ok(found);
        }
        for rows in self.kinds.0.iter().flat_map(row_sets) {
            for (column, to) in rows.references() {
                let lost = format!(
                    "select t.line, {}, {} from {} t
                     join ids_{} i on i.id = t.{column} and i.is_new join rejected_lines o on o.line = i.line",
                    rows.field(column),
                    self.line_reference("i.line", "The referenced record is rejected: "),
                    rows.name(READY_PREFIX),
                    self.kinds.known(to).table
                );
                found += self.reject(rows.kind, &lost).await?;
            }
        }
        Ok(found)
    }

    /// SQL for a message that ends with a line number, and the file if there are several.
    fn line_reference(&self, place: &str, message: &str) -> String {
        let (file, line) = file_and_line_sql(place);
        let file = if self.files > 1 { format!(" || ' of file ' || ({file})") } else { String::new() };
        format!("{} || 'line ' || ({line}){file} || '.'", quoted(message))
    }

    async fn check_actor_kind(
        &mut self,
        table: &str,
        column: &str,
        kinds: &str,
        message: &str,
        actor_message: &str,
    ) -> Result<u64, sqlx::Error> {
        let Some(kind) = self.kinds.0.iter().find(|kind| kind.table == table) else { return Ok(0) };
        let wrong = format!(
            "select r.line, {}, {} from ready_{table} r
             left join ready_actors n on n.id = r.{column} left join actors t on t.id = r.{column}
             where coalesce(n.kind, t.kind) {kinds}",
            field(kind, column),
            quoted(message)
        );
        let found = self.reject(kind, &wrong).await?;
        let wrong = format!(
            "select r.line, 'kind', {} from ready_actors r where not r.is_new and r.kind {kinds}
             and exists (select from {table} t where t.{column} = r.id)",
            quoted(actor_message)
        );
        Ok(found + self.reject(self.kinds.known("Actor"), &wrong).await?)
    }

    /// Rejects records that would be their own ancestors.
    async fn check_cycles(&mut self, kind: &RecordKind) -> Result<u64, sqlx::Error> {
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

    /// Digests of what this edition gives, for the next one.
    async fn take_digests(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let (table, staged) = (kind.table, self.staged);
        let (mut digests, mut joins) = (Vec::new(), String::new());
        for (place, writable_field) in kind.writable_fields.iter().enumerate().skip(1) {
            let (name, bit) = (writable_field.name, 1_i64 << place);
            match &writable_field.kind {
                WritableKind::Rows(_) if name == "origins" => {}
                WritableKind::Rows(rows) => {
                    let list = list_name(READY_PREFIX, kind, name);
                    let values: Vec<String> =
                        rows.columns.iter().map(|column| format!("n.{}", column.column)).collect();
                    let _ = write!(
                        joins,
                        " left join (select n.line, jsonb_agg({digest} order by {digest}) as digests from {list} n where n.by_dataset group by n.line) l{place}
                          on l{place}.line = s.line",
                        digest = row_digest(&values)
                    );
                    digests.push(format!(
                        "'{name}', case when s.given_fields & {bit} <> 0 then coalesce(l{place}.digests, '[]') end"
                    ));
                }
                _ => {
                    let Some((_, value, join)) = self.staged_value(place, writable_field) else { continue };
                    joins += &join;
                    digests.push(format!(
                        "'{name}', case when s.given_fields & {bit} <> 0 then to_jsonb({}) end",
                        digest(&value)
                    ));
                }
            }
        }
        self.run(format!(
            "create temp table digests_{table} on commit drop as
             select i.dataset, i.key, jsonb_strip_nulls(jsonb_build_object({})) as digests
             from {staged}{table} s join ids_{table} i on i.line = s.line and i.by_dataset{joins}
             where not exists (select from rejected_lines r where r.line = s.line)",
            digests.join(", ")
        ))
        .await?;
        Ok(())
    }

    /// Lists the existing records that would change.
    async fn find_updates(&mut self) -> Result<(), sqlx::Error> {
        self.run("create temp table updates (kind text, id bigint, primary key (kind, id)) on commit drop")
            .await?;
        for kind in &self.kinds.0 {
            let (name, table) = (kind.name, kind.table);
            let columns: Vec<&str> = kind.writable_fields.iter().filter_map(column_of).collect();
            let list = |alias: &str| joined(columns.iter().map(|column| format!("{alias}.{column}")), ", ");
            let mut changed = vec![format!(
                "select r.id from ready_{table} r join {table} t on t.id = r.id
                 where not r.is_new and ({}) is distinct from ({})",
                list("r"),
                list("t")
            )];
            for (writable_field, rows) in list_fields(kind) {
                let place = kind.writable_field(writable_field.name).map_or(0, |(place, _)| place);
                changed.push(format!(
                    "select id from ({}) g",
                    removed_rows(kind, writable_field, rows, place, "t.{owner} as id")
                ));
                changed.push(format!(
                    "select id from ({}) e",
                    added_rows(kind, writable_field, rows, "n.{owner} as id")
                ));
            }
            let sql =
                format!("insert into updates select '{name}', c.id from ({}) c", changed.join(" union "));
            self.run(sql).await?;
        }
        self.run("analyze updates").await?;
        Ok(())
    }
}

/// SQL for rows of a list that are in the database and not in the import: of a record that the import replaces all
/// rows, of a dataset those that its last edition gave and nobody gives now. `{owner}` stands for the column of the
/// record.
pub fn removed_rows(
    kind: &RecordKind,
    writable_field: &WritableField,
    rows: &Rows,
    place: usize,
    select: &str,
) -> String {
    let (owner, list) = (rows.owner, list_name(READY_PREFIX, kind, writable_field.name));
    let (table, select, bit) = (kind.table, select.replace("{owner}", owner), 1_i64 << place);
    let absent =
        format!("not exists (select from {list} n where n.{owner} = t.{owner} and {})", rows_match(rows));
    let replaced = format!(
        "select {select} from ready_{table} r join {} t on t.{owner} = r.id
         where not r.is_new and not r.by_dataset and r.given_fields & {bit} <> 0 and {absent}",
        rows.table
    );
    let values: Vec<String> = rows.columns.iter().map(|column| format!("t.{}", column.column)).collect();
    format!(
        "{replaced} union
         select {select} from ids_{table} i join origin_digests d on d.origin_id = i.origin_id
         join {} t on t.{owner} = i.id
         where i.by_dataset and i.given_fields & {bit} <> 0 and {} and {absent} and not exists (
             select from origins o join origin_digests d on d.origin_id = o.id
             where o.{} = i.id and not exists (select from ids_{table} other where other.origin_id = o.id) and {}
         )",
        rows.table,
        was_given(writable_field.name, &row_digest(&values)),
        kind.origin_column,
        was_given(writable_field.name, &row_digest(&values)),
    )
}

/// SQL for the rows of a list that only these origins gave, of records that stay.
pub fn rows_given_only_by(
    kind: &RecordKind,
    writable_field: &WritableField,
    rows: &Rows,
    origins: &str,
) -> String {
    let values: Vec<String> = rows.columns.iter().map(|column| format!("t.{}", column.column)).collect();
    let given = was_given(writable_field.name, &row_digest(&values));
    format!(
        "select t.ctid from {origins} g join origin_digests d on d.origin_id = g.origin_id
         join {} t on t.{} = g.id
         where g.stays and {given} and not exists (
             select from origins o join origin_digests d on d.origin_id = o.id
             where o.{} = g.id and not exists (select from {origins} other where other.origin_id = o.id) and {given}
         )",
        rows.table, rows.owner, kind.origin_column,
    )
}

/// SQL for rows of existing records' lists that are in the import and not in the database. Rows that a dataset has
/// given before were removed by somebody.
pub fn added_rows(kind: &RecordKind, writable_field: &WritableField, rows: &Rows, select: &str) -> String {
    let (owner, list) = (rows.owner, list_name(READY_PREFIX, kind, writable_field.name));
    format!(
        "select {} from {list} n where not n.is_new and not n.was_given
         and not exists (select from {} t where t.{owner} = n.{owner} and {})",
        select.replace("{owner}", owner),
        rows.table,
        rows_match(rows)
    )
}

/// SQL for the value that a line writes: `s` is its staged row, `i` its match, `t` the existing record, `d` the digests
/// of the last edition.
fn written_value(place: usize, field: &str, column: &str, value: &str) -> String {
    let last = format!("d.digests ->> '{field}'");
    format!(
        "case when i.is_new then {value}
              when s.given_fields & {} = 0 then t.{column}
              when not s.by_dataset then {value}
              when i.origin_id is null then coalesce(t.{column}, {value})
              when d.digests is null then coalesce({value}, t.{column})
              when {last} is null then coalesce(t.{column}, {value})
              when {last} = {} or {last} <> {} then t.{column}
              else {value} end",
        1_i64 << place,
        digest(value),
        digest(&format!("t.{column}")),
    )
}

/// SQL for the digest of a value.
fn digest(value: &str) -> String {
    format!("left(md5(coalesce({value}::text, '')), 16)")
}

/// SQL for the digest of the row of a list.
fn row_digest(values: &[String]) -> String {
    format!("left(md5(row({})::text), 16)", values.join(", "))
}

/// SQL for whether the last edition of a dataset gave the row of a list.
fn was_given(field: &str, digest: &str) -> String {
    format!("coalesce(d.digests -> '{field}' ? {digest}, false)")
}

fn global_schemes() -> String {
    joined(GLOBAL_SCHEMES.iter().map(|scheme| quoted(scheme)), ", ")
}

/// SQL that compares the rows `n` and `t`.
fn rows_match(rows: &Rows) -> String {
    let columns: Vec<&str> = rows.columns.iter().map(|column| column.column).chain(rows.ordinal).collect();
    let list = |alias: &str| joined(columns.iter().map(|column| format!("{alias}.{column}")), ", ");
    format!("({}) is not distinct from ({})", list("n"), list("t"))
}

pub fn list_fields(kind: &RecordKind) -> impl Iterator<Item = (&WritableField, &Rows)> {
    kind.writable_fields.iter().filter_map(|writable_field| match &writable_field.kind {
        WritableKind::Rows(rows) => Some((writable_field, rows)),
        _ => None,
    })
}

/// The column of a field that is not a list.
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
