//! A server in a process of its own and a generated base, as the benches start and make them.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use dossier::database::embedded::{Durability, Postgres};

pub struct Server {
    pub child: Child,
    pub address: String,
}

impl Server {
    /// Starts a program with these settings.
    pub fn start(program: &Path, url: &str, settings: &[(&str, &str)]) -> Server {
        let mut command = Command::new(program);
        command.env("DATABASE_URL", url).env("BIND_ADDRESS", "127.0.0.1:0").current_dir("/");
        command.envs(settings.iter().copied());
        let mut child = command.stderr(Stdio::piped()).spawn().expect("dossier runs");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let address = lines.by_ref().find_map(|line| {
            let line = line.expect("a line");
            let (_, rest) = line.split_once("listening on http://")?;
            Some(rest.split('/').next()?.to_owned())
        });
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, address: address.expect("it listens") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The arguments of every benchmark that starts a server.
#[derive(clap::Args)]
pub struct Program {
    /// The program to start. Default: the one that was built with this benchmark.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_dossier"))]
    pub server: std::path::PathBuf,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// The base that `BENCH_DATABASE_URL` names, or one that is generated once with these arguments, and its Postgres.
#[allow(dead_code, reason = "not all benches need one")]
pub fn base(program: &Path, arguments: &[&str]) -> (String, Option<Postgres>) {
    if let Ok(url) = std::env::var("BENCH_DATABASE_URL") {
        return (url, None);
    }
    let name = arguments.concat().replace("--", "-");
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("base{name}"));
    let made = root.join("made");
    let postgres = Postgres::start(&root, None, Durability::Durable).expect("a Postgres");
    let socket = postgres.socket_folder().display().to_string().replace('/', "%2F");
    let url = format!("postgres://postgres@localhost:5432/postgres?host={socket}");
    if !made.exists() {
        for arguments in [&["migrate"], &[&["generate"], arguments].concat()[..]] {
            let mut command = Command::new(program);
            let status = command.args(arguments).env("DATABASE_URL", &url).status();
            assert!(status.expect("dossier runs").success());
        }
        std::fs::write(made, "").expect("a mark");
    }
    (url, Some(postgres))
}
