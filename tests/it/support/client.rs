//! Clients of a server.

use std::net::SocketAddr;

use dossier::{
    auth::{caller::Role, keys},
    config::Config,
    database::Database,
    engine::catalog,
    model::Catalog,
    server,
};
use reqwest::{Response, header::HeaderMap};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use std::sync::Arc;

use super::database::{TestDatabase, database};

/// A client without credentials, with a server of its own.
pub async fn anonymous() -> Client {
    Client::with(&[]).await
}

/// A client that may change records.
pub async fn editor() -> Client {
    anonymous().await.as_role(Role::Editor).await
}

/// A client of a server that the test alone uses; clones are the same client.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    http: reqwest::Client,
    database: Arc<TestDatabase>,
    key: Option<String>,
}

impl Client {
    /// A client of a server with these settings.
    pub async fn with(settings: &[(&str, &str)]) -> Client {
        Self::trusting(Vec::new(), settings).await
    }

    /// A client of a server that trusts documents by their ids.
    pub async fn trusting(trusted: Vec<(String, String)>, settings: &[(&str, &str)]) -> Client {
        Self::at(Arc::new(database().await), trusted, settings).await
    }

    /// A client of a server on a shared database.
    pub async fn of(database: &Arc<TestDatabase>) -> Client {
        Self::at(database.clone(), Vec::new(), &[]).await
    }

    /// The same client at another server on the same database.
    pub async fn at_another_server(&self, settings: &[(&str, &str)]) -> Client {
        let there = Self::at(self.database.clone(), Vec::new(), settings).await;
        Client { key: self.key.clone(), ..there }
    }

    /// A client of a server with other record types, on a database that has their tables.
    pub async fn of_catalog(database: &Arc<TestDatabase>, catalog: &'static Catalog) -> Client {
        Self::serving(catalog, database.clone(), Vec::new(), &[]).await
    }

    async fn at(
        database: Arc<TestDatabase>,
        trusted: Vec<(String, String)>,
        settings: &[(&str, &str)],
    ) -> Client {
        Self::serving(catalog::catalog(), database, trusted, settings).await
    }

    async fn serving(
        catalog: &'static Catalog,
        database: Arc<TestDatabase>,
        trusted: Vec<(String, String)>,
        settings: &[(&str, &str)],
    ) -> Client {
        let config = Config::from_lookup(|name| {
            let given = settings.iter().find(|(setting, _)| *setting == name);
            given
                .map(|(_, value)| (*value).to_owned())
                .or_else(|| (name == "DATABASE_URL").then(|| database.url().to_owned()))
                // Tests change the base behind the server's back, and query it at once.
                .or_else(|| (name == "CACHE_BYTES").then(|| "0".to_owned()))
        })
        .expect("settings of a test are right");
        let opened = Database::open(&config).await.expect("the database is there");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let mut engine = server::engine(&config, &opened, catalog).await;
        engine.trust(trusted, config.trusted_documents_only).expect("trusted documents are valid");
        let app = server::build(&config, opened, engine);
        tokio::spawn(server::serve(listener, app, std::future::pending()));
        Client { address, http: reqwest::Client::new(), database, key: None }
    }

    /// Another client of the same server, with a key of this role.
    pub async fn as_role(&self, role: Role) -> Client {
        let key = keys::create(self.pool(), &role.name().to_lowercase(), role, None).await.expect("a key");
        self.with_key(&key)
    }

    /// Another client of the same server, with this key.
    pub fn with_key(&self, key: &str) -> Client {
        Client { key: Some(key.to_owned()), ..self.clone() }
    }

    /// The credentials of the client, for a header or a socket.
    pub fn authorization(&self) -> Option<String> {
        self.key.as_ref().map(|key| format!("Bearer {key}"))
    }

    pub fn socket_address(&self) -> SocketAddr {
        self.address
    }

    pub fn database_url(&self) -> &str {
        self.database.url()
    }

    pub fn pool(&self) -> &sqlx::PgPool {
        self.database.pool()
    }

    pub fn address(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The whole response with its errors.
    pub async fn response(&self, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables });
        let mut post = self.http.post(self.address("/graphql")).json(&body);
        if let Some(key) = &self.key {
            post = post.bearer_auth(key);
        }
        let response = post.send().await;
        response.expect("a response").json().await.expect("JSON")
    }

    /// The data of a response that must have no errors.
    pub async fn query(&self, query: &str) -> Value {
        self.query_with(query, json!({})).await
    }

    pub async fn query_with(&self, query: &str, variables: Value) -> Value {
        let mut body = self.response(query, variables).await;
        assert_eq!(body.get("errors"), None, "{query}");
        body["data"].take()
    }

    /// The code and the field of the first error, which must exist.
    pub async fn api_error(&self, query: &str, variables: Value) -> (String, Option<String>) {
        let body = self.response(query, variables).await;
        let extensions = &body["errors"][0]["extensions"];
        let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
        (text(&extensions["code"]).unwrap_or_else(|| panic!("no error: {body}")), text(&extensions["field"]))
    }

    pub async fn get(&self, path: &str) -> Response {
        self.http.get(self.address(path)).send().await.expect("a response")
    }

    pub async fn post(&self, headers: HeaderMap, body: impl Into<reqwest::Body>) -> Response {
        self.http.post(self.address("/graphql")).headers(headers).body(body).send().await.expect("a response")
    }
}
