//! The formats in which typed-flow keeps outputs.
#[cfg(feature = "parquet")]
pub mod compression;
#[cfg(feature = "parquet")]
pub mod parquet;
#[cfg(feature = "parquet")]
pub mod table;

#[cfg(feature = "parquet")]
pub use crate::compression::Compression::{self, Lz4, Snappy, Uncompressed, Zstd};
#[cfg(feature = "parquet")]
pub use crate::parquet::{Parquet, Statistics};
