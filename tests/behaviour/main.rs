//! What a user sees, one behaviour a file.
//!
//! They are one program: linking a program with Arrow and Parquet takes longer than running all
//! tests.

mod cutoff;
mod failure;
mod rerun;
mod support;
