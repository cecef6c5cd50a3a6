//! The reader for targets.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::fs::{Disk, Fs};
use crate::target::outside::Provided;
use crate::target::partition::is_hidden;

/// The file that a target reads.
///
/// A file that [is kept](Self::is_kept) by the store is never rewritten; an external file may be.
///
/// A source is cheap to clone. A value may keep it and read its file later, such as a stream of
/// batches or a mapped file.
#[derive(Clone)]
pub struct Source {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    kept: bool,
    provided: Provided,
    /// The files in it, if it is a folder and they are known.
    files: Option<Arc<FolderFiles>>,
}

/// The files of a folder that are read.
struct FolderFiles {
    /// The paths below the folder, with `/`.
    names: Vec<String>,
    /// A file that shows the columns, if there is none to read.
    sample: Option<String>,
}

impl Source {
    pub(crate) fn new(fs: &Arc<dyn Fs>, path: PathBuf, kept: bool) -> Self {
        let (fs, provided) = (Arc::clone(fs), Provided::default());
        Self { fs, path, kept, provided, files: None }
    }

    /// Returns this source as a folder of which these files are read. `sample` shows the columns if there are none.
    pub(crate) fn of_files(self, names: Vec<String>, sample: Option<String>) -> Self {
        Self { files: Some(Arc::new(FolderFiles { names, sample })), ..self }
    }

    /// Creates a source for a file on disk, to test a target without a store.
    ///
    /// The file must not be written as long as a value that was loaded from it exists.
    ///
    /// ```
    /// # use std::io::Read;
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("numbers.txt");
    /// # std::fs::write(&path, "1 2 3")?;
    /// let mut text = String::new();
    /// flow_core::Source::file(&path).open()?.read_to_string(&mut text)?;
    /// assert_eq!(text, "1 2 3");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        // The file may be read after the current folder has changed.
        let path = std::path::absolute(&path).unwrap_or(path);
        let fs: Arc<dyn Fs> = Arc::new(Disk);
        Self::new(&fs, path, true)
    }

    /// Returns this source with the values that a flow provides.
    pub(crate) fn providing(self, provided: Provided) -> Self {
        Self { provided, ..self }
    }

    /// Returns the values that the flow provides. There are none if the file is read without a flow.
    pub fn provided(&self) -> &Provided {
        &self.provided
    }

    /// Returns the paths of the files to read, below [`path`](Self::path), with `/`, for a target whose outputs are
    /// [folders](super::Target::IS_FOLDER).
    ///
    /// If a task has [selected](crate::Input::select) partitions, these are their files. Names that begin with `_` or `.` are
    /// left out. The list is sorted by the names of the folders.
    ///
    /// # Errors
    ///
    /// The folder cannot be listed.
    pub fn files(&self) -> io::Result<Vec<String>> {
        if let Some(files) = &self.files {
            return Ok(files.names.clone());
        }
        let mut names = Vec::new();
        self.list("", &mut names)?;
        Ok(names)
    }

    fn list(&self, folder: &str, names: &mut Vec<String>) -> io::Result<()> {
        let mut inside = self.fs.list(&self.path.join(folder))?;
        inside.sort_unstable();
        for name in inside {
            let name = name.into_string().map_err(|name| {
                io::Error::new(io::ErrorKind::InvalidData, format!("{name:?} is not Unicode"))
            })?;
            let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            match self.fs.stat(&self.path.join(&name))?.folder {
                _ if is_hidden(&name) => {}
                true => self.list(&name, names)?,
                false => names.push(name),
            }
        }
        Ok(())
    }

    /// Returns a file that shows the columns of the folder, if there is none to read because no partition was selected.
    pub fn sample(&self) -> Option<&str> {
        self.files.as_ref()?.sample.as_deref()
    }

    /// Returns the source of a file in the folder.
    #[must_use]
    pub fn within(&self, file: &str) -> Self {
        Self { path: self.path.join(file), files: None, ..self.clone() }
    }

    /// Opens the file for reading, from its start.
    ///
    /// # Errors
    ///
    /// The path names something other than a regular file, such as a pipe or a device, or the
    /// operating system cannot open it.
    pub fn open(&self) -> io::Result<File> {
        self.fs.open(&self.path)
    }

    /// Reads the whole content.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), or the operating system cannot read the file.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        self.read_within(u64::MAX)
    }

    /// Reads the whole content of a file that has at most `limit` bytes.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("numbers.txt");
    /// # std::fs::write(&path, "1 2 3")?;
    /// let source = flow_core::Source::file(&path);
    /// assert_eq!(source.read_within(5)?, b"1 2 3");
    /// let error = source.read_within(4).unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::FileTooLarge);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read), and [`FileTooLarge`](io::ErrorKind::FileTooLarge) before
    /// anything is read from a larger file.
    pub fn read_within(&self, limit: u64) -> io::Result<Vec<u8>> {
        self.fs.read(&self.path, limit)
    }

    /// Returns whether the file is an output of the store, which is never rewritten and so can be
    /// mapped.
    ///
    /// An external file may be rewritten, and has to be read.
    pub fn is_kept(&self) -> bool {
        self.kept
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Source").field(&self.path).finish()
    }
}
