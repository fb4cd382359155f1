//! Import, export and backup of many records.
//!
//! ```text
//! records               record types as files contain them, from the declarations of the domain modules
//! export                selects records and streams them
//! export/formats        JSON Lines, CSV, GEXF, JSON-LD, bibliographies
//! import                from files to one transaction: stage, validate, report, upsert
//! import/source_file    opens and decompresses files, reads lines
//! import/readers        JSON Lines and CSV; other formats in readers/mappings
//! import/staging        checks values and writes staging tables, in batches that an interrupted import resumes after
//! import/validation     rejects invalid records, by one statement per rule
//! import/upsert         writes the valid records, and the difference only
//! import/editions       what each dataset gave last, and what its new edition no longer has
//! import/tally          counts what was kept, ignored and changed
//! import/report         rejected records, and values that were changed, as JSON Lines
//! import/log            how imports ended
//! import/lock           one import at a time
//! backup                all rows of a database in one file, and back
//! generate              synthetic records for load tests
//! ```

pub mod backup;
pub mod export;
pub mod generate;
pub mod import;
pub mod records;
