//! A metric over runs: its values in the runs of the history and in the kept versions of an output.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State as Extract};
use axum::response::Response;
use flow_core::jiff::Timestamp;
use flow_core::{Key, RecordedOutput, Runs};
use maud::{Markup, html};

use super::{address, tabs};
use crate::charts::{Series, lines};
use crate::elements::{Paged, choice, table};
use crate::error::ViewError;
use crate::frame::{Place, View, respond};
use crate::query::Query;
use crate::state::Shared;
use crate::sweep::Cell;
use crate::text;
use crate::views::runs::last;
use crate::views::{Found, instance_link};

/// The number of last runs that are read, as far as they have so many instances together. The last one is always read.
const RUNS: usize = 100;
const INSTANCES: u64 = 500_000;

/// The number of lines of the chart, and of values on a page.
const LINES: usize = 8;
const EACH: usize = 100;

/// The name of the duration, unless the task records metadata of this name.
const SECONDS: &str = "seconds";

/// What an instance recorded at a time.
struct Point {
    key: Key,
    instance: String,
    /// When the run began, in seconds since 1970; of a version, when its task began.
    at: i64,
    /// When the task began.
    second: i64,
    /// The name of the run; `None` for a version that is in none of the last runs.
    run: Option<String>,
    /// What the run did, or which version it is.
    what: String,
    seconds: f64,
    metadata: BTreeMap<String, serde_json::Value>,
}

impl Point {
    /// Returns the number of a metric, which may also be the duration. An instance that did not run has none.
    fn number(&self, metric: &str) -> Option<f64> {
        match self.metadata.get(metric) {
            Some(value) => Cell::from(value).ranked(),
            None => (metric == SECONDS && self.seconds > 0.0).then_some(self.seconds),
        }
    }
}

pub(crate) async fn get(
    Extract(shared): Extract<Arc<Shared>>,
    Path(task): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    respond(shared, move |shared| view(shared, &task, &Query::parse(query.as_deref()))).await
}

fn view(shared: &Shared, task: &str, query: &Query) -> Result<View, ViewError> {
    let found = query.get("instance").map(|key| Found::of(shared, key)).transpose()?;
    let only = found.as_ref().map(Found::key);
    let runs = shared.flow.store().runs()?;
    let read = read_at_most(runs.iter().map(|run| run.counts.values().sum::<u64>()));
    let mut points = points_of_runs(&runs, read, task, only);
    if let Some(found) = &found {
        add_versions(found, &mut points)?;
    }
    points.sort_by(|a, b| (a.at, &a.run).cmp(&(b.at, &b.run)));
    let is_number = |value: &serde_json::Value| Cell::from(value).number().is_some();
    let named = points.iter().flat_map(|point| &point.metadata);
    let mut metrics: BTreeSet<&str> =
        named.filter(|(_, value)| is_number(value)).map(|(name, _)| name.as_str()).collect();
    let asked = query.get("metric").map(|name| own_name(task, name));
    let metric = asked.or_else(|| metrics.first().copied()).unwrap_or(SECONDS);
    metrics.insert(SECONDS);
    let values: Vec<_> =
        points.iter().filter_map(|point| Some((point, point.number(metric)?))).collect();
    let path = format!("{}/runs", address(task));
    let paged = Paged::new(query.page(), values.len(), EACH);
    let rows = html! {
        @for (point, value) in values.iter().rev().skip(paged.from).take(paged.to - paged.from) {
            tr {
                th scope="row" {
                    @match &point.run {
                        Some(run) => a href={ "/run/" (run) } { (text::second(point.at)) },
                        None => (text::second(point.at)),
                    }
                }
                td { (instance_link(point.key, &point.instance)) }
                td { (text::clipped(&point.what, 60)) }
                td.number { (text::number(*value)) }
                @let only = query.with("instance", Some(&point.key.to_string())).with("page", None);
                td { a href=(only.href(&path)) { "this instance" } }
            }
        }
    };
    let body = html! {
        (tabs(task, "/runs"))
        @if let Some(found) = &found {
            p.opened {
                "Instance: " (instance_link(found.key(), &found.label())) " "
                a href=(query.with("instance", None).with("page", None).href(&path)) { "all instances" }
            }
        }
        (form(&metrics, metric, &path, query))
        @if read < runs.len().min(RUNS) {
            p.note { "Earlier runs than the last " (text::count(read, "run")) " are not read: they have too many instances." }
        }
        @if values.is_empty() {
            p { "None of the last " (text::count(read, "run")) " recorded a number of this name for the task." }
        } @else {
            (chart(metric, &values))
            (table(&text::count(values.len(), "value"), &["Run", "Instance", "Outcome", "Value", "Only"], rows))
            (paged.links(query, "page", &path))
        }
    };
    Ok(View::new(format!("{} of {task} over runs", text::clipped(metric, 60)), Place::Sweeps, body))
}

/// Returns the name of metadata as the task recorded it. The table of variants may have it with the name of the task.
fn own_name<'a>(task: &str, name: &'a str) -> &'a str {
    name.strip_prefix(task).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name)
}

/// Returns how many of the last runs are read, which have these numbers of instances.
fn read_at_most(instances: impl Iterator<Item = u64>) -> usize {
    let mut all = 0_u64;
    let room = |one: &u64| {
        let is_first = all == 0;
        all = all.saturating_add((*one).max(1));
        is_first || all <= INSTANCES
    };
    instances.take(RUNS).take_while(room).count()
}

/// Returns what the last `read` runs did with the instances of a task, or with one of them.
fn points_of_runs(runs: &Runs, read: usize, task: &str, only: Option<Key>) -> Vec<Point> {
    let mut points = Vec::new();
    for (info, run) in last(runs, read, |_| true) {
        let of_task = run
            .instances
            .into_iter()
            .filter(|one| one.task == task && only.is_none_or(|key| key == one.key));
        for one in of_task {
            points.push(Point {
                key: one.key,
                instance: one.instance,
                at: info.started.as_second(),
                second: one.started.unwrap_or(info.started).as_second(),
                run: Some(info.id.clone()),
                what: one.outcome.to_string(),
                seconds: one.seconds,
                metadata: one.metadata,
            });
        }
    }
    points
}

/// Adds the kept versions of an instance that are in none of the runs.
fn add_versions(found: &Found, points: &mut Vec<Point>) -> Result<(), ViewError> {
    let versions: Vec<(RecordedOutput, bool)> = match found {
        Found::Planned(snapshot, place) => {
            let versions = snapshot.instances[*place].versions()?.into_iter();
            versions.map(|version| (version.output, version.is_current)).collect()
        }
        Found::Stored(stored) => {
            stored.recorded()?.map(|output| (output, true)).into_iter().collect()
        }
    };
    let seconds: HashSet<i64> = points.iter().map(|point| point.second).collect();
    for (output, is_current) in versions {
        // Both times are of the same run, and may be rounded to different seconds.
        let mut around = output.started.saturating_sub(1)..=output.started.saturating_add(1);
        if !around.any(|second| seconds.contains(&second)) {
            points.push(Point {
                key: found.key(),
                instance: found.label(),
                at: output.started,
                second: output.started,
                run: None,
                what: if is_current { "current version" } else { "earlier version" }.to_owned(),
                seconds: output.seconds,
                metadata: output.metadata,
            });
        }
    }
    Ok(())
}

fn form(metrics: &BTreeSet<&str>, metric: &str, path: &str, query: &Query) -> Markup {
    html! {
        form.filters method="get" action=(path) {
            @if let Some(key) = query.get("instance") { input type="hidden" name="instance" value=(key); }
            (choice("Metric", "metric", Some(metric), metrics.iter().map(|name| (*name, *name))))
            button type="submit" { "Show" }
        }
    }
}

/// Shows a line for each of the instances with the most values.
fn chart(metric: &str, values: &[(&Point, f64)]) -> Markup {
    let mut at: BTreeMap<(i64, Option<&str>), usize> = BTreeMap::new();
    let mut count: HashMap<Key, usize> = HashMap::new();
    for (point, _) in values {
        at.insert((point.at, point.run.as_deref()), 0);
        *count.entry(point.key).or_default() += 1;
    }
    at.values_mut().enumerate().for_each(|(place, at)| *at = place);
    let runs: Vec<_> = at.keys().map(|(second, _)| short_time(*second)).collect();
    let mut keys: Vec<_> = count.into_iter().collect();
    // The key decides between equally many, so that the chart is always the same.
    keys.sort_by_key(|(key, count)| (Reverse(*count), *key));
    let others = keys.len().saturating_sub(LINES);
    keys.truncate(LINES);
    let places: HashMap<Key, usize> =
        keys.iter().enumerate().map(|(place, (key, _))| (*key, place)).collect();
    let mut series: Vec<_> =
        keys.iter().map(|_| Series { name: String::new(), points: Vec::new() }).collect();
    for (point, value) in values {
        let Some(&place) = places.get(&point.key) else { continue };
        let instance = text::clipped(&point.instance, 200);
        let hint = format!("{instance}\n{}\n{}", short_time(point.at), text::number(*value));
        let run = at[&(point.at, point.run.as_deref())];
        series[place].points.push((run, *value, hint));
        series[place].name = instance;
    }
    html! {
        @match lines(metric, &runs, &series) {
            Some(chart) => (chart),
            None => p { "There is nothing to draw: no value is finite." },
        }
        @if others > 0 { p.note { "Not drawn: " (text::count(others, "instance")) " with fewer values. The table has all." } }
    }
}

/// Returns a time without its year.
fn short_time(second: i64) -> String {
    let time = Timestamp::from_second(second);
    time.map(|time| time.strftime("%m-%d %H:%M").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_runs_are_read_if_they_have_many_instances() {
        let read = |instances: &[u64]| read_at_most(instances.iter().copied());
        assert_eq!(read(&[]), 0);
        assert_eq!(read(&[3; 150]), 100);
        assert_eq!(read(&[100_000; 150]), 5);
        // The last one is always read.
        assert_eq!(read(&[u64::MAX, 1]), 1);
        assert_eq!(read(&[0, 0, 400_000, 99_998, 1]), 4);
    }
}
