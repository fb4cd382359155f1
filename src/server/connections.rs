//! Limits on connections: their number, in total and per address, and how long they may be idle or not read.
//!
//! Connections beyond the limit get an error and are closed. A few of them are accepted in a reserve, where a new one
//! replaces the oldest, so that health checks work even if the limit is reached.

use std::{
    collections::VecDeque, convert::Infallible, io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    response::Response,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use crate::{
    auth::limits::{Full, Share, Shares},
    config::Config,
    database::client::Client,
    server::{edge::Edge, response, shutdown::Shutdown},
};

/// Connections in the reserve.
const RESERVE: usize = 16;
/// How long a connection stays in the reserve.
const RESERVE_TIME: Duration = Duration::from_secs(5);
/// Open files that the server needs in addition to its clients and its database connections.
const OTHER_FILES: usize = 32;
/// The default limit, where the system allows as many open files.
const DEFAULT: usize = 10_000;
/// The lowest limit.
const LOWEST: usize = 8;
/// The pause after a connection could not be accepted, as when too many files are open.
const ACCEPT_RETRY: Duration = Duration::from_millis(200);
/// The maximum size of a request's head in bytes.
const HEAD_BYTES: usize = 128 * 1024;
/// A connection is closed this long after the request timeout, so that its client gets the error first.
const STALLED_GRACE: Duration = Duration::from_secs(10);

pub(super) type Permit = Arc<Share>;

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub all: usize,
    pub each: usize,
    /// How long a connection may be idle, and how long a client may take to send the head of a request.
    idle: Duration,
    /// How long a client may take to read.
    stalled: Duration,
}

impl Limits {
    /// The configured limits, as far as the limit of open files allows.
    pub fn of(config: &Config) -> Limits {
        // If the limit can't be raised, assume a low one.
        let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(256);
        let others = RESERVE + OTHER_FILES + 2 * config.database_pool_size as usize;
        let room = usize::try_from(files).unwrap_or(usize::MAX).saturating_sub(others).max(LOWEST);
        let wanted = config.max_connections.map_or(DEFAULT, Into::into);
        if config.max_connections.is_some() && wanted > room {
            tracing::warn!(
                "MAX_CONNECTIONS is {wanted}, but the limit of open files is {files} (ulimit -n): using {room}"
            );
        }
        let all = wanted.min(room);
        let each = config.max_connections_per_address.map_or((all / 2).max(1), Into::into).min(all);
        Limits { all, each, idle: config.keep_alive_timeout, stalled: config.request_timeout + STALLED_GRACE }
    }
}

/// Accepts and serves connections until `stopping` resolves.
pub(super) async fn accept(
    listener: TcpListener,
    router: Router,
    edge: &Edge,
    limits: Limits,
    shutdown: Shutdown,
    stopping: impl Future<Output = ()>,
) {
    let shares = Arc::new(Shares::new(limits.each, limits.all));
    let mut reserve = VecDeque::new();
    tokio::pin!(stopping);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = next_connection(&listener) => accepted,
            () = &mut stopping => return,
        };
        // Responses are written at once; waiting for a full packet only delays them.
        let _ = stream.set_nodelay(true);
        // A proxy opens connections for many clients.
        let client = (!edge.trusts(peer.ip())).then(|| Client::at(peer.ip()));
        match shares.take(client) {
            Ok(permit) => {
                tokio::spawn(serve(stream, peer, router.clone(), Arc::new(permit), limits, shutdown.clone()));
            }
            Err(full) => {
                let connection = tokio::spawn(serve_reserve(stream, peer, router.clone(), full, limits));
                add_to_reserve(&mut reserve, connection).await;
            }
        }
    }
}

async fn next_connection(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut is_logged = false;
    loop {
        let error = match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => error,
        };
        // The client closed the connection before it was accepted.
        if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) {
            continue;
        }
        if !is_logged {
            tracing::warn!(%error, "can't accept connections; retrying");
            is_logged = true;
        }
        sleep(ACCEPT_RETRY).await;
    }
}

/// Adds a connection to the reserve. If it is full, the oldest is closed first, because there may be no more files to
/// open.
async fn add_to_reserve(reserve: &mut VecDeque<JoinHandle<()>>, connection: JoinHandle<()>) {
    reserve.retain(|connection| !connection.is_finished());
    if reserve.len() >= RESERVE
        && let Some(oldest) = reserve.pop_front()
    {
        oldest.abort();
        let _ = oldest.await;
    }
    reserve.push_back(connection);
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    permit: Permit,
    limits: Limits,
    shutdown: Shutdown,
) {
    let _running = shutdown.guard();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        // A WebSocket outlives the HTTP connection, so it takes the permit with it.
        request.extensions_mut().insert(permit.clone());
        router.clone().oneshot(request)
    });
    let connection =
        http(limits).serve_connection(with_write_timeout(stream, limits), service).with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = shutdown.stopped() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Answers health checks, and refuses everything else.
async fn serve_reserve(stream: TcpStream, peer: SocketAddr, router: Router, full: Full, limits: Limits) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let router = router.clone();
        async move {
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            if request.uri().path().starts_with("/health/") {
                return router.oneshot(request).await;
            }
            Ok::<_, Infallible>(refusal(full))
        }
    });
    let mut http = http(limits);
    let connection = http.keep_alive(false).serve_connection(with_write_timeout(stream, limits), service);
    let _ = timeout(RESERVE_TIME, connection).await;
}

fn refusal(full: Full) -> Response {
    let api_error = full.api_error("connections");
    let media = response::Media::Json;
    response::refuse_for(media.status_of(&api_error), media, &api_error, "")
}

fn http(limits: Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.idle).max_buf_size(HEAD_BYTES);
    http
}

/// A stream that ends if its client does not read.
fn with_write_timeout(
    stream: TcpStream,
    limits: Limits,
) -> TokioIo<std::pin::Pin<Box<TimeoutStream<TcpStream>>>> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.stalled));
    TokioIo::new(Box::pin(stream))
}
