//! Asking again for what a task has required while it ran.
//!
//! A record tells what the task has required, in order, and what came of it. An output is what
//! running the task now would give if all of that is the same today. So it is wished for again, in
//! the same order: what comes later may depend on what was loaded before, and is not looked at when
//! that is different. What is not complete has to be made before it can be compared. Whoever makes a
//! plan leaves it at that; whoever runs one makes it.
//!
//! What is required may itself have required something while it ran, and so on, further than a
//! thread's stack is long.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::{Digest, Hasher, Key};
use crate::engine::Execution;
use crate::plan::Plan;
use crate::plan::crates::OtherCrates;
use crate::plan::error::PlanError;
use crate::plan::judge::{Judge, Upstream, Verdict};
use crate::plan::reason::{LISTED, Reason};
use crate::plan::required::digest_error;
use crate::plan::verdicts::Known;
use crate::remote::finder::Finder;
use crate::store::record::{Record, Required};
use crate::task::requirement::Wish;

/// How much of the stack must be left, and how much is added, in bytes.
const LEFT: usize = 256 << 10;
const ADDED: usize = 4 << 20;

/// Finds out what comes of instances that are wished for again.
pub(crate) trait Again {
    /// What comes of the wishes of an instance, of which a record tells this.
    fn again(
        &self,
        plan: &Plan,
        asker: NodeIndex,
        wishes: Vec<Wish>,
        recorded: &[Required],
    ) -> Result<Result<Answered, Box<PlanError>>, StoreError>;

    /// Where outputs are looked for that no store has.
    fn finder(&self) -> Option<&Finder<'_>> {
        None
    }
}

/// What came of some wishes: the roots of a plan.
#[derive(Clone)]
pub(crate) struct Answered {
    pub(crate) plan: Arc<Plan>,
    pub(crate) answers: Vec<Answer>,
    /// What has made what was not complete.
    pub(crate) execution: Option<Arc<Execution>>,
}

/// What came of one wish.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Content(Digest),
    /// It failed when it was made from the same.
    Failed(Digest),
    /// It is not known before it has run.
    Open,
    /// It has failed just now, which it did not before.
    Other,
}

impl Answer {
    /// Whether it says as much as can be said without running anything.
    pub(crate) fn settles(self, recorded: &Required) -> bool {
        match self {
            Self::Content(_) | Self::Other => true,
            Self::Failed(failed) => recorded.failed == Some(failed),
            Self::Open => false,
        }
    }

    /// Whether it is certain that it is another one.
    pub(crate) fn differs(self, recorded: &Required) -> bool {
        match self {
            Self::Content(digest) => recorded.digest != Some(digest),
            Self::Other => true,
            Self::Failed(_) | Self::Open => false,
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
            let upstream: &dyn Upstream = match &answered.execution {
                Some(execution) => &**execution,
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
        if let Some(failed) = group.iter().find(|required| required.may_pass()) {
            return different(format!("{} failed, and may not fail again", failed.instance));
        }
        let wishes: Result<Vec<_>, _> = group.iter().map(|r| self.plan.wish_of(r)).collect();
        let wishes = match wishes {
            Ok(wishes) => wishes,
            Err(what) => return different(what),
        };
        let answered = match self.again.again(self.plan, node, wishes, group)? {
            Ok(answered) => answered,
            Err(error) => {
                let failed = digest_error(&error);
                let same = failed.is_some() && group.iter().all(|r| r.failed == failed);
                return if same { Ok(None) } else { different(error.to_string()) };
            }
        };
        let changed = self.compare_required(group, &answered);
        let open = group.iter().zip(&answered.answers).filter(|(r, answer)| !answer.settles(r));
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
                changed.push(match (answer, required.digest) {
                    (Answer::Other, _) => format!("{name} failed"),
                    (_, Some(_)) => format!("{name} gave other data"),
                    (_, None) => format!("{name} failed, and does not any more"),
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

    /// What it was that failed, if an instance cannot be made for something failed when it was made
    /// from the same as now.
    pub(crate) fn failed_as(&self, node: NodeIndex) -> Result<Option<Digest>, StoreError> {
        let mut node = node;
        loop {
            let judged = self.judge(node)?;
            let mut hasher = Hasher::new("failed");
            match judged.verdict {
                Verdict::Run(_, fingerprint) => {
                    let key = self.graph.node(node).key;
                    let failure = self.store.failure(&judged.folder, key);
                    let same = failure.is_some_and(|f| f.fingerprint == Some(fingerprint));
                    hasher.part(Digest(key.0)).part(fingerprint);
                    return Ok(same.then(|| hasher.digest()));
                }
                Verdict::Missing => {
                    hasher.text(&self.graph.external(node).to_string_lossy());
                    return Ok(Some(hasher.digest()));
                }
                Verdict::Upstream => {
                    let mut inputs = self.graph.inputs(node).iter();
                    match inputs.find(|&&input| self.upstream.digest(input).is_none()) {
                        Some(&input) => node = input,
                        None => return Ok(None),
                    }
                }
                _ => return Ok(None),
            }
        }
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
    /// The instances that wish, each for the next.
    pub(super) asking: RefCell<Vec<Key>>,
    /// Which complete ones were made with other versions of crates, until that is told.
    pub(super) other_crates: RefCell<OtherCrates>,
    /// Where outputs are looked for that no store has.
    finder: Option<&'a Finder<'a>>,
}

impl<'a> Replay<'a> {
    /// What is found out while outputs are looked for elsewhere, too.
    pub(crate) fn finding(finder: &'a Finder<'a>) -> Self {
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
    fn finder(&self) -> Option<&Finder<'_>> {
        self.finder
    }

    fn again(
        &self,
        plan: &Plan,
        asker: NodeIndex,
        wishes: Vec<Wish>,
        recorded: &[Required],
    ) -> Result<Result<Answered, Box<PlanError>>, StoreError> {
        let mut wished = match plan.to_require(asker, wishes) {
            Ok(wished) => wished,
            Err(error) => return Ok(Err(error)),
        };
        self.asking.borrow_mut().push(plan.graph.node(asker).key);
        let judged = stacker::maybe_grow(LEFT, ADDED, || wished.judge_wished(self));
        self.asking.borrow_mut().pop();
        judged?;
        let plan = Arc::new(wished);
        let answers = answers(&plan, &plan.verdicts, self, recorded)?;
        Ok(Ok(Answered { plan, answers, execution: None }))
    }
}

/// What came of the roots of a plan, of which a record tells this.
pub(crate) fn answers(
    plan: &Plan,
    upstream: &dyn Upstream,
    again: &dyn Again,
    recorded: &[Required],
) -> Result<Vec<Answer>, StoreError> {
    let judge = Judge::new(plan, upstream, again);
    let answer = |(&root, recorded): (&NodeIndex, &Required)| {
        if let Some(digest) = upstream.digest(root) {
            return Ok(Answer::Content(digest));
        }
        // Of one that did not fail, nobody asks why it is not there.
        let failed = match recorded.failed {
            Some(_) => judge.failed_as(root)?,
            None => None,
        };
        Ok(failed.map_or(Answer::Open, Answer::Failed))
    };
    plan.graph.roots.iter().zip(recorded).map(answer).collect()
}
