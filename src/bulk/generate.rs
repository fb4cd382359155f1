//! Synthetic data for load tests: reproducible, and with a realistic skew.
//!
//! Few actors make most statements, few topics are frequent, dates are partial or unknown. COPY loads it in one
//! transaction; indexes are created afterwards, and only topics have a history.

use std::{fmt::Write, ops::Range};

use fastrand::Rng;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    bulk::records::RecordKinds,
    engine::{cache::invalidation_log::MAX_REVISIONS, catalog::catalog, mutation},
    progress::{Progress, Step},
};

/// Size of a COPY message.
const CHUNK: usize = 1 << 20;
const TOPICS: u64 = 400;

/// How much to generate, and from which seed.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub statements: u64,
    /// Divisions, and how many vote in each: at most as many as there are people.
    pub divisions: u64,
    pub voters: u64,
    /// Sources with a text, which are then the ones that records cite, and about how many characters it has.
    pub texts: u64,
    pub text_length: usize,
    pub seed: u64,
}

impl Size {
    fn actors(self) -> u64 {
        (self.statements / 25).max(40)
    }

    fn meetings(self) -> u64 {
        (self.statements / 10).max(1)
    }

    fn sources(self) -> u64 {
        (self.statements / 50).max(1).max(self.texts)
    }

    fn commentaries(self) -> u64 {
        self.sources() * COMMENTARIES_OF_A_SOURCE
    }

    fn events(self) -> u64 {
        self.statements / 10
    }

    fn motions(self) -> u64 {
        self.divisions.div_ceil(DIVISIONS_OF_A_MOTION)
    }

    /// People are 12 of 20 actors.
    fn voters(self) -> u64 {
        self.voters.min(self.actors() / 20 * 12)
    }

    fn relations(self) -> u64 {
        self.statements / 10
    }

    fn positions(self) -> u64 {
        self.statements / 10
    }
}

const COMMENTARIES_OF_A_SOURCE: u64 = 20;
const DIVISIONS_OF_A_MOTION: u64 = 2;
const PARTIES: u64 = 6;

/// Adds generated records to the database, in the caller's transaction.
pub async fn generate(
    change: &mut PgConnection,
    size: Size,
    progress: &dyn Progress,
) -> Result<u64, sqlx::Error> {
    let tables = RecordKinds::of(&catalog().object_types).tables();
    let taken = drop_indexes_and_foreign_keys(change, &tables).await?;
    execute(change, "set local maintenance_work_mem = '256MB'").await?;
    // Topics are inserted with history, so that every server sees a change. The gap in the revision numbers is
    // larger than a server reads one by one, so that it invalidates everything.
    let skip_numbers = format!(
        "select lock_revision_numbers(), setval('revisions_id_seq', nextval('revisions_id_seq') + {MAX_REVISIONS})"
    );
    execute(change, &skip_numbers).await?;
    let unrecorded = || tables.iter().filter(|table| **table != "topics");
    for table in unrecorded() {
        execute(change, &format!("alter table {table} disable trigger user")).await?;
    }
    let first = First::after_existing(change).await?;
    progress.begin(Step::Generating, Some(Generator::expected_rows(size)));
    let mut generator = Generator { change, size, first, words: Words::new(size.seed), progress, rows: 0 };
    generator.all().await?;
    let rows = generator.rows;
    progress.part("indexes, references");
    for make in taken {
        execute(change, &make).await?;
    }
    for table in unrecorded() {
        execute(change, &format!("alter table {table} enable trigger user")).await?;
    }
    for table in numbered(change, &tables).await? {
        let sequence =
            format!("select setval(pg_get_serial_sequence('{table}', 'id'), max(id)) from {table}");
        execute(change, &sequence).await?;
    }
    progress.end();
    Ok(rows)
}

async fn execute(connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(|_| ())
}

/// Those of the tables whose rows have a number of their own.
async fn numbered(connection: &mut PgConnection, tables: &[&str]) -> Result<Vec<String>, sqlx::Error> {
    let sql = "select attrelid::regclass::text from pg_attribute
               where attrelid = any($1::regclass[]) and attname = 'id' and attidentity <> ''";
    sqlx::query_scalar(sql).bind(tables).fetch_all(connection).await
}

/// Drops foreign keys and indexes, and returns the SQL that creates them again: validating all rows at once is much
/// cheaper than one at a time.
async fn drop_indexes_and_foreign_keys(
    connection: &mut PgConnection,
    tables: &[&str],
) -> Result<Vec<String>, sqlx::Error> {
    let taken: Vec<(String, String)> = sqlx::query_as(
        "select format('alter table %s drop constraint %I', conrelid::regclass, conname),
                format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
         from pg_constraint where conrelid = any($1::regclass[]) and contype = 'f'
         union all
         select format('drop index %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
         from pg_index where indrelid = any($1::regclass[]) and not indisprimary
         and not exists (select from pg_constraint where conindid = indexrelid)",
    )
    .bind(tables)
    .fetch_all(&mut *connection)
    .await?;
    for (take, _) in &taken {
        execute(connection, take).await?;
    }
    Ok(taken.into_iter().map(|(_, make)| make).collect())
}

/// The first id of each record type.
#[derive(Clone, Copy, Debug)]
struct First {
    actor: u64,
    topic: u64,
    source: u64,
    meeting: u64,
    statement: u64,
    event: u64,
    commentary: u64,
    relation: u64,
    position: u64,
    motion: u64,
    division: u64,
    vote: u64,
}

impl First {
    async fn after_existing(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        Ok(First {
            actor: next_id(connection, "actors").await?,
            topic: next_id(connection, "topics").await?,
            source: next_id(connection, "sources").await?,
            meeting: next_id(connection, "meetings").await?,
            statement: next_id(connection, "statements").await?,
            event: next_id(connection, "events").await?,
            commentary: next_id(connection, "commentaries").await?,
            relation: next_id(connection, "relations").await?,
            position: next_id(connection, "positions").await?,
            motion: next_id(connection, "motions").await?,
            division: next_id(connection, "divisions").await?,
            vote: next_id(connection, "votes").await?,
        })
    }
}

async fn next_id(connection: &mut PgConnection, table: &str) -> Result<u64, sqlx::Error> {
    let sql = AssertSqlSafe(format!("select coalesce(max(id), 0) + 1 from {table}"));
    let id: i64 = sqlx::query_scalar(sql).fetch_one(connection).await?;
    Ok(id.cast_unsigned())
}

struct Generator<'a> {
    change: &'a mut PgConnection,
    size: Size,
    first: First,
    words: Words,
    progress: &'a dyn Progress,
    rows: u64,
}

/// Ids of generated records at random; some are more frequent than others.
#[derive(Clone, Copy)]
struct Random {
    size: Size,
    first: First,
}

impl Random {
    fn actor(self, rng: &mut Rng) -> u64 {
        self.first.actor + skewed(rng, self.size.actors())
    }

    fn speaker(self, rng: &mut Rng) -> u64 {
        self.first.actor + of_kinds(skewed(rng, self.size.actors() * 18 / 20), 0, 18)
    }

    fn topic(self, rng: &mut Rng) -> u64 {
        self.first.topic + skewed(rng, TOPICS)
    }

    /// The statement that shows a position.
    fn shows(self, position: u64) -> u64 {
        self.first.statement + position.wrapping_mul(2_654_435_761) % self.size.statements
    }

    fn source(self, rng: &mut Rng) -> u64 {
        self.first.source + rng.u64(..self.size.sources())
    }

    /// A source to cite.
    fn cited(self, rng: &mut Rng) -> u64 {
        if self.size.texts == 0 { self.source(rng) } else { self.first.source + rng.u64(..self.size.texts) }
    }
}

/// Rows in COPY format.
struct Rows(String);

impl Rows {
    fn row(&mut self, values: std::fmt::Arguments<'_>) {
        let _ = self.0.write_fmt(values);
        self.0.push('\n');
    }
}

impl Generator<'_> {
    fn expected_rows(size: Size) -> u64 {
        // Records, with an estimate of their list entries and citations.
        size.actors() * 2
            + size.meetings() * 9
            + size.statements * 5
            + size.events() * 7
            + size.divisions * (size.voters() + 4)
            + size.commentaries() * 4
            + size.positions() * 6
            + size.texts
    }

    /// Copies the rows that `make` generates for each of `count` records.
    async fn copy(
        &mut self,
        table: &str,
        columns: &str,
        count: u64,
        mut make: impl FnMut(&mut Rows, &mut Rng, &Words, u64),
    ) -> Result<(), sqlx::Error> {
        self.progress.part(table);
        // A generator per table: the number of rows of one table doesn't change the next.
        let mut rng = Rng::with_seed(
            table
                .bytes()
                .fold(self.size.seed, |seed, byte| seed.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte)),
        );
        let mut copy = self.change.copy_in_raw(&format!("copy {table} ({columns}) from stdin")).await?;
        let mut rows = Rows(String::with_capacity(CHUNK + 4096));
        for number in 0..count {
            make(&mut rows, &mut rng, &self.words, number);
            if rows.0.len() >= CHUNK {
                self.progress.advance(rows.0.matches('\n').count() as u64);
                copy.send(rows.0.as_bytes()).await?;
                rows.0.clear();
            }
        }
        self.progress.advance(rows.0.matches('\n').count() as u64);
        copy.send(rows.0.as_bytes()).await?;
        self.rows += copy.finish().await?;
        Ok(())
    }

    #[allow(clippy::too_many_lines)]
    /// Generates all records. The order matters: the random numbers follow from it.
    async fn all(&mut self) -> Result<(), sqlx::Error> {
        self.actors_topics_and_sources().await?;
        self.meetings().await?;
        self.statements().await?;
        self.events().await?;
        self.commentaries().await?;
        self.relations().await?;
        self.positions().await?;
        self.links_of_statements().await?;
        self.motions().await?;
        self.divisions().await?;
        let texts = self.texts().await?;
        self.citations(&texts).await?;
        execute(self.change, ANCHORS).await
    }

    /// The texts of the first sources.
    async fn texts(&mut self) -> Result<Vec<Text>, sqlx::Error> {
        let mut rng = Rng::with_seed(self.size.seed);
        let mut texts = Vec::new();
        let mut versions = Vec::new();
        for _ in 0..self.size.texts {
            let text = Text::of(&mut rng, &self.words, self.size.text_length);
            versions.push(mutation::texts::store(self.change, &text.content, Some("en")).await?);
            texts.push(text);
        }
        let first = self.first.source;
        self.copy(
            "source_texts",
            "source_id, version, sha256, media_type, language",
            self.size.texts,
            |rows, _, _, n| {
                let sha256 = pick(&versions, n);
                rows.row(format_args!("{}\t1\t{sha256}\ttext/plain\ten", first + n));
            },
        )
        .await?;
        Ok(texts)
    }

    async fn actors_topics_and_sources(&mut self) -> Result<(), sqlx::Error> {
        let Generator { size, first, .. } = *self;
        self.copy("actors", "id, slug, kind, name", size.actors(), |rows, rng, words, n| {
            let id = first.actor + n;
            rows.row(format_args!("{id}\tgenerated-actor-{id}\t{}\t{} {n}", kind(n), words.name(rng)));
        })
        .await?;
        self.copy(
            "actor_names",
            "actor_id, name, language, script, kind",
            size.actors(),
            |rows, rng, words, n| {
                let id = first.actor + n;
                rows.row(format_args!("{id}\t{} {n}\ten\tLatn\tALIAS", words.name(rng)));
                let (language, script, letters) = pick(&SCRIPTS, n);
                if n % 2 == 0 {
                    let letters: Vec<char> = letters.chars().collect();
                    let name: String =
                        (0..rng.usize(5..12)).map(|_| letters[rng.usize(..letters.len())]).collect();
                    rows.row(format_args!("{id}\t{name} {n}\t{language}\t{script}\tTRANSLITERATION"));
                }
            },
        )
        .await?;
        self.copy("topics", "id, slug, name, parent_id", TOPICS, |rows, rng, words, n| {
            let id = first.topic + n;
            let parent = if n < 40 { "\\N".to_owned() } else { (first.topic + rng.u64(..40)).to_string() };
            rows.row(format_args!("{id}\tgenerated-topic-{id}\t{} {n}\t{parent}", words.name(rng)));
        })
        .await?;
        self.copy(
            "sources",
            "id, slug, title, publisher_id, language, published_on, reliability",
            size.sources(),
            |rows, rng, words, n| {
                let id = first.source + n;
                let publisher = first.actor + of_kinds(rng.u64(..size.actors() / 20), 16, 1);
                let (title, date) = (words.sentence(rng, 6), date(rng));
                let reliability = pick(&["A", "B", "C", "D", "E", "F", "\\N"], rng.u64(..7));
                rows.row(format_args!(
                    "{id}\tgenerated-source-{id}\t{title}\t{publisher}\ten\t{date}\t{reliability}"
                ));
            },
        )
        .await?;
        Ok(())
    }

    async fn meetings(&mut self) -> Result<(), sqlx::Error> {
        let Generator { size, first, .. } = *self;
        let random = Random { size, first };
        self.copy(
            "meetings",
            "id, slug, name, summary, mode, status, venue_id, starts_on",
            size.meetings(),
            |rows, rng, words, n| {
                let id = first.meeting + n;
                let venue = first.actor + of_kinds(rng.u64(..size.actors() / 20), 18, 1);
                let mode =
                    ["VISIT", "MULTILATERAL", "BILATERAL", "CALL", "CONFERENCE", "OTHER"][rng.usize(..6)];
                let status = if rng.u8(..) < 240 { "OCCURRED" } else { "CANCELLED" };
                let (name, summary, date) = (words.sentence(rng, 5), words.sentence(rng, 12), date(rng));
                rows.row(format_args!(
                    "{id}\tgenerated-meeting-{id}\t{name}\t{summary}\t{mode}\t{status}\t{venue}\t{date}"
                ));
            },
        )
        .await?;
        self.copy(
            "meeting_participants",
            "meeting_id, actor_id, role",
            size.meetings(),
            |rows, rng, _, n| {
                let count = 2 + skewed(rng, 20);
                for actor in distinct(count, || random.actor(rng)) {
                    let role = pick(&["HOST", "CHAIR", "SPEAKER", "GUEST", "ATTENDEE", "ATTENDEE"], actor);
                    rows.row(format_args!("{}\t{actor}\t{role}", first.meeting + n));
                }
            },
        )
        .await?;
        self.copy("meeting_topics", "meeting_id, topic_id", size.meetings(), |rows, rng, _, n| {
            let count = rng.u64(1..4);
            for topic in distinct(count, || random.topic(rng)) {
                rows.row(format_args!("{}\t{topic}", first.meeting + n));
            }
        })
        .await?;
        Ok(())
    }

    async fn statements(&mut self) -> Result<(), sqlx::Error> {
        let Generator { size, first, .. } = *self;
        let random = Random { size, first };
        self.copy(
            "statements",
            "id, slug, speaker_id, speaker_role, meeting_id, medium, rendering, summary, quote, event_type, said_on",
            size.statements,
            |rows, rng, words, n| {
                let id = first.statement + n;
                let speaker = random.speaker(rng);
                let role = if rng.bool() { "Representative" } else { "\\N" };
                let meeting = if rng.u8(..) < 205 {
                    (first.meeting + skewed(rng, size.meetings())).to_string()
                } else {
                    "\\N".to_owned()
                };
                let medium = ["SPEECH", "INTERVIEW", "ARTICLE", "WRITTEN", "CONVERSATION", "UNSPECIFIED"][rng.usize(..6)];
                let summary = words.sentence(rng, 14);
                let (rendering, quote) =
                    if rng.u8(..) < 64 { ("VERBATIM", words.sentence(rng, 10)) } else { ("PARAPHRASE", "\\N".to_owned()) };
                let event = pick(&EVENT_TYPES, skewed(rng, EVENT_TYPES.len() as u64));
                let date = date(rng);
                rows.row(format_args!(
                    "{id}\tgenerated-statement-{id}\t{speaker}\t{role}\t{meeting}\t{medium}\t{rendering}\t{summary}\t{quote}\t{event}\t{date}"
                ));
            },
        )
        .await?;
        self.copy("statement_addressees", "statement_id, actor_id", size.statements, |rows, rng, _, n| {
            let count = rng.u64(..3);
            for actor in distinct(count, || random.actor(rng)) {
                rows.row(format_args!("{}\t{actor}", first.statement + n));
            }
        })
        .await?;
        self.copy("statement_topics", "statement_id, topic_id", size.statements, |rows, rng, _, n| {
            let count = rng.u64(1..4);
            for topic in distinct(count, || random.topic(rng)) {
                rows.row(format_args!("{}\t{topic}", first.statement + n));
            }
        })
        .await?;
        Ok(())
    }

    async fn events(&mut self) -> Result<(), sqlx::Error> {
        let Generator { size, first, .. } = *self;
        let random = Random { size, first };
        self.copy(
            "events",
            "id, slug, summary, event_type, mode, place_id, occurred_on, killed, amount, currency",
            size.events(),
            |rows, rng, words, n| {
                let id = first.event + n;
                let (event, modes) = pick(&EVENTS, skewed(rng, EVENTS.len() as u64));
                let mode = if modes.is_empty() { "\\N" } else { modes[rng.usize(..modes.len())] };
                let place = first.actor + of_kinds(rng.u64(..size.actors() / 20), 18, 1);
                let killed = if *event == "ASSAULT" { skewed(rng, 50).to_string() } else { "\\N".to_owned() };
                let (amount, currency) = match *event {
                    "AID" => (format!("{}.50", 1000 * rng.u32(1..100_000)), "USD"),
                    _ => ("\\N".to_owned(), "\\N"),
                };
                let (summary, date) = (words.sentence(rng, 12), date(rng));
                rows.row(format_args!(
                    "{id}\tgenerated-event-{id}\t{summary}\t{event}\t{mode}\t{place}\t{date}\t{killed}\t{amount}\t{currency}"
                ));
            },
        )
        .await?;
        for table in ["event_actors", "event_targets"] {
            self.copy(table, "event_id, actor_id", size.events(), |rows, rng, _, n| {
                let count = rng.u64(1..3);
                for actor in distinct(count, || random.actor(rng)) {
                    rows.row(format_args!("{}\t{actor}", first.event + n));
                }
            })
            .await?;
        }
        self.copy("statement_events", "event_id, statement_id, kind", size.events(), |rows, rng, _, n| {
            let count = rng.u64(..3);
            for statement in distinct(count, || first.statement + rng.u64(..size.statements)) {
                let kind = pick(&["REFERS_TO", "CALLS_FOR", "REFERS_TO", "DENIES"], statement);
                rows.row(format_args!("{}\t{statement}\t{kind}", first.event + n));
            }
        })
        .await?;
        Ok(())
    }

    async fn commentaries(&mut self) -> Result<(), sqlx::Error> {
        let Generator { size, first, .. } = *self;
        let random = Random { size, first };
        self.copy(
            "commentaries",
            "id, slug, author_id, source_id, ordinal, question, summary",
            size.commentaries(),
            |rows, rng, words, n| {
                let id = first.commentary + n;
                let author = random.speaker(rng);
                let source = first.source + n / COMMENTARIES_OF_A_SOURCE;
                let ordinal = n % COMMENTARIES_OF_A_SOURCE + 1;
                let (question, summary) = (words.sentence(rng, 8), words.sentence(rng, 25));
                rows.row(format_args!(
                    "{id}\tgenerated-commentary-{id}\t{author}\t{source}\t{ordinal}\t{question}\t{summary}"
                ));
            },
        )
        .await?;
        self.copy(
            "commentary_targets",
            "commentary_id, actor_id, topic_id",
            size.commentaries(),
            |rows, rng, _, n| {
                let commentary = first.commentary + n;
                let count = rng.u64(1..3);
                for actor in distinct(count, || random.actor(rng)) {
                    rows.row(format_args!("{commentary}\t{actor}\t\\N"));
                }
                rows.row(format_args!("{commentary}\t\\N\t{}", random.topic(rng)));
            },
        )
        .await?;
        Ok(())
    }

    async fn relations(&mut self) -> Result<(), sqlx::Error> {
        let Generator { size, first, .. } = *self;
        let random = Random { size, first };
        self.copy(
            "relations",
            "id, slug, subject_id, object_id, kind, valid_from",
            size.relations(),
            |rows, rng, _, n| {
                let id = first.relation + n;
                let subject = random.actor(rng);
                let object =
                    first.actor + (subject - first.actor + rng.u64(1..size.actors())) % size.actors();
                let kind = ["POSITION", "MEMBERSHIP", "PARTNERSHIP", "OTHER"][rng.usize(..4)];
                rows.row(format_args!(
                    "{id}\tgenerated-relation-{id}\t{subject}\t{object}\t{kind}\t{}",
                    date(rng)
                ));
            },
        )
        .await?;
        Ok(())
    }

    async fn positions(&mut self) -> Result<(), sqlx::Error> {
        let Generator { size, first, .. } = *self;
        let random = Random { size, first };
        self.copy(
            "positions",
            "id, slug, holder_id, topic_id, stance, statement_id",
            size.positions(),
            |rows, rng, _, n| {
                let id = first.position + n;
                let stance = ["STRONGLY_OPPOSES", "OPPOSES", "NEUTRAL", "SUPPORTS", "STRONGLY_SUPPORTS"]
                    [rng.usize(..5)];
                rows.row(format_args!(
                    "{id}\tgenerated-position-{id}\t{}\t{}\t{stance}\t{}",
                    random.actor(rng),
                    random.topic(rng),
                    random.shows(n)
                ));
            },
        )
        .await?;
        let columns = "position_id, statement_id, commentary_id, role";
        self.copy("position_evidence", columns, size.positions(), |rows, rng, _, n| {
            let position = first.position + n;
            rows.row(format_args!("{position}\t{}\t\\N\tSUPPORTS", random.shows(n)));
            if rng.u8(..) < 128 {
                let commentary = first.commentary + rng.u64(..size.commentaries());
                let role = pick(&["SUPPORTS", "SUPPORTS", "CONTRADICTS"], rng.u64(..3));
                rows.row(format_args!("{position}\t\\N\t{commentary}\t{role}"));
            }
        })
        .await?;
        Ok(())
    }

    async fn links_of_statements(&mut self) -> Result<(), sqlx::Error> {
        let Generator { size, first, .. } = *self;
        for (table, column) in [
            ("statement_replies", "replied_to_id"),
            ("statement_repeats", "repeated_id"),
            ("statement_contradictions", "contradicted_id"),
        ] {
            // A statement refers to earlier ones.
            self.copy(table, &format!("statement_id, {column}"), size.statements, |rows, rng, _, n| {
                if n > 0 && rng.u8(..) < 16 {
                    let statement = first.statement + n;
                    rows.row(format_args!("{statement}\t{}", first.statement + rng.u64(..n)));
                }
            })
            .await?;
        }
        Ok(())
    }

    async fn motions(&mut self) -> Result<(), sqlx::Error> {
        let Generator { size, first, .. } = *self;
        let random = Random { size, first };
        self.copy(
            "motions",
            "id, slug, name, summary, meeting_id, proposed_on",
            size.motions(),
            |rows, rng, words, n| {
                let id = first.motion + n;
                let meeting = first.meeting + skewed(rng, size.meetings());
                let (name, summary, date) = (words.sentence(rng, 5), words.sentence(rng, 20), date(rng));
                rows.row(format_args!("{id}\tgenerated-motion-{id}\t{name}\t{summary}\t{meeting}\t{date}"));
            },
        )
        .await?;
        self.copy("motion_proposers", "motion_id, actor_id", size.motions(), |rows, rng, _, n| {
            let count = rng.u64(1..4);
            for actor in distinct(count, || random.speaker(rng)) {
                rows.row(format_args!("{}\t{actor}", first.motion + n));
            }
        })
        .await?;
        self.copy("motion_topics", "motion_id, topic_id", size.motions(), |rows, rng, _, n| {
            let count = rng.u64(1..4);
            for topic in distinct(count, || random.topic(rng)) {
                rows.row(format_args!("{}\t{topic}", first.motion + n));
            }
        })
        .await?;
        Ok(())
    }

    async fn divisions(&mut self) -> Result<(), sqlx::Error> {
        let Generator { size, first, .. } = *self;
        self.copy(
            "divisions",
            "id, slug, motion_id, name, meeting_id, held_on, result",
            size.divisions,
            |rows, rng, words, n| {
                let id = first.division + n;
                let motion = first.motion + n / DIVISIONS_OF_A_MOTION;
                let meeting = first.meeting + skewed(rng, size.meetings());
                let result = if rng.u8(..) < 200 { "PASSED" } else { "REJECTED" };
                let (name, date) = (words.sentence(rng, 5), date(rng));
                rows.row(format_args!(
                    "{id}\tgenerated-division-{id}\t{motion}\t{name}\t{meeting}\t{date}\t{result}"
                ));
            },
        )
        .await?;
        let voters = size.voters();
        self.copy(
            "votes",
            "id, slug, division_id, actor_id, choice, party_id",
            size.divisions,
            |rows, rng, _, n| {
                // A party votes as one, with few who don't.
                let lines: Vec<&str> =
                    (0..PARTIES).map(|_| ["FOR", "FOR", "AGAINST"][rng.usize(..3)]).collect();
                for voter in 0..voters {
                    let id = first.vote + n * voters + voter;
                    let (division, actor) = (first.division + n, first.actor + of_kinds(voter, 0, 12));
                    let party = voter % PARTIES;
                    let choice = match rng.u8(..) {
                        0..200 => *pick(&lines, party),
                        200..210 => "FOR",
                        210..220 => "AGAINST",
                        220..230 => "ABSTAIN",
                        230..252 => "ABSENT",
                        _ => "PAIRED",
                    };
                    let party = first.actor + of_kinds(party, 13, 3);
                    rows.row(format_args!(
                        "{id}\tgenerated-vote-{id}\t{division}\t{actor}\t{choice}\t{party}"
                    ));
                }
            },
        )
        .await?;
        Ok(())
    }

    async fn citations(&mut self, texts: &[Text]) -> Result<(), sqlx::Error> {
        let Generator { size, first, .. } = *self;
        let random = Random { size, first };
        for (column, first, count) in [
            ("statement_id", first.statement, size.statements),
            ("event_id", first.event, size.events()),
            ("commentary_id", first.commentary, size.commentaries()),
            ("relation_id", first.relation, size.relations()),
            ("position_id", first.position, size.positions()),
            ("motion_id", first.motion, size.motions()),
            ("division_id", first.division, size.divisions),
        ] {
            let columns = format!("source_id, locator, version, credibility, quote, starts, ends, {column}");
            self.copy("citations", &columns, count, |rows, rng, _, n| {
                let (source, locator) = (random.cited(rng), rng.u32(1..400));
                let credibility = pick(&CREDIBILITIES, rng.u64(..8));
                let id = first + n;
                if texts.is_empty() {
                    rows.row(format_args!("{source}\tp{locator}\t0\t{credibility}\t\\N\t\\N\t\\N\t{id}"));
                    return;
                }
                let text = pick(texts, source - random.first.source);
                let place = pick(&text.sentences, rng.u64(..)).clone();
                let (start, end, quote) = (place.start, place.end, &text.content[place]);
                rows.row(format_args!(
                    "{source}\tchar={start},{end}\t1\t{credibility}\t{quote}\t{start}\t{end}\t{id}"
                ));
            })
            .await?;
        }
        Ok(())
    }
}

/// The anchors of citations in the passages that they are in.
const ANCHORS: &str = "
    insert into citation_anchors (citation_id, sha256, state, starts, ends, first_passage, last_passage)
    select c.id, t.sha256, 'ANCHORED', c.starts, c.ends, p.number, p.number
    from citations c join source_texts t using (source_id, version)
    join text_passages p on p.sha256 = t.sha256 and c.starts between p.starts and p.ends - 1
    where c.quote is not null
    on conflict do nothing";

/// A text, and where its sentences are. It has no letters of several bytes.
struct Text {
    content: String,
    sentences: Vec<Range<usize>>,
}

impl Text {
    fn of(rng: &mut Rng, words: &Words, length: usize) -> Text {
        let mut text = Text { content: String::new(), sentences: Vec::new() };
        while text.content.len() < length {
            let start = text.content.len();
            text.content.push_str(&words.sentence(rng, 12));
            text.content.push('.');
            text.sentences.push(start..text.content.len());
            text.content.push(if text.sentences.len().is_multiple_of(4) { '\n' } else { ' ' });
        }
        text.content.truncate(text.content.trim_end().len());
        text
    }
}

const SCRIPTS: [(&str, &str, &str); 4] = [
    ("ru", "Cyrl", "абвгдежзиклмнопрстуфхцчшыэюя"),
    ("ka", "Geor", "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ"),
    ("ar", "Arab", "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"),
    ("el", "Grek", "αβγδεζηθικλμνξοπρστυφχψω"),
];

const EVENT_TYPES: [&str; 17] = [
    "STATEMENT",
    "CONSULT",
    "SUPPORT",
    "AGREE",
    "COOPERATE",
    "REQUEST",
    "ACCUSE",
    "AID",
    "REJECT",
    "CONCEDE",
    "THREATEN",
    "PROTEST",
    "RETREAT",
    "SANCTION",
    "MOBILIZE",
    "COERCE",
    "ASSAULT",
];

/// Event types, frequent ones first, with some of their modes.
const EVENTS: [(&str, &[&str]); 8] = [
    ("CONSULT", &["visit", "phone", "multilateral"]),
    ("COOPERATE", &[]),
    ("PROTEST", &["demo", "strike", "riot"]),
    ("ASSAULT", &["firearms", "explosives", "drone"]),
    ("AID", &[]),
    ("COERCE", &["arrest", "restrict"]),
    ("MOBILIZE", &["troops", "weapons"]),
    ("RETREAT", &["release", "ceasefire"]),
];

/// Credibilities of citations, some of which are not rated.
const CREDIBILITIES: [&str; 8] = [
    "\\N",
    "\\N",
    "CONFIRMED",
    "PROBABLY_TRUE",
    "POSSIBLY_TRUE",
    "DOUBTFUL",
    "IMPROBABLE",
    "CANNOT_BE_JUDGED",
];

/// The kind of an actor by its number: 12 of 20 are people.
fn kind(number: u64) -> &'static str {
    match number % 20 {
        0..12 => "PERSON",
        12 => "COUNTRY",
        13..16 => "ORGANIZATION",
        16 => "MEDIA",
        17 => "GROUP",
        18 => "PLACE",
        _ => "TERRITORY",
    }
}

/// The number of an actor whose kind is one of `width` kinds from `start`, of 20.
fn of_kinds(number: u64, start: u64, width: u64) -> u64 {
    number / width * 20 + start + number % width
}

/// A skewed number below `count`: the smallest tenth has about half of the values.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
fn skewed(rng: &mut Rng, count: u64) -> u64 {
    ((count as f64) * rng.f64().powi(3)) as u64
}

/// A choice by a number, modulo the number of choices.
fn pick<T>(from: &[T], number: u64) -> &T {
    &from[usize::try_from(number % from.len() as u64).expect("less than there are")]
}

/// Up to `count` distinct values.
fn distinct(count: u64, mut draw: impl FnMut() -> u64) -> Vec<u64> {
    let mut drawn: Vec<u64> = (0..count).map(|_| draw()).collect();
    drawn.sort_unstable();
    drawn.dedup();
    drawn
}

/// A date of varying precision.
fn date(rng: &mut Rng) -> String {
    let (year, month, day) = (2026 - skewed(rng, 36), rng.u8(1..13), rng.u8(1..29));
    match rng.u8(..10) {
        0 => "\\N".to_owned(),
        1 => format!("{year}"),
        2..4 => format!("{year}-{month:02}"),
        _ => format!("{year}-{month:02}-{day:02}"),
    }
}

/// Invented words of varying frequency.
struct Words(Vec<String>);

impl Words {
    fn new(seed: u64) -> Self {
        const SYLLABLES: [&str; 24] = [
            "ba", "cor", "dal", "en", "fir", "gu", "hal", "im", "jo", "kar", "lem", "mo", "nar", "ost",
            "pel", "qui", "ren", "sol", "tar", "um", "ver", "wol", "yan", "zet",
        ];
        let mut rng = Rng::with_seed(seed);
        let word = |_| (0..rng.usize(2..5)).map(|_| SYLLABLES[rng.usize(..SYLLABLES.len())]).collect();
        Words((0..8000).map(word).collect())
    }

    fn word(&self, rng: &mut Rng) -> &str {
        pick::<String>(&self.0, skewed(rng, self.0.len() as u64))
    }

    fn name(&self, rng: &mut Rng) -> String {
        format!("{} {}", self.word(rng), self.word(rng))
    }

    fn sentence(&self, rng: &mut Rng, length: usize) -> String {
        let mut sentence = self.word(rng).to_owned();
        for _ in 1..rng.usize(length / 2..=length + length / 2) {
            sentence.push(' ');
            sentence.push_str(self.word(rng));
        }
        sentence
    }
}
