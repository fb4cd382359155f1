//! Which folders held data: kept apart from them, so that one whose disk is not mounted is not taken for new.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
};

use super::account;

/// The file for a folder. It holds the folder's path and what Postgres calls the data.
fn file(root: &Path) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    root.hash(&mut hasher);
    account::state_folder().join("data").join(format!("{:016x}", hasher.finish()))
}

/// What Postgres called the data that were in a folder when it ran there last.
pub fn system_of(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(file(root)).ok()?;
    let (path, system) = text.trim_end().rsplit_once('\n')?;
    (path == root.to_string_lossy()).then(|| system.parse().ok()).flatten()
}

pub fn remember(root: &Path) -> io::Result<()> {
    // The first word of pg_control is the system identifier, by which Postgres itself tells data apart.
    let control = fs::read(root.join("data/global/pg_control"))?;
    let system = control.first_chunk().copied().map(u64::from_ne_bytes).ok_or(io::ErrorKind::InvalidData)?;
    if system_of(root) == Some(system) {
        return Ok(());
    }
    let file = file(root);
    fs::create_dir_all(file.parent().unwrap_or(&file))?;
    fs::write(file, format!("{}\n{system}\n", root.display()))
}
