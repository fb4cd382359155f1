//! The syntax of search texts: words, `"an exact phrase"`, `or`, `-without`.
//!
//! Texts are indexed in several forms, as they are written and stemmed in English and in their own language, and a
//! search looks for any. Excluded words must be in none of the forms, which Postgres' own parser of this syntax can't
//! express for several forms; so wanted and excluded words are separated here.

use crate::database::statement::Bind;

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

    /// The value of a query.
    pub fn value(&self) -> Bind {
        Bind::Texts(self.pairs())
    }

    /// The words that a match may contain.
    pub fn wanted(&self) -> String {
        let wanted = self.branches.iter().flat_map(|branch| &branch.wanted);
        wanted.map(|term| term.trim_matches('"')).collect::<Vec<_>>().join(" ")
    }

    /// The wanted and the excluded terms of each branch.
    pub fn pairs(&self) -> Vec<String> {
        let pair = |Branch { wanted, unwanted }: &Branch| [wanted.join(" "), unwanted.join(" or ")];
        self.branches.iter().flat_map(pair).collect()
    }
}

/// SQL of the query in every language, of the value at `$place`.
pub fn query(place: usize) -> String {
    format!("search_query(${place}::text[])")
}

/// SQL of the same in English, and of the words as they are.
pub fn english(place: usize) -> String {
    format!("english_query(${place}::text[])")
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
