//! Wrong values for every argument of the schema: each error names its field, and no value
//! is an internal error.

use std::{collections::HashSet, fmt::Write};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use dossier::auth::caller::Role;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{
    everything::{Part, Schema, roomy},
    support::{Client, socket::Socket},
};

/// Number of concurrent requests.
const AT_ONCE: usize = 4;

fn opaque(text: &str) -> Value {
    BASE64.encode(text).into()
}

/// Values of a scalar at its limits and beyond. `orders` are the orders of cursors.
fn nasty(scalar: &str, orders: &[String]) -> Vec<Value> {
    match scalar {
        "Boolean" => vec![json!(true), json!(false)],
        "Int" | "Float" => vec![
            json!(0),
            json!(-1),
            json!(i32::MAX),
            json!(i32::MIN),
            json!(i64::from(i32::MAX) + 1),
            json!(u64::MAX),
            json!(1.5),
            json!(1e300),
        ],
        "RevisionNumber" => {
            vec![json!(0), json!(-1), json!(1), json!(i64::MAX), json!(u64::MAX), json!(1e300), json!("1")]
        }
        "Decimal" => vec![
            json!(""),
            json!("0"),
            json!("-0.25"),
            json!("1e6"),
            json!("NaN"),
            json!("infinity"),
            json!("9".repeat(20)),
            json!("9".repeat(21)),
            json!("\u{ff11}"),
            json!(1.5),
            json!(u64::MAX),
            json!(1e300),
        ],
        "PartialDate" => [
            "",
            "0000",
            "0001",
            "9999",
            "9999-12",
            "9999-12-31",
            "0001-01-01",
            "10000",
            "2026-02-30",
            "-2026",
            "infinity",
            "\u{ff12}026",
            "2026-13",
            "today",
        ]
        .map(Value::from)
        .into(),
        "DateTime" => [
            "",
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "0001-01-01T00:00:00+23:59",
            "9999-12-31T23:59:59.999999999Z",
            "9999-12-31T23:59:59-23:59",
            "294277-01-01T00:00:00Z",
            "-4714-01-01T00:00:00Z",
            "2016-12-31T23:59:60Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00+24:00",
            "2026-02-30T00:00:00Z",
            "2026-01-01t00:00:00z",
            "infinity",
            "now",
        ]
        .map(Value::from)
        .into(),
        "ID" => vec![
            json!(""),
            json!(-1),
            json!("%%%"),
            opaque("Actor:9223372036854775807"),
            opaque("Actor:-9223372036854775808"),
            opaque("Actor:9223372036854775808"),
            opaque("Topic:1"),
            opaque("Statement:1"),
            opaque("Nothing:1"),
            opaque("Actor:1\0"),
        ],
        "Cursor" => {
            let mut cursors = vec![json!(""), json!("%%%"), opaque("x|1|"), opaque("||"), opaque("\0|1|a")];
            for order in orders {
                for id in ["0", "1", "9223372036854775807", "-9223372036854775808", "9223372036854775808"] {
                    for key in ["", "0", "a|\u{10ffff}", "2147483647", "-2147483648", "4294967295", "\0"] {
                        cursors.push(opaque(&format!("{order}|{id}|{key}")));
                    }
                }
            }
            cursors
        }
        // Texts.
        _ => vec![
            json!(""),
            json!(" "),
            json!("a\0b"),
            json!("-".repeat(33)),
            json!(format!("{} a", "-".repeat(33))),
            json!("-a"),
            json!("\"a - or -\"b\" or"),
            json!("a:b:*&!(|)<->'\\"),
            json!("\u{ff05}\u{ff3f}\u{ff3c}%_\\"),
            json!("\\"),
            json!("\u{10ffff}\u{fffe}\u{200d}\u{202e}"),
            json!("a ".repeat(500)),
            json!("-a ".repeat(333)),
            json!("x".repeat(100_000)),
        ],
    }
}

/// A document with one variable, its type, and the value.
struct Case {
    document: String,
    value: Value,
}

impl Schema {
    /// Values for an input, each wrong in one field. Fields that were tested already get only a few.
    fn nasty_values(
        &self,
        ty: &str,
        orders: &[String],
        depth: usize,
        seen: &mut HashSet<String>,
    ) -> Vec<Value> {
        match self.kind(ty) {
            "ENUM" => vec![json!(self.values(ty)[0]), json!("NOTHING")],
            "INPUT_OBJECT" => {
                let mut values = vec![json!({})];
                for field in self.parts(ty, "inputFields") {
                    let deeper = self.is_of_type(field.ty);
                    if deeper && depth == 0 {
                        continue;
                    }
                    let inner = self.nasty_values(field.ty, orders, depth - usize::from(deeper), seen);
                    let is_new = seen.insert(format!("{ty}.{}", field.name));
                    let few = if is_new { inner.len() } else { 2 };
                    let skipped = seen.len() % 3;
                    for value in inner.into_iter().cycle().skip(skipped).take(few) {
                        let value = if field.is_list { json!([value]) } else { value };
                        values.push(json!({ field.name: value }));
                    }
                    if field.is_list {
                        values.extend([json!({ field.name: [] }), json!({ field.name: [null] })]);
                    }
                }
                values
            }
            _ => nasty(ty, orders),
        }
    }

    /// Cases with wrong values for an argument of a field, within `around`.
    fn cases(
        &self,
        field: &Part<'_>,
        around: impl Fn(&str) -> String,
        seen: &mut HashSet<String>,
    ) -> Vec<Case> {
        let arguments = field.arguments();
        let order = arguments.iter().find(|argument| argument.name == "orderBy");
        let mut orders: Vec<String> = ["SEARCH", "TIMELINE"].map(ToOwned::to_owned).into();
        orders.extend(order.iter().flat_map(|order| self.values(innermost(order))).map(ToOwned::to_owned));
        let mut cases = Vec::new();
        for argument in &arguments {
            let (ty, innermost) = (type_text(argument), innermost(argument));
            let mut others = String::new();
            for other in &arguments {
                if other.name != argument.name && type_text(other).ends_with('!') {
                    let _ = write!(others, ", {}: {}", other.name, good(other));
                }
            }
            for value in self.nasty_values(innermost, &orders, 1, seen) {
                let value = if ty.starts_with('[') { json!([value]) } else { value };
                let order = match value.as_str().and_then(|text| BASE64.decode(text).ok()) {
                    Some(cursor) if innermost == "Cursor" && order.is_some() => {
                        let name =
                            String::from_utf8_lossy(&cursor).split('|').next().unwrap_or_default().to_owned();
                        let known = orders[2..].contains(&name) && name != "RELEVANCE";
                        if known { format!(", orderBy: {name}") } else { String::new() }
                    }
                    _ => String::new(),
                };
                let selection = self.selection_of(field.ty);
                let requested =
                    format!("{}({}: $value{others}{order}) {selection}", field.name, argument.name);
                cases.push(Case { document: format!("($value: {ty}) {{ {} }}", around(&requested)), value });
            }
        }
        cases
    }

    fn selection_of(&self, ty: &str) -> String {
        if ty.ends_with("Connection") {
            let counted = if self.parts(ty, "fields").iter().any(|field| field.name == "totalCount") {
                "totalCount"
            } else {
                ""
            };
            format!(
                "{{ {counted} edges {{ cursor node {{ __typename }} }} pageInfo {{ hasNextPage hasPreviousPage }} }}"
            )
        } else {
            match self.kind(ty) {
                "SCALAR" | "ENUM" => String::new(),
                _ => "{ __typename }".to_owned(),
            }
        }
    }
}

/// The innermost type of an argument.
fn innermost<'a>(argument: &Part<'a>) -> &'a str {
    let mut ty = &argument.value["type"];
    while ty["ofType"].is_object() {
        ty = &ty["ofType"];
    }
    ty["name"].as_str().expect("a name")
}

/// A valid value for a required argument.
fn good(argument: &Part<'_>) -> String {
    match innermost(argument) {
        "ActorBy" => "{slug: \"israel\"}".to_owned(),
        "TopicBy" => "{slug: \"two-state-solution\"}".to_owned(),
        "String" if type_text(argument).starts_with('[') => "[\"Israel\"]".to_owned(),
        "String" => "\"israel\"".to_owned(),
        "RevisionBy" => "{number: 1}".to_owned(),
        "CalendarUnit" => "MONTH".to_owned(),
        "ID" => "[\"x\"]".to_owned(),
        by if by.ends_with("By") => "{slug: \"nothing\"}".to_owned(),
        other => panic!("no good value is known for {other}"),
    }
}

/// The type of an argument in GraphQL.
fn type_text(argument: &Part<'_>) -> String {
    fn text(ty: &Value) -> String {
        match ty["kind"].as_str() {
            Some("NON_NULL") => text(&ty["ofType"]) + "!",
            Some("LIST") => format!("[{}]", text(&ty["ofType"])),
            _ => ty["name"].as_str().unwrap_or_default().to_owned(),
        }
    }
    text(&argument.value["type"])
}

/// Whether an error is one that no request of a client may cause.
fn is_fault(error: &Value) -> bool {
    let extensions = &error["extensions"];
    match extensions["code"].as_str() {
        // An error of the database alone has no field.
        Some("BAD_USER_INPUT") => extensions["field"].is_null(),
        Some("GRAPHQL_VALIDATION_FAILED" | "LIMIT_EXCEEDED" | "FORBIDDEN") => false,
        _ => true,
    }
}

/// Sends all of them, and returns the errors that no request of a client may cause.
async fn faults(client: &Client, operation: &str, cases: Vec<Case>) -> Vec<String> {
    let send_query = |case: Case| async move {
        let document = format!("{operation}{}", case.document);
        let response = client.response(&document, json!({ "value": case.value })).await;
        let errors = response["errors"].as_array().cloned().unwrap_or_default();
        let fault = errors.iter().find(|error| is_fault(error));
        let shown: String = case.value.to_string().chars().take(200).collect();
        fault.map(|fault| format!("{document}\n  {shown}\n  {fault}"))
    };
    stream::iter(cases)
        .map(send_query)
        .buffer_unordered(AT_ONCE)
        .filter_map(async |fault| fault)
        .collect()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_of_an_argument_is_a_fault_of_ours() {
    let anonymous = roomy().await;
    let schema = Schema::of(&anonymous).await;
    let (mut cases, mut seen) = (Vec::new(), HashSet::new());
    for field in schema.parts("Query", "fields") {
        cases.extend(schema.cases(&field, ToOwned::to_owned, &mut seen));
    }
    for (list, object_type, _) in schema.lists() {
        for field in schema.parts(&object_type, "fields") {
            let around =
                |requested: &str| format!("{list}(first: 2) {{ edges {{ node {{ {requested} }} }} }}");
            cases.extend(schema.cases(&field, around, &mut seen));
        }
        let facets = format!("{object_type}Facets");
        for field in schema.parts(&facets, "fields") {
            let around = |requested: &str| format!("{list}(first: 2) {{ facets {{ {requested} }} }}");
            cases.extend(schema.cases(&field, around, &mut seen));
        }
    }
    assert!(cases.len() > 2000, "{}", cases.len());
    let faults = faults(&anonymous, "query", cases).await;
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_of_a_mutation_is_a_fault_of_ours() {
    let editor = roomy().await.as_role(Role::Editor).await;
    let schema = Schema::of(&editor).await;
    let (mut cases, mut seen) = (Vec::new(), HashSet::new());
    for field in schema.parts("Mutation", "fields") {
        let input = innermost(&field.arguments()[0]);
        let known = schema.complete(input);
        for value in schema.nasty_values(input, &[], 1, &mut seen) {
            // Required fields are valid, so that the request reaches the database.
            let mut whole = known.clone();
            for (name, value) in value.as_object().expect("an object") {
                whole[name] = value.clone();
            }
            cases.push(Case {
                document: format!(
                    "($value: {input}!) {{ {}(input: $value) {{ revision userErrors {{ code field message }} }} }}",
                    field.name
                ),
                value: whole,
            });
        }
    }
    assert!(cases.len() > 500, "{}", cases.len());
    let faults = faults(&editor, "mutation", cases).await;
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Subscribes to all of them, and returns the errors that no request of a client may cause.
async fn faults_of_subscriptions(client: &Client, cases: &[Case]) -> Vec<String> {
    let mut faults = Vec::new();
    for some in cases.chunks(50) {
        let mut socket = Socket::of(client).await;
        for (number, case) in some.iter().enumerate() {
            let document = format!("subscription{}", case.document);
            socket.subscribe(&number.to_string(), &document, json!({ "value": case.value })).await;
        }
        // A valid subscription sends nothing after the changes before it.
        while !(socket.silent().await && socket.silent().await && socket.silent().await) {
            let message = socket.receive().await;
            let errors = match message["type"].as_str() {
                Some("error") => message["payload"].as_array().expect("errors").clone(),
                _ => message["payload"]["errors"].as_array().cloned().unwrap_or_default(),
            };
            if errors.iter().any(is_fault) {
                let number: usize = message["id"].as_str().and_then(|id| id.parse().ok()).expect("a number");
                let Case { document, value } = &some[number];
                faults.push(format!("{document}\n  {value}\n  {errors:?}"));
            }
        }
    }
    faults
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_of_a_subscription_is_a_fault_of_ours() {
    let anonymous = roomy().await;
    let schema = Schema::of(&anonymous).await;
    let (mut cases, mut seen) = (Vec::new(), HashSet::new());
    for field in schema.parts("Subscription", "fields") {
        cases.extend(schema.cases(&field, ToOwned::to_owned, &mut seen));
    }
    assert!(cases.len() > 50, "{}", cases.len());
    let faults = faults_of_subscriptions(&anonymous, &cases).await;
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

impl Schema {
    /// The required fields of an input, with existing records.
    fn complete(&self, input: &str) -> Value {
        let mut whole = json!({});
        for field in self.parts(input, "inputFields").iter().filter(|field| type_text(field).ends_with('!')) {
            let value = match field.ty {
                "ActorBy" => json!({"slug": "israel"}),
                "TopicBy" => json!({"slug": "two-state-solution"}),
                "SourceBy" => json!({"slug": "musavat-interview-with-yury-bocharov"}),
                "RevisionNumber" => json!(1),
                "Int" => json!(77),
                "String" if field.name == "slug" => json!("new"),
                "String" => json!("A text."),
                by if by.ends_with("By") => json!({"slug": "nothing"}),
                ty if self.kind(ty) == "ENUM" => json!(self.values(ty)[0]),
                ty => self.complete(ty),
            };
            whole[field.name] = if field.is_list { json!([value]) } else { value };
        }
        whole
    }
}

#[tokio::test]
async fn half_a_surrogate_pair_is_no_text() {
    let anonymous = crate::support::anonymous().await;
    let headers = reqwest::header::HeaderMap::from_iter([(
        reqwest::header::CONTENT_TYPE,
        reqwest::header::HeaderValue::from_static("application/json"),
    )]);
    let body =
        r#"{"query":"query($q: String!) { search(query: $q) { totalCount } }","variables":{"q":"\ud800"}}"#;
    let response: Value = anonymous.post(headers, body).await.json().await.expect("JSON");
    assert_ne!(response["errors"][0]["extensions"]["code"], "INTERNAL", "{response}");
    assert!(response["errors"][0]["message"].is_string(), "{response}");
}

#[tokio::test]
async fn wildcards_that_are_only_folded_to_such_stand_for_themselves() {
    let anonymous = crate::support::anonymous().await;
    for text in ["\u{ff05}", "\u{ff3f}", "\u{ff3c}", "%", "_", "\\", "\u{fe6a}"] {
        for operator in ["contains", "startsWith"] {
            let filter = json!({"name": {operator: text}});
            let query = "query($filter: ActorFilter) { actors(filter: $filter) { totalCount } }";
            let data = anonymous.query_with(query, json!({ "filter": filter })).await;
            assert_eq!(data["actors"]["totalCount"], 0, "{operator} {text}");
        }
        let suggested = anonymous
            .query_with("query($t: String!) { suggest(prefix: $t) { text } }", json!({ "t": text }))
            .await;
        assert_eq!(suggested["suggest"], json!([]), "{text}");
    }
}
