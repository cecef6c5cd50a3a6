//! The content of a CSV file, which may be compressed.

use std::fs::File;
use std::io::{self, Read};

use flow_core::Source;

#[cfg(feature = "csv-gz")]
use crate::limit::{Bounded, Limit};

/// Turns a file into a reader of its decompressed content.
pub(super) type Unpack = fn(File) -> Box<dyn Read + Send>;

/// The content of a file, which can be opened any number of times.
#[derive(Clone)]
pub struct Content {
    source: Source,
    unpack: Unpack,
    /// The most decompressed bytes to read; `None` if the whole file is read, and for uncompressed
    /// files.
    #[cfg(feature = "csv-gz")]
    limit: Option<Limit>,
}

impl Content {
    pub(super) fn new(source: &Source, unpack: Unpack) -> Self {
        Self {
            source: source.clone(),
            unpack,
            #[cfg(feature = "csv-gz")]
            limit: None,
        }
    }

    /// Limits how much of the content is read.
    #[cfg(feature = "csv-gz")]
    pub(super) fn within(self, limit: Limit) -> Self {
        Self { limit: Some(limit), ..self }
    }

    pub(super) fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let file = self.source.open()?;
        #[cfg(feature = "csv-gz")]
        if let Some(limit) = self.limit {
            let most = limit.expanded(file.metadata()?.len());
            let content = Bounded::new((self.unpack)(file), "the file is decompressed to", most);
            return Ok(Box::new(content));
        }
        Ok((self.unpack)(file))
    }

    /// Returns the context of the errors of this file.
    pub(super) fn unreadable(&self) -> String {
        format!("cannot read {} as CSV", self.source.path().display())
    }
}
