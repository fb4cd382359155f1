//! Readers: JSON Lines here, CSV in `csv`, other formats in `mappings`.

mod csv;
mod detection;
pub mod json;
pub mod mappings;
mod xml;

use std::{
    cell::RefCell,
    io::{self, BufRead},
    path::Path,
    sync::atomic::Ordering,
};

use serde_json::{Map, Value};

use crate::bulk::{
    import::{
        readers::mappings::mapped::ColumnMap,
        source_file::{Input, Line, MAX_LINE_BYTES},
        staging::{Position, ReceiverClosed, Stager, position},
        tally::Tally,
    },
    records::RecordKinds,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Jsonl,
    Csv,
    Popolo,
    Legislators,
    Ftm,
    Wikidata,
    Parlamint,
}

/// File name without extensions, and the last extension apart from compression.
pub fn stem_and_extension(path: &Path) -> (String, String) {
    let mut path = path.to_owned();
    if path.extension().is_some_and(|extension| extension == "gz" || extension == "zst") {
        path = path.with_extension("");
    }
    let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    (text(path.file_stem()), text(path.extension()).to_lowercase())
}

/// Why reading a file stopped.
#[derive(Debug)]
pub enum ReadError {
    /// The file isn't in its format, or can't be read.
    Invalid(String),
    ReceiverClosed,
}

impl From<ReceiverClosed> for ReadError {
    fn from(_: ReceiverClosed) -> Self {
        ReadError::ReceiverClosed
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        ReadError::Invalid(match error.kind() {
            io::ErrorKind::UnexpectedEof => "unexpected end of file; is the file complete?".to_owned(),
            _ => error.to_string(),
        })
    }
}

#[derive(Clone, Copy)]
pub struct File<'a> {
    pub number: usize,
    pub path: &'a Path,
    pub format: Format,
    /// Record type of a CSV file; default: by its name.
    pub kind: Option<&'a str>,
    /// The dataset that it belongs to; default: what the document says of itself, or its name and folder.
    pub dataset: Option<&'a str>,
    /// The map of its columns, if it is in no format that is known.
    pub map: Option<&'a ColumnMap>,
    pub tally: &'a RefCell<Tally>,
}

/// Reads a file; returns the dataset that its records belong to, if it is in another format than Dossier's own.
pub fn read(
    file: File<'_>,
    mut input: Input,
    kinds: &RecordKinds,
    stager: &mut Stager<'_>,
) -> Result<Option<String>, ReadError> {
    let is_json = file.map.is_none() && file.format == Format::Jsonl || is_json(input.fill_buf()?);
    let mended = is_json.then(|| input.mend_surrogates());
    let dataset = read_format(file, input, kinds, stager);
    let mended = mended.map_or(0, |mended| mended.load(Ordering::Relaxed));
    if mended > 0 {
        let reason = "replaced by U+FFFD, half of a surrogate pair is no character";
        file.tally.borrow_mut().change_times("text", reason, mended);
    }
    dataset
}

/// Whether a text begins as a JSON object or list.
pub fn is_json(first: &[u8]) -> bool {
    matches!(first.trim_ascii_start().first(), Some(b'[' | b'{'))
}

fn read_format(
    file: File<'_>,
    input: Input,
    kinds: &RecordKinds,
    stager: &mut Stager<'_>,
) -> Result<Option<String>, ReadError> {
    if let Some(map) = file.map {
        return mappings::mapped::read(file, map, input, kinds, stager).map(Some);
    }
    match file.format {
        Format::Jsonl => objects(file, input, |line, object| match object {
            Ok(object) => stager.record(line, &object),
            Err(reason) => stager.reject_line(line, reason),
        })
        .map(|()| None),
        Format::Csv => csv::read(file, input, kinds, stager).map(|()| None),
        Format::Popolo => mappings::popolo::read(file, input, stager).map(Some),
        Format::Legislators => mappings::legislators::read(file, input, stager).map(Some),
        Format::Ftm => mappings::ftm::read(file, input, stager).map(Some),
        Format::Wikidata => mappings::wikidata::read(file, input, stager).map(Some),
        Format::Parlamint => mappings::parlamint::read(file, input, stager).map(Some),
    }
}

/// Reads one JSON object per line.
pub fn objects(
    file: File<'_>,
    mut input: Input,
    mut each: impl FnMut(Position, Result<Map<String, Value>, String>) -> Result<(), ReceiverClosed>,
) -> Result<(), ReadError> {
    let (mut line, mut number) = (Vec::new(), 0);
    loop {
        number += 1;
        let position = position(file.number, number);
        let read = match input.read_line(&mut line)? {
            Line::End => return Ok(()),
            Line::TooLong => Err(format!("The line is longer than {} MiB.", MAX_LINE_BYTES >> 20)),
            Line::Whole if line.trim_ascii().is_empty() => continue,
            Line::Whole => object(&line),
        };
        each(position, read)?;
    }
}

fn object(line: &[u8]) -> Result<Map<String, Value>, String> {
    let text = std::str::from_utf8(line)
        .map_err(|error| format!("Invalid UTF-8 at byte {}.", error.valid_up_to() + 1))?;
    // The other reader takes numbers of any size.
    match serde_json::from_str(text).or_else(|error| json::parse(text).map_err(|_| error)) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("The line isn't a JSON object.".to_owned()),
        Err(error) => {
            let text = error.to_string();
            let reason = text.split(" at line ").next().unwrap_or_default();
            Err(format!("Invalid JSON: {reason} at column {}.", error.column()))
        }
    }
}
