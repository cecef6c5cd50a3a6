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
    /// The stored outputs of instances that are not in the plan, such as those of a sweep.
    pub(super) stored: HashMap<Key, StoredOutput>,
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
        let (mut stored, mut variants) = (HashMap::new(), Vec::new());
        for output in flow.store().list()? {
            if snapshot.find(output.key).is_some() {
                continue;
            }
            if roots.contains(&output.task) {
                variants.push(output.key);
            }
            stored.insert(output.key, output);
        }
        Ok(Self { flow, roots, snapshot: Arc::new(snapshot), stored, variants })
    }
}
