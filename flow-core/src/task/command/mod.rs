//! Programs that tasks run.
//!
//! A program is run as a part of its task: what it prints goes to the task's log, its failure is
//! the task's, and it is stopped with the task. [`Command`] says what is run, as that of the
//! standard library does; [`child`] runs it, and [`pipe`] reads what it prints and writes what it reads.

mod child;
mod pipe;

use std::ffi::OsStr;
use std::path::Path;
use std::process;

use crate::base::stop::Stopper;
use crate::store::log::Log;

/// A program to be run by a task: made by [`Cx::command`](crate::Cx::command).
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
/// What counts of it is what counts of any code: the name and the arguments stand in `run`, or come
/// from parameters. The program itself is not looked at. A script is better named to
/// [`Cx::file`](crate::Cx::file), so that a change of it counts, and the version of a program made
/// a parameter.
///
/// It sees nothing on its standard input, unless [`stdin`](Self::stdin) says so. Both its outputs are
/// written to the file `log.txt` in the folder of the instance, after a line with the program and its
/// arguments: secrets are better handed over by [`env`](Self::env). A line of more than 64 KiB is written
/// in pieces, between which the other output may be written.
///
/// When the execution is stopped, or the task ends without waiting for it, the program and what it
/// has started are killed. If this process is killed, the program is, on Linux.
///
/// What the program has started ends with it. A service that it leaves behind in a session of its own, as
/// `setsid`, `ssh -f` or `gradle` do, goes on. The task does not wait for it, and nothing that it prints
/// after the program has ended is logged. On Windows the task waits until such a service closes the outputs that it
/// has inherited.
pub struct Command<'a> {
    program: process::Command,
    stdin: Vec<u8>,
    log: &'a Log,
    stopper: &'a Stopper,
}

impl<'a> Command<'a> {
    pub(crate) fn new(program: &OsStr, log: &'a Log, stopper: &'a Stopper) -> Self {
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

    /// Sets a variable of its environment, which is that of this process otherwise.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.program.env(name, value);
        self
    }

    /// The folder in which it runs; that of this process otherwise.
    #[must_use]
    pub fn current_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.program.current_dir(folder);
        self
    }

    /// What it reads from its standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdin = bytes.as_ref().to_vec();
        self
    }

    /// Runs it, and waits for its end.
    ///
    /// # Errors
    ///
    /// It cannot be started, it fails (with the last lines that it printed to the standard error),
    /// or the execution was stopped.
    pub fn run(self) -> anyhow::Result<()> {
        child::run(self, false).map(drop)
    }

    /// Runs it, and gives what it printed to the standard output, which is not logged then. All of it is
    /// in memory: a program that prints gigabytes had better write a file.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn output(self) -> anyhow::Result<Vec<u8>> {
        child::run(self, true)
    }
}
