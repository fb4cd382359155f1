//! Dossier as its users meet it: a real server on a real Postgres, asked over HTTP.

mod cache;
mod command_line;
mod concurrency;
mod conformance;
mod discovery;
mod embedded;
mod everything;
mod generate;
mod golden;
mod guards;
mod http;
mod indexes;
mod keys;
mod merge;
mod mutations;
mod page;
mod paging;
mod past;
mod permissions;
mod persisted;
mod rules;
mod schema;
mod statements;
mod subscriptions;
mod support;
mod tokens;
