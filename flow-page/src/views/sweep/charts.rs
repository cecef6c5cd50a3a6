//! The charts of the variants of a task: a metric against one parameter, two, or all.

use maud::{Markup, html};

use crate::charts::{Mark, Values, Variable, heat_map, parallel_coordinates, scatter};
use crate::query::Query;
use crate::sweep::{Column, Origin, Table};
use crate::text;

/// The kinds of charts: their words in an address, and their names.
pub(super) const CHARTS: [(&str, &str); 3] = [
    (ONE, "against one parameter"),
    (TWO, "against two, as a heat map"),
    (ALL, "against all, as parallel coordinates"),
];
const ONE: &str = "one";
const TWO: &str = "two";
const ALL: &str = "all";

/// The number of parameters in parallel coordinates.
const AXES: usize = 9;

/// Shows the chart that a query selects, of some rows of a table.
pub(super) fn show(
    table: &Table,
    rows: &[usize],
    metric: Option<&Column>,
    query: &Query,
) -> Markup {
    let parameters: Vec<_> = table.of(Origin::Parameter).collect();
    let (Some(metric), Some(first)) = (metric, parameters.first().copied()) else {
        return html! { p { "There is no chart: no parameter varies, or no variant has a number." } };
    };
    let named = |name: &str| {
        let column = query.get(name).and_then(|name| table.column(name));
        let column = column.map(|place| &table.columns[place]);
        column.filter(|column| column.origin == Origin::Parameter)
    };
    let across = named("x").unwrap_or(first);
    let is_other = |column: &&Column| column.name != across.name;
    let upright = named("by").filter(is_other);
    let upright = upright.or_else(|| parameters.iter().copied().find(is_other));
    let numbers = metric.numbers(rows);
    let value = Variable { name: metric.name.clone(), values: Values::Numbers(numbers.clone()) };
    let mark = |place: usize| {
        let variant = &table.variants[rows[place]];
        let number = numbers[place].map_or("no number".to_owned(), text::number);
        Mark {
            href: format!("/instance/{}", variant.key),
            hint: format!(
                "{}\n{}: {number}\n{}",
                text::clipped(&variant.name, 300),
                text::clipped(&metric.name, 100),
                variant.word()
            ),
            is_outdated: variant.is_outdated(),
        }
    };
    let chart = match (query.get("chart"), upright) {
        (Some(TWO), Some(upright)) => {
            // A mean of numbers of which some are outdated is that of no code.
            let of = |(number, row): (&Option<f64>, &usize)| {
                number.filter(|_| !table.variants[*row].is_outdated())
            };
            let numbers: Vec<_> = numbers.iter().zip(rows).map(of).collect();
            heat_map(&variable(across, rows), &variable(upright, rows), &metric.name, &numbers)
        }
        (Some(ALL), _) => {
            let axes = parameters.iter().take(AXES).map(|column| variable(column, rows));
            parallel_coordinates(&axes.chain([value]).collect::<Vec<_>>(), mark)
        }
        _ => scatter(&variable(across, rows), &value, mark),
    };
    html! {
        h2 { "Chart" }
        @match chart {
            Some(chart) => (chart),
            None => p { "There is nothing to draw: no variant has a finite number of " (text::clipped(&metric.name, 100)) "." },
        }
        @if query.get("chart") == Some(TWO) && upright.is_none() {
            p.note { "A heat map needs two parameters that vary." }
        }
        @if query.get("chart") == Some(TWO) && rows.iter().any(|row| table.variants[*row].is_outdated()) {
            p.note { "A heat map leaves out variants that are not complete: the mean is of one code." }
        }
        @if query.get("chart") == Some(ALL) && parameters.len() > AXES {
            p.note { "Not drawn: " (parameters.len() - AXES) " more parameters." }
        }
    }
}

fn variable(column: &Column, rows: &[usize]) -> Variable {
    Variable { name: column.name.clone(), values: column.values(rows) }
}
