//! The form of the parameters: a field for each parameter of the roots and of the tasks upstream.
//!
//! It is made from the declarations of the tasks, as the options of the command line are, and the texts are read by the
//! same functions: [`ParameterInfo::check`] says whether a text fits, and [`Flow::with_named`] gives it. The name of a
//! field is that of the value, `Fit.c` or, for all tasks that have it, `c`.

use std::collections::{BTreeMap, BTreeSet};

use flow_core::{Error, Flow, ParameterInfo, PlanErrorKind, TaskInfo};
use maud::{Markup, html};

use super::fields::Fields;
use super::input::Input;
use crate::text;

/// The prefix of the names of fields that are parameters, so that they differ from the other fields.
const PREFIX: &str = "parameter ";

/// The number of present values that are shown.
const SHOWN: usize = 3;

/// The present values of parameters, by `Task.parameter`.
pub(super) type Present = BTreeMap<String, BTreeSet<String>>;

/// The fields, and what was typed in them.
pub(super) struct Form {
    groups: Vec<Group>,
    /// The parameters that have no field, because they hold secrets.
    secrets: Vec<String>,
}

/// The fields of a task, or those of parameters that several tasks have.
struct Group {
    title: String,
    doc: &'static str,
    fields: Vec<Field>,
}

/// A field, whose value is given to all of its parameters.
struct Field {
    /// The name that [`Flow::with_named`] takes.
    name: String,
    /// One parameter, or those of several tasks; never empty.
    parameters: Vec<ParameterInfo>,
    /// What was typed; empty if nothing was.
    text: String,
    /// Why it does not fit.
    error: Option<String>,
}

impl Form {
    /// Returns the form of these roots.
    pub(super) fn of(roots: &[TaskInfo]) -> Self {
        let mut tasks: Vec<TaskInfo> = Vec::new();
        for task in roots.iter().flat_map(|root| std::iter::once(*root).chain(root.upstream())) {
            if !tasks.contains(&task) {
                tasks.push(task);
            }
        }
        let (mut groups, mut secrets) = (Vec::new(), Vec::new());
        let mut by_name: BTreeMap<&str, Vec<ParameterInfo>> = BTreeMap::new();
        for task in &tasks {
            let mut fields = Vec::new();
            for parameter in task.parameters() {
                if is_secret(parameter) {
                    secrets.push(parameter.full_name());
                } else if parameter.from().is_none_or(|source| !tasks.contains(&source.task())) {
                    by_name.entry(parameter.name()).or_default().push(parameter);
                    fields.push(Field::new(parameter.full_name(), vec![parameter]));
                }
            }
            if !fields.is_empty() {
                groups.push(Group { title: task.name(), doc: task.doc(), fields });
            }
        }
        by_name.retain(|_, parameters| parameters.len() > 1);
        if !by_name.is_empty() {
            let fields = by_name.into_iter();
            let fields = fields.map(|(name, all)| Field::new(name.to_owned(), all)).collect();
            let doc = "For all tasks that have the parameter. A value for one task, below, takes precedence.";
            groups.insert(0, Group { title: "Several tasks".to_owned(), doc, fields });
        }
        Self { groups, secrets }
    }

    fn fields(&self) -> impl Iterator<Item = &Field> {
        self.groups.iter().flat_map(|group| &group.fields)
    }

    /// Takes what was typed, and checks it.
    pub(super) fn read(&mut self, sent: &Fields) {
        for field in self.groups.iter_mut().flat_map(|group| &mut group.fields) {
            if let Some(text) = sent.get(&format!("{PREFIX}{}", field.name)) {
                text.clone_into(&mut field.text);
                field.error = field.check();
            }
        }
    }

    pub(super) fn has_errors(&self) -> bool {
        self.fields().any(|field| field.error.is_some())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Returns the names of the parameters that have no field, because they hold secrets.
    pub(super) fn secrets(&self) -> &[String] {
        &self.secrets
    }

    /// Returns the names and texts of the values that were typed.
    pub(super) fn values(&self) -> Vec<(String, String)> {
        let typed = self.fields().filter(|field| !field.text.is_empty());
        typed.map(|field| (field.name.clone(), field.text.clone())).collect()
    }

    /// Returns the fields that send the same values again.
    pub(super) fn sent(&self) -> Vec<(String, String)> {
        let values = self.values().into_iter();
        values.map(|(name, text)| (format!("{PREFIX}{name}"), text)).collect()
    }

    /// Returns a flow with the values that were typed.
    pub(super) fn apply(&self, flow: &Flow) -> Flow {
        let values = self.values().into_iter();
        values.fold(flow.clone(), |flow, (name, text)| flow.with_named(&name, text))
    }

    /// Shows the fields.
    pub(super) fn markup(&self, present: &Present) -> Markup {
        let mut number = 0;
        let mut next = || {
            number += 1;
            number
        };
        html! {
            @for group in &self.groups {
                fieldset {
                    legend { (text::line(&group.title)) }
                    @if !group.doc.is_empty() { p.note { (text::clipped(group.doc, 1_000)) } }
                    @for field in &group.fields { (field.markup(next(), present)) }
                }
            }
        }
    }
}

impl Field {
    fn new(name: String, parameters: Vec<ParameterInfo>) -> Self {
        Self { name, parameters, text: String::new(), error: None }
    }

    /// Returns why the text does not fit, if it does not.
    fn check(&self) -> Option<String> {
        let is_allowed = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
        if !self.text.chars().all(is_allowed) {
            return Some("the text has control characters".to_owned());
        }
        let error = |parameter: &ParameterInfo| parameter.check(self.text.as_str()).err();
        self.parameters.iter().find_map(error).map(|error| why(&error))
    }

    /// Shows the field, with its documentation and error. `number` distinguishes it from the others of the page.
    fn markup(&self, number: usize, present: &Present) -> Markup {
        let first = self.parameters[0];
        let (id, help) = (format!("field-{number}"), format!("help-{number}"));
        let error = format!("error-{number}");
        let described = match self.error {
            None => help.clone(),
            Some(_) => format!("{error} {help}"),
        };
        let input = Input::of(first);
        let name = format!("{PREFIX}{}", self.name);
        html! {
            div.field {
                label for=(id) { (text::line(&self.name)) " " code { (text::line(&first.type_name())) } }
                (input.markup(&id, &name, &self.text, &described, self.error.is_some()))
                @if let Some(why) = &self.error { p.error id=(error) { (text::clipped(why, 1_000)) } }
                p.note id=(help) { (text::clipped(&self.help(present), 1_000)) }
            }
        }
    }

    /// Returns the documentation and the rules of the parameter.
    fn help(&self, present: &Present) -> String {
        let first = self.parameters[0];
        let mut parts = Vec::new();
        match first.default() {
            Some(default) => parts.push(format!("default: {default}")),
            None if !first.has_default() => parts.push("no default".to_owned()),
            None => {}
        }
        parts.extend(first.range().map(|range| format!("range: {range}")));
        parts.extend(first.choices().map(|choices| format!("choices: {choices}")));
        let example = first.example().filter(|_| first.choices().is_none());
        parts.extend(example.map(|example| format!("written as: {example}")));
        let now = self.parameters.iter().filter_map(|one| present.get(&one.full_name())).flatten();
        let now: BTreeSet<_> = now.map(String::as_str).collect();
        match now.len() {
            0 => {}
            several if several > SHOWN => parts.push(format!("now: {several} values")),
            _ => parts.push(format!("now: {}", now.into_iter().collect::<Vec<_>>().join(", "))),
        }
        if self.parameters.len() > 1 {
            let tasks: Vec<_> = self.parameters.iter().map(|one| one.task().name()).collect();
            parts.push(format!("of {}", tasks.join(", ")));
        }
        let rules = parts.join("; ");
        match first.doc().trim() {
            "" => rules,
            doc => format!("{doc} [{rules}]"),
        }
    }
}

/// Returns whether a parameter holds a secret, by the name of its type.
fn is_secret(parameter: ParameterInfo) -> bool {
    parameter.type_name().contains("Secret<")
}

/// Returns the reason why a value is invalid, without the name of the field beside which it is shown.
fn why(error: &Error) -> String {
    match error {
        Error::Plan(plan) => match &plan.kind {
            PlanErrorKind::WrongType { task, param, expected, reason, .. } => {
                format!("{reason}; `{task}.{param}` has type {expected}")
            }
            kind => kind.to_string(),
        },
        error => error.to_string(),
    }
}
