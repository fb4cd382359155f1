//! How many SQL statements a query takes.

use crate::support::{Client, anonymous, sql_log::SqlLog};

/// Meetings, their participants and statements, the statements' speakers and topics, and what those
/// topics are part of.
fn four_levels(page: u32) -> String {
    format!(
        "{{ meetings(first: {page}) {{ edges {{ node {{
            name
            participants(first: {page}) {{ edges {{ role node {{ name }} }} }}
            statements(first: {page}) {{ edges {{ node {{
                summary
                speaker {{ name }}
                topics(first: {page}) {{ edges {{ node {{ name parent {{ name }} }} }} }}
            }} }} }}
        }} }} }} }}"
    )
}

#[tokio::test]
async fn a_level_costs_one_statement_whatever_the_size_of_its_page() {
    let anonymous = Client::with(&[("MAX_COST", "10000000")]).await;
    let log = SqlLog::listen();
    for page in [2, 20, 100] {
        log.take();
        anonymous.query(&four_levels(page)).await;
        let statements = log.take();
        assert_eq!(
            statements.len(),
            6,
            "meetings, participants, statements, speakers, topics, parents: {statements:#?}"
        );
    }
}

#[tokio::test]
async fn the_text_of_a_statement_holds_no_value() {
    let anonymous = anonymous().await;
    let log = SqlLog::listen();
    let mut texts = std::collections::HashSet::new();
    for (name, first) in [("tokayev", 1), ("trump'; drop table actors; --", 50)] {
        log.take();
        let query = format!(
            "{{ actors(first: {first}, filter: {{name: {{contains: \"{name}\"}}, kind: {{in: [PERSON]}}}}) {{
                totalCount edges {{ node {{ name }} }} }} }}"
        );
        anonymous.query(&query).await;
        let mut statements = log.take();
        statements.sort();
        texts.insert(statements);
    }
    assert_eq!(texts.len(), 1, "{texts:#?}");
}

#[tokio::test]
async fn a_total_is_counted_only_if_selected() {
    let anonymous = anonymous().await;
    let log = SqlLog::listen();
    anonymous.query("{ actors { edges { node { name } } } }").await;
    assert!(log.take().iter().all(|sql| !sql.contains("count(")));
    anonymous.query("{ actors { totalCount } }").await;
    let statements = log.take();
    assert_eq!(statements.len(), 1, "rows that are not selected aren't read: {statements:#?}");
    assert!(statements[0].contains("count("));
}

#[tokio::test]
async fn only_the_selected_columns_are_read() {
    let anonymous = anonymous().await;
    let log = SqlLog::listen();
    anonymous.query("{ statement(by: {slug: \"none\"}) { summary } }").await;
    assert_eq!(log.take(), ["select t.id, t.summary from statements t where t.slug = $1"]);
}

/// How many statements are on behalf of an actor that the filter matches. Few statements are on behalf of anyone.
async fn on_behalf_of(client: &Client, filter: &str) -> serde_json::Value {
    let total =
        client.query(&format!("{{ statements(filter: {{onBehalfOf: {filter}}}) {{ totalCount }} }}")).await;
    total["statements"]["totalCount"].clone()
}

#[tokio::test]
async fn a_reference_to_a_record_by_its_id_is_compared_without_reading_the_record() {
    let anonymous = anonymous().await;
    let log = SqlLog::listen();
    let requested = "{ statements(filter: {onBehalfOf: {kind: {isNull: false}}}) { totalCount edges { node { onBehalfOf { id } } } } }";
    let some = anonymous.query(requested).await["statements"].clone();
    let id = &some["edges"][0]["node"]["onBehalfOf"]["id"];
    let with = some["edges"].as_array().expect("edges").iter();
    let with = with.filter(|edge| edge["node"]["onBehalfOf"]["id"] == *id).count();
    assert!(with > 0);
    log.take();
    assert_eq!(on_behalf_of(&anonymous, &format!("{{id: {{equals: {id}}}}}")).await, with);
    assert_eq!(on_behalf_of(&anonymous, &format!("{{id: {{in: [{id}]}}}}")).await, with);
    let statements = log.take();
    assert!(statements.iter().all(|sql| !sql.contains(" actors ")), "{statements:#?}");
    for anyone in ["{}", "{id: {}}", "{id: {equals: null}}", "{id: null}"] {
        assert_eq!(on_behalf_of(&anonymous, anyone).await, some["totalCount"], "{anyone}");
    }
}
