//! Whether the tools of the ecosystem take the server and its schema. They are npm packages, and
//! `tests/conformance` has what is done with them. A test fails where a tool is missing: npm, a network
//! to install packages from, Python's venv, Chromium. With `SKIP_CONFORMANCE=1` it is skipped instead.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use ::dossier::{engine::prepare::trusted_documents, server::page};

use crate::support::{Client, anonymous, editor, process::Folder};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[tokio::test]
async fn every_audit_of_graphql_http_passes() {
    let Some(tools) = Tools::new("audits").await else { return };
    let anonymous = anonymous().await;
    tools.accept("node", &["audits.mjs", &anonymous.address("/graphql")]).await;
    tools.refuse("node", &["audits.mjs", &anonymous.address("/health/live")], "MUST").await;
}

#[tokio::test]
async fn variables_are_coerced_as_graphql_js_coerces_them() {
    let Some(tools) = Tools::new("coercion").await else { return };
    let anonymous = anonymous().await;
    tools.accept("node", &["coercion.mjs", &anonymous.address("/graphql")]).await;
}

#[tokio::test]
async fn documents_are_judged_as_graphql_js_judges_them() {
    let Some(tools) = Tools::new("documents").await else { return };
    let anonymous = anonymous().await;
    tools.accept("node", &["documents.mjs", &anonymous.address("/graphql")]).await;
}

#[tokio::test]
async fn graphql_js_reads_the_schema_from_introspection() {
    let Some(tools) = Tools::new("introspection").await else { return };
    let anonymous = anonymous().await;
    let check = ["introspect.mjs", &anonymous.address("/graphql"), "schema.graphql"];
    tools.accept("node", &check).await;
    tools.doctor("\tkind: ActorKind!", "\tkind: ActorKind");
    tools.refuse("node", &check, "kind: ActorKind!").await;
}

#[tokio::test]
async fn graphql_ws_follows_changes() {
    let Some(tools) = Tools::new("websocket").await else { return };
    let editor = editor().await;
    let key = editor.shows().expect("a key").replace("Bearer ", "");
    tools.accept("node", &["websocket.mjs", &editor.address("/graphql"), &key]).await;
    tools.refuse("node", &["websocket.mjs", &editor.address("/graphql"), "wrong"], "4403").await;
}

#[tokio::test]
async fn graphql_sse_follows_changes() {
    let Some(tools) = Tools::new("events").await else { return };
    let editor = editor().await;
    let key = editor.shows().expect("a key").replace("Bearer ", "");
    tools.accept("node", &["events.mjs", &editor.address("/graphql"), &key]).await;
    tools.refuse("node", &["events.mjs", &editor.address("/graphql"), "wrong"], "401").await;
}

#[tokio::test]
async fn graphql_eslint_finds_nothing() {
    let Some(tools) = Tools::new("eslint").await else { return };
    tools.accept("eslint", &["schema.graphql"]).await;
    tools.doctor("\"The kind of actor.\"", "");
    tools.refuse("eslint", &["schema.graphql"], "require-description").await;
}

#[tokio::test]
async fn relay_compiler_compiles_connections_and_refetchable_fragments() {
    let Some(tools) = Tools::new("relay").await else { return };
    tools.accept("relay-compiler", &["relay.config.json"]).await;
    tools.doctor("hasNextPage: Boolean!", "hasNext: Boolean!");
    tools.refuse("relay-compiler", &["relay.config.json"], "@connection").await;
}

#[tokio::test]
async fn graphql_codegen_makes_types_that_tsc_takes() {
    let Some(tools) = Tools::new("codegen").await else { return };
    let check = ["--strict", "--noEmit", "codegen/use.ts"];
    tools.accept("graphql-codegen", &["--config", "codegen.json"]).await;
    tools.accept("tsc", &check).await;
    // The wrong uses in `use.ts` are refused, or `tsc` would complain; so would it if a right one were.
    tools.doctor("\tkind: ActorKind!", "\tkind: String!");
    tools.accept("graphql-codegen", &["--config", "codegen.json"]).await;
    tools.refuse("tsc", &check, "is not assignable to type").await;
}

#[tokio::test]
async fn apollo_urql_and_vite_work_as_the_guide_says() {
    let Some(tools) = Tools::new("guide").await else { return };
    let editor = editor().await;
    tools.follow_guide(&editor);
    let key = editor.shows().expect("a key").replace("Bearer ", "");
    let with_key = [("DOSSIER_KEY", key.as_str())];
    let told = tools.run_with("node", &["--import", "./sockets.mjs", "apollo.mjs"], &with_key).await;
    assert_eq!(
        told,
        (true, "Relations of Kazakhstan and the United States 2\nCREATE from-apollo\n".to_owned())
    );
    // Graphcache warns where it doesn't know how to store a type.
    assert_eq!(tools.run("node", &["urql.mjs"]).await, (true, "4\n".to_owned()));
    assert_eq!(tools.run("node", &["proxy.mjs"]).await, (true, "Kazakhstan\n".to_owned()));
    tools.accept("graphql-codegen", &["--config", "codegen.json"]).await;
    tools.accept("tsc", &["--strict", "--noEmit", "operations.ts"]).await;
}

#[tokio::test]
async fn relay_asks_trusted_documents_as_the_guide_says() {
    let Some(tools) = Tools::new("trusted").await else { return };
    tools.follow_guide(&anonymous().await);
    let manifest = tools.folder.path().join("persisted.json");
    fs::write(&manifest, "{}").expect("written");
    tools.accept("relay-compiler", &["relay.config.json"]).await;
    let manifest = fs::read_to_string(manifest).expect("a manifest");
    let trusted = trusted_documents::parse(&manifest).expect("documents");
    let client = Client::trusting(trusted, &[("TRUSTED_DOCUMENTS_ONLY", "true")]).await;
    tools.follow_guide(&client);
    assert_eq!(tools.run("node", &["relay.mjs"]).await, (true, "Kazakhstan COUNTRY\n".to_owned()));
}

#[tokio::test]
async fn python_gql_works_as_the_guide_says() {
    let Some(tools) = Tools::new("python").await else { return };
    let editor = editor().await;
    tools.follow_guide(&editor);
    if !is_installed("python3") {
        return missing("python3 is not installed");
    }
    let (made, told) = tools.run("python3", &["-m", "venv", "venv"]).await;
    if !made {
        return missing(&format!("python3 -m venv fails: {told}"));
    }
    let python = tools.folder.path().join("venv/bin/python").display().to_string();
    tools.accept(&python, &["-m", "pip", "install", "--quiet", "-r", "requirements.txt"]).await;
    let key = editor.shows().expect("a key").replace("Bearer ", "");
    let (ended, told) = tools.run_with(&python, &["client.py"], &[("DOSSIER_KEY", &key)]).await;
    assert!(ended && told.ends_with("Israel NEUTRAL\nCREATE from-python\n"), "{told}");
}

#[tokio::test]
async fn the_page_works_in_a_browser() {
    let Some(tools) = Tools::new("page").await else { return };
    if !page::is_bundled() {
        return missing("the page is not bundled: build with npm and without DOSSIER_WEB=off");
    }
    if !Path::new("/usr/bin/chromium").exists() {
        return missing("/usr/bin/chromium is not installed");
    }
    let editor = editor().await;
    let closed = editor.elsewhere(&[("READ_REQUIRES_KEY", "true")]).await;
    let key = editor.shows().expect("a key").replace("Bearer ", "");
    tools.accept("node", &["page.mjs", &editor.address("/"), &closed.address("/"), &key]).await;
}

#[tokio::test]
async fn nothing_breaks_the_clients_of_the_last_release() {
    let Some(tools) = Tools::new("changes").await else { return };
    let check = ["changes.mjs", "released.graphql", "schema.graphql"];
    tools.accept("node", &check).await;
    tools.doctor("\tkind: ActorKind!", "\tsort: ActorKind!");
    tools.refuse("node", &check, "Actor.kind").await;
}

#[test]
fn a_missing_tool_fails_a_test_unless_it_is_to_be_skipped() {
    let run = |skip: &str| {
        let mut tests = Command::new(env::current_exe().expect("the tests"));
        tests.args(["--exact", "conformance::graphql_eslint_finds_nothing"]);
        tests.env("PATH", "/nowhere").env("SKIP_CONFORMANCE", skip).output().expect("the tests run")
    };
    let failed = run("");
    assert!(!failed.status.success());
    assert!(
        told(&failed)
            .contains("npm or Node.js is not installed. Install what is missing, or set SKIP_CONFORMANCE=1")
    );
    let skipped = run("1");
    assert!(skipped.status.success(), "{}", told(&skipped));
    assert!(told(&skipped).contains("Conformance is NOT checked: npm or Node.js is not installed."));
}

/// The tools in a folder of one test, with the schema and the queries they are tried on.
struct Tools {
    folder: Folder,
    packages: &'static Path,
}

impl Tools {
    /// None where the test is skipped.
    async fn new(test: &str) -> Option<Tools> {
        let packages = tokio::task::spawn_blocking(packages).await.expect("not cancelled")?;
        let folder = Folder::new(&format!("conformance-{test}"));
        for (from, to) in
            [("tests/conformance", ""), ("tests/golden", "golden"), ("web/examples", "examples")]
        {
            copy(&Path::new(ROOT).join(from), &folder.path().join(to)).expect("copied");
        }
        fs::copy(Path::new(ROOT).join("schema.graphql"), folder.path().join("schema.graphql"))
            .expect("copied");
        std::os::unix::fs::symlink(packages, folder.path().join("node_modules")).expect("a link");
        Some(Tools { folder, packages })
    }

    /// Makes the schema wrong, to see that it is noticed.
    fn doctor(&self, right: &str, wrong: &str) {
        let file = self.folder.path().join("schema.graphql");
        let schema = fs::read_to_string(&file).expect("the schema");
        assert!(schema.contains(right), "the schema has no `{right}`");
        fs::write(file, schema.replace(right, wrong)).expect("written");
    }

    /// Writes the files of `docs/clients.md`, for the server of a client.
    fn follow_guide(&self, client: &Client) {
        let guide = fs::read_to_string(Path::new(ROOT).join("docs/clients.md")).expect("the guide");
        let guide = guide.replace("http://127.0.0.1:8000", client.address("").trim_end_matches('/'));
        let mut blocks = 0;
        // Blocks and what stands between them take turns.
        for block in guide.split("\n```").skip(1).step_by(2) {
            let (head, text) = block.split_once('\n').expect("a block");
            let Some((_, name)) = head.split_once(' ') else { continue };
            let file = self.folder.path().join(name);
            fs::create_dir_all(file.parent().expect("a folder")).expect("made");
            fs::write(file, format!("{text}\n")).expect("written");
            blocks += 1;
        }
        assert!(blocks > 5, "the guide has files");
    }

    async fn accept(&self, tool: &str, arguments: &[&str]) {
        let (accepted, told) = self.run(tool, arguments).await;
        assert!(accepted, "{tool} {}:\n{told}", arguments.join(" "));
    }

    async fn refuse(&self, tool: &str, arguments: &[&str], why: &str) {
        let (accepted, told) = self.run(tool, arguments).await;
        assert!(!accepted && told.contains(why), "{tool} {}:\n{told}", arguments.join(" "));
    }

    /// Whether the tool ended well, and what it said. The server that it asks runs meanwhile.
    async fn run(&self, tool: &str, arguments: &[&str]) -> (bool, String) {
        self.run_with(tool, arguments, &[]).await
    }

    async fn run_with(&self, tool: &str, arguments: &[&str], settings: &[(&str, &str)]) -> (bool, String) {
        let installed = self.packages.join(".bin").join(tool);
        let mut command = if installed.exists() { Command::new(installed) } else { Command::new(tool) };
        command.args(arguments).current_dir(self.folder.path()).env("NO_COLOR", "1").stdin(Stdio::null());
        command.envs(settings.iter().copied());
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("not cancelled");
        let output = output.unwrap_or_else(|error| panic!("{tool}: {error}"));
        (output.status.success(), told(&output))
    }
}

fn told(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text)).concat()
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, target) = (entry.file_name(), to.join(entry.file_name()));
        if name == "node_modules" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The folder of the packages, which all tests share; none where the test is skipped.
fn packages() -> Option<&'static Path> {
    static PACKAGES: OnceLock<Result<PathBuf, Failure>> = OnceLock::new();
    match PACKAGES.get_or_init(install) {
        Ok(packages) => Some(packages),
        Err(Failure::Missing(reason)) => {
            missing(reason);
            None
        }
        Err(Failure::Broken(reason)) => panic!("{reason}"),
    }
}

/// Fails the test for want of a tool, or says that it is skipped.
fn missing(reason: &str) {
    let skips = env::var("SKIP_CONFORMANCE").is_ok_and(|value| value == "1");
    assert!(skips, "{reason}. Install what is missing, or set SKIP_CONFORMANCE=1 to skip this test.");
    // Not by a macro: the output of a test that passes is not shown.
    let _ = io::stderr().write_all(format!("\nConformance is NOT checked: {reason}.\n").as_bytes());
}

/// Whether there is a program of this name on the path.
fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Why there are no packages.
enum Failure {
    /// This machine has no way to them.
    Missing(&'static str),
    Broken(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Broken(format!("the packages of `tests/conformance`: {error}"))
    }
}

/// Installs what the lock file names, unless an earlier run did.
fn install() -> Result<PathBuf, Failure> {
    if !is_installed("npm") || !is_installed("node") {
        return Err(Failure::Missing("npm or Node.js is not installed"));
    }
    let source = Path::new(ROOT).join("tests/conformance");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance");
    fs::create_dir_all(&folder)?;
    // Another run of the tests may be at it.
    let guard = fs::File::create(folder.join("guard"))?;
    guard.lock()?;
    let (wanted, installed) = (fs::read(source.join("package-lock.json"))?, folder.join("installed"));
    if fs::read(&installed).ok().as_ref() != Some(&wanted) {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(source.join(file), folder.join(file))?;
        }
        let reachable = is_reachable(&npm(&folder, &["ping", "--fetch-retries=0", "--fetch-timeout=20000"])?);
        // Without a network, what npm itself has kept may do.
        let network = if reachable { "--prefer-offline" } else { "--offline" };
        let output = npm(&folder, &["ci", "--ignore-scripts", "--no-audit", "--no-fund", network])?;
        match (output.status.success(), reachable) {
            (true, _) => fs::write(installed, wanted)?,
            (false, false) => return Err(Failure::Missing("the npm registry cannot be reached")),
            (false, true) => return Err(Failure::Broken(format!("npm ci fails:\n{}", told(&output)))),
        }
    }
    Ok(folder.join("node_modules"))
}

fn npm(folder: &Path, arguments: &[&str]) -> io::Result<Output> {
    Command::new("npm").args(arguments).current_dir(folder).stdin(Stdio::null()).output()
}

/// Whether npm got an answer, of whatever kind, to its ping.
fn is_reachable(ping: &Output) -> bool {
    let told = told(ping);
    let codes = [
        "EAI_AGAIN",
        "ECONNREFUSED",
        "ECONNRESET",
        "EHOSTUNREACH",
        "ENETUNREACH",
        "ENOTFOUND",
        "ERR_SOCKET_TIMEOUT",
        "ETIMEDOUT",
    ];
    !codes.iter().any(|code| told.contains(&format!("npm error code {code}")))
}
