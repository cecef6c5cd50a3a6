//! The rows of the variants of a task, and the best of them.

use maud::{Markup, html};

use crate::elements::{badge, table_with};
use crate::links::Links;
use crate::sweep::{Cell, Column, Origin, Table, best};
use crate::text;
use crate::views::instance_link;

/// The longest cell, in characters.
const CELL: usize = 200;

/// The columns with states and with durations.
const STATUS: &str = "status";
const SECONDS: &str = "seconds";

/// Shows the variants with the largest and the smallest value.
pub(super) fn best_variants(table: &Table, rows: &[usize], metric: &Column) -> Markup {
    let line = |title: &str, is_max: bool| {
        let best = best(table, metric, rows, is_max);
        html! {
            @if let Some(best) = best {
                dt { (title) }
                dd {
                    strong { (text::number(best.value)) } ": "
                    (instance_link(table.variants[best.row].key, &table.variants[best.row].name))
                    ", the best of " (best.compared)
                    @if best.left_out > 0 { " (" (best.left_out) " left out: without a number, NaN or not complete)" }
                }
            }
        }
    };
    html! {
        section aria-label="Best variants" {
            h2 { "Best by " (text::clipped(&metric.name, 100)) }
            dl.best { (line("Largest", true)) (line("Smallest", false)) }
        }
    }
}

/// Shows rows of the table. `href` returns the address of the table in another order.
pub(super) fn rows_table(
    table: &Table,
    rows: &[usize],
    caption: &str,
    sorting: Option<(usize, bool)>,
    href: impl Fn(&str) -> String,
) -> Markup {
    let header = |place: usize, column: &Column| {
        let order =
            sorting.filter(|(sorted, _)| *sorted == place).map(|(_, is_descending)| is_descending);
        let (word, arrow) = match order {
            Some(true) => (Some("descending"), " ▼"),
            Some(false) => (Some("ascending"), " ▲"),
            None => (None, ""),
        };
        let next =
            if order == Some(false) { format!("-{}", column.name) } else { column.name.clone() };
        html! {
            th scope="col" aria-sort=[word] { a href=(href(&next)) { (text::clipped(&column.name, 60)) } (arrow) }
        }
    };
    let columns = table.columns.iter().enumerate();
    let headers = html! { @for (place, column) in columns { (header(place, column)) } };
    let rows = html! { @for place in rows { (row(Links::Server, table, *place)) } };
    table_with(caption, &headers, &rows)
}

/// Shows a variant as a row.
pub(crate) fn row(links: Links<'_>, table: &Table, row: usize) -> Markup {
    let variant = &table.variants[row];
    let cell = |column: &Column| {
        let cell = &column.cells[row];
        match (cell, cell.number()) {
            (Cell::Nothing, _) => html! { td {} },
            (_, Some(seconds)) if is_own(column, SECONDS) => {
                html! { td.number { (text::seconds(seconds)) } }
            }
            (Cell::Float(number), _) => html! { td.number { (text::number(*number)) } },
            (_, Some(_)) => html! { td.number { (cell.text()) } },
            _ if is_own(column, STATUS) => {
                html! { td { (badge(variant.word())) } }
            }
            _ => html! { td { (text::clipped(&cell.text(), CELL)) } },
        }
    };
    html! {
        tr {
            th scope="row" { (links.to_instance(variant.key, &variant.name)) }
            // The first column has the names.
            @for column in table.columns.iter().skip(1) { (cell(column)) }
        }
    }
}

fn is_own(column: &Column, name: &str) -> bool {
    column.origin == Origin::Own && column.name == name
}
