//! The issuer's keys: fetched when a token has an unknown one, and cached.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use serde_json::Value;
use tokio::{sync::Mutex, time::Instant};
use ureq::{Agent, tls::TlsConfig};

use crate::{
    config,
    error::{ApiError, Code},
    tls::roots,
};

/// Timeout of a request to the issuer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long keys are used before they are fetched again. Tokens are checked with the cached keys meanwhile; a key
/// that the issuer withdrew is refused after the next fetch.
const REFRESH_AFTER: Duration = Duration::from_mins(10);
/// How long keys are used while the issuer can't be reached.
const EXPIRE_AFTER: Duration = Duration::from_hours(1);
/// The minimum time between fetches after a success, whatever keys tokens name.
const MIN_INTERVAL: Duration = Duration::from_mins(1);
/// The same after a failure.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);
/// Maximum size of a response in bytes.
const MAX_BYTES: u64 = 1 << 20;

pub struct Issuer {
    /// The URL of the keys; none: from the issuer's configuration.
    jwks_url: Option<String>,
    name: String,
    agent: Agent,
    cached: RwLock<CachedKeys>,
    /// Held during a fetch: others wait for its result.
    fetching: Arc<Mutex<()>>,
}

#[derive(Clone, Default)]
struct CachedKeys {
    keys: Arc<Vec<Jwk>>,
    fetched_at: Option<Instant>,
    next_fetch: Option<Instant>,
    /// Whether the last fetch succeeded.
    reached: bool,
}

impl CachedKeys {
    fn is_younger(&self, than: Duration) -> bool {
        self.fetched_at.is_some_and(|fetched_at| fetched_at.elapsed() < than)
    }

    /// The key with this id. A token may omit the id if there is only one key.
    fn key(&self, id: Option<&str>) -> Option<Jwk> {
        let key = match (id, self.keys.as_slice()) {
            (Some(id), keys) => keys.iter().find(|key| key.common.key_id.as_deref() == Some(id)),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        key.cloned()
    }
}

impl Issuer {
    pub fn new(settings: &config::Jwt) -> Self {
        let first_url = settings.jwks_url.as_ref().unwrap_or(&settings.issuer);
        let agent = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .max_redirects(0)
            .https_only(first_url.starts_with("https://"))
            .tls_config(TlsConfig::builder().root_certs(roots()).build())
            .build();
        Issuer {
            jwks_url: settings.jwks_url.clone(),
            name: settings.issuer.clone(),
            agent: agent.into(),
            cached: RwLock::default(),
            fetching: Arc::default(),
        }
    }

    pub async fn key(self: &Arc<Self>, id: Option<&str>) -> Result<Option<Jwk>, ApiError> {
        let cached = self.cached();
        if cached.is_younger(EXPIRE_AFTER)
            && let Some(key) = cached.key(id)
        {
            if !cached.is_younger(REFRESH_AFTER) {
                self.refresh();
            }
            return Ok(Some(key));
        }
        let guard = self.fetching.lock().await;
        let cached =
            self.fetch_unless(|cached| cached.is_younger(REFRESH_AFTER) && cached.key(id).is_some()).await;
        drop(guard);
        let key = cached.key(id).filter(|_| cached.is_younger(EXPIRE_AFTER));
        if key.is_none() && !cached.reached {
            let message = "The issuer of the token can't be reached; retry later.";
            return Err(ApiError {
                retry_after: Some(RETRY_INTERVAL),
                ..ApiError::new(Code::Unavailable, message)
            });
        }
        Ok(key)
    }

    /// Fetches the keys in the background, unless a fetch is running.
    fn refresh(self: &Arc<Self>) {
        let Ok(guard) = self.fetching.clone().try_lock_owned() else { return };
        let issuer = self.clone();
        tokio::spawn(async move {
            issuer.fetch_unless(|cached| cached.is_younger(REFRESH_AFTER)).await;
            drop(guard);
        });
    }

    /// The cached keys, fetched first if they don't suffice and a fetch is due.
    async fn fetch_unless(&self, suffices: impl Fn(&CachedKeys) -> bool) -> CachedKeys {
        let mut cached = self.cached();
        if !suffices(&cached) && cached.next_fetch.is_none_or(|next_fetch| next_fetch <= Instant::now()) {
            cached = self.fetch_keys(cached).await;
            *self.cached.write().unwrap_or_else(PoisonError::into_inner) = cached.clone();
        }
        cached
    }

    fn cached(&self) -> CachedKeys {
        self.cached.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn fetch_keys(&self, before: CachedKeys) -> CachedKeys {
        let (agent, url, name) = (self.agent.clone(), self.jwks_url.clone(), self.name.clone());
        let response = tokio::task::spawn_blocking(move || fetch(&agent, url, &name)).await;
        let now = Instant::now();
        match response.map_err(|error| error.to_string()).flatten() {
            Ok(keys) => CachedKeys {
                keys: Arc::new(keys),
                fetched_at: Some(now),
                next_fetch: Some(now + MIN_INTERVAL),
                reached: true,
            },
            Err(error) => {
                tracing::warn!(issuer = self.name, error, "the keys of the token issuer can't be fetched");
                CachedKeys { next_fetch: Some(now + RETRY_INTERVAL), reached: false, ..before }
            }
        }
    }
}

/// Fetches the signing keys from the configured URL, or from that of the issuer's configuration (`OpenID` Connect
/// Discovery).
fn fetch(agent: &Agent, jwks_url: Option<String>, issuer: &str) -> Result<Vec<Jwk>, String> {
    let url = match jwks_url {
        Some(url) => url,
        None => {
            let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
            let configuration = get(agent, &url)?;
            if configuration["issuer"] != issuer {
                return Err(format!("{url} is the configuration of the issuer {}", configuration["issuer"]));
            }
            let url = configuration["jwks_uri"].as_str().ok_or_else(|| format!("{url} has no jwks_uri"))?;
            url.to_owned()
        }
    };
    let response = get(agent, &url)?;
    let keys = response["keys"].as_array().ok_or_else(|| format!("{url} has no keys"))?;
    // Skips keys of unsupported types.
    let keys = keys.iter().filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
    Ok(keys.filter(|key| key.common.public_key_use != Some(PublicKeyUse::Encryption)).collect())
}

fn get(agent: &Agent, url: &str) -> Result<Value, String> {
    let with_url = |error: &dyn std::fmt::Display| format!("{url}: {error}");
    let mut response = agent.get(url).call().map_err(|error| with_url(&error))?;
    let text = response.body_mut().with_config().limit(MAX_BYTES).read_to_string();
    serde_json::from_str(&text.map_err(|error| with_url(&error))?).map_err(|error| with_url(&error))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Write},
        net::TcpListener,
        sync::Mutex,
    };

    use serde_json::json;

    use super::*;

    /// A server that has one key, or fails without one; and the number of its requests.
    type Served = Arc<Mutex<(Option<&'static str>, usize)>>;

    fn serve() -> (Arc<Issuer>, Served) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let served = Served::default();
        let serving = served.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let request = BufReader::new(connection.try_clone().unwrap()).lines();
                request.take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty())).for_each(drop);
                let mut served = serving.lock().unwrap();
                served.1 += 1;
                let (status, keys) = match served.0 {
                    Some(id) => ("200 OK", json!([{"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": id}])),
                    None => ("500 Down", json!([])),
                };
                let body = json!({ "keys": keys }).to_string();
                let head =
                    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}", body.len());
                let _ = connection.write_all(format!("{head}\r\n\r\n{body}").as_bytes());
            }
        });
        let settings = config::Jwt {
            issuer: url.clone(),
            audience: String::new(),
            jwks_url: Some(url),
            role_claim: String::new(),
        };
        (Arc::new(Issuer::new(&settings)), served)
    }

    /// Whether the issuer has a key; none if unknown.
    async fn has(issuer: &Arc<Issuer>, id: &str) -> Option<bool> {
        issuer
            .key(Some(id))
            .await
            .map(|key| key.is_some())
            .map_err(|api_error| assert_eq!(api_error.code, Code::Unavailable))
            .ok()
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_key_is_fetched_at_most_once_a_minute() {
        let (issuer, served) = serve();
        *served.lock().unwrap() = (Some("old"), 0);
        assert_eq!(has(&issuer, "old").await, Some(true));
        served.lock().unwrap().0 = Some("new");
        for _ in 0..5 {
            assert_eq!(has(&issuer, "new").await, Some(false));
        }
        assert_eq!(served.lock().unwrap().1, 1);
        tokio::time::advance(MIN_INTERVAL).await;
        assert_eq!(has(&issuer, "new").await, Some(true));
        assert_eq!(has(&issuer, "old").await, Some(false), "it was withdrawn");
        assert_eq!(served.lock().unwrap().1, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_withdrawn_key_is_refused_after_a_while() {
        let (issuer, served) = serve();
        *served.lock().unwrap() = (Some("old"), 0);
        assert_eq!(has(&issuer, "old").await, Some(true));
        served.lock().unwrap().0 = Some("new");
        tokio::time::advance(REFRESH_AFTER / 2).await;
        assert_eq!(has(&issuer, "old").await, Some(true));
        tokio::time::advance(REFRESH_AFTER / 2).await;
        assert_eq!(has(&issuer, "old").await, Some(true), "nobody waits for the new keys");
        refreshed(&issuer).await;
        assert_eq!(has(&issuer, "old").await, Some(false));
    }

    /// Waits for running fetches.
    async fn refreshed(issuer: &Issuer) {
        drop(issuer.fetching.lock().await);
    }

    #[tokio::test(start_paused = true)]
    #[expect(clippy::await_holding_lock, reason = "the issuer's thread waits for it, and nobody else does")]
    async fn no_request_waits_for_a_silent_issuer_while_keys_are_known() {
        let (issuer, served) = serve();
        *served.lock().unwrap() = (Some("key"), 0);
        assert_eq!(has(&issuer, "key").await, Some(true));
        tokio::time::advance(REFRESH_AFTER).await;
        // The server does not respond while this is held.
        let silent = served.lock().unwrap();
        for _ in 0..3 {
            let (issuer, key) = (issuer.clone(), Some("key"));
            assert!(issuer.key(key).await.is_ok_and(|key| key.is_some()));
        }
        drop(silent);
        refreshed(&issuer).await;
        assert_eq!(served.lock().unwrap().1, 2, "they fetched it once");
    }

    #[tokio::test(start_paused = true)]
    async fn known_keys_are_used_for_an_hour_while_the_issuer_is_down() {
        let (issuer, served) = serve();
        assert_eq!(has(&issuer, "key").await, None);
        served.lock().unwrap().0 = Some("key");
        assert_eq!(has(&issuer, "key").await, None, "it is left alone for some seconds");
        tokio::time::advance(RETRY_INTERVAL).await;
        assert_eq!(has(&issuer, "key").await, Some(true));
        served.lock().unwrap().0 = None;
        tokio::time::advance(REFRESH_AFTER).await;
        assert_eq!(has(&issuer, "key").await, Some(true));
        refreshed(&issuer).await;
        assert_eq!(has(&issuer, "other").await, None, "nobody can say");
        tokio::time::advance(EXPIRE_AFTER).await;
        assert_eq!(has(&issuer, "key").await, None);
    }
}
