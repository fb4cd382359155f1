//! A cache of documents, bounded by bytes; the least recently used ones are evicted.

use std::sync::{Arc, Mutex};

use lru::LruCache;

use crate::{engine::prepare::document::Document, sync::lock};

/// Maximum size of one cache.
const CAPACITY: usize = 32 * 1024 * 1024;
/// The size of a parsed and planned document as a multiple of its text, and the overhead per document.
const MEMORY_PER_BYTE: usize = 16;
const MEMORY: usize = 8 * 1024;

/// Documents by text or hash.
pub struct DocumentCache {
    entries: Mutex<Entries>,
    capacity: usize,
}

struct Entries {
    documents: LruCache<Box<str>, (Arc<Document>, usize)>,
    bytes: usize,
}

impl DocumentCache {
    pub fn new() -> Self {
        Self::of(CAPACITY)
    }

    fn of(capacity: usize) -> Self {
        let entries = Entries { documents: LruCache::unbounded(), bytes: 0 };
        DocumentCache { entries: Mutex::new(entries), capacity }
    }

    pub fn get(&self, key: &str) -> Option<Arc<Document>> {
        lock(&self.entries).documents.get(key).map(|(document, _)| document.clone())
    }

    /// Adds a document whose text has this many bytes.
    pub fn put(&self, key: &str, document: Arc<Document>, length: usize) {
        let bytes = MEMORY + MEMORY_PER_BYTE * length;
        let mut entries = lock(&self.entries);
        if let Some((_, (_, replaced))) = entries.documents.push(key.into(), (document, bytes)) {
            entries.bytes -= replaced;
        }
        entries.bytes += bytes;
        while entries.bytes > self.capacity
            && let Some((_, (_, dropped))) = entries.documents.pop_lru()
        {
            entries.bytes -= dropped;
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn the_cache_is_bounded_by_bytes() {
        let document = || Arc::new(Document::of(parse_query("{ a }").expect("GraphQL"), "{ a }"));
        let cache = DocumentCache::of(1024 * 1024);
        let entries = |cache: &DocumentCache| lock(&cache.entries).documents.len();
        for number in 0..1000 {
            cache.put(&format!("small {number}"), document(), 5);
        }
        assert_eq!(entries(&cache), 1024 * 1024 / (MEMORY + 5 * MEMORY_PER_BYTE));
        assert!(cache.get("small 999").is_some() && cache.get("small 0").is_none(), "the oldest made room");
        for number in 0..10 {
            cache.put(&format!("large {number}"), document(), 30_000);
        }
        assert_eq!(entries(&cache), 2, "two of half a megabyte");
        cache.put("large 9", document(), 30_000);
        assert_eq!(entries(&cache), 2, "a replaced entry is counted once");
        cache.put("larger than the cache", document(), 1024 * 1024);
        assert_eq!((entries(&cache), lock(&cache.entries).bytes), (0, 0));
    }
}
