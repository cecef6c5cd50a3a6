//! What a user sees, one behaviour a file.
//!
//! They are one program: linking a program with Arrow and Parquet takes longer than running all
//! tests.

mod adoption;
mod cutoff;
mod damage;
mod evicted;
mod failure;
mod faults;
mod faulty;
mod hostile_text;
mod kill;
mod memory;
mod overlooked;
mod panics;
mod random_graph;
mod readonly;
mod rerun;
mod stop;
mod support;
mod together;
mod wheat;
