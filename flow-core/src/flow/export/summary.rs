//! The result of an export or an import.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::base::bytes::Bytes;

/// The result of [`Flow::export`](crate::Flow::export), [`Sweep::export`](crate::Sweep::export) and
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

    /// Counts a copied file.
    pub(super) fn copied(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }

    /// Returns the folder of the export.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the instances whose outputs are new at the destination, such as `Train {model: Logistic}`.
    pub fn instances(&self) -> &[String] {
        &self.instances
    }

    /// Returns the number of outputs of an import that the store already had.
    pub fn present(&self) -> usize {
        self.present
    }

    /// Returns the instances of earlier exports that are left out of the [crate](crate::Flow::export_crate).
    ///
    /// No type reads both their outputs and those that were exported now.
    pub fn outdated(&self) -> &[String] {
        &self.outdated
    }

    /// Returns the instances of earlier exports that are loaded as paths, without a type, from now on.
    ///
    /// Another store exported them, or their entries in the manifest were changed. Export them from the store of this
    /// flow to restore their types.
    pub fn without_code(&self) -> &[String] {
        &self.without_code
    }

    /// Returns the number of copied files.
    pub fn files(&self) -> usize {
        self.files
    }

    /// Returns the size of the copied files in bytes.
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
                "\n  loaded as a path from now on, because another store exported it: {instance}"
            )?;
        }
        for instance in &self.outdated {
            write!(
                f,
                "\n  left out of the crate, because no type reads both it and the new outputs: {instance}"
            )?;
        }
        Ok(())
    }
}
