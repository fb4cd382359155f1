//! Postgres elsewhere: the owner of a database and no more, TLS, and addresses with special characters.

use std::{fmt::Write as _, fs, path::Path};

use dossier::database::account::Account;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};

use crate::support::{
    cluster::Cluster,
    database::{TestDatabase, empty_database},
    process::{self, Process},
};

async fn execute(pool: &PgPool, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(pool).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// What a command prints, which must end with this status.
pub async fn run(settings: &[(&str, &str)], arguments: &[&str], status: i32) -> String {
    let output = process::run(settings, arguments).await;
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("text"));
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {stdout}{stderr}");
    stdout + &stderr
}

/// Migrates, reads, changes, imports and exports.
pub async fn works(settings: &[(&str, &str)]) {
    run(settings, &["migrate"], 0).await;
    let key = run(settings, &["key", "create", "--name", "me", "--role", "editor"], 0).await;
    let key = key.lines().find(|line| line.starts_with("dossier_")).expect("a key");
    let server = Process::start(settings).await;
    // The extensions are found.
    let search = r#"{ search(query: "Tokaev") { nodes { ... on Actor { slug } } } }"#;
    let found = server.response(search).await.expect("a response");
    assert!(found.to_string().contains("kassym-jomart-tokayev"), "{found}");
    let created = server.create_topic(key, "grain").await;
    assert_eq!(created["data"]["createTopic"]["userErrors"], json!([]), "{created}");
    let past = server.response("{ topics(asOf: {revision: 0}) { totalCount } }").await.expect("a response");
    assert_eq!(past["data"]["topics"]["totalCount"], 0, "{past}");
    let ready = reqwest::get(format!("http://{}/health/ready", server.address())).await.expect("a response");
    assert_eq!(
        ready.json::<Value>().await.expect("JSON"),
        json!({"status": "ready", "reading": true, "writing": true})
    );
    assert!(server.stop().success());
    let name = format!("dossier-run-{}-{:x}.jsonl", std::process::id(), fastrand::u64(..));
    let file = std::env::temp_dir().join(name);
    fs::write(&file, json!({"type": "Topic", "slug": "rails", "name": "Rails"}).to_string())
        .expect("written");
    let imported = run(settings, &["import", file.to_str().expect("text")], 0).await;
    assert!(imported.contains("created 1"), "{imported}");
    fs::remove_file(&file).expect("removed");
    assert!(run(settings, &["export"], 0).await.contains("\"rails\""));
}

/// A role that owns a database and has no other privilege, and the database's address for it.
struct Owner {
    database: TestDatabase,
    role: String,
    url: String,
}

impl Owner {
    async fn new(name: &str) -> Owner {
        let database = empty_database().await;
        let role = format!("owner_{name}_{}", std::process::id());
        let create = format!(
            "drop role if exists {role};
             create role {role} login nosuperuser nocreaterole nocreatedb noreplication nobypassrls password 'me'"
        );
        execute(database.pool(), &create).await;
        let own = "do $$ begin execute format('alter database %I owner to ";
        execute(database.pool(), &format!("{own}{role}', current_database()); end $$")).await;
        let (scheme, rest) = database.url().split_once("://").expect("an address");
        let (_, rest) = rest.split_once('@').expect("an address with a user");
        let url = format!("{scheme}://{role}:me@{rest}");
        Owner { database, role, url }
    }

    async fn gone(self) {
        // The database goes with the next run.
        let role = self.role;
        let drop =
            format!("reassign owned by {role} to current_user; drop owned by {role}; drop role {role}");
        execute(self.database.pool(), &drop).await;
    }
}

/// As services set up a database: nobody but the superuser creates in `public`.
const CLOSED: &str = "alter schema public owner to current_user; revoke create on schema public from public";

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_of_a_database_needs_no_superuser() {
    let owner = Owner::new("plain").await;
    works(&[("DATABASE_URL", &owner.url)]).await;
    owner.gone().await;
    // A schema of choice, as nobody may create in `public`; the trusted extensions are created.
    let owner = Owner::new("schema").await;
    execute(owner.database.pool(), CLOSED).await;
    works(&[("DATABASE_URL", &owner.url), ("DATABASE_SCHEMA", "dossier")]).await;
    owner.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn extensions_that_are_there_are_used_wherever_they_are() {
    let owner = Owner::new("public").await;
    execute(owner.database.pool(), CLOSED).await;
    execute(owner.database.pool(), "create extension unaccent; create extension pg_trgm").await;
    works(&[("DATABASE_URL", &owner.url), ("DATABASE_SCHEMA", "dossier")]).await;
    owner.gone().await;
    for (name, schema) in [("apart", None), ("both_apart", Some(("DATABASE_SCHEMA", "dossier")))] {
        let owner = Owner::new(name).await;
        let extensions = "create schema \"my extensions\"; grant usage on schema \"my extensions\" to public;
            create extension unaccent schema \"my extensions\"; create extension pg_trgm schema \"my extensions\"";
        execute(owner.database.pool(), extensions).await;
        works(&[[("DATABASE_URL", owner.url.as_str())].as_slice(), schema.as_slice()].concat()).await;
        owner.gone().await;
    }
}

/// A certificate of the authority `ca`, for these names, and its key.
fn certify(folder: &Path, ca: &str, name: &str, names: &str) {
    let openssl = |arguments: &[&str]| {
        // As the account that reads the keys.
        let mut command = Account::for_postgres().command(Path::new("openssl"));
        let output = command.args(arguments).current_dir(folder).output().expect("openssl runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let [ca_key, ca_file] = [format!("{ca}.key"), format!("{ca}.pem")];
    let new =
        ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-batch"];
    if !folder.join(&ca_file).exists() {
        let authority =
            ["-x509", "-days", "2", "-subj", "/CN=An authority", "-keyout", &ca_key, "-out", &ca_file];
        openssl(&[&new[..], &authority].concat());
    }
    let [key, request, file] = ["key", "csr", "pem"].map(|kind| format!("{name}.{kind}"));
    openssl(&[&new[..], &["-subj", "/CN=A server", "-keyout", &key, "-out", &request]].concat());
    fs::write(folder.join("names"), format!("subjectAltName={names}\n")).expect("written");
    openssl(&[
        "x509",
        "-req",
        "-days",
        "2",
        "-in",
        &request,
        "-CA",
        &ca_file,
        "-CAkey",
        &ca_key,
        "-CAcreateserial",
        "-extfile",
        "names",
        "-out",
        &file,
    ]);
}

const NAME: &str = r#"a@b:/?#%& ü'"c"#;

/// Percent-encoded.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = write!(encoded, "%{byte:02X}");
        encoded
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hosted_database_is_reached_by_any_address_and_over_tls() {
    let Some(mut cluster) = Cluster::with_standbys("hosted", 0).await else { return };
    let (folder, node) = (cluster.writer.folder().to_owned(), &mut cluster.writer);
    certify(&folder, "ca", "server", "DNS:localhost,IP:127.0.0.1,IP:::1");
    certify(&folder, "ca", "elsewhere", "DNS:elsewhere.example");
    certify(&folder, "other-ca", "unused", "DNS:localhost");
    let port = node.listen_with_tls("server.pem", "server.key").await;
    let pool = PgPoolOptions::new().max_connections(1).connect(&node.url()).await.expect("a connection");
    let quoted = NAME.replace('"', "\"\"");
    let (role, password) = (format!("\"{quoted}\""), NAME.replace('\'', "''"));
    execute(&pool, &format!("create role {role} login password '{password}'")).await;
    execute(&pool, &format!("create database {role} owner {role}")).await;

    let name = encoded(NAME);
    let ca = folder.join("ca.pem").display().to_string();
    let other = folder.join("other-ca.pem").display().to_string();
    let verified = format!("sslmode=verify-full&sslrootcert={ca}");
    let at =
        |host: &str, parameters: &str| format!("postgres://{name}:{name}@{host}:{port}/{name}?{parameters}");
    works(&[("DATABASE_URL", &at("localhost", &verified))]).await;
    let socket = format!("sslmode=disable&host={}", encoded(&folder.display().to_string()));
    for url in [
        at("127.0.0.1", &verified),
        at("[::1]", &verified),
        at("localhost", &socket),
        at("[::1]", "sslmode=require"),
    ] {
        run(&[("DATABASE_URL", &url)], &["key", "list"], 0).await;
    }

    let refused = async |url: String, sentence: &str| {
        let text = run(&[("DATABASE_URL", &url)], &["key", "list"], 1).await;
        assert!(text.contains(sentence), "{sentence}: {text}");
        assert!(!text.contains(NAME) && !text.contains(&name), "no password: {text}");
    };
    let tls = "check sslmode and sslrootcert in DATABASE_URL";
    refused(at("localhost", &format!("sslmode=verify-full&sslrootcert={other}")), tls).await;
    refused(at("localhost", "sslmode=verify-full"), tls).await;
    let nowhere = at("localhost", "sslmode=verify-full&sslrootcert=/nowhere/ca.pem");
    let text = run(&[("DATABASE_URL", &nowhere)], &["key", "list"], 1).await;
    assert!(
        text.contains("invalid DATABASE_URL: the file of the parameter `sslrootcert` can't be read"),
        "{text}"
    );
    refused(at("localhost", "sslmode=disable"), "check the user and sslmode in DATABASE_URL").await;
    let wrong = format!("postgres://{name}:wrong@localhost:{port}/{name}?{verified}");
    refused(wrong, "Postgres rejected the user and password").await;
    let port = node.listen_with_tls("elsewhere.pem", "elsewhere.key").await;
    let at = |parameters: &str| format!("postgres://{name}:{name}@localhost:{port}/{name}?{parameters}");
    refused(at(&verified), tls).await;
    run(&[("DATABASE_URL", &at(&format!("sslmode=verify-ca&sslrootcert={ca}")))], &["key", "list"], 0).await;
}
