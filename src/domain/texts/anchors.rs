//! Where a citation stands in a text: by its quote, by its locator, or where it stood in the version before.

use std::{
    cell::{Cell, OnceCell},
    collections::HashMap,
    hash::BuildHasher,
    ops::Range,
};

use strsim::sorensen_dice;
use unicode_normalization::UnicodeNormalization;

use crate::domain::texts::cut::{Mark, seconds};

/// Characters on either side of a passage that must be the same in a new version.
const SURROUNDINGS: usize = 160;
/// A side with fewer characters is the beginning or the end of the text.
const SHORT: usize = 32;
/// The length of the beginnings by which words are looked up, and from how many searches on that is worthwhile.
const BEGINNING: usize = 12;
const MANY: usize = 3;
/// Maximum length of what is shown of a text in an error.
const SHOWN: usize = 200;

/// A text, ready to be searched. Places in it are counted in characters.
#[derive(Debug)]
pub struct Text {
    characters: Vec<char>,
    /// The text with each run of white space as one space.
    folded: Vec<char>,
    /// For each folded character its place in the text.
    places: Vec<usize>,
    /// For each line where it starts.
    lines: Vec<usize>,
    /// How often words were searched for, and the folded places by the hash of what begins there.
    searches: Cell<usize>,
    beginnings: OnceCell<HashMap<u64, Vec<u32>, foldhash::fast::FixedState>>,
}

/// What a citation says about its place.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selectors<'a> {
    pub locator: &'a str,
    /// The words themselves, and those before and after them.
    pub quote: Option<&'a str>,
    pub prefix: Option<&'a str>,
    pub suffix: Option<&'a str>,
}

/// Why a quote has no place.
#[derive(Clone, Debug, PartialEq)]
pub enum Unplaced {
    /// It is not there; what is nearest, with its line.
    Missing(Option<(usize, String)>),
    /// It is there several times.
    Ambiguous(usize),
}

impl Unplaced {
    pub fn message(&self) -> String {
        match self {
            Unplaced::Missing(Some((line, nearest))) => {
                format!(
                    "The text of the source does not have these words here. The nearest are on line {line}: “{nearest}”."
                )
            }
            Unplaced::Missing(None) => "The text of the source does not have these words.".to_owned(),
            Unplaced::Ambiguous(count) => format!(
                "The text of the source has these words {count} times: give the words before or after them, or the line as the locator."
            ),
        }
    }
}

/// A place that a locator names.
#[derive(Debug, PartialEq)]
enum Locator {
    Lines(usize, usize),
    Pages(usize, usize),
    Section(String),
    Time(u32, Option<u32>),
    /// Characters, as in RFC 5147.
    Characters(usize, usize),
}

impl Locator {
    fn of(text: &str) -> Option<Locator> {
        let text = text.trim();
        if let Some(section) = text.strip_prefix('§') {
            return Some(Locator::Section(section.trim().trim_end_matches('.').to_owned()));
        }
        if let Some(times) = text.strip_prefix("t=") {
            let (from, until) =
                times.split_once(',').map_or((times, None), |(from, until)| (from, Some(until)));
            return Some(Locator::Time(
                seconds(from)?,
                until.map(seconds).map_or(Some(None), |until| until.map(Some))?,
            ));
        }
        if let Some(range) = text.strip_prefix("char=") {
            let (from, until) = range.split_once(',')?;
            return Some(Locator::Characters(from.parse().ok()?, until.parse().ok()?));
        }
        let numbers = |stems: [&str; 3]| {
            let rest = stems.iter().find_map(|stem| text.strip_prefix(stem))?;
            let (from, until) = rest.split_once(['-', '–']).unwrap_or((rest, rest));
            let number = |text: &str| text.trim().trim_start_matches(stems[2]).trim().parse::<usize>().ok();
            Some((number(from)?, number(until)?)).filter(|(from, until)| 0 < *from && from <= until)
        };
        if let Some((from, until)) = numbers(["lines ", "line ", "L"]) {
            return Some(Locator::Lines(from, until));
        }
        numbers(["pp.", "p.", "p"]).map(|(from, until)| Locator::Pages(from, until))
    }
}

/// Words as they are compared: in Unicode NFC, with each run of white space as one space.
fn folded(words: &str) -> Vec<char> {
    let words: String = words.nfc().collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ").chars().collect()
}

impl Text {
    pub fn new(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let (mut folded, mut places, mut lines) = (Vec::new(), Vec::new(), vec![0]);
        for (place, character) in characters.iter().enumerate() {
            if *character == '\n' {
                lines.push(place + 1);
            }
            let is_space = character.is_whitespace();
            if !is_space || folded.last().is_some_and(|last| *last != ' ') {
                folded.push(if is_space { ' ' } else { *character });
                places.push(place);
            }
        }
        Text { characters, folded, places, lines, searches: Cell::new(0), beginnings: OnceCell::new() }
    }

    /// Where a citation stands in the text: by its quote, if it has one, else by its locator.
    pub fn place(&self, selectors: &Selectors<'_>) -> Result<Option<Range<usize>>, Unplaced> {
        let located = Locator::of(selectors.locator).and_then(|locator| self.located(&locator));
        let Some(quote) = selectors.quote else { return Ok(located) };
        let (quote, [prefix, suffix]) = (
            folded(quote),
            [selectors.prefix, selectors.suffix].map(|words| folded(words.unwrap_or_default())),
        );
        let mut found = self.occurrences(&quote);
        found.retain(|place| {
            let before = trimmed_end(&self.folded[..place.start]);
            let after = trimmed_start(&self.folded[place.end..]);
            before.ends_with(&prefix) && after.starts_with(&suffix)
        });
        let places = found.into_iter().map(|place| self.unfolded(&place));
        let places: Vec<Range<usize>> = match &located {
            Some(within) => {
                places.filter(|place| within.start <= place.start && place.end <= within.end).collect()
            }
            None => places.collect(),
        };
        match places.as_slice() {
            [place] => Ok(Some(place.clone())),
            [] => Err(Unplaced::Missing(self.nearest(&quote))),
            places => Err(Unplaced::Ambiguous(places.len())),
        }
    }

    /// The place in a new version of the text, if its words are there once with the same surroundings. It is none
    /// rather than that of other words.
    pub fn moved(&self, place: &Range<usize>, new: &Text) -> Option<Range<usize>> {
        let own = self.folded_place(place)?;
        let (words, [before, after]) = (&self.folded[own.clone()], self.surroundings(&own));
        let places = |text: &Text| {
            let mut places = text.occurrences(words);
            let agrees = |place: &Range<usize>| {
                let around = [&text.folded[..place.start], trimmed_end(&text.folded[place.end..])];
                around[0].ends_with(before)
                    && around[1].starts_with(after)
                    // What is first or last in the text stays so.
                    && [before, after].iter().zip(around).all(|(own, all)| own.len() >= SHORT || own.len() == all.len())
            };
            places.retain(agrees);
            places
        };
        // Nothing tells copies, or equal words next to each other, from the words themselves.
        let is_copied = |part: &[char]| new.occurrences(part).len() > self.occurrences(part).len();
        if is_copied(before)
            || is_copied(after)
            || is_repeated(words, trimmed_end(before), trimmed_start(after))
        {
            return None;
        }
        match (places(self).as_slice(), places(new).as_slice()) {
            ([_], [place]) => Some(new.unfolded(place)),
            _ => None,
        }
    }

    /// All places of some words, which may overlap.
    fn occurrences(&self, words: &[char]) -> Vec<Range<usize>> {
        let Some(first) = words.first() else { return Vec::new() };
        let is_here = |start: &usize| self.folded[*start..].starts_with(words);
        self.searches.set(self.searches.get() + 1);
        let starts: Vec<usize> = match words.get(..BEGINNING).filter(|_| self.searches.get() > MANY) {
            Some(beginning) => {
                let starts = self.beginnings().get(&hash(beginning)).map(Vec::as_slice).unwrap_or_default();
                starts.iter().map(|start| *start as usize).filter(is_here).collect()
            }
            None => {
                (0..self.folded.len()).filter(|start| self.folded[*start] == *first).filter(is_here).collect()
            }
        };
        starts.into_iter().map(|start| start..start + words.len()).collect()
    }

    fn beginnings(&self) -> &HashMap<u64, Vec<u32>, foldhash::fast::FixedState> {
        self.beginnings.get_or_init(|| {
            let mut beginnings: HashMap<u64, Vec<u32>, _> = HashMap::default();
            for (start, beginning) in (0..).zip(self.folded.windows(BEGINNING)) {
                beginnings.entry(hash(beginning)).or_default().push(start);
            }
            beginnings
        })
    }

    /// What is before and after a folded place; at the ends of the text it is shorter.
    fn surroundings(&self, place: &Range<usize>) -> [&[char]; 2] {
        let until = (place.end + SURROUNDINGS).min(self.folded.len());
        [
            &self.folded[place.start.saturating_sub(SURROUNDINGS)..place.start],
            trimmed_end(&self.folded[place.end..until]),
        ]
    }

    fn unfolded(&self, place: &Range<usize>) -> Range<usize> {
        self.places[place.start]..self.places[place.end - 1] + 1
    }

    /// A place in the folded text, without white space at its ends.
    fn folded_place(&self, place: &Range<usize>) -> Option<Range<usize>> {
        let mut start = self.places.partition_point(|at| *at < place.start);
        let mut end = self.places.partition_point(|at| *at < place.end);
        while start < end && self.folded[start] == ' ' {
            start += 1;
        }
        while start < end && self.folded[end - 1] == ' ' {
            end -= 1;
        }
        (start < end).then_some(start..end)
    }

    /// The place of a locator, without white space at its ends.
    fn located(&self, locator: &Locator) -> Option<Range<usize>> {
        let place = match locator {
            Locator::Lines(from, until) => {
                *self.lines.get(from - 1)?..self.lines.get(*until).copied().unwrap_or(self.characters.len())
            }
            Locator::Pages(from, until) => {
                let breaks =
                    self.characters.iter().enumerate().filter(|(_, character)| **character == '\u{c}');
                let breaks: Vec<usize> = breaks.map(|(place, _)| place).collect();
                // A text without page breaks has no pages.
                breaks.first()?;
                let start = if *from == 1 { 0 } else { *breaks.get(from - 2)? };
                start..breaks.get(until - 1).copied().unwrap_or(self.characters.len())
            }
            Locator::Section(name) => {
                let (start, level) = self.marks().find_map(|(at, mark)| match mark {
                    Mark::Section(level, heading) if is_section(&heading, name) => Some((at, level)),
                    _ => None,
                })?;
                let ends = self.marks().find(|(at, mark)| {
                    *at > start && matches!(mark, Mark::Section(other, _) if *other <= level)
                });
                start..ends.map_or(self.characters.len(), |(at, _)| at)
            }
            Locator::Time(from, until) => {
                let times = || {
                    self.marks().filter_map(
                        |(at, mark)| if let Mark::Time(time) = mark { Some((at, time)) } else { None },
                    )
                };
                let (start, _) = times().take_while(|(_, time)| time <= from).last()?;
                let ends = times().find(|(at, time)| *at > start && *time > until.unwrap_or(*from));
                start..ends.map_or(self.characters.len(), |(at, _)| at)
            }
            Locator::Characters(from, until) => {
                Some(*from..*until).filter(|place| place.end <= self.characters.len())?
            }
        };
        let place = self.folded_place(&place)?;
        Some(self.unfolded(&place))
    }

    /// The lines that say something about those after them.
    fn marks(&self) -> impl Iterator<Item = (usize, Mark)> {
        self.lines.iter().enumerate().filter_map(|(number, start)| {
            let end = self.lines.get(number + 1).copied().unwrap_or(self.characters.len());
            let line: String = self.characters[*start..end].iter().collect();
            Some((*start, Mark::of(&line)?))
        })
    }

    /// The sentence that is most like some words, with its line.
    fn nearest(&self, words: &[char]) -> Option<(usize, String)> {
        let words: String = words.iter().collect();
        let sentences = self.folded.split_inclusive(|character| ".!?".contains(*character));
        let (mut start, mut best) = (0, (0.3, None));
        for sentence in sentences {
            let text: String = sentence.iter().collect();
            let likeness = sorensen_dice(text.trim(), &words);
            if likeness > best.0 {
                let first = start + sentence.iter().take_while(|character| **character == ' ').count();
                best = (
                    likeness,
                    Some((self.line(self.places[first]), text.trim().chars().take(SHOWN).collect())),
                );
            }
            start += sentence.len();
        }
        best.1
    }

    /// The line of a place, from 1.
    fn line(&self, place: usize) -> usize {
        self.lines.partition_point(|start| *start <= place)
    }
}

/// Whether a heading is that of a section: `§ 2`, `2. Scope` or `Scope` for `2` or `Scope`.
fn is_section(heading: &str, name: &str) -> bool {
    let heading = heading.trim_start_matches('§').trim();
    heading.strip_prefix(name).is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric()))
        && !name.is_empty()
}

fn hash(beginning: &[char]) -> u64 {
    foldhash::fast::FixedState::default().hash_one(beginning)
}

/// Whether what is before or after some words is their own end or beginning.
fn is_repeated(words: &[char], before: &[char], after: &[char]) -> bool {
    let [own, other] = [before, after].map(|part| part.len().min(words.len()));
    own > 0 && before.ends_with(&words[words.len() - own..])
        || other > 0 && after.starts_with(&words[..other])
}

fn trimmed_end(words: &[char]) -> &[char] {
    words.strip_suffix(&[' ']).unwrap_or(words)
}

fn trimmed_start(words: &[char]) -> &[char] {
    words.strip_prefix(&[' ']).unwrap_or(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TALK: &str = "# Talks\nThe first round was short. It ended at noon.\n\u{c}## 2. Results\nThey agreed\nto meet. It ended at noon.\n[00:12:31] And then?\n[00:13:00] Nothing.\n";

    fn quote(quote: &str) -> Selectors<'_> {
        Selectors { quote: Some(quote), ..Selectors::default() }
    }

    fn words(text: &Text, place: Range<usize>) -> String {
        text.characters[place].iter().collect()
    }

    fn located(text: &str, locator: &str) -> Option<String> {
        let text = Text::new(text);
        let place = text.place(&Selectors { locator, ..Selectors::default() }).expect("no quote is missing");
        place.map(|place| words(&text, place))
    }

    #[test]
    fn locators_lead_to_lines_pages_sections_times_and_characters() {
        for (locator, expected) in [
            ("L2", Some("The first round was short. It ended at noon.")),
            ("L4-L5", Some("They agreed\nto meet. It ended at noon.")),
            ("L4–5", Some("They agreed\nto meet. It ended at noon.")),
            ("L3", Some("## 2. Results")),
            ("L99", None),
            ("p. 1", Some("# Talks\nThe first round was short. It ended at noon.")),
            ("pp. 3-4", None),
            (
                "§ 2",
                Some(
                    "## 2. Results\nThey agreed\nto meet. It ended at noon.\n[00:12:31] And then?\n[00:13:00] Nothing.",
                ),
            ),
            ("§ 20", None),
            ("t=00:12:31", Some("[00:12:31] And then?")),
            ("t=12:40", Some("[00:12:31] And then?")),
            ("t=0:12:31,0:14:00", Some("[00:12:31] And then?\n[00:13:00] Nothing.")),
            ("char=12,17", Some("first")),
            ("chapter one", None),
        ] {
            assert_eq!(located(TALK, locator).as_deref(), expected, "{locator}");
        }
        assert_eq!(located("No pages.", "p. 1"), None);
    }

    #[test]
    fn a_quote_is_found_apart_from_white_space_and_composition() {
        let text =
            Text::new("They met in the cafe\u{301}\u{20}of  the\nhotel.".nfc().collect::<String>().as_str());
        let place = text.place(&quote("the café of the  hotel")).expect("found").expect("a place");
        assert_eq!(words(&text, place), "the café of  the\nhotel");
        assert!(text.place(&quote("The café")).is_err(), "capital letters count");
    }

    #[test]
    fn a_quote_that_is_there_twice_needs_its_surroundings_or_its_line() {
        let text = Text::new(TALK);
        assert_eq!(text.place(&quote("It ended at noon.")), Err(Unplaced::Ambiguous(2)));
        let second = text.characters.iter().collect::<String>().rfind("It ended").expect("there");
        let place = |selectors: Selectors<'_>| text.place(&selectors).expect("found").expect("a place").start;
        assert_eq!(place(Selectors { prefix: Some("to meet."), ..quote("It ended at noon.") }), second);
        assert_eq!(place(Selectors { suffix: Some("[00:12:31]"), ..quote("It ended at noon.") }), second);
        assert_eq!(place(Selectors { locator: "L5", ..quote("It ended at noon.") }), second);
        let Err(wrong) = text.place(&Selectors { locator: "L2", ..quote("They agreed to meet now.") }) else {
            panic!("it is not there")
        };
        let message = wrong.message();
        assert!(message.contains("line 3") && message.contains("They agreed to meet."), "{message}");
    }

    #[test]
    fn a_place_moves_with_its_words_and_never_to_equal_words_elsewhere() {
        let opening =
            "The envoy opened the talks with a long speech about the history of the lake and its people.";
        let closing =
            "The hosts closed the day with a dinner at which nobody said a word about the day before it.";
        let old = Text::new(&format!("{opening} It was agreed. {closing} It was agreed."));
        let place = old.place(&Selectors { suffix: Some("The hosts"), ..quote("It was agreed.") });
        let place = place.expect("found").expect("a place");
        let new = Text::new(&format!("A new heading\n\n{opening}  It was\nagreed. {closing} It was agreed."));
        let moved = old.moved(&place, &new).expect("it is still there");
        assert_eq!(words(&new, moved), "It was\nagreed.");
        let without = Text::new(&format!("{opening} {closing} It was agreed."));
        assert_eq!(old.moved(&place, &without), None);
    }

    /// Texts of repeated sentences, each of which has a number that the text doesn't show.
    struct Sentences(Vec<(usize, usize)>);

    const WORDS: [&str; 12] = [
        "It was agreed.",
        "The talks go on in spring.",
        "No date was named.",
        "The ministers met again in the old town by the lake.",
        "Nobody spoke of the border.",
        "A second round follows.",
        "The price of bread was raised once more, and the markets stayed closed.",
        "Yes.",
        "The envoy left early.",
        "They had dinner with the hosts.",
        "The text was signed by both.",
        "The treaty was read aloud, article by article, before it was put to the vote.",
    ];

    impl Sentences {
        fn neighbours(&self, at: usize) -> [Option<usize>; 2] {
            let number = |at: usize| self.0.get(at).map(|(number, _)| *number);
            [at.checked_sub(1).and_then(number), number(at + 1)]
        }

        /// Whether other equal words are where a sentence was, which is not there.
        fn is_put_back(&self, at: usize, new: &Sentences) -> bool {
            let (number, words) = self.0[at];
            let is_in_place = |(place, sentence): (usize, &(usize, usize))| {
                sentence.1 == words && new.neighbours(place) == self.neighbours(at)
            };
            new.0.iter().all(|(kept, _)| *kept != number) && new.0.iter().enumerate().any(is_in_place)
        }

        fn text(&self) -> (String, Vec<(usize, Range<usize>)>) {
            let (mut text, mut places, mut length) = (String::new(), Vec::new(), 0);
            for (number, words) in &self.0 {
                let words = WORDS[*words];
                places.push((*number, length..length + words.len()));
                text.push_str(words);
                text.push(if number % 5 == 0 { '\n' } else { ' ' });
                length += words.len() + 1;
            }
            (text, places)
        }
    }

    #[test]
    fn ten_thousand_random_edits_move_no_place_to_another_sentence() {
        let mut rng = fastrand::Rng::with_seed(14);
        let (mut kept, mut moved, mut orphaned, mut wrong) = (0, 0, 0, 0);
        for _ in 0..10_000 {
            let mut next = 0;
            let mut sentence = |rng: &mut fastrand::Rng| {
                next += 1;
                (next, rng.usize(..WORDS.len()))
            };
            let old = Sentences((0..40).map(|_| sentence(&mut rng)).collect());
            let mut new = Sentences(old.0.clone());
            for _ in 0..rng.usize(1..5) {
                let at = rng.usize(..new.0.len());
                match rng.u8(..4) {
                    0 => {
                        new.0.insert(at, sentence(&mut rng));
                    }
                    1 => {
                        new.0.remove(at);
                    }
                    2 => {
                        let taken = new.0.remove(at);
                        new.0.insert(rng.usize(..=new.0.len()), taken);
                    }
                    _ => {
                        let (from, length) = (at, rng.usize(1..6));
                        let part: Vec<_> =
                            new.0.iter().skip(from).take(length).map(|(_, words)| *words).collect();
                        let copies =
                            part.into_iter().map(|words| (sentence(&mut rng).0, words)).collect::<Vec<_>>();
                        let to = rng.usize(..=new.0.len());
                        new.0.splice(to..to, copies);
                    }
                }
            }
            let at = rng.usize(..old.0.len());
            // Equal words between the same neighbours, in place of deleted ones: the text is as it was.
            if old.is_put_back(at, &new) {
                continue;
            }
            let ((old, places), (new, new_places)) = (old.text(), new.text());
            let (number, place) = &places[at];
            let (old, new) = (Text::new(&old), Text::new(&new));
            match old.moved(place, &new) {
                None => orphaned += 1,
                Some(found) if new_places.contains(&(*number, found.clone())) => {
                    if found == *place {
                        kept += 1;
                    } else {
                        moved += 1;
                    }
                }
                Some(_) => wrong += 1,
            }
        }
        assert_eq!(wrong, 0, "{kept} kept, {moved} moved, {orphaned} orphaned");
        assert!(kept + moved > 3000, "{kept} kept, {moved} moved, {orphaned} orphaned");
    }
}
