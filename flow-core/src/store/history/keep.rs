//! Limits on the number and the age of runs in the history.
//!
//! The name of a file has the time at which the run began, so that a listing of the folder is enough. A run in
//! progress holds its lock, and keeps its file. Files with other names are not of the history, and stay.

use std::path::PathBuf;

use jiff::Timestamp;

use super::{EXTENSION, RUNS, lock_of, time_of_id};
use crate::base::error::StoreError;
use crate::store::Store;
use crate::store::limit::Limits;

impl Store {
    /// Returns the ids of all runs, in the order in which they began. There may be other files among them.
    pub(super) fn run_ids(&self) -> Result<Vec<String>, StoreError> {
        let names = self.names_if_there(&self.internal(RUNS))?.into_iter();
        Ok(names.filter_map(|name| Some(name.strip_suffix(EXTENSION)?.to_owned())).collect())
    }

    /// Returns the files of the runs that are beyond the limits, without those of runs in progress.
    pub(crate) fn runs_beyond(&self, limits: Limits) -> Result<Vec<PathBuf>, StoreError> {
        let mut ids = self.run_ids()?;
        ids.retain(|id| lock_of(id).is_some());
        // An age that reaches before the first time that can be written is no limit.
        let oldest = Timestamp::now().checked_sub(limits.run_age).ok().map(time_of_id);
        let surplus = ids.len().saturating_sub(limits.runs);
        let is_beyond = |place: usize, id: &str| {
            place < surplus || oldest.as_deref().is_some_and(|oldest| id < oldest)
        };
        let mut beyond = Vec::new();
        for (place, id) in ids.iter().enumerate() {
            if is_beyond(place, id) && !self.is_run_in_progress(id)? {
                beyond.push(self.run_path(id));
            }
        }
        Ok(beyond)
    }

    /// Removes the files of the runs that are beyond the limits.
    ///
    /// Errors are ignored: the next run or `gc` removes the files.
    pub(super) fn remove_runs_beyond(&self, limits: Limits) {
        for path in self.runs_beyond(limits).unwrap_or_default() {
            let _ = self.fs.remove(&path);
        }
    }

    /// Returns whether the process that does a run still holds the run's lock.
    pub(super) fn is_run_in_progress(&self, id: &str) -> Result<bool, StoreError> {
        lock_of(id).map_or(Ok(false), |lock| self.is_locked_by_run(lock))
    }
}
