//! Which instances are pending for their code alone: what they were made from is what it is today, but
//! for the code, the version and the targets.
//!
//! That is told under an assumption: that each of them, upstream first, gives what its record says. So
//! what follows one of them is judged as it would be if the change meant nothing. A value in memory
//! has the digest of what it is made from, so that it is known by another one when its code is another.

use daggy::NodeIndex;

use crate::key::{Digest, Key};
use crate::plan::Plan;
use crate::plan::again::{Replay, Replayed};
use crate::plan::judge::{Judge, Upstream};
use crate::store::draft::memory_digest;
use crate::store::error::StoreError;
use crate::store::output::{Look, Output};
use crate::store::record::{MadeFrom, Meta, Record};
use crate::store::{Folder, Found, RECORD};
use crate::task::Kind;

/// An instance that is pending for its code alone.
pub(crate) struct Affected {
    pub(crate) node: NodeIndex,
    pub(crate) key: Key,
    pub(crate) folder: Folder,
    /// As it stands.
    pub(crate) record: Box<Record>,
    /// What it would be made from today.
    pub(crate) made_from: MadeFrom,
    pub(crate) fingerprint: Digest,
}

impl Affected {
    /// The record that says that the output is today's.
    pub(crate) fn blessed(&self) -> Record {
        let mut record = Record {
            fingerprint: self.fingerprint,
            made_from: self.made_from.clone(),
            ..Record::clone(&self.record)
        };
        record.output = self.output();
        record
    }

    /// The output that it has if the change means nothing.
    pub(crate) fn output(&self) -> Output {
        if self.record.output.is_in_memory() {
            return Output::in_memory(memory_digest(self.fingerprint, &self.record.reads));
        }
        self.record.output.clone()
    }
}

/// What is known of each instance, if the change means nothing.
pub(crate) struct Assumed {
    pub(crate) affected: Vec<Affected>,
    /// What each output is then.
    digests: Vec<Option<Digest>>,
    /// What it is by the records.
    recorded: Vec<Option<Digest>>,
    /// The outputs that are good today, with their places, and whether their files are there.
    pub(crate) good: Vec<(NodeIndex, Folder, Box<Record>, bool)>,
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
    pub(crate) fn affected(&self) -> Result<Assumed, StoreError> {
        let (digests, recorded) = (Vec::new(), Vec::new());
        let (affected, good) = (Vec::new(), Vec::new());
        let mut assumed = Assumed { affected, digests, recorded, good };
        let replay = Replay::default();
        for node in self.graph.nodes() {
            let (digest, recorded) = match self.graph.kind(node) {
                Kind::External => (self.verdicts.digest(node), self.verdicts.digest(node)),
                Kind::Aggregate => {
                    let recorded = Judge::new(self, &Recorded(&assumed), &replay).gathered(node);
                    (Judge::new(self, &assumed, &replay).gathered(node), recorded)
                }
                Kind::Made => self.assume(node, &mut assumed)?,
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
    ) -> Result<(Option<Digest>, Option<Digest>), StoreError> {
        let (graph, store) = (&self.graph, &self.store);
        let unknown = Ok((None, None));
        let replay = Replay::default();
        let judge = Judge::new(self, &*assumed, &replay);
        let Some(made_from) = judge.made_from(node)? else { return unknown };
        let folder = graph.folder(node, store)?;
        let key = graph.node(node).key;
        let Found::Record(record) = store.record(&folder, key)? else { return unknown };
        let fingerprint = made_from.fingerprint(graph.task(node).decl.identity());
        if !judge.changed_reads(node, &record.reads)?.is_empty() {
            return unknown;
        }
        // What is required while it runs cannot be made aside.
        let same = || judge.replay(node, &record, &mut Vec::new());
        if !record.required.is_empty()
            && (record.fingerprint != fingerprint || !matches!(same()?, Replayed::Same))
        {
            return unknown;
        }
        let seen = store.look(&folder, &store.path(&folder, RECORD), &record, self.trust)?;
        if seen.look == Look::Modified {
            return unknown;
        }
        let recorded = record.output.digest;
        if record.fingerprint == fingerprint {
            assumed.good.push((node, folder, record, seen.look == Look::Whole));
            return Ok((Some(recorded), Some(recorded)));
        }
        let of_code = is_of_code(&record.made_from, &made_from, |place| {
            Recorded(assumed).digest(graph.inputs(node)[place])
        });
        // What is kept of today's code is adopted by a run.
        if !of_code || judge.kept(node, fingerprint)?.is_some() {
            return unknown;
        }
        let affected = Affected { node, key, folder, record, made_from, fingerprint };
        let digest = affected.output().digest;
        assumed.affected.push(affected);
        Ok((Some(digest), Some(recorded)))
    }
}

/// Whether what an output was made from is what it is now, but for code, version and targets; what
/// the inputs were is asked by their place.
fn is_of_code(was: &MadeFrom, now: &MadeFrom, input: impl Fn(usize) -> Option<Digest>) -> bool {
    let files = |made_from: &MadeFrom| {
        let files = made_from.files.iter();
        files.map(|(name, file)| (name.clone(), file.digest)).collect::<Vec<_>>()
    };
    let same_inputs = || {
        let pairs = std::iter::zip(&was.inputs, &now.inputs).enumerate();
        was.inputs.len() == now.inputs.len()
            && pairs
                .into_iter()
                .all(|(place, (was, now))| was.role == now.role && Some(was.digest) == input(place))
    };
    was.parameters == now.parameters
        && files(was) == files(now)
        && was.refresh == now.refresh
        && same_inputs()
}
