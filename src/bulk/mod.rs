//! Import and export of many records.
//!
//! ```text
//! records               record types as files contain them, from the declarations of the domain modules
//! export                selects records and streams them
//! export/formats        JSON Lines, CSV, GEXF, JSON-LD
//! import                from files to one transaction: stage, validate, report, upsert
//! import/source_file    opens and decompresses files, reads lines
//! import/readers        JSON Lines and CSV; other formats in readers/mappings
//! import/staging        checks values and writes staging tables, in batches that an interrupted import resumes after
//! import/validation     rejects invalid records, by one statement per rule
//! generate              synthetic records for load tests
//! ```

pub mod export;
pub mod generate;
pub mod import;
pub mod records;
