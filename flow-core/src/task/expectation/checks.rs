//! [`Checks`]: the reports of the checks in one attempt to run a task.

use std::path::PathBuf;

use anyhow::{anyhow, ensure};

use super::{CheckReport, EXPECTATIONS, Quality, Severity};
use crate::base::key::Hasher;
use crate::store::rejected::REJECTED;
use crate::store::{Folder, RECORD, Store, bounds};
use crate::task::cx::Attempt;

/// The most violated expectations that an error names.
const SHOWN: usize = 10;

/// Collects the reports of the checks of an output, and records them.
#[doc(hidden)]
pub struct Checks<'a> {
    store: &'a Store,
    folder: &'a Folder,
    /// What the earlier version of the output has recorded, once it was read.
    earlier: Option<Quality>,
    quality: Quality,
    /// The rejected rows, as lines of JSON.
    rejected: String,
}

impl<'a> Checks<'a> {
    pub(crate) fn new(store: &'a Store, folder: &'a Folder) -> Self {
        let (earlier, quality, rejected) = (None, Quality::default(), String::new());
        Self { store, folder, earlier, quality, rejected }
    }

    /// Takes the report of the check of a part, whose name is empty for the whole output.
    ///
    /// # Errors
    ///
    /// An expectation is violated that does not only warn.
    pub(crate) fn take(&mut self, part: &str, report: CheckReport) -> anyhow::Result<()> {
        let (store, folder) = (self.store, self.folder);
        let earlier = self.earlier.get_or_insert_with(|| earlier(store, folder));
        let earlier = earlier.outputs.iter().find(|output| output.part == part);
        let (output, lines) = report.finish(part, earlier);
        // Of several outputs with many rejected rows, the file has the first ones: a larger one would not be read.
        for line in lines.split_inclusive('\n') {
            if (self.rejected.len() + line.len()) as u64 > bounds::NOTE {
                break;
            }
            self.rejected.push_str(line);
        }
        let fails = output.expectations.iter().filter(|one| one.severity == Severity::Fail);
        let fails: Vec<_> = fails.filter(|one| !one.holds()).map(ToString::to_string).collect();
        let rejected = if lines.is_empty() { 0 } else { output.rejected };
        self.quality.outputs.push(output);
        if fails.is_empty() {
            return Ok(());
        }
        let mut text = fails.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
        if let Some(more @ 1..) = fails.len().checked_sub(SHOWN) {
            text.push_str(&format!("; and {more} more"));
        }
        if rejected > 0 {
            text.push_str(&format!(" (rejected rows: {})", self.path().display()));
        }
        Err(anyhow!(text))
    }

    fn path(&self) -> PathBuf {
        self.store.path(self.folder, REJECTED)
    }

    /// Records the results as metadata of the attempt, and writes the rejected rows. A failure has them, too.
    ///
    /// Without a report, nothing is recorded.
    ///
    /// # Errors
    ///
    /// The rejected rows cannot be written, or the task has recorded metadata with that name.
    pub(crate) fn record(mut self, attempt: &Attempt) -> anyhow::Result<()> {
        if self.quality.outputs.is_empty() {
            return Ok(());
        }
        ensure!(
            !attempt.has_meta(EXPECTATIONS),
            "the metadata `{EXPECTATIONS}` has the results of `check`: give the value that the task records with \
             `cx.meta` another name"
        );
        self.store.write_rejected(self.folder, &self.rejected)?;
        if !self.rejected.is_empty() {
            let digest = Hasher::new("rejected").text(&self.rejected).digest();
            self.quality.rejected_digest = Some(digest);
        }
        attempt.set_meta(EXPECTATIONS, serde_json::to_value(&self.quality)?);
        Ok(())
    }
}

/// Returns what the output in a folder has recorded; nothing if there is none, or if its record cannot be read.
fn earlier(store: &Store, folder: &Folder) -> Quality {
    let record = store.read_record(&store.path(folder, RECORD)).ok().flatten();
    let record = record.and_then(Result::ok);
    let record = record.filter(|record| store.verify_signature(record).is_ok());
    let quality = record.and_then(|record| Quality::of(&record.meta));
    quality.unwrap_or_default()
}
