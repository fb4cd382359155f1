//! Persisted queries and trusted documents.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Client, anonymous};

const QUERY: &str = "query Named($slug: String!) { actor(by: {slug: $slug}) { name } }";

fn sha256(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}

async fn post(client: &Client, body: Value) -> Value {
    let response = client.http().post(client.address("/graphql")).json(&body).send().await;
    response.expect("a response").json().await.expect("JSON")
}

fn by_hash(hash: &str) -> Value {
    json!({
        "variables": {"slug": "israel"},
        "extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash}},
    })
}

#[tokio::test]
async fn a_document_sent_once_with_its_hash_can_be_requested_by_it() {
    let anonymous = anonymous().await;
    let hash = sha256(QUERY);
    let unknown = post(&anonymous, by_hash(&hash)).await;
    assert_eq!(unknown["errors"][0]["message"], "PersistedQueryNotFound");
    assert_eq!(unknown["errors"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");

    let mut sent = by_hash(&hash);
    sent["query"] = QUERY.into();
    let expected = json!({"data": {"actor": {"name": "Israel"}}});
    assert_eq!(post(&anonymous, sent).await, expected);
    assert_eq!(post(&anonymous, by_hash(&hash)).await, expected);
    let path = format!(
        "/graphql?variables={{%22slug%22:%22israel%22}}&extensions={{%22persistedQuery%22:{{%22version%22:1,%22sha256Hash%22:%22{hash}%22}}}}"
    );
    assert_eq!(anonymous.get(&path).await.json::<Value>().await.expect("JSON"), expected);
}

#[tokio::test]
async fn a_hash_that_is_not_the_documents_is_refused() {
    let anonymous = anonymous().await;
    let mut sent = by_hash(&sha256("{ __typename }"));
    sent["query"] = QUERY.into();
    let refused = post(&anonymous, sent).await;
    assert_eq!(refused["errors"][0]["extensions"]["field"], "extensions.persistedQuery.sha256Hash");
    for parameter in ["documentId", "doc_id", "id"] {
        let refused = post(&anonymous, json!({"query": QUERY, parameter: "another"})).await;
        assert_eq!(refused["errors"][0]["extensions"]["field"], parameter);
    }
    let still_unknown = post(&anonymous, by_hash(&sha256("{ __typename }"))).await;
    assert_eq!(still_unknown["errors"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");
}

#[tokio::test]
async fn trusted_documents_are_requested_by_id_and_others_can_be_refused() {
    let manifest = || vec![("named-actor".to_owned(), QUERY.to_owned())];
    let expected = json!({"data": {"actor": {"name": "Israel"}}});
    let by_id = json!({"documentId": "named-actor", "variables": {"slug": "israel"}});
    let by_text = |text: &str| json!({"query": text, "variables": {"slug": "israel"}});

    let open = Client::trusting(manifest(), &[]).await;
    assert_eq!(post(&open, by_id.clone()).await, expected);
    assert_eq!(post(&open, by_text("{ __typename }")).await, json!({"data": {"__typename": "Query"}}));

    let closed = Client::trusting(manifest(), &[("TRUSTED_DOCUMENTS_ONLY", "true")]).await;
    assert_eq!(post(&closed, by_id).await, expected);
    assert_eq!(post(&closed, by_text(QUERY)).await, expected, "the text of a trusted document is as good");
    for other in
        [by_text("{ __typename }"), by_hash(&sha256("{ __typename }")), json!({"documentId": "other"})]
    {
        let refused = post(&closed, other).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused}");
    }
}

#[tokio::test]
async fn a_document_may_be_named_by_whatever_parameter_a_client_uses() {
    let manifest = vec![("named-actor".to_owned(), QUERY.to_owned())];
    let client = Client::trusting(manifest, &[]).await;
    let expected = json!({"data": {"actor": {"name": "Israel"}}});
    for parameter in ["documentId", "doc_id", "id"] {
        let body = json!({parameter: "named-actor", "variables": {"slug": "israel"}});
        assert_eq!(post(&client, body).await, expected, "{parameter}");
        let path = format!("/graphql?{parameter}=named-actor&variables={{%22slug%22:%22israel%22}}");
        assert_eq!(client.get(&path).await.json::<Value>().await.expect("JSON"), expected, "{path}");
    }
    let mut by_extension = by_hash("named-actor");
    assert_eq!(post(&client, by_extension.clone()).await, expected);
    by_extension["id"] = "named-actor".into();
    assert_eq!(post(&client, by_extension.clone()).await, expected, "named twice, and alike");

    by_extension["id"] = "another".into();
    let refused = post(&client, by_extension).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    assert_eq!(refused["errors"][0]["extensions"]["field"], "extensions.persistedQuery.sha256Hash");
    let refused = client.get("/graphql?id=named-actor&doc_id=another").await;
    assert_eq!(refused.status(), 400);
    let refused: Value = refused.json().await.expect("JSON");
    assert_eq!(refused["errors"][0]["extensions"]["field"], "id");
}
