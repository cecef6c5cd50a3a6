//! Compares the columns that a task has read of its inputs with those that the inputs have now.
//!
//! The fingerprint of an output has the digest of the whole content of each input, so that it is known before the task
//! runs. A record also says of which inputs the task has read single columns ([`ReadColumns`]). If such an input has other
//! content now, and the columns that were read are as they were, then running the task again would read the same. So the
//! record stands: its fingerprint equals that of today's parts with the *recorded* content of such inputs.
//!
//! Of a dataset, single [`partitions`](super::partitions) are read in the same way.
//!
//! The digests of today's columns are in the record of the input's output. Those of an external file are computed, and
//! cached. Where one is unknown, the whole content counts.

use std::rc::Rc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::plan::claim::task_folder;
use crate::plan::dynamic::Answered;
use crate::plan::judge::Judge;
use crate::plan::partitions::are_partitions;
use crate::store::kept::Kept;
use crate::store::output::{Look, Output};
use crate::store::read_columns::ReadColumns;
use crate::store::record::{MadeFrom, Record};
use crate::store::{Found, RECORD};
use crate::target::{ColumnDigests, Source};
use crate::task::Kind;

/// The result of comparing the columns that were read of one input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// Columns were read, and all of them are as they were.
    Same,
    /// These columns have another digest now, or do not exist.
    Changed(Vec<String>),
    /// The whole content was read, or a digest is not known; or the table has another number of rows, or other columns
    /// than those that were read, which a query may have seen.
    Unknown,
}

impl Judge<'_> {
    /// Returns the parts of a record's fingerprint, if it differs from `now` only in inputs whose columns that were read
    /// are as they were.
    pub(super) fn by_columns(
        &self,
        node: NodeIndex,
        now: &MadeFrom,
        record: &Record,
    ) -> Result<Option<MadeFrom>, StoreError> {
        let was = &record.made_from.inputs;
        if record.columns.is_empty()
            || record.is_of_format_1()
            || was.len() != now.inputs.len()
            || was.iter().zip(&now.inputs).all(|(was, now)| was.digest == now.digest)
        {
            return Ok(None);
        }
        // The order in which columns are compared does not matter, so what costs nothing comes first.
        let mut form = now.clone();
        let mut other = Vec::new();
        for (place, (input, was)) in form.inputs.iter_mut().zip(was).enumerate() {
            if input.digest != was.digest {
                input.digest = was.digest;
                other.push(place);
            }
        }
        if form.fingerprint(self.graph.task(node).decl.identity()) != record.fingerprint {
            return Ok(None);
        }
        for place in other {
            if self.compare_columns(node, record, place)? != Compared::Same {
                return Ok(None);
            }
        }
        Ok(Some(form))
    }

    /// Compares the columns that a recorded task has read of the input with this position.
    pub(super) fn compare_columns(
        &self,
        node: NodeIndex,
        record: &Record,
        place: usize,
    ) -> Result<Compared, StoreError> {
        let Some(&input) = self.graph.inputs(node).get(place) else {
            return Ok(Compared::Unknown);
        };
        let read = record.columns.iter().filter(|columns| columns.is_of_input(place));
        self.compare_read(input, read)
    }

    /// Compares the columns that a recorded task has read of the instance that it required as this number, from 1.
    ///
    /// `answered` has the instance among its roots, at `root`.
    pub(super) fn compare_required_columns(
        &self,
        record: &Record,
        number: usize,
        answered: &Answered,
        root: NodeIndex,
    ) -> Result<Compared, StoreError> {
        let read = record.columns.iter().filter(|columns| columns.is_of_required(number));
        let upstream = answered.upstream();
        Judge::new(&answered.plan, upstream, self.again).compare_read(root, read)
    }

    /// Compares columns that were read of an instance with those that its output has now.
    fn compare_read<'r>(
        &self,
        input: NodeIndex,
        read: impl Iterator<Item = &'r ReadColumns>,
    ) -> Result<Compared, StoreError> {
        let mut compared = Compared::Unknown;
        let (mut changed, mut has_other_shape) = (Vec::new(), false);
        for columns in read {
            let Some(now) = self.columns_now(input, columns)? else {
                return Ok(Compared::Unknown);
            };
            changed.extend(columns.changed(&now));
            has_other_shape |= columns.has_other_shape(&now);
            compared = Compared::Same;
        }
        Ok(match changed.is_empty() {
            false => Compared::Changed(changed),
            true if has_other_shape => Compared::Unknown,
            true => compared,
        })
    }

    /// Returns the digests that these columns of an instance's output have now, as far as they exist. `None` if the output has no
    /// digests of columns.
    fn columns_now(
        &self,
        input: NodeIndex,
        read: &ReadColumns,
    ) -> Result<Option<ColumnDigests>, StoreError> {
        if are_partitions(read) {
            return self.partitions_now(input, read);
        }
        match self.graph.kind(input) {
            Kind::Aggregate => Ok(None),
            Kind::External => Ok(external_columns(self, input, read)),
            Kind::Made => {
                let output = self.output_now(input)?;
                let file = output.as_ref().and_then(|output| output.file(&read.part));
                let Some(file) = file.filter(|file| !file.columns.is_empty()) else {
                    return Ok(None);
                };
                let digest = |name| Some((name, file.columns.get(name)?));
                let now: ColumnDigests = read.names().into_iter().filter_map(digest).collect();
                // A query has also read the shape.
                Ok(Some(match file.columns.shape() {
                    Some(shape) => now.with_shape(shape),
                    None => now,
                }))
            }
        }
    }

    /// Returns the output that an instance has now. While a plan is judged, it is read once for all its readers.
    pub(super) fn output_now(&self, input: NodeIndex) -> Result<Option<Rc<Output>>, StoreError> {
        let is_now = |output: &Rc<Output>| self.upstream.digest(input) == Some(output.digest);
        let known = self.seen.and_then(|seen| seen.outputs.borrow().get(&input).cloned());
        if let Some(output) = known {
            return Ok(output.filter(is_now));
        }
        let output = match self.upstream.output(input) {
            Some(output) => Some(output),
            None => self.record(input)?.map(|record| record.output),
        };
        let output = output.map(Rc::new);
        if let Some(seen) = self.seen {
            seen.outputs.borrow_mut().insert(input, output.clone());
        }
        // Another process may have replaced the record.
        Ok(output.filter(is_now))
    }

    /// Returns the output of the same instance in another store or a remote of the plan, if it was computed from inputs whose
    /// columns that were read are as they are now.
    ///
    /// `is_valid` compares everything that is not part of the fingerprint. The reused output gets today's fingerprint. So
    /// outputs that are bound to the one they were computed with are left out: the digest of a value in memory follows
    /// from it, and a place outside of the store names it.
    pub(super) fn kept_by_columns(
        &self,
        node: NodeIndex,
        now: &MadeFrom,
        is_valid: &mut dyn FnMut(&Record) -> bool,
    ) -> Result<Option<Kept>, StoreError> {
        let (entry, key) = (self.graph.task(node), self.graph.node(node).key);
        if entry.outside.is_some() {
            return Ok(None);
        }
        for other in &self.plan.reading {
            let Ok(task) = task_folder(other, entry.task, &entry.decl) else { continue };
            let Some(folder) = other.listed(&task, key.short())? else { continue };
            let record = match other.record(&folder, key) {
                Ok(Found::Record(record)) => record,
                Ok(Found::Nothing | Found::Damaged(_)) | Err(StoreError::Newer { .. }) => continue,
                Err(error) => return Err(error),
            };
            if !self.stands_by_columns(node, now, &record, is_valid)? {
                continue;
            }
            let place = other.path(&folder, RECORD);
            if other.look(&folder, &place, &record, self.trust)?.look == Look::Whole {
                let kept = Kept { folder, place, record, from: None, remote: None, bring: None };
                return Ok(Some(kept.of(other)));
            }
        }
        self.kept_in_remotes(node, now, is_valid)
    }

    /// Returns what [`kept_by_columns`](Self::kept_by_columns) does, of the remotes alone.
    pub(super) fn kept_in_remotes(
        &self,
        node: NodeIndex,
        now: &MadeFrom,
        is_valid: &mut dyn FnMut(&Record) -> bool,
    ) -> Result<Option<Kept>, StoreError> {
        let (entry, key) = (self.graph.task(node), self.graph.node(node).key);
        if entry.outside.is_some() {
            return Ok(None);
        }
        let mut failed = None;
        let mut stands = |record: &Record| {
            self.stands_by_columns(node, now, record, is_valid).unwrap_or_else(|error| {
                failed.get_or_insert(error);
                false
            })
        };
        let identity = entry.decl.identity();
        for remote in &self.plan.remotes {
            if let Some(kept) = remote.of_instance(identity, key, &mut stands)? {
                return Ok(Some(kept));
            }
        }
        let found = match self.again.finder() {
            Some(finder) => finder.of_instance(identity, key, &mut stands)?,
            None => None,
        };
        match (found, failed) {
            (None, Some(error)) => Err(error),
            (found, _) => Ok(found),
        }
    }

    /// Returns whether an output of another store or remote was computed from columns that are as they are now, and may be
    /// reused.
    fn stands_by_columns(
        &self,
        node: NodeIndex,
        now: &MadeFrom,
        record: &Record,
        is_valid: &mut dyn FnMut(&Record) -> bool,
    ) -> Result<bool, StoreError> {
        Ok(!record.output.is_in_memory()
            && self.by_columns(node, now, record)?.is_some()
            // A reset in this store holds for the outputs of all stores.
            && !self.store.is_forgotten(&self.graph.task(node).folder, record.fingerprint)?
            && is_valid(record))
    }
}

/// Returns the digests of columns of an external file. `None` if they cannot be computed: then the whole file counts.
fn external_columns(
    judge: &Judge<'_>,
    node: NodeIndex,
    read: &ReadColumns,
) -> Option<ColumnDigests> {
    let (names, with_shape) = (read.names(), read.columns.shape().is_some());
    let (path, entry) = (judge.graph.external(node), judge.graph.task(node));
    let source = Source::new(judge.store.unconfined(), path.to_owned(), false);
    let digests = &mut |names: &[&str]| (entry.task.column_digests)(&source, names);
    judge.contents.columns(path, entry.target_digest, &names, with_shape, digests).ok()
}
