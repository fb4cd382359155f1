//! Texts of sources: versions, who reads them, history, import and export.

use serde_json::{Value, json};

use crate::{
    bulk::{Base, lines, with},
    mutations::{change, errors, wrong},
    support::{
        Client, anonymous, editor,
        process::{Folder, dossier, output},
    },
};

const TALK: &str = "The delegations met in the morning.\nA second round follows in May.\n";

async fn source(editor: &Client, slug: &str) {
    let input = json!({"slug": slug, "title": "A talk on the lake"});
    let payload = change(editor, "createSource", input, "source { slug }").await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
}

async fn attach(editor: &Client, slug: &str, content: &str) -> Value {
    let input = json!({"source": {"slug": slug}, "content": content, "language": "en"});
    let selection = "source { texts { version sha256 mediaType language takenFrom takenOn characters } }";
    change(editor, "attachSourceText", input, selection).await
}

/// The whole text of a version; null if there is none.
async fn text(client: &Client, arguments: &str, version: &str) -> Value {
    let query = format!("{{ source({arguments}) {{ text{version} {{ version content }} }} }}");
    client.query(&query).await["source"]["text"].take()
}

#[tokio::test]
async fn a_text_is_attached_in_versions_that_stay_as_they_are() {
    let editor = editor().await;
    source(&editor, "talk").await;
    assert_eq!(text(&editor, "by: {slug: \"talk\"}", "").await, Value::Null);
    let first = attach(&editor, "talk", TALK).await;
    let version = &first["source"]["texts"][0];
    assert_eq!(version["version"], 1);
    assert_eq!(version["characters"], TALK.len());
    assert_eq!([&version["mediaType"], &version["language"]], ["text/plain", "en"]);
    let again = attach(&editor, "talk", &TALK.replace('\n', "\r\n")).await;
    assert_eq!(again["revision"], first["revision"], "the same text changes nothing");
    let second = attach(&editor, "talk", "Another text.").await;
    assert_eq!(second["source"]["texts"][1]["version"], 2);
    let by = "by: {slug: \"talk\"}";
    assert_eq!(text(&editor, by, "").await, json!({"version": 2, "content": "Another text."}));
    assert_eq!(text(&editor, by, "(version: 1)").await, json!({"version": 1, "content": TALK}));
    assert_eq!(text(&editor, by, "(version: 3)").await, Value::Null);
    let before = format!("by: {{slug: \"talk\"}}, asOf: {{revision: {}}}", first["revision"]);
    assert_eq!(text(&editor, &before, "").await["content"], TALK);
    let revert = json!({"revision": second["revision"]});
    let reverted = change(&editor, "revertRevision", revert, "records { id }").await;
    assert_eq!(reverted["userErrors"], json!([]));
    assert_eq!(text(&editor, by, "").await["content"], TALK);
    let third = attach(&editor, "talk", "A third text.").await;
    let numbers: Vec<_> =
        third["source"]["texts"].as_array().expect("texts").iter().map(|text| &text["version"]).collect();
    assert_eq!(numbers, [1, 3], "no number is given twice");
    for sql in [
        "update text_contents set characters = 1",
        "delete from text_passages",
        "update source_texts set language = 'kk'",
    ] {
        let refused = sqlx::query(sql).execute(editor.pool()).await.expect_err(sql).to_string();
        assert!(refused.contains("A text stays as it is"), "{refused}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_text_is_told_at_its_field() {
    let editor = editor().await;
    source(&editor, "talk").await;
    let input = json!({"source": {"slug": "talk"}, "content": " \n", "mediaType": "text", "language": "!", "takenOn": "2026-02"});
    let payload = change(&editor, "attachSourceText", input, "source { slug }").await;
    let expected =
        wrong([("INVALID", "input.content"), ("INVALID", "input.mediaType"), ("INVALID", "input.language")]);
    assert_eq!(errors(&payload), expected, "{payload}");
    let payload = attach(&editor, "nothing", TALK).await;
    assert_eq!(errors(&payload), wrong([("NOT_FOUND", "input.source")]));
}

#[tokio::test]
async fn whole_texts_are_for_holders_of_keys_unless_the_server_says_otherwise() {
    let anonymous = anonymous().await;
    let editor = anonymous.as_role(dossier::auth::caller::Role::Editor).await;
    source(&editor, "talk").await;
    attach(&editor, "talk", TALK).await;
    let query = "{ source(by: {slug: \"talk\"}) { texts { characters } text { content } } }";
    assert_eq!(anonymous.api_error(query, json!({})).await.0, "UNAUTHENTICATED");
    let versions = anonymous.query("{ source(by: {slug: \"talk\"}) { texts { characters } } }").await;
    assert_eq!(versions["source"]["texts"][0]["characters"], TALK.len());
    let open = anonymous.at_another_server(&[("SOURCE_TEXTS", "everyone")]).await;
    assert_eq!(open.query(query).await["source"]["text"]["content"], TALK);
    let exported = |client: &Client| {
        let get = client.http().get(client.address("/export.jsonl"));
        let get = client.authorization().into_iter().fold(get, |get, key| get.header("authorization", key));
        async move { get.send().await.expect("a response").text().await.expect("text").contains("second round") }
    };
    assert!(!exported(&anonymous).await, "an export gives nobody more than a query");
    assert!(exported(&editor).await && exported(&open).await);
    let left_out = async |client: &Client, format: &str| {
        let get = client.http().get(client.address(&format!("/export.{format}")));
        let get = client.authorization().into_iter().fold(get, |get, key| get.header("authorization", key));
        let response = get.send().await.expect("a response");
        response
            .headers()
            .get("dossier-texts-left-out")
            .map(|count| count.to_str().expect("a number").to_owned())
    };
    assert_eq!(left_out(&anonymous, "jsonl").await.as_deref(), Some("1"));
    assert_eq!(left_out(&editor, "jsonl").await, None);
    assert_eq!(left_out(&editor, "jsonld").await.as_deref(), Some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_and_imports_keep_the_versions() {
    let base = Base::new("texts").await;
    let record = json!({
        "type": "Source", "slug": "talk", "title": "A talk",
        "texts": [
            {"content": TALK, "mediaType": "text/plain", "language": "en"},
            {"content": "# News\n\nChanged.\r\n", "mediaType": "text/markdown", "takenFrom": "https://news.example/", "takenOn": "2026-02"},
        ],
    });
    let wrong = json!({"type": "Source", "slug": "other", "title": "Other", "texts": [{"content": "  ", "mediaType": "text/plain"}]});
    let rejected = base.import_with(&base.file("talk.jsonl", format!("{record}\n{wrong}\n")), &[]);
    assert_eq!(rejected.status.code(), Some(1));
    assert_eq!(base.report(), [(2, "texts.0.content".to_owned(), "The text is empty.".to_owned())]);
    let client = Client::of(&base.database).await;
    let versions = |client: Client| async move {
        let query =
            "{ source(by: {slug: \"talk\"}) { texts { version sha256 mediaType takenFrom takenOn } } }";
        client.query(query).await["source"]["texts"].take()
    };
    let imported = versions(client.clone()).await;
    assert_eq!(imported[1]["takenOn"], "2026-02", "{imported}");
    let again = base.import(&base.file("exported.jsonl", base.export(&[])));
    assert!(again.contains("nothing was written"), "{again}");
    // A version that the file lacks stays; one that it has comes.
    let newer =
        json!({"type": "Source", "slug": "talk", "texts": [{"content": "New.", "mediaType": "text/plain"}]});
    base.import(&base.file("newer.jsonl", newer.to_string()));
    assert_eq!(versions(client.clone()).await[2]["version"], 3);
    let other = Base::empty("texts-empty").await;
    other.import(&base.file("exported.jsonl", base.export(&[])));
    let there = Client::of(&other.database).await;
    assert_eq!(versions(there).await, versions(client).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_keep_their_numbers_after_one_was_taken_back() {
    let base = Base::new("numbers").await;
    let client = Client::of(&base.database).await;
    let editor = client.as_role(dossier::auth::caller::Role::Editor).await;
    source(&editor, "talk").await;
    attach(&editor, "talk", TALK).await;
    let second = attach(&editor, "talk", "A mistake.").await;
    change(&editor, "revertRevision", json!({"revision": second["revision"]}), "").await;
    attach(&editor, "talk", ROUNDS).await;
    cite(&editor, "third", json!({"locator": "L2", "version": 3})).await;
    let exported = base.export(&[]);
    let summary = base.export_summary(&[]);
    assert!(summary.contains(" with 2 texts of sources in "), "{summary}");
    let summary = base.export_summary(&["--format", "jsonld"]);
    assert!(summary.contains("; 2 texts of sources are left out"), "{summary}");
    let other = Base::empty("numbers-empty").await;
    other.import(&other.file("exported.jsonl", &exported));
    assert_eq!(other.export(&[]), exported);
    assert_eq!(passage(&Client::of(&other.database).await, "third", "").await["text"], "Nothing was agreed.");
    // A text without a number is the next one; a number that is taken is refused.
    let text = |content: &str| json!({"content": content});
    let texts = json!([
        with(text("The fifth."), json!({"version": 5})),
        text("The sixth."),
        with(text(TALK), json!({"language": "en"}))
    ]);
    let source = |texts: Value| json!({"type": "Source", "slug": "talk", "texts": texts}).to_string();
    other.import(&other.file("more.jsonl", source(texts)));
    let query = "{ source(by: {slug: \"talk\"}) { texts { version } } }";
    let numbers = Client::of(&other.database).await.query(query).await["source"]["texts"].take();
    assert_eq!(numbers, json!([{"version": 1}, {"version": 3}, {"version": 5}, {"version": 6}]));
    let taken = json!([with(text("Another third."), json!({"version": 3}))]);
    other.import_with(&other.file("taken.jsonl", source(taken)), &[]);
    let reason = "The source has another text as this version.".to_owned();
    assert_eq!(other.report(), [(1, "texts.0.version".to_owned(), reason)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_attached_from_the_command_line() {
    let editor = editor().await;
    source(&editor, "talk").await;
    let folder = Folder::new("attach");
    std::fs::create_dir_all(folder.path()).expect("a folder");
    let run = |name: &str, content: &str, more: &[&str]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("written");
        let mut command = dossier(&[("DATABASE_URL", editor.database_url())]);
        command.args(["source", "attach", "talk"]).arg(path).args(more);
        tokio::task::block_in_place(|| output(&mut command))
    };
    let page = "<html><nav>Menu</nav><main><p>A page of words.</p></main></html>";
    let attached = run("page.html", page, &["--from", "https://news.example/a", "--on", "2026-02-19"]);
    assert_eq!(String::from_utf8_lossy(&attached.stdout), "talk: version 1, 17 characters\n", "{attached:?}");
    let query = "{ source(by: {slug: \"talk\"}) { texts { mediaType takenFrom takenOn } text { content } revisions { nodes { requester } } } }";
    let source = editor.query(query).await["source"].take();
    assert_eq!(
        source["texts"],
        json!([{"mediaType": "text/html", "takenFrom": "https://news.example/a", "takenOn": "2026-02-19"}])
    );
    assert_eq!(source["text"]["content"], "A page of words.\n");
    assert_eq!(source["revisions"]["nodes"][1]["requester"], "attach");
    let refused = run("notes.txt", "Words.", &["--language", "?"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("dossier: --language: "), "{refused:?}");
}

/// A statement with a citation of the source `talk`.
fn cited(slug: &str, citation: Value) -> Value {
    let mut input = crate::mutations::statement(slug);
    let mut own = json!({"source": {"slug": "talk"}, "locator": "L1"});
    let Value::Object(citation) = citation else { panic!("no object") };
    own.as_object_mut().expect("an object").extend(citation);
    input["citations"] = json!([own]);
    input
}

const PASSAGE: &str = "passage { state version text before after start end line page }";

/// The passage of the only citation of a statement.
async fn passage(client: &Client, slug: &str, as_of: &str) -> Value {
    let query = format!(
        "{{ statement(by: {{slug: \"{slug}\"}}{as_of}) {{ citations {{ nodes {{ {PASSAGE} }} }} }} }}"
    );
    client.query(&query).await["statement"]["citations"]["nodes"][0]["passage"].take()
}

async fn cite(editor: &Client, slug: &str, citation: Value) -> Value {
    cite_of(editor, "talk", slug, citation).await
}

async fn cite_of(editor: &Client, source: &str, slug: &str, citation: Value) -> Value {
    let mut input = cited(slug, citation);
    input["citations"][0]["source"]["slug"] = source.into();
    let payload = change(editor, "createStatement", input, "statement { slug }").await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    payload["revision"].clone()
}

const ROUNDS: &str = "The first round of the talks was held behind closed doors in the old town hall by the lake.\n\
    Nothing was agreed.\n\
    The second round was held in the open, and the delegations answered questions for an hour.\n\
    Nothing was agreed.\n\
    The third round is to be held in spring, the hosts said, when the passes are open again.\n";

#[tokio::test]
async fn a_citation_gives_its_passage_in_words_to_every_reader() {
    let anonymous = anonymous().await;
    let editor = anonymous.as_role(dossier::auth::caller::Role::Editor).await;
    source(&editor, "talk").await;
    cite(&editor, "before", json!({"locator": "L2"})).await;
    assert_eq!(passage(&anonymous, "before", "").await, Value::Null, "there is no text yet");
    attach(&editor, "talk", ROUNDS).await;
    let found = passage(&anonymous, "before", "").await;
    assert_eq!(
        found,
        json!({
            "state": "RESOLVED", "version": 1, "text": "Nothing was agreed.", "line": 2, "page": null,
            "before": ROUNDS.lines().next().expect("a line").to_owned() + "\n",
            "after": "\n".to_owned() + ROUNDS.lines().nth(2).expect("a line"), "start": 92, "end": 111,
        })
    );
    cite(&editor, "quoted", json!({"quote": "answered  questions", "locator": "somewhere"})).await;
    let found = passage(&anonymous, "quoted", "").await;
    assert_eq!([&found["state"], &found["text"]], ["ANCHORED", "answered questions"]);
    cite(&editor, "nowhere", json!({"locator": "p. 7"})).await;
    let found = passage(&anonymous, "nowhere", "").await;
    assert_eq!([&found["state"], &found["text"]], [&json!("UNRESOLVED"), &Value::Null]);
}

#[tokio::test]
async fn a_quote_that_the_text_does_not_have_is_refused_with_the_nearest_words() {
    let editor = editor().await;
    source(&editor, "talk").await;
    attach(&editor, "talk", ROUNDS).await;
    for (citation, field, message) in [
        (
            json!({"quote": "the delegations answered no questions for an hour", "locator": "article"}),
            "quote",
            "The nearest are on line 3: “The second round was held in the open, and the delegations answered questions for an hour.”",
        ),
        (json!({"quote": "Nothing was agreed.", "locator": "article"}), "quote", "has these words 2 times"),
        (
            json!({"quote": "Nothing was agreed."}),
            "quote",
            "The text of the source does not have these words here.",
        ),
        (json!({"quote": "talks", "version": 2}), "version", "The text of the source has no such version."),
        (json!({"prefix": "talks"}), "quote", "Words before need a quote."),
        (json!({"quote": " "}), "quote", "It must not be blank."),
        (json!({"quote": "talks", "suffix": ""}), "suffix", "It must not be blank."),
        (
            json!({"quote": "Nothing was agreed.", "suffix": "The fourth", "locator": "article"}),
            "suffix",
            "On line 2 there are: “The second round was held in the open, and the delegations”.",
        ),
    ] {
        let payload =
            change(&editor, "createStatement", cited("wrong", citation), "statement { slug }").await;
        let error = &payload["userErrors"][0];
        assert_eq!(error["field"], json!(["input", "citations", "0", field]), "{payload}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains(message)), "{payload}");
    }
    for (slug, citation) in [
        ("by-line", json!({"quote": "Nothing was agreed.", "locator": "L4"})),
        (
            "by-words",
            json!({"quote": "Nothing was agreed.", "locator": "article", "suffix": "The third round"}),
        ),
    ] {
        cite(&editor, slug, citation).await;
        assert_eq!(passage(&editor, slug, "").await["line"], 4, "{slug}");
    }
}

#[tokio::test]
async fn a_new_version_moves_anchors_or_tells_that_they_are_orphaned() {
    let editor = editor().await;
    source(&editor, "talk").await;
    attach(&editor, "talk", ROUNDS).await;
    cite(&editor, "kept", json!({"locator": "L5"})).await;
    let revision = cite(&editor, "lost", json!({"quote": "behind closed doors"})).await;
    let corrected = format!("News\n\n{}", ROUNDS.replace("closed doors", "open doors"));
    attach(&editor, "talk", &corrected).await;
    let kept = passage(&editor, "kept", "").await;
    assert_eq!([&kept["state"], &kept["version"], &kept["line"]], [&json!("ANCHORED"), &json!(2), &json!(7)]);
    let lost = passage(&editor, "lost", "").await;
    assert_eq!([&lost["state"], &lost["text"]], [&json!("ORPHANED"), &Value::Null]);
    let then = passage(&editor, "lost", &format!(", asOf: {{revision: {revision}}}")).await;
    assert_eq!([&then["state"], &then["text"]], ["ANCHORED", "behind closed doors"]);
    // A client that sends citations back as it has read them changes nothing.
    let same = json!({"statement": {"slug": "lost"}, "citations": cited("lost", json!({"quote": "behind closed doors"}))["citations"]});
    let payload = change(&editor, "updateStatement", same, "statement { slug }").await;
    assert_eq!([&payload["userErrors"], &payload["revision"]], [&json!([]), &revision]);
    // The words are back, where they were.
    attach(&editor, "talk", &format!("News\n\n{ROUNDS}")).await;
    assert_eq!(passage(&editor, "lost", "").await["state"], "ANCHORED");
    let locator = json!({"locator": "L4", "version": 1});
    cite(&editor, "earlier", locator).await;
    let earlier = passage(&editor, "earlier", "").await;
    assert_eq!([&earlier["line"], &earlier["text"]], [&json!(6), &json!("Nothing was agreed.")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_checks_quotes_and_keeps_anchors() {
    let base = Base::new("quotes").await;
    let client = Client::of(&base.database).await;
    let editor = client.as_role(dossier::auth::caller::Role::Editor).await;
    source(&editor, "talk").await;
    attach(&editor, "talk", ROUNDS).await;
    cite(&editor, "first", json!({"locator": "L4"})).await;
    attach(&editor, "talk", &format!("News\n\n{ROUNDS}")).await;
    cite(&editor, "second", json!({"locator": "L4"})).await;
    let cited_lines = |client: Client| async move {
        [
            passage(&client, "first", "").await["line"].take(),
            passage(&client, "second", "").await["line"].take(),
        ]
    };
    assert_eq!(cited_lines(client.clone()).await, [6, 4]);
    let exported = base.file("exported.jsonl", base.export(&[]));
    assert!(base.import(&exported).contains("nothing was written"));
    let other = Base::empty("quotes-empty").await;
    other.import(&exported);
    assert_eq!(cited_lines(Client::of(&other.database).await).await, [6, 4]);
    let record = |slug: &str, citation: Value| {
        let mut citation = citation;
        citation["source"] = json!("talk");
        json!({"type": "Statement", "slug": slug, "speaker": "kassym-jomart-tokayev", "medium": "SPEECH", "rendering": "PARAPHRASE",
               "summary": "Dialogue goes on.", "eventType": "CONSULT", "citations": [citation]})
    };
    let records = [
        record("good", json!({"locator": "article", "quote": "in the open"})),
        record("bad", json!({"locator": "article", "quote": "in the rain"})),
        record("later", json!({"locator": "L1", "version": 3})),
    ];
    base.import_with(&base.file("quotes.jsonl", lines(&records)), &[]);
    let report = base.report();
    let fields: Vec<_> = report.iter().map(|(line, field, _)| (*line, field.as_str())).collect();
    assert_eq!(fields, [(2, "citations.0.quote"), (3, "citations.0.version")], "{report:?}");
    assert_eq!(passage(&client, "good", "").await["text"], "in the open");
}

/// Where some words begin and end in a text, in characters.
fn at(text: &str, words: &str) -> Value {
    let start = text[..text.find(words).expect("the words are there")].chars().count();
    json!({"start": start, "end": start + words.chars().count()})
}

#[tokio::test]
async fn a_position_says_where_a_passage_is_and_moves_with_it() {
    let anonymous = anonymous().await;
    let editor = anonymous.as_role(dossier::auth::caller::Role::Editor).await;
    source(&editor, "talk").await;
    let text = format!("Überschrift 🙂\n{ROUNDS}");
    attach(&editor, "talk", &text).await;
    let opened = at(&text, "closed doors in the old town hall");
    let alone = |position: &Value| {
        let mut citation = position.clone();
        citation["locator"] = Value::Null;
        citation
    };
    cite(&editor, "opened", alone(&opened)).await;
    let found = passage(&anonymous, "opened", "").await;
    assert_eq!([&found["state"], &found["text"]], ["RESOLVED", "closed doors in the old town hall"]);
    assert_eq!([&found["start"], &found["end"]], [&opened["start"], &opened["end"]]);
    // The second time that it was agreed, told apart by the position; white space around it does not count.
    let second = text[..text.rfind("Nothing was agreed.").expect("it is there")].chars().count();
    let quoted =
        json!({"locator": "L5", "quote": "Nothing was agreed.", "start": second, "end": second + 20});
    cite(&editor, "quoted", quoted).await;
    let found = passage(&anonymous, "quoted", "").await;
    assert_eq!(
        [&found["state"], &found["line"], &found["start"]],
        [&json!("ANCHORED"), &json!(5), &json!(second)]
    );
    let query = "{ statement(by: {slug: \"opened\"}) { citations { nodes { locator start end version } } } }";
    let given = editor.query(query).await["statement"]["citations"]["nodes"][0].take();
    let locator = format!("char={},{}", opened["start"], opened["end"]);
    assert_eq!(
        given,
        json!({"locator": locator, "start": opened["start"], "end": opened["end"], "version": 1})
    );

    attach(&editor, "talk", &format!("News\n\n{text}")).await;
    let moved = passage(&anonymous, "opened", "").await;
    assert_eq!([&moved["state"], &moved["text"]], ["ANCHORED", "closed doors in the old town hall"]);
    assert_eq!(moved["start"], opened["start"].as_i64().expect("a number") + 6);
    assert_eq!(
        editor.query(query).await["statement"]["citations"]["nodes"][0],
        given,
        "what was given stays"
    );
    attach(&editor, "talk", &text.replace("closed", "open")).await;
    assert_eq!(passage(&anonymous, "opened", "").await["state"], "ORPHANED");
}

#[tokio::test]
async fn a_position_that_the_text_does_not_have_is_refused_at_its_field() {
    let editor = editor().await;
    source(&editor, "talk").await;
    attach(&editor, "talk", ROUNDS).await;
    let length = ROUNDS.chars().count();
    for (citation, field, message) in [
        (
            json!({"start": 0, "end": length + 1}),
            "end",
            format!("The text of the source has {length} characters."),
        ),
        (json!({"start": length, "end": length + 1}), "start", format!("has {length} characters.")),
        (json!({"start": 91, "end": 92}), "start", "There is only white space here.".to_owned()),
        (
            json!({"start": 9, "end": 9}),
            "end",
            "A position ends after its start: it has at least one character.".to_owned(),
        ),
        (json!({"start": -1, "end": 9}), "start", "A position is 0 or more.".to_owned()),
        (json!({"start": 1, "locator": "L1"}), "end", "A position has a start and an end.".to_owned()),
        (json!({"start": 1}), "end", "A position has a start and an end.".to_owned()),
        (json!({"end": 1}), "start", "A position has a start and an end.".to_owned()),
        (
            json!({"start": 4, "end": 15, "locator": "L99"}),
            "locator",
            "The locator leads nowhere: the text of the source has 5 lines.".to_owned(),
        ),
        (json!({"quote": "first round", "locator": "L6"}), "locator", "has 5 lines.".to_owned()),
        (
            json!({"quote": "The first round", "locator": "L1", "prefix": "Then"}),
            "prefix",
            "On line 1 it is at the beginning of the text.".to_owned(),
        ),
        (
            json!({"start": 4, "end": 15, "quote": "second round"}),
            "start",
            "The quote is not here, but “first round”. The nearest place of the quote is from 116 to 128."
                .to_owned(),
        ),
        (
            json!({"start": 4, "end": 15, "quote": ROUNDS.lines().next().map(|line| line.replace("closed", "open"))}),
            "quote",
            "The nearest are on line 1".to_owned(),
        ),
        (
            json!({"start": 4, "end": 15, "locator": "L2"}),
            "start",
            "This is not where the locator leads: from 92 to 111.".to_owned(),
        ),
        (json!({"start": 4, "end": 15, "version": 2}), "version", "has no such version".to_owned()),
        (json!({}), "locator", "This field must not be null.".to_owned()),
    ] {
        let mut citation = citation;
        if citation["locator"].is_null() {
            citation["locator"] = Value::Null;
        }
        let payload =
            change(&editor, "createStatement", cited("wrong", citation), "statement { slug }").await;
        let error = &payload["userErrors"][0];
        assert_eq!(payload["userErrors"].as_array().map(Vec::len), Some(1), "{payload}");
        assert_eq!(error["field"], json!(["input", "citations", "0", field]), "{payload}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains(&message)), "{payload}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_citation_keeps_the_first_text_of_its_source_in_every_base() {
    let base = Base::new("first-text").await;
    let editor = Client::of(&base.database).await.as_role(dossier::auth::caller::Role::Editor).await;
    source(&editor, "talk").await;
    cite(&editor, "early", json!({"locator": "L2"})).await;
    let first = attach(&editor, "talk", ROUNDS).await;
    attach(&editor, "talk", "Another text.\nOf other words.\n").await;
    let revert = json!({"revision": first["revision"]});
    let refused = change(&editor, "revertRevision", revert.clone(), "records { id }").await;
    let message = refused["userErrors"][0]["message"].as_str().unwrap_or_default();
    assert!(message.contains("Citations are of version 1 of the text"), "{refused}");
    let orphaned = passage(&editor, "early", "").await;
    assert_eq!([&orphaned["state"], &orphaned["text"]], [&json!("ORPHANED"), &Value::Null]);
    let exported = base.export(&[]);
    let other = Base::empty("first-text-empty").await;
    other.import(&other.file("exported.jsonl", &exported));
    assert_eq!(passage(&Client::of(&other.database).await, "early", "").await, orphaned);
    assert_eq!(other.export(&[]), exported);
    // A version before the first would move it to other words.
    let text = |version: i64| {
        let texts = json!([{"content": "Before.", "version": version}]);
        json!({"type": "Source", "slug": "talk", "texts": texts}).to_string()
    };
    source(&editor, "later").await;
    cite_of(&editor, "later", "of-the-second", json!({"locator": "L1"})).await;
    let texts = json!([{"content": ROUNDS, "version": 2}, {"content": "Words.", "version": 5}]);
    base.import(
        &base.file("second.jsonl", json!({"type": "Source", "slug": "later", "texts": texts}).to_string()),
    );
    base.import_with(&base.file("before.jsonl", text(1).replace("talk", "later")), &[]);
    let reason = "Citations are of the first version of the text: no version comes before it.".to_owned();
    assert_eq!(base.report(), [(1, "texts.0.version".to_owned(), reason)]);
    base.import(&base.file("between.jsonl", text(3).replace("talk", "later")));
    for (version, reason) in [
        (i64::from(i32::MAX), "A version is at most 1000000."),
        (0, "A version is 1 or more."),
        (-1, "A version is 1 or more."),
    ] {
        base.import_with(&base.file("version.jsonl", text(version)), &[]);
        assert_eq!(base.report(), [(1, "texts.0.version".to_owned(), reason.to_owned())], "{version}");
    }
    // Without citations of it, the first version can be taken back.
    change(&editor, "deleteStatement", json!({"statement": {"slug": "early"}}), "deletedId").await;
    let reverted = change(&editor, "revertRevision", revert, "records { id }").await;
    assert_eq!(reverted["userErrors"], json!([]));
}

#[tokio::test]
async fn the_same_place_is_not_cited_twice_by_a_record() {
    let editor = editor().await;
    source(&editor, "talk").await;
    attach(&editor, "talk", ROUNDS).await;
    let own = |citation: Value| with(json!({"source": {"slug": "talk"}}), citation);
    let line = ROUNDS.lines().next().expect("a line");
    let citations = |others: &[Value]| {
        let mut input = cited("twice", json!({}));
        input["citations"].as_array_mut().expect("citations").extend(others.iter().cloned().map(own));
        input
    };
    for other in [
        json!({"quote": line}),
        json!({"start": 0, "end": line.chars().count()}),
        json!({"locator": "L1-L1"}),
    ] {
        let payload =
            change(&editor, "createStatement", citations(&[json!({"locator": "L2"}), other]), "").await;
        assert_eq!(errors(&payload), wrong([("INVALID", "input.citations.2")]), "{payload}");
        let message = payload["userErrors"][0]["message"].as_str();
        assert_eq!(message, Some("It is the same place of the source as `citations.0`."));
    }
    let parts = citations(&[json!({"quote": "first round"}), json!({"quote": "town hall"})]);
    let payload = change(&editor, "createStatement", parts, "statement { slug }").await;
    assert_eq!(payload["userErrors"], json!([]), "parts of a line are other places");
}

#[tokio::test]
async fn a_passage_that_is_cut_says_so() {
    let editor = editor().await;
    source(&editor, "talk").await;
    attach(&editor, "talk", &format!("{}\nShort.\n", "many words ".repeat(600))).await;
    for (slug, locator, is_cut) in [("long", "L1", true), ("short", "L2", false)] {
        cite(&editor, slug, json!({"locator": locator})).await;
        let query = format!(
            "{{ statement(by: {{slug: \"{slug}\"}}) {{ citations {{ nodes {{ passage {{ isTruncated text }} }} }} }} }}"
        );
        let passage = editor.query(&query).await["statement"]["citations"]["nodes"][0]["passage"].take();
        assert_eq!(passage["isTruncated"], is_cut, "{slug}");
        assert_eq!(passage["text"].as_str().map(|text| text.chars().count() == 5000), Some(is_cut), "{slug}");
    }
}

#[tokio::test]
async fn a_locator_may_be_left_out_where_a_quote_or_a_position_says_the_place() {
    let editor = editor().await;
    source(&editor, "talk").await;
    attach(&editor, "talk", ROUNDS).await;
    let long = ROUNDS.lines().next().expect("a line");
    let mut input = cited("several", json!({"locator": null, "quote": "first round"}));
    input["citations"].as_array_mut().expect("citations").extend([
        json!({"source": {"slug": "talk"}, "quote": long}),
        json!({"source": {"slug": "talk"}, "start": 4, "end": 18}),
        json!({"source": {"slug": "talk"}, "locator": "L1", "start": 4, "end": 9}),
        json!({"source": {"slug": "talk"}, "locator": "L1", "start": 10, "end": 15}),
    ]);
    let created = change(&editor, "createStatement", input.clone(), "statement { slug }").await;
    assert_eq!(created["userErrors"], json!([]), "{created}");
    let query = "{ statement(by: {slug: \"several\"}) { citations { nodes { locator passage { text } } } } }";
    let found = editor.query(query).await["statement"]["citations"]["nodes"].take();
    let of = |locator: &str, text: &str| json!({"locator": locator, "passage": {"text": text}});
    assert_eq!(
        found,
        json!([
            of("“first round”", "first round"),
            of("“The first round of the talks was held behind closed doors in…”", long),
            of("char=4,18", "first round of"),
            of("L1", "first"),
            of("L1", "round"),
        ])
    );
    let again = json!({"statement": {"slug": "several"}, "citations": input["citations"]});
    let again = change(&editor, "updateStatement", again, "statement { slug }").await;
    assert_eq!(again["revision"], created["revision"], "nothing changes");
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_leave_and_come_back_as_they_were() {
    let base = Base::new("positions-out").await;
    let editor = Client::of(&base.database).await.as_role(dossier::auth::caller::Role::Editor).await;
    source(&editor, "talk").await;
    let of = |place: Value| with(json!({"locator": null}), place);
    let news = format!("News\n\n{ROUNDS}");
    cite(&editor, "before-the-text", of(at(ROUNDS, "closed doors"))).await;
    attach(&editor, "talk", ROUNDS).await;
    cite(&editor, "kept", of(at(ROUNDS, "closed doors"))).await;
    attach(&editor, "talk", &news).await;
    let later_at = at(&news, "closed doors");
    let later = with(later_at.clone(), json!({"quote": "closed doors"}));
    cite(&editor, "later", of(later)).await;
    let exported = base.export(&[]);
    assert!(base.import(&base.file("exported.jsonl", &exported)).contains("nothing was written"));
    let other = Base::empty("positions-in").await;
    other.import(&other.file("exported.jsonl", &exported));
    assert_eq!(other.export(&[]), exported);
    assert!(other.import(&other.file("again.jsonl", &exported)).contains("nothing was written"));
    let there = Client::of(&other.database).await;
    for slug in ["before-the-text", "kept", "later"] {
        assert_eq!(passage(&there, slug, "").await["text"], "closed doors", "{slug}");
    }
    let topic = |slug: &str, citation: Value| json!({"type": "Topic", "slug": slug, "name": slug, "citations": [with(json!({"source": "talk"}), citation)]});
    let records = [
        topic("by-position", json!({"start": 10, "end": 21})),
        topic("beyond", json!({"start": 10, "end": 2100})),
        topic("elsewhere", json!({"start": 10, "end": 21, "quote": "third round"})),
        topic("nowhere", json!({})),
        topic("half", json!({"start": 1, "locator": "L1"})),
        topic("other-half", json!({"end": 1})),
        topic("kept", json!({"quote": "closed doors", "locator": "L99"})),
    ];
    base.import_with(&base.file("topics.jsonl", lines(&records)), &[]);
    let report = base.report();
    let mut fields: Vec<_> = report.iter().map(|(line, field, _)| (*line, field.as_str())).collect();
    fields.sort_unstable();
    let wrong = [
        (2, "citations.0.end"),
        (3, "citations.0.start"),
        (4, "citations.0.locator"),
        (5, "citations.0.end"),
        (6, "citations.0.start"),
    ];
    assert_eq!(fields, wrong, "{report:?}");
    let report = std::fs::read_to_string(base.path("report.jsonl")).expect("a report");
    let told = "Topic.citations: the locator leads nowhere in the text of the source";
    assert!(report.contains(&format!("\"{told}\":1")), "{report}");
    let jsonld: Value = serde_json::from_str(&base.export(&["--format", "jsonld"])).expect("JSON");
    let later = jsonld["@graph"]
        .as_array()
        .expect("records")
        .iter()
        .find(|node| node["@id"].as_str().is_some_and(|id| id.ends_with("/later")));
    let selectors = &later.expect("the statement")["citation"][0]["oa:hasSelector"];
    let position = with(
        json!({"@type": "oa:TextPositionSelector"}),
        json!({"oa:start": later_at["start"], "oa:end": later_at["end"]}),
    );
    assert_eq!(*selectors, json!([{"@type": "oa:TextQuoteSelector", "oa:exact": "closed doors"}, position]));
}

#[tokio::test]
async fn a_record_cites_several_quotes_of_one_line() {
    let editor = editor().await;
    source(&editor, "talk").await;
    attach(&editor, "talk", ROUNDS).await;
    let long = "The hosts said nothing. ".repeat(200);
    attach(&editor, "talk", &format!("{ROUNDS}{long}")).await;
    let mut input = cited("both", json!({"quote": "first round"}));
    let another =
        |quote: &str, locator: &str| json!({"source": {"slug": "talk"}, "locator": locator, "quote": quote});
    let citations = input["citations"].as_array_mut().expect("citations");
    citations.extend([
        another("town hall", "L1"),
        json!({"source": {"slug": "talk"}, "locator": "L1"}),
        another(long.trim(), "L6"),
    ]);
    let created = change(&editor, "createStatement", input.clone(), "statement { slug }").await;
    assert_eq!(created["userErrors"], json!([]), "{created}");
    let again = json!({"statement": {"slug": "both"}, "citations": input["citations"]});
    let again = change(&editor, "updateStatement", again, "statement { slug }").await;
    assert_eq!(again["revision"], created["revision"], "nothing changes");
    let twice = json!({"statement": {"slug": "both"}, "citations": [
        another("first round", "L1"), {"source": {"slug": "talk"}, "locator": "L1", "quote": "first round", "credibility": "DOUBTFUL"},
    ]});
    let refused = change(&editor, "updateStatement", twice, "statement { slug }").await;
    assert_eq!(errors(&refused), wrong([("INVALID", "input.citations.1")]), "{refused}");
}

#[tokio::test]
async fn a_version_that_citations_are_of_is_not_taken_back() {
    let editor = editor().await;
    source(&editor, "talk").await;
    attach(&editor, "talk", "The king is dead.\nLong live the king.\n").await;
    let second = attach(&editor, "talk", ROUNDS).await;
    let cited = cite(&editor, "of-the-second", json!({"locator": "L1"})).await;
    let revert =
        |revision: &Value| change(&editor, "revertRevision", json!({"revision": revision}), "records { id }");
    let refused = revert(&second["revision"]).await;
    let message = refused["userErrors"][0]["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.contains("Citations are of version 2 of the text"), "{refused}");
    let taken = revert(&cited).await;
    assert_eq!(taken["userErrors"], json!([]));
    let reverted = revert(&second["revision"]).await;
    assert_eq!(reverted["userErrors"], json!([]));
    // Nor is a citation of it brought back.
    let refused = revert(&taken["revision"]).await;
    let message = refused["userErrors"][0]["message"].as_str().unwrap_or_default();
    assert!(message.contains("The text of the source has no version 2"), "{refused}");
    assert_eq!(revert(&reverted["revision"]).await["userErrors"], json!([]));
    assert_eq!(revert(&taken["revision"]).await["userErrors"], json!([]));
    let number = |payload: &Value| payload["source"]["texts"][2]["version"].clone();
    assert_eq!(number(&attach(&editor, "talk", "Another king.\nHe lives.\n").await), 3);
}

#[tokio::test]
async fn readers_without_a_key_see_of_a_text_what_citations_name_and_no_more() {
    let anonymous = anonymous().await;
    let editor = anonymous.as_role(dossier::auth::caller::Role::Editor).await;
    source(&editor, "talk").await;
    let paragraph =
        |number: usize| format!("Paragraph number{number} says {}.", "many words ".repeat(60).trim());
    let text: Vec<String> = (1..=40).map(paragraph).collect();
    attach(&editor, "talk", &text.join("\n")).await;
    cite(&editor, "narrow", json!({"locator": "L40"})).await;
    let found = |client: Client, number: usize| async move {
        let query = format!(
            "{{ search(query: \"number{number}\", types: [SOURCE]) {{ totalCount edges {{ highlights {{ field }} }} }} }}"
        );
        let data = client.query(&query).await["search"].take();
        assert_eq!(data["totalCount"], 1, "the source is found");
        data["edges"][0]["highlights"].as_array().map(Vec::len)
    };
    assert_eq!([found(anonymous.clone(), 7).await, found(anonymous.clone(), 40).await], [Some(0), Some(1)]);
    assert_eq!(found(editor.clone(), 7).await, Some(1));
    cite(&editor, "wide", json!({"locator": "L1-L40"})).await;
    let query = "{ source(by: {slug: \"talk\"}) { passages(first: 100, after: 0) { number } } }";
    let count = |data: Value| data["source"]["passages"].as_array().map_or(0, Vec::len);
    assert_eq!(count(editor.query(query).await), 40);
    let shown = count(anonymous.query(query).await);
    assert!(shown < 12, "{shown} passages");
    assert_eq!(found(anonymous.clone(), 30).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_citations_that_lead_nowhere_comes_in_again() {
    let base = Base::new("nowhere").await;
    let editor = Client::of(&base.database).await.as_role(dossier::auth::caller::Role::Editor).await;
    source(&editor, "talk").await;
    cite(&editor, "before-the-text", json!({"quote": "not a word of it"})).await;
    attach(&editor, "talk", ROUNDS).await;
    let exported = base.export(&[]);
    let other = Base::empty("nowhere-empty").await;
    other.import(&other.file("exported.jsonl", exported.clone()));
    assert_eq!(other.export(&[]), exported);
    // A text without a media type is plain.
    let plain = json!({"type": "Source", "slug": "talk", "texts": [{"content": ROUNDS, "language": "en"}, {"content": "More."}]});
    other.import(&other.file("plain.jsonl", plain.to_string()));
    let there = Client::of(&other.database).await;
    let data = there.query("{ source(by: {slug: \"talk\"}) { texts { version mediaType } } }").await;
    assert_eq!(data["source"]["texts"][1], json!({"version": 2, "mediaType": "text/plain"}));
    assert_eq!(data["source"]["texts"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_source_tells_which_passages_support_records_and_which_do_not_yet() {
    let anonymous = anonymous().await;
    let editor = anonymous.as_role(dossier::auth::caller::Role::Editor).await;
    source(&editor, "talk").await;
    attach(&editor, "talk", ROUNDS).await;
    for (slug, locator) in [("later", "L5"), ("both", "L1-L2"), ("first", "L1")] {
        cite(&editor, slug, json!({"locator": locator})).await;
    }
    let passages =
        "passages(first: 2) { number line text citations { record { slug } } } coverage { passages cited }";
    let found = anonymous.query(&format!("{{ source(by: {{slug: \"talk\"}}) {{ {passages} }} }}")).await;
    let lines: Vec<&str> = ROUNDS.lines().collect();
    let record = |slug: &str| json!({"record": {"slug": slug}});
    assert_eq!(
        found["source"],
        json!({
            "passages": [
                {"number": 1, "line": 1, "text": lines[0], "citations": [record("both"), record("first")]},
                {"number": 2, "line": 2, "text": lines[1], "citations": [record("both")]},
            ],
            "coverage": {"passages": 5, "cited": 3},
        })
    );
    let next =
        "{ source(by: {slug: \"talk\"}) { passages(after: 2) { number citations { record { slug } } } } }";
    assert_eq!(
        anonymous.query(next).await["source"]["passages"],
        json!([{"number": 5, "citations": [record("later")]}])
    );
    let uncited = "{ source(by: {slug: \"talk\"}) { uncitedPassages { number text } } }";
    assert_eq!(anonymous.api_error(uncited, json!({})).await.0, "UNAUTHENTICATED");
    assert_eq!(
        editor.query(uncited).await["source"]["uncitedPassages"],
        json!([{"number": 3, "text": lines[2]}, {"number": 4, "text": lines[3]}])
    );
    let delete = json!({"statement": {"slug": "later"}});
    change(&editor, "deleteStatement", delete, "deletedId").await;
    let after = editor.query("{ source(by: {slug: \"talk\"}) { coverage { cited } } }").await;
    assert_eq!(after["source"]["coverage"]["cited"], 2);
}

#[tokio::test]
async fn a_search_finds_texts_with_the_records_that_rest_on_them() {
    let editor = editor().await;
    source(&editor, "talk").await;
    let revision = attach(&editor, "talk", ROUNDS).await["revision"].clone();
    cite(&editor, "by-the-lake", json!({"locator": "L1"})).await;
    let search = "search(query: \"delegations or hall\", types: [SOURCE])";
    let highlights = "highlights { field parts { text isMatch } citations { record { slug } } }";
    let data = editor
        .query(&format!(
            "{{ {search} {{ totalCount edges {{ node {{ ... on Source {{ slug }} }} {highlights} }} }} }}"
        ))
        .await;
    assert_eq!(data["search"]["totalCount"], 1, "{data}");
    let edge = &data["search"]["edges"][0];
    assert_eq!(edge["node"]["slug"], "talk");
    let found = edge["highlights"].as_array().expect("highlights");
    let cited: Vec<&Value> = found.iter().filter(|found| found["citations"] != json!([])).collect();
    assert_eq!((found.len(), cited.len()), (2, 1), "{edge}");
    assert_eq!(cited[0]["citations"], json!([{"record": {"slug": "by-the-lake"}}]));
    let filter = "sources(filter: {search: \"delegations\"}, orderBy: RELEVANCE) { nodes { slug } }";
    assert_eq!(editor.query(&format!("{{ {filter} }}")).await["sources"]["nodes"], json!([{"slug": "talk"}]));
    attach(&editor, "talk", "Other words.").await;
    let then = format!("asOf: {{revision: {revision}}}");
    let query = format!(
        "{{ now: {search} {{ totalCount }} then: search(query: \"hall\", types: [SOURCE], {then}) {{ totalCount }} }}"
    );
    assert_eq!(editor.query(&query).await, json!({"now": {"totalCount": 0}, "then": {"totalCount": 1}}));
}

#[tokio::test]
async fn the_first_question_of_the_readme_is_answered_with_the_passage_in_words() {
    let anonymous = anonymous().await;
    let editor = anonymous.as_role(dossier::auth::caller::Role::Editor).await;
    let page = include_str!("../../README.md");
    let query = page.split("```graphql\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a query");
    let own: Vec<String> =
        (1..=33).map(|line| format!("This is line {line} of a text of this test.")).collect();
    attach(&editor, "musavat-interview-with-yury-bocharov", &own.join("\n")).await;
    let data = anonymous.query(query).await;
    let positions = data["topic"]["positions"]["nodes"].as_array().expect("positions");
    let citations =
        positions.iter().flat_map(|position| position["citations"]["nodes"].as_array().expect("citations"));
    let words: Vec<&Value> = citations.map(|citation| &citation["passage"]["text"]).collect();
    assert_eq!(words, [&json!(own[24]), &json!(own[24]), &json!(own[26])]);
}
