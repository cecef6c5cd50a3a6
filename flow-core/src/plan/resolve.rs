//! Where the value of a parameter comes from.
//!
//! A parameter takes the first of:
//!
//! 1. what the requirement sets: the literal, then `with`;
//! 2. what the flow gave to this task;
//! 3. the value of that name and type of the nearest task on the way from the root that has one,
//!    if it was given there and is not local;
//! 4. what the flow gave by name;
//! 5. its default.
//!
//! Defaults never travel: two tasks that happen to have defaults for one name stay apart.

use std::any::TypeId;
use std::collections::{HashMap, HashSet};

use crate::key::Digest;
use crate::param::{AnyValue, ParamDecl};
use crate::plan::draws::Slot;
use crate::plan::error::PlanErrorKind;
use crate::plan::given::{Givens, Named};
use crate::plan::scope::{Inherited, OnTheWay, Scope};
use crate::plan::types::{PlanType, TypeIndex, Types, origin, same};
use crate::require::Wish;
use crate::setting::Setting;
use crate::store::Store;
use crate::task::TaskType;
use crate::value::{self, Value};

/// One parameter's value and where it came from.
pub(crate) struct Resolved {
    pub(crate) value: AnyValue,
    pub(crate) digest: Digest,
    pub(crate) from: From,
}

/// Where a value came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum From {
    Literal,
    /// Set by `with` for this parameter: its own key, or one that it is through `from`.
    With(TypeIndex, usize),
    Flow,
    Inherited,
    Named,
    Default,
}

impl From {
    /// Whether the value travels on to the tasks required.
    pub(crate) fn is_given(self) -> bool {
        self != Self::Default
    }
}

/// Resolves parameters, and remembers which of the given values reached one.
pub(crate) struct Resolver<'a> {
    pub(crate) givens: &'a Givens,
    /// What the variant gives whose root is being walked, in the place of what the flow gives.
    pub(crate) variant: Option<&'a Setting>,
    pub(crate) store: &'a Store,
    pub(crate) used_typed: HashSet<(TypeId, usize)>,
    pub(crate) used_named: HashSet<String>,
    /// Whether what is wrong is noted, to go on.
    tells_all: bool,
    /// What is wrong with the parameters of the task asked about last.
    pub(crate) wrong: Vec<PlanErrorKind>,
    /// The parameters that were left to their defaults, or without a value, if that is noted.
    pub(crate) unmet: HashSet<(TypeIndex, usize)>,
    /// The digests of the defaults asked for.
    defaults: HashMap<(TypeId, usize), Option<Digest>>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(givens: &'a Givens, store: &'a Store) -> Self {
        Self {
            givens,
            variant: None,
            store,
            used_typed: HashSet::new(),
            used_named: HashSet::new(),
            tells_all: false,
            wrong: Vec::new(),
            unmet: HashSet::new(),
            defaults: HashMap::new(),
        }
    }

    /// The same, for one who wants to know all that is wrong.
    pub(crate) fn telling_all(givens: &'a Givens, store: &'a Store) -> Self {
        Self { tells_all: true, ..Self::new(givens, store) }
    }

    /// The values of all parameters of the task wished for, in the order of its fields. There are fewer
    /// of them if something is wrong that was noted.
    pub(crate) fn resolve(
        &mut self,
        types: &Types,
        index: TypeIndex,
        wish: &Wish,
        scope: &Scope,
    ) -> Result<Vec<Resolved>, PlanErrorKind> {
        let entry = types.get(index);
        let mut resolved = Vec::with_capacity(entry.task.params.len());
        for place in 0..entry.task.params.len() {
            match self.one(types, index, place, wish, scope) {
                Ok(one) => {
                    if self.tells_all && one.from == From::Default {
                        self.unmet.insert((index, place));
                    }
                    resolved.push(one);
                }
                Err(wrong) => {
                    if self.tells_all && matches!(wrong, PlanErrorKind::NoValue { .. }) {
                        self.unmet.insert((index, place));
                    }
                    self.note(wrong)?;
                }
            }
        }
        Ok(resolved)
    }

    fn one(
        &mut self,
        types: &Types,
        index: TypeIndex,
        place: usize,
        wish: &Wish,
        scope: &Scope,
    ) -> Result<Resolved, PlanErrorKind> {
        let (value, from) = self.value(types, index, place, wish, scope)?;
        if let Err(wrong) = self.check(types, index, place, &value) {
            self.note(wrong)?;
        }
        let entry = types.get(index);
        let digest = digest_param(self.store, &entry.decl.name, entry.param(place), &value)?;
        Ok(Resolved { value, digest, from })
    }

    fn note(&mut self, wrong: PlanErrorKind) -> Result<(), PlanErrorKind> {
        if !self.tells_all {
            return Err(wrong);
        }
        self.wrong.push(wrong);
        Ok(())
    }

    fn value(
        &mut self,
        types: &Types,
        index: TypeIndex,
        place: usize,
        wish: &Wish,
        scope: &Scope,
    ) -> Result<(AnyValue, From), PlanErrorKind> {
        let entry = types.get(index);
        let param = entry.param(place);

        if let Some((_, value)) = wish.own.iter().rfind(|(own, _)| *own == place) {
            return Ok((value.clone(), From::Literal));
        }
        for (task, place) in same(entry.task, place) {
            let Some(index) = types.find((task.id)()) else { continue };
            if let Some(with) = scope.with(index, place) {
                return Ok((with.value.clone(), From::With(index, place)));
            }
        }
        if let Some(value) = self.typed(entry.task, place) {
            return Ok((value, From::Flow));
        }
        let name = types.names(index)[place];
        if let Some(inherited) = scope.inherited(name) {
            if param.significant && !inherited.significant {
                let (giver, giver_place) = inherited.giver;
                return Err(PlanErrorKind::Insignificant {
                    task: entry.decl.name.to_string(),
                    param: param.name,
                    from: format!("{}.{}", (giver.decl)().name, giver.params[giver_place].name),
                });
            }
            return Ok((inherited.value.value.clone(), From::Inherited));
        }
        if let Some(value) = self.named(types, index, place)? {
            return Ok((value, From::Named));
        }
        self.default(types, index, place).map(|value| (value, From::Default))
    }

    /// What the flow gave to this parameter, or to the one that it is.
    fn typed(&mut self, task: &'static TaskType, place: usize) -> Option<AnyValue> {
        let mut keys = same(task, place).map(|(task, place)| ((task.id)(), place));
        let (key, value) = keys.find_map(|key| {
            let own = self.variant.and_then(|setting| setting.typed(key));
            let value = own.or_else(|| Some(&*self.givens.typed.get(&key)?.value));
            Some((key, value?.clone()))
        })?;
        self.used_typed.insert(key);
        Some(value)
    }

    fn named(
        &mut self,
        types: &Types,
        index: TypeIndex,
        place: usize,
    ) -> Result<Option<AnyValue>, PlanErrorKind> {
        let entry = types.get(index);
        let param = entry.param(place);
        let Some((name, value)) = [param.name, origin(param).name].into_iter().find_map(|name| {
            let own = self.variant.and_then(|setting| setting.named(name));
            Some((name, own.or_else(|| self.givens.named.get(name))?))
        }) else {
            return Ok(None);
        };
        self.used_named.insert(name.to_owned());
        fit(&entry.decl.name, param, name, value).map(Some)
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

    /// Whether a value is the parameter's default, wherever it came from.
    pub(crate) fn is_default(&mut self, entry: &PlanType, place: usize, digest: Digest) -> bool {
        let (task, place) = source(entry.task, place);
        let (givens, store) = (self.givens, self.store);
        let default = self.defaults.entry(((task.id)(), place)).or_insert_with(|| {
            let value = givens.default(task, place)?.ok()?;
            digest_param(store, &entry.decl.name, &task.params[place], &value).ok()
        });
        *default == Some(digest)
    }

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
                value: (param.kind.to_value)(&**value)
                    .map_or_else(|e| e.to_string(), |v| v.to_string()),
                allowed: rule.text,
            }),
        }
    }
}

/// A value given by `name` as one of this parameter.
pub(crate) fn fit(
    task: &str,
    param: &'static ParamDecl,
    name: &str,
    value: &Named,
) -> Result<AnyValue, PlanErrorKind> {
    // The value itself is not shown, for it may be meant for a secret. The reason says what it can
    // of it.
    let wrong = |reason: String| PlanErrorKind::WrongType {
        name: name.to_owned(),
        task: task.to_owned(),
        param: param.name,
        ty: crate::__private::short((param.kind.name)()),
        reason,
    };
    let value = value.as_ref().map_err(|reason| wrong(reason.clone()))?;
    let reason = match (param.kind.from_value)(value) {
        Ok(fitted) => return Ok(fitted),
        Err(reason) => reason,
    };
    // A command line has text only: `0.3` and `true` fit what they are the text of.
    let meant = read_text(value).and_then(|value| (param.kind.from_value)(&value).ok());
    meant.ok_or_else(|| wrong(reason.to_string()))
}

/// The truth value or the number that a text is of.
fn read_text(value: &Value) -> Option<Value> {
    let Value::Str(text) = value else { return None };
    let truth = text.parse().ok().map(Value::Bool);
    let whole = || text.parse::<i128>().ok().map(|number| Value::Int(number.into()));
    let number = || text.parse::<f64>().ok().map(|number| Value::Float(number.into()));
    truth.or_else(whole).or_else(number)
}

/// The task and place of the parameter that this one is: itself or, through `from`, another.
pub(crate) fn source(task: &'static TaskType, place: usize) -> (&'static TaskType, usize) {
    same(task, place).last().unwrap_or((task, place))
}

/// The slot by which a value entered, seen from outside the task; `None` if the task's consumer
/// fixed it.
pub(crate) fn slot(types: &Types, index: TypeIndex, place: usize, from: From) -> Option<Slot> {
    match from {
        From::Literal => None,
        From::With(task, param) => Some(Slot::With(task, param)),
        From::Inherited => Some(Slot::Name(types.names(index)[place])),
        From::Flow | From::Named | From::Default => Some(Slot::Flow),
    }
}

/// The scope of what a task requires: its own given values go before those from further down.
pub(crate) fn pass_on(types: &Types, index: TypeIndex, resolved: &[Resolved], scope: &mut Scope) {
    for (place, resolved) in resolved.iter().enumerate() {
        let param = types.get(index).param(place);
        let travels = resolved.from.is_given() && !param.local;
        let value = travels.then(|| Inherited {
            value: OnTheWay { value: resolved.value.clone(), digest: resolved.digest },
            giver: (types.get(index).task, place),
            significant: param.significant,
        });
        scope.set(types.names(index)[place], value);
    }
}

/// A parameter's value in the common form.
pub(crate) fn param_value(
    task: &str,
    param: &'static ParamDecl,
    value: &dyn std::any::Any,
) -> Result<Value, PlanErrorKind> {
    let value = (param.kind.to_value)(value).map_err(|reason| PlanErrorKind::NoKey {
        task: task.to_owned(),
        param: param.name,
        reason: reason.to_string(),
    })?;
    Ok(if is_path(param) { value.with_slashes() } else { value })
}

/// The digest of a parameter's value.
pub(crate) fn digest_param(
    store: &Store,
    task: &str,
    param: &'static ParamDecl,
    value: &AnyValue,
) -> Result<Digest, PlanErrorKind> {
    digest_value(store, &param_value(task, param, &**value)?)
}

/// The digest of a value's canonical encoding.
pub(crate) fn digest_value(store: &Store, value: &Value) -> Result<Digest, PlanErrorKind> {
    thread_local! {
        static ENCODING: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    let none = crate::secret::SecretKey::new([0; 32]);
    let key = if value.has_secret() { store.secret_key()? } else { &none };
    Ok(ENCODING.with_borrow_mut(|encoding| {
        encoding.clear();
        value.encode(key, encoding);
        crate::key::digest_bytes(encoding)
    }))
}

/// Whether a path, or paths, are what the values are.
fn is_path(param: &ParamDecl) -> bool {
    use std::path::PathBuf;

    let id = (param.kind.id)();
    [TypeId::of::<PathBuf>(), TypeId::of::<Option<PathBuf>>(), TypeId::of::<Vec<PathBuf>>()]
        .contains(&id)
}

/// A value from outside the library, as it is given by name.
pub(crate) fn named<T: serde::Serialize>(value: &T) -> Named {
    value::to_value(value).map_err(|reason| reason.to_string())
}
