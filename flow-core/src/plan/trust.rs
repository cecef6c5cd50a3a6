//! Trust: how much of what is recorded is believed without looking.

use std::collections::{HashMap, HashSet};

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::plan::Plan;
use crate::plan::judge::Judge;
use crate::store::output::Look;
use crate::store::record::{MadeFrom, Read, Record};
use crate::store::{Found, RECORD};
use crate::task::decl::Kind;

/// How much of what is recorded is believed without looking: [`Flow::trust`](crate::Flow::trust).
///
/// What was recorded is compared with what is there in any case; this says how far that goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// A file whose size and time are as they were holds what it held. This is what a flow does if
    /// nothing is said.
    ///
    /// An output is taken for whole if its size and time are as recorded; if only the time is
    /// another, it is hashed. A file that a task reads is hashed if anything is another that is
    /// known of it without opening it: size, time, the time of its last change, inode. What this
    /// gives up: an output that was replaced by one of the same size and was given the same time,
    /// or whose disk has lost a bit, is not noticed.
    #[default]
    Stamps,
    /// A root is complete if its own record says so: nothing upstream of it is looked at.
    ///
    /// The record of each root must be that of today's code, parameters, target and version, its
    /// own files and variables must be as they were, and its output must be there, all by their
    /// stamps. What it required, while it ran too, is believed to be what it was: neither records
    /// nor files upstream are read, so that the cost is that of the roots alone. What this gives up: a change of the
    /// code, a file or a parameter that is set inside, anywhere upstream, is not noticed. A root
    /// that does not pass is judged with all that is upstream of it, as by [`Stamps`](Self::Stamps).
    /// In a preview, what was not looked at is `UNCHECKED`.
    Records,
    /// Nothing but content is believed: every output that is looked at, and every file that a task
    /// reads, is hashed once for each plan, whatever its size and time.
    ///
    /// This finds what the others overlook, and costs reading all of it.
    Content,
}

/// Which instances are complete by their own records, and which are judged all the same.
pub(super) struct Believed {
    pub(super) records: HashMap<NodeIndex, Record>,
    pub(super) judged: Vec<bool>,
}

impl Trust {
    /// How far what is required while tasks run is believed: it has no roots of its own.
    pub(super) fn in_run(self) -> Self {
        match self {
            Self::Records => Self::Stamps,
            trust => trust,
        }
    }
}

impl Plan {
    /// What is believed, if records are.
    pub(super) fn believed(&self, judge: &Judge<'_>) -> Result<Option<Believed>, StoreError> {
        if self.trust != Trust::Records {
            return Ok(None);
        }
        let graph = &self.graph;
        let (mut records, mut judged) = (HashMap::new(), vec![false; graph.len()]);
        let (mut aggregates, mut seen) = (Vec::new(), HashSet::new());
        let mut new = graph.roots.clone();
        while let Some(node) = new.pop() {
            if !seen.insert(node) {
                continue;
            }
            if graph.kind(node) == Kind::Aggregate {
                // It is what it requires, which is looked at in its place.
                aggregates.push(node);
                new.extend(graph.inputs(node));
            } else if let Some(record) = judge.believed(node)? {
                records.insert(node, record);
            } else {
                judged[node.index()] = true;
            }
        }
        for node in graph.nodes().rev() {
            if judged[node.index()] {
                graph.inputs(node).iter().for_each(|input| judged[input.index()] = true);
            }
        }
        // What is judged is judged by all that is upstream of it.
        records.retain(|node, _| !judged[node.index()]);
        aggregates.into_iter().for_each(|node| judged[node.index()] = true);
        Ok(Some(Believed { records, judged }))
    }
}

impl Judge<'_> {
    /// The record of an instance, if it is that of today's output as far as that can be said
    /// without looking upstream.
    fn believed(&self, node: NodeIndex) -> Result<Option<Record>, StoreError> {
        let (graph, store) = (self.graph, self.store);
        if graph.kind(node) != Kind::Made || graph.is_forced(node) {
            return Ok(None);
        }
        let folder = graph.folder(node, store)?;
        let Found::Record(record) = store.record(&folder, graph.node(node).key)? else {
            return Ok(None);
        };
        let inputs = record.made_from.inputs.clone();
        // What a task sets for those that it requires is in no key; how they are called shows it.
        let is_same = inputs.len() == graph.inputs(node).len()
            && graph.roles(node, store).iter().zip(&inputs).all(|(role, input)| {
                role.text == input.role && (role.key == input.key || record.is_of_format_1())
            })
            && graph
                .inputs(node)
                .iter()
                .zip(&inputs)
                .all(|(&required, input)| input.instance == graph.label_alone(required));
        if !is_same || self.due(node, &record).is_some() {
            return Ok(None);
        }
        let targets = self.targets(node);
        let now = MadeFrom { inputs, targets, ..self.made_from_itself(node)? };
        if now.fingerprint(graph.task(node).decl.identity()) != record.fingerprint {
            return Ok(None);
        }
        for read in record.reads.iter().filter(|read| !matches!(read, Read::Meta { .. })) {
            if self.changed_read(node, read)?.is_some() {
                return Ok(None);
            }
        }
        let place = store.path(&folder, RECORD);
        let seen = store.look(&folder, &place, &record, self.trust)?;
        Ok((seen.look == Look::Whole).then_some(*record))
    }
}
