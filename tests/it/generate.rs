//! The synthetic base for load tests.

use crate::support::{
    database::{TestDatabase, database},
    process::{dossier, output},
};

fn generate(database: &TestDatabase, seed: &str) {
    let arguments = ["generate", "--statements", "1000", "--seed", seed];
    let output = output(dossier(&[("DATABASE_URL", database.url())]).args(arguments));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A digest of all statements, and of all rules of the database.
async fn digests(database: &TestDatabase) -> (String, String) {
    let statements = "select md5(string_agg(s::text, '' order by id)) from statements s";
    let rules = "select md5(string_agg(rule, '' order by rule)) from (
        select format('%s %s', conname, pg_get_constraintdef(oid)) from pg_constraint
        union all select pg_get_indexdef(indexrelid) from pg_index where indrelid::regclass::text not like 'pg_%'
        union all select format('%s %s', tgname, tgenabled) from pg_trigger where not tgisinternal) rules (rule)";
    let digest =
        |sql| async move { sqlx::query_scalar(sql).fetch_one(database.pool()).await.expect("a digest") };
    (digest(statements).await, digest(rules).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_records_cite_passages_of_generated_texts() {
    let base = database().await;
    let arguments = ["generate", "--statements", "500", "--texts", "3", "--text-length", "20000"];
    let output = output(dossier(&[("DATABASE_URL", base.url())]).args(arguments));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let anchored = "select count(*), count(distinct a.sha256), count(*) filter (
            where c.quote = substr(t.text, a.starts + 1, a.ends - a.starts) and a.first_passage = a.last_passage
        ) from citation_anchors a join citations c on c.id = a.citation_id join (
            select sha256, string_agg(text, '' order by number) as text from text_passages group by sha256
        ) t using (sha256)";
    let (anchors, texts, right): (i64, i64, i64) =
        sqlx::query_as(anchored).fetch_one(base.pool()).await.expect("counts");
    let cited = "select count(*) from citations where quote is not null";
    let cited: i64 = sqlx::query_scalar(cited).fetch_one(base.pool()).await.expect("a count");
    assert_eq!((texts, right), (3, cited));
    assert!(anchors == cited && cited > 500, "{anchors} of {cited}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_makes_the_same_base_and_no_rule_is_lost() {
    let (one, same, other) = (database().await, database().await, database().await);
    let (_, rules) = digests(&one).await;
    generate(&one, "1");
    generate(&same, "1");
    generate(&other, "2");
    let made = digests(&one).await;
    assert_eq!(made, digests(&same).await);
    assert_ne!(made.0, digests(&other).await.0);
    assert_eq!(made.1, rules);

    // Later records continue the numbers and follow all rules.
    generate(&one, "1");
    let odd: i64 = sqlx::query_scalar(
        "select (select count(*) from statements join actors on actors.id = speaker_id
                 where actors.kind in ('PLACE', 'TERRITORY'))
              + (select count(*) from statements where id not in (select statement_id from citations where statement_id is not null))
              + (select abs(count(*) - 2007) from statements)",
    )
    .fetch_one(one.pool())
    .await
    .expect("a count");
    assert_eq!(odd, 0);
}
