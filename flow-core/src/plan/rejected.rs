//! The results of expectations on an instance's output, and the rejected rows, as users see them.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::base::error::StoreError;
use crate::plan::Plan;
use crate::plan::instance::Instance;
use crate::store::Found;
use crate::store::log_text::escaped_lines;
use crate::store::rejected::REJECTED;
use crate::task::Kind;
use crate::task::expectation::Quality;

/// The rows that violated expectations in the last run of an instance.
///
/// [`Instance::rejected`] and [`Flow::rejected`](crate::Flow::rejected) return them. They are in a file of JSON Lines
/// beside the output, which pandas, polars and DuckDB read: each line has the number of the `row`, from 0, the
/// `expectations` that it violates, and its `values`. For one of several outputs, it has the name of the `output`.
///
/// It is printed as the content of the file, with control characters escaped.
#[derive(Clone, Debug)]
pub struct RejectedRows {
    path: PathBuf,
    rows: u64,
    text: Option<String>,
}

impl RejectedRows {
    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the number of rows that violate an expectation. The file has the first of them.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns the content of the file.
    ///
    /// It is `None` if a later run has replaced the file, or if the output is that of another instance or store:
    /// rejected rows are neither reused nor pulled.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

impl fmt::Display for RejectedRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escaped_lines(self.text.as_deref().unwrap_or_default()))
    }
}

impl Instance {
    /// Returns the results of the expectations in the last run, whether that failed or not; `None` if the check of the task
    /// makes no report.
    ///
    /// If the last run failed before its output was checked, they are those of the stored output.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn quality(&self) -> Result<Option<Quality>, StoreError> {
        let plan = &*self.plan;
        if plan.graph.kind(self.node) != Kind::Made {
            return Ok(None);
        }
        let failure = plan.last_failure(self.node)?;
        if let Some(quality) = failure.and_then(|failure| Quality::of(&failure.metadata)) {
            return Ok(Some(quality));
        }
        Ok(match plan.output_record(self.node)? {
            Found::Record(record) => Quality::of(&record.meta),
            Found::Damaged(_) | Found::Nothing => None,
        })
    }

    /// Returns the rows that violated expectations in the last run, whether that failed or not; `None` if there are none.
    ///
    /// # Errors
    ///
    /// The store or the file cannot be read.
    pub fn rejected(&self) -> Result<Option<RejectedRows>, StoreError> {
        let Some(quality) = self.quality()? else { return Ok(None) };
        let Some(digest) = quality.rejected_digest else { return Ok(None) };
        let Plan { graph, store, .. } = &*self.plan;
        let folder = graph.folder(self.node, store)?;
        let text = store.rejected(&folder, digest)?;
        let (path, rows) = (store.path(&folder, REJECTED), quality.rejected());
        Ok(Some(RejectedRows { path, rows, text }))
    }
}
