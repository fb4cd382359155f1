//! Reads a backup, and compares what it holds with the counts and digests at its end.

use std::{
    io::{self, BufRead, Read},
    path::Path,
    sync::Arc,
};

use crate::{
    bulk::{
        backup::{END_OF_ROWS, Error, FORMAT, Header, Line, Sequence, Sum, Summary, Table, Tally},
        import::source_file::Input,
    },
    database::migrations,
    progress::{Progress, Step},
};

/// Size up to which rows are read at once.
const CHUNK_BYTES: usize = 1 << 18;
/// The first line of another file may be long.
const MAX_HEADER_BYTES: u64 = 1 << 20;

pub struct Reader {
    input: Input,
    file: String,
    header: Header,
    /// What was read so far.
    sums: Vec<Sum>,
    tally: Tally,
}

impl Reader {
    /// Opens a backup; `-` is standard input. Fails if this version of Dossier can't read it.
    pub fn open(path: &Path, progress: Arc<dyn Progress>) -> Result<Self, Error> {
        let file = if path == "-" { "standard input".to_owned() } else { path.display().to_string() };
        let failed = |error: io::Error| unreadable(&file, &error);
        let bytes = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|found| found.len());
        progress.begin(Step::Reading, bytes);
        let mut input = Input::open(path, progress).map_err(failed)?;
        let mut line = Vec::new();
        (&mut input).take(MAX_HEADER_BYTES).read_until(b'\n', &mut line).map_err(failed)?;
        let Ok(Line::Backup(header)) = serde_json::from_slice(&line) else {
            return Err(Error::File(format!("{file} is not a backup; dossier backup writes them")));
        };
        let unknown = migrations::unknown(&header.migrations);
        if header.format > FORMAT || unknown.is_some() {
            let what =
                unknown.map_or_else(String::new, |version| format!(" (it has migration {version:04})"));
            return Err(Error::File(format!(
                "{file} was written by Dossier {}, which is newer than this version{what}; \
                 restore it with a newer version",
                header.dossier
            )));
        }
        Ok(Reader { input, file, header, sums: Vec::new(), tally: Tally::default() })
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What was read of each table.
    pub(super) fn sums(&self) -> &[Sum] {
        &self.sums
    }

    /// The next table, whose rows must be read, or what comes after the last one.
    pub(super) fn next(&mut self) -> Result<Result<Table, Vec<Sequence>>, Error> {
        let mut line = Vec::new();
        self.read_line(&mut line)?;
        match serde_json::from_slice(&line) {
            Ok(Line::Table(table)) => Ok(Ok(table)),
            Ok(Line::End(end)) => {
                if end.tables != self.sums {
                    let differs = |sum: &&Sum| !self.sums.contains(sum);
                    let table = end.tables.iter().find(differs).map_or("a table", |sum| &sum.table);
                    return Err(self.damaged(&format!("the count or the digest of `{table}` differs")));
                }
                // The checksum of the file comes after its last line.
                match self.input.fill_buf().map(<[u8]>::is_empty) {
                    Ok(true) => Ok(Err(end.sequences)),
                    Ok(false) => Err(self.damaged("something follows its end")),
                    Err(error) => Err(unreadable(&self.file, &error)),
                }
            }
            _ => Err(self.damaged("it has a line that no backup has")),
        }
    }

    /// Reads some rows of the table; `false` at its end.
    pub(super) fn rows(&mut self, table: &str, rows: &mut Vec<u8>) -> Result<bool, Error> {
        rows.clear();
        while rows.len() < CHUNK_BYTES {
            let begins = rows.len();
            self.read_line(rows)?;
            if &rows[begins..] == END_OF_ROWS {
                rows.truncate(begins);
                self.tally.add(rows);
                self.sums.push(std::mem::take(&mut self.tally).sum(table));
                return Ok(false);
            }
        }
        self.tally.add(rows);
        Ok(true)
    }

    /// Appends the next line with its line ending.
    fn read_line(&mut self, line: &mut Vec<u8>) -> Result<(), Error> {
        let read = self.input.read_until(b'\n', line);
        match read {
            Ok(_) if line.ends_with(b"\n") => Ok(()),
            Ok(_) => Err(incomplete(&self.file)),
            Err(error) => Err(unreadable(&self.file, &error)),
        }
    }

    pub(super) fn damaged(&self, why: &str) -> Error {
        Error::File(format!("{} is damaged: {why}", self.file))
    }

    /// Reads the backup to its end, without a database.
    pub fn verify(mut self) -> Result<Summary, Error> {
        let mut rows = Vec::new();
        while let Ok(table) = self.next()? {
            while self.rows(&table.name, &mut rows)? {}
        }
        Ok(Summary::of(self.header, &self.sums))
    }
}

fn incomplete(file: &str) -> Error {
    Error::File(format!("{file} is incomplete: it ends too early"))
}

fn unreadable(file: &str, error: &io::Error) -> Error {
    match error.raw_os_error() {
        Some(_) => Error::File(format!("can't read {file}: {error}")),
        None if error.kind() == io::ErrorKind::UnexpectedEof => incomplete(file),
        None => Error::File(format!("{file} is damaged: {error}")),
    }
}
