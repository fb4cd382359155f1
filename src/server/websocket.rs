//! GraphQL over WebSocket: `graphql-transport-ws`, for queries and mutations too. A connection that breaks the
//! protocol is closed with the protocol's code; one whose client reads too slowly, with `SLOW`.

use std::{collections::HashMap, net::IpAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade},
    http::{HeaderMap, header::ORIGIN, request::Parts},
    response::Response,
};
use futures_util::FutureExt;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::{AbortHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout},
};
use tracing::Instrument;

use crate::{
    auth::{caller::Identity, limits::Share},
    database::client::Client,
    error::{self, ApiError, Code},
    server::{
        AppState, PING_INTERVAL, Sender, TOO_SLOW, accepted_languages,
        connections::Permit,
        credentials::Credentials,
        fresh_id,
        operation::{Parameters, Requester},
        revision,
        shutdown::Shutdown,
    },
    telemetry::request::{self, Observed, Transport},
};

const PROTOCOL: &str = "graphql-transport-ws";
/// How long a client may take to send `connection_init`.
const CONNECTION_INIT_TIMEOUT: Duration = Duration::from_secs(5);
/// Concurrent operations of a connection.
const MAX_OPERATIONS: usize = 100;
/// The maximum size of an operation's id in bytes: a close reason of at most 123 bytes contains it.
const MAX_ID: usize = 90;
/// Messages that wait to be sent.
const QUEUE: usize = 16;
/// Responses of a connection that are being made or wait to be sent.
const MAX_UNSENT: usize = 8;
/// How long the closing handshake may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Close codes: of the protocol, one of our own, and of WebSocket.
const BAD_REQUEST: u16 = 4400;
const UNAUTHORIZED: u16 = 4401;
const FORBIDDEN: u16 = 4403;
const NOT_ACCEPTABLE: u16 = 4406;
const CONNECTION_INIT_TIMED_OUT: u16 = 4408;
const SUBSCRIBER_EXISTS: u16 = 4409;
/// The client reads too slowly. It may reconnect, and subscribe with `since`.
const SLOW: u16 = 4410;
const TOO_MANY_INIT_REQUESTS: u16 = 4429;
const GOING_AWAY: u16 = 1001;
const TOO_BIG: u16 = 1009;
const TRY_AGAIN: u16 = 1013;

/// Refuses origins that are not allowed: CORS doesn't cover web sockets.
fn check_origin(app: &AppState, sender: Sender, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let origin = String::from_utf8_lossy(origin.as_bytes());
    if app.origins.iter().any(|allowed| allowed == "*" || *allowed == origin)
        || app.edge.is_own(&origin, sender.peer, headers)
    {
        return Ok(());
    }
    let message =
        format!("Origin `{origin}` is not allowed. The operator of the server can add it to CORS_ORIGINS.");
    request::reason(&message);
    Err(ApiError::new(Code::Forbidden, message))
}

pub(super) fn open(
    app: Arc<AppState>,
    upgrade: WebSocketUpgrade,
    credentials: Credentials,
    sender: Sender,
    parts: &Parts,
) -> Result<Response, ApiError> {
    check_origin(&app, sender, &parts.headers)?;
    let revision = revision::named(&parts.headers)?;
    let client = sender.client;
    // Clients behind a proxy are limited by their own address. The connection is counted while it is open.
    let share = app.sockets.take(Some(Client::at(client))).map_err(|full| full.api_error("WebSockets"))?;
    let permits = (share, parts.extensions.get::<Permit>().cloned());
    let languages = accepted_languages(&parts.headers);
    let (size, shutdown) = (app.max_body_bytes, app.shutdown.clone());
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(size).max_frame_size(size);
    // The default buffer is large for many connections with small messages.
    let upgrade = upgrade.read_buffer_size(4096);
    Ok(upgrade.on_upgrade(async move |socket| {
        let (messages, outgoing) = mpsc::channel(QUEUE);
        let connection = Connection {
            app,
            socket,
            client,
            credentials,
            languages,
            revision,
            identity: None,
            operations: HashMap::new(),
            tasks: JoinSet::new(),
            started: 0,
            messages,
            unsent: Arc::new(Semaphore::new(MAX_UNSENT)),
            _permits: permits,
        };
        connection.run(outgoing, shutdown).await;
    }))
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Received {
    ConnectionInit { payload: Option<Map<String, Value>> },
    Ping { payload: Option<Map<String, Value>> },
    Pong {},
    Subscribe { id: String, payload: Box<Parameters> },
    Complete { id: String },
}

enum Disconnect {
    /// The client has disconnected.
    ByClient,
    Closed(u16, String),
}

struct Outgoing {
    id: Arc<str>,
    /// Distinguishes operations that had the same id.
    number: u64,
    kind: OutgoingKind,
    /// Held until the response is sent.
    _unsent: Option<OwnedSemaphorePermit>,
}

enum OutgoingKind {
    Next(Arc<str>),
    Error(Value),
    Complete,
}

struct Connection {
    app: Arc<AppState>,
    socket: WebSocket,
    client: IpAddr,
    credentials: Credentials,
    /// The languages that the client accepts, by the header of its handshake.
    languages: Vec<String>,
    /// The revision that responses to queries must be at least as new as.
    revision: Option<i64>,
    /// None before `connection_init`.
    identity: Option<Identity>,
    operations: HashMap<Arc<str>, (u64, AbortHandle)>,
    tasks: JoinSet<()>,
    started: u64,
    messages: mpsc::Sender<Outgoing>,
    unsent: Arc<Semaphore>,
    _permits: (Share, Option<Permit>),
}

impl Connection {
    async fn run(mut self, outgoing: mpsc::Receiver<Outgoing>, shutdown: Shutdown) {
        // The server also waits for the closing handshake.
        let _running = shutdown.guard();
        let end = self.serve(outgoing, shutdown).await;
        if let Disconnect::Closed(code, reason) = &end {
            let close = CloseFrame { code: *code, reason: shortened(reason).into() };
            let _ = timeout(CLOSE_TIMEOUT, self.socket.send(Message::Close(Some(close)))).await;
        }
        // Both sides send a close frame; reading on completes the handshake.
        let closing = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        let _ = timeout(CLOSE_TIMEOUT, closing).await;
        if let Disconnect::Closed(TOO_BIG, _) = end {
            // Unread data would reset the connection, and the client would not get the close frame.
            sleep(Duration::from_secs(1)).await;
        }
    }

    async fn serve(&mut self, mut outgoing: mpsc::Receiver<Outgoing>, shutdown: Shutdown) -> Disconnect {
        if self.socket.protocol().is_none() {
            return closed(NOT_ACCEPTABLE, "Subprotocol not acceptable");
        }
        let init_timeout = sleep_until(Instant::now() + CONNECTION_INIT_TIMEOUT);
        tokio::pin!(init_timeout);
        let mut ping = interval(PING_INTERVAL);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_received = Instant::now();
        loop {
            let done = tokio::select! {
                () = shutdown.stopped() => Err(closed(GOING_AWAY, "Going away")),
                () = &mut init_timeout, if self.identity.is_none() => {
                    Err(closed(CONNECTION_INIT_TIMED_OUT, "Connection initialisation timeout"))
                }
                received = self.socket.recv() => {
                    last_received = Instant::now();
                    self.receive(received).await
                }
                Some(message) = outgoing.recv() => {
                    let done = self.send_outgoing(message).await;
                    last_received = Instant::now();
                    done
                }
                Some(_) = self.tasks.join_next() => Ok(()),
                _ = ping.tick() => {
                    if last_received.elapsed() > 2 * PING_INTERVAL { Err(Disconnect::ByClient) } else { self.ping().await }
                }
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// Checks the credentials again, and pings.
    async fn ping(&mut self) -> Result<(), Disconnect> {
        if self.identity.is_some() {
            self.credentials
                .check_again(&self.app)
                .await
                .map_err(|api_error| closed(FORBIDDEN, api_error.message))?;
        }
        self.send(Message::Ping(Bytes::new())).await
    }

    async fn receive(&mut self, received: Option<Result<Message, axum::Error>>) -> Result<(), Disconnect> {
        match received {
            None | Some(Ok(Message::Close(_))) => Err(Disconnect::ByClient),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                Ok(received) => self.handle(received).await,
                Err(_) => Err(closed(BAD_REQUEST, "Invalid message received")),
            },
            Some(Ok(Message::Binary(_))) => Err(closed(BAD_REQUEST, "Only text messages are supported")),
            Some(Err(error)) => Err(if is_too_big(&error) {
                closed(TOO_BIG, format!("The maximum size of a message is {} bytes", self.app.max_body_bytes))
            } else {
                Disconnect::ByClient
            }),
        }
    }

    async fn handle(&mut self, received: Received) -> Result<(), Disconnect> {
        match received {
            Received::ConnectionInit { .. } if self.identity.is_some() => {
                Err(closed(TOO_MANY_INIT_REQUESTS, "Too many initialisation requests"))
            }
            Received::ConnectionInit { payload } => {
                if let Some(key) = payload.as_ref().and_then(key_of) {
                    self.credentials = Credentials::from(key);
                }
                if let Some(named) = payload.as_ref().and_then(|payload| parameter(payload, revision::NAME)) {
                    let text = named.as_str().map_or_else(|| named.to_string(), ToOwned::to_owned);
                    let named = revision::parse(&text, revision::NAME);
                    self.revision = Some(named.map_err(|api_error| closed(BAD_REQUEST, api_error.message))?);
                }
                self.identity = Some(self.identify().await?);
                self.send_json(&json!({ "type": "connection_ack" })).await
            }
            Received::Ping { payload: None } => self.send_json(&json!({ "type": "pong" })).await,
            Received::Ping { payload } => {
                self.send_json(&json!({ "type": "pong", "payload": payload })).await
            }
            Received::Pong {} => Ok(()),
            Received::Subscribe { .. } if self.identity.is_none() => {
                Err(closed(UNAUTHORIZED, "Unauthorized"))
            }
            Received::Subscribe { id, .. } if id.len() > MAX_ID => {
                Err(closed(BAD_REQUEST, format!("The maximum size of an id is {MAX_ID} bytes")))
            }
            Received::Subscribe { id, .. } if self.operations.contains_key(id.as_str()) => {
                Err(closed(SUBSCRIBER_EXISTS, format!("Subscriber for {id} already exists")))
            }
            Received::Subscribe { id, payload } => self.start(id.into(), *payload).await,
            Received::Complete { id } => {
                if let Some((_, operation)) = self.operations.remove(id.as_str()) {
                    operation.abort();
                }
                Ok(())
            }
        }
    }

    /// Identifies the client again: its key may have been revoked.
    async fn identify(&mut self) -> Result<Identity, Disconnect> {
        self.credentials.identify(&self.app, self.client).await.map_err(|api_error| match api_error.code {
            Code::Unavailable => closed(TRY_AGAIN, api_error.message),
            _ => closed(FORBIDDEN, api_error.message),
        })
    }

    async fn start(&mut self, id: Arc<str>, parameters: Parameters) -> Result<(), Disconnect> {
        self.started += 1;
        let operation = Operation {
            app: self.app.clone(),
            id: id.clone(),
            number: self.started,
            request_id: fresh_id(),
            languages: self.languages.clone(),
            revision: self.revision,
            messages: self.messages.clone(),
            unsent: self.unsent.clone(),
        };
        if self.operations.len() >= MAX_OPERATIONS {
            let api_error = ApiError::beyond("concurrent operations", MAX_OPERATIONS, MAX_OPERATIONS + 1);
            let errors = error::list_to_json(&[api_error], &operation.request_id);
            return self.send_json(&json!({ "id": &*id, "type": "error", "payload": errors })).await;
        }
        let identity = self.identify().await?;
        let requester = Requester::new(identity, self.client);
        let span = tracing::info_span!("request", id = operation.request_id);
        let task = self.tasks.spawn(operation.run(requester, parameters).instrument(span));
        self.operations.insert(id, (self.started, task));
        Ok(())
    }

    /// Sends a message, unless the client has completed the operation.
    async fn send_outgoing(
        &mut self,
        Outgoing { id, number, kind, _unsent }: Outgoing,
    ) -> Result<(), Disconnect> {
        if self.operations.get(&id).is_none_or(|(current, _)| *current != number) {
            return Ok(());
        }
        match kind {
            OutgoingKind::Next(payload) => {
                let id = Value::from(&*id);
                let message = format!("{{\"id\":{id},\"type\":\"next\",\"payload\":{payload}}}");
                self.send(Message::Text(message.into())).await
            }
            OutgoingKind::Error(errors) => {
                self.operations.remove(&id);
                self.send_json(&json!({ "id": &*id, "type": "error", "payload": errors })).await
            }
            OutgoingKind::Complete => {
                self.operations.remove(&id);
                self.send_json(&json!({ "id": &*id, "type": "complete" })).await
            }
        }
    }

    async fn send_json(&mut self, message: &Value) -> Result<(), Disconnect> {
        self.send(Message::Text(message.to_string().into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Disconnect> {
        match timeout(self.app.request_timeout, self.socket.send(message)).await {
            Ok(sent) => sent.map_err(|_| Disconnect::ByClient),
            Err(_) => Err(closed(SLOW, TOO_SLOW)),
        }
    }
}

struct Operation {
    app: Arc<AppState>,
    id: Arc<str>,
    number: u64,
    request_id: String,
    languages: Vec<String>,
    revision: Option<i64>,
    messages: mpsc::Sender<Outgoing>,
    unsent: Arc<Semaphore>,
}

impl Operation {
    /// Runs the operation, and logs it like a request.
    async fn run(self, requester: Requester, parameters: Parameters) {
        let (id, client) = (self.request_id.clone(), Some(requester.client));
        let observed = Observed::new(id, Transport::WebSocket, client, "SUBSCRIBE", "/graphql", None);
        let identity = &requester.identity;
        observed.set_caller(identity.role.name(), identity.name.as_deref());
        observed.scope(Box::pin(self.run_to_end(requester, parameters))).await;
        observed.ended();
    }

    async fn run_to_end(&self, requester: Requester, parameters: Parameters) {
        let outcome = AssertUnwindSafe(self.execute(&requester, parameters)).catch_unwind().await;
        let last = match outcome {
            Ok(Ok(())) => OutgoingKind::Complete,
            Ok(Err(api_errors)) => self.error_message(&api_errors),
            Err(_) => self.error_message(&[ApiError::internal()]),
        };
        self.queue(last, None).await;
    }

    fn error_message(&self, api_errors: &[ApiError]) -> OutgoingKind {
        request::refused(api_errors);
        OutgoingKind::Error(error::list_to_json(api_errors, &self.request_id))
    }

    async fn execute(&self, requester: &Requester, parameters: Parameters) -> Result<(), Vec<ApiError>> {
        let one = |api_error| vec![api_error];
        let reports_cache = parameters.reports_cache();
        let prepared =
            self.app.prepare(parameters.into_request(self.languages.clone()).map_err(one)?, requester)?;
        if !prepared.is_subscription() {
            let unsent = self.unsent.clone().acquire_owned().await.ok();
            let response = self.app.execute(&prepared, requester, self.revision).await.map_err(one)?;
            let json = response.into_json(&self.request_id, reports_cache);
            request::sent(json.len());
            self.queue(OutgoingKind::Next(String::from_utf8_lossy(&json).into()), unsent).await;
            return Ok(());
        }
        let mut subscription = self.app.subscribe(&prepared, requester, None).await.map_err(one)?;
        loop {
            let change = subscription.next().await.map_err(one)?;
            let response = subscription.response(&change).await;
            request::event();
            request::sent(response.len());
            self.queue(OutgoingKind::Next(response), None).await;
        }
    }

    /// Queues a message; waits if the queue is full.
    async fn queue(&self, kind: OutgoingKind, unsent: Option<OwnedSemaphorePermit>) {
        let message = Outgoing { id: self.id.clone(), number: self.number, kind, _unsent: unsent };
        let _ = self.messages.send(message).await;
    }
}

fn closed(code: u16, reason: impl Into<String>) -> Disconnect {
    Disconnect::Closed(code, reason.into())
}

/// The maximum size of a close reason is 123 bytes.
fn shortened(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(123)]
}

/// A parameter of `connection_init`, under the name of the header.
fn parameter<'p>(payload: &'p Map<String, Value>, header: &str) -> Option<&'p Value> {
    payload.iter().find(|(name, _)| name.eq_ignore_ascii_case(header)).map(|(_, value)| value)
}

/// The key in the payload of `connection_init`.
fn key_of(payload: &Map<String, Value>) -> Option<String> {
    let key = parameter(payload, "authorization")?;
    // A value that is not text is an invalid key.
    Some(key.as_str().unwrap_or_default().to_owned())
}

fn is_too_big(error: &axum::Error) -> bool {
    use std::error::Error;
    error.source().is_some_and(|cause| cause.to_string().contains("too long"))
}
