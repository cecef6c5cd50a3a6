//! The target [`File`]: a file or folder that the task writes itself.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};

use super::{Files, KeepPart};
use crate::base::code::Code;
use crate::store::draft::Draft;
use crate::store::place::Places;

/// A target for a file or folder that the task writes itself, at [`Cx::out_path`](crate::Cx::out_path).
///
/// Use it for the model of another library, images, or shards. Loading the output returns its path. It is not in the
/// prelude, because `std::fs::File` has the same name: import `flow::File`.
///
/// ```
/// use std::path::PathBuf;
///
/// use flow::File;
/// use flow::prelude::*;
///
/// #[derive(Task)]
/// #[task(target = File(extension = "txt"))]
/// struct Greeting;
///
/// #[tracked]
/// impl Run for Greeting {
///     fn run(&self, cx: &Cx<Self>) -> Result<PathBuf> {
///         let path = cx.out_path()?;
///         std::fs::write(&path, "hello")?;
///         Ok(path)
///     }
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet();
/// flow.run::<Greeting>()?;
/// let path = flow.load::<Greeting>()?;
/// assert_eq!(std::fs::read_to_string(&*path)?, "hello");
/// # Ok(())
/// # }
/// ```
///
/// Such an output is handled like any other: it is hashed, becomes visible only as a
/// whole, and is removed if the task fails. It must not be changed afterwards. Links are
/// errors, because the files that they lead to may change, and must not be removed with the output.
#[derive(Clone, Debug, Default)]
pub struct File {
    extension: String,
}

impl File {
    /// Sets the extension of the file, without the dot; the default is none.
    #[must_use]
    pub fn extension(mut self, extension: impl Into<String>) -> Self {
        self.extension = extension.into();
        self
    }
}

/// The target of a task that writes its file itself, at [`Cx::out_path`](crate::Cx::out_path): [`File`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a task with the target `{Self}` has no `out_path`, because its target writes the file",
    label = "only a task with the target `File` writes its file itself",
    note = "return the value, which the target stores; to write the file in the task, write `#[task(target = File)]`",
    note = "for one of several outputs, call `cx.out_path_of(...)` with its key"
)]
pub trait FileTarget: KeepPart {}

impl FileTarget for File {}

impl KeepPart for File {
    type Value = PathBuf;
    const __EXACT: bool = true;
    const __CODE: Code = Code::version(1);

    fn __save_part(
        &self,
        part: &str,
        value: &PathBuf,
        places: &Places,
        draft: &mut Draft<'_>,
    ) -> anyhow::Result<()> {
        let call = match part {
            "" => "cx.out_path()?".to_owned(),
            part => format!("cx.out_path_of(...::{})?", part.to_uppercase()),
        };
        if places.is_copied() {
            let path = places.copy(part, &self.extension, value)?;
            draft.take(part, &path)?;
            places.taken(part);
            return Ok(());
        }
        let Some(path) = places.given(part) else {
            bail!("the task has not asked where to write its file: it goes to `{call}`");
        };
        ensure!(*value == path, "the task returned {value:?}, and its file goes to `{call}`");
        draft.take(part, &path).with_context(|| {
            format!(
                "the task has to write a file, or fill a folder, at `{call}`, and return that path"
            )
        })?;
        places.taken(part);
        Ok(())
    }

    fn __load_part(&self, part: &str, files: &Files<'_>) -> anyhow::Result<PathBuf> {
        files.path(part)
    }

    fn __extension(&self) -> String {
        self.extension.clone()
    }
}
