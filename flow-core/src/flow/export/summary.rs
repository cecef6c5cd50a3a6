//! What was exported or imported.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::flow::gc::Bytes;

/// What was exported or imported: made by [`Flow::export`](crate::Flow::export) and
/// [`Flow::import`](crate::Flow::import).
#[derive(Clone, Debug)]
pub struct ExportSummary {
    pub(super) verb: &'static str,
    pub(super) folder: PathBuf,
    pub(super) instances: Vec<String>,
    pub(super) present: usize,
    pub(super) files: usize,
    pub(super) bytes: u64,
    pub(super) outdated: Vec<String>,
    pub(super) without_code: Vec<String>,
}

impl ExportSummary {
    pub(super) fn new(verb: &'static str, folder: &Path) -> Self {
        let (instances, folder) = (Vec::new(), folder.to_owned());
        let (outdated, without_code) = (Vec::new(), Vec::new());
        Self { verb, folder, instances, present: 0, files: 0, bytes: 0, outdated, without_code }
    }

    pub(super) fn copied(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }

    /// The folder of the export.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The instances whose outputs were not there as they are now, such as `Train {model: Logistic}`.
    pub fn instances(&self) -> &[String] {
        &self.instances
    }

    /// How many outputs of an import were there already.
    pub fn present(&self) -> usize {
        self.present
    }

    /// The instances that were exported before and are left out of the [crate](crate::Flow::export_crate): no
    /// type reads them as well as what was exported now.
    pub fn outdated(&self) -> &[String] {
        &self.outdated
    }

    /// The instances in the folder that another store has exported, or whose manifest somebody has
    /// changed since: from this export on they are loaded as paths, without a type. Exporting them
    /// from the store of this flow gives them their types again.
    pub fn without_code(&self) -> &[String] {
        &self.without_code
    }

    /// How many files were copied.
    pub fn files(&self) -> usize {
        self.files
    }

    /// How large those files are, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl fmt::Display for ExportSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outputs = if self.instances.len() == 1 { "output" } else { "outputs" };
        let files = if self.files == 1 { "file" } else { "files" };
        let (n, folder) = (self.instances.len(), self.folder.display());
        write!(f, "{n} {outputs} {}, {} {files} of {}", self.verb, self.files, Bytes(self.bytes))?;
        write!(f, ": {folder}")?;
        for instance in &self.without_code {
            write!(
                f,
                "\n  loaded as a path from now on, for another store has exported it: {instance}"
            )?;
        }
        for instance in &self.outdated {
            write!(
                f,
                "\n  left out of the crate, for no type reads it and what is new: {instance}"
            )?;
        }
        Ok(())
    }
}
