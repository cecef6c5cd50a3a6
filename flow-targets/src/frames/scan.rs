//! Scans files as lazy frames.

use std::sync::Arc;

use anyhow::{Context, Result};
use flow_core::Source;
use polars::io::HiveOptions;
use polars::io::ipc::IpcScanOptions;
use polars::prelude::{LazyFrame, PlRefPath, ScanArgsParquet, UnifiedScanArgs};

#[cfg(any(feature = "arrow", feature = "parquet"))]
use super::Scan;

/// A function that scans a file.
#[doc(hidden)]
pub type ScanFile = Arc<dyn Fn(&Source) -> Result<LazyFrame> + Send + Sync>;

/// The `Target::__reader` of the targets whose files polars scans.
#[doc(hidden)]
pub struct Scanner(#[doc(hidden)] pub ScanFile);

#[cfg(feature = "parquet")]
impl<T: Send + Sync + 'static> Scan for crate::Parquet<T> {
    fn scan(&self, source: &Source) -> Result<LazyFrame> {
        scan_parquet(source)
    }
}

#[cfg(feature = "arrow")]
impl<T: Send + Sync + 'static> Scan for crate::ArrowIpc<T> {
    fn scan(&self, source: &Source) -> Result<LazyFrame> {
        scan_ipc(source)
    }
}

/// Returns a lazy frame over a Parquet file, for the [`Scan`](super::Scan) of a target. Only the schema is read.
///
/// # Errors
///
/// The file cannot be read, or its path is not Unicode.
pub fn scan_parquet(source: &Source) -> Result<LazyFrame> {
    // Parameters in the names of folders, such as `n=1`, are neither patterns nor columns.
    let hive_options = HiveOptions::new_disabled();
    let args = ScanArgsParquet { glob: false, hive_options, ..Default::default() };
    opened(source, "Parquet", |path| Ok(LazyFrame::scan_parquet(path, args)?))
}

/// Returns a lazy frame over an Arrow IPC file, for the [`Scan`](super::Scan) of a target. Only the schema is read.
///
/// # Errors
///
/// The file cannot be read, or its path is not Unicode.
pub fn scan_ipc(source: &Source) -> Result<LazyFrame> {
    let hive_options = HiveOptions::new_disabled();
    let args = UnifiedScanArgs { glob: false, hive_options, ..Default::default() };
    opened(source, "Arrow IPC", |path| {
        Ok(LazyFrame::scan_ipc(path, IpcScanOptions::default(), args)?)
    })
}

/// Scans a file, and reads its schema: a file that cannot be read is an error of this call.
fn opened(
    source: &Source,
    format: &str,
    scan: impl FnOnce(PlRefPath) -> Result<LazyFrame>,
) -> Result<LazyFrame> {
    let scanned = || {
        // Polars would wait for ever for the content of a pipe.
        drop(source.open()?);
        let frame = scan(PlRefPath::try_from_path(source.path())?)?;
        // Of a copy, because the plan of a frame whose schema is known is another one.
        frame.clone().collect_schema()?;
        anyhow::Ok(frame)
    };
    scanned().with_context(|| format!("cannot read {} as {format}", source.path().display()))
}
