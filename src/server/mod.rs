//! The server: what answers at which address.

pub mod connections;
pub mod credentials;
pub mod edge;
pub mod export;
pub mod graphql;
pub mod health;
pub mod metrics;
pub mod operation;
pub mod page;
pub mod response;
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
        HeaderName, HeaderValue, Method, StatusCode,
        header::{CONTENT_TYPE, ETAG, RETRY_AFTER, WWW_AUTHENTICATE},
        request::Parts,
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use tokio::net::TcpListener;
use tower::{ServiceBuilder, util::option_layer};
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowHeaders, AllowOrigin, CorsLayer},
};
use tracing::Instrument;

use crate::{
    auth::{
        limits::{Attempts, RateLimit, Shares},
        tokens::Tokens,
    },
    config::Config,
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
    server::{
        edge::Edge,
        shutdown::{Host, Staying},
    },
    telemetry::request::{self, Observed, Transport},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Subscriptions that a client may have at once, over all its connections.
const SUBSCRIPTIONS: usize = 1000;
/// How long a browser remembers what pages of an origin may send.
const PREFLIGHT: Duration = Duration::from_hours(1);
/// How often those who stay connected are shown that the server is there, and asked whether they are.
const BEAT: Duration = Duration::from_secs(20);
/// What somebody is told who doesn't read what they are told.
const TOO_SLOW: &str = "The client reads too slowly: reconnect, and subscribe with `since`.";

/// What every request can reach.
struct AppState {
    engine: Engine,
    database: Database,
    feed: Arc<ChangeFeed>,
    audiences: Audiences,
    keeping: Option<Keeping>,
    /// What intermediaries are told of answers to GET.
    cache_control: HeaderValue,
    edge: Arc<Edge>,
    /// Web origins whose pages may ask.
    origins: Vec<String>,
    max_body_bytes: usize,
    request_timeout: Duration,
    rate_limit: Option<RateLimit>,
    read_requires_key: bool,
    /// Whether the page is served too.
    graphiql: bool,
    attempts: Attempts,
    tokens: Option<Tokens>,
    exports: export::Exports,
    /// Sockets and subscriptions, each client's and all.
    sockets: Arc<Shares>,
    subscriptions: Arc<Shares>,
    staying: Staying,
}

/// Answers that are kept, and the revision that they are kept for.
struct Keeping {
    cache: Cache,
    current: Arc<RevisionWatcher>,
}

/// The name under which the log has a request: the client's own, or one of ours.
#[derive(Clone, Debug)]
struct RequestId(String);

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<RequestId>().cloned().unwrap_or_else(|| RequestId(String::new())))
    }
}

/// What answers questions, as the settings have it, and knows how large the base is.
pub async fn engine(config: &Config, database: &Database) -> Engine {
    let limits = Limits { tokens: config.max_tokens, depth: config.max_depth, aliases: config.max_aliases };
    let settings = Settings {
        limits,
        cost: config.max_cost,
        introspection: config.introspection,
        suggestions: config.suggestions,
    };
    let reader = Reader::new(database.readers().clone(), database.writers().clone())
        .with_slow_log(Slow { after: config.slow_statement, plan: config.slow_statement_plan });
    let engine = Engine::new(catalog::catalog(), reader, settings);
    engine.learn_sizes().await;
    engine
}

/// All that is served, and whom it waits for when it stops.
pub struct Server {
    router: Router,
    host: Host,
    staying: Staying,
    edge: Arc<Edge>,
    limits: connections::Limits,
    /// How long requests are still taken once the server is told to stop, and how long they may go on after that.
    shutdown: (Duration, Duration),
}

/// Everything that is served, over a database that has been migrated.
pub fn site(config: &Config, database: Database, engine: Engine) -> Server {
    let (host, staying) = shutdown::new();
    let limits = connections::Limits::of(config);
    let edge = Arc::new(Edge::new(config));
    let watch = if config.cache_bytes.is_some() { Watch::CLOSE } else { Watch::CALM };
    let current = Arc::new(RevisionWatcher::new(database.clone(), watch));
    let feed = ChangeFeed::new(current.clone(), engine.reader().clone(), engine.catalog());
    let keeping = config.cache_bytes.map(|room| {
        current.follow();
        Keeping { cache: Cache::new(room), current }
    });
    let app = Arc::new(AppState {
        keeping,
        cache_control: config.cache_control.clone(),
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
        attempts: Attempts::default(),
        tokens: config.jwt.clone().map(Tokens::new),
        exports: export::Exports::new(config.max_cost),
        sockets: Arc::new(Shares::new(limits.each, limits.all)),
        subscriptions: Arc::new(Shares::new(SUBSCRIPTIONS, usize::MAX)),
        edge: edge.clone(),
        staying: staying.clone(),
    });
    let (introspection, sdl) = (config.introspection, catalog::sdl());
    let mut router = Router::new()
        .route("/graphql", any(graphql::handle))
        .route("/graphql/", any(graphql::handle))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(metrics::tell))
        .route(
            "/schema.graphql",
            get(move |id: RequestId| async move { tell_schema(introspection, sdl, &id) }),
        )
        .merge(export::routes(config))
        .with_state(app);
    if config.graphiql {
        router = router.merge(page::router());
    }
    let router = router.fallback(nowhere).method_not_allowed_fallback(wrong_method);
    let router = surrounded(router, edge.clone(), cors(&config.cors_origins));
    Server { router, host, staying, edge, limits, shutdown: (config.shutdown_delay, config.shutdown_timeout) }
}

/// The answer where nothing is.
async fn nowhere(RequestId(id): RequestId) -> Response {
    not_found(&id)
}

fn not_found(request_id: &str) -> Response {
    let api_error = ApiError::new(Code::NotFound, "Not found. The GraphQL endpoint is /graphql.");
    response::refuse_for(StatusCode::NOT_FOUND, response::Media::Json, &api_error, request_id)
}

/// The answer to a method that an address doesn't take; `Allow` says which it does.
async fn wrong_method(RequestId(id): RequestId) -> Response {
    let api_error = ApiError::new(Code::BadUserInput, "This path does not support this method.");
    response::refuse_for(StatusCode::METHOD_NOT_ALLOWED, response::Media::Json, &api_error, &id)
}

/// The schema, unless introspection is turned off. As plain text, for that is what browsers show: the
/// language of schemas has no registered media type, and what they don't know they download.
fn tell_schema(introspection: bool, sdl: String, RequestId(id): &RequestId) -> Response {
    if introspection {
        return ([(CONTENT_TYPE, "text/plain; charset=utf-8")], sdl).into_response();
    }
    let api_error = ApiError::new(Code::Forbidden, "Introspection is disabled on this server.");
    response::refuse_for(StatusCode::FORBIDDEN, response::Media::Json, &api_error, id)
}

/// What every answer has around it: a name for its request, and an answer even to one that panics. One
/// layer of all, as each takes its turn at every request.
fn surrounded(router: Router, edge: Arc<Edge>, cors: Option<CorsLayer>) -> Router {
    router.layer(
        ServiceBuilder::new()
            .layer(option_layer(cors))
            .layer(middleware::from_fn_with_state(edge, identify))
            .layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| panicked())),
    )
}

/// Serves until `stop` resolves, then lets the requests that run finish.
pub async fn serve(
    listener: TcpListener,
    site: Server,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let Server { router, host, staying, edge, limits, shutdown: (delay, patience) } = site;
    let stopping = async {
        stop.await;
        host.leave();
        tokio::time::sleep(delay).await;
    };
    connections::accept(listener, router, &edge, limits, staying, stopping).await;
    host.stop();
    if tokio::time::timeout(patience, host.closed()).await.is_err() {
        tracing::warn!("requests were still running after {} s and were cancelled", patience.as_secs_f64());
    }
    Ok(())
}

fn cors(origins: &[String]) -> Option<CorsLayer> {
    let allowed = match origins {
        [] => return None,
        [any] if any == "*" => AllowOrigin::any(),
        origins => AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok())),
    };
    let told = [REQUEST_ID, RATE_LIMIT, RATE_LIMIT_POLICY, ETAG, RETRY_AFTER, WWW_AUTHENTICATE];
    Some(
        CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods([Method::GET, Method::HEAD, Method::POST])
            // Clients name themselves and their traces in headers of many names.
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(told)
            .max_age(PREFLIGHT),
    )
}

/// Whoever sends a request: their address, as the connection or a proxy that is trusted has it, and that of the
/// connection.
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

/// Names the request, for the log and for the client, and its sender; refuses what is for another server.
async fn identify(
    State(edge): State<Arc<Edge>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut asked: Request,
    next: Next,
) -> Response {
    let given = asked.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok());
    let id = given.filter(|id| is_plain(id)).map_or_else(fresh_id, ToOwned::to_owned);
    let sender = Sender { client: edge.client(peer.ip(), asked.headers()), peer: peer.ip() };
    let refused = edge.refuses(asked.headers(), asked.uri());
    asked.extensions_mut().insert(RequestId(id.clone()));
    asked.extensions_mut().insert(sender);
    let (method, path) = (asked.method().as_str(), asked.uri().path());
    let (client, headers) = (Some(sender.client), Some(asked.headers()));
    let observed = Observed::new(id.clone(), Transport::Http, client, method, path, headers);
    let span = tracing::info_span!("request", id);
    let answer = async {
        match refused {
            None => next.run(asked).await,
            Some((status, api_error)) => {
                request::reason(&api_error.message);
                response::refuse_for(status, response::Media::Json, &api_error, &id)
            }
        }
    };
    let mut response = observed.scope(answer.instrument(span)).await;
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    observed.answered(response)
}

fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn fresh_id() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("{:016x}", RandomState::new().hash_one(()))
}

/// What a client is told of a panic; `telemetry::log` has told the log.
fn panicked() -> Response {
    let api_error = ApiError::internal();
    response::refuse_for(StatusCode::INTERNAL_SERVER_ERROR, response::Media::Json, &api_error, "")
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
        let router = surrounded(router, edge.clone(), None);
        let (host, staying) = shutdown::new();
        let limits = connections::Limits::of(&config);
        let site = Server { router, host, staying, edge, limits, shutdown: (Duration::ZERO, Duration::ZERO) };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, site, std::future::pending()));
        let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
        let mut answers = Vec::new();
        for path in ["/broken", "/fine"] {
            let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
            connection.write_all(request.as_bytes()).await.unwrap();
            let mut answer = vec![0; 4096];
            let length = connection.read(&mut answer).await.unwrap();
            answers.push(String::from_utf8_lossy(&answer[..length]).into_owned());
        }
        assert!(answers[0].starts_with("HTTP/1.1 500") && answers[0].contains("\"code\":\"INTERNAL\""));
        assert!(answers[0].contains("x-request-id") && !answers[0].contains("secret"), "{}", answers[0]);
        assert!(answers[1].starts_with("HTTP/1.1 200") && answers[1].ends_with("fine"), "{}", answers[1]);
    }
}
