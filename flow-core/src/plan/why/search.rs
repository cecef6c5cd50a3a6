//! The search for root causes, breadth first.
//!
//! A [`Question`] is about one instance. Its answer is a list of reasons, some of which lead to further
//! questions. Each question is asked once, so that the search ends. Why an input gave other data is found
//! among the kept versions: the record of the output that was used is compared with the present one. If that
//! version was dropped, the search ends there.
//!
//! An instance that never ran is not explained by changes upstream. Its inputs are searched only for
//! obstacles: failures and missing files.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use crate::base::error::StoreError;
use crate::base::key::{Digest, Key};
use crate::plan::Plan;
use crate::plan::dynamic::{Answer, Answered, Replay, Replayed};
use crate::plan::instance::Instance;
use crate::plan::judge::Judge;
use crate::plan::reason::{InputChange, Reason};
use crate::plan::why::{Cause, Step};
use crate::store::record::{MadeFrom, Record, Required};
use crate::task::Kind;

/// Returns the root causes of each root of a plan that is not complete, the nearest first.
pub(super) fn causes(plan: &Arc<Plan>) -> Result<Vec<Cause>, StoreError> {
    let mut causes = Vec::new();
    // Each root has a search of its own: several roots may have the same cause.
    for &node in &plan.graph.roots {
        let mut search = Search::default();
        let at = Instance { plan: Arc::clone(plan), node };
        search.ask(Question { at, was: None }, None);
        while let Some((question, from)) = search.open.pop_front() {
            search.answer(question, from)?;
        }
        causes.extend(search.grouped());
    }
    Ok(causes)
}

/// The question why an instance is not complete or, if `was` is given, why it lost that content.
#[derive(Clone)]
struct Question {
    at: Instance,
    was: Option<Digest>,
}

/// A step that was found, with the index of the step that led to it.
struct FoundStep {
    step: Step,
    from: Option<usize>,
}

#[derive(Default)]
struct Search {
    replay: Replay<'static>,
    /// The questions asked so far. They are identified by key, because plans of dynamic dependencies share
    /// instances.
    asked: HashSet<(Key, Option<Digest>)>,
    open: VecDeque<(Question, Option<usize>)>,
    steps: Vec<FoundStep>,
    /// The steps that lead to no further step.
    ends: Vec<usize>,
}

impl Search {
    /// Adds a question that was not asked before, and returns whether it is new.
    fn ask(&mut self, question: Question, from: Option<usize>) -> bool {
        let is_new = self.asked.insert((question.at.key(), question.was));
        if is_new {
            self.open.push_back((question, from));
        }
        is_new
    }

    fn answer(&mut self, question: Question, from: Option<usize>) -> Result<(), StoreError> {
        let Question { at, was } = question;
        let found = match was {
            None => self.why_open(&at)?,
            Some(was) => self.why_other(&at, was)?,
        };
        // There is no further explanation: the step that led here is the root cause.
        if found.is_empty() {
            self.ends.extend(from);
        }
        for (reason, next) in found {
            let place = self.steps.len();
            self.steps.push(FoundStep { step: Step { instance: at.clone(), reason }, from });
            let mut goes_on = false;
            for question in next.iter().cloned() {
                goes_on |= self.ask(question, Some(place));
            }
            // A question that was asked before is answered on another path, unless it is on this one.
            let turns_back = || next.iter().any(|next| self.is_on_path(place, next.at.key()));
            let is_first = matches!(self.steps[place].step.reason, Reason::NeverRun);
            if next.is_empty() || !goes_on && (is_first || turns_back()) {
                self.ends.push(place);
            }
        }
        Ok(())
    }

    fn judge<'a>(&'a self, at: &'a Instance) -> Judge<'a> {
        Judge::new(&at.plan, &at.plan.verdicts, &self.replay)
    }

    /// Returns why an instance is not complete, and the questions that each reason leads to.
    fn why_open(&self, at: &Instance) -> Result<Vec<(Reason, Vec<Question>)>, StoreError> {
        let (graph, verdicts) = (&at.plan.graph, &at.plan.verdicts);
        let open = graph.inputs(at.node).iter();
        let open = open.filter(|&&input| !verdicts.status(input).is_complete());
        let open = open.map(|&node| Instance { plan: Arc::clone(&at.plan), node });
        let open: Vec<_> = open.map(|at| Question { at, was: None }).collect();
        let of_record = |reason: &Reason| match reason {
            Reason::Upstream { .. } => open.is_empty(),
            Reason::Required { .. } => true,
            reason => is_other_data(reason),
        };
        // A reused instance is complete, whatever its own folder holds.
        let reasons = if at.is_complete() { &[] } else { at.reasons() };
        let (mut changed, mut in_run) = (HashMap::new(), InRun::default());
        if reasons.iter().any(of_record)
            && let Some(record) = self.judge(at).record(at.node)?
        {
            changed = changed_inputs(at, &record.made_from);
            in_run = self.in_run(at, &record)?;
        }
        let next = |reason: &Reason| match reason {
            // An instance that waits for none of its inputs waits for its dynamic dependencies.
            Reason::Upstream { .. } if open.is_empty() => in_run.open.clone(),
            Reason::Upstream { .. } | Reason::NeverRun => open.clone(),
            Reason::Required { .. } => in_run.changed.clone(),
            reason => leads_to(reason, &changed),
        };
        Ok(reasons.iter().map(|reason| (reason.clone(), next(reason))).collect())
    }

    /// Returns why an instance with an output no longer gives the content `was`.
    fn why_other(
        &self,
        at: &Instance,
        was: Digest,
    ) -> Result<Vec<(Reason, Vec<Question>)>, StoreError> {
        let (graph, store) = (&at.plan.graph, &at.plan.store);
        if graph.kind(at.node) == Kind::External {
            let path = graph.external(at.node).to_string_lossy().into_owned();
            return Ok(vec![(Reason::File { path, what: "changed" }, Vec::new())]);
        }
        let task = &graph.task(at.node).folder;
        let Some(old) = store.version_with(task, at.key(), was) else {
            return Ok(Vec::new());
        };
        let judge = self.judge(at);
        let Some(now) = judge.made_from(at.node)? else { return Ok(Vec::new()) };
        let mut reasons = Vec::new();
        judge.compare(at.node, &old, &now, &mut reasons);
        judge.compare_inputs(at.node, &old, &now, &mut reasons)?;
        reasons.extend(judge.changed_reads(at.node, &old)?);
        let changed = changed_inputs(at, &old.made_from);
        let with_questions = |reason: Reason| {
            let next = leads_to(&reason, &changed);
            (reason, next)
        };
        let mut explained: Vec<_> = reasons.into_iter().map(with_questions).collect();
        // Dynamic dependencies are compared only if nothing else changed, which may well change them too.
        if explained.is_empty() {
            let InRun { reason, changed, .. } = self.in_run(at, &old)?;
            explained.extend(reason.map(|reason| (reason, changed)));
        }
        Ok(explained)
    }

    /// Compares the dynamic dependencies in a record with what they give now.
    fn in_run(&self, at: &Instance, record: &Record) -> Result<InRun, StoreError> {
        if record.required.is_empty() {
            return Ok(InRun::default());
        }
        let mut answered = Vec::new();
        let replayed = self.judge(at).replay(at.node, record, &mut answered)?;
        let reason = match replayed {
            Replayed::Different(reason) => Some(reason),
            Replayed::Same | Replayed::Open(_) => None,
        };
        let recorded = record.required.iter().flatten();
        let recorded: HashMap<Key, &Required> =
            recorded.filter_map(|required| Some((required.key?, required))).collect();
        let mut in_run = InRun { reason, ..InRun::default() };
        for Answered { plan, answers, .. } in &answered {
            for (&node, answer) in plan.graph.roots.iter().zip(answers) {
                let at = Instance { plan: Arc::clone(plan), node };
                let Some(required) = recorded.get(&at.key()) else { continue };
                let was = required.digest;
                match answer {
                    Answer::Content(now) if was != Some(*now) => {
                        in_run.changed.extend(was.map(|was| Question { at, was: Some(was) }));
                    }
                    Answer::Open => in_run.open.push(Question { at, was: None }),
                    Answer::Content(_) | Answer::Failed => {}
                }
            }
        }
        Ok(in_run)
    }

    fn is_on_path(&self, place: usize, key: Key) -> bool {
        self.places(place).any(|place| self.steps[place].step.instance.key() == key)
    }

    /// Returns the index of a step, of the step that led to it, and so on.
    fn places(&self, place: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(place), |&place| self.steps[place].from)
    }

    /// Returns the steps that are root causes, the nearest first.
    ///
    /// On a path with a step that never ran, the root cause is an obstacle or, without one, the first such step.
    fn root_causes(&self) -> Vec<usize> {
        let reason = |place: usize| &self.steps[place].step.reason;
        let key = |place: usize| self.steps[place].step.instance.key();
        let obstacles = self.ends.iter().copied().filter(|&end| reason(end).is_obstacle());
        let explained: HashSet<Key> = obstacles.flat_map(|end| self.places(end)).map(key).collect();
        let mut causes = Vec::new();
        let mut seen = HashSet::new();
        for &end in &self.ends {
            let never_run = self.places(end).filter(|&place| *reason(place) == Reason::NeverRun);
            let cause = match never_run.last() {
                Some(first) if !reason(end).is_obstacle() => {
                    if explained.contains(&key(first)) {
                        continue;
                    }
                    first
                }
                _ => end,
            };
            if seen.insert(cause) {
                causes.push(cause);
            }
        }
        causes.sort_by_cached_key(|&cause| self.places(cause).count());
        causes
    }

    /// Returns one path for each root cause, with the number of equal ones.
    fn grouped(&self) -> Vec<Cause> {
        let mut places: HashMap<(&str, String), usize> = HashMap::new();
        let mut causes: Vec<Cause> = Vec::new();
        for end in self.root_causes() {
            let Step { instance, reason } = &self.steps[end].step;
            let next = causes.len();
            let place = *places.entry((instance.task(), reason.to_string())).or_insert(next);
            match causes.get_mut(place) {
                Some(cause) => cause.alike += 1,
                None => {
                    let steps = self.places(end).map(|place| self.steps[place].step.clone());
                    let mut steps: Vec<_> = steps.collect();
                    steps.reverse();
                    causes.push(Cause { steps, alike: 0, failure: None });
                }
            }
        }
        causes
    }
}

/// How the dynamic dependencies of an instance changed.
#[derive(Default)]
struct InRun {
    /// The difference, if it is certain.
    reason: Option<Reason>,
    /// The dependencies that gave other data.
    changed: Vec<Question>,
    /// The dependencies that are not complete.
    open: Vec<Question>,
}

fn is_other_data(reason: &Reason) -> bool {
    use InputChange::{Columns, OtherData};
    matches!(reason, Reason::Input { what: OtherData { .. } | Columns { .. }, .. })
}

/// Returns a question for each recorded input, by role, with the content that it had.
fn changed_inputs(at: &Instance, was: &MadeFrom) -> HashMap<String, Question> {
    let graph = &at.plan.graph;
    let old: HashMap<&str, Digest> =
        was.inputs.iter().map(|input| (input.role.as_str(), input.digest)).collect();
    let roles = graph.roles(at.node, &at.plan.store);
    let inputs = roles.into_iter().map(|role| role.text).zip(graph.inputs(at.node));
    inputs
        .filter_map(|(role, &node)| {
            let was = Some(*old.get(role.as_str())?);
            let at = Instance { plan: Arc::clone(&at.plan), node };
            Some((role, Question { at, was }))
        })
        .collect()
}

fn leads_to(reason: &Reason, changed: &HashMap<String, Question>) -> Vec<Question> {
    match reason {
        Reason::Input { role, .. } if is_other_data(reason) => {
            changed.get(role).cloned().into_iter().collect()
        }
        _ => Vec::new(),
    }
}
