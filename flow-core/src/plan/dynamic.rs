//! Compares the dynamic dependencies in a record with what they give today.
//!
//! A task may require others while it runs. The record lists these dynamic dependencies in order, with the
//! digest of each output. The output is up to date only if all of them are the same today. So the planner
//! requires them again, in the same order, and stops at the first difference, because later ones may depend
//! on what the task loaded before. If a dependency is not complete, it has to run before it can be compared.
//! The planner leaves it open and reports it as `waits for X`; the engine runs it before it decides
//! about the task.
//!
//! Dynamic dependencies are not part of the fingerprint, which must be known before anything runs. So several
//! versions of an instance may have one fingerprint; each of them is tried. As for static inputs, only
//! digests are compared, whether the task loaded the output or not; if it read some [`columns`](super::columns) only,
//! then those of the columns. Parameters and metadata of a dynamic
//! dependency are compared if the task read them.
//!
//! A dynamic dependency may itself have dynamic dependencies, and so on, deeper than a thread's stack. So the
//! stack grows on demand, and each verdict is cached by key.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::{Digest, Key};
use crate::plan::Plan;
use crate::plan::columns::Compared;
use crate::plan::crates::OtherCrates;
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::judge::{Judge, Upstream};
use crate::plan::partitions::described;
use crate::plan::reason::{LISTED, Reason};
use crate::plan::verdicts::Known;
use crate::store::kept::Kept;
use crate::store::record::{Record, Required};
use crate::store::record_cache::RecordCache;
use crate::task::requirement::Dependency;

/// The stack that must be left before it grows, and the size that is added, in bytes.
const LEFT: usize = 256 << 10;
const ADDED: usize = 4 << 20;

/// Requires dynamic dependencies again.
pub(crate) trait Again {
    /// Returns what the dependencies of an instance give now. `differs` returns whether answers certainly differ from
    /// what they gave before.
    fn again(
        &self,
        plan: &Plan,
        requester: NodeIndex,
        dependencies: Vec<Dependency>,
        differs: &mut dyn FnMut(&Answered) -> Result<bool, StoreError>,
    ) -> Result<Result<Answered, Box<PlanError>>, StoreError>;

    /// Returns the finder of outputs that no store of the plan has.
    fn finder(&self) -> Option<&dyn Finder> {
        None
    }
}

/// Finds outputs in places other than the flow's stores, such as a remote.
///
/// A pull is a plan with a `Finder`: it judges fingerprints, reads and dynamic dependencies like any plan,
/// and the outputs that were found are fetched afterwards.
pub(crate) trait Finder {
    /// Returns an output of this task with this fingerprint whose record satisfies `holds`.
    fn kept(
        &self,
        task: &str,
        fingerprint: Digest,
        holds: &mut dyn FnMut(&Record) -> bool,
    ) -> Result<Option<Kept>, StoreError>;

    /// Returns an output of this instance, with any fingerprint, whose record names the columns that were read, and
    /// satisfies `holds`.
    fn of_instance(
        &self,
        task: &str,
        key: Key,
        holds: &mut dyn FnMut(&Record) -> bool,
    ) -> Result<Option<Kept>, StoreError>;
}

/// The answers of some dependencies, which are the roots of a plan.
#[derive(Clone)]
pub(crate) struct Answered {
    pub(crate) plan: Arc<Plan>,
    pub(crate) answers: Vec<Answer>,
    /// The outputs, if some had to run first; otherwise the verdicts of the plan hold.
    pub(crate) made: Option<Arc<dyn Upstream + Send + Sync>>,
}

impl Answered {
    /// Returns what is known of the outputs.
    pub(crate) fn upstream(&self) -> &dyn Upstream {
        match &self.made {
            Some(made) => &**made,
            None => &self.plan.verdicts,
        }
    }
}

/// The result of one dependency.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Content(Digest),
    /// It has to run before its content is known.
    Open,
    /// It failed in this run.
    Failed,
}

impl Answer {
    /// Returns whether the result certainly differs from the recorded one.
    pub(crate) fn differs(self, recorded: &Required) -> bool {
        match self {
            Self::Content(digest) => recorded.digest != Some(digest),
            Self::Failed => true,
            Self::Open => false,
        }
    }
}

/// The result of comparing all dynamic dependencies with a record.
pub(super) enum Replayed {
    Same,
    Different(Reason),
    /// These tasks have to run before the rest can be compared.
    Open(Vec<String>),
}

impl Judge<'_> {
    /// Compares the dynamic dependencies of a record with what they give today.
    ///
    /// Pushes the answers to `answered`, one for each group.
    pub(super) fn replay(
        &self,
        node: NodeIndex,
        record: &Record,
        answered: &mut Vec<Answered>,
    ) -> Result<Replayed, StoreError> {
        for group in &record.required {
            if let Some(replayed) = self.replay_group(node, record, group, answered)? {
                return Ok(replayed);
            }
        }
        let places = answered.iter().flat_map(|answered| {
            answered.plan.graph.roots.iter().map(move |&root| (answered, root))
        });
        let places: Vec<_> = places.collect();
        for read in record.reads.iter().filter(|read| read.of_required() > 0) {
            let Some((answered, root)) = places.get(read.of_required() - 1) else {
                return Ok(Replayed::Different(Reason::Parameters));
            };
            let judge = Judge::new(&answered.plan, answered.upstream(), self.again);
            if let Some(reason) = judge.changed_read(*root, read)? {
                return Ok(Replayed::Different(reason));
            }
        }
        Ok(Replayed::Same)
    }

    /// Compares one group: dependencies that were required together. Returns `None` if they are the same.
    fn replay_group(
        &self,
        node: NodeIndex,
        record: &Record,
        group: &[Required],
        all: &mut Vec<Answered>,
    ) -> Result<Option<Replayed>, StoreError> {
        let different = |what| Ok(Some(Replayed::Different(Reason::Required { what })));
        // An output that was computed although a dependency had failed is never complete: the next run tries
        // again.
        if let Some(failed) = group.iter().find(|required| required.digest.is_none()) {
            return different(format!("{} failed", failed.instance));
        }
        let dependencies: Result<Vec<_>, _> =
            group.iter().map(|r| self.plan.dependency_of(r)).collect();
        let dependencies = match dependencies {
            Ok(dependencies) => dependencies,
            Err(what) => return different(what),
        };
        let before: usize = all.iter().map(|answered| answered.answers.len()).sum();
        let compare =
            |answered: &Answered| self.compare_required(record, (group, before), answered);
        let mut differs = |answered: &Answered| Ok::<_, StoreError>(compare(answered)?.is_some());
        let answered = match self.again.again(self.plan, node, dependencies, &mut differs)? {
            Ok(answered) => answered,
            // That the store cannot be read says nothing about the dependencies.
            Err(error) => match error.kind {
                PlanErrorKind::Store(error) => return Err(error),
                _ => return different(error.to_string()),
            },
        };
        let changed = compare(&answered)?;
        let open =
            group.iter().zip(&answered.answers).filter(|(_, answer)| **answer == Answer::Open);
        let mut open: Vec<_> = open.map(|(r, _)| r.task.clone()).collect();
        open.sort_unstable();
        open.dedup();
        all.push(answered);
        Ok(match changed {
            Some(what) => Some(Replayed::Different(Reason::Required { what })),
            None if !open.is_empty() => Some(Replayed::Open(open)),
            None => None,
        })
    }

    /// Describes the dependencies that certainly changed; of many, the first few.
    ///
    /// `before` is the number of dependencies in earlier groups. Of a dependency with other content, the columns are
    /// compared that the task has read.
    fn compare_required(
        &self,
        record: &Record,
        (group, before): (&[Required], usize),
        answered: &Answered,
    ) -> Result<Option<String>, StoreError> {
        let mut changed = Vec::new();
        let graph = &answered.plan.graph;
        let places = group.iter().zip(&answered.answers).zip(&graph.roots).enumerate();
        for (place, ((required, answer), &root)) in places {
            let name = &required.instance;
            let compared = match answer {
                Answer::Content(_) if answer.differs(required) => {
                    self.compare_required_columns(record, before + place + 1, answered, root)?
                }
                _ => Compared::Unknown,
            };
            if answer.differs(required) && compared != Compared::Same {
                changed.push(match (answer, compared) {
                    (Answer::Failed, _) => format!("{name} failed"),
                    (_, Compared::Changed(columns)) => {
                        format!("{name} gave other data in {}", described(&columns))
                    }
                    _ => format!("{name} gave other data"),
                });
            } else if required.target.is_some_and(|t| t != graph.task(root).target_digest) {
                changed.push(format!("the target of {} changed", graph.task(root).decl.name));
            }
            if changed.len() == LISTED {
                changed.push("and others".to_owned());
                break;
            }
        }
        Ok((!changed.is_empty()).then(|| changed.join(", ")))
    }
}

/// A cache of verdicts on dynamic dependencies, by key, valid until an instance is settled.
///
/// A verdict that says `Pending` too often does no harm, because pending instances are judged again before
/// they run.
#[derive(Default)]
pub(crate) struct AllKnown(Mutex<HashMap<Key, Known>>);

impl AllKnown {
    fn all(&self) -> MutexGuard<'_, HashMap<Key, Known>> {
        self.0.lock().expect("lock poisoned")
    }

    pub(super) fn get(&self, key: Key) -> Option<Known> {
        self.all().get(&key).cloned()
    }

    pub(super) fn insert(&self, key: Key, known: Known) {
        self.all().insert(key, known);
    }

    /// Adds all verdicts of another cache.
    pub(crate) fn take_over(&self, others: &Self) {
        self.all().extend(others.all().iter().map(|(key, known)| (*key, known.clone())));
    }

    /// Removes the verdict on an instance that has been settled.
    pub(crate) fn forget(&self, key: Key) {
        self.all().remove(&key);
    }
}

/// The state while one plan is judged. It writes nothing and runs nothing.
#[derive(Default)]
pub(crate) struct Replay<'a> {
    /// The cached verdicts on dynamic dependencies: many instances may require the same.
    pub(super) known: Arc<AllKnown>,
    /// The instances whose dynamic dependencies are being judged, each requiring the next.
    pub(super) requesters: RefCell<Vec<Key>>,
    /// The complete instances that were computed with other versions of crates, until they are reported.
    pub(super) other_crates: RefCell<OtherCrates>,
    /// The finder of outputs that no store of the plan has.
    finder: Option<&'a dyn Finder>,
    /// The cache of records, if it is used.
    pub(super) records: Option<RecordCache>,
}

impl<'a> Replay<'a> {
    /// Creates a state that uses the record cache.
    ///
    /// The cache of a task is loaded whole, so this is meant for plans of many instances.
    pub(crate) fn with_record_cache() -> Self {
        Self { records: Some(RecordCache::default()), ..Self::default() }
    }

    /// Creates a state that also searches `finder` for outputs.
    pub(crate) fn finding(finder: &'a dyn Finder) -> Self {
        Self { finder: Some(finder), ..Self::default() }
    }

    /// Creates a state that shares its cache of verdicts with other plans.
    pub(crate) fn knowing(known: &Arc<AllKnown>) -> Self {
        Self { known: Arc::clone(known), ..Self::default() }
    }

    /// Returns this state for the dependencies of a running instance.
    pub(crate) fn asked_by(self, key: Key) -> Self {
        Self { requesters: RefCell::new(vec![key]), ..self }
    }
}

impl Again for Replay<'_> {
    fn finder(&self) -> Option<&dyn Finder> {
        self.finder
    }

    fn again(
        &self,
        plan: &Plan,
        requester: NodeIndex,
        dependencies: Vec<Dependency>,
        _differs: &mut dyn FnMut(&Answered) -> Result<bool, StoreError>,
    ) -> Result<Result<Answered, Box<PlanError>>, StoreError> {
        let mut requested = match plan.to_require(requester, dependencies) {
            Ok(requested) => requested,
            Err(error) => return Ok(Err(error)),
        };
        self.requesters.borrow_mut().push(plan.graph.node(requester).key);
        let judged = stacker::maybe_grow(LEFT, ADDED, || requested.judge_required(self));
        self.requesters.borrow_mut().pop();
        judged?;
        let plan = Arc::new(requested);
        let answers = answers(&plan, &plan.verdicts);
        Ok(Ok(Answered { plan, answers, made: None }))
    }
}

/// Returns the results of the roots of a plan.
pub(crate) fn answers(plan: &Plan, upstream: &dyn Upstream) -> Vec<Answer> {
    let roots = plan.graph.roots.iter();
    roots.map(|&root| upstream.digest(root).map_or(Answer::Open, Answer::Content)).collect()
}
