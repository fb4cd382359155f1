//! Which folders held data: kept apart from them, so that one whose disk is not mounted is not taken for new.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
};

use crate::database::account;

/// The folder's one path, whichever it was named by: links and `..` are followed as far as there is something.
fn place(root: &Path) -> PathBuf {
    let followed = |there: &Path| Some(there.canonicalize().ok()?.join(root.strip_prefix(there).ok()?));
    root.ancestors().find_map(followed).unwrap_or_else(|| root.to_owned())
}

/// The file for a folder. It holds the folder's path and what Postgres calls the data.
fn file(place: &Path) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    place.hash(&mut hasher);
    account::state_folder().join("data").join(format!("{:016x}", hasher.finish()))
}

/// What Postgres called the data that were in a folder when it ran there last.
pub fn system_of(root: &Path) -> Option<u64> {
    let place = place(root);
    let text = fs::read_to_string(file(&place)).ok()?;
    let (path, system) = text.trim_end().rsplit_once('\n')?;
    (Path::new(path) == Path::new(&*place.to_string_lossy())).then(|| system.parse().ok()).flatten()
}

pub fn remember(root: &Path) -> io::Result<()> {
    // The first word of pg_control is the system identifier, by which Postgres itself tells data apart.
    let control = fs::read(root.join("data/global/pg_control"))?;
    let system = control.first_chunk().copied().map(u64::from_ne_bytes).ok_or(io::ErrorKind::InvalidData)?;
    if system_of(root) == Some(system) {
        return Ok(());
    }
    let place = place(root);
    let file = file(&place);
    fs::create_dir_all(file.parent().unwrap_or(&file))?;
    fs::write(file, format!("{}\n{system}\n", place.display()))
}
