//! Tables of any format, as batches of Arrow: [`read`] opens a file, [`head`] shows its first rows, [`statistics`] describes
//! its columns, [`write`] converts it.

mod head;
mod read;
mod statistics;
mod write;

pub(crate) use self::head::TableHead;
pub(crate) use self::read::Rows;
pub(crate) use self::statistics::{ColumnStatistics, TableStatistics};
pub(crate) use self::write::write;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::CliError;
use crate::output::OutputFile;

/// Calls a function that reads a table. A store may come from anyone, and the readers panic on some damaged files: such a
/// panic becomes an error.
pub(crate) fn contained<T>(
    file: &OutputFile,
    read: impl FnOnce() -> Result<T, CliError>,
) -> Result<T, CliError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        let path = file.path.display();
        Err(anyhow::anyhow!("cannot read {path}: the file is damaged, and its reader panicked")
            .into())
    })
}
