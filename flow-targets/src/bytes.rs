//! Bytes: a file of any content, as it is.
//!
//! ```
//! use flow_core::{Sink, Source, Target};
//! use flow_targets::Bytes;
//!
//! let file = tempfile::NamedTempFile::new()?;
//! Bytes.save(&vec![0, 255], &mut Sink::new(&mut file.reopen()?))?;
//! assert_eq!(Bytes.load(&Source::file(file.path()))?, [0, 255]);
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! [`EXACT`](flow_core::Target::EXACT). Every file is bytes, whole or cut; the store tells by its
//! size.

use std::io::Write;

use anyhow::{Context, Result};
use flow_core::target::Description;
use flow_core::{Code, Sink, Source, Target};

/// A file of any content: a `Vec<u8>`, such as an image, or a model of another library.
///
/// See [the module](self) for an example.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bytes;

impl Target for Bytes {
    type Value = Vec<u8>;
    const EXTENSION: &'static str = "bin";
    const EXACT: bool = true;
    const CODE: Code = Code::version(1);

    fn save(&self, value: &Vec<u8>, sink: &mut Sink<'_>) -> Result<()> {
        Ok(sink.write_all(value)?)
    }

    fn load(&self, source: &Source) -> Result<Vec<u8>> {
        let unreadable = || format!("cannot read {}", source.path().display());
        source.read().with_context(unreadable)
    }

    fn describe(&self, _: &Source) -> Result<Description> {
        let bytes = Description::default().rust("Bytes");
        Ok(bytes.python(&["pathlib"], "pathlib.Path(path).read_bytes()"))
    }
}
