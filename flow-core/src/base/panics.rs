//! Containing panics of user code.
//!
//! Tasks, targets, types of parameters and observers are code of the user, and all of it may panic: `run`,
//! and also `Drop`, `Display`, `Serialize` or an iterator in `requires`. A panic that unwound a thread
//! of the engine would end the run, so every call into user code that is not made on the user's own thread
//! goes through here. A panic becomes an error with its message, and fails one task.
//!
//! A panic while another one unwinds aborts the process; Rust gives no way to contain that.

use std::any::Any;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls user code, and turns a panic into its message.
pub(crate) fn catch<R>(call: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let message = message(&*panic);
        discard(panic);
        message
    })
}

/// Calls user code that may fail, and turns a panic into an error.
///
/// The error that it gives can be printed without a panic.
pub(crate) fn catch_error<R>(call: impl FnOnce() -> anyhow::Result<R>) -> anyhow::Result<R> {
    match catch(call) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(printable(error)),
        Err(message) => Err(anyhow::anyhow!("it panicked: {message}")),
    }
}

/// Renders an error of user code with its causes, and drops it.
pub(crate) fn render(error: anyhow::Error) -> String {
    let text = catch(|| format!("{error:#}"));
    discard(error);
    text.unwrap_or_else(|message| format!("its error has no message: it panicked: {message}"))
}

/// The error, or one that tells what happened if printing it panics.
fn printable(error: anyhow::Error) -> anyhow::Error {
    match catch(|| format!("{error:#}")) {
        Ok(_) => error,
        Err(_) => anyhow::Error::msg(render(error)),
    }
}

/// Drops a value of a user's type; a panic of its destructor ends here.
pub(crate) fn discard<T>(value: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // The destructor of what it panicked with may panic, too.
        std::mem::forget(panic);
    }
}

/// The message of a panic, as far as it has one.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without a message".to_owned())
}

/// A value of a user's type whose destructor may panic wherever the value is dropped.
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
        self.0.as_ref().expect("only dropping takes it")
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

    /// Panics when it is dropped, with another one of its kind.
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
