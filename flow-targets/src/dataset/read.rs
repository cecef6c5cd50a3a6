//! Reads the files of a dataset one after the other, and adds the partition columns.

use std::iter;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::concat_batches;
use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use flow_core::target::Partition;
use flow_core::{Pieces, Source};

use super::FORMAT;
use super::layout::{Noted, joined, noted};
use super::values::{inferred, parsed, repeated};
use crate::limit::Limit;
use crate::parquet::{PARTITIONS, read};
use crate::table::{Counted, Cut, Stored, Wanted, find, projected, width};

/// The files of a dataset, and their common columns.
#[derive(Clone)]
pub(super) struct Opened {
    /// All columns.
    pub(super) schema: SchemaRef,
    pub(super) files: Vec<(String, Partition)>,
    /// The columns that are read of each file.
    file: SchemaRef,
    /// The partition columns that are not in the files.
    pub(super) partition: Vec<FieldRef>,
    /// For each column its place among those of a file, or else among the partition columns.
    places: Vec<Result<usize, usize>>,
    /// The fields of a row, if no other columns have to be read.
    wanted: Option<Wanted>,
}

impl Opened {
    /// Reads the columns of the first file. `known` are the columns that the type of a row determines.
    ///
    /// # Errors
    ///
    /// There is no file, it cannot be read, or the files have different partition columns.
    pub(super) fn new(source: &Source, wanted: Option<Wanted>, known: &[FieldRef]) -> Result<Self> {
        let files = source.files()?.into_iter().map(|name| {
            let partition = Partition::of_path(&name);
            (name, partition)
        });
        let files: Vec<_> = files.collect();
        let (first, of_first) = match (files.first(), source.sample()) {
            (Some((name, partition)), _) => (name.clone(), partition.clone()),
            (None, Some(sample)) => (sample.to_owned(), Partition::of_path(sample)),
            (None, None) => bail!("there are no files in it"),
        };
        let names = |partition: &Partition| {
            partition.columns().map(|(column, _)| column.to_owned()).collect::<Vec<_>>()
        };
        let columns = names(&of_first);
        for (name, partition) in &files {
            ensure!(
                names(partition) == columns,
                "the files have different partition columns: `{first}` and `{name}`",
            );
        }
        let first = source.within(&first);
        // The partition columns of a row are not in the files.
        let wanted: Option<Wanted> = wanted.map(|wanted| {
            let is_inside =
                |names: &Vec<&str>| !names.iter().any(|name| of_first.text(name).is_some());
            wanted.into_iter().filter(is_inside).collect()
        });
        let file = read::stored(&first, Cut::Anywhere, None, None, wanted.as_ref())
            .with_context(|| format!("in the file {}", first.path().display()))?
            .schema;
        let mut of_note = match read::metadata(&first, PARTITIONS)? {
            Some(note) => noted(&note)?,
            None => Vec::new(),
        };
        let mut partition = Vec::new();
        for column in columns {
            if file.fields().iter().any(|field| *field.name() == column) {
                continue;
            }
            let found = of_note.iter().position(|noted| *noted.field.name() == column);
            partition.push(match found {
                Some(found) => of_note.swap_remove(found),
                None => {
                    let known = known.iter().find(|field| *field.name() == column);
                    let values =
                        files.iter().map(|(_, partition)| partition.text(&column).flatten());
                    let data_type = match known {
                        Some(known) => known.data_type().clone(),
                        None => inferred(values),
                    };
                    Noted {
                        place: usize::MAX,
                        field: Arc::new(Field::new(column, data_type, true)),
                    }
                }
            });
        }
        let (schema, places) = joined(&file, &partition);
        let partition = partition.into_iter().map(|noted| noted.field).collect();
        Ok(Self { schema, files, file, partition, places, wanted })
    }

    /// Returns the table, whose files are opened when they are read.
    pub(super) fn stored(self, source: &Source, cut: Cut, most: Option<u64>) -> Stored {
        let (schema, opened) = (Arc::clone(&self.schema), Arc::new(self));
        #[cfg(feature = "polars")]
        let scanned = Arc::clone(&opened);
        let open = move |source: &Source| Ok(opened.batches(source, cut));
        let stored = Stored::new(schema, source, FORMAT, open);
        #[cfg(feature = "polars")]
        let stored = stored.scanned_by(move |source| super::scan::scan(&scanned, source));
        stored.within(most)
    }

    fn batches(self: &Arc<Self>, source: &Source, cut: Cut) -> Pieces<RecordBatch> {
        let (opened, source) = (Arc::clone(self), source.clone());
        let each = (0..self.files.len()).map(move |place| {
            let file = source.within(&opened.files[place].0);
            let batches = opened.file(&file, place, cut);
            let in_file = move || format!("in the file {}", file.path().display());
            let batches = match batches {
                Ok(batches) => batches,
                Err(error) => Box::new(iter::once(Err(error))) as Pieces<RecordBatch>,
            };
            batches.map(move |batch| batch.with_context(&in_file))
        });
        Box::new(each.flatten())
    }

    /// Reads the batches of a file.
    fn file(
        self: &Arc<Self>,
        file: &Source,
        place: usize,
        cut: Cut,
    ) -> Result<Pieces<RecordBatch>> {
        let stored = read::stored(file, cut, None, None, self.wanted.as_ref())?;
        let columns = same_columns(&self.file, &stored.schema)?;
        let values = self.values(place)?;
        let opened = Arc::clone(self);
        Ok(Box::new(stored.batches()?.map(move |batch| {
            let batch = batch?;
            let rows = batch.num_rows();
            let column = |place: &Result<usize, usize>| match place {
                Ok(place) => Ok(Arc::clone(batch.column(columns[*place]))),
                Err(place) => repeated(&values[*place], rows),
            };
            let columns = opened.places.iter().map(column).collect::<Result<Vec<_>>>()?;
            batch_of(&opened.schema, columns, rows)
        })))
    }

    /// Returns the values of each partition column, with an item for each file.
    #[cfg(feature = "polars")]
    pub(super) fn partition_values(&self) -> Result<Vec<ArrayRef>> {
        let values = |field: &FieldRef| {
            let texts = self.files.iter().map(|(_, partition)| partition.text(field.name()));
            super::values::parsed_all(texts.map(Option::flatten), field)
        };
        self.partition.iter().map(values).collect()
    }

    /// Returns the values of the partition columns of a file, each as an array of one item.
    fn values(&self, place: usize) -> Result<Vec<ArrayRef>> {
        let partition = &self.files[place].1;
        let value = |field: &FieldRef| parsed(partition.text(field.name()).flatten(), field);
        self.partition.iter().map(value).collect()
    }

    /// Reads some columns of all files, in this order.
    pub(super) fn columns(
        &self,
        source: &Source,
        names: &[&str],
        limit: Limit,
    ) -> Result<RecordBatch> {
        let at = find(&self.schema, names)?;
        let schema = Arc::new(projected(&self.schema, &at)?);
        let places: Vec<_> = at.iter().map(|&at| self.places[at]).collect();
        let of_file: Vec<usize> = places.iter().filter_map(|place| place.ok()).collect();
        let expected = self.file.project(&of_file)?;
        let of_file: Vec<&str> =
            expected.fields().iter().map(|field| field.name().as_str()).collect();
        let mut counted = Counted::columns(Some(limit.table(0)), width(&schema));
        let mut batches = Vec::new();
        for (place, (name, _)) in self.files.iter().enumerate() {
            let file = source.within(name);
            let mut read = || {
                let batch = read::columns(&file, &of_file, limit)?;
                same_columns(&expected, batch.schema_ref())?;
                let (values, rows) = (self.values(place)?, batch.num_rows());
                let mut read = batch.columns().iter();
                let column = |place: &Result<usize, usize>| match place {
                    Ok(_) => read.next().cloned().context("a column of a file"),
                    Err(place) => repeated(&values[*place], rows),
                };
                let columns = places.iter().map(column).collect::<Result<Vec<_>>>()?;
                let batch = batch_of(&schema, columns, rows)?;
                counted.add(&batch).map(|()| batch)
            };
            let batch = read().with_context(|| format!("in the file {}", file.path().display()))?;
            batches.push(batch);
        }
        match batches.len() {
            1 => Ok(batches.remove(0)),
            _ => Ok(concat_batches(&schema, &batches)?),
        }
    }
}

/// Returns the batch with these columns, which may be none.
pub(super) fn batch_of(
    schema: &SchemaRef,
    columns: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

/// Returns the places of the expected columns among those of a file.
///
/// # Errors
///
/// A column is missing, or has another type.
fn same_columns(expected: &Schema, found: &Schema) -> Result<Vec<usize>> {
    let names: Vec<&str> = expected.fields().iter().map(|field| field.name().as_str()).collect();
    let places = find(found, &names).context("the files have different columns")?;
    for (expected, &place) in expected.fields().iter().zip(&places) {
        let found = found.field(place);
        let is_same = found.data_type() == expected.data_type()
            && (expected.is_nullable() || !found.is_nullable());
        ensure!(
            is_same,
            "the files have different columns: `{}` is {}, and in the first file {}",
            found.name(),
            described(found),
            described(expected),
        );
    }
    Ok(places)
}

fn described(field: &Field) -> String {
    let nulls = if field.is_nullable() { "" } else { " without nulls" };
    format!("{}{nulls}", field.data_type())
}
