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
    engine::prepare::trusted_documents,
    server,
    telemetry::output,
};

#[derive(Args, Default)]
pub struct Arguments {
    /// Documents to trust by their ids: a manifest as Relay or Apollo's tools write it.
    #[arg(long, value_name = "FILE")]
    pub documents: Option<PathBuf>,
    /// Serve the database as it is, be it older or newer than this program.
    #[arg(long)]
    pub no_migrate: bool,
    /// Begin with an empty database, though `DATA_DIR` held one before.
    #[arg(long)]
    pub new: bool,
}

pub async fn run(asked: Arguments, stop: Stop) -> Result<(), Failure> {
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
        output::say(&told);
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

fn read_manifest(file: &Path) -> Result<Vec<(String, String)>, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("{} can't be read: {error}", file.display()))?;
    trusted_documents::parse(&text)
        .map_err(|reason| format!("{} is no manifest of documents: {reason}", file.display()).into())
}
