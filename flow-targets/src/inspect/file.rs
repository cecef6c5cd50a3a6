//! The files of an output.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use flow_core::{Instance, RecordedOutput};

use super::{Format, InspectError};
#[cfg(feature = "inspect-tables")]
use crate::inspect::table::Source;

/// A file, or a folder, of an output.
///
/// An output has one file or, if it has several parts, one for each of them. See the [module](crate::inspect) for an example.
#[derive(Clone, Debug)]
pub struct OutputFile {
    part: String,
    path: PathBuf,
    /// Whether another program has written the file. Its path may be a link.
    is_external: bool,
    /// What is known of a table.
    #[cfg(feature = "inspect-tables")]
    pub(super) source: Source,
}

impl OutputFile {
    /// Returns the files of the output of an instance; `None` if it is not complete, or an aggregate.
    ///
    /// The file of an external task is included, whether it exists or not. The list is empty if the value was only in
    /// memory.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn of(instance: &Instance) -> Result<Option<Vec<Self>>, InspectError> {
        if let Some(path) = instance.external_path() {
            let target = instance.info().target();
            let file = Self::new(String::new(), path.to_owned(), true, target, Some(instance));
            return Ok(Some(vec![file]));
        }
        let recorded = instance.recorded()?;
        Ok(recorded.map(|recorded| Self::recorded(&recorded, Some(instance))))
    }

    /// Returns the files of a recorded output, also of a task that this program does not have.
    pub fn of_recorded(recorded: &RecordedOutput) -> Vec<Self> {
        Self::recorded(recorded, None)
    }

    fn recorded(recorded: &RecordedOutput, instance: Option<&Instance>) -> Vec<Self> {
        let file = |file: &flow_core::RecordedFile| {
            let (part, path) = (file.part.clone(), file.path.clone());
            Self::new(part, path, false, &recorded.target, instance)
        };
        recorded.files.iter().map(file).collect()
    }

    fn new(
        part: String,
        path: PathBuf,
        is_external: bool,
        target: &str,
        instance: Option<&Instance>,
    ) -> Self {
        #[cfg(not(feature = "inspect-tables"))]
        let _ = (target, instance);
        Self {
            part,
            path,
            is_external,
            #[cfg(feature = "inspect-tables")]
            source: Source::new(target, instance),
        }
    }

    /// Returns the name of the part; empty if the output has only one.
    pub fn part(&self) -> &str {
        &self.part
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the format, by the name of the file.
    pub fn format(&self) -> Format {
        Format::of(&self.path)
    }

    /// Returns whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.metadata().is_ok_and(|metadata| metadata.is_dir())
    }

    /// Returns the metadata of the file. Links in a store are not followed, because they may lead out of it.
    fn metadata(&self) -> io::Result<Metadata> {
        if self.is_external { self.path.metadata() } else { self.path.symlink_metadata() }
    }

    /// Opens the file for reading.
    ///
    /// # Errors
    ///
    /// It cannot be opened, or is no regular file. Opening a pipe would wait for another program.
    pub fn open(&self) -> Result<File, InspectError> {
        let open = || match self.metadata()?.is_file() {
            true => File::open(&self.path),
            false => Err(io::Error::other("it is not a regular file")),
        };
        open().map_err(|error| InspectError::io(&self.path, error))
    }

    /// Returns the names in a folder, sorted; those of folders end with `/`.
    ///
    /// # Errors
    ///
    /// The folder cannot be listed.
    pub fn entries(&self) -> Result<Vec<String>, InspectError> {
        let list = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in std::fs::read_dir(&self.path)? {
                let entry = entry?;
                let end = if entry.file_type().is_ok_and(|kind| kind.is_dir()) { "/" } else { "" };
                names.push(format!("{}{end}", entry.file_name().to_string_lossy()));
            }
            names.sort();
            Ok(names)
        };
        if !self.is_folder() {
            let error = io::Error::new(io::ErrorKind::NotADirectory, "it is not a folder");
            return Err(InspectError::io(&self.path, error));
        }
        list().map_err(|error| InspectError::io(&self.path, error))
    }
}
