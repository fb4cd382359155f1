//! Permissions: every mutation of the schema is called with every role, new ones too.

use dossier::{
    auth::caller::Role,
    engine::catalog,
    model::object_type::{Field, FieldKind},
};
use serde_json::{Map, Value, json};

use crate::support::{Client, anonymous};

#[tokio::test]
async fn every_mutation_is_refused_without_its_role_and_changes_nothing() {
    let anonymous = anonymous().await;
    let types = Types::of(&anonymous).await;
    let mut callers = vec![(Role::Anonymous, anonymous.clone())];
    for role in [Role::Reader, Role::Editor, Role::Admin] {
        callers.push((role, anonymous.as_role(role).await));
    }
    let mutations = types.fields("Mutation");
    assert!(mutations.len() >= 24, "three for each of eight object types");
    for mutation in mutations {
        let name = mutation["name"].as_str().expect("a name");
        let needed = needed(name);
        assert!(needed >= Role::Editor, "{name}: readers change nothing");
        let before = changes(&anonymous).await;
        let (refused, permitted): (Vec<_>, Vec<_>) = callers.iter().partition(|(role, _)| *role < needed);
        for (role, caller) in refused {
            let code = if *role == Role::Anonymous { "UNAUTHENTICATED" } else { "FORBIDDEN" };
            for (document, variables) in types.calls(mutation) {
                let response = caller.response(&document, variables).await;
                assert_eq!(
                    response["errors"][0]["extensions"]["code"], code,
                    "{role:?} {document}: {response}"
                );
                assert_eq!(response.get("data"), None, "{role:?} {document}: nothing was run");
            }
        }
        assert_eq!(changes(&anonymous).await, before, "{name}");
        // The same calls are accepted if the role is enough: they were refused for nothing else.
        for (role, caller) in permitted {
            let (document, variables) = types.calls(mutation).remove(0);
            let response = caller.response(&document, variables).await;
            let error = &response["errors"][0]["extensions"];
            let code = error["code"].as_str().unwrap_or_default();
            let not_typed = error["field"].as_str().is_some_and(|field| field.starts_with('$'));
            let refused = ["UNAUTHENTICATED", "FORBIDDEN", "GRAPHQL_VALIDATION_FAILED", "INTERNAL"];
            assert!(!refused.contains(&code) && !not_typed, "{role:?} {document}: {response}");
        }
    }
}

#[tokio::test]
async fn a_mutation_that_is_permitted_takes_none_along_that_is_not() {
    let anonymous = anonymous().await;
    let reader = anonymous.as_role(Role::Reader).await;
    let before = changes(&anonymous).await;
    let query = "mutation($topic: CreateTopicInput!, $run: Boolean!) {
        createTopic(input: $topic) @include(if: $run) { userErrors { code } } }";
    let topic = json!({"slug": "new-topic", "name": "A new topic"});
    let api_error = reader.api_error(query, json!({"topic": topic, "run": true})).await;
    assert_eq!(api_error.0, "FORBIDDEN");
    let data = reader.query_with(query, json!({"topic": topic, "run": false})).await;
    assert_eq!(data, json!({}), "a skipped mutation needs no role");
    assert_eq!(changes(&anonymous).await, before);
}

/// The role that a mutation is declared for.
fn needed(mutation: &str) -> Role {
    let root = catalog::catalog().named("Mutation");
    let declared = root.fields.iter().find(|field| field.name == mutation);
    let Some(Field { kind: FieldKind::Computed(computed), .. }) = declared else {
        panic!("{mutation} is not declared as it should be")
    };
    computed.role
}

/// The number of revisions: every change is one.
async fn changes(client: &Client) -> (i64, i64) {
    let sql = "select (select count(*) from revisions), (select count(*) from client_mutations)";
    sqlx::query_as(sql).fetch_one(client.pool()).await.expect("counts")
}

/// The types of the schema, for valid calls with required fields only.
struct Types(Vec<Value>);

const TYPES: &str = "{ __schema { types {
    name kind isOneOf
    fields { name type { ...Type } args { name type { ...Type } } }
    inputFields { name type { ...Type } }
    enumValues { name }
} } }
fragment Type on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

impl Types {
    async fn of(client: &Client) -> Types {
        Types(client.query(TYPES).await["__schema"]["types"].as_array().expect("types").clone())
    }

    fn named(&self, name: &Value) -> &Value {
        self.0.iter().find(|ty| ty["name"] == *name).unwrap_or_else(|| panic!("no type {name}"))
    }

    fn fields(&self, of: &str) -> &Vec<Value> {
        self.named(&json!(of))["fields"].as_array().expect("fields")
    }

    /// The call of a field in every form that a document allows.
    fn calls(&self, field: &Value) -> Vec<(String, Value)> {
        let arguments: Vec<&Value> = needed_of(&field["args"]).collect();
        let each = |form: fn(&str, &str) -> String| {
            let parts = arguments.iter().map(|argument| {
                form(argument["name"].as_str().expect("a name"), &written(&argument["type"]))
            });
            let parts = parts.collect::<Vec<_>>().join(", ");
            if parts.is_empty() { parts } else { format!("({parts})") }
        };
        let declared = each(|name, ty| format!("${name}: {ty}"));
        let given = each(|name, _| format!("{name}: ${name}"));
        let call = format!("{}{given} {{ __typename }}", field["name"].as_str().expect("a name"));
        let values = arguments.iter().map(|argument| {
            (argument["name"].as_str().expect("a name").to_owned(), self.value(&argument["type"]))
        });
        let variables = Value::Object(values.collect());
        let documents = [
            format!("mutation{declared} {{ {call} }}"),
            format!("mutation{declared} {{ ...F }} fragment F on Mutation {{ __typename other: {call} }}"),
        ];
        documents.map(|document| (document, variables.clone())).to_vec()
    }

    /// The smallest value of a type.
    fn value(&self, ty: &Value) -> Value {
        match ty["kind"].as_str().expect("a kind") {
            "NON_NULL" => self.value(&ty["ofType"]),
            "LIST" => json!([self.value(&ty["ofType"])]),
            "ENUM" => self.named(&ty["name"])["enumValues"][0]["name"].clone(),
            "INPUT_OBJECT" => {
                let input = self.named(&ty["name"]);
                let fields = &input["inputFields"];
                let fields: Vec<&Value> = if input["isOneOf"] == true {
                    fields.as_array().into_iter().flatten().take(1).collect()
                } else {
                    needed_of(fields).collect()
                };
                let values = fields.into_iter().map(|field| {
                    (field["name"].as_str().expect("a name").to_owned(), self.value(&field["type"]))
                });
                Value::Object(values.collect::<Map<_, _>>())
            }
            _ => match ty["name"].as_str().expect("a name") {
                "Boolean" => json!(true),
                "Int" | "Float" | "RevisionNumber" => json!(1),
                "Decimal" => json!("1.5"),
                "PartialDate" => json!("2026"),
                "DateTime" => json!("2026-02-19T16:30:00Z"),
                "URL" => json!("https://example.org/"),
                _ => json!("something"),
            },
        }
    }
}

/// Required arguments or input fields.
fn needed_of(parts: &Value) -> impl Iterator<Item = &Value> {
    parts.as_array().into_iter().flatten().filter(|part| part["type"]["kind"] == "NON_NULL")
}

/// A type in GraphQL.
fn written(ty: &Value) -> String {
    match ty["kind"].as_str().expect("a kind") {
        "NON_NULL" => format!("{}!", written(&ty["ofType"])),
        "LIST" => format!("[{}]", written(&ty["ofType"])),
        _ => ty["name"].as_str().expect("a name").to_owned(),
    }
}
