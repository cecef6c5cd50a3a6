//! What a user may choose.

use std::io::BufWriter;

use anyhow::{Result, ensure};
use arrow::datatypes::SchemaRef;
use flow_core::Sink;

use super::cells::{CellReader, CellWriter};

/// The options of [`Csv`](super::Csv).
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) delimiter: char,
    pub(super) header: bool,
    pub(super) null: String,
    pub(super) schema: Option<SchemaRef>,
    pub(super) final_newline: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            delimiter: ',',
            header: true,
            null: String::new(),
            schema: None,
            final_newline: true,
        }
    }
}

impl Options {
    pub(super) fn writer<'a, 'b>(&self, sink: &'a mut Sink<'b>) -> Result<CellWriter<'a, 'b>> {
        let out = BufWriter::with_capacity(crate::BUFFER, sink);
        Ok(CellWriter::new(out, self.separator()?, self.null.clone()))
    }

    pub(super) fn reader<'a>(&'a self, text: &'a str) -> Result<CellReader<'a>> {
        Ok(CellReader::new(text, self.separator()?, &self.null, self.final_newline))
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
        ensure!(plain, "null text {:?} needs quotes, and null has none", self.null);
        Ok(delimiter as u8)
    }
}
