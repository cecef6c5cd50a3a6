//! Values given by the name of one task's parameter, as `Task.parameter`.
//!
//! Previews print such names. A value that is given by one is meant for that parameter alone, like a value
//! that is given by the typed key. So when the tasks of a plan are known, it becomes one.

use crate::base::panics::Contained;
use crate::plan::alias::source;
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::given::{Given, Givens};
use crate::plan::param_value::fit;
use crate::plan::types::{TypeIndex, Types};
use crate::plan::variant::Root;
use crate::task::param::ParamId;
use crate::task::registry;
use crate::task::setting::{self, Named, Setting};
use crate::value::AnyValue;

/// Splits `Task.parameter`; `None` for the name of a parameter alone.
fn split(name: &str) -> Option<(&str, &str)> {
    // The name of a task may contain a dot.
    name.rsplit_once('.')
}

/// Returns the parameter of this plan with the name `Task.parameter`.
pub(super) fn find(types: &Types, name: &str) -> Option<(TypeIndex, usize)> {
    let (task, param) = split(name)?;
    let index = types.all.iter().position(|entry| entry.decl.name == task)?;
    let place = types.all[index].task.params.iter().position(|other| other.name == param)?;
    Some((index as TypeIndex, place))
}

/// Returns the name of a task of the program that has a parameter of this name, with or without its task.
pub(super) fn registered(name: &str) -> Option<String> {
    let (task_name, param_name) = match split(name) {
        Some((task, param)) => (Some(task), param),
        None => (None, name),
    };
    let mut tasks = registry::all().into_iter();
    let task = tasks.find(|&task| {
        task_name.is_none_or(|name| (task.decl)().name == name)
            && (0..task.params.len()).any(|place| {
                let (owner, at) = source(task, place);
                let is_alias = task_name.is_none() && owner.params[at].name == param_name;
                task.params[place].name == param_name || is_alias
            })
    })?;
    Some((task.decl)().name.into_owned())
}

/// Returns the value, converted for the parameter with the name `Task.parameter`, if this plan has it.
fn converted(
    types: &Types,
    name: &str,
    value: &Named,
) -> Result<Option<(TypeIndex, usize, AnyValue)>, PlanErrorKind> {
    let Some((index, place)) = find(types, name) else { return Ok(None) };
    let entry = types.get(index);
    let value = fit(&entry.decl.name, entry.param(place), name, value)?;
    Ok(Some((index, place, value)))
}

/// Returns the values of a flow, with those that are meant for one task given to that task.
///
/// It is `None` if there are none. Such a value replaces one that was given by the typed key before: giving a
/// value by a typed key removes an earlier one by name.
pub(super) fn assign(types: &Types, givens: &Givens) -> Result<Option<Givens>, PlanErrorKind> {
    let mut assigned: Option<Givens> = None;
    for (name, value) in &givens.named {
        let Some((index, place, value)) = converted(types, name, value)? else { continue };
        let task = types.get(index).task;
        let assigned = assigned.get_or_insert_with(|| givens.clone());
        assigned.named.remove(name);
        let given = Given { task, value: Contained::new(value) };
        assigned.typed.insert(ParamId::new(task, place), given);
    }
    Ok(assigned)
}

/// Returns the settings of the roots' variants, with values that are meant for one task given to that task.
///
/// A setting without such values is `None`. The list is empty if no setting has one.
pub(super) fn assign_variants(
    types: &Types,
    roots: &[Root<'_>],
) -> Result<Vec<Option<Setting>>, Box<PlanError>> {
    let is_meant = |root: &Root<'_>| {
        let has_one = |setting: &Setting| setting.named.keys().any(|name| split(name).is_some());
        root.variant.is_some_and(|(_, setting)| has_one(setting))
    };
    if !roots.iter().any(is_meant) {
        return Ok(Vec::new());
    }
    let assigned = roots.iter().map(|root| {
        let Some((variant, setting)) = root.variant else { return Ok(None) };
        assign_setting(types, setting).map_err(|kind| {
            let mut error = Box::new(PlanError::new(kind, Vec::new()));
            error.variant = Some(variant.to_owned());
            error
        })
    });
    assigned.collect()
}

fn assign_setting(types: &Types, setting: &Setting) -> Result<Option<Setting>, PlanErrorKind> {
    let mut assigned: Option<Setting> = None;
    for (name, value) in &setting.named {
        let Some((index, place, value)) = converted(types, name, value)? else { continue };
        let assigned = assigned.get_or_insert_with(|| setting.clone());
        assigned.named.remove(name);
        setting::put(&mut assigned.typed, types.get(index).task, place, value);
    }
    Ok(assigned)
}

/// Returns the roots with these settings, of which [`assign_variants`] returned one for each root.
pub(super) fn with_settings<'a>(
    roots: &[Root<'a>],
    settings: &'a [Option<Setting>],
) -> Vec<Root<'a>> {
    let replaced = roots.iter().zip(settings).map(|(root, setting)| {
        let variant = root.variant.map(|(name, given)| (name, setting.as_ref().unwrap_or(given)));
        Root { variant, ..*root }
    });
    replaced.collect()
}
