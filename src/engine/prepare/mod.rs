//! From the text of a request to a checked operation: parse, validate, coerce, price. Nothing here runs SQL.

pub mod coerce;
pub mod document;
pub mod limits;
pub mod syntax;
pub mod trusted_documents;
pub mod validation;
