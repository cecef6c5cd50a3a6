//! Values that are tables: what the columnar formats keep.
//!
//! A format knows nothing of the type that a task returns, only of a schema and a run of batches;
//! [`Table`] turns one into the other. It has a parameter that says by which way, because two
//! impls of one trait, for `Vec<RecordBatch>` and for every `Vec<R>` of serialisable rows, would
//! overlap as soon as a release of arrow made its batches serialisable, and so are refused. With
//! the way as parameter they are impls of two traits. Nobody writes it: the constructor of a
//! target, such as [`Parquet::default`](crate::Parquet::default), is called for a known type, for
//! which only one way's conditions hold, and keeps it as a `Way`, a handful of functions. The
//! way is then no part of the target's type, which is `Parquet<Vec<Trade>>` and nothing more.

//!
//! A value that is saved gives its [`Batches`] one by one, so that a format never holds more than
//! one of them. A file that is loaded is [`Stored`]: not batches but what opens them, because a
//! [`BatchStream`](crate::BatchStream) reads them later, and again.

mod absent;
mod batches;
mod columns;
mod content;
#[cfg(feature = "polars")]
mod frame;
mod merge;
mod misread;
#[cfg(feature = "parquet")]
mod recut;
mod rows;
mod stored;

use std::any::type_name;

use anyhow::{Context, Result, bail, ensure};
use arrow::array::RecordBatch;
use arrow::datatypes::{FieldRef, Schema, SchemaRef};

#[cfg(feature = "arrow")]
pub(crate) use batches::joined;
#[cfg(any(feature = "arrow", feature = "parquet"))]
pub(crate) use columns::find;
pub(crate) use columns::width;
pub(crate) use content::Counted;
#[cfg(feature = "parquet")]
pub(crate) use recut::Recut;
#[doc(hidden)]
pub use rows::rows_of;
pub use stored::Stored;
pub(crate) use stored::reading;

/// The way of values that are record batches.
#[doc(hidden)]
pub enum AsBatches {}

/// The way of values that are rows: structs that serde serialises.
#[doc(hidden)]
pub enum AsRows {}

/// The way of frames of polars.
#[cfg(feature = "polars")]
#[doc(hidden)]
pub enum AsFrame {}

/// A value that is a table: `RecordBatch`, `Vec<RecordBatch>`, [`BatchStream`], or `Vec<R>` where
/// `R` is a struct that derives serde's `Serialize` and `Deserialize`. With the cargo feature
/// `polars`, a `DataFrame` of polars too.
///
/// [`BatchStream`]: crate::BatchStream
///
/// `Way` is inferred; see [the module](self) for why it is there.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a table",
    label = "not a table",
    note = "a table is a `RecordBatch`, a `Vec<RecordBatch>`, a `BatchStream`, or a `Vec` of structs that derive `Serialize` and `Deserialize`",
    note = "for other values there are `Json<T>` and `Pickle<T>`"
)]
pub trait Table<Way>: Sized + Send + Sync + 'static {
    /// Where the batches that are read must begin and end.
    const CUT: Cut;

    /// Whether a value is read later, and never whole in memory.
    #[doc(hidden)]
    const STREAM: bool = false;

    /// How many bytes the type of a row takes, if it is a value of rows.
    #[doc(hidden)]
    const ROW: Option<usize> = None;

    /// What the type itself says of the columns.
    #[doc(hidden)]
    fn known() -> Known {
        Known::ByValue
    }

    /// The value as batches of one schema.
    ///
    /// # Errors
    ///
    /// If it is not one table: batches that differ in schema, rows that have none.
    fn batches(&self) -> Result<Batches<'_>>;

    /// Checks that a cell can hold each field of a row.
    ///
    /// # Errors
    ///
    /// The type of the row has a list, a struct or the like in a field.
    #[cfg(feature = "excel")]
    #[doc(hidden)]
    fn check_cells() -> Result<()> {
        Ok(())
    }

    /// Checks a batch that a value was turned into.
    ///
    /// # Errors
    ///
    /// It would not give the same part of the value back.
    #[doc(hidden)]
    fn check_back(_: &RecordBatch) -> Result<()> {
        Ok(())
    }

    /// The value that is kept in a file.
    ///
    /// # Errors
    ///
    /// If the batches in it are of another type, or cannot be read.
    fn from_stored(stored: Stored) -> Result<Self>;
}

/// A schema, and batches of it.
#[doc(hidden)]
pub struct Batches<'a> {
    /// That of each batch.
    pub schema: SchemaRef,
    /// One after the other.
    pub each: Box<dyn Iterator<Item = Result<RecordBatch>> + 'a>,
}

/// Where the columns' types are known from.
#[doc(hidden)]
pub enum Known {
    /// Each value says its own, and loads as what the format says.
    ByValue,
    /// The Rust type of a row has such columns.
    ByType(Vec<FieldRef>),
    /// The Rust type of a row does not show all of them.
    Hidden,
    /// No value of the Rust type of a row is columns, for this reason.
    Never(String),
}

/// Where the batches that a [`Table`] is made of begin and end.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// All rows in one batch.
    Whole,
    /// Where they began and ended when they were written.
    Kept,
    /// Wherever it suits the reader.
    Anywhere,
}

/// The functions of a [`Table`] impl, without the impl's type.
pub(crate) struct Way<T> {
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub(crate) stream: bool,
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub(crate) row: Option<usize>,
    pub(crate) cut: Cut,
    pub(crate) batches: fn(&T) -> Result<Batches<'_>>,
    pub(crate) from_stored: fn(Stored) -> Result<T>,
    pub(crate) known: fn() -> Known,
    #[cfg(feature = "excel")]
    pub(crate) check_cells: fn() -> Result<()>,
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub(crate) check_back: fn(&RecordBatch) -> Result<()>,
}

impl<T> Way<T> {
    pub(crate) fn of<W>() -> Self
    where
        T: Table<W>,
    {
        Self {
            #[cfg(any(feature = "arrow", feature = "parquet"))]
            stream: T::STREAM,
            #[cfg(any(feature = "arrow", feature = "parquet"))]
            row: T::ROW,
            cut: T::CUT,
            batches: T::batches,
            from_stored: T::from_stored,
            known: T::known,
            #[cfg(feature = "excel")]
            check_cells: T::check_cells,
            #[cfg(any(feature = "arrow", feature = "parquet"))]
            check_back: T::check_back,
        }
    }
}

impl<T> Way<T> {
    /// A count of what a value takes, before it is saved.
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub(crate) fn counted(&self, most: Option<u64>, schema: &Schema) -> Counted {
        match self.row {
            Some(row) => Counted::rows(most, row),
            None => Counted::columns(most, width(schema)),
        }
    }

    /// Checks the columns that a type of row has, by what a format says of a schema.
    ///
    /// # Errors
    ///
    /// No row is columns, or the format has no such columns.
    pub(crate) fn check_type(&self, check: impl FnOnce(&Schema) -> Result<()>) -> Result<()> {
        let fields = match (self.known)() {
            Known::ByType(fields) => fields,
            Known::ByValue | Known::Hidden => return Ok(()),
            Known::Never(reason) => {
                bail!(
                    "a row of `{}` cannot be columns: {reason}; `Json` and `Pickle` keep any value",
                    type_name::<T>(),
                )
            }
        };
        ensure!(
            !fields.is_empty(),
            "a row of `{}` has no fields, and a table without columns has no rows",
            type_name::<T>(),
        );
        check(&Schema::new(fields)).with_context(|| format!("as rows, `{}`", type_name::<T>()))
    }
}

impl<T> Clone for Way<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Way<T> {}
