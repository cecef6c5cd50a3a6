//! Rows in the cells of a sheet, which have no bytes, and in the checks of outputs: a UUID is text there.

use std::sync::Arc;

use anyhow::Result;
#[cfg(feature = "uuid")]
use arrow::array::ArrayRef;
use arrow::array::{RecordBatch, RecordBatchOptions};
#[cfg(feature = "uuid")]
use arrow::datatypes::{DataType, Field};
use arrow::datatypes::{FieldRef, Schema};

/// Returns the columns as cells show them.
pub(crate) fn columns(fields: &[FieldRef]) -> Vec<FieldRef> {
    fields.iter().map(column).collect()
}

fn column(field: &FieldRef) -> FieldRef {
    #[cfg(feature = "uuid")]
    if is_uuid(field) {
        return Arc::new(Field::new(field.name(), DataType::Utf8, field.is_nullable()));
    }
    field.clone()
}

/// Returns the batch as cells show it.
pub(crate) fn batch(batch: &RecordBatch) -> Result<RecordBatch> {
    let fields = batch.schema_ref().fields();
    let shown = columns(fields);
    if shown[..] == fields[..] {
        return Ok(batch.clone());
    }
    #[cfg(feature = "uuid")]
    let arrays = fields.iter().zip(batch.columns()).map(|(field, array)| match is_uuid(field) {
        true => texts(array),
        false => Ok(array.clone()),
    });
    #[cfg(feature = "uuid")]
    let arrays = arrays.collect::<Result<Vec<_>>>()?;
    #[cfg(not(feature = "uuid"))]
    let arrays = batch.columns().to_vec();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(shown)), arrays, &options)?)
}

#[cfg(feature = "uuid")]
fn is_uuid(field: &FieldRef) -> bool {
    use super::uuid::{EXTENSION, NAME};

    *field.data_type() == DataType::FixedSizeBinary(16)
        && field.metadata().get(EXTENSION).is_some_and(|name| name == NAME)
}

#[cfg(feature = "uuid")]
fn texts(array: &ArrayRef) -> Result<ArrayRef> {
    use super::Column;

    let values = <::uuid::Uuid as Column>::values(array)?;
    let texts = values.iter().map(|value| value.map(|value| value.to_string()));
    Ok(Arc::new(texts.collect::<arrow::array::StringArray>()))
}
