//! The HTTP server: routes, state and shutdown.

pub mod connections;
pub mod credentials;
pub mod edge;
pub mod export;
pub mod graphql;
pub mod health;
pub mod metrics;
pub mod operation;
pub mod page;
pub mod purge;
pub mod response;
pub mod revision;
pub mod shutdown;
pub mod sse;
pub mod websocket;

use std::{
    any::Any,
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_TYPE, ETAG, RETRY_AFTER, WWW_AUTHENTICATE},
        request::Parts,
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use tokio::net::TcpListener;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::{ServiceBuilder, util::option_layer};
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowHeaders, AllowOrigin, CorsLayer},
};
use tracing::Instrument;

use crate::{
    auth::{
        caller::Role,
        limits::{FailedAttempts, RateLimit, Shares},
        tokens::Tokens,
    },
    config::{Config, SourceTexts},
    database::{
        Database,
        reader::{Reader, Slow},
    },
    engine::{
        Engine, Settings,
        cache::{
            Cache,
            revision_watcher::{RevisionWatcher, Watch},
        },
        catalog,
        prepare::limits::Limits,
        subscriptions::{ChangeFeed, audience::Audiences},
    },
    error::{ApiError, Code},
    model::{Catalog, languages},
    server::{edge::Edge, graphql::Caching, purge::Purge, shutdown::Shutdown},
    telemetry::request::{self, Observed, Transport},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Concurrent subscriptions of a client, over all its connections.
const MAX_SUBSCRIPTIONS: usize = 1000;
/// How long browsers cache the response to a CORS preflight.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_hours(1);
/// The interval of pings on open streams, which also check the client's credentials.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const TOO_SLOW: &str = "The client reads too slowly: reconnect, and subscribe with `since`.";

/// The state that request handlers share.
struct AppState {
    engine: Engine,
    database: Database,
    feed: Arc<ChangeFeed>,
    audiences: Audiences,
    response_cache: Option<Cache>,
    revisions: Arc<RevisionWatcher>,
    caching: Caching,
    /// What a cache in front of the server was told.
    purged: Option<Arc<purge::Progress>>,
    edge: Arc<Edge>,
    /// Web origins whose pages may send requests.
    origins: Vec<String>,
    max_body_bytes: usize,
    request_timeout: Duration,
    rate_limit: Option<RateLimit>,
    read_requires_key: bool,
    graphiql: bool,
    failed_attempts: FailedAttempts,
    tokens: Option<Tokens>,
    exports: export::Exports,
    /// Sockets and subscriptions, per client and in total.
    sockets: Arc<Shares>,
    subscriptions: Arc<Shares>,
    shutdown: Shutdown,
    _running: TaskTrackerToken,
}

/// The id of a request in the log: the client's own, or a generated one.
#[derive(Clone, Debug)]
struct RequestId(String);

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<RequestId>().cloned().unwrap_or_else(|| RequestId(String::new())))
    }
}

/// The role that whole texts of sources require.
fn whole_texts(config: &Config) -> Role {
    match config.source_texts {
        SourceTexts::Key => Role::Reader,
        SourceTexts::Everyone => Role::Anonymous,
    }
}

/// The engine with the configured limits and the sizes of the tables.
pub async fn engine(config: &Config, database: &Database, catalog: &'static Catalog) -> Engine {
    let limits = Limits { tokens: config.max_tokens, depth: config.max_depth, aliases: config.max_aliases };
    let settings = Settings {
        limits,
        cost: config.max_cost,
        introspection: config.introspection,
        suggestions: config.suggestions,
        whole_texts: whole_texts(config),
    };
    let reader = Reader::new(database.readers().clone(), database.writers().clone())
        .with_replicas(database.replicas())
        .with_slow_log(Slow { after: config.slow_statement, plan: config.slow_statement_plan });
    let mut engine = Engine::new(catalog, reader, settings);
    if config.graphiql {
        trust_page(&mut engine, config.trusted_documents_only);
    }
    engine.learn_sizes().await;
    engine
}

/// Trusts the documents of the page. Limits may be lower than some of its views need.
fn trust_page(engine: &mut Engine, only: bool) {
    let documents = page::documents();
    let all = documents.len();
    let refused =
        documents.into_iter().filter(|document| engine.trust(vec![document.clone()], only).is_err());
    let refused = refused.count();
    if refused > 0 {
        tracing::warn!(
            "{refused} of the {all} documents of the explorer exceed MAX_DEPTH, MAX_TOKENS or MAX_ALIASES; views that need them are refused"
        );
    }
}

pub struct Server {
    router: Router,
    shutdown: Shutdown,
    edge: Arc<Edge>,
    limits: connections::Limits,
    /// How long requests are accepted after the signal to stop, and how long they may run after that.
    delays: (Duration, Duration),
    purge: Option<Arc<Purge>>,
}

/// Builds the server over a migrated database.
pub fn build(config: &Config, database: Database, engine: Engine) -> Server {
    let shutdown = Shutdown::default();
    let limits = connections::Limits::of(config);
    let edge = Arc::new(Edge::new(config));
    let knows_revision = config.cache_bytes.is_some() || !database.replicas().is_empty();
    let watch = if knows_revision { Watch::FOR_CACHE } else { Watch::FOR_SUBSCRIPTIONS };
    let revisions = Arc::new(RevisionWatcher::new(database.clone(), watch));
    let feed = ChangeFeed::new(revisions.clone(), engine.reader().clone(), engine.catalog());
    if knows_revision {
        revisions.follow();
    }
    let purge = config.purge.clone().map(|settings| Arc::new(Purge::new(settings)));
    let purged = purge.clone().map(|purge| {
        let progress = Arc::<purge::Progress>::default();
        let following = purge.follow(revisions.clone(), progress.clone());
        tokio::spawn(shutdown.clone().until_stopped(following));
        progress
    });
    let exports = export::Exports::new(engine.catalog(), config);
    let app = Arc::new(AppState {
        response_cache: config.cache_bytes.map(Cache::new),
        revisions,
        caching: Caching::of(config),
        purged,
        engine,
        database,
        feed: Arc::new(feed),
        audiences: Audiences::default(),
        origins: config.cors_origins.clone(),
        max_body_bytes: config.max_body_bytes,
        request_timeout: config.request_timeout,
        rate_limit: config.rate_limit.map(RateLimit::new),
        read_requires_key: config.read_requires_key,
        graphiql: config.graphiql,
        failed_attempts: FailedAttempts::default(),
        tokens: config.jwt.clone().map(Tokens::new),
        exports,
        sockets: Arc::new(Shares::new(limits.each, limits.all)),
        subscriptions: Arc::new(Shares::new(MAX_SUBSCRIPTIONS, usize::MAX)),
        edge: edge.clone(),
        _running: shutdown.guard(),
        shutdown: shutdown.clone(),
    });
    let catalog = app.engine.catalog();
    let (introspection, sdl) = (config.introspection, catalog::sdl(catalog));
    let mut router = Router::new()
        .route("/graphql", any(graphql::handle))
        .route("/graphql/", any(graphql::handle))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(metrics::handle))
        .route(
            "/schema.graphql",
            get(move |id: RequestId| async move { schema_text(introspection, sdl, &id) }),
        )
        .merge(export::routes(config))
        .with_state(app);
    if config.graphiql {
        router = router.merge(page::router(catalog));
    }
    let router = router.fallback(unknown_path).method_not_allowed_fallback(method_not_allowed);
    let router = with_layers(router, edge.clone(), cors(&config.cors_origins));
    let delays = (config.shutdown_delay, config.shutdown_timeout);
    Server { router, shutdown, edge, limits, delays, purge }
}

async fn unknown_path(RequestId(id): RequestId) -> Response {
    not_found(&id)
}

fn not_found(request_id: &str) -> Response {
    let api_error = ApiError::new(Code::NotFound, "Not found. The GraphQL endpoint is /graphql.");
    response::refuse_for(StatusCode::NOT_FOUND, response::Media::Json, &api_error, request_id)
}

/// The router has set `Allow`.
async fn method_not_allowed(RequestId(id): RequestId) -> Response {
    let api_error = ApiError::new(Code::BadUserInput, "This path does not support this method.");
    response::refuse_for(StatusCode::METHOD_NOT_ALLOWED, response::Media::Json, &api_error, &id)
}

/// The schema as plain text: its language has no registered media type, and browsers download unknown types.
fn schema_text(introspection: bool, sdl: String, RequestId(id): &RequestId) -> Response {
    if introspection {
        return ([(CONTENT_TYPE, "text/plain; charset=utf-8")], sdl).into_response();
    }
    let api_error = ApiError::new(Code::Forbidden, "Introspection is disabled on this server.");
    response::refuse_for(StatusCode::FORBIDDEN, response::Media::Json, &api_error, id)
}

/// Layers around every route: request ids, and responses even after a panic. One stack, because each layer costs time
/// per request.
fn with_layers(router: Router, edge: Arc<Edge>, cors: Option<CorsLayer>) -> Router {
    router.layer(
        ServiceBuilder::new()
            .layer(option_layer(cors))
            .layer(middleware::from_fn_with_state(edge, set_context))
            .layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| panicked())),
    )
}

/// Serves until `stop` resolves, then waits for running requests.
pub async fn serve(listener: TcpListener, server: Server, stop: impl Future<Output = ()> + Send + 'static) {
    let Server { router, shutdown, edge, limits, delays: (delay, run_timeout), purge } = server;
    let stopping = async {
        stop.await;
        shutdown.drain();
        tokio::time::sleep(delay).await;
    };
    connections::accept(listener, router, &edge, limits, shutdown.clone(), stopping).await;
    shutdown.stop();
    if tokio::time::timeout(run_timeout, shutdown.finished()).await.is_err() {
        tracing::warn!(
            "requests were still running after {} s and were cancelled",
            run_timeout.as_secs_f64()
        );
    }
    if let Some(purge) = purge {
        purge.end().await;
    }
}

fn cors(origins: &[String]) -> Option<CorsLayer> {
    let allowed = match origins {
        [] => return None,
        [any] if any == "*" => AllowOrigin::any(),
        origins => AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok())),
    };
    let exposed = [
        REQUEST_ID,
        RATE_LIMIT,
        RATE_LIMIT_POLICY,
        ETAG,
        RETRY_AFTER,
        WWW_AUTHENTICATE,
        revision::DOSSIER_REVISION,
    ];
    Some(
        CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods([Method::GET, Method::HEAD, Method::POST])
            // Clients send their own headers, such as those of tracing.
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(exposed)
            .max_age(PREFLIGHT_MAX_AGE),
    )
}

/// The address of the client, as trusted proxies report it, and that of the connection.
#[derive(Clone, Copy, Debug)]
struct Sender {
    client: IpAddr,
    peer: IpAddr,
}

impl<S: Sync> FromRequestParts<S> for Sender {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let nobody = IpAddr::from(Ipv4Addr::UNSPECIFIED);
        let sender = parts.extensions.get().copied();
        Ok(sender.unwrap_or(Sender { client: nobody, peer: nobody }))
    }
}

/// Sets the request's id and addresses; refuses hosts that are not allowed.
async fn set_context(
    State(edge): State<Arc<Edge>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut incoming: Request,
    next: Next,
) -> Response {
    let own_id = incoming.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok());
    let id = own_id.filter(|id| is_plain(id)).map_or_else(fresh_id, ToOwned::to_owned);
    let sender = Sender { client: edge.client(peer.ip(), incoming.headers()), peer: peer.ip() };
    let refused = edge.check(incoming.headers(), incoming.uri());
    incoming.extensions_mut().insert(RequestId(id.clone()));
    incoming.extensions_mut().insert(sender);
    let (method, path) = (incoming.method().as_str(), incoming.uri().path());
    let (client, headers) = (Some(sender.client), Some(incoming.headers()));
    let observed = Observed::new(id.clone(), Transport::Http, client, method, path, headers);
    let span = tracing::info_span!("request", id);
    let buffer = async {
        match refused {
            None => next.run(incoming).await,
            Some((status, api_error)) => {
                request::reason(&api_error.message);
                response::refuse_for(status, response::Media::Json, &api_error, &id)
            }
        }
    };
    let mut response = observed.scope(buffer.instrument(span)).await;
    // What says nothing else is not for any cache.
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    observed.finish(response)
}

fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// The languages that a client accepts, best first.
fn accepted_languages(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
    languages::accepted(&values.collect::<Vec<_>>().join(","))
}

fn fresh_id() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("{:016x}", RandomState::new().hash_one(()))
}

/// `telemetry::log` logs the panic itself.
fn panicked() -> Response {
    let api_error = ApiError::internal();
    let id = request::current_id().unwrap_or_default();
    response::refuse_for(StatusCode::INTERNAL_SERVER_ERROR, response::Media::Json, &api_error, &id)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_coded_error_and_the_connection_lives_on() {
        let fine = get(|| async { "fine" });
        let broken = get(|| async { "".parse::<u8>().expect("a secret of ours").to_string() });
        let config = Config::from_lookup(|_| None).unwrap();
        let edge = Arc::new(Edge::new(&config));
        let router = Router::new().route("/fine", fine).route("/broken", broken);
        let router = with_layers(router, edge.clone(), None);
        let limits = connections::Limits::of(&config);
        let shutdown = Shutdown::default();
        let delays = (Duration::ZERO, Duration::ZERO);
        let server = Server { router, shutdown, edge, limits, delays, purge: None };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, server, std::future::pending()));
        let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
        let mut responses = Vec::new();
        for path in ["/broken", "/fine"] {
            let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
            connection.write_all(request.as_bytes()).await.unwrap();
            let mut buffer = vec![0; 4096];
            let length = connection.read(&mut buffer).await.unwrap();
            responses.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
        assert!(responses[0].starts_with("HTTP/1.1 500") && responses[0].contains("\"code\":\"INTERNAL\""));
        for part in ["x-request-id", "\"requestId\":\""] {
            assert!(responses[0].contains(part), "{part} in {}", responses[0]);
        }
        assert!(!responses[0].contains("\"requestId\":\"\"") && !responses[0].contains("secret"));
        assert!(
            responses[1].starts_with("HTTP/1.1 200") && responses[1].ends_with("fine"),
            "{}",
            responses[1]
        );
    }
}
