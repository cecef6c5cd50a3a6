//! What a user sees, one behaviour a file.
//!
//! They are one program: linking a program with Arrow and Parquet takes longer than running all
//! tests.

#[macro_use]
mod support;

mod allowed_values;
mod cutoff;
mod default_values;
mod failure;
mod inheritance;
mod insignificant;
mod parameter_from;
mod plan_errors;
mod recursion;
mod renamed;
mod rerun;
mod secrets;
mod unused_values;
