//! Checks the limits of a parameter: `#[param(range = ...)]` and `#[param(choices = ...)]`.
//!
//! The traits accept what a user may write as a limit. Each has its own compiler message.

use std::any::Any;
use std::ops::{Bound, RangeBounds};

use crate::task::param::{IntoParam, Parameter, expect};

/// A range of values of type `T`, as `#[param(range = ...)]` takes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a range of `{T}`",
    label = "expected a range of `{T}`",
    note = "write both ends as values of type `{T}`, such as `1..=10` for an integer, `0.0..=1.0` for a float and `\"a\"..\"m\"` for a text"
)]
pub trait RangeOf<T>: RangeBounds<T> {}

#[diagnostic::do_not_recommend]
impl<T, R: RangeBounds<T>> RangeOf<T> for R {}

/// Returns whether a value is within `#[param(range = ...)]`.
pub fn in_range<T: PartialOrd + 'static>(range: impl RangeOf<T>, value: &dyn Any) -> bool {
    range.contains(expect::<T>(value))
}

/// Returns whether the value of an optional parameter is within its range. `None` always is.
pub fn optional_in_range<T: PartialOrd + 'static>(range: impl RangeOf<T>, value: &dyn Any) -> bool {
    expect::<Option<T>>(value).as_ref().is_none_or(|value| range.contains(value))
}

/// A range of texts. It has its own message, because a task function borrows the text that its task stores.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a range of `&str`",
    label = "expected a range of `&str`",
    note = "write both ends as texts, such as `\"a\"..\"m\"`"
)]
pub trait TextRange: RangeBounds<&'static str> {}

#[diagnostic::do_not_recommend]
impl<R: RangeBounds<&'static str>> TextRange for R {}

/// Returns whether a text is within its range, in the order of its bytes.
pub fn text_in_range(range: impl TextRange, value: &dyn Any) -> bool {
    is_text_in_range(&range, expect::<String>(value))
}

/// Returns whether an optional text is within its range. `None` always is.
pub fn optional_text_in_range(range: impl TextRange, value: &dyn Any) -> bool {
    expect::<Option<String>>(value).as_ref().is_none_or(|text| is_text_in_range(&range, text))
}

fn is_text_in_range(range: &impl TextRange, text: &str) -> bool {
    // The order of two ends is that of the texts, whatever their lifetimes are.
    let is_after = match range.start_bound() {
        Bound::Included(start) => text >= *start,
        Bound::Excluded(start) => text > *start,
        Bound::Unbounded => true,
    };
    let is_before = match range.end_bound() {
        Bound::Included(end) => text <= *end,
        Bound::Excluded(end) => text < *end,
        Bound::Unbounded => true,
    };
    is_after && is_before
}

/// Returns whether a value is one of `#[param(choices = [...])]`.
pub fn one_of<T: PartialEq + 'static>(choices: &[T], value: &dyn Any) -> bool {
    choices.contains(expect::<T>(value))
}

/// Returns whether the value of an optional parameter is one of its choices. `None` always is.
pub fn optional_one_of<T: PartialEq + 'static>(choices: &[T], value: &dyn Any) -> bool {
    expect::<Option<T>>(value).as_ref().is_none_or(|value| choices.contains(value))
}

/// A list of values, as `#[param(choices = LIST)]` takes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of values for a parameter of type `{T}`",
    label = "expected an array or a slice of `{T}`",
    note = "write a list, such as `choices = [\"a\", \"b\"]`, or name a constant of type `[T; N]` or `&[T]`"
)]
pub trait ChoicesOf<T> {
    fn choices(self) -> Vec<T>;
}

#[diagnostic::do_not_recommend]
impl<T, U: IntoParam<T>, const N: usize> ChoicesOf<T> for [U; N] {
    fn choices(self) -> Vec<T> {
        self.into_iter().map(IntoParam::into_param).collect()
    }
}

#[diagnostic::do_not_recommend]
impl<T, U: IntoParam<T> + Clone, const N: usize> ChoicesOf<T> for &[U; N] {
    fn choices(self) -> Vec<T> {
        self.iter().cloned().map(IntoParam::into_param).collect()
    }
}

#[diagnostic::do_not_recommend]
impl<T, U: IntoParam<T> + Clone> ChoicesOf<T> for &[U] {
    fn choices(self) -> Vec<T> {
        self.iter().cloned().map(IntoParam::into_param).collect()
    }
}

/// Returns the values of a named list as text, such as `["a", "b"]`.
pub fn list<T: Parameter>(choices: &[T]) -> String {
    let values = choices.iter().map(|choice| match crate::value::to_value(choice) {
        Ok(value) => value.to_string(),
        Err(error) => format!("({error})"),
    });
    format!("[{}]", values.collect::<Vec<_>>().join(", "))
}

/// Returns the values of a constant that `#[param(choices = LIST)]` names.
pub fn choices<T>(list: impl ChoicesOf<T>) -> Vec<T> {
    list.choices()
}

/// A list of texts, as `#[param(choices = LIST)]` takes it. It has its own message, as [`TextRange`] does.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of texts",
    label = "expected an array or a slice of `&str`",
    note = "write a list, such as `choices = [\"a\", \"b\"]`, or name a constant of type `[&str; N]` or `&[&str]`"
)]
pub trait TextChoices: ChoicesOf<String> {}

#[diagnostic::do_not_recommend]
impl<L: ChoicesOf<String>> TextChoices for L {}

/// Returns the texts of a constant that `#[param(choices = LIST)]` names.
pub fn text_choices(list: impl TextChoices) -> Vec<String> {
    list.choices()
}
