//! Cuts a text into passages: paragraphs, each with its line, page, section and time. Put together, they are the text.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

/// Maximum size of a text.
pub const MAX_BYTES: usize = 5_000_000;
/// Maximum and usual length of a passage in characters: longer paragraphs are cut at the end of a sentence or a word.
const LONGEST: usize = 1200;
const USUAL: usize = 600;
/// Maximum length of a line in a text whose paragraphs are broken into lines.
const WRAPPED: usize = 100;

/// A passage of a text. Its place is counted in characters.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage {
    pub starts: usize,
    pub ends: usize,
    pub line: usize,
    pub page: Option<usize>,
    pub section: Option<String>,
    /// The time of a recording.
    pub seconds: Option<u32>,
    pub text: String,
}

/// The text as it is stored: in Unicode NFC, with line feeds only, and without a byte order mark. Or why it can't be.
pub fn normalized(text: &str) -> Result<String, String> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let text: String = text.nfc().collect();
    if text.len() > MAX_BYTES {
        return Err(format!("The text is too long: the maximum is {MAX_BYTES} bytes of UTF-8."));
    }
    if text.contains('\0') {
        return Err("A text can't contain the NUL character.".to_owned());
    }
    if text.trim().is_empty() {
        return Err("The text is empty.".to_owned());
    }
    Ok(text)
}

/// The SHA-256 of a text.
pub fn digest(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// What the beginning of a line says about the lines from there on.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A heading in Markdown, with its level, or a section: `§ 2`.
    Section(usize, String),
    /// A time of a recording in seconds.
    Time(u32),
    /// What is said in elements of a transcript, by their ids, and the length of what names them: `[#u1 #u2]`.
    Elements(Vec<String>, usize),
}

impl Mark {
    fn of(line: &str) -> Option<Mark> {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix('§') {
            let number: String =
                rest.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '.').collect();
            let number = number.trim_end_matches('.');
            return (!number.is_empty()).then(|| Mark::Section(0, format!("§ {number}")));
        }
        let heading = line.trim_start_matches('#');
        let level = line.len() - heading.len();
        if (1..=6).contains(&level) && heading.starts_with(' ') && !heading.trim().is_empty() {
            return Some(Mark::Section(level, heading.trim().to_owned()));
        }
        if let Some((ids, _)) = line.strip_prefix("[#").and_then(|rest| rest.split_once(']')) {
            let length = ids.chars().count() + 3;
            let ids = ids.split_whitespace().map(|id| id.trim_start_matches('#').to_owned()).collect();
            return Some(Mark::Elements(ids, length));
        }
        let time = line.trim_start_matches(['[', '(']);
        let time: String = time.chars().take_while(|c| c.is_ascii_digit() || *c == ':').collect();
        seconds(&time).filter(|_| time.contains(':')).map(Mark::Time)
    }
}

/// What each of the lines of a text says about those from there on. Code in Markdown says nothing; a heading may be
/// underlined.
pub fn marks(lines: &[&str]) -> Vec<Option<Mark>> {
    let mut fence = None;
    let mut mark = |number: usize| {
        let line = lines[number].trim();
        let fence_here = ["```", "~~~"].into_iter().find(|fence| line.starts_with(fence));
        match (fence, fence_here) {
            (None, Some(_)) => fence = fence_here,
            (Some(open), Some(here)) if open == here => fence = None,
            (None, None) => return Mark::of(line).or_else(|| underlined(lines, number)),
            _ => {}
        }
        None
    };
    (0..lines.len()).map(&mut mark).collect()
}

/// A line of its own that the next one underlines, as a heading in Markdown.
fn underlined(lines: &[&str], number: usize) -> Option<Mark> {
    let is_blank = |line: &&str| line.trim().is_empty();
    let before = number.checked_sub(1).map(|before| lines[before]);
    let (heading, under) = (lines[number].trim(), lines.get(number + 1)?.trim());
    let level = ["=", "-"].iter().position(|sign| under.len() > 2 && under.replace(sign, "").is_empty())?;
    (before.as_ref().is_none_or(is_blank) && !heading.is_empty())
        .then(|| Mark::Section(level + 1, heading.to_owned()))
}

/// A time such as `12:31`, `00:12:31` or `751`, in seconds.
pub fn seconds(time: &str) -> Option<u32> {
    let parts: Vec<&str> = time.split(':').collect();
    let is_first = |place: usize| place == 0;
    let number = |(place, part): (usize, &&str)| {
        let number: u32 = part.parse().ok().filter(|_| part.len() <= if is_first(place) { 6 } else { 2 })?;
        (is_first(place) || number < 60).then_some(number)
    };
    let numbers: Vec<u32> = parts.iter().enumerate().map(number).collect::<Option<_>>()?;
    (numbers.len() <= 3).then(|| numbers.iter().fold(0, |sum, number| sum * 60 + number))
}

/// The passages of a text.
pub fn passages(text: &str) -> Vec<Passage> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let marks = marks(&lines);
    let is_wrapped = lines.iter().any(|line| line.trim().is_empty())
        && lines.iter().all(|line| line.trim_end().chars().count() <= WRAPPED);
    let has_pages = text.contains('\u{c}');
    let mut cutter = Cutter { passages: Vec::new(), next: Passage::first(), is_open: false };
    let (mut page, mut section, mut time) = (1, None, None);
    let mut after_blank = true;
    for (number, (line, mark)) in lines.into_iter().zip(marks).enumerate() {
        let before = line.len() - line.trim_start().len();
        page += line[..before].matches('\u{c}').count();
        if line.trim().is_empty() {
            cutter.next.text.push_str(line);
            after_blank = true;
        } else {
            if after_blank || !is_wrapped || mark.is_some() || line[..before].contains('\u{c}') {
                cutter.close();
            }
            match mark {
                Some(Mark::Section(_, name)) => section = Some(name),
                Some(Mark::Time(seconds)) => time = Some(seconds),
                Some(Mark::Elements(..)) | None => {}
            }
            if !cutter.is_open {
                let place = Passage { line: number + 1, page: has_pages.then_some(page), ..Passage::first() };
                cutter.open(Passage { section: section.clone(), seconds: time, ..place });
            }
            cutter.next.text.push_str(line);
            after_blank = false;
        }
        page += line[before..].matches('\u{c}').count();
    }
    cutter.close();
    cutter.passages
}

impl Passage {
    fn first() -> Self {
        Passage { starts: 0, ends: 0, line: 1, page: None, section: None, seconds: None, text: String::new() }
    }
}

struct Cutter {
    passages: Vec<Passage>,
    next: Passage,
    /// Whether the next passage has words already.
    is_open: bool,
}

impl Cutter {
    /// Begins a passage; white space before the first one belongs to it.
    fn open(&mut self, at: Passage) {
        let text = std::mem::take(&mut self.next.text);
        self.next = Passage { text, ..at };
        self.is_open = true;
    }

    fn close(&mut self) {
        if !std::mem::take(&mut self.is_open) {
            return;
        }
        let Passage { text, .. } = &mut self.next;
        let text = std::mem::take(text);
        let mut line = self.next.line;
        for part in parts(&text) {
            let starts = self.passages.last().map_or(0, |last| last.ends);
            let ends = starts + part.chars().count();
            self.passages.push(Passage { starts, ends, line, text: part.to_owned(), ..self.next.clone() });
            line += part.matches('\n').count();
        }
    }
}

/// A paragraph in parts that are not too long.
fn parts(paragraph: &str) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), paragraph);
    let beyond = |rest: &str| rest.char_indices().nth(LONGEST).map(|(place, _)| place);
    while let Some(longest) = beyond(rest).filter(|longest| !rest[*longest..].trim_start().is_empty()) {
        let usual = rest.char_indices().nth(USUAL).map_or(0, |(place, _)| place);
        let within = &rest[usual..longest];
        let pairs = within.char_indices().zip(within.chars().skip(1));
        let sentences = pairs.filter(|((_, end), next)| ".!?…".contains(*end) && next.is_whitespace());
        let sentence = sentences.last().map(|((place, end), next)| place + end.len_utf8() + next.len_utf8());
        let word =
            || within.char_indices().rfind(|(_, c)| c.is_whitespace()).map(|(place, c)| place + c.len_utf8());
        let at = sentence.or_else(word).map_or(longest, |at| usual + at);
        parts.push(&rest[..at]);
        rest = &rest[at..];
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        passages(text).into_iter().map(|passage| passage.text).collect()
    }

    #[test]
    fn lines_are_passages_and_blank_lines_belong_to_the_one_before() {
        let long = "One is a paragraph of its own: its line is longer than the lines of a text whose paragraphs are broken into lines.";
        assert_eq!(
            texts(&format!("\n{long}\n\n  \nTwo.\nThree.")),
            [format!("\n{long}\n\n  \n"), "Two.\n".to_owned(), "Three.".to_owned()]
        );
        assert_eq!(passages("One.\n\nTwo.").iter().map(|passage| passage.line).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn a_paragraph_that_is_broken_into_lines_is_one_passage() {
        let wrapped = "The first paragraph has\ntwo lines.\n\nThe second one has\nthree short\nlines.\n";
        assert_eq!(texts(wrapped).len(), 2);
        let long = "word ".repeat(30);
        assert_eq!(texts(&format!("{long}\n{long}\n\n{long}")).len(), 3, "its lines are paragraphs");
    }

    #[test]
    fn passages_have_page_section_and_time_and_make_up_the_text() {
        let text = "# Opening\nWelcome.\n\u{c}## Second\nWords.\n[00:12:31] A question?\n§ 2 Scope.\nMore.\u{c}\nLast.";
        let passages = passages(text);
        let place = |at: usize| (passages[at].page, passages[at].section.as_deref(), passages[at].seconds);
        assert_eq!(place(1), (Some(1), Some("Opening"), None));
        assert_eq!(place(3), (Some(2), Some("Second"), None));
        assert_eq!(place(4), (Some(2), Some("Second"), Some(751)));
        assert_eq!(place(6), (Some(2), Some("§ 2"), Some(751)));
        assert_eq!(place(7), (Some(3), Some("§ 2"), Some(751)));
        assert_eq!(passages.iter().map(|passage| passage.text.as_str()).collect::<String>(), text);
    }

    #[test]
    fn code_is_no_heading_and_an_underlined_line_is_one() {
        let text = "Title\n=====\n\nWords.\n\n```\n# no heading\n```\n\nPart\n----\nMore.\n";
        let sections: Vec<_> = passages(text).into_iter().filter_map(|passage| passage.section).collect();
        assert!(sections.iter().all(|section| ["Title", "Part"].contains(&section.as_str())), "{sections:?}");
        assert!(sections.contains(&"Part".to_owned()), "{sections:?}");
    }

    #[test]
    fn a_long_paragraph_is_cut_at_the_end_of_a_sentence() {
        let text = "A sentence of some words. ".repeat(100);
        let passages = passages(&text);
        assert!(passages.len() > 1 && passages.iter().all(|passage| passage.text.trim_end().ends_with('.')));
        assert!(passages.iter().all(|passage| passage.text.chars().count() <= LONGEST));
        assert_eq!(passages.iter().map(|passage| passage.text.as_str()).collect::<String>(), text);
        assert_eq!(passages.last().map(|passage| passage.ends), Some(text.chars().count()));
        let unbroken = "x".repeat(5000);
        assert_eq!(texts(&unbroken).concat(), unbroken);
    }

    #[test]
    fn a_text_is_stored_in_one_form() {
        assert_eq!(normalized("\u{feff}cafe\u{301}\r\nx\ry"), Ok("café\nx\ny".to_owned()));
        assert!(
            normalized(" \n").is_err()
                && normalized("a\0b").is_err()
                && normalized(&"x".repeat(MAX_BYTES + 1)).is_err()
        );
    }
}
