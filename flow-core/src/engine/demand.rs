//! Which instance waits for which, and demands for inputs whose files are missing.
//!
//! An instance waits for its inputs. When a worker finds that the instance has to run, more may be needed: an
//! input whose content is known but whose file is missing is *demanded*, that is, produced first. So is a
//! member of an aggregate that the instance requires.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use daggy::NodeIndex;

use crate::engine::outcome::Outcome;
use crate::engine::schedule::Schedule;
use crate::plan::dynamic::Replay;
use crate::plan::judge::Judge;
use crate::task::Kind;

impl Schedule {
    /// Opens an instance: it is ready as soon as its inputs are settled.
    pub(super) fn open(&mut self, node: NodeIndex) {
        self.execution.session.open.fetch_add(1, Ordering::Relaxed);
        self.wait_for(node, self.execution.plan.graph.inputs(node).to_vec());
    }

    /// Lets an instance wait for the `inputs` that are not settled; without any, it is ready.
    pub(super) fn wait_for(&mut self, node: NodeIndex, inputs: Vec<NodeIndex>) {
        let mut waiting = 0;
        for input in inputs {
            if self.outcomes[input.index()] != Outcome::Open || self.committing.contains_key(&input)
            {
                continue;
            }
            waiting += 1;
            if let Some(waiters) = self.demands.get_mut(&input) {
                waiters.push(node);
            }
        }
        self.waiting[node.index()] = waiting;
        if waiting == 0 {
            self.push_ready(node);
        }
    }

    /// Opens the inputs whose files are missing, for an instance that has to run.
    pub(super) fn demand(&mut self, node: NodeIndex, inputs: Vec<NodeIndex>) {
        if self.stopped {
            return self.conclude_stopped(node);
        }
        // An input may have failed since the instance was judged, if another instance demanded it.
        for &input in &inputs {
            match self.outcomes[input.index()] {
                Outcome::Failed { .. } => return self.block(node, input),
                Outcome::Elsewhere { error: Some(_) } => return self.block(node, input),
                Outcome::NotRun { because } => return self.block(node, because),
                _ => {}
            }
        }
        let required: HashSet<_> = self.execution.plan.graph.inputs(node).iter().copied().collect();
        for &input in &inputs {
            let without_file = || self.execution.held.made(input).is_none();
            match self.outcomes[input.index()] {
                Outcome::Unchanged if !without_file() => {}
                Outcome::NotNeeded | Outcome::Unchanged => {
                    self.outcomes[input.index()] = Outcome::Open;
                    self.demands.insert(input, Vec::new());
                    self.open(input);
                }
                Outcome::Open
                    if !self.demands.contains_key(&input)
                        && !required.contains(&input)
                        && !self.committing.contains_key(&input) =>
                {
                    self.through.entry(input).or_default().push(node);
                }
                _ => {}
            }
        }
        self.wait_for(node, inputs);
    }

    /// Removes and returns the instances that wait for an instance.
    pub(super) fn waiters(&mut self, node: NodeIndex) -> Vec<NodeIndex> {
        let mut waiters = match self.demands.remove(&node) {
            Some(waiters) => waiters,
            None => self.execution.plan.graph.consumers(node).collect(),
        };
        waiters.extend(self.through.remove(&node).into_iter().flatten());
        waiters
    }

    /// Marks the aggregates that gather an output, directly or through other aggregates, as outdated.
    ///
    /// The output has other content than the plan knows.
    pub(super) fn mark_gathering(&mut self, node: NodeIndex) {
        let graph = &self.execution.plan.graph;
        let mut new = vec![node];
        while let Some(node) = new.pop() {
            let mut aggregates = graph.consumers(node).collect::<Vec<_>>();
            aggregates.retain(|&consumer| graph.kind(consumer) == Kind::Aggregate);
            new.extend(aggregates.into_iter().filter(|&aggregate| self.regather.insert(aggregate)));
        }
    }

    /// Computes the digests of outdated aggregates again, if an instance that is about to be settled requires one.
    ///
    /// They are part of the fingerprint of the instance.
    pub(super) fn gather_again(&mut self, node: NodeIndex) {
        let graph = &self.execution.plan.graph;
        let outdated = |input| self.regather.contains(input);
        if self.regather.is_empty() || !graph.inputs(node).iter().any(outdated) {
            return;
        }
        let replay = Replay::default();
        let judge = Judge::new(&self.execution.plan, &*self.execution, &replay);
        // In the order of the nodes: an aggregate comes after the aggregates that it gathers.
        for aggregate in std::mem::take(&mut self.regather) {
            if let Some(digest) = judge.gathered(aggregate) {
                self.execution.held.set_made(aggregate, graph.not_made(aggregate, digest));
            }
        }
    }
}
