//! From the text of a request to a valid operation: parse, validate, coerce. No SQL runs here.

pub mod coerce;
pub mod document;
pub mod limits;
pub mod syntax;
pub mod trusted_documents;
pub mod validation;
