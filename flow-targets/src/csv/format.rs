//! The implementation shared by [`Csv`](super::Csv) and [`CsvGz`](super::CsvGz).

use std::io::Write;

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use flow_core::Pieces;
use flow_core::target::{ColumnDigests, Description};

use super::columns::Reader;
use super::content::Content;
use super::describe::describe;
use super::options::Options;
use super::sheet::{Sheet, Way};
use super::typed::of_load;
use crate::digests;

/// The options of a target, and the functions that convert values of its type to cells.
pub(super) struct Format<T> {
    pub(super) options: Options,
    way: Way<T>,
}

impl<T> Format<T> {
    pub(super) fn of<W>() -> Self
    where
        T: Sheet<W>,
    {
        Self { options: Options::default(), way: Way::of::<W>() }
    }

    /// Returns whether a value is a stream, which is read later and never in memory as a whole.
    #[cfg(feature = "csv-gz")]
    pub(super) fn is_stream(&self) -> bool {
        self.way.stream
    }

    pub(super) fn check_type(&self) -> Result<()> {
        (self.way.check_type)(&self.options)
    }

    pub(super) fn write(&self, value: &T, sink: &mut dyn Write) -> Result<()> {
        let mut cells = self.options.writer(sink)?;
        (self.way.write)(value, &self.options, &mut cells)?;
        cells.finish()
    }

    pub(super) fn read(&self, content: &Content) -> Result<T> {
        (self.way.read)(&self.options, content).with_context(|| content.unreadable())
    }

    pub(super) fn describe(&self, content: &Content, target: &str) -> Result<Description> {
        describe(&self.options, self.way.columns, content, target)
            .with_context(|| content.unreadable())
    }

    pub(super) fn read_columns(&self, content: &Content, names: &[&str]) -> Result<RecordBatch> {
        Reader::of_columns(&self.options, content, names)
            .and_then(Reader::whole)
            .with_context(|| content.unreadable())
    }

    /// Returns the digests of some columns. Names without a column are left out.
    ///
    /// A scan reads the cells as the fields of a row, and [`read_columns`](Self::read_columns) by what their text shows:
    /// `1.0` and `1.00` are two texts, and one number. So the digest of a column of rows covers both.
    pub(super) fn column_digests(
        &self,
        content: &Content,
        names: &[&str],
    ) -> Result<Option<ColumnDigests>> {
        let shown = digests::of_file(names, |names| self.read_columns(content, names))?;
        let Some(known) = (self.way.columns)() else { return Ok(shown) };
        let options = of_load(&self.options, &known, content)?;
        let typed = digests::of_file(names, |names| {
            Reader::of_columns(&options, content, names).and_then(Reader::whole)
        })?;
        Ok(shown.zip(typed).map(|(shown, typed)| digests::of_both(&shown, &typed)))
    }

    /// Scans a file or, if there are names, these columns of it.
    #[cfg(feature = "polars")]
    pub(super) fn scan(
        &self,
        source: &flow_core::Source,
        content: &Content,
        names: &[&str],
    ) -> Result<polars::prelude::LazyFrame> {
        super::frame::scan(&self.options, self.way.columns, (source, content), names)
            .with_context(|| content.unreadable())
    }

    pub(super) fn stream(&self, content: &Content) -> Result<Pieces<RecordBatch>> {
        batches(&self.options, content)
    }
}

impl<T> Clone for Format<T> {
    fn clone(&self) -> Self {
        Self { options: self.options.clone(), way: self.way }
    }
}

/// Returns the batches of a file. After an error, the iterator ends.
pub(super) fn batches(options: &Options, content: &Content) -> Result<Pieces<RecordBatch>> {
    let content = content.clone();
    let reader = Reader::open(options, &content).with_context(|| content.unreadable())?;
    let mut reader = Some(reader);
    Ok(Box::new(std::iter::from_fn(move || {
        let batch = reader.as_mut()?.batch().with_context(|| content.unreadable());
        if batch.is_err() {
            reader = None;
        }
        batch.transpose()
    })))
}

/// Defines the methods that set options, for a target with a field `format` of type [`Format`].
macro_rules! setters {
    () => {
        /// Sets the delimiter between cells, such as `','`, `';'` or `b'\t'`.
        ///
        /// A character that may be part of a number is an error when saving and loading.
        #[must_use]
        pub fn delimiter(mut self, delimiter: impl Into<char>) -> Self {
            self.format.options.delimiter = delimiter.into();
            self
        }

        /// Sets whether the first line has the names of the columns, `true` by default.
        ///
        /// Without a header, the fields of rows are matched by position, and columns without a
        /// schema are named `column_1`, `column_2` and so on.
        #[must_use]
        pub fn header(mut self, header: bool) -> Self {
            self.format.options.header = header;
            self
        }

        /// Sets the text that stands for null when it is not quoted, empty by default.
        #[must_use]
        pub fn null(mut self, text: impl Into<String>) -> Self {
            self.format.options.null = text.into();
            self
        }

        /// Sets the schema of record batches, so that their columns come back with these types.
        ///
        /// Rows ignore this option, since their types come from the struct.
        #[must_use]
        pub fn schema(mut self, schema: impl Into<::arrow::datatypes::SchemaRef>) -> Self {
            self.format.options.schema = Some(schema.into());
            self
        }

        /// Sets whether the last line must have a line end, `true` by default.
        ///
        /// A missing line end shows that a file was truncated. Set `false` for files of programs
        /// that omit it.
        #[must_use]
        pub fn final_newline(mut self, required: bool) -> Self {
            self.format.options.final_newline = required;
            self
        }

        /// Sets the most bytes of a line that is read, 64 MiB by default.
        ///
        /// A line is one row, including the line breaks in its quoted cells. Reading holds about
        /// twice the longest line in memory, so this limits the memory that a hostile or damaged
        /// file can take. A longer line is an error that names its number.
        #[must_use]
        pub fn max_line(mut self, bytes: usize) -> Self {
            self.format.options.max_line = bytes;
            self
        }

        /// Sets the most cells of a line, 100,000 by default. A line with more cells is an error.
        #[must_use]
        pub fn max_columns(mut self, columns: usize) -> Self {
            self.format.options.max_columns = columns;
            self
        }
    };
}

pub(super) use setters;
