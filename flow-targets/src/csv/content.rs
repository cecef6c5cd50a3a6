//! The content of a file, which may be packed.

use std::fs::File;
use std::io::{self, Read};

use flow_core::Source;

/// What makes the content of a file out of its bytes.
pub(super) type Unpack = fn(File) -> Box<dyn Read + Send>;

/// The content of a file, which can be read from its start any number of times.
#[derive(Clone)]
pub struct Content {
    source: Source,
    unpack: Unpack,
}

impl Content {
    pub(super) fn new(source: &Source, unpack: Unpack) -> Self {
        Self { source: source.clone(), unpack }
    }

    pub(super) fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok((self.unpack)(self.source.open()?))
    }

    /// What is said of a file that is no such table.
    pub(super) fn unreadable(&self) -> String {
        format!("cannot read {} as CSV", self.source.path().display())
    }
}
