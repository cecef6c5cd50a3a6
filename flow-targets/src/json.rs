//! The target [`Json`]: any value that serde serializes, as
//! [JSON](https://www.rfc-editor.org/rfc/rfc8259).
//!
//! ```
//! use std::collections::BTreeMap;
//! use flow_core::{Sink, Source, Target};
//! use flow_targets::Json;
//!
//! let scores = BTreeMap::from([("ridge".to_owned(), 0.1 + 0.2), ("tree".to_owned(), -0.0)]);
//! let target = <Json<BTreeMap<String, f64>>>::default();
//!
//! let file = tempfile::NamedTempFile::new()?;
//! target.save(&scores, &mut Sink::new(&mut file.reopen()?))?;
//! assert_eq!(std::fs::read_to_string(file.path())?, r#"{"ridge":0.30000000000000004,"tree":-0.0}"#);
//! assert_eq!(target.load(&Source::file(file.path()))?, scores);
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! # What is preserved
//!
//! Numbers are preserved exactly. Saving a value that JSON cannot represent is an error that
//! names the place in the value; it is never written as `null`:
//!
//! - NaN and the infinities ([`Pickle`](crate::Pickle) preserves them);
//! - `Some(x)` where `x` itself is written as `null`, such as `Some(None)`;
//! - a map whose keys are neither text, numbers, booleans nor enum variants without data;
//! - values nested more than 120 deep.
//!
//! A value is one document without line breaks. The entries of a `HashMap` and the items of a
//! `HashSet` are written in the order of their keys, so that equal values give equal bytes and
//! nothing downstream runs again. An `IndexMap` keeps its order, with one exception: in a field with
//! `#[serde(flatten)]` and in an enum with `#[serde(tag = ...)]`, every map is sorted by its keys,
//! because the type of the map is not known there. Store an `IndexMap` whose order matters in a
//! field without these attributes.
//!
//! A byte order mark at the beginning of a file of another program is skipped. For a file with a
//! value on each line, there is [`JsonLines`](crate::JsonLines).
//!
//! A type with a map whose keys are tuples, structs or lists is an error of the plan.
//!
//! The target is not [`EXACT`](flow_core::Target::EXACT): a type may leave data out when it is
//! serialized.

use std::fmt;
use std::io::{BufWriter, Write};
use std::marker::PhantomData;

use anyhow::{Context, Result, ensure};
use flow_core::target::Description;
use flow_core::{Code, Sink, Source, Target};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::decoded::decode;
use crate::limit::{Bounded, Limit};
use crate::lossless::{Floats, check};
use crate::memory::Memory;
use crate::never::keys_of_type;
use crate::ordered::Ordered;
use crate::strict;

/// A JSON file of one value.
///
/// See [the module](self) for what is preserved, and an example.
pub struct Json<T> {
    limit: Limit,
    value: PhantomData<fn() -> T>,
}

impl<T> Json<T> {
    /// Sets the most bytes that a file may have, 1 GiB by default.
    ///
    /// Saving and loading a larger file is an error. Loading is also an error if the lists and maps
    /// of the value take more than four times as many bytes in memory plus 64 MiB: an item of a
    /// list can take much more memory than its JSON, if most of its fields are left out.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.limit = Limit::new(bytes);
        self
    }
}

impl<T> Target for Json<T>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    type Value = T;
    const EXTENSION: &'static str = "json";
    const CODE: Code = Code::version(1);

    fn save(&self, value: &T, sink: &mut Sink<'_>) -> Result<()> {
        check(value, Floats::Finite).context("JSON cannot hold this value")?;
        let sink = Bounded::new(sink, "the value takes", self.limit.plain());
        let mut out = BufWriter::with_capacity(crate::BUFFER, sink);
        serde_json::to_writer(&mut out, &Ordered(value))
            .context("cannot write this value as JSON")?;
        Ok(out.flush()?)
    }

    fn check_type(&self) -> Result<()> {
        keys_of_type::<T>()
    }

    fn load(&self, source: &Source) -> Result<T> {
        let unreadable = || format!("cannot read {} as JSON", source.path().display());
        let text = self.limit.read(source).with_context(unreadable)?;
        let text = unmarked(&text).with_context(unreadable)?;
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let memory = Memory::of_file(self.limit.plain());
        let value = decode(strict::checked(&mut deserializer), &memory).with_context(unreadable)?;
        deserializer.end().with_context(unreadable)?;
        Ok(value)
    }

    fn describe(&self, _: &Source) -> Result<Description> {
        let json = Description::default()
            .rust("Json<serde_json::Value>")
            .with_crate("serde_json", "1")
            .typed("Json<{}>");
        Ok(json.python(&["json", "pathlib"], "json.loads(pathlib.Path(path).read_bytes())"))
    }
}

/// Returns the text after a byte order mark.
///
/// # Errors
///
/// The mark is that of UTF-16. JSON is always UTF-8.
pub(crate) fn unmarked(text: &[u8]) -> Result<&[u8]> {
    let is_utf16 = text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff");
    ensure!(!is_utf16, "the file is text in UTF-16, and JSON is UTF-8: convert it");
    Ok(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text))
}

impl<T> Default for Json<T> {
    fn default() -> Self {
        Self { limit: Limit::default(), value: PhantomData }
    }
}

impl<T> Clone for Json<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Json<T> {}

impl<T> fmt::Debug for Json<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Json").field("limit", &self.limit).finish()
    }
}
