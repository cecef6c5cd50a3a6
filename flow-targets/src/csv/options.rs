//! The options of the CSV targets.

use std::io::Write;

use anyhow::{Result, ensure};
use arrow::datatypes::SchemaRef;

use super::content::Content;
use super::scan::{CHUNK, Grammar, Scanner};
use super::write::CellWriter;

/// The options of [`Csv`](super::Csv) and [`CsvGz`](super::CsvGz).
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) delimiter: char,
    pub(super) header: bool,
    pub(super) null: String,
    pub(super) schema: Option<SchemaRef>,
    pub(super) final_newline: bool,
    pub(super) max_line: usize,
    pub(super) max_columns: usize,
}

/// The default of [`max_line`](super::Csv::max_line).
const MAX_LINE: usize = 64 << 20;

/// The default of [`max_columns`](super::Csv::max_columns).
const MAX_COLUMNS: usize = 100_000;

impl Default for Options {
    fn default() -> Self {
        Self {
            delimiter: ',',
            header: true,
            null: String::new(),
            schema: None,
            final_newline: true,
            max_line: MAX_LINE,
            max_columns: MAX_COLUMNS,
        }
    }
}

impl Options {
    pub(super) fn writer<'a>(&self, sink: &'a mut dyn Write) -> Result<CellWriter<'a>> {
        Ok(CellWriter::new(sink, self.separator()?, self.null.clone()))
    }

    pub(super) fn scanner(&self, content: &Content) -> Result<Scanner> {
        let grammar = Grammar {
            delimiter: self.separator()?,
            null: self.null.clone(),
            final_newline: self.final_newline,
            max_line: self.max_line,
            max_columns: self.max_columns,
        };
        Scanner::new(content.open()?, grammar, CHUNK)
    }

    fn separator(&self) -> Result<u8> {
        let delimiter = self.delimiter;
        ensure!(
            delimiter == '\t'
                || delimiter.is_ascii()
                    && !delimiter.is_ascii_control()
                    && !delimiter.is_ascii_alphanumeric()
                    && !matches!(delimiter, '"' | '.' | '-' | '+' | ':' | ' '),
            "delimiter {delimiter:?} may be part of a cell; take one such as ',', ';', '\\t' or '|'",
        );
        let plain = !self.null.contains(['"', '\n', '\r', delimiter]);
        ensure!(
            plain,
            "null text {:?} needs quotes, which mark text: choose one without quotes, line ends and \
             the delimiter",
            self.null
        );
        Ok(delimiter as u8)
    }
}
