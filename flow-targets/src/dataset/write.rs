//! Writes tables, divided into the files of their partitions.
//!
//! A table in memory is divided as a whole, so that each partition has one file and one file is open at a time. A stream is
//! divided batch by batch, and the files of several partitions are open.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take, take_record_batch};
use arrow::row::{Row, RowConverter, SortField};
use flow_core::target::{FolderFile, Partition, SinkFolder};
use parquet::arrow::arrow_writer::ArrowWriter;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::Dataset;
use super::layout::Layout;
use super::values::texts;
use crate::parquet::PARTITIONS;
use crate::parquet::write::{check, properties};

/// The most files of a stream that are open at a time.
const MOST_OPEN: usize = 128;

/// The most bytes that the rows of open files take in memory, about.
const BUDGET: usize = 64 << 20;

/// The longest name of a folder, in bytes: that of most file systems.
const LONGEST: usize = 255;

pub(super) fn write<T>(target: &Dataset<T>, value: &T, folder: &mut SinkFolder) -> Result<()> {
    let way = &target.file.way;
    let properties = properties(&target.file)?;
    let table = (way.batches)(value)?;
    let layout = Layout::new(&table.schema, &target.partition_by)?;
    check(&table.schema)?;
    let mut files = Files::new(folder, &layout, properties);
    if way.stream {
        for batch in table.each {
            files.add(&batch?)?;
        }
        return files.finish();
    }
    // A table that cannot be loaded again is not saved.
    let mut counted = way.counted(Some(target.file.limit.table(0)), &table.schema);
    let mut batches = Vec::new();
    for batch in table.each {
        let batch = batch?;
        (way.check_back)(&batch)?;
        counted.add(&batch)?;
        batches.push(batch);
    }
    files.add_whole(&concat_batches(&table.schema, &batches)?)?;
    files.finish()
}

/// The files of a dataset while they are written.
struct Files<'a> {
    folder: &'a mut SinkFolder,
    layout: &'a Layout,
    properties: WriterProperties,
    note: String,
    open: HashMap<Partition, Open>,
    /// How many files each partition has.
    counts: HashMap<Partition, u32>,
    /// How many times rows were written.
    writes: u64,
}

struct Open {
    writer: ArrowWriter<FolderFile>,
    /// The number of the last write.
    used: u64,
}

impl<'a> Files<'a> {
    fn new(folder: &'a mut SinkFolder, layout: &'a Layout, properties: WriterProperties) -> Self {
        let (open, counts) = (HashMap::new(), HashMap::new());
        Self { folder, layout, properties, note: layout.note(), open, counts, writes: 0 }
    }

    /// Adds all rows of a table: the file of a partition is closed before that of the next one is created.
    fn add_whole(&mut self, table: &RecordBatch) -> Result<()> {
        let file = table.project(&self.layout.rest)?;
        for (partition, rows) in groups(self.layout, table)? {
            let rows = take_record_batch(&file, &rows)?;
            let mut open = self.create(&partition)?;
            open.writer.write(&rows)?;
            self.close(open)?;
        }
        Ok(())
    }

    /// Adds a batch of a stream.
    fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let file = batch.project(&self.layout.rest)?;
        for (partition, rows) in groups(self.layout, batch)? {
            let rows = match rows.len() == batch.num_rows() {
                true => file.clone(),
                false => take_record_batch(&file, &rows)?,
            };
            if !self.open.contains_key(&partition) {
                self.make_room()?;
                let created = self.create(&partition)?;
                self.open.insert(partition.clone(), created);
            }
            let open = self.open.get_mut(&partition).context("the file of a partition")?;
            self.writes += 1;
            open.used = self.writes;
            open.writer.write(&rows)?;
        }
        self.flush()
    }

    /// Creates the next file of a partition.
    fn create(&mut self, partition: &Partition) -> Result<Open> {
        let folders = partition.to_string();
        let count = self.counts.entry(partition.clone()).or_default();
        let name = match folders.as_str() {
            "" => format!("part-{count}.parquet"),
            folders => format!("{folders}/part-{count}.parquet"),
        };
        *count += 1;
        let (file, schema) = (self.folder.create(&name)?, Arc::clone(&self.layout.file));
        let writer = ArrowWriter::try_new(file, schema, Some(self.properties.clone()))?;
        Ok(Open { writer, used: 0 })
    }

    fn close(&mut self, Open { mut writer, .. }: Open) -> Result<()> {
        writer.append_key_value_metadata(KeyValue::new(PARTITIONS.to_owned(), self.note.clone()));
        Ok(self.folder.finish(writer.into_inner()?)?)
    }

    /// Closes the file that was written the longest time ago, if too many are open.
    fn make_room(&mut self) -> Result<()> {
        if self.open.len() < MOST_OPEN {
            return Ok(());
        }
        let oldest = self.open.iter().min_by_key(|(_, open)| open.used);
        let oldest = oldest.map(|(partition, _)| partition.clone());
        match oldest.and_then(|partition| self.open.remove(&partition)) {
            Some(open) => self.close(open),
            None => Ok(()),
        }
    }

    /// Ends the row groups that take the most memory, until all take half of what they may.
    fn flush(&mut self) -> Result<()> {
        let mut sizes: Vec<_> =
            self.open.values_mut().map(|open| (open.writer.memory_size(), open)).collect();
        let mut sum: usize = sizes.iter().map(|(size, _)| size).sum();
        if sum <= BUDGET {
            return Ok(());
        }
        // Files of equal sizes are distinguished by their last write, so that equal streams give equal files.
        sizes.sort_by_key(|(size, open)| (std::cmp::Reverse(*size), open.used));
        for (size, open) in sizes {
            if sum <= BUDGET / 2 {
                break;
            }
            open.writer.flush()?;
            sum = sum.saturating_sub(size);
        }
        Ok(())
    }

    /// Closes all files. A table without rows has one file, with all columns, so that their types are known.
    fn finish(mut self) -> Result<()> {
        let mut open: Vec<_> = self.open.drain().collect();
        open.sort_by_key(|(_, open)| open.used);
        for (_, open) in open {
            self.close(open)?;
        }
        if !self.counts.is_empty() {
            return Ok(());
        }
        let (file, schema) =
            (self.folder.create("part-0.parquet")?, Arc::clone(&self.layout.schema));
        let writer = ArrowWriter::try_new(file, schema, Some(self.properties))?;
        Ok(self.folder.finish(writer.into_inner()?)?)
    }
}

/// Returns the partitions that occur in a table, in the order of their first rows, and the positions of their rows.
fn groups(layout: &Layout, table: &RecordBatch) -> Result<Vec<(Partition, UInt64Array)>> {
    if table.num_rows() == 0 {
        return Ok(Vec::new());
    }
    if layout.partition.is_empty() {
        let rows = UInt64Array::from_iter_values(0..table.num_rows() as u64);
        return Ok(vec![(Partition::default(), rows)]);
    }
    let columns: Vec<ArrayRef> =
        layout.partition.iter().map(|&place| Arc::clone(table.column(place))).collect();
    let fields = columns.iter().map(|column| SortField::new(column.data_type().clone()));
    let keys = RowConverter::new(fields.collect())?.convert_columns(&columns)?;
    let mut places: HashMap<Row<'_>, usize> = HashMap::new();
    let mut groups: Vec<Vec<u64>> = Vec::new();
    let mut last: Option<(Row<'_>, usize)> = None;
    for (row, key) in (0..).zip(keys.iter()) {
        // Rows of a partition often follow one another.
        let place = match last {
            Some((before, place)) if before == key => place,
            _ => *places.entry(key).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            }),
        };
        last = Some((key, place));
        groups[place].push(row);
    }
    let first = UInt64Array::from_iter_values(groups.iter().map(|rows| rows[0]));
    let mut partitions = vec![Partition::default(); groups.len()];
    for (&place, column) in layout.partition.iter().zip(&columns) {
        let field = layout.schema.field(place);
        let values = texts(field, &take(column, &first, None)?)?;
        for (partition, value) in partitions.iter_mut().zip(values) {
            *partition = std::mem::take(partition).with(field.name().clone(), value.as_deref());
        }
    }
    partitions.iter().try_for_each(check_name)?;
    Ok(partitions.into_iter().zip(groups.into_iter().map(UInt64Array::from)).collect())
}

/// Returns an error if the values do not come back from the names of the folders.
fn check_name(partition: &Partition) -> Result<()> {
    let folders = partition.to_string();
    let is_read = Partition::of_path(&format!("{folders}/part-0.parquet")) == *partition;
    ensure!(
        is_read,
        "a partition column has the text `__HIVE_DEFAULT_PARTITION__`, which stands for null in the name of a folder",
    );
    let longest = folders.split('/').max_by_key(|name| name.len()).unwrap_or_default();
    ensure!(
        longest.len() <= LONGEST,
        "the value of a partition column is too long for the name of a folder, which has {LONGEST} bytes at most: \
         `{}...`",
        &longest[..64],
    );
    Ok(())
}
