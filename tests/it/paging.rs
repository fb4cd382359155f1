//! Pagination: every record once, in both directions, while others write.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Client, anonymous, sql_log::SqlLog};

#[tokio::test]
async fn the_nodes_of_a_page_are_those_of_its_edges() {
    let anonymous = anonymous().await;
    let response = anonymous
        .query(
            "{ statements(first: 5, orderBy: DATE_DESC) {
                 nodes { slug speaker { name } addressees { nodes { name } } }
                 edges { node { slug } }
               }
               search(query: \"peace\", first: 5) { nodes { ... on Record { slug } } edges { node { ... on Record { slug } } } }
               timeline(first: 5) { nodes { ... on Record { slug } } edges { node { ... on Record { slug } } } }
             }",
        )
        .await;
    for connection in ["statements", "search", "timeline"] {
        let connection = &response[connection];
        let nodes = connection["nodes"].as_array().expect("nodes");
        let nodes: Vec<String> =
            nodes.iter().map(|node| node["slug"].as_str().expect("a slug").to_owned()).collect();
        assert_eq!((nodes.len(), &nodes), (5, &slugs(connection)));
    }
    let log = SqlLog::listen();
    anonymous
        .query("{ statements(first: 5) { nodes { slug speaker { name } } edges { node { slug } } } }")
        .await;
    assert_eq!(log.take().len(), 2, "a page and its speakers are read once");
    let alone = anonymous
        .query("{ statements(first: 5, orderBy: DATE_DESC) { nodes { slug } pageInfo { hasNextPage } } }")
        .await;
    assert_eq!(alone["statements"]["pageInfo"]["hasNextPage"], true);
    assert_eq!(alone["statements"]["nodes"][4]["slug"], response["statements"]["nodes"][4]["slug"]);
}

const PAGE: &str =
    "query Page($first: Int, $after: Cursor, $last: Int, $before: Cursor, $orderBy: TopicOrder) {
    topics(filter: {name: {startsWith: \"page \"}}, orderBy: $orderBy,
           first: $first, after: $after, last: $last, before: $before) {
        totalCount
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        edges { cursor node { slug } }
    }
}";

/// Enters topics `page-1`, `page-2`, … of which every third shares its name with two others.
async fn enter_topics(client: &Client, numbers: std::ops::Range<i32>) {
    let mut change = client.pool().begin().await.expect("a transaction");
    sqlx::query("select set_config('dossier.requester', 'test', true)")
        .execute(&mut *change)
        .await
        .expect("set");
    sqlx::query("insert into topics (slug, name) select 'page-' || n, 'Page ' || n / 3 from generate_series($1, $2) n")
        .bind(numbers.start)
        .bind(numbers.end - 1)
        .execute(&mut *change)
        .await
        .expect("entered");
    change.commit().await.expect("committed");
}

fn slugs(page: &Value) -> Vec<String> {
    let edges = page["edges"].as_array().expect("edges");
    edges.iter().map(|edge| edge["node"]["slug"].as_str().expect("a slug").to_owned()).collect()
}

#[tokio::test]
async fn both_directions_give_the_same_records_in_the_same_order() {
    let anonymous = anonymous().await;
    enter_topics(&anonymous, 0..50).await;
    for order in ["NAME_ASC", "NAME_DESC", "ENTERED_ASC", "ENTERED_DESC"] {
        let mut forward = Vec::new();
        let mut after = Value::Null;
        loop {
            let page =
                anonymous.query_with(PAGE, json!({"first": 7, "after": after, "orderBy": order})).await;
            let page = &page["topics"];
            assert_eq!(page["totalCount"], 50);
            assert_eq!(page["pageInfo"]["hasPreviousPage"], !after.is_null());
            forward.extend(slugs(page));
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(forward.len(), 50, "{order}");

        let mut backward = Vec::new();
        let mut before = Value::Null;
        loop {
            let page =
                anonymous.query_with(PAGE, json!({"last": 7, "before": before, "orderBy": order})).await;
            let page = &page["topics"];
            let mut all = slugs(page);
            all.extend(backward);
            backward = all;
            before = page["pageInfo"]["startCursor"].clone();
            if page["pageInfo"]["hasPreviousPage"] == false {
                break;
            }
        }
        assert_eq!(forward, backward, "{order}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_entered_and_removed_meanwhile_disturb_no_page() {
    let anonymous = anonymous().await;
    enter_topics(&anonymous, 0..10_000).await;
    for (order, backward) in [("NAME_ASC", false), ("NAME_DESC", true), ("ENTERED_ASC", true)] {
        let writer = tokio::spawn(keep_writing(anonymous.pool().clone(), order));
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut seen = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let variables = if backward {
                json!({"last": 100, "before": cursor, "orderBy": order})
            } else {
                json!({"first": 100, "after": cursor, "orderBy": order})
            };
            let page = anonymous.query_with(PAGE, variables).await;
            let page = &page["topics"];
            seen.extend(slugs(page));
            let (more, end) =
                if backward { ("hasPreviousPage", "startCursor") } else { ("hasNextPage", "endCursor") };
            cursor = page["pageInfo"][end].clone();
            if page["pageInfo"][more] == false {
                break;
            }
        }
        assert!(!writer.is_finished(), "the writer ran all the while");
        writer.abort();
        let old = seen.iter().filter(|slug| !slug.contains("passing"));
        let distinct: BTreeSet<&String> = old.clone().collect();
        assert_eq!(old.count(), 10_000, "{order}: none came twice");
        assert_eq!(distinct.len(), 10_000, "{order}: none was missed");
        assert!(seen.len() > 10_000, "{order}: some of the passing ones were seen");
    }
}

/// Creates and deletes topics all over the order by name, until it is stopped.
async fn keep_writing(pool: PgPool, name: &str) {
    for round in 0_i64.. {
        let mut transaction = pool.begin().await.expect("a transaction");
        for sql in [
            "select set_config('dossier.requester', $2, true) where $1 is not null",
            "insert into topics (slug, name) select 'passing-' || lower(replace($2, '_', '-')) || '-' || $1 || '-' || n, 'Page ' || ($1 * 37 + n * 331) % 3334
             from generate_series(1, 20) n",
            "delete from topics where slug like 'passing-' || lower(replace($2, '_', '-')) || '-' || ($1 - 5) || '-%'",
        ] {
            sqlx::query(sql).bind(round).bind(name).execute(&mut *transaction).await.expect("written");
        }
        transaction.commit().await.expect("committed");
    }
}

#[tokio::test]
async fn a_nested_connection_pages_for_each_parent() {
    let anonymous = anonymous().await;
    let query = "query($first: Int, $after: Cursor) {
        actors(filter: {slug: {equals: \"kassym-jomart-tokayev\"}}) { edges { node {
            statements(first: $first, after: $after, orderBy: ENTERED_ASC) {
                totalCount pageInfo { hasNextPage endCursor } edges { node { slug } } } } } } }";
    let mut seen = Vec::new();
    let mut after = Value::Null;
    let total = loop {
        let data = anonymous.query_with(query, json!({"first": 2, "after": after})).await;
        let page = &data["actors"]["edges"][0]["node"]["statements"];
        seen.extend(slugs(page));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break page["totalCount"].as_u64().expect("a count");
        }
    };
    assert!(total > 2);
    assert_eq!(seen.len() as u64, total);
}

#[tokio::test]
async fn what_is_no_page_is_refused_by_name() {
    let anonymous = anonymous().await;
    for (variables, field) in [
        (json!({"first": 1, "last": 1}), "last"),
        (json!({"first": -1}), "first"),
        (json!({"last": 101}), "last"),
        (json!({"after": "not a cursor"}), "after"),
        (json!({"before": ""}), "before"),
    ] {
        let api_error = anonymous.api_error(PAGE, variables.clone()).await;
        assert_eq!(api_error, ("BAD_USER_INPUT".into(), Some(field.into())), "{variables}");
    }
    let by_name = anonymous
        .query_with("{ topics(first: 1, orderBy: NAME_ASC) { pageInfo { endCursor } } }", json!({}))
        .await;
    let cursor = &by_name["topics"]["pageInfo"]["endCursor"];
    let api_error = anonymous.api_error(PAGE, json!({"after": cursor, "orderBy": "ENTERED_ASC"})).await;
    assert_eq!(api_error, ("BAD_USER_INPUT".into(), Some("after".into())), "a cursor belongs to its order");
}

#[tokio::test]
async fn an_empty_page_has_no_cursors() {
    let anonymous = anonymous().await;
    let data = anonymous.query_with(PAGE, json!({"first": 0})).await;
    let info = &data["topics"]["pageInfo"];
    assert_eq!((&info["startCursor"], &info["endCursor"]), (&Value::Null, &Value::Null));
}

/// Whether `pageInfo` reports records before and after a page.
fn sides(page: &Value) -> [bool; 2] {
    ["hasPreviousPage", "hasNextPage"].map(|side| page["pageInfo"][side].as_bool().expect("a side"))
}

#[tokio::test]
async fn page_info_is_right_after_the_record_of_the_cursor_was_deleted() {
    let anonymous = anonymous().await;
    enter_topics(&anonymous, 0..5).await;
    for order in ["NAME_ASC", "ENTERED_ASC", "ENTERED_DESC"] {
        let all = anonymous.query_with(PAGE, json!({"first": 5, "orderBy": order})).await;
        let cursor = |place: usize| all["topics"]["edges"][place]["cursor"].clone();
        let reported = async |first: Option<i32>, after: Value, last: Option<i32>, before: Value| {
            let values =
                json!({"first": first, "after": after, "last": last, "before": before, "orderBy": order});
            let page = anonymous.query_with(PAGE, values).await;
            (slugs(&page["topics"]).len(), sides(&page["topics"]))
        };
        assert_eq!(reported(Some(2), cursor(0), None, Value::Null).await, (2, [true, true]), "{order}");
        assert_eq!(reported(Some(5), cursor(0), None, Value::Null).await, (4, [true, false]), "{order}");
        assert_eq!(reported(None, Value::Null, Some(2), cursor(4)).await, (2, [true, true]), "{order}");
        assert_eq!(reported(Some(5), cursor(0), None, cursor(3)).await, (2, [true, true]), "{order}");
        assert_eq!(reported(None, cursor(0), Some(5), cursor(3)).await, (2, [true, true]), "{order}");
        let mut change = anonymous.pool().begin().await.expect("a transaction");
        let gone = [0, 4]
            .map(|place| all["topics"]["edges"][place]["node"]["slug"].as_str().expect("a slug").to_owned());
        sqlx::query("select set_config('dossier.requester', 'test', true)")
            .execute(&mut *change)
            .await
            .expect("set");
        sqlx::query("delete from topics where slug = any($1)")
            .bind(&gone[..])
            .execute(&mut *change)
            .await
            .expect("gone");
        change.commit().await.expect("committed");
        assert_eq!(reported(Some(5), cursor(0), None, Value::Null).await, (3, [false, false]), "{order}");
        assert_eq!(reported(Some(1), cursor(0), None, Value::Null).await, (1, [false, true]), "{order}");
        assert_eq!(reported(None, Value::Null, Some(5), cursor(4)).await, (3, [false, false]), "{order}");
        assert_eq!(reported(None, Value::Null, Some(1), cursor(4)).await, (1, [true, false]), "{order}");
        assert_eq!(reported(Some(5), cursor(4), None, Value::Null).await, (0, [true, false]), "{order}");
        let mut change = anonymous.pool().begin().await.expect("a transaction");
        sqlx::query("select set_config('dossier.requester', 'test', true)")
            .execute(&mut *change)
            .await
            .expect("set");
        sqlx::query("delete from topics where slug like 'page-%'").execute(&mut *change).await.expect("gone");
        change.commit().await.expect("committed");
        enter_topics(&anonymous, 0..5).await;
    }
}
