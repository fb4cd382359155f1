//! From the text of a request to a checked operation: parse, validate, coerce, price. Nothing here runs SQL.

pub mod coerce;
pub mod cost;
pub mod document;
pub mod document_cache;
pub mod limits;
pub mod overlapping_fields;
pub mod sizes;
pub mod syntax;
pub mod trusted_documents;
pub mod validation;
pub mod variable_usage;
