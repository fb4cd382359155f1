//! Entries that a mapping reads again when it has seen the whole document, kept in a temporary file.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Seek, Write},
    marker::PhantomData,
    os::unix::fs::OpenOptionsExt,
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use serde::{Serialize, de::DeserializeOwned};

static NUMBER: AtomicU64 = AtomicU64::new(0);

pub struct Spool<T> {
    file: BufWriter<File>,
    of: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned> Spool<T> {
    pub fn new() -> io::Result<Self> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("dossier-{}-{number}", process::id()));
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        // The open file stays until it is closed, even if the program is killed.
        fs::remove_file(&path)?;
        Ok(Spool { file: BufWriter::new(file), of: PhantomData })
    }

    pub fn push(&mut self, entry: &T) -> io::Result<()> {
        serde_json::to_writer(&mut self.file, entry)?;
        self.file.write_all(b"\n")
    }

    /// The entries in the order in which they were pushed.
    pub fn entries(self) -> io::Result<impl Iterator<Item = io::Result<T>>> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        let entries = serde_json::Deserializer::from_reader(BufReader::new(file)).into_iter();
        Ok(entries.map(|entry| entry.map_err(io::Error::from)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_comes_back_in_order() {
        let mut spool = Spool::<(u32, String)>::new().unwrap();
        for number in 0..3 {
            spool.push(&(number, format!("line\n{number}"))).unwrap();
        }
        let entries: io::Result<Vec<_>> = spool.entries().unwrap().collect();
        assert_eq!(entries.unwrap()[2], (2, "line\n2".to_owned()));
    }
}
