//! Every field, order and filter that the schema offers, used once: the database has what the domain
//! modules declare.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::Client;

const INTROSPECTION: &str = "{ __schema { types {
    name kind
    fields { name type { ...Type } args { name type { ...Type } } }
    inputFields { name type { ...Type } }
    enumValues { name }
    possibleTypes { name }
} } }
fragment Type on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

pub struct Schema(BTreeMap<String, Value>);

/// A field, an argument or an input field with the name of its innermost type.
pub struct Part<'a> {
    pub name: &'a str,
    pub ty: &'a str,
    pub is_list: bool,
    pub value: &'a Value,
}

impl Schema {
    pub async fn of(client: &Client) -> Self {
        let data = client.query(INTROSPECTION).await;
        let types = data["__schema"]["types"].as_array().expect("types").clone();
        Schema(types.into_iter().map(|ty| (ty["name"].as_str().expect("a name").to_owned(), ty)).collect())
    }

    pub fn kind(&self, ty: &str) -> &str {
        self.0[ty]["kind"].as_str().expect("a kind")
    }

    pub fn parts<'a>(&'a self, ty: &str, of: &str) -> Vec<Part<'a>> {
        let parts = self.0[ty][of].as_array().expect("parts");
        parts.iter().map(Part::of).collect()
    }

    /// All fields of a type, and of the types that its edges lead to, to a depth.
    pub fn selection(&self, ty: &str, depth: usize) -> String {
        match self.kind(ty) {
            "SCALAR" | "ENUM" => String::new(),
            "UNION" | "INTERFACE" => {
                let possible = self.0[ty]["possibleTypes"].as_array().expect("types");
                let fragments = possible.iter().map(|ty| {
                    let ty = ty["name"].as_str().expect("a name");
                    format!("... on {ty} {{ on{ty}: __typename {} }}", if depth > 0 { "id" } else { "" })
                });
                format!("{{ __typename {} }}", fragments.collect::<Vec<_>>().join(" "))
            }
            _ => {
                let fields = self.parts(ty, "fields").into_iter().filter_map(|field| {
                    let is_edge = self.kind(field.ty) == "OBJECT" && self.has_id(field.ty)
                        || field.ty.ends_with("Connection");
                    let depth = if is_edge { depth.checked_sub(1)? } else { depth };
                    let arguments = self.needed_arguments(&field);
                    Some(format!("{}{arguments} {}", field.name, self.selection(field.ty, depth)))
                });
                format!("{{ {} }}", fields.collect::<Vec<_>>().join(" "))
            }
        }
    }

    /// The arguments that a field within a record needs, and a small page of a connection.
    fn needed_arguments(&self, field: &Part<'_>) -> String {
        if field.ty.ends_with("Connection") {
            return "(first: 2)".to_owned();
        }
        let needed = field.arguments().into_iter().filter(|of| of.value["type"]["kind"] == "NON_NULL");
        let needed = needed.map(|of| format!("{}: {}", of.name, self.literals(&of, 0)[0]));
        let needed = needed.collect::<Vec<_>>().join(", ");
        if needed.is_empty() { needed } else { format!("({needed})") }
    }

    fn has_id(&self, ty: &str) -> bool {
        self.parts(ty, "fields").iter().any(|field| field.name == "id")
    }

    /// The values of an enum.
    pub fn values(&self, ty: &str) -> Vec<&str> {
        let values = self.0[ty]["enumValues"].as_array().expect("values").iter();
        values.map(|value| value["name"].as_str().expect("a name")).collect()
    }

    /// The root lists: each field, its object type, and its arguments.
    pub fn lists(&self) -> Vec<(&str, String, Vec<Part<'_>>)> {
        let lists = self.parts("Query", "fields").into_iter().filter_map(|field| {
            let object_type = field.ty.strip_suffix("Connection")?.to_owned();
            // Computed fields belong to no object type.
            self.0.contains_key(&object_type).then_some(())?;
            Some((field.name, object_type, arguments(field.value)))
        });
        lists.collect()
    }

    /// Values of an input as literals: for an object one per field.
    pub fn literals(&self, input: &Part<'_>, depth: usize) -> Vec<String> {
        let literals = match (self.kind(input.ty), input.ty) {
            ("ENUM", ty) => vec![self.0[ty]["enumValues"][0]["name"].as_str().expect("a value").to_owned()],
            ("INPUT_OBJECT", ty) if ty.ends_with("IdentifierInput") => {
                vec!["{scheme: \"wikidata\", value: \"Q1\"}".to_owned()]
            }
            ("INPUT_OBJECT", "TermFilter") if input.name == "language" => {
                ["{equals: \"en\"}", "{in: [\"en\"]}", "{isNull: true}"].map(ToOwned::to_owned).into()
            }
            ("INPUT_OBJECT", "GradeFilter") => {
                ["{equals: \"B2\"}", "{in: [\"A1\", \"F6\"]}", "{atLeast: \"B2\"}"]
                    .map(ToOwned::to_owned)
                    .into()
            }
            ("INPUT_OBJECT", ty) => self
                .parts(ty, "inputFields")
                .iter()
                .filter(|field| depth > 0 || !self.is_of_type(field.ty))
                .flat_map(|field| {
                    let deeper = depth - usize::from(self.is_of_type(field.ty) && depth > 0);
                    self.literals(field, deeper)
                        .into_iter()
                        .map(|literal| format!("{{{}: {literal}}}", field.name))
                })
                .collect(),
            (_, "Boolean") => vec!["true".into(), "false".into()],
            (_, "Int" | "Float" | "RevisionNumber") => vec!["1".into()],
            (_, "Decimal") => vec!["\"1.5\"".into()],
            (_, "PartialDate") => vec!["\"2026-02\"".into()],
            (_, "DateTime") => vec!["\"2026-02-19T12:00:00+01:00\"".into()],
            // Ids are tested elsewhere, because they are of one object type.
            (_, "ID") => vec![],
            _ => vec!["\"peace % or _ \\\\ 'x'\"".into()],
        };
        if input.is_list {
            // A few: this test is not about the cost of hundreds of conditions.
            let few: Vec<&str> =
                literals.iter().step_by(1 + literals.len() / 4).map(String::as_str).collect();
            vec![format!("[{}]", few.join(", ")), "[]".into()]
        } else {
            literals
        }
    }

    /// Whether an input is the filter of an object type, rather than the operators of a value.
    pub fn is_of_type(&self, input: &str) -> bool {
        self.0[input]["inputFields"]
            .as_array()
            .is_some_and(|fields| fields.iter().any(|field| field["name"] == "not"))
    }
}

impl<'a> Part<'a> {
    fn of(value: &'a Value) -> Self {
        let (mut ty, mut is_list) = (&value["type"], false);
        while ty["ofType"].is_object() {
            is_list |= ty["kind"] == "LIST";
            ty = &ty["ofType"];
        }
        let name = |of: &'a Value| of["name"].as_str().expect("a name");
        Part { name: name(value), ty: name(ty), is_list, value }
    }

    /// The arguments of a field.
    pub fn arguments(&self) -> Vec<Part<'a>> {
        arguments(self.value)
    }
}

fn arguments(field: &Value) -> Vec<Part<'_>> {
    field["args"].as_array().expect("arguments").iter().map(Part::of).collect()
}

pub async fn roomy() -> Client {
    let limits = [
        ("MAX_TOKENS", "100000"),
        ("MAX_ALIASES", "10000"),
        ("MAX_BODY_BYTES", "10000000"),
        ("MAX_DEPTH", "50"),
        ("MAX_COST", "100000000"),
        ("SOURCE_TEXTS", "everyone"),
    ];
    Client::with(&limits).await
}

#[tokio::test]
async fn every_field_of_every_object_type_can_be_read() {
    let anonymous = roomy().await;
    let schema = Schema::of(&anonymous).await;
    let mut rows = 0;
    for (list, object_type, _) in schema.lists() {
        let selection = schema.selection(&object_type, 2);
        let data =
            anonymous.query(&format!("{{ {list}(first: 3) {{ edges {{ node {selection} }} }} }}")).await;
        rows += data[list]["edges"].as_array().expect("edges").len();
    }
    assert!(rows > 20, "there was something to read");
}

#[tokio::test]
async fn every_order_sorts_and_pages() {
    let anonymous = roomy().await;
    let schema = Schema::of(&anonymous).await;
    for (list, _, arguments) in schema.lists() {
        let order = arguments.iter().find(|argument| argument.name == "orderBy").expect("an order");
        for name in schema.values(order.ty) {
            let filter =
                if name == "RELEVANCE" { "filter: {search: \"kazakhstan or israel or peace\"}," } else { "" };
            let query = format!(
                "query($after: Cursor) {{ {list}(first: 2, after: $after, {filter} orderBy: {name}) {{
                    totalCount pageInfo {{ endCursor hasNextPage }} edges {{ cursor node {{ id }} }} }} }}"
            );
            let (mut after, mut seen, mut total) = (Value::Null, Vec::new(), 0);
            for _ in 0..500 {
                let data = anonymous.query_with(&query, json!({ "after": after })).await;
                let page = &data[list];
                total = page["totalCount"].as_u64().expect("a count");
                let edges = page["edges"].as_array().expect("edges");
                seen.extend(edges.iter().map(|edge| edge["node"]["id"].as_str().expect("an id").to_owned()));
                after = page["pageInfo"]["endCursor"].clone();
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
            }
            assert_eq!(seen.len() as u64, total, "{list} by {name}");
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len() as u64, total, "{list} by {name}: each once");
        }
    }
}

#[tokio::test]
async fn every_filter_is_understood_by_the_database() {
    let anonymous = roomy().await;
    let schema = Schema::of(&anonymous).await;
    let mut requested = 0;
    for (list, _, arguments) in schema.lists() {
        let Some(filter) = arguments.iter().find(|argument| argument.name == "filter") else { continue };
        for literals in schema.literals(filter, 2).chunks(100) {
            let queries = literals
                .iter()
                .enumerate()
                .map(|(number, literal)| format!("f{number}: {list}(filter: {literal}) {{ totalCount }}"));
            let queries: Vec<String> = queries.collect();
            anonymous.query(&format!("{{ {} }}", queries.join("\n"))).await;
            requested += queries.len();
        }
    }
    assert!(requested > 1000, "{requested}");
}
