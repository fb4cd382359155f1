//! The rows that an import writes. A dataset changes only what its last edition gave: see `written_value`.

use std::{collections::BTreeSet, fmt::Write};

use sqlx::{AssertSqlSafe, PgConnection};

use crate::bulk::{
    import::{
        staging::{READY_PREFIX, list_name},
        validation::{RowSet, Validator, YIELDED, fields_with_one_value, kept_name, list_fields, quoted},
    },
    records::{RecordKind, joined},
};
use crate::engine::mutation::{
    rules::{Check, Unique},
    writable_fields::{RowKind, Rows, WritableField, WritableKind},
};

impl Validator<'_> {
    /// Builds the rows to write. Fields that a line doesn't have keep their value, and so do those that
    /// were changed by others since a dataset gave them.
    pub(super) async fn create_ready_tables(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
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
            self.create_ready_list(kind, writable_field, rows).await?;
        }
        Ok(())
    }

    async fn create_ready_list(
        &mut self,
        kind: &RecordKind,
        writable_field: &WritableField,
        rows: &Rows,
    ) -> Result<(), sqlx::Error> {
        let (mut columns, mut joins, mut values) = (String::new(), String::new(), Vec::new());
        for (place, column) in rows.columns.iter().enumerate() {
            let name = column.column;
            let value = match column.kind {
                RowKind::Value(_) | RowKind::Content => format!("l.{name}"),
                RowKind::Reference(to) => {
                    let to = self.kinds.known(to).table;
                    let _ = write!(joins, " left join keys_{to} k{place} on k{place}.key = l.{name}");
                    format!("k{place}.id")
                }
            };
            let _ = write!(columns, ", {value} as {name}");
            if !column.settled {
                values.push((name, value));
            }
        }
        if let Some(ordinal) = rows.ordinal {
            let _ = write!(columns, ", l.list_index + 1 as {ordinal}");
        }
        let (table, from, list) = (
            kind.table,
            list_name(self.staged, kind, writable_field.name),
            list_name(READY_PREFIX, kind, writable_field.name),
        );
        self.run(format!(
            "create temp table {list} on commit drop as
             select l.line, l.list_index, i.id as {owner}, i.is_new, i.by_dataset, {given} as was_given{columns} from {from} l
             join ids_{table} i on i.line = l.line left join origin_digests d on d.origin_id = i.origin_id{joins}",
            owner = rows.owner,
            given = was_given(writable_field.name, &row_digest(values)),
        ))
        .await?;
        for (column, ty, value) in self.rules.generated(rows.table) {
            self.run(format!(
                "alter table {list} add column {column} {ty} generated always as ({value}) stored"
            ))
            .await?;
        }
        self.run(format!("create index on {list} ({})", rows.owner)).await?;
        self.run(format!("analyze {list}")).await?;
        Ok(())
    }

    /// The column of a field that is not a list, with SQL for its staged value and the join that this needs.
    pub(super) fn staged_value(
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
    pub(super) async fn add_other_givers(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
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
        let values: Vec<(&str, String)> = names
            .columns
            .iter()
            .map(|column| match column.name {
                "name" => (column.column, "s.name".to_owned()),
                "kind" => (column.column, format!("'ALIAS'::{}", type_of(column.column))),
                _ => (column.column, format!("null::{}", type_of(column.column))),
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
            values = joined(values.iter().map(|(_, value)| value.clone()), ", "),
            given = was_given("names", &row_digest(values)),
            digest = digest("s.name"),
        ))
        .await?;
        Ok(())
    }

    /// Counts the values of datasets that are not written because another dataset, line or analyst gave another one.
    pub(super) async fn report_other_values(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let (table, staged, name) = (kind.table, self.staged, kind.name);
        for (place, writable_field) in fields_with_one_value(kind) {
            let Some((column, value, join)) = self.staged_value(place, writable_field) else { continue };
            self.run(format!(
                "insert into changed_values
                 select s.line, '{name}', '{}', '{YIELDED}' from {staged}{table} s
                 join ids_{table} i on i.line = s.line and i.by_dataset and i.given_fields <> 0
                 join ready_{table} r on r.id = i.id{join}
                 where {value} is not null and {value} is distinct from r.{column}",
                writable_field.name
            ))
            .await?;
        }
        Ok(())
    }

    /// Leaves out what is not valid of the rows that datasets give, where the record can do without.
    pub(super) async fn fit(&mut self, rows: &RowSet<'_>) -> Result<(), sqlx::Error> {
        if let Some((writable_field, list)) = rows.list {
            self.drop_repeated_entries(rows, list).await?;
            for unique in self.rules.unique(rows.table()) {
                self.drop_taken_entries(rows, writable_field, list, unique).await?;
            }
        }
        self.drop_unfit_values(rows).await
    }

    /// Keeps the first of the entries of a record that are the same.
    async fn drop_repeated_entries(&mut self, rows: &RowSet<'_>, list: &Rows) -> Result<(), sqlx::Error> {
        let (ready, owner) = (rows.name(READY_PREFIX), rows.owner());
        let columns = joined(list.columns.iter().map(|column| column.column.to_owned()), ", ");
        self.run(format!(
            "delete from {ready} t using (
                 select ctid as place, row_number() over (partition by {owner}, {columns} order by line, list_index) as number
                 from {ready} where by_dataset
             ) d where d.place = t.ctid and d.number > 1"
        ))
        .await?;
        Ok(())
    }

    /// Leaves out entries whose unique columns another record or another entry has.
    async fn drop_taken_entries(
        &mut self,
        rows: &RowSet<'_>,
        writable_field: &WritableField,
        list: &Rows,
        Unique { columns, nulls_alike, .. }: &Unique,
    ) -> Result<(), sqlx::Error> {
        let (ready, owner, name) = (rows.name(READY_PREFIX), rows.owner(), rows.kind.name);
        let own = rows.columns(self.rules);
        if !columns.iter().all(|column| own.contains(&column.as_str())) || columns == &["id"] {
            return Ok(());
        }
        let others: Vec<&String> = columns.iter().filter(|column| *column != owner).collect();
        let is_global = others.len() == columns.len();
        // Entries that are the same in all columns are one.
        if !is_global && list.columns.iter().all(|known| columns.iter().any(|column| column == known.column))
        {
            return Ok(());
        }
        let equals = if *nulls_alike { "is not distinct from" } else { "=" };
        let equal = joined(others.iter().map(|column| format!("o.{column} {equals} r.{column}")), " and ");
        let columns = joined(others.iter().map(|column| format!("r.{column}")), ", ");
        let set = if *nulls_alike { "true".to_owned() } else { format!("num_nulls({columns}) = 0") };
        let taken = if is_global {
            taken_by_another_record(rows, &equal, &columns, &set)
        } else {
            taken_by_another_entry(rows, writable_field, list, &equal, &columns, &set)
        };
        let reason = if is_global {
            "left out: another record has it"
        } else {
            "left out: another entry stands for it"
        };
        self.run(format!(
            "with taken as (delete from {ready} where by_dataset and ctid in ({taken}) returning line)
             insert into changed_values select line, '{name}', '{}', '{reason}' from taken",
            writable_field.name
        ))
        .await?;
        Ok(())
    }

    /// Leaves out values that a check constraint refuses, or the entries that have them.
    async fn drop_unfit_values(&mut self, rows: &RowSet<'_>) -> Result<(), sqlx::Error> {
        let (ready, name) = (rows.name(READY_PREFIX), rows.kind.name);
        let mut checks: Vec<Check<'_>> = self.rules.checks(rows.table()).collect();
        for check in &mut checks {
            check.columns.retain(|column| rows.is_optional(column));
        }
        checks.retain(|check| !check.columns.is_empty());
        if checks.is_empty() {
            return Ok(());
        }
        let values = joined(
            checks.iter().map(|Check { columns, holds, message }| {
                let (column, field) = if rows.list.is_some() {
                    (quoted(columns[0]), quoted(&rows.column_name(columns[0])))
                } else {
                    (
                        first_to_leave_out(columns, quoted),
                        first_to_leave_out(columns, |column| quoted(&rows.column_name(column))),
                    )
                };
                format!("({column}, {field}, {}, ({holds}) is false)", quoted(message))
            }),
            ", ",
        );
        let own = rows.columns(self.rules);
        let others = self.rules.columns(rows.table()).iter();
        let others = others.filter(|(column, _)| !own.contains(&column.as_str()));
        let others = joined(others.map(|(column, ty)| format!(", null::{ty} as {column}")), "");
        let columns: BTreeSet<&str> = checks.iter().flat_map(|check| check.columns.iter().copied()).collect();
        let (known, from) = match rows.list {
            Some(_) => ("", format!("{ready} r")),
            None => (", known", format!("{ready} r left join {} known on known.id = r.id", rows.table())),
        };
        loop {
            let found = self
                .run(format!(
                    "create temp table unfit on commit drop as
                     select t.place, t.line, c.* from (select r.ctid as place, r.*{others}{known} from {from} where r.by_dataset) t
                     cross join lateral (values {values}) c (of_column, field, message, broken)
                     where c.broken and of_column is not null"
                ))
                .await?;
            if found > 0 {
                self.run(format!(
                    "insert into changed_values select line, '{name}', field, 'left out: ' || message
                     from (select distinct on (place, field) * from unfit) u"
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

    /// Digests of what this edition gives, for the next one.
    pub(super) async fn take_digests(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let (table, staged) = (kind.table, self.staged);
        let (mut digests, mut joins) = (Vec::new(), String::new());
        for (place, writable_field) in kind.writable_fields.iter().enumerate().skip(1) {
            let (name, bit) = (writable_field.name, 1_i64 << place);
            match &writable_field.kind {
                WritableKind::Rows(_) if name == "origins" => {}
                WritableKind::Rows(rows) => {
                    let list = list_name(READY_PREFIX, kind, name);
                    let _ = write!(
                        joins,
                        " left join (select n.line, jsonb_agg({digest} order by {digest}) as digests from {list} n where n.by_dataset group by n.line) l{place}
                          on l{place}.line = s.line",
                        digest = digest_of(rows, "n")
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
             where s.given_fields <> 0 and not exists (select from rejected_lines r where r.line = s.line)",
            digests.join(", ")
        ))
        .await?;
        Ok(())
    }
}

/// SQL for what stands for the column of a broken check to leave out: the first that has a new value, else the first that
/// has one. Each time a check is broken one value less is there.
fn first_to_leave_out(columns: &[&str], value: impl Fn(&str) -> String) -> String {
    let new =
        columns.iter().map(|column| (column, format!(" and {column} is distinct from (known).{column}")));
    let all = columns.iter().map(|column| (column, String::new()));
    let cases = new
        .chain(all)
        .map(|(column, is_new)| format!("when {column} is not null{is_new} then {}", value(column)));
    format!("case {} end", joined(cases, " "))
}

/// SQL for rows of a list that are in the database and not in the import: of a record that the import replaces all
/// rows, of a dataset those that its last edition gave and no dataset gives now. `{owner}` stands for the column of the
/// record.
pub fn removed_rows(kind: &RecordKind, writable_field: &WritableField, rows: &Rows, select: &str) -> String {
    let (owner, list) = (rows.owner, list_name(READY_PREFIX, kind, writable_field.name));
    let place = kind.writable_field(writable_field.name).map_or(0, |(place, _)| place);
    let (table, select, bit) = (kind.table, select.replace("{owner}", owner), 1_i64 << place);
    let absent = format!("not exists (select from {list} n where {})", is_row(rows));
    let displaced = if rows.is_in_order_in_files() {
        format!(
            "not exists (select from {} k where k.id = t.id)
             and not exists (select from {list} n where n.by_dataset and {})",
            kept_name(kind, writable_field),
            is_row(rows)
        )
    } else {
        absent.clone()
    };
    let replaced = format!(
        "select {select} from ready_{table} r join {} t on t.{owner} = r.id
         where not r.is_new and not r.by_dataset and r.given_fields & {bit} <> 0 and {displaced}",
        rows.table
    );
    let given = row_was_given(writable_field.name, rows, "t");
    format!(
        "{replaced} union
         select {select} from ids_{table} i join origin_digests d on d.origin_id = i.origin_id
         join {} t on t.{owner} = i.id
         where i.by_dataset and i.given_fields & {bit} <> 0 and {} and {absent} and not exists (
             select from origins o join origin_digests d on d.origin_id = o.id
             where o.{} = i.id and not exists (select from ids_{table} other where other.origin_id = o.id) and {}
         )",
        rows.table,
        given,
        kind.origin_column,
        given,
    )
}

/// SQL for the rows of a list that only these origins gave, of records that stay.
pub fn rows_given_only_by(
    kind: &RecordKind,
    writable_field: &WritableField,
    rows: &Rows,
    origins: &str,
) -> String {
    let given = row_was_given(writable_field.name, rows, "t");
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
/// given before are left out: they were removed since.
pub fn added_rows(kind: &RecordKind, writable_field: &WritableField, rows: &Rows, select: &str) -> String {
    let (owner, list) = (rows.owner, list_name(READY_PREFIX, kind, writable_field.name));
    format!(
        "select {} from {list} n where not n.is_new and not n.was_given
         and not exists (select from {} t where {})",
        select.replace("{owner}", owner),
        rows.table,
        is_row(rows)
    )
}

/// SQL for whether the row `n` of an import is the row `t`. By the digests, Postgres needs not compare each with each.
pub(super) fn is_row(rows: &Rows) -> String {
    format!(
        "n.{owner} = t.{owner} and {} = {} and {}",
        digest_of(rows, "n"),
        digest_of(rows, "t"),
        rows.same(),
        owner = rows.owner
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

/// SQL for the digest of the row of a list: of the columns that have a value, so that it stays the same when the table
/// gets another column.
fn row_digest<'a>(values: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let values = values.into_iter().map(|(column, value)| format!("'{column}', {value}"));
    format!("left(md5(jsonb_strip_nulls(jsonb_build_object({}))::text), 16)", joined(values, ", "))
}

/// SQL for the digest of the row of a list with this alias.
fn digest_of(rows: &Rows, alias: &str) -> String {
    row_digest(rows.given().map(|column| (column.column, format!("{alias}.{}", column.column))))
}

/// SQL for whether the last edition `d` of a dataset gave the row of a list with this alias.
pub fn row_was_given(field: &str, rows: &Rows, alias: &str) -> String {
    was_given(field, &digest_of(rows, alias))
}

/// SQL for whether the last edition of a dataset gave the row of a list with this digest: see `gather_given_entries`.
fn was_given(field: &str, digest: &str) -> String {
    format!(
        "exists (select from given_entries g where (g.origin_id, g.field, g.digest) = (d.origin_id, '{field}', {digest}))"
    )
}

/// Gathers the digests of list entries that datasets gave of these records before, a row each: to look for one in the
/// list of an origin would read the whole list each time.
pub async fn gather_given_entries(
    connection: &mut PgConnection,
    kind: &RecordKind,
    records: &str,
) -> Result<(), sqlx::Error> {
    let sql = format!(
        "insert into given_entries
         select d.origin_id, f.key, e.digest from origins o join origin_digests d on d.origin_id = o.id
         cross join lateral jsonb_each(d.digests) f
         cross join lateral jsonb_array_elements_text(case jsonb_typeof(f.value) when 'array' then f.value else '[]' end) e (digest)
         where o.{} in ({records}) on conflict do nothing",
        kind.origin_column
    );
    sqlx::query(AssertSqlSafe(sql)).persistent(false).execute(&mut *connection).await?;
    Ok(())
}

/// The places of entries whose values another record has. Not an `or` of two conditions, which Postgres would check row
/// by row.
fn taken_by_another_record(rows: &RowSet<'_>, equal: &str, columns: &str, set: &str) -> String {
    let (ready, table, owner) = (rows.name(READY_PREFIX), rows.table(), rows.owner());
    format!(
        "select r.ctid from {ready} r join {table} o on {equal} and o.{owner} <> r.{owner}
         union all
         select place from (
             select r.ctid as place, r.{owner} as own,
                    first_value(r.{owner}) over (partition by {columns} order by r.line, r.list_index) as first
             from {ready} r where {set}
         ) d where own <> first"
    )
}

/// The places of entries whose values another entry of the record has.
fn taken_by_another_entry(
    rows: &RowSet<'_>,
    writable_field: &WritableField,
    list: &Rows,
    equal: &str,
    columns: &str,
    set: &str,
) -> String {
    let (ready, table, owner) = (rows.name(READY_PREFIX), rows.table(), rows.owner());
    let of = |alias: &str| joined(list.given().map(|of| format!("{alias}.{}", of.column)), ", ");
    let given = row_was_given(writable_field.name, list, "o");
    let ids = format!("ids_{}", rows.kind.table);
    // A row of the table stays, unless only this import's datasets gave it.
    format!(
        "select place from (
             select r.ctid as place,
                    row_number() over (partition by r.{owner}, {columns} order by r.line, r.list_index) as number
             from {ready} r where {set}
         ) d where number > 1
         union all
         select r.ctid from {ready} r join {table} o on {equal} and o.{owner} = r.{owner}
         where ({old}) is distinct from ({new})
         and (not exists (
             select from {ids} i join origin_digests d on d.origin_id = i.origin_id
             where i.id = o.{owner} and {given}
         ) or exists (
             select from origins g join origin_digests d on d.origin_id = g.id
             where g.{origin} = o.{owner} and {given}
             and not exists (select from {ids} other where other.origin_id = g.id)
         ))",
        old = of("o"),
        new = of("r"),
        origin = rows.kind.origin_column,
    )
}
