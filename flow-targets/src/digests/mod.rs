//! Digests of the columns of a table, for [`ColumnDigests`].
//!
//! A column is hashed while its batches are written, in a form that does not depend on where the batches are cut:
//!
//! - the type, whether nulls are allowed, and the metadata of the field and of the schema;
//! - the ranges of rows that are not null;
//! - the values of these rows: fixed-width values as they are in memory, texts and bytes one after the other with their
//!   lengths, lists by their lengths and the column of their items. What is in memory below a null does not count.
//!
//! A dictionary is hashed as it is in memory: its keys, and its values wherever these change from one batch to the next.
//! A reader of an Arrow IPC file sees the values that no row uses, and their order. So a dictionary with other values is
//! another column, even if the rows are equal.
//!
//! Unions, run-end encoded columns and list views have no digest. A task that reads such a column depends on the whole
//! file.
//!
//! The *shape* of a table is its number of rows, and the names, types and metadata of all columns in their order: what a
//! query may see of columns that it does not read. Any column type has a place in it.
//!
//! pandas writes a description of all columns into the metadata of the schema. It is not part of the digest of one column,
//! and [`load_columns`](flow_core::Columnar::load_columns) leaves it out: otherwise a new column would change all others.

mod describe;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use arrow::array::{Array, ArrayRef, AsArray, GenericByteArray, GenericByteViewArray, RecordBatch};
use arrow::datatypes::{
    ArrowNativeType, ByteArrayType, ByteViewType, DataType, FieldRef, SchemaRef,
};
use flow_core::Digest;
use flow_core::target::{ColumnDigests, ColumnHasher};

use describe::{describe, described_metadata_of_schema};

/// The key of the description of all columns by pandas, in the metadata of a schema.
pub(crate) const PANDAS: &str = "pandas";

/// How many bytes are collected before they are hashed: hashing few bytes at a time is slow.
const BUFFER: usize = 16 * 1024;

/// From how many bytes on they are hashed without being copied first.
const DIRECT: usize = 4 * 1024;

/// The digests of the columns of a table whose batches are added one after the other.
pub(crate) struct Digests {
    schema: SchemaRef,
    columns: Vec<Option<Column>>,
    rows: u64,
}

impl Digests {
    pub(crate) fn new(schema: &SchemaRef) -> Self {
        let columns = schema.fields().iter().map(|field| Column::new(field.data_type()));
        Self { columns: columns.collect(), schema: Arc::clone(schema), rows: 0 }
    }

    /// Adds a batch with the schema of the table.
    pub(crate) fn add(&mut self, batch: &RecordBatch) {
        for (column, array) in self.columns.iter_mut().zip(batch.columns()) {
            if let Some(column) = column {
                column.add(array);
            }
        }
        self.rows += batch.num_rows() as u64;
    }

    /// Returns the digests of a whole table: those of its columns, and of its shape.
    #[cfg(any(feature = "arrow", feature = "parquet", test))]
    pub(crate) fn finish(self) -> ColumnDigests {
        let shape = shape(&self.schema, self.rows);
        self.of_columns().with_shape(shape)
    }

    /// Returns the digests of the columns. A name that several columns have is left out, because no column is found by it.
    fn of_columns(self) -> ColumnDigests {
        let metadata = described_metadata_of_schema(self.schema.metadata());
        let fields = self.schema.fields();
        let mut named: HashMap<&str, usize> = HashMap::new();
        fields.iter().for_each(|field| *named.entry(field.name()).or_default() += 1);
        let digest = |(field, column): (&FieldRef, Option<Column>)| {
            let values = column.filter(|_| named.get(field.name().as_str()) == Some(&1))?.finish();
            let mut described = metadata.clone();
            describe(field, &mut described);
            let mut hasher = ColumnHasher::new();
            hasher.update(&(described.len() as u64).to_le_bytes());
            hasher.update(described.as_bytes());
            add_digest(&mut hasher, values);
            Some((field.name().clone(), hasher.digest()))
        };
        fields.iter().zip(self.columns).filter_map(digest).collect()
    }
}

/// Returns the digests of the columns of a batch, which may be some columns of a table.
pub(crate) fn of_batch(batch: &RecordBatch) -> ColumnDigests {
    let mut digests = Digests::new(batch.schema_ref());
    digests.add(batch);
    digests.of_columns()
}

/// Returns the digest of the shape of a table: its number of rows, and its columns in their order, without their values.
#[cfg(any(feature = "arrow", feature = "parquet", test))]
pub(crate) fn shape(schema: &SchemaRef, rows: u64) -> Digest {
    let mut described = described_metadata_of_schema(schema.metadata());
    for field in schema.fields() {
        described.push('\n');
        describe(field, &mut described);
    }
    let mut hasher = ColumnHasher::new();
    hasher.update(b"shape\n");
    hasher.update(&rows.to_le_bytes());
    hasher.update(described.as_bytes());
    hasher.digest()
}

/// Returns the digests of some columns of a file. `load` reads columns; names without a column are left out.
pub(crate) fn of_file(
    names: &[&str],
    load: impl Fn(&[&str]) -> Result<RecordBatch>,
) -> Result<Option<ColumnDigests>> {
    if let Ok(batch) = load(names) {
        return Ok(Some(of_batch(&batch)));
    }
    let each = names.iter().filter_map(|name| load(&[*name]).ok());
    let digests: Vec<_> = each
        .flat_map(|batch| {
            let digests = of_batch(&batch);
            digests.iter().map(|(name, digest)| (name.to_owned(), digest)).collect::<Vec<_>>()
        })
        .collect();
    Ok(Some(digests.into_iter().collect()))
}

/// Returns the digests of columns that were read in two ways. Each covers both; a column that was read in one way is left
/// out.
#[cfg(feature = "csv")]
pub(crate) fn of_both(one: &ColumnDigests, other: &ColumnDigests) -> ColumnDigests {
    let of_both = one.iter().filter_map(|(name, digest)| {
        let mut hasher = ColumnHasher::new();
        add_digest(&mut hasher, digest);
        add_digest(&mut hasher, other.get(name)?);
        Some((name.to_owned(), hasher.digest()))
    });
    of_both.collect()
}

/// The values of a column so far.
struct Column {
    rows: u64,
    /// The ranges of rows that are not null.
    valid: Ranges,
    values: Buffered,
    /// The lengths of texts, bytes and lists, or the values of a dictionary with the row from which they hold.
    lengths: Buffered,
    /// The columns of list items, of the fields of a struct, or of the keys of a dictionary.
    children: Vec<Column>,
    /// The values of the dictionary in the last batch.
    dictionary: Option<ArrayRef>,
}

impl Column {
    /// Creates a column without rows. `None` if columns of this type have no digest.
    fn new(data_type: &DataType) -> Option<Self> {
        use DataType as Type;
        let children = match data_type {
            Type::List(item)
            | Type::LargeList(item)
            | Type::FixedSizeList(item, _)
            | Type::Map(item, _) => vec![Self::new(item.data_type())?],
            Type::Struct(fields) => {
                fields.iter().map(|field| Self::new(field.data_type())).collect::<Option<_>>()?
            }
            Type::Dictionary(keys, values) => {
                Self::new(values)?;
                vec![Self::new(keys)?]
            }
            Type::Null
            | Type::Boolean
            | Type::Utf8
            | Type::LargeUtf8
            | Type::Utf8View
            | Type::Binary
            | Type::LargeBinary
            | Type::BinaryView
            | Type::FixedSizeBinary(_) => Vec::new(),
            other => {
                other.primitive_width()?;
                Vec::new()
            }
        };
        Some(Self {
            rows: 0,
            valid: Ranges::default(),
            values: Buffered::default(),
            lengths: Buffered::default(),
            children,
            dictionary: None,
        })
    }

    /// Adds the rows of an array of the column's type.
    fn add(&mut self, array: &dyn Array) {
        if let Some(dictionary) = array.as_any_dictionary_opt() {
            self.add_dictionary(dictionary.values());
        }
        let fixed = array.data_type().primitive_width().map(|width| (width, array.to_data()));
        let fixed = fixed
            .as_ref()
            .map(|(width, data)| (*width, &data.buffers()[0].as_slice()[data.offset() * width..]));
        match array.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => self.add_range(array, fixed, (0, array.len())),
            Some(nulls) => {
                for range in nulls.valid_slices() {
                    self.add_range(array, fixed, range);
                }
            }
        }
        self.rows += array.len() as u64;
    }

    fn add_dictionary(&mut self, values: &ArrayRef) {
        let is_same = |last: &ArrayRef| Arc::ptr_eq(last, values) || **last == **values;
        if self.dictionary.as_ref().is_some_and(is_same) {
            return;
        }
        if let Some(mut column) = Self::new(values.data_type()) {
            column.add(values);
            self.lengths.update(&self.rows.to_le_bytes());
            self.lengths.update(column.finish().to_string().as_bytes());
        }
        self.dictionary = Some(Arc::clone(values));
    }

    /// Adds rows of an array that are not null. `fixed` is the width and the bytes of values of fixed width.
    fn add_range(
        &mut self,
        array: &dyn Array,
        fixed: Option<(usize, &[u8])>,
        (start, end): (usize, usize),
    ) {
        use DataType as Type;
        if start == end {
            return;
        }
        self.valid.add(self.rows + start as u64, self.rows + end as u64);
        if let Some((width, bytes)) = fixed {
            return self.values.update(&bytes[start * width..end * width]);
        }
        let rows = end - start;
        match array.data_type() {
            Type::Boolean => {
                let values = array.as_boolean().values();
                (start..end).for_each(|row| self.values.update(&[u8::from(values.value(row))]));
            }
            Type::Utf8 => self.add_bytes(array.as_string::<i32>(), start, end),
            Type::LargeUtf8 => self.add_bytes(array.as_string::<i64>(), start, end),
            Type::Binary => self.add_bytes(array.as_binary::<i32>(), start, end),
            Type::LargeBinary => self.add_bytes(array.as_binary::<i64>(), start, end),
            Type::Utf8View => self.add_views(array.as_string_view(), start, end),
            Type::BinaryView => self.add_views(array.as_binary_view(), start, end),
            Type::FixedSizeBinary(_) => {
                let values = array.as_fixed_size_binary();
                (start..end).for_each(|row| self.values.update(values.value(row)));
            }
            Type::List(_) => {
                let list = array.as_list::<i32>();
                self.add_list(list.values(), &list.value_offsets()[start..=end]);
            }
            Type::LargeList(_) => {
                let list = array.as_list::<i64>();
                self.add_list(list.values(), &list.value_offsets()[start..=end]);
            }
            Type::Map(..) => {
                let map = array.as_map();
                self.add_list(map.entries(), &map.value_offsets()[start..=end]);
            }
            Type::FixedSizeList(_, length) => {
                let length = usize::try_from(*length).unwrap_or(0);
                let items = array.as_fixed_size_list().values();
                self.children[0].add(&*items.slice(start * length, rows * length));
            }
            Type::Struct(_) => {
                let fields = array.as_struct().columns();
                for (child, field) in self.children.iter_mut().zip(fields) {
                    child.add(&*field.slice(start, rows));
                }
            }
            Type::Dictionary(..) => {
                let keys = array.as_any_dictionary().keys();
                self.children[0].add(&*keys.slice(start, rows));
            }
            // `new` has refused the others, and a column of type `Null` has no values.
            _ => {}
        }
    }

    fn add_bytes<T: ByteArrayType>(
        &mut self,
        array: &GenericByteArray<T>,
        start: usize,
        end: usize,
    ) {
        let offsets = &array.value_offsets()[start..=end];
        let (from, to) = (offsets[0].as_usize(), offsets[end - start].as_usize());
        self.values.update(&array.value_data()[from..to]);
        self.add_lengths(offsets);
    }

    fn add_views<T: ByteViewType>(
        &mut self,
        array: &GenericByteViewArray<T>,
        start: usize,
        end: usize,
    ) {
        for row in start..end {
            let value: &[u8] = array.value(row).as_ref();
            self.values.update(value);
            self.lengths.update(&(value.len() as u64).to_le_bytes());
        }
    }

    fn add_list<O: ArrowNativeType>(&mut self, items: &dyn Array, offsets: &[O]) {
        let (from, to) = (offsets[0].as_usize(), offsets[offsets.len() - 1].as_usize());
        self.children[0].add(&*items.slice(from, to - from));
        self.add_lengths(offsets);
    }

    fn add_lengths<O: ArrowNativeType>(&mut self, offsets: &[O]) {
        for pair in offsets.windows(2) {
            let length = (pair[1].as_usize() - pair[0].as_usize()) as u64;
            self.lengths.update(&length.to_le_bytes());
        }
    }

    fn finish(self) -> Digest {
        let Self { rows, valid, values, lengths, children, .. } = self;
        let mut hasher = ColumnHasher::new();
        hasher.update(&rows.to_le_bytes());
        add_digest(&mut hasher, valid.finish());
        add_digest(&mut hasher, values.finish());
        add_digest(&mut hasher, lengths.finish());
        children.into_iter().for_each(|child| add_digest(&mut hasher, child.finish()));
        hasher.digest()
    }
}

fn add_digest(hasher: &mut ColumnHasher, digest: Digest) {
    hasher.update(digest.to_string().as_bytes());
}

/// Ranges of rows, joined where one ends and the next begins.
#[derive(Default)]
struct Ranges {
    /// The last range, which the next one may continue.
    open: Option<(u64, u64)>,
    closed: Buffered,
}

impl Ranges {
    fn add(&mut self, start: u64, end: u64) {
        self.open = match self.open {
            Some((from, to)) if to == start => Some((from, end)),
            before => {
                self.close(before);
                Some((start, end))
            }
        };
    }

    fn close(&mut self, range: Option<(u64, u64)>) {
        if let Some((start, end)) = range {
            self.closed.update(&start.to_le_bytes());
            self.closed.update(&end.to_le_bytes());
        }
    }

    fn finish(mut self) -> Digest {
        self.close(self.open);
        self.closed.finish()
    }
}

/// Bytes that are hashed many at a time.
#[derive(Default)]
struct Buffered {
    hasher: ColumnHasher,
    buffer: Vec<u8>,
}

impl Buffered {
    fn update(&mut self, bytes: &[u8]) {
        if bytes.len() >= DIRECT {
            self.flush();
            self.hasher.update(bytes);
            return;
        }
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.hasher.update(&self.buffer);
        self.buffer.clear();
    }

    fn finish(mut self) -> Digest {
        self.flush();
        self.hasher.digest()
    }
}
