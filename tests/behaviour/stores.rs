//! What a user sees of stores: what is kept, shared, verified, collected and repaired, whatever fails or is damaged.
//!
//! Each file tests one part of the public API. `wheat` and `random_graph` are example workflows.
//!
//! The files of this folder are three test programs, `plans`, `runs` and `stores`: linking a program with Arrow and
//! Parquet for each file would take longer than running all tests, and one program would be compiled by one processor.
//! Helpers of several files are in `support`; `faulty` is a file system that makes operations fail.
#![allow(clippy::erasing_op, reason = "tasks read a parameter that does not affect their output")]
#![allow(dead_code, unused_macros, reason = "each test program uses some of the helpers")]

#[macro_use]
mod support;

mod blessing;
mod blessing_parameters;
mod blessing_required;
#[cfg(target_os = "linux")]
mod claim_circles;
#[cfg(target_os = "linux")]
mod claims;
mod concurrent;
mod crash_points;
mod damage;
mod durability;
mod dynamic_random;
mod evicted;
mod exporting;
mod exporting_crates;
mod faulty;
mod figure_files;
mod file_operations;
mod garbage;
mod hostile_exports;
mod hostile_folders;
mod hostile_text;
mod ignored_write_errors;
mod import_conflicts;
mod key_identity;
mod kill;
#[cfg(unix)]
mod links;
mod locks;
mod mixed_tasks_random;
mod moved_projects;
mod name_collisions;
mod named_folders;
mod nothing_to_share;
#[cfg(target_os = "linux")]
mod parsed_sizes;
mod past_versions;
#[cfg(target_os = "linux")]
mod processes;
mod pushing;
mod pushing_damaged;
mod random_edits;
mod random_graph;
mod readonly;
#[cfg(unix)]
mod record_cache;
mod repeated_exports;
mod run_history;
mod signatures;
#[cfg(target_os = "linux")]
mod special_files;
mod stored;
mod stored_keys;
mod stored_labels;
mod sweep_keys;
mod sweep_sharing;
mod task_folders;
mod task_owners;
mod unwritable_store;
mod verifying;
mod versions;
mod wheat;
