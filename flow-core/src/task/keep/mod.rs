//! How the output of a task is kept: what `target = ...` and `outputs = ...` may name.
//!
//! Nearly always it is a [`Target`], which writes a value to one file. [`Several`] keeps a struct
//! of [`Outputs`], a file for each field. [`File`] is a file or folder that the task writes itself,
//! and [`Memory`] no file at all; a task that is an aggregate has no output of its own, and what it
//! [`Gathered`] are handles on those of others.
//!
//! [`Keep`] is what the engine sees of all of them: it saves a value into a [`Draft`], and loads it
//! from the [`Files`] that a record names.

mod file;
mod gathered;
mod memory;
mod parts;
mod several;

use std::path::PathBuf;
use std::sync::Arc;

pub use file::File;
pub use gathered::Gathered;
pub use memory::Memory;
pub use parts::{KeepPart, Part};
pub use several::{Outputs, Saving, Several};

use crate::base::code::Code;
use crate::store::draft::Draft;
use crate::store::made::Made;
use crate::store::place::Places;
use crate::target::{Description, Source};
use crate::task::Kind;
use crate::task::input::Handle;

/// A way to keep the output of a task: any [`Target`](crate::Target), [`File`], [`Memory`], or
/// several outputs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a target: it does not say how an output is kept",
    label = "not a target",
    note = "name one, such as `Parquet<RecordBatch>`, `Json<Vec<f64>>` or `Pickle<Model>`, or implement `Target` for a type of your own"
)]
pub trait Keep: Sized + Send + Sync + 'static {
    /// What a task returns and what loading gives back.
    type Value: Send + Sync + 'static;

    /// Whether a value that was saved and loaded cannot be told from the value before.
    #[doc(hidden)]
    const __EXACT: bool;

    /// Adds the code of the targets.
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
    fn __check(_value: &Self::Value) -> anyhow::Result<()> {
        Ok(())
    }

    /// Checks that values of the type can be stored at all.
    #[doc(hidden)]
    fn __check_type(&self) -> anyhow::Result<()> {
        Ok(())
    }

    #[doc(hidden)]
    fn __load(&self, files: &Files<'_>) -> anyhow::Result<Arc<Self::Value>>;

    /// What others need to know of the file of each part.
    #[doc(hidden)]
    fn __describe(&self, _files: &Files<'_>) -> anyhow::Result<Described> {
        Ok(Vec::new())
    }
}

/// What others need to know of files, by part.
#[doc(hidden)]
pub type Described = Vec<(&'static str, Description)>;

/// The files of an output that is there.
#[doc(hidden)]
pub struct Files<'a> {
    pub(crate) of: &'a Handle,
    pub(crate) made: &'a Made,
}

impl Files<'_> {
    /// Where a part lies; the whole, if its name is empty.
    pub(crate) fn path(&self, part: &str) -> anyhow::Result<PathBuf> {
        let file = self.made.output.file(part);
        let file = file.ok_or_else(|| anyhow::anyhow!("the record names no file `{part}`"))?;
        Ok(self.made.store(self.of.origin.store()).path(&self.made.folder, &file.file))
    }

    /// The file of a part, for a target to read.
    pub(crate) fn source(&self, part: &str) -> anyhow::Result<Source> {
        let Handle { origin, node, .. } = self.of;
        let kept = origin.kind(*node) == Kind::Made;
        let store = self.made.store(origin.store());
        let fs = if kept { store.fs() } else { store.unconfined() };
        Ok(Source::new(fs, self.path(part)?, kept))
    }
}
