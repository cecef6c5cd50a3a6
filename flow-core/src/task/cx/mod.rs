//! [`Cx`]: the context of a running task, with everything that the task can use besides its parameters.
//!
//! Each access through the context is recorded in [`Reads`], and becomes part of the record of the output. A later plan
//! compares the recorded reads with the present state. The context calls the engine through the trait [`Host`].

mod host;
mod reads;
mod require;
mod settings;

use std::any::{TypeId, type_name};
use std::collections::BTreeMap;
use std::env::VarError;
use std::ffi::OsStr;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::Serialize;

pub(crate) use self::host::Host;
pub(crate) use self::reads::{Reads, WatchError};
pub use self::settings::{Over, Variants, With};
use crate::base::event::Event;
use crate::base::stop::Stopped;
use crate::files::Named;
use crate::store::external_reads;
use crate::store::external_reads::in_project;
use crate::store::log::Log;
use crate::store::place::Places;
use crate::store::record::{Meta, Read};
use crate::target::{self, Source, Target};
use crate::task::command::Command;
use crate::task::input::{Handle, Inputs, Wires};
use crate::task::keep::{File, KeepPart, Outputs, Part, Several};
use crate::task::{Task, Uses};
use crate::value::{self, Value};

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
///             cx.progress(format_args!("reading {name}"));
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
    host: Arc<dyn Host>,
    places: Places,
    log: Log,
    inputs: T::Inputs,
    meta: Mutex<BTreeMap<String, serde_json::Value>>,
    reads: Arc<Reads>,
}

impl<T: Task> Cx<T> {
    /// Creates the context of the instance that `running` is a handle on.
    pub(crate) fn new(
        host: Arc<dyn Host>,
        running: &Handle,
        places: Places,
        reads: &Arc<Reads>,
    ) -> Self {
        let inputs = T::Inputs::take(&mut Wires::new(running));
        let (log, reads, meta) = (places.log(), Arc::clone(reads), Mutex::default());
        Self { host, places, log, inputs, meta, reads }
    }

    /// Returns handles on the outputs of the required tasks, in the form of `#[task(requires ...)]`.
    pub fn input(&self) -> &T::Inputs {
        &self.inputs
    }

    /// Records metadata of the output under a name: a score, a number of rows.
    ///
    /// [`Input::meta`](crate::Input::meta) reads it. A later value of the same name replaces an earlier one.
    ///
    /// # Errors
    ///
    /// The value cannot be written as JSON.
    pub fn meta(&self, name: &str, value: impl Serialize) -> anyhow::Result<()> {
        let value = meta_to_json(&value)?;
        let mut meta = self.meta.lock().expect("lock poisoned");
        meta.insert(name.to_owned(), value);
        Ok(())
    }

    /// Records that the task reads this file or folder, and returns its path.
    ///
    /// A change of its content makes the task run again. If the path is known before the task runs, prefer a
    /// parameter with `#[param(file)]`. For patterns, see [`files`](Self::files). A
    /// relative path is always resolved against the current folder of the process.
    ///
    /// Prefer paths relative to the current folder: they are the same in each checkout of a project. An
    /// absolute path below the folder that contains the store is recorded together with the path relative to that
    /// folder. When the project has moved, or another checkout [pulls](crate::Flow::pull) the output, the file
    /// is looked up at both paths, and the output counts as complete if the file has the recorded content wherever
    /// it is found.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is a pipe or another special file, or its name is not Unicode. A file that does not
    /// exist is no error: creating it counts as a change.
    ///
    /// If the file is written while the task runs, the task fails when it ends, even if the content is the same
    /// then, because the task may have read a part of it. The next run runs the task again.
    pub fn file(&self, path: impl AsRef<Path>) -> anyhow::Result<PathBuf> {
        let path = path.as_ref();
        let text = path
            .to_str()
            .ok_or_else(|| anyhow::anyhow!("the name of the file {path:?} is not Unicode"))?;
        let contents = self.host.contents();
        self.reads.watch(contents, path, Named::Exactly)?;
        let digest = contents.digest(path)?;
        let project = in_project(path, self.host.store());
        self.reads.add(Read::File { path: text.to_owned(), project, digest });
        Ok(path.to_owned())
    }

    /// Reads a file with a target, and records that the task reads it, as [`file`](Self::file) does.
    ///
    /// The target may have options, as in `#[task(target = ...)]`.
    ///
    /// ```
    /// use std::path::PathBuf;
    ///
    /// use flow::prelude::*;
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Price {
    ///     day: String,
    ///     price: Option<f64>,
    /// }
    ///
    /// #[task(target = Json<usize>)]
    /// fn missing(cx: &Cx<missing>, file: PathBuf) -> Result<usize> {
    ///     let prices: Vec<Price> = cx.read(file, Csv::default())?;
    ///     Ok(prices.iter().filter(|row| row.price.is_none()).count())
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let file = folder.path().join("prices.csv");
    /// std::fs::write(&file, "day,price\nmon,1.5\ntue,\n")?;
    /// let flow = Flow::open(folder.path().join("data"))?.quiet().with(missing::FILE, &*file);
    /// assert_eq!(*flow.get::<missing>()?, 1);
    ///
    /// std::fs::write(&file, "day,price\nmon,\ntue,\n")?;
    /// assert_eq!(*flow.get::<missing>()?, 2); // its content has changed
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The same as [`file`](Self::file), or the target cannot read the file.
    pub fn read<F: Target>(&self, path: impl AsRef<Path>, target: F) -> anyhow::Result<F::Value> {
        let path = self.file(path)?;
        let fs = self.host.store().unconfined();
        target::read_from(&Source::new(fs, path, false), &target)
    }

    /// Returns the files of a path, sorted, and records that the task reads them.
    ///
    /// The path is a file; a folder, which stands for all files in it at any depth; or a pattern such as
    /// `data/*.csv` or `data/**/*.csv`. A change of their content makes the task run again, and so does a
    /// file that is added or removed. Files of the store are left out: otherwise a task could read its own output, and
    /// would never be complete.
    ///
    /// In a pattern `*` matches any part of a name, `?` one character, `[a-c]` one of these characters,
    /// and `**` any number of folders. Names that begin with a dot match only a pattern that begins with a dot.
    /// `[*]` matches a literal `*`.
    ///
    /// The content of a parameter with `#[param(file)]` is part of the fingerprint already, and is not recorded again:
    ///
    /// ```
    /// use std::path::PathBuf;
    ///
    /// use flow::prelude::*;
    ///
    /// /// How many lines the files have.
    /// #[derive(Task)]
    /// #[task(target = Json<usize>)]
    /// struct Lines {
    ///     #[param(file)]
    ///     source: PathBuf,
    /// }
    ///
    /// #[tracked]
    /// impl Run for Lines {
    ///     fn run(&self, cx: &Cx<Self>) -> Result<usize> {
    ///         let mut lines = 0;
    ///         for file in cx.files(&self.source)? {
    ///             lines += std::fs::read_to_string(file)?.lines().count();
    ///         }
    ///         Ok(lines)
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// std::fs::write(folder.join("a.csv"), "1\n2\n")?;
    /// let flow = Flow::open(folder.join("data"))?.quiet().with(Lines::SOURCE, folder.join("*.csv"));
    /// flow.run::<Lines>()?;
    /// assert_eq!(*flow.load::<Lines>()?, 2);
    ///
    /// std::fs::write(folder.join("notes.txt"), "does not match")?;
    /// assert!(flow.is_complete::<Lines>()?);
    /// std::fs::write(folder.join("b.csv"), "3\n")?;
    /// assert!(!flow.is_complete::<Lines>()?);
    /// flow.run::<Lines>()?;
    /// assert_eq!(*flow.load::<Lines>()?, 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// There is no such file, one of them cannot be read, or the path is not Unicode.
    pub fn files(&self, path: impl AsRef<Path>) -> anyhow::Result<Vec<PathBuf>> {
        let path = path.as_ref();
        let text = path
            .to_str()
            .ok_or_else(|| anyhow::anyhow!("the name of the file {path:?} is not Unicode"))?;
        let contents = self.host.contents();
        self.reads.watch(contents, path, Named::AsPattern)?;
        // The plan has the digest of a file parameter, and the engine checks it again when the task has run.
        if !self.host.is_file_parameter(text) {
            let digest = contents.meant(path)?;
            let project = in_project(path, self.host.store());
            self.reads.add(Read::Files { path: text.to_owned(), project, digest });
        }
        let files = contents.files(path)?;
        let fs = self.host.store().unconfined();
        let is_empty_folder = || fs.stat(path).is_ok_and(|stat| stat.folder);
        anyhow::ensure!(!files.is_empty() || is_empty_folder(), external_reads::no_file(text));
        Ok(files)
    }

    /// Returns the value of an environment variable, if it is set, and records it.
    ///
    /// The task runs again when the variable is changed, set, or removed.
    ///
    /// The value may be a secret: the record holds a hash of it, keyed by the store. So an output that
    /// depends on it is not reused from another store.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[derive(Task)]
    /// #[task(target = Text)]
    /// struct Greeting;
    ///
    /// #[tracked]
    /// impl Run for Greeting {
    ///     fn run(&self, cx: &Cx<Self>) -> Result<String> {
    ///         let name = cx.env("GREETING_NAME")?.unwrap_or("you".to_owned());
    ///         let cargo = cx.env("CARGO_PKG_NAME")?.context("CARGO_PKG_NAME is not set")?;
    ///         Ok(format!("{name} and {cargo}"))
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet();
    /// flow.run::<Greeting>()?;
    /// assert_eq!(*flow.load::<Greeting>()?, "you and flow-core");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The value is not Unicode, or the key of the store cannot be read.
    pub fn env(&self, name: impl AsRef<str>) -> anyhow::Result<Option<String>> {
        let name = name.as_ref();
        let digest = external_reads::digest_env(name, self.host.store())?;
        self.reads.add(Read::Env { name: name.to_owned(), digest });
        match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => anyhow::bail!("the value of {name} is not Unicode"),
        }
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
        T: Task<Target = File>,
    {
        Ok(self.places.give("", &T::__target().__extension())?)
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
        part.place(&self.places)
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
        Command::new(program.as_ref(), &self.log, self.host.stopper())
    }

    /// Returns the value of a type that [`Flow::provide`](crate::Flow::provide) gave to the flow.
    ///
    /// The task declares the type with `#[task(uses(Client))]`. A flow that does not provide it fails
    /// before any task runs.
    pub fn provided<C: Send + Sync + 'static>(&self) -> &C
    where
        T: Uses<C>,
    {
        let provided = self.host.provided(TypeId::of::<C>());
        let provided = provided.expect("the plan has checked `uses`");
        provided.downcast_ref().expect("values are stored by type")
    }

    /// Reports progress: a line on the standard error, or an [`Event`] for an observer.
    pub fn progress(&self, message: impl Display) {
        self.host.progress().tell(|| Event::Progress {
            task: self.host.task_name().to_owned(),
            message: message.to_string(),
        });
    }

    /// Returns an error if the run was stopped: call it in long loops, with `?`.
    ///
    /// A task that returns this error counts as not run, and not as failed.
    ///
    /// # Errors
    ///
    /// The execution was stopped by its [`Stopper`](crate::Stopper).
    pub fn checkpoint(&self) -> anyhow::Result<()> {
        if self.host.stopper().is_stopped() { Err(Stopped.into()) } else { Ok(()) }
    }

    /// Returns a seed for random numbers, derived from the key of the instance.
    ///
    /// It is the same in every run and on every machine, unless a parameter is a secret, which is hashed with a
    /// key of the store.
    pub fn seed(&self) -> u64 {
        let seed = self.host.seed();
        self.reads.add(Read::Seed { seed });
        seed
    }

    /// Returns the paths that the output's files are written to.
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// Returns the recorded metadata.
    pub(crate) fn finish(self) -> Meta {
        self.meta.into_inner().expect("lock poisoned")
    }
}

/// Converts a metadata value to JSON, with numbers that JSON cannot represent as strings.
pub(crate) fn meta_to_json(value: &impl Serialize) -> anyhow::Result<serde_json::Value> {
    let value: Value = value::to_value(value)?;
    Ok(serde_json::to_value(&value)?)
}

/// Converts a metadata value from JSON to the requested type.
pub(crate) fn meta_from_json<V: serde::de::DeserializeOwned>(
    json: &serde_json::Value,
) -> anyhow::Result<V> {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, F64Deserializer};

    let wrong = match V::deserialize(json) {
        Ok(value) => return Ok(value),
        Err(wrong) => wrong,
    };
    // NaN and the infinities are stored as strings.
    let number = json.as_str().and_then(|text| text.parse::<f64>().ok());
    if let Some(number) = number.filter(|number| !number.is_finite()) {
        let number: F64Deserializer<Error> = number.into_deserializer();
        if let Ok(value) = V::deserialize(number) {
            return Ok(value);
        }
    }
    anyhow::bail!("it is {json}, which is no `{}`: {wrong}", type_name::<V>())
}
