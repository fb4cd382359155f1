//! `dossier key`.

use std::{fmt::Write as _, io::Write as _};

use clap::{
    Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use sqlx::{Connection, PgConnection};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    auth::{
        caller::Role,
        keys::{self, Revoked},
    },
    cli::{Failure, configured, open_migrated, print},
    telemetry::output,
};

#[derive(Subcommand)]
pub enum Command {
    /// Create a key and print its secret once.
    Create {
        /// The name under which changes are recorded.
        #[arg(long)]
        name: String,
        /// The role of the key.
        #[arg(long, value_parser = grantable(), ignore_case = true)]
        role: Role,
        /// When it expires: the last day (2027-01-31) or a time (2027-01-31T12:00:00Z). Default: never.
        #[arg(long, value_name = "WHEN", value_parser = moment)]
        expires: Option<OffsetDateTime>,
    },
    /// Print all keys, without their secrets.
    List,
    /// Revoke a key permanently.
    Revoke {
        /// The name of the key, or its prefix in the list.
        #[arg(value_name = "NAME|PREFIX")]
        key: String,
    },
}

pub async fn run(command: Command) -> Result<(), Failure> {
    if let Command::Create { name, expires, .. } = &command {
        keys::check(name, *expires).map_err(Failure::of_usage)?;
    }
    let database = open_migrated(&configured()?, false).await?;
    let done = async {
        let mut connection = database.connect_without_timeout().await?;
        let mut change = connection.begin().await?;
        let output_text = perform(&mut change, &command).await?;
        let Command::Create { name, role, .. } = &command else {
            change.commit().await?;
            return print(&output_text);
        };
        // Without the printed secret the key would be useless, so it is printed before the commit.
        std::io::stdout()
            .write_all(output_text.as_bytes())
            .map_err(|error| format!("can't write the secret, so no key was created: {error}"))?;
        change.commit().await?;
        let role = role.name();
        output::say(&format!("Key of {name} ({role}). Store it now: it can't be shown again."));
        Ok(())
    };
    let done = done.await;
    database.close().await;
    done
}

/// Runs the command, and returns what to print. For a new key that is its secret alone, for scripts.
async fn perform(connection: &mut PgConnection, command: &Command) -> Result<String, keys::Error> {
    match command {
        Command::Create { name, role, expires } => {
            Ok(format!("{}\n", keys::create(connection, name, *role, *expires).await?))
        }
        Command::List => Ok(table(keys::list(connection).await?)),
        Command::Revoke { key } => {
            let Revoked { name, prefix, when } = keys::revoke(connection, key).await?;
            Ok(format!("revoked: {name} ({prefix}…), {when} UTC\n"))
        }
    }
}

/// The roles that a key can have, as the command line writes them.
fn grantable() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(["reader", "editor", "admin"])
        .map(|name| Role::named(&name.to_uppercase()).expect("a role"))
}

/// A time, or the end of a day.
fn moment(text: &str) -> Result<OffsetDateTime, &'static str> {
    let last = format!("{text}T23:59:59Z");
    let moment = OffsetDateTime::parse(text, &Rfc3339).or_else(|_| OffsetDateTime::parse(&last, &Rfc3339));
    moment.map_err(|_| "use a date (2027-01-31) or a time (2027-01-31T12:00:00Z)")
}

/// Keys as a table.
fn table(keys: Vec<Vec<String>>) -> String {
    let mut rows = vec![
        ["NAME", "ROLE", "PREFIX", "CREATED (UTC)", "EXPIRES", "REVOKED"].map(ToOwned::to_owned).to_vec(),
    ];
    rows.extend(keys);
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut table = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        let _ = writeln!(table, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    table
}
