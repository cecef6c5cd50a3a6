//! The target [`Pickle`]: any value that serde serializes, as compact and exact MessagePack.
//!
//! Use it where a Python program would use `pickle`, such as for a trained model. The file is not in
//! the format of Python's `pickle`.
//!
//! ```
//! use flow_core::{Sink, Source, Target};
//! use flow_targets::Pickle;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, PartialEq, Debug)]
//! enum Model {
//!     Linear { weights: Vec<f64>, intercept: f64 },
//!     Constant(f64),
//! }
//!
//! let model = Model::Linear { weights: vec![0.5, f64::INFINITY], intercept: -0.0 };
//! let target = <Pickle<Model>>::default();
//!
//! let file = tempfile::NamedTempFile::new()?;
//! target.save(&model, &mut Sink::new(&mut file.reopen()?))?;
//! assert_eq!(target.load(&Source::file(file.path()))?, model);
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! The file is [MessagePack](https://msgpack.org). A struct is a map from the names of its fields,
//! so that other languages can read it, and a field with `#[serde(default)]` can be added later.
//!
//! # What is preserved
//!
//! All numbers are preserved exactly, including NaN and the infinities, and so are maps with any
//! keys. Saving `Some(None)` is an error, since both it and `None` would be written as
//! `nil`. Saving values nested more than 120 deep is an error.
//!
//! The entries of a `HashMap` and the items of a `HashSet` are written in the order of their keys,
//! so that equal values give equal bytes. In a field with `#[serde(flatten)]` and in an enum with
//! `#[serde(tag = ...)]`, every map is sorted by its keys, because the type of the map is not known
//! there. Store an `IndexMap` whose order matters in a field without these attributes.
//!
//! The target is not [`EXACT`](flow_core::Target::EXACT): a type may leave data out when it is
//! serialized.

use std::fmt;
use std::io::{BufWriter, Write};
use std::marker::PhantomData;

use anyhow::{Context, Result, ensure};
use flow_core::target::Description;
use flow_core::{Code, Sink, Source, Target};
use rmp_serde::{Deserializer, Serializer};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::decoded::decode;
use crate::limit::{Bounded, Limit};
use crate::lossless::{Floats, check};
use crate::memory::Memory;
use crate::ordered::Ordered;
use crate::strict;

/// The nesting depth at which loading fails, so that a hostile file cannot overflow the stack.
///
/// Saving fails at a smaller depth.
const DEPTH: usize = 128;

/// A MessagePack file of one value.
///
/// See [the module](self) for what is preserved, and an example.
pub struct Pickle<T> {
    limit: Limit,
    value: PhantomData<fn() -> T>,
}

impl<T> Pickle<T> {
    /// Sets the most bytes that a file may have, 1 GiB by default.
    ///
    /// Saving and loading a larger file is an error. Loading is also an error if the lists and maps
    /// of the value take more than four times as many bytes in memory plus 64 MiB: one byte of the
    /// file can be an item of a list, and an item takes as much memory as its type.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.limit = Limit::new(bytes);
        self
    }
}

impl<T> Target for Pickle<T>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    type Value = T;
    const EXTENSION: &'static str = "msgpack";
    const CODE: Code = Code::version(1);

    fn save(&self, value: &T, sink: &mut Sink<'_>) -> Result<()> {
        check(value, Floats::Any).context("MessagePack cannot hold this value")?;
        let sink = Bounded::new(sink, "the value takes", self.limit.plain());
        let mut out = BufWriter::with_capacity(crate::BUFFER, sink);
        Ordered(value)
            .serialize(&mut Serializer::new(&mut out).with_struct_map())
            .context("cannot write this value as MessagePack")?;
        Ok(out.flush()?)
    }

    fn load(&self, source: &Source) -> Result<T> {
        let unreadable = || format!("cannot read {} as MessagePack", source.path().display());
        let bytes = self.limit.read(source).with_context(unreadable)?;
        let mut rest = bytes.as_slice();
        let mut deserializer = Deserializer::new(&mut rest);
        deserializer.set_max_depth(DEPTH);
        let memory = Memory::of_file(self.limit.plain());
        let value = decode(strict::checked(&mut deserializer), &memory).with_context(unreadable)?;
        ensure!(rest.is_empty(), "{}: {} bytes follow the value", unreadable(), rest.len());
        Ok(value)
    }

    /// Describes the file for Python only: no Rust type that all programs have can hold any
    /// MessagePack value.
    fn describe(&self, _: &Source) -> Result<Description> {
        let read = "msgpack.unpackb(pathlib.Path(path).read_bytes(), strict_map_key=False)";
        Ok(Description::default().typed("Pickle<{}>").python(&["pathlib", "msgpack"], read))
    }
}

impl<T> Default for Pickle<T> {
    fn default() -> Self {
        Self { limit: Limit::default(), value: PhantomData }
    }
}

impl<T> Clone for Pickle<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Pickle<T> {}

impl<T> fmt::Debug for Pickle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pickle").field("limit", &self.limit).finish()
    }
}
