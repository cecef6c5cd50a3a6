//! Compression of columns.

use anyhow::{Result, ensure};
#[cfg(feature = "parquet")]
use parquet::basic::{self, ZstdLevel};

/// How the columns of a [`Parquet`](crate::Parquet) or [`ArrowIpc`](crate::ArrowIpc) file are
/// compressed.
///
/// The variants are exported by themselves, so that an option reads `compression = Zstd(3)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    Uncompressed,
    /// [Snappy](https://google.github.io/snappy/): fast and light; every reader of Parquet
    /// has it, and none of Arrow IPC.
    Snappy,
    /// [LZ4](https://lz4.org): in Parquet in the raw block form that it calls `LZ4_RAW`, in Arrow
    /// IPC in frames.
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
    /// What the crate of Parquet calls it.
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

/// The level, if there is such a one. The crates that compress take some others, and round them.
pub(crate) fn zstd_level(level: i32) -> Result<i32> {
    ensure!((1..=22).contains(&level), "Zstd({level}): levels go from 1 to 22");
    Ok(level)
}
