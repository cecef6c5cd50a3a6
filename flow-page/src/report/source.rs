//! What a report is made from: a plan of the roots, and the stored outputs of the same tasks with other parameters.

use std::collections::HashMap;
use std::sync::Arc;

use flow_core::{Error, Flow, Key, StoredOutput, TaskInfo};

use crate::snapshot::Snapshot;

/// What a report is made from.
pub(super) struct Source<'a> {
    pub(super) flow: &'a Flow,
    /// The names of the root tasks, each once.
    pub(super) roots: Vec<String>,
    pub(super) snapshot: Arc<Snapshot>,
    /// All outputs of the store.
    pub(super) stored: Vec<StoredOutput>,
    /// The places among them of instances that are not in the plan, such as those of a sweep.
    others: HashMap<Key, usize>,
    /// Those of the root tasks, in the order of the store.
    pub(super) variants: Vec<Key>,
}

impl<'a> Source<'a> {
    /// Plans the roots, and lists the store.
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub(super) fn new(flow: &'a Flow, tasks: Vec<TaskInfo>) -> Result<Self, Error> {
        let mut roots = Vec::new();
        for name in tasks.iter().map(TaskInfo::name) {
            if !roots.contains(&name) {
                roots.push(name);
            }
        }
        let snapshot = Snapshot::take(&flow.graph_of(tasks), 0)?;
        let stored = flow.store().list()?;
        let (mut others, mut variants) = (HashMap::new(), Vec::new());
        for (place, output) in stored.iter().enumerate() {
            if snapshot.find(output.key).is_some() {
                continue;
            }
            if roots.contains(&output.task) {
                variants.push(output.key);
            }
            others.insert(output.key, place);
        }
        Ok(Self { flow, roots, snapshot: Arc::new(snapshot), stored, others, variants })
    }

    /// Returns the stored output of an instance that is not in the plan.
    pub(super) fn other(&self, key: Key) -> Option<&StoredOutput> {
        self.others.get(&key).map(|&place| &self.stored[place])
    }
}
