//! Requires again what a task required while it ran, to compare it with the record.
//!
//! A record tells what the task has required, in order, and what came of it. An output is what
//! running the task now would give if all of that is the same today. So the planner requires it again, in
//! the same order: what comes later may depend on what was loaded before, and is not looked at when
//! that is different. What is not complete has to be made before it can be compared. The
//! planner leaves it open; the engine makes it.
//!
//! What is required may itself have required something while it ran, and so on, further than a
//! thread's stack is long.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::{Digest, Key};
use crate::plan::Plan;
use crate::plan::crates::OtherCrates;
use crate::plan::error::PlanError;
use crate::plan::judge::{Judge, Upstream};
use crate::plan::reason::{LISTED, Reason};
use crate::plan::verdicts::Known;
use crate::store::kept::Kept;
use crate::store::record::{Record, Required};
use crate::task::requirement::Dependency;

/// How much of the stack must be left, and how much is added, in bytes.
const LEFT: usize = 256 << 10;
const ADDED: usize = 4 << 20;

/// Finds out what instances give that are required again.
pub(crate) trait Again {
    /// Returns what the dependencies of an instance give now; `recorded` is what they gave.
    fn again(
        &self,
        plan: &Plan,
        requester: NodeIndex,
        dependencies: Vec<Dependency>,
        recorded: &[Required],
    ) -> Result<Result<Answered, Box<PlanError>>, StoreError>;

    /// Where outputs are looked for that no store has.
    fn finder(&self) -> Option<&dyn Finder> {
        None
    }
}

/// Finds outputs in places other than the flow's stores, such as a remote.
pub(crate) trait Finder {
    /// Returns an output of the task of this name with this fingerprint for which `holds`.
    fn kept(
        &self,
        task: &str,
        fingerprint: Digest,
        holds: &mut dyn FnMut(&Record) -> bool,
    ) -> Result<Option<Kept>, StoreError>;
}

/// What some dependencies gave: the roots of a plan.
#[derive(Clone)]
pub(crate) struct Answered {
    pub(crate) plan: Arc<Plan>,
    pub(crate) answers: Vec<Answer>,
    /// What is known of the outputs, if some had to be made first; else the verdicts of the plan.
    pub(crate) made: Option<Arc<dyn Upstream + Send + Sync>>,
}

/// What one dependency gave.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Content(Digest),
    /// It is not known before it has run.
    Open,
    /// It has failed just now.
    Failed,
}

impl Answer {
    /// Whether it is certain that it is another one.
    pub(crate) fn differs(self, recorded: &Required) -> bool {
        match self {
            Self::Content(digest) => recorded.digest != Some(digest),
            Self::Failed => true,
            Self::Open => false,
        }
    }
}

/// Whether all that was required is the same.
pub(super) enum Replayed {
    Same,
    Different(Reason),
    /// These tasks have to run first.
    Open(Vec<String>),
}

impl Judge<'_> {
    /// Whether what a record tells to have been required while the task ran is the same.
    pub(super) fn replay(
        &self,
        node: NodeIndex,
        record: &Record,
        answered: &mut Vec<Answered>,
    ) -> Result<Replayed, StoreError> {
        for group in &record.required {
            if let Some(replayed) = self.replay_group(node, group, answered)? {
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
            let upstream: &dyn Upstream = match &answered.made {
                Some(made) => &**made,
                None => &answered.plan.verdicts,
            };
            let judge = Judge::new(&answered.plan, upstream, self.again);
            if let Some(reason) = judge.changed_read(*root, read)? {
                return Ok(Replayed::Different(reason));
            }
        }
        Ok(Replayed::Same)
    }

    /// The same for what was asked for together; `None` if it is the same.
    fn replay_group(
        &self,
        node: NodeIndex,
        group: &[Required],
        all: &mut Vec<Answered>,
    ) -> Result<Option<Replayed>, StoreError> {
        let different = |what| Ok(Some(Replayed::Different(Reason::Required { what })));
        // What a task makes although something that it requires has failed is never complete.
        if let Some(failed) = group.iter().find(|required| required.digest.is_none()) {
            return different(format!("{} failed", failed.instance));
        }
        let dependencies: Result<Vec<_>, _> =
            group.iter().map(|r| self.plan.dependency_of(r)).collect();
        let dependencies = match dependencies {
            Ok(dependencies) => dependencies,
            Err(what) => return different(what),
        };
        let answered = match self.again.again(self.plan, node, dependencies, group)? {
            Ok(answered) => answered,
            Err(error) => return different(error.to_string()),
        };
        let changed = self.compare_required(group, &answered);
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

    /// What is certainly different; of many, the first few.
    fn compare_required(&self, group: &[Required], answered: &Answered) -> Option<String> {
        let mut changed = Vec::new();
        let graph = &answered.plan.graph;
        for ((required, answer), &root) in group.iter().zip(&answered.answers).zip(&graph.roots) {
            let name = &required.instance;
            if answer.differs(required) {
                changed.push(match answer {
                    Answer::Failed => format!("{name} failed"),
                    Answer::Content(_) | Answer::Open => format!("{name} gave other data"),
                });
            } else if required.target.is_some_and(|t| t != graph.task(root).target_digest) {
                changed.push(format!("the target of {} changed", graph.task(root).decl.name));
            }
            if changed.len() == LISTED {
                changed.push("and others".to_owned());
                break;
            }
        }
        (!changed.is_empty()).then(|| changed.join(", "))
    }
}

/// Verdicts on what is required while something runs, as long as nothing is settled. One that says
/// too little does no harm, for what is pending is judged again before it runs.
#[derive(Default)]
pub(crate) struct AllKnown(Mutex<HashMap<Key, Known>>);

impl AllKnown {
    fn all(&self) -> MutexGuard<'_, HashMap<Key, Known>> {
        self.0.lock().expect("no panic while a verdict is looked up")
    }

    pub(super) fn get(&self, key: Key) -> Option<Known> {
        self.all().get(&key).cloned()
    }

    pub(super) fn insert(&self, key: Key, known: Known) {
        self.all().insert(key, known);
    }

    /// Knows what others know.
    pub(crate) fn take_over(&self, others: &Self) {
        self.all().extend(others.all().iter().map(|(key, known)| (*key, known.clone())));
    }

    /// Forgets the verdict on what has been settled.
    pub(crate) fn forget(&self, key: Key) {
        self.all().remove(&key);
    }
}

/// What is found out while one plan is made: it writes nothing, and makes nothing.
#[derive(Default)]
pub(crate) struct Replay<'a> {
    /// The verdicts on what was required while something ran: many may require the same.
    pub(super) known: Arc<AllKnown>,
    /// The instances that dependency, each for the next.
    pub(super) asking: RefCell<Vec<Key>>,
    /// Which complete ones were made with other versions of crates, until that is told.
    pub(super) other_crates: RefCell<OtherCrates>,
    /// Where outputs are looked for that no store has.
    finder: Option<&'a dyn Finder>,
}

impl<'a> Replay<'a> {
    /// What is found out while outputs are looked for elsewhere, too.
    pub(crate) fn finding(finder: &'a dyn Finder) -> Self {
        Self { finder: Some(finder), ..Self::default() }
    }

    /// What is found out while plans are made that know the same.
    pub(crate) fn knowing(known: &Arc<AllKnown>) -> Self {
        Self { known: Arc::clone(known), ..Self::default() }
    }

    /// The same, for an instance that is running.
    pub(crate) fn asked_by(self, key: Key) -> Self {
        Self { asking: RefCell::new(vec![key]), ..self }
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
        _recorded: &[Required],
    ) -> Result<Result<Answered, Box<PlanError>>, StoreError> {
        let mut requested = match plan.to_require(requester, dependencies) {
            Ok(requested) => requested,
            Err(error) => return Ok(Err(error)),
        };
        self.asking.borrow_mut().push(plan.graph.node(requester).key);
        let judged = stacker::maybe_grow(LEFT, ADDED, || requested.judge_required(self));
        self.asking.borrow_mut().pop();
        judged?;
        let plan = Arc::new(requested);
        let answers = answers(&plan, &plan.verdicts);
        Ok(Ok(Answered { plan, answers, made: None }))
    }
}

/// What came of the roots of a plan.
pub(crate) fn answers(plan: &Plan, upstream: &dyn Upstream) -> Vec<Answer> {
    let roots = plan.graph.roots.iter();
    roots.map(|&root| upstream.digest(root).map_or(Answer::Open, Answer::Content)).collect()
}
