//! Tables of any format: [`text`] shows their first rows and statistics in a terminal, [`write`] converts them.

mod text;
mod write;

pub(crate) use self::text::{rows_text, statistics_text};
pub(crate) use self::write::write;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::error::CliError;

/// Calls a function that converts a table. A store may come from anyone, and the writers panic on the content of some damaged
/// files: such a panic becomes an error.
pub(crate) fn contained<T>(
    path: &Path,
    convert: impl FnOnce() -> Result<T, CliError>,
) -> Result<T, CliError> {
    catch_unwind(AssertUnwindSafe(convert)).unwrap_or_else(|_| {
        let path = path.display();
        Err(anyhow::anyhow!("cannot convert {path}: the file is damaged, and its writer panicked")
            .into())
    })
}
