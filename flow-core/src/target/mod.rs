//! Targets: how an output is kept in a file.
//!
//! A target writes a value to a [`Sink`] and reads it back from a [`Source`]. Naming the file,
//! hashing what is written, making it visible only when it is whole, and removing what a failed
//! write left are the store's business, so that a target is a few lines:
//!
//! ```
//! use std::io::{Read, Write};
//! use flow::prelude::*;
//!
//! /// A number, written in words of ASCII digits.
//! #[derive(Default)]
//! struct Digits;
//!
//! #[tracked] // a change of this code makes the tasks run again that use it
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

mod description;
mod parts;
mod sink;
mod source;

pub use description::{Column, Description, Python};
pub use parts::{Columnar, Pieces, Streaming};
pub use sink::Sink;
pub use source::Source;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;

use crate::base::code::Code;
use crate::base::fs::{Disk, Fs};

/// A way to keep a value in a file.
///
/// The same value must always give the same bytes: what follows an output runs again only if its
/// bytes changed. A map without an order, or the time of writing, must not be part of them.
///
/// See [the module](self) for an example.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a target: it does not say how an output is kept",
    label = "not a target",
    note = "name one, such as `Parquet<RecordBatch>`, `Json<Vec<f64>>` or `Pickle<Model>`, or implement `Target` for a type of your own"
)]
pub trait Target: Sized + Send + Sync + 'static {
    /// What a task returns and what loading gives back.
    type Value: Send + Sync + 'static;

    /// The extension of the file, without the dot.
    const EXTENSION: &'static str;

    /// Whether a value that was saved and loaded cannot be told from the value before.
    ///
    /// If so, the tasks that require it are given the value itself; if not, what is loaded from
    /// the file just written, so that a run in one go gives what a run in two gives.
    const EXACT: bool = false;

    /// The code of the target, which counts as part of the code of every task that uses it, and of
    /// what the tasks that require them are given: written by `#[tracked]` above the impl or, if the
    /// user would rather count the versions, [`Code::version`].
    const CODE: Code;

    /// Writes the value.
    ///
    /// # Errors
    ///
    /// What the format or the sink says. The task then counts as failed, and nothing is kept.
    fn save(&self, value: &Self::Value, sink: &mut Sink<'_>) -> anyhow::Result<()>;

    /// Checks that the format can store values of this type at all, by what the type alone shows.
    ///
    /// The planner calls it once for each task type, so that a type that never fits is an error before
    /// anything runs. A target that cannot tell says nothing, which is the default: an error here must
    /// hold for every value but empty ones.
    ///
    /// # Errors
    ///
    /// Why no value can be stored: which part of the type, and what to use instead.
    fn check_type(&self) -> anyhow::Result<()> {
        Ok(())
    }

    /// Reads a value back.
    ///
    /// # Errors
    ///
    /// What the format or the source says, with no value made up for what could not be read.
    fn load(&self, source: &Source) -> anyhow::Result<Self::Value>;

    /// What others need to know of a file that this target has written, to read it without the
    /// program: the columns of a table, and how Rust and Python load it. An
    /// [export](crate::Flow::export) passes it on; without this, nothing is said.
    ///
    /// # Errors
    ///
    /// What the format or the source says.
    fn describe(&self, _source: &Source) -> anyhow::Result<Description> {
        Ok(Description::default())
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
    target.load(source).with_context(|| format!("cannot read {}", source.path().display()))
}
