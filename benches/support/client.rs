//! A client that sends one request at a time.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::Server;

pub struct Client {
    pub http: reqwest::Client,
    pub url: String,
}

impl Client {
    pub fn of(server: &Server) -> Self {
        Client { http: reqwest::Client::new(), url: format!("http://{}/graphql", server.address) }
    }

    pub async fn data(&self, query: &str) -> Value {
        self.answer(&json!({ "query": query })).await.0
    }

    /// The data of a response without errors, and how long it took to arrive.
    pub async fn answer(&self, body: &Value) -> (Value, Duration) {
        let since = Instant::now();
        let sent = self.http.post(&self.url).json(body).send().await.expect("a response");
        let bytes = sent.bytes().await.expect("bytes");
        let time = since.elapsed();
        let mut response: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(response["errors"], Value::Null, "{body}");
        (response["data"].take(), time)
    }

    /// How long responses took to arrive: median, longest and first of so many.
    #[allow(dead_code, reason = "not all benches measure this way")]
    pub async fn measure(&self, query: &str, rounds: usize) -> [Duration; 3] {
        let body = json!({ "query": query });
        let mut times = Vec::new();
        for _ in 0..rounds {
            times.push(self.answer(&body).await.1);
        }
        let first = times[0];
        times.sort();
        [times[rounds / 2], times[rounds - 1], first]
    }
}
