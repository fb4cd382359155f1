//! Dossier as its users meet it: a real server on a real Postgres, asked over HTTP.

mod command_line;
mod conformance;
mod discovery;
mod embedded;
mod everything;
mod exchange;
mod generate;
mod golden;
mod guards;
mod http;
mod indexes;
mod mutations;
mod page;
mod paging;
mod persisted;
mod rules;
mod schema;
mod statements;
mod support;
