//! A graph with the plan of it that is kept for a moment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flow_core::{Error, Subgraph, TaskInfo};

use crate::snapshot::Snapshot;

/// A graph, and the last plan of it.
pub(crate) struct Planned {
    graph: Subgraph<TaskInfo>,
    kept: Mutex<Option<Arc<Snapshot>>>,
}

impl Planned {
    pub(crate) fn new(graph: Subgraph<TaskInfo>) -> Self {
        Self { graph, kept: Mutex::new(None) }
    }

    pub(crate) fn graph(&self) -> &Subgraph<TaskInfo> {
        &self.graph
    }

    /// Returns the plan of the moment. Requests that come while it is built wait for it. `commits` is the number of commits
    /// so far.
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub(crate) fn snapshot(&self, commits: u64, is_running: bool) -> Result<Arc<Snapshot>, Error> {
        let mut kept = self.kept();
        if let Some(snapshot) =
            kept.as_ref().filter(|snapshot| snapshot.is_fresh(commits, is_running))
        {
            return Ok(Arc::clone(snapshot));
        }
        // Two plans of a large graph would need twice the memory.
        *kept = None;
        let snapshot = Arc::new(Snapshot::take(&self.graph, commits)?);
        *kept = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }

    /// Drops the plan, because the store has changed.
    pub(crate) fn forget(&self) {
        *self.kept() = None;
    }

    fn kept(&self) -> MutexGuard<'_, Option<Arc<Snapshot>>> {
        // The plan is replaced as a whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
