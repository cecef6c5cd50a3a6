//! What variants are called, and the parameters that they give.
//!
//! A variant is called as the user has named it; what has no name is called by what it gives,
//! `c=0.1,degree=2`. A parameter is `c` or, if a parameter of another task has that name too, `Fit.c`.

use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};

use crate::plan::resolve::param_value;
use crate::task::TaskType;
use crate::task::setting::Setting;
use crate::value::{Value, shortened};

/// How much of a value stands in a name, in characters.
const CLIPPED: usize = 48;

/// What a variant gives a value to.
#[derive(Clone)]
pub(super) enum Given {
    /// A parameter of one task.
    Typed(&'static TaskType, usize),
    /// All of that name.
    Named(String),
}

/// `Fit.c`
pub(super) fn full(task: &TaskType, place: usize) -> String {
    format!("{}.{}", (task.decl)().name, task.params[place].name)
}

impl Given {
    /// As it is written in code, `Fit::C`; of what is given by name, the name in capitals. No column
    /// is called that.
    pub(super) fn constant(&self) -> String {
        match self {
            Self::Typed(task, place) => {
                format!("{}::{}", (task.decl)().name, task.params[*place].name.to_uppercase())
            }
            Self::Named(name) => name.to_uppercase(),
        }
    }
}

/// What the parameters are called that the variants of a sweep give.
pub(super) struct Labels {
    /// In the order in which they were said.
    pub(super) all: Vec<(Given, String)>,
    typed: HashMap<(TypeId, usize), usize>,
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
                    let at = *labels.typed.entry(((task.id)(), *place)).or_insert(next);
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
                *label = full(task, *place);
            }
        }
        labels
    }

    /// `c=0.1`
    pub(super) fn value_text(
        &self,
        task: &'static TaskType,
        place: usize,
        value: &(dyn Any + Send + Sync),
    ) -> String {
        let label = &self.all[self.typed[&((task.id)(), place)]].1;
        // A value without this form has no key either, and is refused when it is planned.
        let value = param_value("", &task.params[place], value).unwrap_or(Value::None);
        format!("{label}={}", text(&value))
    }

    /// `c=0.1,degree=2`
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

/// The names that are taken, and how many have each.
pub(super) struct Names(HashMap<String, usize>);

impl Names {
    /// Some names are the user's, and for nobody else.
    pub(super) fn new(given: impl Iterator<Item = String>) -> Self {
        Self(given.map(|name| (name, 1)).collect())
    }

    /// A name of these parts, which nothing else has.
    pub(super) fn name(&mut self, parts: Vec<String>, is_given: bool) -> String {
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let name = if parts.is_empty() { "base".to_owned() } else { parts.join(",") };
        if is_given { name } else { self.unique(name) }
    }

    /// This name or, if something else has it, one like it.
    pub(super) fn unique(&mut self, name: String) -> String {
        // Two values may look alike, or be the same.
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
