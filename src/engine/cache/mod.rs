//! Answers kept as long as they are right: whoever asks what was asked before is answered from here, unless
//! something was changed that the answer rests on.
//!
//! An answer is kept under what was asked and the role that asked, with the revision up to which it is known to
//! be right. Nothing is dropped when the base changes. An answer is looked through when it is asked for, and
//! what is not asked for makes room in time. While the server can't know the revision, nothing is answered
//! from here.

pub mod dependencies;
pub mod invalidation_log;
pub mod revision_watcher;

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
    engine::{cache::dependencies::Dependencies, response::Answer},
    error::ApiError,
    sync::lock,
};

/// What an answer takes besides its text.
const OVERHEAD: usize = 256;
/// Shorter answers are not worth to be compressed.
const WORTH_COMPRESSING: usize = 1024;

/// What was asked, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of a question, given by its fingerprint. A base with another history has other answers.
    pub fn new(question: Sha256, role: Role, history: u64) -> Self {
        Key(question.chain_update(role.name()).chain_update(history.to_be_bytes()).finalize().into())
    }
}

/// An answer just made.
pub struct ComputedResponse {
    pub answer: Answer,
    pub cost: usize,
    pub dependencies: Dependencies,
}

/// An answer without errors, as it is sent.
#[derive(Debug)]
pub struct CachedResponse {
    pub body: Bytes,
    /// What it cost to make.
    pub cost: usize,
    dependencies: Dependencies,
    /// The revision up to which it is known to be right.
    right_until: AtomicI64,
    tag: OnceLock<String>,
    compressed: OnceLock<Option<Bytes>>,
}

impl CachedResponse {
    fn new(body: Bytes, cost: usize, dependencies: Dependencies, revision: i64) -> Self {
        let (tag, compressed) = (OnceLock::new(), OnceLock::new());
        CachedResponse { body, cost, dependencies, right_until: revision.into(), tag, compressed }
    }

    /// Whether it is right as of a revision. `leaves` says whether what it rests on was left as it was since
    /// another, until that one at least.
    fn is_right(&self, revision: i64, leaves: impl FnOnce(&Dependencies, i64) -> bool) -> bool {
        let until = self.right_until.load(Relaxed);
        if until >= revision {
            return true;
        }
        let is_left = leaves(&self.dependencies, until);
        if is_left {
            self.right_until.fetch_max(revision, Relaxed);
        }
        is_left
    }

    /// A tag of the body, whichever server made it and when.
    pub fn tag(&self) -> &str {
        self.tag.get_or_init(|| BASE64.encode(&Sha256::digest(&self.body)[..18]))
    }

    /// The body compressed, where that is worth it; made for the first who takes it.
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

    /// What it takes to keep it; the compressed form is counted before it is there.
    fn bytes(&self) -> usize {
        self.body.len() + self.body.len() / 3 + self.dependencies.bytes() + OVERHEAD
    }
}

/// An answer, and where it comes from.
#[derive(Debug)]
pub enum Outcome {
    CachedResponse(Arc<CachedResponse>),
    /// Made just now, and kept for the next.
    ComputedResponse(Arc<CachedResponse>),
    /// Nobody else's: something in it failed, or it is personal.
    Own(Answer),
}

/// Answers kept, in so many bytes at most.
pub struct Cache {
    room: usize,
    kept: Mutex<Store>,
    /// Answers that are being made: whoever asks the same meanwhile waits for them. What was changed since one
    /// was begun may not be in it, so it is for those who know of no later revision.
    flights: Mutex<HashMap<(Key, i64), Weak<Flight>>>,
    pub counts: Counts,
}

/// An answer on its way; none where it failed.
type Flight = OnceCell<Option<Arc<CachedResponse>>>;

struct Store {
    answers: LruCache<Key, Arc<CachedResponse>>,
    bytes: usize,
}

/// What became of questions, since the server was started.
#[derive(Debug, Default)]
pub struct Counts {
    pub hits: AtomicU64,
    pub misses: AtomicU64,
    pub evictions: AtomicU64,
}

impl Cache {
    pub fn new(room: NonZeroUsize) -> Self {
        let store = Store { answers: LruCache::unbounded(), bytes: 0 };
        Cache {
            room: room.get(),
            kept: Mutex::new(store),
            flights: Mutex::default(),
            counts: Counts::default(),
        }
    }

    /// How many answers are kept, and in how many bytes.
    pub fn size(&self) -> (usize, usize) {
        let kept = lock(&self.kept);
        (kept.answers.len(), kept.bytes)
    }

    /// The answer kept under a key, if it is right as of a revision.
    pub fn get(
        &self,
        key: &Key,
        revision: i64,
        leaves: impl FnOnce(&Dependencies, i64) -> bool,
    ) -> Option<Arc<CachedResponse>> {
        let kept = lock(&self.kept).answers.get(key).cloned();
        let kept = kept.filter(|kept| kept.is_right(revision, leaves));
        let count = if kept.is_some() { &self.counts.hits } else { &self.counts.misses };
        count.fetch_add(1, Relaxed);
        kept
    }

    /// An answer that is not kept, made once for all who ask for it at the same time and revision.
    pub async fn make<F>(&self, key: Key, revision: i64, make: impl Fn() -> F) -> Result<Outcome, ApiError>
    where
        F: Future<Output = Result<ComputedResponse, ApiError>>,
    {
        let flight = self.flight(key, revision);
        let mut ours = None;
        let shared = flight.get_or_init(|| async {
            ours = Some(make().await.map(|made| self.keep(key, revision, made)));
            match &ours {
                Some(Ok(Outcome::ComputedResponse(kept))) => Some(kept.clone()),
                _ => None,
            }
        });
        match (shared.await.clone(), ours) {
            (_, Some(ours)) => ours,
            (Some(kept), None) => Ok(Outcome::CachedResponse(kept)),
            // What failed for somebody else may go well for us.
            (None, None) => make().await.map(|made| Outcome::Own(made.answer)),
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

    /// Keeps an answer that was begun at a revision.
    fn keep(&self, key: Key, revision: i64, made: ComputedResponse) -> Outcome {
        let ComputedResponse { answer, cost, dependencies } = made;
        if !answer.errors.is_empty() {
            return Outcome::Own(answer);
        }
        let kept = Arc::new(CachedResponse::new(answer.into_json("").into(), cost, dependencies, revision));
        lock(&self.flights).remove(&(key, revision));
        if kept.bytes() <= self.room {
            self.store(key, kept.clone());
        }
        Outcome::ComputedResponse(kept)
    }

    fn store(&self, key: Key, kept: Arc<CachedResponse>) {
        let mut store = lock(&self.kept);
        store.bytes += kept.bytes();
        if let Some((_, replaced)) = store.answers.push(key, kept) {
            store.bytes -= replaced.bytes();
        }
        while store.bytes > self.room {
            let Some((_, oldest)) = store.answers.pop_lru() else { break };
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

    fn answer(length: usize) -> ComputedResponse {
        let answer = Answer::new(&vec![b'1'; length], Vec::new());
        ComputedResponse { answer, cost: 1, dependencies: Dependencies::Everything }
    }

    fn cache(room: usize) -> Cache {
        Cache::new(NonZeroUsize::new(room).unwrap())
    }

    impl Cache {
        /// Whether there is an answer that is right until this revision.
        fn has(&self, key: Key, revision: i64) -> bool {
            self.get(&key, revision, |_, _| false).is_some()
        }
    }

    #[tokio::test]
    async fn those_who_ask_at_once_are_answered_by_one_making() {
        let cache = cache(10_000);
        let count = AtomicU64::new(0);
        let make = || async {
            count.fetch_add(1, Relaxed);
            tokio::task::yield_now().await;
            Ok(answer(10))
        };
        let asked = (0..20).map(|number| cache.make(key(1), 7 + number / 10, make));
        let asked = futures_util::future::join_all(asked).await;
        assert_eq!(count.load(Relaxed), 2, "whoever knows of a change isn't answered from before it");
        assert_eq!(asked.iter().filter(|given| matches!(given, Ok(Outcome::CachedResponse(_)))).count(), 18);
        assert!(cache.has(key(1), 7));
        assert!(!cache.has(key(2), 7), "that is another question");
    }

    #[tokio::test]
    async fn an_answer_is_given_until_what_it_rests_on_is_touched() {
        let cache = cache(10_000);
        cache.make(key(1), 7, || async { Ok(answer(10)) }).await.unwrap();
        let asked = AtomicU64::new(0);
        let leaves = |_: &Dependencies, since| {
            asked.fetch_add(1, Relaxed);
            since < 9
        };
        for revision in [7, 8, 8, 9, 9, 8] {
            assert!(cache.get(&key(1), revision, leaves).is_some(), "{revision}");
        }
        assert_eq!(asked.load(Relaxed), 2, "it is looked through once for each revision");
        assert!(cache.get(&key(1), 10, leaves).is_none());
        cache.make(key(1), 10, || async { Ok(answer(10)) }).await.unwrap();
        assert!(cache.has(key(1), 10));
    }

    #[tokio::test]
    async fn what_failed_is_not_kept() {
        let cache = cache(10_000);
        let failed = || async {
            let api_error = ApiError::new(Code::Timeout, "It took too long.");
            let answer = Answer::new(b"null", vec![api_error]);
            Ok(ComputedResponse { answer, cost: 1, dependencies: Dependencies::Everything })
        };
        assert!(matches!(cache.make(key(1), 7, failed).await, Ok(Outcome::Own(_))));
        let refused = || async { Err(ApiError::new(Code::Unavailable, "It is away.")) };
        assert!(cache.make(key(1), 7, refused).await.is_err());
        assert!(!cache.has(key(1), 7));
        assert!(matches!(
            cache.make(key(1), 7, || async { Ok(answer(1)) }).await,
            Ok(Outcome::ComputedResponse(_))
        ));
    }

    #[tokio::test]
    async fn there_is_room_for_so_many_bytes_and_what_was_asked_longest_ago_goes_first() {
        let cache = cache(4000);
        for number in 0..4 {
            cache.make(key(number), 7, || async { Ok(answer(900)) }).await.unwrap();
            cache.has(key(0), 7);
        }
        let there: Vec<bool> = (0..4).map(|number| cache.has(key(number), 7)).collect();
        assert_eq!(there, [true, false, false, true]);
        let (answers, bytes) = cache.size();
        assert!(answers == 2 && bytes <= 4000, "{answers} answers in {bytes} bytes");
        cache.make(key(9), 7, || async { Ok(answer(5000)) }).await.unwrap();
        assert!(!cache.has(key(9), 7), "there is no room for it");
        assert_eq!(cache.counts.evictions.load(Relaxed), 2);
    }

    #[test]
    fn what_is_long_is_compressed_on_demand() {
        let kept = |length| CachedResponse::new(vec![b'a'; length].into(), 1, Dependencies::Everything, 7);
        assert!(kept(10).compressed().is_none());
        assert!(kept(5000).compressed().is_some_and(|bytes| bytes.len() < 500));
    }

    #[test]
    fn a_tag_tells_bodies_apart_and_nothing_else() {
        let kept = |body: &'static str, revision| {
            CachedResponse::new(body.into(), 1, Dependencies::Everything, revision)
        };
        assert_eq!(kept("one", 7).tag(), kept("one", 8).tag());
        assert_ne!(kept("one", 7).tag(), kept("other", 7).tag());
    }
}
