//! A table of an output: its schema with statistics, and its first rows.

use flow_targets::inspect::{OutputFile, TableStatistics};
use maud::{Markup, html};

use crate::error::ViewError;
use crate::frame::table;
use crate::query::Query;
use crate::text;

/// The number of rows that are shown, unless the address says otherwise, and at most.
const ROWS: usize = 20;
const MOST_ROWS: usize = 1_000;

/// The number of columns that are shown.
const COLUMNS: usize = 200;

/// The longest cell, in characters.
const CELL: usize = 200;

/// The size of a file whose statistics are computed without a request, in bytes, and of one whose statistics are computed
/// at all.
const SMALL: u64 = 4 << 20;
const LARGEST: u64 = 256 << 20;

/// Shows a table. `path` is the address of the view, which a report does not have, and `bytes` the size of the file.
pub(super) fn show(
    file: &OutputFile,
    bytes: u64,
    path: Option<&str>,
    query: &Query,
) -> Result<Markup, ViewError> {
    let wanted = query.get("rows").and_then(|rows| rows.parse::<usize>().ok());
    let first = file.first_rows(wanted.unwrap_or(ROWS).min(MOST_ROWS))?;
    let is_wanted = query.get("statistics").is_some();
    let statistics = match bytes {
        0..=SMALL => Some(file.statistics()?),
        0..=LARGEST if is_wanted => Some(file.statistics()?),
        _ => None,
    };
    let names: Vec<_> =
        first.columns.iter().take(COLUMNS).map(|one| text::clipped(&one.name, 100)).collect();
    let headers: Vec<_> = names.iter().map(String::as_str).collect();
    let rows = html! {
        @for row in &first.rows {
            tr {
                @for (cell, column) in row.iter().zip(&first.columns).take(COLUMNS) {
                    @match cell {
                        Some(cell) => td.number[column.is_number] { (text::clipped(cell, CELL)) },
                        None => td.null { "null" },
                    }
                }
            }
        }
    };
    let caption = match first.total {
        Some(total) => format!("First {} of {total} rows", first.rows.len()),
        None => format!("First {}", text::count(first.rows.len(), "row")),
    };
    let more = wanted.unwrap_or(ROWS).saturating_mul(5).min(MOST_ROWS);
    Ok(html! {
        @match &statistics {
            Some(statistics) => (columns(statistics)),
            None => {
                (schema(&first.columns.iter().map(|one| (one.name.as_str(), one.kind.as_str())).collect::<Vec<_>>()))
                p {
                    @match path {
                        Some(path) if bytes <= LARGEST => a href=(query.with("statistics", Some("1")).href(path)) {
                            "Compute the statistics of the columns"
                        },
                        _ => {
                            "The file is too large for statistics here: the verb " code { "show --statistics" } " computes them."
                        },
                    }
                }
            },
        }
        (table(&caption, &headers, rows))
        @if first.columns.len() > COLUMNS { p { "… and " (first.columns.len() - COLUMNS) " more columns" } }
        @if let Some(path) = path.filter(|_| !first.is_whole && more > first.rows.len()) {
            p { a href=(query.with("rows", Some(&more.to_string())).href(path)) { "Show " (more) " rows" } }
        }
    })
}

fn schema(columns: &[(&str, &str)]) -> Markup {
    table(
        "Columns",
        &["Column", "Type"],
        html! {
            @for (name, kind) in columns.iter().take(COLUMNS) {
                tr { th scope="row" { (text::clipped(name, 100)) } td { code { (text::clipped(kind, 100)) } } }
            }
        },
    )
}

/// Shows the columns with their statistics, which are of all rows.
fn columns(statistics: &TableStatistics) -> Markup {
    let shown = |number: f64| {
        let is_plain = number == 0.0 || (1e-3..1e12).contains(&number.abs());
        if is_plain { format!("{number:.4}") } else { format!("{number:.4e}") }
    };
    let number = |number: Option<f64>| number.map(shown).unwrap_or_default();
    let end =
        |end: &Option<String>| end.as_deref().map(|end| text::clipped(end, 60)).unwrap_or_default();
    let caption = format!("Columns, with statistics of all {} rows", statistics.rows);
    let headers = ["Column", "Type", "Nulls", "Min", "Max", "Mean", "Deviation"];
    table(
        &caption,
        &headers,
        html! {
            @for column in statistics.columns.iter().take(COLUMNS) {
                tr {
                    th scope="row" { (text::clipped(&column.name, 100)) }
                    td { code { (text::clipped(&column.kind, 100)) } }
                    td.number { (column.nulls) }
                    td.number { (end(&column.min)) }
                    td.number { (end(&column.max)) }
                    td.number { (number(column.mean)) }
                    td.number { (number(column.std)) }
                }
            }
        },
    )
}
