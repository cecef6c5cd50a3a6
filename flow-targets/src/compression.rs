//! Compression of the columns of a file.

use anyhow::{Result, ensure};
#[cfg(feature = "parquet")]
use parquet::basic::{self, ZstdLevel};

/// The compression of the columns of a file.
///
/// An option of [`Parquet`](crate::Parquet) and [`ArrowIpc`](crate::ArrowIpc). The crate exports
/// the variants by name, so that the option reads `compression = Zstd(3)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// No compression.
    Uncompressed,
    /// [Snappy](https://google.github.io/snappy/): fast and light. Every reader of Parquet supports
    /// it; Arrow IPC does not.
    Snappy,
    /// [LZ4](https://lz4.org): in Parquet as raw blocks (`LZ4_RAW`), in Arrow IPC as frames.
    Lz4,
    /// [Zstandard](https://facebook.github.io/zstd/) at a level from 1, the fastest, to 22, the
    /// smallest.
    Zstd(i32),
}

impl Default for Compression {
    /// `Zstd(1)`: about as fast as Snappy, and smaller.
    fn default() -> Self {
        Self::Zstd(1)
    }
}

impl Compression {
    /// Returns the codec of the `parquet` crate.
    #[cfg(feature = "parquet")]
    pub(crate) fn codec(self) -> Result<basic::Compression> {
        Ok(match self {
            Self::Uncompressed => basic::Compression::UNCOMPRESSED,
            Self::Snappy => basic::Compression::SNAPPY,
            Self::Lz4 => basic::Compression::LZ4_RAW,
            Self::Zstd(level) => basic::Compression::ZSTD(ZstdLevel::try_new(zstd_level(level)?)?),
        })
    }
}

/// Returns the level if it is valid. The compression crates accept some others, and round them.
pub(crate) fn zstd_level(level: i32) -> Result<i32> {
    ensure!((1..=22).contains(&level), "Zstd({level}): levels go from 1 to 22");
    Ok(level)
}
