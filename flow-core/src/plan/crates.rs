//! Warnings about complete outputs that were computed with other versions of crates.
//!
//! Versions of crates are reported and are not part of the fingerprint, unless a task says `lock`: otherwise
//! a patch release of a logger would invalidate everything. While instances and their dynamic dependencies
//! are judged, only the digest in the record is compared with today's. Afterwards one table of versions is
//! read for each digest that differs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use daggy::NodeIndex;

use crate::base::code::Versioning;
use crate::base::key::{Digest, Key};
use crate::plan::Graph;
use crate::plan::warning::Warning;
use crate::store::Store;
use crate::store::crates::{CrateChange, Crates};
use crate::task::TaskType;

/// The complete instances that were computed with other versions, by task name and recorded digest.
#[derive(Default)]
pub(super) struct OtherCrates(BTreeMap<(String, Digest), Others>);

/// Instances of one task that were computed with the same versions.
struct Others {
    task: &'static TaskType,
    keys: HashSet<Key>,
}

impl OtherCrates {
    /// Compares the recorded versions of a complete instance with today's.
    ///
    /// A record without versions is ignored.
    pub(super) fn look(&mut self, graph: &Graph, node: NodeIndex, recorded: Option<Digest>) {
        let entry = graph.task(node);
        if let (Some(was), Some(now)) = (recorded, entry.crates)
            && was != now
        {
            let new = || Others { task: entry.task, keys: HashSet::new() };
            let others = self.0.entry((entry.decl.name.to_string(), was)).or_insert_with(new);
            others.keys.insert(graph.node(node).key);
        }
    }

    /// Returns a warning for each task.
    ///
    /// A crate that was added or is no longer used does not count as another version.
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
