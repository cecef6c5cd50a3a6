//! Failures: why an instance failed last time.

use serde::{Deserialize, Serialize};

use crate::key::Key;
use crate::store::{Folder, Store};

const FAILURE: &str = "failure.json";

/// Why and when an instance failed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) key: Key,
    pub(crate) error: String,
    pub(crate) at: jiff::Timestamp,
}

impl Store {
    /// Why the instance failed last time, if it did.
    pub(crate) fn failure(&self, folder: &Folder, key: Key) -> Option<Failure> {
        let bytes = self.fs.read(&self.path(folder, FAILURE)).ok()?;
        let failure: Failure = serde_json::from_slice(&bytes).ok()?;
        (failure.key == key).then_some(failure)
    }

    /// Notes a failure. That is a kindness: a store that cannot be written does without.
    pub(crate) fn note_failure(&self, folder: &Folder, failure: &Failure) {
        let path = self.path(folder, FAILURE);
        let draft = self.path(folder, &format!("{FAILURE}.{}", super::stage::unique()));
        let noted = serde_json::to_vec_pretty(failure).map_err(Into::into).and_then(|bytes| {
            self.fs.create_folder(&self.root.join(folder))?;
            self.fs.create(&draft)?.write_all(&bytes)?;
            self.fs.rename(&draft, &path)
        });
        if noted.is_err() {
            let _ = self.fs.remove(&draft);
        }
    }

    pub(crate) fn clear_failure(&self, folder: &Folder) {
        let _ = self.fs.remove(&self.path(folder, FAILURE));
    }
}
