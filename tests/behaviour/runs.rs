//! What a user sees of runs: which tasks run, what they read and write, what fails, what is required while a task runs.
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

mod absent_columns;
mod aggregates;
#[cfg(target_os = "linux")]
mod bucket_workers;
mod collection_order;
mod column_cutoff;
mod column_externals;
mod columns_and_pieces;
mod commands;
mod crate_versions;
mod cutoff;
mod data_quality;
#[cfg(target_os = "linux")]
mod dataset_memory;
mod datasets;
mod debugging;
mod dynamic_combined;
mod dynamic_failures;
mod dynamic_requirements;
mod dynamic_retries;
mod embedding;
mod equal_fingerprints;
mod events;
mod executable;
#[cfg(target_os = "linux")]
mod executors;
mod expectations;
mod external;
mod failure;
mod failure_records;
mod faulty;
mod figures;
mod file_stamps;
mod files_rewritten;
mod hung_tasks;
mod in_memory;
#[cfg(target_os = "linux")]
mod isolation;
#[cfg(target_os = "linux")]
mod isolation_drafts;
#[cfg(target_os = "linux")]
mod isolation_ends;
#[cfg(target_os = "linux")]
mod isolation_plans;
#[cfg(target_os = "linux")]
mod job_executors;
mod memory;
mod memory_budget;
mod metadata;
mod multiple_outputs;
#[cfg(target_os = "linux")]
mod nested_runs;
mod observers;
mod out_path;
mod panics;
mod panics_anywhere;
mod progress;
#[cfg(target_os = "linux")]
mod pull_workers;
#[cfg(target_os = "linux")]
mod queued_jobs;
mod refreshing;
#[cfg(target_os = "linux")]
mod refusing_workers;
mod rerun;
mod resets;
mod retries;
mod reuse;
mod reuse_from;
mod reused;
#[cfg(all(target_os = "linux", feature = "s3"))]
mod s3_workers;
mod scale;
mod scarce_resources;
mod scheduling;
mod seeds;
#[cfg(target_os = "linux")]
mod signed_workers;
#[cfg(target_os = "linux")]
mod slurm_workers;
mod stop;
mod streamed_tables;
mod task_logs;
mod timeouts;
mod tracked_files;
#[cfg(unix)]
mod transient_changes;
mod trust;
mod unordered_sets;
mod wide_table;
