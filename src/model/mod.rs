//! What a type declares. The schema, the plan, the SQL and the response follow from these declarations.

pub mod catalog;
pub mod computed;
pub mod object_type;
pub mod pagination;
