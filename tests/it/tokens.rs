//! Authentication with tokens of an issuer.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use dossier::auth::caller::Role;
use reqwest::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use ring::{
    hmac,
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair},
};
use rsa::{RsaPrivateKey, pkcs1::EncodeRsaPrivateKey, rand_core::OsRng};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::Client;

const VIEWER: &str = "{ viewer { role name } }";

/// Signing keys of an issuer, one of each kind; generated once for all tests.
struct Keys {
    rsa: Arc<RsaKeyPair>,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

impl Keys {
    /// New keys, except the RSA key, which takes long to generate.
    fn with(rsa: Arc<RsaKeyPair>) -> Self {
        let random = SystemRandom::new();
        let ec = |algorithm| {
            let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
            EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).expect("its form")
        };
        let ed25519 = Ed25519KeyPair::generate_pkcs8(&random).expect("a key");
        Keys {
            rsa,
            p256: ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            p384: ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            ed25519: Ed25519KeyPair::from_pkcs8(ed25519.as_ref()).expect("its form"),
        }
    }

    fn shared() -> &'static Keys {
        static KEYS: OnceLock<Keys> = OnceLock::new();
        KEYS.get_or_init(|| {
            let rsa = RsaPrivateKey::new(&mut OsRng, 2048).expect("a key").to_pkcs1_der().expect("its form");
            Keys::with(Arc::new(RsaKeyPair::from_der(rsa.as_bytes()).expect("its form")))
        })
    }

    /// The public keys, with the kind as key id.
    fn public(&self) -> Value {
        let PublicKeyComponents::<Vec<u8>> { n, e } = self.rsa.public().into();
        let ec = |kid, curve, key: &EcdsaKeyPair| {
            let (x, y) = key.public_key().as_ref()[1..].split_at(key.public_key().as_ref().len() / 2);
            json!({"kty": "EC", "kid": kid, "crv": curve, "x": BASE64.encode(x), "y": BASE64.encode(y)})
        };
        json!([
            {"kty": "RSA", "kid": "rsa", "n": BASE64.encode(&n), "e": BASE64.encode(&e)},
            {"kty": "RSA", "kid": "rsa-for-pss", "alg": "PS256", "n": BASE64.encode(&n), "e": BASE64.encode(&e)},
            {"kty": "RSA", "kid": "rsa-for-encryption", "use": "enc", "n": BASE64.encode(&n), "e": BASE64.encode(&e)},
            ec("p256", "P-256", &self.p256),
            ec("p384", "P-384", &self.p384),
            {"kty": "OKP", "kid": "ed25519", "crv": "Ed25519", "use": "sig", "x": BASE64.encode(self.ed25519.public_key())},
            {"kty": "oct", "kid": "secret", "k": BASE64.encode("a secret that everybody knows")},
            {"kty": "something new", "kid": "new"},
        ])
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let rsa = |padding: &'static dyn signature::RsaEncoding| {
            let mut signed = vec![0; self.rsa.public().modulus_len()];
            self.rsa.sign(padding, &random, message, &mut signed).expect("signed");
            signed
        };
        match algorithm {
            "RS256" => rsa(&signature::RSA_PKCS1_SHA256),
            "RS384" => rsa(&signature::RSA_PKCS1_SHA384),
            "RS512" => rsa(&signature::RSA_PKCS1_SHA512),
            "PS256" => rsa(&signature::RSA_PSS_SHA256),
            "PS384" => rsa(&signature::RSA_PSS_SHA384),
            "PS512" => rsa(&signature::RSA_PSS_SHA512),
            "ES256" => self.p256.sign(&random, message).expect("signed").as_ref().to_vec(),
            "ES384" => self.p384.sign(&random, message).expect("signed").as_ref().to_vec(),
            "EdDSA" => self.ed25519.sign(message).as_ref().to_vec(),
            "none" => Vec::new(),
            other => panic!("{other}"),
        }
    }
}

/// An issuer that serves its keys.
struct Issuer {
    address: String,
    requested: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start() -> Issuer {
        Self::serving(|address| json!({"issuer": address, "jwks_uri": format!("{address}/keys")})).await
    }

    async fn serving(configuration: impl FnOnce(&str) -> Value) -> Issuer {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let requested = Arc::new(AtomicUsize::new(0));
        let configuration = configuration(&address);
        let keys = |State(requested): State<Arc<AtomicUsize>>| async move {
            requested.fetch_add(1, Ordering::SeqCst);
            Json(json!({"keys": Keys::shared().public()}))
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(|| async move { Json(configuration) }))
            .route("/keys", get(keys))
            .route("/broken", get(|| async { (StatusCode::INTERNAL_SERVER_ERROR, "{\"keys\": []}") }))
            .route("/page", get(|| async { "<html>" }))
            .with_state(requested.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        Issuer { address, requested }
    }

    fn request_count(&self) -> usize {
        self.requested.load(Ordering::SeqCst)
    }

    /// A client of a server that trusts this issuer.
    async fn client(&self, settings: &[(&str, &str)]) -> Client {
        let trusting = [("JWT_ISSUER", self.address.as_str()), ("JWT_AUDIENCE", "dossier")];
        Client::with(&[&trusting, settings].concat()).await
    }

    /// The claims of a valid token, with these changes: null removes a claim.
    fn claims(&self, changes: &Value) -> Value {
        let mut claims = json!({
            "iss": self.address, "aud": "dossier", "sub": "alice", "role": "EDITOR", "exp": now() + 300,
        });
        for (claim, value) in changes.as_object().expect("claims") {
            if value.is_null() {
                claims.as_object_mut().expect("claims").remove(claim);
            } else {
                claims[claim] = value.clone();
            }
        }
        claims
    }

    fn token(&self, changes: &Value) -> String {
        signed(&json!({"alg": "ES256", "kid": "p256"}), &self.claims(changes), Keys::shared())
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

fn signed(header: &Value, claims: &Value, keys: &Keys) -> String {
    let message = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    let signature = keys.sign(header["alg"].as_str().expect("an algorithm"), message.as_bytes());
    format!("{message}.{}", BASE64.encode(signature))
}

#[tokio::test]
async fn a_token_authenticates_its_subject() {
    let issuer = Issuer::start().await;
    let anonymous = issuer.client(&[]).await;
    for (algorithm, kid) in [
        ("RS256", "rsa"),
        ("RS384", "rsa"),
        ("RS512", "rsa"),
        ("PS256", "rsa-for-pss"),
        ("PS384", "rsa"),
        ("PS512", "rsa"),
        ("ES256", "p256"),
        ("ES384", "p384"),
        ("EdDSA", "ed25519"),
    ] {
        let header = json!({"alg": algorithm, "kid": kid, "typ": "JWT"});
        let token = signed(&header, &issuer.claims(&json!({})), Keys::shared());
        let response = anonymous.with_key(&token).response(VIEWER, json!({})).await;
        assert_eq!(
            response["data"]["viewer"],
            json!({"role": "EDITOR", "name": "alice"}),
            "{algorithm}: {response}"
        );
    }
    assert_eq!(issuer.request_count(), 1, "its keys are cached");
    let change = "mutation { createTopic(input: {slug: \"grain\", name: \"Grain\"}) {
        topic { revisions { edges { node { requester } } } } } }";
    let data = anonymous.with_key(&issuer.token(&json!({}))).query(change).await;
    assert_eq!(data["createTopic"]["topic"]["revisions"]["edges"][0]["node"]["requester"], "alice");
    let key = anonymous.as_role(Role::Admin).await;
    assert_eq!(key.query(VIEWER).await["viewer"]["role"], "ADMIN", "keys are as good as ever");
}

#[tokio::test]
async fn a_token_gives_a_role_in_the_claim_that_the_settings_name() {
    let issuer = Issuer::start().await;
    for (claim, changes, role) in [
        ("role", json!({"role": "reader"}), Some("READER")),
        ("role", json!({"role": "Admin"}), Some("ADMIN")),
        ("role", json!({"role": ["uma", "editor", "READER", 1]}), Some("EDITOR")),
        (
            "https://example.org/role",
            json!({"https://example.org/role": "ADMIN", "role": "READER"}),
            Some("ADMIN"),
        ),
        ("/realm_access/roles", json!({"realm_access": {"roles": ["reader"]}}), Some("READER")),
        ("/realm_access/roles", json!({"realm_access": "reader"}), None),
        ("role", json!({"role": null}), None),
        ("role", json!({"role": "king"}), None),
        ("role", json!({"role": "ANONYMOUS"}), None),
        ("role", json!({"role": {"editor": true}}), None),
    ] {
        let client = issuer.client(&[("JWT_ROLE_CLAIM", claim)]).await.with_key(&issuer.token(&changes));
        let response = client.response(VIEWER, json!({})).await;
        assert_eq!(response["data"]["viewer"]["role"].as_str(), role, "{claim} {changes}: {response}");
        let code = response["errors"][0]["extensions"]["code"].as_str();
        assert_eq!(code, role.is_none().then_some("UNAUTHENTICATED"), "{claim} {changes}");
    }
}

#[tokio::test]
async fn a_token_that_is_not_valid_is_refused_with_its_reason() {
    let issuer = Issuer::start().await;
    let with = |header: Value, changes: Value| signed(&header, &issuer.claims(&changes), Keys::shared());
    let es256 = json!({"alg": "ES256", "kid": "p256"});
    let good = issuer.token(&json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    let promoted = BASE64.encode(issuer.claims(&json!({"role": "ADMIN"})).to_string());
    // A server that used the public key as a shared secret would accept forged tokens.
    let confused = |secret: &[u8], kid: &str| {
        let claims = BASE64.encode(issuer.claims(&json!({})).to_string());
        let message = format!("{}.{claims}", BASE64.encode(json!({"alg": "HS256", "kid": kid}).to_string()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        format!("{message}.{}", BASE64.encode(tag))
    };
    let others = Keys::with(Keys::shared().rsa.clone());
    let cases = [
        (issuer.token(&json!({"exp": now() - 60})), "it has expired"),
        (issuer.token(&json!({"nbf": now() + 60})), "it is not valid yet"),
        (issuer.token(&json!({"iss": "http://127.0.0.1"})), "it is from another issuer"),
        (issuer.token(&json!({"aud": "other"})), "it is for another audience"),
        (issuer.token(&json!({"aud": ["other", "another"]})), "it is for another audience"),
        (issuer.token(&json!({"exp": null})), "it has no claim `exp`"),
        (issuer.token(&json!({"exp": "2999"})), "it has no claim `exp`"),
        (issuer.token(&json!({"nbf": "2999"})), "its claim `nbf` can't be parsed"),
        (issuer.token(&json!({"iss": null})), "it has no claim `iss`"),
        (issuer.token(&json!({"aud": null})), "it has no claim `aud`"),
        (issuer.token(&json!({"sub": null})), "it has no claim `sub`"),
        (issuer.token(&json!({"sub": " "})), "its claim `sub` can't be used as a name"),
        (issuer.token(&json!({"sub": "a\u{0}b"})), "its claim `sub` can't be used as a name"),
        (issuer.token(&json!({"sub": "a".repeat(201)})), "its claim `sub` can't be used as a name"),
        (format!("{}.{promoted}.{}", parts[0], parts[2]), "its signature is wrong"),
        (format!("{}.{}.", parts[0], parts[1]), "its signature is wrong"),
        (signed(&es256, &issuer.claims(&json!({})), &others), "its signature is wrong"),
        (with(json!({"alg": "RS256", "kid": "p256"}), json!({})), "its signature is wrong"),
        (with(json!({"alg": "ES384", "kid": "p256"}), json!({})), "its signature is wrong"),
        (with(json!({"alg": "RS256", "kid": "rsa-for-pss"}), json!({})), "its key is for another algorithm"),
        (
            with(json!({"alg": "RS256", "kid": "rsa-for-encryption"}), json!({})),
            "its issuer has no key with this `kid`",
        ),
        (with(json!({"alg": "ES256", "kid": "unknown"}), json!({})), "its issuer has no key with this `kid`"),
        (with(json!({"alg": "ES256"}), json!({})), "its issuer has no key with this `kid`"),
        (
            with(json!({"alg": "ES256", "kid": "p256", "crit": ["b64"], "b64": false}), json!({})),
            "its header `crit` has unsupported extensions",
        ),
        (with(json!({"alg": "none", "kid": "p256"}), json!({})), "it can't be parsed"),
        (confused(b"a secret that everybody knows", "secret"), "its signature algorithm is not asymmetric"),
        (
            confused(Keys::shared().p256.public_key().as_ref(), "p256"),
            "its signature algorithm is not asymmetric",
        ),
        (format!("{}.{}", parts[0], parts[1]), "it can't be parsed"),
        ("a.b.c".to_owned(), "it can't be parsed"),
        ("secret".to_owned(), "it can't be parsed"),
    ];
    // Each server accepts ten attempts before it only says to wait.
    for some in cases.chunks(10) {
        let client = issuer.client(&[]).await;
        for (token, reason) in some {
            let post = client.http().post(client.address("/graphql")).bearer_auth(token);
            let response = post.json(&json!({ "query": VIEWER })).send().await.expect("a response");
            assert_eq!(response.status(), 401, "{reason}");
            assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer", "{reason}");
            let body: Value = response.json().await.expect("JSON");
            assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{body}");
            let message = format!("The token is invalid: {reason}.");
            assert_eq!(body["errors"][0]["message"], message);
        }
        assert_eq!(client.with_key(&good).query(VIEWER).await["viewer"]["name"], "alice");
    }
    assert_eq!(issuer.request_count(), 3, "once by each server, whatever keys the tokens named");
}

#[tokio::test]
async fn clocks_may_differ_by_some_seconds_and_an_audience_may_be_one_of_several() {
    let issuer = Issuer::start().await;
    let anonymous = issuer.client(&[]).await;
    for changes in [
        json!({"exp": now() - 10}),
        json!({"nbf": now() + 10}),
        json!({"aud": ["other", "dossier"]}),
        json!({"sub": "Айгүль"}),
    ] {
        let data = anonymous.with_key(&issuer.token(&changes)).query(VIEWER).await;
        assert_eq!(data["viewer"]["role"], "EDITOR");
    }
}

#[tokio::test]
async fn concurrent_requests_fetch_the_issuers_keys_once() {
    let issuer = Issuer::start().await;
    let client = issuer.client(&[]).await.with_key(&issuer.token(&json!({})));
    let asking = (0..20).map(|_| client.query(VIEWER));
    for data in futures_util::future::join_all(asking).await {
        assert_eq!(data["viewer"]["name"], "alice");
    }
    assert_eq!(issuer.request_count(), 1);
}

#[tokio::test]
async fn the_issuers_keys_may_be_elsewhere() {
    let issuer = Issuer::serving(|_| json!("no configuration")).await;
    let keys = format!("{}/keys", issuer.address);
    let client = issuer.client(&[("JWT_JWKS_URL", &keys)]).await.with_key(&issuer.token(&json!({})));
    assert_eq!(client.query(VIEWER).await["viewer"]["name"], "alice");
}

#[tokio::test]
async fn while_the_issuer_gives_no_keys_its_tokens_are_neither_good_nor_bad() {
    let issuer = Issuer::start().await;
    let impostor =
        Issuer::serving(|address| json!({"issuer": "http://other", "jwks_uri": format!("{address}/keys")}))
            .await;
    let silent = Issuer::serving(|_| json!({})).await;
    for (requested, jwks_url) in [
        (&issuer, "http://127.0.0.1:1/keys".to_owned()),
        (&issuer, format!("{}/broken", issuer.address)),
        (&issuer, format!("{}/page", issuer.address)),
        (&issuer, format!("{}/.well-known/openid-configuration", issuer.address)),
        (&impostor, String::new()),
        (&silent, String::new()),
    ] {
        let anonymous = requested.client(&[("JWT_JWKS_URL", &jwks_url)]).await;
        let post =
            anonymous.http().post(anonymous.address("/graphql")).bearer_auth(requested.token(&json!({})));
        let response = post.json(&json!({ "query": VIEWER })).send().await.expect("a response");
        assert_eq!(response.status(), 503, "{jwks_url}");
        assert!(response.headers().contains_key(RETRY_AFTER));
        let body: Value = response.json().await.expect("JSON");
        assert_eq!(body["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{body}");
        assert!(!body.to_string().contains("127.0.0.1"), "{body}");
        assert_eq!(anonymous.query(VIEWER).await["viewer"]["role"], "ANONYMOUS", "others get a response");
        let key = anonymous.as_role(Role::Reader).await;
        assert_eq!(key.query(VIEWER).await["viewer"]["role"], "READER", "keys need no issuer");
    }
}
