//! The types of the knowledge base, one file each, and what is computed over all of them.

pub mod actors;
pub mod citations;
pub mod commentaries;
pub mod corroboration;
pub mod events;
pub mod languages;
pub mod meetings;
pub mod network;
pub mod origins;
pub mod positions;
pub mod reconciliation;
pub mod relations;
pub mod revisions;
pub mod search;
pub mod sources;
pub mod statements;
pub mod texts;
pub mod timeline;
pub mod topics;
pub mod viewer;
pub mod votes;
