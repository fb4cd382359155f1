//! Sittings and their speeches.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::{
    bulk::import::{
        readers::{
            ReadError,
            mappings::{
                SOURCE_KEY,
                dates::{PartialDate, Period},
                excerpt, hash,
                parlamint::{
                    Corpus, Frame,
                    actors::period,
                    target, targets,
                    words::{Gap, Words, pieces},
                },
                slug,
            },
            xml::{Part, Pieces, Tag},
        },
        source_file::{Input, MAX_LINE_BYTES},
        staging::{MAX_PROSE_BYTES, ReceiverClosed},
    },
    domain::texts::cut::MAX_BYTES,
};

/// How many speakers of a sitting become participants, and how many ids of speeches are compared.
const MAX_PARTICIPANTS: usize = 10_000;
const MAX_SPEECHES: usize = 500_000;

/// What a header says of a sitting or a corpus.
#[derive(Default)]
pub struct Header {
    /// Titles with `type` and language.
    titles: Vec<(String, String, String)>,
    hosts: Vec<String>,
    source_titles: Vec<(String, String)>,
    source_date: PartialDate,
    source_url: Option<String>,
    published_on: PartialDate,
    url: Option<String>,
    period: Period,
}

impl Header {
    /// Reads a part of the header.
    pub fn read(&mut self, name: &str, mut part: Part<'_>) {
        match name {
            "titleStmt" => {
                for mut title in part.parts("title") {
                    let kind = title.attribute("type").unwrap_or_default();
                    let language = title.uncounted("xml:lang").unwrap_or_default();
                    if let Some(text) = title.text() {
                        self.titles.push((kind, language, text));
                    }
                }
                for mut meeting in part.parts("meeting") {
                    for host in targets(&meeting.attribute("corresp").unwrap_or_default()) {
                        if !self.hosts.contains(&host) {
                            self.hosts.push(host);
                        }
                    }
                }
            }
            "publicationStmt" => {
                for mut id in part.parts("idno") {
                    self.url = self.url.take().or_else(|| address(&mut id));
                }
                for mut date in part.parts("date") {
                    self.published_on = self.published_on.or(|| PartialDate::take(&mut date, "when"));
                }
            }
            "sourceDesc" => {
                for mut document in part.parts("bibl") {
                    for mut title in document.parts("title") {
                        let language = title.uncounted("xml:lang").unwrap_or_default();
                        self.source_titles.extend(title.text().map(|title| (language, title)));
                    }
                    for mut id in document.parts("idno") {
                        self.source_url = self.source_url.take().or_else(|| address(&mut id));
                    }
                    for mut date in document.parts("date") {
                        self.source_date = self.source_date.or(|| period(&mut date).from);
                    }
                }
            }
            _ => {
                for mut setting in part.parts("setting") {
                    for mut date in setting.parts("date") {
                        let Period { from, until } = period(&mut date);
                        self.period = Period {
                            from: self.period.from.or(|| from),
                            until: until.or(|| self.period.until),
                        };
                    }
                }
            }
        }
    }

    /// When the sitting was held: as the setting says, else on the date of the source. Without an end it was held on
    /// one day.
    fn period(&self) -> Period {
        let from = self.period.from.or(|| self.source_date);
        Period { from, until: self.period.until.or(|| from) }
    }

    /// The title: in English if there is one, and the subtitle rather than the title of the corpus if `is_sub`.
    fn title(&self, is_sub: bool) -> Option<String> {
        let rank =
            |(kind, language, _): &&(String, String, String)| ((kind == "sub") != is_sub, language != "en");
        let (_, _, title) = self.titles.iter().min_by_key(rank)?;
        // What the project writes behind its titles.
        let own = title.split(" [ParlaMint").next().unwrap_or(title).trim();
        Some(if own.is_empty() { title.clone() } else { own.to_owned() })
    }

    fn source_title(&self) -> Option<String> {
        self.source_titles.iter().min_by_key(|(language, _)| language != "en").map(|(_, title)| title.clone())
    }
}

fn address(id: &mut Part<'_>) -> Option<String> {
    id.text().filter(|text| text.starts_with("http://") || text.starts_with("https://"))
}

pub struct Sitting {
    id: String,
    pub header: Header,
    language: Option<String>,
    pub speech: Option<Speech>,
    /// Speeches whose next part is to come.
    parts: Vec<Speech>,
    /// Number of speeches so far.
    count: u32,
    /// Hashes of the keys of its speeches so far.
    ids: HashSet<u64>,
    /// Speakers in the order of their first speeches, with their roles.
    participants: Vec<(String, &'static str)>,
    places: HashMap<String, usize>,
    /// What was said, each speech after the ids of its elements.
    text: String,
}

impl Sitting {
    fn add_participant(&mut self, who: &str, role: Option<&str>) {
        let role = match role {
            Some("Chairperson") => "CHAIR",
            Some(_) => "GUEST",
            None => "SPEAKER",
        };
        match self.places.get(who) {
            Some(place) if role == "CHAIR" => self.participants[*place].1 = role,
            None if self.places.len() < MAX_PARTICIPANTS => {
                self.places.insert(who.to_owned(), self.participants.len());
                self.participants.push((who.to_owned(), role));
            }
            _ => {}
        }
    }

    /// Adds a speech to the text of the sitting, if there is room.
    fn add_text(&mut self, ids: &[String], words: &str) -> bool {
        let ids: Vec<String> = ids.iter().map(|id| format!("#{id}")).collect();
        let said = format!("[{}] {words}\n", ids.join(" "));
        let has_room = self.text.len() + said.len() <= MAX_BYTES;
        if has_room {
            self.text.push_str(&said);
        }
        has_room
    }
}

#[derive(Default)]
pub struct Speech {
    ids: Vec<String>,
    who: Option<String>,
    role: Option<&'static str>,
    pub words: Words,
    languages: Vec<String>,
    topics: Vec<Value>,
    heading: String,
    previous: Option<String>,
    next: Option<String>,
    ordinal: u32,
}

impl Corpus<'_, '_> {
    pub fn begin_sitting(&mut self, tag: &mut Tag) -> Result<(), ReadError> {
        let id = tag.take("xml:id").unwrap_or_else(|| self.stem.clone());
        let id = target(id.strip_suffix(".ana").unwrap_or(&id));
        if self.sitting.is_some() {
            return Err(ReadError::Invalid("an element `TEI` lies within another".to_owned()));
        }
        self.keep("TEI@xml:id");
        let language = tag.attributes.iter().find(|(name, _)| name == "xml:lang");
        self.sitting = Some(Sitting {
            language: language.map(|(_, language)| language.clone()),
            id,
            header: Header::default(),
            speech: None,
            parts: Vec::new(),
            count: 0,
            ids: HashSet::new(),
            participants: Vec::new(),
            places: HashMap::new(),
            text: String::new(),
        });
        Ok(())
    }

    /// Sets the heading of the section that is open.
    pub fn heading(&mut self, text: &str) {
        if let Some(section) = self.frames.last_mut() {
            let heading = if section.heading.is_empty() || section.has_speech {
                text.to_owned()
            } else {
                format!("{}. {text}", section.heading.trim_end_matches('.'))
            };
            section.heading = excerpt(&heading);
            section.has_speech = false;
        }
    }

    /// Begins a speech, whose element is open.
    pub fn begin_speech(&mut self, mut tag: Tag) {
        let element = tag.name.clone();
        let mut speech = Speech::default();
        if let Some(section) = self.frames.iter_mut().rev().find(|frame| !frame.heading.is_empty()) {
            section.has_speech = true;
            speech.heading.clone_from(&section.heading);
        }
        for topic in self.frames.iter().flat_map(|frame| &frame.topics) {
            if !speech.topics.contains(topic) {
                speech.topics.push(topic.clone());
            }
        }
        let mut take = |name: &str| {
            let value = tag.take(name)?;
            self.keep(&format!("{element}@{name}"));
            Some(value)
        };
        speech.ids.extend(take("xml:id").map(|id| target(&id)));
        speech.previous = take("prev").map(|id| target(&id));
        speech.next = take("next").map(|id| target(&id));
        let who = take("who").unwrap_or_default();
        let mut who = targets(&who);
        speech.who = who.next();
        if who.next().is_some() {
            self.change(&format!("{element}@who"), "several speak at once, the first is kept");
        }
        for category in tag.take("ana").unwrap_or_default().split_whitespace() {
            speech.role = match target(category).as_str() {
                "chair" => Some("Chairperson"),
                "guest" => Some("Guest"),
                "regular" => speech.role,
                _ => {
                    self.ignore(&format!("{element}@ana"));
                    continue;
                }
            };
            self.keep(&format!("{element}@ana"));
        }
        tag.ignore_rest(&element, self.mapper.file.tally);
        if let Some(sitting) = &mut self.sitting {
            sitting.speech = Some(speech);
        }
    }

    /// Begins an element within a speech.
    pub fn begin_in_speech(&mut self, mut tag: Tag, pieces: &mut Pieces<'_, Input>) -> Result<(), ReadError> {
        let (language, tally) = (self.language(), self.mapper.file.tally);
        let Some(speech) = self.speech() else { return Ok(()) };
        match tag.name.as_str() {
            "gap" => {
                speech.words.left_out();
                tag.attributes.clear();
                self.keep("u.gap");
                return pieces.ignore(&tag, "u.gap");
            }
            "note" | "vocal" | "kinesic" | "incident" | "stage" | "speaker" | "desc" | "head" | "label"
            | "figure" | "linkGrp" | "pb" | "lb" | "cb" | "milestone" | "anchor" | "pause" | "fw" => {
                speech.words.gap(Gap::Note);
                let path = format!("u.{}", tag.name);
                return pieces.ignore(&tag, &path);
            }
            "seg" | "p" | "ab" | "l" | "lg" | "item" | "list" => {
                speech.words.gap(Gap::Line);
                let language = tag.attributes.iter().find(|(name, _)| name == "xml:lang");
                let language = language.map(|(_, language)| language.clone()).or_else(|| self.language());
                if let Some(speech) = self.speech() {
                    speech.languages.extend(language);
                    speech.languages.dedup();
                    speech.languages.truncate(2);
                }
            }
            "w" | "pc" => {
                let join = tag.take("join");
                if !speech.words.begin_token(join) {
                    // A part of a word that is written as one.
                    return pieces.ignore(&tag, &format!("u.{}.{}", tag.name, tag.name));
                }
                self.frames.push(Frame { name: tag.name.clone(), language, ..Frame::default() });
                tag.ignore_rest(&tag.name, tally);
                return Ok(());
            }
            "s" => speech.words.gap(Gap::Space),
            _ => {}
        }
        self.open(&mut tag)?;
        let topics = self.frames.last_mut().map(|frame| std::mem::take(&mut frame.topics));
        if let Some(speech) = self.speech() {
            for topic in topics.into_iter().flatten() {
                if !speech.topics.contains(&topic) {
                    speech.topics.push(topic);
                }
            }
        }
        tag.ignore_rest(&tag.name, tally);
        Ok(())
    }

    pub fn end_in_speech(&mut self, frame: &Frame) {
        let Some(speech) = self.speech() else { return };
        match frame.name.as_str() {
            "seg" | "p" | "ab" | "l" | "lg" | "item" | "list" => speech.words.gap(Gap::Line),
            "s" => speech.words.gap(Gap::Space),
            "w" | "pc" => speech.words.end_token(),
            _ => {}
        }
    }

    /// Ends a speech. One whose next part is to come waits for it.
    pub fn end_speech(&mut self, frame: Frame) -> Result<(), ReceiverClosed> {
        let language = frame.language.or_else(|| self.language());
        let Some(sitting) = &mut self.sitting else { return Ok(()) };
        let Some(mut speech) = sitting.speech.take() else { return Ok(()) };
        if speech.languages.is_empty() {
            speech.languages.extend(language);
        }
        let first = speech.previous.as_ref().and_then(|previous| {
            sitting.parts.iter().position(|part| part.who == speech.who && part.ids.last() == Some(previous))
        });
        if let Some(place) = first {
            let mut whole = sitting.parts.remove(place);
            if whole.words.text.len() + speech.words.text.len() < MAX_LINE_BYTES {
                whole.words.append(&speech.words);
            }
            whole.ids.extend(speech.ids);
            whole.languages.extend(speech.languages);
            whole.languages.dedup();
            whole.languages.truncate(2);
            whole.next = speech.next;
            for topic in speech.topics {
                if !whole.topics.contains(&topic) {
                    whole.topics.push(topic);
                }
            }
            speech = whole;
        } else if !speech.words.is_empty() {
            sitting.count += 1;
            speech.ordinal = sitting.count;
        }
        if speech.words.is_empty() {
            self.change("u", "left out: it has no words");
            return Ok(());
        }
        if speech.next.is_some() {
            sitting.parts.push(speech);
            let waiting: usize = sitting.parts.iter().map(|part| part.words.text.len()).sum();
            return if waiting > MAX_LINE_BYTES { self.end_parts() } else { Ok(()) };
        }
        self.stage_speech(speech)
    }

    /// Stages the speeches whose next part didn't come.
    fn end_parts(&mut self) -> Result<(), ReceiverClosed> {
        let parts = self.sitting.as_mut().map(|sitting| std::mem::take(&mut sitting.parts));
        for speech in parts.into_iter().flatten() {
            self.stage_speech(speech)?;
        }
        Ok(())
    }

    fn stage_speech(&mut self, mut speech: Speech) -> Result<(), ReceiverClosed> {
        let speaker = match &speech.who {
            Some(who) => Some(self.actor_reference("PERSON", who)?),
            None => None,
        };
        let Some(sitting) = &mut self.sitting else { return Ok(()) };
        let id = speech.ids.first().cloned().unwrap_or_else(|| format!("u{}", speech.ordinal));
        let mut key = format!("{}#{id}", sitting.id);
        if sitting.ids.len() < MAX_SPEECHES && !sitting.ids.insert(hash(&key)) {
            key = format!("{key}#{}", speech.ordinal);
            self.mapper
                .file
                .tally
                .borrow_mut()
                .change("u@xml:id", "not unique, the speech is known by its number");
        }
        if let Some(who) = &speech.who {
            sitting.add_participant(who, speech.role);
        }
        let is_named_after = slug(&id).starts_with(&self.mapper.dataset);
        let name = if is_named_after { slug(&id) } else { slug(&format!("{}-{id}", sitting.id)) };
        let (meeting, date) = (sitting.id.clone(), sitting.header.period().from.text());
        let language = match speech.languages.as_slice() {
            [one] => Some(one.as_str()),
            [] => None,
            // Several.
            _ => Some("mul"),
        };
        if speech.ids.is_empty() {
            speech.ids.push(id);
        }
        let source = self.mapper.reference(&meeting);
        let citations = speech.ids.iter().map(|id| json!({"source": source, "locator": id}));
        let citations: Value = citations.collect();
        if !sitting.add_text(&speech.ids, &speech.words.text) {
            let reason = "not in the text of its source, which is longer than 5 MB";
            self.mapper.file.tally.borrow_mut().change("u", reason);
        }
        let texts = pieces(&speech.words.text, MAX_PROSE_BYTES);
        if texts.len() > 1 {
            self.change("u", "cut into several statements, it is longer than 200 kB");
        }
        for (number, text) in texts.into_iter().enumerate() {
            self.next();
            // The file has no summary: the heading and an excerpt serve as one.
            let summary = match speech.heading.as_str() {
                "" => excerpt(text),
                heading => format!("[{heading}] {}", excerpt(text)),
            };
            let (key, name) = match number {
                0 => (key.clone(), name.clone()),
                _ => (format!("{key}#{}", number + 1), format!("{name}-{}", number + 1)),
            };
            let fields = json!({
                "speaker": speaker, "speakerRole": speech.role, "meeting": self.mapper.reference(&meeting),
                "ordinal": speech.ordinal, "medium": "SPEECH", "rendering": "VERBATIM", "eventType": "STATEMENT",
                "summary": summary, "summaryLanguage": language, "quote": text, "language": language, "saidOn": date, "topics": speech.topics,
                "citations": citations,
            });
            self.mapper.record("Statement", &key, &name, fields)?;
        }
        Ok(())
    }

    /// Stages the meeting of the sitting, and the source that its speeches cite.
    pub fn end_sitting(&mut self) -> Result<(), ReceiverClosed> {
        self.end_parts()?;
        let Some(Sitting { id, header, language, participants, text, .. }) = self.sitting.take() else {
            return Ok(());
        };
        let name = header.title(true).unwrap_or_else(|| id.clone());
        let Period { from, until } = header.period();
        let title = header.source_title().unwrap_or_else(|| name.clone());
        self.next();
        let source = json!({
            "title": title, "publishedOn": header.source_date.text(), "url": header.source_url, "language": language,
            "texts": (!text.is_empty()).then(|| json!([{"content": text, "mediaType": "application/tei+xml", "language": language}])),
        });
        self.mapper.record("Source", &id, &slug(&id), source)?;
        let mut attendees = Vec::new();
        for host in &header.hosts {
            attendees.push(json!({"actor": self.actor_reference("ORGANIZATION", host)?, "role": "HOST"}));
        }
        for (who, role) in participants.iter().filter(|(who, _)| !header.hosts.contains(who)) {
            attendees.push(json!({"actor": self.mapper.reference(who), "role": role}));
        }
        self.next();
        let fields = json!({
            "name": name, "mode": "OTHER", "status": "OCCURRED", "startsOn": from.text(), "endsOn": until.text(),
            "participants": attendees,
            "citations": [{"source": self.mapper.reference(&id), "locator": id}],
        });
        self.mapper.record("Meeting", &id, &slug(&id), fields)
    }

    /// The source of the dataset, as the header of the corpus describes it.
    pub fn describe_source(&mut self) -> Result<(), ReceiverClosed> {
        let header = std::mem::take(&mut self.header);
        let Some(title) = header.title(false) else { return Ok(()) };
        self.next();
        let dataset = self.mapper.dataset.clone();
        let fields = json!({
            "title": title, "publishedOn": header.published_on.text(), "url": header.url.or(header.source_url),
            "language": self.language(),
        });
        self.mapper.record("Source", SOURCE_KEY, &slug(&dataset), fields)
    }
}
