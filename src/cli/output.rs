//! Where a command writes what it was asked for.

use std::{
    fs::File,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::cli::Failure;

/// Permissions of a file that others may read, and of one that holds secrets.
pub const PUBLIC: u32 = 0o666;
pub const PRIVATE: u32 = 0o600;

/// Standard output, or a file that is renamed when it is complete.
pub enum Output {
    Standard(std::io::Stdout),
    /// A pipe or a device, which can't be replaced by a file.
    Special(File),
    File {
        file: File,
        unfinished: PathBuf,
        path: PathBuf,
    },
}

impl Output {
    /// `mode`: the permissions of a new file, before the umask.
    pub fn to(path: &Path, mode: u32) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| format!("can't write {}: {error}", path.display());
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                return Err(format!("can't write {}: it is a directory", path.display()).into());
            }
            Ok(found) if !found.is_file() => {
                return Ok(Output::Special(File::options().write(true).open(path).map_err(failed)?));
            }
            // A read-only file must not be replaced.
            Ok(_) => drop(File::options().append(true).open(path).map_err(failed)?),
            Err(_) => {}
        }
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.unfinished", std::process::id()));
        let unfinished = path.with_file_name(name);
        // A leftover would keep its mode, and a link would be followed.
        let _ = std::fs::remove_file(&unfinished);
        let mut create = File::options();
        let file = create.write(true).create_new(true).mode(mode).open(&unfinished).map_err(failed)?;
        Ok(Output::File { file, unfinished, path })
    }

    /// Where it is written now, if it is a file.
    pub fn unfinished(&self) -> Option<&Path> {
        match self {
            Output::File { unfinished, .. } => Some(unfinished),
            _ => None,
        }
    }

    /// Renames a complete file.
    pub fn finish(self) -> Result<(), Failure> {
        if let Output::File { file, unfinished, path } = &self {
            file.sync_all()
                .and_then(|()| std::fs::rename(unfinished, path))
                .map_err(|error| format!("can't write {}: {error}", path.display()))?;
        }
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Output::File { unfinished, .. } = self {
            let _ = std::fs::remove_file(unfinished);
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Output::Standard(out) => out.write(bytes),
            Output::Special(file) | Output::File { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Output::Standard(out) => out.flush(),
            Output::Special(file) | Output::File { file, .. } => file.flush(),
        }
    }
}
