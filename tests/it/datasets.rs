//! Records of datasets: known by the dataset's own keys, changed by its newer editions, and by nothing else.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Output,
};

use dossier::auth::caller::Role;
use serde_json::{Value, json};

use crate::{
    bulk::{Base, actor, lines, with},
    mutations::change,
    support::Client,
};

/// A Popolo document in a folder of its own.
fn document(base: &Base, folder: &str, name: &str, content: &Value) -> PathBuf {
    fs::create_dir_all(base.path(folder)).expect("a folder");
    base.file(&format!("{folder}/{name}"), content.to_string())
}

fn person(id: &str, name: &str) -> Value {
    json!({"id": id, "name": name})
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn names(base: &Base) -> Vec<(String, String)> {
    sqlx::query_as(
        "select a.slug::text, a.name::text from actors a join origins o on o.actor_id = a.id order by o.dataset, o.key",
    )
    .fetch_all(base.pool())
    .await
    .expect("actors")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_files_of_one_name_are_two_datasets_and_nobody_is_renamed() {
    let base = Base::new("same-name").await;
    for (folder, id, name, house) in
        [("a", "a-1", "Ada Sample", "Assembly"), ("b", "b-1", "Bob Other", "Senate")]
    {
        let content = json!({
            "persons": [{"id": id, "name": name, "identifiers": [{"scheme": "official", "identifier": "7"}]}],
            "organizations": [{"id": "legislature", "name": house}],
        });
        base.import(&document(&base, folder, "popolo.json", &content));
    }
    let mut found = names(&base).await;
    found.sort();
    let pair = |slug: &str, name: &str| (slug.to_owned(), name.to_owned());
    assert_eq!(
        found,
        [
            pair("ada-sample", "Ada Sample"),
            pair("assembly", "Assembly"),
            pair("bob-other", "Bob Other"),
            pair("senate", "Senate")
        ]
    );
    // An identifier of a register that isn't unique everywhere belongs to its dataset.
    let official =
        "select count(distinct scheme) from actor_identifiers where value = '7' and scheme like '%:official'";
    assert_eq!(base.count(official).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_edition_changes_what_it_gave_and_leaves_what_others_entered() {
    let base = Base::new("editions").await;
    let edition = |name: &str, other: &str, end: Value| {
        json!({
            "persons": [{"id": "p1", "name": name, "other_names": [{"name": other}]}],
            "organizations": [{"id": "o1", "name": "Sample Party"}],
            "memberships": [{"id": "m1", "person_id": "p1", "organization_id": "o1", "start_date": "2019", "end_date": end}],
        })
    };
    let import = |folder: &str, content: &Value, options: &[&str]| {
        let file = document(&base, folder, "house.json", content);
        text(&base.import_with(&file, &[&["--dataset", "house"], options].concat()))
    };
    let first = edition("Ada Sample", "A. Sample", Value::Null);
    import("1", &first, &[]);
    // Somebody corrects the name, and knows another one.
    let lines_of = [json!({
        "type": "Actor", "slug": "ada-sample", "name": "Ada S. Sample",
        "names": [{"name": "A. Sample", "kind": "ALIAS"}, {"name": "The Countess", "kind": "ALIAS"}],
    })];
    base.import(&base.file("own.jsonl", lines(&lines_of)));
    let reported = import("1", &first, &[]);
    assert!(
        reported.contains("created 0, updated 0") && reported.contains("nothing was written"),
        "{reported}"
    );

    let reported = import("2", &edition("Ada Sample", "Ada", json!("2024")), &[]);
    assert!(reported.contains("created 0, updated 2"), "{reported}");
    let known: Vec<String> = sqlx::query_scalar(
        "select a.name || ': ' || string_agg(n.name, ', ' order by n.name) from actors a join actor_names n on n.actor_id = a.id
         where a.slug = 'ada-sample' group by a.name",
    )
    .fetch_all(base.pool())
    .await
    .expect("names");
    assert_eq!(known, ["Ada S. Sample: Ada, The Countess"]);
    assert_eq!(
        base.count("select count(*) from relations where valid_from = '2019' and valid_until = '2024'").await,
        1
    );

    // The end was a mistake: whoever gave it takes it back.
    import("3", &edition("Ada Sample", "Ada", Value::Null), &[]);
    assert_eq!(
        base.count("select count(*) from relations where valid_from = '2019' and valid_until is null").await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_edition_gave_is_known_by_its_values_alone_whatever_columns_a_later_version_adds() {
    let base = Base::new("digests").await;
    let content =
        json!({"persons": [{"id": "p1", "name": "Ada Sample", "other_names": [{"name": "A. Sample"}]}]});
    base.import(&document(&base, "1", "house.json", &content));
    let known = r#"select count(*) from origin_digests
        where digests -> 'names' = jsonb_build_array(left(md5('{"kind": "ALIAS", "name": "A. Sample"}'), 16))"#;
    assert_eq!(base.count(known).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_edition_removes_what_it_no_longer_has_and_that_can_be_reverted() {
    let base = Base::new("complete").await;
    let all = json!({"persons": [person("p1", "Ada"), person("p2", "Ben"), person("p3", "Cleo")]});
    let file = document(&base, "1", "house.json", &all);
    text(&base.import_with(&file, &["--dataset", "house"]));
    // Others refer to Cleo.
    let own = [
        json!({"type": "Source", "slug": "speeches", "title": "Speeches"}),
        json!({
            "type": "Relation", "slug": "tie", "kind": "FAMILY", "subject": "cleo", "object": "ada",
            "citations": [{"source": "speeches", "locator": "1"}],
        }),
    ];
    base.import(&base.file("own.jsonl", lines(&own)));
    let file = document(&base, "2", "house.json", &json!({"persons": [person("p1", "Ada")]}));
    let options = ["--dataset", "house", "--complete"];
    let trial = text(&base.import_with(&file, &[&options[..], &["--dry-run"]].concat()));
    let reported = text(&base.import_with(&file, &options));
    for reported in [&trial, &reported] {
        assert!(reported.contains("removed 1, no longer in the dataset but kept 1"), "{reported}");
    }
    let found: Vec<(String, String)> = names(&base).await;
    assert_eq!(found, [("ada".to_owned(), "Ada".to_owned())]);
    assert_eq!(base.count("select count(*) from actors where slug in ('ben', 'cleo')").await, 1);

    let reported = text(&base.import_with(&file, &options));
    assert!(reported.contains("removed 0") && reported.contains("nothing was written"), "{reported}");

    let editor = Client::of(&base.database).await.as_role(Role::Editor).await;
    let last = base.count("select max(id) from revisions").await;
    let payload =
        change(&editor, "revertRevision", json!({"revision": last}), "records { __typename }").await;
    assert_eq!(payload["userErrors"], json!([]));
    let back =
        "select count(*) from actors a join origins o on o.actor_id = a.id where a.slug in ('ben', 'cleo')";
    assert_eq!(base.count(back).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_entered_for_a_period_stays_there_whatever_periods_an_edition_has() {
    let base = Base::new("periods").await;
    let edition = |number: &str, periods: &[(&str, Option<&str>)]| {
        let memberships = periods.iter().map(|(from, until)| {
            json!({"person_id": "p1", "organization_id": "o1", "start_date": from, "end_date": until})
        });
        let content = json!({
            "persons": [person("p1", "Ada")],
            "organizations": [{"id": "o1", "name": "House"}],
            "memberships": memberships.collect::<Vec<_>>(),
        });
        document(&base, number, "house.json", &content)
    };
    let import = |file: &PathBuf, options: &[&str]| {
        text(&base.import_with(file, &[&["--dataset", "house"], options].concat()))
    };
    let periods = async || -> Vec<String> {
        sqlx::query_scalar(
            "select concat_ws(' ', valid_from, valid_until, label) from relations r
             join origins o on o.relation_id = r.id and o.dataset = 'house' order by valid_from",
        )
        .fetch_all(base.pool())
        .await
        .expect("relations")
    };
    import(&edition("1", &[("2000", Some("2004")), ("2010", None)]), &[]);
    let entered = "select set_config('dossier.requester', 'analyst', true);
                   update relations set label = 'deputy speaker' where valid_from = '2010'";
    sqlx::raw_sql(entered).execute(base.pool()).await.expect("changed");
    // An earlier period comes to light, one is ended, and one begins a day later.
    import(&edition("2", &[("1990", Some("1994")), ("2000", Some("2004")), ("2010", Some("2013"))]), &[]);
    assert_eq!(periods().await, ["1990 1994", "2000 2004", "2010 2013 deputy speaker"]);
    let third = edition("3", &[("2000-01-02", Some("2004")), ("2010", Some("2013"))]);
    import(&third, &["--complete"]);
    assert_eq!(periods().await, ["2000-01-02 2004", "2010 2013 deputy speaker"]);
    assert!(import(&third, &[]).contains("nothing was written"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_cannot_stand_alone_is_left_out() {
    let base = Base::new("alone").await;
    let address =
        json!({"id": "a1", "schema": "Address", "properties": {"full": ["1 Road"], "latitude": ["43.2"]}});
    let company =
        json!({"id": "c1", "schema": "Company", "properties": {"name": ["Mill"], "addressEntity": ["a1"]}});
    let output = base.import_with(&base.file("own.ftm", lines(&[address, company])), &[]);
    assert!(text(&output).contains("latitude"), "{}", text(&output));
    assert_eq!(base.count("select count(*) from actors where latitude is not null").await, 0);
    assert_eq!(base.count("select count(*) from actors where name in ('1 Road', 'Mill')").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_edition_keeps_what_others_cite_another_source_for() {
    let base = Base::new("cited").await;
    let edition = |memberships: &[&str]| {
        let memberships = memberships.iter().map(
            |id| json!({"id": id, "person_id": "p1", "organization_id": "o1", "role": id, "start_date": "2019"}),
        );
        json!({
            "persons": [person("p1", "Ada")],
            "organizations": [{"id": "o1", "name": "House"}],
            "memberships": memberships.collect::<Vec<_>>(),
        })
    };
    let file = document(&base, "1", "house.json", &edition(&["speaker", "whip"]));
    text(&base.import_with(&file, &["--dataset", "house"]));
    let cite = "select set_config('dossier.requester', 'analyst', true);
                insert into sources (slug, title) values ('gazette', 'The gazette');
                insert into citations (source_id, relation_id, locator)
                select (select id from sources where slug = 'gazette'), id, 'p. 3' from relations where label = 'whip'";
    sqlx::raw_sql(cite).execute(base.pool()).await.expect("cited");
    let file = document(&base, "2", "house.json", &edition(&[]));
    let reported = text(&base.import_with(&file, &["--dataset", "house", "--complete"]));
    assert!(reported.contains("removed 1, no longer in the dataset but kept 1"), "{reported}");
    let cited = "select count(*) from relations r join citations c on c.relation_id = r.id
                 join sources s on s.id = c.source_id where r.label in ('speaker', 'whip')";
    assert_eq!(base.count(cited).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn datasets_meet_by_global_identifiers_alone_and_each_keeps_its_names() {
    let base = Base::new("global").await;
    let entity = |id: &str, name: &str, wikidata: &str| json!({"id": id, "schema": "Person", "properties": {"name": [name], "wikidataId": [wikidata]}});
    let one =
        base.file("one.ftm", lines(&[entity("p1", "Ada Sample", "Q1"), entity("p2", "Ada Sample", "Q2")]));
    let two = base
        .file("two.ftm", lines(&[entity("p1", "SAMPLE, Ada", "Q1"), entity("p9", "Somebody Else", "Q9")]));
    let files = [one.to_str().expect("text"), two.to_str().expect("text")];
    // Together, and each again.
    text(&base.import_with(&one, &[files[1]]));
    let people = "select count(distinct actor_id) from origins where key like 'p_'";
    assert_eq!(base.count(people).await, 3);
    let known = "select count(*) from actors a join actor_names n on n.actor_id = a.id
                 where a.name = 'Ada Sample' and n.name = 'SAMPLE, Ada' and n.kind = 'ALIAS'";
    assert_eq!(base.count(known).await, 1);
    for file in [&one, &two] {
        let reported = base.import(file);
        assert!(reported.contains("nothing was written"), "{reported}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_merged_away_is_found_by_its_key_and_its_slug() {
    let base = Base::new("merged-away").await;
    let entities = [
        json!({"id": "p1", "schema": "Person", "properties": {"name": ["Ada Sample"]}}),
        json!({"id": "p2", "schema": "Person", "properties": {"name": ["A. Sample"]}}),
        json!({"id": "c1", "schema": "Company", "properties": {"name": ["Sample LLC"]}}),
        json!({"id": "o1", "schema": "Ownership", "properties": {"owner": ["p2"], "asset": ["c1"], "startDate": ["2019"]}}),
    ];
    let file = base.file("register.ftm", lines(&entities));
    base.import(&file);
    base.merge("ada-sample", "a-sample").await;
    let newer =
        [&entities[..], &[json!({"id": "p3", "schema": "Person", "properties": {"name": ["Someone New"]}})]]
            .concat();
    let reported = base.import(&base.file("register.ftm", lines(&newer)));
    assert!(reported.contains("created 1, updated 0"), "{reported}");
    let own = [
        with(actor("grace"), json!({})),
        json!({"type": "Actor", "slug": "a-sample", "kind": "PERSON", "name": "Ada Sample"}),
        json!({"type": "Source", "slug": "speeches", "title": "Speeches"}),
        json!({
            "type": "Relation", "slug": "tie", "kind": "FAMILY", "subject": "grace", "object": "a-sample",
            "citations": [{"source": "speeches", "locator": "1"}],
        }),
    ];
    let reported = base.import(&base.file("own.jsonl", lines(&own)));
    assert!(reported.contains("created 3, updated 0, unchanged 1"), "{reported}");
    let tie = "select count(*) from relations join actors on actors.id = object_id where relations.slug = 'tie' and actors.slug = 'ada-sample'";
    assert_eq!(base.count(tie).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_that_comes_back_from_an_export_is_still_known() {
    let (base, other) = (Base::new("known").await, Base::new("known-other").await);
    let entities = |end: &str| {
        [
            json!({"id": "p1", "schema": "Person", "properties": {"name": ["Ada Sample"]}}),
            json!({"id": "c1", "schema": "Company", "properties": {"name": ["Sample LLC"]}}),
            json!({"id": "o1", "schema": "Ownership", "properties": {"owner": ["p1"], "asset": ["c1"], "startDate": ["2019"], "endDate": [end]}}),
        ]
    };
    let register = base.file("register.ftm", lines(&entities("2023")));
    text(&base.import_with(&register, &["--dataset", "register"]));
    other.import(&other.file("export.jsonl", base.export(&[])));
    let newer = other.file("register.ftm", lines(&entities("2024")));
    let reported = text(&other.import_with(&newer, &["--dataset", "register"]));
    assert!(reported.contains("created 0, updated 1"), "{reported}");
    assert_eq!(other.count("select count(*) from relations where valid_until = '2024'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ignored_is_told_by_field_and_refused_where_that_is_asked() {
    let base = Base::new("strict").await;
    let entity =
        json!({"id": "p1", "schema": "Person", "properties": {"name": ["Ada"]}, "unheard_of": {"a": [1, 2]}});
    let file = base.file("register.ftm", lines(&[entity]));
    let strict = base.import_with(&file, &["--strict"]);
    let reported = String::from_utf8_lossy(&strict.stderr).into_owned();
    assert!(
        !strict.status.success()
            && reported.contains("unheard_of.a")
            && reported.contains("nothing was imported"),
        "{reported}"
    );
    assert_eq!(base.count("select count(*) from origins").await, 0);
    let reported = base.import(&file);
    assert!(reported.contains("ignored:") && reported.contains("unheard_of.a: 2×"), "{reported}");
    let report = fs::read_to_string(base.path("report.jsonl")).expect("a report");
    let reported: Value = serde_json::from_str(report.lines().last().expect("a line")).expect("JSON");
    assert_eq!(reported["ignored"]["Person.unheard_of.a"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_has_any_name_and_standard_input_needs_one() {
    let base = Base::new("names").await;
    let file = document(&base, "1", "house.json", &json!({"persons": [person("p1", "Ada")]}));
    text(&base.import_with(&file, &["--dataset", "US Senate: 2026/ä"]));
    assert_eq!(base.count("select count(*) from sources where slug = 'us-senate-2026-a'").await, 1);
    let long = "x".repeat(101);
    for wrong in ["", " house", "two\nlines", long.as_str()] {
        let output = base.import_with(&file, &["--dataset", wrong]);
        let reported = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && reported.contains("--dataset takes"), "{reported}");
    }
    let mut importing = base.importing(Path::new("-")).spawn().expect("dossier runs");
    let content = json!({"persons": [person("p1", "Ben")]}).to_string();
    importing.stdin.take().expect("piped").write_all(content.as_bytes()).expect("written");
    let output = importing.wait_with_output().expect("it ended");
    let reported = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && reported.contains("needs --dataset"), "{reported}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_yields_to_another_one_is_counted() {
    let base = Base::new("yields").await;
    let one = json!({"persons": [{"id": "p1", "name": "Ada", "birth_date": "1960", "identifiers": [{"scheme": "wikidata", "identifier": "Q900001001"}]}]});
    base.import(&document(&base, "1", "one.json", &one));
    let two = json!({"id": "p9", "schema": "Person", "properties": {"name": ["Ada"], "wikidataId": ["Q900001001"], "birthDate": ["1961-02-03"]}});
    let reported = text(&base.import_with(&base.file("two.ftm", lines(&[two])), &[]));
    assert!(reported.contains("Actor.bornOn: left out: another value stands"), "{reported}");
    assert_eq!(base.count("select count(*) from actors where name = 'Ada' and born_on = '1960'").await, 1);
    // The same in one document.
    let three = json!({
        "persons": [person("p1", "Cleo")],
        "vote_events": [{"id": "d1", "identifier": "Bill 1", "votes": [
            {"voter_id": "p1", "option": "yes"}, {"voter_id": "p1", "option": "no"}, {"voter_id": "p2", "option": "not-voting"},
        ]}],
    });
    let reported = base.import(&document(&base, "3", "three.json", &three));
    for line in
        ["Vote.choice: left out: another value stands", "votes: PERSON: not in the document, named by its id"]
    {
        assert!(reported.contains(line), "{reported}");
    }
    assert_eq!(base.count("select count(*) from votes").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_edition_of_many_names_reads_what_was_given_a_few_times() {
    let base = Base::empty("many-names").await;
    let mut read = Vec::new();
    for count in [500, 2_000] {
        let fragment = |number: u32| {
            format!(r#"{{"id":"p-{count}","schema":"Person","properties":{{"name":["Name {number}"]}}}}"#)
                + "\n"
        };
        let file = base.file("names.ftm.json", (0..count).map(fragment).collect::<String>());
        base.import_with(&file, &["--dataset", "names"]);
        sqlx::query("select pg_stat_reset()").execute(base.pool()).await.expect("a reset");
        let reported = text(&base.import_with(&file, &["--dataset", "names"]));
        assert!(reported.contains("nothing was written"), "{reported}");
        let blocks = "select coalesce(toast_blks_hit + toast_blks_read, 0) from pg_statio_user_tables where relname = 'origin_digests'";
        // Postgres counts them when the import's connection has ended.
        let mut found = 0;
        for _ in 0..100 {
            found = base.count(blocks).await;
            if found > 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        read.push(found);
    }
    assert!(read[0] > 0 && read[1] < 8 * read[0], "{read:?}");
}
