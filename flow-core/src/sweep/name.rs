//! Names of variants, and labels of the parameters that they set.
//!
//! A variant has the name that the user gave it, or one that is derived from its values, such as
//! `c=0.1,degree=2`. A parameter is `c` or, if a parameter of another task has the same name, `Fit.c`.
//!
//! If two derived names are equal, the later one gets a number: long values and secrets may look alike, and the
//! same value may occur twice. A given name never gets one: two equal given names are an error.

use std::any::Any;
use std::collections::{HashMap, HashSet};

use crate::plan::param_value::param_value;
use crate::task::TaskType;
use crate::task::param::{ParamId, full_name};
use crate::task::setting::Setting;
use crate::value::{Value, shortened};

/// The most characters of a value in a name.
pub(super) const CLIPPED: usize = 48;

/// A parameter that a variant sets.
#[derive(Clone)]
pub(super) enum Given {
    /// A parameter of one task, by its index.
    Typed(&'static TaskType, usize),
    /// All parameters of that name.
    Named(String),
}

impl Given {
    /// Returns the parameter as written in code, `Fit::C`; if it is given by name, the name in capitals.
    ///
    /// No column has such a name.
    pub(super) fn constant(&self) -> String {
        match self {
            Self::Typed(task, place) => {
                format!("{}::{}", (task.decl)().name, task.params[*place].name.to_uppercase())
            }
            Self::Named(name) => name.to_uppercase(),
        }
    }
}

/// The labels of the parameters that the variants of a sweep set.
pub(super) struct Labels {
    /// The parameters with their labels, in the order of the declarations.
    pub(super) all: Vec<(Given, String)>,
    typed: HashMap<ParamId, usize>,
}

impl Labels {
    pub(super) fn new(given: impl Iterator<Item = Given>) -> Self {
        let mut labels = Self { all: Vec::new(), typed: HashMap::new() };
        let mut named = HashSet::new();
        let mut count: HashMap<String, usize> = HashMap::new();
        for given in given {
            let (is_new, name) = match &given {
                Given::Typed(task, place) => {
                    let next = labels.all.len();
                    let at = *labels.typed.entry(ParamId::new(task, *place)).or_insert(next);
                    (at == next, task.params[*place].name)
                }
                Given::Named(name) => (named.insert(name.clone()), name.as_str()),
            };
            if is_new {
                *count.entry(name.to_owned()).or_default() += 1;
                let name = name.to_owned();
                labels.all.push((given, name));
            }
        }
        for (given, label) in &mut labels.all {
            if let Given::Typed(task, place) = given
                && count[label.as_str()] > 1
            {
                *label = full_name(task, *place);
            }
        }
        labels
    }

    /// Returns a value with the label of its parameter, such as `c=0.1`.
    pub(super) fn value_text(
        &self,
        task: &'static TaskType,
        place: usize,
        value: &(dyn Any + Send + Sync),
    ) -> String {
        let value = param_value("", &task.params[place], value).ok();
        self.labeled(task, place, value.as_ref())
    }

    /// Returns the same for a value in canonical form; `None` for one that cannot be converted, which has no key and is
    /// an error of the plan.
    pub(super) fn labeled(
        &self,
        task: &'static TaskType,
        place: usize,
        value: Option<&Value>,
    ) -> String {
        let label = &self.all[self.typed[&ParamId::new(task, place)]].1;
        format!("{label}={}", text(value.unwrap_or(&Value::None)))
    }

    /// Returns the name that is derived from a setting, such as `c=0.1,degree=2`.
    pub(super) fn text(&self, setting: &Setting) -> String {
        let typed = setting.typed.iter();
        let typed = typed.map(|(task, place, value)| self.value_text(task, *place, &**value));
        let named = setting.named.iter().map(|(name, value)| {
            let value = value.as_ref().unwrap_or(&Value::None);
            format!("{name}={}", text(value))
        });
        typed.chain(named).collect::<Vec<_>>().join(",")
    }
}

fn text(value: &Value) -> String {
    let text = match value {
        Value::Str(text) if text.contains([',', '=']) => format!("{text:?}"),
        value => format!("{value:#}"),
    };
    shortened(&text, CLIPPED)
}

/// The names that are in use, with the number of times that each was requested.
pub(super) struct Names(HashMap<String, usize>);

impl Names {
    /// Reserves the names that the user has given.
    pub(super) fn new(given: impl Iterator<Item = String>) -> Self {
        Self(given.map(|name| (name, 1)).collect())
    }

    /// Returns a unique name of these parts; a given name is returned as it is.
    pub(super) fn name(&mut self, parts: Vec<String>, is_given: bool) -> String {
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let name = if parts.is_empty() { "base".to_owned() } else { parts.join(",") };
        if is_given { name } else { self.unique(name) }
    }

    /// Returns this name or, if it is in use, the name with a number.
    pub(super) fn unique(&mut self, name: String) -> String {
        // Two values may look alike, or be equal.
        let mut free = name.clone();
        while self.0.contains_key(&free) {
            let count = self.0.entry(name.clone()).or_default();
            *count += 1;
            free = format!("{name}#{count}");
        }
        self.0.insert(free.clone(), 1);
        free
    }
}
