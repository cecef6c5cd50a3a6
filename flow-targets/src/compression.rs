//! Compression of columns.

use anyhow::{Result, ensure};
use parquet::basic::{self, ZstdLevel};

/// How the pages of a [`Parquet`](crate::Parquet) file are compressed.
///
/// The variants are exported by themselves, so that an option reads `compression = Zstd(3)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    Uncompressed,
    /// [Snappy](https://google.github.io/snappy/): fast and light; every reader has it.
    Snappy,
    /// [LZ4](https://lz4.org), in the raw block form that the format calls `LZ4_RAW`.
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
    /// What the format's own crate calls it.
    pub(crate) fn codec(self) -> Result<basic::Compression> {
        Ok(match self {
            Self::Uncompressed => basic::Compression::UNCOMPRESSED,
            Self::Snappy => basic::Compression::SNAPPY,
            Self::Lz4 => basic::Compression::LZ4_RAW,
            Self::Zstd(level) => {
                // The crate takes some others, and rounds them.
                ensure!((1..=22).contains(&level), "Zstd({level}): levels go from 1 to 22");
                basic::Compression::ZSTD(ZstdLevel::try_new(level)?)
            }
        })
    }
}
