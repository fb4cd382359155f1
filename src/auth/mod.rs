//! Authentication and limits: callers, keys, tokens, rate limits.

pub mod caller;
pub mod keys;
pub mod limits;
pub mod tokens;
