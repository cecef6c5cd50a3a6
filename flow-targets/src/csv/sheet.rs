//! Values that can be written as lines of cells.
//!
//! [`Sheet`] has the parameter `Way` for the same reason as `Table`: the
//! impls for `Vec<RecordBatch>` and for every `Vec<R>` of rows would overlap if arrow made its
//! batches serializable. The parameter is inferred where a target is constructed.

use anyhow::{Result, bail};
use arrow::array::RecordBatch;
use arrow::datatypes::FieldRef;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::columns::{ColumnWriter, Reader, check_types, schema};
use super::content::Content;
use super::format::batches;
use super::options::Options;
use super::rows;
use super::write::CellWriter;
use crate::never::cells_of_type;
use crate::row::RowColumns;
use crate::stream::BatchStream;

/// Selects the impl for record batches.
#[doc(hidden)]
pub enum AsBatches {}

/// Selects the impl for rows, which are structs that serde serializes.
#[doc(hidden)]
pub enum AsRows {}

/// A value that can be written as lines of cells.
///
/// It is a `RecordBatch`, a `Vec<RecordBatch>`, a [`BatchStream`], or a `Vec<R>` where `R` is a
/// struct that derives serde's `Serialize` and `Deserialize`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a table",
    label = "not a table",
    note = "a table is a `RecordBatch`, a `Vec<RecordBatch>`, a `BatchStream`, or a `Vec` of structs that derive `Serialize` and `Deserialize`",
    note = "for other values there are `Json<T>` and `Pickle<T>`"
)]
pub trait Sheet<Way>: Sized + Send + Sync + 'static {
    /// Whether a value is a stream, which is read later and never in memory as a whole.
    #[doc(hidden)]
    const STREAM: bool = false;

    /// Returns the columns, if the type alone determines them.
    #[doc(hidden)]
    fn columns() -> Option<Vec<FieldRef>> {
        None
    }

    /// Returns an error if the type or the given schema shows that no value can be written.
    #[doc(hidden)]
    fn check_type(options: &Options) -> Result<()> {
        options.schema.as_deref().map_or(Ok(()), check_types)
    }

    #[doc(hidden)]
    fn write(&self, options: &Options, cells: &mut CellWriter<'_>) -> Result<()>;

    #[doc(hidden)]
    fn read(options: &Options, content: &Content) -> Result<Self>;
}

impl Sheet<AsBatches> for RecordBatch {
    fn write(&self, options: &Options, cells: &mut CellWriter<'_>) -> Result<()> {
        ColumnWriter::new(self.schema_ref(), options, cells)?.write(self)
    }

    fn read(options: &Options, content: &Content) -> Result<Self> {
        Reader::open(options, content)?.whole()
    }
}

impl Sheet<AsBatches> for Vec<RecordBatch> {
    fn write(&self, options: &Options, cells: &mut CellWriter<'_>) -> Result<()> {
        let Some(first) = self.first() else {
            bail!("a list without batches has no columns");
        };
        if let Some(i) = self.iter().position(|batch| batch.schema_ref() != first.schema_ref()) {
            bail!("batch {i} has another schema than batch 0");
        }
        let mut columns = ColumnWriter::new(first.schema_ref(), options, cells)?;
        self.iter().try_for_each(|batch| columns.write(batch))
    }

    fn read(options: &Options, content: &Content) -> Result<Self> {
        Ok(vec![Reader::open(options, content)?.whole()?])
    }
}

impl Sheet<AsBatches> for BatchStream {
    const STREAM: bool = true;

    fn write(&self, options: &Options, cells: &mut CellWriter<'_>) -> Result<()> {
        let mut columns = ColumnWriter::new(self.schema(), options, cells)?;
        self.batches()?.try_for_each(|batch| columns.write(&batch?))
    }

    fn read(options: &Options, content: &Content) -> Result<Self> {
        let schema = schema(options, content)?;
        // The types are inferred once, and not each time the stream is opened.
        let options = Options { schema: Some(schema.clone()), ..options.clone() };
        let content = content.clone();
        Ok(Self::reopened(schema, move || batches(&options, &content)))
    }
}

impl<R> Sheet<AsRows> for Vec<R>
where
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    fn columns() -> Option<Vec<FieldRef>> {
        match RowColumns::of::<R>() {
            RowColumns::Derived(fields) => Some(fields),
            _ => None,
        }
    }

    fn check_type(_: &Options) -> Result<()> {
        cells_of_type::<R>()
    }

    fn write(&self, options: &Options, cells: &mut CellWriter<'_>) -> Result<()> {
        rows::write(self, options, cells)
    }

    fn read(options: &Options, content: &Content) -> Result<Self> {
        rows::read(options, content)
    }
}

/// The functions of a [`Sheet`] impl, independent of the impl's type.
pub(super) struct Way<T> {
    #[cfg_attr(not(feature = "csv-gz"), expect(dead_code, reason = "for packed files"))]
    pub(super) stream: bool,
    pub(super) columns: fn() -> Option<Vec<FieldRef>>,
    pub(super) check_type: fn(&Options) -> Result<()>,
    pub(super) write: fn(&T, &Options, &mut CellWriter<'_>) -> Result<()>,
    pub(super) read: fn(&Options, &Content) -> Result<T>,
}

impl<T> Way<T> {
    pub(super) fn of<W>() -> Self
    where
        T: Sheet<W>,
    {
        Self {
            stream: T::STREAM,
            columns: T::columns,
            check_type: T::check_type,
            write: T::write,
            read: T::read,
        }
    }
}

impl<T> Clone for Way<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Way<T> {}
