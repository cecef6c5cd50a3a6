//! Spans for [`tracing`](https://docs.rs/tracing): which part of the library works, and for how long.
//!
//! With the cargo feature `tracing`, a span is entered for each plan, judgement of a plan, task, commit, push and pull.
//! Their target is `flow`, so that a subscriber can select them. Without the feature, [`span!`] compiles to nothing.

/// Enters a span until the end of the enclosing block: `span!("plan", roots = 2)`.
///
/// The values of the fields are displayed. Without the feature `tracing` they are not evaluated.
#[cfg(feature = "tracing")]
macro_rules! span {
    ($name:literal $(, $field:ident = $value:expr)* $(,)?) => {
        let _span = ::tracing::info_span!(target: "flow", $name $(, $field = %$value)*).entered();
    };
}

/// Enters no span, because the feature `tracing` is off.
#[cfg(not(feature = "tracing"))]
macro_rules! span {
    ($name:literal $(, $field:ident = $value:expr)* $(,)?) => {
        $(
            // The value counts as used, and is not evaluated.
            let _ = || {
                let _ = &$value;
            };
        )*
    };
}

pub(crate) use span;
