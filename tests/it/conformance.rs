//! The server and its schema work with the tools of the ecosystem. Most are npm packages; `tests/conformance` has the
//! scripts. A test fails if a tool is missing (npm, a network to install packages, Python's venv, Chromium) unless
//! `SKIP_CONFORMANCE=1` skips it.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Arc, OnceLock},
};

use ::dossier::{auth::caller::Role, engine::prepare::trusted_documents, server::page};

use crate::support::{
    Client, anonymous,
    database::database,
    editor,
    process::{Folder, dossier, output},
    say,
};

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
    let key = editor.authorization().expect("a key").replace("Bearer ", "");
    tools.accept("node", &["websocket.mjs", &editor.address("/graphql"), &key]).await;
    tools.refuse("node", &["websocket.mjs", &editor.address("/graphql"), "wrong"], "4403").await;
}

#[tokio::test]
async fn graphql_sse_follows_changes() {
    let Some(tools) = Tools::new("events").await else { return };
    let editor = editor().await;
    let key = editor.authorization().expect("a key").replace("Bearer ", "");
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
async fn eslint_finds_nothing_in_the_explorer() {
    let Some(tools) = Tools::with_the_page("lint").await else { return };
    let bundled = Path::new(env!("OUT_DIR")).join("web");
    let explorer = tools.folder.path().join("web");
    copy(&bundled.join("src/explorer"), &explorer.join("src/explorer")).expect("copied");
    fs::copy(bundled.join("tsconfig.json"), explorer.join("tsconfig.json")).expect("copied");
    std::os::unix::fs::symlink(bundled.join("node_modules"), explorer.join("node_modules")).expect("a link");
    let check = ["--config", "eslint.explorer.config.mjs", "web/src/explorer"];
    tools.accept("eslint", &check).await;
    tools.replace("web/src/explorer/main.tsx", "<Frame />", "<Frame /><img src=\"icon.svg\" />");
    tools.refuse("eslint", &check, "jsx-a11y/alt-text").await;
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
    // `tsc` fails if it accepts a wrong use in `use.ts`, or refuses a right one.
    tools.doctor("\tkind: ActorKind!", "\tkind: String!");
    tools.accept("graphql-codegen", &["--config", "codegen.json"]).await;
    tools.refuse("tsc", &check, "is not assignable to type").await;
}

#[tokio::test]
async fn apollo_urql_and_vite_work_as_the_guide_says() {
    let Some(tools) = Tools::new("guide").await else { return };
    let editor = editor().await;
    tools.follow_guide(&editor);
    let key = editor.authorization().expect("a key").replace("Bearer ", "");
    let with_key = [("DOSSIER_KEY", key.as_str())];
    let reported = tools.run_with("node", &["--import", "./sockets.mjs", "apollo.mjs"], &with_key).await;
    assert_eq!(
        reported,
        (true, "Relations of Kazakhstan and the United States 2\nCREATE from-apollo\n".to_owned())
    );
    // Graphcache warns where it doesn't know how to store a type.
    assert_eq!(tools.run("node", &["urql.mjs"]).await, (true, "4\n".to_owned()));
    assert_eq!(tools.run("node", &["proxy.mjs"]).await, (true, "Kazakhstan\n".to_owned()));
    tools.accept("graphql-codegen", &["--config", "codegen.json"]).await;
    tools.accept("tsc", &["--strict", "--noEmit", "operations.ts"]).await;
}

#[tokio::test]
async fn relay_sends_trusted_documents_as_the_guide_says() {
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
    let Some(programs) = tools.python("requirements.txt").await else { return };
    let python = format!("{programs}/python");
    let key = editor.authorization().expect("a key").replace("Bearer ", "");
    let (ended, reported) = tools.run_with(&python, &["client.py"], &[("DOSSIER_KEY", &key)]).await;
    assert!(ended && reported.ends_with("Israel NEUTRAL\nCREATE from-python\n"), "{reported}");
}

#[tokio::test]
async fn the_files_for_deploying_are_valid() {
    let Some(tools) = Tools::new("deploying").await else { return };
    let Some(programs) = tools.python("deploying.txt").await else { return };
    for folder in ["deploy", ".github"] {
        copy(&Path::new(ROOT).join(folder), &tools.folder.path().join(folder)).expect("copied");
    }
    for file in ["Dockerfile", "compose.yaml"] {
        fs::copy(Path::new(ROOT).join(file), tools.folder.path().join(file)).expect("copied");
    }
    let [hadolint, schema, kubernetes] = ["hadolint", "check-jsonschema", "kubernetes-validate"]
        .map(|program| format!("{programs}/{program}"));
    let images = ["Dockerfile", "deploy/varnish/Dockerfile"];
    tools.accept(&hadolint, &images).await;
    tools.replace("Dockerfile", "USER 65532:65532", "USER root");
    tools.refuse(&hadolint, &images, "DL3002").await;
    let compose = ["--builtin-schema", "vendor.compose-spec", "compose.yaml"];
    tools.accept(&schema, &compose).await;
    tools.replace("compose.yaml", "read_only: true", "reads_only: true");
    tools.refuse(&schema, &compose, "reads_only").await;
    let workflow = ["--builtin-schema", "vendor.github-workflows", ".github/workflows/ci.yml"];
    tools.accept(&schema, &workflow).await;
    tools.accept(&kubernetes, &["--strict", "deploy/kubernetes.yaml"]).await;
    tools.replace("deploy/kubernetes.yaml", "readinessProbe", "readyProbe");
    tools.refuse(&kubernetes, &["--strict", "deploy/kubernetes.yaml"], "readyProbe").await;
    if !is_installed("systemd-analyze") {
        return say("The systemd unit is NOT checked: systemd-analyze is not installed");
    }
    tools.replace("deploy/dossier.service", "/usr/local/bin/dossier", "/bin/true");
    let unit = ["verify", "--man=no", "deploy/dossier.service"];
    tools.accept("systemd-analyze", &unit).await;
    tools.replace("deploy/dossier.service", "ExecStart=", "Executes=");
    tools.refuse("systemd-analyze", &unit, "dossier.service").await;
}

#[tokio::test]
async fn graphiql_works_in_a_browser() {
    let Some(tools) = Tools::with_a_browser("page").await else { return };
    let editor = editor().await;
    let closed = editor.at_another_server(&[("READ_REQUIRES_KEY", "true")]).await;
    let key = editor.authorization().expect("a key").replace("Bearer ", "");
    let check = ["page.mjs", &editor.address("/graphiql"), &closed.address("/graphiql"), &key];
    tools.accept("node", &check).await;
}

#[tokio::test]
async fn the_explorer_works_in_a_browser() {
    let Some(tools) = Tools::with_a_browser("explorer").await else { return };
    let editor = editor().await;
    let closed = editor.at_another_server(&[("READ_REQUIRES_KEY", "true")]).await;
    let key = editor.authorization().expect("a key").replace("Bearer ", "");
    let check = ["explorer.mjs", &editor.address("/"), &closed.address("/"), &key, &screenshots()];
    tools.accept("node", &check).await;
}

#[tokio::test]
async fn every_view_of_the_explorer_works_on_a_generated_base() {
    let Some(tools) = Tools::with_a_browser("generated").await else { return };
    let database = Arc::new(database().await);
    let generate = ["generate", "--statements", "5000", "--divisions", "20", "--seed", "5"];
    let generated = output(dossier(&[("DATABASE_URL", database.url())]).args(generate));
    assert!(generated.status.success(), "{}", reported(&generated));
    let editor = Client::of(&database).await.as_role(Role::Editor).await;
    let key = editor.authorization().expect("a key").replace("Bearer ", "");
    tools.accept("node", &["generated.mjs", &editor.address("/"), &key, &screenshots()]).await;
}

/// The folder for pictures of views.
fn screenshots() -> String {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots").display().to_string()
}

#[tokio::test]
async fn nothing_breaks_the_clients_of_the_last_release() {
    let Some(tools) = Tools::new("changes").await else { return };
    let check = ["changes.mjs", "released.graphql", "schema.graphql"];
    tools.accept("node", &check).await;
    tools.doctor("\tkind: ActorKind!", "\tsort: ActorKind!");
    tools.refuse("node", &check, "Actor.kind").await;
}

#[tokio::test]
async fn what_follows_from_a_deprecated_field_may_be_removed_after_its_date() {
    let Some(tools) = Tools::new("removal").await else { return };
    let check = ["changes.mjs", "released.graphql", "schema.graphql"];
    tools.doctor("\t\"The kind of actor.\"\n\tkind: ActorKindFilter\n", "");
    tools.refuse("node", &check, "ActorFilter.kind").await;
    let filter = "\tkind: ActorKindFilter";
    let deprecated = format!("{filter} @deprecated(reason: \"It is gone. Removed after 2020-01-01.\")");
    tools.replace("released.graphql", filter, &deprecated);
    tools.accept("node", &check).await;
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
        reported(&failed)
            .contains("npm or Node.js is not installed. Install what is missing, or set SKIP_CONFORMANCE=1")
    );
    let skipped = run("1");
    assert!(skipped.status.success(), "{}", reported(&skipped));
    assert!(reported(&skipped).contains("Conformance is NOT checked: npm or Node.js is not installed."));
}

/// The tools in the folder of one test, with the schema and the queries for them.
struct Tools {
    folder: Folder,
    packages: &'static Path,
}

impl Tools {
    /// None if the test is skipped.
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

    /// None if the test is skipped, or there is no page.
    async fn with_the_page(test: &str) -> Option<Tools> {
        let tools = Tools::new(test).await?;
        if !page::is_bundled() {
            missing("the page is not bundled: build with npm and without DOSSIER_WEB=off");
            return None;
        }
        Some(tools)
    }

    /// None if the test is skipped, or there is no page or browser.
    async fn with_a_browser(test: &str) -> Option<Tools> {
        let tools = Tools::with_the_page(test).await?;
        if !Path::new("/usr/bin/chromium").exists() {
            missing("/usr/bin/chromium is not installed");
            return None;
        }
        Some(tools)
    }

    /// The folder of Python's programs with these packages; none if the test is skipped.
    async fn python(&self, requirements: &str) -> Option<String> {
        if !is_installed("python3") {
            missing("python3 is not installed");
            return None;
        }
        let (made, reported) = self.run("python3", &["-m", "venv", "venv"]).await;
        if !made {
            missing(&format!("python3 -m venv fails: {reported}"));
            return None;
        }
        let programs = self.folder.path().join("venv/bin").display().to_string();
        let install = ["-m", "pip", "install", "--quiet", "-r", requirements];
        self.accept(&format!("{programs}/python"), &install).await;
        Some(programs)
    }

    /// Breaks the schema, to check that a tool reports it.
    fn doctor(&self, right: &str, wrong: &str) {
        self.replace("schema.graphql", right, wrong);
    }

    fn replace(&self, file: &str, before: &str, after: &str) {
        let file = self.folder.path().join(file);
        let text = fs::read_to_string(&file).expect("a file");
        assert!(text.contains(before), "{} has no `{before}`", file.display());
        fs::write(file, text.replace(before, after)).expect("written");
    }

    /// Writes the files of `docs/clients.md`, for the server of a client.
    fn follow_guide(&self, client: &Client) {
        let guide = fs::read_to_string(Path::new(ROOT).join("docs/clients.md")).expect("the guide");
        let guide = guide.replace("http://127.0.0.1:8000", client.address("").trim_end_matches('/'));
        let mut blocks = 0;
        // Blocks and prose alternate.
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
        let (accepted, reported) = self.run(tool, arguments).await;
        assert!(accepted, "{tool} {}:\n{reported}", arguments.join(" "));
    }

    async fn refuse(&self, tool: &str, arguments: &[&str], why: &str) {
        let (accepted, reported) = self.run(tool, arguments).await;
        assert!(!accepted && reported.contains(why), "{tool} {}:\n{reported}", arguments.join(" "));
    }

    /// Whether the tool succeeded, and its output. The server that it queries runs meanwhile.
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
        (output.status.success(), reported(&output))
    }
}

fn reported(output: &Output) -> String {
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

/// The folder of the packages, which all tests share; none if the test is skipped.
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

/// Fails the test because a tool is missing, or prints that it is skipped.
fn missing(reason: &str) {
    let skips = env::var("SKIP_CONFORMANCE").is_ok_and(|value| value == "1");
    assert!(skips, "{reason}. Install what is missing, or set SKIP_CONFORMANCE=1 to skip this test.");
    say(&format!("Conformance is NOT checked: {reason}"));
}

/// Whether there is a program of this name on the path.
fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Why there are no packages.
enum Failure {
    /// The registry can't be reached.
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
    // Another run of the tests may install them at the same time.
    let guard = fs::File::create(folder.join("guard"))?;
    guard.lock()?;
    let (wanted, installed) = (fs::read(source.join("package-lock.json"))?, folder.join("installed"));
    if fs::read(&installed).ok().as_ref() != Some(&wanted) {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(source.join(file), folder.join(file))?;
        }
        let reachable = is_reachable(&npm(&folder, &["ping", "--fetch-retries=0", "--fetch-timeout=20000"])?);
        // Without a network, npm's own cache may do.
        let network = if reachable { "--prefer-offline" } else { "--offline" };
        let output = npm(&folder, &["ci", "--ignore-scripts", "--no-audit", "--no-fund", network])?;
        match (output.status.success(), reachable) {
            (true, _) => fs::write(installed, wanted)?,
            (false, false) => return Err(Failure::Missing("the npm registry cannot be reached")),
            (false, true) => return Err(Failure::Broken(format!("npm ci fails:\n{}", reported(&output)))),
        }
    }
    Ok(folder.join("node_modules"))
}

fn npm(folder: &Path, arguments: &[&str]) -> io::Result<Output> {
    Command::new("npm").args(arguments).current_dir(folder).stdin(Stdio::null()).output()
}

/// Whether npm got a response to its ping, of whatever status.
fn is_reachable(ping: &Output) -> bool {
    let reported = reported(ping);
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
    !codes.iter().any(|code| reported.contains(&format!("npm error code {code}")))
}
