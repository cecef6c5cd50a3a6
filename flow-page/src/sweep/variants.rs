//! The variants of a task: its instances in the store and in the graph.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use flow_core::{Key, Reason, StoreError, StoredOutput};

use super::records::Records;
use super::table::{Planned, Table};
use crate::snapshot::{Snapshot, State};

/// The variants of a task.
pub(crate) struct Variants {
    pub(crate) table: Table,
    /// The number of variants that are too many for the table: those of the store that ran first.
    pub(crate) omitted: usize,
    /// The number of those in the graph without an output that are too many.
    pub(crate) pending_omitted: usize,
    /// All variants, also those that are omitted.
    pub(crate) known: HashSet<Key>,
}

impl Variants {
    /// Reads the variants of a task among all `stored` outputs, at most `most`. `planned` is the graph, if it can be planned,
    /// with the states of its instances.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub(crate) fn read(
        task: &str,
        stored: &[StoredOutput],
        planned: Option<(&Snapshot, &[State])>,
        most: usize,
    ) -> Result<Self, StoreError> {
        let mut variants: Vec<_> = stored.iter().filter(|output| output.task == task).collect();
        let mut known: HashSet<Key> = variants.iter().map(|output| output.key).collect();
        let (mut states, mut failures, mut pending) = (HashMap::new(), HashMap::new(), Vec::new());
        let mut pending_omitted = 0;
        if let Some((snapshot, now)) = planned {
            let index = snapshot.task(task);
            let places = snapshot.task_of.iter().enumerate().filter(|(_, of)| Some(**of) == index);
            for (place, _) in places {
                let instance = &snapshot.instances[place];
                let (key, state) = (instance.key(), now[place]);
                states.insert(key, state);
                failures
                    .extend(instance.reasons().iter().find_map(failure).map(|error| (key, error)));
                let has_output = !instance.info().is_external() && !instance.info().is_aggregate();
                if !has_output || !known.insert(key) {
                    continue;
                }
                if pending.len() < most {
                    let (label, parameters) = (instance.to_string(), instance.parameters());
                    pending.push(Planned { key, state, label, parameters });
                } else {
                    pending_omitted += 1;
                }
            }
        }
        let omitted = variants.len().saturating_sub(most);
        if omitted > 0 {
            variants.sort_by_key(|output| Reverse(output.started));
            variants.truncate(most);
        }
        let records = Records::read(&variants, stored)?;
        let table = Table::new(task, &records, &states, &failures, pending);
        Ok(Self { table, omitted, pending_omitted, known })
    }
}

/// Returns the error of the last run, if it is a reason why an instance is not complete.
fn failure(reason: &Reason) -> Option<String> {
    match reason {
        Reason::FailedLastTime { error, .. } => Some(error.clone()),
        _ => None,
    }
}
