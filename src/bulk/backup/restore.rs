//! Restores a backup into an empty database, in one transaction.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    bulk::backup::{Error, Summary, Table, read::Reader, read_table, settle_format, tables},
    database::migrations,
    progress::{Progress, Step},
};

/// SQL that puts aside what slows loading down or would refuse rows in this order, each with the SQL that brings it
/// back: triggers, foreign keys, and indexes that are not part of a constraint.
const ASIDE: &str = "
    select format('alter table %s disable trigger user', oid::regclass),
           format('alter table %s enable trigger user', oid::regclass), 1 as place
    from pg_class where relnamespace = current_schema()::regnamespace and relkind = 'r'
    union all
    select format('drop index %s', indexrelid::regclass),
           pg_get_indexdef(indexrelid), 2
    from pg_index join pg_class c on c.oid = indexrelid
    where relnamespace = current_schema()::regnamespace
    and not exists (select from pg_constraint where conindid = indexrelid and contype in ('p', 'u', 'x'))
    union all
    select format('alter table %s drop constraint %I', conrelid::regclass, conname),
           format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
           || coalesce(
               format(
                   '; comment on constraint %I on %s is %L', conname, conrelid::regclass,
                   obj_description(oid, 'pg_constraint')
               ), ''
           ), 3
    from pg_constraint where connamespace = current_schema()::regnamespace and contype = 'f'
    order by place";

/// Restores all, or nothing. The migrations after those of the backup stay pending.
pub async fn restore(
    connection: &mut PgConnection,
    schema: Option<&str>,
    mut backup: Reader,
    progress: &dyn Progress,
) -> Result<Summary, Error> {
    migrations::lock(connection).await?;
    let mut change = connection.begin().await?;
    migrations::recreate(&mut change, schema, &backup.header().migrations).await?;
    settle_format(&mut change).await?;
    let made = tables(&mut change).await?;
    let aside: Vec<(String, String, i32)> = sqlx::query_as(ASIDE).fetch_all(&mut *change).await?;
    for (remove, ..) in aside.iter().rev() {
        execute(&mut change, remove.clone()).await?;
    }
    // What migrations entered.
    let names: Vec<&str> = made.iter().map(|table| table.name.as_str()).collect();
    execute(&mut change, format!("truncate {}", names.join(", "))).await?;

    let mut rows = Vec::new();
    let sequences = loop {
        let table = match backup.next()? {
            Ok(table) => table,
            Err(sequences) => break sequences,
        };
        progress.part(&table.name);
        let Some(own) = made.iter().find(|own| own.name == table.name) else {
            progress.note(&format!("left out: the table {} is not Dossier's", table.name));
            while backup.rows(&table.name, &mut rows)? {}
            continue;
        };
        // The names in the file become SQL.
        if table.columns != own.columns {
            return Err(backup.damaged(&format!("`{}` has other columns", table.name)));
        }
        load(&mut change, &table, &mut backup, &mut rows).await?;
    };
    for sequence in sequences {
        let sql = "select setval(to_regclass($1), $2, $3)";
        let set = sqlx::query(sql).bind(sequence.name).bind(sequence.value).bind(sequence.is_called);
        set.execute(&mut *change).await?;
    }
    progress.end();
    progress.begin(Step::Checking, None);
    for (_, add, _) in aside {
        execute(&mut change, add).await?;
    }
    for table in &made {
        let restored = read_table(&mut change, table, |_| Ok(())).await?;
        if !backup.sums().contains(&restored) {
            return Err(Error::Differs(format!(
                "the count or the digest of the table {} differs from the backup; nothing was restored",
                table.name
            )));
        }
    }
    change.commit().await?;
    progress.end();
    sqlx::raw_sql("analyze").execute(connection).await?;
    Ok(Summary::of(backup.header().clone(), backup.sums()))
}

async fn load(
    change: &mut PgConnection,
    table: &Table,
    backup: &mut Reader,
    rows: &mut Vec<u8>,
) -> Result<(), Error> {
    let sql = format!("copy {} ({}) from stdin", table.name, table.columns.join(", "));
    let mut copy = change.copy_in_raw(&sql).await?;
    loop {
        match backup.rows(&table.name, rows) {
            Ok(more) => {
                copy.send(rows.as_slice()).await?;
                if !more {
                    break;
                }
            }
            Err(error) => {
                let _ = copy.abort("the backup can't be read").await;
                return Err(error);
            }
        }
    }
    copy.finish().await?;
    Ok(())
}

async fn execute(change: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(change).await.map(drop)
}
