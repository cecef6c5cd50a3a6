//! Handles on outputs, which load them on request.
//!
//! [`Input`] is the typed handle that users see, [`Handle`] the same without a type, and [`InputPart`] a handle
//! on one of several outputs. [`Inputs`] arranges the handles of a task's inputs in the form of its `requires`, such as
//! a tuple or a `Vec`. A handle finds outputs through an [`Origin`], the plan, and in a running
//! task first among the [`RunOutputs`].

mod figures;
mod form;
mod handle;
mod origin;
mod part;
mod selected;

use std::any::Any;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;

pub use form::{Inputs, Wires};
pub(crate) use handle::Handle;
pub(crate) use origin::{Origin, RunOutputs};
pub use part::InputPart;
pub use selected::SelectedInput;
use serde::de::DeserializeOwned;

use crate::store::log_text::TaskLog;
use crate::target::{ColumnDigests, Columnar, Pieces, ReadRows, Source, Streaming, Target};
use crate::task::error::LoadError;
use crate::task::keep::{Keep, KeepPart, Outputs, Part, Several};
use crate::task::loaded::Loaded;
use crate::task::{Kind, Output, Task};
use crate::value::AnyValue;

/// A handle on the output of one instance of the task `A`: it loads the output, a part of it, or its metadata.
///
/// Creating a handle reads no output. [`Cx::input`](crate::Cx::input) returns a handle for each required task. Outside
/// a task, [`Flow::output`](crate::Flow::output) returns one.
pub struct Input<A> {
    handle: Handle,
    of: PhantomData<fn() -> A>,
}

impl<A: Task> Input<A> {
    pub(crate) fn new(handle: Handle) -> Self {
        Self { handle, of: PhantomData }
    }

    /// Loads the output.
    ///
    /// In a running task this may be the value that the required task has just returned, if a reload would return
    /// an equal one.
    ///
    /// # Errors
    ///
    /// The file is missing or cannot be read.
    pub fn load(&self) -> Result<Loaded<Output<A>>, LoadError> {
        load(&self.handle, A::__target)
    }

    /// Loads one output of a task that has [several](crate::Outputs); only its file is read.
    ///
    /// # Errors
    ///
    /// The file is missing or cannot be read.
    pub fn load_one<O: Outputs, K: KeepPart>(
        &self,
        part: Part<O, K>,
    ) -> Result<Loaded<K::Value>, LoadError>
    where
        A: Task<Target = Several<O>>,
    {
        self.part(part).load()
    }

    /// Returns a handle on one output of a task that has [several](crate::Outputs).
    pub fn part<O: Outputs, K: KeepPart>(&self, part: Part<O, K>) -> InputPart<K>
    where
        A: Task<Target = Several<O>>,
    {
        InputPart::new(self.handle.clone(), part.name(), part.target())
    }

    /// Returns the whole output as a part.
    fn whole(&self) -> InputPart<A::Target>
    where
        A::Target: KeepPart,
    {
        InputPart::new(self.handle.clone(), "", A::__target())
    }

    /// Returns the pieces of the output one by one, such as the record batches of a columnar file.
    ///
    /// Memory use does not grow with the file.
    ///
    /// # Errors
    ///
    /// The file is missing or cannot be read. An error that occurs later is an item of the iterator.
    pub fn stream(&self) -> Result<Pieces<<A::Target as Streaming>::Piece>, LoadError>
    where
        A::Target: Streaming,
    {
        self.whole().stream()
    }

    /// Loads some columns of the output, in this order; the others are not read.
    ///
    /// A running task that reads nothing else of this input depends on these columns only: if the required task runs
    /// again and other columns change, are added or removed, the task does not run again. The digest of each column is
    /// recorded. Without names, all of the output counts, and so it does if the target has no digests of columns.
    ///
    /// # Errors
    ///
    /// There is no such column, or the file is missing or cannot be read.
    pub fn load_columns(
        &self,
        names: &[&str],
    ) -> Result<<A::Target as Columnar>::Columns, LoadError>
    where
        A::Target: Columnar,
    {
        self.whole().load_columns(names)
    }

    /// Loads the output as rows of a struct that may have fewer fields than the file has columns; other columns are not
    /// read.
    ///
    /// A running task depends on the columns of the struct only, as with [`load_columns`](Self::load_columns).
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Trade {
    ///     symbol: String,
    ///     price: f64,
    ///     size: u32,
    /// }
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Priced {
    ///     price: f64,
    /// }
    ///
    /// #[task(target = Parquet<Vec<Trade>>)]
    /// fn trades() -> Vec<Trade> {
    ///     vec![Trade { symbol: "ABC".to_owned(), price: 2.5, size: 3 }]
    /// }
    ///
    /// #[derive(Task)]
    /// #[task(requires = trades, target = Json<f64>)]
    /// struct Highest;
    ///
    /// #[tracked]
    /// impl Run for Highest {
    ///     fn run(&self, cx: &Cx<Self>) -> Result<f64> {
    ///         let rows: Vec<Priced> = cx.input().load_rows()?;
    ///         Ok(rows.iter().map(|row| row.price).fold(f64::MIN, f64::max))
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet();
    /// assert_eq!(*flow.get::<Highest>()?, 2.5);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A field has no column or another type, the type does not show its fields, or the file is missing or cannot be
    /// read.
    pub fn load_rows<R>(&self) -> Result<Vec<R>, LoadError>
    where
        A::Target: ReadRows<R>,
    {
        self.whole().load_rows()
    }

    /// Reads these columns with a reader of the caller, such as a lazy scan, which must read no others.
    ///
    /// A running task depends on these columns only, as with [`load_columns`](Self::load_columns). The reader may be
    /// called again if another process replaces the file meanwhile.
    ///
    /// # Errors
    ///
    /// The file is missing, or `read` returns an error.
    pub fn read_columns<V>(
        &self,
        names: &[&str],
        read: impl Fn(&Source) -> anyhow::Result<V>,
    ) -> Result<V, LoadError>
    where
        A::Target: Columnar,
    {
        self.whole().read_columns(names, read)
    }

    /// Reads the file of the output by a function that gets the target and the file.
    ///
    /// It is for crates that read files in other ways than [`load`](Self::load), such as the scans of the cargo feature
    /// `polars`. The function may be called twice, if another process replaces the output.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[task(target = Json<Vec<u64>>)]
    /// fn squares() -> Vec<u64> {
    ///     (1..=3).map(|n| n * n).collect()
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet();
    /// flow.run::<squares>()?;
    /// let bytes = flow.output::<squares>()?.read_with(|_, source| Ok(source.read()?))?;
    /// assert_eq!(bytes, b"[1,4,9]");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The file is missing, or the function returns an error.
    pub fn read_with<V>(
        &self,
        read: impl Fn(&A::Target, &Source) -> anyhow::Result<V>,
    ) -> Result<V, LoadError>
    where
        A::Target: Target,
    {
        self.whole().read_with(read)
    }

    /// Returns the task with its parameters resolved.
    ///
    /// In a running task this is recorded: if the parameters change, the task runs again.
    pub fn task(&self) -> &A {
        self.handle.read_task();
        let task = self.handle.origin.task(self.handle.node);
        task.downcast_ref().expect("the node is an instance of the task")
    }

    /// Returns metadata that the task recorded with [`Cx::meta`](crate::Cx::meta).
    ///
    /// In a running task this is recorded: if the metadata changes, the task runs again.
    ///
    /// ```
    /// use std::path::PathBuf;
    ///
    /// use flow::prelude::*;
    ///
    /// /// Whether a text has words, and how many.
    /// #[derive(Task)]
    /// #[task(target = Json<bool>)]
    /// struct HasWords {
    ///     #[param(file)]
    ///     text: PathBuf,
    /// }
    ///
    /// #[tracked]
    /// impl Run for HasWords {
    ///     fn run(&self, cx: &Cx<Self>) -> Result<bool> {
    ///         let words = std::fs::read_to_string(&self.text)?.split_whitespace().count();
    ///         cx.meta("words", words)?;
    ///         Ok(words > 0)
    ///     }
    /// }
    ///
    /// #[derive(Task)]
    /// #[task(requires = HasWords, target = Text)]
    /// struct Report;
    ///
    /// #[tracked]
    /// impl Run for Report {
    ///     fn run(&self, cx: &Cx<Self>) -> Result<String> {
    ///         Ok(format!("{} words", cx.input().meta::<usize>("words")?))
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// std::fs::write(folder.join("text"), "one two")?;
    /// let flow = Flow::open(folder.join("data"))?.quiet().with(HasWords::TEXT, folder.join("text"));
    /// flow.run::<Report>()?;
    /// assert_eq!(*flow.load::<Report>()?, "2 words");
    ///
    /// // The output is the same, but its metadata has changed.
    /// std::fs::write(folder.join("text"), "one two three")?;
    /// flow.run::<HasWords>()?;
    /// let report = flow.preview::<Report>()?.instances().next_back().unwrap();
    /// assert_eq!(report.reasons()[0].to_string(), "meta words of HasWords changed");
    /// flow.run::<Report>()?;
    /// assert_eq!(*flow.load::<Report>()?, "3 words");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The task recorded no metadata of that name, or it has another type.
    pub fn meta<V: DeserializeOwned>(&self, name: &str) -> Result<V, LoadError> {
        self.handle.meta(name)
    }

    /// Returns the log of the last run of the task; `None` if it logged nothing.
    ///
    /// A running task cannot read the log of another: a log is no part of an output, and no later plan would notice
    /// that it has changed.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[task(target = Json<u64>)]
    /// fn answer(cx: &Cx<answer>) -> u64 {
    ///     cx.log("thinking");
    ///     42
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet();
    /// flow.run::<answer>()?;
    /// let log = flow.output::<answer>()?.log()?.context("a log")?;
    /// assert!(log.text().ends_with(" thinking\n"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The output does not exist any more, the log cannot be read, or a task is running that has this handle.
    pub fn log(&self) -> Result<Option<TaskLog>, LoadError> {
        self.handle.log()
    }

    /// Returns the path of the output: its file or, if there are several, the folder of the instance.
    ///
    /// The file must not be written to.
    ///
    /// # Errors
    ///
    /// The output does not exist any more, or has no file.
    pub fn path(&self) -> Result<PathBuf, LoadError> {
        // The task may read anything at the path.
        self.handle.read_content("", None);
        self.handle.path()
    }
}

impl<A> Clone for Input<A> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone(), of: PhantomData }
    }
}

impl<A> std::fmt::Debug for Input<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Handle { origin, node, .. } = &self.handle;
        write!(f, "Input({})", origin.label(*node, true))
    }
}

/// Loads the output of an instance. It is generic over the target, and so compiled once for all tasks with the same
/// target.
fn load<K: Keep>(handle: &Handle, target: fn() -> K) -> Result<Loaded<K::Value>, LoadError> {
    let Handle { origin, node, .. } = handle;
    handle.read_content("", loaded_columns(handle, target));
    if let Some(value) = handle.value() {
        return Ok(Loaded(downcast(value)));
    }
    // A task may go on after an error, which may depend on anything in the file.
    let value = handle
        .read("", |files| target().__load(files))
        .inspect_err(|_| handle.read_content("", None))?;
    // The output of an aggregate is handles, which record the reads of one task, so it cannot be shared.
    if origin.kind(*node) != Kind::Aggregate {
        let shared: AnyValue = Arc::clone(&value) as _;
        handle.share(&shared);
    }
    Ok(Loaded(value))
}

/// Returns the digests of the columns that loading reads of an external file, if it reads these alone.
///
/// An output of a task has no other columns than those of its type, and is read as a whole.
fn loaded_columns<K: Keep>(handle: &Handle, target: fn() -> K) -> Option<ColumnDigests> {
    if !handle.is_of_task() || handle.origin.kind(handle.node) != Kind::External {
        return None;
    }
    let target = target();
    let names = target.__loaded_columns()?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let digests = |source: &Source, names: &[&str]| target.__column_digests(source, names);
    // An error occurs again when the file is loaded.
    handle.read("", |files| Ok(files.read_columns("", &names, &digests))).ok()?
}

fn downcast<V: Send + Sync + 'static>(value: AnyValue) -> Arc<V> {
    let value: Arc<dyn Any + Send + Sync> = value;
    value.downcast().expect("an output has the type of its task's target")
}
