//! Warnings: values that were given and reach nothing, outputs that other versions of crates made.

use std::collections::BTreeSet;
use std::fmt;

use crate::param::ParamDecl;
use crate::plan::error::PlanErrorKind;
use crate::plan::given::Givens;
use crate::plan::reason::LISTED;
use crate::plan::resolve::{Resolver, fit};
use crate::plan::types::{TypeIndex, Types, origin};
use crate::plan::variant::Root;

/// Something that is not wrong, but hardly meant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A value given to this parameter reaches no instance: its task is not required, or a
    /// requirement sets the parameter itself.
    Unused {
        /// `Task.parameter`, or the name alone if it was given by name.
        parameter: String,
    },
    /// A task that is to be forced is not required.
    ForcesNothing {
        /// Its name.
        task: String,
    },
    /// An output that a test gave is that of no instance: its task is not required.
    StandInUnused {
        /// The name of the task.
        task: String,
    },
    /// Outputs that are complete were made with other versions of crates than today's, whose source
    /// is not tracked. They count for tasks with `#[tracked(lock)]` alone.
    Crates {
        /// The name of the task.
        task: String,
        /// Each crate that was another, by name: its name, the version it had, and today's.
        crates: Vec<(String, String, String)>,
        /// How many instances were made with others.
        instances: usize,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unused { parameter } => write!(
                f,
                "the value given for `{parameter}` reaches nothing: no task required here takes it"
            ),
            Self::ForcesNothing { task } => {
                write!(f, "`{task}` is to be forced, and is not required here")
            }
            Self::StandInUnused { task } => {
                write!(
                    f,
                    "an output was given for `{task}`, and no instance that it is for is required here"
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
                match instances - 1 {
                    0 => Ok(()),
                    1 => f.write_str(" (and 1 more instance)"),
                    more => write!(f, " (and {more} more instances)"),
                }
            }
        }
    }
}

/// Refuses values given by a name that no task here has, or that do not fit every parameter of
/// that name: both are more than unused.
pub(crate) fn check_names(types: &Types, givens: &Givens) -> Result<(), PlanErrorKind> {
    for (name, value) in &givens.named {
        for (index, param) in with_name(types, name)? {
            fit(&types.get(index).decl.name, param, name, value)?;
        }
    }
    Ok(())
}

/// All parameters that a value given by this name reaches.
///
/// # Errors
///
/// There are none.
pub(super) fn with_name(
    types: &Types,
    name: &str,
) -> Result<impl Iterator<Item = (TypeIndex, &'static ParamDecl)>, PlanErrorKind> {
    let indices = (0..types.all.len()).map(|index| index as TypeIndex);
    let params =
        indices.flat_map(|index| types.get(index).task.params.iter().map(move |p| (index, p)));
    let mut params = params.filter(|(_, param)| is_named(param, name)).peekable();
    if params.peek().is_none() {
        let known = known_names(types);
        return Err(PlanErrorKind::UnknownName {
            name: name.to_owned(),
            nearest: nearest(name, &known),
            known: known.into_iter().map(str::to_owned).collect(),
        });
    }
    Ok(params)
}

/// Whether a value given by this name reaches a parameter.
pub(super) fn is_named(param: &'static ParamDecl, name: &str) -> bool {
    param.name == name || origin(param).name == name
}

/// The given values that reached nothing: of those of variants, in none of them.
pub(crate) fn unused(resolver: &Resolver<'_>, roots: &[Root<'_>]) -> Vec<Warning> {
    let givens = resolver.givens;
    let variants = || roots.iter().filter_map(|root| root.variant);
    let all = givens.typed.iter().map(|(&(_, place), given)| (given.task, place));
    let of_variants = variants().flat_map(|(_, setting)| &setting.typed);
    let typed = all.chain(of_variants.map(|&(task, place, _)| (task, place)));
    let typed = typed.filter(|(task, place)| !resolver.used_typed.contains(&((task.id)(), *place)));
    let typed =
        typed.map(|(task, place)| format!("{}.{}", (task.decl)().name, task.params[place].name));
    let named = givens.named.keys().chain(variants().flat_map(|(_, setting)| setting.named.keys()));
    let named = named.filter(|name| !resolver.used_named.contains(*name)).cloned();
    let unused: BTreeSet<_> = typed.chain(named).collect();
    unused.into_iter().map(|parameter| Warning::Unused { parameter }).collect()
}

fn known_names(types: &Types) -> Vec<&'static str> {
    let params = types.all.iter().flat_map(|entry| entry.task.params);
    let mut names: Vec<_> = params.flat_map(|param| [param.name, origin(param).name]).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The name most like `name`, if one is like it at all.
pub(crate) fn nearest(name: &str, known: &[&str]) -> Option<String> {
    let likeness = |other: &&str| strsim::jaro_winkler(name, other);
    let best = known.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&best) > 0.75).then(|| best.to_owned())
}
