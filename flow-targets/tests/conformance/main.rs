//! One suite for all targets: what any of them promises, over values of all kinds.

#![cfg(all(
    feature = "parquet",
    feature = "csv",
    feature = "json",
    feature = "pickle"
))]

mod csv;
mod harness;
mod parquet;
mod rows;
mod serde;
mod tables;
