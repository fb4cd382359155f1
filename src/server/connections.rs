//! Connections: so many at most, in all and from each address, and none that idles or doesn't read for long.
//!
//! Those beyond the limit are told so at once and closed. A few of them are held apart, the newest pushing out the
//! oldest, and a health check is answered there: a server whose connections are all taken still says that it lives.

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
    server::{edge::Edge, response, shutdown::Staying},
};

/// Connections beyond the limit that are told so at once.
const RESERVE: usize = 16;
/// How long such a connection is held.
const RESERVE_TIME: Duration = Duration::from_secs(5);
/// Open files that the server needs besides its clients and its database connections.
const FILES: usize = 32;
/// How many connections are taken where more files may be open.
const MOST: usize = 10_000;
/// How many are taken wherever a server runs at all.
const LEAST: usize = 8;
/// How long the server waits when it can't accept connections: where too many files are open.
const BACK_OFF: Duration = Duration::from_millis(200);
/// Bytes that are read of a request's head before it is understood.
const BUFFER: usize = 128 * 1024;
/// What a client that doesn't read may take longer than an answer: it is told so first.
const GRACE: Duration = Duration::from_secs(10);

/// A connection's share of all, held while it is open.
pub(super) type Held = Arc<Share>;

/// How many connections are taken, and for how long they may idle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub all: usize,
    pub each: usize,
    /// How long a connection may be without a request, and a client may take to send the head of one.
    idle: Duration,
    /// How long a client may read nothing.
    stalled: Duration,
}

impl Limits {
    /// The limits of the settings, within the open files that the system allows.
    pub fn of(config: &Config) -> Limits {
        // Nothing is lost where it can't be raised, and all that is open by default is less than this.
        let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(256);
        let others = RESERVE + FILES + 2 * config.database_pool_size as usize;
        let room = usize::try_from(files).unwrap_or(usize::MAX).saturating_sub(others).max(LEAST);
        let wanted = config.max_connections.map_or(MOST, Into::into);
        if config.max_connections.is_some() && wanted > room {
            tracing::warn!(
                "MAX_CONNECTIONS is {wanted}, but the limit of open files is {files} (ulimit -n): using {room}"
            );
        }
        let all = wanted.min(room);
        let each = config.max_connections_per_address.map_or((all / 2).max(1), Into::into).min(all);
        Limits { all, each, idle: config.keep_alive_timeout, stalled: config.request_timeout + GRACE }
    }
}

/// Takes connections until `stopping` resolves, and serves each beside the others.
pub(super) async fn accept(
    listener: TcpListener,
    router: Router,
    edge: &Edge,
    limits: Limits,
    staying: Staying,
    stopping: impl Future<Output = ()>,
) {
    let shares = Arc::new(Shares::new(limits.each, limits.all));
    let mut reserve = VecDeque::new();
    tokio::pin!(stopping);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = next(&listener) => accepted,
            () = &mut stopping => return,
        };
        // Answers are written whole; waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        // A proxy has connections for many clients.
        let client = (!edge.trusts(peer.ip())).then(|| Client::at(peer.ip()));
        match shares.take(client) {
            Ok(held) => {
                tokio::spawn(serve(stream, peer, router.clone(), Arc::new(held), limits, staying.clone()));
            }
            Err(full) => {
                let connection = tokio::spawn(turn_away(stream, peer, router.clone(), full, limits));
                hold(&mut reserve, connection).await;
            }
        }
    }
}

/// The next connection.
async fn next(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut told = false;
    loop {
        let error = match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => error,
        };
        // What failed is a connection that has gone.
        if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) {
            continue;
        }
        if !told {
            tracing::warn!(%error, "can't accept connections; retrying");
            told = true;
        }
        sleep(BACK_OFF).await;
    }
}

/// Keeps a connection in the reserve, whose oldest makes room: closed before another is taken, as there may be no
/// more files to open.
async fn hold(reserve: &mut VecDeque<JoinHandle<()>>, connection: JoinHandle<()>) {
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
    held: Held,
    limits: Limits,
    mut staying: Staying,
) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        // Whoever goes over to WebSocket takes it along.
        request.extensions_mut().insert(held.clone());
        router.clone().oneshot(request)
    });
    let connection = http(limits).serve_connection(watched(stream, limits), service).with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = staying.stopped() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Answers health checks; everything else is told that there is no room.
async fn turn_away(stream: TcpStream, peer: SocketAddr, router: Router, full: Full, limits: Limits) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let router = router.clone();
        async move {
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            if request.uri().path().starts_with("/health/") {
                return router.oneshot(request).await;
            }
            Ok::<_, Infallible>(no_room(full))
        }
    });
    let mut http = http(limits);
    let connection = http.keep_alive(false).serve_connection(watched(stream, limits), service);
    let _ = timeout(RESERVE_TIME, connection).await;
}

fn no_room(full: Full) -> Response {
    let api_error = full.api_error("connections");
    let media = response::Media::Json;
    response::refuse_for(media.status_of(&api_error), media, &api_error, "")
}

fn http(limits: Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.idle).max_buf_size(BUFFER);
    http
}

/// A stream that ends where its client reads nothing for long.
fn watched(stream: TcpStream, limits: Limits) -> TokioIo<std::pin::Pin<Box<TimeoutStream<TcpStream>>>> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.stalled));
    TokioIo::new(Box::pin(stream))
}
