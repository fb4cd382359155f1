//! The schema that clients see.

use dossier::engine::catalog;

use crate::support::anonymous;

#[test]
fn the_committed_schema_is_the_codes() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql");
    assert_eq!(std::fs::read_to_string(file).expect("schema.graphql"), catalog::sdl(catalog::catalog()));
}

#[tokio::test]
async fn the_server_serves_its_schema() {
    let anonymous = anonymous().await;
    let response = anonymous.get("/schema.graphql").await;
    // Browsers download media types that they don't display.
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(response.text().await.expect("text"), catalog::sdl(catalog::catalog()));
}

#[tokio::test]
async fn everything_has_a_description() {
    let anonymous = anonymous().await;
    let data = anonymous
        .query(
            "{ __schema { types { name description
                 fields { name description args { name description } }
                 inputFields { name description }
                 enumValues { name description } } } }",
        )
        .await;
    let mut undescribed = Vec::new();
    for ty in data["__schema"]["types"].as_array().expect("types") {
        let name = ty["name"].as_str().expect("a name");
        // GraphQL's own types are excluded.
        if name.starts_with("__") || ["Boolean", "Float", "ID", "Int", "String"].contains(&name) {
            continue;
        }
        collect_undescribed(ty, name, &mut undescribed);
    }
    assert!(undescribed.is_empty(), "{undescribed:?}");
}

fn collect_undescribed(thing: &serde_json::Value, path: &str, undescribed: &mut Vec<String>) {
    if thing["description"].as_str().is_none_or(|text| text.trim().is_empty()) {
        undescribed.push(path.to_owned());
    }
    for parts in ["fields", "args", "inputFields", "enumValues"] {
        for part in thing[parts].as_array().into_iter().flatten() {
            let path = format!("{path}.{}", part["name"].as_str().unwrap_or_default());
            collect_undescribed(part, &path, undescribed);
        }
    }
}

#[tokio::test]
async fn introspection_mixes_with_data_in_the_selected_order() {
    let anonymous = anonymous().await;
    let response = anonymous
        .http()
        .post(anonymous.address("/graphql"))
        .json(&serde_json::json!({ "query": "query Q($name: String!) {
            first: __typename
            actors(first: 1) { __typename }
            ...About
            topics(first: 0) { totalCount edges { cursor } }
          } fragment About on Query { __type(name: $name) { kind } __type(name: $name) { name } }",
            "variables": { "name": "Actor" } }))
        .send()
        .await
        .expect("a response")
        .text()
        .await
        .expect("text");
    let expected = r#"{"data":{"first":"Query","actors":{"__typename":"ActorConnection"},"__type":{"kind":"OBJECT","name":"Actor"},"topics":"#;
    assert!(response.starts_with(expected), "{response}");
}
