//! Containment of panics in user code.
//!
//! Tasks, targets, types of parameters and observers are user code. All of it may panic: `run`, but
//! also `Drop`, `Display`, `Serialize` or an iterator in `requires`. A panic that unwinds a thread
//! of the engine would end the run. So every call of user code on a thread other than the user's
//! goes through this module. A panic becomes an error with its message, and fails one task.
//!
//! Only a panic hook receives the location of a panic. The first call installs one, which records the
//! location and calls the previous hook.
//!
//! A panic during unwinding aborts the process. Rust has no way to contain that.

use std::any::Any;
use std::backtrace::BacktraceStatus;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Deref;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::thread;

thread_local! {
    /// The number of calls of [`catch_panic`] on the stack of this thread.
    static CATCHING: Cell<u32> = const { Cell::new(0) };
    /// The latest panic of this thread within such a call: its message, and its place, such as `src/train.rs:12`.
    static LATEST: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
}

/// A panic of user code.
#[derive(Debug)]
pub(crate) struct Panic {
    /// The code that panicked, such as `the target`.
    what: &'static str,
    message: String,
    /// The file and line; `None` if the program has replaced the panic hook.
    place: Option<String>,
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, message, place } = self;
        match place {
            Some(place) => write!(f, "{what} panicked at {place}: {message}"),
            None => write!(f, "{what} panicked: {message}"),
        }
    }
}

impl std::error::Error for Panic {}

/// Calls user code. Returns the message if it panics.
pub(crate) fn catch<R>(call: impl FnOnce() -> R) -> Result<R, String> {
    catch_panic("it", call).map_err(|panic| panic.message)
}

/// Calls user code. Returns an error with the message and the place if it panics; `what` is the
/// subject of the error.
pub(crate) fn catch_panic<R>(what: &'static str, call: impl FnOnce() -> R) -> Result<R, Panic> {
    record_places();
    let before = replace_latest(None);
    let _ = CATCHING.try_with(|calls| calls.set(calls.get() + 1));
    let result = catch_unwind(AssertUnwindSafe(call));
    let _ = CATCHING.try_with(|calls| calls.set(calls.get().saturating_sub(1)));
    let latest = replace_latest(before);
    result.map_err(|panic| {
        let message = message(&*panic);
        discard(panic);
        // A panic of another thread may have been resumed, after which the latest one of this thread is another.
        let place = latest.filter(|(of, _)| *of == message).map(|(_, place)| place);
        Panic { what, message, place }
    })
}

/// Installs the panic hook that records the place of a panic, once per process.
fn record_places() {
    static HOOK: Once = Once::new();
    // A thread that panics cannot replace the hook.
    if HOOK.is_completed() || thread::panicking() {
        return;
    }
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if CATCHING.try_with(Cell::get).unwrap_or(0) > 0 {
                let place =
                    info.location().map(|place| format!("{}:{}", place.file(), place.line()));
                replace_latest(place.map(|place| (message(info.payload()), place)));
            }
            previous(info);
        }));
    });
}

/// Sets the latest panic, and returns the one before.
fn replace_latest(panic: Option<(String, String)>) -> Option<(String, String)> {
    // A thread that ends has no thread-local values.
    LATEST.try_with(|latest| latest.replace(panic)).ok().flatten()
}

/// Calls user code that may fail. Returns an error if it panics.
///
/// The returned error can be displayed without a panic.
pub(crate) fn catch_error<R>(call: impl FnOnce() -> anyhow::Result<R>) -> anyhow::Result<R> {
    match catch_panic("it", call) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(printable(error)),
        Err(panic) => Err(panic.into()),
    }
}

/// Returns the user's frames of the backtrace of an error, if one was captured: `RUST_BACKTRACE` is set.
///
/// The frames of this library, which called the user's code, are left out. The backtrace of a panic is that of the
/// panic hook, which prints it, and not that of the error.
pub(crate) fn backtrace(error: &anyhow::Error) -> Option<String> {
    let text = catch(|| {
        let backtrace = error.backtrace();
        let is_captured = backtrace.status() == BacktraceStatus::Captured;
        (is_captured && !error.is::<Panic>()).then(|| user_frames(&backtrace.to_string()))
    });
    text.ok().flatten().filter(|frames| !frames.is_empty())
}

/// The crates whose frames end a backtrace: they have called the user's code, or have made the error.
const LIBRARY: [&str; 2] = ["flow_core::", "flow_cluster::"];

/// The crates whose frames alone say nothing: those of an error that the library has made.
const STANDARD: [&str; 3] = ["core::", "std::", "alloc::"];

/// Returns the frames between those of `anyhow`, which made the error, and those of this library. They are none if all of them
/// are of the standard library.
fn user_frames(backtrace: &str) -> String {
    let name = |line: &str| {
        let (number, name) = line.trim_start().split_once(": ")?;
        number.parse::<u32>().is_ok().then(|| name.to_owned())
    };
    let mut frames = String::new();
    let (mut is_shown, mut has_own) = (false, false);
    for line in backtrace.lines() {
        if let Some(name) = name(line) {
            if is_of(&name, &LIBRARY) {
                break;
            }
            is_shown = !is_of(&name, &["anyhow::"]);
            has_own |= is_shown && !is_of(&name, &STANDARD);
        }
        if is_shown {
            frames.push_str(line);
            frames.push('\n');
        }
    }
    if has_own { frames.trim_end().to_owned() } else { String::new() }
}

/// Returns whether a function is of one of these crates.
fn is_of(function: &str, crates: &[&str]) -> bool {
    let path = function.trim_start_matches('<');
    // A blanket implementation, such as `<T as core::convert::Into<U>>::into`, is where its trait is.
    let path = match path.split_once(" as ") {
        Some((parameter, implemented)) if parameter.len() == 1 => implemented,
        _ => path,
    };
    crates.iter().any(|of| path.starts_with(of))
}

/// Returns the file and line of the panic that an error describes, if it describes one.
pub(crate) fn place(error: &anyhow::Error) -> Option<String> {
    // `source` is code of the error's type.
    let place = catch(|| {
        let panic = error.chain().find_map(|cause| cause.downcast_ref::<Panic>());
        panic.and_then(|panic| panic.place.clone())
    });
    place.ok().flatten()
}

/// Returns whether an error is or comes from a panic.
pub(crate) fn is_panic(error: &anyhow::Error) -> bool {
    catch(|| error.chain().any(|cause| cause.is::<Panic>())).unwrap_or(true)
}

/// Returns the message of an error of user code with its causes.
pub(crate) fn text(error: &anyhow::Error) -> String {
    catch(|| format!("{error:#}"))
        .unwrap_or_else(|message| format!("its error has no message: it panicked: {message}"))
}

/// Renders an error of user code with its causes, and drops the error.
pub(crate) fn render(error: anyhow::Error) -> String {
    let text = text(&error);
    discard(error);
    text
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
    let latest = replace_latest(None);
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // The destructor of the panic's payload may panic too.
        std::mem::forget(panic);
    }
    // The value may be dropped because of another panic.
    replace_latest(latest);
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
    fn a_backtrace_ends_where_the_library_begins() {
        let text = "   0: anyhow::__private::format_err\n             at src/lib.rs:1\n   1: shop::mean\n             \
                    at src/main.rs:2\n   2: <shop::Mean as flow_core::task::Run>::run\n   3: \
                    flow_core::task::execute::execute\n   4: std::thread::start";
        let frames = "   1: shop::mean\n             at src/main.rs:2\n   2: <shop::Mean as flow_core::task::Run>::run";
        assert_eq!(user_frames(text), frames);
        assert_eq!(user_frames("   0: anyhow::msg\n   1: flow_core::engine::settle"), "");
    }

    #[test]
    fn an_error_that_the_library_has_made_has_no_backtrace() {
        for made in [
            "<T as core::convert::Into<U>>::into",
            "<core::result::Result<T,F> as core::ops::try_trait::FromResidual<core::result::Result<\
             core::convert::Infallible,E>>>::from_residual",
            "<flow_cluster::pull::PullWorkers as flow_core::plan::executor::JobExecutor>::begin",
        ] {
            let text = format!(
                "   0: <E as anyhow::context::ext::StdError>::ext_context\n   1: {made}\n             at a.rs:1\n   2: \
                 flow_core::engine::settle\n   3: shop::main"
            );
            assert_eq!(user_frames(&text), "", "{made}");
        }
        // Frames of the standard library among those of the user stay.
        let text = "   0: core::iter::map\n   1: <shop::Mean as core::fmt::Display>::fmt\n   2: flow_core::run";
        assert!(user_frames(text).starts_with("   0: core::iter::map\n   1: <shop::Mean"));
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
        let (text, file) = (caught.expect_err("it panics").to_string(), file!());
        assert!(text.starts_with(&format!("it panicked at {file}:")), "{text}");
        assert!(text.ends_with(": a text"), "{text}");
    }

    #[test]
    fn the_place_is_that_of_the_panic_which_is_caught() {
        let line = |error: &Panic| error.place.clone().expect("a place");
        let outer = catch_panic("it", || -> u8 {
            let inner = catch_panic("it", || -> u8 { panic!("inside") });
            let inner = line(&inner.expect_err("it panics"));
            discard(Bomb(0));
            let here = format!("{}:{}", file!(), line!() + 1);
            panic!("{inner} {here}");
        });
        let outer = outer.expect_err("it panics");
        let (inner, here) = outer.message.split_once(' ').expect("two places");
        assert_eq!(line(&outer), here);
        assert_ne!(inner, here);
        assert!(inner.starts_with(file!()), "{inner}");
    }
}
