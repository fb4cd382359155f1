//! What a folder of the embedded Postgres holds, and which folders held data. The latter is recorded outside of them:
//! an empty folder may be a disk that is not mounted.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
};

use crate::database::account;

/// Data that an upgrade has made, before they take the place of the old ones.
pub const COMPLETE: &str = "data.upgraded";

/// Finishes an upgrade that was interrupted while the new data took the place of the old ones, or forgets the new data if
/// the old ones are still in place: they go on from there.
pub fn complete_upgrade(root: &Path) -> io::Result<()> {
    let (complete, data) = (root.join(COMPLETE), root.join("data"));
    if !complete.exists() {
        return Ok(());
    }
    if data.exists() {
        return fs::remove_dir_all(complete);
    }
    fs::rename(complete, data)?;
    sync(root)
}

/// Makes renames in a folder outlast a power loss.
pub fn sync(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Whether there are data, also if an upgrade of them was interrupted.
pub fn has_data(root: &Path) -> bool {
    version_of(root).is_some() || root.join(COMPLETE).exists()
}

/// The major version of the Postgres that the data are of.
pub fn version_of(root: &Path) -> Option<u32> {
    fs::read_to_string(root.join("data/PG_VERSION")).ok()?.trim().parse().ok()
}

/// The canonical path of a folder that may not exist: links and `..` are resolved as far as possible.
fn canonical(root: &Path) -> PathBuf {
    let followed = |there: &Path| Some(there.canonicalize().ok()?.join(root.strip_prefix(there).ok()?));
    root.ancestors().find_map(followed).unwrap_or_else(|| root.to_owned())
}

/// The record of a folder: its path and the system identifier of its data.
fn file(path: &Path) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    account::state_folder().join("data").join(format!("{:016x}", hasher.finish()))
}

/// The system identifier of the data that a folder held.
pub fn system_of(root: &Path) -> Option<u64> {
    let path = canonical(root);
    let text = fs::read_to_string(file(&path)).ok()?;
    let (recorded, system) = text.trim_end().rsplit_once('\n')?;
    (Path::new(recorded) == Path::new(&*path.to_string_lossy())).then(|| system.parse().ok()).flatten()
}

pub fn record(root: &Path) -> io::Result<()> {
    // pg_control starts with the system identifier.
    let control = fs::read(root.join("data/global/pg_control"))?;
    let system = control.first_chunk().copied().map(u64::from_ne_bytes).ok_or(io::ErrorKind::InvalidData)?;
    if system_of(root) == Some(system) {
        return Ok(());
    }
    let path = canonical(root);
    let file = file(&path);
    fs::create_dir_all(file.parent().unwrap_or(&file))?;
    fs::write(file, format!("{}\n{system}\n", path.display()))
}
