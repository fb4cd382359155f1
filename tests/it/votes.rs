//! Votes: who voted how on what, and what that says of where they stand.

use serde_json::{Value, json};

use crate::{
    bulk::Base,
    mutations::{change, errors, statement, wrong},
    support::{Client, editor},
};

fn cited() -> Value {
    json!([{"source": {"slug": "musavat-interview-with-yury-bocharov"}, "locator": "L3"}])
}

async fn enter(editor: &Client, kind: &str, input: Value) {
    let payload = change(editor, &format!("create{kind}"), input, "").await;
    assert_eq!(payload["userErrors"], json!([]), "{kind}");
}

fn vote(slug: &str, actor: &str, choice: &str) -> Value {
    json!({"slug": slug, "division": {"slug": "plan-vote"}, "actor": {"slug": actor}, "choice": choice})
}

/// A motion on the two-state solution with one division. Tokayev spoke for it and voted against it; Trump voted as
/// he spoke.
async fn divided(editor: &Client) {
    let motion = json!({
        "slug": "plan", "name": "Peace plan", "summary": "Would recognise two states.", "proposedOn": "2026-01",
        "proposers": [{"slug": "israel"}], "topics": [{"slug": "two-state-solution"}],
        "meeting": {"slug": "inaugural-peace-council-meeting"}, "citations": cited(),
    });
    enter(editor, "Motion", motion).await;
    let division = json!({
        "slug": "plan-vote", "motion": {"slug": "plan"}, "name": "Peace plan, second reading", "heldOn": "2026-02-20",
        "result": "PASSED", "meeting": {"slug": "inaugural-peace-council-meeting"}, "citations": cited(),
    });
    enter(editor, "Division", division).await;
    let mut against = vote("tokayev-on-plan", "kassym-jomart-tokayev", "AGAINST");
    against["party"] = json!({"slug": "kazakhstan"});
    enter(editor, "Vote", against).await;
    enter(editor, "Vote", vote("trump-on-plan", "donald-trump", "FOR")).await;
    enter(editor, "Vote", vote("bocharov-on-plan", "yury-bocharov", "ABSENT")).await;
    for (slug, speaker) in [("tokayev-for", "kassym-jomart-tokayev"), ("trump-for", "donald-trump")] {
        let mut said = statement(slug);
        (said["speaker"], said["topics"]) =
            (json!({"slug": speaker}), json!([{"slug": "two-state-solution"}]));
        enter(editor, "Statement", said).await;
        let position = position(speaker, "SUPPORTS", &json!({"statement": {"slug": slug}}));
        enter(editor, "Position", position).await;
    }
    let voted = position("kassym-jomart-tokayev", "OPPOSES", &json!({"vote": {"slug": "tokayev-on-plan"}}));
    enter(editor, "Position", voted).await;
}

fn position(holder: &str, stance: &str, evidence: &Value) -> Value {
    let mut position = json!({
        "slug": format!("{holder}-{}", stance.to_lowercase()), "holder": {"slug": holder},
        "topic": {"slug": "two-state-solution"}, "stance": stance, "citations": cited(),
    });
    position.as_object_mut().expect("an object").extend(evidence.as_object().expect("an object").clone());
    position
}

#[tokio::test]
async fn a_motion_its_divisions_and_their_votes_are_read_from_all_sides() {
    let editor = editor().await;
    divided(&editor).await;
    let data = editor
        .query(
            "{
                motion(by: {slug: \"plan\"}) {
                    label summary proposedOn proposers { nodes { slug motionsProposed { nodes { slug } } } }
                    topics { nodes { slug motions { nodes { slug } } } }
                    meeting { motions { nodes { slug } } divisions { nodes { slug } } }
                    divisions { nodes {
                        label heldOn result motion { slug } meeting { slug }
                        votes { totalCount nodes { slug label choice party { slug } } facets { choice { value count } } }
                    } }
                }
                tokayev: actor(by: {slug: \"kassym-jomart-tokayev\"}) {
                    votes { nodes { choice positions { nodes { slug } } } }
                }
                kazakhstan: actor(by: {slug: \"kazakhstan\"}) { partyVotes { nodes { actor { slug } } } }
                vote(by: {slug: \"trump-on-plan\"}) { revision citations { totalCount } revisions { totalCount } }
            }",
        )
        .await;
    let motion = &data["motion"];
    assert_eq!((&motion["label"], &motion["proposedOn"]), (&json!("Peace plan"), &json!("2026-01")));
    let own = json!({"nodes": [{"slug": "plan"}]});
    assert_eq!(motion["proposers"]["nodes"], json!([{"slug": "israel", "motionsProposed": own}]));
    assert_eq!(motion["topics"]["nodes"], json!([{"slug": "two-state-solution", "motions": own}]));
    assert_eq!(motion["meeting"], json!({"motions": own, "divisions": {"nodes": [{"slug": "plan-vote"}]}}));
    let division = &motion["divisions"]["nodes"][0];
    assert_eq!(
        (&division["label"], &division["heldOn"], &division["result"]),
        (&json!("Peace plan, second reading"), &json!("2026-02-20"), &json!("PASSED"))
    );
    let votes = &division["votes"];
    let first = json!({
        "slug": "tokayev-on-plan", "choice": "AGAINST", "party": {"slug": "kazakhstan"},
        "label": "Kassym-Jomart Tokayev voted against Peace plan, second reading",
    });
    assert_eq!((&votes["totalCount"], &votes["nodes"][0]), (&json!(3), &first));
    let count = |choice: &str| json!({"value": choice, "count": 1});
    assert_eq!(votes["facets"]["choice"], json!([count("FOR"), count("AGAINST"), count("ABSENT")]));
    let evidence = json!({"nodes": [{"slug": "kassym-jomart-tokayev-opposes"}]});
    assert_eq!(data["tokayev"]["votes"]["nodes"], json!([{"choice": "AGAINST", "positions": evidence}]));
    let member = json!([{"actor": {"slug": "kassym-jomart-tokayev"}}]);
    assert_eq!(data["kazakhstan"]["partyVotes"]["nodes"], member);
    assert_eq!(
        (&data["vote"]["citations"], &data["vote"]["revisions"]),
        (&json!({"totalCount": 0}), &json!({"totalCount": 1}))
    );
}

#[tokio::test]
async fn who_spoke_for_something_and_voted_against_it_is_one_query() {
    let editor = editor().await;
    divided(&editor).await;
    let query = include_str!("../golden/said-for-voted-against.graphql");
    let data = editor.query(query).await;
    let actor = |slug: &str| json!([{"slug": slug}]);
    let contradiction = &data["saidForVotedAgainst"]["nodes"];
    assert_eq!(contradiction[0]["slug"], "kassym-jomart-tokayev");
    assert_eq!(contradiction.as_array().map(Vec::len), Some(1));
    let positions = json!([
        {"stance": "SUPPORTS", "evidence": {"__typename": "Statement", "slug": "tokayev-for"}},
        {"stance": "OPPOSES", "evidence": {
            "__typename": "Vote", "slug": "tokayev-on-plan", "choice": "AGAINST",
            "division": {"heldOn": "2026-02-20", "motion": {"slug": "plan"}},
        }},
    ]);
    let entered = contradiction[0]["positions"]["nodes"].as_array().expect("positions");
    assert_eq!(json!(entered[entered.len() - 2..]), positions);
    assert_eq!(data["votedAsTheySpoke"]["nodes"], actor("donald-trump"));
    let changes = &data["actor"]["stanceHistory"][0]["changes"];
    let last = changes.as_array().expect("changes").iter().find(|change| change["stance"] == "OPPOSES");
    assert_eq!(last.map(|change| &change["date"]), Some(&json!("2026-02-20")), "{changes}");
}

#[tokio::test]
async fn votes_are_filtered_counted_and_in_timelines_and_searches() {
    let editor = editor().await;
    divided(&editor).await;
    let data = editor
        .query(
            "{
                byParty: votes(filter: {party: {slug: {equals: \"kazakhstan\"}}}) { nodes { slug } }
                present: votes(filter: {choice: {notIn: [ABSENT, PAIRED]}, division: {held: {from: \"2026-02-20\"}}}) {
                    totalCount
                    facets { choice { value count } party { value { slug } count } division { value { slug } count } }
                }
                passed: divisions(filter: {result: {equals: PASSED}, motion: {topic: {slug: {equals: \"two-state-solution\"}}}}) {
                    nodes { slug } facets { result { value count } motion { value { slug } count } }
                }
                motions(filter: {proposers: {kind: {equals: COUNTRY}}, search: \"recognise\"}, orderBy: NAME_ASC) {
                    nodes { slug } facets { topic { value { slug } count } year { value count } }
                }
                search(query: \"peace plan\", types: [MOTION]) { nodes { ... on Motion { slug } } }
                ofActor: timeline(actor: {slug: \"yury-bocharov\"}, from: \"2026-02-20\", until: \"2026-02-20\") {
                    nodes { ... on Division { slug } }
                }
                onTopic: timeline(topic: {slug: \"two-state-solution\"}, from: \"2026-01\", until: \"2026-02-20\") {
                    nodes { ... on Motion { slug } ... on Division { slug } }
                }
            }",
        )
        .await;
    assert_eq!(data["byParty"]["nodes"], json!([{"slug": "tokayev-on-plan"}]));
    assert_eq!(data["present"]["totalCount"], 2);
    let facets = &data["present"]["facets"];
    assert_eq!(facets["division"], json!([{"value": {"slug": "plan-vote"}, "count": 2}]));
    let parties = json!([{"value": {"slug": "kazakhstan"}, "count": 1}, {"value": null, "count": 1}]);
    assert_eq!(facets["party"], parties);
    assert_eq!(data["passed"]["nodes"], json!([{"slug": "plan-vote"}]));
    assert_eq!(data["motions"]["nodes"], json!([{"slug": "plan"}]));
    assert_eq!(data["motions"]["facets"]["year"], json!([{"value": 2026, "count": 1}]));
    assert_eq!(data["search"]["nodes"], json!([{"slug": "plan"}]));
    assert_eq!(data["ofActor"]["nodes"], json!([{"slug": "plan-vote"}]));
    let entries = data["onTopic"]["nodes"].as_array().expect("entries");
    for slug in ["plan", "plan-vote"] {
        assert!(entries.contains(&json!({ "slug": slug })), "{slug}: {entries:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_votes_is_told_at_its_field() {
    let editor = editor().await;
    divided(&editor).await;
    let mut own_party = vote("x", "israel", "FOR");
    own_party["party"] = json!({"slug": "israel"});
    let both = json!({"statement": {"slug": "trump-for"}, "vote": {"slug": "trump-on-plan"}});
    let uncited = json!({"slug": "x", "name": "X", "citations": []});
    for (kind, input, code, field) in [
        ("Vote", vote("x", "donald-trump", "AGAINST"), "TAKEN", "input.actor"),
        ("Vote", vote("x", "nobody", "FOR"), "NOT_FOUND", "input.actor"),
        ("Vote", own_party, "INVALID", "input.party"),
        ("Motion", uncited, "INVALID", "input.citations"),
        ("Position", position("donald-trump", "NEUTRAL", &both), "INVALID", "input.vote"),
    ] {
        let payload = change(&editor, &format!("create{kind}"), input.clone(), "").await;
        assert_eq!(errors(&payload), wrong([(code, field)]), "{input}");
    }
    let deleted = change(&editor, "deleteVote", json!({"vote": {"slug": "tokayev-on-plan"}}), "").await;
    assert_eq!(errors(&deleted), wrong([("IN_USE", "input.vote")]));

    // Whoever voted twice is two.
    let two = json!({"keep": {"slug": "donald-trump"}, "merge": {"slug": "yury-bocharov"}});
    let merged = change(&editor, "mergeActors", two, "").await;
    assert_eq!(errors(&merged), wrong([("INVALID", "input.merge")]));
    let message = "An actor has one vote in a division. See Vote bocharov-on-plan.";
    assert_eq!(merged["userErrors"][0]["message"], message);
}

#[tokio::test(flavor = "multi_thread")]
async fn votes_leave_and_come_back_as_they_were() {
    let base = Base::new("votes-out").await;
    let cited = json!([{"source": "musavat-interview-with-yury-bocharov", "locator": "L3"}]);
    let records = [
        json!({"type": "Position", "slug": "against", "holder": "israel", "topic": "two-state-solution",
               "stance": "OPPOSES", "vote": "israel-on-plan", "citations": cited}),
        json!({"type": "Vote", "slug": "israel-on-plan", "division": "plan-vote", "actor": "israel",
               "choice": "AGAINST", "party": null}),
        json!({"type": "Division", "slug": "plan-vote", "motion": "plan", "name": "Peace plan, vote",
               "result": "TIED", "heldOn": "2026", "citations": cited}),
        json!({"type": "Motion", "slug": "plan", "name": "Peace plan", "topics": ["two-state-solution"],
               "proposers": ["israel"], "citations": cited}),
    ];
    let lines = crate::bulk::lines(&records);
    let reported = base.import(&base.file("votes.jsonl", lines));
    assert!(reported.starts_with("created 4"), "{reported}");
    let export = base.export(&[]);
    let other = Base::empty("votes-in").await;
    other.import(&other.file("base.jsonl", &export));
    assert_eq!(other.export(&[]), export);
    let json_ld: Value = serde_json::from_str(&base.export(&["--format", "jsonld"])).expect("JSON");
    let graph = json_ld["@graph"].as_array().expect("a graph");
    let node = |id: &str| graph.iter().find(|node| node["@id"] == id).expect("a node");
    assert_eq!(
        node("urn:dossier:vote/israel-on-plan")["dossier:division"],
        json!({"@id": "urn:dossier:division/plan-vote"})
    );
    assert_eq!(
        node("urn:dossier:position/against")["dossier:vote"],
        json!({"@id": "urn:dossier:vote/israel-on-plan"})
    );
}
