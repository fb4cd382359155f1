//! The command line: one file for each command. Only this layer prints and draws progress.

mod backup;
mod export;
mod generate;
mod health;
mod import;
mod key;
mod migrate;
mod output;
mod progress;
mod purge;
mod restore;
mod schema;
mod serve;
mod signals;
mod source;
mod upgrade;

use std::{
    fmt::Display,
    io::{ErrorKind, Write},
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, Subcommand};

use crate::{
    auth::keys,
    bulk,
    cli::signals::{Signal, Stop},
    config::{self, Config},
    database::{self, Database, embedded::Create, error::in_words},
    telemetry::{log, output as log_output},
};

/// A GraphQL API for a political-analysis knowledge base.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:\n  dossier                       serve on 127.0.0.1:8000 with an embedded Postgres\n  \
                  DATABASE_URL=postgres://… dossier serve\n  dossier migrate --dry-run     list pending migrations\n  \
                  dossier schema > schema.graphql\n\nSettings are read from the environment and `.env`; `.env.example` lists all of them."
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Start the server: open or start the database, migrate it, and serve. The default command.
    Serve(serve::Arguments),
    /// Apply the pending migrations and print them.
    Migrate(migrate::Arguments),
    /// Add synthetic records for load tests. They are reproducible; only the topics have a history.
    Generate(generate::Arguments),
    /// Create, list and revoke API keys.
    #[command(
        after_help = "Examples:\n  (umask 077 && dossier key create --name alice --role editor > alice.key)\n  \
                      dossier key create --name kiosk --role reader --expires 2027-01-31\n  dossier key list\n  \
                      dossier key revoke alice"
    )]
    Key {
        #[command(subcommand)]
        command: key::Command,
    },
    /// Import records: all valid records of the files, as one change.
    #[command(
        after_help = "Examples:\n  dossier import records.jsonl.gz           JSON Lines, as `dossier export` writes them\n  \
                            dossier import actors.csv statements.csv   CSV, one record type per file\n  \
                            dossier import --dry-run - < records.jsonl\n\nImporting the same file again changes nothing. \
                            An interrupted import has written nothing; run it again to continue."
    )]
    Import(import::Arguments),
    /// Export records.
    #[command(
        after_help = "Examples:\n  dossier export > records.jsonl\n  dossier export --format csv -o folder\n  \
                            dossier export --format gexf --topic two-state-solution -o network.gexf"
    )]
    Export(export::Arguments),
    /// Back up the database to a file: all records, their history, texts and keys. Others read and write meanwhile.
    #[command(
        after_help = "Examples:\n  dossier backup dossier.backup\n  dossier backup - | ssh archive 'cat > dossier.backup'\n\n\
                      The file holds the hashes of keys and is readable only by you. Users and grants of Postgres are not in it."
    )]
    Backup(backup::Arguments),
    /// Restore a backup into an empty database: everything, or nothing.
    #[command(after_help = "Examples:\n  DATABASE_URL=postgres://… dossier restore dossier.backup\n  \
                      DATA_DIR=/srv/dossier dossier restore dossier.backup\n  dossier restore --verify dossier.backup\n\n\
                      The counts and digests of all tables are compared before anything is committed. The database may be of \
                      another version of Postgres. A backup by an older Dossier is migrated.")]
    Restore(restore::Arguments),
    /// Carry the data of the embedded Postgres to the newest version of Postgres that is installed. Stop the server before.
    #[command(
        after_help = "Examples:\n  dossier upgrade\n  PG_BIN=/usr/lib/postgresql/18/bin dossier upgrade\n  \
                      dossier upgrade --delete-old     when all is well\n\nThe binaries of both versions must be there. The \
                      old data are kept in DATA_DIR/data.15, or as their version is. If it is interrupted, run it again."
    )]
    Upgrade(upgrade::Arguments),
    /// Attach texts to sources.
    #[command(
        after_help = "Examples:\n  dossier source attach peace-talks-interview interview.txt --language en\n  \
                      dossier source attach peace-talks-interview page.html --from https://news.example/talks --on 2026-02-19"
    )]
    Source {
        #[command(subcommand)]
        command: source::Command,
    },
    /// Ask the server at `BIND_ADDRESS` whether it is ready: the health check of a container.
    Health(health::Arguments),
    /// Purge the cache in front of the server, at `PURGE_URL`: all responses, or those that changes made stale.
    Purge(purge::Arguments),
    /// Print the GraphQL schema.
    Schema(schema::Arguments),
}

/// One line for the user, and the exit status.
struct Failure {
    reason: String,
    status: u8,
}

/// Errors whose text is a sentence for the user.
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
    config::Error,
    database::Error,
    bulk::export::Error,
    bulk::import::Error,
    bulk::backup::Error,
    keys::Error
);

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        in_words(&error).into()
    }
}

impl Failure {
    /// Wrong usage: the arguments are invalid in any case.
    fn of_usage(reason: impl Display) -> Self {
        Failure { reason: reason.to_string(), status: 2 }
    }

    /// Status as in shells: 130 after Ctrl-C, 143 after SIGTERM.
    fn interrupted(signal: Signal, words: &str) -> Self {
        Failure { reason: format!("interrupted: {words}"), status: signal.status() }
    }
}

/// Runs the command that the program was started with.
pub fn main() -> ExitCode {
    let command = Arguments::parse().command.unwrap_or_else(|| Command::Serve(serve::Arguments::default()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let status = runtime.block_on(async {
        let status = match run(command).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(Failure { reason, status }) => {
                log_output::say_failure(&format!("dossier: {reason}"));
                ExitCode::from(status)
            }
        };
        log::end();
        status
    });
    // A blocked thread must not keep the program from exiting.
    runtime.shutdown_timeout(Duration::from_millis(100));
    status
}

async fn run(command: Command) -> Result<(), Failure> {
    let stop = Stop::listen()?;
    signals::reap_orphans()?;
    let words = match command {
        Command::Import(_) => "nothing was imported; run it again to continue",
        Command::Upgrade(_) => "the old or the new data are in place, whole; run it again to continue",
        Command::Restore(_) => "everything was restored, or nothing; run it again to see which",
        Command::Serve(_) | Command::Migrate(_) => "applied migrations stay; run it again to continue",
        _ => "nothing was changed",
    };
    let done = async {
        match command {
            Command::Serve(arguments) => serve::run(arguments, stop.clone()).await,
            Command::Migrate(arguments) => migrate::run(&arguments).await,
            Command::Generate(arguments) => generate::run(&arguments).await,
            Command::Key { command } => key::run(command).await,
            Command::Import(arguments) => import::run(arguments).await,
            Command::Export(arguments) => export::run(arguments).await,
            Command::Backup(arguments) => backup::run(&arguments).await,
            Command::Restore(arguments) => restore::run(&arguments).await,
            Command::Upgrade(arguments) => upgrade::run(&arguments).await,
            Command::Source { command } => source::run(command).await,
            Command::Health(arguments) => health::run(&arguments).await,
            Command::Purge(arguments) => purge::run(&arguments).await,
            Command::Schema(arguments) => schema::run(&arguments),
        }
    };
    tokio::select! {
        done = done => done,
        // Dropping the command also stops a Postgres that it started.
        signal = stop.interrupted() => Err(Failure::interrupted(signal, words)),
    }
}

/// Opens the database for a command that needs its tables, and prints which it is.
async fn open_migrated(config: &Config, writes: bool) -> Result<Database, Failure> {
    let database = Database::open_with(config, Create::Never).await?;
    say_what_is_used(&database, config);
    database.require_current(writes).await?;
    Ok(database)
}

fn say_what_is_used(database: &Database, config: &Config) {
    log_output::say(&format!("using {}", database.describe(config)));
}

/// Prints to the standard output.
fn print(text: &str) -> Result<(), Failure> {
    read_on(std::io::stdout().write_all(text.as_bytes()))?;
    Ok(())
}

/// Whether the output is still read. A closed pipe (`dossier export | head`) is no failure.
fn read_on(written: std::io::Result<()>) -> std::io::Result<bool> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true),
    }
}

fn configured() -> Result<Config, Failure> {
    let config = Config::from_env()?;
    log::begin(&config)?;
    Ok(config)
}
