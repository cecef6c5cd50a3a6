//! Which instances are pending for their code alone: what they were made from is what it is today, but
//! for the code, the version, the targets, and parameters with defaults that were added since
//! ([`predecessor`](super::predecessor)).
//!
//! That is told under an assumption: that each of them, upstream first, gives what its record says. So
//! what follows one of them is judged as it would be if the change meant nothing. A value in memory
//! has the digest of what it is made from, so that it is known by another one when its code is another.
//!
//! What tasks have required while they ran stands in plans of its own, and comes first: whether what
//! required it is the same is asked under the same assumption.

use std::collections::HashSet;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::{Digest, Key};
use crate::plan::Plan;
use crate::plan::dynamic::{AllKnown, Replay, Replayed};
use crate::plan::judge::{Judge, Upstream};
use crate::plan::predecessor::{Predecessor, Predecessors};
use crate::plan::verdicts::Known;
use crate::store::draft::memory_digest;
use crate::store::output::{Look, Output};
use crate::store::record::{FORMAT, MadeFrom, Meta, Read, Record};
use crate::store::{Folder, Found, RECORD};
use crate::task::Kind;

/// An instance that is pending for its code alone.
pub(crate) struct Affected {
    pub(crate) node: NodeIndex,
    pub(crate) key: Key,
    /// Where the record that says so is to lie.
    pub(crate) folder: Folder,
    /// Where the output lies: elsewhere if it is that of the instance as it was before a parameter was added.
    pub(crate) from: Folder,
    /// As it stands.
    pub(crate) record: Box<Record>,
    /// What it would be made from today.
    pub(crate) made_from: MadeFrom,
    pub(crate) fingerprint: Digest,
    /// Whether its files are there.
    pub(crate) is_there: bool,
}

impl Affected {
    /// The record that says that the output is today's.
    pub(crate) fn blessed(&self) -> Record {
        // A seed that followed from a key of format 1 is only right in a record of that format.
        let has_seed = self.record.reads.iter().any(|read| matches!(read, Read::Seed { .. }));
        Record {
            format: if has_seed { self.record.format } else { FORMAT },
            key: self.key,
            fingerprint: self.fingerprint,
            made_from: self.made_from.clone(),
            output: self.output(),
            ..Record::clone(&self.record)
        }
    }

    /// The output that it has if the change means nothing.
    pub(crate) fn output(&self) -> Output {
        if self.record.output.is_in_memory() {
            return Output::in_memory(memory_digest(self.fingerprint, &self.record.reads));
        }
        self.record.output.clone()
    }
}

/// What is known of the instances of a plan, and of what they have required while they ran, if the
/// change means nothing.
pub(crate) struct Assumption {
    /// The plan, and then those of what was required, each after one that has required it.
    pub(crate) plans: Vec<Assumed>,
    /// What was required: as it is then.
    pub(crate) known: Arc<AllKnown>,
}

impl Assumption {
    /// The instances that are affected, with the places of their plans, each in one of them.
    pub(crate) fn affected(&self) -> Vec<(usize, &Affected)> {
        let mut seen = HashSet::new();
        let plans = self.plans.iter().enumerate();
        let all = plans.flat_map(|(place, plan)| plan.affected.iter().map(move |one| (place, one)));
        all.filter(|(_, one)| seen.insert(one.key)).collect()
    }
}

/// What is known of each instance of one plan, if the change means nothing.
pub(crate) struct Assumed {
    pub(crate) plan: Arc<Plan>,
    pub(crate) affected: Vec<Affected>,
    /// What each output is then.
    digests: Vec<Option<Digest>>,
    /// What it is by the records.
    recorded: Vec<Option<Digest>>,
    /// The outputs that are good today, with their places, and whether their files are there.
    pub(crate) good: Vec<(NodeIndex, Folder, Box<Record>, bool)>,
}

impl Assumed {
    /// Tells those that have required its instances what they are.
    fn tell(&self, known: &AllKnown) {
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
        // That of its record.
        None
    }
}

/// The same, by the records.
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
    /// Finds the instances that are pending for their code alone.
    pub(crate) fn affected(self: &Arc<Self>) -> Result<Assumption, StoreError> {
        let mut plans = vec![Arc::clone(self)];
        plans.extend(self.required_in_run()?);
        let known = Arc::default();
        let mut found = 0;
        loop {
            let assumed = plans.iter().rev().map(|plan| {
                let assumed = plan.assume_all(&known)?;
                assumed.tell(&known);
                Ok(assumed)
            });
            let mut assumed = assumed.collect::<Result<Vec<_>, StoreError>>()?;
            let now = assumed.iter().map(|plan| plan.affected.len() + plan.good.len()).sum();
            // What one plan has required may be what another one has, too.
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

    /// What an instance gives if the change means nothing, and by its record.
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
        if !matches!(judge.replay(node, &record, &mut Vec::new())?, Replayed::Same) {
            return unknown;
        }
        let seen = store.look(&from, &store.path(&from, RECORD), &record, self.trust)?;
        if seen.look == Look::Modified {
            return unknown;
        }
        let recorded = record.output.digest;
        let now_1 = judge.as_format_1(node, &made_from, &record);
        if record.fingerprint == fingerprint || now_1.is_of(&record) {
            assumed.good.push((node, from, record, seen.look == Look::Whole));
            return Ok((Some(recorded), Some(recorded)));
        }
        let recorded_inputs = Recorded(assumed);
        let by_records = Judge::new(self, &recorded_inputs, replay);
        let of_code = is_of_code(&record.made_from, &made_from, new.as_deref(), |place| {
            let input = graph.inputs(node)[place];
            match record.is_of_format_1() {
                true => by_records.content_of_format_1(input),
                false => recorded_inputs.digest(input),
            }
        });
        // What is kept of today's code is adopted by a run.
        if !of_code || judge.kept(node, &made_from, fingerprint)?.is_some() {
            return unknown;
        }
        let is_there = seen.look == Look::Whole;
        // A value in memory is made for those that load it; files would have to be linked.
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

/// Whether what an output was made from is what it is now, but for code, version, targets and parameters
/// that are `new`, if it was that of the instance without these; what the inputs were is asked by their
/// place.
fn is_of_code(
    was: &MadeFrom,
    now: &MadeFrom,
    new: Option<&[&str]>,
    input: impl Fn(usize) -> Option<Digest>,
) -> bool {
    // One of several files of a parameter is called `name[0]`.
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
                // Records of format 1 have no keys; where the text does not tell them apart, it is
                // another one.
                let same_key = was.key == now.key || was.key.is_none();
                was.role == now.role && same_key && Some(was.digest) == input(place)
            })
    };
    // What else the parameters of a predecessor are, its key says.
    (was.parameters == now.parameters || new.is_some())
        && files(was) == files(now)
        && was.refresh == now.refresh
        && same_inputs()
}
