//! The report of an import: the rejected records, and what became of the fields of each file.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
};

use futures_util::TryStreamExt;
use serde_json::json;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::bulk::import::{
    Error, ImportOptions,
    staging::{file_and_line, file_and_line_sql},
    tally::{FileReport, Tally},
};

/// The reports of the files, with the values that the validation changed to fit.
pub async fn with_changes(
    connection: &mut PgConnection,
    files: &[FileReport],
) -> Result<Vec<FileReport>, sqlx::Error> {
    let mut files = files.to_vec();
    let (file, _) = file_and_line_sql("line");
    let sql = format!(
        "select ({file})::bigint, kind || '.' || field, reason, count(*) from changed_values group by 1, 2, 3"
    );
    let changes: Vec<(i64, String, String, i64)> =
        sqlx::query_as(AssertSqlSafe(sql)).persistent(false).fetch_all(connection).await?;
    for (file, field, reason, count) in changes {
        let number = usize::try_from(file - 1).unwrap_or(0);
        if let Some(report) = files.get_mut(number) {
            *report.tally.changed.entry(format!("{field}: {reason}")).or_default() += count.cast_unsigned();
        }
    }
    Ok(files)
}

/// Writes the rejected records to the report, counts them, and adds what became of the fields of each file. Without
/// either there is no report.
pub async fn write(
    connection: &mut PgConnection,
    staged: &str,
    files: &[FileReport],
    options: &ImportOptions,
) -> Result<u64, Error> {
    let failed = |error| Error::Report(options.report.clone(), error);
    let count = format!("select count(distinct line) from {staged}rejected");
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut *connection).await?;
    let files: Vec<&FileReport> = files.iter().filter(|file| !file.tally.is_empty()).collect();
    if count == 0 && files.is_empty() {
        // A report of an earlier import would be misleading. Devices such as /dev/null stay.
        if fs::symlink_metadata(&options.report).is_ok_and(|found| found.is_file()) {
            fs::remove_file(&options.report).map_err(failed)?;
        }
        return Ok(0);
    }
    let mut file = BufWriter::new(File::create(&options.report).map_err(failed)?);
    let sql = format!(
        "select distinct line, kind, field, reason from {staged}rejected order by line, field, reason"
    );
    let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let (number, line) = file_and_line(row.try_get("line")?);
        let text = |column| row.try_get::<Option<String>, _>(column);
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let name = options.files.get(number).map(|file| file.display().to_string());
        let rejection = json!({
            "file": name,
            "line": line,
            "type": filled(text("kind")?),
            "field": filled(text("field")?),
            "reason": text("reason")?,
        });
        writeln!(file, "{rejection}").map_err(failed)?;
    }
    for FileReport { path, dataset, tally } in files {
        let Tally { kept, ignored, changed } = tally;
        let fields = json!({
            "file": path.display().to_string(), "dataset": dataset, "kept": kept, "ignored": ignored, "changed": changed,
        });
        writeln!(file, "{fields}").map_err(failed)?;
    }
    file.flush().map_err(failed)?;
    Ok(count.cast_unsigned())
}
