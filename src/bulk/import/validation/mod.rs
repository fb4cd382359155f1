//! Validation of the staged records, by one statement per rule for all records. Each invalid record is reported
//! with line, field and reason, and so is each record that refers to it.

mod fragments;
mod matching;
mod rows;

use std::iter;

use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};

use crate::{
    bulk::{
        import::staging::{OPTIONAL, READY_PREFIX, file_and_line_sql, list_name},
        records::{RecordKind, RecordKinds, joined},
    },
    domain::texts::{CITATIONS, NO_VERSION, VERSIONS, anchors::Selectors},
    engine::mutation::{
        rules::{Check, DUPLICATE, ENTRY_REQUIRED, REQUIRED, Rules, TAKEN, Unique},
        texts::StoredText,
        writable_fields::{RowKind, Rows, WritableField, WritableKind},
    },
};

/// A rule that triggers enforce, because constraints can't: a column must not refer to actors of some kinds.
struct ActorKindRule {
    table: String,
    column: String,
    /// SQL that holds for a wrong kind: `<> 'MEDIA'`.
    wrong_kinds: String,
    /// For the record.
    message: String,
    /// For an actor that changes to such a kind.
    actor_message: String,
}

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

    fn columns<'r>(&self, rules: &'r Rules) -> Vec<&'r str> {
        let own: Vec<&'static str> = match self.list {
            None => self.kind.writable_fields.iter().filter_map(column_of).collect(),
            Some((_, rows)) => rows.columns.iter().map(|column| column.column).chain(rows.ordinal).collect(),
        };
        let generated = rules.generated(self.table()).iter().filter(|_| self.list.is_some());
        let generated = generated.map(|(column, ..)| column.as_str());
        std::iter::once(self.owner()).chain(own).chain(generated).collect()
    }

    /// The columns that refer to records, with the type.
    fn references(&self) -> Vec<(&'static str, &'static str)> {
        let Some((_, rows)) = self.list else { return self.kind.references().collect() };
        let references = rows.columns.iter().filter_map(|column| match column.kind {
            RowKind::Reference(to) => Some((column.column, to)),
            RowKind::Value(_) | RowKind::Content => None,
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

pub use matching::{GLOBAL_SCHEMES, PERIOD_NUMBER};
pub use rows::{added_rows, gather_given_entries, removed_rows, row_was_given, rows_given_only_by};

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
        self.run(
            "create temp table given_entries (
                 origin_id bigint, field text, digest text, primary key (origin_id, field, digest)
             ) on commit drop",
        )
        .await?;
        for kind in &self.kinds.0 {
            self.drop_fallbacks(kind).await?;
            self.join_fragments(kind).await?;
            self.keep_period_numbers(kind).await?;
            self.match_records(kind).await?;
            let known = format!("select id from ids_{} where not is_new", kind.table);
            gather_given_entries(self.connection, kind, &known).await?;
        }
        self.run("analyze given_entries").await?;
        for kind in &self.kinds.0 {
            self.resolve_references(kind).await?;
        }
        for kind in &self.kinds.0 {
            self.drop_optional(kind).await?;
            self.drop_dangling(kind).await?;
        }
        for kind in &self.kinds.0 {
            self.check_required(kind).await?;
        }
        self.delete_rejected(self.staged).await?;
        for kind in &self.kinds.0 {
            self.create_ready_tables(kind).await?;
            self.add_other_givers(kind).await?;
            self.report_other_values(kind).await?;
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
        self.keep_texts().await?;
        self.check_evidence().await?;
        for kind in &self.kinds.0 {
            self.check_quotes(kind).await?;
        }
        let actor_kind_rules = self.actor_kind_rules().await?;
        loop {
            self.delete_rejected(READY_PREFIX).await?;
            let mut found = self.reject_dependents().await?;
            for rule in &actor_kind_rules {
                found += self.check_actor_kind(rule).await?;
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
            "select s.line, n.field, '{REQUIRED}' from {staged}{table} s
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

    /// Evaluates the check constraints of the table.
    async fn check_constraints(&mut self, rows: &RowSet<'_>) -> Result<(), sqlx::Error> {
        let checks = self.rules.checks(rows.table()).map(|Check { columns, holds, message }| {
            format!("({}, {}, ({holds}) is false)", rows.field(columns[0]), quoted(message))
        });
        let checks = joined(checks, ", ");
        if checks.is_empty() {
            return Ok(());
        }
        let own = rows.columns(self.rules);
        let others = self.rules.columns(rows.table()).iter();
        let others = others.filter(|(column, _)| !own.contains(&column.as_str()));
        let others = joined(others.map(|(column, ty)| format!(", null::{ty} as {column}")), "");
        let is_optional = match rows.list {
            None => format!("t.by_dataset and t.given_fields & {OPTIONAL} <> 0"),
            Some(_) => "false".to_owned(),
        };
        let found = self
            .run(format!(
                "create temp table broken on commit drop as
                 select t.line, c.field, c.message, {is_optional} as is_optional from (select r.*{others} from {} r) t
                 cross join lateral (values {checks}) c (field, message, broken) where c.broken",
                rows.name(READY_PREFIX)
            ))
            .await?;
        if found > 0 {
            self.reject(rows.kind, "select line, field, message from broken where not is_optional").await?;
            self.leave_out(rows.kind, "select line, field, message from broken where is_optional").await?;
        }
        self.run("drop table broken").await?;
        Ok(())
    }

    /// Leaves out records that a dataset gives for the sake of what they refer to, and counts why.
    async fn leave_out(&mut self, kind: &RecordKind, lines: &str) -> Result<(), sqlx::Error> {
        self.run(format!(
            "insert into changed_values select w.line, '{}', w.field, 'the record is left out: ' || w.reason
             from ({lines}) w (line, field, reason)",
            kind.name
        ))
        .await?;
        self.run(format!(
            "insert into rejected_lines select distinct line from ({lines}) w on conflict do nothing"
        ))
        .await?;
        for rows in row_sets(kind) {
            let table = rows.name(READY_PREFIX);
            self.run(format!("delete from {table} t using ({lines}) w where w.line = t.line")).await?;
        }
        Ok(())
    }

    /// Rejects duplicates of unique columns, within the import and in the database.
    async fn check_unique(&mut self, rows: &RowSet<'_>) -> Result<(), sqlx::Error> {
        let (own, owner, ready) = (rows.columns(self.rules), rows.owner(), rows.name(READY_PREFIX));
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
                "select t.line, t.field, case when t.first = t.line then '{DUPLICATE}' else {} end from (
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
                    "select t.line, {field}, '{TAKEN}' from {ready} t
                     join {} o on {same} where o.{owner} <> t.{owner}",
                    rows.table()
                );
                self.reject(rows.kind, &taken).await?;
            }
        }
        Ok(())
    }

    /// Rejects new positions without evidence.
    async fn check_evidence(&mut self) -> Result<(), sqlx::Error> {
        let Some((_, kind)) = self.kinds.named("Position") else { return Ok(()) };
        let Some((writable_field, rows)) =
            list_fields(kind).find(|(_, rows)| rows.table == "position_evidence")
        else {
            return Ok(());
        };
        let (ready, name) = (list_name(READY_PREFIX, kind, writable_field.name), writable_field.name);
        let bare = format!(
            "select r.line, '{name}', '{ENTRY_REQUIRED}' from ready_positions r
             where r.is_new and num_nonnulls(r.statement_id, r.commentary_id, r.vote_id) = 0
             and not exists (select from {ready} e where e.{} = r.id)",
            rows.owner
        );
        self.reject(kind, &bare).await?;
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

    async fn actor_kind_rules(&mut self) -> Result<Vec<ActorKindRule>, sqlx::Error> {
        let rows = sqlx::query("select * from actor_kind_rules()").fetch_all(&mut *self.connection).await?;
        let rule = |row: PgRow| {
            Ok(ActorKindRule {
                table: row.try_get_unchecked("of_table")?,
                column: row.try_get_unchecked("of_column")?,
                wrong_kinds: row.try_get("wrong_kinds")?,
                message: row.try_get("message")?,
                actor_message: row.try_get("actor_message")?,
            })
        };
        rows.into_iter().map(rule).collect()
    }

    async fn check_actor_kind(&mut self, rule: &ActorKindRule) -> Result<u64, sqlx::Error> {
        let ActorKindRule { table, column, wrong_kinds, message, actor_message } = rule;
        let Some(kind) = self.kinds.0.iter().find(|kind| kind.table == table) else { return Ok(0) };
        let wrong = format!(
            "select r.line, {}, {} from ready_{table} r
             left join ready_actors n on n.id = r.{column} left join actors t on t.id = r.{column}
             where coalesce(n.kind, t.kind) {wrong_kinds}",
            field(kind, column),
            quoted(message)
        );
        let found = self.reject(kind, &wrong).await?;
        let wrong = format!(
            "select r.line, 'kind', {} from ready_actors r where not r.is_new and r.kind {wrong_kinds}
             and exists (select from {table} t where t.{column} = r.id)",
            quoted(actor_message)
        );
        Ok(found + self.reject(self.kinds.known("Actor"), &wrong).await?)
    }

    /// Keeps the texts of the valid records, each once.
    async fn keep_texts(&mut self) -> Result<(), sqlx::Error> {
        let staged = self.staged;
        // The versions that there will be.
        self.run(format!("create temp table text_versions on commit drop as select source_id, version, sha256 from {VERSIONS}"))
            .await?;
        let lists = self.kinds.0.iter().flat_map(|kind| list_fields(kind).map(move |list| (kind, list)));
        for (kind, (writable_field, rows)) in lists {
            for column in rows.columns.iter().filter(|column| matches!(column.kind, RowKind::Content)) {
                let (list, content) = (list_name(READY_PREFIX, kind, writable_field.name), column.column);
                self.run(format!(
                    "with kept as (
                         insert into text_contents (sha256, characters)
                         select sha256, max(ends) from {staged}texts where sha256 in (select {content} from {list}) group by sha256
                         on conflict do nothing returning sha256
                     )
                     insert into text_passages (sha256, number, starts, ends, line, page, section, seconds, text, language)
                     select distinct on (sha256, number) sha256, number, starts, ends, at_line, page, section, seconds, text,
                            (select language from {list} l where l.{content} = sha256 and language is not null limit 1)
                     from {staged}texts join kept using (sha256)",
                ))
                .await?;
                let (taken, same) = (item(writable_field), rows.same());
                let taken = format!(
                    "select n.line, {} || '.version', 'The source has another text as this version.'
                     from {list} n join {VERSIONS} t using (source_id, version) where not {same}",
                    taken.replace("t.", "n.")
                );
                self.reject(kind, &taken).await?;
                // The numbers of those that come without one, after those that come with one.
                self.run(format!(
                    "with new as (
                         select n.ctid as place, n.version is null as is_last,
                                greatest(next_text_version(source_id) - 1, max(version) over (partition by source_id))
                                + row_number() over (partition by source_id, version is null order by line, list_index) as next
                         from {list} n where (n.is_new or not n.was_given)
                         and not exists (select from {VERSIONS} t where t.source_id = n.source_id and {same})
                     ), numbered as (
                         update {list} n set version = case when is_last then next else version end
                         from new where new.place = n.ctid returning n.source_id, n.version, n.{content}
                     )
                     insert into text_versions select * from numbered",
                ))
                .await?;
            }
        }
        Ok(())
    }

    /// Rejects quotes and positions that the texts of their sources don't have.
    async fn check_quotes(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let Some((writable_field, rows)) = list_fields(kind).find(|(_, rows)| rows.table == CITATIONS) else {
            return Ok(());
        };
        let owner = rows.owner;
        let sql = format!(
            "select n.line, n.list_index, n.locator, n.quote, n.prefix, n.suffix, n.starts, n.ends, v.sha256
             from {list} n join (
                 select source_id, min(version) as first, max(version) as last from text_versions group by source_id
             ) l using (source_id)
             left join text_versions v on v.source_id = n.source_id
             and v.version = case n.version when 0 then l.first else coalesce(n.version, l.last) end
             where (num_nonnulls(n.quote, n.starts) > 0 and n.version is distinct from 0 or n.version > 0)
             and not exists (select from {CITATIONS} t where t.{owner} = n.{owner} and {same})
             order by v.sha256, n.line",
            list = list_name(READY_PREFIX, kind, writable_field.name),
            same = rows.same(),
        );
        let cited =
            sqlx::query(AssertSqlSafe(sql)).persistent(false).fetch_all(&mut *self.connection).await?;
        let mut kept: Option<(String, StoredText)> = None;
        let (mut lines, mut fields, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
        for row in cited {
            let wrong = match row.try_get::<Option<String>, _>("sha256")? {
                None => Some(("version", NO_VERSION.to_owned())),
                Some(sha256) => {
                    if kept.as_ref().is_none_or(|(known, _)| *known != sha256) {
                        let text = StoredText::load(self.connection, &sha256).await?;
                        kept = Some((sha256, text));
                    }
                    let [start, end]: [Option<i32>; 2] = [row.try_get("starts")?, row.try_get("ends")?];
                    let selectors = Selectors {
                        locator: row.try_get("locator")?,
                        quote: row.try_get("quote")?,
                        prefix: row.try_get("prefix")?,
                        suffix: row.try_get("suffix")?,
                        position: start.zip(end).map(|(start, end)| [start, end]),
                    };
                    let placed = kept.as_ref().map(|(_, text)| text.place(&selectors));
                    placed.and_then(Result::err).map(|unplaced| (unplaced.selector(), unplaced.message()))
                }
            };
            if let Some((column, reason)) = wrong {
                lines.push(row.try_get::<i64, _>("line")?);
                let index: i32 = row.try_get("list_index")?;
                fields.push(format!("{}.{index}.{column}", writable_field.name));
                reasons.push(reason);
            }
        }
        let sql = format!(
            "insert into {}rejected select line, '{}', field, reason
             from unnest($1::bigint[], $2::text[], $3::text[]) w (line, field, reason)",
            self.staged, kind.name
        );
        let query = sqlx::query(AssertSqlSafe(sql)).persistent(false).bind(lines).bind(fields).bind(reasons);
        query.execute(&mut *self.connection).await?;
        Ok(())
    }

    /// Rejects records that would be their own ancestors. Of a circle of datasets the last record loses its parent.
    async fn check_cycles(&mut self, kind: &RecordKind) -> Result<u64, sqlx::Error> {
        let (Some(parent), table) = (kind.parent(), kind.table) else { return Ok(0) };
        self.run(format!(
            "create temp table circles on commit drop as
             with recursive above as (
                 select id, {parent} as above from ready_{table} where {parent} is not null
                 union
                 select above.id, case when r.id is null then t.{parent} else r.{parent} end from above
                 left join ready_{table} r on r.id = above.above left join {table} t on t.id = above.above
                 where above.above <> above.id and above.above is not null
             )
             select r.line, r.by_dataset and r.line = (
                 select max(o.line) from above one join ready_{table} o on o.id = one.above where one.id = r.id and o.by_dataset
             ) as is_last, r.by_dataset from above join ready_{table} r on r.id = above.id where above.above = above.id"
        ))
        .await?;
        let left_out = self
            .run(format!("update ready_{table} r set {parent} = null from circles c where c.line = r.line and c.is_last"))
            .await?;
        let message = "The record would be its own ancestor.";
        let column = field(kind, parent);
        self.run(format!(
            "insert into changed_values select line, '{}', {column}, 'left out: {message}' from circles where is_last",
            kind.name
        ))
        .await?;
        let circles = format!("select line, {column}, '{message}' from circles where not by_dataset");
        let rejected = self.reject(kind, &circles).await?;
        self.run("drop table circles").await?;
        Ok(left_out + rejected)
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
                if !rows.appended {
                    let removed = removed_rows(kind, writable_field, rows, "t.{owner} as id");
                    changed.push(format!("select id from ({removed}) g"));
                }
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

/// What became of a value where another dataset, line or analyst gave another one.
const YIELDED: &str = "left out: another value stands";

/// The fields, with their places, in which one value excludes another. A name that isn't the preferred one is an alias.
fn fields_with_one_value(kind: &RecordKind) -> impl Iterator<Item = (usize, &WritableField)> {
    let has_names = list_fields(kind).any(|(field, _)| field.name == "names");
    let fields = kind.writable_fields.iter().enumerate().skip(1);
    fields.filter(move |(_, field)| !has_names || field.name != "name")
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
