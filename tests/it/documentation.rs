//! The GraphQL and shell blocks of the documentation run as they stand, and give what the JSON block behind them says.
//!
//! A block that can't run here says why: `sh no-run: it opens an interactive prompt`. Blocks with a file name belong to
//! the client guide, which the conformance tests follow.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::support::{
    Client, editor,
    process::{Folder, dossier},
    socket::Events,
};

#[tokio::test(flavor = "multi_thread")]
async fn every_graphql_and_shell_block_runs_as_it_stands() {
    let (mut ran, mut skipped) = (0, Vec::new());
    for file in files() {
        let text = fs::read_to_string(&file).expect("a page");
        // What a page changes is its own.
        let editor = editor().await;
        let reading = editor.at_another_server(&[]).await;
        let folder = Folder::new(&format!("documentation-{}", name(&file).replace('/', "-")));
        fs::create_dir_all(folder.path()).expect("a folder");
        let blocks = blocks(&text);
        for (place, block) in blocks.iter().enumerate() {
            let reported = format!("{}:{}", name(&file), block.line);
            let expected = blocks.get(place + 1).filter(|next| next.language == "json");
            let output = match (block.language.as_str(), block.reason()) {
                ("sh" | "shell" | "console" | "graphql", Some(reason)) => {
                    skipped.push(format!("{reported}: {reason}"));
                    continue;
                }
                ("graphql", None) if !block.names_a_file() => {
                    query(&editor, &reading, &block.text, &reported).await
                }
                ("sh" | "shell" | "console", None) => shell(&editor, folder.path(), &block.text, &reported),
                _ => continue,
            };
            ran += 1;
            if let Some(expected) = expected.filter(|_| !output.is_null()) {
                let expected: Value = serde_json::from_str(&expected.text).expect("JSON");
                assert_eq!(output, expected, "{reported} gives:\n{output:#}");
            }
        }
    }
    eprintln!("{ran} blocks of the documentation ran; not run:\n{}", skipped.join("\n"));
    assert!(ran >= 15, "{ran} blocks ran");
}

#[test]
fn links_between_pages_lead_somewhere() {
    for file in files() {
        let text = fs::read_to_string(&file).expect("a page");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.starts_with('#') {
                continue;
            }
            let path = link.split('#').next().unwrap_or(link);
            assert!(file.with_file_name(path).exists(), "{} links to {link}", name(&file));
        }
    }
}

/// Names in backticks.
fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// All files and folders that the pages may name, as paths from the root.
fn tree() -> Vec<String> {
    let mut folders: Vec<PathBuf> =
        [".ci", ".github", "benches", "deploy", "docs", "migrations", "observability", "src", "tests", "web"]
            .iter()
            .map(|folder| root().join(folder))
            .collect();
    let mut paths = Vec::new();
    while let Some(folder) = folders.pop() {
        paths.push(name(&folder));
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.ends_with("node_modules") || path.ends_with("web/dist") {
                continue;
            }
            if path.is_dir() { folders.push(path) } else { paths.push(name(&path)) }
        }
    }
    paths
}

/// Whether one of the paths ends with these steps. A module may be named without its extension.
fn is_there(tree: &[String], named: &str) -> bool {
    let named = named.trim_end_matches('/');
    tree.iter().any(|path| {
        [path.as_str(), path.trim_end_matches(".rs")].iter().any(|path| {
            path.strip_suffix(named).is_some_and(|before| before.is_empty() || before.ends_with('/'))
        })
    })
}

#[test]
fn the_pages_for_developers_name_files_and_modules_that_exist() {
    let tree = tree();
    for page in
        ["ARCHITECTURE.md", "docs/how-to.md", "docs/decisions.md", "docs/glossary.md", "docs/releasing.md"]
    {
        let text = fs::read_to_string(root().join(page)).expect("a page");
        let prose: String = text.split("```").step_by(2).collect();
        let is_path = |span: &&str| {
            let letters = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
            span.chars().all(letters)
                && !span.starts_with('/')
                && (span.contains('/')
                    || Path::new(span).extension().is_some_and(|extension| extension == "rs"))
        };
        for path in code_spans(&prose).filter(is_path) {
            assert!(is_there(&tree, path), "{page} names {path}");
        }
    }
}

#[test]
fn the_code_map_has_every_module_of_the_upper_levels_and_no_other() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("a page");
    let map = text.split("## ").find(|section| section.starts_with("Code map")).expect("the code map");
    let rows: String = map.lines().filter(|line| line.starts_with("| `")).collect();
    let named: Vec<&str> = code_spans(&rows).map(|span| span.trim_end_matches('/')).collect();
    let tree = tree();
    let is_module =
        |span: &&&str| span.chars().all(|letter| letter.is_ascii_lowercase() || "_/.".contains(letter));
    for module in named.iter().filter(is_module) {
        assert!(is_there(&tree, module), "the code map has {module}");
    }
    for folder in ["src", "src/engine"] {
        let prefix = format!("{}/", folder.trim_start_matches("src").trim_start_matches('/'));
        for entry in fs::read_dir(root().join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let module = path.file_stem().expect("a name").to_string_lossy().into_owned();
            if matches!(module.as_str(), "lib" | "main" | "mod") {
                continue;
            }
            let path = format!("{prefix}{module}");
            let path = path.trim_start_matches('/');
            let is_named = |span: &&str| {
                let span = span.trim_end_matches(".rs");
                span == path || span.strip_prefix(path).is_some_and(|below| below.starts_with('/'))
            };
            assert!(named.iter().any(is_named), "the code map lacks {folder}/{module}");
        }
    }
}

#[test]
fn the_readme_fits_a_page() {
    let lines = fs::read_to_string(root().join("README.md")).expect("a page").lines().count();
    assert!(lines < 150, "README.md has {lines} lines");
}

#[test]
fn every_setting_is_in_the_configuration_page() {
    let page = fs::read_to_string(root().join("docs/configuration.md")).expect("a page");
    let example = fs::read_to_string(root().join(".env.example")).expect("settings");
    let settings = example.lines().filter_map(|line| line.strip_prefix("# ")?.split_once('='));
    let settings: Vec<&str> = settings
        .map(|(setting, _)| setting)
        .filter(|setting| setting.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
        .collect();
    assert!(settings.len() > 30, "{settings:?}");
    for setting in settings {
        assert!(page.contains(&format!("`{setting}`")), "docs/configuration.md lacks {setting}");
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn name(file: &Path) -> String {
    file.strip_prefix(root()).expect("in the repository").display().to_string()
}

/// The pages: those of the repository's root, and of `docs/`.
fn files() -> Vec<PathBuf> {
    let pages = |folder: PathBuf| {
        let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect::<Vec<_>>()
    };
    let mut files = [pages(root().to_owned()), pages(root().join("docs"))].concat();
    files.sort();
    files
}

struct Block {
    line: usize,
    language: String,
    /// What follows the language.
    info: String,
    text: String,
}

impl Block {
    /// Why it is not run.
    fn reason(&self) -> Option<&str> {
        self.info.split_once("no-run:").map(|(_, reason)| reason.trim())
    }

    fn names_a_file(&self) -> bool {
        self.info.contains('.')
    }
}

/// The fenced blocks of a page, also those within lists.
fn blocks(page: &str) -> Vec<Block> {
    let (mut blocks, mut open): (Vec<Block>, Option<Block>) = (Vec::new(), None);
    for (number, line) in page.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(info), None) => {
                let (language, info) = info.split_once(' ').unwrap_or((info, ""));
                let (language, info) = (language.to_owned(), info.to_owned());
                open = Some(Block { line: number + 1, language, info, text: String::new() });
            }
            (None, Some(block)) => block.text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block has no end");
    blocks
}

/// The response to a document: mutations are sent with a key, and subscriptions begin.
async fn query(editor: &Client, reading: &Client, document: &str, reported: &str) -> Value {
    let word = document.split_whitespace().next().unwrap_or_default();
    if word == "subscription" {
        drop(Events::of(reading, document, json!({}), None).await);
        return Value::Null;
    }
    let client = if word == "mutation" { editor } else { reading };
    let response = client.response(document, json!({})).await;
    assert!(response.get("errors").is_none(), "{reported}: {response:#}");
    let refused = response["data"]
        .as_object()
        .expect("data")
        .values()
        .any(|payload| payload["userErrors"].as_array().is_some_and(|errors| !errors.is_empty()));
    assert!(!refused, "{reported}: {response:#}");
    response
}

/// The standard output of a command, as JSON where it is that.
fn shell(editor: &Client, folder: &Path, command: &str, reported: &str) -> Value {
    let program = env!("CARGO_BIN_EXE_dossier");
    let path = Path::new(program).parent().expect("a folder").display();
    let command = command
        .replace("cargo run --release --", "dossier")
        .replace("http://127.0.0.1:8000", editor.address("").trim_end_matches('/'));
    let settings = dossier(&[("DATABASE_URL", editor.database_url())]);
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", &command]).current_dir(folder);
    shell.envs(settings.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("PATH", format!("{path}:{}", std::env::var("PATH").unwrap_or_default()));
    let output = shell.output().expect("a shell");
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{reported} fails:\n{out}\n{error}");
    serde_json::from_str(&out).unwrap_or_default()
}
