//! `Trust::Records`: accepts the records of roots without checking anything upstream.
//!
//! The setting concerns only roots. If every record were trusted by itself, a task could run on inputs that
//! were never judged. If a root is not complete by its own record, it is judged together with everything
//! upstream of it.

use std::collections::{HashMap, HashSet};

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::plan::Plan;
use crate::plan::judge::Judge;
use crate::store::output::Look;
use crate::store::record::{MadeFrom, Read, Record};
use crate::store::trust::Trust;
use crate::store::{Found, RECORD};
use crate::task::Kind;

/// The instances that are complete by their own records, and those that are judged.
pub(super) struct TrustedRecords {
    pub(super) records: HashMap<NodeIndex, Record>,
    pub(super) judged: Vec<bool>,
}

impl Plan {
    /// Returns the trusted records, if the plan trusts records.
    pub(super) fn trusted_records(
        &self,
        judge: &Judge<'_>,
    ) -> Result<Option<TrustedRecords>, StoreError> {
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
                // An aggregate has no record: its inputs are checked instead.
                aggregates.push(node);
                new.extend(graph.inputs(node));
            } else if let Some(record) = judge.trusted_record(node)? {
                records.insert(node, record);
            } else {
                judged[node.index()] = true;
            }
        }
        graph.mark_upstream(&mut judged);
        // A judged instance needs verdicts on everything upstream.
        records.retain(|node, _| !judged[node.index()]);
        aggregates.into_iter().for_each(|node| judged[node.index()] = true);
        Ok(Some(TrustedRecords { records, judged }))
    }
}

impl Judge<'_> {
    /// Returns the record of an instance, if it is up to date by all that is known without its upstream.
    fn trusted_record(&self, node: NodeIndex) -> Result<Option<Record>, StoreError> {
        let (graph, store) = (self.graph, self.store);
        if graph.kind(node) != Kind::Made || graph.is_forced(node) {
            return Ok(None);
        }
        let folder = graph.folder(node, store)?;
        let Found::Record(record) = store.record(&folder, graph.node(node).key)? else {
            return Ok(None);
        };
        let inputs = record.made_from.inputs.clone();
        // The values that a task sets for its dependencies are not in its own key, so the keys of the inputs
        // are compared.
        let is_same = inputs.len() == graph.inputs(node).len()
            && graph.roles(node, store).iter().zip(&inputs).all(|(role, input)| {
                role.text == input.role && (role.key == input.key || record.is_of_format_1())
            })
            && graph
                .inputs(node)
                .iter()
                .zip(&inputs)
                .all(|(&required, input)| input.of == Some(graph.node(required).key));
        if !is_same || self.due(node, record.started).is_some() {
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
