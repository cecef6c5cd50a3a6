//! The fields of a struct of outputs: their targets, and the values that these store.
//!
//! An expansion converts each field by [`stored_as`], so that a field of another type than its target stores is one error.

use crate::task::keep::{KeepPart, Part};

/// A field whose target stores a `T`: a `T`.
#[diagnostic::on_unimplemented(
    message = "the field is a `{Self}`, and its target stores a `{T}`",
    label = "not the type that the target stores",
    note = "give the field the type `{T}`, or name a target in `#[output(...)]` that stores a `{Self}`"
)]
pub trait StoredAs<T>: Sized {
    fn stored(&self) -> &T;
    fn loaded(value: T) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T> StoredAs<T> for T {
    fn stored(&self) -> &T {
        self
    }

    fn loaded(value: T) -> Self {
        value
    }
}

/// The conversions between a field of type `F` and the value that its target stores.
pub struct Stored<F, T> {
    stored: fn(&F) -> &T,
    loaded: fn(T) -> F,
}

/// Returns the conversions. It is the only place in an expansion that compares the two types.
pub fn stored_as<F: StoredAs<T>, T>() -> Stored<F, T> {
    Stored { stored: F::stored, loaded: F::loaded }
}

impl<F, T> Stored<F, T> {
    /// Returns a field as the value that its target stores.
    pub fn stored<'a>(&self, field: &'a F) -> &'a T {
        (self.stored)(field)
    }

    /// Returns a value that a target has loaded as the field.
    pub fn loaded(&self, value: T) -> F {
        (self.loaded)(value)
    }
}

/// Checks that values of a field can be stored at all.
///
/// # Errors
///
/// The target cannot store values of the type. The error names the field.
pub fn check_field_type<O, K: KeepPart<Value = V>, V>(part: Part<O, K>) -> anyhow::Result<()> {
    part.check_type()
}
