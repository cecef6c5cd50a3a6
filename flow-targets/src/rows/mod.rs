//! Rows whose columns follow from `#[derive(Row)]`: dates, decimals, identifiers and bytes as the Arrow types that they
//! are.
//!
//! A row of a table is a struct that derives serde's `Serialize` and `Deserialize`. Serde shows no more of a date than
//! that it is written as text, so the columns that follow from serde alone have dates as text. A row that also derives
//! `Row` has a [`Column`] type for each field, and its columns are the same for any number of rows, even for none:
//!
//! | field | column | cargo feature |
//! | --- | --- | --- |
//! | `bool`, integers up to 64 bits, `f32`, `f64` | the same | |
//! | `String`, `char` | `LargeUtf8` | |
//! | `jiff::civil::Date`, `chrono::NaiveDate` | `Date32` | `chrono` for the second |
//! | `jiff::civil::Time`, `chrono::NaiveTime` | `Time64(ns)` | the same |
//! | `jiff::civil::DateTime`, `chrono::NaiveDateTime` | `Timestamp(ns)` | the same |
//! | `jiff::Timestamp`, `chrono::DateTime<Utc>` | `Timestamp(ns, "UTC")` | the same |
//! | `jiff::SignedDuration`, `chrono::TimeDelta`, `std::time::Duration` | `Duration(ns)` | the same |
//! | `rust_decimal::Decimal` | `Decimal128(38, 10)` | `rust_decimal` |
//! | `uuid::Uuid` | `FixedSizeBinary(16)`, marked as the extension type `arrow.uuid` | `uuid` |
//! | `serde_bytes::ByteBuf`, or a `Vec<u8>` with `#[serde(with = "serde_bytes")]` | `LargeBinary` | `serde_bytes` for `ByteBuf` |
//! | an enum without data that derives `Row` | a dictionary of the names of its variants | |
//! | a struct that derives `Row` | a struct; a tuple struct of one field is that field | |
//! | `Vec<T>`, `[T; N]`, `BTreeMap<K, V>`, `HashMap<K, V>`, `Option<T>`, `Box<T>` | a list, a list of fixed size, a map, a column with nulls, the column of `T` | |
//!
//! `#[row(unit = "us")]` sets the unit of times, timestamps and durations: `s`, `ms`, `us` or `ns`, which is the default.
//! A column in nanoseconds holds the years 1677 to 2262. `#[row(precision = 12, scale = 2)]` sets the digits of a decimal,
//! and how many of them stand after the point. A value that its column cannot hold in full is an error when it is saved.
//!
//! Parquet itself has neither seconds nor durations: a program that does not read the Arrow schema in the file, such as
//! DuckDB, sees a column with the unit `s`, or of durations, as numbers.
//!
//! ```
//! use flow::Row;
//! use flow_core::{Sink, Source, Target};
//! use flow_targets::Parquet;
//! use jiff::civil::{Date, date};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Row, Serialize, Deserialize, Debug, PartialEq)]
//! struct Trade {
//!     day: Date,
//!     #[row(unit = "us")]
//!     at: Option<jiff::Timestamp>,
//!     side: Side,
//! }
//!
//! #[derive(Row, Serialize, Deserialize, Debug, PartialEq)]
//! enum Side {
//!     Bid,
//!     Ask,
//! }
//!
//! let trades = vec![Trade { day: date(2024, 2, 29), at: None, side: Side::Bid }];
//! let target = <Parquet<Vec<Trade>>>::default();
//! let file = tempfile::NamedTempFile::new()?;
//! target.save(&trades, &mut Sink::new(&mut file.reopen()?))?;
//! assert_eq!(target.load(&Source::file(file.path()))?, trades);
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! Of serde's attributes, `rename`, `rename_all`, `alias`, `default`, `skip`, `skip_serializing_if` and
//! `with = "serde_bytes"` have the meaning that they have for serde. Others are an error of the compiler, because they
//! change the columns in ways that the type of the field does not show. A field without a column is an error when rows
//! are read, except with `default`, or with `skip_serializing_if` at an `Option`. `#[row(crate = ::path)]` above the type
//! sets the path of the facade, if another crate re-exports it. A row has no type parameters and no lifetimes.
//!
//! CSV and Excel have no such types. CSV writes what serde writes, such as `2024-02-29`. Excel has dates, times and
//! durations as cells of these kinds, and a `Uuid` as text.
//!
//! # How values become columns
//!
//! [`Row::arrays`] and [`Row::rows`], which the macro generates, convert column by column: all values of a field are
//! collected, and [`Column::array`] builds one array of them. A [`Fault`] says at which row and in which column a
//! conversion failed. A struct in a struct is converted in the same way, and a list through the items of all rows.
//!
//! [`Registered`] connects a type with its conversions: the impl of [`Table`](crate::table::Table) for `Vec<R>` covers
//! every `R` that serde serializes, and looks up at run time whether `R` derives `Row`. An impl for a bound `R: Row`
//! would overlap with it. This is also why a row with type parameters cannot derive `Row`: an instance of a generic
//! type cannot register itself.
//!
//! # Why a macro
//!
//! Two other ways were considered. Serde together with a list of known types would have to recognize a date by what its
//! `Deserialize` impl calls, which does not tell a `Decimal` or a `Uuid` from any text, nor `DateTime<Utc>` from
//! `DateTime<FixedOffset>`. The schema of the macro with serde_arrow for the values formats each date as text and parses
//! that again, truncates decimals and timestamps without an error, and can write neither `FixedSizeBinary` from a `Uuid` nor
//! a named time zone. So the macro generates the conversions, too. It needs no pass over the type at run time.

mod bytes;
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
pub(crate) mod cells;
#[cfg(feature = "chrono")]
mod chrono;
mod civil;
#[cfg(feature = "rust_decimal")]
mod decimal;
mod fault;
mod jiff;
mod list;
mod map;
mod number;
mod option;
mod record;
mod registered;
mod text;
mod time;
#[cfg(feature = "uuid")]
mod uuid;
mod variants;

use arrow::array::ArrayRef;
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};

pub use self::bytes::{Binary, binary_column};
pub use self::fault::Fault;
pub use self::record::{
    RowField, RowTable, Taken, column, names_of, struct_array, struct_type, struct_values,
};
pub use self::registered::Registered;
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
pub(crate) use self::registered::registered;
pub use self::variants::{Variants, variant_array, variant_type, variant_values};

#[doc(hidden)]
pub mod __private {
    pub use arrow;
    pub use flow_core::__private::inventory;
}

/// A type whose values are the values of a column.
///
/// `#[derive(Row)]` implements it for structs and enums. Implement it for a type of your own by converting from and to
/// a type that has it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the type of a column",
    label = "not the type of a column",
    note = "a struct or an enum of your own needs `#[derive(Row)]`",
    note = "for types of chrono, rust_decimal, uuid and serde_bytes, enable the feature of that name of `typed-flow`",
    note = "a row without `#[derive(Row)]` may have fields of any type that serde serializes"
)]
pub trait Column: Sized + 'static {
    /// Whether a value may be null.
    const NULLABLE: bool = false;

    /// Returns the value for a column that is missing in a file, if the type has one.
    const ABSENT: Option<fn() -> Self> = None;

    /// Whether `#[row(unit = ...)]` applies to the type.
    const HAS_UNIT: bool = false;

    /// Whether `#[row(precision = ..., scale = ...)]` applies to the type.
    const HAS_SCALE: bool = false;

    /// Returns the Arrow type of the column.
    fn data_type(form: Form) -> DataType;

    /// Returns the column with its name.
    fn field(name: &str, form: Form) -> Field {
        Field::new(name, Self::data_type(form), Self::NULLABLE)
    }

    /// Builds the array of a column. `None` is the place of a null in a struct or an option that contains the value.
    ///
    /// # Errors
    ///
    /// The column cannot hold one of the values in full.
    fn array(values: &[Option<&Self>], form: Form) -> Result<ArrayRef, Fault>;

    /// Reads the values of an array, which may have been written by another program. A null is `None`.
    ///
    /// # Errors
    ///
    /// The array has a type that cannot be read as this one, or a value that the type does not have.
    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault>;
}

/// A struct whose fields are columns. `#[derive(Row)]` implements it.
pub trait Row: Column {
    /// Returns the fields, in the order of the struct.
    fn fields() -> Vec<RowField>;

    /// Builds one array for each field.
    ///
    /// # Errors
    ///
    /// A column cannot hold one of the values in full.
    fn arrays(rows: &[Option<&Self>]) -> Result<Vec<ArrayRef>, Fault>;

    /// Reads the rows of a table. A row of a struct that is null is `None`.
    ///
    /// # Errors
    ///
    /// A column is missing, or cannot be read as its field.
    fn rows(table: &RowTable<'_>) -> Result<Vec<Option<Self>>, Fault>;
}

/// Returns the columns of a row.
pub fn columns<R: Row>() -> Vec<FieldRef> {
    R::fields().into_iter().map(|field| field.column).collect()
}

/// Which of several Arrow types a column has: what `#[row(...)]` at a field says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    unit: TimeUnit,
    precision: u8,
    scale: i8,
}

impl Form {
    /// The form of a field without `#[row(...)]`: nanoseconds, and decimals of 38 digits, 10 of them after the point.
    pub const DEFAULT: Self = Self { unit: TimeUnit::Nanosecond, precision: 38, scale: 10 };

    /// Sets the unit of times, timestamps and durations.
    #[must_use]
    pub const fn unit(self, unit: TimeUnit) -> Self {
        Self { unit, ..self }
    }

    /// Sets the digits of a decimal, and how many of them stand after the point.
    #[must_use]
    pub const fn decimal(self, precision: u8, scale: i8) -> Self {
        Self { precision, scale, ..self }
    }
}

/// Returns which values are not null, if some are.
fn nulls<T>(values: &[Option<&T>]) -> Option<NullBuffer> {
    let has_nulls = values.iter().any(Option::is_none);
    has_nulls.then(|| NullBuffer::from(values.iter().map(Option::is_some).collect::<Vec<_>>()))
}
