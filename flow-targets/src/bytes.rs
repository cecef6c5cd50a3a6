//! The target [`Bytes`]: a `Vec<u8>` as a file of the same bytes.
//!
//! ```
//! use flow_core::{Sink, Source, Target};
//! use flow_targets::Bytes;
//!
//! let target = Bytes::default();
//! let file = tempfile::NamedTempFile::new()?;
//! target.save(&vec![0, 255], &mut Sink::new(&mut file.reopen()?))?;
//! assert_eq!(target.load(&Source::file(file.path()))?, [0, 255]);
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! The target is [`EXACT`](flow_core::Target::EXACT). It cannot detect a truncated file; the store
//! does, by the size in the record.

use std::io::Write;

use anyhow::{Context, Result};
use flow_core::target::Description;
use flow_core::{Code, Sink, Source, Target};

use crate::limit::{Limit, check};

/// A binary file: a `Vec<u8>`, such as an image or a model of another library.
///
/// See [the module](self) for an example.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bytes {
    limit: Limit,
}

impl Bytes {
    /// Sets the most bytes that a file may have, 1 GiB by default.
    ///
    /// Saving and loading a larger file is an error.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.limit = Limit::new(bytes);
        self
    }
}

impl Target for Bytes {
    type Value = Vec<u8>;
    const EXTENSION: &'static str = "bin";
    const EXACT: bool = true;
    const CODE: Code = Code::version(1);

    fn save(&self, value: &Vec<u8>, sink: &mut Sink<'_>) -> Result<()> {
        check("the value has", value.len() as u64, self.limit.plain())?;
        Ok(sink.write_all(value)?)
    }

    fn memory_size(&self, value: &Vec<u8>) -> Option<u64> {
        Some((size_of_val(value) + value.capacity()) as u64)
    }

    fn load(&self, source: &Source) -> Result<Vec<u8>> {
        let unreadable = || format!("cannot read {}", source.path().display());
        self.limit.read(source).with_context(unreadable)
    }

    fn describe(&self, _: &Source) -> Result<Description> {
        let bytes = Description::default().rust("Bytes");
        Ok(bytes.python(&["pathlib"], "pathlib.Path(path).read_bytes()"))
    }
}
