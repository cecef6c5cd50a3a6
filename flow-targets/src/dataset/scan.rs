//! Scans a dataset as one lazy frame over its files.
//!
//! Polars reads partition columns from the names of folders, too, but does not decode all names, and has other types for some
//! values. So the values are parsed as for a load, and given to the plan of the scan. Polars evaluates filters on
//! partition columns before it opens a file, and leaves out the files that do not match.
//!
//! Polars 0.55 looks at the bit of such a filter and not at its validity: for a null, the bit is that of whatever value is
//! stored below the null. So a column that is null in a file is no partition column of its scan, but a literal: files that
//! follow one another and have the same columns null are a scan, and the frame is the union of the scans.

use std::ops::Range;
use std::sync::{Arc, PoisonError};

use anyhow::{Context, Result, bail};
use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{FieldRef, Schema};
use flow_core::Source;
use polars::io::HiveOptions;
use polars::prelude::{
    DataFrame, Expr, IntoLazy, LazyFrame, PlRefPath, Scalar, ScanArgsParquet, UnionArgs, concat,
    lit,
};
use polars_plan::prelude::{DslPlan, ExtraColumnsPolicy, IR};

use super::read::{Opened, batch_of};
use crate::frames::to_polars;

/// Returns a lazy frame over the files of a dataset. Only the metadata of one file of each scan is read.
///
/// # Errors
///
/// A value of a partition column does not have the type of the column, or the file cannot be read.
pub(super) fn scan(opened: &Opened, source: &Source) -> Result<LazyFrame> {
    let empty = to_polars(&opened.schema, None)?;
    if opened.files.is_empty() {
        return Ok(empty.lazy());
    }
    let values = opened.partition_values()?;
    let columns = opened.schema.fields().iter();
    let columns: Vec<_> = columns.map(|field| Expr::Column(field.name().as_str().into())).collect();
    let mut scans = Vec::new();
    for files in alike(&values, opened.files.len()) {
        let in_files = || format!("in the file {} or one after it", opened.files[files.start].0);
        let scan = scan_files(opened, source, (values.as_slice(), files.clone()), &empty);
        scans.push(scan.with_context(in_files)?.select(columns.clone()));
    }
    let frame = match scans.len() {
        1 => scans.remove(0),
        _ => concat(scans, UnionArgs::default())?,
    };
    // Of a copy, because the plan of a frame whose schema is known is another one.
    frame.clone().collect_schema()?;
    Ok(frame)
}

/// Returns the ranges of files that follow one another and have the same columns null.
fn alike(values: &[ArrayRef], files: usize) -> Vec<Range<usize>> {
    let is_alike = |one: usize, other| values.iter().all(|of| of.is_null(one) == of.is_null(other));
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for file in 0..files {
        match ranges.last_mut() {
            Some(range) if is_alike(range.start, file) => range.end = file + 1,
            _ => ranges.push(file..file + 1),
        }
    }
    ranges
}

/// Scans files that have the same columns null. `empty` has the types of all columns.
fn scan_files(
    opened: &Opened,
    source: &Source,
    (values, files): (&[ArrayRef], Range<usize>),
    empty: &DataFrame,
) -> Result<LazyFrame> {
    let path = |(name, _): &(String, _)| PlRefPath::try_from_path(source.within(name).path());
    let paths = opened.files[files.clone()].iter().map(path).collect::<Result<Vec<_>, _>>()?;
    // Parameters in the names of folders above the dataset, such as `n=1`, are neither patterns nor columns.
    let hive_options = HiveOptions::new_disabled();
    let args = ScanArgsParquet { glob: false, hive_options, ..Default::default() };
    let frame = LazyFrame::scan_parquet_files(paths.into(), args)?;
    let columns = opened.partition.iter().zip(values);
    let (null, known): (Vec<_>, Vec<_>) =
        columns.partition(|(_, values)| values.is_null(files.start));
    let known = known
        .into_iter()
        .map(|(field, values)| (Arc::clone(field), values.slice(files.start, files.len())));
    set_partition_columns(&frame, known.unzip(), files.len())?;
    let mut nulls = Vec::with_capacity(null.len());
    for (field, _) in null {
        let data_type = empty.column(field.name())?.dtype().clone();
        nulls.push(lit(Scalar::null(data_type)).alias(field.name().as_str()));
    }
    match nulls.is_empty() {
        true => Ok(frame),
        false => Ok(frame.with_columns(nulls)),
    }
}

/// Sets the partition columns of a scan of files: the fields, and the values, an item for each file.
///
/// The plan of a scan is made when it is needed for the first time, and is kept in the frame. So it is made here, and
/// completed.
fn set_partition_columns(
    frame: &LazyFrame,
    (fields, values): (Vec<FieldRef>, Vec<ArrayRef>),
    files: usize,
) -> Result<()> {
    frame.clone().collect_schema()?;
    let unknown = "this version of polars plans scans in another way";
    let DslPlan::Scan { cached_ir, .. } = &frame.logical_plan else { bail!(unknown) };
    let mut plan = cached_ir.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(IR::Scan { file_info, hive_parts, unified_scan_args, .. }) = plan.as_mut() else {
        bail!(unknown)
    };
    // As in a load, other columns than those of the first file do not matter.
    unified_scan_args.extra_columns_policy = ExtraColumnsPolicy::Ignore;
    if fields.is_empty() {
        return Ok(());
    }
    let schema = Arc::new(Schema::new(fields));
    let values = to_polars(&schema, Some(&batch_of(&schema, values, files)?))?;
    file_info.update_schema_with_hive_schema(Arc::clone(values.schema()));
    // The plan is made already, so polars does not evaluate this schema. But it takes scans with equal options for one, whatever
    // their partition columns are, and another target may read the same files with other types.
    unified_scan_args.hive_options.schema = Some(Arc::clone(values.schema()));
    *hive_parts = Some(values.into());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use arrow::array::{Int32Array, RecordBatch, StringArray};
    use arrow::datatypes::{DataType, Field};
    use flow_core::{Sink, Target};
    use polars::prelude::UnifiedScanArgs;
    use polars_plan::prelude::ArenaLpIter;

    use super::*;
    use crate::parquet::Parquet;

    #[test]
    fn scans_of_the_same_files_are_one_only_if_their_partition_columns_are_equal() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let of_year = folder.path().join("year=2024");
        fs::create_dir(&of_year)?;
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1]));
        let batch = RecordBatch::try_from_iter([("n", numbers)])?;
        let mut file = File::create(of_year.join("a.parquet"))?;
        <Parquet<RecordBatch>>::default().save(&batch, &mut Sink::new(&mut file))?;
        let options = |data_type| -> Result<UnifiedScanArgs> {
            let year = Arc::new(Field::new("year", data_type, true));
            let source = Source::file(folder.path());
            let plan = scan(&Opened::new(&source, None, &[year])?, &source)?.to_alp()?;
            let mut nodes = ArenaLpIter::iter(&plan.lp_arena, plan.lp_top);
            let options = nodes.find_map(|(_, node)| match node {
                IR::Scan { unified_scan_args, .. } => Some((**unified_scan_args).clone()),
                _ => None,
            });
            options.context("a scan")
        };
        assert_eq!(options(DataType::Int16)?, options(DataType::Int16)?);
        assert_ne!(options(DataType::Int16)?, options(DataType::Int64)?);
        Ok(())
    }

    #[test]
    fn files_with_the_same_columns_null_are_one_scan() {
        let year: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), Some(2), None, None, None]));
        let shop: ArrayRef =
            Arc::new(StringArray::from(vec![None, None, None, Some("a"), Some("b")]));
        assert_eq!(alike(&[year, shop], 5), [0..2, 2..3, 3..5]);
        assert_eq!(alike(&[], 3).len(), 1);
    }
}
