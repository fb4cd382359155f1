//! XML as a stream of tags and texts of bounded size, and small elements as trees.

use std::{
    cell::{Cell, RefCell},
    io::{BufReader, Read},
    rc::Rc,
};

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use crate::bulk::import::{
    readers::{ReadError, json::LimitedReader},
    tally::Tally,
};

const MAX_DEPTH: usize = 200;
const MAX_TAG_BYTES: usize = 64 << 10;
/// Maximum memory of an element that is read as a tree.
const MAX_TREE_BYTES: usize = 16 << 20;
/// What an element or a text takes apart from its letters.
const NODE_BYTES: usize = 200;
const BUFFER_BYTES: usize = 64 << 10;
/// What becomes of a text with an entity that only a declaration of the document could explain.
const UNDECLARED: &str = "left as it is, this entity is not declared in XML";

/// A start tag.
#[derive(Debug, Default)]
pub struct Tag {
    /// Without its namespace prefix.
    pub name: String,
    pub attributes: Vec<(String, String)>,
}

impl Tag {
    /// Removes an attribute. An empty one counts as none.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let place = self.attributes.iter().position(|(known, _)| known == name)?;
        Some(self.attributes.remove(place).1.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// Counts the attributes that are left as ignored.
    pub fn ignore_rest(&self, path: &str, tally: &RefCell<Tally>) {
        for (name, value) in &self.attributes {
            if !value.trim().is_empty() {
                tally.borrow_mut().ignore(&format!("{path}@{name}"));
            }
        }
    }
}

#[derive(Debug)]
pub enum Piece {
    Begin(Tag),
    End,
    Text(String),
    EndOfFile,
}

/// The tags and texts of a document.
pub struct Pieces<'a, R: Read> {
    reader: Reader<BufReader<LimitedReader<R>>>,
    left: Rc<Cell<usize>>,
    limit: usize,
    buffer: Vec<u8>,
    depth: usize,
    tally: &'a RefCell<Tally>,
}

impl<'a, R: Read> Pieces<'a, R> {
    pub fn new(input: R, tally: &'a RefCell<Tally>) -> Self {
        let (input, left) = LimitedReader::new(input, "a tag, text or comment");
        let mut reader = Reader::from_reader(BufReader::with_capacity(BUFFER_BYTES, input));
        reader.config_mut().expand_empty_elements = true;
        Pieces { reader, limit: left.get(), left, buffer: Vec::new(), depth: 0, tally }
    }

    pub fn next(&mut self) -> Result<Piece, ReadError> {
        loop {
            self.buffer.clear();
            self.left.set(self.limit);
            let event = self.reader.read_event_into(&mut self.buffer).map_err(|error| match error {
                quick_xml::Error::Io(error) => ReadError::Invalid(error.to_string()),
                other => invalid(&other),
            })?;
            return Ok(match event {
                Event::Start(start) => {
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        let message = format!("the elements are nested deeper than {MAX_DEPTH}");
                        return Err(ReadError::Invalid(message));
                    }
                    Piece::Begin(tag(&start, self.tally)?)
                }
                Event::End(_) => {
                    self.depth -= 1;
                    Piece::End
                }
                Event::Text(text) => Piece::Text(text.to_string()),
                Event::CData(text) => Piece::Text(text.to_string()),
                Event::GeneralRef(name) => {
                    let written = format!("&{};", &*name);
                    Piece::Text(quick_xml::escape::unescape(&written).map_or_else(
                        |_| {
                            self.tally.borrow_mut().change(&written, UNDECLARED);
                            written.clone()
                        },
                        std::borrow::Cow::into_owned,
                    ))
                }
                Event::Eof if self.depth == 0 => Piece::EndOfFile,
                Event::Eof => {
                    let message = "unexpected end of file; is the file complete?";
                    return Err(ReadError::Invalid(message.to_owned()));
                }
                _ => continue,
            });
        }
    }

    /// The tag of the root element.
    pub fn root(&mut self) -> Result<Tag, ReadError> {
        loop {
            match self.next()? {
                Piece::Begin(tag) => return Ok(tag),
                Piece::EndOfFile => return Err(ReadError::Invalid("the file has no XML element".to_owned())),
                Piece::End | Piece::Text(_) => {}
            }
        }
    }

    /// The element that a tag begins.
    pub fn tree(&mut self, tag: Tag) -> Result<Element, ReadError> {
        let mut open = vec![Element { tag, children: Vec::new() }];
        let mut size = 0;
        loop {
            match self.next()? {
                Piece::Begin(tag) => {
                    let attributes = tag.attributes.iter();
                    let attributes =
                        attributes.map(|(name, value)| NODE_BYTES / 2 + name.len() + value.len());
                    size += NODE_BYTES + tag.name.len() + attributes.sum::<usize>();
                    open.push(Element { tag, children: Vec::new() });
                }
                Piece::Text(text) => {
                    if !text.trim().is_empty() {
                        size += NODE_BYTES + text.len();
                        if let Some(parent) = open.last_mut() {
                            parent.children.push(Child::Text(text));
                        }
                    }
                }
                Piece::End => {
                    let Some(element) = open.pop() else { continue };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(Child::Element(element)),
                        None => return Ok(element),
                    }
                }
                Piece::EndOfFile => return Err(ReadError::Invalid("unexpected end of file".to_owned())),
            }
            if size > MAX_TREE_BYTES {
                let name = open.first().map_or("", |element| &element.tag.name);
                return Err(ReadError::Invalid(format!(
                    "an element `{name}` is larger than {} MiB",
                    MAX_TREE_BYTES >> 20
                )));
            }
        }
    }

    /// Reads over the element that a tag begins, and counts what it holds as ignored.
    pub fn ignore(&mut self, tag: &Tag, path: &str) -> Result<(), ReadError> {
        let mut path = path.to_owned();
        let mut ends = vec![0];
        tag.ignore_rest(&path, self.tally);
        while let Some(end) = ends.last() {
            match self.next()? {
                Piece::Begin(tag) => {
                    ends.push(path.len());
                    path.push('.');
                    path.push_str(&tag.name);
                    tag.ignore_rest(&path, self.tally);
                }
                Piece::Text(text) => {
                    if !text.trim().is_empty() {
                        self.tally.borrow_mut().ignore(&path);
                    }
                }
                Piece::End => {
                    path.truncate(*end);
                    ends.pop();
                }
                Piece::EndOfFile => break,
            }
        }
        Ok(())
    }
}

fn invalid(error: &dyn std::error::Error) -> ReadError {
    ReadError::Invalid(format!("invalid XML: {error}"))
}

fn tag(start: &BytesStart<'_>, tally: &RefCell<Tally>) -> Result<Tag, ReadError> {
    if start.len() > MAX_TAG_BYTES {
        return Err(ReadError::Invalid(format!("a tag is longer than {} kB", MAX_TAG_BYTES >> 10)));
    }
    let mut tag = Tag { name: start.local_name().as_ref().to_owned(), attributes: Vec::new() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| invalid(&error))?;
        let name: &str = attribute.key.as_ref();
        if name != "xmlns" && !name.starts_with("xmlns:") {
            let value = quick_xml::escape::unescape(&attribute.value).map_or_else(
                |_| {
                    tally.borrow_mut().change(&format!("{}@{name}", tag.name), UNDECLARED);
                    attribute.value.to_string()
                },
                std::borrow::Cow::into_owned,
            );
            tag.attributes.push((name.to_owned(), value));
        }
    }
    Ok(tag)
}

/// An element with all that it holds.
#[derive(Debug, Default)]
pub struct Element {
    tag: Tag,
    children: Vec<Child>,
}

#[derive(Debug)]
enum Child {
    Element(Element),
    Text(String),
}

/// An element of which a mapping takes what it needs. What is taken is counted as kept, and the rest as ignored when
/// the mapping is done with it.
pub struct Part<'a> {
    /// `person.persName`.
    path: String,
    element: Element,
    pub tally: &'a RefCell<Tally>,
}

impl<'a> Part<'a> {
    pub fn new(path: &str, element: Element, tally: &'a RefCell<Tally>) -> Self {
        Part { path: path.to_owned(), element, tally }
    }

    pub fn attribute(&mut self, name: &str) -> Option<String> {
        let value = self.element.tag.take(name)?;
        self.tally.borrow_mut().keep(&format!("{}@{name}", self.path));
        Some(value)
    }

    /// An attribute of which the mapping says itself what became of it.
    pub fn uncounted(&mut self, name: &str) -> Option<String> {
        self.element.tag.take(name)
    }

    pub fn keep(&self, what: &str) {
        self.tally.borrow_mut().keep(&format!("{}{what}", self.path));
    }

    pub fn ignore(&self, what: &str) {
        self.tally.borrow_mut().ignore(&format!("{}{what}", self.path));
    }

    pub fn change(&self, what: &str, reason: &str) {
        self.tally.borrow_mut().change(&format!("{}{what}", self.path), reason);
    }

    /// The elements of this name directly within it.
    pub fn parts(&mut self, name: &str) -> Vec<Part<'a>> {
        let (taken, left) =
            std::mem::take(&mut self.element.children).into_iter().partition(|child| match child {
                Child::Element(element) => element.tag.name == name,
                Child::Text(_) => false,
            });
        self.element.children = left;
        let path = format!("{}.{name}", self.path);
        let taken: Vec<Child> = taken;
        let elements = taken.into_iter().filter_map(|child| match child {
            Child::Element(element) => Some(Part::new(&path, element, self.tally)),
            Child::Text(_) => None,
        });
        elements.collect()
    }

    /// Its words, with those of all elements within it.
    pub fn text(&mut self) -> Option<String> {
        let mut text = String::new();
        collect(&self.path, std::mem::take(&mut self.element.children), &mut text, self.tally);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            return None;
        }
        self.keep("");
        Some(text)
    }
}

fn collect(path: &str, children: Vec<Child>, text: &mut String, tally: &RefCell<Tally>) {
    for child in children {
        match child {
            Child::Text(words) => text.push_str(&words),
            Child::Element(element) => {
                let path = format!("{path}.{}", element.tag.name);
                element.tag.ignore_rest(&path, tally);
                text.push(' ');
                collect(&path, element.children, text, tally);
                text.push(' ');
            }
        }
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        ignore(&self.path, &self.element, self.tally);
    }
}

fn ignore(path: &str, element: &Element, tally: &RefCell<Tally>) {
    element.tag.ignore_rest(path, tally);
    for child in &element.children {
        match child {
            Child::Text(_) => tally.borrow_mut().ignore(path),
            Child::Element(element) => ignore(&format!("{path}.{}", element.tag.name), element, tally),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(document: &str) -> Result<usize, String> {
        let tally = RefCell::default();
        let mut pieces = Pieces::new(document.as_bytes(), &tally);
        let mut count = 0;
        loop {
            match pieces.next() {
                Ok(Piece::EndOfFile) => return Ok(count),
                Ok(_) => count += 1,
                Err(ReadError::Invalid(reason)) => return Err(reason),
                Err(ReadError::ReceiverClosed) => unreachable!(),
            }
        }
    }

    #[test]
    fn an_entity_that_is_not_declared_is_left_as_it_is() {
        let tally = RefCell::default();
        let mut pieces = Pieces::new("<a b='&nbsp;x' c='&lt;'>&#xD800;&amp;</a>".as_bytes(), &tally);
        assert_eq!(
            pieces.root().unwrap().attributes.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(),
            ["&nbsp;x", "<"]
        );
        let mut text = String::new();
        while let Piece::Text(part) = pieces.next().unwrap() {
            text += &part;
        }
        assert_eq!(text, "&#xD800;&");
        assert_eq!(tally.into_inner().changed.len(), 2);
    }

    #[test]
    fn what_a_mapping_does_not_take_of_an_element_is_counted_as_ignored() {
        let tally = RefCell::default();
        let document = r#"<x:person xmlns:x="x" xml:id="A" n="1"><name lang="en">Ada <b>K</b></name><note>a<i/></note></x:person>"#;
        let mut pieces = Pieces::new(document.as_bytes(), &tally);
        let root = pieces.root().unwrap();
        let mut person = Part::new("person", pieces.tree(root).unwrap(), &tally);
        assert_eq!(person.attribute("xml:id").as_deref(), Some("A"));
        for mut name in person.parts("name") {
            assert_eq!(name.text().as_deref(), Some("Ada K"));
        }
        drop(person);
        let Tally { kept, ignored, .. } = tally.into_inner();
        assert_eq!(kept.into_keys().collect::<Vec<_>>(), ["person.name", "person@xml:id"]);
        let ignored: Vec<_> = ignored.into_keys().collect();
        assert_eq!(ignored, ["person.name@lang", "person.note", "person@n"]);
    }

    #[test]
    fn nothing_in_a_document_takes_more_than_a_limited_amount_of_memory() {
        assert_eq!(all("<a><!-- c -->x<b/>&amp;&nbsp;</a>"), Ok(7));
        let error_of = |document: &str| all(document).unwrap_err();
        let long = "x".repeat(9 << 20);
        assert!(error_of(&format!("<a><!--{long}--></a>")).contains("longer than 8 MiB"));
        assert!(error_of(&format!("<a>{long}</a>")).contains("longer than 8 MiB"));
        assert!(error_of(&format!("<a b='{}'/>", &long[..100_000])).contains("longer than 64 kB"));
        assert!(error_of(&"<a>".repeat(1_000)).contains("deeper than 200"));
        assert!(error_of("<a><b></a>").contains("invalid XML"));
        assert!(error_of("<a>").contains("unexpected end"));
        let tally = RefCell::default();
        let document = format!("<a>{}</a>", "<b/>".repeat(200_000));
        let mut pieces = Pieces::new(document.as_bytes(), &tally);
        let root = pieces.root().unwrap();
        let Err(ReadError::Invalid(reason)) = pieces.tree(root) else { panic!("read") };
        assert!(reason.contains("larger than 16 MiB"), "{reason}");
    }
}
