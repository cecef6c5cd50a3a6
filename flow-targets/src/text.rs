//! The target [`Text`]: a `String` as a UTF-8 file.
//!
//! ```
//! use flow_core::{Sink, Source, Target};
//! use flow_targets::Text;
//!
//! let target = Text::default();
//! let file = tempfile::NamedTempFile::new()?;
//! target.save(&"größer\n".to_owned(), &mut Sink::new(&mut file.reopen()?))?;
//! assert_eq!(std::fs::read_to_string(file.path())?, "größer\n");
//! assert_eq!(target.load(&Source::file(file.path()))?, "größer\n");
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! The target is [`EXACT`](flow_core::Target::EXACT), because the file has exactly the bytes of the
//! string. The target cannot detect text that was truncated between two characters; the store does,
//! by the size in the record.

use std::io::Write;

use anyhow::{Context, Result};
use flow_core::target::Description;
use flow_core::{Code, Sink, Source, Target};

use crate::limit::{Limit, check};

/// A text file in UTF-8: a `String`.
///
/// See [the module](self) for an example.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text {
    limit: Limit,
}

impl Text {
    /// Sets the most bytes that a file may have, 1 GiB by default.
    ///
    /// Saving and loading a larger file is an error.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.limit = Limit::new(bytes);
        self
    }
}

impl Target for Text {
    type Value = String;
    const EXTENSION: &'static str = "txt";
    const EXACT: bool = true;
    const CODE: Code = Code::version(1);

    fn save(&self, value: &String, sink: &mut Sink<'_>) -> Result<()> {
        check("the text has", value.len() as u64, self.limit.plain())?;
        Ok(sink.write_all(value.as_bytes())?)
    }

    fn memory_size(&self, value: &String) -> Option<u64> {
        Some((size_of_val(value) + value.capacity()) as u64)
    }

    fn load(&self, source: &Source) -> Result<String> {
        let unreadable = || format!("cannot read {} as text", source.path().display());
        let bytes = self.limit.read(source).with_context(unreadable)?;
        String::from_utf8(bytes).with_context(unreadable)
    }

    fn describe(&self, _: &Source) -> Result<Description> {
        let read = "pathlib.Path(path).read_bytes().decode(\"utf-8\")";
        Ok(Description::default().rust("Text").python(&["pathlib"], read))
    }
}
