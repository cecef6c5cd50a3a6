//! What a user sees, one behaviour a file.
//!
//! They are one program: linking a program with Arrow and Parquet takes longer than running all
//! tests.
#![allow(clippy::erasing_op, reason = "a task may read a parameter and make the same")]

#[macro_use]
mod support;

mod allowed_values;
mod cutoff;
mod default_values;
mod failure;
mod inheritance;
mod insignificant;
mod keys;
mod parameter_from;
mod plan_errors;
mod previews;
mod recursion;
mod renamed;
mod requires_forms;
mod rerun;
mod resets;
mod scale;
mod secrets;
mod seeds;
mod selecting;
mod settings;
mod stopping;
mod summaries;
mod unused_values;
mod watched_files;
