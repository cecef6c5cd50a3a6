//! Failures: a file for each instance that failed in its last run.

use serde::{Deserialize, Serialize};

use crate::base::key::Key;
use crate::store::{Folder, Store, bounds, json};

pub(crate) const FAILURE: &str = "failure.json";

/// The error of an instance's last run, and when it occurred.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) key: Key,
    pub(crate) error: String,
    /// The backtrace of the error, if one was captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) backtrace: Option<String>,
    pub(crate) at: jiff::Timestamp,
}

impl Store {
    /// Returns the failure of the instance's last run, if it failed.
    pub(crate) fn failure(&self, folder: &Folder, key: Key) -> Option<Failure> {
        let bytes = self.fs.read(&self.path(folder, FAILURE), bounds::NOTE).ok()?;
        let failure: Failure = json::parse(&bytes).ok()?;
        (failure.key == key).then_some(failure)
    }

    pub(crate) fn note_failure(&self, folder: &Folder, failure: &Failure) {
        self.note(&self.path(folder, FAILURE), failure);
    }

    pub(crate) fn clear_failure(&self, folder: &Folder) {
        let _ = self.fs.remove(&self.path(folder, FAILURE));
    }
}
