//! Ctrl-C and other signals: how a program ends while tasks run.
//!
//! [`main!`](crate::main) installs handlers for a program whose work is to run flows; [`install`] does it on request.
//! No other function of this library does. Without handlers, a signal ends the process at once, as usual: the
//! store is whole then too, because an output exists only once its record was renamed into place.
//!
//! | signal | the first | the second |
//! | --- | --- | --- |
//! | `SIGINT` (Ctrl-C), `SIGTERM`, `SIGHUP` | All runs of the process stop: no other task starts, and running tasks continue to their end or to their next [`checkpoint`](crate::Cx::checkpoint). Programs that tasks run end after a `SIGTERM`. | The process kills the programs that tasks run, and exits at once. |
//! | `SIGTSTP` (Ctrl-Z) | The process and the programs that tasks run are suspended until the shell continues them. Time-outs do not run on meanwhile. | |
//!
//! A run that was stopped returns an error with its [`Summary`](crate::Summary), which says so. What is finished is
//! committed, and the next run continues from there. If no run is in progress, the first signal ends the process.
//!
//! The exit code is 130 after `SIGINT`, 143 after `SIGTERM` and 129 after `SIGHUP`, in both cases: [`Signal::exit_code`].
//! A shell reports the same code for a program that was killed by the signal. The process exits with the code, and is
//! not killed by the signal, so that every other parent sees the code as well. A shell script that runs a program in a
//! loop therefore has to look at the code, if Ctrl-C is to end the loop: `program || exit`.
//!
//! - A signal of the same kind within 100 ms of the first one counts as that one. Programs such as `timeout` signal a process and
//!   then its group, so that it receives two signals at once.
//! - A signal that the process ignores stays ignored, such as `SIGHUP` under `nohup` (detected on Linux).
//! - Handlers that other parts of the program have installed are called as well.
//! - Nothing is written to the standard output. When runs are stopped, a line on the standard error says so: above the
//!   bar in a terminal, with the time and in its order where there are lines. It concerns the program and not a run, so
//!   that [quiet](crate::Flow::quiet) flows do not suppress it.
//! - The bar is removed before the process is suspended, and drawn again when the process is continued in the foreground.
//!   The durations that are shown and recorded do not count the time in between. `SIGSTOP` cannot be handled: it leaves
//!   the bar, and its time counts. So does Ctrl-Z without these handlers.
//! - On Windows nothing is installed: Ctrl-C ends the process at once.
//!
//! A service has its own way to end, and should not install these handlers: they end the process if no run is in
//! progress. It stops its runs with [`Flow::stopper`](crate::Flow::stopper), or by dropping their
//! [`RunHandle`](crate::RunHandle)s.

#[cfg(feature = "interrupts")]
mod main;
#[cfg(all(unix, feature = "interrupts"))]
mod unix;

#[doc(inline)]
pub use flow_core::Signal;

#[cfg(feature = "interrupts")]
#[doc(hidden)]
pub use self::main::run_main;

/// Installs the handlers of this module, until the returned guard is dropped.
///
/// ```
/// use flow::prelude::*;
///
/// #[task(target = Json<u64>)]
/// fn answer() -> u64 {
///     42
/// }
///
/// fn main() -> Result<()> {
///     let interrupts = flow::interrupts::install()?;
/// #   let folder = tempfile::tempdir()?;
/// #   let folder = folder.path();
///     let flow = Flow::open(folder)?.quiet();
///     flow.run::<answer>()?;
///     assert_eq!(interrupts.received(), None);
///     Ok(())
/// }
/// ```
///
/// Several guards may exist; the handlers work until the last one is dropped. Then a signal has its default effect
/// again, and flows that an earlier signal has stopped can run.
///
/// # Errors
///
/// The operating system refuses a handler, or the thread that waits for signals.
#[cfg(feature = "interrupts")]
pub fn install() -> std::io::Result<Interrupts> {
    #[cfg(unix)]
    unix::install()?;
    Ok(Interrupts(()))
}

/// Keeps the handlers of this module installed. Created by [`install`].
#[cfg(feature = "interrupts")]
#[derive(Debug)]
#[must_use = "the handlers are removed when this is dropped"]
pub struct Interrupts(());

#[cfg(feature = "interrupts")]
impl Interrupts {
    /// Returns the signal that has stopped the runs of this process.
    pub fn received(&self) -> Option<Signal> {
        flow_core::process::interrupted()
    }

    /// Allows flows to run again after a signal, as in a program that asks its user what to do next.
    pub fn clear(&self) {
        flow_core::process::clear_interrupt();
    }
}

#[cfg(feature = "interrupts")]
impl Drop for Interrupts {
    fn drop(&mut self) {
        #[cfg(unix)]
        unix::uninstall();
    }
}
