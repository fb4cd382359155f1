//! Who sends a request, and how much they may ask: callers, keys, tokens, limits.

pub mod caller;
pub mod keys;
pub mod limits;
pub mod tokens;
