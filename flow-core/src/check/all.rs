//! Checks all tasks of a program together.
//!
//! A task that no other task requires is checked as a root. The others are checked as they are required,
//! with the values that they get there. A task that is not reached, because a condition does not hold or a list
//! is empty, is checked by itself. There a parameter without a value is no problem, because a task that requires it may
//! set the value.
//!
//! `check_all!` is one test for all tasks, and not one per task, because a macro cannot list them: they are registered
//! when the program is linked.

use std::any::TypeId;
use std::collections::{BTreeMap, HashSet};
use std::fmt;

use super::{Findings, golden};
use crate::flow::Flow;
use crate::plan::alias::origin;
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::given::Givens;
use crate::plan::types::Types;
use crate::plan::warning::Warning;
use crate::store::Store;
use crate::task::TaskType;
use crate::task::param::full_name;
use crate::task::registry;

/// The result of checking all tasks of a program.
#[derive(Debug)]
pub struct Report {
    /// The problems of each task, by its name.
    tasks: BTreeMap<String, Vec<PlanError>>,
    warnings: Vec<Warning>,
    golden: golden::Tasks,
}

/// The tasks of a program without problems.
#[derive(Debug)]
#[non_exhaustive]
pub struct Sound {
    /// The names of the tasks.
    pub tasks: Vec<String>,
    /// Things that are legal but probably unintended.
    pub warnings: Vec<Warning>,
}

impl Report {
    /// Checks all tasks of this program, with the values that `with` gives.
    #[doc(hidden)]
    pub fn of_program(with: impl FnOnce(Flow) -> Flow) -> Self {
        Self::of(&with(Flow::nowhere()), &registry::with_generic(registry::all()))
    }

    fn of(flow: &Flow, registered: &[&'static TaskType]) -> Self {
        let roots = roots(registered);
        let Findings { mut problems, warnings, graph } = flow.inspect(&roots);
        let mut reached: HashSet<TypeId> = HashSet::new();
        if let Some(graph) = &graph {
            reached.extend(graph.nodes().map(|node| (graph.task(node).task.id)()));
        }
        let reported: HashSet<String> = problems.iter().flat_map(tasks_of).collect();
        for task in registered {
            let name = (task.decl)().name;
            if reached.contains(&(task.id)()) || reported.contains(&*name) {
                continue;
            }
            let alone = flow.with_givens(givens_of(flow, task));
            let alone = alone.inspect(&[task]).problems.into_iter();
            problems.extend(alone.filter(|problem| {
                !matches!(&problem.kind, PlanErrorKind::NoValue { task, .. } if *task == *name)
            }));
        }
        let names = registered.iter().map(|task| (task.decl)().name.into_owned());
        let mut tasks: BTreeMap<String, Vec<PlanError>> = names.map(|n| (n, Vec::new())).collect();
        let mut seen = HashSet::new();
        problems.retain(|problem| seen.insert(problem.kind.to_string()));
        for problem in problems {
            let task = tasks_of(&problem).into_iter().next().unwrap_or_default();
            tasks.entry(task).or_default().push(problem);
        }
        let golden = golden::Tasks::of(flow, registered);
        Self { tasks, warnings, golden }
    }

    /// Returns the tasks, if none has a problem.
    ///
    /// # Errors
    ///
    /// Returns the report, if any task has a problem.
    pub fn sound(self) -> Result<Sound, Self> {
        if self.tasks.values().any(|problems| !problems.is_empty()) {
            return Err(self);
        }
        Ok(Sound { tasks: self.tasks.into_keys().collect(), warnings: self.warnings })
    }

    /// Returns an iterator over the tasks, each with its problems.
    pub fn tasks(&self) -> impl Iterator<Item = (&str, &[PlanError])> {
        self.tasks.iter().map(|(task, problems)| (task.as_str(), problems.as_slice()))
    }

    /// Returns the keys of the tasks, for comparison with a golden file.
    #[doc(hidden)]
    pub fn golden(&self) -> &golden::Tasks {
        &self.golden
    }
}

impl std::error::Error for Report {}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wrong = self.tasks.values().filter(|problems| !problems.is_empty()).count();
        write!(f, "{wrong} of {} tasks have something wrong:", self.tasks.len())?;
        for (task, problems) in self.tasks().filter(|(_, problems)| !problems.is_empty()) {
            let task = if task.is_empty() { "the program" } else { task };
            write!(f, "\n{task}")?;
            for problem in problems {
                write!(f, "\n- {}", problem.to_string().replace('\n', "\n  "))?;
            }
        }
        let sound = self.tasks().filter(|(_, problems)| problems.is_empty()).map(|(task, _)| task);
        let sound: Vec<_> = sound.collect();
        if !sound.is_empty() {
            write!(f, "\nsound: {}", sound.join(", "))?;
        }
        Ok(())
    }
}

/// Returns the tasks that no other task requires. Of a cycle, which conditions may break, no task is a root.
fn roots(registered: &[&'static TaskType]) -> Vec<&'static TaskType> {
    let mut required = HashSet::new();
    for task in registered {
        (task.requirement_types)(&mut |other| {
            if (other.id)() != (task.id)() {
                required.insert((other.id)());
            }
        });
    }
    registered.iter().copied().filter(|task| !required.contains(&(task.id)())).collect()
}

/// Returns the values of the flow that apply to one task.
///
/// Values given by name are left out if neither the task nor a task upstream of it has such a parameter: they are
/// meant for other tasks.
pub(super) fn givens_of(flow: &Flow, task: &'static TaskType) -> Givens {
    let mut givens = flow.givens().clone();
    if let Ok(types) = Types::new(&[task], &Store::nowhere()) {
        let mut names: HashSet<String> = HashSet::new();
        for entry in &types.all {
            for (place, param) in entry.task.params.iter().enumerate() {
                names.extend([param.name, origin(param).name].map(str::to_owned));
                names.insert(full_name(entry.task, place));
            }
        }
        givens.named.retain(|name, _| names.contains(name));
    }
    givens
}

/// Returns the tasks that a problem concerns; it is reported for the first one.
fn tasks_of(problem: &PlanError) -> Vec<String> {
    use PlanErrorKind as Kind;

    match &problem.kind {
        Kind::SameName { name, .. } => vec![name.clone()],
        Kind::SameFolder { tasks, .. } => tasks.to_vec(),
        Kind::OtherType { task, .. }
        | Kind::InsignificantFrom { task, .. }
        | Kind::SameParameter { task, .. }
        | Kind::WrongType { task, .. } => vec![task.clone()],
        Kind::FromItself { cycle } => cycle
            .first()
            .and_then(|first| first.split('.').next())
            .map(str::to_owned)
            .into_iter()
            .collect(),
        _ => problem.way.last().cloned().into_iter().collect(),
    }
}
