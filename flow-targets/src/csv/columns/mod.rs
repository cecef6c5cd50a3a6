//! Conversion between cells and arrays, column by column.
//!
//! A file is read in blocks of lines. Each column of a block is parsed on its own, straight into an
//! array of the type in the schema. If no schema is given, a first pass over the file infers the
//! types, and keeps nothing else.

mod build;
mod infer;
mod read;
mod types;
mod write;

use anyhow::Result;
use arrow::array::{Array, ArrayRef, make_array};
use arrow::compute::CastOptions;
use arrow::datatypes::DataType;
use arrow::util::display::FormatOptions;

#[cfg(feature = "messy")]
pub(super) use infer::data_type;
pub(super) use read::{Reader, schema};
pub(super) use types::check_types;
pub(super) use write::ColumnWriter;

/// Options with which a value that does not parse is an error instead of null.
const STRICT: CastOptions<'_> = CastOptions { safe: false, format_options: FormatOptions::new() };

/// Returns the same numbers as another type with the same memory layout.
fn relabelled(array: &ArrayRef, as_type: DataType) -> Result<ArrayRef> {
    Ok(make_array(array.to_data().into_builder().data_type(as_type).build()?))
}
