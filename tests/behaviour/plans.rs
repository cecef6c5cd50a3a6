//! What a user sees of plans: parameters and their values, keys, requirements, previews, reasons, sweeps, checks, and
//! all errors that are found before anything runs.
//!
//! Each file tests one part of the public API.
//!
//! The files of this folder are three test programs, `plans`, `runs` and `stores`: linking a program with Arrow and
//! Parquet for each file would take longer than running all tests, and one program would be compiled by one processor.
//! Helpers of several files are in `support`; `faulty` is a file system that makes operations fail.
#![allow(clippy::erasing_op, reason = "tasks read a parameter that does not affect their output")]
#![allow(dead_code, unused_macros, reason = "each test program uses some of the helpers")]

#[macro_use]
mod support;

mod advice;
mod allowed_values;
mod by_name;
mod checking;
mod cost_estimate;
mod current_folder;
mod date_parameters;
mod default_values;
mod environment;
mod error_texts;
mod faulty;
mod forcing;
mod from_d6tflow;
mod function_names;
mod functions;
mod given_inputs;
mod inheritance;
mod insignificant;
mod keys;
mod labels;
mod long_parameters;
mod map_keys;
mod mismatched_types;
mod named_values;
mod parameter_aliases;
mod parameter_from;
mod params_map;
mod patterns;
mod plan_errors;
mod plots;
mod policies;
mod previews;
mod printed_results;
mod provided;
mod recursion;
mod renamed;
mod requires_forms;
mod restricted;
mod roles;
mod secrets;
mod selecting;
mod settings;
mod subgraph;
mod summaries;
mod sweep_assertions;
mod sweep_cells;
mod sweep_errors;
mod sweep_names;
mod sweep_tables;
mod sweeps;
mod unstorable;
mod unused_parameter_values;
mod why;
mod why_branches;
