//! Varnish with the configuration of `deploy/`, in front of a server: for tests and a benchmark.

use std::{
    fs,
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub const PROGRAM: &str = "/usr/sbin/varnishd";
/// Timeout on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// It is stopped when this is dropped.
pub struct Varnish(Child);

impl Varnish {
    /// Listens on a port for readers and on one for purges, with its files in this folder.
    pub fn start(folder: &Path, server: u16, [port, purge]: [u16; 2]) -> Self {
        let own = include_str!("../../../deploy/varnish/dossier.vcl");
        let own = own.replace(".host = \"dossier\"", ".host = \"127.0.0.1\"");
        let own = own.replace(".port = \"8000\"", &format!(".port = \"{server}\""));
        fs::create_dir_all(folder).expect("made");
        let configuration = folder.join("dossier.vcl");
        fs::write(&configuration, own).expect("written");
        let mut varnish = Command::new(PROGRAM);
        varnish.args(["-F", "-j", "none", "-s", "default,512m", "-n"]).arg(folder.join("work"));
        varnish.arg("-f").arg(&configuration).args(["-a", &format!("127.0.0.1:{port}")]);
        varnish.args(["-a", &format!("purge=127.0.0.1:{purge}")]);
        varnish.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let varnish = Varnish(varnish.spawn().expect("Varnish starts"));
        let since = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(since.elapsed() < PATIENCE, "Varnish does not respond");
            std::thread::sleep(Duration::from_millis(50));
        }
        varnish
    }
}

impl Drop for Varnish {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
