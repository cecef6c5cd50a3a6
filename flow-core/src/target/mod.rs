//! Targets: the formats of outputs.
//!
//! A target writes a value to a [`Sink`] and reads it back from a [`Source`]. The store names the
//! file, hashes what is written, makes the output visible when it is complete, and removes the file
//! if writing fails. So a target is a few lines:
//!
//! ```
//! use std::io::{Read, Write};
//! use flow::target::{Sink, Source};
//! use flow::prelude::*;
//!
//! /// A number, written in words of ASCII digits.
//! #[derive(Default)]
//! struct Digits;
//!
//! #[tracked] // a change of this code invalidates the tasks that use it
//! impl Target for Digits {
//!     type Value = u64;
//!     const EXTENSION: &'static str = "txt";
//!     const EXACT: bool = true;
//!
//!     fn save(&self, value: &u64, sink: &mut Sink<'_>) -> Result<()> {
//!         Ok(write!(sink, "{value}")?)
//!     }
//!
//!     fn load(&self, source: &Source) -> Result<u64> {
//!         let mut text = String::new();
//!         source.open()?.read_to_string(&mut text)?;
//!         Ok(text.parse()?)
//!     }
//! }
//! ```

mod column_digests;
mod description;
pub(crate) mod footprint;
pub(crate) mod outside;
pub(crate) mod partition;
pub(crate) mod partition_index;
mod parts;
mod sink;
pub(crate) mod sink_folder;
mod source;

pub use column_digests::{ColumnDigests, ColumnHasher};
pub use description::{Column, Description, Python};
pub use outside::{OutputContext, Outside, OutsideContent, OutsidePlace, Provided};
pub use partition::{Partition, PartitionValue, Selection};
pub use parts::{Columnar, Partitioned, Pieces, ReadRows, Streaming};
pub use sink::Sink;
pub use sink_folder::{FolderFile, SinkFolder};
pub use source::Source;

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use crate::base::code::Code;
use crate::base::fs::{Disk, Fs};

/// A format in which outputs are stored.
///
/// The same value must always give the same bytes, because tasks that require an output run again
/// if its bytes change. So the order of an unordered map, or the time of writing, must not be part
/// of them.
///
/// See [the module](self) for an example.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a target: it does not say how an output is kept",
    label = "not a target",
    note = "name one, such as `Parquet<RecordBatch>`, `Json<Vec<f64>>` or `Pickle<Model>`, or implement `Target` for a type of your own"
)]
pub trait Target: Sized + Send + Sync + 'static {
    /// The type that a task returns and that loading returns.
    type Value: Send + Sync + 'static;

    /// The extension of the file, without the dot.
    const EXTENSION: &'static str;

    /// Whether a value that was saved and loaded cannot be distinguished from the original.
    ///
    /// If so, tasks that require the output receive the original value. Otherwise they receive what
    /// is loaded from the file just written, so that one run gives the same results as two.
    const EXACT: bool = false;

    /// Whether an output is a folder of files, which [`save_folder`](Self::save_folder) writes, and not one file.
    ///
    /// [`Source::files`] then returns the files to read. An external path may be a file, a folder, or a pattern such as
    /// `trades/*.parquet`.
    const IS_FOLDER: bool = false;

    /// The code of the target, as a digest.
    ///
    /// It counts as part of the code of every task that uses the target, and of every task that
    /// requires such a task. `#[tracked]` on the impl sets it. To declare changes by hand, use
    /// [`Code::version`]. There is no default, so that changes of a user's own target are never
    /// missed.
    const CODE: Code;

    /// Writes the value.
    ///
    /// # Errors
    ///
    /// The format or the sink returns an error. The task then fails, and nothing is stored.
    fn save(&self, value: &Self::Value, sink: &mut Sink<'_>) -> anyhow::Result<()>;

    /// Writes the value as files of a folder. It is called in place of [`save`](Self::save) if the target
    /// [is a folder](Self::IS_FOLDER).
    ///
    /// The default implementation returns an error.
    ///
    /// # Errors
    ///
    /// The format or the folder returns an error. The task then fails, and nothing is stored.
    fn save_folder(&self, _value: &Self::Value, _folder: &mut SinkFolder) -> anyhow::Result<()> {
        anyhow::bail!("the target says `IS_FOLDER = true` and does not implement `save_folder`")
    }

    /// Checks whether the format can store values of this type, as far as the type alone shows.
    ///
    /// The planner calls this once for each task type in a process, so that an unsuitable type is
    /// an error before anything runs. An error must hold for every value but empty ones: an
    /// `Option` may be `None`, and a field with a default may be left out. The default
    /// implementation accepts every type.
    ///
    /// # Errors
    ///
    /// No value of the type can be stored. The message names the part of the type, and what to use
    /// instead.
    fn check_type(&self) -> anyhow::Result<()> {
        Ok(())
    }

    /// Returns about how many bytes of memory a value takes, or `None` if the size of its file is a good estimate: the
    /// number of bytes that [`save`](Self::save) has written counts then, once.
    ///
    /// A run passes values of [exact](Self::EXACT) targets to other tasks in memory as long as their sizes stay within
    /// [`Flow::value_budget`](crate::Flow::value_budget). Of other targets it passes no values, and does not call this.
    ///
    /// The targets of tables return the memory of a `RecordBatch`, of a list of them and of a `DataFrame`, `Text` and
    /// `Bytes` that of their values, and the others `None`.
    fn memory_size(&self, _value: &Self::Value) -> Option<u64> {
        None
    }

    /// Reads a value.
    ///
    /// # Errors
    ///
    /// The format or the source returns an error. A value that cannot be read is never replaced by
    /// a default.
    fn load(&self, source: &Source) -> anyhow::Result<Self::Value>;

    /// Returns the columns that [`load`](Self::load) reads of a file that has all of them, if it reads these alone.
    ///
    /// A task that loads an external file then depends on these columns only. The digests of the columns come from
    /// [`column_digests`](Self::column_digests). If the file lacks one of them, `load` may read the others, and the task
    /// depends on the whole file. The default implementation returns `None`: all of the file is read.
    ///
    /// The targets `Parquet<Vec<R>>` and `ArrowIpc<Vec<R>>` return the fields of the struct `R`.
    fn loaded_columns(&self) -> Option<Vec<String>> {
        None
    }

    /// Returns the digests of some columns of a file; `None` if the format has no columns.
    ///
    /// They must equal those that [`save`](Self::save) gives to [`Sink::set_columns`] for equal columns. A name without a
    /// column is left out. The digest of the shape is added if `save` gives one: without it, a task that queries the file
    /// in SQL depends on all of it. This is called for external files, of which no record has the digests, and only if a
    /// task has read single columns; there may be no names. The default implementation returns `None`.
    ///
    /// # Errors
    ///
    /// The file cannot be read. Then the whole file counts.
    fn column_digests(
        &self,
        _source: &Source,
        _names: &[&str],
    ) -> anyhow::Result<Option<ColumnDigests>> {
        Ok(None)
    }

    /// Returns what the target stores outside of the store, if its file only refers to it.
    ///
    /// Plans compare it with the record: see [`Outside`]. The default implementation returns `None`.
    fn outside(&self) -> Option<Box<dyn Outside>> {
        None
    }
    /// Describes a file that this target wrote, for readers without the program.
    ///
    /// The description has the columns of a table, and how Rust and Python load the file. An
    /// [export](crate::Flow::export) includes it. The default implementation returns an empty one.
    ///
    /// # Errors
    ///
    /// The format or the source returns an error.
    fn describe(&self, _source: &Source) -> anyhow::Result<Description> {
        Ok(Description::default())
    }

    /// Returns another way to read the files of the target, of a type that only the crates of formats know.
    ///
    /// [`NamedInput::reader`](crate::__private::NamedInput::reader) returns it for an input whose target is not known.
    #[doc(hidden)]
    fn __reader(&self) -> Option<Box<dyn Any>> {
        None
    }
}

/// Reads a file with a target, outside a task and without a store. In a task, use
/// [`Cx::read`](crate::Cx::read), which records that the task reads the file.
///
/// ```
/// use flow::prelude::*;
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let file = folder.path().join("numbers.json");
/// std::fs::write(&file, "[1, 2, 3]")?;
/// let numbers: Vec<u8> = flow::read(&file, Json::default())?;
/// assert_eq!(numbers, [1, 2, 3]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The file cannot be read, or the target cannot read its content.
pub fn read<F: Target>(path: impl AsRef<Path>, target: F) -> anyhow::Result<F::Value> {
    let path = path.as_ref();
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let fs: Arc<dyn Fs> = Arc::new(Disk);
    read_from(&Source::new(&fs, path, false), &target)
}

pub(crate) fn read_from<F: Target>(source: &Source, target: &F) -> anyhow::Result<F::Value> {
    let unreadable = |error| match names_path(&error, source.path()) {
        true => error,
        false => error.context(format!("cannot read {}", source.path().display())),
    };
    target.load(source).map_err(unreadable)
}

/// Returns whether the message of an error, or of one of its causes, contains the path.
pub(crate) fn names_path(error: &anyhow::Error, path: &Path) -> bool {
    let path = path.display().to_string();
    error.chain().any(|cause| cause.to_string().contains(&path))
}
