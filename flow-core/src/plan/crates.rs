//! Outputs that are complete, and were made with other versions of crates than today's.
//!
//! What a record names is compared with today's by its digest, while the instances are judged, and
//! what they have required while they ran. A table is read afterwards, once for each digest that is
//! another.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use daggy::NodeIndex;

use crate::base::code::Versioning;
use crate::base::key::{Digest, Key};
use crate::plan::Graph;
use crate::plan::warning::Warning;
use crate::store::Store;
use crate::store::crates::{CrateChange, Crates};
use crate::store::record::Record;
use crate::task::TaskType;

/// Which complete instances were made with which other versions.
#[derive(Default)]
pub(super) struct OtherCrates(BTreeMap<(String, Digest), Others>);

/// Instances of one task that were made with the same other versions.
struct Others {
    task: &'static TaskType,
    keys: HashSet<Key>,
}

impl OtherCrates {
    /// Looks at the record of a complete instance. Of one that says nothing, nothing is known.
    pub(super) fn look(&mut self, graph: &Graph, node: NodeIndex, record: &Record) {
        let entry = graph.task(node);
        if let (Some(was), Some(now)) = (record.crates, entry.crates)
            && was != now
        {
            let new = || Others { task: entry.task, keys: HashSet::new() };
            let others = self.0.entry((entry.decl.name.to_string(), was)).or_insert_with(new);
            others.keys.insert(graph.node(node).key);
        }
    }

    /// A warning for each task. A crate that is new or is not used any more is no other version.
    pub(super) fn warnings(self, store: &Store) -> Vec<Warning> {
        let mut tables: HashMap<Digest, Option<Crates>> = HashMap::new();
        let mut tasks: BTreeMap<String, (BTreeSet<CrateChange>, usize)> = BTreeMap::new();
        for ((name, digest), Others { task, keys }) in self.0 {
            let table = tables.entry(digest).or_insert_with(|| store.crates(digest));
            let Some(was) = table else { continue };
            let now = Crates::of(&(task.codes)(), Versioning::Told);
            let is_other = |change: &CrateChange| !change.was.is_empty() && !change.now.is_empty();
            let changes: Vec<_> = was.changes(&now).filter(is_other).collect();
            if !changes.is_empty() {
                let (all, instances) = tasks.entry(name).or_default();
                all.extend(changes);
                *instances += keys.len();
            }
        }
        let warnings = tasks.into_iter().map(|(task, (changes, instances))| Warning::Crates {
            task,
            crates: changes.into_iter().map(CrateChange::into_words).collect(),
            instances,
        });
        warnings.collect()
    }
}
