//! The file formats in which typed-flow stores outputs: a module and a cargo feature for each.
//!
//! A *target* is a format together with the Rust type that it stores. A task names it, as in
//! `#[task(target = Csv<Vec<Price>>)]`. For tables that other Rust or Python programs read, use
//! [`Parquet`]; for small values and values with parts, [`Json`]; for trained models, [`Pickle`].
//!
//! | target | feature | values |
//! | --- | --- | --- |
//! | [`Parquet<T>`](Parquet) | `parquet` | tables |
//! | [`Dataset<T>`](Dataset) | `parquet` | tables, as a folder of Parquet files with a folder for each partition |
//! | [`ArrowIpc<T>`](ArrowIpc) | `arrow` | tables |
//! | [`Csv<T>`](Csv) | `csv` | tables |
//! | [`CsvGz<T>`](CsvGz) | `csv-gz` | tables |
//! | [`Excel<T>`](Excel) | `excel`, not a default feature | tables |
//! | [`MessyCsv<T>`](MessyCsv), `MessyExcel<T>` | `messy`, not a default feature; the latter with `excel` | tables in files of other programs, to be read only |
//! | [`Json<T>`](Json) | `json` | any value that serde serializes |
//! | [`JsonLines<T>`](JsonLines) | `json` | a list of values that serde serializes, one on each line |
//! | [`Pickle<T>`](Pickle) | `pickle` | any value that serde serializes |
//! | [`SqlTable<T>`](sql::SqlTable) | `sqlite` or `adbc`, not default features | tables, in a database |
//! | [`Text`] | `text` | a `String` |
//! | [`Bytes`] | `bytes` | a `Vec<u8>` |
//!
//! A table is a `RecordBatch`, a `Vec<RecordBatch>`, a [`BatchStream`], which is never in memory as
//! a whole, or a `Vec<R>`, where `R` is a struct that derives serde's `Serialize` and
//! `Deserialize`. With the cargo feature `polars`, a `DataFrame` and a `LazyFrame` of polars 0.55 are
//! tables too, except for CSV: see the module `frames`. This feature is off by default because
//! polars takes minutes to build.
//!
//! A row that also derives `Row` has columns of the types of its fields, such as dates: see [`rows`].
//!
//! | target | file | exact | streams | single columns |
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
//! [`JsonLines`] is as `Json` in this table, and its files are `.jsonl`. [`Dataset`] is as `Parquet`, and its output is a folder.
//!
//! Two more targets are in the root of the crate `flow`: [`Memory`](flow_core::Memory) for values that are not stored, which is
//! also in the prelude, and [`File`](flow_core::File) for files that a task writes itself, which is not, because
//! `std::fs::File` has the same name.
//!
//! *Exact* is [`Target::EXACT`](flow_core::Target::EXACT). If a target is exact, a run hands the
//! value in memory to the tasks that require it. If it is not, those tasks receive the value that is
//! loaded from the new file, so that they get the same value in this run and in a later one. *Streams* is
//! [`Streaming`](flow_core::Streaming): the file can be read batch by batch. *Single columns* is
//! [`Columnar`](flow_core::Columnar): some columns can be loaded without the others.
//!
//! `Parquet` and `ArrowIpc` also hash each column while they write, so that a task that [reads some
//! columns](flow_core::Input::load_columns) of an output does not run again if others change.
//! Unions, run-end encoded columns and list views have no digest, and count with the whole file.
//!
//! The next table lists what each format preserves, in columns of a table and, for `Json` and
//! `Pickle`, in any value. "With a schema" means: set the target's option `schema`, otherwise such
//! columns load with another type or are an error when saving. "See there" means: the format
//! changes this, as the module of the target explains. An empty cell means: not applicable.
//!
//! | | Parquet | ArrowIpc | Csv | CsvGz | Excel | Json | Pickle |
//! | --- | --- | --- | --- | --- | --- | --- | --- |
//! | null, empty text, unicode | yes | yes | yes | yes | yes | yes | yes |
//! | booleans, `Int64` up to 2⁵³ | yes | yes | yes | yes | yes | yes | yes |
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
//! | a table without rows, of a row type that shows its columns | yes | yes | with a schema | with a schema | with a schema | yes | yes |
//! | a table without columns | yes | yes | error | error | error | | |
//! | boundaries of batches | yes | yes | see there | see there | see there | | |
//! | rows of a struct, in a `Vec<R>` | yes | yes | yes | yes | yes | yes | yes |
//! | rows of a struct with fields of any number type | yes | yes | yes | yes | yes | yes | yes |
//! | enums with data | error | yes | error | error | error | yes | yes |
//!
//! Parquet files are small, and most data tools read them. A file of Arrow IPC is as large as the
//! table in memory, and loading it usually maps the file instead of reading it.
//!
//! Saving a value that the format cannot preserve is an error that names the place in the value and
//! a fix; values are never changed silently. A type that a format can never store (lists in CSV,
//! enums with data in Parquet, tuples as keys in JSON) is an error of the plan, before anything
//! runs. Equal values give equal bytes: a `HashMap` and a `HashSet` are written in the order of
//! their keys.
//!
//! # Untrusted files
//!
//! A file may come from another program, from another machine or from an attacker. Readers open
//! only regular files, and compare sizes with a limit before they allocate memory. A file that
//! exceeds a limit is an error that names the option to raise it. Saving a value that the same
//! target could not load again is an error, too.
//!
//! | option | targets | limit | default |
//! | --- | --- | --- | --- |
//! | `max_bytes` | [`Json`], [`JsonLines`], [`MessyCsv`], [`Pickle`], [`Text`], [`Bytes`] | bytes of the file | 1 GiB |
//! | `max_bytes` | [`CsvGz`], [`Excel`] | bytes of the decompressed file, if it is loaded whole | 1 GiB, or 100 times the size of the file if that is more |
//! | `max_bytes` | [`Parquet`], [`ArrowIpc`] | bytes of the decompressed table, if it is loaded whole | 4 GiB, or 100 times the size of the file if that is more |
//! | `max_cells` | [`Excel`] | rows times columns | 50,000,000 |
//! | `max_line` | [`Csv`], [`CsvGz`] | bytes of a line | 64 MiB |
//! | `max_columns` | [`Csv`], [`CsvGz`] | cells of a line | 100,000 |
//!
//! The memory that a value takes is a small multiple of these limits and depends on its type. The
//! lists and maps of a value that [`Json`] or [`Pickle`] loads may take at most four times
//! `max_bytes` plus 64 MiB.
//!
//! # Options
//!
//! Options are methods that return the target. The attribute
//! `target = Parquet<T>(compression = Zstd(3))` is short for
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
        feature = "messy",
        feature = "pickle",
        feature = "sqlite",
        feature = "text",
        feature = "bytes"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

// Data frames of polars, for every format of tables.
#[cfg(feature = "polars")]
pub mod frames;

// Formats.
#[cfg(feature = "arrow")]
pub mod arrow_ipc;
#[cfg(feature = "bytes")]
pub mod bytes;
#[cfg(feature = "csv")]
pub mod csv;
#[cfg(feature = "parquet")]
pub mod dataset;
#[cfg(feature = "excel")]
pub mod excel;
#[cfg(feature = "json")]
pub mod json;
#[cfg(feature = "json")]
pub mod json_lines;
#[cfg(feature = "parquet")]
pub mod parquet;
#[cfg(feature = "pickle")]
pub mod pickle;
#[cfg(feature = "_sql")]
pub mod sql;
#[cfg(feature = "text")]
pub mod text;

// Any format, without types.
#[cfg(feature = "inspect")]
pub mod inspect;

// What formats share. `Cargo.toml` says which formats enable a feature with `_`.

// All formats of serde.
#[cfg(feature = "_serde")]
mod observed;
#[cfg(feature = "_serde")]
mod ordered;
#[cfg(feature = "_serde")]
#[cfg_attr(
    not(feature = "_tables"),
    allow(unused_imports, unused_macros, reason = "each format uses some of the macros")
)]
mod serde_methods;
#[cfg(feature = "_serde")]
mod strict;

// Values.
#[cfg(feature = "_values")]
mod decoded;
#[cfg(feature = "_values")]
mod memory;

// Tables.
#[cfg(feature = "_tables")]
mod absent;
#[cfg(feature = "_tables")]
mod described;
#[cfg(any(feature = "arrow", feature = "csv", feature = "parquet"))]
mod digests;
#[cfg(any(feature = "_tables", feature = "inspect-tables"))]
#[doc(hidden)]
pub mod display;
#[cfg(feature = "_tables")]
mod enums;
#[cfg(feature = "_tables")]
mod measured;
#[cfg(feature = "_tables")]
mod row;
#[cfg(feature = "_tables")]
pub mod rows;
#[cfg(feature = "_tables")]
pub mod stream;
#[cfg(feature = "_tables")]
mod sweep;

// Tables of cells.
#[cfg(feature = "_cells")]
mod exact;
#[cfg(feature = "_cells")]
mod given;
#[cfg(feature = "_cells")]
mod python;

// Some formats of several groups.
#[cfg(any(feature = "arrow", feature = "parquet"))]
pub mod compression;
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet", feature = "_values"))]
mod lossless;
#[cfg(any(feature = "json", feature = "_cells"))]
mod never;
#[cfg(any(feature = "json", feature = "_tables"))]
mod shape;
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
pub mod table;

// All formats but plain `Csv`.
#[cfg(any(
    feature = "arrow",
    feature = "bytes",
    feature = "csv-gz",
    feature = "excel",
    feature = "messy",
    feature = "parquet",
    feature = "text",
    feature = "_values"
))]
#[cfg_attr(
    not(all(feature = "csv-gz", feature = "json", feature = "parquet")),
    allow(dead_code, reason = "each format takes a part of it")
)]
mod limit;

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
#[cfg(all(feature = "messy", feature = "excel"))]
pub use crate::csv::messy::MessyExcel;
#[cfg(feature = "messy")]
pub use crate::csv::messy::{Cleaned, CleaningReport, FileReport, MessyCsv, RejectedRow};
#[cfg(feature = "parquet")]
pub use crate::dataset::Dataset;
#[cfg(feature = "excel")]
pub use crate::excel::Excel;
#[cfg(feature = "json")]
pub use crate::json::Json;
#[cfg(feature = "json")]
pub use crate::json_lines::JsonLines;
#[cfg(feature = "parquet")]
pub use crate::parquet::{Parquet, Statistics};
#[cfg(feature = "pickle")]
pub use crate::pickle::Pickle;
#[cfg(feature = "_tables")]
pub use crate::stream::BatchStream;
#[cfg(feature = "_tables")]
pub use crate::sweep::SweepTable;
#[cfg(feature = "text")]
pub use crate::text::Text;

/// How many bytes a format that writes few at a time buffers before it writes them to the sink.
#[cfg(any(feature = "arrow", feature = "csv", feature = "_values"))]
const BUFFER: usize = 64 * 1024;

#[cfg(any(feature = "_tables", feature = "inspect-tables"))]
pub use arrow::array::RecordBatch;

/// The `arrow` crate, in the version whose record batches these targets read and write.
#[cfg(any(feature = "_tables", feature = "inspect-tables"))]
#[doc(no_inline)]
pub use arrow;

/// The `polars` crate, in the version whose frames these targets read and write.
#[cfg(feature = "polars")]
#[doc(no_inline)]
pub use polars;
