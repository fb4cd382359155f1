//! Embeds the migrations, and the page in `web/`, which the user's npm bundles.
//!
//! Without npm, or if it fails, no page is embedded and a warning says why. `DOSSIER_WEB=required` makes that an error,
//! and `DOSSIER_WEB=off` leaves the page out.

use std::{
    env,
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Maximum time of npm; then the build goes on without the page.
const TIMEOUT: Duration = Duration::from_mins(5);

fn main() {
    for source in [
        "web/src",
        "web/examples",
        "web/index.html",
        "web/graphiql.html",
        "web/package-lock.json",
        "web/documents.js",
        "web/tsconfig.json",
        "web/vite.config.js",
        "schema.graphql",
        "migrations",
    ] {
        println!("cargo:rerun-if-changed={source}");
    }
    println!("cargo:rerun-if-env-changed=DOSSIER_WEB");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    let work = out.join("web");
    let bundle = if env::var_os("DOSSIER_WEB").is_some_and(|value| value == "off") {
        Err("DOSSIER_WEB is off".to_owned())
    } else {
        bundle(&work)
    };
    let is_required = env::var_os("DOSSIER_WEB").is_some_and(|value| value == "required");
    let files = bundle.unwrap_or_else(|reason| {
        assert!(!is_required, "the page is not bundled, and DOSSIER_WEB is `required`: {reason}");
        println!("cargo:warning=the page is not bundled ({reason}); the server shows GraphiQL from the network instead");
        Vec::new()
    });
    fs::write(out.join("page.rs"), list(&work.join("dist"), &files)).expect("OUT_DIR can be written");
    fs::write(out.join("migrations.rs"), migrations()).expect("OUT_DIR can be written");
}

/// Rust source with the number, description and SQL of each migration. `sqlx::migrate!` does the same, but compiles sqlx
/// a second time.
fn migrations() -> String {
    let folder = fs::canonicalize("migrations").expect("the migrations");
    let mut files = Vec::new();
    collect(&folder, &mut files).expect("the migrations");
    files.retain(|file| file.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    let mut code = String::from("[\n");
    for file in files {
        let name = file.file_stem().expect("a file").to_string_lossy();
        let (version, description) =
            name.split_once('_').expect("a migration is called 0001_what_it_does.sql");
        let version: i64 = version.parse().expect("a migration begins with its number");
        let description = description.replace('_', " ");
        let file = file.to_string_lossy();
        let _ = writeln!(code, "    ({version}, {description:?}, include_str!({file:?})),");
    }
    code + "]\n"
}

/// Builds the page in a copy of `web/`; the source tree is not changed.
fn bundle(work: &Path) -> Result<Vec<PathBuf>, String> {
    let message = |error: io::Error| error.to_string();
    let lock = fs::read("web/package-lock.json").map_err(message)?;
    let installed = work.join("installed");
    copy(Path::new("web"), work).map_err(message)?;
    // `cargo run -- schema > schema.graphql` empties it before it builds: then the last one stays.
    let schema = fs::read("schema.graphql").map_err(message)?;
    if !schema.is_empty() {
        fs::write(work.with_file_name("schema.graphql"), schema).map_err(message)?;
    }
    if fs::read(&installed).ok().as_ref() != Some(&lock) {
        run(work, &["ci", "--ignore-scripts", "--no-audit", "--no-fund"])?;
        fs::write(installed, lock).map_err(message)?;
    }
    run(work, &["run", "build"])?;
    let dist = work.join("dist");
    let mut files = Vec::new();
    collect(&dist, &mut files).map_err(message)?;
    files.sort();
    if files.is_empty() { Err("npm built nothing".to_owned()) } else { Ok(files) }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, target) = (entry.file_name(), to.join(entry.file_name()));
        if name == "node_modules" || name == "dist" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            // Removes files that were deleted in the source.
            let _ = fs::remove_dir_all(&target);
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn run(folder: &Path, arguments: &[&str]) -> Result<(), String> {
    let log = folder.join("npm.log");
    let output = fs::File::create(&log).map_err(|error| error.to_string())?;
    let errors = output.try_clone().map_err(|error| error.to_string())?;
    let mut npm = Command::new("npm");
    npm.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(output).stderr(errors);
    let mut npm = npm.spawn().map_err(|error| format!("npm: {error}"))?;
    let since = Instant::now();
    loop {
        match npm.try_wait().map_err(|error| error.to_string())? {
            Some(status) if status.success() => return Ok(()),
            Some(_) => {
                let log = fs::read_to_string(&log).unwrap_or_default();
                let line = log.lines().find(|line| line.to_lowercase().contains("error"));
                return Err(format!("npm {}: {}", arguments[0], line.unwrap_or("failed")));
            }
            None if since.elapsed() > TIMEOUT => {
                let _ = npm.kill();
                return Err(format!("npm {} took longer than {} s", arguments[0], TIMEOUT.as_secs()));
            }
            None => thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// Rust source with the files: each by its path in the bundle, without the extension of its compression.
fn list(dist: &Path, files: &[PathBuf]) -> String {
    let mut code = String::from("&[\n");
    for file in files {
        let path =
            file.strip_prefix(dist).expect("a file of the bundle").to_string_lossy().replace('\\', "/");
        let file = file.to_string_lossy();
        let _ = writeln!(code, "    ({:?}, include_bytes!({file:?})),", path.trim_end_matches(".gz"));
    }
    code + "]\n"
}
