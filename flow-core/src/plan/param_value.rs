//! The values of parameters in a plan: their canonical form and digests, and values that are given by name.

use std::any::{Any, TypeId};

use crate::base::key::Digest;
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
        ty: crate::base::names::short((param.kind.name)()),
        reason,
    };
    let value = value.as_ref().map_err(|reason| wrong(reason.clone()))?;
    let reason = match (param.kind.from_value)(value) {
        Ok(fitted) => return Ok(fitted),
        Err(reason) => reason,
    };
    // A command line has only text: `0.3` and `true` are read as a number and a boolean.
    let meant = read_text(value).and_then(|value| (param.kind.from_value)(&value).ok());
    meant.ok_or_else(|| wrong(reason.to_string()))
}

/// Parses a text as a boolean or a number.
fn read_text(value: &Value) -> Option<Value> {
    let Value::Str(text) = value else { return None };
    let truth = text.parse().ok().map(Value::Bool);
    let whole = || text.parse::<i128>().ok().map(|number| Value::Int(number.into()));
    let number = || text.parse::<f64>().ok().map(|number| Value::Float(number.into()));
    truth.or_else(whole).or_else(number)
}
