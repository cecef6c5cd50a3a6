//! Warnings about a plan: settings that are legal but probably unintended.

use std::collections::BTreeMap;
use std::fmt;

use crate::base::bytes::Bytes;
use crate::base::names::nearest;
use crate::plan::alias::origin;
use crate::plan::error::PlanErrorKind;
use crate::plan::given::Givens;
use crate::plan::named;
use crate::plan::param_value::fit;
use crate::plan::reason::LISTED;
use crate::plan::resolve::Resolver;
use crate::plan::types::{TypeIndex, Types};
use crate::plan::variant::Root;
use crate::task::param::{ParamDecl, ParamId, full_name};

/// Something that is legal but probably unintended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A value given to this parameter reaches no instance.
    ///
    /// Its task is not required, or a dependency sets the parameter itself.
    Unused {
        /// `Task.parameter`, or the name alone if it was given by name.
        parameter: String,
    },
    /// A value was given by a name that only tasks have which are not required.
    NotRequired {
        /// The name, as it was given.
        parameter: String,
        /// A task of the program that has such a parameter.
        task: String,
    },
    /// A sweep gives a parameter the same value several times, so that several variants are one instance.
    ///
    /// A sample of a larger grid has no such warning.
    EqualValues {
        /// The parameter, as `Task.parameter`.
        parameter: String,
        /// The value, as text.
        value: String,
        /// How often it is given.
        times: usize,
    },
    /// A given value does not reach a parameter of the same name, because it has another type.
    ///
    /// The parameter keeps its default.
    Stopped {
        /// The parameter with the value, as `Task.parameter`.
        given: String,
        /// Its type.
        given_type: String,
        /// The parameter that the value does not reach, as `Task.parameter`.
        parameter: String,
        /// Its type.
        parameter_type: String,
        /// The key of that parameter, as it is written in code.
        key: String,
    },
    /// A forced task is not required.
    ForcesNothing {
        /// Its name.
        task: String,
    },
    /// A stand-in output of a test belongs to no required instance.
    StandInUnused {
        /// The name of the task.
        task: String,
    },
    /// An observer panicked, and received no more events in this run.
    ObserverPanicked {
        /// The message of the panic.
        message: String,
    },
    /// An observer was still busy when the run ended, and the run did not wait any longer.
    ObserverBehind {
        /// The number of events that it had not received yet.
        events: usize,
    },
    /// The history of the run could not be written, or not to its end. The outputs are complete all the same.
    HistoryNotWritten {
        /// Why it could not be written.
        error: String,
    },
    /// The [executor](crate::Flow::executor) of the flow could not do everything at the end of the run. The outputs are complete all
    /// the same.
    Executor {
        /// The name of the executor.
        executor: String,
        /// What it could not do, and what to do about it.
        message: String,
    },
    /// The expression in `#[task(refresh = ...)]` failed, so that outputs are used that may be out of date.
    NotRefreshed {
        /// The name of the task.
        task: String,
        /// Why it failed.
        error: String,
        /// The number of instances that this concerns.
        instances: usize,
    },
    /// A task uses more threads than the flow has workers. It takes all workers.
    Threads {
        /// The name of the task.
        task: String,
        /// The number of threads that it declares; of several instances, the largest one.
        threads: usize,
        /// The number of workers.
        workers: usize,
        /// The number of instances that this concerns.
        instances: usize,
    },
    /// The values of [`Memory`](crate::Memory) tasks take more memory than
    /// [`Flow::value_budget`](crate::Flow::value_budget) when the run ends, values of earlier runs included.
    ///
    /// They are kept, because a value in memory could not be loaded again. Sizes are those of
    /// [`memory_size!`](crate::memory_size).
    MemoryOverBudget {
        /// The name of the task whose values take most.
        task: String,
        /// How many values of the task are in memory.
        values: usize,
        /// The bytes that these take.
        bytes: u64,
        /// The bytes that the values of all `Memory` tasks take.
        total: u64,
        /// The budget, in bytes.
        budget: u64,
    },
    /// The flow [requires signatures](crate::Flow::require_signatures) and could not accept what a run would store. The run fails.
    CannotSign {
        /// Why not, with the remedy.
        why: String,
    },
    /// An output of this run does not meet expectations that only warn: `flow::expect`. It is stored all the same.
    NotAsExpected {
        /// The instance, such as `Orders {day: 3}`.
        instance: String,
        /// The expectations, each with how it is violated, and the path of the rejected rows, if there are any.
        message: String,
        /// The number of rows that violate an expectation.
        rejected: u64,
    },
    /// Complete outputs were computed with other versions of crates, whose source is not tracked.
    ///
    /// Versions count only for tasks with `#[tracked(lock)]`.
    Crates {
        /// The name of the task.
        task: String,
        /// Each crate that differs: its name, the version it had, and today's version.
        crates: Vec<(String, String, String)>,
        /// The number of instances that were computed with other versions.
        instances: usize,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unused { parameter } => write!(
                f,
                "the value given for `{parameter}` is not used: no task of the graph takes it"
            ),
            Self::NotRequired { parameter, task } => write!(
                f,
                "the value given for `{parameter}` is not used: `{task}` has that parameter, and no task of \
                 the graph requires `{task}`"
            ),
            Self::EqualValues { parameter, value, times } => write!(
                f,
                "the sweep gives the value `{value}` to `{parameter}` {times} times, so that several variants are \
                 the same instance: give each value once"
            ),
            Self::Stopped { given, given_type, parameter, parameter_type, key } => write!(
                f,
                "the value of `{given}` (`{given_type}`) does not reach `{parameter}`, which has the \
                 type `{parameter_type}` and keeps its default: set it with `flow.with({key}, ...)` \
                 (`--param {parameter}=...` on the command line), give both parameters one type, or mark one \
                 of them `#[param(local)]`"
            ),
            Self::ForcesNothing { task } => {
                write!(f, "`{task}` is forced, but nothing here requires it")
            }
            Self::StandInUnused { task } => {
                write!(
                    f,
                    "an output was given for `{task}`, but no instance that it applies to is required here"
                )
            }
            Self::Crates { task, crates, instances } => {
                write!(f, "{task} was made with ")?;
                for (place, (name, was, now)) in crates.iter().take(LISTED).enumerate() {
                    let comma = if place == 0 { "" } else { "; " };
                    write!(f, "{comma}{name} {was}, now {now}")?;
                }
                if let Some(more @ 1..) = crates.len().checked_sub(LISTED) {
                    write!(f, "; and {more} more")?;
                }
                write_more_instances(f, *instances)
            }
            Self::Threads { task, threads, workers, instances } => {
                let of_flow =
                    if *workers == 1 { "1 worker" } else { &format!("{workers} workers") };
                write!(
                    f,
                    "`{task}` declares {threads} threads, and the flow has {of_flow}: it counts as using all of them"
                )?;
                write_more_instances(f, *instances)
            }
            Self::MemoryOverBudget { task, values, bytes, total, budget } => {
                let s = if *values == 1 { "" } else { "s" };
                write!(
                    f,
                    "values of `Memory` tasks take {} of memory, and the budget is {}: most are of `{task}`, {} in \
                     {values} value{s}; give it a target that stores them, such as `ArrowIpc`, reset it when they \
                     are not needed any more, or raise the budget with `flow.value_budget({total})`",
                    Bytes(*total),
                    Bytes(*budget),
                    Bytes(*bytes),
                )
            }
            Self::CannotSign { why } => write!(f, "the flow requires signatures, but {why}"),
            Self::NotAsExpected { instance, message, .. } => write!(f, "{instance}: {message}"),
            Self::ObserverPanicked { message } => {
                write!(f, "an observer panicked and received no more events in this run: {message}")
            }
            Self::ObserverBehind { events } => {
                let s = if *events == 1 { "" } else { "s" };
                write!(
                    f,
                    "an observer was still busy when the run ended, and had not received {events} event{s}"
                )
            }
            Self::HistoryNotWritten { error } => {
                write!(f, "the history of this run is incomplete or missing: {error}")
            }
            Self::Executor { executor, message } => {
                write!(f, "the executor `{executor}`: {message}")
            }
            Self::NotRefreshed { task, error, instances } => {
                write!(
                    f,
                    "evaluating `refresh` of {task} failed, and its output is used as it is: {error}"
                )?;
                write_more_instances(f, *instances)
            }
        }
    }
}

/// Writes how many instances a warning concerns besides the first.
fn write_more_instances(f: &mut fmt::Formatter<'_>, instances: usize) -> fmt::Result {
    match instances.saturating_sub(1) {
        0 => Ok(()),
        1 => f.write_str(" (and 1 more instance)"),
        more => write!(f, " (and {more} more instances)"),
    }
}

/// Refuses values given by a name that no task of the program has, or that do not fit every parameter of that
/// name.
///
/// Both are errors and not only warnings. If only a task that is not required here has the name, the value may be
/// meant for another root, and [`unused`] returns a warning.
pub(crate) fn check_names(types: &Types, givens: &Givens) -> Result<(), PlanErrorKind> {
    if let Some(found) = &givens.not_params {
        return Err(PlanErrorKind::NotParams { found: found.clone() });
    }
    for (name, value) in &givens.named {
        if named::find(types, name).is_some() {
            continue;
        }
        let params = match with_name(types, name) {
            Ok(params) => params,
            Err(PlanErrorKind::UnknownName { other: Some(_), .. }) => continue,
            Err(unknown) => return Err(unknown),
        };
        for (index, param) in params {
            fit(&types.get(index).decl.name, param, name, value)?;
        }
    }
    Ok(())
}

/// Returns all parameters that a value given by this name reaches.
///
/// # Errors
///
/// There are none. The error names a task of the program that has such a parameter.
pub(super) fn with_name<'a>(
    types: &'a Types,
    name: &'a str,
) -> Result<impl Iterator<Item = (TypeIndex, &'static ParamDecl)> + 'a, PlanErrorKind> {
    let indices = (0..types.all.len()).map(|index| index as TypeIndex);
    let params = indices.flat_map(|index| {
        let params = types.get(index).task.params.iter().enumerate();
        params.map(move |(place, param)| (index, place, param))
    });
    let mut params = params
        .filter(move |&(index, place, _)| types.names_of(index, place).contains(&name))
        .map(|(index, _, param)| (index, param))
        .peekable();
    if params.peek().is_none() {
        let known = known_names(types, name.contains('.'));
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        return Err(PlanErrorKind::UnknownName {
            name: name.to_owned(),
            nearest: nearest(name, &known),
            known: known.into_iter().map(str::to_owned).collect(),
            other: named::registered(name),
        });
    }
    Ok(params)
}

/// Returns a warning for each value of the flow that was not used.
///
/// This is no error: a flow serves many roots, and the value may be for another one.
pub(crate) fn unused(types: &Types, resolver: &Resolver<'_>) -> Vec<Warning> {
    let givens = resolver.givens;
    let typed = givens.typed.iter().map(|(&ParamId { place, .. }, given)| (given.task, place));
    let typed = typed.filter(|&(task, place)| !resolver.lookup.is_used(task, place));
    let typed = typed.map(|(task, place)| full_name(task, place));
    let typed = typed.map(|parameter| (parameter.clone(), Warning::Unused { parameter }));
    let named = givens.named.keys().filter(|name| !resolver.lookup.is_name_used(name)).cloned();
    let named = named.filter_map(|parameter| match with_name(types, &parameter).err() {
        // It is meant for other roots.
        Some(PlanErrorKind::UnknownName { other: Some(_), .. })
            if givens.configured.contains(&parameter) =>
        {
            None
        }
        Some(PlanErrorKind::UnknownName { other: Some(task), .. }) => {
            Some((parameter.clone(), Warning::NotRequired { parameter, task }))
        }
        _ => Some((parameter.clone(), Warning::Unused { parameter })),
    });
    let unused: BTreeMap<String, Warning> = typed.chain(named).collect();
    unused.into_values().collect()
}

/// Returns a warning for each value that did not reach a parameter of its name.
pub(crate) fn stopped(resolver: &Resolver<'_>) -> impl Iterator<Item = Warning> {
    resolver.stopped.iter().cloned().map(|stopped| {
        let ((given, given_type), (parameter, parameter_type)) = (stopped.given, stopped.stopped);
        Warning::Stopped { given, given_type, parameter, parameter_type, key: stopped.key }
    })
}

/// Refuses a parameter that the variants of a sweep give and that was used in none of them.
///
/// This is an error, and not a warning as for a flow: a sweep has its roots, and trying values that reach
/// none of them is a mistake. If the plan has only some of the variants, this cannot be decided.
pub(super) fn check_variants(
    types: &Types,
    resolver: &Resolver<'_>,
    roots: &[Root<'_>],
) -> Result<(), PlanErrorKind> {
    if roots.iter().any(|root| root.is_part) {
        return Ok(());
    }
    let nothing = |param: String, why: String| {
        let mut names = Vec::new();
        for name in roots.iter().map(|root| (root.task.decl)().name) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Err(PlanErrorKind::VariantsReachNothing { param, root: names.join("`, `"), why })
    };
    for (_, setting) in roots.iter().filter_map(|root| root.variant) {
        for &(task, place, _) in &setting.typed {
            if resolver.lookup.is_used(task, place) {
                continue;
            }
            let (name, param) = ((task.decl)().name, task.params[place].name);
            let why = match types.find((task.id)()) {
                Some(_) => sets_itself(&format!("`{name}`"), param),
                None if types.find_source(task, place).is_none() => format!(
                    "nothing requires `{name}` there; leave `{param}` out of the sweep, or let \
                     something require `{name}`"
                ),
                None => sets_itself("a task that takes it", param),
            };
            return nothing(full_name(task, place), why);
        }
        for name in setting.named.keys() {
            if !resolver.lookup.is_name_used(name) {
                return nothing(name.clone(), sets_itself("a task that takes it", name));
            }
        }
    }
    Ok(())
}

/// Returns why a value does not reach a task that may be required.
fn sets_itself(task: &str, param: &str) -> String {
    format!(
        "no variant requires {task}, or what requires it gives `{param}` a value of its own; leave \
         `{param}` out of the sweep, or that value out of the requirement"
    )
}

/// Returns the names of all parameters, alone or as `Task.parameter`.
fn known_names(types: &Types, with_task: bool) -> Vec<String> {
    let mut names = Vec::new();
    for entry in &types.all {
        for (place, param) in entry.task.params.iter().enumerate() {
            match with_task {
                true => names.push(full_name(entry.task, place)),
                false => names.extend([param.name, origin(param).name].map(str::to_owned)),
            }
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}
