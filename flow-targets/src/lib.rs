//! The formats in which typed-flow keeps outputs, a module and a cargo feature each.
//!
//! | target | feature | values |
//! | --- | --- | --- |
//! | [`Parquet<T>`](Parquet) | `parquet` | a `RecordBatch`, a `Vec<RecordBatch>`, a `Vec<R>` |
//! | [`Csv<T>`](Csv) | `csv` | the same |
//! | [`Excel<T>`](Excel) | `excel`, not by default | the same |
//! | [`Json<T>`](Json) | `json` | any that serde serialises |
//! | [`Pickle<T>`](Pickle) | `pickle` | the same |
//! | [`Text`] | `text` | a `String` |
//! | [`Bytes`] | `bytes` | a `Vec<u8>` |
//!
//! `R` is a struct that derives serde's `Serialize` and `Deserialize`, and nothing else. With the
//! feature `polars`, which is not there by default (it takes a minute and a half more to build),
//! `Parquet` and `Excel` keep a `DataFrame` of polars 0.55 too.
//!
//! | target | file | exact | in pieces | some columns |
//! | --- | --- | --- | --- | --- |
//! | [`Parquet`] | `.parquet` | no | no | no |
//! | [`Csv`] | `.csv` | no | no | no |
//! | [`Excel`] | `.xlsx` | no | no | no |
//! | [`Json`] | `.json` | no | no | no |
//! | [`Pickle`] | `.msgpack` | no | no | no |
//! | [`Text`] | `.txt` | yes | no | no |
//! | [`Bytes`] | `.bin` | yes | no | no |
//!
//! *Exact* is [`Target::EXACT`](flow_core::Target::EXACT): where it is "yes", tasks that become
//! ready by an output are given the value itself; where it is "no", what the file just written is
//! read as, so that a run in one go gives what a run in two gives. *In pieces* is
//! [`Streaming`](flow_core::Streaming), *some columns* [`Columnar`](flow_core::Columnar).
//!
//! What a format keeps, of columns and of the same values by themselves. "With a schema" is an option
//! of the target, without which such columns come back with another type or are an error; "see
//! there" is a change that the target's module explains.
//!
//! | | Parquet | Csv | Excel | Json | Pickle |
//! | --- | --- | --- | --- | --- | --- |
//! | null, empty text, unicode | yes | yes | yes | yes | yes |
//! | truth values, `Int64` up to 2⁵³ | yes | yes | yes | yes | yes |
//! | all of `Int64` | yes | yes | with a schema | yes | yes |
//! | numbers of other types | yes | with a schema | with a schema | yes | yes |
//! | `Float64`, finite | yes | yes | yes | yes | yes |
//! | NaN, infinities | yes | yes | with a schema | error | yes |
//! | −0.0, subnormal numbers | yes | yes | with a schema | yes | yes |
//! | decimals | yes | with a schema | with a schema | | |
//! | dates | yes | yes | yes | | |
//! | times of day | yes | with a schema | with a schema | | |
//! | timestamps in microseconds | yes | yes | with a schema | | |
//! | timestamps with a zone | yes | with a schema | with a schema | | |
//! | lists, structs, maps | yes | error | error | yes | yes |
//! | bytes | yes | error | error | | |
//! | dictionary columns | yes | with a schema | with a schema | | |
//! | metadata of columns | yes | with a schema | with a schema | | |
//! | no rows | yes | with a schema | with a schema | yes | yes |
//! | no columns | yes | error | error | | |
//! | where batches end | yes | see there | see there | | |
//! | rows of a struct | yes | yes | yes | yes | yes |
//! | rows with any number | yes | yes | yes | yes | yes |
//! | enums with data | error | error | error | yes | yes |
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
