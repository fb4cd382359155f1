//! The response cache. A response stays cached until a row it depends on changes.
//!
//! Entries are keyed by the query, the role and the history, and record the revision up to which they are known to be
//! valid. A change drops nothing: an entry is checked when it is requested, and unused entries are evicted. While the
//! current revision is unknown, the cache is not used.

pub mod dependencies;
pub mod invalidation_log;
pub mod revision_watcher;
pub mod tags;

use std::{
    collections::HashMap,
    future::Future,
    io::Write,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, OnceLock, Weak,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
};

use axum::body::Bytes;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use flate2::{Compression, write::GzEncoder};
use lru::LruCache;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use crate::{
    auth::caller::Role,
    engine::{cache::dependencies::Dependencies, response::GraphqlResponse},
    error::ApiError,
    sync::lock,
};

/// Bytes of an entry besides its body and dependencies.
const OVERHEAD: usize = 256;
/// Shorter bodies are not compressed.
const WORTH_COMPRESSING: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of a request with this fingerprint. Another history has other responses.
    pub fn new(fingerprint: Sha256, role: Role, history: u64) -> Self {
        Key(fingerprint.chain_update(role.name()).chain_update(history.to_be_bytes()).finalize().into())
    }
}

pub struct ComputedResponse {
    pub response: GraphqlResponse,
    pub cost: usize,
    pub dependencies: Dependencies,
}

/// A response without errors, as it is sent.
#[derive(Debug)]
pub struct CachedResponse {
    pub body: Bytes,
    pub cost: usize,
    dependencies: Dependencies,
    /// The revision up to which it is known to be valid.
    valid_until: AtomicI64,
    tag: OnceLock<String>,
    dependency_tags: OnceLock<Vec<String>>,
    compressed: OnceLock<Option<Bytes>>,
}

impl CachedResponse {
    fn new(body: Bytes, cost: usize, dependencies: Dependencies, revision: i64) -> Self {
        let (tag, dependency_tags, compressed) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let valid_until = revision.into();
        CachedResponse { body, cost, dependencies, valid_until, tag, dependency_tags, compressed }
    }

    /// Whether it is valid as of a revision. `is_valid` says whether dependencies are unchanged since another
    /// revision, at least up to that one.
    pub fn is_valid_at(&self, revision: i64, is_valid: impl FnOnce(&Dependencies, i64) -> bool) -> bool {
        let until = self.valid_until.load(Relaxed);
        if until >= revision {
            return true;
        }
        let is_unchanged = is_valid(&self.dependencies, until);
        if is_unchanged {
            self.valid_until.fetch_max(revision, Relaxed);
        }
        is_unchanged
    }

    /// The entity tag: a digest of the body, the same on every server.
    pub fn tag(&self) -> &str {
        self.tag.get_or_init(|| BASE64.encode(&Sha256::digest(&self.body)[..18]))
    }

    /// Names of what the response depends on, for a cache in front of the server: see [`tags`].
    pub fn dependency_tags(&self) -> &[String] {
        self.dependency_tags.get_or_init(|| tags::of(&self.dependencies))
    }

    /// The compressed body, if compression pays off; computed on first use.
    pub fn compressed(&self) -> Option<Bytes> {
        let compress = || {
            if self.body.len() < WORTH_COMPRESSING {
                return None;
            }
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&self.body).ok()?;
            encoder.finish().ok().map(Bytes::from)
        };
        self.compressed.get_or_init(compress).clone()
    }

    /// The size of the entry, including a compressed body, which may not exist yet.
    fn bytes(&self) -> usize {
        self.body.len() + self.body.len() / 3 + self.dependencies.bytes() + OVERHEAD
    }
}

#[derive(Debug)]
pub enum Outcome {
    CachedResponse(Arc<CachedResponse>),
    /// Computed by this request, and cached.
    ComputedResponse(Arc<CachedResponse>),
    /// Uncacheable: it has errors or is personal.
    Own(GraphqlResponse),
}

pub struct Cache {
    capacity: usize,
    cached: Mutex<Store>,
    /// Responses that are being computed, for equal requests at the same time. Such a response may miss later
    /// changes, so only requests that know of no later revision share it.
    flights: Mutex<HashMap<(Key, i64), Weak<Flight>>>,
    pub counts: Counts,
}

/// A response that is being computed; none if it failed.
type Flight = OnceCell<Option<Arc<CachedResponse>>>;

struct Store {
    responses: LruCache<Key, Arc<CachedResponse>>,
    bytes: usize,
}

#[derive(Debug, Default)]
pub struct Counts {
    pub hits: AtomicU64,
    pub misses: AtomicU64,
    pub evictions: AtomicU64,
}

impl Cache {
    pub fn new(capacity: NonZeroUsize) -> Self {
        let store = Store { responses: LruCache::unbounded(), bytes: 0 };
        Cache {
            capacity: capacity.get(),
            cached: Mutex::new(store),
            flights: Mutex::default(),
            counts: Counts::default(),
        }
    }

    /// The number of cached responses, and their size in bytes.
    pub fn size(&self) -> (usize, usize) {
        let cached = lock(&self.cached);
        (cached.responses.len(), cached.bytes)
    }

    /// The cached response, if it is valid as of a revision.
    pub fn get(
        &self,
        key: &Key,
        revision: i64,
        is_valid: impl FnOnce(&Dependencies, i64) -> bool,
    ) -> Option<Arc<CachedResponse>> {
        let cached = lock(&self.cached).responses.get(key).cloned();
        let cached = cached.filter(|cached| cached.is_valid_at(revision, is_valid));
        let count = if cached.is_some() { &self.counts.hits } else { &self.counts.misses };
        count.fetch_add(1, Relaxed);
        cached
    }

    /// Computes a response once for all equal requests at the same time and revision.
    pub async fn compute<F>(
        &self,
        key: Key,
        revision: i64,
        compute: impl Fn() -> F,
    ) -> Result<Outcome, ApiError>
    where
        F: Future<Output = Result<ComputedResponse, ApiError>>,
    {
        let flight = self.flight(key, revision);
        let mut own = None;
        let shared = flight.get_or_init(|| async {
            own = Some(compute().await.map(|computed| self.cache_response(key, revision, computed)));
            match &own {
                Some(Ok(Outcome::ComputedResponse(cached))) => Some(cached.clone()),
                _ => None,
            }
        });
        match (shared.await.clone(), own) {
            (_, Some(own)) => own,
            (Some(cached), None) => Ok(Outcome::CachedResponse(cached)),
            // The other request failed, which ours need not.
            (None, None) => compute().await.map(|computed| Outcome::Own(computed.response)),
        }
    }

    fn flight(&self, key: Key, revision: i64) -> Arc<Flight> {
        let mut all = lock(&self.flights);
        if let Some(flight) = all.get(&(key, revision)).and_then(Weak::upgrade) {
            return flight;
        }
        if all.len() > 1024 {
            all.retain(|_, flight| flight.strong_count() > 0);
        }
        let flight = Arc::default();
        all.insert((key, revision), Arc::downgrade(&flight));
        flight
    }

    /// Caches a response whose execution began at a revision, or later.
    fn cache_response(&self, key: Key, revision: i64, computed: ComputedResponse) -> Outcome {
        let ComputedResponse { response, cost, dependencies } = computed;
        let is_older = response.revision.is_some_and(|replayed| replayed < revision);
        if !response.errors.is_empty() || is_older {
            return Outcome::Own(response);
        }
        let cached =
            Arc::new(CachedResponse::new(response.into_json("").into(), cost, dependencies, revision));
        lock(&self.flights).remove(&(key, revision));
        if cached.bytes() <= self.capacity {
            self.store(key, cached.clone());
        }
        Outcome::ComputedResponse(cached)
    }

    fn store(&self, key: Key, cached: Arc<CachedResponse>) {
        let mut store = lock(&self.cached);
        store.bytes += cached.bytes();
        if let Some((_, replaced)) = store.responses.push(key, cached) {
            store.bytes -= replaced.bytes();
        }
        while store.bytes > self.capacity {
            let Some((_, oldest)) = store.responses.pop_lru() else { break };
            store.bytes -= oldest.bytes();
            self.counts.evictions.fetch_add(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn key(number: i64) -> Key {
        Key::new(Sha256::new().chain_update(number.to_be_bytes()), Role::Anonymous, 0)
    }

    fn response(length: usize) -> ComputedResponse {
        let response = GraphqlResponse::new(&vec![b'1'; length], Vec::new());
        ComputedResponse { response, cost: 1, dependencies: Dependencies::Everything }
    }

    fn cache(capacity: usize) -> Cache {
        Cache::new(NonZeroUsize::new(capacity).unwrap())
    }

    impl Cache {
        /// Whether there is a response that is valid up to this revision.
        fn has(&self, key: Key, revision: i64) -> bool {
            self.get(&key, revision, |_, _| false).is_some()
        }
    }

    #[tokio::test]
    async fn equal_concurrent_requests_share_one_execution() {
        let cache = cache(10_000);
        let count = AtomicU64::new(0);
        let compute = || async {
            count.fetch_add(1, Relaxed);
            tokio::task::yield_now().await;
            Ok(response(10))
        };
        let checks = (0..20).map(|number| cache.compute(key(1), 7 + number / 10, compute));
        let checks = futures_util::future::join_all(checks).await;
        assert_eq!(count.load(Relaxed), 2, "a request that knows of a change shares no older response");
        assert_eq!(
            checks.iter().filter(|outcome| matches!(outcome, Ok(Outcome::CachedResponse(_)))).count(),
            18
        );
        assert!(cache.has(key(1), 7));
        assert!(!cache.has(key(2), 7), "that is another request");
    }

    #[tokio::test]
    async fn a_response_is_valid_until_a_dependency_changes() {
        let cache = cache(10_000);
        cache.compute(key(1), 7, || async { Ok(response(10)) }).await.unwrap();
        let checks = AtomicU64::new(0);
        let is_valid = |_: &Dependencies, since| {
            checks.fetch_add(1, Relaxed);
            since < 9
        };
        for revision in [7, 8, 8, 9, 9, 8] {
            assert!(cache.get(&key(1), revision, is_valid).is_some(), "{revision}");
        }
        assert_eq!(checks.load(Relaxed), 2, "dependencies are compared once per revision");
        assert!(cache.get(&key(1), 10, is_valid).is_none());
        cache.compute(key(1), 10, || async { Ok(response(10)) }).await.unwrap();
        assert!(cache.has(key(1), 10));
    }

    #[tokio::test]
    async fn failed_responses_are_not_cached() {
        let cache = cache(10_000);
        let failed = || async {
            let api_error = ApiError::new(Code::Timeout, "It took too long.");
            let response = GraphqlResponse::new(b"null", vec![api_error]);
            Ok(ComputedResponse { response, cost: 1, dependencies: Dependencies::Everything })
        };
        assert!(matches!(cache.compute(key(1), 7, failed).await, Ok(Outcome::Own(_))));
        let refused = || async { Err(ApiError::new(Code::Unavailable, "It is away.")) };
        assert!(cache.compute(key(1), 7, refused).await.is_err());
        assert!(!cache.has(key(1), 7));
        assert!(matches!(
            cache.compute(key(1), 7, || async { Ok(response(1)) }).await,
            Ok(Outcome::ComputedResponse(_))
        ));
    }

    #[tokio::test]
    async fn the_cache_is_bounded_by_bytes_and_evicts_the_least_recently_used() {
        let cache = cache(4000);
        for number in 0..4 {
            cache.compute(key(number), 7, || async { Ok(response(900)) }).await.unwrap();
            cache.has(key(0), 7);
        }
        let present: Vec<bool> = (0..4).map(|number| cache.has(key(number), 7)).collect();
        assert_eq!(present, [true, false, false, true]);
        let (responses, bytes) = cache.size();
        assert!(responses == 2 && bytes <= 4000, "{responses} responses in {bytes} bytes");
        cache.compute(key(9), 7, || async { Ok(response(5000)) }).await.unwrap();
        assert!(!cache.has(key(9), 7), "it exceeds the capacity");
        assert_eq!(cache.counts.evictions.load(Relaxed), 2);
    }

    #[test]
    fn long_bodies_are_compressed_on_demand() {
        let cached = |length| CachedResponse::new(vec![b'a'; length].into(), 1, Dependencies::Everything, 7);
        assert!(cached(10).compressed().is_none());
        assert!(cached(5000).compressed().is_some_and(|bytes| bytes.len() < 500));
    }

    #[test]
    fn a_tag_identifies_the_body_only() {
        let cached = |body: &'static str, revision| {
            CachedResponse::new(body.into(), 1, Dependencies::Everything, revision)
        };
        assert_eq!(cached("one", 7).tag(), cached("one", 8).tag());
        assert_ne!(cached("one", 7).tag(), cached("other", 7).tag());
    }
}
