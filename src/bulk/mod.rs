//! Records in and out by the many.
//!
//! ```text
//! records    kinds of records as files hold them, from what the domain modules declare
//! export     records chosen and read, chunk by chunk
//! formats    how an export writes them: JSON Lines, CSV, GEXF, JSON-LD
//! input      files opened, decompressed, read line by line
//! read       files as records: JSON Lines, CSV
//! mapping    other formats of the field as records of ours
//! stage      records checked for their form, as rows of staging tables
//! batches    what is staged, batch by batch, and found again after an interruption
//! check      what the staged records break, found for all of them at once
//! import     from files to one change of the database
//! ```

pub mod export;
pub mod generate;
pub mod import;
pub mod records;
