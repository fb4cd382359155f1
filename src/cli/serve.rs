//! `dossier serve`.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use clap::Args;
use tokio::net::TcpListener;

use crate::{
    cli::{Failure, configured, signals::Stop},
    database::{Database, Error, embedded::Create},
    engine::{catalog, prepare::trusted_documents},
    server,
    telemetry::output,
};

#[derive(Args, Default)]
pub struct Arguments {
    /// Manifest of trusted documents, as written by Relay's or Apollo's tools.
    #[arg(long, value_name = "FILE")]
    pub documents: Option<PathBuf>,
    /// Do not migrate the database, even if it is older or newer than this program.
    #[arg(long)]
    pub no_migrate: bool,
    /// Start with an empty embedded database even if `DATA_DIR` contained one before.
    #[arg(long)]
    pub new: bool,
}

pub async fn run(arguments: Arguments, stop: Stop) -> Result<(), Failure> {
    let config = configured()?;
    let manifest = arguments.documents.map(|file| read_manifest(&file)).transpose()?.unwrap_or_default();
    if config.trusted_documents_only && manifest.is_empty() {
        return Err(Failure::of_usage(
            "TRUSTED_DOCUMENTS_ONLY is set, but no document is trusted; use --documents FILE",
        ));
    }
    let address = config.bind_address;
    let listener = TcpListener::bind(address).await.map_err(|error| cannot_listen(address, &error))?;
    let address = listener.local_addr()?;
    let create = if arguments.new { Create::Always } else { Create::IfNew };
    let database = Database::open_with(&config, create).await?;
    tracing::info!("using {}", database.describe(&config));
    let served = async {
        prepare(&database, arguments.no_migrate).await?;
        let mut engine = server::engine(&config, &database, catalog::catalog()).await;
        if let Err(api_errors) = engine.trust(manifest, config.trusted_documents_only) {
            let reasons: Vec<&str> = api_errors.iter().map(|api_error| api_error.message.as_str()).collect();
            return Err(format!("invalid documents in the manifest: {}", reasons.join("; ")).into());
        }
        let app = server::build(&config, database.clone(), engine);
        if config.graphiql && !server::page::is_bundled() {
            tracing::warn!(
                "the build has no page (npm was missing): there is no explorer, and GraphiQL is loaded from a CDN"
            );
        }
        let address = reachable(address);
        let message =
            format!("Dossier is listening on http://{address}/ (GraphQL: http://{address}/graphql)");
        output::say(&message);
        server::serve(listener, app, stop.graceful_shutdown()).await;
        Ok(())
    };
    let served = served.await;
    database.close().await;
    served
}

/// Migrates the database, unless `--no-migrate` is set or a newer version has migrated it.
async fn prepare(database: &Database, no_migrate: bool) -> Result<(), Failure> {
    let status = database.status().await?;
    let only_reads = database.replicas().are_alone();
    if only_reads && !database.is_read_only() {
        tracing::warn!(
            "the database is a standby: this server only reads. After a promotion, restart it to write"
        );
    }
    if let Some(newest) = status.unknown.last() {
        tracing::warn!(
            "the database has migration {newest:04}, which is newer than this version of Dossier; serving without migrating"
        );
        return Ok(());
    }
    if !no_migrate && !only_reads {
        database.migrate().await?;
    } else if status.is_empty {
        return Err(Error::Empty.into());
    } else if !status.pending.is_empty() {
        tracing::warn!("{} migrations are pending; requests that depend on them fail", status.pending.len());
    }
    Ok(())
}

/// An address that a client on this machine can open.
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
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
            "the port is in use: stop the other program, or use another port (0 for any free port)"
        }
        ErrorKind::AddrNotAvailable | ErrorKind::Unsupported => {
            "this machine does not have that address; use 127.0.0.1 or [::1] for local clients, 0.0.0.0 or [::] for all addresses"
        }
        ErrorKind::PermissionDenied => "ports below 1024 need privileges; use a higher one",
        _ => return format!("can't listen on BIND_ADDRESS {address}: {error}"),
    };
    format!("can't listen on BIND_ADDRESS {address}: {why}")
}

fn read_manifest(file: &Path) -> Result<Vec<(String, String)>, Failure> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("can't read {}: {error}", file.display()))?;
    trusted_documents::parse(&text)
        .map_err(|reason| format!("{} is not a manifest of documents: {reason}", file.display()).into())
}
