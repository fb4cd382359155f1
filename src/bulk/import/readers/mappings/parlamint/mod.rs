//! `ParlaMint` and Parla-CLARIN, TEI formats of parliamentary debates: a whole corpus by its root file
//! (`ParlaMint-GB.xml`), which includes the others; or sittings (`ParlaMint-GB_2022-07-21.xml`, `….ana.xml`), speakers
//! (`…-listPerson.xml`) and organizations (`…-listOrg.xml`) alone.
//!
//! The document is read as a stream. An actor that is referred to and not described is named by its id.

mod actors;
mod sittings;
mod words;

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::bulk::import::{
    readers::{
        File, ReadError,
        mappings::{
            MAX_KEY_BYTES, Mapper, SOURCE_KEY, digest,
            parlamint::{
                actors::Term,
                sittings::{Header, Sitting, Speech},
            },
            slug,
        },
        stem_and_extension,
        xml::{Part, Piece, Pieces, Tag},
    },
    source_file::Input,
    staging::{ReceiverClosed, Stager},
};

const ROOTS: [&str; 6] = ["TEI", "teiCorpus", "listPerson", "listOrg", "listRelation", "taxonomy"];
/// How deep files include each other: a corpus its years, a year its sittings, a sitting its parts.
const MAX_INCLUDES: usize = 4;
/// How many ids are remembered so that a record is staged once. Beyond that it is staged again, which costs time only.
const MAX_REMEMBERED: usize = 50_000;
/// The dataset of topics that all parliaments share: the major topics of the Comparative Agendas Project.
const CAP: &str = "comparative-agendas-project";
/// The codes that `ParlaMint` has for them, their names, and their codes in the codebook of that project.
const CAP_TOPICS: [(&str, &str, &str); 21] = [
    ("argic", "Agriculture", "4"),
    ("civil", "Civil Rights", "2"),
    ("cultu", "Culture", "23"),
    ("defen", "Defense", "16"),
    ("domes", "Domestic Commerce", "15"),
    ("educa", "Education", "6"),
    ("energ", "Energy", "8"),
    ("envir", "Environment", "7"),
    ("gover", "Government Operations", "20"),
    ("healt", "Health", "3"),
    ("housi", "Housing", "14"),
    ("immig", "Immigration", "9"),
    ("inter", "International Affairs", "19"),
    ("labor", "Labor", "5"),
    ("lands", "Public Lands", "21"),
    ("lawcr", "Law and Crime", "12"),
    ("macro", "Macroeconomics", "1"),
    ("techn", "Technology", "17"),
    ("trade", "Foreign Trade", "18"),
    ("trans", "Transportation", "10"),
    ("welfa", "Social Welfare", "13"),
];
/// Codes that say that a speech has no one topic.
const NO_TOPIC: [&str; 3] = ["mix", "mixed", "other"];

/// Errors name a running number of records, as lines mean nothing here.
pub fn read(file: File<'_>, input: Input, stager: &mut Stager<'_>) -> Result<String, ReadError> {
    let mut pieces = Pieces::new(input, file.tally);
    let root = pieces.root()?;
    if !ROOTS.contains(&root.name.as_str()) {
        let message = format!("the root element `{}` isn't one of ParlaMint or Parla-CLARIN", root.name);
        return Err(ReadError::Invalid(message));
    }
    let folder = if file.path == "-" { None } else { file.path.canonicalize().ok() };
    let folder = folder.and_then(|path| path.parent().map(Path::to_owned));
    let mapper = Mapper::resume(file, stager, dataset(&root).as_deref())?;
    let mut corpus = Corpus {
        mapper,
        number: 0,
        stem: stem_and_extension(file.path).0,
        folders: folder.into_iter().collect(),
        included: file.path.canonicalize().into_iter().collect(),
        frames: Vec::new(),
        header: Header::default(),
        sitting: None,
        terms: HashMap::new(),
        topics: HashSet::new(),
        staged: HashSet::new(),
    };
    corpus.source()?;
    corpus.document(root, &mut pieces)?;
    Ok(corpus.mapper.dataset)
}

/// The parliament, as the root element names it: `parlamint-gb`.
fn dataset(root: &Tag) -> Option<String> {
    let (_, id) = root.attributes.iter().find(|(name, _)| name == "xml:id")?;
    if !id.starts_with("ParlaMint-") && root.name != "teiCorpus" {
        return None;
    }
    let corpus = id.split('_').next()?.split("-taxonomy").next()?;
    let ends = [".ana", "-listPerson", "-listOrg", "-listRelation", "-en"];
    let corpus = ends.iter().fold(corpus, |corpus, end| corpus.strip_suffix(end).unwrap_or(corpus));
    Some(slug(corpus)).filter(|corpus| !corpus.is_empty())
}

/// The id that a reference leads to: `#AdaKing`, `ParlaMint-GB-listPerson.xml#AdaKing`.
fn target(reference: &str) -> String {
    let id = reference.rsplit('#').next().unwrap_or(reference).trim();
    if id.len() > MAX_KEY_BYTES / 2 { digest(id, 32) } else { id.to_owned() }
}

fn targets(references: &str) -> impl Iterator<Item = String> {
    references.split_whitespace().map(target).filter(|id| !id.is_empty())
}

/// An open element.
#[derive(Default)]
struct Frame {
    name: String,
    language: Option<String>,
    heading: String,
    /// Whether a speech followed the heading.
    has_speech: bool,
    topics: Vec<Value>,
}

struct Corpus<'a, 'b> {
    mapper: Mapper<'a, 'b>,
    number: u64,
    /// Name of the file that is read, for a sitting without an id.
    stem: String,
    /// Folders of the open files; the first is that of the corpus.
    folders: Vec<PathBuf>,
    included: HashSet<PathBuf>,
    frames: Vec<Frame>,
    header: Header,
    sitting: Option<Sitting>,
    /// Legislative terms and cabinets by id.
    terms: HashMap<String, Term>,
    /// Codes of topics that the document describes.
    topics: HashSet<String>,
    /// Types and keys of records that are staged for the sake of references to them.
    staged: HashSet<String>,
}

impl<'a> Corpus<'a, '_> {
    fn next(&mut self) {
        self.number += 1;
        self.mapper.set_line(self.number);
    }

    fn ignore(&self, what: &str) {
        self.mapper.file.tally.borrow_mut().ignore(what);
    }

    fn keep(&self, what: &str) {
        self.mapper.file.tally.borrow_mut().keep(what);
    }

    fn change(&self, what: &str, reason: &str) {
        self.mapper.file.tally.borrow_mut().change(what, reason);
    }

    /// The source of the dataset, until the header of the corpus describes it.
    fn source(&mut self) -> Result<(), ReceiverClosed> {
        self.next();
        let dataset = self.mapper.dataset.clone();
        let fields = json!({"title": format!("[ParlaMint: {dataset}]")});
        self.mapper.fallback_record("Source", &dataset, SOURCE_KEY, &slug(&dataset), fields)
    }

    fn document(&mut self, root: Tag, pieces: &mut Pieces<'a, Input>) -> Result<(), ReadError> {
        self.begin(root, pieces)?;
        loop {
            match pieces.next()? {
                Piece::Begin(tag) => self.begin(tag, pieces)?,
                Piece::Text(text) => self.text(&text)?,
                Piece::End => self.end()?,
                Piece::EndOfFile => return Ok(()),
            }
        }
    }

    fn begin(&mut self, mut tag: Tag, pieces: &mut Pieces<'a, Input>) -> Result<(), ReadError> {
        let tally = self.mapper.file.tally;
        match tag.name.as_str() {
            "include" => {
                let href = tag.take("href").unwrap_or_default();
                pieces.ignore(&Tag::default(), "include")?;
                return self.include(&href);
            }
            "person" => {
                let part = Part::new("person", pieces.tree(tag)?, tally);
                return Ok(self.person(part)?);
            }
            "org" => {
                let part = Part::new("org", pieces.tree(tag)?, tally);
                return Ok(self.organization(part, None)?);
            }
            "listRelation" => {
                let part = Part::new("listRelation", pieces.tree(tag)?, tally);
                return Ok(self.relations(part)?);
            }
            "taxonomy" => {
                let id = tag.attributes.iter().find(|(name, _)| name == "xml:id");
                if id.is_none_or(|(_, id)| !id.to_lowercase().contains("topic")) {
                    return pieces.ignore(&tag, "taxonomy");
                }
                let part = Part::new("taxonomy", pieces.tree(tag)?, tally);
                return Ok(self.taxonomy(part)?);
            }
            "titleStmt" | "publicationStmt" | "sourceDesc" | "settingDesc" => {
                let name = tag.name.clone();
                let part = Part::new(&name, pieces.tree(tag)?, tally);
                let header = self.sitting.as_mut().map_or(&mut self.header, |sitting| &mut sitting.header);
                header.read(&name, part);
                return Ok(());
            }
            "editionStmt" | "extent" | "langUsage" | "textClass" | "revisionDesc" | "projectDesc"
            | "editorialDecl" | "tagsDecl" | "listPrefixDef" | "appInfo" | "facsimile" | "standOff" => {
                let path = tag.name.clone();
                return pieces.ignore(&tag, &path);
            }
            "TEI" => self.begin_sitting(&mut tag)?,
            "u" | "sp" if self.sitting.is_some() && self.speech().is_none() => {
                self.open(&mut tag)?;
                self.begin_speech(tag);
                return Ok(());
            }
            _ if self.speech().is_some() => {
                return self.begin_in_speech(tag, pieces);
            }
            "head" if self.is_in("text") => {
                let mut part = Part::new("head", pieces.tree(tag)?, tally);
                if let Some(heading) = part.text() {
                    self.heading(&heading);
                }
                return Ok(());
            }
            "head" | "note" | "vocal" | "kinesic" | "incident" | "gap" | "stage" | "figure" | "desc" => {
                let path = tag.name.clone();
                return pieces.ignore(&tag, &path);
            }
            _ => {}
        }
        self.open(&mut tag)?;
        tag.ignore_rest(&tag.name, tally);
        Ok(())
    }

    /// Opens an element, with its language and topics.
    fn open(&mut self, tag: &mut Tag) -> Result<(), ReceiverClosed> {
        let mut frame = Frame { name: tag.name.clone(), language: tag.take("xml:lang"), ..Frame::default() };
        if frame.language.is_some() {
            self.keep(&format!("{}@xml:lang", tag.name));
        }
        if let Some(ana) = tag.take("ana") {
            let (topics, rest) = self.topics(&ana)?;
            if !topics.is_empty() {
                self.keep(&format!("{}@ana", tag.name));
            }
            frame.topics = topics;
            if !rest.is_empty() {
                tag.attributes.push(("ana".to_owned(), rest.join(" ")));
            }
        }
        self.frames.push(frame);
        Ok(())
    }

    fn end(&mut self) -> Result<(), ReadError> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        match frame.name.as_str() {
            "teiHeader" if self.sitting.is_none() => self.describe_source()?,
            "TEI" => self.end_sitting()?,
            "u" | "sp" if !self.is_speaking_in_frame() => self.end_speech(frame)?,
            _ => self.end_in_speech(&frame),
        }
        Ok(())
    }

    /// Whether the innermost open speech is still open.
    fn is_speaking_in_frame(&self) -> bool {
        self.frames.iter().any(|frame| frame.name == "u" || frame.name == "sp")
    }

    fn text(&mut self, text: &str) -> Result<(), ReadError> {
        if let Some(speech) = self.sitting.as_mut().and_then(|sitting| sitting.speech.as_mut()) {
            return speech.words.say(text);
        }
        if !text.trim().is_empty()
            && let Some(frame) = self.frames.last()
        {
            self.ignore(&frame.name);
        }
        Ok(())
    }

    fn is_in(&self, name: &str) -> bool {
        self.frames.iter().any(|frame| frame.name == name)
    }

    fn language(&self) -> Option<String> {
        self.frames.iter().rev().find_map(|frame| frame.language.clone())
    }

    /// Reads a file that the document includes, and says so if it can't.
    fn include(&mut self, href: &str) -> Result<(), ReadError> {
        let path = match self.included_file(href) {
            Ok(path) => path,
            Err(reason) => {
                self.change(&format!("include {href}"), reason);
                return Ok(());
            }
        };
        let stem = std::mem::replace(&mut self.stem, stem_and_extension(&path).0);
        self.folders.push(path.parent().map(Path::to_owned).unwrap_or_default());
        let tally = self.mapper.file.tally;
        let open = self.frames.len();
        let read = fs::File::open(&path).and_then(|file| Input::of(Box::new(file))).map_err(ReadError::from);
        read.and_then(|input| {
            let mut pieces = Pieces::new(input, tally);
            let root = pieces.root()?;
            self.document(root, &mut pieces)
        })
        .map_err(|error| match error {
            ReadError::Invalid(reason) => {
                ReadError::Invalid(format!("{reason}, in {href}, which it includes"))
            }
            other @ ReadError::ReceiverClosed => other,
        })?;
        debug_assert_eq!(open, self.frames.len());
        self.keep("include");
        self.folders.pop();
        self.stem = stem;
        Ok(())
    }

    fn included_file(&mut self, href: &str) -> Result<PathBuf, &'static str> {
        let (Some(corpus), Some(folder)) = (self.folders.first(), self.folders.last()) else {
            return Err("left out: standard input has no folder with other files");
        };
        let file = href.split('#').next().unwrap_or_default();
        if file.is_empty() || file.contains("://") {
            return Err("left out: it is not a file of the corpus");
        }
        let path = folder.join(file).canonicalize().map_err(|_| "left out: there is no such file")?;
        if !path.starts_with(corpus) {
            return Err("left out: it is outside the folder of the corpus");
        }
        if !path.is_file() {
            return Err("left out: it is not a file");
        }
        if self.folders.len() > MAX_INCLUDES {
            return Err("left out: the files include each other too deep");
        }
        if !self.included.insert(path.clone()) {
            return Err("left out: it is read already");
        }
        Ok(path)
    }

    /// Whether a record is referred to for the first time.
    fn is_first_reference(&mut self, kind: &str, key: &str) -> bool {
        if self.staged.len() >= MAX_REMEMBERED {
            self.staged.clear();
        }
        self.staged.insert(format!("{kind} {key}"))
    }

    /// A reference to an actor, which is named by its id until it is described.
    fn actor_reference(&mut self, kind: &str, key: &str) -> Result<Value, ReceiverClosed> {
        if self.is_first_reference("Actor", key) {
            self.next();
            let dataset = self.mapper.dataset.clone();
            let fields = json!({"kind": kind, "name": key, "citations": self.mapper.cite(key)});
            self.mapper.fallback_record("Actor", &dataset, key, &self.mapper.slug(key), fields)?;
        }
        Ok(self.mapper.reference(key))
    }

    /// The topics among the categories of an element, and the categories that are none.
    fn topics(&mut self, ana: &str) -> Result<(Vec<Value>, Vec<String>), ReceiverClosed> {
        let (mut topics, mut rest) = (Vec::new(), Vec::new());
        for category in ana.split_whitespace() {
            let code = category.strip_prefix("topic:").map(target).or_else(|| {
                let code = target(category);
                self.topics.contains(&code).then_some(code)
            });
            match code {
                Some(code) if !code.is_empty() && !NO_TOPIC.contains(&code.as_str()) => {
                    topics.push(self.topic(&code, &[], None)?);
                }
                _ => rest.push(category.to_owned()),
            }
        }
        Ok((topics, rest))
    }

    /// A topic: one that all parliaments share, or one of the dataset.
    fn topic(
        &mut self,
        code: &str,
        names: &[(String, Option<String>)],
        parent: Option<&Value>,
    ) -> Result<Value, ReceiverClosed> {
        let shared = CAP_TOPICS.iter().find(|(known, ..)| *known == code);
        let dataset = if shared.is_some() { CAP.to_owned() } else { self.mapper.dataset.clone() };
        let key = format!("topic:{code}");
        let reference = json!({"origin": {"dataset": dataset, "key": key}});
        let name =
            shared.map(|(_, name, _)| *name).or(names.first().map(|(name, _)| name.as_str())).unwrap_or(code);
        let others = names.iter().filter(|(other, _)| other != name);
        let others =
            others.map(|(other, language)| json!({"name": other, "kind": "ALIAS", "language": language}));
        let others: Value = others.collect();
        match (shared, names.first()) {
            (None, Some((_, language))) => {
                self.next();
                let fields = json!({
                    "name": name, "nameLanguage": language, "names": others, "parent": parent,
                    "citations": self.mapper.cite(&key),
                });
                self.mapper.record("Topic", &key, &slug(name), fields)?;
            }
            _ if self.is_first_reference("Topic", code) => {
                self.next();
                let mut fields = json!({"name": name, "names": others});
                if let Some((.., number)) = shared {
                    fields["nameLanguage"] = "en".into();
                    fields["identifiers"] = json!([self.mapper.identifier("cap", number)]);
                }
                self.mapper.fallback_record("Topic", &dataset, &key, &slug(name), fields)?;
            }
            _ => {}
        }
        Ok(reference)
    }

    fn taxonomy(&mut self, mut taxonomy: Part<'a>) -> Result<(), ReceiverClosed> {
        for category in taxonomy.parts("category") {
            self.category(category, None)?;
        }
        Ok(())
    }

    fn category(&mut self, mut category: Part<'a>, parent: Option<&Value>) -> Result<(), ReceiverClosed> {
        let Some(code) = category.attribute("xml:id").map(|id| target(&id)) else { return Ok(()) };
        if NO_TOPIC.contains(&code.as_str()) {
            return Ok(());
        }
        let mut names = Vec::new();
        for mut description in category.parts("catDesc") {
            let language = description.uncounted("xml:lang");
            let mut terms = description.parts("term");
            let name = terms.first_mut().and_then(Part::text);
            names.extend(name.map(|name| (name, language)));
        }
        names.sort_by_key(|(_, language)| language.as_deref() != Some("en"));
        if names.is_empty() {
            names.push((code.clone(), None));
        }
        if self.topics.len() < MAX_REMEMBERED {
            self.topics.insert(code.clone());
        }
        let topic = self.topic(&code, &names, parent)?;
        for within in category.parts("category") {
            self.category(within, Some(&topic))?;
        }
        Ok(())
    }

    fn speech(&mut self) -> Option<&mut Speech> {
        self.sitting.as_mut()?.speech.as_mut()
    }
}
