//! Aliases: parameters that are another one through `#[param(from = ...)]`.
//!
//! A chain of `from` ends at the *source*: values are given to it, and all parameters of the chain have its value.

use crate::plan::error::PlanErrorKind;
use crate::plan::param_value::text;
use crate::plan::resolve::{From, Resolved};
use crate::plan::scope::Scope;
use crate::plan::types::{TypeIndex, Types};
use crate::task::TaskType;
use crate::task::param::{ParamDecl, ParamId, full_name};

/// Returns the declaration that `from` leads to, or the parameter's own one.
pub(crate) fn origin(param: &'static ParamDecl) -> &'static ParamDecl {
    let mut param = param;
    while let Some(from) = param.from {
        let (task, place) = from();
        param = &task.params[place];
    }
    param
}

/// Returns a parameter and then, along its chain of `from`, those that it is the same as.
pub(crate) fn same(
    task: &'static TaskType,
    place: usize,
) -> impl Iterator<Item = (&'static TaskType, usize)> {
    std::iter::successors(Some((task, place)), |(task, place)| {
        task.params[*place].from.map(|from| from())
    })
}

/// Returns the last parameter of a chain of `from` (see [`source`]).
pub(crate) fn source_id(task: &'static TaskType, place: usize) -> ParamId {
    let (owner, at) = source(task, place);
    ParamId::new(owner, at)
}

/// Returns the last parameter of a chain of `from`: the one to which values are given.
///
/// If parameters form a cycle, which a plan refuses, each of them is its own source.
pub(crate) fn source(task: &'static TaskType, place: usize) -> (&'static TaskType, usize) {
    if task.params[place].from.is_none() {
        return (task, place);
    }
    let mut passed: Vec<ParamId> = Vec::new();
    let mut last = (task, place);
    for (owner, at) in same(task, place) {
        if passed.contains(&ParamId::new(owner, at)) {
            return (task, place);
        }
        passed.push(ParamId::new(owner, at));
        last = (owner, at);
    }
    last
}

/// Refuses a cycle of `from`, and a significant parameter that is `from` an insignificant one.
pub(crate) fn check_from(task: &'static TaskType, place: usize) -> Result<(), PlanErrorKind> {
    let mut passed: Vec<ParamId> = Vec::new();
    let mut names = Vec::new();
    for (owner, at) in same(task, place) {
        let found = passed.iter().position(|&other| other == ParamId::new(owner, at));
        passed.push(ParamId::new(owner, at));
        names.push(full_name(owner, at));
        if let Some(start) = found {
            return Err(PlanErrorKind::FromItself { cycle: names.split_off(start) });
        }
        if task.params[place].significant && !owner.params[at].significant {
            return Err(PlanErrorKind::InsignificantFrom {
                task: (task.decl)().name.into_owned(),
                param: task.params[place].name,
                from: names.pop().expect("its own name"),
            });
        }
    }
    Ok(())
}

/// Refuses a value that differs from that of a parameter downstream which is the same through `from`.
///
/// A literal of the dependency is allowed to differ.
pub(crate) fn agrees(
    types: &Types,
    index: TypeIndex,
    place: usize,
    resolved: &Resolved,
    scope: &Scope,
) -> Result<(), PlanErrorKind> {
    let Some(shared) = scope.shared(types.sources(index)[place]) else { return Ok(()) };
    let task = types.get(index).task;
    let is_itself = ParamId::new(shared.task, shared.place) == ParamId::new(task, place);
    if is_itself || resolved.from == From::Literal || shared.value.digest == resolved.value.digest {
        return Ok(());
    }
    let values =
        [(shared.task, shared.place, &shared.value.value), (task, place, &resolved.value.value)];
    let given = values
        .map(|(task, place, value)| (full_name(task, place), text(&task.params[place], value)));
    Err(disagree((task, place), given))
}

/// Returns the error that parameters which are the same through `from` have two values.
pub(crate) fn disagree(
    (task, place): (&'static TaskType, usize),
    values: [(String, String); 2],
) -> PlanErrorKind {
    let (owner, at) = source(task, place);
    PlanErrorKind::Disagree {
        task: (task.decl)().name.into_owned(),
        param: task.params[place].name,
        origin: full_name(owner, at),
        values: Box::new(values),
    }
}
