//! Groups: counts of records by up to three dimensions, equal to counting them one by one.

use std::{collections::BTreeMap, sync::Arc};

use fastrand::Rng;
use serde_json::{Value, json};

use crate::support::{
    Client, anonymous,
    database::database,
    process::{dossier, output},
};

/// A dimension of statements as a client would compute it: the selection of a group's key, and the keys of a statement,
/// each with whether it certainly belongs there.
struct Dimension {
    name: &'static str,
    selected: &'static str,
    keys: fn(&Value, &Parents) -> Vec<(Value, bool)>,
}

/// The parent of each topic.
type Parents = BTreeMap<String, Option<String>>;

const DIMENSIONS: &[Dimension] = &[
    Dimension {
        name: "SPEAKER",
        selected: "speaker { id }",
        keys: |it, _| vec![(it["speaker"].clone(), true)],
    },
    Dimension { name: "MEDIUM", selected: "medium", keys: |it, _| vec![(it["medium"].clone(), true)] },
    Dimension { name: "TOPIC", selected: "topic { id }", keys: |it, _| linked(topics(it)) },
    Dimension { name: "TOPIC_WITHIN", selected: "topicWithin { id }", keys: above },
    Dimension { name: "SAID_ON_YEAR", selected: "saidOnYear", keys: |it, _| periods(it, 4, year) },
    Dimension { name: "SAID_ON_QUARTER", selected: "saidOnQuarter", keys: |it, _| periods(it, 7, quarter) },
    Dimension { name: "SAID_ON_MONTH", selected: "saidOnMonth", keys: |it, _| periods(it, 7, month) },
    Dimension { name: "SAID_ON_DAY", selected: "saidOnDay", keys: |it, _| periods(it, 10, day) },
];

fn topics(statement: &Value) -> Vec<String> {
    let topics = statement["topics"]["nodes"].as_array().expect("topics");
    topics.iter().map(|topic| topic["id"].as_str().expect("an id").to_owned()).collect()
}

fn linked(ids: impl IntoIterator<Item = String>) -> Vec<(Value, bool)> {
    let keys: Vec<_> = ids.into_iter().map(|id| (json!({ "id": id }), true)).collect();
    if keys.is_empty() { vec![(Value::Null, true)] } else { keys }
}

fn above(statement: &Value, parents: &Parents) -> Vec<(Value, bool)> {
    let mut all = Vec::new();
    for topic in topics(statement) {
        let mut next = Some(topic);
        while let Some(topic) = next.filter(|topic| !all.contains(topic)) {
            let parent = parents[&topic].clone();
            all.push(topic);
            next = parent;
        }
    }
    linked(all)
}

/// The units that a statement's date falls in, or may fall in if it has fewer than `exact` letters.
fn periods(statement: &Value, exact: usize, unit: fn(&str) -> String) -> Vec<(Value, bool)> {
    let Some(date) = statement["saidOn"].as_str() else { return vec![(Value::Null, true)] };
    let mut units: Vec<String> = days(date).iter().map(|day| unit(day)).collect();
    units.dedup();
    units.into_iter().map(|unit| (json!(unit), date.len() >= exact)).collect()
}

fn year(day: &str) -> String {
    day[..4].to_owned()
}

fn quarter(day: &str) -> String {
    format!("{}-Q{}", &day[..4], day[5..7].parse::<u8>().expect("a month").div_ceil(3))
}

fn month(day: &str) -> String {
    day[..7].to_owned()
}

fn day(day: &str) -> String {
    day.to_owned()
}

/// All days of a partial date.
fn days(date: &str) -> Vec<String> {
    let year: u32 = date[..4].parse().expect("a year");
    let is_leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let lengths = [31, if is_leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let of_month = |(month, length): (usize, u32)| {
        (1..=length).map(move |day| format!("{year:04}-{:02}-{day:02}", month + 1))
    };
    let all = lengths.into_iter().enumerate().flat_map(of_month);
    all.filter(|day| day.starts_with(date)).collect()
}

/// A base with generated statements.
async fn generated() -> Client {
    let database = Arc::new(database().await);
    let generate = ["generate", "--statements", "400", "--seed", "3"];
    let generated = output(dossier(&[("DATABASE_URL", database.url())]).args(generate));
    assert!(generated.status.success(), "{}", String::from_utf8_lossy(&generated.stderr));
    Client::of(&database).await.at_another_server(&[("MAX_COST", "1000000")]).await
}

/// The slug of the actor who said most.
async fn busiest(client: &Client) -> String {
    let query = "{ statements { groups(by: [SPEAKER], first: 2) { speaker { slug } } } }";
    let groups = client.query(query).await["statements"]["groups"].clone();
    let named = groups.as_array().expect("groups").iter().find_map(|group| group["speaker"]["slug"].as_str());
    named.expect("a speaker").to_owned()
}

/// All records of a connection.
async fn all(client: &Client, field: &str, filter: &str, selected: &str) -> Vec<Value> {
    let (mut records, mut after) = (Vec::new(), Value::Null);
    loop {
        let query = format!(
            "query($after: Cursor) {{ {field}(first: 100, after: $after{filter}) {{
                nodes {{ {selected} }} pageInfo {{ hasNextPage endCursor }}
            }} }}"
        );
        let page = &client.query_with(&query, json!({ "after": after })).await[field];
        records.extend(page["nodes"].as_array().expect("nodes").clone());
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            return records;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_what_counting_the_records_gives() {
    let client = generated().await;
    let mut parents = Parents::new();
    for topic in all(&client, "topics", "", "id parent { id }").await {
        let id = |topic: &Value| topic["id"].as_str().map(str::to_owned);
        parents.insert(id(&topic).expect("an id"), id(&topic["parent"]));
    }
    let filters =
        ["", ", filter: { said: { from: \"2001\", until: \"2012-06\" } }", ", filter: { speaker: {} }"];
    let mut rng = Rng::with_seed(1);
    let mut compared = 0;
    for filter in filters {
        let selected = "speaker { id } medium saidOn topics(first: 100) { nodes { id } }";
        let statements = all(&client, "statements", filter, selected).await;
        assert!(statements.len() > 20, "{} statements match {filter}", statements.len());
        for _ in 0..20 {
            let many = rng.usize(1..=3);
            let by = rng.choose_multiple(DIMENSIONS.iter(), many);
            // Refused: one date is not grouped in two ways.
            if by.iter().filter(|dimension| dimension.name.starts_with("SAID")).count() > 1 {
                continue;
            }
            let mut counted: BTreeMap<String, (i64, i64)> = BTreeMap::new();
            for statement in &statements {
                let mut keys = vec![(Vec::new(), true)];
                for dimension in &by {
                    let of_dimension = (dimension.keys)(statement, &parents);
                    let extended = keys.iter().flat_map(|(known, certain): &(Vec<Value>, bool)| {
                        of_dimension.iter().map(move |(key, is_certain)| {
                            ([known.as_slice(), std::slice::from_ref(key)].concat(), *certain && *is_certain)
                        })
                    });
                    keys = extended.collect();
                }
                for (key, certain) in keys {
                    let counts = counted.entry(json!(key).to_string()).or_default();
                    if certain { counts.0 += 1 } else { counts.1 += 1 }
                }
            }
            let names: Vec<&str> = by.iter().map(|dimension| dimension.name).collect();
            let selected: Vec<&str> = by.iter().map(|dimension| dimension.selected).collect();
            let query = format!(
                "{{ statements(first: 0{filter}) {{
                    groups(by: [{}], first: 1000) {{ {} count certain possible }}
                }} }}",
                names.join(", "),
                selected.join(" ")
            );
            let groups = client.query(&query).await["statements"]["groups"].clone();
            let groups = groups.as_array().expect("groups");
            assert_eq!(groups.len(), counted.len().min(1000), "{query}");
            let counts: Vec<i64> = groups.iter().filter_map(|group| group["count"].as_i64()).collect();
            assert!(counts.is_sorted_by(|one, next| one >= next), "{query}");
            for group in groups {
                let field = |selected: &&str| group[selected.split(' ').next().expect("a name")].clone();
                let key = json!(selected.iter().map(field).collect::<Vec<_>>()).to_string();
                let (certain, possible) = counted[&key];
                let expected = json!([certain + possible, certain, possible]);
                assert_eq!(
                    json!([group["count"], group["certain"], group["possible"]]),
                    expected,
                    "{key} {query}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 5000, "{compared} groups were compared");
}

#[tokio::test]
async fn a_group_has_as_many_records_as_the_filter_by_its_key_finds() {
    let client = generated().await;
    let query = "{ statements { groups(by: [SAID_ON_MONTH], first: 30) { saidOnMonth count } } }";
    let groups = client.query(query).await["statements"]["groups"].clone();
    for group in groups.as_array().expect("groups").iter().filter(|group| !group["saidOnMonth"].is_null()) {
        let query = "query($month: PartialDate) {
            statements(filter: { said: { from: $month, until: $month } }) { totalCount }
        }";
        let found = client.query_with(query, json!({ "month": group["saidOnMonth"] })).await;
        assert_eq!(found["statements"]["totalCount"], group["count"], "{group}");
    }
}

#[tokio::test]
async fn groups_refuse_what_they_cannot_give_by_the_name_of_the_argument() {
    let client = anonymous().await;
    for (arguments, field) in [
        ("by: []", "by"),
        ("by: [SPEAKER, SPEAKER]", "by"),
        ("by: [SAID_ON_YEAR, SPEAKER, SAID_ON_MONTH]", "by"),
        ("by: [SPEAKER, MEETING, MEDIUM, TOPIC]", "by"),
        ("by: [SPEAKER], first: 1001", "first"),
        ("by: [SPEAKER], first: -1", "first"),
    ] {
        let query = format!("{{ statements {{ groups({arguments}) {{ count }} }} }}");
        let (code, named) = client.api_error(&query, json!({})).await;
        assert_eq!((code.as_str(), named.as_deref()), ("BAD_USER_INPUT", Some(field)), "{arguments}");
    }
}

#[tokio::test]
async fn every_dimension_of_every_connection_can_be_asked_for() {
    let client = anonymous().await;
    let query = "{ __schema { types { name kind enumValues { name } } } }";
    let types = client.query(query).await["__schema"]["types"].clone();
    let lists = "{ __type(name: \"Query\") { fields { name type { ofType { name } } } } }";
    let lists = client.query(lists).await["__type"]["fields"].clone();
    let mut asked = 0;
    for list in lists.as_array().expect("fields") {
        let Some(name) =
            list["type"]["ofType"]["name"].as_str().and_then(|name| name.strip_suffix("Connection"))
        else {
            continue;
        };
        let grouping = json!(format!("{name}Grouping"));
        let Some(of) = types.as_array().expect("types").iter().find(|of| of["name"] == grouping) else {
            continue;
        };
        let field = list["name"].as_str().expect("a name");
        for value in of["enumValues"].as_array().expect("values") {
            let by = value["name"].as_str().expect("a name");
            let query = format!(
                "{{ {field} {{ totalCount groups(by: [{by}], first: 1000) {{ count certain possible }} }} }}"
            );
            let found = &client.query(&query).await[field];
            let groups = found["groups"].as_array().expect("groups");
            let counted: i64 = groups.iter().filter_map(|group| group["certain"].as_i64()).sum();
            assert!(
                groups.len() == 1000 || counted <= 20 * found["totalCount"].as_i64().expect("a number"),
                "{query}"
            );
            assert_eq!(groups.is_empty(), found["totalCount"] == 0, "{query}");
            asked += 1;
        }
    }
    assert!(asked > 60, "{asked} dimensions");
}

#[tokio::test]
async fn a_density_counts_the_entries_of_the_timeline() {
    let client = generated().await;
    let of_actor = format!(", actor: {{ slug: \"{}\" }}", busiest(&client).await);
    let of_types = format!("{of_actor}, types: [EVENT, MEETING]");
    for arguments in
        ["", &of_actor, &of_types, ", from: \"2003\", until: \"2009-05\"", ", types: [STATEMENT]"]
    {
        let mut counted: BTreeMap<(String, String), (i64, i64)> = BTreeMap::new();
        let mut after = Value::Null;
        loop {
            let query = format!(
                "query($after: Cursor) {{ timeline(first: 100, after: $after{arguments}) {{
                    edges {{ date node {{ __typename }} }} pageInfo {{ hasNextPage endCursor }}
                }} }}"
            );
            let page = &client.query_with(&query, json!({ "after": after })).await["timeline"];
            for edge in page["edges"].as_array().expect("edges") {
                let ty = edge["node"]["__typename"].as_str().expect("a type").to_uppercase();
                for (period, certain) in periods(&json!({ "saidOn": edge["date"] }), 7, month) {
                    let counts = counted.entry((period.to_string(), ty.clone())).or_default();
                    if certain { counts.0 += 1 } else { counts.1 += 1 }
                }
            }
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        let query = format!("{{ timelineDensity(by: MONTH{arguments}) {{ period type certain possible }} }}");
        let density = client.query(&query).await["timelineDensity"].clone();
        let density = density.as_array().expect("values");
        assert_eq!(density.len(), counted.len(), "{arguments}");
        for value in density {
            let key = (value["period"].to_string(), value["type"].as_str().expect("a type").to_owned());
            assert_eq!(
                json!([value["certain"], value["possible"]]),
                json!(counted[&key]),
                "{key:?} {arguments}"
            );
        }
    }
}

#[tokio::test]
async fn a_network_read_page_by_page_is_the_network_read_at_once() {
    let client = generated().await;
    let actor = busiest(&client).await;
    let network = async |after: usize, limit: usize| {
        let query = format!(
            "{{ network(actor: {{ slug: \"{actor}\" }}, depth: 2, after: {after}, limit: {limit}) {{
                nodes {{ position distance actor {{ id }} }}
                edges {{ source {{ id }} target {{ id }} kind relationKind weight }}
                hasMore
            }} }}"
        );
        client.query(&query).await["network"].clone()
    };
    let whole = network(0, 30).await;
    let (mut nodes, mut edges) = (Vec::new(), Vec::new());
    for after in [0, 10, 20] {
        let page = network(after, 10).await;
        assert_eq!(page["hasMore"], after < 20 || whole["hasMore"] == true);
        nodes.extend(page["nodes"].as_array().expect("nodes").clone());
        edges.extend(page["edges"].as_array().expect("edges").clone());
    }
    assert_eq!(json!(nodes), whole["nodes"]);
    let mut all_edges: Vec<String> =
        whole["edges"].as_array().expect("edges").iter().map(Value::to_string).collect();
    let mut edges: Vec<String> = edges.iter().map(Value::to_string).collect();
    all_edges.sort();
    edges.sort();
    assert!(edges.len() > 20, "{} edges", edges.len());
    assert_eq!(edges, all_edges);

    // The strongest ties of each actor, as a client would choose them among all.
    let strongest = format!(
        "{{ network(actor: {{ slug: \"{actor}\" }}, depth: 2, limit: 30, strongest: 2) {{
            edges {{ source {{ id }} target {{ id }} kind relationKind weight }}
        }} }}"
    );
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut expected = whole["edges"].as_array().expect("edges").clone();
    expected.retain(|edge| {
        let ranks = ["source", "target"].map(|end| {
            let rank = seen.entry(edge[end]["id"].to_string()).or_default();
            *rank += 1;
            *rank
        });
        ranks.iter().any(|rank| *rank <= 2)
    });
    assert!(expected.len() < edges.len());
    assert_eq!(client.query(&strongest).await["network"]["edges"], json!(expected));

    let total = format!("{{ network(actor: {{ slug: \"{actor}\" }}, depth: 2, limit: 1) {{ totalCount }} }}");
    let all = format!(
        "{{ network(actor: {{ slug: \"{actor}\" }}, depth: 2, limit: 2000) {{ nodes {{ position }} hasMore }} }}"
    );
    let all = client.query(&all).await["network"].clone();
    assert_eq!(all["hasMore"], false);
    assert_eq!(
        json!(all["nodes"].as_array().map(Vec::len)),
        client.query(&total).await["network"]["totalCount"]
    );

    let query = "{ network(actor: { slug: \"israel\" }, after: 1990, limit: 50) { hasMore } }";
    let (code, field) = client.api_error(query, json!({})).await;
    assert_eq!((code.as_str(), field.as_deref()), ("BAD_USER_INPUT", Some("limit")));
}
