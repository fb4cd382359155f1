//! Dossier: a GraphQL API for a political-analysis knowledge base.
//!
//! | room | what is done there |
//! |---|---|
//! | [`actors`] … [`revisions`] | one slice for each noun: what it has, and its SQL |
//! | [`feed`] | changes told to their subscribers as they are made |
//! | [`search`], [`reconciliation`], [`timeline`], [`network`], [`viewer`] | what is computed over all of them |
//! | [`schema`] | the slices merged into one |
//! | [`query`] | how a query becomes SQL and rows become an answer, once for every noun |
//! | [`mutation`] | how records are changed, once for every noun |
//! | [`relay`] | global ids, cursors, pages |
//! | [`error`] | what can go wrong, and what the caller sees of it |
//! | [`config`] | settings |
//! | [`caller`], [`keys`], [`jwt`], [`limits`] | who asks, how they show it, and what they may ask in a while |
//! | [`cache`], [`changed`], [`current`] | answers kept as long as they are right, and what was changed since |
//! | [`database`] | the pool, the migrations, the embedded Postgres |
//! | [`telemetry`] | logs, metrics, traces |
//! | [`http`] | GraphQL over HTTP, the page, health |
//! | [`exchange`] | records in and out by the many |

pub mod actors;
pub mod cache;
pub mod caller;
pub mod changed;
pub mod citations;
pub mod commentaries;
pub mod config;
pub mod current;
pub mod database;
pub mod error;
pub mod exchange;
pub mod feed;
pub mod http;
pub mod jwt;
pub mod keys;
pub mod limits;
pub mod meetings;
pub mod mutation;
pub mod network;
pub mod positions;
pub mod query;
pub mod reconciliation;
pub mod relations;
pub mod relay;
pub mod revisions;
pub mod schema;
pub mod search;
pub mod sources;
pub mod statements;
mod sync;
pub mod telemetry;
pub mod timeline;
pub mod topics;
pub mod viewer;
