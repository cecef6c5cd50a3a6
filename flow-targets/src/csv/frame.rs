//! Scans a CSV file as a lazy frame of polars.
//!
//! The reader of polars gives other values than that of this crate: it does not tell quoted texts from bare ones, infers
//! types from the first lines, and reads what it does not know as null. So the file is read here, a batch at a time, into
//! a copy that polars scans.
//!
//! The columns have [the types that a load gives](super::typed).

use std::collections::HashMap;
use std::iter;
use std::sync::Arc;

use anyhow::Result;
use arrow::array::{
    Array, ArrayRef, AsArray, LargeStringArray, RecordBatch, RecordBatchOptions, StringArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use flow_core::Source;
use polars::prelude::{Expr, LazyFrame};

use super::columns::Reader;
use super::content::Content;
use super::options::Options;
use super::typed::{is_text, of_load};
use crate::frames::{scan_copy, to_polars};

/// Scans a file or, if there are names, these columns of it.
///
/// `known` returns the columns that the type of a row determines.
pub(super) fn scan(
    options: &Options,
    known: fn() -> Option<Vec<FieldRef>>,
    (source, content): (&Source, &Content),
    names: &[&str],
) -> Result<LazyFrame> {
    let known = known().unwrap_or_default();
    let typed = of_load(options, &known, content)?;
    let mut reader = match names {
        [] => Reader::open(&typed, content)?,
        names => Reader::of_columns(&typed, content, names)?,
    };
    let schema = Arc::clone(reader.schema());
    let columns: Vec<_> =
        schema.fields().iter().map(|field| Column::new(field, &known, &options.null)).collect();
    let fields: Vec<_> = columns.iter().map(|column| Arc::clone(&column.field)).collect();
    let copy: SchemaRef = Arc::new(Schema::new(fields));
    let batches = iter::from_fn(|| reader.batch().transpose());
    let batches = batches.map(|batch: Result<RecordBatch>| -> Result<RecordBatch> {
        let batch = batch?;
        let arrays =
            iter::zip(&columns, batch.columns()).map(|(column, array)| column.copied(array));
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let arrays = arrays.collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new_with_options(Arc::clone(&copy), arrays, &options)?)
    });
    let frame = scan_copy(source.path(), &copy, batches)?;
    // The copy has the texts of dictionaries.
    let types = to_polars(&schema, None)?;
    let mut dictionaries = Vec::new();
    for field in schema.fields() {
        if let DataType::Dictionary(..) = field.data_type() {
            let data_type = types.column(field.name())?.dtype().clone();
            let texts = Expr::Column(field.name().as_str().into());
            dictionaries.push(texts.strict_cast(data_type));
        }
    }
    Ok(match dictionaries.is_empty() {
        true => frame,
        false => frame.with_columns(dictionaries),
    })
}

/// A column of the copy.
struct Column {
    field: FieldRef,
    /// The text that stands for null, if the field of a row is a text that cannot be null: it is that text.
    null: Option<String>,
}

impl Column {
    /// Returns the copy of a column that is read.
    fn new(read: &FieldRef, known: &[FieldRef], null: &str) -> Self {
        let is_field = |field: &&FieldRef| field.name() == read.name();
        let of_row = known.iter().find(is_field);
        let is_never_null = of_row.is_some_and(|field| is_text(field) && !field.is_nullable());
        let field = match read.data_type() {
            // A file in Arrow IPC has one dictionary for all batches, and the batches have dictionaries of their own.
            DataType::Dictionary(_, values) => {
                let texts = Field::clone(read).with_data_type((**values).clone());
                Arc::new(texts.with_metadata(HashMap::new()))
            }
            _ => Arc::clone(read),
        };
        Self { field, null: (is_never_null && is_text(read)).then(|| null.to_owned()) }
    }

    fn copied(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let Some(null) = self.null.as_deref().filter(|_| array.null_count() > 0) else {
            return Ok(cast(array, self.field.data_type())?);
        };
        let texts: ArrayRef = match array.as_string_opt::<i32>() {
            Some(texts) => {
                let texts = texts.iter().map(|text| text.unwrap_or(null));
                Arc::new(StringArray::from_iter_values(texts))
            }
            None => {
                let texts = array.as_string::<i64>().iter().map(|text| text.unwrap_or(null));
                Arc::new(LargeStringArray::from_iter_values(texts))
            }
        };
        Ok(texts)
    }
}
