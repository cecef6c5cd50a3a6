//! Temporary copies of files whose format polars does not scan.
//!
//! A file is read once, a batch at a time, and written to a file in the format Arrow IPC, which polars scans. The copy is in
//! the folder for temporary files of the system. It has no name there, and so is removed with the last frame that scans it,
//! even if the process is killed.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind};
use std::path::{Path, PathBuf};
use std::process;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::ipc::writer::FileWriter;
use polars::io::HiveOptions;
use polars::io::ipc::IpcScanOptions;
use polars::prelude::{LazyFrame, UnifiedScanArgs};
use polars_plan::dsl::ScanSources;

/// The copies that frames scan, and the files that they are copies of.
static COPIES: Mutex<Vec<(Weak<[File]>, PathBuf)>> = Mutex::new(Vec::new());

/// Copies the batches of a file, and scans the copy.
///
/// # Errors
///
/// A batch cannot be read, or the copy cannot be written.
pub(crate) fn scan_copy(
    of: &Path,
    schema: &Schema,
    batches: impl Iterator<Item = Result<RecordBatch>>,
) -> Result<LazyFrame> {
    let place = || {
        let folder = env::temp_dir();
        format!("cannot write a temporary copy for polars in {}", folder.display())
    };
    let copy = temporary().with_context(place)?;
    let mut writer = FileWriter::try_new(BufWriter::new(&copy), schema).with_context(place)?;
    for batch in batches {
        writer.write(&batch?).with_context(place)?;
    }
    writer.finish().with_context(place)?;
    drop(writer);
    let copies: Arc<[File]> = Arc::new([copy]);
    remember(&copies, of);
    let hive_options = HiveOptions::new_disabled();
    let args = UnifiedScanArgs { glob: false, hive_options, ..Default::default() };
    let sources = ScanSources::Files(copies);
    Ok(LazyFrame::scan_ipc_sources(sources, IpcScanOptions::default(), args)?)
}

/// Returns the file that these files are a copy of. `None` if they are no copy of this module.
pub(super) fn copied_from(copies: &Arc<[File]>) -> Option<PathBuf> {
    let known = COPIES.lock().unwrap_or_else(PoisonError::into_inner);
    let is_same = |copy: &Weak<[File]>| ptr::addr_eq(copy.as_ptr(), Arc::as_ptr(copies));
    known.iter().find(|(copy, _)| is_same(copy)).map(|(_, of)| of.clone())
}

/// Remembers what a copy is a copy of, and forgets copies that are gone.
fn remember(copies: &Arc<[File]>, of: &Path) {
    let mut known = COPIES.lock().unwrap_or_else(PoisonError::into_inner);
    known.retain(|(copy, _)| copy.strong_count() > 0);
    known.push((Arc::downgrade(copies), of.to_owned()));
}

/// Creates a file without a name, which only this process can open.
fn temporary() -> io::Result<File> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    loop {
        let (id, next) = (process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let path = env::temp_dir().join(format!("typed-flow-{id}-{next}-{now}.arrow"));
        match options.open(&path) {
            Ok(file) => {
                fs::remove_file(&path)?;
                return Ok(file);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array};
    use polars::prelude::{col, lit};

    use super::*;
    use crate::frames::columns_read;

    #[test]
    fn a_copy_is_scanned_as_long_as_a_frame_needs_it() -> Result<()> {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..10));
        let batch = RecordBatch::try_from_iter([("n", numbers.clone()), ("m", numbers)])?;
        let of = Path::new("/numbers.csv");
        let frame = scan_copy(of, &batch.schema(), [Ok(batch.clone()), Ok(batch)].into_iter())?;
        let query = frame.filter(col("n").gt(lit(6))).select([col("n")]);
        let read = columns_read(&query).context("a file that is known")?;
        assert_eq!((read[0].path.as_path(), &*read[0].columns), (of, &["n".to_owned()][..]));
        let again = query.clone();
        drop(query);
        assert_eq!(again.collect()?.height(), 2 * 3);
        Ok(())
    }

    #[test]
    fn copies_that_are_gone_are_forgotten() -> Result<()> {
        let copies: Arc<[File]> = Arc::new([temporary()?]);
        remember(&copies, Path::new("/a.csv"));
        assert_eq!(copied_from(&copies), Some(PathBuf::from("/a.csv")));
        let gone = Arc::downgrade(&copies);
        drop(copies);
        let others: Arc<[File]> = Arc::new([temporary()?]);
        assert_eq!(copied_from(&others), None);
        remember(&others, Path::new("/b.csv"));
        let known = COPIES.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(!known.iter().any(|(copy, _)| ptr::addr_eq(copy.as_ptr(), gone.as_ptr())));
        Ok(())
    }
}
