//! The formats in which typed-flow keeps outputs.
#[cfg(feature = "parquet")]
pub mod compression;
#[cfg(feature = "csv")]
pub mod csv;
#[cfg(feature = "json")]
pub mod json;
#[cfg(any(feature = "json", feature = "parquet", feature = "pickle"))]
mod lossless;
#[cfg(feature = "parquet")]
pub mod parquet;
#[cfg(feature = "pickle")]
pub mod pickle;
#[cfg(feature = "parquet")]
pub mod table;

#[cfg(feature = "parquet")]
pub use crate::compression::Compression::{self, Lz4, Snappy, Uncompressed, Zstd};
#[cfg(feature = "csv")]
pub use crate::csv::Csv;
#[cfg(feature = "json")]
pub use crate::json::Json;
#[cfg(feature = "parquet")]
pub use crate::parquet::{Parquet, Statistics};
#[cfg(feature = "pickle")]
pub use crate::pickle::Pickle;

/// How many bytes are gathered before they go to the sink, where a format writes few at a time.
#[cfg(any(feature = "csv", feature = "json", feature = "pickle"))]
const BUFFER: usize = 64 * 1024;

#[cfg(any(feature = "csv", feature = "parquet"))]
pub use arrow::array::RecordBatch;
