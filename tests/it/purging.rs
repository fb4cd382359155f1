//! A cache in front of the server: what responses tell it, and what it is told to purge.

use std::{
    collections::BTreeSet,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    http::{HeaderMap, Method, StatusCode},
};
use dossier::auth::caller::Role;
use reqwest::header::{CACHE_CONTROL, ETAG};
use serde_json::Value;

use crate::{
    cache::rename,
    support::{
        Client,
        process::{Folder, dossier, output},
        say,
        varnish::{self, Varnish},
    },
};

/// Timeout on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const SHARED: &str = "public, max-age=0, s-maxage=86400";
const TOPIC: &str = "{topic(by:{slug:\"two-state-solution\"}){name}}";
const ACTOR: &str = "{actor(by:{slug:\"kazakhstan\"}){name}}";

/// A cache that knows tags, and the settings of the servers behind it.
#[derive(Clone, Default)]
struct FrontCache {
    purged: Arc<Mutex<Vec<Vec<String>>>>,
    failures: Arc<Mutex<usize>>,
    address: String,
}

impl FrontCache {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/purge", listener.local_addr().expect("an address"));
        let cache = FrontCache { address, ..FrontCache::default() };
        let own = cache.clone();
        let router = Router::new()
            .fallback(async move |method: Method, headers: HeaderMap| own.purge(&method, &headers));
        tokio::spawn(async move { axum::serve(listener, router).await });
        cache
    }

    fn purge(&self, method: &Method, headers: &HeaderMap) -> StatusCode {
        assert_eq!((method.as_str(), &headers["fastly-key"]), ("PURGE", &"secret".parse().expect("a value")));
        let mut failures = self.failures.lock().expect("no panic");
        if *failures > 0 {
            *failures -= 1;
            // A redirect is no success either.
            return [StatusCode::SERVICE_UNAVAILABLE, StatusCode::FOUND][*failures % 2];
        }
        let tags = headers["surrogate-key"].to_str().expect("text").split(' ').map(ToOwned::to_owned);
        self.purged.lock().expect("no panic").push(tags.collect());
        StatusCode::OK
    }

    fn settings(&self) -> [(&str, &str); 5] {
        [
            ("CACHE_BYTES", "1000000"),
            ("CACHE_CONTROL", SHARED),
            ("CACHE_TAGS", "Surrogate-Key"),
            ("PURGE_URL", &self.address),
            ("PURGE_HEADER", "Fastly-Key: secret"),
        ]
    }

    /// The tags that were purged since the last time.
    fn taken(&self) -> Vec<String> {
        let tags = std::mem::take(&mut *self.purged.lock().expect("no panic"));
        assert!(tags.iter().all(|batch| batch.len() <= 100));
        tags.concat()
    }
}

/// The revision up to which the cache in front of the server was purged.
async fn purged_revision(client: &Client) -> i64 {
    let metrics = client.get("/metrics").await.text().await.expect("text");
    let value = metrics.lines().find_map(|line| line.strip_prefix("dossier_purged_revision "));
    value.expect("a metric").parse().expect("a number")
}

async fn wait_until_purged(client: &Client, revision: i64) {
    let since = Instant::now();
    while purged_revision(client).await < revision {
        assert!(since.elapsed() < PATIENCE, "revision {revision} is not purged");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A response to GET.
async fn got(address: &str, query: &str, key: Option<&Client>) -> reqwest::Response {
    let mut request = reqwest::Client::new().get(format!("{address}graphql")).query(&[("query", query)]);
    if let Some(authorization) = key.and_then(Client::authorization) {
        request = request.header("authorization", authorization);
    }
    request.send().await.expect("a response")
}

async fn tags(client: &Client, query: &str) -> Vec<String> {
    let since = Instant::now();
    loop {
        let response = got(&client.address("/"), query, None).await;
        if let Some(tags) = response.headers().get("surrogate-key") {
            return tags.to_str().expect("text").split(' ').map(ToOwned::to_owned).collect();
        }
        // Before it knows the revision, the server caches nothing.
        assert!(since.elapsed() < PATIENCE, "{response:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn responses_to_anybody_have_tags_and_others_are_not_for_shared_caches() {
    let client = Client::with(&FrontCache::start().await.settings()).await;
    let topic = tags(&client, TOPIC).await;
    assert_eq!(topic[0], "dossier");
    assert!(topic.len() > 1 && topic[1..].iter().all(|tag| tag.len() == 6), "{topic:?}");
    assert_eq!(tags(&client, TOPIC).await, topic);
    assert_eq!(tags(&client, "{search(query:\"peace\"){edges{cursor}}}").await, ["dossier", "dossier-any"]);

    let shared = got(&client.address("/"), TOPIC, None).await;
    assert_eq!(shared.headers()[CACHE_CONTROL], SHARED);
    let reader = client.as_role(Role::Reader).await;
    let own = got(&client.address("/"), TOPIC, Some(&reader)).await;
    assert_eq!(own.headers()[CACHE_CONTROL], "private, no-cache");
    assert!(own.headers().contains_key(ETAG) && !own.headers().contains_key("surrogate-key"));
    for query in ["{rateLimit{remaining}}", "{nothing}"] {
        let own = got(&client.address("/"), query, None).await;
        assert_eq!(own.headers()[CACHE_CONTROL], "no-store", "{query}");
    }
    for path in ["/schema.graphql", "/metrics", "/health/ready", "/export/statements.jsonl", "/nowhere"] {
        assert_eq!(client.get(path).await.headers()[CACHE_CONTROL], "no-store", "{path}");
    }
    let named = client.http().get(client.address("/graphql")).query(&[("query", TOPIC)]);
    let named = named.header("dossier-revision", "1").send().await.expect("a response");
    assert_eq!(named.headers()[CACHE_CONTROL], "private, no-cache");
    assert!(!named.headers().contains_key("surrogate-key"), "it is for who named the revision");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_purges_what_it_made_stale() {
    let cache = FrontCache::start().await;
    let client = Client::with(&cache.settings()).await;
    let editor = client.as_role(Role::Editor).await;
    let (topic, actor) = (tags(&client, TOPIC).await, tags(&client, ACTOR).await);
    wait_until_purged(&client, 1).await;
    assert_eq!(cache.taken(), ["dossier", "dossier"], "a start purges everything, twice");

    *cache.failures.lock().expect("no panic") = 2;
    let revision = rename(&editor, "Two states").await;
    wait_until_purged(&client, revision).await;
    let purged = cache.taken();
    let is_purged = |tag: &String| purged.iter().filter(|purged| *purged == tag).count() == 2;
    assert!(topic[1..].iter().any(is_purged), "{topic:?} {purged:?}");
    assert!(is_purged(&"dossier-any".to_owned()) && !purged.contains(&"dossier".to_owned()));
    assert!(!actor.iter().any(|tag| purged.contains(tag)), "{actor:?} {purged:?}");

    // By hand: all, or what changed since a revision.
    let mut settings = cache.settings().to_vec();
    settings.push(("DATABASE_URL", client.database_url()));
    let (before, now) = ((revision - 1).to_string(), revision.to_string());
    let purge = |arguments: &[&str]| {
        let ended = tokio::task::block_in_place(|| output(dossier(&settings).arg("purge").args(arguments)));
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        (String::from_utf8(ended.stdout).expect("text"), cache.taken())
    };
    assert_eq!(purge(&[]), ("purged all responses\n".to_owned(), vec!["dossier".to_owned()]));
    assert_eq!(purge(&["--since", &now]), ("nothing has changed\n".to_owned(), Vec::new()));
    let set = |tags: Vec<String>| tags.into_iter().collect::<BTreeSet<_>>();
    assert_eq!(set(purge(&["--since", &before]).1), set(purged));
}

/// Readers of Varnish in front of a server.
struct VarnishReaders {
    address: String,
    // Stopped before its folder is deleted.
    _varnish: Varnish,
    _folder: Folder,
}

impl VarnishReaders {
    /// None if it is not installed.
    fn start(ports: [u16; 2], server: SocketAddr) -> Option<Self> {
        if !Path::new(varnish::PROGRAM).exists() {
            say(&format!(
                "The cache in front of the server is NOT tried: {} is not installed",
                varnish::PROGRAM
            ));
            return None;
        }
        let folder = Folder::new("varnish");
        let varnish = Varnish::start(folder.path(), server.port(), ports);
        let address = format!("http://127.0.0.1:{}/", ports[0]);
        Some(VarnishReaders { address, _varnish: varnish, _folder: folder })
    }

    async fn topic(&self) -> (Value, bool) {
        let response = got(&self.address, TOPIC, None).await;
        let hit = response.headers()["x-cache"] == "HIT";
        let mut body: Value = response.json().await.expect("JSON");
        (body["data"]["topic"]["name"].take(), hit)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn varnish_gives_nothing_stale_after_a_purge() {
    let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let ports = ports.map(|free| free.local_addr().expect("an address").port());
    let purge = format!("http://127.0.0.1:{}/", ports[1]);
    let settings = [
        ("CACHE_BYTES", "1000000"),
        ("CACHE_CONTROL", SHARED),
        ("CACHE_TAGS", "Surrogate-Key"),
        ("PURGE_URL", &purge),
    ];
    let client = Client::with(&settings).await;
    let Some(varnish) = VarnishReaders::start(ports, client.socket_address()) else { return };
    let editor = client.as_role(Role::Editor).await;
    wait_until_purged(&client, 1).await;
    let mut hits = 0;
    for round in 0..5 {
        // Readers ask all the time, also while the topic is renamed.
        let name = format!("Two states {round}");
        let reading = async {
            let until = Instant::now() + Duration::from_secs(1);
            while Instant::now() < until {
                varnish.topic().await;
            }
        };
        let (revision, ()) = tokio::join!(rename(&editor, &name), reading);
        wait_until_purged(&client, revision).await;
        for _ in 0..20 {
            let (read, hit) = varnish.topic().await;
            assert_eq!(read, name.as_str(), "it is stale after the purge of revision {revision}");
            hits += usize::from(hit);
        }
    }
    assert!(hits >= 5 * 18, "{hits} hits");
    // What nobody could purge is not kept, nor what a key gives.
    for query in ["{rateLimit{remaining}}", "{nothing}"] {
        for _ in 0..2 {
            assert_eq!(got(&varnish.address, query, None).await.headers()["x-cache"], "MISS", "{query}");
        }
    }
    assert_eq!(got(&varnish.address, TOPIC, Some(&editor)).await.headers()["x-cache"], "MISS");
    // Readers can't purge, and what they keep they ask for again.
    let kept = got(&varnish.address, TOPIC, None).await;
    assert_eq!(kept.headers()["x-cache"], "HIT");
    assert_eq!(kept.headers()[CACHE_CONTROL], "public, max-age=0, must-revalidate");
    let method = reqwest::Method::from_bytes(b"PURGE").expect("a method");
    let purge = reqwest::Client::new().request(method, &varnish.address).header("surrogate-key", "dossier");
    assert_eq!(purge.send().await.expect("a response").status(), 405);
    assert_eq!(got(&varnish.address, TOPIC, None).await.headers()["x-cache"], "HIT");
}
