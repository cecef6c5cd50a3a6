//! [`Cx`]: the context of a running task, with everything that the task can use besides its parameters.
//!
//! Each access through the context is recorded in [`Reads`], and becomes part of the record of the output. A later plan
//! compares the recorded reads with the present state. The context calls the engine through the trait [`Host`].

mod answers;
mod attempt;
mod block_on;
#[cfg(feature = "tracing")]
mod events;
mod figures;
mod files;
mod host;
mod log;
mod meta;
mod named;
mod reads;
mod require;
mod settings;

use std::any::TypeId;
use std::ffi::OsStr;
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

pub(crate) use self::answers::digest_answer;
pub(crate) use self::attempt::Attempt;
#[cfg(feature = "tracing")]
pub use self::events::{LogLayer, Logger, layer, logger};
pub(crate) use self::host::{Host, TaskReport};
pub(crate) use self::log::RunLog;
pub use self::log::{LogEntered, LogScope};
pub(crate) use self::meta::{meta_from_json, meta_to_json};
pub use self::named::NamedInput;
pub(crate) use self::reads::{LookedAt, Reads, WatchError};
pub use self::settings::{Over, Variants, With};
use crate::base::stop::Stopped;
use crate::store::place::Places;
use crate::store::record::{Meta, Read};
use crate::task::command::Command;
use crate::task::input::{Handle, Inputs, Wires};
use crate::task::keep::{File, FileTarget, KeepPart, Outputs, Part, Several};
use crate::task::{Task, Uses};

/// The context of a running task: its inputs, files, metadata, progress.
///
/// `T` is the task itself: `Run::run` takes a `&Cx<Self>`, and the function `mean` takes a `&Cx<mean>`. Everything that
/// a task reads through its context is recorded. If any of it changes, the task runs again.
///
/// ```
/// use std::path::PathBuf;
///
/// use flow::prelude::*;
///
/// /// How many lines two files have.
/// #[derive(Task)]
/// #[task(target = Json<usize>)]
/// struct Lines {
///     folder: PathBuf,
/// }
///
/// #[tracked]
/// impl Run for Lines {
///     fn run(&self, cx: &Cx<Self>) -> Result<usize> {
///         let mut lines = 0;
///         for name in ["a.txt", "b.txt"] {
///             cx.checkpoint()?; // the execution may have been stopped
///             cx.status(format_args!("reading {name}"));
///             let path = cx.file(self.folder.join(name))?; // its content counts from now on
///             lines += std::fs::read_to_string(path)?.lines().count();
///         }
///         cx.meta("files", 2)?;
///         Ok(lines)
///     }
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// std::fs::write(folder.join("a.txt"), "one\ntwo\n")?;
/// std::fs::write(folder.join("b.txt"), "three\n")?;
/// let flow = Flow::open(folder.join("data"))?.quiet().with(Lines::FOLDER, folder);
/// flow.run::<Lines>()?;
/// assert_eq!(*flow.load::<Lines>()?, 3);
///
/// std::fs::write(folder.join("b.txt"), "three\nfour\n")?;
/// assert!(!flow.is_complete::<Lines>()?);
/// flow.run::<Lines>()?;
/// assert_eq!(*flow.load::<Lines>()?, 4);
/// # Ok(())
/// # }
/// ```
pub struct Cx<T: Task> {
    base: Arc<Base>,
    inputs: T::Inputs,
    /// The handle on the running instance.
    running: Handle,
}

/// The part of a context that does not depend on the type of the task.
pub(crate) struct Base {
    host: Arc<dyn Host>,
    places: Places,
    /// What remains if the task fails: the log, the metadata, the figures and notes.
    log: Arc<RunLog>,
    reads: Arc<Reads>,
}

impl Base {
    pub(crate) fn new(
        host: &Arc<dyn Host>,
        places: Places,
        reads: &Arc<Reads>,
        attempt: &Arc<Attempt>,
    ) -> Self {
        let log = Arc::new(RunLog::new(attempt, host));
        Self { host: Arc::clone(host), places, log, reads: Arc::clone(reads) }
    }

    /// Returns the paths that the output's files are written to.
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// Returns the log of the attempt.
    pub(crate) fn log(&self) -> &Arc<RunLog> {
        &self.log
    }

    /// Returns the metadata that was recorded so far.
    pub(crate) fn all_meta(&self) -> Meta {
        self.log.attempt().all_meta()
    }
}

impl<T: Task> Cx<T> {
    /// Creates the context of the instance that `running` is a handle on.
    pub(crate) fn new(base: &Arc<Base>, running: &Handle) -> Self {
        let inputs = T::Inputs::take(&mut Wires::new(running));
        Self { base: Arc::clone(base), inputs, running: running.clone() }
    }

    /// Returns handles on the outputs of the required tasks, in the form of `#[task(requires ...)]`.
    pub fn input(&self) -> &T::Inputs {
        &self.inputs
    }

    /// Records metadata of the output under a name: a score, a number of rows.
    ///
    /// [`Input::meta`](crate::Input::meta) reads it. A later value of the same name replaces an earlier one. If the task
    /// fails, what it has recorded so far is shown with the failure.
    ///
    /// # Errors
    ///
    /// The value cannot be written as JSON.
    pub fn meta(&self, name: &str, value: impl Serialize) -> anyhow::Result<()> {
        self.base.log.attempt().set_meta(name, meta_to_json(&value)?);
        Ok(())
    }

    /// Returns the path at which a task with the target [`File`] writes its output, a file or a folder.
    ///
    /// Nothing exists at the path yet. It is absolute, so that programs with another current folder find it. The task
    /// writes there and returns the path. A task with another target that calls this does not compile.
    ///
    /// # Errors
    ///
    /// The parent folder cannot be created.
    pub fn out_path(&self) -> anyhow::Result<PathBuf>
    where
        T::Target: FileTarget,
    {
        Ok(self.base.places.give("", &T::__target().__extension())?)
    }

    /// Returns the path at which the task writes one of several outputs, whose target is [`File`].
    ///
    /// # Errors
    ///
    /// As [`out_path`](Self::out_path).
    pub fn out_path_of<O: Outputs>(&self, part: Part<O, File>) -> anyhow::Result<PathBuf>
    where
        T: Task<Target = Several<O>>,
    {
        part.place(&self.base.places)
    }

    /// Returns a program to run as part of the task: its output is logged, and it is killed if the run is stopped.
    ///
    /// It starts when [`run`](Command::run) or [`output`](Command::output) is called.
    ///
    /// ```no_run
    /// # use std::path::PathBuf;
    /// # use flow::File;
    /// # use flow::target::Part;
    /// # use flow::prelude::*;
    /// # #[derive(Task)]
    /// # #[task(target = File(extension = "onnx"))]
    /// # struct Train { epochs: u32 }
    /// # #[tracked]
    /// # impl Run for Train {
    /// #     fn run(&self, cx: &Cx<Self>) -> Result<PathBuf> {
    /// let model = cx.out_path()?;
    /// let script = cx.file("train.py")?; // its content counts from now on
    /// cx.command("python3").arg(script).args(["--epochs", &self.epochs.to_string()]).arg(&model).run()?;
    /// Ok(model)
    /// #     }
    /// # }
    /// ```
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command<'_> {
        Command::new(program.as_ref(), &self.base.log, self.base.host.stopper())
    }

    /// Returns the value of a type that [`Flow::provide`](crate::Flow::provide) gave to the flow.
    ///
    /// The task declares the type with `#[task(uses(Client))]`. A flow that does not provide it fails
    /// before any task runs.
    pub fn provided<C: Send + Sync + 'static>(&self) -> &C
    where
        T: Uses<C>,
    {
        let provided = self.base.host.provided(TypeId::of::<C>());
        let provided = provided.expect("the plan has checked `uses`");
        provided.downcast_ref().expect("values are stored by type")
    }

    /// Reports that `done` of `total` units are done: files, rows, bytes. `total` is 0 if it is not known.
    ///
    /// The display of the run shows the numbers beside the instance, and observers receive
    /// [`Event::Progress`](crate::Event::Progress). A call is cheap: a task may report each unit.
    /// [`status`](Self::status) reports a text.
    ///
    /// ```
    /// # use flow::prelude::*;
    /// #[derive(Task)]
    /// #[task(target = Json<u64>)]
    /// struct Sum {
    ///     #[param(default = vec![1, 2, 3])]
    ///     numbers: Vec<u64>,
    /// }
    ///
    /// #[tracked]
    /// impl Run for Sum {
    ///     fn run(&self, cx: &Cx<Self>) -> Result<u64> {
    ///         let (mut sum, total) = (0, self.numbers.len() as u64);
    ///         for (done, number) in (0..).zip(&self.numbers) {
    ///             cx.progress(done, total);
    ///             sum += number;
    ///         }
    ///         Ok(sum)
    ///     }
    /// }
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # assert_eq!(*Flow::open(folder.path())?.quiet().get::<Sum>()?, 6);
    /// # Ok(())
    /// # }
    /// ```
    pub fn progress(&self, done: u64, total: u64) {
        self.base.host.report(TaskReport::Progress { done, total });
    }

    /// Reports what the task does now, such as `reading a.csv`.
    ///
    /// The display of the run shows the text beside the instance, and observers receive
    /// [`Event::Status`](crate::Event::Status). [`progress`](Self::progress) reports numbers.
    pub fn status(&self, message: impl Display) {
        self.base.host.report(TaskReport::Status(&message));
    }

    /// Returns an error if the run was stopped: call it in long loops, with `?`.
    ///
    /// A task that returns this error counts as not run, and not as failed.
    ///
    /// # Errors
    ///
    /// The execution was stopped, by its [`Stopper`](crate::Stopper) or because the process received a signal that
    /// the program handles: see the module `flow::interrupts`.
    pub fn checkpoint(&self) -> anyhow::Result<()> {
        if self.base.host.stopper().is_stopped() { Err(Stopped.into()) } else { Ok(()) }
    }

    /// Returns a seed for random numbers, derived from the key of the instance.
    ///
    /// It is the same in every run and on every machine, unless a parameter is a secret, which is hashed with a
    /// key of the store.
    pub fn seed(&self) -> u64 {
        let seed = self.base.host.seed();
        self.base.reads.add(Read::Seed { seed });
        seed
    }
}
