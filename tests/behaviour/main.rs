//! What a user sees, one behaviour a file.
//!
//! They are one program: linking a program with Arrow and Parquet takes longer than running all
//! tests.

#[macro_use]
mod support;

mod adoption;
mod allowed_values;
mod cutoff;
mod damage;
mod default_values;
mod evicted;
mod failure;
mod faults;
mod faulty;
mod hostile_text;
mod inheritance;
mod insignificant;
mod kill;
mod memory;
mod overlooked;
mod parameter_from;
mod plan_errors;
mod random_graph;
mod readonly;
mod recursion;
mod renamed;
mod rerun;
mod secrets;
mod stop;
mod together;
mod unused_values;
mod wheat;
