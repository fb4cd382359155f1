//! The words of a speech, from texts, notes between them, and annotated words.

use crate::bulk::import::{readers::ReadError, source_file::MAX_LINE_BYTES};

/// What separates two words; the larger one of several.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    #[default]
    None,
    /// A note stood here: a space, unless a punctuation mark follows.
    Note,
    Space,
    Line,
}

#[derive(Default)]
pub struct Words {
    pub text: String,
    gap: Gap,
    /// An annotated word that is open: its letters, and whether it is joined to the words around it.
    token: Option<(String, String)>,
    /// Whether words are annotated, so that space between elements means nothing.
    is_annotated: bool,
}

/// What stands for words that the record leaves out.
pub const LEFT_OUT: &str = "[…]";

impl Words {
    pub fn gap(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    pub fn say(&mut self, text: &str) -> Result<(), ReadError> {
        if let Some((word, _)) = &mut self.token {
            word.push_str(text);
            return limit(word.len());
        }
        if self.is_annotated && text.trim().is_empty() {
            return Ok(());
        }
        if text.starts_with(char::is_whitespace) {
            self.gap(Gap::Space);
        }
        for (number, word) in text.split_whitespace().enumerate() {
            if number > 0 {
                self.gap(Gap::Space);
            }
            self.word(word);
        }
        if text.ends_with(char::is_whitespace) {
            self.gap(Gap::Space);
        }
        limit(self.text.len())
    }

    fn word(&mut self, word: &str) {
        if !self.text.is_empty() {
            match self.gap {
                Gap::Line => self.text.push('\n'),
                Gap::Space => self.text.push(' '),
                Gap::Note if word.starts_with(char::is_alphanumeric) => self.text.push(' '),
                Gap::Note | Gap::None => {}
            }
        }
        self.text.push_str(word);
        self.gap = Gap::None;
    }

    /// Adds the words of the next part, as a paragraph of its own.
    pub fn append(&mut self, next: &Words) {
        if !self.is_empty() && !next.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(&next.text);
    }

    pub fn left_out(&mut self) {
        self.gap(Gap::Space);
        self.word(LEFT_OUT);
        self.gap(Gap::Space);
    }

    /// Begins an annotated word; `join` says on which sides no space is. A word within a word begins none.
    pub fn begin_token(&mut self, join: Option<String>) -> bool {
        self.is_annotated = true;
        let is_outer = self.token.is_none();
        if is_outer {
            self.token = Some((String::new(), join.unwrap_or_default()));
        }
        is_outer
    }

    pub fn end_token(&mut self) {
        let Some((word, join)) = self.token.take() else { return };
        if (join == "left" || join == "both") && self.gap < Gap::Line {
            self.gap = Gap::None;
        }
        let word = word.split_whitespace().collect::<Vec<_>>().join(" ");
        if !word.is_empty() {
            self.word(&word);
        }
        if join != "right" && join != "both" {
            self.gap(Gap::Space);
        }
    }

    /// Whether nothing was said, and nothing is known to be left out.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

fn limit(bytes: usize) -> Result<(), ReadError> {
    if bytes <= MAX_LINE_BYTES {
        return Ok(());
    }
    Err(ReadError::Invalid(format!("a speech is longer than {} MiB", MAX_LINE_BYTES >> 20)))
}

/// Cuts a text into pieces of limited length: at the ends of lines, else of words.
pub fn pieces(text: &str, longest: usize) -> Vec<&str> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while rest.len() > longest {
        let mut end = longest;
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let end =
            [rest[..end].rfind('\n'), rest[..end].rfind(' ')].into_iter().flatten().next().unwrap_or(end);
        pieces.push(rest[..end].trim_end());
        rest = rest[end..].trim_start();
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_spaces_and_lines_whatever_stands_between_them() {
        let mut words = Words::default();
        words.say("We  begin\n  with it.").unwrap();
        words.gap(Gap::Note);
        words.say("It is").unwrap();
        words.left_out();
        words.say("large").unwrap();
        words.gap(Gap::Note);
        words.say(".").unwrap();
        words.gap(Gap::Line);
        words.say("\n  Next.\n").unwrap();
        assert_eq!(words.text, "We begin with it. It is […] large.\nNext.");
    }

    #[test]
    fn annotated_words_are_joined_as_they_say() {
        let mut words = Words::default();
        for (word, join) in [("We", ""), ("’re", "left"), ("here", "right"), (".", ""), ("Yes", "")] {
            words.say("\n  ").unwrap();
            words.begin_token(Some(join.to_owned()));
            words.say(word).unwrap();
            words.end_token();
        }
        assert_eq!(words.text, "We’re here. Yes");
    }

    #[test]
    fn a_long_text_is_cut_between_lines_or_words() {
        assert_eq!(pieces("abc def\nghi jkl", 8), ["abc def", "ghi jkl"]);
        assert_eq!(pieces("abc def", 5), ["abc", "def"]);
        assert_eq!(pieces("ääää", 5), ["ää", "ää"]);
        assert_eq!(pieces("a", 5), ["a"]);
    }
}
