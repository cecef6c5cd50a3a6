//! Resolves the value of each parameter.
//!
//! A parameter takes the first of:
//!
//! 1. the value that the dependency sets: its literal, then its `with`;
//! 2. the value that the flow gives to this task;
//! 3. the value of the same name and type of the nearest task on the path from the root that has one, if that
//!    value was given and is not `local`;
//! 4. the value that the flow gives by name;
//! 5. its default.
//!
//! Defaults never travel: two tasks that happen to have defaults for the same name stay independent.
//!
//! Parameters that are the same through `from` have one *source*. A value given to any of them is given to
//! the source, and so to all of them. Two different values are an error, whether they come from the flow,
//! from the `with` of one dependency, or from two such parameters of which one is upstream of the other. A
//! task that sets the value for its own dependency, by a literal or `with`, is the exception: it requires
//! another instance on purpose, and in that branch the new value holds.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::base::key::Digest;
use crate::plan::alias::{agrees, disagree, origin, source, source_id};
use crate::plan::error::PlanErrorKind;
use crate::plan::given::Givens;
use crate::plan::param_value::{ParamValue, digest_param, fit, text};
use crate::plan::scope::{Inherited, Scope, Shared};
use crate::plan::types::{PlanType, SourceIndex, TypeIndex, Types};
use crate::store::Store;
use crate::task::TaskType;
use crate::task::param::{ParamDecl, ParamId, full_name};
use crate::task::requirement::{Dependency, Entry, Form};
use crate::task::setting::Setting;
use crate::value::AnyValue;

/// The value of a parameter, and where it came from.
pub(crate) struct Resolved {
    pub(crate) value: ParamValue,
    pub(crate) from: From,
}

/// Where a value came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum From {
    Literal,
    /// Set by `with` for this parameter, or for one that is the same through `from`.
    With(SourceIndex),
    Flow,
    Inherited,
    Named,
    Default,
}

impl From {
    /// Returns whether the value was given, so that tasks upstream may inherit it.
    pub(crate) fn is_given(self) -> bool {
        self != Self::Default
    }
}

/// Resolves parameters, and records which of the given values were used.
pub(crate) struct Resolver<'a> {
    pub(crate) givens: &'a Givens,
    /// The values of the variant whose root is being walked; they replace those of the flow.
    pub(crate) variant: Option<&'a Setting>,
    pub(crate) store: &'a Store,
    /// The values that the flow gives to tasks, by source.
    typed: HashMap<ParamId, Vec<TypedValue<'a>>>,
    /// The sources whose given values were used.
    used_typed: HashSet<ParamId>,
    pub(crate) used_named: HashSet<String>,
    /// Whether errors are collected instead of returned.
    collects_errors: bool,
    /// The errors in the parameters of the task that was resolved last.
    pub(crate) errors: Vec<PlanErrorKind>,
    /// The values that did not reach a parameter of the same name, because it has another type.
    pub(crate) stopped: BTreeSet<Stopped>,
    /// The parameters that took their default, or have no value; only if errors are collected.
    pub(crate) unmet: HashSet<(TypeIndex, usize)>,
    /// A cache of the digests of defaults.
    defaults: HashMap<ParamId, Option<Digest>>,
}

/// A value given to a parameter of one task.
type TypedValue<'a> = (&'static TaskType, usize, &'a AnyValue);

/// A value that does not reach a parameter of the same name, because it has another type.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stopped {
    /// The parameter that has the value, and its type.
    pub(crate) given: (String, String),
    /// The parameter that the value does not reach, and its type.
    pub(crate) stopped: (String, String),
    /// The key of the second parameter, as it is written in code.
    pub(crate) key: String,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(givens: &'a Givens, store: &'a Store) -> Self {
        let mut typed: HashMap<_, Vec<_>> = HashMap::new();
        for (&ParamId { place, .. }, given) in &givens.typed {
            let values = typed.entry(source_id(given.task, place)).or_default();
            values.push((given.task, place, &*given.value));
        }
        Self {
            typed,
            stopped: BTreeSet::new(),
            givens,
            variant: None,
            store,
            used_typed: HashSet::new(),
            used_named: HashSet::new(),
            collects_errors: false,
            errors: Vec::new(),
            unmet: HashSet::new(),
            defaults: HashMap::new(),
        }
    }

    /// Creates a resolver that collects all errors.
    pub(crate) fn collecting_errors(givens: &'a Givens, store: &'a Store) -> Self {
        Self { collects_errors: true, ..Self::new(givens, store) }
    }

    /// Returns the values of all parameters of the required task, in the order of its fields.
    ///
    /// There are fewer values than parameters if errors were collected.
    pub(crate) fn resolve(
        &mut self,
        types: &Types,
        index: TypeIndex,
        dependency: &Dependency,
        scope: &Scope,
    ) -> Result<Vec<Resolved>, PlanErrorKind> {
        let entry = types.get(index);
        let mut resolved = Vec::with_capacity(entry.task.params.len());
        for place in 0..entry.task.params.len() {
            match self.one(types, index, place, dependency, scope) {
                Ok(one) => {
                    if self.collects_errors && one.from == From::Default {
                        self.unmet.insert((index, place));
                    }
                    resolved.push(one);
                }
                Err(wrong) => {
                    if self.collects_errors && matches!(wrong, PlanErrorKind::NoValue { .. }) {
                        self.unmet.insert((index, place));
                    }
                    self.collect(wrong)?;
                }
            }
        }
        Ok(resolved)
    }

    /// Returns the value of one parameter, and checks it.
    fn one(
        &mut self,
        types: &Types,
        index: TypeIndex,
        place: usize,
        dependency: &Dependency,
        scope: &Scope,
    ) -> Result<Resolved, PlanErrorKind> {
        let (value, from) = self.value(types, index, place, dependency, scope)?;
        if let Err(wrong) = self.check(types, index, place, &value) {
            self.collect(wrong)?;
        }
        let entry = types.get(index);
        let value = ParamValue::new(self.store, &entry.decl.name, entry.param(place), value)?;
        let resolved = Resolved { value, from };
        if let Err(wrong) = agrees(types, index, place, &resolved, scope) {
            self.collect(wrong)?;
        }
        if from == From::Default {
            self.record_stopped(types, index, place, scope);
        }
        Ok(resolved)
    }

    /// Records the values that would reach a parameter if it had their type.
    fn record_stopped(&mut self, types: &Types, index: TypeIndex, place: usize, scope: &Scope) {
        let entry = types.get(index);
        let param = entry.param(place);
        if param.local {
            return;
        }
        for given in types.homonyms(index, place).filter_map(|name| scope.inherited(name)) {
            let (task, at) = given.giver;
            let ty = |param: &ParamDecl| crate::base::names::short((param.kind.name)());
            self.stopped.insert(Stopped {
                given: (full_name(task, at), ty(&task.params[at])),
                stopped: (full_name(entry.task, place), ty(param)),
                key: format!("{}::{}", (entry.task.rust_name)(), param.name.to_uppercase()),
            });
        }
    }

    /// Collects an error, or returns it if errors are not collected.
    fn collect(&mut self, wrong: PlanErrorKind) -> Result<(), PlanErrorKind> {
        if !self.collects_errors {
            return Err(wrong);
        }
        self.errors.push(wrong);
        Ok(())
    }

    /// Returns the first value in the order that the module documentation lists.
    fn value(
        &mut self,
        types: &Types,
        index: TypeIndex,
        place: usize,
        dependency: &Dependency,
        scope: &Scope,
    ) -> Result<(AnyValue, From), PlanErrorKind> {
        let entry = types.get(index);
        let param = entry.param(place);

        if let Some((_, value)) = dependency.own.iter().rfind(|(own, _)| *own == place) {
            return Ok((value.clone(), From::Literal));
        }
        let source = types.sources(index)[place];
        if let Some(with) = scope.with(source) {
            return Ok((with.value.clone(), From::With(source)));
        }
        if let Some(value) = self.typed(entry.task, place)? {
            return Ok((value, From::Flow));
        }
        let name = types.names(index)[place];
        if let Some(inherited) = scope.inherited(name) {
            if param.significant && !inherited.significant {
                let (giver, giver_place) = inherited.giver;
                return Err(PlanErrorKind::Insignificant {
                    task: entry.decl.name.to_string(),
                    param: param.name,
                    from: full_name(giver, giver_place),
                });
            }
            return Ok((inherited.value.value.clone(), From::Inherited));
        }
        if let Some(value) = self.named(types, index, place)? {
            return Ok((value, From::Named));
        }
        self.default(types, index, place).map(|value| (value, From::Default))
    }

    /// Returns the value that the flow gives to this parameter, or to one that is the same through `from`.
    fn typed(
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

    /// Returns whether a value that the flow or a variant gives to this parameter was used.
    pub(crate) fn is_used(&self, task: &'static TaskType, place: usize) -> bool {
        self.used_typed.contains(&source_id(task, place))
    }

    /// Returns the value that the flow or the variant gives by name.
    fn named(
        &mut self,
        types: &Types,
        index: TypeIndex,
        place: usize,
    ) -> Result<Option<AnyValue>, PlanErrorKind> {
        let variant = self.variant.map(|setting| &setting.named);
        if self.givens.named.is_empty() && variant.is_none_or(std::collections::BTreeMap::is_empty)
        {
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

    fn default(
        &self,
        types: &Types,
        index: TypeIndex,
        place: usize,
    ) -> Result<AnyValue, PlanErrorKind> {
        let entry = types.get(index);
        let param = entry.param(place);
        let (task, place) = source(entry.task, place);
        match self.givens.default(task, place) {
            Some(Ok(value)) => Ok(value),
            Some(Err(message)) => Err(PlanErrorKind::Default {
                task: entry.decl.name.to_string(),
                param: param.name,
                message,
            }),
            None => Err(PlanErrorKind::NoValue {
                task: entry.decl.name.to_string(),
                ty: (entry.task.rust_name)(),
                param: param.name,
                key: param.name.to_uppercase(),
            }),
        }
    }

    /// Returns whether a value equals the parameter's default, wherever it came from.
    pub(crate) fn is_default(&mut self, entry: &PlanType, place: usize, digest: Digest) -> bool {
        let (task, place) = source(entry.task, place);
        let (givens, store) = (self.givens, self.store);
        let default = self.defaults.entry(ParamId::new(task, place)).or_insert_with(|| {
            let value = givens.default(task, place)?.ok()?;
            digest_param(store, &entry.decl.name, &task.params[place], &value).ok()
        });
        *default == Some(digest)
    }

    /// Loads the store's key for secrets if a key of a map is a secret.
    ///
    /// After that, hashing the roles of inputs cannot fail.
    pub(crate) fn load_secret_key_for(&self, entries: &[Entry]) -> Result<(), PlanErrorKind> {
        let has_secret = entries.iter().any(|entry| match &entry.form {
            // The keys of a map have one type: all of them are secrets, or none is.
            Form::Map(keys) => (0..entry.len).any(|item| keys.value(item).has_secret()),
            Form::One | Form::Optional | Form::List => false,
        });
        if has_secret {
            self.store.secret_key()?;
        }
        Ok(())
    }

    /// Checks a value against the `range` and `choices` of its parameter and of its source.
    fn check(
        &self,
        types: &Types,
        index: TypeIndex,
        place: usize,
        value: &AnyValue,
    ) -> Result<(), PlanErrorKind> {
        let entry = types.get(index);
        let param = entry.param(place);
        let origin = origin(param);
        let rules = [param.range, param.choices, origin.range, origin.choices];
        match rules.into_iter().flatten().find(|rule| !(rule.holds)(&**value)) {
            None => Ok(()),
            Some(rule) => Err(PlanErrorKind::NotAllowed {
                task: entry.decl.name.to_string(),
                param: param.name,
                value: text(param, value),
                allowed: rule.text,
            }),
        }
    }
}

/// Puts a task's own values into the scope of its dependencies.
///
/// Given values replace those from downstream. A value given to a `local` parameter stays in its task; a
/// `local` parameter still takes a value that is given downstream.
pub(crate) fn pass_on(types: &Types, index: TypeIndex, resolved: &[Resolved], scope: &mut Scope) {
    for (place, resolved) in resolved.iter().enumerate() {
        let (task, param) = (types.get(index).task, types.get(index).param(place));
        let source = types.sources(index)[place];
        if types.is_shared(source) {
            scope.set_shared(source, Shared { task, place, value: resolved.value.clone() });
        }
        let travels = resolved.from.is_given() && !param.local;
        let value = travels.then(|| Inherited {
            value: resolved.value.clone(),
            giver: (task, place),
            significant: param.significant,
        });
        scope.set(types.names(index)[place], value);
    }
}
