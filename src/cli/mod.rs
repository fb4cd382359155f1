//! The command line: one file for each command. Only this layer prints and draws progress.

mod export;
mod generate;
mod import;
mod key;
mod migrate;
mod progress;
mod schema;
mod serve;
mod signals;

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
    telemetry::{log, output},
};

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
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Start the database, migrate it, and serve (what `dossier` alone does).
    Serve(serve::Arguments),
    /// Apply the migrations and print those that were applied.
    Migrate(migrate::Arguments),
    /// Add a synthetic base for load tests, repeatable and, but for its topics, without history.
    Generate(generate::Arguments),
    /// Make, list and revoke keys: what their holders may do, and under what name.
    #[command(
        after_help = "Examples:\n  (umask 077 && dossier key create --name alice --role editor > alice.key)\n  \
                      dossier key create --name kiosk --role reader --expires 2027-01-31\n  dossier key list\n  \
                      dossier key revoke alice"
    )]
    Key {
        #[command(subcommand)]
        command: key::Command,
    },
    /// Bring records in: all of a file that can be kept, as one change of the base.
    #[command(
        after_help = "Examples:\n  dossier import records.jsonl.gz           JSON Lines, as `dossier export` writes them\n  \
                            dossier import actors.csv statements.csv   CSV, one kind of record a file\n  \
                            dossier import --dry-run - < records.jsonl\n\nDone twice, the second time finds everything as it is to be. \
                            An import that was interrupted has written nothing: start it again, and it goes on."
    )]
    Import(import::Arguments),
    /// Take records out.
    #[command(
        after_help = "Examples:\n  dossier export > records.jsonl\n  dossier export --format csv -o folder\n  \
                            dossier export --format gexf --topic two-state-solution -o network.gexf"
    )]
    Export(export::Arguments),
    /// Print the GraphQL schema.
    Schema(schema::Arguments),
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
    config::Error,
    database::Error,
    bulk::export::Error,
    bulk::import::Error,
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

/// Runs the command that the program was started with.
pub fn main() -> ExitCode {
    let command = Arguments::parse().command.unwrap_or_else(|| Command::Serve(serve::Arguments::default()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let status = runtime.block_on(async {
        let status = match run(command).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(Failure { reason, status }) => {
                output::say_failure(&format!("dossier: {reason}"));
                ExitCode::from(status)
            }
        };
        log::end();
        status
    });
    // A thread that waits for what never comes keeps no program from its end.
    runtime.shutdown_timeout(Duration::from_millis(100));
    status
}

async fn run(command: Command) -> Result<(), Failure> {
    let stop = Stop::listen()?;
    signals::bury_orphans()?;
    let words = match command {
        Command::Import(_) => "nothing was imported: start it again, and it goes on",
        Command::Serve(_) | Command::Migrate(_) => "what was applied stays: start it again, and it goes on",
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
            Command::Schema(arguments) => schema::run(&arguments),
        }
    };
    tokio::select! {
        done = done => done,
        // Whatever it is doing is dropped, and a Postgres that it started ends with it.
        signal = stop.interrupted() => Err(Failure::interrupted(signal, words)),
    }
}

/// Opens the database for a command that needs its tables, and says which it is.
async fn open_migrated(config: &Config, writes: bool) -> Result<Database, Failure> {
    let database = Database::open_or(config, Create::Never).await?;
    say_what_is_used(&database, config);
    database.require_current(writes).await?;
    Ok(database)
}

fn say_what_is_used(database: &Database, config: &Config) {
    output::say(&format!("using the {}", database.told(config)));
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
    log::begin(&config)?;
    Ok(config)
}
