//! The server: what answers at which address.

mod authentication;
mod export;
mod graphql;
mod health;
mod metrics;
mod operation;
pub mod page;
mod sse;
mod staying;
mod websocket;

use std::{any::Any, convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{FromRequestParts, Request},
    http::{HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get},
    serve::ListenerExt,
};
use serde_json::json;
use tokio::net::TcpListener;
use tower::{ServiceBuilder, util::option_layer};
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowOrigin, CorsLayer},
};

use self::staying::{Host, Staying};
use crate::{
    cache::Cache,
    config::Config,
    current::{Current, Watch},
    database::Database,
    error::{Code, Refusal},
    feed::Feed,
    jwt::Tokens,
    limits::{Attempts, RateLimit},
    query::{Audiences, Engine, Limits, Settings, reader::Reader},
    schema,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How long requests that run may go on once the server is asked to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// How often those who stay connected are shown that the server is there, and asked whether they are.
const BEAT: Duration = Duration::from_secs(20);
/// What somebody is told who doesn't read what they are told.
const TOO_SLOW: &str = "You read too slowly: come back and ask with `since`.";

/// What every request can reach.
struct App {
    engine: Engine,
    database: Database,
    feed: Arc<Feed>,
    audiences: Audiences,
    keeping: Option<Keeping>,
    /// What intermediaries are told of answers to GET.
    cache_control: HeaderValue,
    /// Web origins whose pages may ask.
    origins: Vec<String>,
    max_body_bytes: usize,
    request_timeout: Duration,
    rate_limit: Option<RateLimit>,
    read_requires_key: bool,
    attempts: Attempts,
    tokens: Option<Tokens>,
    exports: export::Exports,
    staying: Staying,
}

/// Answers that are kept, and the revision that they are kept for.
struct Keeping {
    cache: Cache,
    current: Arc<Current>,
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

/// What answers questions, as the settings have it.
pub fn engine(config: &Config, database: &Database) -> Engine {
    let limits = Limits { tokens: config.max_tokens, depth: config.max_depth, aliases: config.max_aliases };
    let settings = Settings {
        limits,
        cost: config.max_cost,
        introspection: config.introspection,
        suggestions: config.suggestions,
    };
    let reader = Reader::new(database.readers().clone(), database.writers().clone());
    Engine::new(schema::catalog(), reader, settings)
}

/// All that is served, and whom it waits for when it stops.
pub struct Site {
    router: Router,
    host: Host,
}

/// Everything that is served, over a database that has been migrated.
pub fn site(config: &Config, database: Database, engine: Engine) -> Site {
    let (host, staying) = staying::new();
    let watch = if config.cache_bytes.is_some() { Watch::CLOSE } else { Watch::CALM };
    let current = Arc::new(Current::new(database.clone(), watch));
    let feed = Feed::new(current.clone(), engine.reader().clone(), engine.catalog());
    let keeping = config.cache_bytes.map(|room| {
        current.follow();
        Keeping { cache: Cache::new(room), current }
    });
    let app = Arc::new(App {
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
        attempts: Attempts::default(),
        tokens: config.jwt.clone().map(Tokens::new),
        exports: export::Exports::new(config.max_cost),
        staying,
    });
    let sdl = schema::sdl();
    let mut router = Router::new()
        .route("/graphql", any(graphql::handle))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(metrics::tell))
        .route(
            "/schema.graphql",
            get(|| async move { ([(CONTENT_TYPE, "application/graphql; charset=utf-8")], sdl) }),
        )
        .merge(export::routes(config))
        .with_state(app);
    if config.graphiql {
        router = router.merge(page::router());
    }
    Site { router: surrounded(router, cors(&config.cors_origins)), host }
}

/// What every answer has around it: a name for its request, and an answer even to one that panics. One
/// layer of all, as each takes its turn at every request.
fn surrounded(router: Router, cors: Option<CorsLayer>) -> Router {
    router.layer(
        ServiceBuilder::new()
            .layer(middleware::from_fn(identify))
            .layer(CatchPanicLayer::custom(|cause: Box<dyn Any + Send>| panicked(&*cause)))
            .layer(option_layer(cors)),
    )
}

/// Serves until `stop` resolves, then lets the requests that run finish.
pub async fn serve(
    listener: TcpListener,
    Site { router, host }: Site,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (bell, mut stopping) = (host.bell(), host.stopping());
    let listener = listener.tap_io(|stream| {
        // Answers are written whole; waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
    });
    let server = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>());
    let server = server.with_graceful_shutdown(async move {
        stop.await;
        let _ = bell.send(true);
    });
    tokio::select! {
        ended = async {
            server.await?;
            host.closed().await;
            Ok(())
        } => ended,
        () = async {
            let _ = stopping.wait_for(|stop| *stop).await;
            tokio::time::sleep(DRAIN).await;
        } => {
            tracing::warn!("requests still ran after {} s; they were given up", DRAIN.as_secs());
            Ok(())
        }
    }
}

fn cors(origins: &[String]) -> Option<CorsLayer> {
    let allowed = match origins {
        [] => return None,
        [any] if any == "*" => AllowOrigin::any(),
        origins => AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok())),
    };
    let headers = [CONTENT_TYPE, axum::http::header::AUTHORIZATION, REQUEST_ID];
    Some(CorsLayer::new().allow_origin(allowed).allow_headers(headers).expose_headers([REQUEST_ID]))
}

/// Names the request, for the log and for the client.
async fn identify(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok());
    let id = given.filter(|id| is_plain(id)).map_or_else(fresh_id, ToOwned::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!("request", id);
    let mut response = tracing::Instrument::instrument(next.run(request), span).await;
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn fresh_id() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("{:016x}", RandomState::new().hash_one(()))
}

fn panicked(cause: &(dyn Any + Send)) -> Response {
    let text =
        cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
    tracing::error!(cause = text.unwrap_or("unknown"), "a request panicked");
    let refusal = Refusal::new(Code::Internal, "Something went wrong on our side.");
    (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "errors": [refusal.to_json("")] }))).into_response()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_coded_error_and_the_connection_lives_on() {
        let fine = get(|| async { "fine" });
        let broken = get(|| async { "".parse::<u8>().expect("a secret of ours").to_string() });
        let router = surrounded(Router::new().route("/fine", fine).route("/broken", broken), None);
        let site = Site { router, host: staying::new().0 };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, site, std::future::pending()));
        let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
        let mut answers = Vec::new();
        for path in ["/broken", "/fine"] {
            let request = format!("GET {path} HTTP/1.1\r\nhost: dossier\r\n\r\n");
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
