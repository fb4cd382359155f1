//! Popolo and congress-legislators become records.

use std::fs;

use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::{
    bulk::{Base, with},
    mappings_ftm::{by_key, records},
};

/// What a query selects, a line for each row.
async fn rows(base: &Base, sql: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(base.pool()).await.expect("rows")
}

/// Relations of datasets: subject, kind, object, label and period.
async fn relations(base: &Base) -> Vec<String> {
    let sql = "select concat_ws(' ', s.name, r.kind, o.name, coalesce(r.label, '-'), coalesce(r.valid_from, '?'), coalesce(r.valid_until, '?'))
               from relations r join actors s on s.id = r.subject_id join actors o on o.id = r.object_id
               join origins on origins.relation_id = r.id order by s.name, r.kind, o.name, r.valid_from nulls first, r.label";
    rows(base, sql).await
}

/// What the report says of the fields of a file: `kept`, `ignored` or `changed`.
fn counts(base: &Base, what: &str) -> Vec<String> {
    let report = fs::read_to_string(base.path("report.jsonl")).unwrap_or_default();
    let reported = report.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let counts = reported.filter_map(|reported| reported[what].as_object().cloned()).flatten();
    counts.map(|(field, count)| format!("{field} {count}")).collect()
}

fn house() -> Value {
    json!({
        "persons": [{"id": "p1", "name": "Ada Sample"}],
        "organizations": [
            {"id": "o1", "name": "Assembly of Examplia", "classification": "legislature"},
            {"id": "x", "name": "Party X", "classification": "party"},
            {"id": "y", "name": "Party Y", "classification": "party"},
        ],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_speech_was_made_at_its_start_or_on_the_day_of_its_event() {
    let base = Base::empty("popolo-speeches").await;
    let speech = |id: &str, of: Value| {
        with(json!({"id": id, "text": format!("Words of {id}."), "creator_id": "a"}), of)
    };
    let persons = json!([{"id": "a", "name": "Ada"}]);
    let events = json!([
        {"id": "day", "name": "A day", "start_date": "2020-02-03"},
        {"id": "week", "name": "A week", "start_date": "2020-02-03", "end_date": "2020-02-09"},
    ]);
    let speeches = json!([
        speech("s1", json!({"start_date": "2020-02-04T10:00:00Z", "event_id": "week"})),
        speech("s2", json!({"event_id": "day"})),
        speech("s3", json!({"event_id": "week"})),
    ]);
    let file = |first: (&str, &Value), then: (&str, &Value)| {
        let [(first, of_first), (then, of_then)] = [first, then];
        let document = format!("{{\"{first}\": {of_first}, \"persons\": {persons}, \"{then}\": {of_then}}}");
        base.file("speeches.json", document)
    };
    base.import(&file(("events", &events), ("speeches", &speeches)));
    let all = records(&base);
    let dates = ["s1", "s2", "s3"].map(|key| by_key(&all, "Statement", key)["saidOn"].clone());
    assert_eq!(json!(dates), json!(["2020-02-04", "2020-02-03", null]));
    let reported = base.import(&file(("speeches", &speeches), ("events", &events)));
    assert!(reported.contains("nothing was written"), "{reported}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_odd_detail_of_popolo_costs_that_detail_and_not_the_record() {
    let base = Base::new("popolo-odd").await;
    let document = json!({
        "persons": [
            {"id": "p1", "name": "Ada Sample", "other_names": null, "identifiers": null, "memberships": null},
            {"id": "p2"},
            {"id": 3, "given_name": "Cal", "family_name": "Sample", "birth_date": 1970, "death_date": "soon",
             "other_names": [
                {"name": "C. Sample", "note": "alternate"}, {"name": "C. Sample", "note": "alternate"},
                {"name": "Cal the Simple", "lang": "simple"}, {"name": ""},
             ]},
            "nobody",
            {"name": ""},
        ],
        "organizations": [{"id": "", "name": "Without an id"}, {"id": "o1", "name": "Assembly"}],
        "posts": null,
        "memberships": [
            {"person_id": 3, "organization_id": "o1", "start_date": 2010, "end_date": "2012-00-00"},
            {"person_id": "p1", "organization_id": "unlisted"},
            {"id": "", "person_id": "p1", "organization_id": "o1", "start_date": "2015-05-01T10:00:00Z", "end_date": "2014"},
        ],
    });
    let file = base.file("odd.json", document.to_string());
    base.import_with(&file, &[]);
    assert_eq!(base.report().len(), 1, "{:?}", base.report());
    assert_eq!(base.report()[0].2, "The record needs an id or a name.");
    let names = "select a.name from actors a join origins o on o.actor_id = a.id order by a.id";
    assert_eq!(
        rows(&base, names).await,
        ["Ada Sample", "p2", "Cal Sample", "Without an id", "Assembly", "unlisted"]
    );
    let further = "select concat_ws(' ', n.name, n.kind, n.language) from actor_names n join origins o on o.actor_id = n.actor_id order by n.id";
    assert_eq!(rows(&base, further).await, ["C. Sample ALIAS", "Cal the Simple ALIAS"]);
    assert_eq!(
        relations(&base).await,
        [
            "Ada Sample MEMBERSHIP Assembly - 2015-05-01 ?",
            "Ada Sample MEMBERSHIP unlisted - ? ?",
            "Cal Sample MEMBERSHIP Assembly - 2010 2012"
        ]
    );
    let changed = counts(&base, "changed");
    for reported in [
        "name: missing, the key is used 1",
        "organizations.id: missing, the name is used 1",
        "persons.death_date: left out, expected a date 1",
        "persons.other_names.lang: left out, expected the tag of a language 1",
        "persons.other_names.name: left out: given twice 1",
        "memberships.end_date: left out, before the start 1",
        "persons: left out, expected an object 1",
        "memberships: ORGANIZATION: not in the document, named by its id 1",
    ] {
        assert!(changed.iter().any(|change| change == reported), "{reported}: {changed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_refers_to_itself_and_half_a_character_cost_that_detail() {
    let base = Base::empty("popolo-itself").await;
    let document = json!({
        "persons": [{"id": "p", "name": "Ada HALF", "links": [{"url": "https://example.org/a b"}, {"url": "not a link"}],
                     "sources": [{"url": "https://example.org/one two"}]}],
        "organizations": [{"id": "o", "name": "Assembly", "parent_id": "o"}],
        "areas": [{"id": "a", "name": "North", "parent_id": "a"}],
        "memberships": [{"person_id": "o", "organization_id": "o"}, {"person_id": "p", "organization_id": "o"}],
        "events": [
            {"id": "self", "name": "Alone", "parent_id": "self"},
            {"id": "one", "name": "One", "parent_id": "two"},
            {"id": "two", "name": "Two", "parent_id": "one"},
            {"id": "three", "name": "Three", "parent_id": "two"},
        ],
    });
    let file = base.file("itself.json", document.to_string().replace("HALF", "\\ud83d"));
    let output = base.import_with(&file, &[]);
    assert!(output.status.success(), "{:?}", base.report());
    let all = records(&base);
    assert_eq!(by_key(&all, "Actor", "p")["name"], "Ada \u{fffd}");
    let parents = ["self", "one", "two", "three"].map(|key| by_key(&all, "Meeting", key)["parent"].clone());
    let [one, two] = ["one", "two"].map(|key| by_key(&all, "Meeting", key)["slug"].clone());
    assert_eq!(json!(parents), json!([null, two, null, two]), "{one}");
    assert_eq!(relations(&base).await, ["Ada \u{fffd} MEMBERSHIP Assembly - ? ?"]);
    let changed = counts(&base, "changed");
    for reported in [
        "text: replaced by U+FFFD, half of a surrogate pair is no character 1",
        "Meeting.parent: left out: The record would be its own ancestor. 2",
        "Relation.object: the record is left out: An actor is not tied to itself. 3",
    ] {
        assert!(changed.iter().any(|change| change == reported), "{reported}: {changed:?}");
    }
    let reported = base.import(&file);
    assert!(reported.contains("nothing was written"), "{reported}");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_that_is_no_popolo_is_refused_as_such() {
    let base = Base::new("popolo-none").await;
    for document in [r#"{"rows": [{"id": "1"}]}"#, r#"[{"id": "1"}]"#, r#"{"persons": [{"id": "1"}"#, "3"] {
        let output = base.import_with(&base.file("some.json", document), &["--format", "popolo"]);
        assert_eq!(output.status.code(), Some(1), "{document}");
    }
    let output = base.import_with(&base.file("some.json", r#"{"rows": []}"#), &["--format", "popolo"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("no list of a Popolo document"));
    assert_eq!(base.count("select count(*) from origins").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_sit_in_the_legislative_periods_of_their_memberships() {
    let base = Base::new("popolo-terms").await;
    let mut document = json!({
        // What memberships refer to may come after them.
        "memberships": [
            {"person_id": "p1", "organization_id": "o1", "on_behalf_of_id": "x", "role": "member", "legislative_period_id": "t1", "area_id": "north"},
            {"person_id": "p1", "organization_id": "o1", "on_behalf_of_id": "x", "role": "member", "legislative_period_id": "t2", "end_date": "2006-03-01"},
            {"person_id": "p1", "on_behalf_of_id": "y", "role": "Member", "legislative_period_id": "t2", "start_date": "2006-03-02"},
            {"person_id": "p1", "organization_id": "o1", "on_behalf_of_id": "x", "legislative_period_id": "t4"},
        ],
        "events": [
            {"id": "t1", "name": "First", "classification": "legislative period", "start_date": "1999-01-01", "end_date": "2003-12-31", "organization_id": "o1"},
            // Its end is a mistake.
            {"id": "t2", "name": "Second", "classification": "legislative period", "start_date": "2004", "end_date": "2003", "organization_id": "o1"},
            {"id": "t3", "name": "Third", "classification": "legislative period", "start_date": "2009-01-15", "organization_id": "o1"},
            {"id": "t4", "name": "Fourth", "classification": "legislative period", "start_date": "2013-01-01", "organization_id": "o1"},
            {"id": "sitting", "name": "A sitting", "classification": "sitting", "start_date": "2013-02-01", "organization_id": "o1"},
        ],
        "areas": [{"id": "north", "name": "The North", "parent_id": "all"}, {"id": "all", "name": "Examplia"}],
    });
    document.as_object_mut().unwrap().extend(house().as_object().unwrap().clone());
    let file = base.file("terms.json", document.to_string());
    base.import(&file);
    assert_eq!(
        relations(&base).await,
        [
            "Ada Sample MEMBERSHIP Assembly of Examplia - 1999-01-01 2003-12-31",
            "Ada Sample MEMBERSHIP Assembly of Examplia - 2004 2006-03-01",
            "Ada Sample MEMBERSHIP Assembly of Examplia - 2006-03-02 2009-01-15",
            "Ada Sample MEMBERSHIP Assembly of Examplia - 2013-01-01 ?",
            // One membership of a party for the terms that follow on each other.
            "Ada Sample MEMBERSHIP Party X - 1999-01-01 2006-03-01",
            "Ada Sample MEMBERSHIP Party X - 2013-01-01 ?",
            "Ada Sample MEMBERSHIP Party Y - 2006-03-02 2009-01-15",
            "The North LOCATION Examplia - ? ?",
        ]
    );
    assert_eq!(
        rows(&base, "select m.name::text from meetings m join origins o on o.meeting_id = m.id").await,
        ["A sitting"]
    );
    assert!(base.import(&file).contains("nothing was written"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_popolo_edition_ends_a_membership_and_doubles_none() {
    let base = Base::new("popolo-editions").await;
    let edition = |memberships: Value| {
        let mut document = house();
        document["memberships"] = memberships;
        base.file("house.json", document.to_string())
    };
    let seat = |from: &str, until: Option<&str>| json!({"person_id": "p1", "organization_id": "o1", "role": "Chair", "start_date": from, "end_date": until});
    base.import(&edition(json!([seat("2018", None), seat("2010", Some("2012"))])));
    let reported = base.import(&edition(json!([
        seat("2010", Some("2012")),
        seat("2018", Some("2024")),
        seat("2018", Some("2024"))
    ])));
    assert!(reported.contains("created 0, updated 1,"), "{reported}");
    assert_eq!(
        relations(&base).await,
        [
            "Ada Sample POSITION Assembly of Examplia Chair 2010 2012",
            "Ada Sample POSITION Assembly of Examplia Chair 2018 2024",
        ]
    );
    let keys = "select key from origins where relation_id is not null order by key";
    assert_eq!(rows(&base, keys).await, ["p1 POSITION o1 as Chair", "p1 POSITION o1 as Chair (period 2)"]);
    // With an id, whatever else changes.
    let seat = |role: &str| json!([{"id": "m1", "person_id": "p1", "organization_id": "x", "role": role, "start_date": "2019"}]);
    base.import(&edition(seat("Whip")));
    assert!(base.import(&edition(seat("Leader"))).contains("created 0, updated 1,"));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_embedded_in_popolo_memberships_are_records() {
    let base = Base::new("popolo-embedded").await;
    let document = json!({"memberships": [
        {"person": {"id": "p1", "name": "Ada Sample", "memberships": []}, "organization": {"id": "o1", "name": "Assembly"},
         "post": {"id": "s1", "label": "Speaker"}, "area": {"id": "north", "name": "The North"}, "start_date": "2001"},
        {"person_id": "p1", "organization": {"name": "Committee without an id", "classification": "Committee"}},
        {"person_id": "p1"},
    ]});
    base.import_with(&base.file("embedded.json", document.to_string()), &[]);
    assert_eq!(
        relations(&base).await,
        [
            "Ada Sample POSITION Assembly Speaker 2001 ?",
            "Ada Sample MEMBERSHIP Committee without an id - ? ?",
        ]
    );
    let reported = base.report();
    assert_eq!(reported.len(), 1);
    assert_eq!(reported[0].2, "A membership needs a person and an organization.");
    assert_eq!(reported[0].1, "memberships (record 3)");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_is_embedded_twice_has_one_parent() {
    let base = Base::new("popolo-parents").await;
    let committee = json!({"id": "o1", "name": "Committee", "parent_id": "o0"});
    let document = json!({
        "persons": [{"id": "p1", "name": "Ada Sample"}, {"id": "p2", "name": "Ben Sample"}],
        "organizations": [{"id": "o0", "name": "House"}, {"id": "o2", "name": "Office", "parent_id": "missing"}],
        "memberships": [
            {"person_id": "p1", "organization": committee},
            {"person_id": "p2", "organization": committee},
        ],
    });
    let reported = base.import(&base.file("parents.json", document.to_string()));
    assert!(reported.contains("rejected 0"), "{reported}");
    assert_eq!(base.count("select count(*) from relations where kind = 'HIERARCHY'").await, 1);
    let left_out = "Relation.object: the record is left out: what it refers to is not there 1";
    assert!(counts(&base, "changed").iter().any(|change| change == left_out));
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_popolo_names_are_cited() {
    let base = Base::new("popolo-sources").await;
    let page = "https://house.example/members";
    let document = json!({
        "meta": {"sources": [page]},
        "persons": [
            {"id": "p1", "name": "Ada Sample", "sources": [{"url": page}]},
            {"id": "p2", "name": "Ben Sample", "sources": [{"url": page, "note": "Members"}]},
        ],
    });
    let file = base.file("house.json", document.to_string());
    base.import(&file);
    let cited = "select concat_ws(' ', a.name, s.title, s.url) from citations c join actors a on a.id = c.actor_id
                 join sources s on s.id = c.source_id join origins o on o.source_id = s.id where o.key <> 'dataset' order by 1";
    assert_eq!(
        rows(&base, cited).await,
        [format!("Ada Sample [{page}] {page}"), format!("Ben Sample [{page}] {page}")]
    );
    let dataset = format!(
        "select count(*) from sources s join origins o on o.source_id = s.id where o.key = 'dataset' and s.url = '{page}'"
    );
    assert_eq!(base.count(&dataset).await, 1);
    assert!(base.import(&file).contains("nothing was written"));
}

const ADA: &str = "\
- id: {bioguide: X000001, wikidata: Q900001, fec: [H1, S1], thomas: '00007'}
  name: {first: Ada, middle: M., last: Sample-Roe, nickname: Addie, official_full: Ada Sample-Roe}
  other_names:
  - {last: Sample, end: '2007-12-17'}
  bio: {birthday: '1950-02-03', gender: F}
  family:
  - {name: Cal Sample, relation: daughter}
  leadership_roles:
  - {title: Minority Whip, chamber: house, start: '2003-01-07', end: '2005-01-03'}
  terms:
  - {type: rep, start: '2001-01-03', end: '2003-01-03', state: NJ, district: 2, party: Democrat, url: 'http://old.example', phone: 202-555-0101}
  - {type: rep, start: '2003-01-07', end: '2005-01-03', state: NJ, district: 2, party: Democrat}
  - type: rep
    start: '2019-01-03'
    end: '2021-01-03'
    state: NJ
    district: 2
    party: Republican
    party_affiliations:
    - {start: '2019-01-03', end: '2019-12-18', party: Democrat}
    - {start: '2019-12-19', end: '2021-01-03', party: Republican}
  - {type: sen, start: '2021-01-03', end: '2027-01-03', state: NJ, class: 2, party: Independent, caucus: Democrat, how: appointment, url: 'https://new.example'}
";

#[tokio::test(flavor = "multi_thread")]
async fn legislators_have_parties_by_date_and_gaps_in_service() {
    let base = Base::new("legislators-parties").await;
    let file = base.file("some-legislators.yaml", ADA);
    base.import(&file);
    assert_eq!(
        relations(&base).await,
        [
            "Ada Sample-Roe POSITION United States House of Representatives Representative for NJ-2 2001-01-03 2003-01-03",
            "Ada Sample-Roe POSITION United States House of Representatives Minority Whip 2003-01-07 2005-01-03",
            "Ada Sample-Roe POSITION United States House of Representatives Representative for NJ-2 2003-01-07 2005-01-03",
            "Ada Sample-Roe POSITION United States House of Representatives Representative for NJ-2 2019-01-03 2021-01-03",
            "Ada Sample-Roe POSITION United States Senate Senator for NJ (class 2), appointed 2021-01-03 2027-01-03",
            "Ada Sample-Roe MEMBERSHIP Democratic Party - 2001-01-03 2005-01-03",
            "Ada Sample-Roe MEMBERSHIP Democratic Party - 2019-01-03 2019-12-18",
            "Ada Sample-Roe MEMBERSHIP Independent - 2021-01-03 2027-01-03",
            "Ada Sample-Roe MEMBERSHIP Republican Party - 2019-12-19 2021-01-03",
            "Ada Sample-Roe PARTICIPATION Democratic Party Caucuses with the party 2021-01-03 2027-01-03",
            "Ada Sample-Roe FAMILY Cal Sample daughter ? ?",
        ]
    );
    let names = "select concat_ws(' ', n.kind, n.name) from actor_names n join actors a on a.id = n.actor_id
                 where a.name = 'Ada Sample-Roe' order by n.id";
    assert_eq!(
        rows(&base, names).await,
        ["ALIAS Ada M. Sample-Roe", "ALIAS Addie Sample-Roe", "FORMER Ada M. Sample"]
    );
    let title = "select s.title from sources s join origins o on o.source_id = s.id and o.dataset = 'congress-legislators'";
    assert_eq!(rows(&base, title).await, ["[congress-legislators: members of the United States Congress]"]);
    let parties =
        "select count(*) from actor_identifiers where scheme = 'wikidata' and value in ('Q29552', 'Q29468')";
    assert_eq!(base.count(parties).await, 2);
    // The same in another edition under another name.
    let again = base.import(&base.file("other.yaml", format!("# An edition\n---\n{ADA}...\n")));
    assert!(again.contains("nothing was written"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn legislators_come_as_yaml_of_any_indentation_and_as_json() {
    let base = Base::new("legislators-json").await;
    let indented = ADA.lines().fold(String::from("---\n"), |text, line| format!("{text}    {line}\n"));
    base.import(&base.file("indented.yaml", indented));
    let made = relations(&base).await;
    assert_eq!(made.len(), 11);
    let document = json!([
        {"id": {"bioguide": "X000002"}, "name": {"first": "Ben", "last": "Sample"},
         "terms": [{"type": "rep", "start": "2025-01-03", "end": "2027-01-03", "state": "WY", "district": 0, "party": "no party"}]},
        // A president who was never in Congress.
        {"id": {"govtrack": 7, "icpsr_prez": 9}, "name": {"first": "Dee", "last": "Sample"},
         "terms": [{"type": "prez", "start": "1901-03-04", "end": "1905-03-04", "party": "Whig", "how": "election"}]},
        {"id": {"bioguide": "X000002"}, "social": {"twitter": "ben"}},
    ]);
    let file = base.file("two.json", document.to_string());
    base.import(&file);
    assert_eq!(
        relations(&base).await[made.len()..],
        [
            "Ben Sample POSITION United States House of Representatives Representative for WY 2025-01-03 2027-01-03",
            "Dee Sample POSITION Federal government of the United States President 1901-03-04 1905-03-04",
            "Dee Sample MEMBERSHIP Whig - 1901-03-04 1905-03-04",
        ]
    );
    let ignored = counts(&base, "ignored");
    assert!(ignored.contains(&"social.twitter 1".to_owned()), "{ignored:?}");
    assert!(base.import(&file).contains("nothing was written"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_senator_who_became_vice_president_keeps_what_both_files_say() {
    let base = Base::new("executives").await;
    let person = |ids: &str, name: &str, term: &str| {
        format!("- id: {{bioguide: R000001, {ids}}}\n  name: {name}\n  terms:\n  - {term}\n")
    };
    let senator = person(
        "lis: S001",
        "{first: Rosa, last: Sample, nickname: Ro}",
        "{type: sen, start: '2011-01-03', end: '2017-01-03', state: OH, party: Democrat}",
    );
    let executive = person(
        "icpsr_prez: 99999",
        "{first: Rosa, middle: Q., last: Sample}",
        "{type: viceprez, start: '2017-01-20', end: '2021-01-20', party: Democrat}",
    );
    let files = [("legislators-historical.yaml", senator), ("executive.yaml", executive)]
        .map(|(name, text)| base.file(name, text));
    for file in &files {
        base.import(file);
    }
    for file in &files {
        assert!(base.import(file).contains("nothing was written"));
    }
    let identifiers = "select i.scheme || ' ' || i.value from actor_identifiers i
                       join actors a on a.id = i.actor_id and a.kind = 'PERSON' where a.name like 'Rosa%' order by 1";
    assert_eq!(
        rows(&base, identifiers).await,
        [
            "bioguide R000001",
            "congress-legislators-executive:icpsr_prez 99999",
            "congress-legislators:lis S001"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn committees_and_their_members_are_known_by_their_content() {
    let base = Base::new("legislators-committees").await;
    let committees = "\
- type: house
  name: House Committee on Samples
  thomas_id: HSXX
  house_committee_id: XX
  url: https://samples.example
  jurisdiction: All samples.
  names: {93: House Committee on Examples, 94: House Committee on Examples, 95: House Committee on Samples}
  subcommittees:
  - {name: Small Samples, thomas_id: '01'}
- {type: joint, name: Joint Committee on Nothing, thomas_id: JSXX}
";
    let members = "\
HSXX:
- {name: Ada Sample-Roe, party: majority, rank: 1, title: Chair, bioguide: X000001}
HSXX01:
- {name: Ada Sample-Roe, party: minority, rank: 2, bioguide: X000001}
- {name: Nobody, party: minority, rank: 3}
";
    // Members come before what says who they are.
    base.import_with(&base.file("members.yaml", members), &[]);
    assert_eq!(
        relations(&base).await[..],
        ["Ada Sample-Roe POSITION HSXX Chair ? ?", "Ada Sample-Roe MEMBERSHIP HSXX01 Minority member ? ?"]
    );
    base.import(&base.file("legislators.yaml", ADA));
    let before = relations(&base).await.len();
    base.import(&base.file("committees.yaml", committees));
    let output = base.import_with(&base.file("members.yaml", members), &[]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("nothing was written"));
    let reported = base.report();
    assert!(reported.len() == 1 && reported[0].0 == 5 && reported[0].1 == "members.bioguide", "{reported:?}");
    let all = relations(&base).await;
    let new: Vec<&str> = all
        .iter()
        .map(String::as_str)
        .filter(|tie| tie.contains("Committee") || tie.contains("Small"))
        .collect();
    assert_eq!(all.len(), before + new.len() - 2);
    assert_eq!(
        new,
        [
            "Ada Sample-Roe POSITION House Committee on Samples Chair ? ?",
            "Ada Sample-Roe MEMBERSHIP Small Samples Minority member ? ?",
            "House Committee on Samples HIERARCHY United States House of Representatives - ? ?",
            "Joint Committee on Nothing HIERARCHY United States Congress - ? ?",
            "Small Samples HIERARCHY House Committee on Samples - ? ?",
        ]
    );
    let former = "select n.name::text from actor_names n where n.kind = 'FORMER' and n.name like 'House%'";
    assert_eq!(rows(&base, former).await, ["House Committee on Examples"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn motions_of_popolo_have_divisions_and_votes() {
    let base = Base::new("popolo-votes").await;
    let mut document = house();
    document["vote_events"] = json!([
        {"id": "v1", "motion_id": "b1", "start_date": "2020-05-01T09:30:00", "result": "pass", "identifier": "Division 1",
         "counts": [{"option": "yes", "value": 1}],
         "votes": [{"voter_id": "p1", "option": "yes", "group_id": "x"}, {"voter_id": "p1", "option": "perhaps"}]},
        {"id": "v2", "name": "On nothing", "result": "unclear", "votes": [{"voter_id": "p1", "option": "leave of absence"}]},
    ]);
    document["motions"] = json!([{
        "id": "b1", "identifier": "B 1", "text": "That samples be taken.", "creator_id": "p1", "date": "2020-04",
        "vote_events": [{"id": "v3", "start_date": "2020-06", "votes": [{"voter_id": "p1", "option": "no"}]}],
    }]);
    let file = base.file("votes.json", document.to_string());
    base.import_with(&file, &[]);
    let reported = base.report();
    assert!(
        reported.len() == 1 && reported[0].1 == "votes.option" && reported[0].2.contains("`perhaps`"),
        "{reported:?}"
    );
    let votes =
        "select concat_ws(' | ', m.name, d.name, d.held_on, d.result, a.name, v.choice, p.name) from votes v
                 join divisions d on d.id = v.division_id join motions m on m.id = d.motion_id
                 join actors a on a.id = v.actor_id left join actors p on p.id = v.party_id
                 join origins o on o.vote_id = v.id order by o.key";
    assert_eq!(
        rows(&base, votes).await,
        [
            "B 1: That samples be taken. | Division 1 | 2020-05-01 | PASSED | Ada Sample | FOR | Party X",
            "On nothing | On nothing | Ada Sample | ABSENT",
            "B 1: That samples be taken. | B 1: That samples be taken. | 2020-06 | Ada Sample | AGAINST",
        ]
    );
    base.import_with(&file, &[]);
    assert_eq!(
        base.count("select count(distinct change) from revisions where requester = 'import'").await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn actors_of_popolo_have_lives_kinds_links_and_seats_their_party_area_and_term() {
    let base = Base::new("popolo-facts").await;
    let mut document = house();
    document["persons"] = json!([{
        "id": "p1", "name": "Ada Sample", "birth_date": "1950-02", "gender": "female", "summary": "A sample.", "biography": "Born.",
        "image": "https://house.example/ada.jpg", "images": [{"url": "https://house.example/ada.jpg"}], "email": "ada@house.example",
        "links": [{"url": "https://en.wikipedia.org/wiki/Ada", "note": "Wikipedia (en)"}, {"url": "https://ada.example", "note": "website"}],
        "contact_details": [{"type": "fax", "value": "202 555 0102"}, {"type": "address", "value": "1 Street"}],
        "other_names": [{"name": "Ada Roe", "start_date": "1950", "end_date": "1975"}],
    }]);
    document["areas"] =
        json!([{"id": "n", "name": "The North", "geometry": {"type": "Point", "coordinates": [10.5, 50]}}]);
    document["events"] = json!([{"id": "t1", "name": "First term", "classification": "legislative period"}]);
    document["memberships"] = json!([
        {"person_id": "p1", "organization_id": "o1", "on_behalf_of_id": "x", "legislative_period_id": "t1", "area_id": "n"},
    ]);
    base.import(&base.file("facts.json", document.to_string()));
    let facts = "select concat_ws(' | ', a.name, a.kind, a.organization_kind, a.born_on, a.gender, a.latitude, a.longitude, replace(a.summary, E'\\n\\n', ' '))
                 from actors a join origins o on o.actor_id = a.id order by a.id";
    assert_eq!(
        rows(&base, facts).await,
        [
            "Ada Sample | PERSON | 1950-02 | FEMALE | A sample. Born.",
            "Assembly of Examplia | ORGANIZATION | PARLIAMENT",
            "Party X | ORGANIZATION | PARTY",
            "Party Y | ORGANIZATION | PARTY",
            "The North | PLACE | 50 | 10.5",
        ]
    );
    let links = "select concat_ws(' ', kind, url, note) from actor_links order by id";
    assert_eq!(
        rows(&base, links).await,
        [
            "IMAGE https://house.example/ada.jpg",
            "PROFILE https://en.wikipedia.org/wiki/Ada Wikipedia (en)",
            "WEBSITE https://ada.example website",
            "CONTACT mailto:ada@house.example",
            "CONTACT tel:202-555-0102 fax",
        ]
    );
    assert_eq!(
        counts(&base, "ignored"),
        ["persons.contact_details.type 1", "persons.contact_details.value 1"]
    );
    let former = "select concat_ws(' ', name, kind, valid_from, valid_until) from actor_names n where n.name = 'Ada Roe'";
    assert_eq!(rows(&base, former).await, ["Ada Roe FORMER 1950 1975"]);
    let seat = "select concat_ws(' | ', r.area, r.term, p.name) from relations r join actors p on p.id = r.on_behalf_of_id";
    assert_eq!(rows(&base, seat).await, ["The North | First term | Party X"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn legislators_have_lives_and_links_and_their_seats_an_area() {
    let base = Base::new("legislators-facts").await;
    base.import(&base.file("legislators.yaml", ADA));
    let born = "select concat_ws(' ', born_on, gender) from actors where name = 'Ada Sample-Roe'";
    assert_eq!(rows(&base, born).await, ["1950-02-03 FEMALE"]);
    let links = "select concat_ws(' ', kind, url, note) from actor_links order by id";
    assert_eq!(
        rows(&base, links).await,
        [
            "WEBSITE http://old.example Representative, until 2003-01-03",
            "CONTACT tel:+1-202-555-0101 telephone, until 2003-01-03",
            "WEBSITE https://new.example Senator",
        ]
    );
    let seats = "select concat_ws(' ', r.area, p.name) from relations r left join actors p on p.id = r.on_behalf_of_id
                 where r.area is not null order by r.valid_from";
    assert_eq!(
        rows(&base, seats).await,
        ["NJ-2 Democratic Party", "NJ-2 Democratic Party", "NJ-2", "NJ Independent"]
    );
    let former = "select concat_ws(' ', name, valid_until) from actor_names where kind = 'FORMER' and name like 'Ada%'";
    assert_eq!(rows(&base, former).await, ["Ada M. Sample 2007-12-17"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_datasets_give_one_link_of_a_record_with_different_notes() {
    let base = Base::new("popolo-links").await;
    let house = |name: &str, id: &str, note: &str| {
        let document = json!({"persons": [{
            "id": id, "name": "Ada Sample", "identifiers": [{"scheme": "wikidata", "identifier": "Q900007"}],
            "links": [{"url": "https://ada.example", "note": note}],
        }]});
        base.file(name, document.to_string())
    };
    let links = "select concat_ws(' ', url, note) from actor_links";
    base.import(&house("one.json", "a", "first"));
    base.import(&house("two.json", "b", "second"));
    assert_eq!(rows(&base, links).await, ["https://ada.example first"]);
    let changed = counts(&base, "changed");
    assert_eq!(changed, ["Actor.links: left out: another entry stands for it 1"]);
    assert!(base.import(&house("two.json", "b", "second")).contains("nothing was written"));
    base.import(&house("one.json", "a", "newer"));
    assert_eq!(rows(&base, links).await, ["https://ada.example newer"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_cannot_be_stored_is_shortened() {
    let base = Base::new("long-names").await;
    let content =
        json!({"persons": [{"id": "p1", "name": "Ada\u{0} Sample"}, {"id": "p2", "name": "ä".repeat(700)}]});
    let reported = base.import(&base.file("house.json", content.to_string()));
    assert!(reported.contains("Actor.name: shortened"), "{reported}");
    let found = "select a.name from actors a join origins o on o.actor_id = a.id where o.key in ('p1', 'p2') order by o.key";
    assert_eq!(rows(&base, found).await, ["Ada Sample".to_owned(), format!("{}…", "ä".repeat(648))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_committee_renames_no_present_one_and_words_of_yaml_are_names() {
    let base = Base::new("former-committees").await;
    let current = base.file("committees-current.yaml", "- type: house\n  name: Forests\n  thomas_id: HSXX\n");
    let former = base.file(
        "committees-historical.yaml",
        "- type: house\n  name: Woods\n  thomas_id: HSXX\n  congresses: [93]\n- type: house\n  name: Canals\n  thomas_id: HSYY\n  congresses: [93]\n",
    );
    base.import(&current);
    base.import(&former);
    let found = "select name from actors where name in ('Forests', 'Woods', 'Canals') order by 1";
    assert_eq!(rows(&base, found).await, ["Canals", "Forests"]);
    for file in [&current, &former] {
        assert!(base.import(file).contains("nothing was written"));
    }
    base.import(&base.file("members.yaml", "HSXX:\n- {name: No Yes, bioguide: N000001}\nHSYY: []\n"));
    base.import(&base.file(
        "legislators-current.yaml",
        "- id: {bioguide: N000001}\n  name: {first: No, last: Yes}\n  terms:\n  - {type: rep, start: '2021-01-03', end: '2023-01-03', state: NO, district: 1}\n",
    ));
    let found = "select a.name || ': ' || r.label from actors a join relations r on r.subject_id = a.id and r.label like 'Rep%'";
    assert_eq!(rows(&base, found).await, ["No Yes: Representative for NO-1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_term_of_a_type_that_is_not_known_costs_this_term() {
    let base = Base::new("legislators-term-types").await;
    let yaml = "- id: {bioguide: X1}\n  name: {last: Sample}\n  terms:\n  - {type: del, start: '1912-01-01', party: Whig}\n  \
                - {type: rep, start: '1914-01-01', state: NJ}\n";
    let reported = base.import(&base.file("legislators.yaml", yaml));
    assert!(reported.contains("terms.type: the term is left out, expected one of sen, rep"), "{reported}");
    let found = relations(&base).await;
    assert_eq!(found.len(), 1, "{found:?}");
}
