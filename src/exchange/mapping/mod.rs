//! Other formats of the field as records of ours. Each is a small file that says what becomes of what.

pub mod ftm;
pub mod legislators;
pub mod parlamint;
pub mod popolo;
