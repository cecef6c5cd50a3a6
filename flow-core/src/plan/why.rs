//! Why: from an instance that is not complete to the root causes of that.
//!
//! The reasons of one instance say what is different for itself. Two of them lead further: that
//! something *upstream* is not complete, whose reasons are there to be followed; and that an input
//! *gave other data*, for which the output that was used is looked up among the kept versions and
//! compared with the present one. Following both, breadth first, gives the shortest way to each
//! root cause.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::key::Digest;
use crate::plan::again::Replay;
use crate::plan::instance::Instance;
use crate::plan::judge::Judge;
use crate::plan::reason::{InputChange, Reason};
use crate::plan::verdicts::Status;
use crate::plan::{Graph, Plan};
use crate::store::error::StoreError;
use crate::store::record::{MadeFrom, Record};

/// How many steps of a long way are printed, at each end.
const ENDS: usize = 3;

/// Why tasks are not complete, down to the root causes.
///
/// It is printed as a line for each root cause, from what was asked for to the cause:
///
/// ```text
/// Train: input: Preprocess gave other data ← code: standardise (src/prep.rs) changed
/// ```
#[derive(Clone)]
pub struct Why {
    plan: Arc<Plan>,
    causes: Vec<Cause>,
}

/// A root cause, and how it leads to a task that was asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cause {
    /// From the task that was asked for to the root cause: what each is not complete for.
    pub steps: Vec<Step>,
    /// How many more instances of the last task have the same cause.
    pub alike: usize,
}

/// An instance, and one reason why it is not complete, or gave something else than before.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    /// The instance.
    pub instance: Instance,
    /// What is different.
    pub reason: Reason,
}

impl Why {
    pub(crate) fn new(plan: Arc<Plan>) -> Result<Self, StoreError> {
        let causes = Search::new(&plan, &Replay::default()).causes()?;
        Ok(Self { plan, causes })
    }

    /// Whether everything that was asked for is complete, so that there are no causes.
    pub fn is_complete(&self) -> bool {
        self.causes.is_empty()
    }

    /// The root causes, the nearest first.
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }
}

impl Cause {
    /// The root cause itself: the instance that it is found at, and what is different there.
    pub fn root(&self) -> &Step {
        self.steps.last().expect("a cause has at least one step")
    }
}

/// A step that was found, with the place of the one that led to it.
struct FoundStep {
    node: NodeIndex,
    reason: Reason,
    from: Option<usize>,
}

/// What is to be explained: why an instance is not complete or, if a content is given, why it does
/// not give that any more.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Question {
    node: NodeIndex,
    was: Option<Digest>,
}

/// A search through a plan, from its roots.
struct Search<'a> {
    plan: &'a Arc<Plan>,
    judge: Judge<'a>,
    asked: HashSet<Question>,
    open: VecDeque<(Question, Option<usize>)>,
    steps: Vec<FoundStep>,
    /// The steps that nothing leads further from.
    ends: Vec<usize>,
}

impl<'a> Search<'a> {
    fn new(plan: &'a Arc<Plan>, replay: &'a Replay) -> Self {
        let judge = Judge::new(plan, &plan.verdicts, replay);
        let (asked, open) = (HashSet::new(), VecDeque::new());
        Self { plan, judge, asked, open, steps: Vec::new(), ends: Vec::new() }
    }

    fn causes(mut self) -> Result<Vec<Cause>, StoreError> {
        for &root in &self.plan.graph.roots {
            self.ask(Question { node: root, was: None }, None);
        }
        while let Some((question, from)) = self.open.pop_front() {
            let found = match question.was {
                None => self.why_open(question.node)?,
                Some(was) => self.why_other(question.node, was)?,
            };
            // What led here is as much as can be said.
            if found.is_empty() {
                self.ends.extend(from);
            }
            for (reason, next) in found {
                let step = self.steps.len();
                self.steps.push(FoundStep { node: question.node, reason, from });
                if next.is_empty() {
                    self.ends.push(step);
                }
                next.into_iter().for_each(|question| self.ask(question, Some(step)));
            }
        }
        Ok(self.grouped())
    }

    fn ask(&mut self, question: Question, from: Option<usize>) {
        if self.asked.insert(question) {
            self.open.push_back((question, from));
        }
    }

    /// Why an instance is not complete, and what each reason leads to.
    fn why_open(&self, node: NodeIndex) -> Result<Vec<(Reason, Vec<Question>)>, StoreError> {
        let (graph, verdicts) = (&self.plan.graph, &self.plan.verdicts);
        let changed = self.changed_inputs(node)?;
        let reasons = verdicts.reasons(node).iter().map(|reason| {
            let next = match reason {
                Reason::Upstream { .. } => {
                    let open = |input: &&NodeIndex| verdicts.status(**input) != Status::Complete;
                    let open = graph.inputs(node).iter().filter(open);
                    open.map(|&node| Question { node, was: None }).collect()
                }
                reason => leads_to(reason, &changed),
            };
            (reason.clone(), next)
        });
        Ok(reasons.collect())
    }

    /// The inputs that gave other data than those that the record of an instance tells of.
    fn changed_inputs(&self, node: NodeIndex) -> Result<HashMap<String, Question>, StoreError> {
        if !self.plan.verdicts.reasons(node).iter().any(is_other_data) {
            return Ok(HashMap::new());
        }
        let record = self.judge.record(node)?;
        let changed = |record: Record| changed_inputs(&self.plan.graph, node, &record.made_from);
        Ok(record.map(changed).unwrap_or_default())
    }

    /// Why an instance, whose output is there, gives something else than this.
    fn why_other(
        &self,
        node: NodeIndex,
        was: Digest,
    ) -> Result<Vec<(Reason, Vec<Question>)>, StoreError> {
        let (graph, store) = (&self.plan.graph, &self.plan.store);
        let task = &graph.task(node).folder;
        let Some(old) = store.version_with(task, graph.node(node).key, was) else {
            return Ok(Vec::new());
        };
        let Some(now) = self.judge.made_from(node)? else { return Ok(Vec::new()) };
        let mut reasons = Vec::new();
        self.judge.compare(node, &old.made_from, &now, &mut reasons);
        self.judge.compare_inputs(node, &old.made_from, &now, &mut reasons);
        reasons.extend(self.judge.changed_reads(node, &old.reads)?);
        let changed = changed_inputs(graph, node, &old.made_from);
        let led = |reason: Reason| {
            let next = leads_to(&reason, &changed);
            (reason, next)
        };
        Ok(reasons.into_iter().map(led).collect())
    }

    /// The ways that were found, one for each root cause.
    fn grouped(&self) -> Vec<Cause> {
        let mut places: HashMap<(&str, String), usize> = HashMap::new();
        let mut causes: Vec<Cause> = Vec::new();
        for &end in &self.ends {
            let FoundStep { node, reason, .. } = &self.steps[end];
            let task = &*self.plan.graph.task(*node).decl.name;
            let next = causes.len();
            let place = *places.entry((task, reason.to_string())).or_insert(next);
            match causes.get_mut(place) {
                Some(cause) => cause.alike += 1,
                None => causes.push(Cause { steps: self.way(end), alike: 0 }),
            }
        }
        causes
    }

    fn way(&self, end: usize) -> Vec<Step> {
        let steps = std::iter::successors(Some(end), |&step| self.steps[step].from);
        let mut steps: Vec<_> = steps
            .map(|step| {
                let FoundStep { node, reason, .. } = &self.steps[step];
                let instance = Instance { plan: Arc::clone(self.plan), node: *node };
                Step { instance, reason: reason.clone() }
            })
            .collect();
        steps.reverse();
        steps
    }
}

fn is_other_data(reason: &Reason) -> bool {
    matches!(reason, Reason::Input { what: InputChange::OtherData { .. }, .. })
}

/// The inputs by role that have other content than they had, with what they had.
fn changed_inputs(graph: &Graph, node: NodeIndex, was: &MadeFrom) -> HashMap<String, Question> {
    let old: HashMap<&str, Digest> =
        was.inputs.iter().map(|input| (input.role.as_str(), input.digest)).collect();
    let inputs = graph.roles(node).into_iter().zip(graph.inputs(node));
    inputs
        .filter_map(|(role, &node)| {
            let was = old.get(role.as_str()).copied();
            was.map(|was| (role, Question { node, was: Some(was) }))
        })
        .collect()
}

fn leads_to(reason: &Reason, changed: &HashMap<String, Question>) -> Vec<Question> {
    match reason {
        Reason::Input { role, .. } if is_other_data(reason) => {
            changed.get(role).copied().into_iter().collect()
        }
        _ => Vec::new(),
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_complete() {
            let roots = self.plan.graph.roots.iter();
            let roots = roots.map(|&node| Instance { plan: Arc::clone(&self.plan), node });
            let roots = roots.map(|root| root.to_string()).collect::<Vec<_>>().join(", ");
            return write!(f, "{roots}: complete");
        }
        for (place, cause) in self.causes.iter().enumerate() {
            let end = if place == 0 { "" } else { "\n" };
            write!(f, "{end}{cause}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left_out = self.steps.len().saturating_sub(2 * ENDS);
        for (place, step) in self.steps.iter().enumerate() {
            if left_out > 1 && (ENDS..ENDS + left_out).contains(&place) {
                if place == ENDS {
                    write!(f, " ← … {left_out} more …")?;
                }
                continue;
            }
            let before = place.checked_sub(1).map(|before| &self.steps[before]);
            if before.is_some() {
                f.write_str(" ← ")?;
            }
            // The step before may have named it.
            let is_named = before.is_some_and(|before| match &before.reason {
                Reason::Upstream { tasks } => *tasks == [step.instance.task()],
                Reason::Input { what: InputChange::OtherData { task }, .. } => {
                    task == step.instance.task()
                }
                _ => false,
            });
            if !is_named || place == ENDS + left_out && left_out > 1 {
                write!(f, "{}: ", step.instance)?;
            }
            write!(f, "{}", step.reason)?;
        }
        match self.alike {
            0 => Ok(()),
            alike => write!(f, " (and {alike} more {} alike)", self.root().instance.task()),
        }
    }
}
