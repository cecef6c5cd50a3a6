//! Containment of panics in user code.
//!
//! Tasks, targets, types of parameters and observers are user code. All of it may panic: `run`, but
//! also `Drop`, `Display`, `Serialize` or an iterator in `requires`. A panic that unwinds a thread
//! of the engine would end the run. So every call of user code on a thread other than the user's
//! goes through this module. A panic becomes an error with its message, and fails one task.
//!
//! A panic during unwinding aborts the process. Rust has no way to contain that.

use std::any::Any;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls user code. Returns the message if it panics.
pub(crate) fn catch<R>(call: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let message = message(&*panic);
        discard(panic);
        message
    })
}

/// Calls user code that may fail. Returns an error if it panics.
///
/// The returned error can be displayed without a panic.
pub(crate) fn catch_error<R>(call: impl FnOnce() -> anyhow::Result<R>) -> anyhow::Result<R> {
    match catch(call) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(printable(error)),
        Err(message) => Err(anyhow::anyhow!("it panicked: {message}")),
    }
}

/// Renders an error of user code with its causes, and drops the error.
pub(crate) fn render(error: anyhow::Error) -> String {
    let text = catch(|| format!("{error:#}"));
    discard(error);
    text.unwrap_or_else(|message| format!("its error has no message: it panicked: {message}"))
}

/// Returns the error, or a description of the panic if displaying the error panics.
fn printable(error: anyhow::Error) -> anyhow::Error {
    match catch(|| format!("{error:#}")) {
        Ok(_) => error,
        Err(_) => anyhow::Error::msg(render(error)),
    }
}

/// Drops a value of a user's type, and contains a panic of its destructor.
pub(crate) fn discard<T>(value: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // The destructor of the panic's payload may panic too.
        std::mem::forget(panic);
    }
}

/// Returns the message of a panic.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without a message".to_owned())
}

/// A value of a user's type. A panic of its destructor is contained wherever it is dropped.
#[derive(Clone)]
pub(crate) struct Contained<T>(Option<T>);

impl<T> Contained<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T> Deref for Contained<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("present until drop")
    }
}

impl<T> Drop for Contained<T> {
    fn drop(&mut self) {
        discard(self.0.take());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Panics when it is dropped, with another `Bomb` as the payload.
    struct Bomb(u32);

    impl Drop for Bomb {
        fn drop(&mut self) {
            match self.0 {
                0 => panic!("dropped"),
                more => std::panic::panic_any(Bomb(more - 1)),
            }
        }
    }

    #[test]
    fn destructors_that_panic_are_contained() {
        for depth in 0..3 {
            discard(Bomb(depth));
            drop(Contained::new(Bomb(depth)));
            drop(Contained::new(Arc::new(Bomb(depth))));
            let caught = catch(|| std::panic::panic_any(Bomb(depth)));
            assert_eq!(caught, Err::<(), _>("a panic without a message".to_owned()));
        }
    }

    impl std::fmt::Debug for Bomb {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            Ok(())
        }
    }

    #[test]
    fn an_error_that_cannot_be_printed_is_replaced() {
        #[derive(Debug)]
        struct Mute(#[expect(dead_code, reason = "it is dropped")] Bomb);

        impl std::fmt::Display for Mute {
            fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                panic!("no comment")
            }
        }

        impl std::error::Error for Mute {}

        let caught = catch_error(|| Err::<(), _>(Mute(Bomb(1)).into()));
        let text = caught.expect_err("it fails").to_string();
        assert_eq!(text, "its error has no message: it panicked: no comment");
        let caught = catch_error(|| -> anyhow::Result<()> { panic!("a {}", "text") });
        assert_eq!(caught.expect_err("it panics").to_string(), "it panicked: a text");
    }
}
