//! GraphQL over WebSocket, as `graphql-transport-ws` has it: many operations on one connection, queries
//! and mutations too. A connection that breaks the protocol is closed with the code that the protocol
//! has for it; one that takes too long to read what it is told is closed with `SLOW`.

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
    sync::mpsc,
    task::{AbortHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout},
};
use tracing::Instrument;

use crate::{
    auth::{caller::Identity, limits::Share},
    database::client::Client,
    error::{self, ApiError, Code},
    server::{
        AppState, BEAT, Sender, TOO_SLOW,
        connections::Held,
        credentials::Credentials,
        fresh_id,
        operation::{Parameters, Requester},
        shutdown::Staying,
    },
    telemetry::request::{self, Observed, Transport},
};

const PROTOCOL: &str = "graphql-transport-ws";
/// How long a client may take to introduce itself.
const INTRODUCTION: Duration = Duration::from_secs(5);
/// Operations that may run on a connection at once.
const OPERATIONS: usize = 100;
/// Bytes of the id of an operation: it is kept as long as that runs, and a reason to close has 123 that name it.
const ID: usize = 90;
/// Messages of operations that wait to be sent.
const WAITING: usize = 16;
/// How long a client that took too long may take to hear so.
const FAREWELL: Duration = Duration::from_secs(5);

/// Codes that connections are closed with: the protocol's, one of ours, and WebSocket's own.
const INVALID: u16 = 4400;
const UNAUTHORIZED: u16 = 4401;
const FORBIDDEN: u16 = 4403;
const NOT_ACCEPTABLE: u16 = 4406;
const NO_INTRODUCTION: u16 = 4408;
const EXISTS: u16 = 4409;
/// The client doesn't read what it is told; it may come back and ask with `since`.
const SLOW: u16 = 4410;
const INTRODUCED: u16 = 4429;
const GOING_AWAY: u16 = 1001;
const TOO_BIG: u16 = 1009;
const TRY_AGAIN: u16 = 1013;

/// Refuses a page of another origin, unless it may connect: browsers leave that for the server to say.
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

/// Goes over to WebSocket.
pub(super) fn open(
    app: Arc<AppState>,
    upgrade: WebSocketUpgrade,
    shows: Credentials,
    sender: Sender,
    parts: &Parts,
) -> Result<Response, ApiError> {
    check_origin(&app, sender, &parts.headers)?;
    let client = sender.client;
    // Behind a proxy each client has a share of its own; the connection counts as long as it is open.
    let share = app.sockets.take(Some(Client::at(client))).map_err(|full| full.api_error("WebSockets"))?;
    let held = (share, parts.extensions.get::<Held>().cloned());
    let (size, staying) = (app.max_body_bytes, app.staying.clone());
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(size).max_frame_size(size);
    // The usual size is kept for each connection, and most messages are small.
    let upgrade = upgrade.read_buffer_size(4096);
    Ok(upgrade.on_upgrade(async move |socket| {
        let (messages, told) = mpsc::channel(WAITING);
        let connection = Connection {
            app,
            socket,
            client,
            shows,
            identity: None,
            operations: HashMap::new(),
            tasks: JoinSet::new(),
            begun: 0,
            messages,
            _held: held,
        };
        connection.run(told, staying).await;
    }))
}

/// What a client sends.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Received {
    ConnectionInit { payload: Option<Map<String, Value>> },
    Ping { payload: Option<Map<String, Value>> },
    Pong {},
    Subscribe { id: String, payload: Box<Parameters> },
    Complete { id: String },
}

/// Why a connection ends.
enum End {
    /// The client has gone.
    Gone,
    Closed(u16, String),
}

/// What an operation says.
struct Said {
    id: Arc<str>,
    /// Its number: another operation may have had the same id before.
    number: u64,
    what: What,
}

enum What {
    Next(Arc<str>),
    /// The errors, as JSON.
    Error(Value),
    Complete,
}

struct Connection {
    app: Arc<AppState>,
    socket: WebSocket,
    client: IpAddr,
    shows: Credentials,
    /// Known once the client has introduced itself.
    identity: Option<Identity>,
    operations: HashMap<Arc<str>, (u64, AbortHandle)>,
    tasks: JoinSet<()>,
    /// Operations begun so far.
    begun: u64,
    messages: mpsc::Sender<Said>,
    _held: (Share, Option<Held>),
}

impl Connection {
    async fn run(mut self, told: mpsc::Receiver<Said>, staying: Staying) {
        // The server waits for the goodbye, too.
        let _here = staying.clone();
        let end = self.serve(told, staying).await;
        if let End::Closed(code, reason) = &end {
            let close = CloseFrame { code: *code, reason: shortened(reason).into() };
            let _ = timeout(FAREWELL, self.socket.send(Message::Close(Some(close)))).await;
        }
        // Whoever was told goodbye says so too; whoever said it first is answered by being read on.
        let goodbye = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        let _ = timeout(FAREWELL, goodbye).await;
        if let End::Closed(TOO_BIG, _) = end {
            // What can't be read is left; hung up on at once, its sender would lose the reason.
            sleep(Duration::from_secs(1)).await;
        }
    }

    async fn serve(&mut self, mut told: mpsc::Receiver<Said>, mut staying: Staying) -> End {
        if self.socket.protocol().is_none() {
            return closed(NOT_ACCEPTABLE, "Subprotocol not acceptable");
        }
        let introduction = sleep_until(Instant::now() + INTRODUCTION);
        tokio::pin!(introduction);
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            let done = tokio::select! {
                () = staying.stopped() => Err(closed(GOING_AWAY, "Going away")),
                () = &mut introduction, if self.identity.is_none() => {
                    Err(closed(NO_INTRODUCTION, "Connection initialisation timeout"))
                }
                received = self.socket.recv() => {
                    heard = Instant::now();
                    self.receive(received).await
                }
                Some(said) = told.recv() => {
                    let done = self.say(said).await;
                    heard = Instant::now();
                    done
                }
                Some(_) = self.tasks.join_next() => Ok(()),
                _ = beat.tick() => {
                    if heard.elapsed() > 2 * BEAT { Err(End::Gone) } else { self.beat().await }
                }
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// A sign of life, and a look at whether the client may still be here.
    async fn beat(&mut self) -> Result<(), End> {
        if self.identity.is_some() {
            self.shows.still(&self.app).await.map_err(|api_error| closed(FORBIDDEN, api_error.message))?;
        }
        self.send(Message::Ping(Bytes::new())).await
    }

    async fn receive(&mut self, received: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        match received {
            None | Some(Ok(Message::Close(_))) => Err(End::Gone),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                Ok(received) => self.understand(received).await,
                Err(_) => Err(closed(INVALID, "Invalid message received")),
            },
            Some(Ok(Message::Binary(_))) => Err(closed(INVALID, "Only text messages are supported")),
            Some(Err(error)) => Err(if is_too_big(&error) {
                closed(TOO_BIG, format!("The maximum size of a message is {} bytes", self.app.max_body_bytes))
            } else {
                End::Gone
            }),
        }
    }

    async fn understand(&mut self, received: Received) -> Result<(), End> {
        match received {
            Received::ConnectionInit { .. } if self.identity.is_some() => {
                Err(closed(INTRODUCED, "Too many initialisation requests"))
            }
            Received::ConnectionInit { payload } => {
                if let Some(shown) = payload.as_ref().and_then(key_of) {
                    self.shows = Credentials::from(shown);
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
            Received::Subscribe { id, .. } if id.len() > ID => {
                Err(closed(INVALID, format!("The maximum size of an id is {ID} bytes")))
            }
            Received::Subscribe { id, .. } if self.operations.contains_key(id.as_str()) => {
                Err(closed(EXISTS, format!("Subscriber for {id} already exists")))
            }
            Received::Subscribe { id, payload } => self.begin(id.into(), *payload).await,
            Received::Complete { id } => {
                if let Some((_, operation)) = self.operations.remove(id.as_str()) {
                    operation.abort();
                }
                Ok(())
            }
        }
    }

    /// Who the client is now: what it showed may have become invalid since.
    async fn identify(&mut self) -> Result<Identity, End> {
        self.shows.identify(&self.app, self.client).await.map_err(|api_error| match api_error.code {
            Code::Unavailable => closed(TRY_AGAIN, api_error.message),
            _ => closed(FORBIDDEN, api_error.message),
        })
    }

    async fn begin(&mut self, id: Arc<str>, parameters: Parameters) -> Result<(), End> {
        self.begun += 1;
        let operation = Operation {
            app: self.app.clone(),
            id: id.clone(),
            number: self.begun,
            request_id: fresh_id(),
            messages: self.messages.clone(),
        };
        if self.operations.len() >= OPERATIONS {
            let api_error = ApiError::beyond("concurrent operations", OPERATIONS, OPERATIONS + 1);
            let errors = error::list_to_json(&[api_error], &operation.request_id);
            return self.send_json(&json!({ "id": &*id, "type": "error", "payload": errors })).await;
        }
        let identity = self.identify().await?;
        let requester = Requester::new(identity, self.client);
        let span = tracing::info_span!("request", id = operation.request_id);
        let task = self.tasks.spawn(operation.run(requester, parameters).instrument(span));
        self.operations.insert(id, (self.begun, task));
        Ok(())
    }

    /// Sends what an operation says, unless it has been completed by its client.
    async fn say(&mut self, Said { id, number, what }: Said) -> Result<(), End> {
        if self.operations.get(&id).is_none_or(|(current, _)| *current != number) {
            return Ok(());
        }
        match what {
            What::Next(payload) => {
                let id = Value::from(&*id);
                let message = format!("{{\"id\":{id},\"type\":\"next\",\"payload\":{payload}}}");
                self.send(Message::Text(message.into())).await
            }
            What::Error(errors) => {
                self.operations.remove(&id);
                self.send_json(&json!({ "id": &*id, "type": "error", "payload": errors })).await
            }
            What::Complete => {
                self.operations.remove(&id);
                self.send_json(&json!({ "id": &*id, "type": "complete" })).await
            }
        }
    }

    async fn send_json(&mut self, message: &Value) -> Result<(), End> {
        self.send(Message::Text(message.to_string().into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match timeout(self.app.request_timeout, self.socket.send(message)).await {
            Ok(sent) => sent.map_err(|_| End::Gone),
            Err(_) => Err(closed(SLOW, TOO_SLOW)),
        }
    }
}

/// An operation of a connection, which goes on beside the others.
struct Operation {
    app: Arc<AppState>,
    id: Arc<str>,
    number: u64,
    /// The name under which the log has it.
    request_id: String,
    messages: mpsc::Sender<Said>,
}

impl Operation {
    /// Answers, and logs the operation as a request of its own.
    async fn run(self, requester: Requester, parameters: Parameters) {
        let (id, client) = (self.request_id.clone(), Some(requester.client));
        let observed = Observed::new(id, Transport::WebSocket, client, "SUBSCRIBE", "/graphql", None);
        let identity = &requester.identity;
        observed.asked_by(identity.role.name(), identity.name.as_deref());
        observed.scope(Box::pin(self.answer_all(requester, parameters))).await;
        observed.ended();
    }

    async fn answer_all(&self, requester: Requester, parameters: Parameters) {
        let answered = AssertUnwindSafe(self.answer(&requester, parameters)).catch_unwind().await;
        let last = match answered {
            Ok(Ok(())) => What::Complete,
            Ok(Err(api_errors)) => self.refused(&api_errors),
            Err(_) => self.refused(&[ApiError::internal()]),
        };
        self.say(last).await;
    }

    fn refused(&self, api_errors: &[ApiError]) -> What {
        request::refused(api_errors);
        What::Error(error::list_to_json(api_errors, &self.request_id))
    }

    /// Answers as over HTTP.
    async fn answer(&self, requester: &Requester, parameters: Parameters) -> Result<(), Vec<ApiError>> {
        let one = |api_error| vec![api_error];
        let tells_cache = parameters.asks_for_cache();
        let prepared = self.app.prepare(parameters.question().map_err(one)?, requester)?;
        if !prepared.is_subscription() {
            let answered = self.app.ask(&prepared, requester).await.map_err(one)?;
            let json = answered.into_json(&self.request_id, tells_cache);
            request::sent(json.len());
            self.say(What::Next(String::from_utf8_lossy(&json).into())).await;
            return Ok(());
        }
        let mut subscription = self.app.subscribe(&prepared, requester, None).await.map_err(one)?;
        loop {
            let change = subscription.next().await.map_err(one)?;
            let told = subscription.tell(&change).await;
            request::event();
            request::sent(told.len());
            self.say(What::Next(told)).await;
        }
    }

    /// Waits until there is room; the connection's end ends the operation too.
    async fn say(&self, what: What) {
        let _ = self.messages.send(Said { id: self.id.clone(), number: self.number, what }).await;
    }
}

fn closed(code: u16, reason: impl Into<String>) -> End {
    End::Closed(code, reason.into())
}

/// A reason as WebSocket takes it: 123 bytes.
fn shortened(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(123)]
}

/// The key that a client shows in its introduction, as it would in the header of that name.
fn key_of(payload: &Map<String, Value>) -> Option<String> {
    let shown = payload.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"))?.1;
    // Whatever is no text is no key, and refused as one.
    Some(shown.as_str().unwrap_or_default().to_owned())
}

fn is_too_big(error: &axum::Error) -> bool {
    use std::error::Error;
    error.source().is_some_and(|cause| cause.to_string().contains("too long"))
}
