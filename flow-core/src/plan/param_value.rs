//! The values of parameters in a plan: their canonical form and digests, and values that are given by name.

use std::any::{Any, TypeId};

use crate::base::key::Digest;
use crate::plan::alias::origin;
use crate::plan::error::PlanErrorKind;
use crate::store::Store;
use crate::task::param::ParamDecl;
use crate::task::setting::Named;
use crate::value::AnyValue;
use crate::value::Value;

/// A value of a parameter, with the digest of its canonical form.
#[derive(Clone)]
pub(crate) struct ParamValue {
    pub(crate) value: AnyValue,
    pub(crate) digest: Digest,
}

impl ParamValue {
    /// Computes the digest of a value of the parameter `param` of the task `task`.
    pub(crate) fn new(
        store: &Store,
        task: &str,
        param: &'static ParamDecl,
        value: AnyValue,
    ) -> Result<Self, PlanErrorKind> {
        let digest = digest_param(store, task, param, &value)?;
        Ok(Self { value, digest })
    }
}

/// Converts a parameter's value to the canonical form.
pub(crate) fn param_value(
    task: &str,
    param: &'static ParamDecl,
    value: &dyn Any,
) -> Result<Value, PlanErrorKind> {
    let value = (param.kind.to_value)(value).map_err(|reason| PlanErrorKind::NoKey {
        task: task.to_owned(),
        param: param.name,
        reason: reason.to_string(),
    })?;
    Ok(if is_path(param) { value.with_slashes() } else { value })
}

/// Returns the digest of a parameter's value.
pub(crate) fn digest_param(
    store: &Store,
    task: &str,
    param: &'static ParamDecl,
    value: &AnyValue,
) -> Result<Digest, PlanErrorKind> {
    digest_value(store, &param_value(task, param, &**value)?)
}

/// Returns the digest of a value's canonical encoding.
pub(crate) fn digest_value(store: &Store, value: &Value) -> Result<Digest, PlanErrorKind> {
    thread_local! {
        static ENCODING: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    let none = crate::value::secret::SecretKey::new([0; 32]);
    let key = if value.has_secret() { store.secret_key()? } else { &none };
    Ok(ENCODING.with_borrow_mut(|encoding| {
        encoding.clear();
        value.encode(key, encoding);
        crate::base::key::digest_bytes(encoding)
    }))
}

/// Returns whether the type of a parameter is a path or holds paths.
fn is_path(param: &ParamDecl) -> bool {
    use std::path::PathBuf;

    let id = (param.kind.id)();
    [TypeId::of::<PathBuf>(), TypeId::of::<Option<PathBuf>>(), TypeId::of::<Vec<PathBuf>>()]
        .contains(&id)
}

/// Returns the text of a value.
pub(crate) fn text(param: &ParamDecl, value: &AnyValue) -> String {
    (param.kind.to_value)(&**value)
        .map_or_else(|error| error.to_string(), |value| value.to_string())
}

/// Checks a value against the `range` and `choices` of its parameter and of its source.
pub(crate) fn check_allowed(
    task: &str,
    param: &'static ParamDecl,
    value: &AnyValue,
) -> Result<(), PlanErrorKind> {
    let origin = origin(param);
    let rules = [param.range, param.choices, origin.range, origin.choices];
    match rules.into_iter().flatten().find(|rule| !(rule.holds)(&**value)) {
        None => Ok(()),
        Some(rule) => Err(PlanErrorKind::NotAllowed {
            task: task.to_owned(),
            param: param.name,
            value: text(param, value),
            allowed: rule.shown(),
        }),
    }
}

/// Converts a value that is given by `name` to the type of this parameter.
pub(crate) fn fit(
    task: &str,
    param: &'static ParamDecl,
    name: &str,
    value: &Named,
) -> Result<AnyValue, PlanErrorKind> {
    // The error does not show the value, which may be meant for a secret.
    let wrong = |reason: String| PlanErrorKind::WrongType {
        name: name.to_owned(),
        task: task.to_owned(),
        param: param.name,
        expected: expected(param),
        reason,
    };
    let value = value.as_ref().map_err(|reason| wrong(reason.clone()))?;
    (param.kind.from_given)(value).map_err(|reason| wrong(reason.to_string()))
}

/// Returns the type of a parameter, and a text that fits.
fn expected(param: &'static ParamDecl) -> String {
    let ty = crate::base::names::short((param.kind.name)());
    match example(param) {
        Some(example) => format!("`{ty}`, written as `{example}`"),
        None => format!("`{ty}`"),
    }
}

/// Returns a text that is a value of the parameter, if there is a short one that its rules allow.
fn example(param: &'static ParamDecl) -> Option<String> {
    let text = (param.kind.example)()?;
    let value = (param.kind.from_given)(&Value::Str(text.as_str().into())).ok()?;
    let origin = origin(param);
    let rules = [param.range, param.choices, origin.range, origin.choices];
    let is_allowed = rules.into_iter().flatten().all(|rule| (rule.holds)(&*value));
    is_allowed.then_some(text)
}
