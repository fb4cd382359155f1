//! Clients over WebSocket and of server-sent events.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use reqwest::header::{ACCEPT, AUTHORIZATION};
use serde_json::{Value, json};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message, client::IntoClientRequest, handshake::client::Response, http::HeaderValue,
        protocol::CloseFrame,
    },
};

use super::Client;

/// How long a message may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that speaks `graphql-transport-ws`.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// A message that arrived while the test expected silence.
    came: Option<Message>,
}

impl Socket {
    /// An initialized connection, with the client's key if it has one.
    pub async fn of(client: &Client) -> Socket {
        let mut socket =
            Self::open(client.socket_address(), Some("graphql-transport-ws"), &[]).await.expect("open");
        socket.initialize(client).await;
        socket
    }

    pub async fn initialize(&mut self, client: &Client) {
        let payload = client.authorization().map(|shown| json!({ "authorization": shown }));
        self.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(self.receive().await, json!({ "type": "connection_ack" }));
    }

    /// A connection before `connection_init`.
    pub async fn open(
        address: SocketAddr,
        protocol: Option<&'static str>,
        headers: &[(&'static str, &str)],
    ) -> Result<Socket, Box<Response>> {
        // A small buffer, so that unread messages soon fill the server's.
        let stream = TcpSocket::new_v4().expect("a socket");
        stream.set_recv_buffer_size(16 * 1024).expect("a size");
        let stream = stream.connect(address).await.expect("a connection");
        let mut request = format!("ws://{address}/graphql").into_client_request().expect("a request");
        let headers = headers.iter().map(|(name, value)| (*name, value.to_string()));
        let protocol = protocol.map(|protocol| ("sec-websocket-protocol", protocol.to_owned()));
        for (name, value) in headers.chain(protocol) {
            request.headers_mut().insert(name, HeaderValue::from_str(&value).expect("a value"));
        }
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((stream, _)) => Ok(Socket { stream, came: None }),
            Err(Error::Http(response)) => Err(response),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn send(&mut self, message: Value) {
        self.send_raw(Message::text(message.to_string())).await;
    }

    pub async fn send_raw(&mut self, message: Message) {
        self.stream.send(message).await.expect("sent");
    }

    pub async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.send(json!({ "id": id, "type": "subscribe", "payload": payload })).await;
    }

    /// The next message; pings are answered and skipped.
    pub async fn receive(&mut self) -> Value {
        match self.next().await {
            Some(Message::Text(text)) => serde_json::from_str(&text).expect("JSON"),
            other => panic!("no message: {other:?}"),
        }
    }

    /// The data of the next result.
    pub async fn next_result(&mut self) -> Value {
        let mut message = self.receive().await;
        assert_eq!(message["type"], "next", "{message}");
        assert_eq!(message["payload"].get("errors"), None, "{message}");
        message["payload"]["data"].take()
    }

    /// The code and the reason that the server closes with, whatever it sends before.
    pub async fn end(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Some(Message::Close(Some(CloseFrame { code, reason }))) => {
                    return (code.into(), reason.to_string());
                }
                Some(Message::Text(_)) => {}
                other => panic!("no reason: {other:?}"),
            }
        }
    }

    async fn next(&mut self) -> Option<Message> {
        if let Some(message) = self.came.take() {
            return Some(message);
        }
        loop {
            match timeout(PATIENCE, self.stream.next()).await.expect("a message")?.expect("a message") {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return Some(message),
            }
        }
    }

    /// Nothing arrives for a while.
    pub async fn silent(&mut self) -> bool {
        match timeout(Duration::from_millis(300), self.next()).await {
            Ok(message) => {
                self.came = message;
                false
            }
            Err(_) => true,
        }
    }
}

/// A stream of events.
pub struct Events {
    response: reqwest::Response,
    read: String,
}

/// An event: its id, its name and its data.
#[derive(Debug, Default, PartialEq)]
pub struct Event {
    pub id: Option<String>,
    pub name: String,
    pub data: String,
}

impl Events {
    /// The events of an operation, after the event with this id.
    pub async fn of(client: &Client, query: &str, variables: Value, last: Option<&str>) -> Events {
        let body = json!({ "query": query, "variables": variables });
        let mut post =
            client.http().post(client.address("/graphql")).header(ACCEPT, "text/event-stream").json(&body);
        if let Some(shown) = client.authorization() {
            post = post.header(AUTHORIZATION, shown);
        }
        if let Some(last) = last {
            post = post.header("last-event-id", last);
        }
        Self::read(post.send().await.expect("a response"))
    }

    pub fn read(response: reqwest::Response) -> Events {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        Events { response, read: String::new() }
    }

    /// The next event; none at the end of the stream.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, _)) = self.read.split_once("\n\n") {
                let (length, mut read) = (event.len() + 2, Event::default());
                for (field, value) in event.lines().filter_map(|line| line.split_once(':')) {
                    let value = value.trim_start().to_owned();
                    match field {
                        "id" => read.id = Some(value),
                        "event" => read.name = value,
                        "data" => read.data = value,
                        comment => assert_eq!(comment, ""),
                    }
                }
                self.read.drain(..length);
                return Some(read);
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await.expect("a message");
            self.read.push_str(std::str::from_utf8(&chunk.ok()??).expect("text"));
        }
    }

    /// The id and the data of the next result.
    pub async fn next_result(&mut self) -> (String, Value) {
        let event = self.next().await.expect("an event");
        assert_eq!(event.name, "next", "{event:?}");
        let mut result: Value = serde_json::from_str(&event.data).expect("JSON");
        assert_eq!(result.get("errors"), None, "{result}");
        (event.id.expect("an id"), result["data"].take())
    }
}
