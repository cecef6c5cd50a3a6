//! The target [`JsonLines`]: a list of values as [JSON Lines](https://jsonlines.org), one value on each
//! line.
//!
//! ```
//! use flow_core::{Sink, Source, Target};
//! use flow_targets::JsonLines;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, PartialEq, Debug)]
//! struct Hit {
//!     path: String,
//!     tags: Vec<String>,
//! }
//!
//! let hits = vec![
//!     Hit { path: "/".into(), tags: vec![] },
//!     Hit { path: "/a".into(), tags: vec!["x".into(), "y".into()] },
//! ];
//! let target = <JsonLines<Vec<Hit>>>::default();
//!
//! let file = tempfile::NamedTempFile::new()?;
//! target.save(&hits, &mut Sink::new(&mut file.reopen()?))?;
//! let text = "{\"path\":\"/\",\"tags\":[]}\n{\"path\":\"/a\",\"tags\":[\"x\",\"y\"]}\n";
//! assert_eq!(std::fs::read_to_string(file.path())?, text);
//! assert_eq!(target.load(&Source::file(file.path()))?, hits);
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! The format is also called NDJSON. Logs and event streams use it, since a line can be appended. A
//! value is preserved as [`Json`](crate::Json) preserves it: numbers exactly, and what JSON
//! cannot represent is an error.
//!
//! A file of another program may have a byte order mark, blank lines, `\r\n` as line ends, and no line
//! end after the last value. A value that spans several lines, or two values on one line, are errors,
//! and so is any line that does not parse: the error names the line.

use std::any::type_name;
use std::fmt;
use std::io::{BufWriter, Write};
use std::marker::PhantomData;

use anyhow::{Context, Result};
use flow_core::target::Description;
use flow_core::{Code, Sink, Source, Target};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::decoded::decode;
use crate::json::unmarked;
use crate::limit::{Bounded, Limit};
use crate::lossless::{Floats, check};
use crate::memory::{Growth, Memory};
use crate::never::keys_of_type;
use crate::ordered::Ordered;
use crate::strict;

/// A file of JSON Lines: a `Vec` of values, each on a line.
///
/// See [the module](self) for what is preserved, and an example.
pub struct JsonLines<T> {
    limit: Limit,
    value: PhantomData<fn() -> T>,
}

impl<T> JsonLines<T> {
    /// Sets the most bytes that a file may have, 1 GiB by default.
    ///
    /// Saving and loading a larger file is an error. Loading is also an error if the values take
    /// more than four times as many bytes in memory plus 64 MiB.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.limit = Limit::new(bytes);
        self
    }
}

impl<V> Target for JsonLines<Vec<V>>
where
    V: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    type Value = Vec<V>;
    const EXTENSION: &'static str = "jsonl";
    const CODE: Code = Code::version(1);

    fn save(&self, values: &Vec<V>, sink: &mut Sink<'_>) -> Result<()> {
        let sink = Bounded::new(sink, "the values take", self.limit.plain());
        let mut out = BufWriter::with_capacity(crate::BUFFER, sink);
        for (i, value) in values.iter().enumerate() {
            let at = || format!("value {i}, a `{}`", type_name::<V>());
            check(value, Floats::Finite).with_context(at).context("JSON cannot hold this value")?;
            serde_json::to_writer(&mut out, &Ordered(value))
                .with_context(at)
                .context("cannot write these values as JSON Lines")?;
            out.write_all(b"\n")?;
        }
        Ok(out.flush()?)
    }

    fn check_type(&self) -> Result<()> {
        keys_of_type::<V>()
    }

    fn load(&self, source: &Source) -> Result<Vec<V>> {
        let unreadable = || format!("cannot read {} as JSON Lines", source.path().display());
        let bytes = self.limit.read(source).with_context(unreadable)?;
        let text = unmarked(&bytes).with_context(unreadable)?;
        let memory = Memory::of_file(self.limit.plain());
        let mut growth = Growth::default();
        let mut values = Vec::new();
        for (i, line) in text.split(|byte| *byte == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let read = || -> Result<V> {
                let mut deserializer = serde_json::Deserializer::from_slice(line);
                let value = decode(strict::checked(&mut deserializer), &memory)?;
                deserializer.end()?;
                Ok(value)
            };
            let at = || format!("line {}, as `{}`", i + 1, type_name::<V>());
            let counted = growth.item(&memory, size_of::<V>()).map_err(anyhow::Error::msg);
            let value = counted.and_then(|()| read());
            values.push(value.with_context(at).with_context(unreadable)?);
        }
        Ok(values)
    }

    fn describe(&self, _: &Source) -> Result<Description> {
        let lines = Description::default()
            .rust("JsonLines<Vec<serde_json::Value>>")
            .with_crate("serde_json", "1")
            .typed("JsonLines<{}>");
        let read = "[json.loads(line) for line in pathlib.Path(path).read_bytes().splitlines() if line.strip()]";
        Ok(lines.python(&["json", "pathlib"], read))
    }
}

impl<T> Default for JsonLines<T> {
    fn default() -> Self {
        Self { limit: Limit::default(), value: PhantomData }
    }
}

impl<T> Clone for JsonLines<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for JsonLines<T> {}

impl<T> fmt::Debug for JsonLines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLines").field("limit", &self.limit).finish()
    }
}
