//! Verification: comparing the content of outputs with their records.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::base::bytes::Bytes;
use crate::base::error::StoreError;
use crate::base::key::Digest;
use crate::base::signature::SignatureError;
use crate::flow::error::Error;
use crate::flow::label::Described;
use crate::flow::{Flow, FlowStore, Removed, Subgraph};
use crate::plan::label::Show;
use crate::store::kept::Kept;
use crate::store::record::Record;
use crate::store::removal::Removal;
use crate::store::verify::{Harm, Looked, Place};
use crate::store::{RECORD, Store};
use crate::task::Kind;

/// The maximal number of damaged files that are printed.
const LISTED: usize = 20;

impl<R> Subgraph<R> {
    /// Hashes every file of the outputs of the graph and compares the digests with the records.
    ///
    /// Current outputs and earlier versions are verified. A run trusts a file that has the recorded size
    /// and modification time: it detects files that are missing or were written to, but not files that decayed on
    /// the disk. This method detects those as well, and takes as long as reading all files. It changes nothing:
    /// [`Verified::reset`] removes damaged outputs, so that the next run computes them again.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[derive(Task)]
    /// #[task(target = Text)]
    /// struct Poem;
    ///
    /// #[tracked]
    /// impl Run for Poem {
    ///     fn run(&self, _cx: &Cx<Self>) -> Result<String> {
    ///         Ok("Roses are red".to_owned())
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet();
    /// flow.run::<Poem>()?;
    /// assert!(flow.graph::<Poem>().verify()?.is_whole());
    ///
    /// // Bit rot: the content changes, the size and the modification time do not.
    /// let path = flow.output::<Poem>()?.path()?;
    /// let time = std::fs::metadata(&path)?.modified()?;
    /// std::fs::write(&path, "Roses are rad")?;
    /// std::fs::File::options().append(true).open(&path)?.set_modified(time)?;
    /// assert!(flow.is_complete::<Poem>()?);
    ///
    /// let verified = flow.graph::<Poem>().verify()?;
    /// assert_eq!(verified.damage()[0].task, "Poem");
    /// verified.reset()?;
    /// assert_eq!(flow.run::<Poem>()?.ran().len(), 1);
    /// assert_eq!(*flow.load::<Poem>()?, "Roses are red");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub fn verify(&self) -> Result<Verified, Error> {
        let plan = self.plan()?;
        let graph = &plan.graph;
        let mut places = Vec::new();
        for node in graph.nodes().filter(|&node| graph.kind(node) == Kind::Made) {
            let folder = graph.folder(node, &self.flow.store)?;
            let label = graph.label(node, Show::Clipped);
            let versions = self
                .flow
                .store
                .versions_of(&graph.task(node).folder, graph.node(node).key.short())?;
            let current = self.flow.store.path(&folder, RECORD);
            places.extend(
                [current]
                    .into_iter()
                    .chain(versions)
                    .map(|path| (Place { folder: folder.clone(), path }, Some(label.clone()))),
            );
        }
        // A reused output is that of another instance, which may not be in this graph.
        let known: HashSet<_> = places.iter().map(|(place, _)| place.path.clone()).collect();
        let is_here = |kept: &Kept| kept.from.is_none() && kept.bring.is_none();
        for (node, kept) in plan.verdicts.all_kept().filter(|(_, kept)| is_here(kept)) {
            if !known.contains(&kept.place) {
                let place = Place { folder: kept.folder.clone(), path: kept.place.clone() };
                places.push((place, Some(graph.label(node, Show::Clipped))));
            }
        }
        self.flow.verify_places(places)
    }
}

impl FlowStore<'_> {
    /// Hashes every file of all outputs in the store and compares the digests with the records.
    ///
    /// [`Subgraph::verify`] does the same for the outputs of a graph. Both verify the signatures, too, if the flow
    /// [requires](Flow::require_signatures) them ([`Verified::unsigned`]), or [checks](Flow::check_signatures) them
    /// ([`Verified::wrong_signatures`]).
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn verify(&self) -> Result<Verified, Error> {
        let flow = self.flow;
        let places = flow.store.all_places()?.into_iter();
        flow.verify_places(places.map(|place| (place, None)).collect())
    }
}

impl Flow {
    fn verify_places(&self, places: Vec<(Place, Option<String>)>) -> Result<Verified, Error> {
        let next = AtomicUsize::new(0);
        let threads = self.threads().clamp(1, places.len().max(1));
        let looked = std::thread::scope(|scope| {
            let look = || {
                let mut looked = Vec::new();
                while let Some((place, _)) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
                    looked.push((place, self.store.verify(place)));
                }
                looked
            };
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(look)).collect();
            let looked = threads.into_iter().map(|thread| thread.join());
            looked.flat_map(|looked| looked.expect("verifying never panics")).collect::<Vec<_>>()
        });
        let mut verified = Verified::new(&self.store);
        let labels: HashMap<_, _> =
            places.iter().map(|(place, label)| (&place.path, label)).collect();
        let mut looked = looked
            .into_iter()
            .map(|(place, looked)| Ok((place, looked?)))
            .collect::<Result<Vec<(&Place, Looked)>, StoreError>>()?;
        // Current outputs come before earlier versions.
        looked.sort_by_key(|(place, _)| (!place.path.ends_with(RECORD), &place.path));
        for (place, looked) in looked {
            verified.add(place, labels[&place.path].as_deref(), looked);
        }
        Ok(verified)
    }
}

/// The result of [`Subgraph::verify`] and [`FlowStore::verify`].
#[must_use = "nothing is changed by verifying"]
pub struct Verified {
    store: Arc<Store>,
    outputs: usize,
    files: usize,
    bytes: u64,
    damage: Vec<Damage>,
    unsigned: Vec<UnsignedOutput>,
    /// Those with a wrong signature, if signatures are not required.
    wrong: Vec<UnsignedOutput>,
    /// The number of outputs with a signature.
    with_signature: usize,
    /// The number of outputs by the known key that has signed them.
    signed: BTreeMap<String, usize>,
    /// The files of `damage`, so that a file with two records is reported once.
    known: HashSet<PathBuf>,
    damaged: Vec<(Place, Option<Digest>, String)>,
    newer: Vec<(PathBuf, String)>,
}

/// A file of an output that does not match its record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The name of the task.
    pub task: String,
    /// The instance, such as `Train {model: Logistic}`.
    pub instance: String,
    /// Whether it belongs to an earlier version instead of the current output.
    pub is_earlier: bool,
    /// The path of the file.
    pub file: PathBuf,
    /// How it differs from its record.
    pub harm: Harm,
}

/// An output that is not signed as the flow [requires](Flow::require_signatures), or whose signature is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnsignedOutput {
    /// The name of the task.
    pub task: String,
    /// The instance, such as `Train {model: Logistic}`.
    pub instance: String,
    /// Whether it is an earlier version instead of the current output.
    pub is_earlier: bool,
    /// Why it is not accepted.
    pub reason: SignatureError,
}

impl Verified {
    fn new(store: &Arc<Store>) -> Self {
        let store = Arc::clone(store);
        let (outputs, files, bytes) = (0, 0, 0);
        let (damage, damaged, newer) = (Vec::new(), Vec::new(), Vec::new());
        let (unsigned, wrong, with_signature) = (Vec::new(), Vec::new(), 0);
        let (signed, known) = (BTreeMap::new(), HashSet::new());
        Self {
            store,
            outputs,
            files,
            bytes,
            damage,
            unsigned,
            wrong,
            with_signature,
            signed,
            known,
            damaged,
            newer,
        }
    }

    fn add(&mut self, place: &Place, label: Option<&str>, looked: Looked) {
        self.outputs += usize::from(looked.record.is_some());
        self.files += looked.files;
        self.bytes += looked.bytes;
        self.newer.extend(looked.newer.map(|why| (place.path.clone(), why)));
        let mut refused = |signature: Option<Result<String, SignatureError>>| match signature {
            Some(Err(reason)) => Some(reason),
            Some(Ok(key)) => {
                *self.signed.entry(key).or_default() += 1;
                None
            }
            None => None,
        };
        let (unsigned, wrong) = (refused(looked.signature), refused(looked.checked));
        let record = looked.record.as_deref();
        self.with_signature += usize::from(record.is_some_and(|record| record.signature.is_some()));
        if looked.harms.is_empty() && unsigned.is_none() && wrong.is_none() {
            return;
        }
        let unnamed = || place.folder.display().to_string();
        let instance = label.map(str::to_owned);
        let labeled = |record: &Record| {
            let Record { task, key, parameters, .. } = record;
            Described { task, key: *key, parameters, folder: &place.folder }.label()
        };
        let instance = instance.or_else(|| record.map(labeled)).unwrap_or_else(unnamed);
        let folder = || place.folder.parent().map(|path| path.display().to_string());
        let task = record.map(|record| record.task.clone()).or_else(folder).unwrap_or_default();
        let is_earlier = !place.path.ends_with(RECORD);
        let not_right = |reason| {
            let (task, instance) = (task.clone(), instance.clone());
            UnsignedOutput { task, instance, is_earlier, reason }
        };
        self.unsigned.extend(unsigned.map(not_right));
        self.wrong.extend(wrong.map(not_right));
        if looked.harms.is_empty() {
            return;
        }
        // An earlier version may share files with the current output, which have been reported then. It is
        // reset as well.
        let harms = looked.harms.into_iter().filter(|(file, _)| self.known.insert(file.clone()));
        self.damage.extend(harms.map(|(file, harm)| {
            let (task, instance) = (task.clone(), instance.clone());
            Damage { task, instance, is_earlier, file, harm }
        }));
        let Place { folder, path } = place;
        let place = Place { folder: folder.clone(), path: path.clone() };
        self.damaged.push((place, record.map(|record| record.fingerprint), instance));
    }

    /// Returns whether every file matches its record.
    pub fn is_whole(&self) -> bool {
        self.damage.is_empty()
    }

    /// Returns the files that do not match their records.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// Returns the outputs that are not signed as the flow [requires](Flow::require_signatures); none if it requires no
    /// signatures.
    ///
    /// A run computes them again. [`reset`](Self::reset) leaves them: another flow may accept them.
    pub fn unsigned(&self) -> &[UnsignedOutput] {
        &self.unsigned
    }

    /// Returns the outputs whose records have a wrong signature, if the flow requires no signatures, and
    /// [checks](Flow::check_signatures) them.
    ///
    /// They count as complete: their records were changed after they were signed, and nothing requires that they are not.
    pub fn wrong_signatures(&self) -> &[UnsignedOutput] {
        &self.wrong
    }

    /// Returns the number of verified outputs, earlier versions included.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Removes the damaged outputs, so that the next run computes them again.
    ///
    /// The run does not reuse another output with the same fingerprint, because that may be a hard link to
    /// the same damaged file. Outputs that were replaced since the verification are not removed.
    ///
    /// # Errors
    ///
    /// A file cannot be removed.
    pub fn reset(&self) -> Result<Removed, Error> {
        let mut removed = Removed::default();
        let mut removal = Removal::new(&self.store);
        for (place, fingerprint, instance) in &self.damaged {
            if self.store.reset_damaged(place, *fingerprint, &mut removal)? {
                removed.instances.push(instance.clone());
            }
        }
        removed.files = removal.finish()?;
        removed.instances.dedup();
        Ok(removed)
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("is missing"),
            Self::Modified => f.write_str("has other content than recorded"),
            Self::Extra => f.write_str("was not written by the task"),
            Self::Unreadable(why) => write!(f, "cannot be read: {why}"),
            Self::Record(why) => write!(f, "cannot be used: {why}"),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let earlier = if self.is_earlier { ", an earlier version" } else { "" };
        write!(f, "{}{earlier}: {} {}", self.instance, self.file.display(), self.harm)
    }
}

impl fmt::Display for UnsignedOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let earlier = if self.is_earlier { ", an earlier version" } else { "" };
        write!(f, "{}{earlier}: {}", self.instance, self.reason)
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes a line for each of the first outputs, and one that counts the others.
fn list(f: &mut String, outputs: &[UnsignedOutput]) -> fmt::Result {
    outputs.iter().take(LISTED).try_for_each(|output| write!(f, "\n  {output}"))?;
    match outputs.len().checked_sub(LISTED) {
        Some(more @ 1..) => write!(f, "\n  … and {more} more"),
        _ => Ok(()),
    }
}

impl Verified {
    /// Returns the report. `reset` is how a person calls [`reset`](Self::reset); without it, the report does not advise that.
    #[doc(hidden)]
    pub fn report(&self, reset: Option<&str>) -> String {
        let mut text = String::new();
        self.write_report(&mut text, reset).expect("a string takes any text");
        text
    }

    fn write_report(&self, f: &mut String, reset: Option<&str>) -> fmt::Result {
        let outputs = if self.outputs == 1 { "output" } else { "outputs" };
        write!(f, "{} {outputs} verified, {}: ", self.outputs, Bytes(self.bytes))?;
        match self.damage.len() {
            0 => f.push_str("every file matches its record"),
            n => {
                let differ = match n {
                    1 => "file does not match its record",
                    _ => "files do not match their records",
                };
                write!(f, "{n} {differ}")?;
                let listed = self.damage.iter().take(LISTED);
                listed.into_iter().try_for_each(|damage| write!(f, "\n  {damage}"))?;
                if let Some(more @ 1..) = n.checked_sub(LISTED) {
                    write!(f, "\n  … and {more} more")?;
                }
                let [outputs, it] = match self.damaged.len() {
                    1 => ["output", "it"],
                    _ => ["outputs", "them"],
                };
                if let Some(reset) = reset {
                    write!(
                        f,
                        "\nremove the damaged {outputs} with {reset}; the next run computes {it} again"
                    )?;
                }
            }
        }
        for (key, outputs) in &self.signed {
            let s = if *outputs == 1 { " is" } else { "s are" };
            write!(f, "\n{outputs} output{s} signed by {}", key.escape_debug())?;
        }
        if !self.unsigned.is_empty() {
            let n = self.unsigned.len();
            let [are, them] = if n == 1 { [" is", "it"] } else { ["s are", "them"] };
            write!(
                f,
                "\n{n} output{are} not accepted; the next run computes {them} again if it needs {them}:"
            )?;
            list(f, &self.unsigned)?;
        }
        if !self.wrong.is_empty() {
            let n = self.wrong.len();
            let s = if n == 1 { " has a wrong signature" } else { "s have wrong signatures" };
            write!(f, "\nwarning: {n} output{s}:")?;
            list(f, &self.wrong)?;
        }
        let signatures = self.store.signatures();
        if !signatures.are_required() && (self.with_signature > 0 || signatures.can_sign()) {
            f.push_str(
                "\nsignatures are not required, so that an output counts also with none or a wrong one: `trusted_keys` in \
                 flow.toml, or `flow.require_signatures` in a program, requires them",
            );
        }
        let mut newer = self.newer.iter();
        newer.try_for_each(|(path, why)| write!(f, "\nnot verified: {}: {why}", path.display()))
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report(Some("`reset()`")))
    }
}
