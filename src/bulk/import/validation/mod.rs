//! Validation of the staged records, by one statement per rule for all records. Each invalid record is reported
//! with line, field and reason, and so is each record that refers to it.

mod fragments;
mod matching;
mod merges;
mod rows;

use std::{collections::HashSet, iter};

use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};

use crate::{
    bulk::{
        import::staging::{OPTIONAL, READY_PREFIX, file_and_line_sql, list_name},
        records::{RecordKind, RecordKinds, joined},
    },
    domain::texts::{
        CITATIONS, NO_VERSION, VERSIONS,
        anchors::{Selectors, Unplaced},
    },
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

    /// SQL for the field that a broken check of these columns names, as `Broken::named` chooses it.
    fn named_field(&self, columns: &[&str]) -> String {
        let is_own = |column: &&&str| self.is_own(column);
        let own: Vec<&str> = columns.iter().filter(is_own).copied().collect();
        let [first, .., _] = own[..] else { return self.field(own.first().unwrap_or(&columns[0])) };
        let first_of = |test: &dyn Fn(&str) -> String| {
            let cases = own.iter().map(|column| format!("when {} then {}", test(column), self.field(column)));
            format!("case {} else {} end", joined(cases, " "), self.field(first))
        };
        format!(
            "case when num_nonnulls({}) > 1 then {} else {} end",
            joined(own.iter().map(|column| format!("t.{column}")), ", "),
            first_of(&|column| format!("t.{column} is not null{}", self.is_given(column))),
            first_of(&|column| format!("t.{column} is null")),
        )
    }

    /// Whether lines may give a column.
    fn is_own(&self, column: &str) -> bool {
        match self.list {
            None => self.kind.writable_fields.iter().any(|field| column_of(field) == Some(column)),
            Some((_, rows)) => rows.columns.iter().any(|known| known.column == column),
        }
    }

    /// SQL for whether the line of the row `t` gives a column, after another condition.
    fn is_given(&self, column: &str) -> String {
        let is_of = |writable_field: &WritableField| column_of(writable_field) == Some(column);
        match (self.list, self.kind.writable_fields.iter().position(is_of)) {
            (None, Some(place)) => format!(" and t.given_fields & {} <> 0", 1_i64 << place),
            _ => String::new(),
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
use rows::is_row;
pub use rows::{added_rows, gather_given_entries, removed_rows, row_was_given, rows_given_only_by};

pub struct Validator<'a> {
    pub kinds: &'a RecordKinds,
    pub rules: &'a Rules,
    /// Number of files of the import.
    pub files: usize,
    /// Prefix of the staging tables.
    pub staged: &'a str,
    /// Whether to merge actors that the base of the file has merged.
    pub merge: bool,
    pub connection: &'a mut PgConnection,
}

impl Validator<'_> {
    /// Builds the `ready_` tables from the staging tables, and rejects invalid records. Merges actors as the base of the
    /// file had, and returns how many.
    pub async fn validate(&mut self) -> Result<u64, sqlx::Error> {
        self.run("create temp table rejected_lines (line bigint primary key) on commit drop").await?;
        self.run("create temp table changed_values (line bigint, kind text, field text, reason text) on commit drop")
            .await?;
        self.run(
            "create temp table given_entries (
                 origin_id bigint, field text, digest text, primary key (origin_id, field, digest)
             ) on commit drop",
        )
        .await?;
        let merged = self.merge_actors().await?;
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
        self.find_updates().await?;
        Ok(merged)
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
            format!("({}, {}, ({holds}) is false)", rows.named_field(&columns), quoted(message))
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
                let (field, same) = (item(writable_field).replace("t.", "n."), rows.same());
                let field = format!("{field} || '.version'");
                self.reject(kind, &format!(
                    "select n.line, {field}, 'The source has another text as this version.'
                     from {list} n join {VERSIONS} t using (source_id, version) where not {same}
                     union all
                     select n.line, {field}, 'A version is at most {LAST_VERSION}.' from {list} n where n.version > {LAST_VERSION}
                     union all
                     select n.line, {field}, 'Citations are of the first version of the text: no version comes before it.'
                     from {list} n where n.version > 0 and n.version < (select min(version) from {VERSIONS} t where t.source_id = n.source_id) and exists (
                         select from {VERSIONS} t join citation_anchors a on a.sha256 = t.sha256
                         join {CITATIONS} c on c.id = a.citation_id and c.source_id = t.source_id and c.version = 0
                         where t.source_id = n.source_id
                     )",
                )).await?;
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
        let (mut rejected, mut told) = (Wrong::default(), Wrong::default());
        let mut places = HashSet::new();
        for row in cited {
            let line: i64 = row.try_get("line")?;
            let wrong = match row.try_get::<Option<String>, _>("sha256")? {
                None => Some(("version", NO_VERSION.to_owned())),
                Some(sha256) => {
                    if kept.as_ref().is_none_or(|(known, _)| *known != sha256) {
                        let text = StoredText::load(self.connection, &sha256).await?;
                        kept = Some((sha256.clone(), text));
                    }
                    let [start, end]: [Option<i32>; 2] = [row.try_get("starts")?, row.try_get("ends")?];
                    let selectors = Selectors {
                        locator: row.try_get("locator")?,
                        quote: row.try_get("quote")?,
                        prefix: row.try_get("prefix")?,
                        suffix: row.try_get("suffix")?,
                        position: start.zip(end).map(|(start, end)| [start, end]),
                    };
                    match kept.as_ref().map(|(_, text)| text.checked_place(&selectors)) {
                        // Bases have such citations: an export of one comes in again.
                        Some(Err(Unplaced::Nowhere(_))) => {
                            told.push(line, writable_field.name.to_owned(), NOWHERE.to_owned());
                            None
                        }
                        Some(Err(unplaced)) => Some((unplaced.selector(), unplaced.message())),
                        Some(Ok(Some(place))) if !places.insert((line, sha256, place.clone())) => {
                            told.push(line, writable_field.name.to_owned(), CITED_TWICE.to_owned());
                            None
                        }
                        _ => None,
                    }
                }
            };
            if let Some((column, reason)) = wrong {
                let index: i32 = row.try_get("list_index")?;
                rejected.push(line, format!("{}.{index}.{column}", writable_field.name), reason);
            }
        }
        for (table, wrong) in
            [(format!("{}rejected", self.staged), rejected), ("changed_values".to_owned(), told)]
        {
            let sql = format!(
                "insert into {table} select line, '{}', field, reason
                 from unnest($1::bigint[], $2::text[], $3::text[]) w (line, field, reason)",
                kind.name
            );
            let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
            let query = query.bind(wrong.lines).bind(wrong.fields).bind(wrong.reasons);
            query.execute(&mut *self.connection).await?;
        }
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

    /// Finds the rows of the lists that lines replace which stay: those that come first, in the order of the file. The
    /// ids of rows are their order, so the others are entered again, with what the database has set.
    async fn keep_order(
        &mut self,
        kind: &RecordKind,
        writable_field: &WritableField,
        rows: &Rows,
    ) -> Result<(), sqlx::Error> {
        if !rows.is_in_order_in_files() {
            return Ok(());
        }
        let (owner, list) = (rows.owner, list_name(READY_PREFIX, kind, writable_field.name));
        let is_row = is_row(rows);
        self.run(format!(
            "create temp table {} on commit drop as
             select id from (
                 select id, bool_and(id is not null and id > before) over (partition by {owner} order by list_index) as stays
                 from (
                     select n.{owner}, n.list_index, t.id, coalesce(max(t.id) over (
                                partition by n.{owner} order by n.list_index rows between unbounded preceding and 1 preceding
                            ), 0) as before
                     from {list} n left join {} t on {is_row} where not n.is_new and not n.by_dataset
                 ) n
             ) n where stays",
            kept_name(kind, writable_field),
            rows.table,
        ))
        .await?;
        for column in rows.columns.iter().filter(|column| column.settled).map(|column| column.column) {
            self.run(format!(
                "update {list} n set {column} = t.{column} from {} t where n.{column} is null and not n.is_new and {is_row}",
                rows.table
            ))
            .await?;
        }
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
                self.keep_order(kind, writable_field, rows).await?;
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

/// Lines with what is wrong in them, and why.
#[derive(Default)]
struct Wrong {
    lines: Vec<i64>,
    fields: Vec<String>,
    reasons: Vec<String>,
}

impl Wrong {
    fn push(&mut self, line: i64, field: String, reason: String) {
        self.lines.push(line);
        self.fields.push(field);
        self.reasons.push(reason);
    }
}

/// Of citations that are kept.
const NOWHERE: &str = "the locator leads nowhere in the text of the source";
const CITED_TWICE: &str = "the record cites the same place of the source several times";

/// The highest number that a file gives a version: the next ones are for those after it.
const LAST_VERSION: i32 = 1_000_000;

/// What became of a value where another dataset, line or analyst gave another one.
const YIELDED: &str = "left out: another value stands";

/// The fields, with their places, in which one value excludes another. A name that isn't the preferred one is an alias.
fn fields_with_one_value(kind: &RecordKind) -> impl Iterator<Item = (usize, &WritableField)> {
    let has_names = list_fields(kind).any(|(field, _)| field.name == "names");
    let fields = kind.writable_fields.iter().enumerate().skip(1);
    fields.filter(move |(_, field)| !has_names || field.name != "name")
}

/// The table of the rows of a list that an import leaves where they are.
fn kept_name(kind: &RecordKind, writable_field: &WritableField) -> String {
    list_name("kept_", kind, writable_field.name)
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
