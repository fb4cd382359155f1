//! A server in a process of its own, as the benches start it.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

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
