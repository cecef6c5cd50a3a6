//! A handle on one part of an output: the content of one file.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;

use super::Handle;

use crate::target::{Columnar, Pieces, ReadRows, Source, Streaming, Target};
use crate::task::error::{LoadError, LoadErrorKind};
use crate::task::keep::{Files, KeepPart};
use crate::task::loaded::Loaded;

/// A handle on one of several outputs of a task, created by [`Input::part`](crate::Input::part).
#[derive(Clone)]
pub struct InputPart<K> {
    handle: Handle,
    name: &'static str,
    target: K,
}

impl<K: KeepPart> InputPart<K> {
    pub(crate) fn new(handle: Handle, name: &'static str, target: K) -> Self {
        Self { handle, name, target }
    }

    /// Returns the target of the part.
    #[doc(hidden)]
    pub fn __target(&self) -> &K {
        &self.target
    }

    /// Returns the handle on the whole output, the name of the part, and its target.
    pub(super) fn into_parts(self) -> (Handle, &'static str, K) {
        (self.handle, self.name, self.target)
    }

    /// Loads the value.
    ///
    /// # Errors
    ///
    /// The file is missing or cannot be read.
    pub fn load(&self) -> Result<Loaded<K::Value>, LoadError> {
        self.handle.read_content(self.name, None);
        let value =
            self.handle.read(self.name, |files| self.target.__load_part(self.name, files))?;
        Ok(Loaded(Arc::new(value)))
    }

    /// Returns the pieces of the output one by one, in memory that does not grow with the file.
    ///
    /// # Errors
    ///
    /// The file is missing or cannot be read. An error that occurs later is an item of the iterator.
    pub fn stream(&self) -> Result<Pieces<K::Piece>, LoadError>
    where
        K: Streaming,
    {
        self.handle.read_content(self.name, None);
        let stream = |files: &Files<'_>| self.target.stream(&files.source(self.name)?);
        let pieces = self.handle.read(self.name, stream).map_err(in_part)?;
        let instance = self.handle.label();
        Ok(Box::new(pieces.map(move |piece| {
            piece.with_context(|| format!("cannot read the output of {instance}"))
        })))
    }

    /// Loads some columns of the output, in this order; the others are not read.
    ///
    /// A running task depends on these columns only: see [`Input::load_columns`](crate::Input::load_columns).
    ///
    /// # Errors
    ///
    /// There is no such column, or the file is missing or cannot be read.
    pub fn load_columns(&self, names: &[&str]) -> Result<K::Columns, LoadError>
    where
        K: Columnar,
    {
        self.read_columns(names, |source| self.target.load_columns(source, names))
    }

    /// Loads the output as rows of a struct that may have fewer fields than the file has columns; other columns are not
    /// read. See [`Input::load_rows`](crate::Input::load_rows).
    ///
    /// # Errors
    ///
    /// A field has no column or another type, or the file is missing or cannot be read.
    pub fn load_rows<R>(&self) -> Result<Vec<R>, LoadError>
    where
        K: ReadRows<R>,
    {
        let refused = |source| self.handle.error(LoadErrorKind::InPart { source });
        let names = <K as ReadRows<R>>::row_columns().map_err(refused)?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.read_columns(&names, |source| K::rows_from(self.target.load_columns(source, &names)?))
    }

    /// Reads these columns with a reader of the caller, such as a lazy scan, which must read no others.
    ///
    /// A running task depends on these columns only: see [`Input::read_columns`](crate::Input::read_columns).
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
        K: Columnar,
    {
        let digests = |source: &Source, names: &[&str]| self.target.column_digests(source, names);
        let read = |files: &Files<'_>| {
            let value = read(&files.source(self.name)?)?;
            anyhow::Ok((value, files.read_columns(self.name, names, &digests)))
        };
        // A task may go on after an error, which may depend on anything in the file.
        let read = self.handle.read(self.name, read).map_err(in_part).inspect_err(|_| {
            self.handle.read_content(self.name, None);
        });
        let (value, columns) = read?;
        self.handle.read_content(self.name, columns);
        Ok(value)
    }

    /// Reads the file by a function that gets the target and the file: see [`Input::read_with`](crate::Input::read_with).
    ///
    /// # Errors
    ///
    /// The file is missing, or the function returns an error.
    pub fn read_with<V>(
        &self,
        read: impl Fn(&K, &Source) -> anyhow::Result<V>,
    ) -> Result<V, LoadError>
    where
        K: Target,
    {
        self.handle.read_content(self.name, None);
        let read = |files: &Files<'_>| read(&self.target, &files.source(self.name)?);
        self.handle.read(self.name, read).map_err(in_part)
    }

    /// Returns the path of the file, which must not be written to.
    ///
    /// # Errors
    ///
    /// The output does not exist any more.
    pub fn path(&self) -> Result<PathBuf, LoadError> {
        self.handle.read_content(self.name, None);
        let made = self.handle.made()?;
        self.handle.check_path(&made, self.name)?;
        let path = Files { of: &self.handle, made: &made }.path(self.name);
        path.map_err(|error| self.handle.error(LoadErrorKind::Record { reason: error.to_string() }))
    }
}

/// Turns `Unreadable` into `InPart`: the request for a part may be wrong, and not the file.
pub(super) fn in_part(LoadError { instance, kind }: LoadError) -> LoadError {
    let kind = match kind {
        LoadErrorKind::Unreadable { source, .. } => LoadErrorKind::InPart { source },
        other => other,
    };
    LoadError { instance, kind }
}

impl<K> std::fmt::Debug for InputPart<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Input({}, {})", self.handle.label(), self.name)
    }
}
