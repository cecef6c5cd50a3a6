//! Databases: queries of tasks, and tables that are outputs, with SQLite.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)]

mod changed;
mod conflicts;
mod connections;
mod queries;
mod sharing;
mod tables;
mod tasks;
mod trouble;
mod types;
mod world;
