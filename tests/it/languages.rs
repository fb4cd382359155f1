//! Languages: tags, translations, the pick of a language, and search in several languages.

use serde_json::{Value, json};

use crate::{
    bulk::{Base, lines},
    mutations::{change, errors, statement, wrong},
    support::{
        Client, editor,
        socket::{Events, Socket},
    },
};

async fn write(editor: &Client, mutation: &str, input: Value) {
    let payload = change(editor, mutation, input, "").await;
    assert_eq!(payload["userErrors"], json!([]), "{mutation}");
}

/// An input with other values.
fn with(mut input: Value, others: Value) -> Value {
    let Value::Object(others) = others else { panic!("no object") };
    input.as_object_mut().expect("an object").extend(others);
    input
}

#[tokio::test]
async fn tags_are_checked_and_kept_in_their_canonical_form() {
    let editor = editor().await;
    let actor = json!({
        "slug": "ada", "kind": "PERSON", "name": "Ada",
        "names": [{"name": "Ада", "kind": "TRANSLITERATION", "language": "KK-cyrl"}],
    });
    write(&editor, "createActor", actor).await;
    write(&editor, "createStatement", with(statement("said"), json!({"language": "ZH-hans-cn"}))).await;
    write(&editor, "createSource", json!({"slug": "paper", "title": "Paper", "language": "EN-us"})).await;
    let text = json!({"source": {"slug": "paper"}, "content": "Words.", "language": "en-gb-X-Own"});
    write(&editor, "attachSourceText", text).await;
    let data = editor
        .query(
            "{ actor(by: {slug: \"ada\"}) { names { language } }
               statement(by: {slug: \"said\"}) { language }
               source(by: {slug: \"paper\"}) { language texts { language } }
               found: statements(filter: {language: {equals: \"zh-HANS-cn\"}}) { nodes { slug } }
               sources(filter: {language: {in: [\"de\", \"en-US\"]}}) { nodes { slug } }
               actors(filter: {names: {language: {equals: \"kk-Cyrl\"}}}) { nodes { slug } } }",
        )
        .await;
    assert_eq!(
        data,
        json!({
            "actor": {"names": [{"language": "kk-Cyrl"}]},
            "statement": {"language": "zh-Hans-CN"},
            "source": {"language": "en-US", "texts": [{"language": "en-GB-x-own"}]},
            "found": {"nodes": [{"slug": "said"}]},
            "sources": {"nodes": [{"slug": "paper"}]},
            "actors": {"nodes": [{"slug": "ada"}]},
        })
    );
    let bad = with(statement("bad"), json!({"language": "english"}));
    assert_eq!(
        errors(&change(&editor, "createStatement", bad, "").await),
        wrong([("INVALID", "input.language")])
    );
    let names =
        json!({"actor": {"slug": "ada"}, "names": [{"name": "A", "kind": "ALIAS", "language": "en_US"}]});
    assert_eq!(
        errors(&change(&editor, "updateActor", names, "").await),
        wrong([("INVALID", "input.names.0.language")])
    );
    for (filter, field) in
        [("equals: \"english\"", "filter.language.equals"), ("in: [\"en\", \"?\"]", "filter.language.in[1]")]
    {
        let query = format!("{{ statements(filter: {{language: {{{filter}}}}}) {{ totalCount }} }}");
        let refused = editor.api_error(&query, json!({})).await;
        assert_eq!(refused, ("BAD_USER_INPUT".to_owned(), Some(field.to_owned())), "{filter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_tag_costs_a_dataset_only_the_language() {
    let base = Base::empty("bad-tags").await;
    let article = json!({"id": "n1", "schema": "Article", "properties": {
        "title": ["Water sold"], "language": ["klingonese"], "bodyText": ["The water was sold."],
    }});
    let report = base.import(&base.file("articles.ftm.json", lines(&[article])));
    for told in ["Source.language: left out: It takes a BCP 47 tag", "Source.texts.language: left out"] {
        assert!(report.contains(told), "{told}: {report}");
    }
    let sources = base.export(&[]);
    assert!(sources.contains("Water sold") && !sources.contains("klingonese"), "{sources}");
}

/// A topic named in three languages, with identifiers.
fn cooperation() -> Value {
    json!({
        "slug": "cooperation", "name": "Economic cooperation", "nameLanguage": "en",
        "names": [
            {"name": "Экономическое сотрудничество", "kind": "ALIAS", "language": "ru"},
            {"name": "Экономикалық ынтымақтастық", "kind": "ALIAS", "language": "kk"},
            {"name": "Ekonomik işbirliği", "kind": "ALIAS", "language": "tr"},
            {"name": "EC", "kind": "ABBREVIATION", "language": "de"},
        ],
        "identifiers": [{"scheme": "eurovoc", "value": "c_4e2ba8f3"}, {"scheme": "cap", "value": "18"}],
    })
}

/// A statement in Russian with translations.
fn said() -> Value {
    with(
        statement("said"),
        json!({
            "rendering": "VERBATIM", "quote": "Мы договорились о переговорах.", "language": "ru",
            "summary": "They agreed to negotiate.", "summaryLanguage": "en", "topics": [{"slug": "cooperation"}],
            "translations": [
                {"field": "SUMMARY", "language": "ru", "value": "Стороны договорились.", "translator": "A. Bekova", "kind": "HUMAN"},
                {"field": "QUOTE", "language": "EN", "value": "We agreed on negotiations.", "translator": "A program", "kind": "MACHINE"},
                {"field": "QUOTE", "language": "kk", "value": "Келіссөздер туралы келістік."},
            ],
        }),
    )
}

const TRANSLATIONS: &str = "translations { field language value translator kind }";

#[tokio::test]
async fn a_record_has_its_words_and_their_translations() {
    let editor = editor().await;
    write(&editor, "createTopic", cooperation()).await;
    let created = change(&editor, "createStatement", said(), "").await;
    assert_eq!(created["userErrors"], json!([]));
    let read = format!(
        "{{ statement(by: {{slug: \"said\"}}) {{ language quoteLanguage summaryLanguage {TRANSLATIONS} }} }}"
    );
    let translations = json!([
        {"field": "SUMMARY", "language": "ru", "value": "Стороны договорились.", "translator": "A. Bekova", "kind": "HUMAN"},
        {"field": "QUOTE", "language": "en", "value": "We agreed on negotiations.", "translator": "A program", "kind": "MACHINE"},
        {"field": "QUOTE", "language": "kk", "value": "Келіссөздер туралы келістік.", "translator": null, "kind": null},
    ]);
    let whole = json!({"language": "ru", "quoteLanguage": "ru", "summaryLanguage": "en", "translations": translations});
    assert_eq!(editor.query(&read).await["statement"], whole);

    for (translations, field) in [
        (json!([{"field": "NAME", "language": "kk", "value": "A"}]), "input.translations"),
        (json!([{"field": "QUOTE", "language": "!", "value": "A"}]), "input.translations.0.language"),
        (json!([{"field": "QUOTE", "language": "kk", "value": " "}]), "input.translations.0.value"),
        (
            json!([{"field": "QUOTE", "language": "kk", "value": "A"}, {"field": "QUOTE", "language": "KK", "value": "B"}]),
            "input.translations",
        ),
    ] {
        let input = json!({"statement": {"slug": "said"}, "translations": translations});
        let refused = errors(&change(&editor, "updateStatement", input, "").await);
        assert_eq!(refused.into_iter().map(|(_, field)| field).collect::<Vec<_>>(), [field]);
    }

    // The past has what was there then, and an undone change is undone.
    let input = json!({"statement": {"slug": "said"}, "quoteLanguage": "kk", "translations": []});
    let changed = change(&editor, "updateStatement", input, "").await;
    let now = json!({"language": "ru", "quoteLanguage": "kk", "summaryLanguage": "en", "translations": []});
    assert_eq!(editor.query(&read).await["statement"], now);
    let then = read.replace("}) {", &format!("}}, asOf: {{revision: {}}}) {{", created["revision"]));
    assert_eq!(editor.query(&then).await["statement"], whole);
    let diff = "{ statement(by: {slug: \"said\"}) { revisions(first: 5, orderBy: NUMBER_DESC) { nodes { diff { name before } } } } }";
    let diff = editor.query(diff).await.to_string();
    assert!(diff.contains("translations.value") && diff.contains("We agreed on negotiations."), "{diff}");
    let undone =
        change(&editor, "revertRevision", json!({"revision": changed["revision"]}), "records { id }").await;
    assert_eq!(undone["userErrors"], json!([]));
    assert_eq!(editor.query(&read).await["statement"], whole);
}

#[tokio::test]
async fn topics_have_names_and_identifiers_as_actors_have() {
    let editor = editor().await;
    write(&editor, "createTopic", cooperation()).await;
    let data = editor
        .query(
            "{ topic(by: {identifier: {scheme: \"eurovoc\", value: \"c_4e2ba8f3\"}}) {
                   slug nameLanguage names { name kind language script } identifiers { scheme value } }
               named: topics(filter: {names: {language: {equals: \"kk\"}}}) { nodes { slug } }
               known: topics(filter: {identifiers: {scheme: {equals: \"cap\"}}}) { nodes { slug } }
               any: topics(filter: {anyName: {contains: \"ынтымақ\"}}) { nodes { slug } }
               suggest(prefix: \"эконом\", types: [TOPIC]) { text record { ... on Topic { slug } } } }",
        )
        .await;
    let topic = &data["topic"];
    assert_eq!(topic["slug"], "cooperation");
    assert_eq!(
        topic["names"][0],
        json!({"name": "Экономическое сотрудничество", "kind": "ALIAS", "language": "ru", "script": null})
    );
    assert_eq!(topic["identifiers"][0], json!({"scheme": "cap", "value": "18"}));
    for list in ["named", "known", "any"] {
        assert_eq!(data[list], json!({"nodes": [{"slug": "cooperation"}]}), "{list}");
    }
    assert_eq!(data["suggest"][0]["record"], json!({"slug": "cooperation"}));
    let other =
        json!({"slug": "trade-18", "name": "Trade", "identifiers": [{"scheme": "cap", "value": "18"}]});
    assert_eq!(
        errors(&change(&editor, "createTopic", other, "").await),
        wrong([("TAKEN", "input.identifiers")])
    );
}

#[tokio::test]
async fn a_reader_gets_the_best_language_that_there_is() {
    let editor = editor().await;
    write(&editor, "createTopic", cooperation()).await;
    write(&editor, "createStatement", said()).await;
    let pick = async |languages: &str| {
        let query = format!(
            "{{ topic(by: {{slug: \"cooperation\"}}) {{ localizedName(languages: {languages}) {{ value language isOriginal }} }}
                statement(by: {{slug: \"said\"}}) {{ localizedQuote(languages: {languages}) {{ value language isOriginal translator kind }} }} }}"
        );
        let data = editor.query(&query).await;
        (data["topic"]["localizedName"].clone(), data["statement"]["localizedQuote"].clone())
    };
    let (name, quote) = pick("[\"fr\", \"kk-Cyrl\", \"en\"]").await;
    assert_eq!(name, json!({"value": "Экономикалық ынтымақтастық", "language": "kk", "isOriginal": false}));
    assert_eq!(quote["language"], "kk");
    let (name, quote) = pick("[\"en-GB\"]").await;
    assert_eq!(name, json!({"value": "Economic cooperation", "language": "en", "isOriginal": true}));
    let english = json!({"value": "We agreed on negotiations.", "language": "en", "isOriginal": false, "translator": "A program", "kind": "MACHINE"});
    assert_eq!(quote, english);
    // No language of these: the original. An abbreviation is no name in a language.
    let (name, quote) = pick("[\"de\"]").await;
    assert_eq!(name["language"], "en");
    assert_eq!(
        quote,
        json!({"value": "Мы договорились о переговорах.", "language": "ru", "isOriginal": true, "translator": null, "kind": null})
    );
    let refused = "{ topics { nodes { localizedName(languages: [\"en\", \"??\"]) { value } } } }";
    assert_eq!(
        editor.api_error(refused, json!({})).await,
        ("BAD_USER_INPUT".to_owned(), Some("languages[1]".to_owned()))
    );
    let paraphrased = with(statement("paraphrased"), json!({}));
    write(&editor, "createStatement", paraphrased).await;
    let none = "{ statement(by: {slug: \"paraphrased\"}) { localizedQuote { value } localizedSummary { language } } }";
    assert_eq!(
        editor.query(none).await["statement"],
        json!({"localizedQuote": null, "localizedSummary": {"language": null}})
    );
}

/// The name of the topic in a response to a client that accepts these languages, and the header `Vary`.
async fn name_for(client: &Client, query: &str, languages: Option<&str>) -> (Value, String, String) {
    let url =
        reqwest::Url::parse_with_params(&client.address("/graphql"), [("query", query)]).expect("a URL");
    let request = client.http().get(url).header("accept", "application/json");
    let request = match languages {
        Some(languages) => request.header("accept-language", languages),
        None => request,
    };
    let response = request.send().await.expect("a response");
    let header = |name: &str| {
        response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    let (vary, tag) = (header("vary"), header("etag"));
    let body: Value = response.json().await.expect("JSON");
    (body["data"]["topic"].clone(), vary, tag)
}

#[tokio::test]
async fn the_header_says_the_languages_once_and_the_cache_keeps_them_apart() {
    let editor =
        Client::with(&[("CACHE_BYTES", "1000000")]).await.as_role(dossier::auth::caller::Role::Editor).await;
    write(&editor, "createTopic", cooperation()).await;
    let query = "{ topic(by: {slug: \"cooperation\"}) { localizedName { language } } }";
    let mut tags = Vec::new();
    for _ in 0..3 {
        for (accepted, language) in [
            (None, "en"),
            (Some("ru"), "ru"),
            (Some("en;q=0.1, KK;q=0.9"), "kk"),
            (Some("tr, kk"), "tr"),
            (Some("fr, *"), "en"),
        ] {
            let (topic, vary, tag) = name_for(&editor, query, accepted).await;
            assert_eq!(topic, json!({"localizedName": {"language": language}}), "{accepted:?}");
            assert!(vary.contains("accept-language"), "{vary}");
            tags.push((language, tag));
        }
    }
    for (language, tag) in &tags {
        assert!(tags.iter().all(|(other, tagged)| (other == language) == (tagged == tag)), "{tags:?}");
    }
    // The argument wins. Without a field that depends on the header, nothing varies.
    let given = "{ topic(by: {slug: \"cooperation\"}) { localizedName(languages: [\"kk\"]) { language } } }";
    let (topic, vary, _) = name_for(&editor, given, Some("ru")).await;
    assert_eq!(topic["localizedName"]["language"], "kk");
    assert!(!vary.contains("accept-language"), "{vary}");
    let hits = async || {
        let metrics = editor.get("/metrics").await.text().await.expect("a text");
        let hits =
            metrics.lines().find(|line| line.starts_with("dossier_cache_requests_total{outcome=\"hit\"}"));
        hits.map(ToOwned::to_owned)
    };
    let before = hits().await;
    let (.., vary, _) = name_for(&editor, given, Some("tr")).await;
    assert!(!vary.contains("accept-language"), "{vary}");
    if before.is_some() {
        assert_ne!(hits().await, before, "another header is answered from the cache");
    }
}

#[tokio::test]
async fn subscribers_get_changes_in_their_languages() {
    let editor = editor().await;
    write(&editor, "createTopic", cooperation()).await;
    let query =
        "subscription { changes(types: [TOPIC]) { record { ... on Topic { localizedName { language } } } } }";
    let mut streams = Vec::new();
    for languages in ["ru", "kk", "ru"] {
        let request = editor.http().post(editor.address("/graphql")).header("accept", "text/event-stream");
        let response =
            request.header("accept-language", languages).json(&json!({"query": query})).send().await;
        streams.push((languages, Events::read(response.expect("a stream"))));
    }
    let mut sockets = Vec::new();
    for languages in ["kk", "ru"] {
        let headers = [("accept-language", languages)];
        let socket = Socket::open(editor.socket_address(), Some("graphql-transport-ws"), &headers).await;
        let mut socket = socket.expect("open");
        socket.initialize(&editor).await;
        let name = "{ topic(by: {slug: \"cooperation\"}) { localizedName { language } } }";
        socket.subscribe("query", name, json!({})).await;
        assert_eq!(socket.next_result().await["topic"]["localizedName"]["language"], languages);
        assert_eq!(socket.receive().await, json!({"id": "query", "type": "complete"}));
        sockets.push((languages, socket));
    }
    let last = "{ revisions(first: 1, orderBy: NUMBER_DESC) { nodes { number } } }";
    let last = editor.query(last).await["revisions"]["nodes"][0]["number"].take();
    let input = json!({"topic": {"slug": "cooperation"}, "name": "Economic co-operation"});
    write(&editor, "updateTopic", input).await;
    for (languages, mut events) in streams {
        let (_, change) = events.next_result().await;
        assert_eq!(change["changes"]["record"]["localizedName"]["language"], languages, "{change}");
    }
    for (languages, mut socket) in sockets {
        let query = query.replace("types: [TOPIC]", &format!("types: [TOPIC], since: {last}"));
        socket.subscribe("changes", &query, json!({})).await;
        let change = socket.next_result().await;
        assert_eq!(change["changes"]["record"]["localizedName"]["language"], languages, "{change}");
    }
}

#[tokio::test]
async fn merged_actors_keep_the_translations_of_both() {
    let editor = editor().await;
    let actor = |slug: &str, translations: Value| {
        json!({
            "slug": slug, "kind": "PERSON", "name": slug, "summary": "A poet.", "summaryLanguage": "en",
            "translations": translations,
        })
    };
    let of = |language: &str, value: &str| json!({"field": "SUMMARY", "language": language, "value": value});
    write(&editor, "createActor", actor("ada", json!([of("kk", "Ақын.")]))).await;
    write(&editor, "createActor", actor("a-lovelace", json!([of("kk", "Ақын қыз."), of("ru", "Поэтесса.")])))
        .await;
    let both = json!({"keep": {"slug": "ada"}, "merge": {"slug": "a-lovelace"}});
    write(&editor, "mergeActors", both).await;
    let translations = async |slug: &str| {
        let query = format!("{{ actor(by: {{slug: \"{slug}\"}}) {{ translations {{ language value }} }} }}");
        editor.query(&query).await["actor"]["translations"].take()
    };
    let value = |language: &str, value: &str| json!({"language": language, "value": value});
    assert_eq!(translations("ada").await, json!([value("kk", "Ақын."), value("ru", "Поэтесса.")]));
    write(&editor, "unmergeActors", json!({"merge": {"slug": "a-lovelace"}})).await;
    assert_eq!(translations("ada").await, json!([value("kk", "Ақын.")]));
    assert_eq!(translations("a-lovelace").await, json!([value("kk", "Ақын қыз."), value("ru", "Поэтесса.")]));
}

#[tokio::test]
async fn a_search_finds_words_by_the_dictionary_of_their_language() {
    let editor = editor().await;
    write(&editor, "createTopic", cooperation()).await;
    write(&editor, "createStatement", said()).await;
    write(&editor, "createSource", json!({"slug": "paper", "title": "Gazete", "titleLanguage": "tr"})).await;
    let text =
        json!({"source": {"slug": "paper"}, "content": "Görüşmeler yarın başlıyor.\n", "language": "tr"});
    write(&editor, "attachSourceText", text).await;
    for (words, kind, slug) in [
        // Russian: names, quotes and translations in another case.
        ("сотрудничестве", "TOPIC", "cooperation"),
        ("переговоры", "STATEMENT", "said"),
        ("стороной", "STATEMENT", "said"),
        // Turkish: names, and texts.
        ("işbirliğinin", "TOPIC", "cooperation"),
        ("görüşme", "SOURCE", "paper"),
        // Kazakh has no dictionary: words as they are.
        ("ынтымақтастық", "TOPIC", "cooperation"),
        ("келіссөздер", "STATEMENT", "said"),
        // English, too, in a translation.
        ("negotiation", "STATEMENT", "said"),
        ("\"agreed on negotiations\"", "STATEMENT", "said"),
    ] {
        let query = format!(
            "query($words: String!) {{ search(query: $words, types: [{kind}]) {{ edges {{ node {{ ... on Record {{ slug }} }} highlights {{ field parts {{ text isMatch }} }} }} }} }}"
        );
        let data = editor.query_with(&query, json!({"words": words})).await;
        let edge = &data["search"]["edges"][0];
        assert_eq!(edge["node"]["slug"], slug, "{words}: {data}");
        assert!(edge["highlights"].to_string().contains("\"isMatch\":true"), "{words}: {edge}");
        let list = format!("{}s", kind.to_lowercase());
        let query = format!(
            "query($words: String!) {{ {list}(filter: {{search: $words}}, orderBy: RELEVANCE) {{ totalCount nodes {{ slug }} }} }}"
        );
        let data = editor.query_with(&query, json!({"words": words})).await;
        assert_eq!(data[&list]["nodes"][0]["slug"], slug, "{words}: {data}");
    }
    // The statements on a topic that is named in Russian.
    let on = "{ statements(filter: {topic: {search: \"сотрудничестве\"}}) { nodes { slug } } }";
    assert_eq!(editor.query(on).await, json!({"statements": {"nodes": [{"slug": "said"}]}}));
    // A search finds them too, after all other results, and says why.
    let direct = with(
        statement("direct"),
        json!({"summary": "Сотрудничество растёт.", "summaryLanguage": "ru", "topics": [{"slug": "cooperation"}]}),
    );
    write(&editor, "createStatement", direct).await;
    let found = "{ search(query: \"сотрудничестве\", types: [TOPIC, STATEMENT]) { totalCount edges {
        node { ... on Record { slug } } highlights { field parts { text isMatch } } } } }";
    let found = editor.query(found).await["search"].take();
    let slugs: Vec<&Value> =
        found["edges"].as_array().expect("edges").iter().map(|edge| &edge["node"]["slug"]).collect();
    assert_eq!(slugs.last(), Some(&&json!("said")), "{found}");
    assert_eq!((slugs.len(), &found["totalCount"]), (3, &json!(3)), "{found}");
    let why = &found["edges"][2]["highlights"];
    assert_eq!(
        why,
        &json!([{"field": "topics", "parts": [
            {"text": "Экономическое ", "isMatch": false}, {"text": "сотрудничество", "isMatch": true}]}])
    );
    // A name that is only similar brings them, too: a misspelt one, or one in two languages.
    for (words, field, name) in [
        ("сотрудничиство", "names", "Экономическое сотрудничество"),
        ("Экономическое cooperation", "names", "Экономическое сотрудничество"),
    ] {
        let query = "query($words: String!) { search(query: $words, types: [TOPIC, STATEMENT]) { edges {
            node { ... on Record { slug } } highlights { field parts { text isMatch } } } } }";
        let data = editor.query_with(query, json!({"words": words})).await;
        let edges = data["search"]["edges"].as_array().expect("edges");
        let whole = |field: &str| json!({"field": field, "parts": [{"text": name, "isMatch": true}]});
        let of = |slug: &str| {
            edges.iter().find(|edge| edge["node"]["slug"] == slug).map(|edge| &edge["highlights"])
        };
        for (slug, field) in [("cooperation", field), ("said", "topics")] {
            let shown = of(slug).and_then(Value::as_array).cloned().unwrap_or_default();
            assert!(shown.contains(&whole(field)), "{words}, {slug}: {data}");
        }
    }
    for number in 0..25 {
        let another =
            with(statement(&format!("another-{number}")), json!({"topics": [{"slug": "cooperation"}]}));
        write(&editor, "createStatement", another).await;
    }
    let page = "search(query: \"сотрудничестве\", types: [STATEMENT], first: 10";
    let first = editor.query(&format!("{{ {page}) {{ totalCount nodes {{ ... on Record {{ slug }} }} pageInfo {{ endCursor hasNextPage }} }} }}")).await;
    assert_eq!(first["search"]["totalCount"], 21, "the latest ones, and the one that has the word");
    assert_eq!(first["search"]["nodes"][0]["slug"], "direct");
    let next = format!(
        "{{ {page}, after: {}) {{ nodes {{ ... on Record {{ slug }} }} pageInfo {{ hasPreviousPage hasNextPage }} }} }}",
        first["search"]["pageInfo"]["endCursor"]
    );
    let next = editor.query(&next).await["search"].take();
    assert_eq!(next["pageInfo"], json!({"hasPreviousPage": true, "hasNextPage": true}));
    let slugs = |page: &Value| -> std::collections::BTreeSet<String> {
        page["nodes"].as_array().expect("nodes").iter().map(|node| node["slug"].to_string()).collect()
    };
    assert!(slugs(&first["search"]).is_disjoint(&slugs(&next)));
    // Excluded words are so in every form, and stems of one language are no words of another.
    for (words, count) in [
        ("сотрудничество -экономических", 0),
        ("сотрудничества -собаки", 1),
        ("сотрудничеством or собаки", 1),
    ] {
        let query = "query($words: String!) { topics(filter: {search: $words}) { totalCount } }";
        let data = editor.query_with(query, json!({"words": words})).await;
        assert_eq!(data["topics"]["totalCount"], count, "{words}");
    }
    let english = with(statement("stats"), json!({"summary": "The stats are old.", "summaryLanguage": "en"}));
    write(&editor, "createStatement", english).await;
    let query = "{ statements(filter: {search: \"statsa\"}) { totalCount } }";
    assert_eq!(editor.query(query).await["statements"]["totalCount"], 0);
    let now =
        change(&editor, "updateTopic", json!({"topic": {"slug": "cooperation"}, "name": "Cooperation"}), "")
            .await;
    let past = format!(
        "{{ statements(filter: {{search: \"переговоры\"}}, asOf: {{revision: {}}}) {{ totalCount }} }}",
        now["revision"]
    );
    assert_eq!(editor.query(&past).await["statements"]["totalCount"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn languages_and_translations_round_trip() {
    let base = Base::empty("translations").await;
    let records = [
        json!({"type": "Actor", "slug": "ada", "kind": "PERSON", "name": "Ada", "nameLanguage": "EN", "summary": "A poet.",
               "summaryLanguage": "en", "translations": [{"field": "SUMMARY", "language": "kk", "value": "Ақын."}]}),
        with(cooperation(), json!({"type": "Topic"})),
        json!({"type": "Source", "slug": "paper", "title": "Қағаз", "titleLanguage": "kk",
               "translations": [{"field": "TITLE", "language": "en", "value": "Paper", "translator": "A program", "kind": "EDITED_MACHINE"}]}),
    ];
    base.import(&base.file("records.jsonl", lines(&records)));
    let whole = base.export(&[]);
    for part in
        ["Ақын.", "\"titleLanguage\":\"kk\"", "EDITED_MACHINE", "c_4e2ba8f3", "\"nameLanguage\":\"en\""]
    {
        assert!(whole.contains(part), "{part}: {whole}");
    }
    assert!(base.import(&base.file("again.jsonl", &whole)).contains("nothing was written"));
    let other = Base::empty("translations-again").await;
    other.import(&other.file("whole.jsonl", &whole));
    assert_eq!(other.export(&[]), whole);
    let bad = json!({"type": "Topic", "slug": "bad", "name": "Bad", "names": [{"name": "B", "kind": "ALIAS", "language": "???"}]});
    base.import_with(&base.file("bad.jsonl", lines(&[bad])), &[]);
    assert!(base.report().iter().any(|(_, field, _)| field == "names.0.language"), "{:?}", base.report());
}
