//! The verdict on one instance: whether its output is what running it now would give.
//!
//! The planner judges every instance; the engine judges those again whose inputs had to run
//! first. Both ask here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::key::{Digest, Hasher};
use crate::plan::label::Show;
use crate::plan::reason::Reason;
use crate::plan::resolve::{digest_value, param_value};
use crate::plan::types::task_folder;
use crate::plan::{Graph, Plan};
use crate::store::error::StoreError;
use crate::store::kept::Kept;
use crate::store::output::Look;
use crate::store::record::{FileContent, InputContent, MadeFrom, Meta, Read, Record};
use crate::store::{Folder, Found, RECORD, Store};
use crate::task::Kind;
use crate::value::Value;

/// How many inputs, or other things that were read, the reasons name.
const LISTED: usize = 5;

/// Judges the instances of a graph by what a store has.
pub(crate) struct Judge<'a> {
    graph: &'a Graph,
    store: &'a Store,
    reading: &'a [Arc<Store>],
    upstream: &'a dyn Upstream,
}

/// What is known of the outputs that an instance requires.
pub(crate) trait Upstream {
    /// The content of an output, if it is known.
    fn digest(&self, node: NodeIndex) -> Option<Digest>;

    /// What was noted about an output that was found or made just now; of all others, their
    /// records are read.
    fn meta(&self, node: NodeIndex) -> Option<Meta>;
}

/// A verdict and what led to it.
pub(crate) struct Judged {
    pub(crate) folder: Folder,
    pub(crate) verdict: Verdict,
    pub(crate) reasons: Vec<Reason>,
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
    pub(crate) fn new(plan: &'a Plan, upstream: &'a dyn Upstream) -> Self {
        Self { graph: &plan.graph, store: &plan.store, reading: &plan.reading, upstream }
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
        if graph.is_forced(node) {
            let verdict = now.map_or(Verdict::Upstream, |(from, print)| Verdict::Run(from, print));
            return Ok(Judged { folder, verdict, reasons: vec![Reason::Forced] });
        }
        let found = store.record(&folder, graph.node(node).key)?;
        let mut reasons = Vec::new();

        match (&now, found) {
            (Some((made_from, fingerprint)), Found::Record(record))
                if record.fingerprint == *fingerprint =>
            {
                reasons = self.changed_reads(node, &record.reads)?;
                if reasons.is_empty() {
                    let seen = store.look(&folder, &store.path(&folder, RECORD), &record)?;
                    let output = |what| Reason::Output { file: seen.what, what };
                    match seen.look {
                        Look::Whole => {
                            return Ok(Judged {
                                folder,
                                verdict: Verdict::Complete(record),
                                reasons,
                            });
                        }
                        Look::Gone => {
                            reasons.push(output("is gone"));
                            let verdict = Verdict::Evicted(record, made_from.clone());
                            return Ok(Judged { folder, verdict, reasons });
                        }
                        Look::Modified => reasons.push(output("was modified")),
                    }
                }
            }
            (now, found) => {
                let now = now.as_ref().map(|(made_from, _)| made_from);
                self.explain(node, &folder, &found, now, &mut reasons)?;
            }
        }

        let verdict = match now {
            None => Verdict::Upstream,
            Some((made_from, fingerprint)) => match self.kept(node, fingerprint)? {
                Some(kept) => Verdict::Adopt(kept, made_from),
                None => Verdict::Run(made_from, fingerprint),
            },
        };
        Ok(Judged { folder, verdict, reasons })
    }

    /// A file that is made elsewhere is there, or it is not.
    fn judge_external(&self, node: NodeIndex) -> Result<Judged, StoreError> {
        let path = self.graph.external(node);
        let digest = self.store.content(path)?;
        let missing = || file_changed(&path.to_string_lossy(), None);
        Ok(Judged {
            folder: Folder::new(),
            verdict: digest.map_or(Verdict::Missing, Verdict::There),
            reasons: if digest.is_some() { Vec::new() } else { vec![missing()] },
        })
    }

    /// What an aggregate is made from is all that it is.
    fn judge_aggregate(&self, node: NodeIndex) -> Judged {
        let verdict = self.gathered(node).map_or(Verdict::Upstream, Verdict::There);
        Judged { folder: Folder::new(), verdict, reasons: Vec::new() }
    }

    /// The content of an aggregate, if all that it gathers is known.
    pub(crate) fn gathered(&self, node: NodeIndex) -> Option<Digest> {
        if self.graph.kind(node) != Kind::Aggregate {
            return None;
        }
        let mut hasher = Hasher::new("aggregate");
        for (role, &input) in self.graph.roles(node).iter().zip(self.graph.inputs(node)) {
            // What reads an output is a part of what it is to those who load it.
            let target = self.graph.task(input).target_digest;
            hasher.text(role).part(self.upstream.digest(input)?).part(target);
        }
        Some(hasher.digest())
    }

    /// An output made from the same, in whichever instance's folder, of this store or of another
    /// that is read, too.
    pub(crate) fn kept(
        &self,
        node: NodeIndex,
        fingerprint: Digest,
    ) -> Result<Option<Kept>, StoreError> {
        let holds = |record: &Record| {
            let changed = self.changed_reads(node, &record.reads);
            changed.is_ok_and(|changed| changed.is_empty())
        };
        let entry = self.graph.task(node);
        if let Some(kept) = self.store.kept(&entry.folder, fingerprint, holds)? {
            return Ok(Some(kept));
        }
        for other in self.reading {
            // A name that means another task there has nothing for this one.
            let Ok(folder) = task_folder(other, entry.task, &entry.decl) else { continue };
            if let Some(kept) = other.kept(&folder, fingerprint, holds)? {
                return Ok(Some(kept.of(other)));
            }
        }
        Ok(None)
    }

    /// What the output is made from, if the content of all inputs is known.
    fn made_from(&self, node: NodeIndex) -> Result<Option<MadeFrom>, StoreError> {
        let graph = self.graph;
        let mut inputs = Vec::with_capacity(graph.inputs(node).len());
        for (role, &input) in graph.roles(node).into_iter().zip(graph.inputs(node)) {
            let Some(digest) = self.upstream.digest(input) else { return Ok(None) };
            inputs.push(InputContent { role, instance: String::new(), digest });
        }
        let required: BTreeSet<_> =
            graph.inputs(node).iter().map(|&input| graph.node(input).task).collect();
        let targets = required.into_iter().map(|task| {
            let entry = graph.types.get(task);
            (entry.decl.identity().to_owned(), entry.target_digest)
        });
        let targets = targets.collect();
        Ok(Some(MadeFrom { inputs, targets, ..self.made_from_itself(node)? }))
    }

    /// What the output is made from, apart from its inputs.
    fn made_from_itself(&self, node: NodeIndex) -> Result<MadeFrom, StoreError> {
        let entry = self.graph.task(node);
        Ok(MadeFrom {
            parameters: self.graph.node(node).parameters,
            code: entry.code_digest,
            version: entry.decl.version,
            target: entry.decl.target.to_owned(),
            files: self.files(node)?,
            inputs: Vec::new(),
            targets: BTreeMap::new(),
        })
    }

    /// The content of each parameter that is a file.
    fn files(&self, node: NodeIndex) -> Result<BTreeMap<String, FileContent>, StoreError> {
        let mut files = BTreeMap::new();
        for (name, path) in self.graph.file_parameters(node) {
            let digest = self.store.content(Path::new(&path))?;
            files.insert(name, FileContent { path, digest });
        }
        Ok(files)
    }

    /// What was read while the output was made and is different now; of many, the first few.
    fn changed_reads(&self, node: NodeIndex, reads: &[Read]) -> Result<Vec<Reason>, StoreError> {
        let mut changed = Vec::new();
        for read in reads {
            let reason = self.changed_read(node, read)?;
            changed.extend(reason.filter(|reason| !changed.contains(reason)));
            if changed.len() == LISTED {
                break;
            }
        }
        Ok(changed)
    }

    fn changed_read(&self, node: NodeIndex, read: &Read) -> Result<Option<Reason>, StoreError> {
        let graph = self.graph;
        let input = |place: &[usize]| {
            let step = |node, place: &usize| graph.inputs(node).get(*place).copied();
            place.iter().try_fold(node, step)
        };
        Ok(match read {
            Read::File { path, digest } => {
                let now = self.store.content(Path::new(path))?;
                (now != *digest).then(|| file_changed(path, now))
            }
            Read::Task { input: place, digest } => {
                let now = input(place).map(|input| graph.parameters_digest(input, self.store));
                (now != Some(*digest)).then(|| {
                    let name = input(place).map(|input| graph.task(input).decl.name.to_string());
                    let name = name.unwrap_or_default();
                    Reason::Read { what: format!("parameters of {name} changed") }
                })
            }
            // Only an output of another instance, which might be adopted, has another seed.
            Read::Seed { seed } => (graph.node(node).key.seed() != *seed)
                .then(|| Reason::Read { what: "seed: it is that of another instance".to_owned() }),
            Read::Meta { input: place, name, digest } => {
                let Some(input) = input(place) else { return Ok(Some(Reason::Parameters)) };
                let meta = match self.upstream.meta(input) {
                    Some(meta) => Some(meta),
                    // Nobody notes anything about what is not made here.
                    None if graph.kind(input) != Kind::Made => Some(Meta::new()),
                    None => self.record(input)?.map(|record| record.meta),
                };
                let now = meta.map(|meta| digest_meta(meta.get(name)));
                (now != Some(*digest)).then(|| {
                    let task = &graph.task(input).decl.name;
                    Reason::Read { what: format!("meta {name} of {task} changed") }
                })
            }
        })
    }

    fn record(&self, node: NodeIndex) -> Result<Option<Record>, StoreError> {
        let folder = self.graph.folder(node, self.store)?;
        Ok(match self.store.record(&folder, self.graph.node(node).key)? {
            Found::Record(record) => Some(*record),
            Found::Nothing | Found::Damaged(_) => None,
        })
    }

    /// Why the record that was found, if any, is not that of today's output.
    fn explain(
        &self,
        node: NodeIndex,
        folder: &Folder,
        found: &Found,
        now: Option<&MadeFrom>,
        reasons: &mut Vec<Reason>,
    ) -> Result<(), StoreError> {
        let failure = self.store.failure(folder, self.graph.node(node).key);
        // One that could not be removed when the task had succeeded is over.
        let failure = failure.filter(|failure| match found {
            Found::Record(record) => failure.at > record.started,
            _ => true,
        });
        reasons.extend(failure.map(|failure| Reason::FailedLastTime {
            error: failure.error.lines().next().unwrap_or_default().to_owned(),
            seconds_ago: jiff::Timestamp::now().duration_since(failure.at).as_secs().max(0) as u64,
        }));
        match found {
            Found::Nothing => {
                if reasons.is_empty() {
                    reasons.push(Reason::NeverRun);
                }
                let files = self.files(node)?.into_values();
                let missing = files.filter(|file| file.digest.is_none());
                reasons.extend(missing.map(|file| file_changed(&file.path, None)));
            }
            Found::Damaged(what) => reasons.push(Reason::Record { what: what.clone() }),
            Found::Record(record) => {
                let itself = match now {
                    Some(now) => now,
                    None => &self.made_from_itself(node)?,
                };
                self.compare(node, &record.made_from, itself, reasons);
                if let Some(now) = now {
                    self.compare_inputs(node, &record.made_from, now, reasons);
                }
            }
        }
        Ok(())
    }

    fn compare(&self, node: NodeIndex, was: &MadeFrom, now: &MadeFrom, reasons: &mut Vec<Reason>) {
        if was.code != now.code {
            let table = self.store.code_table(was.code);
            let changes = table.map(|table| table.changes(&self.graph.task(node).codes));
            let changes = changes.filter(|changes| !changes.is_empty());
            let unnamed = || vec!["it changed".to_owned()];
            let changes = changes.unwrap_or_else(unnamed).into_iter();
            reasons.extend(changes.map(|what| Reason::Code { what }));
        }
        if was.version != now.version {
            reasons.push(Reason::Version { was: was.version, now: now.version });
        }
        if was.target != now.target {
            let (was, now) = (was.target.clone(), now.target.clone());
            reasons.push(Reason::Target { was, now });
        }
        if was.parameters != now.parameters {
            reasons.push(Reason::Parameters);
        }
        for (name, file) in &now.files {
            match was.files.get(name) {
                Some(old) if old.digest == file.digest => {}
                _ => reasons.push(file_changed(&file.path, file.digest)),
            }
        }
    }

    fn compare_inputs(
        &self,
        node: NodeIndex,
        was: &MadeFrom,
        now: &MadeFrom,
        reasons: &mut Vec<Reason>,
    ) {
        let graph = self.graph;
        let old: HashMap<&str, &InputContent> =
            was.inputs.iter().map(|input| (input.role.as_str(), input)).collect();
        if was.inputs.len() != now.inputs.len() {
            let what = format!("was {} of them, is {}", was.inputs.len(), now.inputs.len());
            reasons.push(Reason::Input { role: String::new(), what });
        }
        let positional = |place: usize, role: &str| match role {
            "" => was.inputs.get(place),
            role => old.get(role).copied(),
        };
        let mut changed = 0;
        for (place, (input, &required)) in now.inputs.iter().zip(graph.inputs(node)).enumerate() {
            let label = || graph.label(required, Show::Clipped);
            if changed == LISTED {
                reasons.push(Reason::Input { role: String::new(), what: "and others".to_owned() });
                break;
            }
            let what = match positional(place, &input.role) {
                Some(old) if old.digest == input.digest => continue,
                Some(old) if old.instance != label() => format!("was {}", old.instance),
                Some(_) => format!("{} gave other data", graph.task(required).decl.name),
                None => "is new".to_owned(),
            };
            reasons.push(Reason::Input { role: input.role.clone(), what });
            changed += 1;
        }
        for (task, target) in &now.targets {
            if was.targets.get(task).is_some_and(|old| old != target) {
                let what = format!("the target of {task} changed");
                reasons.push(Reason::Input { role: String::new(), what });
            }
        }
    }
}

fn file_changed(path: &str, now: Option<Digest>) -> Reason {
    let what = if now.is_some() { "changed" } else { "is missing" };
    Reason::File { path: path.to_owned(), what }
}

/// The digest of a metadata entry, which may be missing.
pub(crate) fn digest_meta(meta: Option<&serde_json::Value>) -> Digest {
    let mut hasher = Hasher::new("meta");
    hasher.text(&meta.map(ToString::to_string).unwrap_or_default());
    hasher.digest()
}

impl Graph {
    /// The parameters that are files, by name, with their paths.
    pub(crate) fn file_parameters(&self, node: NodeIndex) -> Vec<(String, String)> {
        let entry = self.task(node);
        let instance = self.node(node).instance;
        let files = entry.task.params.iter().enumerate().filter(|(_, param)| param.file);
        files
            .flat_map(|(place, param)| {
                let value = (param.kind.to_value)(entry.instances.field(instance, place));
                let mut paths = Vec::new();
                collect_paths(&value.unwrap_or(Value::None), &mut paths);
                let several = paths.len() > 1;
                paths.into_iter().enumerate().map(move |(i, path)| match several {
                    true => (format!("{}[{i}]", param.name), path),
                    false => (param.name.to_owned(), path),
                })
            })
            .collect()
    }

    /// The digest of an instance's own parameters, as `Input::task` shows them, but for those that
    /// do not count.
    pub(crate) fn parameters_digest(&self, node: NodeIndex, store: &Store) -> Digest {
        let entry = self.task(node);
        let instance = self.node(node).instance;
        let mut hasher = Hasher::new("task");
        let params = entry.task.params.iter().enumerate();
        for (place, param) in params.filter(|(_, param)| param.significant) {
            let field = entry.instances.field(instance, place);
            let value = param_value(&entry.decl.name, param, field);
            // A value without a digest has no key either, and was refused.
            let digest = value.and_then(|value| digest_value(store, &value));
            hasher.text(param.name).part(digest.unwrap_or(Digest(0)));
        }
        hasher.digest()
    }
}

/// The strings in a value: one path, or however many it holds. The keys of maps are none.
fn collect_paths(value: &Value, paths: &mut Vec<String>) {
    match value {
        Value::Str(path) => paths.push(path.to_string()),
        Value::Some(inner) => collect_paths(inner, paths),
        Value::Seq(items) => items.iter().for_each(|item| collect_paths(item, paths)),
        Value::Struct(fields) => fields.iter().for_each(|(_, value)| collect_paths(value, paths)),
        Value::Map(items) => items.iter().for_each(|(_, value)| collect_paths(value, paths)),
        Value::Variant(variant) => collect_paths(&variant.1, paths),
        _ => {}
    }
}
