//! A handle on one part of an output: the content of one file.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;

use super::Handle;

use crate::target::{Columnar, Pieces, Source, Streaming, Target};
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

    /// Loads the value.
    ///
    /// # Errors
    ///
    /// The file is missing or cannot be read.
    pub fn load(&self) -> Result<Loaded<K::Value>, LoadError> {
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
        let stream = |files: &Files<'_>| self.target.stream(&files.source(self.name)?);
        let pieces = self.handle.read(self.name, stream).map_err(in_part)?;
        let instance = self.handle.label();
        Ok(Box::new(pieces.map(move |piece| {
            piece.with_context(|| format!("cannot read the output of {instance}"))
        })))
    }

    /// Loads some columns of the output, in this order; the others are not read.
    ///
    /// # Errors
    ///
    /// There is no such column, or the file is missing or cannot be read.
    pub fn load_columns(&self, names: &[&str]) -> Result<K::Columns, LoadError>
    where
        K: Columnar,
    {
        self.handle
            .read(self.name, |files| self.target.load_columns(&files.source(self.name)?, names))
            .map_err(in_part)
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
        let read = |files: &Files<'_>| read(&self.target, &files.source(self.name)?);
        self.handle.read(self.name, read).map_err(in_part)
    }

    /// Returns the path of the file, which must not be written to.
    ///
    /// # Errors
    ///
    /// The output does not exist any more.
    pub fn path(&self) -> Result<PathBuf, LoadError> {
        let made = self.handle.made()?;
        let path = Files { of: &self.handle, made: &made }.path(self.name);
        path.map_err(|error| self.handle.error(LoadErrorKind::Record { reason: error.to_string() }))
    }
}

/// Turns `Unreadable` into `InPart`: the request for a part may be wrong, and not the file.
fn in_part(LoadError { instance, kind }: LoadError) -> LoadError {
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
