//! Documents kept in memory, bounded by their bytes: the least recently used make room.

use std::sync::{Arc, Mutex};

use lru::LruCache;

use crate::{engine::prepare::document::Document, sync::lock};

/// Bytes of memory that the documents of one cache take at most.
const CAPACITY: usize = 32 * 1024 * 1024;
/// How many times as much memory as its text a document takes, parsed and planned; and what it takes besides.
const MEMORY_PER_BYTE: usize = 16;
const MEMORY: usize = 8 * 1024;

/// Documents by their text or their hash.
pub struct DocumentCache {
    kept: Mutex<Kept>,
    capacity: usize,
}

struct Kept {
    documents: LruCache<Box<str>, (Arc<Document>, usize)>,
    bytes: usize,
}

impl DocumentCache {
    pub fn new() -> Self {
        Self::of(CAPACITY)
    }

    fn of(capacity: usize) -> Self {
        let kept = Kept { documents: LruCache::unbounded(), bytes: 0 };
        DocumentCache { kept: Mutex::new(kept), capacity }
    }

    pub fn get(&self, key: &str) -> Option<Arc<Document>> {
        lock(&self.kept).documents.get(key).map(|(document, _)| document.clone())
    }

    /// Keeps a document whose text has so many bytes.
    pub fn put(&self, key: &str, document: Arc<Document>, length: usize) {
        let bytes = MEMORY + MEMORY_PER_BYTE * length;
        let mut kept = lock(&self.kept);
        if let Some((_, (_, replaced))) = kept.documents.push(key.into(), (document, bytes)) {
            kept.bytes -= replaced;
        }
        kept.bytes += bytes;
        while kept.bytes > self.capacity
            && let Some((_, (_, dropped))) = kept.documents.pop_lru()
        {
            kept.bytes -= dropped;
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn documents_are_kept_within_so_many_bytes() {
        let document = || Arc::new(Document::of(parse_query("{ a }").expect("GraphQL"), "{ a }"));
        let cache = DocumentCache::of(1024 * 1024);
        let kept = |cache: &DocumentCache| lock(&cache.kept).documents.len();
        for number in 0..1000 {
            cache.put(&format!("small {number}"), document(), 5);
        }
        assert_eq!(kept(&cache), 1024 * 1024 / (MEMORY + 5 * MEMORY_PER_BYTE));
        assert!(cache.get("small 999").is_some() && cache.get("small 0").is_none(), "the oldest made room");
        for number in 0..10 {
            cache.put(&format!("large {number}"), document(), 30_000);
        }
        assert_eq!(kept(&cache), 2, "two of half a megabyte");
        cache.put("large 9", document(), 30_000);
        assert_eq!(kept(&cache), 2, "what is kept again is counted once");
        cache.put("larger than the cache", document(), 1024 * 1024);
        assert_eq!((kept(&cache), lock(&cache.kept).bytes), (0, 0));
    }
}
