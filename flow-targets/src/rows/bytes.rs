//! Columns of bytes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, LargeBinaryBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::number::all_null;
use super::text::each;
#[cfg(feature = "serde_bytes")]
use super::{Column, Form};
use super::{Fault, RowField, Taken};

/// A field of bytes with `#[serde(with = "serde_bytes")]`: a `Vec<u8>`, or an option of one.
///
/// The same type without this attribute is a list of numbers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a field of bytes",
    label = "not a field of bytes",
    note = "in a row with `#[derive(Row)]`, `#[serde(with = \"serde_bytes\")]` stands at a `Vec<u8>` or an `Option<Vec<u8>>`"
)]
pub trait Binary: Sized + 'static {
    /// Whether a value may be null.
    const NULLABLE: bool;

    /// Returns the value for a column that is missing in a file, if the type has one.
    const ABSENT: Option<fn() -> Self>;

    /// Returns the bytes, or `None` for null.
    fn bytes(&self) -> Option<&[u8]>;

    /// Returns the value with these bytes; `None` if they are null and the type has no null.
    fn of(bytes: Option<Vec<u8>>) -> Option<Self>;
}

impl Binary for Vec<u8> {
    const NULLABLE: bool = false;
    const ABSENT: Option<fn() -> Self> = None;

    fn bytes(&self) -> Option<&[u8]> {
        Some(self)
    }

    fn of(bytes: Option<Vec<u8>>) -> Option<Self> {
        bytes
    }
}

impl Binary for Option<Vec<u8>> {
    const NULLABLE: bool = true;
    const ABSENT: Option<fn() -> Self> = Some(|| None);

    fn bytes(&self) -> Option<&[u8]> {
        self.as_deref()
    }

    fn of(bytes: Option<Vec<u8>>) -> Option<Self> {
        Some(bytes)
    }
}

impl RowField {
    /// Creates a field of bytes.
    pub fn binary<B: Binary>(names: &'static [&'static str]) -> Self {
        Self::new(names, |name| {
            arrow::datatypes::Field::new(name, DataType::LargeBinary, B::NULLABLE)
        })
    }
}

/// Builds the array of a field of bytes.
#[doc(hidden)]
pub fn binary_column<R, B: Binary>(
    rows: &[Option<&R>],
    field: impl for<'r> Fn(&'r R) -> &'r B,
) -> ArrayRef {
    array(rows.iter().map(|row| row.and_then(|row| field(row).bytes())))
}

impl super::RowTable<'_> {
    /// Reads a field of bytes.
    ///
    /// # Errors
    ///
    /// The column is missing and has no default, or is no column of bytes.
    pub fn binary<B: Binary>(
        &self,
        names: &'static [&'static str],
        default: Option<fn() -> B>,
    ) -> Result<Taken<B>, Fault> {
        self.taken(names, default, |array| Ok(values(array)?.into_iter().map(B::of).collect()))
    }
}

fn array<'a>(values: impl ExactSizeIterator<Item = Option<&'a [u8]>>) -> ArrayRef {
    let mut builder = LargeBinaryBuilder::with_capacity(values.len(), 0);
    values.for_each(|bytes| builder.append_option(bytes));
    Arc::new(builder.finish())
}

pub(super) fn values(array: &ArrayRef) -> Result<Vec<Option<Vec<u8>>>, Fault> {
    match array.data_type() {
        DataType::Binary => each(array.as_binary::<i32>().iter(), |bytes| Ok(bytes.to_vec())),
        DataType::LargeBinary => each(array.as_binary::<i64>().iter(), |bytes| Ok(bytes.to_vec())),
        DataType::BinaryView => each(array.as_binary_view().iter(), |bytes| Ok(bytes.to_vec())),
        DataType::FixedSizeBinary(_) => {
            each(array.as_fixed_size_binary().iter(), |bytes| Ok(bytes.to_vec()))
        }
        DataType::Dictionary(_, inner) if inner.is_binary() => values(&cast(array, inner)?),
        DataType::Null => Ok(all_null(array)),
        other => Err(Fault::other_type(other, "bytes")),
    }
}

#[cfg(feature = "serde_bytes")]
impl Column for serde_bytes::ByteBuf {
    fn data_type(_: Form) -> DataType {
        DataType::LargeBinary
    }

    fn array(values: &[Option<&Self>], _: Form) -> Result<ArrayRef, Fault> {
        Ok(array(values.iter().map(|value| value.map(|value| value.as_slice()))))
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        let values = values(array)?.into_iter();
        Ok(values.map(|value| value.map(Self::from)).collect())
    }
}
