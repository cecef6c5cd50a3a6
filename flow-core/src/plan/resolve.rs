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
use crate::plan::advice::Missing;
use crate::plan::alias::{agrees, origin, source};
use crate::plan::error::PlanErrorKind;
use crate::plan::given::Givens;
use crate::plan::lookup::Lookup;
use crate::plan::param_value::{ParamValue, check_allowed, digest_param};
use crate::plan::scope::{Inherited, Scope, Shared};
use crate::plan::types::{PlanType, SourceIndex, TypeIndex, Types};
use crate::store::Store;
use crate::task::param::{ParamDecl, ParamId, full_name};
use crate::task::requirement::{Dependency, Entry, Form};
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

/// Resolves parameters. Its lookup records which of the given values were used.
pub(crate) struct Resolver<'a> {
    pub(crate) givens: &'a Givens,
    pub(crate) store: &'a Store,
    pub(crate) lookup: Lookup<'a>,
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
        Self {
            givens,
            store,
            lookup: Lookup::new(givens, store),
            stopped: BTreeSet::new(),
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
        if let Some(value) = self.lookup.typed(entry.task, place)? {
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
        if let Some(value) = self.lookup.named(types, index, place)? {
            return Ok((value, From::Named));
        }
        self.default(types, index, place).map(|value| (value, From::Default))
    }

    fn default(
        &self,
        types: &Types,
        index: TypeIndex,
        place: usize,
    ) -> Result<AnyValue, PlanErrorKind> {
        let entry = types.get(index);
        let param = entry.param(place);
        let (owner, at) = source(entry.task, place);
        match self.givens.default(owner, at) {
            Some(Ok(value)) => Ok(value),
            Some(Err(message)) => Err(PlanErrorKind::Default {
                task: entry.decl.name.to_string(),
                param: param.name,
                message,
            }),
            None => {
                let missing = Missing {
                    param: param.name,
                    origin: (owner, at),
                    is_from: param.from.is_some(),
                    named: shared_name(types, index, place),
                    in_run: self.givens.in_run,
                    is_argument: param.argument,
                };
                let (task, advice) = (entry.decl.name.to_string(), missing.advice());
                Err(PlanErrorKind::NoValue { task, param: param.name, advice })
            }
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
        check_allowed(&entry.decl.name, entry.param(place), value)
    }
}

/// Returns the name by which one value reaches all tasks that need the same parameter, if there are several.
///
/// A value for the key of one of them would lead to the same error for the next one.
fn shared_name(types: &Types, index: TypeIndex, place: usize) -> Option<&'static str> {
    // The value must fit every parameter of the name.
    if types.homonyms(index, place).next().is_some() {
        return None;
    }
    let (name, own) = (types.names(index)[place], types.sources(index)[place]);
    let needs_it = |(other, entry): (usize, &PlanType)| {
        let other = other as TypeIndex;
        (0..entry.task.params.len()).any(|at| {
            let (owner, of_owner) = source(entry.task, at);
            types.names(other)[at] == name
                && types.sources(other)[at] != own
                && owner.params[of_owner].default.is_none()
        })
    };
    let is_shared = types.all.iter().enumerate().any(needs_it);
    is_shared.then(|| origin(types.get(index).param(place)).name)
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
