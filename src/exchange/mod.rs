//! Records in and out by the many.

pub mod generate;
