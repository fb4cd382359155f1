//! Reads a table of text.

use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
};

use serde_json::{Map, Value};

use crate::bulk::import::{
    readers::{ReadError, json::LimitedReader, mappings::mapped::map::ColumnMap},
    source_file::MAX_LINE_BYTES,
    staging::ReceiverClosed,
};

/// Reads a table, and returns its columns. An empty cell is no value.
pub(super) fn table(
    map: &ColumnMap,
    input: impl Read,
    mut each: impl FnMut(u64, Map<String, Value>) -> Result<(), ReceiverClosed>,
) -> Result<Vec<String>, ReadError> {
    let quotes = Rc::new(Cell::new(0));
    let input = QuoteCounter { reader: input, quotes: quotes.clone() };
    let (limited, left) = LimitedReader::new(input, "a row (is a quote not closed?)");
    let delimiter = map.delimiter.map_or(Ok(b','), u8::try_from);
    let delimiter =
        delimiter.map_err(|_| ReadError::Invalid("the map's delimiter isn't ASCII".to_owned()))?;
    // With the default terminator, the reader counts `\r\n` as two lines. What is left of it is cut with blanks.
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .delimiter(delimiter)
        .terminator(csv::Terminator::Any(b'\n'))
        // Tables with tabs have no quotes, as a rule.
        .quoting(delimiter != b'\t')
        .has_headers(map.columns.is_none())
        .from_reader(limited);
    let failed = |error: csv::Error| {
        let reason = error.to_string();
        match error.into_kind() {
            csv::ErrorKind::Io(error) => ReadError::from(error),
            _ => ReadError::Invalid(format!("the file is no table: {reason}")),
        }
    };
    let columns: Vec<String> = match &map.columns {
        Some(columns) => columns.clone(),
        None => {
            let header = reader.byte_headers().map_err(failed)?;
            let names = header.iter().map(|name| text(name, 1)).collect::<Result<Vec<_>, _>>()?;
            let is_again = |(place, name): (usize, &String)| names[..place].contains(name);
            let again = names.iter().enumerate().filter(|column| is_again(*column)).map(|(_, name)| name);
            if let Some(name) = again.filter(|name| !name.is_empty()).min() {
                return Err(ReadError::Invalid(format!("the table has two columns `{name}`")));
            }
            names
        }
    };
    let mut cells = csv::ByteRecord::new();
    // Where the last row begins that spans several lines, and is the last one.
    let mut open = None;
    while reader.read_byte_record(&mut cells).map_err(failed)? {
        left.set(MAX_LINE_BYTES);
        let line = cells.position().map_or(0, csv::Position::line);
        open = cells.iter().any(|cell| cell.contains(&b'\n')).then_some(line);
        let mut row = Map::new();
        for (place, cell) in cells.iter().enumerate() {
            let cell = text(cell, line)?;
            if !cell.is_empty() {
                let name = columns.get(place).cloned();
                row.insert(name.unwrap_or_else(|| format!("column {}", place + 1)), cell.into());
            }
        }
        each(line, row)?;
    }
    match open {
        Some(line) if delimiter != b'\t' && quotes.get() % 2 == 1 => {
            Err(ReadError::Invalid(format!("a quote in the row of line {line} is not closed")))
        }
        _ => Ok(columns),
    }
}

/// The text of a cell.
fn text(cell: &[u8], line: u64) -> Result<String, ReadError> {
    let text = std::str::from_utf8(cell).map(|text| text.trim().to_owned());
    text.map_err(|_| ReadError::Invalid(format!("line {line} is not UTF-8; save the file as UTF-8")))
}

/// Counts the quotation marks of a table.
struct QuoteCounter<R> {
    reader: R,
    quotes: Rc<Cell<usize>>,
}

impl<R: Read> Read for QuoteCounter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let is_quote = |byte: &u8| usize::from(*byte == b'"');
        self.quotes.set(self.quotes.get() + buffer[..read].iter().map(is_quote).sum::<usize>());
        Ok(read)
    }
}
