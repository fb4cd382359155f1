//! A record type of two words, added as any other: a declaration, a place in the catalog and a migration.

use std::{path::Path, sync::Arc};

use dossier::{
    auth::caller::Role,
    bulk::{
        import::{self, ImportOptions},
        records::RecordKinds,
    },
    database::Database,
    engine::catalog,
    model::{
        Catalog,
        object_type::{
            Join, ObjectType, Scalar, column, many, needed_evidence, one,
            overviews::{Mention, Searched, Tie, TimelineEntry},
            text,
        },
    },
    progress::{Progress, Step},
};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::{
    Client,
    database::{TestDatabase, database},
    process::Folder,
    socket::Events,
};

fn peace_agreement() -> ObjectType {
    ObjectType::new("PeaceAgreement", "peace_agreements", "An agreement that ends a war.")
        .record("peaceAgreements")
        .labelled("{}.name", "A short title for people: its name.")
        .field(text("name", "The name of the agreement.").filterable().sortable("NAME"))
        .field(one("mediator", "Actor", "mediator_id", "Who mediated it.").nullable())
        .field(
            many(
                "parties",
                "Actor",
                Join::Link("peace_agreement_parties", "peace_agreement_id", "actor_id"),
                "Who concluded it.",
            )
            .writable()
            .facetable(),
        )
        .field(column("signedOn", Scalar::PartialDate, "When it was signed.").nullable().filterable())
        .field(needed_evidence("peace_agreement_id"))
        .versioned()
        .during("signed", "DATE", "It was signed in this period, or may have been.", "{}.signed_during")
        .searchable(Searched { description: "Peace agreements, by name.", name: Some("name"), texts: &["name"] })
        .in_timeline(TimelineEntry {
            from: "peace_agreements t",
            date: "t.signed_on",
            during: "t.signed_during",
            actors: &[Mention { table: "peace_agreement_parties", of: "peace_agreement_id", to: "actor_id" }],
            topics: &[],
        })
        .ties_actors(Tie {
            kind: "PEACE_AGREEMENT",
            description: "Both concluded a peace agreement. Weight: how many.",
            rank: 3,
            from: "select one.actor_id as known, other.actor_id as actor
                   from peace_agreement_parties one
                   join peace_agreement_parties other using (peace_agreement_id)
                   where one.actor_id = any($1) and other.actor_id <> one.actor_id",
            among: "select one.actor_id as source, other.actor_id as target,
                           null::relation_kind as relation_kind, one.peace_agreement_id as id
                    from peace_agreement_parties one
                    join peace_agreement_parties other using (peace_agreement_id)
                    where one.actor_id = any($1) and other.actor_id = any($1) and other.actor_id > one.actor_id",
            label: "name",
            found_by: ("peace_agreement_parties", "actor_id", 1.0),
        })
        .in_order_of_entry()
}

const MIGRATION: &str = "
    create table peace_agreements (
        id bigint generated always as identity primary key,
        slug slug not null constraint peace_agreements_slug_key unique,
        name filled_text not null,
        mediator_id bigint constraint peace_agreements_mediator_id_fkey references actors deferrable,
        signed_on partial_date,
        signed_during daterange generated always as (partial_date_range(signed_on)) stored,
        search tsvector not null generated always as (searchable(name, null)) stored
    );
    create table peace_agreement_parties (
        peace_agreement_id bigint constraint peace_agreement_parties_peace_agreement_id_fkey
            references peace_agreements on delete cascade deferrable,
        actor_id bigint constraint peace_agreement_parties_actor_id_fkey references actors deferrable,
        primary key (peace_agreement_id, actor_id)
    );
    call keep_history(
        'peace_agreement_parties', 'peace_agreement_id', 'peace_agreement_id', 'peace_agreement_id, actor_id', false
    );
    call register_record_type('peace_agreements', 'peace_agreement');
";

struct Silent;

impl Progress for Silent {
    fn begin(&self, _: Step, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn part(&self, _: &str) {}
    fn note(&self, _: &str) {}
    fn end(&self) {}
}

async fn migrated() -> Arc<TestDatabase> {
    let database = Arc::new(database().await);
    let mut connection = database.pool().acquire().await.expect("a connection");
    sqlx::raw_sql(AssertSqlSafe(MIGRATION)).execute(&mut *connection).await.expect("the type is registered");
    drop(connection);
    database
}

fn catalog_with_peace_agreements() -> &'static Catalog {
    let records = catalog::records().into_iter().chain([peace_agreement()]).collect();
    Box::leak(Box::new(catalog::of(records)))
}

async fn export(client: &Client) -> String {
    let response = client.http().get(client.address("/export.jsonl")).send().await.expect("an export");
    assert_eq!(response.status(), 200);
    response.text().await.expect("text")
}

#[tokio::test]
async fn a_record_type_of_two_words_takes_part_in_everything() {
    let (database, catalog) = (migrated().await, catalog_with_peace_agreements());
    let anonymous = Client::of_catalog(&database, catalog).await;
    let editor = anonymous.as_role(Role::Editor).await;

    // Mutation
    let create = "mutation($input: CreatePeaceAgreementInput!) { createPeaceAgreement(input: $input) {
        peaceAgreement { id slug label revision citations { totalCount } } userErrors { field message } } }";
    let input = json!({
        "slug": "treaty-of-the-test", "name": "Treaty of the Test", "mediator": {"slug": "kazakhstan"},
        "parties": [{"slug": "kassym-jomart-tokayev"}, {"slug": "yury-bocharov"}], "signedOn": "2026-02",
        "citations": [{"source": {"slug": "musavat-interview-with-yury-bocharov"}, "locator": "L3"}],
    });
    let created = editor.query_with(create, json!({ "input": input })).await["createPeaceAgreement"].take();
    assert_eq!(created["userErrors"], json!([]));
    let agreement = &created["peaceAgreement"];
    assert_eq!(
        (&agreement["label"], &agreement["citations"]["totalCount"]),
        (&json!("Treaty of the Test"), &json!(1))
    );
    let (id, first) = (agreement["id"].clone(), agreement["revision"].as_i64().expect("a revision"));

    // Without a citation it is refused by the rule of the table, at its field.
    let mut uncited = input.clone();
    (uncited["slug"], uncited["citations"]) = ("uncited".into(), json!([]));
    let refused = editor.query_with(create, json!({ "input": uncited })).await["createPeaceAgreement"].take();
    assert_eq!(refused["userErrors"][0]["field"], json!(["input", "citations"]), "{refused}");

    // Query, filter, facet, node
    let found = anonymous
        .query_with(
            "query($id: ID!) {
                peaceAgreements(filter: {mediator: {slug: {equals: \"kazakhstan\"}}, parties: {slug: {equals: \"yury-bocharov\"}},
                                         signed: {from: \"2026\"}, search: \"treaty\"}, orderBy: NAME_ASC) {
                    totalCount nodes { slug parties { nodes { slug } } } facets { parties { count } }
                }
                peaceAgreement(by: {slug: \"treaty-of-the-test\"}) { signedOn }
                node(id: $id) { __typename ... on Record { slug label createdAt } }
            }",
            json!({ "id": id }),
        )
        .await;
    assert_eq!(found["peaceAgreements"]["totalCount"], 1);
    assert_eq!(found["peaceAgreements"]["nodes"][0]["parties"]["nodes"].as_array().map(Vec::len), Some(2));
    assert_eq!(found["peaceAgreements"]["facets"]["parties"], json!([{"count": 1}, {"count": 1}]));
    assert_eq!(found["peaceAgreement"]["signedOn"], "2026-02");
    assert_eq!(found["node"]["__typename"], "PeaceAgreement");

    // Revision, citation, the past
    let update = "mutation($first: RevisionNumber) {
        updatePeaceAgreement(input: {peaceAgreement: {slug: \"treaty-of-the-test\"}, name: \"Accord of the Test\", expectedRevision: $first}) {
            peaceAgreement { name } revision userErrors { field message } } }";
    let updated = editor.query_with(update, json!({ "first": first })).await["updatePeaceAgreement"].take();
    assert_eq!(updated["userErrors"], json!([]));
    let second = updated["revision"].as_i64().expect("a revision");
    let history = anonymous
        .query_with(
            "query($first: RevisionNumber!) {
                revisions(filter: {peaceAgreement: {slug: {equals: \"treaty-of-the-test\"}}, part: {equals: \"peace_agreements\"}}) {
                    nodes { operation record { __typename ... on PeaceAgreement { name } } diff { name before after } }
                }
                citations(filter: {peaceAgreement: {slug: {equals: \"treaty-of-the-test\"}}}) {
                    nodes { locator record { __typename } }
                }
                peaceAgreement(by: {slug: \"treaty-of-the-test\"}, asOf: {revision: $first}) {
                    name parties { totalCount } citations { totalCount }
                }
            }",
            json!({ "first": first }),
        )
        .await;
    let revisions = &history["revisions"]["nodes"];
    assert_eq!(
        (&revisions[0]["operation"], &revisions[1]["operation"]),
        (&json!("CREATE"), &json!("UPDATE"))
    );
    assert_eq!(revisions[0]["record"], json!({"__typename": "PeaceAgreement", "name": "Accord of the Test"}));
    let renamed = json!([{"name": "name", "before": "Treaty of the Test", "after": "Accord of the Test"}]);
    assert_eq!(revisions[1]["diff"], renamed);
    assert_eq!(
        history["citations"]["nodes"],
        json!([{"locator": "L3", "record": {"__typename": "PeaceAgreement"}}])
    );
    let past =
        json!({"name": "Treaty of the Test", "parties": {"totalCount": 2}, "citations": {"totalCount": 1}});
    assert_eq!(history["peaceAgreement"], past);

    // Subscription, by type and by actor
    let changes = "subscription($since: RevisionNumber!) {
        changes(types: [PEACE_AGREEMENT], actor: {slug: \"yury-bocharov\"}, since: $since) {
            operation revision recordId record { __typename slug } } }";
    let mut events = Events::of(&anonymous, changes, json!({ "since": first - 1 }), None).await;
    for (operation, revision) in [("CREATE", first), ("UPDATE", second)] {
        let (_, event) = events.next_result().await;
        let change = &event["changes"];
        let expected = json!({
            "operation": operation, "revision": revision, "recordId": id,
            "record": {"__typename": "PeaceAgreement", "slug": "treaty-of-the-test"},
        });
        assert_eq!(change, &expected);
    }

    // Search, suggestions, timeline, network
    let seen = anonymous
        .query(
            "{
                search(query: \"accord\", types: [PEACE_AGREEMENT]) {
                    nodes { __typename } edges { highlights { field parts { text isMatch } } }
                }
                suggest(prefix: \"acc\", types: [PEACE_AGREEMENT]) { text record { __typename } }
                timeline(actor: {slug: \"yury-bocharov\"}, from: \"2026-02-10\", until: \"2026-02-10\", first: 100) {
                    nodes { __typename }
                }
                network(actor: {slug: \"yury-bocharov\"}, kinds: [PEACE_AGREEMENT]) {
                    nodes { distance } edges { kind weight evidence { ... on PeaceAgreement { slug } } }
                }
                path(from: {slug: \"yury-bocharov\"}, to: {slug: \"kassym-jomart-tokayev\"}, kinds: [PEACE_AGREEMENT]) {
                    steps { label }
                }
            }",
        )
        .await;
    assert_eq!(seen["search"]["nodes"], json!([{"__typename": "PeaceAgreement"}]));
    assert_eq!(seen["search"]["edges"][0]["highlights"][0]["field"], "name");
    assert_eq!(seen["suggest"][0]["text"], "Accord of the Test");
    let entries = seen["timeline"]["nodes"].as_array().expect("entries");
    assert!(entries.contains(&json!({"__typename": "PeaceAgreement"})), "{entries:?}");
    let edge = json!({"kind": "PEACE_AGREEMENT", "weight": 1, "evidence": {"slug": "treaty-of-the-test"}});
    assert_eq!(seen["network"]["edges"], json!([edge]));
    assert_eq!(seen["path"][0]["steps"][0]["label"], "Accord of the Test");

    // Export, and import into another base
    let exported = export(&anonymous).await;
    let exported_line =
        exported.lines().find(|line| line.contains("\"treaty-of-the-test\"")).expect("the agreement");
    let record: Value = serde_json::from_str(exported_line).expect("JSON");
    assert_eq!((&record["type"], &record["mediator"]), (&json!("PeaceAgreement"), &json!("kazakhstan")));
    let json_ld = anonymous.http().get(anonymous.address("/export.jsonld")).send().await.expect("an export");
    let json_ld: Value = json_ld.json().await.expect("JSON");
    let node = json_ld["@graph"]
        .as_array()
        .expect("a graph")
        .iter()
        .find(|node| node["@id"] == "urn:dossier:peaceAgreement/treaty-of-the-test");
    let node = node.expect("the agreement");
    assert_eq!(
        (&node["@type"], &node["dossier:mediator"]),
        (&json!("dossier:PeaceAgreement"), &json!({"@id": "urn:dossier:actor/kazakhstan"}))
    );

    let (other, folder) = (migrated().await, Folder::new("record-types"));
    std::fs::create_dir_all(folder.path()).expect("a folder");
    let file = folder.path().join("base.jsonl");
    std::fs::write(&file, &exported).expect("a file");
    import(&other, catalog, &file).await;
    assert_eq!(export(&Client::of_catalog(&other, catalog).await).await, exported);

    // The change is reverted as one, and the payload has the type.
    let revert = "mutation($revision: RevisionNumber!) { revertRevision(input: {revision: $revision}) {
        records { record { __typename ... on PeaceAgreement { name } } } userErrors { message } } }";
    let reverted = editor.query_with(revert, json!({ "revision": second })).await["revertRevision"].take();
    let record = json!({"__typename": "PeaceAgreement", "name": "Treaty of the Test"});
    assert_eq!(reverted, json!({"records": [{"record": record}], "userErrors": []}));
}

async fn import(database: &TestDatabase, catalog: &Catalog, file: &Path) {
    let config = dossier::config::Config::from_lookup(|name| {
        (name == "DATABASE_URL").then(|| database.url().to_owned())
    });
    let opened = Database::open(&config.expect("settings")).await.expect("the database is there");
    let options = ImportOptions {
        files: vec![file.to_owned()],
        format: None,
        kind: None,
        requester: "import".to_owned(),
        dry_run: false,
        all_or_nothing: true,
        report: file.with_extension("rejected"),
        ..ImportOptions::default()
    };
    let kinds = Arc::new(RecordKinds::of(&catalog.object_types));
    let connection = opened.connect_without_timeout().await.expect("a connection");
    let progress: Arc<dyn Progress> = Arc::new(Silent);
    let outcome = import::import(connection, kinds, &options, &progress).await.expect("an import");
    assert_eq!((outcome.created, outcome.rejected), (1, 0));
    opened.close().await;
}
