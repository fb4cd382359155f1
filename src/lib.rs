//! Dossier: a GraphQL API for a political-analysis knowledge base.
//!
//! Modules are layers. Each uses those above it in this table, and none below it:
//!
//! | layer | what it does |
//! |---|---|
//! | [`progress`], `sync`, `tls` | progress of long tasks; locks and heavy work; trusted certificates |
//! | [`error`], [`config`], [`telemetry`] | coded errors; settings; logs, metrics and traces |
//! | [`database`] | connection pools, migrations, the embedded Postgres |
//! | [`auth`] | callers, keys, tokens, rate limits |
//! | [`model`] | what a type declares: fields, filters, orders, facets, computed fields |
//! | [`domain`] | the types of the knowledge base, and what is computed over all of them |
//! | [`engine`] | requests to SQL, rows to responses: prepare, plan, execute, cache, mutations, subscriptions |
//! | [`bulk`] | import, export, generated data |
//! | [`server`] | GraphQL over HTTP, WebSocket and server-sent events; exports, health, the page |
//! | [`cli`] | one file for each command; the only layer that prints and draws progress |

pub mod auth;
pub mod bulk;
pub mod cli;
pub mod config;
pub mod database;
pub mod domain;
pub mod engine;
pub mod error;
pub mod model;
pub mod progress;
pub mod server;
mod sync;
pub mod telemetry;
mod tls;
