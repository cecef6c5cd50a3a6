//! Values that are tables, which the columnar formats store.
//!
//! A format does not know the type that a task returns. It reads and writes a schema and a sequence
//! of batches, and [`Table`] converts a value to and from these.
//!
//! [`Table`] has a parameter `Way`, which selects the impl. Without it, the impls for
//! `Vec<RecordBatch>` and for every `Vec<R>` of serializable rows would overlap if arrow made its
//! batches serializable, so that the compiler rejects them. With the parameter, they implement two
//! different traits. Users never write the parameter: the constructor of a target, such as
//! [`Parquet::default`](crate::Parquet::default), is called for a known type, for which only one
//! impl fits. The target stores the functions of that impl as a `Way`, so that the parameter is no
//! part of the target's type, which is just `Parquet<Vec<Trade>>`.
//!
//! A value to save is converted to [`Batches`] one by one, so that a format never holds more than
//! one of them. A loaded file is [`Stored`], which can open the batches any number of times, because
//! a [`BatchStream`](crate::BatchStream) reads them later, and maybe several times.

mod absent;
mod batches;
mod columns;
mod content;
#[cfg(feature = "polars")]
mod frame;
#[cfg(feature = "polars")]
mod lazy;
mod merge;
mod misread;
mod plain;
#[cfg(feature = "parquet")]
mod recut;
mod rows;
mod stored;
mod typed;
mod wanted;

use std::any::type_name;

use anyhow::{Context, Result, bail, ensure};
use arrow::array::RecordBatch;
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
#[cfg(any(feature = "arrow", feature = "parquet"))]
use serde::de::DeserializeOwned;

#[cfg(any(feature = "arrow", feature = "parquet"))]
use crate::row::RowColumns;
#[cfg(any(feature = "arrow", feature = "parquet"))]
use crate::rows::registered;

#[cfg(feature = "arrow")]
pub(crate) use batches::joined;
pub(crate) use columns::width;
#[cfg(any(feature = "arrow", feature = "parquet"))]
pub(crate) use columns::{find, projected};
pub(crate) use content::Counted;
#[cfg(feature = "parquet")]
pub(crate) use recut::Recut;
#[doc(hidden)]
pub use rows::{batch_of, rows_of};
pub use stored::Stored;
pub(crate) use stored::reading;
#[cfg(any(feature = "arrow", feature = "parquet"))]
pub(crate) use wanted::Wanted;
#[cfg(any(feature = "arrow", feature = "parquet"))]
pub(crate) use wanted::columns as wanted_columns;

/// Selects the impl for record batches.
#[doc(hidden)]
pub enum AsBatches {}

/// Selects the impl for rows, which are structs that serde serializes.
#[doc(hidden)]
pub enum AsRows {}

/// Selects the impl for data frames of polars.
#[cfg(feature = "polars")]
#[doc(hidden)]
pub enum AsFrame {}

/// Selects the impl for lazy frames of polars.
#[cfg(feature = "polars")]
#[doc(hidden)]
pub enum AsLazy {}

/// A value that is a table.
///
/// It is a `RecordBatch`, a `Vec<RecordBatch>`, a [`BatchStream`], or a `Vec<R>` where `R` is a
/// struct that derives serde's `Serialize` and `Deserialize`. With the cargo feature `polars`, a
/// `DataFrame` and a `LazyFrame` of polars are tables too.
///
/// [`BatchStream`]: crate::BatchStream
///
/// The parameter `Way` is inferred; see [the module](self) for its purpose.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a table",
    label = "not a table",
    note = "a table is a `RecordBatch`, a `Vec<RecordBatch>`, a `BatchStream`, or a `Vec` of structs that derive `Serialize` and `Deserialize`",
    note = "for other values there are `Json<T>` and `Pickle<T>`"
)]
pub trait Table<Way>: Sized + Send + Sync + 'static {
    /// How the batches that are read must be cut.
    const CUT: Cut;

    /// Whether a value is a stream, which is read later and never in memory as a whole.
    #[doc(hidden)]
    const STREAM: bool = false;

    /// The size of the Rust type of a row in bytes, if the value consists of rows.
    #[doc(hidden)]
    const ROW: Option<usize> = None;

    /// Returns what the type alone determines about the columns.
    #[doc(hidden)]
    fn known() -> Known {
        Known::ByValue
    }

    /// Returns the names under which each field of a row may have a column, if the value needs no other columns.
    #[doc(hidden)]
    fn wanted() -> Option<Vec<Vec<&'static str>>> {
        None
    }

    /// Converts the value to batches of one schema.
    ///
    /// # Errors
    ///
    /// The value is not a single table: its batches differ in their schemas, or its rows have no
    /// columns.
    fn batches(&self) -> Result<Batches<'_>>;

    /// Checks that a cell can hold each field of a row.
    ///
    /// # Errors
    ///
    /// A field of the row's type is a list, a struct or the like.
    #[cfg(feature = "excel")]
    #[doc(hidden)]
    fn check_cells() -> Result<()> {
        Ok(())
    }

    /// Checks a batch that a value was converted to.
    ///
    /// # Errors
    ///
    /// Another part of the value would come back from the batch.
    #[doc(hidden)]
    fn check_back(_: &RecordBatch) -> Result<()> {
        Ok(())
    }

    /// Converts the table in a file to a value.
    ///
    /// # Errors
    ///
    /// The batches have another type, or cannot be read.
    fn from_stored(stored: Stored) -> Result<Self>;
}

/// A schema, and batches with this schema.
#[doc(hidden)]
pub struct Batches<'a> {
    /// The schema of each batch.
    pub schema: SchemaRef,
    /// The batches in their order.
    pub each: Box<dyn Iterator<Item = Result<RecordBatch>> + 'a>,
}

/// What determines the types of the columns.
#[doc(hidden)]
pub enum Known {
    /// Each value determines them, and the format determines the types that are loaded.
    ByValue,
    /// The Rust type of a row determines these columns.
    ByType(Vec<FieldRef>),
    /// The Rust type of a row does not show all columns.
    Hidden,
    /// No value of the Rust type of a row can be columns, for this reason.
    Never(String),
}

/// How a [`Table`] needs its batches to be cut.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// All rows in one batch.
    Whole,
    /// Like the batches that were written.
    Kept,
    /// In any way.
    Anywhere,
}

/// The functions of a [`Table`] impl, independent of the impl's type.
pub(crate) struct Way<T> {
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub(crate) stream: bool,
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub(crate) row: Option<usize>,
    pub(crate) cut: Cut,
    pub(crate) batches: fn(&T) -> Result<Batches<'_>>,
    pub(crate) from_stored: fn(Stored) -> Result<T>,
    pub(crate) known: fn() -> Known,
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub(crate) wanted: fn() -> Option<Wanted>,
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
            #[cfg(any(feature = "arrow", feature = "parquet"))]
            wanted: T::wanted,
            #[cfg(feature = "excel")]
            check_cells: T::check_cells,
            #[cfg(any(feature = "arrow", feature = "parquet"))]
            check_back: T::check_back,
        }
    }
}

impl<T> Way<T> {
    /// Returns a counter of the memory that a value takes, to be used before the value is saved.
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub(crate) fn counted(&self, most: Option<u64>, schema: &Schema) -> Counted {
        match self.row {
            Some(row) => Counted::rows(most, row),
            None => Counted::columns(most, width(schema)),
        }
    }

    /// Returns the names of the columns that are read for a value of rows, if the type of the row shows them.
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub(crate) fn fields(&self) -> Option<Vec<String>> {
        // A field with several names may be read from a column that another file does not have.
        let name = |names: Vec<&'static str>| match names[..] {
            [name] => Some(name.to_owned()),
            _ => None,
        };
        (self.wanted)()?.into_iter().map(name).collect()
    }

    /// Checks the columns of a row's type with a check of the format.
    ///
    /// # Errors
    ///
    /// The rows cannot be columns, or the format does not support one of the columns.
    pub(crate) fn check_type(&self, check: impl FnOnce(&Schema) -> Result<()>) -> Result<()> {
        let fields = match (self.known)() {
            Known::ByType(fields) => fields,
            Known::ByValue | Known::Hidden => return Ok(()),
            Known::Never(reason) => bail!("{reason}"),
        };
        ensure!(
            !fields.is_empty(),
            "a row of `{}` has no fields, and a table without columns has no rows",
            type_name::<T>(),
        );
        check(&Schema::new(fields)).with_context(|| format!("as rows, `{}`", type_name::<T>()))
    }
}

/// Returns the names of the columns that are the fields of a row.
///
/// # Errors
///
/// The type does not show its fields, or its rows cannot be columns.
#[cfg(any(feature = "arrow", feature = "parquet"))]
pub(crate) fn fields_of<R: DeserializeOwned + 'static>() -> Result<Vec<String>> {
    if let Some(row) = registered::<R>() {
        return Ok(names(&(row.columns)()));
    }
    match RowColumns::of::<R>() {
        RowColumns::Derived(fields) | RowColumns::Shaped(fields) | RowColumns::Partial(fields) => {
            Ok(names(&fields))
        }
        RowColumns::Hidden => bail!(
            "the type `{}` does not show its fields: use `load` or `load_columns`",
            type_name::<R>(),
        ),
        RowColumns::Never(reason) => bail!("{reason}"),
    }
}

#[cfg(any(feature = "arrow", feature = "parquet"))]
fn names(fields: &[FieldRef]) -> Vec<String> {
    fields.iter().map(|field| field.name().clone()).collect()
}

impl<T> Clone for Way<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Way<T> {}
