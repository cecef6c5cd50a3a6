//! Errors in the declaration of a sweep.

use crate::value::first_line;

/// An error in the declaration of a sweep, independent of its tasks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message says what the fields are")]
pub enum SweepError {
    /// The sweep is empty.
    #[error("the sweep has no variants: add some with `over`, `variant` or `setting`")]
    NoVariants,

    /// A parameter is swept over an empty list of values.
    #[error("the sweep gives no values for `{param}`, so that it has no variants")]
    NoValues { param: String },

    /// A list of values or settings is too long, or infinite.
    #[error(
        "the sweep was given more than {limit} {what}: let them be drawn from a range, with `uniform`"
    )]
    TooLong { what: String, limit: usize },

    /// Two variants have one name.
    #[error("the sweep has two variants with the name `{}`", first_line(name))]
    SameName { name: String },

    /// A variant has an empty name.
    #[error("the sweep has a variant without a name: `setting` makes one from the values")]
    EmptyName,

    /// A parameter is set in two places.
    #[error("the sweep sets `{param}` twice: {places}; leave one of them out")]
    SetTwice { param: String, places: String },

    /// A range is empty or invalid.
    #[error("the range {range} for `{param}` {wrong}")]
    Range { param: String, range: String, wrong: &'static str },

    /// Values are drawn from a range, and the number of samples is missing.
    #[error(
        "the values of `{param}` are drawn from a range, and the sweep has no number of samples: add \
         `.sample(n, seed)`"
    )]
    NotSampled { param: String },

    /// The sweep has too many variants.
    #[error(
        "the sweep has {count} variants, and more than {limit} are not made: try some of them, with `sample(n, seed)`"
    )]
    TooMany { count: String, limit: usize },
}
