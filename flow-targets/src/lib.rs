//! The formats in which typed-flow keeps outputs, a module and a cargo feature each.
//!
//! | target | feature | file | values | exact |
//! | --- | --- | --- | --- | --- |
//! | [`Parquet<T>`](Parquet) | `parquet` | `.parquet` | `RecordBatch`, `Vec<RecordBatch>`, `Vec<R>` | no |
//! | [`Csv<T>`](Csv) | `csv` | `.csv` | `RecordBatch`, `Vec<RecordBatch>`, `Vec<R>` | no |
//! | [`Excel<T>`](Excel) | `excel`, not by default | `.xlsx` | `RecordBatch`, `Vec<RecordBatch>`, `Vec<R>` | no |
//! | [`Json<T>`](Json) | `json` | `.json` | any that serde serialises | no |
//! | [`Pickle<T>`](Pickle) | `pickle` | `.msgpack` | any that serde serialises | no |
//! | [`Text`] | `text` | `.txt` | `String` | yes |
//! | [`Bytes`] | `bytes` | `.bin` | `Vec<u8>` | yes |
//!
//! `R` is a struct that derives serde's `Serialize` and `Deserialize`, and nothing else. *Exact*
//! is [`Target::EXACT`](flow_core::Target::EXACT): where it is "yes", tasks that become ready by an
//! output are given the value itself; where it is "no", what the file just written is read as, so
//! that a run in one go gives what a run in two gives.
//!
//! What a format keeps of which values:
//!
//! | | Parquet | CSV | JSON | MessagePack |
//! | --- | --- | --- | --- | --- |
//! | null, empty text, unicode | yes | yes | yes | yes |
//! | types of columns | yes | rows, or with a schema | | |
//! | NaN, infinities | yes | yes | error | yes |
//! | −0.0, every bit of a float | yes | yes | yes | yes |
//! | integers of 64 bits | yes | yes | yes | yes |
//! | decimals, times, zones | yes | with a schema | as text | as text |
//! | lists, structs, maps | yes | error | yes | yes |
//! | enums with data | error | error | yes | yes |
//! | dictionary columns | yes | with a schema | | |
//! | schema and field metadata | yes | from the schema given | | |
//! | zero rows | yes | rows, or with a schema | yes | yes |
//! | zero columns | yes | error | | |
//! | where batches end | yes | no: one batch | | |
//!
//! What a format cannot keep is an error when it is saved, which says where and what to do; it is
//! never changed without a word. The same value gives the same bytes, unless it has no order
//! itself, as a `HashMap`.
//!
//! Options are methods that return the target, so that `target = Parquet<T>(compression = Zstd(3))`
//! stands for
//!
//! ```
//! # use arrow::array::RecordBatch;
//! use flow_targets::{Parquet, Zstd};
//!
//! let target = <Parquet<RecordBatch>>::default().compression(Zstd(3));
//! ```
#![cfg_attr(
    not(all(
        feature = "parquet",
        feature = "csv",
        feature = "excel",
        feature = "json",
        feature = "pickle",
        feature = "text",
        feature = "bytes"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

#[cfg(feature = "bytes")]
pub mod bytes;
#[cfg(feature = "parquet")]
pub mod compression;
#[cfg(feature = "csv")]
pub mod csv;
#[cfg(feature = "excel")]
pub mod excel;
#[cfg(feature = "json")]
pub mod json;
#[cfg(any(feature = "excel", feature = "json", feature = "parquet", feature = "pickle"))]
mod lossless;
#[cfg(feature = "parquet")]
pub mod parquet;
#[cfg(feature = "pickle")]
pub mod pickle;
#[cfg(any(feature = "csv", feature = "parquet"))]
pub mod stream;
#[cfg(any(feature = "excel", feature = "parquet"))]
pub mod table;
#[cfg(feature = "text")]
pub mod text;

#[cfg(feature = "bytes")]
pub use crate::bytes::Bytes;
#[cfg(feature = "parquet")]
pub use crate::compression::Compression::{self, Lz4, Snappy, Uncompressed, Zstd};
#[cfg(feature = "csv")]
pub use crate::csv::Csv;
#[cfg(feature = "excel")]
pub use crate::excel::Excel;
#[cfg(feature = "json")]
pub use crate::json::Json;
#[cfg(feature = "parquet")]
pub use crate::parquet::{Parquet, Statistics};
#[cfg(feature = "pickle")]
pub use crate::pickle::Pickle;
#[cfg(any(feature = "csv", feature = "parquet"))]
pub use crate::stream::BatchStream;
#[cfg(feature = "text")]
pub use crate::text::Text;

/// How many bytes are gathered before they go to the sink, where a format writes few at a time.
#[cfg(any(feature = "csv", feature = "json", feature = "pickle"))]
const BUFFER: usize = 64 * 1024;

#[cfg(any(feature = "csv", feature = "excel", feature = "parquet"))]
pub use arrow::array::RecordBatch;
