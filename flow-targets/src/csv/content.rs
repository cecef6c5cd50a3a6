//! The content of a file, which may be packed.

use std::fs::File;
use std::io::{self, Read};

use flow_core::Source;

#[cfg(feature = "csv-gz")]
use crate::limit::{Bounded, Limit};

/// What makes the content of a file out of its bytes.
pub(super) type Unpack = fn(File) -> Box<dyn Read + Send>;

/// The content of a file, which can be read from its start any number of times.
#[derive(Clone)]
pub struct Content {
    source: Source,
    unpack: Unpack,
    /// How much of it is read; of a file that is not packed, all.
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

    /// The same content, of which no more is read than the limit allows.
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

    /// What is said of a file that is no such table.
    pub(super) fn unreadable(&self) -> String {
        format!("cannot read {} as CSV", self.source.path().display())
    }
}
