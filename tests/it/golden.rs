//! Golden queries: each `*.graphql` with the JSON of its response and its SQL. The
//! page's example queries are golden too. Rewrite them with `UPDATE_GOLDEN=1 cargo test golden`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::support::{Client, anonymous, sql_log::SqlLog};

#[tokio::test]
async fn every_golden_query_gives_its_response_with_its_sql() {
    let anonymous = anonymous().await;
    let log = SqlLog::listen();
    let mut wrong = Vec::new();
    let queries = golden_queries();
    assert!(!queries.is_empty());
    for path in queries {
        let query = fs::read_to_string(&path).expect("a query");
        let golden = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(path.file_name().expect("a name"));
        let variables = fs::read_to_string(golden.with_extension("variables.json"));
        let variables = variables.map_or(Value::Null, |text| serde_json::from_str(&text).expect("variables"));
        log.take();
        let response = anonymous.response(&query, variables).await;
        let mut statements = log.take();
        statements.sort();
        let response = serde_json::to_string_pretty(&response).expect("JSON") + "\n";
        let sql = statements.join(";\n") + ";\n";
        for (extension, found) in [("json", response), ("sql", sql)] {
            let file = golden.with_extension(extension);
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                fs::write(&file, found).expect("written");
            } else if fs::read_to_string(&file).ok().as_deref() != Some(&found) {
                wrong.push(format!("{}:\n{found}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every golden query gives its response, on a base as it is after the migrations.
pub async fn has_golden_responses(client: &Client) {
    let queries = golden_queries();
    assert!(!queries.is_empty());
    for path in queries {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(path.file_name().expect("a name"));
        let variables = fs::read_to_string(golden.with_extension("variables.json"));
        let variables = variables.map_or(Value::Null, |text| serde_json::from_str(&text).expect("variables"));
        let response = client.response(&fs::read_to_string(&path).expect("a query"), variables).await;
        let response = serde_json::to_string_pretty(&response).expect("JSON") + "\n";
        let expected = fs::read_to_string(golden.with_extension("json")).expect("a response");
        assert_eq!(response, expected, "{}", path.display());
    }
}

pub fn golden_queries() -> Vec<PathBuf> {
    let folders =
        ["tests/golden", "web/examples"].map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
    let mut queries: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).expect("a folder of queries"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "graphql"))
        .filter(|path| is_query(path))
        .collect();
    queries.sort();
    queries
}

/// Whether a file holds a query: mutations and subscriptions have no golden response.
fn is_query(path: &Path) -> bool {
    let text = fs::read_to_string(path).expect("a document");
    !text.lines().any(|line| line.starts_with("mutation") || line.starts_with("subscription"))
}
