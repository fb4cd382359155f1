//! The edge: limits on connections, the client's address, and the responses to what is not a GraphQL request.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use dossier::auth::caller::Role;
use nix::sys::signal::Signal;
use reqwest::{
    Method, Response, StatusCode,
    header::{ALLOW, ETAG, HOST, HeaderMap, HeaderValue, IF_NONE_MATCH, ORIGIN, RETRY_AFTER},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::support::{Client, anonymous, editor, process::Process, socket::Socket};

const HEAD: &str = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
const HERE: &str = "127.0.0.1";
/// Another address of this machine, as another client has.
const ELSEWHERE: &str = "127.0.0.2";

async fn connect(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::new(from.parse().expect("an address"), 0)).expect("bound");
    socket.connect(to).await.expect("a connection")
}

/// Everything that the server sends until it closes the connection.
async fn rest(connection: &mut TcpStream) -> String {
    let mut reported = Vec::new();
    let read = timeout(Duration::from_secs(20), connection.read_to_end(&mut reported)).await;
    // Unread parts of a request end the connection with a reset.
    let _ = read.expect("the server ends it");
    String::from_utf8_lossy(&reported).into_owned()
}

/// The response to a request that closes its connection.
async fn get(from: &str, to: SocketAddr, path: &str) -> String {
    let mut connection = connect(from, to).await;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.expect("sent");
    rest(&mut connection).await
}

/// A client with its own address.
fn at(address: &str) -> reqwest::Client {
    let address: IpAddr = address.parse().expect("an address");
    reqwest::Client::builder().local_address(address).build().expect("a client")
}

async fn code(response: Response) -> String {
    let response: Value = response.json().await.expect("JSON");
    response["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{response}")).to_owned()
}

/// A header of the IETF's draft on rate limits.
fn parameter(headers: &HeaderMap, name: &str, parameter: &str) -> u64 {
    let value = headers[name].to_str().expect("text");
    let found = value.split(';').find_map(|part| part.strip_prefix(parameter)?.strip_prefix('='));
    found.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{name}: {value}"))
}

#[tokio::test]
async fn silent_and_endless_requests_are_disconnected() {
    let server = Client::with(&[("KEEP_ALIVE_TIMEOUT", "0.5"), ("REQUEST_TIMEOUT", "1")]).await;
    let requested = format!("{HEAD}content-length: 24\r\n\r\n{{\"query\":\"{{__typename}}\"}}");
    for (first, drip, last) in [
        ("", "", ""),
        (HEAD, "", ""),
        (HEAD, "x-more: of it\r\n", ""),
        (requested.as_str(), "", "HTTP/1.1 200"),
        (&format!("{HEAD}content-length: 2000\r\n\r\n{{"), "", "HTTP/1.1 408"),
        (&format!("{HEAD}content-length: 2000\r\n\r\n{{"), " ", "HTTP/1.1 408"),
        (&format!("{HEAD}transfer-encoding: chunked\r\n\r\n1\r\n{{\r\n"), "1\r\n \r\n", "HTTP/1.1 408"),
    ] {
        let mut connection = connect(HERE, server.socket_address()).await;
        connection.write_all(first.as_bytes()).await.expect("sent");
        let (mut read, mut write) = connection.split();
        let mut reported = Vec::new();
        let dripping = async {
            loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                if write.write_all(drip.as_bytes()).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        let ended = async {
            let _ =
                timeout(Duration::from_secs(20), read.read_to_end(&mut reported)).await.expect("it is ended");
        };
        tokio::select! { () = ended => {}, () = dripping => {} }
        let reported = String::from_utf8_lossy(&reported);
        assert!(
            reported.starts_with(last) && reported.is_empty() == last.is_empty(),
            "{first:?} {drip:?}: {reported}"
        );
        if last.ends_with("408") {
            assert!(
                reported.contains("\"code\":\"TIMEOUT\"") && reported.contains("connection: close"),
                "{reported}"
            );
        }
    }
}

#[tokio::test]
async fn connections_are_counted_in_all_and_for_each_address_and_health_checks_always_get_through() {
    let server = Client::with(&[("MAX_CONNECTIONS", "6"), ("MAX_CONNECTIONS_PER_ADDRESS", "4")]).await;
    let address = server.socket_address();
    let mut held = Vec::new();
    for from in [HERE, HERE, HERE, HERE, ELSEWHERE] {
        let mut connection = connect(from, address).await;
        // It counts once it has a response.
        let request = "GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n";
        connection.write_all(request.as_bytes()).await.expect("sent");
        connection.read_u8().await.expect("a response");
        held.push(connection);
    }
    let refused = get(HERE, address, "/graphql?query={__typename}").await;
    assert!(
        refused.starts_with("HTTP/1.1 429") && refused.contains("\"code\":\"RATE_LIMITED\""),
        "{refused}"
    );
    assert!(refused.contains("retry-after: ") && refused.contains("connection: close"), "{refused}");
    let answered = get(ELSEWHERE, address, "/graphql?query={__typename}").await;
    assert!(answered.starts_with("HTTP/1.1 200"), "there is room for others: {answered}");
    held.push(connect(ELSEWHERE, address).await);
    let mut refused = String::new();
    for _ in 0..100 {
        refused = get("127.0.0.3", address, "/graphql?query={__typename}").await;
        if refused.starts_with("HTTP/1.1 503") {
            break;
        }
    }
    assert!(refused.contains("\"code\":\"UNAVAILABLE\""), "{refused}");
    for _ in 0..50 {
        // They sent nothing, and make room for later ones.
        held.push(connect(HERE, address).await);
    }
    for path in ["/health/live", "/health/ready"] {
        let healthy = get(HERE, address, path).await;
        assert!(healthy.starts_with("HTTP/1.1 200"), "{healthy}");
    }
    drop(held);
    for _ in 0..100 {
        let answered = get(HERE, address, "/graphql?query={__typename}").await;
        if answered.starts_with("HTTP/1.1 200") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("closed connections are no longer counted");
}

#[tokio::test]
async fn a_server_with_few_files_answers_health_checks_however_many_connect() {
    let database = anonymous().await;
    let settings = [("DATABASE_URL", database.database_url())];
    let server = Process::with_files(64, &settings).await;
    let address = server.address().parse().expect("an address");
    let mut held = Vec::new();
    for _ in 0..200 {
        held.push(connect(HERE, address).await);
    }
    for path in ["/health/live", "/health/ready"] {
        let healthy = get(ELSEWHERE, address, path).await;
        assert!(healthy.starts_with("HTTP/1.1 200"), "{healthy}");
    }
    drop(held);
    assert!(server.stop().success());
}

#[tokio::test]
async fn sockets_and_subscriptions_count_for_their_client() {
    let server = Client::with(&[("MAX_CONNECTIONS_PER_ADDRESS", "2"), ("TRUSTED_PROXIES", HERE)]).await;
    let open = async |client: &str| {
        let forwarded = [("x-forwarded-for", client)];
        Socket::open(server.socket_address(), Some("graphql-transport-ws"), &forwarded).await
    };
    let one = open("192.0.2.1").await.expect("open");
    let _two = open("192.0.2.1").await.expect("open");
    let refused = open("192.0.2.1").await.err().expect("refused");
    assert_eq!(refused.status(), 429);
    open("192.0.2.2").await.expect("another client is accepted");
    drop(one);
    for _ in 0..100 {
        if open("192.0.2.1").await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("closed connections are no longer counted");
}

/// Sends queries until the server knows the revision of the base, and so uses its cache.
async fn until_it_keeps(server: &Client) {
    for _ in 0..200 {
        let response = server.get("/graphql?query={__typename}").await;
        if response.headers().contains_key(ETAG) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nothing is cached");
}

#[tokio::test]
async fn a_client_has_so_many_subscriptions_over_all_its_connections() {
    let server = anonymous().await;
    let subscription = "subscription { changes { revision } }";
    let mut sockets = Vec::new();
    for _ in 0..10 {
        let mut socket = Socket::of(&server).await;
        for id in 0..100 {
            socket.subscribe(&id.to_string(), subscription, json!({})).await;
        }
        sockets.push(socket);
    }
    let requested = json!({ "query": subscription });
    let send_query = || {
        let post = server.http().post(server.address("/graphql")).header("accept", "text/event-stream");
        post.json(&requested).send()
    };
    let mut refused = send_query().await.expect("a response");
    for _ in 0..400 {
        // Some operations of the sockets may not have begun yet.
        if refused.status() != StatusCode::OK {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        refused = send_query().await.expect("a response");
    }
    assert_eq!(refused.status(), 429);
    let response: Value = refused.json().await.expect("JSON");
    let extensions = &response["errors"][0]["extensions"];
    assert_eq!((&extensions["code"], &extensions["limit"]), (&json!("RATE_LIMITED"), &json!(1000)));
    drop(sockets);
    for _ in 0..400 {
        if send_query().await.expect("a response").status() == StatusCode::OK {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("what has ended counts no more");
}

#[tokio::test]
async fn every_response_is_charged_and_reports_the_remaining_budget() {
    let server = Client::with(&[("RATE_LIMIT", "1000"), ("CACHE_BYTES", "1000000")]).await;
    until_it_keeps(&server).await;
    let query = "{a:actors(first:100){edges{cursor}}b:actors(first:100){edges{cursor}}}";
    let address = server.address(&format!("/graphql?query={query}"));
    let mut left = 1000;
    let mut spent = |response: &Response, what: &str| {
        let now = parameter(response.headers(), "ratelimit", "r");
        // A part of the budget may have been refilled meanwhile.
        assert!(now < left, "{what}: {left} → {now}");
        left = now;
    };
    let made = server.http().get(&address).send().await.expect("a response");
    assert_eq!(parameter(made.headers(), "ratelimit-policy", "q"), 1000);
    spent(&made, "a computed one");
    spent(&server.http().get(&address).send().await.expect("a response"), "a cached one");
    let tag = made.headers()[ETAG].clone();
    let known = server.http().get(&address).header(IF_NONE_MATCH, tag).send().await.expect("a response");
    assert_eq!(known.status(), 304);
    spent(&known, "one that has not changed");
    let mut socket = Socket::of(&server).await;
    for number in 0.. {
        socket.subscribe(&number.to_string(), query, json!({})).await;
        let message = socket.receive().await;
        if message["type"] == "error" {
            let extensions = &message["payload"][0]["extensions"];
            assert_eq!(extensions["code"], "RATE_LIMITED");
            assert!(extensions["retryAfter"].as_u64().is_some_and(|seconds| seconds > 0), "{message}");
            break;
        }
        assert!(number < 10, "it is never spent");
        assert_eq!(socket.receive().await["type"], "complete");
    }
    let refused = server.http().get(&address).header(IF_NONE_MATCH, "*").send().await.expect("a response");
    assert_eq!(refused.status(), 429);
    assert!(parameter(refused.headers(), "ratelimit", "r") < 201);
    let wait: u64 = refused.headers()[RETRY_AFTER].to_str().expect("text").parse().expect("seconds");
    let body: Value = refused.json().await.expect("JSON");
    assert_eq!(body["errors"][0]["extensions"]["retryAfter"], json!(wait));
}

#[tokio::test]
async fn an_export_is_paid_for_too() {
    let server = Client::with(&[("RATE_LIMIT", "10000")]).await;
    let export = server.get("/export.jsonl").await;
    let left = parameter(export.headers(), "ratelimit", "r");
    assert!(left < 10_000 && left > 0, "{left}");
}

#[tokio::test]
async fn documents_that_are_wrong_count_too() {
    let server = Client::with(&[("RATE_LIMIT", "3")]).await;
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(server.api_error("{ nothing }", json!({})).await.0);
    }
    assert_eq!(codes[..3], ["GRAPHQL_VALIDATION_FAILED"; 3]);
    assert_eq!(codes[3], "RATE_LIMITED");
}

#[tokio::test]
async fn a_socket_gets_cached_responses_and_coded_errors() {
    let server = Client::with(&[("CACHE_BYTES", "1000000")]).await;
    until_it_keeps(&server).await;
    let mut socket = Socket::of(&server).await;
    let mut hits = Vec::new();
    for id in ["1", "2"] {
        let query = "{ actor(by: {slug: \"israel\"}) { name } }";
        let payload = json!({ "query": query, "extensions": {"cache": true} });
        socket.send(json!({ "id": id, "type": "subscribe", "payload": payload })).await;
        let message = socket.receive().await;
        assert_eq!(message["payload"]["data"]["actor"]["name"], "Israel");
        hits.push(message["payload"]["extensions"]["cache"]["hit"].clone());
        assert_eq!(socket.receive().await["type"], "complete");
    }
    assert_eq!(hits, [false, true]);
    socket.subscribe("3", "{ nothing }", json!({})).await;
    let refused = socket.receive().await;
    let id = refused["payload"][0]["extensions"]["requestId"].as_str();
    assert!(id.is_some_and(|id| !id.is_empty()), "{refused}");
}

#[tokio::test]
async fn behind_a_proxy_each_client_has_its_own_budget() {
    let send_query = async |server: &Client, from: &str, forwarded: &str| {
        let query = json!({ "query": "{ actors(first: 99) { edges { cursor } } }" });
        let post = at(from).post(server.address("/graphql")).json(&query);
        post.header("x-forwarded-for", forwarded).send().await.expect("a response").status()
    };
    let proxied = Client::with(&[("RATE_LIMIT", "150"), ("TRUSTED_PROXIES", HERE)]).await;
    assert_eq!(send_query(&proxied, HERE, "192.0.2.1").await, 200);
    assert_eq!(send_query(&proxied, HERE, "192.0.2.1").await, 429);
    assert_eq!(
        send_query(&proxied, HERE, "192.0.2.9, 192.0.2.1").await,
        429,
        "what the client wrote itself counts not"
    );
    assert_eq!(send_query(&proxied, HERE, "192.0.2.2").await, 200);
    assert_eq!(send_query(&proxied, ELSEWHERE, "192.0.2.3").await, 200, "no proxy, but a client");
    assert_eq!(send_query(&proxied, ELSEWHERE, "192.0.2.4").await, 429);
    let direct = Client::with(&[("RATE_LIMIT", "150")]).await;
    assert_eq!(send_query(&direct, HERE, "192.0.2.1").await, 200);
    assert_eq!(send_query(&direct, HERE, "192.0.2.2").await, 429);
}

#[tokio::test]
async fn a_server_on_loopback_answers_to_loopback_names_only() {
    let server = Client::with(&[]).await;
    let body = json!({ "query": "{ __typename }" });
    let send_query = async |method: Method, path: &str, host: &str| {
        let requested = server.http().request(method.clone(), server.address(path)).header(HOST, host);
        let requested = if method == Method::POST { requested.json(&body) } else { requested };
        let response = requested.send().await.expect("a response");
        (response.status().as_u16(), response.text().await.expect("text"))
    };
    for (method, path) in [
        (Method::POST, "/graphql"),
        (Method::GET, "/graphql?query={__typename}"),
        (Method::GET, "/export.jsonl"),
        (Method::GET, "/schema.graphql"),
        (Method::GET, "/metrics"),
        (Method::GET, "/"),
    ] {
        for host in ["localhost:1234", "127.0.0.1", "[::1]:80"] {
            assert_eq!(send_query(method.clone(), path, host).await.0, 200, "{path} at {host}");
        }
        let (status, reported) = send_query(method, path, "rebound.example").await;
        assert_eq!(status, 421, "{path}");
        assert!(
            reported.contains("\"code\":\"FORBIDDEN\"") && reported.contains("ALLOWED_HOSTS"),
            "{reported}"
        );
    }
    assert_eq!(send_query(Method::GET, "/health/ready", "rebound.example").await.0, 200);
    let rebound = [("host", "rebound.example"), ("origin", "http://rebound.example")];
    let refused = Socket::open(server.socket_address(), Some("graphql-transport-ws"), &rebound).await;
    assert_eq!(refused.err().expect("refused").status(), 421);
    let named = Client::with(&[("ALLOWED_HOSTS", "desk.example")]).await;
    let requested = named.http().get(named.address("/schema.graphql")).header(HOST, "desk.example:8443");
    assert_eq!(requested.send().await.expect("a response").status(), 200);
}

#[tokio::test]
async fn pages_may_send_what_their_clients_send_and_read_what_they_need() {
    let server = Client::with(&[("CORS_ORIGINS", "https://desk.example"), ("RATE_LIMIT", "1000")]).await;
    let asks =
        "content-type,apollographql-client-name,apollographql-client-version,traceparent,authorization";
    let preflight = server.http().request(Method::OPTIONS, server.address("/graphql"));
    let preflight = preflight.header(ORIGIN, "https://desk.example");
    let preflight = preflight.header("access-control-request-method", "POST");
    let preflight =
        preflight.header("access-control-request-headers", asks).send().await.expect("a response");
    assert_eq!(preflight.status(), 200);
    assert_eq!(preflight.headers()["access-control-allow-headers"], asks);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "https://desk.example");
    assert_eq!(preflight.headers()["access-control-max-age"], "3600");
    let exposed = async |path: &str| {
        let requested = server.http().get(server.address(path)).header(ORIGIN, "https://desk.example");
        let response = requested.send().await.expect("a response");
        let exposed =
            response.headers()["access-control-expose-headers"].to_str().expect("text").to_lowercase();
        for name in ["x-request-id", "etag", "retry-after", "ratelimit", "ratelimit-policy"] {
            assert!(exposed.split(',').any(|reported| reported.trim() == name), "{name}: {exposed}");
        }
    };
    exposed("/graphql?query={__typename}").await;
    exposed("/nowhere").await;
    let other = server.http().get(server.address("/graphql?query={__typename}"));
    let other = other.header(ORIGIN, "https://other.example").send().await.expect("a response");
    assert_eq!(other.headers().get("access-control-allow-origin"), None);
}

#[tokio::test]
async fn an_origin_that_is_not_allowed_is_refused_and_logged() {
    let database = anonymous().await;
    let server = Process::start(&[("DATABASE_URL", database.database_url())]).await;
    let address = server.address().parse().expect("an address");
    let origin = [("origin", "https://other.example")];
    let refused = Socket::open(address, Some("graphql-transport-ws"), &origin).await.err().expect("refused");
    assert_eq!(refused.status(), 403);
    let body = String::from_utf8_lossy(refused.body().as_deref().unwrap_or_default()).into_owned();
    assert!(body.contains("https://other.example") && body.contains("CORS_ORIGINS"), "{body}");
    let named =
        reqwest::Client::new().get(format!("http://{address}/graphql")).header("host", "other.example");
    assert_eq!(named.send().await.expect("a response").status(), 421);
    let log = server.log();
    for refused in ["https://other.example", "`other.example`"] {
        let reported: Vec<&str> = log.lines().filter(|line| line.contains(refused)).collect();
        assert!(reported.len() == 1 && reported[0].contains("code=\"FORBIDDEN\""), "{log}");
    }
}

#[tokio::test]
async fn a_server_that_is_to_stop_says_so_before_it_does() {
    let database = anonymous().await;
    let settings = [("DATABASE_URL", database.database_url()), ("SHUTDOWN_DELAY", "2")];
    let mut server = Process::start(&settings).await;
    let ready = format!("http://{}/health/ready", server.address());
    assert_eq!(reqwest::get(&ready).await.expect("a response").status(), 200);
    server.send(Signal::SIGTERM);
    let mut status = StatusCode::OK;
    for _ in 0..100 {
        status = reqwest::get(&ready).await.expect("a response").status();
        if status != StatusCode::OK {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(status, 503);
    let response = server.response("{ __typename }").await.expect("it is still there");
    assert_eq!(response["data"]["__typename"], "Query");
    assert!(server.end().success());
}

#[tokio::test]
async fn a_second_signal_ends_a_server_at_once() {
    let database = anonymous().await;
    let settings = [("DATABASE_URL", database.database_url()), ("SHUTDOWN_DELAY", "600")];
    let mut server = Process::start(&settings).await;
    server.send(Signal::SIGTERM);
    let ready = format!("http://{}/health/ready", server.address());
    while reqwest::get(&ready).await.expect("a response").status() == StatusCode::OK {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.send(Signal::SIGTERM);
    assert_eq!(server.end().code(), Some(143));
}

#[tokio::test]
async fn exports_of_one_client_leave_room_for_others() {
    let server = anonymous().await;
    let mut lock = server.pool().begin().await.expect("a transaction");
    sqlx::query("lock table actors in access exclusive mode").execute(&mut *lock).await.expect("locked");
    let export = |from: &str| {
        let get = at(from).get(server.address("/export.jsonl")).send();
        tokio::spawn(async move { get.await.expect("a response") })
    };
    let waiting = [export(HERE), export(HERE)];
    let mut refused = None;
    for _ in 0..100 {
        let mut third = export(HERE);
        if let Ok(response) = timeout(Duration::from_millis(100), &mut third).await {
            refused = Some(response.expect("a response"));
            break;
        }
        third.abort();
    }
    let refused = refused.expect("a third is not begun");
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key(RETRY_AFTER));
    assert_eq!(code(refused).await, "RATE_LIMITED");
    let other = export(ELSEWHERE);
    drop(lock);
    for export in waiting.into_iter().chain([other]) {
        let response = export.await.expect("not cancelled");
        assert_eq!(response.status(), 200);
        assert!(response.text().await.expect("whole").contains("\"israel\""));
    }
}

#[tokio::test]
async fn a_response_without_data_has_the_status_of_the_failure() {
    let server = anonymous().await;
    sqlx::query("alter table topics rename name to title").execute(server.pool()).await.expect("renamed");
    let body = json!({ "query": "{ topics { edges { node { name } } } }" });
    for accept in ["application/json", "application/graphql-response+json"] {
        let post = server.http().post(server.address("/graphql")).header("accept", accept).json(&body);
        let response = post.send().await.expect("a response");
        assert_eq!(response.status(), 500, "{accept}");
        let response: Value = response.json().await.expect("JSON");
        assert_eq!(response["errors"][0]["extensions"]["code"], "INTERNAL");
        assert_eq!(response["data"], Value::Null);
    }
    let body =
        json!({ "query": "{ topics { edges { node { name } } } actor(by: {slug: \"israel\"}) { name } }" });
    let post = server.http().post(server.address("/graphql")).json(&body).send().await.expect("a response");
    assert_eq!(post.status(), 500);
}

#[tokio::test]
async fn a_request_that_is_not_graphql_gets_an_error_message() {
    let server = anonymous().await;
    for (method, path, status, expected) in [
        (Method::GET, "/nowhere", 404, "NOT_FOUND"),
        (Method::GET, "/graphql/nowhere", 404, "NOT_FOUND"),
        (Method::GET, "/assets/nowhere.js", 404, "NOT_FOUND"),
        (Method::GET, "/assets/%ff", 404, "NOT_FOUND"),
        (Method::POST, "/", 405, "BAD_USER_INPUT"),
        (Method::DELETE, "/metrics", 405, "BAD_USER_INPUT"),
        (Method::POST, "/export.jsonl", 405, "BAD_USER_INPUT"),
        (Method::DELETE, "/graphql", 405, "BAD_USER_INPUT"),
    ] {
        let response =
            server.http().request(method.clone(), server.address(path)).send().await.expect("a response");
        assert_eq!(response.status(), status, "{method} {path}");
        assert_eq!(response.headers().contains_key(ALLOW), status == 405, "{method} {path}");
        let response: Value = response.json().await.expect("JSON");
        let extensions = &response["errors"][0]["extensions"];
        assert_eq!(extensions["code"], expected);
        assert!(extensions["requestId"].as_str().is_some_and(|id| !id.is_empty()), "{response}");
    }
    let head =
        server.http().head(server.address("/graphql?query={__typename}")).send().await.expect("a response");
    assert_eq!(head.status(), 200);
    assert_eq!(head.text().await.expect("text"), "");
    let options = server.http().request(Method::OPTIONS, server.address("/graphql")).send().await;
    let options = options.expect("a response");
    assert_eq!(options.status(), 204);
    assert_eq!(options.headers()[ALLOW], "GET, HEAD, POST, OPTIONS");
    let long = format!("/graphql?query={{__typename}}&more={}", "a".repeat(40_000));
    let refused = server.get(&long).await;
    assert_eq!(refused.status(), 414);
    assert_eq!(code(refused).await, "LIMIT_EXCEEDED");
    let get = server.http().get(server.address("/graphql?query={__typename}"));
    let large = HeaderValue::from_str(&"a".repeat(70_000)).expect("a value");
    let refused = get.header("x-large", large).send().await.expect("a response");
    assert_eq!(refused.status(), 431);
    assert_eq!(code(refused).await, "LIMIT_EXCEEDED");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_holds_a_key_that_is_shown_over_a_socket() {
    let editor = editor().await;
    let key = editor.as_role(Role::Admin).await.authorization().expect("a key");
    let secret = key.trim_start_matches("Bearer ");
    let settings = [("DATABASE_URL", editor.database_url()), ("RUST_LOG", "trace")];
    let server = Process::start(&settings).await;
    let address = server.address().parse().expect("an address");
    let mut socket = Socket::open(address, Some("graphql-transport-ws"), &[]).await.expect("open");
    socket.send(json!({ "type": "connection_init", "payload": {"authorization": key} })).await;
    assert_eq!(socket.receive().await["type"], "connection_ack");
    socket.subscribe("1", "{ viewer { role } }", json!({})).await;
    assert_eq!(socket.next_result().await["viewer"]["role"], "ADMIN");
    drop(socket);
    let log = server.log();
    assert!(log.contains("DEBUG"), "much is logged");
    // As text, and as bytes.
    let part = &secret[..20];
    let bytes: Vec<String> = part.bytes().map(|byte| format!("{byte:02x}")).collect();
    let numbers: Vec<String> = part.bytes().map(|byte| byte.to_string()).collect();
    for form in [part.to_owned(), bytes.concat(), bytes.join(", "), numbers.join(", ")] {
        assert!(
            !log.contains(&form),
            "{}",
            log.lines().find(|line| line.contains(&form)).unwrap_or_default()
        );
    }
}
