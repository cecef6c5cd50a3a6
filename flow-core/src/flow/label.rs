//! Labels of outputs in a store, where their records are known and there is no plan.
//!
//! A record has the parameters of the task and of all upstream tasks, and does not say which of them have their
//! defaults. The name of the instance's folder does: it shows the upstream parameters that differ from their defaults, as
//! the label in a preview does. So a label has the parameters that the name of the folder shows.
//!
//! A record has them by name. A label has those of the task in the order of their declaration, as all other labels do, if the task
//! is one of this program.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use crate::base::key::Key;
use crate::base::parallel;
use crate::store::folder::shows_parameter;
use crate::task::param::ParamDecl;
use crate::task::registry;
use crate::value::shortened;

/// The maximal length of a printed parameter value, in characters.
const VALUE: usize = 100;

/// The parameters in a record, by name.
pub(super) type Parameters = BTreeMap<String, serde_json::Value>;

/// What the record and the folder of an output say about its instance.
pub(super) struct Described<'a> {
    pub(super) task: &'a str,
    pub(super) key: Key,
    pub(super) parameters: &'a Parameters,
    pub(super) folder: &'a Path,
}

impl Described<'_> {
    /// Returns the label of an instance beside which no other instances are known.
    ///
    /// If it leaves out parameters of upstream tasks, digits of the key make it unique.
    pub(super) fn label(&self) -> String {
        let is_shown = self.is_shown();
        let is_whole = self.parameters.keys().all(|name| is_own(name) || is_shown(name));
        let label = self.text(is_shown);
        if is_whole { label } else { self.with_digits(&label) }
    }

    /// Returns the task with its own parameters, and those of upstream tasks for which `is_shown` returns `true`.
    fn text(&self, is_shown: impl Fn(&str) -> bool) -> String {
        let own = self.parameters.iter().filter(|(name, _)| is_own(name));
        let mut own: Vec<_> = own.collect();
        let declared = declared(self.task);
        // One that the task does not have any more is behind the others.
        own.sort_by_key(|(name, _)| {
            let place = declared.iter().position(|param| param.name == name.as_str());
            place.unwrap_or(declared.len())
        });
        let upstream = self.parameters.iter().filter(|(name, _)| !is_own(name) && is_shown(name));
        let text = own.into_iter().chain(upstream).map(|(name, value)| match value {
            serde_json::Value::String(text) => format!("{name}: {}", shortened(text, VALUE)),
            serde_json::Value::Null => format!("{name}: none"),
            value => format!("{name}: {}", shortened(&value.to_string(), VALUE)),
        });
        match text.collect::<Vec<_>>().join(", ") {
            text if text.is_empty() => self.task.to_owned(),
            text => format!("{} {{{text}}}", self.task),
        }
    }

    /// Returns a function that returns whether the name of the folder shows a parameter.
    fn is_shown(&self) -> impl Fn(&str) -> bool {
        let folder = self.folder.file_name().unwrap_or_default().to_string_lossy();
        move |name: &str| shows_parameter(&folder, name)
    }

    fn with_digits(&self, label: &str) -> String {
        format!("{label} #{}", &self.key.short().to_string()[..8])
    }
}

/// Returns the labels of instances that are listed together. No two of them are equal.
///
/// If two instances would have the same label, those parameters of upstream tasks are added in which some instances of
/// the task differ and, if that does not suffice, digits of the key.
pub(super) fn labels(all: &[Described<'_>]) -> Vec<String> {
    let mut labels = parallel::map(all, |one| one.text(one.is_shown()));
    let ambiguous = ambiguous_places(&labels);
    if ambiguous.is_empty() {
        return labels;
    }
    let differing = differing_parameters(all);
    for place in ambiguous {
        let one = &all[place];
        let differs = |name: &str| differing[one.task].contains(name);
        let is_shown = one.is_shown();
        labels[place] = one.text(|name| is_shown(name) || differs(name));
    }
    for place in ambiguous_places(&labels) {
        labels[place] = all[place].with_digits(&labels[place]);
    }
    labels
}

/// Returns the places of the labels that occur more than once.
fn ambiguous_places(labels: &[String]) -> Vec<usize> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for label in labels {
        *counts.entry(label.as_str()).or_default() += 1;
    }
    (0..labels.len()).filter(|&place| counts[labels[place].as_str()] > 1).collect()
}

/// Returns for each task the parameters in which some of its instances differ.
fn differing_parameters<'a>(all: &[Described<'a>]) -> HashMap<&'a str, HashSet<&'a str>> {
    let mut tasks: HashMap<&'a str, Vec<&'a Parameters>> = HashMap::new();
    for one in all {
        tasks.entry(one.task).or_default().push(one.parameters);
    }
    let mut differing = HashMap::new();
    for (task, instances) in tasks {
        let mut names: HashSet<&'a str> = HashSet::new();
        for &parameters in &instances {
            names.extend(parameters.keys().map(String::as_str));
        }
        let first = instances[0];
        names.retain(|name| instances.iter().any(|other| other.get(*name) != first.get(*name)));
        differing.insert(task, names);
    }
    differing
}

/// Returns the parameters of a task of this program, in the order of their declaration.
fn declared(task: &str) -> &'static [ParamDecl] {
    match registry::called(task).first() {
        Some(task) => task.params,
        None => &[],
    }
}

/// Returns whether a parameter of a record is one of the task itself: others are named `Task.parameter`.
fn is_own(name: &str) -> bool {
    !name.contains('.')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listed(instances: &[(&str, serde_json::Value)]) -> Vec<String> {
        let parameters: Vec<Parameters> = instances
            .iter()
            .map(|(_, value)| serde_json::from_value(value.clone()).expect("a map"))
            .collect();
        let described = instances.iter().zip(&parameters).enumerate();
        let described = described.map(|(place, ((folder, _), parameters))| Described {
            task: "Mean",
            key: format!("{:08x}{:024x}", place + 1, 0).parse().expect("a key"),
            parameters,
            folder: Path::new(folder),
        });
        labels(&described.collect::<Vec<_>>())
    }

    #[test]
    fn a_label_shows_what_the_folder_shows() {
        let of = |days: u32| json!({"by": 2, "Prices.days": days, "Prices.lag": 0});
        let labels = listed(&[
            ("Mean/by=2,Prices.days=7-0000000000000001", of(7)),
            ("Mean/by=2-0000000000000002", of(3)),
        ]);
        assert_eq!(labels, ["Mean {by: 2, Prices.days: 7}", "Mean {by: 2}"]);
    }

    #[test]
    fn equal_labels_get_the_parameters_that_differ_and_then_digits() {
        let of = |days: u32| json!({"by": 2, "Prices.days": days, "Prices.lag": 0});
        let folder = "Mean/by=2-0000000000000001";
        let labels = listed(&[(folder, of(3)), (folder, of(7)), (folder, of(7))]);
        assert_eq!(
            labels,
            [
                "Mean {by: 2, Prices.days: 3}",
                "Mean {by: 2, Prices.days: 7} #00000002",
                "Mean {by: 2, Prices.days: 7} #00000003",
            ]
        );
    }
}
