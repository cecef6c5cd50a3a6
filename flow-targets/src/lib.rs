//! The formats in which typed-flow keeps outputs, a module and a cargo feature each.
//!
//! | target | feature | file | values | exact | in part |
//! | --- | --- | --- | --- | --- | --- |
//! | [`Parquet<T>`](Parquet) | `parquet` | `.parquet` | tables | no | batches, columns |
//! | [`ArrowIpc<T>`](ArrowIpc) | `arrow` | `.arrow` | tables | no | batches, columns |
//! | [`Csv<T>`](Csv) | `csv` | `.csv` | tables | no | batches, columns |
//! | [`CsvGz<T>`](CsvGz) | `csv-gz` | `.csv.gz` | tables | no | batches, columns |
//! | [`Json<T>`](Json) | `json` | `.json` | any that serde serialises | no | |
//! | [`Pickle<T>`](Pickle) | `pickle` | `.msgpack` | any that serde serialises | no | |
//! | [`Text`] | `text` | `.txt` | `String` | yes | |
//! | [`Bytes`] | `bytes` | `.bin` | `Vec<u8>` | yes | |
//!
//! Tables are `RecordBatch`, `Vec<RecordBatch>`, [`BatchStream`], which is never whole in memory,
//! and `Vec<R>`, where `R` is a struct that derives serde's `Serialize` and `Deserialize`, and
//! nothing else. *Exact* is [`Target::EXACT`](flow_core::Target::EXACT): where it is "yes", tasks
//! that become ready by an output are given the value itself; where it is "no", what the file just
//! written is read as, so that a run in one go gives what a run in two gives. *In part* is what can
//! be read of a file without the rest: batch by batch, by
//! [`Streaming`](flow_core::Streaming), or some columns, by [`Columnar`](flow_core::Columnar).
//!
//! What a format keeps of which values:
//!
//! | | Parquet | Arrow IPC | CSV | JSON | MessagePack |
//! | --- | --- | --- | --- | --- | --- |
//! | null, empty text, unicode | yes | yes | yes | yes | yes |
//! | types of columns | yes | yes | rows, or with a schema | | |
//! | NaN, infinities | yes | yes | yes | error | yes |
//! | −0.0, every bit of a float | yes | yes | yes | yes | yes |
//! | integers of 64 bits | yes | yes | yes | yes | yes |
//! | decimals, times, zones | yes | yes | with a schema | as text | as text |
//! | lists, structs, maps | yes | yes | error | yes | yes |
//! | enums with data | error | yes | error | yes | yes |
//! | unions | error | yes | error | | |
//! | dictionary columns | yes | yes | with a schema | | |
//! | schema and field metadata | yes | yes | from the schema given | | |
//! | zero rows | yes | yes | rows, or with a schema | yes | yes |
//! | zero columns | yes | yes | error | | |
//! | where batches end | yes | yes | no: one batch | | |
//!
//! Parquet makes small files that every tool reads; a file of Arrow IPC is as large as the table is
//! in memory, and loaded without being read.
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
        feature = "arrow",
        feature = "parquet",
        feature = "csv",
        feature = "csv-gz",
        feature = "json",
        feature = "pickle",
        feature = "text",
        feature = "bytes"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

#[cfg(feature = "arrow")]
pub mod arrow_ipc;
#[cfg(feature = "bytes")]
pub mod bytes;
#[cfg(any(feature = "arrow", feature = "parquet"))]
pub mod compression;
#[cfg(feature = "csv")]
pub mod csv;
#[cfg(feature = "json")]
pub mod json;
#[cfg(any(feature = "arrow", feature = "json", feature = "parquet", feature = "pickle"))]
mod lossless;
#[cfg(feature = "parquet")]
pub mod parquet;
#[cfg(feature = "pickle")]
pub mod pickle;
#[cfg(any(feature = "arrow", feature = "csv", feature = "parquet"))]
pub mod stream;
#[cfg(any(feature = "arrow", feature = "parquet"))]
pub mod table;
#[cfg(feature = "text")]
pub mod text;

#[cfg(feature = "arrow")]
pub use crate::arrow_ipc::ArrowIpc;
#[cfg(feature = "bytes")]
pub use crate::bytes::Bytes;
#[cfg(any(feature = "arrow", feature = "parquet"))]
pub use crate::compression::Compression::{self, Lz4, Snappy, Uncompressed, Zstd};
#[cfg(feature = "csv")]
pub use crate::csv::Csv;
#[cfg(feature = "csv-gz")]
pub use crate::csv::CsvGz;
#[cfg(feature = "json")]
pub use crate::json::Json;
#[cfg(feature = "parquet")]
pub use crate::parquet::{Parquet, Statistics};
#[cfg(feature = "pickle")]
pub use crate::pickle::Pickle;
#[cfg(any(feature = "arrow", feature = "csv", feature = "parquet"))]
pub use crate::stream::BatchStream;
#[cfg(feature = "text")]
pub use crate::text::Text;

/// How many bytes are gathered before they go to the sink, where a format writes few at a time.
#[cfg(any(feature = "arrow", feature = "csv", feature = "json", feature = "pickle"))]
const BUFFER: usize = 64 * 1024;

#[cfg(any(feature = "arrow", feature = "csv", feature = "parquet"))]
pub use arrow::array::RecordBatch;
