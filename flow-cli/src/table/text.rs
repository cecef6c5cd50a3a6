//! The first rows and the statistics of a table, as text for a terminal.

use flow_targets::inspect::{ColumnStatistics, FirstRows, InspectedColumn, TableStatistics};

use crate::grid::{Align, Column, Grid};

/// The most columns of a terminal that a cell of a row takes.
const CELL: usize = 48;

/// The most columns of a terminal that a cell of the statistics takes.
const STATISTIC: usize = 24;

/// Returns the rows for a terminal with this number of columns, as [`Grid::text`] does.
pub(crate) fn rows_text(rows: &FirstRows, terminal: Option<usize>) -> String {
    let column = |(place, column): (usize, &InspectedColumn)| {
        let cells = rows.rows.iter().map(|row| {
            let cell = row.get(place).and_then(Option::as_deref);
            cell.unwrap_or("null").to_owned()
        });
        let align = if column.is_number { Align::Right } else { Align::Left };
        Column::new([&column.name, &column.kind], align, cells).clipped(CELL)
    };
    let mut text = Grid::new(rows.columns.iter().enumerate().map(column)).text(terminal);
    match (rows.is_whole, rows.total) {
        (true, _) => {}
        (false, None) => text.push_str("\n… and more rows"),
        (false, Some(total)) => {
            let more = total.saturating_sub(rows.rows.len() as u64);
            text.push_str(&format!("\n… and {more} more rows"));
        }
    }
    text
}

/// Returns a line for each column, for a terminal with this number of columns.
pub(crate) fn statistics_text(statistics: &TableStatistics, terminal: Option<usize>) -> String {
    let column = |header: &str, align, cell: fn(&ColumnStatistics) -> String| {
        Column::new([header], align, statistics.columns.iter().map(cell)).clipped(STATISTIC)
    };
    let grid = Grid::new([
        column("column", Align::Left, |one| one.name.clone()),
        column("type", Align::Left, |one| one.kind.clone()),
        column("nulls", Align::Right, |one| one.nulls.to_string()),
        column("min", Align::Right, |one| one.min.clone().unwrap_or_default()),
        column("max", Align::Right, |one| one.max.clone().unwrap_or_default()),
        column("mean", Align::Right, |one| number(one.mean)),
        column("std", Align::Right, |one| number(one.std)),
    ]);
    grid.text(terminal)
}

/// Returns a number with six significant digits.
fn number(value: Option<f64>) -> String {
    let Some(value) = value else { return String::new() };
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    format!("{rounded:?}")
}
