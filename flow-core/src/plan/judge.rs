//! The verdict on one instance: whether its output is what running it now would produce.
//!
//! The planner judges every instance. The engine judges those again whose inputs had to run first. Both use
//! [`Judge`]. The parts of the fingerprint come from [`made_from`](super::made_from). Other reads are
//! compared in [`reads`](super::reads), dynamic dependencies in [`dynamic`](super::dynamic). Differences are
//! turned into reasons in [`explain`](super::explain).
//!
//! An instance is complete if its record has today's fingerprint, its reads and dynamic dependencies are
//! unchanged, and its files are as recorded. Otherwise the judge searches for an output with that
//! fingerprint: in the store, then in the other stores of the plan, then with the
//! [`Finder`](super::dynamic::Finder). An output is reused by fingerprint, and so only if code, parameters and data are
//! equal; or, from another place, because the [columns](super::columns) that were read are equal.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::rc::Rc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::{Digest, Hasher};
use crate::base::signature::SignatureError;
use crate::files::{Contents, Named};
use crate::plan::claim::task_folder;
use crate::plan::dynamic::{Again, Answered, Replayed};
use crate::plan::format_1::Format1;
use crate::plan::reason::Reason;
use crate::plan::{Graph, Plan};
use crate::store::fingerprint::hash_role;
use crate::store::kept::Kept;
use crate::store::output::{Look, Output};
use crate::store::record::{MadeFrom, Meta, Record};
use crate::store::record_cache::RecordCache;
use crate::store::trust::Trust;
use crate::store::{Folder, Found, RECORD, Store};
use crate::task::Kind;

/// Judges the instances of a graph by the content of a store.
pub(crate) struct Judge<'a> {
    pub(super) plan: &'a Plan,
    pub(crate) graph: &'a Graph,
    pub(super) store: &'a Store,
    pub(super) contents: &'a Contents,
    pub(super) trust: Trust,
    pub(super) upstream: &'a dyn Upstream,
    pub(super) again: &'a dyn Again,
    /// What was read before, if it is read once.
    pub(super) seen: Option<&'a Seen>,
    /// The cache of records, if it is used.
    pub(super) records: Option<&'a RecordCache>,
    /// Why outputs that could be reused are not accepted, as far as they were searched.
    pub(super) refused: RefCell<Vec<SignatureError>>,
}

/// What was read while one plan is judged, and is read once.
#[derive(Default)]
pub(crate) struct Seen {
    /// The digests of parameters that are files, by path: instances may share a folder.
    pub(super) files: RefCell<HashMap<String, Option<Digest>>>,
    /// The content of external tasks, by path: a dataset may be read by tasks of several types.
    pub(super) externals: RefCell<BTreeMap<(PathBuf, Named), Option<Digest>>>,
    /// The outputs of instances of which others have read single columns: a table may have many readers.
    pub(super) outputs: RefCell<HashMap<NodeIndex, Option<Rc<Output>>>>,
}

/// Information about the outputs that an instance requires.
pub(crate) trait Upstream {
    /// Returns the digest of an output, if it is known.
    fn digest(&self, node: NodeIndex) -> Option<Digest>;

    /// Returns the metadata of an output that was found or computed just now.
    ///
    /// If it returns `None`, the metadata is read from the record.
    fn meta(&self, node: NodeIndex) -> Option<Meta>;

    /// Returns an output that was found or computed just now.
    ///
    /// If it returns `None`, the output is read from the record.
    fn output(&self, _node: NodeIndex) -> Option<Output> {
        None
    }

    /// Returns whether a forced instance has run.
    fn was_forced(&self, _node: NodeIndex) -> bool {
        false
    }
}

/// A verdict, and the reasons for it.
pub(crate) struct Judged {
    pub(crate) folder: Folder,
    pub(crate) verdict: Verdict,
    pub(crate) reasons: Vec<Reason>,
    /// The dynamic dependencies, as far as they were required again.
    pub(crate) in_run: Vec<Answered>,
}

/// Whether the output of an instance is what running it now would produce.
pub(crate) enum Verdict {
    /// The output exists and is up to date.
    Complete(Box<Record>),
    /// The output was up to date, but its file is gone. Its content is known.
    Evicted(Box<Record>, MadeFrom),
    /// An output with the same fingerprint exists in another place.
    Adopt(Kept, MadeFrom),
    /// The instance has to run, and its output will have these parts and this fingerprint.
    Run(MadeFrom, Digest),
    /// An external or aggregate task with this content.
    There(Digest),
    /// An external file that does not exist.
    Missing,
    /// The verdict depends on instances that have to run first.
    Upstream,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(plan: &'a Plan, upstream: &'a dyn Upstream, again: &'a dyn Again) -> Self {
        let Plan { graph, store, contents, trust, .. } = plan;
        let (trust, seen, records, refused) = (*trust, None, None, RefCell::default());
        Self { plan, graph, store, contents, trust, upstream, again, seen, records, refused }
    }

    /// Returns whether the signature of an output that could be reused is accepted. If it is not, the reason is noted.
    pub(super) fn accepts(&self, record: &Record) -> bool {
        match self.store.verify_signature(record) {
            Ok(_) => true,
            Err(error) => {
                self.refused.borrow_mut().push(error);
                false
            }
        }
    }

    /// Returns this judge with a cache of what was read before.
    pub(super) fn having_seen(self, seen: &'a Seen) -> Self {
        Self { seen: Some(seen), ..self }
    }

    /// Returns the verdict on an instance whose inputs have been judged.
    pub(crate) fn judge(&self, node: NodeIndex) -> Result<Judged, StoreError> {
        let (graph, store) = (self.graph, self.store);
        match graph.kind(node) {
            Kind::External => return self.judge_external(node),
            Kind::Aggregate => return Ok(self.judge_aggregate(node)),
            Kind::Made => {}
        }
        let folder = graph.folder(node, store)?;
        let now = self.made_from(node)?.map(|made_from| {
            let fingerprint = made_from.fingerprint(graph.task(node).decl.identity());
            (made_from, fingerprint)
        });
        if graph.is_forced(node) && !self.upstream.was_forced(node) {
            let verdict = now.map_or(Verdict::Upstream, |(from, print)| Verdict::Run(from, print));
            let reasons = [Reason::Forced].into_iter().chain(self.cannot_refresh(node)).collect();
            let in_run = Vec::new();
            return Ok(Judged { folder, verdict, reasons, in_run });
        }
        let (found, stamp) = self.read_record(node, &folder)?;
        let format_1 = match (&now, &found) {
            (Some((made_from, fingerprint)), Found::Record(record))
                if record.fingerprint != *fingerprint =>
            {
                self.as_format_1(node, made_from, record)
            }
            _ => Format1::Same,
        };
        let by_columns = match (&now, &found) {
            (Some((made_from, fingerprint)), Found::Record(record))
                if record.fingerprint != *fingerprint =>
            {
                self.by_columns(node, made_from, record)?
            }
            _ => None,
        };
        let mut reasons = Vec::new();
        let mut in_run = Vec::new();
        let mut open = Vec::new();

        match (&now, found) {
            (Some((made_from, fingerprint)), Found::Record(record))
                if record.fingerprint == *fingerprint
                    || format_1.is_of(&record)
                    || by_columns.is_some() =>
            {
                reasons.extend(self.due(node, record.started));
                if reasons.is_empty() {
                    reasons = self.changed_reads(node, &record)?;
                }
                if reasons.is_empty() {
                    match self.replay(node, &record, &mut in_run)? {
                        Replayed::Same => {
                            let place = store.path(&folder, RECORD);
                            let seen = store.look(&folder, &place, &record, self.trust)?;
                            let output = |what| Reason::Output { file: seen.what, what };
                            match seen.look {
                                Look::Whole => match self.changed_content(node, &record) {
                                    Some(reason) => reasons.push(reason),
                                    None => {
                                        if seen.output == record.output {
                                            self.cache_record(node, stamp, &record);
                                        }
                                        let verdict = Verdict::Complete(record);
                                        return Ok(Judged { folder, verdict, reasons, in_run });
                                    }
                                },
                                Look::Gone => {
                                    reasons.push(output("is gone"));
                                    // The digest of a value in memory follows from the recorded parts.
                                    let made_from = match (format_1, by_columns) {
                                        (Format1::Other(form, _), _)
                                            if record.output.is_in_memory() =>
                                        {
                                            *form
                                        }
                                        (_, Some(form)) if record.output.is_in_memory() => form,
                                        _ => made_from.clone(),
                                    };
                                    let verdict = Verdict::Evicted(record, made_from);
                                    return Ok(Judged { folder, verdict, reasons, in_run });
                                }
                                Look::Modified => reasons.push(output("was modified")),
                            }
                        }
                        Replayed::Different(reason) => reasons.push(reason),
                        Replayed::Open(tasks) => open = tasks,
                    }
                }
            }
            (now, found) => {
                let now = now.as_ref().map(|(made_from, _)| format_1.form().unwrap_or(made_from));
                self.explain(node, &folder, &found, now, &mut reasons)?;
                reasons.extend(format_1.reason().filter(|_| reasons.is_empty()));
                if let Found::Record(record) = &found {
                    reasons.extend(self.due(node, record.started));
                }
            }
        }

        let verdict = match now {
            None => Verdict::Upstream,
            Some(_) if !open.is_empty() => Verdict::Upstream,
            Some((made_from, fingerprint)) => {
                match self.search(node, &made_from, fingerprint, &mut in_run, &mut open)? {
                    Some(kept) => Verdict::Adopt(kept, made_from),
                    None if !open.is_empty() => Verdict::Upstream,
                    None => Verdict::Run(made_from, fingerprint),
                }
            }
        };
        let refused = self.refused.take();
        if let Verdict::Run(..) = verdict {
            add_refused(refused, &mut reasons);
        }
        reasons.extend((!open.is_empty()).then_some(Reason::Upstream { tasks: open }));
        if let Verdict::Run(..) | Verdict::Upstream = verdict {
            reasons.extend(self.cannot_refresh(node));
        }
        Ok(Judged { folder, verdict, reasons, in_run })
    }

    /// Judges an external task: its file exists, or it does not.
    fn judge_external(&self, node: NodeIndex) -> Result<Judged, StoreError> {
        let path = self.graph.external(node);
        let digest = self.external_content(node)?;
        let path = || path.to_string_lossy().into_owned();
        let missing = || Reason::File { path: path(), what: "is missing" };
        Ok(Judged {
            folder: Folder::new(),
            verdict: digest.map_or(Verdict::Missing, Verdict::There),
            reasons: if digest.is_some() { Vec::new() } else { vec![missing()] },
            in_run: Vec::new(),
        })
    }

    /// Returns the digest of the files of an external task. Tasks of one path share a look at the files.
    fn external_content(&self, node: NodeIndex) -> Result<Option<Digest>, StoreError> {
        let (path, task) = (self.graph.external(node), &self.graph.task(node).task);
        let files = (path.to_owned(), task.named());
        if let Some(known) = self.seen.and_then(|seen| seen.externals.borrow().get(&files).copied())
        {
            return Ok(known);
        }
        let content = match task.is_folder {
            true => self.store.list_external(self.contents, path)?,
            false => self.contents.content(path, task.named())?,
        };
        if let Some(seen) = self.seen {
            seen.externals.borrow_mut().insert(files, content);
        }
        Ok(content)
    }

    /// Judges an aggregate, whose content is that of its inputs.
    fn judge_aggregate(&self, node: NodeIndex) -> Judged {
        let verdict = self.gathered(node).map_or(Verdict::Upstream, Verdict::There);
        Judged { folder: Folder::new(), verdict, reasons: Vec::new(), in_run: Vec::new() }
    }

    /// Returns the digest of an aggregate's content, if that of all its inputs is known.
    pub(crate) fn gathered(&self, node: NodeIndex) -> Option<Digest> {
        if self.graph.kind(node) != Kind::Aggregate {
            return None;
        }
        let mut hasher = Hasher::new("aggregate");
        let roles = self.graph.roles(node, self.store);
        for (role, &input) in roles.iter().zip(self.graph.inputs(node)) {
            // The target is included, because it determines the value that is loaded.
            let target = self.graph.task(input).target_digest;
            hash_role(&mut hasher, &role.text, role.key);
            hasher.part(self.upstream.digest(input)?).part(target);
        }
        Some(hasher.digest())
    }

    /// Returns an output with this fingerprint from any instance's folder, in any store of the plan.
    pub(crate) fn kept(
        &self,
        node: NodeIndex,
        made_from: &MadeFrom,
        fingerprint: Digest,
    ) -> Result<Option<Kept>, StoreError> {
        self.search(node, made_from, fingerprint, &mut Vec::new(), &mut Vec::new())
    }

    /// Searches for an output with this fingerprint, or with that of format 1.
    ///
    /// Sets `in_run` to the dynamic dependencies of the output found, and `open` to the tasks that have to
    /// run before the dynamic dependencies of a candidate can be compared.
    fn search(
        &self,
        node: NodeIndex,
        made_from: &MadeFrom,
        fingerprint: Digest,
        in_run: &mut Vec<Answered>,
        open: &mut Vec<String>,
    ) -> Result<Option<Kept>, StoreError> {
        if let Some(kept) = self.search_for(node, fingerprint, |_| true, in_run, open)? {
            return Ok(Some(kept));
        }
        if let Some(of_format_1) = self.fingerprint_of_format_1(node, made_from, fingerprint)
            && let Some(kept) =
                self.search_for(node, of_format_1, Record::is_of_format_1, in_run, open)?
        {
            return Ok(Some(kept));
        }
        let is_alone = self.plan.reading.is_empty() && self.plan.remotes.is_empty();
        if is_alone && self.again.finder().is_none()
            || !open.is_empty()
            || self.store.is_forgotten(&self.graph.task(node).folder, fingerprint)?
        {
            return Ok(None);
        }
        let mut is_valid = |record: &Record| {
            self.accepts(record) && self.validity(node, record, in_run, open).unwrap_or(false)
        };
        self.kept_by_columns(node, made_from, &mut is_valid)
    }

    /// Returns an output of a remote that is up to date by the columns that were read, under any fingerprint.
    pub(crate) fn kept_remotely(
        &self,
        node: NodeIndex,
        made_from: &MadeFrom,
    ) -> Result<Option<Kept>, StoreError> {
        let (mut in_run, mut open) = (Vec::new(), Vec::new());
        let mut is_valid =
            |record: &Record| self.validity(node, record, &mut in_run, &mut open).unwrap_or(false);
        self.kept_in_remotes(node, made_from, &mut is_valid)
    }

    /// Returns whether everything that a record lists besides its fingerprint is as it was.
    ///
    /// Sets `in_run` to the dynamic dependencies of the output, and `open` to the tasks that have to run before they can
    /// be compared.
    ///
    /// # Errors
    ///
    /// The instances that the task required cannot be judged.
    fn validity(
        &self,
        node: NodeIndex,
        record: &Record,
        in_run: &mut Vec<Answered>,
        open: &mut Vec<String>,
    ) -> Result<bool, StoreError> {
        if self.due(node, record.started).is_some()
            || !self.changed_reads(node, record).is_ok_and(|changed| changed.is_empty())
            || self.changed_content(node, record).is_some()
        {
            return Ok(false);
        }
        let mut answered = Vec::new();
        Ok(match self.replay(node, record, &mut answered)? {
            Replayed::Same => {
                *in_run = answered;
                true
            }
            Replayed::Open(tasks) => {
                *open = tasks;
                false
            }
            Replayed::Different(_) => false,
        })
    }

    /// Searches for an output with one fingerprint, among the records for which `has_format` is true.
    fn search_for(
        &self,
        node: NodeIndex,
        fingerprint: Digest,
        has_format: impl Fn(&Record) -> bool,
        in_run: &mut Vec<Answered>,
        open: &mut Vec<String>,
    ) -> Result<Option<Kept>, StoreError> {
        let mut failed = None;
        let mut holds = |record: &Record| {
            has_format(record)
                && self.accepts(record)
                && self.validity(node, record, in_run, open).unwrap_or_else(|error| {
                    failed.get_or_insert(error);
                    false
                })
        };
        let entry = self.graph.task(node);
        if let Some(kept) = self.store.kept(&entry.folder, fingerprint, self.trust, &mut holds)? {
            return Ok(Some(kept));
        }
        // A reset forgets the fingerprint: nothing is reused for it, from any store, until a task has run.
        let is_alone = self.plan.reading.is_empty() && self.plan.remotes.is_empty();
        let is_forgotten = !is_alone && self.store.is_forgotten(&entry.folder, fingerprint)?;
        for other in self.plan.reading.iter().filter(|_| !is_forgotten) {
            // A store in which another task has this name has no output for this one.
            let Ok(folder) = task_folder(other, entry.task, &entry.decl) else { continue };
            if let Some(kept) = other.kept(&folder, fingerprint, self.trust, &mut holds)? {
                return Ok(Some(kept.of(other)));
            }
        }
        for remote in self.plan.remotes.iter().filter(|_| !is_forgotten) {
            if let Some(kept) = remote.kept(entry.decl.identity(), fingerprint, &mut holds)? {
                return Ok(Some(kept));
            }
        }
        let Some(finder) = self.again.finder() else { return Ok(None) };
        let kept = finder.kept(entry.decl.identity(), fingerprint, &mut holds)?;
        // Where only an own output is searched, the task runs if one cannot be judged. A pull would leave it out.
        match (kept, failed) {
            (None, Some(error)) => Err(error),
            (kept, _) => Ok(kept),
        }
    }
}

/// Adds why outputs that could be reused are not accepted, each reason once.
fn add_refused(refused: Vec<SignatureError>, reasons: &mut Vec<Reason>) {
    for why in refused {
        // The record of the instance itself is among those that could be reused.
        let own = Reason::NotAccepted { why: why.clone() };
        let reason = Reason::Signature { why };
        if !reasons.contains(&own) && !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
}
