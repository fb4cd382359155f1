//! Lines of datasets that are joined, or left out for others.

use crate::bulk::{
    import::{
        staging::{FALLBACK, OPTIONAL, list_name},
        validation::{RowSet, Validator, YIELDED, column_of, fields_with_one_value, list_fields, row_sets},
    },
    records::{RecordKind, joined},
};
use crate::engine::mutation::writable_fields::Rows;

impl Validator<'_> {
    /// Drops what datasets only refer to where they give it themselves.
    pub(super) async fn drop_fallbacks(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let (table, staged) = (kind.table, self.staged);
        let origins = list_name(staged, kind, "origins");
        let given = format!(
            "select line from (
                 select s.line, s.given_fields, bool_or(s.given_fields & {FALLBACK} = 0) over (partition by o.dataset, o.key) as is_given
                 from {origins} o join {staged}{table} s on s.line = o.line and s.by_dataset
                 where exists (select from {staged}{table} where given_fields & {FALLBACK} <> 0)
             ) o where is_given and given_fields & {FALLBACK} <> 0"
        );
        self.drop_lines(kind, &given).await
    }

    /// Drops staged lines, with their lists.
    pub(super) async fn drop_lines(&mut self, kind: &RecordKind, lines: &str) -> Result<(), sqlx::Error> {
        if self.run(format!("create temp table dropped on commit drop as {lines}")).await? > 0 {
            for rows in row_sets(kind) {
                let table = rows.name(self.staged);
                self.run(format!("delete from {table} t using dropped d where d.line = t.line")).await?;
            }
        }
        self.run("drop table dropped").await?;
        Ok(())
    }

    /// Joins the fragments of a record of a dataset: lines with one key become the first of them, with the values and
    /// the entries of all.
    pub(super) async fn join_fragments(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
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
        for (_, writable_field) in fields_with_one_value(kind) {
            let Some(column) = column_of(writable_field) else { continue };
            self.run(format!(
                "insert into changed_values select f.line, '{}', '{}', '{YIELDED}' from fragments_{table} f
                 join {staged}{table} s on s.line = f.line join {staged}{table} t on t.line = f.first
                 where s.{column} is distinct from t.{column} and s.{column} is not null",
                kind.name, writable_field.name
            ))
            .await?;
        }
        if let Some((_, names)) = list_fields(kind).find(|(field, _)| field.name == "names") {
            self.add_names_of_fragments(kind, names).await?;
        }
        self.run(format!("delete from {staged}{table} s using fragments_{table} f where f.line = s.line"))
            .await?;
        Ok(())
    }

    /// Of fragments with different names, those after the first are further names.
    async fn add_names_of_fragments(&mut self, kind: &RecordKind, names: &Rows) -> Result<(), sqlx::Error> {
        let (table, staged) = (kind.table, self.staged);
        let (list, origins) = (list_name(staged, kind, "names"), list_name(staged, kind, "origins"));
        let kind_type = self.rules.type_of(names.table, "kind").unwrap_or("text");
        self.run(format!(
            "insert into {list} (line, list_index, name, kind)
             select f.first, 20000, s.name, 'ALIAS'::{kind_type} from fragments_{table} f
             join {staged}{table} s on s.line = f.line join {staged}{table} t on t.line = f.first
             join {origins} o on o.line = f.first
             where s.name <> t.name and s.name <> o.key
             and not exists (select from {list} n where n.line = f.first and n.name = s.name)
             group by f.first, s.name"
        ))
        .await?;
        self.run(format!(
            "delete from {list} n using fragments_{table} f, {staged}{table} t
             where n.line = f.first and t.line = f.first and n.name = t.name and n.kind = 'ALIAS'"
        ))
        .await?;
        Ok(())
    }

    /// Leaves out records that a dataset gives for the sake of what they refer to, where that is not there.
    pub(super) async fn drop_optional(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let (table, staged, name) = (kind.table, self.staged, kind.name);
        for (column, to) in kind.references() {
            let rows = RowSet { kind, list: None };
            if rows.is_optional(column) {
                continue;
            }
            let (keys, field) = (self.kinds.known(to).table, rows.column_name(column));
            let dangling = format!(
                "select t.line from {staged}{table} t join keys_{keys} k on k.key = t.{column} and k.id is null
                 where t.given_fields & {OPTIONAL} <> 0"
            );
            self.run(format!(
                "insert into changed_values
                 select line, '{name}', '{field}', 'the record is left out: what it refers to is not there' from ({dangling}) d"
            ))
            .await?;
            self.drop_lines(kind, &dangling).await?;
        }
        Ok(())
    }
}
