//! The layers of `src/`: arrows between them go down, and no two modules use each other unless one holds the other.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

/// The modules of the crate, lowest first. A module uses its own layer and those before it.
const LAYERS: [&str; 14] = [
    "progress",
    "sync",
    "tls",
    "error",
    "config",
    "telemetry",
    "database",
    "auth",
    "model",
    "domain",
    "engine",
    "bulk",
    "server",
    "cli",
];

#[test]
fn arrows_between_layers_go_down() {
    let sources = Sources::of_the_crate();
    let unknown: BTreeSet<&str> = sources
        .modules
        .keys()
        .map(|module| layer_of(module))
        .filter(|layer| !LAYERS.contains(layer))
        .collect();
    assert!(unknown.is_empty(), "add these to LAYERS: {unknown:?}");
    assert_eq!(sources.arrows_up(), Vec::<String>::new());
}

#[test]
fn no_modules_use_each_other_unless_one_holds_the_other() {
    assert_eq!(Sources::of_the_crate().circles(), Vec::<String>::new());
}

#[test]
fn the_command_line_alone_prints_and_draws_progress() {
    let sources = Sources::of_the_crate();
    let prints = ["println!", "eprintln!", "print!", "eprint!", "indicatif"];
    let mut found = Vec::new();
    for (module, file) in sources.modules.iter().filter(|(module, _)| layer_of(module) != "cli") {
        for (number, line) in fs::read_to_string(file).expect("a source file").lines().enumerate() {
            if prints.iter().any(|print| line.contains(print)) && !line.trim_start().starts_with("//") {
                found.push(format!("{}:{}: `{module}` prints: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn an_arrow_up_and_a_circle_are_found_with_file_and_line() {
    let sources = Sources::of(&[
        ("model", "use crate::{\n    error::Code,\n    engine::{\n        plan::{self, Plan},\n    },\n};\n"),
        ("error", "pub enum Code {}\n"),
        ("engine", "pub mod plan;\npub mod sql;\n"),
        ("engine::plan", "use crate::engine::{self, sql};\n"),
        ("engine::sql", "fn of() { crate::engine::plan::make() }\n// crate::server is only named here.\n"),
        ("engine::sql::parts", "use super::Statement;\n"),
    ]);
    assert_eq!(sources.arrows_up(), ["model:4: `model` uses `engine::plan`, which is in a higher layer"]);
    assert_eq!(
        sources.circles(),
        ["engine::plan → engine::sql → engine::plan (engine::plan:1, engine::sql:1)"]
    );
}

/// The modules of a crate by their paths, and what each uses of the others.
struct Sources {
    modules: BTreeMap<String, PathBuf>,
    /// The using module, the line, and the used module.
    arrows: Vec<(String, usize, String)>,
}

impl Sources {
    fn of_the_crate() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut modules = BTreeMap::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let within = path.strip_prefix(&root).expect("below src").with_extension("");
                    let name = within.to_string_lossy().replace('/', "::");
                    let name = name.strip_suffix("::mod").unwrap_or(&name).to_owned();
                    if !matches!(name.as_str(), "lib" | "main") {
                        modules.insert(name, path);
                    }
                }
            }
        }
        let read = |path: &PathBuf| fs::read_to_string(path).expect("a source file");
        let texts: Vec<(String, String)> =
            modules.iter().map(|(module, path)| (module.clone(), read(path))).collect();
        Sources { arrows: arrows(&texts), modules }
    }

    /// Modules with these texts; the file of each has the module's name.
    fn of(texts: &[(&str, &str)]) -> Self {
        let texts: Vec<(String, String)> =
            texts.iter().map(|(module, text)| ((*module).to_owned(), (*text).to_owned())).collect();
        let modules = texts.iter().map(|(module, _)| (module.clone(), PathBuf::from(module))).collect();
        Sources { arrows: arrows(&texts), modules }
    }

    fn place(&self, module: &str, line: usize) -> String {
        let file = &self.modules[module];
        let file = file.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(file);
        format!("{}:{line}", file.display())
    }

    fn arrows_up(&self) -> Vec<String> {
        let rank = |module: &str| LAYERS.iter().position(|layer| *layer == layer_of(module));
        let up = self.arrows.iter().filter(|(from, _, to)| rank(to) > rank(from));
        let mut lines: Vec<String> = up
            .map(|(from, line, to)| {
                format!("{}: `{from}` uses `{to}`, which is in a higher layer", self.place(from, *line))
            })
            .collect();
        lines.dedup();
        lines
    }

    /// Each circle once, from the module whose name comes first.
    fn circles(&self) -> Vec<String> {
        let mut uses: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        for (from, line, to) in
            self.arrows.iter().filter(|(from, _, to)| !holds(from, to) && !holds(to, from))
        {
            uses.entry(from).or_default().entry(to).or_insert(*line);
        }
        let mut circles = Vec::new();
        let mut found: BTreeSet<&str> = BTreeSet::new();
        for start in uses.keys().copied() {
            if found.contains(start) {
                continue;
            }
            if let Some(way) = way_back(&uses, start) {
                found.extend(&way);
                let places: Vec<String> = way
                    .iter()
                    .enumerate()
                    .map(|(place, from)| self.place(from, uses[from][way[(place + 1) % way.len()]]))
                    .collect();
                circles.push(format!("{} → {start} ({})", way.join(" → "), places.join(", ")));
            }
        }
        circles
    }
}

/// The shortest way from a module over others back to it.
fn way_back<'a>(uses: &BTreeMap<&'a str, BTreeMap<&'a str, usize>>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut before: HashMap<&str, &str> = HashMap::new();
    let mut next = vec![start];
    while !next.is_empty() {
        let mut further = Vec::new();
        for from in next {
            for to in uses.get(from).into_iter().flat_map(BTreeMap::keys).copied() {
                if to == start {
                    let mut way = vec![from];
                    while let Some(earlier) = before.get(way[way.len() - 1]) {
                        way.push(earlier);
                    }
                    way.reverse();
                    return Some(way);
                }
                if !before.contains_key(to) {
                    before.insert(to, from);
                    further.push(to);
                }
            }
        }
        next = further;
    }
    None
}

fn layer_of(module: &str) -> &str {
    module.split("::").next().unwrap_or(module)
}

fn holds(outer: &str, inner: &str) -> bool {
    outer == inner || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with("::"))
}

/// Every use of another module in the texts of modules.
fn arrows(texts: &[(String, String)]) -> Vec<(String, usize, String)> {
    let known: BTreeSet<&str> = texts.iter().map(|(module, _)| module.as_str()).collect();
    let mut arrows = Vec::new();
    for (module, text) in texts {
        let text = without_comments(text);
        for (path, line) in paths(&text) {
            let path = absolute(module, &path);
            // The longest part of the path that is a module; the rest names an item of it.
            let target = (1..=path.len()).rev().map(|length| path[..length].join("::"));
            let target = target.into_iter().find(|target| known.contains(target.as_str()));
            if let Some(target) = target.filter(|target| target != module) {
                arrows.push((module.clone(), line, target));
            }
        }
    }
    arrows
}

/// The text with empty lines instead of comments.
fn without_comments(text: &str) -> String {
    let lines = text.lines().map(|line| match line.trim_start() {
        comment if comment.starts_with("//") => "",
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The absolute form of a path within a module, without `crate`, `self` or `super`.
fn absolute(module: &str, path: &[String]) -> Vec<String> {
    let mut base: Vec<String> = match path[0].as_str() {
        "crate" => Vec::new(),
        _ => module.split("::").map(ToOwned::to_owned).collect(),
    };
    let mut rest = path;
    while let Some((first, others)) = rest.split_first() {
        match first.as_str() {
            "crate" | "self" => {}
            "super" => drop(base.pop()),
            _ => break,
        }
        rest = others;
    }
    base.extend(rest.iter().cloned());
    base
}

/// All paths of a text that begin with `crate`, and those imported with `super`: each with its line, those in
/// braces one by one.
fn paths(text: &str) -> Vec<(Vec<String>, usize)> {
    let mut found = Vec::new();
    // A module of tests may use the module that contains it.
    let text = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or(text);
    for root in ["crate::", "super::"] {
        for (start, _) in text.match_indices(root) {
            let before = text[..start].chars().next_back();
            if before.is_some_and(|before| before.is_alphanumeric() || matches!(before, '_' | ':')) {
                continue;
            }
            let mut reader = Reader { rest: &text[start..], line: text[..start].matches('\n').count() + 1 };
            reader.tree(&mut Vec::new(), &mut found);
        }
    }
    found
}

/// Reads a path, or a tree of paths as `use` has it.
struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    fn tree(&mut self, within: &mut Vec<String>, found: &mut Vec<(Vec<String>, usize)>) {
        let depth = within.len();
        loop {
            self.skip();
            if self.takes("{") {
                while !self.takes("}") && !self.rest.is_empty() {
                    self.tree(within, found);
                    self.takes(",");
                }
                break;
            }
            let length =
                self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
            let (name, line) = (self.rest[..length].to_owned(), self.line);
            self.rest = &self.rest[length..];
            if name.is_empty() {
                self.takes("*");
                found.push((within.clone(), line));
                break;
            }
            within.push(name);
            if !self.takes("::") {
                found.push((within.clone(), line));
                if self.takes("as ") {
                    self.tree(&mut Vec::new(), &mut Vec::new());
                }
                break;
            }
        }
        within.truncate(depth);
        self.skip();
    }

    fn takes(&mut self, what: &str) -> bool {
        self.skip();
        let rest = self.rest.strip_prefix(what);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip(&mut self) {
        let rest = self.rest.trim_start();
        self.line += self.rest[..self.rest.len() - rest.len()].matches('\n').count();
        self.rest = rest;
    }
}
