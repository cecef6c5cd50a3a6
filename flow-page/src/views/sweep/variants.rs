//! The variants of a task: a table with sorting and filters, the best ones, and charts.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State as Extract};
use axum::response::Response;
use flow_core::{InstanceOutcome, Key, RunInfo};
use maud::{Markup, html};

use super::table::{best_variants, rows_table};
use super::{address, charts, tabs};
use crate::elements::{Paged, choice, more};
use crate::error::ViewError;
use crate::frame::{Place, View, respond};
use crate::query::Query;
use crate::state::Shared;
use crate::sweep::{Column, Filter, Origin, Table, Variants};
use crate::text;
use crate::views::runs::last;
use crate::views::states;

/// The number of variants on a page, and of those that are read at all.
const EACH: usize = 100;
const VARIANTS: usize = 20_000;

/// The number of last runs in which variants that failed are looked for.
const RUNS: usize = 10;

/// The number of filters that are applied.
const FILTERS: usize = 10;

/// The number of parameters with equal values that are listed.
const EQUAL: usize = 50;

/// The longest value of a parameter, in characters.
const VALUE: usize = 200;

pub(crate) async fn get(
    Extract(shared): Extract<Arc<Shared>>,
    Path(task): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    respond(shared, move |shared| view(shared, &task, &Query::parse(query.as_deref()))).await
}

fn view(shared: &Shared, task: &str, query: &Query) -> Result<View, ViewError> {
    let (Variants { table, omitted, pending_omitted, .. }, failed) = load(shared, task)?;
    let filters: Vec<_> =
        query.all("f").take(FILTERS).map(|text| (text, Filter::parse(text, &table))).collect();
    let fits = |row: &usize| filters.iter().all(|(_, filter)| filter.fits(&table, *row));
    let mut rows: Vec<usize> = (0..table.variants.len()).filter(fits).collect();
    let metric = metric(&table, query);
    // The best variants and the charts do not depend on the order of the table.
    let charts = charts::show(&table, &rows, metric, query);
    let best = metric.map(|metric| best_variants(&table, &rows, metric));
    let sorting = sorting(&table, query);
    if let Some((column, is_descending)) = sorting {
        let cells = &table.columns[column].cells;
        rows.sort_by(|a, b| cells[*a].compare(&cells[*b], is_descending));
    }
    let paged = Paged::new(query.page(), rows.len(), EACH);
    let path = address(task);
    let caption = match rows.len() == table.variants.len() {
        true => text::count(rows.len(), "variant"),
        false => format!("{} of {}", rows.len(), text::count(table.variants.len(), "variant")),
    };
    let body = html! {
        (tabs(task, ""))
        (equal(&table))
        @for note in &table.notes { p.note { "Note: " (text::clipped(note, 500)) "." } }
        @if omitted > 0 { p.note { "The " (omitted) " variants that ran first are not shown." } }
        @if pending_omitted > 0 { p.note { "Not shown of the graph: " (text::count(pending_omitted, "more variant")) " without an output." } }
        @if let Some((run, count)) = &failed {
            p.note {
                (text::count(*count, "more variant")) " failed in the last runs without an output: "
                a href={ "/run/" (run) "?outcome=failed" } { "the run" } "."
            }
        }
        (form(&table, &path, query, metric))
        (chips(&filters, &path, query))
        @if rows.is_empty() { p { "No variant fits." } }
        @if let Some(best) = best { (best) }
        (charts)
        @if let Some(metric) = metric {
            @let over_runs = Query::default().with("metric", Some(&metric.name)).href(&format!("{path}/runs"));
            p { a href=(over_runs) { "The metric over runs" } }
        }
        (rows_table(&table, &rows[paged.from..paged.to], &caption, sorting, |name| {
            query.with("sort", Some(name)).with("page", None).href(&path)
        }))
        (paged.links(query, "page", &path))
    };
    Ok(View::new(format!("Variants of {task}"), Place::Sweeps, body))
}

/// Reads the variants of a task, and what the last runs say of others that failed.
fn load(shared: &Shared, task: &str) -> Result<(Variants, Option<(String, usize)>), ViewError> {
    let stored = shared.flow.store().list()?;
    // A graph that cannot be planned now hides no stored output.
    let snapshot = shared.snapshot().ok();
    let states = snapshot.as_deref().map(|snapshot| states(shared, snapshot)).unwrap_or_default();
    let planned = snapshot.as_deref().map(|snapshot| (snapshot, states.as_slice()));
    let variants = Variants::read(task, &stored, planned, VARIANTS)?;
    let failed = failed(shared, task, &variants.known)?;
    if variants.table.variants.is_empty() && failed.is_none() {
        let unknown = format!("neither the store nor the graph has variants of a task {task:?}");
        return Err(ViewError::not_found(unknown));
    }
    Ok((variants, failed))
}

/// Returns the latest run in which variants failed that are not `known`, and how many of them the last runs have.
///
/// Neither the graph nor the outputs of the store have them: they are of another program, or of other parameters.
fn failed(
    shared: &Shared,
    task: &str,
    known: &HashSet<Key>,
) -> Result<Option<(String, usize)>, ViewError> {
    let runs = shared.flow.store().runs()?;
    let (mut latest, mut keys) = (None, HashSet::new());
    let has_failures =
        |info: &RunInfo| info.counts.get(&InstanceOutcome::Failed).is_some_and(|count| *count > 0);
    for (info, run) in last(&runs, RUNS, has_failures) {
        let failed = run.instances.iter().filter(|one| {
            one.task == task && one.outcome == InstanceOutcome::Failed && !known.contains(&one.key)
        });
        keys.extend(failed.map(|one| one.key));
        if latest.is_none() && !keys.is_empty() {
            latest = Some(info.id.clone());
        }
    }
    Ok(latest.map(|run| (run, keys.len())))
}

/// Returns the column by which variants are ranked and drawn: that of the query, or the first one.
fn metric<'a>(table: &'a Table, query: &Query) -> Option<&'a Column> {
    let named = query.get("metric").and_then(|name| table.column(name));
    let named = named.map(|place| &table.columns[place]).filter(|column| column.is_metric());
    named.or_else(|| table.metrics().next())
}

/// Returns the column by which the rows are sorted, and whether the order descends. `-c` stands for a descending order.
fn sorting(table: &Table, query: &Query) -> Option<(usize, bool)> {
    let sort = query.get("sort")?;
    let ascending = table.column(sort).map(|column| (column, false));
    ascending.or_else(|| Some((table.column(sort.strip_prefix('-')?)?, true)))
}

/// Shows the parameters that are equal in all variants.
fn equal(table: &Table) -> Markup {
    html! {
        @if !table.equal.is_empty() {
            details {
                summary { (text::count(table.equal.len(), "parameter")) " with the same value in all variants" }
                dl {
                    @for (name, cell) in table.equal.iter().take(EQUAL) {
                        dt { (text::clipped(name, 100)) } dd { code { (text::clipped(&cell.text(), VALUE)) } }
                    }
                }
                (more(table.equal.len(), EQUAL))
            }
        }
    }
}

/// Shows the fields for the metric, the chart and one more filter. The present filters and the order stay.
fn form(table: &Table, path: &str, query: &Query, metric: Option<&Column>) -> Markup {
    let parameters: Vec<_> = table.of(Origin::Parameter).collect();
    let metrics: Vec<_> = table.metrics().collect();
    html! {
        form.filters method="get" action=(path) {
            @for filter in query.all("f").take(FILTERS) { input type="hidden" name="f" value=(filter); }
            @if let Some(sort) = query.get("sort") { input type="hidden" name="sort" value=(sort); }
            label { "Filter " input type="search" name="f" maxlength="200" placeholder="c>0.5, model=gbm or a text"; }
            @if !metrics.is_empty() {
                (choice("Metric", "metric", metric.map(|column| column.name.as_str()), names(&metrics)))
            }
            @if !metrics.is_empty() && !parameters.is_empty() {
                (choice("Chart", "chart", query.get("chart"), charts::CHARTS))
                (choice("Against", "x", query.get("x"), names(&parameters)))
                @if parameters.len() > 1 { (choice("And", "by", query.get("by"), names(&parameters))) }
            }
            button type="submit" { "Show" }
            a href=(path) { "Reset" }
        }
    }
}

/// Returns columns as choices.
fn names<'a>(columns: &[&'a Column]) -> impl Iterator<Item = (&'a str, &'a str)> {
    columns.iter().map(|column| (column.name.as_str(), column.name.as_str()))
}

/// Shows the present filters, each as a link that removes it.
fn chips(filters: &[(&str, Filter)], path: &str, query: &Query) -> Markup {
    html! {
        @if !filters.is_empty() {
            p.opened {
                "Filters: "
                @for (text, _) in filters {
                    a href=(query.toggled("f", text).with("page", None).href(path)) title="Remove" {
                        (text::clipped(text, 60)) " ×"
                    }
                    " "
                }
            }
        }
        @for (text, filter) in filters {
            @if let Some(name) = filter.unknown_column(text) {
                p.warning {
                    "No column is called " code { (text::clipped(name, 100)) }
                    ": the filter is searched for as a text. The columns are those of the table."
                }
            }
        }
    }
}
