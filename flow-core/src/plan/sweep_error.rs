//! What can be wrong with a sweep.

use crate::value::first_line;

/// What is wrong with a sweep, whatever its tasks are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message says what the fields are")]
pub enum SweepError {
    /// There is nothing in it.
    #[error("the sweep has no variants: add some with `over`, `variant` or `setting`")]
    NoVariants,

    /// A parameter is to take one value after the other, and there are none.
    #[error("the sweep gives no values for `{param}`, so that it has no variants")]
    NoValues { param: String },

    /// A list of values or settings does not end, or nearly so.
    #[error(
        "the sweep was given more than {limit} {what}: let them be drawn from a range, with `uniform`"
    )]
    TooLong { what: String, limit: usize },

    /// Two variants have one name.
    #[error("the sweep has two variants with the name `{}`", first_line(name))]
    SameName { name: String },

    /// A variant has a name that nobody can read.
    #[error("the sweep has a variant without a name: `setting` makes one from the values")]
    EmptyName,

    /// A parameter is set in two places.
    #[error("the sweep sets `{param}` twice: {places}; leave one of them out")]
    SetTwice { param: String, places: String },

    /// A range is none.
    #[error("the range {range} for `{param}` {wrong}")]
    Range { param: String, range: String, wrong: &'static str },

    /// Values are to be drawn, and nobody has said how many.
    #[error(
        "the values of `{param}` are drawn from a range: say how often, with `sample(n, seed)`"
    )]
    NotSampled { param: String },

    /// More variants than anybody would run.
    #[error(
        "the sweep has {count} variants, and more than {limit} are not made: try some of them, with `sample(n, seed)`"
    )]
    TooMany { count: String, limit: usize },
}
