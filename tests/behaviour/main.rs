//! What a user sees, one behaviour a file.
//!
//! They are one program: linking a program with Arrow and Parquet takes longer than running all
//! tests.
#![allow(clippy::erasing_op, reason = "a task may read a parameter and make the same")]

#[macro_use]
mod support;

mod adoption;
mod aggregates;
mod allowed_values;
mod apart;
mod columns_and_pieces;
mod commands;
mod costs;
mod cutoff;
mod damage;
mod default_values;
mod evicted;
mod external;
mod failure;
mod faults;
mod faulty;
mod forcing;
mod hostile_text;
mod in_memory;
mod in_part;
mod inheritance;
mod insignificant;
mod keys;
mod kill;
mod kinds_faults;
mod kinds_random;
mod memory;
mod metadata;
mod overlooked;
mod panics;
mod parameter_from;
mod placed;
mod plan_errors;
mod previews;
mod provided;
mod random_graph;
mod reading;
mod readonly;
mod recursion;
mod renamed;
mod required_failing;
mod required_random;
mod required_while_running;
mod requires_forms;
mod rerun;
mod resets;
mod scale;
mod secrets;
mod seeds;
mod selecting;
mod settings;
mod several;
mod stop;
mod summaries;
mod together;
mod unused_values;
mod watched_files;
mod wheat;
mod written;
