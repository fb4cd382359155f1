//! Manifests of trusted documents, as frontend tools write them.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The two formats in use: Relay's, an object of ids and texts; and Apollo's, a list of operations.
#[derive(Deserialize)]
#[serde(untagged)]
enum Manifest {
    Operations { operations: Vec<Operation> },
    Texts(BTreeMap<String, String>),
}

#[derive(Deserialize)]
struct Operation {
    id: String,
    body: String,
}

/// The documents of a manifest, with their ids.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let json: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("invalid JSON: {error}"))?;
    let neither =
        |_| "it must be an object of ids with their documents, or an object with a list `operations`";
    match serde_json::from_value(json).map_err(neither)? {
        Manifest::Operations { operations } => {
            Ok(operations.into_iter().map(|operation| (operation.id, operation.body)).collect())
        }
        Manifest::Texts(texts) => Ok(texts.into_iter().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let expected = vec![("a".to_owned(), "{ __typename }".to_owned())];
        let apollo = r#"{"format": "apollo-persisted-query-manifest", "version": 1,
                         "operations": [{"id": "a", "name": "A", "type": "query", "body": "{ __typename }"}]}"#;
        assert_eq!(parse(apollo), Ok(expected.clone()));
        assert_eq!(parse(r#"{"a": "{ __typename }"}"#), Ok(expected));
    }

    #[test]
    fn an_invalid_manifest_is_reported_with_the_expected_form() {
        for text in ["[1]", r#"{"a": 5}"#, r#"{"operations": [{"id": "a"}]}"#] {
            let reason = parse(text).unwrap_err();
            assert!(reason.starts_with("it must be an object of ids"), "{text}: {reason}");
        }
        assert!(parse("{").unwrap_err().starts_with("invalid JSON: "));
    }
}
