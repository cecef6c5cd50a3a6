//! The first rows of a table as text.

use std::collections::HashSet;

use anyhow::Context as _;
use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::Rows;
use crate::error::CliError;
use crate::format::Format;
use crate::grid::{Align, Column, Grid};
use crate::output::OutputFile;

/// The most columns of a terminal that a cell takes.
const WIDTH: usize = 48;

/// The first rows of a table.
pub(crate) struct TableHead {
    /// The names of the columns, with their types.
    pub(crate) columns: Vec<(String, String)>,
    /// The cells of each row; `None` for null.
    pub(crate) rows: Vec<Vec<Option<String>>>,
    /// The number of all rows, if it is known.
    pub(crate) total: Option<u64>,
    /// Whether there are no more rows.
    pub(crate) is_whole: bool,
    /// The places of the columns with numbers.
    is_number: HashSet<usize>,
}

impl TableHead {
    /// Reads at most `limit` rows.
    pub(crate) fn read(file: &OutputFile, format: Format, limit: usize) -> Result<Self, CliError> {
        // One more shows whether there are more.
        let Rows { schema, total, batches } = Rows::open(file, format, Some(limit + 1))?;
        let fields = schema.fields().iter();
        let columns =
            fields.map(|field| (field.name().clone(), field.data_type().to_string())).collect();
        let kinds = schema.fields().iter().map(|field| field.data_type()).enumerate();
        let is_number =
            kinds.filter(|(_, kind)| kind.is_numeric()).map(|(place, _)| place).collect();
        let mut rows = Vec::new();
        for batch in batches {
            let batch = batch.with_context(|| format!("cannot read {}", file.path.display()))?;
            add(&mut rows, &batch, limit + 1).map_err(anyhow::Error::from)?;
            if rows.len() > limit {
                break;
            }
        }
        let is_whole = rows.len() <= limit;
        rows.truncate(limit);
        let total = total.or_else(|| is_whole.then_some(rows.len() as u64));
        Ok(Self { columns, rows, total, is_whole, is_number })
    }
}

/// Adds the rows of a batch, until there are `limit`.
fn add(
    rows: &mut Vec<Vec<Option<String>>>,
    batch: &RecordBatch,
    limit: usize,
) -> Result<(), arrow::error::ArrowError> {
    let options = FormatOptions::default().with_null("null");
    let columns = batch.columns().iter();
    let columns = columns
        .map(|column| Ok((column, ArrayFormatter::try_new(column.as_ref(), &options)?)))
        .collect::<Result<Vec<_>, arrow::error::ArrowError>>()?;
    let count = batch.num_rows().min(limit.saturating_sub(rows.len()));
    for row in 0..count {
        let mut cells = Vec::with_capacity(columns.len());
        for (column, formatter) in &columns {
            cells.push(match column.is_null(row) {
                true => None,
                false => Some(formatter.value(row).try_to_string()?),
            });
        }
        rows.push(cells);
    }
    Ok(())
}

impl TableHead {
    /// Returns the table as text for a terminal with this number of columns, as [`Grid::text`] does.
    pub(crate) fn text(&self, terminal: Option<usize>) -> String {
        let column = |(place, (name, kind)): (usize, &(String, String))| {
            let cells = self.rows.iter().map(|row| {
                let cell = row.get(place).and_then(Option::as_deref);
                cell.unwrap_or("null").to_owned()
            });
            let align = if self.is_number.contains(&place) { Align::Right } else { Align::Left };
            Column::new([name, kind], align, cells).clipped(WIDTH)
        };
        let mut text = Grid::new(self.columns.iter().enumerate().map(column)).text(terminal);
        match (self.is_whole, self.total) {
            (true, _) => {}
            (false, None) => text.push_str("\n… and more rows"),
            (false, Some(total)) => {
                let more = total.saturating_sub(self.rows.len() as u64);
                text.push_str(&format!("\n… and {more} more rows"));
            }
        }
        text
    }
}
