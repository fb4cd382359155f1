//! The verbs of the command line.

use std::{
    fmt::Display,
    fs::File,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use clap::{Args, Parser, Subcommand};
use dossier::{
    config::Config,
    database::Database,
    exchange::{
        self,
        export::{self, Export, Selection, Written},
        formats,
        generate::Size,
        import::{self, Order},
        read,
        records::{RecordKind, RecordKinds},
    },
    http, keys, query, schema, telemetry,
};
use indicatif::ProgressBar;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
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
    Serve {
        /// Documents to trust by their ids: a manifest as Relay or Apollo's tools write it.
        #[arg(long, value_name = "FILE")]
        documents: Option<PathBuf>,
    },
    /// Apply the migrations and print those that were applied.
    Migrate {
        /// Print what would be applied, and apply nothing.
        #[arg(long)]
        dry_run: bool,
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
    #[command(after_help = "Examples:\n  dossier key create --name alice --role editor > alice.key\n  \
                      dossier key create --name kiosk --role reader --expires 2027-01-31\n  dossier key list\n  \
                      dossier key revoke alice")]
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

#[derive(Args)]
struct Import {
    /// Files, compressed by gzip or zstd or not at all; `-` is the standard input.
    #[arg(required = true, value_name = "FILE", num_args = 1..=import::MOST_FILES)]
    files: Vec<PathBuf>,
    /// jsonl, csv, popolo, legislators, ftm or parlamint; where left out, each file's name tells it.
    #[arg(long)]
    format: Option<read::Format>,
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

/// One line for whoever started the program.
struct Failure(String);

impl<E: Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure(error.to_string())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse().verb.unwrap_or(Verb::Serve { documents: None }) {
        Verb::Serve { documents } => serve(documents).await,
        Verb::Migrate { dry_run } => migrate(dry_run).await,
        Verb::Generate { statements, seed } => generate(Size { statements, seed }).await,
        Verb::Key { verb } => key(verb).await,
        Verb::Import(import) => bring_in(import).await,
        Verb::Export(export) => take_out(export).await,
        Verb::Schema { check } => print_schema(check),
    };
    let status = match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(reason)) => {
            telemetry::log::say(&format!("dossier: {reason}"));
            ExitCode::FAILURE
        }
    };
    telemetry::log::end();
    status
}

async fn serve(documents: Option<PathBuf>) -> Result<(), Failure> {
    let config = configured()?;
    let manifest = documents.map(|file| read_manifest(&file)).transpose()?.unwrap_or_default();
    // Before anything is started, so that a signal in the middle of it stops it in order.
    let stop = stop_signal()?;
    let address = config.bind_address;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("can't listen on BIND_ADDRESS {address}: {error}"))?;
    let address = listener.local_addr()?;
    let database = Database::open(&config).await?;
    let served = async {
        database.migrate().await?;
        let mut engine = http::engine(&config, &database);
        if let Err(refusals) = engine.trust(manifest, config.trusted_documents_only).await {
            let reasons: Vec<&str> = refusals.iter().map(|refusal| refusal.message.as_str()).collect();
            return Err(format!("a document of the manifest is refused: {}", reasons.join("; ")).into());
        }
        let site = http::site(&config, database.clone(), engine);
        if config.graphiql && !http::page::is_bundled() {
            tracing::warn!("built without npm: the GraphiQL page loads its files from the network");
        }
        let told = format!("Dossier answers at http://{address}/  (GraphQL at http://{address}/graphql)");
        telemetry::log::say(&told);
        http::serve(listener, site, stop).await.map_err(Failure::from)
    };
    let served = served.await;
    database.close().await;
    served
}

async fn generate(size: Size) -> Result<(), Failure> {
    let database = Database::open(&configured()?).await?;
    let generated = async {
        database.migrate().await?;
        let since = Instant::now();
        let mut change = database.write("generate").await?;
        // It takes as long as it takes.
        sqlx::raw_sql("set local statement_timeout = 0").execute(&mut *change).await?;
        let rows = exchange::generate::generate(&mut change, size).await?;
        change.commit().await?;
        sqlx::raw_sql("set statement_timeout = 0; analyze").execute(database.pool()).await?;
        println!(
            "{rows} rows, {} statements among them, in {:.1} s",
            size.statements,
            since.elapsed().as_secs_f64()
        );
        Ok(())
    };
    let generated = generated.await;
    database.close().await;
    generated
}

async fn key(verb: keys::Verb) -> Result<(), Failure> {
    let database = Database::open(&configured()?).await?;
    let done = async {
        database.migrate().await?;
        keys::perform(database.pool(), verb).await.map_err(Failure::from)
    };
    let done = done.await;
    database.close().await;
    done
}

async fn bring_in(asked: Import) -> Result<(), Failure> {
    let config = configured()?;
    let stop = stop_signal()?;
    let Import { files, format, kind, dry_run, all_or_nothing, report, requester } = asked;
    let order = Order { files, format, kind, requester, dry_run, all_or_nothing, report };
    let database = Database::open(&config).await?;
    let imported = async {
        database.migrate().await?;
        let since = Instant::now();
        let kinds = Arc::new(RecordKinds::of(&schema::catalog().nouns));
        let options = database.pool().connect_options();
        let outcome = tokio::select! {
            outcome = import::import(&options, kinds, &order) => outcome?,
            () = stop => return Err("interrupted; nothing was imported: start it again, and it goes on".into()),
        };
        let (seconds, report) = (since.elapsed().as_secs_f64(), order.report.display());
        let import::Outcome { created, updated, unchanged, rejected, change } = outcome;
        println!(
            "created {created}, updated {updated}, unchanged {unchanged}, rejected {rejected}, in {seconds:.1} s"
        );
        match change {
            Some(change) => println!("recorded as change {change}"),
            None if dry_run => println!("a dry run: nothing was written"),
            None => println!("nothing was written"),
        }
        if rejected > 0 {
            Err(format!("{rejected} records were rejected; {report} tells why").into())
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
    let database = Database::open(&configured()?).await?;
    let kinds = RecordKinds::of(&schema::catalog().nouns);
    let exported = async {
        database.migrate().await?;
        let since = Instant::now();
        let options = database.pool().connect_options().as_ref().clone();
        let mut connection = export::connect(&options.options([("statement_timeout", "0")])).await?;
        let selection = Selection { topic, actor, from, until };
        let mut export = Export::begin(&mut connection, &kinds, &selection).await?;
        let mut written = 0;
        for (kind, file) in outputs(&kinds, format, kind.as_deref(), output.as_deref())? {
            written += write(&mut export, format.writer(kind), file).await?;
        }
        eprintln!("{written} records in {:.1} s", since.elapsed().as_secs_f64());
        Ok(())
    };
    let exported = exported.await;
    database.close().await;
    exported
}

/// A type of record, where the format holds one, and where it is written.
type Output = (&'static str, Box<dyn Write>);

/// What is to be written where: of CSV, a type of record each.
fn outputs(
    kinds: &RecordKinds,
    format: formats::Format,
    kind: Option<&str>,
    output: Option<&Path>,
) -> Result<Vec<Output>, Failure> {
    let known = |name| match kinds.named(name) {
        Some((_, kind)) => Ok(kind.name),
        None => Err(format!("`{name}` is no type of record: there are {}", kinds.names())),
    };
    let kind = kind.map(known).transpose()?;
    let file = |path: &Path| -> Result<Box<dyn Write>, Failure> {
        let file =
            File::create(path).map_err(|error| format!("{} can't be written: {error}", path.display()))?;
        Ok(Box::new(file))
    };
    match (format, kind, output) {
        (formats::Format::Csv, None, Some(folder)) => {
            std::fs::create_dir_all(folder)
                .map_err(|error| format!("{} can't be made: {error}", folder.display()))?;
            let table =
                |kind: &RecordKind| Ok((kind.name, file(&folder.join(format!("{}.csv", kind.many)))?));
            kinds.0.iter().map(table).collect()
        }
        (formats::Format::Csv, None, None) => {
            Err("CSV holds one type of record: give --type, or a folder with -o".into())
        }
        (formats::Format::Csv, Some(_), _) | (_, None, _) => {
            let to = output.map_or_else(|| Ok(Box::new(std::io::stdout()) as Box<dyn Write>), file)?;
            Ok(vec![(kind.unwrap_or_default(), to)])
        }
        _ => Err("only CSV takes --type: other formats hold all".into()),
    }
}

async fn write(
    export: &mut Export<'_>,
    writer: Box<dyn formats::Writer>,
    mut to: impl Write,
) -> Result<u64, Failure> {
    let bar = ProgressBar::new(export.count(writer.as_ref()).await?);
    let (mut written, mut out) = (Written::by(writer), Vec::new());
    while export.next(&mut written, &mut out).await? {
        to.write_all(&out)?;
        out.clear();
        bar.set_position(written.count);
    }
    to.flush()?;
    bar.finish_and_clear();
    Ok(written.count)
}

async fn migrate(dry_run: bool) -> Result<(), Failure> {
    let database = Database::open(&configured()?).await?;
    let migrated = async {
        let (verb, migrations) = if dry_run {
            ("to apply", database.pending().await?)
        } else {
            ("applied", database.migrate().await?)
        };
        for migration in &migrations {
            println!("{verb}: {migration}");
        }
        if migrations.is_empty() {
            println!("nothing to apply");
        }
        Ok(())
    };
    let migrated = migrated.await;
    database.close().await;
    migrated
}

fn read_manifest(file: &Path) -> Result<Vec<(String, String)>, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("{} can't be read: {error}", file.display()))?;
    query::parse_manifest(&text)
        .map_err(|reason| format!("{} is no manifest of documents: {reason}", file.display()).into())
}

fn print_schema(check: bool) -> Result<(), Failure> {
    let sdl = schema::sdl();
    if !check {
        return match std::io::stdout().write_all(sdl.as_bytes()) {
            // Whoever reads has read enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => Ok(written?),
        };
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

fn configured() -> Result<Config, Failure> {
    let config = Config::from_env()?;
    telemetry::log::begin(&config)?;
    Ok(config)
}

/// Resolves on Ctrl-C or SIGTERM. A second one ends the program at once.
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut signalled = async move || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    Ok(async move {
        signalled().await;
        tracing::info!("stopping");
        tokio::spawn(async move {
            signalled().await;
            std::process::exit(1);
        });
    })
}
