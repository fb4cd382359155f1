//! The tags by which a cache in front of the server knows what its responses depend on.
//!
//! A response has `dossier`, and the tags of its rows. With too many it has those of their tables; where its dependencies
//! are not known, it has `dossier-any`. A change makes all responses stale that have one of its tags.

use crate::engine::cache::dependencies::{CacheTag, Dependencies};

/// Every response has this tag.
pub const ALL: &str = "dossier";
/// Responses that any change may concern have this tag.
const ANY_CHANGE: &str = "dossier-any";
/// Maximum number of tags of rows: they fit into the header lines of 8 KiB that caches accept.
const MAX_TAGS: usize = 1000;
/// Maximum number of tags of a change: after a larger one, all responses are stale.
const MAX_CHANGED: usize = 1000;

/// The tags of a response.
pub fn of(dependencies: &Dependencies) -> Vec<String> {
    let own = dependencies.tags(MAX_TAGS).map_or_else(|| vec![ANY_CHANGE.to_owned()], texts);
    [vec![ALL.to_owned()], own].concat()
}

/// The tags of the responses that a change makes stale; none if it is not known what changed.
pub fn stale(changed: Option<Vec<CacheTag>>) -> Vec<String> {
    match changed {
        Some(tags) if tags.is_empty() => Vec::new(),
        Some(tags) if tags.len() <= MAX_CHANGED => [vec![ANY_CHANGE.to_owned()], texts(&tags)].concat(),
        _ => vec![ALL.to_owned()],
    }
}

fn texts(tags: &[CacheTag]) -> Vec<String> {
    tags.iter().map(CacheTag::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: i64) -> Dependencies {
        let tags = (0..count).map(|id| CacheTag::rows("actors", "id", id)).collect();
        Dependencies::Rows { tags, tables: [CacheTag::table("actors")].into() }
    }

    #[test]
    fn a_response_has_the_tags_of_its_rows_or_of_their_tables() {
        let actor = CacheTag::rows("actors", "id", 0).to_string();
        assert_eq!(of(&rows(1)), [ALL.to_owned(), actor]);
        assert_eq!(of(&rows(1000)).len(), 1001);
        assert!(of(&rows(1000)).join(" ").len() < 8192 - "Surrogate-Key: ".len());
        assert_eq!(of(&rows(1001)), [ALL.to_owned(), CacheTag::table("actors").to_string()]);
        assert_eq!(of(&Dependencies::Everything), [ALL, ANY_CHANGE]);
    }

    #[test]
    fn a_change_names_its_rows_and_a_large_one_everything() {
        let changed = |count| Some((0..count).map(|id| CacheTag::rows("actors", "id", id)).collect());
        assert_eq!(stale(changed(0)), Vec::<String>::new());
        assert_eq!(stale(changed(2)).len(), 3);
        assert_eq!(stale(changed(1001)), [ALL]);
        assert_eq!(stale(None), [ALL]);
    }
}
