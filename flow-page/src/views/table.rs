//! A table of an output: its columns with statistics, its first rows, and random ones.
//!
//! A page reads within limits, whatever the table is: some columns at a time, so many rows and bytes, and the beginning of each
//! cell. The address says which columns and rows, and has the seed of the random rows.

use std::ops::Range;

use flow_targets::inspect::{OutputFile, ReadLimits, RowSample, SampledRows};
use maud::{Markup, html};

use super::columns;
use crate::elements::{Paged, table};
use crate::error::{ViewError, chain};
use crate::query::Query;
use crate::text;

/// The number of rows that are shown, unless the address says otherwise, and at most.
const ROWS: usize = 20;
const MOST_ROWS: usize = 1_000;

/// The number of columns on a page.
const COLUMNS: usize = 100;

/// The longest cell, in characters.
const CELL: usize = 200;

/// The rows that are read for statistics and for random rows, unless the address says otherwise, and at most.
const READ: u64 = 50_000;
const MOST_READ: u64 = 10_000_000;

/// The bytes that are read at most, for as many rows as are read without a request, and for more.
const BYTES: u64 = 64 << 20;
const MOST_BYTES: u64 = 1 << 30;

/// How many times as many rows the next link reads.
const MORE: u64 = 20;

/// What an address asks of a table.
struct Asked {
    rows: usize,
    read: u64,
    seed: Option<u64>,
}

impl Asked {
    fn of(query: &Query) -> Self {
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<u64>().ok());
        let rows = number("rows").and_then(|rows| usize::try_from(rows).ok());
        Self {
            rows: rows.unwrap_or(ROWS).clamp(1, MOST_ROWS),
            read: number("read").unwrap_or(READ).clamp(READ, MOST_READ),
            seed: number("seed"),
        }
    }

    fn limits(&self, columns: Range<usize>) -> ReadLimits {
        let bytes = if self.read > READ { MOST_BYTES } else { BYTES };
        ReadLimits::new(self.read, bytes).columns(columns)
    }
}

/// Shows a table. `path` is the address of the view, to which links lead; without it, there are no links.
pub(super) fn show(
    file: &OutputFile,
    path: Option<&str>,
    query: &Query,
) -> Result<Markup, ViewError> {
    let asked = Asked::of(query);
    let page = query.page_of("columns");
    let range =
        |page: usize| page.saturating_mul(COLUMNS)..page.saturating_add(1).saturating_mul(COLUMNS);
    let first = |page: usize| {
        let sample = RowSample::first(asked.rows, asked.limits(range(page)));
        file.sample(&sample.longest_cell(CELL + 1))
    };
    let mut rows = first(page)?;
    let paged = Paged::new(page, rows.all_columns, COLUMNS);
    if paged.page != page {
        rows = first(paged.page)?;
    }
    let limits = asked.limits(paged.from..paged.to);
    Ok(html! {
        @if rows.all_columns > COLUMNS {
            p { "Columns " (paged.from + 1) " to " (paged.to) " of " (rows.all_columns) }
            @if let Some(path) = path {
                (paged.links(query, "columns", path))
            }
        }
        (statistics(file, &rows, &asked, &limits, path, query))
        (first_rows(&rows, &asked, path, query))
        (random_rows(file, &rows, &asked, limits.clone(), path, query))
    })
}

/// Shows the columns with their statistics. If these cannot be computed, the columns alone, and why.
fn statistics(
    file: &OutputFile,
    rows: &SampledRows,
    asked: &Asked,
    limits: &ReadLimits,
    path: Option<&str>,
    query: &Query,
) -> Markup {
    let statistics = match file.statistics_within(limits) {
        Ok(statistics) => statistics,
        Err(error) => {
            return html! { (schema(rows)) pre.error { (text::block(&chain(&error))) } };
        }
    };
    let more = asked.read.saturating_mul(MORE).min(MOST_READ);
    let path = path.filter(|_| !statistics.is_whole && more > asked.read);
    html! {
        (columns::described(&statistics))
        @if let Some(path) = path {
            p { a href=(query.with("read", Some(&more.to_string())).href(path)) { "Read up to " (more) " rows" } }
        }
    }
}

fn schema(rows: &SampledRows) -> Markup {
    table(
        "Columns",
        &["Column", "Type"],
        html! {
            @for column in &rows.columns {
                tr { th scope="row" { (text::clipped(&column.name, 100)) } td { code { (text::clipped(&column.kind, 100)) } } }
            }
        },
    )
}

fn first_rows(rows: &SampledRows, asked: &Asked, path: Option<&str>, query: &Query) -> Markup {
    let shown = rows.rows.len();
    let caption = match rows.total {
        Some(total) => format!("First {shown} of {total} rows"),
        None => format!("First {}", text::count(shown, "row")),
    };
    let more = asked.rows.saturating_mul(5).min(MOST_ROWS);
    let path = path.filter(|_| !rows.is_whole && more > shown);
    html! {
        (cells(&caption, rows, false))
        @if let Some(path) = path {
            p { a href=(query.with("rows", Some(&more.to_string())).href(path)) { "Show " (more) " rows" } }
        }
    }
}

/// Shows random rows if the address has a seed, and a link to them otherwise. There are none if the first rows are all.
fn random_rows(
    file: &OutputFile,
    first: &SampledRows,
    asked: &Asked,
    limits: ReadLimits,
    path: Option<&str>,
    query: &Query,
) -> Markup {
    if first.is_whole {
        return html! {};
    }
    let link = |seed: u64, words: &str| {
        html! {
            @if let Some(path) = path {
                p { a href=(query.with("seed", Some(&seed.to_string())).href(path)) { (words) } }
            }
        }
    };
    let Some(seed) = asked.seed else { return link(1, "Show random rows") };
    let sample = RowSample::random(asked.rows, seed, limits).longest_cell(CELL + 1);
    let rows = match file.sample(&sample) {
        Ok(rows) => rows,
        Err(error) => return html! { pre.error { (text::block(&chain(&error))) } },
    };
    let among = match (rows.is_whole, rows.total) {
        (true, _) => format!("all {} rows", rows.among),
        (false, Some(total)) => format!("{} of {total} rows", rows.among),
        (false, None) => format!("the first {} rows", rows.among),
    };
    let caption =
        format!("Random {} among {among}, by the seed {seed}", text::count(rows.rows.len(), "row"));
    html! {
        (cells(&caption, &rows, true))
        (link(seed.wrapping_add(1), "Show other random rows"))
    }
}

/// Shows rows as a table, with their numbers if they are not the first ones.
fn cells(caption: &str, rows: &SampledRows, has_numbers: bool) -> Markup {
    let names: Vec<_> = rows.columns.iter().map(|one| text::clipped(&one.name, 100)).collect();
    let number = has_numbers.then_some("Row");
    let headers: Vec<_> = number.into_iter().chain(names.iter().map(String::as_str)).collect();
    let shown = html! {
        @for row in &rows.rows {
            tr {
                @if has_numbers { th scope="row" { (row.place.saturating_add(1)) } }
                @for (cell, column) in row.cells.iter().zip(&rows.columns) {
                    @match cell {
                        Some(cell) => td.number[column.is_number] { (text::clipped(cell, CELL)) },
                        None => td.null { "null" },
                    }
                }
            }
        }
    };
    table(caption, &headers, shown)
}
