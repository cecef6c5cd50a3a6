//! What came of a push or a pull, as data and as text.

use std::fmt;

use crate::flow::gc::Bytes;
use crate::plan::reason::Reason;
use crate::remote::push::Copied;

/// How many instances are printed one by one.
const LISTED: usize = 10;

/// What was pushed or pulled: made by [`Flow::push`](crate::Flow::push) and
/// [`Flow::pull`](crate::Flow::pull).
#[derive(Clone, Debug)]
pub struct Transferred {
    verb: &'static str,
    instances: Vec<String>,
    told: Vec<String>,
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
    /// Why it was left.
    pub why: String,
}

impl Transferred {
    pub(super) fn new(verb: &'static str) -> Self {
        let (instances, told, skipped) = (Vec::new(), Vec::new(), Vec::new());
        let warnings = Vec::new();
        Self { verb, instances, told, present: 0, skipped, warnings, files: 0, bytes: 0 }
    }

    /// Adds a warning, unless it is there.
    pub(super) fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    pub(super) fn add(&mut self, label: String, is_told: bool, copied: Copied) {
        match copied.is_new {
            true if is_told => self.told.push(label),
            true => self.instances.push(label),
            false => self.present += 1,
        }
        self.files += copied.files;
        self.bytes += copied.bytes;
    }

    pub(super) fn leave(&mut self, instance: String, reasons: &[Reason]) {
        let why = reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        self.skipped.push(Skipped { instance, why });
    }

    /// Adds to why the last instance was left.
    pub(super) fn explain(&mut self, more: String) {
        if let Some(last) = self.skipped.last_mut() {
            last.why = if last.why.is_empty() { more } else { format!("{}; {more}", last.why) };
        }
    }

    /// The instances whose outputs were copied, such as `Train {model: Logistic}`.
    pub fn instances(&self) -> &[String] {
        &self.instances
    }

    /// The instances of which only that they were there, and with which content: their values are in
    /// memory, or their files are gone. They are made again when something needs them.
    pub fn metadata_only(&self) -> &[String] {
        &self.told
    }

    pub(super) fn found(&mut self) {
        self.present += 1;
    }

    /// How many instances were there already.
    pub fn present(&self) -> usize {
        self.present
    }

    /// The instances that were left, and why: of a push those that are not complete, of a pull those
    /// that the remote does not have.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Why others may not be able to pull some of what was pushed: absolute paths in parameters and
    /// among the files that tasks have read, each with what to do.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
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

impl fmt::Display for Transferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |n, one, many| if n == 1 { one } else { many };
        let outputs = plural(self.instances.len(), "output", "outputs");
        write!(f, "{} {outputs} {}, ", self.instances.len(), self.verb)?;
        let files = plural(self.files, "file", "files");
        write!(f, "{} {files} of {}; ", self.files, Bytes(self.bytes))?;
        if !self.told.is_empty() {
            write!(f, "{} as metadata only; ", self.told.len())?;
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
