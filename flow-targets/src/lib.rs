//! The formats in which typed-flow keeps outputs, a module and a cargo feature each.
//!
//! | target | feature | values |
//! | --- | --- | --- |
//! | [`Parquet<T>`](Parquet) | `parquet` | tables |
//! | [`ArrowIpc<T>`](ArrowIpc) | `arrow` | tables |
//! | [`Csv<T>`](Csv) | `csv` | tables |
//! | [`CsvGz<T>`](CsvGz) | `csv-gz` | tables |
//! | [`Excel<T>`](Excel) | `excel`, not by default | tables |
//! | [`Json<T>`](Json) | `json` | any that serde serialises |
//! | [`Pickle<T>`](Pickle) | `pickle` | any that serde serialises |
//! | [`Text`] | `text` | a `String` |
//! | [`Bytes`] | `bytes` | a `Vec<u8>` |
//!
//! Tables are `RecordBatch`, `Vec<RecordBatch>`, [`BatchStream`], which is never whole in memory,
//! and `Vec<R>`, where `R` is a struct that derives serde's `Serialize` and `Deserialize`, and
//! nothing else. With the feature `polars`, which is not there by default (it takes a minute and a
//! half more to build), a `DataFrame` of polars 0.55 is a table too, but for CSV.
//!
//! | target | file | exact | in pieces | some columns |
//! | --- | --- | --- | --- | --- |
//! | [`Parquet`] | `.parquet` | no | yes | yes |
//! | [`ArrowIpc`] | `.arrow` | no | yes | yes |
//! | [`Csv`] | `.csv` | no | yes | yes |
//! | [`CsvGz`] | `.csv.gz` | no | yes | yes |
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
//! | | Parquet | ArrowIpc | Csv | CsvGz | Excel | Json | Pickle |
//! | --- | --- | --- | --- | --- | --- | --- | --- |
//! | null, empty text, unicode | yes | yes | yes | yes | yes | yes | yes |
//! | truth values, `Int64` up to 2⁵³ | yes | yes | yes | yes | yes | yes | yes |
//! | all of `Int64` | yes | yes | yes | yes | with a schema | yes | yes |
//! | numbers of other types | yes | yes | with a schema | with a schema | with a schema | yes | yes |
//! | `Float64`, finite | yes | yes | yes | yes | yes | yes | yes |
//! | NaN, infinities | yes | yes | yes | yes | with a schema | error | yes |
//! | −0.0, subnormal numbers | yes | yes | yes | yes | with a schema | yes | yes |
//! | decimals | yes | yes | with a schema | with a schema | with a schema | | |
//! | dates | yes | yes | yes | yes | yes | | |
//! | times of day | yes | yes | with a schema | with a schema | with a schema | | |
//! | timestamps in microseconds | yes | yes | yes | yes | with a schema | | |
//! | timestamps with a zone | yes | yes | with a schema | with a schema | with a schema | | |
//! | lists, structs, maps | yes | yes | error | error | error | yes | yes |
//! | bytes | yes | yes | error | error | error | | |
//! | dictionary columns | yes | yes | with a schema | with a schema | with a schema | | |
//! | metadata of columns | yes | yes | with a schema | with a schema | with a schema | | |
//! | no rows, of a type that shows its columns | yes | yes | with a schema | with a schema | with a schema | yes | yes |
//! | no columns | yes | yes | error | error | error | | |
//! | where batches end | yes | yes | see there | see there | see there | | |
//! | rows of a struct | yes | yes | yes | yes | yes | yes | yes |
//! | rows with any number | yes | yes | yes | yes | yes | yes | yes |
//! | enums with data | error | yes | error | error | error | yes | yes |
//!
//! Parquet makes small files that every tool reads; a file of Arrow IPC is as large as the table is
//! in memory, and loaded without being read.
//!
//! What a format cannot keep is an error when it is saved, which says where and what to do; it is
//! never changed without a word. A type that a format can never keep (lists in CSV, enums with data in
//! Parquet, tuples as keys in JSON) is an error of the plan, before anything runs. Equal values give
//! equal bytes: a `HashMap` and a `HashSet` are written in the order of their keys.
//!
//! # Files of others
//!
//! A file may come from another program, another machine or somebody hostile. Readers open regular
//! files only, and compare sizes with a limit before they allocate. What exceeds a limit is an error
//! that names the option that raises it; a value that could not be loaded again is an error when it is
//! saved.
//!
//! | option | targets | limit | default |
//! | --- | --- | --- | --- |
//! | `max_bytes` | [`Json`], [`Pickle`], [`Text`], [`Bytes`] | bytes of the file | 1 GiB |
//! | `max_bytes` | [`CsvGz`], [`Excel`] | bytes that the file takes when it is decompressed and loaded whole | 1 GiB, or 100 times the size of the file if that is more |
//! | `max_bytes` | [`Parquet`], [`ArrowIpc`] | the same | 4 GiB, or 100 times the size of the file if that is more |
//! | `max_cells` | [`Excel`] | rows times columns | 50,000,000 |
//! | `max_line` | [`Csv`], [`CsvGz`] | bytes of a line | 64 MiB |
//! | `max_columns` | [`Csv`], [`CsvGz`] | cells of a line | 100,000 |
//!
//! What a value takes in memory is a small multiple of these, depending on its type. The lists and maps of a
//! value that [`Json`] or [`Pickle`] loads may take four times as many bytes and 64 MiB.
//!
//! # Options
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
        feature = "excel",
        feature = "json",
        feature = "pickle",
        feature = "text",
        feature = "bytes"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

#[cfg(any(feature = "arrow", feature = "csv", feature = "excel", feature = "parquet"))]
mod absent;
#[cfg(feature = "arrow")]
pub mod arrow_ipc;
#[cfg(feature = "bytes")]
pub mod bytes;
#[cfg(any(feature = "arrow", feature = "parquet"))]
pub mod compression;
#[cfg(feature = "csv")]
pub mod csv;
#[cfg(any(feature = "json", feature = "pickle"))]
mod decoded;
#[cfg(any(feature = "arrow", feature = "csv", feature = "excel", feature = "parquet"))]
mod described;
#[cfg(any(feature = "arrow", feature = "csv", feature = "excel", feature = "parquet"))]
mod enums;
#[cfg(any(feature = "csv", feature = "excel"))]
mod exact;
#[cfg(feature = "excel")]
pub mod excel;
#[cfg(any(feature = "csv", feature = "excel"))]
mod given;
#[cfg(feature = "json")]
pub mod json;
#[cfg(any(
    feature = "arrow",
    feature = "bytes",
    feature = "csv-gz",
    feature = "excel",
    feature = "json",
    feature = "parquet",
    feature = "pickle",
    feature = "text"
))]
#[cfg_attr(
    not(all(feature = "csv-gz", feature = "json", feature = "parquet")),
    allow(dead_code, reason = "each format takes a part of it")
)]
mod limit;
#[cfg(any(
    feature = "arrow",
    feature = "excel",
    feature = "json",
    feature = "parquet",
    feature = "pickle"
))]
mod lossless;
#[cfg(any(feature = "json", feature = "pickle"))]
mod memory;
#[cfg(any(feature = "csv", feature = "excel", feature = "json"))]
mod never;
#[cfg(any(
    feature = "arrow",
    feature = "csv",
    feature = "excel",
    feature = "json",
    feature = "parquet",
    feature = "pickle"
))]
mod ordered;
#[cfg(feature = "parquet")]
pub mod parquet;
#[cfg(feature = "pickle")]
pub mod pickle;
#[cfg(any(feature = "csv", feature = "excel"))]
mod python;
#[cfg(any(feature = "arrow", feature = "csv", feature = "excel", feature = "parquet"))]
mod row;
#[cfg(any(
    feature = "arrow",
    feature = "csv",
    feature = "excel",
    feature = "json",
    feature = "parquet"
))]
mod shape;
#[cfg(any(feature = "arrow", feature = "csv", feature = "excel", feature = "parquet"))]
pub mod stream;
#[cfg(any(
    feature = "arrow",
    feature = "csv",
    feature = "excel",
    feature = "json",
    feature = "parquet",
    feature = "pickle"
))]
mod strict;
#[cfg(any(feature = "arrow", feature = "csv", feature = "excel", feature = "parquet"))]
mod sweep;
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
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
#[cfg(feature = "excel")]
pub use crate::excel::Excel;
#[cfg(feature = "json")]
pub use crate::json::Json;
#[cfg(feature = "parquet")]
pub use crate::parquet::{Parquet, Statistics};
#[cfg(feature = "pickle")]
pub use crate::pickle::Pickle;
#[cfg(any(feature = "arrow", feature = "csv", feature = "excel", feature = "parquet"))]
pub use crate::stream::BatchStream;
#[cfg(any(feature = "arrow", feature = "csv", feature = "excel", feature = "parquet"))]
pub use crate::sweep::SweepTable;
#[cfg(feature = "text")]
pub use crate::text::Text;

/// How many bytes are gathered before they go to the sink, where a format writes few at a time.
#[cfg(any(feature = "arrow", feature = "csv", feature = "json", feature = "pickle"))]
const BUFFER: usize = 64 * 1024;

#[cfg(any(feature = "arrow", feature = "csv", feature = "excel", feature = "parquet"))]
pub use arrow::array::RecordBatch;

/// The crate whose record batches these targets keep, in the version that they keep.
#[cfg(any(feature = "arrow", feature = "csv", feature = "excel", feature = "parquet"))]
#[doc(no_inline)]
pub use arrow;
