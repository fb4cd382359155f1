//! Input files: decompressed and decoded by their first bytes, and read in constant memory.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use flate2::bufread::MultiGzDecoder;

use crate::progress::Progress;

/// Maximum length of a line or a CSV row.
pub const MAX_LINE_BYTES: usize = 8 << 20;
const BUFFER_BYTES: usize = 1 << 18;
/// Bytes of a file that its encoding is known by: those of an XML declaration.
const DECLARATION_BYTES: u64 = 256;

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
        let first = peek(&mut plain, DECLARATION_BYTES)?;
        let encoding = encoding(&first)?;
        let mut whole = Cursor::new(first).chain(plain);
        if encoding == UTF_8 {
            let mark = peek(&mut whole, 3)?;
            let mark = if mark == "\u{feff}".as_bytes() { Vec::new() } else { mark };
            return Ok(Input { reader: Box::new(Cursor::new(mark).chain(whole)) });
        }
        let decoded = DecodingReader {
            raw: whole,
            decoder: encoding.new_decoder_with_bom_removal(),
            text: Vec::new(),
            read: 0,
            is_at_end: false,
        };
        Ok(Input { reader: Box::new(BufReader::with_capacity(BUFFER_BYTES, decoded)) })
    }

    /// Replaces escapes of JSON that stand for no character by U+FFFD, and counts them.
    pub fn mend_surrogates(&mut self) -> Arc<AtomicU64> {
        let raw = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        let mended = Arc::new(AtomicU64::new(0));
        let reader = SurrogateMender { raw, ahead: Vec::new(), ready: Vec::new(), mended: mended.clone() };
        self.reader = Box::new(BufReader::with_capacity(BUFFER_BYTES, reader));
        mended
    }

    /// The first bytes of the input, which stay to be read.
    pub fn peek(&mut self, count: u64) -> io::Result<Vec<u8>> {
        let first = peek(&mut self.reader, count)?;
        let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = Box::new(Cursor::new(first.clone()).chain(rest));
        Ok(first)
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

/// Decodes a text to UTF-8.
struct DecodingReader<R> {
    raw: R,
    decoder: Decoder,
    text: Vec<u8>,
    /// Bytes of the text that were read.
    read: usize,
    is_at_end: bool,
}

impl<R: BufRead> Read for DecodingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.text.len() && !self.is_at_end {
            let raw = self.raw.fill_buf()?;
            let is_last = raw.is_empty();
            self.text.resize(BUFFER_BYTES, 0);
            let (result, used, written) =
                self.decoder.decode_to_utf8_without_replacement(raw, &mut self.text, is_last);
            self.raw.consume(used);
            self.text.truncate(written);
            self.read = 0;
            if let DecoderResult::Malformed(..) = result {
                let name = self.decoder.encoding().name();
                return Err(invalid(format!("the file isn't in the encoding {name} throughout")));
            }
            self.is_at_end = is_last && result == DecoderResult::InputEmpty;
        }
        let read = (&self.text[self.read..]).read(buffer)?;
        self.read += read;
        Ok(read)
    }
}

/// Replaces lone surrogates in JSON, `\ud83d` without its other half.
struct SurrogateMender<R> {
    raw: R,
    /// Bytes from the last backslash on.
    ahead: Vec<u8>,
    /// Bytes that are given next.
    ready: Vec<u8>,
    mended: Arc<AtomicU64>,
}

const REPLACEMENT: &[u8] = b"\\ufffd";
const PAIR_BYTES: usize = 2 * REPLACEMENT.len();

impl<R: BufRead> Read for SurrogateMender<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ready.is_empty() && self.ahead.is_empty() {
            let raw = self.raw.fill_buf()?;
            let plain = raw.iter().position(|byte| *byte == b'\\').unwrap_or(raw.len()).min(buffer.len());
            buffer[..plain].copy_from_slice(&raw[..plain]);
            self.raw.consume(plain);
            if plain > 0 || buffer.is_empty() {
                return Ok(plain);
            }
        }
        if self.ready.is_empty() {
            if self.ahead.is_empty() || self.ahead[0] == b'\\' {
                let missing = (PAIR_BYTES - self.ahead.len()) as u64;
                (&mut self.raw).take(missing).read_to_end(&mut self.ahead)?;
            }
            let used = match (escaped(&self.ahead), escaped(self.ahead.get(6..).unwrap_or_default())) {
                (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => PAIR_BYTES,
                (Some(0xd800..0xe000), _) => {
                    self.mended.fetch_add(1, Ordering::Relaxed);
                    self.ahead[..REPLACEMENT.len()].copy_from_slice(REPLACEMENT);
                    REPLACEMENT.len()
                }
                _ if self.ahead.starts_with(b"\\") => 2,
                _ => self.ahead.iter().position(|byte| *byte == b'\\').unwrap_or(PAIR_BYTES),
            };
            self.ready = self.ahead.drain(..used.min(self.ahead.len())).collect();
        }
        let read = self.ready.len().min(buffer.len());
        buffer[..read].copy_from_slice(&self.ready[..read]);
        self.ready.drain(..read);
        Ok(read)
    }
}

/// The number in an escape that a text begins with: `\u00e9`.
fn escaped(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    u32::from_str_radix(digits, 16).ok()
}

/// The encoding of a file: by its byte order mark, or by its XML declaration, else UTF-8.
fn encoding(first: &[u8]) -> io::Result<&'static Encoding> {
    if let Some((encoding, _)) = Encoding::for_bom(first) {
        return Ok(encoding);
    }
    if first.starts_with(b"<\0?\0") {
        return Ok(UTF_16LE);
    }
    if first.starts_with(b"\0<\0?") {
        return Ok(UTF_16BE);
    }
    let text = String::from_utf8_lossy(first);
    let declaration = text.trim_start().strip_prefix("<?xml").and_then(|rest| rest.split_once("?>"));
    let declared = declaration.and_then(|(declaration, _)| declaration.split_once("encoding"));
    let Some((_, declared)) = declared else { return Ok(UTF_8) };
    let label =
        declared.trim_start_matches(['=', ' ', '"', '\'']).split(['"', '\'']).next().unwrap_or_default();
    match Encoding::for_label(label.as_bytes()) {
        // As it can be read without decoding, it isn't in UTF-16.
        Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => Ok(UTF_8),
        Some(encoding) => Ok(encoding),
        None => Err(invalid(format!("the encoding `{label}` is not known; save the file as UTF-8"))),
    }
}

fn invalid(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
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

    fn text(bytes: Vec<u8>) -> Result<String, String> {
        let mut text = String::new();
        let read =
            Input::of(Box::new(Cursor::new(bytes))).and_then(|mut input| input.read_to_string(&mut text));
        read.map(|_| text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_text_is_decoded_by_its_mark_or_its_declaration() {
        let utf16 =
            |text: &str, to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
        let long = "Şanlıurfa ".repeat(BUFFER_BYTES / 5);
        assert_eq!(text(utf16(&format!("\u{feff}{long}"), u16::to_le_bytes)), Ok(long));
        assert_eq!(text(utf16("\u{feff}a,ğ", u16::to_be_bytes)).as_deref(), Ok("a,ğ"));
        assert_eq!(text(utf16("<?xml ?>ğ", u16::to_be_bytes)).as_deref(), Ok("<?xml ?>ğ"));
        for (label, byte) in [("ISO-8859-9", 0xfe), ("windows-1254", 0xfe), ("iso-8859-2", 0xba)] {
            let head = format!("<?xml version='1.0' encoding = '{label}' standalone=\"no\"?>");
            let bytes = [head.as_bytes(), &[byte]].concat();
            assert_eq!(text(bytes), Ok(format!("{head}ş")));
        }
        assert_eq!(
            text("\u{feff}<?xml encoding='UTF-16'?>ş".into()).as_deref(),
            Ok("<?xml encoding='UTF-16'?>ş")
        );
        assert_eq!(text("<?xml encoding='UTF-16'?>ş".into()).as_deref(), Ok("<?xml encoding='UTF-16'?>ş"));
        let unknown = text("<?xml encoding=\"EBCDIC\"?>".into()).unwrap_err();
        assert!(unknown.contains("the encoding `EBCDIC` is not known"), "{unknown}");
        let cut = text(vec![0xff, 0xfe, 0x41, 0x00, 0x00, 0xd8]).unwrap_err();
        assert!(cut.contains("isn't in the encoding UTF-16LE"), "{cut}");
    }

    #[test]
    fn a_surrogate_without_its_other_half_is_replaced() {
        let lone = r"\ud83d \ud83d\ude00 \\ud83d \ude00\ud83d\n \ud83d\ud83d\ude00 é\u00e9 \\\ud8";
        let mended = r"\ufffd \ud83d\ude00 \\ud83d \ufffd\ufffd\n \ufffd\ud83d\ude00 é\u00e9 \\\ud8";
        let mut input = Input::of(Box::new(lone.as_bytes())).unwrap();
        let count = input.mend_surrogates();
        let mut text = String::new();
        input.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), count.load(Ordering::Relaxed)), (mended, 4));
    }

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
