//! Outputs that are complete, and were made with other versions of crates than today's.
//!
//! What a record names is compared with today's by its digest, while the instances are judged. A
//! table is read afterwards, once for each digest that is another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use daggy::NodeIndex;

use crate::code::Versioning;
use crate::key::Digest;
use crate::plan::types::TypeIndex;
use crate::plan::warning::Warning;
use crate::plan::{Graph, Plan};
use crate::store::crates::{CrateChange, Crates};
use crate::store::record::Record;

/// How many complete instances of a task were made with which other versions.
#[derive(Default)]
pub(super) struct OtherCrates(BTreeMap<(TypeIndex, Digest), usize>);

impl OtherCrates {
    /// Looks at the record of a complete instance. Of one that says nothing, nothing is known.
    pub(super) fn look(&mut self, graph: &Graph, node: NodeIndex, record: &Record) {
        let task = graph.node(node).task;
        if let (Some(was), Some(now)) = (record.crates, graph.types.get(task).crates)
            && was != now
        {
            *self.0.entry((task, was)).or_default() += 1;
        }
    }

    /// A warning for each task. A crate that is new or is not used any more is no other version.
    pub(super) fn warnings(self, plan: &Plan) -> Vec<Warning> {
        let mut tables: HashMap<Digest, Option<Crates>> = HashMap::new();
        let mut tasks: BTreeMap<TypeIndex, (BTreeSet<CrateChange>, usize)> = BTreeMap::new();
        for ((task, digest), count) in self.0 {
            let table = tables.entry(digest).or_insert_with(|| plan.store.crates(digest));
            let Some(was) = table else { continue };
            let now = Crates::of(&plan.graph.types.get(task).codes, Versioning::Told);
            let is_other = |change: &CrateChange| !change.was.is_empty() && !change.now.is_empty();
            let changes: Vec<_> = was.changes(&now).filter(is_other).collect();
            if !changes.is_empty() {
                let (all, instances) = tasks.entry(task).or_default();
                all.extend(changes);
                *instances += count;
            }
        }
        let warnings = tasks.into_iter().map(|(task, (changes, instances))| Warning::Crates {
            task: plan.graph.types.get(task).decl.name.to_string(),
            crates: changes.into_iter().map(CrateChange::into_words).collect(),
            instances,
        });
        warnings.collect()
    }
}
