//! Finds the instances that are pending only because of code.
//!
//! Such an instance was computed from what it would be computed from today, except for the code, the version,
//! the targets, and added parameters that have their defaults ([`predecessor`](super::predecessor)).
//!
//! This rests on an assumption: each of these instances, upstream first, would give what its record says. So
//! instances downstream are judged as if the change of code had no effect. A value in memory has the digest
//! of its fingerprint, and so gets another digest when its code changes.
//!
//! Dynamic dependencies have plans of their own, which come first: whether they are unchanged is decided
//! under the same assumption.

use std::collections::HashSet;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::{Digest, Key};
use crate::plan::columns::Compared;
use crate::plan::dynamic::{AllKnown, Replay, Replayed};
use crate::plan::judge::{Judge, Upstream};
use crate::plan::predecessor::{Predecessor, Predecessors};
use crate::plan::verdicts::Known;
use crate::plan::{Graph, Plan};
use crate::store::draft::memory_digest;
use crate::store::output::{Look, Output};
use crate::store::record::{FORMAT, MadeFrom, Meta, Record, RecordedInstance, RecordedRun};
use crate::store::{Folder, Found, RECORD};
use crate::task::Kind;

/// An instance that is pending only because of code.
pub(crate) struct Affected {
    pub(crate) node: NodeIndex,
    pub(crate) key: Key,
    /// The folder for the record that declares the output up to date.
    pub(crate) folder: Folder,
    /// The folder of the output. It differs from `folder` if the output belongs to a predecessor.
    pub(crate) from: Folder,
    /// The present record.
    pub(crate) record: Box<Record>,
    /// The parts of today's fingerprint.
    pub(crate) made_from: MadeFrom,
    pub(crate) fingerprint: Digest,
    /// Whether its files exist.
    pub(crate) is_there: bool,
}

impl Affected {
    /// Returns the record that declares the output up to date. `graph` is that of the instance's plan.
    pub(crate) fn blessed(&self, graph: &Graph) -> Record {
        let instance = RecordedInstance {
            // A seed that follows from a key of format 1 is valid only in a record of that format.
            format: if self.record.has_seed() { self.record.format } else { FORMAT },
            task: self.record.task.clone(),
            ..graph.recorded(self.node, self.made_from.clone(), self.fingerprint)
        };
        // The comparison has shown that today's versions of crates produce the same output.
        let crates = graph.task(self.node).crates;
        // Today's code may read other columns and give an equal output by chance. So the whole content of all inputs
        // counts until the task runs again.
        let (output, columns) = (self.output(), Vec::new());
        let run = RecordedRun { output, columns, crates, ..self.record.run() };
        Record::new(instance, run)
    }

    /// Returns the output that the instance has under the assumption.
    pub(crate) fn output(&self) -> Output {
        if self.record.output.is_in_memory() {
            return Output::in_memory(memory_digest(self.fingerprint, &self.record.reads));
        }
        self.record.output.clone()
    }
}

/// The state of the instances of a plan and of their dynamic dependencies, under the assumption.
pub(crate) struct Assumption {
    /// The plan, followed by those of dynamic dependencies, each after one that requires it.
    pub(crate) plans: Vec<Assumed>,
    /// The verdicts on dynamic dependencies under the assumption.
    pub(crate) known: Arc<AllKnown>,
}

impl Assumption {
    /// Returns the affected instances, each once, with the index of their plan.
    pub(crate) fn affected(&self) -> Vec<(usize, &Affected)> {
        let mut seen = HashSet::new();
        let plans = self.plans.iter().enumerate();
        let all = plans.flat_map(|(place, plan)| plan.affected.iter().map(move |one| (place, one)));
        all.filter(|(_, one)| seen.insert(one.key)).collect()
    }
}

/// The state of each instance of one plan, under the assumption.
pub(crate) struct Assumed {
    pub(crate) plan: Arc<Plan>,
    pub(crate) affected: Vec<Affected>,
    /// The digest of each output under the assumption.
    digests: Vec<Option<Digest>>,
    /// The digest of each output in its record.
    recorded: Vec<Option<Digest>>,
    /// The outputs that are up to date, with their folders and whether their files exist.
    pub(crate) good: Vec<(NodeIndex, Folder, Box<Record>, bool)>,
}

impl Assumed {
    /// Adds the verdicts on this plan's instances to the cache that plans requiring them use.
    fn add_verdicts(&self, known: &AllKnown) {
        let there = self.affected.iter().filter(|one| one.is_there);
        let there = there.map(|one| (one.node, one.output().digest));
        let good = self.good.iter().filter(|(.., is_there)| *is_there);
        let good = good.map(|(node, _, record, _)| (*node, record.output.digest));
        for (node, digest) in there.chain(good) {
            known.insert(self.plan.graph.node(node).key, Known::complete(digest));
        }
    }
}

impl Upstream for Assumed {
    fn digest(&self, node: NodeIndex) -> Option<Digest> {
        self.digests.get(node.index()).copied().flatten()
    }

    fn meta(&self, _: NodeIndex) -> Option<Meta> {
        // The metadata is read from the record.
        None
    }
}

/// The outputs upstream as their records have them, without the assumption.
struct Recorded<'a>(&'a Assumed);

impl Upstream for Recorded<'_> {
    fn digest(&self, node: NodeIndex) -> Option<Digest> {
        self.0.recorded.get(node.index()).copied().flatten()
    }

    fn meta(&self, _: NodeIndex) -> Option<Meta> {
        None
    }
}

impl Plan {
    /// Finds the instances that are pending only because of code.
    pub(crate) fn affected(self: &Arc<Self>) -> Result<Assumption, StoreError> {
        let mut plans = vec![Arc::clone(self)];
        plans.extend(self.required_in_run()?);
        let known = Arc::default();
        let mut found = 0;
        loop {
            let assumed = plans.iter().rev().map(|plan| {
                let assumed = plan.assume_all(&known)?;
                assumed.add_verdicts(&known);
                Ok(assumed)
            });
            let mut assumed = assumed.collect::<Result<Vec<_>, StoreError>>()?;
            let now = assumed.iter().map(|plan| plan.affected.len() + plan.good.len()).sum();
            // Plans may share dynamic dependencies, so this is repeated until nothing new is found.
            if plans.len() == 1 || now <= found {
                assumed.reverse();
                return Ok(Assumption { plans: assumed, known });
            }
            found = now;
        }
    }

    fn assume_all(self: &Arc<Self>, known: &Arc<AllKnown>) -> Result<Assumed, StoreError> {
        let (digests, recorded) = (Vec::new(), Vec::new());
        let (affected, good) = (Vec::new(), Vec::new());
        let plan = Arc::clone(self);
        let mut assumed = Assumed { plan, affected, digests, recorded, good };
        let predecessors = Predecessors::new(self);
        for node in self.graph.nodes() {
            let replay = Replay::knowing(known);
            let (digest, recorded) = match self.graph.kind(node) {
                Kind::External => (self.verdicts.digest(node), self.verdicts.digest(node)),
                Kind::Aggregate => {
                    let recorded = Judge::new(self, &Recorded(&assumed), &replay).gathered(node);
                    (Judge::new(self, &assumed, &replay).gathered(node), recorded)
                }
                Kind::Made => self.assume(node, &mut assumed, &replay, &predecessors)?,
            };
            assumed.digests.push(digest);
            assumed.recorded.push(recorded);
        }
        Ok(assumed)
    }

    /// Returns the digest of an instance's output under the assumption, and the recorded digest.
    fn assume(
        &self,
        node: NodeIndex,
        assumed: &mut Assumed,
        replay: &Replay<'_>,
        predecessors: &Predecessors<'_>,
    ) -> Result<(Option<Digest>, Option<Digest>), StoreError> {
        let (graph, store) = (&self.graph, &self.store);
        let unknown = Ok((None, None));
        let judge = Judge::new(self, &*assumed, replay);
        let Some(made_from) = judge.made_from(node)? else { return unknown };
        let folder = graph.folder(node, store)?;
        let key = graph.node(node).key;
        let (from, record, new) = match store.record(&folder, key)? {
            Found::Record(record) => (folder.clone(), record, None),
            Found::Nothing => match predecessors.find(node)? {
                Some(Predecessor { folder, record, new }) => (folder, record, Some(new)),
                None => return unknown,
            },
            Found::Damaged(_) => return unknown,
        };
        let fingerprint = made_from.fingerprint(graph.task(node).decl.identity());
        if !judge.changed_reads(node, &record)?.is_empty() {
            return unknown;
        }
        let mut answered = Vec::new();
        if !matches!(judge.replay(node, &record, &mut answered)?, Replayed::Same) {
            return unknown;
        }
        let seen = store.look(&from, &store.path(&from, RECORD), &record, self.trust)?;
        if seen.look == Look::Modified {
            return unknown;
        }
        let recorded = record.output.digest;
        let format_1 = judge.as_format_1(node, &made_from, &record);
        if record.fingerprint == fingerprint
            || format_1.is_of(&record)
            || judge.by_columns(node, &made_from, &record)?.is_some()
        {
            assumed.good.push((node, from, record, seen.look == Look::Whole));
            return Ok((Some(recorded), Some(recorded)));
        }
        // The record would list other content of what was required than today's, and the whole content would count.
        let answers = answered.iter().flat_map(|answered| &answered.answers);
        let mut pairs = record.required.iter().flatten().zip(answers);
        if pairs.any(|(required, answer)| answer.differs(required)) {
            return unknown;
        }
        let recorded_inputs = Recorded(assumed);
        let by_records = Judge::new(self, &recorded_inputs, replay);
        let has_same_columns = |place| {
            let compared = by_records.compare_columns(node, &record, place);
            compared.is_ok_and(|compared| compared == Compared::Same)
        };
        let only_code =
            differs_only_in_code(&record.made_from, &made_from, new.as_deref(), |place| {
                let input = graph.inputs(node)[place];
                let now = match record.is_of_format_1() {
                    true => by_records.content_of_format_1(input),
                    false => recorded_inputs.digest(input),
                };
                let was = record.made_from.inputs[place].digest;
                if now != Some(was) && has_same_columns(place) { Some(was) } else { now }
            });
        // A run reuses an output that was kept for today's code.
        if !only_code || judge.kept(node, &made_from, fingerprint)?.is_some() {
            return unknown;
        }
        let is_there = seen.look == Look::Whole;
        // A value in memory is computed again for those that load it; files would have to be linked.
        if new.is_some() && !is_there && !record.output.is_in_memory() {
            return unknown;
        }
        let affected =
            Affected { node, key, folder, from, record, made_from, fingerprint, is_there };
        let digest = affected.output().digest;
        assumed.affected.push(affected);
        Ok((Some(digest), Some(recorded)))
    }
}

/// Returns whether two fingerprints differ only in code, version, targets and the parameters `new`.
///
/// `new` is given if `was` belongs to a predecessor, which lacks these parameters. `input` returns the
/// recorded digest of the input with an index.
fn differs_only_in_code(
    was: &MadeFrom,
    now: &MadeFrom,
    new: Option<&[&str]>,
    input: impl Fn(usize) -> Option<Digest>,
) -> bool {
    // A parameter with several files has names like `name[0]`.
    let is_new = |file: &str| {
        let name = file.split('[').next().unwrap_or_default();
        new.is_some_and(|new| new.contains(&name))
    };
    let files = |made_from: &MadeFrom| {
        let files = made_from.files.iter().filter(|(name, _)| !is_new(name));
        files.map(|(name, file)| (name.clone(), file.digest)).collect::<Vec<_>>()
    };
    let same_inputs = || {
        let pairs = std::iter::zip(&was.inputs, &now.inputs).enumerate();
        was.inputs.len() == now.inputs.len()
            && pairs.into_iter().all(|(place, (was, now))| {
                // Records of format 1 have no keys. If the text does not identify the input, its digest
                // decides.
                let same_key = was.key == now.key || was.key.is_none();
                was.role == now.role && same_key && Some(was.digest) == input(place)
            })
    };
    // The other parameters of a predecessor are equal, because its key was found with them.
    (was.parameters == now.parameters || new.is_some())
        && files(was) == files(now)
        && was.refresh == now.refresh
        && same_inputs()
}
