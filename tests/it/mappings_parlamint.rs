//! `ParlaMint` and Parla-CLARIN as they are imported. Everybody in it is invented.

use std::{fs, io::Write};

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

use crate::bulk::Base;

const NAMESPACE: &str = r#"xmlns="http://www.tei-c.org/ns/1.0" xmlns:xi="http://www.w3.org/2001/XInclude""#;

/// A sitting of 2021-03-04 with these sections.
fn sitting(id: &str, sections: &str) -> String {
    format!(
        r##"<?xml version="1.0" encoding="UTF-8"?>
<TEI {NAMESPACE} xml:id="{id}" xml:lang="tt" ana="#parla.sitting #covid">
 <teiHeader><fileDesc>
  <titleStmt><title type="main" xml:lang="en">Corpus Q, 2021-03-04 [ParlaMint SAMPLE]</title><title type="sub" xml:lang="en">Minutes of 2021-03-04</title>
   <meeting n="3" corresp="#Q.PARL" ana="#parla.term #Q.3"/></titleStmt>
  <sourceDesc><bibl><title>Official record</title><idno type="URI">https://parliament.example/2021-03-04</idno><date when="2021-03-05"/></bibl></sourceDesc>
 </fileDesc><profileDesc><settingDesc><setting><name type="city">Qtown</name><date when="2021-03-04"/></setting></settingDesc></profileDesc></teiHeader>
 <text><body>{sections}</body></text></TEI>"##
    )
}

fn persons(persons: &str) -> String {
    format!(
        r#"<listPerson {NAMESPACE} xml:id="ParlaMint-QQ-listPerson" xml:lang="tt">{persons}</listPerson>"#
    )
}

fn organizations(organizations: &str) -> String {
    format!(r#"<listOrg {NAMESPACE} xml:id="ParlaMint-QQ-listOrg" xml:lang="tt">{organizations}</listOrg>"#)
}

const PARLIAMENT: &str = r#"<org xml:id="Q.PARL" role="parliament"><orgName full="yes" xml:lang="en">Parliament of Q</orgName>
  <listEvent><event xml:id="Q.2" from="2012-01-10" to="2016-02-01"><label xml:lang="en">Second term</label></event>
   <event xml:id="Q.3" from="2016-02-10"><label xml:lang="en">Third term</label></event></listEvent></org>"#;

/// The one text that a query gives.
async fn text(base: &Base, sql: &str) -> String {
    let sql =
        format!("select coalesce(string_agg(it::text, '; ' order by it::text), '') from ({sql}) t (it)");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(base.pool()).await.expect("a text")
}

async fn names(base: &Base, key: &str) -> String {
    text(
        base,
        &format!(
            "select concat_ws(' ', n.kind, n.name, n.language, n.valid_from, n.valid_until) from actor_names n
             join origins o on o.actor_id = n.actor_id where o.key = '{key}'"
        ),
    )
    .await
}

async fn name(base: &Base, key: &str) -> String {
    text(
        base,
        &format!("select name from actors join origins o on o.actor_id = actors.id where o.key = '{key}'"),
    )
    .await
}

async fn quotes(base: &Base) -> String {
    text(base, "select concat(ordinal, ' ', quote) from statements where ordinal is not null").await
}

/// What the report says of the fields of the last import.
fn fields(base: &Base, what: &str) -> Value {
    let report = fs::read_to_string(base.path("report.jsonl")).unwrap_or_default();
    let reported = report.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut fields = Value::Null;
    for line in reported.filter(|line| !line[what].is_null()) {
        fields = line[what].clone();
    }
    fields
}

#[tokio::test(flavor = "multi_thread")]
async fn xml_is_read_in_the_encoding_that_it_declares() {
    let base = Base::empty("parlamint-encodings").await;
    let speech = r##"<div type="debateSection"><u who="#A" xml:id="u1"><seg>Öğrenci, şehir, İstanbul.</seg></u></div>"##;
    let document = sitting("ParlaMint-QQ_1", speech);
    let utf16: Vec<u8> = format!("\u{feff}{document}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let turkish = document.replacen("UTF-8", "ISO-8859-9", 1);
    let byte = |letter: char| match letter {
        'ğ' => 0xf0,
        'ş' => 0xfe,
        'İ' => 0xdd,
        letter => u8::try_from(letter).expect("a Latin letter"),
    };
    let turkish: Vec<u8> = turkish.chars().map(byte).collect();
    base.import_with(&base.file("one.xml", document), &[]);
    let read = quotes(&base).await;
    assert!(read.contains("Öğrenci, şehir, İstanbul."), "{read}");
    for (name, content) in [("turkish.xml", turkish), ("utf16.xml", utf16)] {
        let reported = base.import(&base.file(name, content));
        assert!(reported.contains("nothing was written"), "{name}: {reported}");
    }
    let unknown =
        base.import_with(&base.file("unknown.xml", "<?xml version='1.0' encoding='EBCDIC'?><TEI/>"), &[]);
    let reported = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(reported.contains("the encoding `EBCDIC` is not known"), "{reported}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_chosen_by_language_and_date_and_put_in_its_order() {
    let base = Base::new("parlamint-names").await;
    let list = persons(
        r#"<person xml:id="Ash">
   <persName to="2004-05-01"><surname>Elm</surname><forename>Tia</forename><forename>May</forename></persName>
   <persName from="2004-05-02"><surname>Ash</surname><forename>Tia</forename><forename>May</forename></persName>
   <sex value="F"/><birth when="1971-02-03"><placeName>Qtown</placeName></birth><death when="2020"/></person>
  <person xml:id="Лесна"><persName xml:lang="tt"><surname>Лесна</surname><surname type="patronym">Радіївна</surname><forename>Іва</forename></persName>
   <persName xml:lang="en"><forename>Iva</forename><surname>Lesna</surname></persName></person>
  <person xml:id="Ruyter"><persName><roleName>Dr</roleName><surname>Ruyter</surname><nameLink>van de</nameLink><forename>Mo</forename><addName>Momo</addName></persName>
   <idno type="URI" subtype="wikimedia" xml:lang="en">https://en.wikipedia.example/Mo</idno><idno type="VIAF">https://viaf.org/viaf/777000777</idno><idno type="pool">17</idno></person>
  <person xml:id="Whole"><persName>Sol  Whole</persName></person>"#,
    );
    base.import(&base.file("ParlaMint-QQ-listPerson.xml", list));
    assert_eq!(name(&base, "Ash").await, "Tia May Ash");
    assert_eq!(names(&base, "Ash").await, "FORMER Tia May Elm tt 2004-05-01");
    assert_eq!(name(&base, "Лесна").await, "Iva Lesna");
    assert_eq!(names(&base, "Лесна").await, "ALIAS Іва Радіївна Лесна tt");
    assert_eq!(name(&base, "Ruyter").await, "Mo van de Ruyter");
    assert_eq!(names(&base, "Ruyter").await, "ALIAS Momo tt");
    assert_eq!(name(&base, "Whole").await, "Sol Whole");
    let of = "select concat_ws(' ', gender, born_on, died_on) from actors where name = 'Tia May Ash'";
    assert_eq!(text(&base, of).await, "FEMALE 1971-02-03 2020");
    let known = "select concat(scheme, ' ', value) from actor_identifiers i join actors a on a.id = i.actor_id where a.name = 'Mo van de Ruyter'";
    assert_eq!(text(&base, known).await, "parlamint-qq:pool 17; viaf 777000777");
    let links = "select concat_ws(' ', kind, url, note) from actor_links";
    assert_eq!(text(&base, links).await, "PROFILE https://en.wikipedia.example/Mo wikimedia (en)");
    assert_eq!(fields(&base, "ignored")["person.persName.roleName"], 1);
    assert_eq!(fields(&base, "ignored")["person.birth.placeName"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sat_and_held_which_office_is_known_with_dates_and_terms() {
    let base = Base::new("parlamint-seats").await;
    let relations = "select concat_ws(' ', r.kind, o.name, r.label, r.valid_from, r.valid_until, r.term) from relations r
                join actors s on s.id = r.subject_id join actors o on o.id = r.object_id where s.name = 'Tia Ash'";
    let person = |affiliations: &str| {
        persons(&format!(
            r#"<person xml:id="Ash"><persName><forename>Tia</forename><surname>Ash</surname></persName>{affiliations}</person>"#
        ))
    };
    let organizations = organizations(&format!(
        r#"{PARLIAMENT}<org xml:id="Q.GOV" role="government"><orgName full="yes" xml:lang="en">Cabinet of Q</orgName></org>
           <org xml:id="party.L" role="politicalParty"><orgName full="yes" xml:lang="en">Lake</orgName><orgName full="init">L</orgName>
            <event from="1990-01-01"><label xml:lang="en">existence</label></event></org>
           <org xml:id="party.M" role="politicalParty"><orgName full="abb">M</orgName><orgName full="yes" xml:lang="tt">Mead</orgName></org>"#
    ));
    let root = format!(
        r#"<teiCorpus {NAMESPACE} xml:id="ParlaMint-QQ"><teiHeader><fileDesc><titleStmt><title type="main" xml:lang="en">Corpus Q [ParlaMint]</title></titleStmt></fileDesc>
           <profileDesc><particDesc>{organizations}{{}}</particDesc></profileDesc></teiHeader></teiCorpus>"#
    );
    let first = root.replace(
        "{}",
        &person(
            r##"<affiliation role="member" ref="#Q.PARL" ana="#Q.3"/><affiliation role="MP" ref="#Q.PARL" ana="#Q.2" from="2013-01-01" to="2016-02-01"/>
    <affiliation role="minister" ref="#Q.GOV" from="2019-12-03T00:00:00+02:00" to="2021-05-01Z"><roleName xml:lang="tt">Су</roleName><roleName xml:lang="en">Minister of Water</roleName></affiliation>
    <affiliation role="member" ref="#party.L #party.M" from="2015" to="2016-02"/><affiliation role="head" ref="#party.X"/>"##,
        ),
    );
    base.import(&base.file("ParlaMint-QQ.xml", first));
    let seats = "MEMBERSHIP Lake 2015 2016-02; MEMBERSHIP Mead 2015 2016-02; MEMBERSHIP Parliament of Q 2016-02-10 Third term; MEMBERSHIP Parliament of Q MP 2013-01-01 2016-02-01 Second term; POSITION Cabinet of Q Minister of Water 2019-12-03 2021-05-01; POSITION party.X head";
    assert_eq!(text(&base, relations).await, seats);
    let kinds = "select concat_ws(' ', name, organization_kind, founded_on) from actors where organization_kind is not null";
    assert_eq!(
        text(&base, kinds).await,
        "Cabinet of Q GOVERNMENT; Lake PARTY 1990-01-01; Mead PARTY; Parliament of Q PARLIAMENT"
    );
    assert_eq!(names(&base, "party.L").await, "ABBREVIATION L");
    assert_eq!(names(&base, "party.M").await, "ABBREVIATION M");
    assert_eq!(text(&base, "select title from sources where slug = 'parlamint-qq'").await, "Corpus Q");

    // A newer edition, in another folder: she left one party and the other term began earlier.
    let second = root.replace(
        "{}",
        &person(
            r##"<affiliation role="member" ref="#party.L" from="2015" to="2018-01-01"/><affiliation role="member" ref="#party.L" from="2011" to="2012"/>
    <affiliation role="minister" ref="#Q.GOV" from="2019-12-03" to="2021-06-01"><roleName xml:lang="en">Minister of Water</roleName></affiliation>"##,
        ),
    );
    fs::create_dir(base.path("second")).expect("a folder");
    let file = base.file("second/ParlaMint-QQ.xml", second);
    let output = base.import_with(&file, &["--complete"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let left = "MEMBERSHIP Lake 2011 2012; MEMBERSHIP Lake 2015 2018-01-01; POSITION Cabinet of Q Minister of Water 2019-12-03 2021-06-01";
    assert_eq!(text(&base, relations).await, left);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_speech_has_its_own_words_heading_and_order() {
    let base = Base::new("parlamint-speeches").await;
    let sections = r##"<div type="debateSection"><head>Water <note>(bill 7)</note></head>
 <u who="#Ash" ana="#chair" xml:id="u1"><seg>We begin
   with the lakes.<note type="time">10.05</note> It is
   <gap reason="inaudible"><desc>noise</desc></gap>large.</seg><vocal><desc>Laughter</desc></vocal><seg>Next.</seg></u>
 <u ana="#regular" xml:id="u3"><seg>Hear, hear!</seg></u>
 <u who="#Ash" xml:id="u4" next="#u5"><seg>First half</seg></u><u who="#Elm" xml:id="i1"><seg>No!</seg></u>
 <u who="#Ash" xml:id="u5" prev="#u4"><seg xml:lang="en">second half.</seg></u>
 <u who="#Elm" xml:id="u7"><p>In a paragraph &amp; more.</p></u><u who="#Elm" xml:id="u8"><note>leaves</note></u></div>
 <div type="debateSection"><u who="#Guest.Of.Q" ana="#guest" xml:id="u9"><seg>No heading here.</seg></u></div>"##;
    let reported =
        base.import(&base.file("ParlaMint-QQ_2021-03-04.xml", sitting("ParlaMint-QQ_2021-03-04", sections)));
    assert!(reported.contains("rejected 0"), "{reported}");
    let said = "1 We begin with the lakes. It is […] large.\nNext.; 2 Hear, hear!; 3 First half\nsecond half.; 4 No!; 5 In a paragraph & more.; 6 No heading here.";
    assert_eq!(quotes(&base).await, said);
    let summaries = "select concat(ordinal, ' ', summary) from statements where ordinal in (1, 6)";
    assert_eq!(
        text(&base, summaries).await,
        "1 [Water (bill 7)] We begin with the lakes. It is […] large. Next.; 6 No heading here."
    );
    let speakers = "select concat_ws(' ', ordinal, a.name, speaker_role, language, said_on, count(c.*)) from statements s left join actors a on a.id = speaker_id
                    join citations c on c.statement_id = s.id where ordinal is not null group by ordinal, a.name, speaker_role, language, said_on";
    let each = "1 Ash Chairperson tt 2021-03-04 1; 2 tt 2021-03-04 1; 3 Ash mul 2021-03-04 2; 4 Elm tt 2021-03-04 1; 5 Elm tt 2021-03-04 1; 6 Guest.Of.Q Guest tt 2021-03-04 1";
    assert_eq!(text(&base, speakers).await, each);
    let took_part = "select concat(p.role, ' ', a.name) from meeting_participants p join actors a on a.id = p.actor_id join meetings m on m.id = p.meeting_id
                     where m.name = 'Minutes of 2021-03-04'";
    assert_eq!(text(&base, took_part).await, "CHAIR Ash; GUEST Guest.Of.Q; HOST Q.PARL; SPEAKER Elm");
    let source = "select concat_ws(' ', title, url, published_on, count(*)) from sources join citations c on c.source_id = sources.id
                  where c.statement_id is not null and url like '%example%' group by title, url, published_on";
    assert_eq!(
        text(&base, source).await,
        "Official record https://parliament.example/2021-03-04 2021-03-05 7"
    );
    let (changed, ignored) = (fields(&base, "changed"), fields(&base, "ignored"));
    assert_eq!(changed["u: left out: it has no words"], 1, "{changed}");
    assert_eq!(
        (&ignored["u.note"], &ignored["u.vocal.desc"], &ignored["TEI@ana"]),
        (&2.into(), &1.into(), &1.into()),
        "{ignored}"
    );

    // Once more, nothing is new; and who is described later gets the name.
    let reported = base.import(&base.path("ParlaMint-QQ_2021-03-04.xml"));
    assert!(reported.contains("nothing was written"), "{reported}");
    let list = persons(
        r#"<person xml:id="Ash"><persName><surname>Ash</surname><forename>Tia</forename></persName></person>"#,
    );
    base.import(&base.file("ParlaMint-QQ-listPerson.xml", list));
    assert_eq!((name(&base, "Ash").await.as_str(), names(&base, "Ash").await.as_str()), ("Tia Ash", ""));
    for file in ["ParlaMint-QQ_2021-03-04.xml", "ParlaMint-QQ-listPerson.xml"] {
        let reported = base.import(&base.path(file));
        assert!(reported.contains("nothing was written"), "{file} {reported}");
    }
    assert_eq!((name(&base, "Ash").await.as_str(), names(&base, "Ash").await.as_str()), ("Tia Ash", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_annotated_version_is_the_same_sitting_with_the_same_words() {
    let base = Base::new("parlamint-annotated").await;
    let plain =
        r##"<div><u who="#Ash" xml:id="u1"><seg xml:id="s1">We’re here, in Qtown. Yes.</seg></u></div>"##;
    base.import(&base.file("ParlaMint-QQ_2021-03-04.xml", sitting("ParlaMint-QQ_2021-03-04", plain)));
    let annotated = r##"<div><u who="#Ash" xml:id="u1"><seg xml:id="s1">
   <s xml:id="s1.1"><w xml:id="w1" lemma="we" join="right">We</w> <w>’re<w norm="are"/></w>
     <w join="right">here</w><pc>,</pc>
     <w>in</w> <name type="LOC"><w join="right">Qtown</w></name><pc>.</pc><linkGrp><link target="#w1"/></linkGrp></s>
   <s><w join="right">Yes</w> <pc>.</pc></s></seg></u></div>"##;
    let file =
        base.file("ParlaMint-QQ_2021-03-04.ana.xml", sitting("ParlaMint-QQ_2021-03-04.ana", annotated));
    let reported = base.import(&file);
    assert!(reported.contains("nothing was written"), "{reported}");
    assert_eq!(quotes(&base).await, "1 We’re here, in Qtown. Yes.");
    assert_eq!(fields(&base, "ignored")["w@lemma"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corpus_is_read_by_its_root_and_never_outside_its_folder() {
    let base = Base::new("parlamint-corpus").await;
    fs::create_dir_all(base.path("corpus/2021")).expect("folders");
    let root = format!(
        r#"<teiCorpus {NAMESPACE} xml:id="ParlaMint-QQ.ana" xml:lang="tt"><teiHeader>
   <fileDesc><titleStmt><title type="main" xml:lang="tt">Корпус</title><title type="main" xml:lang="en">Corpus Q [ParlaMint.ana SAMPLE]</title></titleStmt>
    <publicationStmt><idno type="URI" subtype="handle">http://hdl.example/1</idno><date when="2023-01-02"/></publicationStmt></fileDesc>
   <profileDesc><particDesc><xi:include href="ParlaMint-QQ-listOrg.xml"/><xi:include href="ParlaMint-QQ-listPerson.xml"><xi:fallback/></xi:include></particDesc></profileDesc></teiHeader>
  <xi:include href="2021/a.xml"/><xi:include href="2021/b.xml"/><xi:include href="../outside.xml"/><xi:include href="/etc/hostname"/>
  <xi:include href="https://parliament.example/c.xml"/><xi:include href="2021/a.xml"/><xi:include href="link.xml"/></teiCorpus>"#
    );
    let part =
        sitting("ParlaMint-QQ_2021-03-04", r##"<div><u who="#Ash" xml:id="u1"><seg>Here.</seg></u></div>"##);
    let outside = sitting(
        "ParlaMint-QQ_2021-03-05",
        r##"<div><u who="#Ash" xml:id="u2"><seg>Outside.</seg></u></div>"##,
    );
    base.file("outside.xml", outside);
    std::os::unix::fs::symlink(base.path("outside.xml"), base.path("corpus/link.xml")).expect("a link");
    base.file("corpus/2021/a.xml", part);
    base.file("corpus/ParlaMint-QQ-listOrg.xml", organizations(PARLIAMENT));
    let list = persons(
        r#"<person xml:id="Ash"><persName><surname>Ash</surname><forename>Tia</forename></persName></person>"#,
    );
    base.file("corpus/ParlaMint-QQ-listPerson.xml", list);
    let file = base.file("corpus/ParlaMint-QQ.ana.xml", root);
    let reported = base.import(&file);
    assert!(reported.contains("dataset parlamint-qq\n"), "{reported}");
    assert_eq!(quotes(&base).await, "1 Here.");
    assert_eq!(name(&base, "Ash").await, "Tia Ash");
    let changed = fields(&base, "changed");
    let changed: Vec<&String> = changed.as_object().expect("fields").keys().collect();
    assert_eq!(
        changed,
        [
            "include ../outside.xml: left out: it is outside the folder of the corpus",
            "include /etc/hostname: left out: it is outside the folder of the corpus",
            "include 2021/a.xml: left out: it is read already",
            "include 2021/b.xml: left out: there is no such file",
            "include https://parliament.example/c.xml: left out: it is not a file of the corpus",
            "include link.xml: left out: it is outside the folder of the corpus",
        ]
    );
    let source = "select concat_ws(' ', title, url, published_on) from sources where slug = 'parlamint-qq'";
    assert_eq!(text(&base, source).await, "Corpus Q http://hdl.example/1 2023-01-02");
    let reported = base.import(&file);
    assert!(reported.contains("nothing was written"), "{reported}");

    // Each file alone says nothing else.
    for part in ["2021/a.xml", "ParlaMint-QQ-listOrg.xml", "ParlaMint-QQ-listPerson.xml"] {
        let reported = base.import(&base.path(&format!("corpus/{part}")));
        assert!(reported.contains("nothing was written"), "{part} {reported}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn coalitions_and_oppositions_relate_parties() {
    let base = Base::new("parlamint-relations").await;
    let list = organizations(
        r##"<org xml:id="GOV" role="government"><orgName full="yes">Cabinet</orgName><listEvent><event xml:id="GOV.1" from="2015-01-01" to="2016-01-01"><label>First cabinet</label></event></listEvent></org>
   <org xml:id="A"><orgName>A</orgName></org><org xml:id="B"><orgName>B</orgName></org><org xml:id="C"><orgName>C</orgName></org>
   <listRelation><relation name="coalition" mutual="#A #B" from="2015-01-01T10:00:00" to="2016-01-01" ana="#GOV.1"/><relation name="coalition" mutual="#A #B" from="2017-01-01"/>
    <relation name="opposition" active="#C" passive="#GOV" ana="#GOV.1"/><relation name="renaming" active="#B" passive="#A" when="2012-05-05"/>
    <relation name="coalition" mutual="#A"/></listRelation>"##,
    );
    base.import(&base.file("ParlaMint-QQ-listOrg.xml", list));
    let relations = "select concat_ws(' ', r.kind, s.name, o.name, r.label, r.valid_from, r.valid_until, r.term) from relations r
                     join actors s on s.id = r.subject_id join actors o on o.id = r.object_id join origins g on g.relation_id = r.id";
    let all = "COALITION A B 2015-01-01 2016-01-01 First cabinet; COALITION A B 2017-01-01; OPPOSITION C Cabinet 2015-01-01 2016-01-01 First cabinet; OTHER B A renaming 2012-05-05 2012-05-05";
    assert_eq!(text(&base, relations).await, all);
    let changed = fields(&base, "changed");
    assert_eq!(changed["listRelation.relation: left out: it does not relate two"], 1, "{changed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_shared_by_all_parliaments_or_described_by_a_taxonomy() {
    let base = Base::new("parlamint-topics").await;
    let spoken = r##"<div><u who="#Ash" ana="#chair topic:educa" xml:id="u1"><seg>Schools.</seg></u><u who="#Ash" ana="topic:mixed" xml:id="u2"><seg>All.</seg></u></div>
                     <div ana="topic:fish"><u who="#Ash" xml:id="u3"><seg ana="#boat">Cod.</seg></u></div>"##;
    let taxonomy = r#"<taxonomy xml:id="ParlaMint-taxonomy-topic"><category xml:id="fish"><catDesc xml:lang="tt"><term>Балык</term></catDesc><catDesc xml:lang="en"><term>Fisheries</term>: all of it</catDesc>
                      <category xml:id="boat"><catDesc xml:lang="en"><term>Boats</term></catDesc></category></category></taxonomy>"#;
    let of = |id: &str| {
        sitting(id, spoken).replace(
            "</fileDesc>",
            &format!("</fileDesc><encodingDesc><classDecl>{taxonomy}</classDecl></encodingDesc>"),
        )
    };
    base.import(&base.file("a.xml", of("ParlaMint-QQ_2021-03-04")));
    let topics = "select concat_ws(' ', s.ordinal, t.name, p.name) from statement_topics st join topics t on t.id = st.topic_id left join topics p on p.id = t.parent_id
                  join statements s on s.id = st.statement_id join origins o on o.statement_id = s.id";
    assert_eq!(text(&base, topics).await, "1 Education; 3 Boats Fisheries; 3 Fisheries");
    base.import(&base.file("b.xml", of("ParlaMint-RR_2021-03-04")));
    let count = "select concat(name, ' ', count(*)) from topics where name in ('Education', 'Fisheries') group by name";
    assert_eq!(text(&base, count).await, "Education 1; Fisheries 2");
    assert_eq!(fields(&base, "ignored")["u@ana"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_odd_detail_costs_that_detail() {
    let base = Base::new("parlamint-odd").await;
    let long = "Many words. ".repeat(30_000);
    let sections = format!(
        r##"<u who="#Ash #Elm" xml:id="u1" xml:lang="simple"><seg>One&nbsp;two.</seg></u><u who="#Ash" xml:id="u1"><seg>Same id.</seg></u>
            <u who="#Ash"><seg>No id.</seg></u><u who="#Ash" xml:id="u4"><seg>{long}</seg></u>"##
    );
    let reported = base.import(&base.file("a.xml", sitting("ParlaMint-QQ_2021-03-04", &sections)));
    assert!(reported.contains("rejected 0"), "{reported}");
    let lengths = "select concat(ordinal, ' ', length(quote)) from statements where ordinal is not null";
    assert_eq!(text(&base, lengths).await, "1 13; 2 8; 3 6; 4 160002; 4 199996");
    let list = persons(
        r##"<person xml:id="Bad"><persName/><birth when="1980-13-45"/><sex value="U"/><affiliation role="member" ref="#party.L" from="someday"/><affiliation role="member" ref="#party.M" from="2015" to="2014"/><affiliation role="member"/></person>
            <person><persName>No Id</persName></person>"##,
    );
    let reported = base.import(&base.file("ParlaMint-QQ-listPerson.xml", list));
    assert!(reported.contains("rejected 0"), "{reported}");
    assert_eq!(name(&base, "Bad").await, "Bad");
    let changed = fields(&base, "changed");
    let changed: Vec<&String> = changed.as_object().expect("fields").keys().collect();
    let reported = |start: &str| {
        assert!(changed.iter().any(|reported| reported.starts_with(start)), "{start} {changed:#?}");
    };
    for (attribute, reason) in [
        ("person.affiliation@from", "expected a date"),
        ("person.birth@when", "expected a date"),
        ("person.affiliation@to", "before the start"),
    ] {
        reported(&format!("{attribute}: left out, {reason}"));
    }
    ["name: missing", "person.affiliation@ref: missing", "person@xml:id: missing"]
        .into_iter()
        .for_each(reported);

    let refused = |name: &str, content: &[u8]| {
        let output = base.import_with(&base.file(name, content), &[]);
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(refused("page.xml", b"<html><body/></html>").contains("the root element `html`"));
    let cut = sitting("ParlaMint-QQ_2021-03-04", "");
    assert!(refused("cut.xml", &cut.as_bytes()[..cut.len() - 20]).contains("is the file complete?"));
    let mut nested = GzEncoder::new(Vec::new(), Compression::best());
    nested
        .write_all(b"<TEI xml:id='ParlaMint-QQ'>")
        .and_then(|()| nested.write_all(&b"<div>".repeat(4_000_000)))
        .expect("written");
    assert!(refused("nested.xml.gz", &nested.finish().expect("written")).contains("nested deeper than 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parla_clarin_corpus_without_ids_of_its_own_is_known_by_its_file() {
    let base = Base::new("parla-clarin").await;
    let document = r##"<TEI><teiHeader><fileDesc><titleStmt><title>Sitting 9</title></titleStmt><sourceDesc><bibl><date when="1999-09-09"/></bibl></sourceDesc></fileDesc>
      <profileDesc><particDesc><listPerson><person xml:id="P1"><persName><forename>Una</forename><surname>Rowe</surname><genName>Jr</genName></persName></person></listPerson></particDesc></profileDesc></teiHeader>
      <text><body><div><head>Roads</head><sp who="#P1"><speaker>Rowe:</speaker><p>Build <hi>them</hi>.</p><stage>applause</stage></sp></div></body></text></TEI>"##;
    let reported = base.import(&base.file("sitting-9.xml", document));
    assert!(reported.contains("dataset sitting-9-"), "{reported}");
    let said = "select concat_ws(' ', a.name, quote, said_on, m.name) from statements s join actors a on a.id = speaker_id join meetings m on m.id = s.meeting_id where ordinal = 1";
    assert_eq!(text(&base, said).await, "Una Rowe Jr Build them. 1999-09-09 Sitting 9");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sitting_is_the_text_of_its_source_and_citations_lead_to_its_elements() {
    let base = Base::new("parlamint-texts").await;
    let sections = r##"<div type="debateSection"><head>Bread</head>
        <u who="#A" xml:id="q.u1" next="#q.u3"><seg>We meet.</seg><seg>Again.</seg></u><note>Applause</note>
        <u who="#B" xml:id="q.u2"><seg>Thank you.</seg></u><u who="#A" xml:id="q.u3" prev="#q.u1"><seg>I go on.</seg></u></div>"##;
    let document = sitting("ParlaMint-QQ_2021-03-04", sections);
    base.import(&base.file("ParlaMint-QQ_2021-03-04.xml", document.clone()));
    let passages = "select concat_ws(' ', c.locator, a.state, p.text) from citations c
         join citation_anchors a on a.citation_id = c.id
         join text_passages p on p.sha256 = a.sha256 and p.number = a.first_passage where c.statement_id is not null";
    assert_eq!(
        text(&base, passages).await,
        "q.u1 RESOLVED [#q.u1 #q.u3] We meet.\n; q.u2 RESOLVED [#q.u2] Thank you.\n; q.u3 RESOLVED [#q.u1 #q.u3] We meet.\n"
    );
    let kinds = text(&base, "select concat(media_type, ' ', language, ' ', version) from source_texts").await;
    assert_eq!(kinds, "application/tei+xml tt 1");
    let again = base.import(&base.file("ParlaMint-QQ_2021-03-04.xml", document));
    assert!(again.contains("nothing was written"), "{again}");
}
