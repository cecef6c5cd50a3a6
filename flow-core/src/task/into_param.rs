//! Converts the values that users give to the types of parameters: [`IntoParam`] and its impls.

use std::path::{Path, PathBuf};

use crate::task::param::Parameter;
use crate::value::secret::Secret;

/// A value that can be given to a parameter of type `T`.
///
/// It converts `"gbm"` to a `String`, `[1, 2]` to a `Vec`, and a borrowed value to its owned type.
/// Numbers are not converted: a literal takes the parameter's own type, and a variable of another
/// width is a compile error.
///
/// ```
/// use flow_core::IntoParam;
///
/// let name: String = "gbm".into_param();
/// let days: Vec<u8> = [1, 2].into_param();
/// assert_eq!((name.as_str(), days.as_slice()), ("gbm", [1, 2].as_slice()));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not fit a parameter of type `{T}`",
    label = "expected a value for a parameter of type `{T}`",
    note = "write a value of exactly that type: `1.0` for an `f64`, `Some(3)` for an `Option`, `\"a\".into()` for a type \
            that implements `From<&str>`"
)]
pub trait IntoParam<T> {
    /// Converts the value to the parameter's own type.
    fn into_param(self) -> T;
}

// Without a bound, so that a type that cannot be a parameter is reported as such, and not as one that does not fit
// itself.
#[diagnostic::do_not_recommend]
impl<T> IntoParam<T> for T {
    fn into_param(self) -> T {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<T: Parameter> IntoParam<T> for &T {
    fn into_param(self) -> T {
        self.clone()
    }
}

#[diagnostic::do_not_recommend]
impl IntoParam<String> for &str {
    fn into_param(self) -> String {
        self.to_owned()
    }
}

#[diagnostic::do_not_recommend]
impl IntoParam<PathBuf> for &str {
    fn into_param(self) -> PathBuf {
        self.into()
    }
}

#[diagnostic::do_not_recommend]
impl IntoParam<PathBuf> for String {
    fn into_param(self) -> PathBuf {
        self.into()
    }
}

#[diagnostic::do_not_recommend]
impl IntoParam<PathBuf> for &Path {
    fn into_param(self) -> PathBuf {
        self.to_owned()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Parameter, U: IntoParam<T>, const N: usize> IntoParam<Vec<T>> for [U; N] {
    fn into_param(self) -> Vec<T> {
        self.into_iter().map(IntoParam::into_param).collect()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Parameter> IntoParam<Vec<T>> for &[T] {
    fn into_param(self) -> Vec<T> {
        self.to_vec()
    }
}

#[diagnostic::do_not_recommend]
impl IntoParam<Secret<String>> for &str {
    fn into_param(self) -> Secret<String> {
        Secret::new(self.to_owned())
    }
}

#[diagnostic::do_not_recommend]
impl<T: Parameter> IntoParam<Secret<T>> for T {
    fn into_param(self) -> Secret<T> {
        Secret::new(self)
    }
}
