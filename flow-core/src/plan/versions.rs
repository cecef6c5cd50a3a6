//! The stored versions of an instance's output: the current one and earlier ones, with what differs now.
//!
//! A verdict says whether the current record is what running the instance now would produce, and why not. Here every
//! record of the instance is compared in that way, so that outputs of other code or data can be told apart.

use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::plan::Plan;
use crate::plan::dynamic::{Replay, Replayed};
use crate::plan::format_1::Format1;
use crate::plan::judge::Judge;
use crate::plan::reason::Reason;
use crate::plan::verdicts::upstream;
use crate::store::output::Look;
use crate::store::record::Record;
use crate::store::recorded::RecordedOutput;
use crate::store::trust::Trust;
use crate::store::{Folder, RECORD, Store};
use crate::task::Kind;

/// A stored version of an instance's output.
pub(crate) struct StoredVersion {
    pub(crate) folder: Folder,
    pub(crate) record: Box<Record>,
    /// Whether its record is that of the instance. Otherwise it is kept as an earlier version.
    pub(crate) is_current: bool,
    /// What differs from the output that running the instance now would produce. Empty if nothing does.
    pub(crate) differences: Vec<Reason>,
}

/// What the record of a stored version of an output says. [`Instance::versions`](crate::Instance::versions) returns it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecordedVersion {
    /// The record.
    pub output: RecordedOutput,
    /// Whether it is the current output of the instance, and not an earlier one.
    pub is_current: bool,
    /// What differs from the output that running the task now would produce, as for
    /// [`Instance::reasons`](crate::Instance::reasons). Empty if nothing does.
    pub differences: Vec<Reason>,
}

impl RecordedVersion {
    /// `store` is the one that has the version.
    pub(crate) fn new(version: StoredVersion, store: &Arc<Store>) -> Self {
        let StoredVersion { folder, record, is_current, differences } = version;
        let output = RecordedOutput::new(&record, store, &folder);
        Self { output, is_current, differences }
    }
}

impl Plan {
    /// Returns the stored versions of an instance's output: the current one, then the earlier ones, the latest first.
    ///
    /// Records that are damaged, that are not signed as the store requires, or that a newer version of this library wrote, are left
    /// out.
    pub(crate) fn versions(&self, node: NodeIndex) -> Result<Vec<StoredVersion>, StoreError> {
        let (graph, store) = (&self.graph, &self.store);
        if graph.kind(node) != Kind::Made {
            return Ok(Vec::new());
        }
        let key = graph.node(node).key;
        let folder = graph.folder(node, store)?;
        let mut places = vec![store.path(&folder, RECORD)];
        places.extend(store.versions_of(&graph.task(node).folder, key.short())?);
        let replay = Replay::default();
        let judge = Judge::new(self, &self.verdicts, &replay);
        let mut versions = Vec::new();
        for (place, path) in places.iter().enumerate() {
            let record = match store.read_record(path) {
                Ok(Some(Ok(record)))
                    if record.key == key && store.verify_signature(&record).is_ok() =>
                {
                    record
                }
                Ok(_) | Err(StoreError::Newer { .. }) => continue,
                Err(error) => return Err(error),
            };
            let differences = judge.differences(node, &folder, &record)?;
            let folder = folder.clone();
            versions.push(StoredVersion { folder, record, is_current: place == 0, differences });
        }
        versions.sort_by(|a, b| {
            let by_time = || b.record.started.cmp(&a.record.started);
            b.is_current.cmp(&a.is_current).then_with(by_time)
        });
        Ok(versions)
    }
}

impl Judge<'_> {
    /// Returns what differs between a recorded output and the one that running the instance now would produce.
    fn differences(
        &self,
        node: NodeIndex,
        folder: &Folder,
        record: &Record,
    ) -> Result<Vec<Reason>, StoreError> {
        let now = self.made_from(node)?;
        let format_1 = match &now {
            Some(now) => self.as_format_1(node, now, record),
            None => Format1::Same,
        };
        let identity = self.graph.task(node).decl.identity();
        let is_same = match &now {
            Some(now) => {
                record.fingerprint == now.fingerprint(identity)
                    || format_1.is_of(record)
                    || self.by_columns(node, now, record)?.is_some()
            }
            None => false,
        };
        let mut differences = Vec::new();
        if is_same {
            differences = self.changed_reads(node, record)?;
            if differences.is_empty() {
                match self.replay(node, record, &mut Vec::new())? {
                    Replayed::Same => {}
                    Replayed::Different(reason) => differences.push(reason),
                    Replayed::Open(tasks) => differences.push(Reason::Upstream { tasks }),
                }
            }
        } else {
            let now = now.as_ref().map(|now| format_1.form().unwrap_or(now));
            match now {
                Some(now) => {
                    self.compare(node, record, now, &mut differences);
                    self.compare_inputs(node, record, now, &mut differences)?;
                }
                None => {
                    self.compare(node, record, &self.made_from_itself(node)?, &mut differences);
                    let verdicts = &self.plan.verdicts;
                    differences.extend(upstream(self.graph, node, verdicts, &differences));
                }
            }
            differences.extend(format_1.reason().filter(|_| differences.is_empty()));
            if differences.is_empty() {
                differences.push(Reason::Record { what: "has another fingerprint".to_owned() });
            }
        }
        let seen = self.store.look_at(folder, &record.output, Trust::Stamps)?;
        let output = |what| Reason::Output { file: seen.what.clone(), what };
        match seen.look {
            Look::Whole => differences.extend(self.changed_content(node, record)),
            Look::Gone => differences.push(output("is gone")),
            Look::Modified => differences.push(output("was modified")),
        }
        Ok(differences)
    }
}
