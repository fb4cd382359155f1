//! The words of a page that a reader sees.

use std::{cell::RefCell, ops::Range};

use html5ever::{
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::RawKind::{Rawtext, Rcdata, ScriptData},
    },
};

/// Elements whose content nobody reads as words of the page.
const UNREAD: [&str; 14] = [
    "script", "style", "template", "noscript", "nav", "svg", "math", "select", "textarea", "button",
    "iframe", "title", "object", "audio",
];
/// Elements between which there is a blank line.
const PARAGRAPHS: [&str; 16] = [
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "dl",
    "table",
    "pre",
    "blockquote",
    "figure",
    "article",
    "hr",
];
/// Elements within a line.
const INLINE: [&str; 36] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font",
    "i", "img", "ins", "kbd", "label", "mark", "q", "rp", "rt", "ruby", "s", "samp", "small", "span",
    "strike", "strong", "sub", "sup", "time", "tt", "u", "wbr",
];
/// Elements without content.
const EMPTY: [&str; 9] = ["br", "hr", "img", "input", "link", "meta", "wbr", "source", "col"];

/// The text of a page: of its article or main part, if it has only one with words. Headings are as in Markdown; nothing
/// else is added to the words.
pub fn words(page: &str) -> String {
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from(page));
    let tokenizer = Tokenizer::new(Reader::default(), TokenizerOpts::default());
    let _ = tokenizer.feed(&queue);
    tokenizer.end();
    let Words { text, parts, .. } = tokenizer.sink.0.into_inner();
    let parts: Vec<(&str, Range<usize>)> =
        parts.into_iter().map(|(name, place)| (name, place.start..place.end.min(text.len()))).collect();
    let only = |element: &str| {
        let of_element =
            parts.iter().filter(|(name, place)| *name == element && !text[place.clone()].trim().is_empty());
        let places: Vec<&Range<usize>> = of_element.map(|(_, place)| place).collect();
        if let [place] = places.as_slice() { Some((*place).clone()) } else { None }
    };
    let place = only("article").or_else(|| only("main")).unwrap_or(0..text.len());
    text[place].trim().to_owned() + "\n"
}

#[derive(Default)]
struct Reader(RefCell<Words>);

#[derive(Default)]
struct Words {
    text: String,
    /// Articles and main parts, with their places in the text; those that are open end at its end.
    parts: Vec<(&'static str, Range<usize>)>,
    /// Line feeds and a space before the next word.
    breaks: usize,
    space: bool,
    /// An element that nobody reads, and how many of its name are open.
    unread: Option<(String, usize)>,
    /// How many preformatted elements are open.
    preformatted: usize,
}

impl TokenSink for Reader {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let mut words = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) if words.unread.is_none() => words.say(&text),
            Token::TagToken(tag) => {
                words.tag(&tag);
                if tag.kind == TagKind::StartTag && !tag.self_closing {
                    return match &*tag.name {
                        "script" => TokenSinkResult::RawData(ScriptData),
                        "style" | "noscript" | "iframe" => TokenSinkResult::RawData(Rawtext),
                        "title" | "textarea" => TokenSinkResult::RawData(Rcdata),
                        _ => TokenSinkResult::Continue,
                    };
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Words {
    fn tag(&mut self, tag: &Tag) {
        let (name, is_start) = (&*tag.name, tag.kind == TagKind::StartTag);
        let is_empty = tag.self_closing || EMPTY.contains(&name);
        // One of these ends where the next begins.
        let is_next = is_start && ["p", "li", "dt", "dd", "tr", "td", "th", "option"].contains(&name);
        self.unread.take_if(|(unread, _)| unread == name && is_next);
        if let Some((unread, depth)) = &mut self.unread {
            if unread == name && !is_empty {
                *depth = if is_start { *depth + 1 } else { *depth - 1 };
            }
            if *depth == 0 {
                self.unread = None;
            }
            return;
        }
        if is_start && !is_empty && (UNREAD.contains(&name) || is_hidden(tag)) {
            self.unread = Some((name.to_owned(), 1));
            self.apart(1);
            return;
        }
        match name {
            "br" => self.breaks += 1,
            "td" | "th" => self.space = true,
            _ if PARAGRAPHS.contains(&name) => self.apart(2),
            _ if INLINE.contains(&name) => {}
            _ => self.apart(1),
        }
        match (name, is_start) {
            ("pre", true) => self.preformatted += 1,
            ("pre", false) => self.preformatted = self.preformatted.saturating_sub(1),
            ("h1" | "h2" | "h3" | "h4" | "h5" | "h6", true) => {
                self.say(&"#".repeat(name[1..].parse().unwrap_or(1)));
                self.space = true;
            }
            ("article" | "main", true) => {
                let name = if name == "main" { "main" } else { "article" };
                self.parts.push((name, self.text.len()..usize::MAX));
            }
            ("article" | "main", false) => {
                let end = self.text.len();
                let open =
                    self.parts.iter_mut().rev().find(|(own, place)| *own == name && place.end == usize::MAX);
                if let Some((_, place)) = open {
                    place.end = end;
                }
            }
            _ => {}
        }
    }

    fn apart(&mut self, breaks: usize) {
        self.breaks = self.breaks.max(breaks);
    }

    fn say(&mut self, text: &str) {
        for letter in text.chars().filter(|letter| *letter != '\u{ad}') {
            if self.preformatted > 0 && letter == '\n' {
                self.breaks += 1;
            } else if letter.is_whitespace() && (self.preformatted == 0 || self.text.is_empty()) {
                self.space = true;
            } else {
                if self.breaks > 0 && !self.text.is_empty() {
                    self.text.extend(std::iter::repeat_n('\n', self.breaks.min(2)));
                } else if self.space && self.breaks == 0 && !self.text.is_empty() {
                    self.text.push(' ');
                }
                (self.breaks, self.space) = (0, false);
                self.text.push(letter);
            }
        }
    }
}

fn is_hidden(tag: &Tag) -> bool {
    tag.attrs.iter().any(|attribute| match &*attribute.name.local {
        "hidden" => true,
        "aria-hidden" => &*attribute.value == "true",
        "style" => attribute.value.replace(char::is_whitespace, "").to_lowercase().contains("display:none"),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn the_article_of_a_page_is_its_text() {
        let page = "<html><title>T</title><body><nav>Home</nav><article><h1>Talks &amp; dinner</h1><p>They met in&nbsp;Asta&shy;na.<br>Twice.</p>
                    <script>count(\"<p>no</p>\")</script><ul><li>One<li>Two</ul><blockquote>Quoted.</blockquote></article><footer>Imprint</footer></body></html>";
        assert_eq!(words(page), "# Talks & dinner\n\nThey met in Astana.\nTwice.\n\nOne\nTwo\n\nQuoted.\n");
    }

    #[test]
    fn blocks_are_apart_and_cells_are_not_drawn() {
        for (page, expected) in [
            (
                "<main>a<aside>b</aside><footer>c</footer><figure>d<figcaption>e</figcaption></figure></main>",
                "a\nb\nc\n\nd\ne\n",
            ),
            ("<table><tr><th>Year<td>Votes<tr><th>2025<td>12</table>", "Year Votes\n2025 12\n"),
            ("<pre>x\n  y</pre>after", "x\n  y\n\nafter\n"),
            ("just text &lt; not html", "just text < not html\n"),
            ("<p>one <b>two</b>, <i>three</i>.</p>", "one two, three.\n"),
        ] {
            assert_eq!(words(page), expected, "{page}");
        }
    }

    #[test]
    fn what_nobody_reads_is_left_out() {
        let page = "<article><p>a<p hidden>b<p>c</p><div style='display: none'><div>d</div>e</div><noscript><p>f</p></noscript><svg><text>g</text></svg><nav>h</nav><select><option>i</select>j</article>";
        assert_eq!(words(page), "a\n\nc\n\nj\n");
        assert_eq!(words("<article></article><main>words</main><p>more"), "words\n");
        assert_eq!(words("<article>one</article><article>two</article>"), "one\n\ntwo\n");
        assert_eq!(words(&format!("{}deep", "<div>".repeat(50_000))), "deep\n");
    }
}
