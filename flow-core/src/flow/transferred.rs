//! The result of a push or a pull.

use std::fmt;

use crate::base::bytes::Bytes;
use crate::plan::reason::Reason;
use crate::remote::push::Copied;

/// The maximal number of skipped instances, and of warnings, that are printed.
const LISTED: usize = 10;

/// The result of [`Flow::push`](crate::Flow::push) and [`Flow::pull`](crate::Flow::pull), and of the same methods of a
/// [`Sweep`](crate::Sweep).
#[derive(Clone, Debug)]
pub struct Transferred {
    verb: &'static str,
    instances: Vec<String>,
    metadata_only: Vec<String>,
    present: usize,
    skipped: Vec<Skipped>,
    warnings: Vec<String>,
    files: usize,
    bytes: u64,
}

/// An instance that was not pushed or pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// The instance, such as `Train {model: Logistic}`.
    pub instance: String,
    /// Why it was skipped.
    pub why: String,
}

impl Transferred {
    pub(super) fn new(verb: &'static str) -> Self {
        let (instances, metadata_only, skipped) = (Vec::new(), Vec::new(), Vec::new());
        let warnings = Vec::new();
        Self { verb, instances, metadata_only, present: 0, skipped, warnings, files: 0, bytes: 0 }
    }

    /// Adds a warning, unless an equal one was added before.
    pub(super) fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Adds a transferred instance.
    pub(super) fn add(&mut self, label: String, is_metadata_only: bool, copied: Copied) {
        match copied.is_new {
            true if is_metadata_only => self.metadata_only.push(label),
            true => self.instances.push(label),
            false => self.present += 1,
        }
        self.files += copied.files;
        self.bytes += copied.bytes;
    }

    /// Adds a skipped instance.
    pub(super) fn skip(&mut self, instance: String, reasons: &[Reason]) {
        let why = reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        self.skipped.push(Skipped { instance, why });
    }

    /// Adds a reason to the instance that was skipped last.
    pub(super) fn explain(&mut self, more: String) {
        if let Some(last) = self.skipped.last_mut() {
            last.why = if last.why.is_empty() { more } else { format!("{}; {more}", last.why) };
        }
    }

    /// Returns the instances whose outputs were copied, such as `Train {model: Logistic}`.
    pub fn instances(&self) -> &[String] {
        &self.instances
    }

    /// Returns the instances of which only the record was transferred, without files.
    ///
    /// Their values are in memory, or their files are missing. A run computes them again when a task needs
    /// them.
    pub fn metadata_only(&self) -> &[String] {
        &self.metadata_only
    }

    /// Counts an instance whose output the destination already has.
    pub(super) fn add_present(&mut self) {
        self.present += 1;
    }

    /// Returns the number of instances whose output the destination already had.
    pub fn present(&self) -> usize {
        self.present
    }

    /// Returns the instances that were not transferred, with the reasons.
    ///
    /// A push skips instances that are not complete, a pull those that the remote does not have.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Returns warnings that others may be unable to pull some of the pushed outputs.
    ///
    /// A warning names an absolute path, in a parameter or among the files that tasks read, and the fix.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
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

impl fmt::Display for Transferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |n, one, many| if n == 1 { one } else { many };
        let outputs = plural(self.instances.len(), "output", "outputs");
        write!(f, "{} {outputs} {}, ", self.instances.len(), self.verb)?;
        let files = plural(self.files, "file", "files");
        write!(f, "{} {files} of {}; ", self.files, Bytes(self.bytes))?;
        if !self.metadata_only.is_empty() {
            write!(f, "{} as metadata only; ", self.metadata_only.len())?;
        }
        write!(f, "{} {} there already", self.present, plural(self.present, "was", "were"))?;
        for warning in self.warnings.iter().take(LISTED) {
            write!(f, "\n  warning: {warning}")?;
        }
        if self.skipped.is_empty() {
            return Ok(());
        }
        write!(f, "{}left:", if self.warnings.is_empty() { "; " } else { "\n  " })?;
        for Skipped { instance, why } in self.skipped.iter().take(LISTED) {
            write!(f, "\n  {instance}: {}", why.replace('\n', "\n    "))?;
        }
        match self.skipped.len().checked_sub(LISTED) {
            Some(more @ 1..) => write!(f, "\n  … and {more} more"),
            _ => Ok(()),
        }
    }
}
