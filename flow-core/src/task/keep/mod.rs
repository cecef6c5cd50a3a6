//! How the output of a task is stored: the types that `target = ...` and `outputs = ...` may name.
//!
//! | type | output |
//! | --- | --- |
//! | any [`Target`](crate::Target) | a value in one file |
//! | [`Several`] | a struct of [`Outputs`], with a file for each field |
//! | [`File`] | a file or folder that the task writes itself |
//! | [`Memory`] | a value in memory, without a file |
//! | [`Gathered`] | handles on the outputs that an aggregate requires |
//!
//! The engine sees all of them as [`Keep`], which saves a value into a [`Draft`] and loads it
//! from the [`Files`] that a record names.
//!
//! `File` and `Memory` are part of the core, because they concern the store and not a format. All formats are
//! [`Target`](crate::Target)s of other crates.

mod file;
mod gathered;
mod memory;
mod parts;
mod several;

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

pub use file::{File, FileTarget};
pub use gathered::Gathered;
pub use memory::Memory;
pub use parts::{KeepPart, Part};
pub use several::{Outputs, Saving, Several};

use crate::base::code::Code;
use crate::store::draft::Draft;
use crate::store::made::Made;
use crate::store::place::Places;
use crate::target::partition_index::PartitionIndex;
use crate::target::{ColumnDigests, Description, Outside, Source};
use crate::task::Kind;
use crate::task::expectation::Checks;
use crate::task::input::Handle;

/// A way to store the output of a task: any [`Target`](crate::Target), [`File`], [`Memory`], or
/// several outputs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a target: it does not say how an output is kept",
    label = "not a target",
    note = "name one, such as `Parquet<RecordBatch>`, `Json<Vec<f64>>` or `Pickle<Model>`, or implement `Target` for a type of your own"
)]
pub trait Keep: Sized + Send + Sync + 'static {
    /// The type that a task returns, and that loading returns.
    type Value: Send + Sync + 'static;

    /// Whether saving and loading a value returns an equal one.
    #[doc(hidden)]
    const __EXACT: bool;

    /// Whether the value stays in the memory of this process, and no other one can load it.
    #[doc(hidden)]
    const __IN_MEMORY: bool = false;

    /// Whether the target reads folders of files: see `Target::IS_FOLDER`.
    #[doc(hidden)]
    const __IS_FOLDER: bool = false;

    /// Adds the code digests of the targets.
    #[doc(hidden)]
    fn __codes(codes: &mut Vec<Code>);

    #[doc(hidden)]
    fn __save(
        &self,
        value: &Arc<Self::Value>,
        places: &Places,
        draft: &mut Draft<'_>,
    ) -> anyhow::Result<()>;

    /// Checks the parts before they are saved.
    #[doc(hidden)]
    fn __check(_value: &Self::Value, _checks: &mut Checks<'_>) -> anyhow::Result<()> {
        Ok(())
    }

    /// Checks that values of the type can be stored at all.
    #[doc(hidden)]
    fn __check_type(&self) -> anyhow::Result<()> {
        Ok(())
    }

    /// Returns what the target stores outside of the store.
    #[doc(hidden)]
    fn __outside(&self) -> Option<Box<dyn Outside>> {
        None
    }

    #[doc(hidden)]
    fn __load(&self, files: &Files<'_>) -> anyhow::Result<Arc<Self::Value>>;

    /// Returns the columns that loading the output reads of a file that has all of them, if it reads these alone.
    #[doc(hidden)]
    fn __loaded_columns(&self) -> Option<Vec<String>> {
        None
    }

    /// Returns the digests of some columns of an output that is one file. `None` if it has no columns.
    #[doc(hidden)]
    fn __column_digests(
        &self,
        _source: &Source,
        _names: &[&str],
    ) -> anyhow::Result<Option<ColumnDigests>> {
        Ok(None)
    }

    /// Describes the file of each part for readers outside this program.
    #[doc(hidden)]
    fn __describe(&self, _files: &Files<'_>) -> anyhow::Result<Described> {
        Ok(Vec::new())
    }

    /// Returns another way to read the file of the output: see `Target::__reader`.
    #[doc(hidden)]
    fn __output_reader(&self) -> Option<Box<dyn Any>> {
        None
    }
}

/// The descriptions of files, by part.
#[doc(hidden)]
pub type Described = Vec<(&'static str, Description)>;

/// Computes the digests of some columns of a file.
type DigestColumns<'a> = dyn Fn(&Source, &[&str]) -> anyhow::Result<Option<ColumnDigests>> + 'a;

/// The files of an existing output.
#[doc(hidden)]
pub struct Files<'a> {
    pub(crate) of: &'a Handle,
    pub(crate) made: &'a Made,
}

impl Files<'_> {
    /// Returns the path of a part, or of the whole output if the name is empty.
    pub(crate) fn path(&self, part: &str) -> anyhow::Result<PathBuf> {
        let file = self.made.output.file(part);
        let file = file.ok_or_else(|| anyhow::anyhow!("the record names no file `{part}`"))?;
        Ok(self.made.store(self.of.origin.store()).path(&self.made.folder, &file.file))
    }

    /// Returns the file or folder of a part as a source for a target.
    pub(crate) fn source(&self, part: &str) -> anyhow::Result<Source> {
        let Handle { origin, node, .. } = self.of;
        let is_folder = match origin.kind(*node) {
            Kind::External => origin.task_type(*node).is_folder,
            _ => self.made.output.file(part).is_some_and(|file| file.folder.is_some()),
        };
        if !is_folder {
            return Ok(self.source_at(self.path(part)?));
        }
        let (path, index) = self.partitions(part)?;
        let names = index.paths().map(str::to_owned).collect();
        Ok(self.source_at(path).of_files(names, None))
    }

    fn source_at(&self, path: PathBuf) -> Source {
        let Handle { origin, node, .. } = self.of;
        let kept = origin.kind(*node) == Kind::Made;
        let store = self.made.store(origin.store());
        let fs = if kept { store.fs() } else { store.unconfined() };
        Source::new(fs, path, kept).providing(origin.provided())
    }

    /// Returns the folder of a part that is a folder, and the files in it by their partitions.
    pub(crate) fn partitions(&self, part: &str) -> anyhow::Result<(PathBuf, Arc<PartitionIndex>)> {
        let Handle { origin, node, .. } = self.of;
        let store = origin.store();
        if origin.kind(*node) == Kind::External {
            let (path, digest) = (origin.external(*node), self.made.output.digest);
            let index = store.external_partitions(origin.contents(), path, digest)?;
            return Ok((index.folder().to_owned(), index));
        }
        let file = self.made.output.file(part);
        let index = file.and_then(|file| store.partitions(file));
        let index = index.ok_or_else(|| anyhow::anyhow!("the output is no folder of files"))?;
        Ok((self.path(part)?, index))
    }

    /// Returns the source of some files of a folder, by their positions in its index.
    pub(crate) fn source_of_files(&self, part: &str, selected: &[u32]) -> anyhow::Result<Source> {
        let (path, index) = self.partitions(part)?;
        let names = selected.iter().map(|&place| index.path(place).to_owned()).collect();
        let sample = index.paths().next().filter(|_| selected.is_empty()).map(str::to_owned);
        Ok(self.source_at(path).of_files(names, sample))
    }

    /// Returns the digests of columns that a running task has read of a part; `None` if one of them is not known.
    ///
    /// The record of an output has them. Those of an external file are computed by `digests`, unless they are cached.
    pub(crate) fn read_columns(
        &self,
        part: &str,
        names: &[&str],
        digests: &DigestColumns<'_>,
    ) -> Option<ColumnDigests> {
        self.digests(part, names, false, digests)?.of(names)
    }

    /// Returns the digests of the shape of a part and of columns that a running task has read of it; `None` if one of them
    /// is not known.
    pub(crate) fn read_shape_and_columns(
        &self,
        part: &str,
        names: &[&str],
        digests: &DigestColumns<'_>,
    ) -> Option<ColumnDigests> {
        self.digests(part, names, true, digests)?.of_shape_and(names)
    }

    /// Returns digests among which are those of these columns, as far as they are known.
    fn digests(
        &self,
        part: &str,
        names: &[&str],
        with_shape: bool,
        digests: &DigestColumns<'_>,
    ) -> Option<ColumnDigests> {
        let Handle { origin, node, .. } = self.of;
        if !self.of.is_of_task() {
            return None;
        }
        match origin.kind(*node) {
            Kind::Made => Some(self.made.output.file(part)?.columns.clone()),
            Kind::External => {
                let task = origin.task_type(*node);
                let reader = (task.codes)().target_digest((task.decl)().target);
                let source = self.source(part).ok()?;
                let path = origin.external(*node);
                let digests = &mut |names: &[&str]| digests(&source, names);
                // If they cannot be computed, the whole file counts.
                origin.contents().columns(path, reader, names, with_shape, digests).ok()
            }
            Kind::Aggregate => None,
        }
    }
}
