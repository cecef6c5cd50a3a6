//! The target [`CsvGz`]: CSV compressed by gzip.

use std::fmt;
use std::io::{self, BufWriter, ErrorKind, Read, Write};

use anyhow::{Context, Result, ensure};
use arrow::array::RecordBatch;
use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};
use flow_core::target::{ColumnDigests, Description};
use flow_core::{Code, Columnar, Pieces, Sink, Source, Streaming, Target};

use super::Sheet;
use super::content::Content;
use super::format::{Format, setters};
use crate::limit::{Limit, check};
use crate::measured::table_size;

/// A CSV file of a table, compressed by [gzip](https://www.rfc-editor.org/rfc/rfc1952).
///
/// ```
/// use std::io::Read;
///
/// use flow_core::{Sink, Source, Target};
/// use flow_targets::CsvGz;
///
/// #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
/// struct Square {
///     n: u32,
///     square: u32,
/// }
///
/// let squares: Vec<_> = (0..100).map(|n| Square { n, square: n * n }).collect();
/// let target = <CsvGz<Vec<Square>>>::default().delimiter('\t').level(9);
///
/// let file = tempfile::NamedTempFile::new()?;
/// target.save(&squares, &mut Sink::new(&mut file.reopen()?))?;
/// assert_eq!(target.load(&Source::file(file.path()))?, squares);
///
/// let mut text = String::new();
/// flate2::read::GzDecoder::new(file.reopen()?).read_to_string(&mut text)?;
/// assert!(text.starts_with("n\tsquare\n0\t0\n1\t1\n"));
/// # Ok::<(), anyhow::Error>(())
/// ```
///
/// The target accepts and preserves what [`Csv`](super::Csv) does, and has the same options. The
/// file contains neither a time nor a name, so that the same table gives the same bytes. Files that
/// other programs compressed can be read, including several gzip streams one after the other. A
/// truncated file, or one whose checksum does not match, is an error.
pub struct CsvGz<T> {
    format: Format<T>,
    level: u32,
    limit: Limit,
}

impl<T> CsvGz<T> {
    /// Creates a target like [`Csv::default`](super::Csv::default), with compression level 6.
    #[expect(clippy::should_implement_trait, reason = "`Way` can be inferred in a call only")]
    pub fn default<Way>() -> Self
    where
        T: Sheet<Way>,
    {
        Self { format: Format::of::<Way>(), level: 6, limit: Limit::default() }
    }

    /// Sets the compression level, from 0 (no compression) to 9 (smallest), 6 by default.
    #[must_use]
    pub fn level(mut self, level: u32) -> Self {
        self.level = level;
        self
    }

    /// Sets the most bytes that a file may decompress to when it is loaded whole.
    ///
    /// The default is 1 GiB or, if that is more, 100 times the size of the file. Saving and loading
    /// a larger one is an error. A [`BatchStream`](crate::BatchStream) is never in memory as a
    /// whole and has no limit.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.limit = Limit::new(bytes);
        self
    }

    setters!();
}

/// Returns the content of a compressed file.
fn unpacked(source: &Source) -> Content {
    Content::new(source, |file| Box::new(Unpacked(MultiGzDecoder::new(file))))
}

/// A writer that counts the bytes that it writes.
struct Counted<W> {
    sink: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.sink.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// A decompressing reader, whose errors mention gzip.
struct Unpacked<R>(MultiGzDecoder<R>);

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => {
                io::Error::new(error.kind(), "the gzip stream has no end: the file was cut off")
            }
            ErrorKind::InvalidInput | ErrorKind::InvalidData => {
                io::Error::new(error.kind(), format!("the gzip stream is damaged: {error}"))
            }
            _ => error,
        })
    }
}

impl<T: Send + Sync + 'static> Target for CsvGz<T> {
    type Value = T;
    const EXTENSION: &'static str = "csv.gz";
    const CODE: Code = Code::version(1);

    fn save(&self, value: &T, sink: &mut Sink<'_>) -> Result<()> {
        let write = || {
            ensure!(self.level <= 9, "level {}: levels of gzip go from 0 to 9", self.level);
            let out = Counted { sink: BufWriter::with_capacity(crate::BUFFER, sink), bytes: 0 };
            let packed = GzBuilder::new().write(out, Compression::new(self.level));
            let mut content = Counted { sink: packed, bytes: 0 };
            self.format.write(value, &mut content)?;
            let bytes = content.bytes;
            let mut out = content.sink.finish()?;
            out.flush()?;
            if !self.format.is_stream() {
                let most = self.limit.expanded(out.bytes);
                check("without compression, the table takes", bytes, most)?;
            }
            Ok(())
        };
        write().context("cannot write this table as CSV")
    }

    fn check_type(&self) -> Result<()> {
        self.format.check_type()
    }

    fn memory_size(&self, value: &T) -> Option<u64> {
        table_size(value)
    }

    fn load(&self, source: &Source) -> Result<T> {
        match self.format.is_stream() {
            true => self.format.read(&unpacked(source)),
            false => self.format.read(&unpacked(source).within(self.limit)),
        }
    }

    fn column_digests(&self, source: &Source, names: &[&str]) -> Result<Option<ColumnDigests>> {
        self.format.column_digests(&unpacked(source).within(self.limit), names)
    }

    #[cfg(feature = "polars")]
    fn __reader(&self) -> Option<Box<dyn std::any::Any>> {
        use crate::frames::{Scan as _, Scanner};

        let target = self.clone();
        Some(Box::new(Scanner(std::sync::Arc::new(move |source: &Source| target.scan(source)))))
    }

    fn describe(&self, source: &Source) -> Result<Description> {
        self.format.describe(&unpacked(source), "CsvGz")
    }
}

#[cfg(feature = "polars")]
impl<T: Send + Sync + 'static> crate::frames::Scan for CsvGz<T> {
    /// Returns a lazy frame over a copy of the file: see [the module of frames](crate::frames#formats).
    fn scan(&self, source: &Source) -> Result<polars::prelude::LazyFrame> {
        self.format.scan(source, &unpacked(source), &[])
    }

    /// Returns a lazy frame over a copy of these columns. Cells of other columns are not parsed.
    fn scan_columns(&self, source: &Source, names: &[&str]) -> Result<polars::prelude::LazyFrame> {
        crate::frames::select(self.format.scan(source, &unpacked(source), names)?, names)
    }
}

impl<T: Send + Sync + 'static> Streaming for CsvGz<T> {
    type Piece = RecordBatch;

    fn stream(&self, source: &Source) -> Result<Pieces<RecordBatch>> {
        self.format.stream(&unpacked(source))
    }
}

impl<T: Send + Sync + 'static> Columnar for CsvGz<T> {
    type Columns = RecordBatch;

    fn load_columns(&self, source: &Source, names: &[&str]) -> Result<RecordBatch> {
        self.format.read_columns(&unpacked(source).within(self.limit), names)
    }
}

impl<T> Clone for CsvGz<T> {
    fn clone(&self) -> Self {
        Self { format: self.format.clone(), ..*self }
    }
}

impl<T> fmt::Debug for CsvGz<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("CsvGz");
        debug.field("options", &self.format.options).field("level", &self.level);
        debug.field("limit", &self.limit).finish()
    }
}
