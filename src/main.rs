//! The verbs of the command line.

use std::{
    fmt::Display,
    io::{ErrorKind, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use clap::{Parser, Subcommand};
use dossier::{
    config::{Config, LogFormat},
    database::Database,
    exchange::{self, generate::Size},
    http, keys, query, schema,
};
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
    /// Print the GraphQL schema.
    Schema {
        /// Print nothing; fail if `schema.graphql` in this folder differs.
        #[arg(long)]
        check: bool,
    },
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
        Verb::Schema { check } => print_schema(check),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(reason)) => {
            eprintln!("dossier: {reason}");
            ExitCode::FAILURE
        }
    }
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
        let router = http::router(&config, database.clone(), engine);
        if config.graphiql && !http::page::is_bundled() {
            tracing::warn!("built without npm: the GraphiQL page loads its files from the network");
        }
        eprintln!("Dossier answers at http://{address}/  (GraphQL at http://{address}/graphql)");
        http::serve(listener, router, stop).await.map_err(Failure::from)
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
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log)
        .map_err(|error| format!("RUST_LOG is not a list of log filters: {error}"))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
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
