//! Programs that tasks run.
//!
//! A program runs as part of its task: its output goes to the task's log, its failure fails
//! the task, and it is stopped with the task. [`Command`] describes the program, like the type of the same name in the
//! standard library. [`child`] runs it, and [`pipe`] serves its standard input and outputs.

mod child;
mod pipe;

use std::ffi::OsStr;
use std::path::Path;
use std::process;

use crate::base::stop::Stopper;
use crate::task::cx::RunLog;

/// A program to be run by a task, created by [`Cx::command`](crate::Cx::command).
///
/// ```
/// use flow::prelude::*;
///
/// /// The lines of a text, sorted by a program.
/// #[derive(Task)]
/// #[task(target = Text)]
/// struct Sorted {
///     text: String,
/// }
///
/// #[tracked]
/// impl Run for Sorted {
///     fn run(&self, cx: &Cx<Self>) -> Result<String> {
///         let sorted = cx.command("sort").arg("--reverse").stdin(&self.text).output()?;
///         Ok(String::from_utf8(sorted)?)
///     }
/// }
///
/// # #[cfg(target_os = "linux")]
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet().with(Sorted::TEXT, "a\nc\nb\n");
/// flow.run::<Sorted>()?;
/// assert_eq!(*flow.load::<Sorted>()?, "c\nb\na\n");
/// # Ok(())
/// # }
/// # #[cfg(not(target_os = "linux"))]
/// # fn main() {}
/// ```
///
/// **Staleness.** The name and the arguments are tracked like any code: they are written in `run`, or come
/// from parameters. The program itself is not tracked. Pass a script to [`Cx::file`](crate::Cx::file), so that a
/// change of it makes the task run again, and declare the version of a program as a parameter.
///
/// **Input and output.** The standard input is empty unless [`stdin`](Self::stdin) sets it. The standard output and
/// the standard error are written to the [log](crate::Cx::log) of the instance, after a line with the program
/// and its arguments: pass secrets by [`env`](Self::env) instead. A line of more than 64 KiB is written
/// in pieces, and other output may be written in between. Of more than 64 MiB the middle is left out.
///
/// **Lifetime.** When the execution is stopped, or the task ends without waiting for the program, the program and the
/// processes that it has started are killed. On Linux the program is also killed when this process dies. The program
/// does not receive the Ctrl-C or Ctrl-Z of this process's terminal: the handlers of the module `flow::interrupts`,
/// if the program installs them, stop or suspend it.
///
/// Processes that the program has started end with it, except services that it starts in a session of their own, as
/// `setsid`, `ssh -f` or `gradle` do. The task does not wait for such a service, and does not log its output
/// after the program has ended. On Windows the task waits until the service closes the outputs that it
/// has inherited.
pub struct Command<'a> {
    program: process::Command,
    stdin: Vec<u8>,
    log: &'a RunLog,
    stopper: &'a Stopper,
}

impl<'a> Command<'a> {
    pub(crate) fn new(program: &OsStr, log: &'a RunLog, stopper: &'a Stopper) -> Self {
        Self { program: process::Command::new(program), stdin: Vec::new(), log, stopper }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.program.arg(arg);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.program.args(args);
        self
    }

    /// Sets an environment variable. All others are inherited from this process.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.program.env(name, value);
        self
    }

    /// Sets the current folder of the program; the default is that of this process.
    #[must_use]
    pub fn current_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.program.current_dir(folder);
        self
    }

    /// Sets the bytes that the program reads from its standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdin = bytes.as_ref().to_vec();
        self
    }

    /// Runs the program, and waits for its end.
    ///
    /// # Errors
    ///
    /// The program cannot be started, it fails (the error has the last lines of its standard error),
    /// or the execution was stopped.
    pub fn run(self) -> anyhow::Result<()> {
        child::run(self, false).map(drop)
    }

    /// Runs the program, and returns its standard output, which is not logged.
    ///
    /// All of it is held in memory: let a program that prints gigabytes write a file instead.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn output(self) -> anyhow::Result<Vec<u8>> {
        child::run(self, true)
    }
}
