//! The columns of a table: types, statistics, and how their values are distributed.

use flow_targets::inspect::{ColumnStatistics, HistogramBin, TableStatistics, ValueCount};
use maud::{Markup, html};

use crate::elements::table;
use crate::text;

/// The height of a histogram, and the width of a bin, in pixels.
const HEIGHT: f64 = 32.0;
const BIN: f64 = 5.0;

/// The number of values of a column that are listed with their counts.
const VALUES: usize = 5;

/// The longest text of a value, in characters.
const VALUE: usize = 60;

const HEADERS: [&str; 10] = [
    "Column",
    "Type",
    "Count",
    "Nulls",
    "Distinct",
    "Min",
    "Max",
    "Mean",
    "Deviation",
    "Distribution",
];

/// Shows the columns with their statistics.
pub(super) fn described(statistics: &TableStatistics) -> Markup {
    let rows = html! {
        @for column in &statistics.columns { (described_column(column, statistics)) }
    };
    let is_mixed = statistics.columns.iter().any(|column| column.is_of_all_rows);
    html! {
        (table(&caption(statistics), &HEADERS, rows))
        @if is_mixed {
            p.note { "Counts, nulls, min and max with * are of all rows: the file has them in its metadata." }
        }
    }
}

/// Says of which rows the statistics are.
fn caption(statistics: &TableStatistics) -> String {
    let rows = statistics.rows;
    match statistics.total {
        _ if statistics.is_whole => format!("Columns, with statistics of all {rows} rows"),
        Some(total) => format!("Columns, with statistics of the first {rows} of {total} rows"),
        None => format!("Columns, with statistics of the first {rows} rows"),
    }
}

fn described_column(column: &ColumnStatistics, of: &TableStatistics) -> Markup {
    let (rows, mark) = match column.is_of_all_rows {
        true => (of.total.unwrap_or(of.rows), "*"),
        false => (of.rows, ""),
    };
    let end = |end: &Option<String>| {
        html! { @if let Some(end) = end { (text::clipped(end, VALUE)) (mark) } }
    };
    html! {
        tr {
            th scope="row" { (text::clipped(&column.name, 100)) }
            td { code { (text::clipped(&column.kind, 100)) } }
            td.number { (rows.saturating_sub(column.nulls)) (mark) }
            td.number { (column.nulls) (mark) }
            td.number { @if let Some(distinct) = column.distinct { (distinct.to_string()) } }
            td.number { (end(&column.min)) }
            td.number { (end(&column.max)) }
            td.number { (number(column.mean)) }
            td.number { (number(column.std)) }
            td { (histogram(&column.histogram)) (values(&column.values)) }
        }
    }
}

fn number(number: Option<f64>) -> String {
    let shown = |number: f64| {
        let is_plain = number == 0.0 || (1e-3..1e12).contains(&number.abs());
        if is_plain { format!("{number:.4}") } else { format!("{number:.4e}") }
    };
    number.map(shown).unwrap_or_default()
}

/// Shows the bins as bars. The hint of a bar has its ends and its count.
fn histogram(bins: &[HistogramBin]) -> Markup {
    let (Some(first), Some(last)) = (bins.first(), bins.last()) else { return html! {} };
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(1).max(1);
    let width = bins.len() as f64 * BIN;
    let label = format!(
        "Histogram from {} to {}, at most {most} in a bin",
        text::clipped(&first.from, VALUE),
        text::clipped(&last.to, VALUE)
    );
    html! {
        svg.histogram viewBox={ "0 0 " (width) " " (HEIGHT) } width=(width) height=(HEIGHT) role="img" aria-label=(label) {
            @for (place, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.count > 0) {
                // A bin that has a value is seen.
                @let height = (bin.count as f64 / most as f64 * HEIGHT).max(1.0);
                rect x=(place as f64 * BIN) y=(text::px(HEIGHT - height)) width=(BIN - 1.0) height=(text::px(height)) {
                    title { (text::clipped(&bin.from, VALUE)) " to " (text::clipped(&bin.to, VALUE)) ": " (bin.count) }
                }
            }
        }
    }
}

/// Lists the most frequent values.
fn values(values: &[ValueCount]) -> Markup {
    html! {
        @if !values.is_empty() {
            ul.values {
                @for one in values.iter().take(VALUES) {
                    li { (text::clipped(&one.value, VALUE)) ": " (one.count) }
                }
                @if values.len() > VALUES { li { "… " (values.len() - VALUES) " more" } }
            }
        }
    }
}
