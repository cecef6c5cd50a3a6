//! One test suite for all targets: the guarantees of every target, over values of all kinds.

#![cfg(all(
    feature = "arrow",
    feature = "parquet",
    feature = "csv",
    feature = "csv-gz",
    feature = "json",
    feature = "pickle",
    feature = "text",
    feature = "bytes"
))]
// A failing test panics, and prints the name of the current value.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod absent;
mod arrow_ipc;
mod column_digests;
mod columnar;
mod csv;
mod csv_gz;
mod csv_stream;
mod datasets;
mod exact;
#[cfg(feature = "excel")]
mod excel;
#[cfg(feature = "excel")]
mod excel_foreign;
mod foreign;
mod harness;
mod hidden;
mod json_lines;
mod limits;
#[cfg(feature = "messy")]
mod messy;
#[cfg(all(feature = "messy", feature = "excel"))]
mod messy_excel;
mod ordered;
mod parquet;
mod plain;
#[cfg(feature = "polars")]
mod polars;
mod rows;
mod serde;
mod shapes;
mod streams;
mod strict;
#[cfg(feature = "excel")]
mod table;
mod tables;
mod typed;
mod types;
