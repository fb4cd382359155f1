//! Writes the valid records of an import: new ones, and what differs of existing ones.

use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::{
    bulk::{
        import::{
            Outcome, execute,
            staging::{READY_PREFIX, list_name},
            validation::{added_rows, column_of, list_fields, removed_rows},
        },
        records::{RecordKind, RecordKinds, joined},
    },
    engine::mutation::writable_fields::Rows,
    progress::{Progress, Step},
};

const ROWS_PER_STATEMENT: i64 = 20_000;

/// Counts the records that are written, and those that are not.
pub async fn count(
    connection: &mut PgConnection,
    kinds: &RecordKinds,
    outcome: &mut Outcome,
) -> Result<(), sqlx::Error> {
    for kind in &kinds.0 {
        let sql = format!(
            "select count(*) filter (where is_new), count(*) filter (where not is_new),
                    (select count(*) from updates where kind = '{}') from ready_{}",
            kind.name, kind.table
        );
        let counts = sqlx::query_as(AssertSqlSafe(sql)).persistent(false).fetch_one(&mut *connection).await?;
        let (created, known, updated): (i64, i64, i64) = counts;
        outcome.created += created.cast_unsigned();
        outcome.unchanged += (known - updated).cast_unsigned();
        outcome.updated += updated.cast_unsigned();
    }
    Ok(())
}

/// Writes the records, which refer only to types before them, and then their lists, which refer to any type.
pub async fn write(
    connection: &mut PgConnection,
    kinds: &RecordKinds,
    created: u64,
    progress: &dyn Progress,
) -> Result<(), sqlx::Error> {
    // An existing record may refer to a new one.
    execute(connection, "set constraints all deferred").await?;
    let rows = rows_of_lists(connection, kinds).await?;
    progress.begin(Step::Writing, Some(created + rows));
    for kind in &kinds.0 {
        progress.part(kind.many);
        update_records(connection, kind).await?;
        insert_records(connection, kind, progress).await?;
    }
    // Texts first: a citation is of the last one.
    let mut of_lists: Vec<&RecordKind> = kinds.0.iter().collect();
    of_lists.sort_by_key(|kind| list_fields(kind).all(|(_, rows)| !rows.has_texts()));
    for kind in of_lists {
        progress.part(&format!("of {}", kind.many));
        update_lists(connection, kind).await?;
        insert_lists(connection, kind, progress).await?;
    }
    Ok(())
}

/// How many rows the lists of all records have.
async fn rows_of_lists(connection: &mut PgConnection, kinds: &RecordKinds) -> Result<u64, sqlx::Error> {
    let lists = kinds.0.iter().flat_map(|kind| list_fields(kind).map(move |(field, _)| (kind, field.name)));
    let count = |(kind, field)| format!("(select count(*) from {})", list_name(READY_PREFIX, kind, field));
    let sql = format!("select {}", joined(lists.map(count), " + "));
    let rows: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false).fetch_one(connection).await?;
    Ok(rows.cast_unsigned())
}

/// Updates existing records where a column differs.
async fn update_records(connection: &mut PgConnection, kind: &RecordKind) -> Result<(), sqlx::Error> {
    let table = kind.table;
    let columns: Vec<&str> = kind.writable_fields.iter().filter_map(column_of).collect();
    let list = |alias: &str| joined(columns.iter().map(|column| format!("{alias}.{column}")), ", ");
    let set = joined(columns.iter().map(|column| format!("{column} = r.{column}")), ", ");
    let sql = format!(
        "update {table} t set {set} from ready_{table} r, updates c
         where t.id = r.id and c.kind = '{}' and c.id = t.id and ({}) is distinct from ({})",
        kind.name,
        list("r"),
        list("t")
    );
    execute(connection, &sql).await?;
    Ok(())
}

/// Updates the lists of existing records: deletes removed rows and inserts added ones.
async fn update_lists(connection: &mut PgConnection, kind: &RecordKind) -> Result<(), sqlx::Error> {
    for (writable_field, rows) in list_fields(kind) {
        if !rows.appended {
            let removed = removed_rows(kind, writable_field, rows, "t.ctid");
            execute(connection, &format!("delete from {} where ctid in ({removed})", rows.table)).await?;
        }
        let columns = columns_of_rows(rows);
        let given = joined(columns.iter().map(|column| format!("n.{column}")), ", ");
        let added = added_rows(kind, writable_field, rows, &given);
        let sql = format!(
            "insert into {} ({}) {added} order by n.line, n.list_index",
            rows.table,
            columns.join(", ")
        );
        execute(connection, &sql).await?;
    }
    Ok(())
}

/// Inserts the new records of a type in file order. A type whose records refer to each other is inserted by one
/// statement, which checks its foreign key at the end.
async fn insert_records(
    connection: &mut PgConnection,
    kind: &RecordKind,
    progress: &dyn Progress,
) -> Result<(), sqlx::Error> {
    let table = kind.table;
    let columns = kind.writable_fields.iter().filter_map(column_of).collect::<Vec<_>>().join(", ");
    let step = if kind.parent().is_some() { i64::MAX } else { ROWS_PER_STATEMENT };
    for (from, until) in id_ranges(connection, kind, step).await? {
        let sql = format!(
            "insert into {table} (id, {columns}) overriding system value select id, {columns} from ready_{table}
             where is_new and id between {from} and {until} order by id"
        );
        progress.advance(execute(connection, &sql).await?);
    }
    Ok(())
}

/// Inserts the lists of the new records in file order.
async fn insert_lists(
    connection: &mut PgConnection,
    kind: &RecordKind,
    progress: &dyn Progress,
) -> Result<(), sqlx::Error> {
    for (writable_field, rows) in list_fields(kind) {
        let (list, columns) =
            (list_name(READY_PREFIX, kind, writable_field.name), columns_of_rows(rows).join(", "));
        for (from, until) in id_ranges(connection, kind, ROWS_PER_STATEMENT).await? {
            let sql = format!(
                "insert into {} ({columns}) select {columns} from {list}
                 where is_new and {owner} between {from} and {until} order by {owner}, list_index",
                rows.table,
                owner = rows.owner
            );
            progress.advance(execute(connection, &sql).await?);
        }
    }
    Ok(())
}

/// Id ranges of the new records of a type, for statements of bounded size.
async fn id_ranges(
    connection: &mut PgConnection,
    kind: &RecordKind,
    size: i64,
) -> Result<Vec<(i64, i64)>, sqlx::Error> {
    let sql = format!("select min(id), max(id) from ready_{} where is_new", kind.table);
    let row = sqlx::query(AssertSqlSafe(sql)).persistent(false).fetch_one(connection).await?;
    let (Some(first), Some(last)) = (row.try_get::<Option<i64>, _>(0)?, row.try_get::<Option<i64>, _>(1)?)
    else {
        return Ok(Vec::new());
    };
    let (mut ranges, mut from) = (Vec::new(), first);
    while from <= last {
        let until = from.saturating_add(size - 1).min(last);
        ranges.push((from, until));
        from = until + 1;
    }
    Ok(ranges)
}

fn columns_of_rows(rows: &Rows) -> Vec<&'static str> {
    let columns = rows.columns.iter().map(|column| column.column);
    [rows.owner].into_iter().chain(columns).chain(rows.ordinal).collect()
}
