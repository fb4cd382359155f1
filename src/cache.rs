//! Answers kept until the base changes: whoever asks what was asked since the last change is answered
//! from here.
//!
//! An answer is kept under what was asked, the role that asked, and the revision of the base. So nothing
//! is ever dropped because it became wrong: after a change nobody asks under the old revision, and what is
//! not asked for makes room in time. While the server can't know the revision, nothing is answered from here.

use std::{
    collections::HashMap,
    future::Future,
    io::Write,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, OnceLock, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use axum::body::Bytes;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use flate2::{Compression, write::GzEncoder};
use lru::LruCache;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use crate::{caller::Role, error::Refusal, query::Answer, sync::lock};

/// What an answer takes besides its text.
const OVERHEAD: usize = 256;
/// Shorter answers are not worth to be compressed.
const WORTH_COMPRESSING: usize = 1024;

/// What was asked, by whom, and of which base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of a question, given by its fingerprint.
    pub fn new(question: Sha256, role: Role, revision: i64) -> Self {
        Key(question.chain_update(role.name()).chain_update(revision.to_be_bytes()).finalize().into())
    }

    /// A tag of the answer: as long as the key is the same, so is the answer.
    pub fn tag(&self) -> String {
        BASE64.encode(&self.0[..18])
    }
}

/// An answer without errors, as it is sent.
#[derive(Debug)]
pub struct Kept {
    pub body: Bytes,
    /// What it cost to make.
    pub cost: usize,
    compressed: OnceLock<Option<Bytes>>,
}

impl Kept {
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
        self.body.len() + self.body.len() / 3 + OVERHEAD
    }
}

/// An answer, and where it comes from.
#[derive(Debug)]
pub enum Given {
    Kept(Arc<Kept>),
    /// Made just now, and kept for the next.
    Made(Arc<Kept>),
    /// Nobody else's: something in it failed, or it is personal.
    Own(Answer),
}

/// Answers kept, in so many bytes at most.
pub struct Cache {
    room: usize,
    kept: Mutex<Store>,
    /// Answers that are being made: whoever asks the same meanwhile waits for them.
    flights: Mutex<HashMap<Key, Weak<Flight>>>,
    pub counts: Counts,
}

/// An answer on its way; none where it failed.
type Flight = OnceCell<Option<Arc<Kept>>>;

struct Store {
    answers: LruCache<Key, Arc<Kept>>,
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

    /// The answer kept under a key.
    pub fn get(&self, key: &Key) -> Option<Arc<Kept>> {
        let kept = lock(&self.kept).answers.get(key).cloned();
        let count = if kept.is_some() { &self.counts.hits } else { &self.counts.misses };
        count.fetch_add(1, Relaxed);
        kept
    }

    /// An answer that is not kept, made once for all who ask for it at the same time.
    pub async fn make<F>(&self, key: Key, make: impl Fn() -> F) -> Result<Given, Refusal>
    where
        F: Future<Output = Result<(Answer, usize), Refusal>>,
    {
        let flight = self.flight(key);
        let mut ours = None;
        let shared = flight.get_or_init(|| async {
            ours = Some(make().await.map(|(answer, cost)| match self.keep(key, &answer, cost) {
                Some(kept) => Given::Made(kept),
                None => Given::Own(answer),
            }));
            match &ours {
                Some(Ok(Given::Made(kept))) => Some(kept.clone()),
                _ => None,
            }
        });
        match (shared.await.clone(), ours) {
            (_, Some(ours)) => ours,
            (Some(kept), None) => Ok(Given::Kept(kept)),
            // What failed for somebody else may go well for us.
            (None, None) => make().await.map(|(answer, _)| Given::Own(answer)),
        }
    }

    fn flight(&self, key: Key) -> Arc<Flight> {
        let mut all = lock(&self.flights);
        if let Some(flight) = all.get(&key).and_then(Weak::upgrade) {
            return flight;
        }
        if all.len() > 1024 {
            all.retain(|_, flight| flight.strong_count() > 0);
        }
        let flight = Arc::default();
        all.insert(key, Arc::downgrade(&flight));
        flight
    }

    fn keep(&self, key: Key, answer: &Answer, cost: usize) -> Option<Arc<Kept>> {
        if !answer.errors.is_empty() {
            return None;
        }
        let kept = Arc::new(Kept { body: answer.to_json("").into(), cost, compressed: OnceLock::new() });
        lock(&self.flights).remove(&key);
        if kept.bytes() > self.room {
            return Some(kept);
        }
        let mut store = lock(&self.kept);
        store.bytes += kept.bytes();
        if let Some((_, replaced)) = store.answers.push(key, kept.clone()) {
            store.bytes -= replaced.bytes();
        }
        while store.bytes > self.room {
            let Some((_, oldest)) = store.answers.pop_lru() else { break };
            store.bytes -= oldest.bytes();
            self.counts.evictions.fetch_add(1, Relaxed);
        }
        Some(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn key(number: i64) -> Key {
        Key::new(Sha256::new(), Role::Anonymous, number)
    }

    fn answer(length: usize) -> Answer {
        Answer::new(&vec![b'1'; length], Vec::new())
    }

    fn cache(room: usize) -> Cache {
        Cache::new(NonZeroUsize::new(room).unwrap())
    }

    #[tokio::test]
    async fn those_who_ask_at_once_are_answered_by_one_making() {
        let cache = cache(10_000);
        let count = AtomicU64::new(0);
        let make = || async {
            count.fetch_add(1, Relaxed);
            tokio::task::yield_now().await;
            Ok((answer(10), 1))
        };
        let asked = futures_util::future::join_all((0..10).map(|_| cache.make(key(1), make))).await;
        assert_eq!(count.load(Relaxed), 1);
        assert_eq!(asked.iter().filter(|given| matches!(given, Ok(Given::Kept(_)))).count(), 9);
        assert!(cache.get(&key(1)).is_some());
        assert!(cache.get(&key(2)).is_none(), "another revision is another question");
    }

    #[tokio::test]
    async fn what_failed_is_not_kept() {
        let cache = cache(10_000);
        let failed = || async {
            let refusal = Refusal::new(Code::Timeout, "It took too long.");
            Ok((Answer::new(b"null", vec![refusal]), 1))
        };
        assert!(matches!(cache.make(key(1), failed).await, Ok(Given::Own(_))));
        let refused = || async { Err(Refusal::new(Code::Unavailable, "It is away.")) };
        assert!(cache.make(key(1), refused).await.is_err());
        assert!(cache.get(&key(1)).is_none());
        assert!(matches!(cache.make(key(1), || async { Ok((answer(1), 1)) }).await, Ok(Given::Made(_))));
    }

    #[tokio::test]
    async fn there_is_room_for_so_many_bytes_and_what_was_asked_longest_ago_goes_first() {
        let cache = cache(4000);
        for number in 0..4 {
            cache.make(key(number), || async { Ok((answer(900), 1)) }).await.unwrap();
            cache.get(&key(0));
        }
        let there: Vec<bool> = (0..4).map(|number| cache.get(&key(number)).is_some()).collect();
        assert_eq!(there, [true, false, false, true]);
        let (answers, bytes) = cache.size();
        assert!(answers == 2 && bytes <= 4000, "{answers} answers in {bytes} bytes");
        cache.make(key(9), || async { Ok((answer(5000), 1)) }).await.unwrap();
        assert!(cache.get(&key(9)).is_none(), "there is no room for it");
        assert_eq!(cache.counts.evictions.load(Relaxed), 2);
    }

    #[test]
    fn what_is_long_is_compressed_on_demand() {
        let kept = |length| Kept { body: vec![b'a'; length].into(), cost: 1, compressed: OnceLock::new() };
        assert!(kept(10).compressed().is_none());
        assert!(kept(5000).compressed().is_some_and(|bytes| bytes.len() < 500));
    }
}
