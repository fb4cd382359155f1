//! Where a citation stands in a text: by its quote, by its locator, or where it stood in the version before.

use std::{
    cell::{Cell, OnceCell},
    collections::HashMap,
    hash::BuildHasher,
    ops::Range,
};

use strsim::sorensen_dice;
use unicode_normalization::UnicodeNormalization;

use crate::domain::texts::cut::{self, Mark, seconds};

/// Characters on either side of a passage that must be the same in a new version.
const SURROUNDINGS: usize = 160;
/// A side with fewer characters is the beginning or the end of the text.
const SHORT: usize = 32;
/// How much of the other side must be the same where a side is the beginning or the end of the text, and no longer is.
const FAR: usize = 640;
/// The length of the beginnings by which words are looked up, and from how many searches on that is worthwhile.
const BEGINNING: usize = 12;
const MANY: usize = 3;
/// Maximum length of what is shown of a text in an error, and of what is next to a quote.
const SHOWN: usize = 200;
const NEXT: usize = 60;
/// How many sections an error names.
const SECTIONS: usize = 5;

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
    /// How often words were searched for.
    searches: Cell<usize>,
    /// The marks of its lines, each with its place.
    marks: OnceCell<Vec<(usize, Mark)>>,
    /// The folded places by the hash of what begins there.
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
    /// The characters of the text before the passage, and up to its end.
    pub position: Option<[i32; 2]>,
}

/// Why a citation has no place.
#[derive(Clone, Debug, PartialEq)]
pub enum Unplaced {
    /// It is not there; what is nearest, with its line.
    Missing(Option<(usize, String)>),
    /// It is there several times.
    Ambiguous(usize),
    /// It is there, but not after the words of this selector, or not before them; its line, and what is there.
    Elsewhere { selector: &'static str, line: usize, there: String },
    /// A position is not in the text, which has so many characters.
    Beyond { selector: &'static str, characters: usize },
    /// There is only white space at a position.
    Blank,
    /// The quote is not at the position; what is there, and the nearest place of the quote.
    NotAt { there: String, nearest: Range<usize> },
    /// The position is not where the locator leads.
    NotWithin(Range<usize>),
    /// The locator leads nowhere: what the text has instead.
    Nowhere(String),
}

impl Unplaced {
    /// The selector that is wrong.
    pub fn selector(&self) -> &'static str {
        match self {
            Unplaced::Elsewhere { selector, .. } | Unplaced::Beyond { selector, .. } => selector,
            Unplaced::Blank | Unplaced::NotAt { .. } | Unplaced::NotWithin(_) => "start",
            Unplaced::Nowhere(_) => "locator",
            Unplaced::Missing(_) | Unplaced::Ambiguous(_) => "quote",
        }
    }

    pub fn message(&self) -> String {
        match self {
            Unplaced::Elsewhere { selector, line, there } => {
                let [side, end] =
                    if *selector == "prefix" { ["before", "beginning"] } else { ["after", "end"] };
                let instead = if there.is_empty() {
                    format!("On line {line} it is at the {end} of the text")
                } else {
                    format!("On line {line} there are: “{there}”")
                };
                format!("The text of the source has the quote, but not these words {side} it. {instead}.")
            }
            Unplaced::Missing(Some((line, nearest))) => {
                format!(
                    "The text of the source does not have these words here. The nearest are on line {line}: “{nearest}”."
                )
            }
            Unplaced::Missing(None) => "The text of the source does not have these words.".to_owned(),
            Unplaced::Ambiguous(count) => format!(
                "The text of the source has these words {count} times: give the words before or after them, or the line as the locator."
            ),
            Unplaced::Beyond { characters, .. } => {
                format!("The text of the source has {characters} characters.")
            }
            Unplaced::Blank => "There is only white space here.".to_owned(),
            Unplaced::NotAt { there, nearest: Range { start, end } } => format!(
                "The quote is not here, but “{there}”. The nearest place of the quote is from {start} to {end}."
            ),
            Unplaced::NotWithin(Range { start, end }) => {
                format!("This is not where the locator leads: from {start} to {end}.")
            }
            Unplaced::Nowhere(has) => format!("The locator leads nowhere: {has}."),
        }
    }
}

/// A place that a locator names.
#[derive(Debug, PartialEq)]
enum Locator {
    Lines(usize, usize),
    Pages(usize, usize),
    Sections(String, Option<String>),
    Time(u32, Option<u32>),
    /// Characters, as in RFC 5147.
    Characters(usize, usize),
}

impl Locator {
    fn of(text: &str) -> Option<Locator> {
        let text = text.trim();
        if let Some(sections) = text.strip_prefix('§') {
            let name = |section: &str| section.trim().trim_end_matches('.').to_owned();
            return Some(
                match sections.strip_prefix('§').and_then(|several| several.split_once(['-', '–'])) {
                    Some((from, until)) => Locator::Sections(name(from), Some(name(until))),
                    None => Locator::Sections(name(sections), None),
                },
            );
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
            let (from, until) =
                range.split_once(',').filter(|(from, until)| !(from.is_empty() && until.is_empty()))?;
            let number = |text: &str, end| if text.is_empty() { Some(end) } else { text.parse().ok() };
            return Some(Locator::Characters(number(from, 0)?, number(until, usize::MAX)?));
        }
        let text = text.to_ascii_lowercase();
        let numbers = |stems: [&str; 3]| {
            let rest = stems.iter().find_map(|stem| text.strip_prefix(stem))?;
            let (from, until) = rest.split_once(['-', '–']).unwrap_or((rest, rest));
            let number = |text: &str| text.trim().trim_start_matches(stems[2]).trim().parse::<usize>().ok();
            Some((number(from)?, number(until)?)).filter(|(from, until)| 0 < *from && from <= until)
        };
        if let Some((from, until)) = numbers(["lines ", "line ", "l"]) {
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
        Text {
            characters,
            folded,
            places,
            lines,
            searches: Cell::new(0),
            marks: OnceCell::new(),
            beginnings: OnceCell::new(),
        }
    }

    /// Where a citation stands in the text: by its position or its quote, if it has one, else by its locator.
    pub fn place(&self, selectors: &Selectors<'_>) -> Result<Option<Range<usize>>, Unplaced> {
        let located = || Locator::of(selectors.locator).and_then(|locator| self.located(&locator));
        let located = self.element(selectors.locator).or_else(located);
        let position = selectors.position.map(|position| self.position(position)).transpose()?;
        if let (Some(position), Some(within)) = (&position, &located)
            && !(within.start <= position.start && position.end <= within.end)
        {
            return Err(Unplaced::NotWithin(within.clone()));
        }
        let [quote, prefix, suffix] = [selectors.quote, selectors.prefix, selectors.suffix]
            .map(|words| folded(words.unwrap_or_default()));
        if quote.is_empty() {
            return Ok(position.or(located));
        }
        let mut found = self.occurrences(&quote);
        if let Some(position) = &position {
            let own = found.iter().position(|place| self.unfolded(place) == *position);
            found = match (own, self.nearest_to(position, &found)) {
                (Some(own), _) => vec![found.swap_remove(own)],
                (None, Some(nearest)) => {
                    let there = self.characters[position.clone()].iter().take(SHOWN).collect();
                    return Err(Unplaced::NotAt { there, nearest });
                }
                (None, None) => Vec::new(),
            };
        } else if let Some(within) = &located {
            found.retain(|place| {
                let place = self.unfolded(place);
                within.start <= place.start && place.end <= within.end
            });
        }
        let [first, ..] = found.as_slice() else { return Err(Unplaced::Missing(self.nearest(&quote))) };
        let first = first.clone();
        let follows = |place: &Range<usize>| trimmed_end(&self.folded[..place.start]).ends_with(&prefix);
        let leads = |place: &Range<usize>| trimmed_start(&self.folded[place.end..]).starts_with(&suffix);
        let is_after_prefix = found.iter().any(follows);
        found.retain(|place| follows(place) && leads(place));
        match found.as_slice() {
            [place] => Ok(Some(self.unfolded(place))),
            [] => {
                let [before, after] = self.surroundings(&first);
                let (selector, there) = if is_after_prefix {
                    ("suffix", &after[..after.len().min(NEXT)])
                } else {
                    ("prefix", &before[before.len().saturating_sub(NEXT)..])
                };
                let line = self.line(self.places[first.start]);
                let there = there.iter().collect::<String>().trim().to_owned();
                Err(Unplaced::Elsewhere { selector, line, there })
            }
            places => Err(Unplaced::Ambiguous(places.len())),
        }
    }

    /// The same, where a quote or a position must not stand beside a locator that leads nowhere. A text without pages,
    /// sections, times or elements may be that of a document that has them.
    pub fn checked_place(&self, selectors: &Selectors<'_>) -> Result<Option<Range<usize>>, Unplaced> {
        let place = self.place(selectors)?;
        let has_own = selectors.position.is_some() || selectors.quote.is_some();
        match self.missing(selectors.locator).filter(|_| has_own) {
            Some(has) => Err(Unplaced::Nowhere(has)),
            None => Ok(place),
        }
    }

    /// What the text has, if a locator leads nowhere in it.
    fn missing(&self, locator: &str) -> Option<String> {
        if self.element(locator).is_some() {
            return None;
        }
        let mut marks = self.marks().iter().map(|(_, mark)| mark);
        let Some(known) = Locator::of(locator) else {
            let has_elements = marks.any(|mark| matches!(mark, Mark::Elements(..)));
            let is_element = has_elements && locator.trim().starts_with('#');
            return is_element.then(|| "the text of the source has no element with this id".to_owned());
        };
        if self.located(&known).is_some() {
            return None;
        }
        if self.range(&known).is_some_and(|place| !place.is_empty()) {
            return Some("there is only white space here".to_owned());
        }
        let has = match known {
            Locator::Lines(..) => {
                let last_is_empty = self.lines.last() == Some(&self.characters.len());
                counted(self.lines.len() - usize::from(last_is_empty), "line")
            }
            Locator::Characters(..) => counted(self.characters.len(), "character"),
            Locator::Pages(..) => match self.characters.iter().filter(|next| **next == '\u{c}').count() {
                0 => return None,
                breaks => counted(breaks + 1, "page"),
            },
            Locator::Sections(..) => {
                let sections = marks.filter_map(|mark| match mark {
                    Mark::Section(_, name) => {
                        Some(format!("“{}”", name.chars().take(NEXT).collect::<String>()))
                    }
                    _ => None,
                });
                let sections: Vec<String> = sections.take(SECTIONS + 1).collect();
                let more = if sections.len() > SECTIONS { " and others" } else { "" };
                let named = sections.iter().take(SECTIONS).map(String::as_str).collect::<Vec<_>>().join(", ");
                Some(format!("the sections {named}{more}")).filter(|_| !sections.is_empty())?
            }
            Locator::Time(..) => {
                let first =
                    marks.find_map(|mark| if let Mark::Time(time) = mark { Some(*time) } else { None })?;
                format!("times from {:02}:{:02}:{:02} on", first / 3600, first / 60 % 60, first % 60)
            }
        };
        Some(format!("the text of the source has {has}"))
    }

    /// A position in the text, without white space at its ends.
    fn position(&self, position: [i32; 2]) -> Result<Range<usize>, Unplaced> {
        let characters = self.characters.len();
        let [start, end] = position.map(|place| usize::try_from(place).unwrap_or(0));
        if end > characters {
            let selector = if start < characters { "end" } else { "start" };
            return Err(Unplaced::Beyond { selector, characters });
        }
        let place = self.folded_place(&(start..end)).ok_or(Unplaced::Blank)?;
        Ok(self.unfolded(&place))
    }

    /// The place that is nearest to a position.
    fn nearest_to(&self, position: &Range<usize>, places: &[Range<usize>]) -> Option<Range<usize>> {
        let places = places.iter().map(|place| self.unfolded(place));
        places.min_by_key(|place| place.start.abs_diff(position.start))
    }

    /// The place in a new version of the text, if its words are there once with the same surroundings. It is none
    /// rather than that of other words.
    pub fn moved(&self, place: &Range<usize>, new: &Text) -> Option<Range<usize>> {
        let own = self.folded_place(place)?;
        let (words, [before, after]) = (&self.folded[own.clone()], self.surroundings(&own));
        // Nothing tells copies, or equal words next to each other, from the words themselves.
        let is_copied = |part: &[char]| new.occurrences(part).len() > self.occurrences(part).len();
        // What is first or last in the text stays so, unless it is not copied and much of the other side is as it was.
        let known = if is_copied(words) { [None, None] } else { self.far(&own) };
        let places = |text: &Text| {
            let mut places = text.occurrences(words);
            let agrees = |place: &Range<usize>| {
                let around = [&text.folded[..place.start], trimmed_end(&text.folded[place.end..])];
                around[0].ends_with(before)
                    && around[1].starts_with(after)
                    && [before, after].iter().zip(around).zip(known.iter().zip(text.far(place))).all(
                        |((own, all), (known, there))| {
                            own.len() >= SHORT || own.len() == all.len() || known.is_some() && *known == there
                        },
                    )
            };
            places.retain(agrees);
            places
        };
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

    /// Much of what is after a folded place, and of what is before it: what may tell where the other side was.
    fn far(&self, place: &Range<usize>) -> [Option<&[char]>; 2] {
        let before = place.start.checked_sub(FAR).map(|start| &self.folded[start..place.start]);
        [self.folded[place.end..].get(..FAR), before]
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
        let place = self.folded_place(&self.range(locator)?)?;
        Some(self.unfolded(&place))
    }

    fn range(&self, locator: &Locator) -> Option<Range<usize>> {
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
            Locator::Sections(from, until) => {
                let marks = self.marks();
                let section = |name: &str| {
                    let (start, level) = marks.iter().find_map(|(at, mark)| match mark {
                        Mark::Section(level, heading) if is_section(heading, name) => Some((*at, *level)),
                        _ => None,
                    })?;
                    let ends = marks.iter().find(|(at, mark)| {
                        *at > start && matches!(mark, Mark::Section(other, _) if *other <= level)
                    });
                    Some(start..ends.map_or(self.characters.len(), |(at, _)| *at))
                };
                let first = section(from)?;
                let last = until.as_deref().map_or_else(|| Some(first.clone()), section)?;
                Some(first.start..last.end).filter(|place| place.start < place.end)?
            }
            Locator::Time(from, until) => {
                let marks = self.marks();
                let times = || {
                    marks.iter().filter_map(|(at, mark)| {
                        if let Mark::Time(time) = mark { Some((*at, *time)) } else { None }
                    })
                };
                let (start, _) = times().take_while(|(_, time)| time <= from).last()?;
                let ends = times().find(|(at, time)| *at > start && *time > until.unwrap_or(*from));
                start..ends.map_or(self.characters.len(), |(at, _)| at)
            }
            Locator::Characters(from, until) => {
                let end = if *until == usize::MAX { self.characters.len() } else { *until };
                Some(*from..end).filter(|place| place.end <= self.characters.len())?
            }
        };
        Some(place)
    }

    /// The lines that say something about those after them.
    fn marks(&self) -> &[(usize, Mark)] {
        self.marks.get_or_init(|| {
            let text: String = self.characters.iter().collect();
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let marks = self.lines.iter().zip(cut::marks(&lines));
            marks.filter_map(|(start, mark)| Some((*start, mark?))).collect()
        })
    }

    /// What is said in the element of a transcript with this id.
    fn element(&self, id: &str) -> Option<Range<usize>> {
        let id = id.trim().trim_start_matches('#');
        let mut elements = self.marks().iter().filter_map(|(at, mark)| match mark {
            Mark::Elements(ids, length) => Some((*at, ids, length)),
            _ => None,
        });
        let (at, _, length) = elements.find(|(_, ids, _)| ids.iter().any(|own| own == id))?;
        let end = elements.next().map_or(self.characters.len(), |(at, ..)| at);
        let place = self.folded_place(&(at + length..end))?;
        Some(self.unfolded(&place))
    }

    /// The words that differ from others only in signs, accents or capital letters, or the sentence that is most like
    /// them, with its line.
    fn nearest(&self, words: &[char]) -> Option<(usize, String)> {
        let (wanted, own) = (plain(words), plain(&self.folded));
        let is_alike =
            |part: &&[(usize, char)]| part.iter().zip(&wanted).all(|(one, other)| one.1 == other.1);
        if !wanted.is_empty()
            && let Some(alike) = own.windows(wanted.len()).find(is_alike)
        {
            let place = alike[0].0..alike[alike.len() - 1].0 + 1;
            let shown = self.folded[place.clone()].iter().take(SHOWN).collect();
            return Some((self.line(self.places[place.start]), shown));
        }
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

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Whether a heading is that of a section: `§ 2`, `2. Scope` or `Scope` for `2` or `Scope`.
fn is_section(heading: &str, name: &str) -> bool {
    let heading = heading.trim_start_matches('§').trim();
    heading.strip_prefix(name).is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric()))
        && !name.is_empty()
}

/// Words without accents, capital letters, kinds of quotation marks and dashes, and characters that nobody sees; each
/// character with its place.
fn plain(words: &[char]) -> Vec<(usize, char)> {
    let plain = |(place, character): (usize, &char)| {
        let base = character.nfkd().next().unwrap_or(*character);
        let base = match base {
            '’' | '‘' | '‚' | '′' | 'ʼ' | '`' => '\'',
            '“' | '”' | '„' | '«' | '»' | '″' => '"',
            '‐'..='―' | '−' => '-',
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => return None,
            other => other.to_lowercase().next().unwrap_or(other),
        };
        Some((place, base))
    };
    words.iter().enumerate().filter_map(plain).collect()
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
            ("#u1", None),
            ("l2", Some("The first round was short. It ended at noon.")),
            ("P. 1", Some("# Talks\nThe first round was short. It ended at noon.")),
            ("§§ Talks–2", Some(TALK.trim())),
            (
                "§§ 2-Talks",
                Some(
                    "## 2. Results\nThey agreed\nto meet. It ended at noon.\n[00:12:31] And then?\n[00:13:00] Nothing.",
                ),
            ),
            ("char=,7", Some("# Talks")),
            ("char=139,", Some("Nothing.")),
            ("char=,", None),
        ] {
            assert_eq!(located(TALK, locator).as_deref(), expected, "{locator}");
        }
        assert_eq!(located("No pages.", "p. 1"), None);
    }

    #[test]
    fn the_id_of_an_element_leads_to_what_is_said_in_it() {
        let transcript = "[#s.u1] We meet\nagain.\n[#s.u2 #s.u3] Thank you.\n";
        for (locator, expected) in [
            ("s.u1", Some("We meet\nagain.")),
            ("#s.u1", Some("We meet\nagain.")),
            ("s.u3", Some("Thank you.")),
            ("s.u", None),
        ] {
            assert_eq!(located(transcript, locator).as_deref(), expected, "{locator}");
        }
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
    fn what_is_nearest_differs_in_signs_accents_or_capital_letters_or_is_most_alike() {
        let text = Text::new("One.\nShe said “don't”, and left the café\u{ad} – at last.\nTwo.");
        for (words, expected) in [
            ("don’t", "don't"),
            ("\"Don't\"", "“don't”"),
            ("cafe - at last", "café\u{ad} – at last"),
            ("She said nothing and left the café", "She said “don't”, and left the café\u{ad} – at last."),
        ] {
            assert_eq!(
                text.place(&quote(words)),
                Err(Unplaced::Missing(Some((2, expected.to_owned())))),
                "{words}"
            );
        }
    }

    #[test]
    fn wrong_words_around_a_quote_are_told_with_those_that_are_there() {
        let text = Text::new(TALK);
        for (selectors, selector, there) in [
            (Selectors { prefix: Some("They left."), ..quote("first round") }, "prefix", "# Talks The"),
            (
                Selectors { suffix: Some("is long"), prefix: Some("The"), ..quote("first round") },
                "suffix",
                "was short.",
            ),
        ] {
            let Err(wrong) = text.place(&selectors) else { panic!("it is not there") };
            assert_eq!(wrong.selector(), selector);
            assert!(
                wrong.message().contains(there) && wrong.message().contains("line 2"),
                "{}",
                wrong.message()
            );
        }
    }

    #[test]
    fn words_around_a_quote_at_the_end_of_the_text_are_told_without_any() {
        let text = Text::new("One day.\nAnother day.\n");
        for (selectors, told) in [
            (
                Selectors { prefix: Some("Then"), ..quote("One day") },
                "On line 1 it is at the beginning of the text.",
            ),
            (
                Selectors { suffix: Some("Then"), ..quote("Another day.") },
                "On line 2 it is at the end of the text.",
            ),
        ] {
            let Err(wrong) = text.place(&selectors) else { panic!("it is not there") };
            assert!(wrong.message().ends_with(told), "{}", wrong.message());
        }
    }

    #[test]
    fn a_quote_or_a_position_beside_a_locator_that_leads_nowhere_is_told_what_the_text_has() {
        let text = Text::new(TALK);
        let told = |text: &Text, locator: &str| {
            let selectors = Selectors { locator, ..quote("And then?") };
            assert!(text.place(&selectors).is_ok(), "its words are there");
            text.checked_place(&selectors).err().map(|wrong| (wrong.selector(), wrong.message()))
        };
        for (locator, has) in [
            ("L99", "the text of the source has 7 lines"),
            ("p. 3", "the text of the source has 2 pages"),
            ("§ 20", "the text of the source has the sections “Talks”, “2. Results”"),
            ("t=00:00:01", "the text of the source has times from 00:12:31 on"),
            ("char=0,999", "the text of the source has 148 characters"),
        ] {
            assert_eq!(told(&text, locator), Some(("locator", format!("The locator leads nowhere: {has}."))));
        }
        for locator in ["L6", "chapter one", "#u1"] {
            assert_eq!(told(&text, locator), None, "{locator}");
        }
        let bare = Text::new("And then? Nothing.");
        for locator in ["p. 3", "§ 20", "t=00:00:01"] {
            assert_eq!(told(&bare, locator), None, "the document may have them: {locator}");
        }
        let transcript = Text::new("[#s.u1] And then?\n");
        assert!(told(&transcript, "#s.u2").is_some());
        let nowhere = text.checked_place(&Selectors { locator: "L99", ..Selectors::default() });
        assert_eq!(nowhere, Ok(None), "a locator alone may be of the document");
    }

    #[test]
    fn what_is_first_or_last_moves_if_it_is_there_once_and_the_other_side_is_as_it_was() {
        let days = (0..20).map(|number| format!("On day {number} the delegations met in the morning.\n"));
        let middle = days.collect::<Vec<_>>().concat();
        let old = format!("Opening words.\n{middle}Closing words.");
        let new = Text::new(&format!("Headline\n\n{old}\n\nFooter"));
        let old = Text::new(&old);
        for words_there in ["Opening words.", "Closing words."] {
            let place = old.place(&quote(words_there)).expect("found").expect("a place");
            assert_eq!(old.moved(&place, &new).map(|place| words(&new, place)).as_deref(), Some(words_there));
        }
        let place = old.place(&quote("Opening words.")).expect("found").expect("a place");
        let short = Text::new("Headline\n\nOpening words.\nMore.");
        assert_eq!(Text::new("Opening words.\nMore.").moved(&(0..14), &short), None);
        let twice = Text::new(&format!("Opening words.\nMore.\nOpening words.\n{middle}Closing words."));
        assert_eq!(old.moved(&place, &twice), None, "nothing tells which one it was");
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
        fn neighbours(&self, place: &Range<usize>) -> [Option<usize>; 2] {
            let number = |at: usize| self.0.get(at).map(|(number, _)| *number);
            [place.start.checked_sub(1).and_then(number), number(place.end)]
        }

        /// Whether other equal words are where some sentences were, which are not there.
        fn is_put_back(&self, place: &Range<usize>, new: &Sentences) -> bool {
            let own = &self.0[place.clone()];
            let is_in_place = |(start, there): (usize, &[(usize, usize)])| {
                there.iter().map(|(_, words)| words).eq(own.iter().map(|(_, words)| words))
                    && new.neighbours(&(start..start + own.len())) == self.neighbours(place)
            };
            new.0.windows(own.len()).all(|there| there != own)
                && new.0.windows(own.len()).enumerate().any(is_in_place)
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
        random_edits(14, false);
    }

    #[test]
    fn ten_thousand_random_edits_move_no_position_to_other_characters() {
        random_edits(15, true);
    }

    fn random_edits(seed: u64, by_position: bool) {
        let mut rng = fastrand::Rng::with_seed(seed);
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
                        let mut moved = new.0.clone();
                        let taken = moved.remove(at);
                        moved.insert(rng.usize(..=moved.len()), taken);
                        // Among equal sentences it would change nothing.
                        if moved.iter().map(|(_, words)| words).ne(new.0.iter().map(|(_, words)| words)) {
                            new.0 = moved;
                        }
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
            // A sentence, or a position: from within one to within another.
            let at = rng.usize(..old.0.len());
            let last = if by_position { rng.usize(at..old.0.len().min(at + 3)) } else { at };
            // Equal words between the same neighbours, in place of deleted ones: the text is as it was.
            if old.is_put_back(&(at..last + 1), &new) {
                continue;
            }
            let ((old, places), (new, new_places)) = (old.text(), new.text());
            let ((first, starts), (last, ends)) = (&places[at], &places[last]);
            let (mut from, mut until) = (0, ends.len());
            if by_position {
                from = rng.usize(..starts.len());
                until = rng.usize(if first == last { from + 1 } else { 1 }..=ends.len());
            }
            let place = starts.start + from..ends.start + until;
            let there = |number: &usize| new_places.iter().find(|(own, _)| own == number);
            let expected = there(first).zip(there(last));
            let expected = expected.map(|((_, starts), (_, ends))| starts.start + from..ends.start + until);
            let (old, new) = (Text::new(&old), Text::new(&new));
            let Some(given) = old.folded_place(&place).map(|place| old.unfolded(&place)) else { continue };
            let trimmed = [given.start - place.start, place.end - given.end];
            match old.moved(&given, &new) {
                None => orphaned += 1,
                Some(found)
                    if expected.as_ref().is_some_and(|expected| {
                        found == (expected.start + trimmed[0]..expected.end - trimmed[1])
                    }) =>
                {
                    if found == given {
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
