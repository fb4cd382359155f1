//! Input files: decompressed by their first bytes, and read in constant memory.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::Path,
    sync::Arc,
};

use flate2::bufread::MultiGzDecoder;

use crate::progress::Progress;

/// Maximum length of a line or a CSV row.
pub const MAX_LINE_BYTES: usize = 8 << 20;
const BUFFER_BYTES: usize = 1 << 18;

/// A file, or standard input.
pub struct Input {
    reader: Box<dyn BufRead + Send>,
}

#[derive(Debug, PartialEq)]
pub enum Line {
    Whole,
    /// The line was skipped.
    TooLong,
    End,
}

/// Reports progress in bytes.
struct ProgressReader {
    raw: Box<dyn Read + Send>,
    progress: Arc<dyn Progress>,
}

impl Read for ProgressReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.raw.read(buffer)?;
        self.progress.advance(read as u64);
        Ok(read)
    }
}

impl Input {
    /// Opens a file; `-` is standard input. Progress counts compressed bytes.
    pub fn open(path: &Path, progress: Arc<dyn Progress>) -> io::Result<Self> {
        let raw: Box<dyn Read + Send> =
            if path == "-" { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
        Self::of(Box::new(ProgressReader { raw, progress }))
    }

    pub fn of(raw: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut raw = BufReader::with_capacity(BUFFER_BYTES, raw);
        let first = peek(&mut raw, 4)?;
        let compressed = Cursor::new(first.clone()).chain(raw);
        let plain: Box<dyn Read + Send> = match first.as_slice() {
            [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(compressed)),
            [0x28, 0xb5, 0x2f, 0xfd] => Box::new(zstd::Decoder::with_buffer(compressed)?),
            _ => Box::new(compressed),
        };
        let mut plain = BufReader::with_capacity(BUFFER_BYTES, plain);
        let mut first = peek(&mut plain, 3)?;
        if first == "\u{feff}".as_bytes() {
            first.clear();
        }
        Ok(Input { reader: Box::new(Cursor::new(first).chain(plain)) })
    }

    /// Puts bytes back, before the rest.
    pub fn unread(&mut self, bytes: Vec<u8>) {
        let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = Box::new(Cursor::new(bytes).chain(rest));
    }

    /// Reads the next line into `line`, without its line ending.
    pub fn read_line(&mut self, line: &mut Vec<u8>) -> io::Result<Line> {
        line.clear();
        let mut too_long = false;
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                let rest = !line.is_empty();
                return Ok(if too_long {
                    Line::TooLong
                } else if rest {
                    Line::Whole
                } else {
                    Line::End
                });
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let part = &buffer[..end.unwrap_or(buffer.len())];
            too_long |= line.len() + part.len() > MAX_LINE_BYTES;
            if too_long {
                line.clear();
            } else {
                line.extend_from_slice(part);
            }
            let used = end.map_or(buffer.len(), |end| end + 1);
            self.reader.consume(used);
            if end.is_some() {
                return Ok(if too_long { Line::TooLong } else { Line::Whole });
            }
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.reader.consume(amount);
    }
}

/// The first `count` bytes, or fewer at the end of the file.
fn peek(reader: &mut impl Read, count: u64) -> io::Result<Vec<u8>> {
    let mut first = Vec::new();
    reader.take(count).read_to_end(&mut first)?;
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_beyond_the_limit_is_read_over_and_the_next_one_is_read() {
        let text = format!("\u{feff}first\n{}\nlast", "x".repeat(MAX_LINE_BYTES + 1));
        let mut input = Input::of(Box::new(Cursor::new(text))).unwrap();
        let (mut line, mut read) = (Vec::new(), Vec::new());
        loop {
            match input.read_line(&mut line).unwrap() {
                Line::End => break,
                how => read.push((how, line.len())),
            }
        }
        assert_eq!(read, [(Line::Whole, 5), (Line::TooLong, 0), (Line::Whole, 4)]);
    }
}
