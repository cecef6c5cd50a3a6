//! The verdict on one instance: whether its output is what running it now would give.
//!
//! The planner judges every instance; the engine judges those again whose inputs had to run
//! first. Both ask here. What an output is made from is put together in
//! [`made_from`](super::made_from); whether what was read besides is the same is found out in
//! [`reads`](super::reads), whether what was required while the task ran is the same, in
//! [`dynamic`](super::dynamic); what is different is told in [`explain`](super::explain).

use std::cell::RefCell;
use std::collections::HashMap;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::{Digest, Hasher};
use crate::files::Contents;
use crate::plan::dynamic::{Again, Answered, Replayed};
use crate::plan::format_1::Format1;
use crate::plan::reason::Reason;
use crate::plan::types::task_folder;
use crate::plan::{Graph, Plan};
use crate::store::fingerprint::hash_role;
use crate::store::kept::Kept;
use crate::store::output::Look;
use crate::store::record::{MadeFrom, Meta, Record};
use crate::store::trust::Trust;
use crate::store::{Folder, Found, RECORD, Store};
use crate::task::Kind;

/// Judges the instances of a graph by what a store has.
pub(crate) struct Judge<'a> {
    pub(super) plan: &'a Plan,
    pub(crate) graph: &'a Graph,
    pub(super) store: &'a Store,
    pub(super) contents: &'a Contents,
    pub(super) trust: Trust,
    pub(super) upstream: &'a dyn Upstream,
    pub(super) again: &'a dyn Again,
    /// What files that are parameters hold, if each is to be looked at once.
    pub(super) seen: Option<&'a SeenFiles>,
}

/// What files that are parameters were seen to hold, by path: instances may share a folder.
pub(crate) type SeenFiles = RefCell<HashMap<String, Option<Digest>>>;

/// What is known of the outputs that an instance requires.
pub(crate) trait Upstream {
    /// The content of an output, if it is known.
    fn digest(&self, node: NodeIndex) -> Option<Digest>;

    /// What was noted about an output that was found or made just now; of all others, their
    /// records are read.
    fn meta(&self, node: NodeIndex) -> Option<Meta>;

    /// Whether an instance that is to run although it is complete has done so.
    fn was_forced(&self, _node: NodeIndex) -> bool {
        false
    }
}

/// A verdict and what led to it.
pub(crate) struct Judged {
    pub(crate) folder: Folder,
    pub(crate) verdict: Verdict,
    pub(crate) reasons: Vec<Reason>,
    /// What was required while it ran, as far as that was found again.
    pub(crate) in_run: Vec<Answered>,
}

pub(crate) enum Verdict {
    /// The output is there.
    Complete(Box<Record>),
    /// The output was there and its file is gone; its content is known.
    Evicted(Box<Record>, MadeFrom),
    /// An output made from the same is there.
    Adopt(Kept, MadeFrom),
    /// It has to run, and will be made from this, with this fingerprint.
    Run(MadeFrom, Digest),
    /// It is not made here, and is there with this content.
    There(Digest),
    /// It is made elsewhere, and is not there.
    Missing,
    /// That depends on inputs whose content is not known yet.
    Upstream,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(plan: &'a Plan, upstream: &'a dyn Upstream, again: &'a dyn Again) -> Self {
        let Plan { graph, store, contents, trust, .. } = plan;
        Self { plan, graph, store, contents, trust: *trust, upstream, again, seen: None }
    }

    /// The same, with what was seen so far of files that are parameters.
    pub(super) fn having_seen(self, seen: &'a SeenFiles) -> Self {
        Self { seen: Some(seen), ..self }
    }

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
        let found = store.record(&folder, graph.node(node).key)?;
        let now_1 = match (&now, &found) {
            (Some((made_from, fingerprint)), Found::Record(record))
                if record.fingerprint != *fingerprint =>
            {
                self.as_format_1(node, made_from, record)
            }
            _ => Format1::Same,
        };
        let mut reasons = Vec::new();
        let mut in_run = Vec::new();
        let mut open = Vec::new();

        match (&now, found) {
            (Some((made_from, fingerprint)), Found::Record(record))
                if record.fingerprint == *fingerprint || now_1.is_of(&record) =>
            {
                reasons.extend(self.due(node, &record));
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
                                Look::Whole => {
                                    let verdict = Verdict::Complete(record);
                                    return Ok(Judged { folder, verdict, reasons, in_run });
                                }
                                Look::Gone => {
                                    reasons.push(output("is gone"));
                                    let made_from = match now_1 {
                                        Format1::Other(form, _) if record.output.is_in_memory() => {
                                            *form
                                        }
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
                let now = now.as_ref().map(|(made_from, _)| now_1.form().unwrap_or(made_from));
                self.explain(node, &folder, &found, now, &mut reasons)?;
                reasons.extend(now_1.reason().filter(|_| reasons.is_empty()));
                if let Found::Record(record) = &found {
                    reasons.extend(self.due(node, record));
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
        reasons.extend((!open.is_empty()).then_some(Reason::Upstream { tasks: open }));
        if let Verdict::Run(..) | Verdict::Upstream = verdict {
            reasons.extend(self.cannot_refresh(node));
        }
        Ok(Judged { folder, verdict, reasons, in_run })
    }

    /// A file that is made elsewhere is there, or it is not.
    fn judge_external(&self, node: NodeIndex) -> Result<Judged, StoreError> {
        let path = self.graph.external(node);
        let digest = self.contents.digest(path)?;
        let path = || path.to_string_lossy().into_owned();
        let missing = || Reason::File { path: path(), what: "is missing" };
        Ok(Judged {
            folder: Folder::new(),
            verdict: digest.map_or(Verdict::Missing, Verdict::There),
            reasons: if digest.is_some() { Vec::new() } else { vec![missing()] },
            in_run: Vec::new(),
        })
    }

    /// What an aggregate is made from is all that it is.
    fn judge_aggregate(&self, node: NodeIndex) -> Judged {
        let verdict = self.gathered(node).map_or(Verdict::Upstream, Verdict::There);
        Judged { folder: Folder::new(), verdict, reasons: Vec::new(), in_run: Vec::new() }
    }

    /// The content of an aggregate, if all that it gathers is known.
    pub(crate) fn gathered(&self, node: NodeIndex) -> Option<Digest> {
        if self.graph.kind(node) != Kind::Aggregate {
            return None;
        }
        let mut hasher = Hasher::new("aggregate");
        let roles = self.graph.roles(node, self.store);
        for (role, &input) in roles.iter().zip(self.graph.inputs(node)) {
            // What reads an output is a part of what it is to those who load it.
            let target = self.graph.task(input).target_digest;
            hash_role(&mut hasher, &role.text, role.key);
            hasher.part(self.upstream.digest(input)?).part(target);
        }
        Some(hasher.digest())
    }

    /// An output made from the same, in whichever instance's folder, of this store or of another
    /// that is read, too.
    pub(crate) fn kept(
        &self,
        node: NodeIndex,
        made_from: &MadeFrom,
        fingerprint: Digest,
    ) -> Result<Option<Kept>, StoreError> {
        self.search(node, made_from, fingerprint, &mut Vec::new(), &mut Vec::new())
    }

    /// The same; says what was required while it was made, and what has to be known before it can be
    /// told whether there is one.
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
        let Some(fingerprint) = self.fingerprint_of_format_1(node, made_from, fingerprint) else {
            return Ok(None);
        };
        self.search_for(node, fingerprint, Record::is_of_format_1, in_run, open)
    }

    /// The same, for one fingerprint and the records that are `of_form`.
    fn search_for(
        &self,
        node: NodeIndex,
        fingerprint: Digest,
        of_form: impl Fn(&Record) -> bool,
        in_run: &mut Vec<Answered>,
        open: &mut Vec<String>,
    ) -> Result<Option<Kept>, StoreError> {
        let mut holds = |record: &Record| {
            if !of_form(record) {
                return false;
            }
            let changed = || self.changed_reads(node, record);
            if self.due(node, record).is_some()
                || !changed().is_ok_and(|changed| changed.is_empty())
            {
                return false;
            }
            let mut answered = Vec::new();
            match self.replay(node, record, &mut answered) {
                Ok(Replayed::Same) => *in_run = answered,
                Ok(Replayed::Open(tasks)) => {
                    *open = tasks;
                    return false;
                }
                Ok(Replayed::Different(_)) | Err(_) => return false,
            }
            true
        };
        let entry = self.graph.task(node);
        if let Some(kept) = self.store.kept(&entry.folder, fingerprint, self.trust, &mut holds)? {
            return Ok(Some(kept));
        }
        let is_forgotten =
            !self.plan.reading.is_empty() && self.store.is_forgotten(&entry.folder, fingerprint)?;
        for other in self.plan.reading.iter().filter(|_| !is_forgotten) {
            // A name that means another task there has nothing for this one.
            let Ok(folder) = task_folder(other, entry.task, &entry.decl) else { continue };
            if let Some(kept) = other.kept(&folder, fingerprint, self.trust, &mut holds)? {
                return Ok(Some(kept.of(other)));
            }
        }
        match self.again.finder() {
            Some(finder) => finder.kept(entry.decl.identity(), fingerprint, &mut { holds }),
            None => Ok(None),
        }
    }
}
