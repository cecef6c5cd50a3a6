//! Reads lines into batches.

use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};

use super::super::content::Content;
use super::super::options::Options;
use super::super::scan::{Block, Scanner};
use super::build::{Build, builder};
use super::infer;

/// How many lines are parsed at a time.
const LINES: usize = 8192;

/// How many bytes of the file fill a batch of a stream, if fewer than [`LINES`] lines have them.
const BYTES: usize = 4 << 20;

/// Reads all columns of a file, or some of them.
pub(in super::super) struct Reader {
    scanner: Scanner,
    schema: SchemaRef,
    columns: Vec<Column>,
}

struct Column {
    /// The index among the columns of the file.
    index: usize,
    name: String,
    array: Box<dyn Build>,
}

/// Returns the schema of the batches of a file: the given one, or the one inferred from its text.
pub(in super::super) fn schema(options: &Options, content: &Content) -> Result<SchemaRef> {
    let (mut scanner, names) = open(options, content)?;
    if let Some(schema) = &options.schema {
        ensure!(!schema.fields().is_empty(), "the file has no columns");
        return Ok(schema.clone());
    }
    let types = infer::types(&mut scanner, names.as_ref().map(Vec::len))?;
    ensure!(!types.is_empty(), "the file has no columns");
    let names = names.unwrap_or_else(|| (1..=types.len()).map(|i| format!("column_{i}")).collect());
    let fields = names.into_iter().zip(types).map(|(name, of)| Field::new(name, of, true));
    Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

/// Opens a file and reads its header, whose names must be those of a given schema.
///
/// Returns a scanner of the lines after the header, and the names.
fn open(options: &Options, content: &Content) -> Result<(Scanner, Option<Vec<String>>)> {
    let mut scanner = options.scanner(content)?;
    let known = options.schema.as_ref();
    let names = if options.header {
        let Some(header) = scanner.block(1)? else {
            bail!("the file is empty, without the names of the columns");
        };
        Some(header.row(0).map(|cell| cell.text.into_owned()).collect::<Vec<_>>())
    } else {
        known.into_iter().for_each(|schema| scanner.expect(schema.fields().len()));
        None
    };
    if let (Some(schema), Some(names)) = (known, &names) {
        let expected: Vec<_> = schema.fields().iter().map(|field| field.name()).collect();
        ensure!(
            names.iter().eq(expected.iter().copied()),
            "the columns are {names:?}, and the schema given has {expected:?}",
        );
    }
    Ok((scanner, names))
}

/// Returns the indices of the columns with these names.
fn find(schema: &Schema, names: &[&str]) -> Result<Vec<usize>> {
    let mut indices = Vec::new();
    for name in names {
        let fields = schema.fields();
        let mut at = (0..fields.len()).filter(|&i| fields[i].name() == name);
        let Some(index) = at.next() else {
            let there: Vec<_> = fields.iter().map(|field| format!("`{}`", field.name())).collect();
            bail!("there is no column `{name}`, but {}", there.join(", "));
        };
        ensure!(at.next().is_none(), "there are several columns `{name}`");
        ensure!(!indices.contains(&index), "column `{name}` is asked for twice");
        indices.push(index);
    }
    Ok(indices)
}

impl Reader {
    pub(in super::super) fn open(options: &Options, content: &Content) -> Result<Self> {
        let schema = schema(options, content)?;
        let all = (0..schema.fields().len()).collect();
        Self::of(options, content, &schema, all)
    }

    /// Opens a file to read only the columns with these names, in this order.
    pub(in super::super) fn of_columns(
        options: &Options,
        content: &Content,
        names: &[&str],
    ) -> Result<Self> {
        let schema = schema(options, content)?;
        let indices = find(&schema, names)?;
        Self::of(options, content, &schema, indices)
    }

    fn of(
        options: &Options,
        content: &Content,
        schema: &Schema,
        indices: Vec<usize>,
    ) -> Result<Self> {
        let (mut scanner, _) = open(options, content)?;
        scanner.expect(schema.fields().len());
        let schema = Arc::new(schema.project(&indices)?);
        let column = |(index, field): (usize, &Arc<Field>)| Column {
            index,
            name: field.name().clone(),
            array: builder(field),
        };
        let columns = indices.into_iter().zip(schema.fields()).map(column).collect();
        Ok(Self { scanner, schema, columns })
    }

    /// Returns the schema of the batches.
    #[cfg(feature = "polars")]
    pub(in super::super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Reads all rows into one batch.
    pub(in super::super) fn whole(mut self) -> Result<RecordBatch> {
        let rows = self.append(|_, _| ControlFlow::Continue(()))?;
        self.finish(rows)
    }

    /// Reads the next batch, or returns `None` at the end of the file.
    pub(in super::super) fn batch(&mut self) -> Result<Option<RecordBatch>> {
        let rows = self.append(|rows, bytes| {
            let full = rows >= LINES || bytes >= BYTES;
            if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if rows == 0 { Ok(None) } else { self.finish(rows).map(Some) }
    }

    /// Parses lines until `enough` breaks or none are left, and returns the number of rows.
    ///
    /// The arguments of `enough` are the rows and bytes parsed so far.
    fn append(&mut self, enough: impl Fn(usize, usize) -> ControlFlow<()>) -> Result<usize> {
        let (mut rows, mut bytes) = (0, 0);
        while let Some(block) = self.scanner.block(LINES - rows % LINES)? {
            self.columns.iter_mut().try_for_each(|column| column.append(&block))?;
            rows += block.rows();
            bytes += block.bytes();
            if enough(rows, bytes).is_break() {
                break;
            }
        }
        Ok(rows)
    }

    fn finish(&mut self, rows: usize) -> Result<RecordBatch> {
        let mut arrays = Vec::new();
        for column in &mut self.columns {
            let array = column.array.finish();
            arrays.push(array.with_context(|| format!("column `{}`", column.name))?);
        }
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?)
    }
}

impl Column {
    fn append(&mut self, block: &Block<'_>) -> Result<()> {
        self.array.append(block, self.index).map_err(|misfit| {
            let line = block.line(misfit.row, self.index);
            misfit.what.context(format!("line {line}, column `{}`", self.name))
        })
    }
}
