//! Query plans of all filters and orders of the schema, on a base of some size.

use dossier::{config::Config, database::Database};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    everything::Schema,
    support::{
        Client, anonymous,
        database::database,
        process::{dossier, output},
        sql_log::SqlLog,
    },
};

/// Filters without an index, and why that is right.
const UNINDEXED: [(&str, &str); 2] = [
    ("notIn", "it keeps what is not of some values: most rows, which are sooner read one by one"),
    ("grade: {", "it reads the reliability of all sources, which are few beside their citations"),
];

#[tokio::test]
async fn postgres_compiles_no_statement_of_a_reader_or_a_writer() {
    let database = database().await;
    let config = Config::from_lookup(|name| (name == "DATABASE_URL").then(|| database.url().to_owned()));
    let server = Database::open(&config.expect("settings")).await.expect("the database is there");
    let mut reader = server.readers().take().await.expect("a connection");
    let mut writer = server.pool().acquire().await.expect("a connection");
    for connection in [&mut *reader, &mut *writer] {
        let jit: String = sqlx::query_scalar("show jit").fetch_one(connection).await.expect("a setting");
        assert_eq!(jit, "off");
    }
}

/// A connection to a generated base, on which sequential scans are disabled.
async fn generated_base() -> PgConnection {
    let mut connection = base_of("100000").await;
    let settings = "set enable_seqscan = off; set plan_cache_mode = force_generic_plan";
    sqlx::raw_sql(settings).execute(&mut connection).await.expect("set");
    connection
}

/// A connection to a generated base with so many statements.
async fn base_of(statements: &'static str) -> PgConnection {
    let database = database().await;
    let url = database.url().to_owned();
    let generate = move || {
        output(dossier(&[("DATABASE_URL", &url)]).args([
            "generate",
            "--statements",
            statements,
            "--divisions",
            "3000",
            "--voters",
            "3",
        ]))
    };
    let made = tokio::task::spawn_blocking(generate).await.expect("not cancelled");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut connection = PgConnection::connect(database.url()).await.expect("the database");
    // As after autovacuum.
    for settings in ["set jit = off", "vacuum analyze"] {
        sqlx::raw_sql(settings).execute(&mut connection).await.expect("set");
    }
    connection
}

/// How many rows of a table a statement reads with these values.
async fn rows_read(connection: &mut PgConnection, sql: &str, values: &str, table: &str) -> f64 {
    let prepare = format!("deallocate all; prepare requested as {sql}");
    sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *connection).await.expect("prepared");
    let explain = format!("explain (analyze, format json) execute requested({values})");
    let explain = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_one(connection).await;
    let plan: Value = sqlx::Row::get(&explain.expect("a plan"), 0);
    let read = |node: &Value| {
        let number = |name: &str| node[name].as_f64().unwrap_or(0.0);
        let rows = number("Actual Rows")
            + number("Rows Removed by Filter")
            + number("Rows Removed by Index Recheck");
        if node["Relation Name"] == table { rows * number("Actual Loops") } else { 0.0 }
    };
    nodes(&plan[0]["Plan"]).iter().map(read).sum()
}

/// All nodes of the generic plan of a statement.
async fn plan(connection: &mut PgConnection, sql: &str) -> Vec<Value> {
    let values = (1..).take_while(|number| sql.contains(&format!("${number}"))).map(|_| "null");
    let values = values.collect::<Vec<_>>().join(", ");
    let values = if values.is_empty() { values } else { format!("({values})") };
    let prepare = format!("deallocate all; prepare requested as {sql}");
    sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *connection).await.expect("prepared");
    let explain = format!("explain (format json) execute requested{values}");
    let plan: Value = sqlx::raw_sql(AssertSqlSafe(explain))
        .fetch_one(&mut *connection)
        .await
        .map(|row| sqlx::Row::get(&row, 0))
        .expect("a plan");
    nodes(&plan[0]["Plan"])
}

/// A node of a plan and all below it.
fn nodes(top: &Value) -> Vec<Value> {
    let mut nodes = vec![top.clone()];
    let mut at = 0;
    while at < nodes.len() {
        let below = nodes[at]["Plans"].as_array().cloned().unwrap_or_default();
        nodes.extend(below);
        at += 1;
    }
    nodes
}

/// Tables that a plan reads completely: by a sequential scan, or along an index without a condition, unless that is
/// for a join.
fn read_whole(plan: &[Value], joins: bool) -> Vec<String> {
    let is_whole = |node: &&Value| match node["Node Type"].as_str() {
        Some("Seq Scan") => true,
        Some("Index Scan" | "Index Only Scan" | "Bitmap Index Scan") => {
            !joins && node["Index Cond"].is_null()
        }
        _ => false,
    };
    let name =
        |node: &Value| node["Relation Name"].as_str().or(node["Index Name"].as_str()).map(ToOwned::to_owned);
    plan.iter().filter(is_whole).filter_map(name).collect()
}

/// An object type's filters with one value each: those on its own values, and a few of those through references.
fn alone(schema: &Schema, filter: &str) -> [Vec<String>; 2] {
    let mut filters = [Vec::new(), Vec::new()];
    for part in schema.parts(filter, "inputFields") {
        if ["and", "or", "not"].contains(&part.name) {
            continue;
        }
        let through = schema.is_of_type(part.ty);
        let literals = schema.literals(&part, 1);
        let step = if through { 1 + literals.len() / 4 } else { 1 };
        let some = literals.into_iter().step_by(step).map(|literal| format!("{{{}: {literal}}}", part.name));
        let indexed = some.filter(|filter| UNINDEXED.iter().all(|(operator, _)| !filter.contains(operator)));
        filters[usize::from(through)].extend(indexed);
    }
    filters
}

#[tokio::test]
async fn every_filter_and_every_order_has_its_index() {
    // The SQL comes from the small base, the plans from the large one.
    let client = Client::with(&[("MAX_COST", "10000000"), ("MAX_DEPTH", "50")]).await;
    let mut connection = generated_base().await;
    let schema = Schema::of(&client).await;
    let unindexed = plan(&mut connection, "select count(*) from statements where length(summary) = $1").await;
    assert_eq!(read_whole(&unindexed, true), ["statements"], "what has no index is noticed");
    let log = SqlLog::listen();
    let (mut requested, mut wrong) = (0, Vec::new());
    for (list, _, arguments) in schema.lists() {
        let argument = |name: &str| arguments.iter().find(|argument| argument.name == name);
        let Some(order) = argument("orderBy") else { continue };
        let filters = argument("filter").map_or_else(Default::default, |filter| alone(&schema, filter.ty));
        for (through, filters) in filters.into_iter().enumerate() {
            // For a reference, one side may be read along an index for a join.
            let join = if through == 1 { "on" } else { "off" };
            let joins = format!("set enable_hashjoin = {join}; set enable_mergejoin = {join}");
            sqlx::raw_sql(AssertSqlSafe(joins)).execute(&mut connection).await.expect("set");
            for filter in filters {
                log.take();
                client.query(&format!("{{ {list}(filter: {filter}) {{ totalCount }} }}")).await;
                for sql in log.take() {
                    let plan = plan(&mut connection, &sql).await;
                    requested += 1;
                    let mut whole = read_whole(&plan, through == 1);
                    // The generated base has none of these, so Postgres reads no index.
                    let empty =
                        ["source_texts", "text_passages", "translations", "topic_names", "topic_identifiers"];
                    whole.retain(|table| !empty.contains(&table.as_str()));
                    if !whole.is_empty() {
                        wrong.push(format!("{list} {filter} reads {whole:?}"));
                    }
                }
            }
        }
        for value in schema.values(order.ty) {
            if value == "RELEVANCE" || value.starts_with("GRADE") {
                // One sorts the rows that the text index found, the other by the reliability of sources.
                continue;
            }
            log.take();
            client.query(&format!("{{ {list}(orderBy: {value}) {{ edges {{ cursor }} }} }}")).await;
            for sql in log.take() {
                let plan = plan(&mut connection, &sql).await;
                requested += 1;
                if plan.iter().any(|node| ["Sort", "Seq Scan"].map(Value::from).contains(&node["Node Type"]))
                {
                    wrong.push(format!("{list} by {value} sorts all rows"));
                }
            }
        }
    }
    assert!(requested > 300, "{requested}");
    assert!(wrong.is_empty(), "{} of {requested}:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn a_search_reads_few_records_whether_its_word_is_rare_or_frequent() {
    let client = anonymous().await;
    let mut connection = base_of("20000").await;
    let words = "select word from ts_stat('select search from statements') order by ndoc";
    let words: Vec<String> = sqlx::query_scalar(words).fetch_all(&mut connection).await.expect("words");
    let [rare, frequent] = [words.first(), words.last()].map(|word| word.expect("a word"));
    let log = SqlLog::listen();
    for order in ["DATE_ASC", "DATE_DESC", "ENTERED_ASC", "ENTERED_DESC"] {
        let filter = "filter: {search: \"word\"}, first: 20";
        client.query(&format!("{{ statements({filter}, orderBy: {order}) {{ edges {{ cursor }} }} }}")).await;
        let requested = log.take();
        let [sql] = requested.as_slice() else { panic!("one statement: {requested:#?}") };
        for word in [rare, frequent] {
            let read =
                rows_read(&mut connection, sql, &format!("array['{word}', ''], 21"), "statements").await;
            assert!(read > 0.0 && read < 4000.0, "`{word}` by {order}: {read} rows");
        }
    }
    let all = "select count(*) from statements t where t.search @@ to_tsquery($1) and t.id > $2";
    let all = rows_read(&mut connection, all, &format!("array['{frequent}', ''], 0"), "statements").await;
    assert!(all > 8000.0, "far more have the frequent word: {all}");
}

#[tokio::test]
async fn statements_are_grouped_by_speaker_and_date_in_an_index_alone() {
    let client = anonymous().await;
    let mut connection = base_of("20000").await;
    let log = SqlLog::listen();
    client.query("{ statements { groups(by: [SPEAKER, SAID_ON_MONTH]) { count } } }").await;
    let requested = log.take();
    let [sql] = requested.as_slice() else { panic!("one statement: {requested:#?}") };
    let plan = plan(&mut connection, sql).await;
    let read = plan.iter().filter(|node| node["Relation Name"] == "statements");
    let ways: Vec<&str> = read.filter_map(|node| node["Node Type"].as_str()).collect();
    assert!(ways.len() > 2 && ways.iter().all(|way| *way == "Index Only Scan"), "{ways:?}");
}
