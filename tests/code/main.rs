//! Changes of the code of a task. If the code that it executes changes, the task and the tasks
//! downstream run again, and the reason names the changed item. Other changes have no effect.
//!
//! Code is only seen by the compiler, so each case edits a small crate, builds it and runs it. There
//! are several kinds of cases:
//!
//! - [`edit`] applies many edits to one of the pipelines in `fixtures/`, each to its original state,
//!   and asserts which tasks are pending and why. The edits are lists, one file for each pipeline:
//!   [`retail`], [`models`], [`survey`], [`options`], [`functions`].
//! - [`exported_crate`] exports outputs as a crate, and builds a program that reads them.
//! - [`check_all`] edits a crate that checks its own tasks, and reads what its tests report.
//! - [`generated`] edits the inputs of build scripts, and inspects all tasks at once.
//! - [`run`], [`target`], [`early_cutoff`], [`iris`] and [`sweep`] run the pipeline after each edit.
//! - [`crates`] changes the versions of dependencies.
//! - [`places`] builds one pipeline with other settings and in other folders, and nothing is pending.

mod check_all;
mod crates;
mod early_cutoff;
mod edit;
mod exported_crate;
mod fixture;
mod functions;
mod generated;
mod iris;
mod models;
mod options;
mod places;
mod retail;
mod run;
mod survey;
mod sweep;
mod target;
