//! What the metadata of a Parquet file says of the columns, without reading a row.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::Field;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::schema::types::SchemaDescriptor;

use super::batches::Opening;
use super::statistics::{Accumulator, TableStatistics};
use crate::inspect::{Format, InspectError, OutputFile};

/// What the metadata says of all rows of a column.
struct OfAllRows {
    nulls: u64,
    min: Option<String>,
    max: Option<String>,
}

/// Puts the nulls and the ends of all rows in place of those of the rows that were read, if these are not all.
pub(super) fn completed(
    file: &OutputFile,
    opening: &Opening,
    mut statistics: TableStatistics,
) -> Result<TableStatistics, InspectError> {
    if statistics.is_whole || file.format() != Format::Parquet {
        return Ok(statistics);
    }
    let damaged = |error: ParquetError| InspectError::damaged(file.path(), error);
    let builder = ParquetRecordBatchReaderBuilder::try_new(file.open()?).map_err(damaged)?;
    let (schema, columns) = (builder.schema(), builder.parquet_schema());
    let groups = builder.metadata().row_groups();
    let places = opening.projection(schema);
    let places = places.unwrap_or_else(|| (0..schema.fields().len()).collect());
    for (place, column) in places.into_iter().zip(&mut statistics.columns) {
        let leaf = leaf_of(columns, place).filter(|_| !schema.field(place).data_type().is_nested());
        let Some(leaf) = leaf else { continue };
        if let Some(all) =
            of_all_rows(columns, schema.field(place), leaf, groups).map_err(damaged)?
        {
            (column.nulls, column.min, column.max) = (all.nulls, all.min, all.max);
            column.is_of_all_rows = true;
        }
    }
    Ok(statistics)
}

/// Returns the position of the only column with values of a column of the table; `None` if it has several.
fn leaf_of(columns: &SchemaDescriptor, root: usize) -> Option<usize> {
    let mut leaves =
        (0..columns.num_columns()).filter(|leaf| columns.get_column_root_idx(*leaf) == root);
    leaves.next().filter(|_| leaves.next().is_none())
}

/// Returns what all row groups together say; `None` if one of them does not say it exactly.
fn of_all_rows(
    columns: &SchemaDescriptor,
    field: &Field,
    leaf: usize,
    groups: &[RowGroupMetaData],
) -> Result<Option<OfAllRows>, ParquetError> {
    let mut nulls = 0_u64;
    let mut filled = Vec::new();
    for group in groups {
        let Some(known) = group.column(leaf).statistics() else { return Ok(None) };
        let Some(missing) = known.null_count_opt() else { return Ok(None) };
        nulls = nulls.saturating_add(missing);
        if u64::try_from(group.num_rows()).is_ok_and(|rows| rows == missing) {
            continue;
        }
        // Ends that were cut, or that were compared as an old release did, are no values of the column.
        if known.is_min_max_deprecated() || !known.min_is_exact() || !known.max_is_exact() {
            return Ok(None);
        }
        filled.push(group);
    }
    let converter = StatisticsConverter::from_column_index(leaf, field, columns)?;
    let mins = converter.row_group_mins(filled.iter().copied())?;
    let maxes = converter.row_group_maxes(filled.iter().copied())?;
    if mins.null_count() > 0 || maxes.null_count() > 0 {
        return Ok(None);
    }
    let (min, max) = ends(&[mins, maxes])?;
    // A column of values without an order has no ends, and neither has one without values.
    let is_known = filled.is_empty() || (min.is_some() && max.is_some());
    Ok(is_known.then_some(OfAllRows { nulls, min, max }))
}

/// Returns the least and the greatest value of arrays of one type.
fn ends(arrays: &[ArrayRef; 2]) -> Result<(Option<String>, Option<String>), ParquetError> {
    let mut all = Accumulator::new(arrays[0].data_type(), false)?;
    for array in arrays {
        all.add(array)?;
    }
    let all = all.finish(String::new(), String::new());
    Ok((all.min, all.max))
}
