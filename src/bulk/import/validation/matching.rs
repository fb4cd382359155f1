//! Matches each line to an existing record, or gives it a new id, and resolves references.

use std::fmt::Write;

use crate::bulk::{
    import::{
        staging::{FALLBACK, list_name},
        validation::{Validator, column_names, column_of, identifiers, quoted, row_sets},
    },
    records::{RecordKind, joined},
};
use crate::engine::mutation::writable_fields::WritableField;

/// Registers whose identifiers are unique everywhere. Only by these does a record of a dataset match one that another
/// dataset or an analyst entered.
pub const GLOBAL_SCHEMES: [&str; 13] = [
    "wikidata",
    "cap",
    "eurovoc",
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

/// What stands before the number in the key of one of several relations that differ in their periods only.
pub const PERIOD_NUMBER: &str = " (period ";
/// The end of such a key, with its number.
const NUMBER: &str = r" \(period (\d{1,9})\)$";

impl Validator<'_> {
    /// Where a dataset gives several relations that differ in their periods only, numbers them as they are numbered in
    /// the database: those that begin at the same date first, then the others in order. Otherwise one that is earlier
    /// or no longer there would move what others entered for one period to another.
    pub(super) async fn keep_period_numbers(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let (table, staged, owner) = (kind.table, self.staged, kind.origin_column.as_str());
        let start = "valid_from";
        if !kind.writable_fields.iter().any(|field| column_of(field) == Some(start)) {
            return Ok(());
        }
        let origins = list_name(staged, kind, "origins");
        let content = |alias: &str| format!(r"regexp_replace({alias}.key, '{NUMBER}', '')");
        let number = |alias: &str| format!(r"coalesce(substring({alias}.key from '{NUMBER}'), '1')::bigint");
        self.run(format!(
            "create temp table given_periods on commit drop as
             select l.line, l.dataset, l.key, {} as content, {} as number, s.{start}::text as start, null::text as known_key
             from {origins} l join {staged}{table} s on s.line = l.line and s.by_dataset",
            content("l"),
            number("l"),
        ))
        .await?;
        self.run(format!(
            "create temp table known_periods on commit drop as
             select o.dataset, o.key, {} as content, {} as number, t.{start}::text as start
             from origins o join {table} t on t.id = o.{owner}
             where o.dataset in (select dataset from given_periods)",
            content("o"),
            number("o"),
        ))
        .await?;
        self.run("analyze given_periods, known_periods").await?;
        // First those that begin at the same date.
        for by in ["coalesce(start, '')", "''"] {
            let numbered = |table: &str, free: &str| {
                format!(
                    "select *, {by} as by, row_number() over (partition by dataset, content, {by} order by number) as place
                     from {table} p where {free}"
                )
            };
            self.run(format!(
                "update given_periods g set known_key = k.key from ({}) n join ({}) k
                 on (k.dataset, k.content, k.by, k.place) = (n.dataset, n.content, n.by, n.place)
                 where (g.line, g.key) = (n.line, n.key)",
                numbered("given_periods", "known_key is null"),
                numbered(
                    "known_periods",
                    "not exists (select from given_periods g where g.dataset = p.dataset and g.known_key = p.key)"
                ),
            ))
            .await?;
        }
        self.run(format!(
            "update {origins} l set key = n.key from (
                 select g.line, g.key as given, coalesce(g.known_key, g.content || '{PERIOD_NUMBER}' || (
                            k.last + row_number() over (partition by g.dataset, g.content, g.known_key is null order by g.number)
                        ) || ')') as key
                 from given_periods g
                 join (select dataset, content, max(number) as last from known_periods group by 1, 2) k using (dataset, content)
             ) n where l.line = n.line and l.key = n.given and n.key <> n.given"
        ))
        .await?;
        self.run("drop table given_periods, known_periods").await?;
        Ok(())
    }

    /// Matches each line to the existing record with its slug, origin or identifier, or gives it a new id. A record of
    /// a dataset is never matched by its slug, and of identifiers only by those of global registers.
    pub(super) async fn match_records(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        self.find_known_records(kind).await?;
        self.give_new_ids(kind).await?;
        self.choose_first_lines(kind).await?;
        self.name_records(kind).await?;
        self.drop_fallbacks_of_known_records(kind).await?;
        self.reject_repeated_records(kind).await?;
        let table = kind.table;
        for column in ["id", "origin_id"] {
            self.run(format!("create index on ids_{table} ({column})")).await?;
        }
        self.run(format!("analyze ids_{table}")).await?;
        Ok(())
    }

    async fn find_known_records(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
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
                    where not s.by_dataset or l.scheme in ({schemes}) and ({alike} or l.scheme like 'iso3166-%') and not exists (
                        select from {origins} o join origins known on known.dataset = o.dataset and known.key <> o.key
                        where o.line = l.line and known.{owner} = t.id
                    )
                    order by l.line, l.list_index
                  ) i on i.line = s.line",
                others = column_names(rows, "i"),
                schemes = global_schemes(),
                alike = are_alike(kind, "t", "s"),
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
        for column in ["line", "slug"] {
            self.run(format!("create index on ids_{table} ({column})")).await?;
        }
        self.run(format!("analyze ids_{table}")).await?;
        if let Some((writable_field, _)) = identifiers(kind) {
            self.match_datasets(kind, writable_field).await?;
        }
        Ok(())
    }

    async fn give_new_ids(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let table = kind.table;
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
        Ok(())
    }

    /// Of the lines of one record, the first one gives its values, the others what it lacks.
    async fn choose_first_lines(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let table = kind.table;
        self.run(format!(
            "update ids_{table} i set is_first = false from (
                 select line, row_number() over (partition by id order by by_dataset, given_fields & {FALLBACK} <> 0, line) as number from ids_{table}
             ) n where n.line = i.line and n.number > 1 and i.by_dataset"
        ))
        .await?;
        Ok(())
    }

    async fn drop_fallbacks_of_known_records(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let table = kind.table;
        let known = format!(
            "select line from ids_{table} where given_fields & {FALLBACK} <> 0 and not (is_new and is_first)"
        );
        self.drop_lines(kind, &known).await?;
        self.run(format!("update ids_{table} set given_fields = 0 where given_fields & {FALLBACK} <> 0"))
            .await?;
        Ok(())
    }

    async fn reject_repeated_records(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
        let (table, staged) = (kind.table, self.staged);
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
        Ok(())
    }

    /// Finds lines of different datasets that are one record by an identifier of a global register: the later ones
    /// follow the first. A dataset has a record only once.
    pub(super) async fn match_datasets(
        &mut self,
        kind: &RecordKind,
        identifiers: &WritableField,
    ) -> Result<(), sqlx::Error> {
        let (table, staged) = (kind.table, self.staged);
        let list = list_name(staged, kind, identifiers.name);
        self.run(format!(
            "create temp table same_{table} on commit drop as
             with given as (
                 select i.line, i.id, i.dataset, {kind_of} as kind, l.scheme, l.value from ids_{table} i
                 join {staged}{table} s on s.line = i.line and s.by_dataset join {list} l on l.line = i.line
                 where l.scheme in ({})
             )
             select distinct on (first, dataset) line, first, dataset from (
                 select later.line, min(given.line) as first, later.dataset from given
                 join given later using (scheme, value)
                 where later.id is null and later.line > given.line and ({} or scheme like 'iso3166-%') and later.dataset <> given.dataset
                 group by later.line, later.dataset
             ) f order by first, dataset, line",
            global_schemes(),
            are_alike(kind, "later", "given"),
            kind_of = if has_kind(kind) { "s.kind" } else { "null::text" },
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

    /// Gives new records of datasets a slug that no other record has. One that is taken gets a digest of the record's origin.
    pub(super) async fn name_records(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
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

    /// Resolves the slugs and identifiers that refer to records of this type.
    pub(super) async fn resolve_references(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
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
    pub(super) async fn drop_dangling(&mut self, kind: &RecordKind) -> Result<(), sqlx::Error> {
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
}

/// SQL for whether two records of a register may be the same: a country is only a place to some datasets.
fn are_alike(kind: &RecordKind, one: &str, other: &str) -> String {
    if !has_kind(kind) {
        return "true".to_owned();
    }
    let of_land = |alias: &str| format!("{alias}.kind::text in ('COUNTRY', 'TERRITORY', 'PLACE')");
    format!("({one}.kind = {other}.kind or {} and {})", of_land(one), of_land(other))
}

/// Whether records are of several kinds, as actors are.
fn has_kind(kind: &RecordKind) -> bool {
    kind.writable_field("kind").is_some()
}

fn global_schemes() -> String {
    joined(GLOBAL_SCHEMES.iter().map(|scheme| quoted(scheme)), ", ")
}
