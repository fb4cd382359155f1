//! The syntax of search texts: words, `"an exact phrase"`, `or`, `-without`.
//!
//! Texts are indexed in two forms, stemmed and as they are written, and a search looks for
//! either. Excluded words must be in neither form, which Postgres' own parser of this syntax can't express for two
//! forms; so wanted and excluded words are separated here.

use std::fmt::Write;

use crate::database::{reader::SqlQuery, statement::Bind};

/// Operators of other syntaxes: they end a word like white space, and mean nothing here.
const OPERATORS: [char; 5] = ['!', '&', '|', '(', ')'];

/// A parsed search text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Search {
    /// At least one must match.
    branches: Vec<Branch>,
    /// Whether it is words only, which may be a name.
    pub is_words: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Branch {
    wanted: Vec<String>,
    unwanted: Vec<String>,
}

impl Branch {
    fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.unwanted.is_empty()
    }
}

impl Search {
    pub fn read(text: &str) -> Self {
        let (mut branches, mut branch, mut is_words) = (Vec::new(), Branch::default(), true);
        let mut rest = text;
        loop {
            let dashes = skip(&mut rest);
            let Some(first) = rest.chars().next() else { break };
            let term = if first == '"' { take(&mut rest, 1, &['"']) } else { take(&mut rest, 0, &OPERATORS) };
            rest = rest.strip_prefix(if first == '"' { "\"" } else { "" }).unwrap_or(rest);
            let is_or = first != '"' && term.eq_ignore_ascii_case("or");
            if is_or && dashes == 0 && !branch.is_empty() {
                branches.push(std::mem::take(&mut branch));
                is_words = false;
                continue;
            }
            is_words &= first != '"' && dashes != 1;
            // A row of dashes means nothing.
            let terms = if dashes == 1 { &mut branch.unwanted } else { &mut branch.wanted };
            if !term.trim().is_empty() {
                terms.push(format!("\"{term}\""));
            }
        }
        branches.push(branch);
        branches.retain(|branch| !branch.is_empty());
        Search { branches, is_words }
    }

    /// The query as SQL, with its value as `$place`.
    pub fn sql(&self, place: usize) -> String {
        if self.excludes() {
            return format!("search_query(${place}::text[])");
        }
        let of = |form: &str| format!("websearch_to_tsquery('dossier_{form}', ${place})");
        format!("({} || {})", of("english"), of("simple"))
    }

    /// That value.
    pub fn value(&self) -> Bind {
        if self.excludes() { Bind::Texts(self.pairs()) } else { Bind::Text(self.text()) }
    }

    /// Binds that value.
    pub fn bind<'q>(&self, query: SqlQuery<'q>) -> SqlQuery<'q> {
        if self.excludes() { query.bind(self.pairs()) } else { query.bind(self.text()) }
    }

    /// The words that a match may contain.
    pub fn wanted(&self) -> String {
        let wanted = self.branches.iter().flat_map(|branch| &branch.wanted);
        wanted.map(|term| term.trim_matches('"')).collect::<Vec<_>>().join(" ")
    }

    fn excludes(&self) -> bool {
        self.branches.iter().any(|branch| !branch.unwanted.is_empty())
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (index, Branch { wanted, .. }) in self.branches.iter().enumerate() {
            let or = if index == 0 { "" } else { " or " };
            let _ = write!(text, "{or}{}", wanted.join(" "));
        }
        text
    }

    /// The wanted and the excluded terms of each branch.
    fn pairs(&self) -> Vec<String> {
        let pair = |Branch { wanted, unwanted }: &Branch| [wanted.join(" "), unwanted.join(" or ")];
        self.branches.iter().flat_map(pair).collect()
    }
}

/// Skips white space and operators, and counts the dashes right before the next term.
fn skip(rest: &mut &str) -> usize {
    let mut dashes = 0;
    while let Some(letter) = rest.chars().next() {
        match letter {
            '-' => dashes += 1,
            letter if OPERATORS.contains(&letter) => {}
            letter if letter.is_whitespace() => dashes = 0,
            _ => break,
        }
        *rest = &rest[letter.len_utf8()..];
    }
    dashes
}

/// Takes a term that begins at a byte and ends before one of these letters; a word ends at white space and at a
/// quotation mark too.
fn take<'a>(rest: &mut &'a str, from: usize, ends: &[char]) -> &'a str {
    let is_word = from == 0;
    let ends = |letter: char| ends.contains(&letter) || is_word && (letter.is_whitespace() || letter == '"');
    let whole = &rest[from..];
    let end = whole.find(ends).unwrap_or(whole.len());
    *rest = &whole[end..];
    &whole[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<String> {
        Search::read(text).pairs()
    }

    #[test]
    fn wanted_and_excluded_words_are_distinguished() {
        assert_eq!(pairs("ties -technologies"), ["\"ties\"", "\"technologies\""]);
        assert_eq!(pairs("-a -\"b c\""), ["", "\"a\" or \"b c\""]);
        assert_eq!(pairs("a -b or \"c d\" e"), ["\"a\"", "\"b\"", "\"c d\" \"e\"", ""]);
        assert_eq!(pairs("jean-luc or a"), ["\"jean-luc\"", "", "\"a\"", ""]);
        assert_eq!(pairs("-(a|b)"), ["\"b\"", "\"a\""]);
        assert_eq!(Search::read("peace or \"two states\"").text(), "\"peace\" or \"two states\"");
    }

    #[test]
    fn ornaments_mean_nothing() {
        for text in ["", "   ", &"-".repeat(33), "- - -", "\"", "\"\"", "!&|()", "-\"", "-("] {
            assert_eq!(pairs(text), Vec::<String>::new(), "{text}");
        }
        assert_eq!(pairs("Israel - Gaza"), ["\"Israel\" \"Gaza\"", ""]);
        assert_eq!(pairs("---- a ----"), ["\"a\"", ""]);
        assert_eq!(pairs("or"), ["\"or\"", ""]);
        assert_eq!(pairs("a or"), ["\"a\"", ""]);
        assert_eq!(pairs("a or or b"), ["\"a\"", "", "\"or\" \"b\"", ""]);
        assert_eq!(pairs("\"a b"), ["\"a b\"", ""]);
    }

    #[test]
    fn what_must_not_be_found_is_not_shown() {
        let wanted = |text| Search::read(text).wanted();
        assert_eq!(wanted("peace -council talks"), "peace talks");
        assert_eq!(wanted("\"two states\" gaza -\"one state\" or hope"), "two states gaza hope");
        assert_eq!(wanted("-peace"), "");
    }

    #[test]
    fn words_alone_may_be_a_name() {
        assert!(Search::read("Kassym-Jomart Tokayev").is_words);
        for text in ["\"two states\"", "peace -council", "israel or gaza"] {
            assert!(!Search::read(text).is_words, "{text}");
        }
    }
}
