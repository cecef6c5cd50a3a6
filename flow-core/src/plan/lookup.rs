//! Looks up the values that a flow or a variant of a sweep gives to a parameter.
//!
//! A value is given to one parameter of one task, or by name to all parameters of that name. A value of the
//! variant takes the place of the flow's value for the same parameter or name. Parameters that are the same
//! through `from` take each other's values, so several values may reach one parameter: these must be equal.
//!
//! The lookup records which values were used, so that a plan can warn of the others.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::plan::alias::{disagree, source_id};
use crate::plan::error::PlanErrorKind;
use crate::plan::given::Givens;
use crate::plan::param_value::{digest_param, fit, text};
use crate::plan::types::{TypeIndex, Types};
use crate::store::Store;
use crate::task::TaskType;
use crate::task::param::{ParamId, full_name};
use crate::task::setting::Setting;
use crate::value::AnyValue;

/// The given values, by the parameters that take them.
pub(crate) struct Lookup<'a> {
    givens: &'a Givens,
    /// The values of the variant whose root is being walked; they replace those of the flow.
    pub(crate) variant: Option<&'a Setting>,
    store: &'a Store,
    /// The values that the flow gives to tasks, by source.
    typed: HashMap<ParamId, Vec<TypedValue<'a>>>,
    /// The sources whose given values were used.
    used_typed: HashSet<ParamId>,
    used_named: HashSet<String>,
}

/// A value given to a parameter of one task.
type TypedValue<'a> = (&'static TaskType, usize, &'a AnyValue);

impl<'a> Lookup<'a> {
    pub(crate) fn new(givens: &'a Givens, store: &'a Store) -> Self {
        let mut typed: HashMap<_, Vec<_>> = HashMap::new();
        for (&ParamId { place, .. }, given) in &givens.typed {
            let values = typed.entry(source_id(given.task, place)).or_default();
            values.push((given.task, place, &*given.value));
        }
        let (used_typed, used_named) = (HashSet::new(), HashSet::new());
        Self { givens, variant: None, store, typed, used_typed, used_named }
    }

    /// Returns the value that the flow gives to this parameter, or to one that is the same through `from`.
    pub(crate) fn typed(
        &mut self,
        task: &'static TaskType,
        place: usize,
    ) -> Result<Option<AnyValue>, PlanErrorKind> {
        let key = source_id(task, place);
        let own = self.variant.into_iter().flat_map(|setting| &setting.typed);
        let own = own.map(|(task, place, value)| (*task, *place, value));
        let mut values: Vec<TypedValue<'_>> =
            own.filter(|(task, place, _)| source_id(task, *place) == key).collect();
        let of_variant = values.len();
        for &(task, place, value) in self.typed.get(&key).into_iter().flatten() {
            let is_it =
                |(other, at, _): &TypedValue<'_>| *at == place && (other.id)() == (task.id)();
            if !values[..of_variant].iter().any(is_it) {
                values.push((task, place, value));
            }
        }
        let Some(&(_, _, value)) = values.first() else { return Ok(None) };
        if values.len() > 1 {
            values.sort_by_key(|(task, place, _)| full_name(task, *place));
        }
        for pair in values.windows(2) {
            let digest = |(task, place, value): TypedValue<'_>| {
                digest_param(self.store, &(task.decl)().name, &task.params[place], value)
            };
            if digest(pair[0])? != digest(pair[1])? {
                let given = [pair[0], pair[1]].map(|(task, place, value)| {
                    (full_name(task, place), text(&task.params[place], value))
                });
                return Err(disagree((task, place), given));
            }
        }
        self.used_typed.insert(key);
        Ok(Some(value.clone()))
    }

    /// Returns the value that the flow or the variant gives by name.
    pub(crate) fn named(
        &mut self,
        types: &Types,
        index: TypeIndex,
        place: usize,
    ) -> Result<Option<AnyValue>, PlanErrorKind> {
        let variant = self.variant.map(|setting| &setting.named);
        if self.givens.named.is_empty() && variant.is_none_or(BTreeMap::is_empty) {
            return Ok(None);
        }
        let entry = types.get(index);
        let param = entry.param(place);
        let names = types.names_of(index, place);
        let mut values: Vec<(&'static str, AnyValue)> = Vec::new();
        for name in names {
            let own = self.variant.and_then(|setting| setting.named(name));
            let Some(value) = own.or_else(|| self.givens.named.get(name)) else { continue };
            self.used_named.insert(name.to_owned());
            values.push((name, fit(&entry.decl.name, param, name, value)?));
        }
        let digest = |value: &AnyValue| digest_param(self.store, &entry.decl.name, param, value);
        for pair in values.windows(2) {
            if digest(&pair[0].1)? != digest(&pair[1].1)? {
                let given = [&pair[0], &pair[1]];
                let given = given.map(|(name, value)| ((*name).to_owned(), text(param, value)));
                return Err(disagree((entry.task, place), given));
            }
        }
        Ok(values.into_iter().next().map(|(_, value)| value))
    }

    /// Returns whether a value that the flow or a variant gives to this parameter was used.
    pub(crate) fn is_used(&self, task: &'static TaskType, place: usize) -> bool {
        self.used_typed.contains(&source_id(task, place))
    }

    /// Returns whether a value that the flow or a variant gives by this name was used.
    pub(crate) fn is_name_used(&self, name: &str) -> bool {
        self.used_named.contains(name)
    }
}
