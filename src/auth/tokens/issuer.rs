//! The issuer's keys: asked for when one is needed that is not known, and kept for a while.

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

/// How long the issuer may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long its keys are used before they are asked for again. Tokens are answered by the known keys meanwhile:
/// a key that it withdrew is refused once the new ones are there.
const FRESH: Duration = Duration::from_mins(10);
/// How long they are used while it can't be reached.
const USABLE: Duration = Duration::from_hours(1);
/// How long it is left alone after it answered, whatever keys tokens name.
const REST: Duration = Duration::from_mins(1);
/// How long it is left alone after it didn't.
const RETRY: Duration = Duration::from_secs(5);
/// Bytes that an answer of it has at most.
const LARGEST: u64 = 1 << 20;

pub struct Issuer {
    /// Where its keys are; none has its configuration say so.
    jwks_url: Option<String>,
    name: String,
    agent: Agent,
    known: RwLock<Known>,
    /// Held by whoever asks it: the others wait for the same answer.
    asking: Arc<Mutex<()>>,
}

/// What is known of its keys.
#[derive(Clone, Default)]
struct Known {
    keys: Arc<Vec<Jwk>>,
    /// When they came.
    since: Option<Instant>,
    /// When it may be asked again.
    again: Option<Instant>,
    /// Whether it answered the last time.
    reached: bool,
}

impl Known {
    fn is_younger(&self, than: Duration) -> bool {
        self.since.is_some_and(|since| since.elapsed() < than)
    }

    /// The key of this id; a token may leave the id out where there is only one.
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
        let asked = settings.jwks_url.as_ref().unwrap_or(&settings.issuer);
        let agent = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .https_only(asked.starts_with("https://"))
            .tls_config(TlsConfig::builder().root_certs(roots()).build())
            .build();
        Issuer {
            jwks_url: settings.jwks_url.clone(),
            name: settings.issuer.clone(),
            agent: agent.into(),
            known: RwLock::default(),
            asking: Arc::default(),
        }
    }

    /// The key of this id, if the issuer has it.
    pub async fn key(self: &Arc<Self>, id: Option<&str>) -> Result<Option<Jwk>, ApiError> {
        let known = self.known();
        if known.is_younger(USABLE)
            && let Some(key) = known.key(id)
        {
            if !known.is_younger(FRESH) {
                self.refresh();
            }
            return Ok(Some(key));
        }
        let one = self.asking.lock().await;
        let known = self.ask_unless(|known| known.is_younger(FRESH) && known.key(id).is_some()).await;
        drop(one);
        let key = known.key(id).filter(|_| known.is_younger(USABLE));
        if key.is_none() && !known.reached {
            let message = "The issuer of the token can't be reached; retry later.";
            return Err(ApiError { retry_after: Some(RETRY), ..ApiError::new(Code::Unavailable, message) });
        }
        Ok(key)
    }

    /// Asks for the keys again in the background, unless somebody does already.
    fn refresh(self: &Arc<Self>) {
        let Ok(one) = self.asking.clone().try_lock_owned() else { return };
        let issuer = self.clone();
        tokio::spawn(async move {
            issuer.ask_unless(|known| known.is_younger(FRESH)).await;
            drop(one);
        });
    }

    /// What is known, asked for again where it is not enough and the issuer may be asked.
    async fn ask_unless(&self, is_enough: impl Fn(&Known) -> bool) -> Known {
        let mut known = self.known();
        if !is_enough(&known) && known.again.is_none_or(|again| again <= Instant::now()) {
            known = self.ask(known).await;
            *self.known.write().unwrap_or_else(PoisonError::into_inner) = known.clone();
        }
        known
    }

    fn known(&self) -> Known {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn ask(&self, before: Known) -> Known {
        let (agent, url, name) = (self.agent.clone(), self.jwks_url.clone(), self.name.clone());
        let answer = tokio::task::spawn_blocking(move || fetch(&agent, url, &name)).await;
        let now = Instant::now();
        match answer.map_err(|error| error.to_string()).flatten() {
            Ok(keys) => {
                Known { keys: Arc::new(keys), since: Some(now), again: Some(now + REST), reached: true }
            }
            Err(error) => {
                tracing::warn!(issuer = self.name, error, "the keys of the token issuer can't be fetched");
                Known { again: Some(now + RETRY), reached: false, ..before }
            }
        }
    }
}

/// The keys that sign, from where the settings say, or else the issuer's configuration (`OpenID` Connect Discovery).
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
    let answer = get(agent, &url)?;
    let keys = answer["keys"].as_array().ok_or_else(|| format!("{url} has no keys"))?;
    // Kinds of keys that nobody here knows are no hindrance to the others.
    let keys = keys.iter().filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
    Ok(keys.filter(|key| key.common.public_key_use != Some(PublicKeyUse::Encryption)).collect())
}

fn get(agent: &Agent, url: &str) -> Result<Value, String> {
    let told = |error: &dyn std::fmt::Display| format!("{url}: {error}");
    let mut answer = agent.get(url).call().map_err(|error| told(&error))?;
    let text = answer.body_mut().with_config().limit(LARGEST).read_to_string();
    serde_json::from_str(&text.map_err(|error| told(&error))?).map_err(|error| told(&error))
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

    /// A server that has a key of this id, or, with none, fails; and how often it was asked.
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

    /// Whether the issuer has a key; none where that can't be known.
    async fn has(issuer: &Arc<Issuer>, id: &str) -> Option<bool> {
        issuer
            .key(Some(id))
            .await
            .map(|key| key.is_some())
            .map_err(|api_error| assert_eq!(api_error.code, Code::Unavailable))
            .ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_key_is_asked_for_once_a_minute_at_most() {
        let (issuer, served) = serve();
        *served.lock().unwrap() = (Some("old"), 0);
        assert_eq!(has(&issuer, "old").await, Some(true));
        served.lock().unwrap().0 = Some("new");
        for _ in 0..5 {
            assert_eq!(has(&issuer, "new").await, Some(false));
        }
        assert_eq!(served.lock().unwrap().1, 1);
        tokio::time::advance(REST).await;
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
        tokio::time::advance(FRESH / 2).await;
        assert_eq!(has(&issuer, "old").await, Some(true));
        tokio::time::advance(FRESH / 2).await;
        assert_eq!(has(&issuer, "old").await, Some(true), "nobody waits for the new keys");
        refreshed(&issuer).await;
        assert_eq!(has(&issuer, "old").await, Some(false));
    }

    /// Waits until nobody asks the issuer.
    async fn refreshed(issuer: &Issuer) {
        drop(issuer.asking.lock().await);
    }

    #[tokio::test(start_paused = true)]
    #[expect(clippy::await_holding_lock, reason = "the issuer's thread waits for it, and nobody else does")]
    async fn nobody_waits_for_an_issuer_that_is_silent_while_keys_are_known() {
        let (issuer, served) = serve();
        *served.lock().unwrap() = (Some("key"), 0);
        assert_eq!(has(&issuer, "key").await, Some(true));
        tokio::time::advance(FRESH).await;
        // The issuer doesn't answer while this is held.
        let silent = served.lock().unwrap();
        for _ in 0..3 {
            let (issuer, key) = (issuer.clone(), Some("key"));
            assert!(issuer.key(key).await.is_ok_and(|key| key.is_some()));
        }
        drop(silent);
        refreshed(&issuer).await;
        assert_eq!(served.lock().unwrap().1, 2, "they asked for it once");
    }

    #[tokio::test(start_paused = true)]
    async fn known_keys_are_used_for_an_hour_while_the_issuer_is_down() {
        let (issuer, served) = serve();
        assert_eq!(has(&issuer, "key").await, None);
        served.lock().unwrap().0 = Some("key");
        assert_eq!(has(&issuer, "key").await, None, "it is left alone for some seconds");
        tokio::time::advance(RETRY).await;
        assert_eq!(has(&issuer, "key").await, Some(true));
        served.lock().unwrap().0 = None;
        tokio::time::advance(FRESH).await;
        assert_eq!(has(&issuer, "key").await, Some(true));
        refreshed(&issuer).await;
        assert_eq!(has(&issuer, "other").await, None, "nobody can say");
        tokio::time::advance(USABLE).await;
        assert_eq!(has(&issuer, "key").await, None);
    }
}
