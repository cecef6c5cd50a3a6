//! A handle on what lies in one file.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;

use super::Handle;

use crate::target::{Columnar, Pieces, Streaming};
use crate::task::error::{LoadError, LoadErrorKind};
use crate::task::keep::{Files, KeepPart};
use crate::task::loaded::Loaded;

/// A handle on one of several outputs of a task, made by [`Input::part`](crate::Input::part).
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

    /// The value.
    ///
    /// # Errors
    ///
    /// The file is gone or cannot be read.
    pub fn load(&self) -> Result<Loaded<K::Value>, LoadError> {
        let value =
            self.handle.read(self.name, |files| self.target.__load_part(self.name, files))?;
        Ok(Loaded(Arc::new(value)))
    }

    /// The pieces of the output, one after the other, in memory that does not grow with it.
    ///
    /// # Errors
    ///
    /// The file is gone or cannot be read. What is found out later comes as a piece.
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

    /// Some columns of the output, in the order asked for; the others are not read.
    ///
    /// # Errors
    ///
    /// There is no such column, the file is gone or cannot be read.
    pub fn load_columns(&self, names: &[&str]) -> Result<K::Columns, LoadError>
    where
        K: Columnar,
    {
        self.handle
            .read(self.name, |files| self.target.load_columns(&files.source(self.name)?, names))
            .map_err(in_part)
    }

    /// Where the file lies. It is never rewritten, and must not be.
    ///
    /// # Errors
    ///
    /// There is no output any more.
    pub fn path(&self) -> Result<PathBuf, LoadError> {
        let made = self.handle.made()?;
        let path = Files { of: &self.handle, made: &made }.path(self.name);
        path.map_err(|error| self.handle.error(LoadErrorKind::Record { reason: error.to_string() }))
    }
}

/// What is wrong may be what was asked for, and not the file.
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
