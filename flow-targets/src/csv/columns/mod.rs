//! Columns of arrays, to cells and back.
//!
//! A file is read in blocks of lines, and each column of a block is parsed on its own, straight
//! into an array of the type that the schema says. Where no schema is given a first pass over the
//! file finds out the types, and keeps nothing else.

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

pub(super) use read::{Reader, schema};
pub(super) use types::check_types;
pub(super) use write::ColumnWriter;

/// A value that does not parse is an error, not a null.
const STRICT: CastOptions<'_> = CastOptions { safe: false, format_options: FormatOptions::new() };

/// The same numbers as another type of the same layout.
fn relabelled(array: &ArrayRef, as_type: DataType) -> Result<ArrayRef> {
    Ok(make_array(array.to_data().into_builder().data_type(as_type).build()?))
}
