//! The budgets of the explorer, in Chromium: `cargo bench --bench page`.
//!
//! How soon each view is seen and how much it loads, how long 2,000 actors of a network take to come to rest, and whether
//! anything keeps the page busy for 50 ms meanwhile or while 10,000 entries of a timeline are scrolled. A base of 50,000
//! statements is generated the first time; `BENCH_DATABASE_URL` names another. Needs npm and `/usr/bin/chromium`. Nothing
//! else should run on the machine: a task also takes long if others take the processor.

use std::{fs, path::Path, process::Command};

use clap::Parser;
use dossier::server::page;

use self::support::{Program, Server, base};

#[path = "../support/mod.rs"]
mod support;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    program: Program,
}

fn main() {
    let program = Arguments::parse().program.server;
    assert!(page::is_bundled(), "build with npm and without DOSSIER_WEB=off");
    let (url, postgres) = base(&program, &["--statements", "50000"]);
    let server = Server::start(&program, &url, &[]);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    fs::create_dir_all(&folder).expect("a folder");
    for file in ["package.json", "page.mjs"] {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/page").join(file);
        fs::copy(source, folder.join(file)).expect("copied");
    }
    let run = |program: &str, arguments: &[&str]| {
        let status = Command::new(program).args(arguments).current_dir(&folder).status();
        assert!(status.expect("it runs").success(), "{program} fails");
    };
    run("npm", &["install", "--no-audit", "--no-fund", "--silent"]);
    run("node", &["page.mjs", &format!("http://{}/", server.address)]);
    drop(server);
    if let Some(postgres) = postgres {
        postgres.stop();
    }
}
