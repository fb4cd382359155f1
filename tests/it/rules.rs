//! What the database itself refuses, and by which name.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::database::database;

/// What an error says: the constraint's name, or nothing where the change was accepted.
async fn api_error(connection: &mut PgConnection, sql: &str) -> Option<String> {
    let mut change = connection.begin().await.expect("a transaction");
    let requester = "select set_config('dossier.requester', 'test', true)";
    sqlx::query(requester).execute(&mut *change).await.expect("set");
    let done = match sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *change).await {
        // Deferred constraints are checked now.
        Ok(_) => sqlx::raw_sql("set constraints all immediate").execute(&mut *change).await,
        failed => failed,
    };
    let api_error = done.err().map(|error| match error {
        sqlx::Error::Database(error) => error.constraint().unwrap_or(error.message()).to_owned(),
        other => panic!("{sql}: {other}"),
    });
    change.rollback().await.expect("taken back");
    api_error
}

#[tokio::test]
async fn the_rules_of_the_model_are_the_databases() {
    let database = database().await;
    let mut connection = database.pool().acquire().await.expect("a connection");
    let tokayev = "(select id from actors where slug = 'kassym-jomart-tokayev')";
    let kazakhstan = "(select id from actors where slug = 'kazakhstan')";
    let washington = "(select id from actors where slug = 'washington')";
    let statement = |speaker: &str, rest: &str, values: &str| {
        format!(
            "insert into statements (slug, speaker_id, medium, summary, event_type, rendering{rest})
             values ('new', {speaker}, 'SPEECH', 'It was said.', 'STATEMENT', {values})"
        )
    };
    let relation = |object: &str, rest: &str, values: &str| {
        format!(
            "insert into relations (slug, kind, subject_id, object_id{rest})
             values ('new', 'OTHER', {tokayev}, {object}{values})"
        )
    };
    let vote = |votes: &str| {
        format!(
            "insert into motions (slug, name) values ('new', 'New');
             insert into divisions (slug, name, motion_id) select slug, name, id from motions where slug = 'new';
             insert into votes (slug, division_id, actor_id, choice, party_id)
             select v.slug, divisions.id, {tokayev}, v.choice::vote_choice, v.party_id::bigint
             from divisions, (values {votes}) v (slug, choice, party_id) where divisions.slug = 'new'"
        )
    };
    let event = |rest: &str, values: &str| {
        format!(
            "insert into events (slug, summary, event_type{rest}) values ('new', 'It was done.', 'ASSAULT'{values})"
        )
    };
    for (sql, rule) in [
        ("insert into actors (slug, kind, name) values ('Not a slug', 'PERSON', 'X')".into(), "slug_form"),
        ("insert into actors (slug, kind, name) values ('x', 'PERSON', ' ')".into(), "filled_text_not_blank"),
        ("insert into actors (slug, kind, name) values ('israel', 'COUNTRY', 'X')".into(), "actors_slug_key"),
        (statement(tokayev, "", "'VERBATIM'"), "statements_quote_iff_verbatim"),
        (statement(tokayev, ", quote", "'PARAPHRASE', 'Words'"), "statements_quote_iff_verbatim"),
        (statement(washington, "", "'PARAPHRASE'"), "statements_speaker_kind"),
        (
            statement(tokayev, ", publication_id", &format!("'PARAPHRASE', {kazakhstan}")),
            "statements_publication_kind",
        ),
        (statement(tokayev, "", "'PARAPHRASE'"), "statements_cited"),
        (
            statement(tokayev, ", on_behalf_of_id", &format!("'PARAPHRASE', {tokayev}")),
            "statements_on_behalf_of_another",
        ),
        (statement(tokayev, ", said_on", "'PARAPHRASE', '2026-02-30'"), "partial_date_form"),
        ("update statements set event_type = 'SHOUT'".into(), "statements_event_type_fkey"),
        (
            "update statements set publication_id = (select id from actors where slug = 'musavat')
             where meeting_id is not null"
                .into(),
            "statements_meeting_or_publication",
        ),
        ("update actors set kind = 'PLACE' where slug = 'kassym-jomart-tokayev'".into(), "statements_speaker_kind"),
        ("update actors set kind = 'PERSON' where slug = 'washington'".into(), "meetings_venue_kind"),
        ("update actors set kind = 'GROUP' where slug = 'the-national-interest'".into(), "statements_publication_kind"),
        (format!("update meetings set venue_id = {tokayev}"), "meetings_venue_kind"),
        (
            "update meetings set starts_on = '2026-03', ends_on = '2026-02-28'".into(),
            "meetings_start_before_end",
        ),
        (
            "update meetings set parent_id = (select id from meetings where slug = 'inaugural-peace-council-meeting')
             where slug = 'tokayev-visit-to-the-united-states'"
                .into(),
            "meetings_no_cycle",
        ),
        ("update topics set parent_id = id where slug = 'investments'".into(), "topics_no_cycle"),
        (relation(tokayev, "", ""), "relations_between_two"),
        (relation(kazakhstan, "", ""), "relations_cited"),
        (relation(kazakhstan, ", valid_from, valid_until", ", '2026', '2025-12'"), "relations_start_before_end"),
        (relation(kazakhstan, ", share", ", 100.5"), "relations_share_percent"),
        (relation(kazakhstan, ", on_behalf_of_id", &format!(", {tokayev}")), "relations_on_behalf_of_another"),
        (statement(tokayev, ", ordinal", "'PARAPHRASE', 0"), "statements_ordinal_in_meeting"),
        ("update statements set ordinal = 0 where meeting_id is not null".into(), "statements_ordinal_positive"),
        ("update statements set language = '?'".into(), "statements_language_form"),
        ("update actors set born_on = '1953-05-17' where kind = 'COUNTRY'".into(), "actors_born_on_kind"),
        ("update actors set died_on = '2026' where kind = 'MEDIA'".into(), "actors_died_on_kind"),
        ("update actors set gender = 'MALE' where kind = 'GROUP'".into(), "actors_gender_kind"),
        ("update actors set founded_on = '1953' where kind = 'PERSON'".into(), "actors_founded_on_kind"),
        ("update actors set dissolved_on = '1953' where kind = 'PERSON'".into(), "actors_dissolved_on_kind"),
        (
            "update actors set organization_kind = 'PARTY' where kind = 'PERSON'".into(),
            "actors_organization_kind_kind",
        ),
        (
            "update actors set born_on = '1953-06', died_on = '1953-05' where kind = 'PERSON'".into(),
            "actors_born_before_died",
        ),
        (
            "update actors set founded_on = '1991', dissolved_on = '1990-12-31' where kind = 'COUNTRY'".into(),
            "actors_founded_before_dissolved",
        ),
        ("update actors set latitude = 90.5, longitude = 0".into(), "actors_latitude_range"),
        ("update actors set latitude = 0, longitude = 'nan'".into(), "actors_longitude_range"),
        ("update actors set latitude = 51.2".into(), "actors_both_coordinates"),
        (
            "update actors set latitude = 0, longitude = 0, coordinate_precision = 0".into(),
            "actors_coordinate_precision_positive",
        ),
        ("update actors set coordinate_precision = 1".into(), "actors_precision_of_coordinates"),
        (
            "insert into actor_links (actor_id, url, kind) values (1, 'example.org', 'WEBSITE')".into(),
            "actor_links_url_form",
        ),
        (
            "insert into actor_names (actor_id, name, kind, valid_from, valid_until)
             values (1, 'X', 'FORMER', '1999', '1998')"
                .into(),
            "actor_names_start_before_end",
        ),
        ("delete from citations where position_id is not null".into(), "positions_cited"),
        ("update citations set locator = ''".into(), "filled_text_not_blank"),
        ("update citations set topic_id = 1 where actor_id is not null".into(), "citations_one_record"),
        ("update positions set statement_id = 1, commentary_id = 1".into(), "positions_one_evidence"),
        ("update commentary_targets set actor_id = 1, topic_id = 1".into(), "commentary_targets_one_target"),
        ("update commentaries set ordinal = 1".into(), "commentaries_ordinal_key"),
        (event("", ""), "events_cited"),
        (event(", mode", ", 'demo'"), "events_mode_fkey"),
        (event(", killed", ", -1"), "events_killed_not_negative"),
        (event(", injured", ", -1"), "events_injured_not_negative"),
        (event(", amount, currency", ", -0.01, 'USD'"), "events_amount_not_negative"),
        (event(", amount, currency", ", 'NaN', 'USD'"), "events_amount_not_negative"),
        (event(", amount, currency", ", 1, 'usd'"), "events_currency_form"),
        (event(", amount", ", 1"), "events_amount_with_currency"),
        (event(", currency", ", 'USD'"), "events_amount_with_currency"),
        (event(", occurred_on, ended_on", ", '2026', '2025'"), "events_start_before_end"),
        (event(", place_id", &format!(", {tokayev}")), "events_place_kind"),
        ("update positions set vote_id = 1".into(), "positions_one_evidence"),
        (vote(&format!("('a', 'FOR', {tokayev})")), "votes_party_is_another"),
        (vote("('a', 'FOR', null), ('b', 'AGAINST', null)"), "votes_one_of_an_actor"),
        (vote("('a', 'FOR', null)"), "motions_cited"),
        ("delete from actors where slug = 'israel'".into(), "commentary_targets_actor_id_fkey"),
        ("delete from revisions".into(), "revisions_append_only"),
        ("truncate statement_topics".into(), "revisions_no_truncate"),
        ("set local dossier.requester = ''; update topics set name = name || '.'".into(), "revisions_requester"),
    ] {
        assert_eq!(api_error(&mut connection, &sql).await.as_deref(), Some(rule), "{sql}");
    }
}

#[tokio::test]
async fn what_the_model_allows_is_accepted() {
    let database = database().await;
    let mut connection = database.pool().acquire().await.expect("a connection");
    for sql in [
        // Two actors may share a name.
        "insert into actors (slug, kind, name) values ('other-trump', 'PERSON', 'Donald Trump')",
        // A record goes together with its citations and what it owns.
        "delete from commentary_targets where statement_id = 1; delete from positions where statement_id = 1;
         delete from statements where id = 1",
        // A citation may be replaced within one change.
        "delete from citations where statement_id = 1;
         insert into citations (source_id, locator, statement_id) values (1, 'L99', 1)",
        "update meetings set starts_on = '2026-02-19', ends_on = '2026-02'",
        "update relations set valid_from = '2019'",
        // Nobody may know who spoke.
        "update statements set speaker_id = null, speaker_role = 'A deputy' where id = 1",
        // One name may be in use twice.
        "insert into actor_names (actor_id, name, kind, valid_from, valid_until)
         values (1, 'X', 'FORMER', '1999', '2001'), (1, 'X', 'FORMER', '2004', '2005')",
    ] {
        assert_eq!(api_error(&mut connection, sql).await, None, "{sql}");
    }
}

#[tokio::test]
async fn a_partial_date_means_all_the_days_that_it_may() {
    let database = database().await;
    for (date, days) in [
        ("2024", Some("[2024-01-01,2025-01-01)")),
        ("2024-02", Some("[2024-02-01,2024-03-01)")),
        ("2024-12", Some("[2024-12-01,2025-01-01)")),
        ("2024-02-29", Some("[2024-02-29,2024-03-01)")),
        ("2023-02-29", None),
        ("2024-13", None),
        ("0000", None),
        ("24", None),
        ("2024-2-9", None),
    ] {
        let range = sqlx::query_scalar::<_, Option<String>>("select partial_date_range($1)::text").bind(date);
        assert_eq!(range.fetch_one(database.pool()).await.expect("a range").as_deref(), days, "{date}");
    }
}

#[tokio::test]
async fn every_change_leaves_a_revision_and_no_change_leaves_none() {
    let database = database().await;
    let mut change = database.pool().begin().await.expect("a transaction");
    sqlx::raw_sql(
        "select set_config('dossier.requester', 'somebody', true);
         update actors set name = name;
         update actors set name = 'K.-J. Tokayev' where slug = 'kassym-jomart-tokayev';
         delete from meeting_topics where topic_id = (select id from topics where slug = 'reconstruction-of-gaza');
         insert into topics (slug, name) values ('new', 'New');
         delete from topics where slug = 'new';",
    )
    .execute(&mut *change)
    .await
    .expect("changed");
    let reported: Vec<(String, String, Option<String>, Option<String>)> = sqlx::query_as(
        "select operation::text, part::text, old_value ->> 'name', new_value ->> 'name'
         from revisions where requester = 'somebody' order by id",
    )
    .fetch_all(&mut *change)
    .await
    .expect("revisions");
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        reported,
        [
            ("UPDATE".into(), "actors".into(), text("Kassym-Jomart Tokayev"), text("K.-J. Tokayev")),
            ("UPDATE".into(), "meeting_topics".into(), None, None),
            ("CREATE".into(), "topics".into(), None, text("New")),
            ("DELETE".into(), "topics".into(), text("New"), None),
        ]
    );
}

#[tokio::test]
async fn everything_in_the_database_is_described_and_every_reference_is_indexed() {
    let database = database().await;
    let undescribed: Vec<String> = sqlx::query_scalar(
        "select format('%s.%s', c.relname, a.attname) from pg_class c
         left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         where c.relnamespace in ('public'::regnamespace, 'dossier_importing'::regnamespace)
         and c.relkind in ('r', 'v') and c.relname not like '\\_%'
         and (obj_description(c.oid, 'pg_class') is null or col_description(c.oid, a.attnum) is null)",
    )
    .fetch_all(database.pool())
    .await
    .expect("names");
    assert_eq!(undescribed, Vec::<String>::new());
    let unindexed: Vec<String> = sqlx::query_scalar(
        "select r.conname::text from pg_constraint r where r.contype = 'f' and r.connamespace = 'public'::regnamespace
         and not exists (select from pg_index i where i.indrelid = r.conrelid and i.indkey[0] = r.conkey[1])",
    )
    .fetch_all(database.pool())
    .await
    .expect("names");
    assert_eq!(unindexed, Vec::<String>::new());
    let immediate: Vec<String> = sqlx::query_scalar(
        "select conname::text from pg_constraint
         where contype = 'f' and connamespace = 'public'::regnamespace and not condeferrable",
    )
    .fetch_all(database.pool())
    .await
    .expect("names");
    assert_eq!(immediate, Vec::<String>::new(), "what is undone may come back before what it refers to");
}

#[tokio::test]
async fn the_seed_invents_nothing_that_the_article_leaves_open() {
    let database = database().await;
    let invented: Vec<String> = sqlx::query_scalar(
        "select 'a date' from meetings where held_during is not null
         union all select 'a date' from statements where said_during is not null
         union all select 'a date' from sources where published_during is not null
         union all select 'a date' from relations where valid_during is not null
         union all select 'a quote' from statements where rendering = 'VERBATIM' or quote is not null
         union all select 'an author' from source_authors
         union all select 'an identifier' from actor_identifiers where scheme <> 'wikidata' and scheme not like 'iso3166-%'
         union all select 'an address' from sources where url is not null
         union all select 'a judgement' from sources where reliability is not null
         union all select 'a likelihood' from commentaries where likelihood is not null or confidence is not null
         union all select 'a member' from relations where kind = 'MEMBERSHIP'
         union all select 'a meeting that was not' from meetings where status <> 'OCCURRED'
         union all select 'a line that is not' from citations
             where locator !~ '^L([1-9]|[12][0-9]|3[0-3])$' or locator in ('L8', 'L14', 'L18', 'L23', 'L28', 'L31')",
    )
    .fetch_all(database.pool())
    .await
    .expect("inventions");
    assert_eq!(invented, Vec::<String>::new());
    let uncited: i64 = sqlx::query_scalar(
        "select (select count(*) from actors where id not in (select actor_id from citations where actor_id is not null))
              + (select count(*) from meetings where id not in (select meeting_id from citations where meeting_id is not null))
              + (select count(*) from topics where id not in (select topic_id from citations where topic_id is not null))",
    )
    .fetch_one(database.pool())
    .await
    .expect("a count");
    assert_eq!(uncited, 0, "every record has its line");
}

#[tokio::test]
async fn every_rule_on_values_says_in_words_what_is_wrong() {
    let database = database().await;
    let silent: Vec<String> = sqlx::query_scalar(
        "select conname::text from pg_constraint c
         where connamespace = current_schema()::regnamespace and obj_description(oid, 'pg_constraint') is null
         and (contype = 'c' or contype = 'f' and not condeferred and not exists (
             select from unnest(confkey) key join pg_attribute a on a.attrelid = confrelid and a.attnum = key
             where a.atttypid = 'bigint'::regtype
         )) order by 1",
    )
    .fetch_all(database.pool())
    .await
    .expect("rules");
    assert_eq!(silent, [""; 0]);
}
