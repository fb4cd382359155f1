//! What an import does for datasets after its records are written: it keeps the digests of this edition, and removes
//! what a complete edition no longer has.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::bulk::{
    import::{
        execute,
        readers::mappings::SOURCE_KEY,
        validation::{gather_given_entries, list_fields, row_was_given, rows_given_only_by},
    },
    records::{RecordKind, RecordKinds, joined},
};

/// Keeps the digests of what this edition gave.
pub async fn keep_digests(connection: &mut PgConnection, kinds: &RecordKinds) -> Result<(), sqlx::Error> {
    for RecordKind { table, origin_column, .. } in &kinds.0 {
        let sql = format!(
            "insert into origin_digests as known (origin_id, digests)
             select o.id, g.digests from digests_{table} g
             join origins o on o.dataset = g.dataset and o.key = g.key and o.{origin_column} is not null
             on conflict (origin_id) do update set digests = excluded.digests where known.digests <> excluded.digests"
        );
        execute(connection, &sql).await?;
    }
    Ok(())
}

/// Whether the import has records of a dataset, beside its source.
pub async fn gives_records(
    connection: &mut PgConnection,
    kinds: &RecordKinds,
    dataset: &str,
) -> Result<bool, sqlx::Error> {
    let of = |RecordKind { table, .. }: &RecordKind| {
        format!("exists (select from ids_{table} where dataset = $1 and key <> '{SOURCE_KEY}')")
    };
    let sql = format!("select {}", joined(kinds.0.iter().map(of), " or "));
    sqlx::query_scalar(AssertSqlSafe(sql)).bind(dataset).persistent(false).fetch_one(connection).await
}

/// What a complete edition no longer has.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gone {
    /// Records that were deleted.
    pub removed: u64,
    /// Records that stay, because another dataset gives them, they cite another source, or other records
    /// refer to them. They no longer have what only this dataset gave.
    pub kept: u64,
}

/// Deletes the records of these datasets that the import didn't give.
pub async fn remove_gone(
    connection: &mut PgConnection,
    kinds: &RecordKinds,
    datasets: &[String],
) -> Result<Gone, sqlx::Error> {
    for kind in &kinds.0 {
        let RecordKind { table, origin_column, .. } = kind;
        let sql = format!(
            "create temp table gone_{table} on commit drop as
             select o.id as origin_id, o.{origin_column} as id, false as stays from origins o
             where o.{origin_column} is not null and o.dataset = any($1)
             and not exists (select from ids_{table} i where i.dataset = o.dataset and i.key = o.key)"
        );
        sqlx::query(AssertSqlSafe(sql)).bind(datasets).persistent(false).execute(&mut *connection).await?;
        execute(connection, &format!("create index on gone_{table} (id)")).await?;
        gather_given_entries(connection, kind, &format!("select id from gone_{table}")).await?;
        let given = format!(
            "update gone_{table} g set stays = true where exists (
                 select from origins o where o.{origin_column} = g.id
                 and not exists (select from gone_{table} other where other.origin_id = o.id)
             )"
        );
        execute(connection, &given).await?;
    }
    execute(connection, "analyze given_entries").await?;
    for kind in &kinds.0 {
        keep_cited(connection, kind).await?;
    }
    // A record that stays keeps those that it refers to.
    loop {
        let mut found = 0;
        for kind in &kinds.0 {
            for (table, owner, column, to) in kind.all_references() {
                let to = kinds.known(to).table;
                let sql = format!(
                    "update gone_{to} g set stays = true where not g.stays and exists (
                         select from {table} t where t.{column} = g.id
                         and not exists (select from gone_{} own where own.id = t.{owner} and not own.stays)
                     )",
                    kind.table
                );
                found += execute(connection, &sql).await?;
            }
        }
        if found == 0 {
            break;
        }
    }
    let mut gone = Gone::default();
    for kind in kinds.0.iter().rev() {
        let RecordKind { table, .. } = kind;
        for (writable_field, rows) in
            list_fields(kind).filter(|(field, rows)| field.name != "origins" && !rows.appended)
        {
            let sql = rows_given_only_by(kind, writable_field, rows, &format!("gone_{table}"));
            execute(connection, &format!("delete from {} where ctid in ({sql})", rows.table)).await?;
        }
        let sql = format!("delete from origins where id in (select origin_id from gone_{table} where stays)");
        gone.kept += execute(connection, &sql).await?;
        let sql = format!("delete from {table} where id in (select id from gone_{table} where not stays)");
        gone.removed += execute(connection, &sql).await?;
    }
    Ok(gone)
}

/// Marks records that cite another source than the dataset did.
async fn keep_cited(connection: &mut PgConnection, kind: &RecordKind) -> Result<(), sqlx::Error> {
    let Some((_, rows)) = list_fields(kind).find(|(field, _)| field.name == "citations") else {
        return Ok(());
    };
    let sql = format!(
        "update gone_{} g set stays = true where exists (
             select from {} t join origin_digests d on d.origin_id = g.origin_id where t.{} = g.id and not {}
         )",
        kind.table,
        rows.table,
        rows.owner,
        row_was_given("citations", rows, "t"),
    );
    execute(connection, &sql).await?;
    Ok(())
}
