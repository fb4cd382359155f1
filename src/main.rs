//! The verbs of the command line.

use std::{
    fmt::Display,
    fs::File,
    io::{ErrorKind, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use clap::{Args, Parser, Subcommand};
use dossier::{
    auth::keys,
    bulk::{
        self,
        export::{self, Export, Selection, Written, formats},
        generate::Size,
        import::{self, Order, readers},
        records::{RecordKind, RecordKinds},
    },
    config::Config,
    database::{self, Database, Error, embedded::Create, error::in_words},
    engine::{self, catalog},
    server, telemetry,
};
use indicatif::ProgressBar;
use sqlx::Connection;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// Rows and answers are many small pieces of memory, and this makes them sooner than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A GraphQL API for a political-analysis knowledge base.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:\n  dossier                       serve on 127.0.0.1:8000, on an embedded Postgres\n  \
                  DATABASE_URL=postgres://… dossier serve\n  dossier migrate --dry-run     what would be applied\n  \
                  dossier schema > schema.graphql\n\nSettings are read from the environment and `.env`; `.env.example` lists them all."
)]
struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Start the database, migrate it, and serve (what `dossier` alone does).
    Serve(Serve),
    /// Apply the migrations and print those that were applied.
    Migrate {
        /// Print what would be applied, and apply nothing.
        #[arg(long)]
        dry_run: bool,
        /// Also where the database holds tables of another program.
        #[arg(long)]
        yes: bool,
    },
    /// Add a synthetic base for load tests, repeatable and, but for its topics, without history.
    Generate {
        /// How many statements; the other records are in proportion.
        #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
        statements: u64,
        /// The same seed makes the same base.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Make, list and revoke keys: what their holders may do, and under what name.
    #[command(
        after_help = "Examples:\n  (umask 077 && dossier key create --name alice --role editor > alice.key)\n  \
                      dossier key create --name kiosk --role reader --expires 2027-01-31\n  dossier key list\n  \
                      dossier key revoke alice"
    )]
    Key {
        #[command(subcommand)]
        verb: keys::Verb,
    },
    /// Bring records in: all of a file that can be kept, as one change of the base.
    #[command(
        after_help = "Examples:\n  dossier import records.jsonl.gz           JSON Lines, as `dossier export` writes them\n  \
                            dossier import actors.csv statements.csv   CSV, one kind of record a file\n  \
                            dossier import --dry-run - < records.jsonl\n\nDone twice, the second time finds everything as it is to be. \
                            An import that was interrupted has written nothing: start it again, and it goes on."
    )]
    Import(Import),
    /// Take records out.
    #[command(
        after_help = "Examples:\n  dossier export > records.jsonl\n  dossier export --format csv -o folder\n  \
                            dossier export --format gexf --topic two-state-solution -o network.gexf"
    )]
    Export(Exported),
    /// Print the GraphQL schema.
    Schema {
        /// Print nothing; fail if `schema.graphql` in this folder differs.
        #[arg(long)]
        check: bool,
    },
}

#[derive(Args, Default)]
struct Serve {
    /// Documents to trust by their ids: a manifest as Relay or Apollo's tools write it.
    #[arg(long, value_name = "FILE")]
    documents: Option<PathBuf>,
    /// Serve the database as it is, be it older or newer than this program.
    #[arg(long)]
    no_migrate: bool,
    /// Begin with an empty database, though `DATA_DIR` held one before.
    #[arg(long)]
    new: bool,
}

#[derive(Args)]
struct Import {
    /// Files, compressed by gzip or zstd or not at all; `-` is the standard input.
    #[arg(required = true, value_name = "FILE", num_args = 1..=import::staging::MOST_FILES)]
    files: Vec<PathBuf>,
    /// jsonl, csv, popolo, legislators, ftm or parlamint; where left out, each file's name tells it.
    #[arg(long)]
    format: Option<readers::Format>,
    /// The type of record in a CSV whose name doesn't tell it: Actor, Statement, …
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Check everything, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Write nothing if anything is rejected.
    #[arg(long)]
    all_or_nothing: bool,
    /// Where each rejected record is told, with its line, its field and the reason.
    #[arg(long, value_name = "FILE", default_value = "rejected.jsonl")]
    report: PathBuf,
    /// Under whose name the change is recorded.
    #[arg(long, value_name = "NAME", default_value = "import")]
    requester: String,
}

#[derive(Args)]
struct Exported {
    /// jsonl, csv, gexf or jsonld.
    #[arg(long, default_value = "jsonl")]
    format: formats::Format,
    /// The type of record in a CSV: Actor, Statement, …; all types where the output is a folder.
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only what is on this topic or a part of it, and what that refers to.
    #[arg(long, value_name = "SLUG")]
    topic: Option<String>,
    /// Only what refers to this actor, and what that refers to.
    #[arg(long, value_name = "SLUG")]
    actor: Option<String>,
    /// Only what happened on this day or later, or may have: 2026, 2026-02 or 2026-02-19.
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// Only what happened on this day or earlier, or may have.
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// Where to write it, instead of the standard output; for CSV a folder, unless a type is given.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// One line for whoever started the program, and its exit status.
struct Failure {
    reason: String,
    status: u8,
}

/// Errors that are a sentence for whoever started the program.
macro_rules! sentences {
    ($($error:ty),*) => { $(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Failure { reason: error.to_string(), status: 1 }
            }
        }
    )* };
}

sentences!(
    String,
    &str,
    std::io::Error,
    dossier::config::Error,
    Error,
    export::Error,
    import::Error,
    keys::Error
);

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        in_words(&error).into()
    }
}

impl Failure {
    /// What was typed is wrong, whatever there is: as of a word that no command has.
    fn of_usage(reason: impl Display) -> Self {
        Failure { reason: reason.to_string(), status: 2 }
    }

    /// As shells have it: 130 after Ctrl-C, 143 after SIGTERM.
    fn interrupted(signal: Signal, words: &str) -> Self {
        Failure { reason: format!("interrupted; {words}"), status: signal.status() }
    }
}

fn main() -> ExitCode {
    let verb = Arguments::parse().verb.unwrap_or_else(|| Verb::Serve(Serve::default()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let status = runtime.block_on(async {
        let status = match run(verb).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(Failure { reason, status }) => {
                telemetry::output::say_failure(&format!("dossier: {reason}"));
                ExitCode::from(status)
            }
        };
        telemetry::log::end();
        status
    });
    // A thread that waits for what never comes keeps no program from its end.
    runtime.shutdown_timeout(Duration::from_millis(100));
    status
}

async fn run(verb: Verb) -> Result<(), Failure> {
    let stop = Stop::listen()?;
    bury_orphans()?;
    let words = match verb {
        Verb::Import(_) => "nothing was imported: start it again, and it goes on",
        Verb::Serve(_) | Verb::Migrate { .. } => "what was applied stays: start it again, and it goes on",
        _ => "nothing was changed",
    };
    let done = async {
        match verb {
            Verb::Serve(asked) => serve(asked, stop.clone()).await,
            Verb::Migrate { dry_run, yes } => migrate(dry_run, yes).await,
            Verb::Generate { statements, seed } => generate(Size { statements, seed }).await,
            Verb::Key { verb } => key(verb).await,
            Verb::Import(import) => bring_in(import).await,
            Verb::Export(export) => take_out(export).await,
            Verb::Schema { check } => print_schema(check),
        }
    };
    tokio::select! {
        done = done => done,
        // Whatever it is doing is dropped, and a Postgres that it started ends with it.
        signal = stop.interrupted() => Err(Failure::interrupted(signal, words)),
    }
}

#[derive(Clone, Copy, Debug)]
enum Signal {
    Interrupt,
    Terminate,
}

impl Signal {
    fn status(self) -> u8 {
        match self {
            Signal::Interrupt => 130,
            Signal::Terminate => 143,
        }
    }
}

/// Ctrl-C and SIGTERM, heard from the beginning. A second one ends the program at once.
#[derive(Clone)]
struct Stop {
    signal: watch::Receiver<Option<Signal>>,
    /// Whether somebody stops in order when there is one.
    in_order: Arc<AtomicBool>,
}

impl Stop {
    fn listen() -> Result<Self, Failure> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let (first, signal) = watch::channel(None);
        tokio::spawn(async move {
            let mut next = async || {
                tokio::select! {
                    _ = interrupt.recv() => Signal::Interrupt,
                    _ = terminate.recv() => Signal::Terminate,
                }
            };
            first.send_replace(Some(next().await));
            std::process::exit(next().await.status().into());
        });
        Ok(Stop { signal, in_order: Arc::default() })
    }

    async fn signalled(mut self) -> Signal {
        match self.signal.wait_for(Option::is_some).await.map(|signal| *signal) {
            Ok(Some(signal)) => signal,
            _ => std::future::pending().await,
        }
    }

    /// A signal that nobody stops in order for.
    async fn interrupted(&self) -> Signal {
        let signal = self.clone().signalled().await;
        if self.in_order.load(Ordering::Relaxed) { std::future::pending().await } else { signal }
    }

    /// From here on a signal is left to whoever waits for this.
    fn stop_in_order(self) -> impl Future<Output = ()> + Send + 'static {
        self.in_order.store(true, Ordering::Relaxed);
        async move {
            self.signalled().await;
            tracing::info!("stopping");
        }
    }
}

/// As the first process of a container, we bury what others leave.
fn bury_orphans() -> Result<(), Failure> {
    if std::process::id() == 1 {
        let mut ended = signal(SignalKind::child())?;
        tokio::spawn(async move {
            while ended.recv().await.is_some() {
                let _ = tokio::task::spawn_blocking(database::children::bury_orphans).await;
            }
        });
    }
    Ok(())
}

async fn serve(asked: Serve, stop: Stop) -> Result<(), Failure> {
    let config = configured()?;
    let manifest = asked.documents.map(|file| read_manifest(&file)).transpose()?.unwrap_or_default();
    if config.trusted_documents_only && manifest.is_empty() {
        return Err(Failure::of_usage(
            "TRUSTED_DOCUMENTS_ONLY is set, and no document is trusted; give --documents FILE",
        ));
    }
    let address = config.bind_address;
    let listener = TcpListener::bind(address).await.map_err(|error| cannot_listen(address, &error))?;
    let address = listener.local_addr()?;
    let create = if asked.new { Create::Anew } else { Create::IfNew };
    let database = Database::open_or(&config, create).await?;
    tracing::info!("using the {}", database.told(&config));
    let served = async {
        prepare(&database, asked.no_migrate).await?;
        let mut engine = server::engine(&config, &database).await;
        if let Err(api_errors) = engine.trust(manifest, config.trusted_documents_only) {
            let reasons: Vec<&str> = api_errors.iter().map(|api_error| api_error.message.as_str()).collect();
            return Err(format!("a document of the manifest is refused: {}", reasons.join("; ")).into());
        }
        let site = server::site(&config, database.clone(), engine);
        if config.graphiql && !server::page::is_bundled() {
            tracing::warn!("built without npm: the GraphiQL page loads its files from the network");
        }
        let address = reachable(address);
        let told = format!("Dossier answers at http://{address}/  (GraphQL at http://{address}/graphql)");
        telemetry::output::say(&told);
        server::serve(listener, site, stop.stop_in_order()).await.map_err(Failure::from)
    };
    let served = served.await;
    database.close().await;
    served
}

/// Brings the tables up to date, unless they are to stay as they are or a newer server keeps them.
async fn prepare(database: &Database, no_migrate: bool) -> Result<(), Failure> {
    let status = database.status().await?;
    if let Some(newest) = status.unknown.last() {
        tracing::warn!(
            "the database has migration {newest:04}, which this Dossier doesn't know: it serves what it knows, and \
             migrates nothing"
        );
        return Ok(());
    }
    if !no_migrate {
        database.migrate().await?;
    } else if status.is_empty {
        return Err(Error::Empty.into());
    } else if !status.pending.is_empty() {
        tracing::warn!(
            "{} migrations are pending; what rests on them can't be answered yet",
            status.pending.len()
        );
    }
    Ok(())
}

/// An address that a browser on this machine can open.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> String {
    let why = match error.kind() {
        ErrorKind::AddrInUse => {
            "another program listens there; stop it, or take another port (0 takes any that is free)"
        }
        ErrorKind::AddrNotAvailable | ErrorKind::Unsupported => {
            "this machine has no such address; 127.0.0.1 and [::1] are its own, 0.0.0.0 and [::] all that it has"
        }
        ErrorKind::PermissionDenied => "ports below 1024 are not for every user; take a higher one",
        _ => return format!("can't listen on BIND_ADDRESS {address}: {error}"),
    };
    format!("can't listen on BIND_ADDRESS {address}: {why}")
}

/// Opens the database for a command that needs its tables, and says which it is.
async fn open_migrated(config: &Config, writes: bool) -> Result<Database, Failure> {
    let database = Database::open_or(config, Create::Never).await?;
    say_what_is_used(&database, config);
    database.require_current(writes).await?;
    Ok(database)
}

fn say_what_is_used(database: &Database, config: &Config) {
    telemetry::output::say(&format!("using the {}", database.told(config)));
}

async fn generate(size: Size) -> Result<(), Failure> {
    let database = open_migrated(&configured()?, true).await?;
    let generated = async {
        let since = Instant::now();
        let mut connection = database.connect_for_long().await?;
        let mut change = connection.begin().await?;
        let requester = sqlx::query("select set_config('dossier.requester', 'generate', true)");
        requester.execute(&mut *change).await?;
        let rows = bulk::generate::generate(&mut change, size).await?;
        change.commit().await?;
        sqlx::raw_sql("analyze").execute(&mut connection).await?;
        print(&format!(
            "{rows} rows, {} statements among them, in {:.1} s\n",
            size.statements,
            since.elapsed().as_secs_f64()
        ))
    };
    let generated = generated.await;
    database.close().await;
    generated
}

async fn key(verb: keys::Verb) -> Result<(), Failure> {
    verb.check().map_err(Failure::of_usage)?;
    let database = open_migrated(&configured()?, false).await?;
    let done = async {
        let mut connection = database.connect_for_long().await?;
        let mut change = connection.begin().await?;
        let told = keys::perform(&mut *change, &verb).await?;
        let keys::Verb::Create { name, role, .. } = &verb else {
            change.commit().await?;
            return print(&told);
        };
        // A key whose secret nobody is told is not made.
        std::io::stdout()
            .write_all(told.as_bytes())
            .map_err(|error| format!("the secret can't be written, and no key was made: {error}"))?;
        change.commit().await?;
        let role = role.name();
        telemetry::output::say(&format!("The key of {name}, {role}. Keep it: it can't be shown again."));
        Ok(())
    };
    let done = done.await;
    database.close().await;
    done
}

async fn bring_in(asked: Import) -> Result<(), Failure> {
    let config = configured()?;
    let Import { files, format, kind, dry_run, all_or_nothing, report, requester } = asked;
    let order = Order { files, format, kind, requester, dry_run, all_or_nothing, report };
    let kinds = Arc::new(RecordKinds::of(&catalog::catalog().object_types));
    order.check(&kinds).map_err(|error| match error {
        import::Error::Order(reason) => Failure::of_usage(reason),
        other => other.into(),
    })?;
    let database = open_migrated(&config, true).await?;
    let imported = async {
        let since = Instant::now();
        let connection = database.connect_for_long().await?;
        let outcome = import::import(connection, kinds, &order).await?;
        let (seconds, report) = (since.elapsed().as_secs_f64(), order.report.display());
        let import::Outcome { created, updated, unchanged, rejected, change } = outcome;
        let end = match change {
            Some(change) => format!("recorded as change {change}"),
            None if dry_run => "a dry run: nothing was written".to_owned(),
            None => "nothing was written".to_owned(),
        };
        print(&format!(
            "created {created}, updated {updated}, unchanged {unchanged}, rejected {rejected}, in {seconds:.1} s\n{end}\n"
        ))?;
        if rejected > 0 {
            let records = if rejected == 1 { "record was" } else { "records were" };
            Err(format!("{rejected} {records} rejected; {report} tells why").into())
        } else {
            Ok(())
        }
    };
    let imported = imported.await;
    database.close().await;
    imported
}

async fn take_out(asked: Exported) -> Result<(), Failure> {
    let Exported { format, kind, topic, actor, from, until, output } = asked;
    let config = configured()?;
    let kinds = RecordKinds::of(&catalog::catalog().object_types);
    let selection = Selection { topic, actor, from, until };
    selection.check_dates().map_err(Failure::of_usage)?;
    let outputs = outputs(&kinds, format, kind.as_deref(), output.as_deref())?;
    let database = open_migrated(&config, false).await?;
    let exported = async {
        let since = Instant::now();
        let mut connection = database.connect_for_long().await?;
        let mut export = Export::begin(&mut connection, &kinds, &selection).await?;
        let mut written = 0;
        let mut whole = Vec::new();
        for (kind, mut output) in outputs {
            written += write(&mut export, format.writer(kind), &mut output).await?;
            whole.push(output);
        }
        for output in whole {
            output.keep()?;
        }
        telemetry::output::say(&format!("{written} records in {:.1} s", since.elapsed().as_secs_f64()));
        Ok(())
    };
    let exported = exported.await;
    database.close().await;
    exported
}

/// Where an export goes: the standard output, or a file that comes to be there once it is whole.
enum Output {
    Standard(std::io::Stdout),
    /// A pipe or a device, which can't be replaced.
    Special(File),
    File {
        file: File,
        unfinished: PathBuf,
        path: PathBuf,
    },
}

impl Output {
    fn to(path: &Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| format!("{} can't be written: {error}", path.display());
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                return Err(format!("{} can't be written: it is a folder", path.display()).into());
            }
            Ok(found) if !found.is_file() => {
                return Ok(Output::Special(File::options().write(true).open(path).map_err(failed)?));
            }
            // One that may not be written is not replaced either.
            Ok(_) => drop(File::options().append(true).open(path).map_err(failed)?),
            Err(_) => {}
        }
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.unfinished", std::process::id()));
        let unfinished = path.with_file_name(name);
        Ok(Output::File { file: File::create(&unfinished).map_err(failed)?, unfinished, path })
    }

    /// It is whole.
    fn keep(self) -> Result<(), Failure> {
        if let Output::File { unfinished, path, .. } = &self {
            std::fs::rename(unfinished, path)
                .map_err(|error| format!("{} can't be written: {error}", path.display()))?;
        }
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Output::File { unfinished, .. } = self {
            let _ = std::fs::remove_file(unfinished);
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Output::Standard(out) => out.write(bytes),
            Output::Special(file) | Output::File { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Output::Standard(out) => out.flush(),
            Output::Special(file) | Output::File { file, .. } => file.flush(),
        }
    }
}

/// What is to be written where: of CSV, a type of record each.
fn outputs(
    kinds: &RecordKinds,
    format: formats::Format,
    kind: Option<&str>,
    output: Option<&Path>,
) -> Result<Vec<(&'static str, Output)>, Failure> {
    let known = |name| match kinds.named(name) {
        Some((_, kind)) => Ok(kind.name),
        None => Err(Failure::of_usage(format!("`{name}` is no type of record: there are {}", kinds.names()))),
    };
    let kind = kind.map(known).transpose()?;
    match (format, kind, output) {
        (formats::Format::Csv, None, Some(folder)) => {
            std::fs::create_dir_all(folder)
                .map_err(|error| format!("{} can't be made: {error}", folder.display()))?;
            let table =
                |kind: &RecordKind| Ok((kind.name, Output::to(&folder.join(format!("{}.csv", kind.many)))?));
            kinds.0.iter().map(table).collect()
        }
        (formats::Format::Csv, None, None) => {
            Err(Failure::of_usage("CSV holds one type of record: give --type, or a folder with -o"))
        }
        (formats::Format::Csv, Some(_), _) | (_, None, _) => {
            let to = output.map_or_else(|| Ok(Output::Standard(std::io::stdout())), Output::to)?;
            Ok(vec![(kind.unwrap_or_default(), to)])
        }
        _ => Err(Failure::of_usage("only CSV takes --type: other formats hold all")),
    }
}

async fn write(
    export: &mut Export<'_>,
    writer: Box<dyn formats::Writer>,
    to: &mut impl Write,
) -> Result<u64, Failure> {
    let bar = ProgressBar::new(export.count(writer.as_ref()).await?);
    let (mut written, mut out) = (Written::by(writer), Vec::new());
    while export.next(&mut written, &mut out).await? {
        if !read_on(to.write_all(&out))? {
            break;
        }
        out.clear();
        bar.set_position(written.count);
    }
    read_on(to.flush())?;
    bar.finish_and_clear();
    Ok(written.count)
}

async fn migrate(dry_run: bool, yes: bool) -> Result<(), Failure> {
    let config = configured()?;
    let create = if dry_run { Create::Never } else { Create::IfNew };
    let database = Database::open_or(&config, create).await?;
    say_what_is_used(&database, &config);
    let migrated = async {
        let (verb, migrations) = if dry_run {
            ("to apply", database.foresee(yes).await?)
        } else {
            ("applied", database.migrate_beside(yes).await?)
        };
        let mut lines: Vec<String> =
            migrations.iter().map(|migration| format!("{verb}: {migration}")).collect();
        if lines.is_empty() {
            lines.push("nothing to apply".to_owned());
        }
        print(&format!("{}\n", lines.join("\n")))
    };
    let migrated = migrated.await;
    database.close().await;
    migrated
}

fn read_manifest(file: &Path) -> Result<Vec<(String, String)>, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("{} can't be read: {error}", file.display()))?;
    engine::prepare::trusted_documents::parse(&text)
        .map_err(|reason| format!("{} is no manifest of documents: {reason}", file.display()).into())
}

fn print_schema(check: bool) -> Result<(), Failure> {
    let sdl = catalog::sdl();
    if !check {
        return print(&sdl);
    }
    match std::fs::read_to_string("schema.graphql") {
        Ok(file) if file == sdl => Ok(()),
        Ok(_) => {
            Err("schema.graphql differs from the code; write it anew with `dossier schema > schema.graphql`"
                .into())
        }
        Err(error) => Err(format!("schema.graphql can't be read: {error}").into()),
    }
}

/// Prints to the standard output.
fn print(text: &str) -> Result<(), Failure> {
    read_on(std::io::stdout().write_all(text.as_bytes()))?;
    Ok(())
}

/// Whether what was written is still read: whoever has read enough makes no failure.
fn read_on(written: std::io::Result<()>) -> std::io::Result<bool> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true),
    }
}

fn configured() -> Result<Config, Failure> {
    let config = Config::from_env()?;
    telemetry::log::begin(&config)?;
    Ok(config)
}
