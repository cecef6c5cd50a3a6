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
    match chain(task, place) {
        (chain, None) => chain.last().copied().unwrap_or((task, place)),
        (_, Some(_)) => (task, place),
    }
}

/// Refuses a cycle of `from`, and a significant parameter that is `from` an insignificant one.
pub(crate) fn check_from(task: &'static TaskType, place: usize) -> Result<(), PlanErrorKind> {
    let param = &task.params[place];
    let (chain, back_to) = chain(task, place);
    let insignificant = chain.iter().find(|(owner, at)| !owner.params[*at].significant);
    if let (true, Some(&(owner, at))) = (param.significant, insignificant) {
        return Err(PlanErrorKind::InsignificantFrom {
            task: (task.decl)().name.into_owned(),
            param: param.name,
            from: full_name(owner, at),
        });
    }
    match back_to {
        Some(start) => {
            let cycle = chain[start..].iter().chain([&chain[start]]);
            let cycle = cycle.map(|&(owner, at)| full_name(owner, at)).collect();
            Err(PlanErrorKind::FromItself { cycle })
        }
        None => Ok(()),
    }
}

/// Returns a parameter and then, along its chain of `from`, those that it is the same as, each once.
///
/// If the last one leads back into the chain, the second value is the index of the parameter that it leads
/// back to.
fn chain(
    task: &'static TaskType,
    place: usize,
) -> (Vec<(&'static TaskType, usize)>, Option<usize>) {
    let mut chain: Vec<(&'static TaskType, usize)> = Vec::new();
    let mut next = Some((task, place));
    while let Some((owner, at)) = next {
        let is_it = |&(other, place): &(&'static TaskType, usize)| {
            ParamId::new(other, place) == ParamId::new(owner, at)
        };
        if let Some(start) = chain.iter().position(is_it) {
            return (chain, Some(start));
        }
        chain.push((owner, at));
        next = owner.params[at].from.map(|from| from());
    }
    (chain, None)
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
