//! Documents that texts are taken from: text, Markdown, HTML, subtitles, and PDF with the program pdftotext.

use std::{
    borrow::Cow,
    fs,
    io::{self, Read},
    path::Path,
    process::Command as Program,
    sync::Arc,
};

use encoding_rs::{Encoding, UTF_8};
use unicode_normalization::UnicodeNormalization;

use crate::{cli::source::html, database::subprocess::Subprocess};

/// Bytes of a document in which it says its encoding, as browsers look for it.
const DECLARATION: usize = 1024;

/// The media type and the text of a document; `-` is standard input.
pub fn read(file: &Path) -> Result<(&'static str, String), String> {
    let bytes = if file == "-" {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    let bytes = bytes.map_err(|error| error.to_string())?;
    let extension = file.extension().unwrap_or_default().to_ascii_lowercase();
    let media_type = kind(extension.to_str().unwrap_or_default(), &bytes)?;
    if media_type == "application/pdf" {
        return Ok((media_type, of_pdf(file)?));
    }
    let text = decoded(&bytes)?;
    let is_binary =
        |letter: char| letter.is_ascii_control() && !letter.is_ascii_whitespace() && letter != '\u{b}';
    if text.contains(is_binary) {
        return Err("it is not a text: it contains control characters".to_owned());
    }
    let text = match media_type {
        "text/html" => html::words(&text),
        "text/vtt" | "application/x-subrip" => of_subtitles(&text),
        _ => text.into_owned(),
    };
    Ok((media_type, text))
}

/// What a document is, by its beginning or by its name.
fn kind(extension: &str, bytes: &[u8]) -> Result<&'static str, String> {
    let other = |what: &str| Err(format!("it is {what}: save it as PDF, HTML or plain text"));
    let start =
        String::from_utf8_lossy(&bytes[..bytes.len().min(DECLARATION)]).trim_start().to_ascii_lowercase();
    match bytes {
        [b'%', b'P', b'D', b'F', b'-', ..] => return Ok("application/pdf"),
        [b'P', b'K', 3, 4, ..] => return other("a compressed document, such as .docx, .odt or .epub"),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => return other("a document of Microsoft Office"),
        [b'{', b'\\', b'r', b't', b'f', ..] => return other("a document in RTF"),
        _ => {}
    }
    Ok(match extension {
        "pdf" => "application/pdf",
        "md" | "markdown" => "text/markdown",
        "vtt" => "text/vtt",
        "srt" => "application/x-subrip",
        "html" | "htm" | "xhtml" => "text/html",
        "txt" | "text" => "text/plain",
        _ if ["<!doctype html", "<html"].iter().any(|tag| start.starts_with(tag)) => "text/html",
        _ => "text/plain",
    })
}

/// The text in the encoding that its byte order mark names, or that it declares as a page or in XML; else in UTF-8.
fn decoded(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    let (encoding, mark) = Encoding::for_bom(bytes).unwrap_or_else(|| (declared(bytes).unwrap_or(UTF_8), 0));
    let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes[mark..]);
    text.ok_or_else(|| format!("it is not in {}, and says of no other encoding", encoding.name()))
}

fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let start: String = bytes.iter().take(DECLARATION).map(|byte| char::from(*byte)).collect();
    let start = start.to_ascii_lowercase();
    let after = if start.trim_start().starts_with("<?xml") {
        start.split_once("encoding=")?.1
    } else {
        start.split_once("<meta")?.1.split_once("charset=")?.1
    };
    let name: String = after
        .trim_start_matches(['"', '\'', ' '])
        .chars()
        .take_while(|letter| letter.is_ascii_alphanumeric() || "-_:.".contains(*letter))
        .collect();
    Encoding::for_label(name.as_bytes())
}

/// What is said in subtitles, a line for each with its time.
fn of_subtitles(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut lines = Vec::new();
    for cue in text.split("\n\n") {
        let Some((timing, said)) = cue.split_once(" --> ") else { continue };
        let from =
            timing.lines().last().unwrap_or_default().split([',', '.']).next().unwrap_or_default().trim();
        let said = said.split_once('\n').map_or("", |(_, said)| said);
        let said = html::words(&said.replace('\n', " "));
        if !said.trim().is_empty() {
            lines.push(format!("[{from}] {}\n", said.trim()));
        }
    }
    lines.concat()
}

/// The text of a PDF, whose pages end with a form feed. Letters that are printed as one are single ones again.
fn of_pdf(file: &Path) -> Result<String, String> {
    if file == "-" {
        return Err("a PDF is read from a file only".to_owned());
    }
    let mut program = Program::new("pdftotext");
    program.args(["-enc", "UTF-8"]).arg(file).arg("-");
    let output =
        Arc::new(Subprocess::default()).output(&mut program, |_| {}).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                "it takes the program pdftotext; install poppler-utils, or attach the text".to_owned()
            }
            _ => error.to_string(),
        })?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let reason = errors.lines().find(|line| !line.contains("Warning")).unwrap_or("pdftotext failed");
        return Err(reason.to_owned());
    }
    let text = String::from_utf8(output.stdout).map_err(|error| error.to_string())?;
    if text.trim().is_empty() {
        return Err(
            "it has no text, only pictures of it: recognize it first, for example with ocrmypdf".to_owned()
        );
    }
    Ok(single_letters(&text))
}

fn single_letters(text: &str) -> String {
    let mut letters = String::with_capacity(text.len());
    for letter in text.chars().filter(|letter| *letter != '\u{ad}') {
        match letter {
            '\u{fb00}'..='\u{fb06}' => letters.extend(letter.nfkd()),
            _ => letters.push(letter),
        }
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_known_by_its_beginning_or_its_name() {
        assert_eq!(kind("", b"%PDF-1.7"), Ok("application/pdf"));
        assert_eq!(kind("", b"\n<!DOCTYPE html><p>x"), Ok("text/html"));
        assert_eq!(kind("md", b"# x"), Ok("text/markdown"));
        for bytes in [&b"PK\x03\x04x"[..], b"{\\rtf1 x}", b"\xd0\xcf\x11\xe0x"] {
            assert!(kind("txt", bytes).is_err_and(|reason| reason.contains("save it as")));
        }
    }

    #[test]
    fn a_text_is_decoded_as_it_says() {
        let page = [&b"<html><meta charset=\"windows-1251\"><p>"[..], b"\xcc\xe8\xf0"].concat();
        assert!(decoded(&page).is_ok_and(|text| text.ends_with("Мир")));
        assert_eq!(decoded(b"\xff\xfeM\x04").as_deref(), Ok("\u{44d}"));
        assert_eq!(decoded("\u{feff}Мир".as_bytes()).as_deref(), Ok("Мир"));
        assert!(decoded(b"\xcc\xe8\xf0").is_err_and(|reason| reason.contains("UTF-8")));
    }

    #[test]
    fn subtitles_are_lines_with_their_times() {
        let vtt =
            "WEBVTT\n\nNOTE x\n\nintro\n00:12:31.000 --> 00:12:35.000 align:start\n<v Ann>We met.\nTwice.\n";
        assert_eq!(of_subtitles(vtt), "[00:12:31] We met. Twice.\n");
        let srt = "1\r\n00:12:31,000 --> 00:12:35,000\r\nWe met.\r\n\r\n2\r\n00:13:00,000 --> 00:13:05,000\r\nGood.\r\n";
        assert_eq!(of_subtitles(srt), "[00:12:31] We met.\n[00:13:00] Good.\n");
    }

    #[test]
    fn letters_printed_as_one_are_single_ones() {
        assert_eq!(single_letters("\u{fb01}ne \u{fb02}ow co\u{ad}operation x²"), "fine flow cooperation x²");
    }
}
